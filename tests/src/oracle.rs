//! Questions asked of a store while it is written, sealed and merged, and what a plain filter says of them afterwards.
//!
//! Goal: whoever asks sees what one state of the log gives, never older than what was acknowledged before; pages by cursor
//! neither miss nor repeat. Method: threads ask while another appends; when it is over, every entry and its place in the
//! one total order is known. An answer must be what the plain filter finds in the log up to some commit, at or behind the
//! newest that had been acknowledged.

use crate::appended::{Appender, in_order, lines_of};
use crate::questions::{Case, is_found, place, places, query, random_case};
use crate::sealed;
use crate::simulation::random::Random;
use sealog::generate::Plan;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::process::ProcessBounds;
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Facet, Query, Scan, Scope};
use sealog_engine::store::{Background, Bounds, CompactionExtent, Options, Store};
use sealog_engine::view::View;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bounds that make a thousand entries go through all that millions would.
const SMALL: Bounds = Bounds {
    segment_rows_aim: 60,
    segment_rows_max: 150,
    open_bytes_aim: 32 << 10,
    open_bytes_max: 1 << 20,
    journal_file_bytes: 48 << 10,
    journal_files_aim: 2,
    seal_rows_min: 8,
    journal_stop_bytes: 2 << 10,
    processes: ProcessBounds::USUAL,
};
const ENTRIES: u64 = 1200;
const BATCH_LINES_MAX: u64 = 30;
/// Batches between two merges.
const MERGE_EVERY: usize = 25;
const ASKERS: u64 = 2;

/// How much was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Cases asked while the store was written.
    pub beside: u64,
    /// Pages of those.
    pub pages: u64,
    /// Cases asked of the store that nobody writes, and of the same all sealed.
    pub after: u64,
    /// Cases that found something, and not everything.
    pub telling: u64,
}

impl Figures {
    /// Adds another run's.
    pub fn add(&mut self, other: Figures) {
        self.beside += other.beside;
        self.pages += other.pages;
        self.after += other.after;
        self.telling += other.telling;
    }

    /// All cases.
    pub fn cases(&self) -> u64 {
        self.beside + self.after
    }
}

type Place = (String, u64);

/// What was answered while the log grew.
struct Answered {
    case: Case,
    /// Everything committed up to here had been acknowledged before.
    floor: String,
    answer: Answer,
}

enum Answer {
    /// One scan, or the pages of one.
    Places(Vec<Place>),
    Count(u64),
    /// Asked until the end, page by page, oldest first.
    Followed(Vec<Place>),
}

/// What is shared with those who ask.
struct Shared<'s> {
    store: &'s Store,
    known: Mutex<Vec<Value>>,
    is_over: AtomicBool,
}

/// One store from a seed; panics where an answer is another than the plain filter's. `after` cases are asked of the store
/// that nobody writes any more, and as many when everything is sealed.
pub fn run(seed: u64, after: usize) -> Figures {
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        instance: "oracle".to_owned(),
        background: Background::Thread,
        bounds: SMALL,
        ..Options::default()
    };
    let store = Store::open(directory.path(), options).unwrap();
    let plan = Plan {
        entries: ENTRIES,
        seed,
        tenants: 2 + random.below(30) as u32,
        services: 1 + random.below(6) as u32,
        ..Plan::default()
    };
    let lines = lines_of(&plan, &mut random);
    let shared = Shared { store: &store, known: Mutex::default(), is_over: AtomicBool::new(false) };
    let mut answered = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..ASKERS)
            .map(|number| {
                let (shared, random) = (&shared, Random::new(seed ^ (number + 1) << 32));
                scope.spawn(move || ask_beside(shared, random))
            })
            .collect();
        let follower = scope.spawn(|| follow(&shared, Random::new(seed ^ 77 << 32)));
        let (mut appender, mut rest, mut batches) = (Appender::new("oracle"), lines.as_slice(), 0);
        while !rest.is_empty() {
            let (now, later) = rest.split_at((1 + random.below(BATCH_LINES_MAX) as usize).min(rest.len()));
            rest = later;
            let entries = appender.append(&store, now);
            shared.known.lock().unwrap().extend(entries);
            batches += 1;
            if batches % MERGE_EVERY == 0 {
                store.compact(CompactionExtent::Everything, |_| {}).unwrap();
            }
        }
        shared.is_over.store(true, Ordering::Release);
        let mut answered: Vec<Answered> =
            askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect();
        answered.push(follower.join().unwrap());
        answered
    });
    let mut entries = shared.known.into_inner().unwrap();
    in_order(&mut entries);
    let mut figures = Figures::default();
    for own in answered.drain(..) {
        figures.beside += 1;
        figures.telling += u64::from(check_beside(seed, &own, &entries));
    }
    let cases: Vec<Case> = (0..after).map(|_| random_case(&entries, &mut random)).collect();
    for case in &cases {
        figures.telling += u64::from(check_after(seed, "open and sealed", store.view(), case, &entries));
        figures.pages += check_pages(seed, &store, case, &entries, &mut random);
    }
    store.close().unwrap();
    sealed::seal(&DirectoryDisk::new(directory.path()), |_, size| vec![size]);
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(reader.view().damage(), [], "seed {seed}");
    for case in &cases {
        figures.telling += u64::from(check_after(seed, "sealed", reader.view(), case, &entries));
    }
    figures.after = 2 * cases.len() as u64;
    figures
}

