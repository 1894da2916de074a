//! A text that is looked for, followed through the pieces of a template.
//!
//! What a template can write is walked through once, character by character, and with it all beginnings of the text
//! that end there, each a bit of one word (the Shift-And automaton: R. Baeza-Yates, G. Gonnet, "A New Approach to Text
//! Searching", 1992). Where a variable stands, a character may be any that it can write there. What this says no to is
//! in no text of the template; a yes is to be looked at. Characters beyond ASCII all count as alike.

use crate::format::column::template::{Slot, Variable};

/// Of a longer text, its first characters are followed.
const CHARS_MAX: usize = 63;
const BASE_10: u64 = 10;
const BASE_16: u64 = 16;
/// Most characters of a variable.
const VARIABLE_CHARS_MAX: usize = 36;

/// A text that is looked for.
#[derive(Clone)]
pub(super) struct Needle {
    /// For each byte, the characters of the text that it may be: all bytes of a character beyond ASCII are alike.
    masks: [u64; 256],
    /// The characters that may be a decimal or a hexadecimal digit.
    decimal: u64,
    hex: u64,
    /// How many characters are followed.
    pub count: u32,
    /// Whether they are all.
    pub is_whole: bool,
}

/// Which beginnings of a text end here: bit `n` says that its first `n` characters do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    pub ends: u64,
    /// All that ended here or before.
    pub seen: u64,
}

/// How a text may lie at the ends of another one that is put in somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edges {
    /// It may hold all of it.
    pub holds: bool,
    /// Bit `n`: it may end with the first `n` characters.
    pub end: u64,
    /// Bit `n`: it may begin with what follows the first `n` characters.
    pub begin: u64,
    /// Bit `n`: it may, whole, be what comes before the character `n`, behind others.
    pub inner: u64,
}

impl Edges {
    /// Of a text of which nothing is known.
    pub const ANY: Edges = Edges { holds: true, end: u64::MAX, begin: u64::MAX, inner: u64::MAX };

    pub fn add(&mut self, other: Edges) {
        self.holds |= other.holds;
        self.end |= other.end;
        self.begin |= other.begin;
        self.inner |= other.inner;
    }
}

impl Needle {
    /// A text, without regard to case.
    pub fn folded(text: &str) -> Needle {
        Needle::new(text, |char, masks, bit| {
            masks.ascii(char.to_ascii_lowercase(), bit);
            masks.ascii(char.to_ascii_uppercase(), bit);
            // What folds to ASCII, or is folded to from there (CaseFolding.txt): U+017F and U+212A.
            match char {
                'k' | 'K' | 's' | 'S' => masks.beyond(bit),
                '\u{17f}' => ['s', 'S'].into_iter().for_each(|char| masks.ascii(char, bit)),
                '\u{212a}' => ['k', 'K'].into_iter().for_each(|char| masks.ascii(char, bit)),
                _ => {}
            }
        })
    }

    /// A text as it is.
    pub fn exact(text: &str) -> Needle {
        Needle::new(text, |char, masks, bit| masks.ascii(char, bit))
    }

    fn new(text: &str, mut put: impl FnMut(char, &mut Masks, u64)) -> Needle {
        let mut masks = Masks([0; 256]);
        let (mut count, mut is_whole) = (0, true);
        for char in text.chars() {
            if count == CHARS_MAX {
                is_whole = false;
                break;
            }
            let bit = 1 << count;
            if !char.is_ascii() {
                masks.beyond(bit);
            }
            put(char, &mut masks, bit);
            count += 1;
        }
        let masks = masks.0;
        let decimal = (b'0'..=b'9').fold(0, |mask, byte| mask | masks[usize::from(byte)]);
        let hex = (b'a'..=b'f').fold(decimal, |mask, byte| mask | masks[usize::from(byte)]);
        Needle { masks, decimal, hex, count: u32::try_from(count).unwrap_or(0), is_whole }
    }

    /// The bit of all characters that are followed.
    pub fn all(&self) -> u64 {
        1 << self.count
    }

    fn mask(&self, byte: u8) -> u64 {
        self.masks[usize::from(byte)]
    }

    /// Walks through a text in UTF-8. `fresh` is 1 if what is looked for may begin anywhere in it, else 0.
    #[inline]
    pub fn literal(&self, mut walk: Walk, fresh: u64, text: &[u8]) -> Walk {
        for byte in text {
            // Continuation bytes are no characters.
            if byte & 0xc0 != 0x80 {
                walk.ends = ((walk.ends | fresh) & self.mask(*byte)) << 1;
                walk.seen |= walk.ends;
            }
        }
        walk
    }

    /// As [`Needle::literal`], but what lies whole inside the text is not seen.
    #[inline]
    pub fn literal_ends(&self, walk: Walk, text: &[u8]) -> Walk {
        let tail = (text.len() + 1).saturating_sub(self.count as usize);
        let Some(tail) = text.get(tail..).filter(|tail| tail.len() < text.len() && tail.is_ascii()) else {
            return self.literal(walk, 1, text);
        };
        let (mut ends, mut seen) = (walk.ends, walk.seen);
        for byte in text {
            if ends == 0 {
                break;
            }
            if byte & 0xc0 != 0x80 {
                ends = (ends & self.mask(*byte)) << 1;
                seen |= ends;
            }
        }
        let begun = self.literal(Walk::default(), 1, tail);
        Walk { ends: ends | begun.ends, seen: seen | begun.seen }
    }

