//! What Elasticsearch's clients ask before they send: which product this is, its licence and health, and whether
//! templates are there. The answers say what a client needs to go on, and nothing of the store.

use serde_json::{Value, json};

/// Clients refuse a server whose answers lack this header: name and value.
pub const PRODUCT_HEADER: (&str, &str) = ("X-Elastic-Product", "Elasticsearch");

/// The version whose bulk API is spoken.
const VERSION: &str = "8.17.0";
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// An answer to such a question, in JSON. That of a `HEAD` has no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The answer to a request for this path, without its query; none if no client asks for it before it sends.
///
/// `GET /` and `HEAD /` are answered too: a caller that serves pages there asks only for those who do not want HTML.
pub fn handshake(method: &str, path: &str) -> Option<Answer> {
    let is_read = matches!(method, "GET" | "HEAD");
    let mut parts = path.trim_matches('/').split('/');
    let body = match (parts.next().unwrap_or_default(), parts.next()) {
        ("", None) if is_read => about(),
        ("_license", None) if is_read => json!({"license": licence()}),
        ("_xpack", None) if is_read => xpack(),
        ("_cluster", Some("health")) if is_read => health(),
        ("_index_template" | "_component_template" | "_template" | "_data_stream", Some(name)) => {
            match method {
                // There is nothing to install: a client that asks is told that it is there.
                "GET" | "HEAD" => {
                    json!({"index_templates": [{"name": name}], "data_streams": [{"name": name}]})
                }
                "PUT" | "POST" => json!({"acknowledged": true}),
                _ => return None,
            }
        }
        ("_ilm", Some("policy")) => match method {
            "GET" | "HEAD" => json!({}),
            "PUT" => json!({"acknowledged": true}),
            _ => return None,
        },
        _ => return None,
    };
    let body = if method == "HEAD" { Vec::new() } else { body.to_string().into_bytes() };
    Some(Answer { status: 200, body })
}

fn about() -> Value {
    json!({
        "name": "sealog",
        "cluster_name": "sealog",
        "cluster_uuid": NO_ID,
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "docker",
            "build_hash": "unknown",
            "build_date": "2024-12-11T12:08:05.663969764Z",
            "build_snapshot": false,
            "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    })
}

fn licence() -> Value {
    json!({"status": "active", "uid": NO_ID, "type": "basic", "mode": "basic", "max_nodes": 1, "issuer": "sealog"})
}

fn xpack() -> Value {
    json!({"build": {"hash": "unknown"}, "license": licence(), "features": {}, "tagline": "You know, for X"})
}

fn health() -> Value {
    json!({
        "cluster_name": "sealog",
        "status": "green",
        "timed_out": false,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "active_primary_shards": 1,
        "active_shards": 1,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_what_they_ask_for() {
        for (method, path) in [
            ("GET", "/"),
            ("HEAD", "/"),
            ("GET", "/_license"),
            ("GET", "/_xpack"),
            ("GET", "/_cluster/health"),
            ("GET", "/_cluster/health/mail-api"),
            ("HEAD", "/_index_template/ecs-logstash"),
            ("PUT", "/_index_template/ecs-logstash"),
            ("PUT", "/_data_stream/logs-app"),
            ("PUT", "/_ilm/policy/logs"),
        ] {
            let answer = handshake(method, path).unwrap_or_else(|| panic!("{method} {path}"));
            assert_eq!((answer.status, answer.body.is_empty()), (200, method == "HEAD"), "{method} {path}");
        }
        let about: Value = serde_json::from_slice(&handshake("GET", "/").unwrap().body).unwrap();
        assert_eq!(about["version"]["number"], "8.17.0");
        for (method, path) in
            [("POST", "/"), ("GET", "/_search"), ("DELETE", "/_index_template/x"), ("GET", "/x")]
        {
            assert_eq!(handshake(method, path), None, "{method} {path}");
        }
    }
}
