//! `sealog import`: every real set goes in whole, once, and an export comes back as it was.
//!
//! The sets lie beside the project, or where `SEALOG_DATA` says; without them a test prints that it did nothing.

use super::{PLAIN, plain, texts, with};
use sealog_tests::command::{Ran, Scratch, run, run_with};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A set, its format, the tenant of events that name none, and how many events it holds.
struct Set {
    file: &'static str,
    format: &'static str,
    tenant: Option<&'static str>,
    count: u64,
}

const fn set(file: &'static str, format: &'static str, tenant: Option<&'static str>, count: u64) -> Set {
    Set { file, format, tenant, count }
}

const SMALL_SETS: [Set; 9] = [
    set("cloudtrail-stratus.ndjson.zst", "cloudtrail", None, 310),
    set("cloudtrail-otrf.ndjson", "cloudtrail", None, 103),
    set("plaso-gcp_logging.ndjson", "cloudtrail", None, 11),
    set("plaso-azure_activity_log.ndjson", "cloudtrail", None, 4),
    set("linux-proxy-echolake.ndjson.zst", "linux", Some("acme"), 1_247),
    set("k8s-audit-audit2rbac.ndjson", "kubernetes", Some("acme"), 37),
    set("aad-audit-otrf.ndjson", "office365", None, 4),
    set("office-activity-otrf.ndjson", "office365", None, 1),
    set("plaso-microsoft_audit_log.ndjson", "office365", None, 4),
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

fn import(scratch: &Scratch, format: &str, flags: &[&str], file: &str) -> Ran {
    let store = scratch.store();
    run([&["import", "--data", &store, "--format", format], flags, &[file]].concat())
}

/// Entries that a run's receipts say are new.
fn stored(ran: &Ran) -> u64 {
    let new = ran.lines().into_iter().filter(|receipt| receipt["duplicate"] == false);
    new.map(|receipt| receipt["last_seq"].as_u64().unwrap() - receipt["first_seq"].as_u64().unwrap() + 1)
        .sum()
}

/// The three numbers that an import ends with: imported, come before, left out.
fn numbers(ran: &Ran) -> [u64; 3] {
    let last = ran.err().lines().last().unwrap().strip_prefix("sealog: ").unwrap();
    let mut numbers = last
        .split(", ")
        .map(|part| part.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap());
    [(); 3].map(|()| numbers.next().unwrap())
}

/// Imports a set twice: all of it the first time, and what has no ID the second time.
fn goes_in_whole_and_once(set: &Set) {
    let Some(folder) = folder() else { return };
    let path = folder.join(set.file);
    let file = path.to_str().unwrap();
    let scratch = Scratch::new();
    let tenant = set.tenant.map(|tenant| ["--tenant", tenant]);
    let flags = tenant.as_ref().map_or(&[][..], |flags| flags);
    if set.tenant.is_some() {
        import(&scratch, set.format, &[], file).exits(2).says(&[
            "field `tenant`",
            "--tenant",
            "found neither",
        ]);
    }
    // What a refused import of the same file left is taken over.
    let before = scratch_count(&scratch);
    let ran = import(&scratch, set.format, flags, file).exits(0);
    let [imported, repeated, left_out] = numbers(&ran);
    assert_eq!(stored(&ran), imported, "{}", set.file);
    assert_eq!((imported + repeated, left_out), (set.count, 0), "{}", set.file);
    let count = scratch.count(&[]);
    assert_eq!(count, before + imported, "{}", set.file);
    scratch.verify();

    let without_id = scratch.scan(&[]).iter().filter(|entry| entry.get("id").is_none()).count() as u64;
    let again = import(&scratch, set.format, flags, file).exits(0);
    let [imported_again, repeated_again, _] = numbers(&again);
    assert_eq!(imported_again + repeated_again, set.count, "{}", set.file);
    if before == 0 {
        assert_eq!(imported_again, without_id, "{}: only what has no ID is stored again", set.file);
    }
    assert_eq!(scratch.count(&[]), count + imported_again);
    scratch.verify();
}

fn scratch_count(scratch: &Scratch) -> u64 {
    if std::fs::exists(scratch.path("store/STORE")).unwrap() { scratch.count(&[]) } else { 0 }
}

#[test]
fn every_small_set_goes_in_whole_and_once() {
    SMALL_SETS.iter().for_each(goes_in_whole_and_once);
}

#[test]
fn console_sessions_go_in_whole_and_once() {
    goes_in_whole_and_once(&set("cloudtrail-console-permiso.ndjson.zst", "cloudtrail", Some("acme"), 8_170));
    goes_in_whole_and_once(&set("cloudtrail-invictus.ndjson.zst", "cloudtrail", None, 2_900));
}

#[test]
fn windows_events_go_in_whole_and_once() {
    goes_in_whole_and_once(&set("windows-security-otrf.ndjson.zst", "windows", Some("acme"), 107_731));
}

#[test]
fn git_history_goes_in_whole_and_once() {
    goes_in_whole_and_once(&set("git-history.ndjson.zst", "git-history", None, 113_831));
}

/// Without what the log adds.
fn as_sent(mut entry: Value) -> Value {
    let fields = entry.as_object_mut().unwrap();
    for committed in ["seq", "tenant_seq", "logged_at", "logged_by"] {
        fields.remove(committed).unwrap();
    }
    entry
}

/// Exports a store and imports it into a new one: the same entries, in the same order.
fn comes_back(first: &Scratch, flags: &[&str]) {
    let second = Scratch::new();
    let store = first.store();
    let export = run([&["scan", "--data", &store, "--order", "asc"], flags].concat()).exits(0);
    let file = second.file("export.ndjson", &export.stdout);
    let ran = import(&second, "ndjson", &[], &file).exits(0);
    assert_eq!(numbers(&ran), [export.lines().len() as u64, 0, 0]);
    for (exported, mut imported) in
        export.lines().into_iter().zip(sorted_as(&export.lines(), second.scan(&["--order", "asc"])))
    {
        let attributes = imported["attributes"].as_object_mut().unwrap();
        assert_eq!(attributes.remove("imported.logged_at"), Some(exported["logged_at"].clone()));
        if attributes.is_empty() {
            imported.as_object_mut().unwrap().remove("attributes");
        }
        assert_eq!(as_sent(imported), as_sent(exported));
    }
    second.verify();
    // An export of an import keeps the first commit time.
    let third = Scratch::new();
    let again = run(["scan", "--order", "asc", "--data", &second.store()]).exits(0);
    import(&third, "ndjson", &[], &third.file("export.ndjson", &again.stdout)).exits(0);
    let times = |scratch: &Scratch| -> Vec<Value> {
        let entries = sorted_as(&again.lines(), scratch.scan(&["--order", "asc"]));
        entries.iter().map(|entry| entry["attributes"]["imported.logged_at"].clone()).collect()
    };
    assert_eq!(times(&second), times(&third));
}

/// One commit orders by service, two by time: both stores' entries in the order of `by`, each chain keeping its own.
fn sorted_as(by: &[Value], entries: Vec<Value>) -> Vec<Value> {
    let mut chains = std::collections::HashMap::<String, std::collections::VecDeque<Value>>::new();
    for entry in entries {
        chains.entry(entry["service"].as_str().unwrap().to_owned()).or_default().push_back(entry);
    }
    by.iter()
        .map(|entry| chains.get_mut(entry["service"].as_str().unwrap()).unwrap().pop_front().unwrap())
        .collect()
}

#[test]
fn an_export_imports_as_the_same_entries() {
    let scratch = Scratch::new();
    scratch.append(run(["generate", "--entries", "3000", "--tenants", "40"]).exits(0).stdout);
    let odd = json!({
        "message": "a\u{0}\u{1b}[0m\r\n\"\\ \u{202e}ü北🦀", "id": "odd", "success": false, "severity": "fatal",
        "actor": {"name": "\u{7f}"}, "attributes": {"": "empty key is none"}, "generated_at": "1677-09-21T00:12:44Z",
    });
    // A key has at least one byte.
    run_with(["append", "--data", &scratch.store()], with(odd.clone())).exits(2).says(&["attributes"]);
    let mut odd = odd;
    odd["attributes"] = json!({"k\u{1}": "v\u{0}", "imported": ""});
    scratch.append(with(odd));
    comes_back(&scratch, &[]);
}

#[test]
fn an_export_of_an_import_comes_back_too() {
    let Some(folder) = folder() else { return };
    let scratch = Scratch::new();
    import(&scratch, "cloudtrail", &[], folder.join("cloudtrail-stratus.ndjson.zst").to_str().unwrap())
        .exits(0);
    let all = zstd::decode_all(std::fs::File::open(folder.join("git-history.ndjson.zst")).unwrap()).unwrap();
    let end = all.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1999).unwrap().0;
    import(&scratch, "git-history", &[], &scratch.file("git.ndjson", &all[..=end])).exits(0);
    comes_back(&scratch, &[]);
}

