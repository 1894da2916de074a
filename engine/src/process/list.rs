//! What is asked of processes: lists, newest first, and single ones, within a scope.
//!
//! A list goes through runs and memory side by side, from the newest first entry down. Of a run it looks at columns, 64
//! rows at a time, and reads those that they leave.

mod filter;
mod source;

pub use filter::{Levels, ProcessFilter};

use super::node::Node;
use super::own::{Counts, Point};
use super::run::Level;
use super::table::Table;
use super::value::Process;
use crate::hex;
use crate::limits;
use crate::model::Timestamp;
use crate::scan::{Members, Scope};
use filter::Compiled;
use source::Source;
use std::collections::BinaryHeap;
use std::fmt;

/// Where a list goes on: behind the process whose first entry this is. It stays right while processes come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Point);

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a cursor that a list of processes gave")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Point { logged_at, service, seq } = &self.0;
        let mut bytes = logged_at.nanos().to_be_bytes().to_vec();
        bytes.extend(seq.to_be_bytes());
        bytes.extend(service.as_bytes());
        f.write_str(&hex::encode(&bytes))
    }
}

impl Cursor {
    /// Reads what a cursor prints.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<Cursor, CursorError> {
        let digits = text.as_bytes();
        if !digits.len().is_multiple_of(2) || digits.len() > 2 * (16 + limits::NAME_BYTES_MAX) {
            return Err(CursorError);
        }
        let value = |digit: u8| char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase());
        let byte = |pair: &[u8; 2]| u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok();
        let bytes: Option<Vec<u8>> = digits.as_chunks().0.iter().map(byte).collect();
        let bytes = bytes.ok_or(CursorError)?;
        let (time, rest) = bytes.split_first_chunk().ok_or(CursorError)?;
        let (seq, service) = rest.split_first_chunk().ok_or(CursorError)?;
        let service = std::str::from_utf8(service).map_err(|_| CursorError)?;
        let logged_at = Timestamp::from_nanos(i64::from_be_bytes(*time));
        Ok(Cursor(Point { logged_at, service: service.into(), seq: u64::from_be_bytes(*seq) }))
    }
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Processes, newest first.
    pub processes: Vec<Process>,
    /// Where the list goes on; none if this is all.
    pub next: Option<Cursor>,
}

impl Table {
    /// Processes that match within a scope, the newest first, from behind a cursor on.
    pub fn list(&self, scope: &Scope, filter: &ProcessFilter, after: Option<&Cursor>, limit: usize) -> Page {
        let compiled = Compiled::new(filter, scope);
        let mut page = Page::default();
        if compiled.finds_nothing() || limit == 0 {
            return page;
        }
        let after = after.map(|cursor| &cursor.0);
        let mut sources: Vec<Source<'_>> = Source::all(self, &compiled, after);
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (at, source) in sources.iter_mut().enumerate() {
            let next = source.next(self, &compiled);
            heads.extend(next.map(|found| (found.at, at, Found(found.process))));
        }
        while let Some((at, source, Found(process))) = heads.pop() {
            page.processes.push(process);
            if page.processes.len() == limit {
                page.next = (!heads.is_empty() || sources[source].next(self, &compiled).is_some())
                    .then_some(Cursor(at));
                return page;
            }
            let next = sources[source].next(self, &compiled);
            heads.extend(next.map(|found| (found.at, source, Found(found.process))));
        }
        page
    }

    /// A process, if it has an entry in the scope.
    pub fn get(&self, scope: &Scope, tenant: &str, id: &str) -> Option<Process> {
        if scope.tenant_list().is_some_and(|own| !own.iter().any(|own| own == tenant)) {
            return None;
        }
        let node = self.find(tenant, id)?;
        self.told(&node, scope.organization_list())
    }

    /// Processes of an ID, by tenant, of these tenants unless there are none.
    pub fn named(&self, scope: &Scope, tenants: &[String], id: &str) -> Vec<Process> {
        let is_asked = |tenant: &str| tenants.is_empty() || tenants.iter().any(|own| own == tenant);
        let own = self.tenants().into_iter().filter(|tenant| is_asked(tenant));
        own.filter_map(|tenant| self.get(scope, &tenant, id)).collect()
    }

