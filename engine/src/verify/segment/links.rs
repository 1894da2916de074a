//! Leaves, each over the one before it, and the tree over them.
//!
//! A segment keeps the leaf before every 256th position, so its links fall into runs that are hashed side by side, each
//! begun over a leaf that the run before must end with. Where it does not, either the kept leaf is another, which the
//! run behind tells when it is hashed over the right one, or an entry is.

use super::super::report::ProblemKind;
use super::records::Records;
use super::{Findings, Places, Rows, rows_to_boundary};
use crate::format::segment::Footer;
use crate::limits::MARK_INTERVAL;
use crate::proof::hashes::{Skeleton, node_message};
use crate::proof::tree::{MARK_LEVEL, RightEdge};
use crate::proof::{self, Hash, Hasher};
use crate::segment::view::View;
use crate::threads;
use std::ops::Range;

/// Positions of a node of marks.
const NODE_ROWS: usize = 1 << MARK_LEVEL;
const MARK_ROWS: u32 = 1 << MARK_LEVEL;
/// Runs, or nodes, that one thread takes at once.
const PIECE_RUNS: usize = 32;

const _: () = assert!(NODE_ROWS as u64 == MARK_INTERVAL);

/// Entries between two leaves that the segment keeps.
struct Run {
    rows: Range<u32>,
    /// The leaf before, as kept.
    prev: Hash,
    /// The leaf of the last, as kept.
    head: Hash,
}

/// What is recomputed.
pub struct Links {
    runs: Vec<Run>,
    /// The same as rows, ascending, none touching another.
    pub rows: Vec<Range<u32>>,
}

/// Leaves by row; zeros where they are not recomputed.
pub struct Leaves {
    pub hashes: Vec<Hash>,
    /// Runs that do not end with the leaf that they should, ascending.
    pub bad: Vec<Range<u32>>,
}

impl Leaves {
    pub fn is_bad(&self, row: u32) -> bool {
        let at = self.bad.partition_point(|rows| rows.end <= row);
        self.bad.get(at).is_some_and(|rows| rows.start <= row)
    }
}

impl Links {
    /// All runs, or those around a window's rows and the last one.
    pub fn new(view: &View<'_>, window: Option<&Range<u32>>, findings: &mut Findings<'_>) -> Links {
        let footer = view.footer();
        let (first_seq, count) = (footer.first_seq, footer.entry_count);
        let marks = match view.marks() {
            Ok(marks) => marks,
            Err(error) => {
                if !error.found.starts_with("CRC ") {
                    findings.wrong(&error);
                }
                // One run, from the first entry to the last.
                &[]
            }
        };
        let mut starts = vec![(0, footer.prev)];
        for (mark, node) in marks.iter().zip(first_seq / MARK_INTERVAL..) {
            let mut before = [0; 32];
            before.copy_from_slice(&mark[32..]);
            let row = (node * MARK_INTERVAL).checked_sub(first_seq).and_then(|row| u32::try_from(row).ok());
            match row {
                Some(row) if row > 0 => starts.push((row, before)),
                // Where its node begins the segment does not know the leaf before, but for its own first entry.
                _ => {
                    let expected = if row == Some(0) { footer.prev } else { [0; 32] };
                    if before != expected {
                        let detail = "the leaf that its first mark keeps is not the one before its node";
                        findings.rows(ProblemKind::Altered, 0..1, detail);
                    }
                }
            }
        }
        let ends = starts[1..].iter().copied().chain([(count, footer.head)]);
        let mut runs: Vec<Run> = starts
            .iter()
            .zip(ends)
            .map(|((from, prev), (to, head))| Run { rows: *from..to, prev: *prev, head })
            .collect();
        if let Some(window) = window {
            // With the neighbours of the window.
            let (from, to) = (window.start.saturating_sub(1), window.end.saturating_add(1));
            runs.retain(|run| run.rows.end == count || run.rows.start < to && from < run.rows.end);
        }
        let mut rows: Vec<Range<u32>> = Vec::new();
        for run in &runs {
            match rows.last_mut() {
                Some(last) if last.end == run.rows.start => last.end = run.rows.end,
                _ => rows.push(run.rows.clone()),
            }
        }
        Links { runs, rows }
    }

