//! Places by the blocks that columns are decoded in: which rows of each block are wanted.

use crate::format::column::BLOCK_ROWS;
use std::ops::Range;

const _: () = assert!(BLOCK_ROWS == u128::BITS);

/// The rows of a block that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Number of the block.
    pub block: u32,
    /// A bit for each row, the first one lowest; never 0.
    pub rows: u128,
}

/// The blocks of places that ascend, each once.
#[derive(Debug)]
pub struct Blocks<'p> {
    places: &'p [Range<u32>],
    /// The next place of the first range, if that was begun.
    next: u32,
}

impl<'p> Blocks<'p> {
    /// The blocks of these places. What does not ascend is left out.
    pub fn of(places: &'p [Range<u32>]) -> Blocks<'p> {
        Blocks { places, next: 0 }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Wanted;

    fn next(&mut self) -> Option<Wanted> {
        let mut wanted: Option<Wanted> = None;
        while let Some((range, behind)) = self.places.split_first() {
            let from = range.start.max(self.next);
            if from >= range.end {
                self.places = behind;
                continue;
            }
            let block = from / BLOCK_ROWS;
            if wanted.is_some_and(|wanted| wanted.block != block) {
                break;
            }
            let to = range.end.min((block + 1).saturating_mul(BLOCK_ROWS));
            let rows = (u128::MAX >> (BLOCK_ROWS - (to - from))) << (from % BLOCK_ROWS);
            wanted.get_or_insert(Wanted { block, rows: 0 }).rows |= rows;
            self.next = to;
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_place_is_wanted_once_in_its_block(steps in prop::collection::vec((0_u32..300, 0_u32..300), 0..30)) {
            let mut at = 0;
            let places: Vec<Range<u32>> = steps
                .into_iter()
                .map(|(gap, length)| {
                    let from = at + gap;
                    at = from + length;
                    from..at
                })
                .collect();
            let blocks: Vec<Wanted> = Blocks::of(&places).collect();
            prop_assert!(blocks.is_sorted_by(|a, b| a.block < b.block));
            let found: Vec<u32> = blocks
                .iter()
                .flat_map(|own| {
                    let rows = (0..BLOCK_ROWS).filter(|row| own.rows >> row & 1 != 0);
                    rows.map(|row| own.block * BLOCK_ROWS + row)
                })
                .collect();
            prop_assert_eq!(found, places.into_iter().flatten().collect::<Vec<_>>());
        }
    }
}
