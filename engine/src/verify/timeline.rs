//! The directory through time: which rows there were, and where their chains and lines stood, at any `heads`.
//!
//! Segments are recomputed chain by chain and the journal commit by commit, but rows take their slots, and heads speak,
//! in the one order of the store. So what segments gave waits here until everything before it is known.

use super::hints::Told;
use crate::proof::Hash;
use crate::proof::directory::Directory;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A row that begins: commit time, service and position of its first entry; a chain's before its line's.
pub type Begin = (i64, Arc<str>, u64, Option<u32>);

/// Where a sealed chain and some of its lines stood.
pub struct Standing {
    pub service: Arc<str>,
    pub size: u64,
    pub root: Hash,
    /// Number of the line, entries, digest.
    pub lines: Vec<(u32, u64, Hash)>,
}

/// What waits for its time.
#[derive(Default)]
pub struct Timeline {
    pub directory: Directory,
    /// Rows that begin, with the slots that segments give them.
    pub begins: BTreeMap<Begin, u32>,
    /// By the time before which entries are counted; of one chain in order.
    pub standings: BTreeMap<i64, Vec<Standing>>,
    /// Sealed heads, by time.
    pub told: VecDeque<Told>,
    /// Times at which everything is known of segments too.
    pub cuts: Vec<i64>,
    /// The newest commit time of a segment.
    pub sealed_until: Option<i64>,
}

impl Timeline {
    /// Whether the directory before this time can be recomputed.
    pub fn is_known_at(&self, before: i64) -> bool {
        self.sealed_until.is_none_or(|until| until < before) || self.cuts.binary_search(&before).is_ok()
    }
}