    /// Every entry is recomputed.
    pub fn is_everything(&self, footer: &Footer) -> bool {
        self.rows.first().is_some_and(|rows| *rows == (0..footer.entry_count))
    }

    /// Recomputes the leaves.
    pub fn leaves(
        &self,
        rows: &Rows<'_, '_>,
        records: &Records,
        threads: usize,
        findings: &mut Findings<'_>,
    ) -> Leaves {
        let mut hashes = vec![[0; 32]; rows.footer.entry_count as usize];
        let (mut rest, mut at) = (hashes.as_mut_slice(), 0);
        let mut jobs = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let (_, behind) = std::mem::take(&mut rest).split_at_mut((run.rows.start - at) as usize);
            let (leaves, behind) = behind.split_at_mut(run.rows.len());
            (rest, at) = (behind, run.rows.end);
            jobs.push(LinkJob {
                rows,
                records,
                row: run.rows.start as usize,
                prev: run.prev,
                leaves,
                done: 0,
            });
        }
        let mut pieces = Vec::with_capacity(jobs.len().div_ceil(PIECE_RUNS));
        let mut jobs = jobs.into_iter();
        loop {
            let piece: Vec<LinkJob<'_, '_, '_>> = jobs.by_ref().take(PIECE_RUNS).collect();
            if piece.is_empty() {
                break;
            }
            pieces.push(piece);
        }
        threads::each(threads, pieces.into_iter(), |piece, hasher: &mut Hasher| hasher.run(piece));
        let mut leaves = Leaves { hashes, bad: Vec::new() };
        self.compare(rows, records, &mut leaves, findings);
        leaves
    }

    /// Holds each run's end against what the next begins over.
    fn compare(
        &self,
        rows: &Rows<'_, '_>,
        records: &Records,
        leaves: &mut Leaves,
        findings: &mut Findings<'_>,
    ) {
        for (index, run) in self.runs.iter().enumerate() {
            let end = leaves.hashes[run.rows.end as usize - 1];
            if end == run.head {
                continue;
            }
            let next = self.runs.get(index + 1).filter(|next| next.rows.start == run.rows.end);
            if let Some(next) = next {
                let mut again = vec![[0; 32]; next.rows.len()];
                let row = next.rows.start as usize;
                let job = LinkJob { rows, records, row, prev: end, leaves: &mut again, done: 0 };
                Hasher::new().run([job]);
                if again.last() == Some(&next.head) {
                    let detail = format!(
                        "the leaf before entry {} that a mark keeps is not that of the entry",
                        rows.seq(next.rows.start)
                    );
                    let last = run.rows.end - 1;
                    findings.rows(ProblemKind::Altered, last..last + 1, detail);
                    leaves.hashes[row..next.rows.end as usize].copy_from_slice(&again);
                    continue;
                }
            }
            leaves.bad.push(run.rows.clone());
            // An entry that is known to be another is named alone.
            let from = records.bad.partition_point(|row| *row < run.rows.start);
            if records.bad.get(from).is_none_or(|row| *row >= run.rows.end) {
                let detail =
                    "their leaves, recomputed from their records, do not lead to the leaf that was committed";
                findings.rows(ProblemKind::Altered, run.rows.clone(), detail);
            }
        }
    }

    /// The tree behind the segment, from the marks and the entries behind the last one; none if marks do not read.
    pub fn closing_edge(
        &self,
        view: &View<'_>,
        leaves: &Leaves,
        findings: &mut Findings<'_>,
    ) -> Option<RightEdge> {
        let footer = view.footer();
        let marks = view.marks().ok()?;
        let mut hasher = Hasher::new();
        let aligned = footer.first_seq & !(MARK_INTERVAL - 1);
        let below = (footer.first_seq % MARK_INTERVAL).count_ones() as usize;
        let above = footer.opening_edge.get(..footer.opening_edge.len().checked_sub(below)?)?;
        let mut edge = RightEdge::from_subtrees(aligned, above)?;
        let mut nodes = Vec::with_capacity(marks.len());
        for (mark, node) in marks.iter().zip(footer.first_seq / MARK_INTERVAL..) {
            let mut kept = [0; 32];
            kept.copy_from_slice(&mark[..32]);
            nodes.push(kept);
            let row = (node * MARK_INTERVAL).checked_sub(footer.first_seq);
            let Some(row) = row.and_then(|row| u32::try_from(row).ok()) else { continue };
            let own = row..row.saturating_add(MARK_ROWS);
            let is_recomputed = self.rows.iter().any(|rows| rows.start <= own.start && own.end <= rows.end);
            if is_recomputed && !leaves.is_bad(own.start) && !leaves.is_bad(own.end - 1) {
                let block = &leaves.hashes[own.start as usize..own.end as usize];
                if hash_nodes(block, &mut hasher).first() != Some(&kept) {
                    findings.rows(ProblemKind::Altered, own, OTHER_MARK);
                }
            }
        }
        let end = footer.end_seq() & !(MARK_INTERVAL - 1);
        if end <= footer.first_seq {
            edge = RightEdge::from_subtrees(footer.first_seq, &footer.opening_edge)?;
        }
        edge.extend_subtrees(MARK_LEVEL, &nodes, &mut hasher);
        let tail = usize::try_from(edge.size().checked_sub(footer.first_seq)?).ok()?;
        edge.extend(leaves.hashes.get(tail..)?, &mut hasher);
        Some(edge)
    }
}

