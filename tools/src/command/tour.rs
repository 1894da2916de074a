//! `sealog demo --tour`: fills a temporary store with lifelike entries, and shows on the terminal what the log does.

use super::close;
use super::demo::temporary::TemporaryDirectory;
use super::verify::write_report;
use crate::cli::Demo;
use crate::failure::{Failure, Outcome};
use crate::generate::{Generator, Plan};
use crate::output::table::{bold, entries_header, entry_line, faint, good};
use crate::output::{human, progress};
use sealog_engine::batch::Batch;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::model::{Accept, Severity, parse_entry};
use sealog_engine::scan::{Filter, Query, Scope, Text};
use sealog_engine::store::{Options, Store};
use sealog_engine::verify::{VerifyOptions, verify};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

const BATCH_ENTRIES: usize = 1000;

pub fn run(args: &Demo) -> Outcome {
    let directory = TemporaryDirectory::new()?;
    let result = show(args.entries, &directory);
    directory.end_if_interrupted();
    match result {
        Err(Shown::Failed(failure)) => Err(failure),
        Err(Shown::Output(error)) => Err(Failure::output(&error)),
        Ok(()) => Ok(()),
    }
}

enum Shown {
    Failed(Failure),
    Output(io::Error),
}

impl From<io::Error> for Shown {
    fn from(error: io::Error) -> Shown {
        Shown::Output(error)
    }
}

impl From<sealog_engine::error::Error> for Shown {
    fn from(error: sealog_engine::error::Error) -> Shown {
        Shown::Failed(error.into())
    }
}

fn show(entries: u64, temporary: &TemporaryDirectory) -> Result<(), Shown> {
    let directory = temporary.path();
    let mut out = io::stdout().lock();
    writeln!(out, "{}", bold("Sealog: an append-only log that proves what it holds"))?;
    writeln!(out, "{}", faint(format!("a temporary store in {}\n", directory.display())))?;

    // Every step says what it does and what it took.
    let step = |out: &mut io::StdoutLock<'_>, what: &str| writeln!(out, "{} {}", good("▸"), bold(what));
    step(&mut out, "Append: lifelike entries of 2 000 tenants and 12 services, each batch synced to disk")?;
    let store = temporary.make(|directory| Store::open(directory, Options::default()))?;
    let (took, bytes) = fill(&store, entries).map_err(Shown::Failed)?;
    writeln!(
        out,
        "  {} ({} as JSON) durable in {}, {}: parsed, hashed, linked and indexed\n",
        human::counted(entries, "entry", "entries"),
        human::bytes(bytes),
        human::seconds(took),
        human::rate(entries, took)
    )?;

    let scope = Scope::everything();
    let all = Filter::default();
    let failed = Filter { severities: Some(vec![Severity::Error, Severity::Fatal]), ..all.clone() };
    let text =
        Text::new("retention policy").map_err(|error| Shown::Failed(Failure::Input(error.to_string())))?;
    let searched = Filter { searches: vec![text], ..all };
    let queries =
        [("Scan: what failed last", failed, 6), ("Scan: who touched a retention policy", searched, 6)];
    for (title, filter, limit) in queries {
        step(&mut out, title)?;
        let started = Instant::now();
        let hits: Vec<_> =
            store.scan(&scope, &Query { filter, limit: Some(limit), ..Query::default() }).collect();
        let took = started.elapsed().as_secs_f64();
        writeln!(out, "{}", entries_header())?;
        for committed in hits.iter().filter_map(|hit| hit.committed()) {
            writeln!(out, "{}", entry_line(&committed))?;
        }
        writeln!(out, "{}\n", faint(format!("  the newest {} in {}", hits.len(), human::seconds(took))))?;
    }
    close(store).map_err(Shown::Failed)?;

    step(&mut out, "Verify: recompute every hash from the bytes on disk")?;
    let disk = DirectoryDisk::new(directory);
    let report = verify(&disk, &VerifyOptions::default(), |_| {})?;
    write_report(&mut out, &report)?;

    writeln!(out)?;
    let file = largest_file(directory)?;
    let shown = file.strip_prefix(directory).unwrap_or(&file).display();
    step(
        &mut out,
        &format!("Tamper: flip one bit in {shown}, as an edit behind the log's back would, and verify again"),
    )?;
    flip_a_bit(&file)?;
    let report = verify(&disk, &VerifyOptions::default(), |_| {})?;
    for problem in report.all_problems().take(3) {
        writeln!(out, "  {}: {}", bold(problem.kind.name()), problem.detail)?;
    }
    writeln!(out, "  {}\n", if report.valid { "not found" } else { "found, and named with its place" })?;

    writeln!(out, "{}", bold("Your own store:"))?;
    for command in [
        "sealog init    --data ./log --name audit.example.com",
        "sealog append  --data ./log entries.ndjson",
        "sealog scan    --data ./log --last 1d --min-severity warning",
        "sealog verify  --data ./log",
    ] {
        writeln!(out, "  {command}")?;
    }
    Ok(())
}

/// Appends generated entries; gives seconds and bytes of JSON.
fn fill(store: &Store, entries: u64) -> Result<(f64, u64), Failure> {
    let bar = progress::entries_bar(Some(entries));
    let mut generator = Generator::new(&Plan { entries, ..Plan::default() });
    let mut line = Vec::new();
    let (mut batch, mut bytes) = (Batch::new(), 0);
    let started = Instant::now();
    loop {
        line.clear();
        let is_over = !generator.next_line(&mut line);
        if !is_over {
            bytes += line.len() as u64;
            let entry =
                parse_entry(&line, Accept::Entry).map_err(|error| Failure::Impossible(error.to_string()))?;
            batch.push(&entry)?;
        }
        if is_over || batch.len() >= BATCH_ENTRIES {
            bar.inc(batch.len() as u64);
            store.append(std::mem::take(&mut batch))?;
        }
        if is_over {
            bar.finish_and_clear();
            return Ok((started.elapsed().as_secs_f64(), bytes));
        }
    }
}

/// The largest segment; if nothing is sealed yet, the largest journal file.
fn largest_file(directory: &Path) -> io::Result<PathBuf> {
    let mut largest = None;
    let mut directories = vec![
        directory.join(sealog_engine::segment::DIRECTORY),
        directory.join(sealog_engine::journal::DIRECTORY),
    ];
    while let Some(directory) = directories.pop() {
        let entries = match std::fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let (metadata, path) = (entry.metadata()?, entry.path());
            if metadata.is_dir() {
                directories.push(path);
                continue;
            }
            let is_segment = path.extension().is_some_and(|extension| extension == "segment");
            largest = largest.max(Some((is_segment, metadata.len(), path)));
        }
    }
    largest.map(|(.., path)| path).ok_or_else(|| io::Error::other("the store has no file with entries"))
}

/// Flips one bit in the middle of a file.
fn flip_a_bit(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
    let middle = file.metadata()?.len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle)?;
    file.write_all_at(&[byte[0] ^ 1], middle)
}
