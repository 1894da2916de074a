//! Open segments: a chain's entries that are not sealed yet, in memory, with their index.
//!
//! Rows are positions in this segment, 0, 1, 2, … in commit order, so row order is the order of time and `seq`. Rows
//! are only ever added, until the first of them are sealed and leave. Their bytes are copied out of the frames: a
//! frame's memory is used again as soon as it is indexed, and a quiet chain's entries don't keep everybody's frames.

mod arena;
pub(crate) mod names;
mod rows;

use crate::format::commit::Part;
use crate::format::record;
use crate::lean::{push_lean, reserve_lean};
use crate::limits;
use crate::model::{Severity, Timestamp};
use crate::proof::{Hash, Key};
use arena::{Arena, Chunks, Span};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use names::Names;
use roaring::RoaringBitmap;
use rows::Rows;
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

/// The rows of one chain and their index. Fields grow together under the chain's lock.
#[derive(Default)]
pub(crate) struct OpenSegment {
    runs: Vec<Run>,
    /// Each row's leaf and record.
    rows: Vec<Span>,
    arena: Arena,
    record_bytes: u64,
    /// Severity of each row, and how many rows have each, lowest first: a byte a row is searched faster than a set of
    /// rows is kept.
    severities: Vec<Severity>,
    severity_counts: [u64; Severity::ALL.len()],
    /// Rows with a process, ascending.
    process_rows: Vec<u32>,
    tenants: Vec<TenantRows>,
    /// Indexes into `tenants` by their names.
    by_tenant: HashTable<u32>,
    hasher: RandomState,
    /// Index into `tenants` by the line's number in the chain; [`NO_TENANT`] for lines without a row here.
    lines: Vec<u32>,
    /// Nonces of the lines that begin here, by index into `tenants`.
    nonces: Vec<(u32, [u8; 16])>,
    /// Salt keys that begin here, in the order of their positions.
    keys: Vec<OpenKey>,
}

/// One tenant's rows. There may be a million of these: what not all need, or only sealing does, is beside them.
struct TenantRows {
    name: Arc<str>,
    line: u32,
    rows: Rows,
}

const _: () = assert!(size_of::<TenantRows>() <= 48);

/// A salt key that begins here.
#[derive(Clone, Copy)]
struct OpenKey {
    /// Index into `tenants`.
    tenant: u32,
    /// The position from which on it holds.
    from: u64,
    key: Key,
}

/// What of an entry its index needs, where the caller knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowHint {
    pub severity: Severity,
    pub has_process: bool,
}

const NO_TENANT: u32 = u32::MAX;
/// A record lies behind its leaf.
const LEAF_BYTES: usize = 32;
/// What a row takes beside its leaf and record: its span, severity and number.
const ROW_BYTES: u64 = 12 + 1 + 4;

/// Rows of one part of one frame.
#[derive(Clone, Copy, Debug)]
struct Run {
    first_row: u32,
    kind: u8,
    first_seq: u64,
    logged_at: i64,
    /// The journal file that it is in.
    journal: u64,
}

/// The first rows of an open segment, to be sealed while others are added.
pub(crate) struct Frozen {
    runs: Vec<Run>,
    rows: Vec<Span>,
    chunks: Chunks,
    /// Tenants with a row, by name.
    pub tenants: Vec<FrozenTenant>,
}

/// A tenant of frozen rows.
pub(crate) struct FrozenTenant {
    pub name: Arc<str>,
    /// Number of its line in the chain.
    pub line: u32,
    /// The line's nonce, if it begins in these rows.
    pub nonce: Option<[u8; 16]>,
    /// Salt keys that begin in these rows, each from a position on.
    pub keys: Vec<(u64, Key)>,
    /// Its rows.
    pub rows: Vec<u32>,
}

/// Frozen rows of one part of one commit.
pub(crate) struct FrozenRun {
    pub rows: Range<u32>,
    pub kind: u8,
    pub first_seq: u64,
    pub logged_at: i64,
}

/// A frozen row.
pub(crate) struct FrozenRow<'f> {
    pub kind: u8,
    pub logged_at: i64,
    pub leaf: &'f Hash,
    pub record: &'f [u8],
}

fn split(bytes: &[u8]) -> (&Hash, &[u8]) {
    const NONE: &Hash = &[0; 32];
    bytes.split_first_chunk::<LEAF_BYTES>().unwrap_or((NONE, &[]))
}

impl OpenSegment {
    /// The leaf of an entry.
    pub(crate) fn leaf(&self, seq: u64) -> Option<Hash> {
        let row = self.row_at(seq)?;
        Some(*split(self.arena.get(self.rows[row as usize])).0)
    }

