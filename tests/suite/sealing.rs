//! A store that seals while it is used: whatever was acknowledged is read once, wherever it lies by now.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::batch::Batch;
use sealog_engine::disk::{DirectoryDisk, Disk};
use sealog_engine::error::Error;
use sealog_engine::model::Entry;
use sealog_engine::process::ProcessBounds;
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Order, Query, Scope};
use sealog_engine::segment;
use sealog_engine::store::{Background, Bounds, Compacted, CompactionExtent, Options, Receipt, Store};
use sealog_engine::verify::{VerifyOptions, verify};
use sealog_engine::view::View;
use sealog_tests::sample;
use sealog_tests::simulation::disk::{Act, Effect, Fault, Moment, SimulatedDisk};
use sealog_tests::simulation::random::Random;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SERVICES: [&str; 4] = ["billing", "mail-api", "portal", "vault"];
const TENANTS: [&str; 5] = ["acme", "globex", "hooli", "initech", "umbrella"];

/// Bounds that make a few hundred entries go through all that millions would.
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

fn open(disk: &SimulatedDisk, seed: u64, bounds: Bounds) -> Store {
    Store::open_on(Arc::new(disk.clone()), Options { bounds, ..sample::options(seed) }).unwrap()
}

fn entry(random: &mut Random, number: u64) -> Entry<'static> {
    // The first services and tenants have most of the entries, the last a few.
    let pick = |random: &mut Random, most: usize| random.index(most).min(random.index(most));
    Entry {
        id: if number.is_multiple_of(3) { String::new() } else { format!("e-{number}") }.into(),
        message: format!("number {number} {}", "of many ".repeat(random.index(12))).into(),
        ..sample::entry(SERVICES[pick(random, 4)], TENANTS[pick(random, 5)], 0)
    }
}

/// (service, position, message) of everything, and whether it came in the one total order.
fn all(view: &View, order: Order) -> Vec<(String, u64, String)> {
    let filter = Filter { services: SERVICES.map(str::to_owned).to_vec(), ..Filter::default() };
    let mut scan = view.scan(&Scope::everything(), &Query { filter, order, limit: None, after: None });
    let mut found = Vec::new();
    let mut last = None;
    for hit in &mut scan {
        let entry = hit.committed().unwrap();
        let place = (hit.logged_at(), entry.entry.service.to_string(), hit.seq());
        assert!(last.as_ref().is_none_or(|last| match order {
            Order::Ascending => *last < place,
            Order::Descending => *last > place,
        }));
        found.push((place.1.clone(), place.2, entry.entry.message.to_string()));
        last = Some(place);
    }
    assert_eq!(scan.problems(), []);
    found
}

