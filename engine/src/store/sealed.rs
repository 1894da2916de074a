//! Where the sealed part of each chain ends, and the segments that go on from there.

use crate::error::Error;
use crate::format::column::Effort;
use crate::format::segment::columns::Row;
use crate::format::segment::states::{self, Opening, OpeningLine};
use crate::format::segment::{LineState, SegmentError};
use crate::identity::Identity;
use crate::limits;
use crate::model::ServiceName;
use crate::open::Frozen;
use crate::proof::directory::Slot;
use crate::proof::tree::RightEdge;
use crate::proof::{Hash, Hasher, Key, hashes};
use crate::segment::Segment;
use crate::segment::writer;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::sync::Arc;

/// Where the sealed part of a chain ends: tree, head and lines.
#[derive(Clone, Debug)]
pub struct SealedChain {
    pub store_id: [u8; 16],
    pub service: ServiceName,
    pub chain_id: [u8; 16],
    pub slot: Slot,
    /// Leaf of the last sealed entry, or the chain's genesis.
    pub head: Hash,
    /// Its size is the position behind the last sealed entry.
    pub edge: RightEdge,
    /// By number: every line that has a sealed entry.
    pub lines: Vec<SealedLine>,
    /// By line: the newest salt keys of sealed entries, and from which position on, where they salt entries behind them
    /// too. That is so in the middle of a seal of several segments; where one ends, every line draws a new key.
    pub keys: BTreeMap<u32, (u64, Key)>,
}

/// Where a line ends there. There may be a million of these.
#[derive(Clone, Copy, Debug)]
pub struct SealedLine {
    pub nonce: [u8; 16],
    pub slot: Slot,
    pub size: u64,
    pub digest: Hash,
}

const _: () = assert!(size_of::<SealedLine>() <= 64);

/// A chain as a start finds it.
pub struct Restored {
    pub chain: SealedChain,
    /// Of its lines. Later the directory has them.
    pub line_ids: Vec<[u8; 16]>,
}

/// What a chain's segments say.
pub struct Loaded {
    pub restored: Restored,
    /// Whose its lines are.
    pub tenants: Vec<Box<str>>,
}

/// A segment that was built and not written yet, and where its chain stands behind it.
pub struct Built {
    pub first_seq: u64,
    pub bytes: Vec<u8>,
    /// The lines that have an entry in it.
    pub lines: Vec<u32>,
    pub behind: SealedChain,
}

impl SealedChain {
    /// A chain without a sealed entry.
    pub fn new(identity: &Identity, service: ServiceName, chain_id: [u8; 16], slot: Slot) -> SealedChain {
        let head = SealedChain::genesis(identity, &service);
        let (edge, lines, keys) = (RightEdge::default(), Vec::new(), BTreeMap::new());
        SealedChain { store_id: identity.id, service, chain_id, slot, head, edge, lines, keys }
    }

    /// What stands in for the leaf before a chain's first entry.
    pub fn genesis(identity: &Identity, service: &ServiceName) -> Hash {
        hashes::genesis(&identity.id, &hashes::origin(identity.name.as_str(), service.as_str()))
    }

