//! A store on a simulated disk and clock, with everything that it must survive, from one seed.
//!
//! - `disk`: the fault model, in words and as a disk; `platter` and `content` are what it is made of
//! - `clock`, `random`: time and chance
//! - `model`: what must be there, and what must not
//! - `driver`: one store taken through steps, crashes and restarts, judged after each
//! - `gate`: a disk on which a test stops a writer half-way
//! - `run`: a random story
//! - `script`: a fixed one, in which every operation fails once

pub mod clock;
mod content;
pub mod disk;
pub mod driver;
pub mod gate;
pub mod model;
mod platter;
pub mod random;
pub mod run;
pub mod script;
