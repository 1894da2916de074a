//! What of a log record, its scope and its resource is which field of an entry.

use super::value::{Pair, Value};
use crate::ingest::context::Context;
use crate::ingest::gather::Gather;
use crate::ingest::problem::{Kind, Problem};
use sealog_engine::hex;
use sealog_engine::model::{Entry, Severity, Timestamp};
use std::borrow::Cow;

/// A log record as it is on the wire, in either form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record<'a> {
    pub(super) time: u64,
    pub(super) observed: u64,
    pub(super) severity_number: i64,
    pub(super) severity_text: Cow<'a, str>,
    pub(super) body: Value<'a>,
    pub(super) attributes: Vec<Pair<'a>>,
    pub(super) dropped: u64,
    pub(super) flags: u64,
    pub(super) trace_id: Option<[u8; 16]>,
    pub(super) span_id: Option<[u8; 8]>,
    pub(super) event_name: Cow<'a, str>,
}

impl<'a> Record<'a> {
    /// An empty record with the room that this one has.
    pub(super) fn clear(&mut self) {
        let mut attributes = std::mem::take(&mut self.attributes);
        attributes.clear();
        *self = Record { attributes, ..Record::default() };
    }
}

/// A resource, as its records need it.
#[derive(Clone, Debug)]
pub(super) struct Resource<'a> {
    tenant: Cow<'a, str>,
    service: Cow<'a, str>,
    attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// What the attributes of a resource begin with, and those of a scope.
const RESOURCE: &str = "resource.";
const SCOPE: &str = "scope.";

impl<'a> Resource<'a> {
    /// Takes tenant and service out of the attributes; the others get their prefix.
    pub(super) fn new(
        attributes: Vec<Pair<'a>>,
        dropped: u64,
        schema_url: &'a str,
        context: &Context<'a>,
    ) -> Result<Resource<'a>, Problem> {
        let (mut tenants, mut service) = ([None, None], None);
        let mut rest = Vec::with_capacity(attributes.len());
        for (key, value) in attributes {
            let value = value.into_text();
            let place = match &*key {
                "tenant.id" => &mut tenants[0],
                "tenant" => &mut tenants[1],
                "service.name" => &mut service,
                _ => {
                    rest.push((Cow::Owned(format!("{RESOURCE}{key}")), value));
                    continue;
                }
            };
            if place.is_none() && !value.is_empty() {
                *place = Some(value);
            } else {
                rest.push((Cow::Owned(format!("{RESOURCE}{key}")), value));
            }
        }
        let [first, second] = tenants;
        // Of two names for the tenant the first counts, and the other is kept.
        let found = match (first, second) {
            (Some(first), Some(second)) => {
                rest.push((Cow::Borrowed("resource.tenant"), second));
                Some(first)
            }
            (first, second) => first.or(second),
        };
        let tenant = context.tenant(found, "resource.attributes[tenant.id]")?;
        let (service, written) = context.service(service, "resource.attributes[service.name]")?;
        context.organization("", "resource.attributes")?;
        if let Some(written) = written {
            rest.push((Cow::Borrowed("resource.service.name"), written));
        }
        if dropped > 0 {
            rest.push((Cow::Borrowed("resource.dropped_attributes_count"), Cow::Owned(dropped.to_string())));
        }
        if !schema_url.is_empty() {
            rest.push((Cow::Borrowed("resource.schema_url"), Cow::Borrowed(schema_url)));
        }
        Ok(Resource { tenant, service, attributes: rest })
    }
}

/// A scope, as it is on the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) attributes: Vec<Pair<'a>>,
    pub(super) dropped: u64,
}

/// Turns the records of one scope into entries.
pub(super) struct Writer<'e> {
    scope_name: Cow<'e, str>,
    /// Reused: its first attributes are those of resource and scope.
    entry: Entry<'e>,
    shared: usize,
}

