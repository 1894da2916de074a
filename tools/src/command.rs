//! One file for each subcommand.

mod append;
mod compact;
mod config;
mod demo;
mod documents;
mod generate;
mod import;
mod init;
mod inspect;
mod key;
mod remote;
mod scan;
mod serve;
mod stats;
mod tail;
mod tour;
mod verify;

use crate::cli::Command;
use crate::failure::{Failure, Outcome, while_reading};
use crate::output::human::counted;
use crate::output::terminal::note;
use sealog_engine::error::Error;
use sealog_engine::journal::{self, Damage};
use sealog_engine::reader::Reader;
use sealog_engine::store::{Options, Store};
use sealog_engine::verify::Problem;
use std::io::{self, Write};
use std::path::Path;

/// Runs one subcommand.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Key(command) => key::run(&command),
        Command::Config(command) => config::run(&command),
        Command::Append(args) => append::run(args),
        Command::Scan(args) => scan::run(&args),
        Command::Tail(args) => tail::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Compact(args) => compact::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Completions(args) => documents::completions(&args),
        Command::Man => documents::manual(),
    }
}

/// The directory that a command was given, where it was given no server.
fn directory(data: Option<&std::path::PathBuf>) -> Result<&Path, Failure> {
    data.map(std::path::PathBuf::as_path)
        .ok_or_else(|| Failure::Input("expected --data DIR or --server URL".to_owned()))
}

/// Refuses a store's path that is something else than a directory; one that is not there may become one.
fn check_directory(path: &Path) -> Outcome {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => Err(Failure::Impossible(format!(
            "{}: expected the directory of a store, found a file",
            path.display()
        ))),
        // Whoever opens the store says what is wrong, and with what.
        _ => Ok(()),
    }
}

/// Opens, or makes, a store for writing, and says if a torn write was cut.
fn open_store(directory: &Path, instance: Option<&str>) -> Result<Store, Failure> {
    check_directory(directory)?;
    let mut options = Options::default();
    if let Some(instance) = instance {
        instance.clone_into(&mut options.instance);
    }
    let store = Store::open(directory, options)?;
    if store.torn_bytes() > 0 {
        note(&format!(
            "cut {} of a write that a crash tore; it was never acknowledged",
            counted(store.torn_bytes(), "byte", "bytes")
        ));
    }
    // These chains take no entries; the others do.
    store.view().damage().iter().for_each(note_damage);
    Ok(store)
}

/// Reads a store, and says what does not read.
fn open_reader(directory: &Path) -> Result<Reader, Failure> {
    check_directory(directory)?;
    let reader = Reader::open(directory).map_err(while_reading)?;
    if reader.torn_bytes() > 0 {
        note(&format!(
            "{} behind the last entry: a write under way, or torn by a crash",
            counted(reader.torn_bytes(), "byte", "bytes")
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
    damage.iter().for_each(note_damage);
    if damage.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

fn note_damage(damage: &Damage) {
    note(&damage_text(damage));
}

/// Damage with its place, and what to do.
fn damage_text(damage: &Damage) -> String {
    let problem = Problem::of_damage(damage);
    format!("{}, {}; run `sealog verify`", problem.file, problem.detail)
}

/// Closes a store; what fails then was acknowledged all the same.
fn close(store: Store) -> Outcome {
    store.close().map_err(close_failed)
}

fn close_failed(error: Error) -> Failure {
    match error {
        Error::Full { .. } | Error::Io { .. } => Failure::Impossible(format!(
            "everything is durable, but the log could not be closed cleanly: {error}"
        )),
        other => other.into(),
    }
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
