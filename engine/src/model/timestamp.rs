//! Nanoseconds since the Unix epoch, and their RFC 3339 form.
//!
//! Parsing is strict RFC 3339 §5.6 (what `jiff` accepts beyond it is refused first); printing is always UTC with `Z`
//! and nine fractional digits, so that texts sort as times do.

use std::fmt;

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z, from 1677-09-21 to 2262-04-11.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not a time of the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not of the form of RFC 3339 §5.6, or no such day or second.
    #[error("expected an RFC 3339 time such as 2026-11-21T14:05:06.123456789Z, found {0:?}")]
    Form(String),
    /// A time that 64-bit nanoseconds do not reach.
    #[error("expected a time from 1677-09-21T00:12:44Z to 2262-04-11T23:47:16Z, found {0:?}")]
    Range(String),
}

impl Timestamp {
    /// The earliest time.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The latest time.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// The time `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: i64) -> Timestamp {
        Timestamp(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 time with an offset and at most nine fractional digits.
    ///
    /// # Errors
    /// [`TimeError::Form`] for any other text, [`TimeError::Range`] for a time outside 64-bit nanoseconds.
    pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
        let shown = || text.chars().take(64).collect::<String>();
        if !has_rfc3339_shape(text.as_bytes()) {
            return Err(TimeError::Form(shown()));
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| TimeError::Form(shown()))?;
        i64::try_from(time.as_nanosecond()).map(Timestamp).map_err(|_| TimeError::Range(shown()))
    }

    /// The time `nanos` later, or the nearest that exists.
    pub const fn saturating_add(self, nanos: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(nanos))
    }
}

/// `YYYY-MM-DDThh:mm:ss[.f{1,9}](Z|±hh:mm)`, with `t`, `z` and a space for `T` allowed as RFC 3339 does.
fn has_rfc3339_shape(text: &[u8]) -> bool {
    const SHAPE: &[u8; 19] = b"0000-00-00T00:00:00";
    let Some((head, mut tail)) = text.split_at_checked(SHAPE.len()) else { return false };
    let matches = head.iter().zip(SHAPE).all(|(&found, &shape)| match shape {
        b'0' => found.is_ascii_digit(),
        b'T' => matches!(found, b'T' | b't' | b' '),
        punctuation => found == punctuation,
    });
    if let [b'.', rest @ ..] = tail {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return false;
        }
        tail = &rest[digits..];
    }
    let offset = match tail {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()),
        _ => false,
    };
    matches && offset
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PRINTER: jiff::fmt::temporal::DateTimePrinter =
            jiff::fmt::temporal::DateTimePrinter::new().precision(Some(9));
        // Every i64 of nanoseconds lies inside jiff's years -9999..=9999.
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.0)).map_err(|_| fmt::Error)?;
        PRINTER.print_timestamp(&time, jiff::fmt::StdFmtWrite(f)).map_err(|_| fmt::Error)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_utc_with_nine_digits() {
        assert_eq!(Timestamp::from_nanos(0).to_string(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Timestamp::from_nanos(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(Timestamp::MAX.to_string(), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(Timestamp::MIN.to_string(), "1677-09-21T00:12:43.145224192Z");
    }

    #[test]
    fn parses_what_it_prints_and_offsets() {
        for nanos in [0, 1, -1, i64::MIN, i64::MAX, 1_700_000_000_123_456_789] {
            let time = Timestamp::from_nanos(nanos);
            assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        }
        let utc = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
        assert_eq!(Timestamp::parse("2026-01-02T05:04:05.000+02:00"), Ok(utc));
        assert_eq!(Timestamp::parse("2026-01-01t22:34:05-04:30"), Ok(utc));
    }

    #[test]
    fn refuses_what_rfc_3339_does_not_name() {
        for text in [
            "",
            "now",
            "2026-01-02",
            "2026-01-02T03:04Z",
            "2026-01-02T03:04:05",
            "20260102T030405Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.0000000001Z",
            "2026-13-02T03:04:05Z",
            "2026-02-30T03:04:05Z",
            "2026-01-02T25:04:05Z",
            "2026-01-02T03:04:05+0200",
            "2026-01-02T03:04:05Z[UTC]",
            " 2026-01-02T03:04:05Z",
            "２026-01-02T03:04:05Z",
        ] {
            assert!(matches!(Timestamp::parse(text), Err(TimeError::Form(_))), "{text:?}");
        }
        assert!(matches!(Timestamp::parse("2263-01-01T00:00:00Z"), Err(TimeError::Range(_))));
        assert!(matches!(Timestamp::parse("1600-01-01T00:00:00Z"), Err(TimeError::Range(_))));
    }
}
