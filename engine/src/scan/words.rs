//! The words of a filter, as people and programs write them: the command line's flags and the server's parameters have
//! the same names, are read by the same functions and mean the same.

use super::{Filter, Log, Text, TimeField};
use crate::model::{FieldError, Severity, Timestamp, Window};

/// What was said of a filter, before `now` is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the word that it is named for; lists are of words given several times"
)]
pub struct Words {
    pub log: Option<Log>,
    pub tenant: Vec<String>,
    pub organization: Vec<String>,
    pub service: Vec<String>,
    pub severity: Vec<Severity>,
    pub min_severity: Option<Severity>,
    pub activity: Vec<String>,
    pub actor_id: Vec<String>,
    pub object_id: Vec<String>,
    pub item: Vec<String>,
    pub request_id: Vec<String>,
    pub configuration_id: Vec<String>,
    pub process: Vec<String>,
    pub success: Vec<bool>,
    pub search: Vec<String>,
    pub last: Option<i64>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub by: Option<TimeField>,
}

/// A word that means nothing, or nothing together with the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct WordError {
    /// The word.
    pub name: &'static str,
    /// What was expected and found.
    pub detail: String,
    /// It reads, and is refused all the same.
    pub is_refused: bool,
}

impl WordError {
    fn unread(name: &'static str, detail: String) -> WordError {
        WordError { name, detail, is_refused: false }
    }

    fn refused(name: &'static str, detail: String) -> WordError {
        WordError { name, detail, is_refused: true }
    }
}

/// All words, as parameters.
pub const NAMES: [&str; 19] = [
    "log",
    "tenant",
    "organization",
    "service",
    "severity",
    "min_severity",
    "activity",
    "actor_id",
    "object_id",
    "item",
    "request_id",
    "configuration_id",
    "process",
    "success",
    "search",
    "last",
    "from",
    "to",
    "by",
];

impl Words {
    /// Takes a word in: `min_severity` and `min-severity` are the same. False if it is none of a filter's.
    ///
    /// # Errors
    /// A value that does not read, or a word given twice that has one value.
    pub fn add(&mut self, name: &str, value: &str) -> Result<bool, WordError> {
        let name = name.replace('-', "_");
        let Some(name) = NAMES.into_iter().find(|known| *known == name) else { return Ok(false) };
        if value.is_empty() {
            return Err(WordError::unread(name, "expected a value, found an empty one".to_owned()));
        }
        let unread = |detail| WordError::unread(name, detail);
        let text = || value.to_owned();
        match name {
            "log" => once(name, &mut self.log, parse_log(value).map_err(unread)?)?,
            "tenant" => self.tenant.push(text()),
            "organization" => self.organization.push(text()),
            "service" => self.service.push(text()),
            "severity" => {
                for part in value.split(',') {
                    self.severity.push(parse_severity(part).map_err(unread)?);
                }
            }
            "min_severity" => {
                // Given twice means either, which is the lesser.
                let least = parse_severity(value).map_err(unread)?;
                self.min_severity = Some(self.min_severity.map_or(least, |before| before.min(least)));
            }
            "activity" => self.activity.push(text()),
            "actor_id" => self.actor_id.push(text()),
            "object_id" => self.object_id.push(text()),
            "item" => self.item.push(text()),
            "request_id" => self.request_id.push(text()),
            "configuration_id" => self.configuration_id.push(text()),
            "process" => self.process.push(text()),
            "success" => self.success.push(parse_success(value).map_err(unread)?),
            "search" => self.search.push(text()),
            "last" => once(name, &mut self.last, parse_stretch(value).map_err(unread)?)?,
            "from" => once(name, &mut self.from, parse_time(value).map_err(unread)?)?,
            "to" => once(name, &mut self.to, parse_time(value).map_err(unread)?)?,
            _ => once(name, &mut self.by, parse_clock(value).map_err(unread)?)?,
        }
        Ok(true)
    }

