//! The suite.
mod cli;
mod concurrency;
mod damage;
mod documents;
mod faults;
mod hostile;
mod layers;
mod oracle;
mod pages;
mod read_only;
mod sealed;
mod sealed_scan;
mod sealing;
mod second_reader;
mod segment;
mod simulation;
mod tamper;
