//! Names that identify: services, tenants and stores, checked once at the door.

use super::FieldError;
use crate::limits;
use std::fmt;

/// The tenant of the system's own entries; nobody outside may name it.
pub const SYSTEM_TENANT: &str = "sealog";
/// Services that begin with this are the system's own.
pub const RESERVED_PREFIX: &str = "sealog.";
/// The chain that vouches for all others.
pub const CONTROL_SERVICE: &str = "sealog.control";
/// The chain that says who read what.
pub const ACCESS_SERVICE: &str = "sealog.access";

/// A service: the component that generates entries, and the name of its chain.
///
/// `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`, so it is also one safe path component. May be a reserved name: only
/// [`ServiceName::outside`] refuses those.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(Box<str>);

impl ServiceName {
    /// Any service, reserved ones included.
    ///
    /// # Errors
    /// What the name must look like, and what was found.
    pub fn new(name: &str) -> Result<ServiceName, FieldError> {
        if is_service_name(name) {
            Ok(ServiceName(name.into()))
        } else {
            Err(FieldError::new(
                "service",
                "1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or digit",
                FieldError::quote(name),
            ))
        }
    }

    /// A service that a producer may name.
    ///
    /// # Errors
    /// As [`ServiceName::new`], and for a name that begins with `sealog.`.
    pub fn outside(name: &str) -> Result<ServiceName, FieldError> {
        if name.starts_with(RESERVED_PREFIX) {
            return Err(FieldError::new(
                "service",
                "a name that does not begin with \"sealog.\", which is reserved for the log itself",
                FieldError::quote(name),
            ));
        }
        ServiceName::new(name)
    }

    /// The chain that says who read what.
    pub fn access() -> ServiceName {
        ServiceName(ACCESS_SERVICE.into())
    }

    /// The chain that vouches for all others.
    pub fn control() -> ServiceName {
        ServiceName(CONTROL_SERVICE.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the chain is the system's own.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with(RESERVED_PREFIX)
    }
}

impl std::borrow::Borrow<str> for ServiceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl serde::Serialize for ServiceName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

fn is_service_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    matches!(bytes.len(), 1..=limits::NAME_BYTES_MAX)
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Checks a tenant that a producer or a person names: 1 to 128 bytes, not the system's own.
///
/// # Errors
/// What the tenant must look like, and what was found.
pub fn check_tenant(tenant: &str) -> Result<(), FieldError> {
    if !matches!(tenant.len(), 1..=limits::NAME_BYTES_MAX) {
        return Err(FieldError::new(
            "tenant",
            "a text of 1 to 128 bytes",
            if tenant.is_empty() { "none".to_owned() } else { format!("{} bytes", tenant.len()) },
        ));
    }
    if tenant == SYSTEM_TENANT {
        return Err(FieldError::new(
            "tenant",
            "any tenant but \"sealog\", which is the log's own",
            FieldError::quote(tenant),
        ));
    }
    Ok(())
}

/// The name of a store, the first part of every chain's origin: `[A-Za-z0-9.-]+(/[A-Za-z0-9._-]+)*`, ≤ 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreName(Box<str>);

impl StoreName {
    /// Checks a name.
    ///
    /// # Errors
    /// What the name must look like, and what was found.
    pub fn new(name: &str) -> Result<StoreName, FieldError> {
        let mut parts = name.split('/');
        let host = parts.next().unwrap_or_default();
        let good_host = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        let good_rest = parts.all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        });
        if name.len() <= limits::STORE_NAME_BYTES_MAX && good_host && good_rest {
            Ok(StoreName(name.into()))
        } else {
            Err(FieldError::new(
                "name",
                "a store name of at most 128 bytes such as audit.example.com or audit.example.com/log",
                FieldError::quote(name),
            ))
        }
    }

    /// The name of a store that nobody named.
    pub fn unnamed(store_id: &[u8; 16]) -> StoreName {
        let [a, b, c, d, ..] = store_id;
        StoreName(format!("localhost-{a:02x}{b:02x}{c:02x}{d:02x}").into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_names_are_safe_path_components() {
        for good in ["a", "mail-api", "A.b_c-9", "sealog", &"x".repeat(128)] {
            assert!(ServiceName::outside(good).is_ok(), "{good}");
        }
        for bad in
            ["", "..", ".", ".x", "-x", "a/b", "a b", "ä", "a\0", &"x".repeat(129), "sealog.x", "sealog."]
        {
            let error = ServiceName::outside(bad).unwrap_err();
            assert_eq!(error.field, "service", "{bad}");
        }
        assert!(ServiceName::new(CONTROL_SERVICE).unwrap().is_reserved());
    }

    #[test]
    fn tenants() {
        assert!(check_tenant("acme").is_ok());
        assert!(check_tenant(&"t".repeat(128)).is_ok());
        for bad in ["", "sealog", &"t".repeat(129)] {
            assert!(check_tenant(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn store_names() {
        for good in ["localhost-01020304", "audit.example.com", "audit.example.com/a/b_c"] {
            assert!(StoreName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a//b", "a/", "a b", "a_b", "ä", &"a".repeat(129)] {
            assert!(StoreName::new(bad).is_err(), "{bad}");
        }
    }
}
