//! What a producer sends, and the rules its fields obey.
//!
//! Texts are borrowed where they can be, so that reading a line allocates nothing. An empty text is an absent field.

use super::{ServiceName, Severity, Timestamp, check_tenant};
use crate::error::FieldError;
use crate::limits;
use std::borrow::Cow;

/// One entry as a producer sends it. An empty text, map or list is stored as absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry<'a> {
    /// Customer account ID, 1 to 128 bytes, not `sealog`. Never erased from clear orders: not a person's name.
    pub tenant: Cow<'a, str>,
    /// Hosting space below the tenant, at most 128 bytes.
    pub organization: Cow<'a, str>,
    /// Component that generated the entry: the name of its chain.
    pub service: Cow<'a, str>,
    /// Idempotency ID, unique per tenant and service, at most 128 bytes.
    pub id: Cow<'a, str>,
    /// When the producer made it.
    pub generated_at: Option<Timestamp>,
    /// How grave it is.
    pub severity: Severity,
    /// What was done, 1 to 256 bytes.
    pub activity: Cow<'a, str>,
    /// Who did it.
    pub actor: Actor<'a>,
    /// Portal user or peer for whom it ran.
    pub on_behalf_of: Cow<'a, str>,
    /// What it was done to.
    pub object: Object<'a>,
    /// Request it belongs to, at most 128 bytes.
    pub request_id: Cow<'a, str>,
    /// Configuration it concerns, at most 128 bytes.
    pub configuration_id: Cow<'a, str>,
    /// Whether it succeeded.
    pub success: Option<bool>,
    /// Context for people, at most 64 KiB.
    pub message: Cow<'a, str>,
    /// When a task that this entry describes whole began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// The process it belongs to.
    pub process: Option<Process<'a>>,
    /// A stored file, bound to the entry by its hash.
    pub artifact: Option<Artifact<'a>>,
    /// Everything else: at most 64 pairs, keys of 1 to 128 bytes, none twice.
    pub attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Who acted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actor<'a> {
    /// Kind of actor, such as `user` or `service` (JSON: `type`).
    pub kind: Cow<'a, str>,
    /// Its ID.
    pub id: Cow<'a, str>,
    /// Its readable name.
    pub name: Cow<'a, str>,
}

/// What was acted upon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a> {
    /// Its ID.
    pub id: Cow<'a, str>,
    /// Its readable name.
    pub name: Cow<'a, str>,
}

/// The process an entry belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Process<'a> {
    /// The process's ID, not empty, unique per tenant.
    pub id: Cow<'a, str>,
    /// The process that this one is a part of.
    pub parent: Cow<'a, str>,
    /// What happened to it.
    pub event: ProcessEvent,
}

/// What an entry says of its process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ProcessEvent {
    /// It began.
    Started = 1,
    /// It goes on.
    #[default]
    Message = 2,
    /// It ended well.
    Finished = 3,
    /// It ended badly.
    Failed = 4,
    /// Somebody asked it to stop.
    CancelRequested = 5,
    /// It stopped because somebody asked.
    Cancelled = 6,
}

impl ProcessEvent {
    /// Whether the process is over with it.
    pub const fn is_closing(self) -> bool {
        matches!(self, ProcessEvent::Finished | ProcessEvent::Failed | ProcessEvent::Cancelled)
    }

    /// All events, in the order of their numbers.
    pub const ALL: [ProcessEvent; 6] = [
        ProcessEvent::Started,
        ProcessEvent::Message,
        ProcessEvent::Finished,
        ProcessEvent::Failed,
        ProcessEvent::CancelRequested,
        ProcessEvent::Cancelled,
    ];
    /// What `parse` accepts, for messages.
    pub const EXPECTED: &'static str =
        "one of started, message, finished, failed, cancel_requested, cancelled";

    /// The event's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            ProcessEvent::Started => "started",
            ProcessEvent::Message => "message",
            ProcessEvent::Finished => "finished",
            ProcessEvent::Failed => "failed",
            ProcessEvent::CancelRequested => "cancel_requested",
            ProcessEvent::Cancelled => "cancelled",
        }
    }

    /// The event that `name` names.
    pub fn parse(name: &str) -> Option<ProcessEvent> {
        ProcessEvent::ALL.into_iter().find(|event| event.name() == name)
    }

    /// The event with this number in a record, 1..=6.
    pub fn from_number(number: u64) -> Option<ProcessEvent> {
        ProcessEvent::ALL.into_iter().find(|event| u64::from(event.number()) == number)
    }

    /// The event's number in a record, 1..=6.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A stored file, bound to the entry by its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact<'a> {
    /// SHA-256 of the file's bytes (JSON: 64 hex digits).
    pub sha256: [u8; 32],
    /// File name to offer.
    pub name: Cow<'a, str>,
    /// Media type, such as `application/pdf`.
    pub media_type: Cow<'a, str>,
    /// Length in bytes.
    pub size: Option<u64>,
}

