//! A process in the table.

use super::own::{Counts, Event, Own, Point};
use crate::limits;
use std::borrow::Cow;
use std::sync::Arc;

/// A process: what its own entries say, and what its sub-processes add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub tenant: Arc<str>,
    pub id: Box<str>,
    /// None while only others name it as their parent.
    pub own: Option<Own>,
    /// The same by organization, by name, if its entries name more than one.
    pub parts: Vec<Part>,
    /// Entries of its sub-processes, down to [`limits::PROCESS_LEVELS_MAX`] levels.
    pub below: Counts,
    /// Its link would close a cycle, and is the newest of it.
    pub is_cut: bool,
    /// Its parent is known to have entries. If this is false, it may have some by now.
    pub is_parent_known: bool,
    /// There is an older version of it on disk.
    pub replaces: bool,
}

/// What entries of one organization say of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub organization: Box<str>,
    pub own: Own,
}

impl Node {
    pub fn new(tenant: Arc<str>, id: &str) -> Node {
        Node {
            tenant,
            id: id.into(),
            own: None,
            parts: Vec::new(),
            below: Counts::default(),
            is_cut: false,
            is_parent_known: false,
            replaces: false,
        }
    }

    /// Takes an entry of it in.
    pub fn add(&mut self, event: &Event<'_>) {
        let Some(own) = &mut self.own else {
            self.own = Some(Own::of(event));
            return;
        };
        if self.parts.is_empty() && &*own.origin.organization != event.organization {
            self.parts.push(Part { organization: own.origin.organization.clone(), own: own.clone() });
        }
        own.add(event);
        if !self.parts.is_empty() {
            match self.parts.binary_search_by(|part| (*part.organization).cmp(event.organization)) {
                Ok(at) => self.parts[at].own.add(event),
                Err(at) => {
                    let part = Part { organization: event.organization.into(), own: Own::of(event) };
                    self.parts.insert(at, part);
                    // The least names are kept: which they are does not depend on who came first.
                    self.parts.truncate(limits::PROCESS_ORGANIZATIONS_MAX);
                }
            }
        }
    }

    /// What the entries say that a caller may see: all, or those that name one of these organizations.
    pub fn seen(&self, organizations: Option<&[String]>) -> Option<Cow<'_, Own>> {
        let own = self.own.as_ref()?;
        let Some(organizations) = organizations else { return Some(Cow::Borrowed(own)) };
        let is_seen = |name: &str| organizations.iter().any(|own| own == name);
        if self.parts.is_empty() {
            return is_seen(&own.origin.organization).then_some(Cow::Borrowed(own));
        }
        let mut parts = self.parts.iter().filter(|part| is_seen(&part.organization));
        let mut seen = parts.next()?.own.clone();
        parts.for_each(|part| seen.merge(&part.own));
        Some(Cow::Owned(seen))
    }

    /// The process that it is a part of, unless its link closes a cycle.
    pub fn parent(&self) -> Option<&str> {
        if self.is_cut { None } else { self.raw_parent() }
    }

    /// The process that its oldest entry with a parent names.
    pub fn raw_parent(&self) -> Option<&str> {
        Some(&self.own.as_ref()?.link.as_ref()?.parent)
    }

    /// Where it stands in lists; none if it stands in none.
    pub fn first(&self) -> Option<&Point> {
        self.own.as_ref().map(|own| &own.first)
    }

    /// Entries of its own, by severity.
    pub fn own_counts(&self) -> Counts {
        self.own.as_ref().map_or(Counts::default(), |own| own.counts)
    }

    /// All its entries, by severity.
    pub fn counts(&self) -> Counts {
        let mut counts = self.own_counts();
        counts.add(self.below);
        counts
    }
}
