//! One sealed segment by itself: everything in it is recomputed from its records, and held against what it says.
//!
//! The work goes by places, as the bytes lie (`records`), then by positions (`links`), then by tenants (`lines`), each
//! over all cores where one segment is large. Where a part of the file does not read, that is a finding, and whatever
//! does not need it is still checked. What comes before and behind the segment is not known here (`sealed`).

mod filters;
mod index;
mod lines;
mod links;
mod records;

use super::kept::Kept;
use super::report::ProblemKind;
use super::survey::Sealed;
use crate::disk::Disk;
use crate::format::segment::columns::Field;
use crate::format::segment::places::Run;
use crate::format::segment::{Footer, SectionKind, SegmentError, TenantRow};
use crate::limits::MARK_INTERVAL;
use crate::model::{CONTROL_SERVICE, Timestamp, Window};
use crate::proof::Hash;
use crate::proof::tree::RightEdge;
use crate::segment::view::{Column, View};
use crate::threads;
use std::ops::Range;

/// How much of a segment is recomputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    Whole,
    /// Entries of the window, between the marks around them, and those behind the last mark.
    Window,
    /// Nothing; every byte is held against its CRC.
    Bytes,
    /// Nothing; only what its neighbours must agree with is read.
    Ends,
}

/// What a `heads` says of a chain.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Commit time of the heads: it counts entries before.
    pub before: i64,
    /// Its position in the control chain.
    pub heads: u64,
    /// Entries.
    pub size: u64,
    /// The newest leaf.
    pub leaf: Hash,
}

/// What is to be done with a segment.
pub struct Job<'j> {
    pub sealed: &'j Sealed,
    pub service: &'j str,
    pub depth: Depth,
    /// Files that entries name are held against their hashes.
    pub kept: Option<&'j Kept<'j>>,
    /// Entries that are asked about.
    pub window: Window,
    /// Times, ascending, at which it is asked where the chain and its lines stood.
    pub cuts: &'j [i64],
    /// By time.
    pub claims: &'j [Claim],
    /// Commit times of all `heads`, ascending.
    pub heads_times: &'j [i64],
    /// Leaves from this position on are wanted, to hold copies in the journal against them.
    pub copies_from: Option<u64>,
}

/// Where the chain and some of its lines stood.
pub struct State {
    /// Entries committed before this time are counted.
    pub before: i64,
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
    /// Index into the tenant table, entries, digest.
    pub lines: Vec<(u32, u64, Hash)>,
}

/// Leaves and lines of a segment's last entries.
pub struct Copies {
    pub first_seq: u64,
    pub leaves: Vec<Hash>,
    /// Number of each entry's line.
    pub lines: Vec<u32>,
}

/// A finding about some rows.
pub struct Finding {
    pub kind: ProblemKind,
    pub first_seq: u64,
    pub last_seq: u64,
    pub detail: String,
}

/// What one segment gave.
#[derive(Default)]
pub struct Outcome {
    pub findings: Vec<Finding>,
    /// The tenant table, if it reads.
    pub tenants: Vec<TenantRow>,
    /// The first row of each tenant in the table, where rows read.
    pub first_rows: Vec<u32>,
    /// Commit time of each of these.
    pub first_times: Vec<i64>,
    /// Everything was recomputed, so the states below are recomputed ones.
    pub is_whole: bool,
    /// Nothing was recomputed because it was not asked for; what is stated may be gone on with.
    pub is_stated: bool,
    /// Where the chain stood at cuts, and stands behind the segment.
    pub states: Vec<State>,
    /// The tree, the newest leaf and the lines' digests behind the segment; as stated where they are not recomputed.
    pub edge: RightEdge,
    pub head: Hash,
    pub digests: Vec<Hash>,
    pub copies: Option<Copies>,
    /// Times of heads whose claims do not hold.
    pub disputed: Vec<i64>,
    /// Rows and times: the first and the last verified one of the window, and their neighbours outside.
    pub places: Places,
    pub recomputed: u64,
    pub bytes: u64,
}

/// Rows at the ends of a window, with their commit times.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places {
    pub first: Option<(u64, i64)>,
    pub last: Option<(u64, i64)>,
    pub before: Option<(u64, i64)>,
    pub after: Option<(u64, i64)>,
}

/// A segment's sections, opened and unfolded.
pub struct Rows<'v, 'a> {
    view: &'v View<'a>,
    footer: &'v Footer,
    tenants: &'v [TenantRow],
    runs: &'v [Run],
    groups: &'v [Range<u32>],
    /// The row of each place.
    rows: Vec<u32>,
    /// By row.
    times: Vec<i64>,
    /// By place.
    kinds: Vec<u8>,
    severities: Vec<u8>,
}

