//! `GET /openapi.json` (OpenAPI 3.1), and `/docs`: the same for people. Made from one list, which a test holds against the
//! routes.

use crate::access::policy::{self, Rule};
use crate::http::{Answer, Call, Problem};
use crate::server::Server;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// Method, path, what it does, parameters of its query (`FILTERS` for all words of a filter), body, statuses beside 401
/// and 403.
type Operation =
    (&'static str, &'static str, &'static str, &'static [&'static str], Option<Body>, &'static [u16]);

/// What a request's body is.
#[derive(Clone, Copy)]
enum Body {
    Entries,
    Of(&'static str),
}

const PAGE: &[&str] = &["FILTERS", "order", "limit", "cursor"];
const LIST: &[&str] = &[
    "tenant",
    "organization",
    "activity",
    "request_id",
    "configuration_id",
    "severity",
    "min_severity",
    "status",
    "last",
    "from",
    "to",
    "finished_from",
    "finished_to",
    "limit",
    "cursor",
];
const READS: &[u16] = &[200, 400, 422, 429, 503];

const OPERATIONS: &[Operation] = &[
    (
        "POST",
        "/api/v1/entries",
        "Append entries: one object, an array, or NDJSON; all or nothing, durable when answered",
        &["tenant", "service"],
        Some(Body::Entries),
        &[200, 400, 408, 409, 413, 415, 422, 429, 503, 507],
    ),
    ("GET", "/api/v1/entries", "Entries that match, by pages or as a stream", PAGE, None, READS),
    (
        "GET",
        "/api/v1/entries/{service}/{seq}",
        "One entry",
        &["log"],
        None,
        &[200, 304, 400, 404, 429, 500, 503],
    ),
    (
        "GET",
        "/api/v1/entries/{service}/{seq}/artifact",
        "The file that an entry names",
        &["log"],
        None,
        &[200, 400, 404, 429, 500, 503],
    ),
    (
        "PUT",
        "/api/v1/artifacts",
        "Keep a file that entries will name",
        &["tenant"],
        Some(Body::Of("the file's bytes, at most 64 MiB")),
        &[200, 400, 408, 413, 422, 429, 503, 507],
    ),
    (
        "GET",
        "/api/v1/export",
        "Entries that match, as a file",
        &["FILTERS", "format", "order", "limit"],
        None,
        READS,
    ),
    (
        "GET",
        "/api/v1/histogram",
        "Numbers of entries by time and severity",
        &["FILTERS", "bucket", "tz"],
        None,
        READS,
    ),
    ("GET", "/api/v1/facets", "The commonest values of a field", &["FILTERS", "field", "limit"], None, READS),
    (
        "GET",
        "/api/v1/tail",
        "Entries as they arrive, as server-sent events",
        &["FILTERS", "cursor"],
        None,
        READS,
    ),
    ("GET", "/api/v1/chains", "Where each chain stands", &[], None, &[200, 400, 429, 503]),
    ("GET", "/api/v1/chains/{service}", "Where one chain stands", &[], None, &[200, 400, 404, 429, 503]),
    (
        "POST",
        "/api/v1/verify",
        "Recompute the store from its bytes",
        &[],
        Some(Body::Of("{\"last\": \"7d\"} or {\"from\", \"to\"}, {\"services\": []}")),
        &[200, 400, 408, 413, 415, 422, 429, 500, 503],
    ),
    ("GET", "/api/v1/processes", "Processes, newest first", LIST, None, READS),
    ("GET", "/api/v1/processes/{id}", "One process", &["tenant"], None, &[200, 400, 404, 422, 429, 503]),
    (
        "GET",
        "/api/v1/processes/{id}/messages",
        "Its entries, and those of its sub-processes",
        PAGE,
        None,
        &[200, 400, 404, 422, 429, 503],
    ),
    (
        "POST",
        "/api/v1/processes/{id}/cancel",
        "Ask it to stop",
        &["tenant"],
        None,
        &[200, 400, 404, 409, 422, 429, 503, 507],
    ),
    (
        "GET",
        "/api/v1/processes/{id}/cancel",
        "Wait until somebody asks it to stop",
        &["tenant", "wait"],
        None,
        &[200, 400, 404, 422, 429, 503],
    ),
    (
        "PUT",
        "/api/v1/names",
        "Tell readable names of IDs",
        &[],
        Some(Body::Of("[{\"tenant\", \"kind\", \"id\", \"name\"}]")),
        &[204, 400, 408, 413, 415, 422, 429, 503, 507],
    ),
    (
        "POST",
        "/api/v1/resolve",
        "Readable names of IDs",
        &[],
        Some(Body::Of("{\"ids\": [], \"tenant\"}")),
        &[200, 400, 408, 413, 415, 422, 429, 503],
    ),
    ("GET", "/api/v1/keys", "Keys, without what makes them keys", &[], None, &[200, 400, 429, 503]),
    (
        "POST",
        "/api/v1/keys",
        "Make a key; its text is answered once",
        &[],
        Some(Body::Of(
            "{\"roles\": [], \"services\", \"tenants\", \"organizations\", \"peers\", \"grants\", \"expires\"}",
        )),
        &[200, 400, 408, 413, 422, 429, 503, 507],
    ),
    ("DELETE", "/api/v1/keys/{id}", "Revoke a key", &[], None, &[200, 400, 404, 429, 503]),
    ("GET", "/api/v1/me", "Who the holder of this key is", &[], None, &[200, 429]),
    (
        "POST",
        "/signin/link",
        "A link that signs the holder of this key in, once",
        &[],
        None,
        &[200, 400, 429, 503],
    ),
    ("GET", "/healthz", "Whether the server runs", &[], None, &[200]),
    ("GET", "/readyz", "Whether it takes entries", &[], None, &[200, 503]),
    ("GET", "/metrics", "Metrics in the text format of Prometheus", &[], None, &[200]),
];

/// What a parameter takes.
fn schema(name: &str) -> Value {
    let texts = |values: &[&str]| json!({"type": "string", "enum": values});
    match name {
        "log" => texts(&["audit", "process", "customer", "all"]),
        "order" => texts(&["desc", "asc"]),
        "by" => texts(&["logged_at", "generated_at"]),
        "format" => texts(&["ndjson", "csv", "json"]),
        "success" => json!({"type": "array", "items": {"type": "boolean"}}),
        "limit" => json!({"type": "integer", "minimum": 1, "maximum": 10_000}),
        "wait" => json!({"type": "integer", "minimum": 0, "maximum": 60}),
        "tenant" | "organization" | "service" | "activity" | "actor_id" | "object_id" | "item"
        | "request_id" | "configuration_id" | "process" | "search" | "severity" | "status" => {
            json!({"type": "array", "items": {"type": "string", "minLength": 1}})
        }
        _ => json!({"type": "string", "minLength": 1}),
    }
}

fn parameters(path: &str, query: &[&str]) -> Value {
    let names = query.iter().flat_map(|name| match *name {
        "FILTERS" => sealog_engine::scan::words::NAMES.to_vec(),
        other => vec![other],
    });
    let query = names.map(
        |name| json!({"name": name, "in": "query", "required": name == "field", "schema": schema(name)}),
    );
    let parts = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parts =
        parts.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    parts.chain(query).collect()
}

fn body(body: Body) -> Value {
    match body {
        Body::Of(form) => {
            json!({"required": false, "content": {"application/json": {"schema": {"description": form}}}})
        }
        Body::Entries => {
            let entry = json!({"$ref": "#/components/schemas/Entry"});
            let entries = json!({"oneOf": [entry, {"type": "array", "items": entry}]});
            let lines = json!({"schema": {"type": "string", "description": "an entry a line"}});
            json!({"required": true, "content": {"application/json": {"schema": entries}, "application/x-ndjson": lines}})
        }
    }
}

fn responses(rule: Option<Rule>, statuses: &[u16]) -> Value {
    let closed: &[u16] = match rule {
        Some(Rule::Open) => &[],
        Some(Rule::Known) => &[401],
        _ => &[401, 403],
    };
    let mut all = Map::new();
    for status in statuses.iter().chain(closed) {
        let reason = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let mut response = json!({"description": reason.unwrap_or_default()});
        if *status >= 400 {
            response["content"] =
                json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
        }
        all.insert(status.to_string(), response);
    }
    all.into()
}

/// The whole description.
fn description() -> Value {
    let mut paths = Map::new();
    for (method, path, summary, query, sent, statuses) in OPERATIONS {
        let rule = policy::rule_of(method, path);
        let mut operation = json!({
            "summary": summary,
            "operationId": format!("{} {path}", method.to_lowercase()),
            "parameters": parameters(path, query),
            "responses": responses(rule, statuses),
        });
        if let Some(sent) = sent {
            operation["requestBody"] = body(*sent);
        }
        if let Some(Rule::Any(roles)) = rule {
            operation["x-roles"] = roles.iter().map(|role| Value::from(role.name())).collect();
        }
        if rule == Some(Rule::Open) {
            operation["security"] = json!([]);
        }
        let entry = paths.entry(*path).or_insert_with(|| json!({}));
        entry[method.to_lowercase()] = operation;
    }
    let text = |max: usize| json!({"type": "string", "maxLength": max});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Sealog", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "MIT OR Apache-2.0"}},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "slg_<id>_<secret>"}},
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                        "detail": {"type": "string"}, "field": {"type": "string"}, "entry": {"type": "integer"},
                    },
                },
                "Entry": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["activity"],
                    "properties": {
                        "tenant": text(128), "organization": text(128), "service": text(128), "id": text(128),
                        "generated_at": {"type": "string", "format": "date-time"}, "severity": {"type": "string"},
                        "activity": {"type": "string", "minLength": 1, "maxLength": 256},
                        "actor": {"type": "object"}, "on_behalf_of": {"type": "string"}, "object": {"type": "object"},
                        "request_id": text(128), "configuration_id": text(128), "success": {"type": "boolean"},
                        "message": text(65_536),
                        "started": {"type": "string", "format": "date-time"},
                        "finished": {"type": "string", "format": "date-time"},
                        "process": {"type": "object"}, "artifact": {"type": "object"},
                        "attributes": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 64},
                    },
                },
            },
        },
    })
}

