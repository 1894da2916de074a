//! Commits `heads`: where every chain and line stands.

use super::{Pipeline, State};
use crate::batch::Batch;
use crate::error::Error;
use crate::format::control::{HEADS_ACTIVITY, kind};
use crate::journal::WriteError;
use crate::limits;
use crate::store::prepared::Prepared;
use parking_lot::MutexGuard;
use std::sync::Arc;

impl Pipeline {
    /// Commits `heads` if a minute has passed and anything else grew.
    pub fn tick(&self) -> Result<(), Error> {
        let heads_at = {
            let state = self.state.lock();
            if state.stopped.is_some() || state.is_closing {
                return Ok(());
            }
            state.heads_at
        };
        let now = self.clock.wall_ns();
        let is_due = now.saturating_sub(heads_at) >= limits::HEADS_INTERVAL_NS || now < heads_at;
        if !is_due || !self.ledger.lock().has_grown() {
            return Ok(());
        }
        self.commit_heads()
    }

    /// Commits where everything stands. Nobody else builds meanwhile, so the sizes are those of all entries before.
    pub fn commit_heads(&self) -> Result<(), Error> {
        self.while_building(|state| self.build_heads(state))
    }

    /// Does something in place of building a group, when nobody builds one.
    pub(super) fn while_building<'s, T>(
        &'s self,
        build: impl FnOnce(MutexGuard<'s, State>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.state.lock();
        while state.is_building && state.stopped.is_none() {
            // Indexing goes on while waiting: a builder may wait for the index.
            state = self.wait_for_progress(state);
        }
        if let Some(stopped) = &state.stopped {
            return Err(stopped.clone());
        }
        state.is_building = true;
        let result = build(state);
        let mut state = self.state.lock();
        state.is_building = false;
        state.wake_next();
        self.progress.notify_all();
        result
    }

    fn build_heads<'s>(&'s self, mut state: MutexGuard<'s, State>) -> Result<(), Error> {
        state = self.sync_all(state)?;
        let durable = state.durable;
        drop(state);
        self.index_all();
        let mut heads = Batch::new();
        {
            let mut ledger = self.ledger.lock();
            for told in ledger.heads() {
                let count =
                    |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
                let (chains, rows) = (told.chains.len() as u64, told.directory_rows);
                let message =
                    format!("heads of {}, {}", count(chains, "chain"), count(rows, "directory row"));
                heads.push_control(kind::HEADS, HEADS_ACTIVITY, &message, &told.encode());
            }
        }
        if heads.is_empty() {
            return Ok(());
        }
        let now = self.clock.wall_ns();
        let result = self.committer.lock().commit(&[Arc::new(Prepared::internal(heads))], durable);
        let mut state = self.state.lock();
        state.heads_at = now;
        let failure = match &result {
            Err(WriteError::Refused(error) | WriteError::Fatal(error)) => Some(error.clone()),
            Ok(_) => None,
        };
        self.hand_over(&mut state, Vec::new(), result);
        if let Some(failure) = failure {
            return Err(state.stopped.clone().unwrap_or(failure));
        }
        state = self.sync_all(state)?;
        drop(state);
        self.index_all();
        Ok(())
    }
}
