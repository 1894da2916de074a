//! Processes in memory, and the links between them.
//!
//! An entry counts for its process and the 32 above it. A process has one link at most, to the parent that its oldest
//! entry with a parent names, so links form trees, and a cycle at most where a tree would have its root. The newest
//! link of a cycle is cut. Both say nothing of the order in which entries come: a link that turns out to be another one
//! takes what is below it away from where it was and brings it to where it belongs.

use super::hash::NameHasher;
use super::node::Node;
use super::own::{Counts, Event, Point};
use crate::limits;
use hashbrown::HashTable;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const LEVELS: usize = limits::PROCESS_LEVELS_MAX;

/// Processes that are not in memory.
pub(super) trait Older {
    /// Gives a process away: from here on it is in memory.
    fn take(&mut self, hash: u64, tenant: &str, id: &str) -> Option<Node>;

    /// A process that stays where it is.
    fn find(&self, hash: u64, tenant: &str, id: &str) -> Option<Node>;

    /// IDs of those that name a parent, cut links too.
    fn children(&self, hash: u64, tenant: &str, parent: &str) -> Vec<Box<str>>;
}

/// Index of a process in memory.
type At = usize;

/// Processes in memory.
pub(super) struct Delta {
    hasher: NameHasher,
    nodes: Vec<Node>,
    /// By name.
    index: HashTable<At>,
    /// Those with a link, by the hash of the parent's name.
    children: HashMap<u64, Vec<At>, foldhash::fast::RandomState>,
    /// Those with an entry, by the first of them.
    order: BTreeMap<Point, At>,
    tenants: HashMap<Box<str>, Arc<str>, foldhash::fast::RandomState>,
}

