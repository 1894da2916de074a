//! Seals what a store's journal holds, from outside: the journal stays, and segments come beside it.

use sealog_engine::disk::Disk;
use sealog_engine::format::column::Effort;
use sealog_engine::format::commit;
use sealog_engine::format::journal::FrameType;
use sealog_engine::format::segment::LineState;
use sealog_engine::format::segment::columns::Row;
use sealog_engine::format::segment::states::{self, Opening, OpeningLine};
use sealog_engine::identity::{self, Identity};
use sealog_engine::journal::{Event, JournalReader};
use sealog_engine::proof::tree::RightEdge;
use sealog_engine::proof::{Hash, Hasher, Key, hashes};
use sealog_engine::segment;
use sealog_engine::segment::writer;
use std::collections::BTreeMap;
use std::ops::Range;

/// One chain, as the journal has it.
pub struct JournalChain {
    /// Its slot in the directory.
    slot: u32,
    rows: Vec<JournalRow>,
    lines: Vec<JournalLine>,
}

struct JournalRow {
    record: Vec<u8>,
    kind: u8,
    logged_at: i64,
    line: u32,
    leaf: Hash,
    prev: Hash,
}

struct JournalLine {
    tenant: String,
    nonce: [u8; 16],
    slot: u32,
    keys: Vec<(u64, Key)>,
}

impl JournalChain {
    /// Entries.
    pub fn size(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Gives an entry another record; its leaf stays.
    pub fn rewrite(&mut self, seq: usize, change: impl FnOnce(&[u8]) -> Vec<u8>) {
        let row = &mut self.rows[seq];
        row.record = change(&row.record);
    }

    /// Two entries change places; positions and leaves stay.
    pub fn swap(&mut self, one: usize, other: usize) {
        self.rows.swap(one, other);
        let (low, high) = self.rows.split_at_mut(one.max(other));
        let (one, other) = (&mut low[one.min(other)], &mut high[0]);
        std::mem::swap(&mut one.leaf, &mut other.leaf);
        std::mem::swap(&mut one.prev, &mut other.prev);
        std::mem::swap(&mut one.logged_at, &mut other.logged_at);
    }

    /// Commit time of an entry.
    pub fn logged_at(&self, seq: usize) -> i64 {
        self.rows[seq].logged_at
    }

    /// The leaf of an entry.
    pub fn leaf(&self, seq: usize) -> Hash {
        self.rows[seq].leaf
    }
}

/// All chains of a store whose journal is whole, by service.
pub fn chains(disk: &dyn Disk) -> (Identity, BTreeMap<String, JournalChain>) {
    let identity = identity::read(disk).unwrap();
    let mut reader = JournalReader::new(disk, identity.id).unwrap();
    let mut chains: BTreeMap<String, JournalChain> = BTreeMap::new();
    let mut next_slot = 0;
    let mut slot = || {
        next_slot += 1;
        next_slot - 1
    };
    while let Some(event) = reader.next_event().unwrap() {
        let frame = match event {
            Event::Frame(frame) if frame.header.frame_type == FrameType::Commit => frame,
            Event::Damage(damage) => panic!("{damage:?}"),
            _ => continue,
        };
        let header = &frame.header;
        let commit = commit::decode(frame.payload(), header.part_count, header.entry_count).unwrap();
        for part in &commit.parts {
            let chain = chains.entry(part.service.to_owned()).or_insert_with(|| JournalChain {
                slot: slot(),
                rows: Vec::new(),
                lines: Vec::new(),
            });
            for line in &part.lines {
                let tenant = line.tenant.to_owned();
                chain.lines.push(JournalLine { tenant, nonce: line.nonce, slot: slot(), keys: Vec::new() });
            }
            for key in &part.keys {
                chain.lines[key.line as usize].keys.push((part.first_seq, key.key));
            }
            for (index, row) in part.rows.iter().enumerate() {
                chain.rows.push(JournalRow {
                    record: part.record(index).to_vec(),
                    kind: part.kind,
                    logged_at: header.logged_at,
                    line: row.line,
                    leaf: *part.leaf(index),
                    prev: if index == 0 { part.prev } else { *part.leaf(index - 1) },
                });
            }
        }
    }
    (identity, chains)
}

/// A segment of some of a chain's entries.
pub fn build(identity: &Identity, service: &str, chain: &JournalChain, rows: Range<usize>) -> Vec<u8> {
    let chain_id = hashes::chain_id(&hashes::origin(identity.name.as_str(), service));
    let mut hasher = Hasher::new();
    let leaves = |rows: Range<usize>| -> Vec<Hash> { chain.rows[rows].iter().map(|row| row.leaf).collect() };
    let mut edge = RightEdge::default();
    edge.extend(&leaves(0..rows.start), &mut hasher);
    let mut states: Vec<LineState> = chain
        .lines
        .iter()
        .map(|line| {
            let line_id = hashes::line_id(&line.nonce, &chain_id, &line.tenant);
            LineState { size: 0, digest: hashes::line_start(&chain_id, &line_id) }
        })
        .collect();
    for row in &chain.rows[..rows.start] {
        let state = &mut states[row.line as usize];
        let mut message = Vec::new();
        hashes::line_message(&state.digest, &row.leaf, &mut message);
        *state = LineState { size: state.size + 1, digest: sealog_engine::proof::digest(&[&message]) };
    }
    let own = &chain.rows[rows.clone()];
    let end = rows.end as u64;
    let mut present: Vec<u32> = own.iter().map(|row| row.line).collect();
    present.sort_unstable();
    present.dedup();
    present.sort_by_key(|line| &chain.lines[*line as usize].tenant);
    let lines = present
        .iter()
        .map(|number| {
            let line = &chain.lines[*number as usize];
            let mut keys: Vec<(u64, Key)> =
                line.keys.iter().filter(|(from, _)| *from < end).copied().collect();
            // Only the newest of those from before the segment salts anything in it.
            let first = keys.partition_point(|(from, _)| *from <= rows.start as u64).saturating_sub(1);
            keys.drain(..first);
            OpeningLine {
                tenant: line.tenant.clone(),
                line: *number,
                slot: line.slot,
                nonce: line.nonce,
                state: states[*number as usize],
                keys,
            }
        })
        .collect();
    let tenants: Vec<u32> =
        own.iter().map(|row| present.iter().position(|line| *line == row.line).unwrap() as u32).collect();
    let opening = Opening {
        store_id: identity.id,
        service: service.to_owned(),
        chain_id,
        slot: chain.slot,
        prev: own[0].prev,
        edge,
        line_count: chain.rows[..rows.end].iter().map(|row| row.line + 1).max().unwrap(),
    };
    let frame = states::close(&opening, lines, &leaves(rows), &tenants, &mut hasher);
    let rows: Vec<Row<'_>> =
        own.iter().map(|row| Row { record: &row.record, kind: row.kind, logged_at: row.logged_at }).collect();
    writer::build(frame, &rows, &tenants, Effort::Light).unwrap()
}

/// Seals every chain's entries up to the last of the positions that `cuts` gives for its size, a segment for each.
pub fn seal(disk: &dyn Disk, mut cuts: impl FnMut(&str, u64) -> Vec<u64>) {
    let (identity, chains) = chains(disk);
    for (service, chain) in &chains {
        let mut from = 0;
        for cut in cuts(service, chain.size()) {
            let rows = from as usize..cut as usize;
            let bytes = build(&identity, service, chain, rows);
            segment::write(disk, service, from, &bytes).unwrap();
            from = cut;
        }
    }
}
