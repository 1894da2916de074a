//! Who read what, noted in the chain `sealog.access` before the answer: the route, whose entries, names of filters, how
//! many rows. Never a text that was looked for, and no ID.
//!
//! A customer's read is filed under the tenants that were read, so that they see it too; everybody else's under the log's
//! own tenant. While the store takes no entries reads go on: they are counted, and told on standard error.

use crate::access::{Principal, Role};
use crate::http::Call;
use crate::server::{Server, wall};
use parking_lot::Mutex;
use sealog_engine::batch::Batch;
use sealog_engine::model::{Actor, Entry, Object, SYSTEM_TENANT, Severity, Window};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::net::IpAddr;
use std::sync::atomic::Ordering;

/// A read.
#[derive(Clone)]
pub(crate) struct Read {
    /// Which route.
    pub route: &'static str,
    /// Tenants that were asked for.
    pub tenants: Vec<String>,
    /// Services that were asked for.
    pub services: Vec<String>,
    /// Names of the filters.
    pub filters: Vec<&'static str>,
    /// Of when.
    pub window: Window,
    /// How many rows are given; unknown of what is given as it is found.
    pub rows: Option<u64>,
    /// Its number.
    pub request_id: String,
}

/// Tenants that one read is filed under.
const TENANTS_MAX: usize = 16;
/// Refusals are one entry for each source and minute.
const REFUSAL_NS: i64 = 60 * 1_000_000_000;
const SOURCES_MAX: usize = 1_000;

/// Refusals that were not noted yet.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<IpAddr, Refused>>);

struct Refused {
    since_ns: i64,
    count: u64,
}

impl Server {
    /// Notes a read. Called on a blocking thread, before the answer.
    pub(crate) fn note_read(&self, principal: &Principal, read: &Read) {
        if !self.config.access_log {
            return;
        }
        let key = principal.key();
        let is_customer = principal.is(Role::Customer) && !principal.is(Role::Auditor);
        let own: Vec<&String> = key.tenants.iter().chain(&key.peers).collect();
        let tenants: Vec<&str> = if is_customer {
            let is_asked = |tenant: &&&String| read.tenants.is_empty() || read.tenants.contains(tenant);
            own.iter().filter(is_asked).map(|tenant| tenant.as_str()).take(TENANTS_MAX).collect()
        } else {
            vec![SYSTEM_TENANT]
        };
        let mut attributes: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        let mut add = |name: &'static str, value: String| attributes.push((name.into(), value.into()));
        if !read.filters.is_empty() {
            add("filters", read.filters.join(","));
        }
        if !is_customer && !read.tenants.is_empty() {
            add("tenants", cut(&read.tenants));
        }
        if !read.services.is_empty() {
            add("services", cut(&read.services));
        }
        for (name, time) in [("from", read.window.from), ("to", read.window.to)] {
            if let Some(time) = time {
                add(name, time.to_string());
            }
        }
        if let Some(rows) = read.rows {
            add("rows", rows.to_string());
        }
        let mut batch = Batch::new();
        for tenant in tenants {
            let mut attributes = attributes.clone();
            if is_customer && key.peers.iter().any(|peer| peer == tenant) {
                attributes.push(("as".into(), "peer".into()));
            }
            let entry = Entry {
                tenant: tenant.into(),
                activity: "read".into(),
                actor: Actor { kind: "key".into(), id: principal.id().into(), name: "".into() },
                object: Object { id: read.route.into(), name: "".into() },
                request_id: read.request_id.as_str().into(),
                success: Some(true),
                attributes,
                ..Entry::default()
            };
            // Its texts are bounded, so it is an entry.
            let _ = batch.push_access(&entry);
        }
        self.append_note(batch, read.route);
    }

    fn append_note(&self, batch: Batch, what: &str) {
        let unnoted = self.metrics.unnoted_reads.load(Ordering::Relaxed);
        match self.store.append(batch) {
            Ok(_) if unnoted > 0 => self.note_unnoted(unnoted),
            Ok(_) => {}
            Err(error) => {
                self.note_failure(&error);
                self.metrics.unnoted_reads.fetch_add(1, Ordering::Relaxed);
                let _ = writeln!(std::io::stderr(), "sealog: a read was not noted ({what}): {error}");
            }
        }
    }

    /// Says how many were not noted, once it can be said.
    fn note_unnoted(&self, count: u64) {
        let told = Entry {
            tenant: SYSTEM_TENANT.into(),
            activity: "reads.unnoted".into(),
            severity: Severity::Warning,
            message: format!("{count} reads were not noted while the store took no entries").into(),
            ..Entry::default()
        };
        let mut batch = Batch::new();
        let _ = batch.push_access(&told);
        // Who took the number says it; others see zero.
        let is_taken =
            self.metrics.unnoted_reads.compare_exchange(count, 0, Ordering::Relaxed, Ordering::Relaxed);
        if is_taken.is_ok() && self.store.append(batch).is_err() {
            self.metrics.unnoted_reads.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Counts a request without a valid key.
    pub(crate) fn note_refusal(&self, call: &Call) {
        if !self.config.access_log {
            return;
        }
        let mut sources = self.refusals.0.lock();
        if sources.len() < SOURCES_MAX || sources.contains_key(&call.peer.address.ip()) {
            let new = || Refused { since_ns: wall().nanos(), count: 0 };
            sources.entry(call.peer.address.ip()).or_insert_with(new).count += 1;
        }
    }

    /// Notes refusals of the minute that has passed. Called on a blocking thread, now and then.
    pub(crate) fn note_refusals(&self, is_end: bool) {
        let now = wall().nanos();
        let mut due = Vec::new();
        self.refusals.0.lock().retain(|source, refused| {
            let is_due = is_end || now - refused.since_ns >= REFUSAL_NS;
            if is_due {
                due.push((*source, refused.count));
            }
            !is_due
        });
        let mut batch = Batch::new();
        for (source, count) in due {
            let entry = Entry {
                tenant: SYSTEM_TENANT.into(),
                activity: "refused".into(),
                severity: Severity::Warning,
                success: Some(false),
                message: format!("{count} requests without a valid key from {source}").into(),
                attributes: vec![
                    ("source".into(), source.to_string().into()),
                    ("count".into(), count.to_string().into()),
                ],
                ..Entry::default()
            };
            let _ = batch.push_access(&entry);
        }
        if !batch.is_empty() {
            self.append_note(batch, "refusals");
        }
    }
}

fn cut(names: &[String]) -> String {
    let more = if names.len() > TENANTS_MAX { ",…" } else { "" };
    format!("{}{more}", names.iter().take(TENANTS_MAX).map(String::as_str).collect::<Vec<_>>().join(","))
}
