//! One group commit, in order: places, one commit time, records, hashes, one frame, one write.
//!
//! Nothing here waits for a sync. A group whose write is refused is taken back whole.

mod known;

use super::Receipt;
use super::clock_guard::ClockGuard;
use super::idempotency::Window;
use super::older::Older;
use super::prepared::Prepared;
use super::tails::{Place, Tails};
use crate::batch::{Batch, Slot};
use crate::clock::{Clock, Entropy};
use crate::error::Error;
use crate::format::commit::{self, BatchKey, BatchRun, NewKey, NewLine, PartHead};
use crate::format::control::{CLOCK_ACTIVITY, ClockStep, kind};
use crate::format::journal::{FRAME_HEADER_BYTES, FrameType};
use crate::format::record;
use crate::identity::Identity;
use crate::journal::{Frame, JournalFile, JournalWriter, NewFrame, WriteError};
use crate::limits;
use crate::open::RowHint;
use crate::proof::{Hash, Hasher, Job, hashes};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// A receipt whose head may still have to be looked up.
#[derive(Clone, Debug)]
pub struct PendingReceipt {
    pub receipt: Receipt,
    /// False for a duplicate: its head is the leaf of `last_seq`, which the index knows.
    pub has_head: bool,
}

/// What became of a group.
pub struct Group {
    /// What was written, if anything is new.
    pub fresh: Option<Fresh>,
    /// The file it lies in.
    pub file: Option<Arc<JournalFile>>,
    /// In the order of the batches.
    pub outcomes: Vec<Result<Vec<PendingReceipt>, Error>>,
}

/// A frame that was written, with what the index would else have to read its records for.
pub struct Fresh {
    pub frame: Arc<Frame>,
    /// Of its entries, in order.
    pub hints: Vec<RowHint>,
}

/// Everything that only the one committer touches.
pub struct Committer {
    pub identity: Arc<Identity>,
    pub tails: Tails,
    pub journal: JournalWriter,
    pub window: Window,
    /// What is to come into the window when somebody needs it: IDs that came in journal files which are gone.
    pub older: Option<Arc<Older>>,
    pub clock_guard: ClockGuard,
    /// A step of the clock that is not noted yet, because a `heads` is a commit of its own.
    pub unnoted_step: Option<ClockStep>,
    /// The frame that vouches for all before it, if it is the newest; 0 before the first frame.
    pub stop_frame: u64,
    /// Journal files with the commit time of their first frame, as far back as the IDs that came in them are kept in
    /// memory alone.
    pub file_starts: VecDeque<(u64, i64)>,
    /// Memory for frames.
    pub spare: Arc<Mutex<Vec<Vec<u8>>>>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub logged_by: Box<str>,
    pub hasher: Hasher,
}

/// An entry with its place.
#[derive(Clone, Copy)]
struct Assigned {
    batch: u32,
    slot: u32,
    place: Place,
    /// Where its record lies in the frame.
    record_offset: u32,
    record_bytes: u32,
    has_id: bool,
}

/// A run of entries of one chain and kind: a part of the frame.
struct PartRange {
    chain: u32,
    entries: std::ops::Range<usize>,
    prev_offset: usize,
    leaves_offset: usize,
}

