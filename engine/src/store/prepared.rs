//! A batch on its way to the committer: whatever of an append needs no order is done here, in the producer's thread.

use super::idempotency::{EntryMac, Secret};
use crate::artifact::Artifacts;
use crate::batch::Batch;
use crate::error::Error;
use crate::format::record::Parts;
use crate::model::FieldError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A batch that waits to be committed, with all that its producer's thread could compute.
#[derive(Debug)]
pub struct Prepared {
    pub(super) batch: Batch,
    /// MACs of the entries that have an ID, in order.
    pub(super) macs: Vec<EntryMac>,
    /// MACs of the batch's key and of its bytes.
    pub(super) key: Option<EntryMac>,
    /// Entries whose artifacts the store has, by slot, ascending.
    pub(super) held: Vec<u32>,
    /// Set once a batch of the same line was refused: those behind it are not tried.
    line: Option<Arc<AtomicBool>>,
}

impl Prepared {
    /// Computes what needs no order.
    pub(super) fn new(batch: Batch, secret: &Secret) -> Prepared {
        let mut text = Vec::new();
        let macs = batch
            .slots
            .iter()
            .filter(|slot| slot.has_id)
            .map(|slot| {
                let service = batch.services[usize::from(slot.service)].as_str();
                EntryMac {
                    id: id_mac(secret, batch.tenant(slot), service, batch.id(slot), &mut text),
                    bytes: secret.mac(batch.content(slot)),
                }
            })
            .collect();
        let key = batch.idempotency_key.as_deref().map(|key| EntryMac {
            id: secret.mac_of_parts([b"batch".as_slice(), key.as_bytes()]),
            bytes: secret.mac_of_parts(batch.slots.iter().map(|slot| batch.content(slot))),
        });
        Prepared { batch, macs, key, held: Vec::new(), line: None }
    }

    /// Notes which artifacts the store has.
    pub(super) fn claim(mut self, artifacts: &Artifacts) -> Prepared {
        let slots = self.batch.artifacts.iter().filter(|(slot, sha256)| {
            let slot = self.batch.slots.get(*slot as usize);
            slot.is_some_and(|slot| artifacts.claim(self.batch.tenant(slot), sha256))
        });
        self.held = slots.map(|(slot, _)| *slot).collect();
        self
    }

    /// A batch of the log's own, which needs no MACs.
    pub(super) fn internal(batch: Batch) -> Prepared {
        Prepared { batch, macs: Vec::new(), key: None, held: Vec::new(), line: None }
    }

    /// The same batch, in a line with others: see [`super::Store::append_in_order`].
    pub(super) fn behind(mut self, line: &Arc<AtomicBool>) -> Prepared {
        self.line = Some(Arc::clone(line));
        self
    }

    pub(super) fn asks_for_ids(&self) -> bool {
        !self.macs.is_empty() || self.key.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Whether both came in one call, one behind the other.
    pub(super) fn shares_line(&self, other: &Prepared) -> bool {
        matches!((&self.line, &other.line), (Some(own), Some(other)) if Arc::ptr_eq(own, other))
    }

    pub(super) fn was_overtaken(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.load(Ordering::Relaxed))
    }

    pub(super) fn stop_line(&self) {
        if let Some(line) = &self.line {
            line.store(true, Ordering::Relaxed);
        }
    }

    /// What the batch takes in a frame, about.
    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.batch.frame_bytes()).unwrap_or(usize::MAX)
    }

    /// Its key came before with other content.
    pub(super) fn key_conflict(&self) -> Error {
        Error::Conflict {
            entry: None,
            key: FieldError::quote(self.batch.idempotency_key.as_deref().unwrap_or_default()),
            place: String::new(),
        }
    }
}

/// MACs of an entry's ID and of what its producer sent. `scratch` is room for both.
pub fn entry_mac(
    secret: &Secret,
    tenant: &str,
    service: &str,
    id: &str,
    content: Parts<'_>,
    scratch: &mut Vec<u8>,
) -> EntryMac {
    let id = id_mac(secret, tenant, service, id, scratch);
    scratch.clear();
    scratch.extend_from_slice(content.id);
    scratch.extend_from_slice(content.rest);
    EntryMac { id, bytes: secret.mac(scratch) }
}

/// MAC of what names an entry: lengths first, so that no two names give the same bytes.
fn id_mac(secret: &Secret, tenant: &str, service: &str, id: &str, scratch: &mut Vec<u8>) -> u128 {
    scratch.clear();
    scratch.extend_from_slice(b"entry");
    for part in [tenant, service, id] {
        // Each is a name of at most 128 bytes.
        scratch.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
    }
    for part in [tenant, service, id] {
        scratch.extend_from_slice(part.as_bytes());
    }
    secret.mac(scratch)
}
