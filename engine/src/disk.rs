//! Bytes and durability, and nothing of what the bytes mean.
//!
//! Everything the engine does to a disk goes through these two traits, so that a test can fail the i-th operation for
//! every i, and cut the power between any two. What they promise, and on which papers that rests: docs/durability.md.

mod directory;

pub use directory::DirectoryDisk;

use std::io;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading: works on a read-only mount.
    Read,
    /// Reading and writing a file that exists.
    Write,
}

/// One directory tree. Paths are relative to it, with `/` between components.
pub trait Disk: Send + Sync {
    /// Creates an empty file for reading and writing; its name is durable only after `sync_directory`.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one, else the system's.
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that exists.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn DiskFile>>;

    /// Names in a directory, in no order.
    ///
    /// # Errors
    /// The system's; `NotFound` if there is no such directory.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;

    /// Creates a directory, and those above it, where they are missing. Its name, and theirs, are durable when this
    /// returns.
    ///
    /// # Errors
    /// The system's.
    fn create_directory(&self, directory: &str) -> io::Result<()>;

    /// Renames a file over another, in one step.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Unlinks a file.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// The system's; names may then be lost.
    fn sync_directory(&self, directory: &str) -> io::Result<()>;

    /// Takes a lock that the system releases when this process ends, and writes this process's ID into the file.
    ///
    /// # Errors
    /// [`LockError::Held`] with the holder's process ID, where the file tells it.
    fn lock(&self, path: &str) -> Result<Box<dyn Lock>, LockError>;

    /// The path as a person would name it, for messages.
    fn display(&self, path: &str) -> String;
}

/// Bytes of a file, mapped or read.
pub type Mapping = Box<dyn AsRef<[u8]> + Send + Sync>;

/// An open file. Writes may be torn and reordered until `sync` returns.
pub trait DiskFile: Send + Sync {
    /// Bytes in the file.
    ///
    /// # Errors
    /// The system's.
    fn length(&self) -> io::Result<u64>;

    /// Reads as many bytes from `offset` as there are, at most `buffer`'s length; returns how many.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// The system's; any part of the bytes may then have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Reserves space for `length` bytes from `offset` on, which then read as zeros; the file grows to hold them.
    ///
    /// # Errors
    /// The system's, above all that there is no room.
    fn reserve(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Cuts or grows the file.
    ///
    /// # Errors
    /// The system's.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// The first `length` bytes of a file that nobody will write or cut any more: mapped where that is possible, else
    /// read.
    ///
    /// # Errors
    /// The system's; `UnexpectedEof` if there are fewer.
    fn map(&self, length: u64) -> io::Result<Mapping> {
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.read_at(&mut bytes[filled..], filled as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Box::new(bytes))
    }

    /// Makes everything written durable, and the length that is needed to read it back.
    ///
    /// # Errors
    /// The system's. What was written since the last sync may then be gone, and a second sync would not tell: the
    /// caller must not retry.
    fn sync(&self) -> io::Result<()>;
}

/// A lock that is held until it is dropped.
pub trait Lock: Send + Sync {}

/// A lock that was not given.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("held by {}", .0.map_or("another process".to_owned(), |pid| format!("process {pid}")))]
    Held(Option<u32>),
    /// The lock file could not be made or locked.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads exactly `buffer.len()` bytes at `offset`, or as many as there are; loops over short reads.
///
/// # Errors
/// The file's.
pub fn read_full(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a whole small file.
///
/// # Errors
/// The disk's, and `InvalidData` for a file longer than `bytes_max`.
pub fn read_small(disk: &dyn Disk, path: &str, bytes_max: usize) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Access::Read)?;
    // One byte more than allowed, so that a longer file shows.
    let mut bytes = vec![0; bytes_max + 1];
    let length = read_full(&*file, &mut bytes, 0)?;
    if length > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("expected at most {bytes_max} bytes, found more"),
        ));
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Puts `bytes` at `directory/name` in one step that survives a crash at any point: the old file or the new one.
///
/// # Errors
/// The disk's; the old file is then still there, or durability of the new one is unknown.
pub fn replace_small(disk: &dyn Disk, directory: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
    let temporary = format!("{path}.new");
    match disk.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&temporary)?;
    file.write_at(bytes, 0)?;
    // A crash before this sync leaves a `.new` file of any content, which the next replacement removes.
    file.sync()?;
    disk.rename(&temporary, &path)?;
    // A crash before this sync leaves the old name or the new one, each whole.
    disk.sync_directory(directory)
}
