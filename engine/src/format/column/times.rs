//! Optional times, in nanoseconds since the Unix epoch, over the whole range of 64 signed bits.
//!
//! Stored as themselves or as their distance before a reference that the reader has anyway, such as the commit time
//! of the same row; the smaller is taken. Distances are counted in the greatest unit that divides all of the column's
//! times, the reference rounded down to it: times in whole seconds cost no nanoseconds because the log's clock has them.
//!
//! ```text
//! form u8 (0 absolute, 1 distance), unit u64 (1 if absolute), presence (packed), values (packed)
//! ```
//!
//! An absent row holds a value that its block has anyway.

use super::BLOCK_ROWS;
use super::ColumnError;
use super::Input;
use super::packed;
use super::packed::Packed;
use super::row_count_of;

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
    let absolute = filled(values.iter().map(|value| value.map(ordered)));
    let absolute_plan = packed::plan(&absolute);
    let unit = unit_of(values);
    let distance = reference.map(|reference| {
        assert_eq!(reference.len(), values.len(), "a reference has a time for every row");
        let distances = filled(values.iter().zip(reference).map(|(value, reference)| {
            value.map(|value| ordered(reference.div_euclid(unit).wrapping_sub(value.div_euclid(unit))))
        }));
        let plan = packed::plan(&distances);
        (distances, plan)
    });
    let (form, unit, values_kept, plan) = match &distance {
        Some((distances, plan)) if plan.bytes < absolute_plan.bytes => (DISTANCE, unit, distances, plan),
        _ => (ABSOLUTE, 1, &absolute, &absolute_plan),
    };
    out.push(form);
    out.extend_from_slice(&unit.to_le_bytes());
    let presence: Vec<u64> = values.iter().map(|value| u64::from(value.is_some())).collect();
    packed::encode(&presence, out);
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

/// Gives absent rows a value that is near: the one before in their block, else the next in it, else the last of all.
fn filled(values: impl Iterator<Item = Option<u64>>) -> Vec<u64> {
    let given: Vec<Option<u64>> = values.collect();
    let mut last = given.iter().flatten().next().copied().unwrap_or(ordered(0));
    let mut out = Vec::with_capacity(given.len());
    for block in given.chunks(BLOCK_ROWS as usize) {
        last = block.iter().flatten().next().copied().unwrap_or(last);
        for value in block {
            last = value.unwrap_or(last);
            out.push(last);
        }
    }
    out
}

/// A column of times in bytes that are borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    /// None if values are absolute.
    unit: Option<i64>,
    presence: Packed<'a>,
    values: Packed<'a>,
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
        let presence = Packed::read(&mut input, row_count)?;
        let values = Packed::read(&mut input, row_count)?;
        Ok((Times { unit, presence, values }, input.offset))
    }

    /// How many rows.
    pub fn row_count(&self) -> u32 {
        self.values.row_count()
    }

    /// Whether readers must know the reference.
    pub fn needs_reference(&self) -> bool {
        self.unit.is_some()
    }

    /// The time of `row`, none if it is absent or past the end; `reference` is what [`encode_times`] was given for it.
    #[inline]
    pub fn get(&self, row: u32, reference: i64) -> Option<i64> {
        (self.presence.get(row) != 0).then(|| self.time(self.values.get(row), reference))
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
        let (mut presence, mut values) = (Vec::new(), Vec::new());
        self.presence.decode_into(&mut presence);
        self.values.decode_into(&mut values);
        let references = reference.iter().copied().chain(std::iter::repeat(0));
        out.extend(
            presence
                .iter()
                .zip(&values)
                .zip(references)
                .map(|((present, value), reference)| (*present != 0).then(|| self.time(*value, reference))),
        );
    }
}
