//! Unsigned integers in as few bits as their range takes, each row reachable in constant time.
//!
//! A value is `base + scale * (what is stored)`. `scale` is the greatest common divisor of the values' distances from
//! the least, so that times in whole microseconds cost no bits for nanoseconds. Two forms, the smaller is taken:
//!
//! ```text
//! uniform  0, width u8, base u64, scale u64, bits
//! blocked  1, base bytes u8, offset bytes u8, base u64, scale u64,
//!          for every 128 rows (base, width u8, offset in units of 16 bytes), bits
//! ```
//!
//! All bits lie back to back; 128 values of one width fill whole units of 16 bytes. Width 0 stores nothing.

use super::BLOCK_ROWS;
use super::ColumnError;
use super::Input;
use super::bits;
use super::block_count_of;
use super::row_count_of;
use std::ops::Range;

const UNIFORM: u8 = 0;
const BLOCKED: u8 = 1;
const UNIFORM_HEAD_BYTES: usize = 1 + 1 + 8 + 8;
const BLOCKED_HEAD_BYTES: usize = 1 + 1 + 1 + 8 + 8;
/// Bytes of a block for each bit of its width.
const UNIT_BYTES: usize = BLOCK_ROWS as usize / 8;

/// How a column of values will be written, and how many bytes that takes.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    base: u64,
    scale: u64,
    form: PlanForm,
    pub(super) bytes: usize,
}

#[derive(Clone, Debug)]
enum PlanForm {
    Uniform { width: u32 },
    Blocked { base_bytes: u32, offset_bytes: u32, blocks: Vec<Block> },
}

/// Base and offset in the units that the column stores: scaled from the column's base, and 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Block {
    base: u64,
    width: u32,
    offset: u64,
}

/// Finds the smallest form for `values`.
pub(super) fn plan(values: &[u64]) -> Plan {
    let base = values.iter().copied().min().unwrap_or(0);
    let max = values.iter().copied().max().unwrap_or(0);
    let scale = scale_of(values, base);
    let width = bits::width_of((max - base) / scale);
    let uniform_bytes = UNIFORM_HEAD_BYTES + bits::bytes_of(values.len(), width);
    if width > 0 && values.len() > BLOCK_ROWS as usize {
        let mut offset = 0;
        let blocks: Vec<Block> = values
            .chunks(BLOCK_ROWS as usize)
            .map(|rows| {
                let (least, most) =
                    rows.iter().fold((u64::MAX, 0), |(least, most), row| (least.min(*row), most.max(*row)));
                let width = bits::width_of((most - least) / scale);
                let block = Block { base: (least - base) / scale, width, offset };
                offset += u64::from(width);
                block
            })
            .collect();
        let base_bytes = blocks.iter().map(|block| bits::width_of(block.base)).max().unwrap_or(0).div_ceil(8);
        let offset_bytes = bits::width_of(offset).div_ceil(8);
        let entry_bytes = (base_bytes + 1 + offset_bytes) as usize;
        let last_rows = (values.len() - 1) % BLOCK_ROWS as usize + 1;
        let data_bytes: usize = blocks
            .iter()
            .enumerate()
            .map(|(number, block)| {
                let rows = if number + 1 == blocks.len() { last_rows } else { BLOCK_ROWS as usize };
                bits::bytes_of(rows, block.width)
            })
            .sum();
        let bytes = BLOCKED_HEAD_BYTES + blocks.len() * entry_bytes + data_bytes;
        if bytes < uniform_bytes {
            let form = PlanForm::Blocked { base_bytes, offset_bytes, blocks };
            return Plan { base, scale, form, bytes };
        }
    }
    Plan { base, scale, form: PlanForm::Uniform { width }, bytes: uniform_bytes }
}

/// Greatest common divisor of the distances from `base`; 1 if there are none.
fn scale_of(values: &[u64], base: u64) -> u64 {
    let mut scale = 0;
    for value in values {
        let distance = value - base;
        if scale == 0 || !distance.is_multiple_of(scale) {
            scale = greatest_common_divisor(distance, scale);
            if scale == 1 {
                break;
            }
        }
    }
    scale.max(1)
}

