//! Whole verification, beside hashing alone. See benches/README.md.

use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch, rate, show_byte_rate, show_bytes, show_rate, show_ratio};
use sealog_benches::{Outcome, stores};
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::format::commit;
use sealog_engine::format::journal::FrameType;
use sealog_engine::identity;
use sealog_engine::journal::{Event, Frame, JournalReader};
use sealog_engine::model::{Timestamp, Window};
use sealog_engine::proof::{Hash, Hasher, hashes};
use sealog_engine::reader::Reader;
use sealog_engine::verify::{VerifyOptions, verify};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[1_000_000, 5_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    let mut table = Table::new([
        "entries, where",
        "on disk",
        "verify",
        "bytes a second",
        "CPU an entry",
        "hashing alone",
        "of it",
    ]);
    let mut quick = Table::new(["entries", "segments", "quick", "bytes a second", "of a window"]);
    for &entries in &options.entries {
        let path = scratch.path().join("journal");
        stores::unsealed(&path, entries)?;
        let frames = read_frames(&DirectoryDisk::new(&path))?;
        if options.wants("journal") {
            table.row(measure(&options, &path, entries, "journal", &frames)?);
        }
        std::fs::remove_dir_all(path)?;
        if options.wants("sealed") {
            let path = scratch.path().join("sealed");
            stores::sealed(&path, entries)?;
            table.row(measure(&options, &path, entries, "sealed", &frames)?);
            quick.row(measure_quick(&options, &path, entries)?);
            std::fs::remove_dir_all(path)?;
        }
    }
    table.print(
        "verify: every hash of a store recomputed; \"of it\": hashing alone takes so much of verify's time",
    );
    quick.print("verify --quick: CRCs and joins of a sealed store; and of a window of its last hour");
    Ok(())
}

fn measure(
    options: &Options,
    path: &Path,
    entries: usize,
    place: &str,
    frames: &[Frame],
) -> Outcome<[String; 7]> {
    let (mut rates, mut byte_rates, mut cpu) = (Samples::default(), Samples::default(), Samples::default());
    let (mut hash_rates, mut ratios) = (Samples::default(), Samples::default());
    let disk = DirectoryDisk::new(path);
    let mut bytes = 0;
    for _ in 0..options.repeat {
        let alone = hash_alone(frames)?;
        let watch = Stopwatch::start();
        let report = verify(&disk, &VerifyOptions::default(), |_| {})?;
        let lap = watch.lap();
        if !report.valid || report.entries < entries as u64 {
            let problem = report.all_problems().next();
            return Err(
                format!("expected {entries} valid entries, found {}: {problem:?}", report.entries).into()
            );
        }
        bytes = report.bytes;
        rates.push(rate(entries, lap.wall));
        byte_rates.push(bytes as f64 / lap.wall.as_secs_f64());
        cpu.push(lap.cpu.as_secs_f64() * 1e9 / entries as f64);
        hash_rates.push(rate(entries, alone));
        ratios.push(alone.as_secs_f64() / lap.wall.as_secs_f64());
    }
    Ok([
        format!("{entries}, {place}"),
        show_bytes(bytes).to_string(),
        rates.show(show_rate),
        show_byte_rate(byte_rates.median()),
        cpu.show(|ns| format!("{ns:.0} ns")),
        hash_rates.show(show_rate),
        ratios.show(show_ratio),
    ])
}

