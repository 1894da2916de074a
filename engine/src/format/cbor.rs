//! Deterministic CBOR, as far as records need it (RFC 8949 §4.2.1).
//!
//! The writer gives shortest forms and definite lengths only; the reader refuses anything else, so that a value has
//! one encoding and a hash over it one meaning.

/// Major types (RFC 8949 §3.1).
const UNSIGNED: u8 = 0 << 5;
/// See [`signed`].
pub(super) const NEGATIVE: u8 = 1 << 5;
/// See [`bytes`].
pub(super) const BYTES: u8 = 2 << 5;
/// See [`text`].
pub(super) const TEXT: u8 = 3 << 5;
const ARRAY: u8 = 4 << 5;
/// See [`map`].
pub(super) const MAP: u8 = 5 << 5;
const SIMPLE: u8 = 7 << 5;
/// See [`boolean`].
pub(super) const FALSE: u8 = SIMPLE | 20;
/// See [`boolean`].
pub(super) const TRUE: u8 = SIMPLE | 21;
const NULL: u8 = SIMPLE | 22;

/// Bytes that are not deterministic CBOR of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: expected {expected}")]
pub struct CborError {
    /// Where in the record reading stopped.
    pub offset: usize,
    /// What the reader expected there.
    pub expected: &'static str,
}

/// Appends the shortest of the five forms (§4.2.1). Inlined as far as a key, or the length of a short text, goes.
#[inline]
fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    match value.to_be_bytes() {
        [0, 0, 0, 0, 0, 0, 0, value @ 0..=23] => out.push(major | value),
        [0, 0, 0, 0, 0, 0, 0, value] => out.extend_from_slice(&[major | 24, value]),
        bytes => long_head(out, major, bytes),
    }
}

#[inline(never)]
fn long_head(out: &mut Vec<u8>, major: u8, bytes: [u8; 8]) {
    let (form, bytes) = match bytes {
        [0, 0, 0, 0, 0, 0, ..] => (25, &bytes[6..]),
        [0, 0, 0, 0, ..] => (26, &bytes[4..]),
        _ => (27, &bytes[..]),
    };
    out.push(major | form);
    out.extend_from_slice(bytes);
}

/// Appends an unsigned integer.
#[inline]
pub fn unsigned(out: &mut Vec<u8>, value: u64) {
    head(out, UNSIGNED, value);
}

/// Appends a signed integer.
#[inline]
pub fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        head(out, NEGATIVE, !value.cast_unsigned())
    } else {
        head(out, UNSIGNED, value.cast_unsigned())
    }
}

/// Appends a text.
pub fn text(out: &mut Vec<u8>, value: &str) {
    text_bytes(out, value.as_bytes());
}

/// Appends a text whose bytes are known to be UTF-8.
#[inline]
pub fn text_bytes(out: &mut Vec<u8>, value: &[u8]) {
    head(out, TEXT, value.len() as u64);
    out.extend_from_slice(value);
}

/// The head of a text of this many bytes.
pub(super) fn text_head(length: usize, out: &mut Vec<u8>) {
    head(out, TEXT, length as u64);
}

/// Appends a byte string.
pub fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    head(out, BYTES, value.len() as u64);
    out.extend(value);
}

/// Appends a truth value.
#[inline]
pub fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { TRUE } else { FALSE });
}

/// Appends the head of an array of `count` items.
pub fn array(out: &mut Vec<u8>, count: usize) {
    head(out, ARRAY, count as u64);
}

/// Appends the head of a map of `count` pairs.
pub fn map(out: &mut Vec<u8>, count: usize) {
    head(out, MAP, count as u64);
}

