//! Which column holds which field of the record, and how records become columns.
//!
//! A column that no row has a value in is left out. Tenant, service and `tenant_seq` need none: the places, the footer
//! and the tenant table say them. A record that would not come back byte for byte is kept whole, in `verbatim`.

use super::attributes;
use super::places::Run;
use crate::format::column::Effort;
use crate::format::column::bytes;
use crate::format::column::packed;
use crate::format::column::text;
use crate::format::column::times;
use crate::format::record;
use crate::format::record::Record;
use crate::model::Entry;
use bincode::{Decode, Encode};
use std::borrow::Cow;

/// A field that is kept as a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[expect(missing_docs, reason = "each is the field of the record that it is named for")]
pub enum Field {
    Kind,
    Severity,
    Success,
    ProcessEvent,
    ArtifactHeld,
    GeneratedAt,
    Started,
    Finished,
    ArtifactSize,
    Id,
    LoggedBy,
    Organization,
    Activity,
    ActorType,
    ActorId,
    ActorName,
    OnBehalfOf,
    ObjectId,
    ObjectName,
    RequestId,
    ConfigurationId,
    Message,
    ProcessId,
    ProcessParent,
    ArtifactName,
    ArtifactMediaType,
    Attributes,
    ArtifactSha256,
    Control,
    Verbatim,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Small numbers; 0 for an absent one.
    Numbers,
    /// 64-bit integers that may be absent: times, and sizes by their bits.
    Times,
    /// Texts that may be absent.
    Texts,
    /// Byte strings that may be absent.
    Bytes,
}

/// Texts, in the order of their columns.
const TEXTS: [Field; 18] = [
    Field::Id,
    Field::LoggedBy,
    Field::Organization,
    Field::Activity,
    Field::ActorType,
    Field::ActorId,
    Field::ActorName,
    Field::OnBehalfOf,
    Field::ObjectId,
    Field::ObjectName,
    Field::RequestId,
    Field::ConfigurationId,
    Field::Message,
    Field::ProcessId,
    Field::ProcessParent,
    Field::ArtifactName,
    Field::ArtifactMediaType,
    Field::Attributes,
];

impl Field {
    /// All fields, in the order of their columns.
    pub const ALL: [Field; 30] = [
        Field::Kind,
        Field::Severity,
        Field::Success,
        Field::ProcessEvent,
        Field::ArtifactHeld,
        Field::GeneratedAt,
        Field::Started,
        Field::Finished,
        Field::ArtifactSize,
        Field::Id,
        Field::LoggedBy,
        Field::Organization,
        Field::Activity,
        Field::ActorType,
        Field::ActorId,
        Field::ActorName,
        Field::OnBehalfOf,
        Field::ObjectId,
        Field::ObjectName,
        Field::RequestId,
        Field::ConfigurationId,
        Field::Message,
        Field::ProcessId,
        Field::ProcessParent,
        Field::ArtifactName,
        Field::ArtifactMediaType,
        Field::Attributes,
        Field::ArtifactSha256,
        Field::Control,
        Field::Verbatim,
    ];

    /// Its number among [`Field::ALL`].
    pub fn number(self) -> usize {
        self as usize
    }

    /// What its values are.
    pub fn shape(self) -> Shape {
        match self {
            Field::Kind | Field::Severity | Field::Success | Field::ProcessEvent | Field::ArtifactHeld => {
                Shape::Numbers
            }
            Field::GeneratedAt | Field::Started | Field::Finished | Field::ArtifactSize => Shape::Times,
            Field::ArtifactSha256 | Field::Control | Field::Verbatim => Shape::Bytes,
            _ => Shape::Texts,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Field::Kind => "kind",
            Field::Severity => "severity",
            Field::Success => "success",
            Field::ProcessEvent => "process.event",
            Field::ArtifactHeld => "artifact held",
            Field::GeneratedAt => "generated_at",
            Field::Started => "started",
            Field::Finished => "finished",
            Field::ArtifactSize => "artifact.size",
            Field::Id => "id",
            Field::LoggedBy => "logged_by",
            Field::Organization => "organization",
            Field::Activity => "activity",
            Field::ActorType => "actor.type",
            Field::ActorId => "actor.id",
            Field::ActorName => "actor.name",
            Field::OnBehalfOf => "on_behalf_of",
            Field::ObjectId => "object.id",
            Field::ObjectName => "object.name",
            Field::RequestId => "request_id",
            Field::ConfigurationId => "configuration_id",
            Field::Message => "message",
            Field::ProcessId => "process.id",
            Field::ProcessParent => "process.parent",
            Field::ArtifactName => "artifact.name",
            Field::ArtifactMediaType => "artifact.media_type",
            Field::Attributes => "attributes",
            Field::ArtifactSha256 => "artifact.sha256",
            Field::Control => "control",
            Field::Verbatim => "verbatim",
        }
    }
}

