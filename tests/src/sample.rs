//! Small stores, the same each time, for tests that damage them.
//!
//! | frame | portal | mail-api |
//! | --- | --- | --- |
//! | 1 | 0 acme, 1 acme, 2 globex | 0 acme |
//! | 2 | 3 acme, 4 globex | |
//! | 3 | 5 acme | 1 globex |
//! | 4 | `heads` | |
//! | 5 | 6 acme | 2 acme |
//! | 6, 7 | `heads` and stop, of a clean stop | |

use crate::simulation::clock::{SimulatedClock, SimulatedEntropy};
use crate::simulation::disk::SimulatedDisk;
use crate::simulation::random::Random;
use sealog_engine::batch::Batch;
use sealog_engine::journal::path;
use sealog_engine::model::Entry;
use sealog_engine::store::{Background, Options, Store};
use std::sync::Arc;

/// Entries of all frames: (service, tenant), before and after the first `heads`.
const BEFORE: [&[(&str, &str)]; 3] = [
    &[("portal", "acme"), ("portal", "acme"), ("portal", "globex"), ("mail-api", "acme")],
    &[("portal", "acme"), ("portal", "globex")],
    &[("portal", "acme"), ("mail-api", "globex")],
];
const AFTER: &[(&str, &str)] = &[("portal", "acme"), ("mail-api", "acme")];

/// Everything simulated, from a seed.
pub fn options(seed: u64) -> Options {
    Options {
        instance: "sealog@sample".to_owned(),
        background: Background::Inline,
        clock: Arc::new(SimulatedClock::default()),
        entropy: Arc::new(SimulatedEntropy::new(Random::new(seed))),
        ..Options::default()
    }
}

/// An entry with a message of this length, at least.
pub fn entry(service: &str, tenant: &str, filler: usize) -> Entry<'static> {
    Entry {
        tenant: tenant.to_owned().into(),
        service: service.to_owned().into(),
        activity: "retention.changed".into(),
        message: format!("keep 10 years instead of 6{}", " and so on".repeat(filler / 10)).into(),
        ..Entry::default()
    }
}

/// A batch of such entries.
pub fn batch(places: &[(&str, &str)], filler: usize) -> Batch {
    let mut batch = Batch::new();
    for (service, tenant) in places {
        batch.push(&entry(service, tenant, filler)).unwrap();
    }
    batch
}

/// Opens a store where nothing fails.
pub fn open(disk: &SimulatedDisk, seed: u64) -> Store {
    Store::open_on(Arc::new(disk.clone()), options(seed)).unwrap()
}

/// The store of the table, open.
pub fn begun(disk: &SimulatedDisk, seed: u64) -> Store {
    let clock = Arc::new(SimulatedClock::default());
    let options = Options { clock: Arc::clone(&clock) as _, ..options(seed) };
    let store = Store::open_on(Arc::new(disk.clone()), options).unwrap();
    for places in BEFORE {
        store.append(batch(places, 0)).unwrap();
        clock.pass(1_000_000_000);
    }
    store.commit_heads().unwrap();
    clock.pass(1_000_000_000);
    store.append(batch(AFTER, 0)).unwrap();
    store
}

/// The store of the table, stopped cleanly.
pub fn stopped(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    begun(&disk, seed).close().unwrap();
    disk
}

/// The store of the table up to frame 5; its process was killed, and then the power went.
pub fn crashed(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    let store = begun(&disk, seed);
    let next = disk.power_cut();
    drop(store);
    next
}

/// A store of several frames whose journal holds at least this many bytes, stopped cleanly.
pub fn of_size(bytes: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(9);
    let store = begun(&disk, 9);
    let written =
        || disk.bytes(&path(1)).map_or(0, |bytes| bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0));
    for filler in (150..).step_by(70) {
        if written() as u64 >= bytes {
            break;
        }
        store.append(batch(AFTER, filler % 700)).unwrap();
    }
    store.close().unwrap();
    disk
}
