//! The payload of a commit frame: one group commit, self-contained.
//!
//! Parts in the order of their services, each the entries of one kind that one chain gains: where the chain stood,
//! the lines and salt keys that begin here, and every entry's length, line, leaf and record. Behind the parts, the
//! idempotency keys of whole batches.

use super::cbor::CborError;
use crate::limits;
use crate::proof::{Hash, Key};

/// Bytes that are not the payload of a commit frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The bytes end before, or go on after, what they describe.
    #[error("byte {offset} of the payload: expected {expected}")]
    Shape {
        /// Where in the payload.
        offset: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// A record that does not decode.
    #[error("entry {entry} of a part: {source}")]
    Record {
        /// Which entry of its part, from 0.
        entry: usize,
        /// What about its record.
        source: CborError,
    },
}

/// A line (one tenant in one chain) that begins in a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewLine<'a> {
    /// Number of the line within its chain: 0, 1, 2, … by first entry.
    pub line: u32,
    /// Ties the line to its tenant and hides whose it is.
    pub nonce: [u8; 16],
    /// Whose line it is.
    pub tenant: &'a str,
}

/// A salt key that begins in a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The line whose entries it salts from here on.
    pub line: u32,
    /// The key.
    pub key: Key,
}

/// One entry's place in its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where its record begins in the payload.
    pub record_offset: u32,
    /// Bytes of its record.
    pub record_bytes: u32,
    /// Number of its tenant's line in the chain.
    pub line: u32,
}

/// The entries of one kind that one chain gains in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The chain's service.
    pub service: &'a str,
    /// Kind of the entries: 0 for a producer's, 1 to 7 for the log's own.
    pub kind: u8,
    /// Position of the first entry.
    pub first_seq: u64,
    /// Leaf before the first entry, or the chain's genesis.
    pub prev: Hash,
    /// Lines that begin here.
    pub lines: Vec<NewLine<'a>>,
    /// Salt keys that begin here.
    pub keys: Vec<NewKey>,
    /// The entries.
    pub rows: Vec<Row>,
    /// Where the first leaf stands in the payload; 32 bytes an entry.
    pub leaves_offset: usize,
    /// The whole payload, which offsets point into.
    pub payload: &'a [u8],
}

impl<'a> Part<'a> {
    /// The record of entry `index`.
    pub fn record(&self, index: usize) -> &'a [u8] {
        let row = self.rows[index];
        &self.payload[row.record_offset as usize..][..row.record_bytes as usize]
    }

    /// The leaf of entry `index`.
    pub fn leaf(&self, index: usize) -> &'a Hash {
        let (leaves, _) = self.payload[self.leaves_offset..].as_chunks();
        &leaves[index]
    }

    /// The leaves of all entries.
    pub fn leaves(&self) -> &'a [Hash] {
        let (leaves, _) = self.payload[self.leaves_offset..].as_chunks();
        &leaves[..self.rows.len()]
    }

    /// The same part without its first `count` entries and the lines that begin with them. Their salt keys stay: they
    /// salt the entries behind too.
    ///
    /// # Panics
    /// If it has not more than that.
    pub fn behind(&self, count: usize) -> Part<'a> {
        assert!((1..self.rows.len()).contains(&count), "a part has at least one entry");
        Part {
            first_seq: self.first_seq + count as u64,
            prev: *self.leaf(count - 1),
            lines: {
                let begins_before = |line: u32| self.rows[..count].iter().any(|row| row.line == line);
                self.lines.iter().filter(|new| !begins_before(new.line)).copied().collect()
            },
            rows: self.rows[count..].to_vec(),
            leaves_offset: self.leaves_offset + count * 32,
            ..self.clone()
        }
    }

    /// Position after the last entry.
    pub fn end_seq(&self) -> u64 {
        self.first_seq + self.rows.len() as u64
    }
}

/// A batch's idempotency key and what the batch became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchKey {
    /// MAC of the key.
    pub key: u128,
    /// MAC of the batch's bytes.
    pub bytes: u128,
    /// Its entries: (part, first position, count).
    pub runs: Vec<BatchRun>,
}

/// Entries of one batch that lie side by side in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRun {
    /// Which part of the payload.
    pub part: u32,
    /// Position of the first.
    pub first_seq: u64,
    /// How many.
    pub count: u32,
}

/// A decoded payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit<'a> {
    /// In the order of their services; those of one service in the order of `first_seq`.
    pub parts: Vec<Part<'a>>,
    /// Keys of whole batches.
    pub batch_keys: Vec<BatchKey>,
}

