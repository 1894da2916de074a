//! Takes checked parts in, in order: links, positions, lines, trees, times.
//!
//! Invariant: while `is_whole`, a chain's tree and lines hold exactly the leaves 0 .. `next_seq`. After a hole they
//! cannot be recomputed any more and are not claimed.

use super::heads;
use super::part::Checked;
use super::report::{ChainReport, PlaceInTime, Problem, ProblemKind, entries};
use super::segment::{Copies, Places};
use super::timeline::Timeline;
use crate::format::commit::{Commit, Part};
use crate::format::control::kind;
use crate::format::store_file::StoreFile;
use crate::hex;
use crate::journal::{self, Damage, Frame};
use crate::model::{CONTROL_SERVICE, Timestamp, Window};
use crate::proof::directory::Slot;
use crate::proof::hashes::{self, DirectoryRow, RowKind};
use crate::proof::tree::RightEdge;
use crate::proof::{Hash, Hasher, Key};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// All chains, as far as they were recomputed.
pub struct Chains {
    pub(super) store_id: [u8; 16],
    store_name: String,
    window: Window,
    pub(super) by_service: BTreeMap<Box<str>, Chain>,
    pub(super) timeline: Timeline,
    /// The directory holds every row: no damage hid where a line began.
    pub(super) is_directory_whole: bool,
    /// Commit time from which on entries may be missing, that rows of the directory began or grew with: from then on it is
    /// held against nothing.
    pub(super) directory_known_until: i64,
    /// Chains that heads name and that are not there: the newest that was said of each.
    pub(super) missing: BTreeMap<String, Problem>,
    last_logged_at: Option<i64>,
    pub(super) line_count: usize,
    /// The journal's first frame is not the store's: what was before is sealed.
    pub(super) begins_late: bool,
    /// More chains or lines than a store may have: what is beyond is not checked.
    pub(super) has_too_many: bool,
    /// The newest damage, to say what hides missing entries.
    damage: Option<Damage>,
}

/// One chain, as far as it was recomputed.
pub struct Chain {
    pub chain_id: [u8; 16],
    pub(super) next_seq: u64,
    pub(super) prev: Hash,
    pub(super) edge: RightEdge,
    pub(super) is_whole: bool,
    /// Holes met so far: each may have swallowed entries of any line.
    pub(super) hole_count: u32,
    pub(super) slot: Option<Slot>,
    pub(super) lines: HashMap<u32, Line, foldhash::fast::RandomState>,
    /// Tenants that have a line, and its number.
    pub(super) tenants: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
    pub(super) entry_count: u64,
    /// Position behind the last sealed entry, and its commit time.
    pub(super) sealed_end: u64,
    pub(super) sealed_until: Option<i64>,
    /// Commit time of the last sealed entry that was taken in.
    pub(super) last_sealed_at: Option<i64>,
    /// Its slot in the directory, as segments say.
    pub(super) first_slot: Option<Slot>,
    /// Times of heads that segments contradicted.
    pub(super) disputed: BTreeSet<i64>,
    pub(super) copies: Vec<Copies>,
    /// It, or a line of it, grew in the journal since the directory was brought up to date.
    pub(super) changed: Option<Vec<u32>>,
    pub(super) recomputed: u64,
    pub(super) places: Places,
    /// What the first `heads` that says more of its size than is there found, up to what the newest says.
    pub(super) rollback: Option<Problem>,
    pub(super) problems: Vec<Problem>,
}

/// One tenant's line in one chain.
pub struct Line {
    pub tenant: Box<str>,
    pub(super) nonce: [u8; 16],
    /// Salt keys, each from a position of the chain on.
    pub(super) keys: Vec<(u64, Key)>,
    pub(super) line_id: [u8; 16],
    pub(super) next_tenant_seq: u64,
    pub(super) digest: Hash,
    pub(super) slot: Option<Slot>,
    /// Position of the first entry of the part in which it begins.
    pub(super) begins_at: u64,
    /// Holes of the chain that this line's position takes into account.
    pub(super) hole_count: u32,
    pub(super) is_sealed: bool,
    /// Its slot in the directory, as a segment says.
    pub(super) stated_slot: Option<Slot>,
}

