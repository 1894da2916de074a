//! Reads a run. Every byte is checked against its CRC when it is opened; what then does not read was written so, and
//! makes the table one that is made again.

use super::bytes::Reader;
use super::index;
use super::index::Index;
use super::row::{self, Texts};
use super::{
    ChainPosition, HEADER_BYTES, MAGIC, RunError, SECTION_BYTES, SECTION_COUNT, Section, TABLE_BYTES,
};
use crate::disk::Mapping;
use crate::limits;
use crate::process::hash::NameHasher;
use crate::process::node::Node;
use std::ops::Range;
use std::sync::Arc;

/// A run that was opened.
pub struct Run {
    bytes: Mapping,
    rows: u32,
    is_whole: bool,
    hasher: NameHasher,
    sections: [Range<usize>; SECTION_COUNT],
    services: Vec<Arc<str>>,
}

/// A dictionary's parts.
struct Dictionary<'a> {
    ends: &'a [[u8; 4]],
    index: Index<'a>,
    texts: &'a [u8],
}

impl<'a> Dictionary<'a> {
    fn open(bytes: &'a [u8]) -> Option<Dictionary<'a>> {
        let (count, rest) = bytes.split_first_chunk()?;
        let count = u32::from_le_bytes(*count) as usize;
        let (ends, rest) = rest.split_at_checked(count.checked_mul(4)?)?;
        let (index, texts) = rest.split_at_checked(count.checked_mul(8)?)?;
        Some(Dictionary { ends: ends.as_chunks().0, index: Index::new(index), texts })
    }

    fn text(&self, code: u64) -> Option<&'a str> {
        let at = usize::try_from(code).ok()?;
        let end = |at: usize| self.ends.get(at).map(|end| u32::from_le_bytes(*end) as usize);
        let from = if at == 0 { 0 } else { end(at - 1)? };
        std::str::from_utf8(self.texts.get(from..end(at)?)?).ok()
    }

    fn code(&self, hasher: NameHasher, text: &str) -> Option<u32> {
        self.index.numbers(hasher.of("", text)).find(|code| self.text(u64::from(*code)) == Some(text))
    }
}

