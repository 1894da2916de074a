//! OTLP/HTTP logs: `ExportLogsServiceRequest` as protobuf and as JSON (opentelemetry.io/docs/specs/otlp).
//!
//! Both forms become the same records, one at a time, and those become entries in one place (`record.rs`).

mod json;
mod protobuf;
mod record;
mod response;
mod value;
mod wire;

pub use response::{Form, failure, status, success};

use crate::ingest::context::Context;
use crate::ingest::gather::Decoded;
use crate::ingest::problem::Problem;

/// Decodes the body of a `POST /v1/logs`, already decompressed.
///
/// # Errors
/// The body is not of its form, or holds more than one request may. Records that are refused by themselves are in
/// [`Decoded::refused`].
pub fn decode(form: Form, body: &[u8], context: Context<'_>) -> Result<Decoded, Problem> {
    match form {
        Form::Protobuf => protobuf::decode(body, context),
        Form::Json => json::decode(body, context),
    }
}
