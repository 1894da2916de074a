//! Whole verification: everything is recomputed from the bytes, and nothing is believed that could be.
//!
//! Shares the decoders with the rest of the engine and nothing else: not its index, not the writer's memory. Reads by
//! bounded positioned reads; takes no lock and writes nothing, so it works on a live store, a copy and a read-only
//! mount. Sealed segments come first: each is recomputed by itself (`segment`) and joined to the one before it
//! (`sealed`). Then the journal goes on from there: frames are hashed side by side (`part`) and taken in, in order
//! (`chain`). Each `heads` is held against what was recomputed (`heads`), in the order of commits (`timeline`). A
//! problem is noted with its place and the work goes on.

mod carried;
mod chain;
mod copies;
mod heads;
mod hints;
mod kept;
mod lines;
mod nearest;
mod order;
mod part;
mod report;
mod sealed;
mod segment;
mod single;
mod survey;
mod timeline;

pub use report::{ChainReport, Extent, PlaceInTime, Problem, ProblemKind, Report};
pub(crate) use single::check_segment;

use crate::disk::Disk;
use crate::error::Error;
use crate::format::commit::{self as payload, Commit, PayloadError};
use crate::format::journal::FrameType;
use crate::format::store_file::{StoreFile, StoreFileError};
use crate::identity;
use crate::journal::{self, Damage, Event, Frame, JournalReader};
use crate::model::{CONTROL_SERVICE, Window};
use crate::proof::Hasher;
use crate::threads;
use carried::{Carried, CarriedCommit};
use chain::Chains;
use hints::Hints;
use kept::Kept;
use part::Checked;
use sealed::Plan;
use std::io::ErrorKind::NotFound;
use std::time::Instant;
use survey::SealedChain as SurveyedChain;

/// What to verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// Chains to report on, all if empty. The control chain is always checked with them. Of other chains' segments only
    /// that their ends meet is checked.
    pub services: Vec<String>,
    /// Entries that `first`, `last`, `before` and `after` of the report are about. Of sealed segments, what lies outside
    /// is not recomputed; the journal and the control chain always are.
    pub window: Window,
    /// Hold every `heads` of sealed entries against the directory, not only the newest and the last of each day.
    pub all_heads: bool,
    /// Recompute nothing: CRCs, and that ends meet.
    pub quick: bool,
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
    let mut tries_left = TRIES;
    loop {
        match verify_once(disk, options, started, &mut progress) {
            // Beside a writer a file may go: what was in it is elsewhere by then.
            Err(Error::Io { source, .. }) if source.kind() == NotFound && tries_left > 0 => tries_left -= 1,
            Ok((report, surveyed))
                if !report.valid && tries_left > 0 && survey::has_moved(disk, &surveyed) =>
            {
                tries_left -= 1;
            }
            result => return result.map(|(report, _)| report),
        }
    }
}

/// Files may go as often as this while a store is verified.
const TRIES: u32 = 20;

fn verify_once(
    disk: &dyn Disk,
    options: &VerifyOptions,
    started: Instant,
    progress: &mut impl FnMut(u64),
) -> Result<(Report, Vec<SurveyedChain>), Error> {
    let mut report = Report::default();
    let Some(identity) = read_identity(disk, &mut report)? else {
        report.finish(started.elapsed());
        return Ok((report, Vec::new()));
    };
    let read_error = |error| Error::io("read", disk.display(journal::DIRECTORY), error);
    // Listed before the segments, and once for all who read it: what leaves the journal from then on is in one of them,
    // and what was carried before a file went is in another that was listed.
    let reader = JournalReader::new(disk, identity.id).map_err(read_error)?;
    let hints_reader = reader.clone();
    let mut chains = Chains::new(&identity, options.window);
    let surveyed = verify_sealed(disk, options, &identity, hints_reader, &mut chains, &mut report, progress)?;
    verify_journal(disk, options, reader, &mut chains, &mut report, progress)?;
    if chains.has_too_many {
        let detail = "more chains or lines than a store may have; what is beyond was not checked";
        report.note(Problem::new(ProblemKind::Extra, None, journal::DIRECTORY, detail));
    }
    report.chains = chains.finish();
    keep_services(options, &mut report);
    report.finish(started.elapsed());
    Ok((report, surveyed))
}

