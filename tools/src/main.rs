//! The `sealog` command.

fn main() {}
