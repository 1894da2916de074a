//! Hostile bytes against everything that reads them: one function a target, for libFuzzer and for a plain test.
//!
//! A target panics when a promise is broken, and does nothing else: what is read does not panic, ends, stays within
//! bounds, and reads back as the same. `fuzz_targets/` hands libFuzzer's inputs over, `tests/smoke.rs` those of the
//! corpus and some thousand mutations of them. How to run, and what to do with a finding: `README.md`.

mod disk;
mod filter;
mod format;
mod ingest;
mod input;
mod journal;
mod lines;
mod seeds;
mod segment;
mod store;

pub use disk::MemoryDisk;
pub use filter::filter;
pub use format::{cbor, frame, record, store_file};
pub use ingest::{bulk, otlp, syslog};
pub use journal::{journal, read_whole};
pub use lines::{entry_json, import};
pub use seeds::{Seed, seeds};
pub use segment::{column, segment};

/// A target by its name, as it is in `fuzz_targets/` and `corpus/`.
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Runs one input.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 13] = [
    Target { name: "record", run: record },
    Target { name: "frame", run: frame },
    Target { name: "journal", run: journal },
    Target { name: "entry_json", run: entry_json },
    Target { name: "store_file", run: store_file },
    Target { name: "cbor", run: cbor },
    Target { name: "import", run: import },
    Target { name: "filter", run: filter },
    Target { name: "segment", run: segment },
    Target { name: "column", run: column },
    Target { name: "otlp", run: otlp },
    Target { name: "bulk", run: bulk },
    Target { name: "syslog", run: syslog },
];
