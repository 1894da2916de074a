//! The record: what of an entry is hashed, as deterministic CBOR with integer keys (docs/integrity.md, "Body").
//!
//! A producer's part is encoded once, before the engine knows where the entry goes; `assemble` then splices in the
//! three fields that the engine adds. The record's bytes are what is hashed, stored and never encoded again.

pub mod fields;
pub mod pairs;

use super::cbor::{self, CborError, Reader};
use crate::limits;
use crate::model::{Actor, Artifact, Entry, FieldError, Object, Process, ProcessEvent, Severity, Timestamp};
use std::borrow::Cow;

/// Keys of the record map. Ascending order is part of the encoding.
pub mod key {
    #![expect(missing_docs, reason = "each is the field of the record model that it is named for")]
    pub const VERSION: u64 = 0;
    pub const TENANT_SEQ: u64 = 2;
    pub const ID: u64 = 3;
    pub const LOGGED_BY: u64 = 4;
    pub const TENANT: u64 = 10;
    pub const ORGANIZATION: u64 = 11;
    pub const SERVICE: u64 = 12;
    pub const GENERATED_AT: u64 = 13;
    pub const SEVERITY: u64 = 14;
    pub const ACTIVITY: u64 = 15;
    pub const ACTOR_TYPE: u64 = 16;
    pub const ACTOR_ID: u64 = 17;
    pub const ACTOR_NAME: u64 = 18;
    pub const ON_BEHALF_OF: u64 = 19;
    pub const OBJECT_ID: u64 = 20;
    pub const OBJECT_NAME: u64 = 21;
    pub const REQUEST_ID: u64 = 22;
    pub const CONFIGURATION_ID: u64 = 23;
    pub const SUCCESS: u64 = 24;
    pub const MESSAGE: u64 = 25;
    pub const STARTED: u64 = 26;
    pub const FINISHED: u64 = 27;
    pub const PROCESS_ID: u64 = 28;
    pub const PROCESS_PARENT: u64 = 29;
    pub const PROCESS_EVENT: u64 = 30;
    pub const ARTIFACT_SHA256: u64 = 31;
    pub const ARTIFACT_NAME: u64 = 32;
    pub const ARTIFACT_MEDIA_TYPE: u64 = 33;
    pub const ARTIFACT_SIZE: u64 = 34;
    pub const ATTRIBUTES: u64 = 35;
    pub const ARTIFACT_HELD: u64 = 36;
    pub const CONTROL: u64 = 40;
}

/// The version of the record map.
pub const RECORD_VERSION: u64 = 1;

/// The producer's part of a record: `id ‖ rest` as encoded pairs, waiting for what the engine adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The pair of key 3, or nothing.
    pub id: &'a [u8],
    /// The pairs of keys 10 to 35 (or 40).
    pub rest: &'a [u8],
    /// How many pairs both hold.
    pub pair_count: u8,
}

/// Lengths of an encoded producer's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartLengths {
    /// Bytes of the pair of key 3.
    pub id_bytes: u32,
    /// Bytes of the other pairs.
    pub rest_bytes: u32,
    /// How many pairs both hold.
    pub pair_count: u8,
}

struct PairWriter<'o> {
    out: &'o mut Vec<u8>,
    count: u8,
}

impl PairWriter<'_> {
    fn key(&mut self, key: u64) -> &mut Vec<u8> {
        self.count += 1;
        cbor::unsigned(self.out, key);
        self.out
    }

    fn text(&mut self, key: u64, value: &str) {
        if !value.is_empty() {
            cbor::text(self.key(key), value);
        }
    }

    fn time(&mut self, key: u64, value: Option<Timestamp>) {
        if let Some(time) = value {
            cbor::signed(self.key(key), time.nanos());
        }
    }
}

/// Appends the producer's part of an entry's record.
///
/// # Errors
/// A rule of the model that the entry breaks ([`Entry::check`]), an attribute key given twice, or a record that would
/// exceed 256 KiB. `out` is then as long as before.
pub fn encode_parts(entry: &Entry<'_>, out: &mut Vec<u8>) -> Result<PartLengths, FieldError> {
    entry.check()?;
    encode_own_parts(entry, out)
}

