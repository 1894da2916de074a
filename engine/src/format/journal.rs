//! A journal file's header and the header of each frame: fixed width, little-endian, each under its own CRC32.
//!
//! A journal file is its header twice, then frames back to back, each padded with zeros to 8 bytes, then zeros.
//! There is no header that describes the tail: it is found by reading frames that check themselves.

use std::num::NonZeroU64;

/// The first bytes of a journal file.
pub const FILE_MAGIC: [u8; 8] = *b"SLGJRNL1";
/// The first bytes of a frame.
pub const FRAME_MAGIC: [u8; 4] = *b"SLGF";
/// The version of the file header and all that it governs.
pub const FILE_VERSION: u32 = 1;
/// One copy of the file header.
pub const FILE_HEADER_BYTES: usize = 64;
/// Both copies: one bad byte must not make a whole file unreadable. Frames begin here.
pub const FRAMES_OFFSET: u64 = 2 * FILE_HEADER_BYTES as u64;
/// A frame's header.
pub const FRAME_HEADER_BYTES: usize = 64;
/// Frames begin at multiples of this.
pub const FRAME_ALIGNMENT: u64 = 8;

const _: () = assert!(FRAMES_OFFSET.is_multiple_of(FRAME_ALIGNMENT));
const _: () = assert!((FRAME_HEADER_BYTES as u64).is_multiple_of(FRAME_ALIGNMENT));

/// What a journal file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// The store it belongs to: a file of another store is refused.
    pub store_id: [u8; 16],
    /// Its number, also in its name: a renamed file is refused.
    pub journal: u64,
    /// Number of its first frame: a missing file before it shows.
    pub first_frame: u64,
    /// Files up to this number were not needed any more when this one was begun: all their entries are sealed, or
    /// carried into later files.
    pub trimmed: u32,
    /// Random, mixed into every CRC of the file: bytes inside a record, and frames of other files, never pass for one
    /// of its frames.
    pub nonce: [u8; 8],
}

/// Bytes that are not a file header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Too short, another magic, a stored CRC that differs, or reserved bytes that are not zero.
    #[error("not a journal header: {0}")]
    Damaged(&'static str),
    /// A version that this program does not know.
    #[error("journal version {0}, this program reads version {FILE_VERSION}")]
    Version(u32),
}

