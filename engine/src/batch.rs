//! A batch: entries that are committed together or not at all, checked and encoded before the engine is asked.
//!
//! Encoding happens here, in the producer's thread, so that the one committer only splices and hashes.

use crate::error::Error;
use crate::format::record::{self, Parts};
use crate::limits;
use crate::model::{Entry, FieldError, ServiceName};

/// Entries that are committed together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Producers' parts of the records, back to back.
    pub(crate) arena: Vec<u8>,
    pub(crate) slots: Vec<Slot>,
    /// Services in the order of their first entry.
    pub(crate) services: Vec<ServiceName>,
    pub(crate) idempotency_key: Option<Box<str>>,
    /// Kind of all its entries: 0 for a producer's.
    pub(crate) kind: u8,
    /// What the batch will take in a frame, at least: the committer knows it exactly.
    frame_bytes: u64,
}

/// One entry of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub start: u32,
    pub id_bytes: u32,
    pub rest_bytes: u32,
    pub pair_count: u8,
    pub tenant_bytes: u8,
    pub service: u16,
    pub has_id: bool,
}

/// Row table, leaf, and what is surely added to every record.
const ENTRY_OVERHEAD_BYTES: u64 = 8 + 32 + 8;
/// Most services of one batch: a slot names its service in 16 bits.
const SERVICE_COUNT_MAX: usize = limits::CHAIN_COUNT_MAX;

const _: () = assert!(SERVICE_COUNT_MAX <= u16::MAX as usize);

impl Batch {
    /// A batch without entries.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Makes the whole batch idempotent under `key`, 1 to 128 bytes: sent again within 24 h it gives the first
    /// receipts, and with other content it is refused.
    ///
    /// # Errors
    /// A key of another length.
    pub fn set_idempotency_key(&mut self, key: &str) -> Result<(), FieldError> {
        if !matches!(key.len(), 1..=limits::NAME_BYTES_MAX) {
            return Err(FieldError::new("Idempotency-Key", "1 to 128 bytes", format!("{} bytes", key.len())));
        }
        self.idempotency_key = Some(key.into());
        Ok(())
    }

    /// Checks an entry against the model and adds it.
    ///
    /// # Errors
    /// [`Error::Entry`] with the field that breaks a rule, [`Error::BatchTooLarge`] if the batch would not fit one
    /// journal frame; the batch is then as before.
    pub fn push(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let index = self.slots.len();
        let at = |source| Error::Entry { index, source };
        let service = self.service_index(&entry.service).map_err(at)?;
        let start = self.arena.len();
        let lengths = record::encode_parts(entry, &mut self.arena).map_err(at)?;
        let bytes = (self.arena.len() - start) as u64 + ENTRY_OVERHEAD_BYTES;
        if self.frame_bytes + bytes > limits::FRAME_PAYLOAD_BYTES_MAX as u64 {
            self.arena.truncate(start);
            return Err(Error::BatchTooLarge {
                bytes: self.frame_bytes + bytes,
                bytes_max: limits::FRAME_PAYLOAD_BYTES_MAX as u64,
            });
        }
        self.frame_bytes += bytes;
        self.slots.push(Slot {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            id_bytes: lengths.id_bytes,
            rest_bytes: lengths.rest_bytes,
            pair_count: lengths.pair_count,
            tenant_bytes: u8::try_from(entry.tenant.len()).unwrap_or(u8::MAX),
            service,
            has_id: !entry.id.is_empty(),
        });
        Ok(())
    }

    /// A batch of one control record, which only the engine may make.
    pub(crate) fn push_control(&mut self, kind: u8, activity: &str, message: &str, control: &[u8]) {
        debug_assert!(self.slots.is_empty() || self.kind == kind, "a batch has one kind");
        self.kind = kind;
        if self.services.is_empty() {
            self.services.push(ServiceName::control());
        }
        let start = self.arena.len();
        let service = self.services[0].as_str().to_owned();
        let lengths = record::encode_control_parts(&service, activity, message, control, &mut self.arena);
        self.frame_bytes += (self.arena.len() - start) as u64 + ENTRY_OVERHEAD_BYTES;
        self.slots.push(Slot {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            id_bytes: lengths.id_bytes,
            rest_bytes: lengths.rest_bytes,
            pair_count: lengths.pair_count,
            tenant_bytes: u8::try_from(crate::model::SYSTEM_TENANT.len()).unwrap_or(u8::MAX),
            service: 0,
            has_id: false,
        });
    }