/// What is owed: message by place.
#[derive(Default)]
struct Owed {
    by_place: BTreeMap<(String, u64), String>,
    receipts: Vec<(Vec<Entry<'static>>, Vec<Receipt>)>,
}

fn batch(entries: &[Entry<'static>]) -> Batch {
    let mut batch = Batch::new();
    entries.iter().for_each(|entry| {
        batch.push(entry).unwrap();
    });
    batch
}

impl Owed {
    fn append(&mut self, store: &Store, entries: Vec<Entry<'static>>) {
        let receipts = store.append(batch(&entries)).unwrap();
        let mut next: BTreeMap<&str, u64> =
            receipts.iter().map(|receipt| (receipt.service.as_str(), receipt.first_seq)).collect();
        for entry in &entries {
            let seq = next.get_mut(&*entry.service).unwrap();
            self.by_place.insert((entry.service.to_string(), *seq), entry.message.to_string());
            *seq += 1;
        }
        self.receipts.push((entries, receipts));
    }

    fn check(&self, view: &View) {
        let found = all(view, Order::Ascending);
        let by_place: BTreeMap<(String, u64), String> =
            found.iter().map(|(service, seq, message)| ((service.clone(), *seq), message.clone())).collect();
        assert_eq!(by_place.len(), found.len(), "each entry once");
        assert_eq!(by_place, self.by_place);
        let mut backwards = all(view, Order::Descending);
        backwards.reverse();
        assert_eq!(backwards, found);
    }
}

fn segments(disk: &SimulatedDisk) -> usize {
    segment::services(disk)
        .unwrap()
        .iter()
        .map(|service| segment::list(disk, service).unwrap().segments.len())
        .sum()
}

fn journals(disk: &SimulatedDisk) -> Vec<String> {
    let mut names = disk.list("journal").unwrap();
    names.sort();
    names
}

#[test]
fn entries_are_read_once_while_they_are_sealed_carried_and_opened_again() {
    let mut disk = SimulatedDisk::new(1);
    let mut random = Random::new(1);
    let mut owed = Owed::default();
    let mut number = 0;
    for round in 0..4 {
        let store = open(&disk, round, SMALL);
        owed.check(store.view());
        for _ in 0..60 {
            let count = 1 + random.index(9);
            let entries = (0..count).map(|_| {
                number += 1;
                entry(&mut random, number)
            });
            owed.append(&store, entries.collect());
            store.seal_due().unwrap();
        }
        owed.check(store.view());
        owed.check(Reader::open_on(&disk).unwrap().view());
        assert!(journals(&disk).len() < 8, "{:?}", journals(&disk));
        match round % 2 {
            0 => store.close().unwrap(),
            _ => {
                // As if the process were killed: nothing is done at its end.
                let next = disk.kill();
                drop(store);
                disk = next;
            }
        }
        owed.check(Reader::open_on(&disk).unwrap().view());
    }
    assert!(segments(&disk) > 10);
    assert!(!journals(&disk).contains(&"00000001.journal".to_owned()), "{:?}", journals(&disk));
}

#[test]
fn what_was_sealed_is_still_known_to_a_producer_that_repeats_it() {
    let disk = SimulatedDisk::new(2);
    let mut random = Random::new(2);
    let mut owed = Owed::default();
    let store = open(&disk, 2, SMALL);
    let mut keyed = batch(&[entry(&mut random, 1), entry(&mut random, 2)]);
    keyed.set_idempotency_key("batch-1").unwrap();
    let first_keyed = store.append(keyed.clone()).unwrap();
    for number in 10..400 {
        owed.append(&store, vec![entry(&mut random, number * 3 + 1)]);
        store.seal_due().unwrap();
    }
    let check = |store: &Store| {
        for (entries, receipts) in &owed.receipts {
            let again = store.append(batch(entries)).unwrap();
            assert!(again.iter().all(|receipt| receipt.duplicate));
            let firsts = receipts.iter().map(|receipt| Receipt { duplicate: true, ..receipt.clone() });
            assert_eq!(again, firsts.collect::<Vec<_>>());
        }
        let again = store.append(keyed.clone()).unwrap();
        let firsts = first_keyed.iter().map(|receipt| Receipt { duplicate: true, ..receipt.clone() });
        assert_eq!(again, firsts.collect::<Vec<_>>());
    };
    check(&store);
    assert!(!journals(&disk).contains(&"00000001.journal".to_owned()));
    assert!(!disk.list("state/ids").unwrap().is_empty());
    // A crash, and then a clean stop.
    let crashed = disk.power_cut();
    drop(store);
    let store = open(&crashed, 3, SMALL);
    check(&store);
    store.close().unwrap();
    check(&open(&crashed, 4, SMALL));

    // With threads of its own a store reads them when it is open already.
    let threaded = |disk: &SimulatedDisk| {
        let options = Options { bounds: SMALL, background: Background::Thread, ..sample::options(5) };
        Store::open_on(Arc::new(disk.clone()), options).unwrap()
    };
    let store = threaded(&crashed);
    check(&store);
    store.close().unwrap();

    // What does not read back keeps out only those whose retries it might be.
    let name = crashed.list("state/ids").unwrap().remove(0);
    let path = format!("state/ids/{name}");
    let whole = crashed.bytes(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    crashed.put(&path, &damaged);
    let store = threaded(&crashed);
    let plain = Entry { id: "".into(), ..entry(&mut random, 5000) };
    store.append(batch(std::slice::from_ref(&plain))).unwrap();
    for _ in 0..2 {
        let refused = store.append(batch(&[entry(&mut random, 5002)])).unwrap_err();
        assert!(matches!(&refused, Error::Damaged { place, .. } if place.ends_with(&name)), "{refused}");
    }
    store.append(batch(&[plain])).unwrap();
    store.close().unwrap();
    crashed.put(&path, &whole);
    check(&threaded(&crashed));
}

#[test]
fn a_clean_stop_leaves_little_to_read() {
    let disk = SimulatedDisk::new(3);
    let mut random = Random::new(3);
    let mut owed = Owed::default();
    let store = open(&disk, 3, SMALL);
    for number in 0..200 {
        owed.append(&store, vec![entry(&mut random, number)]);
    }
    store.close().unwrap();
    let journal_bytes: usize =
        journals(&disk).iter().map(|name| disk.bytes(&format!("journal/{name}")).unwrap().len()).sum();
    assert!(journal_bytes < 12 << 10, "{journal_bytes} bytes in {:?}", journals(&disk));
    owed.check(Reader::open_on(&disk).unwrap().view());
    let store = open(&disk, 4, SMALL);
    owed.append(&store, vec![entry(&mut random, 1000)]);
    owed.check(store.view());
}

#[test]
fn every_segment_has_salt_keys_of_its_own() {
    let disk = SimulatedDisk::new(4);
    let mut random = Random::new(4);
    let store = open(&disk, 4, SMALL);
    for number in 0..300 {
        store.append(batch(&[entry(&mut random, number)])).unwrap();
        store.seal_due().unwrap();
    }
    drop(store);
    let identity = sealog_engine::identity::read(&disk).unwrap();
    let mut keys = std::collections::HashSet::new();
    let mut count = 0;
    for service in segment::services(&disk).unwrap() {
        for segment in segment::load(&disk, &identity.id, &service).unwrap().segments {
            segment.read(|view| {
                for tenant in view.tenants().unwrap() {
                    count += tenant.keys.len();
                    keys.extend(tenant.keys.iter().map(|(_, key)| *key));
                    assert_eq!(tenant.keys.len(), 1, "one key for a tenant in a segment");
                }
            });
        }
    }
    assert!(count > 20);
    assert_eq!(keys.len(), count, "no key salts entries of two segments");
}

#[test]
fn scans_and_verification_beside_appends_seals_and_merges_see_each_entry_exactly_once() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        background: Background::Thread,
        bounds: Bounds { open_bytes_aim: 64 << 10, journal_file_bytes: 64 << 10, ..SMALL },
        ..Options::default()
    };
    let store = Store::open(directory.path(), options.clone()).unwrap();
    let acknowledged = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let mut owed = Owed::default();
    std::thread::scope(|scope| {
        let scans = [Order::Ascending, Order::Descending].map(|order| {
            let (store, acknowledged, is_over) = (&store, &acknowledged, &is_over);
            scope.spawn(move || {
                let mut rounds = 0;
                while !is_over.load(Ordering::Relaxed) || rounds < 3 {
                    let owed = acknowledged.load(Ordering::Acquire);
                    let found = all(store.view(), order);
                    assert!(found.len() as u64 >= owed, "{} of {owed}", found.len());
                    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
                    let mut entries: Vec<_> = found.iter().collect();
                    if order == Order::Descending {
                        entries.reverse();
                    }
                    for (service, seq, _) in entries {
                        let next = next.entry(service).or_default();
                        assert_eq!(seq, next, "{service}");
                        *next += 1;
                    }
                    rounds += 1;
                }
            })
        });
        let beside = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let owed = acknowledged.load(Ordering::Acquire);
                let reader = Reader::open(directory.path()).unwrap();
                assert_eq!(reader.view().damage(), []);
                assert!(all(reader.view(), Order::Ascending).len() as u64 >= owed);
                let report =
                    verify(&DirectoryDisk::new(directory.path()), &VerifyOptions::default(), |_| {}).unwrap();
                assert!(report.valid, "{:?}", report.all_problems().collect::<Vec<_>>());
                assert!(report.entries >= owed);
            }
        });
        let mut random = Random::new(5);
        for number in 0..600 {
            let entries: Vec<_> = (0..5).map(|at| entry(&mut random, number * 5 + at)).collect();
            owed.append(&store, entries);
            acknowledged.fetch_add(5, Ordering::Release);
            if number % 50 == 49 {
                store.compact(CompactionExtent::Everything, |_| {}).unwrap();
            }
        }
        is_over.store(true, Ordering::Relaxed);
        scans.into_iter().for_each(|scan| scan.join().unwrap());
        beside.join().unwrap();
    });
    store.close().unwrap();
    // All of it happened: segments were written and merged, and the journal's first files are gone.
    assert!(!directory.path().join("journal/00000001.journal").exists());
    assert_eq!(owed.by_place.len(), 3000);
    owed.check(Reader::open(directory.path()).unwrap().view());
}

