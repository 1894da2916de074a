//! What a filter asks of a sealed segment's columns, before any record is put together.
//!
//! Texts of a column are judged by the codes that stand for them, each template once; a row is looked at only where its
//! code leaves it open. Nothing here trusts that a text is where its writer would have put it: a code is refused only
//! if no row of it can have such a text.

use super::Log;
use super::filter::{Compiled, Exact, Includes};
use crate::format::column::template::{Piece, Template};
use crate::format::column::text::{self, Text};
use crate::format::column::times::Reference;
use crate::format::column::window::Window;
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::format::segment::references;
use crate::format::sheet::Sheet;
use crate::model::{Severity, Timestamp};
use crate::segment::view::{Column, Cursors, View};

/// A filter, made ready for one segment.
pub(super) struct Test {
    /// Bits of severity classes.
    severities: Option<u8>,
    has_verbatim: bool,
    /// All must say yes.
    exact: Vec<TextTest>,
    /// One of each, unless there are none, must say yes.
    items: Vec<TextTest>,
    searches: Vec<TextTest>,
    /// What is asked beside texts.
    asks_more: bool,
}

/// A place that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub place: u32,
    pub reference: Reference,
    pub tenant: u32,
}

/// What a code says of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    No,
    Yes,
    /// Each row is to be looked at.
    Open,
}

/// What is asked of one text column.
struct TextTest {
    field: Field,
    /// Index among the filter's exact fields.
    exact: usize,
    /// By code.
    verdicts: Vec<Verdict>,
    codes: Window,
}

/// Something that is asked of a text.
#[derive(Clone, Copy)]
enum Question<'c> {
    IsOneOf(&'c Exact),
    Includes(&'c [Includes]),
}

impl Question<'_> {
    fn answer(self, text: &[u8]) -> bool {
        // Columns give UTF-8.
        let Ok(text) = std::str::from_utf8(text) else { return false };
        match self {
            Question::IsOneOf(exact) => exact.has(text),
            Question::Includes(parts) => parts.iter().any(|part| part.is_in(text)),
        }
    }

    fn of_template(self, template: Template<'_>, is_message: bool) -> Verdict {
        let (mut first, mut last) = (None, None);
        let mut has_slot = false;
        for piece in template.pieces() {
            has_slot |= matches!(piece, Piece::Slot(_));
            first = first.or(Some(piece));
            last = Some(piece);
        }
        let literal = |piece: Option<Piece<'_>>| match piece {
            Some(Piece::Literal(text)) => text.to_owned(),
            _ => String::new(),
        };
        let (first, last) = (literal(first), literal(last));
        let is_folded = |text: &str| is_message && references::is_folded(text.as_bytes().into());
        match self {
            _ if !has_slot && !is_folded(&first) => {
                if self.answer(first.as_bytes()) {
                    Verdict::Yes
                } else {
                    Verdict::No
                }
            }
            Question::IsOneOf(exact) => {
                let fits = |value: &String| value.starts_with(&first) && value.ends_with(&last);
                if exact.values.iter().any(fits) { Verdict::Open } else { Verdict::No }
            }
            Question::Includes(parts) => {
                let has = |piece| match piece {
                    Piece::Literal(text) if !is_folded(text) => parts.iter().any(|part| part.is_in(text)),
                    _ => false,
                };
                if template.pieces().any(has) { Verdict::Yes } else { Verdict::Open }
            }
        }
    }
}

impl TextTest {
    fn new(
        view: &View<'_>,
        field: Field,
        exact: usize,
        question: Question<'_>,
    ) -> Result<TextTest, SegmentError> {
        let empty = if question.answer(&[]) { Verdict::Yes } else { Verdict::No };
        let mut verdicts = vec![empty];
        if let Some(Column::Texts(column)) = view.column(field)? {
            let raw = if column.sizes().raw_row_count > 0 { Verdict::Open } else { Verdict::No };
            verdicts.extend([raw, Verdict::Open]);
            let of = |template| question.of_template(template, field == Field::Message);
            verdicts.extend(column.templates().map(of));
        }
        Ok(TextTest { field, exact, verdicts, codes: Window::default() })
    }

    /// Whether no row of the segment can say yes. Rows that repeat are like rows that don't.
    fn is_hopeless(&self) -> bool {
        let mut own = self.verdicts.iter().zip(0_u32..).filter(|(_, code)| *code != text::REPEAT);
        own.all(|(verdict, _)| *verdict == Verdict::No)
    }

    fn verdict(&mut self, column: Option<&Text<'_>>, place: u32) -> Verdict {
        let code = column.map_or(0, |column| self.codes.get(column.codes(), place));
        let verdict = usize::try_from(code).ok().and_then(|code| self.verdicts.get(code));
        // A code that means nothing is looked at, which says so.
        verdict.copied().unwrap_or(Verdict::Open)
    }

