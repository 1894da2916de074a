//! The directory: the tree (RFC 6962 §2.1) over a row for every chain and every line of a store.
//!
//! Rows keep their slots, so a `heads` recomputes only the paths above rows that changed. `nodes[l][i]` is the root of
//! the full subtree over rows i·2^l .. (i+1)·2^l; partial subtrees exist only while the root is computed.

use super::hashes::{DirectoryRow, RowKind, node_message};
use super::tree::root_of_subtrees;
use super::{Hash, Hasher};

/// Where a row is still to be put: no chain has this ID.
const HOLE: DirectoryRow =
    DirectoryRow { kind: RowKind::Chain, chain_id: [0; 16], line_id: [0; 16], size: 0, digest: [0; 32] };

/// A row's place, kept for ever.
pub type Slot = u32;

/// All rows, with the tree over them.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    rows: Vec<DirectoryRow>,
    nodes: Vec<Vec<Hash>>,
    /// Slots that changed since the last root; may repeat.
    changed: Vec<Slot>,
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
        self.rows.push(row);
        self.changed.push(slot);
        slot
    }

    /// Puts a row into its slot. Slots before it that have none yet are holes until they get theirs.
    pub fn put(&mut self, slot: Slot, row: DirectoryRow) {
        let index = slot as usize;
        if self.rows.len() <= index {
            self.rows.resize(index + 1, HOLE);
        }
        self.rows[index] = row;
        self.changed.push(slot);
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
            self.changed.push(slot);
        }
    }

    /// The root over the rows as they stand.
    pub fn root(&mut self, hasher: &mut Hasher) -> Hash {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        let mut level = 0;
        loop {
            let full_count = self.rows.len() >> level;
            if full_count == 0 {
                break;
            }
            if self.nodes.len() == level {
                self.nodes.push(Vec::new());
            }
            let (below, here) = self.nodes.split_at_mut(level);
            let here = &mut here[0];
            here.resize(full_count, [0; 32]);
            // Of a subtree that is not full yet only the lower levels exist.
            changed.retain(|index| (*index as usize) < full_count);
            let rows = &self.rows;
            hasher.each(
                changed.len(),
                |i, message| {
                    let index = changed[i] as usize;
                    match below.last() {
                        None => rows[index].leaf_message(message),
                        Some(below) => node_message(&below[2 * index], &below[2 * index + 1], message),
                    }
                },
                |i, hash| here[changed[i] as usize] = hash,
            );
            for index in &mut changed {
                *index >>= 1;
            }
            changed.dedup();
            level += 1;
        }
        let count = self.rows.len();
        root_of_subtrees((0..level).filter(|level| count >> level & 1 == 1).map(|level| {
            // The subtree at a one-bit of the count ends just before the rows of the lower bits.
            self.nodes[level][(count >> level) - 1]
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
