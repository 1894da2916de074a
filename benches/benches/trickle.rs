//! Many quiet chains: 2 000 services with 500 tenants each, a few entries at a time, for simulated days. What is kept
//! small by carrying and merging: files, memory, what is read at a start, and how often each byte is written.
//! See benches/README.md.

use sealog_benches::data::{Lines, batch_of, bytes_below, plan};
use sealog_benches::options::Options;
use sealog_benches::stores::Told;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{show_bytes, show_seconds};
use sealog_benches::{Outcome, child};
use sealog_engine::store::{Options as StoreOptions, Store};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

const SERVICES: usize = 2_000;
const TENANTS: usize = 500;
/// Entries that arrive together.
const BATCH_ENTRIES: usize = 100;
/// Rows of the table.
const STEPS: usize = 10;

fn main() -> ExitCode {
    child::run().unwrap_or_else(|| match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    })
}

fn measure() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[2_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    for &entries in &options.entries {
        let path = scratch.path().join("store");
        fill(&path, entries)?;
        let shown = path.to_string_lossy().into_owned();
        for (act, purpose) in [("open-reader", "reading"), ("open-store", "writing")] {
            let ran = child::start(act, &[&shown])?;
            say(&format!(
                "opened for {purpose} after a clean stop in {}, {} of memory",
                show_seconds(ran.inner.as_secs_f64()),
                show_bytes(ran.memory_bytes_max)
            ));
        }
        std::fs::remove_dir_all(path)?;
    }
    Ok(())
}

fn fill(path: &Path, entries: usize) -> Outcome<()> {
    let plan = plan(entries);
    let day_ns = 86_400_000_000_000;
    let clock = Arc::new(Told::at(plan.end_ns - i64::from(plan.days) * day_ns));
    let step_ns = i64::from(plan.days) * day_ns / i64::try_from(entries.div_ceil(BATCH_ENTRIES))?;
    let store =
        Store::open(path, StoreOptions { clock: Arc::<Told>::clone(&clock), ..StoreOptions::default() })?;
    let mut generator = sealog::generate::Generator::new(&plan);
    let mut random = 1_u64;
    let mut next = |most: usize| {
        // xorshift64 (Marsaglia 2003)
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % most as u64).unwrap_or(0)
    };
    let written_before = written_bytes();
    let mut record_bytes = 0;
    let mut table = Table::new([
        "entries",
        "journal files, bytes",
        "segments, bytes",
        "state",
        "memory",
        "written, of the records",
    ]);
    for batch in 0..entries.div_ceil(BATCH_ENTRIES) {
        let lines = Lines::next_of(&mut generator, BATCH_ENTRIES);
        let mut trickle = lines.entries()?;
        for entry in &mut trickle {
            entry.service = format!("service-{:04}", next(SERVICES)).into();
            entry.tenant = format!("tenant-{:04}", next(TENANTS)).into();
        }
        let batch_of = batch_of(&trickle)?;
        record_bytes += batch_of.bytes();
        store.append(batch_of)?;
        clock.advance(step_ns);
        let done = (batch + 1) * BATCH_ENTRIES;
        if done % (entries / STEPS).max(1) < BATCH_ENTRIES {
            let written = written_bytes() - written_before;
            let of = |name: &str| -> Outcome<(usize, String)> {
                let path = path.join(name);
                let bytes = if path.exists() { bytes_below(&path)? } else { 0 };
                Ok((files_below(&path), show_bytes(bytes).to_string()))
            };
            let ((journals, journal_bytes), (segments, segment_bytes)) = (of("journal")?, of("chains")?);
            table.row([
                done.to_string(),
                format!("{journals}, {journal_bytes}"),
                format!("{segments}, {segment_bytes}"),
                of("state")?.1,
                show_bytes(memory_bytes()).to_string(),
                format!("{:.2} x", written as f64 / record_bytes as f64),
            ]);
        }
    }
    store.close()?;
    let written = written_bytes() - written_before;
    table.print(&format!(
        "{SERVICES} services with {TENANTS} tenants each, {BATCH_ENTRIES} entries at a time, over {} days; with the stop \
         {:.2} x the records' {} were written, {} are left",
        plan.days,
        written as f64 / record_bytes as f64,
        show_bytes(record_bytes as u64),
        show_bytes(bytes_below(path)?),
    ));
    Ok(())
}

fn files_below(path: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let count = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files_below(&entry.path()),
        _ => 1,
    };
    entries.flatten().map(count).sum()
}

/// The number that a line of a file of /proc/self begins with a name.
fn number_of(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Bytes that this process gave to write calls (`wchar` of proc_pid_io(5)).
fn written_bytes() -> u64 {
    number_of("/proc/self/io", "wchar:")
}

/// Memory that it holds (`VmRSS` of proc_pid_status(5)).
fn memory_bytes() -> u64 {
    number_of("/proc/self/status", "VmRSS:") * 1024
}
