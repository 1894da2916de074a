//! Lines into batches: read and cut in one thread, parsed in others, committed in order in the caller's.
//!
//! Memory is bounded by the number of chunks under way. A line that is not an entry stops everything behind it, and
//! nothing of its batch is written; batches before it are.

use crate::failure::Failure;
use crate::output::terminal::printable;
use sealog_engine::batch::Batch;
use sealog_engine::error::Error;
use sealog_engine::limits;
use sealog_engine::model::Entry;
use sealog_engine::store::{Prepared, Receipt, Store};
use std::collections::VecDeque;
use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

/// Longest line, in bytes: an entry of 256 KiB whose every byte is escaped as `\u00XX`, and room for its names.
const LINE_BYTES_MAX: usize = 2 << 20;
/// A batch of so many bytes of lines is not filled further: it must fit one journal frame.
const CHUNK_BYTES_MAX: usize = limits::FRAME_PAYLOAD_BYTES_MAX / 2;
/// Chunks of lines under way at once.
const CHUNKS_MAX: usize = 8;

/// Where lines come from.
pub struct Input {
    /// Its name in messages.
    pub name: String,
    /// The lines.
    pub lines: Box<dyn BufRead + Send>,
}

/// How lines are taken in.
struct Intake<'a> {
    store: &'a Store,
    parser: &'a dyn Parse,
    skip_bad: bool,
}

/// Turns one line into an entry.
pub trait Parse: Sync {
    /// # Errors
    /// What, where, expected and found.
    fn parse<'l>(&self, line: &'l [u8]) -> Result<Entry<'l>, String>;
}

/// How lines are cut into batches.
#[derive(Clone, Copy)]
pub enum Cut {
    /// This many entries a batch; fewer where they are long.
    Every(usize),
    /// Everything is one batch.
    Once,
}

/// What was taken in.
#[derive(Default)]
pub struct Taken {
    pub entries: u64,
    pub duplicates: u64,
    pub skipped: u64,
    pub line_bytes: u64,
}

/// Lines of one batch.
struct Chunk {
    input: Arc<str>,
    bytes: Vec<u8>,
    /// End of each line in `bytes`, and its number in the input.
    lines: Vec<(usize, u64)>,
    /// Reading stopped behind these lines.
    error: Option<Failure>,
}

/// A chunk as a batch, or what is wrong with it.
struct Parsed {
    input: Arc<str>,
    /// None once it was given to the store.
    batch: Option<Prepared>,
    /// Line number of each entry of the batch.
    entry_lines: Vec<u64>,
    /// Lines left out, with why.
    skipped: Vec<(u64, String)>,
    /// The line that stops everything.
    bad: Option<(u64, String)>,
    line_bytes: u64,
    error: Option<Failure>,
    /// The lines again, if an entry may have to be left out later.
    source: Option<Chunk>,
}

/// Appends everything that `inputs` give. `note` is called with what was taken so far and each batch's receipts.
pub fn run(
    store: &Store,
    inputs: Vec<Input>,
    parser: &dyn Parse,
    cut: Cut,
    skip_bad: bool,
    mut note: impl FnMut(&Taken, &[Receipt]) -> Result<(), Failure>,
) -> Result<Taken, Failure> {
    let mut taken = Taken::default();
    let intake = &Intake { store, parser, skip_bad };
    std::thread::scope(|scope| {
        let (ordered_send, ordered) = sync_channel::<Receiver<Parsed>>(CHUNKS_MAX);
        let (work_send, work) = sync_channel::<(Chunk, SyncSender<Parsed>)>(CHUNKS_MAX);
        let work = Arc::new(Mutex::new(work));
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 4) {
            let work = Arc::clone(&work);
            start(scope, move || {
                loop {
                    let next = match work.lock() {
                        Ok(work) => work.recv(),
                        Err(_) => return,
                    };
                    let Ok((chunk, done)) = next else { return };
                    // The receiver is gone once an error has stopped the intake.
                    let _ = done.send(parse_chunk(chunk, intake));
                }
            })?;
        }
        drop(work);
        start(scope, move || {
            let mut send = |chunk| {
                let (done_send, done) = sync_channel(1);
                ordered_send.send(done).is_ok() && work_send.send((chunk, done_send)).is_ok()
            };
            for input in inputs {
                if !read_chunks(input, cut, &mut send) {
                    return;
                }
            }
        })?;
        let mut next = ordered.recv().ok();
        while let Some(first) = next.take() {
            let Ok(first) = first.recv() else { break };
            // Whatever else is parsed by now shares its sync.
            let mut together = VecDeque::from([first]);
            next = loop {
                match ordered.try_recv() {
                    Ok(parsed) if together.len() == CHUNKS_MAX => break Some(parsed),
                    Ok(parsed) => match parsed.try_recv() {
                        Ok(parsed) => together.push_back(parsed),
                        Err(_) => break Some(parsed),
                    },
                    Err(_) => break None,
                }
            };
            commit(store, together, intake, &mut taken, &mut note)?;
            next = next.or_else(|| ordered.recv().ok());
        }
        Ok(taken)
    })
}

