//! `ExportLogsServiceRequest` as protobuf (opentelemetry-proto, `logs.proto`), read in place and one record at a time.
//!
//! Fields that are not known are walked over. Fields may come in any order, so each message that others depend on is
//! walked over once for its own fields, which touches none of the bytes inside them, and then for the others.

use super::record::{Record, Resource, Scope, Writer};
use super::value::{Pair, Value};
use super::wire::{Field, Reader};
use crate::ingest::context::Context;
use crate::ingest::gather::{Decoded, Gather};
use crate::ingest::problem::{Kind, Problem};
use crate::ingest::{DEPTH_MAX, RECORD_BYTES_MAX};
use std::borrow::Cow;

pub(super) fn decode(body: &[u8], context: Context<'_>) -> Result<Decoded, Problem> {
    let mut gather = Gather::new(context, body.len(), false);
    let mut request = Reader::new(body);
    let mut index = 0;
    while let Some(field) = request.next()? {
        if field.number == 1 {
            field
                .message()
                .and_then(|message| resource_logs(message, &mut gather))
                .map_err(|problem| problem.within(format_args!("resource_logs[{index}]")))?;
            index += 1;
        }
    }
    Ok(gather.finish())
}

fn resource_logs<'a>(message: Reader<'a>, gather: &mut Gather<'a>) -> Result<(), Problem> {
    let (mut attributes, mut dropped, mut schema_url) = (Vec::new(), 0, "");
    let mut fields = message.clone();
    while let Some(field) = fields.next()? {
        match field.number {
            1 => {
                let mut resource = small(&field, "resource")?;
                while let Some(field) = resource.next().map_err(at("resource"))? {
                    match field.number {
                        1 => pair(&field, &mut attributes, "resource.attributes")?,
                        2 => dropped = field.varint().map_err(at("resource.dropped_attributes_count"))?,
                        _ => {}
                    }
                }
            }
            3 => schema_url = field.text().map_err(at("schema_url"))?,
            _ => {}
        }
    }
    // A resource that is refused takes all its records with it, each by itself.
    let resource = Resource::new(attributes, dropped, schema_url, &gather.context);
    let mut fields = message;
    let mut index = 0;
    while let Some(field) = fields.next()? {
        if field.number == 2 {
            field
                .message()
                .and_then(|message| scope_logs(message, &resource, gather))
                .map_err(|problem| problem.within(format_args!("scope_logs[{index}]")))?;
            index += 1;
        }
    }
    Ok(())
}

fn scope_logs<'a>(
    message: Reader<'a>,
    resource: &Result<Resource<'a>, Problem>,
    gather: &mut Gather<'_>,
) -> Result<(), Problem> {
    let (mut scope, mut schema_url) = (Scope::default(), "");
    let mut fields = message.clone();
    while let Some(field) = fields.next()? {
        match field.number {
            1 => scope = read_scope(small(&field, "scope")?)?,
            3 => schema_url = field.text().map_err(at("schema_url"))?,
            _ => {}
        }
    }
    let mut writer = resource.as_ref().map(|resource| Writer::new(resource, scope, schema_url));
    let mut record = Record::default();
    let mut fields = message;
    let mut index = 0;
    while let Some(field) = fields.next()? {
        if field.number == 2 {
            let within = |problem: Problem| problem.within(format_args!("log_records[{index}]"));
            let number = gather.begin()?;
            let read = field.message().and_then(|message| log_record(message, &mut record));
            match (number, read, &mut writer) {
                (Some(number), Err(problem), _) if problem.kind == Kind::Refused => {
                    gather.refuse(number, within(problem));
                }
                (_, Err(problem), _) => return Err(within(problem)),
                (None, Ok(()), _) => {}
                (Some(number), Ok(()), Err(problem)) => gather.refuse(number, problem.clone()),
                (Some(number), Ok(()), Ok(writer)) => writer.write(number, &mut record, gather)?,
            }
            index += 1;
        }
    }
    Ok(())
}

