//! A batch: entries that are committed together or not at all, checked and encoded before the engine is asked.
//!
//! Encoding happens here, in the producer's thread, so that the one committer only splices and hashes.

use crate::error::Error;
use crate::format::record::{self, Parts};
use crate::limits;
use crate::model::{Entry, FieldError, SYSTEM_TENANT, ServiceName, Severity};
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Entries that are committed together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Producers' parts of the records, back to back.
    pub(crate) arena: Vec<u8>,
    pub(crate) slots: Vec<Slot>,
    /// SHA-256 of the artifacts that entries name, with the entry's slot; ascending.
    pub(crate) artifacts: Vec<(u32, [u8; 32])>,
    /// Services in the order of their first entry.
    pub(crate) services: Vec<ServiceName>,
    /// Tenants in the order of their first entry, so that the committer looks each up once.
    tenants: Vec<TenantText>,
    /// Indexes into `tenants` by name, once there are more than a look at each would be worth.
    by_tenant: HashTable<u32>,
    hash_state: foldhash::fast::RandomState,
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
    pub severity: Severity,
    pub service: u16,
    pub tenant: u32,
    pub has_id: bool,
    pub has_process: bool,
}

/// Where a tenant's name lies in the arena.
#[derive(Clone, Copy, Debug)]
struct TenantText {
    start: u32,
    bytes: u8,
}

/// Row table, leaf, and what is surely added to every record.
const ENTRY_OVERHEAD_BYTES: u64 = 8 + 32 + 8;
/// So many tenants are looked through one by one; beyond them a table is faster.
const TENANT_COUNT_LINEAR: usize = 8;
/// Most services of one batch: a slot names its service in 16 bits.
const SERVICE_COUNT_MAX: usize = limits::CHAIN_COUNT_MAX;

const _: () = assert!(SERVICE_COUNT_MAX <= u16::MAX as usize);

impl Batch {
    /// A batch without entries.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// A batch with room for so many entries whose records take about so many bytes in all, so that filling it does
    /// not move it. The batch still grows to whatever is pushed.
    pub fn with_capacity(entries: usize, bytes: usize) -> Batch {
        Batch { arena: Vec::with_capacity(bytes), slots: Vec::with_capacity(entries), ..Batch::default() }
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
        let service = self.service_index(&entry.service).map_err(|source| Error::Entry { index, source })?;
        self.push_to(service, entry, record::encode_parts)
    }

    /// Adds an entry of the log's own: who read what. It is filed under any tenant, in the chain `sealog.access`, and
    /// whatever it says of a service is not looked at.
    ///
    /// # Errors
    /// As [`Batch::push`].
    pub fn push_access(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let service = ServiceName::access();
        let known = self.services.iter().position(|own| *own == service);
        let index = known.unwrap_or(self.services.len());
        let own = Entry { service: service.as_str().to_owned().into(), ..entry.clone() };
        if known.is_none() {
            self.services.push(service);
        }
        self.push_to(u16::try_from(index).unwrap_or(u16::MAX), &own, record::encode_own_parts)
    }

    fn push_to(
        &mut self,
        service: u16,
        entry: &Entry<'_>,
        encode: fn(&Entry<'_>, &mut Vec<u8>) -> Result<record::PartLengths, FieldError>,
    ) -> Result<(), Error> {
        let index = self.slots.len();
        let start = self.arena.len();
        let lengths = encode(entry, &mut self.arena).map_err(|source| Error::Entry { index, source })?;
        let bytes = (self.arena.len() - start) as u64 + ENTRY_OVERHEAD_BYTES;
        if self.frame_bytes + bytes > limits::FRAME_PAYLOAD_BYTES_MAX as u64 {
            self.arena.truncate(start);
            return Err(Error::BatchTooLarge {
                bytes: self.frame_bytes + bytes,
                bytes_max: limits::FRAME_PAYLOAD_BYTES_MAX as u64,
            });
        }
        self.frame_bytes += bytes;
        let tenant = self.tenant_index(&entry.tenant, start + lengths.id_bytes as usize);
        self.slots.push(Slot {
            start: narrow(start),
            id_bytes: lengths.id_bytes,
            rest_bytes: lengths.rest_bytes,
            pair_count: lengths.pair_count,
            severity: entry.severity,
            service,
            tenant,
            has_id: !entry.id.is_empty(),
            has_process: entry.process.is_some(),
        });
        if let Some(artifact) = &entry.artifact {
            self.artifacts.push((narrow(index), artifact.sha256));
        }
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
        let tenant = self.tenant_index(SYSTEM_TENANT, start);
        self.slots.push(Slot {
            start: narrow(start),
            id_bytes: lengths.id_bytes,
            rest_bytes: lengths.rest_bytes,
            pair_count: lengths.pair_count,
            severity: Severity::default(),
            service: 0,
            tenant,
            has_id: false,
            has_process: false,
        });
    }

    /// The tenant's index; `rest` is where the pairs behind the ID begin, the first of which is the tenant's:
    /// `0a <text head> <tenant>`.
    fn tenant_index(&mut self, name: &str, rest: usize) -> u32 {
        let text = TenantText {
            start: narrow(rest + 1 + head_bytes(name.len())),
            bytes: u8::try_from(name.len()).unwrap_or(u8::MAX),
        };
        let (arena, tenants) = (&self.arena, &mut self.tenants);
        let name = name.as_bytes();
        if tenants.len() <= TENANT_COUNT_LINEAR {
            if let Some(known) = tenants.iter().position(|tenant| tenant.of(arena) == name) {
                return narrow(known);
            }
            tenants.push(text);
            if tenants.len() > TENANT_COUNT_LINEAR {
                for index in 0..narrow(tenants.len()) {
                    let hash_of = |index: &u32| self.hash_state.hash_one(tenants[*index as usize].of(arena));
                    self.by_tenant.insert_unique(hash_of(&index), index, hash_of);
                }
            }
            return narrow(tenants.len() - 1);
        }
        let hash = self.hash_state.hash_one(name);
        if let Some(index) = self.by_tenant.find(hash, |index| tenants[*index as usize].of(arena) == name) {
            return *index;
        }
        let index = narrow(tenants.len());
        tenants.push(text);
        let hash_of = |index: &u32| self.hash_state.hash_one(tenants[*index as usize].of(arena));
        self.by_tenant.insert_unique(hash, index, hash_of);
        index
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
        self.tenant_name(slot.tenant)
    }

    /// Distinct tenants.
    pub(crate) fn tenant_count(&self) -> usize {
        self.tenants.len()
    }

    /// The name of tenant `index`, below [`Batch::tenant_count`].
    pub(crate) fn tenant_name(&self, index: u32) -> &str {
        // `push` encoded a text here.
        std::str::from_utf8(self.tenants[index as usize].of(&self.arena)).unwrap_or_default()
    }
}

impl TenantText {
    fn of<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        &arena[self.start as usize..][..usize::from(self.bytes)]
    }
}

/// Everything counted here lies inside one frame of at most 32 MiB.
fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
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
    fn each_tenant_has_one_index() {
        let mut batch = Batch::new();
        let tenants: Vec<String> = (0..100).map(|i| format!("tenant-{}", i * 7 % 40)).collect();
        for tenant in &tenants {
            let entry = Entry {
                tenant: tenant.as_str().into(),
                service: "s".into(),
                activity: "a".into(),
                ..Entry::default()
            };
            batch.push(&entry).unwrap();
        }
        assert_eq!(batch.tenant_count(), 40);
        for (slot, tenant) in batch.slots.iter().zip(&tenants) {
            assert_eq!(batch.tenant(slot), tenant);
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
