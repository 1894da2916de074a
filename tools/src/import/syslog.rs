//! Syslog lines: RFC 5424, the BSD form that RFC 3164 describes, and any other text as it is.
//!
//! Each form may come without its PRI, as files have it. A line that keeps to neither form is the message as a whole.
//! The BSD time has neither year nor zone, so it is no instant: it stays an attribute.

use super::Defaults;
use super::source::{head, is_plain_utc};
use sealog_engine::hex;
use sealog_engine::limits::{ACTIVITY_BYTES_MAX, ATTRIBUTE_COUNT_MAX, MESSAGE_BYTES_MAX};
use sealog_engine::model::{Entry, Severity, Timestamp};
use std::borrow::Cow;

/// The attribute of a process number.
pub(super) const PROCESS: &str = "process.pid";
/// RFC 5424 §6.2.5.
const PROGRAM_BYTES_MAX: usize = 48;
/// Attributes that may come beside structured data, with room to spare.
const OTHER_ATTRIBUTES_MAX: usize = 16;

/// The parts of a line, as they are written there; what is absent is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line<'s> {
    priority: Option<u8>,
    time: &'s str,
    host: &'s str,
    pub(super) program: &'s str,
    pub(super) process: &'s str,
    message_id: &'s str,
    structured: &'s str,
    pub(super) content: &'s str,
}

pub(super) fn map<'a>(line: &'a [u8], defaults: &Defaults) -> Result<Entry<'a>, String> {
    if line.is_empty() {
        return Err("line: expected a syslog message, found an empty line".to_owned());
    }
    match std::str::from_utf8(line) {
        Ok(text) => entry(text, defaults, Cow::Borrowed),
        Err(_) => {
            // RFC 5424 §6.4 lets a message be any octets: what is no UTF-8 is replaced in the texts and kept in hex.
            let text = String::from_utf8_lossy(line);
            let mut entry = entry(&text, defaults, |part| Cow::Owned(part.to_owned()))?;
            entry.attributes.push((Cow::Borrowed("raw.hex"), Cow::Owned(hex::encode(line))));
            Ok(entry)
        }
    }
}

fn entry<'s, 'a>(
    text: &'s str,
    defaults: &Defaults,
    own: fn(&'s str) -> Cow<'a, str>,
) -> Result<Entry<'a>, String> {
    let line = rfc5424(text).or_else(|| bsd(text)).unwrap_or(Line { content: text, ..Line::default() });
    let mut entry =
        Entry { tenant: defaults.tenant(None, "the line (syslog has none)")?, ..Entry::default() };
    let service = (!line.program.is_empty()).then(|| own(line.program));
    defaults.set_service(&mut entry, service, "the line's program")?;
    entry.activity = if line.message_id.is_empty() { Cow::Borrowed("log") } else { own(line.message_id) };
    debug_assert!(entry.activity.len() <= ACTIVITY_BYTES_MAX, "a message ID has at most 32 bytes");
    entry.generated_at = Timestamp::parse(line.time).ok();
    let mut keep = |key: &'static str, value: Cow<'a, str>| {
        if !value.is_empty() {
            entry.attributes.push((Cow::Borrowed(key), value));
        }
    };
    if let Some(priority) = line.priority {
        entry.severity = severity(priority);
        keep("syslog.priority", Cow::Owned(priority.to_string()));
        keep("syslog.facility", Cow::Borrowed(FACILITIES[usize::from(priority >> 3)]));
    }
    if !is_plain_utc(line.time) || entry.generated_at.is_none() {
        keep("syslog.time", own(line.time));
    }
    keep("host.name", own(line.host));
    keep(PROCESS, own(line.process));
    match parameters(line.structured) {
        Some(parameters) => {
            entry.attributes.extend(parameters.into_iter().map(|(key, value)| (key.into(), value.into())))
        }
        None => keep("syslog.structured_data", own(line.structured)),
    }
    if line.content.len() > MESSAGE_BYTES_MAX {
        entry.attributes.push((Cow::Borrowed("syslog.message"), own(line.content)));
    }
    entry.message = head(own(line.content), MESSAGE_BYTES_MAX);
    Ok(entry)
}

