//! A store read without its lock: beside the process that writes it, on a copy, or on a read-only mount.

use crate::disk::{DirectoryDisk, Disk};
use crate::error::Error;
use crate::format::commit::Part;
use crate::format::store_file::StoreFileError;
use crate::identity::{self, Identity};
use crate::journal;
use crate::journal::{Damage, JournalReader};
use crate::model::ServiceName;
use crate::scan::{Query, Scan, Scope};
use crate::segment;
use crate::segment::OpenError;
use crate::store::{Visit, read_ends, replay};
use crate::view::View;
use std::collections::BTreeMap;
use std::path::Path;

/// What a store held when it was opened.
pub struct Reader {
    identity: Identity,
    view: View,
    torn_bytes: u64,
    frame_count: u64,
}

impl Reader {
    /// Reads the store in a directory as it stands now. Damage is kept and reported, and everything else is read.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::Damaged`] if `STORE` says too little to go on, [`Error::Version`], the disk's.
    pub fn open(directory: impl AsRef<Path>) -> Result<Reader, Error> {
        Reader::open_on(&DirectoryDisk::new(directory.as_ref()))
    }

    /// As [`Reader::open`], on any disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_on(disk: &dyn Disk) -> Result<Reader, Error> {
        let mut damage = Vec::new();
        let identity = match identity::read_or_salvage(disk)? {
            Ok(identity) => identity,
            Err(StoreFileError::Damaged { detail, salvaged: Some(identity) }) => {
                damage.push(Damage::of_file(identity::FILE.to_owned(), detail));
                identity
            }
            Err(StoreFileError::Damaged { detail, salvaged: None }) => {
                return Err(Error::Damaged { place: disk.display(identity::FILE), detail });
            }
            Err(version) => {
                return Err(Error::Version {
                    path: disk.display(identity::FILE),
                    detail: version.to_string(),
                });
            }
        };
        // Beside a writer a file may go while this reads: what was in it is elsewhere by then.
        let mut tries_left = TRIES;
        loop {
            match Reader::read(disk, identity.clone(), damage.clone()) {
                Err(Error::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound && tries_left > 0 =>
                {
                    tries_left -= 1;
                }
                read => return read,
            }
        }
    }

    fn read(disk: &dyn Disk, identity: Identity, mut damage: Vec<Damage>) -> Result<Reader, Error> {
        let mut view = View::new();
        // Before everything else: what had left the journal by then is in a segment that is listed behind it.
        let found_ends = read_ends(disk, &identity)?;
        damage.extend(found_ends.damage);
        let listed = newest_in_journal(disk, &identity)?;
        // The journal is listed first: what leaves it from then on is in a segment that is listed behind it.
        let journal = JournalReader::new(disk, identity.id)
            .map_err(Error::during("read", disk.display(journal::DIRECTORY)))?;
        load_segments(disk, &identity, &view, &mut damage)?;
        let starts: Vec<_> =
            view.chains().iter().map(|chain| (Box::from(chain.service()), chain.size())).collect();
        let mut publish = Publish { view: &view, missing: BTreeMap::new() };
        let replayed = replay(disk, journal, starts, &mut publish)?;
        let Publish { mut missing, .. } = publish;
        settle(disk, &identity, &view, listed)?;
        for (service, end) in found_ends.ends {
            let (size, end) = (view.chain_size(&service), end.chain.size());
            if size < end {
                missing.entry(service).or_insert((size, end));
            }
        }
        // Frames that do not read are told of already, and may be what is missing.
        if replayed.damage.is_empty() {
            let is_told = |service: &str| {
                let directory = format!("{}/", segment::directory(service));
                damage.iter().any(|known: &Damage| known.file.starts_with(&directory))
            };
            let missing = missing.iter().filter(|(service, _)| !is_told(service));
            let missing = missing.map(|(service, (from, to))| segment::missing(service, *from, *to));
            let missing: Vec<Damage> = missing.map(|(file, detail)| Damage::of_file(file, detail)).collect();
            damage.extend(missing);
        }
        damage.extend(replayed.damage);
        view.set_damage(damage);
        let (torn_bytes, frame_count) = (replayed.tail.torn_bytes, replayed.commit_count);
        Ok(Reader { identity, view, torn_bytes, frame_count })
    }

    /// Who the store is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Everything that reads back.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Entries that match, newest or oldest first.
    pub fn scan(&self, scope: &Scope, query: &Query) -> Scan {
        self.view.scan(scope, query)
    }

    /// Bytes behind the last whole frame: a write under way, or one that a crash tore. Never acknowledged.
    pub fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    /// Group commits.
    pub fn frame_count(&self) -> u64 {
        self.frame_count
    }
}

/// Files may go as often as this while a store is opened for reading.
const TRIES: u32 = 100;

/// Publishes whatever reads.
struct Publish<'v> {
    view: &'v View,
    /// Of a chain, the first entries that are nowhere: from one position to another.
    missing: BTreeMap<Box<str>, (u64, u64)>,
}

fn newest_in_journal(disk: &dyn Disk, identity: &Identity) -> Result<Option<i64>, Error> {
    let newest = journal::newest_commit_time(disk, identity.id);
    newest.map_err(Error::during("read", disk.display(journal::DIRECTORY)))
}

/// Notes up to when every chain was read. `listed` is the newest commit time before the journal was listed. Beside a
/// writer segments may hold entries that were committed after that: of other chains those of the same time are missing,
/// so nobody is shown them yet.
fn settle(disk: &dyn Disk, identity: &Identity, view: &View, listed: Option<i64>) -> Result<(), Error> {
    if let Some(listed) = listed
        && view.newest().is_some_and(|newest| newest.nanos() > listed)
        && newest_in_journal(disk, identity)?.is_some_and(|now| now > listed)
    {
        view.settle(listed);
    } else {
        view.settle_all();
    }
    Ok(())
}

impl Visit for Publish<'_> {
    fn part(&mut self, journal: u64, logged_at: i64, part: &Part<'_>) -> Result<(), String> {
        let size = self.view.chain_size(part.service);
        if part.first_seq > size {
            self.missing.entry(part.service.into()).or_insert((size, part.first_seq));
        }
        self.view.publish(journal, logged_at, part, None);
        Ok(())
    }
}

/// Puts sealed segments into the view, before the journal adds what is behind them.
fn load_segments(
    disk: &dyn Disk,
    identity: &Identity,
    view: &View,
    damage: &mut Vec<Damage>,
) -> Result<(), Error> {
    let services =
        segment::services(disk).map_err(Error::during("list", disk.display(segment::DIRECTORY)))?;
    for service in services {
        let directory = segment::directory(&service);
        if ServiceName::new(&service).is_err() {
            let detail = "expected the name of a service".to_owned();
            damage.push(Damage::of_file(directory, detail));
            continue;
        }
        let loaded = segment::load(disk, &identity.id, &service)
            .map_err(Error::during("list", disk.display(&directory)))?;
        loaded.segments.into_iter().for_each(|segment| view.add_sealed(segment));
        for (file, problem) in loaded.problems {
            match problem {
                // Merged into another by now.
                OpenError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(Error::io("open", disk.display(&file), error));
                }
                problem => damage.push(Damage::of_file(file, problem.to_string())),
            }
        }
    }
    Ok(())
}
