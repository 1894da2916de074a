//! Open segments: a chain's entries that lie in the journal only, in memory, with their index.
//!
//! Rows are positions in this segment, 0, 1, 2, … in commit order, so row order is the order of time and `seq`. Records
//! are not copied: a row points into its frame's bytes. Rows are only ever added, so a scan that noted where a chain
//! ended reads on undisturbed while entries arrive.

use crate::format::commit::Part;
use crate::format::record;
use crate::journal::Frame;
use crate::model::{Severity, Timestamp};
use crate::proof::Hash;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The rows of one chain and their index. Fields grow together under the chain's lock.
#[derive(Default)]
pub(crate) struct OpenSegment {
    runs: Vec<Run>,
    rows: Vec<RecordRange>,
    record_bytes: u64,
    /// Severity of each row, and how many rows have each, lowest first: a byte a row is searched faster than a set of
    /// rows is kept.
    severities: Vec<Severity>,
    severity_counts: [u64; Severity::ALL.len()],
    tenants: Vec<TenantRows>,
    by_tenant: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
    /// Index into `tenants` by the line's number in the chain, as far as lines began in order.
    lines: Vec<u32>,
    /// The same for lines behind a frame that is damaged.
    stray_lines: HashMap<u32, u32>,
}

/// One tenant's rows. Ascending numbers and not a bitmap: a row costs one store, and appends come in the order of time.
struct TenantRows {
    name: Box<str>,
    rows: Vec<u32>,
}

/// One entry, found; keeps the bytes it lies in.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub record: RecordBytes,
    pub seq: u64,
    pub logged_at: Timestamp,
}

/// Where a record's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum RecordBytes {
    /// In a frame's payload.
    Frame(Arc<Frame>, Range<usize>),
    /// Put together from columns.
    Owned(Box<[u8]>),
}

impl RecordBytes {
    pub fn bytes(&self) -> &[u8] {
        match self {
            RecordBytes::Frame(frame, range) => &frame.payload()[range.clone()],
            RecordBytes::Owned(bytes) => bytes,
        }
    }
}

/// Rows of one part of one frame.
struct Run {
    first_row: u32,
    first_seq: u64,
    logged_at: i64,
    leaves_offset: usize,
    frame: Arc<Frame>,
}

/// Where a record lies in its frame's payload.
#[derive(Clone, Copy)]
struct RecordRange {
    offset: u32,
    bytes: u32,
}

impl OpenSegment {
    /// The leaf of an entry.
    pub(crate) fn leaf(&self, seq: u64) -> Option<Hash> {
        let row = self.row_at(seq)?;
        let at = self.runs.partition_point(|run| run.first_row <= row).checked_sub(1)?;
        let run = &self.runs[at];
        let leaves = run.frame.payload().get(run.leaves_offset..)?.as_chunks::<32>().0;
        leaves.get((row - run.first_row) as usize).copied()
    }

    /// The row of an entry that reads back.
    fn row_at(&self, seq: u64) -> Option<u32> {
        let row = self.rows_from(seq);
        let at = self.runs.partition_point(|run| run.first_row <= row).checked_sub(1)?;
        let run = &self.runs[at];
        (row < self.row_count() && run.first_seq + u64::from(row - run.first_row) == seq).then_some(row)
    }

    /// The first row at or behind a position.
    fn rows_from(&self, seq: u64) -> u32 {
        let Some(at) = self.runs.partition_point(|run| run.first_seq <= seq).checked_sub(1) else { return 0 };
        let rows = self.run_rows(at);
        let beyond = seq - self.runs[at].first_seq;
        u32::try_from(beyond).map_or(rows.end, |beyond| rows.start.saturating_add(beyond).min(rows.end))
    }

    /// Position behind the last entry; none if it is empty.
    pub(crate) fn end_seq(&self) -> Option<u64> {
        self.runs.last().map(|run| run.first_seq + u64::from(self.row_count() - run.first_row))
    }

