//! The table of processes of real stores, against a plain fold of everything that a scan gives.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::batch::Batch;
use sealog_engine::disk::Disk;
use sealog_engine::model::{Entry, Process as ProcessField, ProcessEvent, Severity, Timestamp};
use sealog_engine::process::{Cursor, Levels, Process, ProcessBounds, ProcessFilter, Status};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Hit, Log, Order, Query, Scan, Scope};
use sealog_engine::store::{Bounds, Options, Store};
use sealog_tests::command::Scratch;
use sealog_tests::sample;
use sealog_tests::simulation::clock::SimulatedClock;
use sealog_tests::simulation::disk::{Act, Effect, Fault, Moment, SimulatedDisk};
use sealog_tests::simulation::random::Random;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    processes: ProcessBounds { delta_rows: 7, spill_rows: 20, run_rows_max: 4096 },
};
const DIRECTORY: &str = "derived/processes";

fn options(seed: u64) -> Options {
    Options { bounds: SMALL, ..sample::options(seed) }
}

fn open(disk: &SimulatedDisk, seed: u64) -> Store {
    Store::open_on(Arc::new(disk.clone()), options(seed)).unwrap()
}

/// An entry of a process, with a parent unless that is empty.
fn entry(service: &str, tenant: &str, id: &str, parent: &str, event: ProcessEvent) -> Entry<'static> {
    Entry {
        activity: "sync".into(),
        process: Some(ProcessField { id: id.to_owned().into(), parent: parent.to_owned().into(), event }),
        ..sample::entry(service, tenant, 0)
    }
}

fn append(store: &Store, entries: &[Entry<'_>]) {
    let mut batch = Batch::new();
    entries.iter().for_each(|entry| batch.push(entry).unwrap());
    store.append(batch).unwrap();
}

/// A batch of entries of any processes, and of none.
fn drawn(random: &mut Random, processes: usize) -> Vec<Entry<'static>> {
    let count = 1 + random.index(8);
    let one = |random: &mut Random| {
        let service = *random.pick(&["mail-api", "portal", "sync"]);
        let tenant = *random.pick(&["acme", "globex"]);
        if random.chance(64) {
            return sample::entry(service, tenant, 0);
        }
        let id = format!("p{}", random.index(processes));
        let parent = match random.chance(90) {
            true => format!("p{}", random.index(processes)),
            false => String::new(),
        };
        let event = *random.pick(&ProcessEvent::ALL);
        let times = |random: &mut Random| {
            random.chance(60).then(|| Timestamp::from_nanos(random.below(1 << 30).cast_signed()))
        };
        Entry {
            organization: (*random.pick(&["", "", "", "north"])).into(),
            severity: *random.pick(&Severity::ALL),
            request_id: format!("r{}", random.index(9)).into(),
            configuration_id: (*random.pick(&["", "c1", "c2"])).into(),
            activity: (*random.pick(&["sync", "archive.empty", "retire"])).into(),
            generated_at: times(random),
            started: times(random),
            finished: times(random),
            ..entry(service, tenant, &id, &parent, event)
        }
    };
    (0..count).map(|_| one(random)).collect()
}

/// One entry, as the plain fold reads it.
#[derive(Clone)]
struct Seen {
    at: (Timestamp, String, u64),
    entry: Entry<'static>,
    process: ProcessField<'static>,
}

/// All entries with a process that a scope shows, oldest first.
fn seen(store: &Store, scope: &Scope) -> Vec<Seen> {
    let filter = Filter { log: Log::Process, ..Filter::default() };
    let mut scan = store.scan(scope, &Query { filter, order: Order::Ascending, ..Query::default() });
    let mut all = Vec::new();
    for hit in scan.by_ref() {
        let committed = hit.committed().unwrap();
        let (entry, process) = (committed.entry, hit.committed().unwrap().entry.process.unwrap());
        all.push(Seen {
            at: (hit.logged_at(), entry.service.to_string(), hit.seq()),
            entry: Entry {
                tenant: entry.tenant.to_string().into(),
                organization: entry.organization.to_string().into(),
                severity: entry.severity,
                activity: entry.activity.to_string().into(),
                request_id: entry.request_id.to_string().into(),
                configuration_id: entry.configuration_id.to_string().into(),
                generated_at: entry.generated_at,
                started: entry.started,
                finished: entry.finished,
                ..Entry::default()
            },
            process: ProcessField {
                id: process.id.to_string().into(),
                parent: process.parent.to_string().into(),
                event: process.event,
            },
        });
    }
    assert_eq!(scan.problems(), []);
    all
}

