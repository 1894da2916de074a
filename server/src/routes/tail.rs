//! `GET /api/v1/tail`: entries as they arrive, as server-sent events.

use crate::http::accept::stopped;
use crate::http::events::{self, Event, Events};
use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::{Question, ask};
use crate::server::Server;
use sealog_engine::model::Timestamp;
use sealog_engine::scan::{Arrived, Scope, Tail, TimeField};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// Entries that are read together.
const PAGE_ENTRIES: u64 = 500;
/// Whoever is further behind is told what was left out.
const LAG_MAX_NS: i64 = 10_000_000_000;
/// Everybody between is told that the connection lives.
const BEAT: Duration = Duration::from_secs(15);
/// How soon a key that was revoked ends what it follows.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Serialize)]
struct Dropped {
    /// A scan behind this gives what was left out.
    from: Option<String>,
    until: Timestamp,
    entries: u64,
}

pub(super) async fn tail(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let mut parameters = Parameters::parse(&call.query)?;
    let cursor = parameters.take("cursor")?;
    let cursor = call.header("last-event-id").map(str::to_owned).or(cursor);
    let question = ask(&server, &call, &mut parameters, "/api/v1/tail")?;
    parameters.end()?;
    let after = super::entries::place(&server, &question, cursor.as_deref())?;
    let permit = server.work.tail()?;
    let (answer, events) = events::answer(Duration::from_secs(server.config.limits.wait_seconds));
    let scope = question.reading.scope.clone();
    let filter = question.filter.clone();
    let begins_earlier = filter.window.from.is_some() && filter.by == TimeField::LoggedAt;
    let key = question.principal.id().to_owned();
    let own = Arc::clone(&server);
    let begin = move || {
        own.note_read(&question.principal, &question.read);
        let tail = match after {
            Some(after) => Tail::behind(Some(after), scope.clone(), filter, LAG_MAX_NS),
            None if begins_earlier => Tail::behind(None, scope.clone(), filter, LAG_MAX_NS),
            None => Tail::from_now(own.store.view(), scope.clone(), filter, LAG_MAX_NS),
        };
        (tail, scope, question)
    };
    let (tail, scope, question) = server.work.read(&key, begin).await?;
    tokio::spawn(follow(server, tail, scope, question, events, permit));
    Ok(answer)
}

async fn follow(
    server: Arc<Server>,
    mut tail: Tail,
    scope: Scope,
    question: Question,
    events: Events,
    _permit: OwnedSemaphorePermit,
) {
    let key = question.principal.id();
    let (mut arrivals, mut stop) = (server.arrivals.clone(), server.stop.clone());
    let mut told = Instant::now();
    // The first bytes say that it began.
    if !events.send(b": following\nretry: 1000\n\n".to_vec()).await {
        return;
    }
    while server.keys.get(key).is_some() && !*stop.borrow() {
        arrivals.mark_unchanged();
        let (own, scope) = (Arc::clone(&server), scope.clone());
        let poll = move || {
            let arrived = tail.poll(own.store.view(), PAGE_ENTRIES);
            let bytes = written(&own, &scope, &arrived);
            (tail, bytes, arrived.hits.len() as u64 >= PAGE_ENTRIES)
        };
        let Ok((own, bytes, is_full)) = server.work.read(key, poll).await else { return };
        tail = own;
        if !bytes.is_empty() {
            told = Instant::now();
            if !events.send(bytes).await {
                return;
            }
        }
        if is_full {
            continue;
        }
        loop {
            let is_over = tokio::select! {
                _ = arrivals.changed() => break,
                () = events.gone() => true,
                () = stopped(&mut stop) => true,
                () = tokio::time::sleep(LOOK) => server.keys.get(key).is_none(),
            };
            if is_over {
                return;
            }
            if told.elapsed() >= BEAT {
                told = Instant::now();
                if !events.beat().await {
                    return;
                }
            }
        }
    }
}

/// What arrived, as events.
fn written(server: &Server, scope: &Scope, arrived: &Arrived) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(dropped) = &arrived.dropped {
        let from = dropped.from.as_ref().map(|place| server.store.cursor(place, scope));
        let told = Dropped { from, until: dropped.until, entries: dropped.entries };
        let data = serde_json::to_string(&told).unwrap_or_default();
        Event { kind: "dropped", id: "", data: &data }.write(&mut out);
    }
    for hit in &arrived.hits {
        let (Some(entry), Some(place)) = (hit.committed(), hit.position()) else { continue };
        let data = serde_json::to_string(&entry).unwrap_or_default();
        Event { kind: "", id: &server.store.cursor(&place, scope), data: &data }.write(&mut out);
    }
    for problem in &arrived.problems {
        let data = serde_json::to_string(&crate::question::Unread::from(problem)).unwrap_or_default();
        Event { kind: "problem", id: "", data: &data }.write(&mut out);
    }
    out
}
