//! What people and programs do on the platform: the audit log's activities, the most frequent first.
//!
//! A table and nothing else. Texts are templates; `deed` completes the sentence "Could not …".

use super::actor::Who;
use super::service::Component::{self, *};
use super::template::Change;
use super::tenant::Kind;

/// One activity of the audit log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activity {
    pub(super) name: &'static str,
    pub(super) component: Component,
    pub(super) object: Kind,
    pub(super) who: Who,
    pub(super) deed: &'static str,
    /// What the entry says when it worked.
    pub(super) done: &'static [&'static str],
    /// Old and new values for the texts that speak of them.
    pub(super) changes: &'static [Change],
    /// Begins or prolongs a session: never the second step of somebody's request.
    pub(super) session: bool,
}

impl Activity {
    const fn new(
        name: &'static str,
        component: Component,
        object: Kind,
        who: Who,
        deed: &'static str,
        done: &'static [&'static str],
    ) -> Self {
        Self { name, component, object, who, deed, done, changes: &[], session: false }
    }

    const fn changing(self, changes: &'static [Change]) -> Self {
        Self { changes, ..self }
    }

    const fn session(self) -> Self {
        Self { session: true, ..self }
    }
}

use Kind::*;
use Who::{Anybody, Person};

/// All activities. The order is the order of their frequency. Kept by hand: one head line each, then what it says.
#[rustfmt::skip]
pub(super) const ACTIVITIES: &[Activity] = &[
    Activity::new("Sign In", Identity, User, Person, "sign in from {ip} with a password", &[
        "Signed in from {ip} with password and one-time code",
        "Signed in from {ip} through single sign-on at {dc}",
        "Signed in from {ip}, session {hex}",
    ]).session(),
    Activity::new("Update User", Portal, User, Anybody, "update user {object} ({object.id})", &[
        "Updated user {object} ({object.id}): {new} instead of {old}",
        "Updated user {object} ({object.id}): attributes taken over from {dc}: {digit}",
        "Moved user {object} ({object.id}) to group \"{group}\"",
    ]).changing(&[("language en-GB", "language de-DE"), ("department Sales", "department Support"), ("room 2.14", "room 3.07")]),
    Activity::new("Search Archive", Archive, Mailbox, Person, "search the archive of {object.id}", &[
        "Searched the archive of {object.id}, {count} hits in {millis} ms",
        "Searched subject and sender in {small} archives, {count} hits",
    ]),
    Activity::new("Change Mailbox Quota", MailApi, Mailbox, Anybody, "change the quota of {object.id}", &[
        "Changed the quota of mailbox {object} from {old} to {new}",
    ]).changing(&[("10 GB", "25 GB"), ("25 GB", "50 GB"), ("50 GB", "100 GB")]),
    Activity::new("Refresh Session", Identity, User, Person, "refresh session {hex}", &[
        "Session {hex} prolonged by {small} minutes",
        "Session {hex} goes on from {ip}",
    ]).session(),
    Activity::new("Update DNS Record", Dns, DnsRecord, Anybody, "update record {object.id} in zone {domain}", &[
        "Updated record {object} in zone {domain}, serial raised to {count}",
        "Updated record {object} from \"{old}\" to \"{new}\"",
        "Lowered the time to live of {object} to 300 s, zone {domain}",
    ]).changing(&[("ttl 86400", "ttl 300"), ("ttl 3600", "ttl 300"), ("ttl 300", "ttl 3600")]),
    Activity::new("Create User", Portal, User, Anybody, "create user {object}", &[
        "Created user {object} ({object.id}) with license \"Business\" in group \"{group}\"",
        "Created user {object} ({object.id}) from the directory at {dc}",
    ]),
    Activity::new("Add Group Member", Identity, Group, Anybody, "add {user.id} to group {object.id}", &[
        "Added {user} ({user.id}) to group \"{object}\" ({object.id})",
        "Added {small} members to group \"{object}\" ({object.id})",
    ]),
    Activity::new("Open Archived Message", Archive, Mailbox, Person, "open message {hex} in {object.id}", &[
        "Opened message {hex} in the archive of {object.id}",
        "Downloaded message {hex} with {small} attachments from {object.id}",
    ]),
    Activity::new("Reset Password", Identity, User, Person, "reset the password of {object.id}", &[
        "Reset the password of {object} ({object.id}) and sent a link that is valid for {small} hours",
        "Reset the password of {object} ({object.id}), {small} open sessions ended",
    ]),
    Activity::new("Change Mailbox Permissions", MailApi, Mailbox, Anybody, "change permissions of {object.id}", &[
        "Raised access of {user} to mailbox {object} from \"{old}\" to \"{new}\"",
        "Granted {user.id} \"Send as\" for mailbox {object}",
        "Removed {user.id} from the delegates of {object.id}",
    ]).changing(&[("read", "full"), ("none", "read")]),
    Activity::new("Create Mailbox", MailApi, Mailbox, Anybody, "create mailbox {object}", &[
        "Created mailbox {object} with a quota of {gb} GB on {host}",
        "Created shared mailbox {object} for group \"{group}\"",
    ]),
    Activity::new("Update Website", WebHosting, Website, Anybody, "update website {object.id}", &[
        "Updated website {object} from {old} to {new}, {small} workers",
        "Enabled HTTP/2 and HSTS for {object} ({object.id})",
        "Published {count} files to {object} ({object.id})",
    ]).changing(&[("PHP 8.1", "PHP 8.3"), ("PHP 8.2", "PHP 8.3"), ("Node 20", "Node 22")]),
    Activity::new("Assign Role", Identity, Role, Person, "assign role \"{object}\" to {user.id}", &[
        "Assigned role \"{object}\" ({object.id}) to {user} ({user.id})",
        "Took role \"{object}\" from {user} ({user.id})",
    ]),
    Activity::new("Use API Key", Identity, ApiKey, Anybody, "authenticate with key \"{object}\"", &[
        "Accepted key \"{object}\" ({object.id}) from {ip}, {count} calls since midnight",
    ]),
    Activity::new("Restore Message", Archive, Mailbox, Person, "restore messages into {object.id}", &[
        "Restored {small} messages into {object.id}, folder \"Inbox/Restored\"",
    ]),
    Activity::new("Create Mail Rule", MailApi, Mailbox, Person, "create a rule for {object.id}", &[
        "Created rule \"Move newsletters to Archive\" for {object}",
        "Created forwarding from {object.id} to {user} ({user.id})",
    ]),
    Activity::new("Remove Group Member", Identity, Group, Anybody, "remove {user.id} from group {object.id}", &[
        "Removed {user} ({user.id}) from group \"{object}\" ({object.id})",
    ]),
    Activity::new("Change Retention Policy", Retention, RetentionPolicy, Person, "change retention policy {object.id}", &[
        "Changed retention policy \"{object}\" ({object.id}) from {old} to {new}, {people} mailboxes are affected",
        "Put mailbox {mailbox.id} under retention policy \"{object}\" ({object.id})",
    ]).changing(&[("3 years", "10 years"), ("6 months", "1 year"), ("8 years", "10 years")]),
    Activity::new("Renew Certificate", WebHosting, Certificate, Who::Service, "renew certificate {object.id}", &[
        "Renewed certificate {object} ({object.id}), valid for 90 days, fingerprint {hex}",
    ]),
    Activity::new("Deactivate User", Identity, User, Anybody, "deactivate user {object.id}", &[
        "Deactivated user {object} ({object.id}): no longer in the directory at {dc}",
        "Deactivated user {object} ({object.id}), {small} sessions ended",
    ]),
    Activity::new("Start Backup", Backup, BackupPlan, Who::Scheduler, "start backup plan {object.id}", &[
        "Started backup plan \"{object}\" ({object.id}) for {small} objects, {gb} GB to go",
    ]),
    Activity::new("Add Mail Alias", MailApi, Mailbox, Anybody, "add an alias to {object.id}", &[
        "Added alias info@{domain} to mailbox {object}",
        "Added {small} aliases to {object.id}",
    ]),
    Activity::new("Create DNS Record", Dns, DnsRecord, Anybody, "create record {object} in zone {domain}", &[
        "Created record {object} ({object.id}) with a time to live of 3600 s",
    ]),
    Activity::new("Assign License", Billing, User, Anybody, "assign a license to {object.id}", &[
        "Assigned license \"Business Plus\" to {object} ({object.id}), {small} left",
        "Took license \"Archive\" from {object.id}",
    ]),
    Activity::new("Restore Backup", Backup, HostingSpace, Person, "restore {object.id} from backup", &[
        "Restored hosting space \"{object}\" ({object.id}) from backup {hex}, {count} files",
    ]),
    Activity::new("Register Device", Portal, Device, Person, "register device {object.id}", &[
        "Registered device \"{object}\" ({object.id}) of {user} ({user.id}), encryption is on",
    ]),
    Activity::new("Issue Invoice", Billing, Invoice, Who::Service, "issue invoice {object.id}", &[
        "Issued invoice {object.id} over {count} EUR, {small} positions, sent to billing@{domain}",
    ]),
    Activity::new("Create API Key", Identity, ApiKey, Person, "create key \"{object}\"", &[
        "Created key \"{object}\" ({object.id}) with {small} permissions, it expires in 90 days",
    ]),
    Activity::new("Update Directory Service", DirectorySync, DirectoryService, Person, "update directory service {object.id}", &[
        "Updated directory service \"{object}\" ({object.id}): {new} instead of {old}, server {dc}",
        "Tested connection of \"{object}\" ({object.id}) to {dc}: {people} entries in {millis} ms",
    ]).changing(&[("ldap://", "ldaps://"), ("hourly", "every 15 minutes")]),
    Activity::new("Export Mailbox", Export, Mailbox, Person, "export mailbox {object.id}", &[
        "Requested export of mailbox {object.id} as EML, {count} messages",
    ]),
    Activity::new("Update Archiving Profile", Archive, ArchivingProfile, Person, "update archiving profile {object.id}", &[
        "Updated archiving profile \"{object}\" ({object.id}): it runs {new} instead of {old}",
        "Enabled archiving profile \"{object}\" for {people} mailboxes, folders \"Drafts\" and \"Junk\" are left out",
    ]).changing(&[("every night", "every hour"), ("by hand", "every night")]),
    Activity::new("Delete User", Portal, User, Person, "delete user {object.id}", &[
        "Deleted user {object} ({object.id}), the archive of {mailbox.id} is kept",
    ]),
    Activity::new("Resize Database", WebHosting, Database, Person, "resize database {object.id}", &[
        "Resized database \"{object}\" ({object.id}) from {old} to {new} on {host}",
    ]).changing(&[("5 GB", "10 GB"), ("10 GB", "20 GB")]),
    Activity::new("Block Device", Portal, Device, Person, "block device {object.id}", &[
        "Blocked device \"{object}\" ({object.id}) of {user.id}, wipe requested",
    ]),
    Activity::new("Create Group", Identity, Group, Anybody, "create group \"{object}\"", &[
        "Created group \"{object}\" ({object.id}) with {small} members",
    ]),
    Activity::new("Delete Mailbox", MailApi, Mailbox, Person, "delete mailbox {object.id}", &[
        "Deleted mailbox {object}, {gb} GB freed, kept 30 days in the recycle bin",
    ]),
    Activity::new("Move Hosting Space", WebHosting, HostingSpace, Who::Service, "move hosting space {object.id}", &[
        "Moved hosting space \"{object}\" ({object.id}) to {host}, {gb} GB in {small} minutes",
    ]),
    Activity::new("Place Legal Hold", Retention, Mailbox, Person, "place a legal hold on {object.id}", &[
        "Placed a legal hold on mailbox {object.id}, matter {hex}",
        "Released the legal hold on {object.id}",
    ]),
    Activity::new("Empty Archive Mailbox", Archive, Mailbox, Person, "empty the archive of {object.id}", &[
        "Requested emptying of the archive of {object.id}, {count} messages",
    ]),
    Activity::new("Revoke API Key", Identity, ApiKey, Person, "revoke key \"{object}\"", &[
        "Revoked key \"{object}\" ({object.id}), last used from {ip}",
    ]),
    Activity::new("Change Role Permissions", Identity, Role, Person, "change permissions of role \"{object}\"", &[
        "Added permission \"mailbox.read\" to role \"{object}\" ({object.id}), {small} users are affected",
        "Removed permission \"audit.export\" from role \"{object}\" ({object.id})",
    ]),
];
