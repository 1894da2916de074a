//! Entries that were carried to the journal's end before the file that they were committed in went: they are verified
//! where their commit time puts them.

use crate::format::commit::{self as payload, Commit};
use crate::format::journal::FrameType;
use crate::journal::{Event, Frame, JournalReader};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// A part of a carry frame.
#[derive(Clone)]
pub struct CarriedPart {
    /// The frame.
    pub frame: Arc<Frame>,
    /// Which part of it.
    index: usize,
    first_seq: u64,
    end_seq: u64,
}

/// What was carried of one commit.
pub struct CarriedCommit {
    /// When it was committed.
    pub logged_at: i64,
    /// By service.
    pub parts: Vec<CarriedPart>,
}

/// Parts by what orders them: commit time, service, position.
#[derive(Default)]
pub struct Carried {
    parts: BTreeMap<(i64, Box<str>, u64), CarriedPart>,
}

/// A writer carries less than what may be in memory; what a hostile journal has beyond is not looked at.
const BYTES_MAX: usize = 256 << 20;

impl Carried {
    /// What a journal carries whose first files went; nothing of one that has them all. Frames whose payload does not
    /// read are met again.
    ///
    /// # Errors
    /// The disk's.
    pub fn read(mut reader: JournalReader<'_>) -> io::Result<Carried> {
        let mut carried = Carried::default();
        if reader.tail().trimmed == 0 {
            return Ok(carried);
        }
        let mut bytes = 0;
        while let Some(event) = reader.next_event()? {
            let Event::Frame(frame) = event else { continue };
            if frame.header.frame_type != FrameType::Carry {
                continue;
            }
            bytes += frame.bytes.len();
            if bytes > BYTES_MAX {
                break;
            }
            carried.add(Arc::new(frame));
        }
        Ok(carried)
    }

    fn add(&mut self, frame: Arc<Frame>) {
        let header = &frame.header;
        let Ok(parts) = payload::decode_carried(frame.payload(), header.part_count, header.entry_count)
        else {
            return;
        };
        for (index, (logged_at, part)) in parts.iter().enumerate() {
            let own = CarriedPart {
                frame: Arc::clone(&frame),
                index,
                first_seq: part.first_seq,
                end_seq: part.end_seq(),
            };
            // Carried twice: the same entries, or fewer because the first of them were sealed meanwhile.
            self.parts.entry((*logged_at, part.service.into(), part.first_seq)).or_insert(own);
        }
    }

    /// Takes out the parts of the oldest commit before a time; none if there is none. Of parts that begin at different
    /// places of one commit, the one that begins first.
    pub fn next_before(&mut self, time: i64) -> Option<CarriedCommit> {
        let logged_at = self.parts.first_key_value().map(|((logged_at, ..), _)| *logged_at)?;
        if logged_at >= time {
            return None;
        }
        let mut taken: Vec<(Box<str>, CarriedPart)> = Vec::new();
        while let Some(first) = self.parts.first_entry()
            && first.key().0 == logged_at
        {
            let ((_, service, _), part) = first.remove_entry();
            let is_again =
                taken.last().is_some_and(|(own, last)| *own == service && part.first_seq < last.end_seq);
            if !is_again {
                taken.push((service, part));
            }
        }
        Some(CarriedCommit { logged_at, parts: taken.into_iter().map(|(_, part)| part).collect() })
    }

    /// Lets those go that are copies of a commit which is still there.
    pub fn drop_copies(&mut self, logged_at: i64, commit: &Commit<'_>) {
        self.parts.retain(|(own, service, _), part| {
            *own != logged_at
                || !commit.parts.iter().any(|original| {
                    *original.service == **service
                        && (original.first_seq..original.end_seq()).contains(&part.first_seq)
                })
        });
    }
}

impl CarriedCommit {
    /// The commit that its parts make up.
    pub fn commit(&self) -> Commit<'_> {
        let decoded = self.parts.iter().filter_map(|carried| {
            let (header, payload) = (&carried.frame.header, carried.frame.payload());
            let parts = payload::decode_carried(payload, header.part_count, header.entry_count).ok()?;
            parts.into_iter().nth(carried.index).map(|(_, part)| part)
        });
        Commit { parts: decoded.collect(), batch_keys: Vec::new() }
    }
}
