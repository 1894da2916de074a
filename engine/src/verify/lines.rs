//! Lines: where they begin, in the journal and in segments, and how they grow.

use super::chain::{Chain, Chains, Line};
use super::part::Checked;
use super::report::{Problem, ProblemKind};
use crate::format::commit::{Commit, NewKey, NewLine, Part};
use crate::journal;
use crate::limits;
use crate::proof::directory::Directory;
use crate::proof::hashes::{self, DirectoryRow, RowKind};
use crate::proof::line::LineJob;
use crate::proof::{Hash, Hasher, Key};

impl Chains {
    /// Learns the lines and salt keys that begin in a commit.
    pub fn begin_lines(&mut self, commit: &Commit<'_>) {
        for part in &commit.parts {
            if !self.begin_chain_of(part.service) {
                continue;
            }
            let is_directory_whole = self.is_directory_whole;
            let Some(chain) = self.by_service.get_mut(part.service) else { continue };
            for line in &part.lines {
                if chain.compare_line(line, part) {
                    continue;
                }
                if self.line_count >= limits::LINE_COUNT_MAX {
                    // Its entries are reported as without a salt key.
                    self.has_too_many = true;
                    break;
                }
                self.line_count += 1;
                chain.begin_line(line, part, is_directory_whole);
            }
            for key in &part.keys {
                chain.begin_key(key, part);
            }
        }
    }

    /// Begins a chain if there is room for it.
    pub fn begin_chain_of(&mut self, service: &str) -> bool {
        if self.by_service.contains_key(service) {
            return true;
        }
        if self.by_service.len() >= limits::CHAIN_COUNT_MAX {
            self.has_too_many = true;
            return false;
        }
        let chain = self.begin_chain(service);
        self.by_service.insert(service.into(), chain);
        true
    }
}

impl Chain {
    /// Holds a line that begins in the journal against the one that a segment has; false if none has it.
    fn compare_line(&mut self, new: &NewLine<'_>, part: &Part<'_>) -> bool {
        if part.first_seq >= self.sealed_end {
            return false;
        }
        let Some(line) = self.lines.get(&new.line).filter(|line| line.is_sealed) else {
            // It begins with an entry of this part that is not sealed.
            return part.end_seq() <= self.sealed_end && self.hole_count > 0;
        };
        if *line.tenant != *new.tenant || line.nonce != new.nonce {
            let detail = format!(
                "line {} begins for tenant {:?}, the segment has it for {:?} with another nonce or name",
                new.line, new.tenant, line.tenant
            );
            let (service, directory) = (part.service, journal::DIRECTORY);
            let problem = Problem::new(ProblemKind::Altered, Some(service), directory, detail);
            self.report(problem.at(part.first_seq, part.end_seq() - 1));
        }
        true
    }

    fn begin_line(&mut self, line: &NewLine<'_>, part: &Part<'_>, is_directory_whole: bool) {
        let has_line = self.tenants.insert(line.tenant.into(), line.line).is_some();
        if has_line || self.lines.contains_key(&line.line) {
            // A tenant has one line in a chain, and no others: a second one could hide entries from it.
            let detail = format!("line {} of tenant {:?} begins again", line.line, line.tenant);
            let problem =
                Problem::new(ProblemKind::Duplicate, Some(part.service), journal::DIRECTORY, detail);
            self.report(problem.at(part.first_seq, part.end_seq() - 1));
            return;
        }
        if line.line as usize != self.lines.len() && is_directory_whole {
            let detail = format!("expected line {} to begin, found line {}", self.lines.len(), line.line);
            let problem = Problem::new(ProblemKind::Altered, Some(part.service), journal::DIRECTORY, detail);
            self.report(problem.at(part.first_seq, part.end_seq() - 1));
        }
        let line_id = hashes::line_id(&line.nonce, &self.chain_id, line.tenant);
        let begun = Line {
            tenant: line.tenant.into(),
            nonce: line.nonce,
            keys: Vec::new(),
            line_id,
            next_tenant_seq: 0,
            digest: hashes::line_start(&self.chain_id, &line_id),
            slot: None,
            begins_at: part.first_seq,
            hole_count: 0,
            is_sealed: false,
            stated_slot: None,
        };
        self.lines.insert(line.line, begun);
    }

