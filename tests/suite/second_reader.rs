//! A second implementation, in Python and written from docs/ alone, reads the same store and gets the same hashes.

#![expect(clippy::unwrap_used, reason = "a test that cannot read what it is about fails")]

use sealog::generate::{Generator, Plan};
use sealog_engine::batch::Batch;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::model::{Accept, parse_entry};
use sealog_engine::store::{Options, Store};
use sealog_engine::verify::{VerifyOptions, verify};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn second_reader(arguments: &[&str]) -> Output {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("second_reader.py");
    Command::new("python3").arg(script).args(arguments).output().unwrap()
}

/// A store of several sessions, so that it has clean stops and several `heads`.
fn make_store(directory: &Path, entries: u64) {
    let mut generator = Generator::new(&Plan { entries, ..Plan::default() });
    let mut line = Vec::new();
    for batch_entries in [1, 7, 500].into_iter().cycle() {
        let store = Store::open(directory, Options::default()).unwrap();
        for _ in 0..4 {
            let mut batch = Batch::new();
            for _ in 0..batch_entries {
                line.clear();
                if !generator.next_line(&mut line) {
                    store.append(batch).unwrap();
                    return;
                }
                batch.push(&parse_entry(&line, Accept::Entry).unwrap()).unwrap();
            }
            store.append(batch).unwrap();
        }
    }
}

#[test]
fn a_second_reader_recomputes_the_same_heads_and_roots() {
    let directory = tempfile::tempdir().unwrap();
    make_store(directory.path(), 5_000);
    let report = verify(&DirectoryDisk::new(directory.path()), &VerifyOptions::default(), |_| {}).unwrap();
    assert!(report.valid);
    let output = second_reader(&[directory.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["valid"], true);
    let chains = read["chains"].as_array().unwrap();
    assert_eq!(chains.len(), report.chains.len());
    for (second, first) in chains.iter().zip(&report.chains) {
        assert_eq!(second["service"], first.service);
        assert_eq!(second["size"], first.size);
        assert_eq!(second["head"].as_str(), first.head.as_deref());
        assert_eq!(second["root"].as_str(), first.root.as_deref());
        let lines = second["lines"].as_array().unwrap();
        let sum: u64 = lines.iter().map(|line| line["size"].as_u64().unwrap()).sum();
        assert_eq!(sum, first.size, "the lines of a chain add up to it");
    }
}

#[test]
fn a_second_reader_finds_a_flipped_bit() {
    let directory = tempfile::tempdir().unwrap();
    make_store(directory.path(), 600);
    let journal = directory.path().join("journal/00000001.journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    #[expect(clippy::disallowed_methods, reason = "the damage is the point")]
    std::fs::write(&journal, bytes).unwrap();
    assert_eq!(second_reader(&[directory.path().to_str().unwrap()]).status.code(), Some(1));
    let report = verify(&DirectoryDisk::new(directory.path()), &VerifyOptions::default(), |_| {}).unwrap();
    assert!(!report.valid);
}

#[test]
fn a_second_reader_confirms_the_vectors_of_the_pages() {
    let output = second_reader(&["--vectors"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let count: u32 = printed.split(' ').next().unwrap().parse().unwrap();
    assert!(count > 800, "{printed}");
}
