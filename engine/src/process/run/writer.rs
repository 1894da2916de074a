//! Writes a run: columns each where it will lie, a stretch of rows at a time, so that a run of any size takes little
//! memory while it is written.

use super::index;
use super::row::{self, Codes, State};
use super::{ChainPosition, HEADER_BYTES, MAGIC, SECTION_BYTES, SECTION_COUNT, Section, TABLE_BYTES};
use crate::process::hash::NameHasher;
use crate::process::node::Node;
use crate::process::own::End;
use std::collections::HashMap;
use std::io;

/// Where a run is written.
pub trait Sink {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

/// In memory.
impl Sink for Vec<u8> {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let end = from + bytes.len();
        if self.len() < end {
            self.resize(end, 0);
        }
        self[from..end].copy_from_slice(bytes);
        Ok(())
    }
}

/// A part of the file that grows at its end.
struct Stream {
    offset: u64,
    written: u64,
    crc: crc32fast::Hasher,
    pending: Vec<u8>,
}

const STRETCH_BYTES: usize = 128 << 10;

impl Stream {
    fn at(offset: u64) -> Stream {
        Stream { offset, written: 0, crc: crc32fast::Hasher::new(), pending: Vec::new() }
    }

    fn drain(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        self.crc.update(&self.pending);
        sink.write_at(&self.pending, self.offset + self.written)?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    fn drain_full(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        if self.pending.len() < STRETCH_BYTES { Ok(()) } else { self.drain(sink) }
    }
}

/// Texts with their codes, in the order in which they were met.
#[derive(Default)]
struct Dictionary {
    codes: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Dictionary {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let code = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.bytes.extend(text.as_bytes());
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        self.codes.insert(text.into(), code);
        code
    }

