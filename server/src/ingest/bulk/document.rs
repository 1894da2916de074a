//! A document of the bulk API: which of its fields is which of an entry's.
//!
//! Nested objects are read as names with dots, because `{"log": {"level": "info"}}` and `{"log.level": "info"}` are the
//! same document. Two kinds of names are known: an entry's own, and those of the Elastic Common Schema. All others are
//! attributes, with numbers and lists as they are written.

use super::action::Text;
use crate::ingest::DEPTH_MAX;
use crate::ingest::context::Context;
use crate::ingest::problem::{Kind, Problem};
use sealog_engine::model::{Entry, Severity, Timestamp};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A field of a document with the value's text.
struct Field<'a> {
    key: Cow<'a, str>,
    value: Cow<'a, str>,
    /// Whether it is a text, and not a number, a truth value or a list.
    is_text: bool,
    is_list: bool,
}

/// Reads a document into an entry without a service.
pub(super) fn read<'a>(document: &'a [u8], context: &Context<'a>) -> Result<Entry<'a>, Problem> {
    let text = std::str::from_utf8(document).map_err(|error| {
        let at = error.valid_up_to();
        Problem::new(Kind::Malformed, format!("document, column {}", at + 1), "UTF-8", "other bytes")
    })?;
    let mut fields = Vec::new();
    flatten("", text.trim_ascii(), 0, &mut fields).map_err(|error| {
        let found = error.to_string();
        Problem::new(Kind::Malformed, "document", "a JSON object", found)
    })?;
    let mut entry = Entry::default();
    let (mut tenant, mut has_severity) = (None, false);
    for field in fields {
        match &*field.key {
            "tenant" if tenant.is_none() && field.is_text && !field.value.is_empty() => {
                tenant = Some(field.value);
            }
            "@timestamp" | "generated_at" if entry.generated_at.is_none() && !field.is_list => {
                let (time, is_plain) = time(&field);
                entry.generated_at = time;
                if !is_plain {
                    entry.attributes.push((field.key, field.value));
                }
            }
            // An ECS document has no other; programs that are not ECS's write the shorter ones.
            "log.level" | "severity" | "level" if !has_severity && field.is_text => {
                if let Some(severity) = Severity::parse(&field.value) {
                    (entry.severity, has_severity) = (severity, true);
                }
                if !has_severity || entry.severity.name() != field.value {
                    entry.attributes.push((field.key, field.value));
                }
            }
            "success"
                if entry.success.is_none() && matches!(&*field.value, "true" | "false") && !field.is_text =>
            {
                entry.success = Some(field.value == "true");
            }
            "event.outcome" if entry.success.is_none() && matches!(&*field.value, "success" | "failure") => {
                entry.success = Some(field.value == "success");
            }
            key => match place(&mut entry, key) {
                Some(place) if place.is_empty() && !field.is_list => *place = field.value,
                _ => entry.attributes.push((field.key, field.value)),
            },
        }
    }
    entry.tenant = context.tenant(tenant, "tenant")?;
    context.organization(&entry.organization, "organization")?;
    if entry.activity.is_empty() {
        entry.activity = Cow::Borrowed("log");
    }
    Ok(entry)
}

/// The text field of an entry that a field of a document is.
fn place<'e, 'a>(entry: &'e mut Entry<'a>, key: &str) -> Option<&'e mut Cow<'a, str>> {
    Some(match key {
        "message" => &mut entry.message,
        "activity" | "event.action" => &mut entry.activity,
        "actor.type" => &mut entry.actor.kind,
        "actor.id" | "user.id" => &mut entry.actor.id,
        "actor.name" | "user.name" => &mut entry.actor.name,
        "object.id" => &mut entry.object.id,
        "object.name" => &mut entry.object.name,
        "organization" => &mut entry.organization,
        "on_behalf_of" => &mut entry.on_behalf_of,
        "request_id" | "trace.id" => &mut entry.request_id,
        "configuration_id" => &mut entry.configuration_id,
        _ => return None,
    })
}

