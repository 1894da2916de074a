//! Makes one segment of neighbours: the same rows, states and marks, encoded anew.

use super::Segment;
use super::view::{Cursors, View};
use super::writer;
use crate::format::column::Effort;
use crate::format::segment::columns::Row;
use crate::format::segment::{Frame, SegmentError, TenantRow};
use crate::limits::MARK_INTERVAL;
use crate::proof::Hash;
use std::collections::BTreeMap;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

/// One row, read from a segment.
struct MergedRow {
    record: Range<usize>,
    kind: u8,
    logged_at: i64,
    /// Index into the tenants of all segments.
    tenant: u32,
}

/// Builds the file of a segment that holds what these hold, which follow one another. Every record is read back and
/// compared with that of the source.
///
/// # Errors
/// A source that does not read, sources that do not follow one another, rows that do not read back.
pub fn merge(segments: &[Arc<Segment>], effort: Effort) -> Result<Vec<u8>, SegmentError> {
    let wrong = |expected, found: String| SegmentError { offset: 0, expected, found };
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        return Err(wrong("segments to merge", "none".to_owned()));
    };
    for (before, behind) in segments.iter().zip(&segments[1..]) {
        let (before, behind) = (before.footer(), behind.footer());
        let is_next = before.end_seq() == behind.first_seq
            && before.head == behind.prev
            && before.closing_edge == behind.opening_edge;
        if !is_next {
            return Err(wrong("segments that follow one another", format!("{}", behind.first_seq)));
        }
    }
    let tenants = tenants_of(segments)?;
    let numbers: BTreeMap<&str, u32> =
        tenants.iter().zip(0..).map(|(row, number)| (row.tenant.as_str(), number)).collect();
    let (mut records, mut rows) = (Vec::new(), Vec::new());
    for segment in segments {
        segment.read(|view| read_rows(view, &numbers, &mut records, &mut rows))?;
    }
    let mut footer = first.footer().clone();
    footer.head = last.footer().head;
    footer.closing_edge.clone_from(&last.footer().closing_edge);
    footer.line_count = last.footer().line_count;
    footer.is_compact = matches!(effort, Effort::Strong);
    let frame = Frame { footer, marks: marks_of(segments)?, tenants };
    let own: Vec<u32> = rows.iter().map(|row| row.tenant).collect();
    let rows: Vec<Row<'_>> = rows
        .iter()
        .map(|row| Row { record: &records[row.record.clone()], kind: row.kind, logged_at: row.logged_at })
        .collect();
    writer::build(frame, &rows, &own, effort)
}

/// The tenants of all segments by name, each from where it stands before the first to where it stands behind the last.
fn tenants_of(segments: &[Arc<Segment>]) -> Result<Vec<TenantRow>, SegmentError> {
    let mut tenants: BTreeMap<String, TenantRow> = BTreeMap::new();
    for segment in segments {
        for row in segment.read(|view| view.read_tenants())? {
            match tenants.get_mut(&row.tenant) {
                None => {
                    tenants.insert(row.tenant.clone(), row);
                }
                Some(known) => {
                    let goes_on = known.closing == row.opening
                        && (known.line, known.slot, known.nonce) == (row.line, row.slot, row.nonce);
                    if !goes_on {
                        return Err(SegmentError {
                            offset: 0,
                            expected: "a line that goes on where the segment before left it",
                            found: row.tenant,
                        });
                    }
                    known.closing = row.closing;
                    let newest = known.keys.last().map_or(0, |(from, _)| *from);
                    // A seal that was cut in two wrote the key that salts both parts twice.
                    let is_known = |key: &(u64, [u8; 32])| known.keys.last() == Some(key);
                    let keys: Vec<_> = row.keys.into_iter().filter(|key| !is_known(key)).collect();
                    known.keys.extend(keys.into_iter().filter(|(from, _)| *from >= newest));
                }
            }
        }
    }
    Ok(tenants.into_values().collect())
}

fn read_rows(
    view: &View<'_>,
    numbers: &BTreeMap<&str, u32>,
    records: &mut Vec<u8>,
    rows: &mut Vec<MergedRow>,
) -> Result<(), SegmentError> {
    let footer = view.footer();
    let wrong = |expected, found: String| SegmentError { offset: 0, expected, found };
    let times = view.times()?.decode().map_err(|error| wrong("commit times", error.to_string()))?;
    let own: Vec<u32> = view
        .read_tenants()?
        .iter()
        .map(|row| numbers.get(row.tenant.as_str()).copied().unwrap_or(u32::MAX))
        .collect();
    let from = rows.len();
    rows.extend((0..footer.entry_count).map(|_| MergedRow {
        record: 0..0,
        kind: 0,
        logged_at: 0,
        tenant: u32::MAX,
    }));
    let mut cursors = Cursors::default();
    view.walk(
        slice::from_ref(&(0..footer.entry_count)),
        |row| times.get(row as usize).copied().unwrap_or_default(),
        &mut cursors,
        |head, read| {
            let start = records.len();
            records.extend_from_slice(read?.record);
            let tenant = own.get(head.tenant as usize).copied();
            let row = rows.get_mut(from + head.row as usize).zip(tenant);
            let (row, tenant) = row.ok_or_else(|| wrong("a row of the segment", head.row.to_string()))?;
            *row = MergedRow {
                record: start..records.len(),
                kind: head.kind,
                logged_at: head.logged_at,
                tenant,
            };
            Ok::<_, SegmentError>(())
        },
    )?;
    match rows[from..].iter().position(|row| row.tenant == u32::MAX) {
        Some(row) => Err(wrong("each row at one place", format!("row {row} at none"))),
        None => Ok(()),
    }
}

/// The marks of all segments. Where a node begins in one and ends in the next, the leaf before it is in the merged one.
fn marks_of(segments: &[Arc<Segment>]) -> Result<Vec<[u8; 64]>, SegmentError> {
    let mut marks: Vec<[u8; 64]> = Vec::new();
    let leaf_at = |seq: u64| -> Result<Option<Hash>, SegmentError> {
        let holder = segments.iter().find(|own| {
            let footer = own.footer();
            (footer.first_seq..footer.end_seq()).contains(&seq)
        });
        holder.map(|own| own.read(|view| view.leaf(seq))).transpose()
    };
    for segment in segments {
        let first_node = segment.footer().first_seq / MARK_INTERVAL;
        let own = segment.read(|view| Ok::<_, SegmentError>(view.marks()?.to_vec()))?;
        for (mark, node) in own.into_iter().zip(first_node..) {
            let mut mark = mark;
            let begins_at = node * MARK_INTERVAL;
            // Only a segment's first node can begin before it.
            if begins_at < segment.footer().first_seq
                && let Some(before) = begins_at.checked_sub(1)
                && let Some(leaf) = leaf_at(before)?
            {
                mark[32..].copy_from_slice(&leaf);
            } else if begins_at == segments[0].footer().first_seq && begins_at < segment.footer().first_seq {
                mark[32..].copy_from_slice(&segments[0].footer().prev);
            }
            marks.push(mark);
        }
    }
    Ok(marks)
}
