//! What a line of auth.log or of a proxy's access log plainly states: who, from where, about what, and how it ended.
//!
//! Only fixed phrases of OpenSSH, PAM, systemd-logind and sudo, and the access log format of Squid
//! (wiki.squid-cache.org/Features/LogFormat, "squid"). A line that none of them reads states nothing.

/// The parts of a text that say something, as they are written there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement<'s> {
    /// The words that say what happened.
    pub(super) activity: &'s str,
    pub(super) user: &'s str,
    pub(super) address: &'s str,
    pub(super) object: &'s str,
    pub(super) success: Option<bool>,
}

/// Reads the message of a program, without what syslog puts before it.
pub(super) fn auth(text: &str) -> Option<Statement<'_>> {
    sshd(text).or_else(|| pam(text)).or_else(|| logind(text)).or_else(|| sudo(text))
}

/// Reads `time elapsed client action/status bytes method URL user hierarchy/peer type`.
pub(super) fn proxy(text: &str) -> Option<Statement<'_>> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_time, elapsed, address, result, bytes, activity, object, user, peer, _type, ..] = *words else {
        return None;
    };
    let (_, status) = result.split_once('/')?;
    let shape = is_number(elapsed)
        && is_number(bytes)
        && status.len() == 3
        && is_number(status)
        && peer.contains('/');
    if !shape {
        return None;
    }
    // Status 000: the client went away before there was an answer.
    let success = (status != "000").then(|| status < "400");
    let user = if user == "-" { "" } else { user };
    Some(Statement { activity, user, address, object, success })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `Accepted publickey for dave from 10.0.0.1 port 4022 ssh2: …`, and how else a connection begins and ends.
fn sshd(text: &str) -> Option<Statement<'_>> {
    let mut words = text.split(' ');
    match words.next()? {
        first @ ("Accepted" | "Failed") => {
            let method = words.next()?;
            let mut user = expect(&mut words, "for").and_then(|()| words.next())?;
            if user == "invalid" {
                user = expect(&mut words, "user").and_then(|()| words.next())?;
            }
            let address = expect(&mut words, "from").and_then(|()| words.next())?;
            let activity = &text[..first.len() + 1 + method.len()];
            Some(Statement {
                activity,
                user,
                address,
                success: Some(first == "Accepted"),
                ..Statement::default()
            })
        }
        "Invalid" => {
            let user = expect(&mut words, "user").and_then(|()| words.next())?;
            let address = expect(&mut words, "from").and_then(|()| words.next())?;
            let activity = &text[.."Invalid user".len()];
            Some(Statement { activity, user, address, success: Some(false), ..Statement::default() })
        }
        "Received" => {
            expect(&mut words, "disconnect").and_then(|()| expect(&mut words, "from"))?;
            let activity = &text[.."Received disconnect".len()];
            Some(Statement { activity, address: words.next()?, ..Statement::default() })
        }
        activity @ "Disconnected" => {
            expect(&mut words, "from").and_then(|()| expect(&mut words, "user"))?;
            Some(Statement { activity, user: words.next()?, address: words.next()?, ..Statement::default() })
        }
        _ => None,
    }
}

fn expect<'s>(words: &mut impl Iterator<Item = &'s str>, word: &str) -> Option<()> {
    (words.next()? == word).then_some(())
}

/// `pam_unix(sshd:session): session opened for user dave(uid=1000) by (uid=0)`, and refusals.
fn pam(text: &str) -> Option<Statement<'_>> {
    let (module, said) = text.split_once(": ")?;
    let kind = module.strip_prefix("pam_")?.strip_suffix(')')?.rsplit_once(':')?.1;
    match kind {
        "session" => {
            let (activity, rest) = ["session opened", "session closed"]
                .iter()
                .find_map(|activity| Some((*activity, said.strip_prefix(activity)?)))?;
            let activity = &said[..activity.len()];
            let user = rest.strip_prefix(" for user ")?.split(['(', ' ']).next()?;
            Some(Statement { activity, user, ..Statement::default() })
        }
        "auth" => {
            let (activity, fields) = said.split_once(';')?;
            let field = |name: &str| {
                let pair = fields.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
                pair.unwrap_or_default()
            };
            let success = (activity == "authentication failure").then_some(false);
            Some(Statement {
                activity,
                user: field("user"),
                address: field("rhost"),
                success,
                ..Statement::default()
            })
        }
        _ => None,
    }
}

