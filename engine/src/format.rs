//! Pure bytes: how a record, a frame and the store file look. docs/format.md is the same in prose.
//!
//! Knows no file, clock, thread or randomness. Every count and length read here is bounded before it is used.

pub mod cbor;
pub mod column;
pub mod commit;
pub mod control;
pub mod ends;
pub mod fuse;
pub mod journal;
pub mod metadata;
pub mod record;
pub mod remembered;
pub mod segment;
pub mod sheet;
pub mod state_file;
pub mod store_file;
