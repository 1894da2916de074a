//! What a segment keeps so that nobody has to look through it, held against its rows.
//!
//! A scan that misses an entry is as bad as an entry that is gone, so each index is compared whole.

use super::super::report::ProblemKind;
use super::{Findings, Rows, is_control_chain};
use crate::format::control::kind;
use crate::threads;
use std::ops::Range;

/// The row of each place: within each group a permutation, upwards within each run.
pub fn rows_of_places(rows: &Rows<'_, '_>, threads: usize) -> Result<Vec<u32>, String> {
    let Ok(places) = rows.view.places() else { return Err("expected places".to_owned()) };
    let mut of_places = vec![0; rows.footer.entry_count as usize];
    let mut rest = of_places.as_mut_slice();
    let mut pieces = Vec::with_capacity(rows.groups.len());
    for group in rows.groups {
        let (own, behind) = std::mem::take(&mut rest).split_at_mut(group.len());
        rest = behind;
        pieces.push((group.clone(), own));
    }
    let wrong = threads::each(threads, pieces.into_iter(), |(group, own), _: &mut ()| {
        let mut seen = vec![false; group.len()];
        for (place, row) in group.clone().zip(own.iter_mut()) {
            let found = places.row(place).filter(|found| {
                let seen = &mut seen[(found - group.start) as usize];
                !std::mem::replace(seen, true)
            });
            let Some(found) = found else {
                return Some(format!("expected each row at one place, found another at place {place}"));
            };
            *row = found;
        }
        let of_group = |place: u32| own[(place - group.start) as usize];
        runs_of(rows.runs, &group).iter().find_map(|run| {
            let mut places = run.first + 1..run.first + run.count;
            let place = places.find(|place| of_group(*place) < of_group(place - 1))?;
            Some(format!("expected a tenant's rows upwards, found a lower one at place {place}"))
        })
    });
    match wrong.into_iter().flatten().next() {
        Some(detail) => Err(detail),
        None => Ok(of_places),
    }
}

/// The runs of a group.
pub fn runs_of<'r>(
    runs: &'r [crate::format::segment::places::Run],
    group: &Range<u32>,
) -> &'r [crate::format::segment::places::Run] {
    let from = runs.partition_point(|run| run.first < group.start);
    let to = runs.partition_point(|run| run.first < group.end);
    &runs[from..to]
}

/// The first row of each tenant in the table.
pub fn first_rows(rows: &Rows<'_, '_>) -> Vec<u32> {
    let mut firsts = vec![u32::MAX; rows.tenants.len()];
    for run in rows.runs {
        let first = &mut firsts[run.tenant as usize];
        *first = (*first).min(rows.rows[run.first as usize]);
    }
    // Every tenant has a row: its line grows.
    firsts.iter_mut().filter(|first| **first == u32::MAX).for_each(|first| *first = 0);
    firsts
}

/// Checks indexes and counts of the footer.
pub fn check(rows: &Rows<'_, '_>, heads_times: &[i64], service: &str, findings: &mut Findings<'_>) {
    let footer = rows.footer;
    let ends = (rows.times.first().copied(), rows.times.last().copied());
    if ends != (Some(footer.logged_at.0), Some(footer.logged_at.1)) {
        let detail = format!("expected commit times {:?}, as it says, found {ends:?}", footer.logged_at);
        findings.all(ProblemKind::Index, detail);
    }
    check_severities(rows, findings);
    check_commits_of_heads(rows, heads_times, service, findings);
}

fn check_severities(rows: &Rows<'_, '_>, findings: &mut Findings<'_>) {
    let bitmaps = match rows.view.severities() {
        Ok(bitmaps) => bitmaps,
        Err(error) => {
            if !error.found.starts_with("CRC ") {
                findings.all(ProblemKind::Index, error.to_string());
            }
            return;
        }
    };
    let mut by_row = vec![0; rows.severities.len()];
    for (row, severity) in rows.rows.iter().zip(&rows.severities) {
        by_row[*row as usize] = *severity;
    }
    // They hold as many rows as there are, as the view checked: if each row of each is right, none is left out.
    for (bitmap, class) in bitmaps.iter().zip(1..) {
        if let Some(row) = bitmap.iter().find(|row| by_row.get(*row as usize) != Some(&class)) {
            let found = by_row.get(row as usize).copied().unwrap_or_default();
            let detail = format!("its severity is of class {found}, the index says {class}");
            findings.rows(ProblemKind::Index, row..row + 1, detail);
        }
    }
}

/// A `heads` is a commit of its own: nothing else has its time.
fn check_commits_of_heads(
    rows: &Rows<'_, '_>,
    heads_times: &[i64],
    service: &str,
    findings: &mut Findings<'_>,
) {
    let (first, last) = (rows.footer.logged_at.0, rows.footer.logged_at.1);
    let from = heads_times.partition_point(|time| *time < first);
    let to = heads_times.partition_point(|time| *time <= last);
    let is_control = is_control_chain(service);
    let mut kind_of_row = Vec::new();
    if is_control && from < to {
        kind_of_row = vec![0; rows.kinds.len()];
        for (row, kind) in rows.rows.iter().zip(&rows.kinds) {
            kind_of_row[*row as usize] = *kind;
        }
    }
    for time in heads_times.get(from..to).unwrap_or_default() {
        let at = rows.times.partition_point(|own| own < time);
        let end = rows.times.partition_point(|own| own <= time);
        let shared = (at..end).find(|row| !is_control || kind_of_row[*row] != kind::HEADS);
        if let Some(row) = shared.and_then(|row| u32::try_from(row).ok()) {
            findings.rows(ProblemKind::Extra, row..row + 1, "heads is a commit of its own");
        }
    }
}
