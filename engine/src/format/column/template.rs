//! The table of a text column's templates: literal pieces with slots between them.
//!
//! ```text
//! templates u32; unless it is 0: slot values u32, shape bytes u32, decoded bytes u32, stored bytes u32, codec u8,
//! and what decodes to
//!   shapes, each ended by 0xff
//!   for each slot value, in order: width u8
//!   for each slot value, in order: base (variable)
//! ```
//!
//! A value in a slot is `base` and `width` bits of the row's own. A UUID has two values.

use super::ColumnError;
use super::Effort;
use super::Input;
use super::bits;
use super::page;
use super::put_u32;
use super::put_variable;
use super::token;
pub use super::token::Slot;
use crate::format::sheet::Loose;
use crate::format::sheet::Sheet;
use std::borrow::Cow;

/// Most templates of one column.
pub const TEMPLATE_COUNT_MAX: usize = 65_000;
/// Most memory of an opened table: a segment has 18 columns of texts, and all of them may be open.
pub(super) const MEMORY_BYTES_MAX: usize = 2 << 20;
/// What a template, and a slot value, take beside the shape's bytes.
const TEMPLATE_BYTES: usize = size_of::<Entry>();
const VALUE_BYTES: usize = size_of::<Frame>() + size_of::<SlotEntry>();
/// Most slot values of all templates.
const FRAME_COUNT_MAX: usize = MEMORY_BYTES_MAX / VALUE_BYTES;
/// Most bytes of all shapes, which are literals and markers.
const SHAPE_BYTES_MAX: usize = 1 << 20;
/// Most bytes of one shape: a longer text is in a page. A marker takes a byte more than what it stands for at most.
const SHAPE_LENGTH_MAX: usize = token::TEXT_BYTES_MAX + token::SLOTS_MAX;
/// Most bytes of a decoded table.
const TABLE_BYTES_MAX: usize = 2 << 20;
/// Bytes that are kept behind the shapes: so much is copied with a last literal.
const TAIL_BYTES: usize = 64;
// The format says these sizes: they are no matter of this program's layout.
const _: () = assert!(TEMPLATE_BYTES == 28 && VALUE_BYTES == 28);

// A width takes one byte and a base at most ten, a shape one for its end.
const _: () = assert!(SHAPE_BYTES_MAX + TEMPLATE_COUNT_MAX + FRAME_COUNT_MAX * 11 <= TABLE_BYTES_MAX);

/// Most bytes of the shapes of a column: few rows never need a large table, and must not open one.
pub(super) fn shape_bytes_max(row_count: u32) -> usize {
    SHAPE_BYTES_MAX.min(4096 + row_count as usize * 128)
}

/// Memory of an opened table, as the format counts it.
pub(super) fn memory_bytes(shape_bytes: usize, template_count: usize, frame_count: usize) -> usize {
    shape_bytes + template_count * TEMPLATE_BYTES + frame_count * VALUE_BYTES
}

/// Where a slot's values begin, and how many bits each row spends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) base: u64,
    pub(super) width: u32,
}

impl Frame {
    /// Least and greatest value that a row can have.
    fn values(self) -> (u64, u64) {
        match self.base.checked_add(bits::mask(self.width)) {
            Some(greatest) => (self.base, greatest),
            // Sums wrap.
            None => (0, u64::MAX),
        }
    }
}

/// Appends a table of `shapes`; `frames` are those of all slot values, in order.
pub(super) fn encode(shapes: &[&[u8]], frames: &[Frame], effort: Effort, out: &mut Vec<u8>) {
    put_u32(out, shapes.len());
    if shapes.is_empty() {
        return;
    }
    let mut table = Vec::new();
    for shape in shapes {
        table.extend_from_slice(shape);
        table.push(token::END);
    }
    put_u32(out, frames.len());
    put_u32(out, table.len());
    table.extend(frames.iter().map(|frame| frame.width.to_le_bytes()[0]));
    frames.iter().for_each(|frame| put_variable(&mut table, frame.base));
    let mut stored = Vec::new();
    let codec = page::Squeezer::new(effort).append(&table, &mut stored);
    put_u32(out, table.len());
    put_u32(out, stored.len());
    out.push(codec);
    out.extend_from_slice(&stored);
}

/// An opened table.
#[derive(Clone, Debug, Default)]
pub(super) struct Table<'a> {
    /// The decoded table, which begins with the shapes.
    shapes: Cow<'a, [u8]>,
    entries: Vec<Entry>,
    slots: Vec<SlotEntry>,
    pub(super) frames: Vec<Frame>,
}

