//! The table in portions, on disk and off it, against the fold of everything in memory.

use super::hash::NameHasher;
use super::list::{Cursor, Levels, ProcessFilter};
use super::own::{Event, Status};
use super::table::{ProcessBounds, Table};
use super::value::Process;
use crate::disk::{DirectoryDisk, Disk};
use crate::model::{ProcessEvent, Severity, Timestamp, Window};
use crate::scan::Scope;
use std::collections::BTreeSet;
use std::sync::Arc;

const STORE: [u8; 16] = [3; 16];
const SMALL: ProcessBounds = ProcessBounds { delta_rows: 16, spill_rows: 64, run_rows_max: 4096 };
const LARGE: ProcessBounds = ProcessBounds { delta_rows: usize::MAX, spill_rows: u32::MAX, run_rows_max: 1 };

fn hasher() -> NameHasher {
    NameHasher::new([9; 16])
}

struct Scratch(DirectoryDisk, std::path::PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let root = std::env::temp_dir().join(format!("sealog-table-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        let disk = DirectoryDisk::new(&root);
        disk.create_directory("").unwrap();
        Scratch(disk, root)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

fn leaf_of(service: &str, seq: u64) -> Option<[u8; 32]> {
    let mut leaf = [0; 32];
    leaf[..8].copy_from_slice(&seq.to_le_bytes());
    leaf[8] = u8::try_from(service.len()).unwrap();
    Some(leaf)
}

fn open(disk: &DirectoryDisk, bounds: ProcessBounds) -> Table {
    Table::open(disk, STORE, hasher(), bounds, leaf_of).unwrap()
}

/// Numbers that look drawn and are the same each time.
fn draw(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap() % below
}

/// Takes in entry number `seq` of a chain.
fn add(table: &mut Table, service: &Arc<str>, seq: u64, processes: usize) {
    let state = &mut (seq * 977 + service.len() as u64);
    let (own, parent) = (draw(state, processes), draw(state, processes));
    table.add(&Event {
        logged_at: Timestamp::from_nanos(i64::try_from(seq).unwrap() * 10),
        service,
        seq,
        tenant: ["acme", "globex", "initech"][draw(state, 3)],
        organization: ["", "", "", "north", "south"][draw(state, 5)],
        id: &format!("p{own}"),
        parent: &if draw(state, 3) == 0 { format!("p{parent}") } else { String::new() },
        event: ProcessEvent::ALL[draw(state, 6)],
        severity: Severity::ALL[draw(state, 36).isqrt()],
        activity: ["sync", "archive", "empty", "retire"][draw(state, 4)],
        request_id: &format!("r{}", own / 2),
        configuration_id: &format!("c{}", own / 5),
        generated_at: None,
        started: None,
        finished: None,
    });
    table.advance(service, seq + 1);
}

fn write(table: &mut Table, disk: &DirectoryDisk) {
    if let Some(merge) = table.spill(leaf_of) {
        finish(table, disk, &merge);
    }
    while let Some(merge) = table.merge_due() {
        finish(table, disk, &merge);
    }
}

fn finish(table: &mut Table, disk: &DirectoryDisk, merge: &super::merge::Merge) {
    let run = merge.run(disk, &STORE, hasher()).unwrap();
    for file in table.finish(merge, run) {
        disk.remove(&file).unwrap();
    }
}

fn filters() -> Vec<ProcessFilter> {
    let base = ProcessFilter { levels: Levels::All, ..ProcessFilter::default() };
    let at = |nanos: i64| Some(Timestamp::from_nanos(nanos));
    vec![
        base.clone(),
        ProcessFilter::default(),
        ProcessFilter { statuses: vec![Status::Failed], ..ProcessFilter::default() },
        ProcessFilter { statuses: vec![Status::Running, Status::CancelRequested], ..base.clone() },
        ProcessFilter {
            severities: Some(vec![Severity::Error, Severity::Fatal]),
            ..ProcessFilter::default()
        },
        ProcessFilter { severities: Some(vec![]), ..base.clone() },
        ProcessFilter { activities: vec!["retire".into(), "none".into()], ..base.clone() },
        ProcessFilter { request_ids: vec!["r7".into()], ..base.clone() },
        ProcessFilter { configuration_ids: vec!["c3".into(), "c4".into()], ..base.clone() },
        ProcessFilter { tenants: vec!["globex".into(), "nobody".into()], ..base.clone() },
        ProcessFilter { organizations: vec!["north".into()], ..base.clone() },
        ProcessFilter { started: Window { from: at(400), to: at(900) }, ..base.clone() },
        ProcessFilter { finished: Window { from: at(500), to: None }, ..base },
    ]
}

fn scopes() -> Vec<Scope> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    vec![
        Scope::everything(),
        Scope::tenants(names(&["acme", "globex"]), None),
        Scope::tenants(names(&["acme"]), Some(names(&["north"]))),
        Scope::tenants(names(&["acme", "initech"]), Some(names(&["south", "north"]))),
    ]
}

fn all(table: &Table, scope: &Scope, filter: &ProcessFilter, page: usize) -> Vec<Process> {
    let mut found = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = table.list(scope, filter, cursor.as_ref(), page);
        found.extend(page.processes);
        let Some(next) = page.next else { return found };
        cursor = Some(Cursor::parse(&next.to_string()).unwrap());
    }
}

fn compare(table: &Table, wanted: &Table, what: &str) {
    assert!(!table.is_damaged(), "{what}");
    for scope in scopes() {
        for filter in filters() {
            let right = all(wanted, &scope, &filter, usize::MAX);
            assert_eq!(all(table, &scope, &filter, 7), right, "{what}, {scope:?}, {filter:?}");
            assert_eq!(all(table, &scope, &filter, usize::MAX), right, "{what}, {scope:?}, {filter:?}");
            for process in right.iter().step_by(5) {
                assert_eq!(table.get(&scope, &process.tenant, &process.id).as_ref(), Some(process), "{what}");
                let below = |table: &Table| {
                    table
                        .sub_processes(&scope, &process.tenant, &process.id)
                        .into_iter()
                        .collect::<BTreeSet<_>>()
                };
                assert_eq!(below(table), below(wanted), "{what}, {}", process.id);
            }
        }
    }
}

#[test]
fn lists_are_what_the_fold_of_everything_gives_across_runs_merges_and_starts() {
    let scratch = Scratch::new("lists");
    let services: [Arc<str>; 2] = ["mail-api".into(), "sync".into()];
    let mut wanted = Table::new(STORE, hasher(), LARGE);
    let mut table = open(&scratch.0, SMALL);
    for seq in 0..1_500 {
        for service in &services {
            add(&mut table, service, seq, 60 + usize::try_from(seq).unwrap() / 2);
            add(&mut wanted, service, seq, 60 + usize::try_from(seq).unwrap() / 2);
        }
        if table.is_spill_due() {
            write(&mut table, &scratch.0);
        }
        if seq % 370 == 369 {
            compare(&table, &wanted, &format!("behind entry {seq}"));
            write(&mut table, &scratch.0);
            table = open(&scratch.0, SMALL);
            assert_eq!(table.position("sync"), seq + 1, "a start has what was written");
            compare(&table, &wanted, &format!("opened behind entry {seq}"));
        }
    }
    assert!(table.runs.slots.len() < 14, "{} runs", table.runs.slots.len());
}

#[test]
fn a_merge_beside_which_entries_come_loses_none_of_them() {
    let scratch = Scratch::new("beside");
    let service: Arc<str> = "mail-api".into();
    let mut wanted = Table::new(STORE, hasher(), LARGE);
    let mut table = open(&scratch.0, SMALL);
    for seq in 0..900 {
        add(&mut wanted, &service, seq, 200);
    }
    let mut seq = 0;
    let mut more = |table: &mut Table| {
        for _ in 0..90 {
            add(table, &service, seq, 200);
            seq += 1;
        }
    };
    more(&mut table);
    for _ in 0..9 {
        let merge = table.spill(leaf_of).or_else(|| table.merge_due());
        let run = merge.as_ref().map(|merge| merge.run(&scratch.0, &STORE, hasher()).unwrap());
        more(&mut table);
        if let (Some(merge), Some(run)) = (merge, run) {
            table.finish(&merge, run);
        }
    }
    compare(&table, &wanted, "beside merges");
}

#[test]
fn what_does_not_read_or_belongs_to_other_entries_is_not_believed() {
    let scratch = Scratch::new("believed");
    let service: Arc<str> = "mail-api".into();
    let fill = |table: &mut Table| {
        for seq in 0..300 {
            add(table, &service, seq, 200);
            if table.is_spill_due() {
                write(table, &scratch.0);
            }
        }
        write(table, &scratch.0);
    };
    let mut table = open(&scratch.0, SMALL);
    fill(&mut table);
    drop(table);
    // Other entries, and a chain that is shorter.
    let other = |_: &str, _: u64| Some([1; 32]);
    let table = Table::open(&scratch.0, STORE, hasher(), SMALL, other).unwrap();
    assert_eq!((table.position("mail-api"), table.memory_rows()), (0, 0));
    assert_eq!(scratch.0.list(super::merge::DIRECTORY).unwrap(), Vec::<String>::new(), "files are gone");
    // Damage of any file.
    let mut table = open(&scratch.0, SMALL);
    fill(&mut table);
    drop(table);
    let directory = scratch.1.join(super::merge::DIRECTORY);
    let mut names: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(open(&scratch.0, SMALL).position("mail-api") == 300);
    let bytes = std::fs::read(&names[0]).unwrap();
    std::fs::OpenOptions::new().write(true).open(&names[0]).unwrap().set_len(bytes.len() as u64 / 2).unwrap();
    assert_eq!(open(&scratch.0, SMALL).position("mail-api"), 0);
}

#[test]
fn a_tenant_that_is_forgotten_is_nowhere_and_the_others_are_as_before() {
    let (scratch, beside) = (Scratch::new("forgotten"), Scratch::new("forgotten-beside"));
    let service: Arc<str> = "mail-api".into();
    let mut wanted = Table::new(STORE, hasher(), LARGE);
    let mut table = open(&scratch.0, SMALL);
    for seq in 0..700 {
        add(&mut table, &service, seq, 300);
        add(&mut wanted, &service, seq, 300);
        if table.is_spill_due() {
            write(&mut table, &scratch.0);
        }
    }
    table.forget_tenant("globex", &scratch.0, leaf_of).unwrap();
    wanted.forget_tenant("globex", &beside.0, leaf_of).unwrap();
    let filter =
        ProcessFilter { tenants: vec!["globex".into()], levels: Levels::All, ..ProcessFilter::default() };
    for table in [&table, &open(&scratch.0, SMALL)] {
        assert_eq!(all(table, &Scope::everything(), &filter, 50), []);
        let rest = ProcessFilter { levels: Levels::All, ..ProcessFilter::default() };
        assert!(all(table, &Scope::everything(), &rest, 50).len() > 200);
        assert!(table.find("globex", "p7").is_none());
    }
    compare(&open(&scratch.0, SMALL), &wanted, "opened");
    for name in scratch.0.list(super::merge::DIRECTORY).unwrap() {
        let bytes = std::fs::read(scratch.1.join(super::merge::DIRECTORY).join(&name)).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"globex"), "{name} still names the tenant");
    }
}
