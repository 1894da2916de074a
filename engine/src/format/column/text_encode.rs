//! Encodes text columns: of the shapes that its rows have, keeps those that save bytes; writes rows in place order.

use super::BLOCK_ROWS;
use super::Effort;
use super::bits;
use super::packed;
use super::page;
use super::put_u32;
use super::row_count_of;
use super::sample;
use super::sample::Choice;
pub use super::sample::blocks as sample_blocks;
use super::template;
use super::text;
use super::text_rows;
use super::text_rows::TextRow;
use super::text_rows::TextRows;
use crate::format::sheet::Sheet;

/// A column of texts that is being made: its rows come one after the other.
pub struct TextBuilder {
    rows: TextRows,
    /// The same rows, cut the other way, where that may turn out shorter.
    others: Option<TextRows>,
    effort: Effort,
}

impl TextBuilder {
    /// A column of which these are some texts: those of the rows of [`sample_blocks`] that have one, in their order.
    pub fn new(sample: &[&[u8]], effort: Effort) -> TextBuilder {
        let choice = sample::choose(sample, effort);
        let tries_both = effort == Effort::Strong && !choice.is_clear;
        let others = tries_both.then(|| TextRows::new(Choice { cut: !choice.cut, ..choice }));
        TextBuilder { rows: TextRows::new(choice), others, effort }
    }

    /// Takes in the text, in UTF-8, of a place above all before; `begins_run` if the place is the first of a tenant's
    /// run.
    ///
    /// # Panics
    /// If the text is longer than [`VALUE_BYTES_MAX`](super::VALUE_BYTES_MAX).
    #[inline]
    pub fn push(&mut self, place: usize, text: &[u8], begins_run: bool) {
        self.rows.push(place, text, begins_run);
        if let Some(others) = &mut self.others {
            others.push(place, text, begins_run);
        }
    }

    /// Whether no row has a text.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Appends the column to `out`. `runs` are the first places of the runs of one tenant, ascending from 0.
    ///
    /// # Panics
    /// If there are more than [`super::ROW_COUNT_MAX`] rows, or fewer than texts.
    pub fn finish(&self, row_count: usize, runs: &[u32], out: &mut Vec<u8>) {
        let start = out.len();
        write(&self.rows, row_count, runs, self.effort, out);
        if let Some(others) = &self.others {
            let mut other = Vec::new();
            write(others, row_count, runs, self.effort, &mut other);
            if other.len() < out.len() - start {
                out.truncate(start);
                out.append(&mut other);
            }
        }
    }
}

/// Appends a column of `values` to `out`, as [`TextBuilder`] does.
///
/// # Panics
/// As [`TextBuilder`].
pub fn encode(values: &[Option<&str>], runs: &[u32], effort: Effort, out: &mut Vec<u8>) {
    let sampled = sample_blocks(values.len()).flat_map(|places| &values[places]);
    let sample: Vec<&[u8]> = sampled.flatten().map(|text| text.as_bytes()).collect();
    let mut builder = TextBuilder::new(&sample, effort);
    for (place, text) in values.iter().enumerate() {
        if let Some(text) = text {
            let begins_run = u32::try_from(place).is_ok_and(|place| runs.binary_search(&place).is_ok());
            builder.push(place, text.as_bytes(), begins_run);
        }
    }
    builder.finish(values.len(), runs, out);
}

/// What a shape's rows need to know.
#[derive(Clone, Copy)]
struct Kept {
    /// [`text::RAW`] if the shape is no template.
    code: u32,
    bits: u32,
    frame_begin: usize,
}

impl Kept {
    const RAW: Kept = Kept { code: text::RAW, bits: 0, frame_begin: 0 };
}

