//! What the engine derives from entries with a process: one fold, which can always be made again from the log.
//!
//! - `own`: what a process's own entries say of it, in whatever order they come
//! - `node`: a process in the table: its own entries, by organization too, and what its sub-processes add
//! - `delta`: processes in memory, and the links between them

#![cfg_attr(not(test), expect(dead_code, reason = "the table on disk comes next"))]

mod delta;
#[cfg(test)]
mod fold_tests;
mod hash;
mod node;
mod own;

pub use own::{Point, Status};
