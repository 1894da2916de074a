//! A whole journal of hostile bytes, read by everything that reads one: the reader, verify, and recovery.

use crate::MemoryDisk;
use crate::format::mend_frame_header;
use crate::input::Input;
use crate::store;
use sealog_engine::batch::Batch;
use sealog_engine::format::journal::{FileHeader, FrameHeader, FrameType, payload_crc};
use sealog_engine::format::store_file::StoreFile;
use sealog_engine::journal;
use sealog_engine::model::{StoreName, Timestamp};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Order, Query, Scope};
use sealog_engine::verify::{VerifyOptions, verify};
use std::num::NonZeroU64;
use std::sync::Arc;

/// The store whose journal is hostile: journals of seeds are its own.
const STORE_ID: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const NONCE: [u8; 8] = [7; 8];

/// How the rest of an input becomes journal files.
pub mod shape {
    /// The bytes of one file, as they are.
    pub const RAW: u8 = 0;
    /// The bytes of one file whose CRCs are put right.
    pub const MENDED: u8 = 1;
    /// Two files, the length of the first before them.
    pub const TWO_RAW: u8 = 2;
    /// As `TWO_RAW`, with CRCs put right.
    pub const TWO_MENDED: u8 = 3;
    /// Payloads, each behind its counts and length, in frames that are right.
    pub const PAYLOADS: u8 = 4;
    /// One file, mended, named by the number in its header.
    pub const NUMBERED: u8 = 5;
}

/// Reading may look at a byte a few times: to check, to find the next frame, to find the end.
const READS_MAX: u64 = 64;

/// Reads a whole journal. Input: a byte of `shape`, then what that says.
///
/// Must not panic, must end, and what verify calls valid must read whole.
pub fn journal(bytes: &[u8]) {
    read_whole(bytes);
}

/// As `journal`; whether verify called it valid.
pub fn read_whole(bytes: &[u8]) -> bool {
    let disk = Arc::new(MemoryDisk::new());
    let identity = StoreFile {
        name: StoreName::new("fuzz.example.com").expect("a name"),
        id: STORE_ID,
        created: Timestamp::from_nanos(0),
    };
    disk.put("STORE", identity.encode().into_bytes());
    put_journals(&disk, bytes);
    // A frame that is not there, and one file of each kind, cost a little whatever the journal holds.
    let bytes_read_max = READS_MAX * disk.bytes() + (1 << 20);

    let _ = journal::newest_commit_time(&*disk, STORE_ID);
    let report = verify(&*disk, &VerifyOptions::default(), |_| {}).expect("memory reads");
    let reader = Reader::open_on(&*disk).expect("memory reads");
    read_all(&reader);
    if report.valid {
        assert!(reader.view().damage().is_empty(), "valid, and damaged: {:?}", reader.view().damage());
        let entries: u64 = reader.view().chains().iter().map(|chain| chain.entry_count()).sum();
        assert_eq!(entries, report.entries, "verify and the reader count alike");
    }
    assert!(
        disk.bytes_read() <= bytes_read_max,
        "{} bytes of files, {} bytes read: expected at most {bytes_read_max}",
        disk.bytes(),
        disk.bytes_read()
    );
    write_on(&disk, report.valid);
    report.valid
}

/// Calls everything that a reader offers.
fn read_all(reader: &Reader) {
    let view = reader.view();
    let mut services = Vec::new();
    for chain in view.chains() {
        services.push(chain.service().to_owned());
        let entries = chain.entry_count();
        // A record that does not decode, of a line that is not known, is nobody's.
        assert!(chain.tenant_counts().is_ok_and(|counts| counts.values().sum::<u64>() <= entries));
        assert_eq!(chain.severity_counts().iter().sum::<u64>(), entries);
        let _ = (chain.span(), chain.record_bytes(), chain.size());
    }
    let _ = (view.newest(), reader.torn_bytes(), reader.frame_count(), reader.identity());
    for order in [Order::Ascending, Order::Descending] {
        let filter = Filter { services: services.clone(), ..Filter::default() };
        let mut scan = reader.scan(&Scope::everything(), &Query { filter, order, limit: None, after: None });
        let mut hits = 0;
        for hit in scan.by_ref() {
            let committed = hit.committed().expect("a hit decodes");
            assert_eq!((committed.seq, committed.logged_at), (hit.seq(), hit.logged_at()));
            let _ = serde_json::to_vec(&committed).expect("an entry has a JSON form");
            hits += 1;
        }
        if services.is_empty() {
            continue;
        }
        let entries: u64 = view.chains().iter().map(|chain| chain.entry_count()).sum();
        assert_eq!(hits + scan.problems().len() as u64, entries, "no entry is skipped in silence");
    }
}

