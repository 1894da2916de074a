//! All texts of a column that are in pages, decoded at once: what looks through all of them decodes no page twice.

use super::page::PageCache;
use super::text::Text;

/// Who has more is asked page by page: so much memory may stay with each column that is searched.
const BYTES_MAX: usize = 512 << 10;

/// Texts of a column's pages, by their numbers, one behind the other.
#[derive(Debug, Default)]
pub struct RawTexts {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
}

impl RawTexts {
    /// All texts of a column's pages; none if they are too many, or one does not read.
    pub fn of(column: &Text<'_>) -> Option<RawTexts> {
        let mut texts = RawTexts::default();
        let mut page = PageCache::default();
        for number in 0..column.sizes().raw_row_count {
            let text = column.raw(number, &mut page)?;
            if texts.bytes.len() + text.len() > BYTES_MAX {
                return None;
            }
            texts.bytes.extend_from_slice(text.exact());
            texts.ends.push(u32::try_from(texts.bytes.len()).ok()?);
        }
        texts.bytes.shrink_to_fit();
        texts.ends.shrink_to_fit();
        Some(texts)
    }

    /// The bytes of all texts.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Numbers of the texts, each with where it ends.
    pub fn ends(&self) -> impl Iterator<Item = (usize, usize)> {
        self.ends.iter().map(|end| *end as usize).enumerate()
    }

    /// The texts, by number.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut begin = 0;
        self.ends.iter().map(move |end| {
            let text = self.bytes.get(begin..*end as usize).unwrap_or_default();
            begin = *end as usize;
            text
        })
    }
}
