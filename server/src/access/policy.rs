//! One table: who may use which route. A route without a row is refused, and fails a test.

use super::{Principal, Role};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anybody.
    Open,
    /// Whoever has a key or is signed in.
    Known,
    /// Whoever is any of these.
    Any(&'static [Role]),
    /// An admin; on the machine itself, anybody.
    Operator,
}

use Role::{Admin, Auditor, Customer, Producer};
use Rule::{Any, Known, Open, Operator};

const READER: Rule = Any(&[Auditor, Admin, Customer]);

/// Method, path, who may.
pub const ROWS: &[(&str, &str, Rule)] = &[
    ("POST", "/api/v1/entries", Any(&[Producer])),
    ("GET", "/api/v1/entries", READER),
    ("GET", "/api/v1/entries/{service}/{seq}", READER),
    ("GET", "/api/v1/entries/{service}/{seq}/artifact", READER),
    ("PUT", "/api/v1/artifacts", Any(&[Producer])),
    ("GET", "/api/v1/histogram", READER),
    ("GET", "/api/v1/facets", READER),
    ("GET", "/api/v1/tail", READER),
    ("GET", "/api/v1/export", READER),
    ("GET", "/api/v1/chains", Any(&[Auditor, Admin])),
    ("GET", "/api/v1/chains/{service}", Any(&[Auditor, Admin])),
    ("POST", "/api/v1/verify", Any(&[Auditor])),
    ("GET", "/api/v1/processes", Any(&[Admin])),
    ("GET", "/api/v1/processes/{id}", Any(&[Admin])),
    ("GET", "/api/v1/processes/{id}/messages", Any(&[Admin])),
    ("POST", "/api/v1/processes/{id}/cancel", Any(&[Admin])),
    ("GET", "/api/v1/processes/{id}/cancel", Any(&[Producer])),
    ("PUT", "/api/v1/names", Any(&[Producer])),
    ("POST", "/api/v1/resolve", READER),
    ("GET", "/api/v1/keys", Any(&[Admin, Auditor])),
    ("POST", "/api/v1/keys", Any(&[Admin])),
    ("DELETE", "/api/v1/keys/{id}", Any(&[Admin])),
    ("GET", "/api/v1/me", Known),
    ("POST", "/v1/logs", Any(&[Producer])),
    ("POST", "/_bulk", Any(&[Producer])),
    ("PUT", "/_bulk", Any(&[Producer])),
    ("POST", "/{index}/_bulk", Any(&[Producer])),
    ("PUT", "/{index}/_bulk", Any(&[Producer])),
    ("GET", "/_license", Any(&[Producer])),
    ("GET", "/_xpack", Any(&[Producer])),
    ("GET", "/_cluster/health", Any(&[Producer])),
    ("GET", "/_index_template/{name}", Any(&[Producer])),
    ("PUT", "/_index_template/{name}", Any(&[Producer])),
    ("GET", "/_template/{name}", Any(&[Producer])),
    ("PUT", "/_template/{name}", Any(&[Producer])),
    ("GET", "/_ilm/policy/{name}", Any(&[Producer])),
    ("PUT", "/_ilm/policy/{name}", Any(&[Producer])),
    ("GET", "/metrics", Operator),
    ("GET", "/healthz", Open),
    ("GET", "/readyz", Open),
    ("GET", "/openapi.json", Open),
    ("GET", "/docs", Open),
    ("GET", "/", Open),
    ("GET", "/signin", Open),
    ("POST", "/signin", Open),
    ("POST", "/signin/link", Known),
    ("POST", "/signout", Open),
    // The page itself says nothing: what it shows it asks for.
    ("GET", "/audit", Open),
    ("GET", "/audit/validation", Open),
    ("GET", "/processes", Open),
    ("GET", "/processes/{id}", Open),
    ("GET", "/log", Open),
    ("GET", "/chains", Open),
    ("GET", "/admin", Open),
    ("GET", "/assets/{*}", Open),
];

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Nobody knows who they are.
    Unknown,
    /// They are known, and are not who may.
    Forbidden,
}

/// Who may use a route; nobody if it has no row.
pub fn rule_of(method: &str, path: &str) -> Option<Rule> {
    ROWS.iter().find(|(own, at, _)| *own == method && *at == path).map(|(.., rule)| *rule)
}

/// Whether somebody may use a route that has this rule.
///
/// # Errors
/// Why not.
pub fn authorize(rule: Rule, principal: Option<&Principal>, is_local: bool) -> Result<(), Denied> {
    let has_any = |roles: &[Role]| match principal {
        None => Err(Denied::Unknown),
        Some(principal) if roles.iter().any(|role| principal.is(*role)) => Ok(()),
        Some(_) => Err(Denied::Forbidden),
    };
    match rule {
        Open => Ok(()),
        Operator if is_local => Ok(()),
        Operator => has_any(&[Admin]),
        Known => principal.map(drop).ok_or(Denied::Unknown),
        Any(roles) => has_any(roles),
    }
}
