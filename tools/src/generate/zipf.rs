//! Draws from a fixed distribution in constant time, by Walker's alias method; Zipf's law is one such
//! distribution. Weights are integers, so that the tables are the same on every machine.
//!
//! Source: M. Vose, *A Linear Algorithm for Generating Random Numbers with a Given Distribution*, IEEE TSE 1991.
//!
//! ```text
//! weights 6 3 1 1      column      0      1      2      3
//!                      kept     ██████ ██████ ██████ ██████   one column is hit, each as likely;
//!                      alias      –      0      0      0      its lower part keeps the draw, its upper part passes it on
//! ```

use super::random::Random;

/// Weight of the most frequent item under Zipf's law. Large, so that rounding down is nothing for a million items.
const ZIPF_SCALE: u64 = 1 << 40;

/// A distribution over `0..count`.
#[derive(Clone, Debug)]
pub(super) struct Alias {
    columns: Vec<Column>,
}

/// One column of the table: draws of 32 bits below `kept` stay here, the others go to `other`.
#[derive(Clone, Copy, Debug)]
struct Column {
    kept: u32,
    other: u32,
}

impl Alias {
    /// A distribution in which item k comes `weights[k]` times in the sum of all. An item of weight 0 never comes.
    /// At least one weight must be above 0, and each must be at most 2^40.
    pub(super) fn new(weights: &[u64]) -> Self {
        assert!(weights.iter().any(|&weight| weight > 0), "a distribution needs an item that can be drawn");
        let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
        let count = weights.len() as u128;
        // Every column holds `total` of a grand sum of `total * count`; the heavy fill up what the light leave free.
        let mut share: Vec<u128> = weights.iter().map(|&weight| u128::from(weight) * count).collect();
        let (mut light, mut heavy): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|&index| share[index] < total);
        let mut columns: Vec<Column> = (0..weights.len()).map(Column::whole).collect();
        while let (Some(small), Some(&large)) = (light.pop(), heavy.last()) {
            columns[small] = Column { kept: fraction(share[small], total), other: columns[large].other };
            share[large] -= total - share[small];
            if share[large] < total {
                heavy.pop();
                light.push(large);
            }
        }
        Self { columns }
    }

    /// Zipf's law with exponent 1.0: item k comes in proportion to 1 / (k + 1).
    pub(super) fn zipf(count: u32) -> Self {
        let weights: Vec<u64> = (1..=u64::from(count)).map(|rank| ZIPF_SCALE / rank).collect();
        Self::new(&weights)
    }

    /// Draws one item.
    #[inline]
    pub(super) fn draw(&self, random: &mut Random) -> u32 {
        let bits = random.bits();
        let column_count = self.columns.len() as u64;
        let index = ((bits >> 32) * column_count) >> 32;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the lower half is wanted; the index is below the count"
        )]
        let (low, index) = (bits as u32, index as usize);
        let column = self.columns[index];
        // The index fits: the table was built from at most 2^32 columns.
        if low < column.kept { u32::try_from(index).unwrap_or(u32::MAX) } else { column.other }
    }
}

impl Column {
    /// A column that belongs to one item alone.
    fn whole(index: usize) -> Self {
        Self { kept: u32::MAX, other: u32::try_from(index).unwrap_or(u32::MAX) }
    }
}

/// `part / whole` as a fraction of 2^32, rounded down. `part` is below `whole`.
fn fraction(part: u128, whole: u128) -> u32 {
    u32::try_from((part << 32) / whole).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(table: &Alias, draws: u32, items: usize) -> Vec<u32> {
        let mut random = Random::seeded(11);
        let mut counts = vec![0; items];
        for _ in 0..draws {
            counts[table.draw(&mut random) as usize] += 1;
        }
        counts
    }

    #[test]
    fn weights_are_kept() {
        let counts = counts(&Alias::new(&[6, 0, 3, 1]), 100_000, 4);
        assert_eq!(counts[1], 0);
        for (count, expected) in counts.iter().zip([60_000_u32, 0, 30_000, 10_000]) {
            assert!(count.abs_diff(expected) < 700, "{counts:?}");
        }
    }

    #[test]
    fn the_largest_of_two_thousand_has_twelve_percent() {
        let counts = counts(&Alias::zipf(2000), 1_000_000, 2000);
        assert!(counts[0].abs_diff(122_268) < 1_500, "{}", counts[0]);
        assert!(counts[1].abs_diff(61_134) < 1_200, "{}", counts[1]);
        assert!(counts[1999] > 20, "{}", counts[1999]);
    }

    #[test]
    fn a_single_item_always_comes() {
        assert_eq!(counts(&Alias::zipf(1), 100, 1), [100]);
    }
}