fn read_scope(mut message: Reader<'_>) -> Result<Scope<'_>, Problem> {
    let mut scope = Scope::default();
    while let Some(field) = message.next().map_err(at("scope"))? {
        match field.number {
            1 => scope.name = Cow::Borrowed(field.text().map_err(at("scope.name"))?),
            2 => scope.version = Cow::Borrowed(field.text().map_err(at("scope.version"))?),
            3 => pair(&field, &mut scope.attributes, "scope.attributes")?,
            4 => scope.dropped = field.varint().map_err(at("scope.dropped_attributes_count"))?,
            _ => {}
        }
    }
    Ok(scope)
}

fn log_record<'a>(mut message: Reader<'a>, record: &mut Record<'a>) -> Result<(), Problem> {
    record.clear();
    if message.len() > RECORD_BYTES_MAX {
        return Err(too_large("", message.len()));
    }
    while let Some(field) = message.next()? {
        match field.number {
            1 => record.time = field.fixed64().map_err(at("time_unix_nano"))?,
            // Enumerations are 32-bit and signed; others are as good as unknown.
            2 => {
                record.severity_number =
                    i64::from(low(field.varint().map_err(at("severity_number"))?).cast_signed())
            }
            3 => record.severity_text = Cow::Borrowed(field.text().map_err(at("severity_text"))?),
            5 => record.body = any_value(field.message().map_err(at("body"))?, 0).map_err(at("body"))?,
            6 => pair(&field, &mut record.attributes, "attributes")?,
            7 => record.dropped = field.varint().map_err(at("dropped_attributes_count"))?,
            8 => record.flags = u64::from(field.fixed32().map_err(at("flags"))?),
            9 => record.trace_id = id(&field).map_err(at("trace_id"))?,
            10 => record.span_id = id(&field).map_err(at("span_id"))?,
            11 => record.observed = field.fixed64().map_err(at("observed_time_unix_nano"))?,
            12 => record.event_name = Cow::Borrowed(field.text().map_err(at("event_name"))?),
            _ => {}
        }
    }
    Ok(())
}

/// An ID of `N` bytes; none or only zeros is no ID.
fn id<const N: usize>(field: &Field<'_>) -> Result<Option<[u8; N]>, Problem> {
    match field.bytes()? {
        [] => Ok(None),
        bytes => match <[u8; N]>::try_from(bytes) {
            Ok(id) if id == [0; N] => Ok(None),
            Ok(id) => Ok(Some(id)),
            Err(_) => {
                let expected = format!("{N} bytes");
                Err(field.refuse(Kind::Refused, expected, bytes.len().to_string()))
            }
        },
    }
}

fn pair<'a>(field: &Field<'a>, pairs: &mut Vec<Pair<'a>>, place: &'static str) -> Result<(), Problem> {
    let index = pairs.len();
    let pair = field.message().and_then(|message| key_value(message, 0));
    pairs.push(pair.map_err(|problem| problem.within(format_args!("{place}[{index}]")))?);
    Ok(())
}

fn key_value(mut message: Reader<'_>, depth: usize) -> Result<Pair<'_>, Problem> {
    let (mut key, mut value) = ("", Value::Absent);
    while let Some(field) = message.next()? {
        match field.number {
            1 => key = field.text().map_err(at("key"))?,
            2 => value = any_value(field.message().map_err(at("value"))?, depth).map_err(at("value"))?,
            _ => {}
        }
    }
    Ok((Cow::Borrowed(key), value))
}

fn any_value(mut message: Reader<'_>, depth: usize) -> Result<Value<'_>, Problem> {
    let mut value = Value::Absent;
    while let Some(field) = message.next()? {
        value = match field.number {
            1 => Value::Text(Cow::Borrowed(field.text()?)),
            2 => Value::Boolean(field.varint()? != 0),
            3 => Value::Integer(field.varint()?.cast_signed()),
            4 => Value::Double(f64::from_bits(field.fixed64()?)),
            5 | 6 if depth == DEPTH_MAX => {
                let expected = format!("at most {DEPTH_MAX} levels of lists and maps");
                return Err(field.refuse(Kind::Malformed, expected, "more"));
            }
            5 => {
                let (mut list, mut values) = (field.message()?, Vec::new());
                while let Some(field) = list.next()? {
                    if field.number == 1 {
                        values.push(any_value(field.message()?, depth + 1)?);
                    }
                }
                Value::List(values)
            }
            6 => {
                let (mut map, mut pairs) = (field.message()?, Vec::new());
                while let Some(field) = map.next()? {
                    if field.number == 1 {
                        pairs.push(key_value(field.message()?, depth + 1)?);
                    }
                }
                Value::Map(pairs)
            }
            7 => Value::Bytes(Cow::Borrowed(field.bytes()?)),
            _ => continue,
        };
    }
    Ok(value)
}

/// A resource or scope: no larger than a record may be, because it becomes a part of each of them.
fn small<'a>(field: &Field<'a>, place: &'static str) -> Result<Reader<'a>, Problem> {
    let message = field.message().map_err(at(place))?;
    if message.len() > RECORD_BYTES_MAX {
        return Err(too_large(place, message.len()));
    }
    Ok(message)
}

fn too_large(place: &'static str, bytes: usize) -> Problem {
    Problem::new(Kind::Refused, place, format!("at most {RECORD_BYTES_MAX} bytes"), bytes.to_string())
}

fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap_or_default()
}

fn at(place: &'static str) -> impl Fn(Problem) -> Problem {
    move |problem| problem.within(place)
}
