//! Trees, lines and the directory, computed just behind the acknowledgement.
//!
//! Fed with frames in order, and only with those: what it holds at frame n follows from frames 1 to n.

use crate::format::commit::Part;
use crate::format::control::{ChainHead, Heads, kind};
use crate::format::record;
use crate::limits;
use crate::model::StoreName;
use crate::proof::directory::{Directory, Slot};
use crate::proof::hashes::{self, DirectoryRow, RowKind};
use crate::proof::line::LineJob;
use crate::proof::tree::RightEdge;
use crate::proof::{Hash, Hasher};
use std::collections::HashMap;

/// Where every tree, line and directory row stands.
pub struct Ledger {
    store_name: StoreName,
    chains: Vec<ChainLedger>,
    by_service: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    directory: Directory,
    has_grown: bool,
    hasher: Hasher,
}

struct ChainLedger {
    service: Box<str>,
    chain_id: [u8; 16],
    edge: RightEdge,
    leaf: Hash,
    slot: Slot,
    lines: Vec<LineLedger>,
    /// Lines whose row is older than they are.
    stale: Vec<u32>,
    /// Size at the newest `heads`.
    size_at_heads: u64,
}

struct LineLedger {
    slot: Slot,
    size: u64,
    digest: Hash,
    is_stale: bool,
}

impl Ledger {
    /// A ledger without chains.
    pub fn new(store_name: StoreName) -> Ledger {
        Ledger {
            store_name,
            chains: Vec::new(),
            by_service: HashMap::default(),
            directory: Directory::default(),
            has_grown: false,
            hasher: Hasher::new(),
        }
    }

    /// Takes in the next part of the next frame.
    pub fn apply(&mut self, part: &Part<'_>) {
        let index = match self.by_service.get(part.service) {
            Some(index) => *index,
            None => self.begin_chain(part.service),
        };
        let chain = &mut self.chains[index];
        for line in &part.lines {
            let line_id = hashes::line_id(&line.nonce, &chain.chain_id, line.tenant);
            let digest = hashes::line_start(&chain.chain_id, &line_id);
            let row =
                DirectoryRow { kind: RowKind::Line, chain_id: chain.chain_id, line_id, size: 0, digest };
            let slot = self.directory.add(row);
            chain.lines.push(LineLedger { slot, size: 0, digest, is_stale: false });
        }
        let leaves: Vec<Hash> = (0..part.rows.len()).map(|entry| *part.leaf(entry)).collect();
        chain.edge.extend(&leaves, &mut self.hasher);
        chain.leaf = leaves[leaves.len() - 1];
        // Entries by line, in order within each: one job a line.
        let mut by_line: Vec<(u32, u32)> =
            part.rows.iter().zip(0..).map(|(row, entry)| (row.line, entry)).collect();
        by_line.sort_unstable();
        for run in by_line.chunk_by(|a, b| a.0 == b.0) {
            if let Some(line) = chain.lines.get_mut(run[0].0 as usize) {
                line.size += run.len() as u64;
                if !line.is_stale {
                    line.is_stale = true;
                    chain.stale.push(run[0].0);
                }
            }
        }
        let mut lines: Vec<(u32, &mut Hash)> = Vec::new();
        let mut rest = chain.lines.as_mut_slice();
        let mut skipped = 0;
        for run in by_line.chunk_by(|a, b| a.0 == b.0) {
            let at = run[0].0 as usize - skipped;
            // A line that no part began: damage that verify names; here it is left out.
            if at >= rest.len() {
                break;
            }
            let (line, others) = rest[at..].split_at_mut(1);
            rest = others;
            skipped = run[0].0 as usize + 1;
            lines.push((run[0].0, &mut line[0].digest));
        }
        let jobs = by_line
            .chunk_by(|a, b| a.0 == b.0)
            .zip(lines)
            .map(|(run, (_, digest))| LineJob::new(run, &leaves, digest));
        self.hasher.run(jobs);
        if part.kind == kind::HEADS {
            self.note_heads(part);
        } else {
            self.has_grown = true;
        }
    }

    fn begin_chain(&mut self, service: &str) -> usize {
        let chain_id = hashes::chain_id(&hashes::origin(self.store_name.as_str(), service));
        let row = DirectoryRow {
            kind: RowKind::Chain,
            chain_id,
            line_id: [0; 16],
            size: 0,
            digest: hashes::empty_root(),
        };
        let slot = self.directory.add(row);
        let index = self.chains.len();
        self.chains.push(ChainLedger {
            service: service.into(),
            chain_id,
            edge: RightEdge::default(),
            leaf: [0; 32],
            slot,
            lines: Vec::new(),
            stale: Vec::new(),
            size_at_heads: 0,
        });
        self.by_service.insert(service.into(), index);
        index
    }

    /// Whether anything but `heads` was committed since the newest `heads`.
    pub fn has_grown(&self) -> bool {
        self.has_grown
    }

    /// Where everything stands, as the records of a `heads`. It counts as told when its frame is applied.
    pub fn heads(&mut self) -> Vec<Heads> {
        for chain in &mut self.chains {
            self.directory.set(chain.slot, chain.edge.size(), chain.edge.root());
            for line in chain.stale.drain(..) {
                let line = &mut chain.lines[line as usize];
                line.is_stale = false;
                self.directory.set(line.slot, line.size, line.digest);
            }
        }
        let directory_root = self.directory.root(&mut self.hasher);
        let directory_rows = self.directory.row_count();
        let mut grown: Vec<ChainHead> = Vec::new();
        for chain in &self.chains {
            if chain.edge.size() > chain.size_at_heads {
                let service = chain.service.to_string();
                grown.push(ChainHead { service, size: chain.edge.size(), leaf: chain.leaf });
            }
        }
        grown.sort_by(|a, b| a.service.cmp(&b.service));
        let rows = grown.chunks(limits::CONTROL_ROWS_MAX);
        rows.map(|chains| Heads { directory_root, directory_rows, chains: chains.to_vec() }).collect()
    }

    /// Notes what the records of a `heads` told.
    fn note_heads(&mut self, part: &Part<'_>) {
        self.has_grown = false;
        for entry in 0..part.rows.len() {
            // A record that does not decode is damage, which verify names.
            let told = record::decode(part.record(entry))
                .ok()
                .and_then(|record| Heads::decode(record.control?).ok());
            for head in told.iter().flat_map(|heads| &heads.chains) {
                if let Some(index) = self.by_service.get(head.service.as_str()) {
                    self.chains[*index].size_at_heads = head.size;
                }
            }
        }
    }
}