/// What a process is, by what it is told as; whether it is listed at the top.
type Told = BTreeMap<(String, String), (String, bool)>;

/// The plain fold: everything at once, from all entries in their order.
fn folded(all: &[Seen]) -> Told {
    let name = |seen: &Seen| (seen.entry.tenant.to_string(), seen.process.id.to_string());
    let mut own: BTreeMap<(String, String), Vec<&Seen>> = BTreeMap::new();
    all.iter().for_each(|seen| own.entry(name(seen)).or_default().push(seen));
    // The first parent that is given.
    let link = |seen: &&&Seen| !seen.process.parent.is_empty();
    let mut links: BTreeMap<(String, String), &Seen> =
        own.iter().filter_map(|(name, own)| Some((name.clone(), *own.iter().find(link)?))).collect();
    let above = |links: &BTreeMap<(String, String), &Seen>, name: &(String, String)| {
        Some((name.0.clone(), links.get(name)?.process.parent.to_string()))
    };
    // The newest link of a cycle of at most 32 is none.
    let is_cut = |name: &(String, String)| {
        let (mut next, mut newest) = (name.clone(), &links[name].at);
        for _ in 0..32 {
            let Some(parent) = above(&links, &next) else { return false };
            if parent == *name {
                return *newest == links[name].at;
            }
            let Some(link) = links.get(&parent) else { return false };
            newest = newest.max(&link.at);
            next = parent;
        }
        false
    };
    let cut: Vec<_> = links.keys().filter(|name| is_cut(name)).cloned().collect();
    for name in &cut {
        links.remove(name);
    }
    let mut whole: BTreeMap<(String, String), Vec<Severity>> = BTreeMap::new();
    for seen in all {
        let mut next = Some(name(seen));
        for _ in 0..=32 {
            let Some(name) = next else { break };
            next = above(&links, &name);
            whole.entry(name).or_default().push(seen.entry.severity);
        }
    }
    let told = |(tenant, id): &(String, String)| {
        let name = (tenant.clone(), id.clone());
        let (entries, whole) = (&own[&name], &whole[&name]);
        let origin = entries.iter().find(|seen| seen.process.event == ProcessEvent::Started);
        let origin = origin.unwrap_or(&entries[0]);
        let end = entries.iter().find_map(|seen| match seen.process.event {
            ProcessEvent::Finished => Some((Status::Finished, seen)),
            ProcessEvent::Failed => Some((Status::Failed, seen)),
            ProcessEvent::Cancelled => Some((Status::Cancelled, seen)),
            _ => None,
        });
        let was_asked = entries.iter().any(|seen| seen.process.event == ProcessEvent::CancelRequested);
        let asked = if was_asked { Status::CancelRequested } else { Status::Running };
        let status = end.map_or(asked, |(status, _)| status);
        let time =
            |seen: &Seen, time: Option<Timestamp>| time.or(seen.entry.generated_at).unwrap_or(seen.at.0);
        let started = time(origin, origin.entry.started);
        let finished = end.map(|(_, seen)| time(seen, seen.entry.finished));
        let severity = whole.iter().max().unwrap();
        let (first, last) = (&entries[0].at, &entries[entries.len() - 1].at);
        let parent = above(&links, &name);
        let is_top = parent.as_ref().is_none_or(|parent| !own.contains_key(parent));
        let parent = parent.map(|(_, parent)| parent);
        let line = format!(
            "{} {} {} {} {started} {finished:?} {status:?} {severity} {first:?} {last:?} {} {} {}",
            origin.entry.organization,
            origin.entry.activity,
            origin.entry.request_id,
            origin.entry.configuration_id,
            whole.len(),
            entries.len(),
            parent.unwrap_or_default(),
        );
        (line, is_top)
    };
    own.keys().map(|name| (name.clone(), told(name))).collect()
}