/// Asks again and again until the store is not written any more.
fn ask_beside(shared: &Shared<'_>, mut random: Random) -> Vec<Answered> {
    let mut answered = Vec::new();
    let mut sample = Vec::new();
    while !shared.is_over.load(Ordering::Acquire) {
        if answered.len() % 20 == 0 {
            sample.clone_from(&shared.known.lock().unwrap());
        }
        if sample.is_empty() {
            std::thread::yield_now();
            continue;
        }
        let case = random_case(&sample, &mut random);
        let floor = newest(&shared.known.lock().unwrap());
        let answer = match random.below(4) {
            0 => {
                let count = shared.store.view().count(&Scope::everything(), &query(&case).filter);
                assert_eq!(count.problems, []);
                Answer::Count(count.entries)
            }
            1 => Answer::Places(paged(shared.store, &case, &mut random).0),
            _ => Answer::Places(whole(shared.store.view().scan(&Scope::everything(), &query(&case)))),
        };
        answered.push(Answered { case, floor, answer });
    }
    answered
}

fn newest(known: &[Value]) -> String {
    known.last().map_or_else(String::new, |entry| entry["logged_at"].as_str().unwrap().to_owned())
}

fn whole(mut scan: Scan) -> Vec<Place> {
    let found = places(scan.by_ref());
    assert_eq!(scan.problems(), []);
    found
}

/// A case's answer in pages of random length, each from the cursor that the one before gave; and how many they were. Oldest
/// first it ends with the first page that is not full, and the log may have grown meanwhile.
fn paged(store: &Store, case: &Case, random: &mut Random) -> (Vec<Place>, u64) {
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    let most = case.limit.unwrap_or(usize::MAX);
    while found.len() < most {
        let limit = (1 + random.index(40)).min(most - found.len());
        let page = page(store, case, &mut after, limit);
        pages += 1;
        let is_last = page.len() < limit;
        found.extend(page);
        if is_last {
            break;
        }
    }
    (found, pages)
}

fn page(store: &Store, case: &Case, after: &mut Option<String>, limit: usize) -> Vec<Place> {
    let position = after.as_ref().map(|cursor| store.position(cursor, &Scope::everything()).unwrap());
    let asked = Query { limit: Some(limit as u64), after: position, ..query(case) };
    let mut scan = store.view().scan(&Scope::everything(), &asked);
    let hits: Vec<_> = scan.by_ref().collect();
    assert_eq!(scan.problems(), []);
    if let Some(last) = hits.last() {
        *after = Some(store.cursor(&last.position().unwrap(), &Scope::everything()));
    }
    places(hits.into_iter())
}

/// Polls oldest first from one cursor to the next until everything was appended, then to the end.
fn follow(shared: &Shared<'_>, mut random: Random) -> Answered {
    let sample = loop {
        let known = shared.known.lock().unwrap();
        if !known.is_empty() {
            break known.clone();
        }
        drop(known);
        std::thread::yield_now();
    };
    let mut case = random_case(&sample, &mut random);
    (case.ascending, case.limit, case.from, case.to) = (true, None, None, None);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let is_over = shared.is_over.load(Ordering::Acquire);
        let limit = 1 + random.index(40);
        let page = page(shared.store, &case, &mut after, limit);
        let is_last = page.len() < limit;
        found.extend(page);
        if is_over && is_last {
            return Answered { case, floor: String::new(), answer: Answer::Followed(found) };
        }
    }
}

