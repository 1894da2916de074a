//! The peer that every figure stands beside: a plain file, written and synced, and nothing else.

use crate::Outcome;
use crate::data::{BATCH_ENTRIES, Records};
use rustix::fs::{FallocateFlags, fallocate};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file whose space is there before it is measured.
pub struct BareFile {
    file: File,
    offset: u64,
}

impl BareFile {
    /// A file with space reserved: its blocks are there and read as zeros, and the first write of each changes metadata.
    ///
    /// # Errors
    /// The system's.
    pub fn reserved(path: &Path, bytes: u64) -> Outcome<BareFile> {
        let file = File::create_new(path)?;
        fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
        file.sync_all()?;
        Ok(BareFile { file, offset: 0 })
    }

    /// A file full of zeros that were written: no later write changes metadata.
    ///
    /// # Errors
    /// The system's.
    pub fn zeroed(path: &Path, bytes: u64) -> Outcome<BareFile> {
        let file = File::create_new(path)?;
        let zeros = vec![0; 1 << 20];
        let mut offset = 0;
        while offset < bytes {
            file.write_all_at(&zeros, offset)?;
            offset += zeros.len() as u64;
        }
        file.sync_all()?;
        Ok(BareFile { file, offset: 0 })
    }

    /// Writes and syncs.
    ///
    /// # Errors
    /// The system's.
    pub fn append(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.file.write_all_at(bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        Ok(self.file.sync_data()?)
    }
}

/// Appends all records, each with its SHA-256 over the one before and itself; one write and one sync per 1 000.
///
/// # Errors
/// The system's.
pub fn append_chained(file: &mut BareFile, records: &Records) -> Outcome<()> {
    let mut head = [0; 32];
    let mut block = Vec::new();
    for index in 0..records.count() {
        let record = records.get(index);
        head = Sha256::new().chain_update(head).chain_update(record).finalize().into();
        block.extend(record);
        block.extend(head);
        if (index + 1) % BATCH_ENTRIES == 0 || index + 1 == records.count() {
            file.append(&block)?;
            block.clear();
        }
    }
    Ok(())
}

/// Bytes that [`append_chained`] writes.
pub fn chained_bytes(records: &Records) -> u64 {
    (records.bytes() + 32 * records.count()) as u64
}
