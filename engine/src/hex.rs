//! Lower-case hexadecimal (RFC 4648 §8, in lower case).

/// The bytes as lower-case hex.
pub fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// The `N` bytes that exactly 2 × N hex digits of either case give.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    decode_all(text)?.try_into().ok()
}

/// The bytes that hex digits of either case give; half as many as `text` has.
pub fn decode_all(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn round_trips_and_refuses() {
        assert_eq!(super::encode(&[0, 255, 0x1a]), "00ff1a");
        assert_eq!(super::decode("00FF1a"), Some([0, 255, 0x1a]));
        assert_eq!(super::decode::<3>("00ff1"), None);
        assert_eq!(super::decode::<2>("0g00"), None);
        assert_eq!(super::decode_all("0aF0"), Some(vec![10, 240]));
        assert_eq!(super::decode_all("0a0"), None);
    }
}