    /// Walks through what a variable can write.
    pub fn variable(&self, walk: Walk, fresh: u64, variable: &Variable) -> Walk {
        let any = match variable.slot {
            Slot::Decimal | Slot::Padded(_) => self.decimal,
            Slot::Hex(_) | Slot::ShortHex => self.hex,
            Slot::Uuid | Slot::Uuid4 => self.hex | self.mask(b'-'),
        };
        if any == 0 {
            // It writes something, and nothing of it is in the text.
            return Walk { ends: 0, seen: walk.seen };
        }
        let pattern = Pattern::of(self, variable);
        let (mut ends, mut out, mut seen) = (walk.ends, 0, walk.seen);
        for (index, mask) in pattern.masks[..pattern.most].iter().enumerate() {
            ends = ((ends | fresh) & mask) << 1;
            seen |= ends;
            if index + 1 >= pattern.least {
                out |= ends;
            }
        }
        Walk { ends: out, seen }
    }

    /// How the text may lie at the edges of one that has these bytes and no variable.
    pub fn edges(&self, text: &[u8]) -> Edges {
        self.edges_in(text, self.literal(Walk::default(), 1, text))
    }

    /// As [`Needle::edges`], but what lies whole inside the text is not seen.
    pub fn edges_ends(&self, text: &[u8]) -> Edges {
        self.edges_in(text, self.literal_ends(Walk::default(), text))
    }

    fn edges_in(&self, text: &[u8], inside: Walk) -> Edges {
        let mut edges = Edges { holds: inside.seen & self.all() != 0, end: inside.ends, ..Edges::default() };
        // Whatever has begun before goes on, or not: mostly not, so that this ends soon.
        let (mut ends, mut left) = (self.all() - 2, self.count);
        for byte in text {
            if byte & 0xc0 == 0x80 {
                continue;
            }
            ends = (ends & self.mask(*byte)) << 1;
            left = left.saturating_sub(1);
            if ends & self.all() != 0 {
                // Each step is one character: what ends now began so many before.
                edges.begin |= 1 << left;
            }
            if ends == 0 {
                break;
            }
        }
        edges.inner = ends;
        edges
    }
}

struct Masks([u64; 256]);

impl Masks {
    fn ascii(&mut self, char: char, bit: u64) {
        if char.is_ascii() {
            self.0[char as usize] |= bit;
        }
    }

    fn beyond(&mut self, bit: u64) {
        self.0[0xc0..].iter_mut().for_each(|mask| *mask |= bit);
    }
}

/// What a variable can write: from `least` to `most` characters, each one of a few.
struct Pattern {
    masks: [u64; VARIABLE_CHARS_MAX],
    least: usize,
    most: usize,
}

impl Pattern {
    fn of(needle: &Needle, variable: &Variable) -> Pattern {
        let (decimal, any) = (needle.decimal, needle.hex);
        let mut pattern = Pattern { masks: [any; VARIABLE_CHARS_MAX], least: 0, most: 0 };
        let [first, second] = variable.values;
        match variable.slot {
            Slot::Decimal => pattern.number(needle, decimal, BASE_10, first, 1),
            Slot::Padded(digits) => pattern.number(needle, decimal, BASE_10, first, usize::from(digits)),
            Slot::ShortHex => pattern.number(needle, any, BASE_16, first, 1),
            Slot::Hex(digits) => {
                let digits = usize::from(digits).clamp(1, 16);
                // Digits above the lowest are left out.
                let shift = 64 - 4 * digits;
                let above = |value: u64| value >> (63 - shift) >> 1;
                let values = if above(first.0) == above(first.1) {
                    (first.0 << shift >> shift, first.1 << shift >> shift)
                } else {
                    (0, u64::MAX >> shift)
                };
                pattern.number(needle, any, BASE_16, values, digits);
                pattern.most = digits;
            }
            Slot::Uuid | Slot::Uuid4 => {
                (pattern.least, pattern.most) = (VARIABLE_CHARS_MAX, VARIABLE_CHARS_MAX);
                if variable.slot == Slot::Uuid {
                    for (values, begin) in [(first, 0), (second, 16)] {
                        each_shared(values, BASE_16, 16, |index, digit| {
                            pattern.masks[place_in_uuid(begin + index)] = needle.mask(digit);
                        });
                    }
                } else {
                    pattern.masks[14] = needle.mask(b'4');
                    pattern.masks[19] =
                        [b'8', b'9', b'a', b'b'].into_iter().fold(0, |mask, byte| mask | needle.mask(byte));
                }
                [8, 13, 18, 23].into_iter().for_each(|at| pattern.masks[at] = needle.mask(b'-'));
            }
        }
        pattern
    }

    /// A number between two, with at least so many digits.
    fn number(&mut self, needle: &Needle, any: u64, base: u64, values: (u64, u64), digits: usize) {
        let count = |value: u64| value.checked_ilog(base).map_or(1, |log| log as usize + 1).max(digits);
        (self.least, self.most) = (count(values.0), count(values.1).min(VARIABLE_CHARS_MAX));
        self.masks[..self.most].fill(any);
        // Digits are known where all values have as many.
        if self.least == self.most {
            each_shared(values, base, self.most, |index, digit| self.masks[index] = needle.mask(digit));
        }
    }
}

/// Gives the digits that all numbers between two begin with, written with this many.
fn each_shared((mut least, mut most): (u64, u64), base: u64, count: usize, mut each: impl FnMut(usize, u8)) {
    let mut digits = [(0, 0); VARIABLE_CHARS_MAX];
    for digits in digits[..count].iter_mut().rev() {
        *digits = (least % base, most % base);
        (least, most) = (least / base, most / base);
    }
    let shared = digits[..count].iter().take_while(|(least, most)| least == most);
    for (index, (digit, _)) in shared.enumerate() {
        each(index, b"0123456789abcdef"[(digit % 16) as usize]);
    }
}

/// Where a digit of a UUID stands in its text.
fn place_in_uuid(digit: usize) -> usize {
    digit + [8, 12, 16, 20].into_iter().filter(|at| digit >= *at).count()
}
