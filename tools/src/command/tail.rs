//! `sealog tail`: entries as they arrive, read from the files beside whoever writes them.

use super::scan::{now, problem_text};
use super::{damage_text, directory, newest_commit, open_reader, output};
use crate::cli::{OutputFormat, Tail, TailFormat};
use crate::failure::{Failure, Outcome};
use crate::filter::filter;
use crate::output::entries::Printer;
use crate::output::terminal::{is_stdout_terminal, note};
use sealog_engine::clock::{Clock, System};
use sealog_engine::model::Timestamp;
use sealog_engine::reader::Reader;
use sealog_engine::scan;
use sealog_engine::scan::{Scope, TimeField};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// How often it is looked whether anything arrived.
const INTERVAL: Duration = Duration::from_millis(200);
/// Reading the files takes a fifth of the time at most.
const PAUSES: u32 = 4;
/// Entries that are read together.
const PAGE_ENTRIES: u64 = 1_000;

pub fn run(args: &Tail) -> Outcome {
    let format = match args.format {
        Some(TailFormat::Table) => OutputFormat::Table,
        None if is_stdout_terminal() => OutputFormat::Table,
        Some(TailFormat::Ndjson) | None => OutputFormat::Ndjson,
    };
    if let Some(url) = &args.server {
        return super::remote::tail(url, args, format);
    }
    let data = directory(args.data.as_ref())?;
    let mut filter = filter(&args.filters, now(data))?;
    let begins_earlier = filter.window.from.is_some();
    // Entries behind the end say that it has come.
    let until = filter.window.to.filter(|_| filter.by == TimeField::LoggedAt);
    if until.is_some() {
        filter.window.to = None;
    }
    let mut out = output();
    Printer::new(format, &mut out).begin().map_err(|error| Failure::output(&error))?;
    let (mut tail, mut told) = (None, Told::default());
    loop {
        let began = System.boot_ns();
        let reader = open_reader(data)?;
        reader.view().damage().iter().for_each(|damage| told.tell(damage_text(damage)));
        // Whoever can read the files may see all of them, and nothing is left out for somebody slow.
        let scope = Scope::everything();
        let tail = tail.get_or_insert_with(|| match begins_earlier {
            true => scan::Tail::behind(None, scope, filter.clone(), i64::MAX),
            false => scan::Tail::from_now(reader.view(), scope, filter.clone(), i64::MAX),
        });
        print_arrived(&reader, tail, until, &mut told, |hit| {
            let entry = hit.committed();
            entry.map_or(Ok(()), |entry| Printer::new(format, &mut out).entry(&entry))
        })
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))?;
        let settled = reader.view().settled();
        if until.is_some_and(|until| settled >= Some(until)) {
            return if told.0.is_empty() { Ok(()) } else { Err(Failure::Found) };
        }
        drop(reader);
        let took = System.boot_ns().saturating_sub(began);
        pause(INTERVAL.max(PAUSES * Duration::from_nanos(took.unsigned_abs())));
        wait_behind(data, settled);
    }
}

/// Prints what arrived until a reader has no more, and tells what it could not read.
fn print_arrived(
    reader: &Reader,
    tail: &mut scan::Tail,
    until: Option<Timestamp>,
    told: &mut Told,
    mut print: impl FnMut(&scan::Hit) -> std::io::Result<()>,
) -> std::io::Result<()> {
    loop {
        let arrived = tail.poll(reader.view(), PAGE_ENTRIES);
        arrived.problems.iter().for_each(|problem| told.tell(problem_text(problem)));
        let in_time = |hit: &&scan::Hit| until.is_none_or(|until| hit.logged_at() < until);
        arrived.hits.iter().take_while(in_time).try_for_each(&mut print)?;
        if (arrived.hits.len() as u64) < PAGE_ENTRIES {
            return Ok(());
        }
    }
}

/// Waits until anything was committed behind a time.
fn wait_behind(directory: &Path, settled: Option<Timestamp>) {
    let has_more = |newest: i64| settled.is_none_or(|settled| newest > settled.nanos());
    while !newest_commit(directory).is_some_and(has_more) {
        pause(INTERVAL);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process writes the files: there is nothing to wait on"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// What was told of: it is met again with every look.
#[derive(Default)]
struct Told(BTreeSet<String>);

impl Told {
    fn tell(&mut self, text: String) {
        if !self.0.contains(&text) {
            note(&text);
            self.0.insert(text);
        }
    }
}