fn told(process: &Process) -> String {
    let point =
        |point: &sealog_engine::process::Point| (point.logged_at, point.service.to_string(), point.seq);
    format!(
        "{} {} {} {} {} {:?} {:?} {} {:?} {:?} {} {} {}",
        process.organization,
        process.activity,
        process.request_id,
        process.configuration_id,
        process.started,
        process.finished,
        process.status,
        process.severity,
        point(&process.first),
        point(&process.last),
        process.entry_count(),
        process.own_count,
        process.parent,
    )
}

fn list(store: &Store, scope: &Scope, filter: &ProcessFilter, page: usize) -> Vec<Process> {
    let mut found = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = store.processes().list(scope, filter, cursor.as_ref(), page).unwrap();
        found.extend(page.processes);
        let Some(next) = page.next else { return found };
        cursor = Some(Cursor::parse(&next.to_string()).unwrap());
    }
}

/// Holds the table against the plain fold.
fn check(store: &Store, scope: &Scope, what: &str) {
    let wanted = folded(&seen(store, scope));
    for levels in [Levels::All, Levels::Top] {
        let found = list(store, scope, &ProcessFilter { levels, ..ProcessFilter::default() }, 11);
        assert!(found.is_sorted_by(|a, b| a.first > b.first), "{what}: newest first");
        let found: BTreeMap<_, _> = found
            .iter()
            .map(|process| ((process.tenant.to_string(), process.id.to_string()), told(process)))
            .collect();
        let wanted = wanted.iter().filter(|(_, (_, is_top))| levels == Levels::All || *is_top);
        let wanted: BTreeMap<_, _> = wanted.map(|(name, (line, _))| (name.clone(), line.clone())).collect();
        for (name, line) in &wanted {
            assert_eq!(found.get(name), Some(line), "{what}, {levels:?}, {name:?}");
        }
        assert_eq!(found.len(), wanted.len(), "{what}, {levels:?}");
    }
}

#[test]
fn the_table_is_the_fold_of_what_a_scan_gives_across_seals_starts_and_power_cuts() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let mut disk = SimulatedDisk::new(seed);
        let clock = Arc::new(SimulatedClock::default());
        let opened = |disk: &SimulatedDisk| {
            let options = Options { clock: Arc::clone(&clock) as _, ..options(seed) };
            Store::open_on(Arc::new(disk.clone()), options).unwrap()
        };
        let mut store = opened(&disk);
        for step in 0..160 {
            append(&store, &drawn(&mut random, 10 + step / 3));
            clock.pass(1_000_000);
            let what = format!("seed {seed}, step {step}");
            match random.below(24) {
                0 => {
                    store.close().unwrap();
                    store = opened(&disk);
                    check(&store, &Scope::everything(), &format!("{what}, stopped"));
                }
                1 => {
                    let next = disk.power_cut();
                    drop(store);
                    disk = next;
                    store = opened(&disk);
                    check(&store, &Scope::everything(), &format!("{what}, power cut"));
                }
                2 => check(&store, &Scope::everything(), &what),
                3 => {
                    let scope = Scope::tenants(vec!["globex".into()], None);
                    check(&store, &scope, &what);
                }
                _ => {}
            }
        }
        let runs = disk.list(DIRECTORY).unwrap();
        assert!(!runs.is_empty(), "seed {seed}: nothing was written");
    }
}

