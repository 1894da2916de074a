//! Pages of a scan: whoever goes on behind the last entry of a page misses none and gets none twice, whatever arrives,
//! is sealed or is merged in between.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::batch::Batch;
use sealog_engine::model::{Entry, Severity, Timestamp};
use sealog_engine::process::ProcessBounds;
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Order, Position, Query, Scope, Tail};
use sealog_engine::store::{Background, Bounds, CompactionExtent, CursorError, Options, Store};
use sealog_engine::view::View;
use sealog_tests::sample;
use sealog_tests::simulation::disk::SimulatedDisk;
use sealog_tests::simulation::random::Random;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Longer than any append of these takes.
const PATIENCE: Duration = Duration::from_millis(800);

const SERVICES: [&str; 4] = ["billing", "mail-api", "portal", "vault"];
const TENANTS: [&str; 3] = ["acme", "globex", "hooli"];

/// Segments of a few dozen rows, so that pages begin and end inside, between and behind them.
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

fn open(disk: &SimulatedDisk, background: Background) -> Store {
    let options = Options { bounds: SMALL, background, ..sample::options(8) };
    Store::open_on(Arc::new(disk.clone()), options).unwrap()
}

/// One to five entries of any services.
fn batch(random: &mut Random) -> Batch {
    let mut batch = Batch::new();
    for _ in 0..=random.index(5) {
        let (service, tenant) = (SERVICES[random.index(4)], TENANTS[random.index(3)]);
        let severity = Severity::ALL[random.index(6)];
        batch.push(&Entry { severity, ..sample::entry(service, tenant, random.index(40)) }).unwrap();
    }
    batch
}

/// The entries of one page; `limit` at most.
fn page(view: &View, filter: &Filter, order: Order, after: Option<Position>, limit: u64) -> Vec<Position> {
    let query = Query { filter: filter.clone(), order, limit: Some(limit), after };
    let mut scan = view.scan(&Scope::everything(), &query);
    let found: Vec<Position> = scan.by_ref().map(|hit| hit.position().unwrap()).collect();
    assert_eq!(scan.problems(), []);
    let is_ordered = |pair: &[Position]| (pair[0] < pair[1]) == (order == Order::Ascending);
    assert!(found.windows(2).all(is_ordered), "{order:?}: {found:?}");
    found
}

fn everything(view: &View, filter: &Filter, order: Order) -> Vec<Position> {
    page(view, filter, order, None, u64::MAX)
}

fn filters() -> [Filter; 3] {
    let severe = Some(vec![Severity::Warning, Severity::Error, Severity::Fatal]);
    [
        Filter::default(),
        Filter { severities: severe, ..Filter::default() },
        Filter { tenants: vec!["acme".into(), "hooli".into()], ..Filter::default() },
    ]
}

#[test]
fn pages_of_any_size_are_the_whole_scan_in_both_orders() {
    let disk = SimulatedDisk::new(1);
    let mut random = Random::new(1);
    let store = open(&disk, Background::Inline);
    (0..150).for_each(|_| drop(store.append(batch(&mut random)).unwrap()));
    store.seal_due().unwrap();
    (0..10).for_each(|_| drop(store.append(batch(&mut random)).unwrap()));
    for filter in filters() {
        for order in [Order::Ascending, Order::Descending] {
            let whole = everything(store.view(), &filter, order);
            assert!(whole.len() > 100);
            for size in [1, 3, 7, 64, 1000] {
                let mut pages = Vec::new();
                loop {
                    let next = page(store.view(), &filter, order, pages.last().cloned(), size);
                    pages.extend(next.iter().cloned());
                    if (next.len() as u64) < size {
                        break;
                    }
                }
                assert_eq!(pages, whole, "pages of {size}, {order:?}");
            }
            // A place where no entry is, nor a chain: between any two.
            for place in whole.iter().step_by(5) {
                let service = format!("{}-and-behind", place.service);
                let between = Position { service, ..place.clone() };
                let at = match order {
                    Order::Ascending => whole.partition_point(|own| *own <= between),
                    Order::Descending => whole.partition_point(|own| *own >= between),
                };
                let rest = page(store.view(), &filter, order, Some(between), u64::MAX);
                assert_eq!(rest, whole[at..]);
            }
        }
    }
}

