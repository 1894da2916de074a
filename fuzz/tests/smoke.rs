//! Every target over its corpus, and over some thousand mutations of it: what CI runs without libFuzzer.
//!
//! Goal: no target rots, and no finding comes back. Method: a fixed seed, so that every run does the same. A panic
//! prints the input's file, which then belongs into the corpus.

#![expect(clippy::unwrap_used, reason = "a test: whatever fails here must be seen")]

use sealog_fuzz::{TARGETS, Target, read_whole, seeds};
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Mutations of each target. A journal costs about a hundred times what a record does.
fn rounds(target: &Target) -> usize {
    if target.name == "journal" { 3_000 } else { 20_000 }
}

/// No input of the corpus is larger than 32 KiB: whatever it says, reading it needs no more than this.
const MEMORY_KILOBYTES_MAX: u64 = 256 << 10;

/// The most memory that this process has held at once (`VmHWM` of proc_pid_status(5)); 0 where it is not told.
fn peak_memory_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut files: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus in {}", directory.display());
    files
}

#[test]
fn every_input_of_the_corpus_passes() {
    let mut failed = Vec::new();
    for target in &TARGETS {
        for (path, bytes) in corpus(target) {
            let before = peak_memory_kilobytes();
            let has_passed = catch_unwind(|| (target.run)(&bytes)).is_ok();
            if !has_passed || peak_memory_kilobytes().saturating_sub(before) > MEMORY_KILOBYTES_MAX {
                failed.push(path);
            }
        }
    }
    assert!(failed.is_empty(), "inputs that break a promise: {failed:#?}");
}

#[test]
fn mutated_inputs_pass() {
    std::thread::scope(|scope| {
        let runs: Vec<_> = TARGETS.iter().map(|target| scope.spawn(|| mutate_all(target))).collect();
        let failed: Vec<PathBuf> = runs.into_iter().filter_map(|run| run.join().unwrap()).collect();
        assert!(failed.is_empty(), "inputs that break a promise: {failed:#?}");
    });
}

#[test]
fn seeds_are_valid_where_they_say_so() {
    let all = seeds().unwrap();
    for target in &TARGETS {
        let own = all.iter().filter(|seed| seed.target == target.name).count();
        assert!(own >= 2, "{} has {own} seeds", target.name);
    }
    for seed in all.iter().filter(|seed| seed.target == "record") {
        assert!(sealog_engine::format::record::decode(&seed.bytes).is_ok(), "{}", seed.name);
    }
    for seed in all.iter().filter(|seed| seed.target == "journal") {
        // The payloads stand in frames of another time, so their leaves differ.
        assert_eq!(read_whole(&seed.bytes), seed.name != "seed-payloads", "{}", seed.name);
    }
}

/// The file of the first input that broke a promise, if any.
fn mutate_all(target: &Target) -> Option<PathBuf> {
    let inputs: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, bytes)| bytes).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..rounds(target) {
        let bytes = mutated(&inputs, &mut random);
        if catch_unwind(|| (target.run)(&bytes)).is_err() {
            let name = format!("{}-{:08x}", target.name, crc32fast::hash(&bytes));
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            #[expect(
                clippy::disallowed_methods,
                reason = "a scratch file for a person, not part of a store"
            )]
            fs::write(&path, &bytes).unwrap();
            return Some(path);
        }
    }
    None
}

/// xorshift64* (Vigna 2016): any sequence will do, as long as it stays the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % bound.max(1)
    }
}

fn mutated(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = inputs[random.below(inputs.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let length = 1 + random.below(16);
        let end = (at + length).min(bytes.len());
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            5 => {
                let word =
                    [0, 1, u64::MAX, u64::MAX >> 1, 1 << 63, 0xffff_ffff][random.below(6)].to_le_bytes();
                let end = (at + 8).min(bytes.len());
                bytes[at..end].copy_from_slice(&word[..end - at]);
            }
            6 => {
                let other = &inputs[random.below(inputs.len())];
                let from = random.below(other.len() + 1);
                let end = (from + 64).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            _ => {
                let drawn: Vec<u8> = (0..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
                bytes.splice(at..end, drawn);
            }
        }
    }
    bytes
}
