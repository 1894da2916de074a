//! A disk that follows from one seed, and the fault model.
//!
//! **What a power cut leaves.** Of everything that no sync has confirmed, each piece happened or not, by itself:
//! - a write is as many pieces as it touches sectors of 512 bytes; a sector is one of the versions it ever had since
//!   the last sync, never a mixture of two, so writes are torn, lost and reordered;
//! - a change of length is a piece of its own: a file may have its size without its data (zeros), part of the size, or
//!   sectors that lie behind its end and come to light when it grows;
//! - a name that was created, renamed or removed is a piece of its own until its directory was synced, and so is a
//!   directory until it was made in full;
//! - what was synced is there. Sectors that no write touches stay as they are: bit rot is not this file's business.
//!
//! **What a kill leaves.** The process is gone and the machine goes on: memory keeps everything written, synced or
//! not, and the next process reads it. A power cut may follow. Both release the lock.
//!
//! **What fails.** The i-th operation fails, with no effect, a part of its effect, or all of it:
//! - a write leaves any first part of its bytes; a creation leaves the name; a directory is there and not durable;
//! - a sync that fails with no effect leaves all dirty; with part of its effect it did what ext4, XFS and Btrfs do
//!   (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020): lengths are durable, each
//!   sector is or is not, and everything is marked clean, so that a second sync succeeds and mends nothing; memory
//!   goes on showing what was lost (ext4, XFS) or falls back to what the disk has (Btrfs);
//! - a directory sync that fails leaves some names durable and the others as they were: metadata is journaled, and a
//!   file system whose journal fails goes read-only and does not pretend;
//! - a full disk writes what fits;
//! - reads are short, or interrupted (EINTR), now and then without any plan.
//!
//! An operation at which the process dies had no effect, part of it or all, likewise; after it every operation fails
//! and none has an effect, also those of the dead process's destructors.
//!
//! **Not here**: sectors that tear, a disk that lies about a flush, bytes that rot (`forge` does that), another process
//! that writes the directory.

use super::platter::{FileId, Platter};
use super::random::Random;
use sealog_engine::disk::{Access, Disk, DiskFile, Lock, LockError};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// The system's number for an input/output error.
pub const EIO: i32 = 5;
/// The system's number for a full disk.
pub const ENOSPC: i32 = 28;
/// The system's number for too many open files.
pub const EMFILE: i32 = 24;

/// When a fault strikes: counted from 0 since the plan was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At this operation.
    Operation(u64),
    /// At this operation among those that change something.
    Change(u64),
    /// At this sync, of a file or a directory.
    Sync(u64),
}

/// How much of the operation happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// A part, by the rules above.
    Partial,
    /// All.
    Whole,
}

impl Effect {
    /// Every failing step is tried with each.
    pub const ALL: [Effect; 3] = [Effect::None, Effect::Partial, Effect::Whole];
}

/// What the process sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// An error with this number.
    Fail(i32),
    /// Nothing any more.
    Die,
}

/// What an operation does to the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Change,
    Sync,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub at: Moment,
    /// How much happened.
    pub effect: Effect,
    /// What is seen.
    pub act: Act,
}

/// A simulated disk, as one process sees it.
#[derive(Clone)]
pub struct SimulatedDisk {
    session: Arc<Mutex<Session>>,
    /// Reads beside the process: is not counted, meets no fault, and outlives it.
    is_observer: bool,
}

struct Session {
    platter: Platter,
    random: Random,
    plan: Vec<Fault>,
    operations: u64,
    changes: u64,
    syncs: u64,
    fired: u64,
    /// The process dies at the operation that runs.
    is_dying: bool,
    is_dead: bool,
    is_locked: bool,
    /// Bytes by which files may still grow.
    free: Option<u64>,
    /// A directory in which no file can be created.
    is_full_below: Option<String>,
    trace: Option<Vec<String>>,
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> SimulatedDisk {
        SimulatedDisk::with(Platter::default(), Random::new(seed), None)
    }

