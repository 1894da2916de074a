//! Sealog over HTTP: authenticates, scopes, converts, and calls the engine.
//!
//! - `config`: what can be set
//! - `access`: who may do what
//! - `http`: connections, bodies, answers
//! - `routes`: what each path does; `question`: the words of a filter as parameters
//! - `csv`: entries as comma-separated values
//! - `work`: on which threads the engine is called; `rates`: how often
//! - `reads`: who read what, in the log itself
//! - `ingest`: what producers speak besides, decoded into batches
//! - `names`: readable names of IDs
//! - `syslog`: listeners
//! - `server`: all of it together; `run`: from a socket to a clean stop

pub mod access;
pub mod config;
pub mod csv;
pub mod http;
pub mod ingest;
mod metrics;
mod names;
mod question;
mod rates;
mod reads;
mod routes;
mod run;
mod server;
mod syslog;
mod work;

pub use config::{Config, ConfigError};
pub use run::{StartError, Started, start};
pub use server::Server;