/// Starts a thread, or says why there is none: the system's limits are no bug of ours.
fn start<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    work: impl FnOnce() + Send + 'scope,
) -> Result<(), Failure> {
    let thread = std::thread::Builder::new().spawn_scoped(scope, work);
    thread.map(drop).map_err(|error| Failure::io("could not start a thread", &error))
}

/// Appends what is parsed, in order: each batch whole or not at all, none behind a line that is not an entry.
fn commit(
    store: &Store,
    mut parsed: VecDeque<Parsed>,
    intake: &Intake<'_>,
    taken: &mut Taken,
    note: &mut impl FnMut(&Taken, &[Receipt]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut bad = None;
    if let Some(at) = parsed.iter().position(|parsed| parsed.bad.is_some()) {
        parsed.truncate(at + 1);
        bad = parsed.pop_back();
    }
    while !parsed.is_empty() {
        let batches = parsed.iter_mut().filter_map(|parsed| parsed.batch.take()).collect();
        for result in store.append_in_order(batches) {
            let Some(mut own) = parsed.pop_front() else { break };
            own.warn_of_skipped(taken);
            match result {
                Ok(receipts) => {
                    taken.count(&own, &receipts);
                    note(taken, &receipts)?;
                    own.error.map_or(Ok(()), Err)?;
                }
                Err(Error::Conflict { entry: Some(entry), key, place }) => {
                    let line = own.entry_lines.get(entry).copied().unwrap_or_default();
                    let why = format!(
                        "field `id`: {key} came before with other content{place}: expected a new ID, or the same content"
                    );
                    let (Some(source), true) = (own.source.take(), intake.skip_bad) else {
                        return Err(Failure::Input(format!(
                            "{}, line {line}: {why}; {}",
                            own.input,
                            taken.before()
                        )));
                    };
                    // Those behind it were not tried: they follow once more, in order.
                    let mut mended = parse_chunk(source.without(line), intake);
                    mended.skipped = vec![(line, why)];
                    mended.error = own.error;
                    parsed.iter_mut().for_each(|parsed| parsed.parse_again(intake));
                    parsed.push_front(mended);
                    break;
                }
                Err(error) => return Err(refusal(error, &own, taken)),
            }
        }
    }
    match bad {
        None => Ok(()),
        Some(mut own) => {
            own.warn_of_skipped(taken);
            let (line, why) = own.bad.take().unwrap_or_default();
            Err(Failure::Input(format!("{}, line {line}: {why}; {}", own.input, taken.before())))
        }
    }
}

/// What is told of a batch that was not appended.
fn refusal(error: Error, batch: &Parsed, taken: &Taken) -> Failure {
    if let Error::Poisoned { .. } = error {
        return Failure::Impossible(format!(
            "{error}; whether its batch was written only the next start tells, {} entries before it were",
            taken.before_count()
        ));
    }
    match Failure::from(error) {
        Failure::Input(message) => Failure::Input(format!("{}: {message}; {}", batch.input, taken.before())),
        Failure::Impossible(message) => Failure::Impossible(format!("{message}; {}", taken.before())),
        other => other,
    }
}

impl Parsed {
    fn warn_of_skipped(&mut self, taken: &mut Taken) {
        for (line, why) in self.skipped.drain(..) {
            taken.skipped += 1;
            warn(&format!("{}, line {line}: {why}; left out", self.input));
        }
    }

    /// Its batch was given away and not tried.
    fn parse_again(&mut self, intake: &Intake<'_>) {
        if let Some(source) = self.source.take() {
            let again = parse_chunk(source, intake);
            (self.batch, self.source) = (again.batch, again.source);
        }
    }
}

impl Taken {
    fn count(&mut self, batch: &Parsed, receipts: &[Receipt]) {
        let fresh = receipts.iter().filter(|receipt| !receipt.duplicate);
        let stored: u64 = fresh.map(|receipt| receipt.last_seq - receipt.first_seq + 1).sum();
        self.entries += stored;
        self.duplicates += batch.entry_lines.len() as u64 - stored;
        self.line_bytes += batch.line_bytes;
    }

    fn before(&self) -> String {
        format!("nothing of its batch was written, {} entries before it were", self.before_count())
    }

    fn before_count(&self) -> u64 {
        self.entries + self.duplicates
    }
}

fn warn(message: &str) {
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "sealog: {}", printable(message));
}

