//! What producers send who know another protocol: OTLP, Elasticsearch's bulk API, syslog.

use crate::served::{Served, bearer};
use sealog_server::access::{KeyPlan, Role};
use sealog_server::ingest::syslog::SyslogConfig;
use serde_json::{Value, json};
use std::io::Write;
use std::net::{TcpListener, TcpStream};

fn producer(served: &Served) -> String {
    let (roles, tenants) = (vec![Role::Producer], vec!["acme".to_owned()]);
    served.key_of(&KeyPlan { roles, tenants, ..KeyPlan::default() })
}

/// The audit log as an auditor reads it, oldest first.
fn entries(served: &Served) -> Vec<Value> {
    let auditor = served.key(Role::Auditor, &[]);
    let page = served.get(&auditor, "/api/v1/entries?order=asc&limit=1000").is(200).json();
    page["entries"].as_array().unwrap().clone()
}

fn logs(records: &Value) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "mail"}}]},
        "scopeLogs": [{"logRecords": records}],
    }]})
}

#[test]
fn otlp_logs_are_durable_entries_when_they_are_answered_and_refused_ones_are_counted() {
    let served = Served::new();
    let key = producer(&served);
    let good = json!({
        "timeUnixNano": "1767225600000000000", "severityNumber": 13, "body": {"stringValue": "quota is low"},
        "traceId": "5b8efff798038103d269b633813fc60c", "eventName": "quota",
    });
    let foreign = json!({"body": {"stringValue": "x"}, "attributes": []});
    let answer = served.send("POST", &key, "/v1/logs", &logs(&json!([good, foreign]))).is(200).json();
    assert_eq!(answer, json!({}));
    // Another tenant's than the key's are not taken, and the others are.
    let body = json!({"resourceLogs": [
        {"resource": {"attributes": [{"key": "tenant.id", "value": {"stringValue": "other"}}]},
         "scopeLogs": [{"logRecords": [{"body": {"stringValue": "not mine"}}]}]},
        {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "mail"}}]},
         "scopeLogs": [{"logRecords": [{"body": {"stringValue": "mine"}}]}]},
    ]});
    let answer = served.send("POST", &key, "/v1/logs", &body).is(200).json();
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1", "{answer}");
    let found = entries(&served);
    let messages: Vec<&str> = found.iter().map(|own| own["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["quota is low", "x", "mine"]);
    assert_eq!(found[0]["tenant"], "acme");
    assert_eq!(found[0]["severity"], "warning");
    assert_eq!(found[0]["activity"], "quota");
    assert_eq!(found[0]["request_id"], "5b8efff798038103d269b633813fc60c");
    // What is no OTLP writes nothing.
    served.send("POST", &key, "/v1/logs", &json!({"resourceLogs": 7})).is(400);
    let headers = [("authorization", &*bearer(&key)), ("content-type", "text/plain")];
    served.ask("POST", "/v1/logs", &headers, b"x").is(415);
    served.send("POST", &served.key(Role::Auditor, &[]), "/v1/logs", &logs(&json!([]))).is(403);
    assert_eq!(entries(&served).len(), 3);
}

#[test]
fn bulk_items_are_answered_one_by_one_and_an_id_is_stored_once() {
    let served = Served::new();
    let key = producer(&served);
    let send = |lines: &str| {
        let scheme = format!("ApiKey {key}");
        let headers = [("authorization", &*scheme), ("content-type", "application/x-ndjson")];
        served.ask("POST", "/_bulk", &headers, lines.as_bytes()).is(200).json()
    };
    let first = send(
        "{\"create\":{\"_index\":\"mail\",\"_id\":\"1\"}}\n{\"message\":\"one\"}\n\
         {\"delete\":{\"_index\":\"mail\",\"_id\":\"0\"}}\n\
         {\"index\":{\"_index\":\"mail\",\"_id\":\"2\"}}\n{\"message\":\"two\",\"log.level\":\"error\"}\n",
    );
    assert_eq!(first["errors"], true);
    let statuses: Vec<Value> = first["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_object().unwrap().values().next().unwrap()["status"].clone())
        .collect();
    assert_eq!(statuses, [json!(201), json!(400), json!(201)]);
    // Sent again it is stored once; the same ID with other content is refused, and the rest is taken.
    let again = send(
        "{\"create\":{\"_index\":\"mail\",\"_id\":\"1\"}}\n{\"message\":\"one\"}\n\
         {\"create\":{\"_index\":\"mail\",\"_id\":\"2\"}}\n{\"message\":\"another\"}\n\
         {\"create\":{\"_index\":\"mail\",\"_id\":\"3\"}}\n{\"message\":\"three\"}\n",
    );
    assert_eq!(again["items"][1]["create"]["status"], 409, "{again}");
    assert_eq!(again["items"][2]["create"]["status"], 201, "{again}");
    let found = entries(&served);
    let messages: Vec<&str> = found.iter().map(|own| own["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["one", "two", "three"]);
    assert_eq!(found[1]["severity"], "error");
    // Who asks what product this is.
    let about = served.get(&key, "/").is(200);
    assert_eq!(about.header("x-elastic-product"), "Elasticsearch");
    served.get(&key, "/_license").is(200);
}

#[test]
fn a_syslog_listener_of_the_configuration_appends_what_it_is_sent() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let served = Served::with(|config| {
        let listener = json!({"listen": format!("127.0.0.1:{port}"), "protocol": "tcp", "tenant": "acme"});
        let listener: SyslogConfig = serde_json::from_value(listener).unwrap();
        config.syslog.push(listener);
    });
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let message = "<165>1 2026-01-01T00:00:00Z host su - ID47 - 'su root' failed";
    writeln!(stream, "{} {message}{message}", message.len()).unwrap();
    drop(stream);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let found = entries(&served);
        if found.len() == 2 {
            assert!(
                found.iter().all(|own| own["tenant"] == "acme" && own["message"] == "'su root' failed"),
                "{found:?}"
            );
            break;
        }
        assert!(std::time::Instant::now() < until, "{found:?}");
        std::thread::yield_now();
    }
    served.stop();
}
