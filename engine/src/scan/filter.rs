//! Which entries: one typed filter, whatever asks.
//!
//! A field given twice means either; different fields mean both. Texts compare exactly and by case, but for `search`
//! and `item`: case-insensitive "includes" with Unicode simple case folding (CaseFolding.txt, statuses C and S), which
//! is what the regex crate folds by, and no normalization.

use super::family::Members;
use super::includes::Includes;
use super::needle::Needle;
use super::{ScanProblem, Scope};
use crate::format::record::Record;
use crate::format::segment::columns::Field;
use crate::limits;
use crate::model::{Process, RESERVED_PREFIX, Severity, Timestamp, Window};
use crate::segment::view::View as SegmentView;
use crate::view::View;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Which entries to find. Empty lists leave a field out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Which of the logs.
    pub log: Log,
    /// Customers.
    pub tenants: Vec<String>,
    /// Hosting spaces.
    pub organizations: Vec<String>,
    /// Generating services; reserved ones are found only when named here.
    pub services: Vec<String>,
    /// Severity classes; none of them finds nothing, absent leaves the field out.
    pub severities: Option<Vec<Severity>>,
    /// Activities.
    pub activities: Vec<String>,
    /// Actors, by ID.
    pub actor_ids: Vec<String>,
    /// Objects, by ID.
    pub object_ids: Vec<String>,
    /// Texts of which the object's ID or name includes one.
    pub items: Vec<Text>,
    /// Requests.
    pub request_ids: Vec<String>,
    /// Configurations.
    pub configuration_ids: Vec<String>,
    /// Processes, with their sub-processes.
    pub processes: Vec<String>,
    /// Whether it succeeded.
    pub successes: Vec<bool>,
    /// Texts of which the message or the activity includes one.
    pub searches: Vec<Text>,
    /// When.
    pub window: Window,
    /// By which clock.
    pub by: TimeField,
}

/// Entries without a process, with one, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Log {
    /// Both.
    #[default]
    All,
    /// Entries without a process.
    Audit,
    /// Entries with a process.
    Process,
    /// What a customer sees: entries without a process, and those that close a process that is no other's part.
    Customer,
}

/// Which of an entry's times a window is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeField {
    /// When it was committed.
    #[default]
    LoggedAt,
    /// When its producer made it; an entry that does not say is in no such window.
    GeneratedAt,
}

/// A text to look for: not empty, at most as long as what it is looked for in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(String);

/// A filter that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct FilterError {
    /// What is accepted.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

