//! Sealed segments on disk: `chains/<service>/<first seq>.segment`, written once, mapped, replaced only by rename.

pub mod blocks;
mod cursors;
pub mod leaves;
pub mod merge;
mod record;
pub mod view;
pub mod writer;

use crate::disk::{Access, Disk, Mapping, read_full};
use crate::format::segment;
use crate::format::segment::{Footer, SegmentError, TRAILER_BYTES};
use crate::limits;
use self_cell::self_cell;
use std::io;
use std::sync::Arc;
use view::View;

/// Where chains have their segments.
pub const DIRECTORY: &str = "chains";
const EXTENSION: &str = ".segment";
/// A file that is not whole yet; the next start removes it.
const UNFINISHED: &str = ".new";

/// The directory of a chain's segments.
pub fn directory(service: &str) -> String {
    format!("{DIRECTORY}/{service}")
}

/// The path of the segment that begins at a position.
pub fn path(service: &str, first_seq: u64) -> String {
    format!("{DIRECTORY}/{service}/{first_seq:020}{EXTENSION}")
}

/// The position in a segment's name.
pub fn first_seq_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

/// The file that would have the first of entries that are in none, and what is missing.
pub fn missing(service: &str, from: u64, to: u64) -> (String, String) {
    let detail = format!("expected the segments of entries {from} to {}, found none", to.saturating_sub(1));
    (path(service, from), detail)
}

/// A segment that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk's.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Bytes that are not a segment.
    #[error(transparent)]
    Damaged(#[from] SegmentError),
    /// A segment that does not belong where it lies.
    #[error("{0}")]
    Misplaced(String),
}

struct Owner {
    mapping: Mapping,
    footer: Footer,
}

self_cell!(
    struct Cell {
        owner: Owner,
        #[not_covariant]
        dependent: View,
    }
);

