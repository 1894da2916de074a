//! `sealog import`: logs of other systems into a store, nothing lost and nothing invented.

use super::append::{open_input, take_in};
use super::{close, note, open_store};
use crate::cli;
use crate::failure::Outcome;
use crate::import::{Defaults, Format, map_line};
use crate::intake::{Cut, Parse};
use crate::output::human;
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
    let taken = take_in(&store, inputs, &parser, Cut::Every(args.batch as usize), args.skip_bad);
    let closed = close(store);
    let taken = taken?;
    closed?;
    note(&format!(
        "{} entries imported, {} had come before, {} lines left out",
        human::count(taken.entries),
        human::count(taken.duplicates),
        human::count(taken.skipped)
    ));
    Ok(())
}
