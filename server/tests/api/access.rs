//! Who may do what: every route, every role.

use crate::served::Served;
use sealog_server::access::policy::{ROWS, Rule};
use sealog_server::access::{KeyPlan, Role};
use serde_json::json;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

#[test]
fn every_route_lets_its_roles_through_and_nobody_else() {
    let served = Served::new();
    let keys: Vec<(Role, String)> =
        Role::ALL.into_iter().map(|role| (role, served.key(role, &["acme"]))).collect();
    for (method, path, rule) in ROWS {
        // Following would not end; signing out is not for programs.
        if matches!(*path, "/api/v1/tail" | "/signout") || path.ends_with("/cancel") {
            continue;
        }
        let asked =
            path.replace("{service}", "mail").replace("{seq}", "0").replace("{id}", "x").replace("{*}", "x");
        let ask = |key: Option<&str>| {
            let bearer = key.map(|key| format!("Bearer {key}")).unwrap_or_default();
            let mut headers = vec![("content-type", "application/json")];
            if key.is_some() {
                headers.push(("authorization", &*bearer));
            }
            let body: &[u8] = if *method == "GET" { b"" } else { b"{}" };
            served.ask(method, &asked, &headers, body).status
        };
        let open = matches!(rule, Rule::Open | Rule::Operator);
        let unknown = ask(None);
        assert_eq!(unknown == 401, !open, "{method} {path} without a key: {unknown}");
        let wrong = format!("slg_{}_{}", "0".repeat(12), "0".repeat(64));
        assert_eq!(ask(Some(&wrong)) == 401, !open, "{method} {path} with a wrong key");
        for (role, key) in &keys {
            let may = match rule {
                Rule::Open | Rule::Known | Rule::Operator => true,
                Rule::Any(roles) => roles.contains(role),
            };
            let status = ask(Some(key));
            assert_eq!(status != 403, may, "{method} {path} as {}: {status}", role.name());
            assert!(status < 500, "{method} {path} as {}: {status}", role.name());
        }
    }
}

#[test]
fn a_key_that_is_revoked_or_over_is_no_key_within_a_second() {
    let served = Served::new();
    let key = served.key(Role::Auditor, &[]);
    served.get(&key, "/api/v1/me").is(200);
    let id = key.split('_').nth(1).unwrap();
    // As another process does it.
    let disk = sealog_engine::disk::DirectoryDisk::new(served.directory());
    sealog_server::access::KeyFile::new(std::sync::Arc::new(disk)).revoke(id).unwrap();
    let began = Instant::now();
    while served.get(&key, "/api/v1/me").status != 401 {
        assert!(began.elapsed() < Duration::from_secs(1), "still a key after a second");
    }
    let over = KeyPlan {
        roles: vec![Role::Auditor],
        expires: Some(sealog_server::access::key::WireTime(sealog_engine::model::Timestamp::from_nanos(1))),
        ..KeyPlan::default()
    };
    let over = served.key_of(&over);
    served.get(&over, "/api/v1/me").refuses(401, "");
}

#[test]
fn keys_are_made_and_revoked_over_http_and_never_shown_again() {
    let served = Served::new();
    let (admin, auditor) = (served.key(Role::Admin, &[]), served.key(Role::Auditor, &[]));
    let made =
        served.send("POST", &admin, "/api/v1/keys", &json!({"roles": ["customer"], "tenants": ["acme"]}));
    let made = made.is(200).json();
    let text = made["key"].as_str().unwrap();
    assert_eq!(served.get(text, "/api/v1/me").is(200).json()["tenants"], json!(["acme"]));
    let listed = served.get(&auditor, "/api/v1/keys").is(200);
    assert_eq!(listed.json()["keys"].as_array().unwrap().len(), 3);
    assert!(!listed.text().contains(&text[17..]) && !listed.text().contains("hash"));
    served.send("POST", &auditor, "/api/v1/keys", &json!({"roles": ["admin"]})).refuses(403, "");
    served.send("POST", &admin, "/api/v1/keys", &json!({"roles": ["customer"]})).refuses(422, "tenants");
    served.send("POST", &admin, "/api/v1/keys", &json!({"rolls": ["customer"]})).refuses(400, "body");
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let headers = [("authorization", &*format!("Bearer {admin}"))];
    served.ask("DELETE", &path, &headers, b"").is(200);
    served.get(text, "/api/v1/me").refuses(401, "");
    served.ask("DELETE", "/api/v1/keys/nothing", &headers, b"").refuses(404, "");
}

