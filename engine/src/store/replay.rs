//! Reads a journal's parts in the order of each chain.
//!
//! A part that was carried stands behind parts that were committed after it. What lies ahead of where its chain stands
//! waits until what is before it was met; what is sealed, or was met before, is left out.

use crate::disk::Disk;
use crate::error::Error;
use crate::format::commit::{self as payload, BatchKey, Part};
use crate::format::journal::FrameType;
use crate::journal::{self, Damage, Event, Frame, JournalReader, Lost, Tail};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What reading a journal gave.
pub struct Replayed {
    pub tail: Tail,
    pub damage: Vec<Damage>,
    /// Number of the newest frame of a clean stop.
    pub stop_frame: u64,
    /// The newest frames: those that no later frame says were synced.
    pub unvouched: Vec<Arc<Frame>>,
    /// Group commits.
    pub commit_count: u64,
}

/// What is done with what a journal holds.
pub trait Visit {
    /// The next part of its chain. `journal` is the file that it was read from.
    ///
    /// # Errors
    /// Why it cannot be the chain's next: damage.
    fn part(&mut self, journal: u64, logged_at: i64, part: &Part<'_>) -> Result<(), String>;

    /// A part was met, whatever becomes of it, in a journal file.
    fn met(&mut self, _journal: u64, _service: &str) {}

    /// A commit, once for its frame, with all its parts, those too that are sealed by now.
    fn commit(&mut self, _journal: u64, _logged_at: i64, _parts: &[Part<'_>], _keys: &[BatchKey]) {}
}

/// A part that lies ahead of where its chain stands.
struct Ahead {
    frame: Arc<Frame>,
    /// Which part of the frame.
    index: usize,
}

/// Where chains stand, and what lies ahead of that.
struct Sequence {
    next: HashMap<Box<str>, u64, foldhash::fast::RandomState>,
    ahead: BTreeMap<(Box<str>, u64), Ahead>,
}

/// Reads all frames in order and hands each chain's parts over in theirs. `sealed` are the positions behind which
/// chains go on.
///
/// # Errors
/// The disk's.
pub fn replay(
    disk: &dyn Disk,
    mut reader: JournalReader<'_>,
    sealed: impl IntoIterator<Item = (Box<str>, u64)>,
    visit: &mut impl Visit,
) -> Result<Replayed, Error> {
    let read_error = |error| Error::io("read", disk.display(journal::DIRECTORY), error);
    let mut sequence = Sequence { next: sealed.into_iter().collect(), ahead: BTreeMap::new() };
    let mut replayed = Replayed {
        tail: reader.tail(),
        damage: Vec::new(),
        stop_frame: 0,
        unvouched: Vec::new(),
        commit_count: 0,
    };
    while let Some(event) = reader.next_event().map_err(read_error)? {
        match event {
            Event::Frame(frame) => {
                let frame = Arc::new(frame);
                let header = frame.header;
                replayed.unvouched.retain(|earlier| earlier.header.number.get() > header.durable);
                replayed.unvouched.push(Arc::clone(&frame));
                match header.frame_type {
                    FrameType::Stop => replayed.stop_frame = header.number.get(),
                    FrameType::Commit => replayed.commit_count += 1,
                    FrameType::Carry => {}
                }
                if let Err(detail) = sequence.take(&frame, visit) {
                    replayed.damage.push(lost_frame(&frame, &detail));
                }
            }
            Event::Damage(found) => replayed.damage.push(found),
            Event::End(tail) => replayed.tail = tail,
        }
    }
    // What is before these is not there. Of what lies in two places one is left out here too.
    for ((service, first_seq), ahead) in std::mem::take(&mut sequence.ahead) {
        let next = sequence.next.get(&service).copied().unwrap_or(0).max(first_seq);
        let result = with_part(&ahead.frame, ahead.index, |logged_at, part| {
            sequence.advance(ahead.frame.journal, logged_at, part, next, visit)
        });
        if let Err(detail) = result {
            replayed.damage.push(lost_frame(&ahead.frame, &detail));
        }
    }
    Ok(replayed)
}

fn lost_frame(frame: &Frame, detail: &str) -> Damage {
    let number = frame.header.number.get();
    Damage {
        file: journal::path(frame.journal),
        offset: frame.header.offset,
        end_offset: frame.header.offset + frame.header.frame_bytes(),
        lost: Some(Lost { first: number, last: number }),
        detail: format!("frame {number}: {detail}"),
    }
}

/// See [`parts_of`].
type Parts<'f> = (Vec<(i64, Part<'f>)>, Vec<BatchKey>);

/// A frame's parts, each with its commit time, and the keys of its batches.
fn parts_of(frame: &Frame) -> Result<Parts<'_>, String> {
    let header = &frame.header;
    match header.frame_type {
        FrameType::Stop => Ok((Vec::new(), Vec::new())),
        FrameType::Commit => payload::decode(frame.payload(), header.part_count, header.entry_count)
            .map(|commit| {
                let timed = commit.parts.into_iter().map(|part| (header.logged_at, part));
                (timed.collect(), commit.batch_keys)
            })
            .map_err(|error| error.to_string()),
        FrameType::Carry => payload::decode_carried(frame.payload(), header.part_count, header.entry_count)
            .map(|parts| (parts, Vec::new()))
            .map_err(|error| error.to_string()),
    }
}

