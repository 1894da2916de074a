//! The write-ahead journal, shared by all chains: where frames meet disk.
//!
//! Invariants, over all files of a store:
//! - frame numbers are 1, 2, 3, … without a hole, files' numbers likewise;
//! - a frame's `durable` ≤ the highest frame synced when it was written, so a frame that does not read back and is
//!   covered by a later `durable` is damage; one that no later frame covers is a torn write and is cut;
//! - a file is begun only after every frame of the files before it was synced.

mod event;
mod reader;
mod search;
mod writer;

pub use event::{Damage, Event, Frame, Lost, Tail};
pub use reader::{JournalReader, newest_commit_time};
pub use writer::{JournalFile, JournalWriter, NewFrame, WriteError};

/// Where journal files lie.
pub const DIRECTORY: &str = "journal";

/// The path of journal file `number`.
pub fn path(number: u64) -> String {
    format!("{DIRECTORY}/{number:08}.journal")
}

/// The number in a journal file's name.
pub fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".journal")?;
    let number = digits.parse().ok().filter(|number| *number > 0)?;
    (path(number).strip_prefix(DIRECTORY)?.strip_prefix('/')? == name).then_some(number)
}
