//! How a command ends when it does not end well: the contract's exit codes.

use crate::output::terminal::note;
use sealog_engine::error::Error;
use std::io;
use std::process::ExitCode;

/// What a command gives.
pub type Outcome = Result<(), Failure>;

/// Why a command stopped.
#[derive(Debug)]
pub enum Failure {
    /// Verification failed, or a read met damage; everything is printed already. Exit 1.
    Found,
    /// Damage that kept a command from giving anything. Exit 1.
    Damage(String),
    /// Bad usage or input. Exit 2.
    Input(String),
    /// It could not be done. Exit 3.
    Impossible(String),
    /// Whoever read the output stopped reading. Exit 0: they have what they wanted.
    PipeClosed,
}

impl Failure {
    /// A system error while reading or writing `what`.
    pub fn io(what: impl std::fmt::Display, error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::PipeClosed
        } else {
            Failure::Impossible(format!("{what}: {error}"))
        }
    }

    /// An error while writing results.
    pub fn output(error: &io::Error) -> Failure {
        Failure::io("could not write the output", error)
    }

    /// Tells the user, and gives the exit code.
    pub fn report(self) -> ExitCode {
        let (code, message) = match self {
            Failure::PipeClosed => return ExitCode::SUCCESS,
            Failure::Found => return ExitCode::from(1),
            Failure::Damage(message) => (1, message),
            Failure::Input(message) => (2, message),
            Failure::Impossible(message) => (3, message),
        };
        note(&message);
        ExitCode::from(code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let message = error.to_string();
        match error {
            Error::Entry { .. }
            | Error::BatchTooLarge { .. }
            | Error::Conflict { .. }
            | Error::Limit { .. } => Failure::Input(message),
            Error::Exists { .. }
            | Error::Full { .. }
            | Error::Io { .. }
            | Error::Poisoned { .. }
            | Error::Locked { .. }
            | Error::NotAStore { .. }
            | Error::Damaged { .. }
            | Error::ChainDamaged { .. }
            | Error::Version { .. }
            | Error::NotTried
            | Error::Closed => Failure::Impossible(message),
        }
    }
}

/// As `From<Error>`, for commands that read: damage that leaves nothing to read is a finding.
pub fn while_reading(error: Error) -> Failure {
    match error {
        Error::Damaged { place, detail } => Failure::Damage(format!(
            "{place}: {detail}; restore the file from a backup, then run `sealog verify`"
        )),
        other => other.into(),
    }
}