    /// First and last commit time.
    pub(crate) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = (self.runs.first()?, self.runs.last()?);
        Some((Timestamp::from_nanos(first.logged_at), Timestamp::from_nanos(last.logged_at)))
    }

    /// Bytes of the records.
    pub(crate) fn record_bytes(&self) -> u64 {
        self.record_bytes
    }

    /// Rows by severity class, lowest first.
    pub(crate) fn severity_counts(&self) -> &[u64; Severity::ALL.len()] {
        &self.severity_counts
    }

    /// Tenants with their numbers of rows.
    pub(crate) fn tenant_counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.tenants.iter().map(|tenant| (&*tenant.name, tenant.rows.len() as u64))
    }

    pub(crate) fn push(&mut self, frame: &Arc<Frame>, part: &Part<'_>, severities: Option<&[Severity]>) {
        for line in &part.lines {
            let tenant = self.tenant_index(line.tenant);
            if line.line as usize == self.lines.len() {
                self.lines.push(tenant);
            } else {
                self.stray_lines.insert(line.line, tenant);
            }
        }
        let first_row = self.row_count();
        self.runs.push(Run {
            first_row,
            first_seq: part.first_seq,
            logged_at: frame.header.logged_at,
            leaves_offset: part.leaves_offset,
            frame: Arc::clone(frame),
        });
        self.rows.extend(
            part.rows.iter().map(|row| RecordRange { offset: row.record_offset, bytes: row.record_bytes }),
        );
        self.record_bytes += part.rows.iter().map(|row| u64::from(row.record_bytes)).sum::<u64>();
        match severities {
            Some(severities) => self.severities.extend_from_slice(severities),
            // A record that does not decode is still a row: a scan that meets it says so.
            None => self.severities.extend((0..part.rows.len()).map(|index| {
                record::glance(part.record(index)).map_or(Severity::default(), |glance| glance.severity)
            })),
        }
        for severity in &self.severities[first_row as usize..] {
            self.severity_counts[usize::from(severity.class()) - 1] += 1;
        }
        for ((index, row), number) in part.rows.iter().enumerate().zip(first_row..) {
            let tenant = match self.lines.get(row.line as usize) {
                Some(tenant) => *tenant,
                None => match self.tenant_of_stray(part.record(index), row.line) {
                    Some(tenant) => tenant,
                    None => continue,
                },
            };
            self.tenants[tenant as usize].rows.push(number);
        }
    }

    /// Where the frame that began the line is damaged, the record itself tells.
    fn tenant_of_stray(&mut self, record: &[u8], line: u32) -> Option<u32> {
        if let Some(tenant) = self.stray_lines.get(&line) {
            return Some(*tenant);
        }
        Some(self.tenant_index(&record::decode(record).ok()?.entry.tenant))
    }

    fn tenant_index(&mut self, tenant: &str) -> u32 {
        if let Some(index) = self.by_tenant.get(tenant) {
            return *index;
        }
        // Lines are bounded far below 2^32, rows by `row_count`.
        let index = u32::try_from(self.tenants.len()).unwrap_or(u32::MAX);
        self.tenants.push(TenantRows { name: tenant.into(), rows: Vec::new() });
        self.by_tenant.insert(tenant.into(), index);
        index
    }

    pub(crate) fn row_count(&self) -> u32 {
        // 2^32 rows of one chain in memory are refused by memory long before.
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    fn run_rows(&self, run: usize) -> Range<u32> {
        let end = self.runs.get(run + 1).map_or(self.row_count(), |next| next.first_row);
        self.runs[run].first_row..end
    }

    /// Rows committed at or after `from` and before `to`.
    pub(crate) fn rows_between(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> Range<u32> {
        let row_at = |time: Timestamp| {
            let run = self.runs.partition_point(|run| run.logged_at < time.nanos());
            self.runs.get(run).map_or(self.row_count(), |run| run.first_row)
        };
        let start = from.map_or(0, row_at);
        start..to.map_or(self.row_count(), row_at).max(start)
    }

    /// Those of `within` that are of one of these tenants.
    pub(crate) fn rows_of(&self, tenants: &[String], within: &Range<u32>) -> RoaringBitmap {
        let mut rows = RoaringBitmap::new();
        for index in tenants.iter().filter_map(|tenant| self.by_tenant.get(tenant.as_str())) {
            let own = &self.tenants[*index as usize].rows;
            let from = own.partition_point(|row| *row < within.start);
            let to = own.partition_point(|row| *row < within.end);
            rows |= own[from..to].iter().copied().collect::<RoaringBitmap>();
        }
        rows
    }

    /// The severity of a row.
    pub(crate) fn severity(&self, row: u32) -> Severity {
        self.severities[row as usize]
    }

    pub(crate) fn locate(&self, row: u32) -> Located {
        let run = &self.runs[self.runs.partition_point(|run| run.first_row <= row) - 1];
        let range = self.rows[row as usize];
        Located {
            record: RecordBytes::Frame(
                Arc::clone(&run.frame),
                range.offset as usize..(range.offset + range.bytes) as usize,
            ),
            seq: run.first_seq + u64::from(row - run.first_row),
            logged_at: Timestamp::from_nanos(run.logged_at),
        }
    }
}
