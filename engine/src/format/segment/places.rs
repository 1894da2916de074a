//! Where rows lie: a permutation, which is the tenant index at the same time.
//!
//! Rows come in groups of 65 536 positions of the chain, aligned to them. Inside a group they lie by tenant (in the
//! order of the tenant table), then by position: a tenant's entries of a group are one run of places.
//!
//! Section: number of runs (u32) · per group its number of runs · per run its tenant · per run its rows · per place the
//! row, counted from the first of its group. All but the first are packed columns.

use super::GROUP_ROWS;
use crate::format::column::ColumnError;
use crate::format::column::packed;
use crate::format::column::packed::Packed;
use crate::format::column::window::Window;
use std::ops::Range;

/// Places that hold one tenant's rows of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Index into the tenant table.
    pub tenant: u32,
    /// The first place.
    pub first: u32,
    /// Places.
    pub count: u32,
}

/// The groups that rows `0..row_count` of a segment lie in, as ranges of rows (and of places alike).
pub fn groups(first_seq: u64, row_count: u32) -> Vec<Range<u32>> {
    let mut groups = Vec::new();
    let mut from = 0;
    while from < row_count {
        let left = GROUP_ROWS - (first_seq + u64::from(from)) % GROUP_ROWS;
        let to = u32::try_from(u64::from(from) + left).map_or(row_count, |to| to.min(row_count));
        groups.push(from..to);
        from = to;
    }
    groups
}

/// Puts rows into places: the row of each place, and the runs.
pub fn arrange(first_seq: u64, tenants: &[u32], tenant_count: u32) -> (Vec<u32>, Vec<Run>) {
    let row_count = u32::try_from(tenants.len()).unwrap_or(u32::MAX);
    let mut rows = vec![0; tenants.len()];
    let mut runs = Vec::new();
    let mut next = vec![0_u32; tenant_count as usize];
    for group in groups(first_seq, row_count) {
        next.fill(0);
        let own = &tenants[group.start as usize..group.end as usize];
        own.iter().for_each(|tenant| next[*tenant as usize] += 1);
        let mut first = group.start;
        for (tenant, next) in (0..).zip(&mut next) {
            let count = std::mem::replace(next, first);
            if count > 0 {
                runs.push(Run { tenant, first, count });
                first += count;
            }
        }
        for (row, tenant) in group.zip(own) {
            let place = &mut next[*tenant as usize];
            rows[*place as usize] = row;
            *place += 1;
        }
    }
    (rows, runs)
}

/// Appends the section.
pub fn encode(first_seq: u64, rows: &[u32], runs: &[Run], out: &mut Vec<u8>) {
    let row_count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let groups = groups(first_seq, row_count);
    let run_count = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&run_count.to_le_bytes());
    let runs_of = |group: &Range<u32>| runs.iter().filter(|run| group.contains(&run.first)).count() as u64;
    packed::encode(&groups.iter().map(runs_of).collect::<Vec<_>>(), out);
    packed::encode(&runs.iter().map(|run| u64::from(run.tenant)).collect::<Vec<_>>(), out);
    packed::encode(&runs.iter().map(|run| u64::from(run.count)).collect::<Vec<_>>(), out);
    let in_group: Vec<u64> = groups
        .iter()
        .flat_map(|group| rows[group.start as usize..group.end as usize].iter().map(|row| row - group.start))
        .map(u64::from)
        .collect();
    packed::encode(&in_group, out);
}

/// The places of a segment, read from its section.
#[derive(Debug)]
pub struct Places<'a> {
    groups: Vec<Range<u32>>,
    /// Which of `runs` each group has.
    group_runs: Vec<Range<u32>>,
    runs: Vec<Run>,
    rows: Packed<'a>,
}