#[test]
fn a_power_cut_at_any_change_of_the_tables_files_leaves_a_right_table() {
    // How far each run of the same story comes.
    let mut at = 1;
    loop {
        let disk = SimulatedDisk::new(at);
        let mut random = Random::new(5);
        let mut store = open(&disk, 5);
        for _ in 0..60 {
            append(&store, &drawn(&mut random, 40));
        }
        let before = disk.changes();
        // Writes all that is due.
        let listed = list(&store, &Scope::everything(), &ProcessFilter::default(), 1000);
        let changes = disk.changes() - before;
        assert!(!listed.is_empty());
        store.close().unwrap();
        if at > changes {
            assert!(at > 10, "the table's files change {changes} times");
            return;
        }
        // The same again, cut at that change.
        let disk = SimulatedDisk::new(at);
        let mut random = Random::new(5);
        store = open(&disk, 5);
        for _ in 0..60 {
            append(&store, &drawn(&mut random, 40));
        }
        let effect = Effect::ALL[usize::try_from(at).unwrap() % Effect::ALL.len()];
        disk.plan(&[Fault { at: Moment::Change(before + at), effect, act: Act::Die }]);
        let _ = store.processes().list(&Scope::everything(), &ProcessFilter::default(), None, 10);
        let next = disk.power_cut();
        drop(store);
        store = open(&next, 6);
        check(&store, &Scope::everything(), &format!("cut at change {at}"));
        at += 1;
    }
}

#[test]
fn a_table_that_is_gone_damaged_or_of_another_secret_is_made_again() {
    let disk = SimulatedDisk::new(1);
    let mut random = Random::new(1);
    let fill = |store: Store, random: &mut Random| {
        for _ in 0..40 {
            append(&store, &drawn(random, 30));
        }
        check(&store, &Scope::everything(), "filled");
        store.close().unwrap();
    };
    fill(open(&disk, 1), &mut random);
    let files = || {
        let mut names = disk.list(DIRECTORY).unwrap();
        names.sort();
        names.into_iter().map(|name| format!("{DIRECTORY}/{name}")).collect::<Vec<_>>()
    };
    assert!(!files().is_empty());
    for file in files() {
        disk.erase(&file);
    }
    fill(open(&disk, 2), &mut random);
    for file in files() {
        let mut bytes = disk.bytes(&file).unwrap();
        let at = random.index(bytes.len());
        bytes[at] ^= 1 << random.index(8);
        disk.put(&file, &bytes);
        fill(open(&disk, 3), &mut random);
        if disk.bytes(&file).is_none() {
            break;
        }
    }
    // The oldest of several is gone.
    if let [oldest, _, ..] = &files()[..] {
        disk.erase(oldest);
        fill(open(&disk, 4), &mut random);
    }
    disk.erase("keys/idempotency");
    fill(open(&disk, 5), &mut random);
    let stray = format!("{DIRECTORY}/00000001-00009999.run");
    disk.put(&stray, b"SLGPRC");
    let store = open(&disk, 6);
    check(&store, &Scope::everything(), "a stray file");
    assert!(disk.bytes(&stray).is_none());
}

#[test]
fn a_start_reads_what_was_written_and_what_lies_behind_it() {
    let disk = SimulatedDisk::new(2);
    let mut random = Random::new(2);
    let store = open(&disk, 2);
    for _ in 0..60 {
        append(&store, &drawn(&mut random, 60));
    }
    check(&store, &Scope::everything(), "before");
    store.close().unwrap();
    let files = disk.list(DIRECTORY).unwrap();
    let store = open(&disk, 3);
    check(&store, &Scope::everything(), "again");
    store.close().unwrap();
    assert_eq!(disk.list(DIRECTORY).unwrap(), files, "nothing was made again");
}

#[test]
fn a_full_disk_costs_the_table_nothing_but_its_files() {
    let disk = SimulatedDisk::new(3);
    let mut random = Random::new(3);
    let store = open(&disk, 3);
    disk.fill(Some("derived"));
    for _ in 0..60 {
        append(&store, &drawn(&mut random, 60));
    }
    check(&store, &Scope::everything(), "full");
    disk.fill(None);
    append(&store, &drawn(&mut random, 60));
    check(&store, &Scope::everything(), "room again");
    store.close().unwrap();
    assert!(!disk.list(DIRECTORY).unwrap().is_empty());
    check(&open(&disk, 4), &Scope::everything(), "opened");
}

fn get(store: &Store, tenant: &str, id: &str) -> Process {
    store.processes().get(&Scope::everything(), tenant, id).unwrap().unwrap()
}

