//! People who signed in: sessions in cookies, and links that sign in once.
//!
//! Only hashes of what they hold are kept, in memory: a restart signs everybody out. A session is as good as the key that
//! it began with, and ends with it.

use parking_lot::Mutex;
use sealog_engine::hex;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const TOKEN_BYTES: usize = 32;
/// A link is good for ten minutes.
pub const LINK_NS: i64 = 600 * 1_000_000_000;
/// Sessions and links at once; beyond them the oldest go.
const HELD_MAX: usize = 100_000;

type Hash = [u8; 32];

/// Sessions and links.
#[derive(Default)]
pub struct Sessions {
    sessions: Mutex<HashMap<Hash, Held>>,
    links: Mutex<HashMap<Hash, Held>>,
}

struct Held {
    key: String,
    until_ns: i64,
}

impl Sessions {
    /// A new session of a key; gives what the cookie holds.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn begin(&self, key: &str, now_ns: i64, lasts_ns: i64) -> std::io::Result<String> {
        hold(&self.sessions, key, now_ns, lasts_ns)
    }

    /// The key of a session.
    pub fn key_of(&self, token: &str, now_ns: i64) -> Option<String> {
        let sessions = self.sessions.lock();
        let held = sessions.get(&hash(token)).filter(|held| now_ns < held.until_ns)?;
        Some(held.key.clone())
    }

    /// Ends a session.
    pub fn end(&self, token: &str) {
        self.sessions.lock().remove(&hash(token));
    }

    /// A code that begins a session of a key once, within ten minutes.
    ///
    /// # Errors
    /// As [`Sessions::begin`].
    pub fn link(&self, key: &str, now_ns: i64) -> std::io::Result<String> {
        hold(&self.links, key, now_ns, LINK_NS)
    }

    /// The key of a code, which is none from then on.
    pub fn redeem(&self, code: &str, now_ns: i64) -> Option<String> {
        let held = self.links.lock().remove(&hash(code))?;
        (now_ns < held.until_ns).then_some(held.key)
    }
}

fn hold(all: &Mutex<HashMap<Hash, Held>>, key: &str, now_ns: i64, lasts_ns: i64) -> std::io::Result<String> {
    let mut token = [0; TOKEN_BYTES];
    getrandom::fill(&mut token).map_err(std::io::Error::other)?;
    let token = hex::encode(&token);
    let mut all = all.lock();
    if all.len() >= HELD_MAX {
        all.retain(|_, held| now_ns < held.until_ns);
        let oldest = all.iter().min_by_key(|(_, held)| held.until_ns).map(|(hash, _)| *hash);
        if let Some(oldest) = oldest.filter(|_| all.len() >= HELD_MAX) {
            all.remove(&oldest);
        }
    }
    all.insert(hash(&token), Held { key: key.to_owned(), until_ns: now_ns.saturating_add(lasts_ns) });
    Ok(token)
}

/// A lookup by the hash tells nothing by its time.
fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_signs_in_once_and_a_session_ends() {
        let sessions = Sessions::default();
        let code = sessions.link("k", 0).unwrap();
        assert_eq!(sessions.redeem("other", 0), None);
        assert_eq!(sessions.redeem(&code, LINK_NS - 1), Some("k".to_owned()));
        assert_eq!(sessions.redeem(&code, 1), None, "twice");
        let late = sessions.link("k", 0).unwrap();
        assert_eq!(sessions.redeem(&late, LINK_NS), None);
        let token = sessions.begin("k", 0, 10).unwrap();
        assert_eq!(sessions.key_of(&token, 9), Some("k".to_owned()));
        assert_eq!(sessions.key_of(&token, 10), None);
        sessions.end(&token);
        assert_eq!(sessions.key_of(&token, 0), None);
    }
}
