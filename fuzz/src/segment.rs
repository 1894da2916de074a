//! Sealed segments and their columns: an error or some rows, whatever the bytes say.

use crate::MemoryDisk;
use crate::input::Input;
use sealog_engine::format::column::Effort;
use sealog_engine::format::column::bytes::{self, Bytes};
use sealog_engine::format::column::names;
use sealog_engine::format::column::packed::Packed;
use sealog_engine::format::column::text::{self, Text};
use sealog_engine::format::column::times::{Reference, Times};
use sealog_engine::format::record;
use sealog_engine::format::segment::columns::Field;
use sealog_engine::format::segment::tenants;
use sealog_engine::format::segment::{self as format, Footer, TRAILER_BYTES};
use sealog_engine::format::store_file::StoreFile;
use sealog_engine::model::{ServiceName, StoreName, Timestamp};
use sealog_engine::proof::hashes;
use sealog_engine::segment::view::View;
use sealog_engine::segment::{check_bytes, path};
use sealog_engine::verify::{VerifyOptions, verify};

/// Rows that are read of each input: a million of them may take no bytes at all.
const ROWS_READ_MAX: u32 = 300;
/// Segments with more rows are not verified: a row costs microseconds and may take no byte.
const VERIFIED_ROWS_MAX: u32 = 2_000;
/// Keys that filters are asked for lie so far apart: all over 64 bits.
const KEY_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A whole file, as it is, and with every CRC put right so that what lies behind them is reached.
pub fn segment(bytes: &[u8]) {
    if let Ok(footer) = check_bytes(bytes) {
        read(bytes, &footer);
        verify_in_store(bytes, &footer);
        return;
    }
    let Some(footer) = mended_footer(bytes) else { return };
    let mut footer = footer;
    for section in &mut footer.sections {
        // The footer keeps its sections inside the file.
        let [from, to] = [section.offset, section.offset + section.bytes].map(usize::try_from);
        let own = from.ok().zip(to.ok()).and_then(|(from, to)| bytes.get(from..to));
        section.crc = own.map_or(0, crc32fast::hash);
    }
    read(bytes, &footer);
    let Ok(end) = usize::try_from(footer.sections.iter().map(|section| section.bytes).sum::<u64>()) else {
        return;
    };
    footer.chain_id = hashes::chain_id(&hashes::origin("fuzz.example.com", &footer.service));
    let mut file = format::encode_header(&footer).to_vec();
    file.extend_from_slice(bytes.get(file.len()..file.len() + end).unwrap_or_default());
    if format::write_end(&footer, &mut file).is_ok() {
        verify_in_store(&file, &footer);
    }
}

/// Verification of a store that has this segment: ends in a report, and finds that heads and neighbours are not there.
fn verify_in_store(bytes: &[u8], footer: &Footer) {
    let names = (StoreName::new("fuzz.example.com"), ServiceName::new(&footer.service));
    let (Ok(name), Ok(service), true) = (names.0, names.1, footer.entry_count <= VERIFIED_ROWS_MAX) else {
        return;
    };
    let disk = MemoryDisk::new();
    let identity = StoreFile { name, id: footer.store_id, created: Timestamp::from_nanos(0) };
    disk.put("STORE", identity.encode().into_bytes());
    disk.put(&path(service.as_str(), footer.first_seq), bytes.to_vec());
    let report = verify(&disk, &VerifyOptions::default(), |_| {}).expect("memory reads");
    assert!(report.all_problems().all(|problem| !problem.detail.is_empty()));
    let quick = VerifyOptions { quick: true, ..VerifyOptions::default() };
    let quick = verify(&disk, &quick, |_| {}).expect("memory reads");
    assert!(quick.valid || !report.valid, "what a quick look finds is found");
}

/// The footer that the trailer points at, whatever their CRCs say.
fn mended_footer(bytes: &[u8]) -> Option<Footer> {
    let (file, trailer) = bytes.split_last_chunk::<TRAILER_BYTES>()?;
    let mut trailer = *trailer;
    let offset = u64::from_le_bytes(*trailer.first_chunk()?);
    let footer = file.get(usize::try_from(offset).ok()?..)?;
    trailer[8..16].copy_from_slice(&(footer.len() as u64).to_le_bytes());
    trailer[16..20].copy_from_slice(&crc32fast::hash(footer).to_le_bytes());
    let crc = crc32fast::hash(&trailer[..20]);
    trailer[20..24].copy_from_slice(&crc.to_le_bytes());
    trailer[24..].copy_from_slice(format::END_MAGIC);
    let (_, crc) = format::read_trailer(&trailer, bytes.len() as u64).ok()?;
    format::read_footer(footer, offset, crc).ok()
}