impl Line {
    /// The salt key of an entry: the newest that holds from its position, or one before, on.
    pub fn key_at(&self, seq: u64) -> Option<Key> {
        let at = self.keys.partition_point(|(from, _)| *from <= seq).checked_sub(1)?;
        self.keys.get(at).map(|(_, key)| *key)
    }
}

/// More problems of one chain than this are counted and not listed: a report is for a person.
const PROBLEM_COUNT_MAX: usize = 1_000;

impl Chain {
    /// A line that began at or before entry `seq`.
    pub fn line(&self, line: u32, seq: u64) -> Option<&Line> {
        self.lines.get(&line).filter(|line| line.begins_at <= seq)
    }

    pub(super) fn report(&mut self, problem: Problem) {
        match self.problems.len() {
            0..PROBLEM_COUNT_MAX => self.problems.push(problem),
            PROBLEM_COUNT_MAX => self.problems.push(Problem {
                detail: "more problems follow in this chain and are not listed".to_owned(),
                ..problem
            }),
            _ => {}
        }
    }
}

impl Chains {
    pub fn new(identity: &StoreFile, window: Window) -> Chains {
        Chains {
            store_id: identity.id,
            store_name: identity.name.as_str().to_owned(),
            window,
            by_service: BTreeMap::new(),
            timeline: Timeline::default(),
            is_directory_whole: true,
            directory_known_until: i64::MAX,
            missing: BTreeMap::new(),
            last_logged_at: None,
            line_count: 0,
            begins_late: false,
            has_too_many: false,
            damage: None,
        }
    }

    pub fn find(&self, service: &str) -> Option<&Chain> {
        self.by_service.get(service)
    }

    /// Remembers damage: what follows it may show which entries it swallowed.
    pub fn note_damage(&mut self, damage: &Damage) {
        if damage.lost.is_some() {
            self.is_directory_whole = false;
        }
        self.damage = Some(damage.clone());
    }

    pub(super) fn begin_chain(&self, service: &str) -> Chain {
        let origin = hashes::origin(&self.store_name, service);
        Chain {
            chain_id: hashes::chain_id(&origin),
            next_seq: 0,
            prev: hashes::genesis(&self.store_id, &origin),
            edge: RightEdge::default(),
            is_whole: true,
            hole_count: 0,
            slot: None,
            lines: HashMap::default(),
            tenants: HashMap::default(),
            entry_count: 0,
            sealed_end: 0,
            sealed_until: None,
            last_sealed_at: None,
            first_slot: None,
            disputed: BTreeSet::new(),
            copies: Vec::new(),
            changed: None,
            recomputed: 0,
            places: Places::default(),
            rollback: None,
            problems: Vec::new(),
        }
    }

    /// Takes one checked frame in.
    pub fn take_in(
        &mut self,
        frame: &Frame,
        logged_at: i64,
        commit: &Commit<'_>,
        checked: &[Checked],
        hasher: &mut Hasher,
        problems: &mut Vec<Problem>,
    ) {
        let file = journal::path(frame.journal);
        if self.last_logged_at.is_some_and(|last| logged_at <= last) {
            let detail = format!(
                "frame {}: expected a commit time after {}, found {}",
                frame.header.number,
                Timestamp::from_nanos(self.last_logged_at.unwrap_or_default()),
                Timestamp::from_nanos(logged_at)
            );
            for part in &commit.parts {
                if let Some(chain) = self.by_service.get_mut(part.service) {
                    let problem = Problem::new(ProblemKind::Time, Some(part.service), &*file, &*detail);
                    chain.report(problem.at(part.first_seq, part.end_seq() - 1));
                }
            }
        }
        self.last_logged_at = self.last_logged_at.max(Some(logged_at));
        self.settle_until(logged_at, hasher);
        // A `heads` speaks of what was committed before it.
        let mut told_any = false;
        for (part, checked) in commit.parts.iter().zip(checked) {
            if part.kind == kind::HEADS {
                told_any = true;
                // One that is sealed was settled when its time came.
                let is_sealed =
                    self.find(part.service).is_some_and(|chain| part.end_seq() <= chain.sealed_end);
                if !is_sealed {
                    heads::check(self, part, logged_at, checked, &file, hasher);
                }
            }
        }
        if told_any && commit.parts.len() > 1 {
            let detail = format!("frame {}: heads is a commit of its own", frame.header.number);
            problems.push(Problem::new(ProblemKind::Extra, None, &*file, detail));
        }
        for (part, checked) in commit.parts.iter().zip(checked) {
            self.take_in_part(&file, logged_at, part, checked, hasher);
        }
    }

