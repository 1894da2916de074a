//! The fold against a naive one of everything, in whatever order and portions entries come.

use super::delta::{Delta, Older};
use super::hash::NameHasher;
use super::node::Node;
use super::own::{Counts, Event, Own};
use crate::limits;
use crate::model::{ProcessEvent, Severity, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Processes that were put aside: what a table on disk does.
#[derive(Default)]
struct Aside(BTreeMap<(String, String), Node>);

impl Older for Aside {
    fn take(&mut self, _: u64, tenant: &str, id: &str) -> Option<Node> {
        self.0.remove(&(tenant.to_owned(), id.to_owned()))
    }

    fn find(&self, _: u64, tenant: &str, id: &str) -> Option<Node> {
        self.0.get(&(tenant.to_owned(), id.to_owned())).cloned()
    }

    fn children(&self, _: u64, tenant: &str, parent: &str) -> Vec<Box<str>> {
        let own = self.0.values().filter(|node| &*node.tenant == tenant);
        own.filter(|node| node.raw_parent() == Some(parent)).map(|node| node.id.clone()).collect()
    }
}

/// An entry, by its parts.
#[derive(Clone, Debug)]
struct Given {
    logged_at: i64,
    service: Arc<str>,
    seq: u64,
    tenant: String,
    organization: String,
    id: String,
    parent: String,
    event: ProcessEvent,
    severity: Severity,
    started: Option<i64>,
}

impl Given {
    fn event(&self) -> Event<'_> {
        Event {
            logged_at: Timestamp::from_nanos(self.logged_at),
            service: &self.service,
            seq: self.seq,
            tenant: &self.tenant,
            organization: &self.organization,
            id: &self.id,
            parent: &self.parent,
            event: self.event,
            severity: self.severity,
            activity: "sync",
            request_id: &self.parent,
            configuration_id: "",
            generated_at: None,
            started: self.started.map(Timestamp::from_nanos),
            finished: None,
        }
    }
}

fn entries(ids: u32, count: usize) -> impl Strategy<Value = Vec<Given>> {
    let one = (
        0_i64..40,
        0..3_u8,
        0..2_u8,
        0..3_u8,
        0..ids,
        prop::option::weighted(0.5, 0..ids),
        0..8_usize,
        0..6_usize,
    );
    prop::collection::vec(one, 1..count).prop_map(|all| {
        let given = all.into_iter().zip(0_u64..);
        let given =
            given.map(|((time, service, tenant, organization, id, parent, event, severity), seq)| Given {
                logged_at: time,
                service: format!("service-{service}").into(),
                seq,
                tenant: format!("tenant-{tenant}"),
                organization: ["", "", "north"][usize::from(organization)].to_owned(),
                id: format!("p{id}"),
                parent: parent.map_or(String::new(), |parent| format!("p{parent}")),
                event: ProcessEvent::ALL.get(event).copied().unwrap_or_default(),
                severity: Severity::ALL[severity],
                started: (time % 3 == 0).then_some(time * 7),
            });
        given.collect()
    })
}

/// What the table should say, from all entries in their order, one question at a time.
fn naive(given: &[Given]) -> BTreeMap<(String, String), Node> {
    let mut sorted: Vec<&Given> = given.iter().collect();
    sorted.sort_by(|a, b| a.event().position().cmp(&b.event().position()));
    let mut nodes: BTreeMap<(String, String), Node> = BTreeMap::new();
    for given in sorted {
        let key = (given.tenant.clone(), given.id.clone());
        let new = || Node::new(given.tenant.as_str().into(), &given.id);
        nodes.entry(key).or_insert_with(new).add(&given.event());
        if !given.parent.is_empty() {
            let key = (given.tenant.clone(), given.parent.clone());
            nodes.entry(key).or_insert_with(|| Node::new(given.tenant.as_str().into(), &given.parent));
        }
    }
    let all = nodes.clone();
    let up = |tenant: &str, id: &str| {
        let node = all.get(&(tenant.to_owned(), id.to_owned()))?;
        Some(node.own.as_ref()?.link.as_ref()?.parent.to_string())
    };
    // Links that close a cycle of at most 32, and are its newest.
    for ((tenant, id), node) in &mut nodes {
        let mut cycle = vec![id.clone()];
        while let Some(next) = up(tenant, &cycle[cycle.len() - 1])
            && next != *id
            && cycle.len() < limits::PROCESS_LEVELS_MAX
        {
            cycle.push(next);
        }
        if up(tenant, &cycle[cycle.len() - 1]).as_ref() == Some(id) {
            let link = |id: &String| {
                let own: Option<&Own> = all[&(tenant.clone(), id.clone())].own.as_ref();
                own.and_then(|own| own.link.clone()).map(|link| link.at)
            };
            node.is_cut = cycle.iter().map(link).max() == Some(link(id));
        }
    }
    // Each entry, one at a time, up to the 32 above.
    let cut: Vec<_> = nodes.iter().filter(|(_, node)| node.is_cut).map(|(key, _)| key.clone()).collect();
    for given in given {
        let mut at = given.id.clone();
        for _ in 0..limits::PROCESS_LEVELS_MAX {
            if cut.contains(&(given.tenant.clone(), at.clone())) {
                break;
            }
            let Some(parent) = up(&given.tenant, &at) else { break };
            let above = nodes.get_mut(&(given.tenant.clone(), parent.clone())).unwrap();
            above.below.add(Counts::of(given.severity));
            at = parent;
        }
    }
    nodes
}

