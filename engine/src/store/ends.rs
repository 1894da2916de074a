//! Where the sealed part of each chain ends, kept beside the segments that say so: `state/ends`.
//!
//! Written before journal files go. So whatever happens to segments, this and the journal together tell where every
//! chain and line stands.

use super::ledger::Ledger;
use super::sealed::{Restored, SealedChain, SealedLine};
use super::sealer::Sealer;
use crate::disk::{Disk, read_small, replace_small};
use crate::error::Error;
use crate::format::ends::{self, ChainEnd, LineEnd};
use crate::identity::Identity;
use crate::journal::Damage;
use crate::model::ServiceName;
use crate::proof::hashes;
use crate::proof::tree::RightEdge;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;

/// Where it lies.
const DIRECTORY: &str = "state";
const FILE: &str = "ends";

/// By service.
pub type Ends = BTreeMap<Box<str>, Restored>;

/// Reads the file, if there is one. Whole segments say all that it says: where it is damaged, nothing else is, and it is
/// written anew when journal files go next.
///
/// # Errors
/// The disk's.
pub fn load(disk: &dyn Disk, identity: &Identity) -> Result<(Ends, Option<Damage>), Error> {
    let path = format!("{DIRECTORY}/{FILE}");
    let bytes = match read_small(disk, &path, ends::FILE_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Ends::new(), None)),
        bytes => bytes.map_err(Error::during("read", disk.display(&path)))?,
    };
    let read = ends::decode(&bytes, &identity.id).map_err(|error| error.to_string());
    Ok(match read.and_then(|chains| restore(identity, chains)) {
        Ok(ends) => (ends, None),
        Err(detail) => (Ends::new(), Some(Damage::of_file(path, detail))),
    })
}

fn restore(identity: &Identity, chains: Vec<ChainEnd>) -> Result<Ends, String> {
    let chains = chains.into_iter().map(|end| {
        let service = ServiceName::new(&end.service).map_err(|error| error.to_string())?;
        let edge = RightEdge::from_subtrees(end.size, &end.subtrees)
            .ok_or("expected a subtree for each bit of a size, found others")?;
        let lines = end.lines.iter().map(|line| SealedLine {
            // Nothing is sealed from here: neither nonces nor keys are needed.
            nonce: [0; 16],
            slot: line.slot,
            size: line.size,
            digest: line.digest,
        });
        let chain = SealedChain {
            store_id: identity.id,
            chain_id: hashes::chain_id(&hashes::origin(identity.name.as_str(), service.as_str())),
            service,
            slot: end.slot,
            head: end.head,
            edge,
            lines: lines.collect(),
            keys: BTreeMap::new(),
        };
        let line_ids = end.lines.iter().map(|line| line.line_id).collect();
        Ok((end.service, Restored { chain, line_ids }))
    });
    chains.collect()
}

/// Replaces the file before journal files below a number go, if any do; durable when this returns.
///
/// # Errors
/// The disk's; what was there before is then still there.
pub fn write_before(
    sealer: &Sealer,
    ledger: &Mutex<Ledger>,
    store_id: &[u8; 16],
    journal: u64,
) -> Result<(), Error> {
    if journal <= sealer.remembered_to + 1 {
        return Ok(());
    }
    let disk = &*sealer.disk;
    let ends: Vec<ChainEnd> = sealer.chains.values().map(|chain| end_of(chain, ledger)).collect();
    disk.create_directory(DIRECTORY).map_err(Error::during("create", disk.display(DIRECTORY)))?;
    replace_small(disk, DIRECTORY, FILE, &ends::encode(store_id, &ends))
        .map_err(Error::during("write", disk.display(&format!("{DIRECTORY}/{FILE}"))))
}

fn end_of(chain: &SealedChain, ledger: &Mutex<Ledger>) -> ChainEnd {
    let line_ids = ledger.lock().line_ids(chain.lines.iter().map(|line| line.slot));
    let lines = chain.lines.iter().zip(line_ids).map(|(line, line_id)| LineEnd {
        slot: line.slot,
        line_id,
        size: line.size,
        digest: line.digest,
    });
    ChainEnd {
        service: chain.service.as_str().into(),
        slot: chain.slot,
        size: chain.size(),
        head: chain.head,
        subtrees: chain.edge.subtrees(),
        lines: lines.collect(),
    }
}
