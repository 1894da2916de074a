//! When things happen: spreads N lines over the days of a plan by the hours people work, so that a histogram
//! shows nights, lunch and weekends.
//!
//! Every hour of a week has a weight. The lines lie evenly on the *weighted* axis; this file walks that axis and
//! gives back clock time:
//!
//! ```text
//! weighted   |----|----|----|----|----|----|----|----|      each line takes an equal step
//! clock      |-----------|------|---|--|--|--|---|-------|  a heavy hour holds more of them
//!            night              morning      evening
//! ```
//!
//! All in integers, so that the times are the same on every machine. Times in nanoseconds since the Unix epoch.

use super::random::Random;

const HOUR_NS: i64 = 3_600_000_000_000;
const WEEK_HOURS: usize = 168;

/// How busy each hour of a working day is, UTC, for a customer base mostly in Europe: quiet at night but never
/// still (backups and schedules run then), a dip at noon, a tail towards America's working day.
const DAY: [u32; 24] =
    [26, 22, 20, 22, 24, 32, 52, 84, 112, 124, 120, 106, 88, 104, 116, 112, 100, 84, 66, 56, 48, 42, 34, 30];

/// Percent of that on each day of a week that begins, as the epoch's did, on a Thursday.
const WEEKDAYS: [u32; 7] = [100, 92, 38, 34, 104, 106, 103];

/// Bits behind the point of a place on the weighted axis. The step is rounded down to them: a trillion lines end
/// at most one weighted nanosecond early.
const PLACE_BITS: u32 = 40;

/// Walks through the plan's time, one step a line.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    /// Weighted nanoseconds from the start of `hour_begin_ns` on, in fixed point.
    place: u128,
    step: u128,
    hour: HourOfWeek,
    hour_begin_ns: i64,
}

impl Rhythm {
    /// Spreads `count` lines over the time from `begin_ns` up to but not including `end_ns`.
    pub(super) fn new(begin_ns: i64, end_ns: i64, count: u64) -> Self {
        let hour_number = begin_ns.div_euclid(HOUR_NS);
        let hour = HourOfWeek::of(hour_number);
        let step = (weighted(begin_ns, end_ns) << PLACE_BITS) / u128::from(count.max(1));
        let before = u128::from(begin_ns.rem_euclid(HOUR_NS).unsigned_abs()) * u128::from(hour.weight());
        Self { place: before << PLACE_BITS, step, hour, hour_begin_ns: hour_number.saturating_mul(HOUR_NS) }
    }

    /// The time of the next line: somewhere inside its step, so that times never decrease and gaps vary.
    #[inline]
    pub(super) fn next_ns(&mut self, random: &mut Random) -> i64 {
        let inside = (self.step >> 32) * u128::from(random.bits32());
        let weighted = (self.place + inside) >> PLACE_BITS;
        self.place += self.step;
        // The hours that this line's place has left behind are never needed again: no later line lies in them.
        let mut weighted = weighted;
        while weighted >= self.hour.size() {
            weighted -= self.hour.size();
            self.place -= self.hour.size() << PLACE_BITS;
            self.hour_begin_ns = self.hour_begin_ns.saturating_add(HOUR_NS);
            self.hour = self.hour.next();
        }
        let inside_ns = u64::try_from(weighted).unwrap_or(0) / u64::from(self.hour.weight());
        self.hour_begin_ns.saturating_add_unsigned(inside_ns)
    }
}

/// An hour of the week; 0 is the one that began at the epoch.
#[derive(Clone, Copy, Debug)]
struct HourOfWeek(usize);

impl HourOfWeek {
    fn of(hour_number: i64) -> Self {
        Self(usize::try_from(hour_number.rem_euclid(168)).unwrap_or(0))
    }

    fn next(self) -> Self {
        Self((self.0 + 1) % WEEK_HOURS)
    }

    fn weight(self) -> u32 {
        DAY[self.0 % 24] * WEEKDAYS[self.0 / 24]
    }

    /// Weighted nanoseconds of the whole hour.
    fn size(self) -> u128 {
        u128::from(HOUR_NS.unsigned_abs()) * u128::from(self.weight())
    }
}

/// Weighted nanoseconds between two times; 0 if the second is not after the first.
fn weighted(begin_ns: i64, end_ns: i64) -> u128 {
    since_week_began(end_ns)
        .saturating_add(weeks_before(end_ns))
        .saturating_sub(since_week_began(begin_ns).saturating_add(weeks_before(begin_ns)))
}

/// Weighted nanoseconds of all whole weeks from the earliest 64-bit time to this time's week.
fn weeks_before(time_ns: i64) -> u128 {
    let week_ns = HOUR_NS * 168;
    let weeks = time_ns.div_euclid(week_ns) - i64::MIN.div_euclid(week_ns);
    let week_size: u128 = (0..WEEK_HOURS).map(|hour| HourOfWeek(hour).size()).sum();
    u128::from(weeks.unsigned_abs()) * week_size
}

fn since_week_began(time_ns: i64) -> u128 {
    let now = HourOfWeek::of(time_ns.div_euclid(HOUR_NS));
    let whole: u128 = (0..now.0).map(|hour| HourOfWeek(hour).size()).sum();
    whole + u128::from(time_ns.rem_euclid(HOUR_NS).unsigned_abs()) * u128::from(now.weight())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_NS: i64 = HOUR_NS * 24;

    fn times(begin_ns: i64, end_ns: i64, count: u64) -> Vec<i64> {
        let mut random = Random::seeded(5);
        let mut rhythm = Rhythm::new(begin_ns, end_ns, count);
        (0..count).map(|_| rhythm.next_ns(&mut random)).collect()
    }

    #[test]
    fn times_never_decrease_and_fill_the_range() {
        let begin = 1_790_000_123_456_789_012;
        for (days, count) in [(1, 1), (1, 24), (10, 100_000), (3650, 10)] {
            let end = begin + days * DAY_NS;
            let times = times(begin, end, count);
            assert!(times.is_sorted());
            assert!(times[0] >= begin && times[times.len() - 1] < end);
            let gap = i64::try_from(count).unwrap();
            assert!(times[times.len() - 1] > end - 12 * days * DAY_NS / gap, "{days} days, {count} lines");
        }
    }

    #[test]
    fn days_are_busier_than_nights_and_weekends() {
        // 1970-01-05 was a Monday.
        let times = times(4 * DAY_NS, 11 * DAY_NS, 70_000);
        let between = |begin: i64, end: i64| {
            let hours = 4 * 24 + begin..4 * 24 + end;
            times.iter().filter(|&time| hours.contains(&(time / HOUR_NS))).count()
        };
        assert!(between(9, 10) > 4 * between(2, 3), "night");
        assert!(between(0, 24) > 2 * between(5 * 24, 6 * 24), "Saturday");
    }

    #[test]
    fn times_before_the_epoch_and_an_empty_range_are_fine() {
        assert!(times(-3 * DAY_NS, -DAY_NS, 50).iter().all(|time| (-3 * DAY_NS..-DAY_NS).contains(time)));
        assert_eq!(times(17, 17, 3), [17, 17, 17]);
    }
}
