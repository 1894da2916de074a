//! The tree over a chain's leaves (RFC 6962 §2.1), kept as its right edge.
//!
//! `full[l]` is the root of the full subtree of 2^l leaves that ends the tree at that level, where the size has bit l.
//! So `full` holds as many roots as the size has one-bits, and appending touches one more than it completes.

use super::{Hash, Hasher, hashes};

/// Nodes over 2^8 leaves are kept as marks.
pub const MARK_LEVEL: usize = 8;

/// A tree that grows at its right end; holds at most 64 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RightEdge {
    size: u64,
    full: Vec<Option<Hash>>,
}

impl RightEdge {
    /// Leaves in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The edge of a tree of `size` leaves from the roots of its full subtrees, largest first; none if there are more
    /// or fewer than the size has one-bits.
    pub fn from_subtrees(size: u64, roots: &[Hash]) -> Option<RightEdge> {
        if roots.len() != size.count_ones() as usize {
            return None;
        }
        let mut roots = roots.iter().rev();
        let levels = 0..u64::BITS - size.leading_zeros();
        let full =
            levels.map(|level| (size >> level & 1 == 1).then(|| roots.next().copied()).flatten()).collect();
        Some(RightEdge { size, full })
    }

    /// Roots of the full subtrees, largest first.
    pub fn subtrees(&self) -> Vec<Hash> {
        self.full.iter().rev().flatten().copied().collect()
    }

    /// Appends leaves, hashing the nodes of each level side by side.
    pub fn extend(&mut self, leaves: &[Hash], hasher: &mut Hasher) {
        self.extend_and_mark(leaves, hasher, &mut Vec::new());
    }

    /// As [`RightEdge::extend`]; nodes of [`MARK_LEVEL`] that become whole are added to `marks`, in order.
    pub fn extend_and_mark(&mut self, leaves: &[Hash], hasher: &mut Hasher, marks: &mut Vec<Hash>) {
        self.grow(0, leaves, hasher, marks);
    }

    /// Appends whole subtrees of 2^`level` leaves each, given by their roots.
    ///
    /// # Panics
    /// If the tree does not end where such a subtree begins.
    pub fn extend_subtrees(&mut self, level: usize, roots: &[Hash], hasher: &mut Hasher) {
        assert!(roots.is_empty() || self.size.trailing_zeros() as usize >= level, "a subtree begins here");
        self.grow(level, roots, hasher, &mut Vec::new());
    }

    fn grow(&mut self, level: usize, nodes: &[Hash], hasher: &mut Hasher, marks: &mut Vec<Hash>) {
        self.size += (nodes.len() as u64) << level;
        let (mut nodes, mut level) = (nodes.to_vec(), level);
        while !nodes.is_empty() {
            if level == MARK_LEVEL {
                marks.extend_from_slice(&nodes);
            }
            if self.full.len() <= level {
                self.full.resize(level + 1, None);
            }
            // A subtree that waited at this level is the left neighbour of the first new one.
            if let Some(waiting) = self.full[level].take() {
                nodes.insert(0, waiting);
            }
            let (pairs, odd) = nodes.as_chunks::<2>();
            self.full[level] = odd.first().copied();
            let mut parents = vec![[0; 32]; pairs.len()];
            hasher.each(
                pairs.len(),
                |i, message| hashes::node_message(&pairs[i][0], &pairs[i][1], message),
                |i, hash| parents[i] = hash,
            );
            nodes = parents;
            level += 1;
        }
    }

    /// The tree's root.
    pub fn root(&self) -> Hash {
        root_of_subtrees(self.full.iter().flatten().copied())
    }
}

/// The root over full subtrees given from the right: RFC 6962 §2.1 splits at the largest power of two, so each larger
/// subtree is the left child of all that lies right of it.
pub fn root_of_subtrees(from_the_right: impl Iterator<Item = Hash>) -> Hash {
    from_the_right.reduce(|right, left| hashes::node(&left, &right)).unwrap_or_else(hashes::empty_root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::digest;

    /// RFC 6962 §2.1, word for word.
    fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => digest(&[]),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                hashes::node(&root_by_definition(&leaves[..split]), &root_by_definition(&leaves[split..]))
            }
        }
    }

    #[test]
    fn roots_of_the_certificate_transparency_vectors() {
        let inputs = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let leaves: Vec<Hash> = inputs
            .iter()
            .map(|hex| {
                let bytes: Vec<u8> = (0..hex.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                    .collect();
                digest(&[&[0], &bytes])
            })
            .collect();
        let mut edge = RightEdge::default();
        edge.extend(&leaves, &mut Hasher::new());
        let wanted = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328";
        assert_eq!(crate::hex::encode(&edge.root()), wanted);
    }

    #[test]
    fn marks_are_roots_of_256_leaves_and_an_edge_is_made_of_its_subtrees() {
        let leaves: Vec<Hash> = (0..1300u32).map(|i| digest(&[&i.to_be_bytes()])).collect();
        let mut hasher = Hasher::new();
        for step in [1, 100, 256, 700, 1300] {
            let (mut edge, mut marks) = (RightEdge::default(), Vec::new());
            for chunk in leaves.chunks(step) {
                edge.extend_and_mark(chunk, &mut hasher, &mut marks);
                assert_eq!(RightEdge::from_subtrees(edge.size(), &edge.subtrees()).unwrap(), edge);
            }
            let wanted: Vec<Hash> = leaves.chunks_exact(256).map(root_by_definition).collect();
            assert_eq!(marks, wanted, "by {step}");
        }
        assert_eq!(RightEdge::from_subtrees(3, &[[0; 32]]), None);
    }

    #[test]
    fn subtrees_grow_a_tree_as_their_leaves_do() {
        let leaves: Vec<Hash> = (0..1300u32).map(|i| digest(&[&i.to_be_bytes()])).collect();
        let mut hasher = Hasher::new();
        let roots: Vec<Hash> = leaves.chunks_exact(256).map(root_by_definition).collect();
        for first in [0, 1, 3, 5] {
            let (mut by_leaves, mut by_roots) = (RightEdge::default(), RightEdge::default());
            by_leaves.extend(&leaves, &mut hasher);
            by_roots.extend(&leaves[..first * 256], &mut hasher);
            by_roots.extend_subtrees(8, &roots[first..], &mut hasher);
            by_roots.extend(&leaves[1280..], &mut hasher);
            assert_eq!((by_roots.size(), by_roots.subtrees()), (by_leaves.size(), by_leaves.subtrees()));
        }
    }

    #[test]
    fn grows_by_any_steps_to_the_root_of_the_definition() {
        let leaves: Vec<Hash> = (0..300u32).map(|i| digest(&[&i.to_be_bytes()])).collect();
        let mut hasher = Hasher::new();
        for step in [1, 2, 3, 7, 64, 255, 300] {
            let mut edge = RightEdge::default();
            let mut size = 0;
            for chunk in leaves.chunks(step) {
                edge.extend(chunk, &mut hasher);
                size += chunk.len();
                assert_eq!(edge.size(), size as u64);
                assert_eq!(edge.root(), root_by_definition(&leaves[..size]), "{size} by {step}");
            }
        }
    }
}