/// RFC 5424 §6.2.1, table 1; local use 0 to 7 are 16 to 23.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

/// RFC 5424 §6.2.1, table 2, in the classes of the record model; the number stays in the priority.
fn severity(priority: u8) -> Severity {
    match priority & 7 {
        0..=2 => Severity::Fatal,
        3 => Severity::Error,
        4 => Severity::Warning,
        5 | 6 => Severity::Information,
        _ => Severity::Debug,
    }
}

/// `[<PRI>]1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD [MSG]` (RFC 5424 §6).
///
/// More than six digits of a second are read too, because senders write them.
fn rfc5424(text: &str) -> Option<Line<'_>> {
    let (priority, rest) = priority(text)?;
    let rest = rest.strip_prefix("1 ")?;
    let (time, rest) = word(rest, 64)?;
    if time != "-" && (Timestamp::parse(time).is_err() || time.as_bytes().get(10) != Some(&b'T')) {
        return None;
    }
    let (host, rest) = word(rest, 255)?;
    let (program, rest) = word(rest, PROGRAM_BYTES_MAX)?;
    let (process, rest) = word(rest, 128)?;
    let (message_id, rest) = word(rest, 32)?;
    let (structured, rest) = structured_data(rest)?;
    let content = match rest {
        "" => "",
        _ => rest.strip_prefix(' ')?,
    };
    // §6.4: the mark only says that the message is UTF-8.
    let content = content.strip_prefix('\u{feff}').unwrap_or(content);
    let [time, host, program, process, message_id, structured] =
        [time, host, program, process, message_id, structured]
            .map(|part| if part == "-" { "" } else { part });
    Some(Line { priority, time, host, program, process, message_id, structured, content })
}

/// `[<PRI>]TIMESTAMP HOSTNAME TAG[PID]: CONTENT` (RFC 3164 §4.1), with a time of that form or of RFC 3339.
///
/// The text that no tag begins is content as a whole. A tag may have any characters but blanks, `[` and `:`, because
/// programs are named that way, and ends as programs write it.
pub(super) fn bsd(text: &str) -> Option<Line<'_>> {
    let (priority, rest) = priority(text)?;
    let (time, rest) = bsd_time(rest).or_else(|| {
        let (time, rest) = word(rest, 64)?;
        Timestamp::parse(time).is_ok().then_some((time, rest))
    })?;
    let (host, rest) = word(rest, 255)?;
    let (program, process, content) = tag(rest).unwrap_or(("", "", rest));
    Some(Line { priority, time, host, program, process, content, ..Line::default() })
}

/// `<0>` to `<191>`, without leading zeros (RFC 5424 §6.2.1); a line may have none.
fn priority(text: &str) -> Option<(Option<u8>, &str)> {
    let Some(rest) = text.strip_prefix('<') else { return Some((None, text)) };
    let (digits, rest) = rest.split_once('>')?;
    let plain = digits == "0" || !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    let priority = digits.parse::<u8>().ok().filter(|priority| plain && *priority <= 191)?;
    Some((Some(priority), rest))
}

/// Visible ASCII up to the next space, and what follows that.
fn word(text: &str, bytes_max: usize) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let fits = matches!(word.len(), 1..)
        && word.len() <= bytes_max
        && word.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some((word, rest))
}

/// `Oct 11 22:14:15 `, the day with a space or (against §4.1.2) a zero before a single digit.
fn bsd_time(text: &str) -> Option<(&str, &str)> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const SHAPE: &[u8; 16] = b"___ _0 00:00:00 ";
    let (time, rest) = text.split_at_checked(SHAPE.len())?;
    let shaped = time.bytes().zip(SHAPE).all(|(found, shape)| match shape {
        b'0' => found.is_ascii_digit(),
        b'_' => true,
        other => found == *other,
    });
    let number = |range: std::ops::Range<usize>| {
        time.get(range).and_then(|digits| digits.trim_start().parse::<u8>().ok())
    };
    let possible = MONTHS.contains(&time.get(..3)?)
        && matches!(number(4..6), Some(1..=31))
        && matches!(number(7..9), Some(0..=23))
        && matches!(number(10..12), Some(0..=59))
        && matches!(number(13..15), Some(0..=60));
    (shaped && possible).then(|| (&time[..15], rest))
}

