//! Brings the directory up to a time: rows begin and grow in the one order of the store, wherever they were read from.

use super::chain::{Chain, Chains};
use super::heads;
use super::report::{Problem, ProblemKind};
use crate::proof::Hasher;
use crate::proof::directory::{Directory, Slot};
use crate::proof::hashes::{self, DirectoryRow, RowKind};
use crate::segment;

impl Chains {
    /// Gives slots to the sealed rows that begin before a commit's entries of this service.
    pub(super) fn begin_rows_before(&mut self, logged_at: i64, service: &str) {
        while let Some(first) = self.timeline.begins.first_entry() {
            let (time, own, ..) = first.key();
            if (*time, &**own) > (logged_at, service) {
                break;
            }
            let time = *time;
            let ((_, service, seq, line), stated) = first.remove_entry();
            // Rows that began with what is missing would have slots before it.
            self.is_directory_whole &= time < self.directory_known_until;
            let Some(chain) = self.by_service.get_mut(&*service) else { continue };
            let Some(slot) = begin_row(chain, line, &mut self.timeline.directory) else { continue };
            if slot != stated && self.is_directory_whole {
                // What moves one row moves those behind it: one finding says it.
                self.is_directory_whole = false;
                let what = match line {
                    None => "the chain".to_owned(),
                    Some(line) => format!("line {line}"),
                };
                let detail =
                    format!("expected {what} to have slot {slot} of the directory, found slot {stated}");
                let file = segment::directory(&service);
                chain.report(Problem::new(ProblemKind::Altered, Some(&service), file, detail).at(seq, seq));
            }
        }
    }

    /// Settles the sealed heads that were committed at or before a time.
    pub(super) fn settle_until(&mut self, time: i64, hasher: &mut Hasher) {
        while self.timeline.told.front().is_some_and(|told| told.logged_at <= time) {
            let Some(told) = self.timeline.told.pop_front() else { return };
            heads::settle(self, &told, hasher);
        }
    }

    /// Brings the directory's rows up to what was recomputed of entries before a time.
    pub(super) fn refresh_directory(&mut self, before: i64) {
        self.begin_rows_before(before, "");
        self.stand_until(before);
        for chain in self.by_service.values_mut() {
            let Some(lines) = chain.changed.take() else { continue };
            let directory = &mut self.timeline.directory;
            if let Some(slot) = chain.slot {
                directory.set(slot, chain.edge.size(), chain.edge.root());
            }
            for line in lines.iter().filter_map(|line| chain.lines.get(line)) {
                if let Some(slot) = line.slot {
                    directory.set(slot, line.next_tenant_seq, line.digest);
                }
            }
        }
    }

    /// Brings rows up to where segments left them before a time.
    pub(super) fn stand_until(&mut self, before: i64) {
        while let Some(first) = self.timeline.standings.first_entry().filter(|first| *first.key() <= before) {
            for standing in first.remove() {
                let Some(chain) = self.by_service.get(&*standing.service) else { continue };
                if let Some(slot) = chain.slot {
                    self.timeline.directory.set(slot, standing.size, standing.root);
                }
                for (line, size, digest) in standing.lines {
                    if let Some(slot) = chain.lines.get(&line).and_then(|line| line.slot) {
                        self.timeline.directory.set(slot, size, digest);
                    }
                }
            }
        }
    }
}

/// Adds the row of a chain, or of a line of it, if it has none.
fn begin_row(chain: &mut Chain, line: Option<u32>, directory: &mut Directory) -> Option<Slot> {
    let chain_id = chain.chain_id;
    let (slot, row) = match line {
        None => {
            let digest = hashes::empty_root();
            let row = DirectoryRow { kind: RowKind::Chain, chain_id, line_id: [0; 16], size: 0, digest };
            (&mut chain.slot, row)
        }
        Some(line) => {
            let line = chain.lines.get_mut(&line)?;
            let digest = hashes::line_start(&chain_id, &line.line_id);
            let row = DirectoryRow { kind: RowKind::Line, chain_id, line_id: line.line_id, size: 0, digest };
            (&mut line.slot, row)
        }
    };
    if slot.is_some() {
        return None;
    }
    *slot = Some(directory.add(row));
    *slot
}
