//! The reversible form of names that do not fit the alphabet of services.
//!
//! As percent-encoding (RFC 3986 §2.1) with `_` for `%`: a byte outside `[A-Za-z0-9._-]` becomes `_` and two upper-case
//! hex digits, `a/b c` is `a_2Fb_20c`. So that every name comes back:
//! - a `_` that two upper-case hex digits follow is itself escaped: `my_DB1` is `my_5FDB1`, while `my_app` stays;
//! - a name that does not begin with a letter or digit gets `0__` before it, and the `_` of a name that begins with
//!   `0_` is escaped, so that no other name begins with `0__`;
//! - the dot of a leading `sealog.`, which is reserved, is escaped: `sealog_2Ex`.

use std::borrow::Cow;

/// Stands before a name whose first byte a service may not begin with.
const MARK: &str = "0__";
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The service that stands for `name`; equal to it where it fits. May be longer than a service can be.
pub fn escape_service(name: &str) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    let mut escaped = String::new();
    if !bytes.first().is_some_and(u8::is_ascii_alphanumeric) {
        escaped.push_str(MARK);
    }
    for (index, &byte) in bytes.iter().enumerate() {
        let plain = match byte {
            b'-' => true,
            b'.' => !(index == 6 && name.starts_with("sealog.")),
            b'_' => !(hex_pair(&bytes[index + 1..]).is_some() || index == 1 && bytes[0] == b'0'),
            other => other.is_ascii_alphanumeric(),
        };
        if plain {
            escaped.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
            escaped.extend(['_', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    if escaped == name { Cow::Borrowed(name) } else { Cow::Owned(escaped) }
}

/// The name that `service` stands for, or none if no name gives this service.
pub fn unescape_service(service: &str) -> Option<String> {
    let mut rest = service.strip_prefix(MARK).unwrap_or(service).as_bytes();
    let mut name = Vec::with_capacity(rest.len());
    while let [byte, tail @ ..] = rest {
        match hex_pair(tail) {
            Some(escaped) if *byte == b'_' => {
                name.push(escaped);
                rest = &tail[2..];
            }
            _ => {
                name.push(*byte);
                rest = tail;
            }
        }
    }
    let name = String::from_utf8(name).ok()?;
    (escape_service(&name) == service).then_some(name)
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let [high, low, ..] = bytes else { return None };
    Some(digit(*high)? << 4 | digit(*low)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceName;

    #[test]
    fn names_become_services_and_come_back() {
        for (name, service) in [
            ("mail-api", "mail-api"),
            ("my_app", "my_app"),
            ("ec2.amazonaws.com", "ec2.amazonaws.com"),
            ("a/b", "a_2Fb"),
            ("Core Directory", "Core_20Directory"),
            ("my_DB1", "my_5FDB1"),
            ("a_2Fb", "a_5F2Fb"),
            ("/var/log", "0___2Fvar_2Flog"),
            ("0_/x", "0_5F_2Fx"),
            ("0__x", "0_5F_x"),
            ("sealog.x", "sealog_2Ex"),
            ("sealog", "sealog"),
            ("ä", "0___C3_A4"),
            (".x", "0__.x"),
            ("_", "0___"),
        ] {
            assert_eq!(escape_service(name), service, "{name}");
            assert_eq!(unescape_service(service).as_deref(), Some(name), "{service}");
            assert!(ServiceName::outside(service).is_ok(), "{service}");
        }
        assert_eq!(unescape_service("a_2fb").as_deref(), Some("a_2fb"), "lower case is no escape");
        assert_eq!(unescape_service("a_41"), None, "no name gives this");
    }

    #[test]
    fn random_names_round_trip() {
        // Every part is one that the scheme could stumble over.
        const PARTS: [&str; 16] =
            ["0", "_", "__", "5F", "2F", "/", " ", ".", "-", "x", "A", "sealog.", "é", "日", "\0", "0__"];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..200_000 {
            let mut name = String::new();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut bits = state >> 8;
            for _ in 0..=round % 8 {
                name.push_str(PARTS[usize::try_from(bits & 15).unwrap()]);
                bits >>= 4;
            }
            let service = escape_service(&name).into_owned();
            assert!(ServiceName::outside(&service).is_ok(), "{name:?} gives {service:?}");
            assert_eq!(unescape_service(&service), Some(name));
        }
    }
}