    fn passes<'a>(
        &mut self,
        view: &View<'a>,
        look: Look,
        question: Question<'_>,
        cursors: &mut Cursors<'a>,
        room: &mut Sheet,
    ) -> Result<bool, SegmentError> {
        let column = match view.column(self.field)? {
            Some(Column::Texts(column)) => Some(&**column),
            _ => None,
        };
        Ok(match self.verdict(column, look.place) {
            Verdict::Yes => true,
            Verdict::No => false,
            Verdict::Open if self.field == Field::Message => {
                question.answer(view.message_next(look.place, look.tenant, cursors, room)?)
            }
            Verdict::Open => {
                question.answer(view.text_next(self.field, look.place, cursors)?.unwrap_or_default())
            }
        })
    }
}

impl Test {
    /// What a filter asks of a segment; none if no row of it can be a hit.
    pub fn new(view: &View<'_>, compiled: &Compiled) -> Result<Option<Test>, SegmentError> {
        let includes = |fields: [Field; 2], parts: &[Includes]| match parts {
            [] => Ok(Vec::new()),
            parts => {
                let tests = fields.map(|field| TextTest::new(view, field, 0, Question::Includes(parts)));
                tests.into_iter().collect::<Result<Vec<_>, _>>()
            }
        };
        let exact = compiled
            .exact
            .iter()
            .enumerate()
            .map(|(index, exact)| TextTest::new(view, exact.column, index, Question::IsOneOf(exact)));
        let severities = compiled.severities.as_ref();
        let bits = |own: &Vec<Severity>| own.iter().fold(0, |bits, own| bits | 1 << own.class());
        let test = Test {
            severities: severities.map(bits),
            has_verbatim: view.has_verbatim(),
            exact: exact.collect::<Result<_, _>>()?,
            items: includes([Field::ObjectId, Field::ObjectName], &compiled.items)?,
            searches: includes([Field::Activity, Field::Message], &compiled.searches)?,
            asks_more: compiled.log != Log::All
                || !compiled.successes.is_empty()
                || compiled.generated.is_some(),
        };
        let no_hope = |tests: &[TextTest]| !tests.is_empty() && tests.iter().all(TextTest::is_hopeless);
        let is_hopeless = !test.has_verbatim
            && (test.exact.iter().any(TextTest::is_hopeless)
                || no_hope(&test.items)
                || no_hope(&test.searches));
        Ok((!is_hopeless).then_some(test))
    }

    /// Whether every row passes, severities aside.
    pub fn is_empty(&self) -> bool {
        !self.asks_more && self.exact.is_empty() && self.items.is_empty() && self.searches.is_empty()
    }

    /// Whether the severity of a place is one of those that are asked for.
    pub fn passes_severity<'a>(
        &self,
        view: &View<'a>,
        place: u32,
        cursors: &mut Cursors<'a>,
    ) -> Result<bool, SegmentError> {
        let Some(bits) = self.severities else { return Ok(true) };
        let class = view.number_next(Field::Severity, place, cursors)?;
        Ok(class < 8 && bits >> class & 1 != 0)
    }

    /// Whether a place can be a hit, severities aside. What it says of a record that is kept whole is yes.
    pub fn passes<'a>(
        &mut self,
        view: &View<'a>,
        compiled: &Compiled,
        look: Look,
        cursors: &mut Cursors<'a>,
        room: &mut Sheet,
    ) -> Result<bool, SegmentError> {
        if self.has_verbatim && view.is_verbatim(look.place)? {
            return Ok(true);
        }
        if self.asks_more && !self.passes_more(view, compiled, look, cursors)? {
            return Ok(false);
        }
        for test in &mut self.exact {
            let Some(exact) = compiled.exact.get(test.exact) else { continue };
            if !test.passes(view, look, Question::IsOneOf(exact), cursors, room)? {
                return Ok(false);
            }
        }
        for (tests, parts) in [(&mut self.items, &compiled.items), (&mut self.searches, &compiled.searches)] {
            let mut found = tests.is_empty();
            for test in tests {
                found = found || test.passes(view, look, Question::Includes(parts), cursors, room)?;
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn passes_more<'a>(
        &self,
        view: &View<'a>,
        compiled: &Compiled,
        look: Look,
        cursors: &mut Cursors<'a>,
    ) -> Result<bool, SegmentError> {
        if compiled.log != Log::All {
            let has_process = match view.column(Field::ProcessId)? {
                Some(Column::Texts(column)) => column.code(look.place) != text::ABSENT,
                _ => false,
            };
            if has_process != (compiled.log == Log::Process) {
                return Ok(false);
            }
        }
        if !compiled.successes.is_empty() {
            let success = view.number_next(Field::Success, look.place, cursors)?;
            // What is no success makes no record: reading that says so.
            if success <= 2 && (success == 0 || !compiled.successes.contains(&(success == 2))) {
                return Ok(false);
            }
        }
        let Some(window) = compiled.generated else { return Ok(true) };
        let time = view.time_next(Field::GeneratedAt, look.place, look.reference, cursors)?;
        Ok(time.is_some_and(|time| window.contains(Timestamp::from_nanos(time))))
    }
}
