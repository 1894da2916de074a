//! Times and stretches of time as people type them.

use sealog_engine::model::Timestamp;

/// A stretch back from now, in nanoseconds: `15m`, `2h`, `3d`, `1w`, `30s`.
///
/// # Errors
/// What is accepted.
pub fn parse_stretch(text: &str) -> Result<i64, String> {
    let expected =
        || format!("expected a number and a unit of s, m, h, d or w, such as 15m or 7d, found {text:?}");
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(expected()),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(expected());
    }
    let count: i64 = digits.parse().map_err(|_| expected())?;
    count
        .checked_mul(seconds)
        .and_then(|seconds| seconds.checked_mul(1_000_000_000))
        .filter(|nanos| *nanos > 0)
        .ok_or_else(|| format!("expected a stretch of 1s to 290 years, found {text:?}"))
}

/// An RFC 3339 time, or a date, which is its midnight in UTC.
///
/// # Errors
/// What is accepted.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    let is_date = text.len() == 10 && !text.contains(['T', 't', ' ']);
    let whole = if is_date { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&whole).map_err(|_| {
        format!("expected a time such as 2026-11-21T14:05:06Z or a date such as 2026-11-21, found {text:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches() {
        assert_eq!(parse_stretch("15m"), Ok(900_000_000_000));
        assert_eq!(parse_stretch("1w"), Ok(604_800_000_000_000));
        for bad in ["", "m", "15", "15 m", "-1h", "1y", "1.5h", "0d", "99999999999w", "١m"] {
            assert!(parse_stretch(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bare_date_is_midnight_utc() {
        assert_eq!(parse_time("2026-11-21"), Ok(Timestamp::parse("2026-11-21T00:00:00Z").unwrap()));
        assert!(parse_time("2026-11-31").is_err());
        assert!(parse_time("").is_err());
        assert!(parse_time("21.11.2026").is_err());
    }
}