#[test]
fn an_import_of_an_export_given_twice_stores_what_has_an_id_once() {
    let scratch = Scratch::new();
    scratch.append([with(json!({"id": "1"})), plain(1)].concat());
    let file = scratch.file("export.ndjson", run(["scan", "--data", &scratch.store()]).exits(0).stdout);
    let other = Scratch::new();
    assert_eq!(numbers(&import(&other, "ndjson", &[], &file).exits(0)), [2, 0, 0]);
    assert_eq!(numbers(&import(&other, "ndjson", &[], &file).exits(0)), [1, 1, 0]);
}

#[test]
fn standard_input_and_several_files_are_taken() {
    let scratch = Scratch::new();
    let [one, two] = ["one", "two"].map(|name| scratch.file(name, with(json!({"message": name}))));
    let args = ["import", "--data", &scratch.store(), "--format", "ndjson", &one, "-", &two];
    run_with(args, with(json!({"message": "stdin"}))).exits(0);
    assert_eq!(texts(&scratch.scan(&["--order", "asc"]), "message"), ["one", "stdin", "two"]);
}

#[test]
fn a_bad_line_is_named_with_its_file_and_what_was_before_is_kept() {
    let scratch = Scratch::new();
    let good = scratch.file("good.ndjson", plain(3));
    let bad = scratch.file("bad.ndjson", format!("{PLAIN}\n{PLAIN}\n{{\"tenant\":5}}\n{PLAIN}\n"));
    let store = scratch.store();
    let args = ["import", "--data", &store, "--format", "ndjson", "--batch", "2", &good, &bad];
    run(args).exits(2).says(&["bad.ndjson, line 3", "field `tenant`", "5 entries were written before it"]);
    assert_eq!(scratch.count(&[]), 5);
    let args = ["import", "--data", &store, "--format", "ndjson", "--skip-bad", &bad];
    let ran = run(args).exits(0).says(&["bad.ndjson, line 3", "left out"]);
    assert_eq!(numbers(&ran), [3, 0, 1]);
    ran.says(&["sealog: 3 entries imported, 0 had come before, 1 line left out\n"]);
}

