//! A server: a store, who may use it, and what is under way. Every request comes through here.

use crate::access::policy::{self, Denied};
use crate::access::{Keys, Principal, Sessions};
use crate::config::Config;
use crate::http::body::Memory;
use crate::http::request::Peer;
use crate::http::{Body, Call, Problem};
use crate::ingest::credential;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::rates::Rates;
use crate::reads::Refusals;
use crate::routes::{self, Found};
use crate::work::Work;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use hyper::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use sealog_engine::clock::{Clock, System};
use sealog_engine::disk::Disk;
use sealog_engine::model::Timestamp;
use sealog_engine::store::Store;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::watch;

/// What the last verification found.
#[derive(Clone)]
pub(crate) struct Verified {
    pub at: Timestamp,
    pub valid: bool,
    pub chains: Vec<(String, bool)>,
}

/// A server.
pub struct Server {
    pub(crate) store: Arc<Store>,
    pub(crate) disk: Arc<dyn Disk>,
    /// Where pages are read from, if not from the program.
    pub(crate) pages: Option<PathBuf>,
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    pub(crate) sessions: Sessions,
    pub(crate) work: Work,
    pub(crate) memory: Memory,
    pub(crate) metrics: Metrics,
    pub(crate) rates: Rates,
    pub(crate) names: Names,
    /// The newest commit that everybody can see, as it grows.
    pub(crate) arrivals: watch::Receiver<i64>,
    /// It is to stop.
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) is_poisoned: AtomicBool,
    pub(crate) refusals: Refusals,
    pub(crate) verified: Mutex<Option<Verified>>,
}

/// Cookies over TLS have a name that no other host can set.
const COOKIE_TLS: &str = "__Host-sealog";
const COOKIE_PLAIN: &str = "sealog";

/// The name of the cookie of a session.
pub(crate) fn cookie_name(is_tls: bool) -> &'static str {
    if is_tls { COOKIE_TLS } else { COOKIE_PLAIN }
}

/// The wall clock.
pub(crate) fn wall() -> Timestamp {
    Timestamp::from_nanos(System.wall_ns())
}

impl Server {
    /// What `last` counts back from: the later of the wall clock and the newest entry.
    pub(crate) fn now(&self) -> Timestamp {
        self.store.view().newest().map_or(wall(), |newest| newest.max(wall()))
    }