    fn take_in_part(
        &mut self,
        file: &str,
        logged_at: i64,
        part: &Part<'_>,
        checked: &Checked,
        hasher: &mut Hasher,
    ) {
        let sealed_end = self.find(part.service).map_or(0, |chain| chain.sealed_end);
        let copied = usize::try_from(sealed_end.saturating_sub(part.first_seq)).unwrap_or(usize::MAX);
        if copied > 0 {
            let Some(chain) = self.by_service.get_mut(part.service) else { return };
            chain.compare_copies(part, checked, copied.min(part.rows.len()), file);
            if copied < part.rows.len() {
                self.take_in_new(file, logged_at, &part.behind(copied), &checked.behind(copied), hasher);
            }
        } else {
            self.take_in_new(file, logged_at, part, checked, hasher);
        }
    }

    /// Takes a frame in without looking at what is hashed: positions and links meet.
    pub fn take_in_ends(&mut self, frame: &Frame, logged_at: i64, commit: &Commit<'_>) {
        let file = journal::path(frame.journal);
        for part in &commit.parts {
            let sealed_end = self.find(part.service).map_or(0, |chain| chain.sealed_end);
            let copied = usize::try_from(sealed_end.saturating_sub(part.first_seq)).unwrap_or(usize::MAX);
            if copied >= part.rows.len() {
                continue;
            }
            if let Some(chain) = self.by_service.get_mut(part.service) {
                // Its tree is not grown.
                chain.is_whole = false;
            }
            let behind = (copied > 0).then(|| part.behind(copied));
            self.meet(&file, logged_at, behind.as_ref().unwrap_or(part));
        }
    }

    /// Holds a part against where its chain stands, and goes on behind it; false if it is left out.
    fn meet(&mut self, file: &str, logged_at: i64, part: &Part<'_>) -> bool {
        let begins_late = self.begins_late;
        let damage = self.damage.as_ref();
        let Some(chain) = self.by_service.get_mut(part.service) else { return false };
        let problem = |kind, detail: String| Problem::new(kind, Some(part.service), file, detail);
        let (first, last) = (part.first_seq, part.end_seq() - 1);
        if first > chain.next_seq {
            let (kind, place) = match damage {
                Some(damage) => (ProblemKind::Checksum, damage.file.as_str()),
                // Entries whose journal files went because a segment held them.
                None if begins_late && chain.next_seq == chain.sealed_end => {
                    (ProblemKind::SegmentMissing, file)
                }
                None => (ProblemKind::Missing, file),
            };
            let detail = format!("the chain lacks {}", entries(chain.next_seq, first - 1));
            chain.report(Problem::new(kind, Some(part.service), place, detail).at(chain.next_seq, first - 1));
            chain.is_whole = false;
            chain.hole_count += 1;
        } else if first < chain.next_seq {
            let kind = if last < chain.next_seq { ProblemKind::Duplicate } else { ProblemKind::Reordered };
            let detail = format!("expected entry {}, found {} again", chain.next_seq, entries(first, last));
            chain.report(problem(kind, detail).at(first, last));
            return false;
        } else if part.prev != chain.prev {
            let detail = format!(
                "entry {first} is linked to another leaf than {}",
                if first == 0 {
                    "the genesis of its chain".to_owned()
                } else {
                    format!("that of entry {}", first - 1)
                }
            );
            chain.report(problem(ProblemKind::Altered, detail).at(first, first));
        }
        if chain.next_seq == chain.sealed_end && chain.sealed_until.is_some_and(|until| logged_at < until) {
            let detail = format!(
                "expected a commit time not before {}, that of entry {}, found {}",
                Timestamp::from_nanos(chain.sealed_until.unwrap_or_default()),
                chain.sealed_end.saturating_sub(1),
                Timestamp::from_nanos(logged_at)
            );
            chain.report(problem(ProblemKind::Time, detail).at(first, last));
        }
        chain.entry_count += part.rows.len() as u64;
        chain.next_seq = part.end_seq();
        chain.prev = *part.leaf(part.rows.len() - 1);
        true
    }