impl Committer {
    /// Commits batches as one frame. `durable` is the highest frame that is synced.
    ///
    /// # Errors
    /// [`WriteError`]: no batch was kept. Errors of single batches are in their outcomes, and the others are written.
    pub fn commit(&mut self, group: &[Arc<Prepared>], durable: u64) -> Result<Group, WriteError> {
        let before = (self.clock_guard, self.unnoted_step);
        let (logged_at, step) = self.clock_guard.next(self.clock.wall_ns(), self.clock.boot_ns());
        self.unnoted_step = self.unnoted_step.or(step);
        let is_heads = group.iter().any(|prepared| prepared.batch.kind == kind::HEADS);
        let step = if is_heads { None } else { self.unnoted_step.take() };
        let note = step.map(|step| Arc::new(clock_note(step)));
        let batches: Vec<&Prepared> = group.iter().chain(&note).map(|batch| &**batch).collect();

        let mut assigned = Vec::with_capacity(batches.iter().map(|prepared| prepared.batch.len()).sum());
        let mut outcomes = Vec::with_capacity(batches.len());
        for (at, prepared) in batches.iter().enumerate() {
            let from = assigned.len();
            let outcome = match known::find_beside(&batches[..at], &outcomes, prepared) {
                _ if prepared.was_overtaken() => Err(Error::NotTried),
                Some(outcome) => outcome,
                None => self.assign(at, prepared, logged_at, &mut assigned),
            };
            if outcome.is_err() {
                self.take_back(&mut assigned, from);
                prepared.stop_line();
            }
            outcomes.push(outcome);
        }
        let is_noted = note.is_some() && outcomes.pop().is_some_and(|outcome| outcome.is_ok());
        if !is_noted {
            // The chain that it belongs to may take no entries.
            self.unnoted_step = self.unnoted_step.or(step);
        }
        let only_a_note = is_noted && assigned.len() == 1;
        if assigned.is_empty() || only_a_note {
            // Nothing to write but, perhaps, a note that the next group will make again.
            self.take_back(&mut assigned, 0);
            (self.clock_guard, self.unnoted_step) = before;
            return Ok(Group { fresh: None, file: None, outcomes });
        }
        match self.write(&batches, &assigned, &mut outcomes, logged_at, durable) {
            Ok(fresh) => Ok(Group { fresh: Some(fresh), file: Some(self.journal.file()), outcomes }),
            Err(error) => {
                self.take_back(&mut assigned, 0);
                (self.clock_guard, self.unnoted_step) = before;
                batches.iter().for_each(|prepared| prepared.stop_line());
                Err(error)
            }
        }
    }

    /// Gives each entry of a batch its place; entries that came before get the receipt they had.
    fn assign(
        &mut self,
        at: usize,
        prepared: &Prepared,
        logged_at: i64,
        assigned: &mut Vec<Assigned>,
    ) -> Result<Vec<PendingReceipt>, Error> {
        let batch = &prepared.batch;
        if let Some(error) = self.tails.refusal(&batch.services) {
            return Err(error.clone());
        }
        if prepared.asks_for_ids() {
            self.take_in_older()?;
        }
        if let Some(receipts) = self.find_batch(prepared)? {
            return Ok(receipts);
        }
        let chains: Vec<u32> =
            batch.services.iter().map(|service| self.tails.chain_of(service)).collect::<Result<_, _>>()?;
        let mut tenants: Vec<Option<u32>> = (0..narrow(batch.tenant_count()))
            .map(|tenant| self.tails.find_tenant(batch.tenant_name(tenant)))
            .collect();
        // What the loop below waits for, side by side: the table of IDs and the lines.
        self.window.prefetch(&prepared.macs);
        let lines: Vec<Option<u32>> = batch
            .slots
            .iter()
            .map(|slot| {
                let tenant = tenants[slot.tenant as usize]?;
                self.tails.find_line(chains[usize::from(slot.service)], tenant)
            })
            .collect();
        let mut macs = prepared.macs.iter();
        let mut duplicates: Vec<(u32, i64, u64)> = Vec::new();
        let mut runs: Vec<Option<(u64, u64)>> = vec![None; chains.len()];
        for (index, slot) in batch.slots.iter().enumerate() {
            let chain = chains[usize::from(slot.service)];
            let tails = &mut self.tails;
            let mut place = || {
                let line = match lines[index] {
                    Some(line) => line,
                    None => {
                        let tenant = &mut tenants[slot.tenant as usize];
                        tails.line_of(chain, tenant, batch.tenant(slot), &*self.entropy)?
                    }
                };
                tails.place(chain, line, &*self.entropy)
            };
            let mac = if slot.has_id { macs.next() } else { None };
            let place = match mac {
                None => place()?,
                Some(mac) => {
                    let mut placed = None;
                    let seen = self.window.find_or_insert(*mac, logged_at, || {
                        placed = Some(place()?);
                        Ok::<_, Error>((chain, placed.map_or(0, |place| place.seq)))
                    })?;
                    match (seen, placed) {
                        (None, Some(place)) => place,
                        (Some(seen), _) if seen.bytes == mac.bytes => {
                            duplicates.push((seen.chain, seen.logged_at, seen.seq));
                            continue;
                        }
                        (seen, _) => return Err(self.id_conflict(index, batch.id(slot), seen)),
                    }
                }
            };
            let run = runs[usize::from(slot.service)].get_or_insert((place.seq, place.seq));
            run.1 = place.seq;
            assigned.push(Assigned {
                batch: narrow(at),
                slot: narrow(index),
                place,
                record_offset: 0,
                record_bytes: 0,
                has_id: mac.is_some(),
            });
        }
        // Chains that only duplicates named were known before; one that got no entry is not begun.
        self.tails.drop_empty_chains();
        let fresh = runs.iter().zip(&chains).filter_map(|(run, chain)| {
            run.map(|(first, last)| self.receipt(*chain, first, last, logged_at, false))
        });
        let mut receipts: Vec<PendingReceipt> = fresh.collect();
        receipts.extend(self.duplicate_receipts(duplicates));
        Ok(receipts)
    }

