//! A tenant's line: the running digest over its own leaves (docs/integrity.md, "Lines").

use super::{Hash, Job, hashes};

/// One line's digests, each over the one before, beside those of other lines.
pub struct LineJob<'a> {
    /// (line, leaf) pairs of one line, in order.
    entries: &'a [(u32, u32)],
    leaves: &'a [Hash],
    digest: &'a mut Hash,
    done: usize,
}

impl<'a> LineJob<'a> {
    /// Moves `digest` on over those of `leaves` that the second numbers of `entries` name.
    pub fn new(entries: &'a [(u32, u32)], leaves: &'a [Hash], digest: &'a mut Hash) -> LineJob<'a> {
        LineJob { entries, leaves, digest, done: 0 }
    }
}

impl Job for LineJob<'_> {
    fn next(&mut self, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool {
        if let Some(digest) = previous {
            *self.digest = *digest;
        }
        let Some((_, leaf)) = self.entries.get(self.done) else { return false };
        self.done += 1;
        hashes::line_message(self.digest, &self.leaves[*leaf as usize], message);
        true
    }
}
