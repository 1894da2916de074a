//! Cuts a text into literal pieces and typed variables: its shape and its values.
//!
//! A shape is the text's bytes with each variable replaced by a marker that no UTF-8 text contains. Texts of one shape
//! differ in their values alone, and [`Slot::write`] gives the text back. The rules are part of the format: a reader
//! that looks for a text cuts it the same way and compares shapes.
//!
//! Runs of ASCII letters and digits that hold a digit are looked at, whole:
//!
//! - 8-4-4-4-12 lower-case hexadecimal digits, a decimal one among the first eight: a UUID, in two values; one of RFC 9562's version 4 without the six bits
//!   that are always the same.
//! - digits only: a decimal number; with a leading zero, one of fixed length.
//! - `0x` and up to 16 lower-case hexadecimal digits: a number without leading zeros.
//! - 8 and more lower-case hexadecimal digits, a letter among them: numbers of 16 digits and a rest.
//! - anything else: the decimal numbers in it.

use crate::format::sheet::Sheet;
use std::ops::Range;

/// Most values of one text; what follows them stays literal.
pub(super) const SLOTS_MAX: usize = 32;
/// Longer texts are not cut.
pub(super) const TEXT_BYTES_MAX: usize = 4 << 10;
/// Digits of a decimal number that always fits 64 bits.
const DECIMAL_DIGITS_MAX: usize = 18;
/// Digits of a hexadecimal number that fits 64 bits.
const HEX_DIGITS_MAX: usize = 16;
const UUID_BYTES: usize = 36;
/// Bits of the first value of a UUID of version 4.
pub(super) const UUID4_BITS: u32 = 60;

/// Markers in shapes: bytes that UTF-8 never uses (RFC 3629 §1). Two of them are followed by a count of digits.
pub(super) const MARKER_MIN: u8 = 0xf8;
const DECIMAL: u8 = 0xf8;
const PADDED: u8 = 0xf9;
const HEX: u8 = 0xfa;
const UUID: u8 = 0xfb;
const UUID4: u8 = 0xfc;
const SHORT_HEX: u8 = 0xfd;
/// Ends a shape in a table of them.
pub(super) const END: u8 = 0xff;

/// What a variable looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A decimal number without leading zeros.
    Decimal,
    /// A decimal number of this many digits.
    Padded(u8),
    /// A lower-case hexadecimal number of this many digits.
    Hex(u8),
    /// A lower-case hexadecimal number without leading zeros.
    ShortHex,
    /// A UUID in lower case.
    Uuid,
    /// A UUID of version 4 in lower case.
    Uuid4,
}

impl Slot {
    /// How many values it takes.
    pub(super) fn value_count(self) -> usize {
        match self {
            Slot::Uuid | Slot::Uuid4 => 2,
            _ => 1,
        }
    }

    /// The slot whose marker `bytes` begin with, and the marker's length.
    pub(super) fn of_marker(bytes: &[u8]) -> Option<(Slot, usize)> {
        match *bytes {
            [DECIMAL, ..] => Some((Slot::Decimal, 1)),
            [PADDED, digits, ..] if (1..=DECIMAL_DIGITS_MAX).contains(&usize::from(digits)) => {
                Some((Slot::Padded(digits), 2))
            }
            [HEX, digits, ..] if (1..=HEX_DIGITS_MAX).contains(&usize::from(digits)) => {
                Some((Slot::Hex(digits), 2))
            }
            [UUID, ..] => Some((Slot::Uuid, 1)),
            [UUID4, ..] => Some((Slot::Uuid4, 1)),
            [SHORT_HEX, ..] => Some((Slot::ShortHex, 1)),
            _ => None,
        }
    }

    /// The first of a UUID's two values; none if that is no UUID that this slot writes.
    pub(super) fn first_of_uuid(self, text: &[u8]) -> Option<u64> {
        if text.len() != UUID_BYTES {
            return None;
        }
        match (self, uuid(text)?) {
            (Slot::Uuid4, (Slot::Uuid4, first, _)) | (Slot::Uuid, (Slot::Uuid, first, _)) => Some(first),
            // A UUID of version 4 in full: the version's four bits between the others.
            (Slot::Uuid, (Slot::Uuid4, first, _)) => Some((first & !0xfff) << 4 | 4 << 12 | first & 0xfff),
            _ => None,
        }
    }

