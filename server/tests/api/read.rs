//! Entries by pages, as streams and one by one; what they add up to.

use super::two_tenants;
use crate::served::Served;
use sealog_server::access::{KeyPlan, Role};
use serde_json::{Value, json};

#[test]
fn pages_give_everything_once_and_end_as_promised() {
    let served = Served::new();
    two_tenants(&served);
    let auditor = served.key(Role::Auditor, &[]);
    for order in ["desc", "asc"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/entries?order={order}&limit=2{cursor}");
            let page = served.get(&auditor, &path).is(200);
            let entries = page.texts("message");
            let next = page.json()["next"].clone();
            assert!(page.json()["scanned"]["rows"].is_u64() && page.json()["problems"] == json!([]));
            seen.extend(entries.iter().cloned());
            match next.as_str() {
                None => break,
                Some(_) if entries.is_empty() => break,
                Some(next) => cursor = format!("&cursor={next}"),
            }
        }
        let mut expected = vec!["acme 0", "other 0", "acme 1", "other 1", "acme 2", "other 2"];
        if order == "desc" {
            expected.reverse();
        }
        assert_eq!(seen, expected, "{order}");
    }
    let last = served.get(&auditor, "/api/v1/entries?limit=6").json();
    assert_eq!(last["next"], Value::Null, "a descending list ends");
    let all = served.get(&auditor, "/api/v1/entries?order=asc").json();
    let next = all["next"].as_str().unwrap();
    two_tenants(&served);
    let producer = served.key(Role::Producer, &[]);
    served
        .append(&producer, &json!({"tenant": "late", "service": "a", "activity": "x", "message": "late"}))
        .is(200);
    let more = served.get(&auditor, &format!("/api/v1/entries?order=asc&cursor={next}"));
    assert_eq!(more.texts("message"), ["late"], "what had come before is no new entry");
}

#[test]
fn a_customer_sees_own_entries_and_a_foreign_one_is_an_unknown_one() {
    let served = Served::new();
    two_tenants(&served);
    let (own, auditor) = (served.key(Role::Customer, &["acme"]), served.key(Role::Auditor, &[]));
    let seen = served.get(&own, "/api/v1/entries").is(200);
    assert_eq!(seen.texts("tenant"), ["acme"; 3]);
    for path in ["/api/v1/entries?tenant=other", "/api/v1/entries?tenant=nobody"] {
        assert_eq!(served.get(&own, path).is(200).json()["entries"], json!([]));
    }
    let facets =
        |tenant: &str| served.get(&own, &format!("/api/v1/facets?field=tenant&tenant={tenant}")).is(200).body;
    assert_eq!(facets("other"), facets("nobody"));
    let histogram =
        |tenant: &str| served.get(&own, &format!("/api/v1/histogram?bucket=1d&tenant={tenant}")).is(200).body;
    assert_eq!(histogram("other"), histogram("nobody"));
    // Their place in the chain is no secret, what is there is.
    let all = served.get(&auditor, "/api/v1/entries?order=asc").json();
    for entry in all["entries"].as_array().unwrap() {
        let reply = served.get(&own, &format!("/api/v1/entries/mail/{}", entry["seq"]));
        if entry["tenant"] == "acme" {
            assert_eq!(&reply.is(200).json(), entry);
        } else {
            let unknown = served.get(&own, "/api/v1/entries/mail/999").refuses(404, "");
            let no_service = served.get(&own, "/api/v1/entries/nothing/0").refuses(404, "");
            let foreign = reply.refuses(404, "");
            assert_eq!(foreign.body, unknown.body);
            assert_eq!(foreign.body, no_service.body);
            let names = |reply: &crate::served::Reply| {
                reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>()
            };
            assert_eq!(names(&foreign), names(&unknown));
        }
    }
    let within = served.key_of(&KeyPlan {
        roles: vec![Role::Customer],
        tenants: vec!["acme".to_owned()],
        organizations: vec!["o1".to_owned()],
        ..KeyPlan::default()
    });
    assert_eq!(served.get(&within, "/api/v1/entries").texts("message"), ["acme 1"]);
    let peer = served.key_of(&KeyPlan {
        roles: vec![Role::Customer],
        tenants: vec!["acme".to_owned()],
        peers: vec!["other".to_owned()],
        ..KeyPlan::default()
    });
    assert_eq!(served.get(&peer, "/api/v1/entries").texts("tenant").len(), 6);
}

