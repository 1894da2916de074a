//! Who may do what, decided in one place: authenticate → principal → authorize (one table) → scope.
//!
//! - `key`, `keys`: API keys, and the file that they are in
//! - `session`: people who signed in with one
//! - `principal`: whoever stands behind a request
//! - `policy`: a row for every route
//! - `scope`: what a reader sees; the one place of the server that makes a scope

pub mod key;
pub mod keys;
pub mod policy;
pub mod principal;
pub mod scope;
pub mod session;

pub use key::{Grant, Key, KeyPlan, Role};
pub use keys::{KeyError, KeyFile, Keys};
pub use principal::Principal;
pub use session::Sessions;
