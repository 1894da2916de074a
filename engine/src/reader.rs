//! A store read without its lock: beside the process that writes it, on a copy, or on a read-only mount.

use crate::disk::{DirectoryDisk, Disk};
use crate::error::Error;
use crate::format::store_file::StoreFileError;
use crate::identity::{self, Identity};
use crate::journal::Damage;
use crate::open::View;
use crate::scan::{Query, Scan, Scope};
use crate::store::replay;
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
