//! The history of a repository: one line per file that a commit changed.

use super::source::Source;
use super::{Defaults, draft};
use sealog_engine::limits::{MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use sealog_engine::model::Entry;
use std::borrow::Cow;

pub(super) fn map<'a>(source: &mut Source<'a>, defaults: &Defaults) -> Result<Entry<'a>, String> {
    let mut entry =
        Entry { activity: Cow::Borrowed(activity(source)?), success: Some(true), ..Entry::default() };
    let repository = source.take("repository");
    let owner = repository
        .as_deref()
        .and_then(|name| Some(name.split_once('/')?.0))
        .filter(|owner| !owner.is_empty());
    let owner = owner.map(|owner| Cow::Owned(owner.to_owned()));
    entry.tenant = defaults.tenant(owner, "the first part of `repository`")?;
    defaults.set_service(&mut entry, repository, "`repository`")?;
    entry.id = id(source).unwrap_or_default();
    entry.request_id = source.take_within(&["commit"], NAME_BYTES_MAX).unwrap_or_default();
    // The offsets say when in their day people worked: the times stay attributes too, as written.
    entry.started = source.take_time(&["author_time"]);
    entry.generated_at = source.take_time(&["commit_time"]);
    entry.finished = entry.generated_at;
    if let Some(author) = source.take("author") {
        entry.actor.kind = Cow::Borrowed("person");
        entry.actor.id = author;
    }
    if let Some(path) = source.take("path") {
        let folder =
            path.split_once('/').map(|(folder, _)| folder).filter(|folder| folder.len() <= NAME_BYTES_MAX);
        entry.organization = Cow::Owned(folder.unwrap_or_default().to_owned());
        entry.object.id = path;
    }
    entry.message = source.take_head(&["subject"], MESSAGE_BYTES_MAX).unwrap_or_default();
    Ok(entry)
}

/// The status letters of git-diff(1), "--diff-filter". The letter stays, for R and C with their similarity.
fn activity(source: &Source<'_>) -> Result<&'static str, String> {
    match source.get("change").and_then(|change| change.bytes().next()) {
        Some(b'A') => Ok("file.add"),
        Some(b'M') => Ok("file.modify"),
        Some(b'D') => Ok("file.delete"),
        Some(b'R') => Ok("file.rename"),
        Some(b'C') => Ok("file.copy"),
        Some(b'T') => Ok("file.type"),
        _ => Err(draft::refused(source, "change", "one of A, M, D, R, C, T")),
    }
}

/// A commit changes a path once. No ID where both are too long for one.
fn id<'a>(source: &Source<'a>) -> Option<Cow<'a, str>> {
    let id = format!("{}/{}", source.get("commit")?, source.get("path")?);
    (id.len() <= NAME_BYTES_MAX).then_some(Cow::Owned(id))
}
