//! A sealed segment: entries of one chain that lie side by side, by columns (docs/segment.md).
//!
//! ```text
//! header   64 bytes: what the file is, and whose
//! sections one after the other, each with a CRC32 in the table
//! footer   metadata: identity, where chain, tree and lines stood and stand, the section table
//! trailer  32 bytes: where the footer lies, its CRC32
//! ```
//!
//! Opening reads trailer and footer, nothing else. Rows are numbered from 0 in the order of `seq`; places are where
//! they lie: in groups of 65 536 `seq`s, within a group by tenant, then `seq`.

pub mod attributes;
pub mod columns;
pub mod filters;
pub mod gather;
pub mod places;
pub mod references;
pub mod states;
pub mod tenants;
pub mod times;

use super::metadata::{self, MetadataError};
use crate::limits;
use crate::proof::{Hash, Key};
use bincode::{Decode, Encode};
use std::fmt;

/// First bytes of the file.
pub const MAGIC: &[u8; 8] = b"SLGSEG\x00\x01";
/// Last bytes of the file.
pub const END_MAGIC: &[u8; 8] = b"SLGEND\x00\x01";
/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;
/// Bytes of the trailer.
pub const TRAILER_BYTES: usize = 32;
/// Rows of a group: one roaring container, and 16 bits a place.
pub const GROUP_ROWS: u64 = 1 << 16;

/// Bytes that are not a segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: expected {expected}, found {found}")]
pub struct SegmentError {
    /// Where in the file.
    pub offset: u64,
    /// What should be there.
    pub expected: &'static str,
    /// What is there.
    pub found: String,
}

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[repr(u16)]
pub enum SectionKind {
    /// [`TenantRow`]s, by name.
    Tenants,
    /// Where rows lie: runs of tenants in each group, and the rows of the places.
    Places,
    /// Commit times, by row.
    Times,
    /// Level-8 nodes of the tree, each with the leaf before it.
    Marks,
    /// Rows by severity, a roaring bitmap for each class.
    Severities,
    /// A column of the records.
    Column(columns::Field),
    /// Which request IDs each group may hold.
    Filters,
}

impl fmt::Display for SectionKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            SectionKind::Tenants => "tenants",
            SectionKind::Places => "places",
            SectionKind::Times => "logged_at",
            SectionKind::Marks => "tree marks",
            SectionKind::Severities => "severity index",
            SectionKind::Filters => "request filters",
            SectionKind::Column(field) => field.name(),
        })
    }
}

/// What a segment is made of beside its rows.
#[derive(Debug)]
pub struct Frame {
    /// Identity and states; the writer fills in sections, counts and times.
    pub footer: Footer,
    /// Tenants by name.
    pub tenants: Vec<TenantRow>,
    /// Level-8 nodes that end in the segment, each with the leaf before its first.
    pub marks: Vec<[u8; 64]>,
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Section {
    /// What it holds.
    pub kind: SectionKind,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// CRC32 (ISO-HDLC) of its bytes.
    pub crc: u32,
}

/// A tenant of the segment, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    /// Whose line it is.
    pub tenant: String,
    /// Number of the line in the chain.
    pub line: u32,
    /// Its slot in the directory.
    pub slot: u32,
    /// Ties the line to its tenant.
    pub nonce: [u8; 16],
    /// Entries of the line before the segment, and the digest over them.
    pub opening: LineState,
    /// The same behind the segment.
    pub closing: LineState,
    /// Salt keys, each from a position of the chain on.
    pub keys: Vec<(u64, Key)>,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineState {
    /// Entries.
    pub size: u64,
    /// Digest over them.
    pub digest: Hash,
}

/// Everything about a segment but its rows.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Footer {
    /// The store.
    pub store_id: [u8; 16],
    /// The chain's service.
    pub service: String,
    /// The chain.
    pub chain_id: [u8; 16],
    /// The chain's slot in the directory.
    pub slot: u32,
    /// Position of the first entry.
    pub first_seq: u64,
    /// Entries.
    pub entry_count: u32,
    /// Commit time of the first and the last.
    pub logged_at: (i64, i64),
    /// Leaf before the first entry, or the chain's genesis.
    pub prev: Hash,
    /// Leaf of the last entry.
    pub head: Hash,
    /// Roots of the full subtrees before the segment, largest first.
    pub opening_edge: Vec<Hash>,
    /// The same behind it.
    pub closing_edge: Vec<Hash>,
    /// Lines of the chain behind the segment, those without an entry in it too.
    pub line_count: u32,
    /// Entries by severity class, lowest first.
    pub severity_counts: [u32; 6],
    /// Bytes of all records.
    pub record_bytes: u64,
    /// Written by compaction, which spends more on fewer bytes: there is nothing left to gain.
    pub is_compact: bool,
    /// The sections, in the order in which they lie.
    pub sections: Vec<Section>,
}

