//! Columns of sealed segments: values of one field in place order, packed small, each row reachable on its own.
//!
//! [`packed`] holds integers, [`times`] optional times, [`text`] optional texts, [`bytes`] optional byte strings,
//! [`names`] names in ascending order, which are read all at once.
//! A column knows how many rows it holds only from its caller, and nothing of tenants but where their runs begin.
//! Opening checks every count and offset that later reads rely on; what it cannot check without decoding, a read
//! checks and reports. A checksum over the column is the caller's: bytes that are well formed and wrong give wrong
//! values, never a panic and never more memory than the rows and bytes allow.

mod bits;
pub mod bytes;
pub mod names;
pub mod packed;
#[cfg(test)]
mod packed_tests;
pub mod page;
mod presence;
pub mod raw;
mod sample;
mod shapes;
pub mod template;
pub mod text;
pub mod text_block;
mod text_encode;
mod text_rows;
#[cfg(test)]
mod text_tests;
pub mod times;
mod token;
pub mod window;

/// Most rows of one column.
pub const ROW_COUNT_MAX: u32 = 1 << 20;
/// Longest value of a text or byte column, in bytes: no longer than a whole record.
pub const VALUE_BYTES_MAX: usize = crate::limits::RECORD_BYTES_MAX;
/// Rows of one block: what is found by adding up is never further away.
pub(crate) const BLOCK_ROWS: u32 = 128;

/// Bytes that are not a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// The column's own structure is broken: no row of it can be believed.
    #[error("byte {offset} of the column: expected {expected}")]
    Shape {
        /// Where in the column.
        offset: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// A page that does not decode: other pages may.
    #[error("page {page} of the column: expected {expected}")]
    Page {
        /// Which page, from 0.
        page: u32,
        /// What should be there.
        expected: &'static str,
    },
    /// One row that cannot be read: others may.
    #[error("place {place} of the column: expected {expected}")]
    Row {
        /// Which row.
        place: u32,
        /// What should be there.
        expected: &'static str,
    },
}

/// How much time encoding may take; decoding is the same for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// While entries arrive: the cheaper way wherever a sample leaves a choice.
    Light,
    /// In the background: every way is tried, and pages are compressed harder.
    Strong,
}

impl Effort {
    /// zstd's level for pages and tables.
    fn level(self) -> i32 {
        match self {
            Effort::Light => 1,
            Effort::Strong => 9,
        }
    }
}

/// The number of rows as the caller gave it, if a column may have that many.
fn row_count_of(rows: usize) -> u32 {
    let row_count = u32::try_from(rows).unwrap_or(u32::MAX);
    assert!(row_count <= ROW_COUNT_MAX, "a column holds at most {ROW_COUNT_MAX} rows, not {rows}");
    row_count
}

/// How many blocks `row_count` rows take.
fn block_count_of(row_count: u32) -> u32 {
    row_count.div_ceil(BLOCK_ROWS)
}

/// A length that was bounded before, as it is stored.
fn put_u32(out: &mut Vec<u8>, value: usize) {
    out.extend(u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
}

/// Appends an unsigned integer, seven bits a byte, low ones first.
fn put_variable(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Reads a column from the front of untrusted bytes.
#[derive(Clone, Debug)]
struct Input<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { bytes, offset: 0 }
    }

    fn error(&self, expected: &'static str) -> ColumnError {
        ColumnError::Shape { offset: self.offset, expected }
    }

    fn take(&mut self, count: usize, expected: &'static str) -> Result<&'a [u8], ColumnError> {
        let taken = self.bytes[self.offset..].get(..count).ok_or(self.error(expected))?;
        self.offset += count;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], ColumnError> {
        let mut value = [0; N];
        value.copy_from_slice(self.take(N, expected)?);
        Ok(value)
    }

    fn u8(&mut self, expected: &'static str) -> Result<u8, ColumnError> {
        self.fixed::<1>(expected).map(|[value]| value)
    }

    fn u64(&mut self, expected: &'static str) -> Result<u64, ColumnError> {
        self.fixed(expected).map(u64::from_le_bytes)
    }

    /// A count or length of at most `max`.
    fn count(&mut self, max: usize, expected: &'static str) -> Result<usize, ColumnError> {
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        self.row_count(max, expected).map(|count| count as usize)
    }

    /// A count of at most `max`.
    fn row_count(&mut self, max: u32, expected: &'static str) -> Result<u32, ColumnError> {
        let start = self.offset;
        let count = u32::from_le_bytes(self.fixed(expected)?);
        if count > max {
            return Err(ColumnError::Shape { offset: start, expected });
        }
        Ok(count)
    }

    /// What [`put_variable`] wrote.
    fn variable(&mut self, expected: &'static str) -> Result<u64, ColumnError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(expected)?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return Err(self.error(expected));
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error(expected))
    }

    /// Refuses more rows than a column may have, before they size anything.
    fn rows(&self, row_count: u32) -> Result<(), ColumnError> {
        if row_count <= ROW_COUNT_MAX { Ok(()) } else { Err(self.error("a column of at most 2^20 rows")) }
    }
}
