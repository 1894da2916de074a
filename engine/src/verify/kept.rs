//! Artifacts that entries say the store had: each is held against its hash, once.

use crate::artifact::{self, Sha};
use crate::disk::Disk;
use crate::hex;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Files that were looked at.
pub struct Kept<'d> {
    disk: &'d dyn Disk,
    /// What is wrong with each, by tenant and hash.
    known: Mutex<HashMap<Key, Option<String>>>,
}

type Key = (Box<str>, Sha);

/// Beyond so many files each is read as often as it is named.
const KNOWN_MAX: usize = 1 << 20;

impl Kept<'_> {
    pub fn new(disk: &dyn Disk) -> Kept<'_> {
        Kept { disk, known: Mutex::default() }
    }

    /// What is wrong with a file that an entry of a tenant names, if anything.
    pub fn problem(&self, tenant: &str, sha256: &Sha) -> Option<String> {
        // A thread that panicked is seen where it is joined; what it left is whole.
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key: Key = (tenant.into(), *sha256);
        if let Some(problem) = known().get(&key) {
            return problem.clone();
        }
        let path = artifact::path(tenant, sha256);
        let problem = match artifact::hash(self.disk, &path) {
            Ok(Some(found)) if found == *sha256 => None,
            Ok(Some(found)) => {
                Some(format!("its artifact {path} was altered: its SHA-256 is {}", hex::encode(&found)))
            }
            Ok(None) => Some(format!("its artifact {path}, which the store had, is missing")),
            Err(error) => Some(format!("its artifact {path} does not read: {error}")),
        };
        let mut known = known();
        if known.len() < KNOWN_MAX {
            known.insert(key, problem.clone());
        }
        problem
    }
}
