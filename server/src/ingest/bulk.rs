//! Elasticsearch's bulk API: pairs of lines, an action and its document, and an answer that tells of each item by itself.
//!
//! `index` and `create` append; `update` and `delete` are refused, because what is logged is not changed. The index is
//! the service. An item's `_id` is the entry's idempotency ID: sent again, it is stored once.

mod action;
mod document;
mod handshake;
mod response;

pub use handshake::{Answer, PRODUCT_HEADER, handshake};
pub use response::failure;

use crate::ingest::context::Context;
use crate::ingest::gather::{Decoded, Gather};
use crate::ingest::problem::{Kind, Problem};
use action::Action;
use sealog_engine::limits::NAME_BYTES_MAX;
use sealog_engine::model::Entry;
use std::borrow::Cow;

/// A bulk request, decoded.
#[derive(Clone, Debug)]
pub struct Bulk<'a> {
    /// What is to be appended, and what is not; a record is an item.
    pub decoded: Decoded,
    items: Vec<Action<'a>>,
}

/// Decodes the body of a `POST /_bulk`, or of a `POST /{index}/_bulk`, already decompressed.
///
/// # Errors
/// A line that should be an action is none, the last line does not end, or there is more than one request may hold:
/// then nothing is to be appended.
pub fn decode<'a>(
    body: &'a [u8],
    default_index: Option<&'a str>,
    context: Context<'_>,
) -> Result<Bulk<'a>, Problem> {
    let mut gather = Gather::new(context, body.len(), true);
    let mut items = Vec::new();
    let mut lines = Lines { body, at: 0 };
    while let Some((at, line)) = lines.next()? {
        let is_blank = line.iter().all(u8::is_ascii_whitespace);
        if is_blank {
            continue;
        }
        let item = items.len();
        let mut action = Action::parse(line)
            .map_err(|problem| problem.at_byte(at).within(format_args!("items[{item}].action")))?;
        if action.index.is_empty()
            && let Some(index) = default_index
        {
            action.index = Cow::Borrowed(index);
        }
        let record = gather.begin()?;
        let document = if action.has_document() {
            let (at, document) = lines.next()?.ok_or_else(|| {
                let place = format!("items[{item}].document");
                Problem::new(Kind::Malformed, place, "a line with the document of the action", "the end")
                    .at_byte(body.len())
            })?;
            Some((at, document))
        } else {
            None
        };
        match (record, document) {
            (Some(record), Some((at, document))) if action.is_append() => {
                match read(&action, document, &gather.context) {
                    Ok(mut entry) => gather.push(record, &mut entry)?,
                    Err(problem) => gather.refuse(record, problem.at_byte(at)),
                }
            }
            (Some(record), _) => gather.refuse(record, action.refusal()),
            (None, _) => {}
        }
        items.push(action);
    }
    Ok(Bulk { decoded: gather.finish(), items })
}

fn read<'e>(action: &Action<'e>, document: &'e [u8], context: &Context<'e>) -> Result<Entry<'e>, Problem> {
    let mut entry = document::read(document, context)?;
    let (service, written) = context.service(Some(action.index.clone()), "_index")?;
    entry.service = service;
    if let Some(written) = written {
        entry.attributes.push((Cow::Borrowed("elasticsearch.index"), written));
    }
    if action.id.len() > NAME_BYTES_MAX {
        let found = format!("{} bytes", action.id.len());
        return Err(Problem::new(Kind::Refused, "_id", format!("at most {NAME_BYTES_MAX} bytes"), found));
    }
    entry.id = action.id.clone();
    Ok(entry)
}

/// The lines of a body, each with its offset; a line ends with `\n` or `\r\n`.
struct Lines<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<Option<(usize, &'a [u8])>, Problem> {
        let (start, rest) = (self.at, &self.body[self.at..]);
        if rest.is_empty() {
            return Ok(None);
        }
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return Err(Problem::new(
                Kind::Malformed,
                "",
                "a line break at the end of the last line",
                "none",
            )
            .at_byte(self.body.len())
            .advise("the body may have been cut short: send it again, whole"));
        };
        self.at += end + 1;
        let line = &rest[..end];
        Ok(Some((start, line.strip_suffix(b"\r").unwrap_or(line))))
    }
}
