//! The `sealog` command: reads the command line, runs it, and exits with the contract's codes.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // clap itself exits with 2 on bad usage and 0 after help.
    let cli = sealog::cli::Cli::parse();
    match sealog::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
