//! Takes entries of chains into the table, from where it stands.
//!
//! One chain after the other: the fold doesn't mind. What is in an open segment is found by its list of rows with a
//! process, so that all others cost nothing; what is sealed by its process columns.

use super::own::Event;
use super::table::Table;
use crate::format::record;
use crate::limits;
use crate::model::{Entry, RESERVED_PREFIX, Timestamp};
use crate::scan::entries_with_process;
use crate::view::{Chain, View};
use std::sync::Arc;

/// A row of an open segment, copied: decoding it holds up nobody.
struct Row {
    record: Box<[u8]>,
    seq: u64,
    logged_at: Timestamp,
}

fn copied((record, seq, logged_at): (&[u8], u64, Timestamp)) -> Row {
    Row { record: record.into(), seq, logged_at }
}

/// What is next of a chain.
enum Next {
    Nothing,
    /// Positions of sealed segments.
    Sealed(u64),
    /// Rows of the open segment, and the position behind what was looked at.
    Open(Vec<Row>, u64),
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// The table has everything that was there.
    All,
    /// There may be more.
    Some,
}

/// Takes in the next entries of all chains: about so many that nobody waits for long.
pub(crate) fn feed(view: &View, table: &mut Table) -> Fed {
    let mut room = limits::PROCESS_STEP_ENTRIES;
    for chain in view.chains() {
        if chain.service().starts_with(RESERVED_PREFIX) {
            continue;
        }
        let service: Arc<str> = chain.service().into();
        while room > 0 {
            let Some(count) = step(&chain, &service, table, room) else { break };
            room = room.saturating_sub(count);
        }
        if room == 0 {
            return Fed::Some;
        }
    }
    Fed::All
}

/// Takes a tenant's entries in anew, up to where the table stands, when all of them were left out of it.
pub(crate) fn feed_tenant(view: &View, table: &mut Table, tenant: &str) {
    for chain in view.chains() {
        let service: Arc<str> = chain.service().into();
        let end = table.position(&service);
        let problems = entries_with_process(&chain, Some(tenant), &(0..end), |hit| {
            add(&service, hit.seq(), hit.logged_at(), hit.record(), table);
        });
        if !problems.is_empty() {
            table.set_incomplete();
        }
    }
}

/// Takes in what is next of a chain; says how many entries that were, if anything was left.
fn step(chain: &Arc<Chain>, service: &Arc<str>, table: &mut Table, room: usize) -> Option<usize> {
    let from = table.position(service);
    let next = chain.read(|parts| {
        let sealed_end = parts.sealed_end();
        if from < sealed_end {
            return Next::Sealed(sealed_end.min(from + GROUP_ENTRIES));
        }
        let Some(end) = parts.open.end_seq().filter(|end| from < *end) else { return Next::Nothing };
        let rows = parts.open.process_rows_from(parts.open.rows_from(from));
        let taken = &rows[..rows.len().min(room).min(LOCKED_ENTRIES)];
        let end = if taken.len() < rows.len() {
            taken.last().map_or(end, |row| parts.open.seq(*row) + 1)
        } else {
            end
        };
        Next::Open(taken.iter().map(|row| copied(parts.open.entry(*row))).collect(), end)
    });
    match next {
        Next::Nothing => None,
        Next::Sealed(end) => {
            let mut count = 0;
            let problems = entries_with_process(chain, None, &(from..end), |hit| {
                count += 1;
                add(service, hit.seq(), hit.logged_at(), hit.record(), table);
            });
            if !problems.is_empty() {
                table.set_incomplete();
            }
            table.advance(service, end);
            // To look costs something too.
            Some(count.max(EMPTY_GROUP))
        }
        Next::Open(rows, end) => {
            for row in &rows {
                add(service, row.seq, row.logged_at, &row.record, table);
            }
            table.advance(service, end);
            Some(rows.len().max(1))
        }
    }
}

/// Entries of a sealed segment that are looked at at once.
const GROUP_ENTRIES: u64 = 1 << 16;
/// What that costs if none of them has a process, in entries that have one.
const EMPTY_GROUP: usize = 512;
/// Entries that are copied under one hold of a chain's lock: appends wait no longer than that.
const LOCKED_ENTRIES: usize = 256;

fn add(service: &Arc<str>, seq: u64, logged_at: Timestamp, bytes: &[u8], table: &mut Table) {
    match record::decode(bytes) {
        Ok(record) => {
            if let Some(event) = event_of(&record.entry, service, seq, logged_at) {
                table.add(&event);
            }
        }
        Err(_) => table.set_incomplete(),
    }
}

fn event_of<'a>(
    entry: &'a Entry<'_>,
    service: &'a Arc<str>,
    seq: u64,
    logged_at: Timestamp,
) -> Option<Event<'a>> {
    let process = entry.process.as_ref()?;
    Some(Event {
        logged_at,
        service,
        seq,
        tenant: &entry.tenant,
        organization: &entry.organization,
        id: &process.id,
        parent: &process.parent,
        event: process.event,
        severity: entry.severity,
        activity: &entry.activity,
        request_id: &entry.request_id,
        configuration_id: &entry.configuration_id,
        generated_at: entry.generated_at,
        started: entry.started,
        finished: entry.finished,
    })
}
