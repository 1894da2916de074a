//! `sealog inspect`: what is in a store, a sealed segment, or a journal file, frame by frame. Reads headers and shapes, checks CRCs,
//! recomputes no hash: that is `verify`.

mod segment;

use super::{damage_text, note_damage, output};
use crate::cli::Inspect;
use crate::failure::{Failure, Outcome, while_reading};
use crate::output::table::{bold, faint, plain};
use crate::output::terminal::printable;
use crate::output::{human, json};
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::format::commit;
use sealog_engine::format::journal::FrameType;
use sealog_engine::hex;
use sealog_engine::identity::{self, Identity};
use sealog_engine::journal::{Damage, Event, Frame, JournalReader, number_of};
use sealog_engine::model::Timestamp;
use sealog_engine::segment::first_seq_of;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

#[derive(Serialize)]
struct StoreContents {
    name: String,
    id: String,
    created: Timestamp,
    journals: Vec<JournalContents>,
    damage: Vec<String>,
}

#[derive(Serialize)]
struct JournalContents {
    journal: u64,
    bytes: u64,
    frames: u64,
    first_frame: u64,
    last_frame: u64,
    entries: u64,
    record_bytes: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    clean_stop: bool,
}

#[derive(Serialize)]
struct FrameContents {
    frame: u64,
    #[serde(rename = "type")]
    frame_type: &'static str,
    offset: u64,
    bytes: u64,
    logged_at: Timestamp,
    durable: u64,
    entries: u64,
    new_lines: u64,
    services: Vec<String>,
}

pub fn run(args: &Inspect) -> Outcome {
    let path = &args.path;
    let metadata = std::fs::metadata(path);
    let metadata =
        metadata.map_err(|error| Failure::io(format!("could not read {}", path.display()), &error))?;
    let name = path.file_name().and_then(|name| name.to_str());
    if !metadata.is_dir() && name.is_some_and(|name| first_seq_of(name).is_some()) {
        return segment::run(path, args.json);
    }
    let file_number = path.file_name().and_then(|name| name.to_str()).and_then(number_of);
    let (root, journal) = match (metadata.is_dir(), file_number) {
        (true, _) => (path.clone(), None),
        (false, Some(number)) => {
            // Also from within the journal's own directory, where the path says nothing of what is above.
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            (directory.unwrap_or(Path::new(".")).join(".."), Some(number))
        }
        (false, None) => {
            return Err(Failure::Input(format!(
                "{}: expected a store's directory, a file such as journal/00000001.journal, or one such as \
                 chains/mail-api/00000000000000000000.segment",
                path.display()
            )));
        }
    };
    let disk = DirectoryDisk::new(root);
    let identity = identity::read(&disk).map_err(while_reading)?;
    let found = walk(&disk, &identity, journal)?;
    let mut out = output();
    let written = match (journal, args.json) {
        (None, true) => print_json(&mut out, &store_contents(&identity, &found)),
        (None, false) => write_store(&mut out, &store_contents(&identity, &found)),
        (Some(_), true) => print_json(&mut out, &found.frames),
        (Some(number), false) => write_frames(&mut out, number, &found),
    };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    found.damage.iter().for_each(note_damage);
    if found.damage.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

#[derive(Default)]
struct Found {
    journals: Vec<JournalContents>,
    frames: Vec<FrameContents>,
    damage: Vec<Damage>,
    torn_bytes: u64,
}

fn walk(disk: &DirectoryDisk, identity: &Identity, only: Option<u64>) -> Result<Found, Failure> {
    let failed = |error: io::Error| Failure::io("could not read the journal", &error);
    let mut reader = JournalReader::new(disk, identity.id).map_err(failed)?;
    let mut found = Found::default();
    while let Some(event) = reader.next_event().map_err(failed)? {
        match event {
            Event::Frame(frame) => {
                let contents = frame_contents(&frame);
                add_to_journal(&mut found.journals, &frame, &contents);
                if only == Some(frame.journal) {
                    found.frames.push(contents);
                }
            }
            Event::Damage(damage) => found.damage.push(damage),
            Event::End(tail) => found.torn_bytes = tail.torn_bytes,
        }
    }
    Ok(found)
}

fn frame_contents(frame: &Frame) -> FrameContents {
    let header = frame.header;
    let commit = commit::decode(frame.payload(), header.part_count, header.entry_count).ok();
    let parts = commit.as_ref().map_or(&[][..], |commit| &commit.parts);
    FrameContents {
        frame: header.number.get(),
        frame_type: match header.frame_type {
            FrameType::Commit => "commit",
            FrameType::Stop => "stop",
            FrameType::Carry => "carry",
        },
        offset: header.offset,
        bytes: header.frame_bytes(),
        logged_at: Timestamp::from_nanos(header.logged_at),
        durable: header.durable,
        entries: u64::from(header.entry_count),
        new_lines: parts.iter().map(|part| part.lines.len() as u64).sum(),
        services: parts.iter().map(|part| part.service.to_owned()).collect(),
    }
}

fn add_to_journal(journals: &mut Vec<JournalContents>, frame: &Frame, contents: &FrameContents) {
    if journals.last().is_none_or(|last| last.journal != frame.journal) {
        journals.push(JournalContents {
            journal: frame.journal,
            bytes: 0,
            frames: 0,
            first_frame: contents.frame,
            last_frame: 0,
            entries: 0,
            record_bytes: 0,
            first: None,
            last: None,
            clean_stop: false,
        });
    }
    let Some(journal) = journals.last_mut() else { return };
    let is_stop = frame.header.frame_type == FrameType::Stop;
    let commit = commit::decode(frame.payload(), frame.header.part_count, frame.header.entry_count);
    let rows = commit.iter().flat_map(|commit| &commit.parts).flat_map(|part| &part.rows);
    journal.record_bytes += rows.map(|row| u64::from(row.record_bytes)).sum::<u64>();
    journal.bytes = contents.offset + contents.bytes;
    journal.frames += 1;
    journal.last_frame = contents.frame;
    journal.entries += contents.entries;
    if !is_stop {
        journal.first = journal.first.or(Some(contents.logged_at));
        journal.last = Some(contents.logged_at);
    }
    journal.clean_stop = is_stop;
}

fn store_contents(identity: &Identity, found: &Found) -> StoreContents {
    StoreContents {
        name: identity.name.to_string(),
        id: hex::encode(&identity.id),
        created: identity.created,
        journals: found.journals.iter().map(JournalContents::copy).collect(),
        damage: found.damage.iter().map(damage_text).collect(),
    }
}

impl JournalContents {
    fn copy(&self) -> JournalContents {
        JournalContents { ..*self }
    }
}

fn print_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    json::write(out, value)?;
    writeln!(out)
}

