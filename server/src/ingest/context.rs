//! What a decoder knows of who sends: the key's tenants and services, what counts where a record names none, and when
//! the bytes came.

use crate::ingest::problem::{Kind, Problem};
use sealog_engine::model::{FieldError, Timestamp, check_tenant, escape_service};
use std::borrow::Cow;

/// Names that a key may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed<'a> {
    /// All of them.
    Any,
    /// These.
    Only(&'a [String]),
}

impl Allowed<'_> {
    /// Whether `name` is one of them.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Allowed::Any => true,
            Allowed::Only(names) => names.iter().any(|known| known == name),
        }
    }

    /// The name, if there is only one.
    pub fn only(&self) -> Option<&str> {
        match self {
            Allowed::Only([name]) => Some(name),
            _ => None,
        }
    }
}

/// What a decoder is told beside the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Tenants of the key; its only one counts for records that name none.
    pub tenants: Allowed<'a>,
    /// Services of the key.
    pub services: Allowed<'a>,
    /// Organizations of the key.
    pub organizations: Allowed<'a>,
    /// The service of records that name none; else the key's only one.
    pub default_service: Option<&'a str>,
    /// When the bytes came: what a time without a year is read by.
    pub received_at: Timestamp,
    /// Numbers of records, ascending, that the store refused when it was asked before: they are left out.
    pub without: &'a [u32],
}

impl<'a> Context<'a> {
    /// A key that may write everything.
    pub fn unlimited(received_at: Timestamp) -> Context<'a> {
        Context {
            tenants: Allowed::Any,
            services: Allowed::Any,
            organizations: Allowed::Any,
            default_service: None,
            received_at,
            without: &[],
        }
    }

    /// The tenant that a record names in `place`, else the key's only one.
    ///
    /// # Errors
    /// There is none, it is not a tenant's name, or not one of the key's.
    pub fn tenant<'r>(
        &self,
        found: Option<Cow<'r, str>>,
        place: &'static str,
    ) -> Result<Cow<'r, str>, Problem>
    where
        'a: 'r,
    {
        let Some(tenant) = found.filter(|tenant| !tenant.is_empty()) else {
            return match self.tenants {
                Allowed::Only([tenant]) => Ok(Cow::Borrowed(tenant)),
                _ => Err(Problem::new(
                    Kind::Refused,
                    place,
                    "the tenant, as the key has not exactly one",
                    "none",
                )
                .advise("name the tenant there, or use a key of one tenant")),
            };
        };
        check_tenant(&tenant).map_err(|error| Problem::from_field(error, place))?;
        if !self.tenants.contains(&tenant) {
            return Err(Problem::foreign(place, "tenant", &tenant));
        }
        Ok(tenant)
    }

    /// The service that a record names in `place`, in the alphabet of services, else the default one. Second, the name
    /// as it was written, if it had to be changed.
    ///
    /// # Errors
    /// There is none, it is too long, or not one of the key's.
    pub fn service<'r>(
        &self,
        found: Option<Cow<'r, str>>,
        place: &'static str,
    ) -> Result<(Cow<'r, str>, Option<Cow<'r, str>>), Problem>
    where
        'a: 'r,
    {
        let Some(name) = found.filter(|name| !name.is_empty()) else {
            let only = match self.services {
                Allowed::Only([name]) => Some(name.as_str()),
                _ => None,
            };
            let default = self.default_service.or(only).ok_or_else(|| {
                Problem::new(Kind::Refused, place, "the service that generated the entry", "none")
                    .advise("name the service there, or use a key of one service")
            })?;
            return Ok((Cow::Borrowed(default), None));
        };
        let escaped = match escape_service(&name) {
            Cow::Borrowed(_) => None,
            Cow::Owned(escaped) => Some(escaped),
        };
        let service = escaped.as_deref().unwrap_or(&name);
        if let Err(error) = sealog_engine::model::ServiceName::outside(service) {
            return Err(Problem::from_field(error, place));
        }
        if !self.services.contains(service) {
            return Err(Problem::foreign(place, "service", service));
        }
        Ok(match escaped {
            None => (name, None),
            Some(escaped) => (Cow::Owned(escaped), Some(name)),
        })
    }

    /// Checks the organization that a record names in `place`.
    ///
    /// # Errors
    /// It is not one of the key's.
    pub fn organization(&self, found: &str, place: &'static str) -> Result<(), Problem> {
        match self.organizations {
            Allowed::Only(_) if found.is_empty() => Err(Problem::new(
                Kind::Forbidden,
                place,
                "an organization, as the key is limited to some",
                "none",
            )
            .advise("name one of the key's organizations there")),
            organizations if organizations.contains(found) => Ok(()),
            _ => Err(Problem::foreign(place, "organization", found)),
        }
    }

    /// Whether the record is to be left out.
    pub(crate) fn is_without(&self, record: u32) -> bool {
        self.without.binary_search(&record).is_ok()
    }
}

impl Problem {
    /// A name that the key may not write.
    fn foreign(place: &'static str, what: &str, name: &str) -> Problem {
        Problem::new(
            Kind::Forbidden,
            place,
            format!("a {what} that the key may write"),
            FieldError::quote(name),
        )
        .advise("use a key that may")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_only_tenant_counts_where_none_is_named() {
        let (one, two) = (names(&["acme"]), names(&["acme", "other"]));
        let context =
            Context { tenants: Allowed::Only(&one), ..Context::unlimited(Timestamp::from_nanos(0)) };
        assert_eq!(context.tenant(None, "tenant").unwrap(), "acme");
        assert_eq!(context.tenant(Some("acme".into()), "tenant").unwrap(), "acme");
        let foreign = context.tenant(Some("other".into()), "tenant").unwrap_err();
        assert_eq!(foreign.kind, Kind::Forbidden);
        let context = Context { tenants: Allowed::Only(&two), ..context };
        assert_eq!(context.tenant(None, "tenant").unwrap_err().kind, Kind::Refused);
        let context = Context { tenants: Allowed::Any, ..context };
        assert_eq!(context.tenant(Some("sealog".into()), "tenant").unwrap_err().kind, Kind::Refused);
    }

    #[test]
    fn services_are_brought_into_their_alphabet_before_they_are_compared() {
        let mine = names(&["a_2Fb"]);
        let context =
            Context { services: Allowed::Only(&mine), ..Context::unlimited(Timestamp::from_nanos(0)) };
        let (service, written) = context.service(Some("a/b".into()), "service.name").unwrap();
        assert_eq!((&*service, written.as_deref()), ("a_2Fb", Some("a/b")));
        assert_eq!(context.service(None, "service.name").unwrap().0, "a_2Fb");
        assert_eq!(context.service(Some("c".into()), "service.name").unwrap_err().kind, Kind::Forbidden);
        let long = "x".repeat(129);
        let context = Context { services: Allowed::Any, ..context };
        assert_eq!(context.service(Some(long.into()), "service.name").unwrap_err().kind, Kind::Refused);
        assert_eq!(context.service(None, "service.name").unwrap_err().kind, Kind::Refused);
    }

    #[test]
    fn a_key_of_some_organizations_writes_no_others() {
        let mine = names(&["north"]);
        let context =
            Context { organizations: Allowed::Only(&mine), ..Context::unlimited(Timestamp::from_nanos(0)) };
        assert!(context.organization("north", "organization").is_ok());
        for foreign in ["", "south"] {
            assert_eq!(context.organization(foreign, "organization").unwrap_err().kind, Kind::Forbidden);
        }
    }
}
