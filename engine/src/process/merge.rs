//! Makes one run of several that lie side by side. Nobody waits meanwhile: runs don't change.

use super::hash::NameHasher;
use super::node::Node;
use super::own::Point;
use super::run;
use super::run::{ChainPosition, Head, Run, Sink};
use super::runs::Dead;
use crate::disk::{Access, Disk, DiskFile};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;

/// Where runs lie.
pub(super) const DIRECTORY: &str = "derived/processes";
const EXTENSION: &str = ".run";
/// Behind the name of a file that is not finished.
const UNFINISHED: &str = ".new";

/// The name of a run's file.
pub(super) fn name((first, last): (u64, u64)) -> String {
    format!("{first:08}-{last:08}{EXTENSION}")
}

pub(super) fn path(numbers: (u64, u64)) -> String {
    format!("{DIRECTORY}/{}", name(numbers))
}

/// The numbers that a file's name tells.
pub(super) fn numbers_of(file: &str) -> Option<(u64, u64)> {
    let (first, last) = file.strip_suffix(EXTENSION)?.split_once('-')?;
    let numbers = (first.parse().ok()?, last.parse().ok()?);
    (numbers.0 <= numbers.1 && name(numbers) == file).then_some(numbers)
}

/// A merge that is to be done.
pub(crate) struct Merge {
    /// Runs with their dead rows, the oldest first.
    pub(super) inputs: Vec<(Arc<Run>, Dead)>,
    /// The first of them among all.
    pub(super) first: usize,
    /// The numbers of the file.
    pub(super) file: (u64, u64),
    pub(super) positions: Vec<ChainPosition>,
    pub(super) is_whole: bool,
    /// A tenant that is left out.
    pub(super) without: Option<Box<str>>,
}

struct FileSink<'f>(&'f dyn DiskFile);

impl Sink for FileSink<'_> {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }
}

impl Merge {
    fn is_left(&self, run: &Run, dead: &Dead, row: u32) -> bool {
        let is_without = self
            .without
            .as_ref()
            .is_some_and(|own| run.name(row).is_some_and(|(tenant, _)| *tenant == **own));
        !dead.has(row) && !is_without
    }

    fn count(&self) -> u32 {
        let live = |(run, dead): &(Arc<Run>, Dead)| match self.without {
            None => run.rows() - dead.count(),
            Some(_) => (0..run.rows()).fold(0, |count, row| count + u32::from(self.is_left(run, dead, row))),
        };
        self.inputs.iter().map(live).fold(0, u32::saturating_add)
    }

    /// Writes the run, durable when this returns, and opens it.
    ///
    /// # Errors
    /// The disk's; `InvalidData` if what is merged does not read. Nothing was replaced then.
    pub fn run(&self, disk: &dyn Disk, store_id: &[u8; 16], hasher: NameHasher) -> io::Result<Run> {
        disk.create_directory(DIRECTORY)?;
        let path = path(self.file);
        let temporary = format!("{path}{UNFINISHED}");
        match disk.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = disk.create(&temporary)?;
        let head = Head { store_id, hasher, is_whole: self.is_whole, positions: &self.positions };
        let bytes = run::write(Merged::new(self), self.count(), &head, &mut FileSink(&*file))?;
        // A crash before this leaves a file that is not finished, which the next start removes.
        file.sync()?;
        disk.rename(&temporary, &path)?;
        // From here on the files that it was made of are covered, and removed; a crash before leaves both.
        disk.sync_directory(DIRECTORY)?;
        let mapping = disk.open(&path, Access::Read)?.map(bytes)?;
        let damaged = |error: run::RunError| io::Error::other(error.to_string());
        Run::open(mapping, store_id, hasher).map_err(damaged)
    }
}

/// Rows of several runs that are not dead, by their first entries.
struct Merged<'m> {
    merge: &'m Merge,
    /// The next row of each.
    next: Vec<u32>,
    heads: BinaryHeap<Reverse<(Option<Point>, usize, Row)>>,
}

/// A process that waits for its turn; it does not order.
struct Row(Node);

impl PartialEq for Row {
    fn eq(&self, _: &Row) -> bool {
        true
    }
}

impl Eq for Row {}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Row) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row {
    fn cmp(&self, _: &Row) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl<'m> Merged<'m> {
    fn new(merge: &'m Merge) -> Merged<'m> {
        let next = vec![0; merge.inputs.len()];
        let mut merged = Merged { merge, next, heads: BinaryHeap::new() };
        (0..merge.inputs.len()).for_each(|input| merged.queue(input));
        merged
    }

    fn queue(&mut self, input: usize) {
        let (run, dead) = &self.merge.inputs[input];
        while self.next[input] < run.rows() {
            let row = self.next[input];
            self.next[input] += 1;
            if self.merge.is_left(run, dead, row) {
                // One that does not read makes a run of fewer rows than were counted, which is refused.
                if let Some(node) = run.node(row) {
                    self.heads.push(Reverse((node.first().cloned(), input, Row(node))));
                }
                return;
            }
        }
    }
}

impl Iterator for Merged<'_> {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        let Reverse((_, input, Row(node))) = self.heads.pop()?;
        self.queue(input);
        // Below the oldest run there is nothing that it could replace.
        Some(Node { replaces: node.replaces && self.merge.first > 0, ..node })
    }
}
