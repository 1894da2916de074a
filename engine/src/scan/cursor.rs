//! One chain's part of a scan: its entries in one order, over sealed segments and the open one.

use super::filter::Compiled;
use super::{Hit, Order, ScanProblem};
use crate::format::record;
use crate::format::segment::SegmentError;
use crate::model::{Severity, Timestamp};
use crate::open::Located;
use crate::segment::Segment;
use crate::segment::view::View as SegmentView;
use crate::view::{Chain, Parts};
use roaring::RoaringBitmap;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Rows read under one hold of a chain's lock: appends wait no longer than that.
const STEP_ROWS: usize = 64;
/// Rows whose severity is looked at for them.
const LOOK_ROWS: usize = 1 << 16;

/// One chain's part of a scan.
pub(super) struct Cursor {
    chain: Arc<Chain>,
    /// Where entries lie that were not looked at yet, the next first.
    places: VecDeque<Place>,
    source: Option<Source>,
    ready: VecDeque<Hit>,
}

/// Where the next entries lie, and what is left to look at there.
struct Source {
    place: Place,
    rows: Range<u32>,
    /// Rows that the index leaves, or all.
    candidates: Option<RoaringBitmap>,
}

/// Entries that lie together.
enum Place {
    /// In a sealed segment: those of its positions that are wanted.
    Sealed(Arc<Segment>, Range<u64>),
    /// In the open segment, as long as that begins behind the position `sealed_end`.
    Open { seqs: Range<u64>, sealed_end: u64 },
}

/// The rows of an open segment were sealed since a source was made.
struct Moved;

/// Where a chain's entries of these positions lie, in the order in which they are wanted.
fn places_of(parts: &Parts, seqs: &Range<u64>, order: Order) -> VecDeque<Place> {
    let clip = |from: u64, to: u64| seqs.start.max(from)..seqs.end.min(to);
    let sealed = parts.sealed.iter().map(|segment| {
        let footer = segment.footer();
        (Some(segment), clip(footer.first_seq, footer.end_seq()))
    });
    let sealed_end = parts.sealed_end();
    let mut places: VecDeque<Place> = sealed
        .chain([(None, clip(sealed_end, u64::MAX))])
        .filter(|(_, seqs)| !seqs.is_empty())
        .map(|(segment, seqs)| match segment {
            Some(segment) => Place::Sealed(Arc::clone(segment), seqs),
            None => Place::Open { seqs, sealed_end },
        })
        .collect();
    if order == Order::Descending {
        places.make_contiguous().reverse();
    }
    places
}

impl Cursor {
    pub fn new(chain: Arc<Chain>, order: Order) -> Cursor {
        let places = chain.read(|parts| {
            let end = parts.open.end_seq().unwrap_or(parts.sealed_end());
            places_of(parts, &(0..end), order)
        });
        Cursor { chain, places, source: None, ready: VecDeque::new() }
    }

    /// The next hit, after [`Cursor::fill`].
    pub fn next_hit(&self) -> Option<&Hit> {
        self.ready.front()
    }

    pub fn take_hit(&mut self) -> Option<Hit> {
        self.ready.pop_front()
    }

    /// Looks at entries until one matches or none is left.
    pub fn fill(&mut self, compiled: &Compiled, order: Order, problems: &mut Vec<ScanProblem>) {
        while self.ready.is_empty() {
            let Some(mut source) = self.source.take() else {
                let Some(place) = self.places.pop_front() else { return };
                match self.source_at(place, compiled, problems) {
                    Ok(source) => self.source = source,
                    Err(seqs) => self.follow(&seqs, order),
                }
                continue;
            };
            let located = match &mut source.place {
                Place::Open { seqs, sealed_end } => {
                    let (rows, candidates) = (&mut source.rows, source.candidates.as_ref());
                    match read_open(&self.chain, seqs, *sealed_end, rows, candidates, compiled, order) {
                        Ok(located) => located,
                        Err(Moved) => {
                            self.follow(seqs, order);
                            continue;
                        }
                    }
                }
                Place::Sealed(segment, _) => {
                    let step = next_rows(&mut source.rows, source.candidates.as_ref(), order, |_| true);
                    segment.read(|view| read_rows(view, &step)).unwrap_or_else(|error| {
                        // The rest of the segment is given up: what it says cannot be relied on.
                        problems.push(problem(&self.chain, segment, &error));
                        source.rows = 0..0;
                        Vec::new()
                    })
                }
            };
            if !source.rows.is_empty() {
                self.source = Some(source);
            }
            for located in located {
                let hit = Hit { located };
                match record::decode(hit.record()) {
                    Ok(record) if compiled.matches(&record) => self.ready.push_back(hit),
                    Ok(_) => {}
                    Err(error) => problems.push(ScanProblem {
                        service: self.chain.service().to_owned(),
                        seq: hit.seq(),
                        detail: format!("its record does not decode: {error}"),
                    }),
                }
            }
        }
    }