/// The time of a field, and whether the field says no more than it. Elasticsearch's `strict_date_optional_time` without
/// a zone is UTC, and a number is milliseconds since 1970.
fn time(field: &Field<'_>) -> (Option<Timestamp>, bool) {
    let text = &*field.value;
    if let Ok(millis) = text.parse::<i64>() {
        let time = millis.checked_mul(1_000_000).map(Timestamp::from_nanos);
        return (time, time.is_some());
    }
    if !field.is_text {
        return (None, false);
    }
    match Timestamp::parse(text) {
        Ok(time) => (Some(time), text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T')),
        Err(_) => (Timestamp::parse(&format!("{text}Z")).ok(), false),
    }
}

/// Appends the fields of an object, names of inner ones behind those of outer ones.
fn flatten<'a>(
    prefix: &str,
    object: &'a str,
    depth: usize,
    fields: &mut Vec<Field<'a>>,
) -> Result<(), serde_json::Error> {
    let Fields(pairs) = serde_json::from_str(object)?;
    for (key, value) in pairs {
        let key = if prefix.is_empty() { key } else { Cow::Owned(format!("{prefix}.{key}")) };
        let written = value.get();
        let mut push =
            |value, is_text, is_list| fields.push(Field { key: key.clone(), value, is_text, is_list });
        match written.as_bytes().first() {
            Some(b'"') => {
                let Text(text) = serde_json::from_str(written)?;
                push(text, true, false);
            }
            Some(b'{') if depth < DEPTH_MAX && written.len() > 2 => {
                flatten(&key, written, depth + 1, fields)?
            }
            Some(b'n') => {}
            Some(b'{' | b'[') => push(Cow::Borrowed(written), false, true),
            _ => push(Cow::Borrowed(written), false, false),
        }
    }
    Ok(())
}

/// The fields of an object in their order, values as they are written.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Entry<'_> {
        read(text.as_bytes(), &Context::unlimited(Timestamp::from_nanos(0))).unwrap()
    }

    fn attributes<'e>(entry: &'e Entry<'_>) -> Vec<(&'e str, &'e str)> {
        entry.attributes.iter().map(|(key, value)| (&**key, &**value)).collect()
    }

    #[test]
    fn nested_and_dotted_names_are_the_same() {
        let nested =
            document(r#"{"tenant":"t","log":{"level":"error"},"event":{"action":"a"},"x":{"y":{"z":1}}}"#);
        let dotted = document(r#"{"tenant":"t","log.level":"error","event.action":"a","x.y.z":1}"#);
        assert_eq!(nested, dotted);
        assert_eq!((nested.severity, &*nested.activity), (Severity::Error, "a"));
        assert_eq!(attributes(&nested), [("x.y.z", "1")]);
    }

    #[test]
    fn values_are_kept_as_they_are_written() {
        let entry = document(
            r#"{"tenant":"t","n":1.50,"big":123456789012345678901234567890,"l":[1, {"a":null}],"e":{},"f":false,"z":null,
                "user.id":17,"message":["a"]}"#,
        );
        assert_eq!(
            attributes(&entry),
            [
                ("n", "1.50"),
                ("big", "123456789012345678901234567890"),
                ("l", r#"[1, {"a":null}]"#),
                ("e", "{}"),
                ("f", "false"),
                ("message", r#"["a"]"#),
            ]
        );
        assert_eq!((&*entry.actor.id, &*entry.message, &*entry.activity), ("17", "", "log"));
    }

    #[test]
    fn times_are_those_of_elasticsearch() {
        let instant = Timestamp::parse("2026-11-21T14:05:06.123Z").unwrap();
        for (written, stays) in [
            (r#""2026-11-21T14:05:06.123Z""#, false),
            (r#""2026-11-21T15:05:06.123+01:00""#, true),
            (r#""2026-11-21T14:05:06.123""#, true),
            ("1795269906123", false),
            (r#""1795269906123""#, false),
        ] {
            let text = format!(r#"{{"tenant":"t","@timestamp":{written}}}"#);
            let entry = document(&text);
            assert_eq!(entry.generated_at, Some(instant), "{written}");
            assert_eq!(!entry.attributes.is_empty(), stays, "{written}");
        }
        let entry = document(r#"{"tenant":"t","@timestamp":"yesterday"}"#);
        assert_eq!((entry.generated_at, attributes(&entry)), (None, vec![("@timestamp", "yesterday")]));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let context = Context::unlimited(Timestamp::from_nanos(0));
        for bad in [&b"[]"[..], b"{", b"{\"a\":}", b"", b"\xff", b"{\"a\":1}x"] {
            assert_eq!(read(bad, &context).unwrap_err().kind, Kind::Malformed, "{bad:?}");
        }
        assert_eq!(read(b"{}", &context).unwrap_err().kind, Kind::Refused, "no tenant");
        let deep = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
        let entry = format!("{{\"tenant\":\"t\",\"d\":{deep}}}");
        assert_eq!(document(&entry).attributes.len(), 1);
    }
}
