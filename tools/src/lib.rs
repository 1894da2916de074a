//! What the `sealog` command is made of.

pub mod generate;
