//! Where processes of a list come from: memory, or a run.

use super::filter::{Compiled, Levels};
use crate::model::Timestamp;
use crate::process::node::Node;
use crate::process::own::Point;
use crate::process::run::{Level, Section, State};
use crate::process::table::Table;
use crate::process::value::Process;
use std::collections::btree_map;
use std::iter::Rev;

/// A process that is asked for, and where it stands.
pub struct Found {
    pub at: Point,
    pub process: Process,
}

/// Processes that are asked for, the newest first.
pub enum Source<'t> {
    Memory(Rev<btree_map::Range<'t, Point, usize>>),
    Run(RunSource<'t>),
}

impl<'t> Source<'t> {
    /// All that a table has, behind a point.
    pub fn all(table: &'t Table, compiled: &Compiled<'_>, after: Option<&Point>) -> Vec<Source<'t>> {
        let order = table.delta.order();
        let memory = match after {
            Some(after) => order.range(..after.clone()),
            None => order.range::<Point, _>(..),
        };
        let mut sources = vec![Source::Memory(memory.rev())];
        let runs =
            (0..table.runs.slots.len()).filter_map(|slot| RunSource::new(table, slot, compiled, after));
        sources.extend(runs.map(Source::Run));
        sources
    }

    /// The next one.
    pub fn next(&mut self, table: &Table, compiled: &Compiled<'_>) -> Option<Found> {
        match self {
            Source::Memory(rest) => loop {
                let (_, at) = rest.next()?;
                if let Some(found) = found(table, compiled, table.delta.nodes().get(*at)?) {
                    return Some(found);
                }
            },
            Source::Run(run) => loop {
                let row = run.next_row(table)?;
                let Some(node) = table.runs.node(run.slot, row) else { continue };
                if run.after.as_ref().is_some_and(|after| node.first().is_none_or(|own| own >= after)) {
                    continue;
                }
                if let Some(found) = found(table, compiled, &node) {
                    return Some(found);
                }
            },
        }
    }
}

/// What a node is told as, if it is asked for.
fn found(table: &Table, compiled: &Compiled<'_>, node: &Node) -> Option<Found> {
    let own = node.own.as_ref()?;
    if !compiled.has_tenant(&node.tenant) {
        return None;
    }
    // Before anything is copied, where all of it is seen.
    let is_whole = compiled.seen.is_none();
    if is_whole && !compiled.has_state(own.status(), node.counts().severity().unwrap_or_default()) {
        return None;
    }
    let process = table.told(node, compiled.seen).filter(|process| compiled.matches(process))?;
    if compiled.filter.levels == Levels::Top && !table.is_top(node, compiled.seen) {
        return None;
    }
    Some(Found { at: own.first.clone(), process })
}

/// A column of codes or hashes, with those that are asked for.
type Codes<'t> = (&'t [[u8; 4]], Vec<[u8; 4]>);

/// Rows of a run that its columns leave.
pub struct RunSource<'t> {
    slot: usize,
    /// Bytes of state that are asked for.
    states: Box<[bool; 256]>,
    codes: Vec<Codes<'t>>,
    started: Option<(Option<Timestamp>, Option<Timestamp>)>,
    finished: Option<(Option<Timestamp>, Option<Timestamp>)>,
    after: Option<Point>,
    /// Blocks of 64 rows that are left.
    blocks: usize,
    /// Rows that are left of the block behind them.
    mask: u64,
}

const BLOCK: usize = 64;

