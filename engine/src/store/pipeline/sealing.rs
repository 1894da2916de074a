//! Seals what is in memory behind the appends, and lets journal files go whose entries are sealed.
//!
//! One seals at a time, under the sealer's lock, which comes before all others. Each step leaves the store as a reader
//! and a restart expect it: a segment is durable before its rows leave memory; what a journal file holds is durable
//! elsewhere before a later file says that it is not needed; only then is it removed.

use super::{Pipeline, State};
use crate::error::Error;
use crate::format::journal::FrameType;
use crate::journal::{self, NewFrame, WriteError};
use crate::limits;
use crate::open::Frozen;
use crate::proof::Hasher;
use crate::proof::directory::Slot;
use crate::segment::{self, Segment};
use crate::store::carry::Carriage;
use crate::store::ends;
use crate::store::remembered::{self, Collector};
use crate::store::sealed::{Built, SealedChain};
use crate::store::sealer::Sealer;
use parking_lot::MutexGuard;
use std::io;
use std::sync::Arc;

/// What is about to be sealed of a chain.
pub(super) struct Sealing {
    pub(super) service: Box<str>,
    /// Where its sealed part ends.
    sealed: SealedChain,
    frozen: Frozen,
    /// Of the frozen tenants' lines.
    slots: Vec<Slot>,
}

impl Pipeline {
    /// The sealing thread: seals what is due, until the store is closed.
    pub fn seal_work(&self) {
        loop {
            let mut state = self.state.lock();
            if !state.wants_sealing && !state.is_closing {
                self.sealing.wait_for(&mut state, super::TICK);
            }
            if state.is_closing {
                return;
            }
            state.wants_sealing = false;
            drop(state);
            // A failure is told to the appenders who wait for room, and tried again at the next tick.
            let _ = self.seal_due();
        }
    }

    /// Seals chains that are large or old enough, and lets go what nobody needs any more.
    ///
    /// # Errors
    /// Whatever kept it from doing so; nothing is lost, and it is tried again.
    pub fn seal_due(&self) -> Result<(), Error> {
        let mut sealer = self.sealer.lock();
        if self.state.lock().stopped.is_some() {
            return Ok(());
        }
        let result = self.seal_largest(&mut sealer).and_then(|()| self.trim_journal(&mut sealer));
        let mut state = self.state.lock();
        self.note_room(&mut state);
        state.sealing_failure = result.as_ref().err().cloned();
        if state.is_full
            && let Some(failure) = state.sealing_failure.clone()
        {
            state.refuse_queue(&failure);
        }
        state.wake_next();
        result
    }

    /// Whether appenders must wait for room, as it is now.
    pub(super) fn note_room(&self, state: &mut State) {
        let was_full = state.is_full;
        state.is_full = self.view.open_bytes() >= self.bounds.open_bytes_max;
        if state.is_full && !was_full {
            self.crowded.notify_all();
        }
    }

    /// Whether anything should be sealed.
    pub(super) fn is_sealing_due(&self) -> bool {
        self.view.open_bytes() >= self.bounds.open_bytes_aim
            || self.view.largest_open_rows() >= self.bounds.segment_rows_aim
    }

    /// `heads` at a seal, but not more often than once a second: it is a commit of its own, which appenders wait for.
    pub(super) fn commit_heads_at_seal(&self) -> Result<(), Error> {
        let now = self.clock.wall_ns();
        let heads_at = self.state.lock().heads_at;
        if now.saturating_sub(heads_at) < limits::HEADS_AT_SEAL_INTERVAL_NS && now >= heads_at {
            return Ok(());
        }
        self.commit_heads()
    }

    /// Seals everything that a chain has committed by now.
    fn seal_chain(&self, sealer: &mut Sealer, service: &str) -> Result<(), Error> {
        let Some(sealing) = self.begin_seal(sealer, service)? else { return Ok(()) };
        let built = self.build_segments(sealing)?;
        self.take_in_sealed(sealer, service, built)
    }

    /// Builds the segments of what was begun.
    pub(super) fn build_segments(&self, sealing: Sealing) -> Result<Vec<Built>, Error> {
        let Sealing { sealed, frozen, slots, .. } = sealing;
        sealed.build(&frozen, &slots, self.bounds.segment_rows_max, &mut Hasher::new())
    }

