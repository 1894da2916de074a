//! Puts durable frames into the index and the ledger, behind the acknowledgement.

use super::{GATHERED_BYTES_AIM, GATHERING_TIME, Pipeline, Spare, TICK, UNINDEXED_BYTES_MAX, Worker};
use crate::format::commit as payload;
use crate::journal::Frame;
use crate::limits;
use crate::store::commit::Fresh;
use crate::store::ledger::{Gain, Ledger};
use crate::view::View;
use std::sync::Arc;

impl Pipeline {
    /// Puts durable frames into the index and the ledger, in order, until those that are durable now are there.
    pub(super) fn index_all(&self) {
        let target = self.state.lock().durable;
        // The ledger's lock orders indexers: two of them never publish out of order.
        let mut ledger = self.ledger.lock();
        loop {
            let fresh = {
                let mut state = self.state.lock();
                if state.indexed >= target {
                    return;
                }
                let Some(fresh) = state.unindexed.pop_front() else { return };
                fresh
            };
            publish(&fresh, &self.view, &mut ledger);
            let mut state = self.state.lock();
            let was_full = state.unindexed_bytes >= UNINDEXED_BYTES_MAX;
            state.unindexed_bytes -= fresh.frame.bytes.len();
            state.indexed = fresh.frame.header.number.get();
            self.note_room(&mut state);
            let wakes_sealer = !state.wants_sealing && self.is_sealing_due();
            state.wants_sealing |= wakes_sealer;
            if was_full {
                state.wake_next();
            }
            drop(state);
            if wakes_sealer {
                self.sealing.notify_one();
            }
            keep_spare(&self.spare, fresh.frame);
        }
    }

    /// Reads the IDs that came in journal files which are gone, for those who wait for them.
    pub fn read_older(&self) {
        self.older.load(&*self.disk, &self.identity.id);
    }

    /// Returns when the index holds everything that is durable now.
    pub fn catch_up(&self) {
        self.index_all();
    }

    /// The store's own thread: indexes, and minds the minute, until the store is closed.
    pub fn work(&self) {
        loop {
            let mut state = self.state.lock();
            if state.unindexed.is_empty() && !state.is_closing {
                state.worker = Worker::Idle;
                self.work.wait_for(&mut state, TICK);
            }
            // Small frames are left to gather: to be woken for each costs more than to index it.
            let is_little = !state.unindexed.is_empty() && state.unindexed_bytes < GATHERED_BYTES_AIM;
            if is_little && !state.is_closing {
                state.worker = Worker::Gathering;
                self.work.wait_for(&mut state, GATHERING_TIME);
            }
            state.worker = Worker::Busy;
            let is_over = state.is_closing && state.unindexed.is_empty();
            drop(state);
            self.index_all();
            if is_over {
                return;
            }
            // A failure stops the store, and the next append tells why.
            let _ = self.tick();
        }
    }
}

/// Puts a durable frame into the ledger and the index. Recovery does the same with the frames it reads.
fn publish(fresh: &Fresh, view: &View, ledger: &mut Ledger) {
    let header = &fresh.frame.header;
    // This engine wrote it: it decodes.
    let decoded = payload::decode(fresh.frame.payload(), header.part_count, header.entry_count);
    let Ok(commit) = decoded else { return };
    let mut first = 0;
    for part in &commit.parts {
        ledger.apply(&Gain::of(part));
        let hints = fresh.hints.get(first..first + part.rows.len());
        first += part.rows.len();
        view.publish(fresh.frame.journal, header.logged_at, part, hints);
    }
    view.settle(header.logged_at);
}

/// Keeps a frame's memory for a later one. Larger ones are rare and given back.
fn keep_spare(spare: &Spare, frame: Arc<Frame>) {
    const FRAMES_MAX: usize = 6;
    const FRAME_BYTES_MAX: usize = 2 * limits::GROUP_BYTES_AIM;
    if let Some(frame) = Arc::into_inner(frame)
        && frame.bytes.capacity() <= FRAME_BYTES_MAX
    {
        let mut spare = spare.lock();
        if spare.len() < FRAMES_MAX {
            spare.push(frame.bytes);
        }
    }
}
