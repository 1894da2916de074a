//! Records, as columns give them, down to their bodies: by places, group after group.

use super::super::kept::Kept;
use super::super::part;
use super::super::report::ProblemKind;
use super::{Findings, Job, Rows, is_control_chain};
use crate::format::control::{Heads, kind};
use crate::format::record;
use crate::format::segment::SegmentError;
use crate::format::segment::TenantRow;
use crate::format::segment::columns::Field;
use crate::model::{RESERVED_PREFIX, SYSTEM_TENANT};
use crate::proof::hashes;
use crate::proof::hashes::Salt;
use crate::proof::{Hash, Hasher, Key};
use crate::segment::leaves::key_at;
use crate::segment::view::RECORD_EXPECTED;
use crate::segment::view::Read;
use crate::segment::view::RowHead;
use crate::threads;
use std::ops::Range;
use std::slice;

/// Records that are hashed side by side, and their bytes.
const STEP_ROWS: usize = 256;
const STEP_BYTES_AIM: usize = 512 << 10;
/// Records of a group that are longer than a record may be: after these the group is given up.
const OVERSIZED_MAX: u32 = 16;

/// What the records gave.
pub struct Records {
    /// By row; zeros where a record does not read.
    pub bodies: Vec<Hash>,
    /// By row.
    pub kinds: Vec<u8>,
    /// Rows that are known to give another leaf, or none, ascending.
    pub bad: Vec<u32>,
    pub record_bytes: u64,
    /// Every record of the segment was read.
    pub is_whole: bool,
}

/// Puts together and hashes the records of `wanted` rows.
pub fn hash(
    rows: &Rows<'_, '_>,
    wanted: &[Range<u32>],
    job: &Job<'_>,
    threads: usize,
    findings: &mut Findings<'_>,
) -> Records {
    let service = job.service;
    // Few segments have an entry with an artifact: records of others are not looked at for one.
    let has_artifacts = rows.view.column(Field::ArtifactHeld).is_ok_and(|column| column.is_some());
    let kept = job.kept.filter(|_| has_artifacts);
    let count = rows.footer.entry_count as usize;
    let (mut bodies, mut kinds) = (vec![[0; 32]; count], vec![0; count]);
    let (mut bodies_left, mut kinds_left) = (bodies.as_mut_slice(), kinds.as_mut_slice());
    let mut pieces = Vec::with_capacity(rows.groups.len());
    for range in rows.groups {
        let (bodies, behind) = std::mem::take(&mut bodies_left).split_at_mut(range.len());
        bodies_left = behind;
        let (kinds, behind) = std::mem::take(&mut kinds_left).split_at_mut(range.len());
        kinds_left = behind;
        pieces.push(Group { range: range.clone(), bodies, kinds });
    }
    let done = threads::each(threads, pieces.into_iter(), |mut group, hasher: &mut Hasher| {
        let mut step = Step {
            rows,
            service,
            is_control: is_control_chain(service),
            kept,
            record_bytes: 0,
            found: Vec::new(),
        };
        step.group(&mut group, wanted, hasher);
        (step.record_bytes, step.found)
    });
    let (mut record_bytes, mut bad) = (0_u64, Vec::new());
    for (bytes, found) in done {
        record_bytes += bytes;
        for (kind, row, detail) in found {
            findings.rows(kind, row..row + 1, format!("entry {}: {detail}", rows.seq(row)));
            if matches!(kind, ProblemKind::Altered | ProblemKind::Missing) {
                bad.push(row);
            }
        }
    }
    bad.sort_unstable();
    bad.dedup();
    let is_whole = wanted.iter().map(ExactSizeIterator::len).sum::<usize>() == count;
    Records { bodies, kinds, bad, record_bytes, is_whole }
}

struct Group<'g> {
    range: Range<u32>,
    bodies: &'g mut [Hash],
    kinds: &'g mut [u8],
}

struct Step<'s, 'v, 'a> {
    rows: &'s Rows<'v, 'a>,
    service: &'s str,
    is_control: bool,
    kept: Option<&'s Kept<'s>>,
    record_bytes: u64,
    found: Vec<(ProblemKind, u32, String)>,
}

/// Records that wait to be hashed, back to back.
#[derive(Default)]
struct Waiting<'k> {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    rows: Vec<u32>,
    keys: Vec<Option<&'k Key>>,
    salts: Vec<Salt>,
}

/// More findings of one group than this are not listed.
const FOUND_MAX: usize = 1_000;

