//! Where each chain and each line stands, for the one who commits.
//!
//! Invariant: the numbers given out for a chain, and for a line, have no hole. What is given out for a group that is
//! not written is taken back in reverse order.

use crate::clock::Entropy;
use crate::error::Error;
use crate::lean::push_lean;
use crate::limits;
use crate::model::{ServiceName, StoreName};
use crate::proof::{Hash, Key, hashes};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::HashMap;
use std::hash::BuildHasher;

type Map<V> = HashMap<Box<str>, V, RandomState>;

/// All chains' tails.
pub struct Tails {
    store_id: [u8; 16],
    store_name: StoreName,
    chains: Vec<ChainTail>,
    by_service: Map<u32>,
    tenants: Vec<Tenant>,
    /// Numbers of tenants by their names.
    by_tenant: HashTable<u32>,
    hasher: RandomState,
    line_count: usize,
    /// Why chains take no entries, of those that don't.
    read_only: Map<Error>,
}

/// A tenant, numbered by its first line in any chain.
struct Tenant {
    name: Box<str>,
    line_count: u32,
}

/// Where one chain stands.
pub struct ChainTail {
    pub service: ServiceName,
    pub chain_id: [u8; 16],
    pub next_seq: u64,
    /// Its newest leaf, or its genesis.
    pub prev: Hash,
    /// Counts the boundaries behind which every line draws a new salt key.
    generation: u32,
    /// Salt keys that were drawn in this generation.
    keys: Vec<Key>,
    lines: Vec<LineTail>,
    /// Lines by the tenant's number.
    by_tenant: HashTable<u32>,
    /// Nonces of lines that begin in the group that is being built.
    nonces: Vec<(u32, [u8; 16])>,
}

/// Where one tenant's line in one chain stands. There may be a million: what only few of them need is beside them.
#[derive(Clone, Copy)]
pub struct LineTail {
    /// The tenant's number.
    pub tenant: u32,
    /// Index into the chain's keys, while the chain is in the key's generation.
    key: u32,
    generation: u32,
    pub next_tenant_seq: u64,
}

const _: () = assert!(size_of::<LineTail>() <= 24);

/// What an entry was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub chain: u32,
    pub line: u32,
    pub seq: u64,
    pub tenant_seq: u64,
    /// It is the first that the line's new salt key salts: the key goes into the same frame.
    pub draws_key: bool,
}

