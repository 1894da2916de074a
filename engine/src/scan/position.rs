//! Places in the one total order: where a page ends and the next one begins.

use super::Order;
use super::ScanProblem;
use super::chain::problem;
use crate::model::Timestamp;
use crate::view::{Chain, Parts};
use std::ops::Range;

/// A place in the total order (`logged_at`, service as bytes, `seq`): that of an entry, whether it is there or not.
///
/// It stays what it is while entries arrive, are sealed or merged, and when the entry itself is erased.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Commit time.
    pub logged_at: Timestamp,
    /// The chain.
    pub service: String,
    /// Position in the chain.
    pub seq: u64,
}

impl Position {
    /// The place behind everything that was committed by a time.
    pub fn behind(logged_at: Timestamp) -> Position {
        // No service sorts before the empty text, and none is called so.
        Position { logged_at: logged_at.saturating_add(1), service: String::new(), seq: 0 }
    }

    /// Positions of a chain that come behind this one in an order.
    pub(super) fn rest_of(&self, chain: &Chain, order: Order, problems: &mut Vec<ScanProblem>) -> Range<u64> {
        let size = chain.size();
        // A service that sorts behind this one has its entries of the same commit time behind it.
        let edge = match chain.service().cmp(&self.service) {
            std::cmp::Ordering::Equal if order == Order::Ascending => self.seq.saturating_add(1),
            std::cmp::Ordering::Equal => self.seq,
            std::cmp::Ordering::Greater => first_at(chain, self.logged_at, problems),
            std::cmp::Ordering::Less => match self.logged_at.nanos().checked_add(1) {
                Some(next) => first_at(chain, Timestamp::from_nanos(next), problems),
                None => size,
            },
        };
        match order {
            Order::Ascending => edge.min(size)..size,
            Order::Descending => 0..edge.min(size),
        }
    }
}

/// Position of a chain's first entry that was committed at a time or later; its size if there is none.
fn first_at(chain: &Chain, time: Timestamp, problems: &mut Vec<ScanProblem>) -> u64 {
    chain.read(|parts: &Parts| {
        let at = parts.sealed.partition_point(|segment| segment.footer().logged_at.1 < time.nanos());
        let Some(segment) = parts.sealed.get(at) else {
            let row = parts.open.rows_between(Some(time), None).start;
            let end = parts.open.end_seq().unwrap_or(parts.sealed_end());
            return if row < parts.open.row_count() { parts.open.seq(row) } else { end };
        };
        let footer = segment.footer();
        if time.nanos() <= footer.logged_at.0 {
            return footer.first_seq;
        }
        match segment.read(|view| Ok(view.times()?.rows_between(Some(time.nanos()), None).start)) {
            Ok(row) => footer.first_seq + u64::from(row),
            Err(error) => {
                problems.push(problem(chain, segment, &error));
                footer.first_seq
            }
        }
    })
}
