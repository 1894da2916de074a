//! Builds a segment's bytes from rows, and reads them back before anybody relies on them.

use super::view::{Cursors, View};
use crate::format::column::Effort;
use crate::format::metadata;
use crate::format::segment;
use crate::format::segment::columns;
use crate::format::segment::columns::Row;
use crate::format::segment::filters;
use crate::format::segment::gather;
use crate::format::segment::places;
use crate::format::segment::places::Run;
use crate::format::segment::tenants;
use crate::format::segment::times;
use crate::format::segment::{Frame, Section, SectionKind, SegmentError};
use crate::model::Severity;
use foldhash::quality::RandomState;
use roaring::RoaringBitmap;
use std::hash::{BuildHasher, Hasher};
use std::slice;

/// Builds the file. `rows` are in the order of `seq`, `tenants` says whose each is, by index into the table.
///
/// Every row is read back and compared, by a hash, before this returns; one that a column would not give back byte for byte is
/// kept whole.
///
/// # Errors
/// Rows that do not read back in spite of that: the segment must not be used.
pub fn build(
    frame: Frame,
    rows: &[Row<'_>],
    tenants: &[u32],
    effort: Effort,
) -> Result<Vec<u8>, SegmentError> {
    let mut verbatim = vec![false; rows.len()];
    let tenant_count = u32::try_from(frame.tenants.len()).unwrap_or(u32::MAX);
    let (places, runs) = places::arrange(frame.footer.first_seq, tenants, tenant_count);
    let hasher = RandomState::default();
    for _ in 0..2 {
        let (bytes, fingerprints) = build_once(&frame, rows, (&places, &runs), effort, &verbatim, &hasher)?;
        let differing = read_back(&bytes, &places, &fingerprints, &hasher)?;
        if differing.is_empty() {
            return Ok(bytes);
        }
        differing.into_iter().for_each(|place| verbatim[place] = true);
    }
    Err(SegmentError {
        offset: 0,
        expected: "records that read back as they were committed",
        found: format!("others in a segment of {}", frame.footer.service),
    })
}

fn build_once(
    frame: &Frame,
    rows: &[Row<'_>],
    (places, runs): (&[u32], &[Run]),
    effort: Effort,
    verbatim: &[bool],
    hasher: &RandomState,
) -> Result<(Vec<u8>, Vec<u64>), SegmentError> {
    let too_large = |error: metadata::MetadataError| SegmentError {
        offset: 0,
        expected: error.expected,
        found: error.found,
    };
    let mut footer = frame.footer.clone();
    footer.sections.clear();
    footer.entry_count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    footer.logged_at =
        (rows.first().map_or(0, |row| row.logged_at), rows.last().map_or(0, |row| row.logged_at));
    footer.record_bytes = rows.iter().map(|row| row.record.len() as u64).sum();
    let fingerprint = |row: &Row<'_>| fingerprint(hasher, row.record, row.kind, row.logged_at);
    let mut gathered = gather::gather(rows, (places, runs), effort, |place| verbatim[place], fingerprint);
    let fingerprints = std::mem::take(&mut gathered.fingerprints);
    let mut severities = bitmaps(gathered.severities(), places);
    footer.severity_counts = severities.each_ref().map(|rows| u32::try_from(rows.len()).unwrap_or(u32::MAX));

    let mut out = segment::encode_header(&footer).to_vec();
    let mut sections = Vec::new();
    let mut add = |kind: SectionKind, bytes: &[u8]| {
        sections.push(Section {
            kind,
            offset: out.len() as u64,
            bytes: bytes.len() as u64,
            crc: crc32fast::hash(bytes),
        });
        out.extend_from_slice(bytes);
    };
    let mut section = Vec::new();
    tenants::encode(&frame.tenants, effort, &mut section);
    add(SectionKind::Tenants, &section);
    section.clear();
    places::encode(footer.first_seq, places, runs, &mut section);
    add(SectionKind::Places, &section);
    section.clear();
    times::encode(&rows.iter().map(|row| row.logged_at).collect::<Vec<_>>(), &mut section);
    add(SectionKind::Times, &section);
    add(SectionKind::Marks, frame.marks.as_flattened());
    section.clear();
    for rows in &mut severities {
        rows.optimize();
        // Writing into memory does not fail.
        let _ = rows.serialize_into(&mut section);
    }
    add(SectionKind::Severities, &section);
    let filters = filters::encode(&gathered.request_keys, footer.first_seq, footer.entry_count);
    columns::encode(gathered, (places, runs), effort, |field, bytes| add(SectionKind::Column(field), bytes));
    if let Some(filters) = filters {
        add(SectionKind::Filters, &filters);
    }
    footer.sections = sections;
    segment::write_end(&footer, &mut out).map_err(too_large)?;
    Ok((out, fingerprints))
}

/// Rows by severity class, lowest first; `classes` are by place.
fn bitmaps(classes: &[u8], places: &[u32]) -> [RoaringBitmap; Severity::ALL.len()] {
    let mut bits: [Vec<u8>; Severity::ALL.len()] = Default::default();
    bits.iter_mut().for_each(|bits| bits.resize(places.len().div_ceil(8), 0));
    for (class, row) in classes.iter().zip(places) {
        if let Some(bits) = bits.get_mut(usize::from(class.wrapping_sub(1))) {
            bits[*row as usize / 8] |= 1 << (row % 8);
        }
    }
    bits.each_ref().map(|bits| RoaringBitmap::from_lsb0_bytes(0, bits))
}

/// A row in 64 bits, keyed at random: two rows are taken for the same by chance once in 2^64 times, and nobody can make
/// it so. Rows lie all over memory; fetching each a second time to compare it would cost more than all of its hashing.
#[inline]
fn fingerprint(hasher: &RandomState, record: &[u8], kind: u8, logged_at: i64) -> u64 {
    let mut hash = hasher.build_hasher();
    hash.write(record);
    hash.write_i64(logged_at);
    hash.write_u8(kind);
    hash.finish()
}

/// Places whose row does not come back as it was.
fn read_back(
    bytes: &[u8],
    places: &[u32],
    fingerprints: &[u64],
    hasher: &RandomState,
) -> Result<Vec<usize>, SegmentError> {
    let footer = segment::footer_of(bytes)?;
    let view = View::new(bytes, &footer);
    let mut differing = Vec::new();
    let times = view.times()?.decode().map_err(|error| SegmentError {
        offset: 0,
        expected: "commit times that read",
        found: error.to_string(),
    })?;
    let mut rows = places.iter().zip(fingerprints).enumerate();
    view.walk(
        slice::from_ref(&(0..footer.entry_count)),
        |row| times.get(row as usize).copied().unwrap_or_default(),
        &mut Cursors::default(),
        |head, read| {
            let Some((place, (row, expected))) = rows.next() else { return Ok(()) };
            let found = read.map(|read| fingerprint(hasher, read.record, head.kind, head.logged_at));
            if head.row != *row || found.ok() != Some(*expected) {
                differing.push(place);
            }
            Ok::<_, SegmentError>(())
        },
    )?;
    differing.extend(rows.map(|(place, _)| place));
    Ok(differing)
}
