//! Azure activity log events, with field names as the REST interface (camel case) or its clients (snake case) write
//! them.
//!
//! Fields: learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema.

use super::source::Source;
use super::{Defaults, draft};
use sealog_engine::limits::{MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use sealog_engine::model::{Entry, Severity};
use std::borrow::Cow;

const OPERATION: [&str; 2] = ["operation_name", "operationName"];

/// An operation that is an object beside the time of an event: no other shape has both.
pub(super) fn is_activity(source: &Source<'_>) -> bool {
    OPERATION.iter().any(|key| source.object(key).is_some())
        && (source.has("event_timestamp") || source.has("eventTimestamp"))
}

pub(super) fn map<'a>(source: &mut Source<'a>, defaults: &Defaults) -> Result<Entry<'a>, String> {
    let mut entry =
        Entry { generated_at: source.take_time(&["event_timestamp", "eventTimestamp"]), ..Entry::default() };
    let operation = OPERATION.iter().find_map(|key| source.object(key));
    entry.activity = match operation {
        Some(mut operation) => draft::activity(&mut operation, &["value"])
            .map_err(|error| error.replacen("value", "operation_name.value", 1))?,
        None => Cow::default(),
    };
    entry.tenant = defaults.tenant(source.take_first(&["tenant_id", "tenantId"]), "`tenant_id`")?;
    let provider = value(source, ["resource_provider_name", "resourceProviderName"]);
    defaults.set_service(&mut entry, provider, "`resource_provider_name.value`")?;
    entry.organization =
        source.take_within(&["subscription_id", "subscriptionId"], NAME_BYTES_MAX).unwrap_or_default();
    entry.id = source.take_within(&["event_data_id", "eventDataId"], NAME_BYTES_MAX).unwrap_or_default();
    entry.request_id =
        source.take_within(&["correlation_id", "correlationId"], NAME_BYTES_MAX).unwrap_or_default();
    entry.actor.id = source.take("caller").unwrap_or_default();
    if let Some(mut claims) = source.object("claims") {
        entry.actor.kind = claims.take("idtyp").unwrap_or_default();
    }
    entry.object.id = source.take_first(&["resource_id", "resourceId"]).unwrap_or_default();
    entry.message = source.take_head(&["description"], MESSAGE_BYTES_MAX).unwrap_or_default();
    // Other levels (Verbose) have no name among the classes, and stay as the attribute `level` alone.
    entry.severity = source.get("level").and_then(Severity::parse).unwrap_or_default();
    entry.success = match value(source, ["status", "status"]).as_deref() {
        Some("Succeeded") => Some(true),
        Some("Failed") => Some(false),
        // Started, Accepted and the like: not yet known.
        _ => None,
    };
    Ok(entry)
}

/// The `value` of the first of these objects.
fn value<'a>(source: &Source<'a>, keys: [&str; 2]) -> Option<Cow<'a, str>> {
    keys.iter().find_map(|key| source.object(key)?.take("value"))
}
