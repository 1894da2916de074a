//! 128 rows of a packed column at once: reading upwards unpacks each block once, one row alone unpacks none.

use super::BLOCK_ROWS;
use super::packed::Packed;

/// The block that was unpacked last.
#[derive(Clone, Debug)]
pub struct Window {
    /// Which block `values` are of.
    block: u32,
    /// The block that was asked for last: who asks for it again reads on in it.
    asked: u32,
    /// Empty until a block is unpacked: most columns of a small segment never need it.
    values: Vec<u64>,
}

const NONE: u32 = u32::MAX;

impl Default for Window {
    fn default() -> Window {
        Window { block: NONE, asked: NONE, values: Vec::new() }
    }
}

impl Window {
    /// The value of `row`, as [`Packed::get`] gives it. A window is of one column until it forgets.
    #[inline]
    pub fn get(&mut self, column: &Packed<'_>, row: u32) -> u64 {
        if row / BLOCK_ROWS == self.block {
            return self.values[(row % BLOCK_ROWS) as usize];
        }
        self.read(column, row)
    }

    #[inline(never)]
    fn read(&mut self, column: &Packed<'_>, row: u32) -> u64 {
        let block = row / BLOCK_ROWS;
        if self.asked != block && !row.is_multiple_of(BLOCK_ROWS) {
            self.asked = block;
            return column.get(row);
        }
        self.asked = block;
        self.block = block;
        self.values.resize(BLOCK_ROWS as usize, 0);
        if let Some(values) = self.values.first_chunk_mut() {
            column.decode_block(block, values);
        }
        self.values[(row % BLOCK_ROWS) as usize]
    }

    /// Forgets the block: the next one is of another column.
    pub fn forget(&mut self) {
        (self.block, self.asked) = (NONE, NONE);
    }
}