    fn with(platter: Platter, random: Random, trace: Option<Vec<String>>) -> SimulatedDisk {
        let session = Session {
            platter,
            random,
            plan: Vec::new(),
            operations: 0,
            changes: 0,
            syncs: 0,
            fired: 0,
            is_dying: false,
            is_dead: false,
            is_locked: false,
            free: None,
            is_full_below: None,
            trace,
        };
        SimulatedDisk { session: Arc::new(Mutex::new(session)), is_observer: false }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap()
    }

    /// The same disk without faults or counting, for an oracle.
    pub fn observer(&self) -> SimulatedDisk {
        SimulatedDisk { session: Arc::clone(&self.session), is_observer: true }
    }

    /// A disk of its own with the same bytes, whose chance begins at `seed`.
    pub fn copy(&self, seed: u64) -> SimulatedDisk {
        SimulatedDisk::with(self.session().platter.clone(), Random::new(seed), None)
    }

    /// Begins chance anew, so that one story can end in many power cuts.
    pub fn reseed(&self, seed: u64) {
        self.session().random = Random::new(seed);
    }

    /// What will fail from now on; counts begin anew.
    pub fn plan(&self, faults: &[Fault]) {
        let mut session = self.session();
        session.plan = faults.to_vec();
        (session.operations, session.changes, session.syncs) = (0, 0, 0);
    }

    /// Lets files grow by this many bytes more, or without end.
    pub fn limit(&self, free: Option<u64>) {
        self.session().free = free;
    }

    /// Lets no file be created in this directory and below it, as if its quota were used up; or in any again.
    pub fn fill(&self, directory: Option<&str>) {
        self.session().is_full_below = directory.map(|directory| format!("{directory}/"));
    }

    /// Operations since the plan was made.
    pub fn operations(&self) -> u64 {
        self.session().operations
    }

    /// Of these, those that change something.
    pub fn changes(&self) -> u64 {
        self.session().changes
    }

    /// Of these, those that make something durable.
    pub fn syncs(&self) -> u64 {
        self.session().syncs
    }

    /// Faults that struck so far, a full disk included.
    pub fn fired(&self) -> u64 {
        self.session().fired
    }

    /// The process died.
    pub fn is_dead(&self) -> bool {
        self.session().is_dead
    }

    /// Ends the process, wherever it is; memory keeps what was written. The next process's disk.
    pub fn kill(&self) -> SimulatedDisk {
        let mut session = self.session();
        session.is_dead = true;
        let random = session.random.fork();
        session.note(|| "kill".to_owned());
        SimulatedDisk::with(session.platter.clone(), random, session.trace.take())
    }

    /// Cuts the power. The disk that the machine finds when it starts again.
    pub fn power_cut(&self) -> SimulatedDisk {
        let mut session = self.session();
        session.is_dead = true;
        let mut random = session.random.fork();
        let mut platter = session.platter.clone();
        platter.power_cut(&mut random);
        session.note(|| "power cut".to_owned());
        SimulatedDisk::with(platter, random, session.trace.take())
    }