#[test]
fn without_room_appenders_are_told_why_and_reads_go_on() {
    let disk = SimulatedDisk::new(6);
    let mut random = Random::new(6);
    let bounds = Bounds { open_bytes_max: 32 << 10, journal_file_bytes: 1 << 20, ..SMALL };
    let store = open(&disk, 6, bounds);
    // Segments are refused from here on, the journal is not.
    disk.fill(Some("chains"));
    let mut stored = 0;
    let error = (0..2000)
        .find_map(|number| match store.append(batch(&[entry(&mut random, number)])) {
            Ok(_) => {
                stored += 1;
                None
            }
            Err(error) => Some(error),
        })
        .unwrap();
    assert!(matches!(error, Error::Full { .. } | Error::Io { .. }), "{error}");
    assert!(stored > 20);
    assert_eq!(all(store.view(), Order::Ascending).len(), stored);
    disk.fill(None);
    store.seal_due().unwrap();
    store.append(batch(&[entry(&mut random, 5000)])).unwrap();
    assert_eq!(all(store.view(), Order::Ascending).len(), stored + 1);
}

#[test]
fn sealing_threads_that_fail_tell_appenders_and_make_room_when_they_can() {
    let disk = SimulatedDisk::new(16);
    let mut random = Random::new(16);
    let bounds = Bounds { open_bytes_max: 32 << 10, journal_file_bytes: 1 << 20, ..SMALL };
    let options = Options { bounds, background: Background::Thread, ..sample::options(16) };
    let store = Store::open_on(Arc::new(disk.clone()), options).unwrap();
    for round in 0..3 {
        disk.fill(Some("chains"));
        let refused = (0..5000)
            .find_map(|number| store.append(batch(&[entry(&mut random, round * 10_000 + number)])).err())
            .unwrap();
        assert!(matches!(refused, Error::Full { .. } | Error::Io { .. }), "{refused}");
        // Each try ends, though there is no room when it is over, whichever thread fails first.
        for _ in 0..500 {
            store.seal_due().unwrap_err();
        }
        disk.fill(None);
        store.seal_due().unwrap();
        store.append(batch(&[entry(&mut random, round * 10_000 + 9_000)])).unwrap();
    }
    let stored = all(store.view(), Order::Ascending).len();
    store.close().unwrap();
    assert_eq!(all(Reader::open_on(&disk).unwrap().view(), Order::Ascending).len(), stored);
}

