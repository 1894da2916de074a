//! What a scan gives: rows that were chosen become entries, of each segment together and in the order of its places.
//!
//! A row that is chosen and never given costs next to nothing; only what is given is put together. Blocks and pages are
//! read once for all of a batch's rows in them, and large batches on every core.

use super::chain::problem;
use super::filter::Compiled;
use super::work::Work;
use super::{Position, ScanProblem};
use crate::format::cbor::CborError;
use crate::format::column::page::Decoded;
use crate::format::record::{self, Record};
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::model::{Committed, Timestamp};
use crate::segment::Segment;
use crate::segment::view::{Cursors, Read, View};
use crate::threads;
use crate::view::Chain;
use std::ops::Range;
use std::sync::Arc;

/// An entry that matched. It and others hold the bytes that they lie in together.
#[derive(Clone, Debug)]
pub struct Hit {
    records: Arc<Vec<u8>>,
    record: Range<usize>,
    seq: u64,
    logged_at: Timestamp,
}

impl Hit {
    /// Entries whose records lie in the same bytes: each with the range of its record.
    pub(super) fn all_of(records: Vec<u8>, entries: Vec<(Range<usize>, u64, Timestamp)>) -> Vec<Hit> {
        let records = Arc::new(records);
        let hit = |(record, seq, logged_at)| Hit { records: Arc::clone(&records), record, seq, logged_at };
        entries.into_iter().map(hit).collect()
    }

    /// The record's bytes, as they were hashed.
    pub fn record(&self) -> &[u8] {
        self.records.get(self.record.clone()).unwrap_or_default()
    }

    /// The entry. A record that does not decode was never given out as a hit.
    pub fn committed(&self) -> Option<Committed<'_>> {
        let Record { tenant_seq, logged_by, entry, .. } = record::decode(self.record()).ok()?;
        Some(Committed { seq: self.seq, tenant_seq, logged_at: self.logged_at, logged_by, entry })
    }

    /// Where it is in the one total order: whoever goes on behind it misses nothing.
    pub fn position(&self) -> Option<Position> {
        let service = self.committed()?.entry.service.to_string();
        Some(Position { logged_at: self.logged_at, service, seq: self.seq })
    }

    /// Position in the chain.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Commit time.
    pub fn logged_at(&self) -> Timestamp {
        self.logged_at
    }
}

/// What may be a hit.
pub(super) enum Candidate {
    /// An entry that is one.
    Read(Hit),
    /// A row whose columns say yes.
    Sealed(SealedRow),
}

/// A row of a sealed segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct SealedRow {
    /// Number of the segment among the sources.
    pub source: u32,
    pub place: u32,
    pub logged_at: i64,
}

impl Candidate {
    pub fn logged_at(&self) -> i64 {
        match self {
            Candidate::Read(hit) => hit.logged_at.nanos(),
            Candidate::Sealed(row) => row.logged_at,
        }
    }
}

/// The segments that a scan came to.
#[derive(Default)]
pub(super) struct Sources(Vec<Source>);

struct Source {
    chain: Arc<Chain>,
    segment: Arc<Segment>,
    /// Something in it did not read: nothing more of it is given.
    is_given_up: bool,
}

impl Sources {
    pub fn add(&mut self, chain: &Arc<Chain>, segment: &Arc<Segment>) -> u32 {
        let source = Source { chain: Arc::clone(chain), segment: Arc::clone(segment), is_given_up: false };
        self.0.push(source);
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }
}

/// Rows that one thread reads at a time, at most; fewer than twice the least are read by one thread.
const PART_ROWS_MAX: usize = 4096;
const PART_ROWS_MIN: usize = 1024;

/// What of a part's rows was given: number in the batch and hit, what did not decode, and why the rest was not read.
struct Given {
    read: Vec<(usize, Hit)>,
    undecoded: Vec<ScanProblem>,
    error: Option<SegmentError>,
    decoded: Decoded,
}

