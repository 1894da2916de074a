//! Bytes of rows, back to back, in chunks that never move: what is sealed is read while rows are added.

use std::collections::VecDeque;
use std::sync::Arc;

/// Chunks grow with what they hold, so that a quiet chain holds little and a busy one allocates seldom.
const CHUNK_BYTES_MIN: usize = 4 << 10;
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Where bytes lie in an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    chunk: u32,
    offset: u32,
    bytes: u32,
}

impl Span {
    /// How many bytes.
    pub fn bytes(self) -> usize {
        self.bytes as usize
    }
}

/// Bytes that are only ever added, and given back from the front.
#[derive(Default)]
pub(crate) struct Arena {
    /// Chunks that nothing is added to any more.
    full: VecDeque<Arc<Vec<u8>>>,
    /// Number of the first of them.
    first: u32,
    newest: Vec<u8>,
    bytes: u64,
}

/// Chunks of an arena as they were at one moment.
pub(crate) struct Chunks {
    first: u32,
    chunks: Vec<Arc<Vec<u8>>>,
}

impl Arena {
    /// Makes room for so many bytes side by side.
    fn reserve(&mut self, bytes: usize) {
        if self.newest.len() + bytes <= self.newest.capacity() {
            return;
        }
        self.freeze();
        let eighth = usize::try_from(self.bytes / 8).unwrap_or(usize::MAX);
        let wanted = eighth.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX).next_power_of_two();
        self.newest.reserve_exact(wanted.max(bytes));
    }

    /// Adds pieces side by side.
    pub fn push(&mut self, pieces: [&[u8]; 2]) -> Span {
        let bytes = pieces[0].len() + pieces[1].len();
        self.reserve(bytes);
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        // One entry is far below 2^32 bytes, and so is a chunk.
        let span = Span {
            chunk: self.first.wrapping_add(narrow(self.full.len())),
            offset: narrow(self.newest.len()),
            bytes: narrow(bytes),
        };
        pieces.iter().for_each(|piece| self.newest.extend_from_slice(piece));
        self.bytes += bytes as u64;
        span
    }

    fn freeze(&mut self) {
        if !self.newest.is_empty() {
            self.full.push_back(Arc::new(std::mem::take(&mut self.newest)));
        }
    }

    /// What lies in a span that this arena gave out and still holds.
    pub fn get(&self, span: Span) -> &[u8] {
        let number = span.chunk.wrapping_sub(self.first) as usize;
        let chunk = self.full.get(number).map_or(&self.newest, |chunk| chunk);
        &chunk[span.offset as usize..][..span.bytes as usize]
    }

    /// Everything that is in it, to be read while more is added.
    pub fn snapshot(&mut self) -> Chunks {
        self.freeze();
        Chunks { first: self.first, chunks: self.full.iter().cloned().collect() }
    }

    /// Gives back chunks before the one that a span lies in; all of them if there is none.
    pub fn release_before(&mut self, kept: Option<Span>) {
        let count = kept.map_or(usize::MAX, |span| span.chunk.wrapping_sub(self.first) as usize);
        for _ in 0..count.min(self.full.len()) {
            if let Some(chunk) = self.full.pop_front() {
                self.bytes -= chunk.len() as u64;
                self.first = self.first.wrapping_add(1);
            }
        }
        if kept.is_none() {
            self.bytes = 0;
            self.newest = Vec::new();
            self.first = self.first.wrapping_add(1);
        }
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Chunks {
    /// What lies in a span of the arena.
    pub fn get(&self, span: Span) -> &[u8] {
        let number = span.chunk.wrapping_sub(self.first) as usize;
        &self.chunks[number][span.offset as usize..][..span.bytes as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_stay_while_bytes_are_added_and_given_back() {
        let mut arena = Arena::default();
        let text = |number: usize| format!("row {number} {}", "x".repeat(number % 700));
        let spans: Vec<Span> = (0..5000).map(|n| arena.push([b"leaf", text(n).as_bytes()])).collect();
        let expected = |number: usize| [b"leaf", text(number).as_bytes()].concat();
        let snapshot = arena.snapshot();
        let more: Vec<Span> = (5000..6000).map(|n| arena.push([b"leaf", text(n).as_bytes()])).collect();
        for (number, span) in spans.iter().enumerate() {
            assert_eq!(arena.get(*span), expected(number));
            assert_eq!(snapshot.get(*span), expected(number));
        }
        let before = arena.bytes();
        arena.release_before(Some(spans[3000]));
        assert!(arena.bytes() < before);
        for (span, number) in spans[3000..].iter().zip(3000..) {
            assert_eq!(arena.get(*span), expected(number));
        }
        for (span, number) in more.iter().zip(5000..) {
            assert_eq!(arena.get(*span), expected(number));
        }
        assert_eq!(snapshot.get(spans[0]), expected(0), "a snapshot keeps what the arena gave back");
        arena.release_before(None);
        assert_eq!(arena.bytes(), 0);
        let span = arena.push([b"", b"again"]);
        assert_eq!(arena.get(span), b"again");
    }

    #[test]
    fn a_large_entry_has_a_chunk_of_its_own() {
        let mut arena = Arena::default();
        let large = vec![7; 3 << 20];
        let span = arena.push([&large, b"end"]);
        assert_eq!(arena.get(span).len(), (3 << 20) + 3);
        assert_eq!(arena.bytes(), (3 << 20) + 3);
    }
}
