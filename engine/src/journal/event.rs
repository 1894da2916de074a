//! What reading a journal meets.

use crate::format::journal::{FRAME_HEADER_BYTES, FileHeader, FrameHeader};

/// A frame whose header and payload read back as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The journal file it lies in.
    pub journal: u64,
    /// Its header.
    pub header: FrameHeader,
    /// Header, payload and padding.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[FRAME_HEADER_BYTES..][..self.header.payload_bytes as usize]
    }
}

/// Frames that were acknowledged and are not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The first.
    pub first: u64,
    /// The last, where something vouches for it.
    pub last: u64,
}

/// Bytes that are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Where it begins.
    pub offset: u64,
    /// Where reading could go on; the file's length if nowhere.
    pub end_offset: u64,
    /// Frames that it swallowed, if any.
    pub lost: Option<Lost>,
    /// What was expected and found.
    pub detail: String,
}

impl Damage {
    /// Damage of a file as a whole, which is no journal file.
    pub fn of_file(file: String, detail: String) -> Damage {
        Damage { file, offset: 0, end_offset: 0, lost: None, detail }
    }
}

/// How the last file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last file's number; 0 if there is none.
    pub journal: u64,
    /// Where the next frame goes.
    pub offset: u64,
    /// Bytes of a torn write behind it that are not zero; 0 after a clean end.
    pub torn_bytes: u64,
    /// The file's header, to go on writing it.
    pub header: Option<FileHeader>,
    /// Number of the next frame.
    pub next_frame: u64,
    /// Files up to this number are not needed any more.
    pub trimmed: u32,
}

/// What reading a journal meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The next frame.
    Frame(Frame),
    /// Damage; reading goes on behind it.
    Damage(Damage),
    /// The end, met once.
    End(Tail),
}
