//! `PUT /api/v1/names`, `POST /api/v1/resolve`: readable names of IDs.

use crate::access::scope;
use crate::http::body::Coding;
use crate::http::{Answer, Call, Parameters, Problem};
use crate::names::Name;
use crate::question::principal;
use crate::server::Server;
use hyper::StatusCode;
use hyper::header::CONTENT_ENCODING;
use sealog_engine::error::Error;
use sealog_engine::model::check_tenant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

const NAMES_MAX: usize = 10_000;
const NAME_BYTES_MAX: usize = 1_024;

pub(super) async fn put(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    Parameters::parse(&call.query)?.end()?;
    let principal = principal(&call)?;
    let coding = Coding::parse(call.header(CONTENT_ENCODING))?;
    let mut body = super::append::gather(&server, &mut call).await?;
    let own = Arc::clone(&server);
    let work = move || {
        body.unpacked(coding, own.config.limits.body_bytes)?;
        let mut names: Vec<Name> = serde_json::from_slice(&body.bytes).map_err(|error| {
            Problem::unread("body", format!("expected an array of {{tenant, kind, id, name}}: {error}"))
        })?;
        if names.len() > NAMES_MAX {
            return Err(Problem::refused("body", format!("expected at most {NAMES_MAX} names, found more")));
        }
        for (number, name) in names.iter_mut().enumerate() {
            if let (true, Some(tenant)) = (name.tenant.is_empty(), principal.only_tenant()) {
                tenant.clone_into(&mut name.tenant);
            }
            let of_entry = |problem: Problem| problem.of_entry(number);
            check_tenant(&name.tenant).map_err(|error| of_entry(Problem::of_field(&error)))?;
            let own = &principal.key().tenants;
            if !own.is_empty() && !own.contains(&name.tenant) {
                let detail = "tenant: this key may not name things of this tenant";
                return Err(of_entry(Problem::forbidden(detail).at("tenant")));
            }
            for (field, text, least) in
                [("id", &name.id, 1), ("kind", &name.kind, 0), ("name", &name.name, 1)]
            {
                if !(least..=NAME_BYTES_MAX).contains(&text.len()) {
                    let detail =
                        format!("{field}: expected {least} to {NAME_BYTES_MAX} bytes, found {}", text.len());
                    return Err(of_entry(Problem::refused(field, detail)));
                }
            }
        }
        let kept = own.names.put(names).map_err(|error| Problem::from(Error::io("write", "names", error)))?;
        if kept {
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        } else {
            Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, "there is no room for more names"))
        }
    };
    server.work.append(work).await?
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    ids: Vec<String>,
    #[serde(default)]
    tenant: Option<String>,
}

#[derive(Serialize)]
struct Resolved {
    names: BTreeMap<String, String>,
}

pub(super) async fn resolve(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    Parameters::parse(&call.query)?.end()?;
    let principal = principal(&call)?;
    let coding = Coding::parse(call.header(CONTENT_ENCODING))?;
    let mut body = super::append::gather(&server, &mut call).await?;
    body.unpacked(coding, 4 << 20)?;
    let asked: Asked = serde_json::from_slice(&body.bytes)
        .map_err(|error| Problem::unread("body", format!("expected {{ids}}: {error}")))?;
    if asked.ids.len() > NAMES_MAX {
        return Err(Problem::refused("ids", format!("ids: expected at most {NAMES_MAX}, found more")));
    }
    // Names are within what the asker sees; asking for a tenant only narrows it.
    let scope = scope::processes(&principal);
    let seen = match (scope.tenant_list().map(<[String]>::to_vec), asked.tenant) {
        (seen, None) => seen,
        (None, Some(tenant)) => Some(vec![tenant]),
        (Some(seen), Some(tenant)) => Some(seen.into_iter().filter(|own| *own == tenant).collect()),
    };
    let names = asked.ids.into_iter().filter_map(|id| {
        let name = server.names.resolve(&id, seen.as_deref())?;
        Some((id, name))
    });
    Ok(Answer::json(&Resolved { names: names.collect() }))
}
