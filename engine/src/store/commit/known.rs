//! Entries and batches that came before: their first receipts, and what is refused.

use super::{Committer, PendingReceipt};
use crate::error::Error;
use crate::model::{FieldError, Timestamp};
use crate::store::Receipt;
use crate::store::idempotency::Seen;
use crate::store::older::{Loaded, Older};
use crate::store::prepared::Prepared;
use crate::store::remembered::DIRECTORY;
use std::sync::Arc;

impl Committer {
    /// An entry's ID came before with other content.
    pub(super) fn id_conflict(&self, index: usize, id: &str, seen: Option<Seen>) -> Error {
        let place =
            seen.map(|seen| format!(" (entry {} of {})", seen.seq, self.tails.chain(seen.chain).service));
        Error::Conflict { entry: Some(index), key: FieldError::quote(id), place: place.unwrap_or_default() }
    }

    /// Takes in the IDs and keys that came in journal files which are gone, before the first that needs them.
    pub(super) fn take_in_older(&mut self) -> Result<(), Error> {
        let Some(older) = &self.older else { return Ok(()) };
        if let Some(Loaded { mut window, services }) = older.take()? {
            let chain_of = |service: &str| {
                let chain = self.tails.find(service);
                chain.ok_or_else(|| Error::Damaged {
                    place: DIRECTORY.to_owned(),
                    detail: format!("expected IDs of services with entries, found some of {service}"),
                })
            };
            let chains: Result<Vec<u32>, Error> = services.iter().map(|service| chain_of(service)).collect();
            let chains = chains.inspect_err(|error| {
                // What was taken does not come again: who asks is refused from here on.
                self.older = Some(Arc::new(Older::failed(error.clone())));
            })?;
            window.renumber(&chains);
            // Recovery found these in the journal: they came behind.
            window.append(&self.window);
            self.window = window;
        }
        self.older = None;
        Ok(())
    }

    /// The receipts of a batch whose key came before.
    pub(super) fn find_batch(&self, prepared: &Prepared) -> Result<Option<Vec<PendingReceipt>>, Error> {
        let Some((key, seen)) = prepared.key.and_then(|key| Some((key, self.window.find_batch(key.id)?)))
        else {
            return Ok(None);
        };
        if seen.bytes != key.bytes {
            return Err(prepared.key_conflict());
        }
        let mut receipts: Vec<PendingReceipt> = seen
            .runs
            .iter()
            .map(|(chain, first, count)| {
                let last = first + u64::from(*count).saturating_sub(1);
                self.receipt(*chain, *first, last, seen.logged_at, true)
            })
            .collect();
        // A frame has them by service; the first receipts came in the order of the batch's first entries.
        let services = &prepared.batch.services;
        receipts.sort_by_key(|pending| services.iter().position(|name| *name == pending.receipt.service));
        Ok(Some(receipts))
    }

    /// One receipt for each run of entries that were committed together.
    pub(super) fn duplicate_receipts(&self, mut duplicates: Vec<(u32, i64, u64)>) -> Vec<PendingReceipt> {
        duplicates.sort_unstable();
        duplicates.dedup();
        duplicates
            .chunk_by(|a, b| (a.0, a.1, a.2 + 1) == *b)
            .filter_map(|run| {
                let (first, last) = (run.first()?, run.last()?);
                Some(self.receipt(first.0, first.2, last.2, first.1, true))
            })
            .collect()
    }

    pub(super) fn receipt(
        &self,
        chain: u32,
        first_seq: u64,
        last_seq: u64,
        logged_at: i64,
        duplicate: bool,
    ) -> PendingReceipt {
        PendingReceipt {
            receipt: Receipt {
                service: self.tails.chain(chain).service.clone(),
                first_seq,
                last_seq,
                logged_at: Timestamp::from_nanos(logged_at),
                head: [0; 32],
                duplicate,
            },
            has_head: !duplicate,
        }
    }
}

/// What a batch's key means beside the batches before it in its own group, which the window does not know yet.
pub(super) fn find_beside(
    before: &[&Prepared],
    outcomes: &[Result<Vec<PendingReceipt>, Error>],
    prepared: &Prepared,
) -> Option<Result<Vec<PendingReceipt>, Error>> {
    let key = prepared.key?;
    before.iter().zip(outcomes).find_map(|(earlier, outcome)| {
        let other = earlier.key.filter(|other| other.id == key.id)?;
        // Only a batch that something new is stored of makes its key known.
        let mut first = outcome.as_ref().ok()?.clone();
        first.retain(|pending| !pending.receipt.duplicate);
        if first.is_empty() {
            return None;
        }
        if other.bytes != key.bytes {
            return Some(Err(prepared.key_conflict()));
        }
        for pending in &mut first {
            (pending.receipt.duplicate, pending.has_head) = (true, false);
        }
        Some(Ok(first))
    })
}
