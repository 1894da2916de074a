//! Lines of auth.log and of a proxy's access log, as raw text inside JSON (`data._raw`).

use super::source::{Source, head};
use super::statement::{self, Statement};
use super::{Defaults, draft, syslog};
use sealog_engine::limits::{ACTIVITY_BYTES_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use sealog_engine::model::{Entry, Severity, Timestamp};
use sealog_server::ingest::syslog::Line;
use std::borrow::Cow;

const RAW: &str = "data._raw";
const EPOCH: &str = "data._time";
/// Where Linux keeps its logs: the part of a file's path that says nothing.
const LOG_FOLDER: &str = "/var/log/";

pub(super) fn map<'a>(source: &mut Source<'a>, defaults: &Defaults) -> Result<Entry<'a>, String> {
    source.flatten("data");
    let Some(raw) = source.copy(RAW) else {
        return Err(draft::refused(source, RAW, "the raw text of the line"));
    };
    let mut entry = Entry { tenant: defaults.tenant(None, "the event (it names none)")?, ..Entry::default() };
    entry.generated_at = source.take_time(&["_event_time"]).or_else(|| epoch(source.get(EPOCH)?));
    entry.id = source.take_within(&["lw_id"], NAME_BYTES_MAX).unwrap_or_default();

    let line = Line::bsd(&raw).filter(|line| !line.program.is_empty());
    let (said, program, pid) = match &line {
        Some(line) => (statement::auth(line.content), Some(line.program), line.process),
        None => (statement::proxy(&raw), None, ""),
    };
    // A line that names no program is of the service that its file is named for.
    let service = match program {
        Some(program) => Some(Cow::Owned(program.to_owned())),
        None => source.copy("data.source").map(|file| match file.strip_prefix(LOG_FOLDER) {
            Some(name) => Cow::Owned(name.to_owned()),
            None => file,
        }),
    };
    defaults.set_service(&mut entry, service, "the line or `data.source`")?;
    state(&mut entry, said.unwrap_or_default());
    if !pid.is_empty() {
        entry.attributes.push((Cow::Borrowed(syslog::PROCESS), Cow::Owned(pid.to_owned())));
    }
    entry.message = if raw.len() <= MESSAGE_BYTES_MAX {
        source.take(RAW);
        raw
    } else {
        head(raw, MESSAGE_BYTES_MAX)
    };
    Ok(entry)
}

/// Fills the entry with what its line states; the words themselves are in the message.
fn state(entry: &mut Entry<'_>, said: Statement<'_>) {
    let own = |text: &str| Cow::Owned(text.to_owned());
    let names_activity = matches!(said.activity.len(), 1..=ACTIVITY_BYTES_MAX);
    entry.activity = if names_activity { own(said.activity) } else { Cow::Borrowed("log") };
    entry.object.id = own(said.object);
    entry.success = said.success;
    if said.success == Some(false) {
        entry.severity = Severity::Warning;
    }
    if !said.user.is_empty() {
        entry.actor.kind = Cow::Borrowed("user");
        entry.actor.id = own(said.user);
    } else if !said.address.is_empty() {
        entry.actor.kind = Cow::Borrowed("address");
        entry.actor.id = own(said.address);
    }
    if !said.user.is_empty() && !said.address.is_empty() {
        entry.attributes.push((Cow::Borrowed("source.address"), own(said.address)));
    }
}

/// Seconds since 1970, with at most nine decimals.
fn epoch(text: &str) -> Option<Timestamp> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(seconds) || !all_digits(decimals) || decimals.len() > 9 {
        return None;
    }
    let nanos: i64 = format!("{decimals:0<9}").parse().ok()?;
    Some(Timestamp::from_nanos(seconds.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)?))
}
