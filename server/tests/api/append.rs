//! `POST /api/v1/entries`.

use crate::served::Served;
use sealog_server::access::{KeyPlan, Role};
use serde_json::{Value, json};
use std::io::Write;

fn entry() -> Value {
    json!({"tenant": "acme", "service": "mail", "activity": "sent"})
}

#[test]
fn an_object_an_array_and_lines_are_durable_when_they_are_answered() {
    let served = Served::new();
    let key = served.key(Role::Producer, &[]);
    let receipt = served.append(&key, &entry()).is(200).json();
    assert_eq!(receipt["receipts"][0]["service"], "mail");
    assert_eq!(receipt["receipts"][0]["first_seq"], 0);
    assert_eq!(receipt["receipts"][0]["duplicate"], false);
    assert_eq!(receipt["receipts"][0]["head"].as_str().unwrap().len(), 64);
    let mut other = entry();
    other["service"] = "sync".into();
    let receipts = served.append(&key, &json!([entry(), other, entry()])).is(200).json();
    assert_eq!(receipts["receipts"].as_array().unwrap().len(), 2);
    assert_eq!(receipts["receipts"][0]["last_seq"], 2);
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", &*bearer), ("content-type", "application/x-ndjson; charset=utf-8")];
    let lines = format!("{}\r\n\n{}\n", entry(), entry());
    let receipts = served.ask("POST", "/api/v1/entries", &headers, lines.as_bytes()).is(200).json();
    assert_eq!(receipts["receipts"][0]["last_seq"], 4);
    // What was acknowledged is there for whoever opens the files, and verifies.
    let directory = served.stop();
    let disk = sealog_engine::disk::DirectoryDisk::new(directory.path());
    let report = sealog_engine::verify::verify(&disk, &Default::default(), |_| {}).unwrap();
    assert!(report.valid, "{report:?}");
    let sizes: Vec<u64> = report.chains.iter().map(|chain| chain.size).collect();
    assert_eq!(sizes[..2], [5, 1], "{report:?}");
}

#[test]
fn a_refused_batch_leaves_nothing_and_says_which_field_of_which_entry() {
    let served = Served::new();
    let key = served.key(Role::Producer, &[]);
    let with = |name: &str, value: Value| {
        let mut bad = entry();
        bad[name] = value;
        bad
    };
    for (name, value, field) in [
        ("activity", json!(""), "activity"),
        ("tenant", json!(null), "tenant"),
        ("tenant", json!("sealog"), "tenant"),
        ("service", json!("sealog.control"), "service"),
        ("service", json!("a/b"), "service"),
        ("severity", json!("loud"), "severity"),
        ("generated_at", json!("yesterday"), "generated_at"),
        ("success", json!("yes"), "success"),
        ("seq", json!(1), "seq"),
        ("colour", json!("red"), "colour"),
        ("message", json!("x".repeat(70_000)), "message"),
    ] {
        let reply = served.append(&key, &json!([entry(), with(name, value.clone())]));
        let problem = reply.refuses(422, field).json();
        assert_eq!(problem["entry"], 1, "{name} {value}: {problem}");
    }
    for text in ["{", "[{}", "not json", "[1]", "\"text\""] {
        let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
        let reply = served.ask("POST", "/api/v1/entries", &headers, text.as_bytes());
        assert!(matches!(reply.status, 400 | 422), "{text}: {}", reply.text());
    }
    let auditor = served.key(Role::Auditor, &[]);
    assert_eq!(served.get(&auditor, "/api/v1/entries").is(200).json()["entries"], json!([]));
}

