//! Open segments: each chain's entries that lie in the journal, in memory, with their index.
//!
//! Rows are positions in this segment, 0, 1, 2, … in commit order, so row order is the order of time and `seq`. Records
//! are not copied: a row points into its frame's bytes. Rows are only ever added, so a scan that noted where a chain
//! ended reads on undisturbed while entries arrive.

use crate::format::commit::{Commit, Part};
use crate::format::record;
use crate::journal::{Damage, Frame};
use crate::model::{Severity, Timestamp};
use crate::proof::Hash;
use parking_lot::RwLock;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Everything readable of a store. Shared by those who read and the one who publishes.
pub struct View {
    chains: RwLock<BTreeMap<Box<str>, Arc<Chain>>>,
    newest: AtomicI64,
    damage: Vec<Damage>,
}

/// One chain's open segment.
pub struct Chain {
    service: Box<str>,
    segment: RwLock<OpenSegment>,
}

/// The rows of one chain and their index. Fields grow together under the chain's lock.
#[derive(Default)]
pub(crate) struct OpenSegment {
    runs: Vec<Run>,
    rows: Vec<RecordRange>,
    /// Rows by severity class, lowest first.
    severities: [RoaringBitmap; Severity::ALL.len()],
    tenants: Vec<(Box<str>, RoaringBitmap)>,
    by_tenant: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    /// Index into `tenants` by the line's number in the chain; none where the frame that began the line is damaged.
    lines: HashMap<u32, usize, foldhash::fast::RandomState>,
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

/// One entry, found; keeps the frame it lies in.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub frame: Arc<Frame>,
    pub record: Range<usize>,
    pub seq: u64,
    pub logged_at: Timestamp,
}

impl View {
    pub(crate) fn new() -> View {
        View { chains: RwLock::default(), newest: AtomicI64::new(i64::MIN), damage: Vec::new() }
    }

    pub(crate) fn set_damage(&mut self, damage: Vec<Damage>) {
        self.damage = damage;
    }

    /// What of the journal does not read back: entries that lie there are in no scan.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The newest commit time, if there is any entry.
    pub fn newest(&self) -> Option<Timestamp> {
        let newest = self.newest.load(Ordering::Acquire);
        (newest != i64::MIN).then(|| Timestamp::from_nanos(newest))
    }

    /// All chains, by service.
    pub fn chains(&self) -> Vec<Arc<Chain>> {
        self.chains.read().values().cloned().collect()
    }

    pub(crate) fn publish(&self, frame: &Arc<Frame>, commit: &Commit<'_>) {
        for part in &commit.parts {
            let known = self.chains.read().get(part.service).cloned();
            let chain = known.unwrap_or_else(|| {
                let service: Box<str> = part.service.into();
                let chain = Arc::new(Chain { service: service.clone(), segment: RwLock::default() });
                self.chains.write().insert(service, Arc::clone(&chain));
                chain
            });
            chain.segment.write().push(frame, part);
        }
        self.newest.fetch_max(frame.header.logged_at, Ordering::Release);
    }

    /// The leaf of an entry.
    pub(crate) fn leaf(&self, service: &str, seq: u64) -> Option<Hash> {
        let chain = self.chains.read().get(service).cloned()?;
        let segment = chain.segment.read();
        let at = segment.runs.partition_point(|run| run.first_seq <= seq).checked_sub(1)?;
        let run = &segment.runs[at];
        let index = usize::try_from(seq - run.first_seq).ok()?;
        let leaf = run.frame.payload().get(run.leaves_offset..)?.as_chunks::<32>().0.get(index)?;
        (index < segment.run_rows(at).len()).then_some(*leaf)
    }
}

