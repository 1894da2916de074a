//! Hashes, trees and lines: what is committed to, and nothing of how it is stored (docs/integrity.md).
//!
//! Pure: no file, clock, thread or randomness.

pub mod directory;
pub mod hashes;
pub mod line;
pub mod sha256;
pub mod tree;

pub use sha256::{Hash, Hasher, Job, digest};

/// A salt key: one per chain, tenant and open segment, random and secret.
pub type Key = [u8; 32];
