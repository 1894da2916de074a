//! What the one who seals keeps: where each chain's sealed part ends, and which journal files can go.

use super::sealed::SealedChain;
use crate::disk::Disk;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that only the one who seals touches.
pub struct Sealer {
    pub disk: Arc<dyn Disk>,
    pub chains: BTreeMap<Box<str>, SealedChain>,
    /// IDs that came in journal files up to this number are remembered elsewhere.
    pub remembered_to: u64,
    /// Those that came before this time are.
    pub remembered_until: i64,
    /// Journal files up to this number are removed.
    pub removed_to: u64,
    /// The newest journal file when it was last looked which ones can go.
    pub looked_at: u64,
}

impl Sealer {
    /// Goes on where recovery found the store. `first_file` is the oldest journal file with a commit, and that one's
    /// time.
    pub fn new(
        disk: Arc<dyn Disk>,
        chains: BTreeMap<Box<str>, SealedChain>,
        remembered_to: u64,
        remembered_until: i64,
        removed_to: u64,
    ) -> Sealer {
        Sealer { disk, chains, remembered_to, remembered_until, removed_to, looked_at: 0 }
    }
}
