//! The `sealog` command: reads the command line, runs it, and exits with the contract's codes.

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match sealog::usage::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match sealog::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
