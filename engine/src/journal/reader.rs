//! Reads frames in order by bounded positioned reads, and tells a torn tail from damage.
//!
//! Believes nothing that a CRC does not cover. Knows no records: a payload is bytes whose CRC was checked.

use super::event::{Damage, Event, Frame, Lost, Tail};
use super::search::{self, Window};
use super::{DIRECTORY, number_of, path};
use crate::disk::{Access, Disk, DiskFile, read_full};
use crate::format::journal::{
    self, FILE_HEADER_BYTES, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAMES_OFFSET, FileHeader, FrameError,
    FrameHeader, FrameType, HeaderError,
};
use crate::limits::FRAME_PAYLOAD_BYTES_MAX;
use std::io;
use std::sync::Arc;

/// The newest commit time in a journal, found by hopping from header to header: reads 64 bytes a frame of the newest
/// file. None if no frame reads; payloads are not looked at.
///
/// # Errors
/// The disk's.
pub fn newest_commit_time(disk: &dyn Disk, store_id: [u8; 16]) -> io::Result<Option<i64>> {
    let mut reader = JournalReader::new(disk, store_id)?;
    let mut files = std::mem::take(&mut reader.files);
    files.sort_unstable_by_key(|listed| std::cmp::Reverse(listed.number));
    for listed in files {
        reader.files.clear();
        reader.open_file(listed)?;
        let Some(open) = reader.current.take() else { continue };
        let mut newest = None;
        let mut offset = open.offset;
        let mut head = [0; FRAME_HEADER_BYTES];
        while offset < open.length && read_full(&*open.file, &mut head, offset)? == head.len() {
            let Ok(header) = FrameHeader::decode(&head, offset, &open.header.nonce) else { break };
            newest = newest.max(Some(header.logged_at));
            offset += header.frame_bytes();
        }
        if newest.is_some() {
            return Ok(newest);
        }
    }
    Ok(None)
}

/// Reads all journal files of a store, in order: those that there were when they were listed.
#[derive(Clone)]
pub struct JournalReader<'d> {
    disk: &'d dyn Disk,
    store_id: [u8; 16],
    /// Files not begun yet, last first.
    files: Vec<Listed>,
    /// Files that are not needed any more and whose removal a crash prevented.
    trimmed: Vec<u64>,
    /// The first frame's number is known: it is 1, or the first file's header told.
    is_begun: bool,
    current: Option<OpenFile>,
    expected_frame: u64,
    expected_journal: u64,
    tail: Tail,
    pending: Vec<Event>,
    bytes_read: u64,
    ended: bool,
}

/// A file that was listed.
#[derive(Clone)]
struct Listed {
    number: u64,
    /// Open from then on: a writer may remove it meanwhile. Files are few; where they are not, the last ones, which it
    /// removes last, are opened when they are read.
    file: Option<Arc<dyn DiskFile>>,
}

/// Files that are held open at most.
const HELD_FILES_MAX: usize = 128;

#[derive(Clone)]
struct OpenFile {
    file: Arc<dyn DiskFile>,
    path: String,
    /// Length when it was opened: what is appended later is not read.
    length: u64,
    header: FileHeader,
    number: u64,
    offset: u64,
    /// Frames below this were synced: the next file's first frame, or what a later frame here vouches for.
    vouched: u64,
    window: Window,
}

