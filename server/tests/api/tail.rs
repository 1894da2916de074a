//! `GET /api/v1/tail`.

use super::two_tenants;
use crate::served::Served;
use sealog_server::access::Role;
use serde_json::json;

#[test]
fn entries_come_as_they_arrive_and_go_on_behind_the_last_one() {
    let served = Served::new();
    two_tenants(&served);
    let (producer, customer) = (served.key(Role::Producer, &[]), served.key(Role::Customer, &["acme"]));
    let say = |tenant: &str, message: &str| {
        let entry = json!({"tenant": tenant, "service": "mail", "activity": "sent", "message": message});
        served.append(&producer, &entry).is(200);
    };
    let mut events = served.follow(&customer, "/api/v1/tail", &[]);
    say("other", "foreign");
    say("acme", "one");
    say("acme", "two");
    let first = events.next().unwrap();
    assert_eq!(first.json()["message"], "one", "nothing of before, and nothing of others");
    assert_eq!(events.next().unwrap().json()["message"], "two");
    drop(events);
    say("acme", "three");
    let mut again = served.follow(&customer, "/api/v1/tail", &[("last-event-id", &first.id)]);
    let messages: Vec<_> = again.by_ref().take(2).map(|event| event.json()["message"].clone()).collect();
    assert_eq!(messages, ["two", "three"]);
    let mut history = served.follow(&customer, "/api/v1/tail?last=1h&severity=error", &[]);
    assert_eq!(history.next().unwrap().json()["message"], "acme 2");
    served
        .get(&served.key(Role::Customer, &["other"]), &format!("/api/v1/tail?cursor={}", first.id))
        .refuses(400, "cursor");
}

#[test]
fn a_key_that_is_revoked_hears_no_more() {
    let served = Served::new();
    two_tenants(&served);
    let key = served.key(Role::Auditor, &[]);
    let mut events = served.follow(&key, "/api/v1/tail?last=1h", &[]);
    assert!(events.next().is_some());
    served.server().keys().file().revoke(key.split('_').nth(1).unwrap()).unwrap();
    // What was on its way comes; then it ends.
    assert!(events.by_ref().count() < 6);
}

#[test]
fn a_server_that_stops_ends_what_it_can_and_leaves_a_whole_store() {
    let served = Served::new();
    two_tenants(&served);
    let key = served.key(Role::Auditor, &[]);
    let events = served.follow(&key, "/api/v1/tail", &[]);
    let directory = served.stop();
    assert_eq!(events.count(), 0);
    let disk = sealog_engine::disk::DirectoryDisk::new(directory.path());
    assert!(sealog_engine::verify::verify(&disk, &Default::default(), |_| {}).unwrap().valid);
}
