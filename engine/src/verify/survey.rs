//! What sealed segments there are, as their footers say, and which of them make up the chains.
//!
//! Reads trailer, footer and header of each file by bounded reads. Nothing that they say is believed yet: it says what
//! to recompute, and in which order. Files are held open from then on, as far as there are not too many: a writer may
//! merge them into others meanwhile.

use super::report::{Problem, ProblemKind, entries};
use crate::disk::{Access, Disk, DiskFile, read_full};
use crate::error::Error;
use crate::format::segment::{self as format, Footer, HEADER_BYTES, SegmentError, TRAILER_BYTES};
use crate::format::store_file::StoreFile;
use crate::limits;
use crate::proof::hashes;
use crate::segment;
use parking_lot::Mutex;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;

/// One segment of a chain.
pub struct Sealed {
    /// Its file.
    pub path: String,
    held: Arc<Held>,
    /// What its footer says.
    pub footer: Footer,
    /// Entries are missing between the segment before and this one.
    pub is_behind_hole: bool,
    /// Commit time up to which no later segment of the chain has entries.
    pub until: i64,
    /// Where it stands in the order of work: no earlier than the ones before it in its chain.
    pub order: i64,
    /// It is the last of its chain.
    pub is_last: bool,
}

/// A file that is read later; open if it is one of those that are held.
struct Held(Mutex<Option<Arc<dyn DiskFile>>>);

/// Files that are held open: those with the fewest entries, which a writer merges first.
#[derive(Default)]
struct Holding {
    largest_first: BinaryHeap<(u32, usize)>,
    files: Vec<Arc<Held>>,
}

/// Files that are held open at most: half of what a process may have open where nobody raised it.
const HELD_FILES_MAX: usize = 512;

impl Holding {
    fn hold(&mut self, file: Arc<dyn DiskFile>, entry_count: u32) -> Arc<Held> {
        let held = Arc::new(Held(Mutex::new(Some(file))));
        self.largest_first.push((entry_count, self.files.len()));
        self.files.push(Arc::clone(&held));
        if self.largest_first.len() > HELD_FILES_MAX
            && let Some((_, index)) = self.largest_first.pop()
        {
            *self.files[index].0.lock() = None;
        }
        held
    }
}

/// One chain's segments.
pub struct SealedChain {
    /// The chain's service, as its directory says.
    pub service: String,
    /// In order; none covers another.
    pub segments: Vec<Sealed>,
    /// What is wrong with the files themselves.
    pub problems: Vec<Problem>,
    /// A file is there whose entries cannot be reached.
    pub has_hole: bool,
    /// Bytes read.
    pub bytes: u64,
}

/// Looks at every chain's segments.
///
/// # Errors
/// The disk's, for a directory that cannot be listed; `NotFound` for a file that was listed and is gone by now.
pub fn survey(disk: &dyn Disk, identity: &StoreFile) -> Result<Vec<SealedChain>, Error> {
    let listed = |error| Error::io("list", disk.display(segment::DIRECTORY), error);
    let services = segment::services(disk).map_err(listed)?;
    let mut holding = Holding::default();
    services.into_iter().map(|service| survey_chain(disk, identity, service, &mut holding)).collect()
}

