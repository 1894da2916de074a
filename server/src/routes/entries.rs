//! `GET /api/v1/entries`, `/api/v1/export`, `/api/v1/entries/{service}/{seq}`: entries, by pages, as streams, one.

use crate::csv;
use crate::http::stream;
use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::{Question, Trouble, ask, ask_words, troubles};
use crate::server::Server;
use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY};
use sealog_engine::error::FieldError;
use sealog_engine::hex;
use sealog_engine::model::{Committed, Timestamp};
use sealog_engine::scan::{Hit, Order, Position, Query, Scan, Words};
use serde::Serialize;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Entries of a page.
const LIMIT: u64 = 100;
const LIMIT_MAX: u64 = 10_000;

/// Forms of a list of entries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Page,
    Array,
    Lines,
    Csv,
}

impl Form {
    fn media_type(self) -> &'static str {
        match self {
            Form::Page | Form::Array => "application/json",
            Form::Lines => "application/x-ndjson",
            Form::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

pub(super) async fn list(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let form = match () {
        () if call.accepts("application/x-ndjson") => Form::Lines,
        () if call.accepts("text/csv") => Form::Csv,
        () => Form::Page,
    };
    let mut parameters = Parameters::parse(&call.query)?;
    let order = order(&mut parameters)?;
    let limit_max = if form == Form::Page { LIMIT_MAX } else { u64::MAX };
    let limit = parameters.take_number("limit", 1, limit_max)?;
    let cursor = parameters.take("cursor")?;
    let question = ask(&server, &call, &mut parameters, "/api/v1/entries")?;
    parameters.end()?;
    let after = place(&server, &question, cursor.as_deref())?;
    let query = Query { filter: question.filter.clone(), order, limit, after };
    if form == Form::Page {
        page(server, &call, question, query).await
    } else {
        streamed(server, &call, question, query, form).await
    }
}

pub(super) async fn export(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let mut parameters = Parameters::parse(&call.query)?;
    let (form, name) = match parameters.take("format")?.as_deref() {
        None | Some("ndjson") => (Form::Lines, "ndjson"),
        Some("csv") => (Form::Csv, "csv"),
        Some("json") => (Form::Array, "json"),
        Some(other) => {
            let found = FieldError::quote(other);
            return Err(Problem::unread(
                "format",
                format!("format: expected ndjson, csv or json, found {found}"),
            ));
        }
    };
    let order = order(&mut parameters)?;
    let limit = parameters.take_number("limit", 1, u64::MAX)?;
    let question = ask(&server, &call, &mut parameters, "/api/v1/export")?;
    parameters.end()?;
    let query = Query { filter: question.filter.clone(), order, limit, after: None };
    let day = server.now().to_string();
    let file = format!("attachment; filename=\"sealog-{}.{name}\"", day.get(..10).unwrap_or("export"));
    Ok(streamed(server, &call, question, query, form).await?.with(CONTENT_DISPOSITION, &file))
}

pub(super) fn order(parameters: &mut Parameters) -> Result<Order, Problem> {
    match parameters.take("order")?.as_deref() {
        None | Some("desc") => Ok(Order::Descending),
        Some("asc") => Ok(Order::Ascending),
        Some(other) => {
            let found = FieldError::quote(other);
            Err(Problem::unread("order", format!("order: expected desc or asc, found {found}")))
        }
    }
}

pub(super) fn place(
    server: &Server,
    question: &Question,
    cursor: Option<&str>,
) -> Result<Option<Position>, Problem> {
    let read = |cursor| server.store.position(cursor, &question.reading.scope);
    cursor.map(read).transpose().map_err(|error| Problem::unread("cursor", format!("cursor: {error}")))
}

/// A part of a list.
#[derive(Serialize)]
struct Tail {
    next: Option<String>,
    scanned: Scanned,
    problems: Vec<Trouble>,
}

#[derive(Serialize)]
struct Scanned {
    rows: u64,
    bytes: u64,
}

/// Entries up to a limit, in bytes and time too.
struct Gathered {
    /// Their JSON, as the items of an array.
    json: Vec<u8>,
    count: u64,
    last: Option<Position>,
    has_more: bool,
}

fn gather(server: &Server, scan: &mut Scan, limit: u64) -> Gathered {
    let bounds = &server.config.limits;
    let (began, time) = (Instant::now(), Duration::from_secs(bounds.page_seconds));
    let mut gathered = Gathered { json: Vec::new(), count: 0, last: None, has_more: false };
    let mut last: Option<Hit> = None;
    for hit in scan.by_ref() {
        let is_full = gathered.json.len() >= bounds.page_bytes || began.elapsed() >= time;
        if gathered.count == limit || (gathered.count > 0 && is_full) {
            gathered.has_more = true;
            break;
        }
        let Some(entry) = hit.committed() else { continue };
        if gathered.count > 0 {
            gathered.json.push(b',');
        }
        // Writing to memory does not fail, and an entry always has a JSON form.
        let _ = serde_json::to_writer(&mut gathered.json, &entry);
        gathered.count += 1;
        last = Some(hit);
    }
    gathered.last = last.and_then(|hit| hit.position());
    gathered
}

/// A page of entries, with where the next one begins.
pub(super) async fn page(
    server: Arc<Server>,
    call: &Call,
    question: Question,
    query: Query,
) -> Result<Answer, Problem> {
    let (packing, key) = (call.packing(), question.principal.id().to_owned());
    let own = Arc::clone(&server);
    let work = move || {
        let server = own;
        let limit = query.limit.unwrap_or(LIMIT);
        // Before the scan: what is committed meanwhile is behind the place that an empty page ends at.
        let settled = server.store.view().settled();
        // One more than is given says whether there is more.
        let more = Query { limit: Some(limit.saturating_add(1)), ..query.clone() };
        let mut scan = server.store.scan(&question.reading.scope, &more);
        let gathered = gather(&server, &mut scan, limit);
        let next = match query.order {
            Order::Descending => gathered.last.filter(|_| gathered.has_more),
            Order::Ascending => {
                let end = settled.unwrap_or(Timestamp::MIN);
                gathered.last.or(query.after).or_else(|| Some(Position::behind(end)))
            }
        };
        let next = next.map(|place| server.store.cursor(&place, &question.reading.scope));
        let work = scan.work();
        let rows = work.rows_looked_at + work.open_rows;
        let tail = Tail {
            next,
            scanned: Scanned { rows, bytes: work.record_bytes },
            problems: troubles(&server, &question, scan.problems()),
        };
        let mut read = question.read;
        read.rows = Some(gathered.count);
        server.note_read(&question.principal, &read);
        let mut json = b"{\"entries\":[".to_vec();
        json.extend_from_slice(&gathered.json);
        json.extend_from_slice(b"],");
        let tail = serde_json::to_vec(&tail).unwrap_or_default();
        json.extend_from_slice(tail.get(1..).unwrap_or_default());
        packing.pack(json)
    };
    let (json, coding) = server.work.read(&key, work).await?;
    let answer = Answer::bytes(StatusCode::OK, "application/json", json).with(VARY, "accept-encoding");
    Ok(match coding {
        Some(coding) => answer.with(CONTENT_ENCODING, coding),
        None => answer,
    })
}

/// All entries that match, as they are found.
async fn streamed(
    server: Arc<Server>,
    call: &Call,
    question: Question,
    query: Query,
    form: Form,
) -> Result<Answer, Problem> {
    let turn = server.work.turn(question.principal.id()).await?;
    let patience = Duration::from_secs(server.config.limits.wait_seconds);
    let packing = call.packing();
    let own = Arc::clone(&server);
    let write = move |out: &mut dyn Write| {
        let server = own;
        server.note_read(&question.principal, &question.read);
        let mut scan = server.store.scan(&question.reading.scope, &query);
        let mut writer = Writer::new(form, out)?;
        for hit in scan.by_ref() {
            if let Some(entry) = hit.committed() {
                writer.entry(&entry)?;
            }
        }
        let problems = troubles(&server, &question, scan.problems());
        writer.end(problems.first())
    };
    Ok(stream::answer(form.media_type(), packing, patience, turn, write))
}

/// Writes entries one after the other.
enum Writer<'o> {
    Lines(&'o mut dyn Write),
    Array(&'o mut dyn Write, bool),
    Csv(Box<csv::Writer<&'o mut dyn Write>>),
}

#[derive(Serialize)]
struct ProblemLine<'p> {
    problem: &'p Trouble,
}

impl<'o> Writer<'o> {
    fn new(form: Form, out: &'o mut dyn Write) -> io::Result<Writer<'o>> {
        Ok(match form {
            Form::Csv => Writer::Csv(Box::new(csv::Writer::new(out)?)),
            Form::Array => {
                out.write_all(b"[")?;
                Writer::Array(out, true)
            }
            Form::Page | Form::Lines => Writer::Lines(out),
        })
    }

    fn entry(&mut self, entry: &Committed<'_>) -> io::Result<()> {
        match self {
            Writer::Lines(out) => {
                serde_json::to_writer(&mut **out, entry)?;
                out.write_all(b"\n")
            }
            Writer::Array(out, is_first) => {
                out.write_all(if std::mem::take(is_first) { b"\n" } else { b",\n" })?;
                Ok(serde_json::to_writer(&mut **out, entry)?)
            }
            Writer::Csv(writer) => writer.write(entry),
        }
    }

    /// The last line says what keeps the answer from being whole.
    fn end(self, problem: Option<&Trouble>) -> io::Result<()> {
        let line = problem.map(|problem| serde_json::to_string(&ProblemLine { problem })).transpose()?;
        match (self, line) {
            (Writer::Lines(out), Some(line)) => writeln!(out, "{line}"),
            (Writer::Lines(_), None) => Ok(()),
            (Writer::Array(out, is_first), line) => {
                if let Some(line) = line {
                    out.write_all(if is_first { b"\n" } else { b",\n" })?;
                    out.write_all(line.as_bytes())?;
                }
                out.write_all(b"\n]\n")
            }
            (Writer::Csv(mut writer), line) => {
                if let Some(line) = line {
                    writer.note(&line)?;
                }
                writer.finish()
            }
        }
    }
}

pub(super) async fn one(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let mut parameters = Parameters::parse(&call.query)?;
    let log = parameters.take("log")?;
    parameters.end()?;
    let mut words = Words::default();
    if let Some(log) = log {
        words.add("log", &log).map_err(crate::question::wrong_word)?;
    }
    let question = ask_words(&server, &call, words, "/api/v1/entries/{service}/{seq}")?;
    let service = call.part(0).to_owned();
    // What is no number is the number of no entry.
    let seq: u64 = call.part(1).parse().map_err(|_| Problem::not_found())?;
    let known = call.header(IF_NONE_MATCH).map(str::to_owned);
    let key = question.principal.id().to_owned();
    let own = Arc::clone(&server);
    let work = move || {
        let server = own;
        let mut filter = question.filter.clone();
        filter.services = vec![service.clone()];
        let mut scan = server.store.view().entry(&question.reading.scope, &filter, &service, seq);
        let hit = scan.next();
        let mut read = question.read;
        read.rows = Some(u64::from(hit.is_some()));
        server.note_read(&question.principal, &read);
        if hit.is_none() && !scan.problems().is_empty() {
            let detail = "this entry does not read; verify the store";
            return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail));
        }
        let hit = hit.ok_or_else(Problem::not_found)?;
        let entry = hit.committed().ok_or_else(Problem::not_found)?;
        let json = serde_json::to_vec(&entry).unwrap_or_default();
        let tag = format!("\"{}\"", hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(&json)[..16]));
        Ok((json, tag))
    };
    let (json, tag) = server.work.read(&key, work).await??;
    // It never changes while it is there; whether it is has to be asked again, because it may be cleared.
    let answer = match known {
        Some(known) if known.split(',').any(|own| own.trim() == tag) => {
            Answer::empty(StatusCode::NOT_MODIFIED)
        }
        _ => Answer::bytes(StatusCode::OK, "application/json", json),
    };
    Ok(answer.with(ETAG, &tag).with(hyper::header::CACHE_CONTROL, "private, no-cache"))
}
