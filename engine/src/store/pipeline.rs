//! Who waits, who builds a group, who syncs: group commit without a thread of its own.
//!
//! Every appender queues its batch and then does whatever is to be done next: build a frame from all that waits, sync
//! what is written, or sleep until one of these is its own. A lone appender so commits in its own thread, without one
//! context switch; sixty-four share each sync.
//!
//! Invariants:
//! - at most one builds and at most one syncs, and they may be two;
//! - frames are written, synced, published and acknowledged in the order of their numbers;
//! - `durable` ≤ the newest written frame; a batch is acknowledged only when its frame ≤ `durable`;
//! - after a failed sync nothing is written, published or acknowledged any more.

mod closing;
mod compacting;
mod following;
mod heads;
mod indexing;
mod room;
mod sealing;

use super::commit::{Committer, Fresh, Group, PendingReceipt};
use super::idempotency::Secret;
use super::ledger::Ledger;
use super::older::Older;
use super::prepared::Prepared;
use super::processes::Keeper;
use super::sealer::Sealer;
use super::{Bounds, Receipt};
use crate::artifact::Artifacts;
use crate::batch::Batch;
use crate::clock::Clock;
use crate::disk::{Disk, Lock};
use crate::error::Error;
use crate::identity::Identity;
use crate::journal::{JournalFile, WriteError};
use crate::limits;
use crate::view::View;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::Thread;
use std::time::Duration;

/// A batch in the queue, and its producer, who sleeps.
struct Waiter {
    prepared: Arc<Prepared>,
    thread: Thread,
    /// Set once; taken by the producer alone.
    outcome: Mutex<Option<Result<Vec<PendingReceipt>, Error>>>,
}

/// A frame that is written and not synced yet, with those who wait for it.
struct Written {
    /// The newest frame that must be durable before they are told.
    frame_number: u64,
    fresh: Option<Fresh>,
    waiters: Vec<(Arc<Waiter>, Vec<PendingReceipt>)>,
}

/// What the pipeline's lock guards.
struct State {
    queue: VecDeque<Arc<Waiter>>,
    queue_bytes: usize,
    is_building: bool,
    is_syncing: bool,
    written: VecDeque<Written>,
    written_frame: u64,
    durable: u64,
    /// Why nothing is taken any more.
    stopped: Option<Error>,
    /// Frames that are durable and not in the index yet.
    unindexed: VecDeque<Fresh>,
    unindexed_bytes: usize,
    indexed: u64,
    is_closing: bool,
    /// The sealing thread is asked to look.
    wants_sealing: bool,
    /// Open segments take all the memory that they may: appenders wait until some is sealed.
    is_full: bool,
    /// Why nothing could be sealed, if the last try failed.
    sealing_failure: Option<Error>,
    worker: Worker,
    /// Wall clock of the newest `heads`, or of the start.
    heads_at: i64,
    /// The newest journal file: syncing it makes every written frame durable, because older files were synced before
    /// it was begun.
    file: Arc<JournalFile>,
}

/// What the store's own thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worker {
    /// Waits for the first frame to index.
    Idle,
    /// Waits a moment for more of them. Whoever reads meanwhile indexes them itself.
    Gathering,
    /// Will look again before it waits.
    Busy,
}

/// So many bytes of frames are indexed without waiting for more.
const GATHERED_BYTES_AIM: usize = 256 << 10;
/// How long fewer wait.
const GATHERING_TIME: Duration = Duration::from_millis(5);
/// Frames behind the acknowledgement that may wait for the index: past this, appenders do.
const UNINDEXED_BYTES_MAX: usize = 32 << 20;
/// How often the worker looks at the clock.
const TICK: Duration = Duration::from_millis(500);

/// A store's moving parts. Lock order: `sealer`, `committer`, `ledger`, `state`; those of
/// `processes` before `ledger`.
pub struct Pipeline {
    identity: Arc<Identity>,
    bounds: Bounds,
    sealer: Mutex<Sealer>,
    /// Something for the sealing thread to do.
    sealing: Condvar,
    /// Appenders wait for room, or the sealing thread has made it.
    crowded: Condvar,
    disk: Arc<dyn Disk>,
    /// One merges at a time. Taken before no other lock but `state`.
    compactor: Mutex<()>,
    /// The store is being closed.
    compacting: Condvar,
    /// Memory of frames that are indexed, for those to come.
    spare: Spare,
    secret: Secret,
    clock: Arc<dyn Clock>,
    view: View,
    /// Whether a thread of the store's own indexes.
    is_threaded: bool,
    torn_bytes: u64,
    committer: Mutex<Committer>,
    ledger: Mutex<Ledger>,
    state: Mutex<State>,
    /// Something for the worker to do.
    work: Condvar,
    /// A builder or a syncer has finished.
    progress: Condvar,
    /// IDs that came in journal files which are gone.
    older: Arc<Older>,
    /// Files that entries name.
    artifacts: Artifacts,
    /// The table of processes.
    processes: Keeper,
    /// The store is being closed.
    following: Condvar,
    /// Released when the store is closed.
    lock: Mutex<Option<Box<dyn Lock>>>,
}

