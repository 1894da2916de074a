//! A store read without its lock: beside the process that writes it, on a copy, or on a read-only mount.

use crate::disk::{DirectoryDisk, Disk};
use crate::error::Error;
use crate::format::store_file::StoreFileError;
use crate::identity::{self, Identity};
use crate::journal::Damage;
use crate::model::ServiceName;
use crate::scan::{Query, Scan, Scope};
use crate::segment;
use crate::store::replay;
use crate::view::View;
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
                damage.push(Damage {
                    file: identity::FILE.to_owned(),
                    offset: 0,
                    end_offset: 0,
                    lost: None,
                    detail,
                });
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
        let mut view = View::new();
        load_segments(disk, &identity, &view, &mut damage)?;
        let mut frame_count = 0;
        let replayed = replay(disk, &identity, |frame, commit| {
            view.publish(frame, commit, None);
            frame_count += 1;
            Ok(())
        })?;
        damage.extend(replayed.damage);
        view.set_damage(damage);
        Ok(Reader { identity, view, torn_bytes: replayed.tail.torn_bytes, frame_count })
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
            damage.push(Damage { file: directory, offset: 0, end_offset: 0, lost: None, detail });
            continue;
        }
        let loaded = segment::load(disk, &identity.id, &service)
            .map_err(Error::during("list", disk.display(&directory)))?;
        loaded.segments.into_iter().for_each(|segment| view.add_sealed(segment));
        let problems = loaded.problems.into_iter();
        damage.extend(problems.map(|(file, detail)| Damage {
            file,
            offset: 0,
            end_offset: 0,
            lost: None,
            detail,
        }));
    }
    Ok(())
}
