//! `POST /v1/logs`, `POST /_bulk`: what producers send who know another protocol. Decoding is `ingest`'s.

use super::append::gather;
use crate::access::Principal;
use crate::http::body::{Coding, Gathered};
use crate::http::{Answer, Call, Problem};
use crate::ingest::{self, Allowed, Context, Decoded, Kind, bulk, otlp};
use crate::question::principal;
use crate::server::Server;
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use sealog_engine::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Records that the log may refuse one after the other, each for an ID that came before with other content; then the
/// whole request is refused.
const CONFLICTS_MAX: usize = 64;

/// Why nothing of a request was appended.
enum Refused {
    /// The body.
    Body(ingest::Problem),
    /// The log, or a limit.
    Log(Problem),
}

/// OTLP over HTTP, in protobuf and JSON.
pub(super) async fn logs(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let form = call.header(CONTENT_TYPE).and_then(otlp::Form::of_media_type).ok_or_else(|| {
        let detail = "Content-Type: expected application/x-protobuf or application/json";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).at("Content-Type")
    })?;
    let coding = Coding::parse(call.header(CONTENT_ENCODING))?;
    let mut body = gather(&server, &mut call).await?;
    let own = Arc::clone(&server);
    let work = move || {
        body.unpacked(coding, own.config.limits.body_bytes)?;
        let decoded = own.append_decoded(&principal, &body, None, |context| {
            otlp::decode(form, &body.bytes, context).map(|decoded| (decoded, ()))
        });
        match decoded {
            Ok((decoded, ())) => {
                Ok(Answer::bytes(StatusCode::OK, form.media_type(), otlp::success(form, &decoded)))
            }
            Err(Refused::Body(problem)) => {
                let (status, bytes) = (otlp::status(problem.kind), problem.to_string());
                let bytes = otlp::failure(form, status, &bytes);
                Ok(Answer::bytes(status_of(status), form.media_type(), bytes))
            }
            Err(Refused::Log(problem)) => Err(problem),
        }
    };
    server.work.append(work).await?
}

/// Elasticsearch's bulk API.
pub(super) async fn items(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let index = call.parts.first().cloned();
    let coding = Coding::parse(call.header(CONTENT_ENCODING))?;
    let mut body = gather(&server, &mut call).await?;
    let began = Instant::now();
    let own = Arc::clone(&server);
    let work = move || {
        body.unpacked(coding, own.config.limits.body_bytes)?;
        let answered = own.append_decoded(&principal, &body, index.as_deref(), |context| {
            let mut bulk = bulk::decode(&body.bytes, index.as_deref(), context)?;
            Ok((std::mem::take(&mut bulk.decoded), bulk))
        });
        let answer = match answered {
            Ok((decoded, mut bulk)) => {
                bulk.decoded = decoded;
                let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                Answer::bytes(StatusCode::OK, "application/json", bulk.answer(took_ms))
            }
            Err(Refused::Body(problem)) => {
                let status = if problem.kind == Kind::Refused { 400 } else { problem.kind.status() };
                let bytes = bulk::failure(status, &problem.to_string());
                Answer::bytes(status_of(status), "application/json", bytes)
            }
            Err(Refused::Log(problem)) => return Err(problem),
        };
        Ok(as_product(answer))
    };
    server.work.append(work).await?
}

/// What Elasticsearch's clients ask before they send.
pub(super) async fn handshake(_: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let told = bulk::handshake(call.method.as_str(), &call.path).ok_or_else(Problem::not_found)?;
    Ok(as_product(Answer::bytes(status_of(told.status), "application/json", told.body)))
}

fn as_product(answer: Answer) -> Answer {
    let (name, value) = bulk::PRODUCT_HEADER;
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) => answer.with(name, value),
        Err(_) => answer,
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl Server {
    /// Appends what a decoder gives of a body; records whose IDs came before with other content are left out and told of,
    /// and the others are taken. With the decoder's own part of what it gave.
    fn append_decoded<T>(
        &self,
        principal: &Principal,
        body: &Gathered,
        default_service: Option<&str>,
        decode: impl Fn(Context<'_>) -> Result<(Decoded, T), ingest::Problem>,
    ) -> Result<(Decoded, T), Refused> {
        let key = principal.key();
        let mut without: Vec<u32> = Vec::new();
        loop {
            let context = Context {
                tenants: allowed(&key.tenants),
                services: allowed(&key.services),
                organizations: allowed(&key.organizations),
                default_service,
                received_at: self.now(),
                without: &without,
            };
            let (mut decoded, own) = decode(context).map_err(Refused::Body)?;
            if let Some(problem) = decoded.whole_refusal() {
                return Err(Refused::Body(problem.clone()));
            }
            if without.is_empty() {
                let count = decoded.batch.len();
                self.rates.append(principal.id(), count, body.bytes.len()).map_err(Refused::Log)?;
            }
            let entries = decoded.batch.len() as u64;
            match self.store.append(std::mem::take(&mut decoded.batch)) {
                Ok(_) => {
                    self.metrics.entries.fetch_add(entries, Ordering::Relaxed);
                    self.metrics.bytes.fetch_add(body.bytes.len() as u64, Ordering::Relaxed);
                    return Ok((decoded, own));
                }
                Err(Error::Conflict { entry: Some(entry), .. }) if without.len() < CONFLICTS_MAX => {
                    let Some(record) = decoded.record_of(entry) else {
                        let detail = "the log refused an entry that the request does not have";
                        return Err(Refused::Log(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)));
                    };
                    without.push(record);
                    without.sort_unstable();
                }
                Err(error) => {
                    self.note_failure(&error);
                    return Err(Refused::Log(Problem::from(error)));
                }
            }
        }
    }
}

fn allowed(names: &[String]) -> Allowed<'_> {
    match names {
        [] => Allowed::Any,
        names => Allowed::Only(names),
    }
}
