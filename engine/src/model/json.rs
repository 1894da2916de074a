//! The JSON form of an entry: one flat object, read without allocating where a text has no escapes.
//!
//! Strict where silence would lose data: an unknown field, a field given twice and a wrong type are errors that name
//! the field. `null` is an absent field.

use super::{Actor, Artifact, Entry, FieldError, Object, Process, ProcessEvent, Severity, Timestamp};
use crate::hex;
use crate::limits;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Which fields a reader of entries accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// What a producer sends.
    Entry,
    /// The committed fields of an export too: `seq`, `tenant_seq` and `logged_by` are dropped, `logged_at` is kept as
    /// the attribute `imported.logged_at`.
    Export,
}

/// A text that is not an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not one JSON object, a field that the model does not know, given twice, or of the wrong type.
    #[error("column {column}: {detail}")]
    Syntax {
        /// 1-based byte in the text where reading stopped.
        column: usize,
        /// What was expected and found, and in which field.
        detail: String,
    },
}

/// Reads one JSON object.
///
/// Types, names and forms are checked here; lengths and required fields are checked by [`Entry::check`].
///
/// # Errors
/// Where the text stops being an entry, and what was expected there.
pub fn parse_entry(text: &[u8], accept: Accept) -> Result<Entry<'_>, JsonError> {
    // One pass over the line is quicker than serde_json's check of each text.
    let text = std::str::from_utf8(text).map_err(|error| JsonError::Syntax {
        column: error.valid_up_to() + 1,
        detail: "expected UTF-8, found another byte".to_owned(),
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = EntrySeed(accept).deserialize(&mut deserializer).and_then(|entry| {
        deserializer.end()?;
        Ok(entry)
    });
    parsed.map_err(|error| {
        let shown = error.to_string();
        // serde_json appends " at line L column C"; a record is one line, so the column says it all.
        let told = shown.rfind(" at line ").map_or(shown.as_str(), |end| &shown[..end]);
        let detail = if error.is_syntax() || error.is_eof() {
            // serde_json says what it wanted; what stands there is said here.
            let at = text.char_indices().map(|(at, _)| at).rfind(|at| *at < error.column()).unwrap_or(0);
            let found = match &text[at..] {
                "" => "nothing".to_owned(),
                _ if error.is_eof() => "the end of the line".to_owned(),
                rest => FieldError::quote(&rest.chars().take(24).collect::<String>()),
            };
            format!("expected one JSON object, found {found} ({told})")
        } else {
            told.to_owned()
        };
        JsonError::Syntax { column: error.column().max(1), detail }
    })
}

struct EntrySeed(Accept);

impl<'de> DeserializeSeed<'de> for EntrySeed {
    type Value = Entry<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entry<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed {
    type Value = Entry<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry<'de>, A::Error> {
        let mut entry = Entry::default();
        let mut imported_logged_at = None;
        let mut seen = Seen::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "tenant" => entry.tenant = seen.value(&mut map, 0, "tenant", text)?,
                "organization" => entry.organization = seen.value(&mut map, 1, "organization", text)?,
                "service" => entry.service = seen.value(&mut map, 2, "service", text)?,
                "id" => entry.id = seen.value(&mut map, 3, "id", text)?,
                "generated_at" => entry.generated_at = seen.value(&mut map, 4, "generated_at", time)?,
                "severity" => entry.severity = seen.value(&mut map, 5, "severity", severity)?,
                "activity" => entry.activity = seen.value(&mut map, 6, "activity", text)?,
                "actor" => entry.actor = seen.group(&mut map, 7, "actor", ActorVisitor)?,
                "on_behalf_of" => entry.on_behalf_of = seen.value(&mut map, 8, "on_behalf_of", text)?,
                "object" => entry.object = seen.group(&mut map, 9, "object", ObjectVisitor)?,
                "request_id" => entry.request_id = seen.value(&mut map, 10, "request_id", text)?,
                "configuration_id" => {
                    entry.configuration_id = seen.value(&mut map, 11, "configuration_id", text)?;
                }
                "success" => entry.success = seen.value(&mut map, 12, "success", boolean)?,
                "message" => entry.message = seen.value(&mut map, 13, "message", text)?,
                "started" => entry.started = seen.value(&mut map, 14, "started", time)?,
                "finished" => entry.finished = seen.value(&mut map, 15, "finished", time)?,
                "process" => entry.process = seen.group(&mut map, 16, "process", ProcessVisitor)?,
                "artifact" => entry.artifact = seen.group(&mut map, 17, "artifact", ArtifactVisitor)?,
                "attributes" => {
                    entry.attributes = seen.group(&mut map, 18, "attributes", AttributesVisitor)?;
                }
                "seq" if self.0 == Accept::Export => seen.value(&mut map, 19, "seq", number)?,
                "tenant_seq" if self.0 == Accept::Export => seen.value(&mut map, 20, "tenant_seq", number)?,
                "logged_by" if self.0 == Accept::Export => {
                    seen.value(&mut map, 21, "logged_by", text)?;
                }
                "logged_at" if self.0 == Accept::Export => {
                    imported_logged_at = seen.value(&mut map, 22, "logged_at", time)?;
                }
                "seq" | "tenant_seq" | "logged_by" | "logged_at" => {
                    return Err(A::Error::custom(format_args!(
                        "field `{key}` is set by the log when it commits: leave it out, or use `import --format ndjson`"
                    )));
                }
                unknown => {
                    return Err(A::Error::custom(format_args!(
                        "unknown field `{}`: expected a field of the record model; put free data under `attributes`",
                        FieldError::quote(unknown).trim_matches('"')
                    )));
                }
            }
        }
        if let Some(time) = imported_logged_at {
            const KEY: &str = "imported.logged_at";
            // An export of an import keeps the first commit time.
            if !entry.attributes.iter().any(|(key, _)| key == KEY) {
                entry.attributes.push((KEY.into(), time.to_string().into()));
            }
        }
        Ok(entry)
    }
}

