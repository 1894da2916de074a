//! Whoever stands behind a request.

use super::key::{Grant, Key, Role};
use sealog_engine::model::FieldError;
use std::sync::Arc;

/// Whoever stands behind a request: the holder of a key, at a program or signed in with it.
#[derive(Clone, Debug)]
pub struct Principal {
    key: Arc<Key>,
    /// Signed in at a page, not a program with the key.
    pub is_person: bool,
}

impl Principal {
    /// The holder of a key.
    pub fn of(key: Arc<Key>, is_person: bool) -> Principal {
        Principal { key, is_person }
    }

    /// The public part of the key.
    pub fn id(&self) -> &str {
        &self.key.id
    }

    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Whether they are this.
    pub fn is(&self, role: Role) -> bool {
        self.key.roles.contains(&role)
    }

    /// Whether they were granted this.
    pub fn has(&self, grant: Grant) -> bool {
        self.key.grants.contains(&grant)
    }

    /// The tenant of entries that name none: the only one.
    pub fn only_tenant(&self) -> Option<&str> {
        only(&self.key.tenants)
    }

    /// The service of entries that name none: the only one.
    pub fn only_service(&self) -> Option<&str> {
        only(&self.key.services)
    }

    /// Whether they may append to a tenant and a service.
    ///
    /// # Errors
    /// The field that they may not name.
    pub fn check_append(&self, tenant: &str, service: &str) -> Result<(), FieldError> {
        let lists = [("tenant", &self.key.tenants, tenant), ("service", &self.key.services, service)];
        for (field, own, named) in lists {
            if !own.is_empty() && !own.iter().any(|own| own == named) {
                let expected = format!("a {field} that this key may append to");
                return Err(FieldError::new(field, expected, FieldError::quote(named)));
            }
        }
        Ok(())
    }
}

fn only(names: &[String]) -> Option<&str> {
    match names {
        [name] => Some(name),
        _ => None,
    }
}
