//! The leaves of a segment's entries, recomputed from the records: a segment stores none of them.

use super::view::{Cursors, View};
use crate::format::segment::{SegmentError, TenantRow};
use crate::limits::MARK_INTERVAL;
use crate::proof::hashes::Skeleton;
use crate::proof::{Hash, Key, digest, hashes};

/// The salt key of an entry: the newest that holds from its position, or one before, on.
pub fn key_at(tenant: &TenantRow, seq: u64) -> Option<&Key> {
    let at = tenant.keys.partition_point(|(from, _)| *from <= seq).checked_sub(1)?;
    tenant.keys.get(at).map(|(_, key)| key)
}

impl<'a> View<'a> {
    /// The leaf of one entry, from the nearest mark before it: at most 511 records are read.
    ///
    /// # Errors
    /// Sections that do not read, a position that is not in the segment, a tenant without a salt key.
    pub fn leaf(&self, seq: u64) -> Result<Hash, SegmentError> {
        let footer = self.footer();
        let wrong = |expected, found: String| SegmentError { offset: 0, expected, found };
        if !(footer.first_seq..footer.end_seq()).contains(&seq) {
            return Err(wrong("a position of the segment", seq.to_string()));
        }
        if seq + 1 == footer.end_seq() {
            return Ok(footer.head);
        }
        let (mut next, mut prev) = self.nearest(seq)?;
        let mut cursors = Cursors::default();
        while next <= seq {
            prev = self.leaf_over(next, &prev, &mut cursors)?;
            next += 1;
        }
        Ok(prev)
    }

    /// The last position at or before `seq` whose `prev` is kept, and that.
    fn nearest(&self, seq: u64) -> Result<(u64, Hash), SegmentError> {
        let footer = self.footer();
        // The first mark is of the node that the segment begins in, unless that ends behind it.
        let first_node = footer.first_seq / MARK_INTERVAL;
        let marks = self.marks()?;
        let wanted = usize::try_from(seq / MARK_INTERVAL - first_node).unwrap_or(usize::MAX);
        let nearest = wanted.min(marks.len().saturating_sub(1));
        let begins_at = (first_node + nearest as u64) * MARK_INTERVAL;
        let Some(mark) = marks.get(nearest).filter(|_| begins_at > footer.first_seq) else {
            return Ok((footer.first_seq, footer.prev));
        };
        let mut before = [0; 32];
        before.copy_from_slice(&mark[32..]);
        Ok((begins_at, before))
    }

    /// The leaf of the entry at a position, over the leaf before it.
    fn leaf_over(&self, seq: u64, prev: &Hash, cursors: &mut Cursors<'a>) -> Result<Hash, SegmentError> {
        let footer = self.footer();
        let wrong = |expected, found: String| SegmentError { offset: 0, expected, found };
        let row = u32::try_from(seq - footer.first_seq).unwrap_or(u32::MAX);
        let place = self.place_of(row)?;
        let (run, index) = self.run_at(place)?;
        let head = self.head(place, run, index)?;
        let mut record = Vec::new();
        self.record(place, &head, cursors, &mut record)?;
        let tenant = &self.tenants()?[head.tenant as usize];
        let key = key_at(tenant, seq).ok_or_else(|| wrong("a salt key", format!("none at {seq}")))?;
        let mut message = Vec::new();
        hashes::salt_message(key, seq, &mut message);
        let salt = hashes::salt_of(&digest(&[&message]));
        message.clear();
        hashes::body_message(&salt, &record, &mut message);
        let body = digest(&[&message]);
        let skeleton =
            Skeleton { kind: head.kind, chain_id: footer.chain_id, seq, logged_at: head.logged_at };
        message.clear();
        skeleton.leaf_message(prev, &body, &mut message);
        Ok(digest(&[&message]))
    }
}
