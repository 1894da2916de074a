//! Drives one store on a simulated disk through steps, restarts and crashes, and lets the oracle judge after each.
//!
//! A step may fail only where a fault struck. What a failed append means follows from its error alone, as for any
//! producer: `Poisoned` is unknown, every other error is a refusal.

use super::clock::{SimulatedClock, SimulatedEntropy};
use super::disk::SimulatedDisk;
use super::model::{self, Model, Owed, Sending};
use super::random::Random;
use sealog_engine::error::Error;
use sealog_engine::process::ProcessBounds;
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Query, Scope};
use sealog_engine::segment;
use sealog_engine::store::{Background, Bounds, CompactionExtent, Options, Store};
use sealog_engine::verify::{Report, VerifyOptions, verify};
use std::ops::Range;
use std::sync::Arc;

/// How a machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The process is killed; memory stays.
    Kill,
    /// The power goes.
    PowerCut,
}

/// What became of opening a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is open, and the oracle agrees.
    Yes,
    /// A fault struck, and the store said so.
    Failed,
    /// The process died.
    Died,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Runs.
    pub runs: u64,
    /// Power cuts.
    pub power_cuts: u64,
    /// Processes killed with the machine going on.
    pub kills: u64,
    /// Of both, those while a store was being opened: recovery from a crash during recovery.
    pub during_recovery: u64,
    /// Errors that operations gave, a full disk included.
    pub faults: u64,
    /// Stores opened.
    pub opened: u64,
    /// Whole verifications.
    pub verified: u64,
    /// Batches sent.
    pub batches: u64,
    /// Entries acknowledged. Each was found at its place after every restart, or the run failed.
    pub acknowledged: u64,
    /// Batches of which nobody knew.
    pub unknown: u64,
    /// Bytes of torn tails that opening cut.
    pub torn_bytes: u64,
    /// Runs that began a second journal file.
    pub rotations: u64,
    /// Segments at the end of a run.
    pub segments: u64,
    /// Runs at whose end the first journal file was gone.
    pub trimmed: u64,
}

impl Figures {
    /// Adds another's.
    pub fn add(&mut self, other: &Figures) {
        let Figures { runs, power_cuts, kills, during_recovery, faults, opened, .. } = other;
        self.runs += runs;
        self.power_cuts += power_cuts;
        self.kills += kills;
        self.during_recovery += during_recovery;
        self.faults += faults;
        self.opened += opened;
        self.verified += other.verified;
        self.batches += other.batches;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.torn_bytes += other.torn_bytes;
        self.rotations += other.rotations;
        self.segments += other.segments;
        self.trimmed += other.trimmed;
    }
}

/// One store, its disk, its clocks and its oracle.
pub struct Driver {
    /// The disk of the process that runs now.
    pub disk: SimulatedDisk,
    /// Its clocks.
    pub clock: Arc<SimulatedClock>,
    /// What must be there.
    pub model: Model,
    /// What happened.
    pub figures: Figures,
    /// The operations that a script is about, if not all.
    pub about: Option<Range<u64>>,
    entropy: Arc<SimulatedEntropy>,
    store: Option<Store>,
    is_poisoned: bool,
    faults_before: u64,
    /// When entries leave memory and the journal: in most stories after a few of them.
    bounds: Bounds,
}

/// Bounds that make a handful of entries go through what millions would, or the real ones.
fn bounds(random: &mut Random) -> Bounds {
    if random.chance(64) {
        return Bounds::default();
    }
    Bounds {
        segment_rows_aim: 1 + random.below(24) as u32,
        segment_rows_max: 1 + random.below(32) as u32,
        open_bytes_aim: 256 + random.below(16 << 10),
        open_bytes_max: 64 << 20,
        journal_file_bytes: 1024 + random.below(24 << 10),
        journal_files_aim: 1 + random.below(3),
        seal_rows_min: 1 + random.below(8) as u32,
        journal_stop_bytes: random.below(8 << 10),
        processes: ProcessBounds::USUAL,
    }
}

impl Driver {
    /// A driver of an empty disk.
    pub fn new(seed: u64) -> Driver {
        Driver::on(SimulatedDisk::new(seed), Model::default(), seed)
    }