/// Where a template ends in the three lists, and how many bits a row of it spends.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    shape_begin: u32,
    /// Of the piece behind the last slot.
    tail_begin: u32,
    shape_end: u32,
    slot_begin: u32,
    slot_end: u32,
    frame_begin: u32,
    bits: u32,
}

/// A template that has nothing.
const EMPTY: Entry = Entry {
    shape_begin: 0,
    tail_begin: 0,
    shape_end: 0,
    slot_begin: 0,
    slot_end: 0,
    frame_begin: 0,
    bits: 0,
};

/// A slot and the literal piece before it.
#[derive(Clone, Copy, Debug)]
struct SlotEntry {
    literal_begin: u32,
    literal_end: u32,
    slot: Slot,
}

impl<'a> Table<'a> {
    /// Opens the table of a column of `row_count` rows, and checks all of it.
    pub(super) fn read(input: &mut Input<'a>, row_count: u32) -> Result<Table<'a>, ColumnError> {
        let rows = row_count as usize;
        let template_count = input.count(TEMPLATE_COUNT_MAX.min(rows), "at most a template a row")?;
        if template_count == 0 {
            return Ok(Table::default());
        }
        let shape_bytes_max = shape_bytes_max(row_count);
        let frame_count = input.count(FRAME_COUNT_MAX.min(shape_bytes_max * 2), "slots")?;
        let shape_bytes = input.count(shape_bytes_max + template_count, "shapes of at most 1 MiB")?;
        if memory_bytes(shape_bytes - template_count.min(shape_bytes), template_count, frame_count)
            > MEMORY_BYTES_MAX
        {
            return Err(input.error("a table that takes at most 2 MiB"));
        }
        let decoded_bytes = input.count(TABLE_BYTES_MAX, "a decoded table of at most 2 MiB")?;
        let stored_bytes = input.count(input.bytes.len(), "a table within the column")?;
        let codec = input.u8("a table's codec")?;
        if template_count > shape_bytes || decoded_bytes > shape_bytes + frame_count * 11 {
            return Err(input.error("a table of a possible length"));
        }
        let stored = input.take(stored_bytes, "the template table")?;
        let bytes = if codec == 0 && stored_bytes == decoded_bytes {
            Cow::Borrowed(stored)
        } else {
            let mut bytes = Vec::new();
            page::expand(codec, stored, decoded_bytes, &mut None, &mut bytes)
                .ok_or(input.error("a template table of the declared length"))?;
            Cow::Owned(bytes)
        };
        Table::parse(bytes, template_count, frame_count, shape_bytes).map_err(|what| input.error(what))
    }

    fn parse(
        bytes: Cow<'a, [u8]>,
        template_count: usize,
        frame_count: usize,
        shape_bytes: usize,
    ) -> Result<Table<'a>, &'static str> {
        let wanted = "widths and bases of all slots";
        let mut input = Input::new(&bytes);
        let shapes = input.take(shape_bytes, wanted).map_err(|_| wanted)?;
        let widths = input.take(frame_count, wanted).map_err(|_| wanted)?;
        let mut frames = Vec::with_capacity(frame_count);
        for width in widths {
            let base = input.variable(wanted).map_err(|_| wanted)?;
            if *width > 64 {
                return Err("a slot of at most 64 bits");
            }
            frames.push(Frame { base, width: u32::from(*width) });
        }
        if input.offset != bytes.len() {
            return Err("the end of the template table");
        }
        let mut entries = Vec::with_capacity(template_count);
        // A slot takes a value at least.
        let mut slots = Vec::with_capacity(frame_count);
        let (mut at, mut frame) = (0, 0);
        for _ in 0..template_count {
            let entry = parse_shape(shapes, &mut at, &mut slots, &mut frame, &frames)?;
            entries.push(entry);
        }
        if at != shapes.len() || frame != frames.len() {
            return Err("as many shapes as templates");
        }
        let kept_bytes = shape_bytes + TAIL_BYTES;
        let mut shapes = bytes;
        if let Cow::Owned(bytes) = &mut shapes {
            bytes.resize(kept_bytes, 0);
            bytes.shrink_to_fit();
        }
        Ok(Table { shapes, entries, slots, frames })
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bits that each row of a template spends; 0 if there is no such template.
    #[inline]
    pub(super) fn bits(&self, number: usize) -> u32 {
        self.entries.get(number).map_or(0, |entry| entry.bits)
    }

    /// The whole text of a template without slots.
    #[inline]
    pub(super) fn literal(&self, number: usize) -> Option<Loose<'_>> {
        self.entries.get(number).and_then(|entry| self.literal_of(entry))
    }

    #[inline]
    fn literal_of(&self, entry: &Entry) -> Option<Loose<'_>> {
        (entry.tail_begin == entry.shape_begin).then(|| self.piece(entry.shape_begin, entry.shape_end))
    }

