//! Plain values: what an entry is and which values its fields may take.
//!
//! Knows the record model and its JSON form. Knows nothing of files, hashes, clocks or threads.

mod committed;
mod entry;
mod escape;
mod json;
mod name;
mod severity;
mod timestamp;
mod window;

pub use crate::error::FieldError;
pub use committed::{Committed, Position};
pub use entry::{Actor, Artifact, Entry, Object, Process, ProcessEvent};
pub use escape::{escape_service, unescape_service};
pub use json::{Accept, JsonError, parse_entry};
pub use name::{
    ACCESS_SERVICE, CONTROL_SERVICE, RESERVED_PREFIX, SYSTEM_TENANT, ServiceName, StoreName, check_tenant,
};
pub use severity::Severity;
pub use timestamp::{TimeError, Timestamp};
pub use window::Window;
