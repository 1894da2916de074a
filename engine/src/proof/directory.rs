//! The directory: the tree (RFC 6962 §2.1) over a row for every chain and every line of a store.
//!
//! Rows keep their slots, so a `heads` recomputes only the paths above rows that changed. There may be a million rows, so
//! each takes about a hundred bytes: chains are named by number, and of the tree the leaves are not kept but hashed again.
//! `nodes[l][i]` is the root of the full subtree over rows i·2^(l+1) .. (i+1)·2^(l+1); partial subtrees exist only while
//! the root is computed.

use super::hashes::{DirectoryRow, RowKind, node_message};
use super::tree::root_of_subtrees;
use super::{Hash, Hasher};
use std::collections::HashMap;

/// A row's place, kept for ever.
pub type Slot = u32;

/// What a row says, with its chain as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    line_id: [u8; 16],
    digest: Hash,
    size: u64,
    /// Index into the directory's chains.
    chain: u32,
    kind: RowKind,
}

/// No chain has this number.
const NO_CHAIN: u32 = u32::MAX;
/// Where a row is still to be put.
const HOLE: Row = Row { line_id: [0; 16], digest: [0; 32], size: 0, chain: NO_CHAIN, kind: RowKind::Chain };
/// Pairs of rows that are hashed side by side: what is kept of them for a moment is little.
const PAIRS_AT_ONCE: usize = 1_024;

/// All rows, with the tree over them.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    rows: Vec<Row>,
    chains: Vec<[u8; 16]>,
    by_chain: HashMap<[u8; 16], u32>,
    nodes: Vec<Vec<Hash>>,
    /// Slots that changed since the last root, each once.
    changed: Vec<Slot>,
    /// Of each slot whether it is among them, a bit each.
    is_changed: Vec<u64>,
}

impl Directory {
    /// Rows.
    pub fn row_count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Gives a new row the next slot.
    pub fn add(&mut self, row: DirectoryRow) -> Slot {
        // The store's limits keep rows far below 2^32.
        let slot = Slot::try_from(self.rows.len()).unwrap_or(Slot::MAX);
        self.put(slot, row);
        slot
    }

    /// Puts a row into its slot. Slots before it that have none yet are holes until they get theirs.
    pub fn put(&mut self, slot: Slot, row: DirectoryRow) {
        let index = slot as usize;
        if self.rows.len() <= index {
            self.rows.resize(index + 1, HOLE);
            self.is_changed.resize(self.rows.len().div_ceil(64), 0);
        }
        let DirectoryRow { kind, chain_id, line_id, size, digest } = row;
        let chain = self.number_of(chain_id);
        self.rows[index] = Row { line_id, digest, size, chain, kind };
        self.note_change(slot);
    }

    fn number_of(&mut self, chain_id: [u8; 16]) -> u32 {
        let next = u32::try_from(self.chains.len()).unwrap_or(NO_CHAIN);
        // Rows of one chain mostly come one after the other.
        if let Some(last) = next.checked_sub(1)
            && self.chains[last as usize] == chain_id
        {
            return last;
        }
        *self.by_chain.entry(chain_id).or_insert_with(|| {
            self.chains.push(chain_id);
            next
        })
    }

    fn note_change(&mut self, slot: Slot) {
        let (word, bit) = (slot as usize / 64, 1 << (slot % 64));
        if self.is_changed[word] & bit == 0 {
            self.is_changed[word] |= bit;
            self.changed.push(slot);
        }
    }

    /// Slots without a row, ascending.
    pub fn holes(&self) -> impl Iterator<Item = Slot> {
        self.rows.iter().zip(0..).filter(|(row, _)| **row == HOLE).map(|(_, slot)| slot)
    }

    /// Notes where a row's chain or line stands now.
    pub fn set(&mut self, slot: Slot, size: u64, digest: Hash) {
        let row = &mut self.rows[slot as usize];
        if (row.size, row.digest) != (size, digest) {
            (row.size, row.digest) = (size, digest);
            self.note_change(slot);
        }
    }

    /// Where a row's chain or line stands: entries, and root or digest.
    pub fn state(&self, slot: Slot) -> (u64, Hash) {
        let row = &self.rows[slot as usize];
        (row.size, row.digest)
    }

    /// The line of a row.
    pub fn line_id(&self, slot: Slot) -> [u8; 16] {
        self.rows[slot as usize].line_id
    }

    fn leaf_message(&self, slot: usize, message: &mut Vec<u8>) {
        let Row { line_id, digest, size, chain, kind } = self.rows[slot];
        let chain_id = self.chains.get(chain as usize).copied().unwrap_or_default();
        DirectoryRow { kind, chain_id, line_id, size, digest }.leaf_message(message);
    }

