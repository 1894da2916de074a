//! Pages: byte strings of neighbouring rows of one tenant, compressed together.
//!
//! A page never holds rows of two tenants, so that clearing one tenant rewrites no other's bytes and a page's length
//! tells one tenant nothing of another. Strings are numbered 0, 1, 2, … over the column; a page is the smallest unit
//! that is decoded.
//!
//! ```text
//! strings u32, pages u32, data bytes u32; unless pages is 0, packed, a value a page:
//!   number of the first string, offset in the data, decoded bytes, codec (0 stored, 1 zstd)
//! data: for each page what decodes to
//!   lengths of all strings but the last (variable), strings back to back
//! ```

use super::ColumnError;
use super::Effort;
use super::Input;
use super::VALUE_BYTES_MAX;
use super::packed;
use super::packed::Packed;
use super::put_u32;
use super::put_variable;
use crate::format::sheet::Loose;
use std::ops::Range;
use zstd::bulk::Compressor;
use zstd::bulk::Decompressor;

/// Most strings of one page.
const PAGE_ROWS_MAX: usize = 256;
/// A page that has this many bytes takes no further string.
const PAGE_BYTES_AIM: usize = 64 << 10;
/// Most bytes of a decoded page.
pub(super) const PAGE_BYTES_MAX: usize = 384 << 10;

// A page below its aim has room for one longest string and all lengths.
const _: () = assert!(PAGE_BYTES_AIM + VALUE_BYTES_MAX + PAGE_ROWS_MAX * 4 <= PAGE_BYTES_MAX);

const STORED: u8 = 0;
const ZSTD: u8 = 1;

/// zstd with one context for many inputs.
pub(super) struct Squeezer {
    compressor: Option<Compressor<'static>>,
}

impl Squeezer {
    pub(super) fn new(effort: Effort) -> Squeezer {
        // Without memory for a context everything is stored as it is, which readers take as well.
        Squeezer { compressor: Compressor::new(effort.level()).ok() }
    }

    /// The compressed bytes, if they are fewer.
    pub(super) fn squeeze(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let squeezed = self.compressor.as_mut()?.compress(bytes).ok()?;
        (squeezed.len() < bytes.len()).then_some(squeezed)
    }

    /// Appends `bytes` or their compressed form to `out`; gives the codec.
    pub(super) fn append(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> u8 {
        match self.squeeze(bytes) {
            Some(squeezed) => {
                out.extend_from_slice(&squeezed);
                ZSTD
            }
            None => {
                out.extend_from_slice(bytes);
                STORED
            }
        }
    }
}

/// Decodes what [`Squeezer::append`] wrote into exactly `decoded_bytes`, which the caller has bounded.
pub(super) fn expand(
    codec: u8,
    stored: &[u8],
    decoded_bytes: usize,
    decompressor: &mut Option<Decompressor<'static>>,
    out: &mut Vec<u8>,
) -> Option<()> {
    out.clear();
    match codec {
        STORED if stored.len() == decoded_bytes => out.extend_from_slice(stored),
        ZSTD => {
            out.resize(decoded_bytes, 0);
            if decompressor.is_none() {
                *decompressor = Decompressor::new().ok();
            }
            let length = decompressor.as_mut()?.decompress_to_buffer(stored, out.as_mut_slice()).ok()?;
            if length != decoded_bytes {
                return None;
            }
        }
        _ => return None,
    }
    Some(())
}

/// Appends pages of `rows`, which are places in ascending order with their strings; `runs` are the first places of
/// the runs of one tenant.
pub(super) fn encode(rows: &[(u32, &[u8])], runs: &[u32], effort: Effort, out: &mut Vec<u8>) {
    let (mut firsts, mut offsets, mut decoded, mut codecs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut data, mut page) = (Vec::new(), Vec::new());
    let mut squeezer = (!rows.is_empty()).then(|| Squeezer::new(effort));
    let mut first = 0;
    while let Some(squeezer) = squeezer.as_mut().filter(|_| first < rows.len()) {
        let count = page_rows(&rows[first..], runs);
        let strings = &rows[first..first + count];
        page.clear();
        for (_, string) in &strings[..count - 1] {
            put_variable(&mut page, string.len() as u64);
        }
        strings.iter().for_each(|(_, string)| page.extend_from_slice(string));
        debug_assert!(page.len() <= PAGE_BYTES_MAX);
        firsts.push(first as u64);
        offsets.push(data.len() as u64);
        decoded.push(page.len() as u64);
        codecs.push(u64::from(squeezer.append(&page, &mut data)));
        first += count;
    }
    assert!(u32::try_from(data.len()).is_ok(), "a column's pages take less than 4 GiB");
    put_u32(out, rows.len());
    put_u32(out, firsts.len());
    put_u32(out, data.len());
    if !firsts.is_empty() {
        [firsts, offsets, decoded, codecs].iter().for_each(|values| packed::encode(values, out));
    }
    out.extend_from_slice(&data);
}

/// How many of `rows`, at least one, go into one page.
fn page_rows(rows: &[(u32, &[u8])], runs: &[u32]) -> usize {
    let begin = rows[0].0;
    let run_end = runs.get(runs.partition_point(|run| *run <= begin)).copied().unwrap_or(u32::MAX);
    let mut bytes = 0;
    rows.iter()
        .take(PAGE_ROWS_MAX)
        .take_while(|(place, string)| {
            let has_room = *place < run_end && bytes < PAGE_BYTES_AIM;
            bytes += string.len();
            has_room
        })
        .count()
}

/// The pages of a column, not yet decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pages<'a> {
    string_count: u32,
    page_count: u32,
    directory: Option<Directory<'a>>,
    data: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
struct Directory<'a> {
    firsts: Packed<'a>,
    offsets: Packed<'a>,
    decoded: Packed<'a>,
    codecs: Packed<'a>,
}