impl<'t> RunSource<'t> {
    /// None if no row can be asked for.
    fn new(
        table: &'t Table,
        slot: usize,
        compiled: &Compiled<'_>,
        after: Option<&Point>,
    ) -> Option<RunSource<'t>> {
        let run = &table.runs.slots.get(slot)?.run;
        let filter = compiled.filter;
        // What a row's columns say of all its entries is not what a caller sees who may see some of them.
        let is_whole = compiled.seen.is_none();
        let mut codes = Vec::new();
        let mut exact = |section: Section, wanted: Vec<[u8; 4]>| {
            let is_possible = !wanted.is_empty();
            codes.push((run.codes(section), wanted));
            is_possible
        };
        let mut is_possible = true;
        let hashes = |texts: &[String]| texts.iter().map(|text| run.hash(text).to_le_bytes()).collect();
        let coded = |section: Section, texts: &[String]| {
            texts.iter().filter_map(|text| Some(run.code(section, text)?.to_le_bytes())).collect()
        };
        // A process of several organizations is looked at itself.
        for (section, texts) in
            [(Section::Request, &filter.request_ids), (Section::Configuration, &filter.configuration_ids)]
        {
            if !texts.is_empty() && is_whole {
                is_possible &= exact(section, hashes(texts));
            }
        }
        if !filter.activities.is_empty() && is_whole {
            is_possible &= exact(Section::Activity, coded(Section::Activities, &filter.activities));
        }
        if let Some(tenants) = &compiled.tenants {
            is_possible &= exact(Section::Tenant, coded(Section::Tenants, tenants));
        }
        if !filter.organizations.is_empty() && is_whole {
            is_possible &= exact(Section::Organization, hashes(&filter.organizations));
        }
        if !is_possible {
            return None;
        }
        let mut source = RunSource {
            slot,
            states: Box::new(states(compiled)),
            codes,
            started: Some((filter.started.from, filter.started.to))
                .filter(|_| is_whole && !filter.started.is_everything()),
            finished: Some((filter.finished.from, filter.finished.to))
                .filter(|_| is_whole && !filter.finished.is_everything()),
            after: after.cloned(),
            blocks: 0,
            mask: 0,
        };
        let rows = match after {
            None => run.rows() as usize,
            Some(after) => {
                let firsts = run.times(Section::First);
                firsts.partition_point(|time| i64::from_le_bytes(*time) <= after.logged_at.nanos())
            }
        };
        source.blocks = rows.div_ceil(BLOCK);
        if !rows.is_multiple_of(BLOCK) {
            source.blocks -= 1;
            source.mask = source.block_mask(table, source.blocks) & ((1 << (rows % BLOCK)) - 1);
        }
        Some(source)
    }

    /// The next row, downwards.
    fn next_row(&mut self, table: &Table) -> Option<u32> {
        while self.mask == 0 {
            self.blocks = self.blocks.checked_sub(1)?;
            self.mask = self.block_mask(table, self.blocks);
            if self.mask != 0 {
                break;
            }
        }
        let bit = 63 - self.mask.leading_zeros();
        self.mask &= !(1 << bit);
        u32::try_from(self.blocks * BLOCK + bit as usize).ok()
    }

    /// Rows of a block that the columns leave.
    fn block_mask(&self, table: &Table, block: usize) -> u64 {
        let Some(slot) = table.runs.slots.get(self.slot) else { return 0 };
        let (from, run) = (block * BLOCK, &slot.run);
        let end = (from + BLOCK).min(run.rows() as usize);
        let mut mask = u64::MAX;
        for (column, wanted) in &self.codes {
            let column = column.get(from..end).unwrap_or_default();
            let own = match &**wanted {
                [one] => bits(column, |code| code == one),
                many => bits(column, |code| many.contains(code)),
            };
            mask &= own;
            if mask == 0 {
                return 0;
            }
        }
        let column = run.section(Section::State).get(from..end).unwrap_or_default();
        mask &= bits(column, |state| self.states[usize::from(*state)]);
        if mask == 0 {
            return 0;
        }
        for (section, window) in [(Section::Started, self.started), (Section::Finished, self.finished)] {
            let Some((least, end_time)) = window else { continue };
            let column = run.times(section).get(from..end).unwrap_or_default();
            let least = least.map_or(i64::MIN, Timestamp::nanos);
            mask &= bits(column, |time| {
                let time = i64::from_le_bytes(*time);
                least <= time && end_time.is_none_or(|end| time < end.nanos())
            });
        }
        let rows = if end - from == BLOCK { u64::MAX } else { (1 << (end - from)) - 1 };
        mask & !slot.dead.word(block) & rows
    }
}

/// A bit for each value that is wanted, the first in the lowest.
#[inline(always)]
fn bits<T>(values: &[T], is_wanted: impl Fn(&T) -> bool) -> u64 {
    // Most blocks have none, which is seen without a branch for each.
    let mut any = false;
    for value in values {
        any |= is_wanted(value);
    }
    if !any {
        return 0;
    }
    values.iter().zip(0..).fold(0, |bits, (value, at)| bits | u64::from(is_wanted(value)) << at)
}

/// By byte of state, whether such a row may be asked for.
fn states(compiled: &Compiled<'_>) -> [bool; 256] {
    let mut wanted = [false; 256];
    for byte in 0..=u8::MAX {
        let Some(State { status: Some(status), severity, level }) = State::from_byte(byte) else { continue };
        let is_known = compiled.seen.is_none();
        let has_state = compiled.has_state(status, severity.unwrap_or_default());
        let has_level = compiled.filter.levels == Levels::All || level != Level::Sub;
        wanted[usize::from(byte)] = !is_known || has_state && has_level;
    }
    wanted
}