#[test]
fn what_is_no_route_and_what_is_slow_is_ended() {
    let served = Served::with(|config| config.limits.header_seconds = 1);
    let key = served.key(Role::Auditor, &[]);
    served.get(&key, "/api/v1/nothing").refuses(404, "");
    served.send("PUT", &key, "/api/v1/entries", &json!({})).refuses(405, "");
    served.get(&key, "/assets/..%2f..%2fCargo.toml").refuses(404, "");
    let mut slow = std::net::TcpStream::connect(served.host()).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n").unwrap();
    let began = Instant::now();
    let mut rest = Vec::new();
    slow.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let _ = slow.read_to_end(&mut rest);
    assert!(began.elapsed() < Duration::from_secs(10), "a head that does not come is not waited for");
}

#[test]
fn operators_are_told_how_it_is() {
    let served = Served::new();
    super::two_tenants(&served);
    assert_eq!(served.ask("GET", "/healthz", &[], b"").is(200).json()["status"], "ok");
    assert_eq!(served.ask("GET", "/readyz", &[], b"").is(200).json()["status"], "ready");
    let auditor = served.key(Role::Auditor, &[]);
    let report =
        served.send("POST", &auditor, "/api/v1/verify", &json!({"services": ["mail"]})).is(200).json();
    assert_eq!((&report["valid"], &report["chains"][0]["service"]), (&json!(true), &json!("mail")));
    served.send("POST", &auditor, "/api/v1/verify", &json!({"last": "1y"})).refuses(400, "last");
    served.send("POST", &auditor, "/api/v1/verify", &json!({"first": "1d"})).refuses(400, "body");
    let metrics = served.ask("GET", "/metrics", &[], b"").is(200);
    for line in [
        "sealog_chain_entries{service=\"mail\"} 6",
        "sealog_verification_valid 1",
        "sealog_poisoned 0",
        "sealog_appended_entries_total 6",
    ] {
        assert!(metrics.text().contains(line), "{line}: {}", metrics.text());
    }
    let chains = served.get(&auditor, "/api/v1/chains").is(200).json();
    let mail = &chains["chains"][0];
    assert_eq!((&mail["service"], &mail["size"], &mail["entries"]), (&json!("mail"), &json!(6), &json!(6)));
    assert_eq!(mail["last_verification"]["valid"], true);
    assert_eq!(&served.get(&auditor, "/api/v1/chains/mail").is(200).json()["head"], &mail["head"]);
    served.get(&auditor, "/api/v1/chains/nothing").refuses(404, "");
    let admin = served.key(Role::Admin, &[]);
    let heads = served.get(&admin, "/api/v1/chains").is(200).json();
    assert!(heads["chains"][0]["head"].is_string() && heads["chains"][0]["entries"].is_null(), "heads alone");
}

#[test]
fn verification_tells_how_far_it_is() {
    let served = Served::new();
    super::two_tenants(&served);
    let auditor = served.key(Role::Auditor, &[]);
    let headers = [("authorization", &*format!("Bearer {auditor}")), ("accept", "text/event-stream")];
    let reply = served.ask("POST", "/api/v1/verify", &headers, b"{}").is(200);
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let (_, report) = reply.text().rsplit_once("event: report\ndata: ").unwrap();
    let report: serde_json::Value = serde_json::from_str(report.trim()).unwrap();
    assert_eq!(report["valid"], true);
}

#[test]
fn names_are_told_within_the_tenants_that_somebody_sees() {
    let served = Served::new();
    let producer = served.key(Role::Producer, &["acme"]);
    let names = json!([{"kind": "user", "id": "u-1", "name": "Ann"}, {"tenant": "acme", "kind": "user", "id": "u-2", "name": "Bob"}]);
    served.send("PUT", &producer, "/api/v1/names", &names).is(204);
    let foreign = json!([{"tenant": "other", "kind": "user", "id": "u-1", "name": "Eve"}]);
    served.send("PUT", &producer, "/api/v1/names", &foreign).refuses(403, "tenant");
    served.send("PUT", &producer, "/api/v1/names", &json!([{"id": "", "name": "x"}])).refuses(422, "id");
    let ask = |key: &str| {
        served.send("POST", key, "/api/v1/resolve", &json!({"ids": ["u-1", "u-2", "u-3"]})).is(200).json()
    };
    let (own, other) = (served.key(Role::Customer, &["acme"]), served.key(Role::Customer, &["other"]));
    assert_eq!(ask(&own), json!({"names": {"u-1": "Ann", "u-2": "Bob"}}));
    assert_eq!(ask(&other), json!({"names": {}}));
    served
        .send("PUT", &producer, "/api/v1/names", &json!([{"kind": "user", "id": "u-1", "name": "Anna"}]))
        .is(204);
    assert_eq!(ask(&own)["names"]["u-1"], "Anna");
}
