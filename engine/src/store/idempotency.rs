//! What came before: IDs of entries and keys of batches, for a day or the newest two million.
//!
//! Kept as MACs under a secret of the store (SipHash-2-4 with 128 bits, Aumasson and Bernstein 2012): quick, and
//! without the secret nobody can tell from them what an ID or an entry was.

use super::id_table::{Found, IdTable, NUMBER_MASK};
use crate::format::commit::BatchKey;
use crate::limits;
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

    /// MAC of bytes.
    pub fn mac(&self, bytes: &[u8]) -> u128 {
        SipHasher24::new_with_key(&self.0).hash(bytes).as_u128()
    }

    /// MAC of parts, each with its length, so that no two lists of parts give the same bytes.
    pub fn mac_of_parts<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> u128 {
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

/// Where an entry with an ID lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The chain's index among the committer's tails.
    pub chain: u32,
    /// Position in its chain.
    pub seq: u64,
    /// Commit time.
    pub logged_at: i64,
    /// MAC of what its producer sent.
    pub bytes: u128,
}

/// An entry that came, in 40 bytes: the times of all that came in one commit are kept once.
#[derive(Clone, Copy)]
struct Item {
    id: [u64; 2],
    bytes: [u64; 2],
    /// Chain in the highest 16 bits, position in the others: 10 000 chains, and 2^48 entries of each.
    place: u64,
}

const SEQ_BITS: u32 = 48;
const _: () = assert!(limits::CHAIN_COUNT_MAX <= 1 << (u64::BITS - SEQ_BITS));
const _: () = assert!(limits::IDEMPOTENCY_COUNT_MAX < NUMBER_MASK as usize);

/// Items from `first` on came at one time.
struct Epoch {
    first: u32,
    logged_at: i64,
}

fn halves(value: u128) -> [u64; 2] {
    let bytes = value.to_le_bytes();
    let (halves, _) = bytes.as_chunks::<8>();
    [u64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1])]
}

fn whole(halves: [u64; 2]) -> u128 {
    u128::from(halves[1]) << 64 | u128::from(halves[0])
}

/// Chain and position.
fn place_of(item: &Item) -> (u32, u64) {
    (u32::try_from(item.place >> SEQ_BITS).unwrap_or(u32::MAX), item.place & ((1 << SEQ_BITS) - 1))
}

/// A MAC is uniform, so a part of it is a hash.
fn tag_of(id: [u64; 2]) -> u32 {
    (id[0] >> 32) as u32
}

/// All that came within the window.
#[derive(Default)]
pub struct Window {
    /// Oldest first.
    items: VecDeque<Item>,
    /// Number of the oldest item. Numbers only grow, and wrap: far fewer are kept.
    first: u32,
    epochs: VecDeque<Epoch>,
    by_id: IdTable,
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

fn item(items: &VecDeque<Item>, first: u32, number: u32) -> Option<&Item> {
    items.get((number.wrapping_sub(first) & NUMBER_MASK) as usize)
}

impl Window {
    /// The entry with this ID; if there is none, remembers the one that `place` gives a chain and position.
    ///
    /// # Errors
    /// Those of `place`; nothing is remembered then.
    pub fn find_or_insert<E>(
        &mut self,
        mac: EntryMac,
        logged_at: i64,
        place: impl FnOnce() -> Result<(u32, u64), E>,
    ) -> Result<Option<Seen>, E> {
        self.make_room(logged_at);
        match self.find(halves(mac.id)) {
            Found::Number(number) => Ok(self.seen(number)),
            Found::Vacant(vacant) => {
                let (chain, seq) = place()?;
                self.by_id.insert(vacant, self.next_number());
                self.push(mac, chain, seq, logged_at);
                Ok(None)
            }
        }
    }

    /// Remembers an entry in place of any other with its ID.
    pub fn insert(&mut self, mac: EntryMac, chain: u32, seq: u64, logged_at: i64) {
        self.make_room(logged_at);
        let id = halves(mac.id);
        if let Found::Number(number) = self.find(id) {
            self.by_id.remove(tag_of(id), number);
        }
        if let Found::Vacant(vacant) = self.find(id) {
            self.by_id.insert(vacant, self.next_number());
            self.push(mac, chain, seq, logged_at);
        }
    }

