//! Sealed segments, one after the other: where one ends the next begins.
//!
//! Segments are checked by themselves, several at once or a large one on all cores, in the order of their first commit
//! times. So heads can be settled as soon as everything before them was seen, and little has to wait.

use super::chain::{Chains, Line};
use super::hints::Hints;
use super::kept::Kept;
use super::report::{Problem, ProblemKind, Report};
use super::segment::{self, Claim, Depth, Finding, Job, Outcome};
use super::survey::{Sealed, SealedChain};
use super::timeline::Standing;
use crate::disk::Disk;
use crate::format::segment::TenantRow;
use crate::limits;
use crate::model::{CONTROL_SERVICE, Window};
use crate::proof::hashes;
use crate::proof::{Hash, Hasher};
use crate::threads;
use std::sync::Arc;

/// What is to be recomputed.
pub struct Plan<'p> {
    pub services: &'p [String],
    pub window: Window,
    pub is_quick: bool,
    pub kept: &'p Kept<'p>,
}

impl Plan<'_> {
    /// Everything of the store is recomputed.
    pub fn is_whole(&self) -> bool {
        !self.is_quick && self.services.is_empty() && self.window.is_everything()
    }

    fn depth(&self, service: &str, sealed: &Sealed) -> Depth {
        let (first, last) = sealed.footer.logged_at;
        let is_before = self.window.from.is_some_and(|from| last < from.nanos());
        let is_behind = self.window.to.is_some_and(|to| first >= to.nanos());
        if self.is_quick {
            Depth::Bytes
        } else if service == CONTROL_SERVICE || self.is_whole() {
            Depth::Whole
        } else if is_before
            || is_behind
            || !self.services.is_empty() && !self.services.iter().any(|own| own == service)
        {
            Depth::Ends
        } else if self.window.is_everything() {
            Depth::Whole
        } else {
            Depth::Window
        }
    }
}

/// Segments are checked side by side, each on one core: so many for each thread, so that none waits long for the others.
/// As many are in memory at once as there are threads.
const WAVE_SEGMENTS: usize = 4;
/// Segments of fewer entries count less than others: a wave has up to so many times more of them.
const SMALL_ROWS: u32 = 4096;
const SMALL_SEGMENTS: usize = 16;
/// Entries of a wave, if it has more than one segment for each thread.
const WAVE_ROWS: u64 = 1 << 20;

/// Checks all segments and takes them in.
pub fn take_in(
    disk: &dyn Disk,
    plan: &Plan<'_>,
    sealed: &[SealedChain],
    hints: &Hints,
    chains: &mut Chains,
    report: &mut Report,
    mut progress: impl FnMut(u64),
) {
    let mut order: Vec<(&SealedChain, &Sealed, usize)> = Vec::new();
    for chain in sealed {
        begin_chain(chain, chains, report);
        order.extend(chain.segments.iter().enumerate().map(|(index, own)| (chain, own, index)));
    }
    order.sort_by(|(_, a, i), (_, b, j)| (a.order, i).cmp(&(b.order, j)));
    chains.timeline.sealed_until = order.iter().map(|(_, own, _)| own.footer.logged_at.1).max();
    let threads = threads::count();
    let journal_begins = hints.journal_begins.unwrap_or(i64::MAX);
    let mut hasher = Hasher::new();
    let cuts = chains.timeline.cuts.clone();
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let (wave, behind) = rest.split_at(wave_of(rest, threads));
        rest = behind;
        let inner = if wave.len() < threads { threads } else { 1 };
        let outcomes = threads::each(threads, wave.iter(), |(chain, own, _), _: &mut ()| {
            let claims = hints.claims.get(&chain.service).map(Vec::as_slice).unwrap_or_default();
            let job = Job {
                sealed: own,
                service: &chain.service,
                depth: plan.depth(&chain.service, own),
                kept: Some(plan.kept),
                window: plan.window,
                cuts: &cuts,
                claims: claims_of(own, claims),
                heads_times: &hints.heads_times,
                copies_from: hints
                    .journal_first
                    .get(&chain.service)
                    .copied()
                    .filter(|first| *first < own.footer.end_seq()),
            };
            segment::check(disk, &job, inner)
        });
        for ((chain, own, _), outcome) in wave.iter().zip(outcomes) {
            report.bytes += outcome.bytes;
            join(chains, &chain.service, own, outcome);
        }
        progress(report.bytes);
        if !plan.is_quick {
            // Everything before the next segment's entries was seen, but for the journal's.
            let until = rest.first().map_or(i64::MAX, |(_, next, _)| next.order).min(journal_begins);
            chains.settle_until(until, &mut hasher);
            let next_told = chains.timeline.told.front().map_or(until, |told| told.logged_at.min(until));
            chains.begin_rows_before(next_told, "");
            chains.stand_until(next_told);
        }
    }
}

