//! Small stores in memory whose every byte follows from the program: the clock and the random source are fixed.

use crate::MemoryDisk;
use sealog_engine::batch::Batch;
use sealog_engine::clock::{Clock, Entropy};
use sealog_engine::error::Error;
use sealog_engine::model::{
    Accept, Artifact, Entry, Process, ProcessEvent, Severity, StoreName, Timestamp, parse_entry,
};
use sealog_engine::store::{Background, Bounds, Options, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

/// 2026-11-21T14:05:06Z.
const START_NS: i64 = 1_795_269_906_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// Byte n drawn is n mod 256.
#[derive(Default)]
struct CountingEntropy(AtomicU8);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

/// Every look at a clock takes a second.
struct SteppingClock(AtomicI64);

impl Clock for SteppingClock {
    fn wall_ns(&self) -> i64 {
        self.0.fetch_add(SECOND_NS, Ordering::Relaxed)
    }

    fn boot_ns(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Opens a store for writing, without a thread of its own.
pub fn open(disk: &Arc<MemoryDisk>) -> Result<Store, Error> {
    let disk: Arc<MemoryDisk> = Arc::clone(disk);
    let options = Options {
        instance: "sealog@fuzz".to_owned(),
        name: StoreName::new("fuzz.example.com").ok(),
        create: true,
        background: Background::Inline,
        bounds: Bounds::default(),
        clock: Arc::new(SteppingClock(AtomicI64::new(START_NS))),
        entropy: Arc::new(CountingEntropy::default()),
    };
    Store::open_on(disk, options)
}

/// The NDJSON lines that seeds and the filter's store are made of.
pub const LINES: [&str; 12] = [
    r#"{"tenant":"acme","service":"mail-api","activity":"login"}"#,
    r#"{"tenant":"acme","service":"mail-api","activity":"retention.changed","severity":"warning","actor":{"type":"user","id":"u-1","name":"Ada"},"object":{"id":"cfg-7","name":"Retention Rule"},"message":"keep 10 years instead of 6","success":true}"#,
    r#"{"tenant":"globex","organization":"north","service":"mail-api","id":"e-1","generated_at":"2026-11-20T23:59:59.999999999Z","activity":"login","success":false,"request_id":"r-1","configuration_id":"c-1","on_behalf_of":"u-9"}"#,
    r#"{"tenant":"globex","service":"sync","activity":"run","process":{"id":"p-1","event":"started"},"started":"2026-11-21T00:00:00Z"}"#,
    r#"{"tenant":"globex","service":"sync","activity":"run","process":{"id":"p-2","parent":"p-1","event":"failed"},"finished":"2026-11-21T00:00:09Z","severity":"error"}"#,
    r#"{"tenant":"acme","service":"sync","activity":"export","artifact":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","name":"a.pdf","media_type":"application/pdf","size":0}}"#,
    r#"{"tenant":"initech","service":"dir","activity":"attributes","attributes":{"z":"1","a":"2","long":"","naïve":"\u0000\u001b[31m"}}"#,
    r#"{"tenant":"Zürich AG","service":"dir","activity":"umlaut","message":"GRÖSSE größe ſtraße Ǆ ǆ K"}"#,
    r#"{"tenant":"acme","service":"dir","activity":"fatal","severity":"fatal","message":"line one\r\nline two\ttab"}"#,
    r#"{"tenant":"acme","service":"dir","activity":"trace","severity":"trace","generated_at":"1677-09-21T00:12:44Z"}"#,
    r#"{"tenant":"initech","service":"dir","activity":"debug","severity":"debug","generated_at":"2262-04-11T23:47:16Z","message":"\ud83d\ude00 emoji"}"#,
    r#"{"tenant":"acme","service":"mail-api","id":"e-2","activity":"cancel","process":{"id":"p-3","event":"cancel_requested"}}"#,
];

/// The entries of `LINES`; all of them are valid.
pub fn entries() -> Vec<Entry<'static>> {
    LINES.iter().filter_map(|line| parse_entry(line.as_bytes(), Accept::Entry).ok()).collect()
}

/// An entry that uses every field.
pub fn full_entry() -> Entry<'static> {
    Entry {
        tenant: "acme".into(),
        organization: "north".into(),
        service: "mail-api".into(),
        id: "e-77".into(),
        generated_at: Some(Timestamp::from_nanos(START_NS - 1)),
        severity: Severity::Warning,
        activity: "mailbox.moved".into(),
        actor: sealog_engine::model::Actor { kind: "user".into(), id: "u-1".into(), name: "Ada".into() },
        on_behalf_of: "u-2".into(),
        object: sealog_engine::model::Object { id: "m-1".into(), name: "Sales".into() },
        request_id: "r-1".into(),
        configuration_id: "c-1".into(),
        success: Some(true),
        message: "moved".into(),
        started: Some(Timestamp::from_nanos(-1)),
        finished: Some(Timestamp::from_nanos(i64::MAX)),
        process: Some(Process { id: "p-1".into(), parent: "p-0".into(), event: ProcessEvent::Cancelled }),
        artifact: Some(Artifact {
            sha256: [7; 32],
            name: "a.pdf".into(),
            media_type: "application/pdf".into(),
            size: Some(70_000),
        }),
        attributes: vec![("a".into(), "1".into()), ("bb".into(), String::new().into())],
    }
}

/// A store of these batches, stopped cleanly; the second batch carries an idempotency key.
///
/// # Errors
/// None, while the entries are valid.
pub fn made(batches: &[Vec<Entry<'_>>]) -> Result<Arc<MemoryDisk>, Error> {
    let disk = Arc::new(MemoryDisk::new());
    let store = open(&disk)?;
    for (index, entries) in batches.iter().enumerate() {
        let mut batch = Batch::new();
        for entry in entries {
            batch.push(entry)?;
        }
        if index == 1 {
            batch.set_idempotency_key("batch-1").map_err(|source| Error::Entry { index: 0, source })?;
        }
        store.append(batch)?;
    }
    store.close()?;
    Ok(disk)
}
