//! A stretch of time.

use super::Timestamp;

/// A half-open stretch of time; absent ends are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

impl Window {
    /// Whether a time lies in it.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to)
    }

    /// Whether it is all of time.
    pub fn is_everything(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }
}
