//! Files that entries name by their hash: a tenant's own, stored once each, never shared between tenants.
//!
//! ```text
//! artifacts/<first 16 hex digits of SHA-256(tenant)>/<SHA-256 of the file>        the file
//! artifacts/…/<SHA-256>.new                                                       no entry names it yet: `Mark`
//! artifacts/…/<16 hex digits>.upload                                              a file on its way
//! ```
//!
//! A mark is written before its file, and is told anew whenever an entry is about to name the file. A file whose mark is
//! older than a day goes, unless an entry names it by then: the mark goes.

use crate::clock::{Clock, Entropy};
use crate::disk::{Access, Disk, DiskFile, read_full, read_small, replace_small};
use crate::error::Error;
use crate::hex;
use crate::limits;
use crate::model::Timestamp;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::sync::Arc;

/// Where artifacts lie.
pub const DIRECTORY: &str = "artifacts";
const MARK: &str = ".new";
const UPLOAD: &str = ".upload";
/// A mark: when, the tenant, CRC32 of both.
const MARK_BYTES_MAX: usize = 8 + limits::NAME_BYTES_MAX + 4;
/// Bytes that are read at once.
const STEP: usize = 256 << 10;

/// SHA-256 of a file.
pub type Sha = [u8; 32];

/// A file that was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What entries name it by.
    pub sha256: Sha,
    /// Its bytes.
    pub size: u64,
}

/// A stored file, open.
pub struct Opened {
    /// Its bytes.
    pub file: Box<dyn DiskFile>,
    /// How many.
    pub length: u64,
}

/// Why a file was not stored.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It is too large.
    #[error("expected a file of at most {} bytes, found more", limits::ARTIFACT_BYTES_MAX)]
    TooLarge,
    /// Reading from whoever sends it failed: nothing of it is kept.
    #[error("could not read the file that was sent: {0}")]
    Source(#[source] io::Error),
    /// The disk's; nothing of it is kept.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The files of a store.
pub struct Artifacts {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Held while a file is named, or taken away because nobody names it.
    naming: Mutex<()>,
}

/// A file that no entry names, as far as its mark says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unnamed {
    /// Whose it is.
    pub tenant: String,
    /// The file.
    pub sha256: Sha,
    /// When it was stored, or was about to be named.
    pub since: Timestamp,
}

/// The directory of a tenant's files.
pub fn directory(tenant: &str) -> String {
    let hash = Sha256::digest(tenant.as_bytes());
    format!("{DIRECTORY}/{}", hex::encode(&hash[..8]))
}

/// The path of a tenant's file.
pub fn path(tenant: &str, sha256: &Sha) -> String {
    format!("{}/{}", directory(tenant), hex::encode(sha256))
}

/// Hashes a file; none if there is none.
///
/// # Errors
/// The disk's.
pub fn hash(disk: &dyn Disk, path: &str) -> io::Result<Option<Sha>> {
    let file = match disk.open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let (mut hasher, mut bytes, mut offset) = (Sha256::new(), vec![0; STEP], 0);
    loop {
        let filled = read_full(&*file, &mut bytes, offset)?;
        if filled == 0 {
            return Ok(Some(hasher.finalize().into()));
        }
        hasher.update(&bytes[..filled]);
        offset += filled as u64;
    }
}

impl Artifacts {
    /// The files of the store on a disk.
    pub fn new(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Artifacts {
        Artifacts { disk, clock, entropy, naming: Mutex::default() }
    }

    /// Stores a tenant's file; durable when this returns. One that is there is stored once.
    ///
    /// # Errors
    /// [`PutError`]: nothing of it is kept.
    pub fn put(&self, tenant: &str, source: &mut dyn Read) -> Result<Stored, PutError> {
        let directory = directory(tenant);
        let mut name = [0; 8];
        self.entropy
            .fill(&mut name)
            .map_err(Error::during("draw a name in", self.disk.display(&directory)))?;
        let upload = format!("{directory}/{}{UPLOAD}", hex::encode(&name));
        let failed = |action, error| Error::io(action, self.disk.display(&upload), error);
        self.disk.create_directory(&directory).map_err(|error| failed("make the directory of", error))?;
        let file = self.disk.create(&upload).map_err(|error| failed("create", error))?;
        let stored = self.fill(&*file, source, &upload).and_then(|stored| {
            file.sync().map_err(|error| failed("sync", error))?;
            self.keep(tenant, &stored, &upload)?;
            Ok(stored)
        });
        if stored.is_err() {
            // Nothing refers to it; what cannot be removed now goes at the next start.
            let _ = self.disk.remove(&upload);
        }
        stored
    }

    fn fill(&self, file: &dyn DiskFile, source: &mut dyn Read, upload: &str) -> Result<Stored, PutError> {
        let (mut hasher, mut bytes, mut size) = (Sha256::new(), vec![0; STEP], 0_u64);
        loop {
            let count = match source.read(&mut bytes) {
                Ok(0) => return Ok(Stored { sha256: hasher.finalize().into(), size }),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(PutError::Source(error)),
            };
            if size + count as u64 > limits::ARTIFACT_BYTES_MAX {
                return Err(PutError::TooLarge);
            }
            let own = bytes.get(..count).unwrap_or_default();
            hasher.update(own);
            file.write_at(own, size).map_err(Error::during("write", self.disk.display(upload)))?;
            size += count as u64;
        }
    }

    /// Gives an uploaded file its name.
    fn keep(&self, tenant: &str, stored: &Stored, upload: &str) -> Result<(), Error> {
        let path = path(tenant, &stored.sha256);
        let _naming = self.naming.lock();
        let failed = |action, error| Error::io(action, self.disk.display(&path), error);
        let is_there = self.exists(&path).map_err(|error| failed("open", error))?;
        if !is_there || self.is_marked(&path).map_err(|error| failed("open the mark of", error))? {
            self.mark(tenant, &stored.sha256).map_err(|error| failed("write the mark of", error))?;
        }
        if is_there {
            return self.disk.remove(upload).map_err(|error| failed("remove the second copy of", error));
        }
        // A crash before the rename leaves a mark without a file, which goes after a day.
        self.disk.rename(upload, &path).map_err(|error| failed("rename", error))?;
        self.disk.sync_directory(&directory(tenant)).map_err(|error| failed("sync the directory of", error))
    }

    /// A tenant's file; none if the store does not have it.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(&self, tenant: &str, sha256: &Sha) -> Result<Option<Opened>, Error> {
        let path = path(tenant, sha256);
        let failed = |error| Error::io("open", self.disk.display(&path), error);
        match self.disk.open(&path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
            Ok(file) => {
                let length = file.length().map_err(failed)?;
                Ok(Some(Opened { file, length }))
            }
        }
    }

