//! What is asked of sealed segments, beside what it may take. See benches/README.md.

use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch, show_bytes, show_seconds};
use sealog_benches::{Outcome, stores};
use sealog_engine::model::{Severity, Timestamp, Window};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Order, Query, Scope, Text};
use sealog_engine::segment::Segment;
use std::collections::BTreeMap;
use std::sync::Arc;

const MINUTE_NS: i64 = 60_000_000_000;
const DAY_NS: i64 = 24 * 60 * MINUTE_NS;

/// Rows that are read one by one.
const ROWS_AT_RANDOM: usize = 20_000;
/// Request IDs that are looked for in one repetition.
const REQUESTS: usize = 20;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[5_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    for &entries in &options.entries {
        let path = options.store.clone().unwrap_or_else(|| scratch.path().join("store"));
        if !path.join("STORE").exists() {
            stores::sealed(&path, entries)?;
        }
        let reader = Reader::open(&path)?;
        let segments: Vec<Arc<Segment>> =
            reader.view().chains().iter().flat_map(|chain| chain.segments()).collect();
        let rows: u64 = segments.iter().map(|segment| u64::from(segment.footer().entry_count)).sum();
        let bytes: u64 = segments.iter().map(|segment| segment.file_bytes()).sum();
        let per_entry = bytes as f64 / rows as f64;
        say(&format!(
            "{rows} entries in {} segments, {}, {per_entry:.1} bytes an entry",
            segments.len(),
            show_bytes(bytes)
        ));
        measure(&options, &reader, entries, &segments)?;
        if options.store.is_none() {
            std::fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

/// One thing that is asked, and what it may take.
struct Asked {
    name: String,
    aim: Option<f64>,
    act: Act,
}

enum Act {
    Count(Filter),
    Scan(Query),
    /// A scan for each; the time is that of one.
    Each(Vec<Query>),
}

fn measure(options: &Options, reader: &Reader, entries: usize, segments: &[Arc<Segment>]) -> Outcome<()> {
    let mut table = Table::new(["", "hits", "time", "of the processor", "asked"]);
    if options.wants("row") {
        let (median, most) = rows_at_random(segments)?;
        let shown = format!("{} (p99 {})", show_seconds(median), show_seconds(most));
        table.row([
            "one row at random".to_owned(),
            "1".to_owned(),
            shown,
            "–".to_owned(),
            asked(Some(20e-6)),
        ]);
    }
    for Asked { name, aim, act } in questions(reader, entries)? {
        if !options.only.is_empty() && !options.only.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let (mut seconds, mut cpu) = (Samples::default(), Samples::default());
        let mut hits = 0;
        // What is read for the first time is opened and checked: that is not measured.
        for repetition in 0..=options.repeat {
            let watch = Stopwatch::start();
            let share;
            (hits, share) = match &act {
                Act::Count(filter) => {
                    let count = reader.view().count(&Scope::everything(), filter);
                    if !count.problems.is_empty() {
                        return Err("the store is damaged".into());
                    }
                    (count.entries, 1)
                }
                Act::Scan(query) => (scan(reader, query)?, 1),
                Act::Each(queries) => {
                    let hits = queries.iter().map(|query| scan(reader, query)).sum::<Outcome<u64>>()?;
                    (hits, queries.len())
                }
            };
            if repetition > 0 {
                let lap = watch.lap();
                seconds.push(lap.wall.as_secs_f64() / share as f64);
                cpu.push(lap.cpu.as_secs_f64() / share as f64);
            }
        }
        table.row([
            name,
            hits.to_string(),
            seconds.show(show_seconds),
            show_seconds(cpu.median()),
            asked(aim),
        ]);
    }
    table.print(&format!("{entries} entries over 10 days, sealed, warm; each hit is decoded"));
    Ok(())
}

fn asked(aim: Option<f64>) -> String {
    aim.map_or("–".to_owned(), |aim| format!("≤ {}", show_seconds(aim)))
}

fn scan(reader: &Reader, query: &Query) -> Outcome<u64> {
    let mut scan = reader.scan(&Scope::everything(), query);
    // What a reader of the answer would do: decode each entry.
    let hits = scan.by_ref().filter(|hit| std::hint::black_box(hit.committed()).is_some()).count();
    if scan.problems().is_empty() { Ok(hits as u64) } else { Err("the store is damaged".into()) }
}

fn questions(reader: &Reader, entries: usize) -> Outcome<Vec<Asked>> {
    let mut by_tenant: BTreeMap<Box<str>, u64> = BTreeMap::new();
    for chain in reader.view().chains() {
        for (tenant, count) in chain.tenant_counts()? {
            *by_tenant.entry(tenant).or_default() += count;
        }
    }
    // As for the peers: a tenant with 1.1 % of the entries.
    let wanted = entries as u64 * 11 / 1_000;
    let tenant = by_tenant.iter().min_by_key(|(_, count)| count.abs_diff(wanted)).map(|(tenant, _)| tenant);
    let tenant = tenant.ok_or("a store without tenants")?.to_string();
    let end = Timestamp::from_nanos(sealog::generate::Plan::default().end_ns);
    let day =
        Window { from: Some(end.saturating_add(-5 * DAY_NS)), to: Some(end.saturating_add(-4 * DAY_NS)) };
    let of_tenant = Filter { tenants: vec![tenant.clone()], ..Filter::default() };
    let query = |filter: &Filter, limit| Query {
        filter: filter.clone(),
        order: Order::Descending,
        limit,
        after: None,
    };

    let sample = sample(reader, &of_tenant)?;
    let noon = day.from.map(|from| from.saturating_add(10 * 60 * MINUTE_NS));
    let quarter = Window { from: noon, to: noon.map(|noon| noon.saturating_add(15 * MINUTE_NS)) };
    let recent = Filter { window: quarter, ..of_tenant.clone() };
    let warnings = Filter {
        severities: Some(vec![Severity::Warning, Severity::Error, Severity::Fatal]),
        window: day,
        ..Filter::default()
    };
    let request = |id: &String| Filter { request_ids: vec![id.clone()], ..Filter::default() };
    let requests = sample.requests.iter().map(|id| query(&request(id), None)).collect();
    let nobody = query(&request(&"0b5ad0cc-0000-4000-8000-3f2a1b0c9d8e".to_owned()), None);
    let searched = Filter { searches: vec![Text::new("quota exceeded")?], window: day, ..Filter::default() };
    let activity = Filter { activities: vec![sample.activity.clone()], ..of_tenant.clone() };
    let day_only = Filter { window: day, ..Filter::default() };
    let of_tenant_in_day = Filter { window: day, ..of_tenant.clone() };
    let asked = |name: &str, aim, act| Asked { name: name.to_owned(), aim, act };
    Ok(vec![
        asked(&format!("export of tenant {tenant}"), Some(40e-3), Act::Scan(query(&of_tenant, None))),
        asked("a day, severity ≥ warning: count", Some(0.3e-3), Act::Count(warnings.clone())),
        asked("… newest 100", None, Act::Scan(query(&warnings, Some(100)))),
        asked("newest 100 of the tenant in 15 minutes", None, Act::Scan(query(&recent, Some(100)))),
        asked("newest 100 of the tenant", None, Act::Scan(query(&of_tenant, Some(100)))),
        asked("by request ID", None, Act::Each(requests)),
        asked("by a request ID that nobody has", None, Act::Scan(nobody)),
        asked(&format!("tenant and activity {}", sample.activity), None, Act::Scan(query(&activity, None))),
        asked("a day, search: quota exceeded", None, Act::Scan(query(&searched, None))),
        asked("newest 100", None, Act::Scan(query(&Filter::default(), Some(100)))),
        asked("a day: count", None, Act::Count(day_only)),
        asked("a day of the tenant: count", None, Act::Count(of_tenant_in_day)),
        asked("everything", None, Act::Scan(query(&Filter::default(), None))),
    ])
}

/// What some entries of a tenant say.
struct Sample {
    requests: Vec<String>,
    activity: String,
}

fn sample(reader: &Reader, filter: &Filter) -> Outcome<Sample> {
    let query = Query { filter: filter.clone(), ..Query::default() };
    let mut requests = Vec::new();
    let mut activities: BTreeMap<String, u32> = BTreeMap::new();
    for hit in reader.scan(&Scope::everything(), &query) {
        let Some(committed) = hit.committed() else { continue };
        *activities.entry(committed.entry.activity.to_string()).or_default() += 1;
        if !committed.entry.request_id.is_empty() {
            requests.push(committed.entry.request_id.to_string());
        }
    }
    let step = (requests.len() / REQUESTS).max(1);
    let requests = requests.into_iter().step_by(step).take(REQUESTS).collect();
    // Neither the commonest nor the rarest.
    let mut sorted: Vec<(u32, String)> = activities.into_iter().map(|(name, count)| (count, name)).collect();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    let activity = sorted.into_iter().nth(middle).map(|(_, name)| name);
    Ok(Sample { requests, activity: activity.ok_or("a tenant without entries")? })
}

/// One row of one segment after the other, so that no cursor has been near it: median and 99th percentile.
fn rows_at_random(segments: &[Arc<Segment>]) -> Outcome<(f64, f64)> {
    let mut took = Vec::with_capacity(ROWS_AT_RANDOM);
    let mut out = Vec::new();
    for n in 0..ROWS_AT_RANDOM {
        let segment = &segments[n % segments.len()];
        let random = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let row = u32::try_from(random % u64::from(segment.footer().entry_count))?;
        let watch = Stopwatch::start();
        out.clear();
        segment.read(|view| {
            let place = view.place_of(row)?;
            let (run, index) = view.run_at(place)?;
            let head = view.head(place, run, index)?;
            view.with_cursors(|cursors| view.record(place, &head, cursors, &mut out))
        })?;
        took.push(watch.lap().wall.as_secs_f64());
    }
    // The first rows of a segment open its columns and groups.
    let mut took = took.split_off(took.len() / 2);
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
    Ok((at(50), at(99)))
}
