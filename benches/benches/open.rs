//! Opening a store: after a clean stop and after a kill, for writing and for reading. See benches/README.md.

use sealog_benches::data::bytes_below;
use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, show_bytes, show_seconds};
use sealog_benches::{Outcome, child};
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
    let mut table = Table::new(["entries, on disk", "end", "opened for", "time", "peak memory"]);
    for &entries in &options.entries {
        for end in ["clean", "killed"] {
            let path = scratch.path().join("store");
            let shown = path.to_string_lossy().into_owned();
            child::start("fill", &[&shown, &entries.to_string(), end])?;
            let size = format!("{entries}, {}", show_bytes(bytes_below(&path)?));
            for (act, purpose) in [("open-reader", "reading"), ("open-store", "writing")] {
                let mut seconds = Samples::default();
                let mut memory_bytes_max = 0;
                for _ in 0..options.repeat {
                    // A child is killed too, so the next one finds what this one found.
                    let ran = child::start(act, &[&shown])?;
                    seconds.push(ran.inner.as_secs_f64());
                    memory_bytes_max = memory_bytes_max.max(ran.memory_bytes_max);
                }
                table.row([
                    size.clone(),
                    end.to_owned(),
                    purpose.to_owned(),
                    seconds.show(show_seconds),
                    show_bytes(memory_bytes_max).to_string(),
                ]);
            }
            std::fs::remove_dir_all(path)?;
        }
    }
    table.print("Opening a store whose files are in memory (warm), each time in a new process");
    Ok(())
}
