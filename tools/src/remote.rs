//! The log of a server: the same commands, asked over HTTP. The key comes from `SEALOG_KEY`, so that no list of processes
//! shows it.

use crate::failure::Failure;
use sealog_engine::model::{Accept, Committed, Entry, Timestamp, parse_entry};
use sealog_engine::scan::{Log, Order, TimeField, Words};
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

const KEY: &str = "SEALOG_KEY";
/// A server that takes no connection is not waited for.
const CONNECT: Duration = Duration::from_secs(10);

/// A server, and the right to ask it.
pub struct Remote {
    url: String,
    authorization: String,
    agent: Agent,
}

/// A line of an answer.
pub type Lines = io::Lines<BufReader<ureq::BodyReader<'static>>>;

/// What is said in a problem document.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Remote {
    /// A server by its address, such as `http://127.0.0.1:7070`.
    pub fn new(url: &str) -> Result<Remote, Failure> {
        let url = url.trim_end_matches('/');
        if !url.starts_with("http://") {
            return Err(Failure::Input(format!(
                "--server: expected an address such as http://127.0.0.1:7070, found {url:?}; this version does not speak TLS"
            )));
        }
        let key = std::env::var(KEY).map_err(|_| {
            Failure::Input(format!("--server: expected a key in the environment variable {KEY}, found none"))
        })?;
        let config = Agent::config_builder().http_status_as_error(false).timeout_connect(Some(CONNECT));
        let authorization = format!("Bearer {}", key.trim());
        Ok(Remote { url: url.to_owned(), authorization, agent: config.build().into() })
    }

    /// Asks for something.
    pub fn get(&self, path: &str, accept: &str, last: Option<&str>) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        request = request.header("authorization", &self.authorization).header("accept", accept);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        answered(&self.url, request.call())
    }

    /// Sends something; gives the answer whatever its status is.
    pub fn post(&self, path: &str, media_type: &str, body: &[u8]) -> Result<Response<Body>, Failure> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.header("authorization", &self.authorization).content_type(media_type);
        request.send(body).map_err(|error| unreachable(&self.url, &error))
    }
}

fn unreachable(url: &str, error: &ureq::Error) -> Failure {
    Failure::Impossible(format!("could not ask {url}: {error}"))
}

fn answered(url: &str, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Failure> {
    let answer = answer.map_err(|error| unreachable(url, &error))?;
    if answer.status().is_success() { Ok(answer) } else { Err(refused(answer)) }
}

/// What a refusal says.
pub fn refused(mut answer: Response<Body>) -> Failure {
    let status = answer.status();
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    let detail = serde_json::from_str::<Problem>(&text).map_or(text, |problem| problem.detail);
    let message = format!("the server refused ({status}): {detail}");
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::NOT_FOUND
        | StatusCode::CONFLICT
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Failure::Input(message),
        _ => Failure::Impossible(message),
    }
}

/// The lines of an answer.
pub fn lines(answer: Response<Body>) -> Lines {
    BufReader::new(answer.into_body().into_reader()).lines()
}

/// The whole of an answer.
pub fn text(answer: Response<Body>) -> Result<String, Failure> {
    let mut text = String::new();
    let read = answer.into_body().into_reader().read_to_string(&mut text);
    read.map_err(|error| Failure::Impossible(format!("the answer ended too early: {error}")))?;
    Ok(text)
}

/// Words of a filter as parameters.
pub fn parameters(words: &Words, order: Option<Order>, limit: Option<u64>) -> String {
    let mut all = Vec::new();
    let mut add = |name: &str, value: &dyn Display| {
        all.push(format!("{name}={}", encoded(&value.to_string())));
    };
    match words.log {
        Some(Log::Audit) => add("log", &"audit"),
        Some(Log::Process) => add("log", &"process"),
        Some(Log::Customer) => add("log", &"customer"),
        // Whatever the key reads: few may read all.
        Some(Log::All) | None => {}
    }
    let lists = [
        ("tenant", &words.tenant),
        ("organization", &words.organization),
        ("service", &words.service),
        ("activity", &words.activity),
        ("actor_id", &words.actor_id),
        ("object_id", &words.object_id),
        ("item", &words.item),
        ("request_id", &words.request_id),
        ("configuration_id", &words.configuration_id),
        ("process", &words.process),
        ("search", &words.search),
    ];
    for (name, values) in lists {
        values.iter().for_each(|value| add(name, value));
    }
    words.severity.iter().for_each(|severity| add("severity", &severity.name()));
    words.success.iter().for_each(|success| add("success", success));
    if let Some(least) = words.min_severity {
        add("min_severity", &least.name());
    }
    if let Some(last) = words.last {
        add("last", &format_args!("{}s", last / 1_000_000_000));
    }
    for (name, time) in [("from", words.from), ("to", words.to)] {
        if let Some(time) = time {
            add(name, &time);
        }
    }
    if words.by == Some(TimeField::GeneratedAt) {
        add("by", &"generated_at");
    }
    if let Some(order) = order {
        add("order", &if order == Order::Ascending { "asc" } else { "desc" });
    }
    if let Some(limit) = limit {
        add("limit", &limit);
    }
    all.join("&")
}

fn encoded(text: &str) -> String {
    sealog_server::http::parameters::encode(text)
}

#[derive(Deserialize)]
struct Head {
    seq: u64,
    tenant_seq: u64,
    logged_at: String,
    logged_by: String,
}

/// What a line of entries is.
pub enum Line<'l> {
    /// An entry.
    Entry(Box<Entry<'l>>, u64, u64, Timestamp, String),
    /// Something that the server could not read.
    Problem(String),
}

/// Reads a line of entries.
pub fn read_line(line: &str) -> Result<Line<'_>, Failure> {
    let wrong = |error: &dyn Display| Failure::Impossible(format!("the answer is not of entries: {error}"));
    if line.starts_with("{\"problem\"") {
        let value: Value = serde_json::from_str(line).map_err(|error| wrong(&error))?;
        return Ok(Line::Problem(value["problem"].to_string()));
    }
    let head: Head = serde_json::from_str(line).map_err(|error| wrong(&error))?;
    let logged_at = Timestamp::parse(&head.logged_at).map_err(|error| wrong(&error))?;
    let mut entry = parse_entry(line.as_bytes(), Accept::Export).map_err(|error| wrong(&error))?;
    // Reading an export notes its time; here it is the entry's own.
    let noted = entry.attributes.iter().rposition(|(key, value)| {
        key == "imported.logged_at" && Timestamp::parse(value).is_ok_and(|time| time == logged_at)
    });
    if let Some(noted) = noted {
        entry.attributes.remove(noted);
    }
    Ok(Line::Entry(Box::new(entry), head.seq, head.tenant_seq, logged_at, head.logged_by))
}

/// Gives each entry of an answer; says what the server could not read.
pub fn each_entry(
    lines: Lines,
    mut each: impl FnMut(&Committed<'_>) -> io::Result<()>,
) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    for line in lines {
        let line =
            line.map_err(|error| Failure::Impossible(format!("the answer ended too early: {error}")))?;
        match read_line(&line)? {
            Line::Problem(problem) => problems.push(problem),
            Line::Entry(entry, seq, tenant_seq, logged_at, logged_by) => {
                let committed =
                    Committed { seq, tenant_seq, logged_at, logged_by: &logged_by, entry: *entry };
                each(&committed).map_err(|error| Failure::output(&error))?;
            }
        }
    }
    Ok(problems)
}
