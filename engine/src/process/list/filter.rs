//! Which processes: one typed filter, as for entries.

use crate::model::{Severity, Timestamp, Window};
use crate::process::own::Status;
use crate::process::value::Process;
use crate::scan::Scope;

/// Which processes to find. A field given twice means either, different fields mean both; empty lists leave a field
/// out. Texts compare exactly and by case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessFilter {
    /// Customers.
    pub tenants: Vec<String>,
    /// Hosting spaces.
    pub organizations: Vec<String>,
    /// Types.
    pub activities: Vec<String>,
    /// Requests.
    pub request_ids: Vec<String>,
    /// Configurations.
    pub configuration_ids: Vec<String>,
    /// The highest severity of its entries; none of them finds nothing, absent leaves the field out.
    pub severities: Option<Vec<Severity>>,
    /// How far it is.
    pub statuses: Vec<Status>,
    /// When it began.
    pub started: Window,
    /// When it ended; one that did not is in no such window.
    pub finished: Window,
    /// Which of the trees that processes make.
    pub levels: Levels,
}

/// Which processes of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Levels {
    /// Those that are a part of none. Their severity is also that of their sub-processes.
    #[default]
    Top,
    /// All.
    All,
}

/// A filter within a scope.
pub struct Compiled<'f> {
    pub filter: &'f ProcessFilter,
    pub tenants: Option<Vec<String>>,
    /// Organizations that the caller may see, if not all.
    pub seen: Option<&'f [String]>,
}

fn is_among(values: &[String], value: &str) -> bool {
    values.is_empty() || values.iter().any(|wanted| wanted == value)
}

impl<'f> Compiled<'f> {
    pub fn new(filter: &'f ProcessFilter, scope: &'f Scope) -> Compiled<'f> {
        let asked = (!filter.tenants.is_empty()).then(|| filter.tenants.clone());
        // The scope comes first: a filter may only narrow it.
        let tenants = match (scope.tenant_list(), asked) {
            (None, asked) => asked,
            (Some(allowed), None) => Some(allowed.to_vec()),
            (Some(allowed), Some(asked)) => {
                Some(asked.into_iter().filter(|tenant| allowed.contains(tenant)).collect())
            }
        };
        Compiled { filter, tenants, seen: scope.organization_list() }
    }

    pub fn finds_nothing(&self) -> bool {
        self.tenants.as_ref().is_some_and(Vec::is_empty)
            || self.filter.severities.as_ref().is_some_and(Vec::is_empty)
    }

    pub fn has_tenant(&self, tenant: &str) -> bool {
        self.tenants.as_ref().is_none_or(|own| own.iter().any(|own| own == tenant))
    }

    /// Whether a status and a severity are among those that are asked for.
    pub fn has_state(&self, status: Status, severity: Severity) -> bool {
        (self.filter.statuses.is_empty() || self.filter.statuses.contains(&status))
            && self.filter.severities.as_ref().is_none_or(|own| own.contains(&severity))
    }

    pub fn has_times(&self, started: Timestamp, finished: Option<Timestamp>) -> bool {
        let window = self.filter.finished;
        self.filter.started.contains(started)
            && (window.is_everything() || finished.is_some_and(|time| window.contains(time)))
    }

    /// Whether a process is one of those that are asked for, levels aside.
    pub fn matches(&self, process: &Process) -> bool {
        let filter = self.filter;
        self.has_tenant(&process.tenant)
            && self.has_state(process.status, process.severity)
            && self.has_times(process.started, process.finished)
            && is_among(&filter.organizations, &process.organization)
            && is_among(&filter.activities, &process.activity)
            && is_among(&filter.request_ids, &process.request_id)
            && is_among(&filter.configuration_ids, &process.configuration_id)
    }
}
