//! `POST /api/v1/verify`: recomputes the store from its bytes, beside whoever writes it.

use crate::http::body::Coding;
use crate::http::events::{self, Event};
use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::{principal, wrong_word};
use crate::server::{Server, Verified, wall};
use crate::work;
use hyper::StatusCode;
use hyper::header::CONTENT_ENCODING;
use sealog_engine::error::Error;
use sealog_engine::scan::Words;
use sealog_engine::verify::{Report, VerifyOptions, verify as verify_store};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What to verify.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    last: Option<String>,
    from: Option<String>,
    to: Option<String>,
    services: Vec<String>,
}

/// How often it is told how far it is.
const TELL: Duration = Duration::from_millis(250);

pub(super) async fn verify(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    Parameters::parse(&call.query)?.end()?;
    let principal = principal(&call)?;
    let mut body = super::append::gather(&server, &mut call).await?;
    body.unpacked(Coding::parse(call.header(CONTENT_ENCODING))?, 1 << 20)?;
    let asked: Asked = if body.bytes.trim_ascii().is_empty() {
        Asked::default()
    } else {
        serde_json::from_slice(&body.bytes).map_err(|error| {
            Problem::unread("body", format!("expected {{last}} or {{from, to}}, {{services}}: {error}"))
        })?
    };
    let mut words = Words::default();
    for (name, value) in [("last", &asked.last), ("from", &asked.from), ("to", &asked.to)] {
        if let Some(value) = value {
            words.add(name, value).map_err(wrong_word)?;
        }
    }
    let window = words.window(server.now()).map_err(wrong_word)?;
    let filters = words.given();
    let permit = server.work.verify()?;
    let read = crate::reads::Read {
        route: "/api/v1/verify",
        tenants: Vec::new(),
        services: asked.services.clone(),
        filters,
        window,
        rows: None,
        request_id: call.request_id.clone(),
    };
    let options = VerifyOptions { services: asked.services, window, ..VerifyOptions::default() };
    let progress = Arc::new(AtomicU64::new(0));
    let (own, seen) = (Arc::clone(&server), Arc::clone(&progress));
    let done = work::run(permit, move || {
        own.note_read(&principal, &read);
        own.verify_now(&options, &seen)
    });
    if !call.accepts("text/event-stream") {
        return Ok(Answer::json(&done.await??));
    }
    let chains = server.store.view().chains();
    let total: u64 = chains.iter().flat_map(|chain| chain.segments()).map(|own| own.file_bytes()).sum();
    let (answer, events) = events::answer(Duration::from_secs(server.config.limits.wait_seconds));
    tokio::spawn(async move {
        let mut done = std::pin::pin!(done);
        loop {
            let report = tokio::select! {
                report = &mut done => report,
                () = tokio::time::sleep(TELL) => {
                    let bytes = progress.load(Ordering::Relaxed);
                    let data = format!("{{\"bytes\":{bytes},\"bytes_total\":{}}}", total.max(bytes));
                    let mut out = Vec::new();
                    Event { kind: "progress", id: "", data: &data }.write(&mut out);
                    if events.send(out).await { continue } else { return }
                }
            };
            let mut out = Vec::new();
            match report.and_then(|report| report) {
                Ok(report) => {
                    let data = serde_json::to_string(&report).unwrap_or_default();
                    Event { kind: "report", id: "", data: &data }.write(&mut out);
                }
                Err(problem) => {
                    let data = String::from_utf8(problem.json()).unwrap_or_default();
                    Event { kind: "problem", id: "", data: &data }.write(&mut out);
                }
            }
            events.send(out).await;
            return;
        }
    });
    Ok(answer)
}

impl Server {
    fn verify_now(&self, options: &VerifyOptions, progress: &AtomicU64) -> Result<Report, Problem> {
        let tell = |bytes| progress.store(bytes, Ordering::Relaxed);
        let report = verify_store(&*self.disk, options, tell).map_err(|error| match error {
            Error::Damaged { .. } | Error::Version { .. } => {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
            other => other.into(),
        })?;
        let chains = report.chains.iter().map(|chain| (chain.service.clone(), chain.valid)).collect();
        *self.verified.lock() = Some(Verified { at: wall(), valid: report.valid, chains });
        Ok(report)
    }
}