fn write(rows: &TextRows, row_count: usize, runs: &[u32], effort: Effort, out: &mut Vec<u8>) {
    let row_count = row_count_of(row_count);
    let (shapes, choice) = (&rows.shapes, rows.choice);
    let mut kept = vec![Kept::RAW; shapes.list().len()];
    let (mut literals, mut frames) = (Vec::new(), Vec::new());
    for (number, code) in shapes.kept(row_count, choice.ratio).into_iter().zip(text::TEMPLATE..) {
        let shape = &shapes.list()[number as usize];
        let frame_begin = frames.len();
        literals.push(shapes.bytes(shape));
        frames.extend(shapes.frames(shape));
        kept[number as usize] = Kept { code, bits: shapes.bits(shape), frame_begin };
    }
    let repeats = rows.repeats_save(&kept, row_count);

    let mut codes = Vec::with_capacity(row_count as usize);
    let (mut begins, mut raw_before) = (Vec::new(), Vec::new());
    let mut raw = RawRows::default();
    let mut variables = Vec::new();
    let mut writer = bits::Writer::new(&mut variables);
    let (mut bit, mut value_at, mut raw_at) = (0_u64, 0, 0);
    let rest = std::iter::repeat(TextRow { number: text_rows::NONE, repeats: false });
    for (place, row) in (0..row_count).zip(rows.rows().chain(rest)) {
        if place.is_multiple_of(BLOCK_ROWS) {
            begins.push(bit);
            raw_before.push(raw.len() as u64);
        }
        let (shape, own) = match row.number {
            text_rows::NONE => {
                codes.push(u64::from(text::ABSENT));
                continue;
            }
            text_rows::RAW => {
                raw_at += 1;
                (Kept::RAW, &[][..])
            }
            number => {
                let value_count = shapes.list()[number as usize].value_count;
                value_at += value_count;
                (kept[number as usize], &rows.values[value_at - value_count..value_at])
            }
        };
        if repeats && row.repeats && (shape.code == text::RAW || shape.bits > 0) {
            codes.push(u64::from(text::REPEAT));
            continue;
        }
        codes.push(u64::from(shape.code));
        if shape.code == text::RAW {
            match row.number {
                text_rows::RAW => raw.bytes.put_slice(rows.raw(raw_at - 1)),
                number => rows.restore(number, own, &mut raw.bytes),
            }
            raw.end(place);
            continue;
        }
        for (value, frame) in own.iter().zip(&frames[shape.frame_begin..]) {
            writer.push(value - frame.base, frame.width);
        }
        bit += u64::from(shape.bits);
    }
    writer.finish();

    out.push(if choice.cut { text::CUT } else { 0 } | if repeats { text::REPEATS } else { 0 });
    packed::encode(&codes, out);
    template::encode(&literals, &frames, effort, out);
    put_u32(out, variables.len());
    if !variables.is_empty() {
        packed::encode(&begins, out);
        out.extend_from_slice(&variables);
    }
    page::encode(&raw.rows(), runs, effort, out);
    if raw.len() > 0 {
        packed::encode(&raw_before, out);
    }
}

impl TextRows {
    /// Whether what rows that repeat save is more than the bit a row for their code.
    fn repeats_save(&self, kept: &[Kept], row_count: u32) -> bool {
        let (mut saved_bits, mut raw_at) = (0, 0);
        for row in self.rows().filter(|row| row.number != text_rows::NONE) {
            let index = raw_at;
            raw_at += usize::from(row.number == text_rows::RAW);
            if !row.repeats {
                continue;
            }
            let kept = kept.get(row.number as usize).copied().unwrap_or(Kept::RAW);
            saved_bits += match (kept.code, row.number) {
                (text::RAW, text_rows::RAW) => self.choice.raw_bits(self.raw(index).len()),
                (text::RAW, number) => self.choice.raw_bits(self.shapes.usual_bytes(number)),
                _ => u64::from(kept.bits),
            };
        }
        saved_bits > u64::from(row_count)
    }
}

/// Texts of rows without a template, one behind the other.
#[derive(Default)]
struct RawRows {
    bytes: Sheet,
    /// Of each its place, and where it ends.
    ends: Vec<(u32, usize)>,
}

impl RawRows {
    fn end(&mut self, place: u32) {
        self.ends.push((place, self.bytes.len()));
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn rows(&self) -> Vec<(u32, &[u8])> {
        let mut start = 0;
        let row = |(place, end): &(u32, usize)| {
            let text = &self.bytes.bytes()[start..*end];
            start = *end;
            (*place, text)
        };
        self.ends.iter().map(row).collect()
    }
}
