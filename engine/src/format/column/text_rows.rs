//! Takes in the texts of a column one after the other: of each is kept the number of its shape, and its values.
//!
//! Most texts of a column were there before: those that came last are remembered whole, with what became of them, so
//! that they need not be cut and looked up again.

use super::BLOCK_ROWS;
use super::VALUE_BYTES_MAX;
use super::sample::Choice;
use super::shapes::Shapes;
use super::token;
use super::token::Tokens;
use crate::format::sheet::Sheet;

/// Instead of a shape's number: the row is absent, or its text has none and is kept as it is.
pub(super) const NONE: u32 = REPEATS - 1;
pub(super) const RAW: u32 = REPEATS - 2;
/// Beside a number: the row's text is that of the row before, in the same block and run.
const REPEATS: u32 = 1 << 31;

/// Remembered texts; a power of two. Rows lie by tenant, so that few are enough.
const MEMO_TEXTS: usize = 256;
/// Longer texts are not remembered.
const MEMO_BYTES_MAX: usize = 47;
/// After so many texts, remembering goes on only if one in so many was met again.
const MEMO_TRIAL: u32 = 4096;
const MEMO_GAIN: u32 = 8;

/// A row as it was taken in.
#[derive(Clone, Copy)]
pub(super) struct TextRow {
    /// A shape's, [`NONE`] or [`RAW`].
    pub(super) number: u32,
    /// Whether its text is that of the row before, in the same block and run.
    pub(super) repeats: bool,
}

/// What became of a text.
#[derive(Clone, Copy)]
struct Outcome {
    number: u32,
    /// Where its values are.
    values_begin: usize,
    value_count: usize,
}

#[derive(Clone, Copy)]
struct Remembered {
    length: u8,
    text: [u8; MEMO_BYTES_MAX],
    outcome: Outcome,
}

/// Where the text is that came last.
#[derive(Clone, Copy)]
enum Last {
    Nowhere,
    /// Remembered, there.
    Memo(usize),
    /// In [`TextRows::last_text`].
    Copied,
}

/// The rows of a column, as they come.
pub(super) struct TextRows {
    pub(super) choice: Choice,
    pub(super) shapes: Shapes,
    /// By place; rows behind the last with a text are left out.
    numbers: Vec<u32>,
    /// Values of all rows that have a shape, one behind the other.
    pub(super) values: Vec<u64>,
    /// Texts of rows without a shape, one behind the other, and where each ends.
    raw: Vec<u8>,
    raw_ends: Vec<usize>,
    tokens: Tokens,
    /// Empty before the first text, and when it does not pay.
    memo: Vec<Remembered>,
    memo_tries: u32,
    memo_hits: u32,
    last: Last,
    last_text: Vec<u8>,
    last_outcome: Outcome,
}

impl TextRows {
    pub(super) fn new(choice: Choice) -> TextRows {
        TextRows {
            choice,
            shapes: Shapes::new(choice.seed),
            numbers: Vec::new(),
            values: Vec::new(),
            raw: Vec::new(),
            raw_ends: Vec::new(),
            tokens: Tokens::default(),
            memo: Vec::new(),
            memo_tries: 0,
            memo_hits: 0,
            last: Last::Nowhere,
            last_text: Vec::new(),
            last_outcome: Outcome { number: NONE, values_begin: 0, value_count: 0 },
        }
    }

    /// Takes in the text of a place above all before; `begins_run` if the place is the first of its run.
    ///
    /// # Panics
    /// If the text is longer than [`VALUE_BYTES_MAX`].
    pub(super) fn push(&mut self, place: usize, text: &[u8], begins_run: bool) {
        assert!(
            text.len() <= VALUE_BYTES_MAX,
            "a text has at most {VALUE_BYTES_MAX} bytes, not {}",
            text.len()
        );
        // Only rows with a text are pushed: the last one is that of the place before.
        let follows =
            !begins_run && self.numbers.len() == place && !place.is_multiple_of(BLOCK_ROWS as usize);
        if self.numbers.len() < place {
            self.numbers.resize(place, NONE);
        }
        let is_last = match self.last {
            Last::Nowhere => false,
            Last::Memo(slot) => self.memo[slot].is(text),
            Last::Copied => self.last_text == text,
        };
        if is_last {
            self.again(self.last_outcome, text);
            self.numbers.push(self.last_outcome.number | if follows { REPEATS } else { 0 });
            return;
        }
        let slot = self.slot_of(text);
        let outcome = match slot {
            Some(slot) if self.memo[slot].is(text) => {
                self.memo_hits += 1;
                let outcome = self.memo[slot].outcome;
                self.again(outcome, text);
                outcome
            }
            _ => self.take_in(text),
        };
        match slot {
            Some(slot) => {
                self.memo[slot].set(text, outcome);
                self.last = Last::Memo(slot);
            }
            None => {
                self.last_text.clear();
                self.last_text.extend_from_slice(text);
                self.last = Last::Copied;
            }
        }
        self.last_outcome = outcome;
        self.numbers.push(outcome.number);
    }