#[test]
fn a_cursor_is_good_for_the_access_that_it_was_given_to() {
    let served = Served::new();
    two_tenants(&served);
    let (acme, other) = (served.key(Role::Customer, &["acme"]), served.key(Role::Customer, &["other"]));
    let cursor = served.get(&acme, "/api/v1/entries?limit=1").json()["next"].as_str().unwrap().to_owned();
    assert_eq!(served.get(&acme, &format!("/api/v1/entries?cursor={cursor}")).texts("message").len(), 2);
    let twin = served.key(Role::Customer, &["acme"]);
    served.get(&twin, &format!("/api/v1/entries?cursor={cursor}")).is(200);
    served.get(&other, &format!("/api/v1/entries?cursor={cursor}")).refuses(400, "cursor");
    for bad in ["x", "00", &cursor[1..], &"0".repeat(5000)] {
        served.get(&acme, &format!("/api/v1/entries?cursor={bad}")).refuses(400, "cursor");
    }
}

#[test]
fn each_log_has_its_readers() {
    let served = Served::new();
    two_tenants(&served);
    let producer = served.key(Role::Producer, &[]);
    served
        .append(&producer, &json!({"tenant": "acme", "service": "sync", "activity": "Sync", "message": "began", "process": {"id": "p", "event": "started"}}))
        .is(200);
    let keys = [
        (served.key(Role::Auditor, &[]), "audit", 6),
        (served.key(Role::Customer, &["acme"]), "customer", 3),
        (served.key(Role::Admin, &[]), "process", 1),
    ];
    for (key, own, count) in &keys {
        assert_eq!(served.get(key, "/api/v1/entries").texts("message").len(), *count, "{own}");
        for log in ["audit", "customer", "process", "all"] {
            let reply = served.get(key, &format!("/api/v1/entries?log={log}"));
            if log == *own {
                assert_eq!(reply.is(200).texts("message").len(), *count);
            } else {
                reply.refuses(403, "log");
            }
        }
    }
    let both = served.key_of(&KeyPlan { roles: vec![Role::Auditor, Role::Admin], ..KeyPlan::default() });
    assert_eq!(served.get(&both, "/api/v1/entries?log=all").texts("message").len(), 7);
    for path in ["/api/v1/entries", "/api/v1/tail", "/api/v1/facets?field=activity", "/api/v1/export"] {
        served.get(&producer, path).refuses(403, "");
    }
}

#[test]
fn a_parameter_that_is_wrong_is_named() {
    let served = Served::new();
    let key = served.key(Role::Auditor, &[]);
    for (query, status, field) in [
        ("severity=loud", 400, "severity"),
        ("min_severity=loud", 400, "min_severity"),
        ("success=maybe", 400, "success"),
        ("last=1y", 400, "last"),
        ("from=yesterday", 400, "from"),
        ("from=2026-01-02&to=2026-01-01", 422, "from"),
        ("last=1d&from=2026-01-01", 422, "last"),
        ("tenant=", 400, "tenant"),
        ("by=clock", 400, "by"),
        ("log=everything", 400, "log"),
        ("order=up", 400, "order"),
        ("limit=0", 422, "limit"),
        ("limit=10001", 422, "limit"),
        ("limit=many", 400, "limit"),
        ("limit=1&limit=2", 400, "limit"),
        ("colour=red", 400, "colour"),
        ("search=%ff", 400, "search"),
    ] {
        served.get(&key, &format!("/api/v1/entries?{query}")).refuses(status, field);
    }
    for (path, status, field) in [
        ("/api/v1/histogram?bucket=7m", 400, "bucket"),
        ("/api/v1/histogram?bucket=1s&from=2020-01-01&to=2026-01-01", 422, "bucket"),
        ("/api/v1/facets", 400, "field"),
        ("/api/v1/facets?field=message", 400, "field"),
        ("/api/v1/facets?field=activity&limit=0", 422, "limit"),
        ("/api/v1/export?format=pdf", 400, "format"),
        ("/api/v1/tail?cursor=x", 400, "cursor"),
    ] {
        served.get(&key, path).refuses(status, field);
    }
}

