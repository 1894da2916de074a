//! Where the sealed part of every chain ends: `state/ends`.
//!
//! Segments say the same. This says it once more, in one small file, for the day one of them does not read: then the
//! directory's rows are still known, and that entries are missing where the last files of a chain are gone.
//!
//! ```text
//! "SLGENDS" 01, store id 16, chains u32, 4 zero bytes
//! for each chain: service (length u8, text), slot u32, size u64, leaf of the last entry 32,
//!   roots of the full subtrees, largest first, one for each one-bit of the size: 32, lines u32,
//!   for each line, by number: slot u32, line id 16, size u64, digest 32
//! u32 CRC of everything before
//! ```

use super::state_file::{Reader, StateFileError};
use crate::limits;
use crate::proof::Hash;

const MAGIC: &[u8; 8] = b"SLGENDS\x01";
const LINE_BYTES: usize = 60;
/// Largest file that is read: every chain and line that a store may have.
pub const FILE_BYTES_MAX: usize = 128 << 20;

/// Where the sealed part of one chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    /// The chain.
    pub service: Box<str>,
    /// Its slot in the directory.
    pub slot: u32,
    /// Position behind the last sealed entry, above 0.
    pub size: u64,
    /// Leaf of the last sealed entry.
    pub head: Hash,
    /// Roots of the full subtrees over the sealed entries, largest first.
    pub subtrees: Vec<Hash>,
    /// By number: every line with a sealed entry.
    pub lines: Vec<LineEnd>,
}

/// Where a line ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEnd {
    /// Its slot in the directory.
    pub slot: u32,
    /// Its identity.
    pub line_id: [u8; 16],
    /// Its sealed entries.
    pub size: u64,
    /// Its digest behind them.
    pub digest: Hash,
}

/// The file's bytes.
pub fn encode(store_id: &[u8; 16], chains: &[ChainEnd]) -> Vec<u8> {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    let lines: usize = chains.iter().map(|chain| chain.lines.len()).sum();
    let mut out = Vec::with_capacity(64 + chains.len() * 512 + lines * LINE_BYTES);
    out.extend(MAGIC);
    out.extend(store_id);
    out.extend(count(chains.len()));
    out.extend([0; 4]);
    for chain in chains {
        out.push(u8::try_from(chain.service.len()).unwrap_or(u8::MAX));
        out.extend(chain.service.as_bytes());
        out.extend(chain.slot.to_le_bytes());
        out.extend(chain.size.to_le_bytes());
        out.extend(chain.head);
        out.extend(chain.subtrees.as_flattened());
        out.extend(count(chain.lines.len()));
        for line in &chain.lines {
            out.extend(line.slot.to_le_bytes());
            out.extend(line.line_id);
            out.extend(line.size.to_le_bytes());
            out.extend(line.digest);
        }
    }
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// Reads a file.
///
/// # Errors
/// Bytes that are not what [`encode`] gives for this store.
pub fn decode(bytes: &[u8], store_id: &[u8; 16]) -> Result<Vec<ChainEnd>, StateFileError> {
    let mut reader = Reader::open(bytes, MAGIC, "SLGENDS at the beginning", store_id)?;
    let chain_count = reader.count(limits::CHAIN_COUNT_MAX)?;
    if reader.fixed::<4>()? != [0; 4] {
        return Err(StateFileError("reserved bytes that are zero"));
    }
    let chains = (0..chain_count).map(|_| chain_in(&mut reader)).collect::<Result<_, _>>()?;
    match reader.rest {
        [] => Ok(chains),
        _ => Err(StateFileError("the end of the file")),
    }
}

fn chain_in(reader: &mut Reader<'_>) -> Result<ChainEnd, StateFileError> {
    let service = reader.service()?;
    let slot = u32::from_le_bytes(reader.fixed()?);
    let size = u64::from_le_bytes(reader.fixed()?);
    if size == 0 {
        return Err(StateFileError("a chain with a sealed entry"));
    }
    let head = reader.fixed()?;
    let subtrees = (0..size.count_ones()).map(|_| reader.fixed()).collect::<Result<_, _>>()?;
    let line_count = reader.count(limits::LINE_COUNT_MAX.min(reader.rest.len() / LINE_BYTES))?;
    let lines = (0..line_count).map(|_| {
        Ok(LineEnd {
            slot: u32::from_le_bytes(reader.fixed()?),
            line_id: reader.fixed()?,
            size: u64::from_le_bytes(reader.fixed()?),
            digest: reader.fixed()?,
        })
    });
    let lines = lines.collect::<Result<Vec<LineEnd>, StateFileError>>()?;
    // The directory has a row for each, and no more rows than a store may have.
    let slots = lines.iter().map(|line| line.slot).chain([slot]);
    if slots.into_iter().any(|slot| slot as usize >= limits::LINE_COUNT_MAX + limits::CHAIN_COUNT_MAX) {
        return Err(StateFileError("slots within the store's limits"));
    }
    Ok(ChainEnd { service, slot, size, head, subtrees, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<ChainEnd> {
        let line = |slot| LineEnd { slot, line_id: [slot.to_le_bytes()[0]; 16], size: 3, digest: [9; 32] };
        let chain = |service: &str, slot, size: u64| ChainEnd {
            service: service.into(),
            slot,
            size,
            head: [7; 32],
            subtrees: vec![[8; 32]; size.count_ones() as usize],
            lines: (slot + 1..slot + 4).map(line).collect(),
        };
        vec![chain("mail-api", 0, 9), chain("vault", 4, 7)]
    }

    #[test]
    fn files_round_trip_and_no_other_bytes_pass() {
        let bytes = encode(&[4; 16], &sample());
        assert_eq!(decode(&bytes, &[4; 16]), Ok(sample()));
        assert_eq!(decode(&encode(&[4; 16], &[]), &[4; 16]), Ok(Vec::new()));
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
    fn counts_and_slots_beyond_the_bounds_are_refused_before_they_size_anything() {
        let lines_at = 32 + 1 + 8 + 4 + 8 + 32 + 64;
        for at in [24, 32 + 9, lines_at, lines_at + 4] {
            let mut bytes = encode(&[4; 16], &sample());
            bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            let end = bytes.len() - 4;
            let crc = crc32fast::hash(&bytes[..end]).to_le_bytes();
            bytes[end..].copy_from_slice(&crc);
            assert!(decode(&bytes, &[4; 16]).is_err(), "at {at}");
        }
    }
}
