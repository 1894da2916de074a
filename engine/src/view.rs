//! Everything readable of a store: each chain's sealed segments and its open one, as one sequence of entries.
//!
//! Entries that are in a sealed segment are not in the open one, though the journal may still hold them: whoever reads
//! under the chain's lock sees each entry once.

use crate::format::commit::Part;
use crate::format::segment::SegmentError;
use crate::journal::Damage;
use crate::model::{Severity, Timestamp};
use crate::open::names::Names;
use crate::open::{Frozen, OpenSegment, RowHint};
use crate::proof::Hash;
use crate::segment::Segment;
use parking_lot::{Condvar, Mutex, RwLock};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Everything readable of a store. Shared by those who read and the one who publishes.
pub struct View {
    chains: RwLock<BTreeMap<Box<str>, Arc<Chain>>>,
    /// Names of tenants that open segments have rows of.
    names: Names,
    newest: AtomicI64,
    /// The newest commit of which every chain has all entries.
    settled: AtomicI64,
    /// How many wait for the next commit.
    waiting: AtomicUsize,
    arrivals: Mutex<()>,
    arrived: Condvar,
    open_bytes: AtomicU64,
    /// Rows of the largest open segment, when it last grew.
    largest_open_rows: AtomicU32,
    damage: Vec<Damage>,
    /// Chains that take no entries and are left as they are, with the oldest journal file that has anything of them.
    read_only: BTreeMap<Box<str>, Option<u64>>,
}

/// One chain.
pub struct Chain {
    service: Box<str>,
    parts: RwLock<Parts>,
}

/// What an open segment holds on to.
pub(crate) struct OpenPin {
    pub service: Box<str>,
    /// The oldest journal file with an entry of it.
    pub oldest_journal: u64,
    pub rows: u32,
    /// Memory that it takes, about.
    pub bytes: u64,
}

/// Where a chain's entries are.
#[derive(Default)]
pub(crate) struct Parts {
    /// Sealed segments, by position.
    pub sealed: Vec<Arc<Segment>>,
    /// What is behind them.
    pub open: OpenSegment,
}

impl View {
    pub(crate) fn new() -> View {
        View {
            chains: RwLock::default(),
            names: Names::default(),
            newest: AtomicI64::new(i64::MIN),
            settled: AtomicI64::new(i64::MIN),
            waiting: AtomicUsize::new(0),
            arrivals: Mutex::new(()),
            arrived: Condvar::new(),
            open_bytes: AtomicU64::new(0),
            largest_open_rows: AtomicU32::new(0),
            damage: Vec::new(),
            read_only: BTreeMap::new(),
        }
    }

    /// From here on a chain is only read: what it has in memory is neither sealed nor carried nor counted, and its
    /// segments are not merged.
    pub(crate) fn set_read_only(&mut self, service: &str, oldest_journal: Option<u64>) {
        self.read_only.insert(service.into(), oldest_journal);
        let pins = self.open_pins();
        *self.open_bytes.get_mut() = pins.iter().map(|pin| pin.bytes).sum();
        *self.largest_open_rows.get_mut() = pins.iter().map(|pin| pin.rows).max().unwrap_or(0);
    }

    /// The oldest journal file that has anything of a chain that is only read.
    pub(crate) fn oldest_journal_of_read_only(&self) -> Option<u64> {
        self.read_only.values().flatten().min().copied()
    }

    /// Services that can be read and not written, by name: something of them does not read back.
    pub fn read_only(&self) -> impl Iterator<Item = &str> {
        self.read_only.keys().map(|service| &**service)
    }

    /// All chains but those that are only read, by service.
    pub(crate) fn writable_chains(&self) -> Vec<Arc<Chain>> {
        let chains = self.chains.read();
        let writable = chains.iter().filter(|(service, _)| !self.read_only.contains_key(&**service));
        writable.map(|(_, chain)| Arc::clone(chain)).collect()
    }

    pub(crate) fn set_damage(&mut self, damage: Vec<Damage>) {
        self.damage = damage;
    }

    /// What of the store does not read back: entries that lie there are in no scan.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The newest commit time, if there is any entry.
    pub fn newest(&self) -> Option<Timestamp> {
        let newest = self.newest.load(Ordering::Acquire);
        (newest != i64::MIN).then(|| Timestamp::from_nanos(newest))
    }

    /// The newest commit time whose entries, of all chains, were published: what a reader may see of all chains at once.
    /// None if nothing was.
    pub fn settled(&self) -> Option<Timestamp> {
        let settled = self.settled.load(Ordering::Acquire);
        (settled != i64::MIN).then(|| Timestamp::from_nanos(settled))
    }

    /// Notes that everything that was committed by then is published.
    pub(crate) fn settle(&self, logged_at: i64) {
        self.settled.fetch_max(logged_at, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _waiting = self.arrivals.lock();
            self.arrived.notify_all();
        }
    }

