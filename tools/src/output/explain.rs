//! What a scan did, for whoever asks why it took so long.

use super::human::{bytes, count, seconds};
use super::table::plain;
use sealog_engine::scan::Work;

/// The steps of a scan, each with what it was given and what it kept; `chains` are all of the store.
pub fn explained(work: &Work, chains: u64, given: u64) -> String {
    let step = |name: &str, of: Option<u64>, kept: u64| {
        vec![name.to_owned(), of.map(count).unwrap_or_default(), count(kept)]
    };
    let (judging, reading) = (work.judging.as_secs_f64(), work.reading.as_secs_f64());
    let looking = (work.choosing.as_secs_f64() - judging).max(0.0);
    let rows = vec![
        step("chains, by service", Some(chains), work.chains),
        step("sealed segments, by commit time", Some(work.segments), work.segments_in_time),
        step("… by tenants, templates and filters", Some(work.segments_in_time), work.segments_left),
        step("row groups looked at", Some(work.groups), work.groups_looked_at),
        step("rows, by commit time", None, work.rows_in_time),
        step("… by tenants, severities and filters", Some(work.rows_in_time), work.rows_looked_at),
        step("… by columns", Some(work.rows_looked_at), work.rows_left),
        step("records read", Some(work.rows_left), work.records),
        step("entries that are not sealed", None, work.open_rows),
        step("entries given", Some(work.records + work.open_rows), given),
    ];
    let table = plain(&["STEP", "OF", "KEPT"], rows, &[1, 2]);
    let pages = match work.pages {
        0 => "no page of texts decoded".to_owned(),
        pages => format!("{} pages of texts decoded, {} as stored", count(pages), bytes(work.page_bytes)),
    };
    format!(
        "{table}\n\n{} of records; {pages}\n{} judging segments, {} choosing rows, {} reading records\n",
        bytes(work.record_bytes),
        seconds(judging),
        seconds(looking),
        seconds(reading)
    )
}