impl Rows<'_, '_> {
    fn seq(&self, row: u32) -> u64 {
        self.footer.first_seq + u64::from(row)
    }
}

struct Findings<'o> {
    footer: &'o Footer,
    list: Vec<Finding>,
}

impl Findings<'_> {
    fn rows(&mut self, kind: ProblemKind, rows: Range<u32>, detail: impl Into<String>) {
        let at = |row: u32| self.footer.first_seq + u64::from(row);
        let (first_seq, last_seq) = (at(rows.start), at(rows.end.max(rows.start + 1) - 1));
        self.list.push(Finding { kind, first_seq, last_seq, detail: detail.into() });
    }

    fn all(&mut self, kind: ProblemKind, detail: impl Into<String>) {
        self.rows(kind, 0..self.footer.entry_count, detail);
    }

    /// Bytes behind a right CRC that do not make sense.
    fn wrong(&mut self, error: &SegmentError) {
        self.all(ProblemKind::Altered, error.to_string());
    }
}

/// Checks one segment on `threads` threads.
pub fn check(disk: &dyn Disk, job: &Job<'_>, threads: usize) -> Outcome {
    let footer = &job.sealed.footer;
    let mut findings = Findings { footer, list: Vec::new() };
    let mut outcome = Outcome {
        edge: RightEdge::from_subtrees(footer.end_seq(), &footer.closing_edge).unwrap_or_default(),
        head: footer.head,
        ..Outcome::default()
    };
    let read = match job.depth {
        Depth::Ends => job.sealed.read_section(disk, SectionKind::Tenants),
        _ => job.sealed.read_whole(disk),
    };
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(detail) => {
            findings.all(ProblemKind::Checksum, detail);
            outcome.findings = findings.list;
            return outcome;
        }
    };
    let view = View::new(&bytes, footer);
    outcome.bytes = match job.depth {
        Depth::Ends => footer.section(SectionKind::Tenants).map_or(0, |section| section.bytes),
        _ => bytes.len() as u64,
    };
    let is_sound = job.depth == Depth::Ends || check_sections(&bytes, footer, threads, &mut findings);
    match view.tenants() {
        Ok(tenants) => outcome.tenants = tenants.to_vec(),
        // Said already where its CRC is wrong.
        Err(error) if is_sound => findings.wrong(&error),
        Err(_) => {}
    }
    outcome.digests = outcome.tenants.iter().map(|row| row.closing.digest).collect();
    match job.depth {
        Depth::Ends | Depth::Bytes => {
            outcome.is_stated = is_sound && !outcome.tenants.is_empty();
            outcome.places = beside(footer, job.window);
        }
        Depth::Whole | Depth::Window => {
            recompute(job, &view, is_sound, threads, &mut findings, &mut outcome);
        }
    }
    outcome.findings = findings.list;
    outcome
}

/// Holds every section against its CRC; whether all agree.
fn check_sections(bytes: &[u8], footer: &Footer, threads: usize, findings: &mut Findings<'_>) -> bool {
    if !footer.sections.is_sorted_by(|a, b| a.kind < b.kind) {
        findings.all(ProblemKind::Altered, "expected each section once, in the order of their kinds");
        return false;
    }
    let threads = if bytes.len() < 1 << 20 { 1 } else { threads };
    let damaged = threads::each(threads, footer.sections.iter(), |section, _: &mut ()| {
        let (from, to) = (usize::try_from(section.offset), usize::try_from(section.offset + section.bytes));
        let own = from.ok().zip(to.ok()).and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default();
        let crc = crc32fast::hash(own);
        (crc != section.crc).then(|| {
            let (from, to) = (section.offset, section.offset + section.bytes);
            format!(
                "{}, bytes {from} to {to}: expected CRC {:08x}, found {crc:08x}",
                section.kind, section.crc
            )
        })
    });
    let is_sound = damaged.iter().all(Option::is_none);
    damaged.into_iter().flatten().for_each(|detail| findings.all(ProblemKind::Checksum, detail));
    is_sound
}

