//! Where the sealed part of every chain ends: `state/ends/<number>.ends`.
//!
//! Segments say the same. This says it once more, in small files, for the day one of them does not read: then the
//! directory's rows are still known, and that entries are missing where the last files of a chain are gone. A file is
//! whole, or says what changed since the one before it.
//!
//! ```text
//! "SLGENDS" 01, store id 16, chains u32, u32 1 if the file is whole, else 0
//! for each chain: service (length u8, text), slot u32, size u64, leaf of the last entry 32,
//!   roots of the full subtrees, largest first, one for each one-bit of the size: 32, lines u32,
//!   for each line, by number: number u32, slot u32, line id 16, size u64, digest 32
//! u32 CRC of everything before
//! ```

use super::state_file::{Reader, StateFileError};
use crate::limits;
use crate::proof::Hash;
use std::cmp::Ordering;
use std::collections::BTreeMap;

const MAGIC: &[u8; 8] = b"SLGENDS\x01";
const LINE_BYTES: usize = 64;
/// Largest file that is read: every chain and line that a store may have.
pub const FILE_BYTES_MAX: usize = 128 << 20;

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndsFile {
    /// It needs no file before it.
    pub is_whole: bool,
    /// By service: all chains, or those that changed.
    pub chains: Vec<ChainEnd>,
}

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
    /// By number: every line with a sealed entry, or those that changed.
    pub lines: Vec<LineEnd>,
}

/// Where a line ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEnd {
    /// Its number in the chain.
    pub line: u32,
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
pub fn encode(store_id: &[u8; 16], file: &EndsFile) -> Vec<u8> {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    let lines: usize = file.chains.iter().map(|chain| chain.lines.len()).sum();
    let mut out = Vec::with_capacity(64 + file.chains.len() * 512 + lines * LINE_BYTES);
    out.extend(MAGIC);
    out.extend(store_id);
    out.extend(count(file.chains.len()));
    out.extend(u32::from(file.is_whole).to_le_bytes());
    for chain in &file.chains {
        out.push(u8::try_from(chain.service.len()).unwrap_or(u8::MAX));
        out.extend(chain.service.as_bytes());
        out.extend(chain.slot.to_le_bytes());
        out.extend(chain.size.to_le_bytes());
        out.extend(chain.head);
        out.extend(chain.subtrees.as_flattened());
        out.extend(count(chain.lines.len()));
        for line in &chain.lines {
            out.extend(line.line.to_le_bytes());
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
pub fn decode(bytes: &[u8], store_id: &[u8; 16]) -> Result<EndsFile, StateFileError> {
    let mut reader = Reader::open(bytes, MAGIC, "SLGENDS at the beginning", store_id)?;
    let chain_count = reader.count(limits::CHAIN_COUNT_MAX)?;
    let is_whole = match u32::from_le_bytes(reader.fixed()?) {
        0 => false,
        1 => true,
        _ => return Err(StateFileError("0 or 1 for whether the file is whole")),
    };
    let chains = (0..chain_count).map(|_| chain_in(&mut reader)).collect::<Result<Vec<_>, _>>()?;
    match reader.rest {
        [] => Ok(EndsFile { is_whole, chains }),
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
            line: u32::from_le_bytes(reader.fixed()?),
            slot: u32::from_le_bytes(reader.fixed()?),
            line_id: reader.fixed()?,
            size: u64::from_le_bytes(reader.fixed()?),
            digest: reader.fixed()?,
        })
    });
    let lines = lines.collect::<Result<Vec<LineEnd>, StateFileError>>()?;
    if !lines.is_sorted_by(|a, b| a.line < b.line) {
        return Err(StateFileError("lines by number"));
    }
    // The directory has a row for each, and no more rows than a store may have.
    let slots = lines.iter().map(|line| line.slot).chain([slot]);
    if slots.into_iter().any(|slot| slot as usize >= limits::LINE_COUNT_MAX + limits::CHAIN_COUNT_MAX) {
        return Err(StateFileError("slots within the store's limits"));
    }
    Ok(ChainEnd { service, slot, size, head, subtrees, lines })
}

