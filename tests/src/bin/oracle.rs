//! The long campaign of questions: random stores, asked while they are written, sealed and merged, and held against a plain
//! filter. `cargo run --release -p sealog-tests --bin oracle -- --cases 200000 --seed 1`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a campaign tells a person what it does")]

use sealog_tests::oracle::{Figures, run};
use std::process::ExitCode;
use std::time::Instant;

/// Cases that each store is asked when it is not written any more.
const AFTER: usize = 400;

fn main() -> ExitCode {
    let (mut cases, mut seed) = (200_000, 1);
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().and_then(|value| value.parse().ok());
        match (name.as_str(), value) {
            ("--cases", Some(value)) => cases = value,
            ("--seed", Some(value)) => seed = value,
            _ => {
                eprintln!("expected --cases N or --seed S, found {name}");
                return ExitCode::from(2);
            }
        }
    }
    let (began, mut all, mut stores) = (Instant::now(), Figures::default(), 0);
    while all.cases() < cases {
        // A broken promise is a panic that names its seed.
        all.add(run(seed, AFTER));
        (seed, stores) = (seed + 1, stores + 1);
        if stores % 20 == 0 {
            println!("{stores} stores, {} cases", all.cases());
        }
    }
    println!(
        "{} cases of {stores} stores agree: {} asked while the store was written, sealed and merged; {} pages; {} found some \
         entries and not all; {:.0} s",
        all.cases(),
        all.beside,
        all.pages,
        all.telling,
        began.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
