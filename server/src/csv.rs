//! Entries as comma-separated values (RFC 4180): a fixed header, all fields, `attributes` as JSON.
//!
//! A text that a spreadsheet would run as a formula gets a leading apostrophe (OWASP, "CSV Injection").

use sealog_engine::hex;
use sealog_engine::model::{Committed, Timestamp};
use std::borrow::Cow;
use std::io::{self, Write};

/// The header.
pub const COLUMNS: [&str; 31] = [
    "service",
    "seq",
    "tenant",
    "tenant_seq",
    "logged_at",
    "logged_by",
    "organization",
    "id",
    "generated_at",
    "severity",
    "activity",
    "actor_type",
    "actor_id",
    "actor_name",
    "on_behalf_of",
    "object_id",
    "object_name",
    "request_id",
    "configuration_id",
    "success",
    "message",
    "started",
    "finished",
    "process_id",
    "process_parent",
    "process_event",
    "artifact_sha256",
    "artifact_name",
    "artifact_media_type",
    "artifact_size",
    "attributes",
];

/// Writes entries as CSV.
pub struct Writer<W: Write> {
    inner: ::csv::Writer<W>,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// The writer's.
    pub fn new(out: W) -> io::Result<Writer<W>> {
        let mut inner = ::csv::WriterBuilder::new()
            .terminator(::csv::Terminator::CRLF)
            // A note has one field.
            .flexible(true)
            .from_writer(out);
        inner.write_record(COLUMNS).map_err(writer_error)?;
        Ok(Writer { inner })
    }

    /// Writes one entry.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&mut self, committed: &Committed<'_>) -> io::Result<()> {
        let entry = &committed.entry;
        let time = |time: Option<Timestamp>| time.map_or(String::new(), |time| time.to_string());
        let process = entry.process.as_ref();
        let artifact = entry.artifact.as_ref();
        let attributes = if entry.attributes.is_empty() {
            String::new()
        } else {
            let pairs: serde_json::Map<String, serde_json::Value> = entry
                .attributes
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string().into()))
                .collect();
            serde_json::Value::from(pairs).to_string()
        };
        let fields: [Cow<'_, str>; COLUMNS.len()] = [
            guarded(&entry.service),
            committed.seq.to_string().into(),
            guarded(&entry.tenant),
            committed.tenant_seq.to_string().into(),
            committed.logged_at.to_string().into(),
            guarded(committed.logged_by),
            guarded(&entry.organization),
            guarded(&entry.id),
            time(entry.generated_at).into(),
            entry.severity.name().into(),
            guarded(&entry.activity),
            guarded(&entry.actor.kind),
            guarded(&entry.actor.id),
            guarded(&entry.actor.name),
            guarded(&entry.on_behalf_of),
            guarded(&entry.object.id),
            guarded(&entry.object.name),
            guarded(&entry.request_id),
            guarded(&entry.configuration_id),
            entry.success.map_or(String::new(), |success| success.to_string()).into(),
            guarded(&entry.message),
            time(entry.started).into(),
            time(entry.finished).into(),
            process.map_or(Cow::Borrowed(""), |process| guarded(&process.id)),
            process.map_or(Cow::Borrowed(""), |process| guarded(&process.parent)),
            process.map_or("", |process| process.event.name()).into(),
            artifact.map_or(String::new(), |artifact| hex::encode(&artifact.sha256)).into(),
            artifact.map_or(Cow::Borrowed(""), |artifact| guarded(&artifact.name)),
            artifact.map_or(Cow::Borrowed(""), |artifact| guarded(&artifact.media_type)),
            artifact.and_then(|artifact| artifact.size).map_or(String::new(), |size| size.to_string()).into(),
            guarded(&attributes).into_owned().into(),
        ];
        self.inner.write_record(fields.iter().map(|field| field.as_bytes())).map_err(writer_error)
    }

    /// Writes a line that is no entry: one field.
    ///
    /// # Errors
    /// The writer's.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.inner.write_record([guarded(text).as_bytes()]).map_err(writer_error)
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether a character could move a terminal's cursor, change colours, or reorder what is shown: C0 and C1 controls, DEL,
/// and the bidirectional controls of Unicode UAX #9 (and the marks that work alike).
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}' | '\u{2028}' | '\u{2029}')
}

/// The writer's own error: `From` would hide its kind, and with it that a pipe was closed.
fn writer_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A text that a spreadsheet shows and never runs, and that a terminal survives.
fn guarded(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    // Line ends are data that CSV quotes; other controls are escaped.
    let is_unsafe = |c: char| is_hostile(c) && !matches!(c, '\n' | '\r' | '\t');
    if !is_formula && !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    if is_formula {
        shown.push('\'');
    }
    for c in text.chars() {
        if is_unsafe(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealog_engine::model::Entry;

    #[test]
    fn formulas_quotes_and_controls() {
        let entry = Entry {
            tenant: "t".into(),
            service: "s".into(),
            activity: "=cmd|'/c calc'!A0".into(),
            message: "a,\"b\"\r\nc\x1b".into(),
            attributes: vec![("k".into(), "v".into())],
            ..Entry::default()
        };
        let committed =
            Committed { seq: 1, tenant_seq: 0, logged_at: Timestamp::from_nanos(0), logged_by: "l", entry };
        let mut out = Vec::new();
        {
            let mut writer = Writer::new(&mut out).unwrap();
            writer.write(&committed).unwrap();
            writer.finish().unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("'=cmd|'/c calc'!A0"), "{text}");
        assert!(text.contains("\"a,\"\"b\"\"\r\nc\\u{1b}\""), "{text}");
        assert!(text.contains("\"{\"\"k\"\":\"\"v\"\"}\""), "{text}");
        assert!(text.ends_with("\r\n"));
    }
}
