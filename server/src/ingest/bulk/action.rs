//! The line before a document: `{"create": {"_index": "mail-api", "_id": "m-1"}}`.

use crate::ingest::problem::{Kind, Problem};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Index,
    Create,
    Update,
    Delete,
}

impl Verb {
    const ALL: [Verb; 4] = [Verb::Index, Verb::Create, Verb::Update, Verb::Delete];
    const NAMES: [&str; 4] = ["index", "create", "update", "delete"];

    pub(super) fn name(self) -> &'static str {
        Verb::NAMES[self as usize]
    }
}

/// An action. Its index and ID are empty where the line names none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Action<'a> {
    pub(super) verb: Verb,
    pub(super) index: Cow<'a, str>,
    pub(super) id: Cow<'a, str>,
}

impl<'a> Action<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Result<Action<'a>, Problem> {
        serde_json::from_slice(line).map_err(|error| {
            let expected = "an action such as {\"create\": {\"_index\": \"mail-api\"}}";
            Problem::new(Kind::Malformed, "", expected, error.to_string())
        })
    }

    pub(super) fn is_append(&self) -> bool {
        matches!(self.verb, Verb::Index | Verb::Create)
    }

    pub(super) fn has_document(&self) -> bool {
        self.verb != Verb::Delete
    }

    /// Why an action that is no append is not done.
    pub(super) fn refusal(&self) -> Problem {
        Problem::new(Kind::Refused, "action", "index or create", self.verb.name())
            .advise("the log only appends: what is in it is neither changed nor deleted by a producer")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Action<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ActionVisitor;
        impl<'de> Visitor<'de> for ActionVisitor {
            type Value = Action<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one action")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Action<'de>, A::Error> {
                let Some(Text(name)) = map.next_key()? else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                let Some(verb) = Verb::ALL.into_iter().find(|verb| verb.name() == name) else {
                    return Err(A::Error::unknown_variant(&name, &Verb::NAMES));
                };
                let Target { index, id } = map.next_value()?;
                match map.next_key::<Text<'_>>()? {
                    None => Ok(Action { verb, index, id }),
                    Some(_) => Err(A::Error::invalid_length(2, &self)),
                }
            }
        }
        deserializer.deserialize_map(ActionVisitor)
    }
}

/// Where a document goes. Whatever else an action says (routing, pipelines, versions) means nothing to a log.
struct Target<'a> {
    index: Cow<'a, str>,
    id: Cow<'a, str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Target<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TargetVisitor;
        impl<'de> Visitor<'de> for TargetVisitor {
            type Value = Target<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object such as {\"_index\": \"mail-api\"}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Target<'de>, A::Error> {
                let mut target = Target { index: Cow::Borrowed(""), id: Cow::Borrowed("") };
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        "_index" => target.index = map.next_value::<Text<'de>>()?.0,
                        "_id" => target.id = map.next_value::<Text<'de>>()?.0,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(target)
            }
        }
        deserializer.deserialize_map(TargetVisitor)
    }
}

/// A text, borrowed where the JSON has no escapes; a number is the text of its digits, `null` is empty.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed("")))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Text<'de>, E> {
                Err(E::invalid_type(Unexpected::Float(value), &self))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read() {
        let line =
            br#" {"index" : {"_id": 17, "_index": "a", "routing": {"x": [1]}, "require_alias": false}} "#;
        let action = Action::parse(line).unwrap();
        assert_eq!((action.verb, &*action.index, &*action.id), (Verb::Index, "a", "17"));
        let action = Action::parse(br#"{"delete":{}}"#).unwrap();
        assert!(!action.is_append() && !action.has_document());
        assert!(Action::parse(br#"{"update":{}}"#).unwrap().has_document());
    }

    #[test]
    fn what_is_no_action_is_said() {
        for (line, found) in [
            ("{}", "an object with one action"),
            (r#"{"upsert":{}}"#, "unknown variant `upsert`"),
            (r#"{"index":{},"create":{}}"#, "an object with one action"),
            (r#"{"index":[]}"#, "expected an object such as"),
            (r#"{"index":{"_id":1.5}}"#, "expected a text"),
            ("", "EOF"),
            ("[]", "an object with one action"),
        ] {
            let problem = Action::parse(line.as_bytes()).unwrap_err();
            assert!(problem.found.contains(found), "{line}: {problem}");
        }
    }
}
