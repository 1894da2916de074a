//! IDs and keys of batches that came in journal files which are gone, read while the store is open already.
//!
//! There are up to two million of them, which takes a second. Nobody needs them but a batch with IDs or a key, and that
//! waits for them.

use super::idempotency::{EntryMac, SeenBatch, Window};
use super::remembered;
use crate::disk::{Disk, read_small};
use crate::error::Error;
use crate::format;
use crate::limits;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the files remember.
#[derive(Default)]
pub struct Loaded {
    /// Its chains are indexes of `services`.
    pub window: Window,
    pub services: Vec<Box<str>>,
}

/// A file that remembers, and what of it decides how long it is needed.
#[derive(Clone, Copy, Debug)]
pub struct RememberedFile {
    /// It covers journal files up to this number.
    pub journal: u64,
    pub item_count: usize,
    /// When the newest of it came.
    pub newest: i64,
}

impl RememberedFile {
    pub fn of(remembered: &format::remembered::Remembered) -> RememberedFile {
        let newest_item = remembered.items.last().map_or(i64::MIN, |item| item.logged_at);
        let newest_batch = remembered.batches.last().map_or(i64::MIN, |batch| batch.logged_at);
        RememberedFile {
            journal: remembered.journal,
            item_count: remembered.items.len(),
            newest: newest_item.max(newest_batch),
        }
    }
}

/// The files of a store that is being opened, and what they remember as soon as they are read.
pub struct Older {
    /// Ascending.
    journals: Vec<u64>,
    is_cancelled: AtomicBool,
    loaded: OnceLock<Result<Mutex<Both>, Error>>,
}

/// Each is taken once.
#[derive(Default)]
struct Both {
    loaded: Option<Loaded>,
    files: Vec<RememberedFile>,
}

impl Older {
    /// Finds the files; reads none.
    ///
    /// # Errors
    /// The disk's.
    pub fn find(disk: &dyn Disk) -> Result<Older, Error> {
        let journals = remembered::list(disk)?;
        if !journals.is_empty() {
            // A process that was killed may have left a name in memory only, and the journal goes where it is.
            let directory = remembered::DIRECTORY;
            disk.sync_directory(directory).map_err(Error::during("sync", disk.display(directory)))?;
        }
        Ok(Older { journals, is_cancelled: AtomicBool::new(false), loaded: OnceLock::new() })
    }

    /// None can be had, for this reason.
    pub fn failed(why: Error) -> Older {
        Older { journals: Vec::new(), is_cancelled: AtomicBool::new(true), loaded: OnceLock::from(Err(why)) }
    }

    /// Why they could not be read, if they couldn't.
    pub fn failure(&self) -> Option<Error> {
        self.loaded.get()?.as_ref().err().cloned()
    }

    /// What came in journal files up to this number is in the files; 0 if there is none.
    pub fn remembered_to(&self) -> u64 {
        self.journals.last().copied().unwrap_or(0)
    }

    /// Reads the files, for those who wait.
    pub fn load(&self, disk: &dyn Disk, store_id: &[u8; 16]) {
        let result = self.read(disk, store_id);
        // Nobody else sets it.
        let _ = self.loaded.set(result.map(Mutex::new));
    }

    /// Makes [`Older::load`] end early: nobody waits any more.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Returns when the files are read.
    pub fn wait(&self) {
        self.loaded.wait();
    }

    /// Waits for what was read, and takes it; nothing the second time.
    ///
    /// # Errors
    /// The disk's; [`Error::Damaged`]: retries of what a file remembers could not be told from new entries.
    pub fn take(&self) -> Result<Option<Loaded>, Error> {
        let loaded = self.loaded.wait().as_ref().map_err(Error::clone)?;
        Ok(loaded.lock().loaded.take())
    }

    /// The files that were read, ascending; none until then, or the second time.
    pub fn take_files(&self) -> Vec<RememberedFile> {
        match self.loaded.get() {
            Some(Ok(loaded)) => std::mem::take(&mut loaded.lock().files),
            _ => Vec::new(),
        }
    }

    fn read(&self, disk: &dyn Disk, store_id: &[u8; 16]) -> Result<Both, Error> {
        let (mut loaded, mut files) = (Loaded::default(), Vec::with_capacity(self.journals.len()));
        let mut indexes: HashMap<Box<str>, u32> = HashMap::new();
        for journal in &self.journals {
            if self.is_cancelled.load(Ordering::Relaxed) {
                return Err(Error::Closed);
            }
            let path = remembered::path(*journal);
            let bytes_max = usize::try_from(format::remembered::FILE_BYTES_MAX).unwrap_or(usize::MAX);
            let bytes =
                read_small(disk, &path, bytes_max).map_err(Error::during("read", disk.display(&path)))?;
            let damaged = |detail: String| Error::Damaged { place: disk.display(&path), detail };
            let file =
                format::remembered::decode(&bytes, store_id).map_err(|error| damaged(error.to_string()))?;
            drop(bytes);
            if file.journal != *journal {
                let found = file.journal;
                return Err(damaged(format!(
                    "expected what came up to journal file {journal}, found {found}"
                )));
            }
            files.push(RememberedFile::of(&file));
            let mut chains = Vec::with_capacity(file.services.len());
            for service in file.services {
                let next = u32::try_from(loaded.services.len()).unwrap_or(u32::MAX);
                chains.push(*indexes.entry(service).or_insert_with_key(|service| {
                    loaded.services.push(service.clone());
                    next
                }));
            }
            if loaded.services.len() > limits::CHAIN_COUNT_MAX {
                let found = loaded.services.len();
                let expected = limits::CHAIN_COUNT_MAX;
                return Err(damaged(format!("expected at most {expected} services, found {found}")));
            }
            for item in &file.items {
                let mac = EntryMac { id: item.id, bytes: item.bytes };
                loaded.window.insert(mac, chains[item.service as usize], item.seq, item.logged_at);
            }
            for batch in file.batches {
                let runs = batch.runs.iter();
                let runs = runs.map(|(service, first, count)| (chains[*service as usize], *first, *count));
                let seen = SeenBatch { bytes: batch.bytes, runs: runs.collect(), logged_at: batch.logged_at };
                loaded.window.remember_batch(batch.key, seen);
            }
        }
        Ok(Both { loaded: Some(loaded), files })
    }
}
