//! Records taken apart into columns, one row after the other, each value copied once.
//!
//! Values of a column lie back to back: the encoders read them again and again, and texts from all over memory would
//! cost them a cache miss each. A column learns of a row only when that has a value in it.

use super::attributes;
use super::columns::{Field, Row, TEXTS};
use super::references::Folder;
use crate::format::record;
use crate::format::record::fields::Fields;
use crate::format::record::key;

/// One column's texts, back to back.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) bytes: Vec<u8>,
    /// Where each row's text ends; an empty one is an absent one. Rows behind the last with a text are left out.
    ends: Vec<u32>,
}

impl Texts {
    /// Ends the text of `place` that was appended to `bytes`; rows before it that were not told of have none.
    #[inline]
    fn end(&mut self, place: usize, start: usize) {
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        if self.ends.len() < place {
            self.ends.resize(place, length(start));
        }
        self.ends.push(length(self.bytes.len()));
    }

    /// Texts of all rows.
    pub(super) fn values(&self, row_count: usize) -> Vec<Option<&[u8]>> {
        let mut start = 0;
        let mut values = Vec::with_capacity(row_count);
        values.extend(self.ends.iter().map(|end| {
            let text = &self.bytes[start..*end as usize];
            start = *end as usize;
            (!text.is_empty()).then_some(text)
        }));
        values.resize(row_count, None);
        values
    }
}

/// Columns that are being gathered, by place.
pub struct Gathered<'a> {
    pub(super) row_count: usize,
    pub(super) logged_at: Vec<i64>,
    pub(super) numbers: [Vec<u8>; 5],
    pub(super) times: [Vec<Option<i64>>; 4],
    pub(super) texts: [Texts; TEXTS.len()],
    pub(super) byte_strings: [Vec<Option<&'a [u8]>>; 3],
    folder: Folder,
}

/// Gives a column the value of `place`; rows before it that it was not told of have none.
#[inline]
fn set<T: Clone + Default>(column: &mut Vec<T>, place: usize, value: T) {
    if column.len() < place {
        column.resize(place, T::default());
    }
    column.push(value);
}

/// Texts by the keys of the record, but for message and attributes; with the columns' numbers among texts.
const TEXT_KEYS: [(u64, usize); TEXTS.len() - 2] = [
    (key::ID, 0),
    (key::LOGGED_BY, 1),
    (key::ORGANIZATION, 2),
    (key::ACTIVITY, 3),
    (key::ACTOR_TYPE, 4),
    (key::ACTOR_ID, 5),
    (key::ACTOR_NAME, 6),
    (key::ON_BEHALF_OF, 7),
    (key::OBJECT_ID, 8),
    (key::OBJECT_NAME, 9),
    (key::REQUEST_ID, 10),
    (key::CONFIGURATION_ID, 11),
    (key::PROCESS_ID, 13),
    (key::PROCESS_PARENT, 14),
    (key::ARTIFACT_NAME, 15),
    (key::ARTIFACT_MEDIA_TYPE, 16),
];

/// Takes records apart in the order of places, which says the row of each. `is_verbatim` says of a place whether its
/// record is kept whole.
pub fn gather<'a>(rows: &[Row<'a>], places: &[u32], is_verbatim: impl Fn(usize) -> bool) -> Gathered<'a> {
    let mut gathered = Gathered {
        row_count: places.len(),
        logged_at: Vec::with_capacity(places.len()),
        numbers: Default::default(),
        times: Default::default(),
        texts: Default::default(),
        byte_strings: Default::default(),
        folder: Folder::default(),
    };
    for (place, row) in places.iter().enumerate() {
        touch_ahead(rows, places, place);
        let row = rows[*row as usize];
        gathered.logged_at.push(row.logged_at);
        if row.kind != 0 {
            set(&mut gathered.numbers[Field::Kind.slot()], place, row.kind);
        }
        let fields = if is_verbatim(place) { None } else { Fields::of(row.record) };
        if fields.and_then(|fields| gathered.push(place, &fields)).is_none() {
            gathered.keep(place, row.record);
        }
    }
    gathered
}

