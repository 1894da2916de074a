//! A store's artifacts: those that no entry names go after a day.

use super::Store;
use super::pipeline::Pipeline;
use crate::artifact::{Opened, PutError, Sha, Stored, Unnamed};
use crate::error::Error;
use crate::model::Window;
use crate::scan::{Filter, Order, Query, Scope};
use std::io::Read;

/// An entry that names a file was committed this much before its mark, at most: clocks are set back.
const MARGIN_NS: i64 = 3600 * 1_000_000_000;

impl Store {
    /// Stores a tenant's file, at most 64 MiB, read to its end; durable when this returns. It stays as long as an entry of
    /// the tenant names it, and for a day in any case. An entry that names it is to be appended behind this: its record
    /// then says that the store has the file, and verification holds the file against its hash.
    ///
    /// # Errors
    /// [`PutError`]: nothing of it is kept.
    pub fn put_artifact(&self, tenant: &str, source: &mut dyn Read) -> Result<Stored, PutError> {
        self.pipeline.artifacts().put(tenant, source)
    }

    /// A tenant's file; none if the store does not have it. Whether it is still what its hash says
    /// is for the reader to see.
    ///
    /// # Errors
    /// The disk's.
    pub fn open_artifact(&self, tenant: &str, sha256: &Sha) -> Result<Option<Opened>, Error> {
        self.pipeline.artifacts().open(tenant, sha256)
    }

    /// Removes files that no entry named for a day; gives how many. The store's thread does so every hour; with
    /// [`Background::Inline`](super::Background::Inline) the caller does.
    ///
    /// # Errors
    /// The disk's: what is left is tried again.
    pub fn sweep_artifacts(&self) -> Result<u64, Error> {
        self.pipeline.sweep_artifacts()
    }
}

impl Pipeline {
    pub fn sweep_artifacts(&self) -> Result<u64, Error> {
        let mut removed = 0;
        for file in self.artifacts().unnamed()? {
            let is_named = self.is_named(&file);
            self.artifacts().settle(&file, is_named)?;
            removed += u64::from(!is_named);
        }
        Ok(removed)
    }

    /// Whether an entry names the file, or may: where something does not read, nothing is removed.
    fn is_named(&self, file: &Unnamed) -> bool {
        self.catch_up();
        let window = Window { from: Some(file.since.saturating_add(-MARGIN_NS)), to: None };
        let filter = Filter { window, ..Filter::default() };
        let query = Query { filter, order: Order::Ascending, limit: None, after: None };
        let mut scan = self.view().scan(&Scope::upkeep(&file.tenant), &query);
        let names_it = scan.by_ref().any(|hit| {
            let committed = hit.committed();
            committed.and_then(|own| own.entry.artifact).is_some_and(|own| own.sha256 == file.sha256)
        });
        names_it || !scan.problems().is_empty() || !self.view().damage().is_empty()
    }
}
