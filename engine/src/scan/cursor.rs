//! One chain's part of a scan: its entries in one order, over sealed segments and the open one.

use super::filter::Compiled;
use super::sealed::{Pace, Room, Sealed};
use super::{Hit, Order, ScanProblem};
use crate::format::record;
use crate::format::segment::SegmentError;
use crate::open::Located;
use crate::segment::Segment;
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
    /// Of the last segment.
    pace: Option<Pace>,
    ready: VecDeque<Hit>,
}

/// Where the next entries lie, and what is left to look at there.
enum Source {
    Sealed(Arc<Segment>, Box<Sealed>),
    Open(Open),
}

/// Rows of the open segment.
struct Open {
    seqs: Range<u64>,
    sealed_end: u64,
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

/// What is asked of each chain, and what all have together.
pub(super) struct Asked<'s> {
    pub compiled: &'s Compiled,
    pub order: Order,
    /// More hits than these are not wanted.
    pub most: u64,
    pub room: &'s mut Room,
    pub problems: &'s mut Vec<ScanProblem>,
}

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
    /// All entries that the chain has now.
    pub fn new(chain: Arc<Chain>, order: Order) -> Cursor {
        let seqs = 0..chain.size();
        Cursor::over(chain, &seqs, order)
    }

    /// Entries of these positions.
    pub fn over(chain: Arc<Chain>, seqs: &Range<u64>, order: Order) -> Cursor {
        let places = chain.read(|parts| places_of(parts, seqs, order));
        Cursor { chain, places, source: None, pace: None, ready: VecDeque::new() }
    }

    /// The next hit, after [`Cursor::fill`].
    pub fn next_hit(&self) -> Option<&Hit> {
        self.ready.front()
    }

    pub fn take_hit(&mut self) -> Option<Hit> {
        self.ready.pop_front()
    }

    /// Looks at entries until one matches or none is left.
    pub fn fill(&mut self, asked: &mut Asked<'_>) {
        while self.ready.is_empty() {
            match self.source.take() {
                None => {
                    let Some(place) = self.places.pop_front() else { return };
                    self.source = match place {
                        Place::Sealed(segment, seqs) => self.begin_sealed(segment, &seqs, asked),
                        Place::Open { seqs, sealed_end } => self.begin_open(seqs, sealed_end, asked),
                    };
                }
                Some(Source::Sealed(segment, sealed)) => self.fill_sealed(segment, sealed, asked),
                Some(Source::Open(open)) => self.fill_open(open, asked),
            }
        }
    }

    /// What is left of a segment; none if that is nothing, or nothing that reads.
    fn begin_sealed(
        &self,
        segment: Arc<Segment>,
        seqs: &Range<u64>,
        asked: &mut Asked<'_>,
    ) -> Option<Source> {
        let first_seq = segment.footer().first_seq;
        let row = |seq: u64| u32::try_from(seq - first_seq).unwrap_or(u32::MAX);
        let rows = row(seqs.start)..row(seqs.end);
        let pace = self.pace.unwrap_or_else(|| Pace::new(asked.most));
        match segment.read(|view| Sealed::new(view, asked.compiled, &rows, pace)) {
            Ok(sealed) => Some(Source::Sealed(segment, Box::new(sealed?))),
            Err(error) => {
                asked.problems.push(problem(&self.chain, &segment, &error));
                None
            }
        }
    }

    fn fill_sealed(&mut self, segment: Arc<Segment>, mut sealed: Box<Sealed>, asked: &mut Asked<'_>) {
        let Asked { compiled, order, most, .. } = *asked;
        let hits = segment.read(|view| sealed.next(view, compiled, order, most, asked.room));
        for (seq, detail) in asked.room.undecoded.drain(..) {
            asked.problems.push(ScanProblem { service: self.chain.service().to_owned(), seq, detail });
        }
        match hits {
            Ok(hits) => {
                self.ready.extend(hits);
                self.pace = Some(sealed.pace());
                if !sealed.is_done() {
                    self.source = Some(Source::Sealed(segment, sealed));
                }
            }
            // The rest of the segment is given up: what it says cannot be relied on.
            Err(error) => asked.problems.push(problem(&self.chain, &segment, &error)),
        }
    }

    /// What window and index leave of an open segment; none if that is nothing.
    fn begin_open(&mut self, seqs: Range<u64>, sealed_end: u64, asked: &Asked<'_>) -> Option<Source> {
        let compiled = asked.compiled;
        let left = self.chain.read(|parts| {
            (parts.sealed_end() == sealed_end).then(|| {
                let between = parts.open.rows_between(compiled.logged_from, compiled.logged_to);
                let (first, end) = (parts.open.rows_from(seqs.start), parts.open.rows_from(seqs.end));
                let rows = between.start.max(first)..between.end.min(end);
                let tenants = compiled.tenants.as_ref();
                (rows.clone(), tenants.map(|tenants| parts.open.rows_of(tenants, &rows)))
            })
        });
        let Some((rows, candidates)) = left else {
            self.follow(&seqs, asked.order);
            return None;
        };
        (!rows.is_empty()).then_some(Source::Open(Open { seqs, sealed_end, rows, candidates }))
    }

    fn fill_open(&mut self, mut open: Open, asked: &mut Asked<'_>) {
        let Ok(located) = read_open(&self.chain, &mut open, asked) else {
            self.follow(&open.seqs, asked.order);
            return;
        };
        if !open.rows.is_empty() {
            self.source = Some(Source::Open(open));
        }
        for located in located {
            let hit = Hit { located };
            match record::decode(hit.record()) {
                Ok(record) if asked.compiled.matches(&record) => self.ready.push_back(hit),
                Ok(_) => {}
                Err(error) => asked.problems.push(ScanProblem {
                    service: self.chain.service().to_owned(),
                    seq: hit.seq(),
                    detail: format!("its record does not decode: {error}"),
                }),
            }
        }
    }

    /// Looks again where entries lie that are not where they were.
    fn follow(&mut self, seqs: &Range<u64>, order: Order) {
        let places = self.chain.read(|parts| places_of(parts, seqs, order));
        places.into_iter().rev().for_each(|place| self.places.push_front(place));
    }
}

pub(super) fn problem(chain: &Chain, segment: &Segment, error: &SegmentError) -> ScanProblem {
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

/// The next rows of the open segment, under one hold of the chain's lock.
fn read_open(chain: &Chain, open: &mut Open, asked: &Asked<'_>) -> Result<Vec<Located>, Moved> {
    chain.read(|parts| {
        // Rows are numbered from the end of what is sealed.
        if parts.sealed_end() != open.sealed_end {
            return Err(Moved);
        }
        let (rows, severities) = (&mut open.rows, asked.compiled.severities.as_ref());
        let step = next_rows(rows, open.candidates.as_ref(), asked.order, |row| {
            severities.is_none_or(|own| own.contains(&parts.open.severity(row)))
        });
        if rows.start < rows.end {
            open.seqs = parts.open.seq(rows.start)..parts.open.seq(rows.end - 1) + 1;
        }
        Ok(step.into_iter().map(|row| parts.open.locate(row)).collect())
    })
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