fn index(at: usize) -> u32 {
    // Chains and lines are bounded far below 2^32.
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Tails {
    pub fn new(store_id: [u8; 16], store_name: StoreName) -> Tails {
        Tails {
            store_id,
            store_name,
            chains: Vec::new(),
            by_service: Map::default(),
            tenants: Vec::new(),
            by_tenant: HashTable::new(),
            hasher: RandomState::default(),
            line_count: 0,
            read_only: Map::default(),
        }
    }

    /// From here on a chain takes no entries. It keeps its number: ids that came in it are still known.
    pub fn refuse(&mut self, chain: u32, size: u64, why: Error) {
        let tail = self.chain_mut(chain);
        // A chain without an entry would be taken back with others that were begun for nothing.
        tail.next_seq = size.max(1);
        let service = tail.service.as_str().into();
        self.read_only.insert(service, why);
    }

    /// Why entries of these services are refused, if any of them are.
    pub fn refusal(&self, services: &[ServiceName]) -> Option<&Error> {
        if self.read_only.is_empty() {
            return None;
        }
        services.iter().find_map(|service| self.read_only.get(service.as_str()))
    }

    pub fn chain_count(&self) -> usize {
        self.chains.len()
    }

    /// A tenant's name by its number.
    pub fn tenant_name(&self, tenant: u32) -> &str {
        &self.tenants[tenant as usize].name
    }

    /// The number of a tenant that has a line in any chain.
    pub fn find_tenant(&self, name: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.by_tenant.find(hash, |tenant| *self.tenants[*tenant as usize].name == *name).copied()
    }

    pub fn chain(&self, chain: u32) -> &ChainTail {
        &self.chains[chain as usize]
    }

    pub fn chain_mut(&mut self, chain: u32) -> &mut ChainTail {
        &mut self.chains[chain as usize]
    }

    pub fn find(&self, service: &str) -> Option<u32> {
        self.by_service.get(service).copied()
    }

    /// The chain of a service, begun if it is new.
    pub fn chain_of(&mut self, service: &ServiceName) -> Result<u32, Error> {
        if let Some(chain) = self.find(service.as_str()) {
            return Ok(chain);
        }
        if self.chains.len() >= limits::CHAIN_COUNT_MAX {
            return Err(Error::Limit { what: "services", max: limits::CHAIN_COUNT_MAX });
        }
        let origin = hashes::origin(self.store_name.as_str(), service.as_str());
        let chain = index(self.chains.len());
        self.chains.push(ChainTail {
            service: service.clone(),
            chain_id: hashes::chain_id(&origin),
            next_seq: 0,
            prev: hashes::genesis(&self.store_id, &origin),
            generation: 0,
            keys: Vec::new(),
            lines: Vec::new(),
            by_tenant: HashTable::new(),
            nonces: Vec::new(),
        });
        self.by_service.insert(service.as_str().into(), chain);
        Ok(chain)
    }

    /// Gives the next place in a chain to an entry of a line.
    pub fn place(&mut self, chain: u32, line: u32, entropy: &dyn Entropy) -> Result<Place, Error> {
        let tail = &mut self.chains[chain as usize];
        let line_tail = &mut tail.lines[line as usize];
        let draws_key = line_tail.generation != tail.generation;
        if draws_key {
            let mut key = [0; 32];
            entropy.fill(&mut key).map_err(Error::during("draw a salt key for", "a tenant"))?;
            (line_tail.key, line_tail.generation) = (index(tail.keys.len()), tail.generation);
            push_lean(&mut tail.keys, key);
        }
        let place =
            Place { chain, line, seq: tail.next_seq, tenant_seq: line_tail.next_tenant_seq, draws_key };
        tail.next_seq += 1;
        line_tail.next_tenant_seq += 1;
        Ok(place)
    }

    /// From here on every line of the chain draws a new salt key. Returns the position of the boundary.
    pub fn begin_generation(&mut self, chain: u32) -> u64 {
        let tail = &mut self.chains[chain as usize];
        tail.generation = tail.generation.wrapping_add(1);
        tail.keys = Vec::new();
        tail.next_seq
    }

    /// The line of a tenant in a chain, if it has begun.
    pub fn find_line(&self, chain: u32, tenant: u32) -> Option<u32> {
        let tail = &self.chains[chain as usize];
        let hash = self.hasher.hash_one(tenant);
        tail.by_tenant.find(hash, |line| tail.lines[*line as usize].tenant == tenant).copied()
    }

    /// The line of a tenant in a chain, begun if it is new. `known` is the tenant's number, if it has one, and is set if
    /// it gets one here.
    pub fn line_of(
        &mut self,
        chain: u32,
        known: &mut Option<u32>,
        name: &str,
        entropy: &dyn Entropy,
    ) -> Result<u32, Error> {
        match known.and_then(|tenant| self.find_line(chain, tenant)) {
            Some(line) => Ok(line),
            None => self.begin_line(chain, known, name, entropy),
        }
    }

    fn begin_line(
        &mut self,
        chain: u32,
        known: &mut Option<u32>,
        name: &str,
        entropy: &dyn Entropy,
    ) -> Result<u32, Error> {
        if self.line_count >= limits::LINE_COUNT_MAX {
            return Err(Error::Limit { what: "tenants over all services", max: limits::LINE_COUNT_MAX });
        }
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce).map_err(Error::during("draw a nonce for", "a new tenant"))?;
        let tenant = self.add_tenant(name);
        *known = Some(tenant);
        let line = self.add_line(chain, tenant, 0);
        self.chains[chain as usize].nonces.push((line, nonce));
        Ok(line)
    }

    /// The number of a tenant that is about to get a line.
    fn add_tenant(&mut self, name: &str) -> u32 {
        if let Some(tenant) = self.find_tenant(name) {
            return tenant;
        }
        let tenant = index(self.tenants.len());
        self.tenants.push(Tenant { name: name.into(), line_count: 0 });
        let (tenants, hasher) = (&self.tenants, &self.hasher);
        let hash_of = |tenant: &u32| hasher.hash_one(&*tenants[*tenant as usize].name);
        self.by_tenant.insert_unique(hash_of(&tenant), tenant, hash_of);
        tenant
    }

    /// Adds a line that has no salt key yet.
    fn add_line(&mut self, chain: u32, tenant: u32, next_tenant_seq: u64) -> u32 {
        self.line_count += 1;
        self.tenants[tenant as usize].line_count += 1;
        let tail = &mut self.chains[chain as usize];
        let number = index(tail.lines.len());
        let generation = tail.generation.wrapping_sub(1);
        push_lean(&mut tail.lines, LineTail { tenant, key: 0, generation, next_tenant_seq });
        let (lines, hasher) = (&tail.lines, &self.hasher);
        let hash_of = |line: &u32| hasher.hash_one(lines[*line as usize].tenant);
        tail.by_tenant.insert_unique(hash_of(&number), number, hash_of);
        number
    }

    /// Takes back the newest place of its chain, with a line or chain that began there.
    pub fn undo(&mut self, place: Place) {
        let tail = &mut self.chains[place.chain as usize];
        debug_assert_eq!(tail.next_seq, place.seq + 1, "places are taken back in reverse order");
        tail.next_seq = place.seq;
        let line = &mut tail.lines[place.line as usize];
        line.next_tenant_seq = place.tenant_seq;
        if place.draws_key {
            // No frame tells of it: the next entry draws another.
            line.generation = tail.generation.wrapping_sub(1);
            tail.keys.pop();
        }
        if place.tenant_seq == 0
            && let Some(line) = tail.lines.pop()
        {
            let hash = self.hasher.hash_one(line.tenant);
            if let Ok(own) = tail.by_tenant.find_entry(hash, |number| *number == place.line) {
                own.remove();
            }
            tail.nonces.pop();
            self.line_count -= 1;
            self.tenants[line.tenant as usize].line_count -= 1;
            self.drop_lineless_tenants();
        }
        self.drop_empty_chains();
    }

    /// Takes back chains that were begun and got no entry.
    pub fn drop_empty_chains(&mut self) {
        while let Some(last) = self.chains.last()
            && last.next_seq == 0
        {
            self.by_service.remove(last.service.as_str());
            self.chains.pop();
        }
    }

    /// Takes back tenants that were numbered and have no line: the newest, because numbers stay.
    fn drop_lineless_tenants(&mut self) {
        while let Some(last) = self.tenants.last()
            && last.line_count == 0
        {
            let hash = self.hasher.hash_one(&*last.name);
            let number = index(self.tenants.len() - 1);
            if let Ok(own) = self.by_tenant.find_entry(hash, |tenant| *tenant == number) {
                own.remove();
            }
            self.tenants.pop();
        }
    }

    /// Notes a line that a segment or the journal tells of, and returns its number.
    pub fn replay_line(&mut self, chain: u32, tenant: &str, size: u64) -> u32 {
        let tenant = self.add_tenant(tenant);
        self.add_line(chain, tenant, size)
    }
}

