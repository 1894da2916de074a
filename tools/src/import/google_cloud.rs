//! Google Cloud log entries, audit logs above all, as `gcloud logging read --format json` and log sinks write them.
//!
//! Fields: cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry, and AuditLog for `protoPayload`.

use super::source::Source;
use super::{Defaults, draft};
use sealog_engine::limits::{MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use sealog_engine::model::{Entry, Severity};
use std::borrow::Cow;

/// Every log entry has both, and nothing else does.
pub(super) fn is_log_entry(source: &Source<'_>) -> bool {
    source.has("logName") && (source.has("insertId") || source.has("protoPayload"))
}

pub(super) fn map<'a>(source: &mut Source<'a>, defaults: &Defaults) -> Result<Entry<'a>, String> {
    let log_name = source.copy("logName").unwrap_or_default();
    let mut entry = Entry { id: id(source).unwrap_or_default(), ..Entry::default() };
    entry.generated_at = source.take_time(&["timestamp"]);
    // `projects/P/logs/L`, also with organizations, folders or billingAccounts.
    let owner = log_name.split('/').nth(1).filter(|owner| !owner.is_empty());
    entry.tenant =
        defaults.tenant(owner.map(|owner| Cow::Owned(owner.to_owned())), "the second part of `logName`")?;
    entry.activity = Cow::Borrowed("log");
    let mut service = None;
    if let Some(mut payload) = source.object("protoPayload") {
        entry.activity = draft::activity(&mut payload, &["methodName"])
            .map_err(|error| error.replacen("methodName", "protoPayload.methodName", 1))?;
        service = payload.take("serviceName");
        entry.object.id = payload.take("resourceName").unwrap_or_default();
        if let Some(mut who) = payload.object("authenticationInfo") {
            // `user:someone@example.com`: the only place that says what kind of principal it is.
            let kind =
                who.get("principalSubject").and_then(|subject| Some(subject.split_once(':')?.0.to_owned()));
            entry.actor.kind = kind.map(Cow::Owned).unwrap_or_default();
            entry.actor.id = who.take_first(&["principalEmail", "principalSubject"]).unwrap_or_default();
        }
        if let Some(mut status) = payload.object("status") {
            // google.rpc.Status: no code is code 0, which is OK.
            entry.success = Some(status.get("code").is_none_or(|code| code == "0"));
            entry.message = status.take_head(&["message"], MESSAGE_BYTES_MAX).unwrap_or_default();
        }
    }
    let service = service.or_else(|| {
        let log = log_name.split_once("/logs/")?.1;
        (!log.is_empty()).then(|| Cow::Owned(log.to_owned()))
    });
    defaults.set_service(&mut entry, service, "`protoPayload.serviceName` or `logName`")?;
    if entry.message.is_empty() {
        entry.message = source.take_head(&["textPayload"], MESSAGE_BYTES_MAX).unwrap_or_default();
    }
    if let Some(mut operation) = source.object("operation") {
        entry.request_id = operation.take_within(&["id"], NAME_BYTES_MAX).unwrap_or_default();
    }
    // LogSeverity; its DEFAULT says that none was assigned. The word stays an attribute.
    entry.severity = source.get("severity").and_then(Severity::parse).unwrap_or_default();
    Ok(entry)
}

/// Entries of one log with the same time and insertId are the same entry, says the reference; insertId alone does not
/// identify.
fn id<'a>(source: &Source<'a>) -> Option<Cow<'a, str>> {
    let id = format!("{}/{}", source.get("insertId")?, source.get("timestamp")?);
    (id.len() <= NAME_BYTES_MAX).then_some(Cow::Owned(id))
}
