//! Edges of a histogram's buckets: any width, aligned as the clocks of a time zone show it.

use crate::limits;
use crate::model::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Unit, Zoned};

/// How wide a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// So many seconds, counted from each midnight; they divide a day.
    Seconds(u32),
    /// So many days, counted from 1970-01-01.
    Days(u16),
    /// Weeks, from Monday on (ISO 8601).
    Week,
    /// Calendar months.
    Month,
}

/// Buckets that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct BucketError {
    /// What is accepted.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

const DAY_SECONDS: u32 = 86_400;
/// What is accepted.
const EXPECTED: &str =
    "a width such as 30s, 15m, 1h, 1d, 1w or 1mo; seconds, minutes and hours that divide a day";

impl Bucket {
    /// Reads a width: a number and `s`, `m`, `h`, `d`, `w` or `mo`.
    ///
    /// # Errors
    /// Another form; more than one week or month; a part of a day that does not divide it.
    pub fn parse(text: &str) -> Result<Bucket, BucketError> {
        let wrong = || BucketError { expected: EXPECTED, found: text.chars().take(40).collect() };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, unit) = text.split_at(digits);
        let count: u32 = count.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
        let seconds = |unit: u32| {
            let seconds = count.checked_mul(unit).filter(|all| DAY_SECONDS.is_multiple_of(*all));
            seconds.map(|all| if all == DAY_SECONDS { Bucket::Days(1) } else { Bucket::Seconds(all) })
        };
        let bucket = match unit {
            "s" => seconds(1),
            "m" => seconds(60),
            "h" => seconds(3600),
            "d" => u16::try_from(count).ok().map(Bucket::Days),
            "w" if count == 1 => Some(Bucket::Week),
            "mo" if count == 1 => Some(Bucket::Month),
            _ => None,
        };
        bucket.ok_or_else(wrong)
    }

    /// The edges of the buckets that hold everything from `from` to before `to`, in nanoseconds since 1970: bucket `n` is
    /// from edge `n` to before edge `n + 1`. Where clocks are set back or forward a bucket is longer or shorter, or left
    /// out; the next midnight begins anew.
    ///
    /// # Errors
    /// More than [`limits::BUCKETS_MAX`] buckets; an unknown time zone.
    pub fn edges(self, from: Timestamp, to: Timestamp, zone: &str) -> Result<Vec<i64>, BucketError> {
        let zone = zone_of(zone)?;
        let too_many = || BucketError {
            expected: "at most 10 000 buckets: a wider one, or a shorter time",
            found: format!("more from {from} to {to}"),
        };
        let at_range_end = |_| BucketError {
            expected: "times within the years that have a calendar",
            found: format!("{from} to {to}"),
        };
        let mut edge = self.begin(&zoned(from, &zone)).map_err(at_range_end)?;
        let mut edges = vec![nanos(&edge)];
        while *edges.last().unwrap_or(&i64::MAX) < to.nanos() || edges.len() < 2 {
            if edges.len() > limits::BUCKETS_MAX {
                return Err(too_many());
            }
            edge = self.next(&edge).map_err(at_range_end)?;
            edges.push(nanos(&edge));
        }
        Ok(edges)
    }

    /// The edge at or before a time.
    fn begin(self, time: &Zoned) -> Result<Zoned, jiff::Error> {
        let midnight = time.start_of_day()?;
        match self {
            Bucket::Seconds(width) => {
                let passed = time.timestamp().as_second() - midnight.timestamp().as_second();
                midnight.checked_add((passed - passed.rem_euclid(i64::from(width))).seconds())
            }
            Bucket::Days(count) => {
                let epoch = jiff::civil::date(1970, 1, 1);
                let passed = midnight.date().since((Unit::Day, epoch))?.get_days();
                midnight.checked_sub(passed.rem_euclid(i32::from(count)).days())?.start_of_day()
            }
            Bucket::Week => {
                let passed = midnight.weekday().since(Weekday::Monday);
                midnight.checked_sub(i32::from(passed).days())?.start_of_day()
            }
            Bucket::Month => midnight.first_of_month()?.start_of_day(),
        }
    }

    /// The edge behind one.
    fn next(self, edge: &Zoned) -> Result<Zoned, jiff::Error> {
        match self {
            Bucket::Seconds(width) => {
                let next = edge.checked_add(i64::from(width).seconds())?;
                let midnight = edge.tomorrow()?.start_of_day()?;
                Ok(if next > midnight { midnight } else { next })
            }
            Bucket::Days(count) => edge.checked_add(i32::from(count).days())?.start_of_day(),
            Bucket::Week => edge.checked_add(7.days())?.start_of_day(),
            Bucket::Month => edge.checked_add(1.month())?.start_of_day(),
        }
    }
}

