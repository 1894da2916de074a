//! What the codes of a text column say of their rows, before any text is put together.
//!
//! Each template is judged once. Nothing here trusts that a text is where its writer would have put it: a code is
//! refused only if no row of it can have such a text.

use super::filter::Exact;
use super::includes;
use super::includes::Includes;
use super::needle::{Edges, Needle, Walk};
use crate::format::column::template::{self, Piece, Template};
use crate::format::column::text::{self, Sought, Text};
use crate::format::record::key;
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::format::segment::references::{self, Special};
use crate::format::sheet::Loose;
use crate::segment::view::{Column, View, field_of};

/// What a code says of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    No,
    /// Those say yes of which one of the fields that the message refers to does.
    Values,
    /// Each row is to be looked at.
    Open,
    Yes,
}

/// Something that is asked of a text.
#[derive(Clone, Copy)]
pub(super) enum Question<'c> {
    IsOneOf(&'c Exact),
    /// It includes one of these.
    Includes(&'c [Includes]),
}

impl Question<'_> {
    pub fn answer(self, text: &[u8]) -> bool {
        match self {
            Question::IsOneOf(exact) => exact.has_bytes(text),
            Question::Includes(parts) => parts.iter().any(|part| part.is_in(text)),
        }
    }
}

/// How far a text was followed through a message.
struct Way {
    walk: Walk,
    verdict: Verdict,
    values: u16,
}

impl Default for Way {
    fn default() -> Way {
        Way { walk: Walk::default(), verdict: Verdict::No, values: 0 }
    }
}

impl Way {
    /// What the message says, and the fields that may.
    fn end(&self, needle: &Needle) -> (Verdict, u16) {
        let mut verdict = self.verdict;
        if self.walk.seen & needle.all() != 0 {
            verdict = verdict.max(Verdict::Open);
        }
        if self.values != 0 {
            verdict = verdict.max(Verdict::Values);
        }
        (verdict, self.values)
    }
}

/// Which templates of a column hold a text that is looked for in a literal piece.
struct Held {
    /// Whether that is known.
    is_plain: bool,
    templates: Bits,
}

impl Held {
    fn of(parts: &[Includes], column: &Text<'_>) -> Vec<Held> {
        let lower = column.shapes().to_ascii_lowercase();
        let is_ascii = includes::is_ascii(&lower);
        let of_part = |part: &Includes| {
            let (is_plain, mut templates) = (part.is_plain(is_ascii), Bits::default());
            if is_plain {
                let ends = column.templates().map(|template| (template.number(), template.shape_end()));
                part.each_in(&lower, is_ascii, ends, |number| templates.set(number));
            }
            Held { is_plain, templates }
        };
        parts.iter().map(of_part).collect()
    }

    fn says_yes(&self, template: Template<'_>) -> bool {
        self.is_plain && self.templates.has(template.number())
    }
}

/// A column's codes.
pub(super) struct Judged {
    /// By code, and last of what is no code.
    pub verdicts: Vec<Verdict>,
    /// By code, of those that are [`Verdict::Values`]: a bit for each of [`Judge::sources`].
    pub values: Vec<u16>,
    /// Of each text that is looked for, how it may lie at the ends of the column's.
    edges: Vec<Edges>,
    /// The greatest.
    pub best: Verdict,
    /// Of templates whose rows one value tells apart, those that are asked for.
    pub sought: Vec<Sought>,
    /// Bits of each row that has any, where rows that [`Judged::sought`] refuses are no hits.
    pub stride: Option<usize>,
    /// By number of a text in pages, if that is known: bits of those that say yes, and of those that are looked at.
    pub raw: Option<[Bits; 2]>,
}

/// A bit for each number.
#[derive(Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, number: usize) {
        if self.0.len() <= number / 64 {
            self.0.resize(number / 64 + 1, 0);
        }
        self.0[number / 64] |= 1 << (number % 64);
    }

    pub fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }
}

/// Judges columns of one segment, as far as they are asked for.
pub(super) struct Judge<'v, 'a, 'c> {
    view: &'v View<'a>,
    question: Question<'c>,
    /// Fields that messages refer to, in the order in which they were met.
    pub sources: Vec<(Field, Judged)>,
    /// What tenants and service say, each once asked.
    names: [Option<Vec<Edges>>; 2],
}

