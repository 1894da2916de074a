//! Keys, who somebody is, and what operators look at.

use crate::access::key::WireTime;
use crate::access::{Grant, Key, KeyError, KeyPlan, Role, scope};
use crate::http::{Answer, Call, Parameters, Problem};
use crate::metrics::Now;
use crate::question::principal;
use crate::server::{Server, wall};
use hyper::StatusCode;
use sealog_engine::scan::Log;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[derive(Serialize)]
struct Me<'k> {
    id: &'k str,
    roles: &'k [Role],
    services: &'k [String],
    tenants: &'k [String],
    organizations: &'k [String],
    peers: &'k [String],
    grants: &'k [Grant],
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<WireTime>,
    /// Logs that are read, the default first.
    logs: Vec<&'static str>,
    store: String,
    version: &'static str,
}

pub(super) async fn me(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let key = principal.key();
    let logs = scope::logs(&principal).into_iter().map(|log| match log {
        Log::Audit => "audit",
        Log::Customer => "customer",
        Log::Process => "process",
        Log::All => "all",
    });
    Ok(Answer::json(&Me {
        id: &key.id,
        roles: &key.roles,
        services: &key.services,
        tenants: &key.tenants,
        organizations: &key.organizations,
        peers: &key.peers,
        grants: &key.grants,
        expires: key.expires,
        logs: logs.collect(),
        store: server.store.identity().name.to_string(),
        version: env!("CARGO_PKG_VERSION"),
    }))
}

/// A key without its hash.
#[derive(Serialize)]
struct Shown {
    id: String,
    roles: Vec<Role>,
    services: Vec<String>,
    tenants: Vec<String>,
    organizations: Vec<String>,
    peers: Vec<String>,
    grants: Vec<Grant>,
    created: WireTime,
    expires: Option<WireTime>,
    revoked: Option<WireTime>,
    live: bool,
    /// Its text, once: when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl Shown {
    fn of(key: Key, text: Option<String>) -> Shown {
        let live = key.is_live(wall());
        Shown {
            id: key.id,
            roles: key.roles,
            services: key.services,
            tenants: key.tenants,
            organizations: key.organizations,
            peers: key.peers,
            grants: key.grants,
            created: key.created,
            expires: key.expires,
            revoked: key.revoked,
            live,
            key: text,
        }
    }
}

#[derive(Serialize)]
struct Keys {
    keys: Vec<Shown>,
}

fn refused(error: KeyError) -> Problem {
    match error {
        KeyError::Plan(error) => Problem::of_field(&error),
        KeyError::Unknown(_) => Problem::not_found(),
        KeyError::Full => Problem::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()),
        KeyError::Locked(_) | KeyError::Io(..) | KeyError::Damaged(..) => {
            Problem::overload(error.to_string())
        }
    }
}

pub(super) async fn list_keys(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    Parameters::parse(&call.query)?.end()?;
    let principal = principal(&call)?;
    let own = Arc::clone(&server);
    let work = move || {
        let keys = own.keys.file().list().map_err(refused)?;
        Ok(Answer::json(&Keys { keys: keys.into_iter().map(|key| Shown::of(key, None)).collect() }))
    };
    server.work.read(principal.id(), work).await?
}

pub(super) async fn make_key(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    Parameters::parse(&call.query)?.end()?;
    let mut body = super::append::gather(&server, &mut call).await?;
    body.unpacked(crate::http::body::Coding::Identity, 1 << 20)?;
    let plan: KeyPlan = serde_json::from_slice(&body.bytes)
        .map_err(|error| Problem::unread("body", format!("expected {{roles, tenants, …}}: {error}")))?;
    let own = Arc::clone(&server);
    let work = move || {
        let (key, text) = own.keys.file().make(&plan).map_err(refused)?;
        own.keys.reload().map_err(refused)?;
        Ok(Answer::json(&Shown::of(key, Some(text))))
    };
    server.work.append(work).await?
}

pub(super) async fn revoke_key(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    Parameters::parse(&call.query)?.end()?;
    let (own, id) = (Arc::clone(&server), call.part(0).to_owned());
    let work = move || {
        let key = own.keys.file().revoke(&id).map_err(refused)?;
        own.keys.reload().map_err(refused)?;
        Ok(Answer::json(&Shown::of(key, None)))
    };
    server.work.append(work).await?
}

pub(super) async fn metrics(server: Arc<Server>, _: Call) -> Result<Answer, Problem> {
    let view = server.store.view();
    let damaged: Vec<&str> = view.read_only().collect();
    let chains = view.chains();
    let chains: Vec<(String, u64, bool)> = chains
        .iter()
        .map(|chain| (chain.service().to_owned(), chain.size(), !damaged.contains(&chain.service())))
        .collect();
    let verified = server.verified.lock().clone().map(|verified| {
        let age_ms = wall().nanos().saturating_sub(verified.at.nanos()) / 1_000_000;
        (f64::from(i32::try_from(age_ms).unwrap_or(i32::MAX)) / 1000.0, verified.valid)
    });
    let now = Now {
        appends_waiting: server.work.appends_waiting(),
        is_poisoned: server.is_poisoned.load(Ordering::Relaxed),
        chains: &chains,
        verified,
    };
    let text = server.metrics.text(&now);
    Ok(Answer::bytes(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

pub(super) async fn healthz(_: Arc<Server>, _: Call) -> Result<Answer, Problem> {
    Ok(Answer::json(&Health { status: "ok" }))
}

pub(super) async fn readyz(server: Arc<Server>, _: Call) -> Result<Answer, Problem> {
    if *server.stop.borrow() {
        return Err(Problem::overload("the server stops"));
    }
    if server.is_poisoned.load(Ordering::Relaxed) {
        return Err(Problem::overload("the store takes no entries until it is started again"));
    }
    Ok(Answer::json(&Health { status: "ready" }))
}