impl<'a> Places<'a> {
    /// Opens a section; what it says of runs is checked, rows are when they are asked for.
    ///
    /// # Errors
    /// Bytes of another shape; runs that don't fill their group, in the order of the table.
    pub fn open(
        bytes: &'a [u8],
        first_seq: u64,
        row_count: u32,
        tenant_count: u32,
    ) -> Result<Places<'a>, ColumnError> {
        let wrong = |expected| ColumnError::Shape { offset: 0, expected };
        let (count, mut rest) = bytes.split_first_chunk::<4>().ok_or(wrong("a number of runs"))?;
        let run_count = u32::from_le_bytes(*count);
        if run_count == 0 || run_count > row_count {
            return Err(wrong("at most a run for each row"));
        }
        let mut column = |count: u32| {
            let (column, used) = Packed::open(rest, count)?;
            rest = &rest[used..];
            Ok::<_, ColumnError>(column)
        };
        let groups = groups(first_seq, row_count);
        let group_counts = column(u32::try_from(groups.len()).unwrap_or(u32::MAX))?;
        let (tenants, counts, rows) = (column(run_count)?, column(run_count)?, column(row_count)?);
        if !rest.is_empty() {
            return Err(wrong("the end of the places"));
        }
        let mut runs: Vec<Run> = Vec::with_capacity(run_count as usize);
        let mut group_runs = Vec::with_capacity(groups.len());
        let mut run = 0;
        for (group, at) in groups.iter().zip(0..) {
            let end = u64::from(run) + group_counts.get(at);
            let end = u32::try_from(end).ok().filter(|end| *end <= run_count);
            let own = run..end.ok_or(wrong("runs of their groups"))?;
            let mut first = group.start;
            for at in own.clone() {
                let follows = at == own.start || tenants.get(at) > tenants.get(at - 1);
                let tenant = u32::try_from(tenants.get(at)).ok().filter(|tenant| *tenant < tenant_count);
                let count = u32::try_from(counts.get(at)).ok().filter(|count| *count > 0);
                let (Some(tenant), Some(count), true) = (tenant, count, follows) else {
                    return Err(wrong("runs of tenants of the table, in its order"));
                };
                runs.push(Run { tenant, first, count });
                first = first
                    .checked_add(count)
                    .filter(|end| *end <= group.end)
                    .ok_or(wrong("runs inside a group"))?;
            }
            if first != group.end {
                return Err(wrong("runs that fill their group"));
            }
            run = own.end;
            group_runs.push(own);
        }
        if run != run_count {
            return Err(wrong("every run in a group"));
        }
        Ok(Places { groups, group_runs, runs, rows })
    }

    /// Groups, as ranges of rows and of places.
    pub fn groups(&self) -> &[Range<u32>] {
        &self.groups
    }

    /// All runs, by place.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// A tenant's run in a group, if it has one.
    pub fn run_of(&self, group: usize, tenant: u32) -> Option<Run> {
        let own = self.group_runs.get(group)?;
        let own = &self.runs[own.start as usize..own.end as usize];
        own.binary_search_by_key(&tenant, |run| run.tenant).ok().map(|at| own[at])
    }

    /// The run that a place lies in.
    pub fn run_at(&self, place: u32) -> Option<Run> {
        let at = self.runs.partition_point(|run| run.first <= place).checked_sub(1)?;
        self.runs.get(at).copied()
    }

    /// The group that a row, or a place, lies in.
    pub fn group_of(&self, row: u32) -> usize {
        self.groups.partition_point(|group| group.end <= row)
    }

    /// The row at a place; none if the bytes point out of the group.
    pub fn row(&self, place: u32) -> Option<u32> {
        let group = self.groups.get(self.group_of(place))?;
        let row = u64::from(group.start) + self.rows.get(place);
        u32::try_from(row).ok().filter(|row| group.contains(row))
    }

    /// As [`Places::row`], for whoever reads upwards in a group that is known.
    #[inline]
    pub fn row_next(&self, place: u32, group: &Range<u32>, window: &mut Window) -> Option<u32> {
        let row = u64::from(group.start) + window.get(&self.rows, place);
        u32::try_from(row).ok().filter(|row| group.contains(row))
    }

    /// The place of each row of a group, counted from the group's first.
    ///
    /// # Errors
    /// Rows that are no permutation.
    pub fn inverse(&self, group: usize) -> Result<Vec<u16>, ColumnError> {
        let group = self.groups.get(group).cloned().unwrap_or_default();
        let mut places = vec![0; group.len()];
        let mut seen = vec![false; group.len()];
        for place in group.clone() {
            let row = self.row(place).map_or(usize::MAX, |row| (row - group.start) as usize);
            match seen.get_mut(row) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(ColumnError::Shape { offset: 0, expected: "each row at one place" }),
            }
            places[row] = u16::try_from(place - group.start).unwrap_or(u16::MAX);
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_back(
            first_seq in 0_u64..200_000,
            tenants in prop::collection::vec(0_u32..7, 1..3000),
        ) {
            // Groups far shorter than 65 536 rows are met at their borders only.
            let first_seq = first_seq / 65_536 * 65_536 + 65_536 - first_seq % 2_000;
            let row_count = u32::try_from(tenants.len()).unwrap();
            let (rows, runs) = arrange(first_seq, &tenants, 7);
            let mut bytes = Vec::new();
            encode(first_seq, &rows, &runs, &mut bytes);
            let places = Places::open(&bytes, first_seq, row_count, 7).unwrap();
            prop_assert_eq!(places.runs(), &runs);
            for (place, row) in (0..).zip(&rows) {
                prop_assert_eq!(places.row(place), Some(*row));
                prop_assert_eq!(places.run_at(place).unwrap().tenant, tenants[*row as usize]);
            }
            for (index, group) in places.groups().iter().enumerate() {
                let inverse = places.inverse(index).unwrap();
                for row in group.clone() {
                    let place = group.start + u32::from(inverse[(row - group.start) as usize]);
                    prop_assert_eq!(places.row(place), Some(row));
                }
                for tenant in 0..7 {
                    let own: Vec<u32> =
                        group.clone().filter(|row| tenants[*row as usize] == tenant).collect();
                    let run = places.run_of(index, tenant);
                    let found: Vec<u32> = run
                        .into_iter()
                        .flat_map(|run| run.first..run.first + run.count)
                        .filter_map(|place| places.row(place))
                        .collect();
                    prop_assert_eq!(found, own);
                }
            }
        }
    }
}
