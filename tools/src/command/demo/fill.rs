//! Ten days of the past, committed as they went.

use super::clock::DemoClock;
use crate::failure::Failure;
use crate::generate::{Generator, Plan};
use crate::output::progress;
use sealog_engine::batch::Batch;
use sealog_engine::clock::{Clock, System};
use sealog_engine::model::{Accept, Entry, parse_entry};
use sealog_engine::store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// Commits of all entries together: each is a moment on the time line.
const COMMITS_AIM: u64 = 8_000;
const BATCH_ENTRIES_MIN: u64 = 20;
const NAMES_MAX: usize = 20_000;

/// What the store was filled with.
pub struct Filled {
    /// Entries of each tenant.
    tenants: BTreeMap<String, u64>,
    /// Tenant, kind, ID, name of what entries name.
    pub names: BTreeSet<(String, String, String, String)>,
}

impl Filled {
    /// Tenants, those with the most entries first.
    pub fn largest_tenants(&self) -> Vec<String> {
        let mut tenants: Vec<(&String, u64)> =
            self.tenants.iter().map(|(name, count)| (name, *count)).collect();
        tenants.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), (*name).clone()));
        tenants.into_iter().map(|(name, _)| name.clone()).collect()
    }

    fn note(&mut self, entry: &Entry<'_>) {
        *self.tenants.entry(entry.tenant.to_string()).or_default() += 1;
        let named = [
            (&entry.actor.kind, &entry.actor.id, &entry.actor.name),
            (&"object".into(), &entry.object.id, &entry.object.name),
        ];
        for (kind, id, name) in named {
            if !id.is_empty() && !name.is_empty() && self.names.len() < NAMES_MAX {
                self.names.insert((
                    entry.tenant.to_string(),
                    kind.to_string(),
                    id.to_string(),
                    name.to_string(),
                ));
            }
        }
    }
}

/// Fills a store, with its clock at the time of each entry.
pub fn fill(store: &Store, clock: &DemoClock, entries: u64) -> Result<Filled, Failure> {
    let bar = progress::entries_bar(Some(entries));
    let mut generator =
        Generator::new(&Plan { entries, tenants: 200, end_ns: System.wall_ns(), ..Plan::default() });
    let mut filled = Filled { tenants: BTreeMap::new(), names: BTreeSet::new() };
    let batch_entries = (entries / COMMITS_AIM).max(BATCH_ENTRIES_MIN);
    let (mut line, mut batch) = (Vec::new(), Batch::new());
    loop {
        line.clear();
        let is_over = !generator.next_line(&mut line);
        if !is_over {
            let entry =
                parse_entry(&line, Accept::Entry).map_err(|error| Failure::Impossible(error.to_string()))?;
            if let Some(time) = entry.generated_at {
                clock.show(time.nanos());
            }
            filled.note(&entry);
            batch.push(&entry)?;
        }
        if is_over || batch.len() as u64 >= batch_entries {
            bar.inc(batch.len() as u64);
            store.append(std::mem::take(&mut batch))?;
        }
        if is_over {
            bar.finish_and_clear();
            return Ok(filled);
        }
    }
}
