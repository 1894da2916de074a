//! Optional texts: a dictionary, templates with typed variables, and compressed pages for the rest.
//!
//! ```text
//! flags u8 (1: texts were cut, 2: rows may repeat)
//! codes      packed, a row each: 0 absent, 1 raw, 2 the text of the row before, 3 and up a template
//! templates  see `template`
//! variables  bytes u32; unless it is 0, packed: where each block of 128 rows begins, in bits; the bits
//! pages      see `page`; behind them, unless there are none, packed: how many raw rows are before each block
//! ```
//!
//! Variable bits lie in place order. A row is found from where its block begins by adding up what the rows before it
//! spend; a row that repeats spends nothing, and never repeats one of another block or tenant.

use super::BLOCK_ROWS;
use super::ColumnError;
use super::Input;
use super::bits;
use super::block_count_of;
use super::packed::Packed;
use super::page::Pages;
use super::page::{Decoded, PageCache};
use super::template::Row;
use super::template::Table;
use super::template::Template;
pub use super::text_encode::{TextBuilder, encode, sample_blocks};
use super::token;
use super::token::Tokens;
use super::window::Window;
use crate::format::sheet::Loose;
use crate::format::sheet::Sheet;
use std::ops::Range;

/// Code of an absent row.
pub const ABSENT: u32 = 0;
/// Code of a row whose text is in a page.
pub const RAW: u32 = 1;
/// Code of a row with the text of the row before.
pub const REPEAT: u32 = 2;
/// Code of the first template.
pub const TEMPLATE: u32 = 3;

/// Flags.
pub(super) const CUT: u8 = 1;
pub(super) const REPEATS: u8 = 2;

/// Where a text can be in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// No row has it.
    Nowhere,
    /// Exactly the rows of this code have it.
    Code(u32),
    /// Only rows of this code can have it, and rows of [`REPEAT`] if `repeats`: each is to be compared.
    Check {
        /// [`RAW`] or a template with slots.
        code: u32,
        /// Whether rows of [`REPEAT`] can have it too.
        repeats: bool,
    },
}

/// Values that rows of a template are asked for: see [`Held`](super::template::Held).
#[derive(Clone, Debug)]
pub struct Sought {
    /// The template's code.
    pub code: u32,
    /// Bits of the first value.
    pub width: u32,
    /// Those that are asked for.
    pub values: Vec<u64>,
}

/// Fewer bits than this are met by chance too often to be looked for without codes.
const TELLING_BITS: u32 = 16;

/// What a column is made of; lengths are in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Codes of all rows.
    pub codes: usize,
    /// The template table, as stored.
    pub table: usize,
    /// Variable bits and where blocks begin in them.
    pub variables: usize,
    /// Pages, with their directory.
    pub pages: usize,
    /// How many templates.
    pub template_count: usize,
    /// How many rows are in pages.
    pub raw_row_count: u32,
    /// How many pages.
    pub page_count: u32,
}

/// A text column in bytes that are borrowed.
#[derive(Clone, Debug)]
pub struct Text<'a> {
    /// All of it; also tells a cursor which column it was used with.
    bytes: &'a [u8],
    flags: u8,
    codes: Packed<'a>,
    table: Table<'a>,
    /// Where each block's variable bits begin.
    begins: Option<Packed<'a>>,
    variables: &'a [u8],
    /// How many raw rows are before each block.
    raw_before: Option<Packed<'a>>,
    pages: Pages<'a>,
    sizes: Sizes,
}

/// Where reading of a column is, and the last page that it decoded. Reading upwards decodes every page once.
#[derive(Default)]
pub struct Cursor<'a> {
    column: &'a [u8],
    codes: Window,
    position: Position,
    /// The text that was put together last, and of which row.
    text: Sheet,
    written: Option<u32>,
    page: PageCache,
}

/// What the rows of a block before `place` have spent.
#[derive(Clone, Copy, Debug)]
struct Position {
    /// The block that `place` was reached in.
    block: u32,
    place: u32,
    bit: usize,
    raw: u32,
}

impl Default for Position {
    fn default() -> Position {
        // No column has this block.
        Position { block: u32::MAX, place: 0, bit: 0, raw: 0 }
    }
}

impl<'a> Cursor<'a> {
    /// Pages that were decoded so far.
    pub fn decoded(&self) -> Decoded {
        self.page.decoded()
    }

