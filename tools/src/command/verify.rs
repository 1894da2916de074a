//! `sealog verify`: recomputes every hash, and prints what was found.

use super::{check_directory, directory, output, scan::now};
use crate::cli::Verify;
use crate::failure::{Failure, Outcome, while_reading};
use crate::filter::window;
use crate::output::table::{bad, bold, faint, fit, good, plain};
use crate::output::terminal::printable;
use crate::output::{human, json, progress};
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::verify::{
    ChainReport, Extent, PlaceInTime, Problem, ProblemKind, Report, VerifyOptions, verify,
};
use std::io::{self, Write};
use std::path::Path;

pub fn run(args: &Verify) -> Outcome {
    if let Some(url) = &args.server {
        return super::remote::verify(url, args);
    }
    let data = directory(args.data.as_ref())?;
    check_directory(data)?;
    let options = VerifyOptions {
        services: args.service.clone(),
        window: window(&args.window, now(data))?,
        all_heads: args.all_heads,
        quick: args.quick,
    };
    let bar = progress::bytes_bar(bytes_to_read(data));
    let report = verify(&DirectoryDisk::new(data), &options, |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    let report = report.map_err(while_reading)?;
    let mut out = output();
    let written = if args.json {
        json::write(&mut out, &report).and_then(|()| writeln!(out))
    } else {
        write_report(&mut out, &report)
    };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    if report.valid { Ok(()) } else { Err(Failure::Found) }
}

/// Bytes that verification will read, for the bar.
fn bytes_to_read(data: &Path) -> Option<u64> {
    let bytes_in = |directory: &Path| -> Option<u64> {
        let files = std::fs::read_dir(directory).ok()?;
        Some(files.filter_map(|file| file.ok()?.metadata().ok()).map(|metadata| metadata.len()).sum())
    };
    let chains = std::fs::read_dir(data.join(sealog_engine::segment::DIRECTORY)).ok();
    let sealed = chains.into_iter().flatten().filter_map(|chain| bytes_in(&chain.ok()?.path())).sum::<u64>();
    Some(bytes_in(&data.join(sealog_engine::journal::DIRECTORY))? + sealed)
}

/// The report as people read it.
pub fn write_report(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let verdict = if report.valid { good("VALID") } else { bad("NOT VALID") };
    writeln!(
        out,
        "{verdict}  {} in {}, {} {} in {} ({})",
        bold(human::counted(report.entries, "entry", "entries")),
        human::counted(report.chains.len() as u64, "chain", "chains"),
        human::bytes(report.bytes),
        match report.extent {
            Extent::Whole => "recomputed",
            Extent::Window | Extent::Quick => "read",
        },
        human::seconds(report.seconds),
        human::rate(report.entries, report.seconds)
    )?;
    match report.extent {
        Extent::Whole => {}
        Extent::Window => writeln!(
            out,
            "{}",
            faint(format!(
                "{} of the window, and around it, were recomputed; of other segments, that their ends meet",
                human::counted(report.recomputed.unwrap_or_default(), "entry", "entries")
            ))
        )?,
        Extent::Quick => writeln!(
            out,
            "{}",
            faint(
                "Nothing was recomputed: bytes agree with their checksums and ends meet, or are named below"
            )
        )?,
    }
    if report.torn_bytes > 0 {
        writeln!(
            out,
            "{}",
            faint(format!(
                "{} behind the last entry: a write under way, or torn by a crash; never acknowledged, no problem",
                human::bytes(report.torn_bytes)
            ))
        )?;
    }
    if !report.chains.is_empty() {
        let rows = report.chains.iter().map(chain_row).collect();
        let header = ["CHAIN", "", "ENTRIES", "FIRST VERIFIABLE", "LAST VERIFIABLE", "HEAD"];
        writeln!(out, "\n{}", plain(&header, rows, &[2]))?;
    }
    let problems: Vec<&Problem> = report.all_problems().collect();
    if !problems.is_empty() {
        writeln!(out, "\n{}", bad(human::counted(problems.len() as u64, "problem", "problems")))?;
        for problem in problems {
            write_problem(out, problem)?;
        }
        writeln!(out, "\n{}", advice(report))?;
    }
    writeln!(
        out,
        "\n{}",
        faint(
            "Nothing is signed in this version: a store that was rewritten whole, or rolled back, is not told from the original."
        )
    )
}

/// What to do about problems.
fn advice(report: &Report) -> &'static str {
    // A service that was asked for and is not there belongs to no chain; a chain that a heads names does.
    let is_unknown = |problem: &Problem| problem.kind == ProblemKind::ChainMissing;
    if report.problems.iter().all(is_unknown) && report.chains.iter().all(|chain| chain.valid) {
        "What is there is whole. Check the name; if the store had this service, it was rolled back or replaced."
    } else {
        "Keep the directory as it is, and restore what is damaged from a backup."
    }
}

fn chain_row(chain: &ChainReport) -> Vec<String> {
    let place = |place: Option<PlaceInTime>| {
        place.map_or("–".to_owned(), |place| format!("{}  #{}", human::time(place.logged_at), place.seq))
    };
    vec![
        printable(&chain.service),
        if chain.valid { good("valid") } else { bad("not valid") },
        human::count(chain.entries),
        place(chain.first),
        place(chain.last),
        chain.head.as_deref().map_or("–".to_owned(), |head| fit(head, 17)),
    ]
}

fn write_problem(out: &mut dyn Write, problem: &Problem) -> io::Result<()> {
    let service =
        problem.service.as_deref().map_or(String::new(), |service| format!(" {}", printable(service)));
    let place = match (problem.first_seq, problem.last_seq) {
        (Some(first), Some(last)) if first == last => format!(" #{first}"),
        (Some(first), Some(last)) => format!(" #{first}–#{last}"),
        _ => String::new(),
    };
    let kind = bold(problem.kind.name());
    writeln!(
        out,
        "  {kind}{service}{place}  {}: {}",
        faint(printable(&problem.file)),
        printable(&problem.detail)
    )
}