    /// Sub-processes of a process that a caller may see, at most 32 levels down, the nearest first.
    pub fn sub_processes(&self, scope: &Scope, tenant: &str, id: &str) -> Vec<Box<str>> {
        let organizations = scope.organization_list();
        if scope.tenant_list().is_some_and(|own| !own.iter().any(|own| own == tenant)) {
            return Vec::new();
        }
        let mut found: Vec<Box<str>> = Vec::new();
        self.descend(tenant, id, organizations, |child, _| found.push(child.id.clone()));
        found
    }

    /// Processes with these IDs, of these tenants unless there are none, with their sub-processes.
    pub fn family(&self, scope: &Scope, tenants: &[String], ids: &[String]) -> Members {
        let is_asked = |tenant: &str| {
            let among = |own: &[String]| own.iter().any(|own| own == tenant);
            (tenants.is_empty() || among(tenants)) && scope.tenant_list().is_none_or(among)
        };
        let mut members = Members::new();
        for tenant in self.tenants().into_iter().filter(|tenant| is_asked(tenant)) {
            for id in ids.iter().filter(|id| self.find(&tenant, id).is_some()) {
                members.insert((tenant.to_string(), id.clone()));
                let below = self.sub_processes(scope, &tenant, id);
                members.extend(below.into_iter().map(|id| (tenant.to_string(), id.into())));
            }
        }
        members
    }

    /// Gives everything below a process that is seen, level by level.
    fn descend(
        &self,
        tenant: &str,
        id: &str,
        organizations: Option<&[String]>,
        mut each: impl FnMut(&Node, Counts),
    ) {
        let mut parents = vec![Box::<str>::from(id)];
        for _ in 0..limits::PROCESS_LEVELS_MAX {
            let mut next = Vec::new();
            for parent in &parents {
                self.delta.for_each_child(tenant, parent, &self.runs, |child| {
                    if child.is_cut {
                        return;
                    }
                    let Some(own) = child.seen(organizations) else { return };
                    // Told by entries that the caller may see, too.
                    if own.link.as_ref().is_some_and(|link| link.parent == *parent) {
                        each(child, own.counts);
                        next.push(child.id.clone());
                    }
                });
            }
            parents = next;
        }
    }

    /// The process that a node is, to a caller who may see these organizations.
    fn told(&self, node: &Node, organizations: Option<&[String]>) -> Option<Process> {
        let own = node.seen(organizations)?;
        let below = match organizations {
            None => node.below,
            Some(_) => {
                let mut below = Counts::default();
                if node.below != Counts::default() {
                    self.descend(&node.tenant, &node.id, organizations, |_, counts| below.add(counts));
                }
                below
            }
        };
        let parent =
            node.parent().filter(|parent| own.link.as_ref().is_some_and(|own| *own.parent == **parent));
        Some(Process::of(&node.tenant, &node.id, &own, below, parent))
    }

    /// Whether a process is a part of none that the caller may see.
    fn is_top(&self, node: &Node, organizations: Option<&[String]>) -> bool {
        let Some(parent) = node.parent() else { return true };
        match (super::run::State::of(node).level, organizations) {
            (Level::Top, _) => return true,
            (Level::Sub, None) => return false,
            (Level::Sub | Level::Orphan | Level::Mixed, _) => {}
        }
        let links = node.seen(organizations);
        let is_told = links.is_some_and(|own| own.link.as_ref().is_some_and(|link| *link.parent == *parent));
        let is_seen = || self.find(&node.tenant, parent).is_some_and(|own| own.seen(organizations).is_some());
        !(is_told && is_seen())
    }
}

/// A process on its way out; it does not order.
struct Found(Process);

impl PartialEq for Found {
    fn eq(&self, _: &Found) -> bool {
        true
    }
}

impl Eq for Found {}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Found) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Found {
    fn cmp(&self, _: &Found) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}
