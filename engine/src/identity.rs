//! Who a store is: the file `STORE` on disk.

use crate::disk::{Disk, read_small, replace_small};
use crate::error::Error;
use crate::format::store_file::{StoreFile, StoreFileError};
use std::io;

/// Name and identity of a store.
pub type Identity = StoreFile;

/// The file's name.
pub const FILE: &str = "STORE";
/// It takes about 200 bytes.
const FILE_BYTES_MAX: usize = 4096;

/// Reads `STORE`.
///
/// # Errors
/// [`Error::NotAStore`] if there is none, [`Error::Damaged`], [`Error::Version`], and the disk's.
pub fn read(disk: &dyn Disk) -> Result<Identity, Error> {
    read_or_salvage(disk)?.map_err(|error| match error {
        StoreFileError::Damaged { detail, .. } => Error::Damaged { place: disk.display(FILE), detail },
        version => Error::Version { path: disk.display(FILE), detail: version.to_string() },
    })
}

/// Reads `STORE` and leaves it to the caller what its damage means.
///
/// # Errors
/// [`Error::NotAStore`] if there is none, and the disk's.
pub fn read_or_salvage(disk: &dyn Disk) -> Result<Result<Identity, StoreFileError>, Error> {
    match read_small(disk, FILE, FILE_BYTES_MAX) {
        Ok(bytes) => Ok(StoreFile::decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Ok(Err(StoreFileError::Damaged { detail: error.to_string(), salvaged: None }))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(Error::NotAStore { path: disk.display("") })
        }
        Err(error) => Err(Error::io("read", disk.display(FILE), error)),
    }
}

/// Writes `STORE` in one step: a crash leaves it whole or not there.
///
/// # Errors
/// The disk's.
pub fn write(disk: &dyn Disk, identity: &Identity) -> Result<(), Error> {
    replace_small(disk, "", FILE, identity.encode().as_bytes())
        .map_err(Error::during("write", disk.display(FILE)))
}