/// What the head of a part says.
#[derive(Clone, Copy, Debug)]
pub struct PartHead<'a> {
    /// The chain's service.
    pub service: &'a str,
    /// Kind of the entries.
    pub kind: u8,
    /// Position of the first entry.
    pub first_seq: u64,
    /// Leaf before it.
    pub prev: &'a Hash,
    /// Lines that begin here.
    pub lines: &'a [NewLine<'a>],
    /// Salt keys that begin here.
    pub keys: &'a [NewKey],
    /// Entries.
    pub entry_count: u32,
}

/// Appends the head of a part up to its row table; a table of (record bytes, line), the leaves and the records follow.
pub fn write_part_head(out: &mut Vec<u8>, head: PartHead<'_>) {
    short_text(out, head.service);
    out.push(head.kind);
    out.extend(count(head.lines.len()));
    out.extend(count(head.keys.len()));
    out.extend(head.entry_count.to_le_bytes());
    out.extend(head.first_seq.to_le_bytes());
    out.extend(head.prev);
    for new in head.lines {
        out.extend(new.line.to_le_bytes());
        out.extend(new.nonce);
        short_text(out, new.tenant);
    }
    for new in head.keys {
        out.extend(new.line.to_le_bytes());
        out.extend(new.key);
    }
}

/// Appends the batches' keys, which end a payload.
pub fn write_batch_keys(out: &mut Vec<u8>, batches: &[BatchKey]) {
    out.extend(count(batches.len()));
    for batch in batches {
        out.extend(batch.key.to_le_bytes());
        out.extend(batch.bytes.to_le_bytes());
        out.extend(count(batch.runs.len()));
        for run in &batch.runs {
            out.extend(run.part.to_le_bytes());
            out.extend(run.first_seq.to_le_bytes());
            out.extend(run.count.to_le_bytes());
        }
    }
}

fn count(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes()
}

/// Texts in a part are names of at most 128 bytes.
fn short_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend(text.as_bytes());
}

/// Begins the payload of a carry frame, or goes on with it: what follows is a part that was committed at a time.
pub fn write_carried(out: &mut Vec<u8>, logged_at: i64) {
    out.extend(logged_at.to_le_bytes());
}

/// Decodes the payload of a carry frame: parts of earlier commits, each with its commit time.
///
/// # Errors
/// As [`decode`].
pub fn decode_carried(
    payload: &[u8],
    part_count: u32,
    entry_count: u32,
) -> Result<Vec<(i64, Part<'_>)>, PayloadError> {
    let mut reader = Reader { payload, offset: 0 };
    let mut entries_left = entry_count as usize;
    let mut parts: Vec<(i64, Part<'_>)> = Vec::new();
    for _ in 0..part_count {
        let logged_at = i64::from_le_bytes(reader.fixed("a commit time")?);
        let part = reader.part(&mut entries_left)?;
        if let Some((before, last)) = parts.last() {
            let follows = match last.service.cmp(part.service) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal => last.end_seq() == part.first_seq && *before <= logged_at,
                std::cmp::Ordering::Greater => false,
            };
            if !follows {
                return Err(reader.error("parts in the order of their services and positions"));
            }
        }
        parts.push((logged_at, part));
    }
    if entries_left != 0 {
        return Err(reader.error("as many entries as the frame's header says"));
    }
    if reader.offset != payload.len() {
        return Err(reader.error("the end of the payload"));
    }
    Ok(parts)
}

/// Decodes a payload whose CRC was checked; shapes and bounds are checked, records are not decoded.
///
/// # Errors
/// Where the bytes stop being a payload.
pub fn decode(payload: &[u8], part_count: u32, entry_count: u32) -> Result<Commit<'_>, PayloadError> {
    let mut reader = Reader { payload, offset: 0 };
    let mut entries_left = entry_count as usize;
    let mut parts: Vec<Part<'_>> = Vec::new();
    for _ in 0..part_count {
        let part = reader.part(&mut entries_left)?;
        if let Some(last) = parts.last() {
            let follows = match last.service.cmp(part.service) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal => last.end_seq() == part.first_seq,
                std::cmp::Ordering::Greater => false,
            };
            if !follows {
                return Err(reader.error("parts in the order of their services"));
            }
        }
        parts.push(part);
    }
    if entries_left != 0 {
        return Err(reader.error("as many entries as the frame's header says"));
    }
    let batch_keys = reader.batch_keys(&parts)?;
    if reader.offset != payload.len() {
        return Err(reader.error("the end of the payload"));
    }
    Ok(Commit { parts, batch_keys })
}

