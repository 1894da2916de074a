//! Merges sealed segments, beside everything else: it touches nothing but the files and the list of them.
//!
//! Each merge leaves the store whole: the new file is written beside the old ones and recomputed from its bytes, takes the
//! place of the first of them in one step, and from then on the others are dead, for readers and for the next start. So
//! it may be stopped anywhere, and goes on where it was.

use super::Pipeline;
use crate::error::Error;
use crate::format::column::Effort;
use crate::limits;
use crate::segment::merge;
use crate::segment::{self, Segment};
use crate::store::compaction::{self, Compacted, Extent};
use crate::verify;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often the thread looks whether there is anything to merge.
const LOOK: Duration = Duration::from_secs(2);
/// It rests so many times as long as it worked: the work of appends and queries comes first.
const REST: u32 = 3;

impl Pipeline {
    /// The compacting thread, until the store is closed.
    pub fn compact_work(&self) {
        let mut rest = LOOK;
        let mut swept_at = self.clock.boot_ns();
        loop {
            {
                let mut state = self.state.lock();
                if !state.is_closing {
                    self.compacting.wait_for(&mut state, rest);
                }
                if state.is_closing {
                    return;
                }
            }
            let started = self.clock.boot_ns();
            if started.saturating_sub(swept_at) >= limits::ARTIFACT_SWEEP_INTERVAL_NS {
                swept_at = started;
                // What cannot be removed now is tried again in an hour.
                let _ = self.sweep_artifacts();
            }
            // What fails is tried again; verification names what is damaged.
            let has_merged = self.compact_a_piece().unwrap_or(false);
            let worked = u64::try_from(self.clock.boot_ns().saturating_sub(started)).unwrap_or_default();
            rest = if has_merged { Duration::from_nanos(worked) * REST } else { LOOK };
        }
    }

    /// Merges the first small neighbours; false if there are none, or entries come in and they can wait.
    fn compact_a_piece(&self) -> Result<bool, Error> {
        let is_busy = self.view.open_bytes() > self.bounds.open_bytes_aim / 2;
        for chain in self.view.writable_chains() {
            let segments = chain.segments();
            let range = compaction::next(&segments, Extent::Pieces, self.bounds.segment_rows_max);
            let Some(range) = range else { continue };
            if is_busy && range.len() < limits::COMPACTION_SEGMENTS_MAX {
                continue;
            }
            self.merge(chain.service(), &segments[range])?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Merges everything that the extent asks for. `progress` gets the figures so far after each step.
    pub fn compact(&self, extent: Extent, progress: &mut dyn FnMut(&Compacted)) -> Result<Compacted, Error> {
        let mut done = Compacted::default();
        for chain in self.view.writable_chains() {
            loop {
                let segments = chain.segments();
                let range = compaction::next(&segments, extent, self.bounds.segment_rows_max);
                let Some(range) = range else { break };
                done.add(&self.merge(chain.service(), &segments[range])?);
                progress(&done);
            }
        }
        Ok(done)
    }

    /// Makes one segment of neighbours.
    fn merge(&self, service: &str, sources: &[Arc<Segment>]) -> Result<Compacted, Error> {
        let _alone = self.compactor.lock();
        let mut figures = Compacted::of(sources);
        let Some(first) = sources.first() else { return Ok(figures) };
        if let Some(stopped) = self.state.lock().stopped.clone() {
            return Err(stopped);
        }
        let (disk, first_seq) = (&*self.disk, first.footer().first_seq);
        let path = segment::path(service, first_seq);
        let damaged = |detail: String| Error::Damaged { place: disk.display(&path), detail };
        let bytes = merge::merge(sources, Effort::Strong).map_err(|error| damaged(error.to_string()))?;
        figures.bytes_after = bytes.len() as u64;
        let failed = |action| Error::during(action, disk.display(&path));
        let beside = segment::write_beside(disk, service, first_seq, &bytes).map_err(failed("write"))?;
        drop(bytes);
        let checked = verify::check_segment(disk, &beside).and_then(|merged| {
            let is_same = sources.last().is_some_and(|last| {
                (merged.prev, merged.head) == (first.footer().prev, last.footer().head)
                    && merged.opening_edge == first.footer().opening_edge
                    && merged.closing_edge == last.footer().closing_edge
                    && merged.end_seq() == last.footer().end_seq()
            });
            if is_same {
                Ok(())
            } else {
                Err("expected the ends of what was merged, found others".to_owned())
            }
        });
        if let Err(detail) = checked {
            disk.remove(&beside).map_err(failed("remove"))?;
            // The memory, the disk or this program: the sources are what they were.
            let detail = format!("what was merged from {} segments is wrong: {detail}", sources.len());
            return Err(failed("verify")(io::Error::other(detail)));
        }
        segment::put_in_place(disk, service, first_seq).map_err(failed("write"))?;
        // From here on the other sources are dead: a crash leaves them to the next start.
        let merged = Segment::open(disk, &path)
            .map_err(|error| failed("open")(io::Error::other(error.to_string())))?;
        self.view.replace_sealed(service, Arc::new(merged));
        for source in &sources[1..] {
            match disk.remove(source.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", disk.display(source.path()), error));
                }
                _ => {}
            }
        }
        Ok(figures)
    }
}
