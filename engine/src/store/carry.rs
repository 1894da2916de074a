//! Entries of quiet chains, written again at the journal's end, so that the files they were in can go.

use crate::format::commit::{self, NewKey, NewLine, PartHead};
use crate::format::journal::FRAME_HEADER_BYTES;
use crate::limits;
use crate::model::ServiceName;
use crate::open::Frozen;
use crate::proof::Hash;

/// Payloads of carry frames, as far as they are built.
#[derive(Default)]
pub struct Carriage {
    pub frames: Vec<CarryFrame>,
}

/// One carry frame, with room for its header.
pub struct CarryFrame {
    pub bytes: Vec<u8>,
    pub part_count: u32,
    pub entry_count: u32,
}

impl Carriage {
    /// Adds a chain's rows; chains come by service. `prev` is the leaf before the first of them.
    pub fn add(&mut self, service: &ServiceName, frozen: &Frozen, prev: &Hash) {
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let mut lines = vec![0_u32; frozen.row_count() as usize];
        for tenant in &frozen.tenants {
            tenant.rows.iter().for_each(|row| lines[*row as usize] = tenant.line);
        }
        let rows: Vec<_> = frozen.rows().collect();
        let mut prev = *prev;
        for run in frozen.runs() {
            let own = run.rows.start as usize..run.rows.end as usize;
            let mut begun: Vec<(u32, NewLine<'_>)> = Vec::new();
            let mut keys: Vec<(u32, NewKey)> = Vec::new();
            for tenant in &frozen.tenants {
                let Some(first) = tenant.rows.first() else { continue };
                if let Some(nonce) = tenant.nonce
                    && run.rows.contains(first)
                {
                    begun.push((*first, NewLine { line: tenant.line, nonce, tenant: &tenant.name }));
                }
                // A key goes with the first entry that it salts here; it may have been drawn for one that is sealed.
                let seqs = run.first_seq..run.first_seq + own.len() as u64;
                let is_first = run.rows.contains(first);
                let mut drawn = tenant
                    .keys
                    .iter()
                    .filter(|(from, _)| seqs.contains(from) || is_first && *from < run.first_seq);
                if let Some((_, key)) = drawn.next_back() {
                    keys.push((*first, NewKey { line: tenant.line, key: *key }));
                }
            }
            begun.sort_unstable_by_key(|(first, _)| *first);
            keys.sort_unstable_by_key(|(first, _)| *first);
            let begun: Vec<NewLine<'_>> = begun.into_iter().map(|(_, line)| line).collect();
            let keys: Vec<NewKey> = keys.into_iter().map(|(_, key)| key).collect();

            let frame = self.frame();
            commit::write_carried(&mut frame.bytes, run.logged_at);
            let head = PartHead {
                service: service.as_str(),
                kind: run.kind,
                first_seq: run.first_seq,
                prev: &prev,
                lines: &begun,
                keys: &keys,
                entry_count: narrow(own.len()),
            };
            commit::write_part_head(&mut frame.bytes, head);
            for (row, line) in rows[own.clone()].iter().zip(&lines[own.clone()]) {
                frame.bytes.extend(narrow(row.record.len()).to_le_bytes());
                frame.bytes.extend(line.to_le_bytes());
            }
            rows[own.clone()].iter().for_each(|row| frame.bytes.extend(row.leaf));
            rows[own.clone()].iter().for_each(|row| frame.bytes.extend(row.record));
            frame.part_count += 1;
            frame.entry_count += narrow(own.len());
            prev = rows[own.end - 1].leaf.to_owned();
        }
    }

    /// The frame that the next part goes into.
    fn frame(&mut self) -> &mut CarryFrame {
        let is_full = |frame: &CarryFrame| frame.bytes.len() >= limits::GROUP_BYTES_AIM;
        if self.frames.last().is_none_or(is_full) {
            let bytes = vec![0; FRAME_HEADER_BYTES];
            self.frames.push(CarryFrame { bytes, part_count: 0, entry_count: 0 });
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }
}