/// How many of the first segments are checked at once.
fn wave_of(rest: &[(&SealedChain, &Sealed, usize)], threads: usize) -> usize {
    let (mut count, mut rows) = (0, 0);
    for (_, own, _) in rest.iter().take(threads * SMALL_SEGMENTS) {
        let own_rows = own.footer.entry_count;
        rows += u64::from(own_rows);
        let is_full = rows > WAVE_ROWS && count >= threads;
        if is_full || own_rows >= SMALL_ROWS && count >= threads * WAVE_SEGMENTS {
            break;
        }
        count += 1;
    }
    count.max(1)
}

/// Claims about entries up to a segment's end.
fn claims_of<'c>(own: &Sealed, claims: &'c [Claim]) -> &'c [Claim] {
    let after = own.footer.logged_at.0;
    let is_first = own.footer.first_seq == 0;
    let from = if is_first { 0 } else { claims.partition_point(|claim| claim.before <= after) };
    let to = claims.partition_point(|claim| claim.before <= own.until);
    claims.get(from..to).unwrap_or_default()
}

fn begin_chain(sealed: &SealedChain, chains: &mut Chains, report: &mut Report) {
    report.bytes += sealed.bytes;
    let has_chain = !sealed.segments.is_empty() || sealed.problems.iter().any(|own| own.service.is_some());
    if !has_chain || !chains.begin_chain_of(&sealed.service) {
        sealed.problems.iter().for_each(|problem| report.note(problem.clone()));
        return;
    }
    let Some(chain) = chains.by_service.get_mut(&*sealed.service) else { return };
    sealed.problems.iter().for_each(|problem| chain.report(problem.clone()));
    chain.sealed_until = sealed.segments.last().map(|last| last.footer.logged_at.1);
    if sealed.has_hole {
        chain.is_whole = false;
        chains.is_directory_whole = false;
    }
}