impl Chunk {
    fn new(input: &Arc<str>) -> Chunk {
        Chunk { input: Arc::clone(input), bytes: Vec::new(), lines: Vec::new(), error: None }
    }

    /// An empty one with room for as many lines of the same length.
    fn alike(&self) -> Chunk {
        let bytes = self.bytes.len() + self.bytes.len() / 8;
        let (bytes, lines) = (Vec::with_capacity(bytes), Vec::with_capacity(self.lines.len()));
        Chunk { bytes, lines, ..Chunk::new(&self.input) }
    }

    fn line(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.lines[before].0);
        &self.bytes[start..self.lines[index].0]
    }

    /// The same lines but one.
    fn without(&self, number: u64) -> Chunk {
        let mut chunk = Chunk::new(&self.input);
        for index in 0..self.lines.len() {
            if self.lines[index].1 != number {
                chunk.bytes.extend(self.line(index));
                chunk.lines.push((chunk.bytes.len(), self.lines[index].1));
            }
        }
        chunk
    }
}

fn parse_chunk(mut chunk: Chunk, intake: &Intake<'_>) -> Parsed {
    let mut parsed = Parsed {
        input: Arc::clone(&chunk.input),
        batch: None,
        entry_lines: Vec::with_capacity(chunk.lines.len()),
        skipped: Vec::new(),
        bad: None,
        line_bytes: chunk.bytes.len() as u64,
        error: chunk.error.take(),
        source: None,
    };
    // A record takes less than its line.
    let mut batch = Batch::with_capacity(chunk.lines.len(), chunk.bytes.len());
    for index in 0..chunk.lines.len() {
        let number = chunk.lines[index].1;
        let pushed = intake.parser.parse(chunk.line(index)).and_then(|entry| {
            batch.push(&entry).map_err(|error| match error {
                // Which entry of which batch says nothing here: the line does.
                Error::Entry { source, .. } => source.to_string(),
                other => other.to_string(),
            })
        });
        match pushed {
            Ok(()) => parsed.entry_lines.push(number),
            Err(why) if intake.skip_bad => parsed.skipped.push((number, why)),
            Err(why) => {
                parsed.bad = Some((number, why));
                return parsed;
            }
        }
    }
    parsed.batch = Some(intake.store.prepare(batch));
    if intake.skip_bad {
        parsed.source = Some(chunk);
    }
    parsed
}

