//! What the pages ask of 5 M entries, in process; as JSON, a question a line, for `benches/peers/queries.py`, which asks
//! the same of other systems and holds their answers against these. See benches/README.md.

#![expect(clippy::print_stdout, reason = "a program whose output is read by another")]

use sealog_benches::options::Options;
use sealog_benches::timing::{Samples, Stopwatch};
use sealog_benches::{Outcome, stores};
use sealog_engine::hex;
use sealog_engine::model::{Severity, Timestamp, Window};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Facet, Filter, Order, Position, Query, Scope, Text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

const MINUTE_NS: i64 = 60_000_000_000;
const HOUR_NS: i64 = 60 * MINUTE_NS;
const DAY_NS: i64 = 24 * HOUR_NS;
/// How deep the page lies that is asked for by its position.
const DEEP: usize = 10_000;
/// Entries of a page.
const PAGE: u64 = 100;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[5_000_000]);
    let scratch = options.scratch()?;
    let path = options.store.clone().unwrap_or_else(|| scratch.path().join("store"));
    if !path.join("STORE").exists() {
        stores::sealed(&path, options.entries[0])?;
    }
    let reader = Reader::open(&path)?;
    for question in questions(&reader)? {
        let mut seconds = Samples::default();
        let mut answer = Answer::default();
        // What is read for the first time is opened and checked: that is not measured.
        for repetition in 0..=options.repeat {
            let watch = Stopwatch::start();
            answer = question.ask(&reader)?;
            if repetition > 0 {
                seconds.push(watch.lap().wall.as_secs_f64());
            }
        }
        let mut line = question.line;
        line["hits"] = json!(answer.hits);
        line["digest"] = json!(hex::encode(&Sha256::digest(answer.text)));
        line["seconds"] = json!(seconds.median());
        println!("{line}");
    }
    Ok(())
}

/// One question, and how another system is told of it.
struct Question {
    line: Value,
    act: Act,
}

enum Act {
    Rows(Query),
    Count(Filter),
    Histogram(Vec<i64>),
    Facets(Filter),
}

/// How many hits, and what other systems must say too, as text.
#[derive(Default)]
struct Answer {
    hits: u64,
    text: String,
}

impl Question {
    fn ask(&self, reader: &Reader) -> Outcome<Answer> {
        let (view, everything) = (reader.view(), Scope::everything());
        let mut answer = Answer::default();
        let problems = match &self.act {
            Act::Rows(query) => {
                let mut scan = reader.scan(&everything, query);
                // What a reader of the answer would do: decode each entry.
                for hit in &mut scan {
                    let committed = hit.committed().ok_or("a record that does not decode")?;
                    answer.hits += 1;
                    writeln!(answer.text, "{}/{}", committed.entry.service, hit.seq())?;
                }
                scan.problems().to_vec()
            }
            Act::Count(filter) => {
                let count = view.count(&everything, filter);
                answer = Answer { hits: count.entries, text: format!("{}\n", count.entries) };
                count.problems
            }
            Act::Histogram(edges) => {
                let histogram = view.histogram(&everything, &Filter::default(), edges);
                for (edge, classes) in edges.iter().zip(&histogram.counts) {
                    for (severity, count) in Severity::ALL.iter().zip(classes) {
                        answer.hits += count;
                        if *count > 0 {
                            writeln!(answer.text, "{edge} {severity} {count}")?;
                        }
                    }
                }
                histogram.problems
            }
            Act::Facets(filter) => {
                let facets = view.facets(&everything, filter, Facet::Activity, usize::MAX);
                for (value, count) in facets.values {
                    answer.hits += count;
                    writeln!(answer.text, "{value} {count}")?;
                }
                facets.problems
            }
        };
        if problems.is_empty() { Ok(answer) } else { Err("the store is damaged".into()) }
    }
}

