//! One file for each subcommand.

mod append;
mod demo;
mod documents;
mod generate;
mod import;
mod init;
mod inspect;
mod scan;
mod stats;
mod verify;

use crate::cli::{Command, Source};
use crate::failure::{Failure, Outcome, while_reading};
use crate::filter::not_yet;
use sealog_engine::error::Error;
use sealog_engine::journal::{self, Damage};
use sealog_engine::reader::Reader;
use sealog_engine::store::{Options, Store};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Runs one subcommand.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Append(args) => append::run(args),
        Command::Scan(args) => scan::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Completions(args) => documents::completions(&args),
        Command::Man => documents::manual(),
    }
}

/// The store's directory, or what this version says to `--server`.
fn directory(source: &Source) -> Result<&PathBuf, Failure> {
    match (&source.data, &source.server) {
        (Some(directory), _) => Ok(directory),
        (None, _) => {
            Err(not_yet("--server", "there is no server yet; name the store's directory with --data DIR"))
        }
    }
}

/// Opens, or makes, a store for writing, and says if a torn write was cut.
fn open_store(directory: &Path, instance: Option<&str>) -> Result<Store, Failure> {
    let mut options = Options::default();
    if let Some(instance) = instance {
        instance.clone_into(&mut options.instance);
    }
    let store = Store::open(directory, options)?;
    if store.torn_bytes() > 0 {
        note(&format!(
            "cut {} bytes of a write that a crash tore; it was never acknowledged",
            store.torn_bytes()
        ));
    }
    Ok(store)
}

/// Reads a store, and says what does not read.
fn open_reader(directory: &Path) -> Result<Reader, Failure> {
    let reader = Reader::open(directory).map_err(while_reading)?;
    if reader.torn_bytes() > 0 {
        note(&format!(
            "{} bytes behind the last entry are a write under way, or torn by a crash",
            reader.torn_bytes()
        ));
    }
    Ok(reader)
}

/// The newest commit time of a store, read from frame headers alone; none if nothing reads.
fn newest_commit(directory: &Path) -> Option<i64> {
    let disk = sealog_engine::disk::DirectoryDisk::new(directory);
    let identity = sealog_engine::identity::read(&disk).ok()?;
    journal::newest_commit_time(&disk, identity.id).ok().flatten()
}

/// Tells what a read met and could not give; the answer is then not whole.
fn report_damage(damage: &[Damage]) -> Outcome {
    for found in damage {
        let lost = found
            .lost
            .map_or(String::new(), |lost| format!("; frames {} to {} are lost", lost.first, lost.last));
        note(&format!("{}, byte {}: {}{lost}; run `sealog verify`", found.file, found.offset, found.detail));
    }
    if damage.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

/// Tells the user something that is not a result.
fn note(message: &str) {
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "sealog: {}", crate::output::terminal::printable(message));
}

/// Closes a store; what fails then was acknowledged all the same.
fn close(store: Store) -> Outcome {
    store.close().map_err(|error: Error| match error {
        Error::Full { .. } | Error::Io { .. } => Failure::Impossible(format!(
            "everything is durable, but the log could not be closed cleanly: {error}"
        )),
        other => other.into(),
    })
}

/// Prints a result that is all there.
fn print(result: &[u8]) -> Outcome {
    let mut out = output();
    out.write_all(result).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

/// Standard output, in big blocks: flushed by whoever writes, because dropping it does not tell what failed.
fn output() -> io::BufWriter<io::StdoutLock<'static>> {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}