    /// Waits until anything was committed behind a time, or until `most` passed; says whether anything was.
    pub fn wait_behind(&self, logged_at: Option<Timestamp>, most: Duration) -> bool {
        let has_more = || self.settled() > logged_at;
        if has_more() {
            return true;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut waiting = self.arrivals.lock();
        // Who settles after this was looked at takes the lock, and so tells it that waits.
        if !has_more() {
            self.arrived.wait_for(&mut waiting, most);
        }
        drop(waiting);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        has_more()
    }

    /// Notes that everything that is there is published.
    pub(crate) fn settle_all(&self) {
        self.settle(self.newest.load(Ordering::Acquire));
    }

    /// All chains, by service.
    pub fn chains(&self) -> Vec<Arc<Chain>> {
        self.chains.read().values().cloned().collect()
    }

    pub(crate) fn chain(&self, service: &str) -> Option<Arc<Chain>> {
        self.chains.read().get(service).cloned()
    }

    fn chain_or_begin(&self, service: &str) -> Arc<Chain> {
        self.chain(service).unwrap_or_else(|| {
            let chain = Arc::new(Chain { service: service.into(), parts: RwLock::default() });
            self.chains.write().insert(service.into(), Arc::clone(&chain));
            chain
        })
    }

    /// Adds a sealed segment at the end of its chain, before anything is published.
    pub(crate) fn add_sealed(&self, segment: Arc<Segment>) {
        let newest = segment.footer().logged_at.1;
        let chain = self.chain_or_begin(&segment.footer().service);
        chain.parts.write().sealed.push(segment);
        self.newest.fetch_max(newest, Ordering::Release);
    }

    /// Adds the entries of a part that was committed at a time. `hints` are theirs, in order, where the caller has
    /// them; else records tell. What is sealed already is left out. `journal` is the file that it is in.
    pub(crate) fn publish(&self, journal: u64, logged_at: i64, part: &Part<'_>, hints: Option<&[RowHint]>) {
        let chain = self.chain_or_begin(part.service);
        let mut parts = chain.parts.write();
        let before = parts.open.memory_bytes();
        let sealed = usize::try_from(parts.sealed_end().saturating_sub(part.first_seq)).unwrap_or(usize::MAX);
        match sealed {
            0 => parts.open.push(&self.names, journal, logged_at, part, hints),
            // A segment may end inside a part.
            _ if sealed < part.rows.len() => {
                let hints = hints.and_then(|own| own.get(sealed..));
                parts.open.push(&self.names, journal, logged_at, &part.behind(sealed), hints);
            }
            _ => {}
        }
        self.open_bytes.fetch_add(parts.open.memory_bytes() - before, Ordering::Relaxed);
        self.largest_open_rows.fetch_max(parts.open.row_count(), Ordering::Relaxed);
        self.newest.fetch_max(logged_at, Ordering::Release);
    }

    /// Memory that open segments take, about.
    pub(crate) fn open_bytes(&self) -> u64 {
        self.open_bytes.load(Ordering::Relaxed)
    }

    /// Rows of the largest open segment.
    pub(crate) fn largest_open_rows(&self) -> u32 {
        self.largest_open_rows.load(Ordering::Relaxed)
    }

    /// Every open segment with a row, by service, but for those of chains that are only read.
    pub(crate) fn open_pins(&self) -> Vec<OpenPin> {
        let chains = self.chains.read();
        let writable = chains.iter().filter(|(service, _)| !self.read_only.contains_key(&**service));
        let pins = writable.filter_map(|(service, chain)| {
            let parts = chain.parts.read();
            Some(OpenPin {
                service: service.clone(),
                oldest_journal: parts.open.oldest_journal()?,
                rows: parts.open.row_count(),
                bytes: parts.open.memory_bytes(),
            })
        });
        pins.collect()
    }

    /// Lines with rows in a chain's open segment that a salt key from before it salts.
    pub(crate) fn lines_without_key(&self, service: &str) -> BTreeSet<u32> {
        self.chain(service).map_or_else(BTreeSet::new, |chain| chain.parts.read().open.lines_without_key())
    }

    /// Position behind a chain's newest entry.
    pub(crate) fn chain_size(&self, service: &str) -> u64 {
        self.chain(service).map_or(0, |chain| chain.size())
    }

    /// Notes that entries of an open segment up to a position lie in a newer journal file too.
    pub(crate) fn moved_to(&self, service: &str, journal: u64, end_seq: u64) {
        if let Some(chain) = self.chain(service) {
            chain.parts.write().open.moved_to(journal, end_seq);
        }
    }

    /// Takes the first rows of a chain's open segment out and their sealed segment in, in one step: whoever reads under
    /// the chain's lock sees each entry once.
    pub(crate) fn seal(&self, service: &str, segment: Arc<Segment>) {
        let Some(chain) = self.chain(service) else { return };
        let mut parts = chain.parts.write();
        let before = parts.open.memory_bytes();
        parts.sealed.push(segment);
        let rows = parts.open.rows_from(parts.sealed_end());
        parts.open.release(rows);
        self.open_bytes.fetch_sub(before - parts.open.memory_bytes(), Ordering::Relaxed);
        drop(parts);
        let largest = self.open_pins().iter().map(|pin| pin.rows).max();
        self.largest_open_rows.store(largest.unwrap_or(0), Ordering::Relaxed);
    }

    /// Puts a segment in the place of those whose entries it holds.
    pub(crate) fn replace_sealed(&self, service: &str, segment: Arc<Segment>) {
        let Some(chain) = self.chain(service) else { return };
        let (first, end) = (segment.footer().first_seq, segment.footer().end_seq());
        let mut parts = chain.parts.write();
        let from = parts.sealed.partition_point(|own| own.footer().first_seq < first);
        let to = parts.sealed.partition_point(|own| own.footer().first_seq < end);
        parts.sealed.splice(from..to, [segment]);
    }

    /// The first `count` rows of a chain's open segment, to be sealed.
    pub(crate) fn freeze(&self, service: &str, count: u32) -> Option<Frozen> {
        let chain = self.chain(service)?;
        let mut parts = chain.parts.write();
        let count = count.min(parts.open.row_count());
        Some(parts.open.freeze(count))
    }

    /// The leaf of a chain's newest entry, with its position; none if it has none that reads.
    pub fn head(&self, service: &str) -> Option<(u64, Hash)> {
        let last = self.chain_size(service).checked_sub(1)?;
        Some((last, self.leaf(service, last)?))
    }

    /// The leaf of an entry; none if there is no such entry or it does not read.
    pub(crate) fn leaf(&self, service: &str, seq: u64) -> Option<Hash> {
        let chain = self.chain(service)?;
        let parts = chain.parts.read();
        match parts.segment_at(seq) {
            Some(segment) => segment.read(|view| view.leaf(seq)).ok(),
            None => parts.open.leaf(seq),
        }
    }
}

impl Parts {
    /// Position behind the last sealed entry.
    pub fn sealed_end(&self) -> u64 {
        self.sealed.last().map_or(0, |segment| segment.footer().end_seq())
    }

