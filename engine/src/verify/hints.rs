//! What the journal and the control chain say of the rest, read before anything is verified: where to look, and no more.
//!
//! Every `heads` says where chains stood. Which entries that is about has to be known while segments are recomputed,
//! because their leaves are not kept. A hint that is not what was committed is found when its own chain is verified.

use super::segment::Claim;
use super::survey::SealedChain;
use crate::disk::Disk;
use crate::error::Error;
use crate::format::commit::{self as payload, Part};
use crate::format::control::{Heads, kind};
use crate::format::journal::FrameType;
use crate::format::record;
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::journal::{self, Event, JournalReader};
use crate::model::CONTROL_SERVICE;
use crate::segment::view::{Column, Cursors, View};
use std::collections::{BTreeMap, VecDeque};

/// A `heads`, as its commit has it.
pub struct Told {
    /// Commit time: it speaks of entries before.
    pub logged_at: i64,
    /// Where it lies.
    pub file: String,
    /// Its records, with their positions.
    pub records: Vec<(u64, Heads)>,
}

/// What was read.
#[derive(Default)]
pub struct Hints {
    /// Those of sealed control entries, by time.
    pub sealed: VecDeque<Told>,
    /// Commit times of all, ascending.
    pub heads_times: Vec<i64>,
    /// What they say of each chain, by time.
    pub claims: BTreeMap<String, Vec<Claim>>,
    /// The first position of each chain that the journal holds.
    pub journal_first: BTreeMap<String, u64>,
    /// The oldest commit time in the journal.
    pub journal_begins: Option<i64>,
    /// Number of the journal's first frame.
    pub first_frame: Option<u64>,
}

impl Hints {
    fn add(&mut self, logged_at: i64, seq: u64, heads: &Heads) {
        self.heads_times.push(logged_at);
        for chain in &heads.chains {
            let claim = Claim { before: logged_at, heads: seq, size: chain.size, leaf: chain.leaf };
            self.claims.entry(chain.service.clone()).or_default().push(claim);
        }
    }
}

/// Reads the hints of a store that has segments.
///
/// # Errors
/// The disk's.
pub fn read(disk: &dyn Disk, chains: &[SealedChain], journal: JournalReader<'_>) -> Result<Hints, Error> {
    let mut hints = Hints::default();
    let control = chains.iter().find(|chain| chain.service == CONTROL_SERVICE);
    for sealed in control.map(|chain| chain.segments.as_slice()).unwrap_or_default() {
        // What does not read is found when the segment is verified.
        let Ok(bytes) = sealed.read_whole(disk) else { continue };
        let view = View::new(&bytes, &sealed.footer);
        let mut found = Vec::new();
        if heads_in(&view, &mut found).is_ok() {
            for (logged_at, seq, heads) in found {
                hints.add(logged_at, seq, &heads);
                match hints.sealed.back_mut() {
                    Some(last) if last.logged_at == logged_at => last.records.push((seq, heads)),
                    _ => hints.sealed.push_back(Told {
                        logged_at,
                        file: sealed.path.clone(),
                        records: vec![(seq, heads)],
                    }),
                }
            }
        }
    }
    hints.sealed.make_contiguous().sort_by_key(|told| told.logged_at);
    let sealed_end = control.and_then(|chain| chain.segments.last()).map_or(0, |last| last.footer.end_seq());
    read_journal(disk, journal, sealed_end, &mut hints)?;
    hints.heads_times.sort_unstable();
    hints.heads_times.dedup();
    hints.claims.values_mut().for_each(|claims| claims.sort_by_key(|claim| claim.before));
    Ok(hints)
}

/// Every `heads` of a control segment: commit time, position, what it says.
fn heads_in(view: &View<'_>, found: &mut Vec<(i64, u64, Heads)>) -> Result<(), SegmentError> {
    let Some(Column::Numbers(kinds)) = view.column(Field::Kind)? else { return Ok(()) };
    let mut cursors = Cursors::default();
    let mut bytes = Vec::new();
    for row in 0..view.footer().entry_count {
        let place = view.place_of(row)?;
        if kinds.get(place) != u64::from(kind::HEADS) {
            continue;
        }
        let (run, index) = view.run_at(place)?;
        let head = view.head(place, run, index)?;
        bytes.clear();
        view.record(place, &head, &mut cursors, &mut bytes)?;
        let control = record::decode(&bytes).ok().and_then(|record| record.control.map(Heads::decode));
        if let Some(Ok(heads)) = control {
            found.push((head.logged_at, head.seq, heads));
        }
    }
    Ok(())
}

