//! The distinct shapes of a column while it is encoded, with what decides whether each becomes a template.

use super::bits;
use super::template;
use super::template::Frame;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hash::Hasher;

/// Past this many bytes of shapes, rows of new ones are raw: a bound on the encoder's memory.
const ARENA_BYTES_MAX: usize = 64 << 20;

/// One shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    hash: u64,
    begin: usize,
    end: usize,
    range_begin: usize,
    /// Values that each row has.
    pub(super) value_count: usize,
    pub(super) row_count: u32,
    /// Bytes of the texts of all rows.
    pub(super) text_bytes: u64,
}

/// Shapes by number, in the order of their first rows.
pub(super) struct Shapes {
    arena: Vec<u8>,
    list: Vec<Shape>,
    /// Least and greatest value of each slot.
    ranges: Vec<(u64, u64)>,
    numbers: HashTable<u32>,
    hasher: FixedState,
    /// The shape that was counted last.
    last: u32,
}

impl Shapes {
    /// `seed` should differ from column to column, so that nobody prepares texts whose hashes are alike.
    pub(super) fn new(seed: u64) -> Shapes {
        Shapes {
            arena: Vec::new(),
            list: Vec::new(),
            ranges: Vec::new(),
            numbers: HashTable::new(),
            hasher: FixedState::with_seed(seed),
            last: u32::MAX,
        }
    }

    /// Counts a row; none if its shape is new and there is no room.
    pub(super) fn add(&mut self, shape: &[u8], values: &[u64], text_bytes: usize) -> Option<u32> {
        let number = match self.number_of(shape) {
            Ok(number) => number,
            Err(hash) => {
                let number = u32::try_from(self.list.len()).ok()?;
                let begin = self.arena.len();
                if begin + shape.len() > ARENA_BYTES_MAX {
                    return None;
                }
                self.arena.extend_from_slice(shape);
                self.list.push(Shape {
                    hash,
                    begin,
                    end: self.arena.len(),
                    range_begin: self.ranges.len(),
                    value_count: values.len(),
                    row_count: 0,
                    text_bytes: 0,
                });
                self.ranges.extend(values.iter().map(|value| (*value, *value)));
                let list = &self.list;
                self.numbers.insert_unique(hash, number, |number| list[*number as usize].hash);
                number
            }
        };
        self.last = number;
        let shape = &mut self.list[number as usize];
        shape.row_count += 1;
        shape.text_bytes += text_bytes as u64;
        let ranges = &mut self.ranges[shape.range_begin..][..shape.value_count];
        for ((least, most), value) in ranges.iter_mut().zip(values) {
            *least = (*least).min(*value);
            *most = (*most).max(*value);
        }
        Some(number)
    }

    /// A shape's number, or the hash of one that is new.
    #[inline]
    fn number_of(&self, shape: &[u8]) -> Result<u32, u64> {
        let bytes_of = |other: &Shape| &self.arena[other.begin..other.end];
        // Many columns have one shape, or one at a time.
        if self.list.get(self.last as usize).is_some_and(|last| bytes_of(last) == shape) {
            return Ok(self.last);
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(shape);
        let hash = hasher.finish();
        let is_same = |number: &u32| {
            let other = &self.list[*number as usize];
            other.hash == hash && bytes_of(other) == shape
        };
        self.numbers.find(hash, is_same).copied().ok_or(hash)
    }

    /// Counts a row whose text is that of an earlier one.
    pub(super) fn again(&mut self, number: u32, text_bytes: usize) {
        let shape = &mut self.list[number as usize];
        shape.row_count += 1;
        shape.text_bytes += text_bytes as u64;
    }

    /// Bytes that a row's text has on average.
    pub(super) fn usual_bytes(&self, number: u32) -> usize {
        let shape = &self.list[number as usize];
        usize::try_from(shape.text_bytes / u64::from(shape.row_count.max(1))).unwrap_or(usize::MAX)
    }

    pub(super) fn list(&self) -> &[Shape] {
        &self.list
    }

    pub(super) fn bytes(&self, shape: &Shape) -> &[u8] {
        &self.arena[shape.begin..shape.end]
    }

    pub(super) fn frames(&self, shape: &Shape) -> impl Iterator<Item = Frame> {
        self.ranges[shape.range_begin..][..shape.value_count]
            .iter()
            .map(|(least, most)| Frame { base: *least, width: bits::width_of(most - least) })
    }

    /// Bits that a row of the shape spends on its values.
    pub(super) fn bits(&self, shape: &Shape) -> u32 {
        self.frames(shape).map(|frame| frame.width).sum()
    }

    /// What a shape costs as a template and what its rows cost raw, in bytes; `ratio` as in [`super::sample::Choice`].
    pub(super) fn costs(&self, shape: &Shape, ratio: u64) -> (u64, u64) {
        let rows = u64::from(shape.row_count);
        let table = (shape.end - shape.begin) as u64 / 2 + 1 + shape.value_count as u64 * 4;
        let template = table + rows * u64::from(self.bits(shape)) / 8;
        // A raw row has a length beside its text.
        (template, shape.text_bytes * ratio / 256 + rows)
    }

    /// Numbers of the shapes that become templates, ascending: those that save bytes, within the table's bounds.
    pub(super) fn kept(&self, row_count: u32, ratio: u64) -> Vec<u32> {
        let mut kept: Vec<(u64, u32)> = Vec::new();
        for (shape, number) in self.list.iter().zip(0..) {
            let (template, raw) = self.costs(shape, ratio);
            if shape.row_count >= 2 && template < raw {
                kept.push((raw - template, number));
            }
        }
        let mut room = Room {
            templates: template::TEMPLATE_COUNT_MAX.min(row_count as usize),
            shape_bytes: template::shape_bytes_max(row_count),
            memory_bytes: template::MEMORY_BYTES_MAX,
        };
        let mut all = Room { ..room };
        if kept.iter().all(|(_, number)| all.take(&self.list[*number as usize])) {
            return kept.into_iter().map(|(_, number)| number).collect();
        }
        kept.sort_unstable_by_key(|(gain, number)| (std::cmp::Reverse(*gain), *number));
        let mut numbers: Vec<u32> = kept
            .into_iter()
            .map(|(_, number)| number)
            .filter(|number| room.take(&self.list[*number as usize]))
            .collect();
        numbers.sort_unstable();
        numbers
    }
}

/// What a table may still take.
struct Room {
    templates: usize,
    shape_bytes: usize,
    memory_bytes: usize,
}

impl Room {
    fn take(&mut self, shape: &Shape) -> bool {
        let bytes = shape.end - shape.begin;
        let memory_bytes = template::memory_bytes(bytes, 1, shape.value_count);
        let fits = self.templates >= 1 && self.shape_bytes >= bytes && self.memory_bytes >= memory_bytes;
        if fits {
            self.templates -= 1;
            self.shape_bytes -= bytes;
            self.memory_bytes -= memory_bytes;
        }
        fits
    }
}