    /// Remembers what came behind all of this.
    pub fn append(&mut self, newer: &Window) {
        let (entries, _) = newer.between(i64::MIN, i64::MAX, usize::MAX);
        entries.into_iter().for_each(|(mac, seen)| self.insert(mac, seen.chain, seen.seq, seen.logged_at));
        let batches = newer.batches_between(i64::MIN, i64::MAX);
        batches.into_iter().for_each(|(key, batch)| self.remember_batch(key, batch));
    }

    /// Gives chains other numbers: `numbers` has one for each that it knows.
    pub fn renumber(&mut self, numbers: &[u32]) {
        let number_of = |chain: u32| numbers.get(chain as usize).copied().unwrap_or(u32::MAX);
        for item in &mut self.items {
            let (chain, seq) = place_of(item);
            item.place = u64::from(number_of(chain)) << SEQ_BITS | seq;
        }
        let runs = self.batches.values_mut().flat_map(|batch| &mut batch.runs);
        runs.for_each(|(chain, ..)| *chain = number_of(*chain));
    }

    /// Brings what looking these IDs up will touch into the cache, all at once: one by one each would wait for memory.
    pub fn prefetch(&self, macs: &[EntryMac]) {
        self.by_id.prefetch(macs.iter().map(|mac| tag_of(halves(mac.id))));
    }

    fn find(&mut self, id: [u64; 2]) -> Found {
        let (items, first) = (&self.items, self.first);
        self.by_id.find(tag_of(id), |number| item(items, first, number).is_some_and(|item| item.id == id))
    }

    fn next_number(&self) -> u32 {
        let count = u32::try_from(self.items.len()).unwrap_or(NUMBER_MASK);
        self.first.wrapping_add(count) & NUMBER_MASK
    }

    fn push(&mut self, mac: EntryMac, chain: u32, seq: u64, logged_at: i64) {
        if self.epochs.back().is_none_or(|epoch| epoch.logged_at != logged_at) {
            self.epochs.push_back(Epoch { first: self.next_number(), logged_at });
        }
        let place = u64::from(chain) << SEQ_BITS | seq;
        self.items.push_back(Item { id: halves(mac.id), bytes: halves(mac.bytes), place });
    }

    fn seen(&self, number: u32) -> Option<Seen> {
        let item = item(&self.items, self.first, number)?;
        let age = |number: u32| number.wrapping_sub(self.first) & NUMBER_MASK;
        let at = self.epochs.partition_point(|epoch| age(epoch.first) <= age(number)).checked_sub(1)?;
        let (chain, seq) = place_of(item);
        Some(Seen { chain, seq, logged_at: self.epochs[at].logged_at, bytes: whole(item.bytes) })
    }

    /// Forgets what has left the window when an entry comes at `logged_at`.
    fn make_room(&mut self, logged_at: i64) {
        let horizon = logged_at.saturating_sub(limits::IDEMPOTENCY_WINDOW_NS);
        while let Some(oldest) = self.epochs.front()
            && (self.items.len() >= limits::IDEMPOTENCY_COUNT_MAX || oldest.logged_at < horizon)
        {
            let number = self.first;
            if let Some(item) = self.items.pop_front() {
                self.by_id.remove(tag_of(item.id), number);
                self.first = number.wrapping_add(1) & NUMBER_MASK;
            }
            let second = self.epochs.get(1).map_or(self.next_number(), |epoch| epoch.first);
            if second == self.first {
                self.epochs.pop_front();
            } else if let Some(oldest) = self.epochs.front_mut() {
                oldest.first = self.first;
            }
        }
    }

    /// Forgets the newest: its group was not written.
    pub fn undo(&mut self) {
        if let Some(newest) = self.items.pop_back() {
            let number = self.next_number();
            self.by_id.remove(tag_of(newest.id), number);
            if self.epochs.back().is_some_and(|epoch| epoch.first == number) {
                self.epochs.pop_back();
            }
        }
    }

    /// Entries that came at or after `from` and before `to`, oldest first, at most `count_max` of them; and whether
    /// these are all.
    pub fn between(&self, from: i64, to: i64, count_max: usize) -> (Vec<(EntryMac, Seen)>, bool) {
        let age = |number: u32| (number.wrapping_sub(self.first) & NUMBER_MASK) as usize;
        let first_epoch = self.epochs.partition_point(|epoch| epoch.logged_at < from);
        let mut found = Vec::new();
        for at in first_epoch..self.epochs.len() {
            let epoch = &self.epochs[at];
            if epoch.logged_at >= to {
                break;
            }
            // An epoch is told whole, so that the next one is where to go on.
            if found.len() >= count_max {
                return (found, false);
            }
            let end = self.epochs.get(at + 1).map_or(self.items.len(), |next| age(next.first));
            for item in self.items.range(age(epoch.first)..end) {
                let (id, bytes) = (whole(item.id), whole(item.bytes));
                let (chain, seq) = place_of(item);
                let seen = Seen { chain, seq, logged_at: epoch.logged_at, bytes };
                found.push((EntryMac { id, bytes }, seen));
            }
        }
        (found, true)
    }

