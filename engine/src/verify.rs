//! Whole verification: everything is recomputed from the bytes, and nothing is believed that could be.
//!
//! Shares the decoders with the rest of the engine and nothing else: not its index, not the writer's memory. Reads by
//! bounded positioned reads; takes no lock and writes nothing, so it works on a live store, a copy and a read-only
//! mount. Frames are hashed side by side (`part`), then taken in order (`chain`), and each `heads` is held against
//! what was recomputed (`heads`). A problem is noted with its place and the work goes on.

mod chain;
mod heads;
mod nearest;
mod part;
mod report;

pub use report::{ChainReport, PlaceInTime, Problem, ProblemKind, Report};

use crate::disk::Disk;
use crate::error::Error;
use crate::format::commit::{self as payload, Commit};
use crate::format::journal::FrameType;
use crate::format::store_file::{StoreFile, StoreFileError};
use crate::identity;
use crate::journal::{self, Damage, Event, Frame, JournalReader};
use crate::model::{CONTROL_SERVICE, Window};
use crate::proof::Hasher;
use crate::segment;
use chain::Chains;
use part::Checked;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// What to verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// Chains to report on, all if empty. The control chain is always checked with them.
    pub services: Vec<String>,
    /// Entries that `first`, `last`, `before` and `after` of the report are about. Everything is recomputed all the
    /// same.
    pub window: Window,
}

/// Frames that are held in memory at once while they are hashed side by side.
const STEP_BYTES_AIM: usize = 8 << 20;

/// Verifies a store. `progress` is called now and then with the bytes read so far.
///
/// # Errors
/// Only what keeps verification from being done at all: no store, a version that this program does not know, the
/// disk's errors. Damage is in the report.
pub fn verify(
    disk: &dyn Disk,
    options: &VerifyOptions,
    mut progress: impl FnMut(u64),
) -> Result<Report, Error> {
    let started = Instant::now();
    let mut report = Report::default();
    let Some(identity) = read_identity(disk, &mut report)? else {
        report.finish(started.elapsed());
        return Ok(report);
    };
    let read_error = |error| Error::io("read", disk.display(journal::DIRECTORY), error);
    let mut reader = JournalReader::new(disk, identity.id).map_err(read_error)?;
    let mut chains = Chains::new(&identity, options.window);
    let mut hasher = Hasher::new();
    let mut step = Step::default();
    while let Some(event) = reader.next_event().map_err(read_error)? {
        match event {
            Event::Frame(frame) => {
                step.add(frame);
                if step.bytes >= STEP_BYTES_AIM {
                    step.take_in(&mut chains, &mut hasher, &mut report);
                    progress(reader.bytes_read());
                }
            }
            Event::Damage(damage) => {
                step.take_in(&mut chains, &mut hasher, &mut report);
                chains.note_damage(&damage);
                report.note(Problem::of_damage(&damage));
            }
            Event::End(tail) => {
                step.take_in(&mut chains, &mut hasher, &mut report);
                report.torn_bytes = tail.torn_bytes;
            }
        }
    }
    report.bytes += reader.bytes_read();
    progress(report.bytes);
    if chains.has_too_many {
        let detail = "more chains or lines than a store may have; what is beyond was not checked";
        report.note(Problem::new(ProblemKind::Extra, None, journal::DIRECTORY, detail));
    }
    report.chains = chains.finish();
    refuse_segments(disk, &mut report)?;
    if !options.services.is_empty() {
        for service in &options.services {
            if !report.chains.iter().any(|chain| chain.service == *service) {
                let there = nearest::instead(service, report.chains.iter().map(|chain| &*chain.service));
                let detail =
                    format!("expected a service that the store has, found {service:?}; it has {there}");
                report.note(Problem::new(
                    ProblemKind::ChainMissing,
                    Some(service),
                    journal::DIRECTORY,
                    detail,
                ));
            }
        }
        report
            .chains
            .retain(|chain| chain.service == CONTROL_SERVICE || options.services.contains(&chain.service));
    }
    report.finish(started.elapsed());
    Ok(report)
}

