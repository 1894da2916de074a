//! Entries that look like a real platform's, made from a seed: for demos, benchmarks and trials.
//!
//! The platform is a managed-service provider's: mail archiving, directory synchronization, hosting, with
//! thousands of customers of very different size. About 70 % of the entries are audit events, 20 % belong to
//! processes and 10 % are scheduled tasks; 90 % are information or below, 8 % warnings, 2 % errors.
//!
//! What holds:
//!
//! - The same plan gives the same bytes, on every machine and with every compiler: integers only, own generator.
//! - Two seeds share no `id` and no process ID (`entry::Platform::write_id` says why).
//! - Two plans that differ only in `entries`, `days` and `end_ns` agree line by line in everything but times.
//! - Memory does not grow with the number of entries. It grows with the tenants, by 8 bytes each.
//!
//! What does not: the hashes of artifacts belong to no file, and nothing here knows the engine.

mod activity;
mod actor;
mod audit;
mod entry;
mod json;
mod process;
mod random;
mod rhythm;
mod run;
mod script;
mod service;
mod task;
mod template;
mod tenant;
#[cfg(test)]
mod tests;
mod vocabulary;
mod zipf;

use audit::Audit;
use entry::{Platform, Turn};
use process::Processes;
use random::Random;
use rhythm::Rhythm;
use std::io::{self, Write};
use task::Tasks;

/// 2026-11-01T00:00:00Z: where the entries of a plan end unless it says otherwise. Fixed, because a plan that
/// took the clock would not give the same bytes tomorrow.
const END_NS: i64 = 1_793_491_200_000_000_000;

const DAY_NS: i64 = 86_400_000_000_000;

/// More tenants than this are taken as this many, so that the table of their shares stays below 32 MiB.
const TENANT_COUNT_MAX: u32 = 1 << 20;

/// More days than this are taken as this many: a century, so that no time leaves 64 bits.
const DAY_COUNT_MAX: u32 = 36_525;

/// How much [`write_all`] collects before it writes.
const BLOCK_BYTES: usize = 256 * 1024;

/// No line is longer: the texts are short and at most four attributes follow them. Only a hint for allocation.
const LINE_BYTES_MAX: usize = 4 * 1024;

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many lines.
    pub entries: u64,
    /// What everything is drawn from.
    pub seed: u64,
    /// How many tenants; their shares follow Zipf's law with exponent 1.0. 0 is taken as 1, more than 2^20 as 2^20.
    pub tenants: u32,
    /// How many services, and so chains. 0 is taken as 1.
    pub services: u32,
    /// Over how many days the entries spread. 0 is taken as 1, more than a century as a century.
    pub days: u32,
    /// When the last day ends, in nanoseconds since the Unix epoch: every `generated_at` is before it.
    pub end_ns: i64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { entries: 1_000_000, seed: 0, tenants: 2000, services: 12, days: 10, end_ns: END_NS }
    }
}

/// Deterministic stream of entries as NDJSON lines.
#[derive(Clone, Debug)]
pub struct Generator {
    entries: u64,
    /// `line <= entries`: how many lines were written, and the number of the next.
    line: u64,
    random: Random,
    /// Apart from `random`, so that the times cannot change what happens.
    time_random: Random,
    rhythm: Rhythm,
    platform: Platform,
    audit: Audit,
    processes: Processes,
    tasks: Tasks,
}

impl Generator {
    /// Prepares the stream of a plan. Costs time and memory for the tenants' shares: 8 bytes each.
    pub fn new(plan: &Plan) -> Self {
        let days = i64::from(plan.days.clamp(1, DAY_COUNT_MAX));
        let begin_ns = plan.end_ns.saturating_sub(days * DAY_NS);
        Self {
            entries: plan.entries,
            line: 0,
            random: Random::seeded(plan.seed),
            time_random: Random::seeded(!plan.seed),
            rhythm: Rhythm::new(begin_ns, plan.end_ns, plan.entries),
            platform: Platform::new(plan.seed, plan.tenants.clamp(1, TENANT_COUNT_MAX), plan.services.max(1)),
            audit: Audit::new(),
            processes: Processes::new(),
            tasks: Tasks::new(),
        }
    }

    /// Appends the next line (JSON and LF) to `out`; false when all entries were written.
    pub fn next_line(&mut self, out: &mut Vec<u8>) -> bool {
        if self.line == self.entries {
            return false;
        }
        let turn = Turn {
            platform: &self.platform,
            line: self.line,
            now_ns: self.rhythm.next_ns(&mut self.time_random),
        };
        self.line += 1;
        let random = &mut self.random;
        if self.processes.write_due(&turn, random, out) {
            return true;
        }
        // The shares are those of lines where no process goes on; with the processes' own lines they come out as
        // 70, 20 and 10 % of all.
        match random.below(10_000) {
            0..PROCESS_STARTS if self.processes.has_room() => {
                self.processes.write_start(&turn, random, out);
            }
            PROCESS_STARTS..TASKS_END => self.tasks.write(&turn, random, out),
            _ => self.audit.write(&turn, random, out),
        }
        true
    }
}

/// Of ten thousand lines where no process goes on, so many start one.
const PROCESS_STARTS: u32 = 166;

/// And so many more are tasks.
const TASKS_END: u32 = PROCESS_STARTS + 1_220;

/// Writes all lines to `out`, in big blocks, and flushes it.
///
/// # Errors
///
/// What `out` returns, for example that a pipe was closed. Lines before it may have been written.
pub fn write_all(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let mut generator = Generator::new(plan);
    let mut block = Vec::with_capacity(BLOCK_BYTES + LINE_BYTES_MAX);
    while generator.next_line(&mut block) {
        if block.len() >= BLOCK_BYTES {
            out.write_all(&block)?;
            block.clear();
        }
    }
    out.write_all(&block)?;
    out.flush()
}