/// `New session 5763 of user dave.`, `Session 5762 logged out. …`, `Removed session 5762.`
fn logind(text: &str) -> Option<Statement<'_>> {
    let words: Vec<&str> = text.trim_end_matches('.').splitn(6, ' ').collect();
    match *words {
        [activity @ ("New" | "Removed"), "session", object, ref rest @ ..] if is_number(object) => {
            let user = match *rest {
                ["of", "user", user] => user,
                _ => "",
            };
            let activity = &text[..activity.len() + " session".len()];
            Some(Statement { activity, user, object, ..Statement::default() })
        }
        ["Session", object, "logged", "out." | "out", ..] if is_number(object) => {
            let start = "Session ".len() + object.len() + 1;
            let activity = &text[start..start + "logged out".len()];
            Some(Statement { activity, object, ..Statement::default() })
        }
        _ => None,
    }
}

/// `dave : TTY=pts/0 ; PWD=/home/dave ; USER=root ; COMMAND=/usr/bin/id`
fn sudo(text: &str) -> Option<Statement<'_>> {
    let (user, rest) = text.trim_start().split_once(" : ")?;
    let at = rest.find("COMMAND=")?;
    if user.contains(' ') || !rest.contains("USER=") {
        return None;
    }
    let object = &rest[at + "COMMAND=".len()..];
    Some(Statement { activity: &rest[at..at + "COMMAND".len()], user, object, ..Statement::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(
        activity: &'static str,
        user: &'static str,
        address: &'static str,
        object: &'static str,
    ) -> Statement<'static> {
        Statement { activity, user, address, object, success: None }
    }

    #[test]
    fn auth_lines_state_what_they_say() {
        let cases = [
            (
                "Accepted publickey for dave from 192.168.4.245 port 48630 ssh2: ED25519 SHA256:x",
                Statement { success: Some(true), ..all("Accepted publickey", "dave", "192.168.4.245", "") },
            ),
            (
                "Failed password for invalid user admin from ::1 port 2 ssh2",
                Statement { success: Some(false), ..all("Failed password", "admin", "::1", "") },
            ),
            (
                "Invalid user admin from 10.0.0.1 port 1",
                Statement { success: Some(false), ..all("Invalid user", "admin", "10.0.0.1", "") },
            ),
            (
                "Received disconnect from 10.0.0.1 port 49057:11: disconnected by user",
                all("Received disconnect", "", "10.0.0.1", ""),
            ),
            ("Disconnected from user dave 10.0.0.1 port 49057", all("Disconnected", "dave", "10.0.0.1", "")),
            (
                "pam_unix(sshd:session): session opened for user dave(uid=1000) by (uid=0)",
                all("session opened", "dave", "", ""),
            ),
            ("pam_unix(cron:session): session closed for user root", all("session closed", "root", "", "")),
            (
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 ruser= rhost=10.0.0.1  user=dave",
                Statement { success: Some(false), ..all("authentication failure", "dave", "10.0.0.1", "") },
            ),
            ("New session 5763 of user dave.", all("New session", "dave", "", "5763")),
            ("Session 5762 logged out. Waiting for processes to exit.", all("logged out", "", "", "5762")),
            ("Removed session 5762.", all("Removed session", "", "", "5762")),
            (
                "    dave : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id -u",
                all("COMMAND", "dave", "", "/usr/bin/id -u"),
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(auth(text), Some(wanted), "{text}");
        }
        for text in [
            "",
            "Accepted",
            "Server listening on 0.0.0.0 port 22.",
            "Failed to start",
            "Session x logged out",
        ] {
            assert_eq!(auth(text), None, "{text}");
        }
    }

    #[test]
    fn proxy_lines_state_what_they_say() {
        let line =
            "1780968025.004    715 192.168.4.238 TCP_MISS/200 21 GET https://a.b/c?d - DIRECT/a.b text/html";
        let wanted = Statement { success: Some(true), ..all("GET", "", "192.168.4.238", "https://a.b/c?d") };
        assert_eq!(proxy(line), Some(wanted));
        let line = "1.0 7 10.0.0.1 TCP_DENIED/407 0 CONNECT a.b:443 dave NONE/- -";
        let wanted = Statement { success: Some(false), ..all("CONNECT", "dave", "10.0.0.1", "a.b:443") };
        assert_eq!(proxy(line), Some(wanted));
        assert_eq!(proxy("1.0 7 10.0.0.1 TCP_MISS_ABORTED/000 0 GET x - DIRECT/a -").unwrap().success, None);
        assert_eq!(proxy("Jun  9 01:24:41 host sshd[1]: a b c d e f"), None);
    }
}
