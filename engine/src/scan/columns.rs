//! What a filter asks of a sealed segment's columns, before any record is put together: block by block, codes first,
//! then rows that codes leave open.

use super::Log;
use super::filter::Compiled;
use super::includes;
use super::includes::Includes;
use super::judge::{Judge, Judged, Question, Verdict};
use crate::format::column::BLOCK_ROWS;
use crate::format::column::text::{self, Text};
use crate::format::column::times::Reference;
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::model::{ProcessEvent, Severity, Timestamp};
use crate::segment::view::{Column, Cursors, RowTexts, View, bits};

const ROWS: usize = BLOCK_ROWS as usize;
/// So few rows of a block are looked at one by one.
const FEW: u32 = 24;
/// Fields that messages refer to and that have columns.
const SOURCES: usize = 16;

/// A filter, made ready for one segment.
pub(super) struct Test {
    /// Bits of severity classes.
    severities: Option<u8>,
    has_verbatim: bool,
    /// All must say yes; each with its index among the filter's exact fields.
    exact: Vec<(usize, TextTest)>,
    /// One of each, unless there are none, must say yes.
    items: Vec<TextTest>,
    searches: Vec<TextTest>,
    /// What is asked beside texts.
    asks_more: bool,
    /// Rows of the block whose records are kept whole.
    verbatim: u128,
}

/// What is asked of one text column.
struct TextTest {
    field: Field,
    judged: Judged,
    /// What messages may refer to.
    sources: Vec<(Field, Judged)>,
    /// Of the block that is looked at.
    marks: Marks,
}

/// What codes say of the rows of a block.
#[derive(Clone, Copy, Default)]
struct Marks {
    yes: u128,
    open: u128,
    /// By source: rows of which one of the fields that their message refers to must say yes.
    values: [u128; SOURCES],
    any_values: u128,
}

impl Marks {
    fn of(
        view: &View<'_>,
        field: Field,
        judged: &Judged,
        block: u32,
        rows: u128,
    ) -> Result<Marks, SegmentError> {
        let mut marks = Marks::default();
        if judged.best == Verdict::No {
            return Ok(marks);
        }
        let column = match view.column(field)? {
            Some(Column::Texts(column)) => Some(&**column),
            _ => None,
        };
        if let (Some(column), Some(stride)) = (column, judged.stride)
            && !judged.sought.iter().any(|sought| column.may_hold(block, stride, sought))
        {
            return Ok(marks);
        }
        if rows.count_ones() <= FEW
            && let Some(marks) = Marks::of_few(column, judged, block, rows)
        {
            return Ok(marks);
        }
        let mut codes = [0; ROWS];
        view.codes_of(field, block, &mut codes)?;
        // What one value tells, before rows that repeat take the codes of those that they repeat.
        let told = |sought| column.map_or(0, |column| column.rows_with(block, &codes, sought));
        let found = judged.sought.iter().map(told).fold(0, |rows, own| rows | own);
        // A row that repeats one of a page takes no text of its own.
        let in_pages = rows_of_code(&codes, text::RAW);
        if codes.contains(&u64::from(text::REPEAT)) {
            resolve_repeats(&mut codes);
        }
        // A code that means nothing is looked at, which says so.
        let unknown = judged.verdicts.len() - 1;
        let mut verdicts = [Verdict::No as u8; ROWS];
        let mut all = 0;
        for (verdict, code) in verdicts.iter_mut().zip(&codes) {
            let code = usize::try_from(*code).unwrap_or(unknown).min(unknown);
            *verdict = judged.verdicts[code] as u8;
            all |= *verdict;
        }
        if all == Verdict::No as u8 {
            return Ok(marks);
        }
        marks.yes = rows_of(&verdicts, Verdict::Yes);
        marks.open = rows_of(&verdicts, Verdict::Open);
        marks.any_values = rows_of(&verdicts, Verdict::Values);
        for sought in &judged.sought {
            marks.open &= found | !rows_of_code(&codes, sought.code);
        }
        if let (Some([yes, open]), Some(column)) = (&judged.raw, column) {
            let raw = rows_of_code(&codes, text::RAW);
            marks.open &= !raw;
            let before = if raw == 0 { 0 } else { column.raw_before(block) as usize };
            for row in bits(raw & rows) {
                let number =
                    before + (in_pages << (BLOCK_ROWS - 1 - row)).count_ones().saturating_sub(1) as usize;
                marks.yes |= u128::from(yes.has(number)) << row;
                marks.open |= u128::from(open.has(number) && !yes.has(number)) << row;
            }
        }
        marks.yes &= rows;
        marks.open &= rows;
        marks.any_values &= rows;
        for row in bits(marks.any_values) {
            let code = usize::try_from(codes[row as usize]).unwrap_or(usize::MAX);
            marks.add_values(judged, code, row);
        }
        Ok(marks)
    }

