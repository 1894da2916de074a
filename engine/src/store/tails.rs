//! Where each chain and each line stands, for the one who commits.
//!
//! Invariant: the numbers given out for a chain, and for a line, have no hole. What is given out for a group that is
//! not written is taken back in reverse order.

use crate::clock::Entropy;
use crate::error::Error;
use crate::limits;
use crate::model::{ServiceName, StoreName};
use crate::proof::{Hash, Key, hashes};
use std::collections::HashMap;

type Map<V> = HashMap<Box<str>, V, foldhash::fast::RandomState>;

/// All chains' tails.
pub struct Tails {
    store_id: [u8; 16],
    store_name: StoreName,
    chains: Vec<ChainTail>,
    by_service: Map<u32>,
    line_count: usize,
}

/// Where one chain stands.
pub struct ChainTail {
    pub service: ServiceName,
    pub chain_id: [u8; 16],
    pub next_seq: u64,
    /// Its newest leaf, or its genesis.
    pub prev: Hash,
    lines: Vec<LineTail>,
    by_tenant: Map<u32>,
}

/// Where one tenant's line in one chain stands.
pub struct LineTail {
    pub tenant: Box<str>,
    pub nonce: [u8; 16],
    /// Salts this tenant's entries until the open segment is sealed.
    pub key: Key,
    pub next_tenant_seq: u64,
}

/// What an entry was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub chain: u32,
    pub line: u32,
    pub seq: u64,
    pub tenant_seq: u64,
}

fn index(at: usize) -> u32 {
    // Chains and lines are bounded far below 2^32.
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Tails {
    pub fn new(store_id: [u8; 16], store_name: StoreName) -> Tails {
        Tails { store_id, store_name, chains: Vec::new(), by_service: Map::default(), line_count: 0 }
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
            lines: Vec::new(),
            by_tenant: Map::default(),
        });
        self.by_service.insert(service.as_str().into(), chain);
        Ok(chain)
    }

    /// Gives the next place in a chain to an entry of `tenant`.
    pub fn place(&mut self, chain: u32, tenant: &str, entropy: &dyn Entropy) -> Result<Place, Error> {
        let line_count = &mut self.line_count;
        let tail = &mut self.chains[chain as usize];
        let line = match tail.by_tenant.get(tenant) {
            Some(line) => *line,
            None => {
                if *line_count >= limits::LINE_COUNT_MAX {
                    return Err(Error::Limit {
                        what: "tenants over all services",
                        max: limits::LINE_COUNT_MAX,
                    });
                }
                let mut secrets = [0; 48];
                entropy.fill(&mut secrets).map_err(Error::during("draw a salt key for", "a new tenant"))?;
                let (mut nonce, mut key) = ([0; 16], [0; 32]);
                nonce.copy_from_slice(&secrets[..16]);
                key.copy_from_slice(&secrets[16..]);
                *line_count += 1;
                tail.add_line(LineTail { tenant: tenant.into(), nonce, key, next_tenant_seq: 0 })
            }
        };
        let line_tail = &mut tail.lines[line as usize];
        let place = Place { chain, line, seq: tail.next_seq, tenant_seq: line_tail.next_tenant_seq };
        tail.next_seq += 1;
        line_tail.next_tenant_seq += 1;
        Ok(place)
    }

    /// Takes back the newest place of its chain, with a line or chain that began there.
    pub fn undo(&mut self, place: Place) {
        let tail = &mut self.chains[place.chain as usize];
        debug_assert_eq!(tail.next_seq, place.seq + 1, "places are taken back in reverse order");
        tail.next_seq = place.seq;
        tail.lines[place.line as usize].next_tenant_seq = place.tenant_seq;
        if place.tenant_seq == 0
            && let Some(line) = tail.lines.pop()
        {
            tail.by_tenant.remove(&line.tenant);
            self.line_count -= 1;
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

    /// Notes what a frame of the journal says: lines and keys that begin, entries that were committed.
    pub fn replay_line(&mut self, chain: u32, line: LineTail) -> u32 {
        self.line_count += 1;
        self.chains[chain as usize].add_line(line)
    }
}

impl ChainTail {
    fn add_line(&mut self, line: LineTail) -> u32 {
        let number = index(self.lines.len());
        self.by_tenant.insert(line.tenant.clone(), number);
        self.lines.push(line);
        number
    }

    pub fn line(&self, line: u32) -> &LineTail {
        &self.lines[line as usize]
    }

    pub fn line_mut(&mut self, line: u32) -> Option<&mut LineTail> {
        self.lines.get_mut(line as usize)
    }
}
