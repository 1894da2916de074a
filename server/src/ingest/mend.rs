//! Brings an entry into the bounds of the model without losing anything: what a field or an attribute cannot hold goes
//! whole into an attribute that can.
//!
//! Only what the log refused as it was comes here. The rules are those of `docs/import.md`.

use sealog_engine::limits;
use sealog_engine::model::Entry;
use std::borrow::Cow;

/// The attribute that takes what others cannot, as a JSON object.
const MORE: &str = "raw.more";

/// Moves what is too long, too many or named twice to where it fits.
pub(crate) fn mend(entry: &mut Entry<'_>) {
    let mut spare = Vec::new();
    let mut cut = |field: &mut Cow<'_, str>, bytes_max: usize, key: &'static str| {
        if field.len() > bytes_max {
            let head = field[..field.floor_char_boundary(bytes_max)].to_owned();
            let whole = std::mem::replace(field, Cow::Owned(head)).into_owned();
            spare.push((Cow::Borrowed(key), Cow::Owned(whole)));
        }
    };
    cut(&mut entry.activity, limits::ACTIVITY_BYTES_MAX, "raw.activity");
    cut(&mut entry.message, limits::MESSAGE_BYTES_MAX, "raw.message");
    // The head of an ID would be another's: it is whole in an attribute, or not there.
    let mut remove = |field: &mut Cow<'_, str>, key: &'static str| {
        if field.len() > limits::NAME_BYTES_MAX {
            spare.push((Cow::Borrowed(key), Cow::Owned(std::mem::take(field).into_owned())));
        }
    };
    remove(&mut entry.organization, "raw.organization");
    remove(&mut entry.request_id, "raw.request_id");
    remove(&mut entry.configuration_id, "raw.configuration_id");
    entry.attributes.extend(spare);
    mend_attributes(&mut entry.attributes);
}

/// One pair of an entry's attributes.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

fn mend_attributes(attributes: &mut Vec<Pair<'_>>) {
    attributes.retain(|(_, value)| !value.is_empty());
    let mut more: Vec<Pair<'_>> = Vec::new();
    let mut names = std::collections::HashSet::new();
    // The first that has a name keeps it.
    let mut kept: Vec<Pair<'_>> = Vec::new();
    for (key, value) in attributes.drain(..) {
        let fits = matches!(key.len(), 1..=limits::ATTRIBUTE_KEY_BYTES_MAX) && key != MORE;
        if fits && names.insert(key.clone()) { kept.push((key, value)) } else { more.push((key, value)) }
    }
    let room = limits::ATTRIBUTE_COUNT_MAX;
    if kept.len() + usize::from(!more.is_empty()) > room {
        more.splice(0..0, kept.drain(room - 1..));
    }
    if !more.is_empty() {
        kept.push((Cow::Borrowed(MORE), Cow::Owned(object(&more))));
    }
    *attributes = kept;
}

/// `{"key":"value",…}`; of a key that comes more than once, all values in a list.
fn object(pairs: &[Pair<'_>]) -> String {
    let mut values: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (key, value) in pairs {
        let place = *places.entry(&**key).or_insert(values.len());
        if place == values.len() {
            values.push((key, Vec::new()));
        }
        values[place].1.push(value);
    }
    let mut text = String::from("{");
    for (index, (key, values)) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(*key).to_string());
        text.push(':');
        let value = match &values[..] {
            [value] => serde_json::Value::from(*value),
            values => serde_json::Value::from_iter(values.iter().copied()),
        };
        text.push_str(&value.to_string());
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(pairs: Vec<(String, String)>) -> Entry<'static> {
        let mut entry = Entry {
            tenant: "t".into(),
            service: "s".into(),
            activity: "a".into(),
            attributes: pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            ..Entry::default()
        };
        mend(&mut entry);
        assert_eq!(entry.check(), Ok(()));
        entry
    }

    fn value<'e>(entry: &'e Entry<'_>, key: &str) -> Option<&'e str> {
        entry.attributes.iter().find(|(known, _)| known == key).map(|(_, value)| &**value)
    }

    #[test]
    fn names_given_twice_keep_all_values() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let entry =
            mended(vec![pair("a", "1"), pair("a", "2"), pair("a", "3"), pair("", "x"), pair("b", "")]);
        assert_eq!(value(&entry, "a"), Some("1"));
        assert_eq!(value(&entry, MORE), Some(r#"{"a":["2","3"],"":"x"}"#));
        assert_eq!(entry.attributes.len(), 2, "an empty value is an absent one");
    }

    #[test]
    fn what_is_too_many_is_one_attribute() {
        let entry = mended((0..70).map(|index| (format!("k{index:02}"), format!("v{index}"))).collect());
        assert_eq!(entry.attributes.len(), 64);
        assert_eq!(value(&entry, "k62"), Some("v62"));
        assert!(value(&entry, MORE).unwrap().starts_with(r#"{"k63":"v63","k64""#));
    }

    #[test]
    fn long_texts_keep_their_head_and_are_whole_beside_it() {
        let mut entry = Entry {
            tenant: "t".into(),
            service: "s".into(),
            activity: "é".repeat(200).into(),
            request_id: "r".repeat(129).into(),
            ..Entry::default()
        };
        mend(&mut entry);
        assert_eq!(entry.activity, "é".repeat(128));
        assert_eq!(value(&entry, "raw.activity"), Some("é".repeat(200).as_str()));
        assert_eq!(entry.request_id, "");
        assert_eq!(value(&entry, "raw.request_id"), Some("r".repeat(129).as_str()));
    }
}
