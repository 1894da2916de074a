//! Files that entries name: stored once a tenant, told of in the record, held against their hash, gone when nobody names
//! them.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::artifact::{self, PutError, Stored};
use sealog_engine::batch::Batch;
use sealog_engine::disk::{Access, Disk, read_full};
use sealog_engine::format::record;
use sealog_engine::limits;
use sealog_engine::model::{Artifact, Entry};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Order, Query, Scope};
use sealog_engine::store::{Bounds, Options, Store};
use sealog_engine::verify::{Problem, ProblemKind, VerifyOptions, verify};
use sealog_tests::sample;
use sealog_tests::simulation::clock::SimulatedClock;
use sealog_tests::simulation::disk::{Act, Effect, Fault, Moment, SimulatedDisk};
use std::io::{self, Read};
use std::sync::Arc;

const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;
const REPORT: &[u8] = b"year,mailboxes\n2026,512\n";

fn open(disk: &SimulatedDisk, seed: u64, clock: &Arc<SimulatedClock>) -> Store {
    let bounds = Bounds { segment_rows_aim: 20, seal_rows_min: 4, ..Bounds::default() };
    let options = Options { bounds, clock: Arc::clone(clock) as _, ..sample::options(seed) };
    Store::open_on(Arc::new(disk.clone()), options).unwrap()
}

fn append(store: &Store, tenant: &str, names: &[Option<&Stored>]) {
    let mut batch = Batch::new();
    for stored in names {
        let artifact = stored.map(|stored| Artifact {
            sha256: stored.sha256,
            name: "usage.csv".into(),
            media_type: "text/csv".into(),
            size: Some(stored.size),
        });
        batch.push(&Entry { artifact, ..sample::entry("reports", tenant, 0) }).unwrap();
    }
    store.append(batch).unwrap();
}

/// Of every entry of a store, whether its record says that the store had its artifact.
fn held(disk: &SimulatedDisk) -> Vec<bool> {
    let reader = Reader::open_on(disk).unwrap();
    let query = Query { order: Order::Ascending, ..Query::default() };
    reader
        .scan(&Scope::everything(), &query)
        .map(|hit| record::decode(hit.record()).unwrap().artifact_held)
        .collect()
}

fn problems(disk: &SimulatedDisk) -> Vec<Problem> {
    let report = verify(disk, &VerifyOptions::default(), |_| {}).unwrap();
    report.all_problems().cloned().collect()
}

#[test]
fn a_file_is_stored_once_a_tenant_and_an_entry_behind_it_says_so() {
    let (disk, clock) = (SimulatedDisk::new(1), Arc::new(SimulatedClock::default()));
    let store = open(&disk, 1, &clock);
    let stored = store.put_artifact("acme", &mut &REPORT[..]).unwrap();
    assert_eq!(stored, store.put_artifact("acme", &mut &REPORT[..]).unwrap());
    assert_eq!((stored.size, REPORT.len()), (24, 24));
    // Nobody else's: not read, and not told of.
    assert!(store.open_artifact("globex", &stored.sha256).unwrap().is_none());
    append(&store, "globex", &[Some(&stored), None]);
    append(&store, "acme", &[Some(&stored), None]);
    let opened = store.open_artifact("acme", &stored.sha256).unwrap().unwrap();
    let mut bytes = vec![0; 100];
    assert_eq!((read_full(&*opened.file, &mut bytes, 0).unwrap(), opened.length), (24, 24));
    assert_eq!(&bytes[..24], REPORT);
    store.close().unwrap();
    assert_eq!(held(&disk), [false, false, true, false]);
    assert_eq!(problems(&disk), []);
    let names = disk.list(&artifact::directory("acme")).unwrap();
    assert_eq!(names.iter().filter(|name| !name.ends_with(".new")).count(), 1, "{names:?}");
}

#[test]
fn verification_names_a_file_that_is_altered_or_missing_in_the_journal_and_in_segments() {
    for is_sealed in [false, true] {
        let (disk, clock) = (SimulatedDisk::new(2), Arc::new(SimulatedClock::default()));
        let store = open(&disk, 2, &clock);
        let stored = store.put_artifact("acme", &mut &REPORT[..]).unwrap();
        append(&store, "acme", &[None, Some(&stored), None, Some(&stored)]);
        if is_sealed {
            append(&store, "acme", &[None; 40]);
            store.seal_due().unwrap();
        }
        store.close().unwrap();
        let path = artifact::path("acme", &stored.sha256);
        assert_eq!(problems(&disk), []);
        for (damage, text) in [(Some(b"year,mailboxes\n2026,513\n"), "altered"), (None, "missing")] {
            match damage {
                Some(bytes) => disk.put(&path, bytes),
                None => disk.erase(&path),
            }
            let found = problems(&disk);
            let places: Vec<(ProblemKind, Option<u64>)> =
                found.iter().map(|problem| (problem.kind, problem.first_seq)).collect();
            let owed = [(ProblemKind::Artifact, Some(1)), (ProblemKind::Artifact, Some(3))];
            // Where the journal still holds what is sealed, both are told of.
            assert!(places.len() >= 2 && places.iter().all(|own| owed.contains(own)), "{found:?}");
            assert!(owed.iter().all(|own| places.contains(own)), "{found:?}");
            assert!(found[0].detail.contains(text) && found[0].detail.contains(&path), "{found:?}");
        }
    }
}

