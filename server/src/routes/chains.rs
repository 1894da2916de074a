//! `GET /api/v1/chains`: where each chain stands.

use crate::access::Role;
use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::principal;
use crate::server::Server;
use sealog_engine::hex;
use sealog_engine::model::Timestamp;
use sealog_engine::view::Chain;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Chains {
    chains: Vec<Row>,
}

/// One chain. Whoever sees heads only is told no more than those.
#[derive(Serialize)]
struct Row {
    service: String,
    size: u64,
    head: Option<String>,
    #[serde(flatten)]
    more: Option<More>,
}

#[derive(Serialize)]
struct More {
    entries: u64,
    first: Option<Place>,
    last: Option<Place>,
    takes_entries: bool,
    last_verification: Option<Verification>,
    /// None until stores sign.
    last_checkpoint: Option<()>,
}

#[derive(Serialize)]
struct Place {
    seq: u64,
    logged_at: Timestamp,
}

#[derive(Serialize)]
struct Verification {
    at: Timestamp,
    valid: bool,
}

pub(super) async fn list(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    Parameters::parse(&call.query)?.end()?;
    let principal = principal(&call)?;
    let own = Arc::clone(&server);
    let is_auditor = principal.is(Role::Auditor);
    let work = move || {
        let chains = own.store.view().chains();
        let chains = chains.iter().map(|chain| row(&own, chain, is_auditor)).collect();
        Answer::json(&Chains { chains })
    };
    server.work.read(principal.id(), work).await
}

pub(super) async fn one(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    Parameters::parse(&call.query)?.end()?;
    let principal = principal(&call)?;
    let own = Arc::clone(&server);
    let is_auditor = principal.is(Role::Auditor);
    let service = call.part(0).to_owned();
    let work = move || {
        let chains = own.store.view().chains();
        let chain = chains.iter().find(|chain| chain.service() == service).ok_or_else(Problem::not_found)?;
        Ok(Answer::json(&row(&own, chain, is_auditor)))
    };
    server.work.read(principal.id(), work).await?
}

fn row(server: &Server, chain: &Chain, is_whole: bool) -> Row {
    let view = server.store.view();
    let service = chain.service();
    let head = view.head(service);
    let size = head.map_or_else(|| chain.size(), |(last, _)| last + 1);
    let more = is_whole.then(|| {
        let entries = chain.entry_count();
        let span = chain.span();
        let verified = server.verified.lock().clone();
        let last_verification = verified.and_then(|verified| {
            let of_chain = verified.chains.iter().find(|(own, _)| own == service);
            of_chain.map(|(_, valid)| Verification { at: verified.at, valid: *valid })
        });
        More {
            entries,
            first: span.map(|(first, _)| Place { seq: size.saturating_sub(entries), logged_at: first }),
            last: span.map(|(_, last)| Place { seq: size.saturating_sub(1), logged_at: last }),
            takes_entries: !view.read_only().any(|own| own == service),
            last_verification,
            last_checkpoint: None,
        }
    });
    Row { service: service.to_owned(), size, head: head.map(|(_, leaf)| hex::encode(&leaf)), more }
}