    /// Hashes the lowest nodes over these pairs of rows.
    fn hash_pairs(&mut self, pairs: &[u32], hasher: &mut Hasher) {
        let mut leaves = vec![[0; 32]; 2 * PAIRS_AT_ONCE.min(pairs.len())];
        let mut here = std::mem::take(&mut self.nodes[0]);
        for pairs in pairs.chunks(PAIRS_AT_ONCE) {
            let leaf = |i: usize, message: &mut Vec<u8>| {
                self.leaf_message(2 * pairs[i / 2] as usize + i % 2, message);
            };
            hasher.each(2 * pairs.len(), leaf, |i, hash| leaves[i] = hash);
            let leaves = &leaves;
            let node = |i: usize, message: &mut Vec<u8>| {
                node_message(&leaves[2 * i], &leaves[2 * i + 1], message);
            };
            hasher.each(pairs.len(), node, |i, hash| here[pairs[i] as usize] = hash);
        }
        self.nodes[0] = here;
    }

    /// The root over the rows as they stand.
    pub fn root(&mut self, hasher: &mut Hasher) -> Hash {
        let mut changed = std::mem::take(&mut self.changed);
        changed.iter().for_each(|slot| self.is_changed[*slot as usize / 64] &= !(1 << (slot % 64)));
        changed.sort_unstable();
        let count = self.rows.len();
        let mut level = 0;
        loop {
            let full_count = count >> (level + 1);
            if full_count == 0 {
                break;
            }
            if self.nodes.len() == level {
                self.nodes.push(Vec::new());
            }
            self.nodes[level].resize(full_count, [0; 32]);
            for index in &mut changed {
                *index >>= 1;
            }
            changed.dedup();
            // Of a subtree that is not full yet only the lower levels exist.
            changed.retain(|index| (*index as usize) < full_count);
            match level {
                0 => self.hash_pairs(&changed, hasher),
                _ => {
                    let (below, here) = self.nodes.split_at_mut(level);
                    let (below, here) = (&below[level - 1], &mut here[0]);
                    let node = |i: usize, message: &mut Vec<u8>| {
                        let index = changed[i] as usize;
                        node_message(&below[2 * index], &below[2 * index + 1], message);
                    };
                    hasher.each(changed.len(), node, |i, hash| here[changed[i] as usize] = hash);
                }
            }
            level += 1;
        }
        let mut last = [0; 32];
        if count % 2 == 1 {
            hasher.each(1, |_, message| self.leaf_message(count - 1, message), |_, hash| last = hash);
        }
        let levels = (0..=level).filter(|level| count >> level & 1 == 1);
        root_of_subtrees(levels.map(|level| match level {
            0 => last,
            // The subtree at a one-bit of the count ends just before the rows of the lower bits.
            level => self.nodes[level - 1][(count >> level) - 1],
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::digest;
    use crate::proof::tree::RightEdge;

    fn row(i: u64) -> DirectoryRow {
        DirectoryRow { kind: RowKind::Line, chain_id: [1; 16], line_id: [2; 16], size: i, digest: [3; 32] }
    }

    fn root_of_all(rows: &[DirectoryRow]) -> Hash {
        let leaves: Vec<Hash> = rows.iter().map(|row| digest(&[&[0], &row.encode()])).collect();
        let mut edge = RightEdge::default();
        edge.extend(&leaves, &mut Hasher::new());
        edge.root()
    }

    #[test]
    fn changed_rows_give_the_root_of_a_tree_built_anew() {
        let mut hasher = Hasher::new();
        let mut directory = Directory::default();
        let mut rows = Vec::new();
        assert_eq!(directory.root(&mut hasher), digest(&[]));
        // A fixed walk through growing, changing and doing nothing.
        let mut state = 1u64;
        for _ in 0..400 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            for _ in 0..state >> 62 {
                let slot = directory.add(row(state >> 33));
                assert_eq!(slot as usize, rows.len());
                rows.push(row(state >> 33));
            }
            if !rows.is_empty() {
                let slot = (state >> 20) as usize % rows.len();
                let (size, digest) = (state >> 40, [state.to_le_bytes()[0]; 32]);
                rows[slot] = DirectoryRow { size, digest, ..rows[slot] };
                directory.set(Slot::try_from(slot).unwrap(), size, digest);
            }
            assert_eq!(directory.row_count(), rows.len() as u64);
            assert_eq!(directory.root(&mut hasher), root_of_all(&rows));
        }
    }
}
