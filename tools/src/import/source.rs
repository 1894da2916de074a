//! Takes fields out of one raw JSON object; what nobody takes becomes attributes.
//!
//! Values keep their text: a number is what the line says, digit by digit, and a nested object or list is its own JSON
//! text. `null` and the empty text are absent. Texts are borrowed from the line where they have no escapes.

use sealog_engine::limits::{ATTRIBUTE_COUNT_MAX, ATTRIBUTE_KEY_BYTES_MAX};
use sealog_engine::model::{FieldError, Timestamp};
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use std::borrow::Cow;

/// The attribute that holds what did not fit into attributes of its own, as a JSON object.
pub(super) const MORE: &str = "raw.more";

/// The fields of one JSON object that nobody has taken yet.
pub(super) struct Source<'a> {
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    key: Cow<'a, str>,
    /// The value as the line writes it.
    json: &'a str,
    value: Value<'a>,
}

enum Value<'a> {
    /// Null, the empty text, or taken.
    Absent,
    Text(Cow<'a, str>),
    /// A number or a boolean.
    Scalar(&'a str),
    /// An object or a list.
    Nested(&'a str),
}

impl<'a> Source<'a> {
    /// Reads one JSON object.
    pub(super) fn parse(text: &'a str) -> Result<Source<'a>, String> {
        let mut cursor = Cursor { text, at: 0 };
        let mut fields: Vec<Field<'a>> = Vec::with_capacity(40);
        cursor.expect(b'{', "one JSON object")?;
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
        } else {
            loop {
                let start = cursor.at;
                let Value::Text(key) = key_of(cursor.value()?)? else {
                    return Err(cursor.refuse(start, "the name of a field"));
                };
                // At most some dozen fields: looking through them is quicker than a set.
                if fields.iter().any(|field| field.key == key) {
                    return Err(format!("field {} is given twice: expected once", FieldError::quote(&key)));
                }
                cursor.expect(b':', "`:`")?;
                let json = cursor.value()?;
                fields.push(Field { key, json, value: read(json)? });
                match cursor.peek() {
                    Some(b',') => cursor.at += 1,
                    Some(b'}') => {
                        cursor.at += 1;
                        break;
                    }
                    _ => return Err(cursor.refuse(cursor.at, "`,` or `}`")),
                }
            }
        }
        match cursor.peek() {
            None => Ok(Source { fields }),
            Some(_) => Err(cursor.refuse(cursor.at, "the end of the line after one JSON object")),
        }
    }

    fn field(&self, key: &str) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.key == key)
    }

    fn field_mut(&mut self, key: &str) -> Option<&mut Field<'a>> {
        self.fields.iter_mut().find(|field| field.key == key)
    }

    /// Whether the field is there with a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.field(key).is_some_and(|field| !matches!(field.value, Value::Absent))
    }

    /// A text, number or boolean as text; it stays for the attributes.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        match &self.field(key)?.value {
            Value::Text(text) => Some(text),
            Value::Scalar(text) => Some(text),
            Value::Absent | Value::Nested(_) => None,
        }
    }

    /// As [`Source::get`], for an entry field that says it a second time.
    pub(super) fn copy(&self, key: &str) -> Option<Cow<'a, str>> {
        match &self.field(key)?.value {
            Value::Text(text) => Some(text.clone()),
            Value::Scalar(text) => Some(Cow::Borrowed(text)),
            Value::Absent | Value::Nested(_) => None,
        }
    }

    /// A text, number or boolean as text, out of the source.
    pub(super) fn take(&mut self, key: &str) -> Option<Cow<'a, str>> {
        let value = &mut self.field_mut(key)?.value;
        match std::mem::replace(value, Value::Absent) {
            Value::Text(text) => Some(text),
            Value::Scalar(text) => Some(Cow::Borrowed(text)),
            nested => {
                *value = nested;
                None
            }
        }
    }

    /// The value of the first of these fields that has one.
    pub(super) fn take_first(&mut self, keys: &[&str]) -> Option<Cow<'a, str>> {
        keys.iter().find_map(|key| self.take(key))
    }

    /// The first of these fields that has a value of at most `bytes_max` bytes; a longer one stays.
    pub(super) fn take_within(&mut self, keys: &[&str], bytes_max: usize) -> Option<Cow<'a, str>> {
        keys.iter().find_map(|key| {
            let fits = self.get(key)?.len() <= bytes_max;
            if fits { self.take(key) } else { None }
        })
    }

    /// The first of these fields that has a value, whole if it fits, else its head while the whole stays.
    pub(super) fn take_head(&mut self, keys: &[&str], bytes_max: usize) -> Option<Cow<'a, str>> {
        let key = keys.iter().find(|key| self.get(key).is_some())?;
        if self.get(key)?.len() <= bytes_max {
            self.take(key)
        } else {
            Some(head(self.copy(key)?, bytes_max))
        }
    }

    /// The first of these fields that is a time with a zone. One that UTC does not say the same way stays too.
    pub(super) fn take_time(&mut self, keys: &[&str]) -> Option<Timestamp> {
        keys.iter().find_map(|key| {
            let text = self.get(key)?;
            let time = Timestamp::parse(text).ok()?;
            if is_plain_utc(text) {
                self.take(key);
            }
            Some(time)
        })
    }

    /// The object in this field, which stays for the attributes as a whole.
    pub(super) fn object(&self, key: &str) -> Option<Source<'a>> {
        match self.field(key)?.value {
            // What cannot be looked into is kept as it is.
            Value::Nested(json) => Source::parse(json).ok(),
            _ => None,
        }
    }

    /// The object, or the first object of the list, that is in this field or is written into its text as JSON.
    pub(super) fn embedded(&self, key: &str) -> Option<Source<'_>> {
        let json = match &self.field(key)?.value {
            Value::Nested(json) => json,
            Value::Text(text) => text.trim_start(),
            _ => return None,
        };
        Source::parse(first_of_list(json).unwrap_or(json)).ok()
    }

    /// The first text of the list in this field.
    pub(super) fn list_text(&self, key: &str) -> Option<Cow<'a, str>> {
        match self.field(key)?.value {
            Value::Nested(json) => match read(first_of_list(json)?).ok()? {
                Value::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// Puts the fields of the object in this field beside the others, as `key.name`.
    ///
    /// Nothing changes if there is no object, or if a field of such a name is there already.
    pub(super) fn flatten(&mut self, key: &str) {
        let Some(mut nested) = self.object(key) else { return };
        for field in &mut nested.fields {
            field.key = Cow::Owned(format!("{key}.{}", field.key));
        }
        if nested.fields.iter().any(|inner| self.field(&inner.key).is_some()) {
            return;
        }
        if let Some(field) = self.field_mut(key) {
            field.value = Value::Absent;
        }
        self.fields.append(&mut nested.fields);
    }

    /// What this field holds, for messages.
    pub(super) fn describe(&self, key: &str) -> String {
        match self.field(key).map(|field| &field.value) {
            None | Some(Value::Absent) => "none".to_owned(),
            Some(Value::Text(text)) => format!("the text {}", FieldError::quote(text)),
            Some(Value::Scalar(text)) => (*text).to_owned(),
            Some(Value::Nested(json)) if json.starts_with('[') => "a list".to_owned(),
            Some(Value::Nested(_)) => "an object".to_owned(),
        }
    }

    /// Adds what nobody took to the attributes: a field each, and what has no room in one attribute as JSON.
    pub(super) fn leave_in(self, attributes: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>) {
        let left = self.fields.into_iter().filter(|field| !matches!(field.value, Value::Absent));
        let named = attributes.len();
        let (mut kept, mut more): (Vec<_>, Vec<_>) = left.partition(|field| {
            matches!(field.key.len(), 1..=ATTRIBUTE_KEY_BYTES_MAX)
                && field.key != MORE
                && !attributes[..named].iter().any(|(key, _)| *key == field.key)
        });
        let room = ATTRIBUTE_COUNT_MAX.saturating_sub(named);
        if kept.len() + usize::from(!more.is_empty()) > room {
            more.splice(0..0, kept.drain(room.saturating_sub(1)..));
        }
        attributes.reserve(kept.len() + 1);
        for field in kept {
            let value = match field.value {
                Value::Text(text) => text,
                Value::Scalar(text) | Value::Nested(text) => Cow::Borrowed(text),
                Value::Absent => continue,
            };
            attributes.push((field.key, value));
        }
        if !more.is_empty() {
            let pair = |field: &Field<'_>| format!("{}:{}", serde_json::Value::from(&*field.key), field.json);
            let pairs: Vec<String> = more.iter().map(pair).collect();
            attributes.push((Cow::Borrowed(MORE), Cow::Owned(format!("{{{}}}", pairs.join(",")))));
        }
    }
}

/// At most `bytes_max` bytes of the text, ending between characters.
pub(super) fn head(text: Cow<'_, str>, bytes_max: usize) -> Cow<'_, str> {
    let end = text.floor_char_boundary(bytes_max);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

/// Whether a time's text says no more than the instant: UTC, in the plain form, and no leap second.
pub(super) fn is_plain_utc(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.last() == Some(&b'Z') && bytes.get(10) == Some(&b'T') && bytes.get(17) != Some(&b'6')
}

/// Walks over the values of a JSON text; serde_json checks each of them.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), String> {
        if self.peek() != Some(byte) {
            return Err(self.refuse(self.at, expected));
        }
        self.at += 1;
        Ok(())
    }

    /// The text of the value that begins here.
    fn value(&mut self) -> Result<&'a str, String> {
        self.peek();
        let rest = &self.text[self.at..];
        let mut values = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                let end = values.byte_offset();
                self.at += end;
                Ok(&rest[..end])
            }
            Some(Err(error)) => {
                let shown = error.to_string();
                let detail = shown.rfind(" at line ").map_or(shown.as_str(), |end| &shown[..end]);
                Err(format!("column {}: expected JSON, found: {detail}", self.at + error.column()))
            }
            None => Err(self.refuse(self.at, "a JSON value")),
        }
    }

    fn refuse(&self, at: usize, expected: &str) -> String {
        let found = match self.text[at..].chars().next() {
            None => "the end of the line".to_owned(),
            Some(character) => format!("{character:?}"),
        };
        format!("column {}: expected {expected}, found {found}", at + 1)
    }
}

