//! What people and programs see. Nothing from a log reaches a terminal unescaped.

pub mod entries;
pub mod explain;
pub mod human;
pub mod json;
pub mod progress;
pub mod table;
pub mod terminal;