/// Opens and unfolds what every entry needs; none if that is not possible, which `findings` then say.
fn unfold<'v, 'a>(view: &'v View<'a>, threads: usize, findings: &mut Findings<'_>) -> Option<Rows<'v, 'a>> {
    let footer = view.footer();
    let opened = || -> Result<Rows<'v, 'a>, SegmentError> {
        let (tenants, places) = (view.tenants()?, view.places()?);
        // Lines grow by as many rows as there are places.
        view.run_seqs()?;
        let numbers = |field| -> Result<Vec<u8>, SegmentError> {
            let Some(Column::Numbers(column)) = view.column(field)? else {
                return Ok(vec![0; footer.entry_count as usize]);
            };
            let mut numbers = Vec::new();
            column.decode_into(&mut numbers);
            Ok(numbers.into_iter().map(|number| u8::try_from(number).unwrap_or(u8::MAX)).collect())
        };
        let times = view.times()?.decode().map_err(|error| SegmentError {
            offset: footer.section(SectionKind::Times).map_or(0, |section| section.offset),
            expected: "commit times that read",
            found: error.to_string(),
        })?;
        Ok(Rows {
            view,
            footer,
            tenants,
            runs: places.runs(),
            groups: places.groups(),
            rows: Vec::new(),
            times,
            kinds: numbers(Field::Kind)?,
            severities: numbers(Field::Severity)?,
        })
    };
    let mut rows = match opened() {
        Ok(rows) => rows,
        Err(error) => {
            // Where the CRC is wrong that was said already.
            if !error.found.starts_with("CRC ") {
                findings.all(ProblemKind::Index, error.to_string());
            }
            return None;
        }
    };
    match index::rows_of_places(&rows, threads) {
        Ok(of_places) => rows.rows = of_places,
        Err(detail) => {
            findings.all(ProblemKind::Index, detail);
            return None;
        }
    }
    Some(rows)
}

fn recompute(
    job: &Job<'_>,
    view: &View<'_>,
    is_sound: bool,
    threads: usize,
    findings: &mut Findings<'_>,
    outcome: &mut Outcome,
) {
    let footer = view.footer();
    let Some(rows) = unfold(view, threads, findings) else { return };
    index::check(&rows, job.heads_times, job.service, findings);
    filters::check(&rows, threads, findings);
    outcome.first_rows = index::first_rows(&rows);
    outcome.first_times = outcome.first_rows.iter().map(|row| rows.times[*row as usize]).collect();
    let row_at = |time: Timestamp| {
        u32::try_from(rows.times.partition_point(|own| *own < time.nanos())).unwrap_or(u32::MAX)
    };
    let start = job.window.from.map_or(0, row_at);
    let window = start..job.window.to.map_or(footer.entry_count, row_at).max(start);
    let links = links::Links::new(view, (job.depth == Depth::Window).then_some(&window), findings);
    // A column that does not read keeps every record from being put together.
    let columns_read = is_sound || Field::ALL.iter().all(|field| view.column(*field).is_ok());
    if !columns_read {
        return;
    }
    let records = records::hash(&rows, &links.rows, job, threads, findings);
    let mut leaves = links.leaves(&rows, &records, threads, findings);
    outcome.recomputed = links.rows.iter().map(|rows| u64::from(rows.end - rows.start)).sum();
    outcome.places = links::places(&rows, &leaves, &links.rows, &window);
    check_claims(job, &rows, &leaves, &links.rows, findings, outcome);
    if let Some(from) = job.copies_from
        && let Some(row) = from.max(footer.first_seq).checked_sub(footer.first_seq)
        && links.is_everything(footer)
    {
        let row = usize::try_from(row).unwrap_or(usize::MAX).min(leaves.hashes.len());
        outcome.copies = Some(copies(&rows, &leaves.hashes, row));
    }
    if !links.is_everything(footer) {
        // What lies between is believed as far as it leads to the closing edge.
        let closing = links.closing_edge(view, &leaves, findings);
        if leaves.bad.is_empty() && closing.is_some_and(|edge| edge != outcome.edge) {
            let detail = "its tree, recomputed from the marks and its last entries, is not the one it says";
            findings.all(ProblemKind::Altered, detail);
        }
        outcome.is_stated = !outcome.tenants.is_empty();
        return;
    }
    if records.record_bytes != footer.record_bytes && records.is_whole {
        let detail = format!(
            "expected {} bytes of records, as it says, found {}",
            footer.record_bytes, records.record_bytes
        );
        findings.all(ProblemKind::Index, detail);
    }
    if !leaves.bad.is_empty() {
        // Trees and lines over leaves that are not those committed say nothing.
        return;
    }
    let cuts: Vec<i64> = job
        .cuts
        .iter()
        .copied()
        .filter(|cut| footer.logged_at.0 < *cut && *cut <= footer.logged_at.1)
        .collect();
    let cut_rows: Vec<u32> = cuts
        .iter()
        .map(|cut| u32::try_from(rows.times.partition_point(|own| own < cut)).unwrap_or(u32::MAX))
        .collect();
    let nodes = links::nodes(footer, &leaves.hashes, threads);
    let tree = links::tree(footer, &leaves.hashes, &nodes, &cut_rows, view.marks().ok(), findings);
    let ends = lines::close(&rows, &leaves.hashes, &cut_rows, threads);
    for (row, end) in rows.tenants.iter().zip(&ends) {
        if end.digest != row.closing.digest {
            let detail = format!("the line of tenant {:?}, recomputed, is not the one it says", row.tenant);
            findings.all(ProblemKind::Altered, detail);
        }
    }
    outcome.digests = ends.iter().map(|end| end.digest).collect();
    outcome.states = cuts
        .iter()
        .zip(&tree.at_cuts)
        .map(|(before, (size, root))| State { before: *before, size: *size, root: *root, lines: Vec::new() })
        .collect();
    for (end, tenant) in ends.iter().zip(0..) {
        for (cut, size, digest) in &end.at_cuts {
            outcome.states[*cut].lines.push((tenant, *size, *digest));
        }
    }
    (outcome.edge, outcome.head) = (tree.edge, leaves.hashes.pop().unwrap_or(footer.head));
    outcome.is_whole = true;
}