/// Whether the case says much: it finds some entries and not all.
fn check_beside(seed: u64, Answered { case, floor, answer }: &Answered, entries: &[Value]) -> bool {
    let all: Vec<&Value> = entries.iter().filter(|entry| is_found(case, entry)).collect();
    let owed = all.iter().filter(|entry| entry["logged_at"].as_str().unwrap() <= floor.as_str()).count();
    let owned = |own: &[&Value]| -> Vec<Place> {
        own.iter().map(|entry| place(entry)).map(|(service, seq)| (service.to_owned(), seq)).collect()
    };
    match answer {
        Answer::Count(count) => {
            let possible = owed as u64..=all.len() as u64;
            assert!(possible.contains(count), "seed {seed}: {count}, expected {possible:?}: {case:?}");
        }
        Answer::Followed(found) => assert_eq!(*found, owned(&all), "seed {seed}: followed {case:?}"),
        Answer::Places(found) => {
            let most = case.limit.unwrap_or(usize::MAX);
            let is_possible = (owed..=all.len()).any(|end| {
                let log = &all[..end];
                let own = match case.ascending {
                    true => &log[..end.min(most)],
                    false => &log[end - end.min(most)..],
                };
                own.len() == found.len() && {
                    let mut own = owned(own);
                    if !case.ascending {
                        own.reverse();
                    }
                    own == *found
                }
            });
            assert!(
                is_possible,
                "seed {seed}: {} entries are what no state of the log gives from {owed} to {} hits: {case:?}",
                found.len(),
                all.len()
            );
        }
    }
    (1..entries.len()).contains(&all.len())
}

fn check_after(seed: u64, when: &str, view: &View, case: &Case, entries: &[Value]) -> bool {
    let all: Vec<&Value> = entries.iter().filter(|entry| is_found(case, entry)).collect();
    let wanted = wanted(case, &all);
    let asked = query(case);
    let found = whole(view.scan(&Scope::everything(), &asked));
    assert!(
        found == wanted,
        "seed {seed}, {when}: {} entries, expected {}: {case:?}",
        found.len(),
        wanted.len()
    );
    let count = view.count(&Scope::everything(), &asked.filter);
    assert_eq!((count.entries, count.problems), (all.len() as u64, vec![]), "seed {seed}, {when}: {case:?}");
    let mut by_activity = BTreeMap::<&str, u64>::new();
    for entry in &all {
        *by_activity.entry(entry["activity"].as_str().unwrap()).or_default() += 1;
    }
    let facets = view.facets(&Scope::everything(), &asked.filter, Facet::Activity, usize::MAX);
    let facets: BTreeMap<&str, u64> =
        facets.values.iter().map(|(value, count)| (value.as_str(), *count)).collect();
    assert_eq!(facets, by_activity, "seed {seed}, {when}: {case:?}");
    let histogram = view.histogram(&Scope::everything(), &asked.filter, &[i64::MIN, i64::MAX]);
    let sum: u64 = histogram.counts.iter().flatten().sum();
    assert_eq!(sum, all.len() as u64, "seed {seed}, {when}: histogram of {case:?}");
    (1..entries.len()).contains(&all.len())
}

/// Gives the number of pages.
fn check_pages(seed: u64, store: &Store, case: &Case, entries: &[Value], random: &mut Random) -> u64 {
    let all: Vec<&Value> = entries.iter().filter(|entry| is_found(case, entry)).collect();
    let (found, pages) = paged(store, case, random);
    assert!(found == wanted(case, &all), "seed {seed}: pages of {case:?}");
    pages
}

fn wanted(case: &Case, all: &[&Value]) -> Vec<Place> {
    let own = all.iter().map(|entry| place(entry)).map(|(service, seq)| (service.to_owned(), seq));
    let mut own: Vec<Place> = own.collect();
    if !case.ascending {
        own.reverse();
    }
    own.truncate(case.limit.unwrap_or(usize::MAX));
    own
}
