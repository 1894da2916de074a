//! AWS CloudTrail events, also as Logstash hands them on.
//!
//! Fields: docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html.
//! The audit logs of the two other large clouds come through the same format: their own fields tell them apart.

use super::source::Source;
use super::{Defaults, azure_activity, draft, google_cloud};
use sealog_engine::limits::{MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use sealog_engine::model::{Entry, FieldError, Severity};
use std::borrow::Cow;

/// Request parameters that name what a call is about, what is most telling first.
const OBJECT_PARAMETERS: [&str; 31] = [
    "bucketName",
    "secretId",
    "keyId",
    "functionName",
    "instanceId",
    "volumeId",
    "snapshotId",
    "imageId",
    "groupId",
    "subnetId",
    "routeTableId",
    "networkInterfaceId",
    "internetGatewayId",
    "natGatewayId",
    "allocationId",
    "launchTemplateId",
    "vpcId",
    "dBInstanceIdentifier",
    "detectorId",
    "configurationARN",
    "trailName",
    "instanceProfileName",
    "roleArn",
    "roleName",
    "userName",
    "groupName",
    "policyArn",
    "policyName",
    "resourceId",
    "resourceArn",
    "name",
];

pub(super) fn map<'a>(source: &mut Source<'a>, defaults: &Defaults) -> Result<Entry<'a>, String> {
    if google_cloud::is_log_entry(source) {
        return google_cloud::map(source, defaults);
    }
    if azure_activity::is_activity(source) {
        return azure_activity::map(source, defaults);
    }
    if source.has("Records") && !source.has("eventName") {
        return Err(FieldError::new(
            "Records",
            "one event a line, as `jq -c '.Records[]'` gives it",
            "a list of events",
        )
        .to_string());
    }

    let mut entry =
        Entry { generated_at: source.take_time(&["eventTime", "@timestamp"]), ..Entry::default() };
    entry.activity = draft::activity(source, &["eventName"])?;
    entry.tenant = defaults.tenant(source.take("recipientAccountId"), "`recipientAccountId`")?;
    let service = source.take("eventSource");
    defaults.set_service(&mut entry, service, "`eventSource`")?;
    entry.organization = source.take_within(&["awsRegion"], NAME_BYTES_MAX).unwrap_or_default();
    entry.id = source.take_within(&["eventID"], NAME_BYTES_MAX).unwrap_or_default();
    entry.request_id = source.take_within(&["requestID"], NAME_BYTES_MAX).unwrap_or_default();
    if let Some(mut identity) = source.object("userIdentity") {
        entry.actor.kind = identity.take("type").unwrap_or_default();
        entry.actor.id = identity.take_first(&["arn", "principalId", "invokedBy"]).unwrap_or_default();
        entry.actor.name = identity.take("userName").unwrap_or_default();
    }
    entry.object.id = object_id(source).unwrap_or_default();

    let error = source.get("errorCode");
    // A refused sign-in has no error code: this field of the response is where it says so.
    let login = source.object("responseElements").and_then(|mut response| response.take("ConsoleLogin"));
    let refused = error.is_some_and(|code| code.contains("Denied") || code.contains("Unauthorized"));
    let success = error.is_none() && login.as_deref().is_none_or(|login| login == "Success");
    entry.success = Some(success);
    entry.severity = match error {
        Some(_) if !refused => Severity::Error,
        None if success => Severity::Information,
        _ => Severity::Warning,
    };
    entry.message = source.take_head(&["errorMessage"], MESSAGE_BYTES_MAX).unwrap_or_default();
    Ok(entry)
}

fn object_id<'a>(source: &Source<'a>) -> Option<Cow<'a, str>> {
    let resource = source.embedded("resources").and_then(|mut resource| {
        let arn = resource.take_first(&["ARN", "ARNPrefix"])?;
        Some(Cow::Owned(arn.into_owned()))
    });
    resource.or_else(|| source.object("requestParameters")?.take_first(&OBJECT_PARAMETERS))
}