    /// The same of few rows, each by its code; none if a row is told by others.
    fn of_few(column: Option<&Text<'_>>, judged: &Judged, block: u32, rows: u128) -> Option<Marks> {
        let mut marks = Marks::default();
        let unknown = judged.verdicts.len() - 1;
        for row in bits(rows) {
            let code = column.map_or(text::ABSENT, |column| column.code(block * BLOCK_ROWS + row));
            if code == text::REPEAT || code == text::RAW {
                return None;
            }
            let code = (code as usize).min(unknown);
            match judged.verdicts[code] {
                Verdict::No => {}
                Verdict::Yes => marks.yes |= 1 << row,
                Verdict::Open => marks.open |= 1 << row,
                Verdict::Values => {
                    marks.any_values |= 1 << row;
                    marks.add_values(judged, code, row);
                }
            }
        }
        Some(marks)
    }

    /// Notes what decides over a row that is [`Verdict::Values`].
    fn add_values(&mut self, judged: &Judged, code: usize, row: u32) {
        let own = judged.values.get(code).copied().unwrap_or_default();
        for (source, rows) in self.values.iter_mut().enumerate() {
            *rows |= u128::from(own >> source & 1) << row;
        }
    }

    fn all(&self) -> u128 {
        self.yes | self.open | self.any_values
    }
}

/// Puts the code of the row before in the place of each that repeats it.
fn resolve_repeats(codes: &mut [u64; ROWS]) {
    // No row is before the first, and nothing is there to be repeated of one without a text: reading tells.
    let mut last = u64::MAX;
    for code in codes {
        if *code == u64::from(text::REPEAT) {
            *code = if last == u64::from(text::ABSENT) { u64::MAX } else { last };
        }
        last = *code;
    }
}

/// A bit for each row of a code.
fn rows_of_code(codes: &[u64; ROWS], code: u32) -> u128 {
    rows_of(&codes.map(|own| u8::from(own == u64::from(code)) * Verdict::Open as u8), Verdict::Open)
}

/// A bit for each row with this verdict.
fn rows_of(verdicts: &[u8; ROWS], wanted: Verdict) -> u128 {
    let mut rows = 0;
    for (chunk, at) in verdicts.as_chunks::<8>().0.iter().zip((0..).step_by(8)) {
        let same = chunk.map(|verdict| u8::from(verdict == wanted as u8));
        // The lowest bit of each byte, side by side.
        let bits = u64::from_le_bytes(same).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        rows |= u128::from(bits) << at;
    }
    rows
}

/// A block that is looked at, and what reading it needs.
pub(super) struct Looking<'l, 'a> {
    pub view: &'l View<'a>,
    pub compiled: &'l Compiled,
    pub cursors: &'l mut Cursors<'a>,
    pub texts: &'l mut RowTexts,
    pub block: u32,
}

impl Looking<'_, '_> {
    /// The rows that say yes of those that are looked at one by one.
    fn look(&mut self, field: Field, question: Question<'_>, mut rows: u128) -> Result<u128, SegmentError> {
        let mut found = 0;
        while rows != 0 {
            let (view, texts) = (self.view, &mut *self.texts);
            rows = match (field, question) {
                (Field::Message, Question::Includes(_)) => {
                    view.messages_of(self.block, rows, self.cursors, texts)?
                }
                _ => view.texts_of(field, self.block, rows, self.cursors, texts)?,
            };
            found |= match question {
                Question::Includes(parts) => includes::rows_with(parts, texts),
                Question::IsOneOf(_) => rows_that_are(question, texts),
            };
        }
        Ok(found)
    }

