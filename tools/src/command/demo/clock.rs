//! A clock that goes through the past while the demo's store is filled, and is the system's from then on.

use sealog_engine::clock::{Clock, System};
use std::sync::atomic::{AtomicI64, Ordering};

/// The clock of the demo's store.
pub struct DemoClock {
    /// What it shows; the system's clocks if this is none.
    shown_ns: AtomicI64,
}

const FOLLOWS: i64 = i64::MIN;

impl Default for DemoClock {
    fn default() -> DemoClock {
        DemoClock { shown_ns: AtomicI64::new(FOLLOWS) }
    }
}

impl DemoClock {
    /// Shows a time.
    pub fn show(&self, time_ns: i64) {
        self.shown_ns.store(time_ns, Ordering::Relaxed);
    }

    /// Shows the system's time from now on.
    pub fn follow(&self) {
        self.show(FOLLOWS);
    }
}

impl Clock for DemoClock {
    fn wall_ns(&self) -> i64 {
        match self.shown_ns.load(Ordering::Relaxed) {
            FOLLOWS => System.wall_ns(),
            shown => shown,
        }
    }

    // Both go together, so that nothing looks like a leap.
    fn boot_ns(&self) -> i64 {
        self.wall_ns()
    }
}