    /// A file's bytes, if it is there.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let session = self.session();
        session.platter.find(path).map(|file| session.platter.bytes(file))
    }

    /// Puts a file there as if it had always been.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        self.session().platter.put(path, bytes);
    }

    /// Takes a file away as if it had never been.
    pub fn erase(&self, path: &str) {
        let mut session = self.session();
        session.platter.remove(path);
        session.platter.sync_directory(path.rsplit_once('/').map_or("", |(directory, _)| directory), || true);
    }

    /// Notes every operation from now on.
    pub fn trace(&self) {
        self.session().trace = Some(Vec::new());
    }

    /// Adds a line of the test's own to the trace.
    pub fn note(&self, line: impl FnOnce() -> String) {
        self.session().note(line);
    }

    /// The operations noted so far.
    pub fn traced(&self) -> Vec<String> {
        self.session().trace.clone().unwrap_or_default()
    }

    /// Runs one operation: counts it, lets a planned fault decide how much of it happens, and tells what is seen.
    fn run<T>(
        &self,
        kind: Kind,
        line: impl FnOnce() -> String,
        operation: impl FnOnce(&mut Session, Effect) -> io::Result<T>,
    ) -> io::Result<T> {
        let session = &mut *self.session();
        if self.is_observer {
            return operation(session, Effect::Whole);
        }
        if session.is_dead {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let (number, change, sync) = (session.operations, session.changes, session.syncs);
        session.operations += 1;
        session.changes += u64::from(kind != Kind::Read);
        session.syncs += u64::from(kind == Kind::Sync);
        let fault = session.plan.iter().copied().find(|fault| match fault.at {
            Moment::Operation(at) => at == number,
            Moment::Change(at) => kind != Kind::Read && at == change,
            Moment::Sync(at) => kind == Kind::Sync && at == sync,
        });
        session.note(|| {
            let fault = fault
                .map_or(String::new(), |fault| format!("  -- {:?}, effect {:?}", fault.act, fault.effect));
            format!("{number:>5} {}{fault}", line())
        });
        let Some(fault) = fault else { return operation(session, Effect::Whole) };
        session.fired += 1;
        session.is_dying = fault.act == Act::Die;
        if fault.effect != Effect::None {
            // What it would have answered, nobody learns.
            let _ = operation(session, fault.effect);
        }
        Err(match fault.act {
            Act::Fail(number) => io::Error::from_raw_os_error(number),
            Act::Die => {
                session.is_dead = true;
                io::ErrorKind::ConnectionAborted.into()
            }
        })
    }

    fn file(&self, id: FileId) -> Box<dyn DiskFile> {
        Box::new(SimulatedFile { disk: self.clone(), id })
    }
}

impl Session {
    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    /// How many of `bytes` a file may grow by; takes them.
    fn take_room(&mut self, bytes: u64) -> u64 {
        let Some(free) = &mut self.free else { return bytes };
        let taken = bytes.min(*free);
        *free -= taken;
        taken
    }

    fn give_room(&mut self, bytes: u64) {
        if let Some(free) = &mut self.free {
            *free += bytes;
        }
    }

    /// Grows room for a write or reservation up to `end`; how far it got.
    fn grow(&mut self, file: FileId, end: u64) -> u64 {
        let length = self.platter.length(file);
        let wanted = end.saturating_sub(length);
        length.min(end).max(if wanted == 0 { end } else { length + self.take_room(wanted) })
    }

    fn full(&mut self) -> io::Error {
        self.fired += 1;
        self.note(|| "      no room".to_owned());
        io::Error::from_raw_os_error(ENOSPC)
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let id = self.run(
            Kind::Change,
            || format!("create {path}"),
            |session, _| {
                if session.platter.find(path).is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                if session.is_full_below.as_ref().is_some_and(|directory| path.starts_with(directory)) {
                    session.fired += 1;
                    return Err(io::Error::from_raw_os_error(ENOSPC));
                }
                session.platter.create(path).ok_or_else(|| io::ErrorKind::NotFound.into())
            },
        )?;
        Ok(self.file(id))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let id = self.run(
            Kind::Read,
            || format!("open {path} {access:?}"),
            |session, _| session.platter.find(path).ok_or_else(|| io::ErrorKind::NotFound.into()),
        )?;
        Ok(self.file(id))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.run(
            Kind::Read,
            || format!("list {directory}"),
            |session, _| session.platter.list(directory).ok_or_else(|| io::ErrorKind::NotFound.into()),
        )
    }

    fn create_directory(&self, directory: &str) -> io::Result<()> {
        self.run(
            Kind::Change,
            || format!("create directory {directory}"),
            |session, effect| {
                session.platter.create_directory(directory, effect == Effect::Whole);
                Ok(())
            },
        )
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.run(
            Kind::Change,
            || format!("rename {from} to {to}"),
            |session, _| {
                session.platter.rename(from, to);
                Ok(())
            },
        )
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.run(
            Kind::Change,
            || format!("remove {path}"),
            |session, _| {
                let Some(file) = session.platter.find(path) else {
                    return Err(io::ErrorKind::NotFound.into());
                };
                let length = session.platter.length(file);
                session.platter.remove(path);
                session.give_room(length);
                Ok(())
            },
        )
    }

