//! Which rows of a column have a value, and how many have one before a row: the number of its value among all.
//!
//! ```text
//! presence (packed, 0 or 1)
//! packed, unless the presence is uniform with no bits: how many present rows are before each block of 128
//! ```

use super::BLOCK_ROWS;
use super::ColumnError;
use super::Input;
use super::block_count_of;
use super::packed;
use super::packed::Packed;
use super::window::Window;

/// Appends what [`Presence::read`] reads.
pub(super) fn encode(rows: impl Iterator<Item = bool>, out: &mut Vec<u8>) {
    let presence: Vec<u64> = rows.map(u64::from).collect();
    let start = out.len();
    packed::encode(&presence, out);
    let row_count = super::row_count_of(presence.len());
    // What was written says whether readers need the counts.
    let is_constant =
        Packed::open(&out[start..], row_count).is_ok_and(|(column, _)| column.constant().is_some());
    if is_constant {
        return;
    }
    let mut count = 0;
    let before = presence.chunks(BLOCK_ROWS as usize).map(|block| {
        let before = count;
        count += block.iter().sum::<u64>();
        before
    });
    packed::encode(&before.collect::<Vec<_>>(), out);
}

/// Where reading upwards is. It is of one column until it forgets.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    window: Window,
    /// The row behind the one that was read last, and how many rows before it have a value. None begins at row 0 of
    /// a block, so nothing is believed at first.
    row: u32,
    number: u32,
}

impl Reading {
    pub(super) fn forget(&mut self) {
        self.window.forget();
        // A block's first row is always counted anew.
        (self.row, self.number) = (0, 0);
    }
}

/// Which rows have a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presence<'a> {
    rows: Packed<'a>,
    /// None if all rows are alike.
    before: Option<Packed<'a>>,
}

impl<'a> Presence<'a> {
    pub(super) fn read(input: &mut Input<'a>, row_count: u32) -> Result<Presence<'a>, ColumnError> {
        let rows = Packed::read(input, row_count)?;
        if !rows.is_binary() {
            return Err(input.error("a presence of 0 or 1"));
        }
        let before = match rows.constant() {
            Some(_) => None,
            None => Some(Packed::read(input, block_count_of(row_count))?),
        };
        Ok(Presence { rows, before })
    }

    pub(super) fn row_count(&self) -> u32 {
        self.rows.row_count()
    }

    /// Whether a row has a value; false past the end.
    pub(super) fn is_present(&self, row: u32) -> bool {
        self.rows.get(row) != 0
    }

    /// The number of a row's value, if it has one. What the bytes say of blocks is not checked: it may be any number.
    #[inline]
    pub(super) fn number(&self, row: u32) -> Option<u32> {
        self.is_present(row).then(|| self.number_of(row))
    }

    /// As [`Presence::number`], for whoever reads upwards: rows are counted on, not anew.
    #[inline]
    pub(super) fn number_next(&self, row: u32, reading: &mut Reading) -> Option<u32> {
        let is_present = reading.window.get(&self.rows, row) != 0;
        if self.before.is_none() {
            return is_present.then_some(row);
        }
        let is_next = row == reading.row && !row.is_multiple_of(BLOCK_ROWS);
        let number = if is_next { reading.number } else { self.number_of(row) };
        reading.row = row.wrapping_add(1);
        reading.number = number.saturating_add(u32::from(is_present));
        is_present.then_some(number)
    }

    #[inline]
    fn number_of(&self, row: u32) -> u32 {
        let Some(before) = self.before else { return row };
        let before = u32::try_from(before.get(row / BLOCK_ROWS)).unwrap_or(u32::MAX);
        before.saturating_add(self.rows.ones_before(row))
    }
}
