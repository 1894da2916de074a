//! Stores to measure.

use crate::Outcome;
use crate::data::{BATCH_ENTRIES, Lines, batch_of, plan};
use sealog::generate::Generator;
use sealog_engine::store::{Options, Store};
use std::path::Path;

/// Makes a store of generated entries, 1 000 a batch, and leaves it open.
///
/// # Errors
/// The engine's.
pub fn fill(path: &Path, entries: usize) -> Outcome<Store> {
    let store = Store::open(path, Options::default())?;
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
