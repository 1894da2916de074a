//! Short messages: the engine's interleaved SHA-256 against the sha2 crate. See benches/README.md.

use sealog_benches::Outcome;
use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, show_ratio};
use sealog_engine::proof::{Hash, Hasher, Job};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::Instant;

/// Node, line and leaf, a common record, a long one.
const MESSAGE_BYTES: [usize; 5] = [41, 65, 105, 180, 400];
/// Messages of one call: a batch's.
const MESSAGE_COUNT: usize = 1_000;
/// Messages of one chain in `run`: a tenant's in a batch.
const CHAIN_MESSAGES: usize = 20;
/// Samples of one repetition, taken in turns.
const SAMPLES: u32 = 20;
/// Calls of one sample: about a millisecond, so that few of them meet another process.
const CALLS: usize = 10;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[MESSAGE_COUNT]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    for &count in &options.entries {
        let mut table =
            Table::new(["bytes", "sha2, one by one", "Hasher::each", "", "Hasher::run, chains of 20", ""]);
        for bytes in MESSAGE_BYTES {
            table.row(measure(&options, bytes, count));
        }
        table.print(&format!("ns a message, {count} messages a call; × is sha2's time over the engine's"));
    }
    Ok(())
}

fn measure(options: &Options, bytes: usize, count: usize) -> [String; 6] {
    let messages: Vec<Vec<u8>> =
        (0..count).map(|index| index.to_le_bytes().into_iter().cycle().take(bytes).collect()).collect();
    let mut hasher = Hasher::new();
    let mut samples: [Samples; 5] = Default::default();
    for _ in 0..options.repeat * SAMPLES {
        let sha2 = time(count, || {
            for message in &messages {
                black_box(Sha256::digest(message));
            }
        });
        let each = time(count, || {
            hasher.each(
                count,
                |i, message| message.extend(&messages[i]),
                |_, hash| {
                    black_box(hash);
                },
            );
        });
        let run = time(count, || {
            hasher.run(messages.chunks(CHAIN_MESSAGES).map(|messages| Chain { messages, done: 0 }))
        });
        let figures = [sha2, each, sha2 / each, run, sha2 / run];
        samples.iter_mut().zip(figures).for_each(|(samples, figure)| samples.push(figure));
    }
    let ns = |index: usize| samples[index].show(|ns| format!("{ns:.0}"));
    let ratio = |index: usize| show_ratio(samples[index].median());
    [bytes.to_string(), ns(0), ns(1), ratio(2), ns(3), ratio(4)]
}

/// Nanoseconds of one message.
fn time(count: usize, mut act: impl FnMut()) -> f64 {
    act();
    let started = Instant::now();
    (0..CALLS).for_each(|_| act());
    started.elapsed().as_secs_f64() * 1e9 / (CALLS * count) as f64
}

/// Messages that wait for each other, as a tenant's line does.
struct Chain<'m> {
    messages: &'m [Vec<u8>],
    done: usize,
}

impl Job for Chain<'_> {
    fn next(&mut self, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool {
        let Some(next) = self.messages.get(self.done) else {
            black_box(previous);
            return false;
        };
        self.done += 1;
        message.extend(next);
        if let Some(previous) = previous {
            let shared = message.len().min(previous.len());
            message[..shared].copy_from_slice(&previous[..shared]);
        }
        true
    }
}
