//! IDs of entries and keys of batches that came in journal files which are gone: `state/ids/<n>.ids`.
//!
//! ```text
//! "SLGIDS" 00 01, store id 16, journal u64, services u32, items u32, batches u32, 4 zero bytes
//! for each service: length u8, text
//! for each item: MAC of the ID 16, MAC of the content 16, position u64, commit time i64, service u32
//! for each batch: MAC of the key 16, MAC of the bytes 16, commit time i64, runs u32,
//!   for each run: service u32, first position u64, count u32
//! u32 CRC of everything before
//! ```

use super::state_file::{Reader, StateFileError};
use crate::limits;

const MAGIC: &[u8; 8] = b"SLGIDS\0\x01";
const HEADER_BYTES: usize = 48;
const ITEM_BYTES: usize = 52;
/// Largest file that is read: every ID of the window, as many batches, and all services' names.
pub const FILE_BYTES_MAX: u64 = 512 << 20;

/// What a file remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Journal files up to this number are covered by this file and those before it.
    pub journal: u64,
    /// Services, which items and batches name by index.
    pub services: Vec<Box<str>>,
    /// Entries with an ID, oldest first.
    pub items: Vec<RememberedEntry>,
    /// Batches with a key, oldest first.
    pub batches: Vec<RememberedBatch>,
}

/// An entry that came with an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RememberedEntry {
    /// MAC of tenant, service and ID.
    pub id: u128,
    /// MAC of what its producer sent.
    pub bytes: u128,
    /// Position in its chain.
    pub seq: u64,
    /// Commit time.
    pub logged_at: i64,
    /// Its service, by index.
    pub service: u32,
}

/// A batch that came with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RememberedBatch {
    /// MAC of the key.
    pub key: u128,
    /// MAC of its bytes.
    pub bytes: u128,
    /// Commit time.
    pub logged_at: i64,
    /// Service by index, first position, count.
    pub runs: Vec<(u32, u64, u32)>,
}

/// The file's bytes.
pub fn encode(store_id: &[u8; 16], remembered: &Remembered) -> Vec<u8> {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(HEADER_BYTES + remembered.items.len() * ITEM_BYTES + 4096);
    out.extend(MAGIC);
    out.extend(store_id);
    out.extend(remembered.journal.to_le_bytes());
    out.extend(count(remembered.services.len()));
    out.extend(count(remembered.items.len()));
    out.extend(count(remembered.batches.len()));
    out.extend([0; 4]);
    for service in &remembered.services {
        out.push(u8::try_from(service.len()).unwrap_or(u8::MAX));
        out.extend(service.as_bytes());
    }
    for item in &remembered.items {
        out.extend(item.id.to_le_bytes());
        out.extend(item.bytes.to_le_bytes());
        out.extend(item.seq.to_le_bytes());
        out.extend(item.logged_at.to_le_bytes());
        out.extend(item.service.to_le_bytes());
    }
    for batch in &remembered.batches {
        out.extend(batch.key.to_le_bytes());
        out.extend(batch.bytes.to_le_bytes());
        out.extend(batch.logged_at.to_le_bytes());
        out.extend(count(batch.runs.len()));
        for (service, first_seq, entries) in &batch.runs {
            out.extend(service.to_le_bytes());
            out.extend(first_seq.to_le_bytes());
            out.extend(entries.to_le_bytes());
        }
    }
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// Reads a file.
///
/// # Errors
/// Bytes that are not what [`encode`] gives for this store.
pub fn decode(bytes: &[u8], store_id: &[u8; 16]) -> Result<Remembered, StateFileError> {
    let mut reader = Reader::open(bytes, MAGIC, "SLGIDS at the beginning", store_id)?;
    let journal = u64::from_le_bytes(reader.fixed()?);
    let services = reader.count(limits::CHAIN_COUNT_MAX)?;
    let items = reader.count(limits::IDEMPOTENCY_COUNT_MAX)?;
    let batches = reader.count(limits::IDEMPOTENCY_COUNT_MAX)?;
    if reader.fixed::<4>()? != [0; 4] {
        return Err(StateFileError("reserved bytes that are zero"));
    }
    let services: Vec<Box<str>> = (0..services).map(|_| reader.service()).collect::<Result<_, _>>()?;
    let known = |service: u32| match (service as usize) < services.len() {
        true => Ok(service),
        false => Err(StateFileError("a service that the file names")),
    };
    let (rows, rest) = reader.rest.split_at_checked(items * ITEM_BYTES).ok_or(StateFileError("all items"))?;
    reader.rest = rest;
    let items = rows.chunks_exact(ITEM_BYTES).map(|row| {
        let mut row = Reader { rest: row };
        Ok(RememberedEntry {
            id: u128::from_le_bytes(row.fixed()?),
            bytes: u128::from_le_bytes(row.fixed()?),
            seq: u64::from_le_bytes(row.fixed()?),
            logged_at: i64::from_le_bytes(row.fixed()?),
            service: known(u32::from_le_bytes(row.fixed()?))?,
        })
    });
    let items = items.collect::<Result<_, _>>()?;
    let batches = (0..batches).map(|_| {
        let key = u128::from_le_bytes(reader.fixed()?);
        let bytes = u128::from_le_bytes(reader.fixed()?);
        let logged_at = i64::from_le_bytes(reader.fixed()?);
        let runs = reader.count(reader.rest.len() / 16)?;
        let runs = (0..runs).map(|_| {
            let service = known(u32::from_le_bytes(reader.fixed()?))?;
            let first_seq = u64::from_le_bytes(reader.fixed()?);
            Ok((service, first_seq, u32::from_le_bytes(reader.fixed()?)))
        });
        let runs = runs.collect::<Result<_, _>>()?;
        Ok(RememberedBatch { key, bytes, logged_at, runs })
    });
    let batches = batches.collect::<Result<_, _>>()?;
    match reader.rest {
        [] => Ok(Remembered { journal, services, items, batches }),
        _ => Err(StateFileError("the end of the file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Remembered {
        let item = |seq: u64| RememberedEntry {
            id: 7 << 80 | u128::from(seq),
            bytes: 9,
            seq,
            logged_at: -5,
            service: (seq % 2) as u32,
        };
        Remembered {
            journal: 3,
            services: vec!["mail-api".into(), "vault".into()],
            items: (0..40).map(item).collect(),
            batches: vec![RememberedBatch {
                key: 1,
                bytes: 2,
                logged_at: 3,
                runs: vec![(0, 5, 6), (1, 7, 8)],
            }],
        }
    }

    #[test]
    fn files_round_trip_and_no_other_bytes_pass() {
        let bytes = encode(&[4; 16], &sample());
        assert_eq!(decode(&bytes, &[4; 16]), Ok(sample()));
        assert!(decode(&bytes, &[5; 16]).is_err(), "another store's");
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], &[4; 16]).is_err(), "{length} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped, &[4; 16]).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn counts_beyond_the_bytes_are_refused_before_they_size_anything() {
        for at in [32, 36, 40] {
            let mut bytes = encode(&[4; 16], &sample());
            bytes[at..at + 4].copy_from_slice(&1_900_000_u32.to_le_bytes());
            let end = bytes.len() - 4;
            let crc = crc32fast::hash(&bytes[..end]).to_le_bytes();
            bytes[end..].copy_from_slice(&crc);
            assert!(decode(&bytes, &[4; 16]).is_err());
        }
    }
}
