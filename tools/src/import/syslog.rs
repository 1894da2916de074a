//! Syslog lines: RFC 5424, the BSD form that RFC 3164 describes, and any other text as it is.
//!
//! The server reads the parts of a line, as it does those of a sender; here they become an entry's fields. The BSD time
//! has no zone, and what is imported was not received just now, so it is no instant: it stays an attribute.

use super::Defaults;
use super::source::{head, is_plain_utc};
use sealog_engine::hex;
use sealog_engine::limits::{ACTIVITY_BYTES_MAX, MESSAGE_BYTES_MAX};
use sealog_engine::model::{Entry, Timestamp};
use sealog_server::ingest::syslog::{self, Line};
use std::borrow::Cow;

/// The attribute of a process number.
pub(super) const PROCESS: &str = "process.pid";

pub(super) fn map<'a>(line: &'a [u8], defaults: &Defaults) -> Result<Entry<'a>, String> {
    if line.is_empty() {
        return Err("line: expected a syslog message, found an empty line".to_owned());
    }
    match std::str::from_utf8(line) {
        Ok(text) => entry(text, defaults, Cow::Borrowed),
        Err(_) => {
            // RFC 5424 §6.4 lets a message be any octets: what is no UTF-8 is replaced in the texts and kept in hex.
            let text = String::from_utf8_lossy(line);
            let mut entry = entry(&text, defaults, |part| Cow::Owned(part.to_owned()))?;
            entry.attributes.push((Cow::Borrowed("raw.hex"), Cow::Owned(hex::encode(line))));
            Ok(entry)
        }
    }
}

fn entry<'s, 'a>(
    text: &'s str,
    defaults: &Defaults,
    own: fn(&'s str) -> Cow<'a, str>,
) -> Result<Entry<'a>, String> {
    let line = Line::rfc5424(text)
        .or_else(|| Line::bsd(text))
        .unwrap_or_else(|| Line { content: text, ..Line::default() });
    let mut entry =
        Entry { tenant: defaults.tenant(None, "the line (syslog has none)")?, ..Entry::default() };
    let service = (!line.program.is_empty()).then(|| own(line.program));
    defaults.set_service(&mut entry, service, "the line's program")?;
    entry.activity = if line.message_id.is_empty() { Cow::Borrowed("log") } else { own(line.message_id) };
    debug_assert!(entry.activity.len() <= ACTIVITY_BYTES_MAX, "a message ID has at most 32 bytes");
    entry.generated_at = Timestamp::parse(line.time).ok();
    let mut keep = |key: &'static str, value: Cow<'a, str>| {
        if !value.is_empty() {
            entry.attributes.push((Cow::Borrowed(key), value));
        }
    };
    if let Some(priority) = line.priority {
        entry.severity = syslog::severity(priority);
        keep("syslog.priority", Cow::Owned(priority.to_string()));
        keep("syslog.facility", Cow::Borrowed(syslog::facility(priority)));
    }
    if !is_plain_utc(line.time) || entry.generated_at.is_none() {
        keep("syslog.time", own(line.time));
    }
    keep("host.name", own(line.host));
    keep(PROCESS, own(line.process));
    match syslog::parameters(line.structured) {
        Some(parameters) => {
            entry.attributes.extend(parameters.into_iter().map(|(key, value)| (key.into(), value.into())))
        }
        None => keep("syslog.structured_data", own(line.structured)),
    }
    if line.content.len() > MESSAGE_BYTES_MAX {
        entry.attributes.push((Cow::Borrowed("syslog.message"), own(line.content)));
    }
    entry.message = head(own(line.content), MESSAGE_BYTES_MAX);
    Ok(entry)
}
