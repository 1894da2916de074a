//! `/api/v1/processes`: the process log, and asking a process to stop.

use crate::access::{Principal, scope};
use crate::config::ProcessType;
use crate::http::accept::stopped;
use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::{Question, ask_words, principal, words, wrong_word};
use crate::reads::Read;
use crate::server::Server;
use hyper::StatusCode;
use sealog_engine::batch::Batch;
use sealog_engine::error::FieldError;
use sealog_engine::model::{Actor, Entry, Process as OfProcess, ProcessEvent};
use sealog_engine::process::{Levels, Process, ProcessFilter, Status};
use sealog_engine::scan::{Log, Order, Query, Scope, Words};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

const LIMIT: u64 = 100;
const LIMIT_MAX: u64 = 1_000;
/// Seconds of a long poll.
const WAIT: u64 = 30;
const WAIT_MAX: u64 = 60;

#[derive(Serialize)]
struct Page {
    processes: Vec<Shown>,
    next: Option<String>,
}

/// A process, with what may be done about it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    process: Process,
    severity_counts: serde_json::Map<String, serde_json::Value>,
    can_cancel: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_link: Option<String>,
}

impl Shown {
    fn of(server: &Server, process: Process) -> Shown {
        let own = server.config.process_type(&process.activity);
        let can_cancel = is_open(&process) && own.is_none_or(|own| own.cancel);
        let link =
            |link: &dyn Fn(&ProcessType) -> &str| {
                let link = own.map(link).filter(|link| !link.is_empty())?;
                Some(link.replace(
                    "{configuration_id}",
                    &crate::http::parameters::encode(&process.configuration_id),
                ))
            };
        let counts = sealog_engine::model::Severity::ALL.into_iter().zip(process.severity_counts);
        let counts = counts.map(|(severity, count)| (severity.name().to_owned(), count.into())).collect();
        let (cancel_link, test_link) = (link(&|own| &own.cancel_link), link(&|own| &own.test_link));
        Shown { severity_counts: counts, can_cancel, cancel_link, test_link, process }
    }
}

fn is_open(process: &Process) -> bool {
    matches!(process.status, Status::Running | Status::CancelRequested)
}

pub(super) async fn list(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let mut parameters = Parameters::parse(&call.query)?;
    let statuses = parameters.take_all("status")?;
    let statuses: Result<Vec<Status>, Problem> = statuses
        .iter()
        .flat_map(|text| text.split(','))
        .map(|text| {
            let wrong =
                || format!("status: expected {}, found {}", Status::EXPECTED, FieldError::quote(text));
            Status::parse(text).ok_or_else(|| Problem::unread("status", wrong()))
        })
        .collect();
    let mut time = |name: &'static str| -> Result<_, Problem> {
        let Some(text) = parameters.take(name)? else { return Ok(None) };
        let read = sealog_engine::scan::words::parse_time(&text);
        read.map(Some).map_err(|error| Problem::unread(name, format!("{name}: {error}")))
    };
    let finished = sealog_engine::model::Window { from: time("finished_from")?, to: time("finished_to")? };
    let limit = parameters.take_number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    let cursor = parameters.take("cursor")?;
    let words = words(&mut parameters)?;
    parameters.end()?;
    let known = [
        "log",
        "tenant",
        "organization",
        "severity",
        "min_severity",
        "activity",
        "request_id",
        "configuration_id",
        "last",
        "from",
        "to",
    ];
    let (filters, window) = (words.given(), words.window(server.now()).map_err(wrong_word)?);
    if let Some(other) = filters.iter().find(|name| !known.contains(name)) {
        return Err(Problem::refused(
            *other,
            format!("{other}: processes are not found by this; entries are"),
        ));
    }
    if !matches!(words.log, None | Some(Log::Process)) {
        return Err(Problem::forbidden("processes are of the process log").at("log"));
    }
    let filter = ProcessFilter {
        severities: words.severities(),
        tenants: words.tenant,
        organizations: words.organization,
        activities: words.activity,
        request_ids: words.request_id,
        configuration_ids: words.configuration_id,
        statuses: statuses?,
        started: window,
        finished,
        levels: Levels::Top,
    };
    let scope = scope::processes(&principal);
    let after = cursor.map(|cursor| server.store.process_position(&cursor, &scope)).transpose();
    let after = after.map_err(|error| Problem::unread("cursor", format!("cursor: {error}")))?;
    let mut read = Read {
        route: "/api/v1/processes",
        tenants: filter.tenants.clone(),
        services: Vec::new(),
        filters,
        window,
        rows: None,
        request_id: call.request_id.clone(),
    };
    let own = Arc::clone(&server);
    let key = principal.id().to_owned();
    let work = move || {
        let most = usize::try_from(limit).unwrap_or(1);
        let page = own.store.processes().list(&scope, &filter, after.as_ref(), most)?;
        read.rows = Some(page.processes.len() as u64);
        own.note_read(&principal, &read);
        let next = page.next.map(|place| own.store.process_cursor(&place, &scope));
        let processes = page.processes.into_iter().map(|process| Shown::of(&own, process)).collect();
        Ok(Answer::json(&Page { processes, next }))
    };
    server.work.read(&key, work).await?
}