    /// The row of an entry that reads back.
    fn row_at(&self, seq: u64) -> Option<u32> {
        let row = self.rows_from(seq);
        (row < self.row_count() && self.seq(row) == seq).then_some(row)
    }

    /// The first row at or behind a position.
    pub(crate) fn rows_from(&self, seq: u64) -> u32 {
        let Some(at) = self.runs.partition_point(|run| run.first_seq <= seq).checked_sub(1) else { return 0 };
        let rows = self.run_rows(at);
        let beyond = seq - self.runs[at].first_seq;
        u32::try_from(beyond).map_or(rows.end, |beyond| rows.start.saturating_add(beyond).min(rows.end))
    }

    /// Position behind the last entry; none if it is empty.
    pub(crate) fn end_seq(&self) -> Option<u64> {
        self.runs.last().map(|run| run.first_seq + u64::from(self.row_count() - run.first_row))
    }

    /// Position of the first entry; none if it is empty.
    pub(crate) fn first_seq(&self) -> Option<u64> {
        self.runs.first().map(|run| run.first_seq)
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

    /// Memory that the rows take, about.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.arena.bytes() + self.rows.len() as u64 * ROW_BYTES
    }

    /// Rows by severity class, lowest first.
    pub(crate) fn severity_counts(&self) -> &[u64; Severity::ALL.len()] {
        &self.severity_counts
    }

