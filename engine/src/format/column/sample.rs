//! Looks at a few thousand rows of a text column and says how the whole is best encoded.

use super::BLOCK_ROWS;
use super::Effort;
use super::page;
use super::shapes::Shapes;
use super::token;
use super::token::Tokens;
use std::ops::Range;

/// Rows of a sample: enough to see shapes that 1 % of the rows have, few enough to cost little.
const SAMPLE_ROWS: usize = 2048;
/// Bytes of a sample's page, near those of a column's.
const PAGE_BYTES: usize = 32 << 10;
/// With fewer distinct texts than one in so many rows, a column is a dictionary.
const FEW: usize = 16;
/// What raw text is taken to cost where nothing was compressed.
const RATIO_USUAL: u64 = 90;

/// How a column is best encoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Whether to cut texts into shapes and values.
    pub(super) cut: bool,
    /// Whether the other way would take so much more that it need not be tried.
    pub(super) is_clear: bool,
    /// Bytes that 256 bytes of raw text take in a page.
    pub(super) ratio: u64,
    /// What hashes of this column begin with.
    pub(super) seed: u64,
}

impl Choice {
    /// What a raw row with a text of so many bytes is taken to cost, in bits: it has a length beside its text.
    pub(super) fn raw_bits(self, text_bytes: usize) -> u64 {
        (text_bytes as u64 * self.ratio / 256 + 1) * 8
    }
}

/// Chooses by a sample of the column's texts, in their order.
pub(super) fn choose(sample: &[&[u8]], effort: Effort) -> Choice {
    let mut texts = sample.to_vec();
    // The sample holds texts of many producers; nobody knows all of them beforehand.
    let seed = texts.iter().step_by(16).fold(texts.len() as u64, |seed, text| {
        let bytes = text
            .iter()
            .take(32)
            .fold(seed, |seed, byte| (seed ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
        bytes.rotate_left(23)
    });
    let mut plain = Shapes::new(seed);
    for text in &texts {
        plain.add(text, &[], text.len());
    }
    let is_few = plain.list().len() * FEW <= texts.len();
    if is_few && effort == Effort::Light {
        return Choice { cut: false, is_clear: true, ratio: RATIO_USUAL, seed };
    }
    // A text that repeats the one before costs next to nothing either way.
    texts.dedup();
    let mut plain = Shapes::new(seed);
    for text in &texts {
        plain.add(text, &[], text.len());
    }
    // What no template fits compresses worse than the whole, and lies in small pages.
    let ratio = ratio(&texts, effort) * 3 / 2;
    let mut tokens = Tokens::default();
    let mut shaped = Shapes::new(seed);
    let mut value_count = 0;
    for text in texts.iter().filter(|text| text.len() <= token::TEXT_BYTES_MAX) {
        tokens.cut(text);
        value_count += tokens.values.len();
        shaped.add(&tokens.shape, &tokens.values, text.len());
    }
    let (shaped, plain) = (cost(&shaped, ratio), cost(&plain, ratio));
    let is_clear = value_count == 0 || shaped.max(plain) > shaped.min(plain).saturating_mul(2);
    Choice { cut: value_count > 0 && shaped < plain, is_clear, ratio, seed }
}

/// The rows that a sample of a column of `row_count` is taken from: whole blocks, spread over the column.
pub fn blocks(row_count: usize) -> impl Iterator<Item = Range<usize>> {
    let block = BLOCK_ROWS as usize;
    let step = row_count.div_ceil(block).div_ceil(SAMPLE_ROWS / block).max(1);
    (0..row_count).step_by(block * step).map(move |begin| begin..(begin + block).min(row_count))
}

/// Bytes that 256 bytes of the texts take when compressed page by page.
fn ratio(texts: &[&[u8]], effort: Effort) -> u64 {
    let mut squeezer = page::Squeezer::new(effort);
    let (mut before, mut after) = (0, 0);
    let mut page = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        page.extend_from_slice(text);
        if page.len() >= PAGE_BYTES || number + 1 == texts.len() {
            before += page.len();
            after += squeezer.squeeze(&page).map_or(page.len(), |squeezed| squeezed.len());
            page.clear();
        }
        // A few pages tell enough.
        if before >= 3 * PAGE_BYTES {
            break;
        }
    }
    if before == 0 { RATIO_USUAL } else { (after as u64 * 256 / before as u64).max(1) }
}

/// Bytes of the sample, if each shape takes the cheaper way.
fn cost(shapes: &Shapes, ratio: u64) -> u64 {
    shapes
        .list()
        .iter()
        .map(|shape| {
            let (template, raw) = shapes.costs(shape, ratio);
            if shape.row_count < 2 { raw } else { template.min(raw) }
        })
        .sum()
}
