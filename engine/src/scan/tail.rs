//! Entries as they arrive: a scan that goes on.
//!
//! It begins where a page or another tail ended, so that nothing lies between history and now. Whoever reads more slowly
//! than entries arrive is told what was left out, and goes on with what is new: nothing is kept for them.

use super::{Filter, Hit, Order, Position, Query, ScanProblem, Scope};
use crate::model::Timestamp;
use crate::view::View;

/// Where somebody who follows the log is.
#[derive(Clone, Debug)]
pub struct Tail {
    scope: Scope,
    filter: Filter,
    after: Option<Position>,
    lag_max_ns: i64,
    /// They had seen everything once: only then can they fall behind.
    is_live: bool,
    /// More was waiting than they were given.
    has_more: bool,
}

/// What arrived.
#[derive(Debug, Default)]
pub struct Arrived {
    /// Entries that were left out before these.
    pub dropped: Option<Dropped>,
    /// Entries, oldest first.
    pub hits: Vec<Hit>,
    /// What could not be read.
    pub problems: Vec<ScanProblem>,
}

/// Entries that somebody too slow was not given. They are in the log: a scan behind `from` gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// They lie behind this place; none if they are the first ones.
    pub from: Option<Position>,
    /// They were committed by then.
    pub until: Timestamp,
    /// How many match the filter.
    pub entries: u64,
}

impl Tail {
    /// Follows what matches `filter` within `scope`: behind a place, or from the first entry on if there is none. Whoever
    /// had seen everything, and is then given entries more than `lag_max_ns` nanoseconds after they were committed while more
    /// wait, is given newer ones instead.
    pub fn behind(after: Option<Position>, scope: Scope, filter: Filter, lag_max_ns: i64) -> Tail {
        Tail { scope, filter, after, lag_max_ns, is_live: false, has_more: false }
    }

    /// As [`Tail::behind`], from now on.
    pub fn from_now(view: &View, scope: Scope, filter: Filter, lag_max_ns: i64) -> Tail {
        let mut tail = Tail::behind(view.settled().map(Position::behind), scope, filter, lag_max_ns);
        tail.is_live = true;
        tail
    }

    /// Where to go on: everything up to there was given or told as dropped.
    pub fn position(&self) -> Option<&Position> {
        self.after.as_ref()
    }

    /// What arrived since, at most `limit` entries; perhaps nothing.
    pub fn poll(&mut self, view: &View, limit: u64) -> Arrived {
        let Some(settled) = view.settled() else { return Arrived::default() };
        let mut arrived = Arrived::default();
        if self.is_live && self.has_more && self.is_behind(settled) {
            arrived.dropped = self.drop_until(view, settled, &mut arrived.problems);
        }
        let query = Query {
            filter: self.filter.clone(),
            order: Order::Ascending,
            limit: Some(limit),
            after: self.after.clone(),
        };
        let mut scan = view.scan(&self.scope, &query);
        arrived.hits.extend(scan.by_ref());
        arrived.problems.extend_from_slice(scan.problems());
        let is_full = arrived.hits.len() as u64 >= limit;
        self.is_live |= !is_full;
        self.has_more = is_full;
        match arrived.hits.last().filter(|_| is_full) {
            Some(last) => self.after = last.position(),
            // Nothing else was committed by then: what does not match is not looked at again.
            None => self.after = Some(Position::behind(settled)).max(self.after.take()),
        }
        arrived
    }

    fn is_behind(&self, settled: Timestamp) -> bool {
        let Some(after) = &self.after else { return false };
        settled.nanos().saturating_sub(after.logged_at.nanos()) > self.lag_max_ns
    }

    /// Leaves everything out that was committed by now, if that is anything.
    fn drop_until(
        &mut self,
        view: &View,
        settled: Timestamp,
        problems: &mut Vec<ScanProblem>,
    ) -> Option<Dropped> {
        let from = self.after.clone();
        let count = view.count_behind(&self.scope, &self.filter, from.as_ref(), Some(settled));
        problems.extend(count.problems);
        let entries = count.entries;
        if entries == 0 {
            return None;
        }
        self.after = Some(Position::behind(settled));
        Some(Dropped { from, until: settled, entries })
    }
}
