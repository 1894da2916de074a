//! Entries that the journal still holds although a segment does: both must say the same.

use super::chain::Chain;
use super::part::Checked;
use super::report::{Problem, ProblemKind};
use crate::format::commit::Part;

impl Chain {
    /// Holds the first `count` entries of a part against the sealed ones. They are counted there, and not again.
    pub(super) fn compare_copies(&mut self, part: &Part<'_>, checked: &Checked, count: usize, file: &str) {
        let mut findings = Vec::new();
        let mut find = |kind, index: usize, detail: String| {
            let seq = part.first_seq + index as u64;
            let problem =
                Problem::new(kind, Some(part.service), file, format!("entry {seq}, sealed since: {detail}"));
            findings.push(problem.at(seq, seq));
        };
        for (kind, index, detail) in checked.findings.iter().filter(|(_, index, _)| *index < count) {
            find(*kind, *index, detail.clone());
        }
        for (row, index) in part.rows[..count].iter().zip(0..) {
            let seq = part.first_seq + index as u64;
            let at = self.copies.partition_point(|own| own.first_seq <= seq).checked_sub(1);
            let Some(own) = at.and_then(|at| self.copies.get(at)) else { continue };
            let at = usize::try_from(seq - own.first_seq).unwrap_or(usize::MAX);
            let (Some(leaf), Some(line)) = (own.leaves.get(at), own.lines.get(at)) else { continue };
            if leaf != part.leaf(index) {
                let detail = "its leaf is not that of the entry in the segment".to_owned();
                find(ProblemKind::Altered, index, detail);
            } else if *line != row.line {
                let detail = format!("it is of line {} here, and of line {line} in the segment", row.line);
                find(ProblemKind::Altered, index, detail);
            }
        }
        findings.into_iter().for_each(|problem| self.report(problem));
    }
}
