//! bincode, behind one door: for small descriptions inside a file, never for a byte that is hashed.
//!
//! bincode 2.0.1 with its legacy configuration (fixed-width little-endian integers, u64 lengths), read with a byte
//! limit and a check for trailing bytes: without a limit nine hostile bytes abort the process that decodes them
//! (docs/decisions/0005-bincode.md).

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

/// Most bytes of one description.
pub const METADATA_BYTES_MAX: usize = 64 << 20;

/// The limit is a type's, and short descriptions must not claim what long ones may: the least of these is taken.
const SHORT_BYTES_MAX: usize = 32 << 10;
const MIDDLE_BYTES_MAX: usize = 1 << 20;
/// What values take in memory, for each byte of their description, at most.
const CLAIM_FACTOR: usize = 2;

type Limited<const MAX: usize> = Configuration<LittleEndian, Fixint, Limit<MAX>>;

const fn limited<const MAX: usize>() -> Limited<MAX> {
    bincode::config::legacy().with_limit::<MAX>()
}

const CONFIGURATION: Limited<METADATA_BYTES_MAX> = limited();
const SHORT: Limited<{ SHORT_BYTES_MAX * CLAIM_FACTOR }> = limited();
const MIDDLE: Limited<{ MIDDLE_BYTES_MAX * CLAIM_FACTOR }> = limited();

/// Appends a description.
///
/// # Errors
/// Only for one above [`METADATA_BYTES_MAX`].
pub fn encode<T: Encode>(value: &T, out: &mut Vec<u8>) -> Result<(), MetadataError> {
    let bytes = bincode::encode_to_vec(value, CONFIGURATION).map_err(|error| MetadataError {
        expected: "a description of at most 64 MiB",
        found: error.to_string(),
    })?;
    out.extend_from_slice(&bytes);
    Ok(())
}

/// Reads a description that takes all of `bytes`. What it may allocate is bounded: by 64 KiB for a short one, 2 MiB for
/// one below 1 MiB, else 64 MiB.
///
/// # Errors
/// Bytes of another shape, or left over.
pub fn decode<T: Decode<()>>(bytes: &[u8], expected: &'static str) -> Result<T, MetadataError> {
    // The limit counts what is claimed, so no count can claim more than a few times what is there.
    let wrong = |found: String| MetadataError { expected, found };
    if bytes.len() > METADATA_BYTES_MAX {
        return Err(wrong(format!("{} bytes", bytes.len())));
    }
    let decoded = match bytes.len() {
        short if short <= SHORT_BYTES_MAX => bincode::decode_from_slice(bytes, SHORT),
        middle if middle <= MIDDLE_BYTES_MAX => bincode::decode_from_slice(bytes, MIDDLE),
        _ => bincode::decode_from_slice(bytes, CONFIGURATION),
    };
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