/// The name of a field may be empty, which a value's reader takes for absent.
fn key_of(json: &str) -> Result<Value<'_>, String> {
    if json == "\"\"" { Ok(Value::Text(Cow::Borrowed(""))) } else { read(json) }
}

fn read(json: &str) -> Result<Value<'_>, String> {
    Ok(match json.as_bytes() {
        b"null" | b"\"\"" => Value::Absent,
        [b'"', ..] => {
            let inner = &json[1..json.len() - 1];
            if inner.contains('\\') {
                let text: String = serde_json::from_str(json).map_err(|_| {
                    format!("expected a text of Unicode characters, found {}", FieldError::quote(json))
                })?;
                Value::Text(Cow::Owned(text))
            } else {
                Value::Text(Cow::Borrowed(inner))
            }
        }
        [b'{' | b'[', ..] => Value::Nested(json),
        _ => Value::Scalar(json),
    })
}

/// The first value of a list that is not empty.
fn first_of_list(json: &str) -> Option<&str> {
    let mut cursor = Cursor { text: json.strip_prefix('[')?, at: 0 };
    (cursor.peek()? != b']').then(|| cursor.value().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(source: Source<'_>) -> Vec<(String, String)> {
        let mut attributes = Vec::new();
        source.leave_in(&mut attributes);
        attributes.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn values_keep_their_text() {
        let text = r#" { "a" : "x\n\u00e9", "b":1.50, "c":-9214364837600034816, "d":true, "e":null, "f":"",
            "g":{ "h" : [1, "\u0041"] },"i":[] } "#;
        let source = Source::parse(text).unwrap();
        assert_eq!(
            left(source),
            [
                pair("a", "x\né"),
                pair("b", "1.50"),
                pair("c", "-9214364837600034816"),
                pair("d", "true"),
                pair("g", r#"{ "h" : [1, "\u0041"] }"#),
                pair("i", "[]"),
            ]
        );
    }

    #[test]
    fn what_is_taken_does_not_stay() {
        let mut source = Source::parse(r#"{"a":"1","b":2,"c":"x","d":{"e":"f"},"l":[{"m":"n"}]}"#).unwrap();
        assert_eq!(source.get("a"), Some("1"));
        assert_eq!(source.take("b").as_deref(), Some("2"));
        assert_eq!(source.take_first(&["b", "c"]).as_deref(), Some("x"));
        assert_eq!(source.take("d"), None, "an object is not a text");
        assert_eq!(source.object("d").unwrap().get("e"), Some("f"));
        assert_eq!(source.embedded("l").unwrap().get("m"), Some("n"));
        assert!(!source.has("b"));
        assert_eq!(left(source), [pair("a", "1"), pair("d", r#"{"e":"f"}"#), pair("l", r#"[{"m":"n"}]"#)]);
    }

    #[test]
    fn long_values_stay_and_heads_end_between_characters() {
        let mut source = Source::parse(r#"{"a":"ééé","b":"x"}"#).unwrap();
        assert_eq!(source.take_within(&["a", "b"], 5).as_deref(), Some("x"));
        assert_eq!(source.take_head(&["none", "a"], 5).as_deref(), Some("éé"));
        assert_eq!(left(source), [pair("a", "ééé")]);
    }

    #[test]
    fn times_with_an_offset_stay_too() {
        let mut source = Source::parse(
            r#"{"a":"2020-10-21 12:19:09.145","b":"2020-01-01T01:00:00+01:00","c":"2020-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        let time = Timestamp::parse("2020-01-01T00:00:00Z").unwrap();
        assert_eq!(source.take_time(&["a", "b"]), Some(time));
        assert_eq!(source.take_time(&["c"]), Some(time));
        assert_eq!(
            left(source),
            [pair("a", "2020-10-21 12:19:09.145"), pair("b", "2020-01-01T01:00:00+01:00")]
        );
        assert!(!is_plain_utc("2016-12-31T23:59:60Z"));
    }

    #[test]
    fn what_has_no_room_is_kept_as_json() {
        let long = "k".repeat(129);
        let many: Vec<String> = (0..70).map(|number| format!("\"f{number}\":{number}")).collect();
        let text = format!(r#"{{"{long}":"\u0041","":1,"raw.more":2,"taken.name":[3],{}}}"#, many.join(","));
        let mut attributes = vec![(Cow::Borrowed("taken.name"), Cow::Borrowed("x"))];
        Source::parse(&text).unwrap().leave_in(&mut attributes);
        assert_eq!(attributes.len(), ATTRIBUTE_COUNT_MAX);
        let (key, more) = attributes.last().unwrap();
        assert_eq!(key, MORE);
        let more: serde_json::Value = serde_json::from_str(more).unwrap();
        assert_eq!(more[&long], "A");
        assert_eq!(more[""], 1);
        assert_eq!(more[MORE], 2);
        assert_eq!(more["taken.name"][0], 3);
        assert_eq!(more["f69"], 69);
        assert_eq!(attributes[1], (Cow::Borrowed("f0"), Cow::Borrowed("0")));
        assert_eq!(attributes.len() - 2 + more.as_object().unwrap().len(), 74);
    }

    #[test]
    fn flattened_fields_carry_the_name_of_their_object() {
        let mut source = Source::parse(r#"{"data":{"a":1,"b":"x"},"c":2}"#).unwrap();
        source.flatten("data");
        assert_eq!(source.get("data.a"), Some("1"));
        assert_eq!(left(source), [pair("c", "2"), pair("data.a", "1"), pair("data.b", "x")]);
        let mut source = Source::parse(r#"{"data":{"a":1},"data.a":2}"#).unwrap();
        source.flatten("data");
        assert_eq!(left(source), [pair("data", r#"{"a":1}"#), pair("data.a", "2")]);
    }

    #[test]
    fn errors_name_the_column_what_was_expected_and_found() {
        for (text, wanted) in [
            ("", "column 1: expected one JSON object, found the end of the line"),
            ("[1]", "column 1: expected one JSON object, found '['"),
            (r#"{"a"}"#, "column 5: expected `:`, found '}'"),
            (r#"{"a":}"#, "column 6: expected JSON, found: expected value"),
            (r#"{"a":1"#, "column 7: expected `,` or `}`, found the end of the line"),
            (r#"{"a":1}x"#, "column 8: expected the end of the line after one JSON object, found 'x'"),
            (r#"{1:2}"#, "column 2: expected the name of a field, found '1'"),
            (r#"{"a":1,"a":2}"#, "field \"a\" is given twice: expected once"),
            (r#"{"a":"\ud800"}"#, "expected a text of Unicode characters, found"),
            ("{\"a\":\"x\ty\"}", "column 7: expected JSON, found: control character"),
        ] {
            let error = Source::parse(text).err().unwrap();
            assert!(error.starts_with(wanted), "{text}: {error}");
        }
    }
}