fn ids(store: &Store, filter: &ProcessFilter) -> Vec<String> {
    let found = list(store, &Scope::everything(), filter, 100);
    found.iter().map(|process| process.id.to_string()).collect()
}

#[test]
fn late_messages_missing_starts_unfinished_runs_and_parents_that_come_later() {
    use ProcessEvent::{CancelRequested, Cancelled, Finished, Message, Started};
    let disk = SimulatedDisk::new(4);
    let store = open(&disk, 4);
    let top = ProcessFilter::default();
    // A sub-process overtakes its parent: listed until that comes.
    append(
        &store,
        &[Entry { severity: Severity::Error, ..entry("sync", "acme", "child", "parent", Started) }],
    );
    assert_eq!(ids(&store, &top), ["child"]);
    append(&store, &[Entry { request_id: "r-1".into(), ..entry("portal", "acme", "parent", "", Started) }]);
    assert_eq!(ids(&store, &top), ["parent"]);
    let parent = get(&store, "acme", "parent");
    assert_eq!((parent.severity, parent.entry_count(), parent.own_count), (Severity::Error, 2, 1));
    // It ends, and its sub-process goes on.
    append(&store, &[entry("portal", "acme", "parent", "", Finished)]);
    append(&store, &[Entry { severity: Severity::Fatal, ..entry("sync", "acme", "child", "", Message) }]);
    let parent = get(&store, "acme", "parent");
    assert_eq!((parent.status, parent.severity), (Status::Finished, Severity::Fatal));
    assert_eq!(get(&store, "acme", "child").status, Status::Running);
    assert!(parent.finished.is_some_and(|finished| finished < get(&store, "acme", "child").last.logged_at));
    // No start: the oldest entry tells.
    let lost = Entry { activity: "archive.empty".into(), ..entry("sync", "acme", "lost", "", Message) };
    append(&store, &[lost]);
    append(&store, &[entry("sync", "acme", "lost", "", CancelRequested)]);
    let lost = get(&store, "acme", "lost");
    assert_eq!(
        (&*lost.activity, lost.status, lost.finished),
        ("archive.empty", Status::CancelRequested, None)
    );
    append(&store, &[entry("sync", "acme", "lost", "", Cancelled)]);
    assert_eq!(get(&store, "acme", "lost").status, Status::Cancelled);
    assert!(get(&store, "acme", "lost").is_cancel_requested);
    // A start that comes late tells more, and how a process ended it does not change.
    append(&store, &[entry("portal", "acme", "lost", "", Started)]);
    let lost = get(&store, "acme", "lost");
    assert_eq!((&*lost.activity, lost.status), ("sync", Status::Cancelled));
    // A cycle is cut at its newest link.
    append(&store, &[entry("sync", "acme", "parent", "child", Message)]);
    assert_eq!(ids(&store, &top), ["lost", "parent"]);
    assert_eq!(get(&store, "acme", "parent").entry_count(), 5);
    assert_eq!(
        store.processes().sub_processes(&Scope::everything(), "acme", "parent").unwrap(),
        ["child".into()]
    );
    // The same IDs of another tenant are others.
    append(&store, &[entry("sync", "globex", "child", "parent", Started)]);
    assert_eq!(get(&store, "acme", "parent").entry_count(), 5);
    assert_eq!(ids(&store, &top), ["child", "lost", "parent"]);
    let found = ProcessFilter { statuses: vec![Status::Cancelled], ..top };
    assert_eq!(ids(&store, &found), ["lost"]);
    check(&store, &Scope::everything(), "at the end");
}

