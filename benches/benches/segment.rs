//! Sealed segments of generated entries: bytes an entry by section, and what sealing and reading take.
//! See benches/README.md.

use sealog_benches::Outcome;
use sealog_benches::data::{Lines, plan};
use sealog_benches::options::Options;
use sealog_benches::segments::{Rows, sealed};
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch, show_seconds};
use sealog_engine::format::column::Effort;
use sealog_engine::format::segment;
use sealog_engine::format::segment::Footer;
use sealog_engine::format::segment::SectionKind;
use sealog_engine::segment::view::View;
use std::collections::BTreeMap;

/// Rows of one segment, at most: what the store seals by.
const SEGMENT_ROWS: usize = 1 << 18;

/// Rows that are read one by one, in each repetition.
const ROWS_AT_RANDOM: usize = 10_000;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[1_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    for &count in &options.entries {
        let lines = Lines::generate(&plan(count));
        let chains = Rows::by_service(&lines.entries()?)?;
        for (name, effort) in [("light", Effort::Light), ("strong", Effort::Strong)] {
            if options.wants(name) {
                measure(&options, count, name, effort, &chains)?;
            }
        }
        if options.wants("read") {
            read(&options, count, &chains)?;
        }
    }
    Ok(())
}

fn measure(
    options: &Options,
    count: usize,
    name: &str,
    effort: Effort,
    chains: &BTreeMap<String, Rows>,
) -> Outcome<()> {
    let (mut seal_ns, mut read_ns) = (Samples::default(), Samples::default());
    let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
    let mut record_bytes = 0;
    for _ in 0..options.repeat {
        bytes.clear();
        record_bytes = 0;
        let (mut seal, mut read) = (0.0, 0.0);
        for rows in chains.values() {
            for part in rows.parts(SEGMENT_ROWS) {
                let watch = Stopwatch::start();
                let file = sealed(rows, part, effort)?;
                seal += watch.lap().cpu.as_secs_f64();
                let footer = segment::footer_of(&file)?;
                for section in &footer.sections {
                    let name = match section.kind {
                        SectionKind::Column(field) => field.name().to_owned(),
                        other => format!("{other:?}").to_lowercase(),
                    };
                    *bytes.entry(name).or_default() += section.bytes;
                }
                let inside: u64 = footer.sections.iter().map(|section| section.bytes).sum();
                *bytes.entry("header, footer".to_owned()).or_default() += file.len() as u64 - inside;
                record_bytes += footer.record_bytes;
                let watch = Stopwatch::start();
                read_all(&View::new(&file, &footer))?;
                read += watch.lap().cpu.as_secs_f64();
            }
        }
        seal_ns.push(seal * 1e9 / count as f64);
        read_ns.push(read * 1e9 / count as f64);
    }
    let total: u64 = bytes.values().sum();
    let mut table = Table::new(["section", "bytes an entry", "of all"]);
    let mut sorted: Vec<_> = bytes.into_iter().collect();
    sorted.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    for (name, bytes) in sorted {
        let share = bytes as f64 / total as f64;
        table.row([name, format!("{:.2}", bytes as f64 / count as f64), format!("{:.1} %", share * 100.0)]);
    }
    table.row(["all".to_owned(), format!("{:.2}", total as f64 / count as f64), String::new()]);
    table.print(&format!(
        "{count} entries, records of {:.0} bytes, {name}: sealed and read back in {} an entry, read in {}",
        record_bytes as f64 / count as f64,
        seal_ns.show(|ns| format!("{ns:.0} ns")),
        read_ns.show(|ns| format!("{ns:.0} ns")),
    ));
    Ok(())
}

/// Segments that are sealed already, read whole in the order of places, and row by row at random.
fn read(options: &Options, count: usize, chains: &BTreeMap<String, Rows>) -> Outcome<()> {
    let parts =
        chains.values().flat_map(|rows| rows.parts(SEGMENT_ROWS).into_iter().map(move |part| (rows, part)));
    let files: Vec<Vec<u8>> =
        parts.map(|(rows, part)| sealed(rows, part, Effort::Light)).collect::<Outcome<_>>()?;
    let footers = files.iter().map(|file| segment::footer_of(file)).collect::<Result<Vec<_>, _>>()?;
    let mut read_ns = Samples::default();
    for _ in 0..options.repeat {
        let watch = Stopwatch::start();
        for (file, footer) in files.iter().zip(&footers) {
            read_all(&View::new(file, footer))?;
        }
        read_ns.push(watch.lap().cpu.as_secs_f64() * 1e9 / count as f64);
    }
    say(&format!("read in {} an entry", read_ns.show(|ns| format!("{ns:.0} ns"))));
    rows_at_random(options, &files, &footers)
}

/// One row of one segment after the other, so that no cursor has been near it.
fn rows_at_random(options: &Options, files: &[Vec<u8>], footers: &[Footer]) -> Outcome<()> {
    let views: Vec<View<'_>> =
        files.iter().zip(footers).map(|(file, footer)| View::new(file, footer)).collect();
    let mut took = Vec::new();
    let mut out = Vec::new();
    for n in 0..options.repeat as usize * ROWS_AT_RANDOM {
        let view = &views[n % views.len()];
        let random = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let row = u32::try_from(random % u64::from(view.footer().entry_count))?;
        let watch = Stopwatch::start();
        out.clear();
        let place = view.place_of(row)?;
        let (run, index) = view.run_at(place)?;
        let head = view.head(place, run, index)?;
        view.with_cursors(|cursors| view.record(place, &head, cursors, &mut out))?;
        took.push(watch.lap().wall.as_secs_f64());
    }
    // The first rows of a segment open its columns and groups.
    let mut took = took.split_off((views.len() * 16).min(took.len() / 2));
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
    say(&format!("one row at random: p50 {}, p99 {}", show_seconds(at(50)), show_seconds(at(99))));
    Ok(())
}

fn read_all(view: &View<'_>) -> Outcome<()> {
    let times = view.times()?.decode()?;
    let rows = 0..view.footer().entry_count;
    view.with_cursors(|cursors| {
        view.walk(
            std::slice::from_ref(&rows),
            |row| times[row as usize],
            cursors,
            |_, read| {
                std::hint::black_box(read?.record);
                Ok(())
            },
        )
    })
}
