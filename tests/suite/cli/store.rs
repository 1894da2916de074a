//! `sealog init`, `stats`, `inspect`: a store by name, in numbers, and file by file.

use super::{PLAIN, plain, with};
use sealog_tests::command::{Scratch, run, run_with};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn init_makes_a_store_once() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let ran = run(["init", "--data", &store, "--name", "audit.example.com"]).exits(0).says_nothing();
    let mut words = ran.out().split_whitespace();
    assert_eq!(words.next(), Some("audit.example.com"));
    assert_eq!(words.next().map(str::len), Some(32), "its id in hex: {}", ran.out());
    run(["init", "--data", &store, "--name", "audit.example.com"])
        .exits(3)
        .prints_nothing()
        .says(&[&store, "is a store already"]);
    assert_eq!(run(["stats", "--json", "--data", &store]).exits(0).json()["name"], "audit.example.com");
    scratch.append(PLAIN);
    run(["init", "--data", &store]).exits(3);
    assert_eq!(scratch.count(&[]), 1);
}

#[test]
fn a_store_without_a_name_is_named_for_its_id() {
    let scratch = Scratch::new();
    scratch.append(PLAIN);
    let stats = run(["stats", "--json", "--data", &scratch.store()]).exits(0).json();
    let id = stats["id"].as_str().unwrap();
    assert_eq!(stats["name"], format!("localhost-{}", &id[..8]));
}

#[test]
fn names_that_are_none_are_refused() {
    let scratch = Scratch::new();
    for name in ["a b", "a_b", "a//b", "/a", "a/", "ü", &"a".repeat(129), "a\nb", ""] {
        let ran = run(["init", "--data", &scratch.store(), "--name", name]).exits(2).prints_nothing();
        if !name.is_empty() {
            ran.says(&["name", "expected", "audit.example.com", "found"]);
        }
        assert!(!fs::exists(scratch.store()).unwrap(), "{name:?} makes nothing");
    }
    run(["init"]).exits(2).says(&["--data"]);
}

#[test]
fn what_cannot_be_made_is_told_with_its_path() {
    let scratch = Scratch::new();
    let file = scratch.file("file", "");
    run(["init", "--data", &format!("{file}/store")]).exits(3).says(&[&file, "Not a directory"]);
    run_with(["append", "--data", "/proc/none"], PLAIN).exits(3).prints_nothing().says(&["/proc/none"]);
}

#[test]
fn a_file_in_the_place_of_a_store_is_told_as_one() {
    let scratch = Scratch::new();
    let file = scratch.file("file", "text");
    let commands: [&[&str]; 6] = [
        &["scan", "--data", &file],
        &["stats", "--data", &file],
        &["verify", "--data", &file],
        &["init", "--data", &file],
        &["append", "--data", &file],
        &["import", "--format", "ndjson", "--data", &file, "-"],
    ];
    for args in commands {
        run_with(args, PLAIN)
            .exits(3)
            .prints_nothing()
            .says(&[&format!("{file}: expected the directory of a store, found a file")]);
    }
    assert_eq!(fs::read(file).unwrap(), b"text");
}

#[test]
fn a_directory_with_other_files_becomes_a_store_and_keeps_them() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.store()).unwrap();
    scratch.file("store/notes.txt", "mine");
    scratch.append(PLAIN);
    assert_eq!(fs::read(scratch.path("store/notes.txt")).unwrap(), b"mine");
    scratch.verify();
}

#[test]
fn others_may_not_read_a_stores_files() {
    let scratch = Scratch::new();
    scratch.append(PLAIN);
    for file in ["store/STORE", "store/LOCK", "store/journal/00000001.journal", "store/keys/idempotency"] {
        let mode = fs::metadata(scratch.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} {mode:o}");
    }
}

