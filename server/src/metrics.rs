//! What the server counts, as Prometheus reads it.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the latency buckets, in seconds.
const BOUNDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// What the server counts.
#[derive(Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    appending: Latency,
    reading: Latency,
    /// Entries that were appended.
    pub entries: AtomicU64,
    /// Bytes of bodies that were appended.
    pub bytes: AtomicU64,
    /// Reads that could not be noted in the log.
    pub unnoted_reads: AtomicU64,
}

#[derive(Default)]
struct Latency {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_us: AtomicU64,
}

impl Latency {
    fn observe(&self, took: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < took.as_secs_f64());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, help: &str) {
        head(out, name, help, "histogram");
        let mut sum = 0;
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            sum += bucket.load(Ordering::Relaxed);
            line(out, &format!("{name}_bucket{{le=\"{bound}\"}}"), sum);
        }
        sum += self.buckets[BOUNDS.len()].load(Ordering::Relaxed);
        line(out, &format!("{name}_bucket{{le=\"+Inf\"}}"), sum);
        let micros = self.sum_us.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}_sum {}.{:06}", micros / 1_000_000, micros % 1_000_000);
        line(out, &format!("{name}_count"), sum);
    }
}

/// What is known of the moment.
pub struct Now<'n> {
    /// Appends that wait for their turn.
    pub appends_waiting: usize,
    /// The store takes no entries until it is started again.
    pub is_poisoned: bool,
    /// Each chain's service, size and whether it can be written.
    pub chains: &'n [(String, u64, bool)],
    /// Seconds since the last verification, and whether it found the store valid.
    pub verified: Option<(f64, bool)>,
}

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, route: &'static str, status: u16, took: Duration) {
        *self.requests.lock().entry((route, status)).or_default() += 1;
        match route {
            "POST /api/v1/entries" => self.appending.observe(took),
            route if route.starts_with("GET /api/v1/") && !route.ends_with("tail") => {
                self.reading.observe(took);
            }
            _ => {}
        }
    }

    /// All of it, in the text format of Prometheus.
    pub fn text(&self, now: &Now<'_>) -> String {
        let mut out = String::new();
        head(&mut out, "sealog_requests_total", "Requests by route and status.", "counter");
        for ((route, status), count) in &*self.requests.lock() {
            line(
                &mut out,
                &format!("sealog_requests_total{{route=\"{route}\",status=\"{status}\"}}"),
                *count,
            );
        }
        self.appending.write(
            &mut out,
            "sealog_append_seconds",
            "Time of append requests, the sync included.",
        );
        self.reading.write(&mut out, "sealog_read_seconds", "Time of requests that read.");
        let singles = [
            ("sealog_appended_entries_total", "Entries appended over HTTP.", "counter", load(&self.entries)),
            ("sealog_appended_bytes_total", "Bytes of bodies appended.", "counter", load(&self.bytes)),
            (
                "sealog_unnoted_reads_total",
                "Reads that could not be noted in sealog.access.",
                "counter",
                load(&self.unnoted_reads),
            ),
            ("sealog_appends_waiting", "Appends in the queue.", "gauge", now.appends_waiting as u64),
            (
                "sealog_poisoned",
                "1 if the store takes no entries until a restart.",
                "gauge",
                now.is_poisoned.into(),
            ),
        ];
        for (name, help, kind, value) in singles {
            head(&mut out, name, help, kind);
            line(&mut out, name, value);
        }
        head(&mut out, "sealog_chain_entries", "Entries of each chain.", "gauge");
        for (service, size, _) in now.chains {
            line(&mut out, &format!("sealog_chain_entries{{service=\"{service}\"}}"), *size);
        }
        head(&mut out, "sealog_chain_damaged", "1 if a chain does not read and takes no entries.", "gauge");
        for (service, _, is_writable) in now.chains {
            line(
                &mut out,
                &format!("sealog_chain_damaged{{service=\"{service}\"}}"),
                u64::from(!is_writable),
            );
        }
        if let Some((age, is_valid)) = now.verified {
            head(&mut out, "sealog_verification_age_seconds", "Since the last verification.", "gauge");
            let _ = writeln!(out, "sealog_verification_age_seconds {age:.3}");
            head(&mut out, "sealog_verification_valid", "1 if it found nothing.", "gauge");
            line(&mut out, "sealog_verification_valid", is_valid.into());
        }
        out
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

// Writing to a text does not fail.
fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, value: u64) {
    let _ = writeln!(out, "{name} {value}");
}