/// Euclid's; that of 0 and n is n.
pub(super) fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Plan {
    /// Appends `values`, which the plan was made for.
    pub(super) fn write(&self, values: &[u64], out: &mut Vec<u8>) {
        let start = out.len();
        out.reserve(self.bytes);
        match &self.form {
            PlanForm::Uniform { width } => {
                out.push(UNIFORM);
                out.push(width.to_le_bytes()[0]);
                out.extend_from_slice(&self.base.to_le_bytes());
                out.extend_from_slice(&self.scale.to_le_bytes());
                let mut writer = bits::Writer::new(out);
                self.push(&mut writer, values, self.base, *width);
                writer.finish();
            }
            PlanForm::Blocked { base_bytes, offset_bytes, blocks } => {
                out.push(BLOCKED);
                out.push(base_bytes.to_le_bytes()[0]);
                out.push(offset_bytes.to_le_bytes()[0]);
                out.extend_from_slice(&self.base.to_le_bytes());
                out.extend_from_slice(&self.scale.to_le_bytes());
                for block in blocks {
                    out.extend_from_slice(&block.base.to_le_bytes()[..*base_bytes as usize]);
                    out.push(block.width.to_le_bytes()[0]);
                    out.extend_from_slice(&block.offset.to_le_bytes()[..*offset_bytes as usize]);
                }
                let mut writer = bits::Writer::new(out);
                for (rows, block) in values.chunks(BLOCK_ROWS as usize).zip(blocks) {
                    self.push(&mut writer, rows, self.base + block.base * self.scale, block.width);
                }
                writer.finish();
            }
        }
        debug_assert_eq!(out.len() - start, self.bytes);
    }

    fn push(&self, writer: &mut bits::Writer<'_>, values: &[u64], base: u64, width: u32) {
        if width == 0 {
            return;
        }
        if self.scale == 1 {
            values.iter().for_each(|value| writer.push(value - base, width));
        } else {
            values.iter().for_each(|value| writer.push((value - base) / self.scale, width));
        }
    }
}

/// Appends `values` to `out` in the smallest form.
///
/// # Panics
/// If there are more than [`super::ROW_COUNT_MAX`].
pub fn encode(values: &[u64], out: &mut Vec<u8>) {
    row_count_of(values.len());
    plan(values).write(values, out);
}

/// A packed column in bytes that are borrowed; opening it decodes no row.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    row_count: u32,
    base: u64,
    scale: u64,
    form: Form<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    Uniform { width: u32, bits: &'a [u8] },
    Blocked { base_bytes: u32, offset_bytes: u32, directory: &'a [u8], bits: &'a [u8] },
}

impl<'a> Packed<'a> {
    /// Opens the column at the front of `bytes`; gives it and how many bytes it takes.
    ///
    /// # Errors
    /// If widths, offsets or lengths contradict each other, `row_count` or the bytes.
    pub fn open(bytes: &'a [u8], row_count: u32) -> Result<(Packed<'a>, usize), ColumnError> {
        let mut input = Input::new(bytes);
        let column = Packed::read(&mut input, row_count)?;
        Ok((column, input.offset))
    }

