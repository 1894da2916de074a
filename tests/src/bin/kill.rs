//! The kill -9 campaign: `sealog append` on a real disk, killed at random moments, also while it opens and closes.
//!
//! `cargo run --release -p sealog-tests --bin kill -- --cycles 1000 --seed 1`
//!
//! Each cycle starts one writer on the store that the last one left, feeds it from several threads, and kills it. Then:
//!
//! - every receipt that came out whole is true: its entries are there, its head is their last leaf
//! - what is there is a prefix of what was sent, each entry as it was sent, and what was there before
//! - `seq` has no hole, and `verify` finds nothing
//!
//! The order of what was sent is known, what the writer took is not: the moment of the kill is the system's. A seed
//! repeats what is sent and planned, not what happens.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a campaign tells a person what it does")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken promise or a broken fixture ends the run")]

use sealog_engine::disk::DirectoryDisk;
use sealog_engine::format::commit;
use sealog_engine::format::journal::FrameType;
use sealog_engine::journal::{Event, JournalReader};
use sealog_engine::{hex, identity};
use sealog_tests::command::{Scratch, run, sealog};
use sealog_tests::simulation::random::Random;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStdin, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A store is given up after this many cycles, so that recovery and checks stay quick.
const STORE_CYCLES: u64 = 50;
/// Threads that feed one writer.
const FEEDERS: u64 = 3;
/// Most lines that one feeder sends in a cycle, and in one of few long lines.
const FEEDER_LINES_MAX: u64 = 700;
const FEEDER_LONG_LINES_MAX: u64 = 60;
const SERVICES: [&str; 4] = ["mail", "directory", "web.hosting", "Mail"];
const SIGKILL: i32 = 9;

fn main() -> ExitCode {
    let mut given = std::env::args().skip(1);
    let (mut cycles, mut seed) = (1000, 1);
    while let Some(name) = given.next() {
        match (name.as_str(), given.next().and_then(|value| value.parse().ok())) {
            ("--cycles", Some(value)) => cycles = value,
            ("--seed", Some(value)) => seed = value,
            _ => {
                eprintln!("expected --cycles N or --seed S, found {name}");
                return ExitCode::from(2);
            }
        }
    }
    let started = Instant::now();
    let mut random = Random::new(seed);
    let mut figures = Figures::default();
    let mut place = Place::new();
    for cycle in 0..cycles {
        if cycle % STORE_CYCLES == 0 && cycle > 0 {
            place = Place::new();
        }
        figures.stores += u64::from(cycle % STORE_CYCLES == 0);
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            place.cycle(cycle, &mut random, &mut figures);
        }));
        if broken.is_err() {
            let kept = place.scratch.keep();
            eprintln!("broken in cycle {cycle} of seed {seed}; the store is kept in {}", kept.display());
            return ExitCode::FAILURE;
        }
        if cycle % 100 == 99 {
            eprintln!("{} cycles in {:.0} s", cycle + 1, started.elapsed().as_secs_f64());
        }
    }
    figures.print(started.elapsed());
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Figures {
    stores: u64,
    kills_opening: u64,
    kills_appending: u64,
    kills_closing: u64,
    /// Killed on a store with entries before the first receipt, whenever that was planned.
    kills_before_receipt: u64,
    ended_first: u64,
    sent: u64,
    receipts: u64,
    acknowledged: u64,
    repeated: u64,
    unacknowledged_kept: u64,
    torn: u64,
    torn_bytes: u64,
    cut_receipts: u64,
}

impl Figures {
    fn print(&self, took: Duration) {
        let kills = self.kills_opening + self.kills_appending + self.kills_closing;
        println!(
            "{kills} kills of writers on {} stores in {:.0} s: {} planned while opening, {} while appending, {} while closing",
            self.stores,
            took.as_secs_f64(),
            self.kills_opening,
            self.kills_appending,
            self.kills_closing
        );
        println!(
            "{} of them on a store with entries before the first receipt; {} writers had ended by themselves",
            self.kills_before_receipt, self.ended_first
        );
        println!(
            "{} lines sent, {} receipts for {} new and {} repeated entries, all true; {} receipts cut short",
            self.sent, self.receipts, self.acknowledged, self.repeated, self.cut_receipts
        );
        println!(
            "{} entries kept without a receipt; {} torn tails of {} bytes; 0 acknowledged lost, 0 holes, 0 reordered",
            self.unacknowledged_kept, self.torn, self.torn_bytes
        );
    }
}

