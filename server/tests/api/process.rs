//! `/api/v1/processes`.

use crate::served::Served;
use sealog_server::access::{KeyPlan, Role};
use sealog_server::config::ProcessType;
use serde_json::{Value, json};

fn step(tenant: &str, id: &str, event: &str, severity: &str) -> Value {
    json!({
        "tenant": tenant, "service": "sync", "activity": "Synchronize", "severity": severity, "request_id": format!("r-{id}"),
        "configuration_id": "c/1", "message": format!("{id} {event}"), "process": {"id": id, "event": event},
    })
}

fn served() -> Served {
    let served = Served::with(|config| {
        config.process_type = vec![ProcessType {
            activity: "Empty".to_owned(),
            cancel: false,
            cancel_link: "/mailboxes".to_owned(),
            test_link: "https://console.example/{configuration_id}/test".to_owned(),
        }];
    });
    let producer = served.key(Role::Producer, &[]);
    for (tenant, id) in [("acme", "p-1"), ("acme", "p-2"), ("other", "p-1"), ("other", "p-3")] {
        served.append(&producer, &step(tenant, id, "started", "information")).is(200);
    }
    served.append(&producer, &step("acme", "p-2", "finished", "warning")).is(200);
    let child = json!({
        "tenant": "acme", "service": "sync", "activity": "Part", "severity": "error", "message": "late",
        "process": {"id": "p-2-a", "parent": "p-2", "event": "started"},
    });
    served.append(&producer, &child).is(200);
    served
}

