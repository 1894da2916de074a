//! Texts of many rows of one block at once, one behind the other: what is looked for is looked for in all of them.
//!
//! A row whose text does not read by blocks is asked for alone, which says why.

use super::fields::field_of;
use super::{Column, Cursors, View};
use crate::format::column::BLOCK_ROWS;
use crate::format::column::text_block::TextBlock;
use crate::format::record::key;
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::format::segment::places::Run;
use crate::format::segment::references;
use crate::format::segment::references::Message;
use crate::format::sheet::Loose;
use crate::format::sheet::Sheet;
use crate::limits;

/// Who has so many bytes of texts looks through them before there are more.
const BYTES_AIM: usize = 1 << 20;
/// Columns of texts.
const COLUMNS: usize = 18;
/// Fields that a message may refer to and that have a column have slots below this.
const KEYS: usize = 64;

/// Texts of rows of a block, one behind the other.
#[derive(Default)]
pub struct RowTexts {
    bytes: Sheet,
    /// The row, counted in its block, and where its text ends.
    ends: Vec<(u32, usize)>,
    /// A message that is put together alone.
    room: Sheet,
}

impl RowTexts {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= BYTES_AIM
    }

    fn end(&mut self, row: u32) {
        self.ends.push((row, self.bytes.len()));
    }

    /// The bytes of all texts.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.bytes()
    }

    /// The bytes of all texts, to be written over.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.bytes_mut()
    }

    /// The rows, each with where its text ends; it begins where the one before ends.
    pub fn ends(&self) -> &[(u32, usize)] {
        &self.ends
    }
}

/// The rows of a block that have a bit, upwards.
pub fn bits(mut rows: u128) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let row = rows.trailing_zeros();
        rows &= rows.wrapping_sub(1);
        (row < BLOCK_ROWS).then_some(row)
    })
}

/// Those rows that are not before `row`.
fn from(rows: u128, row: u32) -> u128 {
    rows & u128::MAX << row
}

/// A message on its way into the texts of its block.
struct Unfolding<'t, 'b> {
    bytes: &'t mut Sheet,
    start: usize,
    row: usize,
    /// By key.
    values: &'t [Option<Value<'b>>; KEYS],
    tenant: &'b [u8],
}

