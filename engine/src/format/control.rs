//! Maps under key 40 of a control record: what the control chain says (docs/integrity.md, "The control chain").

use super::cbor::{self, CborError, Reader};
use crate::limits;
use crate::proof::Hash;

/// Kind of an entry, in its skeleton.
pub mod kind {
    /// A producer's entry.
    pub const ENTRY: u8 = 0;
    /// A digest of every chain and line.
    pub const HEADS: u8 = 4;
    /// A wall clock that stepped.
    pub const CLOCK: u8 = 6;
}

/// Activity of a `heads` record.
pub const HEADS_ACTIVITY: &str = "log.heads";
/// Activity of a clock record.
pub const CLOCK_ACTIVITY: &str = "log.clock";

/// Kind 4: where every chain and line stood. A record holds at most 1 000 rows; more go on in the next entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Root of the directory.
    pub directory_root: Hash,
    /// Rows of the directory.
    pub directory_rows: u64,
    /// Chains that grew since the `heads` before: (service, size, newest leaf).
    pub chains: Vec<ChainHead>,
}

/// Where one chain stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The chain's service.
    pub service: String,
    /// Its entries.
    pub size: u64,
    /// Its newest leaf.
    pub leaf: Hash,
}

impl Heads {
    /// The control map.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.chains.len() * 64);
        cbor::map(&mut out, 3);
        cbor::unsigned(&mut out, 1);
        cbor::bytes(&mut out, &self.directory_root);
        cbor::unsigned(&mut out, 2);
        cbor::unsigned(&mut out, self.directory_rows);
        cbor::unsigned(&mut out, 3);
        cbor::array(&mut out, self.chains.len());
        for chain in &self.chains {
            cbor::array(&mut out, 3);
            cbor::text(&mut out, &chain.service);
            cbor::unsigned(&mut out, chain.size);
            cbor::bytes(&mut out, &chain.leaf);
        }
        out
    }

    /// Reads a control map.
    ///
    /// # Errors
    /// Where the bytes are not one.
    pub fn decode(bytes: &[u8]) -> Result<Heads, CborError> {
        let mut reader = Reader::new(bytes);
        expect(reader.map()?, 3, &reader, "a map of 3")?;
        expect_key(&mut reader, 1)?;
        let directory_root = reader.fixed()?;
        expect_key(&mut reader, 2)?;
        let directory_rows = reader.unsigned()?;
        expect_key(&mut reader, 3)?;
        let count = reader.array()?;
        if count > limits::CONTROL_ROWS_MAX {
            return Err(reader.error("at most 1000 rows"));
        }
        let mut chains = Vec::with_capacity(count);
        for _ in 0..count {
            expect(reader.array()?, 3, &reader, "[service, size, leaf]")?;
            let service = reader.text()?.to_owned();
            chains.push(ChainHead { service, size: reader.unsigned()?, leaf: reader.fixed()? });
        }
        reader.end()?;
        Ok(Heads { directory_root, directory_rows, chains })
    }
}

/// Kind 6: the wall clock stepped, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// What the clock should have said.
    pub before: i64,
    /// What it said.
    pub after: i64,
}

impl ClockStep {
    /// The control map.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        cbor::map(&mut out, 2);
        cbor::unsigned(&mut out, 1);
        cbor::signed(&mut out, self.before);
        cbor::unsigned(&mut out, 2);
        cbor::signed(&mut out, self.after);
        out
    }

    /// Reads a control map.
    ///
    /// # Errors
    /// Where the bytes are not one.
    pub fn decode(bytes: &[u8]) -> Result<ClockStep, CborError> {
        let mut reader = Reader::new(bytes);
        expect(reader.map()?, 2, &reader, "a map of 2")?;
        expect_key(&mut reader, 1)?;
        let before = reader.signed()?;
        expect_key(&mut reader, 2)?;
        let after = reader.signed()?;
        reader.end()?;
        Ok(ClockStep { before, after })
    }
}

fn expect(found: usize, wanted: usize, reader: &Reader<'_>, expected: &'static str) -> Result<(), CborError> {
    if found == wanted { Ok(()) } else { Err(reader.error(expected)) }
}

fn expect_key(reader: &mut Reader<'_>, wanted: u64) -> Result<(), CborError> {
    let start = reader.clone();
    if reader.unsigned()? == wanted { Ok(()) } else { Err(start.error("the next key of the control map")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_round_trip_and_truncations_are_errors() {
        let chain = ChainHead { service: "mail-api".to_owned(), size: 7, leaf: [2; 32] };
        let heads = Heads { directory_root: [1; 32], directory_rows: 300, chains: vec![chain; 30] };
        let step = ClockStep { before: -5, after: i64::MAX };
        let (heads_bytes, step_bytes) = (heads.encode(), step.encode());
        assert_eq!(Heads::decode(&heads_bytes), Ok(heads));
        assert_eq!(ClockStep::decode(&step_bytes), Ok(step));
        for end in 0..heads_bytes.len() {
            assert!(Heads::decode(&heads_bytes[..end]).is_err());
        }
        for end in 0..step_bytes.len() {
            assert!(ClockStep::decode(&step_bytes[..end]).is_err());
        }
    }
}