/// As [`encode_parts`], of what the log says itself.
pub fn encode_own_parts(entry: &Entry<'_>, out: &mut Vec<u8>) -> Result<PartLengths, FieldError> {
    entry.check_own()?;
    let start = out.len();
    let result = write_parts(entry, None, out);
    let written = out.len() - start;
    // What the engine adds: map head, version, tenant_seq, logged_by and the held mark.
    const ADDED_BYTES_MAX: usize = 32 + limits::INSTANCE_BYTES_MAX;
    let checked = match result {
        Ok(_) if written + ADDED_BYTES_MAX > limits::RECORD_BYTES_MAX => Err(FieldError::new(
            "entry",
            format!("at most {} bytes when encoded", limits::RECORD_BYTES_MAX - ADDED_BYTES_MAX),
            format!("{written} bytes"),
        )),
        other => other,
    };
    if checked.is_err() {
        out.truncate(start);
    }
    checked
}

fn write_parts(
    entry: &Entry<'_>,
    control: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<PartLengths, FieldError> {
    let start = out.len();
    let mut pairs = PairWriter { out, count: 0 };
    pairs.text(key::ID, &entry.id);
    let id_end = pairs.out.len();
    pairs.text(key::TENANT, &entry.tenant);
    pairs.text(key::ORGANIZATION, &entry.organization);
    pairs.text(key::SERVICE, &entry.service);
    pairs.time(key::GENERATED_AT, entry.generated_at);
    if control.is_none() {
        cbor::unsigned(pairs.key(key::SEVERITY), u64::from(entry.severity.class()));
    }
    pairs.text(key::ACTIVITY, &entry.activity);
    pairs.text(key::ACTOR_TYPE, &entry.actor.kind);
    pairs.text(key::ACTOR_ID, &entry.actor.id);
    pairs.text(key::ACTOR_NAME, &entry.actor.name);
    pairs.text(key::ON_BEHALF_OF, &entry.on_behalf_of);
    pairs.text(key::OBJECT_ID, &entry.object.id);
    pairs.text(key::OBJECT_NAME, &entry.object.name);
    pairs.text(key::REQUEST_ID, &entry.request_id);
    pairs.text(key::CONFIGURATION_ID, &entry.configuration_id);
    if let Some(success) = entry.success {
        cbor::boolean(pairs.key(key::SUCCESS), success);
    }
    pairs.text(key::MESSAGE, &entry.message);
    pairs.time(key::STARTED, entry.started);
    pairs.time(key::FINISHED, entry.finished);
    if let Some(process) = &entry.process {
        pairs.text(key::PROCESS_ID, &process.id);
        pairs.text(key::PROCESS_PARENT, &process.parent);
        cbor::unsigned(pairs.key(key::PROCESS_EVENT), u64::from(process.event.number()));
    }
    if let Some(artifact) = &entry.artifact {
        cbor::bytes(pairs.key(key::ARTIFACT_SHA256), &artifact.sha256);
        pairs.text(key::ARTIFACT_NAME, &artifact.name);
        pairs.text(key::ARTIFACT_MEDIA_TYPE, &artifact.media_type);
        if let Some(size) = artifact.size {
            cbor::unsigned(pairs.key(key::ARTIFACT_SIZE), size);
        }
    }
    // An empty text is an absent one, here too.
    if entry.attributes.iter().any(|(_, value)| !value.is_empty()) {
        write_attributes(&entry.attributes, pairs.key(key::ATTRIBUTES))?;
    }
    if let Some(control) = control {
        pairs.key(key::CONTROL).extend_from_slice(control);
    }
    let count = pairs.count;
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    Ok(PartLengths {
        id_bytes: length(id_end - start),
        rest_bytes: length(out.len() - id_end),
        pair_count: count,
    })
}

/// Keys in the bytewise order of their encodings (RFC 8949 §4.2.1): for texts, shorter first, then bytes.
fn write_attributes(
    attributes: &[(Cow<'_, str>, Cow<'_, str>)],
    out: &mut Vec<u8>,
) -> Result<(), FieldError> {
    let by_encoding = |a: &str, b: &str| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
    let mut sorted: Vec<&(Cow<'_, str>, Cow<'_, str>)> = attributes.iter().collect();
    if !attributes.is_sorted_by(|(a, _), (b, _)| by_encoding(a, b).is_lt()) {
        sorted.sort_by(|(a, _), (b, _)| by_encoding(a, b));
    }
    for pair in sorted.windows(2) {
        if pair[0].0 == pair[1].0 {
            return Err(FieldError::new(
                "attributes",
                "each key once",
                format!("the key {} twice", FieldError::quote(&pair[0].0)),
            ));
        }
    }
    sorted.retain(|(_, value)| !value.is_empty());
    cbor::map(out, sorted.len());
    for (key, value) in sorted {
        cbor::text(out, key);
        cbor::text(out, value);
    }
    Ok(())
}

/// Appends the whole record: the producer's part with the fields the engine adds.
pub fn assemble(parts: Parts<'_>, tenant_seq: u64, logged_by: &str, artifact_held: bool, out: &mut Vec<u8>) {
    cbor::map(out, usize::from(parts.pair_count) + 3 + usize::from(artifact_held));
    cbor::unsigned(out, key::VERSION);
    cbor::unsigned(out, RECORD_VERSION);
    cbor::unsigned(out, key::TENANT_SEQ);
    cbor::unsigned(out, tenant_seq);
    out.extend(parts.id);
    cbor::unsigned(out, key::LOGGED_BY);
    cbor::text(out, logged_by);
    out.extend(parts.rest);
    if artifact_held {
        cbor::unsigned(out, key::ARTIFACT_HELD);
        cbor::boolean(out, true);
    }
}

/// Appends a record whose fields are known: the bytes that [`decode`] gave them for. `scratch` is room.
///
/// # Errors
/// An attribute key given twice.
pub fn encode(record: &Record<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), FieldError> {
    scratch.clear();
    let lengths = write_parts(&record.entry, record.control, scratch)?;
    let (id, rest) = scratch.split_at(lengths.id_bytes as usize);
    let parts = Parts { id, rest, pair_count: lengths.pair_count };
    assemble(parts, record.tenant_seq, record.logged_by, record.artifact_held, out);
    Ok(())
}

/// A decoded record; texts point into its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// Position among the tenant's entries in its chain.
    pub tenant_seq: u64,
    /// The instance that committed it.
    pub logged_by: &'a str,
    /// What the producer sent.
    pub entry: Entry<'a>,
    /// The store had the artifact when the entry was committed.
    pub artifact_held: bool,
    /// The control map of kinds 1 to 7, still encoded.
    pub control: Option<&'a [u8]>,
}

