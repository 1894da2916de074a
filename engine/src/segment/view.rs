//! Reads a segment's sections as they are asked for: each is checked against its CRC and opened once.

mod fields;
mod texts;

pub use super::cursors::Cursors;
pub use super::record::RECORD_EXPECTED;
pub use super::record::Read;
use crate::format::column::ColumnError;
use crate::format::column::bytes;
use crate::format::column::packed;
use crate::format::column::raw::RawTexts;
use crate::format::column::text;
use crate::format::column::times;
use crate::format::segment::columns::{Field, Shape};
use crate::format::segment::filters::Filters;
use crate::format::segment::places;
use crate::format::segment::places::{Places, Run};
use crate::format::segment::tenants;
use crate::format::segment::times::Times;
use crate::format::segment::{Footer, GROUP_ROWS, Section, SectionKind, SegmentError, TenantRow};
use crate::model::Severity;
pub use fields::field_of;
use roaring::RoaringBitmap;
use std::sync::Mutex;
use std::sync::OnceLock;
pub use texts::{RowTexts, bits};

/// An opened column.
#[derive(Debug)]
pub enum Column<'a> {
    /// Small numbers.
    Numbers(packed::Packed<'a>),
    /// 64-bit integers that may be absent.
    Times(times::Times<'a>),
    /// Texts that may be absent.
    Texts(Box<text::Text<'a>>),
    /// Byte strings that may be absent.
    Bytes(bytes::Bytes<'a>),
}

type Once<T> = OnceLock<Result<T, SegmentError>>;

/// The sections of a segment, over its bytes.
#[derive(Debug)]
pub struct View<'a> {
    pub(super) bytes: &'a [u8],
    footer: &'a Footer,
    /// Which fields have a column, by their numbers.
    pub(super) present: u32,
    tenants: Once<Vec<TenantRow>>,
    places: Once<Places<'a>>,
    /// `tenant_seq` of the first row of each run.
    run_seqs: Once<Vec<u64>>,
    inverse: Vec<Once<Vec<u16>>>,
    times: Once<Times<'a>>,
    severities: Once<Vec<RoaringBitmap>>,
    filters: Once<Option<Filters<'a>>>,
    columns: [OnceLock<Result<Option<Column<'a>>, SegmentError>>; Field::ALL.len()],
    /// By slots of columns of texts.
    raw_texts: [OnceLock<Option<RawTexts>>; 18],
    pool: Mutex<Vec<Cursors<'a>>>,
}

/// What a place holds beside its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowHead {
    /// The row.
    pub row: u32,
    /// Position in the chain.
    pub seq: u64,
    /// Commit time.
    pub logged_at: i64,
    /// Index into the tenant table.
    pub tenant: u32,
    /// Position in the tenant's line.
    pub tenant_seq: u64,
    /// Kind of the entry.
    pub kind: u8,
}

/// Containers of a bitmap in the portable format, as its cookie says (RoaringFormatSpec, "Cookie header").
fn container_count(bytes: &[u8]) -> Option<u32> {
    const NO_RUNS: u32 = 12_346;
    const RUNS: u32 = 12_347;
    let cookie = u32::from_le_bytes(*bytes.first_chunk()?);
    match cookie {
        NO_RUNS => Some(u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?)),
        _ if cookie & 0xffff == RUNS => Some((cookie >> 16) + 1),
        _ => None,
    }
}

impl<'a> View<'a> {
    /// A view of a file's bytes; nothing is read yet.
    pub fn new(bytes: &'a [u8], footer: &'a Footer) -> View<'a> {
        let groups = places::groups(footer.first_seq, footer.entry_count).len();
        let fields = footer.sections.iter().filter_map(|section| match section.kind {
            SectionKind::Column(field) => Some(1 << field.number()),
            _ => None,
        });
        View {
            bytes,
            footer,
            present: fields.fold(0, |present, field: u32| present | field),
            tenants: OnceLock::new(),
            places: OnceLock::new(),
            run_seqs: OnceLock::new(),
            inverse: (0..groups).map(|_| OnceLock::new()).collect(),
            times: OnceLock::new(),
            severities: OnceLock::new(),
            filters: OnceLock::new(),
            columns: std::array::from_fn(|_| OnceLock::new()),
            raw_texts: std::array::from_fn(|_| OnceLock::new()),
            pool: Mutex::new(Vec::new()),
        }
    }

    /// The footer.
    pub fn footer(&self) -> &'a Footer {
        self.footer
    }

    /// The bytes of a section, if there is one, when its CRC covers them.
    ///
    /// # Errors
    /// Bytes that are not what was written, or not there.
    pub fn section(&self, kind: SectionKind) -> Result<Option<(&'a [u8], &'a Section)>, SegmentError> {
        let Some(section) = self.footer.section(kind) else { return Ok(None) };
        let range = usize::try_from(section.offset)
            .ok()
            .zip(usize::try_from(section.offset + section.bytes).ok())
            .and_then(|(from, to)| self.bytes.get(from..to));
        let wrong = |expected, found: String| SegmentError { offset: section.offset, expected, found };
        let bytes = range.ok_or_else(|| wrong("a section inside the file", format!("{section:?}")))?;
        let crc = crc32fast::hash(bytes);
        if crc != section.crc {
            let found = format!("CRC {crc:08x} instead of {:08x} over section {kind}", section.crc);
            return Err(wrong("a section that its CRC covers", found));
        }
        Ok(Some((bytes, section)))
    }

    fn needed(&self, kind: SectionKind) -> Result<(&'a [u8], &'a Section), SegmentError> {
        let missing = || SegmentError {
            offset: 0,
            expected: "tenants, places, times, marks and severities",
            found: format!("no section {kind:?}"),
        };
        self.section(kind)?.ok_or_else(missing)
    }

    fn opened<T>(cell: &Once<T>, open: impl FnOnce() -> Result<T, SegmentError>) -> Result<&T, SegmentError> {
        cell.get_or_init(open).as_ref().map_err(Clone::clone)
    }

    /// The tenant table, by name.
    ///
    /// # Errors
    /// A section that does not read, or contradicts the footer.
    pub fn tenants(&self) -> Result<&[TenantRow], SegmentError> {
        Self::opened(&self.tenants, || self.read_tenants()).map(Vec::as_slice)
    }

    /// As [`View::tenants`], for who reads them once: they are not kept.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn read_tenants(&self) -> Result<Vec<TenantRow>, SegmentError> {
        let (bytes, section) = self.needed(SectionKind::Tenants)?;
        tenants::decode(bytes, self.footer.entry_count).map_err(|error| inside(section, error))
    }

    /// Where rows lie.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn places(&self) -> Result<&Places<'a>, SegmentError> {
        let tenant_count = u32::try_from(self.tenants()?.len()).unwrap_or(u32::MAX);
        let open = || {
            let (bytes, section) = self.needed(SectionKind::Places)?;
            let (first_seq, count) = (self.footer.first_seq, self.footer.entry_count);
            Places::open(bytes, first_seq, count, tenant_count).map_err(|error| inside(section, error))
        };
        Self::opened(&self.places, open)
    }

    /// `tenant_seq` of the first row of each run.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn run_seqs(&self) -> Result<&[u64], SegmentError> {
        let (tenants, places) = (self.tenants()?, self.places()?);
        let open = || {
            let mut next: Vec<u64> = tenants.iter().map(|row| row.opening.size).collect();
            let mut firsts = Vec::with_capacity(places.runs().len());
            for run in places.runs() {
                let next = &mut next[run.tenant as usize];
                firsts.push(*next);
                *next += u64::from(run.count);
            }
            if next.iter().zip(tenants).any(|(next, row)| *next != row.closing.size) {
                return Err(SegmentError {
                    offset: 0,
                    expected: "places for as many rows of each tenant as its line grows by",
                    found: "others".to_owned(),
                });
            }
            Ok(firsts)
        };
        Self::opened(&self.run_seqs, open).map(Vec::as_slice)
    }

    /// The place of a row.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn place_of(&self, row: u32) -> Result<u32, SegmentError> {
        let places = self.places()?;
        let group = places.group_of(row);
        let (Some(cell), Some(range)) = (self.inverse.get(group), places.groups().get(group)) else {
            return Err(SegmentError { offset: 0, expected: "a row of the segment", found: row.to_string() });
        };
        let open = || {
            let section = self.needed(SectionKind::Places)?.1;
            places.inverse(group).map_err(|error| inside(section, error))
        };
        let inverse = Self::opened(cell, open)?;
        Ok(range.start + u32::from(inverse[(row - range.start) as usize]))
    }

    /// Commit times, by row.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn times(&self) -> Result<&Times<'a>, SegmentError> {
        let open = || {
            let (bytes, section) = self.needed(SectionKind::Times)?;
            let (count, base) = (self.footer.entry_count, self.footer.logged_at.0);
            Times::open(bytes, count, base).map_err(|error| inside(section, error))
        };
        Self::opened(&self.times, open)
    }

    /// Rows by severity class, lowest first.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn severities(&self) -> Result<&[RoaringBitmap], SegmentError> {
        let open = || {
            let (mut bytes, section) = self.needed(SectionKind::Severities)?;
            let mut classes = Vec::with_capacity(Severity::ALL.len());
            for count in self.footer.severity_counts {
                // A container of a few bytes may hold 65 536 rows: their number is bounded before they are read.
                let groups = self.footer.entry_count.div_ceil(1 << 16);
                if container_count(bytes).is_none_or(|containers| containers > groups) {
                    let found = container_count(bytes).map_or("none".to_owned(), |found| found.to_string());
                    return Err(at(section, "a bitmap with containers for the segment's rows", found));
                }
                let rows = RoaringBitmap::deserialize_from(&mut bytes)
                    .map_err(|error| at(section, "a bitmap of rows", error.to_string()))?;
                let is_inside = rows.max().is_none_or(|max| max < self.footer.entry_count);
                if !is_inside || rows.len() != u64::from(count) {
                    let found = format!("{} rows up to {:?}", rows.len(), rows.max());
                    return Err(at(section, "as many rows of the segment as the footer says", found));
                }
                classes.push(rows);
            }
            if !bytes.is_empty() {
                return Err(at(section, "the end of the bitmaps", format!("{} bytes", bytes.len())));
            }
            Ok(classes)
        };
        Self::opened(&self.severities, open).map(Vec::as_slice)
    }

    /// Which request IDs each group may hold, if the segment says so.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn filters(&self) -> Result<Option<&Filters<'a>>, SegmentError> {
        let open = || {
            let Some((bytes, section)) = self.section(SectionKind::Filters)? else { return Ok(None) };
            let (first_seq, count) = (self.footer.first_seq, self.footer.entry_count);
            Filters::open(bytes, first_seq, count).map(Some).map_err(|error| inside(section, error))
        };
        Self::opened(&self.filters, open).map(Option::as_ref)
    }

    /// Level-8 nodes of the tree whose last leaf lies in the segment, each with the leaf before its first.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn marks(&self) -> Result<&'a [[u8; 64]], SegmentError> {
        let (bytes, section) = self.needed(SectionKind::Marks)?;
        let interval = crate::limits::MARK_INTERVAL;
        let wanted = self.footer.end_seq() / interval - self.footer.first_seq / interval;
        let (marks, rest) = bytes.as_chunks();
        if !rest.is_empty() || marks.len() as u64 != wanted {
            return Err(at(section, "64 bytes for each node that ends here", format!("{}", bytes.len())));
        }
        Ok(marks)
    }

    /// A column; none if no row has a value in it.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn column(&self, field: Field) -> Result<Option<&Column<'a>>, SegmentError> {
        let open = || {
            let Some((bytes, section)) = self.section(SectionKind::Column(field))? else { return Ok(None) };
            let count = self.footer.entry_count;
            let opened = match field.shape() {
                Shape::Numbers => {
                    packed::Packed::open(bytes, count).map(|(own, used)| (Column::Numbers(own), used))
                }
                Shape::Times => {
                    times::Times::open(bytes, count).map(|(own, used)| (Column::Times(own), used))
                }
                Shape::Texts => {
                    text::Text::open(bytes, count).map(|(own, used)| (Column::Texts(Box::new(own)), used))
                }
                Shape::Bytes => {
                    bytes::Bytes::open(bytes, count).map(|(own, used)| (Column::Bytes(own), used))
                }
            };
            match opened {
                Ok((column, used)) if used == bytes.len() => Ok(Some(column)),
                Ok((_, used)) => Err(at(section, "the end of the column", format!("byte {used}"))),
                Err(error) => Err(inside(section, error)),
            }
        };
        let cell = &self.columns[field.number()];
        cell.get_or_init(open).as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// All texts of a column's pages, for who looks through all of them; none if they are too many to be kept.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn raw_texts(&self, field: Field) -> Result<Option<&RawTexts>, SegmentError> {
        let Some(Column::Texts(column)) = self.column(field)? else { return Ok(None) };
        let own = self.raw_texts.get(field.slot());
        Ok(own.and_then(|own| own.get_or_init(|| RawTexts::of(column)).as_ref()))
    }

    /// The small number of a place; 0 where there is none.
    fn number(&self, field: Field, place: u32) -> Result<u64, SegmentError> {
        Ok(match self.column(field)? {
            Some(Column::Numbers(numbers)) => numbers.get(place),
            _ => 0,
        })
    }

    /// Runs with cursors that remember the pages last read from this segment.
    pub fn with_cursors<T>(&self, run: impl FnOnce(&mut Cursors<'a>) -> T) -> T {
        // A panic in between leaves cursors that are dropped: the pool itself is whole.
        let pool = || self.pool.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut cursors = pool().pop().unwrap_or_default();
        let result = run(&mut cursors);
        pool().push(cursors);
        result
    }

    /// What a place holds beside its record. `run` is the run it lies in, and its index.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn head(&self, place: u32, run: Run, run_index: usize) -> Result<RowHead, SegmentError> {
        let times = self.times()?;
        self.head_at(place, run, run_index, |row| times.get(row))
    }

    /// As [`View::head`], with the commit times of all rows, decoded: for whoever reads every place.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn head_with(
        &self,
        place: u32,
        run: Run,
        run_index: usize,
        times: &[i64],
    ) -> Result<RowHead, SegmentError> {
        self.head_at(place, run, run_index, |row| times.get(row as usize).copied().unwrap_or_default())
    }

    fn head_at(
        &self,
        place: u32,
        run: Run,
        run_index: usize,
        time_of: impl FnOnce(u32) -> i64,
    ) -> Result<RowHead, SegmentError> {
        let wrong = |expected| SegmentError { offset: 0, expected, found: format!("place {place}") };
        let row = self.places()?.row(place).ok_or_else(|| wrong("a row of the place's group"))?;
        let first = self.run_seqs()?.get(run_index).copied().ok_or_else(|| wrong("a run of the segment"))?;
        Ok(RowHead {
            row,
            seq: self.footer.first_seq + u64::from(row),
            logged_at: time_of(row),
            tenant: run.tenant,
            tenant_seq: first + u64::from(place.saturating_sub(run.first)),
            kind: u8::try_from(self.number(Field::Kind, place)?).map_err(|_| wrong("a kind below 256"))?,
        })
    }

    /// The run that a place lies in, with its index.
    ///
    /// # Errors
    /// As [`View::tenants`].
    pub fn run_at(&self, place: u32) -> Result<(Run, usize), SegmentError> {
        let runs = self.places()?.runs();
        let at = runs.partition_point(|run| run.first <= place).checked_sub(1);
        at.and_then(|at| Some((*runs.get(at)?, at))).ok_or_else(|| SegmentError {
            offset: 0,
            expected: "a place of the segment",
            found: place.to_string(),
        })
    }
}

const _: () = assert!(GROUP_ROWS - 1 == u16::MAX as u64);

fn at(section: &Section, expected: &'static str, found: String) -> SegmentError {
    SegmentError { offset: section.offset, expected, found }
}

fn inside(section: &Section, error: ColumnError) -> SegmentError {
    let found = format!("in section {:?}: {error}", section.kind);
    SegmentError { offset: section.offset, expected: "a section that reads", found }
}