    /// What a chain's segments, by position, say; with the lines' tenants.
    ///
    /// # Errors
    /// A tenant table that does not read, or tables that together don't have every line; with the file.
    pub fn load(
        service: ServiceName,
        segments: &[Arc<Segment>],
    ) -> Result<Option<Loaded>, (String, SegmentError)> {
        let Some(last) = segments.last() else { return Ok(None) };
        let footer = last.footer();
        let wrong =
            |expected, found: String| (last.path().to_owned(), SegmentError { offset: 0, expected, found });
        if footer.line_count as usize > limits::LINE_COUNT_MAX {
            return Err(wrong("at most 1 000 000 lines", footer.line_count.to_string()));
        }
        let edge = RightEdge::from_subtrees(footer.end_seq(), &footer.closing_edge);
        let edge =
            edge.ok_or_else(|| wrong("a subtree for each bit of the size", footer.end_seq().to_string()))?;
        let line_count = footer.line_count as usize;
        // By number, as they are found: what a footer counts is not there yet.
        let mut lines: BTreeMap<u32, (SealedLine, Box<str>)> = BTreeMap::new();
        let mut keys = BTreeMap::new();
        // The newest segment that has a line says where it stands.
        for segment in segments.iter().rev() {
            if lines.len() == line_count {
                break;
            }
            let table = segment.read(|view| view.read_tenants());
            for row in table.map_err(|error| (segment.path().to_owned(), error))? {
                if row.line >= footer.line_count || row.slot as usize >= SLOT_COUNT_MAX {
                    let found = format!("line {} and slot {} of {:?}", row.line, row.slot, row.tenant);
                    return Err(wrong("lines and slots below their counts", found));
                }
                if let Entry::Vacant(line) = lines.entry(row.line) {
                    let LineState { size, digest } = row.closing;
                    let own = SealedLine { nonce: row.nonce, slot: row.slot, size, digest };
                    line.insert((own, row.tenant.into()));
                    keys.extend(row.keys.last().map(|key| (row.line, *key)));
                }
            }
        }
        if lines.len() < line_count || footer.slot as usize >= SLOT_COUNT_MAX {
            let found = format!("{} of {line_count} lines, slot {}", lines.len(), footer.slot);
            return Err(wrong("every line of the chain in some segment, and a possible slot", found));
        }
        let (store_id, chain_id, slot, head) = (footer.store_id, footer.chain_id, footer.slot, footer.head);
        let line_id =
            |(line, tenant): &(SealedLine, Box<str>)| hashes::line_id(&line.nonce, &chain_id, tenant);
        let line_ids = lines.values().map(line_id).collect();
        let (mut own, mut tenants) = (Vec::with_capacity(line_count), Vec::with_capacity(line_count));
        for (line, tenant) in lines.into_values() {
            own.push(line);
            tenants.push(tenant);
        }
        let chain = SealedChain { store_id, service, chain_id, slot, head, edge, lines: own, keys };
        Ok(Some(Loaded { restored: Restored { chain, line_ids }, tenants }))
    }

    /// Position behind the last sealed entry.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Builds the segments of rows that follow, one behind the other. `slots` are those of the frozen tenants'
    /// lines.
    ///
    /// # Errors
    /// [`Error::Damaged`] for rows that do not read back; then nothing must be written.
    pub fn build(
        &self,
        frozen: &Frozen,
        slots: &[Slot],
        row_count_max: u32,
        hasher: &mut Hasher,
    ) -> Result<Vec<Built>, Error> {
        let mut rows = Vec::with_capacity(frozen.row_count() as usize);
        let mut leaves = Vec::with_capacity(frozen.row_count() as usize);
        for row in frozen.rows() {
            rows.push(Row { record: row.record, kind: row.kind, logged_at: row.logged_at });
            leaves.push(*row.leaf);
        }
        let mut tenants = vec![u32::MAX; rows.len()];
        for (tenant, number) in frozen.tenants.iter().zip(0..) {
            tenant.rows.iter().for_each(|row| tenants[*row as usize] = number);
        }
        let material = Material { frozen, slots, rows, leaves, tenants };
        let whole = 0..material.rows.len();
        let mut pieces = vec![whole];
        let mut built: Vec<Built> = Vec::new();
        while let Some(piece) = pieces.pop() {
            let record_bytes: usize = material.rows[piece.clone()].iter().map(|row| row.record.len()).sum();
            let halves = |piece: &Range<usize>| {
                let middle = piece.start + piece.len() / 2;
                [middle..piece.end, piece.start..middle]
            };
            let is_large =
                piece.len() > row_count_max as usize || record_bytes > limits::SEGMENT_RECORD_BYTES_AIM;
            if is_large && piece.len() > 1 {
                pieces.extend(halves(&piece));
                continue;
            }
            let before = built.last().map_or(self, |built| &built.behind);
            let first_seq = before.size();
            let (behind, lines, bytes) = before.build_piece(&material, &piece, hasher)?;
            if bytes.len() as u64 > limits::SEGMENT_BYTES_MAX && piece.len() > 1 {
                pieces.extend(halves(&piece));
                continue;
            }
            built.push(Built { first_seq, bytes, lines, behind });
        }
        if let Some(last) = built.last_mut() {
            last.behind.keys.clear();
        }
        Ok(built)
    }

