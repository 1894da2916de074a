//! `sealog verify`: its report for people and programs, damage and its place, and where it works.

use super::{PLAIN, plain, with};
use sealog_tests::command::{Running, Scratch, finish, run, run_with, sealog};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_report_has_the_contracts_shape() {
    let scratch = Scratch::new();
    scratch.append([plain(3), with(json!({"service": "directory"}))].concat());
    let report = scratch.verify();
    let wanted = ["valid", "entries", "cleared", "pending", "bytes", "seconds", "problems", "chains"];
    // What a crash tore is told too.
    assert_eq!(keys(&report), wanted.into_iter().chain(["torn_bytes"]).collect());
    let chains = report["chains"].as_array().unwrap();
    let services: Vec<&Value> = chains.iter().map(|chain| &chain["service"]).collect();
    assert_eq!(services, ["directory", "mail", "sealog.control"], "reserved ones too");
    for chain in chains {
        let wanted = [
            "service",
            "valid",
            "size",
            "entries",
            "cleared",
            "pending",
            "first",
            "last",
            "before",
            "after",
            "anchored_until",
            "unsigned",
            "head",
            "root",
            "problems",
        ];
        assert_eq!(keys(chain), wanted.into_iter().collect());
        assert_eq!(
            (&chain["valid"], &chain["cleared"], &chain["pending"]),
            (&json!(true), &json!(0), &json!(0))
        );
        assert_eq!(chain["size"], chain["entries"]);
        for place in ["first", "last"] {
            assert_eq!(keys(&chain[place]), ["seq", "logged_at"].into_iter().collect());
            assert_eq!(chain[place]["logged_at"].as_str().unwrap().len(), 30);
        }
        for hash in ["head", "root"] {
            let hash = chain[hash].as_str().unwrap();
            assert!(
                hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
                "{hash}"
            );
        }
        assert_eq!(chain["problems"], json!([]));
        assert_eq!(
            (&chain["before"], &chain["after"], &chain["anchored_until"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
    }
    let mail = &chains[1];
    assert_eq!(
        (&mail["entries"], &mail["first"]["seq"], &mail["last"]["seq"]),
        (&json!(3), &json!(0), &json!(2))
    );
    let sum: u64 = chains.iter().map(|chain| chain["entries"].as_u64().unwrap()).sum();
    assert_eq!(report["entries"], sum);
    assert!(report["bytes"].as_u64().unwrap() > 0 && report["seconds"].is_f64(), "{report}");
}

#[test]
fn a_window_says_what_lies_before_and_after_it() {
    let scratch = Scratch::new();
    run_with(["append", "--batch", "1", "--data", &scratch.store()], plain(5)).exits(0);
    let entries = scratch.scan(&["--order", "asc"]);
    let time = |index: usize| entries[index]["logged_at"].as_str().unwrap();
    let args = [
        "verify",
        "--json",
        "--data",
        &scratch.store(),
        "--service",
        "mail",
        "--from",
        time(1),
        "--to",
        time(3),
    ];
    let report = run(args).exits(0).json();
    let chains = report["chains"].as_array().unwrap();
    assert_eq!(chains.iter().map(|chain| &chain["service"]).collect::<Vec<_>>(), ["mail", "sealog.control"]);
    let place = |seq: usize| json!({"seq": seq, "logged_at": time(seq)});
    let mail = &chains[0];
    assert_eq!(
        [&mail["before"], &mail["first"], &mail["last"], &mail["after"]],
        [&place(0), &place(1), &place(2), &place(3)]
    );
    run(["verify", "--last", "1h", "--data", &scratch.store()]).exits(0);
    run(["verify", "--last", "1h", "--from", "2026-01-01", "--data", &scratch.store()]).exits(2);
}

#[test]
fn people_read_the_verdict_the_chains_and_the_numbers() {
    let scratch = Scratch::new();
    scratch.append(plain(3));
    let ran = run(["verify", "--data", &scratch.store()]).exits(0).says_nothing();
    for part in ["VALID", "mail", "sealog.control", "#0", "#2"] {
        assert!(ran.out().contains(part), "{part}: {}", ran.out());
    }
    assert!(!ran.out().contains("NOT VALID"));
}

#[test]
fn an_empty_store_is_valid() {
    let scratch = Scratch::new();
    run(["init", "--data", &scratch.store()]).exits(0);
    let report = scratch.verify();
    assert_eq!((&report["entries"], &report["chains"]), (&json!(0), &json!([])));
    run(["verify", "--data", &scratch.store()]).exits(0);
}

#[test]
fn a_service_that_is_not_there_is_found_missing() {
    let scratch = Scratch::new();
    scratch.append(PLAIN);
    let report = run(["verify", "--json", "--service", "other", "--data", &scratch.store()]).exits(1).json();
    assert_eq!(report["valid"], false);
    assert_eq!(
        (&report["problems"][0]["kind"], &report["problems"][0]["service"]),
        (&json!("chain_missing"), &json!("other"))
    );
}

#[test]
fn a_service_that_was_mistyped_is_answered_with_those_that_are_there() {
    let scratch = Scratch::new();
    let lines: String = ["mail-api", "directory", "portal"].map(|s| with(json!({ "service": s }))).concat();
    scratch.append(lines);
    let ran = run(["verify", "--service", "mial-api", "--data", &scratch.store()]).exits(1);
    for part in [
        "in 1 chain,",
        "\n1 problem\n",
        "expected a service that the store has, found \"mial-api\"; it has mail-api, ",
        "directory",
        "Check the name",
    ] {
        assert!(ran.out().contains(part), "{part}: {}", ran.out());
    }
    assert!(!ran.out().contains("restore"), "nothing is damaged: {}", ran.out());
    // Beside damage the advice is about that.
    let journal = scratch.path("store/journal/00000001.journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes[300] ^= 1;
    scratch.file("store/journal/00000001.journal", &bytes);
    let ran = run(["verify", "--service", "mial-api", "--data", &scratch.store()]).exits(1);
    assert!(ran.out().contains("restore what is damaged from a backup"), "{}", ran.out());
}

/// Every byte of the first frame's payload in turn, one bit each: always found, always named by file.
#[test]
fn damage_is_named_with_its_place() {
    let scratch = Scratch::new();
    run_with(["append", "--batch", "4", "--data", &scratch.store()], plain(12)).exits(0);
    let journal = scratch.path("store/journal/00000001.journal");
    let good = fs::read(&journal).unwrap();
    for at in (0..good.len()).step_by(good.len() / 8) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        scratch.file("store/journal/00000001.journal", &bytes);
        let ran = run(["verify", "--json", "--data", &scratch.store()]).exits(1);
        let report = ran.json();
        assert_eq!(report["valid"], false, "byte {at}");
        let chains = report["chains"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|chain| chain["problems"].as_array().unwrap());
        let problems: Vec<&Value> = report["problems"].as_array().unwrap().iter().chain(chains).collect();
        assert!(
            problems.iter().any(|problem| problem["file"] == "journal/00000001.journal"),
            "byte {at}: {problems:?}"
        );
        for problem in &problems {
            let mut found = keys(problem);
            found.remove("service");
            assert_eq!(found, ["kind", "file", "first_seq", "last_seq", "detail"].into_iter().collect());
        }
        let people = run(["verify", "--data", &scratch.store()]).exits(1);
        assert!(
            people.out().contains("NOT VALID") && people.out().contains("journal/00000001.journal"),
            "{}",
            people.out()
        );
    }
    scratch.file("store/journal/00000001.journal", &good);
    scratch.verify();
}

#[test]
fn what_is_no_store_cannot_be_verified() {
    let scratch = Scratch::new();
    for flags in [&["--json"][..], &[]] {
        let store = scratch.store();
        let args = ["verify", "--data", &store].into_iter().chain(flags.iter().copied());
        run(args).exits(3).prints_nothing().says(&["is not a store", "STORE"]);
    }
    run(["verify"]).exits(2).says(&["--data"]);
}

#[test]
fn a_missing_journal_file_is_found() {
    let scratch = Scratch::new();
    scratch.append(PLAIN);
    fs::remove_file(scratch.path("store/STORE")).unwrap();
    run(["verify", "--data", &scratch.store()]).exits(3).says(&["is not a store"]);
    run_with(["append", "--data", &scratch.store()], PLAIN).exits(3).says(&[
        "STORE",
        "expected",
        "found none",
    ]);
}

fn set_mode(path: &Path, of_files: u32, of_directories: u32) {
    let is_directory = path.is_dir();
    if is_directory {
        for entry in fs::read_dir(path).unwrap() {
            set_mode(&entry.unwrap().path(), of_files, of_directories);
        }
    }
    let mode = if is_directory { of_directories } else { of_files };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn reading_writes_nothing_and_works_on_what_cannot_be_written() {
    let scratch = Scratch::new();
    scratch.append(plain(10));
    let store = scratch.store();
    set_mode(Path::new(&store), 0o400, 0o500);
    let before = listing(Path::new(&store));
    scratch.verify();
    assert_eq!(scratch.count(&[]), 10);
    run(["stats", "--data", &store]).exits(0);
    run(["inspect", &store]).exits(0);
    assert_eq!(listing(Path::new(&store)), before, "no lock, no temporary file, no new time");
    set_mode(Path::new(&store), 0o600, 0o700);
}

/// Every path with its length and time of change.
fn listing(path: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::metadata(&path).unwrap();
        lines.push(format!("{} {} {:?}", path.display(), metadata.len(), metadata.modified().unwrap()));
        if metadata.is_dir() {
            lines.extend(listing(&path));
        }
    }
    lines.sort();
    lines
}

#[test]
fn verify_finds_nothing_while_another_process_appends() {
    let scratch = Scratch::new();
    let mut writer = Running::start(["append", "--batch", "5", "--data", &scratch.store(), "-"]);
    writer.send(plain(3000));
    writer.line().unwrap();
    let mut entries = 0;
    for _ in 0..12 {
        let report = scratch.verify();
        let found = report["chains"][0]["entries"].as_u64().unwrap();
        assert!(found >= entries, "it only grows");
        entries = found;
    }
    writer.finish().exits(0);
    scratch.verify();
}

#[test]
fn a_torn_tail_is_told_and_no_problem_and_cut_by_the_next_writer() {
    let scratch = Scratch::new();
    let mut producer = Running::start(["append", "--batch", "1", "--data", &scratch.store(), "-"]);
    producer.send(plain(3));
    for _ in 0..3 {
        producer.line().unwrap();
    }
    producer.kill();
    producer.finish();
    // Half of the last frame is gone, as if the power had been cut while it was written.
    let journal = scratch.path("store/journal/00000001.journal");
    let bytes = fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    scratch.file("store/journal/00000001.journal", &bytes[..end - 20]);
    let report = run(["verify", "--json", "--data", &scratch.store()]).exits(0).json();
    assert!(report["torn_bytes"].as_u64().unwrap() > 0, "{report}");
    assert!(run(["verify", "--data", &scratch.store()]).exits(0).out().contains("never acknowledged"));
    run(["scan", "--data", &scratch.store()]).exits(0).says(&["behind the last entry", "torn by a crash"]);
    run_with(["append", "--data", &scratch.store()], PLAIN).exits(0).says(&[
        "cut",
        "a crash tore",
        "never acknowledged",
    ]);
    assert_eq!(scratch.verify()["torn_bytes"], 0);
    assert_eq!(scratch.count(&[]), 3, "two that were left, one new");
}

#[test]
fn bytes_behind_a_clean_stop_are_damage() {
    let scratch = Scratch::new();
    scratch.append(PLAIN);
    let journal = scratch.path("store/journal/00000001.journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.extend([0x55; 300]);
    scratch.file("store/journal/00000001.journal", &bytes);
    let ran = run(["verify", "--json", "--data", &scratch.store()]);
    // Either is honest, silence is not.
    let report = ran.json();
    assert!(report["torn_bytes"].as_u64().unwrap() >= 300 || report["valid"] == false, "{report}");
}

#[test]
fn progress_goes_to_a_terminal_only() {
    let scratch = Scratch::new();
    scratch.append(plain(2000));
    finish(sealog(["verify", "--data", &scratch.store()])).exits(0).says_nothing();
}
