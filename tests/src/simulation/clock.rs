//! Clocks that stand still until a test moves them, and randomness that follows from a seed.

use super::random::Random;
use sealog_engine::clock::{Clock, Entropy};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// A wall clock and a boot clock.
#[derive(Debug)]
pub struct SimulatedClock {
    wall: AtomicI64,
    boot: AtomicI64,
}

/// 2026-01-01T00:00:00Z.
const BEGINNING_NS: i64 = 1_767_225_600_000_000_000;

impl Default for SimulatedClock {
    fn default() -> SimulatedClock {
        SimulatedClock { wall: AtomicI64::new(BEGINNING_NS), boot: AtomicI64::new(1_000_000_000) }
    }
}

impl SimulatedClock {
    /// Time passes: both clocks go on.
    pub fn pass(&self, ns: i64) {
        self.wall.fetch_add(ns, Ordering::Relaxed);
        self.boot.fetch_add(ns, Ordering::Relaxed);
    }

    /// Somebody sets the wall clock: a step back, or a leap.
    pub fn step_wall(&self, ns: i64) {
        self.wall.fetch_add(ns, Ordering::Relaxed);
    }

    /// The machine was off for a while: the boot clock begins again.
    pub fn restart(&self, off_ns: i64) {
        self.wall.fetch_add(off_ns, Ordering::Relaxed);
        self.boot.store(1_000_000_000, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn wall_ns(&self) -> i64 {
        self.wall.load(Ordering::Relaxed)
    }

    fn boot_ns(&self) -> i64 {
        self.boot.load(Ordering::Relaxed)
    }
}

/// Keys, nonces and identities from a seed.
#[derive(Debug)]
pub struct SimulatedEntropy(Mutex<Random>);

impl SimulatedEntropy {
    /// The sequence of a seed.
    pub fn new(random: Random) -> SimulatedEntropy {
        SimulatedEntropy(Mutex::new(random))
    }
}

impl Entropy for SimulatedEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.0.lock().unwrap().fill(bytes);
        Ok(())
    }
}
