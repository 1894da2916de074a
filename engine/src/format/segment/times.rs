//! Commit times, by row: they never decrease, and all rows of one commit share one.
//!
//! Section: number of commits (u32) · per commit its first row · per commit its time, less the first one's. Where
//! nearly every row is a commit of its own the first rows are 0, 1, 2, … and cost nothing.

use crate::format::column::ColumnError;
use crate::format::column::packed;
use crate::format::column::packed::Packed;
use std::ops::Range;

/// Appends the section.
pub fn encode(times: &[i64], out: &mut Vec<u8>) {
    let mut firsts = Vec::new();
    let mut values = Vec::new();
    let base = times.first().copied().unwrap_or_default();
    let mut last = None;
    for (row, time) in (0_u64..).zip(times) {
        if last != Some(*time) {
            firsts.push(row);
            values.push(time.wrapping_sub(base).cast_unsigned());
            last = Some(*time);
        }
    }
    // The number of a commit is its first row, less the rows that earlier commits have beyond one each.
    let beyond: Vec<u64> = firsts.iter().zip(0..).map(|(first, number)| first - number).collect();
    out.extend_from_slice(&u32::try_from(firsts.len()).unwrap_or(u32::MAX).to_le_bytes());
    packed::encode(&beyond, out);
    packed::encode(&values, out);
}

/// The commit times of a segment, read from its section.
#[derive(Debug)]
pub struct Times<'a> {
    base: i64,
    row_count: u32,
    commit_count: u32,
    beyond: Packed<'a>,
    values: Packed<'a>,
}

/// The commit that was read last. It is of one section until a new one takes its place.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    commit: u32,
    /// Its rows; empty if there is none.
    rows: Range<u32>,
    time: i64,
}

impl<'a> Times<'a> {
    /// Opens a section; `base` is the first commit time, which the footer has.
    ///
    /// # Errors
    /// Bytes of another shape.
    pub fn open(bytes: &'a [u8], row_count: u32, base: i64) -> Result<Times<'a>, ColumnError> {
        let wrong = |expected| ColumnError::Shape { offset: 0, expected };
        let (count, rest) = bytes.split_first_chunk::<4>().ok_or(wrong("a number of commits"))?;
        let commit_count = u32::from_le_bytes(*count);
        if commit_count == 0 || commit_count > row_count {
            return Err(wrong("at most a commit for each row"));
        }
        let (beyond, used) = Packed::open(rest, commit_count)?;
        let (values, more) = Packed::open(&rest[used..], commit_count)?;
        if used + more != rest.len() {
            return Err(wrong("the end of the commit times"));
        }
        Ok(Times { base, row_count, commit_count, beyond, values })
    }

    /// Commits.
    pub fn commit_count(&self) -> u32 {
        self.commit_count
    }

    fn first_row(&self, commit: u32) -> u64 {
        self.beyond.get(commit).saturating_add(u64::from(commit))
    }

    fn commit_time(&self, commit: u32) -> i64 {
        self.base.wrapping_add(self.values.get(commit).cast_signed())
    }

    /// The first commit that `is_past` says true of; they are in order.
    fn partition(&self, is_past: impl Fn(u32) -> bool) -> u32 {
        let (mut low, mut high) = (0, self.commit_count);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_past(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// The commit time of a row.
    pub fn get(&self, row: u32) -> i64 {
        let behind = self.partition(|commit| self.first_row(commit) > u64::from(row));
        self.commit_time(behind.saturating_sub(1))
    }

    /// As [`Times::get`], for whoever reads upwards: the next row is often of the same commit or one soon behind.
    pub fn get_next(&self, row: u32, cursor: &mut Cursor) -> i64 {
        const NEAR: u32 = 4;
        if cursor.rows.contains(&row) {
            return cursor.time;
        }
        let mut commit = cursor.commit;
        let is_near = row >= cursor.rows.end && !cursor.rows.is_empty() && {
            (0..NEAR).any(|_| {
                commit += 1;
                self.end_row(commit) > u64::from(row)
            })
        };
        if !is_near {
            commit = self.partition(|commit| self.first_row(commit) > u64::from(row)).saturating_sub(1);
        }
        let bounded = |row: u64| u32::try_from(row).unwrap_or(u32::MAX);
        let rows = bounded(self.first_row(commit))..bounded(self.end_row(commit));
        *cursor = Cursor { commit, rows, time: self.commit_time(commit) };
        cursor.time
    }

    /// The row behind those of a commit.
    fn end_row(&self, commit: u32) -> u64 {
        match commit + 1 {
            next if next < self.commit_count => self.first_row(next),
            _ => u64::from(self.row_count),
        }
    }

    /// Rows committed at or after `from` and before `to`.
    pub fn rows_between(&self, from: Option<i64>, to: Option<i64>) -> Range<u32> {
        let row_at = |time: i64| {
            let commit = self.partition(|commit| self.commit_time(commit) >= time);
            if commit == self.commit_count {
                return self.row_count;
            }
            u32::try_from(self.first_row(commit)).map_or(self.row_count, |row| row.min(self.row_count))
        };
        let start = from.map_or(0, row_at);
        start..to.map_or(self.row_count, row_at).max(start)
    }

    /// The commit time of every row.
    ///
    /// # Errors
    /// Commits that are not in order, or have no row.
    pub fn decode(&self) -> Result<Vec<i64>, ColumnError> {
        let wrong = || ColumnError::Shape { offset: 0, expected: "commits in order, with a row each" };
        let mut times = Vec::with_capacity(self.row_count as usize);
        for commit in 0..self.commit_count {
            let first = self.first_row(commit);
            let end = self.end_row(commit);
            let time = self.commit_time(commit);
            let follows = times.last().is_none_or(|last| *last < time);
            if first != times.len() as u64 || end <= first || end > u64::from(self.row_count) || !follows {
                return Err(wrong());
            }
            times.resize(usize::try_from(end).map_err(|_| wrong())?, time);
        }
        Ok(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_come_back(
            base in any::<i32>(),
            commits in prop::collection::vec((1_i64..1_000_000, 1_usize..5), 1..400),
        ) {
            let mut times = Vec::new();
            let mut time = i64::from(base);
            for (step, rows) in commits {
                time += step;
                times.resize(times.len() + rows, time);
            }
            let row_count = u32::try_from(times.len()).unwrap();
            let mut bytes = Vec::new();
            encode(&times, &mut bytes);
            let read = Times::open(&bytes, row_count, times[0]).unwrap();
            prop_assert_eq!(&read.decode().unwrap(), &times);
            for (row, time) in (0..).zip(&times) {
                prop_assert_eq!(read.get(row), *time);
            }
            for step in [1, 3, 17] {
                let mut cursor = Cursor::default();
                for row in (0..row_count).step_by(step).chain([0]) {
                    prop_assert_eq!(read.get_next(row, &mut cursor), times[row as usize]);
                }
            }
            for edge in [times[0] - 1, times[0], times[times.len() / 2], times[times.len() - 1] + 1] {
                let start = u32::try_from(times.partition_point(|time| *time < edge)).unwrap();
                prop_assert_eq!(read.rows_between(Some(edge), None), start..row_count);
                prop_assert_eq!(read.rows_between(None, Some(edge)), 0..start);
            }
        }
    }
}
