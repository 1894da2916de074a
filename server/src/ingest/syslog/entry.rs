//! What of a syslog message is which field of an entry.

use super::frame::{Frame, MESSAGE_BYTES_MAX};
use super::line::{self, Line};
use super::structured;
use super::template::Template;
use crate::ingest::context::Context;
use crate::ingest::gather::{Decoded, Gather};
use crate::ingest::problem::{Kind, Problem};
use jiff::tz::TimeZone;
use sealog_engine::hex;
use sealog_engine::model::{Entry, Timestamp};
use std::borrow::Cow;

/// What the configuration says of a listener's messages, beside the context's tenant and default service.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The service of a message.
    pub service: &'a Template,
    /// The zone of times without one; none if it is not known: then such a time is an attribute only.
    pub zone: Option<&'a TimeZone>,
}

/// Turns messages that came together into a batch.
///
/// The tenant is the context's only one; the service of messages whose template has no name for them is its default.
pub struct Decoder<'a> {
    origin: Origin<'a>,
    gather: Gather<'a>,
    failed: Option<Problem>,
}

impl<'a> Decoder<'a> {
    /// A batch without messages.
    pub fn new(origin: Origin<'a>, context: Context<'a>) -> Decoder<'a> {
        Decoder { origin, gather: Gather::new(context, 0, false), failed: None }
    }

    /// Adds a message; one that is empty is none. `peer` is the sender's address, empty if it is not known.
    pub fn push(&mut self, peer: &str, frame: Frame<'_>) {
        if frame.bytes.is_empty() || self.failed.is_some() {
            return;
        }
        self.failed = self.try_push(peer, frame).err();
    }

    fn try_push(&mut self, peer: &str, frame: Frame<'_>) -> Result<(), Problem> {
        let Some(record) = self.gather.begin()? else { return Ok(()) };
        let mut text = String::from_utf8_lossy(frame.bytes);
        // Each byte that is replaced takes three: what is cut here is in `raw.hex`, and both fit an entry together.
        if let Cow::Owned(text) = &mut text {
            text.truncate(text.floor_char_boundary(MESSAGE_BYTES_MAX));
        }
        let mut entry = match entry(&text, peer, &self.origin, &self.gather.context) {
            Ok(entry) => entry,
            Err(problem) => {
                self.gather.refuse(record, problem);
                return Ok(());
            }
        };
        // RFC 5424 §6.4 lets a message be any octets: what is no UTF-8 is replaced in the texts and kept in hex.
        if matches!(text, Cow::Owned(_)) {
            entry.attributes.push((Cow::Borrowed("raw.hex"), Cow::Owned(hex::encode(frame.bytes))));
        }
        if let Some(length) = frame.cut_from {
            entry.attributes.push((Cow::Borrowed("syslog.cut_from"), Cow::Owned(length.to_string())));
        }
        self.gather.push(record, &mut entry)
    }

    /// The batch.
    ///
    /// # Errors
    /// There were more messages than one batch may hold.
    pub fn finish(self) -> Result<Decoded, Problem> {
        match self.failed {
            None => Ok(self.gather.finish()),
            Some(problem) => Err(problem),
        }
    }
}

fn entry<'e>(
    text: &'e str,
    peer: &'e str,
    origin: &Origin<'e>,
    context: &Context<'e>,
) -> Result<Entry<'e>, Problem> {
    let line = Line::read(text);
    let mut entry = Entry { tenant: context.tenant(None, "[[syslog]].tenant")?, ..Entry::default() };
    let place = "[[syslog]].service";
    // A name that no service can have, because it is too long when escaped, is no reason to lose a message.
    let named = match context.service(origin.service.name(&line), place) {
        Err(problem) if problem.kind == Kind::Refused => context.service(None, place),
        named => named,
    };
    let (service, written) = named?;
    entry.service = service;
    let mut keep = |key: &'static str, value: Cow<'e, str>| {
        if !value.is_empty() {
            entry.attributes.push((Cow::Borrowed(key), value));
        }
    };
    let is_named = entry.service == line.program || written.as_deref() == Some(line.program);
    keep("service.name", written.unwrap_or_default());
    if let Some(priority) = line.priority {
        entry.severity = line::severity(priority);
        keep("syslog.priority", Cow::Owned(priority.to_string()));
        keep("syslog.facility", Cow::Borrowed(line::facility(priority)));
    }
    entry.generated_at = match (line.stamp, origin.zone) {
        (Some(stamp), Some(zone)) => stamp.instant(zone, context.received_at),
        (Some(_), None) => None,
        (None, _) => Timestamp::parse(line.time).ok(),
    };
    if !is_plain_utc(line.time) || entry.generated_at.is_none() {
        keep("syslog.time", Cow::Borrowed(line.time));
    }
    keep("host.name", Cow::Borrowed(line.host));
    keep("process.pid", Cow::Borrowed(line.process));
    keep("syslog.peer", Cow::Borrowed(peer));
    // A name that the service does not hold.
    if !is_named {
        keep("syslog.app", Cow::Borrowed(line.program));
    }
    match structured::parameters(line.structured) {
        Some(parameters) => {
            entry.attributes.extend(parameters.into_iter().map(|(key, value)| (key.into(), value.into())));
        }
        None => keep("syslog.structured_data", Cow::Borrowed(line.structured)),
    }
    entry.activity = Cow::Borrowed(if line.message_id.is_empty() { "log" } else { line.message_id });
    entry.message = Cow::Borrowed(line.content);
    Ok(entry)
}

/// Whether a time's text says no more than the instant: UTC, in the plain form, and no leap second.
fn is_plain_utc(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.last() == Some(&b'Z') && bytes.get(10) == Some(&b'T') && bytes.get(17) != Some(&b'6')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::context::Allowed;

    #[test]
    fn no_message_is_too_bad_to_be_taken() {
        let tenants = ["acme".to_owned()];
        let template = Template::parse("{app}").unwrap();
        let context = Context {
            tenants: Allowed::Only(&tenants),
            default_service: Some("syslog"),
            ..Context::unlimited(Timestamp::from_nanos(0))
        };
        let mut decoder = Decoder::new(Origin { service: &template, zone: None }, context);
        let bytes = [0xff; MESSAGE_BYTES_MAX];
        let text = "x".repeat(MESSAGE_BYTES_MAX);
        let name = format!("<13>1 - - {} - - - x", "/".repeat(48));
        let data = format!("<13>1 - - - - - [a b=\"{}\"]", "x".repeat(60_000));
        for message in [&bytes[..], text.as_bytes(), name.as_bytes(), data.as_bytes(), b"\xff", b"\0"] {
            decoder.push("192.0.2.7", Frame { bytes: message, cut_from: Some(1 << 40) });
        }
        let decoded = decoder.finish().unwrap();
        assert_eq!((decoded.batch.len(), decoded.refused), (6, Vec::new()));
    }
}