#[test]
fn a_format_that_does_not_fit_is_refused_with_the_field() {
    let scratch = Scratch::new();
    let file = scratch.file("file", PLAIN);
    for format in ["cloudtrail", "windows", "office365", "kubernetes", "git-history", "linux"] {
        import(&scratch, format, &["--tenant", "t", "--service", "s"], &file)
            .exits(2)
            .says(&["line 1", "expected"]);
    }
    import(&scratch, "syslog", &["--tenant", "t"], &file).exits(2).says(&["line 1", "--service"]);
    assert_eq!(scratch.count(&[]), 0);
    // Any line is a line of some syslog.
    import(&scratch, "syslog", &["--tenant", "t", "--service", "s"], &file).exits(0);
    assert_eq!(texts(&scratch.scan(&[]), "message"), [PLAIN]);
}

#[test]
fn every_file_may_begin_with_a_byte_order_mark() {
    let scratch = Scratch::new();
    let event = r#"{"eventName":"n","eventSource":"s"}"#;
    let file = scratch.file("marked.json", format!("\u{feff}{event}\r\n{event}\r\n"));
    let store = scratch.store();
    let args = ["import", "--data", &store, "--format", "cloudtrail", "--tenant", "t", &file, &file];
    assert_eq!(numbers(&run(args).exits(0)), [4, 0, 0]);
}

#[test]
fn a_missing_file_imports_nothing_of_the_others() {
    let scratch = Scratch::new();
    let good = scratch.file("good.ndjson", plain(3));
    let args = ["import", "--data", &scratch.store(), "--format", "ndjson", &good, &scratch.path("missing")];
    run(args).exits(3).says(&["missing", "No such file"]);
    assert!(!std::fs::exists(scratch.store()).unwrap());
}
