//! One hand-made line of each shape with the exact entry it gives, and how lines are refused.
//!
//! Entries are compared in their JSON form, so that a field which a mapping invents shows as well as one it forgets.

use super::{Defaults, Format, map_line, open};
use sealog_engine::hex;
use serde_json::{Value, json};
use std::io::{Read, Write};

const NONE: Defaults = Defaults { tenant: None, service: None };

fn acme() -> Defaults {
    Defaults { tenant: Some("acme".to_owned()), service: Some("given".to_owned()) }
}

#[track_caller]
fn gives(format: Format, defaults: &Defaults, line: &str, wanted: Value) {
    let entry = map_line(format, line.as_bytes(), defaults).unwrap();
    let found = serde_json::to_value(&entry).unwrap();
    assert_eq!(found, wanted, "found {found:#}");
}

#[track_caller]
fn refuses(format: Format, defaults: &Defaults, line: &str, wanted: &str) {
    let error = map_line(format, line.as_bytes(), defaults).unwrap_err();
    assert!(error.contains(wanted), "expected {wanted}, found {error}");
}

#[test]
fn format_names_round_trip() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.name()), Some(format));
    }
    assert_eq!(Format::parse("Windows"), None);
}

#[test]
fn ndjson_is_an_export() {
    let line = r#"{"service":"mail-api","seq":7,"tenant":"t","tenant_seq":3,"logged_at":"2026-01-02T03:04:05Z",
        "logged_by":"sealog@a","severity":"warning","activity":"login","attributes":{"a":"b"}}"#;
    gives(
        Format::Ndjson,
        &acme(),
        line,
        json!({"tenant": "t", "service": "mail-api", "severity": "warning", "activity": "login",
            "attributes": {"a": "b", "imported.logged_at": "2026-01-02T03:04:05.000000000Z"}}),
    );
    gives(
        Format::Ndjson,
        &acme(),
        "{\"activity\":\"a\"}\r\n",
        json!({"tenant": "acme", "service": "given", "severity": "information", "activity": "a"}),
    );
    refuses(
        Format::Ndjson,
        &NONE,
        r#"{"activity":"a"}"#,
        "field `tenant`: expected a tenant in `tenant`, or one given with --tenant, found neither",
    );
    refuses(Format::Ndjson, &acme(), r#"{"activity":"a","color":"red"}"#, "unknown field `color`");
    refuses(
        Format::Ndjson,
        &acme(),
        r#"{"activity":"a","service":"sealog.x"}"#,
        "field `service`: expected a name that does not begin with \"sealog.\"",
    );
    refuses(Format::Ndjson, &acme(), r#"{"activity":"a","service":"a/b"}"#, "field `service`");
}

#[test]
fn cloudtrail_event() {
    let line = r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"P","arn":"arn:u","userName":"bob"},
        "eventTime":"2023-07-10T11:42:18Z","eventSource":"s3.amazonaws.com","eventName":"GetObject",
        "awsRegion":"us-east-1","errorCode":"AccessDenied","errorMessage":"no","requestParameters":{"bucketName":"b"},
        "responseElements":null,"requestID":"r-1","eventID":"e-1","readOnly":true,"recipientAccountId":"123"}"#;
    gives(
        Format::Cloudtrail,
        &acme(),
        line,
        json!({"tenant": "123", "service": "s3.amazonaws.com", "organization": "us-east-1", "id": "e-1",
            "generated_at": "2023-07-10T11:42:18.000000000Z", "severity": "warning", "activity": "GetObject",
            "actor": {"type": "IAMUser", "id": "arn:u", "name": "bob"}, "object": {"id": "b"}, "request_id": "r-1",
            "success": false, "message": "no", "attributes": {"eventVersion": "1.08", "errorCode": "AccessDenied",
            "userIdentity": r#"{"type":"IAMUser","principalId":"P","arn":"arn:u","userName":"bob"}"#,
            "requestParameters": r#"{"bucketName":"b"}"#, "readOnly": "true"}}),
    );
}

#[test]
fn cloudtrail_through_logstash_and_stripped() {
    gives(
        Format::Cloudtrail,
        &acme(),
        r#"{"@timestamp":"2020-09-14T00:44:23.000Z","eventName":"AssumeRole","eventSource":"sts.amazonaws.com",
            "userIdentity":{"invokedBy":"ec2.amazonaws.com","type":"AWSService"},"recipientAccountId":"123",
            "resources":[{"ARN":"arn:role","accountId":"123"}],"errorCode":"Throttling"}"#,
        json!({"tenant": "123", "service": "sts.amazonaws.com", "generated_at": "2020-09-14T00:44:23.000000000Z",
            "severity": "error", "activity": "AssumeRole", "actor": {"type": "AWSService", "id": "ec2.amazonaws.com"},
            "object": {"id": "arn:role"}, "success": false, "attributes": {"errorCode": "Throttling",
            "userIdentity": r#"{"invokedBy":"ec2.amazonaws.com","type":"AWSService"}"#,
            "resources": r#"[{"ARN":"arn:role","accountId":"123"}]"#}}),
    );
    let console = |login: &str| {
        format!(
            r#"{{"eventTime":"2023-04-26T14:53:28Z","eventID":"e","eventSource":"signin.amazonaws.com",
            "eventName":"ConsoleLogin","responseElements":{{"ConsoleLogin":"{login}"}},"errorCode":null}}"#
        )
    };
    let wanted = |login: &str, severity: &str, success: bool| {
        json!({"tenant": "acme", "service": "signin.amazonaws.com", "id": "e",
            "generated_at": "2023-04-26T14:53:28.000000000Z", "severity": severity, "activity": "ConsoleLogin",
            "success": success, "attributes": {"responseElements": format!(r#"{{"ConsoleLogin":"{login}"}}"#)}})
    };
    gives(Format::Cloudtrail, &acme(), &console("Success"), wanted("Success", "information", true));
    gives(Format::Cloudtrail, &acme(), &console("Failure"), wanted("Failure", "warning", false));
    refuses(
        Format::Cloudtrail,
        &NONE,
        &console("Success"),
        "`recipientAccountId`, or one given with --tenant",
    );
    refuses(Format::Cloudtrail, &acme(), r#"{"Records":[]}"#, "field `Records`: expected one event a line");
    refuses(
        Format::Cloudtrail,
        &acme(),
        r#"{"eventName":{}}"#,
        "field `eventName`: expected a text, which is the activity, found an object",
    );
}

#[test]
fn google_cloud_log_entries() {
    let payload = r#"{"authenticationInfo":{"principalEmail":"a@b","principalSubject":"user:a@b"},
        "methodName":"insert","resourceName":"projects/p/x","serviceName":"compute.googleapis.com","status":{"code":7,"message":"no"}}"#;
    gives(
        Format::Cloudtrail,
        &NONE,
        &format!(
            r#"{{"insertId":"i","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","operation":{{"id":"o"}},
            "protoPayload":{payload},"severity":"NOTICE","timestamp":"2021-10-19T02:57:47.339377Z"}}"#
        ),
        json!({"tenant": "p", "service": "compute.googleapis.com", "id": "i/2021-10-19T02:57:47.339377Z",
            "generated_at": "2021-10-19T02:57:47.339377000Z", "severity": "information", "activity": "insert",
            "actor": {"type": "user", "id": "a@b"}, "object": {"id": "projects/p/x"}, "request_id": "o",
            "success": false, "message": "no", "attributes": {"insertId": "i", "severity": "NOTICE",
            "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity", "operation": r#"{"id":"o"}"#,
            "protoPayload": payload}}),
    );
    gives(
        Format::Cloudtrail,
        &NONE,
        r#"{"insertId":"i","logName":"projects/p/logs/test log","textPayload":"hello"}"#,
        json!({"tenant": "p", "service": "test_20log", "severity": "information", "activity": "log", "message": "hello",
            "attributes": {"service.name": "test log", "insertId": "i", "logName": "projects/p/logs/test log"}}),
    );
}

#[test]
fn azure_activity_event() {
    for (operation, time) in [("operation_name", "event_timestamp"), ("operationName", "eventTimestamp")] {
        gives(
            Format::Cloudtrail,
            &acme(),
            &format!(
                r#"{{"caller":"me","claims":{{"idtyp":"app"}},"{operation}":{{"value":"a/b/delete"}},"level":"Verbose",
                "status":{{"value":"Failed"}},"{time}":"2022-02-09T03:04:54.297853Z"}}"#
            ),
            json!({"tenant": "acme", "service": "given", "generated_at": "2022-02-09T03:04:54.297853000Z",
                "severity": "information", "activity": "a/b/delete", "actor": {"type": "app", "id": "me"},
                "success": false, "attributes": {"claims": r#"{"idtyp":"app"}"#, "level": "Verbose",
                operation: r#"{"value":"a/b/delete"}"#, "status": r#"{"value":"Failed"}"#}}),
        );
    }
}

/// NXLog: the message and other fields beside each other, local time without a zone, keywords as a signed integer.
#[test]
fn windows_through_nxlog() {
    gives(
        Format::Windows,
        &NONE,
        r#"{"@timestamp":"2020-06-10T02:50:56.540Z","EventTime":"2020-06-09 22:50:54","Category":"Sensitive Privilege Use",
            "Keywords":-9218868437227405312,"Hostname":"WS6.mordor.local","Channel":"Security","EventID":4673,
            "SubjectUserSid":"S-1-5-21-1-1106","SubjectUserName":"sbeavers","SubjectDomainName":"MORDOR",
            "SubjectLogonId":"0xed","RecordNumber":120871,"Severity":"ERROR","ObjectName":null,"Service":"-",
            "Message":"A privileged service was called.\r\n\r\nSubject:\r\n\tx"}"#,
        json!({"tenant": "mordor.local", "organization": "MORDOR", "service": "Security_2FWS6.mordor.local",
            "id": "WS6.mordor.local/120871/2020-06-10T02:50:56.540Z",
            "generated_at": "2020-06-10T02:50:56.540000000Z", "severity": "warning",
            "activity": "4673 Sensitive Privilege Use",
            "actor": {"type": "user", "id": "S-1-5-21-1-1106", "name": "sbeavers"}, "request_id": "0xed",
            "success": false, "message": "A privileged service was called.", "attributes": {
            "service.name": "Security/WS6.mordor.local", "EventTime": "2020-06-09 22:50:54",
            "Keywords": "-9218868437227405312", "RecordNumber": "120871", "Severity": "ERROR", "Service": "-",
            "Message": "A privileged service was called.\r\n\r\nSubject:\r\n\tx"}}),
    );
}

/// Winlogbeat: other names, keywords as a list, the event's data in an object.
#[test]
fn windows_through_winlogbeat() {
    let data = r#"{"SubjectUserSid":"S-1-5-18","SubjectUserName":"HFDC01$","SubjectDomainName":"SHIRE","TargetUserName":"bob"}"#;
    gives(
        Format::Windows,
        &NONE,
        &format!(
            r#"{{"@timestamp":"2019-03-19T17:13:35.086Z","message":"One line.","event_data":{data},"log_name":"Security",
            "record_number":"77","computer_name":"HFDC01.shire.com","event_id":4703,"task":"Token Right Adjusted Events",
            "keywords":["Audit Success"],"activity_id":"{{a}}","host":{{"name":"w"}}}}"#
        ),
        json!({"tenant": "shire.com", "organization": "SHIRE", "service": "Security_2FHFDC01.shire.com",
            "id": "HFDC01.shire.com/77/2019-03-19T17:13:35.086Z", "generated_at": "2019-03-19T17:13:35.086000000Z",
            "severity": "information", "activity": "4703 Token Right Adjusted Events",
            "actor": {"type": "system", "id": "S-1-5-18", "name": "HFDC01$"}, "object": {"id": "bob"},
            "request_id": "{a}", "success": true, "message": "One line.", "attributes": {
            "service.name": "Security/HFDC01.shire.com", "event_data": data, "record_number": "77",
            "keywords": r#"["Audit Success"]"#, "host": r#"{"name":"w"}"#}}),
    );
}

/// Exports of the event log: keywords as hex, then no keywords and a local time, which is no instant.
#[test]
fn windows_exports() {
    gives(
        Format::Windows,
        &acme(),
        r#"{"Keywords":"0x8020000000000000","Channel":"security","Hostname":"Pedro01","EventID":4624,"Task":"12544",
            "TimeCreated":"2023-07-19T09:02:18.300Z","@timestamp":"2023-07-19T09:02:18.300Z",
            "SubjectUserSid":"S-1-0-0","SubjectUserName":"-","SubjectDomainName":"-","SubjectLogonId":"0x0",
            "TargetUserSid":"S-1-5-21-1-5","TargetUserName":"PC$","TargetDomainName":"D","TargetLogonId":"0x9"}"#,
        json!({"tenant": "acme", "organization": "D", "service": "security_2FPedro01",
            "generated_at": "2023-07-19T09:02:18.300000000Z", "severity": "information", "activity": "4624",
            "actor": {"type": "computer", "id": "S-1-5-21-1-5", "name": "PC$"}, "object": {"id": "PC$"},
            "request_id": "0x9", "success": true, "attributes": {"service.name": "security/Pedro01",
            "Keywords": "0x8020000000000000", "Task": "12544", "TimeCreated": "2023-07-19T09:02:18.300Z",
            "SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": "0x0"}}),
    );
    gives(
        Format::Windows,
        &acme(),
        r#"{"Channel":"Security","Hostname":"10.0.0.5","EventID":5447,"TimeCreated":"2020-10-18 10:56:18.799",
            "UserSid":"S-1-5-19","UserName":"NT AUTHORITY\\LOCAL SERVICE","Message":"\r\nx"}"#,
        json!({"tenant": "acme", "service": "Security_2F10.0.0.5", "severity": "information", "activity": "5447",
            "actor": {"type": "system", "id": "S-1-5-19", "name": "NT AUTHORITY\\LOCAL SERVICE"}, "attributes": {
            "service.name": "Security/10.0.0.5", "TimeCreated": "2020-10-18 10:56:18.799", "Message": "\r\nx"}}),
    );
}

/// Log Analytics: `Computer` for the host, a time with two decimals, no keywords.
#[test]
fn windows_through_log_analytics() {
    gives(
        Format::Windows,
        &NONE,
        r#"{"TenantId":"redacted","TimeGenerated":"2022-05-13T08:54:05.21Z","Computer":"DC01.simulandlabs.com",
            "Channel":"Security","Level":"8","EventID":412,"Activity":"412 - x","TargetUserName":"bob"}"#,
        json!({"tenant": "simulandlabs.com", "service": "Security_2FDC01.simulandlabs.com",
            "generated_at": "2022-05-13T08:54:05.210000000Z", "severity": "information", "activity": "412",
            "actor": {"type": "user", "id": "bob"}, "object": {"id": "bob"}, "attributes": {
            "service.name": "Security/DC01.simulandlabs.com", "TenantId": "redacted", "Level": "8",
            "Activity": "412 - x"}}),
    );
    refuses(
        Format::Windows,
        &NONE,
        r#"{"Channel":"Security","Hostname":"Pedro01","EventID":1}"#,
        "the DNS domain of `Hostname`, or one given with --tenant",
    );
    refuses(
        Format::Windows,
        &acme(),
        r#"{"Channel":"Security","EventID":"x"}"#,
        "field `EventID`: expected the number of the event, found the text \"x\"",
    );
    refuses(
        Format::Windows,
        &Defaults { service: None, ..acme() },
        r#"{"EventID":1}"#,
        "`Channel` and `Hostname`, or one given with --service",
    );
}

#[test]
fn office365_events() {
    gives(
        Format::Office365,
        &NONE,
        r#"{"CreationTime":"2022-05-07T12:55:53","Id":"i","Operation":"UserLoginFailed","OrganizationId":"o","UserType":3,
            "ResultStatus":"Success","UserKey":"k","Workload":"Exchange","ObjectId":"x","UserId":"u","AppId":"",
            "OrganizationName":"n","InterSystemsId":"s","LogonError":"bad password","ExternalAccess":true}"#,
        json!({"tenant": "o", "organization": "n", "service": "Exchange", "id": "i",
            "generated_at": "2022-05-07T12:55:53.000000000Z", "severity": "warning", "activity": "UserLoginFailed",
            "actor": {"type": "3", "id": "u"}, "object": {"id": "x"}, "request_id": "s", "success": false,
            "message": "bad password", "attributes": {"CreationTime": "2022-05-07T12:55:53", "ResultStatus": "Success",
            "UserKey": "k", "ExternalAccess": "true"}}),
    );
    gives(
        Format::Office365,
        &NONE,
        r#"{"TenantId":"t","TimeGenerated":"2021-08-02T13:32:07Z","Operation":"MailItemsAccessed","OrganizationId":"o",
            "UserType":"Regular","OfficeWorkload":"Exchange","ResultStatus":"Succeeded","UserId":"u","MailboxGuid":"m",
            "OfficeId":"i"}"#,
        json!({"tenant": "o", "service": "Exchange", "id": "i", "generated_at": "2021-08-02T13:32:07.000000000Z",
            "severity": "information", "activity": "MailItemsAccessed", "actor": {"type": "Regular", "id": "u"},
            "object": {"id": "m"}, "success": true, "attributes": {"TenantId": "t", "ResultStatus": "Succeeded"}}),
    );
}

