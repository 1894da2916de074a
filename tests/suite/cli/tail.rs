//! `sealog tail`: what arrives while it runs, and what was there before.

use super::{plain, texts, with};
use sealog_tests::command::{Running, Scratch, run};
use serde_json::{Value, json};

fn next(tail: &Running) -> String {
    let line = tail.line().expect("an entry");
    let entry: Value = serde_json::from_slice(&line).expect("JSON");
    entry["message"].as_str().expect("a message").to_owned()
}

#[test]
fn entries_are_told_as_they_arrive() {
    let scratch = Scratch::new();
    scratch.append(plain(5));
    // With a start it tells first what is there, so it is known when it looks.
    let tail = Running::start(["tail", "--last", "1d", "--data", &scratch.store()]);
    let old: Vec<String> = (0..5).map(|_| next(&tail)).collect();
    assert_eq!(old, ["m0", "m1", "m2", "m3", "m4"]);
    for round in 0..3 {
        let lines: String = (0..20).map(|n| with(json!({"message": format!("{round}-{n}")}))).collect();
        scratch.append(lines);
        let told: Vec<String> = (0..20).map(|_| next(&tail)).collect();
        assert_eq!(told, (0..20).map(|n| format!("{round}-{n}")).collect::<Vec<_>>());
    }
}

#[test]
fn filters_leave_out_what_does_not_match() {
    let scratch = Scratch::new();
    scratch.append(plain(1));
    let tail = Running::start([
        "tail",
        "--from",
        "2020-01-01",
        "--min-severity",
        "error",
        "--data",
        &scratch.store(),
    ]);
    for (message, severity) in [("one", "info"), ("two", "error"), ("three", "warning"), ("four", "fatal")] {
        scratch.append(with(json!({"message": message, "severity": severity})));
    }
    assert_eq!((next(&tail), next(&tail)), ("two".to_owned(), "four".to_owned()));
}

#[test]
fn it_ends_where_the_window_ends() {
    let scratch = Scratch::new();
    scratch.append(plain(3));
    let entries = scratch.scan(&["--order", "asc"]);
    let last = entries[2]["logged_at"].as_str().unwrap();
    let ran = run(["tail", "--from", "2020-01-01", "--to", last, "--data", &scratch.store()]).exits(0);
    let before: Vec<&Value> =
        entries.iter().filter(|entry| entry["logged_at"].as_str() < Some(last)).collect();
    assert_eq!(texts(&ran.lines(), "message").len(), before.len());
}

#[test]
fn a_store_that_is_not_there_is_said() {
    let scratch = Scratch::new();
    run(["tail", "--data", &scratch.path("nothing")]).exits(3).says(&["nothing"]);
}
