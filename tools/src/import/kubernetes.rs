//! Kubernetes audit events, of v1 and of the 2017 form (`timestamp` for `stageTimestamp`).
//!
//! Fields: kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event.

use super::source::Source;
use super::{Defaults, draft};
use sealog_engine::limits::{MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use sealog_engine::model::{Entry, Severity};
use std::borrow::Cow;

/// What writes every audit event; `--service` may name one API server of several.
const SERVICE: &str = "kube-apiserver";
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

pub(super) fn map<'a>(source: &mut Source<'a>, defaults: &Defaults) -> Result<Entry<'a>, String> {
    let mut entry = Entry { activity: draft::activity(source, &["verb"])?, ..Entry::default() };
    // An event does not say which cluster it is of.
    entry.tenant = defaults.tenant(None, "the event (it names no cluster)")?;
    entry.service = match &defaults.service {
        Some(service) => Cow::Owned(service.clone()),
        None => Cow::Borrowed(SERVICE),
    };
    // An event of the first stage describes no whole task: it has begun only.
    let whole = matches!(source.get("stage"), Some("ResponseComplete" | "Panic"));
    if whole && source.has("requestReceivedTimestamp") && source.has("stageTimestamp") {
        entry.started = source.take_time(&["requestReceivedTimestamp"]);
    }
    entry.generated_at = source.take_time(&["stageTimestamp", "timestamp"]);
    if entry.started.is_some() {
        entry.finished = entry.generated_at;
    }
    if let Some(id) = id(source) {
        entry.id = id;
    }
    entry.request_id = source.take_within(&["auditID"], NAME_BYTES_MAX).unwrap_or_default();
    let user = |key: &str| source.object(key)?.take("username");
    if let Some(name) = user("impersonatedUser").or_else(|| user("user")) {
        let kind = if name.starts_with(SERVICE_ACCOUNT) { "serviceaccount" } else { "user" };
        entry.actor.kind = Cow::Borrowed(kind);
        entry.actor.id = name;
    }
    let mut object = source.object("objectRef");
    if let Some(object) = &mut object {
        let parts: Vec<&str> =
            ["resource", "namespace", "name"].iter().filter_map(|key| object.get(key)).collect();
        entry.object.id = Cow::Owned(parts.join("/"));
        entry.organization = object.take_within(&["namespace"], NAME_BYTES_MAX).unwrap_or_default();
    }
    if entry.object.id.is_empty() {
        entry.object.id = source.take("requestURI").unwrap_or_default();
    }
    if let Some(mut response) = source.object("responseStatus") {
        let code = response.get("code").and_then(|code| code.parse::<u32>().ok());
        entry.success = code.map(|code| code < 400);
        entry.severity = match code {
            Some(401 | 403) => Severity::Warning,
            Some(500..) => Severity::Error,
            _ => Severity::Information,
        };
        entry.message = response.take_head(&["message"], MESSAGE_BYTES_MAX).unwrap_or_default();
    }
    Ok(entry)
}

/// A request has one event a stage.
fn id<'a>(source: &Source<'a>) -> Option<Cow<'a, str>> {
    let id = format!("{}/{}", source.get("auditID")?, source.get("stage")?);
    (id.len() <= NAME_BYTES_MAX).then_some(Cow::Owned(id))
}