/// What the fold says, with processes put aside where the portions end.
fn folded(given: &[Given], portions: &[usize]) -> BTreeMap<(String, String), Node> {
    let mut aside = Aside::default();
    let put_aside = |delta: &Delta, aside: &mut Aside| {
        for node in delta.nodes() {
            let key = (node.tenant.to_string(), node.id.to_string());
            assert!(aside.0.insert(key, node.clone()).is_none(), "a process in two places");
        }
    };
    let mut delta = Delta::new(NameHasher::new([7; 16]));
    for (index, given) in given.iter().enumerate() {
        delta.add(&given.event(), &mut aside);
        if portions.contains(&index) {
            put_aside(&delta, &mut aside);
            delta = Delta::new(NameHasher::new([7; 16]));
        }
    }
    let firsts: Vec<_> = delta.nodes().iter().filter_map(Node::first).collect();
    assert_eq!(delta.order().len(), firsts.len());
    assert!(delta.order().iter().all(|(first, at)| delta.nodes()[*at].first() == Some(first)));
    put_aside(&delta, &mut aside);
    aside.0
}

/// Without what only says how much is known.
fn told(nodes: BTreeMap<(String, String), Node>) -> BTreeMap<(String, String), Node> {
    let known = nodes.into_iter().filter(|(_, node)| node.own.is_some() || node.below != Counts::default());
    known.map(|(key, node)| (key, Node { replaces: false, is_parent_known: false, ..node })).collect()
}

fn check(given: &[Given], shuffled: &[Given], portions: &[usize]) {
    let wanted = told(naive(given));
    let found = told(folded(shuffled, portions));
    for (key, wanted) in &wanted {
        assert_eq!(found.get(key), Some(wanted), "{key:?}");
    }
    assert_eq!(found.len(), wanted.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_order_and_any_portions_give_the_same_processes(
        (given, shuffled) in entries(7, 60).prop_flat_map(|given| (Just(given.clone()), Just(given).prop_shuffle())),
        portions in prop::collection::vec(0_usize..60, 0..6),
    ) {
        check(&given, &shuffled, &portions);
    }

    #[test]
    fn deep_trees_and_long_cycles_too(
        (given, shuffled) in entries(90, 250).prop_flat_map(|given| (Just(given.clone()), Just(given).prop_shuffle())),
        portions in prop::collection::vec(0_usize..250, 0..4),
        chain in 20_u32..90,
    ) {
        // Links of a long chain, closed or not.
        let links = |given: Vec<Given>| {
            let linked = |given: Given| {
                let number: u32 = given.id[1..].parse().unwrap();
                let parent = if number == 0 { format!("p{}", chain - 1) } else { format!("p{}", number - 1) };
                let is_open = number == 0 && chain % 2 == 0 || number >= chain;
                Given { parent: if is_open { String::new() } else { parent }, tenant: "one".into(), ..given }
            };
            given.into_iter().map(linked).collect::<Vec<_>>()
        };
        check(&links(given), &links(shuffled), &portions);
    }
}

#[test]
fn a_process_of_more_organizations_than_are_kept_shows_the_least_names_alike() {
    let entry = |number: u64| Given {
        logged_at: 5,
        service: "a".into(),
        seq: number,
        tenant: "one".into(),
        organization: format!("o{:03}", number * 37 % 101),
        id: "p".into(),
        parent: String::new(),
        event: ProcessEvent::Message,
        severity: Severity::Information,
        started: None,
    };
    let given: Vec<Given> = (0..303).map(entry).collect();
    let mut reversed = given.clone();
    reversed.reverse();
    check(&given, &reversed, &[]);
    let nodes = folded(&given, &[40]);
    let node = &nodes[&("one".to_owned(), "p".to_owned())];
    assert_eq!(node.parts.len(), limits::PROCESS_ORGANIZATIONS_MAX);
    assert_eq!(node.seen(Some(&["o005".to_owned()])).unwrap().counts.total(), 3);
    assert_eq!(node.seen(None).unwrap().counts.total(), 303);
    assert!(node.seen(Some(&["o100".to_owned()])).is_none());
}