impl FileHeader {
    /// One copy of the header.
    pub fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut bytes = [0; FILE_HEADER_BYTES];
        bytes[0..8].copy_from_slice(&FILE_MAGIC);
        bytes[8..12].copy_from_slice(&FILE_VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.trimmed.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.store_id);
        bytes[32..40].copy_from_slice(&self.journal.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.first_frame.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.nonce);
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads one copy.
    ///
    /// # Errors
    /// What about the bytes is not a header of this version.
    pub fn decode(bytes: &[u8]) -> Result<FileHeader, HeaderError> {
        let bytes: &[u8; FILE_HEADER_BYTES] =
            bytes.try_into().map_err(|_| HeaderError::Damaged("fewer than 64 bytes"))?;
        if field::<8>(bytes, 0) != FILE_MAGIC {
            return Err(HeaderError::Damaged("no SLGJRNL1 at the beginning"));
        }
        if u32::from_le_bytes(field(bytes, 60)) != crc32fast::hash(&bytes[..60]) {
            return Err(HeaderError::Damaged("its CRC32 differs"));
        }
        let version = u32::from_le_bytes(field(bytes, 8));
        if version != FILE_VERSION {
            return Err(HeaderError::Version(version));
        }
        if field::<4>(bytes, 56) != [0; 4] {
            return Err(HeaderError::Damaged("reserved bytes are not zero"));
        }
        let (trimmed, journal) = (u32::from_le_bytes(field(bytes, 12)), u64::from_le_bytes(field(bytes, 32)));
        if u64::from(trimmed) >= journal {
            return Err(HeaderError::Damaged("it says that itself is not needed"));
        }
        Ok(FileHeader {
            store_id: field(bytes, 16),
            journal,
            first_frame: u64::from_le_bytes(field(bytes, 40)),
            trimmed,
            nonce: field(bytes, 48),
        })
    }
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameType {
    /// One group commit.
    Commit = 1,
    /// Nothing: written by a clean stop, so that it vouches for every frame before it.
    Stop = 2,
    /// Entries of earlier frames, whose files are not needed any more then.
    Carry = 3,
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the payload is.
    pub frame_type: FrameType,
    /// 1, 2, 3, … over all files of the store.
    pub number: NonZeroU64,
    /// Every frame up to this number was synced before this one was written, so one of those that does not read back
    /// is damage and no torn write. Less than `number`.
    pub durable: u64,
    /// Commit time of the group, in nanoseconds since the epoch.
    pub logged_at: i64,
    /// Where the frame begins in its file: a frame written to another place is refused.
    pub offset: u64,
    /// Bytes of the payload, without its padding.
    pub payload_bytes: u32,
    /// CRC32 of the payload.
    pub payload_crc: u32,
    /// Parts in the payload.
    pub part_count: u32,
    /// Entries in all parts.
    pub entry_count: u32,
}

/// Bytes that are not a frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Only zeros: nothing was written here.
    #[error("nothing but zeros")]
    Blank,
    /// Not a frame header that belongs here.
    #[error("{0}")]
    Damaged(&'static str),
    /// A header whose CRC is right and which this program did not write: no torn write looks like this.
    #[error("{0}")]
    Refused(&'static str),
    /// A type that this program does not know.
    #[error("frame type {0}, which this program does not know")]
    Type(u8),
}

impl FrameError {
    /// Whether a write that a crash tore could have left these bytes.
    pub fn is_torn_write(&self) -> bool {
        matches!(self, FrameError::Blank | FrameError::Damaged(_))
    }
}

impl FrameHeader {
    /// The header as it stands in a file with `nonce`.
    pub fn encode(&self, nonce: &[u8; 8]) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&FRAME_MAGIC);
        bytes[4] = self.frame_type as u8;
        bytes[8..16].copy_from_slice(&self.number.get().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.durable.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.logged_at.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.offset.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.part_count.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.entry_count.to_le_bytes());
        let crc = header_crc(nonce, &bytes);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header found at `offset` of a file with `nonce`. The payload's length is bounded here.
    ///
    /// # Errors
    /// What about the bytes is not a frame header of that place.
    pub fn decode(bytes: &[u8], offset: u64, nonce: &[u8; 8]) -> Result<FrameHeader, FrameError> {
        let bytes: &[u8; FRAME_HEADER_BYTES] =
            bytes.try_into().map_err(|_| FrameError::Damaged("the file ends inside a frame header"))?;
        if *bytes == [0; FRAME_HEADER_BYTES] {
            return Err(FrameError::Blank);
        }
        if field::<4>(bytes, 0) != FRAME_MAGIC {
            return Err(FrameError::Damaged("no SLGF at the beginning of a frame"));
        }
        if u32::from_le_bytes(field(bytes, 60)) != header_crc(nonce, bytes) {
            return Err(FrameError::Damaged("the CRC32 of a frame header differs"));
        }
        let frame_type = match bytes[4] {
            1 => FrameType::Commit,
            2 => FrameType::Stop,
            3 => FrameType::Carry,
            unknown => return Err(FrameError::Type(unknown)),
        };
        let header = FrameHeader {
            frame_type,
            number: NonZeroU64::new(u64::from_le_bytes(field(bytes, 8)))
                .ok_or(FrameError::Refused("frame 0"))?,
            durable: u64::from_le_bytes(field(bytes, 16)),
            logged_at: i64::from_le_bytes(field(bytes, 24)),
            offset: u64::from_le_bytes(field(bytes, 32)),
            payload_bytes: u32::from_le_bytes(field(bytes, 40)),
            payload_crc: u32::from_le_bytes(field(bytes, 44)),
            part_count: u32::from_le_bytes(field(bytes, 48)),
            entry_count: u32::from_le_bytes(field(bytes, 52)),
        };
        if bytes[5..8] != [0; 3] || bytes[56..60] != [0; 4] {
            return Err(FrameError::Refused("reserved bytes of a frame header are not zero"));
        }
        if header.offset != offset {
            return Err(FrameError::Refused("a frame that belongs to another place"));
        }
        if header.durable >= header.number.get() {
            return Err(FrameError::Refused("a frame that claims to be durable before it was written"));
        }
        if header.payload_bytes as usize > crate::limits::FRAME_PAYLOAD_BYTES_MAX {
            return Err(FrameError::Refused("a payload beyond 32 MiB"));
        }
        Ok(header)
    }

    /// Bytes from the frame's beginning to the next one's.
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(u64::from(self.payload_bytes))
    }
}