impl ChainTail {
    pub fn line(&self, line: u32) -> &LineTail {
        &self.lines[line as usize]
    }

    pub fn line_mut(&mut self, line: u32) -> Option<&mut LineTail> {
        self.lines.get_mut(line as usize)
    }

    pub fn line_count(&self) -> u32 {
        index(self.lines.len())
    }

    /// Notes the salt key that a frame of the journal says a line has from there on.
    pub fn replay_key(&mut self, line: u32, key: Key) -> bool {
        let Some(line) = self.lines.get_mut(line as usize) else { return false };
        if line.generation == self.generation
            && let Some(known) = self.keys.get_mut(line.key as usize)
        {
            *known = key;
            return true;
        }
        (line.key, line.generation) = (index(self.keys.len()), self.generation);
        push_lean(&mut self.keys, key);
        true
    }

    /// The salt key of a line that has an entry in this generation.
    pub fn key(&self, line: u32) -> &Key {
        &self.keys[self.lines[line as usize].key as usize]
    }

    /// The nonce of a line that begins in the group that is being built.
    pub fn nonce(&self, line: u32) -> [u8; 16] {
        let at = self.nonces.partition_point(|(own, _)| *own < line);
        self.nonces[at].1
    }

    /// The group is written: what its lines began with is told.
    pub fn settle(&mut self, prev: Hash) {
        self.prev = prev;
        let lines = &self.lines;
        // A line without an entry begins with a later group.
        self.nonces.retain(|(line, _)| lines.get(*line as usize).is_some_and(|own| own.next_tenant_seq == 0));
        self.nonces.shrink_to_fit();
    }
}
