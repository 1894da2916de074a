//! Seals the largest chains to make room: one after the other, and side by side while appenders wait for it.
//!
//! Only building a segment takes long, and it touches nothing that is shared: the sealer is held before it and behind
//! it. A chain that is being built is left alone by everybody else.

use super::Pipeline;
use crate::error::Error;
use crate::store::sealer::{Building, Sealer};
use crate::threads;
use crate::view::OpenPin;
use parking_lot::Mutex;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static THREADS: LazyLock<usize> = LazyLock::new(threads::count);

/// How long one waits who found nothing to begin.
const PAUSE: Duration = Duration::from_millis(5);

impl Pipeline {
    /// Seals the largest chains until there is room.
    pub(super) fn seal_largest(&self, sealer: &mut Sealer) -> Result<(), Error> {
        let sealer = Mutex::new(sealer);
        if !self.is_threaded {
            while self.seal_next(&sealer)? {}
            return Ok(());
        }
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let beside = || self.seal_while_crowded(&sealer, &is_over);
            let others: Vec<_> = (1..*THREADS).map(|_| scope.spawn(beside)).collect();
            let mut result = Ok(true);
            while matches!(result, Ok(true)) {
                result = self.seal_next(&sealer);
            }
            {
                // Under the lock that they look under before they wait: none misses it.
                let _state = self.state.lock();
                is_over.store(true, Ordering::Release);
            }
            self.crowded.notify_all();
            for other in others {
                let other = match other.join() {
                    Ok(other) => other,
                    // A panic is our bug: let it be seen.
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                result = result.and_then(|more| other.map(|()| more));
            }
            result.map(|_| ())
        })
    }

    /// Whenever appenders have to wait, seals beside the others until there is room for a while: on the cores where
    /// appenders have nothing to do.
    fn seal_while_crowded(&self, sealer: &Mutex<&mut Sealer>, is_over: &AtomicBool) -> Result<(), Error> {
        let enough = self.bounds.open_bytes_aim.midpoint(self.bounds.open_bytes_max);
        loop {
            let mut state = self.state.lock();
            self.note_room(&mut state);
            loop {
                // Asked first: where sealing fails, there is no room when it is over.
                if is_over.load(Ordering::Acquire) {
                    return Ok(());
                }
                if state.is_full {
                    break;
                }
                self.crowded.wait_for(&mut state, super::TICK);
            }
            drop(state);
            while self.view.open_bytes() >= enough && !is_over.load(Ordering::Acquire) {
                if !self.seal_next(sealer)? {
                    // What is due is being built.
                    self.crowded.wait_for(&mut self.state.lock(), PAUSE);
                }
            }
        }
    }

    /// Seals everything that one chain has committed by now. False if no chain is due.
    fn seal_next(&self, sealer: &Mutex<&mut Sealer>) -> Result<bool, Error> {
        let sealing = {
            let mut sealer = sealer.lock();
            let Some(pin) = self.next_due(&sealer.building) else { return Ok(false) };
            let Some(sealing) = self.begin_seal(&sealer, &pin.service)? else { return Ok(false) };
            sealer.building.push(Building { service: pin.service, bytes: pin.bytes });
            sealing
        };
        let service = sealing.service.clone();
        let built = self.build_segments(sealing);
        {
            let mut sealer = sealer.lock();
            sealer.building.retain(|building| building.service != service);
            self.take_in_sealed(&mut sealer, &service, built?)?;
        }
        let mut state = self.state.lock();
        self.note_room(&mut state);
        state.wake_next();
        drop(state);
        self.commit_heads_at_seal()?;
        self.trim_journal(&mut sealer.lock())?;
        Ok(true)
    }

    /// The chain to seal next, beside those that are being built.
    fn next_due(&self, building: &[Building]) -> Option<OpenPin> {
        let being_built: u64 = building.iter().map(|building| building.bytes).sum();
        let is_crowded = self.view.open_bytes().saturating_sub(being_built) >= self.bounds.open_bytes_aim;
        if !is_crowded && self.view.largest_open_rows() < self.bounds.segment_rows_aim {
            return None;
        }
        let mut pins = self.view.open_pins();
        pins.retain(|pin| building.iter().all(|building| building.service != pin.service));
        let largest =
            pins.into_iter().max_by_key(|pin| (pin.rows >= self.bounds.segment_rows_aim, pin.bytes))?;
        (is_crowded || largest.rows >= self.bounds.segment_rows_aim).then_some(largest)
    }
}
