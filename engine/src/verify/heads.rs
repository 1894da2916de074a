//! Holds a `heads` against what was recomputed up to it.

use super::chain::Chains;
use super::part::Checked;
use super::report::{Problem, ProblemKind};
use crate::format::commit::Part;
use crate::format::control::Heads;
use crate::format::record;
use crate::hex;
use crate::model::CONTROL_SERVICE;
use crate::proof::Hasher;

/// Checks the records of one `heads`: sizes and leaves of the chains it names, and the directory's root.
pub fn check(chains: &mut Chains, part: &Part<'_>, checked: &Checked, file: &str, hasher: &mut Hasher) {
    let mut told = Vec::new();
    for index in &checked.control {
        let seq = part.first_seq + *index as u64;
        let control =
            record::decode(part.record(*index)).ok().and_then(|record| record.control.map(<[u8]>::to_vec));
        match control.as_deref().map(Heads::decode) {
            Some(Ok(heads)) => told.push((seq, heads)),
            Some(Err(error)) => {
                report(chains, ProblemKind::Altered, file, seq, format!("its heads do not read: {error}"))
            }
            None => {}
        }
    }
    let mut is_comparable = chains.is_directory_whole;
    for (seq, heads) in &told {
        for head in &heads.chains {
            let Some(chain) = chains.by_service.get_mut(head.service.as_str()) else {
                let detail = format!("heads {seq} says size {}, its chain is not there", head.size);
                let problem = Problem::new(ProblemKind::ChainMissing, Some(&head.service), file, detail);
                let control = chains.by_service.get_mut(CONTROL_SERVICE);
                if let Some(control) = control {
                    control.report(problem.at(0, head.size.saturating_sub(1)));
                }
                is_comparable = false;
                continue;
            };
            is_comparable &= chain.is_whole;
            if chain.next_seq < head.size {
                let detail = format!("heads {seq} says size {}, found {}", head.size, chain.next_seq);
                let problem = Problem::new(ProblemKind::Rollback, Some(&head.service), file, detail);
                chain.report(problem.at(chain.next_seq, head.size - 1));
                chain.is_whole = false;
                is_comparable = false;
            } else if chain.next_seq > head.size {
                let detail = format!("heads {seq} says size {}, found {}", head.size, chain.next_seq);
                let problem = Problem::new(ProblemKind::Extra, Some(&head.service), file, detail);
                chain.report(problem.at(head.size, chain.next_seq - 1));
                is_comparable = false;
            } else if chain.prev != head.leaf {
                let detail = format!(
                    "heads {seq} says that entry {} has leaf {}, it has {}",
                    head.size.saturating_sub(1),
                    hex::encode(&head.leaf),
                    hex::encode(&chain.prev)
                );
                let problem = Problem::new(ProblemKind::Altered, Some(&head.service), file, detail);
                chain.report(problem.at(0, head.size.saturating_sub(1)));
                is_comparable = false;
            }
        }
    }
    let Some((seq, first)) = told.first() else { return };
    if !is_comparable || chains.by_service.values().any(|chain| !chain.is_whole) {
        return;
    }
    chains.refresh_directory();
    let (root, rows) = (chains.directory.root(hasher), chains.directory.row_count());
    let differs = told.iter().any(|(_, heads)| (heads.directory_root, heads.directory_rows) != (root, rows));
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

fn report(chains: &mut Chains, kind: ProblemKind, file: &str, seq: u64, detail: String) {
    if let Some(control) = chains.by_service.get_mut(CONTROL_SERVICE) {
        let problem = Problem::new(kind, Some(CONTROL_SERVICE), file, format!("heads {seq}: {detail}"));
        control.report(problem.at(seq, seq));
    }
}