    /// Tenants with their numbers of rows.
    pub(crate) fn tenant_counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.tenants.iter().map(|tenant| (&*tenant.name, tenant.rows.as_slice().len() as u64))
    }

    /// Adds the rows of a part that was committed at a time and lies in a journal file.
    pub(crate) fn push(
        &mut self,
        names: &Names,
        journal: u64,
        logged_at: i64,
        part: &Part<'_>,
        hints: Option<&[RowHint]>,
    ) {
        for line in &part.lines {
            let tenant = self.tenant_index(names, line.tenant, line.line);
            push_lean(&mut self.nonces, (tenant, line.nonce));
        }
        let first_row = self.row_count();
        push_lean(
            &mut self.runs,
            Run { first_row, kind: part.kind, first_seq: part.first_seq, logged_at, journal },
        );
        reserve_lean(&mut self.rows, part.rows.len());
        reserve_lean(&mut self.severities, part.rows.len());
        for index in 0..part.rows.len() {
            let record = part.record(index);
            self.rows.push(self.arena.push([part.leaf(index), record]));
            self.record_bytes += record.len() as u64;
        }
        match hints {
            Some(hints) => {
                self.severities.extend(hints.iter().map(|hint| hint.severity));
                let own = hints.iter().zip(first_row..).filter(|(hint, _)| hint.has_process);
                self.process_rows.extend(own.map(|(_, row)| row));
            }
            // A record that does not decode is still a row: a scan that meets it says so.
            None => {
                self.severities.extend((0..part.rows.len()).map(|index| {
                    record::glance(part.record(index)).map_or(Severity::default(), |glance| glance.severity)
                }));
                let own = (0..part.rows.len()).zip(first_row..);
                let own = own.filter(|(index, _)| record::has_process(part.record(*index)));
                self.process_rows.extend(own.map(|(_, row)| row));
            }
        }
        for severity in &self.severities[first_row as usize..] {
            self.severity_counts[usize::from(severity.class()) - 1] += 1;
        }
        for ((index, row), number) in part.rows.iter().enumerate().zip(first_row..) {
            let tenant = match self.lines.get(row.line as usize) {
                Some(&tenant) if tenant != NO_TENANT => tenant,
                _ => match record::tenant_of(part.record(index)) {
                    Ok(tenant) => self.tenant_index(names, tenant, row.line),
                    // As above.
                    Err(_) => continue,
                },
            };
            self.tenants[tenant as usize].rows.push(number);
        }
        for key in &part.keys {
            let tenant = self.lines.get(key.line as usize).copied().unwrap_or(NO_TENANT);
            if tenant != NO_TENANT {
                push_lean(&mut self.keys, OpenKey { tenant, from: part.first_seq, key: key.key });
            }
        }
    }

    /// Rows from one on that have a process, ascending.
    pub(crate) fn process_rows_from(&self, row: u32) -> &[u32] {
        &self.process_rows[self.process_rows.partition_point(|own| *own < row)..]
    }

    fn find_tenant(&self, name: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.by_tenant.find(hash, |index| *self.tenants[*index as usize].name == *name).copied()
    }

    fn add_tenant(&mut self, tenant: TenantRows) -> u32 {
        // Lines are bounded far below 2^32, rows by `row_count`.
        let index = u32::try_from(self.tenants.len()).unwrap_or(NO_TENANT);
        push_lean(&mut self.tenants, tenant);
        let (tenants, hasher) = (&self.tenants, &self.hasher);
        let hash_of = |index: &u32| hasher.hash_one(&*tenants[*index as usize].name);
        self.by_tenant.insert_unique(hash_of(&index), index, hash_of);
        index
    }

    fn tenant_index(&mut self, names: &Names, name: &str, line: u32) -> u32 {
        let index = match self.find_tenant(name) {
            Some(index) => index,
            None => self.add_tenant(TenantRows { name: names.share(name), line, rows: Rows::default() }),
        };
        let at = line as usize;
        // Lines are bounded by what a store may have; a damaged frame may name any, and then its records tell.
        if at < limits::LINE_COUNT_MAX {
            if self.lines.len() <= at {
                self.lines.resize(at + 1, NO_TENANT);
            }
            self.lines[at] = index;
        }
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
        for index in tenants.iter().filter_map(|tenant| self.find_tenant(tenant)) {
            let own = self.tenants[index as usize].rows.as_slice();
            let from = own.partition_point(|row| *row < within.start);
            let to = own.partition_point(|row| *row < within.end);
            rows |= own[from..to].iter().copied().collect::<RoaringBitmap>();
        }
        rows
    }

    /// How many of `within` are of one of these tenants and have one of these severities.
    pub(crate) fn count(
        &self,
        within: &Range<u32>,
        tenants: Option<&[String]>,
        severities: Option<&[Severity]>,
    ) -> u64 {
        let wanted = severities.map(|own| own.iter().fold(0_u8, |bits, own| bits | 1 << own.class()));
        let is_wanted = |severity: &Severity| wanted.is_none_or(|bits| bits >> severity.class() & 1 != 0);
        match tenants {
            Some(tenants) => {
                let rows = self.rows_of(tenants, within);
                match wanted {
                    None => rows.len(),
                    Some(_) => rows.iter().filter(|row| is_wanted(&self.severity(*row))).count() as u64,
                }
            }
            None => {
                let own = &self.severities[within.start as usize..within.end as usize];
                own.iter().filter(|severity| is_wanted(severity)).count() as u64
            }
        }
    }

    /// The severity of a row.
    pub(crate) fn severity(&self, row: u32) -> Severity {
        self.severities[row as usize]
    }

    fn run_of(&self, row: u32) -> &Run {
        &self.runs[self.runs.partition_point(|run| run.first_row <= row) - 1]
    }

    /// Position of a row's entry.
    pub(crate) fn seq(&self, row: u32) -> u64 {
        let run = self.run_of(row);
        run.first_seq + u64::from(row - run.first_row)
    }

    /// Record, position and commit time of a row.
    pub(crate) fn entry(&self, row: u32) -> (&[u8], u64, Timestamp) {
        let run = self.run_of(row);
        let record = split(self.arena.get(self.rows[row as usize])).1;
        (record, run.first_seq + u64::from(row - run.first_row), Timestamp::from_nanos(run.logged_at))
    }

    /// Lines with rows before the first salt key that begins here for them.
    pub(crate) fn lines_without_key(&self) -> BTreeSet<u32> {
        let mut salted_from = vec![u64::MAX; self.tenants.len()];
        self.keys.iter().rev().for_each(|own| salted_from[own.tenant as usize] = own.from);
        let lines = self.tenants.iter().zip(salted_from).filter_map(|(tenant, from)| {
            let first = *tenant.rows.as_slice().first()?;
            (self.seq(first) < from).then_some(tenant.line)
        });
        lines.collect()
    }

    /// The oldest journal file that holds a row.
    pub(crate) fn oldest_journal(&self) -> Option<u64> {
        self.runs.iter().map(|run| run.journal).min()
    }

    /// Notes that rows up to a position lie in a newer journal file too.
    pub(crate) fn moved_to(&mut self, journal: u64, end_seq: u64) {
        let moved = self.runs.iter_mut().take_while(|run| run.first_seq < end_seq);
        moved.for_each(|run| run.journal = journal);
    }

    /// The first `count` rows, to be read while others are added.
    pub(crate) fn freeze(&mut self, count: u32) -> Frozen {
        let mut tenants: Vec<FrozenTenant> = Vec::new();
        let mut numbers = vec![None; self.tenants.len()];
        for (tenant, number) in self.tenants.iter().zip(&mut numbers) {
            let rows = tenant.rows.as_slice();
            let rows = &rows[..rows.partition_point(|row| *row < count)];
            if !rows.is_empty() {
                *number = Some(tenants.len());
                tenants.push(FrozenTenant {
                    name: Arc::clone(&tenant.name),
                    line: tenant.line,
                    nonce: None,
                    keys: Vec::new(),
                    rows: rows.to_vec(),
                });
            }
        }
        for (tenant, nonce) in &self.nonces {
            if let Some(number) = numbers[*tenant as usize] {
                tenants[number].nonce = Some(*nonce);
            }
        }
        for own in &self.keys {
            if let Some(number) = numbers[own.tenant as usize] {
                tenants[number].keys.push((own.from, own.key));
            }
        }
        tenants.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Frozen {
            runs: self.runs[..self.runs.partition_point(|run| run.first_row < count)].to_vec(),
            rows: self.rows[..count as usize].to_vec(),
            chunks: self.arena.snapshot(),
            tenants,
        }
    }

    /// Lets the first `count` rows go: they are sealed.
    pub(crate) fn release(&mut self, count: u32) {
        let leaving = count as usize;
        for span in &self.rows[..leaving] {
            self.record_bytes -= (span.bytes() - LEAF_BYTES) as u64;
        }
        for severity in self.severities.drain(..leaving) {
            self.severity_counts[usize::from(severity.class()) - 1] -= 1;
        }
        self.rows.drain(..leaving);
        let processes_leaving = self.process_rows.partition_point(|row| *row < count);
        self.process_rows.drain(..processes_leaving);
        self.process_rows.iter_mut().for_each(|row| *row -= count);
        self.arena.release_before(self.rows.first().copied());
        if self.rows.is_empty() {
            self.runs.clear();
        }
        let kept_from = self.runs.partition_point(|run| run.first_row <= count).saturating_sub(1);
        self.runs.drain(..kept_from);
        if let Some(first) = self.runs.first_mut()
            && first.first_row < count
        {
            first.first_seq += u64::from(count - first.first_row);
            first.first_row = count;
        }
        self.runs.iter_mut().for_each(|run| run.first_row -= count);
        self.release_tenants(count);
    }

    /// Lets go what only the first `count` rows needed, which are gone; gives back what is kept free.
    fn release_tenants(&mut self, count: u32) {
        let boundary = self.first_seq().unwrap_or(u64::MAX);
        self.by_tenant = HashTable::new();
        self.lines.fill(NO_TENANT);
        // Of each tenant its index from now on, and whether its line began in rows that are gone.
        let mut indexes = vec![(None, false); self.tenants.len()];
        for (mut tenant, index) in std::mem::take(&mut self.tenants).into_iter().zip(&mut indexes) {
            let before = tenant.rows.as_slice().len();
            tenant.rows.release(count);
            if tenant.rows.as_slice().is_empty() {
                continue;
            }
            let (line, has_left) = (tenant.line, tenant.rows.as_slice().len() < before);
            let own = self.add_tenant(tenant);
            *index = (Some(own), has_left);
            if let Some(line) = self.lines.get_mut(line as usize) {
                *line = own;
            }
        }
        let nonces = std::mem::take(&mut self.nonces).into_iter().filter_map(|(tenant, nonce)| {
            let (index, has_left) = indexes[tenant as usize];
            Some((index.filter(|_| !has_left)?, nonce))
        });
        self.nonces = nonces.collect();
        // Of the keys from before, the newest still salts what is left.
        let mut has_newest = vec![false; self.tenants.len()];
        let keys = std::mem::take(&mut self.keys).into_iter().rev().filter_map(|own| {
            let tenant = indexes[own.tenant as usize].0?;
            let is_older = own.from <= boundary && std::mem::replace(&mut has_newest[tenant as usize], true);
            (!is_older).then_some(OpenKey { tenant, ..own })
        });
        self.keys = keys.collect();
        self.keys.reverse();
        if self.tenants.is_empty() {
            self.lines = Vec::new();
        }
        let room = self.rows.len() + self.rows.len() / 8;
        self.rows.shrink_to(room);
        self.severities.shrink_to(room);
        self.runs.shrink_to(self.runs.len());
    }
}

impl Frozen {
    /// How many rows.
    pub fn row_count(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    /// Which rows were committed together, in order.
    pub fn runs(&self) -> impl Iterator<Item = FrozenRun> {
        let ends = self.runs.iter().skip(1).map(|next| next.first_row).chain([self.row_count()]);
        self.runs.iter().zip(ends).map(|(run, end)| FrozenRun {
            rows: run.first_row..end,
            kind: run.kind,
            first_seq: run.first_seq,
            logged_at: run.logged_at,
        })
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = FrozenRow<'_>> {
        let mut runs = self.runs.iter().peekable();
        let mut current = None;
        self.rows.iter().zip(0_u32..).filter_map(move |(span, row)| {
            while let Some(run) = runs.next_if(|run| run.first_row <= row) {
                current = Some(*run);
            }
            let (leaf, record) = split(self.chunks.get(*span));
            let run = current?;
            Some(FrozenRow { kind: run.kind, logged_at: run.logged_at, leaf, record })
        })
    }
}