    /// Begins to seal what a chain has committed by now; none if that is nothing.
    pub(super) fn begin_seal(&self, sealer: &Sealer, service: &str) -> Result<Option<Sealing>, Error> {
        let (name, chain_id, boundary) = {
            let mut committer = self.committer.lock();
            let Some(chain) = committer.tails.find(service) else { return Ok(None) };
            let boundary = committer.tails.begin_generation(chain);
            let tail = committer.tails.chain(chain);
            (tail.service.clone(), tail.chain_id, boundary)
        };
        self.wait_until_indexed(service, boundary)?;
        let sealed_end = sealer.chains.get(service).map_or(0, SealedChain::size);
        let count = u32::try_from(boundary.saturating_sub(sealed_end)).unwrap_or(u32::MAX);
        let Some(frozen) = self.view.freeze(service, count).filter(|frozen| frozen.row_count() > 0) else {
            return Ok(None);
        };
        let slots = self.ledger.lock().slots(service, frozen.tenants.iter().map(|tenant| tenant.line));
        let damaged = |detail: &str| Error::Damaged {
            place: format!("the chain of {service}"),
            detail: detail.to_owned(),
        };
        let (slot, slots) = slots.ok_or_else(|| damaged("expected slots for all its lines, found fewer"))?;
        let sealed = match sealer.chains.get(service) {
            Some(sealed) => sealed.clone(),
            None => SealedChain::new(&self.identity, name, chain_id, slot),
        };
        Ok(Some(Sealing { service: service.into(), sealed, frozen, slots }))
    }

    /// Writes segments that were built, and takes each in as soon as it is durable.
    pub(super) fn take_in_sealed(
        &self,
        sealer: &mut Sealer,
        service: &str,
        built: Vec<Built>,
    ) -> Result<(), Error> {
        for built in built {
            let path = segment::path(service, built.first_seq);
            let failed = |action| Error::during(action, sealer.disk.display(&path));
            segment::write(&*sealer.disk, service, built.first_seq, &built.bytes).map_err(failed("write"))?;
            let segment = Segment::open(&*sealer.disk, &path)
                .map_err(|error| failed("open")(io::Error::other(error.to_string())))?;
            // One by one: if the next cannot be written, the chain goes on behind this one.
            self.view.seal(service, Arc::new(segment));
            sealer.ends.note(service, built.lines.into_iter());
            sealer.chains.insert(service.into(), built.behind);
        }
        Ok(())
    }

    /// Returns when the index holds a chain up to a position that was given out.
    fn wait_until_indexed(&self, service: &str, end_seq: u64) -> Result<(), Error> {
        loop {
            self.index_all();
            if self.view.chain_size(service) >= end_seq {
                return Ok(());
            }
            let mut state = self.state.lock();
            if let Some(stopped) = &state.stopped {
                return Err(stopped.clone());
            }
            // Those who wait for the frame sync it.
            self.progress.wait_for(&mut state, std::time::Duration::from_millis(1));
        }
    }

    /// Lets journal files go of which everything is sealed, carrying what quiet chains have in them.
    pub(super) fn trim_journal(&self, sealer: &mut Sealer) -> Result<(), Error> {
        let newest = self.committer.lock().journal.journal();
        if newest != sealer.looked_at {
            // Chains that nothing but age makes due: those that hold on to files far behind.
            let old = newest.saturating_sub(self.bounds.journal_files_aim);
            self.move_out_of(sealer, old)?;
            let needed = self.oldest_needed_journal();
            ends::write_before(sealer, &self.ledger, &self.identity.id, needed)?;
            self.remember_before(sealer, needed)?;
            self.committer.lock().journal.trim_to(needed - 1);
            sealer.looked_at = newest;
        }
        self.remove_trimmed(sealer)
    }

