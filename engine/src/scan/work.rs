//! What a scan did: what each step was given and kept.

use crate::format::column::page::Decoded;
use std::time::Duration;

/// What a scan did so far. Numbers of a step are of what the step before kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Chains of services that are asked for.
    pub chains: u64,
    /// Sealed segments that were come to: none where a limit was reached before.
    pub segments: u64,
    /// Those of them that hold any time that is asked for.
    pub segments_in_time: u64,
    /// Those that time, tenants, templates and filters of request IDs leave.
    pub segments_left: u64,
    /// Their rows of the time that is asked for.
    pub rows_in_time: u64,
    /// Row groups of the segments that are left.
    pub groups: u64,
    /// Those that rows were looked at in.
    pub groups_looked_at: u64,
    /// Rows that tenants, severities and filters of request IDs leave, and that were come to; in dense groups their neighbours too.
    pub rows_looked_at: u64,
    /// Rows that columns leave.
    pub rows_left: u64,
    /// Entries that were not sealed and were read.
    pub open_rows: u64,
    /// Records that were put together from columns.
    pub records: u64,
    /// Their bytes.
    pub record_bytes: u64,
    /// Pages of texts that were decoded, and their bytes as stored.
    pub pages: u64,
    /// As [`Work::pages`].
    pub page_bytes: u64,
    /// Entries that are given.
    pub hits: u64,
    /// Time that judging segments took: what their templates and filters say.
    pub judging: Duration,
    /// Time that choosing rows took, over all chains, judging included.
    pub choosing: Duration,
    /// Time that putting records together took.
    pub reading: Duration,
}

impl Work {
    /// Adds pages that were decoded.
    pub(super) fn add_pages(&mut self, decoded: Decoded) {
        self.pages += decoded.pages;
        self.page_bytes += decoded.bytes;
    }
}