impl<'a> Pages<'a> {
    /// Opens pages of at most `row_count` strings; checks the directory, decodes nothing.
    pub(super) fn read(input: &mut Input<'a>, row_count: u32) -> Result<Pages<'a>, ColumnError> {
        let string_count = input.row_count(row_count, "at most a string a row")?;
        let page_count = input.row_count(string_count, "at most a page a string")?;
        let data_bytes = input.count(input.bytes.len(), "pages within the column")?;
        let directory = if page_count == 0 {
            None
        } else {
            let directory = Directory {
                firsts: Packed::read(input, page_count)?,
                offsets: Packed::read(input, page_count)?,
                decoded: Packed::read(input, page_count)?,
                codecs: Packed::read(input, page_count)?,
            };
            directory.check(page_count, string_count, data_bytes).map_err(|what| input.error(what))?;
            Some(directory)
        };
        if (page_count == 0) != (string_count == 0) {
            return Err(input.error("pages exactly if there are strings"));
        }
        let data = input.take(data_bytes, "the pages")?;
        Ok(Pages { string_count, page_count, directory, data })
    }

    pub(super) fn string_count(&self) -> u32 {
        self.string_count
    }

    pub(super) fn page_count(&self) -> u32 {
        self.page_count
    }

    /// Number of the first string of a page, or of none behind the last.
    fn first(&self, page: u32) -> u32 {
        match self.directory {
            Some(directory) if page < self.page_count => {
                u32::try_from(directory.firsts.get(page)).unwrap_or(self.string_count)
            }
            _ => self.string_count,
        }
    }

    /// Numbers of a page's strings.
    pub(super) fn strings(&self, page: u32) -> Range<u32> {
        self.first(page)..self.first(page + 1)
    }

    /// Which page holds a string.
    fn page_of(&self, string: u32) -> u32 {
        let (mut low, mut high) = (0, self.page_count);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.first(middle) <= string { low = middle } else { high = middle }
        }
        low
    }

