//! Segments that are damaged, missing or misplaced: their chain is read-only, every other goes on, and the file in its
//! place again makes all of it whole.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails as a test does")]

use sealog_engine::batch::Batch;
use sealog_engine::disk::Disk;
use sealog_engine::error::Error;
use sealog_engine::format::ends;
use sealog_engine::model::Entry;
use sealog_engine::process::ProcessBounds;
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Query, Scope};
use sealog_engine::segment;
use sealog_engine::store::{Bounds, CompactionExtent, Options, Store};
use sealog_engine::verify::{ProblemKind, Report, VerifyOptions, verify};
use sealog_engine::view::View;
use sealog_tests::flip::problems;
use sealog_tests::sample;
use sealog_tests::simulation::disk::SimulatedDisk;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SERVICES: [&str; 3] = ["billing", "portal", "vault"];

const SMALL: Bounds = Bounds {
    segment_rows_aim: 40,
    segment_rows_max: 64,
    open_bytes_aim: 24 << 10,
    open_bytes_max: 1 << 20,
    journal_file_bytes: 12 << 10,
    journal_files_aim: 2,
    seal_rows_min: 8,
    journal_stop_bytes: 2 << 10,
    processes: ProcessBounds::USUAL,
};

/// What is owed: message by place.
type Owed = BTreeMap<(String, u64), String>;

fn open(disk: &SimulatedDisk, seed: u64) -> Store {
    let options = Options { bounds: SMALL, ..sample::options(seed) };
    Store::open_on(Arc::new(disk.clone()), options).unwrap()
}

fn entry(service: &str, number: usize) -> Entry<'static> {
    // Some tenants have an entry now and then: not every segment has every line.
    let tenants = ["acme", "globex", "hooli", "initech"];
    let tenant = tenants[[0, 0, 1, 0, 0, 1, 2][number % 7] + usize::from(number % 97 == 96)];
    Entry { message: format!("number {number}").into(), ..sample::entry(service, tenant, 0) }
}

