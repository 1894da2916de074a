//! `ExportLogsServiceRequest` as JSON (OTLP, "JSON Protobuf Encoding"): 64-bit integers as texts or numbers, IDs in hex,
//! enumerations as numbers, bytes as base64, unknown fields ignored.
//!
//! Records are read one at a time: what holds them is first only walked over, so that a small body never unfolds to a
//! large tree, and so that a resource may stand behind its records.

use super::record::{Record, Resource, Scope, Writer};
use super::value::{Pair, Value};
use crate::ingest::RECORD_BYTES_MAX;
use crate::ingest::base64::from_base64;
use crate::ingest::context::Context;
use crate::ingest::gather::{Decoded, Gather};
use crate::ingest::problem::{Kind, Problem};
use sealog_engine::model::FieldError;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

pub(super) fn decode(body: &[u8], context: Context<'_>) -> Result<Decoded, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        Problem::new(Kind::Malformed, "", "UTF-8", format!("the byte 0x{:02x}", body[at])).at_byte(at)
    })?;
    let mut gather = Gather::new(context, body.len(), false);
    let document = Document(text);
    let request: Request<'_> = document.read(text)?;
    document.each(request.resource_logs, "resourceLogs", &mut |logs| {
        resource_logs(&document, logs, &mut gather)
    })?;
    Ok(gather.finish())
}

fn resource_logs<'a>(document: &Document<'a>, text: &'a str, gather: &mut Gather<'a>) -> Result<(), Problem> {
    let logs: ResourceLogs<'a> = document.read(text)?;
    let held: HeldResource<'a> = document.read_small(logs.resource, "resource")?;
    let attributes = pairs(held.attributes);
    let resource = Resource::new(attributes, held.dropped.0, &logs.schema_url, &gather.context);
    document.each(logs.scope_logs, "scopeLogs", &mut |logs| scope_logs(document, logs, &resource, gather))
}

fn scope_logs<'a>(
    document: &Document<'a>,
    text: &'a str,
    resource: &Result<Resource<'_>, Problem>,
    gather: &mut Gather<'_>,
) -> Result<(), Problem> {
    let logs: ScopeLogs<'a> = document.read(text)?;
    let held: HeldScope<'a> = document.read_small(logs.scope, "scope")?;
    let scope = Scope {
        name: held.name.0,
        version: held.version.0,
        attributes: pairs(held.attributes),
        dropped: held.dropped.0,
    };
    let mut writer = resource.as_ref().map(|resource| Writer::new(resource, scope, &logs.schema_url));
    document.each(logs.log_records, "logRecords", &mut |text| {
        let Some(number) = gather.begin()? else { return Ok(()) };
        if text.len() > RECORD_BYTES_MAX {
            let found = text.len().to_string();
            let problem =
                Problem::new(Kind::Refused, "logRecords", format!("at most {RECORD_BYTES_MAX} bytes"), found);
            gather.refuse(number, problem);
            return Ok(());
        }
        let held: HeldRecord<'a> = document.read(text)?;
        match (held.into_record(), &mut writer) {
            (Err(problem), _) => gather.refuse(number, problem.at_byte(document.offset(text))),
            (Ok(_), Err(problem)) => gather.refuse(number, problem.clone()),
            (Ok(mut record), Ok(writer)) => writer.write(number, &mut record, gather)?,
        }
        Ok(())
    })
}

/// The body, so that an error in a piece of it has the place in the whole.
struct Document<'a>(&'a str);

impl<'a> Document<'a> {
    /// Where a piece of the body begins.
    fn offset(&self, piece: &str) -> usize {
        (piece.as_ptr() as usize).saturating_sub(self.0.as_ptr() as usize)
    }

