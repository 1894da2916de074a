//! What a verification found: the report of docs/integrity.md, as values and as JSON.

use crate::journal::Damage;
use crate::model::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// A verification's answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Nothing was found.
    pub valid: bool,
    /// Positions kept, in all chains.
    pub entries: u64,
    /// Of these, cleared by an order.
    pub cleared: u64,
    /// Of these, to be cleared by an order that is not done yet.
    pub pending: u64,
    /// How much was looked at, which is what `valid` speaks of; in JSON if it is not everything.
    #[serde(skip_serializing_if = "Extent::is_whole")]
    pub extent: Extent,
    /// Entries that were recomputed, if not everything was asked for; one that a segment and the journal hold counts
    /// once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recomputed: Option<u64>,
    /// Bytes read.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// Bytes of a write under way, or torn by a crash, behind the last whole frame. Never acknowledged: no problem.
    pub torn_bytes: u64,
    /// What belongs to no single chain.
    pub problems: Vec<Problem>,
    /// Every chain, by service.
    pub chains: Vec<ChainReport>,
}

/// How much of a store a verification looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Everything is recomputed.
    #[default]
    Whole,
    /// Of sealed segments, what a window or some services hold is recomputed; of the rest, that ends meet.
    Window,
    /// Nothing is recomputed: bytes agree with their CRCs, and ends meet.
    Quick,
}

impl Extent {
    fn is_whole(&self) -> bool {
        *self == Extent::Whole
    }
}

/// One chain's part.
#[derive(Clone, Debug, Serialize)]
pub struct ChainReport {
    /// The chain's service.
    pub service: String,
    /// Nothing was found in it.
    pub valid: bool,
    /// Size of its tree.
    pub size: u64,
    /// Positions kept, cleared ones included.
    pub entries: u64,
    /// Of these, cleared by an order.
    pub cleared: u64,
    /// Of these, to be cleared.
    pub pending: u64,
    /// Of these, recomputed.
    #[serde(skip)]
    pub recomputed: u64,
    /// The first verified entry (of the window).
    pub first: Option<PlaceInTime>,
    /// The last verified entry (of the window).
    pub last: Option<PlaceInTime>,
    /// The entry before the window.
    pub before: Option<PlaceInTime>,
    /// The entry after the window.
    pub after: Option<PlaceInTime>,
    /// Up to where a signed checkpoint vouches; none until stores sign.
    pub anchored_until: Option<Anchor>,
    /// Entries that no signed checkpoint covers.
    pub unsigned: u64,
    /// The newest leaf.
    pub head: Option<String>,
    /// Root of the tree; none if an entry below is missing.
    pub root: Option<String>,
    /// What was found in it.
    pub problems: Vec<Problem>,
}

/// An entry, by place and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceInTime {
    /// Position in its chain.
    pub seq: u64,
    /// Commit time.
    pub logged_at: Timestamp,
}

/// A signed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Anchor {
    /// Entries it covers.
    pub size: u64,
    /// Commit time of the last of them.
    pub logged_at: Timestamp,
}

/// What is wrong, in the words of docs/integrity.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// An entry, link, root or line is not what was committed.
    Altered,
    /// Entries are gone.
    Missing,
    /// An entry is there that was never committed.
    Extra,
    /// Entries are in another order.
    Reordered,
    /// An entry is there twice.
    Duplicate,
    /// An entry or file of another chain, tenant or store.
    Foreign,
    /// A commit time that does not increase.
    Time,
    /// A chain is shorter than a statement about it says.
    Rollback,
    /// A whole chain is gone.
    ChainMissing,
    /// A whole file of a chain is gone.
    SegmentMissing,
    /// Cleared without an order.
    ClearedWithoutOrder,
    /// Cleared by a done order, and still there.
    ClearedStillPresent,
    /// A hole in a tenant's line.
    TenantGap,
    /// An index that disagrees with the data.
    Index,
    /// Bytes that do not agree with their checksum.
    Checksum,
    /// A signature that does not verify.
    Signature,
    /// An artifact that the store held is gone or altered.
    Artifact,
}

