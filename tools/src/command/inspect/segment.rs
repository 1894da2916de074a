//! A sealed segment for a person: what it holds, and which bytes go where. Checks CRCs, recomputes no hash.

use super::print_json;
use crate::command::output;
use crate::failure::{Failure, Outcome};
use crate::output::human;
use crate::output::table::{bold, faint, plain};
use crate::output::terminal::{note, printable};
use sealog_engine::format::segment::filters::Filters;
use sealog_engine::format::segment::{self, Footer, SectionKind, SegmentError};
use sealog_engine::hex;
use sealog_engine::limits::SEGMENT_BYTES_MAX;
use sealog_engine::model::{Severity, Timestamp};
use sealog_engine::segment::view::{Column, View};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

#[derive(Serialize)]
struct Contents {
    store: String,
    service: String,
    first_seq: u64,
    last_seq: u64,
    entries: u32,
    first: Timestamp,
    last: Timestamp,
    tenants: Option<usize>,
    groups: usize,
    severities: Vec<(&'static str, u32)>,
    bytes: u64,
    record_bytes: u64,
    prev: String,
    head: String,
    sections: Vec<SectionContents>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct SectionContents {
    section: String,
    offset: u64,
    bytes: u64,
    bytes_an_entry: f64,
    codec: String,
}

/// Inspects the file at `path`.
pub fn run(path: &Path, is_json: bool) -> Outcome {
    let failed = |error: io::Error| Failure::io(format!("could not read {}", path.display()), &error);
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > SEGMENT_BYTES_MAX {
        return Err(Failure::Input(format!(
            "{}: expected a segment of at most {}, found {}",
            path.display(),
            human::bytes(SEGMENT_BYTES_MAX),
            human::bytes(length)
        )));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let footer = match segment::footer_of(&bytes) {
        Ok(footer) => footer,
        Err(error) => {
            note(&format!("{}: {error}", path.display()));
            return Err(Failure::Found);
        }
    };
    let contents = contents(&bytes, &footer);
    let mut out = output();
    let written = if is_json { print_json(&mut out, &contents) } else { write(&mut out, &contents) };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    contents.problems.iter().for_each(|problem| note(&format!("{}: {problem}", path.display())));
    if contents.problems.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

fn contents(bytes: &[u8], footer: &Footer) -> Contents {
    let view = View::new(bytes, footer);
    let mut problems = Vec::new();
    let mut sections = Vec::new();
    let mut add = |section: String, offset: u64, bytes: u64, codec: String| {
        let bytes_an_entry = bytes as f64 / f64::from(footer.entry_count);
        sections.push(SectionContents { section, offset, bytes, bytes_an_entry, codec });
    };
    add("header".to_owned(), 0, segment::HEADER_BYTES as u64, String::new());
    for section in &footer.sections {
        let codec = codec(&view, section.kind).unwrap_or_else(|error| {
            problems.push(error.to_string());
            "does not read".to_owned()
        });
        add(section.kind.to_string(), section.offset, section.bytes, codec);
    }
    let end = footer.sections.last().map_or(0, |section| section.offset + section.bytes);
    add("footer".to_owned(), end, bytes.len() as u64 - end, String::new());
    Contents {
        store: hex::encode(&footer.store_id),
        service: footer.service.clone(),
        first_seq: footer.first_seq,
        last_seq: footer.end_seq() - 1,
        entries: footer.entry_count,
        first: Timestamp::from_nanos(footer.logged_at.0),
        last: Timestamp::from_nanos(footer.logged_at.1),
        tenants: view.tenants().ok().map(<[_]>::len),
        groups: segment::places::groups(footer.first_seq, footer.entry_count).len(),
        severities: Severity::ALL.iter().map(|own| own.name()).zip(footer.severity_counts).collect(),
        bytes: bytes.len() as u64,
        record_bytes: footer.record_bytes,
        prev: hex::encode(&footer.prev),
        head: hex::encode(&footer.head),
        sections,
        problems,
    }
}

/// How a section is written.
fn codec(view: &View<'_>, kind: SectionKind) -> Result<String, SegmentError> {
    view.section(kind)?;
    Ok(match kind {
        SectionKind::Tenants => {
            let keys: usize = view.tenants()?.iter().map(|tenant| tenant.keys.len()).sum();
            format!("lines, {}", human::counted(keys as u64, "salt key", "salt keys"))
        }
        SectionKind::Places => {
            format!("packed, {}", human::counted(view.places()?.runs().len() as u64, "run", "runs"))
        }
        SectionKind::Times => {
            format!("packed, {}", human::counted(view.times()?.commit_count().into(), "commit", "commits"))
        }
        SectionKind::Marks => human::counted(view.marks()?.len() as u64, "node of 256", "nodes of 256"),
        SectionKind::Filters => {
            format!("{} groups", view.filters()?.map_or(0, Filters::group_count))
        }
        SectionKind::Severities => format!("roaring, {} classes", view.severities()?.len()),
        SectionKind::Column(field) => match view.column(field)? {
            Some(Column::Numbers(_)) => "packed".to_owned(),
            Some(Column::Times(_)) => "packed times".to_owned(),
            Some(Column::Bytes(_)) => "bytes".to_owned(),
            Some(Column::Texts(text)) => {
                let sizes = text.sizes();
                let mut parts = vec![human::counted(sizes.template_count as u64, "template", "templates")];
                if sizes.raw_row_count > 0 {
                    let raw = human::counted(sizes.raw_row_count.into(), "raw text", "raw texts");
                    let pages = human::counted(sizes.page_count.into(), "page", "pages");
                    parts.push(format!("{raw} in {pages} of {}", human::bytes(sizes.pages as u64)));
                }
                parts.join(", ")
            }
            None => String::new(),
        },
    })
}

fn write(out: &mut dyn Write, contents: &Contents) -> io::Result<()> {
    let entries = f64::from(contents.entries);
    writeln!(
        out,
        "{}  {}",
        bold(format!("{} #{}–#{}", printable(&contents.service), contents.first_seq, contents.last_seq)),
        faint(format!("of store {}", contents.store))
    )?;
    let tenants = contents.tenants.map_or("tenants that do not read".to_owned(), |count| {
        human::counted(count as u64, "tenant", "tenants")
    });
    writeln!(
        out,
        "{} of {tenants} in {}, committed {} to {}",
        human::counted(contents.entries.into(), "entry", "entries"),
        human::counted(contents.groups as u64, "group", "groups"),
        human::time(contents.first),
        human::time(contents.last)
    )?;
    writeln!(
        out,
        "{}: {:.1} bytes an entry for records of {:.1}, {:.1} times smaller",
        human::bytes(contents.bytes),
        contents.bytes as f64 / entries,
        contents.record_bytes as f64 / entries,
        contents.record_bytes as f64 / contents.bytes as f64
    )?;
    let by_severity: Vec<String> = contents
        .severities
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{} {name}", human::count((*count).into())))
        .collect();
    writeln!(out, "{}", by_severity.join(", "))?;
    writeln!(out, "{}", faint(format!("after leaf {}", contents.prev)))?;
    writeln!(out, "{}", faint(format!("head       {}", contents.head)))?;
    let rows = contents
        .sections
        .iter()
        .map(|section| {
            vec![
                section.section.clone(),
                human::bytes(section.bytes),
                format!("{:.2}", section.bytes_an_entry),
                format!("{:.1} %", section.bytes as f64 * 100.0 / contents.bytes as f64),
                section.codec.clone(),
            ]
        })
        .collect();
    let header = ["SECTION", "BYTES", "AN ENTRY", "SHARE", "WRITTEN AS"];
    writeln!(out, "\n{}", plain(&header, rows, &[1, 2, 3]))
}
