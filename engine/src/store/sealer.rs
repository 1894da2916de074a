//! What the one who seals keeps: where each chain's sealed part ends, and which journal files can go.

use super::ends::EndsLog;
use super::older::{Older, RememberedFile};
use super::sealed::SealedChain;
use crate::disk::Disk;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that only the one who seals touches.
pub struct Sealer {
    pub disk: Arc<dyn Disk>,
    pub chains: BTreeMap<Box<str>, SealedChain>,
    /// What of that is written beside the segments.
    pub ends: EndsLog,
    /// Chains whose segments are being built.
    pub building: Vec<Building>,
    /// IDs that came in journal files up to this number are remembered elsewhere.
    pub remembered_to: u64,
    /// Those that came before this time are.
    pub remembered_until: i64,
    /// Files that remember IDs, ascending; those that were there before follow when they are read.
    pub remembered_files: Vec<RememberedFile>,
    pub older: Arc<Older>,
    /// Journal files up to this number are removed.
    pub removed_to: u64,
    /// The newest journal file when it was last looked which ones can go.
    pub looked_at: u64,
}

/// A chain whose segments are being built.
pub struct Building {
    pub service: Box<str>,
    /// Memory of its open segment when that began.
    pub bytes: u64,
}

impl Sealer {
    /// Whether segments of a chain are being built.
    pub fn is_building(&self, service: &str) -> bool {
        self.building.iter().any(|building| &*building.service == service)
    }

    /// Goes on where recovery found the store. `first_file` is the oldest journal file with a commit, and that one's
    /// time.
    pub fn new(
        disk: Arc<dyn Disk>,
        chains: BTreeMap<Box<str>, SealedChain>,
        ends: EndsLog,
        older: Arc<Older>,
        remembered_until: i64,
        removed_to: u64,
    ) -> Sealer {
        Sealer {
            disk,
            chains,
            ends,
            building: Vec::new(),
            remembered_to: older.remembered_to(),
            remembered_until,
            remembered_files: Vec::new(),
            older,
            removed_to,
            looked_at: 0,
        }
    }
}