fn survey_chain(
    disk: &dyn Disk,
    identity: &StoreFile,
    service: String,
    holding: &mut Holding,
) -> Result<SealedChain, Error> {
    let directory = segment::directory(&service);
    let names = match segment::list(disk, &service) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let detail = "expected a directory of segments, found a file";
            let problem = Problem::new(ProblemKind::Extra, None, directory, detail);
            return Ok(SealedChain {
                service,
                segments: Vec::new(),
                problems: vec![problem],
                has_hole: false,
                bytes: 0,
            });
        }
        names => names.map_err(|error| Error::io("list", disk.display(&directory), error))?.segments,
    };
    let chain_id = hashes::chain_id(&hashes::origin(identity.name.as_str(), &service));
    let mut chain =
        SealedChain { service, segments: Vec::new(), problems: Vec::new(), has_hole: false, bytes: 0 };
    // Up to where files explain what is missing.
    let (mut next_seq, mut hole) = (0_u64, None);
    for (index, first_seq) in names.iter().enumerate() {
        let path = segment::path(&chain.service, *first_seq);
        // A file that cannot be read holds, as far as names tell, everything up to the next.
        let last = names.get(index + 1).map(|next| next - 1);
        let (file, footer) = match read_footer(disk, &path) {
            Ok(read) => read,
            Err(Unread::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::io("open", disk.display(&path), error));
            }
            Err(unread) => {
                let error = unread.to_string();
                let problem = Problem::new(ProblemKind::Checksum, Some(&chain.service), path, error);
                let range = |last| Problem { first_seq: Some(*first_seq), last_seq: last, ..problem };
                chain.problems.push(range(last));
                hole = Some(hole.unwrap_or(next_seq));
                continue;
            }
        };
        chain.bytes += (HEADER_BYTES + TRAILER_BYTES) as u64;
        let foreign = if footer.store_id != identity.id {
            Some("of another store".to_owned())
        } else if footer.service != chain.service || footer.chain_id != chain_id {
            Some(format!("of the chain of {:?}", footer.service))
        } else if footer.first_seq != *first_seq {
            Some(format!("that begins at entry {}", footer.first_seq))
        } else {
            None
        };
        if let Some(what) = foreign {
            let detail = format!(
                "expected the segment of {} from entry {first_seq} on, found a segment {what}",
                chain.service
            );
            let problem = Problem::new(ProblemKind::Foreign, Some(&chain.service), path, detail);
            chain.problems.push(Problem { first_seq: Some(*first_seq), last_seq: last, ..problem });
            hole = Some(hole.unwrap_or(next_seq));
            continue;
        }
        if footer.end_seq() <= next_seq {
            // Dead: another file holds all of it.
            continue;
        }
        if footer.first_seq < next_seq {
            let detail = format!(
                "expected a segment from entry {next_seq} on, found one with {}",
                entries(footer.first_seq, footer.end_seq() - 1)
            );
            let problem = Problem::new(ProblemKind::Duplicate, Some(&chain.service), path, detail);
            chain.problems.push(problem.at(footer.first_seq, footer.end_seq() - 1));
            hole = Some(hole.unwrap_or(next_seq));
            continue;
        }
        let is_behind_hole = footer.first_seq > next_seq;
        if is_behind_hole && hole.is_none() {
            let detail = format!("the chain lacks {}", entries(next_seq, footer.first_seq - 1));
            let problem = Problem::new(ProblemKind::SegmentMissing, Some(&chain.service), &*path, detail);
            chain.problems.push(problem.at(next_seq, footer.first_seq - 1));
        }
        // A file that does not read, inside of what the others hold, is damage and no hole.
        hole = None;
        next_seq = footer.end_seq();
        if let Some(before) = chain.segments.last_mut() {
            before.is_last = false;
            if !is_behind_hole {
                before.until = before.until.max(footer.logged_at.0);
            }
        }
        let order = chain.segments.last().map_or(i64::MIN, |before| before.order).max(footer.logged_at.0);
        let until = footer.logged_at.1;
        let held = holding.hold(file, footer.entry_count);
        chain.segments.push(Sealed { path, held, footer, is_behind_hole, until, order, is_last: true });
    }
    chain.has_hole = hole.is_some();
    Ok(chain)
}

/// Whether a segment that was surveyed is gone or another by now: a writer merged it meanwhile.
pub fn has_moved(disk: &dyn Disk, chains: &[SealedChain]) -> bool {
    let mut segments = chains.iter().flat_map(|chain| &chain.segments);
    segments.any(|own| match read_footer(disk, &own.path) {
        Ok((_, footer)) => footer != own.footer,
        // One that does not read any more is damage, which is found as such.
        Err(Unread::Io(error)) => error.kind() == io::ErrorKind::NotFound,
        Err(Unread::Wrong(_)) => false,
    })
}

