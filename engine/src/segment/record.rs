//! Records put together from columns: each value goes from its column straight into the record's bytes.
//!
//! Nothing in between is a value of the model. The order of the steps below is the order of the record's keys.

use super::blocks::Blocks;
use super::blocks::Wanted;
use super::cursors::Cursors;
use super::view::{Column, RowHead, View};
use crate::format::column::BLOCK_ROWS;
use crate::format::column::ColumnError;
use crate::format::column::bytes::Bytes;
use crate::format::column::packed::Packed;
use crate::format::column::text::Text;
use crate::format::column::text_block::Pair;
use crate::format::column::text_block::TextBlock;
use crate::format::column::times::Reference;
use crate::format::column::times::Times;
use crate::format::record::RECORD_VERSION;
use crate::format::record::key;
use crate::format::record::pairs::Pairs;
use crate::format::record::pairs::Told;
use crate::format::segment::SectionKind;
use crate::format::segment::SegmentError;
use crate::format::segment::TenantRow;
use crate::format::segment::attributes;
use crate::format::segment::columns::Field;
use crate::format::segment::places::Run;
use crate::format::segment::references;
use crate::format::sheet::Loose;
use crate::format::sheet::Sheet;
use crate::limits;
use crate::model::{ProcessEvent, Severity};
use std::ops::Range;

/// What is expected where a record would be longer than any may be.
pub const RECORD_EXPECTED: &str = "a record of at most 256 KiB";

impl<'a> View<'a> {
    /// Appends the record at a place, byte for byte as it was committed.
    ///
    /// # Errors
    /// As [`View::tenants`]; values that make no record. `out` is then as long as before.
    pub fn record(
        &self,
        place: u32,
        head: &RowHead,
        cursors: &mut Cursors<'a>,
        out: &mut Vec<u8>,
    ) -> Result<(), SegmentError> {
        cursors.enter(self);
        let mut record = std::mem::take(&mut cursors.record);
        record.clear();
        let result = self.put::<false>(&Opened::of(self)?, place, head, (cursors, &[]), &mut record);
        if result.is_ok() {
            out.extend_from_slice(record.bytes());
        }
        cursors.record = record;
        result.map(|_| ())
    }

