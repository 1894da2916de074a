//! The words of a filter as parameters of a request, within what its sender may see.

use crate::access::Principal;
use crate::access::scope::{self, Reading};
use crate::http::{Call, Parameters, Problem};
use crate::reads::Read;
use crate::server::Server;
use hyper::StatusCode;
use sealog_engine::scan::{Filter, ScanProblem, WordError, Words};
use serde::Serialize;

/// What somebody asks who may.
pub(crate) struct Question {
    /// Who.
    pub principal: Principal,
    /// What they see.
    pub reading: Reading,
    /// What they ask for.
    pub filter: Filter,
    /// As it is noted.
    pub read: Read,
}

/// Whoever a route let through has a key.
pub(crate) fn principal(call: &Call) -> Result<Principal, Problem> {
    let unknown = || Problem::new(StatusCode::UNAUTHORIZED, "expected a live key");
    call.principal.clone().ok_or_else(unknown)
}

/// A word that is wrong, as an answer.
pub(crate) fn wrong_word(error: WordError) -> Problem {
    let detail = error.to_string();
    if error.is_refused { Problem::refused(error.name, detail) } else { Problem::unread(error.name, detail) }
}

/// The words of a filter among parameters; others are left.
pub(crate) fn words(parameters: &mut Parameters) -> Result<Words, Problem> {
    let mut words = Words::default();
    for name in sealog_engine::scan::words::NAMES {
        for value in parameters.take_all(name)? {
            words.add(name, &value).map_err(wrong_word)?;
        }
    }
    Ok(words)
}

/// What a request asks for.
pub(crate) fn ask(
    server: &Server,
    call: &Call,
    parameters: &mut Parameters,
    route: &'static str,
) -> Result<Question, Problem> {
    let words = words(parameters)?;
    ask_words(server, call, words, route)
}

/// As [`ask`], of words that were read already.
pub(crate) fn ask_words(
    server: &Server,
    call: &Call,
    words: Words,
    route: &'static str,
) -> Result<Question, Problem> {
    let principal = principal(call)?;
    let reading = scope::reading(&principal, words.log)
        .ok_or_else(|| Problem::forbidden("the roles of this key do not read this log").at("log"))?;
    let filters = words.given();
    let mut filter = words.filter(server.now()).map_err(wrong_word)?;
    filter.log = reading.log;
    let read = Read {
        route,
        tenants: filter.tenants.clone(),
        services: filter.services.clone(),
        filters,
        window: filter.window,
        rows: None,
        request_id: call.request_id.clone(),
    };
    Ok(Question { principal, reading, filter, read })
}

/// Something that could not be read.
#[derive(Serialize)]
pub(crate) struct Unread {
    service: String,
    seq: u64,
    detail: String,
}

impl From<&ScanProblem> for Unread {
    fn from(problem: &ScanProblem) -> Unread {
        Unread { service: problem.service.clone(), seq: problem.seq, detail: problem.detail.clone() }
    }
}

/// A file of the store that does not read.
#[derive(Serialize)]
pub(crate) struct Damaged {
    file: String,
    detail: String,
}

/// Whatever keeps an answer from being whole.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Trouble {
    /// An entry.
    Entry(Unread),
    /// A file.
    File(Damaged),
}

/// What keeps an answer from being whole: what it met, and what of the store does not read at all.
pub(crate) fn troubles(server: &Server, question: &Question, met: &[ScanProblem]) -> Vec<Trouble> {
    let is_everything = question.reading.scope.tenant_list().is_none();
    let files = server.store.view().damage().iter().map(|damage| {
        // Whoever sees some tenants only is told no more than that something is missing.
        let (file, detail) = if is_everything {
            (damage.file.clone(), damage.detail.clone())
        } else {
            ("a file of the log".to_owned(), "does not read".to_owned())
        };
        Trouble::File(Damaged { file, detail })
    });
    met.iter().map(|problem| Trouble::Entry(problem.into())).chain(files).collect()
}
