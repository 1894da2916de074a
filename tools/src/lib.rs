//! What the `sealog` command is made of: the command line on one side, the engine on the other.
//!
//! - `cli`: the words of the command line, as types
//! - `command`: one file for each subcommand
//! - `usage`: how it ends when they are none
//! - `filter`, `name`: what the words mean
//! - `intake`: lines into batches, in parallel, committed in order
//! - `import`: foreign formats, one small file each
//! - `generate`: lifelike data
//! - `remote`: a server's log, asked over HTTP
//! - `output`: what people and programs see

pub mod cli;
mod command;
mod failure;
mod filter;
pub mod generate;
pub mod import;
mod intake;
mod name;
mod output;
mod remote;
pub mod usage;

pub use failure::{Failure, Outcome};

/// Runs one parsed command line.
///
/// # Errors
/// What the user is told, and the exit code.
pub fn run(cli: cli::Cli) -> Outcome {
    command::run(cli.command)
}
