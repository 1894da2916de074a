//! Files that entries name by their hash: kept by tenant and content, and never shared between tenants.

use parking_lot::Mutex;
use sealog_engine::disk::{Disk, read_small, replace_small};
use sealog_engine::hex;
use sha2::{Digest, Sha256};
use std::io;
use std::sync::Arc;

/// Largest file (the record model).
pub(crate) const BYTES_MAX: usize = 64 << 20;
const DIRECTORY: &str = "artifacts";

/// All of them.
pub(crate) struct Artifacts {
    disk: Arc<dyn Disk>,
    /// Two that put the same file would write over one another.
    writing: Mutex<()>,
}

impl Artifacts {
    /// The files of a store.
    pub fn new(disk: Arc<dyn Disk>) -> Artifacts {
        Artifacts { disk, writing: Mutex::new(()) }
    }

    /// Keeps a file of a tenant's; gives its hash. It is durable when this returns.
    pub fn put(&self, tenant: &str, bytes: &[u8]) -> io::Result<[u8; 32]> {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        let directory = directory_of(tenant);
        let _writing = self.writing.lock();
        self.disk.create_directory(&directory)?;
        replace_small(&*self.disk, &directory, &hex::encode(&hash), bytes)?;
        Ok(hash)
    }

    /// A file of a tenant's; none if it is not there. What is not its content is an error.
    pub fn get(&self, tenant: &str, hash: &[u8; 32]) -> io::Result<Option<Vec<u8>>> {
        let path = format!("{}/{}", directory_of(tenant), hex::encode(hash));
        let bytes = match read_small(&*self.disk, &path, BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        if <[u8; 32]>::from(Sha256::digest(&bytes)) == *hash {
            Ok(Some(bytes))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "its bytes are not those that its name says"))
        }
    }
}

fn directory_of(tenant: &str) -> String {
    format!("{DIRECTORY}/{}", hex::encode(&Sha256::digest(tenant.as_bytes())[..8]))
}
