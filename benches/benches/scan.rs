//! Scans of a store that is open for reading. See benches/README.md.

use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch, rate, show_rate, show_seconds};
use sealog_benches::{Outcome, stores};
use sealog_engine::model::{Severity, Timestamp, Window};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Order, Query, Scope, Text, TimeField};
use std::collections::BTreeMap;

const DAY_NS: i64 = 86_400_000_000_000;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[1_000_000, 5_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    for &entries in &options.entries {
        let path = scratch.path().join("store");
        stores::made(&path, entries)?;
        let reader = Reader::open(&path)?;
        measure(&options, &reader, entries)?;
        std::fs::remove_dir_all(path)?;
    }
    Ok(())
}

fn measure(options: &Options, reader: &Reader, entries: usize) -> Outcome<()> {
    let mut table = Table::new(["", "hits", "time", "hits a second"]);
    for (name, query) in queries(reader, entries)? {
        let mut seconds = Samples::default();
        let mut hits = 0;
        for _ in 0..options.repeat {
            let watch = Stopwatch::start();
            let mut scan = reader.scan(&Scope::everything(), &query);
            // What a reader of the answer would do: decode each entry.
            hits = scan.by_ref().filter(|hit| std::hint::black_box(hit.committed()).is_some()).count();
            seconds.push(watch.lap().wall.as_secs_f64());
            if !scan.problems().is_empty() {
                return Err("the store is damaged".into());
            }
        }
        let rates = rate(hits, std::time::Duration::from_secs_f64(seconds.median()));
        table.row([name, hits.to_string(), seconds.show(show_seconds), show_rate(rates)]);
    }
    table.print(&format!("{entries} entries; each hit is decoded"));
    Ok(())
}

fn queries(reader: &Reader, entries: usize) -> Outcome<Vec<(String, Query)>> {
    let mut by_tenant: BTreeMap<Box<str>, u64> = BTreeMap::new();
    for chain in reader.view().chains() {
        chain
            .tenant_counts()?
            .into_iter()
            .for_each(|(tenant, count)| *by_tenant.entry(tenant).or_default() += count);
    }
    // As for the peers: a tenant with 1.1 % of the entries.
    let wanted = entries as u64 * 11 / 1_000;
    let tenant = by_tenant.iter().min_by_key(|(_, count)| count.abs_diff(wanted)).map(|(tenant, _)| tenant);
    let tenant = tenant.ok_or("a store without tenants")?.to_string();
    // The middle day of those that the entries spread over.
    let end = Timestamp::from_nanos(sealog::generate::Plan::default().end_ns);
    let day =
        Window { from: Some(end.saturating_add(-5 * DAY_NS)), to: Some(end.saturating_add(-4 * DAY_NS)) };
    let warnings = Filter {
        severities: Some(vec![Severity::Warning, Severity::Error, Severity::Fatal]),
        window: day,
        by: TimeField::GeneratedAt,
        ..Filter::default()
    };
    let of_tenant = Filter { tenants: vec![tenant.clone()], ..Filter::default() };
    let search = Filter { searches: vec![Text::new("mailbox")?], ..Filter::default() };
    let query = |filter: Filter, limit| Query { filter, order: Order::Descending, limit, after: None };
    Ok(vec![
        ("everything".to_owned(), query(Filter::default(), None)),
        ("newest 100".to_owned(), query(Filter::default(), Some(100))),
        (format!("tenant {tenant}"), query(of_tenant.clone(), None)),
        ("… newest 100".to_owned(), query(of_tenant, Some(100))),
        ("a day, severity ≥ warning".to_owned(), query(warnings.clone(), None)),
        ("… newest 100".to_owned(), query(warnings, Some(100))),
        ("search: mailbox".to_owned(), query(search, None)),
    ])
}