impl Text {
    /// A text to look for.
    ///
    /// # Errors
    /// An empty one, or one that is longer than any message.
    pub fn new(text: &str) -> Result<Text, FilterError> {
        match text.len() {
            0 => Err(FilterError { expected: "a text to look for", found: "an empty value".to_owned() }),
            1..=limits::MESSAGE_BYTES_MAX => Ok(Text(text.to_owned())),
            length => {
                Err(FilterError { expected: "a text of at most 64 KiB", found: format!("{length} bytes") })
            }
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A filter within a scope, ready to be asked.
#[derive(Clone)]
pub(super) struct Compiled {
    pub log: Log,
    pub tenants: Option<Vec<String>>,
    pub severities: Option<Vec<Severity>>,
    pub logged_from: Option<Timestamp>,
    pub logged_to: Option<Timestamp>,
    pub generated: Option<Window>,
    services: Vec<String>,
    pub exact: Vec<Exact>,
    pub successes: Vec<bool>,
    pub items: Vec<Includes>,
    pub searches: Vec<Includes>,
    /// Of several tenants, whose processes: their IDs alone don't tell.
    pub members: Option<Arc<Members>>,
    finds_nothing: bool,
}

/// A field whose value must be one of these.
#[derive(Clone)]
pub(super) struct Exact {
    pub column: Field,
    of_record: for<'r> fn(&'r Record<'_>) -> &'r str,
    pub values: Vec<String>,
    /// The same, if they are more than are quickly looked through.
    many: Option<Arc<HashSet<String>>>,
    /// The values, to be followed through templates; none if they are more.
    needles: Vec<Needle>,
}

/// So many values are looked through one by one.
const VALUES_LINEAR: usize = 16;

impl Exact {
    fn new(column: Field, of_record: for<'r> fn(&'r Record<'_>) -> &'r str, values: Vec<String>) -> Exact {
        let many = (values.len() > VALUES_LINEAR).then(|| Arc::new(values.iter().cloned().collect()));
        let followed = if many.is_none() { values.as_slice() } else { &[] };
        let needles = followed.iter().map(|value| Needle::exact(value)).collect();
        Exact { column, of_record, values, many, needles }
    }

    /// Whether a field may have this value.
    pub fn has(&self, value: &str) -> bool {
        match &self.many {
            Some(many) => many.contains(value),
            None => self.values.iter().any(|wanted| wanted == value),
        }
    }

    /// As [`Exact::has`], of a text as columns have it: UTF-8.
    pub fn has_bytes(&self, text: &[u8]) -> bool {
        match &self.many {
            Some(_) => std::str::from_utf8(text).is_ok_and(|text| self.has(text)),
            None => self.values.iter().any(|wanted| wanted.as_bytes() == text),
        }
    }

    /// The values, each to be followed through templates; none if they are too many for that.
    pub fn needles(&self) -> Option<&[Needle]> {
        self.many.is_none().then_some(&self.needles)
    }
}

fn unless_empty<T: Clone>(values: &[T]) -> Option<Vec<T>> {
    (!values.is_empty()).then(|| values.to_vec())
}

impl Compiled {
    /// `settled` is the newest commit time that every chain was told of; newer entries are not in the answer.
    pub fn new(filter: &Filter, scope: &Scope, settled: Option<Timestamp>) -> Compiled {
        // The scope comes first: a filter may only narrow it.
        let tenants = match (scope.tenant_list(), unless_empty(&filter.tenants)) {
            (None, asked) => asked,
            (Some(allowed), None) => Some(allowed.to_vec()),
            (Some(allowed), Some(asked)) => {
                Some(asked.into_iter().filter(|tenant| allowed.contains(tenant)).collect())
            }
        };
        let by_commit = filter.by == TimeField::LoggedAt;
        // The last nanosecond that there is has none behind it.
        let behind = match settled {
            None => Some(Timestamp::MIN),
            Some(settled) => settled.nanos().checked_add(1).map(Timestamp::from_nanos),
        };
        let window = filter.window;
        let mut exact = Vec::new();
        let mut add = |values: &[String], column, of_record: for<'r> fn(&'r Record<'_>) -> &'r str| {
            exact.push(Exact::new(column, of_record, values.to_vec()));
        };
        if let Some(scope) = scope.organization_list() {
            add(scope, Field::Organization, |record| &record.entry.organization);
        }
        let mut add = |values: &[String], column, of_record| {
            if !values.is_empty() {
                add(values, column, of_record);
            }
        };
        add(&filter.request_ids, Field::RequestId, |record| &record.entry.request_id);
        add(&filter.organizations, Field::Organization, |record| &record.entry.organization);
        add(&filter.activities, Field::Activity, |record| &record.entry.activity);
        add(&filter.actor_ids, Field::ActorId, |record| &record.entry.actor.id);
        add(&filter.object_ids, Field::ObjectId, |record| &record.entry.object.id);
        add(&filter.configuration_ids, Field::ConfigurationId, |record| &record.entry.configuration_id);
        Compiled {
            log: filter.log,
            finds_nothing: tenants.as_ref().is_some_and(Vec::is_empty),
            tenants,
            severities: filter.severities.clone(),
            logged_from: window.from.filter(|_| by_commit),
            logged_to: window
                .to
                .filter(|to| by_commit && behind.is_none_or(|behind| *to < behind))
                .or(behind),
            generated: (!by_commit && !window.is_everything()).then_some(window),
            services: filter.services.clone(),
            exact,
            successes: filter.successes.clone(),
            items: filter.items.iter().map(Includes::new).collect(),
            searches: filter.searches.iter().map(Includes::new).collect(),
            members: None,
        }
    }

    /// As [`Compiled::new`], with the sub-processes of those that are asked for.
    pub fn with_family(
        view: &View,
        scope: &Scope,
        filter: &Filter,
        settled: Option<Timestamp>,
        problems: &mut Vec<ScanProblem>,
    ) -> Compiled {
        let mut compiled = Compiled::new(filter, scope, settled);
        if !filter.processes.is_empty() && !compiled.finds_nothing {
            let members = view.family(scope, &filter.tenants, &filter.processes, problems);
            compiled.require_members(&members);
        }
        compiled
    }

    /// Leaves entries of these processes alone.
    pub fn require_members(&mut self, members: &Members) {
        let tenants: BTreeSet<&String> = members.iter().map(|(tenant, _)| tenant).collect();
        self.members = (tenants.len() > 1).then(|| Arc::new(members.clone()));
        let own =
            tenants.into_iter().filter(|tenant| self.tenants.as_ref().is_none_or(|own| own.contains(tenant)));
        let own: Vec<String> = own.cloned().collect();
        self.finds_nothing |= own.is_empty();
        self.tenants = Some(own);
        let ids: BTreeSet<&String> = members.iter().map(|(_, id)| id).collect();
        self.require_process(Field::ProcessId, ids.into_iter().cloned().collect());
    }

    /// Leaves entries alone whose process has one of these IDs, or one of these parents.
    pub fn require_process(&mut self, field: Field, values: Vec<String>) {
        let of_record: for<'r> fn(&'r Record<'_>) -> &'r str = match field {
            Field::ProcessParent => |record| record.entry.process.as_ref().map_or("", |own| &own.parent),
            _ => |record| record.entry.process.as_ref().map_or("", |own| &own.id),
        };
        self.exact.push(Exact::new(field, of_record, values));
    }

    /// Whether columns of a segment don't tell of every row whether it is a hit: then its record is asked.
    pub fn asks_records(&self, view: &SegmentView<'_>) -> bool {
        view.has_verbatim() || self.members.is_some()
    }

    pub fn wants_service(&self, service: &str) -> bool {
        if self.finds_nothing {
            return false;
        }
        if self.services.is_empty() {
            !service.starts_with(RESERVED_PREFIX)
        } else {
            self.services.iter().any(|wanted| wanted == service)
        }
    }

    /// Whether entries from one commit time to another may be of the time that is asked for.
    pub fn wants_time_between(&self, first: i64, last: i64) -> bool {
        self.logged_from.is_none_or(|from| from.nanos() <= last)
            && self.logged_to.is_none_or(|to| to.nanos() > first)
    }

    /// Whether an index answers all that is asked: there is nothing but service, tenant, severity and commit time.
    pub fn is_indexed(&self) -> bool {
        self.log == Log::All
            && self.generated.is_none()
            && self.exact.is_empty()
            && self.successes.is_empty()
            && self.items.is_empty()
            && self.searches.is_empty()
    }

    fn is_of_members(&self, record: &Record<'_>) -> bool {
        self.members.as_ref().is_none_or(|members| {
            let entry = &record.entry;
            let id = entry.process.as_ref().map(|process| process.id.to_string());
            id.is_some_and(|id| members.contains(&(entry.tenant.to_string(), id)))
        })
    }

    /// Whether a row that the index left is a hit: everything but service, tenant, severity and commit time.
    pub fn matches(&self, record: &Record<'_>) -> bool {
        let entry = &record.entry;
        let in_log = match self.log {
            Log::All => true,
            Log::Audit => entry.process.is_none(),
            Log::Process => entry.process.is_some(),
            Log::Customer => {
                let closes = |own: &Process<'_>| own.parent.is_empty() && own.event.is_closing();
                entry.process.as_ref().is_none_or(closes)
            }
        };
        let in_window =
            self.generated.is_none_or(|window| entry.generated_at.is_some_and(|time| window.contains(time)));
        in_log
            && in_window
            && (self.successes.is_empty()
                || entry.success.is_some_and(|success| self.successes.contains(&success)))
            && self.exact.iter().all(|exact| exact.has((exact.of_record)(record)))
            && self.is_of_members(record)
            && (self.items.is_empty() || includes(&self.items, &entry.object.id, &entry.object.name))
            && (self.searches.is_empty() || includes(&self.searches, &entry.message, &entry.activity))
    }
}

fn includes(parts: &[Includes], one: &str, other: &str) -> bool {
    parts.iter().any(|part| part.is_in(one.as_bytes()) || part.is_in(other.as_bytes()))
}
