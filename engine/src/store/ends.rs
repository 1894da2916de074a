//! Where the sealed part of each chain ends, kept beside the segments that say so: `state/ends`.
//!
//! Written before journal files go. So whatever happens to segments, this and the journal together tell where every
//! chain and line stands. What changed goes into a file of its own; when these together are as large as the whole is,
//! it is written whole.

use super::ledger::Ledger;
use super::sealed::{Restored, SealedChain, SealedLine};
use super::sealer::Sealer;
use crate::disk::{Disk, read_small, replace_small};
use crate::error::Error;
use crate::format::ends::{self, ChainEnd, EndsFile, LineEnd};
use crate::identity::Identity;
use crate::journal::Damage;
use crate::model::ServiceName;
use crate::proof::hashes;
use crate::proof::tree::RightEdge;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Where the files lie.
const DIRECTORY: &str = "state/ends";
const EXTENSION: &str = ".ends";
/// No file has this number, or one above it.
const NUMBER_END: u64 = 1 << 48;
/// More files than this are made one, however small: each is opened at a start.
const FILE_COUNT_MAX: usize = 64;

/// By service.
pub type Ends = BTreeMap<Box<str>, Restored>;

/// What is written, and what is still to be.
#[derive(Default)]
pub struct EndsLog {
    /// Numbers of the files, ascending.
    files: Vec<u64>,
    /// Length of the newest whole one; none if there is none that reads.
    whole_bytes: Option<usize>,
    /// Length of those behind it.
    change_bytes: usize,
    /// By service: lines that changed since the newest was written.
    changed: BTreeMap<Box<str>, BTreeSet<u32>>,
}

/// What a start finds.
#[derive(Default)]
pub struct Found {
    pub ends: Ends,
    pub log: EndsLog,
    pub damage: Option<Damage>,
}

fn path(number: u64) -> String {
    format!("{DIRECTORY}/{}", name(number))
}

fn name(number: u64) -> String {
    format!("{number:08}{EXTENSION}")
}

fn number_of(file: &str) -> Option<u64> {
    let number = file.strip_suffix(EXTENSION)?.parse().ok()?;
    (number < NUMBER_END && name(number) == file).then_some(number)
}

/// Reads the files, if there are any. Whole segments say all that they say: where one is damaged, nothing else is, and
/// all are written anew when journal files go next.
///
/// # Errors
/// The disk's.
pub fn load(disk: &dyn Disk, identity: &Identity) -> Result<Found, Error> {
    let names = match disk.list(DIRECTORY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(Error::during("list", disk.display(DIRECTORY)))?,
    };
    let mut files: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
    files.sort_unstable();
    let mut found = Found { log: EndsLog { files, ..EndsLog::default() }, ..Found::default() };
    // From the newest back to one that is whole.
    let mut needed: Vec<(u64, EndsFile)> = Vec::new();
    let mut is_whole = false;
    for &number in found.log.files.iter().rev() {
        let path = path(number);
        let bytes = read_small(disk, &path, ends::FILE_BYTES_MAX);
        let bytes = bytes.map_err(Error::during("read", disk.display(&path)))?;
        let file = match ends::decode(&bytes, &identity.id) {
            Ok(file) if needed.last().is_none_or(|(behind, _)| *behind == number + 1) => file,
            Ok(_) => return Ok(found.damaged(&path, "the file behind this one is missing".to_owned())),
            Err(error) => return Ok(found.damaged(&path, error.to_string())),
        };
        is_whole = file.is_whole;
        needed.push((number, file));
        if is_whole {
            found.log.whole_bytes = Some(bytes.len());
            break;
        }
        found.log.change_bytes += bytes.len();
    }
    if let Some((oldest, _)) = needed.last()
        && !is_whole
    {
        let path = path(*oldest);
        return Ok(found.damaged(&path, "the files before this one are missing".to_owned()));
    }
    let mut chains = BTreeMap::new();
    for (number, file) in needed.into_iter().rev() {
        if let Err(error) = ends::take_in(&mut chains, file) {
            return Ok(found.damaged(&path(number), error.to_string()));
        }
    }
    let newest = found.log.files.last().map(|number| path(*number)).unwrap_or_default();
    match restore(identity, chains.into_values()) {
        Ok(ends) => found.ends = ends,
        Err(detail) => return Ok(found.damaged(&newest, detail)),
    }
    Ok(found)
}

impl Found {
    fn damaged(self, path: &str, detail: String) -> Found {
        let log = EndsLog { files: self.log.files, ..EndsLog::default() };
        Found { ends: Ends::new(), log, damage: Some(Damage::of_file(path.to_owned(), detail)) }
    }
}

impl EndsLog {
    /// Makes the files' names durable. A process that was killed may have left the newest in memory only, and journal
    /// files go where nothing has changed since.
    ///
    /// # Errors
    /// The disk's.
    pub fn sync_names(&self, disk: &dyn Disk) -> Result<(), Error> {
        if self.files.is_empty() {
            return Ok(());
        }
        disk.sync_directory(DIRECTORY).map_err(Error::during("sync", disk.display(DIRECTORY)))
    }

