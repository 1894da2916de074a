//! Optional times, in nanoseconds since the Unix epoch, over the whole range of 64 signed bits.
//!
//! Stored as themselves or as their distance before a reference that the reader has anyway, such as the commit time
//! of the same row; the smaller is taken. Distances are counted in the greatest unit that divides all of the column's
//! times, the reference rounded down to it: times in whole seconds cost no nanoseconds because the log's clock has them.
//!
//! ```text
//! form u8 (0 absolute, 1 distance), unit u64 (1 if absolute), presence (packed, 0 or 1)
//! packed, unless the presence is uniform with no bits: how many present rows are before each block of 128
//! times u32, values of the present rows (packed)
//! ```

use super::ColumnError;
use super::Input;
use super::packed;
use super::packed::Packed;
use super::presence;
use super::presence::Presence;
use super::presence::Reading;
use super::put_u32;
use super::row_count_of;
use super::window::Window;

const ABSOLUTE: u8 = 0;
const DISTANCE: u8 = 1;

/// Maps times to unsigned integers so that order stays.
fn ordered(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

fn restored(value: u64) -> i64 {
    (value ^ (1 << 63)).cast_signed()
}

/// Appends `values` to `out`; `reference`, if given, has a time for every row and must be given to readers again.
///
/// # Panics
/// If there are more than [`super::ROW_COUNT_MAX`] rows, or `reference` has another number of them.
pub fn encode_times(values: &[Option<i64>], reference: Option<&[i64]>, out: &mut Vec<u8>) {
    row_count_of(values.len());
    let absolute: Vec<u64> = values.iter().flatten().map(|value| ordered(*value)).collect();
    let absolute_plan = packed::plan(&absolute);
    let unit = unit_of(values);
    let distance = reference.map(|reference| {
        assert_eq!(reference.len(), values.len(), "a reference has a time for every row");
        let rows = values.iter().zip(reference).filter_map(|(value, reference)| Some(((*value)?, reference)));
        let distances: Vec<u64> = rows
            .map(|(value, reference)| {
                ordered(reference.div_euclid(unit).wrapping_sub(value.div_euclid(unit)))
            })
            .collect();
        let plan = packed::plan(&distances);
        (distances, plan)
    });
    let (form, unit, values_kept, plan) = match &distance {
        Some((distances, plan)) if plan.bytes < absolute_plan.bytes => (DISTANCE, unit, distances, plan),
        _ => (ABSOLUTE, 1, &absolute, &absolute_plan),
    };
    out.push(form);
    out.extend_from_slice(&unit.to_le_bytes());
    presence::encode(values.iter().map(Option::is_some), out);
    put_u32(out, values_kept.len());
    plan.write(values_kept, out);
}

/// What divides all times, at least 1.
fn unit_of(values: &[Option<i64>]) -> i64 {
    let mut unit = 0;
    for value in values.iter().flatten() {
        if unit == 0 || !value.unsigned_abs().is_multiple_of(unit) {
            unit = packed::greatest_common_divisor(value.unsigned_abs(), unit);
            if unit == 1 {
                break;
            }
        }
    }
    i64::try_from(unit).unwrap_or(1).max(1)
}

/// A column of times in bytes that are borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    /// None if values are absolute.
    unit: Option<i64>,
    presence: Presence<'a>,
    values: Packed<'a>,
}

/// Where reading of a column upwards is. It is of one column until it forgets.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    presence: Reading,
    values: Window,
}

impl Cursor {
    /// Forgets what it read: the next column is another.
    pub fn forget(&mut self) {
        self.presence.forget();
        self.values.forget();
    }
}

impl<'a> Times<'a> {
    /// Opens the column at the front of `bytes`; gives it and how many bytes it takes.
    ///
    /// # Errors
    /// If the bytes are no column of `row_count` times.
    pub fn open(bytes: &'a [u8], row_count: u32) -> Result<(Times<'a>, usize), ColumnError> {
        let mut input = Input::new(bytes);
        let form = input.u8("a column of times")?;
        let unit = input.u64("a unit of times")?;
        let unit = match (form, i64::try_from(unit)) {
            (ABSOLUTE, Ok(1)) => None,
            (DISTANCE, Ok(unit)) if unit >= 1 => Some(unit),
            _ => return Err(input.error("a column of times of a known form")),
        };
        let presence = Presence::read(&mut input, row_count)?;
        let count = input.row_count(row_count, "at most a time a row")?;
        let values = Packed::read(&mut input, count)?;
        Ok((Times { unit, presence, values }, input.offset))
    }

    /// How many rows.
    pub fn row_count(&self) -> u32 {
        self.presence.row_count()
    }

    /// Whether readers must know the reference.
    pub fn needs_reference(&self) -> bool {
        self.unit.is_some()
    }

    /// The time of `row`, none if it is absent or past the end; `reference` is what [`encode_times`] was given for it.
    #[inline]
    pub fn get(&self, row: u32, reference: i64) -> Option<i64> {
        let number = self.presence.number(row)?;
        Some(self.time(self.values.get(number), reference))
    }

    /// As [`Times::get`], for whoever reads upwards.
    #[inline]
    pub fn get_next(&self, row: u32, reference: i64, cursor: &mut Cursor) -> Option<i64> {
        let number = self.presence.number_next(row, &mut cursor.presence)?;
        Some(self.time(cursor.values.get(&self.values, number), reference))
    }

    #[inline]
    fn time(&self, value: u64, reference: i64) -> i64 {
        match self.unit {
            None => restored(value),
            Some(1) => reference.wrapping_sub(restored(value)),
            Some(unit) => reference.div_euclid(unit).wrapping_sub(restored(value)).wrapping_mul(unit),
        }
    }

    /// Appends all times to `out`; a row whose reference is not given takes 0 for it.
    pub fn decode_into(&self, reference: &[i64], out: &mut Vec<Option<i64>>) {
        let mut cursor = Cursor::default();
        let references = reference.iter().copied().chain(std::iter::repeat(0));
        let rows = (0..self.row_count()).zip(references);
        out.extend(rows.map(|(row, reference)| self.get_next(row, reference, &mut cursor)));
    }
}
