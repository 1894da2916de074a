//! Texts that are looked for in a day of sealed segments, beside what it may take. See benches/README.md.

use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch, show_seconds};
use sealog_benches::{Outcome, stores};
use sealog_engine::model::{Timestamp, Window};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Query, Scope, Text};
use std::collections::BTreeMap;
use std::path::Path;

const DAY_NS: i64 = 24 * 3_600_000_000_000;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[5_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    for &entries in &options.entries {
        let own = scratch.path().join("store");
        let path = options.store.as_deref().unwrap_or(&own);
        if !path.exists() {
            stores::sealed(path, entries)?;
        }
        measure(&options, path, entries)?;
        if path == own {
            std::fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

/// What is asked, and what it may take.
struct Asked {
    name: String,
    filter: Filter,
    aim: Option<f64>,
}

fn measure(options: &Options, path: &Path, entries: usize) -> Outcome<()> {
    let reader = Reader::open(path)?;
    let mut table = Table::new(["", "hits", "count", "newest 100", "all, decoded", "asked"]);
    for Asked { name, filter, aim } in questions(&reader, entries)? {
        if !options.only.is_empty() && !options.only.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let query = |limit| Query { filter: filter.clone(), limit, ..Query::default() };
        let mut hits = 0;
        let counted = timed(options, || {
            hits = count(&reader, &filter)?;
            Ok(())
        })?;
        let newest = timed(options, || scan(&reader, &query(Some(100))).map(|_| ()))?;
        let all = timed(options, || match scan(&reader, &query(None))? {
            found if found == hits => Ok(()),
            found => Err(format!("{name}: a scan finds {found}, a count {hits}").into()),
        })?;
        let aim = aim.map_or("–".to_owned(), |aim| format!("≤ {}", show_seconds(aim)));
        table.row([name, hits.to_string(), counted, newest, all, aim]);
    }
    table.print(&format!("{entries} entries over 10 days, sealed, warm, one thread"));
    Ok(())
}

/// Median of the repetitions, and of the processor's time for them.
fn timed(options: &Options, mut act: impl FnMut() -> Outcome<()>) -> Outcome<String> {
    let (mut seconds, mut cpu) = (Samples::default(), Samples::default());
    // What is read for the first time is opened and checked: that is not measured.
    for repetition in 0..=options.repeat {
        let watch = Stopwatch::start();
        act()?;
        if repetition > 0 {
            let lap = watch.lap();
            seconds.push(lap.wall.as_secs_f64());
            cpu.push(lap.cpu.as_secs_f64());
        }
    }
    Ok(format!("{} ({})", show_seconds(seconds.median()), show_seconds(cpu.median())))
}

fn count(reader: &Reader, filter: &Filter) -> Outcome<u64> {
    let count = reader.view().count(&Scope::everything(), filter);
    if count.problems.is_empty() { Ok(count.entries) } else { Err("the store is damaged".into()) }
}

fn scan(reader: &Reader, query: &Query) -> Outcome<u64> {
    let mut scan = reader.scan(&Scope::everything(), query);
    // What a reader of the answer would do: decode each entry.
    let hits = scan.by_ref().filter(|hit| std::hint::black_box(hit.committed()).is_some()).count();
    if scan.problems().is_empty() { Ok(hits as u64) } else { Err("the store is damaged".into()) }
}

fn questions(reader: &Reader, entries: usize) -> Outcome<Vec<Asked>> {
    let end = Timestamp::from_nanos(sealog::generate::Plan::default().end_ns);
    let window =
        Window { from: Some(end.saturating_add(-5 * DAY_NS)), to: Some(end.saturating_add(-4 * DAY_NS)) };
    let mut asked = Vec::new();
    for (kind, texts, aim) in [
        ("words", ["Legal hold", "NEWSLETTERS", "nightly Backup"], 10e-3),
        ("digits", ["4711", "10.12.", "serial raised to 48"], 35e-3),
        ("nowhere", ["zebra crossing", "volcano", "ünknown"], 5e-3),
    ] {
        for text in texts {
            let filter = Filter { searches: vec![Text::new(text)?], window, ..Filter::default() };
            asked.push(Asked { name: format!("{kind}: {text}"), filter, aim: Some(aim) });
        }
    }
    for text in ["miller", "-1042", "volcano"] {
        let filter = Filter { items: vec![Text::new(text)?], window, ..Filter::default() };
        asked.push(Asked { name: format!("item: {text}"), filter, aim: None });
    }
    let (tenant, activity) = common(reader, entries)?;
    let name = format!("{tenant}, {activity}");
    let filter = Filter { tenants: vec![tenant], activities: vec![activity], ..Filter::default() };
    asked.push(Asked { name, filter, aim: Some(3e-3) });
    Ok(asked)
}

/// A tenant with 1.1 % of the entries, and the activity of it that has nearest to a thousand.
fn common(reader: &Reader, entries: usize) -> Outcome<(String, String)> {
    let mut by_tenant: BTreeMap<Box<str>, u64> = BTreeMap::new();
    for chain in reader.view().chains() {
        for (tenant, count) in chain.tenant_counts()? {
            *by_tenant.entry(tenant).or_default() += count;
        }
    }
    let wanted = entries as u64 * 11 / 1_000;
    let tenant = by_tenant.iter().min_by_key(|(_, count)| count.abs_diff(wanted)).map(|(tenant, _)| tenant);
    let tenant = tenant.ok_or("a store without tenants")?.to_string();
    let filter = Filter { tenants: vec![tenant.clone()], ..Filter::default() };
    let mut activities: BTreeMap<String, u64> = BTreeMap::new();
    for hit in reader.scan(&Scope::everything(), &Query { filter, ..Query::default() }) {
        let Some(committed) = hit.committed() else { continue };
        *activities.entry(committed.entry.activity.to_string()).or_default() += 1;
    }
    let activity = activities.into_iter().min_by_key(|(_, count)| count.abs_diff(1_000));
    Ok((tenant, activity.ok_or("a tenant without entries")?.0))
}