/// Recovery refuses a journal or goes on behind it; a valid store stays valid.
fn write_on(disk: &Arc<MemoryDisk>, was_valid: bool) {
    let Ok(opened) = store::open(disk) else { return };
    let mut batch = Batch::new();
    for entry in store::entries() {
        batch.push(&entry).expect("a valid entry");
    }
    let appended = opened.append(batch);
    let closed = opened.close();
    if !was_valid || appended.is_err() || closed.is_err() {
        return;
    }
    let report = verify(&**disk, &VerifyOptions::default(), |_| {}).expect("memory reads");
    let problems: Vec<_> = report.all_problems().collect();
    assert!(report.valid, "an append made a valid store invalid: {problems:?}");
}

fn put_journals(disk: &MemoryDisk, bytes: &[u8]) {
    let mut input = Input(bytes);
    match input.byte() % 6 {
        shape::RAW => disk.put(&journal::path(1), input.0.to_vec()),
        shape::MENDED => disk.put(&journal::path(1), mended(input.0.to_vec())),
        shape::TWO_RAW => {
            let length = input.u32();
            let first = input.take(usize::try_from(length).unwrap_or(usize::MAX)).to_vec();
            disk.put(&journal::path(1), first);
            disk.put(&journal::path(2), input.0.to_vec());
        }
        shape::TWO_MENDED => {
            let length = input.u32();
            let first = input.take(usize::try_from(length).unwrap_or(usize::MAX)).to_vec();
            disk.put(&journal::path(1), mended(first));
            disk.put(&journal::path(2), mended(input.0.to_vec()));
        }
        shape::PAYLOADS => disk.put(&journal::path(1), framed(&mut input)),
        _ => {
            let file = mended(input.0.to_vec());
            let number = file.first_chunk::<64>().and_then(|copy| FileHeader::decode(copy).ok());
            disk.put(&journal::path(number.map_or(1, |header| header.journal)), file);
        }
    }
}

/// Puts every CRC, and what tells a frame's place, right: what is behind them is then reached.
pub fn mended(mut file: Vec<u8>) -> Vec<u8> {
    for copy in file.chunks_exact_mut(64).take(2) {
        let crc = crc32fast::hash(&copy[..60]);
        copy[60..].copy_from_slice(&crc.to_le_bytes());
    }
    let mut nonce = [0; 8];
    if let Some(found) = file.get(48..56) {
        nonce.copy_from_slice(found);
    }
    let mut offset = 128;
    while let Some(rest) = file.get_mut(offset..).filter(|rest| rest.len() >= 64) {
        if rest[..4] != *b"SLGF" {
            offset += 8;
            continue;
        }
        let Some((header, payload)) = rest.split_first_chunk_mut::<64>() else { break };
        let [number, length] = [8, 40].map(|at| {
            let mut value = [0; 8];
            value.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(value)
        });
        let length = usize::try_from(length & 0xffff_ffff).unwrap_or(usize::MAX);
        let payload = payload.get(..length);
        if let (Some(payload), Some(number)) = (payload, NonZeroU64::new(number)) {
            header[44..48].copy_from_slice(&payload_crc(&nonce, number, payload).to_le_bytes());
        }
        mend_frame_header(header, offset as u64, &nonce);
        offset += match payload {
            Some(payload) => (64 + payload.len()).next_multiple_of(8),
            None => 64,
        };
    }
    file
}

/// One file whose frames hold the input's payloads: counts of parts and entries, length, bytes, and again.
fn framed(input: &mut Input<'_>) -> Vec<u8> {
    let header = FileHeader { store_id: STORE_ID, journal: 1, first_frame: 1, trimmed: 0, nonce: NONCE };
    let mut file = [header.encode(), header.encode()].concat();
    let mut number = NonZeroU64::MIN;
    while !input.0.is_empty() {
        let (part_count, entry_count) = (u32::from(input.byte()), u32::from(input.byte()));
        let length = input.u16();
        let payload = input.take(usize::from(length));
        let header = FrameHeader {
            frame_type: FrameType::Commit,
            number,
            durable: number.get() - 1,
            logged_at: i64::try_from(number.get()).unwrap_or(i64::MAX),
            offset: file.len() as u64,
            payload_bytes: u32::from(length).min(u32::try_from(payload.len()).unwrap_or(u32::MAX)),
            payload_crc: payload_crc(&NONCE, number, payload),
            part_count,
            entry_count,
        };
        file.extend(header.encode(&NONCE));
        file.extend(payload);
        file.resize(file.len().next_multiple_of(8), 0);
        number = number.saturating_add(1);
    }
    file
}