fn batch(entries: &[Entry<'_>]) -> Batch {
    let mut batch = Batch::new();
    entries.iter().for_each(|entry| batch.push(entry).unwrap());
    batch
}

fn append(store: &Store, owed: &mut Owed, entry: Entry<'static>) {
    let receipt = &store.append(batch(std::slice::from_ref(&entry))).unwrap()[0];
    owed.insert((entry.service.to_string(), receipt.first_seq), entry.message.to_string());
    store.seal_due().unwrap();
}

/// A store with segments of each chain and entries behind them.
fn filled(disk: &SimulatedDisk, owed: &mut Owed, count: usize) -> Store {
    let store = open(disk, 1);
    for number in 0..count {
        append(&store, owed, entry(SERVICES[[0, 0, 0, 1, 1, 2][number % 6]], number));
    }
    store
}

/// A store whose journal has let go of what is sealed, as a clean stop leaves it.
fn stopped() -> (SimulatedDisk, Owed) {
    let (disk, mut owed) = (SimulatedDisk::new(1), Owed::new());
    filled(&disk, &mut owed, 700).close().unwrap();
    let store = open(&disk, 2);
    (700..720).for_each(|number| append(&store, &mut owed, entry(SERVICES[number % 3], number)));
    store.close().unwrap();
    assert!(disk.bytes("journal/00000001.journal").is_none() && !ends_of(&disk).is_empty());
    (disk, owed)
}

/// A store whose process was killed.
fn killed() -> (SimulatedDisk, Owed) {
    let (disk, mut owed) = (SimulatedDisk::new(2), Owed::new());
    let store = filled(&disk, &mut owed, 700);
    let next = disk.power_cut();
    drop(store);
    (next, owed)
}

/// A store whose journal still has every entry.
fn untrimmed() -> (SimulatedDisk, Owed) {
    let (disk, mut owed) = (SimulatedDisk::new(3), Owed::new());
    let bounds = Bounds { journal_file_bytes: 64 << 20, ..SMALL };
    let options = Options { bounds, ..sample::options(1) };
    let store = Store::open_on(Arc::new(disk.clone()), options).unwrap();
    for number in 0..400 {
        append(&store, &mut owed, entry(SERVICES[[0, 0, 0, 1, 1, 2][number % 6]], number));
    }
    let next = disk.power_cut();
    drop(store);
    assert!(ends_of(&next).is_empty());
    (next, owed)
}

/// The files that say where chains end.
fn ends_of(disk: &SimulatedDisk) -> Vec<String> {
    let mut names = disk.list("state/ends").unwrap_or_default();
    names.retain(|name| !name.ends_with(".new"));
    names.sort();
    names.into_iter().map(|name| format!("state/ends/{name}")).collect()
}

#[test]
fn where_chains_end_is_written_as_far_as_it_changed() {
    let (disk, mut owed) = (SimulatedDisk::new(6), Owed::new());
    let store = filled(&disk, &mut owed, 400);
    let mut seen = BTreeSet::new();
    for number in 0..1_500 {
        append(&store, &mut owed, entry(SERVICES[number % 3], 10_000 + number));
        let files = ends_of(&disk);
        let Some(newest) = files.last().filter(|newest| seen.insert(String::clone(newest))) else { continue };
        let decoded = |path: &String| {
            let bytes = disk.bytes(path).unwrap();
            ends::decode(&bytes, bytes[8..].first_chunk().unwrap()).unwrap()
        };
        // One is whole, and all that is behind it changes.
        let mut known = BTreeMap::new();
        let all: Vec<_> = files.iter().map(decoded).collect();
        assert!(all[0].is_whole && all[1..].iter().all(|file| !file.is_whole), "{files:?}");
        all.into_iter().for_each(|file| ends::take_in(&mut known, file).unwrap());
        for (service, end) in &known {
            let sealed = store.view().chains().into_iter().find(|chain| chain.service() == &**service);
            let sizes: Vec<u64> =
                sealed.unwrap().segments().iter().map(|own| own.footer().end_seq()).collect();
            assert!(sizes.contains(&end.size), "{newest}: {service} at {} of {sizes:?}", end.size);
            let lines: u64 = end.lines.iter().map(|line| line.size).sum();
            assert_eq!(lines, end.size, "{newest}: the lines of {service}");
        }
    }
    let newest = ends_of(&disk);
    assert!(seen.len() > 3 && newest.len() < seen.len(), "{seen:?} became {newest:?}");
    // A file among them that is gone or does not read is told of; the next ones say all.
    store.close().unwrap();
    for (number, path) in ends_of(&disk).into_iter().enumerate() {
        let disk = disk.copy(0);
        if number % 2 == 0 {
            flip(&disk, &path, 9)
        } else {
            disk.erase(&path)
        }
        let is_newest = ends_of(&disk).last().is_none_or(|newest| *newest < path);
        let store = open(&disk, 8);
        assert_eq!(store.view().damage().len(), usize::from(!is_newest || number % 2 == 0), "{path}");
        let mut owed = owed.clone();
        for number in 0..300 {
            append(&store, &mut owed, entry(SERVICES[number % 3], 20_000 + number));
        }
        store.close().unwrap();
        let store = open(&disk, 9);
        assert_eq!(store.view().damage(), [], "{path}");
        assert_eq!(found(store.view()), owed, "{path}");
    }
}

fn paths(disk: &SimulatedDisk, service: &str) -> Vec<String> {
    let listed = segment::list(disk, service).unwrap().segments;
    listed.into_iter().map(|first| segment::path(service, first)).collect()
}

fn found(view: &View) -> Owed {
    let filter = Filter { services: SERVICES.map(str::to_owned).to_vec(), ..Filter::default() };
    let scan = view.scan(&Scope::everything(), &Query { filter, ..Query::default() });
    let mut all = Owed::new();
    for hit in scan {
        let entry = hit.committed().unwrap();
        let place = (entry.entry.service.to_string(), hit.seq());
        assert_eq!(all.insert(place, entry.entry.message.to_string()), None, "an entry twice");
    }
    all
}

fn report(disk: &SimulatedDisk) -> Report {
    verify(&disk.observer(), &VerifyOptions { all_heads: true, ..VerifyOptions::default() }, |_| {}).unwrap()
}

/// Of a service alone.
fn of<'o>(owed: &'o Owed, service: &str) -> impl Iterator<Item = (&'o u64, &'o String)> {
    owed.iter().filter(move |((own, _), _)| own == service).map(|((_, seq), message)| (seq, message))
}

