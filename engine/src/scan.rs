//! Range scans: which entries, in which order.
//!
//! By index to rows, then by column or record for what no index answers, then merged over chains into the one total
//! order (`logged_at`, service as bytes, `seq`). Of a sealed segment only those columns are touched that the filter and
//! then the answer need. What was committed when a scan begins is noted, over all chains at once: entries that arrive
//! later are not in it, and whoever goes on behind the last one that it gave misses none.

mod aggregate;
mod buckets;
mod chain;
mod columns;
mod count;
mod durations;
mod facets;
mod family;
mod filter;
mod histogram;
mod includes;
mod judge;
mod needle;
#[cfg(test)]
mod needle_tests;
mod position;
mod read;
mod scope;
mod sealed;
mod tail;
pub mod words;
mod work;

pub use buckets::{Bucket, BucketError};
pub use count::Count;
pub use durations::{Duration, Durations};
pub use facets::{Facet, Facets};
pub(crate) use family::{Members, entries_with_process};
pub use filter::{Filter, FilterError, Log, Text, TimeField};
pub use histogram::{Classes, Histogram};
pub use position::Position;
pub use read::Hit;
pub use scope::Scope;
pub use tail::{Arrived, Dropped, Tail};
pub use words::{WordError, Words};
pub use work::Work;

use crate::format::cbor::CborError;
use crate::view::View;
use chain::{Asked, ChainScan};
use filter::Compiled;
use read::{Candidate, Sources};
use sealed::Room;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Instant;

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
    /// Only what comes behind this place in that order.
    pub after: Option<Position>,
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

impl ScanProblem {
    fn undecoded(service: &str, seq: u64, error: &CborError) -> ScanProblem {
        let detail = format!("its record does not decode: {error}");
        ScanProblem { service: service.to_owned(), seq, detail }
    }
}

/// Entries that are read together before one of them is asked for, at first and at most, where nobody says how many are
/// wanted.
const BATCH_MIN: u64 = 64;
const BATCH_MAX: u64 = 65_536;

/// Entries in order, found as they are asked for.
pub struct Scan {
    order: Order,
    compiled: Compiled,
    chains: Vec<ChainScan>,
    /// Each chain's next candidate. Ascending order pops the least, descending the greatest.
    heads: BinaryHeap<HeadKey>,
    /// The chain whose candidate was taken last: its next one is not looked for until it is needed.
    pending: Option<usize>,
    remaining: u64,
    batch: u64,
    /// Entries that were read, the next first.
    ready: VecDeque<Hit>,
    sources: Sources,
    room: Room,
    problems: Vec<ScanProblem>,
}

/// Key of a chain's next candidate; its index.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum HeadKey {
    Ascending(Reverse<(i64, usize)>),
    Descending((i64, usize)),
}

impl View {
    /// Entries that match `query` within `scope`.
    pub fn scan(&self, scope: &Scope, query: &Query) -> Scan {
        let mut problems = Vec::new();
        let compiled = Compiled::with_family(self, scope, &query.filter, self.settled(), &mut problems);
        self.scan_compiled(compiled, query, problems)
    }

    /// As [`View::scan`], of these processes.
    pub(crate) fn scan_processes(&self, scope: &Scope, query: &Query, members: &Members) -> Scan {
        let mut compiled = Compiled::new(&query.filter, scope, self.settled());
        compiled.require_members(members);
        self.scan_compiled(compiled, query, Vec::new())
    }

    /// The entry at a position of a chain, if it matches `filter` within `scope`: at the cost of looking at that row
    /// alone, whether it is there or not.
    pub fn entry(&self, scope: &Scope, filter: &Filter, service: &str, seq: u64) -> Scan {
        let mut problems = Vec::new();
        let compiled = Compiled::with_family(self, scope, filter, self.settled(), &mut problems);
        let query = Query { limit: Some(1), ..Query::default() };
        let chain = self.chain(service).filter(|chain| seq < chain.size());
        let chains = chain.filter(|_| compiled.wants_service(service));
        let rows = seq..seq.saturating_add(1);
        let scan = chains.map(|chain| ChainScan::over(chain, &rows, query.order));
        Scan::over(scan.into_iter().collect(), compiled, &query, problems)
    }

