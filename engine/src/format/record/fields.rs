//! Where the values of a record lie in its bytes, found in one pass that allocates nothing.
//!
//! For whoever takes records apart to put them together again and compares: that a record is encoded as it should be
//! ([`super::decode`]) is not checked here, and a record that is not comes back as another.

use super::key;
use crate::format::cbor::Reader;

const KEY_COUNT: usize = 41;
const _: () = assert!(key::CONTROL + 1 == KEY_COUNT as u64);

/// The values of a record, by key.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    /// A bit for each key that is there.
    present: u64,
    /// Of a text, a byte string and what is encoded: where it begins, and in the lower half its length. Of others the
    /// value.
    values: [u64; KEY_COUNT],
}

/// Major types (RFC 8949 §3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const MAP: u8 = 5;

/// The head at the front of `bytes`: major type, value, and what is behind it.
#[inline]
fn head(bytes: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (major, information) = (first >> 5, first & 31);
    match information {
        0..=23 => Some((major, u64::from(information), rest)),
        24 => rest.split_first().map(|(value, rest)| (major, u64::from(*value), rest)),
        25 => rest.split_first_chunk().map(|(value, rest)| (major, u16::from_be_bytes(*value).into(), rest)),
        26 => rest.split_first_chunk().map(|(value, rest)| (major, u32::from_be_bytes(*value).into(), rest)),
        27 => rest.split_first_chunk().map(|(value, rest)| (major, u64::from_be_bytes(*value), rest)),
        _ => None,
    }
}

/// A text or byte string of this length, and what is behind it.
#[inline]
fn string(rest: &[u8], length: u64) -> Option<(&[u8], &[u8])> {
    rest.split_at_checked(usize::try_from(length).ok()?)
}

impl<'a> Fields<'a> {
    /// Finds the values of a record; none if its keys are not those of a record, in order, with values of their types,
    /// or a text is not UTF-8.
    pub fn of(bytes: &'a [u8]) -> Option<Fields<'a>> {
        u32::try_from(bytes.len()).ok()?;
        let mut fields = Fields { bytes, present: 0, values: [0; KEY_COUNT] };
        let (MAP, count, mut rest) = head(bytes)? else { return None };
        for _ in 0..count {
            let (UNSIGNED, key, behind) = head(rest)? else { return None };
            if key >= KEY_COUNT as u64 || fields.present >> key != 0 {
                return None;
            }
            fields.present |= 1 << key;
            let start = bytes.len() - behind.len();
            let value;
            (value, rest) = value_of(key, bytes, start)?;
            fields.values[usize::try_from(key).ok()?] = value;
        }
        rest.is_empty().then_some(fields)
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        (self.present >> key & 1 != 0).then(|| self.values[usize::try_from(key).unwrap_or_default()])
    }

    /// Bytes of a text (UTF-8), a byte string, or what [`key::ATTRIBUTES`] and [`key::CONTROL`] hold encoded; empty if
    /// it is not there.
    #[inline]
    pub fn bytes(&self, key: u64) -> &'a [u8] {
        let Some(value) = self.get(key) else { return &[] };
        let [start, length] = [value >> 32, value & u64::from(u32::MAX)].map(usize::try_from);
        let range = start.ok().zip(length.ok()).map(|(start, length)| start..start + length);
        range.and_then(|range| self.bytes.get(range)).unwrap_or_default()
    }

    /// Whether a value is there.
    #[inline]
    pub fn has(&self, key: u64) -> bool {
        self.present >> key & 1 != 0
    }

    /// An unsigned integer, or a truth value as 0 or 1.
    #[inline]
    pub fn unsigned(&self, key: u64) -> Option<u64> {
        self.get(key)
    }

    /// A time.
    #[inline]
    pub fn time(&self, key: u64) -> Option<i64> {
        self.get(key).map(u64::cast_signed)
    }

    /// Calls `each` with the attributes, in their order; none if they are no map of texts.
    pub fn attributes(&self, mut each: impl FnMut(&'a [u8], &'a [u8])) -> Option<()> {
        if !self.has(key::ATTRIBUTES) {
            return Some(());
        }
        let (MAP, count, mut rest) = head(self.bytes(key::ATTRIBUTES))? else { return None };
        for _ in 0..count {
            let (name, value);
            (name, rest) = text(rest)?;
            (value, rest) = text(rest)?;
            each(name, value);
        }
        rest.is_empty().then_some(())
    }
}