/// One finding, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The chain, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The file, relative to the store.
    pub file: String,
    /// First entry concerned, if known.
    pub first_seq: Option<u64>,
    /// Last entry concerned, if known.
    pub last_seq: Option<u64>,
    /// What was expected and found.
    pub detail: String,
}

impl ProblemKind {
    /// The kind's name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ProblemKind::Altered => "altered",
            ProblemKind::Missing => "missing",
            ProblemKind::Extra => "extra",
            ProblemKind::Reordered => "reordered",
            ProblemKind::Duplicate => "duplicate",
            ProblemKind::Foreign => "foreign",
            ProblemKind::Time => "time",
            ProblemKind::Rollback => "rollback",
            ProblemKind::ChainMissing => "chain_missing",
            ProblemKind::SegmentMissing => "segment_missing",
            ProblemKind::ClearedWithoutOrder => "cleared_without_order",
            ProblemKind::ClearedStillPresent => "cleared_still_present",
            ProblemKind::TenantGap => "tenant_gap",
            ProblemKind::Index => "index",
            ProblemKind::Checksum => "checksum",
            ProblemKind::Signature => "signature",
            ProblemKind::Artifact => "artifact",
        }
    }
}

impl Problem {
    pub(super) fn new(
        kind: ProblemKind,
        service: Option<&str>,
        file: impl Into<String>,
        detail: impl Into<String>,
    ) -> Problem {
        Problem {
            kind,
            service: service.map(str::to_owned),
            file: file.into(),
            first_seq: None,
            last_seq: None,
            detail: detail.into(),
        }
    }

    pub(super) fn at(self, first_seq: u64, last_seq: u64) -> Problem {
        Problem { first_seq: Some(first_seq), last_seq: Some(last_seq), ..self }
    }

    /// What a reader met and could not give.
    pub fn of_damage(damage: &Damage) -> Problem {
        let lost = match damage.lost {
            Some(lost) if lost.first == lost.last => format!("; frame {} is lost", lost.first),
            Some(lost) => format!("; frames {} to {} are lost", lost.first, lost.last),
            None => String::new(),
        };
        let place = if damage.offset < damage.end_offset {
            format!("bytes {} to {}: ", damage.offset, damage.end_offset)
        } else {
            // It is about the file as a whole, or its name.
            String::new()
        };
        let detail = format!("{place}{}{lost}", damage.detail);
        // A file of another store is foreign; everything else broke a checksum or a frame's place.
        let kind = if damage.detail.contains("another store") {
            ProblemKind::Foreign
        } else {
            ProblemKind::Checksum
        };
        Problem::new(kind, None, damage.file.clone(), detail)
    }
}

/// `entry 5`, or `entries 5 to 7`.
pub(super) fn entries(first_seq: u64, last_seq: u64) -> String {
    if first_seq == last_seq {
        format!("entry {first_seq}")
    } else {
        format!("entries {first_seq} to {last_seq}")
    }
}

/// More problems than this that belong to no chain are not listed: a report is for a person.
const PROBLEM_COUNT_MAX: usize = 10_000;

impl Report {
    pub(super) fn note(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEM_COUNT_MAX {
            self.problems.push(problem);
        }
    }

    pub(super) fn finish(&mut self, elapsed: Duration) {
        self.seconds = elapsed.as_secs_f64();
        self.entries = self.chains.iter().map(|chain| chain.entries).sum();
        self.recomputed =
            (!self.extent.is_whole()).then(|| self.chains.iter().map(|chain| chain.recomputed).sum());
        self.valid = self.problems.is_empty() && self.chains.iter().all(|chain| chain.valid);
    }

    /// All problems, those of single chains included.
    pub fn all_problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().chain(self.chains.iter().flat_map(|chain| &chain.problems))
    }
}