    /// The sealed segment that holds a position.
    pub fn segment_at(&self, seq: u64) -> Option<&Arc<Segment>> {
        let at = self.sealed.partition_point(|segment| segment.footer().first_seq <= seq).checked_sub(1)?;
        self.sealed.get(at).filter(|segment| seq < segment.footer().end_seq())
    }
}

impl Chain {
    /// The chain's service.
    pub fn service(&self) -> &str {
        &self.service
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Parts) -> T) -> T {
        read(&self.parts.read())
    }

    /// Entries that read back, and those of sealed segments.
    pub fn entry_count(&self) -> u64 {
        self.read(|parts| {
            let sealed: u64 = parts.sealed.iter().map(|own| u64::from(own.footer().entry_count)).sum();
            sealed + u64::from(parts.open.row_count())
        })
    }

    /// Tenants with their numbers of entries, by name.
    ///
    /// # Errors
    /// A segment whose tenant table does not read.
    pub fn tenant_counts(&self) -> Result<BTreeMap<Box<str>, u64>, SegmentError> {
        let mut counts: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let sealed = self.read(|parts| {
            parts.open.tenant_counts().filter(|(_, count)| *count > 0).for_each(|(tenant, count)| {
                counts.insert(tenant.into(), count);
            });
            parts.sealed.clone()
        });
        for segment in sealed {
            segment.read(|view| {
                for row in view.tenants()? {
                    let count = row.closing.size - row.opening.size;
                    *counts.entry(row.tenant.as_str().into()).or_default() += count;
                }
                Ok::<_, SegmentError>(())
            })?;
        }
        Ok(counts)
    }

    /// Numbers of entries by severity class, lowest first.
    pub fn severity_counts(&self) -> [u64; Severity::ALL.len()] {
        self.read(|parts| {
            let mut counts = *parts.open.severity_counts();
            for segment in &parts.sealed {
                let sealed = segment.footer().severity_counts;
                counts.iter_mut().zip(sealed).for_each(|(count, sealed)| *count += u64::from(sealed));
            }
            counts
        })
    }

    /// First and last commit time.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.read(|parts| {
            let sealed = parts.sealed.first().zip(parts.sealed.last()).map(|(first, last)| {
                let (first, last) = (first.footer().logged_at.0, last.footer().logged_at.1);
                (Timestamp::from_nanos(first), Timestamp::from_nanos(last))
            });
            match (sealed, parts.open.span()) {
                (Some((first, _)), Some((_, last))) => Some((first, last)),
                (span, None) | (None, span) => span,
            }
        })
    }

    /// Bytes of the records, as they are hashed.
    pub fn record_bytes(&self) -> u64 {
        self.read(|parts| {
            let sealed: u64 = parts.sealed.iter().map(|own| own.footer().record_bytes).sum();
            sealed + parts.open.record_bytes()
        })
    }

    /// The sealed segments, by position.
    pub fn segments(&self) -> Vec<Arc<Segment>> {
        self.read(|parts| parts.sealed.clone())
    }

    /// Position after the newest entry.
    pub fn size(&self) -> u64 {
        self.read(|parts| parts.open.end_seq().unwrap_or(parts.sealed_end()))
    }
}
