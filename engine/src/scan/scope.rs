//! What a caller may see. Every read takes one, and everything it gives derives from it.

/// Tenants and organizations that a caller may see.
///
/// Constructed where access is decided and nowhere else: a layer test keeps the constructors inside the server's
/// access module and the command-line tools, whose caller owns the files anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    tenants: Option<Vec<String>>,
    organizations: Option<Vec<String>>,
}

impl Scope {
    /// All tenants.
    pub fn everything() -> Scope {
        Scope { tenants: None, organizations: None }
    }

    /// All tenants, for what the engine derives from entries and gives out within a caller's scope alone.
    pub(super) fn unlimited() -> Scope {
        Scope::everything()
    }

    /// One tenant, for the engine's own upkeep: what it reads is shown to nobody.
    pub(crate) fn upkeep(tenant: &str) -> Scope {
        Scope { tenants: Some(vec![tenant.to_owned()]), organizations: None }
    }

    /// These tenants and no other; with `organizations`, only entries that name one of them.
    pub fn tenants(tenants: Vec<String>, organizations: Option<Vec<String>>) -> Scope {
        Scope { tenants: Some(tenants), organizations }
    }

    /// The tenants, if not all.
    pub fn tenant_list(&self) -> Option<&[String]> {
        self.tenants.as_deref()
    }

    /// The organizations, if not all.
    pub fn organization_list(&self) -> Option<&[String]> {
        self.organizations.as_deref()
    }
}
