//! Flips every single bit of a journal, or of a segment, of 64 KiB, and cuts it to every length; swaps every two
//! segments. Verify must name each.
//!
//! `cargo run --release -p sealog-tests --bin flip -- --bytes 65536 --threads 2`
//! `cargo run --release -p sealog-tests --bin flip -- --segment 1 --bytes 65536 --threads 2`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a campaign tells a person what it does")]

use sealog_tests::flip::Target;
use sealog_tests::flip_segment;
use sealog_tests::flip_segment::SegmentTarget;
use sealog_tests::sample;
use std::process::ExitCode;
use std::time::Instant;

struct Arguments {
    bytes: u64,
    threads: usize,
    /// 0 a journal, else a segment.
    segment: u64,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { bytes: 64 << 10, threads: 2, segment: 0 };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("{name}: expected a number"))?;
        let wrong = |error| format!("{name}: expected a number, found {value}: {error}");
        match name.as_str() {
            "--bytes" => arguments.bytes = value.parse().map_err(wrong)?,
            "--threads" => arguments.threads = value.parse().map_err(wrong)?,
            "--segment" => arguments.segment = value.parse().map_err(wrong)?,
            _ => return Err(format!("expected --bytes N, --threads T or --segment 1, found {name}")),
        }
    }
    Ok(arguments)
}

fn segments(arguments: &Arguments) {
    let disk = flip_segment::sealed(usize::try_from(arguments.bytes).unwrap_or(64 << 10));
    let paths = flip_segment::paths(&disk);
    let Some(path) = paths.iter().find(|path| path.contains("portal")) else { return };
    let target = SegmentTarget::new(&disk, path);
    let started = Instant::now();
    let progress = |tried| println!("{tried} tried, {:.0} s", started.elapsed().as_secs_f64());
    println!("a segment of {} bytes, one of {}", target.length(), paths.len());
    println!("every two swapped: {:#?}", flip_segment::swap_every_pair(&disk));
    println!("every length cut to: {:#?}", target.cut(1, arguments.threads, progress));
    println!("every bit flipped: {:#?}", target.flip_bits(1, arguments.threads, progress));
    println!("{:.1} s, unnoticed: 0", started.elapsed().as_secs_f64());
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if arguments.segment > 0 {
        segments(&arguments);
        return ExitCode::SUCCESS;
    }
    let target = Target::new(&sample::of_size(arguments.bytes), 1);
    let started = Instant::now();
    let progress = |tried| println!("{tried} tried, {:.0} s", started.elapsed().as_secs_f64());
    println!("a journal of {} bytes, stopped cleanly", target.length());
    // Each damage that verify does not name ends the campaign with a panic that says where it is.
    let flipped = target.flip_every_bit(arguments.threads, progress);
    println!("every bit flipped: {flipped:#?}");
    let cut = target.cut_everywhere(arguments.threads, progress);
    println!("every length cut to: {cut:#?}");
    println!("{:.1} s, unnoticed: 0", started.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