    /// Batches that came at or after `from` and before `to`, oldest first.
    pub fn batches_between(&self, from: i64, to: i64) -> Vec<(u128, SeenBatch)> {
        let begin = self.batches_by_age.partition_point(|(age, _)| *age < from);
        let end = self.batches_by_age.partition_point(|(age, _)| *age < to);
        let keys = self.batches_by_age.range(begin..end.max(begin));
        keys.filter_map(|(_, key)| Some((*key, self.batches.get(key)?.clone()))).collect()
    }

    /// The batch with this key.
    pub fn find_batch(&self, key: u128) -> Option<&SeenBatch> {
        self.batches.get(&key)
    }

    /// Remembers a batch. `chains` gives the chain's index for each part of its frame.
    pub fn insert_batch(&mut self, key: &BatchKey, chains: &[u32], logged_at: i64) {
        let runs = key
            .runs
            .iter()
            .filter_map(|run| Some((*chains.get(run.part as usize)?, run.first_seq, run.count)))
            .collect();
        self.remember_batch(key.key, SeenBatch { bytes: key.bytes, runs, logged_at });
    }

    /// Remembers a batch whose chains are known.
    pub fn remember_batch(&mut self, key: u128, batch: SeenBatch) {
        let logged_at = batch.logged_at;
        let horizon = logged_at.saturating_sub(limits::IDEMPOTENCY_WINDOW_NS);
        while let Some((age, oldest)) = self.batches_by_age.front()
            && (*age < horizon || self.batches_by_age.len() >= limits::IDEMPOTENCY_COUNT_MAX)
        {
            self.batches.remove(oldest);
            self.batches_by_age.pop_front();
        }
        self.batches.insert(key, batch);
        self.batches_by_age.push_back((logged_at, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(id: u128) -> EntryMac {
        EntryMac { id: id.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835), bytes: id }
    }

    /// The entry with this ID, without leaving one.
    fn find(window: &mut Window, id: u128, logged_at: i64) -> Option<Seen> {
        window.find_or_insert(mac(id), logged_at, || Err(())).unwrap_or(None)
    }

    #[test]
    fn finds_what_came_within_a_day_and_takes_back_the_newest() {
        let mut window = Window::default();
        let hour = 3600 * 1_000_000_000;
        for i in 0..50u32 {
            let added = window
                .find_or_insert(mac(i.into()), i64::from(i) * hour, || Ok::<_, ()>((0, i.into())))
                .unwrap();
            assert!(added.is_none());
        }
        let now = 49 * hour;
        assert!(find(&mut window, 24, now).is_none(), "25 hours before the newest");
        for i in 25..50u32 {
            assert_eq!(find(&mut window, i.into(), now).unwrap().seq, u64::from(i));
        }
        window.undo();
        assert!(find(&mut window, 49, now).is_none());
        assert_eq!(find(&mut window, 48, now).unwrap().bytes, 48);
        assert_eq!(find(&mut window, 48, now).unwrap().logged_at, 48 * hour);
        window.insert(mac(49), 0, 7, now);
        assert_eq!(find(&mut window, 49, now).unwrap().seq, 7);
    }

    #[test]
    fn the_newer_of_two_stays_when_the_older_leaves() {
        let mut window = Window::default();
        let day = limits::IDEMPOTENCY_WINDOW_NS;
        window.insert(mac(1), 0, 10, 0);
        window.insert(mac(1), 0, 20, day / 2);
        assert_eq!(find(&mut window, 1, day / 2).unwrap().seq, 20);
        assert_eq!(find(&mut window, 1, day + 1).unwrap().seq, 20, "the older has left");
        assert!(find(&mut window, 1, 2 * day).is_none());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let secret = Secret::new([1; 16]);
        assert_ne!(secret.mac_of_parts([&b"ab"[..], b"c"]), secret.mac_of_parts([&b"a"[..], b"bc"]));
        assert_ne!(secret.mac(b"a"), Secret::new([2; 16]).mac(b"a"));
    }
}
