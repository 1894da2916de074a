//! `sealog stats`: a store in numbers.

use super::{open_reader, output, report_damage};
use crate::cli::Stats;
use crate::failure::{Failure, Outcome};
use crate::output::table::{bold, faint, plain};
use crate::output::terminal::printable;
use crate::output::{human, json};
use sealog_engine::hex;
use sealog_engine::model::{Severity, Timestamp};
use sealog_engine::reader::Reader;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

#[derive(Serialize)]
struct StoreNumbers {
    name: String,
    id: String,
    created: Timestamp,
    entries: u64,
    tenants: u64,
    commits: u64,
    record_bytes: u64,
    disk_bytes: u64,
    severities: BTreeMap<&'static str, u64>,
    chains: Vec<ChainNumbers>,
}

#[derive(Serialize)]
struct ChainNumbers {
    service: String,
    entries: u64,
    tenants: u64,
    warnings: u64,
    errors: u64,
    record_bytes: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

pub fn run(args: &Stats) -> Outcome {
    let reader = open_reader(&args.data)?;
    let numbers =
        numbers(&reader, &args.data).map_err(|error| Failure::io("could not measure the store", &error))?;
    let mut out = output();
    let written = if args.json {
        json::write(&mut out, &numbers).and_then(|()| writeln!(out))
    } else {
        write_numbers(&mut out, &numbers)
    };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    report_damage(reader.view().damage())
}

fn numbers(reader: &Reader, data: &Path) -> io::Result<StoreNumbers> {
    let mut tenants = BTreeMap::new();
    let mut by_severity = [0; Severity::ALL.len()];
    let mut chains = Vec::new();
    for chain in reader.view().chains() {
        let severities = chain.severity_counts();
        let of = |least: Severity| severities[usize::from(least.class()) - 1..].iter().sum::<u64>();
        let own_tenants = chain.tenant_counts().map_err(io::Error::other)?;
        let span = chain.span();
        chains.push(ChainNumbers {
            service: chain.service().to_owned(),
            entries: chain.entry_count(),
            tenants: own_tenants.len() as u64,
            warnings: severities[usize::from(Severity::Warning.class()) - 1],
            errors: of(Severity::Error),
            record_bytes: chain.record_bytes(),
            first: span.map(|(first, _)| first),
            last: span.map(|(_, last)| last),
        });
        by_severity.iter_mut().zip(severities).for_each(|(sum, count)| *sum += count);
        tenants.extend(own_tenants);
    }
    let identity = reader.identity();
    Ok(StoreNumbers {
        name: identity.name.to_string(),
        id: hex::encode(&identity.id),
        created: identity.created,
        entries: chains.iter().map(|chain| chain.entries).sum(),
        tenants: tenants.len() as u64,
        commits: reader.frame_count(),
        record_bytes: chains.iter().map(|chain| chain.record_bytes).sum(),
        disk_bytes: disk_bytes(data)?,
        severities: Severity::ALL.iter().map(|severity| severity.name()).zip(by_severity).collect(),
        chains,
    })
}

/// Bytes of all files below a directory.
pub fn disk_bytes(directory: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() { disk_bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(sum)
}

fn write_numbers(out: &mut dyn Write, numbers: &StoreNumbers) -> io::Result<()> {
    writeln!(
        out,
        "{}  {}",
        bold(printable(&numbers.name)),
        faint(format!("{}, made {}", numbers.id, human::time(numbers.created)))
    )?;
    let per_entry = |bytes: u64| match numbers.entries {
        0 => String::new(),
        entries => format!(" ({:.1} an entry)", bytes as f64 / entries as f64),
    };
    writeln!(
        out,
        "{} of {} in {} and {}",
        bold(human::counted(numbers.entries, "entry", "entries")),
        human::counted(numbers.tenants, "tenant", "tenants"),
        human::counted(numbers.chains.len() as u64, "chain", "chains"),
        human::counted(numbers.commits, "commit", "commits")
    )?;
    writeln!(
        out,
        "{} on disk{}, {} of it records{}",
        human::bytes(numbers.disk_bytes),
        per_entry(numbers.disk_bytes),
        human::bytes(numbers.record_bytes),
        per_entry(numbers.record_bytes)
    )?;
    let severities: Vec<String> = Severity::ALL
        .iter()
        .map(|severity| severity.name())
        .filter_map(|name| {
            numbers
                .severities
                .get(name)
                .filter(|count| **count > 0)
                .map(|count| format!("{} {name}", human::count(*count)))
        })
        .collect();
    writeln!(out, "{}\n", severities.join(", "))?;
    let time = |time: Option<Timestamp>| time.map_or("–".to_owned(), human::time);
    let rows = numbers
        .chains
        .iter()
        .map(|chain| {
            vec![
                printable(&chain.service),
                human::count(chain.entries),
                human::count(chain.tenants),
                human::count(chain.warnings),
                human::count(chain.errors),
                human::bytes(chain.record_bytes),
                time(chain.first),
                time(chain.last),
            ]
        })
        .collect();
    let header =
        ["CHAIN", "ENTRIES", "TENANTS", "WARNINGS", "ERRORS", "RECORDS", "FIRST COMMITTED", "LAST COMMITTED"];
    writeln!(out, "{}", plain(&header, rows, &[1, 2, 3, 4, 5]))
}
