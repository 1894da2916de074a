//! Keyed hashes of what names a process: the key is the store's secret, so that nobody chooses IDs that collide.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Hashes names of processes.
#[derive(Clone, Copy)]
pub(crate) struct NameHasher {
    key: [u8; 16],
}

impl NameHasher {
    pub fn new(key: [u8; 16]) -> NameHasher {
        NameHasher { key }
    }

    /// Hash of a process's name within the store.
    pub fn of(&self, tenant: &str, id: &str) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write_u64(tenant.len() as u64);
        hasher.write(tenant.as_bytes());
        hasher.write(id.as_bytes());
        hasher.finish()
    }

    /// Tells keys apart without telling them.
    pub fn check(&self) -> u64 {
        self.of("", "")
    }
}