    /// Count, where each text ends, codes by hash, texts.
    fn put(&self, hasher: NameHasher, out: &mut Vec<u8>) {
        out.extend(u32::try_from(self.ends.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(self.ends.iter().flat_map(|end| end.to_le_bytes()));
        let items = self.codes.iter().map(|(text, code)| index::item(hasher.of("", text), *code));
        index::put(items.collect(), out);
        out.extend(&self.bytes);
    }
}

#[derive(Default)]
struct Dictionaries {
    services: Dictionary,
    activities: Dictionary,
}

impl Codes for Dictionaries {
    fn service(&mut self, service: &str) -> u64 {
        u64::from(self.services.code(service))
    }

    fn activity(&mut self, activity: &str) -> u64 {
        u64::from(self.activities.code(activity))
    }
}

/// Columns with so many bytes a row.
const WIDTHS: [(Section, u64); 10] = [
    (Section::First, 8),
    (Section::State, 1),
    (Section::Started, 8),
    (Section::Finished, 8),
    (Section::Tenant, 4),
    (Section::Activity, 4),
    (Section::Request, 4),
    (Section::Configuration, 4),
    (Section::Organization, 4),
    (Section::Offsets, 4),
];

/// Writes `count` processes, which come by their first entries, those without any first; says how many bytes there are.
///
/// # Errors
/// The sink's; `InvalidData` if there are not so many, or they take more than 4 GiB.
pub fn write(
    nodes: impl Iterator<Item = Node>,
    count: u32,
    head: &Head<'_>,
    sink: &mut dyn Sink,
) -> io::Result<u64> {
    let mut streams: Vec<Stream> = Vec::with_capacity(SECTION_COUNT);
    let mut next = HEADER_BYTES as u64;
    for (number, (_, width)) in WIDTHS.iter().enumerate() {
        streams.push(Stream::at(next));
        let rows = u64::from(count) + u64::from(WIDTHS[number].0 == Section::Offsets);
        next += rows * width;
    }
    let mut heap = Stream::at(next);
    let mut texts = Dictionaries::default();
    let mut tenants = Dictionary::default();
    let (mut names, mut parents) = (Vec::with_capacity(count as usize), Vec::new());
    let mut replaces = vec![0_u8; (count as usize).div_ceil(8)];
    let mut written = 0_u32;
    let mut row = Vec::new();
    let too_long = || io::Error::new(io::ErrorKind::InvalidData, "expected a run of less than 4 GiB");
    for node in nodes {
        let offset = u32::try_from(heap.written + heap.pending.len() as u64).map_err(|_| too_long())?;
        row.clear();
        row::put(&node, &mut texts, &mut row);
        heap.pending.extend(&row);
        let own = node.own.as_ref();
        let origin = own.map(|own| &own.origin);
        let first = own.map_or(i64::MIN, |own| own.first.logged_at.nanos());
        let finished = own.and_then(|own| own.end.as_ref()).map_or(0, |end: &End| end.finished.nanos());
        let hash = |text: Option<&str>| index::high(head.hasher.of("", text.unwrap_or_default()));
        let values: [[u8; 8]; WIDTHS.len()] = [
            first.to_le_bytes(),
            u64::from(State::of(&node).byte()).to_le_bytes(),
            origin.map_or(0, |origin| origin.started.nanos()).to_le_bytes(),
            finished.to_le_bytes(),
            u64::from(tenants.code(&node.tenant)).to_le_bytes(),
            u64::from(texts.activities.code(origin.map_or("", |origin| &origin.activity))).to_le_bytes(),
            u64::from(hash(origin.map(|origin| &*origin.request_id))).to_le_bytes(),
            u64::from(hash(origin.map(|origin| &*origin.configuration_id))).to_le_bytes(),
            u64::from(hash(origin.map(|origin| &*origin.organization))).to_le_bytes(),
            u64::from(offset).to_le_bytes(),
        ];
        for ((stream, (_, width)), value) in streams.iter_mut().zip(WIDTHS).zip(values) {
            stream.pending.extend(&value[..usize::try_from(width).unwrap_or(8)]);
            stream.drain_full(sink)?;
        }
        heap.drain_full(sink)?;
        names.push(index::item(head.hasher.of(&node.tenant, &node.id), written));
        if let Some(parent) = node.raw_parent() {
            parents.push(index::item(head.hasher.of(&node.tenant, parent), written));
        }
        if node.replaces
            && let Some(byte) = replaces.get_mut(written as usize / 8)
        {
            *byte |= 1 << (written % 8);
        }
        written += 1;
    }
    if written != count {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "expected as many processes as were counted"));
    }
    let end = u32::try_from(heap.written + heap.pending.len() as u64).map_err(|_| too_long())?;
    if let Some(offsets) = streams.last_mut() {
        offsets.pending.extend(end.to_le_bytes());
    }
    // Behind the heap, whose length is known now.
    heap.drain(sink)?;
    let mut at = heap.offset + heap.written;
    let mut sections = [(0_u64, 0_u64, 0_u32); SECTION_COUNT];
    let end_of = |stream: Stream| (stream.offset, stream.written, stream.crc.finalize());
    sections[Section::Heap as usize] = end_of(heap);
    for (mut stream, (section, _)) in streams.into_iter().zip(WIDTHS) {
        stream.drain(sink)?;
        sections[section as usize] = end_of(stream);
    }
    let mut put = |section: Section, pending: Vec<u8>| {
        let mut stream = Stream { pending, ..Stream::at(at) };
        stream.drain(sink)?;
        at += stream.written;
        sections[section as usize] = end_of(stream);
        Ok::<_, io::Error>(())
    };
    put(Section::Replaces, replaces)?;
    for (section, items) in [(Section::Names, names), (Section::Parents, parents)] {
        let mut out = Vec::with_capacity(items.len() * 8);
        index::put(items, &mut out);
        put(section, out)?;
    }
    let dictionaries = [
        (Section::Services, &texts.services),
        (Section::Tenants, &tenants),
        (Section::Activities, &texts.activities),
    ];
    for (section, dictionary) in dictionaries {
        let mut out = Vec::new();
        dictionary.put(head.hasher, &mut out);
        put(section, out)?;
    }
    put(Section::Positions, positions(head.positions))?;
    let mut table = Vec::with_capacity(TABLE_BYTES);
    for (offset, bytes, crc) in sections {
        table.extend(offset.to_le_bytes());
        table.extend(bytes.to_le_bytes());
        table.extend(crc.to_le_bytes());
    }
    debug_assert_eq!(table.len(), SECTION_COUNT * SECTION_BYTES);
    table.extend(crc32fast::hash(&table).to_le_bytes());
    sink.write_at(&table, at)?;
    sink.write_at(&header(head, count, at), 0)?;
    Ok(at + table.len() as u64)
}

/// What a run says of itself.
pub struct Head<'a> {
    pub store_id: &'a [u8; 16],
    pub hasher: NameHasher,
    /// Everything before the positions was read.
    pub is_whole: bool,
    pub positions: &'a [ChainPosition],
}

fn header(head: &Head<'_>, count: u32, table_offset: u64) -> [u8; HEADER_BYTES] {
    let mut out = Vec::with_capacity(HEADER_BYTES);
    out.extend(MAGIC);
    out.extend(head.store_id);
    out.extend(head.hasher.check().to_le_bytes());
    out.extend(table_offset.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.push(u8::from(head.is_whole));
    out.resize(HEADER_BYTES - 4, 0);
    out.extend(crc32fast::hash(&out).to_le_bytes());
    let mut header = [0; HEADER_BYTES];
    header.copy_from_slice(&out);
    header
}

fn positions(positions: &[ChainPosition]) -> Vec<u8> {
    let mut out = Vec::with_capacity(positions.len() * 64);
    for position in positions {
        out.push(u8::try_from(position.service.len()).unwrap_or(u8::MAX));
        out.extend(position.service.as_bytes());
        out.extend(position.end_seq.to_le_bytes());
        out.extend(position.leaf);
    }
    out
}