const OTHER_MARK: &str = "the node over them, recomputed from their leaves, is not the one that a mark keeps";

/// One run's leaves, each over the one before.
struct LinkJob<'l, 'v, 'a> {
    rows: &'l Rows<'v, 'a>,
    records: &'l Records,
    /// Of the first.
    row: usize,
    prev: Hash,
    leaves: &'l mut [Hash],
    done: usize,
}

impl proof::Job for LinkJob<'_, '_, '_> {
    fn next(&mut self, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool {
        if let Some(leaf) = previous {
            self.prev = *leaf;
            self.leaves[self.done] = *leaf;
            self.done += 1;
        }
        if self.done == self.leaves.len() {
            return false;
        }
        let row = self.row + self.done;
        let footer = self.rows.footer;
        let skeleton = Skeleton {
            kind: self.records.kinds[row],
            chain_id: footer.chain_id,
            seq: footer.first_seq + row as u64,
            logged_at: self.rows.times[row],
        };
        skeleton.leaf_message(&self.prev, &self.records.bodies[row], message);
        true
    }
}

/// Nodes over each 256 leaves.
fn hash_nodes(leaves: &[Hash], hasher: &mut Hasher) -> Vec<Hash> {
    let mut below = leaves.to_vec();
    for _ in 0..MARK_LEVEL {
        let pairs = below.as_chunks::<2>().0;
        let mut above = vec![[0; 32]; pairs.len()];
        hasher.each(
            pairs.len(),
            |i, message| node_message(&pairs[i][0], &pairs[i][1], message),
            |i, hash| above[i] = hash,
        );
        below = above;
    }
    below
}

/// Nodes over 256 positions that lie in the segment whole.
pub fn nodes(footer: &Footer, leaves: &[Hash], threads: usize) -> Vec<Hash> {
    let from = rows_to_boundary(footer.first_seq, footer.entry_count) as usize;
    let whole = leaves[from..].len() / NODE_ROWS * NODE_ROWS;
    let pieces = leaves[from..from + whole].chunks(NODE_ROWS * PIECE_RUNS);
    threads::each(threads, pieces, hash_nodes).concat()
}