    /// A driver of a disk whose store the model knows.
    pub fn on(disk: SimulatedDisk, model: Model, seed: u64) -> Driver {
        Driver {
            disk,
            clock: Arc::default(),
            model,
            figures: Figures::default(),
            about: None,
            entropy: Arc::new(SimulatedEntropy::new(Random::new(!seed))),
            store: None,
            is_poisoned: false,
            faults_before: 0,
            bounds: bounds(&mut Random::new(seed ^ 0xb0)),
        }
    }

    /// With bounds of the story's own.
    pub fn with_bounds(mut self, bounds: Bounds) -> Driver {
        self.bounds = bounds;
        self
    }

    /// Leaves everything in the journal and in memory.
    pub fn without_sealing(self) -> Driver {
        self.with_bounds(Driver::without_sealing_bounds())
    }

    /// Bounds that leave everything in the journal and in memory, as a store of ordinary size does while it is open.
    pub fn without_sealing_bounds() -> Bounds {
        Bounds {
            seal_rows_min: u32::MAX,
            journal_stop_bytes: u64::MAX,
            journal_files_aim: u64::MAX,
            ..Bounds::default()
        }
    }

    /// How the store is opened: everything that could differ between two runs of one seed is simulated.
    pub fn options(&self) -> Options {
        Options {
            instance: "sealog@simulation".to_owned(),
            background: Background::Inline,
            bounds: self.bounds,
            clock: Arc::clone(&self.clock) as _,
            entropy: Arc::clone(&self.entropy) as _,
            ..Options::default()
        }
    }

    /// The store, if it is open.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Whether the store takes nothing any more until a restart.
    pub fn is_poisoned(&self) -> bool {
        self.is_poisoned
    }

    /// Opens the store and settles what was unknown.
    pub fn open(&mut self) -> Opened {
        assert!(self.store.is_none(), "one process opens a store once");
        self.disk.note(|| "open the store".to_owned());
        let fired = self.disk.fired();
        match Store::open_on(Arc::new(self.disk.clone()), self.options()) {
            Ok(store) => {
                self.figures.opened += 1;
                self.figures.torn_bytes += store.torn_bytes();
                self.model.settle(&model::show_all(store.view()));
                self.store = Some(store);
                self.is_poisoned = false;
                Opened::Yes
            }
            Err(_) if self.disk.is_dead() => {
                self.figures.during_recovery += 1;
                Opened::Died
            }
            Err(error) => {
                assert!(self.disk.fired() > fired, "the store does not open, and no fault struck: {error}");
                assert!(
                    matches!(error, Error::Io { .. } | Error::Full { .. }),
                    "a fault is no damage: {error}"
                );
                Opened::Failed
            }
        }
    }

    /// Opens the store where nothing fails.
    pub fn open_whole(&mut self) {
        self.disk.plan(&[]);
        self.disk.limit(None);
        assert_eq!(self.open(), Opened::Yes);
    }

    /// Sends a batch and notes what its producer was told.
    pub fn append(&mut self, sending: &Sending) {
        let Some(store) = &self.store else { return };
        self.figures.batches += 1;
        let owed = self.model.owed(sending);
        self.disk.note(|| format!("append {sending:?}, owed {owed:?}"));
        let fired = self.disk.fired();
        let result = store.append(self.model.batch(sending));
        let has_struck = self.disk.fired() > fired;
        // What an append seals behind its acknowledgement may fail too, and the next one is told.
        let has_struck_before = fired > self.faults_before;
        match result {
            Ok(receipts) => {
                assert!(!self.is_poisoned, "a poisoned store acknowledged {receipts:?}");
                self.model.acknowledge(sending, &owed, &receipts);
            }
            // Nobody was told anything.
            Err(_) if self.disk.is_dead() => self.lose_sight(sending, &owed),
            Err(Error::Poisoned { .. }) => {
                let is_known = self.is_poisoned || has_struck || has_struck_before;
                assert!(is_known, "poisoned, and no fault struck");
                if !self.is_poisoned {
                    self.lose_sight(sending, &owed);
                }
                self.is_poisoned = true;
            }
            Err(Error::Conflict { .. }) => {
                assert!(matches!(owed, Owed::Conflict), "a conflict with nothing: {sending:?}");
            }
            Err(error) => {
                assert!(matches!(error, Error::Io { .. } | Error::Full { .. }), "{error}");
                assert!(!self.is_poisoned && has_struck, "refused, and no fault struck: {error}");
            }
        }
        self.disk.note(|| "appended".to_owned());
    }

