//! Range scans: which entries, in which order.
//!
//! By index to rows, then by column or record for what no index answers, then merged over chains into the one total
//! order (`logged_at`, service as bytes, `seq`). Of a sealed segment only those columns are touched that the filter and
//! then the answer need. The chains' ends are noted when a scan begins: entries that arrive later are
//! not in it.

mod columns;
mod count;
mod cursor;
mod filter;
mod scope;
mod sealed;

pub use count::Count;
pub use filter::{Filter, FilterError, Log, Text, TimeField};
pub use scope::Scope;

use crate::format::record::{self, Record};
use crate::model::{Committed, Timestamp};
use crate::open::Located;
use crate::view::View;
use cursor::{Asked, Cursor};
use filter::Compiled;
use sealed::Room;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
        &self.located.record
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
    room: Room,
    problems: Vec<ScanProblem>,
}

/// Key of a cursor's next hit; its cursor.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum HeadKey {
    Ascending(Reverse<(i64, usize)>),
    Descending((i64, usize)),
}

impl View {
    /// Entries that match `query` within `scope`.
    pub fn scan(&self, scope: &Scope, query: &Query) -> Scan {
        let compiled = Compiled::new(&query.filter, scope);
        // Chains come in the order of their services, so a cursor's index orders as its service does.
        let cursors: Vec<Cursor> = self
            .chains()
            .into_iter()
            .filter(|chain| compiled.wants_service(chain.service()))
            .map(|chain| Cursor::new(chain, query.order))
            .collect();
        let mut scan = Scan {
            order: query.order,
            compiled,
            heads: BinaryHeap::with_capacity(cursors.len()),
            cursors,
            remaining: query.limit.unwrap_or(u64::MAX),
            room: Room::default(),
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
        cursor.fill(&mut Asked {
            compiled: &self.compiled,
            order: self.order,
            most: self.remaining,
            room: &mut self.room,
            problems: &mut self.problems,
        });
        if let Some(hit) = cursor.next_hit() {
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
        let hit = self.cursors[index].take_hit();
        self.queue(index);
        hit
    }
}
