//! The wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding), read in place.
//!
//! Nothing is copied, and every error has the offset in the whole body.

use crate::ingest::problem::{Kind, Problem};

/// A message, read field by field.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where `bytes` begin in the body.
    base: usize,
}

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// A field: its number, its value, and where that ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    value: Wire<'a>,
    /// Offset in the body behind the value.
    end: usize,
}

impl<'a> Reader<'a> {
    /// A whole body.
    pub(super) fn new(body: &'a [u8]) -> Reader<'a> {
        Reader { bytes: body, at: 0, base: 0 }
    }

    /// The next field, or none at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Problem> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let start = self.at;
        let tag = self.varint()?;
        let Some(number) = u32::try_from(tag >> 3).ok().filter(|number| matches!(number, 1..=0x1fff_ffff))
        else {
            return Err(self.problem(start, "a field number from 1 to 536870911", (tag >> 3).to_string()));
        };
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                let rest = &self.bytes[self.at..];
                let Some(bytes) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) else {
                    let found = format!("a length of {length}");
                    return Err(self.problem(start, format!("at most {} bytes more", rest.len()), found));
                };
                self.at += bytes.len();
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            other => {
                return Err(self.problem(start, "a wire type of 0, 1, 2 or 5", format!("wire type {other}")));
            }
        };
        Ok(Some(Field { number, value, end: self.base + self.at }))
    }

    /// Bytes of the message.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Problem> {
        // Nearly all tags and lengths take one byte.
        if let Some(&byte) = self.bytes.get(self.at)
            && byte < 0x80
        {
            self.at += 1;
            return Ok(u64::from(byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Problem> {
        let mut value = 0_u64;
        for (index, &byte) in self.bytes[self.at..].iter().take(10).enumerate() {
            if index == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.at += index + 1;
                return Ok(value);
            }
        }
        let found =
            if self.bytes.len() - self.at < 10 { "the end of its message" } else { "more than 64 bits" };
        Err(self.problem(self.at, "the end of a varint", found))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(array) => {
                self.at += N;
                Ok(*array)
            }
            None => {
                Err(self.problem(self.at, format!("{N} bytes"), format!("{}", self.bytes.len() - self.at)))
            }
        }
    }

    fn problem(
        &self,
        at: usize,
        expected: impl Into<std::borrow::Cow<'static, str>>,
        found: impl Into<String>,
    ) -> Problem {
        Problem::new(Kind::Malformed, "", expected, found).at_byte(self.base + at)
    }
}

impl<'a> Field<'a> {
    /// A message inside this one.
    #[inline]
    pub(super) fn message(&self) -> Result<Reader<'a>, Problem> {
        let bytes = self.bytes()?;
        Ok(Reader { bytes, at: 0, base: self.end - bytes.len() })
    }

    /// A text.
    #[inline]
    pub(super) fn text(&self) -> Result<&'a str, Problem> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            Problem::new(Kind::Malformed, "", "UTF-8", format!("the byte 0x{:02x}", bytes[at]))
                .at_byte(self.end - bytes.len() + at)
        })
    }

    #[inline]
    pub(super) fn bytes(&self) -> Result<&'a [u8], Problem> {
        match self.value {
            Wire::Bytes(bytes) => Ok(bytes),
            _ => Err(self.other("bytes")),
        }
    }

    #[inline]
    pub(super) fn varint(&self) -> Result<u64, Problem> {
        match self.value {
            Wire::Varint(value) => Ok(value),
            _ => Err(self.other("a varint")),
        }
    }

    #[inline]
    pub(super) fn fixed64(&self) -> Result<u64, Problem> {
        match self.value {
            Wire::Fixed64(value) => Ok(value),
            _ => Err(self.other("a 64-bit value")),
        }
    }

    #[inline]
    pub(super) fn fixed32(&self) -> Result<u32, Problem> {
        match self.value {
            Wire::Fixed32(value) => Ok(value),
            _ => Err(self.other("a 32-bit value")),
        }
    }

    /// A problem with this value.
    pub(super) fn refuse(
        &self,
        kind: Kind,
        expected: impl Into<std::borrow::Cow<'static, str>>,
        found: impl Into<String>,
    ) -> Problem {
        let start = match self.value {
            Wire::Bytes(bytes) => self.end - bytes.len(),
            _ => self.end,
        };
        Problem::new(kind, "", expected, found).at_byte(start)
    }

    fn other(&self, expected: &'static str) -> Problem {
        let found = match self.value {
            Wire::Varint(_) => "a varint",
            Wire::Fixed64(_) => "a 64-bit value",
            Wire::Fixed32(_) => "a 32-bit value",
            Wire::Bytes(_) => "bytes",
        };
        self.refuse(Kind::Malformed, expected, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<u32>, Problem> {
        let mut reader = Reader::new(bytes);
        let mut numbers = Vec::new();
        while let Some(field) = reader.next()? {
            numbers.push(field.number);
        }
        Ok(numbers)
    }

    #[test]
    fn every_wire_type_is_walked_over() {
        let bytes = [0x08, 0x96, 0x01, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1a, 2, b'h', b'i', 0x25, 1, 2, 3, 4];
        assert_eq!(all(&bytes).unwrap(), [1, 2, 3, 4]);
        for end in 1..bytes.len() {
            let is_whole = matches!(end, 3 | 12 | 16);
            assert_eq!(all(&bytes[..end]).is_ok(), is_whole, "{end} bytes");
        }
    }

    #[test]
    fn errors_have_the_offset_in_the_body() {
        // Field 1 holds a message whose field 2 is longer than it.
        let mut outer = Reader::new(&[0x50, 0, 0x0a, 3, 0x12, 9, 0]);
        assert_eq!(outer.next().unwrap().unwrap().varint().unwrap(), 0);
        let mut inner = outer.next().unwrap().unwrap().message().unwrap();
        let problem = inner.next().unwrap_err();
        assert_eq!(problem.to_string(), "byte 4: expected at most 1 bytes more, found a length of 9");
        for (bytes, at) in [(&[0x00_u8][..], 0), (&[0x0b], 0), (&[0x0a, 0xff], 1), (&[0x08; 1], 1)] {
            assert_eq!(all(bytes).unwrap_err().byte, Some(at), "{bytes:?}");
        }
        let endless = [&[0x08][..], &[0xff; 11]].concat();
        assert!(all(&endless).unwrap_err().to_string().ends_with("found more than 64 bits"));
    }
}