/// What recovery hands over.
pub struct Parts {
    pub secret: Secret,
    pub view: View,
    pub committer: Committer,
    pub ledger: Ledger,
    pub sealer: Sealer,
    pub bounds: Bounds,
    pub lock: Box<dyn Lock>,
    pub is_threaded: bool,
    pub torn_bytes: u64,
}

impl Pipeline {
    pub fn new(parts: Parts) -> Pipeline {
        let newest = parts.committer.journal.last_frame();
        let clock = Arc::clone(&parts.committer.clock);
        let (heads_at, file) = (clock.wall_ns(), parts.committer.journal.file());
        Pipeline {
            identity: Arc::clone(&parts.committer.identity),
            bounds: parts.bounds,
            disk: Arc::clone(&parts.sealer.disk),
            compactor: Mutex::new(()),
            compacting: Condvar::new(),
            artifacts: Artifacts::new(
                Arc::clone(&parts.sealer.disk),
                Arc::clone(&parts.committer.clock),
                Arc::clone(&parts.committer.entropy),
            ),
            older: Arc::clone(&parts.sealer.older),
            sealer: Mutex::new(parts.sealer),
            sealing: Condvar::new(),
            crowded: Condvar::new(),
            spare: Arc::clone(&parts.committer.spare),
            processes: Keeper::new(parts.secret.mac(b"processes").to_le_bytes()),
            following: Condvar::new(),
            secret: parts.secret,
            clock,
            view: parts.view,
            is_threaded: parts.is_threaded,
            torn_bytes: parts.torn_bytes,
            committer: Mutex::new(parts.committer),
            ledger: Mutex::new(parts.ledger),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                queue_bytes: 0,
                is_building: false,
                is_syncing: false,
                written: VecDeque::new(),
                written_frame: newest,
                durable: newest,
                stopped: None,
                unindexed: VecDeque::new(),
                unindexed_bytes: 0,
                indexed: newest,
                is_closing: false,
                wants_sealing: true,
                is_full: false,
                sealing_failure: None,
                worker: Worker::Busy,
                heads_at,
                file,
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
            lock: Mutex::new(Some(parts.lock)),
        }
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn view(&self) -> &View {
        &self.view
    }

    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    pub fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    /// The key of the store's MACs.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Computes what needs no order, for an append.
    pub fn prepare(&self, batch: Batch) -> Prepared {
        Prepared::new(batch, &self.secret).claim(&self.artifacts)
    }

    /// Commits one batch; returns when it is durable.
    pub fn append(&self, batch: Prepared) -> Result<Vec<Receipt>, Error> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let waiter = Waiter::new(batch);
        self.drive(std::slice::from_ref(&waiter));
        self.seal_inline();
        self.finish(&waiter)
    }

    /// Commits batches one after the other, none behind one that was refused; returns when they are durable.
    pub fn append_in_order(&self, batches: Vec<Prepared>) -> Vec<Result<Vec<Receipt>, Error>> {
        let line = Arc::new(AtomicBool::new(false));
        let behind = |batch: Prepared| Waiter::new(batch.behind(&line));
        let waiters: Vec<Arc<Waiter>> = batches.into_iter().map(behind).collect();
        self.drive(&waiters);
        self.seal_inline();
        waiters.iter().map(|waiter| self.finish(waiter)).collect()
    }

    /// Without a thread for it, the appender seals what is due.
    fn seal_inline(&self) {
        if !self.is_threaded && self.is_sealing_due() {
            // What failed is told to the next appender who needs the room.
            let _ = self.seal_due();
        }
    }

