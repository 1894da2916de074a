//! `sealog serve`, `sealog key`, and commands that ask a server.

use super::{plain, with};
use sealog_tests::command::{Ran, Running, Scratch, finish, run, run_with, sealog};
use serde_json::json;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// An address that nobody has.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Serves a store; comes back when it takes connections.
fn serve(store: &str, address: &str) -> Running {
    let running = Running::start(["serve", "--data", store, "--listen", address]);
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody listens");
        std::thread::yield_now();
    }
    running
}

fn key(store: &str, flags: &[&str]) -> String {
    let made = run(["key", "new", "--data", store].iter().chain(flags)).exits(0).says_nothing();
    made.out().trim().to_owned()
}

/// Runs a command with a key.
fn keyed(key: &str, args: &[&str], stdin: &str) -> Ran {
    let mut command = sealog(args);
    command.env("SEALOG_KEY", key).stdin(std::process::Stdio::piped());
    let mut running = Running::of(command);
    running.send(stdin);
    running.finish()
}

#[test]
fn a_server_serves_until_it_is_told_to_stop_and_the_store_is_whole() {
    let scratch = Scratch::new();
    let (store, address) = (scratch.store(), free());
    let producer = key(&store, &["--role", "producer", "--tenant", "acme"]);
    let auditor = key(&store, &["--role", "auditor"]);
    let server = serve(&store, &address);
    let url = format!("http://{address}");
    let lines = plain(25);
    let appended = keyed(&producer, &["append", "--server", &url, "--batch", "10"], &lines).exits(0);
    assert_eq!(appended.lines().len(), 3, "a receipt for each batch");
    let bad = format!("{}{}", plain(1), with(json!({"tenant": "other"})));
    keyed(&producer, &["append", "--server", &url], &bad).exits(3).says(&["line 2", "tenant"]);
    let left_out = keyed(&producer, &["append", "--server", &url, "--skip-bad"], &bad).exits(0);
    assert!(left_out.err().contains("line 2") && left_out.lines().len() == 1);
    let nonsense = format!("{}nonsense\n", plain(1));
    keyed(&producer, &["append", "--server", &url], &nonsense).exits(2).says(&["line 2"]);
    let scanned = keyed(&auditor, &["scan", "--server", &url, "--order", "asc"], "").exits(0);
    let beside = run(["scan", "--data", &store, "--order", "asc"]).exits(0);
    assert_eq!(scanned.out(), beside.out(), "the server says what the files say");
    let csv = |args: &[&str]| keyed(&auditor, args, "").exits(0).stdout;
    assert_eq!(
        csv(&["scan", "--server", &url, "--format", "csv"]),
        csv(&["scan", "--data", &store, "--format", "csv"])
    );
    let count = keyed(&auditor, &["scan", "--server", &url, "--count", "--last", "1h"], "").exits(0);
    assert_eq!(count.out().trim(), "26");
    let report = keyed(&auditor, &["verify", "--server", &url, "--service", "mail", "--json"], "").exits(0);
    assert_eq!((&report.json()["valid"], &report.json()["chains"][0]["entries"]), (&json!(true), &json!(26)));
    keyed(&auditor, &["verify", "--server", &url], "").exits(0);
    keyed(&producer, &["scan", "--server", &url], "").exits(3).says(&["403"]);
    let second = run(["serve", "--data", &store, "--listen", &free()]);
    second.exits(3).says(&["locked by process"]);
    let id = auditor.split('_').nth(1).unwrap();
    run(["key", "revoke", "--data", &store, id]).exits(0);
    let listed = run(["key", "list", "--data", &store, "--json"]).exits(0);
    assert_eq!(listed.lines().len(), 2);
    assert!(!listed.out().contains("hash"));
    let began = Instant::now();
    while keyed(&auditor, &["scan", "--server", &url, "--count"], "").status.code() == Some(0) {
        assert!(began.elapsed() < Duration::from_secs(30), "a revoked key reads");
    }
    server.signal("TERM");
    server.finish().exits(0).says(&["listening on http://127.0.0.1:"]);
    assert_eq!(scratch.count(&[]), 26);
    scratch.verify();
}

#[test]
fn what_cannot_be_served_or_keyed_is_refused_before_anything_opens() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let file = scratch.file("bad.toml", "[limits]\nreads = 0\n");
    run(["config", "check", &file]).exits(2).says(&["limits.reads", "expected 1"]);
    run(["serve", "--data", &store, "--config", &file]).exits(2).says(&["limits.reads"]);
    run(["serve", "--data", &store, "--listen", "0.0.0.0:0"]).exits(2).says(&["TLS", "plain_http"]);
    assert!(!std::path::Path::new(&store).join("STORE").exists(), "a store was made");
    let good = scratch.file("good.toml", "listen = \"127.0.0.1:0\"\n");
    run(["config", "check", &good]).exits(0);
    run(["config", "check", &scratch.path("missing.toml")]).exits(3);
    run(["key", "new", "--data", &store, "--role", "king"]).exits(2).says(&["king", "producer"]);
    run(["key", "new", "--data", &store, "--role", "customer"]).exits(2).says(&["tenants"]);
    run(["key", "new", "--data", &store, "--role", "admin", "--expires", "soon"]).exits(2).says(&["90d"]);
    key(&store, &["--role", "admin"]);
    run(["key", "revoke", "--data", &store, "nothing"]).exits(2).says(&["nothing"]);
    run(["scan", "--server", "http://127.0.0.1:1"]).exits(2).says(&["SEALOG_KEY"]);
    run(["scan", "--server", "http://127.0.0.1:1", "--data", &store]).exits(2).says(&["--data"]);
    let mut command = sealog(["scan", "--server", "http://127.0.0.1:1"]);
    command.env("SEALOG_KEY", "slg_x");
    finish(command).exits(3).says(&["could not ask http://127.0.0.1:1"]);
    run_with(["append"], plain(1)).exits(2).says(&["--data"]);
}