    /// A cursor that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what it knows of another column.
    #[cold]
    fn begin(&mut self, column: &'a [u8]) {
        self.column = column;
        self.codes.forget();
        self.position = Position::default();
        self.written = None;
        self.page.forget();
    }
}

impl<'a> Text<'a> {
    /// Opens the column at the front of `bytes`; gives it and how many bytes it takes. Decodes the template table, no
    /// row and no page.
    ///
    /// # Errors
    /// If the bytes are no column of `row_count` texts.
    pub fn open(bytes: &'a [u8], row_count: u32) -> Result<(Text<'a>, usize), ColumnError> {
        let mut input = Input::new(bytes);
        let flags = input.u8("a text column")?;
        if flags & !(CUT | REPEATS) != 0 {
            return Err(input.error("a text column of known flags"));
        }
        let blocks = block_count_of(row_count);
        let codes = Packed::read(&mut input, row_count)?;
        let codes_end = input.offset;
        let table = Table::read(&mut input, row_count)?;
        let table_end = input.offset;
        let variable_bytes = input.count(bytes.len(), "variables within the column")?;
        let (begins, variables) = if variable_bytes == 0 {
            (None, &[][..])
        } else {
            let begins = Packed::read(&mut input, blocks)?;
            (Some(begins), input.take(variable_bytes, "the variables")?)
        };
        let variables_end = input.offset;
        let pages = Pages::read(&mut input, row_count)?;
        let has_raw = pages.string_count() > 0;
        let raw_before = has_raw.then(|| Packed::read(&mut input, blocks)).transpose()?;
        let sizes = Sizes {
            codes: codes_end,
            table: table_end - codes_end,
            variables: variables_end - table_end,
            pages: input.offset - variables_end,
            template_count: table.len(),
            raw_row_count: pages.string_count(),
            page_count: pages.page_count(),
        };
        let bytes = &bytes[..input.offset];
        let text = Text { bytes, flags, codes, table, begins, variables, raw_before, pages, sizes };
        Ok((text, input.offset))
    }

    /// How many rows.
    pub fn row_count(&self) -> u32 {
        self.codes.row_count()
    }

    /// What the column is made of.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The code of a row; [`ABSENT`] past the end.
    #[inline]
    pub fn code(&self, place: u32) -> u32 {
        u32::try_from(self.codes.get(place)).unwrap_or(u32::MAX)
    }