/// Reads deterministic CBOR from the front of untrusted bytes; borrows, never allocates.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, offset: 0 }
    }

    /// An error at the reader's place.
    pub fn error(&self, expected: &'static str) -> CborError {
        CborError { offset: self.offset, expected }
    }

    /// Where the reader is.
    pub fn offset(&self) -> usize {
        self.offset
    }

    fn take(&mut self, count: usize, expected: &'static str) -> Result<&'a [u8], CborError> {
        let rest = &self.bytes[self.offset..];
        let taken = rest.get(..count).ok_or_else(|| self.error(expected))?;
        self.offset += count;
        Ok(taken)
    }

    /// Reads a head, and refuses any but the shortest form.
    fn head(&mut self, expected: &'static str) -> Result<(u8, u64), CborError> {
        let start = self.clone();
        let first = self.take(1, expected)?[0];
        let (major, information) = (first & 0xe0, first & 0x1f);
        let value = match information {
            0..=23 => u64::from(information),
            24..=27 => {
                let width = 1 << (information - 24);
                let mut value = [0; 8];
                value[8 - width..].copy_from_slice(self.take(width, expected)?);
                let value = u64::from_be_bytes(value);
                let shortest_max = [23, 0xff, 0xffff, 0xffff_ffff][usize::from(information - 24)];
                if value <= shortest_max {
                    return Err(start.error("the shortest form of an integer or length"));
                }
                value
            }
            _ => return Err(start.error("a definite length")),
        };
        Ok((major, value))
    }

    fn typed(&mut self, wanted: u8, expected: &'static str) -> Result<u64, CborError> {
        let start = self.clone();
        let (major, value) = self.head(expected)?;
        if major == wanted { Ok(value) } else { Err(start.error(expected)) }
    }

    fn length(&mut self, wanted: u8, expected: &'static str) -> Result<usize, CborError> {
        let start = self.clone();
        let value = self.typed(wanted, expected)?;
        // An item takes at least a byte, so no honest count or length exceeds what is left.
        let left = self.bytes.len() - self.offset;
        usize::try_from(value).ok().filter(|length| *length <= left).ok_or_else(|| start.error(expected))
    }

    /// Reads an unsigned integer.
    ///
    /// # Errors
    /// If anything else is there; likewise for all readers below.
    pub fn unsigned(&mut self) -> Result<u64, CborError> {
        self.typed(UNSIGNED, "an unsigned integer")
    }

    /// Reads an integer that fits 64 signed bits.
    pub fn signed(&mut self) -> Result<i64, CborError> {
        let start = self.clone();
        let (major, value) = self.head("an integer")?;
        let value = i64::try_from(value).map_err(|_| start.error("an integer of 64 signed bits"))?;
        match major {
            UNSIGNED => Ok(value),
            NEGATIVE => Ok(!value),
            _ => Err(start.error("an integer")),
        }
    }

    /// Reads a text.
    pub fn text(&mut self) -> Result<&'a str, CborError> {
        let start = self.clone();
        let length = self.length(TEXT, "a text")?;
        let bytes = self.take(length, "a text")?;
        std::str::from_utf8(bytes).map_err(|_| start.error("a text in UTF-8"))
    }

    /// Reads a byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let length = self.length(BYTES, "a byte string")?;
        self.take(length, "a byte string")
    }

    /// Reads a byte string of exactly `N` bytes.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let start = self.clone();
        self.bytes()?.try_into().map_err(|_| start.error("a byte string of the fixed length"))
    }

    /// Reads a truth value.
    pub fn boolean(&mut self) -> Result<bool, CborError> {
        let start = self.clone();
        match self.take(1, "true or false")? {
            [TRUE] => Ok(true),
            [FALSE] => Ok(false),
            _ => Err(start.error("true or false")),
        }
    }

    /// Reads the head of an array.
    pub fn array(&mut self) -> Result<usize, CborError> {
        self.length(ARRAY, "an array")
    }

    /// Reads the head of a map.
    pub fn map(&mut self) -> Result<usize, CborError> {
        self.length(MAP, "a map")
    }

    /// Steps over one item of any kind that records use, nested at most `depth` deep.
    pub fn skip(&mut self, depth: u32) -> Result<(), CborError> {
        let start = self.clone();
        let Some(depth) = depth.checked_sub(1) else {
            return Err(start.error("an item that is nested less deep"));
        };
        let (major, value) = self.head("an item")?;
        let left = (self.bytes.len() - self.offset) as u64;
        match major {
            UNSIGNED | NEGATIVE => {}
            BYTES | TEXT if value <= left => {
                self.take(usize::try_from(value).map_err(|_| start.error("an item"))?, "an item")?;
            }
            ARRAY | MAP if value <= left => {
                for _ in 0..if major == MAP { 2 * value } else { value } {
                    self.skip(depth)?;
                }
            }
            SIMPLE if matches!(value, 20..=22) => {}
            _ => return Err(start.error("an item")),
        }
        Ok(())
    }

    /// Checks that nothing follows.
    pub fn end(&self) -> Result<(), CborError> {
        if self.offset == self.bytes.len() { Ok(()) } else { Err(self.error("the end")) }
    }
}

const _: () = assert!(NULL == 0xf6 && TRUE == 0xf5 && FALSE == 0xf4);

#[cfg(test)]
mod tests {
    use super::*;

    /// Integer encodings of RFC 8949 appendix A.
    #[test]
    fn integers_of_the_rfc() {
        for (value, wanted) in [
            (0, "00"),
            (23, "17"),
            (24, "1818"),
            (100, "1864"),
            (1000, "1903e8"),
            (1_000_000, "1a000f4240"),
            (1_000_000_000_000, "1b000000e8d4a51000"),
            (-1, "20"),
            (-10, "29"),
            (-100, "3863"),
            (-1000, "3903e7"),
            (i64::MAX, "1b7fffffffffffffff"),
            (i64::MIN, "3b7fffffffffffffff"),
        ] {
            let mut out = Vec::new();
            signed(&mut out, value);
            assert_eq!(crate::hex::encode(&out), wanted);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.signed(), Ok(value));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn only_the_shortest_form_is_read() {
        for bytes in [
            &[0x18, 23][..],
            &[0x19, 0, 255],
            &[0x1a, 0, 0, 255, 255],
            &[0x1b, 0, 0, 0, 0, 255, 255, 255, 255],
        ] {
            assert!(Reader::new(bytes).unsigned().is_err(), "{bytes:?}");
        }
        for indefinite in [0x5f, 0x7f, 0x9f, 0xbf, 0x1c] {
            assert!(Reader::new(&[indefinite, 0xff]).skip(4).is_err());
        }
    }

    #[test]
    fn absurd_lengths_are_refused_before_they_size_anything() {
        let huge = [0x7b, 255, 255, 255, 255, 255, 255, 255, 255, 0];
        assert!(Reader::new(&huge).text().is_err());
        assert!(Reader::new(&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255]).array().is_err());
        assert!(Reader::new(&[0xbb, 255, 255, 255, 255, 255, 255, 255, 255]).skip(9).is_err());
        let nested = [0x81; 100];
        assert!(Reader::new(&nested).skip(16).is_err());
    }

    #[test]
    fn invalid_utf8_and_truncation_are_errors() {
        assert!(Reader::new(&[0x61, 0xff]).text().is_err());
        let mut out = Vec::new();
        text(&mut out, "hello");
        for end in 0..out.len() {
            assert!(Reader::new(&out[..end]).text().is_err());
        }
    }
}