#[test]
fn pages_stay_what_they_are_while_entries_arrive_are_sealed_and_merged() {
    let disk = SimulatedDisk::new(2);
    let mut random = Random::new(2);
    let store = open(&disk, Background::Inline);
    (0..120).for_each(|_| drop(store.append(batch(&mut random)).unwrap()));
    for filter in filters() {
        let before = everything(store.view(), &filter, Order::Descending);
        let (mut down, mut up): (Vec<Position>, Vec<Position>) = (Vec::new(), Vec::new());
        for step in 0.. {
            let next = page(store.view(), &filter, Order::Descending, down.last().cloned(), 9);
            let is_over = next.is_empty();
            down.extend(next);
            up.extend(page(store.view(), &filter, Order::Ascending, up.last().cloned(), 9));
            match step % 3 {
                0 => drop(store.append(batch(&mut random)).unwrap()),
                1 => store.seal_due().unwrap(),
                _ => drop(store.compact(CompactionExtent::Everything, |_| {}).unwrap()),
            }
            if is_over {
                break;
            }
        }
        // Backwards: what was there at the first page. Forwards: that, and what came since.
        let last = before.first().cloned();
        assert_eq!(down, before);
        up.extend(page(store.view(), &filter, Order::Ascending, up.last().cloned(), u64::MAX));
        assert_eq!(up, everything(store.view(), &filter, Order::Ascending));
        assert!(up.last() > last.as_ref());
    }
}

/// Polls oldest first while others append: every entry once.
fn poll(appenders: u64, mut poll: impl FnMut(Option<Position>) -> Vec<Position>, store: &Store) {
    let (is_over, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut met = Vec::new();
    std::thread::scope(|scope| {
        let appending: Vec<_> = (0..appenders)
            .map(|appender| {
                let (is_over, written) = (&is_over, &written);
                scope.spawn(move || {
                    let mut random = Random::new(appender);
                    while !is_over.load(Ordering::Acquire) {
                        let batch = batch(&mut random);
                        let count = batch.len() as u64;
                        store.append(batch).unwrap();
                        written.fetch_add(count, Ordering::AcqRel);
                    }
                })
            })
            .collect();
        while met.len() < 3_000 {
            met.extend(poll(met.last().cloned()));
        }
        is_over.store(true, Ordering::Release);
        appending.into_iter().for_each(|appender| appender.join().unwrap());
        while let Some(more) = Some(poll(met.last().cloned())).filter(|more| !more.is_empty()) {
            met.extend(more);
        }
    });
    assert_eq!(met.len() as u64, written.into_inner());
    assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), met.len(), "an entry came twice");
}

#[test]
fn polling_misses_nothing_and_repeats_nothing() {
    let disk = SimulatedDisk::new(3);
    let store = open(&disk, Background::Thread);
    poll(3, |after| page(store.view(), &Filter::default(), Order::Ascending, after, 50), &store);
}

#[test]
fn a_tail_goes_on_from_history_without_a_gap() {
    let disk = SimulatedDisk::new(9);
    let store = open(&disk, Background::Thread);
    let mut random = Random::new(9);
    (0..100).for_each(|_| drop(store.append(batch(&mut random)).unwrap()));
    let history = everything(store.view(), &Filter::default(), Order::Ascending);
    let mut tail = Tail::behind(history.get(50).cloned(), Scope::everything(), Filter::default(), i64::MAX);
    let mut tailed: Vec<Position> = history[..=50].to_vec();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..200).for_each(|_| drop(store.append(batch(&mut random)).unwrap())));
        loop {
            let arrived = tail.poll(store.view(), 30);
            assert_eq!((arrived.dropped, arrived.problems), (None, Vec::new()));
            tailed.extend(arrived.hits.iter().map(|hit| hit.position().unwrap()));
            if arrived.hits.is_empty() && !store.view().wait_behind(store.view().settled(), PATIENCE) {
                break;
            }
        }
    });
    assert_eq!(tailed, everything(store.view(), &Filter::default(), Order::Ascending));
}

