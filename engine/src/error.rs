//! What can go wrong, by what the caller would do about it.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

/// An act of the engine that was not done. Nothing of the batch that it concerns was kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An entry breaks a rule of the model: mend the entry.
    #[error("entry {index}: {source}")]
    Entry {
        /// Which entry of the batch, from 0.
        index: usize,
        /// The field, what was expected and found.
        source: FieldError,
    },
    /// A batch does not fit one journal frame: send smaller batches.
    #[error(
        "expected a batch of at most {bytes_max} bytes when encoded, found {bytes}; send it in smaller batches"
    )]
    BatchTooLarge {
        /// What the batch takes.
        bytes: u64,
        /// What it may take.
        bytes_max: u64,
    },
    /// An ID, or a batch's key, that came before with other content: the producer reuses IDs.
    #[error("{} {key} came before with other content{place}; use a new one, or send the same bytes",
        .entry.map_or("idempotency key".to_owned(), |entry| format!("entry {entry}: id")))]
    Conflict {
        /// Which entry of the batch, from 0; none if the batch's key is meant.
        entry: Option<usize>,
        /// The ID or key, quoted.
        key: String,
        /// Where the first one lies, if it is known.
        place: String,
    },
    /// A bound of the store was reached: more tenants or services than one store holds.
    #[error("a store holds at most {max} {what}; put further services or tenants into another store")]
    Limit {
        /// Chains or lines.
        what: &'static str,
        /// How many.
        max: usize,
    },
    /// There is no room: appends resume when there is.
    #[error("could not {action} {path}: {source}; free space or raise the limit, then try again")]
    Full {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: String,
        /// The system's error.
        source: Arc<io::Error>,
    },
    /// The system refused.
    #[error("could not {action} {path}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: String,
        /// The system's error.
        source: Arc<io::Error>,
    },
    /// A sync failed, so what is on disk is unknown: only a restart decides.
    #[error("the log takes no more entries: {cause}; what was acknowledged is safe, restart to go on")]
    Poisoned {
        /// What failed, as the error that it was.
        cause: Arc<str>,
    },
    /// Another process writes the store.
    #[error("{path} is {}; one process writes a store, reading commands work beside it", holder_text(.holder))]
    Locked {
        /// The lock file.
        path: String,
        /// The holder's process ID.
        holder: Option<u32>,
    },
    /// The path holds no store.
    #[error("{path} is not a store: expected a file STORE in it; make one with `sealog init --data DIR`")]
    NotAStore {
        /// The path.
        path: String,
    },
    /// There is a store already.
    #[error("{path} is a store already")]
    Exists {
        /// The path.
        path: String,
    },
    /// The store's bytes are damaged: it can be read, not written.
    #[error("{place}: {detail}; the store opens read-only: run `sealog verify`, and restore from a backup")]
    Damaged {
        /// File and offset.
        place: String,
        /// What was expected and found.
        detail: String,
    },
    /// A chain whose segments are damaged: it can be read, not written. Other chains go on.
    #[error(
        "{service} takes no entries, because {place} does not read back: {detail}; run `sealog verify`, restore \
        the file from a copy and start again; other services go on"
    )]
    ChainDamaged {
        /// The chain's service.
        service: String,
        /// The first file of it that is damaged or missing.
        place: String,
        /// What was expected and found.
        detail: String,
    },
    /// A store of a version that this program does not know.
    #[error("{path}: {detail}; use the program that wrote it")]
    Version {
        /// The file.
        path: String,
        /// Which version was found and which are known.
        detail: String,
    },
    /// A batch before it, in the same call, was refused: send it again behind the mended one.
    #[error("not tried, because a batch before it was refused")]
    NotTried,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

fn holder_text(holder: &Option<u32>) -> String {
    holder.map_or("locked by another process".to_owned(), |pid| format!("locked by process {pid}"))
}

impl Error {
    /// An error of the system's, sorted by what the caller would do.
    pub fn io(action: &'static str, path: impl Into<String>, source: io::Error) -> Error {
        let (path, source) = (path.into(), Arc::new(source));
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::Full { action, path, source }
            }
            _ => Error::Io { action, path, source },
        }
    }

    /// What a caller of `with` gives to `map_err`.
    pub fn during(action: &'static str, path: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::io(action, path, source)
    }
}

/// A field, or a whole entry, that the model does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {expected}, found {found}", place(.field))]
pub struct FieldError {
    /// The field's name in JSON, such as `actor.id`; [`FieldError::ENTRY`] if it is about all of them.
    pub field: Cow<'static, str>,
    /// What its value must look like.
    pub expected: Cow<'static, str>,
    /// What was found, escaped and cut short.
    pub found: String,
}

fn place(field: &str) -> String {
    if field == FieldError::ENTRY { field.to_owned() } else { format!("field `{field}`") }
}

impl FieldError {
    /// What stands for a field where the entry as a whole breaks a rule. No field has this name.
    pub const ENTRY: &str = "entry";

    /// An error at `field`.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
    ) -> FieldError {
        FieldError { field: field.into(), expected: expected.into(), found: found.into() }
    }

    /// Quotes a text for a message: control characters escaped, cut after 64 characters.
    pub fn quote(text: &str) -> String {
        match text.char_indices().nth(64) {
            None => format!("{text:?}"),
            Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sentences() {
        let full =
            |action| Error::io(action, "/store/journal/1", io::ErrorKind::StorageFull.into()).to_string();
        assert!(
            full("make room in").starts_with("could not make room in /store/journal/1: no storage space;")
        );
        assert!(full("write").ends_with("; free space or raise the limit, then try again"));
        let failed = Error::io("sync", "/store/journal", io::ErrorKind::NotConnected.into());
        assert_eq!(
            Error::Poisoned { cause: failed.to_string().into() }.to_string(),
            "the log takes no more entries: could not sync /store/journal: not connected; what was acknowledged \
             is safe, restart to go on"
        );
    }

    #[test]
    fn an_error_about_a_whole_entry_names_no_field() {
        let of = |field| FieldError::new(field, "at most 5 bytes when encoded", "7 bytes").to_string();
        assert_eq!(of(FieldError::ENTRY), "entry: expected at most 5 bytes when encoded, found 7 bytes");
        assert!(of("message").starts_with("field `message`: expected"));
    }
}