#[test]
fn nobody_is_told_of_a_process_or_an_entry_outside_of_the_scope() {
    let disk = SimulatedDisk::new(5);
    let mut store = open(&disk, 5);
    let of = |organization: &str, entry: Entry<'static>| Entry {
        organization: organization.to_owned().into(),
        ..entry
    };
    append(
        &store,
        &[
            of("", entry("sync", "acme", "all", "", ProcessEvent::Started)),
            of("north", entry("sync", "acme", "n", "all", ProcessEvent::Started)),
            of("south", entry("sync", "acme", "s", "n", ProcessEvent::Failed)),
            of("north", entry("sync", "acme", "mixed", "", ProcessEvent::Message)),
            of("south", entry("sync", "acme", "mixed", "n", ProcessEvent::Failed)),
            of("north", entry("sync", "globex", "g", "", ProcessEvent::Started)),
        ],
    );
    for round in ["in memory", "on disk"] {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let seen = |scope: &Scope, levels| {
            let found = list(&store, scope, &ProcessFilter { levels, ..ProcessFilter::default() }, 2);
            found.iter().map(|process| process.id.to_string()).collect::<Vec<_>>()
        };
        let acme = Scope::tenants(names(&["acme"]), None);
        assert_eq!(seen(&acme, Levels::All), ["mixed", "s", "n", "all"], "{round}");
        assert_eq!(seen(&acme, Levels::Top), ["all"]);
        assert!(store.processes().get(&acme, "globex", "g").unwrap().is_none());
        assert_eq!(store.processes().sub_processes(&acme, "globex", "g").unwrap(), []);
        let north = Scope::tenants(names(&["acme"]), Some(names(&["north"])));
        assert_eq!(seen(&north, Levels::All), ["mixed", "n"], "{round}");
        assert_eq!(seen(&north, Levels::Top), ["mixed", "n"]);
        let mixed = store.processes().get(&north, "acme", "mixed").unwrap().unwrap();
        assert_eq!((mixed.status, &*mixed.parent, mixed.entry_count()), (Status::Running, "", 1));
        let n = store.processes().get(&north, "acme", "n").unwrap().unwrap();
        assert_eq!((n.entry_count(), &*n.parent), (1, "all"));
        assert!(store.processes().get(&north, "acme", "s").unwrap().is_none());
        let failed =
            ProcessFilter { statuses: vec![Status::Failed], levels: Levels::All, ..ProcessFilter::default() };
        assert_eq!(list(&store, &north, &failed, 10), []);
        let nobody = Scope::tenants(Vec::new(), None);
        assert_eq!(seen(&nobody, Levels::All), [""; 0]);
        store.close().unwrap();
        store = open(&disk, 6);
    }
}