/// Segments, from the bytes that a store has sealed.
fn verify_sealed(
    disk: &dyn Disk,
    options: &VerifyOptions,
    identity: &StoreFile,
    journal: JournalReader<'_>,
    chains: &mut Chains,
    report: &mut Report,
    progress: &mut impl FnMut(u64),
) -> Result<Vec<SurveyedChain>, Error> {
    let kept = &Kept::new(disk);
    let plan = Plan { services: &options.services, window: options.window, is_quick: options.quick, kept };
    let surveyed = survey::survey(disk, identity)?;
    let has_any = surveyed.iter().any(|chain| !chain.segments.is_empty() || !chain.problems.is_empty());
    report.extent = match () {
        () if options.quick => Extent::Quick,
        () if has_any && !plan.is_whole() => Extent::Window,
        () => Extent::Whole,
    };
    if !has_any {
        return Ok(surveyed);
    }
    let mut hints = match options.quick {
        true => Hints::default(),
        false => hints::read(disk, &surveyed, journal)?,
    };
    chains.directory_known_until = hints::known_until(&surveyed, &hints);
    chains.timeline.told = std::mem::take(&mut hints.sealed);
    chains.begins_late = hints.first_frame.is_none_or(|first| first > 1);
    if plan.is_whole() {
        chains.timeline.cuts = hints::cuts(&hints.heads_times, options.all_heads);
    } else {
        // Where lines stood inside of segments is not recomputed, nor which of them began first.
        chains.is_directory_whole = false;
    }
    sealed::take_in(disk, &plan, &surveyed, &hints, chains, report, progress);
    Ok(surveyed)
}

/// What is behind the segments, and what the journal still holds of them.
fn verify_journal(
    disk: &dyn Disk,
    options: &VerifyOptions,
    mut reader: JournalReader<'_>,
    chains: &mut Chains,
    report: &mut Report,
    progress: &mut impl FnMut(u64),
) -> Result<(), Error> {
    let read_error = |error| Error::io("read", disk.display(journal::DIRECTORY), error);
    let mut hasher = Hasher::new();
    let carried = Carried::read(reader.clone()).map_err(read_error)?;
    let kept = &Kept::new(disk);
    let mut step = Step { is_quick: options.quick, carried, kept, frames: Vec::new(), bytes: 0 };
    let before = report.bytes;
    while let Some(event) = reader.next_event().map_err(read_error)? {
        match event {
            Event::Frame(frame) => {
                step.add(frame);
                if step.bytes >= STEP_BYTES_AIM {
                    step.take_in(chains, &mut hasher, report);
                    progress(before + reader.bytes_read());
                }
            }
            Event::Damage(damage) => {
                step.take_in(chains, &mut hasher, report);
                chains.note_damage(&damage);
                report.note(Problem::of_damage(&damage));
            }
            Event::End(tail) => {
                step.take_in(chains, &mut hasher, report);
                step.take_in_carried(chains, &mut hasher, report);
                report.torn_bytes = tail.torn_bytes;
            }
        }
    }
    if !options.quick {
        chains.settle_until(i64::MAX, &mut hasher);
        chains.refresh_directory(i64::MAX);
    }
    report.bytes += reader.bytes_read();
    progress(report.bytes);
    Ok(())
}

/// Keeps the chains that were asked for, and says which of these are not there.
fn keep_services(options: &VerifyOptions, report: &mut Report) {
    if options.services.is_empty() {
        return;
    }
    for service in &options.services {
        if !report.chains.iter().any(|chain| chain.service == *service) {
            let there = nearest::instead(service, report.chains.iter().map(|chain| &*chain.service));
            let detail = format!("expected a service that the store has, found {service:?}; it has {there}");
            report.note(Problem::new(ProblemKind::ChainMissing, Some(service), journal::DIRECTORY, detail));
        }
    }
    report
        .chains
        .retain(|chain| chain.service == CONTROL_SERVICE || options.services.contains(&chain.service));
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
struct Step<'k> {
    frames: Vec<Frame>,
    bytes: usize,
    /// Records and hashes are not looked at.
    is_quick: bool,
    /// What was carried to the journal's end, and comes before a frame that was not taken in yet.
    carried: Carried,
    kept: &'k Kept<'k>,
}

