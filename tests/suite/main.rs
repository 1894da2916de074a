//! The suite.
mod cli;
mod layers;
mod oracle;