/// Bytes of a frame with a payload of this length, padding included.
pub const fn frame_bytes(payload_bytes: u64) -> u64 {
    (FRAME_HEADER_BYTES as u64 + payload_bytes).next_multiple_of(FRAME_ALIGNMENT)
}

fn header_crc(nonce: &[u8; 8], bytes: &[u8; FRAME_HEADER_BYTES]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(nonce);
    hasher.update(&bytes[..60]);
    hasher.finalize()
}

/// CRC32 of the payload of frame `number` in a file with `nonce`.
pub fn payload_crc(nonce: &[u8; 8], number: NonZeroU64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(nonce);
    hasher.update(&number.get().to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

fn field<const N: usize>(bytes: &[u8; 64], at: usize) -> [u8; N] {
    let mut value = [0; N];
    value.copy_from_slice(&bytes[at..at + N]);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; 8] = [7; 8];

    fn file() -> FileHeader {
        FileHeader { store_id: [1; 16], journal: 3, first_frame: 9, trimmed: 2, nonce: NONCE }
    }

    fn frame() -> FrameHeader {
        FrameHeader {
            frame_type: FrameType::Commit,
            number: NonZeroU64::new(5).unwrap(),
            durable: 4,
            logged_at: -3,
            offset: 128,
            payload_bytes: 1000,
            payload_crc: 0xdead_beef,
            part_count: 1,
            entry_count: 2,
        }
    }

    #[test]
    fn headers_round_trip_and_every_flipped_bit_is_refused() {
        assert_eq!(FileHeader::decode(&file().encode()), Ok(file()));
        assert_eq!(FrameHeader::decode(&frame().encode(&NONCE), 128, &NONCE), Ok(frame()));
        for bit in 0..64 * 8 {
            let mut bytes = file().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(FileHeader::decode(&bytes).is_err(), "file bit {bit}");
            let mut bytes = frame().encode(&NONCE);
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(FrameHeader::decode(&bytes, 128, &NONCE).is_err(), "frame bit {bit}");
        }
    }

    #[test]
    fn a_frame_of_another_file_place_or_version_is_refused() {
        let bytes = frame().encode(&NONCE);
        assert!(FrameHeader::decode(&bytes, 136, &NONCE).is_err());
        assert!(FrameHeader::decode(&bytes, 128, &[8; 8]).is_err());
        assert_eq!(FrameHeader::decode(&[0; 64], 128, &NONCE), Err(FrameError::Blank));
        let absurd = FrameHeader { payload_bytes: u32::MAX, ..frame() }.encode(&NONCE);
        assert!(FrameHeader::decode(&absurd, 128, &NONCE).is_err());
        let early = FrameHeader { durable: 5, ..frame() }.encode(&NONCE);
        assert!(FrameHeader::decode(&early, 128, &NONCE).is_err());
    }
}
