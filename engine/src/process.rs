//! What the engine derives from entries with a process: one fold, which can always be made again from the log.
//!
//! - `own`: what a process's own entries say of it, in whatever order they come
//! - `node`: a process in the table: its own entries, by organization too, and what its sub-processes add
//! - `delta`: processes in memory, and the links between them
//! - `run`: processes as bytes; `runs`, `merge`, `table`: all of them, in memory and on disk (docs/processes.md)
//! - `feed`: entries with a process, from sealed segments and open ones
//! - `list`, `value`: what is asked of processes, and what a caller is told

mod delta;
mod feed;
#[cfg(test)]
mod fold_tests;
mod hash;
mod list;
mod merge;
mod node;
mod own;
mod run;
mod runs;
mod table;
#[cfg(test)]
mod table_tests;
mod value;

pub(crate) use feed::{Fed, feed, feed_tenant};
pub(crate) use hash::NameHasher;
pub use list::{Cursor, CursorError, Levels, Page, ProcessFilter};
pub(crate) use merge::Merge;
pub use own::{Point, Status};
pub use table::ProcessBounds;
pub(crate) use table::Table;
pub use value::Process;
