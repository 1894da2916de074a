//! Single fields of a place: what a filter looks at before a record is put together.
//!
//! A place whose record is kept whole ([`View::is_verbatim`]) has no fields here but kind and severity.

use super::{Column, Cursors, View};
use crate::format::column::ColumnError;
use crate::format::column::times::Reference;
use crate::format::record::key;
use crate::format::record::pairs::Texts;
use crate::format::segment::columns::Field;
use crate::format::segment::references;
use crate::format::segment::{SectionKind, SegmentError};
use crate::format::sheet::Loose;
use crate::format::sheet::Sheet;
use std::ops::Range;

/// Text columns that a message may refer to, by the keys of the record.
pub fn field_of(key: u64) -> Option<Field> {
    Some(match key {
        key::ORGANIZATION => Field::Organization,
        key::ACTIVITY => Field::Activity,
        key::ACTOR_TYPE => Field::ActorType,
        key::ACTOR_ID => Field::ActorId,
        key::ACTOR_NAME => Field::ActorName,
        key::ON_BEHALF_OF => Field::OnBehalfOf,
        key::OBJECT_ID => Field::ObjectId,
        key::OBJECT_NAME => Field::ObjectName,
        key::REQUEST_ID => Field::RequestId,
        key::CONFIGURATION_ID => Field::ConfigurationId,
        _ => return None,
    })
}

impl<'a> View<'a> {
    /// Whether the segment keeps any record whole.
    pub fn has_verbatim(&self) -> bool {
        self.present >> Field::Verbatim.number() & 1 != 0
    }

    /// Whether the record of a place is kept whole.
    ///
    /// # Errors
    /// As [`View::column`].
    pub fn is_verbatim(&self, place: u32) -> Result<bool, SegmentError> {
        Ok(match self.column(Field::Verbatim)? {
            Some(Column::Bytes(records)) => records.is_present(place),
            _ => false,
        })
    }

    /// The row of a place of a group.
    ///
    /// # Errors
    /// As [`View::places`]; a row that is not of the group.
    #[inline]
    pub fn row_next(
        &self,
        place: u32,
        group: &Range<u32>,
        cursors: &mut Cursors<'a>,
    ) -> Result<u32, SegmentError> {
        cursors.enter(self);
        self.places()?.row_next(place, group, &mut cursors.rows).ok_or_else(|| SegmentError {
            offset: 0,
            expected: "a row of the place's group",
            found: format!("place {place}"),
        })
    }

    /// A small number of a place; 0 where there is none.
    ///
    /// # Errors
    /// As [`View::column`].
    #[inline]
    pub fn number_next(
        &self,
        field: Field,
        place: u32,
        cursors: &mut Cursors<'a>,
    ) -> Result<u64, SegmentError> {
        cursors.enter(self);
        Ok(match self.column(field)? {
            Some(Column::Numbers(numbers)) => cursors.numbers[field.slot()].get(numbers, place),
            _ => 0,
        })
    }

    /// A time of a place, if there is one; `reference` is the one that its column was written with.
    ///
    /// # Errors
    /// As [`View::column`].
    #[inline]
    pub fn time_next(
        &self,
        field: Field,
        place: u32,
        reference: Reference,
        cursors: &mut Cursors<'a>,
    ) -> Result<Option<i64>, SegmentError> {
        cursors.enter(self);
        Ok(match self.column(field)? {
            Some(Column::Times(times)) => times.get_next(place, reference, &mut cursors.times[field.slot()]),
            _ => None,
        })
    }

    /// A text of a place as its column has it, if there is one: UTF-8. See [`View::message_next`] for messages.
    ///
    /// # Errors
    /// As [`View::column`]; a text that does not read.
    #[inline]
    pub fn text_next<'c>(
        &'c self,
        field: Field,
        place: u32,
        cursors: &'c mut Cursors<'a>,
    ) -> Result<Option<&'c [u8]>, SegmentError> {
        cursors.enter(self);
        match self.column(field)? {
            Some(Column::Texts(texts)) => {
                let text = texts.bytes(place, &mut cursors.texts[field.slot()]);
                text.map(|text| text.map(Loose::exact)).map_err(|error| self.unreadable(field, error))
            }
            _ => Ok(None),
        }
    }

    /// The message of a place, empty if there is none, with the texts that it refers to. It is put together in `room`.
    /// `tenant` is the place's, by index into the table.
    ///
    /// # Errors
    /// As [`View::text_next`]; a reference to a text that is not there.
    pub fn message_next<'r>(
        &self,
        place: u32,
        tenant: u32,
        cursors: &mut Cursors<'a>,
        room: &'r mut Sheet,
    ) -> Result<&'r [u8], SegmentError> {
        room.clear();
        let Some(text) = self.text_next(Field::Message, place, cursors)? else { return Ok(&[]) };
        if !references::is_folded(text.into()) {
            room.put_slice(text);
            return Ok(room.bytes());
        }
        let folded = text.to_vec();
        let mut texts = Texts::default();
        for key in references::keys(&folded) {
            if texts.has(key) {
                continue;
            }
            let text = match (key, field_of(key)) {
                (_, Some(field)) => self.text_next(field, place, cursors)?,
                (key::TENANT, _) => self.tenants()?.get(tenant as usize).map(|row| row.tenant.as_bytes()),
                (key::SERVICE, _) => Some(self.footer.service.as_bytes()),
                _ => None,
            };
            if let Some(text) = text {
                texts.put(key, text, room);
            }
        }
        let start = room.len();
        let folded = Loose::from(folded.as_slice());
        references::unfold(folded, &mut texts.referring(room)).map_err(|expected| SegmentError {
            offset: 0,
            expected,
            found: format!("others in the message at place {place}"),
        })?;
        Ok(&room.bytes()[start..])
    }

    fn unreadable(&self, field: Field, error: ColumnError) -> SegmentError {
        let offset = self.footer.section(SectionKind::Column(field)).map_or(0, |section| section.offset);
        let found = format!("in column {}: {error}", field.name());
        SegmentError { offset, expected: "a value that reads", found }
    }
}
