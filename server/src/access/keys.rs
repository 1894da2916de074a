//! The file of API keys, in the store's directory under a lock of its own, and what a running server knows of it.

use super::key::{self, Key, KeyPlan, WireTime};
use parking_lot::RwLock;
use sealog_engine::clock::{Clock, System};
use sealog_engine::disk::{Disk, LockError, read_small, replace_small};
use sealog_engine::model::{FieldError, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

const DIRECTORY: &str = "keys";
const FILE: &str = "keys/api";
const LOCK: &str = "keys/api.lock";
/// Some 400 bytes each.
const KEYS_MAX: usize = 10_000;
const FILE_BYTES_MAX: usize = 64 << 20;

/// What keeps keys from being read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Another process changes them.
    #[error("the keys are being changed by {0}; try again when it is done")]
    Locked(String),
    /// The system refused.
    #[error("could not {0} {1}: {2}")]
    Io(&'static str, String, #[source] io::Error),
    /// The file is not what was written.
    #[error("{0}: expected the keys that were written, found {1}; restore the file from a backup")]
    Damaged(String, String),
    /// No such key.
    #[error("expected the id of a key, found {0}: list them with `sealog key list`")]
    Unknown(String),
    /// A plan that makes no key.
    #[error("{0}")]
    Plan(#[from] FieldError),
    /// There are as many as there may be.
    #[error("expected at most {KEYS_MAX} keys, found as many: revoke some and remove them")]
    Full,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    keys: Vec<Key>,
}

const VERSION: u32 = 1;

/// The file, for who changes it.
pub struct KeyFile {
    disk: Arc<dyn Disk>,
}

impl KeyFile {
    /// The keys of the store on a disk.
    pub fn new(disk: Arc<dyn Disk>) -> KeyFile {
        KeyFile { disk }
    }

    /// All keys, in the order in which they were made. None where there is no file.
    ///
    /// # Errors
    /// The disk's; a file that is not one of keys.
    pub fn list(&self) -> Result<Vec<Key>, KeyError> {
        parse(&self.bytes()?).map_err(|found| KeyError::Damaged(self.disk.display(FILE), found))
    }

    /// Makes a key; gives its text, which is kept nowhere.
    ///
    /// # Errors
    /// A plan that makes none, the lock, the disk's.
    pub fn make(&self, plan: &KeyPlan) -> Result<(Key, String), KeyError> {
        plan.check()?;
        let drawn = key::draw().map_err(|error| KeyError::Io("draw", "a random key".to_owned(), error))?;
        let (id, text) = drawn;
        let key = Key {
            id,
            hash: key::hash_of(&text),
            roles: plan.roles.clone(),
            services: plan.services.clone(),
            tenants: plan.tenants.clone(),
            organizations: plan.organizations.clone(),
            peers: plan.peers.clone(),
            grants: plan.grants.clone(),
            created: WireTime(now()),
            expires: plan.expires,
            revoked: None,
        };
        self.change(|keys| {
            if keys.len() >= KEYS_MAX {
                return Err(KeyError::Full);
            }
            keys.push(key.clone());
            Ok(())
        })?;
        Ok((key, text))
    }

    /// Revokes a key: a running server refuses it within a second.
    ///
    /// # Errors
    /// No such key, the lock, the disk's.
    pub fn revoke(&self, id: &str) -> Result<Key, KeyError> {
        let mut revoked = None;
        self.change(|keys| {
            let key = keys.iter_mut().find(|key| key.id == id);
            let key = key.ok_or_else(|| KeyError::Unknown(FieldError::quote(id)))?;
            key.revoked.get_or_insert(WireTime(now()));
            revoked = Some(key.clone());
            Ok(())
        })?;
        revoked.ok_or_else(|| KeyError::Unknown(FieldError::quote(id)))
    }

    fn bytes(&self) -> Result<Vec<u8>, KeyError> {
        match read_small(&*self.disk, FILE, FILE_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(|error| KeyError::Io("read", self.disk.display(FILE), error)),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Key>) -> Result<(), KeyError>) -> Result<(), KeyError> {
        let failed = |action, error| KeyError::Io(action, self.disk.display(FILE), error);
        self.disk.create_directory(DIRECTORY).map_err(|error| failed("make the directory of", error))?;
        let _lock = self.disk.lock(LOCK).map_err(|error| match error {
            LockError::Held(_) => KeyError::Locked(error.to_string()),
            LockError::Io(error) => failed("lock", error),
        })?;
        let mut keys = self.list()?;
        change(&mut keys)?;
        let bytes = serde_json::to_vec_pretty(&Written { version: VERSION, keys });
        let bytes = bytes.map_err(|error| failed("encode", error.into()))?;
        // A crash leaves the old file or the new one.
        replace_small(&*self.disk, DIRECTORY, "api", &bytes).map_err(|error| failed("write", error))
    }
}

fn parse(bytes: &[u8]) -> Result<Vec<Key>, String> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let written: Written = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match written.version {
        VERSION => Ok(written.keys),
        version => Err(format!("version {version}")),
    }
}

fn now() -> Timestamp {
    Timestamp::from_nanos(System.wall_ns())
}

/// What a running server knows of the keys.
pub struct Keys {
    file: KeyFile,
    read: RwLock<Read>,
}

#[derive(Default)]
struct Read {
    bytes: Vec<u8>,
    by_id: HashMap<String, Arc<Key>>,
}

impl Keys {
    /// Reads the keys of the store on a disk.
    ///
    /// # Errors
    /// As [`KeyFile::list`].
    pub fn open(disk: Arc<dyn Disk>) -> Result<Keys, KeyError> {
        let keys = Keys { file: KeyFile::new(disk), read: RwLock::default() };
        keys.reload()?;
        Ok(keys)
    }

    /// The file, for who changes it.
    pub fn file(&self) -> &KeyFile {
        &self.file
    }

    /// Takes in what changed in the file. What does not read leaves everything as it was.
    ///
    /// # Errors
    /// As [`KeyFile::list`].
    pub fn reload(&self) -> Result<(), KeyError> {
        let bytes = self.file.bytes()?;
        if bytes == self.read.read().bytes {
            return Ok(());
        }
        let keys = parse(&bytes).map_err(|found| KeyError::Damaged(self.file.disk.display(FILE), found))?;
        let by_id = keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect();
        *self.read.write() = Read { bytes, by_id };
        Ok(())
    }

    /// The live key of a text.
    pub fn authenticate(&self, text: &str) -> Option<Arc<Key>> {
        let known = key::id_of(text).and_then(|id| self.get(id));
        // One that is not known takes as long as one that is.
        let is_its_text = match &known {
            Some(key) => key.has_text(text),
            None => key::hash_of(text).is_empty(),
        };
        known.filter(|_| is_its_text)
    }

    /// A live key by its public part.
    pub fn get(&self, id: &str) -> Option<Arc<Key>> {
        let key = self.read.read().by_id.get(id).cloned();
        key.filter(|key| key.is_live(now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;
    use sealog_engine::disk::DirectoryDisk;

    #[test]
    fn keys_are_made_listed_and_revoked() {
        let directory = std::env::temp_dir().join(format!("sealog-keys-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(DirectoryDisk::new(&directory));
        let file = KeyFile::new(Arc::clone(&disk));
        let plan = KeyPlan { roles: vec![Role::Auditor], ..KeyPlan::default() };
        let (first, first_text) = file.make(&plan).unwrap();
        let (second, second_text) = file.make(&plan).unwrap();
        let keys = Keys::open(Arc::clone(&disk)).unwrap();
        assert_eq!(keys.authenticate(&first_text).unwrap().id, first.id);
        file.revoke(&first.id).unwrap();
        keys.reload().unwrap();
        assert!(keys.authenticate(&first_text).is_none());
        assert_eq!(keys.authenticate(&second_text).unwrap().id, second.id);
        let mixed = format!("slg_{}_{}", second.id, &first_text[17..]);
        assert!(keys.authenticate(&mixed).is_none(), "another key's secret");
        assert!(matches!(file.revoke("nothing"), Err(KeyError::Unknown(_))));
        let kept = std::fs::read_to_string(directory.join("keys/api")).unwrap();
        assert!(!kept.contains(&second_text[17..]), "a secret is kept");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
