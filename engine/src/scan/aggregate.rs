//! What is computed from all entries that match, without giving any of them: from indexes and codes where they know,
//! from records where neither does.
//!
//! Segments and open parts are independent pieces, shared among the cores; each core gathers on its own, and what it
//! gathered is put together at the end.

use super::ScanProblem;
use super::chain::{ChainScan, problem};
use super::filter::Compiled;
use super::read::walk_places;
use super::sealed::{Found, Pace, Room, Sealed, rows_in_window};
use super::{Filter, Order, Query, Scan, Scope};
use crate::format::record;
use crate::format::record::Record;
use crate::format::segment::SegmentError;
use crate::model::Timestamp;
use crate::segment::Segment;
use crate::segment::view::{Cursors, View as SegmentView};
use crate::threads;
use crate::view::{Chain, View};
use std::ops::Range;
use std::sync::Arc;

/// Something that entries add up to, in whatever order they come.
pub(super) trait Gather: Default + Send {
    /// What is asked, the same for all.
    type Asked: Sync;

    /// Adds rows of a segment from its indexes; false, and nothing done, if they don't know.
    ///
    /// # Errors
    /// What does not read.
    fn add_indexed(
        &mut self,
        _asked: &Self::Asked,
        _view: &SegmentView<'_>,
        _compiled: &Compiled,
        _rows: &Range<u32>,
    ) -> Result<bool, SegmentError> {
        Ok(false)
    }

    /// Adds rows of a segment by their columns. No record of the segment is kept whole.
    ///
    /// # Errors
    /// What does not read.
    fn add_rows<'a>(
        &mut self,
        asked: &Self::Asked,
        view: &SegmentView<'a>,
        found: &[Found],
        cursors: &mut Cursors<'a>,
    ) -> Result<(), SegmentError>;

    /// Adds an entry.
    fn add_entry(&mut self, asked: &Self::Asked, logged_at: Timestamp, record: &Record<'_>);

    /// Adds what another gathered.
    fn add(&mut self, other: Self);
}

/// A piece of the work.
enum Piece {
    Sealed(Arc<Chain>, Arc<Segment>),
    /// Positions that were not sealed.
    Open(Arc<Chain>, Range<u64>),
}

/// What one piece gave.
struct Gathered<G> {
    sum: G,
    problems: Vec<ScanProblem>,
}

/// Gathers all entries that match.
pub(super) fn gather<G: Gather>(
    view: &View,
    scope: &Scope,
    filter: &Filter,
    asked: &G::Asked,
) -> (G, Vec<ScanProblem>) {
    let mut problems = Vec::new();
    let compiled = Compiled::with_family(view, scope, filter, view.settled(), &mut problems);
    let mut pieces = Vec::new();
    for chain in view.chains() {
        if !compiled.wants_service(chain.service()) {
            continue;
        }
        // One hold of the lock: an entry that is sealed meanwhile is met once.
        let (sealed, open) = chain.read(|parts| {
            let end = parts.sealed_end();
            (parts.sealed.clone(), end..parts.open.end_seq().unwrap_or(end))
        });
        pieces.extend(sealed.into_iter().map(|segment| Piece::Sealed(Arc::clone(&chain), segment)));
        if !open.is_empty() {
            pieces.push(Piece::Open(chain, open));
        }
    }
    let gathered = threads::each(threads::count(), pieces.into_iter(), |piece, room: &mut Room| {
        let mut gathered = Gathered { sum: G::default(), problems: Vec::new() };
        match piece {
            Piece::Sealed(chain, segment) => {
                add_sealed(&chain, &segment, &compiled, asked, room, &mut gathered);
            }
            Piece::Open(chain, seqs) => add_open(chain, &seqs, &compiled, asked, &mut gathered),
        }
        gathered
    });
    let mut sum = G::default();
    for own in gathered {
        sum.add(own.sum);
        problems.extend(own.problems);
    }
    (sum, problems)
}

fn add_sealed<G: Gather>(
    chain: &Chain,
    segment: &Segment,
    compiled: &Compiled,
    asked: &G::Asked,
    room: &mut Room,
    gathered: &mut Gathered<G>,
) {
    let Gathered { sum, problems } = gathered;
    let added = segment.read(|view| {
        let rows = rows_in_window(view, compiled)?;
        if rows.is_empty() || compiled.is_indexed() && sum.add_indexed(asked, view, compiled, &rows)? {
            return Ok(());
        }
        let Some(sealed) = Sealed::new(view, compiled, &rows, Pace::new(u64::MAX))? else { return Ok(()) };
        sealed.each_step(view, compiled, room, |cursors, found, ranges| {
            if !compiled.asks_records(view) {
                return sum.add_rows(asked, view, found, cursors);
            }
            found.sort_unstable_by_key(|found| found.place);
            let times = view.times()?;
            let places = found.iter().map(|found| found.place);
            walk_places(
                view,
                (places, |row| times.get(row)),
                compiled,
                (cursors, ranges),
                |seq, time, read| {
                    let record = read.and_then(|hit| hit.map(record::decode).transpose());
                    match record {
                        Ok(Some(record)) => sum.add_entry(asked, Timestamp::from_nanos(time), &record),
                        Ok(None) => {}
                        Err(error) => problems.push(ScanProblem::undecoded(chain.service(), seq, &error)),
                    }
                },
            )
        })
    });
    if let Err(error) = added {
        problems.push(problem(chain, segment, &error));
    }
}

/// Adds entries that were not sealed, wherever they lie by now.
fn add_open<G: Gather>(
    chain: Arc<Chain>,
    seqs: &Range<u64>,
    compiled: &Compiled,
    asked: &G::Asked,
    gathered: &mut Gathered<G>,
) {
    let query = Query { order: Order::Ascending, ..Query::default() };
    let own = ChainScan::over(chain, seqs, query.order);
    let mut scan = Scan::over(vec![own], compiled.clone(), &query, Vec::new());
    for hit in scan.by_ref() {
        // A record that does not decode is no hit.
        if let Ok(record) = record::decode(hit.record()) {
            gathered.sum.add_entry(asked, hit.logged_at(), &record);
        }
    }
    gathered.problems.append(&mut scan.problems);
}