/// Where the values of a field are that a message may refer to.
#[derive(Clone, Copy)]
enum Value<'b> {
    Block(&'b TextBlock),
    Tenant,
    Service(&'b [u8]),
}

impl Message for Unfolding<'_, '_> {
    #[inline]
    fn put(&mut self, piece: Loose<'_>) {
        self.bytes.put(piece);
    }

    #[inline]
    fn put_value(&mut self, key: u64) -> Option<()> {
        match (*self.values.get(usize::try_from(key).ok()?)?)? {
            Value::Block(block) => {
                let pair = block.pair(self.row).filter(|pair| !pair.bytes.is_empty())?;
                self.bytes.put(pair.text());
            }
            Value::Tenant => self.bytes.put_slice(self.tenant),
            Value::Service(service) => self.bytes.put_slice(service),
        }
        Some(())
    }

    #[inline]
    fn byte_count(&self) -> usize {
        self.bytes.len() - self.start
    }
}

impl<'a> View<'a> {
    /// Codes of a block of a column of texts; all 0 if there is no column.
    ///
    /// # Errors
    /// As [`View::column`].
    pub fn codes_of(
        &self,
        field: Field,
        block: u32,
        out: &mut [u64; BLOCK_ROWS as usize],
    ) -> Result<(), SegmentError> {
        match self.column(field)? {
            Some(Column::Texts(texts)) => texts.codes().decode_block(block, out),
            _ => out.fill(0),
        }
        Ok(())
    }

    /// Small numbers of a block of a column; all 0 if there is no column.
    ///
    /// # Errors
    /// As [`View::column`].
    pub fn numbers_of(
        &self,
        field: Field,
        block: u32,
        out: &mut [u64; BLOCK_ROWS as usize],
    ) -> Result<(), SegmentError> {
        match self.column(field)? {
            Some(Column::Numbers(numbers)) => numbers.decode_block(block, out),
            _ => out.fill(0),
        }
        Ok(())
    }

    /// Reads texts of rows of a block into the cursors' room for the column.
    fn read_block(
        &self,
        field: Field,
        block: u32,
        rows: u128,
        cursors: &mut Cursors<'a>,
    ) -> Result<(), SegmentError> {
        cursors.enter(self);
        if cursors.blocks.len() < COLUMNS {
            cursors.blocks.resize_with(COLUMNS, TextBlock::default);
        }
        if let (Some(Column::Texts(texts)), Some(own)) =
            (self.column(field)?, cursors.blocks.get_mut(field.slot()))
        {
            own.read(texts, block, rows, 0);
        }
        Ok(())
    }

    /// Texts of rows of a block as their column has them; rows without one are left out. See
    /// [`View::messages_of`] for messages. Gives the rows that there was no room for.
    ///
    /// # Errors
    /// As [`View::text_next`].
    pub fn texts_of(
        &self,
        field: Field,
        block: u32,
        rows: u128,
        cursors: &mut Cursors<'a>,
        out: &mut RowTexts,
    ) -> Result<u128, SegmentError> {
        out.clear();
        if self.column(field)?.is_none() {
            return Ok(0);
        }
        self.read_block(field, block, rows, cursors)?;
        for row in bits(rows) {
            if out.is_full() {
                return Ok(from(rows, row));
            }
            match cursors.blocks.get(field.slot()).and_then(|own| own.pair(row as usize)) {
                Some(pair) if pair.bytes.is_empty() => continue,
                Some(pair) => out.bytes.put(pair.text()),
                None => match self.text_next(field, block * BLOCK_ROWS + row, cursors)? {
                    Some(text) => out.bytes.put_slice(text),
                    None => continue,
                },
            }
            out.end(row);
        }
        Ok(0)
    }

    /// Messages of rows of a block, put together with the texts that they refer to; rows without one are left out.
    /// Gives the rows that there was no room for.
    ///
    /// # Errors
    /// As [`View::message_next`].
    pub fn messages_of(
        &self,
        block: u32,
        rows: u128,
        cursors: &mut Cursors<'a>,
        out: &mut RowTexts,
    ) -> Result<u128, SegmentError> {
        out.clear();
        if self.column(Field::Message)?.is_none() {
            return Ok(0);
        }
        self.read_block(Field::Message, block, rows, cursors)?;
        let mut keys = 0_u64;
        if let Some(messages) = cursors.blocks.get(Field::Message.slot()) {
            let pairs = bits(rows).filter_map(|row| messages.pair(row as usize));
            for text in pairs.map(|pair| pair.text()).filter(|text| references::is_folded(*text)) {
                keys |= references::keys(text.exact()).fold(0, |keys, key| keys | 1 << (key % 64));
            }
        }
        for field in (0..64).filter(|key| keys >> key & 1 != 0).filter_map(field_of) {
            self.read_block(field, block, rows, cursors)?;
        }
        let (alone, left) = self.put_messages(block, rows, keys, cursors, out)?;
        for row in bits(alone) {
            if out.is_full() {
                return Ok(from(alone, row) | left);
            }
            let place = block * BLOCK_ROWS + row;
            let tenant = self.run_at(place)?.0.tenant;
            let mut room = std::mem::take(&mut out.room);
            let message = self.message_next(place, tenant, cursors, &mut room)?;
            out.bytes.put_slice(message);
            out.end(row);
            out.room = room;
        }
        Ok(left)
    }

    /// Gives the rows that are to be asked for alone, and those that there was no room for.
    fn put_messages(
        &self,
        block: u32,
        rows: u128,
        keys: u64,
        cursors: &Cursors<'a>,
        out: &mut RowTexts,
    ) -> Result<(u128, u128), SegmentError> {
        let mut values: [Option<Value<'_>>; KEYS] = [None; KEYS];
        for (key, value) in (0..).zip(&mut values).filter(|(key, _)| keys >> key & 1 != 0) {
            *value = match key {
                key::TENANT => Some(Value::Tenant),
                key::SERVICE => Some(Value::Service(self.footer.service.as_bytes())),
                key => match field_of(key) {
                    Some(field) if self.column(field)?.is_some() => {
                        cursors.blocks.get(field.slot()).map(Value::Block)
                    }
                    _ => None,
                },
            };
        }
        let (tenants, mut run) = (self.tenants()?, Run { tenant: 0, first: 0, count: 0 });
        let Some(messages) = cursors.blocks.get(Field::Message.slot()) else { return Ok((rows, 0)) };
        let mut alone = 0;
        for row in bits(rows) {
            if out.is_full() {
                return Ok((alone, from(rows, row)));
            }
            let start = out.bytes.len();
            let text = match messages.pair(row as usize) {
                Some(pair) if pair.bytes.is_empty() => continue,
                Some(pair) => pair.text(),
                None => {
                    alone |= 1 << row;
                    continue;
                }
            };
            if !references::is_folded(text) {
                out.bytes.put(text);
                out.end(row);
                continue;
            }
            let place = block * BLOCK_ROWS + row;
            if keys >> key::TENANT & 1 != 0 && place.wrapping_sub(run.first) >= run.count {
                run = self.run_at(place)?.0;
            }
            let tenant = tenants.get(run.tenant as usize).map_or(&[][..], |row| row.tenant.as_bytes());
            let mut unfolding =
                Unfolding { bytes: &mut out.bytes, start, row: row as usize, values: &values, tenant };
            // A record has less room than is left here for one that is read.
            match references::unfold(text, &mut unfolding) {
                Ok(()) if out.bytes.len() - start <= limits::RECORD_BYTES_MAX => out.end(row),
                _ => {
                    out.bytes.truncate(start);
                    alone |= 1 << row;
                }
            }
        }
        Ok((alone, 0))
    }
}