    fn put_marker(self, shape: &mut Vec<u8>) {
        match self {
            Slot::Decimal => shape.push(DECIMAL),
            Slot::Padded(digits) => shape.extend_from_slice(&[PADDED, digits]),
            Slot::Hex(digits) => shape.extend_from_slice(&[HEX, digits]),
            Slot::ShortHex => shape.push(SHORT_HEX),
            Slot::Uuid => shape.push(UUID),
            Slot::Uuid4 => shape.push(UUID4),
        }
    }

    /// Appends the text of one value, or of a UUID's two; any values give some text.
    #[inline]
    pub(super) fn write(self, value: u64, second: u64, out: &mut Sheet) {
        match self {
            Slot::Decimal => put_decimal(out, value, 1),
            Slot::Padded(digits) => put_decimal(out, value, usize::from(digits)),
            Slot::Hex(digits) => put_hex(out, value, usize::from(digits)),
            Slot::ShortHex => put_hex(out, value, (16 - value.leading_zeros() as usize / 4).max(1)),
            Slot::Uuid => put_uuid(out, value, second),
            Slot::Uuid4 => {
                let high = (value & !0xfff) << 4 | 4 << 12 | value & 0xfff;
                put_uuid(out, high, second & (u64::MAX >> 2) | 1 << 63);
            }
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// Digits of the greatest number.
const DIGITS_MAX: usize = 20;
/// The first number of more than eight digits.
const EIGHT_DIGITS: u64 = 100_000_000;

/// The eight digits of a number below [`EIGHT_DIGITS`], the first in the lowest byte: halves, then pairs, then digits
/// part side by side, without a branch.
#[inline]
fn decimal_word(value: u64) -> u64 {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    // 10 486 / 2^20 and 103 / 2^10 are near enough to a hundredth and a tenth.
    let high = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = high | (fours - high * 100) << 16;
    let high = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    high | (twos - high * 10) << 8
}

const ZEROS: u64 = 0x3030_3030_3030_3030;

#[inline]
fn put_decimal(out: &mut Sheet, value: u64, digits_min: usize) {
    if value < EIGHT_DIGITS && digits_min <= 8 {
        let word = decimal_word(value);
        // Zero bytes before the first digit that is none.
        let leading = (word.trailing_zeros() as usize / 8).min(8 - digits_min.max(1));
        return out.array(((word | ZEROS) >> (leading * 8)).to_le_bytes(), 8 - leading);
    }
    put_long_decimal(out, value, digits_min);
}

#[inline(never)]
fn put_long_decimal(out: &mut Sheet, mut value: u64, digits_min: usize) {
    let count = value.checked_ilog10().map_or(1, |log| log as usize + 1).max(digits_min).min(DIGITS_MAX);
    let mut digits = [b'0'; DIGITS_MAX];
    let mut end = count;
    while value > 0 && end > 0 {
        let length = end.min(8);
        let word = (decimal_word(value % EIGHT_DIGITS) | ZEROS).to_le_bytes();
        digits[end - length..end].copy_from_slice(&word[8 - length..]);
        value /= EIGHT_DIGITS;
        end -= length;
    }
    out.array(digits, count);
}

/// The digits of four bytes, the first in the lowest byte.
#[inline]
fn hex_word(bytes: [u8; 4]) -> u64 {
    let mut word = u64::from(u32::from_le_bytes(bytes));
    word = (word | word << 16) & 0x0000_ffff_0000_ffff;
    word = (word | word << 8) & 0x00ff_00ff_00ff_00ff;
    // High digits come first.
    word = word >> 4 & 0x000f_000f_000f_000f | (word & 0x000f_000f_000f_000f) << 8;
    // From ten on a digit is a letter, which lies 39 further up.
    let letters = (word + ONES * 6) >> 4 & ONES;
    word + ZEROS + letters * 39
}

/// The 16 digits of a number.
#[inline]
fn hex_digits(value: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (digits, bytes) in digits.as_chunks_mut::<8>().0.iter_mut().zip(value.to_be_bytes().as_chunks().0) {
        *digits = hex_word(*bytes).to_le_bytes();
    }
    digits
}

#[inline]
fn put_hex(out: &mut Sheet, value: u64, digits: usize) {
    let digits = digits.clamp(1, HEX_DIGITS_MAX);
    out.array(hex_digits(value << (64 - 4 * digits)), digits);
}

#[inline]
fn put_uuid(out: &mut Sheet, high: u64, low: u64) {
    let (high, low) = (hex_digits(high), hex_digits(low));
    let mut text = [b'-'; UUID_BYTES];
    text[..8].copy_from_slice(&high[..8]);
    text[9..13].copy_from_slice(&high[8..12]);
    text[14..18].copy_from_slice(&high[12..]);
    text[19..23].copy_from_slice(&low[..4]);
    text[24..].copy_from_slice(&low[4..]);
    out.array(text, UUID_BYTES);
}

/// Appends the text of a shape with these values.
pub(super) fn restore(shape: &[u8], values: &[u64], out: &mut Sheet) {
    let mut values = values.iter().copied();
    let mut rest = shape;
    while !rest.is_empty() {
        let literal = rest.iter().position(|byte| *byte >= MARKER_MIN).unwrap_or(rest.len());
        out.put_slice(&rest[..literal]);
        rest = &rest[literal..];
        if let Some((slot, length)) = Slot::of_marker(rest) {
            let mut next = || values.next().unwrap_or_default();
            let value = next();
            let second = if slot.value_count() == 2 { next() } else { 0 };
            slot.write(value, second, out);
            rest = &rest[length..];
        } else {
            // Shapes have no other bytes there.
            return;
        }
    }
}

const LETTER: u8 = 1;
const HEX_LETTER: u8 = 2;
const DIGIT: u8 = 4;

/// What each byte is to the rules; 0 ends a run.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    // All runs are ASCII.
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' => HEX_LETTER,
            b'g'..=b'z' | b'A'..=b'Z' => LETTER,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// The shape and the values of a text; reused from text to text.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    /// Literal bytes and markers.
    pub(super) shape: Vec<u8>,
    /// In the order of their slots, at most [`SLOTS_MAX`].
    pub(super) values: Vec<u64>,
}

impl Tokens {
    /// Cuts a text in UTF-8.
    pub(super) fn cut(&mut self, bytes: &[u8]) {
        self.shape.clear();
        self.values.clear();
        let (mut literal, mut at) = (0, 0);
        while let Some(digit) = digit_at(bytes, at) {
            let before = bytes[at..digit].iter().rev().take_while(|byte| class(**byte) != 0);
            let begin = digit - before.count();
            let mut seen = 0;
            at = begin;
            while let Some(found) = bytes.get(at).map(|byte| class(*byte)).filter(|found| *found != 0) {
                seen |= found;
                at += 1;
            }
            if at - begin == 8
                && seen & LETTER == 0
                && let Some((slot, high, low)) = uuid(&bytes[begin..])
            {
                at = begin + UUID_BYTES;
                self.slot(bytes, &mut literal, begin..at, slot, &[high, low]);
                continue;
            }
            self.run(bytes, &mut literal, begin..at, seen);
        }
        self.shape.extend_from_slice(&bytes[literal..]);
    }

    /// Cuts one run of letters and digits.
    fn run(&mut self, bytes: &[u8], literal: &mut usize, run: Range<usize>, seen: u8) {
        let digits = &bytes[run.clone()];
        if seen == DIGIT {
            return self.decimals(bytes, literal, run);
        }
        if let [b'0', b'x', number @ ..] = digits
            && (1..=HEX_DIGITS_MAX).contains(&number.len())
            && number.iter().all(|byte| class(*byte) & LETTER == 0)
        {
            let slot = match number {
                [b'0', _, ..] => Slot::Hex(number.len().to_le_bytes()[0]),
                _ => Slot::ShortHex,
            };
            return self.slot(bytes, literal, run.start + 2..run.end, slot, &[hex(number)]);
        }
        if seen & LETTER == 0 && digits.len() >= 8 {
            for begin in run.clone().step_by(HEX_DIGITS_MAX) {
                let end = run.end.min(begin + HEX_DIGITS_MAX);
                let slot = Slot::Hex((end - begin).to_le_bytes()[0]);
                let values = [hex(&bytes[begin..end])];
                self.slot(bytes, literal, begin..end, slot, &values);
            }
            return;
        }
        let mut at = run.start;
        while at < run.end {
            let begin = at;
            while at < run.end && bytes[at].is_ascii_digit() {
                at += 1;
            }
            if at > begin {
                self.decimals(bytes, literal, begin..at);
            } else {
                at += 1;
            }
        }
    }

    /// Digits only: one number, or several of fixed length if one would not fit.
    fn decimals(&mut self, bytes: &[u8], literal: &mut usize, run: Range<usize>) {
        let is_plain = run.len() <= DECIMAL_DIGITS_MAX && (run.len() == 1 || bytes[run.start] != b'0');
        for begin in run.clone().step_by(DECIMAL_DIGITS_MAX) {
            let end = run.end.min(begin + DECIMAL_DIGITS_MAX);
            let slot = if is_plain { Slot::Decimal } else { Slot::Padded((end - begin).to_le_bytes()[0]) };
            let value = bytes[begin..end].iter().fold(0, |value, byte| value * 10 + u64::from(byte - b'0'));
            self.slot(bytes, literal, begin..end, slot, &[value]);
        }
    }

    /// Replaces `range` by a marker, unless the text has too many already.
    fn slot(&mut self, bytes: &[u8], literal: &mut usize, range: Range<usize>, slot: Slot, values: &[u64]) {
        if self.values.len() + values.len() > SLOTS_MAX {
            return;
        }
        self.shape.extend_from_slice(&bytes[*literal..range.start]);
        slot.put_marker(&mut self.shape);
        self.values.extend_from_slice(values);
        *literal = range.end;
    }
}

/// The highest bit of each byte that is a decimal digit.
#[inline]
fn digits_of(word: u64) -> u64 {
    // Digits become 0 to 9; a sum of seven bits and this reaches the eighth from ten on.
    let offset = word ^ ZEROS;
    !(((offset & !HIGHS) + ONES * (0x80 - 10)) | offset) & HIGHS
}

/// The highest bit of each byte that is one of `a` to `f`.
#[inline]
fn hex_letters_of(word: u64) -> u64 {
    // They become 1 to 6.
    let offset = word ^ (ONES * 0x60);
    let low = offset & !HIGHS;
    !((low + ONES * (0x80 - 7)) | offset) & (low + ONES * 0x7f) & HIGHS
}

/// Where the first digit is from `from` on.
#[inline]
fn digit_at(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let found = digits_of(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    bytes.get(at..)?.iter().position(u8::is_ascii_digit).map(|found| at + found)
}

/// The value of eight lower-case hexadecimal digits, the first in the highest byte.
#[inline]
fn hex_value(word: u64) -> u64 {
    // The low half of a letter lies nine below its value.
    let mut value = (word & (ONES * 15)) + (word >> 6 & ONES) * 9;
    value = (value | value >> 4) & 0x00ff_00ff_00ff_00ff;
    value = (value | value >> 8) & 0x0000_ffff_0000_ffff;
    (value | value >> 16) & 0xffff_ffff
}

/// The value of at most 16 lower-case hexadecimal digits.
#[inline]
fn hex(digits: &[u8]) -> u64 {
    let (words, rest) = digits.as_chunks::<8>();
    let value = words.iter().fold(0, |value, word| value << 32 | hex_value(u64::from_be_bytes(*word)));
    rest.iter().fold(value, |value, digit| {
        let digit = if *digit >= b'a' { digit - b'a' + 10 } else { digit - b'0' };
        value << 4 | u64::from(digit)
    })
}

/// The UUID that `bytes` begin with, if it is a run of its own.
fn uuid(bytes: &[u8]) -> Option<(Slot, u64, u64)> {
    let (text, rest) = bytes.split_first_chunk::<UUID_BYTES>()?;
    if rest.first().is_some_and(|byte| class(*byte) != 0)
        || [8, 13, 18, 23].iter().any(|at| text[*at] != b'-')
    {
        return None;
    }
    // The digits without what is between them.
    let mut digits = [[0; 8]; 4];
    digits[0].copy_from_slice(&text[..8]);
    digits[1][..4].copy_from_slice(&text[9..13]);
    digits[1][4..].copy_from_slice(&text[14..18]);
    digits[2][..4].copy_from_slice(&text[19..23]);
    digits[2][4..].copy_from_slice(&text[24..28]);
    digits[3].copy_from_slice(&text[28..]);
    let words = digits.map(u64::from_be_bytes);
    if words.iter().any(|word| digits_of(*word) | hex_letters_of(*word) != HIGHS) {
        return None;
    }
    let [first, second, third, fourth] = words.map(hex_value);
    let (high, low) = (first << 32 | second, third << 32 | fourth);
    if high >> 12 & 15 == 4 && low >> 62 == 2 {
        return Some((Slot::Uuid4, high >> 4 & !0xfff | high & 0xfff, low & (u64::MAX >> 2)));
    }
    Some((Slot::Uuid, high, low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn restore(tokens: &Tokens) -> String {
        let mut out = Sheet::default();
        super::restore(&tokens.shape, &tokens.values, &mut out);
        String::from_utf8(out.bytes().to_vec()).unwrap()
    }

    #[test]
    fn each_rule_gives_its_slot() {
        let mut tokens = Tokens::default();
        for (text, shape, values) in [
            ("took 0 of 12", &b"took \xf8 of \xf8"[..], &[0_u64, 12][..]),
            ("part 007", b"part \xf9\x03", &[7]),
            ("1234567890123456789", b"\xf9\x12\xf9\x01", &[123_456_789_012_345_678, 9]),
            ("id ae42236958bb.", b"id \xfa\x0c.", &[0xae42_2369_58bb]),
            ("e220a8397b1dcdaf-123", b"\xfa\x10-\xf8", &[0xe220_a839_7b1d_cdaf, 123]),
            ("0x3e7 0x0 0x00ff", b"0x\xfd 0x\xfd 0x\xfa\x04", &[0x3e7, 0, 255]),
            ("dc02 v1b3 deadbeef", b"dc\xf9\x02 v\xf8b\xf8 deadbeef", &[2, 1, 3]),
            (
                "bba5ad4a-1f84-1e59-bfef-8375d9ebcaca",
                b"\xfb",
                &[0xbba5_ad4a_1f84_1e59, 0xbfef_8375_d9eb_caca],
            ),
            ("bba5ad4a-1f84-4e59-bfef-8375d9ebcaca", b"\xfc", &[0xbba_5ad4_a1f8_4e59, 0x3fef_8375_d9eb_caca]),
        ] {
            tokens.cut(text.as_bytes());
            assert_eq!((&tokens.shape[..], &tokens.values[..]), (shape, values), "{text}");
            assert_eq!(restore(&tokens), text);
        }
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_the_standard_library_writes_them(value in any::<u64>(), shift in 0_u32..64, digits in 1_u8..=16) {
            let value = value >> shift;
            let written = |slot: Slot| {
                let mut out = Sheet::default();
                slot.write(value, value, &mut out);
                String::from_utf8(out.bytes().to_vec()).unwrap()
            };
            // The number 0 of a slot without leading zeros is one digit.
            prop_assert_eq!(written(Slot::Decimal), value.to_string());
            let width = usize::from(digits);
            prop_assert_eq!(written(Slot::Padded(digits)), format!("{value:0width$}"));
            let hex = format!("{value:016x}");
            prop_assert_eq!(written(Slot::Hex(digits)), &hex[16 - width..]);
            prop_assert_eq!(written(Slot::ShortHex), format!("{value:x}"));
            let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..], &hex[..4], &hex[4..]);
            prop_assert_eq!(written(Slot::Uuid), uuid);
        }

        #[test]
        fn digits_are_found_and_read_eight_at_a_time(bytes in prop::collection::vec(any::<u8>(), 0..40), from in 0_usize..44, value in any::<u64>()) {
            let wanted = bytes.iter().skip(from).position(u8::is_ascii_digit).map(|at| from + at);
            prop_assert_eq!(digit_at(&bytes, from), wanted);
            for window in bytes.windows(8) {
                let word = u64::from_be_bytes(window.try_into().unwrap());
                let is_hex = window.iter().all(|byte| class(*byte) & (DIGIT | HEX_LETTER) != 0);
                prop_assert_eq!(digits_of(word) | hex_letters_of(word) == HIGHS, is_hex);
            }
            let digits = format!("{value:x}");
            prop_assert_eq!(hex(digits.as_bytes()), value);
        }

        #[test]
        fn shape_and_values_give_the_text_back(text in "([0-9a-fx]{1,40}|[ -~ß]|-|0|[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}){0,40}") {
            let mut tokens = Tokens::default();
            tokens.cut(text.as_bytes());
            prop_assert!(tokens.values.len() <= SLOTS_MAX);
            prop_assert_eq!(restore(&tokens), text);
        }
    }
}
