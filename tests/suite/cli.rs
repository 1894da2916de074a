//! The command line as users and scripts meet it: exit codes, messages, outputs, and nothing else.
//!
//! Goal: the contract of names, flags and exit codes holds, a message says what, where, expected and found, and nothing
//! from a log reaches a terminal unescaped. Method: the real binary in a process of its own, on a directory of the
//! test's own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of tests fails as a test does, and says what it skips"
)]

mod append;
mod crash;
mod documents;
mod import;
mod output;
mod scan;
mod segment;
mod serve;
mod store;
mod tail;
mod verify;

use serde_json::{Value, json};

/// An entry with nothing but what is required, as a line.
const PLAIN: &str = r#"{"tenant":"acme","service":"mail","activity":"sent"}"#;

/// Plain entries with messages `m0`, `m1`, …
fn plain(count: usize) -> String {
    (0..count).map(|number| with(json!({ "message": format!("m{number}") }))).collect()
}

/// A plain entry with other or further fields, as a line with its line end.
fn with(fields: Value) -> String {
    let mut entry: Value = serde_json::from_str(PLAIN).unwrap();
    for (key, value) in fields.as_object().unwrap() {
        entry[key] = value.clone();
    }
    format!("{entry}\n")
}

/// One text of each object.
fn texts<'v>(values: &'v [Value], key: &str) -> Vec<&'v str> {
    values.iter().map(|value| value[key].as_str().unwrap_or_default()).collect()
}
