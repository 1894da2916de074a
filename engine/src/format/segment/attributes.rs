//! Attributes as one text: keys and values between separators, so that a column of texts holds them and a template
//! keeps what many of them share.
//!
//! Each pair is `key US value RS` (U+001F, U+001E). Where one of these, or SUB (U+001A), occurs in a key or a value,
//! SUB stands before it.

use std::borrow::Cow;

const UNIT: char = '\u{1f}';
const RECORD: char = '\u{1e}';
const ESCAPE: char = '\u{1a}';

fn is_special(char: char) -> bool {
    matches!(char, UNIT | RECORD | ESCAPE)
}

/// Appends the text of these pairs, in their order.
pub fn join(pairs: &[(Cow<'_, str>, Cow<'_, str>)], out: &mut String) {
    for (key, value) in pairs {
        push(key, out);
        out.push(UNIT);
        push(value, out);
        out.push(RECORD);
    }
}

fn push(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        out.push_str(&rest[..at]);
        out.push(ESCAPE);
        // Each of the three is one byte of UTF-8.
        out.push_str(&rest[at..=at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
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

/// Takes the text up to a separator, and the separator.
fn take<'t>(rest: &mut &'t str, end: char) -> Option<Cow<'t, str>> {
    let mut owned: Option<String> = None;
    loop {
        let at = rest.find(is_special)?;
        let (text, special) = (&rest[..at], rest[at..].chars().next()?);
        if special == end {
            *rest = &rest[at + 1..];
            return Some(match owned {
                None => Cow::Borrowed(text),
                Some(owned) => Cow::Owned(owned + text),
            });
        }
        let escaped = rest.get(at + 1..at + 2).filter(|_| special == ESCAPE)?;
        if !escaped.starts_with(is_special) {
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

    proptest! {
        #[test]
        fn pairs_come_back(pairs in prop::collection::vec(("[a-zé\\x1a-\\x1f]{0,9}", "[a-zé\\x1a-\\x1f]{0,9}"), 0..6)) {
            let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
                pairs.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
            let mut text = String::new();
            join(&pairs, &mut text);
            prop_assert_eq!(split(&text), Some(pairs));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[a-zé\\x1a-\\x1f]{0,30}") {
            if let Some(pairs) = split(&text) {
                let mut again = String::new();
                join(&pairs, &mut again);
                prop_assert_eq!(split(&again), Some(pairs));
            }
        }
    }
}
