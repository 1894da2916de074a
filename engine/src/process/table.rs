//! The table of processes: a few thousand in memory, all others in runs.
//!
//! What is in memory is the newest. Full, it becomes a run in memory; these together, large enough, become one on disk,
//! with the position of each chain up to which it holds; those are merged by size. So a process is written a few
//! times, memory is bounded, and what a start has to read again lies behind the newest run on disk.

use super::delta::{Delta, Older};
use super::hash::NameHasher;
use super::merge::{self, DIRECTORY, Merge};
use super::node::Node;
use super::own::Event;
use super::run::{self, ChainPosition, Head, Run};
use super::runs::{Runs, Slot};
use crate::disk::{Access, Disk};
use crate::limits;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// How large parts of the table of processes become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessBounds {
    /// Processes in memory that become a run.
    pub delta_rows: usize,
    /// Processes of runs in memory that become one on disk.
    pub spill_rows: u32,
    /// Runs on disk of this many processes are not merged with others any more.
    pub run_rows_max: u32,
}

impl ProcessBounds {
    /// What serves a million processes well.
    pub const USUAL: ProcessBounds = ProcessBounds {
        delta_rows: limits::PROCESS_DELTA_ROWS,
        spill_rows: limits::PROCESS_SPILL_ROWS,
        run_rows_max: limits::PROCESS_RUN_ROWS_MAX,
    };
}

impl Default for ProcessBounds {
    fn default() -> ProcessBounds {
        ProcessBounds::USUAL
    }
}

/// Entries without a process that a start would look at again in vain: a tenth of a second.
const STOP_ENTRIES: u64 = 1 << 20;

/// Runs of about one size, side by side, that are merged.
const MERGED_RUNS: u32 = 4;

/// All processes of a store.
pub(crate) struct Table {
    store_id: [u8; 16],
    hasher: NameHasher,
    bounds: ProcessBounds,
    pub(super) runs: Runs,
    pub(super) delta: Delta,
    /// Position behind the last entry taken in, by service.
    positions: BTreeMap<Arc<str>, u64>,
    /// Nothing was met that did not read.
    is_whole: bool,
    /// The number of the next file.
    next_file: u64,
}

impl Table {
    /// Where its files lie.
    pub const DIRECTORY: &'static str = DIRECTORY;

    /// A table without processes.
    pub fn new(store_id: [u8; 16], hasher: NameHasher, bounds: ProcessBounds) -> Table {
        Table {
            store_id,
            hasher,
            bounds,
            runs: Runs::new(hasher),
            delta: Delta::new(hasher),
            positions: BTreeMap::new(),
            is_whole: true,
            next_file: 1,
        }
    }