    /// Where a text is, if it is remembered at all.
    #[inline]
    fn slot_of(&mut self, text: &[u8]) -> Option<usize> {
        if text.len() > MEMO_BYTES_MAX {
            return None;
        }
        self.memo_tries = self.memo_tries.saturating_add(1);
        if self.memo.is_empty() {
            if self.memo_tries > 1 {
                return None;
            }
            self.memo = vec![Remembered::NOTHING; MEMO_TEXTS];
        }
        if self.memo_tries == MEMO_TRIAL && self.memo_hits < MEMO_TRIAL / MEMO_GAIN {
            self.memo = Vec::new();
            self.last = Last::Nowhere;
            return None;
        }
        // Texts that are prepared to meet here are cut again, nothing worse.
        let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let ends = match text.len() {
            0..8 => text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
            length => word(text) ^ word(&text[length - 8..]).rotate_left(29),
        };
        let mixed = (ends ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Some((mixed >> 40) as usize % MEMO_TEXTS)
    }

    /// Counts a text that came before, in the same way.
    #[inline]
    fn again(&mut self, outcome: Outcome, text: &[u8]) {
        if outcome.number == RAW {
            self.keep(text);
        } else {
            self.shapes.again(outcome.number, text.len());
            let begin = outcome.values_begin;
            self.values.extend_from_within(begin..begin + outcome.value_count);
        }
    }

    fn take_in(&mut self, text: &[u8]) -> Outcome {
        let values_begin = self.values.len();
        let number = if text.len() > token::TEXT_BYTES_MAX {
            None
        } else if self.choice.cut {
            self.tokens.cut(text);
            self.shapes.add(&self.tokens.shape, &self.tokens.values, text.len())
        } else {
            self.shapes.add(text, &[], text.len())
        };
        match number {
            Some(_) if self.choice.cut => self.values.extend_from_slice(&self.tokens.values),
            Some(_) => {}
            None => self.keep(text),
        }
        let value_count = self.values.len() - values_begin;
        Outcome { number: number.unwrap_or(RAW), values_begin, value_count }
    }

    fn keep(&mut self, text: &[u8]) {
        self.raw.extend_from_slice(text);
        self.raw_ends.push(self.raw.len());
    }

    /// Whether no row has a text.
    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// All rows up to the last with a text.
    pub(super) fn rows(&self) -> impl Iterator<Item = TextRow> {
        let row = |number: &u32| TextRow { number: number & (REPEATS - 1), repeats: number & REPEATS != 0 };
        self.numbers.iter().map(row)
    }

    /// The text of the row without a shape that is the `index`th of those.
    pub(super) fn raw(&self, index: usize) -> &[u8] {
        let begin = index.checked_sub(1).map_or(0, |before| self.raw_ends[before]);
        &self.raw[begin..self.raw_ends[index]]
    }

    /// Writes the text of a shape's row.
    pub(super) fn restore(&self, number: u32, values: &[u64], out: &mut Sheet) {
        let shape = self.shapes.bytes(&self.shapes.list()[number as usize]);
        if self.choice.cut {
            token::restore(shape, values, out);
        } else {
            out.put_slice(shape);
        }
    }
}

impl Remembered {
    const NOTHING: Remembered = Remembered {
        length: u8::MAX,
        text: [0; MEMO_BYTES_MAX],
        outcome: Outcome { number: NONE, values_begin: 0, value_count: 0 },
    };

    #[inline]
    fn is(&self, text: &[u8]) -> bool {
        usize::from(self.length) == text.len() && self.text.get(..text.len()) == Some(text)
    }

    #[inline]
    fn set(&mut self, text: &[u8], outcome: Outcome) {
        if let (Some(room), Ok(length)) = (self.text.get_mut(..text.len()), u8::try_from(text.len())) {
            room.copy_from_slice(text);
            (self.length, self.outcome) = (length, outcome);
        }
    }
}
