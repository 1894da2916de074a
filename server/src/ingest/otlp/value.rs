//! `AnyValue` of OTLP, and how it becomes a text.

use crate::ingest::base64::base64;
use std::borrow::Cow;
use std::fmt::Write;

/// A value, borrowed from the body where it can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Value<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Bytes(Cow<'a, [u8]>),
    List(Vec<Value<'a>>),
    Map(Vec<Pair<'a>>),
}

/// A key and its value.
pub(super) type Pair<'a> = (Cow<'a, str>, Value<'a>);

impl<'a> Value<'a> {
    /// The value as an attribute or message: a text as it is, bytes as base64, lists and maps as JSON.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Value::Absent => Cow::Borrowed(""),
            Value::Text(text) => text,
            Value::Boolean(true) => Cow::Borrowed("true"),
            Value::Boolean(false) => Cow::Borrowed("false"),
            Value::Integer(value) => Cow::Owned(value.to_string()),
            Value::Double(value) if !value.is_finite() => Cow::Borrowed(unlimited(value)),
            Value::Bytes(bytes) => Cow::Owned(base64(&bytes)),
            other => {
                let mut text = String::new();
                other.write_json(&mut text);
                Cow::Owned(text)
            }
        }
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Value::Absent => out.push_str("null"),
            Value::Text(text) => write_text(text, out),
            Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
            // Writing to a String cannot fail.
            Value::Integer(value) => drop(write!(out, "{value}")),
            Value::Double(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => drop(write!(out, "{number}")),
                None => write_text(unlimited(*value), out),
            },
            Value::Bytes(bytes) => write_text(&base64(bytes), out),
            Value::List(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.write_json(out);
                }
                out.push(']');
            }
            Value::Map(pairs) => {
                out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }
}

/// As the JSON form of Protocol Buffers writes what is no number.
fn unlimited(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn write_text(text: &str, out: &mut String) {
    let _ = write!(out, "{}", serde_json::Value::from(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_texts() {
        for (value, text) in [
            (Value::Absent, ""),
            (Value::Text("a\n".into()), "a\n"),
            (Value::Boolean(true), "true"),
            (Value::Integer(i64::MIN), "-9223372036854775808"),
            (Value::Double(1.5), "1.5"),
            (Value::Double(3.0), "3.0"),
            (Value::Double(f64::NAN), "NaN"),
            (Value::Double(f64::NEG_INFINITY), "-Infinity"),
            (Value::Bytes(Cow::Borrowed(b"\xff\x00")), "/wA="),
            (
                Value::List(vec![Value::Integer(1), Value::Absent, Value::Text("\"".into())]),
                r#"[1,null,"\""]"#,
            ),
            (
                Value::Map(vec![("k".into(), Value::List(vec![])), ("l".into(), Value::Double(0.1))]),
                r#"{"k":[],"l":0.1}"#,
            ),
        ] {
            assert_eq!(value.clone().into_text(), text, "{value:?}");
        }
    }
}