impl Step<'_, '_, '_> {
    fn find(&mut self, kind: ProblemKind, row: u32, detail: String) {
        if self.found.len() < FOUND_MAX {
            self.found.push((kind, row, detail));
        }
    }

    fn group(&mut self, group: &mut Group<'_>, wanted: &[Range<u32>], hasher: &mut Hasher) {
        let rows = self.rows;
        for place in group.range.clone() {
            let row = rows.rows[place as usize];
            group.kinds[(row - group.range.start) as usize] = rows.kinds[place as usize];
        }
        let is_everything =
            wanted.iter().any(|own| own.start <= group.range.start && own.end >= group.range.end);
        let wants = |row: u32| is_everything || wanted.iter().any(|own| own.contains(&row));
        let mut waiting = Waiting::default();
        let mut oversized = 0;
        let places = group.range.clone();
        let walked = rows.view.with_cursors(|cursors| {
            let places = slice::from_ref(&places);
            rows.view.walk_some(
                places,
                |row| rows.times.get(row as usize).copied().unwrap_or_default(),
                cursors,
                wants,
                |head, read| {
                    let read = match read {
                        Ok(read) if read.record.is_empty() => {
                            self.find(ProblemKind::Altered, head.row, "its record is empty".to_owned());
                            return Ok(());
                        }
                        Ok(read) => read,
                        Err(error) => {
                            self.find(
                                ProblemKind::Altered,
                                head.row,
                                format!("its record does not read: {error}"),
                            );
                            oversized += u32::from(error.expected == RECORD_EXPECTED);
                            return if oversized == OVERSIZED_MAX { Err(Stop::Oversized) } else { Ok(()) };
                        }
                    };
                    self.record_bytes += read.record.len() as u64;
                    let tenant = &rows.tenants[head.tenant as usize];
                    self.check(&read, head, tenant);
                    let key = key_at(tenant, head.seq);
                    if key.is_none() {
                        let detail = "it cannot be verified: its salt key is not there".to_owned();
                        self.find(ProblemKind::Missing, head.row, detail);
                    }
                    waiting.push(read.record, head.row, key);
                    if waiting.is_full() {
                        waiting.hash(rows.footer.first_seq, group, hasher);
                    }
                    Ok(())
                },
            )
        });
        match walked {
            Ok(()) => {}
            Err(Stop::Oversized) => return,
            Err(Stop::Unread(error)) => {
                let detail = format!("its record does not read: {error}");
                self.find(ProblemKind::Altered, group.range.start, detail);
            }
        }
        waiting.hash(rows.footer.first_seq, group, hasher);
    }

    /// Holds a record against its place.
    fn check(&mut self, read: &Read<'_>, head: &RowHead, tenant: &TenantRow) {
        let (bytes, row) = (read.record, head.row);
        if let Some(kept) = self.kept
            && let Ok(record) = record::decode(bytes)
            && let Some(artifact) = record.entry.artifact.filter(|_| record.artifact_held)
            && let Some(detail) = kept.problem(&tenant.tenant, &artifact.sha256)
        {
            self.find(ProblemKind::Artifact, row, detail);
        }
        // Put together from fields that are this segment's: tenant, service and position are right by that.
        let is_plain = head.kind == 0
            && read.told.is_entry()
            && !self.is_control
            && (tenant.tenant != SYSTEM_TENANT || self.service.starts_with(RESERVED_PREFIX));
        if is_plain {
            return;
        }
        if (head.kind != 0 || self.is_control)
            && let Some(detail) = part::misplaced_kind(head.kind, self.service)
        {
            self.find(ProblemKind::Foreign, row, detail);
        }
        let mut found = Vec::new();
        let told =
            part::check_record(bytes, head.kind, self.service, Some(&tenant.tenant), |kind, detail| {
                found.push((kind, detail));
            });
        found.into_iter().for_each(|(kind, detail)| self.find(kind, row, detail));
        let class = match &told {
            Some(told) => told.severity.class(),
            None => {
                record::glance(bytes).map_or_else(|_| Default::default(), |glance| glance.severity).class()
            }
        };
        let stated = self.rows.severities[read.place as usize];
        if stated != class {
            let detail = format!("its severity is of class {class}, the column says {stated}");
            self.find(ProblemKind::Index, row, detail);
        }
        let Some(told) = told else { return };
        if told.tenant_seq != head.tenant_seq {
            let detail = format!(
                "expected entry {} of tenant {:?}, found its entry {}",
                head.tenant_seq, tenant.tenant, told.tenant_seq
            );
            self.find(ProblemKind::TenantGap, row, detail);
        }
        if head.kind == kind::HEADS
            && let Ok(record) = record::decode(bytes)
            && let Some(Err(error)) = record.control.map(Heads::decode)
        {
            self.find(ProblemKind::Altered, row, format!("its heads do not read: {error}"));
        }
    }
}

/// Why a group is given up.
enum Stop {
    Oversized,
    Unread(SegmentError),
}

impl From<SegmentError> for Stop {
    fn from(error: SegmentError) -> Stop {
        Stop::Unread(error)
    }
}

impl<'k> Waiting<'k> {
    fn push(&mut self, record: &[u8], row: u32, key: Option<&'k Key>) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
        self.rows.push(row);
        self.keys.push(key);
    }

    fn is_full(&self) -> bool {
        self.rows.len() == STEP_ROWS || self.bytes.len() >= STEP_BYTES_AIM
    }

    /// Hashes what waits, and puts each body where its row is.
    fn hash(&mut self, first_seq: u64, group: &mut Group<'_>, hasher: &mut Hasher) {
        let count = self.rows.len();
        self.salts.resize(count, [0; 16]);
        let (rows, keys, salts) = (&self.rows, &self.keys, &mut self.salts);
        hasher.each(
            count,
            |i, message| {
                let key = keys[i].unwrap_or(&[0; 32]);
                hashes::salt_message(key, first_seq + u64::from(rows[i]), message);
            },
            |i, hash| salts[i] = hashes::salt_of(&hash),
        );
        let (bytes, ends, salts) = (&self.bytes, &self.ends, &self.salts);
        hasher.each(
            count,
            |i, message| {
                let start = i.checked_sub(1).map_or(0, |before| ends[before]);
                hashes::body_message(&salts[i], &bytes[start..ends[i]], message);
            },
            |i, hash| group.bodies[(rows[i] - group.range.start) as usize] = hash,
        );
        self.bytes.clear();
        self.ends.clear();
        self.rows.clear();
        self.keys.clear();
    }
}
