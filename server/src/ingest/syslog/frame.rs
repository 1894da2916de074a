//! Messages in a stream of bytes: octet counting (RFC 6587 §3.4.1, RFC 5425 §4.3), or a line break behind each (§3.4.2).
//!
//! Which of the two is seen at the first byte of each message: a length begins with a digit and ends with a space, a
//! message of the other framing begins with `<`. Nothing is allocated that was not received.

/// Most bytes of a message that are kept; RFC 5424 §6.1 lets a receiver cut the end.
pub const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// A length has at most so many digits.
const DIGITS_MAX: usize = 9;

/// A message out of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its bytes, at most [`MESSAGE_BYTES_MAX`], without the line break behind it.
    pub bytes: &'a [u8],
    /// How many there were, or were to be, if not all are here.
    pub cut_from: Option<u64>,
}

/// Cuts a stream into messages, whatever pieces it comes in.
#[derive(Debug, Default)]
pub struct Framer {
    /// The beginning of the message that is not yet whole, at most [`MESSAGE_BYTES_MAX`].
    held: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before a message: `held` has the digits of a length, if any.
    #[default]
    Start,
    /// Inside a counted message, of so many bytes, of which so many are to come.
    Counted { length: u64, left: u64 },
    /// Inside a line, of which so many bytes are not kept.
    Line { lost: u64 },
}

impl Framer {
    /// A framer at the beginning of a stream.
    pub fn new() -> Framer {
        Framer::default()
    }

    /// Takes the next bytes of the stream, and tells of each message that is whole with them.
    pub fn push(&mut self, mut bytes: &[u8], tell: &mut dyn FnMut(Frame<'_>)) {
        while let Some(&first) = bytes.first() {
            match self.state {
                State::Start => {
                    if first.is_ascii_digit()
                        && self.held.len() < DIGITS_MAX
                        && !(self.held.is_empty() && first == b'0')
                    {
                        self.held.push(first);
                        bytes = &bytes[1..];
                    } else if first == b' ' && !self.held.is_empty() {
                        let length =
                            self.held.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
                        self.held.clear();
                        self.state = State::Counted { length, left: length };
                        bytes = &bytes[1..];
                    } else if self.held.is_empty() && matches!(first, b'\n' | b'\r' | 0) {
                        // Senders put a line break behind a counted message too.
                        bytes = &bytes[1..];
                    } else {
                        self.state = State::Line { lost: 0 };
                    }
                }
                State::Counted { length, left } => {
                    let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let (part, rest) = bytes.split_at(now);
                    bytes = rest;
                    let left = left - now as u64;
                    if left > 0 {
                        self.hold(part);
                        self.state = State::Counted { length, left };
                    } else if self.held.is_empty() && part.len() <= MESSAGE_BYTES_MAX {
                        self.state = State::Start;
                        tell(Frame { bytes: trimmed(part), cut_from: None });
                    } else {
                        self.hold(part);
                        self.end(length, tell);
                    }
                }
                State::Line { lost } => match memchr::memchr(b'\n', bytes) {
                    None => {
                        let lost = lost + self.hold(bytes);
                        self.state = State::Line { lost };
                        return;
                    }
                    Some(end) => {
                        let (part, rest) = bytes.split_at(end);
                        bytes = &rest[1..];
                        if self.held.is_empty() && part.len() <= MESSAGE_BYTES_MAX {
                            self.state = State::Start;
                            tell(Frame { bytes: trimmed(part), cut_from: None });
                        } else {
                            let lost = lost + self.hold(part);
                            self.end(self.held.len() as u64 + lost, tell);
                        }
                    }
                },
            }
        }
    }

    /// The stream has ended: tells of the message whose end did not come.
    pub fn finish(&mut self, tell: &mut dyn FnMut(Frame<'_>)) {
        match self.state {
            State::Start if self.held.is_empty() => {}
            State::Counted { length, left } if left == length => self.state = State::Start,
            State::Counted { length, .. } => self.end(length, tell),
            State::Line { lost } => self.end(self.held.len() as u64 + lost, tell),
            State::Start => self.end(self.held.len() as u64, tell),
        }
    }

    /// Keeps what there is room for, and counts the rest.
    fn hold(&mut self, part: &[u8]) -> u64 {
        let room = MESSAGE_BYTES_MAX - self.held.len();
        let kept = room.min(part.len());
        self.held.extend_from_slice(&part[..kept]);
        (part.len() - kept) as u64
    }

    /// Tells of the message that is held, which was or was to be so long.
    fn end(&mut self, length: u64, tell: &mut dyn FnMut(Frame<'_>)) {
        self.state = State::Start;
        let cut_from = (length > self.held.len() as u64).then_some(length);
        tell(Frame { bytes: trimmed(&self.held), cut_from });
        self.held.clear();
    }
}

/// Without the line break or NUL that some senders end a message with.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |last| last + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(pieces: &[&[u8]]) -> Vec<(String, Option<u64>)> {
        let mut found = Vec::new();
        let mut framer = Framer::new();
        let mut tell = |frame: Frame<'_>| {
            found.push((String::from_utf8_lossy(frame.bytes).into_owned(), frame.cut_from))
        };
        for piece in pieces {
            framer.push(piece, &mut tell);
            assert!(framer.held.len() <= MESSAGE_BYTES_MAX);
        }
        framer.finish(&mut tell);
        found
    }

