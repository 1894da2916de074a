//! The words that were typed into a command, or how it ends when they are none.
//!
//! Knows which words of the contract this version does not do. What was typed is shown escaped: a script may have put
//! text from anywhere into its arguments.

use crate::cli::Cli;
use crate::filter::not_yet;
use crate::output::terminal::{is_hostile, printable, wants_colour_on_stderr, write_stderr};
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use std::process::ExitCode;

/// Flags of the contract that this version refuses: subcommand, flag, and why. They are not declared, so that no usage
/// line, tip, completion or manual page names what is not there.
const NOT_YET: [(&str, &str, &str); 2] =
    [("verify", "--checkpoint", NO_SIGNATURES), ("verify", "--key", NO_SIGNATURES)];
const NO_SIGNATURES: &str = "stores do not sign checkpoints yet";

/// Reads a command line.
///
/// # Errors
/// The exit code, after the user was told; also of `--help`, which is no failure.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    let args: Vec<OsString> = args.into_iter().collect();
    Cli::try_parse_from(&args).map_err(|error| refuse(error, &args))
}

fn refuse(mut error: clap::Error, args: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        // Help and version; with standard output gone there is nobody left to help.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag)), Some(command)) =
        (error.kind(), error.get(ContextKind::InvalidArg), args.get(1))
        && let Some((_, flag, why)) = NOT_YET.iter().find(|word| command == word.0 && flag == word.1)
    {
        return not_yet(flag, why).report();
    }
    let typed: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(printable(text)))),
            ContextValue::Strings(texts) => {
                Some((kind, ContextValue::Strings(texts.iter().map(|text| printable(text)).collect())))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in typed {
        error.insert(kind, value);
    }
    if args.iter().any(|arg| arg.to_string_lossy().contains(is_hostile)) {
        // A tip repeats what was typed, between clap's own colours.
        error.remove(ContextKind::Suggested);
    }
    let text = error.render();
    write_stderr(&if wants_colour_on_stderr() { text.ansi().to_string() } else { text.to_string() });
    ExitCode::from(2)
}