#[test]
fn a_key_appends_to_its_own_tenants_and_services_alone() {
    let served = Served::new();
    let key = served.key_of(&KeyPlan {
        roles: vec![Role::Producer],
        tenants: vec!["acme".to_owned()],
        services: vec!["mail".to_owned()],
        ..KeyPlan::default()
    });
    // What the key has only one of need not be said.
    served.append(&key, &json!({"activity": "sent"})).is(200);
    for (name, field) in [("tenant", "tenant"), ("service", "service")] {
        let mut foreign = entry();
        foreign[name] = "foreign".into();
        served.append(&key, &json!([entry(), foreign])).refuses(403, field);
    }
    for role in [Role::Auditor, Role::Admin, Role::Customer] {
        let reader = served.key(role, &["acme"]);
        served.append(&reader, &entry()).refuses(403, "");
    }
    served.ask("POST", "/api/v1/entries", &[("content-type", "application/json")], b"{}").refuses(401, "");
    let auditor = served.key(Role::Auditor, &[]);
    assert_eq!(served.get(&auditor, "/api/v1/entries").json()["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_batch_that_comes_again_is_kept_once() {
    let served = Served::new();
    let (key, other) = (served.key(Role::Producer, &["acme"]), served.key(Role::Producer, &["other"]));
    let send = |key: &str, tenant: &str, message: &str| {
        let headers = [
            ("authorization", &*format!("Bearer {key}")),
            ("content-type", "application/json"),
            ("idempotency-key", "batch-1"),
        ];
        let body = json!({"tenant": tenant, "service": "mail", "activity": "sent", "message": message});
        served.ask("POST", "/api/v1/entries", &headers, body.to_string().as_bytes())
    };
    let first = send(&key, "acme", "one").is(200).json();
    let again = send(&key, "acme", "one").is(200).json();
    assert_eq!(again["receipts"][0]["duplicate"], true);
    assert_eq!(again["receipts"][0]["head"], first["receipts"][0]["head"]);
    send(&key, "acme", "two").refuses(409, "Idempotency-Key");
    // Another producer's key of the same name is another key.
    assert_eq!(send(&other, "other", "two").is(200).json()["receipts"][0]["duplicate"], false);
    let with_id =
        |message: &str| json!([{"id": "e-1", "service": "mail", "activity": "a", "message": message}]);
    served.append(&key, &with_id("one")).is(200);
    assert_eq!(served.append(&key, &with_id("one")).is(200).json()["receipts"][0]["duplicate"], true);
    let problem = served.append(&key, &with_id("two")).refuses(409, "id").json();
    assert_eq!(problem["entry"], 0);
}

#[test]
fn packed_bodies_are_bounded_behind_their_packing() {
    let served = Served::with(|config| config.limits.body_bytes = 100_000);
    let key = served.key(Role::Producer, &[]);
    let send = |coding: &str, body: &[u8]| {
        let headers = [
            ("authorization", &*format!("Bearer {key}")),
            ("content-type", "application/json"),
            ("content-encoding", coding),
        ];
        served.ask("POST", "/api/v1/entries", &headers, body)
    };
    let plain = entry().to_string();
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |text: &[u8]| zstd::encode_all(text, 3).unwrap();
    send("gzip", &gzip(plain.as_bytes())).is(200);
    send("zstd", &zstd(plain.as_bytes())).is(200);
    let zeros = vec![b' '; 64 << 20];
    send("gzip", &gzip(&zeros)).refuses(413, "");
    send("zstd", &zstd(&zeros)).refuses(413, "");
    send("identity", &zeros[..200_000]).refuses(413, "");
    send("gzip", plain.as_bytes()).refuses(400, "Content-Encoding");
    send("zstd", &zstd(plain.as_bytes())[..20]).refuses(400, "Content-Encoding");
    send("br", plain.as_bytes()).refuses(415, "Content-Encoding");
    let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "text/plain")];
    served.ask("POST", "/api/v1/entries", &headers, plain.as_bytes()).refuses(415, "Content-Type");
}

#[test]
fn a_key_that_used_its_second_is_told_to_wait() {
    let served = Served::with(|config| config.rates.requests_per_second = 2);
    let key = served.key(Role::Producer, &[]);
    let replies: Vec<_> = (0..10).map(|_| served.append(&key, &entry())).collect();
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(!refused.is_empty() && replies.iter().any(|reply| reply.status == 200));
    assert_eq!(refused[0].header("retry-after"), "1");
}
