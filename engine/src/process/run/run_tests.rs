//! Runs come back as they were written, and bytes that are no run are refused.

use super::{ChainPosition, Head, Run, write};
use crate::limits;
use crate::model::{ProcessEvent, Severity, Timestamp};
use crate::process::hash::NameHasher;
use crate::process::node::Node;
use crate::process::own::{Counts, Event};
use proptest::prelude::*;
use std::sync::Arc;

const STORE: [u8; 16] = [3; 16];

fn hasher() -> NameHasher {
    NameHasher::new([9; 16])
}

/// A process of these entries: (time, kind, organization, parent).
fn node(number: usize, entries: &[(i64, usize, u8, Option<u8>)], below: u64) -> Node {
    let service: Arc<str> = format!("service-{}", number % 3).into();
    let mut node = Node::new(
        format!("tenant-{}", number % 4).into(),
        &format!("{number:08x}-63b7-4e6e-9c1f-8f50aa01b2c3"),
    );
    for (seq, (time, kind, organization, parent)) in (0_u64..).zip(entries) {
        node.add(&Event {
            logged_at: Timestamp::from_nanos(*time),
            service: &service,
            seq,
            tenant: &node.tenant.clone(),
            organization: ["", "north", "south"][usize::from(*organization % 3)],
            id: &node.id.clone(),
            parent: &parent.map_or(String::new(), |parent| format!("p{parent}")),
            event: ProcessEvent::ALL[kind % 6],
            severity: Severity::ALL[kind % 5],
            activity: ["sync", "archive.empty", "ü"][kind % 3],
            request_id: "r-1",
            configuration_id: ["", "c"][kind % 2],
            generated_at: (kind % 2 == 0).then_some(Timestamp::from_nanos(time.wrapping_mul(3))),
            started: (kind % 7 == 0).then_some(Timestamp::MIN),
            finished: (kind % 5 == 0).then_some(Timestamp::MAX),
        });
    }
    node.below = Counts([below, 0, 2 * below, 0, 0, 0]);
    node.is_cut = below % 3 == 1;
    node.replaces = below % 4 == 1;
    node.is_parent_known = below % 5 == 1;
    node
}

fn written(nodes: &[Node], positions: &[ChainPosition]) -> Vec<u8> {
    let head = Head { store_id: &STORE, hasher: hasher(), is_whole: true, positions };
    let mut bytes = Vec::new();
    let length =
        write(nodes.iter().cloned(), u32::try_from(nodes.len()).unwrap(), &head, &mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, length);
    bytes
}

fn position() -> ChainPosition {
    ChainPosition { service: "mail-api".into(), end_seq: 7, leaf: [5; 32] }
}

fn open(bytes: Vec<u8>) -> Option<Run> {
    Run::open(Box::new(bytes), &STORE, hasher()).ok()
}

proptest! {
    #[test]
    fn processes_come_back(
        all in prop::collection::vec((prop::collection::vec((any::<i64>(), 0_usize..30, any::<u8>(), any::<Option<u8>>()), 0..6), 0_u64..9), 0..40),
    ) {
        let mut nodes: Vec<Node> =
            all.iter().enumerate().map(|(number, (entries, below))| node(number, entries, *below)).collect();
        nodes.sort_by(|a, b| a.first().cmp(&b.first()));
        let run = open(written(&nodes, &[position()])).unwrap();
        prop_assert_eq!(run.positions(), Some(vec![position()]));
        for (row, node) in (0..).zip(&nodes) {
            prop_assert_eq!(run.node(row), Some(node.clone()));
            let hash = hasher().of(&node.tenant, &node.id);
            prop_assert_eq!(run.row_of(hash, &node.tenant, &node.id), Some(row));
            if let Some(parent) = node.raw_parent() {
                let hash = hasher().of(&node.tenant, parent);
                prop_assert!(run.children(hash).any(|child| child == row));
            }
        }
        prop_assert_eq!(run.row_of(hasher().of("tenant-0", "none"), "tenant-0", "none"), None);
    }
}

#[test]
fn a_run_of_another_store_or_secret_is_refused_and_any_flipped_bit() {
    let nodes = [node(0, &[], 2), node(1, &[(5, 0, 0, None), (6, 2, 1, Some(3))], 1)];
    let bytes = written(&nodes, &[position()]);
    assert!(open(bytes.clone()).is_some());
    assert!(Run::open(Box::new(bytes.clone()), &[4; 16], hasher()).is_err());
    assert!(Run::open(Box::new(bytes.clone()), &STORE, NameHasher::new([8; 16])).is_err());
    for length in 0..bytes.len() {
        assert!(open(bytes[..length].to_vec()).is_none(), "{length} bytes");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(flipped).is_none(), "bit {bit}");
    }
}

#[test]
fn sections_of_wrong_lengths_are_refused_before_they_are_read() {
    let nodes = [node(1, &[(5, 0, 0, None)], 0)];
    let bytes = written(&nodes, &[]);
    let table = bytes.len() - super::TABLE_BYTES;
    for section in 0..super::SECTION_COUNT {
        for value in [0_u64, 3, u64::MAX, limits::SEGMENT_BYTES_MAX] {
            let mut forged = bytes.clone();
            let at = table + section * super::SECTION_BYTES + 8;
            let (from, end) = {
                let number = |at: usize| u64::from_le_bytes(forged[at..at + 8].try_into().unwrap());
                (number(at - 8), number(at))
            };
            if value == end {
                continue;
            }
            forged[at..at + 8].copy_from_slice(&value.to_le_bytes());
            let inside = usize::try_from(from).ok().zip(usize::try_from(value).ok());
            let inside = inside.and_then(|(from, count)| forged.get(from..from.checked_add(count)?));
            let crc = inside.map_or(0, crc32fast::hash);
            forged[at + 8..at + 12].copy_from_slice(&crc.to_le_bytes());
            let end = forged.len() - 4;
            let crc = crc32fast::hash(&forged[table..end]).to_le_bytes();
            forged[end..].copy_from_slice(&crc);
            // What still opens, such as a heap that is cut, gives no process, and no panic.
            if let Some(run) = open(forged) {
                let _ = (run.node(0), run.positions(), run.children(0).count());
                let _ = run.code(super::Section::Tenants, "x");
            }
        }
    }
}