/// When a writer is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Opening,
    Appending,
    Closing,
}

/// An entry as it was sent.
type Sent = Value;

/// A store, and what is known of it.
struct Place {
    scratch: Scratch,
    /// What the last scan gave, in order.
    known: Vec<Value>,
}

impl Place {
    fn new() -> Place {
        Place { scratch: Scratch::new(), known: Vec::new() }
    }

    fn cycle(&mut self, cycle: u64, random: &mut Random, figures: &mut Figures) {
        let moment = match random.below(10) {
            0..4 if !self.known.is_empty() => Moment::Opening,
            0..9 => Moment::Appending,
            _ => Moment::Closing,
        };
        let pause = Duration::from_micros(match moment {
            Moment::Opening => random.below(15_000),
            Moment::Appending => 3_000 + random.below(150_000),
            Moment::Closing => random.below(10_000),
        });
        let batch_max = *random.pick(&[1, 10, 100, 400]);
        let batch = 1 + random.below(batch_max);
        let outcome = self.write_and_kill(cycle, batch, moment, pause, random);
        match moment {
            _ if outcome.ended_first => figures.ended_first += 1,
            Moment::Opening => figures.kills_opening += 1,
            Moment::Appending => figures.kills_appending += 1,
            Moment::Closing => figures.kills_closing += 1,
        }
        if !self.known.is_empty() && outcome.receipts.is_empty() && !outcome.ended_first {
            figures.kills_before_receipt += 1;
        }
        figures.sent += outcome.sent.len() as u64;
        figures.receipts += outcome.receipts.len() as u64;
        figures.cut_receipts += u64::from(outcome.has_cut_receipt);
        self.check(&outcome, figures);
    }