#[test]
fn lists_are_filtered_and_paged() {
    let served = served();
    let admin = served.key(Role::Admin, &[]);
    let ids = |query: &str| -> Vec<String> {
        let page = served.get(&admin, &format!("/api/v1/processes?{query}")).is(200).json();
        let all = page["processes"].as_array().unwrap().clone();
        all.iter()
            .map(|own| format!("{}/{}", own["tenant"].as_str().unwrap(), own["id"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(ids(""), ["other/p-3", "other/p-1", "acme/p-2", "acme/p-1"]);
    assert_eq!(ids("tenant=acme"), ["acme/p-2", "acme/p-1"]);
    assert_eq!(ids("status=finished"), ["acme/p-2"]);
    assert_eq!(ids("status=running,finished&tenant=acme"), ["acme/p-2", "acme/p-1"]);
    assert_eq!(ids("min_severity=error"), ["acme/p-2"], "that of a sub-process counts");
    assert_eq!(ids("request_id=r-p-3"), ["other/p-3"]);
    assert_eq!(ids("activity=Other").len(), 0);
    assert_eq!(ids("finished_from=2020-01-01"), ["acme/p-2"]);
    assert_eq!(ids("to=2020-01-01").len(), 0);
    let first = served.get(&admin, "/api/v1/processes?limit=3").json();
    let next = first["next"].as_str().unwrap();
    assert_eq!(ids(&format!("limit=3&cursor={next}")), ["acme/p-1"]);
    let own = served.key(Role::Admin, &["acme"]);
    served.get(&own, &format!("/api/v1/processes?cursor={next}")).refuses(400, "cursor");
    for (query, status, field) in [
        ("status=done", 400, "status"),
        ("finished_to=later", 400, "finished_to"),
        ("limit=1001", 422, "limit"),
        ("service=sync", 422, "service"),
        ("log=audit", 403, "log"),
        ("colour=red", 400, "colour"),
    ] {
        served.get(&admin, &format!("/api/v1/processes?{query}")).refuses(status, field);
    }
}

#[test]
fn one_process_with_its_messages() {
    let served = served();
    let admin = served.key(Role::Admin, &[]);
    let process = served.get(&admin, "/api/v1/processes/p-2").is(200).json();
    assert_eq!((&process["status"], &process["severity"]), (&json!("finished"), &json!("error")));
    assert_eq!((&process["entries"], &process["can_cancel"]), (&json!(3), &json!(false)));
    served.get(&admin, "/api/v1/processes/p-1").refuses(422, "tenant");
    served.get(&admin, "/api/v1/processes/p-1?tenant=other").is(200);
    served.get(&admin, "/api/v1/processes/p-3?tenant=acme").refuses(404, "");
    let messages = served.get(&admin, "/api/v1/processes/p-2/messages").is(200);
    assert_eq!(messages.texts("message"), ["p-2 started", "p-2 finished", "late"]);
    let grave = served.get(&admin, "/api/v1/processes/p-2/messages?min_severity=warning&limit=1").is(200);
    assert_eq!(grave.texts("message"), ["p-2 finished"]);
    let next = grave.json()["next"].as_str().unwrap().to_owned();
    let rest =
        served.get(&admin, &format!("/api/v1/processes/p-2/messages?min_severity=warning&cursor={next}"));
    assert_eq!(rest.texts("message"), ["late"]);
    let own = served.key(Role::Admin, &["acme"]);
    let foreign = served.get(&own, "/api/v1/processes/p-3").refuses(404, "");
    let unknown = served.get(&own, "/api/v1/processes/nothing").refuses(404, "");
    assert_eq!(foreign.body, unknown.body);
    served.get(&own, "/api/v1/processes/p-1").is(200);
    served.get(&own, "/api/v1/processes/p-3/messages").refuses(404, "");
}

#[test]
fn a_process_is_asked_to_stop_and_its_producer_hears_of_it() {
    let served = served();
    let admin = served.key(Role::Admin, &[]);
    let producer = served.key(Role::Producer, &["acme"]);
    let asked = served.get(&producer, "/api/v1/processes/p-1/cancel?wait=0").is(200).json();
    assert_eq!(asked["cancel_requested"], false);
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| served.get(&producer, "/api/v1/processes/p-1/cancel?wait=30").is(200).json());
        let cancelled = served.send("POST", &admin, "/api/v1/processes/p-1/cancel?tenant=acme", &json!({}));
        let cancelled = cancelled.is(200).json();
        assert_eq!(
            (&cancelled["status"], &cancelled["cancel_requested"]),
            (&json!("cancel_requested"), &json!(true))
        );
        assert_eq!(waiting.join().unwrap()["cancel_requested"], true);
    });
    // Twice is once.
    served.send("POST", &admin, "/api/v1/processes/p-1/cancel?tenant=acme", &json!({})).is(200);
    let messages = served.get(&admin, "/api/v1/processes/p-1/messages?tenant=acme").texts("message");
    assert_eq!(messages.len(), 2, "{messages:?}");
    served.send("POST", &admin, "/api/v1/processes/p-2/cancel", &json!({})).refuses(409, "status");
    let emptying = json!({
        "tenant": "acme", "service": "archive", "activity": "Empty", "configuration_id": "a b",
        "process": {"id": "e-1", "event": "started"},
    });
    served.append(&producer, &emptying).is(200);
    let problem =
        served.send("POST", &admin, "/api/v1/processes/e-1/cancel", &json!({})).refuses(409, "activity");
    assert!(problem.text().contains("/mailboxes"));
    let shown = served.get(&admin, "/api/v1/processes/e-1").json();
    assert_eq!(shown["test_link"], "https://console.example/a%20b/test");
    // Another tenant's process, and another service's of one's own tenant, are unknown ones.
    let elsewhere = served.key_of(&KeyPlan {
        roles: vec![Role::Producer],
        tenants: vec!["acme".to_owned()],
        services: vec!["mail".to_owned()],
        ..KeyPlan::default()
    });
    let unknown = served.get(&producer, "/api/v1/processes/nothing/cancel").refuses(404, "");
    for (key, id) in [(&producer, "p-3"), (&elsewhere, "p-2")] {
        let foreign = served.get(key, &format!("/api/v1/processes/{id}/cancel")).refuses(404, "");
        assert_eq!(foreign.body, unknown.body, "{id}");
    }
    served.get(&producer, "/api/v1/processes/p-1/cancel?wait=61").refuses(422, "wait");
}
