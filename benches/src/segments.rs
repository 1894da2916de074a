//! Entries as rows of sealed segments, without a store.

use crate::Outcome;
use sealog_engine::format::column::Effort;
use sealog_engine::format::record;
use sealog_engine::format::record::Parts;
use sealog_engine::format::segment::LineState;
use sealog_engine::format::segment::columns::Row;
use sealog_engine::format::segment::states::{self, Opening, OpeningLine};
use sealog_engine::model::Entry;
use sealog_engine::proof::Hasher;
use sealog_engine::proof::hashes;
use sealog_engine::proof::tree::RightEdge;
use sealog_engine::segment::writer;
use std::collections::BTreeMap;
use std::ops::Range;

/// Rows of one chain, as a store would have committed them in batches of 1 000.
#[derive(Default)]
pub struct Rows {
    service: String,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    logged_at: Vec<i64>,
    /// By name, with the lines' numbers.
    tenants: BTreeMap<String, u32>,
    lines: Vec<u32>,
}

/// When the first batch was committed, and how far apart they are.
const START_NS: i64 = 1_795_000_000_000_000_000;
const BATCH_ENTRIES: usize = 1_000;
const BATCH_NS: i64 = 1_234_567;

impl Rows {
    /// Entries by service.
    ///
    /// # Errors
    /// An entry that breaks the model.
    pub fn by_service(entries: &[Entry<'_>]) -> Outcome<BTreeMap<String, Rows>> {
        let mut chains: BTreeMap<String, Rows> = BTreeMap::new();
        let mut sizes: BTreeMap<(String, u32), u64> = BTreeMap::new();
        let mut parts = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let rows = chains.entry(entry.service.to_string()).or_default();
            rows.service = entry.service.to_string();
            let next = u32::try_from(rows.tenants.len())?;
            let line = *rows.tenants.entry(entry.tenant.to_string()).or_insert(next);
            let size = sizes.entry((rows.service.clone(), line)).or_default();
            parts.clear();
            let lengths = record::encode_parts(entry, &mut parts)?;
            let (id, rest) = parts.split_at(lengths.id_bytes as usize);
            let own = Parts { id, rest, pair_count: lengths.pair_count };
            record::assemble(own, *size, "sealog@bench", false, &mut rows.bytes);
            *size += 1;
            rows.ends.push(rows.bytes.len());
            rows.lines.push(line);
            rows.logged_at.push(START_NS + (index / BATCH_ENTRIES) as i64 * BATCH_NS);
        }
        Ok(chains)
    }

    /// The rows in parts of at most this many.
    pub fn parts(&self, rows: usize) -> Vec<Range<usize>> {
        (0..self.ends.len()).step_by(rows).map(|from| from..(from + rows).min(self.ends.len())).collect()
    }

    fn row(&self, index: usize) -> Row<'_> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Row { record: &self.bytes[start..self.ends[index]], kind: 0, logged_at: self.logged_at[index] }
    }
}

/// A segment of these rows. Hashes of entries are left out: they are no part of what is measured.
///
/// # Errors
/// Rows that do not read back.
pub fn sealed(rows: &Rows, part: Range<usize>, effort: Effort) -> Outcome<Vec<u8>> {
    let own: Vec<Row<'_>> = part.clone().map(|index| rows.row(index)).collect();
    let mut before: Vec<u64> = vec![0; rows.tenants.len()];
    rows.lines[..part.start].iter().for_each(|line| before[*line as usize] += 1);
    let mut inside: Vec<u64> = vec![0; rows.tenants.len()];
    rows.lines[part.clone()].iter().for_each(|line| inside[*line as usize] += 1);
    let present = rows.tenants.iter().filter(|(_, line)| inside[**line as usize] > 0);
    let mut index_of = vec![0; rows.tenants.len()];
    let lines: Vec<OpeningLine> = present
        .zip(0..)
        .map(|((tenant, line), index)| {
            index_of[*line as usize] = index;
            // Random bytes in a store: here they only must not compress.
            let random = hashes::chain_id(tenant);
            let (mut digest, mut key) = ([0; 32], [0; 32]);
            digest[..16].copy_from_slice(&random);
            key[16..].copy_from_slice(&random);
            OpeningLine {
                tenant: tenant.clone(),
                line: *line,
                slot: *line,
                nonce: random,
                state: LineState { size: before[*line as usize], digest },
                keys: vec![(part.start as u64, key)],
            }
        })
        .collect();
    let tenants: Vec<u32> = rows.lines[part.clone()].iter().map(|line| index_of[*line as usize]).collect();
    let size = part.start as u64;
    let opening = Opening {
        store_id: [7; 16],
        service: rows.service.clone(),
        chain_id: [8; 16],
        slot: 0,
        prev: [9; 32],
        edge: RightEdge::from_subtrees(size, &vec![[1; 32]; size.count_ones() as usize]).unwrap_or_default(),
        line_count: u32::try_from(rows.tenants.len())?,
    };
    let leaves = vec![[3; 32]; own.len()];
    let frame = states::close(&opening, lines, &leaves, &tenants, &mut Hasher::new());
    Ok(writer::build(frame, &own, &tenants, effort)?)
}