impl Delta {
    pub fn new(hasher: NameHasher) -> Delta {
        Delta {
            hasher,
            nodes: Vec::new(),
            index: HashTable::new(),
            children: HashMap::default(),
            order: BTreeMap::new(),
            tenants: HashMap::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All, by the first entry of each, those without any first.
    pub fn sorted(&self) -> impl Iterator<Item = Node> {
        let without = self.nodes.iter().filter(|node| node.own.is_none());
        let with = self.order.values().map(|at| &self.nodes[*at]);
        without.chain(with).map(|node| {
            let has_entries = |parent| {
                let hash = self.hasher.of(&node.tenant, parent);
                self.position_of(hash, &node.tenant, parent).is_some_and(|at| self.nodes[at].own.is_some())
            };
            let is_parent_known = node.is_parent_known || node.parent().is_some_and(has_entries);
            Node { is_parent_known, ..node.clone() }
        })
    }

    /// Those with an entry, by the first of them.
    pub fn order(&self) -> &BTreeMap<Point, usize> {
        &self.order
    }

    /// Takes an entry in.
    pub fn add(&mut self, event: &Event<'_>, older: &mut dyn Older) {
        let at = self.touch(event.tenant, event.id, older);
        let link = self.nodes[at].own.as_ref().and_then(|own| own.link.as_ref());
        let is_older = link.is_none_or(|link| event.position() < link.at.position());
        let links_anew = !event.parent.is_empty() && is_older;
        if links_anew {
            self.unlink(at, older);
        }
        let first = self.nodes[at].first().cloned();
        self.nodes[at].add(event);
        let new = self.nodes[at].first();
        if new != first.as_ref() {
            let new = new.cloned();
            first.and_then(|first| self.order.remove(&first));
            new.and_then(|new| self.order.insert(new, at));
        }
        if links_anew {
            self.link(at, older);
            return;
        }
        let counts = Counts::of(event.severity);
        for above in self.ancestors(at, older) {
            self.nodes[above].below.add(counts);
        }
    }

    pub fn position_of(&self, hash: u64, tenant: &str, id: &str) -> Option<At> {
        let is_it = |at: &At| *self.nodes[*at].id == *id && *self.nodes[*at].tenant == *tenant;
        self.index.find(hash, is_it).copied()
    }

    /// The process of a name, wherever it was; one without entries if there was none.
    pub fn touch(&mut self, tenant: &str, id: &str, older: &mut dyn Older) -> At {
        let hash = self.hasher.of(tenant, id);
        if let Some(at) = self.position_of(hash, tenant, id) {
            return at;
        }
        let node = older.take(hash, tenant, id).map(|node| Node { replaces: true, ..node });
        // One that was somewhere else brings its tenant along.
        let shared = self.tenant(tenant);
        let node = node.unwrap_or_else(|| Node::new(shared, id));
        let at = self.nodes.len();
        if let Some(parent) = node.raw_parent() {
            self.children.entry(self.hasher.of(tenant, parent)).or_default().push(at);
        }
        if let Some(first) = node.first() {
            self.order.insert(first.clone(), at);
        }
        self.nodes.push(node);
        let (hasher, nodes) = (self.hasher, &self.nodes);
        self.index.insert_unique(hash, at, |at| hasher.of(&nodes[*at].tenant, &nodes[*at].id));
        at
    }

    /// Whose processes there are.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.tenants.keys().map(|tenant| &**tenant)
    }

    fn tenant(&mut self, name: &str) -> Arc<str> {
        if let Some(tenant) = self.tenants.get(name) {
            return Arc::clone(tenant);
        }
        let tenant: Arc<str> = name.into();
        self.tenants.insert(name.into(), Arc::clone(&tenant));
        tenant
    }

    /// The process that one is a part of, in memory from here on.
    fn parent(&mut self, at: At, raw: bool, older: &mut dyn Older) -> Option<At> {
        let node = &self.nodes[at];
        let parent = if raw { node.raw_parent() } else { node.parent() };
        let (tenant, parent) = (Arc::clone(&node.tenant), Box::<str>::from(parent?));
        Some(self.touch(&tenant, &parent, older))
    }

    /// Those above a process, the nearest first.
    fn ancestors(&mut self, at: At, older: &mut dyn Older) -> Vec<At> {
        let mut above = Vec::new();
        let mut next = at;
        while above.len() < LEVELS
            && let Some(parent) = self.parent(next, false, older)
        {
            above.push(parent);
            next = parent;
        }
        above
    }

    /// The cycle that a process's link closes, if there is one of at most 32.
    fn cycle(&mut self, at: At, older: &mut dyn Older) -> Option<Vec<At>> {
        let mut cycle = vec![at];
        let mut next = at;
        while cycle.len() <= LEVELS {
            next = self.parent(next, true, older)?;
            if next == at {
                return Some(cycle);
            }
            cycle.push(next);
        }
        None
    }

    /// The one of a cycle whose link is the newest.
    fn newest(&self, cycle: &[At]) -> At {
        let link = |at: &At| Some(&self.nodes[*at].own.as_ref()?.link.as_ref()?.at);
        cycle.iter().copied().max_by(|a, b| link(a).cmp(&link(b))).unwrap_or_default()
    }

    /// Takes a process out of those above it, before it gets another link. It is cut when this returns.
    fn unlink(&mut self, at: At, older: &mut dyn Older) {
        let Some(parent) = self.nodes[at].raw_parent() else { return };
        let hash = self.hasher.of(&self.nodes[at].tenant, parent);
        let cut = self.cycle(at, older).map(|cycle| self.newest(&cycle));
        if !self.nodes[at].is_cut {
            self.carry(at, Counts::take, older);
            self.nodes[at].is_cut = true;
        }
        // Without this link there is no cycle.
        if let Some(cut) = cut.filter(|cut| *cut != at) {
            self.nodes[cut].is_cut = false;
            self.carry(cut, Counts::add, older);
        }
        if let Some(children) = self.children.get_mut(&hash) {
            children.retain(|child| *child != at);
        }
    }

    /// Brings a process to those above it, behind [`Delta::unlink`] and its new link.
    fn link(&mut self, at: At, older: &mut dyn Older) {
        let Some(parent) = self.nodes[at].raw_parent() else { return };
        let hash = self.hasher.of(&self.nodes[at].tenant, parent);
        self.children.entry(hash).or_default().push(at);
        self.nodes[at].is_cut = true;
        if let Some(cycle) = self.cycle(at, older) {
            let cut = self.newest(&cycle);
            if cut == at {
                return;
            }
            self.carry(cut, Counts::take, older);
            self.nodes[cut].is_cut = true;
        }
        self.nodes[at].is_cut = false;
        self.carry(at, Counts::add, older);
        let parent = self.parent(at, true, older);
        self.nodes[at].is_parent_known = parent.is_some_and(|parent| self.nodes[parent].own.is_some());
    }

    /// Adds what a process has, and what is below it, to all above it, or takes it away.
    fn carry(&mut self, at: At, change: fn(&mut Counts, Counts), older: &mut dyn Older) {
        let levels = self.levels(at, older);
        let above = self.ancestors(at, older);
        for (ancestor, distance) in above.into_iter().zip(1..) {
            // What is too deep for it is not counted.
            for counts in levels.iter().take(LEVELS + 1 - distance) {
                change(&mut self.nodes[ancestor].below, *counts);
            }
        }
    }

    /// Entries of a process, of those one level below it, and so on.
    fn levels(&self, at: At, older: &dyn Older) -> Vec<Counts> {
        let node = &self.nodes[at];
        let mut levels = vec![node.own_counts()];
        if node.below == Counts::default() {
            return levels;
        }
        let tenant = Arc::clone(&node.tenant);
        let mut parents = vec![node.id.clone()];
        while !parents.is_empty() && levels.len() < LEVELS {
            let mut counts = Counts::default();
            let mut next = Vec::new();
            for parent in &parents {
                self.for_each_child(&tenant, parent, older, |child| {
                    if !child.is_cut {
                        counts.add(child.own_counts());
                        if child.below != Counts::default() {
                            next.push(child.id.clone());
                        }
                    }
                });
            }
            levels.push(counts);
            parents = next;
        }
        levels
    }

    /// All that name a parent, wherever they are, cut links too.
    pub fn for_each_child(&self, tenant: &str, parent: &str, older: &dyn Older, mut take: impl FnMut(&Node)) {
        let hash = self.hasher.of(tenant, parent);
        for at in self.children.get(&hash).into_iter().flatten() {
            let child = &self.nodes[*at];
            if *child.tenant == *tenant && child.raw_parent() == Some(parent) {
                take(child);
            }
        }
        for id in older.children(hash, tenant, parent) {
            if let Some(child) = older.find(self.hasher.of(tenant, &id), tenant, &id) {
                take(&child);
            }
        }
    }
}
