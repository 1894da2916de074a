//! How often each key may: token buckets that hold a second's worth.

use crate::config::Rates as Config;
use crate::http::Problem;
use hyper::StatusCode;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Instant;

/// Keys that are remembered; those that rested for a second are forgotten first.
const KEYS_MAX: usize = 10_000;

/// What each key used of its second.
pub struct Rates {
    per_second: [f64; 3],
    keys: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    left: [f64; 3],
    at: Instant,
}

const REQUESTS: usize = 0;
const ENTRIES: usize = 1;
const BYTES: usize = 2;
const WHAT: [&str; 3] = ["requests", "entries", "bytes"];

impl Rates {
    /// Rates as they are set.
    pub fn new(config: &Config) -> Rates {
        let per_second = [config.requests_per_second, config.entries_per_second, config.bytes_per_second];
        Rates { per_second: per_second.map(f64::from), keys: Mutex::default() }
    }

    /// Takes a request of a key's.
    ///
    /// # Errors
    /// 429 when there is none left.
    pub fn request(&self, key: &str) -> Result<(), Problem> {
        self.take(key, REQUESTS, 1.0)
    }

    /// Takes entries and bytes of a key's. A batch larger than a second's worth passes when nothing was used.
    ///
    /// # Errors
    /// 429 when there are not as many left.
    pub fn append(&self, key: &str, entries: usize, bytes: usize) -> Result<(), Problem> {
        // Neither is ever near the numbers that a float does not hold.
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        self.take(key, ENTRIES, number(entries))?;
        self.take(key, BYTES, number(bytes))
    }

    fn take(&self, key: &str, what: usize, count: f64) -> Result<(), Problem> {
        let limit = self.per_second[what];
        if limit == 0.0 {
            return Ok(());
        }
        let now = Instant::now();
        let mut keys = self.keys.lock();
        if keys.len() >= KEYS_MAX {
            keys.retain(|_, bucket| now.duration_since(bucket.at).as_secs_f64() < 1.0);
        }
        let full = || Bucket { left: self.per_second, at: now };
        let bucket = keys.entry(key.to_owned()).or_insert_with(full);
        let passed = now.duration_since(bucket.at).as_secs_f64();
        bucket.at = now;
        for (left, limit) in bucket.left.iter_mut().zip(self.per_second) {
            *left = (*left + passed * limit).min(limit);
        }
        if bucket.left[what] < count.min(limit) {
            let detail = format!("this key may {limit} {} a second, and used them; try again", WHAT[what]);
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(1));
        }
        // Below zero for a batch that is larger than all: it is paid off before the next.
        bucket.left[what] -= count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_used_its_second_waits_and_others_go_on() {
        let config = Config { requests_per_second: 2, entries_per_second: 10, bytes_per_second: 0 };
        let rates = Rates::new(&config);
        assert!(rates.request("a").is_ok() && rates.request("a").is_ok());
        assert_eq!(rates.request("a").unwrap_err().status, StatusCode::TOO_MANY_REQUESTS);
        assert!(rates.request("b").is_ok());
        assert!(rates.append("a", 1000, 1 << 30).is_ok(), "larger than all, and nothing was used");
        assert!(rates.append("a", 1, 0).is_err(), "it is paid off first");
    }
}