impl Run {
    /// Opens the run in these bytes.
    pub fn open(bytes: Mapping, store_id: &[u8; 16], hasher: NameHasher) -> Result<Run, RunError> {
        let all = (*bytes).as_ref();
        let header = all.first_chunk::<HEADER_BYTES>().ok_or(RunError("a header"))?;
        let (body, crc) = header.split_last_chunk::<4>().ok_or(RunError("a header"))?;
        let mut reader = Reader { rest: body };
        let mut fixed = |count: usize| reader.take(count).unwrap_or_default();
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) || fixed(8) != MAGIC {
            return Err(RunError("a header that its CRC covers, and SLGPRC"));
        }
        if fixed(16) != store_id {
            return Err(RunError("a run of this store"));
        }
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        if number(fixed(8)) != hasher.check() {
            return Err(RunError("a run of this store's secret"));
        }
        let offset = usize::try_from(number(fixed(8))).unwrap_or(usize::MAX);
        let rows = u32::from_le_bytes(fixed(4).try_into().unwrap_or_default());
        let is_whole = fixed(1) == [1];
        let table = all.get(offset..).ok_or(RunError("a section table"))?;
        let table = table.first_chunk::<TABLE_BYTES>().ok_or(RunError("a section table"))?;
        if table.len() != all.len() - offset {
            return Err(RunError("the end of the file behind the section table"));
        }
        let (items, crc) = table.split_last_chunk::<4>().ok_or(RunError("a section table"))?;
        if crc32fast::hash(items) != u32::from_le_bytes(*crc) {
            return Err(RunError("a section table that its CRC covers"));
        }
        let mut sections: [Range<usize>; SECTION_COUNT] = std::array::from_fn(|_| 0..0);
        for (range, item) in sections.iter_mut().zip(items.chunks_exact(SECTION_BYTES)) {
            let (offset, rest) = item.split_at(8);
            let (length, crc) = rest.split_at(8);
            let from = usize::try_from(number(offset)).unwrap_or(usize::MAX);
            let end = usize::try_from(number(length)).ok().and_then(|length| from.checked_add(length));
            *range = from..end.ok_or(RunError("sections inside the file"))?;
            let bytes = all.get(range.clone()).ok_or(RunError("sections inside the file"))?;
            if crc32fast::hash(bytes).to_le_bytes() != crc {
                return Err(RunError("sections that their CRCs cover"));
            }
        }
        let mut run = Run { rows, is_whole, hasher, sections, services: Vec::new(), bytes };
        run.check_lengths()?;
        let services = run.dictionary(Section::Services).ok_or(RunError("services"))?;
        if services.ends.len() > limits::CHAIN_COUNT_MAX {
            return Err(RunError("at most as many services as a store has chains"));
        }
        let texts = (0..services.ends.len() as u64).map(|code| services.text(code).map(Arc::from));
        run.services = texts.collect::<Option<_>>().ok_or(RunError("services"))?;
        Ok(run)
    }

    fn check_lengths(&self) -> Result<(), RunError> {
        let rows = self.rows as usize;
        let widths = [
            (Section::First, rows * 8),
            (Section::State, rows),
            (Section::Replaces, rows.div_ceil(8)),
            (Section::Started, rows * 8),
            (Section::Finished, rows * 8),
            (Section::Tenant, rows * 4),
            (Section::Activity, rows * 4),
            (Section::Request, rows * 4),
            (Section::Configuration, rows * 4),
            (Section::Organization, rows * 4),
            (Section::Offsets, (rows + 1) * 4),
            (Section::Names, rows * 8),
        ];
        let is_right = widths.iter().all(|(section, bytes)| self.section(*section).len() == *bytes)
            && [Section::Tenants, Section::Activities].iter().all(|own| self.dictionary(*own).is_some());
        if is_right { Ok(()) } else { Err(RunError("sections as long as the rows take")) }
    }

    pub fn section(&self, section: Section) -> &[u8] {
        (*self.bytes).as_ref().get(self.sections[section as usize].clone()).unwrap_or_default()
    }

    fn dictionary(&self, section: Section) -> Option<Dictionary<'_>> {
        Dictionary::open(self.section(section))
    }

    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Whether everything before the positions was read.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Times of a column.
    pub fn times(&self, section: Section) -> &[[u8; 8]] {
        self.section(section).as_chunks().0
    }

    /// Codes or hashes of a column.
    pub fn codes(&self, section: Section) -> &[[u8; 4]] {
        self.section(section).as_chunks().0
    }

    /// Whether an older run has the process of a row too.
    pub fn replaces(&self, row: u32) -> bool {
        self.section(Section::Replaces).get(row as usize / 8).is_some_and(|byte| byte >> (row % 8) & 1 != 0)
    }

    /// Hash of a text, as columns have it.
    pub fn hash(&self, text: &str) -> u32 {
        index::high(self.hasher.of("", text))
    }

    /// The code of a text; none if no row has it.
    pub fn code(&self, section: Section, text: &str) -> Option<u32> {
        self.dictionary(section)?.code(self.hasher, text)
    }

    fn heap(&self, row: u32) -> Option<&[u8]> {
        let offsets = self.codes(Section::Offsets);
        let at = |row: usize| offsets.get(row).map(|offset| u32::from_le_bytes(*offset) as usize);
        self.section(Section::Heap).get(at(row as usize)?..at(row as usize + 1)?)
    }

    fn tenant(&self, row: u32) -> Option<&str> {
        let code = u32::from_le_bytes(*self.codes(Section::Tenant).get(row as usize)?);
        self.dictionary(Section::Tenants)?.text(u64::from(code))
    }

    /// Whose processes there are.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        let tenants = self.dictionary(Section::Tenants);
        (0..).map_while(move |code| tenants.as_ref()?.text(code))
    }

    /// The process of a row.
    pub fn node(&self, row: u32) -> Option<Node> {
        row::get(self.heap(row)?, self.tenant(row)?.into(), self.replaces(row), self)
    }

    /// Tenant and ID of a row.
    pub fn name(&self, row: u32) -> Option<(&str, Box<str>)> {
        Some((self.tenant(row)?, row::id(self.heap(row)?)?))
    }

    /// The row of a process.
    pub fn row_of(&self, hash: u64, tenant: &str, id: &str) -> Option<u32> {
        let is_it = |row: &u32| self.name(*row).is_some_and(|(own, name)| own == tenant && *name == *id);
        Index::new(self.section(Section::Names)).numbers(hash).find(is_it)
    }

    /// Rows whose parent may have this hash of its name.
    pub fn children(&self, hash: u64) -> impl Iterator<Item = u32> {
        Index::new(self.section(Section::Parents)).numbers(hash)
    }

    /// Up to where each chain is in this run and those before it.
    pub fn positions(&self) -> Option<Vec<ChainPosition>> {
        let mut reader = Reader { rest: self.section(Section::Positions) };
        let mut positions = Vec::new();
        while !reader.rest.is_empty() && positions.len() <= limits::CHAIN_COUNT_MAX {
            let length = reader.byte()?;
            let service = std::str::from_utf8(reader.take(usize::from(length))?).ok()?.into();
            let end_seq = u64::from_le_bytes(reader.take(8)?.try_into().ok()?);
            let leaf = reader.take(32)?.try_into().ok()?;
            positions.push(ChainPosition { service, end_seq, leaf });
        }
        reader.rest.is_empty().then_some(positions)
    }
}

impl Texts for Run {
    fn service(&self, code: u64) -> Option<Arc<str>> {
        self.services.get(usize::try_from(code).ok()?).cloned()
    }

    fn activity(&self, code: u64) -> Option<&str> {
        self.dictionary(Section::Activities)?.text(code)
    }
}