impl<'v, 'a, 'c> Judge<'v, 'a, 'c> {
    pub fn new(view: &'v View<'a>, question: Question<'c>) -> Judge<'v, 'a, 'c> {
        Judge { view, question, sources: Vec::new(), names: [None, None] }
    }

    /// What a column's codes say.
    pub fn column(&mut self, field: Field) -> Result<Judged, SegmentError> {
        let absent = if self.question.answer(&[]) { Verdict::Yes } else { Verdict::No };
        let part_count = match self.question {
            Question::IsOneOf(_) => 0,
            Question::Includes(parts) => parts.len(),
        };
        let mut judged = Judged {
            verdicts: vec![absent],
            values: Vec::new(),
            edges: vec![Edges::default(); part_count],
            best: absent,
            sought: Vec::new(),
            stride: None,
            raw: None,
        };
        let Some(Column::Texts(column)) = self.view.column(field)? else {
            judged.verdicts.push(Verdict::Open);
            return Ok(judged);
        };
        let raw = match column.sizes().raw_row_count {
            0 => Verdict::No,
            _ => self.raw(field, &mut judged)?,
        };
        judged.verdicts.reserve(column.sizes().template_count + 2);
        judged.verdicts.extend([raw, Verdict::Open]);
        match self.question {
            Question::IsOneOf(exact) => {
                let sought = &mut judged.sought;
                judged.verdicts.extend(column.templates().map(|template| of_exact(exact, template, sought)));
            }
            Question::Includes(parts) => {
                let held = Held::of(parts, column);
                if field == Field::Message {
                    self.messages(column, parts, &held, &mut judged)?;
                } else {
                    let edges = &mut judged.edges;
                    let of = |template| of_plain(parts, &held, template, edges);
                    judged.verdicts.extend(column.templates().map(of));
                }
            }
        }
        // Of codes that are none.
        judged.verdicts.push(Verdict::Open);
        let codes = judged.verdicts[..judged.verdicts.len() - 1]
            .iter()
            .zip(0_u32..)
            .filter(|(_, code)| *code != text::REPEAT);
        // No other code has a hit: blocks without the values have none.
        let is_sought = |code: u32| judged.sought.iter().any(|own| own.code == code);
        if codes.clone().all(|(verdict, code)| *verdict == Verdict::No || is_sought(code)) {
            judged.stride = column.stride();
        }
        judged.best = codes.map(|(verdict, _)| *verdict).max().unwrap_or(absent);
        Ok(judged)
    }

    /// What texts in pages say: looked at each, if they are kept together.
    fn raw(&mut self, field: Field, judged: &mut Judged) -> Result<Verdict, SegmentError> {
        let Some(texts) = self.view.raw_texts(field)? else {
            judged.edges.fill(Edges::ANY);
            return Ok(Verdict::Open);
        };
        let (mut yes, mut open) = (Bits::default(), Bits::default());
        match self.question {
            Question::IsOneOf(exact) => {
                for (number, text) in texts.texts().enumerate() {
                    if exact.has_bytes(text) {
                        yes.set(number);
                    }
                }
            }
            Question::Includes(parts) => {
                let lower = texts.bytes().to_ascii_lowercase();
                let is_ascii = includes::is_ascii(&lower);
                for (index, part) in parts.iter().enumerate() {
                    let is_plain = part.is_plain(is_ascii);
                    if field != Field::Message || is_plain {
                        // The rest of a text that is not followed whole may lie behind the value.
                        let mut holds = !part.needle.is_whole;
                        part.each_in(&lower, is_ascii, texts.ends(), |number| {
                            holds = true;
                            yes.set(number);
                        });
                        // At their ends they may be anything.
                        judged.edges[index] = Edges { holds, ..Edges::ANY };
                    }
                    if field == Field::Message {
                        for (number, text) in texts.texts().enumerate() {
                            let mut way = Way::default();
                            self.follow(part, index, text, is_plain, &mut way)?;
                            match way.end(&part.needle).0 {
                                Verdict::Yes => yes.set(number),
                                Verdict::No => {}
                                Verdict::Open | Verdict::Values => open.set(number),
                            }
                        }
                    }
                }
            }
        }
        let verdict = if yes.0.is_empty() && open.0.is_empty() { Verdict::No } else { Verdict::Open };
        judged.raw = Some([yes, open]);
        Ok(verdict)
    }

    fn messages(
        &mut self,
        column: &Text<'_>,
        parts: &[Includes],
        held: &[Held],
        judged: &mut Judged,
    ) -> Result<(), SegmentError> {
        judged.values = vec![0; judged.verdicts.len()];
        for template in column.templates() {
            let (mut verdict, mut values) = (Verdict::No, 0);
            for (index, (part, held)) in parts.iter().zip(held).enumerate() {
                let (own, own_values) = match held.says_yes(template) {
                    true => (Verdict::Yes, 0),
                    false => self.message(part, index, template, held.is_plain)?,
                };
                verdict = verdict.max(own);
                values |= own_values;
            }
            judged.verdicts.push(verdict);
            judged.values.push(values);
        }
        Ok(())
    }

    /// What messages of a template say of one text that is looked for, and the fields that may.
    fn message(
        &mut self,
        part: &Includes,
        index: usize,
        template: Template<'_>,
        is_plain: bool,
    ) -> Result<(Verdict, u16), SegmentError> {
        let mut way = Way::default();
        let mut result = Ok(());
        template.each_piece(|piece| {
            match piece {
                Piece::Literal(text) => result = self.follow(part, index, text, is_plain, &mut way),
                Piece::Variable(variable) => way.walk = part.needle.variable(way.walk, 1, &variable),
            }
            way.verdict != Verdict::Yes && result.is_ok()
        });
        result?;
        Ok(way.end(&part.needle))
    }

    /// Follows a text through a literal piece of a message, and the values that it refers to. If it `is_plain`, it is
    /// known of what lies between those whether it includes the text.
    fn follow(
        &mut self,
        part: &Includes,
        index: usize,
        mut rest: &[u8],
        is_plain: bool,
        way: &mut Way,
    ) -> Result<(), SegmentError> {
        let needle = &part.needle;
        while !rest.is_empty() {
            let mut end = 0;
            let special = loop {
                end += Loose::from(&rest[end..]).control_at(0).unwrap_or(rest.len() - end);
                match rest.get(end).map(|byte| references::special(*byte)) {
                    None => break None,
                    Some(Some(special)) => break Some(special),
                    // Other control characters are themselves.
                    Some(None) => end += 1,
                }
            };
            let (own, behind) = rest.split_at(end);
            let before = std::mem::take(&mut way.walk.seen);
            if is_plain {
                way.walk = needle.literal_ends(way.walk, own);
            } else {
                way.walk = needle.literal(way.walk, 1, own);
                if way.walk.seen & needle.all() != 0 && part.is_in(own) {
                    way.verdict = Verdict::Yes;
                    return Ok(());
                }
            }
            way.walk.seen |= before;
            rest = behind.get(1..).unwrap_or_default();
            match special {
                Some(Special::Value(key)) => {
                    let (edges, source) = self.values_of(key, index)?;
                    match source {
                        // What is followed may lie in a value, and go on behind it.
                        Some(source) if edges.holds && needle.is_whole => way.values |= 1 << source,
                        _ if edges.holds => way.verdict = Verdict::Open,
                        _ => {}
                    }
                    let ends = &mut way.walk.ends;
                    if *ends & edges.begin != 0 {
                        way.verdict = Verdict::Open;
                    }
                    let inner = if *ends == 0 { 0 } else { edges.inner };
                    *ends |= edges.end | inner;
                }
                Some(Special::Escape) => {
                    // The next character is a literal one, whatever it is.
                    let (own, behind) = rest.split_at(rest.len().min(1));
                    way.walk = needle.literal(way.walk, 1, own);
                    rest = behind;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// What is known of the values of a key, and which source they are, if they have a column.
    fn values_of(&mut self, key: u64, part: usize) -> Result<(Edges, Option<usize>), SegmentError> {
        let Some(field) = field_of(key) else { return Ok((self.name_edges(key, part)?, None)) };
        let source = match self.sources.iter().position(|(own, _)| *own == field) {
            Some(source) => source,
            None => {
                let judged = self.column(field)?;
                self.sources.push((field, judged));
                self.sources.len() - 1
            }
        };
        let edges = self.sources[source].1.edges.get(part).copied().unwrap_or(Edges::ANY);
        Ok((edges, Some(source)))
    }

    fn name_edges(&mut self, key: u64, part: usize) -> Result<Edges, SegmentError> {
        let Question::Includes(parts) = self.question else { return Ok(Edges::ANY) };
        let slot = match key {
            key::TENANT => 0,
            key::SERVICE => 1,
            // It stands for nothing that there is: the row says so.
            _ => return Ok(Edges::ANY),
        };
        if self.names[slot].is_none() {
            let mut edges = vec![Edges::default(); parts.len()];
            for (part, edges) in parts.iter().zip(&mut edges) {
                match slot {
                    0 => self
                        .view
                        .tenants()?
                        .iter()
                        .for_each(|row| edges.add(part.needle.edges(row.tenant.as_bytes()))),
                    _ => edges.add(part.needle.edges(self.view.footer().service.as_bytes())),
                }
            }
            self.names[slot] = Some(edges);
        }
        let edges = self.names[slot].as_ref().and_then(|edges| edges.get(part));
        Ok(edges.copied().unwrap_or(Edges::ANY))
    }
}

/// What texts of a template say that refers to nothing; adds how what is looked for may lie at their ends.
fn of_plain(parts: &[Includes], held: &[Held], template: Template<'_>, edges: &mut [Edges]) -> Verdict {
    let mut verdict = Verdict::No;
    for ((part, held), edges) in parts.iter().zip(held).zip(edges) {
        let needle = &part.needle;
        let mut is_in_literal = held.says_yes(template);
        if let Some(text) = template.literal() {
            let own = if held.is_plain { needle.edges_ends(text) } else { needle.edges(text) };
            is_in_literal |= own.holds && part.is_in(text);
            // The rest of a text that is not followed whole may lie behind the value.
            edges.add(Edges { holds: is_in_literal || own.holds && !needle.is_whole, ..own });
            if is_in_literal {
                verdict = Verdict::Yes;
            }
            continue;
        }
        let mut walk = Walk::default();
        template.each_piece(|piece| {
            let before = std::mem::take(&mut walk.seen);
            walk = match piece {
                Piece::Literal(text) if held.is_plain => needle.literal_ends(walk, text),
                Piece::Literal(text) => {
                    let own = needle.literal(walk, 1, text);
                    is_in_literal |= own.seen & needle.all() != 0 && part.is_in(text);
                    own
                }
                Piece::Variable(variable) => needle.variable(walk, 1, &variable),
            };
            walk.seen |= before;
            true
        });
        // What begins or lies whole in what is looked for is not followed through variables.
        let holds = is_in_literal || walk.seen & needle.all() != 0;
        edges.add(Edges { holds, end: walk.ends, ..Edges::ANY });
        verdict = verdict.max(match (is_in_literal, holds) {
            (true, _) => Verdict::Yes,
            (false, true) => Verdict::Open,
            (false, false) => Verdict::No,
        });
    }
    verdict
}

/// Whether texts of a template can be one of some values; adds what its rows must hold then.
fn of_exact(exact: &Exact, template: Template<'_>, sought: &mut Vec<Sought>) -> Verdict {
    if let Some(text) = template.literal() {
        return if exact.has_bytes(text) { Verdict::Yes } else { Verdict::No };
    }
    let Some(needles) = exact.needles() else { return Verdict::Open };
    let can_be = needles.iter().any(|needle| {
        // Nothing of it is before the first piece.
        let mut walk = Walk { ends: 1, seen: 0 };
        template.each_piece(|piece| {
            walk = match piece {
                Piece::Literal(text) => needle.literal(walk, 0, text),
                Piece::Variable(variable) => needle.variable(walk, 0, &variable),
            };
            walk.ends != 0
        });
        let ends = if needle.is_whole { walk.ends } else { walk.seen };
        ends & needle.all() != 0
    });
    if !can_be {
        return Verdict::No;
    }
    let mut own = Sought { code: code_of(template), width: 0, values: Vec::new() };
    for value in &exact.values {
        match template.held(value.as_bytes()) {
            template::Held::Nothing => {}
            template::Held::Bits(value, width) => {
                own.width = width;
                own.values.push(value);
            }
            template::Held::Anything => return Verdict::Open,
        }
    }
    if own.values.is_empty() {
        return Verdict::No;
    }
    sought.push(own);
    Verdict::Open
}

fn code_of(template: Template<'_>) -> u32 {
    u32::try_from(template.number()).map_or(u32::MAX, |number| text::TEMPLATE.saturating_add(number))
}