/// Damages a store, uses it, and puts back what was changed. `named` are files that are told of, one at least of each
/// chain that is damaged.
fn goes_on_and_heals(
    (disk, mut owed): (SimulatedDisk, Owed),
    case: &str,
    damaged: &[&str],
    change: impl FnOnce(&SimulatedDisk) -> Vec<String>,
) {
    let whole = disk.copy(0);
    let named = change(&disk);
    let before = |service: &str| -> BTreeMap<String, Vec<u8>> {
        paths(&disk, service).into_iter().map(|path| (path.clone(), disk.bytes(&path).unwrap())).collect()
    };
    let kept: Vec<_> = SERVICES.iter().map(|service| before(service)).collect();
    let healthy: Vec<&str> = SERVICES.into_iter().filter(|service| !damaged.contains(service)).collect();

    for round in 0..2 {
        let store = open(&disk, 10 + round);
        assert_eq!(store.view().read_only().collect::<Vec<_>>(), damaged, "{case}");
        let told: BTreeSet<&str> = store.view().damage().iter().map(|damage| &*damage.file).collect();
        assert!(named.iter().all(|file| told.contains(&**file)), "{case}: {told:?} of {named:?}");

        for service in damaged {
            let refused = store.append(batch(&[entry(service, 0)])).unwrap_err();
            let Error::ChainDamaged { service: own, place, .. } = &refused else {
                panic!("{case}: {refused}")
            };
            assert!(own == service && named.iter().any(|file| place.ends_with(&**file)), "{case}: {refused}");
            let text = refused.to_string();
            assert!(text.contains("expected") && text.contains("found"), "{case}: {text}");
            assert!(text.contains("`sealog verify`") && text.contains("from a copy"), "{text}");
            // All of the batch, or nothing.
            let both = [entry(healthy[0], 1), entry(service, 2), entry("new.service", 3)];
            assert!(matches!(store.append(batch(&both)), Err(Error::ChainDamaged { .. })), "{case}");
            assert!(store.view().chains().iter().all(|chain| chain.service() != "new.service"), "{case}");
            // What reads is what was there.
            let read = found(store.view());
            assert!(
                of(&read, service).all(|(seq, message)| owed[&((*service).to_owned(), *seq)] == *message)
            );
        }
        for service in &healthy {
            let read = found(store.view());
            assert!(of(&read, service).eq(of(&owed, service)), "{case}: {service}");
        }
        for number in 0..240 {
            let mut own =
                entry(healthy[number % healthy.len()], if round == 0 { 1000 } else { 2000 } + number);
            if number % 80 == 79 {
                // Lines that begin meanwhile get slots of their own.
                own.tenant = format!("new-{round}-{number}").into();
            }
            append(&store, &mut owed, own);
            if number % 60 == 30 {
                store.commit_heads().unwrap();
            }
        }
        store.compact(CompactionExtent::Everything, |_| {}).unwrap();
        match round {
            0 => store.close().unwrap(),
            _ => drop(store),
        }
    }
    for (service, kept) in SERVICES.iter().zip(&kept) {
        if damaged.contains(service) {
            assert_eq!(before(service), *kept, "{case}: files of {service}");
        }
    }
    let reader = Reader::open_on(&disk).unwrap();
    let told: BTreeSet<&str> = reader.view().damage().iter().map(|damage| &*damage.file).collect();
    assert!(named.iter().all(|file| told.contains(&**file)), "{case}: a reader names {told:?}");
    let report_now = report(&disk);
    assert!(!report_now.valid, "{case}");
    // One loss is one finding, and nothing that follows from it is put down to others.
    let losses = [ProblemKind::Rollback, ProblemKind::ChainMissing, ProblemKind::SegmentMissing];
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for problem in report_now.all_problems() {
        let of_damaged = problem.service.as_deref().is_none_or(|service| damaged.contains(&service));
        assert!(of_damaged, "{case}: {:#?}", problems(&report_now));
        if losses.contains(&problem.kind) {
            *told.entry(problem.service.as_deref().unwrap_or_default()).or_default() += 1;
        }
    }
    assert!(told.values().all(|count| *count == 1), "{case}: {told:?} {:#?}", problems(&report_now));
    assert!(!case.contains("missing") || !told.is_empty(), "{case}: {:#?}", problems(&report_now));

    // The files come back, as they were.
    for service in damaged {
        paths(&disk, service).iter().for_each(|path| disk.erase(path));
        for path in paths(&whole, service) {
            disk.put(&path, &whole.bytes(&path).unwrap());
        }
    }
    let store = open(&disk, 20);
    assert_eq!(store.view().damage(), [], "{case}");
    assert_eq!(store.view().read_only().count(), 0);
    assert_eq!(found(store.view()), owed, "{case}");
    for number in 0..60 {
        append(&store, &mut owed, entry(SERVICES[number % 3], 5000 + number));
    }
    assert_eq!(found(store.view()), owed, "{case}");
    store.close().unwrap();
    let report_then = report(&disk);
    assert!(report_then.valid, "{case}: {:#?}", problems(&report_then));
    assert_eq!(found(Reader::open_on(&disk).unwrap().view()), owed, "{case}");
}