impl<'e> Writer<'e> {
    pub(super) fn new(resource: &'e Resource<'_>, scope: Scope<'e>, schema_url: &'e str) -> Writer<'e> {
        let mut attributes: Vec<(Cow<'e, str>, Cow<'e, str>)> =
            resource.attributes.iter().map(|(key, value)| (borrow(key), borrow(value))).collect();
        let mut keep = |key: Cow<'e, str>, value: Cow<'e, str>| {
            if !value.is_empty() {
                attributes.push((key, value));
            }
        };
        keep(Cow::Borrowed("scope.name"), scope.name.clone());
        keep(Cow::Borrowed("scope.version"), scope.version);
        for (key, value) in scope.attributes {
            keep(Cow::Owned(format!("{SCOPE}{key}")), value.into_text());
        }
        if scope.dropped > 0 {
            keep(Cow::Borrowed("scope.dropped_attributes_count"), Cow::Owned(scope.dropped.to_string()));
        }
        keep(Cow::Borrowed("scope.schema_url"), Cow::Borrowed(schema_url));
        let entry = Entry {
            tenant: borrow(&resource.tenant),
            service: borrow(&resource.service),
            ..Entry::default()
        };
        Writer { scope_name: scope.name, shared: attributes.len(), entry: Entry { attributes, ..entry } }
    }

    /// Adds the entry of one record, and leaves the record empty.
    pub(super) fn write(
        &mut self,
        number: u32,
        record: &mut Record<'e>,
        gather: &mut Gather<'_>,
    ) -> Result<(), Problem> {
        let entry = &mut self.entry;
        entry.attributes.truncate(self.shared);
        (entry.id, entry.request_id) = (Cow::Borrowed(""), Cow::Borrowed(""));
        entry.activity = std::mem::take(&mut record.event_name);
        for (key, value) in record.attributes.drain(..) {
            let field = match &*key {
                "event.name" => &mut entry.activity,
                // Semantic conventions, "General logs identification": records of one ID are the same record.
                "log.record.uid" => &mut entry.id,
                _ => {
                    let value = value.into_text();
                    if !value.is_empty() {
                        entry.attributes.push((key, value));
                    }
                    continue;
                }
            };
            let value = value.into_text();
            if field.is_empty() {
                *field = value;
            } else if !value.is_empty() && *field != value {
                entry.attributes.push((key, value));
            }
        }
        if entry.activity.is_empty() {
            entry.activity = match &self.scope_name {
                name if name.is_empty() => Cow::Borrowed("log"),
                name => name.clone(),
            };
        }
        let time = if record.time == 0 { record.observed } else { record.time };
        entry.generated_at = match i64::try_from(time) {
            Ok(0) => None,
            Ok(nanos) => Some(Timestamp::from_nanos(nanos)),
            Err(_) => {
                let problem = Problem::new(
                    Kind::Refused,
                    if record.time == 0 { "observed_time_unix_nano" } else { "time_unix_nano" },
                    "a time before 2262-04-11",
                    time.to_string(),
                );
                gather.refuse(number, problem);
                return Ok(());
            }
        };
        set_severity(entry, record);
        entry.message = std::mem::take(&mut record.body).into_text();
        if let Some(trace_id) = &record.trace_id {
            entry.request_id = Cow::Owned(hex::encode(trace_id));
        }
        let mut keep = |key: &'static str, value: String| {
            entry.attributes.push((Cow::Borrowed(key), Cow::Owned(value)));
        };
        if let Some(span_id) = &record.span_id {
            keep("span_id", hex::encode(span_id));
        }
        if record.flags != 0 {
            keep("trace_flags", format!("{:02x}", record.flags));
        }
        if record.observed != 0 && record.time != 0 && record.observed != record.time {
            match i64::try_from(record.observed) {
                Ok(nanos) => keep("observed_time", Timestamp::from_nanos(nanos).to_string()),
                Err(_) => keep("observed_time", record.observed.to_string()),
            }
        }
        if record.dropped > 0 {
            keep("dropped_attributes_count", record.dropped.to_string());
        }
        gather.push(number, entry)
    }
}

/// The class of a severity number (OpenTelemetry log data model, "Severity Fields"); what the class does not say is kept.
fn set_severity<'e>(entry: &mut Entry<'e>, record: &mut Record<'e>) {
    const LOWEST: [(i64, Severity, &str); 6] = [
        (21, Severity::Fatal, "FATAL"),
        (17, Severity::Error, "ERROR"),
        (13, Severity::Warning, "WARN"),
        (9, Severity::Information, "INFO"),
        (5, Severity::Debug, "DEBUG"),
        (1, Severity::Trace, "TRACE"),
    ];
    let text = std::mem::take(&mut record.severity_text);
    let number = record.severity_number;
    let class = LOWEST.iter().find(|(lowest, ..)| (*lowest..=24).contains(&number));
    let said = match class {
        Some((lowest, severity, name)) => {
            entry.severity = *severity;
            if number != *lowest {
                entry.attributes.push((Cow::Borrowed("severity_number"), Cow::Owned(number.to_string())));
            }
            text.eq_ignore_ascii_case(name) || text == severity.name()
        }
        None => {
            // Not given, or a number that means nothing: then the text counts, if it is a class's name.
            entry.severity = Severity::parse(&text).unwrap_or_default();
            if number != 0 {
                entry.attributes.push((Cow::Borrowed("severity_number"), Cow::Owned(number.to_string())));
            }
            text == entry.severity.name()
        }
    };
    if !said && !text.is_empty() {
        entry.attributes.push((Cow::Borrowed("severity_text"), text));
    }
}

fn borrow(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
