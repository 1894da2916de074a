//! Office 365 and Azure AD audit events, as the Management Activity API and Log Analytics write them.
//!
//! Fields: learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema, and the
//! tables OfficeActivity and AuditLogs of Log Analytics.

use super::source::Source;
use super::{Defaults, draft};
use sealog_engine::limits::{MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use sealog_engine::model::{Actor, Entry, Object, Severity, Timestamp};
use std::borrow::Cow;

pub(super) fn map<'a>(source: &mut Source<'a>, defaults: &Defaults) -> Result<Entry<'a>, String> {
    let mut entry = Entry { generated_at: generated_at(source), ..Entry::default() };
    entry.success = outcome(source);
    if entry.success == Some(false) {
        entry.severity = Severity::Warning;
    }
    entry.id = id(source).unwrap_or_default();
    entry.activity = draft::activity(source, &["Operation", "OperationName"])?;
    let tenant = source.take_first(&["OrganizationId", "TenantId", "AADTenantId"]);
    entry.tenant = defaults.tenant(tenant, "`OrganizationId` or `TenantId`")?;
    let service = source.take_first(&["Workload", "OfficeWorkload", "LoggedByService"]);
    defaults.set_service(&mut entry, service, "`Workload`")?;
    entry.organization = source.take_within(&["OrganizationName"], NAME_BYTES_MAX).unwrap_or_default();
    entry.actor.kind = source.take("UserType").unwrap_or_default();
    entry.actor.id = source.take_first(&["UserId", "UserKey"]).unwrap_or_default();
    if entry.actor == Actor::default() {
        entry.actor = initiator(source).unwrap_or_default();
    }
    entry.object.id = source.take_first(&["ObjectId", "MailboxGuid"]).unwrap_or_default();
    if entry.object.id.is_empty() {
        entry.object = target(source).unwrap_or_default();
    }
    let requests = ["InterSystemsId", "SessionId", "CorrelationId"];
    entry.request_id = source.take_within(&requests, NAME_BYTES_MAX).unwrap_or_default();
    entry.message = source.take_head(&["LogonError", "ResultReason"], MESSAGE_BYTES_MAX).unwrap_or_default();
    Ok(entry)
}

/// `CreationTime` is UTC and does not say so, by its reference; as written it stays an attribute.
fn generated_at(source: &mut Source<'_>) -> Option<Timestamp> {
    let created = source.get("CreationTime").and_then(|text| Timestamp::parse(&format!("{text}Z")).ok());
    created.or_else(|| source.take_time(&["CreationTime", "TimeGenerated"]))
}

/// A query that unfolds the changes of one event (`keyEvents`) makes several rows with one `Id`: such a row is
/// identified by what it unfolded, too.
fn id<'a>(source: &mut Source<'a>) -> Option<Cow<'a, str>> {
    if !source.has("keyEvents") {
        return source.take_within(&["Id", "OfficeId"], NAME_BYTES_MAX);
    }
    let changed = source.embedded("keyEvents")?.take("displayName")?.into_owned();
    let id = format!("{}/{}/{changed}", source.get("Id")?, source.get("targetId")?);
    (id.len() <= NAME_BYTES_MAX).then_some(Cow::Owned(id))
}

fn outcome(source: &Source<'_>) -> Option<bool> {
    if source.get("Operation").is_some_and(|operation| operation.ends_with("Failed")) {
        return Some(false);
    }
    let status = source.get("ResultStatus").or_else(|| source.get("Result"))?;
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(status));
    if is(&["Succeeded", "Success", "True"]) {
        Some(true)
    } else if is(&["Failed", "Failure", "False"]) {
        Some(false)
    } else {
        // PartiallySucceeded, timeout, unknownFutureValue.
        None
    }
}

/// Who began an Azure AD operation: `{"user": {…}}` or `{"app": {…}}`, written into a text.
fn initiator<'a>(source: &Source<'a>) -> Option<Actor<'a>> {
    let by = source.embedded("InitiatedBy")?;
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    if let Some(mut user) = by.object("user") {
        let name = user.take_first(&["userPrincipalName", "displayName"]).map(own).unwrap_or_default();
        return Some(Actor { kind: Cow::Borrowed("user"), id: user.take("id").map(own)?, name });
    }
    let mut app = by.object("app")?;
    let name = app.take("displayName").map(own).unwrap_or_default();
    let id = app.take_first(&["servicePrincipalId", "appId"]).map(own)?;
    Some(Actor { kind: Cow::Borrowed("app"), id, name })
}

/// The first thing that an Azure AD operation changed.
fn target<'a>(source: &Source<'a>) -> Option<Object<'a>> {
    let mut target = source.embedded("TargetResources")?;
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    let name = target.take_first(&["displayName", "userPrincipalName"]).map(own).unwrap_or_default();
    Some(Object { id: target.take("id").map(own)?, name })
}
