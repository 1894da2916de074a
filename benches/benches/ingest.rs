//! `sealog append` as a process of its own over a generated file. See benches/README.md.

use sealog_benches::data::{bytes_below, plan};
use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, rate, settle, show_byte_rate, show_bytes, show_rate};
use sealog_benches::{Outcome, child};
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

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
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[1_000_000, 5_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    let mut table = Table::new([
        "entries",
        "file",
        "entries a second",
        "file bytes a second",
        "CPU an entry",
        "peak memory",
        "on disk an entry",
    ]);
    for &entries in &options.entries {
        table.row(ingest(&options, scratch.path(), entries)?);
    }
    table.print("sealog append --data DIR FILE, batches of 1 000, whole process (aim 600 k/s)");
    Ok(())
}

fn ingest(options: &Options, scratch: &Path, entries: usize) -> Outcome<[String; 7]> {
    let file = scratch.join("entries.ndjson");
    sealog::generate::write_all(&plan(entries), &mut File::create(&file)?)?;
    let file_bytes = file.metadata()?.len();
    let (mut rates, mut byte_rates, mut cpu) = (Samples::default(), Samples::default(), Samples::default());
    let (mut memory_bytes_max, mut store_bytes) = (0, 0);
    for _ in 0..options.repeat {
        let store = scratch.join("store");
        settle(scratch)?;
        let paths = [&store, &file].map(|path| path.to_string_lossy().into_owned());
        let ran = child::start("sealog", &["append", "--data", &paths[0], &paths[1]])?;
        rates.push(rate(entries, ran.wall));
        byte_rates.push(file_bytes as f64 / ran.wall.as_secs_f64());
        cpu.push(ran.cpu.as_secs_f64() * 1e9 / entries as f64);
        memory_bytes_max = memory_bytes_max.max(ran.memory_bytes_max);
        store_bytes = bytes_below(&store)?;
        std::fs::remove_dir_all(store)?;
    }
    std::fs::remove_file(file)?;
    Ok([
        entries.to_string(),
        show_bytes(file_bytes).to_string(),
        rates.show(show_rate),
        byte_rates.show(show_byte_rate),
        cpu.show(|ns| format!("{ns:.0} ns")),
        show_bytes(memory_bytes_max).to_string(),
        format!("{:.0} B", store_bytes as f64 / entries as f64),
    ])
}