impl Chain {
    /// The chain's service.
    pub fn service(&self) -> &str {
        &self.service
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&OpenSegment) -> T) -> T {
        read(&self.segment.read())
    }

    /// Entries that read back.
    pub fn entry_count(&self) -> u64 {
        self.read(|segment| segment.rows.len() as u64)
    }

    /// Tenants with their numbers of entries, by name.
    pub fn tenant_counts(&self) -> BTreeMap<Box<str>, u64> {
        self.read(|segment| {
            segment.tenants.iter().map(|(tenant, rows)| (tenant.clone(), rows.len())).collect()
        })
    }

    /// Numbers of entries by severity class, lowest first.
    pub fn severity_counts(&self) -> [u64; Severity::ALL.len()] {
        self.read(|segment| segment.severities.each_ref().map(RoaringBitmap::len))
    }

    /// First and last commit time.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.read(|segment| {
            let (first, last) = (segment.runs.first()?, segment.runs.last()?);
            Some((Timestamp::from_nanos(first.logged_at), Timestamp::from_nanos(last.logged_at)))
        })
    }

    /// Bytes of the records.
    pub fn record_bytes(&self) -> u64 {
        self.read(|segment| segment.rows.iter().map(|row| u64::from(row.bytes)).sum())
    }

    /// Position after the newest entry.
    pub fn size(&self) -> u64 {
        self.read(|segment| {
            let last = segment.runs.last();
            last.map_or(0, |run| run.first_seq + (segment.row_count() - run.first_row) as u64)
        })
    }
}

impl OpenSegment {
    fn push(&mut self, frame: &Arc<Frame>, part: &Part<'_>) {
        for line in &part.lines {
            let tenant = self.tenant_index(line.tenant);
            self.lines.insert(line.line, tenant);
        }
        self.runs.push(Run {
            first_row: self.row_count(),
            first_seq: part.first_seq,
            logged_at: frame.header.logged_at,
            leaves_offset: part.leaves_offset,
            frame: Arc::clone(frame),
        });
        self.rows.reserve(part.rows.len());
        for (index, row) in part.rows.iter().enumerate() {
            let number = self.row_count();
            let bytes = part.record(index);
            self.rows.push(RecordRange { offset: row.record_offset, bytes: row.record_bytes });
            // A record that does not decode is still a row: a scan that meets it says so.
            let severity = record::glance(bytes).map_or(Severity::default(), |glance| glance.severity);
            // Rows only grow, so pushing never fails.
            let _ = self.severities[usize::from(severity.class()) - 1].try_push(number);
            let known = self.lines.get(&row.line).copied();
            // Where the frame that began the line is damaged, the record itself tells.
            let tenant = known.or_else(|| Some(self.tenant_index(&record::decode(bytes).ok()?.entry.tenant)));
            if let Some(tenant) = tenant {
                let _ = self.tenants[tenant].1.try_push(number);
            }
        }
    }

    fn tenant_index(&mut self, tenant: &str) -> usize {
        if let Some(index) = self.by_tenant.get(tenant) {
            return *index;
        }
        let index = self.tenants.len();
        self.tenants.push((tenant.into(), RoaringBitmap::new()));
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

    /// Rows of these severities and tenants, where either is asked for.
    pub(crate) fn candidates(
        &self,
        severities: Option<&[Severity]>,
        tenants: Option<&[String]>,
    ) -> Option<RoaringBitmap> {
        let by_severity = severities.map(|severities| {
            let mut rows = RoaringBitmap::new();
            severities
                .iter()
                .for_each(|severity| rows |= &self.severities[usize::from(severity.class()) - 1]);
            rows
        });
        let by_tenant = tenants.map(|tenants| {
            let mut rows = RoaringBitmap::new();
            let found = tenants.iter().filter_map(|tenant| self.by_tenant.get(tenant.as_str()));
            found.for_each(|index| rows |= &self.tenants[*index].1);
            rows
        });
        match (by_severity, by_tenant) {
            (Some(a), Some(b)) => Some(a & b),
            (rows, None) | (None, rows) => rows,
        }
    }

    pub(crate) fn locate(&self, row: u32) -> Located {
        let run = &self.runs[self.runs.partition_point(|run| run.first_row <= row) - 1];
        let range = self.rows[row as usize];
        Located {
            frame: Arc::clone(&run.frame),
            record: range.offset as usize..(range.offset + range.bytes) as usize,
            seq: run.first_seq + u64::from(row - run.first_row),
            logged_at: Timestamp::from_nanos(run.logged_at),
        }
    }
}
