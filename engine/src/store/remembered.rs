//! What came in journal files that are about to go, kept for as long as a retry may come: `state/ids/<n>.ids`.

use super::idempotency::{EntryMac, SeenBatch, Window};
use super::tails::Tails;
use crate::disk::{Disk, read_small, replace_small};
use crate::error::Error;
use crate::format::remembered::{self, Remembered, RememberedBatch, RememberedEntry};
use crate::limits;
use crate::model::ServiceName;
use std::collections::HashMap;
use std::io;

/// Where the files lie.
const DIRECTORY: &str = "state/ids";
const EXTENSION: &str = ".ids";

fn name(journal: u64) -> String {
    format!("{journal:08}{EXTENSION}")
}

fn journal_of(file: &str) -> Option<u64> {
    let number = file.strip_suffix(EXTENSION)?.parse().ok()?;
    (name(number) == file).then_some(number)
}

/// The files' numbers, ascending.
fn list(disk: &dyn Disk) -> Result<Vec<u64>, Error> {
    let names = match disk.list(DIRECTORY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(Error::during("list", disk.display(DIRECTORY)))?,
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| journal_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Puts what the files remember into the window. Returns the number of the newest journal file that they cover; 0 if
/// there is none.
///
/// # Errors
/// The disk's; a file that is damaged: retries of what it remembers could not be told from new entries.
pub fn load(
    disk: &dyn Disk,
    store_id: &[u8; 16],
    tails: &mut Tails,
    window: &mut Window,
) -> Result<u64, Error> {
    let mut newest = 0;
    let numbers = list(disk)?;
    if !numbers.is_empty() {
        // A process that was killed may have left a name in memory only, and the journal goes where it is.
        disk.sync_directory(DIRECTORY).map_err(Error::during("sync", disk.display(DIRECTORY)))?;
    }
    for number in numbers {
        let path = format!("{DIRECTORY}/{}", name(number));
        let bytes_max = usize::try_from(remembered::FILE_BYTES_MAX).unwrap_or(usize::MAX);
        let bytes = read_small(disk, &path, bytes_max).map_err(Error::during("read", disk.display(&path)))?;
        let damaged = |detail: String| Error::Damaged { place: disk.display(&path), detail };
        let file = remembered::decode(&bytes, store_id).map_err(|error| damaged(error.to_string()))?;
        if file.journal != number {
            return Err(damaged(format!(
                "expected what came up to journal file {number}, found {}",
                file.journal
            )));
        }
        let chains = file.services.iter().map(|service| {
            let service = ServiceName::new(service).map_err(|error| damaged(error.to_string()))?;
            tails.chain_of(&service)
        });
        let chains: Vec<u32> = chains.collect::<Result<_, _>>()?;
        for item in &file.items {
            let mac = EntryMac { id: item.id, bytes: item.bytes };
            window.insert(mac, chains[item.service as usize], item.seq, item.logged_at);
        }
        for batch in file.batches {
            let runs =
                batch.runs.iter().map(|(service, first, count)| (chains[*service as usize], *first, *count));
            let seen = SeenBatch { bytes: batch.bytes, runs: runs.collect(), logged_at: batch.logged_at };
            window.remember_batch(batch.key, seen);
        }
        newest = number;
    }
    Ok(newest)
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

/// Writes what was collected, durable when this returns, and removes files of which everything has left the window of an
/// entry that is committed at `now`.
///
/// # Errors
/// The disk's; what was there before is then still there.
pub fn write(disk: &dyn Disk, store_id: &[u8; 16], collector: &Collector, now: i64) -> Result<(), Error> {
    let remembered = &collector.remembered;
    let file = name(remembered.journal);
    let failed = |action| Error::during(action, disk.display(&format!("{DIRECTORY}/{file}")));
    disk.create_directory(DIRECTORY).map_err(Error::during("create", disk.display(DIRECTORY)))?;
    replace_small(disk, DIRECTORY, &file, &remembered::encode(store_id, remembered))
        .map_err(failed("write"))?;
    expire(disk, store_id, now)
}

/// Removes files of which everything has left the window.
fn expire(disk: &dyn Disk, store_id: &[u8; 16], now: i64) -> Result<(), Error> {
    let horizon = now.saturating_sub(limits::IDEMPOTENCY_WINDOW_NS);
    let mut newer = 0;
    // Of the newest first: a file is not needed when those behind it fill the window.
    for number in list(disk)?.into_iter().rev() {
        let path = format!("{DIRECTORY}/{}", name(number));
        if newer < limits::IDEMPOTENCY_COUNT_MAX {
            let bytes_max = usize::try_from(remembered::FILE_BYTES_MAX).unwrap_or(usize::MAX);
            let bytes =
                read_small(disk, &path, bytes_max).map_err(Error::during("read", disk.display(&path)))?;
            // A damaged one is named at the next start, and stays until then.
            let Ok(file) = remembered::decode(&bytes, store_id) else { continue };
            newer += file.items.len();
            let newest_item = file.items.last().map_or(i64::MIN, |item| item.logged_at);
            let newest_batch = file.batches.last().map_or(i64::MIN, |batch| batch.logged_at);
            if newest_item.max(newest_batch) >= horizon {
                continue;
            }
        }
        disk.remove(&path).map_err(Error::during("remove", disk.display(&path)))?;
    }
    Ok(())
}
