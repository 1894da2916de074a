//! Range scans: which entries, in which order.
//!
//! By index to rows, then record by record for what no index answers, then merged over chains into the one total order
//! (`logged_at`, service as bytes, `seq`). The chains' ends are noted when a scan begins: entries that arrive later are
//! not in it.

mod filter;
mod scope;

pub use filter::{Filter, FilterError, Log, Text, TimeField};
pub use scope::Scope;

use crate::format::record::{self, Record};
use crate::model::{Committed, Timestamp};
use crate::open::{Chain, Located, View};
use filter::Compiled;
use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    #[default]
    Descending,
    /// Oldest first.
    Ascending,
}

/// What to scan for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Which entries.
    pub filter: Filter,
    /// Which end comes first.
    pub order: Order,
    /// How many at most.
    pub limit: Option<u64>,
}

/// An entry that matched. Holds the bytes it lies in.
#[derive(Clone, Debug)]
pub struct Hit {
    located: Located,
}

impl Hit {
    /// The record's bytes, as they were hashed.
    pub fn record(&self) -> &[u8] {
        &self.located.frame.payload()[self.located.record.clone()]
    }

    /// The entry. A record that does not decode was never given out as a hit.
    pub fn committed(&self) -> Option<Committed<'_>> {
        let Record { tenant_seq, logged_by, entry, .. } = record::decode(self.record()).ok()?;
        Some(Committed {
            seq: self.located.seq,
            tenant_seq,
            logged_at: self.located.logged_at,
            logged_by,
            entry,
        })
    }

    /// Position in the chain.
    pub fn seq(&self) -> u64 {
        self.located.seq
    }

    /// Commit time.
    pub fn logged_at(&self) -> Timestamp {
        self.located.logged_at
    }
}

/// Something that a scan met and could not read: the answer is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanProblem {
    /// The chain.
    pub service: String,
    /// The entry.
    pub seq: u64,
    /// What is wrong with it.
    pub detail: String,
}

/// Entries in order, found as they are asked for.
pub struct Scan {
    order: Order,
    compiled: Compiled,
    cursors: Vec<Cursor>,
    /// Each cursor's next hit. Ascending order pops the least, descending the greatest.
    heads: BinaryHeap<HeadKey>,
    remaining: u64,
    problems: Vec<ScanProblem>,
}

/// Key of a cursor's next hit; its cursor.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum HeadKey {
    Ascending(Reverse<(i64, usize)>),
    Descending((i64, usize)),
}

/// One chain's part of a scan.
struct Cursor {
    chain: Arc<Chain>,
    /// Rows not looked at yet.
    rows: Range<u32>,
    /// Rows that the index leaves, or all.
    candidates: Option<RoaringBitmap>,
    ready: VecDeque<Hit>,
}

/// Rows looked at under one hold of a chain's lock: appends wait no longer than that.
const STEP_ROWS: usize = 64;
/// Rows whose severity is looked at for them.
const LOOK_ROWS: usize = 1 << 16;

impl View {
    /// Entries that match `query` within `scope`.
    pub fn scan(&self, scope: &Scope, query: &Query) -> Scan {
        let compiled = Compiled::new(&query.filter, scope);
        // Chains come in the order of their services, so a cursor's index orders as its service does.
        let cursors: Vec<Cursor> = self
            .chains()
            .into_iter()
            .filter(|chain| compiled.wants_service(chain.service()))
            .map(|chain| Cursor::new(chain, &compiled))
            .collect();
        let mut scan = Scan {
            order: query.order,
            compiled,
            heads: BinaryHeap::with_capacity(cursors.len()),
            cursors,
            remaining: query.limit.unwrap_or(u64::MAX),
            problems: Vec::new(),
        };
        (0..scan.cursors.len()).for_each(|cursor| scan.queue(cursor));
        scan
    }
}

impl Scan {
    /// What could not be read so far.
    pub fn problems(&self) -> &[ScanProblem] {
        &self.problems
    }

    fn queue(&mut self, index: usize) {
        let cursor = &mut self.cursors[index];
        cursor.fill(&self.compiled, self.order, &mut self.problems);
        if let Some(hit) = cursor.ready.front() {
            let key = (hit.located.logged_at.nanos(), index);
            self.heads.push(match self.order {
                Order::Ascending => HeadKey::Ascending(Reverse(key)),
                Order::Descending => HeadKey::Descending(key),
            });
        }
    }
}

impl Iterator for Scan {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        self.remaining = self.remaining.checked_sub(1)?;
        let (HeadKey::Ascending(Reverse((_, index))) | HeadKey::Descending((_, index))) = self.heads.pop()?;
        let hit = self.cursors[index].ready.pop_front();
        self.queue(index);
        hit
    }
}

impl Cursor {
    fn new(chain: Arc<Chain>, compiled: &Compiled) -> Cursor {
        let (rows, candidates) = chain.read(|segment| {
            let rows = segment.rows_between(compiled.logged_from, compiled.logged_to);
            let candidates = compiled.tenants.as_ref().map(|tenants| segment.rows_of(tenants, &rows));
            (rows, candidates)
        });
        Cursor { chain, rows, candidates, ready: VecDeque::new() }
    }

    /// Looks at rows until one matches or none is left.
    fn fill(&mut self, compiled: &Compiled, order: Order, problems: &mut Vec<ScanProblem>) {
        while self.ready.is_empty() {
            if self.rows.is_empty() {
                return;
            }
            let chain = Arc::clone(&self.chain);
            let located: Vec<Located> = chain.read(|segment| {
                let step = self.next_rows(order, |row| match &compiled.severities {
                    Some(severities) => severities.contains(&segment.severity(row)),
                    None => true,
                });
                step.into_iter().map(|row| segment.locate(row)).collect()
            });
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

    /// The next rows that the index leaves: up to [`STEP_ROWS`] of at most [`LOOK_ROWS`] looked at.
    fn next_rows(&mut self, order: Order, wants: impl Fn(u32) -> bool) -> Vec<u32> {
        let rows = self.rows.clone();
        let mut step = Vec::with_capacity(STEP_ROWS);
        let mut last = None;
        let mut take = |candidates: &mut dyn Iterator<Item = u32>| {
            for row in candidates.take(LOOK_ROWS) {
                last = Some(row);
                if wants(row) {
                    step.push(row);
                    if step.len() == STEP_ROWS {
                        break;
                    }
                }
            }
        };
        match (&self.candidates, order) {
            (None, Order::Ascending) => take(&mut rows.clone()),
            (None, Order::Descending) => take(&mut rows.clone().rev()),
            (Some(candidates), Order::Ascending) => take(&mut candidates.range(rows.clone())),
            (Some(candidates), Order::Descending) => take(&mut candidates.range(rows.clone()).rev()),
        }
        self.rows = match (last, order) {
            (None, _) => rows.end..rows.end,
            (Some(last), Order::Ascending) => last + 1..rows.end,
            (Some(last), Order::Descending) => rows.start..last,
        };
        step
    }
}