#[test]
fn filters_mean_what_they_mean_in_the_command() {
    let served = Served::new();
    two_tenants(&served);
    let key = served.key(Role::Auditor, &[]);
    for (query, count) in [
        ("min_severity=warning", 2),
        ("min-severity=warning", 2),
        ("severity=error,warning", 2),
        ("tenant=acme&tenant=other", 6),
        ("tenant=acme&organization=o1", 1),
        ("search=ACME%201", 1),
        ("search=acme+1", 1),
        ("service=nothing", 0),
        ("last=1h", 6),
        ("to=2020-01-01", 0),
    ] {
        let found = served.get(&key, &format!("/api/v1/entries?{query}")).is(200);
        assert_eq!(found.texts("message").len(), count, "{query}");
    }
}

#[test]
fn streams_and_exports_give_all_of_it() {
    let served = Served::new();
    let producer = served.key(Role::Producer, &[]);
    let many: Vec<Value> = (0..3_000)
        .map(|number| json!({"tenant": "acme", "service": "s", "activity": "=1+1", "message": format!("m{number}")}))
        .collect();
    served.append(&producer, &json!(many)).is(200);
    let key = served.key(Role::Customer, &["acme"]);
    let bearer = format!("Bearer {key}");
    let accepting = |accept: &str| {
        let headers = [("authorization", &*bearer), ("accept", accept)];
        served.ask("GET", "/api/v1/entries?order=asc", &headers, b"").is(200)
    };
    let lines = accepting("application/x-ndjson");
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert_eq!(lines.lines().len(), 3_000);
    assert_eq!(lines.lines()[2_999]["message"], "m2999");
    let csv = accepting("text/csv");
    assert!(csv.header("content-type").starts_with("text/csv"));
    let mut reader = csv::Reader::from_reader(&*csv.body);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3_000);
    assert_eq!(&rows[0][10], "'=1+1", "a spreadsheet runs nothing");
    for (format, name) in [("ndjson", ".ndjson"), ("csv", ".csv"), ("json", ".json")] {
        let export = served.get(&key, &format!("/api/v1/export?format={format}")).is(200);
        let disposition = export.header("content-disposition");
        assert!(disposition.starts_with("attachment; ") && disposition.contains(name), "{disposition}");
        if format == "json" {
            assert_eq!(export.json().as_array().unwrap().len(), 3_000);
        }
    }
    for coding in ["gzip", "zstd"] {
        let headers = [("authorization", &*bearer), ("accept-encoding", coding)];
        let page = served.ask("GET", "/api/v1/entries?limit=1000", &headers, b"").is(200);
        assert_eq!(page.header("content-encoding"), coding);
        assert!(page.body.len() < 50_000);
    }
}

#[test]
fn sums_are_those_of_the_entries() {
    let served = Served::new();
    two_tenants(&served);
    let key = served.key(Role::Auditor, &[]);
    let facets = served.get(&key, "/api/v1/facets?field=tenant").is(200).json();
    assert_eq!(facets["values"], json!([{"value": "acme", "count": 3}, {"value": "other", "count": 3}]));
    let facets = served.get(&key, "/api/v1/facets?field=severity&tenant=acme&limit=1").is(200).json();
    assert_eq!(facets["values"], json!([{"value": "information", "count": 2}]));
    assert_eq!(facets["others"], 1);
    for query in ["bucket=1h", "bucket=1d&tz=Europe/Berlin", "last=1d"] {
        let histogram = served.get(&key, &format!("/api/v1/histogram?{query}")).is(200).json();
        let buckets = histogram["buckets"].as_array().unwrap();
        let sum = |name: &str| buckets.iter().map(|bucket| bucket[name].as_u64().unwrap()).sum::<u64>();
        assert_eq!((sum("information"), sum("error"), sum("fatal")), (4, 2, 0), "{query}");
        assert!(buckets[0]["start"].as_str().unwrap().ends_with('Z'));
    }
}

