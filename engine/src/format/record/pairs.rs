//! A record written pair by pair, in the order of its keys, straight into its bytes: the same bytes as
//! [`super::encode`] writes, from values that are no entry.

use super::key;
use super::write_attributes;
use crate::format::cbor;
use crate::format::sheet::Loose;
use crate::format::sheet::Sheet;
use crate::limits;
use crate::model::FieldError;
use std::borrow::Cow;

/// A record, from its first byte on. Who puts pairs keeps the keys in order, and puts none twice.
pub struct Pairs<'o> {
    out: &'o mut Sheet,
    /// Where the record begins: its head is written last.
    start: usize,
    told: Told,
    /// Where texts lie, by key less that of the tenant; of keys that were put.
    texts: [(u32, u32); TEXT_KEYS],
}

/// What is known of a record because of how it was put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// A bit for each key that was put.
    keys: u64,
    /// A text or attributes that a record must not have.
    is_odd: bool,
}

impl Told {
    /// Whether a pair was put.
    #[inline]
    pub fn has(self, key: u64) -> bool {
        self.keys >> key & 1 != 0
    }

    /// Whether decoding would take the record of an entry: what [`super::decode`] asks beyond well-formed values in
    /// order. False says nothing of a record that was put whole, or that has a control map.
    #[inline]
    pub fn is_entry(self) -> bool {
        const NEEDED: u64 = 1 << key::LOGGED_BY | 1 << key::TENANT | 1 << key::SERVICE | 1 << key::ACTIVITY;
        let process = !self.has(key::PROCESS_PARENT) && !self.has(key::PROCESS_EVENT);
        self.keys & NEEDED == NEEDED
            && !self.is_odd
            && !self.has(key::CONTROL)
            && (process || self.has(key::PROCESS_ID))
            && (!self.has(key::ARTIFACT_HELD) || self.has(key::ARTIFACT_SHA256))
    }
}

/// Keys from the tenant's on up to the last that a later text may refer to.
const TEXT_KEYS: usize = 14;
const _: () = assert!(key::TENANT + TEXT_KEYS as u64 == key::CONFIGURATION_ID + 1);
const _: () = assert!(key::CONTROL < 64);

/// Where a text's range is kept.
#[inline]
fn slot_of(key: u64) -> usize {
    usize::try_from(key.wrapping_sub(key::TENANT)).unwrap_or(usize::MAX)
}

/// A map of at most so many pairs, or a text of at most so many bytes, has a head of one byte.
const SHORT_MAX: usize = 23;

/// Puts a key and the head of a text of `length` bytes.
#[inline(always)]
fn put_text_head(out: &mut Sheet, key: u64, length: usize) {
    let [own, ..] = key.to_le_bytes();
    let [short, ..] = length.to_le_bytes();
    match (key, length) {
        (0..=23, 0..=SHORT_MAX) => out.array([own, cbor::TEXT | short, 0, 0], 2),
        (0..=23, 24..=0xff) => out.array([own, cbor::TEXT | 24, short, 0], 3),
        (24..=0xff, 0..=SHORT_MAX) => out.array([24, own, cbor::TEXT | short, 0], 3),
        (24..=0xff, 24..=0xff) => out.array([24, own, cbor::TEXT | 24, short], 4),
        _ => {
            put_head(out, 0, key);
            put_head(out, cbor::TEXT, length as u64);
        }
    }
}

/// Puts the head of an item: the shortest of the five forms (RFC 8949 §4.2.1).
#[inline(always)]
fn put_head(out: &mut Sheet, major: u8, value: u64) {
    // The bytes of each form, from the first on: what follows it in the word is written over.
    let form = |number: u64, bytes: u32| (u64::from(major) | number) << 56 | value << (56 - bytes * 8);
    let (word, length) = match value {
        0..=23 => (form(value, 0) & 0xff << 56, 1),
        24..=0xff => (form(24, 1), 2),
        0x100..=0xffff => (form(25, 2), 3),
        0x1_0000..=0xffff_ffff => (form(26, 4), 5),
        _ => {
            let mut bytes = [major | 27; 9];
            bytes[1..].copy_from_slice(&value.to_be_bytes());
            return out.array(bytes, 9);
        }
    };
    out.array(word.to_be_bytes(), length);
}