    /// Notes what the segments of a chain tell that is not written yet.
    pub fn note_changes(&mut self, service: &str, sealed: &SealedChain, end: Option<&Restored>) {
        if end.is_some_and(|end| end.chain.size() == sealed.size()) {
            return;
        }
        let known = end.map_or(&[][..], |end| &end.chain.lines);
        let is_changed = |(line, own): &(u32, &SealedLine)| {
            known.get(*line as usize).is_none_or(|known| known.size != own.size)
        };
        let changed: Vec<_> = (0..).zip(&sealed.lines).filter(is_changed).collect();
        self.note(service, changed.into_iter().map(|(line, _)| line));
    }

    /// Notes that a chain was sealed further, with entries of these lines.
    pub fn note(&mut self, service: &str, lines: impl Iterator<Item = u32>) {
        self.changed.entry(service.into()).or_default().extend(lines);
    }
}

fn restore(identity: &Identity, chains: impl Iterator<Item = ChainEnd>) -> Result<Ends, String> {
    let chains = chains.map(|end| {
        let service = ServiceName::new(&end.service).map_err(|error| error.to_string())?;
        let edge = RightEdge::from_subtrees(end.size, &end.subtrees)
            .ok_or("expected a subtree for each bit of a size, found others")?;
        let lines = end.lines.iter().map(|line| SealedLine {
            // Nothing is sealed from here: neither nonces nor keys are needed.
            nonce: [0; 16],
            slot: line.slot,
            size: line.size,
            digest: line.digest,
        });
        let chain = SealedChain {
            store_id: identity.id,
            chain_id: hashes::chain_id(&hashes::origin(identity.name.as_str(), service.as_str())),
            service,
            slot: end.slot,
            head: end.head,
            edge,
            lines: lines.collect(),
            keys: BTreeMap::new(),
        };
        let line_ids = end.lines.iter().map(|line| line.line_id).collect();
        Ok((end.service, Restored { chain, line_ids }))
    });
    chains.collect()
}

/// Writes what changed, before journal files below a number go, if any do; durable when this returns.
///
/// # Errors
/// The disk's; what was there before is then still there.
pub fn write_before(
    sealer: &mut Sealer,
    ledger: &Mutex<Ledger>,
    store_id: &[u8; 16],
    journal: u64,
) -> Result<(), Error> {
    let log = &sealer.ends;
    if journal <= sealer.remembered_to + 1 || log.changed.is_empty() && log.whole_bytes.is_some() {
        return Ok(());
    }
    let disk = &*sealer.disk;
    disk.create_directory(DIRECTORY).map_err(Error::during("create", disk.display(DIRECTORY)))?;
    let is_whole =
        log.whole_bytes.is_none_or(|whole| log.change_bytes > whole) || log.files.len() >= FILE_COUNT_MAX;
    let chains: Vec<ChainEnd> = if is_whole {
        let all = |chain: &SealedChain| (0..).zip(&chain.lines).map(|(line, _)| line).collect();
        sealer.chains.values().map(|chain| end_of(chain, all(chain), ledger)).collect()
    } else {
        let changed = log.changed.iter().filter_map(|(service, lines)| {
            Some(end_of(sealer.chains.get(service)?, lines.iter().copied().collect(), ledger))
        });
        changed.collect()
    };
    let number = log.files.last().map_or(1, |newest| newest + 1);
    let bytes = ends::encode(store_id, &EndsFile { is_whole, chains });
    // A crash from here on finds the file or not: those before it are still there.
    replace_small(disk, DIRECTORY, &name(number), &bytes)
        .map_err(Error::during("write", disk.display(&path(number))))?;
    let log = &mut sealer.ends;
    log.changed.clear();
    log.files.push(number);
    if !is_whole {
        log.change_bytes += bytes.len();
        return Ok(());
    }
    (log.whole_bytes, log.change_bytes) = (Some(bytes.len()), 0);
    // A crash leaves some of these, which a start does not read: a whole one is behind them.
    while log.files.len() > 1 {
        let path = path(log.files[0]);
        match disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove", disk.display(&path), error));
            }
            _ => drop(log.files.remove(0)),
        }
    }
    Ok(())
}

fn end_of(chain: &SealedChain, numbers: Vec<u32>, ledger: &Mutex<Ledger>) -> ChainEnd {
    let own = |line: u32| &chain.lines[line as usize];
    let line_ids = ledger.lock().line_ids(numbers.iter().map(|line| own(*line).slot));
    let lines = numbers.into_iter().zip(line_ids).map(|(line, line_id)| {
        let SealedLine { slot, size, digest, .. } = *own(line);
        LineEnd { line, slot, line_id, size, digest }
    });
    ChainEnd {
        service: chain.service.as_str().into(),
        slot: chain.slot,
        size: chain.size(),
        head: chain.head,
        subtrees: chain.edge.subtrees(),
        lines: lines.collect(),
    }
}
