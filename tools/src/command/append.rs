//! `sealog append`: NDJSON into a store, a receipt for each batch and service.

use super::{close, directory, open_store, output};
use crate::cli::Append;
use crate::failure::{Failure, Outcome};
use crate::import;
use crate::intake::{self, Cut, Input, Intake, Parse, PausingStdin, Taken};
use crate::output::human::counted;
use crate::output::progress;
use crate::output::terminal::note;
use sealog_engine::model::{Accept, Entry, parse_entry};
use std::io::Write;
use std::path::Path;

struct Lines {
    tenant: Option<String>,
    service: Option<String>,
}

impl Parse for Lines {
    fn parse<'l>(&self, line: &'l [u8]) -> Result<Entry<'l>, String> {
        let mut entry = parse_entry(line, Accept::Entry).map_err(|error| error.to_string())?;
        if let (true, Some(tenant)) = (entry.tenant.is_empty(), &self.tenant) {
            entry.tenant = tenant.clone().into();
        }
        if let (true, Some(service)) = (entry.service.is_empty(), &self.service) {
            entry.service = service.clone().into();
        }
        Ok(entry)
    }
}

/// Opens a file, or standard input for `-`.
pub fn open_input(path: &Path) -> Result<Input, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Input { name: "standard input".to_owned(), lines: Box::new(PausingStdin::new()) });
    }
    let name = path.display().to_string();
    let lines = import::open(path).map_err(|error| Failure::io(format!("could not open {name}"), &error))?;
    Ok(Input { name, lines })
}

pub fn run(args: Append) -> Outcome {
    if let Some(url) = &args.server {
        return super::remote::append(url, &args);
    }
    let path = args.file.as_deref().unwrap_or(Path::new("-"));
    let input = open_input(path)?;
    let store = open_store(directory(args.data.as_ref())?, args.instance.as_deref())?;
    let cut = if args.atomic { Cut::Once } else { Cut::Every(args.batch as usize) };
    let parser = Lines { tenant: args.tenant, service: args.service };
    let taken = take_in(Intake { store: &store, parser: &parser, cut, skip_bad: args.skip_bad }, vec![input]);
    // Close all the same: what was appended before a bad line is kept.
    let closed = close(store);
    let taken = taken?;
    closed?;
    if taken.skipped > 0 {
        note(&format!(
            "{} left out, {} appended",
            counted(taken.skipped, "line", "lines"),
            counted(taken.entries, "entry", "entries")
        ));
    }
    Ok(())
}

/// Appends all inputs; receipts go to standard output as NDJSON, progress to a terminal.
pub fn take_in(intake: Intake<'_>, inputs: Vec<Input>) -> Result<Taken, Failure> {
    let bar = progress::entries_bar(None);
    let mut out = output();
    let taken = intake::run(intake, inputs, |taken, receipts| {
        bar.set_position(taken.entries + taken.duplicates);
        for receipt in receipts {
            serde_json::to_writer(&mut out, receipt)?;
            out.write_all(b"\n")?;
        }
        // A receipt is worth nothing in a buffer.
        out.flush()
    });
    bar.finish_and_clear();
    taken
}
