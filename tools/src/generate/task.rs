//! Scheduled tasks: one entry tells the whole task, with start, end, and the file it made.

use super::actor::{Actor, Who};
use super::entry::{self, Download, Head, Severity, Turn};
use super::random::Random;
use super::service::Component;
use super::template::{NO_CHANGE, Scene, Template};
use super::tenant::Kind;
use super::vocabulary::{BREAKDOWNS, NOTES};
use super::zipf::Alias;

/// One kind of task.
struct Task {
    name: &'static str,
    component: Component,
    item: Kind,
    who: Who,
    done: &'static [&'static str],
    download: Option<Download>,
    /// How long it takes, in milliseconds.
    duration_ms: (u32, u32),
}

const fn download(name: &'static str, extension: &'static str, media_type: &'static str) -> Option<Download> {
    Some(Download { name, extension, media_type })
}

/// All tasks, the most frequent first. Kept by hand: one head line each, then what it says and makes.
#[rustfmt::skip]
const TASKS: &[Task] = &[
    Task { name: "Send E-Mail Notification", component: Component::Scheduler, item: Kind::User, who: Who::Scheduler,
        done: &["Sent notification \"Quota almost used up\" to {object} ({object.id})",
            "Sent {small} notifications, addresses skipped: {digit}",
            "Sent notification \"New device registered\" to {object} ({object.id})"],
        download: None, duration_ms: (120, 4_000) },
    Task { name: "Devices Report", component: Component::Scheduler, item: Kind::HostingSpace, who: Who::Scheduler,
        done: &["Report on {people} devices, {digit} of them without encryption",
            "Report on {people} devices in \"{object}\""],
        download: download("devices-report", "pdf", "application/pdf"), duration_ms: (2_000, 60_000) },
    Task { name: "Check In", component: Component::Portal, item: Kind::Device, who: Who::Person,
        done: &["Device \"{object}\" ({object.id}) checked in, {small} settings applied",
            "Device {object.id} checked in, nothing to do"],
        download: None, duration_ms: (40, 900) },
    Task { name: "WordPress State Report", component: Component::WebHosting, item: Kind::Website,
        who: Who::Scheduler,
        done: &["WordPress 6.6 at {object}: {small} plugins, updates available: {digit}",
            "WordPress at {object} is up to date"],
        download: download("wordpress-state", "html", "text/html"), duration_ms: (1_500, 45_000) },
    Task { name: "Send Mailboxes Space Report", component: Component::Scheduler, item: Kind::HostingSpace,
        who: Who::Scheduler,
        done: &["{people} mailboxes use {gb} GB, {digit} are above {percent} % of their quota"],
        download: download("mailboxes-space", "pdf", "application/pdf"), duration_ms: (3_000, 90_000) },
    Task { name: "Zip Space Files", component: Component::Backup, item: Kind::HostingSpace, who: Who::Scheduler,
        done: &["Packed {count} files of \"{object}\" ({object.id}) into {gb} GB"],
        download: download("space-files", "zip", "application/zip"), duration_ms: (20_000, 1_800_000) },
    Task { name: "Send Organization Users Report", component: Component::Scheduler, item: Kind::Group,
        who: Who::Scheduler,
        done: &["Report on {people} users, {digit} never signed in",
            "Report on {people} users of \"{object}\" sent to {user} ({user.id})"],
        download: download("organization-users", "csv", "text/csv"), duration_ms: (1_000, 30_000) },
    Task { name: "Calculate Disk Space", component: Component::WebHosting, item: Kind::HostingSpace,
        who: Who::Scheduler,
        done: &["\"{object}\" ({object.id}) uses {gb} GB, {percent} % of its quota"],
        download: None, duration_ms: (800, 240_000) },
    Task { name: "Certificate Expiry Check", component: Component::WebHosting, item: Kind::Certificate,
        who: Who::Scheduler,
        done: &["{object} is valid for {small} more days",
            "Checked {small} certificates, expiring within 30 days: {digit}"],
        download: None, duration_ms: (200, 8_000) },
    Task { name: "Send Invoice Reminder", component: Component::Billing, item: Kind::Invoice, who: Who::Scheduler,
        done: &["Reminder {digit} for {object.id} sent to billing@{domain}"],
        download: download("reminder", "pdf", "application/pdf"), duration_ms: (300, 5_000) },
    Task { name: "Audit Log Digest", component: Component::Export, item: Kind::HostingSpace, who: Who::Scheduler,
        done: &["{count} entries of the week summed up for {user} ({user.id}), {small} need attention"],
        download: download("audit-digest", "pdf", "application/pdf"), duration_ms: (2_000, 20_000) },
];

/// Everything that draws tasks.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
    kinds: Alias,
    done: Vec<Vec<Template>>,
    could_not: Template,
    notes: Vec<Template>,
    breakdowns: Vec<Template>,
}

impl Tasks {
    /// Prepares tables and texts.
    pub(super) fn new() -> Self {
        let weights: Vec<u64> = (0..TASKS.len() as u64).map(|rank| (1 << 40) / (rank + 2)).collect();
        Self {
            kinds: Alias::new(&weights),
            done: TASKS.iter().map(|task| Template::all(task.done)).collect(),
            could_not: Template::new("Did not finish for {object} ({object.id}): "),
            notes: Template::all(&NOTES),
            breakdowns: Template::all(&BREAKDOWNS),
        }
    }

    /// Appends one task that finished at `turn.now_ns`.
    pub(super) fn write(&self, turn: &Turn<'_>, random: &mut Random, out: &mut Vec<u8>) {
        let index = self.kinds.draw(random) as usize;
        let task = &TASKS[index];
        let severity = match random.below(1000) {
            0..900 => Severity::Information,
            900..975 => Severity::Warning,
            _ => Severity::Error,
        };
        let tenant = turn.platform.tenant(random);
        let organization = random.chance(600).then(|| tenant.organization(random));
        let actor = task.who.draw(tenant, task.component, random);
        let person = if actor.is_remote() { actor } else { Who::Person.draw(tenant, task.component, random) };
        let scene = Scene { tenant, actor, object: task.item.draw(tenant, random), change: NO_CHANGE };

        let head = Head {
            tenant,
            organization,
            component: task.component,
            line: turn.line,
            generated_at_ns: turn.now_ns,
            severity,
            activity: task.name,
        };
        turn.platform.begin(out, &head);
        entry::actor(out, &head, actor);
        // Whoever acts in person does so for nobody else.
        if matches!(actor, Actor::Scheduler) {
            entry::on_behalf_of(out, tenant, person);
        }
        entry::object(out, &head, scene.object);
        entry::request(out, random.uuid());
        entry::success(out, severity != Severity::Error);
        let done = random.pick(&self.done[index]);
        match severity {
            Severity::Error => {
                let reason = random.pick(&self.breakdowns);
                entry::message(out, &[&self.could_not, reason], &scene, random);
            }
            Severity::Warning => {
                let note = random.pick(&self.notes);
                entry::message(out, &[done, note], &scene, random);
            }
            _ => entry::message(out, &[done], &scene, random),
        }
        let duration_ns = i64::from(random.between(task.duration_ms)) * 1_000_000;
        // The entry is made a moment after the end.
        let finished_ns = turn.now_ns.saturating_sub(i64::from(random.below(40_000_000)));
        let started_ns = finished_ns.saturating_sub(duration_ns);
        entry::started_and_finished(out, started_ns, finished_ns, task.component.precision());
        if let Some(download) = task.download
            && severity != Severity::Error
            && random.chance(700)
        {
            entry::artifact(out, download, random);
        }
        entry::end(out);
    }
}
