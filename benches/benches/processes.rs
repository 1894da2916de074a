//! The table of processes: lists of a million, starts with the table and without, and what keeping it costs.
//! See benches/README.md.

use sealog_benches::Outcome;
use sealog_benches::data::bytes_below;
use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch, rate, show_bytes, show_rate, show_seconds};
use sealog_engine::batch::Batch;
use sealog_engine::model::{Entry, Process, ProcessEvent, Severity};
use sealog_engine::process::{Levels, ProcessFilter, Status};
use sealog_engine::scan::Scope;
use sealog_engine::store::{Options as StoreOptions, Store};
use std::path::Path;
use std::time::Duration;

/// Entries of a batch.
const BATCH_ENTRIES: usize = 1_000;
/// Processes of a page.
const PAGE: usize = 50;
/// Lists of one repetition.
const LISTS: usize = 40;
/// Of so many top processes one has a sub-process.
const WITH_SUB: u64 = 4;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[1_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    for &processes in &options.entries {
        let path = scratch.path().join("store");
        measure(&options, &path, processes)?;
        std::fs::remove_dir_all(path)?;
    }
    Ok(())
}

/// An ID as most producers draw theirs.
fn id(number: u64, kind: u64) -> String {
    let one = (number << 8 | kind).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let two = one.rotate_left(23).wrapping_mul(0xd6e8_feb8_6659_fd93);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        one >> 32,
        one >> 16 & 0xffff,
        one & 0xfff,
        two >> 52,
        two & 0xffff_ffff_ffff
    )
}

/// Entries of process number `number`, which lie among those of the ones around it.
fn entries(number: u64, put: &mut impl FnMut(Entry<'static>) -> Outcome<()>) -> Outcome<()> {
    const TYPES: [&str; 8] = [
        "directory.sync",
        "archive.run",
        "mailbox.import",
        "index.rebuild",
        "quota.check",
        "export.run",
        "backup.run",
        "rights.sync",
    ];
    let service = ["sync", "archive", "jobs"][(number % 3) as usize];
    // One in 20 000 is of a rare type.
    let activity = if number % 20_000 == 77 { "mailbox.empty" } else { TYPES[(number % 8) as usize] };
    let entry = |process: u64, kind: u64, event: ProcessEvent, severity: Severity| Entry {
        tenant: format!("tenant-{:04}", number * 7919 % 2_000).into(),
        service: service.into(),
        activity: activity.into(),
        severity,
        request_id: id(process, 3).into(),
        configuration_id: format!("c-{}", number % 5_000).into(),
        message: format!("{} items looked at, {} changed", process % 911, process % 13).into(),
        process: Some(Process {
            id: id(process, kind).into(),
            parent: if kind == 1 { id(process, 0).into() } else { "".into() },
            event,
        }),
        ..Entry::default()
    };
    let severity = match number {
        _ if number % 5_000 == 9 => Severity::Fatal,
        _ if number.is_multiple_of(50) => Severity::Warning,
        _ => Severity::Information,
    };
    put(entry(number, 0, ProcessEvent::Started, Severity::Information))?;
    // Those before it go on, and end: some badly, some never.
    if let Some(before) = number.checked_sub(60) {
        put(entry(before, 0, ProcessEvent::Message, severity))?;
        if before.is_multiple_of(WITH_SUB) {
            put(entry(before, 1, ProcessEvent::Started, Severity::Information))?;
            put(entry(before, 1, ProcessEvent::Finished, Severity::Information))?;
        }
        let end = match before {
            _ if before % 1_000 == 13 => return Ok(()),
            _ if before % 2_000 == 7 => ProcessEvent::Failed,
            _ => ProcessEvent::Finished,
        };
        put(entry(before, 0, end, Severity::Information))?;
    }
    Ok(())
}

/// Fills a store; gives how many entries there are.
fn fill(store: &Store, processes: usize) -> Outcome<usize> {
    let (mut batch, mut count) = (Batch::new(), 0);
    for number in 0..processes as u64 {
        entries(number, &mut |entry| {
            batch.push(&entry)?;
            count += 1;
            if batch.len() == BATCH_ENTRIES {
                store.append(std::mem::take(&mut batch))?;
            }
            Ok(())
        })?;
    }
    store.append(batch)?;
    Ok(count)
}

/// Memory of this process that no file backs.
fn heap_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) << 10
}