#[test]
fn stats_counts_what_is_there() {
    let scratch = Scratch::new();
    let lines = [
        plain(3),
        with(json!({"tenant": "bolt", "severity": "warn"})),
        with(json!({"service": "directory", "severity": "error"})),
        with(json!({"service": "directory", "severity": "fatal"})),
    ];
    scratch.append(lines.concat());
    let stats = run(["stats", "--json", "--data", &scratch.store()]).exits(0).says_nothing().json();
    let chain = |service: &str| {
        let chains = stats["chains"].as_array().unwrap();
        chains.iter().find(|chain| chain["service"] == service).unwrap().clone()
    };
    let (mail, directory, control) = (chain("mail"), chain("directory"), chain("sealog.control"));
    assert_eq!((&mail["entries"], &mail["tenants"], &mail["warnings"]), (&json!(4), &json!(2), &json!(1)));
    assert_eq!((&directory["entries"], &directory["errors"]), (&json!(2), &json!(2)));
    assert_eq!(stats["entries"], 6 + control["entries"].as_u64().unwrap());
    assert_eq!((&stats["severities"]["error"], &stats["severities"]["fatal"]), (&json!(1), &json!(1)));
    assert!(stats["disk_bytes"].as_u64() >= stats["record_bytes"].as_u64());
    let people = run(["stats", "--data", &scratch.store()]).exits(0).says_nothing();
    for part in ["mail", "directory", "sealog.control", "3 tenants"] {
        assert!(people.out().contains(part), "{part}: {}", people.out());
    }
}

#[test]
fn stats_of_an_empty_store() {
    let scratch = Scratch::new();
    run(["init", "--data", &scratch.store()]).exits(0);
    let stats = run(["stats", "--json", "--data", &scratch.store()]).exits(0).json();
    assert_eq!((&stats["entries"], &stats["chains"]), (&json!(0), &json!([])));
    let people = run(["stats", "--data", &scratch.store()]).exits(0);
    assert!(people.out().contains("0 entries of 0 tenants in 0 chains and 0 commits"), "{}", people.out());
    run(["inspect", &scratch.store()]).exits(0);
    assert_eq!(run(["inspect", "--json", &scratch.store()]).exits(0).json()["journals"], json!([]));
}

#[test]
fn inspect_shows_a_store_and_each_frame_of_a_journal() {
    let scratch = Scratch::new();
    run_with(["append", "--batch", "2", "--data", &scratch.store()], plain(5)).exits(0);
    let store = run(["inspect", "--json", &scratch.store()]).exits(0).says_nothing().json();
    let journal = &store["journals"][0];
    assert_eq!((&journal["journal"], &journal["clean_stop"]), (&json!(1), &json!(true)));
    assert!(run(["inspect", &scratch.store()]).exits(0).out().contains("clean stop"));

    let path = scratch.path("store/journal/00000001.journal");
    let frames = run(["inspect", "--json", &path]).exits(0).says_nothing().json();
    let frames = frames.as_array().unwrap();
    let of_mail: Vec<_> =
        frames.iter().filter(|f| f["services"] == json!(["mail"])).map(|f| &f["entries"]).collect();
    let entries: u64 = of_mail.iter().map(|entries| entries.as_u64().unwrap()).sum();
    assert_eq!(entries, 5);
    assert_eq!(frames.last().unwrap()["type"], "stop");
    let numbers: Vec<u64> = frames.iter().map(|frame| frame["frame"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=frames.len() as u64), "{numbers:?}");
    let people = run(["inspect", &path]).exits(0);
    assert!(
        people.out().contains("commit") && people.out().contains("stop") && people.out().contains("mail")
    );
    // From within the store's own directory as well.
    let mut here = sealog_tests::command::sealog(["inspect", "00000001.journal"]);
    here.current_dir(scratch.path("store/journal"));
    let here = sealog_tests::command::finish(here);
    assert!(here.status.success(), "{}", here.err());
}

#[test]
fn inspect_of_something_else_says_what_it_takes() {
    let scratch = Scratch::new();
    let file = scratch.file("file.txt", "text");
    run(["inspect", &file]).exits(2).says(&["file.txt", "expected", "journal/00000001.journal"]);
    run(["inspect", &scratch.path("missing")]).exits(3).says(&["missing", "No such file"]);
    let stray = scratch.file("00000001.journal", "text");
    run(["inspect", &stray]).exits(3).says(&["is not a store"]);
    run(["inspect"]).exits(2);
}
