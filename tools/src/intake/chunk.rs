//! Lines of one batch: cut from an input by one thread, parsed by another.

use super::lines::Lines;
use super::{Input, Intake, Parse};
use sealog_engine::batch::Batch;
use sealog_engine::error::Error;
use sealog_engine::limits;
use sealog_engine::store::Prepared;
use std::io;
use std::sync::Arc;

/// A batch of so many bytes of lines is not filled further: it must fit one journal frame.
const CHUNK_BYTES_MAX: usize = limits::FRAME_PAYLOAD_BYTES_MAX / 2;

/// Lines of one batch.
pub struct Chunk {
    input: Arc<str>,
    bytes: Vec<u8>,
    /// End of each line in `bytes`, and its number in the input.
    lines: Vec<(usize, u64)>,
    /// Reading stopped behind these lines, at this one.
    error: Option<(u64, io::Error)>,
}

/// Lines as a batch, or what is wrong with them.
pub struct Parsed {
    /// Name of the input.
    pub input: Arc<str>,
    /// What to append; none once it was given to the store.
    pub batch: Option<Prepared>,
    /// Line number of each entry of the batch.
    pub entry_lines: Vec<u64>,
    /// Lines left out, with why.
    pub skipped: Vec<(u64, String)>,
    /// The line that stops everything, with why.
    pub bad: Option<(u64, String)>,
    /// Reading stopped behind the batch, at this line.
    pub error: Option<(u64, io::Error)>,
    /// The lines again, if an entry may have to be left out later.
    pub source: Option<Chunk>,
}

/// A line that is in no batch.
pub enum Refused {
    /// It is not an entry that the log takes.
    Line(String),
    /// It is one, and the batch is full: of so many bytes with it.
    Full(Error),
}

/// Parses a line, and puts its entry into the batch.
pub fn push(batch: &mut Batch, parser: &dyn Parse, line: &[u8]) -> Result<(), Refused> {
    let entry = parser.parse(line).map_err(Refused::Line)?;
    batch.push(&entry).map_err(|error| match error {
        // Which entry of which batch says nothing here: the line does.
        Error::Entry { source, .. } => Refused::Line(source.to_string()),
        full => Refused::Full(full),
    })
}

impl Chunk {
    /// No lines yet.
    pub fn new(input: &Arc<str>) -> Chunk {
        Chunk { input: Arc::clone(input), bytes: Vec::new(), lines: Vec::new(), error: None }
    }

    /// An empty one with room for as many lines of the same length.
    fn alike(&self) -> Chunk {
        let bytes = self.bytes.len() + self.bytes.len() / 8;
        let (bytes, lines) = (Vec::with_capacity(bytes), Vec::with_capacity(self.lines.len()));
        Chunk { bytes, lines, ..Chunk::new(&self.input) }
    }

    /// Adds a line; gives the bytes of all lines.
    pub fn add(&mut self, line: &[u8], number: u64) -> usize {
        self.bytes.extend(line);
        self.lines.push((self.bytes.len(), number));
        self.bytes.len()
    }

    fn line(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.lines[before].0);
        &self.bytes[start..self.lines[index].0]
    }

    /// The same lines but one.
    pub fn without(&self, number: u64) -> Chunk {
        let mut chunk = Chunk::new(&self.input);
        for index in 0..self.lines.len() {
            if self.lines[index].1 != number {
                chunk.add(self.line(index), self.lines[index].1);
            }
        }
        chunk
    }

    /// Its lines as a batch. A bad line is left out if the intake says so; else it ends the batch.
    pub fn parse(mut self, intake: &Intake<'_>) -> Parsed {
        let mut parsed = Parsed {
            input: Arc::clone(&self.input),
            batch: None,
            entry_lines: Vec::with_capacity(self.lines.len()),
            skipped: Vec::new(),
            bad: None,
            error: self.error.take(),
            source: None,
        };
        // A record takes less than its line.
        let mut batch = Batch::with_capacity(self.lines.len(), self.bytes.len());
        for index in 0..self.lines.len() {
            let number = self.lines[index].1;
            match push(&mut batch, intake.parser, self.line(index)) {
                Ok(()) => parsed.entry_lines.push(number),
                Err(Refused::Line(why)) if intake.skip_bad => parsed.skipped.push((number, why)),
                Err(Refused::Line(why)) => {
                    parsed.bad = Some((number, why));
                    return parsed;
                }
                // Nothing is wrong with the line, so it is never left out.
                Err(Refused::Full(error)) => {
                    parsed.bad = Some((number, error.to_string()));
                    return parsed;
                }
            }
        }
        parsed.batch = Some(intake.store.prepare(batch));
        if intake.skip_bad {
            parsed.source = Some(self);
        }
        parsed
    }
}

