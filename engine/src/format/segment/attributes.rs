//! Attributes as one text: keys and values between separators, so that a column of texts holds them and a template
//! keeps what many of them share.
//!
//! Each pair is `key US value RS` (U+001F, U+001E). Where one of these, or SUB (U+001A), occurs in a key or a value,
//! SUB stands before it.

use crate::format::record::fields::Fields;
use crate::format::record::key;
use crate::format::record::pairs::Pairs;
use crate::format::sheet::Loose;
use std::borrow::Cow;

const UNIT: u8 = 0x1f;
const RECORD: u8 = 0x1e;
const ESCAPE: u8 = 0x1a;

fn is_special(byte: u8) -> bool {
    matches!(byte, UNIT | RECORD | ESCAPE)
}

/// Appends the text of a record's attributes, in their order; none if they are no map of texts.
pub fn join(fields: &Fields<'_>, out: &mut Vec<u8>) -> Option<()> {
    fields.attributes(|key, value| push_pair(key, value, out))
}

fn push_pair(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    push(key, out);
    out.push(UNIT);
    push(value, out);
    out.push(RECORD);
}

fn push(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[ESCAPE, rest[at]]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// The pairs of a text that [`join`] made; none if it is no such text.
pub fn split(text: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let key = take(&mut rest, UNIT)?;
        let value = take(&mut rest, RECORD)?;
        pairs.push((key, value));
    }
    Some(pairs)
}

/// Puts what [`join`] made of a record's attributes back into the record.
///
/// # Errors
/// What was expected of a text that is none of them.
pub fn put(text: Loose<'_>, pairs: &mut Pairs<'_>) -> Result<(), &'static str> {
    if put_plain(text, pairs).is_some() {
        return Ok(());
    }
    let text = std::str::from_utf8(text.exact()).map_err(|_| "a text in UTF-8")?;
    let attributes = split(text).ok_or("attributes as one text")?;
    pairs.attributes(&attributes).map_err(|_| "attributes with different keys")
}

/// As [`put`], if no character is escaped, and keys and values are such as records have them.
#[inline]
fn put_plain(text: Loose<'_>, pairs: &mut Pairs<'_>) -> Option<()> {
    let mut out = pairs.map(key::ATTRIBUTES);
    let mut last: &[u8] = &[];
    let mut rest = text;
    while !rest.is_empty() {
        let (name, value);
        (name, rest) = plain(rest, UNIT)?;
        (value, rest) = plain(rest, RECORD)?;
        let is_above = (last.len(), last) < (name.len(), name.exact());
        if !is_above || value.is_empty() {
            return None;
        }
        out.pair(name, value);
        last = name.exact();
    }
    out.finish()
}

/// The bytes up to a separator, and those behind it.
#[inline]
fn plain(text: Loose<'_>, end: u8) -> Option<(Loose<'_>, Loose<'_>)> {
    let mut from = 0;
    loop {
        let at = text.control_at(from)?;
        let found = *text.exact().get(at)?;
        if is_special(found) {
            return (found == end).then(|| (text.first(at), text.behind(at + 1)));
        }
        from = at + 1;
    }
}

/// Takes the text up to a separator, and the separator.
fn take<'t>(rest: &mut &'t str, end: u8) -> Option<Cow<'t, str>> {
    let mut owned: Option<String> = None;
    loop {
        // Each of the three is one byte of UTF-8.
        let at = rest.bytes().position(is_special)?;
        let (text, special) = (&rest[..at], rest.as_bytes()[at]);
        if special == end {
            *rest = &rest[at + 1..];
            return Some(match owned {
                None => Cow::Borrowed(text),
                Some(owned) => Cow::Owned(owned + text),
            });
        }
        let escaped = rest.get(at + 1..at + 2).filter(|_| special == ESCAPE)?;
        if !escaped.bytes().all(is_special) {
            return None;
        }
        let so_far = owned.get_or_insert_default();
        so_far.push_str(text);
        so_far.push_str(escaped);
        *rest = &rest[at + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> String {
        let mut text = Vec::new();
        pairs.iter().for_each(|(key, value)| push_pair(key.as_bytes(), value.as_bytes(), &mut text));
        String::from_utf8(text).unwrap()
    }

    proptest! {
        #[test]
        fn pairs_come_back(pairs in prop::collection::vec(("[a-zé\\x1a-\\x1f]{0,9}", "[a-zé\\x1a-\\x1f]{0,9}"), 0..6)) {
            let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
                pairs.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
            let text = text_of(&pairs);
            prop_assert_eq!(split(&text), Some(pairs));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[a-zé\\x1a-\\x1f]{0,30}") {
            if let Some(pairs) = split(&text) {
                let again = text_of(&pairs);
                prop_assert_eq!(split(&again), Some(pairs));
            }
        }
    }
}