    /// Puts the record at a place together; if `BLOCKS`, from blocks of texts that were read.
    fn put<const BLOCKS: bool>(
        &self,
        opened: &Opened<'_, 'a>,
        place: u32,
        head: &RowHead,
        (cursors, blocks): (&mut Cursors<'a>, &[TextBlock]),
        out: &mut Sheet,
    ) -> Result<Told, SegmentError> {
        let start = out.len();
        let pairs = Pairs::begin(out);
        let put = Put::<BLOCKS> { view: self, opened, place, cursors, blocks, pairs };
        let mut result = put.record(head);
        // Columns may name the same long text for many rows: nothing was committed that is longer than a record.
        let bytes = out.len() - start;
        if result.is_ok() && bytes > limits::RECORD_BYTES_MAX {
            let (expected, found) = (RECORD_EXPECTED, format!("{bytes} bytes"));
            result = Err(SegmentError { offset: 0, expected, found });
        }
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Reads the rows of these places, which ascend: `each` gets what a row holds beside its record, and that, or why it
    /// cannot be read. `time_of` gives the commit time of each of these rows, in turn. For whoever reads many places: nothing is
    /// looked up twice, and of a block only the texts that are wanted are put together.
    ///
    /// # Errors
    /// The first of `each`; places that do not read.
    pub fn walk<E: From<SegmentError>>(
        &self,
        places: &[Range<u32>],
        time_of: impl FnMut(u32) -> i64,
        cursors: &mut Cursors<'a>,
        each: impl FnMut(&RowHead, Result<Read<'_>, SegmentError>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.walk_some(places, time_of, cursors, |_| true, each)
    }

    /// As [`View::walk`], of the rows that `wants` says true of.
    ///
    /// # Errors
    /// As [`View::walk`].
    pub fn walk_some<E: From<SegmentError>>(
        &self,
        places: &[Range<u32>],
        mut time_of: impl FnMut(u32) -> i64,
        cursors: &mut Cursors<'a>,
        wants: impl Fn(u32) -> bool,
        mut each: impl FnMut(&RowHead, Result<Read<'_>, SegmentError>) -> Result<(), E>,
    ) -> Result<(), E> {
        cursors.enter(self);
        let all = self.places()?;
        let (first_seq, seqs) = (self.footer().first_seq, self.run_seqs()?);
        let opened = Opened::of(self)?;
        let kinds = opened.numbers[Field::Kind.slot()];
        let wrong = |place, expected| SegmentError { offset: 0, expected, found: format!("place {place}") };
        let mut record = std::mem::take(&mut cursors.record);
        let mut blocks = std::mem::take(&mut cursors.blocks);
        blocks.resize_with(opened.texts.len(), TextBlock::default);
        let mut run = Run { tenant: 0, first: 0, count: 0 };
        let (mut first_tenant_seq, mut group) = (0, 0..0);
        for Wanted { block, rows } in Blocks::of(places) {
            let mut is_read = false;
            let mut left = rows;
            while left != 0 {
                let place = block * BLOCK_ROWS + left.trailing_zeros();
                left &= left - 1;
                if place - run.first >= run.count {
                    let (own, index) = self.run_at(place)?;
                    let seq = seqs.get(index).filter(|_| place - own.first < own.count);
                    first_tenant_seq = *seq.ok_or_else(|| wrong(place, "a place of the segment"))?;
                    group = all.groups().get(all.group_of(place)).cloned().unwrap_or_default();
                    run = own;
                }
                let row = all
                    .row_next(place, &group, &mut cursors.rows)
                    .ok_or_else(|| wrong(place, "a row of the place's group"))?;
                if !wants(row) {
                    continue;
                }
                let kind = kinds.map_or(0, |kinds| cursors.numbers[0].get(kinds, place));
                let mut head = RowHead {
                    row,
                    seq: first_seq + u64::from(row),
                    logged_at: time_of(row),
                    tenant: run.tenant,
                    tenant_seq: first_tenant_seq + u64::from(place - run.first),
                    kind: u8::MAX,
                };
                if !is_read {
                    is_read = true;
                    opened.read_block(block, rows, &mut blocks);
                }
                record.clear();
                let told = match u8::try_from(kind) {
                    Ok(kind) => {
                        head.kind = kind;
                        self.put::<true>(&opened, place, &head, (&mut *cursors, &blocks), &mut record)
                    }
                    Err(_) => Err(wrong(place, "a kind below 256")),
                };
                each(&head, told.map(|told| Read { place, record: record.bytes(), told }))?;
            }
        }
        (cursors.record, cursors.blocks) = (record, blocks);
        Ok(())
    }

    fn in_column(&self, field: Field, error: ColumnError) -> SegmentError {
        let offset = self.footer().section(SectionKind::Column(field)).map_or(0, |section| section.offset);
        SegmentError {
            offset,
            expected: "a value that reads",
            found: format!("in column {}: {error}", field.name()),
        }
    }
}

/// A record that was read.
#[derive(Clone, Copy, Debug)]
pub struct Read<'r> {
    /// Where it lies.
    pub place: u32,
    /// Its bytes.
    pub record: &'r [u8],
    /// What is known of them because of how they were put together.
    pub told: Told,
}

/// The columns that a segment has, each opened.
struct Opened<'v, 'a> {
    numbers: [Option<&'v Packed<'a>>; 5],
    times: [Option<&'v Times<'a>>; 4],
    texts: [Option<&'v Text<'a>>; 18],
    bytes: [Option<&'v Bytes<'a>>; 3],
    tenants: &'v [TenantRow],
    service: &'v str,
}

impl<'v, 'a> Opened<'v, 'a> {
    fn of(view: &'v View<'a>) -> Result<Opened<'v, 'a>, SegmentError> {
        let mut opened = Opened {
            numbers: [None; 5],
            times: [None; 4],
            texts: [None; 18],
            bytes: [None; 3],
            tenants: view.tenants()?,
            service: &view.footer().service,
        };
        let mut left = view.present;
        while left != 0 {
            let field = Field::ALL[left.trailing_zeros() as usize];
            left &= left - 1;
            let slot = field.slot();
            match view.column(field)? {
                Some(Column::Numbers(column)) => opened.numbers[slot] = Some(column),
                Some(Column::Times(column)) => opened.times[slot] = Some(column),
                Some(Column::Texts(column)) => opened.texts[slot] = Some(column),
                Some(Column::Bytes(column)) => opened.bytes[slot] = Some(column),
                None => {}
            }
        }
        Ok(opened)
    }

    /// Reads the rows of a block that are wanted, of every column of texts.
    fn read_block(&self, block: u32, rows: u128, blocks: &mut [TextBlock]) {
        for ((column, (key, _)), texts) in self.texts.iter().zip(TEXT_KEYS).zip(blocks) {
            if let Some(column) = column {
                texts.read(column, block, rows, key);
            }
        }
    }
}

/// The keys of the columns of texts, in their order.
const TEXT_KEYS: [(u64, Field); 18] = [
    (key::ID, Field::Id),
    (key::LOGGED_BY, Field::LoggedBy),
    (key::ORGANIZATION, Field::Organization),
    (key::ACTIVITY, Field::Activity),
    (key::ACTOR_TYPE, Field::ActorType),
    (key::ACTOR_ID, Field::ActorId),
    (key::ACTOR_NAME, Field::ActorName),
    (key::ON_BEHALF_OF, Field::OnBehalfOf),
    (key::OBJECT_ID, Field::ObjectId),
    (key::OBJECT_NAME, Field::ObjectName),
    (key::REQUEST_ID, Field::RequestId),
    (key::CONFIGURATION_ID, Field::ConfigurationId),
    (key::MESSAGE, Field::Message),
    (key::PROCESS_ID, Field::ProcessId),
    (key::PROCESS_PARENT, Field::ProcessParent),
    (key::ARTIFACT_NAME, Field::ArtifactName),
    (key::ARTIFACT_MEDIA_TYPE, Field::ArtifactMediaType),
    (key::ATTRIBUTES, Field::Attributes),
];

/// A record on its way into its bytes.
struct Put<'v, 'a, 'o, const BLOCKS: bool> {
    view: &'v View<'a>,
    opened: &'v Opened<'v, 'a>,
    place: u32,
    cursors: &'o mut Cursors<'a>,
    /// Texts of the place's block, by column.
    blocks: &'o [TextBlock],
    pairs: Pairs<'o>,
}

impl<'o, const BLOCKS: bool> Put<'_, '_, 'o, BLOCKS> {
    fn wrong(&self, expected: &'static str) -> SegmentError {
        SegmentError { offset: 0, expected, found: format!("others at place {}", self.place) }
    }

    /// A small number; 0 where there is none.
    #[inline]
    fn number(&mut self, field: Field) -> u64 {
        let slot = field.slot();
        self.opened.numbers[slot].map_or(0, |column| self.cursors.numbers[slot].get(column, self.place))
    }

    #[inline]
    fn time(&mut self, field: Field, reference: Reference) -> Option<i64> {
        let slot = field.slot();
        self.opened.times[slot]?.get_next(self.place, reference, &mut self.cursors.times[slot])
    }

    /// What the place's block has of a text; none if the column is to be asked.
    #[inline(always)]
    fn in_block(&self, field: Field) -> Option<Pair<'o>> {
        if !BLOCKS {
            return None;
        }
        self.blocks.get(field.slot())?.pair((self.place % BLOCK_ROWS) as usize)
    }

    /// Puts a text, if there is one; says whether there was.
    #[inline(always)]
    fn text(&mut self, key: u64, field: Field) -> Result<bool, SegmentError> {
        if self.opened.texts[field.slot()].is_none() {
            return Ok(false);
        }
        if let Some(pair) = self.in_block(field) {
            self.pairs.pair(key, pair.bytes, pair.head_bytes);
            return Ok(!pair.bytes.is_empty());
        }
        self.with_text(field, |text, pairs| {
            pairs.text(key, text);
            Ok(())
        })
    }

    /// Gives a text to `then`, if there is one; says whether there was.
    #[inline]
    fn with_text(
        &mut self,
        field: Field,
        then: impl FnOnce(Loose<'_>, &mut Pairs<'_>) -> Result<(), &'static str>,
    ) -> Result<bool, SegmentError> {
        let slot = field.slot();
        let Some(column) = self.opened.texts[slot] else { return Ok(false) };
        if let Some(pair) = self.in_block(field) {
            return match pair.bytes.is_empty() {
                true => Ok(false),
                false => match then(pair.text(), &mut self.pairs) {
                    Ok(()) => Ok(true),
                    Err(expected) => Err(self.wrong(expected)),
                },
            };
        }
        match column.bytes(self.place, &mut self.cursors.texts[slot]) {
            Ok(None) => Ok(false),
            Ok(Some(text)) => match then(text, &mut self.pairs) {
                Ok(()) => Ok(true),
                Err(expected) => Err(self.wrong(expected)),
            },
            Err(error) => Err(self.view.in_column(field, error)),
        }
    }

    /// A byte string, if there is one, given to `then`.
    #[inline]
    fn byte_string<T>(
        &mut self,
        field: Field,
        then: impl FnOnce(&[u8], &mut Pairs<'_>) -> T,
    ) -> Result<Option<T>, SegmentError> {
        let slot = field.slot();
        let Some(column) = self.opened.bytes[slot] else { return Ok(None) };
        let string = column.get(self.place, &mut self.cursors.bytes[slot]);
        let string = string.map_err(|error| self.view.in_column(field, error))?;
        Ok(string.map(|string| then(string, &mut self.pairs)))
    }

    fn record(mut self, head: &RowHead) -> Result<Told, SegmentError> {
        if self.byte_string(Field::Verbatim, |record, pairs| pairs.replace(record))?.is_some() {
            return Ok(Told::default());
        }
        let opened = self.opened;
        let tenant =
            opened.tenants.get(head.tenant as usize).ok_or_else(|| self.wrong("a tenant of the table"))?;
        self.pairs.unsigned(key::VERSION, RECORD_VERSION);
        self.pairs.unsigned(key::TENANT_SEQ, head.tenant_seq);
        self.text(key::ID, Field::Id)?;
        self.text(key::LOGGED_BY, Field::LoggedBy)?;
        if !self.pairs.has(key::LOGGED_BY) {
            self.pairs.empty_text(key::LOGGED_BY);
        }
        self.pairs.text(key::TENANT, tenant.tenant.as_bytes().into());
        self.text(key::ORGANIZATION, Field::Organization)?;
        self.pairs.text(key::SERVICE, opened.service.as_bytes().into());
        let reference = Reference { time: head.logged_at, row: head.row };
        let generated_at = self.time(Field::GeneratedAt, reference);
        self.pairs.time(key::GENERATED_AT, generated_at);
        // A control record has no severity; every other has one.
        if self.byte_string(Field::Control, |_, _| ())?.is_none() {
            let class = self.number(Field::Severity);
            Severity::from_class(class).ok_or_else(|| self.wrong("a severity class 1..=6"))?;
            self.pairs.unsigned(key::SEVERITY, class);
        }
        self.text(key::ACTIVITY, Field::Activity)?;
        self.text(key::ACTOR_TYPE, Field::ActorType)?;
        self.text(key::ACTOR_ID, Field::ActorId)?;
        self.text(key::ACTOR_NAME, Field::ActorName)?;
        self.text(key::ON_BEHALF_OF, Field::OnBehalfOf)?;
        self.text(key::OBJECT_ID, Field::ObjectId)?;
        self.text(key::OBJECT_NAME, Field::ObjectName)?;
        self.text(key::REQUEST_ID, Field::RequestId)?;
        self.text(key::CONFIGURATION_ID, Field::ConfigurationId)?;
        match self.number(Field::Success) {
            0 => {}
            success @ 1..=2 => self.pairs.boolean(key::SUCCESS, success == 2),
            _ => return Err(self.wrong("a success of 0, 1 or 2")),
        }
        self.message()?;
        let reference = Reference { time: generated_at.unwrap_or(head.logged_at), row: head.row };
        let started = self.time(Field::Started, reference);
        self.pairs.time(key::STARTED, started);
        let finished = self.time(Field::Finished, reference);
        self.pairs.time(key::FINISHED, finished);
        self.process()?;
        self.artifact()?;
        self.with_text(Field::Attributes, attributes::put)?;
        if self.number(Field::ArtifactHeld) == 1 {
            self.pairs.boolean(key::ARTIFACT_HELD, true);
        }
        self.byte_string(Field::Control, |control, pairs| pairs.encoded(key::CONTROL, control))?;
        Ok(self.pairs.finish())
    }

    fn message(&mut self) -> Result<bool, SegmentError> {
        self.with_text(Field::Message, |text, pairs| {
            if references::is_folded(text) {
                return pairs.referring(key::MESSAGE, |out| references::unfold(text, out));
            }
            pairs.text(key::MESSAGE, text);
            Ok(())
        })
    }

    fn process(&mut self) -> Result<(), SegmentError> {
        let has_id = self.text(key::PROCESS_ID, Field::ProcessId)?;
        let event = self.number(Field::ProcessEvent);
        match (has_id, ProcessEvent::from_number(event)) {
            (true, Some(_)) => {
                self.text(key::PROCESS_PARENT, Field::ProcessParent)?;
                self.pairs.unsigned(key::PROCESS_EVENT, event);
                Ok(())
            }
            (false, None) => Ok(()),
            _ => Err(self.wrong("a process ID and an event together")),
        }
    }

    fn artifact(&mut self) -> Result<(), SegmentError> {
        let put = self.byte_string(Field::ArtifactSha256, |sha256, pairs| {
            pairs.bytes(key::ARTIFACT_SHA256, sha256);
            sha256.len()
        })?;
        match put {
            None => return Ok(()),
            Some(32) => {}
            Some(_) => return Err(self.wrong("32 bytes of SHA-256")),
        }
        self.text(key::ARTIFACT_NAME, Field::ArtifactName)?;
        self.text(key::ARTIFACT_MEDIA_TYPE, Field::ArtifactMediaType)?;
        if let Some(size) = self.time(Field::ArtifactSize, Reference::default()) {
            self.pairs.unsigned(key::ARTIFACT_SIZE, size.cast_unsigned());
        }
        Ok(())
    }
}
