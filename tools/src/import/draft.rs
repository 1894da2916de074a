//! What every mapping does alike: tenant and service with their defaults, and a required activity.

use super::Defaults;
use super::source::Source;
use sealog_engine::limits::ACTIVITY_BYTES_MAX;
use sealog_engine::model::{Entry, FieldError, escape_service};
use std::borrow::Cow;

/// The attribute that keeps the name of a service that the alphabet of services does not allow.
pub(super) const SERVICE_NAME: &str = "service.name";

impl Defaults {
    /// The tenant that the event names in `place`, else the command line's.
    pub(super) fn tenant<'a>(
        &self,
        found: Option<Cow<'a, str>>,
        place: &str,
    ) -> Result<Cow<'a, str>, String> {
        match (found, &self.tenant) {
            (Some(tenant), _) => Ok(tenant),
            (None, Some(tenant)) => Ok(Cow::Owned(tenant.clone())),
            (None, None) => Err(FieldError::new(
                "tenant",
                format!("a tenant in {place}, or one given with --tenant"),
                "neither",
            )
            .to_string()),
        }
    }

    /// Sets the service that the event names in `place`, else the command line's.
    pub(super) fn set_service<'a>(
        &self,
        entry: &mut Entry<'a>,
        found: Option<Cow<'a, str>>,
        place: &str,
    ) -> Result<(), String> {
        let Some(name) = found else {
            let given = self.service.as_ref().ok_or_else(|| {
                FieldError::new(
                    "service",
                    format!("a service in {place}, or one given with --service"),
                    "neither",
                )
                .to_string()
            })?;
            entry.service = Cow::Owned(given.clone());
            return Ok(());
        };
        let escaped = match escape_service(&name) {
            Cow::Owned(escaped) => escaped,
            Cow::Borrowed(_) => {
                entry.service = name;
                return Ok(());
            }
        };
        entry.service = Cow::Owned(escaped);
        entry.attributes.push((Cow::Borrowed(SERVICE_NAME), name));
        Ok(())
    }
}

/// The activity, from the first of these fields that has a value; of a very long one the head, while the whole stays.
pub(super) fn activity<'a>(source: &mut Source<'a>, keys: &[&'static str]) -> Result<Cow<'a, str>, String> {
    source.take_head(keys, ACTIVITY_BYTES_MAX).ok_or_else(|| {
        let key = keys.iter().find(|key| source.has(key)).or(keys.first()).copied().unwrap_or_default();
        refused(source, key, "a text, which is the activity")
    })
}

/// The message for a field without which there is no entry.
pub(super) fn refused(source: &Source<'_>, key: &'static str, expected: &'static str) -> String {
    FieldError::new(key, expected, source.describe(key)).to_string()
}

/// The first line of a text, or none if it begins with a line break.
pub(super) fn first_line(text: &str) -> &str {
    text.split(['\r', '\n']).next().unwrap_or_default()
}