/// Decodes a record. Refuses any second encoding of the same record, and any record without what each one has; lengths
/// of texts, which the model bounds at the door, are not checked again.
///
/// # Errors
/// Where the bytes stop being a record, and what was expected there.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, CborError> {
    let mut reader = Reader::new(bytes);
    let pair_count = reader.map()?;
    let mut entry = Entry::default();
    let mut record_severity = None;
    let (mut version, mut tenant_seq, mut logged_by, mut control) = (None, None, "", None);
    let mut process: Option<Process<'_>> = None;
    let mut event = None;
    let mut artifact: Option<Artifact<'_>> = None;
    let mut artifact_held = false;
    let mut previous_key = None;
    for _ in 0..pair_count {
        let start = reader.clone();
        let key = reader.unsigned()?;
        if previous_key.is_some_and(|previous| key <= previous) {
            return Err(start.error("a key above the one before"));
        }
        previous_key = Some(key);
        match key {
            key::VERSION => version = Some(reader.unsigned()?),
            key::TENANT_SEQ => tenant_seq = Some(reader.unsigned()?),
            key::ID => entry.id = present(&mut reader)?,
            key::LOGGED_BY => logged_by = reader.text()?,
            key::TENANT => entry.tenant = present(&mut reader)?,
            key::ORGANIZATION => entry.organization = present(&mut reader)?,
            key::SERVICE => entry.service = present(&mut reader)?,
            key::GENERATED_AT => entry.generated_at = Some(Timestamp::from_nanos(reader.signed()?)),
            key::SEVERITY => {
                let start = reader.clone();
                let class = reader.unsigned()?;
                record_severity =
                    Some(Severity::from_class(class).ok_or_else(|| start.error("a severity class 1..=6"))?);
            }
            key::ACTIVITY => entry.activity = present(&mut reader)?,
            key::ACTOR_TYPE => entry.actor.kind = present(&mut reader)?,
            key::ACTOR_ID => entry.actor.id = present(&mut reader)?,
            key::ACTOR_NAME => entry.actor.name = present(&mut reader)?,
            key::ON_BEHALF_OF => entry.on_behalf_of = present(&mut reader)?,
            key::OBJECT_ID => entry.object.id = present(&mut reader)?,
            key::OBJECT_NAME => entry.object.name = present(&mut reader)?,
            key::REQUEST_ID => entry.request_id = present(&mut reader)?,
            key::CONFIGURATION_ID => entry.configuration_id = present(&mut reader)?,
            key::SUCCESS => entry.success = Some(reader.boolean()?),
            key::MESSAGE => entry.message = present(&mut reader)?,
            key::STARTED => entry.started = Some(Timestamp::from_nanos(reader.signed()?)),
            key::FINISHED => entry.finished = Some(Timestamp::from_nanos(reader.signed()?)),
            key::PROCESS_ID => {
                let id = present(&mut reader)?;
                process = Some(Process { id, parent: Cow::Borrowed(""), event: ProcessEvent::default() });
            }
            key::PROCESS_PARENT => {
                let start = reader.clone();
                let parent = present(&mut reader)?;
                process.as_mut().ok_or_else(|| start.error("a process ID before its parent"))?.parent =
                    parent;
            }
            key::PROCESS_EVENT => {
                let start = reader.clone();
                let number = reader.unsigned()?;
                event = ProcessEvent::from_number(number);
                match (&mut process, event) {
                    (Some(process), Some(event)) => process.event = event,
                    _ => return Err(start.error("a process event 1..=6 after a process ID")),
                }
            }
            key::ARTIFACT_SHA256 => {
                let sha256 = reader.fixed()?;
                artifact = Some(Artifact { sha256, name: "".into(), media_type: "".into(), size: None });
            }
            key::ARTIFACT_NAME | key::ARTIFACT_MEDIA_TYPE | key::ARTIFACT_SIZE => {
                let start = reader.clone();
                let artifact =
                    artifact.as_mut().ok_or_else(|| start.error("an artifact's hash before its name"))?;
                match key {
                    key::ARTIFACT_NAME => artifact.name = present(&mut reader)?,
                    key::ARTIFACT_MEDIA_TYPE => artifact.media_type = present(&mut reader)?,
                    _ => artifact.size = Some(reader.unsigned()?),
                }
            }
            key::ATTRIBUTES => entry.attributes = read_attributes(&mut reader)?,
            key::ARTIFACT_HELD => {
                let start = reader.clone();
                artifact_held = reader.boolean()?;
                if !artifact_held || artifact.is_none() {
                    return Err(start.error("true, after an artifact's hash"));
                }
            }
            key::CONTROL => {
                let from = reader.offset();
                reader.skip(8)?;
                control = Some(&bytes[from..reader.offset()]);
            }
            _ => return Err(start.error("a key of record version 1")),
        }
    }
    reader.end()?;
    if version != Some(RECORD_VERSION) {
        return Err(CborError { offset: 0, expected: "record version 1" });
    }
    if process.is_some() != event.is_some() {
        return Err(CborError { offset: 0, expected: "a process ID and event together" });
    }
    // A control record has no severity; every other has one.
    if record_severity.is_none() != control.is_some() {
        return Err(CborError { offset: 0, expected: "a severity, or a control map in its place" });
    }
    entry.severity = record_severity.unwrap_or_default();
    entry.process = process;
    entry.artifact = artifact;
    match tenant_seq {
        Some(tenant_seq)
            if ![logged_by, &entry.tenant, &entry.service, &entry.activity]
                .iter()
                .any(|text| text.is_empty()) =>
        {
            Ok(Record { tenant_seq, logged_by, entry, artifact_held, control })
        }
        _ => Err(CborError { offset: 0, expected: "a tenant_seq, logged_by, tenant, service and activity" }),
    }
}

