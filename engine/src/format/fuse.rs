//! Binary fuse filters of 8-bit fingerprints (T. M. Graf, D. Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor
//! Filters", JEA 27, 2022): whether a set may hold a key, at about 9.5 bits a key; it says yes wrongly of one key in 256.
//!
//! ```text
//! seed u64, segment bits u8 (log2 of a segment's length), segments u32 (those that a key's first place is in), bytes
//! ```
//!
//! The bytes are `(segments + 2) << segment bits`. A set without keys has no segments and no bytes.

/// A segment has at most so many fingerprints, as a power of two.
const SEGMENT_BITS_MAX: u8 = 18;
/// Seeds that are tried. Each fails by chance, one in a hundred or fewer.
const TRIES: u64 = 100;
const ARITY: u32 = 3;

/// The key of a text: FNV-1a of its bytes, 64 bits (draft-eastlake-fnv §2).
pub fn key_of(text: &[u8]) -> u64 {
    text.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finalizer of MurmurHash3, of the key and a seed.
fn mixed(key: u64, seed: u64) -> u64 {
    let mut hash = key.wrapping_add(seed);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

fn fingerprint(hash: u64) -> u8 {
    (hash ^ (hash >> 32)).to_le_bytes()[0]
}

/// How a filter is laid out.
#[derive(Clone, Copy, Debug)]
struct Layout {
    seed: u64,
    segment_bits: u8,
    segments: u32,
}

impl Layout {
    fn length(self) -> u64 {
        match self.segments {
            0 => 0,
            segments => (u64::from(segments) + u64::from(ARITY - 1)) << self.segment_bits,
        }
    }

    /// The three places of a key, each in the segment behind the one before.
    fn places(self, hash: u64) -> [usize; 3] {
        let mask = (1_u64 << self.segment_bits) - 1;
        let reach = u64::from(self.segments) << self.segment_bits;
        let first = u64::try_from((u128::from(hash) * u128::from(reach)) >> 64).unwrap_or(u64::MAX);
        let (second, third) = (first + mask + 1, first + 2 * (mask + 1));
        [first, second ^ ((hash >> 18) & mask), third ^ (hash & mask)]
            .map(|place| usize::try_from(place).unwrap_or(usize::MAX))
    }

    /// The layout for so many keys, by the paper's measurements.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "of at most a group's keys"
    )]
    fn for_keys(count: usize, seed: u64) -> Layout {
        if count == 0 {
            return Layout { seed, segment_bits: 0, segments: 0 };
        }
        let keys = count.max(2) as f64;
        let bits = (keys.ln() / 3.33_f64.ln() + 2.25).floor() as u8;
        let segment_bits = bits.min(SEGMENT_BITS_MAX);
        let factor = (0.875 + 0.25 * 1e6_f64.ln() / keys.ln()).max(1.125);
        let capacity = (keys * factor).round() as u64;
        let all = capacity.div_ceil(1 << segment_bits).max(u64::from(ARITY));
        Layout { seed, segment_bits, segments: (all as u32) - (ARITY - 1) }
    }
}

/// Appends the filter of a set: `keys` are sorted and deduplicated here. False, and nothing appended, if no seed fits,
/// which does not happen.
pub fn encode(keys: &mut Vec<u64>, out: &mut Vec<u8>) -> bool {
    keys.sort_unstable();
    keys.dedup();
    for seed in 0..TRIES {
        let layout = Layout::for_keys(keys.len(), mixed(seed, 1));
        if let Some(bytes) = fill(layout, keys) {
            out.extend_from_slice(&layout.seed.to_le_bytes());
            out.push(layout.segment_bits);
            out.extend_from_slice(&layout.segments.to_le_bytes());
            out.extend_from_slice(&bytes);
            return true;
        }
    }
    false
}

