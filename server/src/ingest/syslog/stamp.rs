//! The time of a BSD message: a month, a day, a time of the day, and seldom a year. No zone, so it is an instant only
//! where somebody says which zone the senders keep.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sealog_engine::model::Timestamp;

/// What such a time says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    year: Option<i16>,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
}

impl Stamp {
    /// `Oct 11 22:14:15 `, the day with a space or (against RFC 3164 §4.1.2) a zero before a single digit, a year
    /// before the time, or fractions of a second behind it. First what was read, last what follows the space.
    pub(super) fn read(text: &str) -> Option<(&str, Stamp, &str)> {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month =
            MONTHS.iter().zip(1..).find(|(name, _)| text.get(..3) == Some(**name)).map(|(_, month)| month)?;
        let rest = text.get(3..)?.strip_prefix(' ')?;
        let (day, rest) = rest.split_at_checked(2)?;
        let day = number(day.strip_prefix(' ').unwrap_or(day), 1..=31)?;
        let rest = rest.strip_prefix(' ')?;
        let (year, rest) = match rest.split_at_checked(4) {
            Some((year, rest)) if rest.starts_with(' ') => (Some(number(year, 1970..=9999)?), &rest[1..]),
            _ => (None, rest),
        };
        let (clock, rest) = rest.split_once(' ')?;
        let (clock, fraction) =
            clock.split_once('.').map_or((clock, None), |(clock, rest)| (clock, Some(rest)));
        let [hour, minute, second] = *clock.split(':').collect::<Vec<_>>() else { return None };
        let two = |text: &str, max: i64| (text.len() == 2).then(|| number(text, 0..=max)).flatten();
        let (hour, minute, second) = (two(hour, 23)?, two(minute, 59)?, two(second, 60)?);
        let nanos = match fraction {
            None => 0,
            Some(digits) if matches!(digits.len(), 1..=9) => {
                number(&format!("{digits:0<9}"), 0..=999_999_999)?
            }
            Some(_) => return None,
        };
        let narrow = |value: i64| i8::try_from(value).ok();
        let stamp = Stamp {
            year: year.and_then(|year| i16::try_from(year).ok()),
            month,
            day: narrow(day)?,
            hour: narrow(hour)?,
            minute: narrow(minute)?,
            second: narrow(second)?,
            nanos: i32::try_from(nanos).ok()?,
        };
        Some((&text[..text.len() - rest.len() - 1], stamp, rest))
    }

    /// The instant in this zone. A year that is not written is the one that brings it nearest to when it was received:
    /// what is sent on New Year's Eve and comes in the new year is of the old one.
    pub fn instant(&self, zone: &TimeZone, received_at: Timestamp) -> Option<Timestamp> {
        let at = |year: i16| {
            // A leap second is the last one before the next minute.
            let civil = DateTime::new(
                year,
                self.month,
                self.day,
                self.hour,
                self.minute,
                self.second.min(59),
                self.nanos,
            )
            .ok()?;
            let zoned = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
            i64::try_from(zoned.as_nanosecond()).ok()
        };
        let nanos = match self.year {
            Some(year) => at(year)?,
            None => {
                let received = jiff::Timestamp::from_nanosecond(i128::from(received_at.nanos())).ok()?;
                let year = zone.to_datetime(received).year();
                let near = [year - 1, year, year + 1].into_iter().filter_map(at);
                near.min_by_key(|nanos| nanos.abs_diff(received_at.nanos()))?
            }
        };
        Some(Timestamp::from_nanos(nanos))
    }
}

fn number(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten().filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str, received: &str) -> Option<String> {
        let (_, stamp, _) = Stamp::read(text)?;
        let instant = stamp.instant(&TimeZone::UTC, Timestamp::parse(received).unwrap())?;
        Some(instant.to_string().replace("0000000Z", "Z"))
    }

    #[test]
    fn the_year_is_the_nearest() {
        for (text, received, expected) in [
            ("Nov 22 14:59:51 x", "2026-11-22T15:00:00Z", "2026-11-22T14:59:51.00Z"),
            ("Dec 31 23:59:59 x", "2027-01-01T00:00:03Z", "2026-12-31T23:59:59.00Z"),
            ("Jan  1 00:00:01 x", "2026-12-31T23:59:58Z", "2027-01-01T00:00:01.00Z"),
            ("Feb 29 12:00:00 x", "2028-03-01T00:00:00Z", "2028-02-29T12:00:00.00Z"),
            ("Nov 22 2024 14:59:51.25 x", "2026-11-22T15:00:00Z", "2024-11-22T14:59:51.25Z"),
            ("Jun 30 23:59:60 x", "2026-07-01T00:00:00Z", "2026-06-30T23:59:59.00Z"),
        ] {
            assert_eq!(instant(text, received).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(instant("Feb 29 12:00:00 x", "2026-03-01T00:00:00Z"), None, "no such day near");
    }

    #[test]
    fn a_zone_moves_it() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let (written, stamp, rest) = Stamp::read("Nov 22 14:59:51 host").unwrap();
        assert_eq!((written, rest), ("Nov 22 14:59:51", "host"));
        let received = Timestamp::parse("2026-11-22T13:00:00Z").unwrap();
        let expected = Timestamp::parse("2026-11-22T12:59:51Z").unwrap();
        assert_eq!(stamp.instant(&zone, received), Some(expected));
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "Nov",
            "Nov 22",
            "Now 22 14:59:51 x",
            "Nov 32 14:59:51 x",
            "Nov 22 24:59:51 x",
            "Nov 22 14:59:51",
            "Nov 22 14:59 x",
            "Nov 22 1:59:51 x",
            "Nov +2 14:59:51 x",
            "Nov 22 14:59:51. x",
            "Nové 22 14:59:51 x",
            "Nov 22 14:59:51.1234567890 x",
        ] {
            assert_eq!(Stamp::read(text), None, "{text}");
        }
    }
}
