//! `POST /api/v1/entries`: entries in, receipts out, when they are durable.

use crate::access::Principal;
use crate::http::body::{Coding, Gathered};
use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::principal;
use crate::server::Server;
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use sealog_engine::batch::Batch;
use sealog_engine::error::FieldError;
use sealog_engine::hex;
use sealog_engine::model::{Accept, Entry, JsonError, parse_entry};
use sealog_engine::store::Receipt;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(Serialize)]
struct Receipts {
    receipts: Vec<Receipt>,
}

/// How entries stand in a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One object, or an array of them.
    Json,
    /// An object a line.
    Lines,
}

pub(super) async fn append(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let form = form_of(call.header(CONTENT_TYPE))?;
    let coding = Coding::parse(call.header(CONTENT_ENCODING))?;
    let key = idempotency_key(&call, &principal)?;
    let mut parameters = Parameters::parse(&call.query)?;
    let defaults = Defaults {
        tenant: parameters.take("tenant")?.or(principal.only_tenant().map(str::to_owned)),
        service: parameters.take("service")?.or(principal.only_service().map(str::to_owned)),
        trace: call.headers.contains_key("traceparent").then(|| call.request_id.clone()),
    };
    parameters.end()?;
    let body = gather(&server, &mut call).await?;
    let own = Arc::clone(&server);
    server
        .work
        .append(move || own.append_body(body, coding, form, &principal, &defaults, key.as_deref()))
        .await?
}

/// The whole body of a request, packed as it came.
pub(super) async fn gather(server: &Server, call: &mut Call) -> Result<Gathered, Problem> {
    let limits = &server.config.limits;
    let body = call.body.take().ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "expected a body"))?;
    server.memory.gather(body, limits.body_bytes, Duration::from_secs(limits.body_seconds)).await
}

/// What entries that do not say it themselves are given.
struct Defaults {
    tenant: Option<String>,
    service: Option<String>,
    trace: Option<String>,
}

impl Server {
    fn append_body(
        &self,
        mut body: Gathered,
        coding: Coding,
        form: Form,
        principal: &Principal,
        defaults: &Defaults,
        key: Option<&str>,
    ) -> Result<Answer, Problem> {
        body.unpacked(coding, self.config.limits.body_bytes)?;
        let mut batch = Batch::with_capacity(body.bytes.len() / 300, body.bytes.len() / 2);
        let mut take = |text: &[u8], number| take_in(&mut batch, text, number, principal, defaults);
        match form {
            Form::Lines => {
                let text = body.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body.bytes);
                let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
                lines.enumerate().try_for_each(|(number, line)| take(line.trim_ascii(), number))?;
            }
            Form::Json => {
                let text = body.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body.bytes).trim_ascii();
                if text.first() == Some(&b'[') {
                    let entries: Vec<&RawValue> = serde_json::from_slice(text).map_err(|error| {
                        Problem::unread("body", format!("expected a JSON array of entries: {error}"))
                    })?;
                    let mut all = entries.iter().enumerate();
                    all.try_for_each(|(number, entry)| take(entry.get().as_bytes(), number))?;
                } else if text.is_empty() {
                    return Err(Problem::unread("body", "expected an entry, found an empty body"));
                } else {
                    take(text, 0)?;
                }
            }
        }
        self.rates.append(principal.id(), batch.len(), body.bytes.len())?;
        if let Some(key) = key {
            batch.set_idempotency_key(key).map_err(|error| Problem::of_field(&error))?;
        }
        let (entries, bytes) = (batch.len() as u64, body.bytes.len() as u64);
        drop(body);
        let receipts = self.store.append(batch).inspect_err(|error| self.note_failure(error))?;
        self.metrics.entries.fetch_add(entries, Ordering::Relaxed);
        self.metrics.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(Answer::json(&Receipts { receipts }))
    }
}

/// Takes an entry into a batch, if the sender may append it.
fn take_in(
    batch: &mut Batch,
    text: &[u8],
    number: usize,
    principal: &Principal,
    defaults: &Defaults,
) -> Result<(), Problem> {
    let mut entry = parse_entry(text, Accept::Entry).map_err(|error| unread(&error, number))?;
    let fill = |field: &mut std::borrow::Cow<'_, str>, value: &Option<String>| {
        if let (true, Some(value)) = (field.is_empty(), value) {
            *field = value.clone().into();
        }
    };
    fill(&mut entry.tenant, &defaults.tenant);
    fill(&mut entry.service, &defaults.service);
    fill(&mut entry.request_id, &defaults.trace);
    check_own(&entry, principal).map_err(|problem| problem.of_entry(number))?;
    batch.push(&entry).map_err(Problem::from)
}

/// Checks whose entry it is. One that names nobody is refused as an entry, where it is taken in.
fn check_own(entry: &Entry<'_>, principal: &Principal) -> Result<(), Problem> {
    if entry.tenant.is_empty() || entry.service.is_empty() {
        return Ok(());
    }
    principal
        .check_append(&entry.tenant, &entry.service)
        .map_err(|error| Problem::forbidden(error.to_string()).at(&*error.field))
}

/// What is no JSON does not parse; a JSON object that is no entry is refused, with the field named.
fn unread(error: &JsonError, number: usize) -> Problem {
    let JsonError::Syntax { column, detail } = error;
    let told = format!("entry {number}, column {column}: {detail}");
    let field = detail.split_once("field `").and_then(|(before, rest)| {
        let is_first = before.is_empty() || before.ends_with("unknown ");
        is_first.then(|| rest.split('`').next()).flatten()
    });
    match field {
        Some(field) => Problem::refused(field, told),
        None => Problem::unread("body", told),
    }
    .of_entry(number)
}

fn form_of(media_type: Option<&str>) -> Result<Form, Problem> {
    let name =
        media_type.and_then(|text| text.split(';').next()).map(|name| name.trim().to_ascii_lowercase());
    match name.as_deref() {
        None | Some("application/json") => Ok(Form::Json),
        Some(
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/json-lines",
        ) => Ok(Form::Lines),
        Some(other) => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "Content-Type: expected application/json or application/x-ndjson, found {}",
                FieldError::quote(other)
            ),
        )
        .at("Content-Type")),
    }
}

/// The key of a batch, so that producers of other tenants may use the same.
fn idempotency_key(call: &Call, principal: &Principal) -> Result<Option<String>, Problem> {
    let Some(value) = call.headers.get("idempotency-key") else { return Ok(None) };
    let key = value.as_bytes();
    if !matches!(key.len(), 1..=128) {
        let detail = format!("Idempotency-Key: expected 1 to 128 bytes, found {}", key.len());
        return Err(Problem::refused("Idempotency-Key", detail));
    }
    let mut tenants = principal.key().tenants.clone();
    tenants.sort_unstable();
    let mut hasher = Sha256::new();
    for part in tenants.iter().map(String::as_bytes).chain([b"".as_slice(), key]) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    Ok(Some(hex::encode(&hasher.finalize())))
}
