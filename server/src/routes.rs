//! What each path does. Who may is said elsewhere, in one table.

mod append;
mod artifacts;
mod chains;
mod entries;
mod foreign;
mod names;
mod openapi;
mod operations;
mod pages;
mod processes;
mod signin;
mod summary;
mod tail;
mod verify;

use crate::http::{Answer, Call, Problem};
use crate::server::Server;
use hyper::Method;
use std::pin::Pin;
use std::sync::Arc;

type Answered = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;

/// A route.
pub(crate) struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path; `{…}` stands for one part, `{*}` for all that follow.
    pub path: &'static str,
    /// Both.
    pub name: &'static str,
    /// What it does.
    pub handler: fn(Arc<Server>, Call) -> Answered,
}

macro_rules! routes {
    ($($method:literal $path:literal => $handler:path;)*) => {
        /// All routes.
        pub(crate) const ROUTES: &[Route] = &[$(Route {
            method: $method,
            path: $path,
            name: concat!($method, " ", $path),
            handler: |server, call| Box::pin($handler(server, call)),
        }),*];
    };
}

routes! {
    "POST" "/api/v1/entries" => append::append;
    "GET" "/api/v1/entries" => entries::list;
    "GET" "/api/v1/entries/{service}/{seq}" => entries::one;
    "GET" "/api/v1/entries/{service}/{seq}/artifact" => artifacts::get;
    "PUT" "/api/v1/artifacts" => artifacts::put;
    "GET" "/api/v1/export" => entries::export;
    "GET" "/api/v1/histogram" => summary::histogram;
    "GET" "/api/v1/facets" => summary::facets;
    "GET" "/api/v1/tail" => tail::tail;
    "GET" "/api/v1/chains" => chains::list;
    "GET" "/api/v1/chains/{service}" => chains::one;
    "POST" "/api/v1/verify" => verify::verify;
    "GET" "/api/v1/processes" => processes::list;
    "GET" "/api/v1/processes/{id}" => processes::one;
    "GET" "/api/v1/processes/{id}/messages" => processes::messages;
    "POST" "/api/v1/processes/{id}/cancel" => processes::cancel;
    "GET" "/api/v1/processes/{id}/cancel" => processes::is_cancelled;
    "PUT" "/api/v1/names" => names::put;
    "POST" "/api/v1/resolve" => names::resolve;
    "GET" "/api/v1/keys" => operations::list_keys;
    "POST" "/api/v1/keys" => operations::make_key;
    "DELETE" "/api/v1/keys/{id}" => operations::revoke_key;
    "GET" "/api/v1/me" => operations::me;
    "POST" "/v1/logs" => foreign::logs;
    "POST" "/_bulk" => foreign::items;
    "PUT" "/_bulk" => foreign::items;
    "POST" "/{index}/_bulk" => foreign::items;
    "PUT" "/{index}/_bulk" => foreign::items;
    "GET" "/_license" => foreign::handshake;
    "GET" "/_xpack" => foreign::handshake;
    "GET" "/_cluster/health" => foreign::handshake;
    "GET" "/_index_template/{name}" => foreign::handshake;
    "PUT" "/_index_template/{name}" => foreign::handshake;
    "GET" "/_template/{name}" => foreign::handshake;
    "PUT" "/_template/{name}" => foreign::handshake;
    "GET" "/_ilm/policy/{name}" => foreign::handshake;
    "PUT" "/_ilm/policy/{name}" => foreign::handshake;
    "GET" "/metrics" => operations::metrics;
    "GET" "/healthz" => operations::healthz;
    "GET" "/readyz" => operations::readyz;
    "GET" "/openapi.json" => openapi::json;
    "GET" "/docs" => openapi::docs;
    "GET" "/" => pages::home;
    "GET" "/signin" => signin::page;
    "POST" "/signin" => signin::sign_in;
    "POST" "/signin/link" => signin::link;
    "POST" "/signout" => signin::sign_out;
    "GET" "/audit" => pages::shell;
    "GET" "/audit/validation" => pages::shell;
    "GET" "/processes" => pages::shell;
    "GET" "/processes/{id}" => pages::shell;
    "GET" "/log" => pages::shell;
    "GET" "/chains" => pages::shell;
    "GET" "/admin" => pages::shell;
    "GET" "/assets/{*}" => pages::asset;
}

/// What stands behind a method and a path.
pub(crate) enum Found {
    /// This, with the parts of the path that it leaves open.
    Route(&'static Route, Vec<String>),
    /// The path takes other methods.
    OtherMethod,
    /// No route.
    Nothing,
}

/// Finds the route of a request.
pub(crate) fn find(method: &Method, path: &str) -> Found {
    let mut found = Found::Nothing;
    for route in ROUTES {
        let Some(parts) = matched(route.path, path) else { continue };
        if route.method == method.as_str() {
            return Found::Route(route, parts);
        }
        found = Found::OtherMethod;
    }
    found
}

/// The parts of a path that a route leaves open, if it is its path.
fn matched(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut parts, mut own) = (Vec::new(), path.split('/'));
    for expected in pattern.split('/') {
        match expected {
            "{*}" => {
                let rest: Vec<&str> = own.collect();
                parts.push(rest.join("/"));
                return Some(parts);
            }
            open if open.starts_with('{') => {
                // A plus is a plus in a path.
                let part = crate::http::parameters::decode(&own.next()?.replace('+', "%2B"))?;
                if part.is_empty() {
                    return None;
                }
                parts.push(part);
            }
            _ if own.next()? == expected => {}
            _ => return None,
        }
    }
    own.next().is_none().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::policy;

    #[test]
    fn every_route_has_a_row_and_every_row_a_route() {
        for route in ROUTES {
            assert!(policy::rule_of(route.method, route.path).is_some(), "{} has no row", route.name);
        }
        for (method, path, _) in policy::ROWS {
            assert!(
                ROUTES.iter().any(|route| route.method == *method && route.path == *path),
                "{method} {path} is no route"
            );
        }
    }

    #[test]
    fn paths() {
        let parts = |path| match find(&Method::GET, path) {
            Found::Route(route, parts) => Some((route.path, parts)),
            _ => None,
        };
        let entry = Some(("/api/v1/entries/{service}/{seq}", vec!["mail".to_owned(), "7".to_owned()]));
        assert_eq!(parts("/api/v1/entries/mail/7"), entry);
        assert_eq!(parts("/processes/a%2Fb+c"), Some(("/processes/{id}", vec!["a/b+c".to_owned()])));
        assert_eq!(parts("/assets/a/b.js"), Some(("/assets/{*}", vec!["a/b.js".to_owned()])));
        assert_eq!(parts("/api/v1/entries/mail/"), None);
        assert!(matches!(find(&Method::PUT, "/api/v1/entries"), Found::OtherMethod));
        assert!(matches!(find(&Method::GET, "/nothing"), Found::Nothing));
    }
}