#[test]
fn a_file_that_no_entry_names_for_a_day_goes_and_one_that_is_named_stays() {
    let (disk, clock) = (SimulatedDisk::new(3), Arc::new(SimulatedClock::default()));
    let store = open(&disk, 3, &clock);
    let [named, unnamed, late] =
        ["named", "unnamed", "late"].map(|text| store.put_artifact("acme", &mut text.as_bytes()).unwrap());
    // The same bytes, that another tenant names.
    append(&store, "globex", &[Some(&unnamed)]);
    append(&store, "acme", &[Some(&named)]);
    clock.pass(DAY_NS - 1);
    assert_eq!(store.sweep_artifacts().unwrap(), 0);
    // About to be named, it stays for another day.
    append(&store, "acme", &[Some(&late)]);
    clock.pass(2);
    assert_eq!(store.sweep_artifacts().unwrap(), 1);
    let is_there =
        |store: &Store, stored: &Stored| store.open_artifact("acme", &stored.sha256).unwrap().is_some();
    assert_eq!([&named, &unnamed, &late].map(|stored| is_there(&store, stored)), [true, false, true]);
    clock.pass(DAY_NS);
    assert_eq!(store.sweep_artifacts().unwrap(), 0);
    assert_eq!([&named, &late].map(|stored| is_there(&store, stored)), [true, true]);
    // Nothing is left that would have to be looked at again.
    let names = disk.list(&artifact::directory("acme")).unwrap();
    assert_eq!(names.len(), 2, "{names:?}");
    store.close().unwrap();
    assert_eq!(problems(&disk), []);
}

/// Gives some bytes, then fails.
struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.min(buffer.len());
        self.0 -= count;
        if count == 0 { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(count) }
    }
}

#[test]
fn what_is_too_large_or_breaks_off_leaves_nothing() {
    let (disk, clock) = (SimulatedDisk::new(4), Arc::new(SimulatedClock::default()));
    let store = open(&disk, 4, &clock);
    let refused = store.put_artifact("acme", &mut Broken(1 << 20)).unwrap_err();
    assert!(matches!(refused, PutError::Source(_)), "{refused}");
    let large = &mut io::repeat(7).take(limits::ARTIFACT_BYTES_MAX + 1);
    let refused = store.put_artifact("acme", large).unwrap_err();
    assert_eq!(refused.to_string(), "expected a file of at most 67108864 bytes, found more");
    assert_eq!(disk.list(&artifact::directory("acme")).unwrap(), Vec::<String>::new());
    disk.fill(Some("artifacts"));
    let refused = store.put_artifact("acme", &mut &REPORT[..]).unwrap_err();
    assert!(matches!(refused, PutError::Store(_)), "{refused}");
    disk.fill(None);
    assert_eq!(disk.list(&artifact::directory("acme")).unwrap(), Vec::<String>::new());
    // An upload that a crash left goes at the next start.
    let left = format!("{}/0011223344556677.upload", artifact::directory("acme"));
    disk.put(&left, b"half");
    drop(store);
    drop(open(&disk, 5, &clock));
    assert!(disk.open(&left, Access::Read).is_err());
}

#[test]
fn a_power_cut_at_any_step_of_storing_and_naming_leaves_no_entry_without_its_file() {
    for step in 0.. {
        for effect in Effect::ALL {
            let (disk, clock) = (SimulatedDisk::new(6), Arc::new(SimulatedClock::default()));
            let store = open(&disk, 6, &clock);
            disk.plan(&[Fault { at: Moment::Change(step), effect, act: Act::Die }]);
            if let Ok(stored) = store.put_artifact("acme", &mut &REPORT[..]) {
                append_if_alive(&store, &stored);
            }
            if !disk.is_dead() {
                assert!(step > 8, "only {step} steps");
                return;
            }
            let after = disk.power_cut();
            drop(store);
            assert_eq!(problems(&after), [], "step {step}, {effect:?}");
            drop(open(&after, 7, &clock));
            assert_eq!(problems(&after), [], "step {step}, {effect:?}, opened again");
        }
    }
}

fn append_if_alive(store: &Store, stored: &Stored) {
    let mut batch = Batch::new();
    let artifact =
        Artifact { sha256: stored.sha256, name: "".into(), media_type: "".into(), size: Some(stored.size) };
    batch.push(&Entry { artifact: Some(artifact), ..sample::entry("reports", "acme", 0) }).unwrap();
    // Refused where the power goes.
    let _ = store.append(batch);
}