/// Loads the record of a place that will soon be read: records in the order of places come from all over memory, and
/// the processor waits for one cache line after the other unless it knows of them early.
#[inline]
pub fn touch_ahead(rows: &[Row<'_>], places: &[u32], place: usize) {
    const AHEAD: usize = 3;
    const LINE_BYTES: usize = 64;
    const LINES: usize = 6;
    if let Some(row) = places.get(place + AHEAD).and_then(|row| rows.get(*row as usize)) {
        let lines = row.record.iter().step_by(LINE_BYTES).take(LINES);
        std::hint::black_box(lines.fold(0, |all, byte| all ^ byte));
    }
}

impl<'a> Gathered<'a> {
    /// The severity class of every place.
    pub fn severities(&self) -> &[u8] {
        &self.numbers[Field::Severity.slot()]
    }

    /// Keeps a record as it is. It has its severity too: the index is made of that column.
    fn keep(&mut self, place: usize, record: &'a [u8]) {
        let severity = record::glance(record).map_or_else(|_| Default::default(), |glance| glance.severity);
        set(&mut self.numbers[Field::Severity.slot()], place, severity.class());
        set(&mut self.byte_strings[Field::Verbatim.slot()], place, Some(record));
    }

    /// Takes one record apart; none, and nothing done, if its attributes are no map of texts or its severity none.
    fn push(&mut self, place: usize, fields: &Fields<'a>) -> Option<()> {
        let number = |key| fields.unsigned(key).and_then(|number| u8::try_from(number).ok());
        let has_control = fields.has(key::CONTROL);
        let severity = match (number(key::SEVERITY), has_control) {
            (Some(class @ 1..=6), false) => class,
            (None, true) => crate::model::Severity::default().class(),
            _ => return None,
        };
        let attributes = &mut self.texts[Field::Attributes.slot()];
        let start = attributes.bytes.len();
        if attributes::join(fields, &mut attributes.bytes).is_none() {
            attributes.bytes.truncate(start);
            return None;
        }
        if attributes.bytes.len() > start {
            attributes.end(place, start);
        }
        set(&mut self.numbers[Field::Severity.slot()], place, severity);
        let numbers = [
            (Field::Success, number(key::SUCCESS).map(|success| 1 + success)),
            (Field::ProcessEvent, number(key::PROCESS_EVENT)),
            (Field::ArtifactHeld, number(key::ARTIFACT_HELD)),
        ];
        for (field, number) in numbers {
            if let Some(number) = number {
                set(&mut self.numbers[field.slot()], place, number);
            }
        }
        let times = [
            (Field::GeneratedAt, key::GENERATED_AT),
            (Field::Started, key::STARTED),
            (Field::Finished, key::FINISHED),
            (Field::ArtifactSize, key::ARTIFACT_SIZE),
        ];
        for (field, key) in times {
            if let Some(time) = fields.time(key) {
                set(&mut self.times[field.slot()], place, Some(time));
            }
        }
        for (key, slot) in TEXT_KEYS {
            let text = fields.bytes(key);
            if !text.is_empty() {
                let column = &mut self.texts[slot];
                let start = column.bytes.len();
                column.bytes.extend_from_slice(text);
                column.end(place, start);
            }
        }
        if fields.has(key::MESSAGE) {
            let column = &mut self.texts[Field::Message.slot()];
            let start = column.bytes.len();
            self.folder.fold(fields, &mut column.bytes);
            column.end(place, start);
        }
        for (field, key) in [(Field::ArtifactSha256, key::ARTIFACT_SHA256), (Field::Control, key::CONTROL)] {
            if fields.has(key) {
                set(&mut self.byte_strings[field.slot()], place, Some(fields.bytes(key)));
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_to_the_columns_of_their_fields() {
        let fields = TEXT_KEYS.map(|(_, slot)| TEXTS[slot]);
        let others = [Field::Message, Field::Attributes];
        assert_eq!(TEXTS.iter().filter(|field| !others.contains(field)).copied().collect::<Vec<_>>(), fields);
    }
}
