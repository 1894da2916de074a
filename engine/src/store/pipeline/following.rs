//! Keeps the table of processes behind the acknowledgement: it follows what the index publishes.
//!
//! Nothing waits for it but who asks it. It is derived: what cannot be written is tried again, what does not read is
//! made again, and a crash leaves at most entries that the next start takes in again, from where the newest file stands.

use super::Pipeline;
use crate::error::Error;
use crate::limits;
use crate::process::{Fed, Merge, Table, feed, feed_tenant};
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// When the thread first looks: who opens a store for a moment pays nothing for the table.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// How often it looks then. Who asks earlier takes in what is missing.
const LOOK: Duration = Duration::from_millis(250);

impl Pipeline {
    /// The thread that follows, until the store is closed.
    pub fn follow_work(&self) {
        let mut rest = FIRST_LOOK;
        loop {
            {
                let mut state = self.state.lock();
                if !state.is_closing {
                    self.following.wait_for(&mut state, rest);
                }
                if state.is_closing {
                    return;
                }
            }
            rest = LOOK;
            // What fails is tried again, and told to who asks.
            let _ = self.follow().and_then(|()| self.write_processes());
        }
    }

    /// Asks the table, when it has everything that is durable now.
    pub fn with_processes<T>(&self, ask: impl Fn(&Table) -> T) -> Result<T, Error> {
        loop {
            self.catch_up();
            self.follow()?;
            let table = self.processes.table.read();
            if let Some(table) = table.as_ref() {
                let answer = ask(table);
                // An answer in which something did not read is none.
                if !table.is_damaged() {
                    return Ok(answer);
                }
            }
        }
    }

    /// Takes into the table what the index has now.
    fn follow(&self) -> Result<(), Error> {
        let indexed = self.state.lock().indexed;
        let is_fed = || self.processes.fed_frame.load(Ordering::Acquire) >= indexed;
        if is_fed() && self.processes.table.read().as_ref().is_some_and(|table| !table.is_damaged()) {
            return Ok(());
        }
        loop {
            let mut guard = self.processes.table.write();
            if guard.as_ref().is_some_and(Table::is_damaged) {
                drop(guard);
                self.discard_processes()?;
                continue;
            }
            let table = match &mut *guard {
                Some(_) if is_fed() => return Ok(()),
                Some(table) => table,
                none => none.insert(self.open_processes()?),
            };
            let fed = feed(&self.view, table);
            if fed == Fed::All {
                self.processes.fed_frame.fetch_max(indexed, Ordering::AcqRel);
            }
            let is_full = table.memory_rows() >= limits::PROCESS_MEMORY_ROWS_MAX;
            let is_due = is_full || (!self.is_threaded || fed == Fed::Some) && table.is_spill_due();
            drop(guard);
            if is_due {
                let written = self.write_processes();
                if is_full {
                    written?;
                }
            }
            if fed == Fed::All {
                return Ok(());
            }
            if self.state.lock().is_closing {
                return Err(Error::Closed);
            }
        }
    }

    fn open_processes(&self) -> Result<Table, Error> {
        let opened = Table::open(
            &*self.disk,
            self.identity.id,
            self.processes.hasher,
            self.bounds.processes,
            |service, seq| self.view.leaf(service, seq),
        );
        let mut table = opened.map_err(self.failed_on_processes("read"))?;
        if !self.view.damage().is_empty() || self.view.read_only().next().is_some() {
            table.set_incomplete();
        }
        Ok(table)
    }

    /// Makes a tenant's processes anew, from what the log has of it: what is not there any more is in no file when this
    /// returns.
    pub fn refold_processes(&self, tenant: &str) -> Result<(), Error> {
        self.catch_up();
        self.follow()?;
        let _alone = self.processes.writing();
        let mut guard = self.processes.table.write();
        let Some(table) = guard.as_mut() else { return Ok(()) };
        let forgotten = table.forget_tenant(tenant, &*self.disk, |service, seq| self.view.leaf(service, seq));
        forgotten.map_err(self.failed_on_processes("write"))?;
        feed_tenant(&self.view, table, tenant);
        Ok(())
    }

    fn discard_processes(&self) -> Result<(), Error> {
        let _alone = self.processes.writing();
        let mut guard = self.processes.table.write();
        if let Some(table) = guard.as_mut().filter(|table| table.is_damaged()) {
            table.discard(&*self.disk).map_err(self.failed_on_processes("remove"))?;
            self.processes.fed_frame.store(0, Ordering::Release);
        }
        Ok(())
    }

    fn failed_on_processes(&self, action: &'static str) -> impl FnOnce(io::Error) -> Error {
        Error::during(action, self.disk.display(Table::DIRECTORY))
    }

    /// Writes what is due, and merges what pays.
    fn write_processes(&self) -> Result<(), Error> {
        // Who already writes will look again.
        let Some(_alone) = self.processes.try_writing() else { return Ok(()) };
        loop {
            if self.state.lock().stopped.is_some() {
                return Ok(());
            }
            let due = {
                let mut guard = self.processes.table.write();
                let Some(table) = guard.as_mut() else { return Ok(()) };
                match table.is_spill_due() {
                    true => table.spill(|service, seq| self.view.leaf(service, seq)),
                    false => table.merge_due(),
                }
            };
            let Some(merge) = due else { return Ok(()) };
            self.do_merge(&merge)?;
        }
    }

    fn do_merge(&self, merge: &Merge) -> Result<(), Error> {
        let run = merge.run(&*self.disk, &self.identity.id, self.processes.hasher);
        if run.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::InvalidData)
            && let Some(table) = &*self.processes.table.read()
        {
            table.set_damaged();
        }
        let run = run.map_err(self.failed_on_processes("write"))?;
        let old = match &mut *self.processes.table.write() {
            Some(table) => table.finish(merge, run),
            None => Vec::new(),
        };
        // Covered by the new file: a crash leaves them to the next start.
        for path in old {
            self.disk.remove(&path).map_err(Error::during("remove", self.disk.display(&path)))?;
        }
        Ok(())
    }

    /// Writes what was taken in, before a clean stop: what was not, the next start takes in.
    pub(super) fn stop_following(&self) {
        let _alone = self.processes.writing();
        let due = {
            let mut guard = self.processes.table.write();
            let Some(table) = guard.as_mut() else { return };
            // All but what takes long.
            feed(&self.view, table);
            if !table.is_stop_due() || table.is_damaged() {
                return;
            }
            table.spill(|service, seq| self.view.leaf(service, seq))
        };
        // What cannot be written is taken in again by the next start.
        let _ = due.map(|merge| self.do_merge(&merge));
    }
}
