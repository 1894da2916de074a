//! What the files below `state/` have in common: a magic, the store's ID, and a CRC over everything before it.

/// Bytes that are not such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct StateFileError(pub &'static str);

/// Reads what is behind the store's ID.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Opens a file of a store; `magic_expected` says what it begins with.
    pub(super) fn open(
        bytes: &'a [u8],
        magic: &[u8; 8],
        magic_expected: &'static str,
        store_id: &[u8; 16],
    ) -> Result<Reader<'a>, StateFileError> {
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or(StateFileError("a header and a CRC"))?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(StateFileError("bytes that their CRC covers"));
        }
        let mut reader = Reader { rest: body };
        if reader.fixed::<8>()? != *magic {
            return Err(StateFileError(magic_expected));
        }
        if reader.fixed::<16>()? != *store_id {
            return Err(StateFileError("a file of this store"));
        }
        Ok(reader)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], StateFileError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(StateFileError("more bytes"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], StateFileError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(StateFileError("more bytes"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A count that is bounded before it sizes anything.
    pub(super) fn count(&mut self, max: usize) -> Result<usize, StateFileError> {
        let count = u32::from_le_bytes(self.fixed()?) as usize;
        if count > max { Err(StateFileError("counts within the store's limits")) } else { Ok(count) }
    }

    /// A service's name behind its length.
    pub(super) fn service(&mut self) -> Result<Box<str>, StateFileError> {
        let [length] = self.fixed()?;
        let text = std::str::from_utf8(self.take(usize::from(length))?);
        text.map(Box::from).map_err(|_| StateFileError("a service's name"))
    }
}