/// The fields that an object has given so far.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    fn once<E: Error>(&mut self, bit: u32, name: &str) -> Result<(), E> {
        if self.0 & 1 << bit != 0 {
            return Err(E::custom(format_args!("field `{name}` is given twice")));
        }
        self.0 |= 1 << bit;
        Ok(())
    }

    /// Reads a plain value with `read`, which turns null into the field's absent value.
    fn value<'de, A: MapAccess<'de>, T>(
        &mut self,
        map: &mut A,
        bit: u32,
        name: &str,
        read: fn(Scalar<'de>) -> Result<T, Refused>,
    ) -> Result<T, A::Error> {
        self.once(bit, name)?;
        let scalar = map.next_value::<Scalar<'de>>().map_err(|error| at_field(name, &error))?;
        read(scalar).map_err(|refused| {
            A::Error::custom(format_args!(
                "field `{name}`: expected {}, found {}",
                refused.expected, refused.found
            ))
        })
    }

    /// Reads a nested object.
    fn group<'de, A: MapAccess<'de>, V>(
        &mut self,
        map: &mut A,
        bit: u32,
        name: &str,
        visitor: V,
    ) -> Result<V::Value, A::Error>
    where
        V: Visitor<'de> + Copy,
    {
        self.once(bit, name)?;
        map.next_value_seed(Group(visitor)).map_err(|error| at_field(name, &error))
    }
}

/// Names the field in an error that does not name one yet.
fn at_field<E: Error>(name: &str, error: &E) -> E {
    let detail = error.to_string();
    match detail.strip_prefix("field `") {
        Some(inner) => E::custom(format_args!("field `{name}.{inner}")),
        None if detail.starts_with("unknown field") => E::custom(format_args!("field `{name}`: {detail}")),
        None => E::custom(format_args!("field `{name}`: {detail}")),
    }
}

struct Group<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Group<V> {
    type Value = V::Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        // `any` lets the visitor take null as absent, and names what it finds instead.
        deserializer.deserialize_any(self.0)
    }
}

macro_rules! group_visitor {
    ($visitor:ident, $value:ty, $expected:literal, |$map:ident| $body:block) => {
        #[derive(Clone, Copy)]
        struct $visitor;
        impl<'de> Visitor<'de> for $visitor {
            type Value = $value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expected)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Default::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut $map: A) -> Result<Self::Value, A::Error> $body
        }
    };
}

