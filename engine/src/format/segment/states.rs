//! Where a chain, its tree and its lines stand before and behind a segment.

use super::{Footer, Frame, LineState, TenantRow};
use crate::limits::MARK_INTERVAL;
use crate::proof::line::LineJob;
use crate::proof::tree::RightEdge;
use crate::proof::{Hash, Hasher, Key};

/// Where a chain stands before a segment.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The store.
    pub store_id: [u8; 16],
    /// The chain's service.
    pub service: String,
    /// The chain.
    pub chain_id: [u8; 16],
    /// The chain's slot in the directory.
    pub slot: u32,
    /// Leaf before the segment, or the chain's genesis.
    pub prev: Hash,
    /// The tree; its size is the first position.
    pub edge: RightEdge,
    /// Lines of the chain behind the segment.
    pub line_count: u32,
}

/// Where a line with entries in the segment stands before it.
#[derive(Clone, Debug)]
pub struct OpeningLine {
    /// Whose line it is.
    pub tenant: String,
    /// Number of the line in the chain.
    pub line: u32,
    /// Its slot in the directory.
    pub slot: u32,
    /// Ties the line to its tenant.
    pub nonce: [u8; 16],
    /// Entries and digest.
    pub state: LineState,
    /// Salt keys, each from a position of the chain on.
    pub keys: Vec<(u64, Key)>,
}

/// What follows from the leaves of a segment's entries: tree, marks and lines behind it. `tenants` says whose each leaf
/// is, by index into `lines`, which are by name.
pub fn close(
    opening: &Opening,
    lines: Vec<OpeningLine>,
    leaves: &[Hash],
    tenants: &[u32],
    hasher: &mut Hasher,
) -> Frame {
    let first_seq = opening.edge.size();
    let (mut edge, mut nodes) = (opening.edge.clone(), Vec::new());
    edge.extend_and_mark(leaves, hasher, &mut nodes);
    let first_node = first_seq / MARK_INTERVAL;
    let marks = nodes.iter().zip(first_node..).map(|(node, number)| {
        let mut mark = [0; 64];
        mark[..32].copy_from_slice(node);
        mark[32..].copy_from_slice(leaf_before(number * MARK_INTERVAL, first_seq, &opening.prev, leaves));
        mark
    });
    let marks = marks.collect();

    let mut by_line: Vec<(u32, u32)> = tenants.iter().copied().zip(0..).collect();
    by_line.sort_unstable();
    let mut digests: Vec<Hash> = lines.iter().map(|line| line.state.digest).collect();
    let mut counts = vec![0_u64; lines.len()];
    by_line.iter().for_each(|(line, _)| counts[*line as usize] += 1);
    let jobs = by_line.chunk_by(|a, b| a.0 == b.0).map(|run| run[0].0);
    let mut ends: Vec<&mut Hash> = Vec::new();
    let wanted: Vec<u32> = jobs.collect();
    for (index, digest) in (0..).zip(&mut digests) {
        if wanted.binary_search(&index).is_ok() {
            ends.push(digest);
        }
    }
    let runs = by_line.chunk_by(|a, b| a.0 == b.0);
    hasher.run(runs.zip(ends).map(|(run, digest)| LineJob::new(run, leaves, digest)));
    let tenants = lines
        .into_iter()
        .zip(digests)
        .zip(counts)
        .map(|((line, digest), count)| TenantRow {
            closing: LineState { size: line.state.size + count, digest },
            tenant: line.tenant,
            line: line.line,
            slot: line.slot,
            nonce: line.nonce,
            opening: line.state,
            keys: line.keys,
        })
        .collect();
    Frame {
        footer: Footer {
            store_id: opening.store_id,
            service: opening.service.clone(),
            chain_id: opening.chain_id,
            slot: opening.slot,
            first_seq,
            entry_count: 0,
            logged_at: (0, 0),
            prev: opening.prev,
            head: leaves.last().copied().unwrap_or(opening.prev),
            opening_edge: opening.edge.subtrees(),
            closing_edge: edge.subtrees(),
            line_count: opening.line_count,
            severity_counts: [0; 6],
            record_bytes: 0,
            is_compact: false,
            sections: Vec::new(),
        },
        tenants,
        marks,
    }
}

/// The leaf before a position at which a node begins. Where that lies before the segment by more than one, only the
/// segment before has it, and its footer too: zeros stand in.
fn leaf_before<'l>(seq: u64, first_seq: u64, prev: &'l Hash, leaves: &'l [Hash]) -> &'l Hash {
    const UNKNOWN: &Hash = &[0; 32];
    match seq.checked_sub(first_seq) {
        Some(0) => prev,
        Some(row) => usize::try_from(row - 1).ok().and_then(|row| leaves.get(row)).unwrap_or(UNKNOWN),
        None => UNKNOWN,
    }
}
