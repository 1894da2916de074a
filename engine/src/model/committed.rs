//! An entry with what the engine adds, and its JSON form.

use super::{Entry, Severity, Timestamp};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A place in the one total order of a store: by commit time, then service as bytes, then position in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position<'a> {
    /// When the entry's group was committed.
    pub logged_at: Timestamp,
    /// The entry's service.
    pub service: &'a str,
    /// Its position in the service's chain.
    pub seq: u64,
}

/// An entry as it was committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed<'a> {
    /// Position in the service's chain: 0, 1, 2, … without a hole.
    pub seq: u64,
    /// Position among this tenant's entries in this chain: 0, 1, 2, … without a hole.
    pub tenant_seq: u64,
    /// When the group was committed; never decreases.
    pub logged_at: Timestamp,
    /// The log service instance that committed it.
    pub logged_by: &'a str,
    /// What the producer sent.
    pub entry: Entry<'a>,
}

/// One flat JSON object: absent fields left out, times in UTC with nine fractional digits, hashes in lower-case hex.
impl Serialize for Committed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = &self.entry;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("service", &entry.service)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("tenant", &entry.tenant)?;
        map.serialize_entry("tenant_seq", &self.tenant_seq)?;
        map.serialize_entry("logged_at", &self.logged_at)?;
        map.serialize_entry("logged_by", &self.logged_by)?;
        serialize_fields(entry, &mut map)?;
        map.end()
    }
}

/// The entry as its producer could have sent it: what `Committed` shows, without the committed fields.
impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("tenant", &self.tenant)?;
        map.serialize_entry("service", &self.service)?;
        serialize_fields(self, &mut map)?;
        map.end()
    }
}

fn serialize_fields<M: SerializeMap>(entry: &Entry<'_>, map: &mut M) -> Result<(), M::Error> {
    text(map, "organization", &entry.organization)?;
    text(map, "id", &entry.id)?;
    if let Some(time) = entry.generated_at {
        map.serialize_entry("generated_at", &time)?;
    }
    map.serialize_entry("severity", &entry.severity)?;
    text(map, "activity", &entry.activity)?;
    let actor = &entry.actor;
    group(map, "actor", &[("type", &actor.kind), ("id", &actor.id), ("name", &actor.name)])?;
    text(map, "on_behalf_of", &entry.on_behalf_of)?;
    group(map, "object", &[("id", &entry.object.id), ("name", &entry.object.name)])?;
    text(map, "request_id", &entry.request_id)?;
    text(map, "configuration_id", &entry.configuration_id)?;
    if let Some(success) = entry.success {
        map.serialize_entry("success", &success)?;
    }
    text(map, "message", &entry.message)?;
    for (key, time) in [("started", entry.started), ("finished", entry.finished)] {
        if let Some(time) = time {
            map.serialize_entry(key, &time)?;
        }
    }
    if let Some(process) = &entry.process {
        group(
            map,
            "process",
            &[("id", &process.id), ("parent", &process.parent), ("event", process.event.name())],
        )?;
    }
    if let Some(artifact) = &entry.artifact {
        map.serialize_entry("artifact", artifact)?;
    }
    if !entry.attributes.is_empty() {
        map.serialize_entry("attributes", &Attributes(entry))?;
    }
    Ok(())
}

fn text<M: SerializeMap>(map: &mut M, key: &'static str, value: &str) -> Result<(), M::Error> {
    if value.is_empty() { Ok(()) } else { map.serialize_entry(key, value) }
}

fn group<M: SerializeMap>(map: &mut M, key: &'static str, pairs: &[(&str, &str)]) -> Result<(), M::Error> {
    if pairs.iter().all(|(_, value)| value.is_empty()) {
        return Ok(());
    }
    map.serialize_entry(key, &Group(pairs))
}

/// A nested object whose empty texts are left out.
struct Group<'a>(&'a [(&'a str, &'a str)]);

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(_, value)| !value.is_empty()).copied())
    }
}

struct Attributes<'a>(&'a Entry<'a>);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.attributes.iter().map(|(key, value)| (key, value)))
    }
}

impl Serialize for super::Artifact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sha256", &crate::hex::encode(&self.sha256))?;
        text(&mut map, "name", &self.name)?;
        text(&mut map, "media_type", &self.media_type)?;
        if let Some(size) = self.size {
            map.serialize_entry("size", &size)?;
        }
        map.end()
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