    /// Looks again where entries lie that are not where they were.
    fn follow(&mut self, seqs: &Range<u64>, order: Order) {
        let places = self.chain.read(|parts| places_of(parts, seqs, order));
        places.into_iter().rev().for_each(|place| self.places.push_front(place));
    }

    /// What window and index leave of a place; none if that is nothing. The positions if they lie elsewhere by now.
    fn source_at(
        &self,
        place: Place,
        compiled: &Compiled,
        problems: &mut Vec<ScanProblem>,
    ) -> Result<Option<Source>, Range<u64>> {
        let (rows, candidates) = match &place {
            Place::Open { seqs, sealed_end } => self.chain.read(|parts| {
                if parts.sealed_end() != *sealed_end {
                    return Err(seqs.clone());
                }
                let between = parts.open.rows_between(compiled.logged_from, compiled.logged_to);
                let (first, end) = (parts.open.rows_from(seqs.start), parts.open.rows_from(seqs.end));
                let rows = between.start.max(first)..between.end.min(end);
                let tenants = compiled.tenants.as_ref();
                let candidates = tenants.map(|tenants| parts.open.rows_of(tenants, &rows));
                Ok((rows, candidates))
            })?,
            Place::Sealed(segment, seqs) => match segment.read(|view| sealed_rows(view, compiled)) {
                Ok((rows, candidates)) => {
                    let first_seq = segment.footer().first_seq;
                    let row = |seq: u64| u32::try_from(seq - first_seq).unwrap_or(u32::MAX);
                    (rows.start.max(row(seqs.start))..rows.end.min(row(seqs.end)), candidates)
                }
                Err(error) => {
                    problems.push(problem(&self.chain, segment, &error));
                    return Ok(None);
                }
            },
        };
        Ok((!rows.is_empty()).then_some(Source { place, rows, candidates }))
    }
}

fn problem(chain: &Chain, segment: &Segment, error: &SegmentError) -> ScanProblem {
    let footer = segment.footer();
    ScanProblem {
        service: chain.service().to_owned(),
        seq: footer.first_seq,
        detail: format!(
            "{}, {error}: entries {} to {} cannot be read from here on",
            segment.path(),
            footer.first_seq,
            footer.end_seq() - 1
        ),
    }
}

/// The next rows of the open segment, under one hold of the chain's lock; `seqs` are then what is left.
fn read_open(
    chain: &Chain,
    seqs: &mut Range<u64>,
    sealed_end: u64,
    rows: &mut Range<u32>,
    candidates: Option<&RoaringBitmap>,
    compiled: &Compiled,
    order: Order,
) -> Result<Vec<Located>, Moved> {
    chain.read(|parts| {
        // Rows are numbered from the end of what is sealed.
        if parts.sealed_end() != sealed_end {
            return Err(Moved);
        }
        let step = next_rows(rows, candidates, order, |row| {
            compiled.severities.as_ref().is_none_or(|own| own.contains(&parts.open.severity(row)))
        });
        if rows.start < rows.end {
            *seqs = parts.open.seq(rows.start)..parts.open.seq(rows.end - 1) + 1;
        }
        Ok(step.into_iter().map(|row| parts.open.locate(row)).collect())
    })
}

