//! Records taken apart into columns, one row after the other, in the order of places.
//!
//! A text goes from its record straight into its column, while it is in the processor's cache: nothing is copied that a
//! column knows already. A column learns of a row only when that has a value in it.

use super::attributes;
use super::columns::{Field, Row, TEXTS};
use super::filters;
use super::places::Run;
use super::references::Folder;
use crate::format::column::Effort;
use crate::format::column::text::{TextBuilder, sample_blocks};
use crate::format::record;
use crate::format::record::fields::Fields;
use crate::format::record::key;

/// Texts of a few rows, of one column, back to back.
#[derive(Default)]
struct Sample {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Sample {
    fn texts(&self) -> Vec<&[u8]> {
        let mut start = 0;
        let text = |end: &usize| {
            let text = &self.bytes[start..*end];
            start = *end;
            text
        };
        self.ends.iter().map(text).collect()
    }
}

/// Columns that are being gathered, by place.
pub struct Gathered<'a> {
    pub(super) row_count: usize,
    pub(super) logged_at: Vec<i64>,
    pub(super) numbers: [Vec<u8>; 5],
    pub(super) times: [Vec<Option<i64>>; 4],
    pub(super) texts: [TextBuilder; TEXTS.len()],
    pub(super) byte_strings: [Vec<Option<&'a [u8]>>; 3],
    composer: Composer,
    /// Of rows with a request ID: the place, and the ID as filters know it.
    pub request_keys: Vec<(u32, u64)>,
    /// Of each place, by the writer's hasher.
    pub fingerprints: Vec<u64>,
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

/// Takes records apart in the order of places, which says the row of each. `runs` are the tenants' runs of places.
/// `is_verbatim` says of a place whether its record is kept whole; `fingerprint` is asked of each row.
pub fn gather<'a>(
    rows: &[Row<'a>],
    (places, runs): (&[u32], &[Run]),
    effort: Effort,
    is_verbatim: impl Fn(usize) -> bool,
    fingerprint: impl Fn(&Row<'_>) -> u64,
) -> Gathered<'a> {
    let mut composer = Composer::default();
    let texts = sample(rows, places, &mut composer).map(|sample| TextBuilder::new(&sample.texts(), effort));
    let mut gathered = Gathered {
        row_count: places.len(),
        logged_at: Vec::with_capacity(places.len()),
        numbers: Default::default(),
        times: Default::default(),
        texts,
        byte_strings: Default::default(),
        composer,
        request_keys: Vec::new(),
        fingerprints: Vec::with_capacity(places.len()),
    };
    for run in runs {
        for place in run.first as usize..(run.first + run.count) as usize {
            touch_ahead(rows, places, place);
            let row = rows[places[place] as usize];
            gathered.logged_at.push(row.logged_at);
            gathered.fingerprints.push(fingerprint(&row));
            if row.kind != 0 {
                set(&mut gathered.numbers[Field::Kind.slot()], place, row.kind);
            }
            let begins_run = place == run.first as usize;
            let fields = if is_verbatim(place) { None } else { Fields::of(row.record) };
            if fields.and_then(|fields| gathered.push(place, &fields, begins_run)).is_none() {
                gathered.keep(place, row.record);
            }
        }
    }
    gathered
}

/// Texts of a few rows, by column: what it is decided by how each column is encoded.
fn sample(rows: &[Row<'_>], places: &[u32], composer: &mut Composer) -> [Sample; TEXTS.len()] {
    let mut samples: [Sample; TEXTS.len()] = Default::default();
    for row in sample_blocks(places.len()).flat_map(|sampled| &places[sampled]) {
        let Some(fields) = Fields::of(rows[*row as usize].record) else { continue };
        composer.texts(&fields, |slot, text| {
            let sample = &mut samples[slot];
            sample.bytes.extend_from_slice(text);
            sample.ends.push(sample.bytes.len());
        });
    }
    samples
}

/// Finds the texts of records; keeps what is the same from row to row.
#[derive(Default)]
struct Composer {
    folder: Folder,
    /// Attributes or a message, as their columns have them.
    text: Vec<u8>,
}

impl Composer {
    /// Gives each text of a record with its column's number among texts; none, and nothing given, if its attributes are
    /// no map of texts.
    #[inline(always)]
    fn texts(&mut self, fields: &Fields<'_>, mut each: impl FnMut(usize, &[u8])) -> Option<()> {
        self.text.clear();
        attributes::join(fields, &mut self.text)?;
        if !self.text.is_empty() {
            each(Field::Attributes.slot(), &self.text);
        }
        for (key, slot) in TEXT_KEYS {
            let text = fields.bytes(key);
            if !text.is_empty() {
                each(slot, text);
            }
        }
        if fields.has(key::MESSAGE) {
            self.text.clear();
            self.folder.fold(fields, &mut self.text);
            if !self.text.is_empty() {
                each(Field::Message.slot(), &self.text);
            }
        }
        Some(())
    }
}

/// Loads the record of a place that will soon be read: records in the order of places come from all over memory, and
/// the processor waits for one cache line after the other unless it knows of them early.
#[inline]
fn touch_ahead(rows: &[Row<'_>], places: &[u32], place: usize) {
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
    fn push(&mut self, place: usize, fields: &Fields<'a>, begins_run: bool) -> Option<()> {
        let number = |key| fields.unsigned(key).and_then(|number| u8::try_from(number).ok());
        let has_control = fields.has(key::CONTROL);
        let severity = match (number(key::SEVERITY), has_control) {
            (Some(class @ 1..=6), false) => class,
            (None, true) => crate::model::Severity::default().class(),
            _ => return None,
        };
        let texts = &mut self.texts;
        let keys = &mut self.request_keys;
        self.composer.texts(fields, |slot, text| {
            texts[slot].push(place, text, begins_run);
            if slot == filters::FIELD.slot() {
                keys.push((u32::try_from(place).unwrap_or(u32::MAX), filters::key_of(text)));
            }
        })?;
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