    /// Takes back everything from `from` on, newest first.
    fn take_back(&mut self, assigned: &mut Vec<Assigned>, from: usize) {
        while assigned.len() > from
            && let Some(entry) = assigned.pop()
        {
            if entry.has_id {
                self.window.undo();
            }
            self.tails.undo(entry.place);
        }
        self.tails.drop_empty_chains();
    }

    /// Builds the frame, hashes, writes it, and moves the tails on.
    fn write(
        &mut self,
        batches: &[&Prepared],
        assigned: &[Assigned],
        outcomes: &mut [Result<Vec<PendingReceipt>, Error>],
        logged_at: i64,
        durable: u64,
    ) -> Result<Fresh, WriteError> {
        let mut entries = self.in_frame_order(assigned);
        let mut bytes = self.spare.lock().pop().unwrap_or_default();
        bytes.clear();
        bytes.reserve(
            FRAME_HEADER_BYTES
                + batches.iter().map(|prepared| prepared.batch.bytes()).sum::<usize>()
                + entries.len() * (8 + 32 + 24 + self.logged_by.len())
                + 4096,
        );
        bytes.resize(FRAME_HEADER_BYTES, 0);
        let parts = self.write_parts(batches, &mut entries, &mut bytes);
        let keys = batch_keys(batches, &entries, &parts);
        commit::write_batch_keys(&mut bytes, &keys);
        let payload_bytes = bytes.len() - FRAME_HEADER_BYTES;
        if payload_bytes > limits::FRAME_PAYLOAD_BYTES_MAX {
            return Err(WriteError::Refused(Error::BatchTooLarge {
                bytes: payload_bytes as u64,
                bytes_max: limits::FRAME_PAYLOAD_BYTES_MAX as u64,
            }));
        }
        let leaves = self.hash(&entries, &parts, batches, logged_at, &mut bytes);
        let frame = NewFrame {
            frame_type: FrameType::Commit,
            durable,
            logged_at,
            part_count: narrow(parts.len()),
            entry_count: narrow(entries.len()),
        };
        // A crash from here on finds no frame, a torn one, or all of it; acknowledged it is only after the sync.
        let header = self.journal.append(&*self.entropy, frame, &mut bytes)?;
        let journal = self.journal.journal();
        if self.file_starts.back().is_none_or(|(newest, _)| *newest != journal) {
            self.file_starts.push_back((journal, logged_at));
        }
        for part in &parts {
            self.tails.chain_mut(part.chain).settle(leaves[part.entries.end - 1]);
        }
        let chains: Vec<u32> = parts.iter().map(|part| part.chain).collect();
        for key in &keys {
            self.window.insert_batch(key, &chains, logged_at);
        }
        self.fill_heads(outcomes, &parts, &entries, &leaves);
        let hint = |slot: &Slot| RowHint { severity: slot.severity, has_process: slot.has_process };
        let hints = entries.iter().map(|entry| hint(slot_of(batches, entry))).collect();
        Ok(Fresh { frame: Arc::new(Frame { journal: self.journal.journal(), header, bytes }), hints })
    }

    /// Within a commit: by service as bytes, then position. Arrival order is position order in each chain, so counting
    /// sorts.
    fn in_frame_order(&self, assigned: &[Assigned]) -> Vec<Assigned> {
        let mut counts = vec![0_u32; self.tails.chain_count()];
        let mut chains = Vec::new();
        for entry in assigned {
            let count = &mut counts[entry.place.chain as usize];
            if *count == 0 {
                chains.push(entry.place.chain);
            }
            *count += 1;
        }
        chains.sort_unstable_by_key(|chain| self.tails.chain(*chain).service.as_str());
        let mut next = 0;
        for chain in chains {
            // From here on the count is where the chain's next entry goes.
            next += std::mem::replace(&mut counts[chain as usize], next);
        }
        let mut entries = assigned.to_vec();
        for entry in assigned {
            let at = &mut counts[entry.place.chain as usize];
            entries[*at as usize] = *entry;
            *at += 1;
        }
        entries
    }