    /// Seals or carries every chain that has an entry in journal files up to a number.
    fn move_out_of(&self, sealer: &mut Sealer, journal: u64) -> Result<(), Error> {
        let mut quiet = Vec::new();
        for pin in self.view.open_pins() {
            if pin.oldest_journal > journal || sealer.is_building(&pin.service) {
                continue;
            }
            let is_large = pin.rows >= self.bounds.seal_rows_min || pin.bytes >= limits::CARRIED_BYTES_MAX;
            if is_large {
                self.seal_chain(sealer, &pin.service)?;
            } else {
                quiet.push(pin.service);
            }
        }
        if quiet.is_empty() { Ok(()) } else { self.carry(sealer, &quiet) }
    }

    /// Writes the entries of quiet chains again, at the journal's end; durable when this returns.
    fn carry(&self, sealer: &Sealer, services: &[Box<str>]) -> Result<(), Error> {
        let mut carriage = Carriage::default();
        let mut moved = Vec::new();
        for service in services {
            let Some(frozen) = self.view.freeze(service, u32::MAX).filter(|frozen| frozen.row_count() > 0)
            else {
                continue;
            };
            let name = {
                let committer = self.committer.lock();
                let chain = committer.tails.find(service);
                chain.map(|chain| committer.tails.chain(chain).service.clone())
            };
            let Some(name) = name else { continue };
            let sealed = sealer.chains.get(service);
            let prev =
                sealed.map_or_else(|| SealedChain::genesis(&self.identity, &name), |sealed| sealed.head);
            carriage.add(&name, &frozen, &prev);
            let end_seq = sealed.map_or(0, SealedChain::size) + u64::from(frozen.row_count());
            moved.push((service, end_seq));
        }
        let journal = self.while_building(|state| self.write_carried(state, carriage))?;
        for (service, end_seq) in moved {
            self.view.moved_to(service, journal, end_seq);
        }
        Ok(())
    }

