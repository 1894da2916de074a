//! Windows Security events, as NXLog, Logstash, Winlogbeat, Log Analytics and exports of the event log write them.
//!
//! The same event comes in five shapes: the fields differ in name, some nest the event's data in `event_data`, and
//! `Keywords` is a signed integer, a hex string or a list. A shape is nothing but other names for the same things.

use super::source::{Source, head};
use super::{Defaults, draft};
use sealog_engine::limits::{ACTIVITY_BYTES_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use sealog_engine::model::{Actor, Entry, FieldError, Severity};
use std::borrow::Cow;
use std::net::IpAddr;

const HOST: [&str; 3] = ["Hostname", "Computer", "computer_name"];
const CHANNEL: [&str; 2] = ["Channel", "log_name"];
const EVENT: [&str; 2] = ["EventID", "event_id"];
/// `Task` of the other shapes is a number, and no name.
const CATEGORY: [&str; 2] = ["Category", "task"];
const RECORD: [&str; 2] = ["RecordNumber", "record_number"];
const MESSAGE: [&str; 2] = ["Message", "message"];
/// `EventTime` is local time without a zone, so it is no instant; neither is a `TimeCreated` without one.
const TIME: [&str; 4] = ["@timestamp", "TimeCreated", "TimeGenerated", "EventTime"];
/// Who acted, as a security ID and a name, the most telling pair first.
const ACTORS: [[&str; 2]; 4] = [
    ["SubjectUserSid", "SubjectUserName"],
    ["UserSid", "UserName"],
    ["", "AccountName"],
    ["TargetUserSid", "TargetUserName"],
];
const OBJECTS: [&str; 4] = ["ObjectName", "NewProcessName", "TargetUserName", "ServiceName"];
/// What Windows writes where a text is missing.
const NOTHING: &str = "-";
/// The null SID: nobody. learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers
const NOBODY: &str = "S-1-0-0";
/// The logon of nobody.
const NO_LOGON: &str = "0x0";

pub(super) fn map<'a>(source: &mut Source<'a>, defaults: &Defaults) -> Result<Entry<'a>, String> {
    let mut entry = Entry { id: id(source).unwrap_or_default(), ..Entry::default() };
    entry.generated_at = source.take_time(&TIME);
    entry.activity = activity(source)?;
    let host = source.take_first(&HOST);
    let domain = host.as_deref().and_then(domain).map(|domain| Cow::Owned(domain.to_owned()));
    entry.tenant = defaults.tenant(domain, "the DNS domain of `Hostname`")?;
    let service = match (source.take_first(&CHANNEL), host) {
        (Some(channel), Some(host)) => Some(Cow::Owned(format!("{channel}/{host}"))),
        (channel, host) => channel.or(host),
    };
    defaults.set_service(&mut entry, service, "`Channel` and `Hostname`")?;

    let mut data = Data { nested: source.object("event_data"), source, used: Vec::new() };
    entry.object.id = data.first_stated(&OBJECTS, NOTHING, usize::MAX).unwrap_or_default();
    let domains = ["SubjectDomainName", "TargetDomainName"];
    entry.organization = data.first_stated(&domains, NOTHING, NAME_BYTES_MAX).unwrap_or_default();
    let logons = ["SubjectLogonId", "TargetLogonId", "LogonID"];
    entry.request_id = match data.source.take_within(&["ActivityID", "activity_id"], NAME_BYTES_MAX) {
        Some(activity) => activity,
        None => data.first_stated(&logons, NO_LOGON, NAME_BYTES_MAX).unwrap_or_default(),
    };
    entry.actor = actor(&mut data);
    data.finish();

    entry.success = outcome(source);
    if entry.success == Some(false) {
        entry.severity = Severity::Warning;
    }
    if let Some(key) = MESSAGE.iter().find(|key| source.has(key)) {
        let text = source.get(key).unwrap_or_default();
        let line = draft::first_line(text);
        entry.message = if line.len() == text.len() {
            source.take_head(&[key], MESSAGE_BYTES_MAX).unwrap_or_default()
        } else {
            head(Cow::Owned(line.to_owned()), MESSAGE_BYTES_MAX)
        };
    }
    Ok(entry)
}

