//! In process: durable appends in batches, one at a time, and from 64 threads. See benches/README.md.

use sealog_benches::bare::{BareFile, append_chained, chained_bytes};
use sealog_benches::data::{BATCH_ENTRIES, Lines, Records, batch_of, bytes_below, plan};
use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{
    Lap, Samples, Stopwatch, percentile, rate, settle, show_rate, show_ratio, show_seconds,
};
use sealog_benches::{Outcome, stores};
use sealog_engine::format::journal::FrameType;
use sealog_engine::identity;
use sealog_engine::journal::{Event, JournalReader};
use sealog_engine::model::Entry;
use sealog_engine::{disk::DirectoryDisk, store};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Appends of one entry: enough that ten lie beyond the 99th percentile of each run.
const SINGLE_APPENDS: usize = 2_000;
const CLIENTS: usize = 64;
const APPENDS_A_CLIENT: usize = 1_500;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[1_000_000]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    for &entry_count in &options.entries {
        let lines = Lines::generate(&plan(entry_count));
        let entries = lines.entries()?;
        if options.wants("batches") {
            batches(&options, scratch.path(), &entries)?;
        }
        if options.wants("single") {
            single(&options, scratch.path(), &entries)?;
        }
        if options.wants("clients") {
            clients(&options, scratch.path(), &entries)?;
        }
    }
    Ok(())
}