fn write_store(out: &mut dyn Write, store: &StoreContents) -> io::Result<()> {
    writeln!(
        out,
        "{}  {}",
        bold(&store.name),
        faint(format!("store {}, made {}", store.id, human::time(store.created)))
    )?;
    if store.journals.is_empty() {
        return writeln!(out, "no entries yet");
    }
    let time = |time: Option<Timestamp>| time.map_or("–".to_owned(), human::time);
    let rows = store
        .journals
        .iter()
        .map(|journal| {
            vec![
                format!("{:08}", journal.journal),
                human::bytes(journal.bytes),
                format!("{}–{}", journal.first_frame, journal.last_frame),
                human::count(journal.entries),
                human::bytes(journal.record_bytes),
                time(journal.first),
                time(journal.last),
                if journal.clean_stop { "clean stop".to_owned() } else { String::new() },
            ]
        })
        .collect();
    let header = ["JOURNAL", "BYTES", "FRAMES", "ENTRIES", "RECORDS", "FIRST COMMIT", "LAST COMMIT", ""];
    writeln!(out, "\n{}", plain(&header, rows, &[1, 3, 4]))
}

fn write_frames(out: &mut dyn Write, number: u64, found: &Found) -> io::Result<()> {
    writeln!(
        out,
        "{}",
        bold(format!(
            "journal file {number}, {}",
            human::counted(found.frames.len() as u64, "frame", "frames")
        ))
    )?;
    let rows = found
        .frames
        .iter()
        .map(|frame| {
            vec![
                frame.frame.to_string(),
                frame.frame_type.to_owned(),
                frame.offset.to_string(),
                human::bytes(frame.bytes),
                human::time(frame.logged_at),
                frame.durable.to_string(),
                human::count(frame.entries),
                human::count(frame.new_lines),
                summary(&frame.services),
            ]
        })
        .collect();
    let header =
        ["FRAME", "TYPE", "OFFSET", "BYTES", "LOGGED AT", "DURABLE", "ENTRIES", "NEW LINES", "SERVICES"];
    writeln!(out, "\n{}", plain(&header, rows, &[0, 2, 3, 5, 6, 7]))?;
    if found.torn_bytes > 0 {
        writeln!(
            out,
            "{}",
            faint(format!("{} behind the last frame, never acknowledged", human::bytes(found.torn_bytes)))
        )?;
    }
    Ok(())
}

fn summary(services: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = services.iter().take(SHOWN).map(|service| printable(service)).collect::<Vec<_>>().join(", ");
    match services.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