/// Puts the records of a batch together: those that are hits, in the batch's order.
pub(super) fn read_all(
    batch: Vec<Candidate>,
    compiled: &Compiled,
    sources: &mut Sources,
    problems: &mut Vec<ScanProblem>,
    work: &mut Work,
) -> impl Iterator<Item = Hit> + use<> {
    let mut rows: Vec<(SealedRow, usize)> = Vec::new();
    let mut hits: Vec<Option<Hit>> = Vec::with_capacity(batch.len());
    for (number, candidate) in batch.into_iter().enumerate() {
        hits.push(match candidate {
            Candidate::Read(hit) => Some(hit),
            Candidate::Sealed(row) => {
                rows.push((row, number));
                None
            }
        });
    }
    rows.sort_unstable_by_key(|(row, _)| (row.source, row.place));
    let threads = (rows.len() / PART_ROWS_MIN).clamp(1, threads::count());
    let part_rows = rows.len().div_ceil(threads).clamp(1, PART_ROWS_MAX);
    let parts: Vec<&[(SealedRow, usize)]> = rows
        .chunk_by(|(row, _), (next, _)| row.source == next.source)
        .flat_map(|own| own.chunks(part_rows))
        .filter(|part| !sources.0[part[0].0.source as usize].is_given_up)
        .collect();
    let given = threads::each(threads, parts.iter(), |part, ranges: &mut Vec<Range<u32>>| {
        read_part(&sources.0[part[0].0.source as usize], part, compiled, ranges)
    });
    for (part, Given { read, undecoded, error, decoded }) in parts.iter().zip(given) {
        work.add_pages(decoded);
        problems.extend(undecoded);
        read.into_iter().for_each(|(number, hit)| hits[number] = Some(hit));
        let source = &mut sources.0[part[0].0.source as usize];
        if let Some(error) = error
            && !source.is_given_up
        {
            source.is_given_up = true;
            problems.push(problem(&source.chain, &source.segment, &error));
        }
    }
    hits.into_iter().flatten()
}

/// Reads rows of one segment, in the order of their places.
fn read_part(
    source: &Source,
    part: &[(SealedRow, usize)],
    compiled: &Compiled,
    ranges: &mut Vec<Range<u32>>,
) -> Given {
    let (mut records, mut entries, mut numbers) = (Vec::new(), Vec::with_capacity(part.len()), Vec::new());
    let mut undecoded = Vec::new();
    let mut rows = part.iter();
    let places = || part.iter().map(|(row, _)| row.place);
    let mut decoded = Decoded::default();
    let error = source.segment.read(|view| {
        view.with_cursors(|cursors| {
            let before = cursors.decoded();
            let mut times = part.iter().map(|(row, _)| row.logged_at);
            let time = |_| times.next().unwrap_or_default();
            let mut each = |seq, logged_at, read: Result<Option<&[u8]>, CborError>| {
                let number = rows.next().map(|(_, number)| *number);
                match read {
                    Ok(Some(record)) => {
                        let from = records.len();
                        records.extend_from_slice(record);
                        entries.push((from..records.len(), seq, Timestamp::from_nanos(logged_at)));
                        numbers.extend(number);
                    }
                    Ok(None) => {}
                    Err(error) => {
                        undecoded.push(ScanProblem::undecoded(source.chain.service(), seq, &error));
                    }
                }
            };
            let walked = walk_places(view, (places(), time), compiled, (cursors, ranges), &mut each);
            decoded = cursors.decoded().since(before);
            walked
        })
    });
    let read = numbers.into_iter().zip(Hit::all_of(records, entries)).collect();
    Given { read, undecoded, error: error.err(), decoded }
}

/// Reads these places, which ascend: `each` gets position, commit time, and the record if it is a hit. `time` gives
/// the commit time of each row, in the order of the places.
pub(super) fn walk_places<'a>(
    view: &View<'a>,
    (places, time): (impl Iterator<Item = u32>, impl FnMut(u32) -> i64),
    compiled: &Compiled,
    (cursors, ranges): (&mut Cursors<'a>, &mut Vec<Range<u32>>),
    mut each: impl FnMut(u64, i64, Result<Option<&[u8]>, CborError>),
) -> Result<(), SegmentError> {
    ranges.clear();
    push_places(places, ranges);
    let asks_records = asks_records(view)? || compiled.members.is_some();
    view.walk(ranges, time, cursors, |head, read| {
        let read = read?;
        let is_hit = is_hit(&read, compiled, asks_records);
        each(head.seq, head.logged_at, is_hit.map(|is_hit| is_hit.then_some(read.record)));
        Ok::<_, SegmentError>(())
    })
}

/// Adds ascending places, those that follow one another as one range.
pub(super) fn push_places(places: impl IntoIterator<Item = u32>, out: &mut Vec<Range<u32>>) {
    for place in places {
        match out.last_mut() {
            Some(last) if last.end == place => last.end += 1,
            _ => out.push(place..place + 1),
        }
    }
}

/// Whether records may be others than columns give: then they are asked themselves.
fn asks_records(view: &View<'_>) -> Result<bool, SegmentError> {
    let mut asks = false;
    for field in [Field::Verbatim, Field::Control, Field::ArtifactHeld] {
        asks |= view.column(field)?.is_some();
    }
    Ok(asks)
}

/// Whether a record whose columns were asked is a hit.
fn is_hit(read: &Read<'_>, compiled: &Compiled, asks_records: bool) -> Result<bool, CborError> {
    if asks_records {
        return record::decode(read.record).map(|record| compiled.matches(&record));
    }
    // What was put together as an entry decodes as one.
    if read.told.is_entry() { Ok(true) } else { record::decode(read.record).map(|_| true) }
}