group_visitor!(ActorVisitor, Actor<'de>, "an object with type, id and name", |map| {
    let mut actor = Actor::default();
    let mut seen = Seen::default();
    while let Some(Text(key)) = map.next_key()? {
        match &*key {
            "type" => actor.kind = seen.value(&mut map, 0, "type", text)?,
            "id" => actor.id = seen.value(&mut map, 1, "id", text)?,
            "name" => actor.name = seen.value(&mut map, 2, "name", text)?,
            unknown => return Err(unknown_key(unknown, "type, id, name")),
        }
    }
    Ok(actor)
});

group_visitor!(ObjectVisitor, Object<'de>, "an object with id and name", |map| {
    let mut object = Object::default();
    let mut seen = Seen::default();
    while let Some(Text(key)) = map.next_key()? {
        match &*key {
            "id" => object.id = seen.value(&mut map, 0, "id", text)?,
            "name" => object.name = seen.value(&mut map, 1, "name", text)?,
            unknown => return Err(unknown_key(unknown, "id, name")),
        }
    }
    Ok(object)
});

group_visitor!(ProcessVisitor, Option<Process<'de>>, "an object with id, parent and event", |map| {
    let mut process = Process { id: "".into(), parent: "".into(), event: ProcessEvent::default() };
    let mut seen = Seen::default();
    while let Some(Text(key)) = map.next_key()? {
        match &*key {
            "id" => process.id = seen.value(&mut map, 0, "id", text)?,
            "parent" => process.parent = seen.value(&mut map, 1, "parent", text)?,
            "event" => process.event = seen.value(&mut map, 2, "event", event)?,
            unknown => return Err(unknown_key(unknown, "id, parent, event")),
        }
    }
    Ok((seen.0 != 0).then_some(process))
});

group_visitor!(
    ArtifactVisitor,
    Option<Artifact<'de>>,
    "an object with sha256, name, media_type and size",
    |map| {
        let mut sha256 = None;
        let mut artifact = Artifact { sha256: [0; 32], name: "".into(), media_type: "".into(), size: None };
        let mut seen = Seen::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "sha256" => sha256 = seen.value(&mut map, 0, "sha256", digest)?,
                "name" => artifact.name = seen.value(&mut map, 1, "name", text)?,
                "media_type" => artifact.media_type = seen.value(&mut map, 2, "media_type", text)?,
                "size" => artifact.size = seen.value(&mut map, 3, "size", size)?,
                unknown => return Err(unknown_key(unknown, "sha256, name, media_type, size")),
            }
        }
        match sha256 {
            Some(sha256) => Ok(Some(Artifact { sha256, ..artifact })),
            None if seen.0 == 0 => Ok(None),
            None => Err(A::Error::custom(
                "field `sha256`: expected the file's SHA-256 as 64 hex digits, found none",
            )),
        }
    }
);

group_visitor!(AttributesVisitor, Vec<(Cow<'de, str>, Cow<'de, str>)>, "an object of texts", |map| {
    let mut pairs: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
    while let Some(Text(key)) = map.next_key()? {
        if pairs.len() == limits::ATTRIBUTE_COUNT_MAX {
            return Err(A::Error::custom(format_args!(
                "expected at most {} pairs, found more",
                limits::ATTRIBUTE_COUNT_MAX
            )));
        }
        // At most 64 pairs: looking through them is quicker than a set.
        if pairs.iter().any(|(known, _)| *known == key) {
            return Err(A::Error::custom(format_args!("field `{}` is given twice", printable(&key))));
        }
        let scalar = map.next_value::<Scalar<'de>>().map_err(|error| at_field(&printable(&key), &error))?;
        let value = text(scalar).map_err(|refused| {
            A::Error::custom(format_args!(
                "field `{}`: expected {}, found {}",
                printable(&key),
                refused.expected,
                refused.found
            ))
        })?;
        pairs.push((key, value));
    }
    Ok(pairs)
});

fn printable(key: &str) -> String {
    FieldError::quote(key).trim_matches('"').to_owned()
}

fn unknown_key<E: Error>(key: &str, expected: &str) -> E {
    E::custom(format_args!("unknown field `{}`: expected one of {expected}", printable(key)))
}

