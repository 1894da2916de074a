//! Generated entries, as NDJSON and as parsed values.

use crate::Outcome;
use sealog::generate::{Generator, Plan};
use sealog_engine::batch::Batch;
use sealog_engine::format::record;
use sealog_engine::model::{Accept, Entry, parse_entry};
use std::path::Path;

/// Entries of a batch, where batches are measured.
pub const BATCH_ENTRIES: usize = 1_000;

/// The plan of all data sets: 2 000 tenants, 12 services, 10 days.
pub fn plan(entries: usize) -> Plan {
    Plan { entries: entries as u64, ..Plan::default() }
}

/// NDJSON lines in memory.
pub struct Lines {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    /// Generates the lines of a plan.
    pub fn generate(plan: &Plan) -> Lines {
        let mut generator = Generator::new(plan);
        let mut lines = Lines { bytes: Vec::new(), ends: Vec::new() };
        while generator.next_line(&mut lines.bytes) {
            lines.ends.push(lines.bytes.len());
        }
        lines
    }

    /// The next `count` lines of a generator.
    pub fn next_of(generator: &mut Generator, count: usize) -> Lines {
        let mut lines = Lines { bytes: Vec::new(), ends: Vec::new() };
        while lines.ends.len() < count && generator.next_line(&mut lines.bytes) {
            lines.ends.push(lines.bytes.len());
        }
        lines
    }

    /// Bytes of all lines.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The lines' entries, which borrow from them.
    ///
    /// # Errors
    /// None, while the generator writes what the model reads.
    pub fn entries(&self) -> Outcome<Vec<Entry<'_>>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let lines = starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end]);
        Ok(lines.map(|line| parse_entry(line, Accept::Entry)).collect::<Result<_, _>>()?)
    }
}

/// A little more than the mean record of generated entries takes.
const RECORD_BYTES_TYPICAL: usize = 272;

/// A batch of these entries: each is checked and encoded.
///
/// # Errors
/// An entry that breaks the model, or a batch that is too large.
pub fn batch_of(entries: &[Entry<'_>]) -> Outcome<Batch> {
    let mut batch = Batch::with_capacity(entries.len(), entries.len() * RECORD_BYTES_TYPICAL);
    for entry in entries {
        batch.push(entry)?;
    }
    Ok(batch)
}

/// Records as the engine would store them, back to back, for peers that store and hash the same bytes.
pub struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// Encodes entries.
    ///
    /// # Errors
    /// An entry that breaks the model.
    pub fn encode(entries: &[Entry<'_>]) -> Outcome<Records> {
        let mut records = Records { bytes: Vec::new(), ends: Vec::with_capacity(entries.len()) };
        let mut parts = Vec::new();
        for (tenant_seq, entry) in entries.iter().enumerate() {
            parts.clear();
            let lengths = record::encode_parts(entry, &mut parts)?;
            let (id, rest) = parts.split_at(lengths.id_bytes as usize);
            let parts = record::Parts { id, rest, pair_count: lengths.pair_count };
            record::assemble(parts, tenant_seq as u64, "sealog@bench", false, &mut records.bytes);
            records.ends.push(records.bytes.len());
        }
        Ok(records)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// One of them.
    pub fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }
}

/// Bytes of all files below a directory.
///
/// # Errors
/// The system's.
pub fn bytes_below(directory: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for file in std::fs::read_dir(directory)? {
        let file = file?;
        let metadata = file.metadata()?;
        bytes += if metadata.is_dir() { bytes_below(&file.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
