//! Runs on top of each other: of a process that several have, the newest counts.

use super::delta::Older;
use super::hash::NameHasher;
use super::node::Node;
use super::run::Run;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows of a run that newer ones have.
#[derive(Clone, Debug, Default)]
pub(super) struct Dead {
    words: Vec<u64>,
    count: u32,
}

impl Dead {
    fn new(rows: u32) -> Dead {
        Dead { words: vec![0; (rows as usize).div_ceil(64)], count: 0 }
    }

    pub fn has(&self, row: u32) -> bool {
        self.words.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 != 0)
    }

    /// 64 rows, the first in the lowest bit.
    pub fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(u64::MAX)
    }

    fn set(&mut self, row: u32) {
        if let Some(word) = self.words.get_mut(row as usize / 64) {
            self.count += u32::from(*word >> (row % 64) & 1 == 0);
            *word |= 1 << (row % 64);
        }
    }

    pub fn count(&self) -> u32 {
        self.count
    }
}

/// A run among others.
pub(super) struct Slot {
    pub run: Arc<Run>,
    pub dead: Dead,
    /// The first and the last of the numbers that its file stands for; none in memory.
    pub file: Option<(u64, u64)>,
}

impl Slot {
    pub fn new(run: Run, file: Option<(u64, u64)>) -> Slot {
        Slot { dead: Dead::new(run.rows()), run: Arc::new(run), file }
    }

    pub fn live(&self) -> u32 {
        self.run.rows() - self.dead.count()
    }
}

/// All runs, the oldest first: those on disk, then those in memory.
pub(super) struct Runs {
    pub slots: Vec<Slot>,
    hasher: NameHasher,
    /// A row that its CRC covers did not read.
    is_damaged: AtomicBool,
}

impl Runs {
    pub fn new(hasher: NameHasher) -> Runs {
        Runs { slots: Vec::new(), hasher, is_damaged: AtomicBool::new(false) }
    }

    pub fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    pub fn set_damaged(&self) {
        self.is_damaged.store(true, Ordering::Relaxed);
    }

    /// The process of a row.
    pub fn node(&self, slot: usize, row: u32) -> Option<Node> {
        let node = self.slots.get(slot)?.run.node(row);
        if node.is_none() {
            self.is_damaged.store(true, Ordering::Relaxed);
        }
        node
    }

    fn row_of(&self, slots: usize, hash: u64, tenant: &str, id: &str) -> Option<(usize, u32)> {
        let newest_first = self.slots[..slots].iter().enumerate().rev();
        newest_first.filter_map(|(at, slot)| slot.run.row_of(hash, tenant, id).map(|row| (at, row))).next()
    }

    /// Notes, of runs that were just opened, which of their rows newer ones have.
    pub fn note_dead(&mut self) {
        for at in (1..self.slots.len()).rev() {
            let run = Arc::clone(&self.slots[at].run);
            for row in (0..run.rows()).filter(|row| run.replaces(*row)) {
                let Some((tenant, id)) = run.name(row) else {
                    self.is_damaged.store(true, Ordering::Relaxed);
                    return;
                };
                if let Some((older, row)) = self.row_of(at, self.hasher.of(tenant, &id), tenant, &id) {
                    self.slots[older].dead.set(row);
                }
            }
        }
    }

    /// Puts a run in the place of those that it was made of. Of what became dead in them meanwhile it is dead too.
    pub fn replace(&mut self, first: usize, inputs: &[(Arc<Run>, Dead)], mut slot: Slot) {
        for ((run, before), now) in inputs.iter().zip(&self.slots[first..]) {
            for (at, word) in now.dead.words.iter().enumerate() {
                let mut new = word & !before.word(at);
                while new != 0 {
                    let bit = new.trailing_zeros();
                    new &= new - 1;
                    let Ok(row) = u32::try_from(at * 64 + bit as usize) else { continue };
                    let Some((tenant, id)) = run.name(row) else { continue };
                    if let Some(row) = slot.run.row_of(self.hasher.of(tenant, &id), tenant, &id) {
                        slot.dead.set(row);
                    }
                }
            }
        }
        let slots = if slot.live() == 0 && slot.file.is_none() { None } else { Some(slot) };
        self.slots.splice(first..first + inputs.len(), slots);
    }
}

impl Older for Runs {
    fn take(&mut self, hash: u64, tenant: &str, id: &str) -> Option<Node> {
        let (slot, row) = self.row_of(self.slots.len(), hash, tenant, id)?;
        // The newest counts: if that is dead, it is in memory, and nobody asks.
        let node = self.node(slot, row)?;
        self.slots[slot].dead.set(row);
        Some(node)
    }

    fn find(&self, hash: u64, tenant: &str, id: &str) -> Option<Node> {
        let (slot, row) = self.row_of(self.slots.len(), hash, tenant, id)?;
        self.node(slot, row)
    }

    fn children(&self, hash: u64, tenant: &str, parent: &str) -> Vec<Box<str>> {
        let mut found = Vec::new();
        for (at, slot) in self.slots.iter().enumerate() {
            for row in slot.run.children(hash).filter(|row| !slot.dead.has(*row)) {
                if let Some(node) = self.node(at, row)
                    && &*node.tenant == tenant
                    && node.raw_parent() == Some(parent)
                {
                    found.push(node.id);
                }
            }
        }
        found
    }
}