    fn lose_sight(&mut self, sending: &Sending, owed: &Owed) {
        self.figures.unknown += 1;
        self.model.lose_sight(sending, owed);
    }

    /// Commits `heads`, at once or if they are due.
    pub fn heads(&mut self, is_due_only: bool) {
        let Some(store) = &self.store else { return };
        self.disk.note(|| "heads".to_owned());
        let result = if is_due_only { store.tick() } else { store.commit_heads() };
        if let Err(error) = result {
            let struck = self.disk.fired() > self.faults_before || self.is_poisoned || self.disk.is_dead();
            assert!(struck, "heads failed, and no fault struck: {error}");
            self.is_poisoned |= matches!(error, Error::Poisoned { .. });
        }
    }

    /// Merges sealed segments.
    pub fn compact(&mut self, extent: CompactionExtent) {
        let Some(store) = &self.store else { return };
        self.disk.note(|| "compact".to_owned());
        if let Err(error) = store.compact(extent, |_| {}) {
            let struck = self.disk.fired() > self.faults_before || self.is_poisoned || self.disk.is_dead();
            assert!(struck, "not compacted, and no fault struck: {error}");
            assert!(!matches!(error, Error::Damaged { .. }), "a fault is no damage: {error}");
        }
    }

    /// Stops cleanly. A stop that succeeds leaves nothing torn.
    pub fn close(&mut self) {
        let Some(store) = self.store.take() else { return };
        self.disk.note(|| "close".to_owned());
        match store.close() {
            Ok(()) => {
                let report = self.verify();
                assert_eq!(report.map_or(0, |report| report.torn_bytes), 0, "torn after a clean stop");
            }
            Err(error) => {
                // A fault behind an acknowledgement is told at the next occasion.
                let struck =
                    self.disk.fired() > self.faults_before || self.is_poisoned || self.disk.is_dead();
                assert!(struck, "not closed, and no fault struck: {error}");
            }
        }
        self.is_poisoned = false;
    }

    /// Ends the process and gives the next one its disk. What the dead one's destructors do has no effect.
    pub fn stop(&mut self, stop: Stop) {
        let next = match stop {
            Stop::Kill => {
                self.figures.kills += 1;
                self.disk.kill()
            }
            Stop::PowerCut => {
                self.figures.power_cuts += 1;
                self.clock.restart(5_000_000_000);
                self.disk.power_cut()
            }
        };
        self.store = None;
        self.is_poisoned = false;
        self.note_faults();
        self.faults_before = 0;
        self.disk = next;
    }

    /// Counts the faults of this process.
    pub fn note_faults(&mut self) {
        let fired = self.disk.fired();
        self.figures.faults += fired - self.faults_before;
        self.faults_before = fired;
    }

    /// Verifies what is on the disk now, beside whoever writes it. None if there is no store yet.
    pub fn verify(&mut self) -> Option<Report> {
        self.figures.verified += 1;
        match verify(&self.disk.observer(), &VerifyOptions::default(), |_| {}) {
            Ok(report) => {
                self.model.check_report(&report);
                Some(report)
            }
            Err(Error::NotAStore { .. }) => {
                assert!(!self.model.owes_entries(), "STORE is gone, and entries with it");
                None
            }
            Err(error) => panic!("verification could not be done: {error}"),
        }
    }

    /// Sealed segments on the disk now.
    pub fn segments(&self) -> u64 {
        let disk = self.disk.observer();
        let services = segment::services(&disk).unwrap();
        services.iter().map(|service| segment::list(&disk, service).unwrap().segments.len() as u64).sum()
    }

    /// Reads the store without its lock, and holds it against the model.
    pub fn read_beside(&self) {
        match Reader::open_on(&self.disk.observer()) {
            Ok(reader) => {
                assert_eq!(reader.view().damage(), [], "a reader met damage");
                self.model.check(&model::show_all(reader.view()));
            }
            Err(Error::NotAStore { .. }) => assert!(!self.model.owes_entries(), "STORE is gone"),
            Err(error) => panic!("a reader could not read: {error}"),
        }
    }

    /// Scans the open store with any query, and holds the answer against a plain walk over everything.
    pub fn scan(&self, scope: &Scope, query: &Query) {
        let Some(store) = &self.store else { return };
        let all = model::show_all(store.view());
        self.model.check(&all);
        let found = model::show(store.view(), scope, query);
        assert_eq!(model::places(&found), model::narrow(&all, scope, query), "{scope:?} {query:?}");
    }
}