    /// Appends each part: its head, its tables, room for its leaves, its records.
    fn write_parts(
        &self,
        batches: &[&Prepared],
        entries: &mut [Assigned],
        bytes: &mut Vec<u8>,
    ) -> Vec<PartRange> {
        let kind_of = |entry: &Assigned| batches[entry.batch as usize].batch.kind;
        let mut parts = Vec::new();
        let mut from = 0;
        for run in entries.chunk_by_mut(|a, b| a.place.chain == b.place.chain && kind_of(a) == kind_of(b)) {
            let (first, kind) = (run[0].place, kind_of(&run[0]));
            let chain = self.tails.chain(first.chain);
            let begun = run.iter().filter(|entry| entry.place.tenant_seq == 0).map(|entry| entry.place.line);
            let drawn = run.iter().filter(|entry| entry.place.draws_key).map(|entry| entry.place.line);
            let new_line = |line| {
                let tail = chain.line(line);
                NewLine { line, nonce: chain.nonce(line), tenant: self.tails.tenant_name(tail.tenant) }
            };
            let lines: Vec<NewLine<'_>> = begun.map(new_line).collect();
            let keys: Vec<NewKey> = drawn.map(|line| NewKey { line, key: *chain.key(line) }).collect();
            let head = PartHead {
                service: chain.service.as_str(),
                kind,
                first_seq: first.seq,
                prev: &chain.prev,
                lines: &lines,
                keys: &keys,
                entry_count: narrow(run.len()),
            };
            commit::write_part_head(bytes, head);
            let table_offset = bytes.len();
            let leaves_offset = table_offset + run.len() * 8;
            bytes.resize(leaves_offset + run.len() * 32, 0);
            for (index, entry) in run.iter_mut().enumerate() {
                let batch = &batches[entry.batch as usize].batch;
                let record_offset = bytes.len();
                let held = &batches[entry.batch as usize].held;
                record::assemble(
                    batch.parts(slot_of(batches, entry)),
                    entry.place.tenant_seq,
                    &self.logged_by,
                    !held.is_empty() && held.binary_search(&entry.slot).is_ok(),
                    bytes,
                );
                entry.record_offset = narrow(record_offset);
                entry.record_bytes = narrow(bytes.len() - record_offset);
                let row = &mut bytes[table_offset + index * 8..][..8];
                row[..4].copy_from_slice(&entry.record_bytes.to_le_bytes());
                row[4..].copy_from_slice(&entry.place.line.to_le_bytes());
            }
            // `prev` stands before the lines, which `write_part_head` wrote last.
            let line_bytes: usize = lines.iter().map(|new| 4 + 16 + 1 + new.tenant.len()).sum();
            let prev_offset = table_offset - keys.len() * 36 - line_bytes - 32;
            let entries = from..from + run.len();
            from = entries.end;
            parts.push(PartRange { chain: first.chain, entries, prev_offset, leaves_offset });
        }
        parts
    }

    /// Salts and bodies of all entries side by side, then the chains' leaves; writes leaves and links into the frame.
    fn hash(
        &mut self,
        entries: &[Assigned],
        parts: &[PartRange],
        batches: &[&Prepared],
        logged_at: i64,
        bytes: &mut [u8],
    ) -> Vec<Hash> {
        let (tails, hasher) = (&self.tails, &mut self.hasher);
        let mut salts = vec![[0; 16]; entries.len()];
        hasher.each(
            entries.len(),
            |i, message| {
                let place = entries[i].place;
                hashes::salt_message(tails.chain(place.chain).key(place.line), place.seq, message);
            },
            |i, hash| salts[i] = hashes::salt_of(&hash),
        );
        let mut bodies = vec![[0; 32]; entries.len()];
        hasher.each(
            entries.len(),
            |i, message| {
                let entry = &entries[i];
                let record = &bytes[entry.record_offset as usize..][..entry.record_bytes as usize];
                hashes::body_message(&salts[i], record, message);
            },
            |i, hash| bodies[i] = hash,
        );
        let mut leaves = vec![[0; 32]; entries.len()];
        let mut jobs = Vec::new();
        let mut rest = leaves.as_mut_slice();
        for run in entries.chunk_by(|a, b| a.place.chain == b.place.chain) {
            let (mine, others) = rest.split_at_mut(run.len());
            rest = others;
            let from = entries.len() - rest.len() - run.len();
            let chain = tails.chain(run[0].place.chain);
            jobs.push(LeafJob {
                run,
                kinds: batches,
                bodies: &bodies[from..from + run.len()],
                leaves: mine,
                chain_id: chain.chain_id,
                prev: chain.prev,
                logged_at,
                done: 0,
            });
        }
        hasher.run(jobs);
        for part in parts {
            let own = &leaves[part.entries.clone()];
            bytes[part.leaves_offset..][..own.len() * 32].copy_from_slice(own.as_flattened());
            // A second part of the same chain continues from the first one.
            if part.entries.start > 0 && entries[part.entries.start - 1].place.chain == part.chain {
                bytes[part.prev_offset..][..32].copy_from_slice(&leaves[part.entries.start - 1]);
            }
        }
        leaves
    }

