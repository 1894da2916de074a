//! What the programs in `benches/` share: options, data, bare peers, repetitions and tables.
//!
//! Each program is run by `cargo bench -p sealog-benches --bench NAME -- [options]`; README.md says what each measures.

pub mod bare;
pub mod child;
pub mod data;
pub mod options;
pub mod plot;
pub mod segments;
pub mod stores;
pub mod table;
pub mod timing;

/// What a program gives: the first failure ends it.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