    fn write_and_kill(
        &self,
        cycle: u64,
        batch: u64,
        moment: Moment,
        pause: Duration,
        random: &mut Random,
    ) -> Outcome {
        let store = self.scratch.store();
        let mut command = sealog(["append", "--batch", &batch.to_string(), "--data", &store, "-"]);
        let mut writer = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdout = writer.stdout.take().unwrap();
        let mut stderr = writer.stderr.take().unwrap();
        let (first_receipt, has_first_receipt) = channel();
        let reader = std::thread::spawn(move || {
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                bytes.extend(&buffer[..count]);
                // Nobody waits for it any more, mostly.
                let _ = first_receipt.send(());
            }
            bytes
        });
        let complaints = std::thread::spawn(move || {
            let mut text = String::new();
            // Cut by the kill.
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let feed = Arc::new(Feed {
            input: Mutex::new((Some(writer.stdin.take().unwrap()), Vec::new())),
            stop: AtomicBool::new(false),
        });
        // Some of what came before comes again, as from a producer that lost its receipts.
        let again: Vec<Sent> = match self.known.len() {
            0 => Vec::new(),
            count => (0..random.below(20)).map(|_| as_sent(&self.known[random.index(count)])).collect(),
        };
        // Frames of many pages: a kill can tear the write of one.
        let is_long = random.chance(20);
        let feeders: Vec<_> = (0..FEEDERS)
            .map(|feeder| {
                let (feed, random) = (Arc::clone(&feed), random.fork());
                let again = if feeder == 0 { again.clone() } else { Vec::new() };
                let source = Source { cycle, feeder, is_long, again };
                std::thread::spawn(move || feed.run(source, random))
            })
            .collect();
        let (_never, waiting) = channel::<()>();
        let wait = |pause| assert_eq!(waiting.recv_timeout(pause), Err(RecvTimeoutError::Timeout));
        if moment == Moment::Closing {
            // Closing comes after appending, so the writer must have got that far.
            let _ = has_first_receipt.recv_timeout(Duration::from_secs(2));
            feed.stop.store(true, Ordering::Relaxed);
            feed.input.lock().unwrap().0 = None;
        }
        wait(pause);
        let ended = writer.try_wait().unwrap();
        writer.kill().unwrap();
        let status = writer.wait().unwrap();
        feed.stop.store(true, Ordering::Relaxed);
        feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
        let complaints = complaints.join().unwrap();
        let killed = status.signal() == Some(SIGKILL);
        assert!(killed || status.code() == Some(0), "the writer ended with {status}: {complaints}");
        let told_of_a_cut = complaints.lines().all(|line| line.contains("a write that a crash tore"));
        assert!(told_of_a_cut, "the writer complained: {complaints}");
        let bytes = reader.join().unwrap();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines = std::str::from_utf8(&bytes[..whole]).unwrap().lines();
        let sent = std::mem::take(&mut feed.input.lock().unwrap().1);
        Outcome {
            sent,
            receipts: lines.map(|line| serde_json::from_str(line).unwrap()).collect(),
            has_cut_receipt: whole < bytes.len(),
            ended_first: ended.is_some() || !killed,
            is_done: status.code() == Some(0),
        }
    }

    fn check(&mut self, outcome: &Outcome, figures: &mut Figures) {
        let store = self.scratch.store();
        if !std::fs::exists(self.scratch.path("store/STORE")).unwrap() {
            assert!(outcome.receipts.is_empty() && self.known.is_empty(), "a receipt without a store");
            run(["verify", "--data", &store]).exits(3).says(&["is not a store"]);
            return;
        }
        let report = run(["verify", "--json", "--data", &store]).exits(0).json();
        let torn_bytes = report["torn_bytes"].as_u64().unwrap();
        figures.torn += u64::from(torn_bytes > 0);
        figures.torn_bytes += torn_bytes;
        let found = run(["scan", "--order", "asc", "--format", "ndjson", "--data", &store]).exits(0).lines();
        let leaves = leaves(&store);

        // What was there is there, unchanged.
        assert!(found.len() >= self.known.len(), "{} entries before, {} now", self.known.len(), found.len());
        assert_eq!(found[..self.known.len()], self.known[..], "what was there before changed");
        let new = &found[self.known.len()..];

        // No hole.
        let mut by_place = HashMap::new();
        let mut next = HashMap::<&str, u64>::new();
        for entry in &found {
            let service = entry["service"].as_str().unwrap();
            let seq = next.entry(service).or_default();
            assert_eq!(entry["seq"], *seq, "a hole in {service}");
            by_place.insert((service, *seq), entry);
            *seq += 1;
        }

        // A prefix of what was sent: each chain keeps the order, and no line is there before one that was sent earlier.
        let mut ids: HashSet<&str> = self.known.iter().filter_map(|entry| entry["id"].as_str()).collect();
        let sent: Vec<&Sent> =
            outcome.sent.iter().filter(|sent| sent["id"].as_str().is_none_or(|id| ids.insert(id))).collect();
        assert!(new.len() <= sent.len(), "{} new entries, {} sent", new.len(), sent.len());
        let of = |entries: &mut dyn Iterator<Item = Value>| {
            let mut chains = HashMap::<String, Vec<Value>>::new();
            for entry in entries {
                chains.entry(entry["service"].as_str().unwrap().to_owned()).or_default().push(entry);
            }
            chains
        };
        let wanted = of(&mut sent[..new.len()].iter().map(|sent| (*sent).clone()));
        assert_eq!(of(&mut new.iter().map(as_sent)), wanted, "not a prefix of what was sent");

        // Every receipt is true.
        let mut acknowledged = 0;
        for receipt in &outcome.receipts {
            let service = receipt["service"].as_str().unwrap();
            let [first, last] = ["first_seq", "last_seq"].map(|key| receipt[key].as_u64().unwrap());
            assert!(first <= last, "{receipt}");
            for seq in first..=last {
                let entry =
                    by_place.get(&(service, seq)).unwrap_or_else(|| panic!("lost: entry {seq} of {receipt}"));
                assert!(
                    receipt["duplicate"] == true || entry["logged_at"] == receipt["logged_at"],
                    "{receipt} is about {entry}"
                );
            }
            assert_eq!(by_place[&(service, last)]["logged_at"], receipt["logged_at"], "{receipt}");
            assert_eq!(leaves[&(service.to_owned(), last)], receipt["head"], "{receipt}");
            let count = last - first + 1;
            if receipt["duplicate"] == true {
                figures.repeated += count;
            } else {
                acknowledged += count;
            }
        }
        assert!(new.len() as u64 >= acknowledged, "{acknowledged} acknowledged, {} there", new.len());
        assert!(!outcome.is_done || new.len() as u64 == acknowledged, "done, but not all has a receipt");
        figures.acknowledged += acknowledged;
        figures.unacknowledged_kept += new.len() as u64 - acknowledged;
        self.known = found;
    }
}

/// What a cycle left to check.
struct Outcome {
    /// Lines as they went into the pipe; the last ones may not have arrived.
    sent: Vec<Sent>,
    receipts: Vec<Value>,
    has_cut_receipt: bool,
    /// The writer had ended when it should have been killed.
    ended_first: bool,
    /// It exited with 0: everything that it took has a receipt.
    is_done: bool,
}

/// The writer's standard input, shared by the feeders, and what went into it.
struct Feed {
    input: Mutex<(Option<ChildStdin>, Vec<Sent>)>,
    stop: AtomicBool,
}

impl Feed {
    fn run(&self, mut source: Source, mut random: Random) {
        let lines = random.below(if source.is_long { FEEDER_LONG_LINES_MAX } else { FEEDER_LINES_MAX });
        for number in 0..lines {
            let entry = source.again.pop().unwrap_or_else(|| source.entry(number, &mut random));
            let line = format!("{entry}\n");
            let mut input = self.input.lock().unwrap();
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let (Some(stdin), sent) = &mut *input else { return };
            sent.push(entry);
            // The line is written under the lock, so lines are whole and in the order of `sent`. A write fails when
            // the writer is killed.
            if stdin.write_all(line.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// What one feeder sends.
struct Source {
    cycle: u64,
    feeder: u64,
    is_long: bool,
    /// Entries that came before, to be sent first.
    again: Vec<Sent>,
}

impl Source {
    /// An entry that no other is like; most have an ID, and some are long.
    fn entry(&self, number: u64, random: &mut Random) -> Sent {
        let name = format!("{}-{}-{number}", self.cycle, self.feeder);
        let filler = match self.is_long {
            true => random.index(60_000),
            false if random.chance(12) => random.index(10_000),
            false => 0,
        };
        let mut entry = json!({
            "tenant": random.pick(&["acme", "bolt", "corax"]),
            "service": random.pick(&SERVICES),
            "activity": "entry.sent",
            "severity": "information",
            "message": format!("{name} {}", "x".repeat(filler)),
        });
        if !random.chance(50) {
            entry["id"] = name.into();
        }
        entry
    }
}

/// A scanned entry without what the log added.
fn as_sent(entry: &Value) -> Sent {
    let mut entry = entry.clone();
    for field in ["seq", "tenant_seq", "logged_at", "logged_by"] {
        entry.as_object_mut().unwrap().remove(field);
    }
    entry
}

/// The leaf of every entry, as the journal holds it. That it is right is `verify`'s to say.
fn leaves(store: &str) -> HashMap<(String, u64), String> {
    let disk = DirectoryDisk::new(store);
    let identity = identity::read(&disk).unwrap();
    let mut reader = JournalReader::new(&disk, identity.id).unwrap();
    let mut leaves = HashMap::new();
    while let Some(event) = reader.next_event().unwrap() {
        let Event::Frame(frame) = event else { continue };
        if frame.header.frame_type != FrameType::Commit {
            continue;
        }
        let commit =
            commit::decode(frame.payload(), frame.header.part_count, frame.header.entry_count).unwrap();
        for part in &commit.parts {
            for index in 0..part.rows.len() {
                let place = (part.service.to_owned(), part.first_seq + index as u64);
                leaves.insert(place, hex::encode(part.leaf(index)));
            }
        }
    }
    leaves
}