    /// Queues batches, side by side, and does what is to be done until all of them are told.
    fn drive(&self, waiters: &[Arc<Waiter>]) {
        if waiters.iter().any(|waiter| waiter.prepared.asks_for_ids()) {
            // Here, where nobody else waits for it.
            self.older.wait();
        }
        let mut state = self.state.lock();
        let refusal = state.stopped.as_ref().or(state.sealing_failure.as_ref().filter(|_| state.is_full));
        if let Some(refusal) = refusal {
            waiters.iter().for_each(|waiter| waiter.tell(Err(refusal.clone())));
            return;
        }
        for waiter in waiters {
            state.queue_bytes += waiter.prepared.bytes();
            state.queue.push_back(Arc::clone(waiter));
        }
        let are_told = || waiters.iter().all(|waiter| waiter.is_told());
        while !are_told() {
            if state.may_build() {
                state = self.build(state);
            } else if state.may_sync() {
                state = self.sync(state);
            } else {
                drop(state);
                std::thread::park();
                // Most are woken because they are told, and then have no business with the others' lock.
                if are_told() {
                    return;
                }
                state = self.state.lock();
            }
        }
    }

    fn finish(&self, waiter: &Waiter) -> Result<Vec<Receipt>, Error> {
        let outcome = waiter.outcome.lock().take();
        self.finish_receipts(outcome.unwrap_or(Err(Error::Closed))?)
    }

    /// Duplicates learn their heads from the index.
    fn finish_receipts(&self, pending: Vec<PendingReceipt>) -> Result<Vec<Receipt>, Error> {
        if pending.iter().any(|pending| !pending.has_head) {
            self.catch_up();
        }
        Ok(pending
            .into_iter()
            .map(|mut pending| {
                if !pending.has_head {
                    let receipt = &mut pending.receipt;
                    let leaf = self.view.leaf(receipt.service.as_str(), receipt.last_seq);
                    receipt.head = leaf.unwrap_or(receipt.head);
                }
                pending.receipt
            })
            .collect())
    }

    /// Takes waiting batches, writes them as one frame, and hands it to whoever syncs next.
    fn build<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let mut group: Vec<Arc<Waiter>> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = state.queue.front() {
            // Batches of one caller keep their order in time too: a commit each, and one sync for all.
            let is_next_in_line = group.last().is_some_and(|last| last.prepared.shares_line(&next.prepared));
            let is_full = !group.is_empty() && bytes + next.prepared.bytes() > limits::GROUP_BYTES_AIM;
            if is_full || is_next_in_line {
                break;
            }
            bytes += next.prepared.bytes();
            group.extend(state.queue.pop_front());
        }
        state.queue_bytes -= bytes;
        state.is_building = true;
        let durable = state.durable;
        drop(state);
        let batches: Vec<Arc<Prepared>> = group.iter().map(|waiter| Arc::clone(&waiter.prepared)).collect();
        let result = self.committer.lock().commit(&batches, durable);
        let mut state = self.state.lock();
        state.is_building = false;
        self.hand_over(&mut state, group, result);
        self.progress.notify_all();
        state
    }

    /// Notes what became of a group: refused batches are told at once, written ones wait for the sync.
    fn hand_over(&self, state: &mut State, group: Vec<Arc<Waiter>>, result: Result<Group, WriteError>) {
        if let Some(stopped) = &state.stopped {
            // A sync failed meanwhile: whether this frame is there, only the next start tells.
            group.iter().for_each(|waiter| waiter.tell(Err(stopped.clone())));
            return;
        }
        match result {
            Ok(written) => {
                if let Some(file) = written.file {
                    state.file = file;
                }
                if let Some(fresh) = &written.fresh {
                    state.written_frame = fresh.frame.header.number.get();
                }
                let mut waiters = Vec::with_capacity(group.len());
                for (waiter, outcome) in group.into_iter().zip(written.outcomes) {
                    match outcome {
                        Ok(receipts) => waiters.push((waiter, receipts)),
                        Err(error) => waiter.tell(Err(error)),
                    }
                }
                // Duplicates of a frame that is not synced yet wait for it too.
                let frame_number = state.written_frame;
                if frame_number <= state.durable {
                    waiters.into_iter().for_each(|(waiter, receipts)| waiter.tell(Ok(receipts)));
                } else {
                    state.written.push_back(Written { frame_number, fresh: written.fresh, waiters });
                }
                state.wake_next();
            }
            Err(WriteError::Refused(error)) => {
                group.iter().for_each(|waiter| waiter.tell(Err(error.clone())));
                state.wake_next();
            }
            // The frame may be there, or frames before it may not: nobody may take this for a refusal.
            Err(WriteError::Fatal(error)) => {
                let stopped = self.poison(state, &error);
                group.iter().for_each(|waiter| waiter.tell(Err(stopped.clone())));
            }
        }
    }

    /// Syncs everything written so far, then publishes and acknowledges it.
    fn sync<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        state.is_syncing = true;
        let target = state.written_frame;
        let file = Arc::clone(&state.file);
        drop(state);
        let result = file.sync();
        let mut state = self.state.lock();
        state.is_syncing = false;
        let mut acknowledged = Vec::new();
        match result {
            Ok(()) => {
                state.durable = target;
                while state.written.front().is_some_and(|written| written.frame_number <= target) {
                    let Some(written) = state.written.pop_front() else { break };
                    if let Some(fresh) = written.fresh {
                        state.unindexed_bytes += fresh.frame.bytes.len();
                        state.unindexed.push_back(fresh);
                    }
                    acknowledged.extend(written.waiters);
                }
                // Before those who are told: the disk is idle until the next frame is there.
                state.wake_next();
            }
            // Never again: what the sync did not write may be gone, and a retry would not tell (docs/durability.md).
            Err(error) => {
                self.poison(&mut state, &Error::io("sync", file.display(), error));
            }
        }
        let wakes_worker = self.is_threaded && state.wants_worker();
        drop(state);
        // With no lock held, which each of them could run into.
        acknowledged.into_iter().for_each(|(waiter, receipts)| waiter.tell(Ok(receipts)));
        self.progress.notify_all();
        if wakes_worker {
            self.work.notify_one();
        } else if !self.is_threaded {
            self.index_all();
        }
        self.state.lock()
    }

    /// Stops the store: everybody who waits gets the same error, which is returned.
    fn poison(&self, state: &mut State, error: &Error) -> Error {
        let stopped = Error::Poisoned { cause: error.to_string().into() };
        state.refuse_queue(&stopped);
        for written in state.written.drain(..) {
            written.waiters.into_iter().for_each(|(waiter, _)| waiter.tell(Err(stopped.clone())));
        }
        self.work.notify_all();
        state.stopped.get_or_insert(stopped).clone()
    }

    fn wait_for_progress<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.progress.wait_for(&mut state, Duration::from_millis(1));
        drop(state);
        self.index_all();
        self.state.lock()
    }
}

