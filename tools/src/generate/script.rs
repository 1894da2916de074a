//! What the platform's processes do: the process log's types, their messages and their sub-processes.
//!
//! A table and nothing else; [`super::process`] plays it. Messages name users and mailboxes by ID, so that the
//! page that resolves IDs has something to resolve.

use super::actor::Who;
use super::entry::Download;
use super::service::Component;
use super::tenant::Kind;

/// One type of process.
pub(super) struct Script {
    pub(super) activity: &'static str,
    pub(super) component: Component,
    /// What the process works on.
    pub(super) object: Kind,
    /// The configuration that it runs from.
    pub(super) configuration: Option<Kind>,
    /// Who starts it; a sub-process is started by its service.
    pub(super) who: Who,
    /// How often it is started by itself, among all scripts. 0: only as a sub-process.
    pub(super) weight: u64,
    /// How many messages it writes between its first and last entry.
    pub(super) message_count: (u32, u32),
    /// How many lines of the whole stream lie between two of its entries.
    pub(super) gap: (u32, u32),
    /// Which script its sub-processes play, and how many there are at most.
    pub(super) children: Option<(usize, u32)>,
    pub(super) started: &'static [&'static str],
    /// In the order of a run: the first of them come first.
    pub(super) messages: &'static [&'static str],
    pub(super) troubles: &'static [&'static str],
    pub(super) finished: &'static [&'static str],
    pub(super) failed: &'static [&'static str],
    /// What it says when it failed to connect; such an entry has the attribute `error.type`.
    pub(super) disconnected: &'static [&'static str],
    pub(super) download: Option<Download>,
}

const ARCHIVE_MAILBOX: usize = 6;
const INDEX_MESSAGES: usize = 7;
const BACK_UP_OBJECT: usize = 8;