/// Reading commands prefer a sealed segment to the journal, and this version does not recompute one: no answer may call
/// valid what was not looked at.
fn refuse_segments(disk: &dyn Disk, report: &mut Report) -> Result<(), Error> {
    let listed = |error| Error::io("list", disk.display(segment::DIRECTORY), error);
    for service in segment::services(disk).map_err(listed)? {
        let detail = "expected no sealed segments, which this version does not verify, found this directory";
        report.note(Problem::new(ProblemKind::Extra, None, segment::directory(&service), detail));
    }
    Ok(())
}

/// Reads `STORE`; damage is noted, and where its lines still read, the work goes on.
fn read_identity(disk: &dyn Disk, report: &mut Report) -> Result<Option<StoreFile>, Error> {
    match identity::read_or_salvage(disk)? {
        Ok(identity) => {
            report.bytes += identity.encode().len() as u64;
            Ok(Some(identity))
        }
        Err(StoreFileError::Damaged { detail, salvaged }) => {
            report.note(Problem::new(ProblemKind::Checksum, None, "STORE", detail));
            Ok(salvaged)
        }
        Err(version) => Err(Error::Version { path: disk.display("STORE"), detail: version.to_string() }),
    }
}

/// Frames that wait to be hashed side by side.
#[derive(Default)]
struct Step {
    frames: Vec<Frame>,
    bytes: usize,
}

impl Step {
    fn add(&mut self, frame: Frame) {
        self.bytes += frame.bytes.len();
        self.frames.push(frame);
    }

    /// Checks all frames, on every core, then takes them in, in order.
    fn take_in(&mut self, chains: &mut Chains, hasher: &mut Hasher, report: &mut Report) {
        let frames = std::mem::take(&mut self.frames);
        self.bytes = 0;
        let mut commits: Vec<(&Frame, Commit<'_>)> = Vec::with_capacity(frames.len());
        for frame in frames.iter().filter(|frame| frame.header.frame_type == FrameType::Commit) {
            match payload::decode(frame.payload(), frame.header.part_count, frame.header.entry_count) {
                Ok(commit) => {
                    // Lines and salt keys first: a later frame of this step may need them.
                    chains.begin_lines(&commit);
                    commits.push((frame, commit));
                }
                Err(error) => {
                    let damage = damage_of(frame, error.to_string());
                    chains.note_damage(&damage);
                    report.note(Problem::of_damage(&damage));
                }
            }
        }
        let checked = check_side_by_side(&commits, chains);
        for ((frame, commit), checked) in commits.iter().zip(checked) {
            chains.take_in(frame, commit, &checked, hasher, &mut report.problems);
        }
    }
}

fn damage_of(frame: &Frame, detail: String) -> Damage {
    let number = frame.header.number.get();
    Damage {
        file: journal::path(frame.journal),
        offset: frame.header.offset,
        end_offset: frame.header.offset + frame.header.frame_bytes(),
        lost: Some(journal::Lost { first: number, last: number }),
        detail: format!("frame {number}: {detail}"),
    }
}

/// Checks each frame by itself, on as many threads as there are cores; the results are in the frames' order.
fn check_side_by_side(commits: &[(&Frame, Commit<'_>)], chains: &Chains) -> Vec<Vec<Checked>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(commits.len()).max(1);
    let next = AtomicUsize::new(0);
    let check = || {
        let mut hasher = Hasher::new();
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((frame, commit)) = commits.get(index) else { return done };
            let parts = commit.parts.iter();
            let checked =
                parts.map(|part| part::check(part, frame.header.logged_at, chains, &mut hasher)).collect();
            done.push((index, checked));
        }
    };
    let mut all: Vec<(usize, Vec<Checked>)> = if threads == 1 {
        check()
    } else {
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(check)).collect();
            let mut all = check();
            for other in others {
                match other.join() {
                    Ok(done) => all.extend(done),
                    // A panic is our bug, never a finding: let it be seen.
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            all
        })
    };
    all.sort_unstable_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, checked)| checked).collect()
}
