//! How many entries match: from indexes where they know, else from columns; records are read where neither does.

use super::chain::{ChainScan, problem};
use super::filter::Compiled;
use super::sealed::{Pace, Room, Sealed, places_in, rows_in_window, tenants_in};
use super::{Filter, Members, Order, Position, Query, Scan, ScanProblem, Scope};
use crate::format::cbor::CborError;
use crate::format::segment::SegmentError;
use crate::model::Timestamp;
use crate::segment::view::View as SegmentView;
use crate::view::{Chain, View};
use std::ops::Range;
use std::sync::Arc;

/// How many entries match a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Entries that match.
    pub entries: u64,
    /// What could not be read: entries there are not counted.
    pub problems: Vec<ScanProblem>,
}

impl View {
    /// How many entries match `filter` within `scope`: as many as a scan gives, at the cost of what indexes know where
    /// nothing is asked but service, tenant, severity and commit time.
    pub fn count(&self, scope: &Scope, filter: &Filter) -> Count {
        self.count_behind(scope, filter, None, self.settled())
    }

    /// As [`View::count`], of those behind a place and committed by a time.
    pub(super) fn count_behind(
        &self,
        scope: &Scope,
        filter: &Filter,
        after: Option<&Position>,
        until: Option<Timestamp>,
    ) -> Count {
        let mut count = Count::default();
        let compiled = Compiled::with_family(self, scope, filter, until, &mut count.problems);
        self.count_compiled(&compiled, after, count)
    }

    /// As [`View::count`], of these processes.
    pub(crate) fn count_processes(&self, scope: &Scope, filter: &Filter, members: &Members) -> Count {
        let mut compiled = Compiled::new(filter, scope, self.settled());
        compiled.require_members(members);
        self.count_compiled(&compiled, None, Count::default())
    }

    fn count_compiled(&self, compiled: &Compiled, after: Option<&Position>, mut count: Count) -> Count {
        let mut room = Room::default();
        for chain in self.chains() {
            if compiled.wants_service(chain.service()) {
                let from = after
                    .map_or(0, |after| after.rest_of(&chain, Order::Ascending, &mut count.problems).start);
                count_chain(&chain, from, compiled, &mut room, &mut count);
            }
        }
        count
    }
}

/// Counts entries at or behind a position.
fn count_chain(chain: &Arc<Chain>, from: u64, compiled: &Compiled, room: &mut Room, count: &mut Count) {
    // One hold of the lock: an entry that is sealed meanwhile is counted once.
    let (sealed, open, seqs) = chain.read(|parts| {
        let mut rows = parts.open.rows_between(compiled.logged_from, compiled.logged_to);
        rows.start = rows.start.max(parts.open.rows_from(from)).min(rows.end);
        let (tenants, severities) = (compiled.tenants.as_deref(), compiled.severities.as_deref());
        let open = compiled.is_indexed().then(|| parts.open.count(&rows, tenants, severities));
        let start = parts.sealed_end();
        (parts.sealed.clone(), open, start.max(from)..parts.open.end_seq().unwrap_or(start))
    });
    for segment in sealed.into_iter().filter(|segment| segment.footer().end_seq() > from) {
        let problems = &mut count.problems;
        let undecoded = |seq, error| problems.push(ScanProblem::undecoded(chain.service(), seq, &error));
        match segment.read(|view| count_sealed(view, from, compiled, room, undecoded)) {
            Ok(entries) => count.entries += entries,
            Err(error) => count.problems.push(problem(chain, &segment, &error)),
        }
    }
    count.entries += open.unwrap_or_else(|| count_open(chain, &seqs, compiled, &mut count.problems));
}

/// Counts entries of the open segment record by record, wherever they lie by now.
fn count_open(
    chain: &Arc<Chain>,
    seqs: &Range<u64>,
    compiled: &Compiled,
    problems: &mut Vec<ScanProblem>,
) -> u64 {
    let query = Query { order: Order::Ascending, ..Query::default() };
    let own = ChainScan::over(Arc::clone(chain), seqs, query.order);
    let mut scan = Scan::over(vec![own], compiled.clone(), &query, std::mem::take(problems));
    let entries = scan.by_ref().count() as u64;
    *problems = scan.problems;
    entries
}

fn count_sealed(
    view: &SegmentView<'_>,
    from: u64,
    compiled: &Compiled,
    room: &mut Room,
    undecoded: impl FnMut(u64, CborError),
) -> Result<u64, SegmentError> {
    let footer = view.footer();
    let mut rows = rows_in_window(view, compiled)?;
    let first_row = u32::try_from(from.saturating_sub(footer.first_seq)).unwrap_or(u32::MAX);
    rows.start = rows.start.max(first_row).min(rows.end);
    if rows.is_empty() {
        return Ok(0);
    }
    if compiled.is_indexed() {
        match (&compiled.tenants, &compiled.severities) {
            (None, None) => return Ok(u64::from(rows.end - rows.start)),
            (None, Some(severities)) => {
                let classes = view.severities()?;
                let mut wanted: Vec<usize> =
                    severities.iter().map(|own| usize::from(own.class()) - 1).collect();
                wanted.sort_unstable();
                wanted.dedup();
                return Ok(wanted
                    .into_iter()
                    .map(|class| classes[class].range_cardinality(rows.clone()))
                    .sum());
            }
            (Some(tenants), None) => {
                let tenants = tenants_in(view, tenants)?;
                if rows == (0..footer.entry_count) {
                    let lines =
                        tenants.iter().filter_map(|tenant| view.tenants().ok()?.get(*tenant as usize));
                    return Ok(lines.map(|line| line.closing.size - line.opening.size).sum());
                }
                return count_runs(view, &tenants, &rows);
            }
            (Some(_), Some(_)) => {}
        }
    }
    match Sealed::new(view, compiled, &rows, Pace::new(u64::MAX))? {
        Some(sealed) => sealed.count(view, compiled, room, undecoded),
        None => Ok(0),
    }
}

/// Entries of tenants in these rows, by where their runs are cut.
fn count_runs(view: &SegmentView<'_>, tenants: &[u32], rows: &Range<u32>) -> Result<u64, SegmentError> {
    let places = view.places()?;
    let mut entries = 0;
    for group in places.group_of(rows.start)..=places.group_of(rows.end - 1) {
        let range = places.groups().get(group).cloned().unwrap_or_default();
        let is_whole = rows.start <= range.start && range.end <= rows.end;
        for run in tenants.iter().filter_map(|tenant| places.run_of(group, *tenant)) {
            entries += match is_whole {
                true => u64::from(run.count),
                false => places_in(view, run, rows)?.len() as u64,
            };
        }
    }
    Ok(entries)
}
