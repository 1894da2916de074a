//! Bytes of JSON, written straight into the caller's buffer: fixed fragments, numbers, hex, UUIDs and times.
//!
//! Knows nothing of entries. What is passed as a fragment must already be valid inside a JSON string; texts that
//! may need escaping go through [`escaped`] once, when the tables are built, and never per line.

/// Two decimal digits of every number below 100.
const PAIRS: &[u8; 200] = &{
    let mut pairs = [0; 200];
    let mut number = 0;
    while number < 100 {
        pairs[number * 2] = b"0123456789"[number / 10];
        pairs[number * 2 + 1] = b"0123456789"[number % 10];
        number += 1;
    }
    pairs
};

const HEX: &[u8; 16] = b"0123456789abcdef";

const SECOND_NS: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// Appends a fragment as it is.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, fragment: &str) {
    out.extend_from_slice(fragment.as_bytes());
}

/// The text as it stands inside a JSON string (RFC 8259 §7), without the quotes around it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            plain => out.push(plain),
        }
    }
    out
}

/// Appends a number in decimal.
#[inline]
pub(super) fn decimal(out: &mut Vec<u8>, number: u64) {
    padded::<1>(out, number);
}

/// Appends a number in decimal, with zeros in front up to `WIDTH` digits.
#[inline]
pub(super) fn padded<const WIDTH: usize>(out: &mut Vec<u8>, number: u64) {
    // 20 digits hold every u64.
    let mut digits = [b'0'; 20];
    let mut begin = digits.len();
    let mut rest = number;
    while rest >= 100 {
        begin -= 2;
        digits[begin..begin + 2].copy_from_slice(pair(rest));
        rest /= 100;
    }
    if rest >= 10 {
        begin -= 2;
        digits[begin..begin + 2].copy_from_slice(pair(rest));
    } else {
        begin -= 1;
        digits[begin] = pair(rest)[1];
    }
    out.extend_from_slice(&digits[begin.min(digits.len() - WIDTH)..]);
}

/// The last two decimal digits of a number.
#[inline]
fn pair(number: u64) -> &'static [u8] {
    let begin = usize::try_from(number % 100).unwrap_or(0) * 2;
    &PAIRS[begin..begin + 2]
}

/// The 16 lowercase hex digits of a number.
#[inline]
pub(super) fn hex16(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (two, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        two[0] = HEX[usize::from(byte >> 4)];
        two[1] = HEX[usize::from(byte & 0xf)];
    }
    digits
}

/// Appends a UUID in its text form (RFC 9562 §4).
#[inline]
pub(super) fn uuid(out: &mut Vec<u8>, uuid: u128) {
    let bytes = uuid.to_be_bytes();
    let mut digits = [b'-'; 36];
    // Where each byte's two digits stand: a hyphen follows the 4th, 6th, 8th and 10th byte.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    for (place, byte) in PLACES.into_iter().zip(bytes) {
        digits[place] = HEX[usize::from(byte >> 4)];
        digits[place + 1] = HEX[usize::from(byte & 0xf)];
    }
    out.extend_from_slice(&digits);
}

/// How many digits of a second a service writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Millis,
    Micros,
    Nanos,
}

/// Appends a time, given in nanoseconds since 1970-01-01T00:00:00Z, as RFC 3339 in UTC. Finer digits than the
/// precision are cut, so that two times keep their order. Years outside 0 to 9999 cannot come from 64 bits.
#[inline]
pub(super) fn time(out: &mut Vec<u8>, time_ns: i64, precision: Precision) {
    let seconds = time_ns.div_euclid(SECOND_NS);
    let fraction = time_ns.rem_euclid(SECOND_NS).unsigned_abs();
    let (year, month, day) = civil(seconds.div_euclid(DAY_SECONDS));
    let second = seconds.rem_euclid(DAY_SECONDS).unsigned_abs();
    let mut line = *b"0000-00-00T00:00:00.000000000Z";
    let mut two = |place: usize, number: u64| line[place..place + 2].copy_from_slice(pair(number));
    two(0, year / 100);
    two(2, year % 100);
    two(5, month);
    two(8, day);
    two(11, second / 3600);
    two(14, second / 60 % 60);
    two(17, second % 60);
    two(20, fraction / 10_000_000);
    two(22, fraction / 100_000);
    two(24, fraction / 1_000);
    two(26, fraction / 10);
    line[28] = pair(fraction % 10)[1];
    let end = match precision {
        Precision::Millis => 23,
        Precision::Micros => 26,
        Precision::Nanos => 29,
    };
    line[end] = b'Z';
    out.extend_from_slice(&line[..=end]);
}

/// Year, month and day of a day number since 1970-01-01.
///
/// Source: H. Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
#[inline]
fn civil(day_number: i64) -> (u64, u64, u64) {
    let shifted = day_number + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year.unsigned_abs(), month.unsigned_abs(), day.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_as_rust_prints_them() {
        for number in [0, 1, 9, 10, 11, 99, 100, 101, 110, 999, 1000, 1001, 12_345, 100_000, u64::MAX] {
            assert_eq!(written(|out| decimal(out, number)), number.to_string());
            assert_eq!(written(|out| padded::<4>(out, number)), format!("{number:04}"));
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        for (time_ns, expected) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (1_709_210_096_123_456_789, "2024-02-29T12:34:56.123456789Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ] {
            assert_eq!(written(|out| time(out, time_ns, Precision::Nanos)), expected);
            assert_eq!(written(|out| time(out, time_ns, Precision::Micros)), format!("{}Z", &expected[..26]));
            assert_eq!(written(|out| time(out, time_ns, Precision::Millis)), format!("{}Z", &expected[..23]));
        }
    }

    #[test]
    fn ids_are_lowercase_hex() {
        let number = 0x0123_4567_89ab_4def_8123_4567_89ab_cdef;
        assert_eq!(written(|out| uuid(out, number)), "01234567-89ab-4def-8123-456789abcdef");
        assert_eq!(&hex16(0x0123_4567_89ab_cdef), b"0123456789abcdef");
    }

    #[test]
    fn escapes_are_read_back() {
        let text = "a \"quote\", a \\, a tab\t, a line\n, a bell\u{7} and 北京";
        let json = format!("\"{}\"", escaped(text));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