/// The tree at cuts and behind the segment.
pub struct Tree {
    /// Size and root.
    pub at_cuts: Vec<(u64, Hash)>,
    pub edge: RightEdge,
}

/// Grows the tree, and holds marks and the closing edge against it.
pub fn tree(
    footer: &Footer,
    leaves: &[Hash],
    nodes: &[Hash],
    cut_rows: &[u32],
    marks: Option<&[[u8; 64]]>,
    findings: &mut Findings<'_>,
) -> Tree {
    let mut hasher = Hasher::new();
    let mut edge = RightEdge::from_subtrees(footer.first_seq, &footer.opening_edge).unwrap_or_default();
    let boundary = rows_to_boundary(footer.first_seq, footer.entry_count) as usize;
    let mut found = Vec::with_capacity(nodes.len() + 1);
    edge.clone().extend_and_mark(&leaves[..boundary], &mut hasher, &mut found);
    found.extend_from_slice(nodes);
    for ((mark, node), number) in marks.unwrap_or_default().iter().zip(&found).zip(0_u64..) {
        if mark[..32] != *node {
            let from = (footer.first_seq / MARK_INTERVAL + number) * MARK_INTERVAL;
            let row = u32::try_from(from.saturating_sub(footer.first_seq)).unwrap_or_default();
            let end = u32::try_from(from + MARK_INTERVAL - footer.first_seq).unwrap_or(u32::MAX);
            findings.rows(ProblemKind::Altered, row..end, OTHER_MARK);
        }
    }
    let mut at_cuts = Vec::with_capacity(cut_rows.len());
    let mut at = 0;
    let mut advance = |edge: &mut RightEdge, to: usize| {
        let whole_from = at.max(boundary).next_multiple_of_node(boundary).min(to);
        edge.extend(&leaves[at..whole_from], &mut hasher);
        let whole = (to - whole_from) / NODE_ROWS;
        let first = whole_from.saturating_sub(boundary) / NODE_ROWS;
        if whole > 0 {
            edge.extend_subtrees(MARK_LEVEL, &nodes[first..first + whole], &mut hasher);
        }
        edge.extend(&leaves[whole_from + whole * NODE_ROWS..to], &mut hasher);
        at = to;
    };
    for row in cut_rows {
        advance(&mut edge, *row as usize);
        at_cuts.push((edge.size(), edge.root()));
    }
    advance(&mut edge, leaves.len());
    if edge.subtrees() != footer.closing_edge {
        let detail = "its tree, recomputed, is not the one it says";
        findings.all(ProblemKind::Altered, detail);
    }
    Tree { at_cuts, edge }
}

trait NextNode {
    /// The first row at or behind this one at which a node begins; the first such row of all is `boundary`.
    fn next_multiple_of_node(self, boundary: usize) -> usize;
}

impl NextNode for usize {
    fn next_multiple_of_node(self, boundary: usize) -> usize {
        boundary + self.saturating_sub(boundary).next_multiple_of(NODE_ROWS)
    }
}

/// The first and the last verified row of a window, and the rows beside it.
pub fn places(
    rows: &Rows<'_, '_>,
    leaves: &Leaves,
    recomputed: &[Range<u32>],
    window: &Range<u32>,
) -> Places {
    let place = |row: u32| rows.times.get(row as usize).map(|time| (rows.seq(row), *time));
    let inside = || recomputed.iter().map(|own| own.start.max(window.start)..own.end.min(window.end));
    let first = inside().flatten().find(|row| !leaves.is_bad(*row));
    let last = inside().rev().flat_map(Iterator::rev).find(|row| !leaves.is_bad(*row));
    Places {
        first: first.and_then(place),
        last: last.and_then(place),
        before: window.start.checked_sub(1).and_then(place),
        after: place(window.end),
    }
}