    /// Bytes of the shapes, with those behind them.
    #[inline]
    fn piece(&self, begin: u32, end: u32) -> Loose<'_> {
        let shapes = self.shapes.get(begin as usize..).unwrap_or_default();
        Loose::new(shapes, end.saturating_sub(begin) as usize)
    }

    /// What rows of a template hold.
    #[inline]
    pub(super) fn row(&self, number: usize) -> Option<Row<'_>> {
        let entry = self.entries.get(number)?;
        Some(self.literal_of(entry).map_or(Row::Slots(Slots { table: self, entry }), Row::Literal))
    }

    /// The bytes of all shapes, each with its end.
    pub(super) fn shapes(&self) -> &[u8] {
        let end = self.entries.last().map_or(0, |entry| entry.shape_end as usize);
        self.shapes.get(..end).unwrap_or_default()
    }

    fn slots(&self, entry: &Entry) -> &[SlotEntry] {
        self.slots.get(entry.slot_begin as usize..entry.slot_end as usize).unwrap_or_default()
    }

    /// The template of this shape, and whether its frames can hold these values.
    pub(super) fn find(&self, tokens: &token::Tokens) -> Option<(usize, bool)> {
        let number = self.entries.iter().position(|entry| {
            self.shapes[entry.shape_begin as usize..entry.shape_end as usize] == tokens.shape[..]
        })?;
        let frames = &self.frames[self.entries[number].frame_begin as usize..];
        let fits = tokens.values.iter().zip(frames).all(|(value, frame)| {
            value.checked_sub(frame.base).is_some_and(|rest| rest <= bits::mask(frame.width))
        });
        Some((number, fits))
    }

    pub(super) fn template(&self, number: usize) -> Option<Template<'_>> {
        (number < self.entries.len()).then_some(Template { table: self, number })
    }
}

/// What rows of a template hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Row<'t> {
    /// All the same text.
    Literal(Loose<'t>),
    /// Texts with values of their own.
    Slots(Slots<'t>),
}

/// A template with slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots<'t> {
    table: &'t Table<'t>,
    entry: &'t Entry,
}

impl Slots<'_> {
    /// Bits that each row spends.
    #[inline]
    pub(super) fn bits(&self) -> usize {
        self.entry.bits as usize
    }

    /// Bytes of the literals and markers.
    #[inline]
    pub(super) fn shape_bytes(&self) -> usize {
        self.entry.shape_end.saturating_sub(self.entry.shape_begin) as usize
    }

    /// Appends the text of a row whose bits begin at `at`; bits past the end are zero.
    #[inline]
    pub(super) fn write(&self, bits: &[u8], mut at: usize, out: &mut Sheet) {
        let (table, entry) = (self.table, self.entry);
        let mut frames = table.frames.get(entry.frame_begin as usize..).unwrap_or_default().iter();
        let mut value = || {
            let frame = frames.next().copied().unwrap_or(Frame { base: 0, width: 0 });
            let value = frame.base.wrapping_add(bits::read(bits, at, frame.width));
            at += frame.width as usize;
            value
        };
        for slot in table.slots(entry) {
            out.put(table.piece(slot.literal_begin, slot.literal_end));
            let first = value();
            let second = if slot.slot.value_count() == 2 { value() } else { 0 };
            slot.slot.write(first, second, out);
        }
        out.put(table.piece(entry.tail_begin, entry.shape_end));
    }
}

/// A position in lists that are far shorter than 4 G.
fn offset(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// Reads one shape and its end, and checks that its pieces are UTF-8.
fn parse_shape(
    shapes: &[u8],
    at: &mut usize,
    slots: &mut Vec<SlotEntry>,
    frame: &mut usize,
    frames: &[Frame],
) -> Result<Entry, &'static str> {
    let begin = *at;
    let (slot_begin, frame_begin) = (slots.len(), *frame);
    let mut literal_begin = begin;
    loop {
        let rest = shapes.get(*at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte >= token::MARKER_MIN).ok_or("the end of a shape")?;
        std::str::from_utf8(&rest[..length]).map_err(|_| "a literal in UTF-8")?;
        *at += length;
        if rest[length] == token::END {
            break;
        }
        let (slot, marker_bytes) = token::Slot::of_marker(&rest[length..]).ok_or("a slot of a known kind")?;
        slots.push(SlotEntry { literal_begin: offset(literal_begin), literal_end: offset(*at), slot });
        *at += marker_bytes;
        literal_begin = *at;
        *frame += slot.value_count();
        if *frame - frame_begin > token::SLOTS_MAX {
            return Err("at most 32 values a template");
        }
    }
    if *at - begin > SHAPE_LENGTH_MAX {
        return Err("a shape of at most 4 KiB");
    }
    let own = frames.get(frame_begin..*frame).ok_or("a frame for every slot")?;
    let entry = Entry {
        shape_begin: offset(begin),
        tail_begin: offset(literal_begin),
        shape_end: offset(*at),
        slot_begin: offset(slot_begin),
        slot_end: offset(slots.len()),
        frame_begin: offset(frame_begin),
        bits: own.iter().map(|frame| frame.width).sum(),
    };
    *at += 1;
    Ok(entry)
}