    /// String `string`, through the page in `cache`.
    pub(super) fn get<'c>(&self, string: u32, cache: &'c mut PageCache) -> Result<&'c [u8], ColumnError> {
        let range = self.range(string, cache)?;
        Ok(&cache.bytes[range])
    }

    /// As [`Pages::get`], and whether the string is UTF-8: a page is looked at whole, once.
    pub(super) fn text<'c>(
        &self,
        string: u32,
        cache: &'c mut PageCache,
    ) -> Result<(Loose<'c>, bool), ColumnError> {
        let range = self.range(string, cache)?;
        let strings = cache.bytes.get(cache.begin as usize..).unwrap_or_default();
        let is_whole = *cache.is_utf8.get_or_insert_with(|| std::str::from_utf8(strings).is_ok());
        // A part of what is UTF-8 is too, unless it begins or ends inside a character.
        let is_border = |at: usize| cache.bytes.get(at).is_none_or(|byte| byte & 0xc0 != 0x80);
        let is_part = is_whole && is_border(range.start) && is_border(range.end);
        let bytes = Loose::new(&cache.bytes[range.start..], range.len());
        Ok((bytes, is_part || std::str::from_utf8(bytes.exact()).is_ok()))
    }

    /// Where string `string` lies in `cache`, which then holds its page.
    #[inline]
    fn range(&self, string: u32, cache: &mut PageCache) -> Result<Range<usize>, ColumnError> {
        if !cache.strings.contains(&string) {
            // Whoever reads upwards comes to the next page, which is found without a search.
            let next = cache.page.wrapping_add(1);
            let is_next = string == cache.strings.end && next < self.page_count && self.first(next) == string;
            let page = if is_next { next } else { self.page_of(string) };
            self.decode(page, cache)
                .ok_or(ColumnError::Page { page, expected: "strings that fill the declared length" })?;
        }
        let index = string.wrapping_sub(cache.strings.start) as usize;
        let begin = match index.checked_sub(1) {
            None => cache.begin,
            Some(before) => cache.ends.get(before).copied().unwrap_or(0),
        };
        let end = cache.ends.get(index).copied().unwrap_or(0);
        let range = begin as usize..end as usize;
        if range.start > range.end || range.end > cache.bytes.len() {
            let page = self.page_of(string);
            return Err(ColumnError::Page { page, expected: "a string of this number" });
        }
        Ok(range)
    }

    fn decode(&self, page: u32, cache: &mut PageCache) -> Option<()> {
        let directory = self.directory?;
        let number = |column: Packed<'_>, row| usize::try_from(column.get(row)).ok();
        let begin = number(directory.offsets, page)?;
        let end =
            if page + 1 < self.page_count { number(directory.offsets, page + 1)? } else { self.data.len() };
        let decoded = number(directory.decoded, page)?;
        let codec = u8::try_from(directory.codecs.get(page)).ok()?;
        // Until the page is whole, the cache holds none.
        cache.strings = 0..0;
        cache.is_utf8 = None;
        cache.decoded.pages += 1;
        cache.decoded.bytes += end.saturating_sub(begin) as u64;
        expand(codec, self.data.get(begin..end)?, decoded, &mut cache.decompressor, &mut cache.bytes)?;
        let strings = self.strings(page);
        cache.ends.clear();
        let mut input = Input::new(&cache.bytes);
        let mut total = 0;
        for _ in 1..strings.len() {
            total += input.variable("a length").ok().filter(|length| *length <= decoded as u64)?;
            cache.ends.push(u32::try_from(total).ok()?);
        }
        let begin = u32::try_from(input.offset).ok()?;
        let end = u32::try_from(decoded).ok()?;
        if total > u64::from(end - begin) {
            return None;
        }
        cache.ends.iter_mut().for_each(|end| *end += begin);
        cache.ends.push(end);
        cache.begin = begin;
        cache.strings = strings;
        cache.page = page;
        Some(())
    }
}

impl Directory<'_> {
    /// Checks what reading relies on: ascending numbers and offsets, bounded pages.
    fn check(&self, page_count: u32, string_count: u32, data_bytes: usize) -> Result<(), &'static str> {
        if self.firsts.get(0) != 0 || self.offsets.get(0) != 0 {
            return Err("a first page that begins at 0");
        }
        for page in 0..page_count {
            let (first, offset) = (self.firsts.get(page), self.offsets.get(page));
            let (next, end) = if page + 1 < page_count {
                (self.firsts.get(page + 1), self.offsets.get(page + 1))
            } else {
                (u64::from(string_count), data_bytes as u64)
            };
            if next <= first || next - first > PAGE_ROWS_MAX as u64 {
                return Err("pages of 1 to 256 strings, in order");
            }
            if end < offset || end > data_bytes as u64 {
                return Err("pages one behind the other");
            }
            if self.decoded.get(page) > PAGE_BYTES_MAX as u64 {
                return Err("a page of at most 384 KiB");
            }
        }
        Ok(())
    }
}

/// The page that was decoded last, with what decoding needs.
#[derive(Default)]
pub(super) struct PageCache {
    /// Numbers of its strings; empty if there is none.
    strings: Range<u32>,
    /// Its number.
    page: u32,
    /// Where the first string begins in `bytes`.
    begin: u32,
    /// Where each string ends in `bytes`.
    ends: Vec<u32>,
    bytes: Vec<u8>,
    /// Whether the strings together are UTF-8; none until somebody asks.
    is_utf8: Option<bool>,
    decompressor: Option<Decompressor<'static>>,
    /// Pages that were decoded, and their bytes as stored.
    decoded: Decoded,
}

/// Pages that were decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// How many; one that is decoded again counts again.
    pub pages: u64,
    /// Their bytes, as stored.
    pub bytes: u64,
}

impl Decoded {
    /// With another's.
    pub fn and(self, other: Decoded) -> Decoded {
        Decoded { pages: self.pages + other.pages, bytes: self.bytes + other.bytes }
    }

    /// What was decoded since then.
    pub fn since(self, then: Decoded) -> Decoded {
        Decoded { pages: self.pages - then.pages, bytes: self.bytes - then.bytes }
    }
}

impl PageCache {
    /// Pages that were decoded into it so far.
    pub(super) fn decoded(&self) -> Decoded {
        self.decoded
    }

    /// Forgets the page: the next one is of another column.
    pub(super) fn forget(&mut self) {
        self.strings = 0..0;
    }
}
