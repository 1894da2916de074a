//! Seals what a store's journal holds, from outside, as the store would.

use crate::Outcome;
use sealog_engine::disk::Disk;
use sealog_engine::format::column::Effort;
use sealog_engine::format::commit::{self, Part};
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

/// One chain, as far as it is sealed, and the rows that wait.
struct Chain {
    slot: u32,
    lines: Vec<Line>,
    prev: Hash,
    edge: RightEdge,
    rows: Vec<Waiting>,
}

struct Line {
    tenant: String,
    nonce: [u8; 16],
    slot: u32,
    key: (u64, Key),
    state: LineState,
}

struct Waiting {
    record: Vec<u8>,
    kind: u8,
    logged_at: i64,
    line: u32,
    leaf: Hash,
}

/// Seals every entry, at most `segment_rows` in a segment; gives the bytes of all segments.
///
/// # Errors
/// The disk's; a journal that is not whole.
pub fn seal_all(disk: &dyn Disk, segment_rows: usize) -> Outcome<u64> {
    let identity = identity::read(disk)?;
    let mut chains: BTreeMap<String, Chain> = BTreeMap::new();
    let mut reader = JournalReader::new(disk, identity.id)?;
    let (mut slots, mut bytes) = (0, 0);
    while let Some(event) = reader.next_event()? {
        let frame = match event {
            Event::Frame(frame) if frame.header.frame_type == FrameType::Commit => frame,
            Event::Damage(damage) => return Err(format!("{damage:?}").into()),
            _ => continue,
        };
        let header = &frame.header;
        let commit = commit::decode(frame.payload(), header.part_count, header.entry_count)?;
        for part in &commit.parts {
            let chain = chains.entry(part.service.to_owned()).or_insert_with(|| {
                slots += 1;
                let (lines, rows) = (Vec::new(), Vec::new());
                Chain { slot: slots - 1, lines, prev: part.prev, edge: RightEdge::default(), rows }
            });
            chain.take_in(part, header.logged_at, &identity, &mut slots)?;
            if chain.rows.len() >= segment_rows {
                bytes += chain.seal(disk, part.service, &identity)?;
            }
        }
    }
    for (service, chain) in &mut chains {
        if !chain.rows.is_empty() {
            bytes += chain.seal(disk, service, &identity)?;
        }
    }
    Ok(bytes)
}

fn chain_id(identity: &Identity, service: &str) -> [u8; 16] {
    hashes::chain_id(&hashes::origin(identity.name.as_str(), service))
}

impl Chain {
    fn take_in(
        &mut self,
        part: &Part<'_>,
        logged_at: i64,
        identity: &Identity,
        slots: &mut u32,
    ) -> Outcome<()> {
        let chain_id = chain_id(identity, part.service);
        for line in &part.lines {
            let digest = hashes::line_start(&chain_id, &hashes::line_id(&line.nonce, &chain_id, line.tenant));
            let key =
                part.keys.iter().find(|key| key.line == line.line).ok_or("a line without a salt key")?;
            self.lines.push(Line {
                tenant: line.tenant.to_owned(),
                nonce: line.nonce,
                // In the order of lines here, which is that of first entries.
                slot: *slots,
                key: (part.first_seq, key.key),
                state: LineState { size: 0, digest },
            });
            *slots += 1;
        }
        self.rows.extend(part.rows.iter().enumerate().map(|(index, row)| Waiting {
            record: part.record(index).to_vec(),
            kind: part.kind,
            logged_at,
            line: row.line,
            leaf: *part.leaf(index),
        }));
        Ok(())
    }

    fn seal(&mut self, disk: &dyn Disk, service: &str, identity: &Identity) -> Outcome<u64> {
        let rows = std::mem::take(&mut self.rows);
        let mut present: Vec<u32> = rows.iter().map(|row| row.line).collect();
        present.sort_unstable();
        present.dedup();
        present.sort_by_key(|line| &self.lines[*line as usize].tenant);
        let mut index_of = vec![0; self.lines.len()];
        for (line, index) in present.iter().zip(0..) {
            index_of[*line as usize] = index;
        }
        let lines = present.iter().map(|number| {
            let line = &self.lines[*number as usize];
            OpeningLine {
                tenant: line.tenant.clone(),
                line: *number,
                slot: line.slot,
                nonce: line.nonce,
                state: line.state,
                keys: vec![line.key],
            }
        });
        let tenants: Vec<u32> = rows.iter().map(|row| index_of[row.line as usize]).collect();
        let leaves: Vec<Hash> = rows.iter().map(|row| row.leaf).collect();
        let opening = Opening {
            store_id: identity.id,
            service: service.to_owned(),
            chain_id: chain_id(identity, service),
            slot: self.slot,
            prev: self.prev,
            edge: self.edge.clone(),
            line_count: u32::try_from(self.lines.len())?,
        };
        let first_seq = self.edge.size();
        let mut hasher = Hasher::new();
        let frame = states::close(&opening, lines.collect(), &leaves, &tenants, &mut hasher);
        for row in &frame.tenants {
            self.lines[row.line as usize].state = row.closing;
        }
        self.edge.extend(&leaves, &mut hasher);
        self.prev = leaves.last().copied().unwrap_or(self.prev);
        let rows: Vec<Row<'_>> = rows
            .iter()
            .map(|row| Row { record: &row.record, kind: row.kind, logged_at: row.logged_at })
            .collect();
        let bytes = writer::build(frame, &rows, &tenants, Effort::Light)?;
        segment::write(disk, service, first_seq, &bytes)?;
        Ok(bytes.len() as u64)
    }
}
