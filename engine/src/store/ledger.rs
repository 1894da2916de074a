//! Trees, lines and the directory, computed just behind the acknowledgement.
//!
//! Fed with frames in order, and only with those: what it holds at frame n follows from frames 1 to n.

use super::sealed::SealedChain;
use crate::format::commit::Part;
use crate::format::control::{ChainHead, Heads, kind};
use crate::format::record;
use crate::lean::push_lean;
use crate::limits;
use crate::model::StoreName;
use crate::proof::directory::{Directory, Slot};
use crate::proof::hashes::{self, DirectoryRow, RowKind};
use crate::proof::line::LineJob;
use crate::proof::tree::RightEdge;
use crate::proof::{Hash, Hasher};
use std::collections::{HashMap, VecDeque};

/// Where every tree, line and directory row stands.
pub struct Ledger {
    store_name: StoreName,
    chains: Vec<ChainLedger>,
    by_service: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    directory: Directory,
    /// Slots of chains and lines that are not sealed and were not met in the journal yet, while a store is opened.
    holes: VecDeque<Slot>,
    has_grown: bool,
    hasher: Hasher,
}

struct ChainLedger {
    service: Box<str>,
    chain_id: [u8; 16],
    edge: RightEdge,
    leaf: Hash,
    slot: Slot,
    /// Of each line: the directory's row says where it stands.
    lines: Vec<Slot>,
    /// Size at the newest `heads`.
    size_at_heads: u64,
}

impl Ledger {
    /// A ledger without chains.
    pub fn new(store_name: StoreName) -> Ledger {
        Ledger {
            store_name,
            chains: Vec::new(),
            by_service: HashMap::default(),
            directory: Directory::default(),
            holes: VecDeque::new(),
            has_grown: false,
            hasher: Hasher::new(),
        }
    }

    /// Takes in where the sealed part of a chain ends, and its lines' IDs, before anything that follows it.
    pub fn restore(&mut self, sealed: &SealedChain, line_ids: &[[u8; 16]]) {
        let row = chain_row(sealed.chain_id);
        self.directory.put(sealed.slot, row);
        let chain_id = sealed.chain_id;
        for (line, line_id) in sealed.lines.iter().zip(line_ids) {
            let (kind, size, digest) = (RowKind::Line, line.size, line.digest);
            let row = DirectoryRow { kind, chain_id, line_id: *line_id, size, digest };
            self.directory.put(line.slot, row);
        }
        let lines = sealed.lines.iter().map(|line| line.slot).collect();
        self.by_service.insert(sealed.service.as_str().into(), self.chains.len());
        self.chains.push(ChainLedger {
            service: sealed.service.as_str().into(),
            chain_id: sealed.chain_id,
            edge: sealed.edge.clone(),
            leaf: sealed.head,
            slot: sealed.slot,
            lines,
            size_at_heads: 0,
        });
    }

    /// Finds the slots that chains and lines without a sealed entry have, after every [`Ledger::restore`].
    pub fn find_holes(&mut self) {
        self.holes = self.directory.holes().collect();
    }

    /// The first slot whose chain or line was not found.
    pub fn first_hole(&self) -> Option<Slot> {
        self.holes.front().copied()
    }

    /// IDs of the lines that have these slots.
    pub fn line_ids(&self, slots: impl Iterator<Item = Slot>) -> Vec<[u8; 16]> {
        slots.map(|slot| self.directory.line_id(slot)).collect()
    }

    /// The slots of a chain and of some of its lines.
    pub fn slots(&self, service: &str, lines: impl Iterator<Item = u32>) -> Option<(Slot, Vec<Slot>)> {
        let chain = &self.chains[*self.by_service.get(service)?];
        let lines = lines.map(|line| chain.lines.get(line as usize).copied()).collect::<Option<_>>()?;
        Some((chain.slot, lines))
    }

    fn add_row(&mut self, row: DirectoryRow) -> Slot {
        match self.holes.pop_front() {
            Some(slot) => {
                self.directory.put(slot, row);
                slot
            }
            None => self.directory.add(row),
        }
    }

    /// Takes in what a chain gains, in the order of commits.
    pub fn apply(&mut self, gain: &Gain) {
        let chain = self.begin(gain);
        self.advance(chain, &gain.leaves, &gain.lines);
        self.note_heads(gain);
    }