#[test]
fn a_cursor_stays_right_while_processes_come() {
    let disk = SimulatedDisk::new(6);
    let store = open(&disk, 6);
    let start = |number: u32| entry("sync", "acme", &format!("p{number}"), "", ProcessEvent::Started);
    for number in 0..50 {
        append(&store, &[start(number)]);
    }
    let (mut cursor, mut found) = (None, Vec::new());
    for round in 50_u32.. {
        let filter = ProcessFilter::default();
        let page = store.processes().list(&Scope::everything(), &filter, cursor.as_ref(), 7).unwrap();
        found.extend(page.processes.iter().map(|process| process.id.to_string()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        append(
            &store,
            &[start(round), entry("portal", "acme", &format!("p{}", round % 50), "", ProcessEvent::Message)],
        );
    }
    let wanted: Vec<String> = (0..50).rev().map(|number| format!("p{number}")).collect();
    assert_eq!(found, wanted);
    for text in ["", "0", "zz", "00ff", &"a".repeat(1000), "ABCDEF"] {
        assert!(Cursor::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_store_with_threads_tells_what_was_acknowledged_before() {
    let scratch = Scratch::new();
    let options = Options { bounds: SMALL, ..Options::default() };
    let mut random = Random::new(7);
    for round in 0..3 {
        let store = Store::open(scratch.store(), options.clone()).unwrap();
        std::thread::scope(|threads| {
            for writer in 0..3 {
                let store = &store;
                threads.spawn(move || {
                    for number in 0..25 {
                        let id = format!("{round}-{writer}-{number}");
                        append(store, &[entry("sync", "acme", &id, "", ProcessEvent::Started)]);
                        append(store, &[entry("portal", "acme", &id, "", ProcessEvent::Finished)]);
                        let process = get(store, "acme", &id);
                        assert_eq!((process.status, process.entry_count()), (Status::Finished, 2));
                        let newest = ids(store, &ProcessFilter::default());
                        assert!(newest.contains(&id), "{id} is acknowledged");
                    }
                });
            }
        });
        append(&store, &drawn(&mut random, 20));
        check(&store, &Scope::everything(), &format!("round {round}"));
        store.close().unwrap();
    }
}

#[test]
fn a_tenant_is_folded_anew_from_what_the_log_has() {
    let disk = SimulatedDisk::new(8);
    let mut random = Random::new(8);
    let store = open(&disk, 8);
    for _ in 0..80 {
        append(&store, &drawn(&mut random, 50));
    }
    check(&store, &Scope::everything(), "before");
    store.processes().refold_tenant("acme").unwrap();
    check(&store, &Scope::everything(), "anew");
    store.close().unwrap();
    check(&open(&disk, 9), &Scope::everything(), "opened");
}

/// Places of the entries of processes and what is below them, from the plain fold's links.
fn of_family(all: &[Seen], ids: &[&str]) -> Vec<(String, u64)> {
    let told = folded(all);
    let parent = |tenant: &str, id: &str| {
        let line = &told.get(&(tenant.to_owned(), id.to_owned()))?.0;
        line.rsplit(' ').next().filter(|parent| !parent.is_empty()).map(str::to_owned)
    };
    let is_of_it = |seen: &&Seen| {
        let (tenant, mut next) = (&seen.entry.tenant, seen.process.id.to_string());
        for _ in 0..=32 {
            if ids.contains(&&*next) {
                return true;
            }
            let Some(above) = parent(tenant, &next) else { return false };
            next = above;
        }
        false
    };
    all.iter().filter(is_of_it).map(|seen| (seen.at.1.clone(), seen.at.2)).collect()
}

#[test]
fn entries_of_a_process_are_those_of_its_sub_processes_too_with_a_table_and_without() {
    for seed in 0..3 {
        let disk = SimulatedDisk::new(seed);
        let mut random = Random::new(seed);
        let store = open(&disk, seed);
        for _ in 0..70 {
            append(&store, &drawn(&mut random, 40));
        }
        let reader = Reader::open_on(&disk.observer()).unwrap();
        let scopes = [Scope::everything(), Scope::tenants(vec!["globex".into()], None)];
        for scope in &scopes {
            let all = seen(&store, scope);
            for number in 0..44 {
                let other = format!("p{}", random.index(40));
                let id = format!("p{number}");
                let ids: Vec<&str> = if number % 5 == 0 { vec![&id, &other] } else { vec![&id] };
                let processes = ids.iter().map(|id| (*id).to_owned()).collect();
                let severities = (number % 3 == 0).then(|| vec![Severity::Error, Severity::Fatal]);
                let filter = Filter { processes, severities: severities.clone(), ..Filter::default() };
                let query = Query { filter: filter.clone(), order: Order::Ascending, ..Query::default() };
                let wanted = of_family(&all, &ids);
                let is_severe = |place: &&(String, u64)| {
                    let own = all.iter().find(|seen| (&seen.at.1, seen.at.2) == (&place.0, place.1)).unwrap();
                    severities.as_ref().is_none_or(|wanted| wanted.contains(&own.entry.severity))
                };
                let wanted: Vec<_> = wanted.iter().filter(is_severe).cloned().collect();
                let places = |mut scan: Scan| {
                    let place = |hit: Hit| (hit.committed().unwrap().entry.service.to_string(), hit.seq());
                    let found: Vec<_> = scan.by_ref().map(place).collect();
                    assert_eq!(scan.problems(), []);
                    found
                };
                assert_eq!(places(store.scan(scope, &query)), wanted, "seed {seed}, {ids:?}, the table");
                assert_eq!(places(reader.scan(scope, &query)), wanted, "seed {seed}, {ids:?}, none");
                assert_eq!(store.count(scope, &filter).entries, wanted.len() as u64);
                assert_eq!(reader.view().count(scope, &filter).entries, wanted.len() as u64);
            }
        }
    }
}