    fn begin_key(&mut self, new: &NewKey, part: &Part<'_>) {
        // A part may be sealed in part only, where its entries are in two segments of which one is there: the key of a
        // line that comes behind the first is told here alone.
        let from = part.first_seq.max(self.sealed_end);
        let has_new = part.end_seq() > self.sealed_end;
        let is_known = part.first_seq < self.sealed_end;
        let Some(line) = self.lines.get_mut(&new.line) else { return };
        let is_other = |(own, key): &(u64, Key)| *own == part.first_seq && *key != new.key;
        if line.is_sealed && is_known && line.keys.iter().any(is_other) {
            let detail = format!("line {} has another salt key in the segment", new.line);
            let (service, directory) = (part.service, journal::DIRECTORY);
            let problem = Problem::new(ProblemKind::Altered, Some(service), directory, detail);
            self.report(problem.at(part.first_seq, part.end_seq() - 1));
            return;
        }
        match line.keys.last() {
            None => line.keys.push((part.first_seq, new.key)),
            // A new one is drawn when a segment is sealed. It must not explain entries that the one before salted.
            Some((last, _)) if *last < from && has_new => line.keys.push((from, new.key)),
            Some(_) => {}
        }
    }

    /// Positions in lines, and the lines' digests.
    pub(super) fn take_in_lines(
        &mut self,
        part: &Part<'_>,
        checked: &Checked,
        leaves: &[Hash],
        file: &str,
        directory: &mut Directory,
        hasher: &mut Hasher,
    ) {
        let mut by_line: Vec<(u32, u32)> =
            part.rows.iter().zip(0..).map(|(row, index)| (row.line, index)).collect();
        for (line, _) in &by_line {
            // Rows of the directory go in the order of the lines' first entries.
            if let Some(line) = self.lines.get_mut(line)
                && line.slot.is_none()
            {
                let (chain_id, line_id, digest) = (self.chain_id, line.line_id, line.digest);
                let row = DirectoryRow { kind: RowKind::Line, chain_id, line_id, size: 0, digest };
                line.slot = Some(directory.add(row));
            }
        }
        by_line.sort_unstable();
        let runs: Vec<&[(u32, u32)]> = by_line.chunk_by(|a, b| a.0 == b.0).collect();
        let mut gaps = Vec::new();
        let mut digests = Vec::with_capacity(runs.len());
        for run in &runs {
            let Some(line) = self.lines.get_mut(&run[0].0) else {
                digests.push([0; 32]);
                continue;
            };
            for (_, index) in *run {
                let index = *index as usize;
                if let Some(found) = checked.tenant_seqs[index]
                    && found != line.next_tenant_seq
                {
                    // The first position behind a hole of the chain tells what the hole swallowed of this line.
                    let is_explained = line.hole_count < self.hole_count && found > line.next_tenant_seq;
                    if !is_explained {
                        gaps.push((index, line.tenant.clone(), line.next_tenant_seq, found));
                    }
                    line.next_tenant_seq = found;
                }
                line.hole_count = self.hole_count;
                line.next_tenant_seq = line.next_tenant_seq.saturating_add(1);
            }
            digests.push(line.digest);
        }
        for (index, tenant, expected, found) in gaps {
            let seq = part.first_seq + index as u64;
            let detail = format!(
                "entry {seq}: expected entry {expected} of tenant {tenant:?}, found its entry {found}"
            );
            let problem = Problem::new(ProblemKind::TenantGap, Some(part.service), file, detail);
            self.report(problem.at(seq, seq));
        }
        let jobs = runs.iter().zip(&mut digests).map(|(run, digest)| LineJob::new(run, leaves, digest));
        hasher.run(jobs);
        for (run, digest) in runs.iter().zip(digests) {
            if let Some(line) = self.lines.get_mut(&run[0].0) {
                line.digest = digest;
            }
        }
        self.changed.get_or_insert_default().extend(runs.iter().map(|run| run[0].0));
    }
}