/// The one process of an ID.
fn find(server: &Server, scope: &Scope, tenants: &[String], id: &str) -> Result<Process, Problem> {
    let mut found = server.store.processes().named(scope, tenants, id)?;
    match found.len() {
        0 => Err(Problem::not_found()),
        1 => found.pop().ok_or_else(Problem::not_found),
        _ => Err(Problem::refused("tenant", "tenant: several tenants have a process of this ID: name one")),
    }
}

fn note(server: &Server, principal: &Principal, call_id: &str, route: &'static str, tenant: &str, rows: u64) {
    let read = Read {
        route,
        tenants: vec![tenant.to_owned()],
        services: Vec::new(),
        filters: Vec::new(),
        window: sealog_engine::model::Window::default(),
        rows: Some(rows),
        request_id: call_id.to_owned(),
    };
    server.note_read(principal, &read);
}

pub(super) async fn one(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let mut parameters = Parameters::parse(&call.query)?;
    let tenants = parameters.take_all("tenant")?;
    parameters.end()?;
    let own = Arc::clone(&server);
    let (key, id) = (principal.id().to_owned(), call.part(0).to_owned());
    let work = move || {
        let process = find(&own, &scope::processes(&principal), &tenants, &id)?;
        note(&own, &principal, &call.request_id, "/api/v1/processes/{id}", &process.tenant, 1);
        Ok(Answer::json(&Shown::of(&own, process)))
    };
    server.work.read(&key, work).await?
}

/// Entries of a process and its sub-processes, in the order of commits.
pub(super) async fn messages(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let mut parameters = Parameters::parse(&call.query)?;
    let order = match parameters.take("order")?.as_deref() {
        None | Some("asc") => Order::Ascending,
        Some("desc") => Order::Descending,
        Some(other) => {
            let found = FieldError::quote(other);
            return Err(Problem::unread("order", format!("order: expected asc or desc, found {found}")));
        }
    };
    let limit = parameters.take_number("limit", 1, 10_000)?;
    let cursor = parameters.take("cursor")?;
    let mut words: Words = words(&mut parameters)?;
    parameters.end()?;
    let (own, id) = (Arc::clone(&server), call.part(0).to_owned());
    let (tenants, asker) = (words.tenant.clone(), principal.clone());
    let name = id.clone();
    let process = server
        .work
        .read(principal.id(), move || find(&own, &scope::processes(&asker), &tenants, &name))
        .await??;
    words.log = Some(Log::Process);
    words.tenant = vec![process.tenant.to_string()];
    words.process = vec![id];
    let question: Question = ask_words(&server, &call, words, "/api/v1/processes/{id}/messages")?;
    let after = super::entries::place(&server, &question, cursor.as_deref())?;
    let query = Query { filter: question.filter.clone(), order, limit, after };
    super::entries::page(server, &call, question, query).await
}

