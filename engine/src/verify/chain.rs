//! Takes checked parts in, in order: links, positions, lines, trees, times.
//!
//! Invariant: while `is_whole`, a chain's tree and lines hold exactly the leaves 0 .. `next_seq`. After a hole they
//! cannot be recomputed any more and are not claimed.

use super::heads;
use super::part::Checked;
use super::report::{ChainReport, PlaceInTime, Problem, ProblemKind, entries};
use crate::format::commit::{Commit, Part};
use crate::format::control::kind;
use crate::format::store_file::StoreFile;
use crate::hex;
use crate::journal::{self, Damage, Frame};
use crate::limits;
use crate::model::{Timestamp, Window};
use crate::proof::directory::{Directory, Slot};
use crate::proof::hashes::{self, DirectoryRow, RowKind};
use crate::proof::line::LineJob;
use crate::proof::tree::RightEdge;
use crate::proof::{Hash, Hasher, Key};
use std::collections::{BTreeMap, HashMap, HashSet};

/// All chains, as far as they were recomputed.
pub struct Chains {
    store_id: [u8; 16],
    store_name: String,
    window: Window,
    pub(super) by_service: BTreeMap<Box<str>, Chain>,
    pub(super) directory: Directory,
    /// The directory holds every row: no damage hid where a line began.
    pub(super) is_directory_whole: bool,
    last_logged_at: Option<i64>,
    line_count: usize,
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
    hole_count: u32,
    pub(super) slot: Option<Slot>,
    lines: HashMap<u32, Line, foldhash::fast::RandomState>,
    /// Tenants that have a line.
    tenants: HashSet<Box<str>, foldhash::fast::RandomState>,
    entry_count: u64,
    first: Option<PlaceInTime>,
    last: Option<PlaceInTime>,
    before: Option<PlaceInTime>,
    after: Option<PlaceInTime>,
    pub(super) problems: Vec<Problem>,
}

/// One tenant's line in one chain.
pub struct Line {
    pub tenant: Box<str>,
    pub key: Option<Key>,
    line_id: [u8; 16],
    next_tenant_seq: u64,
    digest: Hash,
    slot: Option<Slot>,
    /// Position of the first entry of the part in which it begins.
    begins_at: u64,
    /// Holes of the chain that this line's position takes into account.
    hole_count: u32,
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
            directory: Directory::default(),
            is_directory_whole: true,
            last_logged_at: None,
            line_count: 0,
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

    /// Learns the lines and salt keys that begin in a commit.
    pub fn begin_lines(&mut self, commit: &Commit<'_>) {
        for part in &commit.parts {
            if !self.by_service.contains_key(part.service) {
                if self.by_service.len() >= limits::CHAIN_COUNT_MAX {
                    self.has_too_many = true;
                    continue;
                }
                let chain = self.begin_chain(part.service);
                self.by_service.insert(part.service.into(), chain);
            }
            let Some(chain) = self.by_service.get_mut(part.service) else { continue };
            for line in &part.lines {
                if self.line_count >= limits::LINE_COUNT_MAX {
                    // Its entries are reported as without a salt key.
                    self.has_too_many = true;
                    break;
                }
                self.line_count += 1;
                let has_line = !chain.tenants.insert(line.tenant.into());
                if has_line || chain.lines.contains_key(&line.line) {
                    // A tenant has one line in a chain, and no others: a second one could hide entries from it.
                    let detail = format!("line {} of tenant {:?} begins again", line.line, line.tenant);
                    let problem =
                        Problem::new(ProblemKind::Duplicate, Some(part.service), journal::DIRECTORY, detail);
                    chain.report(problem.at(part.first_seq, part.end_seq() - 1));
                    continue;
                }
                if line.line as usize != chain.lines.len() && self.is_directory_whole {
                    let detail =
                        format!("expected line {} to begin, found line {}", chain.lines.len(), line.line);
                    let problem =
                        Problem::new(ProblemKind::Altered, Some(part.service), journal::DIRECTORY, detail);
                    chain.report(problem.at(part.first_seq, part.end_seq() - 1));
                }
                let line_id = hashes::line_id(&line.nonce, &chain.chain_id, line.tenant);
                let digest = hashes::line_start(&chain.chain_id, &line_id);
                let tenant = line.tenant.into();
                let begun = Line {
                    tenant,
                    key: None,
                    line_id,
                    next_tenant_seq: 0,
                    digest,
                    slot: None,
                    begins_at: part.first_seq,
                    hole_count: 0,
                };
                chain.lines.insert(line.line, begun);
            }
            for key in &part.keys {
                if let Some(line) = chain.lines.get_mut(&key.line) {
                    // One key a line: a second one must not explain entries that the first one salted.
                    line.key.get_or_insert(key.key);
                }
            }
        }
    }

