//! Cursors: places in the log, and in lists of processes, as opaque texts, for callers that are given pages.
//!
//! A cursor is sealed for the scope that it was made in: nobody makes one up, takes one to another scope, or learns from
//! one when others' entries were committed. The MAC of the place serves as the nonce that hides it (a synthetic
//! initialization vector, RFC 5297): the same place in the same scope is the same text.

use super::Store;
use crate::hex;
use crate::model::Timestamp;
use crate::process;
use crate::scan::{Position, Scope};

/// First byte of what is sealed.
const ENTRY: u8 = 1;
const PROCESS: u8 = 2;
/// Bytes of its MAC.
const MAC_BYTES: usize = 16;
/// A service, times and numbers take less.
const CURSOR_BYTES_MAX: usize = 512;

/// A text that is no cursor of this store, or one of another scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a cursor that this store gave for the same access, found another text: ask for the first page again"
)]
pub struct CursorError;

impl Store {
    /// A text for a place, that means the same within this scope as long as the store has its secret.
    pub fn cursor(&self, position: &Position, scope: &Scope) -> String {
        let mut bytes = vec![ENTRY];
        bytes.extend_from_slice(&position.logged_at.nanos().to_be_bytes());
        bytes.extend_from_slice(&position.seq.to_be_bytes());
        bytes.extend_from_slice(position.service.as_bytes());
        self.seal(bytes, scope)
    }

    /// The place that a cursor stands for.
    ///
    /// # Errors
    /// Anything but what [`Store::cursor`] gave within this scope.
    pub fn position(&self, cursor: &str, scope: &Scope) -> Result<Position, CursorError> {
        let bytes = self.unseal(cursor, ENTRY, scope)?;
        let (logged_at, rest) = bytes.split_first_chunk().ok_or(CursorError)?;
        let (seq, service) = rest.split_first_chunk().ok_or(CursorError)?;
        Ok(Position {
            logged_at: Timestamp::from_nanos(i64::from_be_bytes(*logged_at)),
            seq: u64::from_be_bytes(*seq),
            service: String::from_utf8(service.to_vec()).map_err(|_| CursorError)?,
        })
    }

    /// As [`Store::cursor`], for a place in a list of processes.
    pub fn process_cursor(&self, place: &process::Cursor, scope: &Scope) -> String {
        let mut bytes = vec![PROCESS];
        bytes.extend_from_slice(place.to_string().as_bytes());
        self.seal(bytes, scope)
    }

    /// As [`Store::position`], of [`Store::process_cursor`].
    ///
    /// # Errors
    /// Anything but what [`Store::process_cursor`] gave within this scope.
    pub fn process_position(&self, cursor: &str, scope: &Scope) -> Result<process::Cursor, CursorError> {
        let bytes = self.unseal(cursor, PROCESS, scope)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| CursorError)?;
        process::Cursor::parse(text).map_err(|_| CursorError)
    }

    fn seal(&self, mut bytes: Vec<u8>, scope: &Scope) -> String {
        let mac = self.cursor_mac(&bytes, scope);
        self.hide(&mut bytes, mac);
        bytes.extend_from_slice(&mac.to_be_bytes());
        hex::encode(&bytes)
    }

    fn unseal(&self, cursor: &str, kind: u8, scope: &Scope) -> Result<Vec<u8>, CursorError> {
        if cursor.len() > 2 * CURSOR_BYTES_MAX {
            return Err(CursorError);
        }
        let mut bytes = hex::decode_all(cursor).ok_or(CursorError)?;
        let mac = bytes.split_last_chunk::<MAC_BYTES>().map(|(_, mac)| *mac).ok_or(CursorError)?;
        bytes.truncate(bytes.len() - MAC_BYTES);
        let mac = u128::from_be_bytes(mac);
        self.hide(&mut bytes, mac);
        if self.cursor_mac(&bytes, scope) != mac || bytes.first() != Some(&kind) {
            return Err(CursorError);
        }
        bytes.remove(0);
        Ok(bytes)
    }

    /// Hides bytes, or shows them again.
    fn hide(&self, bytes: &mut [u8], mac: u128) {
        for (block, chunk) in (0_u64..).zip(bytes.chunks_mut(16)) {
            let parts = [b"cursor key".as_slice(), &mac.to_be_bytes(), &block.to_be_bytes()];
            let key = self.pipeline.secret().mac_of_parts(parts).to_be_bytes();
            chunk.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        }
    }

    fn cursor_mac(&self, bytes: &[u8], scope: &Scope) -> u128 {
        let lists = [scope.tenant_list(), scope.organization_list()];
        let mut parts: Vec<&[u8]> = vec![b"cursor", bytes];
        for list in lists {
            // All is told apart from none, and where a list ends.
            parts.push(if list.is_some() { b"these" } else { b"all" });
            parts.extend(list.into_iter().flatten().map(|name| name.as_bytes()));
            parts.push(b"");
        }
        self.pipeline.secret().mac_of_parts(parts)
    }
}