    fn scan_compiled(&self, compiled: Compiled, query: &Query, mut problems: Vec<ScanProblem>) -> Scan {
        // Chains come in the order of their services, so a chain's index orders as its service does.
        let chains =
            self.chains().into_iter().filter(|chain| compiled.wants_service(chain.service())).map(|chain| {
                let seqs = match &query.after {
                    Some(after) => after.rest_of(&chain, query.order, &mut problems),
                    None => 0..chain.size(),
                };
                ChainScan::over(chain, &seqs, query.order)
            });
        Scan::over(chains.collect(), compiled, query, problems)
    }
}

impl Scan {
    fn over(chains: Vec<ChainScan>, compiled: Compiled, query: &Query, problems: Vec<ScanProblem>) -> Scan {
        let mut scan = Scan {
            order: query.order,
            compiled,
            heads: BinaryHeap::with_capacity(chains.len()),
            chains,
            pending: None,
            remaining: query.limit.unwrap_or(u64::MAX),
            batch: query.limit.filter(|limit| *limit <= BATCH_MAX).unwrap_or(BATCH_MIN),
            ready: VecDeque::new(),
            sources: Sources::default(),
            room: Room::default(),
            problems,
        };
        let began = Instant::now();
        if scan.remaining > 0 {
            (0..scan.chains.len()).for_each(|chain| scan.queue(chain));
        }
        scan.room.work.choosing += began.elapsed();
        scan
    }

    /// What could not be read so far.
    pub fn problems(&self) -> &[ScanProblem] {
        &self.problems
    }

    /// What was done so far.
    pub fn work(&self) -> Work {
        Work { chains: self.chains.len() as u64, ..self.room.work }
    }

    fn queue(&mut self, index: usize) {
        let chain = &mut self.chains[index];
        chain.fill(&mut Asked {
            compiled: &self.compiled,
            order: self.order,
            most: self.remaining,
            sources: &mut self.sources,
            room: &mut self.room,
            problems: &mut self.problems,
        });
        if let Some(candidate) = chain.peek() {
            let key = (candidate.logged_at(), index);
            self.heads.push(match self.order {
                Order::Ascending => HeadKey::Ascending(Reverse(key)),
                Order::Descending => HeadKey::Descending(key),
            });
        }
    }

    /// The next candidate of all chains.
    fn next_candidate(&mut self) -> Option<Candidate> {
        if let Some(index) = self.pending.take() {
            self.queue(index);
        }
        let (HeadKey::Ascending(Reverse((_, index))) | HeadKey::Descending((_, index))) = self.heads.pop()?;
        self.pending = Some(index);
        self.chains[index].take()
    }

    /// Reads the next entries; false if none is left.
    fn advance(&mut self) -> bool {
        let began = Instant::now();
        let wanted = self.batch.min(self.remaining);
        let mut batch = Vec::with_capacity(usize::try_from(wanted.min(BATCH_MAX)).unwrap_or_default());
        while (batch.len() as u64) < wanted
            && let Some(candidate) = self.next_candidate()
        {
            batch.push(candidate);
        }
        self.batch = (self.batch * 4).min(BATCH_MAX);
        let has_any = !batch.is_empty();
        let chosen = Instant::now();
        let rows = batch.iter().filter(|candidate| matches!(candidate, Candidate::Sealed(_))).count();
        let work = &mut self.room.work;
        let hits = read::read_all(batch, &self.compiled, &mut self.sources, &mut self.problems, work);
        self.ready.extend(hits);
        work.records += rows as u64;
        work.hits += self.ready.len() as u64;
        work.record_bytes += self.ready.iter().map(|hit| hit.record().len() as u64).sum::<u64>();
        work.choosing += chosen - began;
        work.reading += chosen.elapsed();
        has_any
    }
}

impl Iterator for Scan {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        while self.remaining > 0 && self.ready.is_empty() {
            if !self.advance() {
                return None;
            }
        }
        self.remaining = self.remaining.checked_sub(1)?;
        self.ready.pop_front()
    }
}
