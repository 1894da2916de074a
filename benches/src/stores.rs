//! Stores to measure.

use crate::Outcome;
use crate::data::{BATCH_ENTRIES, Lines, batch_of, plan};
use sealog::generate::{Generator, Plan};
use sealog_engine::clock::Clock;
use sealog_engine::store::{Bounds, Options, Store};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Makes a store of generated entries, 1 000 a batch, and leaves it open.
///
/// # Errors
/// The engine's.
pub fn fill(path: &Path, entries: usize) -> Outcome<Store> {
    append_all(Store::open(path, Options::default())?, entries)
}

fn append_all(store: Store, entries: usize) -> Outcome<Store> {
    let mut generator = Generator::new(&plan(entries));
    loop {
        let lines = Lines::next_of(&mut generator, BATCH_ENTRIES);
        let batch = batch_of(&lines.entries()?)?;
        if batch.is_empty() {
            return Ok(store);
        }
        store.append(batch)?;
    }
}

/// A store of generated entries, stopped cleanly.
///
/// # Errors
/// The engine's.
pub fn made(path: &Path, entries: usize) -> Outcome<()> {
    Ok(fill(path, entries)?.close()?)
}

/// A store of generated entries of which nothing is sealed, stopped cleanly.
///
/// # Errors
/// The engine's.
pub fn unsealed(path: &Path, entries: usize) -> Outcome<()> {
    let bounds = Bounds {
        segment_rows_aim: u32::MAX,
        open_bytes_aim: u64::MAX,
        open_bytes_max: u64::MAX,
        journal_files_aim: u64::MAX,
        seal_rows_min: u32::MAX,
        journal_stop_bytes: u64::MAX,
        ..Bounds::default()
    };
    append_all(Store::open(path, Options { bounds, ..Options::default() })?, entries)?.close()?;
    Ok(())
}

/// A clock that is told the time; the boot clock goes with it.
pub struct Told(AtomicI64);

impl Told {
    /// A clock that stands at a time, in nanoseconds since 1970.
    pub fn at(now: i64) -> Told {
        Told(AtomicI64::new(now))
    }

    /// Moves it on.
    pub fn advance(&self, nanos: i64) {
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Clock for Told {
    fn wall_ns(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn boot_ns(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A store of generated entries, each batch committed when its newest entry was made, so that commit times spread over
/// the plan's days; all of it sealed and stopped cleanly.
///
/// # Errors
/// The engine's.
pub fn sealed(path: &Path, entries: usize) -> Outcome<()> {
    sealed_by(path, &plan(entries))
}

/// As [`sealed`], by any plan; a store that is there goes on.
///
/// # Errors
/// The engine's.
pub fn sealed_by(path: &Path, plan: &Plan) -> Outcome<()> {
    let begin = plan.end_ns - i64::from(plan.days) * 86_400_000_000_000;
    let clock = Arc::new(Told::at(begin));
    // The stop seals what is left, however little.
    let bounds = Bounds { journal_stop_bytes: 0, seal_rows_min: 1, ..Bounds::default() };
    let store =
        Store::open(path, Options { clock: Arc::<Told>::clone(&clock), bounds, ..Options::default() })?;
    let mut generator = Generator::new(plan);
    loop {
        let lines = Lines::next_of(&mut generator, BATCH_ENTRIES);
        let entries = lines.entries()?;
        let newest = entries.iter().filter_map(|entry| entry.generated_at).max();
        if let Some(newest) = newest {
            clock.0.fetch_max(newest.nanos(), Ordering::Relaxed);
        }
        let batch = batch_of(&entries)?;
        if batch.is_empty() {
            return Ok(store.close()?);
        }
        store.append(batch)?;
    }
}