/// (a) Batches of 1 000: stores with some producers, beside a plain file with a SHA-256 chain.
fn batches(options: &Options, scratch: &Path, entries: &[Entry<'_>]) -> Outcome<()> {
    let records = Records::encode(entries)?;
    let nameless: Vec<Entry<'_>> =
        entries.iter().map(|entry| Entry { id: "".into(), ..entry.clone() }).collect();
    let cases = [
        ("store, 1 producer", 1, entries),
        ("store, 2 producers", 2, entries),
        ("store, 4 producers", 4, entries),
        ("store, 1 producer, entries without IDs", 1, &nameless),
        ("store, 4 producers, entries without IDs", 4, &nameless),
    ];
    let mut bare = Figures::default();
    let mut ours: [Figures; 5] = Default::default();
    let mut ratios: [Samples; 5] = Default::default();
    let mut bytes_an_entry = 0.0;
    for _ in 0..options.repeat {
        let path = scratch.join("bare");
        let mut file = BareFile::reserved(&path, chained_bytes(&records))?;
        settle(scratch)?;
        let watch = Stopwatch::start();
        append_chained(&mut file, &records)?;
        let bare_lap = watch.lap();
        bare.push(entries.len(), bare_lap, bare_lap.wall);
        drop(file);
        std::fs::remove_file(path)?;
        for ((_, producers, entries), (figures, ratios)) in cases.iter().zip(ours.iter_mut().zip(&mut ratios))
        {
            let path = scratch.join("store");
            settle(scratch)?;
            let (lap, acknowledged) = append_all(&path, entries, *producers)?;
            figures.push(entries.len(), lap, acknowledged);
            ratios.push(bare_lap.wall.as_secs_f64() / lap.wall.as_secs_f64());
            bytes_an_entry = bytes_below(&path)? as f64 / entries.len() as f64;
            std::fs::remove_dir_all(path)?;
        }
    }
    let mut table = Table::new(["", "entries, indexed", "acknowledged", "CPU an entry", "against bare"]);
    table.row(bare.row("bare file, SHA-256 chain", None));
    for ((name, ..), (figures, ratios)) in cases.iter().zip(ours.iter().zip(&ratios)) {
        table.row(figures.row(name, Some(ratios)));
    }
    table.print(&format!(
        "{} entries in batches of {BATCH_ENTRIES}, each synced; {bytes_an_entry:.0} bytes an entry on disk (aim 1.2 M/s)",
        entries.len()
    ));
    Ok(())
}

#[derive(Default)]
struct Figures {
    rates: Samples,
    acknowledged: Samples,
    cpu_ns: Samples,
}

impl Figures {
    fn push(&mut self, count: usize, lap: Lap, acknowledged: Duration) {
        self.rates.push(rate(count, lap.wall));
        self.acknowledged.push(rate(count, acknowledged));
        self.cpu_ns.push(lap.cpu.as_secs_f64() * 1e9 / count as f64);
    }

    fn row(&self, name: &str, ratios: Option<&Samples>) -> [String; 5] {
        [
            name.to_owned(),
            self.rates.show(show_rate),
            show_rate(self.acknowledged.median()),
            self.cpu_ns.show(|ns| format!("{ns:.0} ns")),
            ratios.map_or("–".to_owned(), |ratios| ratios.show(show_ratio)),
        ]
    }
}

/// Appends everything from so many threads; time until the index has it, and until the last acknowledgement.
fn append_all(path: &Path, entries: &[Entry<'_>], producers: usize) -> Outcome<(Lap, Duration)> {
    let store = store::Store::open(path, store::Options::default())?;
    let chunks: Vec<&[Entry<'_>]> = entries.chunks(BATCH_ENTRIES).collect();
    let next = AtomicUsize::new(0);
    let produce = || -> Outcome<()> {
        while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            store.append(batch_of(chunk)?)?;
        }
        Ok(())
    };
    let watch = Stopwatch::start();
    std::thread::scope(|scope| -> Outcome<()> {
        let others: Vec<_> = (1..producers).map(|_| scope.spawn(produce)).collect();
        produce()?;
        others.into_iter().try_for_each(|other| other.join().map_err(|_| "a producer panicked")?)
    })?;
    let acknowledged = watch.lap().wall;
    let indexed: u64 = store.view().chains().iter().map(|chain| chain.entry_count()).sum();
    let lap = watch.lap();
    if indexed < entries.len() as u64 {
        return Err(format!("{indexed} of {} entries are indexed", entries.len()).into());
    }
    store.close()?;
    Ok((lap, acknowledged))
}

/// (b) One entry at a time, in turns with a plain file that gets the same number of bytes.
fn single(options: &Options, scratch: &Path, entries: &[Entry<'_>]) -> Outcome<()> {
    let entries = &entries[..SINGLE_APPENDS.min(entries.len())];
    let frame_bytes = frame_sizes(scratch, entries)?;
    let mut samples: [Samples; 5] = Default::default();
    for _ in 0..options.repeat {
        let (bare_path, store_path) = (scratch.join("bare"), scratch.join("store"));
        let mut bare = BareFile::zeroed(&bare_path, frame_bytes.iter().sum::<usize>() as u64)?;
        let store = store::Store::open(&store_path, store::Options::default())?;
        settle(scratch)?;
        let (mut ours, mut bares) = (Vec::new(), Vec::new());
        for (index, entry) in entries.iter().enumerate() {
            let bytes = vec![1; frame_bytes[index]];
            // Whoever comes first may find the disk busier.
            for is_ours in [index % 2 == 0, index % 2 == 1] {
                let started = Instant::now();
                if is_ours {
                    store.append(batch_of(std::slice::from_ref(entry))?)?;
                    ours.push(started.elapsed());
                } else {
                    bare.append(&bytes)?;
                    bares.push(started.elapsed());
                }
            }
        }
        store.close()?;
        let halves = [percentile(&mut bares, 0.5), percentile(&mut ours, 0.5)].map(|time| time.as_secs_f64());
        let tails =
            [percentile(&mut bares, 0.99), percentile(&mut ours, 0.99)].map(|time| time.as_secs_f64());
        let figures = [halves[0], tails[0], halves[1], tails[1], halves[1] / halves[0]];
        samples.iter_mut().zip(figures).for_each(|(samples, figure)| samples.push(figure));
        std::fs::remove_file(bare_path)?;
        std::fs::remove_dir_all(store_path)?;
    }
    let mut table = Table::new(["", "p50", "p99", "p50 against bare"]);
    let time = |index: usize| samples[index].show(show_seconds);
    table.row(["bare file of zeros, write and sync".to_owned(), time(0), time(1), "–".to_owned()]);
    table.row(["store, append of one entry".to_owned(), time(2), time(3), samples[4].show(show_ratio)]);
    let mean = frame_bytes.iter().sum::<usize>() / frame_bytes.len().max(1);
    table.print(&format!(
        "{} entries one at a time, in turns; {mean} bytes an append (aim: p50 at most 1.15 × bare)",
        entries.len()
    ));
    Ok(())
}

/// Bytes of the frame that each entry becomes when it is appended alone.
fn frame_sizes(scratch: &Path, entries: &[Entry<'_>]) -> Outcome<Vec<usize>> {
    let path = scratch.join("sizes");
    let store = store::Store::open(&path, store::Options::default())?;
    for entry in entries {
        store.append(batch_of(std::slice::from_ref(entry))?)?;
    }
    store.close()?;
    let disk = DirectoryDisk::new(&path);
    let mut reader = JournalReader::new(&disk, identity::read(&disk)?.id)?;
    let mut sizes = Vec::with_capacity(entries.len());
    while let Some(event) = reader.next_event()? {
        match event {
            // `heads` follow every minute and at the end: more frames than entries do no harm.
            Event::Frame(frame) if frame.header.frame_type == FrameType::Commit => {
                sizes.push(frame.bytes.len())
            }
            Event::Damage(damage) => return Err(format!("damage: {damage:?}").into()),
            _ => {}
        }
    }
    std::fs::remove_dir_all(path)?;
    sizes.truncate(entries.len());
    Ok(sizes)
}

/// (c) 64 threads that append single entries.
fn clients(options: &Options, scratch: &Path, entries: &[Entry<'_>]) -> Outcome<()> {
    let each = APPENDS_A_CLIENT.min(entries.len() / CLIENTS);
    let (mut rates, mut halves, mut tails) = (Samples::default(), Samples::default(), Samples::default());
    let mut cpu = Samples::default();
    for _ in 0..options.repeat {
        let path = scratch.join("store");
        let store = stores::fill(&path, 0)?;
        settle(scratch)?;
        let client = |own: &[Entry<'_>]| -> Outcome<Vec<Duration>> {
            own.iter()
                .map(|entry| {
                    let started = Instant::now();
                    store.append(batch_of(std::slice::from_ref(entry))?)?;
                    Ok(started.elapsed())
                })
                .collect()
        };
        let watch = Stopwatch::start();
        let mut latencies = std::thread::scope(|scope| -> Outcome<Vec<Duration>> {
            let own = entries.chunks(each.max(1)).take(CLIENTS);
            let threads: Vec<_> = own.map(|own| scope.spawn(|| client(own))).collect();
            let mut all = Vec::new();
            for thread in threads {
                all.extend(thread.join().map_err(|_| "a client panicked")??);
            }
            Ok(all)
        })?;
        let lap = watch.lap();
        rates.push(rate(latencies.len(), lap.wall));
        cpu.push(lap.cpu.as_secs_f64() / latencies.len() as f64);
        halves.push(percentile(&mut latencies, 0.5).as_secs_f64());
        tails.push(percentile(&mut latencies, 0.99).as_secs_f64());
        store.close()?;
        std::fs::remove_dir_all(path)?;
    }
    let mut table = Table::new(["", "entries", "p50", "p99", "CPU an entry"]);
    table.row([
        format!("store, {CLIENTS} threads"),
        rates.show(show_rate),
        halves.show(show_seconds),
        tails.show(show_seconds),
        cpu.show(show_seconds),
    ]);
    table.print(&format!("{CLIENTS} threads, {each} single entries each (aim 120 k/s)"));
    Ok(())
}
