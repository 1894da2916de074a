//! `sealog generate`: lifelike entries as NDJSON.

use crate::cli;
use crate::failure::{Failure, Outcome};
use crate::generate::{Plan, write_all};
use std::io;

pub fn run(args: &cli::Generate) -> Outcome {
    let plan = Plan {
        entries: args.entries,
        seed: args.seed,
        tenants: args.tenants,
        services: args.services,
        days: args.days,
        ..Plan::default()
    };
    write_all(&plan, &mut io::stdout().lock()).map_err(|error| Failure::output(&error))
}
