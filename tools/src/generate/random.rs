//! Pseudo-random numbers that never change: the same seed gives the same bytes with every compiler, platform
//! and crate version, so no crate is used and nothing here depends on the width of `usize` or on floats.
//!
//! Not for secrets: everything can be computed from the seed.

/// 2^64 divided by the golden ratio, made odd: the increment of SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of SplitMix64 after its increment: a bijection of 64-bit numbers, because adding a
/// constant, `x ^ (x >> k)` and multiplying by an odd number can each be undone.
///
/// Source: G. Steele, D. Lea, C. Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014, with the
/// constants of S. Vigna's public-domain `splitmix64.c` (<https://prng.di.unimi.it/splitmix64.c>).
pub(super) const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// xoshiro256**, seeded from SplitMix64 as its authors advise.
///
/// Source: D. Blackman, S. Vigna, *Scrambled Linear Pseudorandom Number Generators*, ACM TOMS 2021; public-domain
/// code at <https://prng.di.unimi.it/xoshiro256starstar.c>.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: [u64; 4],
}

impl Random {
    /// The generator that belongs to `seed`. Its state is never all zero, the one state xoshiro cannot leave:
    /// `mix` is a bijection, so at most one of its four different inputs maps to zero.
    pub(super) fn seeded(seed: u64) -> Self {
        let word = |step: u64| mix(seed.wrapping_add(step.wrapping_mul(GOLDEN)));
        Self { state: [word(0), word(1), word(2), word(3)] }
    }

    /// The next 64 random bits.
    #[inline]
    pub(super) fn bits(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s1.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (s2, s3) = (s2 ^ s0, s3 ^ s1);
        self.state = [s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17), s3.rotate_left(45)];
        result
    }

    /// The next 32 random bits: the upper ones, which are the better ones of this generator.
    #[inline]
    pub(super) fn bits32(&mut self) -> u32 {
        upper(self.bits())
    }

    /// A number in `0..bound`, and 0 for a bound of 0 or 1.
    ///
    /// Multiply and shift without Lemire's rejection step: with bounds below 2^20 the bias is below 2^-12 of a
    /// share, which no chart shows, and the count of draws never depends on their values.
    #[inline]
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        upper(u64::from(self.bits32()) * u64::from(bound))
    }

    /// As [`Random::below`], leaning to the small numbers: few users of a company do most of the work.
    #[inline]
    pub(super) fn below_skewed(&mut self, bound: u32) -> u32 {
        let wide = self.below(bound).saturating_add(1);
        self.below(wide)
    }

    /// A number in `first..=last`.
    #[inline]
    pub(super) fn between(&mut self, (first, last): (u32, u32)) -> u32 {
        first + self.below(last.saturating_sub(first).saturating_add(1))
    }

    /// True `per_mille` times in a thousand.
    #[inline]
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// One of a table's items, each equally likely. The table must not be empty.
    #[inline]
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        &items[self.below(count) as usize]
    }

    /// 122 random bits in the form of RFC 9562 §5.4: a version 4 UUID.
    #[inline]
    pub(super) fn uuid(&mut self) -> u128 {
        let random = (u128::from(self.bits()) << 64) | u128::from(self.bits());
        random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
    }
}

/// The upper half of a 64-bit number.
#[inline]
const fn upper(number: u64) -> u32 {
    (number >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mix_is_splitmix64() {
        // The first outputs of the reference code for the seed 1234567.
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(mix(1_234_567_u64.wrapping_add(GOLDEN)), 3_203_168_211_198_807_973);
    }

    #[test]
    fn bits_are_xoshiro256_starstar() {
        // The first outputs of the reference code for the state 1, 2, 3, 4.
        let mut random = Random { state: [1, 2, 3, 4] };
        let outputs: Vec<u64> = (0..4).map(|_| random.bits()).collect();
        assert_eq!(outputs, [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn bounds_are_kept_and_reached() {
        let mut random = Random::seeded(7);
        let mut seen = [0_u32; 5];
        for _ in 0..10_000 {
            seen[random.below(5) as usize] += 1;
            assert!(random.below_skewed(9) < 9);
            assert!((3..=4).contains(&random.between((3, 4))));
        }
        assert!(seen.iter().all(|&count| (1_800..2_200).contains(&count)), "{seen:?}");
        assert_eq!((random.below(0), random.below(1), random.below_skewed(0)), (0, 0, 0));
    }

    #[test]
    fn uuids_have_version_and_variant() {
        let mut random = Random::seeded(1);
        for _ in 0..1000 {
            let uuid = random.uuid();
            assert_eq!((uuid >> 76) & 0xf, 4);
            assert_eq!((uuid >> 62) & 0x3, 2);
        }
    }
}
