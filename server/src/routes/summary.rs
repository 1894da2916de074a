//! `GET /api/v1/histogram`, `/api/v1/facets`: what entries add up to.

use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::{Trouble, ask, troubles};
use crate::server::Server;
use sealog_engine::error::FieldError;
use sealog_engine::model::{Severity, Timestamp};
use sealog_engine::scan::{Bucket, Facet, Order, Query, TimeField};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

#[derive(Serialize)]
struct Histogram {
    buckets: Vec<Map<String, Value>>,
    bucket: String,
    problems: Vec<Trouble>,
}

pub(super) async fn histogram(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let mut parameters = Parameters::parse(&call.query)?;
    let asked = parameters.take("bucket")?;
    let bucket = asked.as_deref().map(Bucket::parse).transpose();
    let bucket = bucket.map_err(|error| Problem::unread("bucket", format!("bucket: {error}")))?;
    let zone = parameters.take("tz")?.unwrap_or_else(|| "UTC".to_owned());
    let question = ask(&server, &call, &mut parameters, "/api/v1/histogram")?;
    parameters.end()?;
    if question.filter.by == TimeField::GeneratedAt {
        return Err(Problem::refused(
            "by",
            "by: expected logged_at, by which buckets are, found generated_at",
        ));
    }
    let key = question.principal.id().to_owned();
    let own = Arc::clone(&server);
    let work = move || {
        let server = own;
        let scope = &question.reading.scope;
        let view = server.store.view();
        let window = question.filter.window;
        // Open ends are those of what matches.
        let end = |order| {
            let query = Query { filter: question.filter.clone(), order, limit: Some(1), after: None };
            server.store.scan(scope, &query).next().map(|hit| hit.logged_at())
        };
        let from = window.from.or_else(|| end(Order::Ascending));
        let to = window.to.or_else(|| end(Order::Descending).map(|last| last.saturating_add(1)));
        let mut read = question.read.clone();
        let empty = |name| Histogram { buckets: Vec::new(), bucket: name, problems: Vec::new() };
        let bucket = asked.clone().zip(bucket);
        let (Some(from), Some(to)) = (from, to) else {
            read.rows = Some(0);
            server.note_read(&question.principal, &read);
            return Ok(Answer::json(&empty(asked.unwrap_or_default())));
        };
        let (name, bucket) = bucket.unwrap_or_else(|| fitting(from, to));
        let edges = bucket.edges(from, to, &zone).map_err(|error| {
            let field = if error.expected.contains("zone") { "tz" } else { "bucket" };
            Problem::refused(field, format!("{field}: {error}"))
        })?;
        let mut filter = question.filter.clone();
        filter.window.from = Some(from);
        filter.window.to = Some(to);
        let found = view.histogram(scope, &filter, &edges);
        let buckets: Vec<_> =
            edges.iter().zip(&found.counts).map(|(edge, counts)| row(*edge, counts)).collect();
        read.rows = Some(found.counts.iter().flatten().sum());
        let problems = troubles(&server, &question, &found.problems);
        server.note_read(&question.principal, &read);
        Ok(Answer::json(&Histogram { buckets, bucket: name, problems }))
    };
    server.work.read(&key, work).await?
}

fn row(edge: i64, counts: &[u64; Severity::ALL.len()]) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("start".to_owned(), Timestamp::from_nanos(edge).to_string().into());
    for (severity, count) in Severity::ALL.into_iter().zip(counts) {
        row.insert(severity.name().to_owned(), (*count).into());
    }
    row
}

/// Widths from the narrowest, with their seconds.
const WIDTHS: [(&str, i64, Bucket); 13] = [
    ("1s", 1, Bucket::Seconds(1)),
    ("5s", 5, Bucket::Seconds(5)),
    ("15s", 15, Bucket::Seconds(15)),
    ("1m", 60, Bucket::Seconds(60)),
    ("5m", 300, Bucket::Seconds(300)),
    ("15m", 900, Bucket::Seconds(900)),
    ("1h", 3_600, Bucket::Seconds(3_600)),
    ("3h", 10_800, Bucket::Seconds(10_800)),
    ("6h", 21_600, Bucket::Seconds(21_600)),
    ("12h", 43_200, Bucket::Seconds(43_200)),
    ("1d", 86_400, Bucket::Days(1)),
    ("1w", 604_800, Bucket::Week),
    ("1mo", 2_592_000, Bucket::Month),
];
/// A picture is not wider than this.
const BUCKETS_AIM: i64 = 120;

/// The narrowest width that makes a picture.
fn fitting(from: Timestamp, to: Timestamp) -> (String, Bucket) {
    let seconds = to.nanos().saturating_sub(from.nanos()) / 1_000_000_000;
    let fits = |(_, width, _): &&(&str, i64, Bucket)| seconds / width <= BUCKETS_AIM;
    let (name, _, bucket) = WIDTHS.iter().find(fits).unwrap_or(&WIDTHS[WIDTHS.len() - 1]);
    ((*name).to_owned(), *bucket)
}

#[derive(Serialize)]
struct Facets {
    field: &'static str,
    values: Vec<Counted>,
    others: u64,
    absent: u64,
    is_cut: bool,
    problems: Vec<Trouble>,
}

#[derive(Serialize)]
struct Counted {
    value: String,
    count: u64,
}

pub(super) async fn facets(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let mut parameters = Parameters::parse(&call.query)?;
    let expected = || {
        let names: Vec<&str> = Facet::ALL.into_iter().map(Facet::name).collect();
        format!("field: expected one of {}", names.join(", "))
    };
    let name = parameters.take("field")?.ok_or_else(|| Problem::unread("field", expected()))?;
    // A dot and an underscore are the same here: `actor_id` is the filter's word.
    let is_it = |facet: &Facet| facet.name() == name || facet.name().replace('.', "_") == name;
    let facet = Facet::ALL.into_iter().find(is_it).ok_or_else(|| {
        Problem::unread("field", format!("{}, found {}", expected(), FieldError::quote(&name)))
    })?;
    let limit = parameters.take_number("limit", 1, 1_000)?.unwrap_or(20);
    let question = ask(&server, &call, &mut parameters, "/api/v1/facets")?;
    parameters.end()?;
    let key = question.principal.id().to_owned();
    let own = Arc::clone(&server);
    let work = move || {
        let server = own;
        let most = usize::try_from(limit).unwrap_or(1);
        let found = server.store.view().facets(&question.reading.scope, &question.filter, facet, most);
        let problems = troubles(&server, &question, &found.problems);
        let mut read = question.read;
        read.rows = Some(found.values.len() as u64);
        server.note_read(&question.principal, &read);
        let values = found.values.into_iter().map(|(value, count)| Counted { value, count }).collect();
        let (others, absent, is_cut) = (found.others, found.absent, found.is_cut);
        Answer::json(&Facets { field: facet.name(), values, others, absent, is_cut, problems })
    };
    server.work.read(&key, work).await
}
