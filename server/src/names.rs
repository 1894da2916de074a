//! Readable names of IDs, as producers tell them: a file of lines under `names/`, and all of them in memory.
//!
//! Convenience and not evidence: the newest name of an ID counts, a torn last line is cut, and nothing vouches for any.

use parking_lot::Mutex;
use sealog_engine::disk::{Access, Disk, DiskFile, read_full, replace_small};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

const DIRECTORY: &str = "names";
const FILE: &str = "names/directory";
/// Some 200 bytes each.
const NAMES_MAX: usize = 1_000_000;
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Lines that say nothing new, before the file is written anew at a start.
const STALE_MAX: usize = 100_000;

/// A name of an ID.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Name {
    /// Whose.
    #[serde(default)]
    pub tenant: String,
    /// Kind of what it names, such as `user`.
    #[serde(default)]
    pub kind: String,
    /// What stands in entries.
    pub id: String,
    /// What people read.
    pub name: String,
}

/// All names.
pub(crate) struct Names {
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By ID, then by tenant and kind.
    by_id: HashMap<String, Vec<Name>>,
    count: usize,
    file: Option<Box<dyn DiskFile>>,
    end: u64,
}

impl State {
    fn take(&mut self, name: Name) {
        let own = self.by_id.entry(name.id.clone()).or_default();
        match own.iter_mut().find(|own| own.tenant == name.tenant && own.kind == name.kind) {
            Some(own) => *own = name,
            None => {
                own.push(name);
                self.count += 1;
            }
        }
    }
}

impl Names {
    /// Reads the names of a store.
    pub fn open(disk: Arc<dyn Disk>) -> io::Result<Names> {
        let mut state = State::default();
        let file = match disk.open(FILE, Access::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(file?),
        };
        if let Some(file) = file {
            let length = file.length()?.min(FILE_BYTES_MAX);
            let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
            let read = read_full(&*file, &mut bytes, 0)?;
            bytes.truncate(read);
            // A line without its end was never told to be kept.
            let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let mut lines = 0_usize;
            for line in bytes[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                lines += 1;
                if let Ok(name) = serde_json::from_slice::<Name>(line) {
                    state.take(name);
                }
            }
            state.end = end as u64;
            state.file = Some(file);
            if lines > state.count + STALE_MAX {
                let mut all = Vec::new();
                for name in state.by_id.values().flatten() {
                    serde_json::to_writer(&mut all, name)?;
                    all.push(b'\n');
                }
                replace_small(&*disk, DIRECTORY, "directory", &all)?;
                state.file = Some(disk.open(FILE, Access::Write)?);
                state.end = all.len() as u64;
            }
        }
        Ok(Names { disk, state: Mutex::new(state) })
    }

    /// Takes names in; they are durable when this returns. False if there is no room for them.
    pub fn put(&self, names: Vec<Name>) -> io::Result<bool> {
        let mut lines = Vec::new();
        for name in &names {
            serde_json::to_writer(&mut lines, name)?;
            lines.push(b'\n');
        }
        let mut state = self.state.lock();
        if state.count + names.len() > NAMES_MAX || state.end + lines.len() as u64 > FILE_BYTES_MAX {
            return Ok(false);
        }
        if state.file.is_none() {
            self.disk.create_directory(DIRECTORY)?;
            let file = self.disk.create(FILE)?;
            self.disk.sync_directory(DIRECTORY)?;
            state.file = Some(file);
        }
        let end = state.end;
        if let Some(file) = &state.file {
            file.write_at(&lines, end)?;
            file.sync()?;
        }
        state.end = end + lines.len() as u64;
        names.into_iter().for_each(|name| state.take(name));
        Ok(true)
    }

    /// The name of an ID among these tenants, or all; of several, that of the first tenant and kind.
    pub fn resolve(&self, id: &str, tenants: Option<&[String]>) -> Option<String> {
        let state = self.state.lock();
        let is_seen = |name: &&Name| tenants.is_none_or(|own| own.contains(&name.tenant));
        let own = state.by_id.get(id)?.iter().filter(is_seen);
        own.min_by_key(|name| (&name.tenant, &name.kind)).map(|name| name.name.clone())
    }
}
