//! Every tenant's line through a segment: the digest behind it, and where it stood at cuts.

use super::Rows;
use crate::format::segment::places::Run;
use crate::proof::hashes::line_message;
use crate::proof::{self, Hash, Hasher};
use crate::threads;

/// Where a line stands.
pub struct LineEnd {
    pub digest: Hash,
    /// Number of the cut, entries, digest; only of cuts since which before the line has grown.
    pub at_cuts: Vec<(usize, u64, Hash)>,
}

/// Lines that one thread takes at once hold about this many rows.
const PIECE_ROWS: u64 = 16 << 10;

/// Recomputes all lines, in the table's order.
pub fn close(rows: &Rows<'_, '_>, leaves: &[Hash], cut_rows: &[u32], threads: usize) -> Vec<LineEnd> {
    // Runs by tenant, each tenant's upwards.
    let mut runs: Vec<Run> = rows.runs.to_vec();
    runs.sort_unstable_by_key(|run| (run.tenant, run.first));
    let runs_of = |tenant: u32| {
        let from = runs.partition_point(|run| run.tenant < tenant);
        let to = runs.partition_point(|run| run.tenant <= tenant);
        &runs[from..to]
    };
    let mut ends: Vec<LineEnd> =
        rows.tenants.iter().map(|row| LineEnd { digest: row.opening.digest, at_cuts: Vec::new() }).collect();
    let mut jobs: Vec<(u64, LineJob<'_>)> = ends
        .iter_mut()
        .zip(rows.tenants)
        .zip(0..)
        .map(|((end, row), tenant)| {
            let places = Upwards { runs: runs_of(tenant), done: 0 };
            let size = row.opening.size;
            let job =
                LineJob { places, rows: &rows.rows, leaves, size, end, cut_rows, cut: 0, has_grown: false };
            (row.closing.size.saturating_sub(size), job)
        })
        .collect();
    // Longest first: none is left to run alone at the end.
    jobs.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let (mut pieces, mut piece, mut piece_rows) = (Vec::new(), Vec::new(), 0);
    for (count, job) in jobs {
        piece.push(job);
        piece_rows += count;
        if piece_rows >= PIECE_ROWS && piece.len() >= 4 {
            pieces.push(std::mem::take(&mut piece));
            piece_rows = 0;
        }
    }
    pieces.push(piece);
    threads::each(threads, pieces.into_iter(), |piece, hasher: &mut Hasher| hasher.run(piece));
    ends
}

/// Places of a tenant, run after run.
struct Upwards<'r> {
    runs: &'r [Run],
    done: u32,
}

impl Iterator for Upwards<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let run = self.runs.first()?;
        let place = run.first + self.done;
        self.done += 1;
        if self.done == run.count {
            (self.runs, self.done) = (&self.runs[1..], 0);
        }
        Some(place)
    }
}

struct LineJob<'l> {
    places: Upwards<'l>,
    rows: &'l [u32],
    leaves: &'l [Hash],
    size: u64,
    end: &'l mut LineEnd,
    cut_rows: &'l [u32],
    /// The next cut.
    cut: usize,
    has_grown: bool,
}

impl LineJob<'_> {
    fn note(&mut self) {
        if std::mem::take(&mut self.has_grown) {
            self.end.at_cuts.push((self.cut, self.size, self.end.digest));
        }
    }
}

impl proof::Job for LineJob<'_> {
    fn next(&mut self, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool {
        if let Some(digest) = previous {
            self.end.digest = *digest;
            self.size += 1;
            self.has_grown = true;
        }
        let Some(place) = self.places.next() else {
            if self.cut < self.cut_rows.len() {
                self.note();
            }
            return false;
        };
        let row = self.rows[place as usize];
        while self.cut_rows.get(self.cut).is_some_and(|cut| *cut <= row) {
            self.note();
            self.cut += 1;
        }
        line_message(&self.end.digest, &self.leaves[row as usize], message);
        true
    }
}
