//! The texts of one block of a column at once, each with the key and the head that it has in a record.
//!
//! One row after the other waits for the table's memory in each column anew. The rows of a column by themselves wait
//! together, and take the same way through the code. What is not short, and what does not read, is left to
//! [`Text::bytes`], which says why: so a block takes little room, whatever the bytes are.

use super::BLOCK_ROWS;
use super::page::{Decoded, PageCache};
use super::template::Row;
use super::text;
use super::text::Text;
use crate::format::cbor;
use crate::format::sheet::Loose;
use crate::format::sheet::Sheet;

/// Longer texts are left to whoever asks for them.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// Room for a key and the head of a text before it.
const HEAD_BYTES: usize = 8;
/// So few rows of a column are asked for one by one, where that is possible.
const FEW: u32 = 8;
const ROWS: usize = BLOCK_ROWS as usize;

/// Texts of one block.
pub struct TextBlock {
    codes: [u64; ROWS],
    spans: [Span; ROWS],
    pairs: Sheet,
    page: PageCache,
    /// Which column the page is of.
    column: (usize, usize),
}

/// Where a pair lies; its text is the rest of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    begin: u32,
    text: u32,
    end: u32,
}

/// Of a row without a text.
const ABSENT: Span = Span { begin: 0, text: 0, end: 0 };
/// Of a row that is to be asked for alone.
const ALONE: Span = Span { begin: u32::MAX, text: u32::MAX, end: u32::MAX };

/// A text with its key before it.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'b> {
    /// Key, head and text; empty if the row has none.
    pub bytes: Loose<'b>,
    /// Bytes before the text.
    pub head_bytes: usize,
}

impl<'b> Pair<'b> {
    /// The text.
    #[inline(always)]
    pub fn text(self) -> Loose<'b> {
        self.bytes.behind(self.head_bytes)
    }
}

impl Default for TextBlock {
    fn default() -> TextBlock {
        TextBlock {
            codes: [0; ROWS],
            spans: [ABSENT; ROWS],
            pairs: Sheet::default(),
            page: PageCache::default(),
            column: (0, 0),
        }
    }
}

impl TextBlock {
    /// The pair of a row of the block; none if it is to be asked for alone.
    #[inline(always)]
    pub fn pair(&self, row: usize) -> Option<Pair<'_>> {
        let span = self.spans.get(row).copied().unwrap_or(ALONE);
        if span == ALONE {
            return None;
        }
        let (begin, end) = (span.begin as usize, span.end as usize);
        Some(Pair { bytes: self.pairs.piece(begin, end), head_bytes: span.text as usize - begin })
    }

    /// Pages that were decoded so far.
    pub fn decoded(&self) -> Decoded {
        self.page.decoded()
    }

    /// Forgets the page: the next column is another.
    pub fn forget(&mut self) {
        self.page.forget();
    }

    /// Reads rows of block `block` of a column, a bit for each that is wanted, for records that have its texts under
    /// `key`. What rows that are not wanted hold afterwards means nothing.
    pub fn read(&mut self, column: &Text<'_>, block: u32, wanted: u128, key: u64) {
        let identity = column.identity();
        if self.column != identity {
            self.column = identity;
            self.page.forget();
        }
        self.pairs.clear();
        if wanted.count_ones() <= FEW && !column.is_reached_by_rows() {
            return self.read_few(column, block, wanted, key);
        }
        // Rows behind the last one that is wanted tell nothing.
        let (codes, _) = self.codes.split_at_mut(ROWS - wanted.leading_zeros() as usize);
        column.codes().decode_first(block, codes);
        match wanted {
            u128::MAX => self.read_all(column, block, key),
            _ => self.read_some(column, block, wanted, key),
        }
    }

    /// Reads rows of a column whose codes alone say their texts.
    fn read_few(&mut self, column: &Text<'_>, block: u32, wanted: u128, key: u64) {
        let mut at = At { bit: 0, raw: 0 };
        let mut left = wanted;
        while left != 0 {
            let row = left.trailing_zeros();
            left &= left - 1;
            let code = column.code(block * BLOCK_ROWS + row);
            self.spans[row as usize] = match code {
                text::REPEAT => ALONE,
                code => self.put(column, u64::from(code), &mut at, key).0,
            };
        }
    }

    fn read_all(&mut self, column: &Text<'_>, block: u32, key: u64) {
        let mut at = At::begin(column, block);
        let (mut last, mut last_code, mut is_same) = (ALONE, u64::MAX, false);
        for row in 0..ROWS {
            let code = self.codes[row];
            let is_repeat = code == u64::from(text::REPEAT);
            if !(is_repeat || is_same && code == last_code) {
                (last, is_same) = self.put(column, code, &mut at, key);
                last_code = code;
            }
            self.spans[row] = if is_repeat { repeated(last) } else { last };
        }
    }

    fn read_some(&mut self, column: &Text<'_>, block: u32, wanted: u128, key: u64) {
        let raw = rows_of_code(&self.codes, u64::from(text::RAW));
        if wanted & !raw == 0 {
            return self.read_raw(column, block, wanted, raw, key);
        }
        let mut at = At::begin(column, block);
        // Where the text of the row before is, or what it was put as.
        let (mut last_code, mut begin, mut put, mut is_same) = (u64::MAX, at, Some(ALONE), false);
        // Rows before the last one that is wanted say where its text is, if anything does.
        let by_rows = column.is_reached_by_rows();
        let mut left = if by_rows { u128::MAX >> wanted.leading_zeros() } else { wanted };
        while left != 0 {
            let row = left.trailing_zeros() as usize;
            left &= left - 1;
            let code = self.codes[row];
            let is_repeat = code == u64::from(text::REPEAT);
            if !(is_repeat || is_same && code == last_code) {
                (last_code, begin, put, is_same) = (code, at, None, false);
                at.pass(column, code);
            }
            if wanted >> row & 1 == 0 {
                continue;
            }
            if is_repeat && !by_rows {
                self.spans[row] = ALONE;
                continue;
            }
            let span = match put {
                Some(span) => span,
                None => {
                    let span;
                    (span, is_same) = self.put(column, last_code, &mut begin, key);
                    put = Some(span);
                    span
                }
            };
            self.spans[row] = if is_repeat { repeated(span) } else { span };
        }
    }

    /// Reads rows that are all in pages: those before them say which strings they have.
    fn read_raw(&mut self, column: &Text<'_>, block: u32, wanted: u128, raw: u128, key: u64) {
        let begin = At::begin(column, block);
        let mut left = wanted;
        while left != 0 {
            let row = left.trailing_zeros();
            left &= left - 1;
            let before = (raw & !(u128::MAX << row)).count_ones();
            let mut at = At { bit: begin.bit, raw: begin.raw.saturating_add(before) };
            self.spans[row as usize] = self.put(column, u64::from(text::RAW), &mut at, key).0;
        }
    }

    /// Puts the text of a row whose variables begin at `at`, and passes it; says whether all rows of its code have it.
    #[inline(always)]
    fn put(&mut self, column: &Text<'_>, code: u64, at: &mut At, key: u64) -> (Span, bool) {
        let from = self.pairs.len();
        self.pairs.array([0; HEAD_BYTES], HEAD_BYTES);
        match u32::try_from(code) {
            Ok(text::ABSENT) => (ABSENT, true),
            Ok(text::RAW) => {
                let string = at.raw;
                at.raw = at.raw.saturating_add(1);
                match column.raw(string, &mut self.page) {
                    Some(text) if text.len() <= TEXT_BYTES_MAX => {
                        self.pairs.put(text);
                        (end(&mut self.pairs, from, key), false)
                    }
                    _ => (ALONE, false),
                }
            }
            Ok(code) => match column.template_row(code) {
                Some(Row::Literal(text)) if text.len() <= TEXT_BYTES_MAX => {
                    self.pairs.put(text);
                    (end(&mut self.pairs, from, key), true)
                }
                Some(Row::Slots(slots)) => {
                    let bit = at.bit;
                    at.bit = bit.saturating_add(slots.bits());
                    if at.bit <= column.variables().len() * 8 && slots.shape_bytes() <= TEXT_BYTES_MAX {
                        slots.write(column.variables(), bit, &mut self.pairs);
                        (end(&mut self.pairs, from, key), false)
                    } else {
                        (ALONE, false)
                    }
                }
                _ => (ALONE, true),
            },
            Err(_) => (ALONE, true),
        }
    }
}

