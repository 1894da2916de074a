//! Refusals as problem documents (RFC 9457).

use super::answer::Answer;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use sealog_engine::error::{Error, FieldError};
use serde::Serialize;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its status.
    pub status: StatusCode,
    detail: String,
    field: Option<String>,
    entry: Option<usize>,
    retry_after_s: Option<u32>,
}

#[derive(Serialize)]
struct Document<'p> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<usize>,
}

impl Problem {
    /// A refusal.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), field: None, entry: None, retry_after_s: None }
    }

    /// What does not parse.
    pub fn unread(field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail).at(field)
    }

    /// What parses, and is refused.
    pub fn refused(field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at(field)
    }

    /// What is foreign and what is not there: one answer for both.
    pub fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "there is nothing here that this access may see")
    }

    /// Something that this access may not do.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, detail)
    }

    /// Too much at once.
    pub fn overload(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
    }

    /// The same, about a field.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Problem {
        Problem { field: Some(field.into()), ..self }
    }

    /// The same, about an entry of a batch.
    #[must_use]
    pub fn of_entry(self, entry: usize) -> Problem {
        Problem { entry: Some(entry), ..self }
    }

    /// The same, to be tried again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Problem {
        Problem { retry_after_s: Some(seconds), ..self }
    }

    /// A field that the model does not allow, of an entry.
    pub fn of_field(error: &FieldError) -> Problem {
        Problem::refused(&*error.field, error.to_string())
    }

    /// The document.
    pub fn json(&self) -> Vec<u8> {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Refused"),
            status: self.status.as_u16(),
            detail: &self.detail,
            field: self.field.as_deref(),
            entry: self.entry,
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// As it is sent.
    pub fn answer(&self) -> Answer {
        let mut answer = Answer::bytes(self.status, "application/problem+json", self.json());
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sealog\""));
        }
        answer
    }
}

/// What the engine did not do, by what the caller would do about it.
impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let detail = error.to_string();
        match error {
            Error::Entry { index, source } => Problem::of_field(&source).of_entry(index),
            Error::BatchTooLarge { .. } => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            Error::Conflict { entry: Some(entry), .. } => {
                Problem::new(StatusCode::CONFLICT, detail).at("id").of_entry(entry)
            }
            Error::Conflict { entry: None, .. } => Problem::new(
                StatusCode::CONFLICT,
                "this idempotency key came before with other content; use a new one, or send the same bytes",
            )
            .at("Idempotency-Key"),
            Error::Full { .. } | Error::Limit { .. } => {
                Problem::new(StatusCode::INSUFFICIENT_STORAGE, detail)
            }
            Error::Poisoned { .. } | Error::ChainDamaged { .. } | Error::Damaged { .. } => {
                Problem::overload(detail).retry_after(30)
            }
            Error::Io { .. }
            | Error::Locked { .. }
            | Error::NotAStore { .. }
            | Error::Exists { .. }
            | Error::Version { .. }
            | Error::NotTried
            | Error::Closed => Problem::overload(detail).retry_after(5),
        }
    }
}
