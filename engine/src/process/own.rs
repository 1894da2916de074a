//! What a process's own entries say of it.
//!
//! Each value remembers the entry that it is from, so that it does not matter in which order entries come, or in which
//! portions: the oldest `started` says what the process is, the oldest that closes it how it ended, the oldest with a
//! parent whose sub-process it is.

use crate::model::{Position, ProcessEvent, Severity, Timestamp};
use std::sync::Arc;

/// A place in the one total order of a store, owned: see [`Position`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// When the entry's group was committed.
    pub logged_at: Timestamp,
    /// The entry's service.
    pub service: Arc<str>,
    /// Its position in the service's chain.
    pub seq: u64,
}

impl Point {
    /// The same, borrowed.
    pub fn position(&self) -> Position<'_> {
        Position { logged_at: self.logged_at, service: &self.service, seq: self.seq }
    }
}

/// How far a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Status {
    /// It began and did not end.
    Running = 0,
    /// It runs, and somebody asked it to stop.
    CancelRequested = 1,
    /// It ended well.
    Finished = 2,
    /// It ended badly.
    Failed = 3,
    /// It stopped because somebody asked.
    Cancelled = 4,
}

impl Status {
    /// All, in the order of their numbers.
    pub const ALL: [Status; 5] =
        [Status::Running, Status::CancelRequested, Status::Finished, Status::Failed, Status::Cancelled];
    /// What `parse` accepts, for messages.
    pub const EXPECTED: &'static str = "one of running, cancel_requested, finished, failed, cancelled";

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::CancelRequested => "cancel_requested",
            Status::Finished => "finished",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    /// The status that `name` names.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Its number in the table.
    pub(super) const fn number(self) -> u8 {
        self as u8
    }

    /// The one that an event ends a process with.
    pub(super) fn of_end(event: ProcessEvent) -> Option<Status> {
        match event {
            ProcessEvent::Finished => Some(Status::Finished),
            ProcessEvent::Failed => Some(Status::Failed),
            ProcessEvent::Cancelled => Some(Status::Cancelled),
            ProcessEvent::Started | ProcessEvent::Message | ProcessEvent::CancelRequested => None,
        }
    }
}

/// Entries by severity class, lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts(pub [u64; Severity::ALL.len()]);

impl Counts {
    pub fn of(severity: Severity) -> Counts {
        let mut counts = Counts::default();
        counts.0[usize::from(severity.class()) - 1] = 1;
        counts
    }

    pub fn add(&mut self, other: Counts) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own = own.saturating_add(other));
    }

    pub fn take(&mut self, other: Counts) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own = own.saturating_sub(other));
    }

    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The highest class that has an entry.
    pub fn severity(&self) -> Option<Severity> {
        Severity::ALL
            .into_iter()
            .zip(self.0)
            .rev()
            .find(|(_, count)| *count > 0)
            .map(|(severity, _)| severity)
    }
}

/// An entry with a process, as far as the fold reads it. Empty texts are absent fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub logged_at: Timestamp,
    pub service: &'a Arc<str>,
    pub seq: u64,
    pub tenant: &'a str,
    pub organization: &'a str,
    pub id: &'a str,
    pub parent: &'a str,
    pub event: ProcessEvent,
    pub severity: Severity,
    pub activity: &'a str,
    pub request_id: &'a str,
    pub configuration_id: &'a str,
    pub generated_at: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
}

impl Event<'_> {
    pub fn position(&self) -> Position<'_> {
        Position { logged_at: self.logged_at, service: self.service, seq: self.seq }
    }

    pub fn point(&self) -> Point {
        Point { logged_at: self.logged_at, service: Arc::clone(self.service), seq: self.seq }
    }
}

/// What the oldest `started` entry says, or the oldest of all if none did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub is_started: bool,
    pub at: Point,
    pub organization: Box<str>,
    pub activity: Box<str>,
    pub request_id: Box<str>,
    pub configuration_id: Box<str>,
    pub started: Timestamp,
}

/// How the process ended, by the oldest entry that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub at: Point,
    pub status: Status,
    pub finished: Timestamp,
}

/// Whose sub-process it is, by the oldest entry that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub at: Point,
    pub parent: Box<str>,
}

/// What a process's own entries say, all of them or those of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub first: Point,
    pub last: Point,
    pub origin: Origin,
    pub end: Option<End>,
    pub link: Option<Link>,
    pub is_cancel_requested: bool,
    pub counts: Counts,
}

impl Origin {
    fn of(event: &Event<'_>) -> Origin {
        Origin {
            is_started: event.event == ProcessEvent::Started,
            at: event.point(),
            organization: event.organization.into(),
            activity: event.activity.into(),
            request_id: event.request_id.into(),
            configuration_id: event.configuration_id.into(),
            started: event.started.or(event.generated_at).unwrap_or(event.logged_at),
        }
    }
}

impl End {
    fn of(event: &Event<'_>) -> Option<End> {
        let status = Status::of_end(event.event)?;
        let finished = event.finished.or(event.generated_at).unwrap_or(event.logged_at);
        Some(End { at: event.point(), status, finished })
    }
}

impl Link {
    fn of(event: &Event<'_>) -> Option<Link> {
        (!event.parent.is_empty()).then(|| Link { at: event.point(), parent: event.parent.into() })
    }
}

impl Own {
    pub fn of(event: &Event<'_>) -> Own {
        Own {
            first: event.point(),
            last: event.point(),
            origin: Origin::of(event),
            end: End::of(event),
            link: Link::of(event),
            is_cancel_requested: event.event == ProcessEvent::CancelRequested,
            counts: Counts::of(event.severity),
        }
    }

    /// Takes an entry in. Each is taken in once.
    pub fn add(&mut self, event: &Event<'_>) {
        let position = event.position();
        if position < self.first.position() {
            self.first = event.point();
        }
        if position > self.last.position() {
            self.last = event.point();
        }
        let is_started = event.event == ProcessEvent::Started;
        if (!is_started, position) < (!self.origin.is_started, self.origin.at.position()) {
            self.origin = Origin::of(event);
        }
        if Status::of_end(event.event).is_some()
            && self.end.as_ref().is_none_or(|end| position < end.at.position())
        {
            self.end = End::of(event);
        }
        if !event.parent.is_empty() && self.link.as_ref().is_none_or(|link| position < link.at.position()) {
            self.link = Link::of(event);
        }
        self.is_cancel_requested |= event.event == ProcessEvent::CancelRequested;
        self.counts.add(Counts::of(event.severity));
    }

    /// Takes in what other entries say.
    pub fn merge(&mut self, other: &Own) {
        if other.first < self.first {
            self.first = other.first.clone();
        }
        if other.last > self.last {
            self.last = other.last.clone();
        }
        let key = |origin: &Origin| (!origin.is_started, origin.at.clone());
        if key(&other.origin) < key(&self.origin) {
            self.origin = other.origin.clone();
        }
        if let Some(end) = &other.end
            && self.end.as_ref().is_none_or(|own| end.at < own.at)
        {
            self.end = Some(end.clone());
        }
        if let Some(link) = &other.link
            && self.link.as_ref().is_none_or(|own| link.at < own.at)
        {
            self.link = Some(link.clone());
        }
        self.is_cancel_requested |= other.is_cancel_requested;
        self.counts.add(other.counts);
    }

    pub fn status(&self) -> Status {
        match (&self.end, self.is_cancel_requested) {
            (Some(end), _) => end.status,
            (None, true) => Status::CancelRequested,
            (None, false) => Status::Running,
        }
    }
}