    /// Names of the words that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let is_given = [
            self.log.is_some(),
            !self.tenant.is_empty(),
            !self.organization.is_empty(),
            !self.service.is_empty(),
            !self.severity.is_empty(),
            self.min_severity.is_some(),
            !self.activity.is_empty(),
            !self.actor_id.is_empty(),
            !self.object_id.is_empty(),
            !self.item.is_empty(),
            !self.request_id.is_empty(),
            !self.configuration_id.is_empty(),
            !self.process.is_empty(),
            !self.success.is_empty(),
            !self.search.is_empty(),
            self.last.is_some(),
            self.from.is_some(),
            self.to.is_some(),
            self.by.is_some(),
        ];
        NAMES.into_iter().zip(is_given).filter_map(|(name, is_given)| is_given.then_some(name)).collect()
    }

    /// What they ask for together. `now` is what `last` counts back from.
    ///
    /// # Errors
    /// Words that contradict one another, and texts that are too long to be looked for.
    pub fn filter(self, now: Timestamp) -> Result<Filter, WordError> {
        let texts = |name, values: &[String]| -> Result<Vec<Text>, WordError> {
            let text = |value: &String| Text::new(value);
            let all: Result<_, _> = values.iter().map(text).collect();
            all.map_err(|error| WordError::refused(name, error.to_string()))
        };
        let (items, searches) = (texts("item", &self.item)?, texts("search", &self.search)?);
        let window = self.window(now)?;
        Ok(Filter {
            log: self.log.unwrap_or_default(),
            severities: self.severities(),
            tenants: self.tenant,
            organizations: self.organization,
            services: self.service,
            activities: self.activity,
            actor_ids: self.actor_id,
            object_ids: self.object_id,
            items,
            request_ids: self.request_id,
            configuration_ids: self.configuration_id,
            processes: self.process,
            successes: self.success,
            searches,
            window,
            by: self.by.unwrap_or_default(),
        })
    }

    /// The classes that are asked for, if not all.
    pub fn severities(&self) -> Option<Vec<Severity>> {
        let named = (!self.severity.is_empty()).then(|| self.severity.clone());
        let Some(least) = self.min_severity else { return named };
        // Different filters mean both, so this may leave none.
        let among = named.unwrap_or_else(|| Severity::ALL.to_vec());
        Some(among.into_iter().filter(|severity| *severity >= least).collect())
    }

    /// The stretch of time that is asked for.
    ///
    /// # Errors
    /// One that ends before it begins, or is said in two ways.
    pub fn window(&self, now: Timestamp) -> Result<Window, WordError> {
        if self.last.is_some() && (self.from.is_some() || self.to.is_some()) {
            let detail = "expected either last, or from and to, found both".to_owned();
            return Err(WordError::refused("last", detail));
        }
        let from = self.last.map(|stretch| now.saturating_add(-stretch)).or(self.from);
        if let (Some(from), Some(to)) = (from, self.to)
            && from > to
        {
            let detail = format!("expected a time that is not after to, {to}, found {from}");
            return Err(WordError::refused("from", detail));
        }
        Ok(Window { from, to: self.to })
    }
}

fn once<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), WordError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(WordError::unread(name, "expected it once, found it twice".to_owned())),
    }
}

/// Which of the logs.
///
/// # Errors
/// What is accepted.
pub fn parse_log(text: &str) -> Result<Log, String> {
    match text {
        "audit" => Ok(Log::Audit),
        "process" => Ok(Log::Process),
        "customer" => Ok(Log::Customer),
        "all" => Ok(Log::All),
        _ => Err(format!("expected one of audit, process, customer, all, found {}", FieldError::quote(text))),
    }
}

/// A severity, by name or alias.
///
/// # Errors
/// What is accepted.
pub fn parse_severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text)
        .ok_or_else(|| format!("expected {}, found {}", Severity::EXPECTED, FieldError::quote(text)))
}

/// Whether something succeeded.
///
/// # Errors
/// What is accepted.
pub fn parse_success(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("expected true or false, found {}", FieldError::quote(text)))
}