    fn build_piece(
        &self,
        material: &Material<'_>,
        piece: &Range<usize>,
        hasher: &mut Hasher,
    ) -> Result<(SealedChain, Vec<u32>, Vec<u8>), Error> {
        let damaged =
            |detail: String| Error::Damaged { place: format!("the chain of {}", self.service), detail };
        let (first_seq, end_seq) = (self.size(), self.size() + piece.len() as u64);
        let own = &material.tenants[piece.clone()];
        let mut numbers = vec![u32::MAX; material.frozen.tenants.len()];
        for tenant in own {
            *numbers
                .get_mut(*tenant as usize)
                .ok_or_else(|| damaged("an entry whose tenant is not known".to_owned()))? = 0;
        }
        let mut next = self.clone();
        let mut lines = Vec::new();
        for ((tenant, slot), number) in material.frozen.tenants.iter().zip(material.slots).zip(&mut numbers) {
            if *number == u32::MAX {
                continue;
            }
            *number = u32::try_from(lines.len()).unwrap_or(u32::MAX);
            if tenant.line as usize >= next.lines.len() {
                // Lines are numbered by their first entries; those of others before it begin in this piece too.
                let count = tenant.line as usize + 1;
                next.lines.reserve_exact(count - next.lines.len());
                next.lines.resize(count, NO_LINE);
            }
            let line = &mut next.lines[tenant.line as usize];
            if line.size == 0 {
                let nonce =
                    tenant.nonce.ok_or_else(|| damaged(format!("line {} never began", tenant.line)))?;
                let line_id = hashes::line_id(&nonce, &self.chain_id, &tenant.name);
                let digest = hashes::line_start(&self.chain_id, &line_id);
                *line = SealedLine { nonce, slot: *slot, size: 0, digest };
            }
            let known = next.keys.get(&tenant.line).copied();
            let mut keys: Vec<(u64, Key)> = known.into_iter().collect();
            let newest = keys.last().map_or(0, |(from, _)| *from);
            let drawn = tenant.keys.iter().filter(|(from, _)| *from < end_seq);
            // What is known of the sealed entries goes before: a carried part tells a key again, and from later on.
            keys.extend(drawn.filter(|(from, _)| known.is_none() || *from > newest));
            // Of those from before the line's first entry in the piece only the newest salts anything in it.
            let first_row = tenant.rows.partition_point(|row| (*row as usize) < piece.start);
            let first_row = tenant.rows.get(first_row).map_or(0, |row| *row as usize - piece.start);
            let first_own = first_seq + first_row as u64;
            let older = keys.partition_point(|(from, _)| *from <= first_own).saturating_sub(1);
            keys.drain(..older);
            next.keys.extend(keys.last().map(|key| (tenant.line, *key)));
            lines.push(OpeningLine {
                tenant: tenant.name.to_string(),
                line: tenant.line,
                slot: line.slot,
                nonce: line.nonce,
                state: LineState { size: line.size, digest: line.digest },
                keys,
            });
        }
        let own: Vec<u32> = own.iter().map(|tenant| numbers[*tenant as usize]).collect();
        let opening = Opening {
            store_id: self.store_id,
            service: self.service.to_string(),
            chain_id: self.chain_id,
            slot: self.slot,
            prev: self.head,
            edge: self.edge.clone(),
            line_count: u32::try_from(next.lines.len()).unwrap_or(u32::MAX),
        };
        let leaves = &material.leaves[piece.clone()];
        let frame = states::close(&opening, lines, leaves, &own, hasher);
        let grown = frame.tenants.iter().map(|row| row.line).collect();
        for row in &frame.tenants {
            let line = &mut next.lines[row.line as usize];
            (line.size, line.digest) = (row.closing.size, row.closing.digest);
        }
        next.head = frame.footer.head;
        next.edge = RightEdge::from_subtrees(end_seq, &frame.footer.closing_edge)
            .ok_or_else(|| damaged(format!("a tree of other than {end_seq} entries")))?;
        let bytes = writer::build(frame, &material.rows[piece.clone()], &own, Effort::Light)
            .map_err(|error| damaged(error.to_string()))?;
        Ok((next, grown, bytes))
    }
}

/// Slots of the directory: a row for each chain and line that a store may have.
const SLOT_COUNT_MAX: usize = limits::LINE_COUNT_MAX + limits::CHAIN_COUNT_MAX;

/// A line that has no entry yet.
const NO_LINE: SealedLine = SealedLine { nonce: [0; 16], slot: 0, size: 0, digest: [0; 32] };

/// Frozen rows, laid out for building.
struct Material<'f> {
    frozen: &'f Frozen,
    slots: &'f [Slot],
    rows: Vec<Row<'f>>,
    leaves: Vec<Hash>,
    /// Whose each is, by index into the frozen tenants.
    tenants: Vec<u32>,
}