struct Reader<'a> {
    payload: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, expected: &'static str) -> PayloadError {
        PayloadError::Shape { offset: self.offset, expected }
    }

    fn take(&mut self, count: usize, expected: &'static str) -> Result<&'a [u8], PayloadError> {
        let taken = self.payload[self.offset..].get(..count).ok_or(self.error(expected))?;
        self.offset += count;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], PayloadError> {
        let mut value = [0; N];
        value.copy_from_slice(self.take(N, expected)?);
        Ok(value)
    }

    /// A count of items that take at least `item_bytes` each: more than fit is refused before it sizes anything.
    fn count(&mut self, item_bytes: usize, expected: &'static str) -> Result<usize, PayloadError> {
        let count = u32::from_le_bytes(self.fixed(expected)?) as usize;
        if count.saturating_mul(item_bytes) > self.payload.len() - self.offset {
            return Err(self.error(expected));
        }
        Ok(count)
    }

    fn short_text(&mut self, expected: &'static str) -> Result<&'a str, PayloadError> {
        let [length] = self.fixed(expected)?;
        if !(1..=limits::NAME_BYTES_MAX).contains(&usize::from(length)) {
            return Err(self.error(expected));
        }
        let bytes = self.take(usize::from(length), expected)?;
        std::str::from_utf8(bytes).map_err(|_| self.error(expected))
    }

    fn part(&mut self, entries_left: &mut usize) -> Result<Part<'a>, PayloadError> {
        let service = self.short_text("a service")?;
        let [kind] = self.fixed("a kind")?;
        let line_count = self.count(4 + 16 + 2, "new lines")?;
        let key_count = self.count(4 + 32, "salt keys")?;
        let entry_count = self.count(8 + 32 + 1, "entries")?;
        if entry_count == 0 || entry_count > *entries_left {
            return Err(self.error("as many entries as the frame's header says"));
        }
        *entries_left -= entry_count;
        let first_seq = u64::from_le_bytes(self.fixed("a position")?);
        if first_seq.checked_add(entry_count as u64).is_none() {
            return Err(self.error("a position"));
        }
        let prev = self.fixed("the leaf before")?;
        let lines = (0..line_count)
            .map(|_| {
                let line = u32::from_le_bytes(self.fixed("a line")?);
                Ok(NewLine { line, nonce: self.fixed("a nonce")?, tenant: self.short_text("a tenant")? })
            })
            .collect::<Result<_, PayloadError>>()?;
        let keys = (0..key_count)
            .map(|_| {
                let line = u32::from_le_bytes(self.fixed("a line")?);
                Ok(NewKey { line, key: self.fixed("a salt key")? })
            })
            .collect::<Result<_, PayloadError>>()?;
        let (table, rest) = self.take(entry_count * 8, "the entries' lengths")?.as_chunks::<8>();
        debug_assert!(rest.is_empty());
        let leaves_offset = self.offset;
        self.take(entry_count * 32, "the entries' leaves")?;
        let rows = table
            .iter()
            .map(|row| {
                let [a, b, c, d, line @ ..] = *row;
                let record_bytes = u32::from_le_bytes([a, b, c, d]);
                if !(1..=limits::RECORD_BYTES_MAX).contains(&(record_bytes as usize)) {
                    return Err(self.error("a record of 1 byte to 256 KiB"));
                }
                let record_offset =
                    u32::try_from(self.offset).map_err(|_| self.error("a payload below 4 GiB"))?;
                self.take(record_bytes as usize, "a record")?;
                Ok(Row { record_offset, record_bytes, line: u32::from_le_bytes(line) })
            })
            .collect::<Result<_, PayloadError>>()?;
        Ok(Part { service, kind, first_seq, prev, lines, keys, rows, leaves_offset, payload: self.payload })
    }

    fn batch_keys(&mut self, parts: &[Part<'_>]) -> Result<Vec<BatchKey>, PayloadError> {
        let batch_count = self.count(16 + 16 + 4, "batch keys")?;
        (0..batch_count)
            .map(|_| {
                let key = u128::from_le_bytes(self.fixed("a batch key")?);
                let bytes = u128::from_le_bytes(self.fixed("a batch's MAC")?);
                let run_count = self.count(16, "a batch's runs")?;
                let runs = (0..run_count)
                    .map(|_| {
                        let part = u32::from_le_bytes(self.fixed("a part")?);
                        let first_seq = u64::from_le_bytes(self.fixed("a position")?);
                        let count = u32::from_le_bytes(self.fixed("a count")?);
                        let inside = parts.get(part as usize).is_some_and(|part| {
                            part.first_seq <= first_seq
                                && first_seq
                                    .checked_add(u64::from(count))
                                    .is_some_and(|end| end <= part.end_seq())
                        });
                        if !inside {
                            return Err(self.error("a run inside its part"));
                        }
                        Ok(BatchRun { part, first_seq, count })
                    })
                    .collect::<Result<_, PayloadError>>()?;
                Ok(BatchKey { key, bytes, runs })
            })
            .collect()
    }
}