    fn sync_directory(&self, directory: &str) -> io::Result<()> {
        self.run(
            Kind::Sync,
            || format!("sync directory {directory}"),
            |session, effect| {
                if !session.platter.has_directory(directory) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                let Session { platter, random, .. } = session;
                platter.sync_directory(directory, || effect == Effect::Whole || random.chance(128));
                Ok(())
            },
        )
    }

    fn lock(&self, path: &str) -> Result<Box<dyn Lock>, LockError> {
        let mut is_taken = false;
        let is_held = self.run(
            Kind::Change,
            || format!("lock {path}"),
            |session, effect| {
                if session.platter.find(path).is_none() && session.platter.create(path).is_none() {
                    return Err(io::ErrorKind::NotFound.into());
                }
                is_taken = effect == Effect::Whole && !std::mem::replace(&mut session.is_locked, true);
                Ok(!is_taken)
            },
        );
        // A call that failed lets go of what it held.
        let lock = is_taken.then(|| SimulatedLock(self.clone()));
        match (is_held, lock) {
            (Ok(_), Some(lock)) => Ok(Box::new(lock)),
            (Ok(_), None) => Err(LockError::Held(Some(1))),
            (Err(error), _) => Err(LockError::Io(error)),
        }
    }

    fn display(&self, path: &str) -> String {
        format!("disk/{path}")
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    id: FileId,
}

impl DiskFile for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        self.disk.run(Kind::Read, || "length".to_owned(), |session, _| Ok(session.platter.length(self.id)))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let is_observer = self.disk.is_observer;
        let mut wanted = buffer.len();
        let line = move || format!("read {wanted} bytes at {offset}");
        self.disk.run(Kind::Read, line, |session, _| {
            if !is_observer && wanted > 1 {
                match session.random.below(256) {
                    0..4 => return Err(io::ErrorKind::Interrupted.into()),
                    4..12 => wanted = 1 + session.random.index(wanted),
                    _ => {}
                }
            }
            Ok(session.platter.read(self.id, &mut buffer[..wanted], offset))
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.run(
            Kind::Change,
            || format!("write {} bytes at {offset}", bytes.len()),
            |session, effect| {
                let mut count = bytes.len();
                if effect == Effect::Partial {
                    count = session.random.index(count.max(1));
                }
                let end = session.grow(self.id, offset + count as u64);
                let fits = end.saturating_sub(offset) as usize;
                if fits > 0 {
                    session.platter.write(self.id, &bytes[..fits.min(count)], offset);
                }
                if fits < count { Err(session.full()) } else { Ok(()) }
            },
        )
    }

    fn reserve(&self, offset: u64, length: u64) -> io::Result<()> {
        self.disk.run(
            Kind::Change,
            || format!("reserve {length} bytes at {offset}"),
            |session, effect| {
                let mut end = offset + length;
                if effect == Effect::Partial {
                    end = offset + session.random.below(length.max(1));
                }
                let reached = session.grow(self.id, end);
                if reached > session.platter.length(self.id) {
                    session.platter.set_length(self.id, reached);
                }
                if reached < end { Err(session.full()) } else { Ok(()) }
            },
        )
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.disk.run(
            Kind::Change,
            || format!("set length {length}"),
            |session, _| {
                let before = session.platter.length(self.id);
                if length < before {
                    session.give_room(before - length);
                } else if session.grow(self.id, length) < length {
                    return Err(session.full());
                }
                session.platter.set_length(self.id, length);
                Ok(())
            },
        )
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.run(
            Kind::Sync,
            || format!("sync file {}", self.id),
            |session, effect| {
                let Session { platter, random, is_dying, .. } = session;
                match effect {
                    Effect::Whole => platter.sync(self.id),
                    // A process that dies here leaves nothing marked clean: a power cut decides the rest.
                    _ if *is_dying => {}
                    _ => platter.fail_sync(self.id, random),
                }
                Ok(())
            },
        )
    }
}

/// Released when it is dropped, and by the end of its process.
struct SimulatedLock(SimulatedDisk);

impl Lock for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.0.session().is_locked = false;
    }
}