pub(super) async fn json(_: Arc<Server>, _: Call) -> Result<Answer, Problem> {
    Ok(Answer::json(&description()).with(CACHE_CONTROL, "no-cache"))
}

/// The same as a page: plain HTML, without a script.
pub(super) async fn docs(_: Arc<Server>, _: Call) -> Result<Answer, Problem> {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Sealog API</title><h1>Sealog API</h1><p>Keys travel as <code>Authorization: Bearer slg_…</code>. \
         As a program reads it: <a href=\"/openapi.json\">/openapi.json</a>.</p>",
    );
    for (method, path, summary, query, sent, statuses) in OPERATIONS {
        let roles = match policy::rule_of(method, path) {
            Some(Rule::Any(roles)) => roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", "),
            Some(Rule::Known) => "any key".to_owned(),
            Some(Rule::Operator) => "admin; open on this machine".to_owned(),
            Some(Rule::Open) | None => "open".to_owned(),
        };
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        // Writing to a text does not fail; what is written stands above and holds no markup.
        let _ = write!(page, "<h2><code>{method} {path}</code></h2><p>{summary}.</p><dl><dt>For<dd>{roles}");
        if !query.is_empty() {
            let _ = write!(page, "<dt>Parameters<dd><code>{}</code>", query.join(" "));
        }
        match sent {
            Some(Body::Of(form)) => {
                let _ = write!(page, "<dt>Body<dd><code>{form}</code>");
            }
            Some(Body::Entries) => {
                page.push_str("<dt>Body<dd>an entry, an array of entries, or an entry a line")
            }
            None => {}
        }
        let _ = write!(page, "<dt>Answers<dd>{}</dl>", statuses.join(" "));
    }
    let filters = sealog_engine::scan::words::NAMES.join(" ");
    let _ = write!(page, "<h2>FILTERS</h2><p><code>{filters}</code></p></html>");
    Ok(Answer::bytes(StatusCode::OK, "text/html; charset=utf-8", page)
        .with(CONTENT_SECURITY_POLICY, super::pages::POLICY)
        .with(CACHE_CONTROL, "no-cache"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_api_is_described_and_nothing_else() {
        for route in super::super::ROUTES.iter().filter(|route| route.path.starts_with("/api/")) {
            let is_it = |own: &&Operation| own.0 == route.method && own.1 == route.path;
            assert!(OPERATIONS.iter().any(|own| is_it(&own)), "{} is not described", route.name);
        }
        for (method, path, ..) in OPERATIONS {
            assert!(policy::rule_of(method, path).is_some(), "{method} {path} is no route");
        }
        let description = description();
        let limit = description["paths"]["/api/v1/entries"]["get"]["parameters"].as_array().unwrap();
        assert!(limit.iter().any(|own| own["name"] == "min_severity"));
    }
}
