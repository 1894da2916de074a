//! Which column holds which field of the record, and how records become columns.
//!
//! A column that no row has a value in is left out. Tenant, service and `tenant_seq` need none: the places, the footer
//! and the tenant table say them. A record that would not come back byte for byte is kept whole, in `verbatim`.

use super::gather::Gathered;
use super::places::Run;
use crate::format::column::Effort;
use crate::format::column::bytes;
use crate::format::column::packed;
use crate::format::column::times;
use crate::format::column::times::Reference;
use bincode::{Decode, Encode};

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
pub(super) const TEXTS: [Field; 18] = [
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

/// Byte strings, in the order of their columns.
const BYTE_STRINGS: [Field; 3] = [Field::ArtifactSha256, Field::Control, Field::Verbatim];

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

    /// Its number among the fields of its shape.
    pub fn slot(self) -> usize {
        let first = match self.shape() {
            Shape::Numbers => Field::Kind,
            Shape::Times => Field::GeneratedAt,
            Shape::Texts => Field::Id,
            Shape::Bytes => Field::ArtifactSha256,
        };
        self.number() - first.number()
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

/// Encodes what was gathered as columns: `each` gets those that any row has a value in, in the order of
/// [`Field::ALL`].
pub fn encode(
    mut gathered: Gathered<'_>,
    (places, runs): (&[u32], &[Run]),
    effort: Effort,
    mut each: impl FnMut(Field, &[u8]),
) {
    let count = gathered.row_count;
    let firsts: Vec<u32> = runs.iter().map(|run| run.first).collect();
    let mut out = Vec::new();
    let mut give = |field: Field, has_any: bool, write: &mut dyn FnMut(&mut Vec<u8>)| {
        if has_any {
            out.clear();
            write(&mut out);
            each(field, &out);
        }
    };
    let mut numbers = Vec::with_capacity(count);
    for (field, column) in Field::ALL.into_iter().zip(&gathered.numbers) {
        numbers.clear();
        numbers.extend(column.iter().map(|number| u64::from(*number)));
        numbers.resize(count, 0);
        give(field, column.iter().any(|number| *number != 0), &mut |out| packed::encode(&numbers, out));
    }
    for column in gathered.times.iter_mut().filter(|column| !column.is_empty()) {
        column.resize(count, None);
    }
    let references: Vec<Reference> = gathered
        .logged_at
        .iter()
        .zip(places)
        .map(|(time, row)| Reference { time: *time, row: *row })
        .collect();
    // What an entry says of its run lies nearer to its own time than to the commit's.
    let mut own_references = references.clone();
    for (reference, own) in own_references.iter_mut().zip(&gathered.times[0]) {
        reference.time = own.unwrap_or(reference.time);
    }
    for (field, column) in Field::ALL[gathered.numbers.len()..].iter().zip(&gathered.times) {
        let reference = match field {
            Field::GeneratedAt => Some(references.as_slice()),
            Field::Started | Field::Finished => Some(own_references.as_slice()),
            _ => None,
        };
        give(*field, column.iter().any(Option::is_some), &mut |out| {
            times::encode_times(column, reference, out);
        });
    }
    for (field, column) in TEXTS.into_iter().zip(gathered.texts) {
        give(field, !column.is_empty(), &mut |out| column.finish(count, &firsts, out));
    }
    for (field, mut column) in BYTE_STRINGS.into_iter().zip(gathered.byte_strings) {
        let has_any = !column.is_empty();
        column.resize(count, None);
        give(field, has_any, &mut |out| bytes::encode(&column, &firsts, effort, out));
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
        assert_eq!(BYTE_STRINGS.to_vec(), Field::ALL[27..]);
    }
}
