//! What the bulk API answers: an item for each action, in their order, each with its own status.

use super::Bulk;
use super::action::Action;
use crate::ingest::problem::{Kind, Problem};
use serde_json::{Value, json};

impl Bulk<'_> {
    /// The answer, with status 200, to a request whose batch is durable. What was refused has an error of its own;
    /// clients send those with status 429 again, and there are none here: what is not taken now never is.
    pub fn answer(&self, took_ms: u64) -> Vec<u8> {
        let mut refused = self.decoded.refused.iter().peekable();
        let items: Vec<Value> = self
            .items
            .iter()
            .enumerate()
            .map(|(index, action)| match refused.next_if(|refusal| refusal.record as usize == index) {
                Some(refusal) => item(action, &refusal.problem),
                None => json!({action.verb.name(): {
                    "_index": action.index,
                    "_id": id(action),
                    "_version": 1,
                    "result": "created",
                    "status": 201,
                }}),
            })
            .collect();
        json!({"took": took_ms, "errors": self.decoded.refused_count > 0, "items": items})
            .to_string()
            .into_bytes()
    }
}

fn item(action: &Action<'_>, problem: &Problem) -> Value {
    json!({action.verb.name(): {
        "_index": action.index,
        "_id": id(action),
        "status": status(problem.kind),
        "error": {"type": kind(status(problem.kind)), "reason": problem.to_string()},
    }})
}

/// `null` where neither the producer nor the log gives one.
fn id<'a>(action: &'a Action<'_>) -> Option<&'a str> {
    Some(&*action.id).filter(|id| !id.is_empty())
}

fn status(problem: Kind) -> u16 {
    match problem {
        Kind::Malformed | Kind::Refused => 400,
        other => other.status(),
    }
}

/// The body of a request that failed as a whole with this HTTP status.
pub fn failure(status: u16, reason: &str) -> Vec<u8> {
    let cause = json!({"type": kind(status), "reason": reason});
    json!({"error": {"root_cause": [cause], "type": kind(status), "reason": reason}, "status": status})
        .to_string()
        .into_bytes()
}

/// The name that Elasticsearch has for such an error.
fn kind(status: u16) -> &'static str {
    match status {
        400 | 413 | 415 => "illegal_argument_exception",
        401 | 403 => "security_exception",
        404 => "resource_not_found_exception",
        409 => "version_conflict_engine_exception",
        429 | 503 => "es_rejected_execution_exception",
        _ => "exception",
    }
}
