//! Names as people type them: refused at the door, before anything is read or made.

use sealog_engine::limits::INSTANCE_BYTES_MAX;
use sealog_engine::model::{FieldError, ServiceName, StoreName, check_tenant};

/// The tenant of entries that name none.
///
/// # Errors
/// What is accepted, and what was found.
pub fn parse_tenant(text: &str) -> Result<String, String> {
    check_tenant(text).map(|()| text.to_owned()).map_err(|error| told(&error))
}

/// The service of entries that name none.
///
/// # Errors
/// What is accepted, and what was found.
pub fn parse_service(text: &str) -> Result<String, String> {
    ServiceName::outside(text).map(|_| text.to_owned()).map_err(|error| told(&error))
}

/// The name of a store that is made.
///
/// # Errors
/// What is accepted, and what was found.
pub fn parse_store(text: &str) -> Result<StoreName, String> {
    StoreName::new(text).map_err(|error| told(&error))
}

/// The log service instance that is noted in entries.
///
/// # Errors
/// What is accepted, and what was found.
pub fn parse_instance(text: &str) -> Result<String, String> {
    match text.len() {
        1..=INSTANCE_BYTES_MAX => Ok(text.to_owned()),
        bytes => Err(format!("expected a text of 1 to {INSTANCE_BYTES_MAX} bytes, found {bytes} bytes")),
    }
}

/// Whoever prints it names the flag, so the field says nothing more.
fn told(error: &FieldError) -> String {
    format!("expected {}, found {}", error.expected, error.found)
}
