//! One chain's part of a scan: its entries in one order, over sealed segments and the open one.

use super::filter::Compiled;
use super::read::{Candidate, Hit, SealedRow, Sources};
use super::sealed::{Pace, Room, Sealed};
use super::{Order, ScanProblem};
use crate::format::record;
use crate::format::segment::SegmentError;
use crate::segment::Segment;
use crate::view::{Chain, Parts};
use roaring::RoaringBitmap;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Rows read under one hold of a chain's lock: appends wait no longer than that.
const STEP_ROWS: usize = 64;
/// Rows whose severity is looked at for them.
const LOOK_ROWS: usize = 1 << 16;

/// One chain's part of a scan.
pub(super) struct ChainScan {
    chain: Arc<Chain>,
    /// Where entries lie that were not looked at yet, the next first.
    places: VecDeque<Place>,
    source: Option<Source>,
    /// Of the last segment.
    pace: Option<Pace>,
    ready: VecDeque<Candidate>,
}

/// Where the next entries lie, and what is left to look at there.
enum Source {
    /// With the segment's number among the sources.
    Sealed(u32, Arc<Segment>, Box<Sealed>),
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
    pub sources: &'s mut Sources,
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

impl ChainScan {
    /// Entries of these positions.
    pub fn over(chain: Arc<Chain>, seqs: &Range<u64>, order: Order) -> ChainScan {
        let places = chain.read(|parts| places_of(parts, seqs, order));
        ChainScan { chain, places, source: None, pace: None, ready: VecDeque::new() }
    }

    pub fn service(&self) -> &str {
        self.chain.service()
    }

    /// The next candidate, after [`ChainScan::fill`].
    pub fn peek(&self) -> Option<&Candidate> {
        self.ready.front()
    }

    pub fn take(&mut self) -> Option<Candidate> {
        self.ready.pop_front()
    }

    /// Looks at entries until one may match or none is left.
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
                Some(Source::Sealed(number, segment, sealed)) => {
                    self.fill_sealed((number, segment), sealed, asked);
                }
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
        let (first, last) = segment.footer().logged_at;
        let work = &mut asked.room.work;
        work.segments += 1;
        work.segments_in_time += u64::from(asked.compiled.wants_time_between(first, last));
        let began = Instant::now();
        let sealed = segment.read(|view| Sealed::new(view, asked.compiled, &rows, pace));
        work.judging += began.elapsed();
        match sealed {
            Ok(sealed) => {
                let sealed = Box::new(sealed?);
                work.segments_left += 1;
                work.groups += sealed.group_count();
                work.rows_in_time += u64::from(sealed.row_count());
                Some(Source::Sealed(asked.sources.add(&self.chain, &segment), segment, sealed))
            }
            Err(error) => {
                asked.problems.push(problem(&self.chain, &segment, &error));
                None
            }
        }
    }

    fn fill_sealed(
        &mut self,
        (number, segment): (u32, Arc<Segment>),
        mut sealed: Box<Sealed>,
        asked: &mut Asked<'_>,
    ) {
        let Asked { compiled, order, .. } = *asked;
        let (ready, room) = (&mut self.ready, &mut *asked.room);
        let stepped = segment.read(|view| {
            sealed.next(view, compiled, order, room, |place, logged_at| {
                ready.push_back(Candidate::Sealed(SealedRow { source: number, place, logged_at }));
            })
        });
        match stepped {
            Ok(()) => {
                self.pace = Some(sealed.pace());
                if !sealed.is_done() {
                    self.source = Some(Source::Sealed(number, segment, sealed));
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
        let Ok(hits) = read_open(&self.chain, &mut open, asked) else {
            self.follow(&open.seqs, asked.order);
            return;
        };
        if !open.rows.is_empty() {
            self.source = Some(Source::Open(open));
        }
        asked.room.work.open_rows += hits.len() as u64;
        for hit in hits {
            match record::decode(hit.record()) {
                Ok(record) if asked.compiled.matches(&record) => self.ready.push_back(Candidate::Read(hit)),
                Ok(_) => {}
                Err(error) => asked.problems.push(ScanProblem::undecoded(self.service(), hit.seq(), &error)),
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
fn read_open(chain: &Chain, open: &mut Open, asked: &Asked<'_>) -> Result<Vec<Hit>, Moved> {
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
        let mut records = Vec::new();
        let entries: Vec<_> = step
            .into_iter()
            .map(|row| {
                let (record, seq, logged_at) = parts.open.entry(row);
                let from = records.len();
                records.extend_from_slice(record);
                (from..records.len(), seq, logged_at)
            })
            .collect();
        Ok(Hit::all_of(records, entries))
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
