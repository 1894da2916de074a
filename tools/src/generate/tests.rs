//! Goal: what `generate` writes is what the record model takes, looks like the platform it claims to be, and never
//! changes by itself. Method: generate a few thousand lines, read them back with serde_json into a strict mirror
//! of the model, and count.

use super::*;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// FNV-1a of the first 10 000 lines of the default plan. It changes only when somebody means to change the output;
/// then benchmarks before and after don't compare, so say it in the changelog.
const GOLDEN: u64 = 0xf82c_1234_fd18_2cc7;

/// The record model, strictly: an unknown field, a duplicate key or another type is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    tenant: String,
    organization: Option<String>,
    service: String,
    id: String,
    generated_at: String,
    severity: String,
    activity: String,
    actor: Option<EntryActor>,
    on_behalf_of: Option<String>,
    object: Option<EntryObject>,
    request_id: String,
    configuration_id: Option<String>,
    success: Option<bool>,
    message: String,
    started: Option<String>,
    finished: Option<String>,
    process: Option<EntryProcess>,
    artifact: Option<EntryArtifact>,
    attributes: Option<Pairs>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryActor {
    r#type: String,
    id: String,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryObject {
    id: String,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryProcess {
    id: String,
    parent: Option<String>,
    event: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryArtifact {
    sha256: String,
    name: String,
    media_type: String,
    size: u64,
}

/// Pairs as they come, so that a duplicate key is seen and not merged away.
#[derive(Debug)]
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

fn plan(entries: u64, seed: u64) -> Plan {
    Plan { entries, seed, ..Plan::default() }
}

fn bytes(plan: &Plan) -> Vec<u8> {
    let mut out = Vec::new();
    write_all(plan, &mut out).unwrap();
    out
}

fn entries(plan: &Plan) -> Vec<Entry> {
    let text = String::from_utf8(bytes(plan)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The share of entries for which something holds, in percent.
fn percent(entries: &[Entry], holds: impl Fn(&Entry) -> bool) -> f64 {
    100.0 * entries.iter().filter(|entry| holds(entry)).count() as f64 / entries.len() as f64
}

fn assert_near(what: &str, measured: f64, expected: f64, tolerance: f64) {
    assert!((measured - expected).abs() <= tolerance, "{what}: {measured:.2} instead of {expected}");
}

#[test]
fn output_never_changes() {
    let hash = bytes(&plan(10_000, 0)).iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    assert_eq!(hash, GOLDEN, "0x{hash:016x}");
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let plan = plan(3_000, 42);
    let mut generator = Generator::new(&plan);
    let mut lines = Vec::new();
    let mut count = 0;
    while generator.next_line(&mut lines) {
        count += 1;
    }
    assert_eq!(count, 3_000);
    assert!(!generator.next_line(&mut lines), "the end is the end");
    assert!(lines == bytes(&plan));
}

#[test]
fn the_count_is_exact() {
    for count in [0, 1, 2, 999, 5_000] {
        assert_eq!(bytes(&plan(count, 1)).iter().filter(|&&byte| byte == b'\n').count() as u64, count);
    }
}

#[test]
fn two_seeds_share_no_id_and_no_process() {
    let ids = |seed| -> (HashSet<String>, HashSet<String>) {
        let entries = entries(&plan(10_000, seed));
        let processes = entries.iter().filter_map(|entry| Some(entry.process.as_ref()?.id.clone())).collect();
        (entries.into_iter().map(|entry| entry.id).collect(), processes)
    };
    let (first_ids, first_processes) = ids(1);
    let (second_ids, second_processes) = ids(2);
    assert_eq!((first_ids.len(), second_ids.len()), (10_000, 10_000), "an ID comes once in a stream");
    assert!(first_ids.is_disjoint(&second_ids));
    assert!(!first_processes.is_empty() && first_processes.is_disjoint(&second_processes));
}

#[test]
fn a_longer_plan_begins_with_the_same_entries_at_other_times() {
    let untimed = |plan: &Plan| -> Vec<String> {
        let text = String::from_utf8(bytes(plan)).unwrap();
        let untimed = |line: &str| {
            let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
            let fields = value.as_object_mut().unwrap();
            fields.retain(|field, _| !["generated_at", "started", "finished"].contains(&field.as_str()));
            value.to_string()
        };
        text.lines().take(2_000).map(untimed).collect()
    };
    let short = plan(2_000, 9);
    assert!(untimed(&short) == untimed(&Plan { entries: 7_000, days: 3, end_ns: 0, ..short }));
}

#[test]
fn every_entry_obeys_the_limits_of_the_model() {
    for entry in entries(&Plan { tenants: 5_000, services: 40, ..plan(20_000, 3) }) {
        let short = |text: &str| !text.is_empty() && text.len() <= 128;
        assert!(short(&entry.tenant) && entry.tenant != "sealog", "{entry:?}");
        assert!(short(&entry.service) && !entry.service.starts_with("sealog."), "{entry:?}");
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!(entry.service.bytes().all(allowed) && entry.service.as_bytes()[0].is_ascii_alphanumeric());
        assert!(short(&entry.id) && short(&entry.request_id), "{entry:?}");
        for text in [&entry.organization, &entry.configuration_id, &entry.on_behalf_of].into_iter().flatten()
        {
            assert!(short(text), "{entry:?}");
        }
        assert!(["trace", "debug", "information", "warning", "error", "fatal"].contains(&&*entry.severity));
        assert!(!entry.activity.is_empty() && entry.activity.len() <= 256, "{entry:?}");
        assert!(!entry.message.is_empty() && entry.message.len() < 400, "{entry:?}");
        assert!(!entry.message.contains(['{', '}']), "a slot was not filled in: {entry:?}");
        for time in
            [Some(&entry.generated_at), entry.started.as_ref(), entry.finished.as_ref()].into_iter().flatten()
        {
            assert!(
                [24, 27, 30].contains(&time.len()) && time.ends_with('Z') && time.starts_with("2026-10-")
            );
        }
        assert_eq!(entry.started.is_some(), entry.finished.is_some());
        assert!(entry.started <= entry.finished, "{entry:?}");
        if let Some(actor) = &entry.actor {
            assert!(short(&actor.r#type) && short(&actor.id) && actor.name.as_deref().is_none_or(short));
        }
        if let Some(object) = &entry.object {
            assert!(short(&object.id) && object.name.as_deref().is_none_or(short));
        }
        if let Some(process) = &entry.process {
            let events = ["started", "message", "finished", "failed", "cancel_requested", "cancelled"];
            assert!(short(&process.id) && process.parent.as_deref().is_none_or(short));
            assert!(events.contains(&&*process.event));
        }
        if let Some(artifact) = &entry.artifact {
            assert!(
                artifact.sha256.len() == 64 && artifact.sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
            );
            assert!(short(&artifact.name) && short(&artifact.media_type) && artifact.size > 0);
        }
        if let Some(Pairs(pairs)) = &entry.attributes {
            let keys: HashSet<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
            assert!((1..=4).contains(&pairs.len()) && keys.len() == pairs.len(), "{entry:?}");
        }
    }
}

#[test]
fn shares_are_those_of_the_profile() {
    let entries = entries(&plan(60_000, 5));
    let is_task = |entry: &Entry| entry.process.is_none() && entry.started.is_some();
    assert_near("processes", percent(&entries, |entry| entry.process.is_some()), 20.0, 2.0);
    assert_near("tasks", percent(&entries, is_task), 10.0, 1.0);
    let severe = |wanted: &[&str]| percent(&entries, |entry| wanted.contains(&&*entry.severity));
    assert_near("information and below", severe(&["trace", "debug", "information"]), 90.0, 1.0);
    assert_near("warnings", severe(&["warning"]), 8.0, 0.8);
    assert_near("errors", severe(&["error", "fatal"]), 2.0, 0.4);
    assert!(severe(&["fatal"]) > 0.0 && severe(&["debug"]) > 1.0 && severe(&["trace"]) > 0.1);
    assert_near("organizations", percent(&entries, |entry| entry.organization.is_some()), 30.0, 5.0);
    assert_near("artifacts", percent(&entries, |entry| entry.artifact.is_some()), 4.0, 1.5);
    assert!(percent(&entries, |entry| entry.success == Some(false)) > 5.0);
    assert!(percent(&entries, |entry| !entry.message.is_ascii()) > 5.0);
    assert!(percent(&entries, |entry| entry.message.contains('\n')) > 0.1);
    assert!(percent(&entries, |entry| entry.message.contains('\t')) > 0.1);
    let activities: HashSet<&str> = entries.iter().map(|entry| &*entry.activity).collect();
    assert!((55..=65).contains(&activities.len()), "{}", activities.len());
}

#[test]
fn the_largest_tenant_has_twelve_percent() {
    let entries = entries(&plan(60_000, 6));
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for entry in &entries {
        *counts.entry(&entry.tenant).or_default() += 1;
    }
    assert!(counts.len() > 1_900, "{}", counts.len());
    let (largest, count) = counts.iter().max_by_key(|&(_, count)| count).unwrap();
    assert_eq!(*largest, "acme-corp");
    assert_near("largest tenant", 100.0 * f64::from(*count) / 60_000.0, 12.2, 1.0);
}

#[test]
fn a_quarter_of_the_audit_events_goes_on_with_a_request_of_the_same_tenant() {
    let mut tenants: HashMap<String, String> = HashMap::new();
    let (mut repeated, mut count) = (0, 0);
    for entry in entries(&plan(30_000, 7)) {
        let is_audit = entry.process.is_none() && entry.started.is_none();
        count += i32::from(is_audit);
        match tenants.get(&entry.request_id) {
            Some(tenant) => {
                assert_eq!(*tenant, entry.tenant, "{}", entry.request_id);
                repeated += i32::from(is_audit);
            }
            None => {
                tenants.insert(entry.request_id, entry.tenant);
            }
        }
    }
    assert_near("repeated requests", 100.0 * f64::from(repeated) / f64::from(count), 25.0, 2.0);
}

#[test]
fn processes_fail_hang_run_late_and_overtake_their_parents() {
    let entries = entries(&plan(40_000, 8));
    let mut tenants: HashMap<&str, &str> = HashMap::new();
    // Where each process first came and where it closed.
    let (mut first, mut closed): (HashMap<&str, usize>, HashMap<&str, usize>) = Default::default();
    let mut events: BTreeMap<&str, u32> = BTreeMap::new();
    for (line, entry) in entries.iter().enumerate() {
        let Some(process) = &entry.process else { continue };
        first.entry(&process.id).or_insert(line);
        assert_eq!(*tenants.entry(&process.id).or_insert(&entry.tenant), entry.tenant);
        assert!(!closed.contains_key(&*process.id), "nothing comes after the process's own end: {entry:?}");
        *events.entry(&process.event).or_default() += 1;
        if ["finished", "failed", "cancelled"].contains(&&*process.event) {
            closed.insert(&process.id, line);
            assert_eq!(process.parent.is_none(), entry.started.is_some(), "{entry:?}");
        }
    }
    let (mut late, mut early) = (0, 0);
    for (line, entry) in entries.iter().enumerate() {
        let Some(parent) = entry.process.as_ref().and_then(|process| process.parent.as_deref()) else {
            continue;
        };
        // The last parents of the stream may not have come yet.
        if let Some(tenant) = tenants.get(parent) {
            assert_eq!(*tenant, entry.tenant, "a parent is of the same tenant");
            late += u32::from(closed.get(parent).is_some_and(|&end| end < line));
            early += u32::from(first[parent] > line);
        }
    }
    assert!(late > 50 && early > 10, "late {late}, early {early}");
    assert_eq!(events.len(), 6, "{events:?}");
    assert!(
        events["failed"] > 50 && events["cancelled"] > 5 && events["cancel_requested"] > events["cancelled"]
    );
    // Half the stream is more than any run takes: what is open from before never finishes.
    let hanging = first.iter().filter(|&(id, &line)| line < 20_000 && !closed.contains_key(id)).count();
    assert!(hanging > 10, "{hanging}");
    let disconnected = |entry: &&Entry| {
        entry.configuration_id.is_some()
            && entry.attributes.as_ref().is_some_and(|Pairs(pairs)| {
                pairs.iter().any(|(key, value)| key == "error.type" && value == "connection")
            })
    };
    assert!(entries.iter().filter(disconnected).count() > 10);
    let names_ids = |entry: &&Entry| entry.message.contains("u-") && entry.message.contains("mb-");
    assert!(entries.iter().filter(names_ids).count() > 100);
}

#[test]
fn entries_come_almost_in_order_and_before_the_end() {
    let entries = entries(&plan(20_000, 4));
    // The first 23 bytes are the time in milliseconds, whatever a service's precision.
    let times: Vec<&str> = entries.iter().map(|entry| &entry.generated_at[..23]).collect();
    assert!(times.iter().all(|time| ("2026-10-21T23:58:29.000".."2026-11-01T00:00:00.000").contains(time)));
    assert!(times[19_999] > "2026-10-31T23:00");
    let back = times.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!((20..2_000).contains(&back), "{back} of 20 000 go back in time");
    let in_hours =
        |from: &str, to: &str| percent(&entries, |entry| (from..to).contains(&&entry.generated_at[11..13]));
    assert!(in_hours("08", "11") > 2.0 * in_hours("01", "04"), "working hours are busier than the night");
}

#[test]
fn odd_plans_are_taken_as_documented() {
    let odd = Plan { entries: 50, seed: u64::MAX, tenants: 0, services: 0, days: 0, end_ns: 0 };
    let all = entries(&odd);
    assert!(all.iter().all(|entry| entry.tenant == "acme-corp" && entry.service == "portal"));
    assert!(all.iter().all(|entry| entry.generated_at.starts_with("1969-12-31T")));
    for end_ns in [i64::MIN, i64::MAX] {
        let far = Plan { end_ns, days: u32::MAX, services: u32::MAX, ..odd.clone() };
        assert_eq!(entries(&far).len(), 50);
    }
}

#[test]
fn a_plan_has_as_many_services_as_it_says() {
    for services in [1, 3, 12, 20] {
        let names: HashSet<String> =
            entries(&Plan { services, ..plan(20_000, 2) }).into_iter().map(|entry| entry.service).collect();
        assert_eq!(names.len(), services as usize, "{names:?}");
    }
}
