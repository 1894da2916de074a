//! Every hash input of the integrity contract, each built in one place (docs/integrity.md has them as formulas).
//!
//! H is SHA-256 (FIPS 180-4). Integers are fixed-width big-endian. The prefix byte of each input keeps the kinds of
//! hash apart (RFC 6962 §2.1 does so for leaves and nodes).

use super::{Hash, Key, digest};

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;
const LINE_PREFIX: u8 = 0x02;
const BODY_PREFIX: u8 = 0x10;
const SALT_PREFIX: u8 = 0x11;

/// Bytes of a skeleton.
pub const LEAF_DATA_BYTES: usize = 104;
/// Bytes of a directory row.
pub const DIRECTORY_ROW_BYTES: usize = 77;

/// A salt: what keeps a cleared entry from being guessed.
pub type Salt = [u8; 16];

/// `<store name>/<service>`: which log a chain is.
pub fn origin(store_name: &str, service: &str) -> String {
    format!("{store_name}/{service}")
}

fn first16(hash: &Hash) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    first
}

/// First 16 bytes of `H("sealog chain v1\n" ‖ origin)`.
pub fn chain_id(origin: &str) -> [u8; 16] {
    first16(&digest(&[b"sealog chain v1\n", origin.as_bytes()]))
}

/// `prev` of a chain's first entry: `H("sealog genesis v1\n" ‖ store_id ‖ origin)`.
pub fn genesis(store_id: &[u8; 16], origin: &str) -> Hash {
    digest(&[b"sealog genesis v1\n", store_id, origin.as_bytes()])
}

/// First 16 bytes of `H("sealog line id v1\n" ‖ nonce ‖ chain_id ‖ tenant)`.
pub fn line_id(nonce: &[u8; 16], chain_id: &[u8; 16], tenant: &str) -> [u8; 16] {
    first16(&digest(&[b"sealog line id v1\n", nonce, chain_id, tenant.as_bytes()]))
}

/// A line's digest before its first entry: `H("sealog line v1\n" ‖ chain_id ‖ line_id)`.
pub fn line_start(chain_id: &[u8; 16], line_id: &[u8; 16]) -> Hash {
    digest(&[b"sealog line v1\n", chain_id, line_id])
}

/// Appends `0x11 ‖ K ‖ seq`, whose digest's first 16 bytes are the salt.
pub fn salt_message(key: &Key, seq: u64, message: &mut Vec<u8>) {
    message.push(SALT_PREFIX);
    message.extend(key);
    message.extend(seq.to_be_bytes());
}

/// The salt that a salt message's digest gives.
pub fn salt_of(hash: &Hash) -> Salt {
    first16(hash)
}

/// Appends `0x10 ‖ salt ‖ record`, whose digest is the body.
pub fn body_message(salt: &Salt, record: &[u8], message: &mut Vec<u8>) {
    message.push(BODY_PREFIX);
    message.extend(salt);
    message.extend(record);
}

/// What of an entry never goes: its skeleton but for `prev` and `body`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skeleton {
    /// 0 for a producer's entry, 1 to 7 for the log's own.
    pub kind: u8,
    /// The chain.
    pub chain_id: [u8; 16],
    /// Position in it.
    pub seq: u64,
    /// Commit time, nanoseconds since the epoch.
    pub logged_at: i64,
}

impl Skeleton {
    /// `"SLG1" ‖ kind ‖ 0x000000 ‖ chain_id ‖ seq ‖ logged_at ‖ prev ‖ body`.
    pub fn leaf_data(&self, prev: &Hash, body: &Hash) -> [u8; LEAF_DATA_BYTES] {
        let mut data = [0; LEAF_DATA_BYTES];
        data[0..4].copy_from_slice(b"SLG1");
        data[4] = self.kind;
        data[8..24].copy_from_slice(&self.chain_id);
        data[24..32].copy_from_slice(&self.seq.to_be_bytes());
        data[32..40].copy_from_slice(&self.logged_at.to_be_bytes());
        data[40..72].copy_from_slice(prev);
        data[72..104].copy_from_slice(body);
        data
    }

    /// Appends `0x00 ‖ leaf_data`, whose digest is the leaf (RFC 6962 §2.1) and the chain's link at once.
    pub fn leaf_message(&self, prev: &Hash, body: &Hash, message: &mut Vec<u8>) {
        message.push(LEAF_PREFIX);
        message.extend(self.leaf_data(prev, body));
    }
}

/// Appends `0x01 ‖ left ‖ right` (RFC 6962 §2.1).
pub fn node_message(left: &Hash, right: &Hash, message: &mut Vec<u8>) {
    message.push(NODE_PREFIX);
    message.extend(left);
    message.extend(right);
}

/// `H(0x01 ‖ left ‖ right)`.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    digest(&[&[NODE_PREFIX], left, right])
}

/// Appends `0x02 ‖ line ‖ leaf`, whose digest is the line one entry on.
pub fn line_message(line: &Hash, leaf: &Hash, message: &mut Vec<u8>) {
    message.push(LINE_PREFIX);
    message.extend(line);
    message.extend(leaf);
}

/// The root of a tree without leaves: `H("")` (RFC 6962 §2.1).
pub fn empty_root() -> Hash {
    digest(&[])
}

/// Whose row of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RowKind {
    /// A chain: its size and tree root.
    Chain = 0,
    /// A tenant's line in a chain: its size and digest.
    Line = 1,
}

/// One row of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryRow {
    /// A chain's row or a line's.
    pub kind: RowKind,
    /// The chain.
    pub chain_id: [u8; 16],
    /// The line; zero in a chain's row.
    pub line_id: [u8; 16],
    /// Entries.
    pub size: u64,
    /// Tree root of the chain, or digest of the line.
    pub digest: Hash,
}

impl DirectoryRow {
    /// `"SLGD" ‖ kind ‖ chain_id ‖ line_id ‖ size ‖ digest`.
    pub fn encode(&self) -> [u8; DIRECTORY_ROW_BYTES] {
        let mut row = [0; DIRECTORY_ROW_BYTES];
        row[0..4].copy_from_slice(b"SLGD");
        row[4] = self.kind as u8;
        row[5..21].copy_from_slice(&self.chain_id);
        row[21..37].copy_from_slice(&self.line_id);
        row[37..45].copy_from_slice(&self.size.to_be_bytes());
        row[45..77].copy_from_slice(&self.digest);
        row
    }

    /// Appends `0x00 ‖ row`, whose digest is the row's leaf in the directory's tree.
    pub fn leaf_message(&self, message: &mut Vec<u8>) {
        message.push(LEAF_PREFIX);
        message.extend(self.encode());
    }
}