impl<'o> Pairs<'o> {
    /// Begins a record at the end of `out`.
    #[inline]
    pub fn begin(out: &'o mut Sheet) -> Pairs<'o> {
        let start = out.len();
        out.array([0], 1);
        Pairs { out, start, told: Told::default(), texts: [(0, 0); TEXT_KEYS] }
    }

    /// Whether a pair was put.
    #[inline]
    pub fn has(&self, key: u64) -> bool {
        self.told.has(key)
    }

    #[inline(always)]
    fn note(&mut self, key: u64) {
        self.told.keys |= 1 << key;
    }

    #[inline(always)]
    fn key(&mut self, key: u64) {
        self.note(key);
        put_head(self.out, 0, key);
    }

    /// A text, in UTF-8; an empty one is left out.
    #[inline(always)]
    pub fn text(&mut self, key: u64, text: Loose<'_>) {
        if text.is_empty() {
            return;
        }
        self.note(key);
        put_text_head(self.out, key, text.len());
        let from = self.out.len();
        self.out.put(text);
        self.keep_range(key, from);
    }

    /// A text that has its key and its head before it already: so many bytes. An empty pair is left out.
    #[inline(always)]
    pub fn pair(&mut self, key: u64, bytes: Loose<'_>, head_bytes: usize) {
        self.told.keys |= u64::from(!bytes.is_empty()) << key;
        let from = self.out.len() + head_bytes;
        self.out.put(bytes);
        self.keep_range(key, from);
    }

    #[inline(always)]
    fn keep_range(&mut self, key: u64, from: usize) {
        if let Some(range) = self.texts.get_mut(slot_of(key)) {
            let offset = |at: usize| u32::try_from(at).unwrap_or(0);
            *range = (offset(from), offset(self.out.len()));
        }
    }

    /// A text that `write` makes of texts that are there already.
    ///
    /// # Errors
    /// Those of `write`.
    #[inline]
    pub fn referring<E>(
        &mut self,
        key: u64,
        write: impl FnOnce(&mut Referring<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.key(key);
        let at = self.out.len();
        // Most texts have a head of two bytes.
        self.out.array([0; 2], 2);
        let (start, keys) = (at + 2, self.told.keys);
        write(&mut Referring { out: &mut *self.out, start, keys, texts: &self.texts })?;
        let length = self.out.len() - start;
        match (u8::try_from(length), self.out.bytes_mut().get_mut(at..start)) {
            (Ok(short), Some(head)) if length > SHORT_MAX => {
                head.copy_from_slice(&[cbor::TEXT | 24, short]);
            }
            _ => {
                let mut head = Vec::new();
                cbor::text_head(length, &mut head);
                self.out.splice(at, start, &head);
            }
        }
        Ok(())
    }

    /// A text that is there and empty.
    pub fn empty_text(&mut self, key: u64) {
        self.key(key);
        self.told.is_odd = true;
        put_head(self.out, cbor::TEXT, 0);
    }

    /// A time, if there is one.
    #[inline(always)]
    pub fn time(&mut self, key: u64, nanos: Option<i64>) {
        if let Some(nanos) = nanos {
            self.key(key);
            let (major, value) = if nanos < 0 { (cbor::NEGATIVE, !nanos) } else { (0, nanos) };
            put_head(self.out, major, value.cast_unsigned());
        }
    }

    /// An unsigned integer.
    #[inline(always)]
    pub fn unsigned(&mut self, key: u64, value: u64) {
        self.key(key);
        put_head(self.out, 0, value);
    }

    /// A truth value.
    #[inline(always)]
    pub fn boolean(&mut self, key: u64, value: bool) {
        self.key(key);
        self.out.array([if value { cbor::TRUE } else { cbor::FALSE }], 1);
    }

    /// A byte string.
    pub fn bytes(&mut self, key: u64, value: &[u8]) {
        self.key(key);
        put_head(self.out, cbor::BYTES, value.len() as u64);
        self.out.put_slice(value);
    }

    /// A value that is encoded already.
    pub fn encoded(&mut self, key: u64, value: &[u8]) {
        self.key(key);
        self.out.put_slice(value);
    }

    /// Attributes, in any order; empty values are left out.
    ///
    /// # Errors
    /// A key given twice.
    pub fn attributes(&mut self, attributes: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<(), FieldError> {
        if attributes.iter().any(|(_, value)| !value.is_empty()) {
            self.key(key::ATTRIBUTES);
            let mut out = Vec::new();
            write_attributes(attributes, &mut out)?;
            self.out.put_slice(&out);
            let put = attributes.iter().filter(|(_, value)| !value.is_empty());
            self.told.is_odd |= put.clone().count() > limits::ATTRIBUTE_COUNT_MAX;
            self.told.is_odd |= put.clone().any(|(name, _)| name.is_empty());
        }
        Ok(())
    }

    /// A map of texts as a value.
    #[inline]
    pub fn map(&mut self, key: u64) -> Map<'_, 'o> {
        let start = self.out.len();
        put_head(self.out, 0, key);
        let head = self.out.len();
        self.out.array([0], 1);
        Map { pairs: self, key, start, head, count: 0, has_empty: false, is_whole: false }
    }

    /// Writes a whole record in the place of the one begun.
    pub fn replace(&mut self, record: &[u8]) {
        self.out.truncate(self.start);
        self.out.put_slice(record);
    }

    /// Ends the record.
    #[inline]
    pub fn finish(self) -> Told {
        put_count(self.out, self.start, self.told.keys.count_ones() as usize);
        self.told
    }
}

/// Writes the head of a map of `count` pairs in the place of the byte that was kept for it.
#[inline]
fn put_count(out: &mut Sheet, at: usize, count: usize) {
    if let Some(short) = u8::try_from(count).ok().filter(|count| usize::from(*count) <= SHORT_MAX)
        && let Some(head) = out.bytes_mut().get_mut(at)
    {
        *head = cbor::MAP | short;
        return;
    }
    let mut head = Vec::new();
    cbor::map(&mut head, count);
    out.splice(at, at + 1, &head);
}

/// A text that is made of others of its record.
pub struct Referring<'p> {
    out: &'p mut Sheet,
    start: usize,
    keys: u64,
    texts: &'p [(u32, u32); TEXT_KEYS],
}

/// Where texts that a later one may refer to lie in a sheet.
#[derive(Default)]
pub struct Texts {
    keys: u64,
    ranges: [(u32, u32); TEXT_KEYS],
}

impl Texts {
    /// Whether the text of a key was put.
    pub fn has(&self, key: u64) -> bool {
        self.keys >> key & 1 != 0
    }

    /// Appends the text of a key to `out`.
    pub fn put(&mut self, key: u64, text: &[u8], out: &mut Sheet) {
        let from = out.len();
        out.put_slice(text);
        if let Some(range) = self.ranges.get_mut(slot_of(key)) {
            let offset = |at: usize| u32::try_from(at).unwrap_or(0);
            *range = (offset(from), offset(out.len()));
            self.keys |= 1 << key;
        }
    }

    /// A text at the end of `out`, made of those that were put.
    pub fn referring<'p>(&'p self, out: &'p mut Sheet) -> Referring<'p> {
        let start = out.len();
        Referring { out, start, keys: self.keys, texts: &self.ranges }
    }
}

impl Referring<'_> {
    /// Appends bytes of the text, in UTF-8.
    #[inline]
    pub fn put(&mut self, piece: Loose<'_>) {
        self.out.put(piece);
    }

    /// Appends the text of an earlier key; none if there is none.
    #[inline]
    pub fn put_value(&mut self, key: u64) -> Option<()> {
        let (from, to) = *self.texts.get(slot_of(key)).filter(|_| self.keys >> key & 1 != 0)?;
        self.out.put_again(from as usize, to as usize);
        Some(())
    }

    /// Bytes of the text so far.
    #[inline]
    pub fn byte_count(&self) -> usize {
        self.out.len() - self.start
    }
}

/// A map of texts that is being written; without [`Map::finish`] nothing is left of it.
pub struct Map<'p, 'o> {
    pairs: &'p mut Pairs<'o>,
    key: u64,
    start: usize,
    head: usize,
    count: usize,
    has_empty: bool,
    is_whole: bool,
}

impl Map<'_, '_> {
    /// A pair of texts, in UTF-8.
    #[inline]
    pub fn pair(&mut self, key: Loose<'_>, value: Loose<'_>) {
        for text in [key, value] {
            self.has_empty |= text.is_empty();
            put_head(self.pairs.out, cbor::TEXT, text.len() as u64);
            self.pairs.out.put(text);
        }
        self.count += 1;
    }

    /// Ends the map; none if it has no pair.
    #[inline]
    pub fn finish(mut self) -> Option<()> {
        if self.count == 0 {
            return None;
        }
        put_count(self.pairs.out, self.head, self.count);
        self.pairs.note(self.key);
        self.pairs.told.is_odd |= self.has_empty || self.count > limits::ATTRIBUTE_COUNT_MAX;
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
