//! Which neighbouring segments of a chain become one.

use crate::format::segment::Footer;
use crate::limits;
use crate::segment::Segment;
use std::ops::Range;
use std::sync::Arc;

/// How much is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything that gets smaller: each chain becomes as few segments as its entries fit, encoded for size.
    Everything,
    /// What keeps small segments from piling up, at the least writing.
    Pieces,
}

/// What a compaction did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compacted {
    /// Segments that went.
    pub segments_before: u64,
    /// Segments that came.
    pub segments_after: u64,
    /// Bytes of those that went.
    pub bytes_before: u64,
    /// Bytes of those that came; 0 in a plan.
    pub bytes_after: u64,
    /// Entries in them.
    pub entries: u64,
}

impl Compacted {
    /// Adds another's figures.
    pub fn add(&mut self, other: &Compacted) {
        self.segments_before += other.segments_before;
        self.segments_after += other.segments_after;
        self.bytes_before += other.bytes_before;
        self.bytes_after += other.bytes_after;
        self.entries += other.entries;
    }

    pub(super) fn of(segments: &[Arc<Segment>]) -> Compacted {
        Compacted {
            segments_before: segments.len() as u64,
            segments_after: 1,
            bytes_before: segments.iter().map(|own| own.file_bytes()).sum(),
            bytes_after: 0,
            entries: segments.iter().map(|own| u64::from(own.footer().entry_count)).sum(),
        }
    }
}

/// What one segment can hold, as far as it is filled.
#[derive(Default)]
struct Filled {
    rows: u64,
    record_bytes: u64,
    file_bytes: u64,
}

impl Filled {
    /// Adds a segment if it fits.
    fn takes(&mut self, segment: &Segment, row_count_max: u32) -> bool {
        let footer: &Footer = segment.footer();
        let rows = self.rows + u64::from(footer.entry_count);
        let record_bytes = self.record_bytes + footer.record_bytes;
        let file_bytes = self.file_bytes + segment.file_bytes();
        let fits = self.rows == 0
            || rows <= u64::from(row_count_max)
                && record_bytes <= limits::SEGMENT_RECORD_BYTES_AIM as u64
                && file_bytes <= limits::SEGMENT_BYTES_MAX;
        if fits {
            *self = Filled { rows, record_bytes, file_bytes };
        }
        fits
    }
}

/// The first neighbours to make one segment of; none if there are none.
pub fn next(segments: &[Arc<Segment>], extent: Extent, row_count_max: u32) -> Option<Range<usize>> {
    match extent {
        Extent::Everything => packs(segments, row_count_max)
            .find(|pack| pack.len() > 1 || !segments[pack.start].footer().is_compact),
        Extent::Pieces => pieces(segments, row_count_max),
    }
}

/// Neighbours that fit one segment together, from the first on.
fn packs(segments: &[Arc<Segment>], row_count_max: u32) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let mut filled = Filled::default();
        let count = segments[from..].iter().take_while(|own| filled.takes(own, row_count_max)).count();
        let pack = from..from + count;
        from = pack.end;
        (count > 0).then_some(pack)
    })
}

/// At least eight neighbours below a size that together are above it: each byte then rises a step when it is written.
fn pieces(segments: &[Arc<Segment>], row_count_max: u32) -> Option<Range<usize>> {
    for bound in limits::COMPACTION_TIERS_BYTES {
        let mut from = 0;
        while from < segments.len() {
            let mut filled = Filled::default();
            let small = |own: &&Arc<Segment>| own.file_bytes() < bound && filled.takes(own, row_count_max);
            let count = segments[from..].iter().take_while(small).count();
            let bytes: u64 = segments[from..from + count].iter().map(|own| own.file_bytes()).sum();
            let is_full = bytes >= bound || from + count < segments.len();
            if count >= limits::COMPACTION_SEGMENTS_MIN && is_full || count >= limits::COMPACTION_SEGMENTS_MAX
            {
                return Some(from..from + count);
            }
            from += count.max(1);
        }
    }
    None
}
