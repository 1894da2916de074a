//! What is wrong with a body or with one record of it: where, what was expected and found, and what to do.

use sealog_engine::error::Error;
use sealog_engine::model::FieldError;
use std::borrow::Cow;
use std::fmt;

/// What a sender would do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The bytes are not what the protocol says: the program that wrote them is mended.
    Malformed,
    /// They are, and say what no entry can hold: the record is mended.
    Refused,
    /// They name what the key may not write.
    Forbidden,
    /// More than one request may hold: it is sent in smaller ones.
    TooLarge,
    /// The ID came before with other content.
    Conflict,
}

impl Kind {
    /// The status of an HTTP answer that is about this alone.
    pub const fn status(self) -> u16 {
        match self {
            Kind::Malformed => 400,
            Kind::Refused => 422,
            Kind::Forbidden => 403,
            Kind::TooLarge => 413,
            Kind::Conflict => 409,
        }
    }
}

/// Why a body, or a record of it, is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the sender would do about it.
    pub kind: Kind,
    /// Where: a path of fields, such as `resource_logs[0].scope_logs[0].log_records[7].body`.
    pub place: String,
    /// Offset in the body, if it is known.
    pub byte: Option<usize>,
    /// What was expected there.
    pub expected: Cow<'static, str>,
    /// What was found, escaped and cut short.
    pub found: String,
    /// What to do, if it is more than to mend it.
    pub advice: Cow<'static, str>,
}

impl Problem {
    /// A problem at `place`.
    pub fn new(
        kind: Kind,
        place: impl Into<String>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
    ) -> Problem {
        Problem {
            kind,
            place: place.into(),
            byte: None,
            expected: expected.into(),
            found: found.into(),
            advice: Cow::Borrowed(""),
        }
    }

    /// The problem, with what to do about it.
    pub fn advise(mut self, advice: impl Into<Cow<'static, str>>) -> Problem {
        self.advice = advice.into();
        self
    }

    /// The problem, at this offset of the body.
    pub fn at_byte(mut self, byte: usize) -> Problem {
        self.byte = Some(byte);
        self
    }

    /// The problem, with the field that its place lies in.
    pub(crate) fn within(mut self, field: impl fmt::Display) -> Problem {
        self.place = match self.place.as_str() {
            "" => field.to_string(),
            place if place.starts_with('[') => format!("{field}{place}"),
            place => format!("{field}.{place}"),
        };
        self
    }

    /// A field of the entry that breaks a rule of the model; `place` is where its value came from.
    pub(crate) fn from_field(error: FieldError, place: impl Into<String>) -> Problem {
        Problem::new(Kind::Refused, place, error.expected, error.found)
    }

    /// What the engine says of an entry or batch that a decoder pushed.
    pub(crate) fn from_engine(error: Error) -> Problem {
        match error {
            Error::Entry { source, .. } => {
                let place = source.field.clone().into_owned();
                Problem::from_field(source, place)
            }
            Error::BatchTooLarge { bytes, bytes_max } => Problem::new(
                Kind::TooLarge,
                "body",
                format!("entries of at most {bytes_max} bytes in all when encoded"),
                format!("{bytes}"),
            )
            .advise("send fewer records in a request"),
            other => Problem::new(Kind::Refused, "", "an entry that the log takes", other.to_string()),
        }
    }

    /// An ID that came before with other content.
    pub fn conflict(place: impl Into<String>) -> Problem {
        Problem::new(
            Kind::Conflict,
            place,
            "an ID that is new, or the content that came with it before",
            "other content",
        )
        .advise("use a new ID: what is logged is not changed")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place.as_str(), self.byte) {
            ("", None) => f.write_str("body")?,
            ("", Some(byte)) => write!(f, "byte {byte}")?,
            (place, None) => f.write_str(place)?,
            (place, Some(byte)) => write!(f, "{place} (byte {byte})")?,
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_what_and_what_to_do() {
        let problem = Problem::new(Kind::Refused, "trace_id", "16 bytes", "3 bytes")
            .at_byte(77)
            .within("log_records[2]")
            .within("scope_logs[0]")
            .advise("send all of it");
        assert_eq!(
            problem.to_string(),
            "scope_logs[0].log_records[2].trace_id (byte 77): expected 16 bytes, found 3 bytes; send all of it"
        );
        let outermost = Problem::new(Kind::Malformed, "", "a tag", "the end").at_byte(3);
        assert_eq!(outermost.to_string(), "byte 3: expected a tag, found the end");
    }
}
