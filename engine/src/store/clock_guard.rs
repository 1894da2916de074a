//! Which commit time a group gets: never less than the one before, and no leap is followed at once.

use crate::format::control::ClockStep;
use crate::limits;

/// Watches the wall clock against the boot clock.
///
/// Invariant: the times given out strictly increase.
#[derive(Clone, Copy, Debug)]
pub struct ClockGuard {
    /// The newest time given out.
    last: Option<i64>,
    /// Wall and boot clock when they last agreed.
    anchor: Option<(i64, i64)>,
    /// Boot clock when the leap that is under way was first seen.
    leap_since: Option<i64>,
    /// The wall clock lies behind `last`, and that was noted.
    is_behind: bool,
}

/// Commits follow each other by as little as 1 ns, so a clock this little behind has not stepped.
const STEP_BACK_MIN_NS: i64 = 1_000;

impl ClockGuard {
    /// Goes on behind `last`, the newest commit time of the store.
    pub fn new(last: Option<i64>) -> ClockGuard {
        ClockGuard { last, anchor: None, leap_since: None, is_behind: false }
    }

    /// The newest time given out.
    pub fn last(&self) -> Option<i64> {
        self.last
    }

    /// The next commit time, and the step to note if the wall clock made one.
    pub fn next(&mut self, wall: i64, boot: i64) -> (i64, Option<ClockStep>) {
        let mut step = None;
        let expected =
            self.anchor.map_or(wall, |(wall, since)| wall.saturating_add(boot.saturating_sub(since).max(0)));
        let leapt = wall.saturating_sub(expected) > limits::CLOCK_LEAP_NS;
        let time = match (leapt, self.leap_since) {
            (true, None) => {
                self.leap_since = Some(boot);
                step = Some(ClockStep { before: expected, after: wall });
                expected
            }
            (true, Some(since)) if boot.saturating_sub(since) < limits::CLOCK_LEAP_PATIENCE_NS => expected,
            // A leap that lasts is taken; so is every smaller change.
            _ => {
                self.leap_since = None;
                self.anchor = Some((wall, boot));
                wall
            }
        };
        let Some(last) = self.last else {
            self.last = Some(time);
            return (time, step);
        };
        if time.saturating_add(STEP_BACK_MIN_NS) < last {
            if !self.is_behind {
                step = step.or(Some(ClockStep { before: expected.max(last), after: wall }));
            }
            self.is_behind = true;
        } else {
            self.is_behind = false;
        }
        let next = time.max(last.saturating_add(1));
        self.last = Some(next);
        (next, step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn times_strictly_increase_while_the_clock_stands() {
        let mut guard = ClockGuard::new(None);
        assert_eq!(guard.next(100, 0), (100, None));
        assert_eq!(guard.next(100, 0), (101, None));
        assert_eq!(guard.next(100, 0), (102, None));
        assert_eq!(guard.next(500, 400), (500, None));
    }

    #[test]
    fn a_step_back_is_noted_once_and_clamped() {
        let mut guard = ClockGuard::new(None);
        guard.next(100 * SECOND, 0);
        let (time, step) = guard.next(90 * SECOND, SECOND);
        assert_eq!(time, 100 * SECOND + 1);
        assert_eq!(step, Some(ClockStep { before: 101 * SECOND, after: 90 * SECOND }));
        assert_eq!(guard.next(91 * SECOND, 2 * SECOND), (100 * SECOND + 2, None));
        assert_eq!(guard.next(101 * SECOND, 12 * SECOND), (101 * SECOND, None));
        assert!(guard.next(80 * SECOND, 13 * SECOND).1.is_some(), "a second step back is noted again");
    }

    #[test]
    fn a_clock_behind_the_store_is_noted_at_the_first_commit() {
        let mut guard = ClockGuard::new(Some(100 * SECOND));
        let (time, step) = guard.next(40 * SECOND, 0);
        assert_eq!(
            (time, step),
            (100 * SECOND + 1, Some(ClockStep { before: 100 * SECOND, after: 40 * SECOND }))
        );
    }

    #[test]
    fn a_leap_is_noted_not_followed_and_taken_when_it_lasts() {
        let mut guard = ClockGuard::new(None);
        guard.next(0, 0);
        let hour = 3600 * SECOND;
        let (time, step) = guard.next(hour, SECOND);
        assert_eq!((time, step), (SECOND, Some(ClockStep { before: SECOND, after: hour })));
        assert_eq!(guard.next(hour + 599 * SECOND, 600 * SECOND), (600 * SECOND, None));
        let taken = hour + 600 * SECOND;
        assert_eq!(guard.next(taken, 601 * SECOND), (taken, None));
    }

    #[test]
    fn a_leap_that_goes_back_is_forgotten() {
        let mut guard = ClockGuard::new(None);
        guard.next(0, 0);
        guard.next(3600 * SECOND, SECOND);
        assert_eq!(guard.next(2 * SECOND, 2 * SECOND), (2 * SECOND, None));
        let (time, step) = guard.next(3600 * SECOND, 700 * SECOND);
        assert_eq!(time, 700 * SECOND);
        assert!(step.is_some(), "a new leap waits its own ten minutes");
    }

    #[test]
    fn a_pause_with_both_clocks_is_no_leap() {
        let mut guard = ClockGuard::new(None);
        guard.next(0, 0);
        assert_eq!(guard.next(9000 * SECOND, 9000 * SECOND), (9000 * SECOND, None));
        // A minute of slewing over an hour is followed.
        assert_eq!(guard.next(12660 * SECOND, 12600 * SECOND), (12660 * SECOND, None));
    }
}
