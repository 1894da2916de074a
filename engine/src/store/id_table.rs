//! Where the entries with known IDs stand: an open-addressing hash table of 8 bytes an entry.
//!
//! Every append with an ID looks into it once, at a random place of tens of megabytes: a cache line and a page walk.
//! So a slot holds everything that a probe needs, in one word, and a batch's slots are fetched side by side. Linear
//! probing, at most half full; what is removed is filled from behind (Knuth, TAOCP 3, §6.4, Algorithm R).

/// Numbers by tag. A tag is 32 bits of a MAC, thus uniform, and its own hash.
#[derive(Default)]
pub struct IdTable {
    /// `tag << 32 | number << 1 | 1`, or 0: empty. A power of two of them, or none.
    slots: Vec<u64>,
    count: usize,
}

/// Numbers wrap at 2^31.
pub const NUMBER_MASK: u32 = u32::MAX >> 1;

const SLOT_COUNT_MIN: usize = 1 << 10;

fn tag_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

fn number_of(slot: u64) -> u32 {
    u32::try_from(slot >> 1 & u64::from(NUMBER_MASK)).unwrap_or(NUMBER_MASK)
}

/// A place in the table: where a number was found, or where it would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The slot holds this number.
    Number(u32),
    /// There is none; the next with this tag goes here.
    Vacant(Vacant),
}

/// Where a tag goes that is not there. Holds until the table changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vacant {
    at: usize,
    tag: u32,
}

impl IdTable {
    fn home(&self, tag: u32) -> usize {
        tag as usize & (self.slots.len() - 1)
    }

    /// Reads the slots that looking these tags up begins with. The loads don't depend on each other, so the processor
    /// has many of them under way.
    pub fn prefetch(&self, tags: impl Iterator<Item = u32>) {
        if !self.slots.is_empty() {
            std::hint::black_box(tags.fold(0, |all, tag| all ^ self.slots[self.home(tag)]));
        }
    }

    /// The first number with this tag that `is_it` agrees to. Makes room for one more.
    pub fn find(&mut self, tag: u32, mut is_it: impl FnMut(u32) -> bool) -> Found {
        if (self.count + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let mut at = self.home(tag);
        while self.slots[at] != 0 {
            let slot = self.slots[at];
            if tag_of(slot) == tag && is_it(number_of(slot)) {
                return Found::Number(number_of(slot));
            }
            at = self.next(at);
        }
        Found::Vacant(Vacant { at, tag })
    }

    /// Puts a number where [`IdTable::find`] left room for it.
    pub fn insert(&mut self, vacant: Vacant, number: u32) {
        debug_assert_eq!(self.slots[vacant.at], 0, "nothing came between");
        self.slots[vacant.at] = u64::from(vacant.tag) << 32 | u64::from(number & NUMBER_MASK) << 1 | 1;
        self.count += 1;
    }

    /// Removes a number, if it is there.
    pub fn remove(&mut self, tag: u32, number: u32) {
        if self.slots.is_empty() {
            return;
        }
        let mut hole = self.home(tag);
        loop {
            let slot = self.slots[hole];
            if slot == 0 {
                return;
            }
            if tag_of(slot) == tag && number_of(slot) == number {
                break;
            }
            hole = self.next(hole);
        }
        self.count -= 1;
        // Whoever was pushed past the hole by probing comes back into it.
        let mut at = hole;
        loop {
            at = self.next(at);
            let slot = self.slots[at];
            if slot == 0 {
                break;
            }
            let mask = self.slots.len() - 1;
            let from_home = at.wrapping_sub(self.home(tag_of(slot))) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.slots[hole] = slot;
                hole = at;
            }
        }
        self.slots[hole] = 0;
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        let grown = vec![0; (self.slots.len() * 2).max(SLOT_COUNT_MIN)];
        for slot in std::mem::replace(&mut self.slots, grown) {
            if slot != 0 {
                let mut at = self.home(tag_of(slot));
                while self.slots[at] != 0 {
                    at = self.next(at);
                }
                self.slots[at] = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn holds_what_a_map_holds(acts in prop::collection::vec((0..3_u8, 0..40_u32), 1..2000)) {
            let mut table = IdTable::default();
            let mut map: BTreeMap<u32, u32> = BTreeMap::new();
            for (number, (act, key)) in (0..).zip(acts) {
                // Few homes, at the end of the table: long probes that wrap.
                let tag = key << 20 | (1020 + key % 5);
                let found = table.find(tag, |_| true);
                match (found, map.get(&key)) {
                    (Found::Number(found), Some(known)) => prop_assert_eq!(found, *known),
                    (Found::Vacant(vacant), None) if act > 0 => {
                        table.insert(vacant, number);
                        map.insert(key, number);
                    }
                    (Found::Vacant(_), None) => {}
                    (found, known) => prop_assert!(false, "{:?} for {:?}", found, known),
                }
                if act == 0 && let Some(number) = map.remove(&key) {
                    table.remove(tag, number);
                }
            }
        }
    }

    #[test]
    fn grows() {
        let mut table = IdTable::default();
        for number in 0..10_000_u32 {
            let Found::Vacant(vacant) = table.find(number.wrapping_mul(0x9e37_79b9), |_| true) else {
                panic!("{number} is known");
            };
            table.insert(vacant, number);
        }
        for number in 0..10_000_u32 {
            assert_eq!(table.find(number.wrapping_mul(0x9e37_79b9), |_| true), Found::Number(number));
        }
    }
}
