//! A bench program that starts itself again: for what must be a process of its own, or must end like a crash.
//!
//! The child runs the same code as the `sealog` command, so nothing but the bench has to be built.

use crate::Outcome;
use crate::timing::{Stopwatch, cpu_time};
use clap::Parser;
use sealog_engine::reader::Reader;
use sealog_engine::store::{Options, Store};
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// First argument of a child.
const MARK: &str = "--sealog-bench-child";

/// What a child did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ran {
    /// From before the process was started until after it had ended.
    pub wall: Duration,
    /// What it measured itself, where it does.
    pub inner: Duration,
    /// Processor time of all its threads.
    pub cpu: Duration,
    /// The most memory that it held at once (`VmHWM` of proc_pid_status(5)).
    pub memory_bytes_max: u64,
}

/// To be called first in `main`: runs the child's part, and gives its exit code, if this is one.
pub fn run() -> Option<ExitCode> {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some(MARK) {
        return None;
    }
    let act = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let path = args.first().map(Path::new).unwrap_or(Path::new(""));
    let result = match act.as_str() {
        "sealog" => sealog_command(args),
        "fill" => fill(path, &args),
        "open-store" => open_store(path),
        "open-reader" => open_reader(path),
        other => Err(format!("unknown act {other}").into()),
    };
    let code = match result {
        Ok(inner) => {
            report(inner);
            0
        }
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the parent shows it")]
            {
                eprintln!("{error}");
            }
            1
        }
    };
    // A store that is still open is not closed: it stays as a killed process would leave it.
    std::process::exit(code)
}

/// Runs a child: an act of this file and its arguments.
///
/// # Errors
/// The system's, or what the child says.
pub fn start(act: &str, args: &[&str]) -> Outcome<Ran> {
    let started = Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .args([MARK, act])
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut text = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut text)?;
    }
    let status = child.wait()?;
    let wall = started.elapsed();
    let said = text.lines().rev().find_map(|line| line.strip_prefix(MARK)).filter(|_| status.success());
    let Some(said) = said else { return Err(format!("{act} {args:?} failed: {text}").into()) };
    let numbers: Vec<u64> = said.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [inner, cpu, memory_bytes_max] = numbers[..] else { return Err(format!("{act} said {said}").into()) };
    Ok(Ran { wall, inner: Duration::from_nanos(inner), cpu: Duration::from_nanos(cpu), memory_bytes_max })
}

#[expect(clippy::print_stderr, reason = "the parent reads it")]
fn report(inner: Duration) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 = peak.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    eprintln!("{MARK} {} {} {}", inner.as_nanos(), cpu_time().as_nanos(), kilobytes * 1024);
}

/// The `sealog` command.
fn sealog_command(args: Vec<String>) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    let cli = sealog::cli::Cli::try_parse_from(std::iter::once("sealog".to_owned()).chain(args))?;
    sealog::run(cli).map_err(|failure| format!("{failure:?}"))?;
    Ok(watch.lap().wall)
}

/// Makes a store of so many entries; `killed` leaves it open.
fn fill(path: &Path, args: &[String]) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    let [_, entries, end] = args else { return Err("expected a directory, a number and an end".into()) };
    let store = crate::stores::fill(path, entries.parse()?)?;
    if end == "killed" {
        std::mem::forget(store);
    } else {
        store.close()?;
    }
    Ok(watch.lap().wall)
}

fn open_store(path: &Path) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    let store = Store::open(path, Options { create: false, ..Options::default() })?;
    let lap = watch.lap();
    std::mem::forget(store);
    Ok(lap.wall)
}

fn open_reader(path: &Path) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    let reader = Reader::open(path)?;
    let lap = watch.lap();
    if !reader.view().damage().is_empty() {
        return Err("the store is damaged".into());
    }
    Ok(lap.wall)
}