/// A segment, open for reading.
pub struct Segment {
    path: String,
    file_bytes: u64,
    cell: Cell,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Segment {
    /// Opens a segment: reads its trailer and footer, and maps the rest, which is read as it is needed.
    ///
    /// # Errors
    /// The disk's; a trailer or footer that is not what was written, or that belongs elsewhere.
    pub fn open(disk: &dyn Disk, path: &str) -> Result<Segment, OpenError> {
        let file = disk.open(path, Access::Read)?;
        let file_bytes = file.length()?;
        let wrong = |expected, found: String| SegmentError { offset: 0, expected, found };
        if !(TRAILER_BYTES as u64..=limits::SEGMENT_BYTES_MAX).contains(&file_bytes) {
            return Err(wrong("a segment of at most 64 MiB", format!("{file_bytes} bytes")).into());
        }
        let mut trailer = [0; TRAILER_BYTES];
        read_full(&*file, &mut trailer, file_bytes - TRAILER_BYTES as u64)?;
        let (range, crc) = segment::read_trailer(&trailer, file_bytes)?;
        // The trailer keeps the footer inside a file of at most 64 MiB.
        let mut footer = vec![0; usize::try_from(range.end - range.start).unwrap_or_default()];
        read_full(&*file, &mut footer, range.start)?;
        let footer = segment::read_footer(&footer, range.start, crc)?;
        let mut header = [0; segment::HEADER_BYTES];
        read_full(&*file, &mut header, 0)?;
        if header != segment::encode_header(&footer) {
            return Err(wrong("a header that says what the footer says", "another".to_owned()).into());
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        if first_seq_of(name) != Some(footer.first_seq) {
            return Err(wrong("a name with the first position", footer.first_seq.to_string()).into());
        }
        let mapping = file.map(file_bytes)?;
        let owner = Owner { mapping, footer };
        let cell = Cell::new(owner, |owner| View::new((*owner.mapping).as_ref(), &owner.footer));
        Ok(Segment { path: path.to_owned(), file_bytes, cell })
    }

    /// What the footer says.
    pub fn footer(&self) -> &Footer {
        &self.cell.borrow_owner().footer
    }

    /// Its file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file's length.
    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Reads from it.
    pub fn read<T>(&self, read: impl for<'a> FnOnce(&View<'a>) -> T) -> T {
        self.cell.with_dependent(|_, view| read(view))
    }
}

/// Checks every byte of a segment file against the CRCs that cover it: says nothing of what they mean.
///
/// # Errors
/// The first part of the file whose CRC does not cover it, and a footer that contradicts itself.
pub fn check_bytes(bytes: &[u8]) -> Result<Footer, SegmentError> {
    let footer = segment::footer_of(bytes)?;
    let view = View::new(bytes, &footer);
    for section in &footer.sections {
        view.section(section.kind)?;
    }
    Ok(footer)
}

/// Puts a segment's bytes in place, in one step that survives a crash at any point; durable when this returns.
///
/// # Errors
/// The disk's; the segment may then be there or not, whole in either case.
pub fn write(disk: &dyn Disk, service: &str, first_seq: u64, bytes: &[u8]) -> io::Result<()> {
    write_beside(disk, service, first_seq, bytes)?;
    put_in_place(disk, service, first_seq)
}

/// Writes a segment's bytes beside its place, durable when this returns but for the name; returns the path.
///
/// # Errors
/// The disk's; a file that is not whole may be left, which the next start removes.
pub fn write_beside(disk: &dyn Disk, service: &str, first_seq: u64, bytes: &[u8]) -> io::Result<String> {
    let directory = directory(service);
    disk.create_directory(&directory)?;
    let unfinished = format!("{}{UNFINISHED}", path(service, first_seq));
    match disk.remove(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&unfinished)?;
    file.write_at(bytes, 0)?;
    // A crash before this sync leaves an unfinished file, which the next start removes.
    file.sync()?;
    Ok(unfinished)
}

/// Puts what [`write_beside`] wrote in place, over what is there; durable when this returns.
///
/// # Errors
/// The disk's; the old segment or the new one is there.
pub fn put_in_place(disk: &dyn Disk, service: &str, first_seq: u64) -> io::Result<()> {
    let path = path(service, first_seq);
    disk.rename(&format!("{path}{UNFINISHED}"), &path)?;
    // A crash before this sync leaves the old name or the new one, each whole.
    disk.sync_directory(&directory(service))
}

/// A chain's segments, as far as they read and follow one another.
#[derive(Debug, Default)]
pub struct Loaded {
    /// By position, none covered by another.
    pub segments: Vec<Arc<Segment>>,
    /// What does not read or is not there: the file, and what was expected and found.
    pub problems: Vec<(String, OpenError)>,
    /// Paths of segments that others cover whole.
    pub dead: Vec<String>,
    /// Paths of files that were not finished.
    pub unfinished: Vec<String>,
}

/// Opens a chain's segments. One that another covers whole is dead, and left out.
///
/// # Errors
/// The disk's, but for a file that cannot be opened: that is a problem of the chain.
pub fn load(disk: &dyn Disk, store_id: &[u8; 16], service: &str) -> io::Result<Loaded> {
    let listing = list(disk, service)?;
    let mut loaded = Loaded { unfinished: listing.unfinished, ..Loaded::default() };
    // Whether a file that does not read may hold what is missing.
    let mut is_explained = false;
    for first_seq in listing.segments {
        let path = path(service, first_seq);
        let segment = match Segment::open(disk, &path) {
            Ok(segment) => segment,
            Err(error) => {
                loaded.problems.push((path, error));
                is_explained = true;
                continue;
            }
        };
        let footer = segment.footer();
        if footer.store_id != *store_id || footer.service != service {
            let detail = format!(
                "a segment from elsewhere: expected store {} and service {service}, found {} and {:?}",
                crate::hex::encode(store_id),
                crate::hex::encode(&footer.store_id),
                footer.service
            );
            loaded.problems.push((path, OpenError::Misplaced(detail)));
            is_explained = true;
            continue;
        }
        let before = loaded.segments.last().map(|last| last.footer());
        let (end, head) = before.map_or((0, None), |before| (before.end_seq(), Some(before.head)));
        if footer.end_seq() <= end {
            loaded.dead.push(path);
            continue;
        }
        if footer.first_seq < end {
            let detail = format!("expected a segment from entry {end} on, found one from {first_seq} on");
            loaded.problems.push((path, OpenError::Misplaced(detail)));
            continue;
        }
        if footer.first_seq > end {
            // One that does not read, and lies there, is named already.
            if !is_explained {
                let (file, detail) = missing(service, end, first_seq);
                loaded.problems.push((file, OpenError::Misplaced(detail)));
            }
        } else if head.is_some_and(|head| head != footer.prev) {
            let detail =
                format!("entry {first_seq} is linked to another leaf than that of entry {}", end - 1);
            loaded.problems.push((path, OpenError::Misplaced(detail)));
        }
        loaded.segments.push(Arc::new(segment));
        is_explained = false;
    }
    Ok(loaded)
}

/// What a chain's directory holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// Positions in the names of segments, ascending.
    pub segments: Vec<u64>,
    /// Files that were not finished, for the writer to remove.
    pub unfinished: Vec<String>,
}

/// Services that have a directory, by name.
///
/// # Errors
/// The disk's.
pub fn services(disk: &dyn Disk) -> io::Result<Vec<String>> {
    let mut services = match disk.list(DIRECTORY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed?,
    };
    services.sort_unstable();
    Ok(services)
}

/// A chain's files.
///
/// # Errors
/// The disk's.
pub fn list(disk: &dyn Disk, service: &str) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let directory = directory(service);
    for name in disk.list(&directory)? {
        match first_seq_of(&name) {
            Some(first_seq) => listing.segments.push(first_seq),
            None if name.ends_with(UNFINISHED) => listing.unfinished.push(format!("{directory}/{name}")),
            None => {}
        }
    }
    listing.segments.sort_unstable();
    Ok(listing)
}
