//! A process, as a caller is told it.

use super::own::{Counts, Own, Point, Status};
use crate::model::{Severity, Timestamp};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A process, folded from its entries and those of its sub-processes, as far as the caller may see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Whose it is.
    pub tenant: Box<str>,
    /// Its ID, unique per tenant.
    pub id: Box<str>,
    /// Hosting space, empty if none: of its `started` entry, or of the oldest left, as all up to `started`.
    pub organization: Box<str>,
    /// Its type.
    pub activity: Box<str>,
    /// The request that it serves, empty if none.
    pub request_id: Box<str>,
    /// The configuration that it concerns, empty if none.
    pub configuration_id: Box<str>,
    /// When it began.
    pub started: Timestamp,
    /// When its own entries say that it ended; sub-processes may still run.
    pub finished: Option<Timestamp>,
    /// How far it is.
    pub status: Status,
    /// Somebody asked it to stop, whether it did or not.
    pub is_cancel_requested: bool,
    /// The highest of all its entries.
    pub severity: Severity,
    /// Its first own entry.
    pub first: Point,
    /// Its last own entry.
    pub last: Point,
    /// Its entries by severity, lowest first, with those of its sub-processes.
    pub severity_counts: [u64; Severity::ALL.len()],
    /// How many of them are its own.
    pub own_count: u64,
    /// The process that it is a part of, empty if none.
    pub parent: Box<str>,
}

impl Process {
    pub(super) fn of(tenant: &str, id: &str, own: &Own, below: Counts, parent: Option<&str>) -> Process {
        let mut counts = own.counts;
        counts.add(below);
        Process {
            tenant: tenant.into(),
            id: id.into(),
            organization: own.origin.organization.clone(),
            activity: own.origin.activity.clone(),
            request_id: own.origin.request_id.clone(),
            configuration_id: own.origin.configuration_id.clone(),
            started: own.origin.started,
            finished: own.end.as_ref().map(|end| end.finished),
            status: own.status(),
            is_cancel_requested: own.is_cancel_requested,
            // A process has an entry.
            severity: counts.severity().unwrap_or_default(),
            first: own.first.clone(),
            last: own.last.clone(),
            severity_counts: counts.0,
            own_count: own.counts.total(),
            parent: parent.unwrap_or_default().into(),
        }
    }

    /// Its entries, with those of its sub-processes.
    pub fn entry_count(&self) -> u64 {
        Counts(self.severity_counts).total()
    }
}

/// One flat JSON object: absent fields left out, times in UTC with nine fractional digits.
impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, text) in [
            ("tenant", &self.tenant),
            ("id", &self.id),
            ("organization", &self.organization),
            ("activity", &self.activity),
            ("request_id", &self.request_id),
            ("configuration_id", &self.configuration_id),
            ("parent", &self.parent),
        ] {
            if !text.is_empty() {
                map.serialize_entry(key, text)?;
            }
        }
        map.serialize_entry("status", self.status.name())?;
        map.serialize_entry("severity", &self.severity)?;
        map.serialize_entry("started", &self.started)?;
        if let Some(finished) = self.finished {
            map.serialize_entry("finished", &finished)?;
        }
        map.serialize_entry("cancel_requested", &self.is_cancel_requested)?;
        map.serialize_entry("logged_at", &self.first.logged_at)?;
        map.serialize_entry("last_logged_at", &self.last.logged_at)?;
        map.serialize_entry("entries", &self.entry_count())?;
        map.end()
    }
}
