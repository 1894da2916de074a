//! Numbers and texts of the heap.
//!
//! A number is 7 bits a byte, lowest first. A text has its length, doubled, before it; one that is a UUID as it is
//! usually written is 1 and its 16 bytes.

/// Appends a number.
pub fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(0x80 | value.to_le_bytes()[0] & 0x7f);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a number that may be negative.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_number(out, (value << 1 ^ value >> 63).cast_unsigned());
}

/// Appends a text.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    match uuid_of(text.as_bytes()) {
        Some(uuid) => {
            put_number(out, 1);
            out.extend(uuid);
        }
        None => {
            put_number(out, (text.len() as u64) << 1);
            out.extend(text.as_bytes());
        }
    }
}

const UUID_TEXT_BYTES: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn uuid_of(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != UUID_TEXT_BYTES {
        return None;
    }
    let mut uuid = [0; 16];
    let mut count = 0;
    for (at, byte) in text.iter().enumerate() {
        if HYPHENS.contains(&at) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        uuid[count / 2] |= if count % 2 == 0 { digit << 4 } else { digit };
        count += 1;
    }
    Some(uuid)
}

fn text_of(uuid: [u8; 16]) -> String {
    let mut text = String::with_capacity(UUID_TEXT_BYTES);
    for byte in uuid {
        if HYPHENS.contains(&text.len()) {
            text.push('-');
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Reads what the functions above wrote; none where the bytes are no such thing.
pub struct Reader<'a> {
    pub rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return (shift < 63 || byte < 2).then_some(value);
            }
        }
        None
    }

    pub fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub fn text(&mut self) -> Option<Box<str>> {
        match self.number()? {
            1 => Some(text_of(self.take(16)?.try_into().ok()?).into()),
            doubled if doubled & 1 == 0 => {
                let text = self.take(usize::try_from(doubled >> 1).ok()?)?;
                std::str::from_utf8(text).ok().map(Box::from)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_texts_come_back(
            numbers in prop::collection::vec(any::<u64>(), 0..8),
            signed in prop::collection::vec(any::<i64>(), 0..8),
            texts in prop::collection::vec("[a-f0-9-]{0,40}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|.{0,20}", 0..8),
        ) {
            let mut out = Vec::new();
            numbers.iter().for_each(|number| put_number(&mut out, *number));
            signed.iter().for_each(|number| put_signed(&mut out, *number));
            texts.iter().for_each(|text| put_text(&mut out, text));
            let mut reader = Reader { rest: &out };
            for number in numbers {
                prop_assert_eq!(reader.number(), Some(number));
            }
            for number in signed {
                prop_assert_eq!(reader.signed(), Some(number));
            }
            for text in texts {
                prop_assert_eq!(reader.text(), Some(text.into()));
            }
            prop_assert!(reader.rest.is_empty());
        }

        #[test]
        fn any_bytes_read_or_not(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut reader = Reader { rest: &bytes };
            while reader.text().is_some() {}
            while reader.number().is_some() {}
        }
    }

    #[test]
    fn a_uuid_takes_seventeen_bytes_and_another_spelling_its_own() {
        let length = |text: &str| {
            let mut out = Vec::new();
            put_text(&mut out, text);
            assert_eq!(Reader { rest: &out }.text().as_deref(), Some(text));
            out.len()
        };
        assert_eq!(length("0af1c5d2-63b7-4e6e-9c1f-8f50aa01b2c3"), 17);
        assert_eq!(length("0AF1C5D2-63b7-4e6e-9c1f-8f50aa01b2c3"), 37);
        assert_eq!(length("0af1c5d2-63b7-4e6e-9c1f+8f50aa01b2c3"), 37);
    }
}
