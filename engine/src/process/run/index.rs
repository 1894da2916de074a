//! Numbers by the hash of a name: an ascending list of the hash's high half and the number.
//!
//! Hashes are spread evenly, so a hash's own share of the range says about where it stands.

/// What is kept of a hash.
pub fn high(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(u32::MAX)
}

/// An item of the list.
pub fn item(hash: u64, number: u32) -> u64 {
    u64::from(high(hash)) << 32 | u64::from(number)
}

/// Appends a list; it is sorted here.
pub fn put(mut items: Vec<u64>, out: &mut Vec<u8>) {
    items.sort_unstable();
    out.extend(items.iter().flat_map(|item| item.to_le_bytes()));
}

/// A list that is read.
#[derive(Clone, Copy)]
pub struct Index<'a> {
    items: &'a [[u8; 8]],
}

impl<'a> Index<'a> {
    pub fn new(bytes: &'a [u8]) -> Index<'a> {
        Index { items: bytes.as_chunks().0 }
    }

    fn get(&self, at: usize) -> Option<u64> {
        self.items.get(at).map(|item| u64::from_le_bytes(*item))
    }

    /// Numbers that may be meant by a hash.
    pub fn numbers(self, hash: u64) -> impl Iterator<Item = u32> + 'a {
        let wanted = u64::from(high(hash));
        let mut at = self.lower_bound(wanted << 32);
        std::iter::from_fn(move || {
            let item = self.get(at).filter(|item| item >> 32 == wanted)?;
            at += 1;
            u32::try_from(item & u64::from(u32::MAX)).ok()
        })
    }

    /// The first item that is not less.
    fn lower_bound(&self, wanted: u64) -> usize {
        let count = self.items.len();
        let guess = usize::try_from((u128::from(wanted) * count as u128) >> 64).unwrap_or(0);
        let is_less = |at: usize| self.get(at).is_some_and(|item| item < wanted);
        // From the guess outwards in steps that double, then between the last two.
        let mut step = 8;
        let (mut low, mut high) = (guess, guess);
        while low > 0 && !is_less(low) {
            low = low.saturating_sub(step);
            step *= 2;
        }
        step = 8;
        while high < count && is_less(high) {
            high = (high + step).min(count);
            step *= 2;
        }
        while low < high {
            let middle = low.midpoint(high);
            if is_less(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_is_found_by_its_hash(
            hashes in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..1 << 34, Just(u64::MAX)], 0..200),
            other in any::<u64>(),
        ) {
            let mut bytes = Vec::new();
            put(hashes.iter().zip(0..).map(|(hash, number)| item(*hash, number)).collect(), &mut bytes);
            let index = Index::new(&bytes);
            for wanted in hashes.iter().chain([&other, &0, &u64::MAX]) {
                let numbers = hashes.iter().zip(0_u32..).filter(|(hash, _)| high(**hash) == high(*wanted));
                let numbers: Vec<u32> = numbers.map(|(_, number)| number).collect();
                prop_assert_eq!(index.numbers(*wanted).collect::<Vec<_>>(), numbers);
            }
        }
    }
}