    fn fill_heads(
        &self,
        outcomes: &mut [Result<Vec<PendingReceipt>, Error>],
        parts: &[PartRange],
        entries: &[Assigned],
        leaves: &[Hash],
    ) {
        for pending in outcomes.iter_mut().flatten().flatten().filter(|pending| pending.has_head) {
            let receipt = &mut pending.receipt;
            let part = parts.iter().find(|part| {
                let (first, last) =
                    (entries[part.entries.start].place.seq, entries[part.entries.end - 1].place.seq);
                self.tails.chain(part.chain).service == receipt.service
                    && (first..=last).contains(&receipt.last_seq)
            });
            if let Some(part) = part {
                let first = entries[part.entries.start].place.seq;
                let at = part.entries.start + usize::try_from(receipt.last_seq - first).unwrap_or(0);
                receipt.head = leaves[at];
            }
        }
    }
}

fn slot_of<'b>(batches: &[&'b Prepared], entry: &Assigned) -> &'b Slot {
    &batches[entry.batch as usize].batch.slots[entry.slot as usize]
}

fn narrow(value: usize) -> u32 {
    // Everything counted here lies inside one frame of at most 32 MiB.
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The control record of a clock that stepped.
fn clock_note(step: ClockStep) -> Prepared {
    let mut batch = Batch::new();
    let moved = step.after.saturating_sub(step.before);
    let message = format!(
        "the wall clock stepped {} by {} ms",
        if moved < 0 { "back" } else { "ahead" },
        moved.unsigned_abs() / 1_000_000
    );
    batch.push_control(kind::CLOCK, CLOCK_ACTIVITY, &message, &step.encode());
    Prepared::internal(batch)
}

/// What the keyed batches of a group became: for each its runs, by part.
fn batch_keys(batches: &[&Prepared], entries: &[Assigned], parts: &[PartRange]) -> Vec<BatchKey> {
    let mut keys = Vec::new();
    for (at, prepared) in batches.iter().enumerate() {
        let Some(key) = prepared.key else { continue };
        let mut runs = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            // A batch's entries lie side by side in a chain.
            let mut own = entries[part.entries.clone()].iter().filter(|entry| entry.batch as usize == at);
            if let Some(first) = own.next() {
                runs.push(BatchRun {
                    part: narrow(index),
                    first_seq: first.place.seq,
                    count: 1 + narrow(own.count()),
                });
            }
        }
        if !runs.is_empty() {
            keys.push(BatchKey { key: key.id, bytes: key.bytes, runs });
        }
    }
    keys
}

/// One chain's leaves: each is hashed over the one before.
struct LeafJob<'a> {
    run: &'a [Assigned],
    kinds: &'a [&'a Prepared],
    bodies: &'a [Hash],
    leaves: &'a mut [Hash],
    chain_id: [u8; 16],
    prev: Hash,
    logged_at: i64,
    done: usize,
}

impl Job for LeafJob<'_> {
    fn next(&mut self, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool {
        if let Some(leaf) = previous {
            self.prev = *leaf;
            self.leaves[self.done] = *leaf;
            self.done += 1;
        }
        let Some(entry) = self.run.get(self.done) else { return false };
        let skeleton = hashes::Skeleton {
            kind: self.kinds[entry.batch as usize].batch.kind,
            chain_id: self.chain_id,
            seq: entry.place.seq,
            logged_at: self.logged_at,
        };
        skeleton.leaf_message(&self.prev, &self.bodies[self.done], message);
        true
    }
}