/// Cuts an input into chunks; false once nobody wants more.
fn read_chunks(mut input: Input, cut: Cut, send: &mut impl FnMut(Chunk) -> bool) -> bool {
    let name: Arc<str> = input.name.as_str().into();
    let (count_max, bytes_max) = match cut {
        Cut::Every(count) => (count, CHUNK_BYTES_MAX),
        Cut::Once => (usize::MAX, usize::MAX),
    };
    let mut chunk = Chunk::new(&name);
    let mut number = 1;
    loop {
        // Where the line that is being read begins: a pause may come in the middle of it.
        let start = chunk.lines.last().map_or(0, |last| last.0);
        match read_line(&mut *input.lines, &mut chunk.bytes, start) {
            Ok(true) => {
                if chunk.bytes[start..].iter().all(u8::is_ascii_whitespace) {
                    chunk.bytes.truncate(start);
                } else {
                    chunk.lines.push((chunk.bytes.len(), number));
                }
                number += 1;
                let is_full = chunk.lines.len() >= count_max || chunk.bytes.len() >= bytes_max;
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
                if !chunk.lines.is_empty() && matches!(cut, Cut::Every(_)) {
                    let begun = Chunk { bytes: chunk.bytes.split_off(start), ..Chunk::new(&name) };
                    if !send(std::mem::replace(&mut chunk, begun)) {
                        return false;
                    }
                }
            }
            Err(error) => {
                chunk.bytes.truncate(start);
                chunk.error = Some(match error.kind() {
                    io::ErrorKind::InvalidData => Failure::Input(format!("{name}, line {number}: {error}")),
                    _ => Failure::Impossible(format!("could not read {name}, line {number}: {error}")),
                });
                send(chunk);
                return false;
            }
        }
    }
}

/// Reads the line that begins at `start` to its end, without its LF; false at the end of the input. `TimedOut` may come
/// in the middle: what was read of the line is then in `bytes`.
fn read_line(lines: &mut dyn BufRead, bytes: &mut Vec<u8>, start: usize) -> io::Result<bool> {
    loop {
        let buffer = match lines.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(bytes.len() > start);
        }
        let end = memchr::memchr(b'\n', buffer);
        bytes.extend(&buffer[..end.unwrap_or(buffer.len())]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        lines.consume(used);
        if bytes.len() - start > LINE_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("expected a line of at most {LINE_BYTES_MAX} bytes, found a longer one"),
            ));
        }
        if end.is_some() {
            // A line of no bytes is still a line.
            return Ok(true);
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

    fn chunks(text: &'static [u8], cut: Cut) -> Vec<Vec<(String, u64)>> {
        let mut all = Vec::new();
        let input = Input { name: "in".to_owned(), lines: Box::new(io::BufReader::with_capacity(3, text)) };
        let went_on = read_chunks(input, cut, &mut |chunk: Chunk| {
            let line = |index| String::from_utf8_lossy(chunk.line(index)).into_owned();
            all.push((0..chunk.lines.len()).map(|index| (line(index), chunk.lines[index].1)).collect());
            true
        });
        assert!(went_on);
        all
    }

    #[test]
    fn lines_are_cut_counted_and_blank_ones_left_out() {
        let cut = chunks(b"a\n\n  \nbb\r\nccc", Cut::Every(2));
        let wanted = [vec![("a".to_owned(), 1), ("bb\r".to_owned(), 4)], vec![("ccc".to_owned(), 5)]];
        assert_eq!(cut, wanted);
        assert_eq!(chunks(b"a\nb\nc\n", Cut::Once).len(), 1);
        assert!(chunks(b"\n\n", Cut::Every(2)).is_empty());
    }

    #[test]
    fn an_endless_line_is_refused_before_it_fills_memory() {
        let input = Input { name: "in".to_owned(), lines: Box::new(io::BufReader::new(io::repeat(b'x'))) };
        let mut failure = None;
        read_chunks(input, Cut::Every(10), &mut |chunk: Chunk| {
            failure = chunk.error;
            true
        });
        assert!(matches!(failure, Some(Failure::Input(message)) if message.contains("line 1")));
    }
}