    fn read<T: Deserialize<'a>>(&self, piece: &'a str) -> Result<T, Problem> {
        serde_json::from_str(piece).map_err(|error| self.problem(piece, &error))
    }

    /// Reads what may be absent, and is no larger than a record may be, because it becomes a part of each of them.
    fn read_small<T: Deserialize<'a> + Default>(
        &self,
        piece: Option<&'a RawValue>,
        place: &'static str,
    ) -> Result<T, Problem> {
        let Some(piece) = piece.map(RawValue::get).filter(|piece| *piece != "null") else {
            return Ok(T::default());
        };
        if piece.len() > RECORD_BYTES_MAX {
            let expected = format!("at most {RECORD_BYTES_MAX} bytes");
            return Err(Problem::new(Kind::Refused, place, expected, piece.len().to_string()));
        }
        self.read(piece).map_err(|problem| problem.within(place))
    }

    /// Calls `tell` with each element of a list.
    fn each(
        &self,
        list: Option<&'a RawValue>,
        place: &'static str,
        tell: &mut dyn FnMut(&'a str) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let Some(list) = list else { return Ok(()) };
        let (mut index, mut stopped) = (0, None);
        let elements = Elements(&mut |element: &'a str| {
            let told = tell(element).map_err(|problem| problem.within(format_args!("{place}[{index}]")));
            index += 1;
            told.map_err(|problem| stopped = Some(problem)).is_ok()
        });
        let read = (&mut serde_json::Deserializer::from_str(list.get())).deserialize_any(elements);
        match (stopped, read) {
            (Some(problem), _) => Err(problem),
            (None, Err(error)) => Err(self.problem(list.get(), &error).within(place)),
            (None, Ok(())) => Ok(()),
        }
    }

    fn problem(&self, piece: &str, error: &serde_json::Error) -> Problem {
        let before: usize =
            piece.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = self.offset(piece) + (before + error.column().saturating_sub(1)).min(piece.len());
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        let (found, expected) = match text.split_once(", expected ") {
            Some((found, expected)) => (found.to_owned(), expected.to_owned()),
            None => (text.to_owned(), "OTLP's JSON form".to_owned()),
        };
        Problem::new(Kind::Malformed, "", expected, found).at_byte(at)
    }
}

/// Hands over the elements of a list as they are written; `null` is an empty list.
struct Elements<'f, 'a>(&'f mut dyn FnMut(&'a str) -> bool);

impl<'a> Visitor<'a> for Elements<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<&'a RawValue>()? {
            if !(self.0)(element.get()) {
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, default, rename = "resourceLogs")]
    resource_logs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ResourceLogs<'a> {
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "scopeLogs")]
    scope_logs: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "schemaUrl")]
    schema_url: Text<'a>,
}

#[derive(Default, Deserialize)]
struct HeldResource<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<KeyValue<'a>>,
    #[serde(default, rename = "droppedAttributesCount")]
    dropped: Natural,
}

#[derive(Deserialize)]
struct ScopeLogs<'a> {
    #[serde(borrow, default)]
    scope: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "logRecords")]
    log_records: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "schemaUrl")]
    schema_url: Text<'a>,
}

#[derive(Default, Deserialize)]
struct HeldScope<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<KeyValue<'a>>,
    #[serde(default, rename = "droppedAttributesCount")]
    dropped: Natural,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeldRecord<'a> {
    #[serde(default)]
    time_unix_nano: Natural,
    #[serde(default)]
    observed_time_unix_nano: Natural,
    #[serde(default)]
    severity_number: Whole,
    #[serde(borrow, default)]
    severity_text: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    body: AnyValue<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<KeyValue<'a>>,
    #[serde(default)]
    dropped_attributes_count: Natural,
    #[serde(default)]
    flags: Natural,
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    event_name: Text<'a>,
}

impl<'a> HeldRecord<'a> {
    /// The record, or why it is refused.
    fn into_record(self) -> Result<Record<'a>, Problem> {
        Ok(Record {
            time: self.time_unix_nano.0,
            observed: self.observed_time_unix_nano.0,
            severity_number: self.severity_number.0,
            severity_text: self.severity_text.0,
            body: self.body.0,
            attributes: pairs(self.attributes),
            dropped: self.dropped_attributes_count.0,
            flags: self.flags.0,
            trace_id: id(&self.trace_id, "traceId")?,
            span_id: id(&self.span_id, "spanId")?,
            event_name: self.event_name.0,
        })
    }
}