impl<'d> JournalReader<'d> {
    /// Lists the files of a store's journal. A directory that is missing is a journal without files.
    ///
    /// # Errors
    /// The disk's.
    pub fn new(disk: &'d dyn Disk, store_id: [u8; 16]) -> io::Result<JournalReader<'d>> {
        let names = match disk.list(DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names?,
        };
        let mut files: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
        files.sort_unstable_by(|a, b| b.cmp(a));
        // Of the newest file a crash may have left no header.
        let mut trimmed_to = 0_u32;
        for number in files.iter().take(2) {
            let trimmed = header_of(disk, store_id, *number)?.map_or(0, |header| header.trimmed);
            trimmed_to = trimmed_to.max(trimmed);
        }
        let trimmed = files.split_off(files.partition_point(|number| *number > u64::from(trimmed_to)));
        let mut listed: Vec<Listed> =
            files.iter().map(|number| Listed { number: *number, file: None }).collect();
        for first in listed.iter_mut().rev().take(HELD_FILES_MAX) {
            first.file = Some(disk.open(&path(first.number), Access::Read)?.into());
        }
        let pending = names
            .iter()
            .filter(|name| name.ends_with(".journal") && number_of(name).is_none())
            .map(|name| {
                Event::Damage(Damage {
                    file: format!("{DIRECTORY}/{name}"),
                    offset: 0,
                    end_offset: 0,
                    lost: None,
                    detail: "expected the name of a journal file, eight digits or more".to_owned(),
                })
            })
            .collect();
        Ok(JournalReader {
            disk,
            store_id,
            files: listed,
            trimmed,
            is_begun: trimmed_to == 0,
            current: None,
            expected_frame: 1,
            expected_journal: u64::from(trimmed_to) + 1,
            tail: Tail {
                journal: 0,
                offset: 0,
                torn_bytes: 0,
                header: None,
                next_frame: 1,
                trimmed: trimmed_to,
            },
            pending,
            bytes_read: 0,
            ended: false,
        })
    }

    /// How the last file ends, as far as it was read.
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Files that lie here and are not needed any more: a crash came before they were removed.
    pub fn trimmed(&self) -> &[u64] {
        &self.trimmed
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Reads on. After [`Event::End`] there is nothing.
    ///
    /// # Errors
    /// The disk's; reading cannot go on then.
    pub fn next_event(&mut self) -> io::Result<Option<Event>> {
        loop {
            if let Some(event) = self.pending.pop() {
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            if let Some(file) = self.current.take() {
                if let Some(event) = self.read_frame(file)? {
                    return Ok(Some(event));
                }
            } else if let Some(listed) = self.files.pop() {
                self.open_file(listed)?;
            } else {
                self.ended = true;
                self.tail.next_frame = self.expected_frame;
                return Ok(Some(Event::End(self.tail.clone())));
            }
        }
    }

    /// Reports damage after what is already pending.
    fn report(&mut self, damage: Damage) {
        self.pending.insert(0, Event::Damage(damage));
    }

    fn open_file(&mut self, listed: Listed) -> io::Result<()> {
        let number = listed.number;
        let path = path(number);
        let damage = |offset, end_offset, detail: String| Damage {
            file: path.clone(),
            offset,
            end_offset,
            lost: None,
            detail,
        };
        let file = match listed.file {
            Some(file) => file,
            None => self.disk.open(&path, Access::Read)?.into(),
        };
        let length = file.length()?;
        let mut copies = [0; 2 * FILE_HEADER_BYTES];
        let filled = read_full(&*file, &mut copies, 0)?;
        self.bytes_read += filled as u64;
        let is_last = self.files.is_empty();
        let blank = copies[..filled].iter().all(|byte| *byte == 0);
        // Out of turn it was not begun by a writer, and what is missing before it must not be forgotten.
        let is_next = is_last && number == self.expected_journal;
        if is_next && (blank || filled < copies.len()) && !self.holds_frames(&*file, length)? {
            // A crash between creating a file and syncing its headers: nothing was written into it yet.
            self.tail = Tail {
                journal: number,
                offset: 0,
                torn_bytes: if blank { 0 } else { filled as u64 },
                header: None,
                next_frame: self.expected_frame,
                trimmed: self.tail.trimmed,
            };
            return Ok(());
        }
        let decoded = [0, 1].map(|copy| {
            let header = FileHeader::decode(&copies[copy * FILE_HEADER_BYTES..][..FILE_HEADER_BYTES])?;
            if header.journal == number {
                Ok(header)
            } else {
                Err(HeaderError::Damaged("it is of another file"))
            }
        });
        for (copy, result) in decoded.iter().enumerate() {
            if let Err(error) = result {
                let offset = (copy * FILE_HEADER_BYTES) as u64;
                self.report(damage(
                    offset,
                    offset + FILE_HEADER_BYTES as u64,
                    format!("copy {} of 2 of the file header: {error}", copy + 1),
                ));
            }
        }
        let Some(header) = decoded.into_iter().flatten().next() else {
            // Without the nonce no frame can be checked: the next file's header tells how many are lost.
            let lost = self.first_frame_of_next_file()?.filter(|first| *first > self.expected_frame);
            let event = Damage {
                lost: lost.map(|first| Lost { first: self.expected_frame, last: first - 1 }),
                ..damage(FRAMES_OFFSET, length, "no copy of its header reads, so no frame can".to_owned())
            };
            self.report(event);
            self.expected_frame = lost.unwrap_or(self.expected_frame);
            self.expected_journal = number.saturating_add(1);
            self.tail = Tail {
                journal: number,
                offset: length,
                torn_bytes: 0,
                header: None,
                next_frame: self.expected_frame,
                trimmed: self.tail.trimmed,
            };
            return Ok(());
        };
        if header.store_id != self.store_id {
            let detail = format!(
                "a file of another store: expected store {}, found {}",
                crate::hex::encode(&self.store_id),
                crate::hex::encode(&header.store_id)
            );
            self.report(damage(0, length, detail));
            self.expected_journal = number.saturating_add(1);
            return Ok(());
        }
        if !self.is_begun {
            // Frames before it were sealed or carried: its header alone says where the numbers go on.
            self.expected_frame = header.first_frame;
            self.is_begun = true;
        }
        if header.first_frame != self.expected_frame || number != self.expected_journal {
            let lost = (header.first_frame > self.expected_frame)
                .then_some(Lost { first: self.expected_frame, last: header.first_frame.saturating_sub(1) });
            let detail = format!(
                "expected journal file {} with first frame {}, found file {number} with first frame {}",
                self.expected_journal, self.expected_frame, header.first_frame
            );
            self.report(Damage { lost, ..damage(0, 0, detail) });
            self.expected_frame = self.expected_frame.max(header.first_frame);
        }
        self.expected_journal = number.saturating_add(1);
        let vouched = self.first_frame_of_next_file()?.unwrap_or(0);
        self.current = Some(OpenFile {
            file,
            path,
            length,
            header,
            number,
            offset: FRAMES_OFFSET,
            vouched,
            window: Window::default(),
        });
        Ok(())
    }

    /// Whether anything behind the headers is not zero.
    fn holds_frames(&mut self, file: &dyn DiskFile, length: u64) -> io::Result<bool> {
        Ok(length > FRAMES_OFFSET && self.first_not_zero(file, FRAMES_OFFSET, length)?.is_some())
    }

    fn first_frame_of_next_file(&self) -> io::Result<Option<u64>> {
        let Some(next) = self.files.last() else { return Ok(None) };
        let header = match &next.file {
            Some(file) => header_in(&**file, self.store_id, next.number)?,
            None => header_of(self.disk, self.store_id, next.number)?,
        };
        Ok(header.map(|header| header.first_frame))
    }

    /// Reads the frame at the file's offset; puts the file back unless it has ended.
    fn read_frame(&mut self, mut open: OpenFile) -> io::Result<Option<Event>> {
        self.tail = Tail {
            journal: open.number,
            offset: open.offset,
            torn_bytes: 0,
            header: Some(open.header),
            next_frame: self.expected_frame,
            trimmed: self.tail.trimmed,
        };
        if open.offset >= open.length {
            self.finish_file(&open);
            return Ok(None);
        }
        // A frame of another number, and a header with a right CRC that is no frame of this place, are no torn writes.
        let (detail, search_from, may_be_torn) = match self.frame_at(&open, open.offset)? {
            Ok(frame) if frame.header.number.get() == self.expected_frame => {
                open.offset += frame.header.frame_bytes();
                self.expected_frame = self.expected_frame.saturating_add(1);
                self.current = Some(open);
                return Ok(Some(Event::Frame(frame)));
            }
            Ok(frame) => {
                let detail =
                    format!("expected frame {}, found frame {}", self.expected_frame, frame.header.number);
                // A later frame here means that those between are gone; an earlier one is stepped over.
                let later = frame.header.number.get() > self.expected_frame;
                (detail, open.offset + if later { 0 } else { frame.header.frame_bytes() }, false)
            }
            Err(Unread { error: FrameError::Blank, .. }) if self.is_blank_tail(&open)? => {
                self.finish_file(&open);
                return Ok(None);
            }
            Err(Unread { error, resume }) => (error.to_string(), resume, error.is_torn_write()),
        };
        match self.find_next(&mut open, search_from, may_be_torn)? {
            Some(found) => {
                // Beside a live writer this frame may have been written between the two looks.
                if let Ok(frame) = self.frame_at(&open, open.offset)?
                    && frame.header.number.get() == self.expected_frame
                {
                    open.offset += frame.header.frame_bytes();
                    self.expected_frame = self.expected_frame.saturating_add(1);
                    self.current = Some(open);
                    return Ok(Some(Event::Frame(frame)));
                }
                let last = found.frame.saturating_sub(1).max(self.expected_frame);
                let damage = Damage {
                    file: open.path.clone(),
                    offset: open.offset,
                    end_offset: found.offset,
                    lost: (found.frame > self.expected_frame)
                        .then_some(Lost { first: self.expected_frame, last }),
                    detail,
                };
                self.expected_frame = self.expected_frame.max(found.frame);
                open.offset = found.offset;
                if found.offset < open.length {
                    self.current = Some(open);
                } else {
                    self.tail.offset = open.length;
                }
                Ok(Some(Event::Damage(damage)))
            }
            None => {
                let end = self.last_not_zero(&open)?;
                if !self.files.is_empty() {
                    // A file is trimmed and synced before the next is begun: nothing torn is left in it.
                    let detail =
                        format!("expected the file's end behind its last frame, found more: {detail}");
                    let (offset, end_offset) = (open.offset, open.length);
                    return Ok(Some(Event::Damage(Damage {
                        file: open.path,
                        offset,
                        end_offset,
                        lost: None,
                        detail,
                    })));
                }
                // No later frame covers this place: a write that was torn before it was acknowledged.
                self.tail.torn_bytes = end.saturating_sub(open.offset);
                Ok(None)
            }
        }
    }

    /// A file that is not the last must hold every frame below the next file's first.
    fn finish_file(&mut self, open: &OpenFile) {
        if self.expected_frame < open.vouched {
            self.report(Damage {
                file: open.path.clone(),
                offset: open.offset,
                end_offset: open.length,
                lost: Some(Lost { first: self.expected_frame, last: open.vouched - 1 }),
                detail: format!("expected frames up to {}, the file ends before", open.vouched - 1),
            });
            self.expected_frame = open.vouched;
        }
    }

    fn frame_at(&mut self, open: &OpenFile, offset: u64) -> io::Result<Result<Frame, Unread>> {
        let next = offset + FRAME_ALIGNMENT;
        let unread = |error, resume| Ok(Err(Unread { error, resume }));
        let mut head = [0; FRAME_HEADER_BYTES];
        let available = usize::try_from(open.length - offset).unwrap_or(usize::MAX).min(FRAME_HEADER_BYTES);
        let filled = read_full(&*open.file, &mut head[..available], offset)?;
        self.bytes_read += filled as u64;
        let header = match FrameHeader::decode(&head[..filled], offset, &open.header.nonce) {
            Ok(header) => header,
            Err(error) => return unread(error, next),
        };
        let frame_bytes = header.frame_bytes();
        if frame_bytes > open.length - offset {
            return unread(FrameError::Damaged("the file ends inside a frame"), next);
        }
        // `decode` bounds the payload to 32 MiB.
        let mut bytes = vec![0; usize::try_from(frame_bytes).unwrap_or(FRAME_PAYLOAD_BYTES_MAX)];
        let filled = read_full(&*open.file, &mut bytes, offset)?;
        self.bytes_read += filled as u64;
        if filled < bytes.len() {
            return unread(FrameError::Damaged("the file ends inside a frame"), next);
        }
        let frame = Frame { journal: open.number, header, bytes };
        let computed = journal::payload_crc(&open.header.nonce, header.number, frame.payload());
        if computed != header.payload_crc {
            return unread(
                FrameError::Damaged("the CRC32 of a frame's payload differs"),
                offset + frame_bytes,
            );
        }
        let padding = &frame.bytes[FRAME_HEADER_BYTES + header.payload_bytes as usize..];
        if padding.iter().any(|byte| *byte != 0) {
            return unread(FrameError::Damaged("padding behind a frame is not zero"), offset + frame_bytes);
        }
        let fits = match header.frame_type {
            FrameType::Commit | FrameType::Carry => header.part_count > 0 && header.entry_count > 0,
            FrameType::Stop => header.payload_bytes == 0 && header.part_count == 0 && header.entry_count == 0,
        };
        if !fits {
            return unread(
                FrameError::Damaged("counts that do not fit the frame's type"),
                offset + frame_bytes,
            );
        }
        Ok(Ok(frame))
    }

    /// Where reading goes on behind a place that is no frame: the nearest frame header from `from` on, or the file's
    /// end. None if the place may be a torn write: if nothing vouches that it was durable, neither a later frame's
    /// `durable` nor the next file. What vouches is remembered, so that many damaged places are not each looked for to
    /// the end of the file.
    fn find_next(&mut self, open: &mut OpenFile, from: u64, may_be_torn: bool) -> io::Result<Option<Found>> {
        let mut nearest = None;
        let mut offset = from;
        loop {
            let own = (&*open.file, open.length, &open.header.nonce);
            let Some((found, header)) = open.window.next_header(own, offset, &mut self.bytes_read)? else {
                break;
            };
            offset = found + FRAME_ALIGNMENT;
            if header.number.get() >= self.expected_frame {
                nearest = nearest.or(Some(Found { offset: found, frame: header.number.get() }));
                open.vouched = open.vouched.max(header.durable.saturating_add(1));
            }
            if nearest.is_some() && (!may_be_torn || self.expected_frame < open.vouched) {
                return Ok(nearest);
            }
        }
        let at_end = Found { offset: open.length, frame: open.vouched.max(self.expected_frame) };
        let is_damage = !may_be_torn || self.expected_frame < open.vouched;
        Ok(is_damage.then(|| nearest.unwrap_or(at_end)))
    }

    fn is_blank_tail(&mut self, open: &OpenFile) -> io::Result<bool> {
        Ok(self.first_not_zero(&*open.file, open.offset, open.length)?.is_none())
    }

    fn first_not_zero(&mut self, file: &dyn DiskFile, from: u64, to: u64) -> io::Result<Option<u64>> {
        search::first_not_zero(file, from..to, &mut self.bytes_read)
    }

    /// Behind the last byte that is not zero.
    fn last_not_zero(&mut self, open: &OpenFile) -> io::Result<u64> {
        let mut end = open.offset;
        while let Some(at) = self.first_not_zero(&*open.file, end, open.length)? {
            let mut chunk = vec![0; usize::try_from(open.length - at).unwrap_or(usize::MAX).min(1 << 16)];
            let filled = read_full(&*open.file, &mut chunk, at)?;
            let last = chunk[..filled].iter().rposition(|byte| *byte != 0).unwrap_or(0);
            end = at + last as u64 + 1;
        }
        Ok(end)
    }
}

/// The first copy of a file's header that reads and belongs there.
fn header_of(disk: &dyn Disk, store_id: [u8; 16], number: u64) -> io::Result<Option<FileHeader>> {
    header_in(&*disk.open(&path(number), Access::Read)?, store_id, number)
}

fn header_in(file: &dyn DiskFile, store_id: [u8; 16], number: u64) -> io::Result<Option<FileHeader>> {
    let mut copies = [0; 2 * FILE_HEADER_BYTES];
    read_full(file, &mut copies, 0)?;
    let first = copies.chunks_exact(FILE_HEADER_BYTES).find_map(|copy| FileHeader::decode(copy).ok());
    Ok(first.filter(|header| header.store_id == store_id && header.journal == number))
}

/// Bytes that are not a frame, and where to look for the next one.
struct Unread {
    error: FrameError,
    resume: u64,
}

#[derive(Clone, Copy)]
struct Found {
    offset: u64,
    frame: u64,
}