    /// Whether the store has a file that an entry is about to name; it stays for a day from now on, whether the entry is
    /// committed or not. A file that cannot be told is one that is not there.
    pub fn claim(&self, tenant: &str, sha256: &Sha) -> bool {
        let path = path(tenant, sha256);
        let _naming = self.naming.lock();
        let claimed = || -> io::Result<bool> {
            if !self.exists(&path)? {
                return Ok(false);
            }
            if self.is_marked(&path)? {
                self.mark(tenant, sha256)?;
            }
            Ok(true)
        };
        claimed().unwrap_or(false)
    }

    /// Files that no entry named for a day, as far as their marks say.
    ///
    /// # Errors
    /// The disk's.
    pub fn unnamed(&self) -> Result<Vec<Unnamed>, Error> {
        let before = self.clock.wall_ns().saturating_sub(limits::ARTIFACT_UNNAMED_NS);
        let mut unnamed = Vec::new();
        for tenant in self.list(DIRECTORY)? {
            let directory = format!("{DIRECTORY}/{tenant}");
            for name in self.list(&directory)? {
                let Some(sha256) = name.strip_suffix(MARK).and_then(sha_of) else { continue };
                // A mark that does not read says nothing: its file stays.
                let read = read_small(&*self.disk, &format!("{directory}/{name}"), MARK_BYTES_MAX);
                let Some((since, tenant)) = read.ok().and_then(|bytes| decode_mark(&bytes)) else { continue };
                if since < before {
                    unnamed.push(Unnamed { tenant, sha256, since: Timestamp::from_nanos(since) });
                }
            }
        }
        Ok(unnamed)
    }

    /// Settles what a mark leaves open: the file stays for good if an entry names it, else it goes. One that was marked
    /// anew meanwhile stays as it is.
    ///
    /// # Errors
    /// The disk's; it is settled another time.
    pub fn settle(&self, file: &Unnamed, is_named: bool) -> Result<(), Error> {
        let path = path(&file.tenant, &file.sha256);
        let mark = format!("{path}{MARK}");
        let _naming = self.naming.lock();
        let settled = || -> io::Result<()> {
            let bytes = read_small(&*self.disk, &mark, MARK_BYTES_MAX)?;
            if decode_mark(&bytes).is_none_or(|(since, _)| since != file.since.nanos()) {
                return Ok(());
            }
            if !is_named {
                absent_is_fine(self.disk.remove(&path))?;
                // Gone for good before its mark: a crash never leaves a file that nobody looks after.
                self.disk.sync_directory(&directory(&file.tenant))?;
            }
            absent_is_fine(self.disk.remove(&mark))?;
            self.disk.sync_directory(&directory(&file.tenant))
        };
        settled().map_err(Error::during("settle", self.disk.display(&mark)))
    }

    /// Removes what a crash left of uploads.
    ///
    /// # Errors
    /// The disk's.
    pub fn clean(&self) -> Result<(), Error> {
        for tenant in self.list(DIRECTORY)? {
            let directory = format!("{DIRECTORY}/{tenant}");
            for name in self.list(&directory)?.iter().filter(|name| name.ends_with(UPLOAD)) {
                let path = format!("{directory}/{name}");
                absent_is_fine(self.disk.remove(&path))
                    .map_err(Error::during("remove", self.disk.display(&path)))?;
            }
        }
        Ok(())
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, Error> {
        match self.disk.list(directory) {
            // A directory that is not there holds nothing, nor does a file among the directories.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            names => names.map_err(Error::during("list", self.disk.display(directory))),
        }
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        match self.disk.open(path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            file => file.map(|_| true),
        }
    }

    fn is_marked(&self, path: &str) -> io::Result<bool> {
        self.exists(&format!("{path}{MARK}"))
    }

    fn mark(&self, tenant: &str, sha256: &Sha) -> io::Result<()> {
        let mut bytes = self.clock.wall_ns().to_le_bytes().to_vec();
        bytes.extend_from_slice(tenant.as_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        replace_small(&*self.disk, &directory(tenant), &format!("{}{MARK}", hex::encode(sha256)), &bytes)
    }
}

fn decode_mark(bytes: &[u8]) -> Option<(i64, String)> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (since, tenant) = body.split_first_chunk::<8>()?;
    Some((i64::from_le_bytes(*since), std::str::from_utf8(tenant).ok()?.to_owned()))
}

fn sha_of(name: &str) -> Option<Sha> {
    hex::decode(name)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
