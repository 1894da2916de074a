//! Checks one part of one frame by itself: everything that does not need its neighbours.
//!
//! Each entry's salt, body and leaf are recomputed over the stored leaf before it. Where all leaves agree, the stored
//! ones are the recomputed ones, so one altered entry is named alone and those behind it are still checked.

use super::chain::Chains;
use super::report::ProblemKind;
use crate::format::commit::Part;
use crate::format::control::{ClockStep, kind};
use crate::format::record;
use crate::model::{CONTROL_SERVICE, RESERVED_PREFIX, SYSTEM_TENANT};
use crate::proof::{Hash, Hasher, hashes};

/// What checking a part gave.
pub struct Checked {
    /// `tenant_seq` of each entry; none where its record does not decode.
    pub tenant_seqs: Vec<Option<u64>>,
    /// Whether each entry's body is there and gives its leaf.
    pub is_verified: Vec<bool>,
    /// Findings: kind, entry of the part, detail.
    pub findings: Vec<(ProblemKind, usize, String)>,
    /// Records of control entries, by entry of the part: offset in the payload is implied.
    pub control: Vec<usize>,
}

/// Checks a part whose lines were begun.
pub fn check(part: &Part<'_>, logged_at: i64, chains: &Chains, hasher: &mut Hasher) -> Checked {
    let count = part.rows.len();
    let mut checked = Checked {
        tenant_seqs: vec![None; count],
        is_verified: vec![false; count],
        findings: Vec::new(),
        control: Vec::new(),
    };
    let Some(chain) = chains.find(part.service) else { return checked };
    let is_control_kind = (1..=7).contains(&part.kind);
    let is_control_chain = part.service == CONTROL_SERVICE;
    if part.kind > 7 || (part.kind != 7 && is_control_kind != is_control_chain) {
        checked.findings.push((
            ProblemKind::Foreign,
            0,
            format!("kind {} in the chain of {}", part.kind, part.service),
        ));
    }
    let mut keys = Vec::with_capacity(count);
    for (index, row) in part.rows.iter().enumerate() {
        let line = chain.line(row.line, part.first_seq);
        keys.push(line.and_then(|line| line.key));
        match record::decode(part.record(index)) {
            Ok(record) => {
                checked.tenant_seqs[index] = Some(record.tenant_seq);
                let entry = &record.entry;
                if entry.service != part.service {
                    let detail = format!(
                        "expected an entry of service {:?}, found one of {:?}",
                        part.service, entry.service
                    );
                    checked.findings.push((ProblemKind::Foreign, index, detail));
                }
                let tenant = line.map(|line| &*line.tenant);
                if tenant.is_some_and(|tenant| entry.tenant != tenant) {
                    let detail =
                        format!("expected an entry of tenant {tenant:?}, found one of {:?}", entry.tenant);
                    checked.findings.push((ProblemKind::Foreign, index, detail));
                }
                // The system's tenant speaks in the system's chains alone.
                let is_own = entry.tenant == SYSTEM_TENANT;
                let is_misplaced =
                    is_own && !part.service.starts_with(RESERVED_PREFIX) || is_control_kind && !is_own;
                if record.control.is_some() != is_control_kind || is_misplaced {
                    let detail = format!("a record that is not of kind {}", part.kind);
                    checked.findings.push((ProblemKind::Altered, index, detail));
                }
                if part.kind == kind::CLOCK
                    && let Some(Err(error)) = record.control.map(ClockStep::decode)
                {
                    let detail = format!("its clock step does not read: {error}");
                    checked.findings.push((ProblemKind::Altered, index, detail));
                }
                if record.control.is_some() {
                    checked.control.push(index);
                }
            }
            Err(error) => {
                checked.findings.push((
                    ProblemKind::Altered,
                    index,
                    format!("its record does not decode: {error}"),
                ));
            }
        }
    }
    // One finding for all of them: what hides a salt key hides it from every later entry of its line.
    let unsalted = keys.iter().filter(|key| key.is_none()).count();
    if let Some(first) = keys.iter().position(Option::is_none) {
        let line = part.rows[first].line;
        let others =
            if unsalted > 1 { format!(", nor {} more of this frame", unsalted - 1) } else { String::new() };
        let detail = format!("it cannot be verified{others}: the salt key of line {line} is not there");
        checked.findings.push((ProblemKind::Missing, first, detail));
    }
    let mut salts = vec![[0; 16]; count];
    hasher.each(
        count,
        |i, message| hashes::salt_message(&keys[i].unwrap_or_default(), part.first_seq + i as u64, message),
        |i, hash| salts[i] = hashes::salt_of(&hash),
    );
    let mut bodies: Vec<Hash> = vec![[0; 32]; count];
    hasher.each(
        count,
        |i, message| hashes::body_message(&salts[i], part.record(i), message),
        |i, hash| bodies[i] = hash,
    );
    let mut differing = Vec::new();
    hasher.each(
        count,
        |i, message| {
            let skeleton = hashes::Skeleton {
                kind: part.kind,
                chain_id: chain.chain_id,
                seq: part.first_seq + i as u64,
                logged_at,
            };
            let prev = if i == 0 { &part.prev } else { part.leaf(i - 1) };
            skeleton.leaf_message(prev, &bodies[i], message);
        },
        |i, hash| {
            if keys[i].is_some() {
                checked.is_verified[i] = hash == *part.leaf(i);
                if !checked.is_verified[i] {
                    differing.push(i);
                }
            }
        },
    );
    differing.sort_unstable();
    for index in differing {
        let detail = "its leaf, recomputed from its record, is not the one that was committed".to_owned();
        checked.findings.push((ProblemKind::Altered, index, detail));
    }
    checked
}