#[test]
fn azure_ad_audit_rows() {
    let by = r#"{\"user\":{\"id\":\"u1\",\"displayName\":null,\"userPrincipalName\":\"a@b\"}}"#;
    let target = r#"[{\"id\":\"x1\",\"displayName\":\"App\"},{\"id\":\"x2\"}]"#;
    gives(
        Format::Office365,
        &NONE,
        &format!(
            r#"{{"TenantId":"t","TimeGenerated":"2021-08-02T13:29:25.983Z","OperationName":"Update application","Id":"i",
            "CorrelationId":"c","Result":"failure","LoggedByService":"Core Directory","InitiatedBy":"{by}",
            "TargetResources":"{target}","targetId":"x1","keyEvents":"{{\"displayName\":\"Key\"}}"}}"#
        ),
        json!({"tenant": "t", "service": "Core_20Directory", "id": "i/x1/Key",
            "generated_at": "2021-08-02T13:29:25.983000000Z", "severity": "warning", "activity": "Update application",
            "actor": {"type": "user", "id": "u1", "name": "a@b"}, "object": {"id": "x1", "name": "App"},
            "request_id": "c", "success": false, "attributes": {"service.name": "Core Directory", "Id": "i",
            "Result": "failure", "InitiatedBy": by.replace('\\', ""), "TargetResources": target.replace('\\', ""),
            "targetId": "x1", "keyEvents": r#"{"displayName":"Key"}"#}}),
    );
}

#[test]
fn kubernetes_events() {
    let event = |rest: &str| {
        format!(
            r#"{{"level":"Metadata","auditID":"a","stage":"ResponseComplete","requestURI":"/api","verb":"list",
            "user":{{"username":"admin"}},{rest}}}"#
        )
    };
    gives(
        Format::Kubernetes,
        &Defaults { service: None, ..acme() },
        &event(
            r#""timestamp":"2017-09-11T19:55:05Z","impersonatedUser":{"username":"system:serviceaccount:n:s"},
            "objectRef":{"resource":"pods","namespace":"n","name":"p"},"responseStatus":{"message":"no","code":403}"#,
        ),
        json!({"tenant": "acme", "organization": "n", "service": "kube-apiserver", "id": "a/ResponseComplete",
            "generated_at": "2017-09-11T19:55:05.000000000Z", "severity": "warning", "activity": "list",
            "actor": {"type": "serviceaccount", "id": "system:serviceaccount:n:s"}, "object": {"id": "pods/n/p"},
            "request_id": "a", "success": false, "message": "no", "attributes": {"level": "Metadata",
            "stage": "ResponseComplete", "requestURI": "/api", "user": r#"{"username":"admin"}"#,
            "impersonatedUser": r#"{"username":"system:serviceaccount:n:s"}"#,
            "objectRef": r#"{"resource":"pods","namespace":"n","name":"p"}"#,
            "responseStatus": r#"{"message":"no","code":403}"#}}),
    );
    gives(
        Format::Kubernetes,
        &acme(),
        &event(
            r#""requestReceivedTimestamp":"2024-01-01T00:00:00.1Z","stageTimestamp":"2024-01-01T00:00:00.2Z""#,
        ),
        json!({"tenant": "acme", "service": "given", "id": "a/ResponseComplete",
            "generated_at": "2024-01-01T00:00:00.200000000Z", "severity": "information", "activity": "list",
            "actor": {"type": "user", "id": "admin"}, "object": {"id": "/api"}, "request_id": "a",
            "started": "2024-01-01T00:00:00.100000000Z", "finished": "2024-01-01T00:00:00.200000000Z",
            "attributes": {"level": "Metadata", "stage": "ResponseComplete", "user": r#"{"username":"admin"}"#}}),
    );
    refuses(Format::Kubernetes, &NONE, &event(r#""x":1"#), "one given with --tenant");
}

fn change(path: &str) -> String {
    format!(
        r#"{{"repository":"etcd-io/etcd","commit":"a600","author":"u7","author_time":"2024-09-05T10:53:07+02:00",
        "committer":"u8","commit_time":"2024-09-05T08:53:08Z","change":"M","path":"{path}","subject":"fix"}}"#
    )
}

#[test]
fn git_history_lines() {
    let wanted = |path: &str| {
        json!({"tenant": "etcd-io", "service": "etcd-io_2Fetcd", "id": format!("a600/{path}"),
            "generated_at": "2024-09-05T08:53:08.000000000Z", "severity": "information", "activity": "file.modify",
            "actor": {"type": "person", "id": "u7"}, "object": {"id": path}, "request_id": "a600", "success": true,
            "message": "fix", "started": "2024-09-05T08:53:07.000000000Z",
            "finished": "2024-09-05T08:53:08.000000000Z", "attributes": {"service.name": "etcd-io/etcd",
            "author_time": "2024-09-05T10:53:07+02:00", "committer": "u8", "change": "M"}})
    };
    gives(Format::GitHistory, &acme(), &change("go.mod"), wanted("go.mod"));
    let mut in_folder = wanted("src/vsr/a.zig");
    in_folder["organization"] = json!("src");
    gives(Format::GitHistory, &acme(), &change("src/vsr/a.zig"), in_folder);
    let long = "p".repeat(200);
    let mut no_id = wanted(&long);
    no_id.as_object_mut().unwrap().remove("id");
    gives(Format::GitHistory, &acme(), &change(&long), no_id);
    refuses(
        Format::GitHistory,
        &acme(),
        r#"{"change":"X"}"#,
        "field `change`: expected one of A, M, D, R, C, T, found the text \"X\"",
    );
    let own = change("a").replace("etcd-io/etcd", "sealog/x");
    refuses(Format::GitHistory, &acme(), &own, "field `tenant`: expected any tenant but \"sealog\"");
}

#[test]
fn linux_lines() {
    let event = |raw: &str, source: &str| {
        format!(
            r#"{{"_event_time":"2026-06-09T01:20:25.004Z","lw_id":"l1","data":{{"_raw":"{raw}","_time":1780968025.004,
            "host":"h","source":"{source}"}},"_meta":{{"source":"linux"}}}}"#
        )
    };
    let tenant = Defaults { service: None, ..acme() };
    let raw =
        "Jun  9 01:24:52 h sshd[641410]: Accepted publickey for dave from 192.168.4.245 port 48630 ssh2: x";
    gives(
        Format::Linux,
        &tenant,
        &event(raw, "/var/log/auth.log"),
        json!({"tenant": "acme", "service": "sshd", "id": "l1", "generated_at": "2026-06-09T01:20:25.004000000Z",
            "severity": "information", "activity": "Accepted publickey", "actor": {"type": "user", "id": "dave"},
            "success": true, "message": raw, "attributes": {"process.pid": "641410",
            "source.address": "192.168.4.245", "data._time": "1780968025.004", "data.host": "h",
            "data.source": "/var/log/auth.log", "_meta": r#"{"source":"linux"}"#}}),
    );
    let raw = "1780968025.004    715 10.0.0.1 TCP_MISS/503 21 GET https://a.b/c - DIRECT/a.b text/html";
    gives(
        Format::Linux,
        &tenant,
        &event(raw, "/var/log/mitmproxy/access.log"),
        json!({"tenant": "acme", "service": "mitmproxy_2Faccess.log", "id": "l1",
            "generated_at": "2026-06-09T01:20:25.004000000Z", "severity": "warning", "activity": "GET",
            "actor": {"type": "address", "id": "10.0.0.1"}, "object": {"id": "https://a.b/c"}, "success": false,
            "message": raw, "attributes": {"service.name": "mitmproxy/access.log", "data._time": "1780968025.004",
            "data.host": "h", "data.source": "/var/log/mitmproxy/access.log", "_meta": r#"{"source":"linux"}"#}}),
    );
    gives(
        Format::Linux,
        &acme(),
        r#"{"data":{"_raw":"something else","_time":1780968025.5}}"#,
        json!({"tenant": "acme", "service": "given", "generated_at": "2026-06-09T01:20:25.500000000Z",
            "severity": "information", "activity": "log", "message": "something else",
            "attributes": {"data._time": "1780968025.5"}}),
    );
    refuses(
        Format::Linux,
        &acme(),
        r#"{"data":{"raw":"x"}}"#,
        "field `data._raw`: expected the raw text of the line, found none",
    );
}

/// The examples of RFC 5424 §6.5 and RFC 3164 §5.4.
#[test]
fn syslog_lines() {
    let tenant = Defaults { service: None, ..acme() };
    gives(
        Format::Syslog,
        &tenant,
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick",
        json!({"tenant": "acme", "service": "su", "generated_at": "2003-10-11T22:14:15.003000000Z", "severity": "fatal",
            "activity": "ID47", "message": "'su root' failed for lonvick", "attributes": {"syslog.priority": "34",
            "syslog.facility": "auth", "host.name": "mymachine.example.com"}}),
    );
    gives(
        Format::Syslog,
        &tenant,
        r#"<165>1 2003-10-11T22:14:15.003-07:00 h evntslog 8710 ID47 [ex@32473 iut="3" s="a\"\]\\"][o@1 x="1"]"#,
        json!({"tenant": "acme", "service": "evntslog", "generated_at": "2003-10-12T05:14:15.003000000Z",
            "severity": "information", "activity": "ID47", "attributes": {"syslog.priority": "165",
            "syslog.facility": "local4", "syslog.time": "2003-10-11T22:14:15.003-07:00", "host.name": "h",
            "process.pid": "8710", "sd.ex@32473.iut": "3", "sd.ex@32473.s": "a\"]\\", "sd.o@1.x": "1"}}),
    );
    gives(
        Format::Syslog,
        &acme(),
        r#"1 - - - - - [timeQuality][origin ip="1" ip="2"] x"#,
        json!({"tenant": "acme", "service": "given", "severity": "information", "activity": "log", "message": "x",
            "attributes": {"syslog.structured_data": r#"[timeQuality][origin ip="1" ip="2"]"#}}),
    );
    gives(
        Format::Syslog,
        &tenant,
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8\r\n",
        json!({"tenant": "acme", "service": "su", "severity": "fatal", "activity": "log",
            "message": "'su root' failed for lonvick on /dev/pts/8", "attributes": {"syslog.priority": "34",
            "syslog.facility": "auth", "syslog.time": "Oct 11 22:14:15", "host.name": "mymachine"}}),
    );
    gives(
        Format::Syslog,
        &acme(),
        "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
        json!({"tenant": "acme", "service": "given", "severity": "information", "activity": "log",
            "message": "Use the BFG!", "attributes": {"syslog.priority": "13", "syslog.facility": "user",
            "syslog.time": "Feb  5 17:32:18", "host.name": "10.0.0.99"}}),
    );
    gives(
        Format::Syslog,
        &tenant,
        "2023-07-19T09:02:18.300123+02:00 h systemd-logind[707]: Removed session 5762.",
        json!({"tenant": "acme", "service": "systemd-logind", "generated_at": "2023-07-19T07:02:18.300123000Z",
            "severity": "information", "activity": "log", "message": "Removed session 5762.",
            "attributes": {"syslog.time": "2023-07-19T09:02:18.300123+02:00", "host.name": "h", "process.pid": "707"}}),
    );
}

#[test]
fn syslog_lines_of_no_form_are_the_message() {
    for line in [
        "hello",
        "<192>1 - - - - - - x",
        "<034>Oct 11 22:14:15 m su: x",
        "<13>Oct 32 22:14:15 m su: x",
        "1 - - - - -",
        "<13>2 - - - - - - x",
        r#"<13>1 - - - - - [a b="]"] x"#,
        "<13>1 - - - - - -x",
        "<13",
        "Oct  1 24:00:00 m x",
    ] {
        gives(
            Format::Syslog,
            &acme(),
            line,
            json!({"tenant": "acme", "service": "given", "severity": "information", "activity": "log", "message": line}),
        );
    }
    refuses(
        Format::Syslog,
        &Defaults { service: None, ..acme() },
        "hello",
        "the line's program, or one given with --service",
    );
    refuses(Format::Syslog, &NONE, "hello", "one given with --tenant");
    refuses(Format::Syslog, &acme(), "\r\n", "found an empty line");
    let line = b"Oct  1 01:02:03 h su: \xff";
    let entry = map_line(Format::Syslog, line, &acme()).unwrap();
    assert_eq!((&*entry.service, &*entry.message), ("su", "\u{fffd}"));
    assert_eq!(entry.attributes.last().unwrap(), &("raw.hex".into(), hex::encode(line).into()));
}

#[test]
fn what_does_not_fit_is_kept_in_attributes() {
    let long = "é".repeat(40_000);
    let line = format!(
        r#"{{"eventName":"{}","eventSource":"s","requestID":"{}","errorMessage":"{long}"}}"#,
        "n".repeat(300),
        "r".repeat(129)
    );
    let entry = map_line(Format::Cloudtrail, line.as_bytes(), &acme()).unwrap();
    assert_eq!(entry.activity, "n".repeat(256));
    assert_eq!(entry.message.len(), 64 << 10);
    assert_eq!(entry.request_id, "");
    let kept: Vec<(&str, usize)> =
        entry.attributes.iter().map(|(key, value)| (&**key, value.len())).collect();
    assert_eq!(kept, [("eventName", 300), ("requestID", 129), ("errorMessage", 80_000)]);

    let line = format!(r#"{{"eventName":"n","eventSource":"s","x":"{}"}}"#, "x".repeat(256 << 10));
    refuses(
        Format::Cloudtrail,
        &acme(),
        &line,
        "entry: expected at most 262144 bytes when encoded, found about",
    );
    let line = format!(r#"{{"eventName":"n","eventSource":"{}"}}"#, "ä".repeat(50));
    refuses(Format::Cloudtrail, &acme(), &line, "field `service`: expected 1 to 128");
    let line = format!(r#"{{"eventName":"n","eventSource":"s","recipientAccountId":"{}"}}"#, "1".repeat(129));
    refuses(
        Format::Cloudtrail,
        &acme(),
        &line,
        "field `tenant`: expected a text of 1 to 128 bytes, found 129 bytes",
    );
}

#[test]
fn reserved_services_are_escaped_and_other_bytes_refused() {
    let entry = map_line(Format::Cloudtrail, br#"{"eventName":"n","eventSource":"sealog.control"}"#, &acme())
        .unwrap();
    assert_eq!(entry.service, "sealog_2Econtrol");
    assert_eq!(entry.attributes, [("service.name".into(), "sealog.control".into())]);
    let error = map_line(Format::Windows, b"{\"a\":\"\xff\"}", &acme()).unwrap_err();
    assert_eq!(error, "column 7: expected UTF-8, found other bytes");
    for format in Format::ALL {
        assert!(map_line(format, b"", &acme()).is_err(), "{}", format.name());
    }
}

#[test]
fn packed_files_are_known_by_name_and_by_their_first_bytes() {
    let folder = std::env::temp_dir().join(format!("sealog-import-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = b"one\ntwo\n".repeat(1000);
    let zst = zstd::encode_all(&text[..], 1).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&text).unwrap();
    let gz = gz.finish().unwrap();
    let twice = |packed: &[u8]| [packed, packed].concat();
    for (name, bytes, wanted) in [
        ("a.ndjson", text.clone(), text.clone()),
        ("empty", Vec::new(), Vec::new()),
        ("a.zst", zst.clone(), text.clone()),
        ("b", twice(&zst), twice(&text)),
        ("a.GZ", gz.clone(), text.clone()),
        ("c", twice(&gz), twice(&text)),
    ] {
        let path = folder.join(name);
        std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
        let mut found = Vec::new();
        open(&path).unwrap().read_to_end(&mut found).unwrap();
        assert!(found == wanted, "{name}");
    }
    std::fs::File::create(folder.join("bad.zst")).unwrap().write_all(b"plain").unwrap();
    assert!(open(&folder.join("bad.zst")).unwrap().read_to_end(&mut Vec::new()).is_err());
    assert_eq!(open(&folder.join("none")).err().unwrap().kind(), std::io::ErrorKind::NotFound);
    std::fs::remove_dir_all(&folder).unwrap();
}