/// Rows of a segment that window, severities and tenants leave.
fn sealed_rows(
    view: &SegmentView<'_>,
    compiled: &Compiled,
) -> Result<(Range<u32>, Option<RoaringBitmap>), SegmentError> {
    let footer = view.footer();
    let mut rows = 0..footer.entry_count;
    let (from, to) = (compiled.logged_from.map(Timestamp::nanos), compiled.logged_to.map(Timestamp::nanos));
    let is_whole =
        from.is_none_or(|from| from <= footer.logged_at.0) && to.is_none_or(|to| to > footer.logged_at.1);
    if !is_whole {
        rows = view.times()?.rows_between(from, to);
    }
    if rows.is_empty() {
        return Ok((rows, None));
    }
    let by_severity = compiled.severities.as_ref().map(|own| rows_of_severities(view, own)).transpose()?;
    let by_tenant = compiled.tenants.as_ref().map(|own| rows_of_tenants(view, own, &rows)).transpose()?;
    Ok((
        rows,
        match (by_severity, by_tenant) {
            (Some(a), Some(b)) => Some(a & b),
            (rows, None) | (None, rows) => rows,
        },
    ))
}

fn rows_of_severities(
    view: &SegmentView<'_>,
    severities: &[Severity],
) -> Result<RoaringBitmap, SegmentError> {
    let classes = view.severities()?;
    let mut rows = RoaringBitmap::new();
    for severity in severities {
        rows |= &classes[usize::from(severity.class()) - 1];
    }
    Ok(rows)
}

/// Rows of tenants, in the groups that `within` touches.
fn rows_of_tenants(
    view: &SegmentView<'_>,
    tenants: &[String],
    within: &Range<u32>,
) -> Result<RoaringBitmap, SegmentError> {
    let (table, places) = (view.tenants()?, view.places()?);
    let mut rows = RoaringBitmap::new();
    for tenant in tenants {
        let Ok(index) = table.binary_search_by(|row| row.tenant.as_str().cmp(tenant)) else { continue };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        for group in places.group_of(within.start)..=places.group_of(within.end - 1) {
            let Some(run) = places.run_of(group, index) else { continue };
            for place in run.first..run.first + run.count {
                let wrong = || SegmentError {
                    offset: 0,
                    expected: "a row of the place's group",
                    found: format!("place {place}"),
                };
                rows.insert(places.row(place).ok_or_else(wrong)?);
            }
        }
    }
    Ok(rows)
}

/// The records of rows, put together from their columns.
fn read_rows(view: &SegmentView<'_>, rows: &[u32]) -> Result<Vec<Located>, SegmentError> {
    let mut located = Vec::with_capacity(rows.len());
    for row in rows {
        let place = view.place_of(*row)?;
        let (run, index) = view.run_at(place)?;
        let head = view.head(place, run, index)?;
        let mut record = Vec::with_capacity(512);
        view.with_cursors(|cursors| view.record(place, &head, cursors, &mut record))?;
        located.push(Located {
            record: record.into(),
            seq: head.seq,
            logged_at: Timestamp::from_nanos(head.logged_at),
        });
    }
    Ok(located)
}

/// The next rows that the index leaves: up to [`STEP_ROWS`] of at most [`LOOK_ROWS`] looked at.
fn next_rows(
    rows: &mut Range<u32>,
    candidates: Option<&RoaringBitmap>,
    order: Order,
    wants: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let mut step = Vec::with_capacity(STEP_ROWS);
    let mut last = None;
    let mut take = |all: &mut dyn Iterator<Item = u32>| {
        for row in all.take(LOOK_ROWS) {
            last = Some(row);
            if wants(row) {
                step.push(row);
                if step.len() == STEP_ROWS {
                    break;
                }
            }
        }
    };
    match (candidates, order) {
        (None, Order::Ascending) => take(&mut rows.clone()),
        (None, Order::Descending) => take(&mut rows.clone().rev()),
        (Some(candidates), Order::Ascending) => take(&mut candidates.range(rows.clone())),
        (Some(candidates), Order::Descending) => take(&mut candidates.range(rows.clone()).rev()),
    }
    *rows = match (last, order) {
        (None, _) => rows.end..rows.end,
        (Some(last), Order::Ascending) => last + 1..rows.end,
        (Some(last), Order::Descending) => rows.start..last,
    };
    step
}
