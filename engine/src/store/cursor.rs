//! Cursors: places in the log as opaque texts, for callers that are given pages.

use super::Store;
use crate::hex;
use crate::model::Timestamp;
use crate::scan::Position;

/// First byte of a cursor's bytes.
const VERSION: u8 = 1;
/// Bytes of its MAC.
const MAC_BYTES: usize = 8;
/// A service, times and numbers take less.
const CURSOR_BYTES_MAX: usize = 256;

/// A text that is no cursor of this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a cursor that this store gave, found another text: ask for the first page again")]
pub struct CursorError;

impl Store {
    /// A text for a place, that means the same as long as the store has its secret; made up by nobody else.
    pub fn cursor(&self, position: &Position) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&position.logged_at.nanos().to_be_bytes());
        bytes.extend_from_slice(&position.seq.to_be_bytes());
        bytes.extend_from_slice(position.service.as_bytes());
        let mac = self.cursor_mac(&bytes);
        bytes.extend_from_slice(&mac);
        hex::encode(&bytes)
    }

    /// The place that a cursor stands for.
    ///
    /// # Errors
    /// Anything but what [`Store::cursor`] gave.
    pub fn position(&self, cursor: &str) -> Result<Position, CursorError> {
        if cursor.len() > 2 * CURSOR_BYTES_MAX {
            return Err(CursorError);
        }
        let bytes = hex::decode_all(cursor).ok_or(CursorError)?;
        let (rest, mac) = bytes.split_last_chunk::<MAC_BYTES>().ok_or(CursorError)?;
        if self.cursor_mac(rest) != *mac {
            return Err(CursorError);
        }
        let (version, rest) = rest.split_first().ok_or(CursorError)?;
        let (logged_at, rest) = rest.split_first_chunk().ok_or(CursorError)?;
        let (seq, service) = rest.split_first_chunk().ok_or(CursorError)?;
        let service = std::str::from_utf8(service).map_err(|_| CursorError)?;
        if *version != VERSION {
            return Err(CursorError);
        }
        Ok(Position {
            logged_at: Timestamp::from_nanos(i64::from_be_bytes(*logged_at)),
            seq: u64::from_be_bytes(*seq),
            service: service.to_owned(),
        })
    }

    fn cursor_mac(&self, bytes: &[u8]) -> [u8; MAC_BYTES] {
        let mac = self.pipeline.secret().mac_of_parts([b"cursor".as_slice(), bytes]);
        let mut own = [0; MAC_BYTES];
        own.copy_from_slice(&mac.to_be_bytes()[..MAC_BYTES]);
        own
    }
}