/// Memory of frames: what was touched once need not be got from the system again.
pub(super) type Spare = Arc<Mutex<Vec<Vec<u8>>>>;

impl Waiter {
    fn new(prepared: Prepared) -> Arc<Waiter> {
        let (prepared, thread) = (Arc::new(prepared), std::thread::current());
        Arc::new(Waiter { prepared, thread, outcome: Mutex::new(None) })
    }

    fn tell(&self, outcome: Result<Vec<PendingReceipt>, Error>) {
        *self.outcome.lock() = Some(outcome);
        self.thread.unpark();
    }

    fn is_told(&self) -> bool {
        self.outcome.lock().is_some()
    }
}

impl State {
    /// Small batches wait for the sync under way and share the next one; large ones are hashed and written meanwhile.
    fn may_build(&self) -> bool {
        !self.is_building
            && !self.queue.is_empty()
            && self.stopped.is_none()
            && !self.is_full
            && self.unindexed_bytes < UNINDEXED_BYTES_MAX
            && (!self.is_syncing || self.queue_bytes >= limits::GROUP_OVERLAP_BYTES_MIN)
    }

    /// Whether the worker sleeps although there is enough for it to do.
    fn wants_worker(&self) -> bool {
        match self.worker {
            Worker::Idle => !self.unindexed.is_empty(),
            Worker::Gathering => self.unindexed_bytes >= GATHERED_BYTES_AIM,
            Worker::Busy => false,
        }
    }

    /// Tells everybody who waits to be built why they are not.
    fn refuse_queue(&mut self, error: &Error) {
        self.queue.drain(..).for_each(|waiter| waiter.tell(Err(error.clone())));
        self.queue_bytes = 0;
    }

    fn may_sync(&self) -> bool {
        !self.is_syncing && !self.written.is_empty() && self.stopped.is_none()
    }

    /// Wakes one who can do what is to be done next.
    fn wake_next(&self) {
        if self.may_build()
            && let Some(waiter) = self.queue.front()
        {
            waiter.thread.unpark();
        }
        if self.may_sync()
            && let Some((waiter, _)) = self.written.front().and_then(|written| written.waiters.first())
        {
            waiter.thread.unpark();
        }
    }
}