    fn begin_chain(&self, service: &str) -> Chain {
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
            tenants: HashSet::default(),
            entry_count: 0,
            first: None,
            last: None,
            before: None,
            after: None,
            problems: Vec::new(),
        }
    }

    /// Takes one checked frame in.
    pub fn take_in(
        &mut self,
        frame: &Frame,
        commit: &Commit<'_>,
        checked: &[Checked],
        hasher: &mut Hasher,
        problems: &mut Vec<Problem>,
    ) {
        let file = journal::path(frame.journal);
        let logged_at = frame.header.logged_at;
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
        // A `heads` speaks of what was committed before it.
        let mut told_any = false;
        for (part, checked) in commit.parts.iter().zip(checked) {
            if part.kind == kind::HEADS {
                told_any = true;
                heads::check(self, part, checked, &file, hasher);
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
        let window = self.window;
        let damage = self.damage.as_ref();
        let Some(chain) = self.by_service.get_mut(part.service) else { return };
        let problem = |kind, detail: String| Problem::new(kind, Some(part.service), file, detail);
        let (first, last) = (part.first_seq, part.end_seq() - 1);
        if first > chain.next_seq {
            let (kind, place) = match damage {
                Some(damage) => (ProblemKind::Checksum, damage.file.as_str()),
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
            return;
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
        for (kind, index, detail) in &checked.findings {
            let seq = first + *index as u64;
            chain.report(problem(*kind, format!("entry {seq}: {detail}")).at(seq, seq));
        }
        chain.note_places(part, checked, logged_at, window);
        chain.entry_count += part.rows.len() as u64;
        chain.next_seq = part.end_seq();
        chain.prev = *part.leaf(part.rows.len() - 1);
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
            chain.slot = Some(self.directory.add(row));
        }
        chain.take_in_lines(part, checked, &leaves, file, &mut self.directory, hasher);
    }

    /// Brings the directory's rows up to what was recomputed.
    pub(super) fn refresh_directory(&mut self) {
        for chain in self.by_service.values() {
            if let Some(slot) = chain.slot {
                self.directory.set(slot, chain.edge.size(), chain.edge.root());
            }
            for line in chain.lines.values() {
                if let Some(slot) = line.slot {
                    self.directory.set(slot, line.next_tenant_seq, line.digest);
                }
            }
        }
    }

    /// The chains' reports, by service.
    pub fn finish(self) -> Vec<ChainReport> {
        self.by_service
            .into_iter()
            .map(|(service, chain)| ChainReport {
                service: service.into(),
                valid: chain.problems.is_empty(),
                size: chain.next_seq,
                entries: chain.entry_count,
                cleared: 0,
                pending: 0,
                first: chain.first,
                last: chain.last,
                before: chain.before,
                after: chain.after,
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
        let logged_at = Timestamp::from_nanos(logged_at);
        let place = |index: usize| PlaceInTime { seq: part.first_seq + index as u64, logged_at };
        let verified = |index: &usize| checked.is_verified[*index];
        let count = part.rows.len();
        if window.contains(logged_at) {
            self.first = self.first.or_else(|| (0..count).find(verified).map(place));
            self.last = (0..count).rev().find(verified).map(place).or(self.last);
        } else if window.from.is_some_and(|from| logged_at < from) {
            self.before = Some(place(count - 1));
        } else {
            self.after = self.after.or(Some(place(0)));
        }
    }

    /// Positions in lines, and the lines' digests.
    fn take_in_lines(
        &mut self,
        part: &Part<'_>,
        checked: &Checked,
        leaves: &[Hash],
        file: &str,
        directory: &mut Directory,
        hasher: &mut Hasher,
    ) {
        let mut by_line: Vec<(u32, u32)> =
            part.rows.iter().zip(0..).map(|(row, index)| (row.line, index)).collect();
        for (line, _) in &by_line {
            // Rows of the directory go in the order of the lines' first entries.
            if let Some(line) = self.lines.get_mut(line)
                && line.slot.is_none()
            {
                let (chain_id, line_id, digest) = (self.chain_id, line.line_id, line.digest);
                let row = DirectoryRow { kind: RowKind::Line, chain_id, line_id, size: 0, digest };
                line.slot = Some(directory.add(row));
            }
        }
        by_line.sort_unstable();
        let runs: Vec<&[(u32, u32)]> = by_line.chunk_by(|a, b| a.0 == b.0).collect();
        let mut gaps = Vec::new();
        let mut digests = Vec::with_capacity(runs.len());
        for run in &runs {
            let Some(line) = self.lines.get_mut(&run[0].0) else {
                digests.push([0; 32]);
                continue;
            };
            for (_, index) in *run {
                let index = *index as usize;
                if let Some(found) = checked.tenant_seqs[index]
                    && found != line.next_tenant_seq
                {
                    // The first position behind a hole of the chain tells what the hole swallowed of this line.
                    let is_explained = line.hole_count < self.hole_count && found > line.next_tenant_seq;
                    if !is_explained {
                        gaps.push((index, line.tenant.clone(), line.next_tenant_seq, found));
                    }
                    line.next_tenant_seq = found;
                }
                line.hole_count = self.hole_count;
                line.next_tenant_seq = line.next_tenant_seq.saturating_add(1);
            }
            digests.push(line.digest);
        }
        for (index, tenant, expected, found) in gaps {
            let seq = part.first_seq + index as u64;
            let detail = format!(
                "entry {seq}: expected entry {expected} of tenant {tenant:?}, found its entry {found}"
            );
            let problem = Problem::new(ProblemKind::TenantGap, Some(part.service), file, detail);
            self.report(problem.at(seq, seq));
        }
        let jobs = runs.iter().zip(&mut digests).map(|(run, digest)| LineJob::new(run, leaves, digest));
        hasher.run(jobs);
        for (run, digest) in runs.iter().zip(digests) {
            if let Some(line) = self.lines.get_mut(&run[0].0) {
                line.digest = digest;
            }
        }
    }
}
