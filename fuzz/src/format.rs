//! Pure decoders: what decodes encodes to the same bytes, and every accessor of it can be called.

use crate::input::Input;
use sealog_engine::format::cbor::{self as encoding, Reader};
use sealog_engine::format::commit::{self, Commit};
use sealog_engine::format::control::{ClockStep, Heads};
use sealog_engine::format::ends;
use sealog_engine::format::journal::{FileHeader, FrameHeader, payload_crc};
use sealog_engine::format::record as records;
use sealog_engine::format::store_file::{StoreFile, StoreFileError};
use sealog_engine::model::Entry;
use std::collections::BTreeMap;

/// A record. What decodes, and could be a producer's or the log's own, encodes to the same bytes.
pub fn record(bytes: &[u8]) {
    let _ = records::glance(bytes);
    let _ = records::parts_of(bytes);
    let _ = records::text_of_pair(bytes);
    let Ok(record) = records::decode(bytes) else { return };
    let entry = &record.entry;
    if record.control.is_none() {
        let glance = records::glance(bytes).expect("what decodes has a severity");
        assert_eq!(glance.severity, entry.severity);
    }
    let parts = records::parts_of(bytes).expect("what decodes has parts");
    let mut again = Vec::with_capacity(bytes.len());
    records::assemble(parts, record.tenant_seq, record.logged_by, record.artifact_held, &mut again);
    assert_eq!(again, bytes, "parts of a record assemble to it");
    if let Some(control) = record.control {
        read_control(control);
        return;
    }
    if !could_be_sent(entry) {
        return;
    }
    let mut producers = Vec::new();
    let Ok(lengths) = records::encode_parts(entry, &mut producers) else {
        // The model allows it and the record is small enough: only its size may stand in the way.
        assert!(bytes.len() > sealog_engine::limits::RECORD_BYTES_MAX - 1024, "{entry:?}");
        return;
    };
    let (id, rest) = producers.split_at(lengths.id_bytes as usize);
    let pair_count = lengths.pair_count;
    assert_eq!(records::Parts { id, rest, pair_count }, parts, "a producer's part encodes as it was");
}

fn could_be_sent(entry: &Entry<'_>) -> bool {
    entry.check().is_ok() && entry.service_name().is_ok()
}

fn read_control(bytes: &[u8]) {
    if let Ok(heads) = Heads::decode(bytes) {
        assert_eq!(heads.encode(), bytes);
    }
    if let Ok(step) = ClockStep::decode(bytes) {
        assert_eq!(step.encode(), bytes);
    }
}

/// Headers of a journal file and of a frame, and a commit's payload.
///
/// Input: what to mend (bit 0: CRCs), offset, nonce, counts of the payload, then the bytes.
pub fn frame(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mends = input.byte() & 1 == 1;
    let (offset, nonce) = (input.u64(), input.fixed::<8>());
    let (part_count, entry_count) = (input.u16(), input.u16());
    let mut rest = input.0.to_vec();
    let _ = FileHeader::decode(&rest);
    let _ = FrameHeader::decode(&rest, offset, &nonce);
    if let Ok(commit) = commit::decode(&rest, u32::from(part_count), u32::from(entry_count)) {
        read_commit(&commit, &rest);
    }
    read_control(&rest);
    let Some(header) = rest.first_chunk_mut::<64>() else { return };
    if mends {
        let crc = crc32fast::hash(&header[..60]);
        header[60..].copy_from_slice(&crc.to_le_bytes());
    }
    if let Ok(file) = FileHeader::decode(header) {
        assert_eq!(file.encode(), *header);
    }
    if mends {
        mend_frame_header(header, offset, &nonce);
    }
    if let Ok(frame) = FrameHeader::decode(header, offset, &nonce) {
        assert_eq!(frame.encode(&nonce), *header);
        assert!(frame.frame_bytes() >= 64 && frame.frame_bytes().is_multiple_of(8));
        assert!(frame.durable < frame.number.get());
        let _ = payload_crc(&nonce, frame.number, &rest[64..]);
    }
}

