//! What a reader sees: the one place of the server where a scope is made.

use super::{Principal, Role};
use sealog_engine::scan::{Log, Scope};

/// What a request may read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Whose entries.
    pub scope: Scope,
    /// Of which log.
    pub log: Log,
}

/// The logs that somebody may read, the default first.
pub fn logs(principal: &Principal) -> Vec<Log> {
    let own = [(Role::Auditor, Log::Audit), (Role::Customer, Log::Customer), (Role::Admin, Log::Process)];
    own.into_iter().filter(|(role, _)| principal.is(*role)).map(|(_, log)| log).collect()
}

/// What somebody reads who asks for this log, or for none; nothing if they may not.
pub fn reading(principal: &Principal, asked: Option<Log>) -> Option<Reading> {
    let own = logs(principal);
    let log = match asked {
        None => *own.first()?,
        // Both of its parts.
        Some(Log::All) if own.contains(&Log::Audit) && own.contains(&Log::Process) => Log::All,
        Some(log) => own.into_iter().find(|own| *own == log)?,
    };
    Some(Reading { scope: scope_of(principal), log })
}

/// Whose processes an admin sees.
pub fn processes(principal: &Principal) -> Scope {
    scope_of(principal)
}

/// Whose processes a producer may ask about: those of the tenants that it appends for.
pub fn produced(principal: &Principal) -> Scope {
    scope_of(principal)
}

/// A key's tenants and organizations bound whatever its roles could see; a customer has no more than them.
fn scope_of(principal: &Principal) -> Scope {
    let key = principal.key();
    let organizations = (!key.organizations.is_empty()).then(|| key.organizations.clone());
    let is_bound = !key.tenants.is_empty() || principal.is(Role::Customer);
    let mut tenants = key.tenants.clone();
    tenants.extend(key.peers.iter().cloned());
    tenants.sort_unstable();
    tenants.dedup();
    // A key with organizations has tenants.
    if is_bound { Scope::tenants(tenants, organizations) } else { Scope::everything() }
}
