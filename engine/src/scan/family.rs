//! Processes with their sub-processes, found by what entries say of their parents: level by level down, as no index
//! knows them. Whoever has a table of processes asks that instead.
//!
//! The first parent given counts, and the newest link of a cycle is cut, as everywhere (docs/processes.md).

use super::chain::ChainScan;
use super::filter::Compiled;
use super::{Filter, Hit, Log, Order, Query, Scan, ScanProblem, Scope};
use crate::format::record;
use crate::format::segment::columns::Field;
use crate::limits;
use crate::model::Timestamp;
use crate::view::{Chain, View};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Processes, by tenant and ID.
pub(crate) type Members = BTreeSet<(String, String)>;

/// An entry's place in the one total order.
type At = (Timestamp, Arc<str>, u64);

/// The parent of each process that has one, and the entry that says so.
type Links = BTreeMap<(String, String), (String, At)>;

/// What an entry says of a process, and in whose name.
struct Said {
    tenant: String,
    id: String,
    parent: String,
    at: At,
}

/// Gives the entries with a process, of a tenant if one is named, among those of these positions, found by their
/// process columns; then what of the rest did not read.
pub(crate) fn entries_with_process(
    chain: &Arc<Chain>,
    tenant: Option<&str>,
    seqs: &Range<u64>,
    each: impl FnMut(&Hit),
) -> Vec<ScanProblem> {
    let tenants = tenant.map(str::to_owned).into_iter().collect();
    let filter = Filter { log: Log::Process, tenants, ..Filter::default() };
    let mut problems = Vec::new();
    // Whatever is there: the caller keeps count of positions himself.
    let compiled = Compiled::new(&filter, &Scope::unlimited(), Some(Timestamp::MAX));
    each_hit(chain, seqs, compiled, each, &mut problems);
    problems
}

fn each_hit(
    chain: &Arc<Chain>,
    seqs: &Range<u64>,
    compiled: Compiled,
    mut each: impl FnMut(&Hit),
    problems: &mut Vec<ScanProblem>,
) {
    let query = Query { order: Order::Ascending, ..Query::default() };
    let own = ChainScan::over(Arc::clone(chain), seqs, query.order);
    let mut scan = Scan::over(vec![own], compiled, &query, Vec::new());
    scan.by_ref().for_each(|hit| each(&hit));
    problems.append(&mut scan.problems);
}

impl View {
    /// What entries of these tenants say of processes, those that have one of these values.
    fn said(
        &self,
        scope: &Scope,
        tenants: &[String],
        field: Field,
        values: Vec<String>,
        problems: &mut Vec<ScanProblem>,
    ) -> Vec<Said> {
        let filter = Filter { log: Log::Process, tenants: tenants.to_vec(), ..Filter::default() };
        let mut compiled = Compiled::new(&filter, scope, self.settled());
        compiled.require_process(field, values);
        let mut all = Vec::new();
        for chain in self.chains().iter().filter(|chain| compiled.wants_service(chain.service())) {
            let service: Arc<str> = chain.service().into();
            let each = |hit: &Hit| {
                let Ok(record) = record::decode(hit.record()) else { return };
                let Some(process) = record.entry.process else { return };
                all.push(Said {
                    tenant: record.entry.tenant.into_owned(),
                    id: process.id.into_owned(),
                    parent: process.parent.into_owned(),
                    at: (hit.logged_at(), Arc::clone(&service), hit.seq()),
                });
            };
            each_hit(chain, &(0..chain.size()), compiled.clone(), each, problems);
        }
        all
    }

    /// Processes with these IDs, of these tenants unless there are none, and their sub-processes, as the entries in the
    /// scope say.
    pub(crate) fn family(
        &self,
        scope: &Scope,
        tenants: &[String],
        roots: &[String],
        problems: &mut Vec<ScanProblem>,
    ) -> Members {
        let mut members = Members::new();
        let of_roots = self.said(scope, tenants, Field::ProcessId, roots.to_vec(), problems);
        members.extend(of_roots.into_iter().map(|said| (said.tenant, said.id)));
        let mut links = Links::new();
        let mut level: BTreeSet<String> = roots.iter().cloned().collect();
        for _ in 0..limits::PROCESS_LEVELS_MAX {
            let parents = level.iter().cloned().collect();
            let children = self.said(scope, tenants, Field::ProcessParent, parents, problems);
            members.extend(
                children
                    .iter()
                    .filter(|said| roots.contains(&said.parent))
                    .map(|said| (said.tenant.clone(), said.parent.clone())),
            );
            let is_new = |said: &&Said| !links.contains_key(&(said.tenant.clone(), said.id.clone()));
            let ids: BTreeSet<String> = children.iter().filter(is_new).map(|said| said.id.clone()).collect();
            if ids.is_empty() {
                break;
            }
            // What was found may not be the first parent that an entry gives.
            let all = self.said(scope, tenants, Field::ProcessId, ids.iter().cloned().collect(), problems);
            for said in all.into_iter().filter(|said| !said.parent.is_empty()) {
                let link = links.entry((said.tenant, said.id));
                let link = link.or_insert_with(|| (said.parent.clone(), said.at.clone()));
                if said.at < link.1 {
                    *link = (said.parent, said.at);
                }
            }
            level = ids;
        }
        add_below(&mut members, links);
        members
    }
}

/// Adds everything below the members.
fn add_below(members: &mut Members, mut links: Links) {
    // A member may be on a cycle; nothing below a member that is on none is.
    for member in members.iter() {
        let mut cycle = vec![member.clone()];
        while let Some((parent, _)) = links.get(&cycle[cycle.len() - 1])
            && *parent != member.1
            && cycle.len() < limits::PROCESS_LEVELS_MAX
        {
            cycle.push((member.0.clone(), parent.clone()));
        }
        if links.get(&cycle[cycle.len() - 1]).is_some_and(|(parent, _)| *parent == member.1) {
            let newest = cycle.iter().max_by_key(|name| links.get(*name).map(|(_, at)| at.clone()));
            newest.and_then(|newest| links.remove(newest));
        }
    }
    let mut children: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for ((tenant, id), (parent, _)) in links {
        children.entry((tenant, parent)).or_default().push(id);
    }
    // From each root on its own: how deep a process lies below one says nothing of another.
    for root in members.clone() {
        let mut level = vec![root];
        for _ in 0..limits::PROCESS_LEVELS_MAX {
            let below = level.iter().flat_map(|name| {
                let ids = children.get(name).into_iter().flatten();
                ids.map(|id| (name.0.clone(), id.clone()))
            });
            level = below.collect();
            members.extend(level.iter().cloned());
        }
    }
}