fn measure_quick(options: &Options, path: &Path, entries: usize) -> Outcome<[String; 5]> {
    let disk = DirectoryDisk::new(path);
    let (mut seconds, mut rates, mut windows) = (Samples::default(), Samples::default(), Samples::default());
    let whole = verify(&disk, &VerifyOptions { quick: true, ..VerifyOptions::default() }, |_| {})?;
    let newest = Reader::open(path)?.view().newest();
    let from = newest.map(|newest| Timestamp::from_nanos(newest.nanos() - WINDOW_NS));
    let window = Window { from, to: None };
    for _ in 0..options.repeat {
        let watch = Stopwatch::start();
        let report = verify(&disk, &VerifyOptions { quick: true, ..VerifyOptions::default() }, |_| {})?;
        let lap = watch.lap();
        seconds.push(lap.wall.as_secs_f64() * 1e3);
        rates.push(report.bytes as f64 / lap.wall.as_secs_f64());
        let watch = Stopwatch::start();
        let report = verify(&disk, &VerifyOptions { window, ..VerifyOptions::default() }, |_| {})?;
        windows.push(watch.lap().wall.as_secs_f64() * 1e3);
        if !whole.valid || !report.valid {
            return Err(format!("expected a valid store, found {:?}", report.all_problems().next()).into());
        }
    }
    Ok([
        entries.to_string(),
        show_bytes(whole.bytes).to_string(),
        seconds.show(|ms| format!("{ms:.1} ms")),
        rates.show(show_byte_rate),
        windows.show(|ms| format!("{ms:.1} ms")),
    ])
}

/// How far back the window goes: an hour of ten days.
const WINDOW_NS: i64 = 3_600_000_000_000;

fn read_frames(disk: &DirectoryDisk) -> Outcome<Vec<Frame>> {
    let mut reader = JournalReader::new(disk, identity::read(disk)?.id)?;
    let mut frames = Vec::new();
    while let Some(event) = reader.next_event()? {
        match event {
            Event::Frame(frame) if frame.header.frame_type == FrameType::Commit => frames.push(frame),
            _ => {}
        }
    }
    Ok(frames)
}

/// Salt, body, leaf, tree node and line of every entry, on every core, from frames in memory: the least that any
/// verification must do. Nodes and lines are hashed over other bytes of the same length.
fn hash_alone(frames: &[Frame]) -> Outcome<Duration> {
    let next = AtomicUsize::new(0);
    let work = || -> Outcome<Hash> {
        let mut hasher = Hasher::new();
        let mut seen = [0; 32];
        while let Some(frame) = frames.get(next.fetch_add(1, Ordering::Relaxed)) {
            hash_frame(frame, &mut hasher, &mut seen)?;
        }
        Ok(seen)
    };
    let watch = Stopwatch::start();
    std::thread::scope(|scope| -> Outcome<()> {
        let threads = std::thread::available_parallelism()?.get();
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        std::hint::black_box(work()?);
        others.into_iter().try_for_each(|other| {
            std::hint::black_box(other.join().map_err(|_| "a thread panicked")??);
            Ok(())
        })
    })?;
    Ok(watch.lap().wall)
}

fn hash_frame(frame: &Frame, hasher: &mut Hasher, seen: &mut Hash) -> Outcome<()> {
    let commit = commit::decode(frame.payload(), frame.header.part_count, frame.header.entry_count)?;
    for part in &commit.parts {
        let count = part.rows.len();
        let mut salts = vec![[0; 16]; count];
        let fill = |i, message: &mut Vec<u8>| hashes::salt_message(part.leaf(i), part.first_seq, message);
        hasher.each(count, fill, |i, hash| salts[i] = hashes::salt_of(&hash));
        let mut bodies = vec![[0; 32]; count];
        let fill = |i: usize, message: &mut Vec<u8>| hashes::body_message(&salts[i], part.record(i), message);
        hasher.each(count, fill, |i, hash| bodies[i] = hash);
        let skeleton =
            hashes::Skeleton { kind: part.kind, chain_id: [1; 16], seq: part.first_seq, logged_at: 2 };
        let fill = |i, message: &mut Vec<u8>| skeleton.leaf_message(part.leaf(i), &bodies[i], message);
        hasher.each(count, fill, |_, hash| *seen = hash);
        let fill = |i, message: &mut Vec<u8>| hashes::node_message(part.leaf(i), &bodies[i], message);
        hasher.each(count, fill, |_, hash| *seen = hash);
        let fill = |i, message: &mut Vec<u8>| hashes::line_message(&bodies[i], part.leaf(i), message);
        hasher.each(count, fill, |_, hash| *seen = hash);
    }
    Ok(())
}
