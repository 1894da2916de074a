//! Bits back to back, low ones first: bit `n` is bit `n % 8` of byte `n / 8`.

/// The lowest `width` bits, 0 to 64.
#[inline]
pub(super) fn mask(width: u32) -> u64 {
    u64::MAX.checked_shr(64_u32.saturating_sub(width)).unwrap_or(0)
}

/// How many bits `value` takes: 0 for 0, up to 64.
#[inline]
pub(super) fn width_of(value: u64) -> u32 {
    64 - value.leading_zeros()
}

/// Eight bytes from `byte` on; those past the end are zero.
#[inline]
fn load(bytes: &[u8], byte: usize) -> u64 {
    let rest = bytes.get(byte..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(word) => u64::from_le_bytes(*word),
        None => load_last(rest),
    }
}

#[cold]
fn load_last(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Reads `width` bits, 0 to 64, from bit `at` on; bits past the end are zero.
#[inline]
pub(super) fn read(bytes: &[u8], at: usize, width: u32) -> u64 {
    let (byte, shift) = (at / 8, at % 8);
    let low = load(bytes, byte) >> shift;
    if shift + width as usize <= 64 {
        return low & mask(width);
    }
    // shift > 0 here, since width <= 64.
    let high = u64::from(bytes.get(byte + 8).copied().unwrap_or(0)) << (64 - shift);
    (low | high) & mask(width)
}

/// Reads values of `width` bits, 0 to 64, that lie back to back from bit `at` on; bits past the end are zero.
pub(super) fn unpack(bytes: &[u8], at: usize, width: u32, out: &mut [u64]) {
    let bytes = bytes.get(at / 8..).unwrap_or_default();
    let mut at = at % 8;
    if width == 0 {
        return out.fill(0);
    }
    if width > 57 {
        for value in out {
            *value = read(bytes, at, width);
            at += width as usize;
        }
        return;
    }
    match width {
        // So many values of this width lie in one word, wherever in its first byte they begin.
        0..=7 => unpack_by::<8>(bytes, at, width, out),
        8..=14 => unpack_by::<4>(bytes, at, width, out),
        15..=28 => unpack_by::<2>(bytes, at, width, out),
        _ => unpack_by::<1>(bytes, at, width, out),
    }
}

/// As [`unpack`], `N` values a word.
#[inline(always)]
fn unpack_by<const N: usize>(bytes: &[u8], mut at: usize, width: u32, out: &mut [u64]) {
    let mask = mask(width);
    let (groups, rest) = out.as_chunks_mut::<N>();
    for group in groups {
        let mut word = load(bytes, at / 8) >> (at % 8);
        for value in group {
            *value = word & mask;
            word >>= width;
        }
        at += N * width as usize;
    }
    for value in rest {
        *value = load(bytes, at / 8) >> (at % 8) & mask;
        at += width as usize;
    }
}

/// Bytes that `count` values of `width` bits take.
pub(super) fn bytes_of(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Appends bits to a buffer of bytes.
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// The bits not yet in `out`; those from `used` on are zero.
    word: u64,
    /// Below 64.
    used: u32,
}

impl<'o> Writer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Writer<'o> {
        Writer { out, word: 0, used: 0 }
    }

    /// Appends the lowest `width` bits of `value`; the others must be zero.
    #[inline]
    pub(super) fn push(&mut self, value: u64, width: u32) {
        debug_assert!(value & !mask(width) == 0, "{value} has more than {width} bits");
        self.word |= value << self.used;
        let total = self.used + width;
        if total < 64 {
            self.used = total;
            return;
        }
        self.out.extend_from_slice(&self.word.to_le_bytes());
        self.word = value.checked_shr(64 - self.used).unwrap_or(0);
        self.used = total - 64;
    }

    /// Fills the last byte with zeros.
    pub(super) fn finish(self) {
        let count = self.used.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.word.to_le_bytes()[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_reads_back_at_every_shift() {
        for width in 0..=64 {
            let values: Vec<u64> =
                (1..200_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask(width)).collect();
            let mut bytes = Vec::new();
            let mut writer = Writer::new(&mut bytes);
            values.iter().for_each(|value| writer.push(*value, width));
            writer.finish();
            assert_eq!(bytes.len(), bytes_of(values.len(), width));
            for (n, value) in values.iter().enumerate() {
                assert_eq!(read(&bytes, n * width as usize, width), *value, "width {width}, value {n}");
            }
            for skipped in [0, 1, 77] {
                let mut found = vec![7; values.len() - skipped];
                unpack(&bytes, skipped * width as usize, width, &mut found);
                assert_eq!(found, values[skipped..], "width {width} behind {skipped}");
            }
        }
    }

    #[test]
    fn past_the_end_there_are_zeros() {
        assert_eq!(read(&[0xff], 4, 64), 0x0f);
        assert_eq!(read(&[], 1000, 64), 0);
    }
}