/// Which of an entry's times.
///
/// # Errors
/// What is accepted.
pub fn parse_clock(text: &str) -> Result<TimeField, String> {
    match text {
        "logged_at" => Ok(TimeField::LoggedAt),
        "generated_at" => Ok(TimeField::GeneratedAt),
        _ => Err(format!("expected logged_at or generated_at, found {}", FieldError::quote(text))),
    }
}

/// A stretch back from now, in nanoseconds: `15m`, `2h`, `3d`, `1w`, `30s`.
///
/// # Errors
/// What is accepted.
pub fn parse_stretch(text: &str) -> Result<i64, String> {
    let expected = || {
        format!(
            "expected a number and a unit of s, m, h, d or w, such as 15m or 7d, found {}",
            FieldError::quote(text)
        )
    };
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(expected()),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(expected());
    }
    let count: i64 = digits.parse().map_err(|_| expected())?;
    count
        .checked_mul(seconds)
        .and_then(|seconds| seconds.checked_mul(1_000_000_000))
        .filter(|nanos| *nanos > 0)
        .ok_or_else(|| format!("expected a stretch of 1s to 290 years, found {}", FieldError::quote(text)))
}

/// An RFC 3339 time, or a date, which is its midnight in UTC.
///
/// # Errors
/// What is accepted.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    let is_date = text.len() == 10 && !text.contains(['T', 't', ' ']);
    let whole = if is_date { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&whole).map_err(|_| {
        format!(
            "expected a time such as 2026-11-21T14:05:06Z or a date such as 2026-11-21, found {}",
            FieldError::quote(text)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches() {
        assert_eq!(parse_stretch("15m"), Ok(900_000_000_000));
        assert_eq!(parse_stretch("1w"), Ok(604_800_000_000_000));
        for bad in ["", "m", "15", "15 m", "-1h", "1y", "1.5h", "0d", "99999999999w", "١m"] {
            assert!(parse_stretch(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bare_date_is_midnight_utc() {
        assert_eq!(parse_time("2026-11-21"), Ok(Timestamp::parse("2026-11-21T00:00:00Z").unwrap()));
        assert!(parse_time("2026-11-31").is_err());
        assert!(parse_time("").is_err());
        assert!(parse_time("21.11.2026").is_err());
    }

    #[test]
    fn words_mean_the_same_with_either_hyphen() {
        let mut words = Words::default();
        for (name, value) in [
            ("min-severity", "error"),
            ("min_severity", "WARN"),
            ("severity", "info,error"),
            ("tenant", "a,b"),
        ] {
            assert_eq!(words.add(name, value), Ok(true), "{name}");
        }
        assert_eq!(words.add("limit", "5"), Ok(false));
        assert_eq!(words.given(), ["tenant", "severity", "min_severity"]);
        let filter = words.filter(Timestamp::from_nanos(0)).unwrap();
        assert_eq!(filter.severities, Some(vec![Severity::Error]));
        assert_eq!(filter.tenants, ["a,b"]);
    }

    #[test]
    fn what_does_not_read_and_what_contradicts_is_told_apart() {
        for (name, bad) in [
            ("log", "both"),
            ("severity", "info,"),
            ("success", "yes"),
            ("last", "1y"),
            ("from", "yesterday"),
            ("by", "time"),
            ("tenant", ""),
        ] {
            let error = Words::default().add(name, bad).unwrap_err();
            assert_eq!((error.name, error.is_refused), (name, false), "{error}");
        }
        let mut words = Words::default();
        words.add("from", "2026-11-21").unwrap();
        assert!(words.add("from", "2026-11-22").is_err());
        let mut words = Words::default();
        words.add("from", "2026-11-22").unwrap();
        words.add("to", "2026-11-21").unwrap();
        assert!(words.filter(Timestamp::from_nanos(0)).unwrap_err().is_refused);
        let mut words = Words::default();
        words.add("to", "2026-11-22").unwrap();
        words.add("last", "1d").unwrap();
        assert!(words.filter(Timestamp::from_nanos(0)).unwrap_err().is_refused);
    }
}
