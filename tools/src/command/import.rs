//! `sealog import`: logs of other systems into a store, nothing lost and nothing invented.

use super::append::{open_input, take_in};
use super::{close, open_store};
use crate::cli;
use crate::failure::Outcome;
use crate::import::{Defaults, Format, map_line};
use crate::intake::{Cut, Intake, Parse};
use crate::output::human::{count, counted};
use crate::output::terminal::note;
use sealog_engine::model::Entry;

struct Mapping {
    format: Format,
    defaults: Defaults,
}

impl Parse for Mapping {
    fn parse<'l>(&self, line: &'l [u8]) -> Result<Entry<'l>, String> {
        map_line(self.format, line, &self.defaults)
    }
}

pub fn run(args: &cli::Import) -> Outcome {
    let inputs = args.files.iter().map(|path| open_input(path)).collect::<Result<Vec<_>, _>>()?;
    let store = open_store(&args.data, None)?;
    let defaults = Defaults { tenant: args.tenant.clone(), service: args.service.clone() };
    let parser = Mapping { format: args.format, defaults };
    let cut = Cut::Every(args.batch as usize);
    let taken = take_in(Intake { store: &store, parser: &parser, cut, skip_bad: args.skip_bad }, inputs);
    let closed = close(store);
    let taken = taken?;
    closed?;
    note(&format!(
        "{} imported, {} had come before, {} left out",
        counted(taken.entries, "entry", "entries"),
        count(taken.duplicates),
        counted(taken.skipped, "line", "lines")
    ));
    Ok(())
}
