//! The long campaign: random stories on a simulated disk, one seed after the other, until a promise breaks.
//!
//! `cargo run --release -p sealog-tests --bin simulate -- --runs 200000 --seed 1 --threads 2`
//! `cargo run --release -p sealog-tests --bin simulate -- --repeat 4711` runs one seed again with a trace.
//!
//! With `--large 1` every run begins on a store of 64 MiB whose journal file is all but full; such a run takes about a
//! second and most of them begin the next file.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a campaign tells a person what it does")]

use sealog_tests::simulation::disk::SimulatedDisk;
use sealog_tests::simulation::driver::Figures;
use sealog_tests::simulation::model::Model;
use sealog_tests::simulation::run::{Beginning, run};
use sealog_tests::simulation::script::nearly_full;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// More failures than this say nothing new.
const FAILURES_SHOWN_MAX: usize = 10;

struct Arguments {
    runs: u64,
    seed: u64,
    threads: u64,
    repeat: Option<u64>,
    is_large: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { runs: 100_000, seed: 1, threads: 2, repeat: None, is_large: false };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().and_then(|value| value.parse().ok());
        let value = value.ok_or_else(|| format!("{name}: expected a number"))?;
        match name.as_str() {
            "--runs" => arguments.runs = value,
            "--seed" => arguments.seed = value,
            "--threads" => arguments.threads = value.max(1),
            "--repeat" => arguments.repeat = Some(value),
            "--large" => arguments.is_large = value == 1,
            _ => {
                let expected = "--runs N, --seed S, --threads T, --repeat S or --large 1";
                return Err(format!("expected {expected}, found {name}"));
            }
        }
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    // A broken promise is a panic that `run` catches: it is shown once, with its seed.
    std::panic::set_hook(Box::new(|panic| {
        if let Some(place) = panic.location() {
            BROKEN_AT.with(|broken| broken.set(Some((place.file().to_owned(), place.line()))));
        }
    }));
    let beginnings = Beginnings(arguments.is_large.then(nearly_full));
    match arguments.repeat {
        Some(seed) => repeat(seed, &beginnings),
        None => campaign(&arguments, &beginnings),
    }
}

/// What runs begin with: an empty disk, or a copy of this store.
struct Beginnings(Option<(SimulatedDisk, Model)>);

impl Beginnings {
    fn next(&self, seed: u64) -> Beginning {
        match &self.0 {
            None => Beginning::Empty,
            Some((disk, model)) => Beginning::Store(disk.copy(seed), Box::new(model.clone())),
        }
    }
}

thread_local! {
    static BROKEN_AT: std::cell::Cell<Option<(String, u32)>> = const { std::cell::Cell::new(None) };
}

fn broken_at() -> String {
    BROKEN_AT.take().map_or(String::new(), |(file, line)| format!(" ({file}:{line})"))
}

fn repeat(seed: u64, beginnings: &Beginnings) -> ExitCode {
    let outcome = run(seed, beginnings.next(seed), true);
    outcome.trace.iter().for_each(|line| println!("{line}"));
    println!("{:#?}", outcome.figures);
    let Some(broken) = outcome.broken else { return ExitCode::SUCCESS };
    println!("seed {seed}{}: {broken}", broken_at());
    ExitCode::FAILURE
}

fn campaign(arguments: &Arguments, beginnings: &Beginnings) -> ExitCode {
    let started = Instant::now();
    let next = AtomicU64::new(0);
    let total = Mutex::new((Figures::default(), 0));
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| work(arguments, beginnings, &next, &total, started));
        }
    });
    let (figures, failure_count) = total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let seconds = started.elapsed().as_secs_f64();
    let crashes = figures.power_cuts + figures.kills;
    println!("seeds {} to {}", arguments.seed, arguments.seed + arguments.runs - 1);
    println!("{figures:#?}");
    println!(
        "{crashes} crashes in {seconds:.1} s, {:.0} a second and thread",
        crashes as f64 / seconds / arguments.threads as f64
    );
    println!("runs with an entry lost, a hole or any other broken promise: {failure_count}");
    if failure_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(
    arguments: &Arguments,
    beginnings: &Beginnings,
    next: &AtomicU64,
    total: &Mutex<(Figures, usize)>,
    started: Instant,
) {
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= arguments.runs {
            return;
        }
        let seed = arguments.seed.wrapping_add(at);
        let outcome = run(seed, beginnings.next(seed), false);
        let mut total = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        total.0.add(&outcome.figures);
        if let Some(broken) = outcome.broken {
            total.1 += 1;
            if total.1 <= FAILURES_SHOWN_MAX {
                println!("seed {seed}{}: {broken}", broken_at());
                let large = if arguments.is_large { " --large 1" } else { "" };
                println!(
                    "  again: cargo run --release -p sealog-tests --bin simulate -- --repeat {seed}{large}"
                );
            }
        }
        if total.0.runs.is_multiple_of(if arguments.is_large { 100 } else { 20_000 }) {
            let crashes = total.0.power_cuts + total.0.kills;
            println!("{} runs, {crashes} crashes, {:.0} s", total.0.runs, started.elapsed().as_secs_f64());
        }
    }
}