/// A text at the front of `bytes`, and what is behind it.
#[inline]
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (TEXT, length, rest) = head(bytes)? else { return None };
    let (text, rest) = string(rest, length)?;
    (text.is_ascii() || std::str::from_utf8(text).is_ok()).then_some((text, rest))
}

/// The value of `key` that begins at `start`, as [`Fields`] keeps it, and what is behind it.
#[inline]
fn value_of(key: u64, bytes: &[u8], start: usize) -> Option<(u64, &[u8])> {
    let behind = &bytes[start..];
    let span = |value: &[u8], rest: &[u8]| {
        let start = bytes.len() - rest.len() - value.len();
        (start as u64) << 32 | value.len() as u64
    };
    match key {
        key::GENERATED_AT | key::STARTED | key::FINISHED => {
            let (major, value, rest) = head(behind)?;
            let value = i64::try_from(value).ok()?;
            match major {
                UNSIGNED => Some((value.cast_unsigned(), rest)),
                NEGATIVE => Some(((!value).cast_unsigned(), rest)),
                _ => None,
            }
        }
        key::VERSION | key::TENANT_SEQ | key::SEVERITY | key::PROCESS_EVENT | key::ARTIFACT_SIZE => {
            let (UNSIGNED, value, rest) = head(behind)? else { return None };
            Some((value, rest))
        }
        key::SUCCESS | key::ARTIFACT_HELD => match behind.split_first()? {
            (0xf4, rest) => Some((0, rest)),
            (0xf5, rest) => Some((1, rest)),
            _ => None,
        },
        key::ARTIFACT_SHA256 => {
            let (BYTES, length, rest) = head(behind)? else { return None };
            let (value, rest) = string(rest, length)?;
            Some((span(value, rest), rest))
        }
        key::ATTRIBUTES | key::CONTROL => {
            let mut reader = Reader::new(behind);
            reader.skip(8).ok()?;
            let (value, rest) = behind.split_at_checked(reader.offset())?;
            Some((span(value, rest), rest))
        }
        key::ID
        | key::LOGGED_BY
        | key::TENANT..=key::SERVICE
        | key::ACTIVITY..=key::CONFIGURATION_ID
        | key::MESSAGE
        | key::PROCESS_ID
        | key::PROCESS_PARENT
        | key::ARTIFACT_NAME
        | key::ARTIFACT_MEDIA_TYPE => {
            let (value, rest) = text(behind)?;
            Some((span(value, rest), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::record;
    use crate::model::Entry;
    use proptest::prelude::*;

    #[test]
    fn values_are_those_that_decoding_gives() {
        let entry = Entry {
            tenant: "acme".into(),
            service: "portal".into(),
            activity: "Sign In".into(),
            message: "Grüße".into(),
            success: Some(true),
            generated_at: Some(crate::model::Timestamp::from_nanos(-5)),
            attributes: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
            ..Entry::default()
        };
        let mut parts = Vec::new();
        let lengths = record::encode_parts(&entry, &mut parts).unwrap();
        let (id, rest) = parts.split_at(lengths.id_bytes as usize);
        let mut bytes = Vec::new();
        let parts = record::Parts { id, rest, pair_count: lengths.pair_count };
        record::assemble(parts, 300, "sealog@h", false, &mut bytes);
        let fields = Fields::of(&bytes).unwrap();
        assert_eq!(fields.bytes(key::TENANT), b"acme");
        assert_eq!(fields.bytes(key::MESSAGE), "Grüße".as_bytes());
        assert_eq!(fields.bytes(key::OBJECT_ID), b"");
        assert_eq!(fields.time(key::GENERATED_AT), Some(-5));
        assert_eq!((fields.unsigned(key::SUCCESS), fields.unsigned(key::TENANT_SEQ)), (Some(1), Some(300)));
        let mut pairs = Vec::new();
        fields.attributes(|key, value| pairs.push((key, value))).unwrap();
        assert_eq!(pairs, [(&b"a"[..], &b"1"[..]), (b"b", b"2")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some(fields) = Fields::of(&bytes) {
                (0..KEY_COUNT as u64).for_each(|key| { fields.bytes(key); });
                let _ = fields.attributes(|_, _| {});
            }
        }
    }
}