#[test]
fn one_entry_has_a_tag() {
    let served = Served::new();
    two_tenants(&served);
    let key = served.key(Role::Auditor, &[]);
    let entry = served.get(&key, "/api/v1/entries/mail/0").is(200);
    let headers = [("authorization", &*format!("Bearer {key}")), ("if-none-match", entry.header("etag"))];
    let again = served.ask("GET", "/api/v1/entries/mail/0", &headers, b"").is(304);
    assert!(again.body.is_empty());
    served.get(&key, "/api/v1/entries/mail/minus").refuses(404, "");
}

#[test]
fn who_reads_is_noted_and_what_they_looked_for_is_not() {
    let served = Served::new();
    two_tenants(&served);
    let (auditor, customer) = (served.key(Role::Auditor, &[]), served.key(Role::Customer, &["acme"]));
    served.get(&customer, "/api/v1/entries?search=hidden&limit=2").is(200);
    served.get(&auditor, "/api/v1/entries?tenant=acme&search=hidden").is(200);
    let noted = served.get(&auditor, "/api/v1/entries?service=sealog.access&order=asc").is(200);
    assert_eq!(noted.texts("tenant"), ["acme", "sealog"]);
    assert!(!noted.text().contains("hidden"));
    let entries = noted.json();
    assert_eq!(entries["entries"][0]["attributes"], json!({"filters": "search", "rows": "0"}));
    assert_eq!(entries["entries"][1]["attributes"]["tenants"], "acme");
    assert_eq!(entries["entries"][0]["object"]["id"], "/api/v1/entries");
    // A customer finds reads of their own entries, by themselves.
    let own = served.get(&customer, "/api/v1/entries?service=sealog.access").is(200);
    assert_eq!(own.texts("tenant"), ["acme"]);
}

#[test]
fn a_file_goes_to_whoever_may_read_an_entry_that_names_it() {
    let served = Served::new();
    let producer = served.key(Role::Producer, &["acme"]);
    let bearer = format!("Bearer {producer}");
    let put = |path: &str| served.ask("PUT", path, &[("authorization", &bearer)], b"%PDF <script>");
    let kept = put("/api/v1/artifacts?tenant=acme").is(200).json();
    assert_eq!(kept["size"], 13);
    put("/api/v1/artifacts?tenant=other").refuses(403, "tenant");
    put("/api/v1/artifacts?tenant=sealog").refuses(422, "tenant");
    let entry = |sha256: &str, media_type: &str| json!({"service": "reports", "activity": "Report", "artifact": {"sha256": sha256, "name": "../a\"b.pdf", "media_type": media_type}});
    let sha256 = kept["sha256"].as_str().unwrap();
    served.append(&producer, &entry(sha256, "application/pdf")).is(200);
    served.append(&producer, &entry(&"0".repeat(64), "a\r\nb")).is(200);
    served.append(&producer, &json!({"service": "reports", "activity": "None"})).is(200);
    let (own, other) = (served.key(Role::Customer, &["acme"]), served.key(Role::Customer, &["other"]));
    let file = served.get(&own, "/api/v1/entries/reports/0/artifact").is(200);
    assert_eq!(file.body, b"%PDF <script>");
    assert_eq!(file.header("content-type"), "application/pdf");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"a_b.pdf\""));
    for path in ["reports/1", "reports/2", "reports/9", "nothing/0"] {
        served.get(&own, &format!("/api/v1/entries/{path}/artifact")).refuses(404, "");
    }
    let foreign = served.get(&other, "/api/v1/entries/reports/0/artifact").refuses(404, "");
    assert_eq!(foreign.body, served.get(&other, "/api/v1/entries/reports/9/artifact").body);
    // The same bytes of another tenant are another file.
    let elsewhere = served.key(Role::Producer, &["other"]);
    served.append(&elsewhere, &entry(sha256, "application/pdf")).is(200);
    served.get(&other, "/api/v1/entries/reports/3/artifact").refuses(404, "");
}