    fn whole(texts: &[&str]) -> Vec<(String, Option<u64>)> {
        texts.iter().map(|text| ((*text).to_owned(), None)).collect()
    }

    #[test]
    fn both_framings_are_told_apart() {
        assert_eq!(frames(&[b"5 <1>ab5 <2>cd"]), whole(&["<1>ab", "<2>cd"]));
        assert_eq!(frames(&[b"<1>ab\n<2>cd\r\n<3>ef"]), whole(&["<1>ab", "<2>cd", "<3>ef"]));
        assert_eq!(frames(&[b"6 <1>ab\n\n<2>cd\n5 <3>ef\n"]), whole(&["<1>ab", "<2>cd", "<3>ef"]));
        assert_eq!(frames(&[b"9 <1>a\nb\nc\n"]), whole(&["<1>a\nb\nc"]));
        assert_eq!(frames(&[b"2026-11-22 12:00 text\n0 x\n"]), whole(&["2026-11-22 12:00 text", "0 x"]));
        assert_eq!(frames(&[b"1234567890 x\n"]), whole(&["1234567890 x"]));
        assert_eq!(frames(&[b"", b"\n\n", b"\0"]), whole(&[]));
    }

    #[test]
    fn what_is_cut_says_how_long_it_was() {
        assert_eq!(frames(&[b"10 <1>ab"]), [("<1>ab".to_owned(), Some(10))]);
        assert_eq!(frames(&[b"10 "]), []);
        let long = vec![b'x'; MESSAGE_BYTES_MAX + 5];
        let counted = [format!("{} ", long.len()).as_bytes(), &long, b"3 <1>"].concat();
        let found = frames(&[&counted]);
        assert_eq!((found[0].0.len(), found[0].1), (MESSAGE_BYTES_MAX, Some(long.len() as u64)));
        assert_eq!(found[1].0, "<1>");
        let found = frames(&[&long, b"\n<1>\n"]);
        assert_eq!((found[0].0.len(), found[0].1), (MESSAGE_BYTES_MAX, Some(long.len() as u64)));
        assert_eq!(found[1].0, "<1>");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            bytes in proptest::collection::vec(proptest::sample::select(&b"0123 <>ab\n\r\0"[..]), 0..200),
            cuts in proptest::collection::vec(0usize..200, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(frames(&pieces), frames(&[&bytes]));
        }
    }
}