    /// A link that signs the holder of a key in, once, within ten minutes.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn sign_in_link(&self, origin: &str, key: &str) -> std::io::Result<String> {
        Ok(format!("{origin}/signin?code={}", self.sessions.link(key, System.wall_ns())?))
    }

    /// Whether connections are TLS.
    pub fn has_tls(&self) -> bool {
        self.config.has_tls()
    }

    /// Takes in readable names of IDs: tenant, kind, ID, name. False if there is no room for them.
    ///
    /// # Errors
    /// The disk's.
    pub fn put_names(
        &self,
        names: impl IntoIterator<Item = (String, String, String, String)>,
    ) -> std::io::Result<bool> {
        let name = |(tenant, kind, id, name)| crate::names::Name { tenant, kind, id, name };
        self.names.put(names.into_iter().map(name).collect())
    }

    /// The store that it serves.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Keys, for who makes them.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Notes what an append met.
    pub(crate) fn note_failure(&self, error: &sealog_engine::error::Error) {
        if matches!(error, sealog_engine::error::Error::Poisoned { .. }) {
            self.is_poisoned.store(true, Ordering::Relaxed);
        }
    }

    /// Whether people reach this server by TLS.
    pub(crate) fn is_secure(&self, peer: Peer) -> bool {
        peer.is_tls || self.config.origin.starts_with("https://")
    }

    /// Who sent a request with these headers.
    fn principal(&self, headers: &HeaderMap, peer: Peer) -> Option<Principal> {
        if let Some(header) = headers.get(AUTHORIZATION) {
            // A wrong key is not mended by a cookie.
            let text = header.to_str().ok()?;
            let key = credential::key(text)?;
            return self.keys.authenticate(key.trim()).map(|key| Principal::of(key, false));
        }
        let token = session_of(headers, cookie_name(self.is_secure(peer)))?;
        let key = self.keys.get(&self.sessions.key_of(token, System.wall_ns())?)?;
        Some(Principal::of(key, true))
    }

    /// Whether a request that changes something comes from our own pages.
    pub(crate) fn is_own_origin(&self, headers: &HeaderMap, peer: Peer) -> bool {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = text(ORIGIN) else {
            // Browsers say at least this much of a request that another site made.
            return text(HeaderName::from_static("sec-fetch-site")) == Some("same-origin");
        };
        let scheme = if self.is_secure(peer) { "https" } else { "http" };
        let own = text(HOST).map(|host| format!("{scheme}://{host}"));
        own.as_deref() == Some(origin) || (!self.config.origin.is_empty() && self.config.origin == origin)
    }

    /// Answers a request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let request_id = request_id(&head.headers);
        let is_head = head.method == Method::HEAD;
        let method = if is_head { Method::GET } else { head.method.clone() };
        let (route, answered) = match routes::find(&method, head.uri.path()) {
            Found::Nothing => ("other", Err(Problem::not_found())),
            Found::OtherMethod => {
                let detail = "this path does not take this method";
                ("other", Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)))
            }
            Found::Route(route, parts) => {
                let call = Call {
                    method: method.clone(),
                    parts,
                    path: head.uri.path().to_owned(),
                    query: head.uri.query().unwrap_or_default().to_owned(),
                    principal: self.principal(&head.headers, peer),
                    headers: head.headers,
                    peer,
                    request_id: request_id.clone(),
                    body: Some(body),
                };
                (route.name, self.allowed(route, &method, &call).map(|()| (route, call)))
            }
        };
        let answered = match answered {
            Ok((route, call)) => (route.handler)(Arc::clone(&self), call).await,
            Err(problem) => Err(problem),
        };
        let mut answer = answered.unwrap_or_else(|problem| problem.answer());
        let took = began.elapsed();
        self.metrics.answered(route, answer.status().as_u16(), took);
        let headers = answer.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers
            .insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
        headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        let timing = format!("total;dur={:.3}", took.as_secs_f64() * 1000.0);
        if let Ok(timing) = HeaderValue::from_str(&timing) {
            headers.append(HeaderName::from_static("server-timing"), timing);
        }
        answer.into_response()
    }

    fn allowed(&self, route: &routes::Route, method: &Method, call: &Call) -> Result<(), Problem> {
        let Some(rule) = policy::rule_of(route.method, route.path) else {
            return Err(Problem::forbidden("nobody may use this route"));
        };
        let is_local = call.peer.address.ip().is_loopback();
        policy::authorize(rule, call.principal.as_ref(), is_local).map_err(|denied| match denied {
            Denied::Unknown => {
                self.note_refusal(call);
                Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "expected a live key as `Authorization: Bearer slg_…`, or a session; found neither",
                )
            }
            Denied::Forbidden => Problem::forbidden("the roles of this key do not allow this"),
        })?;
        let is_unsafe = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let is_person = call.principal.as_ref().is_some_and(|principal| principal.is_person);
        if is_unsafe && is_person && !self.is_own_origin(&call.headers, call.peer) {
            return Err(Problem::forbidden("expected a request of this server's own pages").at("Origin"));
        }
        match &call.principal {
            Some(principal) => self.rates.request(principal.id()),
            None => Ok(()),
        }
    }
}

/// What the cookie of a session holds.
pub(crate) fn session_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// The trace of a request (W3C Trace Context), or a number of its own.
fn request_id(headers: &HeaderMap) -> String {
    let trace = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(|text| {
        let mut parts = text.split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let is_hex = trace.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_trace =
            version.len() == 2 && trace.len() == 32 && is_hex && trace.bytes().any(|byte| byte != b'0');
        is_trace.then(|| trace.to_owned())
    });
    trace.unwrap_or_else(|| {
        let mut drawn = [0; 16];
        // Without random bytes all requests have the same number, and nothing else goes wrong.
        let _ = getrandom::fill(&mut drawn);
        sealog_engine::hex::encode(&drawn)
    })
}