/// The time zone of a name: one of the IANA time zone database, or `UTC`.
fn zone_of(name: &str) -> Result<TimeZone, BucketError> {
    let unknown = |_| BucketError {
        expected: "a time zone such as UTC or Europe/Zurich",
        found: name.chars().take(40).collect(),
    };
    TimeZone::get(name).map_err(unknown)
}

fn zoned(time: Timestamp, zone: &TimeZone) -> Zoned {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.nanos())).unwrap_or_default();
    time.to_zoned(zone.clone())
}

/// Whole range of times kept: what lies beyond is its end.
fn nanos(time: &Zoned) -> i64 {
    let nanos = time.timestamp().as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn shown(bucket: &str, from: &str, to: &str, zone: &str) -> Vec<String> {
        let edges = Bucket::parse(bucket).unwrap().edges(time(from), time(to), zone).unwrap();
        edges.into_iter().map(|edge| Timestamp::from_nanos(edge).to_string()[..16].to_owned()).collect()
    }

    #[test]
    fn buckets_are_aligned_to_the_clocks_of_their_zone() {
        let day = ("2026-03-10T22:20:00Z", "2026-03-11T01:00:00Z");
        assert_eq!(
            shown("1h", day.0, day.1, "UTC"),
            ["2026-03-10T22:00", "2026-03-10T23:00", "2026-03-11T00:00", "2026-03-11T01:00"]
        );
        // Half an hour apart from whole hours.
        assert_eq!(
            shown("1h", day.0, "2026-03-10T22:31:00Z", "Asia/Kolkata"),
            ["2026-03-10T21:30", "2026-03-10T22:30", "2026-03-10T23:30"]
        );
        assert_eq!(shown("1d", day.0, day.1, "America/New_York"), ["2026-03-10T04:00", "2026-03-11T04:00"]);
        assert_eq!(shown("1w", day.0, day.1, "UTC"), ["2026-03-09T00:00", "2026-03-16T00:00"]);
        assert_eq!(
            shown("1mo", day.0, "2026-04-02T00:00:00Z", "UTC"),
            ["2026-03-01T00:00", "2026-04-01T00:00", "2026-05-01T00:00"]
        );
        assert_eq!(
            shown("5d", "1970-01-07T00:00:00Z", "1970-01-08T00:00:00Z", "UTC"),
            ["1970-01-06T00:00", "1970-01-11T00:00"]
        );
        assert_eq!(shown("30s", "2026-03-10T22:20:31Z", "2026-03-10T22:20:32Z", "UTC").len(), 2);
    }

    #[test]
    fn days_on_which_clocks_are_set_are_longer_or_shorter() {
        // Europe/Zurich: forward at 01:00 UTC on 2026-03-29, back at 01:00 UTC on 2026-10-25.
        let edges =
            |from: &str, to: &str| Bucket::Days(1).edges(time(from), time(to), "Europe/Zurich").unwrap();
        let hours = |edges: &[i64]| (edges[1] - edges[0]) / 3_600_000_000_000;
        assert_eq!(hours(&edges("2026-03-29T10:00:00Z", "2026-03-29T11:00:00Z")), 23);
        assert_eq!(hours(&edges("2026-10-25T10:00:00Z", "2026-10-25T11:00:00Z")), 25);
        let quarters = Bucket::Seconds(6 * 3600)
            .edges(time("2026-03-28T23:00:00Z"), time("2026-03-29T22:00:00Z"), "Europe/Zurich")
            .unwrap();
        // Midnight, then every six hours until the next midnight, which comes an hour early.
        let lengths: Vec<i64> =
            quarters.windows(2).map(|pair| (pair[1] - pair[0]) / 3_600_000_000_000).collect();
        assert_eq!(lengths, [6, 6, 6, 5]);
    }

    #[test]
    fn what_is_no_width_and_too_many_buckets_are_refused() {
        for wrong in ["", "h", "0h", "7h", "1y", "2w", "1 h", "-1h", "99999999999s", "25h", "é"] {
            assert!(Bucket::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Bucket::parse("24h").unwrap(), Bucket::Days(1));
        let ever =
            Bucket::Seconds(1).edges(time("2026-01-01T00:00:00Z"), time("2027-01-01T00:00:00Z"), "UTC");
        assert!(ever.unwrap_err().to_string().contains("10 000"));
        assert!(
            Bucket::Week
                .edges(time("2026-01-01T00:00:00Z"), time("2026-01-02T00:00:00Z"), "Mars/Olympus")
                .is_err()
        );
        // The whole range of times is no panic.
        for bucket in [Bucket::Month, Bucket::Days(100), Bucket::Week] {
            let _ = bucket.edges(Timestamp::MIN, Timestamp::from_nanos(i64::MIN + 1), "Asia/Tokyo");
            let last = bucket.edges(Timestamp::from_nanos(i64::MAX - 1), Timestamp::MAX, "Asia/Tokyo");
            assert!(last.is_ok_and(|edges| edges.windows(2).all(|pair| pair[0] < pair[1])));
        }
    }
}
