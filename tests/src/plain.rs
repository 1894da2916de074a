//! A sealed record put together the plain way: every value by itself, into an entry, which is then encoded. The engine
//! writes values straight into the record's bytes; both must say the same of any bytes.

use sealog_engine::format::column::times::Reference;
use sealog_engine::format::column::{bytes, text};
use sealog_engine::format::record::{self, Record};
use sealog_engine::format::segment::attributes;
use sealog_engine::format::segment::columns::Field;
use sealog_engine::model::{Actor, Artifact, Entry, Object, Process, ProcessEvent, Severity, Timestamp};
use sealog_engine::segment::view::{Column, RowHead, View};
use std::borrow::Cow;

/// One row of a segment.
struct Place<'v, 'a> {
    view: &'v View<'a>,
    place: u32,
}

/// The record at a place; none if it does not read.
pub fn record(view: &View<'_>, place: u32, head: &RowHead) -> Option<Vec<u8>> {
    if Field::ALL.into_iter().any(|field| view.column(field).is_err()) {
        return None;
    }
    let row = Place { view, place };
    if let Some(verbatim) = row.byte_string(Field::Verbatim)? {
        return Some(verbatim);
    }
    let tenant = view.tenants().ok()?.get(head.tenant as usize)?.tenant.clone();
    let control = row.byte_string(Field::Control)?;
    let process =
        match (row.text(Field::ProcessId)?, ProcessEvent::from_number(row.number(Field::ProcessEvent))) {
            (Some(id), Some(event)) => {
                let parent = row.text(Field::ProcessParent)?.unwrap_or_default().into();
                Some(Process { id: id.into(), parent, event })
            }
            (None, None) => None,
            _ => return None,
        };
    let artifact = match row.byte_string(Field::ArtifactSha256)? {
        None => None,
        Some(sha256) => Some(Artifact {
            sha256: sha256.try_into().ok()?,
            name: row.text(Field::ArtifactName)?.unwrap_or_default().into(),
            media_type: row.text(Field::ArtifactMediaType)?.unwrap_or_default().into(),
            size: row.time(Field::ArtifactSize, Reference::default()).map(i64::cast_unsigned),
        }),
    };
    let severity = match control {
        Some(_) => Severity::default(),
        None => Severity::from_class(row.number(Field::Severity))?,
    };
    let reference = |time| Reference { time, row: head.row };
    let generated_at = row.time(Field::GeneratedAt, reference(head.logged_at));
    let reference = reference(generated_at.unwrap_or(head.logged_at));
    let attribute_text = row.text(Field::Attributes)?.unwrap_or_default();
    let mut entry = Entry {
        tenant: tenant.into(),
        organization: row.owned(Field::Organization)?,
        service: view.footer().service.clone().into(),
        id: row.owned(Field::Id)?,
        generated_at: generated_at.map(Timestamp::from_nanos),
        severity,
        activity: row.owned(Field::Activity)?,
        actor: Actor {
            kind: row.owned(Field::ActorType)?,
            id: row.owned(Field::ActorId)?,
            name: row.owned(Field::ActorName)?,
        },
        on_behalf_of: row.owned(Field::OnBehalfOf)?,
        object: Object { id: row.owned(Field::ObjectId)?, name: row.owned(Field::ObjectName)? },
        request_id: row.owned(Field::RequestId)?,
        configuration_id: row.owned(Field::ConfigurationId)?,
        success: match row.number(Field::Success) {
            0 => None,
            1 => Some(false),
            2 => Some(true),
            _ => return None,
        },
        message: row.owned(Field::Message)?,
        started: row.time(Field::Started, reference).map(Timestamp::from_nanos),
        finished: row.time(Field::Finished, reference).map(Timestamp::from_nanos),
        process,
        artifact,
        attributes: attributes::split(&attribute_text)?,
    };
    entry.message = unfolded(&entry)?.into();
    let logged_by = row.text(Field::LoggedBy)?.unwrap_or_default();
    let record = Record {
        tenant_seq: head.tenant_seq,
        logged_by: &logged_by,
        entry,
        artifact_held: row.number(Field::ArtifactHeld) == 1,
        control: control.as_deref(),
    };
    let mut out = Vec::new();
    record::encode(&record, &mut Vec::new(), &mut out).ok()?;
    Some(out)
}

/// The message with the fields that it refers to.
fn unfolded(entry: &Entry<'_>) -> Option<String> {
    let mut out = String::new();
    let mut chars = entry.message.chars();
    while let Some(char) = chars.next() {
        let field = match char {
            '\u{1}' => &entry.object.name,
            '\u{2}' => &entry.object.id,
            '\u{3}' => &entry.actor.name,
            '\u{4}' => &entry.actor.id,
            '\u{5}' => &entry.tenant,
            '\u{6}' => &entry.on_behalf_of,
            '\u{7}' => &entry.organization,
            '\u{8}' => &entry.activity,
            '\u{e}' => &entry.request_id,
            '\u{f}' => &entry.configuration_id,
            '\u{10}' => &entry.service,
            '\u{11}' => &entry.actor.kind,
            '\u{1a}' => {
                out.push(chars.next()?);
                continue;
            }
            other => {
                out.push(other);
                continue;
            }
        };
        if field.is_empty() {
            return None;
        }
        out.push_str(field);
    }
    Some(out)
}

impl Place<'_, '_> {
    fn number(&self, field: Field) -> u64 {
        match self.view.column(field) {
            Ok(Some(Column::Numbers(numbers))) => numbers.get(self.place),
            _ => 0,
        }
    }

    fn time(&self, field: Field, reference: Reference) -> Option<i64> {
        match self.view.column(field) {
            Ok(Some(Column::Times(times))) => times.get(self.place, reference),
            _ => None,
        }
    }

    fn text(&self, field: Field) -> Option<Option<String>> {
        let mut cursor = text::Cursor::new();
        match self.view.column(field) {
            Ok(Some(Column::Texts(texts))) => {
                texts.get(self.place, &mut cursor).ok().map(|text| text.map(str::to_owned))
            }
            _ => Some(None),
        }
    }

    fn owned(&self, field: Field) -> Option<Cow<'static, str>> {
        Some(self.text(field)?.unwrap_or_default().into())
    }

    fn byte_string(&self, field: Field) -> Option<Option<Vec<u8>>> {
        let mut cursor = bytes::Cursor::new();
        match self.view.column(field) {
            Ok(Some(Column::Bytes(bytes))) => {
                bytes.get(self.place, &mut cursor).ok().map(|string| string.map(<[u8]>::to_vec))
            }
            _ => Some(None),
        }
    }
}