/// Takes one segment in: holds where it begins against where the chain stands.
fn join(chains: &mut Chains, service: &str, own: &Sealed, outcome: Outcome) {
    let footer = &own.footer;
    let is_sound = outcome.is_whole || outcome.is_stated;
    let has_hole = own.is_behind_hole;
    chains.is_directory_whole &= is_sound && !has_hole;
    let room = limits::LINE_COUNT_MAX.saturating_sub(chains.line_count);
    let Some(chain) = chains.by_service.get_mut(service) else { return };
    let at_start = |kind, detail: String| {
        Problem::new(kind, Some(service), &*own.path, detail).at(footer.first_seq, footer.first_seq)
    };
    if has_hole {
        chain.hole_count += 1;
        chain.is_whole = false;
    } else {
        if footer.prev != chain.prev {
            let before = match footer.first_seq.checked_sub(1) {
                None => "the genesis of its chain".to_owned(),
                Some(before) => format!("that of entry {before}"),
            };
            let detail = format!("entry {} is linked to another leaf than {before}", footer.first_seq);
            chain.report(at_start(ProblemKind::Altered, detail));
        }
        if footer.opening_edge != chain.edge.subtrees() {
            let detail = "its tree goes on from another than the one before it".to_owned();
            chain.report(at_start(ProblemKind::Altered, detail));
        }
    }
    if let Some(last) = chain.last_sealed_at
        && footer.logged_at.0 < last
    {
        let (expected, found) = (chain_time(last), chain_time(footer.logged_at.0));
        let detail = format!("expected a commit time not before {expected}, found {found}");
        chain.report(at_start(ProblemKind::Time, detail));
    }
    chain.last_sealed_at = chain.last_sealed_at.max(Some(footer.logged_at.1));
    for Finding { kind, first_seq, last_seq, detail } in outcome.findings {
        chain.report(Problem::new(kind, Some(service), &*own.path, detail).at(first_seq, last_seq));
    }
    chain.disputed.extend(outcome.disputed);
    chain.is_whole &= is_sound;
    chain.entry_count += u64::from(footer.entry_count);
    chain.recomputed += outcome.recomputed;
    chain.next_seq = footer.end_seq();
    chain.sealed_end = footer.end_seq();
    (chain.prev, chain.edge) = (outcome.head, outcome.edge);
    note_places(chain, &outcome.places);
    let is_kept = outcome.copies.is_some();
    chain.copies.extend(outcome.copies);

    let mut joining = Joining { service, own, problems: Vec::new(), begins: Vec::new() };
    let numbers =
        joining.new_numbers(chain.lines.len(), &outcome.tenants, &outcome.first_rows, chain.hole_count);
    let mut added = 0;
    for (index, (row, digest)) in outcome.tenants.iter().zip(&outcome.digests).enumerate() {
        let known = chain.tenants.get(row.tenant.as_str()).copied();
        let line = match known {
            Some(number) => {
                let Some(line) = chain.lines.get_mut(&number) else { continue };
                joining.go_on(line, number, row, chain.hole_count);
                line
            }
            None => {
                if added >= room {
                    chains.has_too_many = true;
                    break;
                }
                if chain.lines.contains_key(&row.line) {
                    let detail = format!("line {} of tenant {:?} is another tenant's", row.line, row.tenant);
                    joining.find(ProblemKind::Duplicate, detail);
                    continue;
                }
                added += 1;
                let expected = numbers.as_ref().and_then(|numbers| numbers.get(index)).copied().flatten();
                let first =
                    outcome.first_rows.get(index).copied().zip(outcome.first_times.get(index).copied());
                let line = joining.begin(chain.chain_id, row, expected, first, chain.hole_count);
                chain.tenants.insert(row.tenant.as_str().into(), row.line);
                chain.lines.entry(row.line).or_insert(line)
            }
        };
        (line.next_tenant_seq, line.digest, line.is_sealed) = (row.closing.size, *digest, true);
        line.hole_count = chain.hole_count;
        joining.keep_keys(line, row, is_kept);
    }
    if chain.lines.len() != footer.line_count as usize && chain.hole_count == 0 && is_sound {
        let detail = format!(
            "expected {} lines behind it, as it says, found {}",
            footer.line_count,
            chain.lines.len()
        );
        joining.find(ProblemKind::Index, detail);
    }
    if chain.first_slot.is_none() {
        chain.first_slot = Some(footer.slot);
        if footer.first_seq == 0 {
            joining.begins.push((footer.logged_at.0, 0, None, footer.slot));
        }
    } else if chain.first_slot != Some(footer.slot) {
        let detail = format!(
            "expected slot {} of the directory, as before, found slot {}",
            chain.first_slot.unwrap_or_default(),
            footer.slot
        );
        joining.find(ProblemKind::Altered, detail);
    }
    let service: Arc<str> = service.into();
    let number = |tenant: u32| outcome.tenants.get(tenant as usize).map(|row| row.line);
    let mut stand = |before: i64, size, root, lines: Vec<(u32, u64, Hash)>| {
        let standing = Standing { service: Arc::clone(&service), size, root, lines };
        chains.timeline.standings.entry(before).or_default().push(standing);
    };
    for state in outcome.states {
        let lines = state.lines.into_iter();
        let lines = lines.filter_map(|(tenant, size, digest)| Some((number(tenant)?, size, digest)));
        stand(state.before, state.size, state.root, lines.collect());
    }
    let closing = outcome.tenants.iter().zip(&outcome.digests);
    let closing = closing.map(|(row, digest)| (row.line, row.closing.size, *digest)).collect();
    stand(footer.logged_at.1.saturating_add(1), chain.edge.size(), chain.edge.root(), closing);
    joining.problems.into_iter().for_each(|problem| chain.report(problem));
    for (time, seq, line, slot) in joining.begins {
        chains.timeline.begins.insert((time, Arc::clone(&service), seq, line), slot);
    }
    chains.line_count += added;
}

fn chain_time(nanos: i64) -> crate::model::Timestamp {
    crate::model::Timestamp::from_nanos(nanos)
}

fn note_places(chain: &mut super::chain::Chain, own: &segment::Places) {
    let places = &mut chain.places;
    places.first = places.first.or(own.first);
    places.last = own.last.or(places.last);
    places.before = own.before.or(places.before);
    places.after = places.after.or(own.after);
}

/// Lines of a segment, held against those of its chain.
struct Joining<'j> {
    service: &'j str,
    own: &'j Sealed,
    problems: Vec<Problem>,
    /// Rows that begin: time and position of the first entry, line, slot as stated.
    begins: Vec<(i64, u64, Option<u32>, u32)>,
}

