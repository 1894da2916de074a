//! Looks for what is next in a journal file where no frame is: a frame's header, or a byte that is not zero.

use crate::disk::{DiskFile, read_full};
use crate::format::journal::{self, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FrameHeader};
use std::io;
use std::ops::Range;

/// Bytes that were searched last. They are kept: a file full of headers is still read once.
#[derive(Clone, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// Where they begin.
    start: u64,
}

/// Bytes that are read at once.
const STEP: usize = 1 << 20;
#[expect(clippy::cast_possible_truncation, reason = "it is 8")]
const ALIGNMENT: usize = FRAME_ALIGNMENT as usize;

impl Window {
    /// The nearest bytes from `from` on, in a file of a length and a nonce, that decode as a frame header of their place;
    /// where, and what it says.
    pub(super) fn next_header(
        &mut self,
        (file, length, nonce): (&dyn DiskFile, u64, &[u8; 8]),
        from: u64,
        bytes_read: &mut u64,
    ) -> io::Result<Option<(u64, FrameHeader)>> {
        let mut start = from.next_multiple_of(FRAME_ALIGNMENT);
        while start.saturating_add(FRAME_HEADER_BYTES as u64) <= length {
            let within = start.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
            let known = within.filter(|at| at.saturating_add(FRAME_HEADER_BYTES) <= self.bytes.len());
            let mut at = match known {
                Some(at) => at,
                None => {
                    // Behind the length a writer may have gone on: what lies there vouches for nothing here.
                    let step = usize::try_from(length - start).unwrap_or(STEP).min(STEP);
                    self.bytes.resize(step, 0);
                    let filled = read_full(file, &mut self.bytes, start)?;
                    *bytes_read += filled as u64;
                    self.bytes.truncate(filled);
                    self.start = start;
                    if filled < FRAME_HEADER_BYTES {
                        return Ok(None);
                    }
                    0
                }
            };
            while at + FRAME_HEADER_BYTES <= self.bytes.len() {
                let bytes = &self.bytes[at..at + FRAME_HEADER_BYTES];
                let offset = self.start + at as u64;
                if bytes[..4] == journal::FRAME_MAGIC
                    && let Ok(header) = FrameHeader::decode(bytes, offset, nonce)
                {
                    return Ok(Some((offset, header)));
                }
                at += ALIGNMENT;
            }
            start = self.start + at as u64;
        }
        Ok(None)
    }
}

/// The first byte of a range that is not zero.
pub(super) fn first_not_zero(
    file: &dyn DiskFile,
    range: Range<u64>,
    bytes_read: &mut u64,
) -> io::Result<Option<u64>> {
    // Small looks first: what is not zero is mostly near.
    let mut chunk = vec![0; 1 << 10];
    let mut start = range.start;
    while start < range.end {
        let within = usize::try_from(range.end - start).unwrap_or(usize::MAX).min(chunk.len());
        let filled = read_full(file, &mut chunk[..within], start)?;
        *bytes_read += filled as u64;
        if filled == 0 {
            break;
        }
        if let Some(at) = not_zero_at(&chunk[..filled]) {
            return Ok(Some(start + at as u64));
        }
        start += filled as u64;
        if chunk.len() < 1 << 16 {
            chunk.resize(chunk.len() * 8, 0);
        }
    }
    Ok(None)
}

/// The first byte that is not zero. Whole words first: up to 16 MiB of zeros lie behind a journal's last frame.
fn not_zero_at(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<16>();
    let zeros = 16 * words.iter().take_while(|word| u128::from_ne_bytes(**word) == 0).count();
    bytes[zeros..].iter().position(|byte| *byte != 0).map(|at| zeros + at)
}