/// Which of a chain's files.
#[derive(Clone, Copy, Debug)]
enum Which {
    First,
    Middle,
    Last,
}

impl Which {
    const ALL: [Which; 3] = [Which::First, Which::Middle, Which::Last];

    fn of(self, paths: &[String]) -> String {
        assert!(paths.len() > 2, "{paths:?}");
        let at = match self {
            Which::First => 0,
            Which::Middle => paths.len() / 2,
            Which::Last => paths.len() - 1,
        };
        paths[at].clone()
    }
}

fn flip(disk: &SimulatedDisk, path: &str, from_end: usize) {
    let mut bytes = disk.bytes(path).unwrap();
    let at = bytes.len() - from_end;
    bytes[at] ^= 0x10;
    disk.put(path, &bytes);
}

#[test]
fn a_flipped_byte_in_a_footer_closes_its_chain_alone() {
    for which in Which::ALL {
        goes_on_and_heals(stopped(), &format!("footer {which:?}"), &["billing"], |disk| {
            let path = which.of(&paths(disk, "billing"));
            flip(disk, &path, 60);
            vec![path]
        });
    }
}

#[test]
fn a_truncated_file_closes_its_chain_alone() {
    for (which, length) in [(Which::First, 0), (Which::Middle, 700), (Which::Last, 33)] {
        goes_on_and_heals(stopped(), &format!("{which:?} cut to {length}"), &["portal"], |disk| {
            let path = which.of(&paths(disk, "portal"));
            disk.put(&path, &disk.bytes(&path).unwrap()[..length]);
            vec![path]
        });
    }
}

#[test]
fn a_missing_file_closes_its_chain_alone() {
    for which in Which::ALL {
        goes_on_and_heals(stopped(), &format!("{which:?} missing"), &["billing"], |disk| {
            let path = which.of(&paths(disk, "billing"));
            disk.erase(&path);
            vec![path]
        });
    }
    goes_on_and_heals(stopped(), "all missing", &["vault"], |disk| {
        let paths = paths(disk, "vault");
        paths.iter().for_each(|path| disk.erase(path));
        vec![paths[0].clone()]
    });
}