    fn service_index(&mut self, name: &str) -> Result<u16, FieldError> {
        // Producers send runs of one service, and few services.
        if let Some(last) = self.slots.last()
            && self.services[usize::from(last.service)].as_str() == name
        {
            return Ok(last.service);
        }
        let known = self.services.iter().position(|service| service.as_str() == name);
        let index = match known {
            Some(index) => index,
            None if name.is_empty() => {
                return Err(FieldError::new("service", "the service that generated the entry", "none"));
            }
            None => {
                let service = ServiceName::outside(name)?;
                if self.services.len() == SERVICE_COUNT_MAX {
                    return Err(FieldError::new("service", "at most 10000 services in a batch", "more"));
                }
                self.services.push(service);
                self.services.len() - 1
            }
        };
        Ok(u16::try_from(index).unwrap_or(u16::MAX))
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// What the batch takes in memory and, about, on disk.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    pub(crate) fn frame_bytes(&self) -> u64 {
        self.frame_bytes
    }

    pub(crate) fn parts(&self, slot: &Slot) -> Parts<'_> {
        let (id, rest) = self.content(slot).split_at(slot.id_bytes as usize);
        Parts { id, rest, pair_count: slot.pair_count }
    }

    /// The producer's part of an entry: what an idempotency ID vouches for.
    pub(crate) fn content(&self, slot: &Slot) -> &[u8] {
        &self.arena[slot.start as usize..][..(slot.id_bytes + slot.rest_bytes) as usize]
    }

    pub(crate) fn id(&self, slot: &Slot) -> &str {
        // `push` encoded a text here.
        record::text_of_pair(self.parts(slot).id).unwrap_or_default()
    }

    pub(crate) fn tenant(&self, slot: &Slot) -> &str {
        // The first pair behind the ID is the tenant's: `0a <text head> <tenant>`.
        let rest = &self.content(slot)[slot.id_bytes as usize..];
        let tenant_bytes = usize::from(slot.tenant_bytes);
        record::text_of_pair(&rest[..1 + head_bytes(tenant_bytes) + tenant_bytes]).unwrap_or_default()
    }
}

fn head_bytes(text_bytes: usize) -> usize {
    if text_bytes < 24 { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_tenants_are_found_in_the_encoding() {
        let mut batch = Batch::new();
        for (tenant, id) in [
            ("t".to_owned(), String::new()),
            ("t".repeat(23), "i".repeat(23)),
            ("ä".repeat(64), "i".repeat(128)),
        ] {
            let entry = Entry {
                tenant: tenant.clone().into(),
                service: "s".into(),
                activity: "a".into(),
                id: id.clone().into(),
                ..Entry::default()
            };
            batch.push(&entry).unwrap();
            let slot = batch.slots.last().unwrap();
            assert_eq!(batch.tenant(slot), tenant);
            if !id.is_empty() {
                assert_eq!(batch.id(slot), id);
            }
        }
    }

    #[test]
    fn a_refused_entry_leaves_the_batch_as_it_was() {
        let mut batch = Batch::new();
        let good =
            Entry { tenant: "t".into(), service: "s".into(), activity: "a".into(), ..Entry::default() };
        batch.push(&good).unwrap();
        let before = batch.arena.len();
        for bad in
            [Entry { service: "..".into(), ..good.clone() }, Entry { activity: "".into(), ..good.clone() }]
        {
            let error = batch.push(&bad).unwrap_err();
            assert!(error.to_string().starts_with("entry 1: field `"), "{error}");
            assert_eq!((batch.len(), batch.arena.len()), (1, before));
        }
    }

    #[test]
    fn a_batch_past_a_frame_is_refused() {
        let mut batch = Batch::new();
        let message = "x".repeat(60_000);
        let entry = Entry {
            tenant: "t".into(),
            service: "s".into(),
            activity: "a".into(),
            message: message.as_str().into(),
            ..Entry::default()
        };
        let error = (0..1000).find_map(|_| batch.push(&entry).err()).unwrap();
        assert!(matches!(error, Error::BatchTooLarge { .. }), "{error}");
        assert!(batch.frame_bytes() <= limits::FRAME_PAYLOAD_BYTES_MAX as u64);
    }
}
