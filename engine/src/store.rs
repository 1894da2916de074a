//! A store that this process writes: append goes down, one sync for everybody waiting, publish, receipt.
//!
//! - `pipeline`: who waits, who builds a group, who syncs
//! - `commit`: what one group commit does, in order
//! - `prepared`: what of an append needs no order
//! - `idempotency`, `id_table`: what came before
//! - `tails`: where each chain and line stands, for the committer
//! - `ledger`: trees, lines and the directory, computed just behind the acknowledgement
//! - `recover`, `replay`: the same acts, fed from segments and the journal
//! - `damaged`, `ends`: chains whose segments do not read, and how it is still known where they stand
//! - `sealed`, `sealer`, `carry`, `remembered`: what leaves memory and the journal, and where it goes
//! - `processes`: the table of processes, which follows the chains
//! - `older`: IDs from there, read while the store is open already

mod artifacts;
mod carry;
mod clock_guard;
mod commit;
mod compaction;
mod cursor;
mod damaged;
mod ends;
mod id_table;
mod idempotency;
mod ledger;
mod older;
mod pipeline;
mod prepared;
mod processes;
mod recover;
mod remembered;
mod replay;
mod sealed;
mod sealer;
mod tails;

use crate::batch::Batch;
use crate::clock::{Clock, Entropy, System};
use crate::disk::{DirectoryDisk, Disk};
use crate::error::Error;
use crate::identity::Identity;
use crate::limits;
use crate::model::{ServiceName, StoreName, Timestamp};
use crate::process::{ProcessBounds, Table};
use crate::proof::Hash;
use crate::scan::{Count, Filter, Members, Query, Scan, Scope};
use crate::view::View;
pub use cursor::CursorError;
use pipeline::Pipeline;
use std::path::Path;
use std::sync::Arc;

pub use compaction::{Compacted, Extent as CompactionExtent};
pub(crate) use ends::load as read_ends;
pub use prepared::Prepared;
pub use processes::Processes;
pub use recover::create;
pub(crate) use replay::{Visit, replay};

/// What one batch became in one chain. It was durable before this was returned.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Receipt {
    /// The chain.
    pub service: ServiceName,
    /// Position of the first entry.
    pub first_seq: u64,
    /// Position of the last entry.
    pub last_seq: u64,
    /// When the group was committed.
    pub logged_at: Timestamp,
    /// Leaf of the last entry: the chain's head when it was committed.
    #[serde(serialize_with = "as_hex")]
    pub head: Hash,
    /// The entries had come before: this is their first receipt, nothing was stored.
    pub duplicate: bool,
}

fn as_hex<S: serde::Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::hex::encode(hash))
}

/// Who computes trees and the index behind the acknowledgement, and who minds the minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// A thread of the store's own.
    #[default]
    Thread,
    /// The caller: every append computes all, and [`Store::tick`] minds the minute. For deterministic tests.
    Inline,
}

/// When entries leave memory and the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// A chain is sealed when so many entries of it are not.
    pub segment_rows_aim: u32,
    /// Entries of one segment, at most.
    pub segment_rows_max: u32,
    /// The largest chain is sealed when entries that are not take so many bytes of memory.
    pub open_bytes_aim: u64,
    /// Appenders wait when they take so many.
    pub open_bytes_max: u64,
    /// A journal file is closed when a frame would take it past so many bytes.
    pub journal_file_bytes: u64,
    /// Chains that hold on to a journal file so many files behind the newest are sealed, or carried.
    pub journal_files_aim: u64,
    /// Fewer entries than this are carried, not sealed.
    pub seal_rows_min: u32,
    /// A clean stop empties a journal that has so many bytes, so that the next start has little to read.
    pub journal_stop_bytes: u64,
    /// The table of processes.
    pub processes: ProcessBounds,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            segment_rows_aim: limits::SEGMENT_ROWS_AIM,
            segment_rows_max: limits::SEGMENT_ROWS_MAX,
            open_bytes_aim: limits::OPEN_BYTES_AIM,
            open_bytes_max: limits::OPEN_BYTES_MAX,
            journal_file_bytes: limits::JOURNAL_FILE_BYTES_AIM,
            journal_files_aim: limits::JOURNAL_FILES_AIM,
            seal_rows_min: limits::SEAL_ROWS_MIN,
            journal_stop_bytes: limits::JOURNAL_STOP_BYTES,
            processes: ProcessBounds::default(),
        }
    }
}

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// `logged_by` of new entries, 1 to 288 bytes.
    pub instance: String,
    /// Name of a store that is made; `localhost-<8 hex of its id>` if absent.
    pub name: Option<StoreName>,
    /// Make the store if there is none.
    pub create: bool,
    /// Who works behind the acknowledgement.
    pub background: Background,
    /// When entries leave memory and the journal.
    pub bounds: Bounds,
    /// Wall and boot clock.
    pub clock: Arc<dyn Clock>,
    /// Source of keys and nonces.
    pub entropy: Arc<dyn Entropy>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            instance: format!("sealog@{}", rustix::system::uname().nodename().to_string_lossy()),
            name: None,
            create: true,
            background: Background::Thread,
            bounds: Bounds::default(),
            clock: Arc::new(System),
            entropy: Arc::new(System),
        }
    }
}

