//! `STORE`: the store's name and identity, as a text that a person can read and a CRC that any flipped bit breaks.

use crate::hex;
use crate::model::{StoreName, Timestamp};

/// The format version of a store, in `STORE`.
pub const STORE_VERSION: u32 = 1;

/// What `STORE` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFile {
    /// The store's name, the first part of every chain's origin.
    pub name: StoreName,
    /// 16 random bytes, drawn once.
    pub id: [u8; 16],
    /// When it was made.
    pub created: Timestamp,
}

/// A `STORE` that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFileError {
    /// Its bytes are not what was written; `salvaged` is what they still say, if they say it all.
    #[error("{detail}")]
    Damaged {
        /// What was expected and found.
        detail: String,
        /// The identity, where every line still reads: enough to go on and check the rest.
        salvaged: Option<StoreFile>,
    },
    /// A version that this program does not know.
    #[error("store format version {0}, this program reads version {STORE_VERSION}")]
    Version(u32),
}

impl StoreFile {
    /// The file's text.
    pub fn encode(&self) -> String {
        let body = format!(
            "sealog store\nversion {STORE_VERSION}\nname {}\nid {}\ncreated {}\n",
            self.name,
            hex::encode(&self.id),
            self.created
        );
        format!("{body}crc32 {:08x}\n", crc32fast::hash(body.as_bytes()))
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`StoreFileError::Version`] for an intact file of another version, else what is damaged about it.
    pub fn decode(bytes: &[u8]) -> Result<StoreFile, StoreFileError> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines();
        let mut value = |label: &str| {
            lines.next().and_then(|line| line.strip_prefix(label)).map(|value| value.trim().to_owned())
        };
        let first = value("sealog store");
        let version: Option<u32> = value("version ").and_then(|value| value.parse().ok());
        let name = value("name ").and_then(|value| StoreName::new(&value).ok());
        let id = value("id ").and_then(|value| hex::decode::<16>(&value));
        let created = value("created ").and_then(|value| Timestamp::parse(&value).ok());
        let (Some(_), Some(version), Some(name), Some(id), Some(created)) =
            (first, version, name, id, created)
        else {
            return Err(StoreFileError::Damaged {
                detail: "expected the lines `sealog store`, version, name, id, created and crc32".to_owned(),
                salvaged: None,
            });
        };
        let file = StoreFile { name, id, created };
        // Every byte counts: whoever reads the same values from other bytes has met damage.
        if file.encode().as_bytes() == bytes {
            return Ok(file);
        }
        let stored_crc = text.lines().nth(5).and_then(|line| line.strip_prefix("crc32 "));
        let body_end = text.find("crc32 ").unwrap_or(text.len());
        if version != STORE_VERSION
            && stored_crc == Some(&format!("{:08x}", crc32fast::hash(&text.as_bytes()[..body_end])))
        {
            return Err(StoreFileError::Version(version));
        }
        Err(StoreFileError::Damaged {
            detail: "its bytes do not agree with its crc32 line".to_owned(),
            salvaged: Some(file),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> StoreFile {
        StoreFile {
            name: StoreName::new("audit.example.com/log").unwrap(),
            id: *b"0123456789abcdef",
            created: Timestamp::from_nanos(1_700_000_000_000_000_001),
        }
    }

    #[test]
    fn every_flipped_bit_and_truncation_is_damage() {
        let bytes = file().encode().into_bytes();
        assert_eq!(StoreFile::decode(&bytes), Ok(file()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(StoreFile::decode(&flipped), Err(StoreFileError::Damaged { .. })), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(StoreFile::decode(&bytes[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn a_newer_version_is_named() {
        let body = file().encode().replace("version 1", "version 2");
        let body = &body[..body.find("crc32").unwrap()];
        let text = format!("{body}crc32 {:08x}\n", crc32fast::hash(body.as_bytes()));
        assert_eq!(StoreFile::decode(text.as_bytes()), Err(StoreFileError::Version(2)));
    }
}
