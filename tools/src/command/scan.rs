//! `sealog scan`: the entries that match.

use super::{directory, newest_commit, open_reader, output, report_damage};
use crate::cli::{OrderName, OutputFormat, Scan};
use crate::failure::{Failure, Outcome};
use crate::filter::filter;
use crate::output::entries::Printer;
use crate::output::explain::explained;
use crate::output::human::counted;
use crate::output::terminal::{is_stdout_terminal, note};
use sealog_engine::clock::{Clock, System};
use sealog_engine::model::Timestamp;
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Order, Query, ScanProblem, Scope};
use std::io::Write;
use std::path::Path;

/// Lines of a table on a terminal, unless more are asked for.
const TABLE_LIMIT: u64 = 100;

/// What `--last` counts back from: the later of the wall clock and the store's newest entry.
pub fn now(directory: &Path) -> Timestamp {
    let wall = System.wall_ns();
    Timestamp::from_nanos(newest_commit(directory).map_or(wall, |newest| newest.max(wall)))
}

pub fn run(args: &Scan) -> Outcome {
    let default_format = if is_stdout_terminal() { OutputFormat::Table } else { OutputFormat::Ndjson };
    let format = args.format.unwrap_or(default_format);
    let is_table = format == OutputFormat::Table && !args.count;
    let limit = args.limit.or(is_table.then_some(TABLE_LIMIT));
    let order = match args.order {
        OrderName::Asc => Order::Ascending,
        OrderName::Desc => Order::Descending,
    };
    if let Some(url) = &args.server {
        return super::remote::scan(url, args, format, limit, order);
    }
    let data = directory(args.data.as_ref())?;
    let filter = filter(&args.filters, now(data))?;
    let reader = open_reader(data)?;
    // Whoever can read the files may see all of them.
    let scope = Scope::everything();
    if args.count {
        let found = reader.view().count(&scope, &filter);
        let count = found.entries.min(limit.unwrap_or(u64::MAX));
        let mut out = output();
        let written = writeln!(out, "{count}").and_then(|()| out.flush());
        written.map_err(|error| Failure::output(&error))?;
        return finish(&reader, &found.problems);
    }
    let mut scan = reader.scan(&scope, &Query { filter, order, limit, after: None });
    let mut out = output();
    if args.explain {
        let given = scan.by_ref().count() as u64;
        let chains = reader.view().chains().len() as u64;
        let written =
            out.write_all(explained(&scan.work(), chains, given).as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| Failure::output(&error))?;
        return finish(&reader, scan.problems());
    }
    let mut count = 0;
    let written = {
        let mut printer = Printer::new(format, &mut out);
        printer.begin().and_then(|()| {
            for hit in scan.by_ref() {
                if let Some(committed) = hit.committed() {
                    printer.entry(&committed)?;
                    count += 1;
                }
            }
            printer.end()
        })
    };
    if is_table && written.is_ok() {
        let more = if limit == Some(count) { " (there may be more: --limit N)" } else { "" };
        note(&format!("{}{more}", counted(count, "entry", "entries")));
    }
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    finish(&reader, scan.problems())
}

/// Says what could not be read.
fn finish(reader: &Reader, problems: &[ScanProblem]) -> Outcome {
    problems.iter().for_each(|problem| note(&problem_text(problem)));
    report_damage(reader.view().damage())?;
    if problems.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

/// What could not be read, and what to do.
pub fn problem_text(problem: &ScanProblem) -> String {
    format!("entry {} of {}: {}; run `sealog verify`", problem.seq, problem.service, problem.detail)
}
