//! Append-only, hash-linked, multi-tenant log engine: a store of many chains that proves what it holds.
//!
//! ```
//! use sealog_engine::batch::Batch;
//! use sealog_engine::disk::DirectoryDisk;
//! use sealog_engine::model::Entry;
//! use sealog_engine::scan::{Query, Scope};
//! use sealog_engine::store::{Options, Store};
//! use sealog_engine::verify::{VerifyOptions, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = std::env::temp_dir().join(format!("sealog-doc-{}", std::process::id()));
//! // Open: makes the store if there is none, and recovers it if there is.
//! let store = Store::open(&directory, Options::default())?;
//!
//! // Append: all of a batch or nothing; durable when this returns.
//! let mut batch = Batch::new();
//! batch.push(&Entry {
//!     tenant: "acme".into(),
//!     service: "mail-api".into(),
//!     activity: "retention.changed".into(),
//!     message: "keep 10 years instead of 6".into(),
//!     ..Entry::default()
//! })?;
//! let receipts = store.append(batch)?;
//! assert_eq!((receipts[0].first_seq, receipts[0].last_seq), (0, 0));
//!
//! // Scan: newest first, within what the caller may see.
//! let hits: Vec<_> = store.scan(&Scope::everything(), &Query::default()).collect();
//! assert_eq!(hits[0].committed().map(|entry| entry.seq), Some(0));
//! store.close()?;
//!
//! // Verify: recomputes everything from the bytes, and believes nothing.
//! let report = verify(&DirectoryDisk::new(&directory), &VerifyOptions::default(), |_| {})?;
//! assert!(report.valid);
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok(())
//! # }
//! ```
//!
//! | layer | modules | knows |
//! | --- | --- | --- |
//! | verbs | [`store`], [`scan`], [`mod@verify`], [`reader`], [`view`] | the order of durable steps |
//! | where format meets disk | [`identity`], [`journal`], [`open`], [`segment`] | frames, rows, their index |
//! | pure | [`mod@format`], [`proof`], [`batch`] | bytes and hashes; no file, clock, thread or randomness |
//! | bytes and durability | [`disk`] | files; no format |
//! | values | [`model`], [`limits`], [`error`], [`clock`], [`hex`] | nothing else |

pub mod artifact;
pub mod batch;
pub mod clock;
pub mod disk;
pub mod error;
pub mod format;
pub mod hex;
pub mod identity;
pub mod journal;
mod lean;
pub mod limits;
pub mod model;
pub mod open;
pub mod process;
pub mod proof;
pub mod reader;
pub mod scan;
pub mod segment;
pub mod store;
mod threads;
pub mod verify;
pub mod view;
