//! Appends frames to the newest journal file, and begins the next.

use super::{DIRECTORY, Frame, Tail, path};
use crate::clock::Entropy;
use crate::disk::{Access, Disk, DiskFile};
use crate::error::Error;
use crate::format::journal::{
    self, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAMES_OFFSET, FileHeader, FrameHeader, FrameType, frame_bytes,
};
use crate::limits;
use parking_lot::Mutex;
use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;

/// A frame that was not written.
#[derive(Debug)]
pub enum WriteError {
    /// Nothing of it is left: the next append may try again.
    Refused(Error),
    /// What the file holds is unknown: nothing may be appended until a restart.
    Fatal(Error),
}

/// A journal file, which several may sync.
pub struct JournalFile {
    file: Box<dyn DiskFile>,
    /// Its path, for messages.
    name: String,
    /// The system tells of a failed write-back once per open file, to whoever syncs next: whoever comes after that
    /// must hear of it too. Held while syncing.
    has_failed: Mutex<bool>,
}

impl JournalFile {
    fn new(file: Box<dyn DiskFile>, name: String) -> Arc<JournalFile> {
        Arc::new(JournalFile { file, name, has_failed: Mutex::new(false) })
    }

    /// Its path, for messages.
    pub fn display(&self) -> &str {
        &self.name
    }

    /// Makes everything written durable.
    ///
    /// # Errors
    /// The disk's; from then on every sync of this file fails.
    pub fn sync(&self) -> io::Result<()> {
        let mut has_failed = self.has_failed.lock();
        if *has_failed {
            return Err(io::Error::other("an earlier sync of the file failed"));
        }
        let result = self.file.sync();
        *has_failed = result.is_err();
        result
    }
}

/// The newest journal file, open for appending.
pub struct JournalWriter {
    disk: Arc<dyn Disk>,
    store_id: [u8; 16],
    file: Arc<JournalFile>,
    header: FileHeader,
    /// Where the next frame goes. Everything from here on reads as zeros.
    tail: u64,
    /// Up to here the file's space is written or reserved: a frame below it changes no metadata.
    ready: u64,
    next_frame: u64,
    /// Files up to this number will not be needed any more when the next is begun.
    trimmed: u32,
    /// A file is closed when a frame would take it past so many bytes.
    file_bytes_aim: u64,
}

