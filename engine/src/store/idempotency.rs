//! What came before: IDs of entries and keys of batches, for a day or the newest two million.
//!
//! Kept as MACs under a secret of the store (SipHash-2-4 with 128 bits, Aumasson and Bernstein 2012): quick, and
//! without the secret nobody can tell from them what an ID or an entry was.

use crate::format::commit::BatchKey;
use crate::limits;
use hashbrown::HashTable;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;

/// The key of all MACs of one store.
#[derive(Clone)]
pub struct Secret([u8; 16]);

impl Secret {
    /// The secret with these bytes.
    pub fn new(bytes: [u8; 16]) -> Secret {
        Secret(bytes)
    }

    /// MAC of parts, each with its length, so that no two lists of parts give the same bytes.
    pub fn mac<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part);
        }
        hasher.finish128().as_u128()
    }
}

/// An entry's ID and bytes as MACs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryMac {
    /// Of tenant, service and ID.
    pub id: u128,
    /// Of the record without what the engine adds.
    pub bytes: u128,
}

/// Where an entry with an ID lies. 16-byte values are kept as halves, so that an item takes 56 bytes and not 64.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    id: [u64; 2],
    bytes: [u64; 2],
    /// Position in its chain.
    pub seq: u64,
    /// Commit time.
    pub logged_at: i64,
    /// The chain's index among the committer's tails.
    pub chain: u32,
}

fn halves(value: u128) -> [u64; 2] {
    let bytes = value.to_le_bytes();
    let (halves, _) = bytes.as_chunks::<8>();
    [u64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1])]
}

impl Seen {
    /// An entry that was committed.
    pub fn new(mac: EntryMac, chain: u32, seq: u64, logged_at: i64) -> Seen {
        Seen { id: halves(mac.id), bytes: halves(mac.bytes), seq, logged_at, chain }
    }

    /// Whether these are the same bytes.
    pub fn has_bytes(&self, bytes: u128) -> bool {
        self.bytes == halves(bytes)
    }
}

/// All that came within the window.
#[derive(Default)]
pub struct Window {
    /// Oldest first.
    items: VecDeque<Seen>,
    /// Number of the oldest item; numbers only grow.
    first: u64,
    /// Item numbers by ID. A MAC is uniform, so half of it is the hash.
    by_id: HashTable<u64>,
    batches: HashMap<u128, SeenBatch>,
    batches_by_age: VecDeque<(i64, u128)>,
}

/// A batch with a key, and what it became.
#[derive(Clone, Debug)]
pub struct SeenBatch {
    /// MAC of its bytes.
    pub bytes: u128,
    /// (chain, first position, count) of its entries.
    pub runs: Vec<(u32, u64, u32)>,
    /// When it was committed.
    pub logged_at: i64,
}

impl Window {
    /// The entry with this ID.
    pub fn find(&self, mac: EntryMac) -> Option<&Seen> {
        let id = halves(mac.id);
        let number = self.by_id.find(id[0], |number| self.item(*number).is_some_and(|item| item.id == id))?;
        self.item(*number)
    }

    fn item(&self, number: u64) -> Option<&Seen> {
        usize::try_from(number.checked_sub(self.first)?).ok().and_then(|at| self.items.get(at))
    }

    /// Remembers an entry whose ID is not known, and forgets what has left the window.
    pub fn insert(&mut self, seen: Seen) {
        while self.items.front().is_some_and(|oldest| {
            self.items.len() >= limits::IDEMPOTENCY_COUNT_MAX
                || oldest.logged_at < seen.logged_at.saturating_sub(limits::IDEMPOTENCY_WINDOW_NS)
        }) {
            self.forget_oldest();
        }
        let number = self.first + self.items.len() as u64;
        self.items.push_back(seen);
        let (items, first) = (&self.items, self.first);
        let hash_of = |number: &u64| {
            usize::try_from(number - first).ok().and_then(|at| items.get(at)).map_or(0, |item| item.id[0])
        };
        self.by_id.insert_unique(seen.id[0], number, hash_of);
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.items.pop_front() {
            let number = self.first;
            self.first += 1;
            if let Ok(entry) = self.by_id.find_entry(oldest.id[0], |known| *known == number) {
                entry.remove();
            }
        }
    }

    /// Forgets the newest: its group was not written.
    pub fn undo(&mut self) {
        if let Some(newest) = self.items.pop_back() {
            let number = self.first + self.items.len() as u64;
            if let Ok(entry) = self.by_id.find_entry(newest.id[0], |known| *known == number) {
                entry.remove();
            }
        }
    }

    /// The batch with this key.
    pub fn find_batch(&self, key: u128) -> Option<&SeenBatch> {
        self.batches.get(&key)
    }

    /// Remembers a batch. `chains` gives the chain's index for each part of its frame.
    pub fn insert_batch(&mut self, key: &BatchKey, chains: &[u32], logged_at: i64) {
        let horizon = logged_at.saturating_sub(limits::IDEMPOTENCY_WINDOW_NS);
        while let Some((age, oldest)) = self.batches_by_age.front()
            && (*age < horizon || self.batches_by_age.len() >= limits::IDEMPOTENCY_COUNT_MAX)
        {
            self.batches.remove(oldest);
            self.batches_by_age.pop_front();
        }
        let runs = key
            .runs
            .iter()
            .filter_map(|run| Some((*chains.get(run.part as usize)?, run.first_seq, run.count)))
            .collect();
        self.batches.insert(key.key, SeenBatch { bytes: key.bytes, runs, logged_at });
        self.batches_by_age.push_back((logged_at, key.key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(id: u128) -> EntryMac {
        EntryMac { id: id.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835), bytes: id }
    }

    #[test]
    fn finds_what_came_within_a_day_and_takes_back_the_newest() {
        let mut window = Window::default();
        let hour = 3600 * 1_000_000_000;
        for i in 0..50u32 {
            window.insert(Seen::new(mac(i.into()), 0, i.into(), i64::from(i) * hour));
        }
        assert!(window.find(mac(24)).is_none(), "25 hours before the newest");
        for i in 25..50u32 {
            assert_eq!(window.find(mac(i.into())).unwrap().seq, u64::from(i));
        }
        window.undo();
        assert!(window.find(mac(49)).is_none());
        assert!(window.find(mac(48)).unwrap().has_bytes(48));
        window.insert(Seen::new(mac(49), 0, 7, 49 * hour));
        assert_eq!(window.find(mac(49)).unwrap().seq, 7);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let secret = Secret::new([1; 16]);
        assert_ne!(secret.mac([&b"ab"[..], b"c"]), secret.mac([&b"a"[..], b"bc"]));
        assert_ne!(secret.mac([&b"a"[..]]), Secret::new([2; 16]).mac([&b"a"[..]]));
    }
}
