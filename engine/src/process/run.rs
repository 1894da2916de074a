//! A run: processes side by side, by the first entry of each, as bytes (docs/processes.md). Written once, never changed.
//!
//! Columns for what lists ask of every process, one heap for the rest, indexes by name and by parent. Nothing here knows
//! where the bytes lie.

mod bytes;
mod index;
mod reader;
mod row;
#[cfg(test)]
mod run_tests;
mod writer;

pub(super) use reader::Run;
pub(super) use row::{Level, State};
pub(super) use writer::{Head, Sink, write};

/// A column or table of a run, in the order of the file's section table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Section {
    /// Commit time of the first entry: i64 a row, ascending.
    First = 0,
    /// Status, severity, level: a byte a row.
    State,
    /// Rows that replace one of an older run: a bit a row.
    Replaces,
    /// i64 a row.
    Started,
    /// i64 a row; 0 where the process has not ended.
    Finished,
    /// Code of the tenant: u32 a row.
    Tenant,
    /// Code of the activity: u32 a row.
    Activity,
    /// Hash of the request ID: u32 a row.
    Request,
    /// Hash of the configuration ID: u32 a row.
    Configuration,
    /// Hash of the organization: u32 a row.
    Organization,
    /// Where a row's part of the heap begins: u32 a row, and the end.
    Offsets,
    /// The rest of the rows.
    Heap,
    /// Rows by the hash of the name.
    Names,
    /// Rows by the hash of the parent's name.
    Parents,
    /// Texts by code.
    Services,
    Tenants,
    Activities,
    /// Up to where each chain is in this run and those before it.
    Positions,
}

pub(super) const SECTION_COUNT: usize = Section::Positions as usize + 1;

const MAGIC: &[u8; 8] = b"SLGPRC\x00\x01";
const HEADER_BYTES: usize = 64;
/// Offset, length and CRC of each section, and the CRC of the table.
const SECTION_BYTES: usize = 20;
const TABLE_BYTES: usize = SECTION_COUNT * SECTION_BYTES + 4;

/// Up to where a chain's entries are in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainPosition {
    pub service: Box<str>,
    /// Position behind the last entry taken in.
    pub end_seq: u64,
    /// Leaf of that entry: the same position of another chain is not taken for it.
    pub leaf: [u8; 32],
}

/// Bytes that are no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub(crate) struct RunError(pub &'static str);
