//! The fields of an entry, in the order of the record model, written as JSON.
//!
//! The caller writes [`Platform::begin`], then the optional fields in the order of the functions below, then
//! [`end`]. Empty fields are left out by not calling for them.

use super::actor::Actor;
use super::json::{Precision, decimal, hex16, text, time, uuid};
use super::random::{Random, mix};
use super::service::{Component, Names};
use super::template::{Scene, Template};
use super::tenant::{Object, Tenant};
use super::zipf::Alias;

/// What all entries of a plan share.
#[derive(Clone, Debug)]
pub(super) struct Platform {
    /// 16 hex digits that no other seed has: they stand in every ID that must not come twice.
    run: [u8; 16],
    service_count: u32,
    tenants: Alias,
}

/// When and where the next line is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    pub(super) platform: &'a Platform,
    /// The line's number in the stream.
    pub(super) line: u64,
    pub(super) now_ns: i64,
}

/// The six classes of the record model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Trace,
    Debug,
    Information,
    Warning,
    Error,
    Fatal,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// The fields that every entry has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) tenant: Tenant,
    pub(super) organization: Option<&'static str>,
    pub(super) component: Component,
    /// The line's number in the stream.
    pub(super) line: u64,
    pub(super) generated_at_ns: i64,
    pub(super) severity: Severity,
    pub(super) activity: &'static str,
}

impl Platform {
    /// The platform of a seed with so many tenants and services (each at least 1).
    pub(super) fn new(seed: u64, tenant_count: u32, service_count: u32) -> Self {
        Self { run: hex16(mix(seed)), service_count, tenants: Alias::zipf(tenant_count) }
    }

    /// Draws a tenant by Zipf's law.
    #[inline]
    pub(super) fn tenant(&self, random: &mut Random) -> Tenant {
        Tenant(self.tenants.draw(random))
    }

    /// Appends an ID that comes once: the run, then a number that comes once in the run.
    ///
    /// Two seeds share no ID. `mix` is a bijection of 64-bit numbers, so different seeds give different runs; a
    /// run is always 16 digits long and stands at the same place; so IDs of two seeds differ within them.
    #[inline]
    pub(super) fn write_id(&self, out: &mut Vec<u8>, number: u64) {
        out.extend_from_slice(&self.run);
        out.push(b'-');
        decimal(out, number);
    }

    /// Begins a line with the fields that every entry has.
    pub(super) fn begin(&self, out: &mut Vec<u8>, head: &Head) {
        text(out, "{\"tenant\":\"");
        head.tenant.write_name(out);
        if let Some(organization) = head.organization {
            text(out, "\",\"organization\":\"");
            text(out, organization);
        }
        text(out, "\",\"service\":\"");
        head.component.write_service(head.tenant, self.service_count, out);
        text(out, "\",\"id\":\"");
        self.write_id(out, head.line);
        text(out, "\",\"generated_at\":\"");
        time(out, head.generated_at_ns, head.component.precision());
        text(out, "\",\"severity\":\"");
        text(out, head.severity.name());
        text(out, "\",\"activity\":\"");
        text(out, head.activity);
        out.push(b'"');
    }
}

/// Appends `actor`.
pub(super) fn actor(out: &mut Vec<u8>, head: &Head, actor: Actor) {
    text(out, ",\"actor\":");
    actor.write(head.tenant, head.component.names(), out);
}

/// Appends `on_behalf_of`: a portal login.
pub(super) fn on_behalf_of(out: &mut Vec<u8>, tenant: Tenant, person: Actor) {
    text(out, ",\"on_behalf_of\":\"");
    person.write_login(tenant, out);
    out.push(b'"');
}

/// Appends `object`.
pub(super) fn object(out: &mut Vec<u8>, head: &Head, object: Object) {
    text(out, ",\"object\":{\"id\":\"");
    object.write_id(out);
    if head.component.names() != Names::LeftOut {
        text(out, "\",\"name\":\"");
        object.write_name(out);
    }
    text(out, "\"}");
}

/// Appends `request_id`.
pub(super) fn request(out: &mut Vec<u8>, request: u128) {
    text(out, ",\"request_id\":\"");
    uuid(out, request);
    out.push(b'"');
}

/// Appends `configuration_id`.
pub(super) fn configuration(out: &mut Vec<u8>, configuration: Object) {
    text(out, ",\"configuration_id\":\"");
    configuration.write_id(out);
    out.push(b'"');
}

/// Appends `success`.
pub(super) fn success(out: &mut Vec<u8>, success: bool) {
    text(out, if success { ",\"success\":true" } else { ",\"success\":false" });
}

/// Appends `message`, put together from several texts.
pub(super) fn message(out: &mut Vec<u8>, parts: &[&Template], scene: &Scene, random: &mut Random) {
    text(out, ",\"message\":\"");
    for part in parts {
        part.write(out, scene, random);
    }
    out.push(b'"');
}

/// Appends `started` and `finished`.
pub(super) fn started_and_finished(
    out: &mut Vec<u8>,
    started_ns: i64,
    finished_ns: i64,
    precision: Precision,
) {
    text(out, ",\"started\":\"");
    time(out, started_ns, precision);
    text(out, "\",\"finished\":\"");
    time(out, finished_ns, precision);
    out.push(b'"');
}

/// A file that a task or process makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Download {
    pub(super) name: &'static str,
    pub(super) extension: &'static str,
    pub(super) media_type: &'static str,
}

/// Appends `artifact`: a file that nobody holds, as its hash is drawn and not computed.
pub(super) fn artifact(out: &mut Vec<u8>, download: Download, random: &mut Random) {
    text(out, ",\"artifact\":{\"sha256\":\"");
    for _ in 0..4 {
        out.extend_from_slice(&hex16(random.bits()));
    }
    text(out, "\",\"name\":\"");
    text(out, download.name);
    out.push(b'-');
    decimal(out, u64::from(random.between((1_000, 99_999))));
    out.push(b'.');
    text(out, download.extension);
    text(out, "\",\"media_type\":\"");
    text(out, download.media_type);
    text(out, "\",\"size\":");
    decimal(out, u64::from(random.between((8_000, 4_000_000))));
    out.push(b'}');
}

/// Writes `attributes`, pair by pair; writes nothing when there is no pair.
pub(super) struct Attributes {
    begun: bool,
}

impl Attributes {
    /// No pair yet.
    pub(super) fn new() -> Self {
        Self { begun: false }
    }

    /// Appends a key; the caller appends the value, as it stands inside a JSON string.
    pub(super) fn key(&mut self, out: &mut Vec<u8>, key: &str) {
        text(out, if self.begun { "\",\"" } else { ",\"attributes\":{\"" });
        text(out, key);
        text(out, "\":\"");
        self.begun = true;
    }

    /// Closes the map after the last value.
    pub(super) fn end(self, out: &mut Vec<u8>) {
        if self.begun {
            text(out, "\"}");
        }
    }
}

/// Ends the line.
pub(super) fn end(out: &mut Vec<u8>) {
    text(out, "}\n");
}