/// Puts the place and the CRC of a frame's header right.
pub fn mend_frame_header(header: &mut [u8; 64], offset: u64, nonce: &[u8; 8]) {
    header[32..40].copy_from_slice(&offset.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(nonce);
    hasher.update(&header[..60]);
    header[60..].copy_from_slice(&hasher.finalize().to_le_bytes());
}

/// Calls everything that a decoded payload offers, and encodes it again.
fn read_commit(commit: &Commit<'_>, payload: &[u8]) {
    let mut again = Vec::with_capacity(payload.len());
    for part in &commit.parts {
        let head = commit::PartHead {
            service: part.service,
            kind: part.kind,
            first_seq: part.first_seq,
            prev: &part.prev,
            lines: &part.lines,
            keys: &part.keys,
            entry_count: u32::try_from(part.rows.len()).expect("a payload's counts have 32 bits"),
        };
        commit::write_part_head(&mut again, head);
        for row in &part.rows {
            again.extend(row.record_bytes.to_le_bytes());
            again.extend(row.line.to_le_bytes());
        }
        (0..part.rows.len()).for_each(|index| again.extend(part.leaf(index)));
        (0..part.rows.len()).for_each(|index| again.extend(part.record(index)));
        assert!(part.end_seq() > part.first_seq, "a part has entries");
        for index in 0..part.rows.len() {
            record(part.record(index));
        }
    }
    commit::write_batch_keys(&mut again, &commit.batch_keys);
    assert_eq!(again, payload, "what decodes encodes to the same bytes");
}

/// `STORE`, or a file of `state/ends` where the input begins as that does. What decodes encodes to the same bytes; what is salvaged
/// makes a `STORE` that decodes.
pub fn store_file(bytes: &[u8]) {
    if bytes.starts_with(b"SLGENDS") {
        read_ends(bytes);
        return;
    }
    match StoreFile::decode(bytes) {
        Ok(file) => assert_eq!(file.encode().as_bytes(), bytes),
        Err(StoreFileError::Damaged { detail, salvaged }) => {
            assert!(!detail.is_empty());
            if let Some(file) = salvaged {
                assert_eq!(StoreFile::decode(file.encode().as_bytes()), Ok(file));
            }
        }
        Err(StoreFileError::Version(_)) => {}
    }
}

/// Where chains end, as it is, and with its CRC put right so that what lies behind it is reached.
fn read_ends(bytes: &[u8]) {
    let Some(store_id) = bytes.get(8..).and_then(|rest| rest.first_chunk()) else { return };
    let read = |bytes: &[u8]| {
        if let Ok(file) = ends::decode(bytes, store_id) {
            assert_eq!(ends::encode(store_id, &file), bytes);
            let mut known = BTreeMap::new();
            if ends::take_in(&mut known, file.clone()).is_ok() {
                // A chain that a file tells of twice is told of once.
                assert!(known.len() <= file.chains.len());
                let _ = ends::take_in(&mut known, file);
            }
        }
    };
    read(bytes);
    if let Some((body, _)) = bytes.split_last_chunk::<4>() {
        read(&[body, &crc32fast::hash(body).to_le_bytes()].concat());
    }
}

/// The CBOR reader: the first byte of each step says what is expected next, the rest of the input is what is read.
pub fn cbor(bytes: &[u8]) {
    let mut input = Input(bytes);
    let count = usize::from(input.byte() & 15);
    let steps = input.take(count);
    let mut reader = Reader::new(input.0);
    for step in steps {
        let from = reader.offset();
        let mut again = Vec::new();
        let read = match step % 9 {
            0 => reader.unsigned().map(|value| encoding::unsigned(&mut again, value)),
            1 => reader.signed().map(|value| encoding::signed(&mut again, value)),
            2 => reader.text().map(|value| encoding::text(&mut again, value)),
            3 => reader.bytes().map(|value| encoding::bytes(&mut again, value)),
            4 => reader.fixed::<16>().map(|value| encoding::bytes(&mut again, &value)),
            5 => reader.boolean().map(|value| encoding::boolean(&mut again, value)),
            6 => reader.array().map(|value| encoding::array(&mut again, value)),
            7 => reader.map().map(|value| encoding::map(&mut again, value)),
            _ => reader.skip(u32::from(step / 9)).map(|()| again.extend(&input.0[from..reader.offset()])),
        };
        assert!(reader.offset() <= input.0.len());
        match read {
            Ok(()) => assert_eq!(again, input.0[from..reader.offset()], "one value has one encoding"),
            Err(error) => {
                assert!(error.offset <= input.0.len());
                return;
            }
        }
    }
    assert_eq!(reader.end().is_ok(), reader.offset() == input.0.len());
    read_control(input.0);
}