    /// The codes of all rows, for filters.
    pub fn codes(&self) -> &Packed<'a> {
        &self.codes
    }

    /// All templates; the code of number `n` is `TEMPLATE + n`.
    pub fn templates(&self) -> impl Iterator<Item = Template<'_>> {
        (0..self.table.len()).filter_map(|number| self.table.template(number))
    }

    /// The text of a row, none if it is absent.
    ///
    /// # Errors
    /// If the row is past the end, or its code, variables or page do not give a text.
    pub fn get<'c>(&'c self, place: u32, cursor: &'c mut Cursor<'a>) -> Result<Option<&'c str>, ColumnError> {
        let bytes = self.bytes(place, cursor)?;
        let wrong = |_| ColumnError::Row { place, expected: "a text in UTF-8" };
        bytes.map(|bytes| std::str::from_utf8(bytes.exact())).transpose().map_err(wrong)
    }

    /// As [`Text::get`], in bytes: they are UTF-8 all the same.
    ///
    /// # Errors
    /// As [`Text::get`].
    #[inline(always)]
    pub fn bytes<'c>(
        &'c self,
        place: u32,
        cursor: &'c mut Cursor<'a>,
    ) -> Result<Option<Loose<'c>>, ColumnError> {
        if !std::ptr::eq(self.bytes, cursor.column) {
            cursor.begin(self.bytes);
        }
        if place < self.row_count() {
            let code = self.code_in(place, &mut cursor.codes);
            if code == ABSENT {
                return Ok(None);
            }
            let literal = code.checked_sub(TEMPLATE).and_then(|number| self.table.literal(number as usize));
            if let Some(literal) = literal {
                return Ok(Some(literal));
            }
        }
        self.composed(place, cursor)
    }

    /// As [`Text::bytes`], where the text is not just there.
    #[inline(never)]
    fn composed<'c>(
        &'c self,
        place: u32,
        cursor: &'c mut Cursor<'a>,
    ) -> Result<Option<Loose<'c>>, ColumnError> {
        let error = |expected| ColumnError::Row { place, expected };
        if place >= self.row_count() {
            return Err(error("a place before the column's end"));
        }
        let mut source = place;
        let mut code = self.code_in(source, &mut cursor.codes);
        while code == REPEAT {
            if source.is_multiple_of(BLOCK_ROWS) {
                return Err(error("a row to repeat in the same block"));
            }
            source -= 1;
            code = self.code_in(source, &mut cursor.codes);
        }
        match code {
            ABSENT => Err(error("a row with a text to repeat")),
            RAW => {
                let string = self.locate(source, cursor).raw;
                if string >= self.pages.string_count() {
                    return Err(error("a raw row that is in a page"));
                }
                let (bytes, is_utf8) = self.pages.text(string, &mut cursor.page)?;
                if is_utf8 { Ok(Some(bytes)) } else { Err(error("a text in UTF-8")) }
            }
            _ => match self.table.row((code - TEMPLATE) as usize) {
                None => Err(error("the code of a template")),
                Some(Row::Literal(literal)) => Ok(Some(literal)),
                Some(Row::Slots(_)) if cursor.written == Some(source) => Ok(Some(cursor.text.loose())),
                Some(Row::Slots(slots)) => {
                    let at = self.locate(source, cursor).bit;
                    let end = at.saturating_add(slots.bits());
                    if end > self.variables.len() * 8 {
                        return Err(error("a row's variables within the column"));
                    }
                    cursor.text.clear();
                    slots.write(self.variables, at, &mut cursor.text);
                    cursor.written = Some(source);
                    cursor.position.place = source + 1;
                    cursor.position.bit = end;
                    Ok(Some(cursor.text.loose()))
                }
            },
        }
    }

    /// The bytes of all templates, markers of variables between them, each with its end: see [`Template::shape_end`].
    pub fn shapes(&self) -> &[u8] {
        self.table.shapes()
    }

    /// How many rows before a block are in pages.
    pub fn raw_before(&self, block: u32) -> u32 {
        self.begin_of(block).1
    }

    /// Which column it is, among those whose bytes are borrowed at the same time.
    pub(super) fn identity(&self) -> (usize, usize) {
        (self.bytes.as_ptr().addr(), self.bytes.len())
    }

    /// Where the variables of a block begin, in bits, and how many raw rows are before it.
    pub(super) fn begin_of(&self, block: u32) -> (usize, u32) {
        let of_block = |column: Option<Packed<'_>>| column.map_or(0, |column| column.get(block));
        let bit = usize::try_from(of_block(self.begins)).unwrap_or(usize::MAX);
        (bit, u32::try_from(of_block(self.raw_before)).unwrap_or(u32::MAX))
    }

    pub(super) fn variables(&self) -> &'a [u8] {
        self.variables
    }

    /// What rows of a code from [`TEMPLATE`] on hold.
    #[inline]
    pub(super) fn template_row(&self, code: u32) -> Option<Row<'_>> {
        self.table.row(code.checked_sub(TEMPLATE)? as usize)
    }

    /// Bits that a row of this code spends.
    #[inline]
    pub(super) fn bits_of(&self, code: u32) -> usize {
        code.checked_sub(TEMPLATE).map_or(0, |number| self.table.bits(number as usize) as usize)
    }

    /// Whether the text of a row may be known only by the rows before it in its block.
    pub(super) fn is_reached_by_rows(&self) -> bool {
        self.begins.is_some() || self.raw_before.is_some() || self.flags & REPEATS != 0
    }

    /// A text that is in a page; none if that does not read.
    pub(super) fn raw<'c>(&self, string: u32, page: &'c mut PageCache) -> Option<Loose<'c>> {
        if string >= self.pages.string_count() {
            return None;
        }
        self.pages.text(string, page).ok().filter(|(_, is_utf8)| *is_utf8).map(|(text, _)| text)
    }

    #[inline]
    fn code_in(&self, place: u32, codes: &mut Window) -> u32 {
        u32::try_from(codes.get(&self.codes, place)).unwrap_or(u32::MAX)
    }

    /// Calls `visit` for the rows of `places`, upwards; rows past the end are left out.
    ///
    /// # Errors
    /// The first that [`Text::get`] gives.
    pub fn visit(
        &self,
        places: Range<u32>,
        cursor: &mut Cursor<'a>,
        mut visit: impl FnMut(u32, Option<&str>),
    ) -> Result<(), ColumnError> {
        for place in places.start..places.end.min(self.row_count()) {
            visit(place, self.get(place, cursor)?);
        }
        Ok(())
    }

    /// Where a row's variables begin and how many raw rows are before it: from the last position, if that is before it
    /// in its block, else from the block's beginning.
    fn locate(&self, place: u32, cursor: &mut Cursor<'a>) -> Position {
        let block = place / BLOCK_ROWS;
        let mut position = cursor.position;
        if position.block != block || position.place > place {
            let (bit, raw) = self.begin_of(block);
            position = Position { block, place: block * BLOCK_ROWS, bit, raw };
        }
        for row in position.place..place {
            match self.code_in(row, &mut cursor.codes) {
                ABSENT | REPEAT => {}
                RAW => position.raw = position.raw.saturating_add(1),
                code => {
                    let bits = self.table.bits((code - TEMPLATE) as usize) as usize;
                    position.bit = position.bit.saturating_add(bits);
                }
            }
        }
        position.place = place;
        cursor.position = position;
        position
    }

    /// Which rows can have exactly this text, as far as codes tell.
    pub fn find(&self, value: &str) -> Match {
        let raw = Match::Check { code: RAW, repeats: self.flags & REPEATS != 0 };
        let raw = if self.pages.string_count() > 0 { raw } else { Match::Nowhere };
        if value.len() > token::TEXT_BYTES_MAX {
            return raw;
        }
        let mut tokens = Tokens::default();
        if self.flags & CUT != 0 {
            tokens.cut(value.as_bytes());
        } else {
            tokens.shape.extend_from_slice(value.as_bytes());
        }
        let Some((number, fits)) = self.table.find(&tokens) else { return raw };
        let code = TEMPLATE.saturating_add(u32::try_from(number).unwrap_or(u32::MAX));
        match self.table.literal(number) {
            Some(_) => Match::Code(code),
            None if fits => Match::Check { code, repeats: self.flags & REPEATS != 0 },
            None => Match::Nowhere,
        }
    }

    /// Bits of each row that has any; none if rows have different numbers of them.
    pub fn stride(&self) -> Option<usize> {
        let mut strides =
            (0..self.table.len()).map(|number| self.table.bits(number)).filter(|bits| *bits > 0);
        let first = strides.next()?;
        strides.all(|bits| bits == first).then_some(first as usize)
    }

    /// Whether any row of a block may have one of the values, as far as is seen without codes. `stride` is
    /// [`Text::stride`].
    pub fn may_hold(&self, block: u32, stride: usize, sought: &Sought) -> bool {
        if sought.width < TELLING_BITS {
            return true;
        }
        let (begin, _) = self.begin_of(block);
        let all = self.variables.len() * 8;
        let end = if block + 1 < block_count_of(self.row_count()) {
            self.begin_of(block + 1).0.min(all)
        } else {
            all
        };
        (begin..end).step_by(stride.max(1)).any(|bit| {
            let own = bits::read(self.variables, bit, sought.width);
            sought.values.contains(&own)
        })
    }

    /// Of a block with these codes, the rows of a template, and those that repeat one, whose first value has one of these
    /// own bits.
    pub fn rows_with(&self, block: u32, codes: &[u64; BLOCK_ROWS as usize], sought: &Sought) -> u128 {
        let (mut bit, _) = self.begin_of(block);
        let (mut rows, mut is_same) = (0, false);
        for (code, row) in codes.iter().zip(0..) {
            let code = u32::try_from(*code).unwrap_or(ABSENT);
            if code != REPEAT {
                is_same = code == sought.code && {
                    let own = bits::read(self.variables, bit, sought.width);
                    sought.values.contains(&own)
                };
                bit = bit.saturating_add(self.bits_of(code));
            }
            rows |= u128::from(is_same) << row;
        }
        rows
    }

    /// Places of the rows of each page.
    #[cfg(test)]
    pub(super) fn page_places(&self) -> Vec<Vec<u32>> {
        let raw: Vec<u32> = (0..self.row_count()).filter(|place| self.code(*place) == RAW).collect();
        (0..self.pages.page_count())
            .map(|page| self.pages.strings(page).map(|string| raw[string as usize]).collect())
            .collect()
    }
}
