//! bincode, behind one door: for the footer of a segment, never for a byte that is hashed.
//!
//! bincode 2.0.1 with its legacy configuration (fixed-width little-endian integers, u64 lengths), read with a byte
//! limit and a check for trailing bytes: without a limit nine hostile bytes abort the process that decodes them
//! (docs/decisions/0005-bincode.md).

use crate::limits;
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};

/// Bytes that are not a description of the expected shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct MetadataError {
    /// What should be there.
    pub expected: &'static str,
    /// What is there.
    pub found: String,
}

/// Most bytes of one description that is read.
const METADATA_BYTES_MAX: usize = 64 << 10;
/// What its values may claim in memory: twice as much for each byte.
const CLAIMED_BYTES_MAX: usize = METADATA_BYTES_MAX * 2;

const _: () = assert!(METADATA_BYTES_MAX as u64 == limits::FOOTER_BYTES_MAX);

const CONFIGURATION: Configuration<LittleEndian, Fixint> = bincode::config::legacy();
const LIMITED: Configuration<LittleEndian, Fixint, Limit<CLAIMED_BYTES_MAX>> =
    bincode::config::legacy().with_limit::<CLAIMED_BYTES_MAX>();

/// Appends a description.
///
/// # Errors
/// Only for one that cannot be written.
pub fn encode<T: Encode>(value: &T, out: &mut Vec<u8>) -> Result<(), MetadataError> {
    let bytes = bincode::encode_to_vec(value, CONFIGURATION).map_err(|error| MetadataError {
        expected: "a description that can be written",
        found: error.to_string(),
    })?;
    out.extend_from_slice(&bytes);
    Ok(())
}

/// Reads a description that takes all of `bytes`, at most 64 KiB. What it may allocate is bounded by 128 KiB.
///
/// # Errors
/// Bytes of another shape, or left over.
pub fn decode<T: Decode<()>>(bytes: &[u8], expected: &'static str) -> Result<T, MetadataError> {
    let wrong = |found: String| MetadataError { expected, found };
    if bytes.len() > METADATA_BYTES_MAX {
        return Err(wrong(format!("{} bytes", bytes.len())));
    }
    let decoded = bincode::decode_from_slice(bytes, LIMITED);
    let (value, used) = decoded.map_err(|error| wrong(error.to_string()))?;
    if used != bytes.len() {
        return Err(wrong(format!("{} bytes behind it", bytes.len() - used)));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_count_is_refused_before_it_sizes_anything() {
        let mut bytes = Vec::new();
        encode(&vec![1_u64, 2, 3], &mut bytes).unwrap();
        assert_eq!(decode::<Vec<u64>>(&bytes, "numbers").unwrap(), [1, 2, 3]);
        for count in [4, 1 << 20, u64::MAX / 8, u64::MAX] {
            bytes[..8].copy_from_slice(&count.to_le_bytes());
            assert!(decode::<Vec<u64>>(&bytes, "numbers").is_err(), "{count}");
        }
        bytes[..8].copy_from_slice(&2_u64.to_le_bytes());
        let error = decode::<Vec<u64>>(&bytes, "numbers").unwrap_err();
        assert_eq!(error.to_string(), "expected numbers, found 8 bytes behind it");
    }
}
