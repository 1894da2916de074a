//! Pure bytes: how a record, a frame and the store file look. docs/format.md is the same in prose.
//!
//! Knows no file, clock, thread or randomness. Every count and length read here is bounded before it is used.

pub mod cbor;
pub mod commit;
pub mod control;
pub mod journal;
pub mod record;
pub mod store_file;