/// Cuts an input into chunks of `count_max` lines at most, fewer where they are long; false once nobody wants more,
/// which `send` says of a chunk and `is_wanted` while there is none.
pub fn read_chunks(
    input: Input,
    count_max: usize,
    is_wanted: &dyn Fn() -> bool,
    send: &mut impl FnMut(Chunk) -> bool,
) -> bool {
    let name: Arc<str> = input.name.as_str().into();
    let mut lines = Lines::new(input.lines);
    let mut chunk = Chunk::new(&name);
    loop {
        // Where the line that is being read begins: a pause may come in the middle of it.
        let start = chunk.lines.last().map_or(0, |last| last.0);
        let number = lines.number();
        match lines.read(&mut chunk.bytes, start) {
            Ok(true) => {
                if chunk.bytes[start..].iter().all(u8::is_ascii_whitespace) {
                    chunk.bytes.truncate(start);
                } else {
                    chunk.lines.push((chunk.bytes.len(), number));
                }
                let is_full = chunk.lines.len() >= count_max || chunk.bytes.len() >= CHUNK_BYTES_MAX;
                if is_full {
                    let next = chunk.alike();
                    if !send(std::mem::replace(&mut chunk, next)) {
                        return false;
                    }
                }
            }
            Ok(false) => return chunk.lines.is_empty() || send(chunk),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                // Nothing more arrives for now: the whole lines that are there must not wait for it.
                let goes_on = if chunk.lines.is_empty() {
                    is_wanted()
                } else {
                    let begun = Chunk { bytes: chunk.bytes.split_off(start), ..Chunk::new(&name) };
                    send(std::mem::replace(&mut chunk, begun))
                };
                if !goes_on {
                    return false;
                }
            }
            Err(error) => {
                chunk.bytes.truncate(start);
                chunk.error = Some((number, error));
                send(chunk);
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &'static [u8], count_max: usize) -> Vec<Vec<(String, u64)>> {
        let mut all = Vec::new();
        let input = Input { name: "in".to_owned(), lines: Box::new(io::BufReader::with_capacity(3, text)) };
        let went_on = read_chunks(input, count_max, &|| true, &mut |chunk: Chunk| {
            let line = |index| String::from_utf8_lossy(chunk.line(index)).into_owned();
            all.push((0..chunk.lines.len()).map(|index| (line(index), chunk.lines[index].1)).collect());
            true
        });
        assert!(went_on);
        all
    }

    #[test]
    fn lines_are_cut_counted_and_blank_ones_left_out() {
        let cut = chunks(b"a\n\n  \nbb\r\nccc", 2);
        let wanted = [vec![("a".to_owned(), 1), ("bb\r".to_owned(), 4)], vec![("ccc".to_owned(), 5)]];
        assert_eq!(cut, wanted);
        assert!(chunks(b"\n\n", 2).is_empty());
    }

    #[test]
    fn a_line_left_out_leaves_the_others_as_they_were() {
        let mut chunk = Chunk::new(&"in".into());
        for (line, number) in [(&b"a"[..], 1), (b"bb", 2), (b"c", 4)] {
            chunk.add(line, number);
        }
        let rest = chunk.without(2);
        assert_eq!((rest.line(0), rest.line(1), rest.lines.len()), (&b"a"[..], &b"c"[..], 2));
        assert_eq!(rest.lines[1].1, 4);
    }

    #[test]
    fn an_endless_line_stops_reading_with_its_number() {
        let input = Input { name: "in".to_owned(), lines: Box::new(io::BufReader::new(io::repeat(b'x'))) };
        let mut stopped = None;
        read_chunks(input, 10, &|| true, &mut |chunk: Chunk| {
            stopped = chunk.error;
            true
        });
        assert!(matches!(stopped, Some((1, error)) if error.kind() == io::ErrorKind::InvalidData));
    }
}
