//! Bytes put together from many short pieces, each copied in steps of one fixed length.
//!
//! A copy whose length is known only when it is made costs a call and a guess of the processor, which is more than a
//! few bytes are worth. Two loads and two stores are not; what they write behind a piece the next piece covers.

/// Bytes of a step.
const STEP: usize = 32;
/// Longer pieces are copied as any slice is.
const STEPPED_MAX: usize = 4 * STEP;

/// Bytes that grow at the end. Room is kept from one use to the next.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    room: Vec<u8>,
    length: usize,
}

impl Sheet {
    /// Empties it.
    #[inline]
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// How many bytes there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.room.get(..self.length).unwrap_or_default()
    }

    /// The bytes, and behind them what happens to lie there.
    #[inline]
    pub fn loose(&self) -> Loose<'_> {
        Loose { bytes: &self.room, length: self.length }
    }

    /// The bytes from `begin` to `end`, and those behind them.
    #[inline(always)]
    pub fn piece(&self, begin: usize, end: usize) -> Loose<'_> {
        Loose::new(self.room.get(begin..).unwrap_or_default(), end.saturating_sub(begin))
    }

    /// The bytes, to be written over.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.room.get_mut(..self.length).unwrap_or_default()
    }

    /// Cuts it to `length`, if it is longer.
    #[inline]
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Appends the first `length` bytes of an array; no more than it has.
    #[inline(always)]
    pub fn array<const N: usize>(&mut self, bytes: [u8; N], length: usize) {
        match self.room.get_mut(self.length..).and_then(|room| room.first_chunk_mut()) {
            Some(room) => {
                *room = bytes;
                self.length += length.min(N);
            }
            None => self.put_far(&bytes[..length.min(N)]),
        }
    }

    /// Appends a piece.
    #[inline(always)]
    pub fn put(&mut self, piece: Loose<'_>) {
        let room = self.room.get_mut(self.length..).and_then(|room| room.first_chunk_mut::<STEP>());
        if let (0..=STEP, Some(from), Some(room)) = (piece.length, piece.bytes.first_chunk(), room) {
            *room = *from;
            self.length += piece.length;
        } else {
            self.put_more(piece);
        }
    }

    /// Appends bytes that lie alone.
    #[inline]
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.put(Loose::from(bytes));
    }

    #[inline(never)]
    fn put_more(&mut self, piece: Loose<'_>) {
        if piece.length <= STEPPED_MAX {
            let steps = piece.length.div_ceil(STEP);
            let from = piece.bytes.get(..steps * STEP);
            let room = self.room.get_mut(self.length..).and_then(|room| room.get_mut(..steps * STEP));
            if let (Some(from), Some(room)) = (from, room) {
                for (from, room) in from.as_chunks::<STEP>().0.iter().zip(room.as_chunks_mut::<STEP>().0) {
                    *room = *from;
                }
                self.length += piece.length;
                return;
            }
        }
        self.put_far(piece.exact());
    }

    /// Appends bytes of any length, wherever they end.
    #[inline(never)]
    fn put_far(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        if let Some(room) = self.room.get_mut(self.length..).and_then(|room| room.get_mut(..bytes.len())) {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    /// Appends bytes that are in it already.
    #[inline]
    pub fn put_again(&mut self, begin: usize, end: usize) {
        let (length, end) = (end.saturating_sub(begin), end.min(self.length));
        self.make_room(length);
        let begin = begin.min(end);
        let (from, to) = self.room.split_at_mut(self.length);
        let from = from.get(begin..).unwrap_or_default();
        if let (0..=STEP, Some(from), Some(to)) =
            (end - begin, from.first_chunk::<STEP>(), to.first_chunk_mut())
        {
            *to = *from;
        } else if let Some(to) = to.get_mut(..end - begin) {
            to.copy_from_slice(&from[..end - begin]);
        }
        self.length += end - begin;
    }

    /// Room for so many bytes more, and for what a step writes behind them.
    #[inline]
    fn make_room(&mut self, bytes: usize) {
        if self.room.len() < self.length + bytes + STEPPED_MAX {
            self.grow(bytes);
        }
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        let wanted = (self.length + bytes + STEPPED_MAX).next_power_of_two().max(1024);
        self.room.resize(wanted, 0);
    }

    /// Puts `bytes` in the place of those from `begin` to `end`.
    pub fn splice(&mut self, begin: usize, end: usize, bytes: &[u8]) {
        self.room.truncate(self.length);
        self.room.splice(begin..end, bytes.iter().copied());
        self.length = self.room.len();
    }
}

/// A piece of bytes, with as many behind it as happen to lie there.
#[derive(Clone, Copy, Debug)]
pub struct Loose<'b> {
    bytes: &'b [u8],
    length: usize,
}

