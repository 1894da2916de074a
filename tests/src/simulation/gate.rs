//! A disk on which a test stops the writer in the middle of a write or a sync, and a reader between two reads.

use super::disk::SimulatedDisk;
use sealog_engine::disk::{Access, Disk, DiskFile, Lock, LockError};
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Far longer than any thread takes to come by.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the writer stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Nowhere.
    Nowhere,
    /// Half-way through a write.
    Write,
    /// Before a sync.
    Sync,
}

/// Stops whoever comes by, until a test lets them go.
#[derive(Clone)]
pub struct Gate(Arc<(Mutex<GateState>, Condvar)>);

struct GateState {
    closed: At,
    waiting: usize,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate(Arc::new((Mutex::new(GateState { closed: At::Nowhere, waiting: 0 }), Condvar::new())))
    }
}

impl Gate {
    /// Stops the next who come by there.
    pub fn close(&self, at: At) {
        self.0.0.lock().unwrap().closed = at;
    }

    /// Lets everybody go on.
    pub fn open(&self) {
        self.0.0.lock().unwrap().closed = At::Nowhere;
        self.0.1.notify_all();
    }

    /// Returns when this many wait. Panics if nobody comes by: a test that hangs says nothing.
    pub fn wait_for(&self, count: usize) {
        let state = self.0.0.lock().unwrap();
        let wait = self.0.1.wait_timeout_while(state, PATIENCE, |state| state.waiting < count);
        let is_over = wait.unwrap().1.timed_out();
        assert!(!is_over, "expected {count} to come by the gate");
    }

    fn pass(&self, at: At) {
        let mut state = self.0.0.lock().unwrap();
        if state.closed == at {
            state.waiting += 1;
            self.0.1.notify_all();
            state = self.0.1.wait_while(state, |state| state.closed == at).unwrap();
            state.waiting -= 1;
        }
    }
}

/// Returns when a condition holds that no gate tells of. Panics if it never does.
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "expected something to happen");
        std::thread::yield_now();
    }
}

/// What is called before each read, with the number of reads so far.
pub type OnRead = Arc<dyn Fn(u64) + Send + Sync>;

/// A disk with a gate, whose reads can be watched.
#[derive(Clone)]
pub struct GatedDisk {
    disk: SimulatedDisk,
    gate: Gate,
    on_read: Option<(OnRead, Arc<Mutex<u64>>)>,
}

impl GatedDisk {
    /// The disk behind a gate.
    pub fn new(disk: SimulatedDisk, gate: Gate) -> GatedDisk {
        GatedDisk { disk, gate, on_read: None }
    }

    /// The same disk, each read of which is announced.
    pub fn watched(&self, on_read: OnRead) -> GatedDisk {
        let disk = self.disk.observer();
        GatedDisk { disk, gate: Gate::default(), on_read: Some((on_read, Arc::default())) }
    }

    fn file(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(GatedFile { file, disk: self.clone() })
    }
}

impl Disk for GatedDisk {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(path).map(|file| self.file(file))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path, access).map(|file| self.file(file))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.disk.list(directory)
    }

    fn create_directory(&self, directory: &str) -> io::Result<()> {
        self.disk.create_directory(directory)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_directory(&self, directory: &str) -> io::Result<()> {
        self.disk.sync_directory(directory)
    }

    fn lock(&self, path: &str) -> Result<Box<dyn Lock>, LockError> {
        self.disk.lock(path)
    }

    fn display(&self, path: &str) -> String {
        self.disk.display(path)
    }
}

struct GatedFile {
    file: Box<dyn DiskFile>,
    disk: GatedDisk,
}

impl DiskFile for GatedFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if let Some((on_read, count)) = &self.disk.on_read {
            let number = {
                let mut count = count.lock().unwrap();
                *count += 1;
                *count - 1
            };
            on_read(number);
        }
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        self.file.write_at(first, offset)?;
        self.disk.gate.pass(At::Write);
        self.file.write_at(rest, offset + first.len() as u64)
    }

    fn reserve(&self, offset: u64, length: u64) -> io::Result<()> {
        self.file.reserve(offset, length)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.gate.pass(At::Sync);
        self.file.sync()
    }
}
