//! How many entries were committed when, by severity.

use super::aggregate::{self, Gather};
use super::filter::Compiled;
use super::sealed::Found;
use super::{Filter, ScanProblem, Scope};
use crate::format::record::Record;
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::format::segment::times;
use crate::model::{Severity, Timestamp};
use crate::segment::view::{Cursors, View as SegmentView};
use crate::view::View;
use std::ops::Range;

/// Numbers of entries by severity class, lowest first.
pub type Classes = [u64; Severity::ALL.len()];

/// How many entries match, by commit time and severity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Of each bucket, in the order of the edges that were given.
    pub counts: Vec<Classes>,
    /// What could not be read: entries there are not counted.
    pub problems: Vec<ScanProblem>,
}

impl View {
    /// How many entries match `filter` within `scope`, by severity: bucket `n` has those committed at or after `edges[n]`
    /// and before `edges[n + 1]`, in nanoseconds since 1970. Edges ascend. What lies outside of them is not counted.
    /// Costs what indexes know where nothing is asked but service, severity and commit time.
    pub fn histogram(&self, scope: &Scope, filter: &Filter, edges: &[i64]) -> Histogram {
        let (sum, problems) = aggregate::gather::<Sum>(self, scope, filter, &edges.to_vec());
        let mut counts = sum.counts;
        counts.resize(edges.len().saturating_sub(1), Classes::default());
        Histogram { counts, problems }
    }
}

/// Numbers by bucket; as long as the last bucket that has any.
#[derive(Default)]
struct Sum {
    counts: Vec<Classes>,
}

impl Sum {
    fn bucket(&mut self, number: usize) -> &mut Classes {
        if self.counts.len() <= number {
            self.counts.resize(number + 1, Classes::default());
        }
        &mut self.counts[number]
    }

    fn add_one(&mut self, edges: &[i64], logged_at: i64, severity: usize) {
        let behind = edges.partition_point(|edge| *edge <= logged_at);
        if behind > 0 && behind < edges.len() {
            self.bucket(behind - 1)[severity] += 1;
        }
    }
}

impl Gather for Sum {
    type Asked = Vec<i64>;

    fn add_indexed(
        &mut self,
        edges: &Vec<i64>,
        view: &SegmentView<'_>,
        compiled: &Compiled,
        rows: &Range<u32>,
    ) -> Result<bool, SegmentError> {
        if compiled.tenants.is_some() {
            return Ok(false);
        }
        let (first, last) = view.footer().logged_at;
        let wants =
            |severity: Severity| compiled.severities.as_ref().is_none_or(|own| own.contains(&severity));
        let from = edges.partition_point(|edge| *edge <= first).saturating_sub(1);
        let to = edges.partition_point(|edge| *edge <= last).min(edges.len().saturating_sub(1));
        if from >= to {
            return Ok(true);
        }
        let is_whole = from + 1 == to && edges[from] <= first && *rows == (0..view.footer().entry_count);
        let mut add = |number: usize, counts: Classes| {
            let bucket = self.bucket(number).iter_mut().zip(counts);
            for (severity, (sum, count)) in Severity::ALL.into_iter().zip(bucket) {
                *sum += if wants(severity) { count } else { 0 };
            }
        };
        if is_whole && last < edges[to] {
            add(from, view.footer().severity_counts.map(u64::from));
            return Ok(true);
        }
        let (times, classes) = (view.times()?, view.severities()?);
        // Every row has a class: those of the commonest are what the others leave.
        let commonest = (0..classes.len()).max_by_key(|class| view.footer().severity_counts[*class]);
        let before = |edge: i64| {
            let row = times.rows_between(Some(edge), None).start.clamp(rows.start, rows.end);
            let mut counts = Classes::default();
            for (number, (count, class)) in counts.iter_mut().zip(classes).enumerate() {
                if Some(number) != commonest {
                    *count = if row == 0 { 0 } else { class.rank(row - 1) };
                }
            }
            let others: u64 = counts.iter().sum();
            if let Some(commonest) = commonest {
                counts[commonest] = u64::from(row) - others;
            }
            counts
        };
        let mut begin = before(edges[from]);
        for number in from..to {
            let end = before(edges[number + 1]);
            let mut counts = end;
            counts.iter_mut().zip(begin).for_each(|(count, before)| *count -= before);
            add(number, counts);
            begin = end;
        }
        Ok(true)
    }

    fn add_rows<'a>(
        &mut self,
        edges: &Vec<i64>,
        view: &SegmentView<'a>,
        found: &[Found],
        cursors: &mut Cursors<'a>,
    ) -> Result<(), SegmentError> {
        let (times, mut at) = (view.times()?, times::Cursor::default());
        for Found { row, place } in found {
            let class = view.number_next(Field::Severity, *place, cursors)?;
            let severity = usize::try_from(class).unwrap_or_default().wrapping_sub(1);
            // What is no class makes no record: reading that says so.
            if severity < Severity::ALL.len() {
                self.add_one(edges, times.get_next(*row, &mut at), severity);
            }
        }
        Ok(())
    }

    fn add_entry(&mut self, edges: &Vec<i64>, logged_at: Timestamp, record: &Record<'_>) {
        self.add_one(edges, logged_at.nanos(), usize::from(record.entry.severity.class()) - 1);
    }

    fn add(&mut self, other: Sum) {
        for (number, counts) in other.counts.into_iter().enumerate() {
            self.bucket(number).iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
}
