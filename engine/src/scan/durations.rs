//! How long tasks took, by activity: of entries that say when their task started and when it finished.

use super::aggregate::{self, Gather};
use super::sealed::Found;
use super::{Filter, ScanProblem, Scope};
use crate::format::column::times::Reference;
use crate::format::record::Record;
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::format::segment::times;
use crate::limits;
use crate::model::Timestamp;
use crate::segment::view::{Cursors, View as SegmentView};
use crate::view::View;
use std::collections::HashMap;

/// How long the tasks of one activity took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duration {
    /// The activity.
    pub activity: String,
    /// Entries with a start and a finish that is not before it.
    pub entries: u64,
    /// Half of them took no longer, in nanoseconds; at most 1/64 too long.
    pub p50_ns: u64,
    /// 95 of 100 took no longer; likewise.
    pub p95_ns: u64,
    /// The longest, exactly.
    pub max_ns: u64,
}

/// How long tasks took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// By activity: the most entries first, equal ones by name as bytes.
    pub activities: Vec<Duration>,
    /// Whether there were more activities than are told apart ([`limits::FACET_VALUES_MAX`]).
    pub is_cut: bool,
    /// What could not be read: entries there are not counted.
    pub problems: Vec<ScanProblem>,
}

impl View {
    /// How long the tasks of the entries that match `filter` within `scope` took, by activity.
    pub fn durations(&self, scope: &Scope, filter: &Filter) -> Durations {
        let (sum, problems) = aggregate::gather::<Sum>(self, scope, filter, &());
        let mut activities: Vec<Duration> = sum
            .sketches
            .into_iter()
            .map(|(activity, sketch)| Duration {
                activity: activity.into_string(),
                entries: sketch.entries,
                p50_ns: sketch.quantile(50),
                p95_ns: sketch.quantile(95),
                max_ns: sketch.max,
            })
            .collect();
        activities
            .sort_unstable_by(|a, b| b.entries.cmp(&a.entries).then_with(|| a.activity.cmp(&b.activity)));
        Durations { activities, is_cut: sum.is_cut, problems }
    }
}

/// Values of one power of two are told apart in so many steps.
const STEPS: u64 = 64;

/// Numbers of durations by their highest seven bits, as HdrHistogram has them (hdrhistogram.org): the place of a value
/// tells it to 1/64, whatever its size.
#[derive(Default)]
struct Sketch {
    counts: Vec<u32>,
    entries: u64,
    max: u64,
}

/// The step that a value is in.
fn step_of(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(STEPS.trailing_zeros() + 1);
    usize::try_from(u64::from(shift) * STEPS + (value >> shift)).unwrap_or(usize::MAX)
}

/// The greatest value of a step.
fn end_of(step: usize) -> u64 {
    let step = step as u64;
    let shift = (step / STEPS).saturating_sub(1);
    let first = step - shift * STEPS;
    ((first + 1) << shift).wrapping_sub(1)
}

impl Sketch {
    fn push(&mut self, value: u64) {
        let step = step_of(value);
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] = self.counts[step].saturating_add(1);
        self.entries += 1;
        self.max = self.max.max(value);
    }

    fn add(&mut self, other: &Sketch) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.entries += other.entries;
        self.max = self.max.max(other.max);
    }

    /// What `percent` of 100 values don't exceed, the number rounded up.
    fn quantile(&self, percent: u64) -> u64 {
        let wanted = (self.entries * percent).div_ceil(100).max(1);
        let mut met = 0;
        for (step, count) in self.counts.iter().enumerate() {
            met += u64::from(*count);
            if met >= wanted {
                return end_of(step).min(self.max);
            }
        }
        self.max
    }
}

/// Sketches by activity.
#[derive(Default)]
struct Sum {
    sketches: HashMap<Box<str>, Sketch, foldhash::fast::RandomState>,
    is_cut: bool,
}

impl Sum {
    fn sketch(&mut self, activity: &str) -> Option<&mut Sketch> {
        if !self.sketches.contains_key(activity) {
            if self.sketches.len() >= limits::FACET_VALUES_MAX {
                self.is_cut = true;
                return None;
            }
            self.sketches.insert(activity.into(), Sketch::default());
        }
        self.sketches.get_mut(activity)
    }

    fn push(&mut self, activity: &str, started: i64, finished: i64) {
        // Over the whole range of times a difference may not fit 64 signed bits, but 64 unsigned ones.
        if finished >= started
            && let Some(sketch) = self.sketch(activity)
        {
            sketch.push(finished.wrapping_sub(started).cast_unsigned());
        }
    }
}

impl Gather for Sum {
    type Asked = ();

    fn add_rows<'a>(
        &mut self,
        _: &(),
        view: &SegmentView<'a>,
        found: &[Found],
        cursors: &mut Cursors<'a>,
    ) -> Result<(), SegmentError> {
        if view.column(Field::Started)?.is_none() || view.column(Field::Finished)?.is_none() {
            return Ok(());
        }
        let (times, mut at) = (view.times()?, times::Cursor::default());
        for Found { row, place } in found {
            let logged_at = Reference { time: times.get_next(*row, &mut at), row: *row };
            let generated_at = view.time_next(Field::GeneratedAt, *place, logged_at, cursors)?;
            let reference = Reference { time: generated_at.unwrap_or(logged_at.time), row: *row };
            let started = view.time_next(Field::Started, *place, reference, cursors)?;
            let finished = view.time_next(Field::Finished, *place, reference, cursors)?;
            let (Some(started), Some(finished)) = (started, finished) else { continue };
            let activity = view.text_next(Field::Activity, *place, cursors)?.unwrap_or_default();
            let activity = std::str::from_utf8(activity).map_err(|_| SegmentError {
                offset: 0,
                expected: "UTF-8",
                found: "other bytes in activity".to_owned(),
            })?;
            self.push(activity, started, finished);
        }
        Ok(())
    }

    fn add_entry(&mut self, _: &(), _: Timestamp, record: &Record<'_>) {
        let entry = &record.entry;
        if let (Some(started), Some(finished)) = (entry.started, entry.finished) {
            self.push(&entry.activity, started.nanos(), finished.nanos());
        }
    }

    fn add(&mut self, other: Sum) {
        self.is_cut |= other.is_cut;
        for (activity, own) in other.sketches {
            if let Some(sketch) = self.sketch(&activity) {
                sketch.add(&own);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_step_tells_its_values_to_a_64th(value in any::<u64>(), shift in 0..64_u32) {
            let value = value >> shift;
            let end = end_of(step_of(value));
            prop_assert!(end >= value && end - value <= value / 64, "{value}: {end}");
            prop_assert!(step_of(value) < 60 * 64 + 1);
            if value > 0 {
                prop_assert!(end_of(step_of(value) - 1) < value);
            }
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_values(mut values in prop::collection::vec(any::<u32>(), 1..400)) {
            let (mut sketch, mut other) = (Sketch::default(), Sketch::default());
            for (number, value) in values.iter().enumerate() {
                if number % 3 == 0 { &mut sketch } else { &mut other }.push(u64::from(*value));
            }
            sketch.add(&other);
            values.sort_unstable();
            for percent in [50, 95, 100] {
                let exact = u64::from(values[(values.len() * usize::try_from(percent).unwrap()).div_ceil(100) - 1]);
                let told = sketch.quantile(percent);
                prop_assert!(told >= exact && told - exact <= exact / 64, "{percent}: {told} for {exact}");
            }
        }
    }
}