/// A bit for each row of a code.
fn rows_of_code(codes: &[u64; ROWS], code: u64) -> u128 {
    let mut rows = 0;
    for (chunk, at) in codes.as_chunks::<64>().0.iter().zip([0, 64]) {
        let own = chunk.iter().zip(0..).fold(0, |own, (found, row)| own | u64::from(*found == code) << row);
        rows |= u128::from(own) << at;
    }
    rows
}

/// What a row has that repeats one with this.
fn repeated(last: Span) -> Span {
    // No row before, or one without a text: the error is told by whoever is asked.
    if last == ABSENT { ALONE } else { last }
}

/// Where the variables of the next row begin, and how many raw rows are before it.
#[derive(Clone, Copy)]
struct At {
    bit: usize,
    raw: u32,
}

impl At {
    fn begin(column: &Text<'_>, block: u32) -> At {
        let (bit, raw) = column.begin_of(block);
        At { bit, raw }
    }

    /// Passes a row that does not repeat.
    #[inline]
    fn pass(&mut self, column: &Text<'_>, code: u64) {
        match u32::try_from(code) {
            Ok(text::RAW) => self.raw = self.raw.saturating_add(1),
            Ok(code) => self.bit = self.bit.saturating_add(column.bits_of(code)),
            Err(_) => {}
        }
    }
}

/// Puts key and head before the text that follows the room for them at `from`.
#[inline(always)]
fn end(pairs: &mut Sheet, from: usize, key: u64) -> Span {
    let text = from + HEAD_BYTES;
    let length = pairs.len() - text;
    if length == 0 {
        // A text that is there and empty: the one who asks says what that means.
        return ALONE;
    }
    let (head, head_bytes) = match length as u64 {
        short @ 0..=23 => (u64::from(cbor::TEXT) | short, 1),
        byte @ 24..=0xff => (u64::from(cbor::TEXT | 24) << 8 | byte, 2),
        long => (u64::from(cbor::TEXT | 25) << 16 | long, 3),
    };
    let (key, key_bytes) = if key < 24 { (key, 1) } else { (24 << 8 | key, 2) };
    let word = key << (head_bytes * 8) | head;
    if let Some(room) = pairs.bytes_mut().get_mut(from..).and_then(|room| room.first_chunk_mut()) {
        *room = word.to_be_bytes();
    }
    // All texts of a block take less than 4 GiB.
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { begin: offset(text - key_bytes - head_bytes), text: offset(text), end: offset(pairs.len()) }
}
