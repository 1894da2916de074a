//! Repetitions and what is said of them: median, least and most; percentiles of latencies.

use crate::Outcome;
use rustix::time::{ClockId, clock_gettime};
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// One figure of several repetitions.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// None yet.
    pub const fn new() -> Samples {
        Samples(Vec::new())
    }

    /// Adds a repetition's.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one, or the mean of the middle two.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// Shows median, least and most, each by `show`.
    pub fn show(&self, show: impl Fn(f64) -> String) -> String {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match self.0.len() {
            0 => "–".to_owned(),
            1 => show(least),
            _ => format!("{} [{} – {}]", show(self.median()), show(least), show(most)),
        }
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Samples {
        Samples(values.into_iter().collect())
    }
}

/// The value below which `share` of the latencies lie (nearest rank).
pub fn percentile(latencies: &mut [Duration], share: f64) -> Duration {
    latencies.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank within the slice")]
    let rank = (latencies.len() as f64 * share).ceil() as usize;
    latencies.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Wall time and processor time of all threads.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

/// What a stopwatch shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lap {
    /// What the wall clock says.
    pub wall: Duration,
    /// What all threads of this process took together.
    pub cpu: Duration,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Stopwatch {
        Stopwatch { wall: Instant::now(), cpu: cpu_time() }
    }

    /// Time since the start.
    pub fn lap(&self) -> Lap {
        Lap { wall: self.wall.elapsed(), cpu: cpu_time().saturating_sub(self.cpu) }
    }
}

/// Processor time of this process so far.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// How many a second.
pub fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Waits until nothing of what was measured before is still to be written.
///
/// # Errors
/// The system's.
pub fn settle(directory: &Path) -> Outcome<()> {
    Ok(rustix::fs::syncfs(std::fs::File::open(directory)?)?)
}

/// A rate with a unit that fits: `1.23 M/s`.
pub fn show_rate(rate: f64) -> String {
    match rate {
        1e6.. => format!("{:.2} M/s", rate / 1e6),
        1e3.. => format!("{:.1} k/s", rate / 1e3),
        _ => format!("{rate:.1} /s"),
    }
}

/// A rate of bytes: `1.23 GB/s`.
pub fn show_byte_rate(rate: f64) -> String {
    if rate >= 1e9 { format!("{:.2} GB/s", rate / 1e9) } else { format!("{:.0} MB/s", rate / 1e6) }
}

/// Seconds with a unit that fits.
pub fn show_seconds(seconds: f64) -> String {
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        1e-3.. => format!("{:.1} ms", seconds * 1e3),
        1e-6.. => format!("{:.1} µs", seconds * 1e6),
        _ => format!("{:.1} ns", seconds * 1e9),
    }
}

/// Bytes with a unit that fits.
pub fn show_bytes(bytes: impl Into<u64>) -> impl fmt::Display {
    let bytes: u64 = bytes.into();
    match bytes {
        1_000_000_000.. => format!("{:.2} GB", bytes as f64 / 1e9),
        1_000_000.. => format!("{:.1} MB", bytes as f64 / 1e6),
        1_000.. => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{bytes} B"),
    }
}

/// A factor.
pub fn show_ratio(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}
