//! A disk that is a directory of the system's.

use super::{Access, Disk, DiskFile, Lock, LockError, Mapping};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A directory on a local POSIX file system.
#[derive(Clone, Debug)]
pub struct DirectoryDisk {
    root: PathBuf,
}

impl DirectoryDisk {
    /// The disk whose files lie under `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> DirectoryDisk {
        DirectoryDisk { root: root.into() }
    }

    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

/// Files that others may not read: keys and logs are both secrets.
const MODE_PRIVATE: u32 = 0o600;

impl Disk for DirectoryDisk {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(MODE_PRIVATE)
            .open(self.path(path))?;
        Ok(Box::new(SystemFile(file)))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(access == Access::Write).open(self.path(path))?;
        // Opening a directory for reading succeeds, reading it does not: refuse it here, by name.
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected a regular file"));
        }
        Ok(Box::new(SystemFile(file)))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(directory))? {
            // A name that is not UTF-8 is none of the engine's.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create_directory(&self, directory: &str) -> io::Result<()> {
        let path = self.path(directory);
        // From the topmost directory that is missing down, each name is made durable before what lies in it.
        let missing: Vec<&Path> = path.ancestors().take_while(|above| !above.exists()).collect();
        fs::create_dir_all(&path)?;
        if missing.is_empty() {
            // A process that was killed may have made it and not synced its name. Somebody else may have made it too,
            // in a directory that we may not read.
            return match sync_name_of(&path) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            };
        }
        missing.into_iter().rev().try_for_each(sync_name_of)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    fn sync_directory(&self, directory: &str) -> io::Result<()> {
        sync_directory_at(&self.path(directory))
    }

    fn lock(&self, path: &str) -> Result<Box<dyn Lock>, LockError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE_PRIVATE)
            .open(self.path(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The holder may be between locking and writing its ID.
                let holder = file
                    .take(32)
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| text.trim().parse::<u32>().ok());
                return Err(LockError::Held(holder));
            }
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Box::new(SystemLock { _file: file }))
    }

    fn display(&self, path: &str) -> String {
        self.path(path).display().to_string()
    }
}

/// Makes a directory's own name durable: it stands in the one above.
fn sync_name_of(directory: &Path) -> io::Result<()> {
    match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory_at(parent),
        Some(_) => sync_directory_at(Path::new(".")),
        None => Ok(()),
    }
}

fn sync_directory_at(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

struct SystemFile(File);

impl DiskFile for SystemFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn reserve(&self, offset: u64, length: u64) -> io::Result<()> {
        loop {
            match rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), offset, length) {
                Err(rustix::io::Errno::INTR) => {}
                // A file system without it: the bytes are then allocated as they are written.
                Err(rustix::io::Errno::OPNOTSUPP) => return Ok(()),
                other => return other.map_err(io::Error::from),
            }
        }
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    #[expect(
        unsafe_code,
        reason = "a mapping; docs/decisions/0006-mapped-segments.md says why it is sound here"
    )]
    fn map(&self, length: u64) -> io::Result<Mapping> {
        if self.length()? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        // SAFETY: only sealed segments and runs of processes are mapped. The store's lock keeps other writers of ours out
        // of the directory, and ours never writes to, or cuts, a file that is one of these: replaced ones are unlinked.
        let mapping = unsafe { memmap2::MmapOptions::new().len(length).map(&self.0)? };
        Ok(Box::new(mapping))
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync also flushes the length where reading back needs it (fdatasync(2)).
        self.0.sync_data()
    }
}

/// flock(2) belongs to the open file, so it ends with the process however that ends.
struct SystemLock {
    _file: File,
}

impl Lock for SystemLock {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{read_small, replace_small};

    fn scratch(name: &str) -> DirectoryDisk {
        let root = std::env::temp_dir().join(format!("sealog-disk-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let disk = DirectoryDisk::new(root);
        disk.create_directory("").unwrap();
        disk
    }

    #[test]
    fn a_second_lock_is_refused_with_the_holders_process_id() {
        let disk = scratch("lock");
        let held = disk.lock("LOCK").unwrap();
        match disk.lock("LOCK") {
            Err(LockError::Held(Some(pid))) => assert_eq!(pid, std::process::id()),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("locked twice"),
        }
        drop(held);
        assert!(disk.lock("LOCK").is_ok());
        fs::remove_dir_all(disk.root).unwrap();
    }

    #[test]
    fn a_replaced_file_is_whole_and_a_long_one_is_not_read() {
        let disk = scratch("replace");
        replace_small(&disk, "", "STORE", b"one").unwrap();
        replace_small(&disk, "", "STORE", b"second").unwrap();
        assert_eq!(read_small(&disk, "STORE", 6).unwrap(), b"second");
        assert_eq!(read_small(&disk, "STORE", 5).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(disk.list("").unwrap(), ["STORE"]);
        fs::remove_dir_all(disk.root).unwrap();
    }

    #[test]
    fn reserved_space_reads_as_zeros() {
        let disk = scratch("reserve");
        let file = disk.create("a").unwrap();
        file.write_at(b"xy", 0).unwrap();
        file.reserve(2, 4094).unwrap();
        assert_eq!(file.length().unwrap(), 4096);
        let mut bytes = [1; 4];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 4);
        assert_eq!(bytes, [b'x', b'y', 0, 0]);
        assert_eq!(disk.create("a").err().unwrap().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_dir_all(disk.root).unwrap();
    }
}
