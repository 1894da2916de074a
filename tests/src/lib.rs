//! Fixtures and campaigns shared by the suite.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "this crate is tests: a broken promise or a broken fixture ends the run"
)]

pub mod command;
pub mod simulation;