    /// The rows whose own text says yes.
    fn own(
        &mut self,
        field: Field,
        judged: &Judged,
        question: Question<'_>,
        rows: u128,
    ) -> Result<u128, SegmentError> {
        let marks = Marks::of(self.view, field, judged, self.block, rows)?;
        Ok(marks.yes | self.look(field, question, marks.open)?)
    }
}

fn rows_that_are(question: Question<'_>, texts: &RowTexts) -> u128 {
    let (mut begin, mut rows) = (0, 0);
    for (row, end) in texts.ends() {
        if texts.bytes().get(begin..*end).is_some_and(|text| question.answer(text)) {
            rows |= 1 << row;
        }
        begin = *end;
    }
    rows
}

impl TextTest {
    fn new(view: &View<'_>, field: Field, question: Question<'_>) -> Result<TextTest, SegmentError> {
        let mut judge = Judge::new(view, question);
        let judged = judge.column(field)?;
        Ok(TextTest { field, judged, sources: judge.sources, marks: Marks::default() })
    }

    /// Whether no row of the segment can say yes. Rows that repeat are like rows that don't.
    fn is_hopeless(&self) -> bool {
        self.judged.best == Verdict::No
    }

    /// Rows of a block that can say yes, as far as codes tell.
    fn mark(&mut self, view: &View<'_>, block: u32, rows: u128) -> Result<u128, SegmentError> {
        self.marks = Marks::of(view, self.field, &self.judged, block, rows)?;
        Ok(self.marks.all())
    }

    /// Rows of the block that was marked that say yes.
    fn settle(
        &self,
        looking: &mut Looking<'_, '_>,
        question: Question<'_>,
        rows: u128,
    ) -> Result<u128, SegmentError> {
        let mut found = self.marks.yes & rows;
        for ((field, judged), own) in self.sources.iter().zip(self.marks.values) {
            let own = own & rows & !found;
            if own != 0 {
                found |= looking.own(*field, judged, question, own)?;
            }
        }
        Ok(found | looking.look(self.field, question, self.marks.open & rows & !found)?)
    }
}

impl Test {
    /// What a filter asks of a segment; none if no row of it can be a hit.
    pub fn new(view: &View<'_>, compiled: &Compiled) -> Result<Option<Test>, SegmentError> {
        let has_verbatim = view.has_verbatim();
        let mut exact = Vec::with_capacity(compiled.exact.len());
        for (index, own) in compiled.exact.iter().enumerate() {
            let test = TextTest::new(view, own.column, Question::IsOneOf(own))?;
            if test.is_hopeless() && !has_verbatim {
                return Ok(None);
            }
            exact.push((index, test));
        }
        let includes = |fields: [Field; 2], parts: &[Includes]| match parts {
            [] => Ok(Vec::new()),
            parts => {
                let tests = fields.map(|field| TextTest::new(view, field, Question::Includes(parts)));
                tests.into_iter().collect::<Result<Vec<_>, _>>()
            }
        };
        let severities = compiled.severities.as_ref();
        let severity_bits = |own: &Vec<Severity>| own.iter().fold(0, |bits, own| bits | 1 << own.class());
        let test = Test {
            severities: severities.map(severity_bits),
            has_verbatim,
            exact,
            items: includes([Field::ObjectId, Field::ObjectName], &compiled.items)?,
            searches: includes([Field::Activity, Field::Message], &compiled.searches)?,
            asks_more: compiled.log != Log::All
                || !compiled.successes.is_empty()
                || compiled.generated.is_some(),
            verbatim: 0,
        };
        let no_hope = |tests: &[TextTest]| !tests.is_empty() && tests.iter().all(TextTest::is_hopeless);
        let is_hopeless = !has_verbatim && (no_hope(&test.items) || no_hope(&test.searches));
        Ok((!is_hopeless).then_some(test))
    }

    /// Whether every row passes, severities aside.
    pub fn is_empty(&self) -> bool {
        !self.asks_more && self.exact.is_empty() && self.items.is_empty() && self.searches.is_empty()
    }

