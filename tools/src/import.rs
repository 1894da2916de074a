//! Maps raw audit and process events of other products to entries.
//!
//! Knows the shapes that those products write, one small file each, and what the command line adds. Knows nothing of
//! stores, batches or receipts. Two rules hold for every format: every value of the raw event ends up in an entry field
//! or in an attribute, and nothing is in the entry that the raw event does not say. `docs/import.md` lists which raw
//! field goes where, and how to add a format.

mod azure_activity;
mod cloudtrail;
mod draft;
mod git_history;
mod google_cloud;
mod kubernetes;
mod linux;
mod ndjson;
mod office365;
mod source;
mod statement;
mod syslog;
mod windows;

use flate2::bufread::MultiGzDecoder;
use sealog_engine::limits;
use sealog_engine::model::Entry;
use source::Source;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// A source format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An export of this product.
    Ndjson,
    /// AWS CloudTrail, and the audit logs of Google Cloud and Azure, which their own fields tell apart.
    Cloudtrail,
    /// Windows Security events, as five collectors write them.
    Windows,
    /// Office 365 and Azure AD audit events.
    Office365,
    /// Kubernetes audit events.
    Kubernetes,
    /// Who changed which file when, one line per file of a commit.
    GitHistory,
    /// auth.log and proxy lines inside JSON.
    Linux,
    /// RFC 5424 and RFC 3164 lines.
    Syslog,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 8] = [
        Format::Ndjson,
        Format::Cloudtrail,
        Format::Windows,
        Format::Office365,
        Format::Kubernetes,
        Format::GitHistory,
        Format::Linux,
        Format::Syslog,
    ];

    /// The format's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Ndjson => "ndjson",
            Format::Cloudtrail => "cloudtrail",
            Format::Windows => "windows",
            Format::Office365 => "office365",
            Format::Kubernetes => "kubernetes",
            Format::GitHistory => "git-history",
            Format::Linux => "linux",
            Format::Syslog => "syslog",
        }
    }

    /// The format that `name` names.
    pub fn parse(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// What the command line adds where a set has none.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// The tenant of events that name none.
    pub tenant: Option<String>,
    /// The service of events that name none.
    pub service: Option<String>,
}

/// Maps one raw line to an entry: nothing is lost and nothing invented.
///
/// The entry keeps every rule of [`Entry::check`] and [`Entry::service_name`], and fits into a record. A line break at
/// the end of the line is ignored.
///
/// # Errors
/// What is wrong, in which field, what was expected and what was found.
pub fn map_line<'a>(format: Format, line: &'a [u8], defaults: &Defaults) -> Result<Entry<'a>, String> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let entry = match format {
        Format::Ndjson => ndjson::map(line, defaults)?,
        Format::Syslog => syslog::map(line, defaults)?,
        Format::Cloudtrail => map_object(line, defaults, cloudtrail::map)?,
        Format::Windows => map_object(line, defaults, windows::map)?,
        Format::Office365 => map_object(line, defaults, office365::map)?,
        Format::Kubernetes => map_object(line, defaults, kubernetes::map)?,
        Format::GitHistory => map_object(line, defaults, git_history::map)?,
        Format::Linux => map_object(line, defaults, linux::map)?,
    };
    entry.check().map_err(|error| error.to_string())?;
    entry.service_name().map_err(|error| error.to_string())?;
    let bytes = encoded_bytes_most(&entry);
    if bytes > limits::RECORD_BYTES_MAX {
        return Err(format!(
            "entry: expected at most {} bytes when encoded, found about {bytes}",
            limits::RECORD_BYTES_MAX
        ));
    }
    Ok(entry)
}

/// What every mapping of JSON events is: it takes the fields that it has a place for, and leaves the rest.
type Mapping<'a> = fn(&mut Source<'a>, &Defaults) -> Result<Entry<'a>, String>;

fn map_object<'a>(line: &'a [u8], defaults: &Defaults, mapping: Mapping<'a>) -> Result<Entry<'a>, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("column {}: expected UTF-8, found other bytes", error.valid_up_to() + 1))?;
    let mut source = Source::parse(text)?;
    let mut entry = mapping(&mut source, defaults)?;
    source.leave_in(&mut entry.attributes);
    Ok(entry)
}

/// The most bytes that the entry can take in a record: its texts with a CBOR head each (RFC 8949 §3), times and
/// numbers, and what the engine adds.
fn encoded_bytes_most(entry: &Entry<'_>) -> usize {
    const HEAD_BYTES: usize = 5;
    const REST_BYTES: usize = 256 + limits::INSTANCE_BYTES_MAX;
    let texts = [
        &entry.tenant,
        &entry.organization,
        &entry.service,
        &entry.id,
        &entry.activity,
        &entry.actor.kind,
        &entry.actor.id,
        &entry.actor.name,
        &entry.on_behalf_of,
        &entry.object.id,
        &entry.object.name,
        &entry.request_id,
        &entry.configuration_id,
        &entry.message,
    ];
    let fields: usize = texts.into_iter().map(|text| HEAD_BYTES + text.len()).sum();
    let attributes: usize =
        entry.attributes.iter().map(|(key, value)| 2 * HEAD_BYTES + key.len() + value.len()).sum();
    fields + attributes + REST_BYTES
}

/// Opens a file, unpacking `.zst` and `.gz` by name, and by the first bytes where the name does not say.
///
/// # Errors
/// What the file system says. Damage in a packed file shows when it is read.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    const BUFFER_BYTES: usize = 256 << 10;
    // RFC 8878 §3.1.1 and RFC 1952 §2.3.1.
    const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
    let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    let head = file.fill_buf()?;
    let named = |extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    if named("zst") || head.starts_with(&ZSTD_MAGIC) {
        let decoder = zstd::stream::read::Decoder::with_buffer(file)?;
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)))
    } else if named("gz") || head.starts_with(&GZIP_MAGIC) {
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file))))
    } else {
        Ok(Box::new(file))
    }
}

#[cfg(test)]
#[path = "import/mapping_tests.rs"]
mod mapping_tests;
#[cfg(test)]
#[path = "import/real_set_tests.rs"]
mod real_set_tests;
