//! Lines into batches: read and cut in one thread, parsed in others, committed in order in the caller's.
//!
//! Memory is bounded by the number of chunks under way, or by one batch where everything is one. A line that is not an
//! entry stops everything behind it, and nothing of its batch is written; batches before it are.

mod chunk;
mod lines;
mod whole;

pub use lines::PausingStdin;

use crate::failure::Failure;
use crate::output::human::counted;
use crate::output::terminal::note;
use chunk::{Chunk, Parsed, read_chunks};
use sealog_engine::error::Error;
use sealog_engine::model::Entry;
use sealog_engine::store::{Receipt, Store};
use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

/// Chunks of lines under way at once.
const CHUNKS_MAX: usize = 8;

/// Where lines come from.
pub struct Input {
    /// Its name in messages.
    pub name: String,
    /// The lines.
    pub lines: Box<dyn BufRead + Send>,
}

/// Turns one line into an entry.
pub trait Parse: Sync {
    /// # Errors
    /// What, where, expected and found.
    fn parse<'l>(&self, line: &'l [u8]) -> Result<Entry<'l>, String>;
}

/// How lines are taken in.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    /// Where entries go.
    pub store: &'a Store,
    /// What a line says.
    pub parser: &'a dyn Parse,
    /// How lines are cut into batches.
    pub cut: Cut,
    /// Lines that are not entries are left out; else they stop everything.
    pub skip_bad: bool,
}

/// How lines are cut into batches.
#[derive(Clone, Copy)]
pub enum Cut {
    /// This many entries a batch; fewer where they are long.
    Every(usize),
    /// An input is one batch.
    Once,
}

/// What was taken in.
#[derive(Default)]
pub struct Taken {
    pub entries: u64,
    pub duplicates: u64,
    pub skipped: u64,
}

/// Appends everything that `inputs` give. `print` is called with what was taken so far and a batch's receipts.
pub fn run(
    intake: Intake<'_>,
    inputs: Vec<Input>,
    mut print: impl FnMut(&Taken, &[Receipt]) -> io::Result<()>,
) -> Result<Taken, Failure> {
    let mut taken = Taken::default();
    match intake.cut {
        Cut::Every(count_max) => side_by_side(intake, inputs, count_max, &mut taken, &mut print)?,
        Cut::Once => {
            for input in inputs {
                let parsed = whole::gather(input, &intake, &mut taken)?;
                commit(VecDeque::from([parsed]), &intake, &mut taken, &mut print)?;
            }
        }
    }
    Ok(taken)
}

/// Reads in one thread, parses in others, and commits in this one.
fn side_by_side(
    intake: Intake<'_>,
    inputs: Vec<Input>,
    count_max: usize,
    taken: &mut Taken,
    print: &mut impl FnMut(&Taken, &[Receipt]) -> io::Result<()>,
) -> Result<(), Failure> {
    // The reader may be waiting for a producer that pauses when an error has stopped everything.
    let is_stopped = &AtomicBool::new(false);
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
                    let _ = done.send(chunk.parse(&intake));
                }
            })?;
        }
        drop(work);
        start(scope, move || {
            let is_wanted = || !is_stopped.load(Ordering::Relaxed);
            let mut send = |chunk| {
                let (done_send, done) = sync_channel(1);
                ordered_send.send(done).is_ok() && work_send.send((chunk, done_send)).is_ok()
            };
            for input in inputs {
                if !read_chunks(input, count_max, &is_wanted, &mut send) {
                    return;
                }
            }
        })?;
        let committed = commit_all(ordered, &intake, taken, print);
        is_stopped.store(true, Ordering::Relaxed);
        committed
    })
}