/// Leaves and lines from a row on.
fn copies(rows: &Rows<'_, '_>, leaves: &[Hash], from: usize) -> Copies {
    let mut lines = vec![0; leaves.len()];
    for run in rows.runs {
        let line = rows.tenants[run.tenant as usize].line;
        for place in run.first..run.first + run.count {
            lines[rows.rows[place as usize] as usize] = line;
        }
    }
    Copies {
        first_seq: rows.footer.first_seq + from as u64,
        leaves: leaves[from..].to_vec(),
        lines: lines.split_off(from),
    }
}

/// Holds what `heads` say of the chain against the segment's entries, as far as they are recomputed.
fn check_claims(
    job: &Job<'_>,
    rows: &Rows<'_, '_>,
    leaves: &links::Leaves,
    recomputed: &[Range<u32>],
    findings: &mut Findings<'_>,
    outcome: &mut Outcome,
) {
    let footer = rows.footer;
    for claim in job.claims {
        let row = u32::try_from(rows.times.partition_point(|own| *own < claim.before)).unwrap_or(u32::MAX);
        let found = rows.seq(row);
        let (kind, first, last) = match found.cmp(&claim.size) {
            std::cmp::Ordering::Less => (ProblemKind::Rollback, found, claim.size - 1),
            std::cmp::Ordering::Greater => (ProblemKind::Extra, claim.size, found - 1),
            std::cmp::Ordering::Equal => {
                let leaf = match row.checked_sub(1) {
                    None => Some(&footer.prev),
                    Some(last) if recomputed.iter().any(|rows| rows.contains(&last)) => {
                        leaves.hashes.get(last as usize)
                    }
                    Some(_) => None,
                };
                let Some(leaf) = leaf.filter(|leaf| **leaf != claim.leaf) else { continue };
                // An altered entry is a finding of its own already.
                let is_bad = row.checked_sub(1).is_some_and(|last| leaves.is_bad(last));
                outcome.disputed.push(claim.before);
                if !is_bad {
                    findings.list.push(Finding {
                        kind: ProblemKind::Altered,
                        first_seq: 0,
                        last_seq: claim.size.saturating_sub(1),
                        detail: super::heads::other_leaf(claim.heads, claim.size, &claim.leaf, leaf),
                    });
                }
                continue;
            }
        };
        outcome.disputed.push(claim.before);
        let detail = super::heads::other_size(claim.heads, claim.size, found);
        findings.list.push(Finding { kind, first_seq: first, last_seq: last, detail });
    }
}

/// The neighbour of a window that ends, or begins, before or behind all of a segment, as the footer says.
fn beside(footer: &Footer, window: Window) -> Places {
    let (first, last) = footer.logged_at;
    let is_before = window.from.is_some_and(|from| last < from.nanos());
    let is_behind = window.to.is_some_and(|to| first >= to.nanos());
    Places {
        before: is_before.then_some((footer.end_seq() - 1, last)),
        after: is_behind.then_some((footer.first_seq, first)),
        ..Places::default()
    }
}

/// Rows before the first position at which a node of marks begins.
fn rows_to_boundary(first_seq: u64, count: u32) -> u32 {
    let left = (MARK_INTERVAL - first_seq % MARK_INTERVAL) % MARK_INTERVAL;
    u32::try_from(left).map_or(count, |left| left.min(count))
}

fn is_control_chain(service: &str) -> bool {
    service == CONTROL_SERVICE
}