/// One row for the columns.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its record.
    pub record: &'a [u8],
    /// Kind of the entry.
    pub kind: u8,
    /// Commit time.
    pub logged_at: i64,
}

/// The values of one text field of an entry.
fn text_of<'e, 'a>(record: &'e Record<'a>, field: Field) -> Option<&'e Cow<'a, str>> {
    let entry: &Entry<'a> = &record.entry;
    match field {
        Field::Id => Some(&entry.id),
        Field::Organization => Some(&entry.organization),
        Field::Activity => Some(&entry.activity),
        Field::ActorType => Some(&entry.actor.kind),
        Field::ActorId => Some(&entry.actor.id),
        Field::ActorName => Some(&entry.actor.name),
        Field::OnBehalfOf => Some(&entry.on_behalf_of),
        Field::ObjectId => Some(&entry.object.id),
        Field::ObjectName => Some(&entry.object.name),
        Field::RequestId => Some(&entry.request_id),
        Field::ConfigurationId => Some(&entry.configuration_id),
        Field::Message => Some(&entry.message),
        Field::ProcessId => entry.process.as_ref().map(|process| &process.id),
        Field::ProcessParent => entry.process.as_ref().map(|process| &process.parent),
        Field::ArtifactName => entry.artifact.as_ref().map(|artifact| &artifact.name),
        Field::ArtifactMediaType => entry.artifact.as_ref().map(|artifact| &artifact.media_type),
        _ => None,
    }
}

/// One column's texts, back to back: the encoders read them again and again, and texts from all over memory would cost
/// them a cache miss each.
#[derive(Default)]
struct Texts {
    bytes: String,
    /// Where each text ends, and whether there is one.
    ends: Vec<(usize, bool)>,
}

impl Texts {
    fn push(&mut self, text: Option<&str>) {
        let text = text.unwrap_or_default();
        self.bytes.push_str(text);
        self.end();
    }

    /// Ends the text that was appended to `bytes`; an empty one is an absent one.
    fn end(&mut self) {
        let start = self.ends.last().map_or(0, |(end, _)| *end);
        self.ends.push((self.bytes.len(), self.bytes.len() > start));
    }

    fn values(&self) -> Vec<Option<&str>> {
        let mut start = 0;
        self.ends
            .iter()
            .map(|(end, is_present)| {
                let text = &self.bytes[start..*end];
                start = *end;
                is_present.then_some(text)
            })
            .collect()
    }
}

/// Columns that are being gathered, by place.
struct Gathered<'a> {
    numbers: [Vec<u64>; 5],
    times: [Vec<Option<i64>>; 4],
    texts: [Texts; TEXTS.len()],
    sha256: Vec<Option<[u8; 32]>>,
    control: Vec<Option<&'a [u8]>>,
    verbatim: Vec<Option<&'a [u8]>>,
}

