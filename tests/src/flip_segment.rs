//! Every single bit of a segment flipped, every length it can be cut to, and every two segments swapped: verify names the
//! file, each time.

use crate::flip::{FlipFigures, problems, report};
use crate::sample;
use crate::simulation::disk::SimulatedDisk;
use crate::simulation::random::Random;
use sealog_engine::batch::Batch;
use sealog_engine::model::Entry;
use sealog_engine::segment;
use sealog_engine::store::{Bounds, Options, Store};
use sealog_engine::verify::Report;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A store of a few chains, sealed and stopped; the first segment of `portal` has about so many bytes.
pub fn sealed(bytes: usize) -> SimulatedDisk {
    const TEXT_BYTES: usize = 200;
    let disk = SimulatedDisk::new(bytes as u64);
    let bounds = Bounds { seal_rows_min: 4, journal_stop_bytes: 1, ..Bounds::default() };
    let mut random = Random::new(5);
    // Letters of a small alphabet take six bits each: nothing shrinks them, and every section is there.
    let rows = (bytes / (TEXT_BYTES * 6 / 8)).max(8);
    for session in 0..3 {
        let options = Options { bounds, ..sample::options(session) };
        let store = Store::open_on(Arc::new(disk.clone()), options).unwrap();
        for row in 0..(rows >> (2 * session)).max(8) {
            let mut batch = Batch::new();
            for service in ["portal", "mail-api"] {
                if service == "portal" || row % 2 == 0 {
                    batch.push(&entry(&mut random, service, row, TEXT_BYTES)).unwrap();
                }
            }
            store.append(batch).unwrap();
        }
        (0..8).for_each(|_| drop(store.append(sample::batch(&[("vault", "acme")], 10)).unwrap()));
        store.close().unwrap();
    }
    disk
}

fn entry(random: &mut Random, service: &str, row: usize, text_bytes: usize) -> Entry<'static> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,;:!? -_+()";
    let text: String = (0..text_bytes).map(|_| char::from(LETTERS[random.index(LETTERS.len())])).collect();
    Entry {
        id: format!("{row}-{}", random.index(1 << 30)).into(),
        request_id: format!("{:08x}", random.index(1 << 30)).into(),
        attributes: vec![("page".into(), format!("{}", row % 7).into())],
        message: text.into(),
        ..sample::entry(service, ["acme", "globex", "hooli"][row % 3], 0)
    }
}

/// Paths of all segments, by name.
pub fn paths(disk: &SimulatedDisk) -> Vec<String> {
    let services = segment::services(disk).unwrap();
    let of = |service: &String| {
        let listed = segment::list(disk, service).unwrap().segments;
        listed.into_iter().map(|first| segment::path(service, first)).collect::<Vec<_>>()
    };
    services.iter().flat_map(of).collect()
}

/// One segment of a store that is whole.
pub struct SegmentTarget {
    disk: SimulatedDisk,
    path: String,
    bytes: Vec<u8>,
}

impl SegmentTarget {
    /// The segment at a path.
    pub fn new(disk: &SimulatedDisk, path: &str) -> SegmentTarget {
        let before = report(disk);
        assert!(before.valid, "{:#?}", problems(&before));
        SegmentTarget { disk: disk.copy(0), path: path.to_owned(), bytes: disk.bytes(path).unwrap() }
    }

    /// Bytes of the file.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Flips every `step`-th bit of the file on `threads` threads. Panics at the first that verify does not name.
    pub fn flip_bits(&self, step: usize, threads: usize, progress: impl Fn(u64) + Sync) -> FlipFigures {
        self.each((self.bytes.len() * 8).div_ceil(step), threads, &progress, |disk, at| {
            let bit = at * step;
            let mut bytes = self.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            disk.put(&self.path, &bytes);
            self.assert_named(&report(disk), &format!("bit {bit}"));
        })
    }

    /// Cuts the file to each shorter length, or to every `step`-th.
    pub fn cut(&self, step: usize, threads: usize, progress: impl Fn(u64) + Sync) -> FlipFigures {
        self.each(self.bytes.len().div_ceil(step), threads, &progress, |disk, at| {
            disk.put(&self.path, &self.bytes[..at * step]);
            self.assert_named(&report(disk), &format!("cut to {}", at * step));
        })
    }

    fn assert_named(&self, report: &Report, what: &str) {
        let is_named = report.all_problems().any(|problem| problem.file == self.path);
        assert!(!report.valid && is_named, "{what} of {}: {:#?}", self.path, problems(report));
    }

    fn each(
        &self,
        count: usize,
        threads: usize,
        progress: &(impl Fn(u64) + Sync),
        step: impl Fn(&SimulatedDisk, usize) + Sync,
    ) -> FlipFigures {
        let (next, total) = (AtomicUsize::new(0), Mutex::new(FlipFigures::default()));
        let work = || {
            let disk = self.disk.copy(0);
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return;
                }
                step(&disk, at);
                let mut total = total.lock().unwrap();
                total.tried += 1;
                total.named += 1;
                if total.tried % 16_384 == 0 {
                    progress(total.tried);
                }
            }
        };
        let failed = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().filter_map(|worker| worker.join().err()).next()
        });
        if let Some(panic) = failed {
            std::panic::resume_unwind(panic);
        }
        *total.lock().unwrap()
    }
}

/// Swaps every two segments of a store; verify must name both files.
pub fn swap_every_pair(disk: &SimulatedDisk) -> FlipFigures {
    let (paths, mut figures) = (paths(disk), FlipFigures::default());
    for (at, one) in paths.iter().enumerate() {
        for other in &paths[at + 1..] {
            let (own, others) = (disk.bytes(one).unwrap(), disk.bytes(other).unwrap());
            disk.put(one, &others);
            disk.put(other, &own);
            let found = report(disk);
            figures.tried += 1;
            for path in [one, other] {
                let is_named = found.all_problems().any(|problem| problem.file == *path);
                assert!(!found.valid && is_named, "{one} and {other}: {:#?}", problems(&found));
            }
            figures.named += 1;
            disk.put(one, &own);
            disk.put(other, &others);
        }
    }
    figures
}
