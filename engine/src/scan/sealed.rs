//! A sealed segment's part of a scan: rows that window, severities and tenants leave, and those of them that the columns
//! leave.
//!
//! Rows are looked at in steps that never leave their group, inside it in the order of places, as far as that pays:
//! a tenant's rows are one run of places, so nobody else's are touched. Steps begin small, so that few entries cost
//! little, and grow while little is found.

use super::Order;
use super::columns::{Looking, Test};
use super::filter::Compiled;
use super::read::{push_places, walk_places};
use super::work::Work;
use crate::format::cbor::CborError;
use crate::format::column::BLOCK_ROWS;
use crate::format::column::times::Reference;
use crate::format::fuse;
use crate::format::segment::columns::Field;
use crate::format::segment::filters;
use crate::format::segment::places::{Places, Run};
use crate::format::segment::{GROUP_ROWS, SegmentError, times};
use crate::model::{Severity, Timestamp};
use crate::segment::blocks::Blocks;
use crate::segment::blocks::Wanted;
use crate::segment::view::{Cursors, RowTexts, View, bits};
use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::ops::Range;

/// Rows of the first step, and of the largest: a group.
const AIM_MIN: u32 = 64;
const AIM_MAX: u32 = 1 << 16;
const _: () = assert!(AIM_MAX as u64 == GROUP_ROWS);
/// A step that leaves fewer rows is followed by a larger one, one that leaves more by a smaller one.
const FOUND_MIN: usize = 512;
const FOUND_MAX: usize = 16_384;
/// If a step looks at one of so many rows of a group, or more, it goes through all places of the group: finding the
/// place of a row costs as much as looking at a few places in order.
const DENSE: usize = 8;
/// Who wants so many hits wants all.
const PATIENT: u64 = 10_000;

/// How much is done at once.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Rows of the next step.
    aim: u32,
    /// All hits are wanted: nobody waits for the first ones.
    is_patient: bool,
}

impl Pace {
    /// At the beginning of a scan that wants at most so many hits.
    pub fn new(most: u64) -> Pace {
        // Who wants all waits for all: small steps would read the same blocks and pages again and again.
        match most {
            ..PATIENT => Pace { aim: AIM_MIN, is_patient: false },
            _ => Pace { aim: AIM_MAX, is_patient: true },
        }
    }
}

/// What is left of a segment.
pub(super) struct Sealed {
    rows: Range<u32>,
    /// Rows of the severities that are asked for, unless tenants tell where to look.
    candidates: Option<RoaringBitmap>,
    /// Indexes into the tenant table, ascending.
    tenants: Option<Vec<u32>>,
    test: Test,
    /// Groups that may hold what is looked for, or all.
    groups: Option<Vec<bool>>,
    pace: Pace,
    /// Rows that the last step left.
    found: Vec<Found>,
    /// The group that was looked at last.
    group: Option<usize>,
    /// Row groups of the segment.
    group_count: u64,
}

/// A row that columns left, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub row: u32,
    pub place: u32,
}

/// Memory that reading needs again and again.
#[derive(Default)]
pub(super) struct Room {
    pub work: Work,
    texts: RowTexts,
    places: Vec<Range<u32>>,
}

/// Rows that a window leaves.
pub(super) fn rows_in_window(view: &View<'_>, compiled: &Compiled) -> Result<Range<u32>, SegmentError> {
    let footer = view.footer();
    let (from, to) = (compiled.logged_from.map(Timestamp::nanos), compiled.logged_to.map(Timestamp::nanos));
    let is_whole =
        from.is_none_or(|from| from <= footer.logged_at.0) && to.is_none_or(|to| to > footer.logged_at.1);
    if is_whole {
        return Ok(0..footer.entry_count);
    }
    if from.is_some_and(|from| from > footer.logged_at.1) || to.is_some_and(|to| to <= footer.logged_at.0) {
        return Ok(0..0);
    }
    Ok(view.times()?.rows_between(from, to))
}

/// Indexes of those tenants that the segment has, ascending.
pub(super) fn tenants_in(view: &View<'_>, tenants: &[String]) -> Result<Vec<u32>, SegmentError> {
    let table = view.tenants()?;
    let index = |tenant: &String| table.binary_search_by(|row| row.tenant.as_str().cmp(tenant)).ok();
    let mut own: Vec<u32> =
        tenants.iter().filter_map(index).filter_map(|index| u32::try_from(index).ok()).collect();
    own.sort_unstable();
    own.dedup();
    Ok(own)
}