impl<'a> Gathered<'a> {
    fn push(&mut self, row: &Row<'a>, is_verbatim: bool) {
        let decoded = if is_verbatim { None } else { record::decode(row.record).ok() };
        self.verbatim.push(if decoded.is_none() { Some(row.record) } else { None });
        let empty = Record {
            tenant_seq: 0,
            logged_by: "",
            entry: Entry::default(),
            artifact_held: false,
            control: None,
        };
        let record = decoded.as_ref().unwrap_or(&empty);
        let entry = &record.entry;
        let process_event = entry.process.as_ref().map_or(0, |process| process.event.number());
        // A verbatim record has its severity too: the index is made of this column.
        let severity = match decoded {
            Some(_) => entry.severity,
            None => record::glance(row.record).map_or_else(|_| Default::default(), |glance| glance.severity),
        };
        let numbers = [
            u64::from(row.kind),
            u64::from(severity.class()),
            entry.success.map_or(0, |success| 1 + u64::from(success)),
            u64::from(process_event),
            u64::from(record.artifact_held),
        ];
        self.numbers.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        let times = [
            entry.generated_at.map(|time| time.nanos()),
            entry.started.map(|time| time.nanos()),
            entry.finished.map(|time| time.nanos()),
            entry.artifact.as_ref().and_then(|artifact| artifact.size).map(u64::cast_signed),
        ];
        self.times.iter_mut().zip(times).for_each(|(column, time)| column.push(time));
        for (column, field) in self.texts.iter_mut().zip(TEXTS) {
            match (field, &decoded) {
                (Field::Attributes, _) => {
                    attributes::join(&entry.attributes, &mut column.bytes);
                    column.end();
                }
                (Field::LoggedBy, Some(record)) => column.push(Some(record.logged_by)),
                (_, Some(record)) => column.push(text_of(record, field).map(|text| &**text)),
                (_, None) => column.push(None),
            }
        }
        self.sha256.push(entry.artifact.as_ref().map(|artifact| artifact.sha256));
        self.control.push(decoded.as_ref().and_then(|record| record.control));
    }
}

/// Encodes rows, given by place, as columns: `each` gets those that any row has a value in, in the order of
/// [`Field::ALL`]. `is_verbatim` says of a place whether its record is kept whole.
pub fn encode<'a>(
    rows: impl ExactSizeIterator<Item = Row<'a>>,
    runs: &[Run],
    is_verbatim: impl Fn(usize) -> bool,
    effort: Effort,
    mut each: impl FnMut(Field, &[u8]),
) {
    let count = rows.len();
    let mut gathered = Gathered {
        numbers: std::array::from_fn(|_| Vec::with_capacity(count)),
        times: std::array::from_fn(|_| Vec::with_capacity(count)),
        texts: Default::default(),
        sha256: Vec::with_capacity(count),
        control: Vec::with_capacity(count),
        verbatim: Vec::with_capacity(count),
    };
    let mut logged_at = Vec::with_capacity(count);
    for (place, row) in rows.enumerate() {
        gathered.push(&row, is_verbatim(place));
        logged_at.push(row.logged_at);
    }
    let firsts: Vec<u32> = runs.iter().map(|run| run.first).collect();
    let mut out = Vec::new();
    let mut give = |field: Field, has_any: bool, write: &mut dyn FnMut(&mut Vec<u8>)| {
        if has_any {
            out.clear();
            write(&mut out);
            each(field, &out);
        }
    };
    for (field, column) in Field::ALL.into_iter().zip(&gathered.numbers) {
        give(field, column.iter().any(|number| *number != 0), &mut |out| packed::encode(column, out));
    }
    for (field, column) in Field::ALL[gathered.numbers.len()..].iter().zip(&gathered.times) {
        let reference = (*field != Field::ArtifactSize).then_some(logged_at.as_slice());
        give(*field, column.iter().any(Option::is_some), &mut |out| {
            times::encode_times(column, reference, out);
        });
    }
    for (field, column) in TEXTS.into_iter().zip(gathered.texts) {
        give(field, !column.bytes.is_empty(), &mut |out| {
            text::encode(&column.values(), &firsts, effort, out)
        });
    }
    let sha256: Vec<Option<&[u8]>> =
        gathered.sha256.iter().map(|hash| hash.as_ref().map(<[u8; 32]>::as_slice)).collect();
    let byte_columns = [
        (Field::ArtifactSha256, &sha256),
        (Field::Control, &gathered.control),
        (Field::Verbatim, &gathered.verbatim),
    ];
    for (field, column) in byte_columns {
        give(field, column.iter().any(Option::is_some), &mut |out| {
            bytes::encode(column, &firsts, effort, out)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_numbered_in_the_order_of_their_columns() {
        for (number, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field.number(), number, "{}", field.name());
        }
        assert_eq!(TEXTS.to_vec(), Field::ALL[9..27]);
    }
}