fn opened(path: &Path) -> Outcome<(Store, Duration, Duration)> {
    let watch = Stopwatch::start();
    let store = Store::open(path, StoreOptions::default())?;
    let open = watch.lap().wall;
    let watch = Stopwatch::start();
    store.processes().list(&Scope::everything(), &ProcessFilter::default(), None, 1)?;
    Ok((store, open, watch.lap().wall))
}

fn measure(options: &Options, path: &Path, processes: usize) -> Outcome<()> {
    let everything = Scope::everything();
    let store = Store::open(path, StoreOptions::default())?;
    let watch = Stopwatch::start();
    let count = fill(&store, processes)?;
    let filled = watch.lap();
    let watch = Stopwatch::start();
    store.processes().list(&everything, &ProcessFilter::default(), None, 1)?;
    let caught_up = watch.lap().wall;
    say(&format!(
        "{count} entries of {processes} processes appended at {}, {} of processor time; the first list took {} to catch up",
        show_rate(rate(count, filled.wall)),
        show_seconds(filled.cpu.as_secs_f64()),
        show_seconds(caught_up.as_secs_f64()),
    ));
    store.close()?;
    let before = heap_bytes();
    let (store, open, first) = opened(path)?;
    say(&format!(
        "opened in {}, first list {} later; {} of heap more, files of {}",
        show_seconds(open.as_secs_f64()),
        show_seconds(first.as_secs_f64()),
        show_bytes(heap_bytes().saturating_sub(before)),
        show_bytes(bytes_below(&path.join("derived"))?),
    ));
    lists(options, &store, processes)?;
    store.close()?;
    std::fs::remove_dir_all(path.join("derived"))?;
    let before = heap_bytes();
    let (store, _, first) = opened(path)?;
    say(&format!(
        "without the table it is made from {count} sealed entries in {}, {}; {} of heap more",
        show_seconds(first.as_secs_f64()),
        show_rate(rate(count, first)),
        show_bytes(heap_bytes().saturating_sub(before)),
    ));
    store.close()?;
    Ok(())
}

fn lists(options: &Options, store: &Store, processes: usize) -> Outcome<()> {
    let base = ProcessFilter::default();
    let statuses = |status| ProcessFilter { statuses: vec![status], ..ProcessFilter::default() };
    let tenants = vec!["tenant-0007".to_owned()];
    let request = id(processes as u64 / 3, 3);
    let cases = [
        ("newest 50", base.clone()),
        ("… sub-processes too", ProcessFilter { levels: Levels::All, ..base.clone() }),
        ("status = failed", statuses(Status::Failed)),
        ("status = running", statuses(Status::Running)),
        ("status = cancelled: none", statuses(Status::Cancelled)),
        ("a rare type", ProcessFilter { activities: vec!["mailbox.empty".into()], ..base.clone() }),
        (
            "severity ≥ error",
            ProcessFilter { severities: Some(vec![Severity::Error, Severity::Fatal]), ..base.clone() },
        ),
        ("a request ID", ProcessFilter { request_ids: vec![request], ..base.clone() }),
        ("a configuration", ProcessFilter { configuration_ids: vec!["c-77".into()], ..base.clone() }),
        ("a tenant", ProcessFilter { tenants, ..base }),
    ];
    let mut table = Table::new(["", "found", "time"]);
    for (name, filter) in cases {
        let mut seconds = Samples::default();
        let mut found = 0;
        for _ in 0..options.repeat {
            let mut all = Samples::default();
            for _ in 0..LISTS {
                let watch = Stopwatch::start();
                found = store.processes().list(&Scope::everything(), &filter, None, PAGE)?.processes.len();
                all.push(watch.lap().wall.as_secs_f64());
            }
            seconds.push(all.median());
        }
        table.row([name.to_owned(), found.to_string(), seconds.show(show_seconds)]);
    }
    let scope = Scope::tenants(vec!["tenant-0007".to_owned()], None);
    let page = store.processes().list(&scope, &ProcessFilter::default(), None, PAGE)?.processes;
    let mut seconds = Samples::default();
    for process in page.iter().cycle().take(1_000) {
        let watch = Stopwatch::start();
        store.processes().get(&scope, &process.tenant, &process.id)?.ok_or("a process that was listed")?;
        seconds.push(watch.lap().wall.as_secs_f64());
    }
    table.row(["one process".to_owned(), "1".to_owned(), show_seconds(seconds.median())]);
    table.print(&format!("{processes} top processes, {PAGE} a page; medians of {LISTS} lists"));
    Ok(())
}
