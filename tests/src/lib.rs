//! Fixtures and campaigns shared by the suite.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "this crate is tests: a broken promise or a broken fixture ends the run"
)]

pub mod appended;
pub mod command;
pub mod flip;
pub mod flip_segment;
pub mod folding;
pub mod forge;
pub mod oracle;
pub mod plain;
pub mod questions;
pub mod sample;
pub mod sealed;
pub mod segment_forge;
pub mod simulation;