    /// Writes and syncs carry frames; returns the oldest file that they are in.
    fn write_carried<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        carriage: Carriage,
    ) -> Result<u64, Error> {
        let mut oldest = u64::MAX;
        for mut carried in carriage.frames {
            let durable = state.durable;
            drop(state);
            let mut committer = self.committer.lock();
            let frame = NewFrame {
                frame_type: FrameType::Carry,
                durable,
                logged_at: committer.clock_guard.last().unwrap_or(0),
                part_count: carried.part_count,
                entry_count: carried.entry_count,
            };
            let entropy = Arc::clone(&committer.entropy);
            let written = committer.journal.append(&*entropy, frame, &mut carried.bytes);
            let (file, journal) = (committer.journal.file(), committer.journal.journal());
            drop(committer);
            state = self.state.lock();
            match written {
                Ok(header) => {
                    oldest = oldest.min(journal);
                    state.file = file;
                    state.written_frame = header.number.get();
                }
                Err(WriteError::Refused(error)) => return Err(error),
                Err(WriteError::Fatal(error)) => return Err(self.poison(&mut state, &error)),
            }
        }
        while state.is_syncing && state.stopped.is_none() {
            state = self.wait_for_progress(state);
        }
        if state.stopped.is_none() && state.durable < state.written_frame {
            state = self.sync(state);
        }
        match &state.stopped {
            Some(stopped) => Err(stopped.clone()),
            None => Ok(oldest),
        }
    }

    /// The oldest journal file that holds what is nowhere else.
    fn oldest_needed_journal(&self) -> u64 {
        // Nothing is written meanwhile; what is published while this looks is in one place or the other.
        let committer = self.committer.lock();
        let mut oldest = committer.journal.journal();
        {
            let state = self.state.lock();
            let written = state.written.iter().filter_map(|written| written.fresh.as_ref());
            for fresh in written.chain(&state.unindexed) {
                oldest = oldest.min(fresh.frame.journal);
            }
        }
        // The ledger's lock is held while a frame is on its way from there into the index.
        let _ledger = self.ledger.lock();
        let oldest = oldest.min(self.view.oldest_journal_of_read_only().unwrap_or(u64::MAX));
        self.view.open_pins().iter().map(|pin| pin.oldest_journal).fold(oldest, u64::min)
    }

    /// Makes durable which IDs came in journal files before one.
    fn remember_before(&self, sealer: &mut Sealer, journal: u64) -> Result<(), Error> {
        if journal <= sealer.remembered_to + 1 {
            return Ok(());
        }
        let until = {
            let mut committer = self.committer.lock();
            while committer.file_starts.front().is_some_and(|(file, _)| *file < journal) {
                committer.file_starts.pop_front();
            }
            let first = committer.file_starts.front().map(|(_, logged_at)| *logged_at);
            // Without a commit there, everything so far came before.
            first.unwrap_or_else(|| {
                committer.clock_guard.last().map_or(i64::MIN, |last| last.saturating_add(1))
            })
        };
        let mut collector = Collector::new(journal - 1);
        let mut from = Some(sealer.remembered_until);
        while let Some(at) = from {
            // A step at a time: appenders wait for this lock.
            let committer = self.committer.lock();
            from = collector.add(&committer.tails, &committer.window, at, until);
        }
        {
            let committer = self.committer.lock();
            collector.add_batches(&committer.tails, &committer.window, sealer.remembered_until, until);
        }
        let file = remembered::write(&*sealer.disk, &self.identity.id, &collector)?;
        let older = sealer.older.take_files();
        sealer.remembered_files.splice(0..0, older);
        sealer.remembered_files.push(file);
        // By commit times, as the window goes: a wall clock that leaps makes nothing forgotten.
        remembered::expire(&*sealer.disk, &mut sealer.remembered_files, until)?;
        (sealer.remembered_to, sealer.remembered_until) = (journal - 1, until);
        Ok(())
    }

    /// Removes journal files that the newest one says are not needed.
    fn remove_trimmed(&self, sealer: &mut Sealer) -> Result<(), Error> {
        let trimmed = self.committer.lock().journal.trimmed();
        while sealer.removed_to < trimmed {
            let path = journal::path(sealer.removed_to + 1);
            match sealer.disk.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", sealer.disk.display(&path), error));
                }
                _ => sealer.removed_to += 1,
            }
        }
        Ok(())
    }

    /// Before a clean stop: seals what is large, and leaves a journal that is read at once when it has become long.
    pub(super) fn seal_for_stop(&self, sealer: &mut Sealer) -> Result<(), Error> {
        for pin in self.view.open_pins() {
            if pin.rows >= self.bounds.seal_rows_min {
                self.seal_chain(sealer, &pin.service)?;
            }
        }
        let (newest, bytes) = {
            let committer = self.committer.lock();
            (committer.journal.journal(), committer.journal.file_bytes())
        };
        let bytes = bytes + (newest - 1 - sealer.removed_to.min(newest - 1)) * self.bounds.journal_file_bytes;
        // What is not sealed is written again only if that lets the greater part of the journal go.
        let pins = self.view.open_pins();
        let carried: u64 =
            pins.iter().map(|pin| pin.bytes + u64::from(pin.rows) * limits::CARRIED_ROW_BYTES).sum();
        if bytes < self.bounds.journal_stop_bytes || carried > bytes / 2 {
            return Ok(());
        }
        // What is carried must be durable before a file says that those before it are not needed: two files.
        self.rotate()?;
        self.move_out_of(sealer, newest)?;
        let needed = self.oldest_needed_journal();
        ends::write_before(sealer, &self.ledger, &self.identity.id, needed)?;
        self.remember_before(sealer, needed)?;
        self.committer.lock().journal.trim_to(needed - 1);
        self.rotate()?;
        self.remove_trimmed(sealer)
    }

    /// Begins the next journal file, unless the newest is empty.
    fn rotate(&self) -> Result<(), Error> {
        self.while_building(|state| {
            drop(state);
            let mut committer = self.committer.lock();
            if committer.journal.trims_nothing_new() {
                return Ok(());
            }
            let entropy = Arc::clone(&committer.entropy);
            let rotated = committer.journal.rotate(&*entropy);
            let file = committer.journal.file();
            drop(committer);
            let mut state = self.state.lock();
            match rotated {
                Ok(()) => {
                    state.file = file;
                    Ok(())
                }
                Err(WriteError::Refused(error)) => Err(error),
                Err(WriteError::Fatal(error)) => Err(self.poison(&mut state, &error)),
            }
        })
    }
}