/// Those of a run's places whose rows lie in a range: its rows ascend.
pub(super) fn places_in(view: &View<'_>, run: Run, rows: &Range<u32>) -> Result<Range<u32>, SegmentError> {
    let places = view.places()?;
    let (end, mut ends) = (run.first + run.count, [run.first; 2]);
    for (edge, at) in [rows.start, rows.end].into_iter().zip(&mut ends) {
        let mut high = end;
        while *at < high {
            let middle = at.midpoint(high);
            let row = places.row(middle).ok_or_else(|| outside(middle))?;
            if row < edge { *at = middle + 1 } else { high = middle }
        }
    }
    Ok(ends[0]..ends[1].max(ends[0]))
}

fn outside(place: u32) -> SegmentError {
    SegmentError { offset: 0, expected: "a row of the place's group", found: format!("place {place}") }
}

/// The part of these rows that lies in the group of the next one, and that group.
fn in_group(places: &Places<'_>, rows: &Range<u32>, order: Order) -> (usize, Range<u32>) {
    let next = match order {
        Order::Ascending => rows.start,
        Order::Descending => rows.end - 1,
    };
    let group = places.group_of(next);
    let range = places.groups().get(group).cloned().unwrap_or_default();
    (group, rows.start.max(range.start)..rows.end.min(range.end))
}

/// The next `count` of these rows.
fn nearest(rows: &Range<u32>, count: u32, order: Order) -> Range<u32> {
    match order {
        Order::Ascending => rows.start..rows.start.saturating_add(count).min(rows.end),
        Order::Descending => rows.end.saturating_sub(count).max(rows.start)..rows.end,
    }
}

/// Which groups may hold the request IDs that are looked for; none if that is not known.
fn groups_with(view: &View<'_>, compiled: &Compiled) -> Result<Option<Vec<bool>>, SegmentError> {
    let mut asked = compiled.exact.iter().filter(|exact| exact.column == filters::FIELD);
    let Some(exact) = asked.next().filter(|exact| !exact.has("") && !view.has_verbatim()) else {
        return Ok(None);
    };
    let Some(filters) = view.filters()? else { return Ok(None) };
    let keys: Vec<u64> = exact.values.iter().map(|value| fuse::key_of(value.as_bytes())).collect();
    let may_hold = |group| keys.iter().any(|key| filters.may_hold(group, *key));
    Ok(Some((0..filters.group_count()).map(may_hold).collect()))
}

fn rows_of(view: &View<'_>, severities: &[Severity]) -> Result<RoaringBitmap, SegmentError> {
    let classes = view.severities()?;
    let mut rows = RoaringBitmap::new();
    for severity in severities {
        rows |= &classes[usize::from(severity.class()) - 1];
    }
    Ok(rows)
}

impl Sealed {
    /// What of `rows` is left to look at; none if that is nothing.
    pub fn new(
        view: &View<'_>,
        compiled: &Compiled,
        rows: &Range<u32>,
        mut pace: Pace,
    ) -> Result<Option<Sealed>, SegmentError> {
        let window = rows_in_window(view, compiled)?;
        let rows = window.start.max(rows.start)..window.end.min(rows.end);
        if rows.is_empty() {
            return Ok(None);
        }
        let tenants = compiled.tenants.as_ref().map(|own| tenants_in(view, own)).transpose()?;
        if tenants.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        // Filters first: they cost a few cache lines, and templates are as many as a segment has.
        let groups = groups_with(view, compiled)?;
        if groups.as_ref().is_some_and(|groups| !groups.contains(&true)) {
            return Ok(None);
        }
        let Some(test) = Test::new(view, compiled)? else { return Ok(None) };
        let severities = compiled.severities.as_ref().filter(|_| tenants.is_none());
        let candidates = severities.map(|own| rows_of(view, own)).transpose()?;
        // Steps through a group that is nearly all refused cost more than looking at all of it at once.
        if compiled.exact.iter().any(|exact| exact.column == Field::RequestId) {
            pace.aim = AIM_MAX;
        }
        let group_count = view.places()?.groups().len() as u64;
        Ok(Some(Sealed {
            rows,
            candidates,
            tenants,
            test,
            groups,
            pace,
            found: Vec::new(),
            group: None,
            group_count,
        }))
    }

    /// How many rows are left to look at.
    pub fn row_count(&self) -> u32 {
        self.rows.end - self.rows.start
    }

    /// Row groups of the segment.
    pub fn group_count(&self) -> u64 {
        self.group_count
    }

