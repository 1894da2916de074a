//! Optional times, in nanoseconds since the Unix epoch, over the whole range of 64 signed bits.
//!
//! Stored as themselves; as their distance before a reference that the reader has anyway, such as the commit time of the
//! same row; or as their distance behind a base of every 32 rows in the order of commits, for what is logged long after
//! it happened: times that follow each other there lie scattered here, where rows lie by tenant. The smallest is taken.
//! Distances are counted in the greatest unit that divides all of the column's times, the reference rounded down to it:
//! times in whole seconds cost no nanoseconds because the log's clock has them.
//!
//! ```text
//! form u8 (0 absolute, 1 reference, 2 bases), unit u64 (1 if absolute), presence (packed, 0 or 1)
//! packed, unless the presence is uniform with no bits: how many present rows are before each block of 128
//! bases only: the base of every 32 rows by number of row, in units (packed)
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
const REFERENCE: u8 = 1;
const BASES: u8 = 2;

/// Rows that share a base.
const BASE_ROWS: u32 = 32;

/// What a time may be told by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// A time that the reader has anyway.
    pub time: i64,
    /// Number of the row in the order of commits, less than the column's rows.
    pub row: u32,
}

/// Maps times to unsigned integers so that order stays.
fn ordered(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

fn restored(value: u64) -> i64 {
    (value ^ (1 << 63)).cast_signed()
}

/// Appends `values` to `out`; `references`, if given, has one for every value and must be given to readers again.
///
/// # Panics
/// If there are more than [`super::ROW_COUNT_MAX`] rows, or `references` has another number of them.
pub fn encode_times(values: &[Option<i64>], references: Option<&[Reference]>, out: &mut Vec<u8>) {
    row_count_of(values.len());
    let absolute: Vec<u64> = values.iter().flatten().map(|value| ordered(*value)).collect();
    let mut best = (ABSOLUTE, packed::plan(&absolute), absolute);
    let mut unit = 1;
    let mut bases = Vec::new();
    if let Some(references) = references {
        assert_eq!(references.len(), values.len(), "each value has a reference");
        let rows =
            values.iter().zip(references).filter_map(|(value, reference)| Some(((*value)?, reference)));
        let own_unit = unit_of(values);
        let counted: Vec<(i64, &Reference)> =
            rows.map(|(value, reference)| (value.div_euclid(own_unit), reference)).collect();
        let distances = counted
            .iter()
            .map(|(value, reference)| ordered(reference.time.div_euclid(own_unit).wrapping_sub(*value)))
            .collect();
        best = smaller(best, REFERENCE, distances, 0);
        let own_bases = bases_of(values.len(), &counted);
        let behind = |(value, reference): &(i64, &Reference)| {
            ordered(*value) - own_bases[(reference.row / BASE_ROWS) as usize]
        };
        let distances = counted.iter().map(behind).collect();
        packed::encode(&own_bases, &mut bases);
        best = smaller(best, BASES, distances, bases.len());
        if best.0 != ABSOLUTE {
            unit = own_unit;
        }
    }
    let (form, plan, kept) = best;
    out.push(form);
    out.extend_from_slice(&unit.to_le_bytes());
    presence::encode(values.iter().map(Option::is_some), out);
    if form == BASES {
        out.extend_from_slice(&bases);
    }
    put_u32(out, kept.len());
    plan.write(&kept, out);
}

type Choice = (u8, packed::Plan, Vec<u64>);

/// The smaller of a choice and another, that needs `beside` bytes more.
fn smaller(best: Choice, form: u8, values: Vec<u64>, beside: usize) -> Choice {
    let plan = packed::plan(&values);
    if plan.bytes + beside < best.1.bytes { (form, plan, values) } else { best }
}

/// The least value of each block of rows; of one that has none, that of the block before.
fn bases_of(row_count: usize, counted: &[(i64, &Reference)]) -> Vec<u64> {
    let mut bases = vec![u64::MAX; row_count.div_ceil(BASE_ROWS as usize)];
    for (value, reference) in counted {
        let base = &mut bases[(reference.row / BASE_ROWS) as usize];
        *base = ordered(*value).min(*base);
    }
    let mut last = bases.iter().copied().find(|base| *base != u64::MAX).unwrap_or(0);
    for base in &mut bases {
        if *base == u64::MAX {
            *base = last;
        }
        last = *base;
    }
    bases
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
    form: Form<'a>,
    presence: Presence<'a>,
    values: Packed<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    Absolute,
    Reference { unit: i64 },
    Bases { unit: i64, bases: Packed<'a> },
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
        let unit =
            i64::try_from(unit).ok().filter(|unit| *unit >= 1).filter(|unit| form != ABSOLUTE || *unit == 1);
        let unit = unit.ok_or(input.error("a unit of at least 1, and 1 of absolute times"))?;
        let presence = Presence::read(&mut input, row_count)?;
        let form = match form {
            ABSOLUTE => Form::Absolute,
            REFERENCE => Form::Reference { unit },
            BASES => Form::Bases { unit, bases: Packed::read(&mut input, row_count.div_ceil(BASE_ROWS))? },
            _ => return Err(input.error("a column of times of a known form")),
        };
        let count = input.row_count(row_count, "at most a time a row")?;
        let values = Packed::read(&mut input, count)?;
        Ok((Times { form, presence, values }, input.offset))
    }

    /// How many rows.
    pub fn row_count(&self) -> u32 {
        self.presence.row_count()
    }

    /// The time of `place`, none if it is absent or past the end; `reference` is what [`encode_times`] was given for it.
    #[inline]
    pub fn get(&self, place: u32, reference: Reference) -> Option<i64> {
        let number = self.presence.number(place)?;
        Some(self.time(self.values.get(number), reference))
    }

    /// As [`Times::get`], for whoever reads upwards.
    #[inline]
    pub fn get_next(&self, place: u32, reference: Reference, cursor: &mut Cursor) -> Option<i64> {
        let number = self.presence.number_next(place, &mut cursor.presence)?;
        Some(self.time(cursor.values.get(&self.values, number), reference))
    }

    #[inline]
    fn time(&self, value: u64, reference: Reference) -> i64 {
        match self.form {
            Form::Absolute => restored(value),
            Form::Reference { unit: 1 } => reference.time.wrapping_sub(restored(value)),
            Form::Reference { unit } => {
                reference.time.div_euclid(unit).wrapping_sub(restored(value)).wrapping_mul(unit)
            }
            Form::Bases { unit, bases } => {
                restored(bases.get(reference.row / BASE_ROWS).wrapping_add(value)).wrapping_mul(unit)
            }
        }
    }

    /// Appends all times to `out`; a row whose reference is not given takes the default for it.
    pub fn decode_into(&self, references: &[Reference], out: &mut Vec<Option<i64>>) {
        let mut cursor = Cursor::default();
        let references = references.iter().copied().chain(std::iter::repeat(Reference::default()));
        let rows = (0..self.row_count()).zip(references);
        out.extend(rows.map(|(place, reference)| self.get_next(place, reference, &mut cursor)));
    }
}