fn questions(reader: &Reader) -> Outcome<Vec<Question>> {
    let end = Timestamp::from_nanos(sealog::generate::Plan::default().end_ns);
    let (from, to) = (end.saturating_add(-5 * DAY_NS), end.saturating_add(-4 * DAY_NS));
    let day = Window { from: Some(from), to: Some(to) };
    let noon = from.saturating_add(10 * HOUR_NS);
    let quarter = Window { from: Some(noon), to: Some(noon.saturating_add(15 * MINUTE_NS)) };
    let (tenant, activity, request_id) = sample(reader)?;
    let of_tenant = Filter { tenants: vec![tenant.clone()], ..Filter::default() };
    let warnings = Filter {
        severities: Some(vec![Severity::Warning, Severity::Error, Severity::Fatal]),
        window: day,
        ..Filter::default()
    };
    let newest = |filter: Filter, limit| Query { filter, order: Order::Descending, limit, after: None };
    let page = newest(Filter::default(), Some(PAGE));
    let mut deep = reader.scan(&Scope::everything(), &Query { limit: Some(DEEP as u64), ..page.clone() });
    let last = deep.by_ref().last().ok_or("an empty store")?;
    let position: Position = last.position().ok_or("a record that does not decode")?;
    let after = json!({
        "logged_at": position.logged_at.nanos(), "service": position.service, "seq": position.seq,
    });
    let mut asked = Vec::new();
    let mut ask = |name: &str, act: Act, told: Value| {
        let mut line = json!({"name": name});
        if let (Some(line), Value::Object(told)) = (line.as_object_mut(), told) {
            line.extend(told);
        }
        asked.push(Question { line, act });
    };
    let window = |window: Window| json!([window.from.map(Timestamp::nanos), window.to.map(Timestamp::nanos)]);
    ask(
        "newest 100 of a tenant in 15 minutes",
        Act::Rows(newest(Filter { window: quarter, ..of_tenant.clone() }, Some(PAGE))),
        json!({"rows": true, "tenant": tenant, "window": window(quarter), "limit": PAGE}),
    );
    ask("newest 100 of everything", Act::Rows(page.clone()), json!({"rows": true, "limit": PAGE}));
    ask(
        "a page 10 000 deep, by its position",
        Act::Rows(Query { after: Some(position), ..page }),
        json!({"rows": true, "after": after, "limit": PAGE}),
    );
    ask(
        "a day, severity ≥ warning: count",
        Act::Count(warnings.clone()),
        json!({"warnings": true, "window": window(day)}),
    );
    ask(
        "a day, severity ≥ warning: newest 100",
        Act::Rows(newest(warnings, Some(PAGE))),
        json!({"rows": true, "warnings": true, "window": window(day), "limit": PAGE}),
    );
    for (kind, text) in [("words", "legal hold"), ("digits", "10.12."), ("absent", "volcano")] {
        let filter = Filter { searches: vec![Text::new(text)?], window: day, ..Filter::default() };
        ask(
            &format!("a day, includes, {kind}: {text}"),
            Act::Count(filter),
            json!({"search": text, "window": window(day)}),
        );
    }
    let edges =
        (0..=10 * 24 + 2).map(|hour| end.nanos().div_euclid(HOUR_NS) * HOUR_NS + (hour - 241) * HOUR_NS);
    ask("histogram by hour and severity", Act::Histogram(edges.collect()), json!({"histogram": true}));
    ask(
        "activities of a tenant, counted",
        Act::Facets(of_tenant.clone()),
        json!({"facets": true, "tenant": tenant}),
    );
    ask(
        "by request ID",
        Act::Rows(newest(Filter { request_ids: vec![request_id.clone()], ..Filter::default() }, None)),
        json!({"rows": true, "request_id": request_id}),
    );
    ask(
        "tenant and activity, about 1 000",
        Act::Rows(newest(Filter { activities: vec![activity.clone()], ..of_tenant.clone() }, None)),
        json!({"rows": true, "tenant": tenant, "activity": activity}),
    );
    ask(
        "a tenant's entries, all fields",
        Act::Rows(newest(of_tenant, None)),
        json!({"rows": true, "fields": true, "tenant": tenant}),
    );
    Ok(asked)
}

/// A tenant with 1.1 % of the entries, as for the peers, the activity of it that has nearest to a thousand, and a request
/// ID.
fn sample(reader: &Reader) -> Outcome<(String, String, String)> {
    let (mut by_tenant, mut entries) = (BTreeMap::<Box<str>, u64>::new(), 0);
    for chain in reader.view().chains() {
        for (tenant, count) in chain.tenant_counts()? {
            *by_tenant.entry(tenant).or_default() += count;
            entries += count;
        }
    }
    let wanted = entries * 11 / 1_000;
    let tenant = by_tenant.iter().min_by_key(|(_, count)| count.abs_diff(wanted)).map(|(tenant, _)| tenant);
    let tenant = tenant.ok_or("a store without tenants")?.to_string();
    let filter = Filter { tenants: vec![tenant.clone()], ..Filter::default() };
    let facets = reader.view().facets(&Scope::everything(), &filter, Facet::Activity, usize::MAX);
    let activity = facets.values.into_iter().min_by_key(|(_, count)| count.abs_diff(1_000));
    let mut scan = reader.scan(&Scope::everything(), &Query { filter, ..Query::default() });
    let request_ids =
        scan.by_ref().filter_map(|hit| hit.committed().map(|own| own.entry.request_id.to_string()));
    let request_id = request_ids.skip(1_000).find(|id| !id.is_empty());
    Ok((tenant, activity.ok_or("a tenant without entries")?.0, request_id.ok_or("no request ID")?))
}
