//! Filters, held against the column that they are made of: what they leave out, no scan finds.

use super::super::report::ProblemKind;
use super::{Findings, Rows};
use crate::format::fuse;
use crate::format::segment::filters;
use crate::segment::view::Cursors;
use crate::threads;

/// Checks that every group's filter holds what its rows have.
pub fn check(rows: &Rows<'_, '_>, threads: usize, findings: &mut Findings<'_>) {
    let filters = match rows.view.filters() {
        Ok(Some(filters)) => filters,
        Ok(None) => return,
        Err(error) => {
            // Bytes that their CRC does not cover are told once, with the sections.
            if !error.found.starts_with("CRC ") {
                findings.all(ProblemKind::Index, error.to_string());
            }
            return;
        }
    };
    let missed = threads::each(threads, rows.groups.iter().enumerate(), |(number, group), _: &mut ()| {
        let mut cursors = Cursors::default();
        group.clone().find(|place| {
            // What does not read is told with its record.
            let text = rows.view.text_next(filters::FIELD, *place, &mut cursors).unwrap_or_default();
            text.is_some_and(|text| !filters.may_hold(number, fuse::key_of(text)))
        })
    });
    for place in missed.into_iter().flatten() {
        let row = rows.rows.get(place as usize).copied().unwrap_or_default();
        let detail = "the filter of its group does not hold its request ID".to_owned();
        findings.rows(ProblemKind::Index, row..row + 1, detail);
    }
}