/// One template of a text column.
#[derive(Clone, Copy, Debug)]
pub struct Template<'t> {
    table: &'t Table<'t>,
    number: usize,
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Text that every row of the template has here, in UTF-8; never empty.
    Literal(&'t [u8]),
    /// A variable.
    Variable(Variable),
}

/// What rows of a template must hold to have a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// No row can have it.
    Nothing,
    /// The first value's own bits, and how many these are: rows with others don't have it.
    Bits(u64, u32),
    /// That is not told by one value.
    Anything,
}

/// A variable, and what it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// What it looks like.
    pub slot: Slot,
    /// Least and greatest value, of a UUID of each of its two.
    pub values: [(u64, u64); 2],
}

impl<'t> Template<'t> {
    /// Its number, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Where it ends among the bytes of all; it begins behind the end of the one before.
    pub fn shape_end(&self) -> usize {
        self.table.entries.get(self.number).map_or(0, |entry| entry.shape_end as usize)
    }

    /// Its text, if it has no variable.
    #[inline]
    pub fn literal(&self) -> Option<&'t [u8]> {
        let table = self.table;
        table.literal(self.number).map(Loose::exact)
    }

    /// Gives its pieces in order, until one is refused.
    #[inline]
    pub fn each_piece(&self, mut each: impl FnMut(Piece<'t>) -> bool) {
        let table = self.table;
        let entry = table.entries.get(self.number).unwrap_or(&EMPTY);
        let literal =
            |begin: u32, end: u32| table.shapes.get(begin as usize..end as usize).unwrap_or_default();
        let mut frames = table.frames.get(entry.frame_begin as usize..).unwrap_or_default().iter();
        for SlotEntry { literal_begin, literal_end, slot } in table.slots(entry) {
            let before = literal(*literal_begin, *literal_end);
            if !before.is_empty() && !each(Piece::Literal(before)) {
                return;
            }
            let mut values = [(0, 0); 2];
            for values in values.iter_mut().take(slot.value_count()) {
                *values = frames.next().map_or((0, u64::MAX), |frame| frame.values());
            }
            if !each(Piece::Variable(Variable { slot: *slot, values })) {
                return;
            }
        }
        let tail = literal(entry.tail_begin, entry.shape_end);
        if !tail.is_empty() {
            each(Piece::Literal(tail));
        }
    }

    /// What a row must hold to have this text, where the template is one UUID and literals around it: whatever bits a
    /// row has, no two give the same UUID.
    pub fn held(&self, text: &[u8]) -> Held {
        let table = self.table;
        let entry = table.entries.get(self.number).unwrap_or(&EMPTY);
        let [SlotEntry { literal_begin, literal_end, slot: slot @ (Slot::Uuid | Slot::Uuid4) }] =
            table.slots(entry)
        else {
            return Held::Anything;
        };
        let Some(Frame { base, width }) = table.frames.get(entry.frame_begin as usize).copied() else {
            return Held::Anything;
        };
        let literal =
            |begin: u32, end: u32| table.shapes.get(begin as usize..end as usize).unwrap_or_default();
        let inner = text.strip_prefix(literal(*literal_begin, *literal_end));
        let inner = inner.and_then(|inner| inner.strip_suffix(literal(entry.tail_begin, entry.shape_end)));
        let Some(value) = inner.and_then(|inner| slot.first_of_uuid(inner)) else { return Held::Nothing };
        // Of a UUID of version 4 the value's high bits say nothing.
        let value_bits = if *slot == Slot::Uuid4 { token::UUID4_BITS } else { u64::BITS };
        if width > value_bits {
            return Held::Anything;
        }
        let own = value.wrapping_sub(base) & bits::mask(value_bits);
        if own <= bits::mask(width) { Held::Bits(own, width) } else { Held::Nothing }
    }

    /// Its pieces in order.
    pub fn pieces(&self) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        self.each_piece(|piece| {
            pieces.push(piece);
            true
        });
        pieces
    }
}
