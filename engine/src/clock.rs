//! Time and randomness as traits, so that a test owns both.

/// The two clocks a log needs.
pub trait Clock: Send + Sync {
    /// What the wall says: nanoseconds since the Unix epoch. May step back and leap.
    fn wall_ns(&self) -> i64;
    /// Nanoseconds since the machine booted, sleep included. Never steps back.
    fn boot_ns(&self) -> i64;
}

/// Where salt keys, nonces and identities come from.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with bytes that nobody can guess.
    ///
    /// # Errors
    /// If the system gives none.
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The system's clocks and random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

fn read(clock: rustix::time::ClockId) -> i64 {
    let time = rustix::time::clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

impl Clock for System {
    fn wall_ns(&self) -> i64 {
        read(rustix::time::ClockId::Realtime)
    }

    fn boot_ns(&self) -> i64 {
        read(rustix::time::ClockId::Boottime)
    }
}

impl Entropy for System {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(bytes).map_err(std::io::Error::other)
    }
}
