//! The table of processes of a store, and what it is asked.

use super::pipeline::Pipeline;
use crate::error::Error;
use crate::process::{Cursor, NameHasher, Page, Process, ProcessFilter, Table};
use crate::scan::Scope;
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::sync::atomic::AtomicU64;

/// The table, and who may do what with it.
pub(super) struct Keeper {
    pub hasher: NameHasher,
    /// None until it is asked for, or there is time.
    pub table: RwLock<Option<Table>>,
    /// The newest frame whose entries are in the table.
    pub fed_frame: AtomicU64,
    /// One writes files at a time. Taken before the table.
    writing: Mutex<()>,
}

impl Keeper {
    pub fn new(key: [u8; 16]) -> Keeper {
        Keeper {
            hasher: NameHasher::new(key),
            table: RwLock::new(None),
            fed_frame: AtomicU64::new(0),
            writing: Mutex::new(()),
        }
    }

    /// Held while files are written.
    pub fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock()
    }

    /// As [`Keeper::writing`], unless somebody writes.
    pub fn try_writing(&self) -> Option<MutexGuard<'_, ()>> {
        self.writing.try_lock()
    }
}

/// Processes of a store that is open for appending. Each answer holds what was acknowledged before it was asked for.
pub struct Processes<'s> {
    pipeline: &'s Pipeline,
}

impl<'s> Processes<'s> {
    pub(super) fn new(pipeline: &'s Pipeline) -> Processes<'s> {
        Processes { pipeline }
    }

    /// Processes that match within a scope, the newest first by their first entries: at most `limit`, from behind a
    /// cursor on. A cursor stays right while processes come: none is listed twice, and none that was there is left out.
    ///
    /// # Errors
    /// The disk's, if the table cannot be read or written.
    pub fn list(
        &self,
        scope: &Scope,
        filter: &ProcessFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.pipeline.with_processes(|table| table.list(scope, filter, after, limit))
    }

    /// One process; none if there is none in the scope.
    ///
    /// # Errors
    /// As [`Processes::list`].
    pub fn get(&self, scope: &Scope, tenant: &str, id: &str) -> Result<Option<Process>, Error> {
        self.pipeline.with_processes(|table| table.get(scope, tenant, id))
    }

    /// Processes of this ID, of these tenants unless there are none, one for each tenant that has it in the scope.
    ///
    /// # Errors
    /// As [`Processes::list`].
    pub fn named(&self, scope: &Scope, tenants: &[String], id: &str) -> Result<Vec<Process>, Error> {
        self.pipeline.with_processes(|table| table.named(scope, tenants, id))
    }

    /// Makes a tenant's processes anew from what the log has of it, and leaves nothing else of them in any file. A crash
    /// before this returns may leave some, or too few: then it is to be done again.
    ///
    /// # Errors
    /// As [`Processes::list`].
    pub fn refold_tenant(&self, tenant: &str) -> Result<(), Error> {
        self.pipeline.refold_processes(tenant)
    }

    /// IDs of the sub-processes of a process, at most 32 levels down, the nearest first.
    ///
    /// # Errors
    /// As [`Processes::list`].
    pub fn sub_processes(&self, scope: &Scope, tenant: &str, id: &str) -> Result<Vec<Box<str>>, Error> {
        self.pipeline.with_processes(|table| table.sub_processes(scope, tenant, id))
    }
}