/// One file by itself, wherever it lies.
pub fn single(disk: &dyn Disk, path: &str) -> Result<Sealed, String> {
    let (file, footer) = read_footer(disk, path).map_err(|unread| unread.to_string())?;
    let held = Holding::default().hold(file, footer.entry_count);
    let (order, until) = footer.logged_at;
    Ok(Sealed { path: path.to_owned(), held, footer, is_behind_hole: false, until, order, is_last: true })
}

/// What kept a footer from being read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Wrong(String),
}

fn read_footer(disk: &dyn Disk, path: &str) -> Result<(Arc<dyn DiskFile>, Footer), Unread> {
    let file: Arc<dyn DiskFile> = disk.open(path, Access::Read)?.into();
    let length = file.length()?;
    let footer = footer_in(&*file, length)?;
    Ok((file, footer))
}

fn footer_in(file: &dyn DiskFile, length: u64) -> Result<Footer, Unread> {
    let wrong = |error: SegmentError| Unread::Wrong(format!("byte {}: {error}", error.offset));
    if !((HEADER_BYTES + TRAILER_BYTES) as u64..=limits::SEGMENT_BYTES_MAX).contains(&length) {
        let detail = format!("expected a segment of at most 64 MiB, found {length} bytes");
        return Err(Unread::Wrong(detail));
    }
    let read = |buffer: &mut [u8], offset| match read_full(file, buffer, offset)? {
        count if count == buffer.len() => Ok(()),
        count => Err(Unread::Wrong(format!("expected {} bytes at {offset}, found {count}", buffer.len()))),
    };
    let mut trailer = [0; TRAILER_BYTES];
    read(&mut trailer, length - TRAILER_BYTES as u64)?;
    let (range, crc) = format::read_trailer(&trailer, length).map_err(wrong)?;
    // The trailer keeps the footer inside a file of at most 64 MiB.
    let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or_default()];
    read(&mut bytes, range.start)?;
    let footer = format::read_footer(&bytes, range.start, crc).map_err(wrong)?;
    let mut header = [0; HEADER_BYTES];
    read(&mut header, 0)?;
    if header != format::encode_header(&footer) {
        return Err(Unread::Wrong(
            "bytes 0 to 64: expected a header that says what the footer says, found another".to_owned(),
        ));
    }
    Ok(footer)
}

impl Sealed {
    /// The file that was surveyed, and its length.
    fn open(&self, disk: &dyn Disk) -> Result<(Arc<dyn DiskFile>, u64), Unread> {
        let file = match self.held.0.lock().clone() {
            Some(file) => file,
            None => disk.open(&self.path, Access::Read)?.into(),
        };
        let length = file.length()?;
        if footer_in(&*file, length)? != self.footer {
            let detail = "expected the file that was there at first, found another";
            return Err(Unread::Wrong(detail.to_owned()));
        }
        Ok((file, length))
    }

    /// Reads all of it.
    pub fn read_whole(&self, disk: &dyn Disk) -> Result<Vec<u8>, String> {
        let (file, length) = self.open(disk).map_err(|unread| unread.to_string())?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let count = read_full(&*file, &mut bytes, 0).map_err(|error| error.to_string())?;
        if count < bytes.len() {
            return Err(format!("expected {length} bytes, found {count}"));
        }
        Ok(bytes)
    }

    /// As [`Sealed::read_whole`], with one section alone; all other bytes are zero, and take no memory.
    pub fn read_section(&self, disk: &dyn Disk, kind: format::SectionKind) -> Result<Vec<u8>, String> {
        let (file, length) = self.open(disk).map_err(|unread| unread.to_string())?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let Some(section) = self.footer.section(kind) else { return Ok(bytes) };
        let range =
            usize::try_from(section.offset).ok().zip(usize::try_from(section.offset + section.bytes).ok());
        if let Some(own) = range.and_then(|(from, to)| bytes.get_mut(from..to)) {
            read_full(&*file, own, section.offset).map_err(|error| error.to_string())?;
        }
        Ok(bytes)
    }
}
