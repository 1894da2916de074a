//! Optional byte strings: of one fixed length each on its own, others in pages.
//!
//! ```text
//! form u8 (0 pages, 1 fixed), presence: as of times
//! fixed: count u32, length u32, the strings; pages: see `page`
//! ```

use super::ColumnError;
use super::Effort;
use super::Input;
use super::VALUE_BYTES_MAX;
use super::page;
use super::page::Pages;
use super::page::{Decoded, PageCache};
use super::presence;
use super::presence::Presence;
use super::presence::Reading;
use super::put_u32;
use super::row_count_of;

const PAGED: u8 = 0;
const FIXED: u8 = 1;
/// Strings of one length up to this are hashes and the like: nothing would compress them.
const FIXED_BYTES_MAX: usize = 64;

/// Appends a column of `values` to `out`. `runs` are the first places of the runs of one tenant, ascending from 0.
///
/// # Panics
/// If there are more than [`super::ROW_COUNT_MAX`] values, or one is longer than [`VALUE_BYTES_MAX`].
pub fn encode(values: &[Option<&[u8]>], runs: &[u32], effort: Effort, out: &mut Vec<u8>) {
    row_count_of(values.len());
    let rows: Vec<(u32, &[u8])> =
        (0..).zip(values).filter_map(|(place, value)| value.map(|value| (place, value))).collect();
    assert!(rows.iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX), "a byte string of 256 KiB at most");
    let length = rows.first().map_or(0, |(_, value)| value.len());
    let is_fixed =
        (1..=FIXED_BYTES_MAX).contains(&length) && rows.iter().all(|(_, value)| value.len() == length);
    out.push(if is_fixed { FIXED } else { PAGED });
    presence::encode(values.iter().map(Option::is_some), out);
    if is_fixed {
        put_u32(out, rows.len());
        put_u32(out, length);
        rows.iter().for_each(|(_, value)| out.extend_from_slice(value));
    } else {
        page::encode(&rows, runs, effort, out);
    }
}

/// A column of byte strings in bytes that are borrowed.
#[derive(Clone, Debug)]
pub struct Bytes<'a> {
    /// All of it; also tells a cursor which column it was used with.
    bytes: &'a [u8],
    presence: Presence<'a>,
    strings: Strings<'a>,
}

#[derive(Clone, Debug)]
enum Strings<'a> {
    Fixed { length: usize, bytes: &'a [u8] },
    Paged(Box<Pages<'a>>),
}

/// The last page that was decoded.
#[derive(Default)]
pub struct Cursor<'a> {
    column: &'a [u8],
    presence: Reading,
    page: PageCache,
}

impl Cursor<'_> {
    /// Pages that were decoded so far.
    pub fn decoded(&self) -> Decoded {
        self.page.decoded()
    }

    /// A cursor that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<'a> Bytes<'a> {
    /// Opens the column at the front of `bytes`; gives it and how many bytes it takes.
    ///
    /// # Errors
    /// If the bytes are no column of `row_count` byte strings.
    pub fn open(bytes: &'a [u8], row_count: u32) -> Result<(Bytes<'a>, usize), ColumnError> {
        let mut input = Input::new(bytes);
        let form = input.u8("a column of byte strings")?;
        let presence = Presence::read(&mut input, row_count)?;
        let strings = match form {
            PAGED => Strings::Paged(Box::new(Pages::read(&mut input, row_count)?)),
            FIXED => {
                let count = input.count(row_count as usize, "at most a string a row")?;
                let length = input.count(FIXED_BYTES_MAX, "strings of at most 64 bytes")?;
                Strings::Fixed { length, bytes: input.take(count * length, "the strings")? }
            }
            _ => return Err(input.error("a column of byte strings of a known form")),
        };
        let bytes = &bytes[..input.offset];
        Ok((Bytes { bytes, presence, strings }, input.offset))
    }

    /// How many rows.
    pub fn row_count(&self) -> u32 {
        self.presence.row_count()
    }

    /// Whether a row has a string; false past the end.
    pub fn is_present(&self, place: u32) -> bool {
        self.presence.is_present(place)
    }

    /// The string of a row, none if it is absent.
    ///
    /// # Errors
    /// If the row is past the end, or its page does not decode.
    pub fn get<'c>(&self, place: u32, cursor: &'c mut Cursor<'a>) -> Result<Option<&'c [u8]>, ColumnError> {
        let error = |expected| ColumnError::Row { place, expected };
        if place >= self.row_count() {
            return Err(error("a place before the column's end"));
        }
        if !std::ptr::eq(self.bytes, cursor.column) {
            cursor.column = self.bytes;
            cursor.page.forget();
            cursor.presence.forget();
        }
        let Some(number) = self.presence.number_next(place, &mut cursor.presence) else { return Ok(None) };
        let missing = || error("a string for every present row");
        match &self.strings {
            Strings::Fixed { length, bytes } => {
                let begin = (number as usize).checked_mul(*length).ok_or_else(missing)?;
                let string = bytes.get(begin..).and_then(|rest| rest.get(..*length)).ok_or_else(missing)?;
                Ok(Some(string))
            }
            Strings::Paged(pages) => {
                if number >= pages.string_count() {
                    return Err(missing());
                }
                pages.get(number, &mut cursor.page).map(Some)
            }
        }
    }
}