    /// As [`Ledger::apply`] with each in order, but what chains gain is hashed side by side.
    pub fn apply_all<'g>(&mut self, gains: impl Iterator<Item = &'g Gain>) {
        let mut by_chain: Vec<(Vec<Hash>, Vec<u32>)> = Vec::new();
        for gain in gains {
            let chain = self.begin(gain);
            if by_chain.len() <= chain {
                by_chain.resize_with(chain + 1, Default::default);
            }
            let (leaves, lines) = &mut by_chain[chain];
            leaves.extend_from_slice(&gain.leaves);
            lines.extend_from_slice(&gain.lines);
            self.note_heads(gain);
        }
        for (chain, (leaves, lines)) in by_chain.into_iter().enumerate() {
            if !leaves.is_empty() {
                self.advance(chain, &leaves, &lines);
            }
        }
    }

    /// Begins a chain and lines that a gain is the first of; the chain's index.
    fn begin(&mut self, gain: &Gain) -> usize {
        let index = match self.by_service.get(&gain.service) {
            Some(index) => *index,
            None => self.begin_chain(&gain.service),
        };
        let chain_id = self.chains[index].chain_id;
        for (number, line_id) in gain.begun(&chain_id) {
            // A line that a segment told of begins in a frame that is still there.
            if (number as usize) < self.chains[index].lines.len() {
                continue;
            }
            let digest = hashes::line_start(&chain_id, &line_id);
            let row = DirectoryRow { kind: RowKind::Line, chain_id, line_id, size: 0, digest };
            let slot = self.add_row(row);
            push_lean(&mut self.chains[index].lines, slot);
        }
        index
    }

    /// Moves a chain, its tree and its lines on.
    fn advance(&mut self, chain: usize, leaves: &[Hash], lines: &[u32]) {
        let chain = &mut self.chains[chain];
        chain.edge.extend(leaves, &mut self.hasher);
        chain.leaf = leaves.last().copied().unwrap_or(chain.leaf);
        // Entries by line, in order within each: one job a line.
        let mut by_line: Vec<(u32, u32)> = lines.iter().copied().zip(0..).collect();
        by_line.sort_unstable();
        // A line that no part began: damage that verify names; here it is left out.
        let known = by_line.partition_point(|(line, _)| (*line as usize) < chain.lines.len());
        let runs = || by_line[..known].chunk_by(|a, b| a.0 == b.0);
        let mut states: Vec<(Slot, u64, Hash)> = runs()
            .map(|run| {
                let slot = chain.lines[run[0].0 as usize];
                let (size, digest) = self.directory.state(slot);
                (slot, size + run.len() as u64, digest)
            })
            .collect();
        let jobs = runs().zip(&mut states).map(|(run, (.., digest))| LineJob::new(run, leaves, digest));
        self.hasher.run(jobs);
        states.into_iter().for_each(|(slot, size, digest)| self.directory.set(slot, size, digest));
    }

    fn note_heads(&mut self, gain: &Gain) {
        if gain.kind == kind::HEADS {
            self.has_grown = false;
            for head in &gain.told {
                if let Some(index) = self.by_service.get(head.service.as_str()) {
                    self.chains[*index].size_at_heads = head.size;
                }
            }
        } else {
            self.has_grown = true;
        }
    }

    fn begin_chain(&mut self, service: &str) -> usize {
        let chain_id = hashes::chain_id(&hashes::origin(self.store_name.as_str(), service));
        let slot = self.add_row(chain_row(chain_id));
        let index = self.chains.len();
        self.chains.push(ChainLedger {
            service: service.into(),
            chain_id,
            edge: RightEdge::default(),
            leaf: [0; 32],
            slot,
            lines: Vec::new(),
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
        // Lines are in it already.
        for chain in &self.chains {
            self.directory.set(chain.slot, chain.edge.size(), chain.edge.root());
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
}

fn chain_row(chain_id: [u8; 16]) -> DirectoryRow {
    DirectoryRow { kind: RowKind::Chain, chain_id, line_id: [0; 16], size: 0, digest: hashes::empty_root() }
}

/// What a chain gains in a commit, as far as the ledger needs it.
pub struct Gain {
    service: Box<str>,
    kind: u8,
    leaves: Vec<Hash>,
    /// The line of each.
    lines: Vec<u32>,
    /// Lines that begin: number, nonce, tenant.
    begun: Vec<(u32, [u8; 16], Box<str>)>,
    /// What a `heads` tells.
    told: Vec<ChainHead>,
}

impl Gain {
    /// The chain's service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Entries.
    pub fn entry_count(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Leaves out the first entries. Lines that begin among them stay: whoever has their entries knows of them.
    pub fn drop_first(&mut self, count: u64) {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.leaves.len());
        self.leaves.drain(..count);
        self.lines.drain(..count);
    }

    /// What a part tells.
    pub fn of(part: &Part<'_>) -> Gain {
        let begun = part.lines.iter().map(|line| (line.line, line.nonce, line.tenant.into()));
        let mut told = Vec::new();
        if part.kind == kind::HEADS {
            for entry in 0..part.rows.len() {
                // A record that does not decode is damage, which verify names.
                let record = record::decode(part.record(entry)).ok();
                let heads = record.and_then(|record| Heads::decode(record.control?).ok());
                told.extend(heads.into_iter().flat_map(|heads| heads.chains));
            }
        }
        Gain {
            service: part.service.into(),
            kind: part.kind,
            leaves: part.leaves().to_vec(),
            lines: part.rows.iter().map(|row| row.line).collect(),
            begun: begun.collect(),
            told,
        }
    }

    /// Lines that begin, with their IDs.
    fn begun(&self, chain_id: &[u8; 16]) -> impl Iterator<Item = (u32, [u8; 16])> {
        let chain_id = *chain_id;
        self.begun
            .iter()
            .map(move |(number, nonce, tenant)| (*number, hashes::line_id(nonce, &chain_id, tenant)))
    }
}
