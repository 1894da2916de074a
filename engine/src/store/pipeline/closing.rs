//! Stops cleanly: everything is durable, what is large is sealed, and a last frame vouches for all before it.

use super::{Pipeline, State};
use crate::error::Error;
use crate::format::journal::{FRAME_HEADER_BYTES, FrameType};
use crate::journal::{NewFrame, WriteError};
use crate::store::commit::Committer;
use crate::store::sealer::Sealer;
use parking_lot::MutexGuard;

impl Pipeline {
    /// Syncs until everything written is durable. The caller builds, so nothing new is written meanwhile.
    pub(super) fn sync_all<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
    ) -> Result<MutexGuard<'s, State>, Error> {
        loop {
            if let Some(stopped) = &state.stopped {
                return Err(stopped.clone());
            }
            if state.written.is_empty() && !state.is_syncing {
                return Ok(state);
            }
            if state.is_syncing {
                state = self.wait_for_progress(state);
            } else {
                state = self.sync(state);
            }
        }
    }

    /// Stops cleanly; the second time nothing is done.
    pub fn close(&self) -> Result<(), Error> {
        if self.lock.lock().is_none() {
            return Ok(());
        }
        // Held until nothing more is taken: behind a clean stop nothing is sealed.
        let mut sealer = self.sealer.lock();
        let result = self.close_journal(&mut sealer);
        if result.is_ok() {
            self.stop_following();
        }
        let mut state = self.state.lock();
        state.is_closing = true;
        state.stopped.get_or_insert(Error::Closed);
        drop(state);
        drop(sealer);
        self.older.cancel();
        self.work.notify_all();
        self.sealing.notify_all();
        self.compacting.notify_all();
        self.following.notify_all();
        // A merge that is under way ends before another process may come.
        drop(self.compactor.lock());
        drop(self.processes.writing());
        self.lock.lock().take();
        result
    }

    fn close_journal(&self, sealer: &mut Sealer) -> Result<(), Error> {
        self.catch_up();
        if self.ledger.lock().has_grown() {
            self.commit_heads()?;
        }
        self.seal_for_stop(sealer)?;
        let mut state = self.state.lock();
        if let Some(stopped) = &state.stopped {
            return Err(stopped.clone());
        }
        while state.is_building {
            state = self.wait_for_progress(state);
        }
        state.is_building = true;
        let result = self.sync_all(state).and_then(|state| {
            let durable = state.durable;
            drop(state);
            self.committer.lock().stop(durable)
        });
        self.state.lock().is_building = false;
        result
    }
}

impl Committer {
    /// Vouches for all frames and gives back reserved space.
    fn stop(&mut self, durable: u64) -> Result<(), Error> {
        if durable == self.stop_frame {
            return Ok(());
        }
        let frame = NewFrame {
            frame_type: FrameType::Stop,
            durable,
            logged_at: self.clock_guard.last().unwrap_or(0),
            part_count: 0,
            entry_count: 0,
        };
        let mut bytes = vec![0; FRAME_HEADER_BYTES];
        let written = self.journal.append(&*self.entropy, frame, &mut bytes);
        let (WriteError::Refused(error) | WriteError::Fatal(error)) = match written {
            Ok(_) => {
                self.journal.trim()?;
                let file = self.journal.file();
                return file.sync().map_err(Error::during("sync", self.journal.display()));
            }
            Err(error) => error,
        };
        Err(error)
    }
}