/// Sealed segments of a chain, from disk.
fn loaded(disk: &SimulatedDisk, service: &str) -> Vec<Arc<segment::Segment>> {
    let identity = sealog_engine::identity::read(disk).unwrap();
    let loaded = segment::load(disk, &identity.id, service).unwrap();
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    loaded.segments
}

fn filled(disk: &SimulatedDisk, seed: u64, owed: &mut Owed) -> Store {
    let mut random = Random::new(seed);
    let store = open(disk, seed, Bounds { segment_rows_max: 700, ..SMALL });
    for round in 0..150 {
        let entries: Vec<_> = (0..4).map(|at| entry(&mut random, round * 4 + at)).collect();
        owed.append(&store, entries);
        store.seal_due().unwrap();
    }
    store
}

#[test]
fn compaction_keeps_every_entry_head_line_and_mark() {
    let disk = SimulatedDisk::new(7);
    let mut owed = Owed::default();
    let store = filled(&disk, 7, &mut owed);
    let before: Vec<Vec<Arc<segment::Segment>>> =
        SERVICES.iter().map(|service| loaded(&disk, service)).collect();
    let mut steps = 0;
    let done = store
        .compact(CompactionExtent::Everything, |figures| {
            steps += 1;
            assert!(figures.segments_before > figures.segments_after);
        })
        .unwrap();
    assert!(steps >= 3 && done.segments_before > 15, "{done:?}");
    assert_eq!(done.segments_after, steps);
    owed.check(store.view());
    owed.check(Reader::open_on(&disk).unwrap().view());
    for (service, before) in SERVICES.iter().zip(&before) {
        let after = loaded(&disk, service);
        assert!(after.len() < before.len() || before.len() <= 1, "{service}");
        // Ends, marks and lines are what they were; every leaf between is recomputed by verify below.
        let ends = |own: &[Arc<segment::Segment>]| {
            let (first, last) = (own.first().unwrap().footer().clone(), own.last().unwrap().footer().clone());
            (first.prev, first.opening_edge, last.head, last.closing_edge, last.line_count)
        };
        assert_eq!(ends(&after), ends(before));
        let states = |own: &[Arc<segment::Segment>]| {
            let mut states = BTreeMap::new();
            for segment in own {
                for row in segment.read(|view| view.read_tenants()).unwrap() {
                    states.insert((row.tenant, row.line, row.slot, row.nonce), row.closing);
                }
            }
            states
        };
        assert_eq!(states(&after), states(before));
        let nodes = |own: &[Arc<segment::Segment>]| {
            let marks = own.iter().flat_map(|own| own.read(|view| view.marks().unwrap().to_vec()));
            marks.map(|mark| mark[..32].to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(nodes(&after), nodes(before));
        for segment in &after {
            let footer = segment.footer();
            for seq in footer.first_seq..footer.end_seq() {
                let old = before.iter().find(|old| seq < old.footer().end_seq()).unwrap();
                assert_eq!(
                    segment.read(|view| view.leaf(seq)).unwrap(),
                    old.read(|view| view.leaf(seq)).unwrap()
                );
            }
        }
    }
    let report = verify(&disk, &VerifyOptions::default(), |_| {}).unwrap();
    assert!(report.valid, "{:?}", report.all_problems().collect::<Vec<_>>());
    // What is done is not done again, and a dry run says so.
    assert_eq!(store.compact(CompactionExtent::Everything, |_| {}).unwrap(), Compacted::default());
    store.close().unwrap();
    owed.check(open(&disk, 8, SMALL).view());
}

#[test]
fn a_compaction_that_is_killed_goes_on_where_it_was() {
    let begun = SimulatedDisk::new(9);
    let mut owed = Owed::default();
    drop(filled(&begun, 9, &mut owed));
    let compact = |disk: &SimulatedDisk| {
        let store = open(disk, 10, Bounds { segment_rows_max: 700, ..SMALL });
        let done = store.compact(CompactionExtent::Everything, |_| {});
        (done, store)
    };
    let whole = begun.copy(1);
    whole.plan(&[]);
    let (done, store) = compact(&whole);
    let operations = whole.operations();
    assert!(done.unwrap().segments_before > 10 && operations > 60);
    drop(store);
    let size = |disk: &SimulatedDisk| segments(disk);
    for operation in (0..operations).step_by(3) {
        for effect in Effect::ALL {
            let disk = begun.copy(operation);
            disk.plan(&[Fault { at: Moment::Operation(operation), effect, act: Act::Die }]);
            let options =
                Options { bounds: Bounds { segment_rows_max: 700, ..SMALL }, ..sample::options(10) };
            if let Ok(store) = Store::open_on(Arc::new(disk.clone()), options) {
                let _ = store.compact(CompactionExtent::Everything, |_| {});
            }
            let next = if operation % 2 == 0 { disk.power_cut() } else { disk.kill() };
            owed.check(Reader::open_on(&next).unwrap().view());
            let report = verify(&next, &VerifyOptions::default(), |_| {}).unwrap();
            assert!(report.valid, "{operation} {:?}", report.all_problems().collect::<Vec<_>>());
            let (done, store) = compact(&next);
            done.unwrap();
            owed.check(store.view());
            store.close().unwrap();
            assert_eq!(size(&next), size(&whole), "{operation}");
        }
    }
}

#[test]
fn a_damaged_source_is_not_merged_and_nothing_is_lost() {
    let disk = SimulatedDisk::new(11);
    let mut owed = Owed::default();
    let store = filled(&disk, 11, &mut owed);
    let path = loaded(&disk, "billing")[1].path().to_owned();
    store.close().unwrap();
    let mut bytes = disk.bytes(&path).unwrap();
    bytes[200] ^= 4;
    disk.put(&path, &bytes);
    let store = open(&disk, 12, Bounds { segment_rows_max: 700, ..SMALL });
    let before = segments(&disk);
    let error = store.compact(CompactionExtent::Everything, |_| {}).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert_eq!(disk.bytes(&path).unwrap(), bytes);
    assert!(segments(&disk) <= before && segments(&disk) > 4);
}

#[test]
fn scans_beside_compaction_see_each_entry_once() {
    let disk = SimulatedDisk::new(13);
    let mut owed = Owed::default();
    let store = filled(&disk, 13, &mut owed);
    let mut scan = store.scan(&Scope::everything(), &Query::default());
    let first: Vec<_> = scan.by_ref().take(50).map(|hit| hit.seq()).collect();
    assert_eq!(first.len(), 50);
    store.compact(CompactionExtent::Everything, |_| {}).unwrap();
    assert_eq!(scan.count() + 50, owed.by_place.len());
    owed.check(store.view());
}