fn read(bytes: &[u8], footer: &Footer) {
    let view = View::new(bytes, footer);
    let _ = (view.tenants().is_ok(), view.severities().is_ok(), view.marks().is_ok());
    if let Ok(Some(filters)) = view.filters() {
        for group in 0..=filters.group_count() {
            let _ = (0..100).filter(|key: &u64| filters.may_hold(group, key.wrapping_mul(KEY_STEP))).count();
        }
    }
    let _ = (view.run_seqs().is_ok(), view.times().map(|times| times.rows_between(Some(5), Some(9))).is_ok());
    for field in Field::ALL {
        let _ = view.column(field).is_ok();
    }
    let mut out = Vec::new();
    for row in 0..footer.entry_count.min(ROWS_READ_MAX) {
        let Ok(place) = view.place_of(row) else { break };
        let Ok((run, index)) = view.run_at(place) else { break };
        let Ok(head) = view.head(place, run, index) else { continue };
        assert_eq!(head.row, row, "a place leads back to its row");
        out.clear();
        if view.with_cursors(|cursors| view.record(place, &head, cursors, &mut out)).is_ok()
            && let Ok(record) = record::decode(&out)
        {
            let _ = record.entry.check();
        }
    }
    let _ = view.leaf(footer.end_seq() - 1).is_ok();
    let _ = view.leaf(footer.first_seq).is_ok();
}

/// A column. Input: which kind, rows, then the bytes.
pub fn column(bytes: &[u8]) {
    let mut input = Input(bytes);
    let kind = input.byte() % 6;
    let row_count = u32::from(input.u16());
    let rows = 0..row_count.min(ROWS_READ_MAX);
    match kind {
        0 => {
            if let Ok((column, used)) = Packed::open(input.0, row_count) {
                assert!(used <= input.0.len());
                let mut all = Vec::new();
                column.decode_into(&mut all);
                assert_eq!(all.len(), row_count as usize);
                rows.for_each(|row| assert_eq!(column.get(row), all[row as usize]));
            }
        }
        1 => {
            if let Ok((column, _)) = Times::open(input.0, row_count) {
                let mut all = Vec::new();
                let reference = |row| Reference { time: 17, row };
                let references: Vec<Reference> = (0..row_count).map(reference).collect();
                column.decode_into(&references, &mut all);
                rows.for_each(|row| assert_eq!(column.get(row, reference(row)), all[row as usize]));
            }
        }
        2 => {
            if let Ok((column, _)) = Text::open(input.0, row_count) {
                let mut cursor = text::Cursor::new();
                let found: Vec<Option<String>> = rows
                    .clone()
                    .map(|row| column.get(row, &mut cursor).ok().flatten().map(str::to_owned))
                    .collect();
                let mut visited = Vec::new();
                let whole = column.visit(rows, &mut cursor, |_, text| visited.push(text.map(str::to_owned)));
                if whole.is_ok() {
                    assert_eq!(visited, found, "one by one and all at once");
                }
                let _ = column.find("mailbox 42");
                let _ = (column.sizes(), column.templates().map(|own| own.pieces().len()).sum::<usize>());
            }
        }
        4 => {
            if let Ok((found, used)) = names::decode(input.0, row_count as usize) {
                assert!(used <= input.0.len());
                let mut again = Vec::new();
                names::encode(found.iter().map(String::as_str), Effort::Light, &mut again);
                assert_eq!(names::decode(&again, found.len()).map(|(names, _)| names), Ok(found));
            }
        }
        5 => {
            if let Ok(rows) = tenants::decode(input.0, row_count) {
                let mut again = Vec::new();
                tenants::encode(&rows, Effort::Light, &mut again);
                assert_eq!(tenants::decode(&again, row_count), Ok(rows));
            }
        }
        _ => {
            if let Ok((column, _)) = Bytes::open(input.0, row_count) {
                let mut cursor = bytes::Cursor::new();
                rows.for_each(|row| {
                    let found = column.get(row, &mut cursor);
                    assert!(found.is_err() || found.is_ok_and(|own| own.is_some() == column.is_present(row)));
                });
            }
        }
    }
}