impl Joining<'_> {
    fn find(&mut self, kind: ProblemKind, detail: String) {
        let footer = &self.own.footer;
        let problem = Problem::new(kind, Some(self.service), &*self.own.path, detail);
        self.problems.push(problem.at(footer.first_seq, footer.end_seq() - 1));
    }

    /// The number that each new line of the table must have: lines are numbered by their first entries.
    fn new_numbers(
        &self,
        line_count: usize,
        tenants: &[TenantRow],
        first_rows: &[u32],
        hole_count: u32,
    ) -> Option<Vec<Option<u32>>> {
        if hole_count > 0 || first_rows.len() != tenants.len() {
            return None;
        }
        let mut new: Vec<usize> =
            (0..tenants.len()).filter(|index| tenants[*index].opening.size == 0).collect();
        new.sort_by_key(|index| first_rows[*index]);
        let mut numbers = vec![None; tenants.len()];
        for (index, number) in new.into_iter().zip(u32::try_from(line_count).ok()?..) {
            numbers[index] = Some(number);
        }
        Some(numbers)
    }

    /// A line that began in an earlier segment.
    fn go_on(&mut self, line: &Line, number: u32, row: &TenantRow, hole_count: u32) {
        if (number, line.nonce) != (row.line, row.nonce)
            || line.stated_slot.is_some_and(|slot| slot != row.slot)
        {
            let detail = format!(
                "the line of tenant {:?} has another number, nonce or slot than in the segment before",
                row.tenant
            );
            self.find(ProblemKind::Altered, detail);
        }
        let is_behind_hole = line.hole_count < hole_count;
        if row.opening.size != line.next_tenant_seq {
            if !is_behind_hole || row.opening.size < line.next_tenant_seq {
                let detail = format!(
                    "the line of tenant {:?} goes on from entry {}, expected entry {}",
                    row.tenant, row.opening.size, line.next_tenant_seq
                );
                self.find(ProblemKind::TenantGap, detail);
            }
        } else if row.opening.digest != line.digest {
            let detail = format!("the line of tenant {:?} goes on from another digest", row.tenant);
            self.find(ProblemKind::Altered, detail);
        }
    }

    /// A line that the chain did not have.
    fn begin(
        &mut self,
        chain_id: [u8; 16],
        row: &TenantRow,
        expected: Option<u32>,
        first: Option<(u32, i64)>,
        hole_count: u32,
    ) -> Line {
        let line_id = hashes::line_id(&row.nonce, &chain_id, &row.tenant);
        let digest = hashes::line_start(&chain_id, &line_id);
        if row.opening.size > 0 {
            if hole_count == 0 {
                let detail = format!(
                    "the line of tenant {:?} goes on from entry {}, and did not begin",
                    row.tenant, row.opening.size
                );
                self.find(ProblemKind::TenantGap, detail);
            }
        } else if row.opening.digest != digest {
            let detail = format!(
                "the line of tenant {:?} does not begin with what its nonce and its tenant give",
                row.tenant
            );
            self.find(ProblemKind::Altered, detail);
        }
        if let Some(expected) = expected
            && expected != row.line
        {
            let detail = format!(
                "expected line {expected} of tenant {:?} to begin, found line {}",
                row.tenant, row.line
            );
            self.find(ProblemKind::Altered, detail);
        }
        if let (Some((first, time)), 0) = (first, row.opening.size) {
            let seq = self.own.footer.first_seq + u64::from(first);
            self.begins.push((time, seq, Some(row.line), row.slot));
        }
        Line {
            tenant: row.tenant.as_str().into(),
            nonce: row.nonce,
            keys: Vec::new(),
            line_id,
            next_tenant_seq: 0,
            digest,
            slot: None,
            stated_slot: Some(row.slot),
            begins_at: 0,
            hole_count,
            is_sealed: true,
        }
    }

    /// Salt keys, for entries of the line behind the segment and for copies that the journal holds.
    fn keep_keys(&mut self, line: &mut Line, row: &TenantRow, is_kept: bool) {
        if !row.keys.is_sorted_by(|(a, _), (b, _)| a < b) {
            self.find(ProblemKind::Altered, format!("salt keys of tenant {:?} out of order", row.tenant));
            return;
        }
        if !is_kept {
            line.keys.clear();
        }
        for key in &row.keys {
            if line.keys.last().is_none_or(|(from, _)| *from < key.0) {
                line.keys.push(*key);
            }
        }
        if !is_kept && line.keys.len() > 1 {
            line.keys.drain(..line.keys.len() - 1);
        }
    }
}
