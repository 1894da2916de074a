//! A server on a store of a test's own, asked over a real socket on the loopback interface.

use sealog_engine::store::{Options, Store};
use sealog_server::access::{KeyPlan, Role};
use sealog_server::{Config, Started, start};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;
use tempfile::TempDir;
use ureq::{Agent, http};

/// A server, and a client of it.
pub struct Served {
    started: Option<Started>,
    directory: TempDir,
    agent: Agent,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: http::HeaderMap,
    /// Its body, unpacked.
    pub body: Vec<u8>,
}

impl Default for Served {
    fn default() -> Served {
        Served::new()
    }
}

impl Served {
    /// A server as usual.
    pub fn new() -> Served {
        Served::with(|_| {})
    }

    /// A server that is configured.
    pub fn with(configure: impl FnOnce(&mut Config)) -> Served {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), Options::default()).unwrap();
        let mut config = Config::default();
        config.listen.set_port(0);
        configure(&mut config);
        let started = start(store, directory.path(), config, None).unwrap();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Served { started: Some(started), directory, agent: agent.into() }
    }

    fn started(&self) -> &Started {
        self.started.as_ref().unwrap()
    }

    /// The server.
    pub fn server(&self) -> &sealog_server::Server {
        &self.started().server
    }

    /// The store's directory.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// `127.0.0.1:…`
    pub fn host(&self) -> String {
        self.started().address.to_string()
    }

    /// A key of a plan.
    pub fn key_of(&self, plan: &KeyPlan) -> String {
        let keys = self.server().keys();
        let (_, text) = keys.file().make(plan).unwrap();
        keys.reload().unwrap();
        text
    }

    /// A key of a role; of these tenants, if any.
    pub fn key(&self, role: Role, tenants: &[&str]) -> String {
        let tenants = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
        self.key_of(&KeyPlan { roles: vec![role], tenants, ..KeyPlan::default() })
    }

    /// Asks.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request =
            http::Request::builder().method(method).uri(format!("http://{}{path}", self.host()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = if body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE") {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.body(body).unwrap())
        };
        let mut answer = answered.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let headers = answer.headers().clone();
        let mut body = Vec::new();
        answer.body_mut().as_reader().read_to_end(&mut body).unwrap();
        Reply { status: answer.status().as_u16(), headers, body }
    }

    /// Asks with a key.
    pub fn get(&self, key: &str, path: &str) -> Reply {
        self.ask("GET", path, &[("authorization", &bearer(key))], b"")
    }

    /// Sends JSON with a key.
    pub fn send(&self, method: &str, key: &str, path: &str, body: &Value) -> Reply {
        let headers = [("authorization", &*bearer(key)), ("content-type", "application/json")];
        self.ask(method, path, &headers, body.to_string().as_bytes())
    }

    /// Appends entries.
    pub fn append(&self, key: &str, entries: &Value) -> Reply {
        self.send("POST", key, "/api/v1/entries", entries)
    }

    /// Asks for events.
    pub fn follow(&self, key: &str, path: &str, headers: &[(&str, &str)]) -> Events {
        let mut request = self.agent.get(format!("http://{}{path}", self.host()));
        request = request.header("authorization", bearer(key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.call().unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        Events { lines: BufReader::new(answer.into_body().into_reader()) }
    }

    /// Stops the server; gives the store's directory.
    pub fn stop(mut self) -> TempDir {
        self.started.take().unwrap().stop().unwrap();
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(started) = self.started.take() {
            let _ = started.stop();
        }
    }
}

/// The header's value.
pub fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

impl Reply {
    /// Goes on if this is its status.
    #[track_caller]
    pub fn is(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Goes on if it is a problem document of this status, about this field.
    #[track_caller]
    pub fn refuses(self, status: u16, field: &str) -> Reply {
        let reply = self.is(status);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let problem = reply.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{problem}");
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
        reply
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Its body.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Its body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Its body as a JSON value a line.
    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// One text of each of its entries.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let json = self.json();
        let entries = json["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry[name].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Server-sent events as they come.
pub struct Events {
    lines: BufReader<ureq::BodyReader<'static>>,
}

/// One of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its kind; empty for a message.
    pub kind: String,
    /// Where to go on behind it.
    pub id: String,
    /// What it says.
    pub data: String,
}

impl Event {
    /// What it says as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

impl Iterator for Events {
    type Item = Event;

    /// The next event; none when the stream ends.
    fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", kind)) => kind.clone_into(&mut event.kind),
                Some(("id", id)) => id.clone_into(&mut event.id),
                Some(("data", data)) => event.data.push_str(data),
                None if line.trim_end().is_empty() && event != Event::default() => return Some(event),
                _ => {}
            }
        }
    }
}