/// A text that is not empty: the encoder leaves empty ones out.
fn present<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, CborError> {
    let start = reader.clone();
    match reader.text()? {
        "" => Err(start.error("a text that is not empty")),
        text => Ok(Cow::Borrowed(text)),
    }
}

#[expect(clippy::type_complexity, reason = "the attributes of Entry, borrowed")]
fn read_attributes<'a>(reader: &mut Reader<'a>) -> Result<Vec<(Cow<'a, str>, Cow<'a, str>)>, CborError> {
    let start = reader.clone();
    let count = reader.map()?;
    if !(1..=limits::ATTRIBUTE_COUNT_MAX).contains(&count) {
        return Err(start.error("1 to 64 attributes"));
    }
    let mut attributes: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::with_capacity(count);
    for _ in 0..count {
        let start = reader.clone();
        let key = reader.text()?;
        if key.is_empty() {
            return Err(start.error("an attribute key that is not empty"));
        }
        let above = attributes.last().is_none_or(|(last, _)| (last.len(), &**last) < (key.len(), key));
        if !above {
            return Err(start.error("attribute keys in ascending order"));
        }
        attributes.push((Cow::Borrowed(key), present(reader)?));
    }
    Ok(attributes)
}

/// The fields that the index of an open segment needs, read without decoding the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// How grave the entry is.
    pub severity: Severity,
}