/// `TAG: CONTENT`, `TAG[PID]: CONTENT` or `TAG[PID] CONTENT`.
fn tag(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find([' ', '[', ':'])?;
    let (program, rest) = text.split_at(end);
    if program.is_empty()
        || program.len() > PROGRAM_BYTES_MAX
        || !program.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return None;
    }
    let (process, rest) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (process, rest) = rest.split_once(']')?;
            let plain = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_graphic());
            plain.then_some((process, rest.strip_prefix(':').unwrap_or(rest)))?
        }
        None => ("", rest.strip_prefix(':')?),
    };
    if rest.is_empty() {
        Some((program, process, ""))
    } else {
        Some((program, process, rest.strip_prefix(' ')?))
    }
}

/// `-` or `[SD-ID NAME="VALUE" …]…` (RFC 5424 §6.3) as it is written, and what follows.
fn structured_data(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(("-", rest));
    }
    let mut rest = text;
    while rest.starts_with('[') {
        rest = element(rest, &mut |_, _, _| ())?;
    }
    let (data, rest) = text.split_at(text.len() - rest.len());
    (!data.is_empty()).then_some((data, rest))
}

/// Walks over one element, and tells of its parameters: SD-ID, name, value as written.
fn element<'s>(text: &'s str, tell: &mut dyn FnMut(&'s str, &'s str, &'s str)) -> Option<&'s str> {
    let (id, mut rest) = sd_name(text.strip_prefix('[')?)?;
    loop {
        if let Some(rest) = rest.strip_prefix(']') {
            return Some(rest);
        }
        let (name, after) = sd_name(rest.strip_prefix(' ')?)?;
        let value = after.strip_prefix("=\"")?;
        let end = value_end(value)?;
        tell(id, name, &value[..end]);
        rest = &value[end + 1..];
    }
}

/// 1 to 32 visible ASCII characters but `=`, `]` and `"` (RFC 5424 §6.3.2).
fn sd_name(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| matches!(byte, b'=' | b']' | b'"') || !byte.is_ascii_graphic())?;
    matches!(end, 1..=32).then(|| text.split_at(end))
}

/// Where the closing quote is: `"`, `\` and `]` inside a value have a `\` before them (RFC 5424 §6.3.3).
fn value_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().enumerate().find_map(|(index, byte)| match byte {
        _ if escaped => {
            escaped = false;
            None
        }
        b'\\' => {
            escaped = true;
            None
        }
        b'"' => Some(Some(index)),
        b']' => Some(None),
        _ => None,
    })?
}

/// One attribute per parameter, `sd.<SD-ID>.<name>`; none if that would lose something.
fn parameters(structured: &str) -> Option<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut lossless = true;
    let mut rest = structured;
    while !rest.is_empty() {
        let before = found.len();
        rest = element(rest, &mut |id, name, value| {
            let key = format!("sd.{id}.{name}");
            // A parameter may come twice, and attributes have no empty values.
            lossless &= !value.is_empty() && !found.iter().any(|(known, _)| *known == key);
            found.push((key, unescaped(value)));
        })?;
        lossless &= found.len() > before;
    }
    (lossless && found.len() <= ATTRIBUTE_COUNT_MAX - OTHER_ATTRIBUTES_MAX).then_some(found)
}

/// A `\` before any other character is itself (RFC 5424 §6.3.3).
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes =
            character == '\\' && characters.peek().is_some_and(|next| matches!(next, '"' | '\\' | ']'));
        text.extend(if escapes { characters.next() } else { Some(character) });
    }
    text
}