/// The first bytes of a segment file, for whoever meets it alone.
pub fn encode_header(footer: &Footer) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..24].copy_from_slice(&footer.store_id);
    bytes[24..40].copy_from_slice(&footer.chain_id);
    bytes[40..48].copy_from_slice(&footer.first_seq.to_le_bytes());
    bytes[48..52].copy_from_slice(&footer.entry_count.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..HEADER_BYTES - 4]);
    bytes[HEADER_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Appends footer and trailer, which complete a file that `out` holds from its first byte on.
///
/// # Errors
/// A footer that is too large.
pub fn write_end(footer: &Footer, out: &mut Vec<u8>) -> Result<(), MetadataError> {
    let offset = out.len();
    metadata::encode(footer, out)?;
    let crc = crc32fast::hash(&out[offset..]);
    let bytes = out.len() - offset;
    let mut trailer = [0; TRAILER_BYTES];
    trailer[..8].copy_from_slice(&(offset as u64).to_le_bytes());
    trailer[8..16].copy_from_slice(&(bytes as u64).to_le_bytes());
    trailer[16..20].copy_from_slice(&crc.to_le_bytes());
    let trailer_crc = crc32fast::hash(&trailer[..20]);
    trailer[20..24].copy_from_slice(&trailer_crc.to_le_bytes());
    trailer[24..].copy_from_slice(END_MAGIC);
    out.extend_from_slice(&trailer);
    Ok(())
}

/// Where the footer of a file of `file_bytes` lies, as its trailer says.
///
/// # Errors
/// A trailer that is damaged, or points out of the file.
pub fn read_trailer(
    trailer: &[u8; TRAILER_BYTES],
    file_bytes: u64,
) -> Result<(std::ops::Range<u64>, u32), SegmentError> {
    let at = file_bytes.saturating_sub(TRAILER_BYTES as u64);
    let wrong = |expected, found: String| SegmentError { offset: at, expected, found };
    let field = |from: usize| {
        let mut value = [0; 8];
        value.copy_from_slice(&trailer[from..from + 8]);
        u64::from_le_bytes(value)
    };
    let word = |from: usize| {
        let mut value = [0; 4];
        value.copy_from_slice(&trailer[from..from + 4]);
        u32::from_le_bytes(value)
    };
    if &trailer[24..] != END_MAGIC {
        return Err(wrong("the end of a segment", crate::hex::encode(&trailer[24..])));
    }
    let crc = crc32fast::hash(&trailer[..20]);
    if crc != word(20) {
        return Err(wrong("a trailer that its CRC covers", format!("CRC {crc:08x} for {:08x}", word(20))));
    }
    let (offset, bytes) = (field(0), field(8));
    if offset < HEADER_BYTES as u64
        || bytes > limits::FOOTER_BYTES_MAX
        || offset.checked_add(bytes) != Some(at)
    {
        return Err(wrong("a footer just before the trailer", format!("{bytes} bytes at {offset}")));
    }
    Ok((offset..offset + bytes, word(16)))
}

/// Decodes a footer whose place and CRC the trailer gave, and checks its bounds.
///
/// # Errors
/// Bytes that the CRC does not cover, or a footer that contradicts itself.
pub fn read_footer(bytes: &[u8], offset: u64, crc: u32) -> Result<Footer, SegmentError> {
    let wrong = |expected, found: String| SegmentError { offset, expected, found };
    let found = crc32fast::hash(bytes);
    if found != crc {
        return Err(wrong("a footer that its CRC covers", format!("CRC {found:08x} for {crc:08x}")));
    }
    let footer: Footer =
        metadata::decode(bytes, "a footer").map_err(|error| wrong("a footer", error.to_string()))?;
    let count = u64::from(footer.entry_count);
    if count == 0 || footer.entry_count > limits::SEGMENT_ROWS_MAX {
        return Err(wrong("1 to 1 048 576 entries", count.to_string()));
    }
    let Some(end_seq) = footer.first_seq.checked_add(count) else {
        return Err(wrong("positions below 2^64", footer.first_seq.to_string()));
    };
    for (edge, size) in [(&footer.opening_edge, footer.first_seq), (&footer.closing_edge, end_seq)] {
        if edge.len() != size.count_ones() as usize {
            return Err(wrong("a subtree for each bit of the size", format!("{} for {size}", edge.len())));
        }
    }
    if footer.logged_at.0 > footer.logged_at.1 {
        return Err(wrong("commit times in order", format!("{:?}", footer.logged_at)));
    }
    if footer.severity_counts.iter().try_fold(0_u32, |sum, count| sum.checked_add(*count))
        != Some(footer.entry_count)
    {
        return Err(wrong("severities of all entries", format!("{:?}", footer.severity_counts)));
    }
    if !footer.sections.is_sorted_by(|a, b| a.kind < b.kind) {
        return Err(wrong("each section once, in order", format!("{} sections", footer.sections.len())));
    }
    let mut end = HEADER_BYTES as u64;
    for section in &footer.sections {
        if section.offset != end || section.bytes > offset - end {
            return Err(wrong("sections one after the other", format!("{section:?}")));
        }
        end += section.bytes;
    }
    if end != offset {
        return Err(wrong("sections up to the footer", format!("{end}")));
    }
    Ok(footer)
}

/// The footer of a file that is in memory whole.
///
/// # Errors
/// As [`read_trailer`] and [`read_footer`]; a header that contradicts the footer.
pub fn footer_of(bytes: &[u8]) -> Result<Footer, SegmentError> {
    let wrong = |expected, found: String| SegmentError { offset: 0, expected, found };
    let trailer = bytes.last_chunk().ok_or_else(|| wrong("a segment", format!("{} bytes", bytes.len())))?;
    let (range, crc) = read_trailer(trailer, bytes.len() as u64)?;
    let (from, to) = (usize::try_from(range.start), usize::try_from(range.end));
    let footer = from.ok().zip(to.ok()).and_then(|(from, to)| bytes.get(from..to));
    let footer = read_footer(footer.unwrap_or_default(), range.start, crc)?;
    if bytes.first_chunk() != Some(&encode_header(&footer)) {
        return Err(wrong("a header that says what the footer says", "another".to_owned()));
    }
    Ok(footer)
}

impl Footer {
    /// Position behind the last entry.
    pub fn end_seq(&self) -> u64 {
        self.first_seq + u64::from(self.entry_count)
    }

    /// Where a section lies.
    pub fn section(&self, kind: SectionKind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }
}