/// Reads what the index needs from a record that was verified or encoded by this engine.
///
/// # Errors
/// As [`decode`], as far as it reads.
pub fn glance(bytes: &[u8]) -> Result<Glance, CborError> {
    let mut reader = Reader::new(bytes);
    for _ in 0..reader.map()? {
        match reader.unsigned()? {
            key::SEVERITY => {
                let start = reader.clone();
                let class = reader.unsigned()?;
                let severity =
                    Severity::from_class(class).ok_or_else(|| start.error("a severity class 1..=6"))?;
                return Ok(Glance { severity });
            }
            later if later > key::SEVERITY => break,
            _ => reader.skip(2)?,
        }
    }
    Ok(Glance { severity: Severity::default() })
}

/// Whether a record that was verified or encoded by this engine says that it belongs to a process; false for bytes that
/// are no record.
pub fn has_process(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    for _ in 0..reader.map().unwrap_or(0) {
        match reader.unsigned() {
            Ok(key::PROCESS_ID) => return true,
            Ok(..key::PROCESS_ID) if reader.skip(2).is_ok() => {}
            _ => return false,
        }
    }
    false
}

/// Whose entry a record is, read without decoding the rest.
///
/// # Errors
/// As [`decode`], as far as it reads.
pub fn tenant_of(bytes: &[u8]) -> Result<&str, CborError> {
    let mut reader = Reader::new(bytes);
    for _ in 0..reader.map()? {
        match reader.unsigned()? {
            key::TENANT => return reader.text(),
            later if later > key::TENANT => break,
            _ => reader.skip(2)?,
        }
    }
    Err(reader.error("a tenant"))
}

/// The producer's part of a record that this engine encoded: what an idempotency ID vouches for.
///
/// # Errors
/// As [`decode`], as far as it reads.
pub fn parts_of(bytes: &[u8]) -> Result<Parts<'_>, CborError> {
    let mut reader = Reader::new(bytes);
    let pair_count = reader.map()?;
    let (mut id, mut rest) = (0..0, bytes.len()..bytes.len());
    let mut engine_count = 0;
    for _ in 0..pair_count {
        let from = reader.offset();
        let key = reader.unsigned()?;
        reader.skip(8)?;
        match key {
            key::ID => id = from..reader.offset(),
            key::VERSION | key::TENANT_SEQ | key::LOGGED_BY => engine_count += 1,
            key::ARTIFACT_HELD => {
                engine_count += 1;
                rest.end = from;
            }
            _ => rest.start = rest.start.min(from),
        }
    }
    // Keys out of order: bytes that this engine did not encode.
    let rest = bytes.get(rest).ok_or_else(|| reader.error("keys in ascending order"))?;
    let producer_count = u8::try_from(pair_count - engine_count).unwrap_or(u8::MAX);
    Ok(Parts { id: &bytes[id], rest, pair_count: producer_count })
}

/// The text of one encoded pair; none if the slice is empty.
pub fn text_of_pair(pair: &[u8]) -> Option<&str> {
    let mut reader = Reader::new(pair);
    reader.unsigned().ok()?;
    reader.text().ok()
}

/// Appends the producer's part of a control record (kinds 1 to 7): keys 10, 12, 15, 25 and 40.
pub fn encode_control_parts(
    service: &str,
    activity: &str,
    message: &str,
    control: &[u8],
    out: &mut Vec<u8>,
) -> PartLengths {
    let start = out.len();
    let mut pairs = PairWriter { out, count: 0 };
    pairs.text(key::TENANT, crate::model::SYSTEM_TENANT);
    pairs.text(key::SERVICE, service);
    pairs.text(key::ACTIVITY, activity);
    pairs.text(key::MESSAGE, message);
    pairs.key(key::CONTROL).extend(control);
    let pair_count = pairs.count;
    let rest_bytes = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    PartLengths { id_bytes: 0, rest_bytes, pair_count }
}

// The types that a record borrows stay small enough to move freely.
const _: () = assert!(size_of::<Actor<'_>>() + size_of::<Object<'_>>() <= 128);

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
