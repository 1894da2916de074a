//! The protocols that producers already speak, as pure functions from bytes to a batch of entries.
//!
//! Knows what OTLP, Elasticsearch's bulk API and syslog look like on the wire, and which of their fields is which of an
//! entry's. Knows no store, no HTTP, and, but for [`syslog`]'s listeners, no socket. Three rules hold for each protocol:
//!
//! - **Nothing is lost.** What has no field of its own is an attribute; what does not fit a field or an attribute is in
//!   the attribute `raw.more`, or the record is refused.
//! - **Nothing is invented.** What the producer does not say is absent.
//! - **A body that does not parse gives nothing.** A record that parses and is refused is told of by itself where the
//!   protocol can say so, and the others are taken.
//!
//! `docs/ingest.md` has the tables.

mod base64;
pub mod bulk;
pub mod context;
pub mod credential;
pub mod gather;
mod mend;
pub mod otlp;
pub mod problem;
pub mod syslog;

pub use context::{Allowed, Context};
pub use gather::{Decoded, Refusal};
pub use problem::{Kind, Problem};

/// Most records of one request. The batch that they become is one frame of the journal, of at most 32 MiB, and an entry
/// takes about a hundred bytes at least; answers that list every item stay below some tens of megabytes.
pub const RECORD_COUNT_MAX: u32 = 100_000;
/// Largest record on the wire, in bytes. An entry has at most 256 KiB when encoded; beyond four times that no form of
/// writing it makes it fit, and what it would unfold to need not be known.
pub const RECORD_BYTES_MAX: usize = 4 * sealog_engine::limits::RECORD_BYTES_MAX;
/// Deepest nesting of a value that is read: as deep as anybody writes by hand, and far from the end of a stack.
pub const DEPTH_MAX: usize = 32;