/// An ID in hex, in either case; none or only zeros is no ID.
fn id<const N: usize>(text: &str, place: &'static str) -> Result<Option<[u8; N]>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let id: Option<[u8; N]> = sealog_engine::hex::decode(&text.to_ascii_lowercase());
    match id {
        Some(id) => Ok((id != [0; N]).then_some(id)),
        None => {
            Err(Problem::new(Kind::Refused, place, format!("{} hex digits", 2 * N), FieldError::quote(text)))
        }
    }
}

fn pairs(list: Vec<KeyValue<'_>>) -> Vec<Pair<'_>> {
    list.into_iter().map(|pair| (pair.key.0, pair.value.0)).collect()
}

/// `null` is the default, as in every JSON form of Protocol Buffers.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct KeyValue<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    value: AnyValue<'a>,
}

/// A text, borrowed where the JSON has no escapes.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// An integer from 0 on, as a number or as a text.
#[derive(Default)]
struct Natural(u64);

/// An integer, as a number or as a text.
#[derive(Default)]
struct Whole(i64);

macro_rules! integer {
    ($name:ident, $type:ty, $expected:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct NumberVisitor;
                impl Visitor<'_> for NumberVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_unit<E>(self) -> Result<$name, E> {
                        Ok($name::default())
                    }
                    fn visit_u64<E: Error>(self, value: u64) -> Result<$name, E> {
                        let wrong = |_| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self);
                        <$type>::try_from(value).map($name).map_err(wrong)
                    }
                    fn visit_i64<E: Error>(self, value: i64) -> Result<$name, E> {
                        let wrong = |_| E::invalid_value(serde::de::Unexpected::Signed(value), &self);
                        <$type>::try_from(value).map($name).map_err(wrong)
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        let wrong = |_| E::invalid_value(serde::de::Unexpected::Str(text), &self);
                        text.parse().map($name).map_err(wrong)
                    }
                }
                deserializer.deserialize_any(NumberVisitor)
            }
        }
    };
}

integer!(Natural, u64, "an integer from 0 on, as a number or as a text");
integer!(Whole, i64, "an integer, as a number or as a text");

/// `{"stringValue": …}` and its kin.
#[derive(Default)]
struct AnyValue<'a>(Value<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for AnyValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = AnyValue<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object such as {\"stringValue\": \"…\"}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AnyValue<'de>, A::Error> {
                let mut value = Value::Absent;
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match &*key {
                        "stringValue" => value = Value::Text(map.next_value::<Text<'de>>()?.0),
                        "boolValue" => {
                            value = map.next_value::<Option<bool>>()?.map_or(Value::Absent, Value::Boolean)
                        }
                        "intValue" => value = Value::Integer(map.next_value::<Whole>()?.0),
                        "doubleValue" => value = Value::Double(map.next_value::<Double>()?.0),
                        "bytesValue" => {
                            let text = map.next_value::<Text<'de>>()?;
                            let bytes = from_base64(&text).ok_or_else(|| {
                                A::Error::invalid_value(serde::de::Unexpected::Str(&text), &"base64")
                            })?;
                            value = Value::Bytes(Cow::Owned(bytes));
                        }
                        "arrayValue" => {
                            let list = map.next_value::<Values<AnyValue<'de>>>()?.values;
                            value = Value::List(list.into_iter().map(|value| value.0).collect());
                        }
                        "kvlistValue" => {
                            value = Value::Map(pairs(map.next_value::<Values<KeyValue<'de>>>()?.values))
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(AnyValue(value))
            }
        }
        deserializer.deserialize_map(ValueVisitor)
    }
}

/// `{"values": […]}`
#[derive(Deserialize)]
struct Values<T> {
    #[serde(default = "Vec::new")]
    values: Vec<T>,
}

/// A double, as a number, or as a text, which is how what is no number is written.
struct Double(f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DoubleVisitor;
        impl Visitor<'_> for DoubleVisitor {
            type Value = Double;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Double, E> {
                Ok(Double(value))
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "the field is a double, however its number is written"
            )]
            fn visit_u64<E>(self, value: u64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "the field is a double, however its number is written"
            )]
            fn visit_i64<E>(self, value: i64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Double, E> {
                text.parse()
                    .map(Double)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(DoubleVisitor)
    }
}