/// Gives each key a place that no key behind it in the order of peeling touches, and fills places backwards.
fn fill(layout: Layout, keys: &[u64]) -> Option<Vec<u8>> {
    let length = usize::try_from(layout.length()).ok()?;
    // Of the keys at each place: how many, and their hashes, one over the other.
    let (mut counts, mut hashes) = (vec![0_u32; length], vec![0_u64; length]);
    // In the order of places, so that memory is met in order.
    let mut all: Vec<u64> = keys.iter().map(|key| mixed(*key, layout.seed)).collect();
    all.sort_unstable();
    for hash in &all {
        for place in layout.places(*hash) {
            counts[place] += 1;
            hashes[place] ^= hash;
        }
    }
    let mut alone: Vec<usize> = (0..length).filter(|place| counts[*place] == 1).collect();
    let mut peeled = Vec::with_capacity(all.len());
    while let Some(place) = alone.pop() {
        if counts[place] != 1 {
            continue;
        }
        let hash = hashes[place];
        peeled.push((hash, place));
        for other in layout.places(hash) {
            counts[other] -= 1;
            hashes[other] ^= hash;
            if counts[other] == 1 {
                alone.push(other);
            }
        }
    }
    if peeled.len() != all.len() {
        return None;
    }
    let mut bytes = vec![0; length];
    for (hash, own) in peeled.into_iter().rev() {
        let others = layout.places(hash).into_iter().filter(|place| *place != own);
        bytes[own] = others.fold(fingerprint(hash), |bits, place| bits ^ bytes[place]);
    }
    Some(bytes)
}

/// A filter in bytes that are borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Fuse<'a> {
    layout: Layout,
    bytes: &'a [u8],
}

impl<'a> Fuse<'a> {
    /// Opens the filter at the front of `bytes`; gives what is behind it. None if there is none.
    pub fn open(bytes: &'a [u8]) -> Option<(Fuse<'a>, &'a [u8])> {
        let (seed, rest) = bytes.split_first_chunk()?;
        let (segment_bits, rest) = rest.split_first()?;
        let (segments, rest) = rest.split_first_chunk()?;
        let layout = Layout {
            seed: u64::from_le_bytes(*seed),
            segment_bits: Some(*segment_bits).filter(|bits| *bits <= SEGMENT_BITS_MAX)?,
            segments: u32::from_le_bytes(*segments),
        };
        let (bytes, rest) = rest.split_at_checked(usize::try_from(layout.length()).ok()?)?;
        Some((Fuse { layout, bytes }, rest))
    }

    /// Whether the set may hold a key; certainly not if this says so.
    pub fn may_hold(&self, key: u64) -> bool {
        if self.bytes.is_empty() {
            return false;
        }
        let hash = mixed(key, self.layout.seed);
        let at = |place: usize| self.bytes.get(place).copied().unwrap_or(0);
        let found = self.layout.places(hash).into_iter().fold(0, |bits, place| bits ^ at(place));
        found == fingerprint(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_filter_holds_its_keys_and_few_others_at_its_price() {
        for count in [0_u32, 1, 2, 3, 10, 100, 5_000, 41_000] {
            let mut keys: Vec<u64> = (0..count).map(|key| key_of(&key.to_le_bytes())).collect();
            keys.extend_from_within(..keys.len() / 3);
            let mut bytes = Vec::new();
            assert!(encode(&mut keys, &mut bytes));
            let (filter, rest) = Fuse::open(&bytes).unwrap();
            assert!(rest.is_empty() && keys.iter().all(|key| filter.may_hold(*key)));
            let wrongly = (0..100_000_u64).filter(|key| filter.may_hold(key_of(&key.to_be_bytes()))).count();
            assert!(wrongly < 600, "{wrongly} of 100 000 with {count} keys");
            assert!(count < 30_000 || bytes.len() < count as usize * 13 / 10, "{} bytes", bytes.len());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200), bits in 0_u8..20, segments in 0_u32..60, key in any::<u64>(),
        ) {
            let mut own = bytes.clone();
            if own.len() > 13 {
                own[8] = bits;
                own[9..13].copy_from_slice(&segments.to_le_bytes());
            }
            for bytes in [&bytes, &own] {
                if let Some((filter, _)) = Fuse::open(bytes) {
                    let _ = filter.may_hold(key);
                }
            }
        }
    }
}