/// A text, borrowed where the JSON has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Any JSON value, as far as an error message needs it.
enum Scalar<'de> {
    Null,
    Text(Cow<'de, str>),
    Boolean(bool),
    Natural(u64),
    Number(String),
    List,
    Object,
}

impl<'de> serde::Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Null)
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Boolean(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Natural(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Number(value.to_string()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Number(value.to_string()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Scalar<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::List)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Object)
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl Scalar<'_> {
    fn refuse(&self, expected: impl Into<Cow<'static, str>>) -> Refused {
        let found = match self {
            Scalar::Null => "null".to_owned(),
            Scalar::Text(text) => format!("the text {}", FieldError::quote(text)),
            Scalar::Boolean(value) => format!("the boolean {value}"),
            Scalar::Natural(value) => format!("the number {value}"),
            Scalar::Number(value) => format!("the number {value}"),
            Scalar::List => "a list".to_owned(),
            Scalar::Object => "an object".to_owned(),
        };
        Refused { expected: expected.into(), found }
    }
}

/// A value that its field does not take.
struct Refused {
    expected: Cow<'static, str>,
    found: String,
}

fn text(scalar: Scalar<'_>) -> Result<Cow<'_, str>, Refused> {
    match scalar {
        Scalar::Text(text) => Ok(text),
        Scalar::Null => Ok(Cow::Borrowed("")),
        other => Err(other.refuse("a text")),
    }
}

fn boolean(scalar: Scalar<'_>) -> Result<Option<bool>, Refused> {
    match scalar {
        Scalar::Boolean(value) => Ok(Some(value)),
        Scalar::Null => Ok(None),
        other => Err(other.refuse("true or false")),
    }
}

fn number(scalar: Scalar<'_>) -> Result<(), Refused> {
    match scalar {
        Scalar::Natural(_) => Ok(()),
        other => Err(other.refuse("a number from 0 on")),
    }
}

fn size(scalar: Scalar<'_>) -> Result<Option<u64>, Refused> {
    match scalar {
        Scalar::Natural(size) => Ok(Some(size)),
        Scalar::Null => Ok(None),
        other => Err(other.refuse("a length in bytes")),
    }
}

fn time(scalar: Scalar<'_>) -> Result<Option<Timestamp>, Refused> {
    match &scalar {
        Scalar::Null => Ok(None),
        Scalar::Text(text) if text.is_empty() => Ok(None),
        Scalar::Text(text) => Timestamp::parse(text).map(Some).map_err(|error| match error {
            super::TimeError::Form(_) => {
                scalar.refuse("an RFC 3339 time such as 2026-11-21T14:05:06.123456789Z")
            }
            super::TimeError::Range(_) => scalar.refuse("a time from 1677-09-21 to 2262-04-11"),
        }),
        _ => Err(scalar.refuse("an RFC 3339 time")),
    }
}

fn severity(scalar: Scalar<'_>) -> Result<Severity, Refused> {
    match &scalar {
        Scalar::Null => Ok(Severity::default()),
        Scalar::Text(text) if text.is_empty() => Ok(Severity::default()),
        Scalar::Text(text) => Severity::parse(text).ok_or_else(|| scalar.refuse(Severity::EXPECTED)),
        _ => Err(scalar.refuse(Severity::EXPECTED)),
    }
}

fn event(scalar: Scalar<'_>) -> Result<ProcessEvent, Refused> {
    match &scalar {
        Scalar::Null => Ok(ProcessEvent::default()),
        Scalar::Text(text) if text.is_empty() => Ok(ProcessEvent::default()),
        Scalar::Text(text) => ProcessEvent::parse(text).ok_or_else(|| scalar.refuse(ProcessEvent::EXPECTED)),
        _ => Err(scalar.refuse(ProcessEvent::EXPECTED)),
    }
}

fn digest(scalar: Scalar<'_>) -> Result<Option<[u8; 32]>, Refused> {
    match &scalar {
        Scalar::Null => Ok(None),
        Scalar::Text(text) if text.is_empty() => Ok(None),
        Scalar::Text(text) => hex::decode(text).map(Some).ok_or_else(|| scalar.refuse("64 hex digits")),
        _ => Err(scalar.refuse("64 hex digits")),
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