#[test]
fn a_tail_that_cannot_keep_up_is_told_what_it_was_not_given() {
    let disk = SimulatedDisk::new(10);
    let store = open(&disk, Background::Inline);
    let mut random = Random::new(10);
    store.append(batch(&mut random)).unwrap();
    for filter in filters() {
        let mut tail = Tail::from_now(store.view(), Scope::everything(), filter.clone(), 0);
        let before = everything(store.view(), &filter, Order::Ascending).len();
        assert!(tail.poll(store.view(), 10).hits.is_empty());
        (0..60).for_each(|_| drop(store.append(batch(&mut random)).unwrap()));
        store.seal_due().unwrap();
        let given = tail.poll(store.view(), 10).hits;
        assert_eq!(given.len(), 10);
        // The next ones are late: they are counted, and it goes on with what is new.
        (0..20).for_each(|_| drop(store.append(batch(&mut random)).unwrap()));
        let all = everything(store.view(), &filter, Order::Ascending);
        let arrived = tail.poll(store.view(), 10);
        let dropped = arrived.dropped.unwrap();
        assert_eq!(dropped.from, given.last().unwrap().position());
        assert_eq!(dropped.entries, (all.len() - before - 10) as u64);
        assert!(arrived.hits.is_empty());
        store.append(batch(&mut random)).unwrap();
        let more = everything(store.view(), &filter, Order::Ascending);
        let arrived = tail.poll(store.view(), 10);
        let given: Vec<Position> = arrived.hits.iter().map(|hit| hit.position().unwrap()).collect();
        assert_eq!((given, arrived.dropped), (more[all.len()..].to_vec(), None));
    }
}

#[test]
fn cursors_stand_for_places_of_their_store_and_nothing_else_does() {
    let store = open(&SimulatedDisk::new(11), Background::Inline);
    let other = Store::open_on(Arc::new(SimulatedDisk::new(12)), sample::options(12)).unwrap();
    let place =
        Position { logged_at: Timestamp::from_nanos(-5), service: "mail-api".to_owned(), seq: u64::MAX };
    let own = Scope::tenants(vec!["acme".to_owned()], None);
    let cursor = store.cursor(&place, &own);
    assert_eq!(store.position(&cursor, &own), Ok(place.clone()));
    assert_eq!(other.position(&cursor, &own), Err(CursorError));
    let foreign = [
        Scope::everything(),
        Scope::tenants(vec!["other".to_owned()], None),
        Scope::tenants(vec!["acme".to_owned(), "other".to_owned()], None),
        Scope::tenants(vec!["acme".to_owned()], Some(Vec::new())),
        Scope::tenants(Vec::new(), Some(vec!["acme".to_owned()])),
    ];
    for scope in &foreign {
        assert_eq!(store.position(&cursor, scope), Err(CursorError), "{scope:?}");
        assert_ne!(store.cursor(&place, scope), cursor);
    }
    assert!(!cursor.contains(&sealog_engine::hex::encode(b"mail-api")), "a cursor tells its place");
    assert!(store.process_position(&cursor, &own).is_err(), "of another kind");
    for at in 0..cursor.len() {
        let mut wrong = cursor.clone().into_bytes();
        wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
        assert_eq!(store.position(std::str::from_utf8(&wrong).unwrap(), &own), Err(CursorError), "{at}");
        assert_eq!(store.position(&cursor[..at], &own), Err(CursorError));
    }
    assert_eq!(store.position(&"00".repeat(100_000), &own), Err(CursorError));
}

#[test]
fn polling_by_reading_the_files_beside_a_writer_misses_nothing() {
    let disk = SimulatedDisk::new(4);
    let store = open(&disk, Background::Thread);
    let reading = disk.observer();
    let read = |after| {
        let reader = Reader::open_on(&reading).unwrap();
        page(reader.view(), &Filter::default(), Order::Ascending, after, 200)
    };
    poll(2, read, &store);
}
