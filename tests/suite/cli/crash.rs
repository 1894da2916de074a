//! Short slices of the campaigns `kill` and `inject`, which are programs of their own: long runs have figures.

use sealog_tests::command::finish;
use std::process::{Command, Stdio};

fn campaign(binary: &str, args: &[&str]) {
    let mut command = Command::new(binary);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = finish(command).exits(0);
    println!("{}", ran.out());
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    campaign(env!("CARGO_BIN_EXE_kill"), &["--cycles", "20"]);
}

#[test]
fn what_was_acknowledged_survives_failing_system_calls() {
    campaign(env!("CARGO_BIN_EXE_inject"), &["--slice"]);
}