    /// Takes entries in that no segment holds.
    fn take_in_new(
        &mut self,
        file: &str,
        logged_at: i64,
        part: &Part<'_>,
        checked: &Checked,
        hasher: &mut Hasher,
    ) {
        self.begin_rows_before(logged_at, part.service);
        if !self.meet(file, logged_at, part) {
            return;
        }
        let window = self.window;
        let Some(chain) = self.by_service.get_mut(part.service) else { return };
        for (kind, index, detail) in &checked.findings {
            let seq = part.first_seq + *index as u64;
            let detail = format!("entry {seq}: {detail}");
            chain.report(Problem::new(*kind, Some(part.service), file, detail).at(seq, seq));
        }
        chain.note_places(part, checked, logged_at, window);
        let leaves: Vec<Hash> = (0..part.rows.len()).map(|index| *part.leaf(index)).collect();
        if chain.is_whole {
            chain.edge.extend(&leaves, hasher);
        }
        if chain.slot.is_none() {
            let row = DirectoryRow {
                kind: RowKind::Chain,
                chain_id: chain.chain_id,
                line_id: [0; 16],
                size: 0,
                digest: hashes::empty_root(),
            };
            chain.slot = Some(self.timeline.directory.add(row));
        }
        chain.recomputed += part.rows.len() as u64;
        chain.take_in_lines(part, checked, &leaves, file, &mut self.timeline.directory, hasher);
    }

    /// The chains' reports, by service.
    pub fn finish(mut self) -> Vec<ChainReport> {
        // Every heads behind a loss says it again: it is told once.
        for chain in self.by_service.values_mut() {
            let Some(problem) = chain.rollback.take() else { continue };
            let is_same = |other: &&mut Problem| {
                let reaches = other.last_seq >= problem.last_seq;
                other.kind == ProblemKind::SegmentMissing && other.first_seq == problem.first_seq && reaches
            };
            match chain.problems.iter_mut().find(is_same) {
                Some(other) => other.detail.push_str(heads::NOT_COMPARED),
                None => chain.report(problem),
            }
        }
        if let Some(control) = self.by_service.get_mut(CONTROL_SERVICE) {
            std::mem::take(&mut self.missing).into_values().for_each(|problem| control.report(problem));
        }
        let place = |place: Option<(u64, i64)>| {
            place.map(|(seq, logged_at)| PlaceInTime { seq, logged_at: Timestamp::from_nanos(logged_at) })
        };
        self.by_service
            .into_iter()
            .map(|(service, chain)| ChainReport {
                service: service.into(),
                valid: chain.problems.is_empty(),
                size: chain.next_seq,
                entries: chain.entry_count,
                cleared: 0,
                pending: 0,
                first: place(chain.places.first),
                last: place(chain.places.last),
                before: place(chain.places.before),
                after: place(chain.places.after),
                recomputed: chain.recomputed,
                anchored_until: None,
                unsigned: chain.next_seq,
                head: (chain.next_seq > 0).then(|| hex::encode(&chain.prev)),
                root: chain.is_whole.then(|| hex::encode(&chain.edge.root())),
                problems: chain.problems,
            })
            .collect()
    }
}

impl Chain {
    /// First and last verified entry of the window, and its neighbours.
    fn note_places(&mut self, part: &Part<'_>, checked: &Checked, logged_at: i64, window: Window) {
        let place = |index: usize| (part.first_seq + index as u64, logged_at);
        let time = Timestamp::from_nanos(logged_at);
        let verified = |index: &usize| checked.is_verified[*index];
        let count = part.rows.len();
        let places = &mut self.places;
        if window.contains(time) {
            places.first = places.first.or_else(|| (0..count).find(verified).map(place));
            places.last = (0..count).rev().find(verified).map(place).or(places.last);
        } else if window.from.is_some_and(|from| time < from) {
            places.before = Some(place(count - 1));
        } else {
            places.after = places.after.or(Some(place(0)));
        }
    }
}