/// `4673 Sensitive Privilege Use`: the number, and the category where the shape names it.
fn activity<'a>(source: &mut Source<'a>) -> Result<Cow<'a, str>, String> {
    let number = EVENT.iter().find_map(|key| source.get(key)).unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        let found = EVENT.map(|key| source.describe(key)).into_iter().find(|found| found != "none");
        let found = found.unwrap_or_else(|| "none".to_owned());
        return Err(FieldError::new("EventID", "the number of the event", found).to_string());
    }
    let category = CATEGORY.iter().find_map(|key| source.get(key)).filter(|name| *name != NOTHING);
    let with_category = category.map(|category| format!("{number} {category}"));
    let number = source.take_first(&EVENT).unwrap_or_default();
    match with_category {
        Some(activity) if activity.len() <= ACTIVITY_BYTES_MAX => {
            source.take_first(&CATEGORY);
            Ok(Cow::Owned(activity))
        }
        _ => Ok(number),
    }
}

/// A record number counts up until the log is cleared, so it identifies with the host and the time only.
fn id<'a>(source: &Source<'a>) -> Option<Cow<'a, str>> {
    let host = HOST.iter().find_map(|key| source.get(key))?;
    let record = RECORD.iter().find_map(|key| source.get(key))?;
    let time = TIME.iter().find_map(|key| source.get(key))?;
    let id = format!("{host}/{record}/{time}");
    (id.len() <= NAME_BYTES_MAX).then_some(Cow::Owned(id))
}

/// What follows the first dot of a host's name; an address has no domain.
fn domain(host: &str) -> Option<&str> {
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let domain = host.split_once('.')?.1;
    (!domain.is_empty()).then_some(domain)
}

/// The event's own data, beside the others or in an object of its own (which stays whole).
struct Data<'s, 'a> {
    source: &'s mut Source<'a>,
    nested: Option<Source<'a>>,
    /// Fields that the entry says already. Several entry fields may say the same one, so they are taken at the end.
    used: Vec<&'static str>,
}

impl<'a> Data<'_, 'a> {
    /// The value, unless it is the word for none or too long.
    fn stated(&mut self, key: &'static str, none: &str, bytes_max: usize) -> Option<Cow<'a, str>> {
        let value = self.source.copy(key).or_else(|| self.nested.as_ref()?.copy(key))?;
        if value == none || value.len() > bytes_max {
            return None;
        }
        self.used.push(key);
        Some(value)
    }

    fn first_stated(&mut self, keys: &[&'static str], none: &str, bytes_max: usize) -> Option<Cow<'a, str>> {
        keys.iter().find_map(|key| self.stated(key, none, bytes_max))
    }

    fn finish(self) {
        for key in self.used {
            self.source.take(key);
        }
    }
}

fn actor<'a>(data: &mut Data<'_, 'a>) -> Actor<'a> {
    for [sid_key, name_key] in ACTORS {
        let sid = data.stated(sid_key, NOBODY, usize::MAX);
        let name = data.stated(name_key, NOTHING, usize::MAX);
        let kind = match (&sid, &name) {
            (None, None) => continue,
            // Only accounts of a domain, a machine (S-1-5-21) or Entra ID (S-1-12-1) are people or computers.
            (Some(sid), _) if !sid.starts_with("S-1-5-21-") && !sid.starts_with("S-1-12-1-") => "system",
            (_, Some(name)) if name.ends_with('$') => "computer",
            _ => "user",
        };
        let kind = Cow::Borrowed(kind);
        return match sid {
            Some(id) => Actor { kind, id, name: name.unwrap_or_default() },
            None => Actor { kind, id: name.unwrap_or_default(), name: Cow::default() },
        };
    }
    Actor::default()
}

/// Bits of `Keywords` (winmeta.xml: AuditSuccess 0x20…, AuditFailure 0x10…), or their names in a list.
fn outcome(source: &Source<'_>) -> Option<bool> {
    const SUCCESS: u64 = 0x0020_0000_0000_0000;
    const FAILURE: u64 = 0x0010_0000_0000_0000;
    if let Some(name) = source.list_text("keywords").or_else(|| source.list_text("Keywords")) {
        return match &*name {
            "Audit Success" => Some(true),
            "Audit Failure" => Some(false),
            _ => None,
        };
    }
    let keywords = source.get("Keywords").or_else(|| source.get("keywords"))?;
    let bits = match keywords.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => keywords.parse::<i64>().map(i64::cast_unsigned).or_else(|_| keywords.parse::<u64>()).ok()?,
    };
    match (bits & SUCCESS != 0, bits & FAILURE != 0) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}
