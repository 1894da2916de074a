//! The parts of a syslog message, as they are written there.
//!
//! Each form may come without its PRI, as files have it. A message that keeps to neither form is content as a whole.

use super::stamp::Stamp;
use super::structured;
use sealog_engine::model::{Severity, Timestamp};

/// RFC 5424 §6.2.5.
const PROGRAM_BYTES_MAX: usize = 48;

/// The parts of a message; what is absent is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line<'s> {
    /// The number in `<…>`, 0 to 191.
    pub priority: Option<u8>,
    /// The time, as it is written.
    pub time: &'s str,
    /// What the time says, if it is not of RFC 3339.
    pub stamp: Option<Stamp>,
    /// HOSTNAME.
    pub host: &'s str,
    /// APP-NAME, or the name in the TAG.
    pub program: &'s str,
    /// PROCID, or the number in the TAG.
    pub process: &'s str,
    /// MSGID.
    pub message_id: &'s str,
    /// STRUCTURED-DATA, as it is written.
    pub structured: &'s str,
    /// MSG without its byte order mark, or CONTENT.
    pub content: &'s str,
}

impl<'s> Line<'s> {
    /// Reads a message in whichever form it is.
    pub fn read(text: &'s str) -> Line<'s> {
        Line::rfc5424(text)
            .or_else(|| Line::bsd(text))
            .or_else(|| Line::without_time(text))
            .unwrap_or_else(|| Line { content: text, ..Line::default() })
    }

    /// `[<PRI>]1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD [MSG]` (RFC 5424 §6).
    ///
    /// More than six digits of a second are read too, because senders write them.
    pub fn rfc5424(text: &'s str) -> Option<Line<'s>> {
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
        let (structured, rest) = structured::split(rest)?;
        let content = match rest {
            "" => "",
            _ => rest.strip_prefix(' ')?,
        };
        // §6.4: the mark only says that the message is UTF-8.
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        let [time, host, program, process, message_id, structured] =
            [time, host, program, process, message_id, structured]
                .map(|part| if part == "-" { "" } else { part });
        Some(Line { priority, time, stamp: None, host, program, process, message_id, structured, content })
    }

    /// `[<PRI>]TIMESTAMP [HOSTNAME] TAG[PID]: CONTENT` (RFC 3164 §4.1), with a time of that form or of RFC 3339.
    ///
    /// The text that no tag begins is content as a whole. A tag may have any characters but blanks, `[` and `:`, because
    /// programs are named that way, and ends as programs write it. Programs that write to a socket of their own machine
    /// leave the host out.
    pub fn bsd(text: &'s str) -> Option<Line<'s>> {
        let (priority, rest) = priority(text)?;
        let (time, stamp, rest) = match Stamp::read(rest) {
            Some((time, stamp, rest)) => (time, Some(stamp), rest),
            None => {
                let (time, rest) = word(rest, 64)?;
                Timestamp::parse(time).ok()?;
                (time, None, rest)
            }
        };
        let (first, after) = word(rest, 255)?;
        let (host, rest) = if is_tag(first) { ("", rest) } else { (first, after) };
        let (program, process, content) = tag(rest).unwrap_or(("", "", rest));
        Some(Line { priority, time, stamp, host, program, process, content, ..Line::default() })
    }

    /// `<PRI>CONTENT` (RFC 3164 §4.3.3), where a tag is told by its colon.
    fn without_time(text: &'s str) -> Option<Line<'s>> {
        let (priority, content) = priority(text)?;
        priority?;
        let first = content.split(' ').next().unwrap_or_default();
        let (program, process, content) = match tag(content) {
            Some(parts) if is_tag(first) => parts,
            _ => ("", "", content),
        };
        Some(Line { priority, program, process, content, ..Line::default() })
    }
}

/// The name of a priority's facility: RFC 5424 §6.2.1, table 1; local use 0 to 7 are 16 to 23.
pub fn facility(priority: u8) -> &'static str {
    const NAMES: [&str; 24] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
        "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5",
        "local6", "local7",
    ];
    NAMES.get(usize::from(priority >> 3)).copied().unwrap_or_default()
}

/// RFC 5424 §6.2.1, table 2, in the classes of the record model; the number stays in the priority.
pub fn severity(priority: u8) -> Severity {
    match priority & 7 {
        0..=2 => Severity::Fatal,
        3 => Severity::Error,
        4 => Severity::Warning,
        5 | 6 => Severity::Information,
        _ => Severity::Debug,
    }
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

/// Whether a word can only be a tag: a name with a letter, and `:` or `[number]:` behind it. An address is none.
fn is_tag(word: &str) -> bool {
    let Some(name) = word.strip_suffix(':') else { return false };
    let name = name.strip_suffix(']').and_then(|rest| rest.split_once('[')).map_or(name, |(name, _)| name);
    !name.contains(':') && name.bytes().any(|byte| byte.is_ascii_alphabetic())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> [&str; 7] {
        let line = Line::read(text);
        [line.time, line.host, line.program, line.process, line.message_id, line.structured, line.content]
    }

    #[test]
    fn both_forms_are_read_as_senders_write_them() {
        for (text, expected) in [
            // RFC 5424 §6.5, examples 1, 2 and 4.
            (
                "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed",
                [
                    "2003-10-11T22:14:15.003Z",
                    "mymachine.example.com",
                    "su",
                    "",
                    "ID47",
                    "",
                    "'su root' failed",
                ],
            ),
            (
                "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time",
                ["2003-08-24T05:14:15.000003-07:00", "192.0.2.1", "myproc", "8710", "", "", "%% It's time"],
            ),
            ("<165>1 - - - - - [a@1 b=\"c\\]\"][d@2]", ["", "", "", "", "", "[a@1 b=\"c\\]\"][d@2]", ""]),
            // RFC 3164 §5.4, example 1.
            (
                "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
                ["Oct 11 22:14:15", "mymachine", "su", "", "", "", "'su root' failed"],
            ),
            (
                "<38>Nov  2 04:05:06 h sshd[17]: Accepted",
                ["Nov  2 04:05:06", "h", "sshd", "17", "", "", "Accepted"],
            ),
            // No host, as programs write to their own machine.
            (
                "<38>Nov  2 04:05:06 sshd[17]: Accepted",
                ["Nov  2 04:05:06", "", "sshd", "17", "", "", "Accepted"],
            ),
            // A year, fractions, an RFC 3339 time.
            (
                "<166>Nov 22 2026 14:59:51 fw01 : %ASA-6-302013: Built",
                ["Nov 22 2026 14:59:51", "fw01", "", "", "", "", ": %ASA-6-302013: Built"],
            ),
            ("<13>Nov 22 14:59:51.123 h a: b", ["Nov 22 14:59:51.123", "h", "a", "", "", "", "b"]),
            (
                "<13>2026-11-22T14:59:51+01:00 h a[1]: b",
                ["2026-11-22T14:59:51+01:00", "h", "a", "1", "", "", "b"],
            ),
            // Neither time nor host (§4.3.3), and an address that is no tag.
            ("<13>su: failed", ["", "", "su", "", "", "", "failed"]),
            ("<13>no tag here", ["", "", "", "", "", "", "no tag here"]),
            ("<38>Nov  2 04:05:06 fe80::1: x", ["Nov  2 04:05:06", "fe80::1:", "", "", "", "", "x"]),
            (
                "<189>123: *Mar  1 18:46:11: %SYS-5-CONFIG_I: x",
                ["", "", "", "", "", "", "123: *Mar  1 18:46:11: %SYS-5-CONFIG_I: x"],
            ),
            ("<999>x", ["", "", "", "", "", "", "<999>x"]),
            ("", [""; 7]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn priorities_are_those_of_the_tables() {
        assert_eq!((facility(34), severity(34)), ("auth", Severity::Fatal));
        assert_eq!((facility(191), severity(191)), ("local7", Severity::Debug));
        assert_eq!((facility(0), severity(4)), ("kern", Severity::Warning));
        assert_eq!(Line::read("<007>x").priority, None);
    }
}