/// The commit time from which on entries may be missing, as files and what heads say of chains tell: the directory is
/// known up to it.
pub fn known_until(chains: &[SealedChain], hints: &Hints) -> i64 {
    let mut known_until = i64::MAX;
    let mut sealed = BTreeMap::new();
    for chain in chains {
        let (mut end, mut time) = (0, i64::MIN);
        for own in &chain.segments {
            if own.is_behind_hole {
                known_until = known_until.min(time);
            }
            (end, time) = (own.footer.end_seq(), own.footer.logged_at.1);
        }
        sealed.insert(chain.service.as_str(), (end, time));
    }
    // Where a chain's segments end, the journal goes on, or nothing was committed.
    for service in hints.claims.keys().chain(hints.journal_first.keys()) {
        let (end, time) = sealed.get(service.as_str()).copied().unwrap_or((0, i64::MIN));
        let claims = hints.claims.get(service).map(Vec::as_slice).unwrap_or_default();
        let is_known = match hints.journal_first.get(service) {
            Some(first) => *first <= end,
            None => claims.iter().all(|claim| claim.size <= end),
        };
        if !is_known {
            known_until = known_until.min(time);
        }
    }
    known_until
}

fn read_journal(
    disk: &dyn Disk,
    mut reader: JournalReader<'_>,
    sealed_end: u64,
    hints: &mut Hints,
) -> Result<(), Error> {
    let read_error = |error| Error::io("read", disk.display(journal::DIRECTORY), error);
    while let Some(event) = reader.next_event().map_err(read_error)? {
        let Event::Frame(frame) = event else { continue };
        hints.first_frame.get_or_insert(frame.header.number.get());
        let logged_at = frame.header.logged_at;
        let (count, entries) = (frame.header.part_count, frame.header.entry_count);
        let parts: Vec<(i64, Part<'_>)> = match frame.header.frame_type {
            FrameType::Stop => continue,
            FrameType::Commit => {
                let Ok(commit) = payload::decode(frame.payload(), count, entries) else { continue };
                commit.parts.into_iter().map(|part| (logged_at, part)).collect()
            }
            FrameType::Carry => {
                let Ok(parts) = payload::decode_carried(frame.payload(), count, entries) else { continue };
                parts
            }
        };
        for (logged_at, part) in &parts {
            let begins = hints.journal_begins.get_or_insert(*logged_at);
            *begins = (*logged_at).min(*begins);
            let first = hints.journal_first.entry(part.service.to_owned()).or_insert(part.first_seq);
            *first = part.first_seq.min(*first);
            // Those that are sealed were read from there.
            if part.kind != kind::HEADS || part.service != CONTROL_SERVICE || part.end_seq() <= sealed_end {
                continue;
            }
            for index in 0..part.rows.len() {
                let control =
                    record::decode(part.record(index)).ok().and_then(|own| own.control.map(Heads::decode));
                if let Some(Ok(heads)) = control {
                    hints.add(*logged_at, part.first_seq + index as u64, &heads);
                }
            }
        }
    }
    Ok(())
}

/// Times at which the directory is recomputed although segments go beyond: the newest heads and the last of each day
/// (UTC), or all.
pub fn cuts(heads_times: &[i64], all: bool) -> Vec<i64> {
    const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;
    let is_last_of_day = |index: usize, time: i64| {
        heads_times.get(index + 1).is_none_or(|next| next.div_euclid(DAY_NS) != time.div_euclid(DAY_NS))
    };
    let times = heads_times.iter().copied().enumerate();
    times.filter(|(index, time)| all || is_last_of_day(*index, *time)).map(|(_, time)| time).collect()
}