impl JournalWriter {
    /// Begins the first file, or goes on where reading ended: cuts a torn tail, and makes durable what was read.
    ///
    /// `unvouched` are the newest frames, those that no later frame vouches for. They were read, perhaps from memory
    /// that a crashed process left dirty, or that a failed sync left marked clean: they are written again before the
    /// sync, so that they are durable when this returns.
    ///
    /// # Errors
    /// The disk's.
    pub fn resume(
        disk: Arc<dyn Disk>,
        entropy: &dyn Entropy,
        store_id: [u8; 16],
        tail: &Tail,
        unvouched: &[Arc<Frame>],
        file_bytes_aim: u64,
    ) -> Result<JournalWriter, Error> {
        let number = tail.journal.max(1);
        let Some(header) = tail.header else {
            // None yet, or a crash while the newest was begun: its name may be there, with nothing of worth inside.
            match disk.remove(&path(number)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", disk.display(&path(number)), error));
                }
                _ => {}
            }
            let begun = Begun { number, first_frame: tail.next_frame, trimmed: tail.trimmed, file_bytes_aim };
            return JournalWriter::begin(disk, entropy, store_id, begun).map_err(|failed| failed.error);
        };
        let name = disk.display(&path(number));
        let file = disk.open(&path(number), Access::Write).map_err(Error::during("open", &name))?;
        let mut ready = file.length().map_err(Error::during("read the length of", &name))?;
        if tail.torn_bytes > 0 {
            // Cut before anything new is written: what was torn must not lie behind a new frame.
            file.set_length(tail.offset).map_err(Error::during("cut the torn tail of", &name))?;
            ready = tail.offset;
        }
        let rewritten = || -> io::Result<()> {
            if unvouched.first().is_none_or(|frame| frame.header.offset == FRAMES_OFFSET) {
                file.write_at(&[header.encode(), header.encode()].concat(), 0)?;
            }
            unvouched
                .iter()
                .filter(|frame| frame.journal == number)
                .try_for_each(|frame| file.write_at(&frame.bytes, frame.header.offset))?;
            file.sync()
        };
        rewritten().map_err(Error::during("write again what was read from", &name))?;
        disk.sync_directory(DIRECTORY).map_err(Error::during("sync", disk.display(DIRECTORY)))?;
        Ok(JournalWriter {
            disk,
            store_id,
            file: JournalFile::new(file, name),
            header,
            tail: tail.offset,
            ready,
            next_frame: tail.next_frame,
            trimmed: header.trimmed,
            file_bytes_aim,
        })
    }

    /// Creates a journal file, durable with its name when this returns.
    fn begin(
        disk: Arc<dyn Disk>,
        entropy: &dyn Entropy,
        store_id: [u8; 16],
        begun: Begun,
    ) -> Result<JournalWriter, NotBegun> {
        let Begun { number, first_frame, trimmed, file_bytes_aim } = begun;
        let name = disk.display(&path(number));
        let mut nonce = [0; 8];
        entropy.fill(&mut nonce).map_err(|error| NotBegun {
            error: Error::io("draw a nonce for", &name, error),
            is_left: false,
        })?;
        let header = FileHeader { store_id, journal: number, first_frame, trimmed, nonce };
        // A frame is acknowledged only after the name of its file is durable.
        let begun = disk.create(&path(number)).and_then(|file| {
            file.write_at(&[header.encode(), header.encode()].concat(), 0)?;
            file.sync()?;
            disk.sync_directory(DIRECTORY)?;
            Ok(file)
        });
        let file = match begun {
            Ok(file) => file,
            Err(error) => {
                // A file that a crash may bring back would stand in the way of frames that the older file gains.
                let removed = match disk.remove(&path(number)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => disk.sync_directory(DIRECTORY),
                };
                return Err(NotBegun { error: Error::io("begin", name, error), is_left: removed.is_err() });
            }
        };
        Ok(JournalWriter {
            disk,
            store_id,
            file: JournalFile::new(file, name),
            header,
            tail: FRAMES_OFFSET,
            ready: FRAMES_OFFSET,
            next_frame: first_frame,
            trimmed,
            file_bytes_aim,
        })
    }

    /// The file to sync after [`JournalWriter::append`].
    pub fn file(&self) -> Arc<JournalFile> {
        Arc::clone(&self.file)
    }

    /// The newest frame's number; 0 if there is none.
    pub fn last_frame(&self) -> u64 {
        self.next_frame - 1
    }

    /// The path of the newest file, for messages.
    pub fn display(&self) -> String {
        self.disk.display(&path(self.header.journal))
    }

    /// The newest file's number.
    pub fn journal(&self) -> u64 {
        self.header.journal
    }

    /// Writes one frame; `bytes` holds room for the header, then the payload, and is padded and completed here.
    /// Not durable until [`JournalWriter::file`] is synced. `durable` is the highest frame known to be synced.
    ///
    /// # Errors
    /// [`WriteError::Refused`] if nothing of the frame is left, else [`WriteError::Fatal`].
    pub fn append(
        &mut self,
        entropy: &dyn Entropy,
        frame: NewFrame,
        bytes: &mut Vec<u8>,
    ) -> Result<FrameHeader, WriteError> {
        let payload_bytes = bytes.len() - FRAME_HEADER_BYTES;
        assert!(payload_bytes <= limits::FRAME_PAYLOAD_BYTES_MAX, "callers bound batches");
        let length = frame_bytes(payload_bytes as u64);
        if self.tail + length > self.file_bytes_aim && self.tail > FRAMES_OFFSET {
            self.rotate(entropy)?;
        }
        self.make_ready(length)?;
        let number = NonZeroU64::new(self.next_frame).unwrap_or(NonZeroU64::MIN);
        let header = FrameHeader {
            frame_type: frame.frame_type,
            number,
            durable: frame.durable,
            logged_at: frame.logged_at,
            offset: self.tail,
            payload_bytes: u32::try_from(payload_bytes).unwrap_or(u32::MAX),
            payload_crc: journal::payload_crc(&self.header.nonce, number, &bytes[FRAME_HEADER_BYTES..]),
            part_count: frame.part_count,
            entry_count: frame.entry_count,
        };
        bytes[..FRAME_HEADER_BYTES].copy_from_slice(&header.encode(&self.header.nonce));
        bytes.resize(usize::try_from(length).unwrap_or(bytes.len()), 0);
        if let Err(error) = self.file.file.write_at(bytes, self.tail) {
            return Err(self.undo("write", error));
        }
        self.tail += length;
        self.ready = self.ready.max(self.tail);
        self.next_frame += 1;
        Ok(header)
    }

    /// Makes room for a frame, and for those that will follow it.
    fn make_ready(&mut self, length: u64) -> Result<(), WriteError> {
        if self.tail + length <= self.ready {
            return Ok(());
        }
        let result = if length >= limits::JOURNAL_LARGE_FRAME_BYTES {
            // Zeros would be written twice as many bytes; unwritten space costs a metadata change at each sync instead.
            let ahead = length.max(limits::JOURNAL_RESERVE_BYTES);
            let end = (self.tail + ahead).min(self.file_bytes_aim.max(self.tail + length));
            self.file.file.reserve(self.tail, end - self.tail).map(|()| end)
        } else {
            // Zeros written ahead keep metadata out of the syncs of small frames (docs/durability.md has the figures).
            let end = self.tail + limits::JOURNAL_ZERO_BYTES;
            let zeros = vec![0; usize::try_from(end - self.ready).unwrap_or(0)];
            self.file.file.write_at(&zeros, self.ready).map(|()| end)
        };
        match result {
            Ok(ready) => {
                self.ready = ready.next_multiple_of(FRAME_ALIGNMENT);
                Ok(())
            }
            Err(error) => Err(self.undo("make room in", error)),
        }
    }

    /// After a failed write: cut what it left, so that nothing half-written lies behind the next frame.
    fn undo(&mut self, action: &'static str, error: std::io::Error) -> WriteError {
        let cause = Error::io(action, self.display(), error);
        // Synced, because a crash could bring back a frame whose producer was told that nothing of it was kept.
        match self.file.file.set_length(self.tail).and_then(|()| self.file.sync()) {
            Ok(()) => {
                self.ready = self.tail;
                WriteError::Refused(cause)
            }
            Err(_) => WriteError::Fatal(cause),
        }
    }

    /// Notes that files up to this number are not needed any more: the next file's header will say so.
    pub fn trim_to(&mut self, number: u64) {
        let number = number.min(self.header.journal);
        self.trimmed = self.trimmed.max(u32::try_from(number).unwrap_or(self.trimmed));
    }

    /// Files up to this number are not needed any more, and the newest file says so: they may be removed.
    pub fn trimmed(&self) -> u64 {
        u64::from(self.header.trimmed)
    }

    /// Whether a new file would say no more than the newest does: that holds no frame, and nothing else can go.
    pub fn trims_nothing_new(&self) -> bool {
        self.tail == FRAMES_OFFSET && self.trimmed == self.header.trimmed
    }

    /// Bytes of the newest file up to where the next frame goes.
    pub fn file_bytes(&self) -> u64 {
        self.tail
    }

    /// Closes the file and begins the next: everything in the old one is synced first.
    ///
    /// # Errors
    /// As [`JournalWriter::append`].
    pub fn rotate(&mut self, entropy: &dyn Entropy) -> Result<(), WriteError> {
        let name = self.display();
        // Space reserved behind the tail is given back; a reader sees a file that ends with its last frame.
        self.file
            .file
            .set_length(self.tail)
            .map_err(|error| WriteError::Refused(Error::io("trim", &name, error)))?;
        self.ready = self.tail;
        self.file.sync().map_err(|error| WriteError::Fatal(Error::io("sync", &name, error)))?;
        // A crash here leaves a whole file that the next start goes on with.
        let begun = Begun {
            number: self.header.journal + 1,
            first_frame: self.next_frame,
            trimmed: self.trimmed,
            file_bytes_aim: self.file_bytes_aim,
        };
        let begun = JournalWriter::begin(Arc::clone(&self.disk), entropy, self.store_id, begun);
        let next = begun.map_err(|failed| match failed.is_left {
            true => WriteError::Fatal(failed.error),
            false => WriteError::Refused(failed.error),
        })?;
        *self = next;
        Ok(())
    }

    /// Gives back space that was reserved ahead, for a clean stop. The caller syncs.
    ///
    /// # Errors
    /// The disk's.
    pub fn trim(&mut self) -> Result<(), Error> {
        self.file.file.set_length(self.tail).map_err(Error::during("trim", self.display()))?;
        self.ready = self.tail;
        Ok(())
    }
}

/// What a journal file begins with.
struct Begun {
    number: u64,
    first_frame: u64,
    trimmed: u32,
    file_bytes_aim: u64,
}

/// A journal file that was not begun.
struct NotBegun {
    error: Error,
    /// Its name may still be there, or come back after a crash.
    is_left: bool,
}

/// What a frame's header says beside what follows from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct NewFrame {
    /// What the payload is.
    pub frame_type: FrameType,
    /// The highest frame known to be synced.
    pub durable: u64,
    /// Commit time, nanoseconds since the epoch.
    pub logged_at: i64,
    /// Parts in the payload.
    pub part_count: u32,
    /// Entries in all parts.
    pub entry_count: u32,
}
