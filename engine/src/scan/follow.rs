//! Entries of one chain that belong to a process, for whoever follows the chain.

use super::cursor::{Asked, Cursor};
use super::filter::Compiled;
use super::sealed::Room;
use super::{Filter, Hit, Log, Order, ScanProblem, Scope};
use crate::view::Chain;
use std::ops::Range;
use std::sync::Arc;

/// Gives the entries with a process among those of these positions, found by their process columns; then what of the
/// rest did not read.
pub(crate) fn entries_with_process(
    chain: &Arc<Chain>,
    seqs: &Range<u64>,
    mut each: impl FnMut(&Hit),
) -> Vec<ScanProblem> {
    let filter =
        Filter { log: Log::Process, services: vec![chain.service().to_owned()], ..Filter::default() };
    let compiled = Compiled::new(&filter, &Scope::unlimited());
    let (mut room, mut problems) = (Room::default(), Vec::new());
    let mut cursor = Cursor::over(Arc::clone(chain), seqs, Order::Ascending);
    loop {
        cursor.fill(&mut Asked {
            compiled: &compiled,
            order: Order::Ascending,
            most: u64::MAX,
            room: &mut room,
            problems: &mut problems,
        });
        match cursor.take_hit() {
            Some(hit) => each(&hit),
            None => return problems,
        }
    }
}
