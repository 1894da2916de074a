//! Checks one part of one frame by itself: everything that does not need its neighbours.
//!
//! Each entry's salt, body and leaf are recomputed over the stored leaf before it. Where all leaves agree, the stored
//! ones are the recomputed ones, so one altered entry is named alone and those behind it are still checked.

use super::chain::Chains;
use super::kept::Kept;
use super::report::ProblemKind;
use crate::artifact::Sha;
use crate::format::commit::Part;
use crate::format::control::{ClockStep, kind};
use crate::format::record;
use crate::model::{CONTROL_SERVICE, RESERVED_PREFIX, SYSTEM_TENANT, Severity};
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

impl Checked {
    /// The same without the first `count` entries.
    pub fn behind(&self, count: usize) -> Checked {
        let moved = |index: &usize| index.checked_sub(count);
        let findings = self.findings.iter();
        Checked {
            tenant_seqs: self.tenant_seqs[count..].to_vec(),
            is_verified: self.is_verified[count..].to_vec(),
            findings: findings
                .filter_map(|(kind, index, detail)| Some((*kind, moved(index)?, detail.clone())))
                .collect(),
            control: self.control.iter().filter_map(moved).collect(),
        }
    }
}

/// What a record says that its place must agree with.
pub struct Told {
    pub tenant_seq: u64,
    pub severity: Severity,
    pub has_control: bool,
    /// The store had this file at commit.
    pub artifact: Option<Sha>,
}

/// What is wrong with a kind in a chain, if anything.
pub fn misplaced_kind(kind: u8, service: &str) -> Option<String> {
    let is_control_kind = (1..=7).contains(&kind);
    let is_misplaced = kind > 7 || (kind != 7 && is_control_kind != (service == CONTROL_SERVICE));
    is_misplaced.then(|| format!("kind {kind} in the chain of {service}"))
}

/// Holds a record against the chain, the line and the kind that it stands under; none if it does not decode.
pub fn check_record(
    bytes: &[u8],
    kind: u8,
    service: &str,
    tenant: Option<&str>,
    mut find: impl FnMut(ProblemKind, String),
) -> Option<Told> {
    let record = match record::decode(bytes) {
        Ok(record) => record,
        Err(error) => {
            find(ProblemKind::Altered, format!("its record does not decode: {error}"));
            return None;
        }
    };
    let entry = &record.entry;
    if entry.service != service {
        let detail = format!("expected an entry of service {service:?}, found one of {:?}", entry.service);
        find(ProblemKind::Foreign, detail);
    }
    if tenant.is_some_and(|tenant| entry.tenant != tenant) {
        let detail = format!("expected an entry of tenant {tenant:?}, found one of {:?}", entry.tenant);
        find(ProblemKind::Foreign, detail);
    }
    // The system's tenant speaks in the system's chains alone.
    let is_control_kind = (1..=7).contains(&kind);
    let is_own = entry.tenant == SYSTEM_TENANT;
    let is_misplaced = is_own && !service.starts_with(RESERVED_PREFIX) || is_control_kind && !is_own;
    if record.control.is_some() != is_control_kind || is_misplaced {
        find(ProblemKind::Altered, format!("a record that is not of kind {kind}"));
    }
    if kind == kind::CLOCK
        && let Some(Err(error)) = record.control.map(ClockStep::decode)
    {
        find(ProblemKind::Altered, format!("its clock step does not read: {error}"));
    }
    Some(Told {
        tenant_seq: record.tenant_seq,
        severity: entry.severity,
        has_control: record.control.is_some(),
        artifact: entry.artifact.as_ref().filter(|_| record.artifact_held).map(|own| own.sha256),
    })
}

/// Checks a part whose lines were begun.
pub fn check(
    part: &Part<'_>,
    logged_at: i64,
    chains: &Chains,
    kept: &Kept<'_>,
    hasher: &mut Hasher,
) -> Checked {
    let count = part.rows.len();
    let mut checked = Checked {
        tenant_seqs: vec![None; count],
        is_verified: vec![false; count],
        findings: Vec::new(),
        control: Vec::new(),
    };
    let Some(chain) = chains.find(part.service) else { return checked };
    if let Some(detail) = misplaced_kind(part.kind, part.service) {
        checked.findings.push((ProblemKind::Foreign, 0, detail));
    }
    let mut keys = Vec::with_capacity(count);
    for (index, row) in part.rows.iter().enumerate() {
        let line = chain.line(row.line, part.first_seq);
        keys.push(line.and_then(|line| line.key_at(part.first_seq + index as u64)));
        let tenant = line.map(|line| &*line.tenant);
        let findings = &mut checked.findings;
        let find = |kind, detail| findings.push((kind, index, detail));
        if let Some(told) = check_record(part.record(index), part.kind, part.service, tenant, find) {
            checked.tenant_seqs[index] = Some(told.tenant_seq);
            if told.has_control {
                checked.control.push(index);
            }
            if let (Some(sha256), Some(tenant)) = (told.artifact, tenant)
                && let Some(detail) = kept.problem(tenant, &sha256)
            {
                checked.findings.push((ProblemKind::Artifact, index, detail));
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