/// Asks a process to stop: an entry of it, that its producer finds.
pub(super) async fn cancel(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let mut parameters = Parameters::parse(&call.query)?;
    let tenants = parameters.take_all("tenant")?;
    parameters.end()?;
    let (own, id) = (Arc::clone(&server), call.part(0).to_owned());
    let work = move || {
        let scope = scope::processes(&principal);
        let process = find(&own, &scope, &tenants, &id)?;
        if let Some(other) = own.config.process_type(&process.activity).filter(|own| !own.cancel) {
            let place = if other.cancel_link.is_empty() {
                String::new()
            } else {
                format!(": go to {}", other.cancel_link)
            };
            let detail = format!("processes of this type are not cancelled here{place}");
            return Err(Problem::new(StatusCode::CONFLICT, detail).at("activity"));
        }
        if !is_open(&process) {
            let detail = format!("the process is {}: there is nothing to cancel", process.status.name());
            return Err(Problem::new(StatusCode::CONFLICT, detail).at("status"));
        }
        if !process.is_cancel_requested {
            own.append_cancel(&process, &principal, &call.request_id)?;
        }
        let process = find(&own, &scope, &[process.tenant.to_string()], &id)?;
        Ok(Answer::json(&Shown::of(&own, process)))
    };
    server.work.append(work).await?
}

impl Server {
    fn append_cancel(&self, process: &Process, by: &Principal, request: &str) -> Result<(), Problem> {
        let entry = Entry {
            tenant: (&*process.tenant).into(),
            organization: (&*process.organization).into(),
            service: process.first.service.to_string().into(),
            activity: (&*process.activity).into(),
            actor: Actor { kind: "key".into(), id: by.id().into(), name: "".into() },
            request_id: request.into(),
            message: "cancelling was asked for".into(),
            process: Some(OfProcess {
                id: (&*process.id).into(),
                parent: (&*process.parent).into(),
                event: ProcessEvent::CancelRequested,
            }),
            ..Entry::default()
        };
        let mut batch = Batch::new();
        batch.push(&entry)?;
        self.store.append(batch).inspect_err(|error| self.note_failure(error))?;
        Ok(())
    }
}

#[derive(Serialize)]
struct Cancelled {
    cancel_requested: bool,
    status: &'static str,
}

/// Waits until somebody asks a producer's process to stop, or for a while.
pub(super) async fn is_cancelled(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let mut parameters = Parameters::parse(&call.query)?;
    let wait = parameters.take_number("wait", 0, WAIT_MAX)?.unwrap_or(WAIT);
    let tenants = parameters.take_all("tenant")?;
    parameters.end()?;
    let id = call.part(0).to_owned();
    let until = tokio::time::Instant::now() + Duration::from_secs(wait);
    let (mut arrivals, mut stop) = (server.arrivals.clone(), server.stop.clone());
    let _permit = server.work.tail()?;
    loop {
        arrivals.mark_unchanged();
        let (own, asker) = (Arc::clone(&server), principal.clone());
        let (tenants, id) = (tenants.clone(), id.clone());
        let look = move || {
            let process = find(&own, &scope::produced(&asker), &tenants, &id)?;
            // Another producer's process is as unknown as one that is not.
            let service = &*process.first.service;
            asker.check_append(&process.tenant, service).map_err(|_| Problem::not_found())?;
            Ok::<_, Problem>(process)
        };
        let process = server.work.read(principal.id(), look).await??;
        let is_told = process.is_cancel_requested || !is_open(&process);
        let is_over = tokio::select! {
            () = std::future::ready(()), if is_told => true,
            changed = arrivals.changed() => changed.is_err(),
            () = tokio::time::sleep_until(until) => true,
            () = stopped(&mut stop) => true,
        };
        if is_over || server.keys.get(principal.id()).is_none() {
            let (cancel_requested, status) = (process.is_cancel_requested, process.status.name());
            return Ok(Answer::json(&Cancelled { cancel_requested, status }));
        }
    }
}
