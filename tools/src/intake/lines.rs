//! Lines of one input, and standard input that says when it pauses.

use std::io::{self, BufRead};

/// Longest line, in bytes: an entry of 256 KiB whose every byte is escaped as `\u00XX`, and room for its names.
const LINE_BYTES_MAX: usize = 2 << 20;
/// With it Windows tools begin their files (Unicode 23.8, UTF-8 signature).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines of one input, one after the other.
pub struct Lines {
    input: Box<dyn BufRead + Send>,
    number: u64,
}

impl Lines {
    /// The lines of an input, from its beginning.
    pub fn new(input: Box<dyn BufRead + Send>) -> Lines {
        Lines { input, number: 1 }
    }

    /// Number of the line that is read next, from 1; inside a line, its own.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Reads the line that begins at `start` of `bytes` to its end, without its LF, and the first one without a byte
    /// order mark; false at the end of the input.
    ///
    /// # Errors
    /// `TimedOut` while nothing arrives: what was read of the line is then in `bytes`. `InvalidData` for a line that no
    /// entry needs. What the input says.
    pub fn read(&mut self, bytes: &mut Vec<u8>, start: usize) -> io::Result<bool> {
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = memchr::memchr(b'\n', buffer);
            let is_over = buffer.is_empty();
            bytes.extend(&buffer[..end.unwrap_or(buffer.len())]);
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(used);
            if bytes.len() - start > LINE_BYTES_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("expected a line of at most {LINE_BYTES_MAX} bytes, found a longer one"),
                ));
            }
            // A line of no bytes is still a line, if it has an end.
            let is_line = end.is_some() || is_over && bytes.len() > start;
            if is_line {
                if self.number == 1 && bytes[start..].starts_with(BYTE_ORDER_MARK) {
                    bytes.drain(start..start + BYTE_ORDER_MARK.len());
                }
                self.number += 1;
            }
            if is_line || is_over {
                return Ok(is_line);
            }
        }
    }
}

/// Standard input, which says `TimedOut` while nothing arrives, so that a batch is committed when its producer pauses.
pub struct PausingStdin {
    buffer: Vec<u8>,
    used: usize,
    filled: usize,
}

impl PausingStdin {
    pub fn new() -> PausingStdin {
        PausingStdin { buffer: vec![0; 1 << 18], used: 0, filled: 0 }
    }
}

impl io::Read for PausingStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for PausingStdin {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        if self.used == self.filled {
            let stdin = rustix::stdio::stdin();
            let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
            let pause = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
            if poll(&mut waiting, Some(&pause)).map_err(io::Error::from)? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.used = 0;
            self.filled = rustix::io::read(stdin, &mut self.buffer).map_err(io::Error::from)?;
        }
        Ok(&self.buffer[self.used..self.filled])
    }

    fn consume(&mut self, count: usize) {
        self.used = (self.used + count).min(self.filled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &'static [u8]) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(Box::new(io::BufReader::with_capacity(2, text)));
        let mut all = Vec::new();
        let mut line = Vec::new();
        while lines.read(&mut line, 0).unwrap() {
            all.push(std::mem::take(&mut line));
            assert_eq!(lines.number(), all.len() as u64 + 1);
        }
        all
    }

    #[test]
    fn a_byte_order_mark_is_skipped_where_the_input_begins_and_nowhere_else() {
        assert_eq!(lines(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n"), [&b"a"[..], b"\xef\xbb\xbfb"]);
        assert_eq!(lines(b"\xef\xbb\xbf"), [b""]);
        assert_eq!(lines(b"\xef\xbbx"), [b"\xef\xbbx"]);
        assert_eq!(lines(b"a\xef\xbb\xbf\n\n"), [&b"a\xef\xbb\xbf"[..], b""]);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn an_endless_line_is_refused_before_it_fills_memory() {
        let mut lines = Lines::new(Box::new(io::BufReader::new(io::repeat(b'x'))));
        let error = lines.read(&mut Vec::new(), 0).unwrap_err();
        assert_eq!((error.kind(), lines.number()), (io::ErrorKind::InvalidData, 1));
    }
}
