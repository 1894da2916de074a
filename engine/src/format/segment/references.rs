//! Messages told by other fields: where a message holds the value of another field of its row, a single character
//! stands for it. What a thousand objects are told alike is then one text, and templates are few.
//!
//! The characters are controls that no message needs; where one occurs in a message, SUB (U+001A) stands before it.

use crate::format::record::fields::Fields;
use crate::format::record::key;
use crate::format::record::pairs::Referring;
use crate::format::sheet::Loose;
use crate::limits::RECORD_BYTES_MAX;

/// Fields that a message may refer to, by the keys of the record, each with its character.
const SOURCES: [(u8, u64); 12] = [
    (0x01, key::OBJECT_NAME),
    (0x02, key::OBJECT_ID),
    (0x03, key::ACTOR_NAME),
    (0x04, key::ACTOR_ID),
    (0x05, key::TENANT),
    (0x06, key::ON_BEHALF_OF),
    (0x07, key::ORGANIZATION),
    (0x08, key::ACTIVITY),
    (0x0e, key::REQUEST_ID),
    (0x0f, key::CONFIGURATION_ID),
    (0x10, key::SERVICE),
    (0x11, key::ACTOR_TYPE),
];
const ESCAPE: u8 = 0x1a;

/// Shorter values are met by chance.
const VALUE_BYTES_MIN: usize = 3;

/// The key that a character stands for; 0 if it stands for itself, which is no source's key.
static KEYS: [u8; 32] = {
    let mut keys = [0; 32];
    let mut at = 0;
    while at < SOURCES.len() {
        // Keys of records are below 41.
        keys[SOURCES[at].0 as usize] = SOURCES[at].1.to_le_bytes()[0];
        at += 1;
    }
    keys
};

fn key_of(byte: u8) -> Option<u64> {
    KEYS.get(usize::from(byte)).filter(|key| **key != 0).map(|key| u64::from(*key))
}

fn is_special(byte: u8) -> bool {
    byte == ESCAPE || key_of(byte).is_some()
}

/// Folds messages; keeps what is the same from row to row.
pub struct Folder {
    /// For each byte, the sources whose values begin with it.
    firsts: [u16; 256],
}

impl Default for Folder {
    fn default() -> Folder {
        Folder { firsts: [0; 256] }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

impl Folder {
    /// Appends the message of a record, with its references.
    pub fn fold(&mut self, fields: &Fields<'_>, out: &mut Vec<u8>) {
        let message = fields.bytes(key::MESSAGE);
        let mut values: [&[u8]; SOURCES.len()] = [&[]; SOURCES.len()];
        for (index, (_, key)) in SOURCES.iter().enumerate() {
            let value = fields.bytes(*key);
            if (VALUE_BYTES_MIN..=message.len()).contains(&value.len()) {
                values[index] = value;
                self.firsts[usize::from(value[0])] |= 1 << index;
            }
        }
        let (mut literal, mut at) = (0, 0);
        let mut is_inside = false;
        while at < message.len() {
            let byte = message[at];
            let found = self.firsts[usize::from(byte)];
            if found != 0
                && !is_inside
                && let Some((index, length)) = longest(&message[at..], found, &values)
            {
                out.extend_from_slice(&message[literal..at]);
                out.push(SOURCES[index].0);
                at += length;
                literal = at;
                // What follows a value is no part of its word.
                continue;
            }
            if byte < 0x20 && is_special(byte) {
                out.extend_from_slice(&message[literal..at]);
                out.push(ESCAPE);
                literal = at;
            }
            is_inside = is_word(byte);
            at += 1;
        }
        out.extend_from_slice(&message[literal..]);
        values.iter().filter(|value| !value.is_empty()).for_each(|value| {
            self.firsts[usize::from(value[0])] = 0;
        });
    }
}

/// The longest value that `text` begins with, if a word ends behind it.
fn longest(text: &[u8], mut found: u16, values: &[&[u8]; SOURCES.len()]) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    while found != 0 {
        let index = found.trailing_zeros() as usize;
        found &= found - 1;
        let value = values[index];
        let is_longer = best.is_none_or(|(_, length)| value.len() > length);
        if is_longer && text.starts_with(value) && !text.get(value.len()).is_some_and(|byte| is_word(*byte)) {
            best = Some((index, value.len()));
        }
    }
    best
}

/// Whether a folded message may be anything else than it says.
#[inline]
pub fn is_folded(text: Loose<'_>) -> bool {
    text.control_at(0).is_some()
}

/// What a character of a folded message says beside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// It stands for the text of this key.
    Value(u64),
    /// It stands for nothing: the next character stands for itself.
    Escape,
}

/// What a byte of a folded message says beside itself.
#[inline]
pub fn special(byte: u8) -> Option<Special> {
    match byte {
        ESCAPE => Some(Special::Escape),
        byte => key_of(byte).map(Special::Value),
    }
}

/// Where a message is put together.
pub trait Message {
    /// Appends bytes of it.
    fn put(&mut self, piece: Loose<'_>);
    /// Appends the text of a key; none if there is none.
    fn put_value(&mut self, key: u64) -> Option<()>;
    /// Bytes of it so far.
    fn byte_count(&self) -> usize;
}

impl Message for Referring<'_> {
    #[inline]
    fn put(&mut self, piece: Loose<'_>) {
        self.put(piece);
    }

    #[inline]
    fn put_value(&mut self, key: u64) -> Option<()> {
        self.put_value(key)
    }

    #[inline]
    fn byte_count(&self) -> usize {
        self.byte_count()
    }
}

/// Keys that a folded message refers to, in order, each as often as it does.
pub fn keys(text: &[u8]) -> impl Iterator<Item = u64> {
    let mut is_escaped = false;
    text.iter().filter_map(move |byte| {
        if is_escaped {
            is_escaped = false;
            return None;
        }
        is_escaped = *byte == ESCAPE;
        key_of(*byte)
    })
}

/// Writes the message that [`Folder::fold`] was given.
///
/// # Errors
/// What was expected: a message that is longer than any record, or refers to what its row does not have.
pub fn unfold(text: Loose<'_>, out: &mut impl Message) -> Result<(), &'static str> {
    let (mut rest, mut from) = (text, 0);
    while let Some(at) = rest.control_at(from) {
        let special = rest.exact().get(at).copied().unwrap_or_default();
        if !is_special(special) {
            from = at + 1;
            continue;
        }
        out.put(rest.first(at));
        (rest, from) = (rest.behind(at + 1), 0);
        match key_of(special) {
            Some(key) => out.put_value(key).ok_or("a reference to a value that is there")?,
            None => {
                if rest.is_empty() {
                    return Err("a character behind SUB");
                }
                out.put(rest.first(1));
                rest = rest.behind(1);
            }
        }
        if out.byte_count() > RECORD_BYTES_MAX {
            return Err("a message that a record can hold");
        }
    }
    out.put(rest);
    Ok(())
}
