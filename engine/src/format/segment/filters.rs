//! Which request IDs a group may hold: a fuse filter for each group, so that looking for one request skips the others.
//!
//! Section: the filters of all groups, one after the other. What a record that is kept whole says is in none.

use super::columns::Field;
use super::places;
use crate::format::column::ColumnError;
use crate::format::fuse;
use crate::format::fuse::Fuse;

/// The field that is filtered.
pub const FIELD: Field = Field::RequestId;

/// A text as the filters know it.
pub fn key_of(text: &[u8]) -> u64 {
    fuse::key_of(text)
}

/// The section; none if no row has a request ID. `keys` are the rows' that have one, with their places, upwards.
pub fn encode(keys: &[(u32, u64)], first_seq: u64, row_count: u32) -> Option<Vec<u8>> {
    if keys.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    let mut rest = keys;
    for group in places::groups(first_seq, row_count) {
        let (own, behind) = rest.split_at(rest.partition_point(|(place, _)| *place < group.end));
        rest = behind;
        let mut keys: Vec<u64> = own.iter().map(|(_, key)| *key).collect();
        // Without a filter for each group there is none: readers look at all rows then.
        if !fuse::encode(&mut keys, &mut out) {
            return None;
        }
    }
    Some(out)
}

/// The filters of a segment, by group.
#[derive(Debug)]
pub struct Filters<'a>(Vec<Fuse<'a>>);

impl<'a> Filters<'a> {
    /// Opens a section.
    ///
    /// # Errors
    /// Bytes that are not a filter for each group.
    pub fn open(bytes: &'a [u8], first_seq: u64, row_count: u32) -> Result<Filters<'a>, ColumnError> {
        let wrong = |rest: &[u8]| ColumnError::Shape {
            offset: bytes.len() - rest.len(),
            expected: "a filter for each group",
        };
        let mut rest = bytes;
        let mut filters = Vec::new();
        for _ in places::groups(first_seq, row_count) {
            let (filter, behind) = Fuse::open(rest).ok_or_else(|| wrong(rest))?;
            filters.push(filter);
            rest = behind;
        }
        if rest.is_empty() { Ok(Filters(filters)) } else { Err(wrong(rest)) }
    }

    /// How many groups.
    pub fn group_count(&self) -> usize {
        self.0.len()
    }

    /// Whether a group may hold a text with this key; certainly not if this says so.
    pub fn may_hold(&self, group: usize, key: u64) -> bool {
        self.0.get(group).is_none_or(|filter| filter.may_hold(key))
    }
}
