//! Holds a `heads` against what was recomputed up to it.

use super::chain::Chains;
use super::hints::Told;
use super::part::Checked;
use super::report::{Problem, ProblemKind};
use crate::format::commit::Part;
use crate::format::control::Heads;
use crate::format::record;
use crate::hex;
use crate::model::CONTROL_SERVICE;
use crate::proof::{Hash, Hasher};

/// What follows from entries that are missing.
pub const NOT_COMPARED: &str = "; what heads say of the directory cannot be compared without it";

/// Checks the records of one `heads` of the journal.
pub fn check(
    chains: &mut Chains,
    part: &Part<'_>,
    logged_at: i64,
    checked: &Checked,
    file: &str,
    hasher: &mut Hasher,
) {
    let mut told = Told { logged_at, file: file.to_owned(), records: Vec::new() };
    for index in &checked.control {
        let seq = part.first_seq + *index as u64;
        let control =
            record::decode(part.record(*index)).ok().and_then(|record| record.control.map(<[u8]>::to_vec));
        match control.as_deref().map(Heads::decode) {
            Some(Ok(heads)) => told.records.push((seq, heads)),
            Some(Err(error)) => {
                report(chains, ProblemKind::Altered, file, seq, format!("its heads do not read: {error}"));
            }
            None => {}
        }
    }
    settle(chains, &told, hasher);
}

/// Holds a `heads` against chains that were taken in up to it: sizes and leaves of the chains it names, and the
/// directory's root. What it says of entries in segments was compared when they were recomputed.
pub fn settle(chains: &mut Chains, told: &Told, hasher: &mut Hasher) {
    let (file, before) = (told.file.as_str(), told.logged_at);
    let mut is_comparable = chains.is_directory_whole && before <= chains.directory_known_until;
    for (seq, heads) in &told.records {
        for head in &heads.chains {
            let Some(chain) = chains.by_service.get_mut(head.service.as_str()) else {
                let detail =
                    format!("heads {seq} says size {}, its chain is not there{NOT_COMPARED}", head.size);
                let problem = Problem::new(ProblemKind::ChainMissing, Some(&head.service), file, detail);
                let problem = problem.at(0, head.size.saturating_sub(1));
                chains.missing.insert(head.service.clone(), problem);
                is_comparable = false;
                continue;
            };
            is_comparable &= chain.is_whole && !chain.disputed.contains(&before);
            if chain.sealed_until.is_some_and(|until| before <= until) {
                continue;
            }
            if chain.next_seq < head.size {
                let detail = other_size(*seq, head.size, chain.next_seq) + NOT_COMPARED;
                let problem = Problem::new(ProblemKind::Rollback, Some(&head.service), file, detail);
                let problem = problem.at(chain.next_seq, head.size - 1);
                // The first says best where, those behind it how many.
                chain.rollback.get_or_insert(problem).last_seq = Some(head.size - 1);
                chain.is_whole = false;
                is_comparable = false;
            } else if chain.next_seq > head.size {
                let detail = other_size(*seq, head.size, chain.next_seq);
                let problem = Problem::new(ProblemKind::Extra, Some(&head.service), file, detail);
                chain.report(problem.at(head.size, chain.next_seq - 1));
                is_comparable = false;
            } else if chain.prev != head.leaf {
                let detail = other_leaf(*seq, head.size, &head.leaf, &chain.prev);
                let problem = Problem::new(ProblemKind::Altered, Some(&head.service), file, detail);
                chain.report(problem.at(0, head.size.saturating_sub(1)));
                is_comparable = false;
            }
        }
    }
    let Some((seq, first)) = told.records.first() else { return };
    if !is_comparable
        || !chains.timeline.is_known_at(before)
        || chains.by_service.values().any(|chain| !chain.is_whole)
    {
        return;
    }
    chains.refresh_directory(before);
    let directory = &mut chains.timeline.directory;
    let (root, rows) = (directory.root(hasher), directory.row_count());
    let differs =
        told.records.iter().any(|(_, heads)| (heads.directory_root, heads.directory_rows) != (root, rows));
    if differs {
        let detail = format!(
            "its directory of {} rows has root {}, recomputed are {rows} rows with root {}",
            first.directory_rows,
            hex::encode(&first.directory_root),
            hex::encode(&root)
        );
        report(chains, ProblemKind::Altered, file, *seq, detail);
    }
}

/// What a `heads` says of a chain's size, and what was found.
pub fn other_size(seq: u64, stated: u64, found: u64) -> String {
    format!("heads {seq} says size {stated}, found {found}")
}

/// What a `heads` says of a chain's newest leaf, and what was found.
pub fn other_leaf(seq: u64, size: u64, stated: &Hash, found: &Hash) -> String {
    format!(
        "heads {seq} says that entry {} has leaf {}, it has {}",
        size.saturating_sub(1),
        hex::encode(stated),
        hex::encode(found)
    )
}

fn report(chains: &mut Chains, kind: ProblemKind, file: &str, seq: u64, detail: String) {
    if let Some(control) = chains.by_service.get_mut(CONTROL_SERVICE) {
        let problem = Problem::new(kind, Some(CONTROL_SERVICE), file, format!("heads {seq}: {detail}"));
        control.report(problem.at(seq, seq));
    }
}