    /// The table on disk; an empty one if there is none, or one that does not read or does not belong to these chains.
    /// `leaf_of` gives the leaf of an entry.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(
        disk: &dyn Disk,
        store_id: [u8; 16],
        hasher: NameHasher,
        bounds: ProcessBounds,
        leaf_of: impl Fn(&str, u64) -> Option<[u8; 32]>,
    ) -> io::Result<Table> {
        let mut names = match disk.list(DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names?,
        };
        names.sort_unstable();
        let mut files: Vec<(u64, u64)> = names.iter().filter_map(|name| merge::numbers_of(name)).collect();
        // Of those that begin alike the one that covers more, first.
        files.sort_unstable_by_key(|(first, last)| (*first, u64::MAX - last));
        let mut table = Table::new(store_id, hasher, bounds);
        let is_read = table.read(disk, &files, leaf_of)?;
        if !is_read {
            table = Table::new(store_id, hasher, bounds);
        }
        let is_kept = |name: &String| {
            table.runs.slots.iter().filter_map(|slot| slot.file).any(|own| merge::name(own) == **name)
        };
        for name in names.iter().filter(|name| !is_kept(name)) {
            disk.remove(&format!("{DIRECTORY}/{name}"))?;
        }
        Ok(table)
    }

    /// Whether all of these files are a table.
    fn read(
        &mut self,
        disk: &dyn Disk,
        files: &[(u64, u64)],
        leaf_of: impl Fn(&str, u64) -> Option<[u8; 32]>,
    ) -> io::Result<bool> {
        for file in files {
            if file.1 < self.next_file {
                // Covered by the one before.
                continue;
            }
            if file.0 != self.next_file {
                return Ok(false);
            }
            let opened = disk.open(&merge::path(*file), Access::Read)?;
            let mapping = opened.map(opened.length()?)?;
            let Ok(run) = Run::open(mapping, &self.store_id, self.hasher) else { return Ok(false) };
            self.next_file = file.1 + 1;
            self.runs.slots.push(Slot::new(run, Some(*file)));
        }
        let Some(newest) = self.runs.slots.last() else { return Ok(true) };
        let Some(positions) = newest.run.positions().filter(|_| newest.run.is_whole()) else {
            return Ok(false);
        };
        for position in positions {
            let leaf = position.end_seq.checked_sub(1).and_then(|seq| leaf_of(&position.service, seq));
            if leaf != Some(position.leaf) {
                return Ok(false);
            }
            self.positions.insert((*position.service).into(), position.end_seq);
        }
        self.runs.note_dead();
        Ok(!self.runs.is_damaged())
    }

    /// Whether something that was written does not read: the table is to be made again.
    pub fn is_damaged(&self) -> bool {
        self.runs.is_damaged()
    }

    /// Notes that something that was written does not read.
    pub fn set_damaged(&self) {
        self.runs.set_damaged();
    }

    /// Position behind the last entry of a chain that is in the table.
    pub fn position(&self, service: &str) -> u64 {
        self.positions.get(service).copied().unwrap_or(0)
    }

    /// Takes an entry in. Each is taken in once.
    pub fn add(&mut self, event: &Event<'_>) {
        self.delta.add(event, &mut self.runs);
        if self.delta.len() >= self.bounds.delta_rows {
            self.freeze();
        }
    }

    /// Notes that all entries of a chain before a position are in the table.
    pub fn advance(&mut self, service: &Arc<str>, end_seq: u64) {
        match self.positions.get_mut(service) {
            Some(position) => *position = end_seq.max(*position),
            None => drop(self.positions.insert(Arc::clone(service), end_seq)),
        }
    }

    /// Notes that entries were passed over because they do not read: what is written from here on is made again at the
    /// next start.
    pub fn set_incomplete(&mut self) {
        self.is_whole = false;
    }

    /// Makes a run in memory of what is in memory.
    fn freeze(&mut self) {
        if self.delta.is_empty() {
            return;
        }
        let count = u32::try_from(self.delta.len()).unwrap_or(u32::MAX);
        let head = Head { store_id: &self.store_id, hasher: self.hasher, is_whole: true, positions: &[] };
        let mut bytes = Vec::new();
        let written = run::write(self.delta.sorted(), count, &head, &mut bytes);
        bytes.shrink_to_fit();
        // Its CRCs are computed once more: less than the hash of a name for each row.
        let run = written.map(|_| Run::open(Box::new(bytes), &self.store_id, self.hasher));
        if let Ok(Ok(run)) = run {
            self.runs.slots.push(Slot::new(run, None));
            self.delta = Delta::new(self.hasher);
        }
    }

    /// Processes that are in memory alone, about.
    pub fn memory_rows(&self) -> u32 {
        let runs = self.runs.slots.iter().filter(|slot| slot.file.is_none());
        let rows = runs.map(|slot| slot.run.rows()).fold(0, u32::saturating_add);
        rows.saturating_add(u32::try_from(self.delta.len()).unwrap_or(u32::MAX))
    }

    /// Whether there is enough in memory to be written.
    pub fn is_spill_due(&self) -> bool {
        self.memory_rows() >= self.bounds.spill_rows
    }

    /// Entries of chains that were looked at since something was written.
    fn unwritten_entries(&self) -> u64 {
        let written = self.newest_positions().unwrap_or_default();
        let written: u64 = written.iter().map(|position| position.end_seq).sum();
        self.positions.values().sum::<u64>().saturating_sub(written)
    }

    /// Whether the next start would have so much to read again that it is written at a clean stop.
    pub fn is_stop_due(&self) -> bool {
        self.memory_rows() > 0 || self.unwritten_entries() >= STOP_ENTRIES
    }

    /// What is to be written, so that all that was taken in is on disk; none if that is nothing.
    pub fn spill(&mut self, leaf_of: impl Fn(&str, u64) -> Option<[u8; 32]>) -> Option<Merge> {
        if self.memory_rows() == 0 && self.unwritten_entries() == 0 {
            return None;
        }
        self.freeze();
        if !self.delta.is_empty() {
            return None;
        }
        let first = self.runs.slots.iter().position(|slot| slot.file.is_none());
        let first = first.unwrap_or(self.runs.slots.len());
        let positions = self.positions.iter().filter_map(|(service, end_seq)| {
            let leaf = leaf_of(service, end_seq.checked_sub(1)?)?;
            Some(ChainPosition { service: (**service).into(), end_seq: *end_seq, leaf })
        });
        let positions: Vec<ChainPosition> = positions.collect();
        let is_told = positions.len() == self.positions.values().filter(|end| **end > 0).count();
        Some(Merge {
            inputs: self.inputs(first, self.runs.slots.len()),
            first,
            file: (self.next_file, self.next_file),
            // A leaf that does not read is damage too.
            is_whole: self.is_whole && is_told,
            positions,
            without: None,
        })
    }

    fn newest_positions(&self) -> Option<Vec<ChainPosition>> {
        self.runs.slots.iter().rfind(|slot| slot.file.is_some())?.run.positions()
    }

    fn inputs(&self, first: usize, end: usize) -> Vec<(Arc<Run>, super::runs::Dead)> {
        self.runs.slots[first..end].iter().map(|slot| (Arc::clone(&slot.run), slot.dead.clone())).collect()
    }

    /// The next merge of runs on disk that pays; none if none does.
    pub fn merge_due(&self) -> Option<Merge> {
        let on_disk = self.runs.slots.iter().take_while(|slot| slot.file.is_some()).count();
        let slots = &self.runs.slots[..on_disk];
        let tier = |slot: &Slot| slot.live().max(1).ilog(MERGED_RUNS);
        let is_small = |slot: &Slot| slot.live() < self.bounds.run_rows_max / MERGED_RUNS;
        // Of one that is mostly dead the rest.
        if let Some(at) = slots.iter().position(|slot| slot.dead.count() > slot.run.rows() / 2) {
            return self.merge_of(at, at + 1, None);
        }
        // From the newest on as many as are no larger than the one before them by a tier.
        let mut first = on_disk;
        let mut largest = slots.last().map_or(0, tier);
        let mut count = 0;
        while first > 0 && is_small(&slots[first - 1]) {
            let own = tier(&slots[first - 1]);
            if own > largest {
                if count >= MERGED_RUNS {
                    break;
                }
                (largest, count) = (own, 0);
                // What is smaller goes with it only if it is merged at all.
            }
            count += u32::from(own == largest);
            first -= 1;
        }
        (count >= MERGED_RUNS).then(|| self.merge_of(first, on_disk, None)).flatten()
    }

    fn merge_of(&self, first: usize, end: usize, without: Option<Box<str>>) -> Option<Merge> {
        let (oldest, newest) = (self.runs.slots.get(first)?, self.runs.slots.get(end.checked_sub(1)?)?);
        Some(Merge {
            inputs: self.inputs(first, end),
            first,
            file: (oldest.file?.0, newest.file?.1),
            positions: newest.run.positions()?,
            is_whole: newest.run.is_whole(),
            without,
        })
    }

    /// Puts what a merge made in the place of what it was made of. Gives the files that are not needed any more.
    pub fn finish(&mut self, merge: &Merge, run: Run) -> Vec<String> {
        let old = self.runs.slots[merge.first..merge.first + merge.inputs.len()].iter();
        let old: Vec<String> =
            old.filter_map(|slot| slot.file).filter(|own| *own != merge.file).map(merge::path).collect();
        self.runs.replace(merge.first, &merge.inputs, Slot::new(run, Some(merge.file)));
        self.next_file = self.next_file.max(merge.file.1 + 1);
        old
    }

    /// Leaves out all processes of a tenant, on disk too: when this returns, no file has anything of it. A crash before
    /// leaves some; then this is done again. What the tenant still has in the log can then be taken in anew.
    ///
    /// # Errors
    /// The disk's.
    pub fn forget_tenant(
        &mut self,
        tenant: &str,
        disk: &dyn Disk,
        leaf_of: impl Fn(&str, u64) -> Option<[u8; 32]>,
    ) -> io::Result<()> {
        // All that is in memory first, so that only files are left to be written anew.
        if let Some(merge) = self.spill(leaf_of) {
            self.write(&merge, disk)?;
        }
        for at in 0..self.runs.slots.len() {
            let has_it = self.runs.slots[at].run.code(run::Section::Tenants, tenant).is_some();
            if has_it && let Some(merge) = self.merge_of(at, at + 1, Some(tenant.into())) {
                self.write(&merge, disk)?;
            }
        }
        Ok(())
    }

    /// Does a merge.
    fn write(&mut self, merge: &Merge, disk: &dyn Disk) -> io::Result<()> {
        let run = merge.run(disk, &self.store_id, self.hasher)?;
        self.finish(merge, run).iter().try_for_each(|path| disk.remove(path))
    }

    /// Throws the table away.
    ///
    /// # Errors
    /// The disk's.
    pub fn discard(&mut self, disk: &dyn Disk) -> io::Result<()> {
        // The newest first: at any point what is left is a table of less.
        for slot in self.runs.slots.iter().rev() {
            if let Some(file) = slot.file {
                disk.remove(&merge::path(file))?;
            }
        }
        *self = Table::new(self.store_id, self.hasher, self.bounds);
        Ok(())
    }

    /// Whose processes there are, or were.
    pub(super) fn tenants(&self) -> BTreeSet<Box<str>> {
        let mut tenants: BTreeSet<Box<str>> = self.delta.tenants().map(Box::from).collect();
        tenants.extend(self.runs.slots.iter().flat_map(|slot| slot.run.tenants()).map(Box::from));
        tenants
    }

    /// A process by its name.
    pub(super) fn find(&self, tenant: &str, id: &str) -> Option<std::borrow::Cow<'_, Node>> {
        let hash = self.hasher.of(tenant, id);
        match self.delta.position_of(hash, tenant, id) {
            Some(at) => Some(std::borrow::Cow::Borrowed(&self.delta.nodes()[at])),
            None => self.runs.find(hash, tenant, id).map(std::borrow::Cow::Owned),
        }
    }
}
