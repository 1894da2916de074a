//! Every single bit of a journal flipped, and every length it can be cut to: verify says where, each time.

use crate::simulation::disk::SimulatedDisk;
use sealog_engine::journal::{self, Event, JournalReader};
use sealog_engine::verify::{Report, VerifyOptions, verify};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What became of the damages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlipFigures {
    /// Bits flipped, or lengths cut to.
    pub tried: u64,
    /// Named with file and place.
    pub named: u64,
    /// Taken for a torn tail: in the last frame, or behind it.
    pub torn: u64,
    /// Not to be told from an older state of the store: cut exactly behind a frame.
    pub older: u64,
}

/// A journal file, and where its frames lie.
pub struct Target {
    disk: SimulatedDisk,
    path: String,
    bytes: Vec<u8>,
    /// Where each frame ends; frames lie back to back.
    ends: Vec<u64>,
    is_last: bool,
}

impl Target {
    /// Journal file `number` of a store that is whole.
    pub fn new(disk: &SimulatedDisk, number: u64) -> Target {
        let disk = disk.copy(0);
        let (mut ends, mut newest) = (Vec::new(), 0);
        let observer = disk.observer();
        let identity = sealog_engine::identity::read(&observer).unwrap();
        let mut reader = JournalReader::new(&observer, identity.id).unwrap();
        while let Some(event) = reader.next_event().unwrap() {
            match event {
                Event::Frame(frame) if frame.journal == number => {
                    ends.push(frame.header.offset + frame.header.frame_bytes());
                }
                Event::Damage(damage) => panic!("expected a whole store: {damage:?}"),
                Event::End(tail) => newest = tail.journal,
                Event::Frame(_) => {}
            }
        }
        let path = journal::path(number);
        let bytes = disk.bytes(&path).unwrap();
        Target { disk, path, bytes, ends, is_last: newest == number }
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Where the last frame ends.
    pub fn frames_end(&self) -> u64 {
        self.ends.last().copied().unwrap_or(128)
    }

    /// Bytes of the last frame, and what lies behind it.
    fn last_frame(&self) -> Range<u64> {
        let before = self.ends.len().checked_sub(2).map_or(128, |before| self.ends[before]);
        if self.is_last { before..self.length() } else { self.length()..self.length() }
    }

    /// Flips each bit of the file on `threads` threads. Panics at the first that verify does not name.
    pub fn flip_every_bit(&self, threads: usize, progress: impl Fn(u64) + Sync) -> FlipFigures {
        self.each(self.bytes.len(), threads, &progress, |disk, byte| {
            let mut figures = FlipFigures::default();
            let mut bytes = self.bytes.clone();
            for bit in 0..8 {
                bytes[byte] ^= 1 << bit;
                disk.put(&self.path, &bytes);
                let report = report(disk);
                let place = format!("bit {bit} of byte {byte} of {}", self.path);
                figures.tried += 1;
                if report.valid {
                    let is_last = self.last_frame().contains(&(byte as u64));
                    assert!(is_last && report.torn_bytes > 0, "nobody noticed {place}");
                    figures.torn += 1;
                } else {
                    assert!(names(&report, &self.path, byte as u64), "{place}: {:#?}", problems(&report));
                    figures.named += 1;
                }
                bytes[byte] ^= 1 << bit;
            }
            disk.put(&self.path, &bytes);
            figures
        })
    }

    /// Cuts the file to each shorter length.
    pub fn cut_everywhere(&self, threads: usize, progress: impl Fn(u64) + Sync) -> FlipFigures {
        let whole = report(&self.disk);
        self.each(self.bytes.len(), threads, &progress, |disk, length| {
            disk.put(&self.path, &self.bytes[..length]);
            let report = report(disk);
            let mut figures = FlipFigures { tried: 1, ..FlipFigures::default() };
            let is_boundary = length == 128 || self.ends.contains(&(length as u64));
            if !report.valid {
                let near = (length as u64).saturating_sub(1);
                let is_named = problems(&report).iter().any(|problem| problem.contains(&self.path));
                assert!(is_named, "cut to {length} (near {near}): {:#?}", problems(&report));
                figures.named += 1;
            } else {
                // Without a checkpoint kept elsewhere an older state of the last file cannot be told from the newest.
                assert!(self.is_last, "nobody noticed {} cut to {length}", self.path);
                assert!(report.entries <= whole.entries, "entries out of nothing");
                let is_blank = self.bytes[..length].iter().all(|byte| *byte == 0);
                let torn = report.torn_bytes > 0;
                assert!(torn || is_boundary || is_blank, "cut to {length}: {report:#?}");
                figures.torn += u64::from(torn);
                figures.older += u64::from(!torn);
            }
            figures
        })
    }

    fn each(
        &self,
        count: usize,
        threads: usize,
        progress: &(impl Fn(u64) + Sync),
        step: impl Fn(&SimulatedDisk, usize) -> FlipFigures + Sync,
    ) -> FlipFigures {
        let (next, total) = (AtomicUsize::new(0), Mutex::new(FlipFigures::default()));
        let work = || {
            let disk = self.disk.copy(0);
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return;
                }
                let figures = step(&disk, at);
                let mut total = total.lock().unwrap();
                total.tried += figures.tried;
                total.named += figures.named;
                total.torn += figures.torn;
                total.older += figures.older;
                if at % 1024 == 1023 {
                    progress(total.tried);
                }
            }
        };
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        *total.lock().unwrap()
    }
}

/// What verify finds now.
pub fn report(disk: &SimulatedDisk) -> Report {
    verify(&disk.observer(), &VerifyOptions::default(), |_| {}).unwrap()
}

/// Findings, as lines.
pub fn problems(report: &Report) -> Vec<String> {
    report
        .all_problems()
        .map(|problem| {
            let service = problem.service.as_deref().unwrap_or("-");
            let (first, last) = (problem.first_seq, problem.last_seq);
            let kind = problem.kind.name();
            format!("{kind} {service} {first:?} {last:?} in {}: {}", problem.file, problem.detail)
        })
        .collect()
}

/// Whether a finding names this byte of this file.
fn names(report: &Report, path: &str, byte: u64) -> bool {
    report.all_problems().any(|problem| {
        let range = problem.detail.strip_prefix("bytes ").and_then(|rest| rest.split_once(": "));
        let range = range.and_then(|(range, _)| range.split_once(" to "));
        problem.file == path
            && range.is_some_and(|(from, to)| {
                let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
                (from..to).contains(&byte)
            })
    })
}
