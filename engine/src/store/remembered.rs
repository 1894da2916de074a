//! What came in journal files that are about to go, kept for as long as a retry may come: `state/ids/<n>.ids`.

use super::idempotency::Window;
use super::older::RememberedFile;
use super::tails::Tails;
use crate::disk::{Disk, replace_small};
use crate::error::Error;
use crate::format::remembered::{self, Remembered, RememberedBatch, RememberedEntry};
use crate::limits;
use std::collections::HashMap;
use std::io;

/// Where the files lie.
pub const DIRECTORY: &str = "state/ids";
const EXTENSION: &str = ".ids";

fn name(journal: u64) -> String {
    format!("{journal:08}{EXTENSION}")
}

fn journal_of(file: &str) -> Option<u64> {
    let number = file.strip_suffix(EXTENSION)?.parse().ok()?;
    (name(number) == file).then_some(number)
}

/// The files' numbers, ascending.
pub fn list(disk: &dyn Disk) -> Result<Vec<u64>, Error> {
    let names = match disk.list(DIRECTORY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(Error::during("list", disk.display(DIRECTORY)))?,
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| journal_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Where what came in journal files up to a number is remembered.
pub fn path(journal: u64) -> String {
    format!("{DIRECTORY}/{}", name(journal))
}

/// Collects what came in journal files up to a number, for [`write`].
pub struct Collector {
    remembered: Remembered,
    indexes: HashMap<u32, u32>,
}

impl Collector {
    /// A collector of what came in files up to `journal`.
    pub fn new(journal: u64) -> Collector {
        Collector { remembered: Remembered { journal, ..Remembered::default() }, indexes: HashMap::new() }
    }

    fn service(&mut self, tails: &Tails, chain: u32) -> u32 {
        let services = &mut self.remembered.services;
        *self.indexes.entry(chain).or_insert_with(|| {
            services.push(tails.chain(chain).service.as_str().into());
            u32::try_from(services.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Adds a step of what came at or after `from` and before `to`; where to go on, if that is not all.
    pub fn add(&mut self, tails: &Tails, window: &Window, from: i64, to: i64) -> Option<i64> {
        /// Items that are copied while nobody can commit: less than a millisecond.
        const STEP_ITEMS: usize = 8_192;
        let (items, is_all) = window.between(from, to, STEP_ITEMS);
        let newest = items.last().map(|(_, seen)| seen.logged_at);
        for (mac, seen) in items {
            let service = self.service(tails, seen.chain);
            self.remembered.items.push(RememberedEntry {
                id: mac.id,
                bytes: mac.bytes,
                seq: seen.seq,
                logged_at: seen.logged_at,
                service,
            });
        }
        if !is_all {
            return newest.map(|newest| newest + 1);
        }
        None
    }

    /// Adds the batches that came at or after `from` and before `to`.
    pub fn add_batches(&mut self, tails: &Tails, window: &Window, from: i64, to: i64) {
        for (key, batch) in window.batches_between(from, to) {
            let runs =
                batch.runs.iter().map(|(chain, first, count)| (self.service(tails, *chain), *first, *count));
            let runs = runs.collect();
            self.remembered.batches.push(RememberedBatch {
                key,
                bytes: batch.bytes,
                logged_at: batch.logged_at,
                runs,
            });
        }
    }
}

/// Writes what was collected, durable when this returns.
///
/// # Errors
/// The disk's; what was there before is then still there.
pub fn write(disk: &dyn Disk, store_id: &[u8; 16], collector: &Collector) -> Result<RememberedFile, Error> {
    let remembered = &collector.remembered;
    let failed = |action| Error::during(action, disk.display(&path(remembered.journal)));
    disk.create_directory(DIRECTORY).map_err(Error::during("create", disk.display(DIRECTORY)))?;
    replace_small(disk, DIRECTORY, &name(remembered.journal), &remembered::encode(store_id, remembered))
        .map_err(failed("write"))?;
    Ok(RememberedFile::of(remembered))
}

/// Removes those of these files, ascending, of which everything has left the window of an entry that is committed at
/// `now`.
///
/// # Errors
/// The disk's; `files` are then those that are left.
pub fn expire(disk: &dyn Disk, files: &mut Vec<RememberedFile>, now: i64) -> Result<(), Error> {
    let horizon = now.saturating_sub(limits::IDEMPOTENCY_WINDOW_NS);
    let mut newer = 0;
    // Of the newest first: a file is not needed when those behind it fill the window.
    for index in (0..files.len()).rev() {
        let file = files[index];
        let is_full = newer >= limits::IDEMPOTENCY_COUNT_MAX;
        newer += file.item_count;
        if is_full || file.newest < horizon {
            let path = path(file.journal);
            disk.remove(&path).map_err(Error::during("remove", disk.display(&path)))?;
            files.remove(index);
        }
    }
    Ok(())
}
