//! The key in an `Authorization` header, in each of the forms in which producers' programs send one.

use crate::ingest::base64::from_base64;
use std::borrow::Cow;

/// The key that the header's value carries; none if it carries none.
///
/// `Bearer KEY` is what the API says. Elasticsearch's clients send `ApiKey KEY` or `ApiKey base64(id:KEY)`, and whoever
/// knows user names and passwords alone sends `Basic base64(user:KEY)`, where the name does not matter.
pub fn key(authorization: &str) -> Option<Cow<'_, str>> {
    let (scheme, credential) = authorization.trim().split_once(' ')?;
    let credential = credential.trim_start();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Cow::Borrowed(credential));
    }
    let is_api_key = scheme.eq_ignore_ascii_case("apikey");
    if is_api_key && credential.starts_with("slg_") {
        return Some(Cow::Borrowed(credential));
    }
    if !is_api_key && !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(from_base64(credential)?).ok()?;
    let (_, key) = pair.split_once(':')?;
    Some(Cow::Owned(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_the_same_key() {
        // base64 of "user:slg_a_b" and of ":slg_a_b".
        for header in [
            "Bearer slg_a_b",
            "bearer  slg_a_b",
            "ApiKey slg_a_b",
            "ApiKey dXNlcjpzbGdfYV9i",
            "Basic OnNsZ19hX2I=",
        ] {
            assert_eq!(key(header).as_deref(), Some("slg_a_b"), "{header}");
        }
        for header in ["", "slg_a_b", "Digest x", "Basic !", "Basic c2xn", "ApiKey x"] {
            assert_eq!(key(header), None, "{header}");
        }
    }
}