impl<'b> Loose<'b> {
    /// The first `length` bytes; all, if there are not so many.
    #[inline(always)]
    pub fn new(bytes: &'b [u8], length: usize) -> Loose<'b> {
        Loose { bytes, length: length.min(bytes.len()) }
    }

    /// The piece alone.
    #[inline(always)]
    pub fn exact(self) -> &'b [u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// How many bytes it has.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.length
    }

    /// Whether it has none.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The piece without its first bytes; empty if there are no more.
    #[inline(always)]
    pub fn behind(self, count: usize) -> Loose<'b> {
        Loose::new(self.bytes.get(count..).unwrap_or_default(), self.length.saturating_sub(count))
    }

    /// The first bytes of the piece; all, if there are not so many.
    #[inline(always)]
    pub fn first(self, count: usize) -> Loose<'b> {
        Loose { bytes: self.bytes, length: self.length.min(count) }
    }

    /// Where the first control character (below U+0020) is from `from` on.
    #[inline]
    pub fn control_at(self, from: usize) -> Option<usize> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let mut at = from;
        while at < self.length {
            let Some(word) = self.bytes.get(at..).and_then(|rest| rest.first_chunk()) else { break };
            let word = u64::from_le_bytes(*word);
            // A borrow is taken from higher bytes only: the lowest mark is of the first such byte.
            let found = word.wrapping_sub(ONES * 0x20) & !word & (ONES << 7);
            if found != 0 {
                at += found.trailing_zeros() as usize / 8;
                return (at < self.length).then_some(at);
            }
            at += 8;
        }
        let rest = self.exact().get(at..)?;
        rest.iter().position(|byte| *byte < 0x20).map(|found| at + found)
    }
}

impl<'b> From<&'b [u8]> for Loose<'b> {
    #[inline(always)]
    fn from(bytes: &'b [u8]) -> Loose<'b> {
        Loose { bytes, length: bytes.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_come_out_as_a_vector_has_them(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            pieces in prop::collection::vec((0_usize..400, 0_usize..300, 0..4), 0..60),
        ) {
            let (mut sheet, mut wanted) = (Sheet::default(), Vec::new());
            for (at, length, way) in pieces {
                let at = at.min(bytes.len());
                let piece = Loose::new(&bytes[at..], length);
                match way {
                    0 => sheet.put(piece),
                    1 => sheet.put_slice(piece.exact()),
                    2 => {
                        let end = (at + length).min(wanted.len());
                        sheet.put_again(at.min(end), end);
                        wanted.extend_from_within(at.min(end)..end);
                        continue;
                    }
                    _ => {
                        sheet.array([7; 9], length % 10);
                        wanted.resize(wanted.len() + length % 10, 7);
                        continue;
                    }
                }
                wanted.extend_from_slice(piece.exact());
            }
            prop_assert_eq!(sheet.bytes(), &wanted);
            let end = wanted.len() / 2;
            sheet.splice(end / 2, end, &bytes);
            wanted.splice(end / 2..end, bytes);
            prop_assert_eq!(sheet.bytes(), &wanted);
            sheet.truncate(end);
            sheet.put_slice(b"x");
            prop_assert_eq!(sheet.len(), end.min(wanted.len()) + 1);
        }

        #[test]
        fn the_first_control_character_is_found(text in "[a-zé\u{80}\\x00-\\x30]{0,60}", from in 0_usize..70, cut in 0_usize..100) {
            let piece = Loose::new(text.as_bytes(), cut);
            let wanted = piece.exact().iter().skip(from).position(|byte| *byte < 0x20).map(|at| from + at);
            prop_assert_eq!(piece.control_at(from), wanted);
        }
    }
}
