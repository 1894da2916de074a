//! `sealog config check`: whether a server's configuration can be used.

use crate::cli::ConfigCommand;
use crate::failure::{Failure, Outcome};
use crate::output::terminal::note;
use sealog_server::Config;
use std::path::Path;

pub fn run(command: &ConfigCommand) -> Outcome {
    let ConfigCommand::Check(args) = command;
    read(&args.file).map(drop)?;
    note("the configuration can be used");
    Ok(())
}

/// Reads a configuration and what the environment says of it, and checks it whole.
pub fn read(file: &Path) -> Result<Config, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::io(format!("could not read {}", file.display()), &error))?;
    Config::read(&text, environment).map_err(|error| Failure::Input(format!("{}: {error}", file.display())))
}

/// As [`read`], without a file.
pub fn usual() -> Result<Config, Failure> {
    Config::read("", environment).map_err(|error| Failure::Input(error.to_string()))
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