impl Entry<'_> {
    /// Checks every rule of the model that a type does not keep, and returns the service.
    ///
    /// The encoded size is checked where the entry is encoded.
    ///
    /// # Errors
    /// The first field that breaks a rule, with what it must look like.
    pub fn check(&self) -> Result<(), FieldError> {
        check_tenant(&self.tenant)?;
        self.check_own()
    }

    /// As [`Entry::check`], for what the log says itself: of any tenant, its own too.
    pub(crate) fn check_own(&self) -> Result<(), FieldError> {
        if !matches!(self.tenant.len(), 1..=limits::NAME_BYTES_MAX) {
            return Err(FieldError::new("tenant", "a text of 1 to 128 bytes", "another"));
        }
        if self.service.is_empty() {
            return Err(FieldError::new("service", "the service that generated the entry", "none"));
        }
        if self.activity.is_empty() {
            return Err(FieldError::new("activity", "a text of 1 to 256 bytes", "none"));
        }
        for (field, text, max) in [
            ("organization", &self.organization, limits::NAME_BYTES_MAX),
            ("id", &self.id, limits::NAME_BYTES_MAX),
            ("activity", &self.activity, limits::ACTIVITY_BYTES_MAX),
            ("request_id", &self.request_id, limits::NAME_BYTES_MAX),
            ("configuration_id", &self.configuration_id, limits::NAME_BYTES_MAX),
            ("message", &self.message, limits::MESSAGE_BYTES_MAX),
        ] {
            if text.len() > max {
                return Err(too_long(field, max, text));
            }
        }
        if self.process.as_ref().is_some_and(|process| process.id.is_empty()) {
            return Err(FieldError::new("process.id", "the ID of the process", "none"));
        }
        if self.attributes.len() > limits::ATTRIBUTE_COUNT_MAX {
            return Err(FieldError::new(
                "attributes",
                format!("at most {} pairs", limits::ATTRIBUTE_COUNT_MAX),
                format!("{} pairs", self.attributes.len()),
            ));
        }
        for (key, _) in &self.attributes {
            if !matches!(key.len(), 1..=limits::ATTRIBUTE_KEY_BYTES_MAX) {
                return Err(FieldError::new(
                    "attributes",
                    "keys of 1 to 128 bytes",
                    format!("the key {} of {} bytes", FieldError::quote(key), key.len()),
                ));
            }
        }
        Ok(())
    }

    /// The entry's service, checked as a producer's.
    ///
    /// # Errors
    /// What a service must look like.
    pub fn service_name(&self) -> Result<ServiceName, FieldError> {
        ServiceName::outside(&self.service)
    }
}

fn too_long(field: &'static str, max: usize, text: &str) -> FieldError {
    FieldError::new(field, format!("at most {max} bytes"), format!("{} bytes", text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry<'static> {
        Entry {
            tenant: "acme".into(),
            service: "mail-api".into(),
            activity: "login".into(),
            ..Entry::default()
        }
    }

    #[test]
    fn lengths_are_checked_at_their_edges() {
        type Set = fn(&mut Entry<'static>, String);
        let cases: [(&str, usize, Set); 7] = [
            ("tenant", 128, |entry, text| entry.tenant = text.into()),
            ("organization", 128, |entry, text| entry.organization = text.into()),
            ("id", 128, |entry, text| entry.id = text.into()),
            ("activity", 256, |entry, text| entry.activity = text.into()),
            ("request_id", 128, |entry, text| entry.request_id = text.into()),
            ("configuration_id", 128, |entry, text| entry.configuration_id = text.into()),
            ("message", 65536, |entry, text| entry.message = text.into()),
        ];
        for (field, max, set) in cases {
            let mut longest = entry();
            set(&mut longest, "x".repeat(max));
            assert_eq!(longest.check(), Ok(()), "{field}");
            set(&mut longest, "x".repeat(max + 1));
            assert_eq!(longest.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn required_fields_and_attribute_bounds() {
        assert_eq!(Entry { tenant: "".into(), ..entry() }.check().unwrap_err().field, "tenant");
        assert_eq!(Entry { activity: "".into(), ..entry() }.check().unwrap_err().field, "activity");
        let pairs = |count: usize| (0..count).map(|i| (format!("k{i}").into(), "v".into())).collect();
        assert_eq!(Entry { attributes: pairs(64), ..entry() }.check(), Ok(()));
        assert_eq!(Entry { attributes: pairs(65), ..entry() }.check().unwrap_err().field, "attributes");
        let empty_key = vec![("".into(), "v".into())];
        assert_eq!(Entry { attributes: empty_key, ..entry() }.check().unwrap_err().field, "attributes");
    }
}
