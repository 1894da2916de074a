//! What questions take while one store grows: 10 days for each 5 M entries. Writes the curve as an SVG.
//! See benches/README.md.

use sealog::generate::Plan;
use sealog_benches::options::Options;
use sealog_benches::plot::{self, Line};
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch, show_bytes, show_seconds};
use sealog_benches::{Outcome, stores};
use sealog_engine::model::{Severity, Window};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Order, Query, Scope, Text};
use std::path::Path;

const DAY_NS: i64 = 86_400_000_000_000;
/// Entries of a day, as the plan's own numbers have it.
const DAY_ENTRIES: u64 = 500_000;
/// Request IDs that are looked for in one repetition.
const REQUESTS: usize = 20;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[1_000_000, 2_000_000, 5_000_000, 10_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    let path = options.store.clone().unwrap_or_else(|| scratch.path().join("store"));
    let (mut lines, mut size): (Vec<Line>, u64) = (Vec::new(), 0);
    let mut table = Table::new(["", "entries", "segments", "hits", "time", "memory"]);
    let end = Plan::default().end_ns;
    for (step, &entries) in options.entries.iter().enumerate() {
        let days = (entries as u64).div_ceil(DAY_ENTRIES);
        let plan = Plan {
            entries: entries as u64 - size,
            seed: 1 + step as u64,
            days: u32::try_from(days - size.div_ceil(DAY_ENTRIES))?.max(1),
            // Each step goes on where the one before ended.
            end_ns: end + i64::try_from(days)? * DAY_NS,
            ..Plan::default()
        };
        stores::sealed_by(&path, &plan)?;
        size = entries as u64;
        measure(&options, &path, size, &mut lines, &mut table)?;
    }
    table.print("a store that grows, sealed, warm; each hit is decoded");
    let title = "What questions take while a store grows";
    let svg = plot::logarithmic(title, &lines, |entries| format!("{} M", entries / 1e6), show_seconds);
    let file = options.dir.clone().unwrap_or_else(|| ".".into()).join("growth.svg");
    write(&file, &svg)?;
    say(&format!("the curve is in {}", file.display()));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a picture of figures, made again by the next run")]
fn write(file: &Path, svg: &str) -> Outcome<()> {
    Ok(std::fs::write(file, svg)?)
}

fn measure(
    options: &Options,
    path: &Path,
    size: u64,
    lines: &mut Vec<Line>,
    table: &mut Table,
) -> Outcome<()> {
    let reader = Reader::open(path)?;
    let segments: usize = reader.view().chains().iter().map(|chain| chain.segments().len()).sum();
    for (index, (name, queries)) in questions(&reader)?.into_iter().enumerate() {
        let (mut seconds, mut hits) = (Samples::default(), 0);
        for repetition in 0..=options.repeat {
            let watch = Stopwatch::start();
            hits = queries.iter().map(|query| scan(&reader, query)).sum::<Outcome<u64>>()?;
            // What is read for the first time is opened and checked: that is not measured.
            if repetition > 0 {
                seconds.push(watch.lap().wall.as_secs_f64() / queries.len() as f64);
            }
        }
        table.row([
            name.clone(),
            size.to_string(),
            segments.to_string(),
            hits.to_string(),
            seconds.show(show_seconds),
            show_bytes(anonymous_bytes()).to_string(),
        ]);
        if lines.len() <= index {
            lines.push(Line { name, points: Vec::new() });
        }
        lines[index].points.push((size as f64, seconds.median()));
    }
    Ok(())
}

/// Memory of this process beside mapped files (`RssAnon` of proc_pid_status(5)).
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

fn scan(reader: &Reader, query: &Query) -> Outcome<u64> {
    if query.limit == Some(0) {
        let count = reader.view().count(&Scope::everything(), &query.filter);
        return if count.problems.is_empty() {
            Ok(count.entries)
        } else {
            Err("the store is damaged".into())
        };
    }
    let mut scan = reader.scan(&Scope::everything(), query);
    // What a reader of the answer would do: decode each entry.
    let hits = scan.by_ref().filter(|hit| std::hint::black_box(hit.committed()).is_some()).count();
    if scan.problems().is_empty() { Ok(hits as u64) } else { Err("the store is damaged".into()) }
}

/// Questions; a limit of none asks for a count.
fn questions(reader: &Reader) -> Outcome<Vec<(String, Vec<Query>)>> {
    let newest = reader.view().newest().ok_or("an empty store")?;
    let day = Window { from: Some(newest.saturating_add(-DAY_NS)), to: Some(newest) };
    let all = Filter::default();
    let query = |filter: &Filter, limit| Query {
        filter: filter.clone(),
        order: Order::Descending,
        limit,
        after: None,
    };
    let sample = Query { limit: Some(20_000), ..Query::default() };
    let mut requests = Vec::new();
    let mut tenant = None;
    for hit in reader.scan(&Scope::everything(), &sample) {
        let Some(committed) = hit.committed() else { continue };
        if !committed.entry.request_id.is_empty() {
            requests.push(committed.entry.request_id.to_string());
            tenant = Some(committed.entry.tenant.to_string());
        }
    }
    let step = (requests.len() / REQUESTS).max(1);
    let by_request = requests.into_iter().step_by(step).take(REQUESTS).map(|id| {
        let filter = Filter { request_ids: vec![id], ..Filter::default() };
        query(&filter, None)
    });
    let of_tenant = Filter { tenants: tenant.into_iter().collect(), ..Filter::default() };
    let quarter = Window { from: Some(newest.saturating_add(-DAY_NS / 96)), to: None };
    let warnings = Filter {
        severities: Some(vec![Severity::Warning, Severity::Error, Severity::Fatal]),
        window: day,
        ..Filter::default()
    };
    let searched = Filter { searches: vec![Text::new("legal hold")?], window: day, ..Filter::default() };
    Ok(vec![
        ("newest 100".to_owned(), vec![query(&all, Some(100))]),
        (
            "newest 100 of a tenant, 15 minutes".to_owned(),
            vec![query(&Filter { window: quarter, ..of_tenant.clone() }, Some(100))],
        ),
        ("newest 100 of a tenant".to_owned(), vec![query(&of_tenant, Some(100))]),
        ("a day's warnings: count".to_owned(), vec![query(&warnings, Some(0))]),
        ("a day's warnings: newest 100".to_owned(), vec![query(&warnings, Some(100))]),
        ("a day, includes: count".to_owned(), vec![query(&searched, Some(0))]),
        ("by request ID, everything".to_owned(), by_request.collect()),
        ("everything: count".to_owned(), vec![query(&all, Some(0))]),
    ])
}
