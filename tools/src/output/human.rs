//! Numbers, times and hashes as people read them.

use sealog_engine::model::Timestamp;

/// `1234567` as `1 234 567`, with narrow no-break spaces left to typographers: a plain space.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

/// So many of something, with the noun that the number wants: `1 entry`, `0 entries`, `2 500 entries`. A verb that
/// depends on the number is part of the noun.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Bytes in the largest binary unit that leaves at least one.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A time without its nanoseconds: `2026-11-21 14:05:06.123`.
pub fn time(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{} {}", &text[..10], &text[11..23])
}

/// Seconds with as many digits as matter.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

/// So many a second.
pub fn rate(number: u64, seconds: f64) -> String {
    if seconds <= 0.0 {
        return "–".to_owned();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate to show, far below 2^63"
    )]
    let rate = (number as f64 / seconds) as u64;
    let rounded = match rate {
        0..1_000 => rate,
        1_000..1_000_000 => rate / 100 * 100,
        _ => rate / 10_000 * 10_000,
    };
    format!("{}/s", count(rounded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(counted(0, "entry", "entries"), "0 entries");
        assert_eq!(counted(1, "entry was", "entries were"), "1 entry was");
        assert_eq!(counted(2500, "line", "lines"), "2 500 lines");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(time(Timestamp::from_nanos(0)), "1970-01-01 00:00:00.000");
        assert_eq!(rate(1_234_567, 1.0), "1 230 000/s");
    }
}