    /// Rows of a block that severity and codes leave. What they say of a record that is kept whole is yes.
    pub fn mark(&mut self, view: &View<'_>, block: u32, mut rows: u128) -> Result<u128, SegmentError> {
        if let Some(severities) = self.severities {
            let is_asked = |class: u64| class < 8 && severities >> class & 1 != 0;
            match view.column(Field::Severity)? {
                Some(Column::Numbers(column)) if rows.count_ones() <= FEW => {
                    for row in bits(rows) {
                        let class = column.get(block * BLOCK_ROWS + row);
                        rows &= !(u128::from(!is_asked(class)) << row);
                    }
                }
                _ => {
                    let mut classes = [0; ROWS];
                    view.numbers_of(Field::Severity, block, &mut classes)?;
                    let own = classes.iter().zip(0..).map(|(class, row)| u128::from(is_asked(*class)) << row);
                    rows &= own.fold(0, |rows, own| rows | own);
                }
            }
        }
        self.verbatim = 0;
        if self.has_verbatim {
            for row in bits(rows) {
                self.verbatim |= u128::from(view.is_verbatim(block * BLOCK_ROWS + row)?) << row;
            }
        }
        let mut left = rows & !self.verbatim;
        for (_, test) in &mut self.exact {
            if left != 0 {
                left &= test.mark(view, block, left)?;
            }
        }
        for tests in [&mut self.items, &mut self.searches] {
            if left != 0 && !tests.is_empty() {
                let mut own = 0;
                for test in tests {
                    own |= test.mark(view, block, left)?;
                }
                left &= own;
            }
        }
        Ok(left | self.verbatim)
    }

    /// Which of the rows of the block that was marked last can be hits. `reference` gives the commit time of a place.
    pub fn settle(
        &self,
        looking: &mut Looking<'_, '_>,
        rows: u128,
        mut reference: impl FnMut(u32) -> Reference,
    ) -> Result<u128, SegmentError> {
        let mut left = rows & !self.verbatim;
        if self.asks_more {
            for row in bits(left) {
                if !passes_more(looking, looking.block * BLOCK_ROWS + row, || reference(row))? {
                    left &= !(1 << row);
                }
            }
        }
        let compiled = looking.compiled;
        for (index, test) in &self.exact {
            let Some(exact) = compiled.exact.get(*index) else { continue };
            left = test.settle(looking, Question::IsOneOf(exact), left)?;
        }
        for (tests, parts) in [(&self.items, &compiled.items), (&self.searches, &compiled.searches)] {
            if !tests.is_empty() {
                let mut found = 0;
                for test in tests {
                    found |= test.settle(looking, Question::Includes(parts), left & !found)?;
                }
                left = found;
            }
        }
        Ok(left | rows & self.verbatim)
    }
}

/// What is asked of a place beside texts and severity.
fn passes_more(
    looking: &mut Looking<'_, '_>,
    place: u32,
    reference: impl FnOnce() -> Reference,
) -> Result<bool, SegmentError> {
    let Looking { view, compiled, cursors, .. } = looking;
    if compiled.log != Log::All {
        let has = |field| match view.column(field)? {
            Some(Column::Texts(column)) => Ok::<_, SegmentError>(column.code(place) != text::ABSENT),
            _ => Ok(false),
        };
        let is_in_log = match (compiled.log, has(Field::ProcessId)?) {
            (Log::Process, has_process) => has_process,
            (Log::Customer, true) => {
                let event = view.number_next(Field::ProcessEvent, place, cursors)?;
                // What is no event makes no record: reading that says so.
                ProcessEvent::from_number(event).is_none_or(ProcessEvent::is_closing)
                    && !has(Field::ProcessParent)?
            }
            (_, has_process) => !has_process,
        };
        if !is_in_log {
            return Ok(false);
        }
    }
    if !compiled.successes.is_empty() {
        let success = view.number_next(Field::Success, place, cursors)?;
        // What is no success makes no record: reading that says so.
        if success <= 2 && (success == 0 || !compiled.successes.contains(&(success == 2))) {
            return Ok(false);
        }
    }
    let Some(window) = compiled.generated else { return Ok(true) };
    let time = view.time_next(Field::GeneratedAt, place, reference(), cursors)?;
    Ok(time.is_some_and(|time| window.contains(Timestamp::from_nanos(time))))
}
