//! A whole input as one batch: read, parsed and put into it line by line, so that memory is bounded by the batch
//! however long the input is.

use super::chunk::{Chunk, Parsed, Refused, push};
use super::lines::Lines;
use super::{Input, Intake, Taken, unread};
use crate::failure::Failure;
use crate::output::human::counted;
use crate::output::terminal::note;
use sealog_engine::batch::Batch;
use sealog_engine::error::Error;
use sealog_engine::limits;
use std::io;
use std::sync::Arc;

/// Bytes of lines that are kept beside the batch, where an entry may have to be left out later.
const KEPT_BYTES_MAX: usize = 4 * limits::FRAME_PAYLOAD_BYTES_MAX;

/// Reads an input to its end. Lines left out are told at once, and counted in `taken`.
pub fn gather(input: Input, intake: &Intake<'_>, taken: &mut Taken) -> Result<Parsed, Failure> {
    let name: Arc<str> = input.name.as_str().into();
    let mut lines = Lines::new(input.lines);
    let mut batch = Batch::new();
    let mut parsed = Parsed {
        input: Arc::clone(&name),
        batch: None,
        entry_lines: Vec::new(),
        skipped: Vec::new(),
        bad: None,
        error: None,
        source: intake.skip_bad.then(|| Chunk::new(&name)),
    };
    let mut line = Vec::new();
    loop {
        let number = lines.number();
        match lines.read(&mut line, 0) {
            Ok(true) => {}
            Ok(false) => {
                parsed.batch = Some(intake.store.prepare(batch));
                return Ok(parsed);
            }
            // Nothing more arrives for now, and the batch is not over.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => continue,
            Err(error) => return Err(unread(&name, number, &error, &taken.before())),
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            match push(&mut batch, intake.parser, &line) {
                Ok(()) => {
                    parsed.entry_lines.push(number);
                    let kept = parsed.source.as_mut().map_or(0, |source| source.add(&line, number));
                    if kept > KEPT_BYTES_MAX {
                        let why = too_much("lines", KEPT_BYTES_MAX as u64, kept as u64, batch.len() - 1);
                        return Err(parsed.refused(number, &why, taken));
                    }
                }
                Err(Refused::Line(why)) if intake.skip_bad => {
                    taken.skipped += 1;
                    note(&format!("{name}, line {number}: {why}; left out"));
                }
                Err(Refused::Full(Error::BatchTooLarge { bytes, bytes_max })) => {
                    let why = too_much("encoded entries", bytes_max, bytes, batch.len());
                    return Err(parsed.refused(number, &why, taken));
                }
                Err(Refused::Line(why)) => return Err(parsed.refused(number, &why, taken)),
                Err(Refused::Full(error)) => return Err(parsed.refused(number, &error.to_string(), taken)),
            }
        }
        line.clear();
    }
}

/// What is said of an input that is more than one batch.
fn too_much(what: &str, bytes_max: u64, bytes: u64, entries_before: usize) -> String {
    format!(
        "expected at most {bytes_max} bytes of {what} in one batch, found {bytes} with this line and {} before it; \
         append in smaller batches, without --atomic",
        counted(entries_before as u64, "entry", "entries")
    )
}
