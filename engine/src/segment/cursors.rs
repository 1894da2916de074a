//! What reading upwards remembers of a segment: blocks that were unpacked, pages that were decoded.

use super::view::View;
use crate::format::column::bytes;
use crate::format::column::page::Decoded;
use crate::format::column::text;
use crate::format::column::text_block::TextBlock;
use crate::format::column::times;
use crate::format::column::window::Window;
use crate::format::sheet::Sheet;

/// Where reading of each column is, and room for a record. Cursors that come to another segment begin anew.
pub struct Cursors<'a> {
    /// The segment that they are used with.
    segment: &'a [u8],
    pub(super) rows: Window,
    pub(super) numbers: [Window; 5],
    pub(super) times: [times::Cursor; 4],
    pub(super) texts: [text::Cursor<'a>; 18],
    pub(super) bytes: [bytes::Cursor<'a>; 3],
    /// The texts of a block, by column, for reading upwards; none until somebody does.
    pub(super) blocks: Vec<TextBlock>,
    pub(super) record: Sheet,
}

impl std::fmt::Debug for Cursors<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursors").finish_non_exhaustive()
    }
}

impl Default for Cursors<'_> {
    fn default() -> Self {
        Cursors {
            segment: &[],
            rows: Window::default(),
            numbers: Default::default(),
            times: Default::default(),
            texts: std::array::from_fn(|_| text::Cursor::new()),
            bytes: std::array::from_fn(|_| bytes::Cursor::new()),
            blocks: Vec::new(),
            record: Sheet::default(),
        }
    }
}

impl<'a> Cursors<'a> {
    /// Sees to it that nothing is left of another segment.
    #[inline]
    pub(super) fn enter(&mut self, view: &View<'a>) {
        if !std::ptr::eq(self.segment, view.bytes) {
            self.begin(view);
        }
    }

    /// Pages that were decoded so far.
    pub fn decoded(&self) -> Decoded {
        let texts = self.texts.iter().map(text::Cursor::decoded);
        let bytes = self.bytes.iter().map(bytes::Cursor::decoded);
        let blocks = self.blocks.iter().map(TextBlock::decoded);
        texts.chain(bytes).chain(blocks).fold(Decoded::default(), Decoded::and)
    }

    #[cold]
    fn begin(&mut self, view: &View<'a>) {
        self.segment = view.bytes;
        self.rows.forget();
        self.numbers.iter_mut().for_each(Window::forget);
        self.times.iter_mut().for_each(times::Cursor::forget);
        self.blocks.iter_mut().for_each(TextBlock::forget);
        // The cursors of texts and byte strings know their columns themselves.
    }
}