    /// How the next segment goes on.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.rows.is_empty()
    }

    /// Looks at the next rows: `each` gets the places of those that may be hits, in order, with their commit times.
    pub fn next<'a>(
        &mut self,
        view: &View<'a>,
        compiled: &Compiled,
        order: Order,
        room: &mut Room,
        mut each: impl FnMut(u32, i64),
    ) -> Result<(), SegmentError> {
        view.with_cursors(|cursors| self.step(view, compiled, order, cursors, room))?;
        match order {
            Order::Ascending => self.found.sort_unstable(),
            Order::Descending => self.found.sort_unstable_by_key(|found| Reverse(*found)),
        }
        let (times, mut at) = (view.times()?, times::Cursor::default());
        for Found { row, place } in self.found.drain(..) {
            each(place, times.get_next(row, &mut at));
        }
        Ok(())
    }

    /// Looks at all that is left: `each` gets the rows that may be hits, in any order, and ranges to use.
    pub fn each_step<'a>(
        mut self,
        view: &View<'a>,
        compiled: &Compiled,
        room: &mut Room,
        mut each: impl FnMut(&mut Cursors<'a>, &mut [Found], &mut Vec<Range<u32>>) -> Result<(), SegmentError>,
    ) -> Result<(), SegmentError> {
        view.with_cursors(|cursors| {
            while !self.rows.is_empty() {
                self.pace.aim = AIM_MAX;
                self.step(view, compiled, Order::Ascending, cursors, room)?;
                each(cursors, &mut self.found, &mut room.places)?;
                self.found.clear();
            }
            Ok(())
        })
    }

    /// How many hits there are, and those that don't decode by position. No record is read unless it is kept whole.
    pub fn count(
        self,
        view: &View<'_>,
        compiled: &Compiled,
        room: &mut Room,
        mut undecoded: impl FnMut(u64, CborError),
    ) -> Result<u64, SegmentError> {
        let mut count = 0;
        self.each_step(view, compiled, room, |cursors, found, ranges| {
            if !compiled.asks_records(view) {
                count += found.len() as u64;
                return Ok(());
            }
            found.sort_unstable_by_key(|found| found.place);
            let places = found.iter().map(|found| found.place);
            walk_places(view, (places, |_| 0), compiled, (cursors, ranges), |seq, _, read| match read {
                Ok(hit) => count += u64::from(hit.is_some()),
                Err(error) => undecoded(seq, error),
            })
        })?;
        Ok(count)
    }

    /// Looks at the next rows, and takes them off those that are left.
    fn step<'a>(
        &mut self,
        view: &View<'a>,
        compiled: &Compiled,
        order: Order,
        cursors: &mut Cursors<'a>,
        room: &mut Room,
    ) -> Result<(), SegmentError> {
        if let Some(groups) = &self.groups {
            let places = view.places()?;
            while !self.rows.is_empty() {
                let (group, rows) = in_group(places, &self.rows, order);
                if groups.get(group) != Some(&false) {
                    break;
                }
                match order {
                    Order::Ascending => self.rows.start = rows.end,
                    Order::Descending => self.rows.end = rows.start,
                }
            }
            if self.rows.is_empty() {
                return Ok(());
            }
        }
        room.places.clear();
        let looked_at = match (&self.tenants, &self.candidates) {
            (Some(tenants), _) => self.places_of_tenants(view, tenants, order, &mut room.places)?,
            (None, candidates) => self.places_of_rows(view, candidates.as_ref(), order, &mut room.places)?,
        };
        match order {
            Order::Ascending => self.rows.start = looked_at.end.min(self.rows.end),
            Order::Descending => self.rows.end = looked_at.start.max(self.rows.start),
        }
        if let Some(first) = room.places.first() {
            let group = view.places()?.group_of(first.start);
            room.work.groups_looked_at += u64::from(self.group != Some(group));
            self.group = Some(group);
        }
        let before = cursors.decoded();
        room.work.rows_looked_at += room.places.iter().map(|own| own.len() as u64).sum::<u64>();
        self.look(view, compiled, &looked_at, cursors, room)?;
        room.work.rows_left += self.found.len() as u64;
        room.work.add_pages(cursors.decoded().since(before));
        match self.found.len() {
            ..FOUND_MIN => self.pace.aim = self.pace.aim.saturating_mul(4).min(AIM_MAX),
            FOUND_MAX.. if !self.pace.is_patient => self.pace.aim = (self.pace.aim / 2).max(AIM_MIN),
            _ => {}
        }
        Ok(())
    }

    /// Gives the next rows, and the places of the tenants' among them.
    fn places_of_tenants(
        &self,
        view: &View<'_>,
        tenants: &[u32],
        order: Order,
        out: &mut Vec<Range<u32>>,
    ) -> Result<Range<u32>, SegmentError> {
        let places = view.places()?;
        let (group, rows) = in_group(places, &self.rows, order);
        let runs = || tenants.iter().filter_map(|tenant| places.run_of(group, *tenant));
        let own: u64 = runs().map(|run| u64::from(run.count)).sum();
        let all = places.groups().get(group).map_or(0, ExactSizeIterator::len) as u64;
        // So many rows hold about as many of the tenants' as are wanted.
        let span = (u64::from(self.pace.aim) * all).checked_div(own).unwrap_or(all);
        let rows = nearest(&rows, u32::try_from(span).unwrap_or(u32::MAX), order);
        for run in runs() {
            let own = places_in(view, run, &rows)?;
            if !own.is_empty() {
                out.push(own);
            }
        }
        Ok(rows)
    }

    /// Gives the next rows, and places that hold all candidates among them.
    fn places_of_rows(
        &self,
        view: &View<'_>,
        candidates: Option<&RoaringBitmap>,
        order: Order,
        out: &mut Vec<Range<u32>>,
    ) -> Result<Range<u32>, SegmentError> {
        let mut rest = self.rows.clone();
        if let Some(candidates) = candidates {
            // What lies before the next candidate is passed over.
            let mut own = candidates.range(rest.clone());
            match order {
                Order::Ascending => rest.start = own.next().unwrap_or(rest.end),
                Order::Descending => rest.end = own.next_back().map_or(rest.start, |last| last + 1),
            }
            if rest.is_empty() {
                return Ok(self.rows.clone());
            }
        }
        let places = view.places()?;
        let (group, rest) = in_group(places, &rest, order);
        let aim = self.pace.aim as usize;
        let rows: Vec<u32> = match (candidates, order) {
            (None, _) => nearest(&rest, self.pace.aim, order).collect(),
            (Some(own), Order::Ascending) => own.range(rest.clone()).take(aim).collect(),
            (Some(own), Order::Descending) => own.range(rest.clone()).rev().take(aim).collect(),
        };
        let (first, last) = rows
            .iter()
            .fold((rest.end, rest.start), |(first, last), row| (first.min(*row), last.max(row + 1)));
        let is_last = rows.len() < aim;
        let looked_at = match order {
            Order::Ascending => self.rows.start..if is_last { rest.end } else { last },
            Order::Descending => (if is_last { rest.start } else { first })..self.rows.end,
        };
        let group = places.groups().get(group).cloned().unwrap_or_default();
        if rows.len() * DENSE >= group.len() {
            out.push(group);
            return Ok(looked_at);
        }
        let mut own = rows.into_iter().map(|row| view.place_of(row)).collect::<Result<Vec<u32>, _>>()?;
        own.sort_unstable();
        push_places(own, out);
        Ok(looked_at)
    }

    /// Keeps what passes of the places.
    fn look<'a>(
        &mut self,
        view: &View<'a>,
        compiled: &Compiled,
        rows: &Range<u32>,
        cursors: &mut Cursors<'a>,
        room: &mut Room,
    ) -> Result<(), SegmentError> {
        let places = view.places()?;
        let times = view.times()?;
        let mut at = times::Cursor::default();
        let Room { texts, places: ranges, .. } = room;
        let first = ranges.first().map_or(0, |first| first.start);
        let group = places.groups().get(places.group_of(first)).cloned().unwrap_or_default();
        let mut own = [0; BLOCK_ROWS as usize];
        for Wanted { block, rows: wanted } in Blocks::of(ranges) {
            let mut left = self.test.mark(view, block, wanted)?;
            for bit in bits(left) {
                let row = view.row_next(block * BLOCK_ROWS + bit, &group, cursors)?;
                own[bit as usize] = row;
                if !rows.contains(&row) {
                    left &= !(1 << bit);
                }
            }
            if left != 0 && !self.test.is_empty() {
                let mut looking = Looking { view, compiled, cursors, texts, block };
                left = self.test.settle(&mut looking, left, |bit| {
                    let row = own[bit as usize];
                    Reference { time: times.get_next(row, &mut at), row }
                })?;
            }
            let found =
                bits(left).map(|bit| Found { row: own[bit as usize], place: block * BLOCK_ROWS + bit });
            self.found.extend(found);
        }
        Ok(())
    }
}