    /// [`Packed::open`] in the middle of other bytes.
    pub(super) fn read(input: &mut Input<'a>, row_count: u32) -> Result<Packed<'a>, ColumnError> {
        input.rows(row_count)?;
        match input.u8("a packed column")? {
            UNIFORM => {
                let width = u32::from(input.u8("a width")?);
                if width > 64 {
                    return Err(input.error("a width of at most 64 bits"));
                }
                let (base, scale) = (input.u64("a base")?, input.u64("a scale")?);
                let bits = input.take(bits::bytes_of(row_count as usize, width), "the values' bits")?;
                Ok(Packed { row_count, base, scale, form: Form::Uniform { width, bits } })
            }
            BLOCKED => {
                let (base_bytes, offset_bytes) =
                    (input.u8("a base's bytes")?, input.u8("an offset's bytes")?);
                if base_bytes > 8 || offset_bytes > 8 {
                    return Err(input.error("bases and offsets of at most 8 bytes"));
                }
                let (base_bytes, offset_bytes) = (u32::from(base_bytes), u32::from(offset_bytes));
                let (base, scale) = (input.u64("a base")?, input.u64("a scale")?);
                let entry_bytes = (base_bytes + 1 + offset_bytes) as usize;
                let directory_bytes = block_count_of(row_count) as usize * entry_bytes;
                let directory = input.take(directory_bytes, "the blocks' directory")?;
                let mut form = Form::Blocked { base_bytes, offset_bytes, directory, bits: &[] };
                let data_bytes = Packed { row_count, base, scale, form }.data_bytes();
                let data_bytes = data_bytes.ok_or(input.error("blocks of at most 64 bits, back to back"))?;
                let data = input.take(data_bytes, "the values' bits")?;
                if let Form::Blocked { bits, .. } = &mut form {
                    *bits = data;
                }
                Ok(Packed { row_count, base, scale, form })
            }
            _ => Err(input.error("a packed column of a known form")),
        }
    }

    /// Bytes of all blocks, if their widths are possible and each begins where the one before ends.
    fn data_bytes(&self) -> Option<usize> {
        let (mut units, mut bytes) = (0, 0);
        let mut rows_left = self.row_count;
        for number in 0..block_count_of(self.row_count) {
            let block = self.block(number);
            if block.width > 64 || block.offset != units {
                return None;
            }
            units += u64::from(block.width);
            let rows = rows_left.min(BLOCK_ROWS);
            bytes += bits::bytes_of(rows as usize, block.width);
            rows_left -= rows;
        }
        Some(bytes)
    }

    /// Entry `number` of a blocked column's directory; zeros past its end.
    #[inline]
    fn block(&self, number: u32) -> Block {
        let Form::Blocked { base_bytes, offset_bytes, directory, .. } = self.form else {
            return Block { base: 0, width: 0, offset: 0 };
        };
        let at = number as usize * (base_bytes + 1 + offset_bytes) as usize;
        let base = bits::read(directory, at * 8, base_bytes * 8);
        let at = at + base_bytes as usize;
        let width = u32::from(directory.get(at).copied().unwrap_or(0));
        Block { base, width, offset: bits::read(directory, (at + 1) * 8, offset_bytes * 8) }
    }

    /// Base, width and first bit of the values from `row`'s block on, and how far `row` is into it.
    #[inline]
    fn frame(&self, row: u32) -> (u64, u32, usize, &'a [u8]) {
        match self.form {
            Form::Uniform { width, bits } => (self.base, width, row as usize * width as usize, bits),
            Form::Blocked { bits, .. } => {
                let block = self.block(row / BLOCK_ROWS);
                let base = self.base.wrapping_add(self.scale.wrapping_mul(block.base));
                // `data_bytes` compared the offset with the bytes that there are.
                let begin = usize::try_from(block.offset).unwrap_or(0) * UNIT_BYTES * 8;
                (base, block.width, begin + (row % BLOCK_ROWS) as usize * block.width as usize, bits)
            }
        }
    }

    /// How many rows.
    pub fn row_count(&self) -> u32 {
        self.row_count
    }

    /// The value of `row`; 0 for a row past the end.
    #[inline]
    pub fn get(&self, row: u32) -> u64 {
        if row >= self.row_count {
            return 0;
        }
        let (base, width, at, bits) = self.frame(row);
        base.wrapping_add(self.scale.wrapping_mul(bits::read(bits, at, width)))
    }

    /// Decodes block `number`: 128 rows, those past the end are 0.
    pub fn decode_block(&self, number: u32, out: &mut [u64; BLOCK_ROWS as usize]) {
        self.decode_first(number, out);
    }

    /// Decodes as many rows of block `number`, at most all, as there is room for; those past the end are 0.
    pub(super) fn decode_first(&self, number: u32, out: &mut [u64]) {
        let first = number.saturating_mul(BLOCK_ROWS);
        let count = self.row_count.saturating_sub(first).min(BLOCK_ROWS) as usize;
        let (own, past) = out.split_at_mut(count.min(out.len()));
        past.fill(0);
        if own.is_empty() {
            return;
        }
        let (base, width, at, bits) = self.frame(first);
        bits::unpack(bits, at, width, own);
        if (base, self.scale) != (0, 1) {
            own.iter_mut().for_each(|value| *value = base.wrapping_add(self.scale.wrapping_mul(*value)));
        }
    }

    /// Whether every value is 0 or 1, as far as the heads of column and blocks say.
    pub(super) fn is_binary(&self) -> bool {
        let fits = |base: u64, width| match width {
            0 => base <= 1,
            1 => base == 0 && self.scale == 1,
            _ => false,
        };
        match self.form {
            Form::Uniform { width, .. } => fits(self.base, width),
            Form::Blocked { .. } => (0..block_count_of(self.row_count)).all(|number| {
                let block = self.block(number);
                fits(self.base.wrapping_add(self.scale.wrapping_mul(block.base)), block.width)
            }),
        }
    }

    /// The value of all rows, if the column's head says that they have one.
    pub(super) fn constant(&self) -> Option<u64> {
        match self.form {
            Form::Uniform { width: 0, .. } => Some(self.base),
            _ => None,
        }
    }

    /// How many rows before `row` in its block have a 1, of a column that [`Packed::is_binary`].
    #[inline]
    pub(super) fn ones_before(&self, row: u32) -> u32 {
        let inside = row % BLOCK_ROWS;
        let (base, width, _, _) = self.frame(row);
        if width == 0 {
            return if base == 0 { 0 } else { inside };
        }
        let (_, _, at, bits) = self.frame(row - inside);
        let low = bits::read(bits, at, inside.min(64));
        let high = bits::read(bits, at + 64, inside.saturating_sub(64));
        low.count_ones() + high.count_ones()
    }

    /// Appends all values to `out`.
    pub fn decode_into(&self, out: &mut Vec<u64>) {
        self.decode_range(0..self.row_count, out);
    }

    /// Appends the values of `rows` to `out`; rows past the end are left out.
    pub fn decode_range(&self, rows: Range<u32>, out: &mut Vec<u64>) {
        let end = rows.end.min(self.row_count);
        let mut row = rows.start;
        out.reserve(end.saturating_sub(row) as usize);
        while row < end {
            let stop = match self.form {
                Form::Uniform { .. } => end,
                Form::Blocked { .. } => end.min((row / BLOCK_ROWS + 1) * BLOCK_ROWS),
            };
            let (base, width, at, bits) = self.frame(row);
            let count = (stop - row) as usize;
            if width == 0 {
                out.resize(out.len() + count, base);
            } else {
                let ats = (at..).step_by(width as usize).take(count);
                out.extend(
                    ats.map(|at| base.wrapping_add(self.scale.wrapping_mul(bits::read(bits, at, width)))),
                );
            }
            row = stop;
        }
    }
}
