//! A disk in memory that counts what is read from it.

use sealog_engine::disk::{Access, Disk, DiskFile, Lock, LockError};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Bytes = Arc<Mutex<Vec<u8>>>;

/// Files in memory. Writes are as durable as the value.
#[derive(Default)]
pub struct MemoryDisk {
    files: Mutex<BTreeMap<String, Bytes>>,
    directories: Mutex<BTreeSet<String>>,
    bytes_read: Arc<AtomicU64>,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// Puts a file there, and the directories above it.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        for (end, _) in path.match_indices('/') {
            lock(&self.directories).insert(path[..end].to_owned());
        }
        lock(&self.files).insert(path.to_owned(), Arc::new(Mutex::new(bytes)));
    }

    /// What a file holds.
    pub fn get(&self, path: &str) -> Option<Vec<u8>> {
        lock(&self.files).get(path).map(|bytes| lock(bytes).clone())
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        lock(&self.files).values().map(|bytes| lock(bytes).len() as u64).sum()
    }

    /// Bytes that were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    fn file(&self, bytes: &Bytes) -> Box<dyn DiskFile> {
        Box::new(MemoryFile { bytes: Arc::clone(bytes), bytes_read: Arc::clone(&self.bytes_read) })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A target that panicked has found something already.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, path)
}

impl Disk for MemoryDisk {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut files = lock(&self.files);
        if files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let bytes = Bytes::default();
        files.insert(path.to_owned(), Arc::clone(&bytes));
        Ok(self.file(&bytes))
    }

    fn open(&self, path: &str, _access: Access) -> io::Result<Box<dyn DiskFile>> {
        lock(&self.files).get(path).map(|bytes| self.file(bytes)).ok_or_else(|| not_found(path))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        if !directory.is_empty() && !lock(&self.directories).contains(directory) {
            return Err(not_found(directory));
        }
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let files = lock(&self.files);
        let names = files.keys().filter_map(|path| path.strip_prefix(&prefix));
        let directories = lock(&self.directories);
        let below = directories.iter().filter_map(|path| path.strip_prefix(&prefix));
        let children = below.filter_map(|path| path.split('/').next()).filter(|name| !name.is_empty());
        let mut names: Vec<String> =
            names.filter(|name| !name.contains('/')).chain(children).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn create_directory(&self, directory: &str) -> io::Result<()> {
        lock(&self.directories).insert(directory.to_owned());
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = lock(&self.files);
        let bytes = files.remove(from).ok_or_else(|| not_found(from))?;
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        lock(&self.files).remove(path).map(|_| ()).ok_or_else(|| not_found(path))
    }

    fn sync_directory(&self, _directory: &str) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _path: &str) -> Result<Box<dyn Lock>, LockError> {
        Ok(Box::new(NoLock))
    }

    fn display(&self, path: &str) -> String {
        format!("memory:{path}")
    }
}

/// One process, one target at a time: there is nobody to lock out.
struct NoLock;

impl Lock for NoLock {}

struct MemoryFile {
    bytes: Bytes,
    bytes_read: Arc<AtomicU64>,
}

/// Larger than anything a target writes: an offset beyond it comes from hostile bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

fn place(offset: u64, length: u64) -> io::Result<std::ops::Range<usize>> {
    let end = offset.checked_add(length).filter(|end| *end <= FILE_BYTES_MAX);
    let end = end.ok_or(io::ErrorKind::FileTooLarge)?;
    let narrow = |place: u64| usize::try_from(place).map_err(io::Error::other);
    Ok(narrow(offset)?..narrow(end)?)
}

impl DiskFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        Ok(lock(&self.bytes).len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = lock(&self.bytes);
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn write_at(&self, written: &[u8], offset: u64) -> io::Result<()> {
        let place = place(offset, written.len() as u64)?;
        let mut bytes = lock(&self.bytes);
        if bytes.len() < place.end {
            bytes.resize(place.end, 0);
        }
        bytes[place].copy_from_slice(written);
        Ok(())
    }

    fn reserve(&self, offset: u64, length: u64) -> io::Result<()> {
        let place = place(offset, length)?;
        let mut bytes = lock(&self.bytes);
        if bytes.len() < place.end {
            bytes.resize(place.end, 0);
        }
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        lock(&self.bytes).resize(place(0, length)?.end, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