#[test]
fn files_of_two_chains_that_changed_places_close_both() {
    for which in Which::ALL {
        goes_on_and_heals(stopped(), &format!("{which:?} swapped"), &["billing", "portal"], |disk| {
            let (one, other) = (which.of(&paths(disk, "billing")), which.of(&paths(disk, "portal")));
            let (own, others) = (disk.bytes(&one).unwrap(), disk.bytes(&other).unwrap());
            disk.put(&one, &others);
            disk.put(&other, &own);
            vec![one, other]
        });
    }
}

#[test]
fn what_a_killed_store_left_goes_on_and_heals_too() {
    for which in Which::ALL {
        goes_on_and_heals(killed(), &format!("killed, footer {which:?}"), &["billing"], |disk| {
            let path = which.of(&paths(disk, "billing"));
            flip(disk, &path, 60);
            vec![path]
        });
        goes_on_and_heals(untrimmed(), &format!("untrimmed, footer {which:?}"), &["billing"], |disk| {
            let path = which.of(&paths(disk, "billing"));
            flip(disk, &path, 60);
            vec![path]
        });
    }
}

#[test]
fn a_damaged_tenant_table_and_a_damaged_state_file_are_told() {
    let (disk, _) = stopped();
    let path = paths(&disk, "billing")[1].clone();
    let mut bytes = disk.bytes(&path).unwrap();
    let first_section = 64 + 8;
    bytes[first_section] ^= 1;
    disk.put(&path, &bytes);
    let store = open(&disk, 3);
    // The table is needed only where a later one lacks a line.
    assert!(store.view().read_only().all(|service| service == "billing"));
    drop(store);

    let (disk, owed) = stopped();
    let newest = ends_of(&disk).pop().unwrap();
    flip(&disk, &newest, 9);
    let store = open(&disk, 3);
    assert_eq!(store.view().damage()[0].file, newest);
    assert_eq!(store.view().read_only().count(), 0, "whole segments say all that it says");
    assert_eq!(found(store.view()), owed);
    store.append(batch(&[entry("billing", 1)])).unwrap();
}

#[test]
fn without_what_tells_where_a_chain_stood_nothing_is_written() {
    let (disk, _) = stopped();
    let path = paths(&disk, "billing")[0].clone();
    flip(&disk, &path, 60);
    ends_of(&disk).iter().for_each(|path| disk.erase(path));
    let error = Store::open_on(Arc::new(disk.clone()), Options { bounds: SMALL, ..sample::options(4) });
    let Err(Error::Damaged { place, detail }) = error else { panic!("it was opened") };
    assert!(place.ends_with(&path) && detail.contains("where the chain stood is not known"), "{detail}");
    assert!(!found(Reader::open_on(&disk).unwrap().view()).is_empty());
}

#[test]
fn without_its_control_chain_a_store_goes_on_without_heads() {
    let (disk, mut owed) = stopped();
    let store = open(&disk, 3);
    for number in 0..50 {
        append(&store, &mut owed, entry("vault", 8000 + number));
        store.commit_heads().unwrap();
    }
    store.close().unwrap();
    let whole = disk.copy(0);
    let path = paths(&disk, "sealog.control")[0].clone();
    flip(&disk, &path, 60);
    let store = open(&disk, 4);
    assert_eq!(store.view().read_only().collect::<Vec<_>>(), ["sealog.control"]);
    for number in 0..200 {
        append(&store, &mut owed, entry(SERVICES[number % 3], 9000 + number));
    }
    store.commit_heads().unwrap();
    store.close().unwrap();
    disk.put(&path, &whole.bytes(&path).unwrap());
    let store = open(&disk, 5);
    assert_eq!(found(store.view()), owed);
    store.commit_heads().unwrap();
    store.close().unwrap();
    assert!(report(&disk).valid, "{:#?}", problems(&report(&disk)));
}
