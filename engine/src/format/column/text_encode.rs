//! Encodes text columns: finds shapes, keeps those that save bytes, writes rows in place order.

use super::BLOCK_ROWS;
use super::Effort;
use super::VALUE_BYTES_MAX;
use super::bits;
use super::packed;
use super::page;
use super::put_u32;
use super::row_count_of;
use super::sample;
use super::sample::Choice;
use super::shapes::Shapes;
use super::template;
use super::text;
use super::token;
use super::token::Tokens;

/// Instead of a shape's number: the row is absent, or its text has none.
const NONE: u32 = u32::MAX;
const RAW: u32 = u32::MAX - 1;

/// Appends a column of `values` to `out`. `runs` are the first places of the runs of one tenant, ascending from 0.
///
/// # Panics
/// If there are more than [`super::ROW_COUNT_MAX`] values, or one is longer than [`VALUE_BYTES_MAX`].
pub fn encode(values: &[Option<&str>], runs: &[u32], effort: Effort, out: &mut Vec<u8>) {
    let values: Vec<Option<&[u8]>> = values.iter().map(|value| value.map(str::as_bytes)).collect();
    encode_bytes(&values, runs, effort, out);
}

/// As [`encode`], of texts whose bytes are known to be UTF-8.
///
/// # Panics
/// As [`encode`].
pub fn encode_bytes(values: &[Option<&[u8]>], runs: &[u32], effort: Effort, out: &mut Vec<u8>) {
    row_count_of(values.len());
    let longest = values.iter().flatten().map(|text| text.len()).max().unwrap_or(0);
    assert!(longest <= VALUE_BYTES_MAX, "a text has at most {VALUE_BYTES_MAX} bytes, not {longest}");
    let choice = sample::choose(values, effort);
    let start = out.len();
    write(values, runs, effort, choice, out);
    if effort == Effort::Strong && !choice.is_clear {
        let mut other = Vec::new();
        write(values, runs, effort, Choice { cut: !choice.cut, ..choice }, &mut other);
        if other.len() < out.len() - start {
            out.truncate(start);
            out.append(&mut other);
        }
    }
}

/// What the first pass over the rows finds.
struct Found {
    shapes: Shapes,
    /// Of each row: its shape, [`NONE`] or [`RAW`].
    numbers: Vec<u32>,
    /// Values of all rows that have a shape, one behind the other.
    values: Vec<u64>,
    /// Rows whose text is that of the row before, in the same block and run.
    repeats: Vec<bool>,
}

fn find(values: &[Option<&[u8]>], runs: &[u32], choice: Choice) -> Found {
    let mut found = Found {
        shapes: Shapes::new(choice.seed),
        numbers: Vec::with_capacity(values.len()),
        values: Vec::new(),
        repeats: Vec::with_capacity(values.len()),
    };
    let mut tokens = Tokens::default();
    let mut runs = runs.iter().copied().peekable();
    let mut last: Option<&[u8]> = None;
    let mut last_number = NONE;
    let mut last_values = 0;
    for (place, text) in (0..).zip(values) {
        let begins_run = runs.next_if(|run| *run <= place).is_some();
        while runs.next_if(|run| *run <= place).is_some() {}
        let Some(text) = *text else {
            found.numbers.push(NONE);
            found.repeats.push(false);
            continue;
        };
        let is_last = last == Some(text);
        let follows = place > 0 && found.numbers.last().is_some_and(|number| *number != NONE);
        found.repeats.push(is_last && follows && !begins_run && place % BLOCK_ROWS != 0);
        if is_last {
            if last_number != RAW {
                found.shapes.again(last_number, text.len());
                let begin = found.values.len();
                found.values.extend_from_within(begin - last_values..);
            }
            found.numbers.push(last_number);
            continue;
        }
        let number = if text.len() > token::TEXT_BYTES_MAX {
            None
        } else if choice.cut {
            tokens.cut(text);
            found.shapes.add(&tokens.shape, &tokens.values, text.len())
        } else {
            found.shapes.add(text, &[], text.len())
        };
        last_number = number.unwrap_or(RAW);
        last_values = 0;
        if choice.cut && number.is_some() {
            found.values.extend_from_slice(&tokens.values);
            last_values = tokens.values.len();
        }
        last = Some(text);
        found.numbers.push(last_number);
    }
    found
}

/// What a shape's rows need to know.
#[derive(Clone, Copy)]
struct Kept {
    /// [`text::RAW`] if the shape is no template.
    code: u32,
    bits: u32,
    frame_begin: usize,
}

fn write(values: &[Option<&[u8]>], runs: &[u32], effort: Effort, choice: Choice, out: &mut Vec<u8>) {
    let row_count = row_count_of(values.len());
    let found = find(values, runs, choice);
    let shapes = &found.shapes;
    let mut kept = vec![Kept { code: text::RAW, bits: 0, frame_begin: 0 }; shapes.list().len()];
    let (mut literals, mut frames) = (Vec::new(), Vec::new());
    for (number, code) in shapes.kept(row_count, choice.ratio).into_iter().zip(text::TEMPLATE..) {
        let shape = &shapes.list()[number as usize];
        let frame_begin = frames.len();
        literals.push(shapes.bytes(shape));
        frames.extend(shapes.frames(shape));
        kept[number as usize] = Kept { code, bits: shapes.bits(shape), frame_begin };
    }
    let kept_of = |number: u32| {
        kept.get(number as usize).copied().unwrap_or(Kept { code: text::RAW, bits: 0, frame_begin: 0 })
    };

    // Bits that repeats save, against about one bit a row for their code.
    let saved_bits: u64 = found
        .repeats
        .iter()
        .zip(&found.numbers)
        .zip(values)
        .filter(|((is_repeat, _), _)| **is_repeat)
        .map(|((_, number), text)| match kept_of(*number) {
            Kept { code: text::RAW, .. } => (text.map_or(0, <[u8]>::len) as u64 * choice.ratio / 256 + 1) * 8,
            kept => u64::from(kept.bits),
        })
        .sum();
    let repeats = saved_bits > u64::from(row_count);

    let mut codes = Vec::with_capacity(values.len());
    let (mut begins, mut raw_before, mut raw_rows) = (Vec::new(), Vec::new(), Vec::new());
    let mut variables = Vec::new();
    let mut writer = bits::Writer::new(&mut variables);
    let (mut bit, mut value_at) = (0_u64, 0);
    for ((place, text), number) in (0_u32..).zip(values).zip(&found.numbers) {
        if place.is_multiple_of(BLOCK_ROWS) {
            begins.push(bit);
            raw_before.push(raw_rows.len() as u64);
        }
        let Some(text) = text else {
            codes.push(u64::from(text::ABSENT));
            continue;
        };
        let shape = kept_of(*number);
        let value_count = shapes.list().get(*number as usize).map_or(0, |shape| shape.value_count);
        let own = &found.values[value_at..value_at + value_count];
        value_at += value_count;
        let saves = shape.code == text::RAW || shape.bits > 0;
        if repeats && saves && found.repeats[place as usize] {
            codes.push(u64::from(text::REPEAT));
            continue;
        }
        codes.push(u64::from(shape.code));
        if shape.code == text::RAW {
            raw_rows.push((place, *text));
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
    page::encode(&raw_rows, runs, effort, out);
    if !raw_rows.is_empty() {
        packed::encode(&raw_before, out);
    }
}