/// A commit to be taken in, and the frame that it is in.
struct Taken<'f> {
    frame: &'f Frame,
    logged_at: i64,
    commit: Commit<'f>,
}

impl Step<'_> {
    fn add(&mut self, frame: Frame) {
        self.bytes += frame.bytes.len();
        self.frames.push(frame);
    }

    /// Checks all frames, on every core, then takes them in, in order.
    fn take_in(&mut self, chains: &mut Chains, hasher: &mut Hasher, report: &mut Report) {
        let frames = std::mem::take(&mut self.frames);
        self.bytes = 0;
        // Each decoded frame behind what was carried from before it.
        let mut decoded: Vec<(Vec<CarriedCommit>, &Frame, Commit<'_>)> = Vec::with_capacity(frames.len());
        for frame in frames.iter().filter(|frame| frame.header.frame_type != FrameType::Stop) {
            match commit_in(frame) {
                Ok(None) => {}
                Ok(Some(commit)) => {
                    let logged_at = frame.header.logged_at;
                    let before = std::iter::from_fn(|| self.carried.next_before(logged_at)).collect();
                    self.carried.drop_copies(logged_at, &commit);
                    decoded.push((before, frame, commit));
                }
                Err(error) => {
                    let damage = damage_of(frame, error.to_string());
                    chains.note_damage(&damage);
                    report.note(Problem::of_damage(&damage));
                }
            }
        }
        let mut taken = Vec::with_capacity(decoded.len());
        for (before, frame, commit) in &mut decoded {
            taken.extend(before.iter().filter_map(of_carried));
            let commit = std::mem::take(commit);
            taken.push(Taken { frame, logged_at: frame.header.logged_at, commit });
        }
        self.take_in_order(&taken, chains, hasher, report);
    }

    /// Takes in what was carried and comes behind every frame.
    fn take_in_carried(&mut self, chains: &mut Chains, hasher: &mut Hasher, report: &mut Report) {
        let rest: Vec<CarriedCommit> = std::iter::from_fn(|| self.carried.next_before(i64::MAX)).collect();
        let taken: Vec<Taken<'_>> = rest.iter().filter_map(of_carried).collect();
        self.take_in_order(&taken, chains, hasher, report);
    }

    fn take_in_order(
        &self,
        taken: &[Taken<'_>],
        chains: &mut Chains,
        hasher: &mut Hasher,
        report: &mut Report,
    ) {
        // Lines and salt keys first: a later frame of this step may need them.
        taken.iter().for_each(|taken| chains.begin_lines(&taken.commit));
        if self.is_quick {
            taken.iter().for_each(|taken| chains.take_in_ends(taken.frame, taken.logged_at, &taken.commit));
            return;
        }
        let checked = check_side_by_side(taken, chains, self.kept);
        for (taken, checked) in taken.iter().zip(checked) {
            let (frame, logged_at) = (taken.frame, taken.logged_at);
            chains.take_in(frame, logged_at, &taken.commit, &checked, hasher, &mut report.problems);
        }
    }
}

/// What a frame commits; none for one that carries, which is looked at where its entries belong.
fn commit_in(frame: &Frame) -> Result<Option<Commit<'_>>, PayloadError> {
    let (parts, entries) = (frame.header.part_count, frame.header.entry_count);
    match frame.header.frame_type {
        FrameType::Commit => payload::decode(frame.payload(), parts, entries).map(Some),
        FrameType::Carry => payload::decode_carried(frame.payload(), parts, entries).map(|_| None),
        FrameType::Stop => Ok(None),
    }
}

fn of_carried(carried: &CarriedCommit) -> Option<Taken<'_>> {
    let first = carried.parts.first()?;
    Some(Taken { frame: &first.frame, logged_at: carried.logged_at, commit: carried.commit() })
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

/// Checks each commit by itself, on as many threads as there are cores; the results are in their order.
fn check_side_by_side(taken: &[Taken<'_>], chains: &Chains, kept: &Kept<'_>) -> Vec<Vec<Checked>> {
    threads::each(threads::count(), taken.iter(), |taken, hasher: &mut Hasher| {
        let parts = taken.commit.parts.iter();
        parts.map(|part| part::check(part, taken.logged_at, chains, kept, hasher)).collect()
    })
}