/// A store open for appending. One process holds it; dropping it is a clean stop.
pub struct Store {
    pipeline: Arc<Pipeline>,
    workers: Vec<std::thread::JoinHandle<()>>,
}

impl Store {
    /// Opens, or makes, the store in a directory, and recovers it: a torn tail is cut, everything acknowledged is
    /// there.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process writes it, [`Error::NotAStore`] if there is none and `options.create` is
    /// false, [`Error::Damaged`] if its journal or `STORE` is damaged (it can still be read), and the disk's. Damage of a
    /// chain's segments is in [`View::damage`], and that chain takes no entries until its files are restored.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Store, Error> {
        Store::open_on(Arc::new(DirectoryDisk::new(directory.as_ref())), options)
    }

    /// As [`Store::open`], on any disk.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<Store, Error> {
        let threaded = options.background == Background::Thread;
        let pipeline = Arc::new(recover::open(disk, options)?);
        pipeline.artifacts().clean()?;
        let mut store = Store { pipeline: Arc::clone(&pipeline), workers: Vec::new() };
        if threaded {
            let works = [
                ("sealog-ids", Pipeline::read_older as fn(&Pipeline)),
                ("sealog-index", Pipeline::work),
                ("sealog-seal", Pipeline::seal_work),
                ("sealog-compact", Pipeline::compact_work),
                ("sealog-process", Pipeline::follow_work),
            ];
            for (name, work) in works {
                let pipeline = Arc::clone(&pipeline);
                let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&pipeline));
                store.workers.push(thread.map_err(Error::during("start a thread for", name))?);
            }
        }
        Ok(store)
    }

    /// Commits a batch, all of it or nothing. When this returns, its entries are durable and a scan finds them.
    ///
    /// One receipt for each service, in the order of the batch's first entries; entries that came before (by `id`)
    /// are in receipts of their own. An empty batch has no receipts.
    ///
    /// # Errors
    /// [`Error::Conflict`] for a reused ID, [`Error::BatchTooLarge`], [`Error::Limit`], [`Error::Full`]: nothing of the
    /// batch was kept and appending goes on. [`Error::ChainDamaged`]: a chain of the batch is read-only, and others go
    /// on. [`Error::Poisoned`]: the sync failed; whether the batch is there, only the
    /// next start tells.
    pub fn append(&self, batch: Batch) -> Result<Vec<Receipt>, Error> {
        self.pipeline.append(self.pipeline.prepare(batch))
    }

    /// Computes what of an append needs no order, so that a producer's other threads can do it.
    pub fn prepare(&self, batch: Batch) -> Prepared {
        self.pipeline.prepare(batch)
    }

    /// Commits batches one after the other, each with a commit time of its own, sharing syncs: each is committed whole
    /// or not at all, as by [`Store::append`], and none behind one that was refused. When this returns, those with
    /// receipts are durable.
    ///
    /// One result a batch, in order; behind the first error, [`Error::NotTried`].
    pub fn append_in_order(&self, batches: Vec<Prepared>) -> Vec<Result<Vec<Receipt>, Error>> {
        self.pipeline.append_in_order(batches)
    }

    /// Entries that match, newest or oldest first, as they stand now.
    pub fn scan(&self, scope: &Scope, query: &Query) -> Scan {
        self.pipeline.catch_up();
        match self.members(scope, &query.filter) {
            Some(members) => self.pipeline.view().scan_processes(scope, query, &members),
            None => self.pipeline.view().scan(scope, query),
        }
    }

    /// How many entries match, as they stand now.
    pub fn count(&self, scope: &Scope, filter: &Filter) -> Count {
        self.pipeline.catch_up();
        match self.members(scope, filter) {
            Some(members) => self.pipeline.view().count_processes(scope, filter, &members),
            None => self.pipeline.view().count(scope, filter),
        }
    }

    /// The processes that a filter asks for, if it does and the table knows.
    fn members(&self, scope: &Scope, filter: &Filter) -> Option<Members> {
        if filter.processes.is_empty() {
            return None;
        }
        let family = |table: &Table| table.family(scope, &filter.tenants, &filter.processes);
        self.pipeline.with_processes(family).ok()
    }

    /// Processes, as they stand now: what was acknowledged before is in what they say.
    pub fn processes(&self) -> Processes<'_> {
        Processes::new(&self.pipeline)
    }

    /// Everything readable, as it stands now; grows as entries arrive.
    pub fn view(&self) -> &View {
        self.pipeline.catch_up();
        self.pipeline.view()
    }

    /// Merges small neighbouring segments and encodes them for size; hashes, heads, lines and marks stay. Each merge is
    /// recomputed from its bytes before it replaces anything, and durable when it is told to `progress`: a compaction
    /// that was stopped goes on where it was.
    ///
    /// # Errors
    /// The disk's; [`Error::Damaged`] for a segment that does not read. What was merged before stays.
    pub fn compact(
        &self,
        extent: CompactionExtent,
        mut progress: impl FnMut(&Compacted),
    ) -> Result<Compacted, Error> {
        self.pipeline.compact(extent, &mut progress)
    }

    /// Who the store is.
    pub fn identity(&self) -> &Identity {
        self.pipeline.identity()
    }

    /// Bytes of a torn, never acknowledged write that opening cut.
    pub fn torn_bytes(&self) -> u64 {
        self.pipeline.torn_bytes()
    }

    /// Does what is due by the clock: a `heads` once a minute while anything grows. The store's thread calls it; with
    /// [`Background::Inline`] the caller does.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn tick(&self) -> Result<(), Error> {
        self.pipeline.tick()
    }

    /// Seals what is due by [`Bounds`]. The store's thread does; with [`Background::Inline`] appending does, and the
    /// caller may.
    ///
    /// # Errors
    /// The disk's, [`Error::Damaged`] if what was committed does not read back: it is tried again, and appending goes
    /// on as long as there is room.
    pub fn seal_due(&self) -> Result<(), Error> {
        self.pipeline.seal_due()
    }

    /// Commits where every chain and line stands, now.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn commit_heads(&self) -> Result<(), Error> {
        self.pipeline.commit_heads()
    }

    /// Stops cleanly: commits `heads`, vouches for all frames, gives back reserved space and releases the lock.
    /// Dropping the store does the same, without telling what failed.
    ///
    /// # Errors
    /// As [`Store::append`]; the store is closed all the same.
    pub fn close(mut self) -> Result<(), Error> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), Error> {
        let result = self.pipeline.close();
        for worker in self.workers.drain(..) {
            // It has no work left and does not panic; a panic is reported by the runtime.
            let _ = worker.join();
        }
        result
    }
}

/// What [`Store::compact`] would merge of what is readable; nothing is written.
pub fn plan_compaction(view: &View) -> Compacted {
    let mut planned = Compacted::default();
    for chain in view.writable_chains() {
        let mut segments = &*chain.segments();
        let rows_max = limits::SEGMENT_ROWS_MAX;
        while let Some(range) = compaction::next(segments, CompactionExtent::Everything, rows_max) {
            planned.add(&Compacted::of(&segments[range.clone()]));
            segments = &segments[range.end..];
        }
    }
    planned
}

impl Drop for Store {
    fn drop(&mut self) {
        // `close` tells what fails; after it this does nothing.
        let _ = self.stop();
    }
}