/// Commits chunks in the order in which they were cut.
fn commit_all(
    ordered: Receiver<Receiver<Parsed>>,
    intake: &Intake<'_>,
    taken: &mut Taken,
    print: &mut impl FnMut(&Taken, &[Receipt]) -> io::Result<()>,
) -> Result<(), Failure> {
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
        commit(together, intake, taken, print)?;
        next = next.or_else(|| ordered.recv().ok());
    }
    Ok(())
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
    mut parsed: VecDeque<Parsed>,
    intake: &Intake<'_>,
    taken: &mut Taken,
    print: &mut impl FnMut(&Taken, &[Receipt]) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut bad = None;
    if let Some(at) = parsed.iter().position(|parsed| parsed.bad.is_some()) {
        parsed.truncate(at + 1);
        bad = parsed.pop_back();
    }
    while !parsed.is_empty() {
        let batches = parsed.iter_mut().filter_map(|parsed| parsed.batch.take()).collect();
        let mut printed = Ok(());
        for result in intake.store.append_in_order(batches) {
            let Some(mut own) = parsed.pop_front() else { break };
            own.tell_skipped(taken);
            match result {
                Ok(receipts) => {
                    taken.count(&own, &receipts);
                    // Those behind it are durable as well, and are counted before it is told that nobody hears of them.
                    printed = printed.and_then(|()| print(taken, &receipts));
                    if let Some((line, error)) = own.error {
                        return Err(unread(&own.input, line, &error, &taken.written()));
                    }
                }
                Err(Error::Conflict { entry: Some(entry), key, place }) => {
                    let line = own.entry_lines.get(entry).copied().unwrap_or_default();
                    let why = format!(
                        "field `id`: {key} came before with other content{place}: expected a new ID, or the same content"
                    );
                    let (Some(source), true) = (own.source.take(), intake.skip_bad) else {
                        return Err(own.refused(line, &why, taken));
                    };
                    // Those behind it were not tried: they follow once more, in order.
                    let mut mended = source.without(line).parse(intake);
                    mended.skipped = vec![(line, why)];
                    mended.error = own.error;
                    parsed.iter_mut().for_each(|parsed| parsed.parse_again(intake));
                    parsed.push_front(mended);
                    break;
                }
                Err(error) => return Err(refusal(error, &own, taken)),
            }
        }
        printed.map_err(|error| unprinted(taken, &error))?;
    }
    match bad {
        None => Ok(()),
        Some(mut own) => {
            own.tell_skipped(taken);
            let (line, why) = own.bad.take().unwrap_or_default();
            Err(own.refused(line, &why, taken))
        }
    }
}

/// What is told of a batch that was not appended.
fn refusal(error: Error, batch: &Parsed, taken: &Taken) -> Failure {
    if let Error::Poisoned { .. } = error {
        return Failure::Impossible(format!(
            "{error}; whether its batch was written only the next start tells; {}",
            taken.written()
        ));
    }
    match Failure::from(error) {
        Failure::Input(message) => Failure::Input(format!("{}: {message}; {}", batch.input, taken.before())),
        Failure::Impossible(message) => Failure::Impossible(format!("{message}; {}", taken.before())),
        other => other,
    }
}

/// A line that does not read, and what was done before it.
fn unread(input: &str, line: u64, error: &io::Error, before: &str) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidData => Failure::Input(format!("{input}, line {line}: {error}; {before}")),
        _ => Failure::Impossible(format!("could not read {input}, line {line}: {error}; {before}")),
    }
}

/// Also where a reader closed the pipe: what was not read is not appended, and nobody would know.
fn unprinted(taken: &Taken, error: &io::Error) -> Failure {
    let appended = counted(taken.entries + taken.duplicates, "entry was", "entries were");
    Failure::Impossible(format!(
        "{appended} appended, only the newest receipts could not be written: {error}; nothing behind them was appended"
    ))
}

impl Parsed {
    fn tell_skipped(&mut self, taken: &mut Taken) {
        for (line, why) in self.skipped.drain(..) {
            taken.skipped += 1;
            note(&format!("{}, line {line}: {why}; left out", self.input));
        }
    }

    fn refused(&self, line: u64, why: &str, taken: &Taken) -> Failure {
        Failure::Input(format!("{}, line {line}: {why}; {}", self.input, taken.before()))
    }

    /// Its batch was given away and not tried.
    fn parse_again(&mut self, intake: &Intake<'_>) {
        if let Some(source) = self.source.take() {
            let again = source.parse(intake);
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
    }

    fn before(&self) -> String {
        format!("nothing of its batch was written; {}", self.written())
    }

    /// Those that had come before were written then.
    fn written(&self) -> String {
        let count = self.entries + self.duplicates;
        format!("{} written before it", counted(count, "entry was", "entries were"))
    }
}