fn with_part<T>(
    frame: &Frame,
    index: usize,
    with: impl FnOnce(i64, &Part<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let (parts, _) = parts_of(frame)?;
    match parts.get(index) {
        Some((logged_at, part)) => with(*logged_at, part),
        None => Err("a part that is not there".to_owned()),
    }
}

impl Sequence {
    fn take(&mut self, frame: &Arc<Frame>, visit: &mut impl Visit) -> Result<(), String> {
        let (parts, keys) = parts_of(frame)?;
        for (index, (logged_at, part)) in parts.iter().enumerate() {
            visit.met(frame.journal, part.service);
            let next = self.next.get(part.service).copied().unwrap_or(0);
            if part.first_seq > next {
                let key = (Box::from(part.service), part.first_seq);
                self.ahead.insert(key, Ahead { frame: Arc::clone(frame), index });
                continue;
            }
            self.advance(frame.journal, *logged_at, part, next, visit)?;
            self.follow(part.service, visit)?;
        }
        if frame.header.frame_type == FrameType::Commit {
            let parts: Vec<Part<'_>> = parts.into_iter().map(|(_, part)| part).collect();
            visit.commit(frame.journal, frame.header.logged_at, &parts, &keys);
        }
        Ok(())
    }

    /// Hands over what of a part is new.
    fn advance(
        &mut self,
        journal: u64,
        logged_at: i64,
        part: &Part<'_>,
        next: u64,
        visit: &mut impl Visit,
    ) -> Result<(), String> {
        if part.end_seq() <= next {
            return Ok(());
        }
        match usize::try_from(next - part.first_seq).unwrap_or(usize::MAX) {
            0 => visit.part(journal, logged_at, part)?,
            known => visit.part(journal, logged_at, &part.behind(known))?,
        }
        match self.next.get_mut(part.service) {
            Some(next) => *next = part.end_seq(),
            None => drop(self.next.insert(part.service.into(), part.end_seq())),
        }
        Ok(())
    }

    /// Hands over what waited for this.
    fn follow(&mut self, service: &str, visit: &mut impl Visit) -> Result<(), String> {
        if self.ahead.is_empty() {
            return Ok(());
        }
        loop {
            let next = self.next.get(service).copied().unwrap_or(0);
            let waiting = self.ahead.range((Box::from(service), 0)..=(Box::from(service), next)).next();
            let Some(key) = waiting.map(|(key, _)| key.clone()) else { return Ok(()) };
            let Some(ahead) = self.ahead.remove(&key) else { return Ok(()) };
            with_part(&ahead.frame, ahead.index, |logged_at, part| {
                self.advance(ahead.frame.journal, logged_at, part, next, visit)
            })?;
        }
    }
}
