//! What OTLP/HTTP answers: `ExportLogsServiceResponse`, and `google.rpc.Status` for a request that failed.

use crate::ingest::gather::Decoded;
use crate::ingest::problem::Kind;
use serde_json::json;

/// The form of a body, by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

impl Form {
    /// The form that a `Content-Type` names, parameters aside; none for any other, which is answered with 415.
    pub fn of_media_type(content_type: &str) -> Option<Form> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Some(Form::Protobuf),
            "application/json" => Some(Form::Json),
            _ => None,
        }
    }

    /// The media type of the answer: the request's.
    pub const fn media_type(self) -> &'static str {
        match self {
            Form::Protobuf => "application/x-protobuf",
            Form::Json => "application/json",
        }
    }
}

/// The answer to a request whose batch is durable, with status 200: empty if all was taken, else how many records were
/// not and why. A client does not send those again (OTLP, "Partial Success").
pub fn success(form: Form, decoded: &Decoded) -> Vec<u8> {
    if decoded.refused_count == 0 {
        return match form {
            Form::Protobuf => Vec::new(),
            Form::Json => b"{}".to_vec(),
        };
    }
    let message = reasons(decoded);
    match form {
        Form::Protobuf => {
            let mut partial = Vec::new();
            varint(&mut partial, 1 << 3, u64::from(decoded.refused_count));
            bytes(&mut partial, 2 << 3 | 2, message.as_bytes());
            let mut response = Vec::new();
            bytes(&mut response, 1 << 3 | 2, &partial);
            response
        }
        // 64-bit integers are texts in the JSON form.
        Form::Json => json!({"partialSuccess": {
            "rejectedLogRecords": decoded.refused_count.to_string(),
            "errorMessage": message,
        }})
        .to_string()
        .into_bytes(),
    }
}

/// The body of a request that failed with this HTTP status: a `google.rpc.Status`.
pub fn failure(form: Form, status: u16, message: &str) -> Vec<u8> {
    let code = code(status);
    match form {
        Form::Protobuf => {
            let mut body = Vec::new();
            varint(&mut body, 1 << 3, code);
            bytes(&mut body, 2 << 3 | 2, message.as_bytes());
            body
        }
        Form::Json => json!({"code": code, "message": message}).to_string().into_bytes(),
    }
}

/// The status that OTLP clients understand: they send again on 429, 502, 503 and 504 alone, and take any other 4xx for
/// a body that is never taken.
pub const fn status(kind: Kind) -> u16 {
    match kind {
        Kind::Refused => 400,
        other => other.status(),
    }
}

/// google.rpc.Code of an HTTP status.
const fn code(status: u16) -> u64 {
    match status {
        400 | 413 | 415 | 422 => 3,
        401 => 16,
        403 => 7,
        409 => 6,
        429 | 507 => 8,
        503 => 14,
        _ => 13,
    }
}

/// The first reasons, a line each.
fn reasons(decoded: &Decoded) -> String {
    let mut lines: Vec<String> = decoded
        .refused
        .iter()
        .map(|refusal| format!("record {}: {}", refusal.record, refusal.problem))
        .collect();
    let told = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    if decoded.refused_count > told {
        lines.push(format!("and {} more", decoded.refused_count - told));
    }
    lines.join("\n")
}

fn bytes(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    varint(out, tag, value.len() as u64);
    out.extend_from_slice(value);
}

fn varint(out: &mut Vec<u8>, tag: u8, mut value: u64) {
    out.push(tag);
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::gather::Refusal;
    use crate::ingest::problem::Problem;

    #[test]
    fn all_taken_is_an_empty_message() {
        assert_eq!(success(Form::Protobuf, &Decoded::default()), b"");
        assert_eq!(success(Form::Json, &Decoded::default()), b"{}");
    }

    #[test]
    fn what_was_not_taken_is_counted_and_told() {
        let problem = Problem::new(Kind::Refused, "trace_id", "16 bytes", "3");
        let decoded = Decoded {
            refused: vec![Refusal { record: 4, problem }],
            refused_count: 300,
            ..Decoded::default()
        };
        let text = "record 4: trace_id: expected 16 bytes, found 3\nand 299 more";
        let body: serde_json::Value = serde_json::from_slice(&success(Form::Json, &decoded)).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"partialSuccess": {"rejectedLogRecords": "300", "errorMessage": text}})
        );
        let length = |bytes: usize| u8::try_from(bytes).unwrap();
        let inner = [&[0x08, 0xac, 0x02, 0x12, length(text.len())][..], text.as_bytes()].concat();
        let whole = [&[0x0a, length(inner.len())][..], &inner].concat();
        assert_eq!(success(Form::Protobuf, &decoded), whole);
    }

    #[test]
    fn media_types_are_read_without_their_parameters() {
        assert_eq!(Form::of_media_type("application/json; charset=utf-8"), Some(Form::Json));
        assert_eq!(Form::of_media_type("Application/X-Protobuf"), Some(Form::Protobuf));
        assert_eq!(Form::of_media_type("text/plain"), None);
    }
}
