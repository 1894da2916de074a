//! A second implementation, in Python and written from docs/ alone, reads the same store and gets the same hashes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read what it is about fails")]

use sealog::generate::{Generator, Plan};
use sealog_engine::batch::Batch;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::model::{Accept, parse_entry};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Order, Query, Scope};
use sealog_engine::store::{Background, Bounds, CompactionExtent, Options, Store};
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

/// A store that has sealed, trimmed, carried and merged, and goes on behind that.
fn make_sealed_store(directory: &Path, entries: u64) {
    let bounds = Bounds {
        segment_rows_aim: 300,
        segment_rows_max: 400,
        journal_file_bytes: 96 << 10,
        journal_files_aim: 2,
        seal_rows_min: 40,
        journal_stop_bytes: 64 << 10,
        ..Bounds::default()
    };
    let mut generator = Generator::new(&Plan { entries, ..Plan::default() });
    let mut line = Vec::new();
    for session in 0_u64.. {
        let options = Options { bounds, background: Background::Inline, ..Options::default() };
        let store = Store::open(directory, options).unwrap();
        for round in 0..40 {
            let mut batch = Batch::new();
            for _ in 0..20 {
                line.clear();
                if !generator.next_line(&mut line) {
                    // A killed process leaves no clean stop: the directory of what it wrote is dropped as it stands.
                    store.append(batch).unwrap();
                    store.commit_heads().unwrap();
                    return;
                }
                batch.push(&parse_entry(&line, Accept::Entry).unwrap()).unwrap();
            }
            store.append(batch).unwrap();
            if round % 10 == 9 {
                store.commit_heads().unwrap();
            }
        }
        if session % 2 == 1 {
            store.compact(CompactionExtent::Everything, |_| {}).unwrap();
        }
        store.close().unwrap();
    }
}

/// What both say of a store: whether it is valid.
fn both_say(directory: &Path) -> (bool, Value) {
    let options = VerifyOptions { all_heads: true, ..VerifyOptions::default() };
    let report = verify(&DirectoryDisk::new(directory), &options, |_| {}).unwrap();
    let output = second_reader(&[directory.to_str().unwrap()]);
    let read: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let found: Vec<_> = report.all_problems().collect();
    assert_eq!(read["valid"].as_bool(), Some(report.valid), "{:#}: {found:#?}", read["problems"]);
    (report.valid, read)
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_second_reader_recomputes_a_store_that_sealed_trimmed_carried_and_merged() {
    let directory = tempfile::tempdir().unwrap();
    make_sealed_store(directory.path(), 6_000);
    let segments = files_in(&directory.path().join("chains"));
    assert!(segments.len() > 10, "{segments:?}");
    assert!(!directory.path().join("journal/00000001.journal").exists());
    let (valid, read) = both_say(directory.path());
    assert!(valid, "{:#}", read["problems"]);
    assert!(read["directory_root"].is_string());
    let options = VerifyOptions { all_heads: true, ..VerifyOptions::default() };
    let report = verify(&DirectoryDisk::new(directory.path()), &options, |_| {}).unwrap();
    let chains = read["chains"].as_array().unwrap();
    assert_eq!(chains.len(), report.chains.len());
    for (second, first) in chains.iter().zip(&report.chains) {
        assert_eq!(second["service"], first.service);
        assert_eq!(second["size"], first.size);
        assert_eq!(second["head"].as_str(), first.head.as_deref());
        assert_eq!(second["root"].as_str(), first.root.as_deref());
    }
    // The entries themselves, in the one order.
    let output = second_reader(&["--entries", directory.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reader = Reader::open(directory.path()).unwrap();
    let all = reader.scan(&Scope::everything(), &Query { order: Order::Ascending, ..Query::default() });
    let mut count = 0;
    for (line, hit) in output.stdout.split(|byte| *byte == b'\n').zip(all) {
        let (told, own): (Value, _) = (serde_json::from_slice(line).unwrap(), hit.committed().unwrap());
        assert_eq!(told["seq"], hit.seq());
        assert_eq!(told["service"].as_str(), Some(&*own.entry.service));
        assert_eq!(told["tenant"].as_str(), Some(&*own.entry.tenant));
        assert_eq!(told["message"].as_str().unwrap_or(""), &*own.entry.message);
        assert_eq!(told["id"].as_str().unwrap_or(""), &*own.entry.id);
        count += 1;
    }
    assert_eq!(count, 6_000);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the damage is the point")]
fn a_second_reader_agrees_on_damaged_copies_of_a_sealed_store() {
    let directory = tempfile::tempdir().unwrap();
    make_sealed_store(directory.path(), 2_500);
    assert!(both_say(directory.path()).0);
    let segments = files_in(&directory.path().join("chains"));
    let journals = files_in(&directory.path().join("journal"));
    let mut checked = 0;
    for (number, path) in segments.iter().step_by(3).chain(&journals).enumerate() {
        let whole = std::fs::read(path).unwrap();
        let mut bytes = whole.clone();
        match number % 4 {
            0 => bytes[whole.len() / 3] ^= 4,
            1 => bytes.truncate(whole.len() * 2 / 3),
            2 => bytes[70] ^= 1,
            _ => bytes[whole.len() - 40] ^= 0x80,
        }
        std::fs::write(path, &bytes).unwrap();
        both_say(directory.path());
        std::fs::remove_file(path).unwrap();
        both_say(directory.path());
        std::fs::write(path, &whole).unwrap();
        checked += 1;
    }
    // Two that changed places.
    let (one, other) = (&segments[0], &segments[segments.len() - 1]);
    let (own, others) = (std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
    std::fs::write(one, &others).unwrap();
    std::fs::write(other, &own).unwrap();
    assert!(!both_say(directory.path()).0);
    assert!(checked > 4);
}

#[test]
fn a_second_reader_confirms_the_vectors_of_the_pages() {
    let output = second_reader(&["--vectors"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let count: u32 = printed.split(' ').next().unwrap().parse().unwrap();
    assert!(count > 800, "{printed}");
}
