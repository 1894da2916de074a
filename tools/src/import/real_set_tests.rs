//! Every line of the real sets: nothing is lost, every entry keeps the model's rules, and no ID names two contents.
//!
//! Goal: what other products really write, not what their references promise. The sets lie beside the project, or where
//! `SEALOG_DATA` says; without them the tests print that they did nothing.

use super::{Defaults, Format, map_line, open};
use sealog_engine::model::{Entry, Timestamp, unescape_service};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::BufRead;
use std::path::PathBuf;

/// Every set, the format it is in, and how many events it holds at least.
const SETS: [(&str, Format, usize); 13] = [
    ("windows-security-otrf.ndjson.zst", Format::Windows, 107_731),
    ("git-history.ndjson.zst", Format::GitHistory, 113_831),
    ("cloudtrail-console-permiso.ndjson.zst", Format::Cloudtrail, 8_170),
    ("cloudtrail-invictus.ndjson.zst", Format::Cloudtrail, 2_900),
    ("cloudtrail-stratus.ndjson.zst", Format::Cloudtrail, 310),
    ("cloudtrail-otrf.ndjson", Format::Cloudtrail, 103),
    ("plaso-gcp_logging.ndjson", Format::Cloudtrail, 11),
    ("plaso-azure_activity_log.ndjson", Format::Cloudtrail, 4),
    ("linux-proxy-echolake.ndjson.zst", Format::Linux, 1_247),
    ("k8s-audit-audit2rbac.ndjson", Format::Kubernetes, 37),
    ("aad-audit-otrf.ndjson", Format::Office365, 4),
    ("office-activity-otrf.ndjson", Format::Office365, 1),
    ("plaso-microsoft_audit_log.ndjson", Format::Office365, 3),
];

fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var_os("SEALOG_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no real sets in {}", folder.display());
    None
}

fn defaults() -> Defaults {
    Defaults { tenant: Some("acme".to_owned()), service: None }
}

fn each_line(folder: &std::path::Path, set: &str, mut act: impl FnMut(usize, &[u8])) -> usize {
    let mut reader = open(&folder.join(set)).unwrap();
    let mut line = Vec::new();
    let mut count = 0;
    while reader.read_until(b'\n', &mut line).unwrap() > 0 {
        count += 1;
        act(count, &line);
        line.clear();
    }
    count
}

#[test]
fn nothing_is_lost() {
    let Some(folder) = folder() else { return };
    // The two large sets are checked beside each other.
    std::thread::scope(|scope| {
        for sets in [&SETS[..1], &SETS[1..]] {
            let folder = &folder;
            scope.spawn(move || {
                for (set, format, count_min) in sets {
                    let count = each_line(folder, set, |number, line| {
                        let entry = map_line(*format, line, &defaults())
                            .unwrap_or_else(|error| panic!("{set}:{number}: {error}"));
                        entry.check().unwrap();
                        entry.service_name().unwrap();
                        if let Err(lost) = compare(line, &entry) {
                            panic!("{set}:{number}: lost {lost}\n{}", String::from_utf8_lossy(line));
                        }
                    });
                    assert!(count >= *count_min, "{set}: {count} of {count_min} events");
                }
            });
        }
    });
}

/// Looks every value of the raw event up where the entry must hold it.
fn compare(line: &[u8], entry: &Entry<'_>) -> Result<(), String> {
    let raw: Value = serde_json::from_slice(line).unwrap();
    let attributes: HashMap<&str, &str> =
        entry.attributes.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(attributes.len(), entry.attributes.len(), "no key twice");
    let more: Value =
        attributes.get("raw.more").map_or(Value::Null, |more| serde_json::from_str(more).unwrap());
    let said = said(entry, &attributes);
    let flattened = raw.get("data").and_then(Value::as_object).into_iter().flatten();
    let flattened = flattened.map(|(key, value)| (format!("data.{key}"), value));
    let top = raw.as_object().unwrap().iter().filter(|(key, _)| *key != "data" || !raw["data"].is_object());
    for (key, value) in top.map(|(key, value)| (key.clone(), value)).chain(flattened) {
        if value.is_null() || value == "" {
            continue;
        }
        let kept = match (attributes.get(&*key), value) {
            (_, value) if more.get(&key) == Some(value) => true,
            (Some(found), Value::String(text)) => found == text,
            (Some(found), value) => serde_json::from_str::<Value>(found).unwrap() == *value,
            (None, Value::String(text)) => is_said(text, &said, entry),
            (None, Value::Number(_) | Value::Bool(_)) => said.contains(&value.to_string()),
            (None, _) => false,
        };
        if !kept {
            return Err(format!("{key} = {value}"));
        }
    }
    // The other way round: no attribute that the raw event has no reason for.
    for key in attributes.keys().filter(|key| !key.starts_with("data.") && raw.get(**key).is_none()) {
        assert!(
            ["service.name", "process.pid", "source.address", "raw.more"].contains(key),
            "invented {key}"
        );
    }
    Ok(())
}

/// The texts that the entry's own fields hold, and the parts of those that a mapping puts together.
fn said(entry: &Entry<'_>, attributes: &HashMap<&str, &str>) -> HashSet<String> {
    let mut said: HashSet<String> = [
        &entry.tenant,
        &entry.organization,
        &entry.service,
        &entry.id,
        &entry.activity,
        &entry.actor.kind,
        &entry.actor.id,
        &entry.actor.name,
        &entry.object.id,
        &entry.object.name,
        &entry.request_id,
        &entry.message,
    ]
    .map(|text| text.to_string())
    .into();
    let name = unescape_service(&entry.service).unwrap();
    assert_eq!(attributes.get("service.name").copied().unwrap_or(&entry.service), name);
    if let Some((channel, host)) = name.split_once('/') {
        said.extend([channel.to_owned(), host.to_owned()]);
    }
    said.insert(name);
    if let Some((number, category)) = entry.activity.split_once(' ') {
        said.extend([number.to_owned(), category.to_owned()]);
    }
    said
}

fn is_said(text: &str, said: &HashSet<String>, entry: &Entry<'_>) -> bool {
    let same_time = || {
        let time = Timestamp::parse(text).ok();
        text.ends_with('Z')
            && time.is_some()
            && [entry.generated_at, entry.started, entry.finished].contains(&time)
    };
    said.contains(text) || same_time()
}

#[test]
fn an_id_names_one_content() {
    let Some(folder) = folder() else { return };
    let hasher = RandomState::new();
    let mut contents: HashMap<u64, u64> = HashMap::new();
    for (set, format, _) in SETS {
        let (mut with_id, mut again) = (0, 0);
        let count = each_line(&folder, set, |number, line| {
            let entry = map_line(format, line, &defaults()).unwrap();
            if entry.id.is_empty() {
                return;
            }
            with_id += 1;
            let content = hasher.hash_one(format!("{entry:?}"));
            let id = hasher.hash_one((&entry.tenant, &entry.service, &entry.id));
            if let Some(known) = contents.insert(id, content) {
                again += 1;
                assert_eq!(known, content, "{set}:{number}: another entry has the ID {}", entry.id);
            }
        });
        println!("{set}: {count} entries, {with_id} with an ID, {again} delivered again");
    }
}