/// All scripts. Kept by hand: the head lines, then what it says.
#[rustfmt::skip]
pub(super) const SCRIPTS: &[Script] = &[
    Script { activity: "Directory Service Synchronization", component: Component::DirectorySync,
        object: Kind::DirectoryService,
        who: Who::Scheduler, configuration: Some(Kind::DirectoryService), weight: 34, message_count: (3, 12),
        gap: (2, 9), children: None, download: None,
        started: &["Synchronization with \"{object}\" ({object.id}) started, server {dc}"],
        messages: &["Read page {digit} of the directory at {dc} in {millis} ms", "Compared {people} users",
            "Created user {user.id} with mailbox {mailbox.id}",
            "Updated user {user.id}, changed attributes: {digit}", "User {user.id} moved to group \"{group}\"",
            "Renamed mailbox {mailbox.id} after user {user.id} changed the name"],
        troubles: &["User {user.id} skipped: no mail address in the directory",
            "Two entries claim mailbox {mailbox.id}: {user.id} and {user.id}",
            "Group \"{group}\" has {small} members in subgroups, only direct ones are taken"],
        finished: &["Synchronization finished: {people} users compared, changed: {digit}",
            "Synchronization of \"{object}\" finished, {people} users compared"],
        failed: &["Synchronization stopped: {count} users would be deactivated, more than the limit of {small} allows",
            "Synchronization failed: the base DN was not found at {dc}"],
        disconnected: &["Connection to ldaps://{dc}:636 refused",
            "Connection to {dc} timed out after 30 s\n\tlast step: bind as {user.id}"] },
    Script { activity: "Archiving Profile Run", component: Component::Archive, object: Kind::ArchivingProfile,
        who: Who::Scheduler, configuration: Some(Kind::ArchivingProfile), weight: 26, message_count: (4, 10),
        gap: (3, 14), children: Some((ARCHIVE_MAILBOX, 5)), download: None,
        started: &["Archiving profile \"{object}\" ({object.id}) started for {people} mailboxes"],
        messages: &["Opened {host}, {small} folders to read", "Next mailbox: {mailbox.id} of user {user.id}",
            "Mailbox {mailbox.id} is up to date"],
        troubles: &["Mailbox {mailbox.id} is locked by another run, tried again",
            "Message {hex} in {mailbox.id} has no date, taken from its header",
            "{small} messages above 50 MB were skipped in {mailbox.id}"],
        finished: &["Archiving finished: {count} messages archived, {small} skipped"],
        failed: &["Archiving failed: mailbox {mailbox.id} of {user.id} does not exist",
            "Archiving failed: store {hex} is full"],
        disconnected: &["Connection to imaps://{host}:993 was closed by the server",
            "{host} rejected the login: \"AUTHENTICATIONFAILED\""] },
    Script { activity: "Rebuild Search Index", component: Component::Archive, object: Kind::Mailbox,
        who: Who::Scheduler, configuration: None, weight: 9, message_count: (4, 14), gap: (4, 24),
        children: Some((INDEX_MESSAGES, 3)), download: None,
        started: &["Rebuilding the search index of {object} ({object.id})"],
        messages: &["Indexed {count} messages of {object.id} in {millis} ms", "{percent} % done",
            "Merged {small} index files in {millis} ms"],
        troubles: &["Attachment of message {hex} could not be read: \"encrypted PDF\"",
            "Index file {hex} was damaged and is written again"],
        finished: &["Search index of {object.id} rebuilt: {count} messages, {small} attachments unreadable"],
        failed: &["Rebuild failed: no space left on volume vol-{small}"],
        disconnected: &["Index node {host} did not answer within 60 s"] },
    Script { activity: "Export Archive", component: Component::Export, object: Kind::Mailbox,
        who: Who::Person, configuration: None, weight: 9, message_count: (2, 7), gap: (3, 16), children: None,
        download: Some(Download { name: "export", extension: "zip", media_type: "application/zip" }),
        started: &["Export of {object} ({object.id}) started, requested by {actor}"],
        messages: &["Wrote {count} messages of {object.id}", "Attachments of {mailbox.id} included",
            "Part {digit} closed at {gb} GB"],
        troubles: &["Message {hex} is damaged and was left out",
            "Mailbox {mailbox.id} is on legal hold, exported read-only"],
        finished: &["Export finished: {count} messages, {gb} GB"],
        failed: &["Export failed: the file would be larger than {gb} GB",
            "Export failed: {user.id} has lost the permission meanwhile"],
        disconnected: &["Upload to {host} was interrupted after {millis} ms"] },
    Script { activity: "Backup Hosting Space", component: Component::Backup, object: Kind::HostingSpace,
        who: Who::Scheduler, configuration: Some(Kind::BackupPlan), weight: 14, message_count: (4, 9), gap: (3, 12),
        children: Some((BACK_UP_OBJECT, 4)), download: None,
        started: &["Backup of \"{object}\" ({object.id}) started"],
        messages: &["Snapshot {hex} taken in {millis} ms", "{count} files changed since the last backup",
            "Sent {gb} GB to {host}"],
        troubles: &["{small} files were open and are copied as they were", "Sending is slow: {millis} ms a block"],
        finished: &["Backup finished: {count} files, {gb} GB"],
        failed: &["Backup failed: snapshot {hex} ran out of space",
            "Backup worker was stopped: out of memory at {gb} GB"],
        disconnected: &["Connection to backup store {host} was lost, {percent} % sent"] },
    Script { activity: "Apply Retention Policies", component: Component::Retention, object: Kind::RetentionPolicy,
        who: Who::Scheduler, configuration: None, weight: 8, message_count: (2, 8), gap: (2, 10), children: None,
        download: None,
        started: &["Applying retention policy \"{object}\" ({object.id})"],
        messages: &["Deleted {count} messages of {mailbox.id}, they are past their time",
            "Mailbox {mailbox.id}: nothing to delete",
            "Kept {small} messages of {mailbox.id}, user {user.id} is on legal hold"],
        troubles: &["Mailbox {mailbox.id} has no owner since {user.id} was deleted",
            "Message {hex} is named by two policies, the longer one counts"],
        finished: &["Retention policy {object.id} applied: {count} messages deleted, {small} kept"],
        failed: &["Stopped: policy {object.id} was changed by {user.id} during the run"],
        disconnected: &["Archive store {host} is not reachable"] },
    Script { activity: "Archive Mailbox", component: Component::Archive, object: Kind::Mailbox,
        who: Who::Service, configuration: Some(Kind::ArchivingProfile), weight: 0, message_count: (1, 4), gap: (2,
        8), children: Some((INDEX_MESSAGES, 1)), download: None,
        started: &["Archiving mailbox {object} ({object.id})"],
        messages: &["Folder \"Inbox\": {count} new messages", "Folder \"Gesendete Elemente\": {small} new messages",
            "Folder \"收件箱\": {small} new messages", "{count} duplicates of {object.id} left out"],
        troubles: &["Message {hex} could not be parsed and was kept as it is",
            "Server answers slowly, {millis} ms a message"],
        finished: &["{count} messages of {object.id} archived"],
        failed: &["Mailbox {object.id} could not be opened: user {user.id} is inactive"],
        disconnected: &["Connection to imaps://{host}:993 was reset in folder \"Inbox\""] },
    Script { activity: "Index Messages", component: Component::Archive, object: Kind::Mailbox,
        who: Who::Service, configuration: None, weight: 0, message_count: (0, 2), gap: (2, 12), children: None,
        download: None,
        started: &["Indexing new messages of {object.id}"],
        messages: &["Indexed {count} messages of {object.id} in {millis} ms"],
        troubles: &["Attachment of message {hex} is protected by a password"],
        finished: &["Index of {object.id} is up to date"],
        failed: &["Index of {object.id} is locked by a rebuild"],
        disconnected: &["Index node {host} did not answer within 60 s"] },
    Script { activity: "Back Up Object", component: Component::Backup, object: Kind::Database,
        who: Who::Service, configuration: Some(Kind::BackupPlan), weight: 0, message_count: (0, 3), gap: (2, 10),
        children: None, download: None,
        started: &["Backing up \"{object}\" ({object.id})"],
        messages: &["Dumped {count} rows in {millis} ms", "Compressed to {gb} GB", "Checksum {hex}"],
        troubles: &["Table \"sessions\" of {object.id} changed during the dump"],
        finished: &["\"{object}\" ({object.id}) backed up"],
        failed: &["Dump of {object.id} ended with code {digit}:\n\tERROR 1205: Lock wait timeout exceeded"],
        disconnected: &["Connection to database server {host} was lost"] },
];

const _: () =
    assert!(matches!(SCRIPTS[ARCHIVE_MAILBOX].object, Kind::Mailbox) && SCRIPTS[ARCHIVE_MAILBOX].weight == 0);
const _: () = assert!(SCRIPTS[INDEX_MESSAGES].children.is_none() && SCRIPTS[INDEX_MESSAGES].weight == 0);
const _: () =
    assert!(matches!(SCRIPTS[BACK_UP_OBJECT].object, Kind::Database) && SCRIPTS[BACK_UP_OBJECT].weight == 0);