/// Takes a file into what the files before it said.
///
/// # Errors
/// Chains that are shorter than before, or lines that begin and are not the next.
pub fn take_in(chains: &mut BTreeMap<Box<str>, ChainEnd>, file: EndsFile) -> Result<(), StateFileError> {
    if file.is_whole {
        chains.clear();
    }
    for mut own in file.chains {
        let mut lines = match chains.get_mut(&own.service) {
            Some(known) if known.size > own.size => {
                return Err(StateFileError("a chain that is no shorter than before"));
            }
            Some(known) => std::mem::take(&mut known.lines),
            None => Vec::new(),
        };
        for line in own.lines {
            let number = line.line as usize;
            match number.cmp(&lines.len()) {
                Ordering::Less => lines[number] = line,
                Ordering::Equal => lines.push(line),
                Ordering::Greater => return Err(StateFileError("lines that begin one after the other")),
            }
        }
        own.lines = lines;
        chains.insert(own.service.clone(), own);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line: u32, size: u64) -> LineEnd {
        LineEnd { line, slot: line + 1, line_id: [line.to_le_bytes()[0]; 16], size, digest: [9; 32] }
    }

    fn chain(service: &str, slot: u32, size: u64, lines: Vec<LineEnd>) -> ChainEnd {
        let subtrees = vec![[8; 32]; size.count_ones() as usize];
        ChainEnd { service: service.into(), slot, size, head: [7; 32], subtrees, lines }
    }

    fn sample() -> EndsFile {
        let lines = || (0..3).map(|number| line(number, 3)).collect();
        EndsFile {
            is_whole: true,
            chains: vec![chain("mail-api", 0, 9, lines()), chain("vault", 4, 7, lines())],
        }
    }

    #[test]
    fn files_round_trip_and_no_other_bytes_pass() {
        let bytes = encode(&[4; 16], &sample());
        assert_eq!(decode(&bytes, &[4; 16]), Ok(sample()));
        let none = EndsFile { is_whole: false, chains: Vec::new() };
        assert_eq!(decode(&encode(&[4; 16], &none), &[4; 16]), Ok(none));
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
        for at in [24, 28, 32 + 9, lines_at, lines_at + 4, lines_at + 8] {
            let mut bytes = encode(&[4; 16], &sample());
            bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            let end = bytes.len() - 4;
            let crc = crc32fast::hash(&bytes[..end]).to_le_bytes();
            bytes[end..].copy_from_slice(&crc);
            assert!(decode(&bytes, &[4; 16]).is_err(), "at {at}");
        }
    }

    #[test]
    fn changes_are_taken_into_what_was_known() {
        let mut known = BTreeMap::new();
        take_in(&mut known, sample()).unwrap();
        let part = |chains| EndsFile { is_whole: false, chains };
        let grown = chain("mail-api", 0, 12, vec![line(1, 5), line(3, 1)]);
        take_in(&mut known, part(vec![grown, chain("new", 9, 1, vec![line(0, 1)])])).unwrap();
        let sizes = |service: &str| known[service].lines.iter().map(|line| line.size).collect::<Vec<_>>();
        assert_eq!((known["mail-api"].size, sizes("mail-api")), (12, vec![3, 5, 3, 1]));
        assert_eq!((known["vault"].size, sizes("new")), (7, vec![1]));
        assert!(take_in(&mut known.clone(), part(vec![chain("vault", 4, 6, Vec::new())])).is_err());
        assert!(take_in(&mut known.clone(), part(vec![chain("vault", 4, 9, vec![line(4, 1)])])).is_err());
        take_in(&mut known, EndsFile { is_whole: true, chains: vec![chain("vault", 4, 1, Vec::new())] })
            .unwrap();
        assert_eq!(known.len(), 1, "a whole file says all");
    }
}
