//! A record written pair by pair, in the order of its keys, straight into its bytes: the same bytes as
//! [`super::encode`] writes, from values that are no entry.

use super::key;
use super::write_attributes;
use crate::format::cbor;
use crate::model::FieldError;
use std::borrow::Cow;
use std::ops::Range;

/// A record, from its first byte on. Who puts pairs keeps the keys in order.
pub struct Pairs<'o> {
    out: &'o mut Vec<u8>,
    /// Where the record begins: its head is written last.
    start: usize,
    count: usize,
    /// Where texts lie, by key less that of the tenant.
    texts: [(u32, u32); TEXT_KEYS],
}

/// Keys from the tenant's on up to the last that a later text may refer to.
const TEXT_KEYS: usize = 14;
const _: () = assert!(key::TENANT + TEXT_KEYS as u64 == key::CONFIGURATION_ID + 1);

/// Where a text's range is kept.
#[inline]
fn slot_of(key: u64) -> usize {
    usize::try_from(key.wrapping_sub(key::TENANT)).unwrap_or(usize::MAX)
}

/// A map of at most so many pairs has a head of one byte.
const SHORT_MAX: usize = 23;

impl<'o> Pairs<'o> {
    /// Begins a record at the end of `out`.
    #[inline]
    pub fn begin(out: &'o mut Vec<u8>) -> Pairs<'o> {
        let start = out.len();
        out.push(0);
        Pairs { out, start, count: 0, texts: [(0, 0); TEXT_KEYS] }
    }

    /// How many pairs there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    #[inline]
    fn key(&mut self, key: u64) {
        self.count += 1;
        cbor::unsigned(self.out, key);
    }

    /// A text, in UTF-8; an empty one is left out.
    #[inline]
    pub fn text(&mut self, key: u64, text: &[u8]) {
        if !text.is_empty() {
            self.count += 1;
            cbor::text_pair(self.out, key, text);
            if let Some(range) = self.texts.get_mut(slot_of(key)) {
                let offset = |at: usize| u32::try_from(at - self.start).unwrap_or(0);
                *range = (offset(self.out.len() - text.len()), offset(self.out.len()));
            }
        }
    }

    /// A text that `write` makes of texts that are there already: it gets where in its output the text of a key lies.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn referring<E>(
        &mut self,
        key: u64,
        write: impl FnOnce(&dyn Fn(u64) -> Range<usize>, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.key(key);
        let (texts, start) = (&self.texts, self.start);
        let ranges = |key: u64| {
            let (from, to) = texts.get(slot_of(key)).copied().unwrap_or_default();
            start + from as usize..start + to as usize
        };
        let at = self.out.len();
        // Most texts have a head of two bytes.
        self.out.extend_from_slice(&[0; 2]);
        write(&ranges, self.out)?;
        let length = self.out.len() - at - 2;
        match u8::try_from(length) {
            Ok(short) if length > SHORT_MAX => {
                self.out[at..at + 2].copy_from_slice(&[cbor::TEXT | 24, short])
            }
            _ => {
                let mut head = Vec::new();
                cbor::text_head(length, &mut head);
                self.out.splice(at..at + 2, head);
            }
        }
        Ok(())
    }

    /// A text that is there and empty.
    pub fn empty_text(&mut self, key: u64) {
        self.key(key);
        cbor::text_bytes(self.out, &[]);
    }

    /// A time, if there is one.
    #[inline]
    pub fn time(&mut self, key: u64, nanos: Option<i64>) {
        if let Some(nanos) = nanos {
            self.key(key);
            cbor::signed(self.out, nanos);
        }
    }

    /// An unsigned integer.
    #[inline]
    pub fn unsigned(&mut self, key: u64, value: u64) {
        self.key(key);
        cbor::unsigned(self.out, value);
    }

    /// A truth value.
    #[inline]
    pub fn boolean(&mut self, key: u64, value: bool) {
        self.key(key);
        cbor::boolean(self.out, value);
    }

    /// A byte string.
    pub fn bytes(&mut self, key: u64, value: &[u8]) {
        self.key(key);
        cbor::bytes(self.out, value);
    }

    /// A value that is encoded already.
    pub fn encoded(&mut self, key: u64, value: &[u8]) {
        self.key(key);
        self.out.extend_from_slice(value);
    }

    /// Attributes, in any order; empty values are left out.
    ///
    /// # Errors
    /// A key given twice.
    pub fn attributes(&mut self, attributes: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<(), FieldError> {
        if attributes.iter().any(|(_, value)| !value.is_empty()) {
            self.key(key::ATTRIBUTES);
            write_attributes(attributes, self.out)?;
        }
        Ok(())
    }

    /// A map of texts as a value.
    pub fn map(&mut self, key: u64) -> Map<'_, 'o> {
        let start = self.out.len();
        cbor::unsigned(self.out, key);
        self.out.push(0);
        let head = self.out.len() - 1;
        Map { pairs: self, start, head, count: 0, is_whole: false }
    }

    /// Writes a whole record in the place of the one begun.
    pub fn replace(&mut self, record: &[u8]) {
        self.out.truncate(self.start);
        self.out.extend_from_slice(record);
    }

    /// Ends the record.
    #[inline]
    pub fn finish(self) {
        put_head(self.out, self.start, self.count);
    }
}

/// Writes the head of a map of `count` pairs in the place of the byte that was kept for it.
#[inline]
fn put_head(out: &mut Vec<u8>, at: usize, count: usize) {
    if let Some(short) = u8::try_from(count).ok().filter(|count| usize::from(*count) <= SHORT_MAX) {
        out[at] = cbor::MAP | short;
        return;
    }
    let mut head = Vec::new();
    cbor::map(&mut head, count);
    out.splice(at..=at, head);
}

/// A map of texts that is being written; without [`Map::finish`] nothing is left of it.
pub struct Map<'p, 'o> {
    pairs: &'p mut Pairs<'o>,
    start: usize,
    head: usize,
    count: usize,
    is_whole: bool,
}

impl Map<'_, '_> {
    /// A pair of texts, in UTF-8.
    pub fn pair(&mut self, key: &[u8], value: &[u8]) {
        cbor::text_bytes(self.pairs.out, key);
        cbor::text_bytes(self.pairs.out, value);
        self.count += 1;
    }

    /// Ends the map; none if it has no pair.
    pub fn finish(mut self) -> Option<()> {
        if self.count == 0 {
            return None;
        }
        put_head(self.pairs.out, self.head, self.count);
        self.pairs.count += 1;
        self.is_whole = true;
        Some(())
    }
}

impl Drop for Map<'_, '_> {
    fn drop(&mut self) {
        if !self.is_whole {
            self.pairs.out.truncate(self.start);
        }
    }
}
