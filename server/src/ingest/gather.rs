//! Gathers entries into a batch, and what was refused beside it.

use crate::ingest::RECORD_COUNT_MAX;
use crate::ingest::context::Context;
use crate::ingest::mend::mend;
use crate::ingest::problem::{Kind, Problem};
use sealog_engine::batch::Batch;
use sealog_engine::error::Error;
use sealog_engine::model::Entry;

/// A body, decoded: what is to be appended, and what is not.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// The entries, in the order of their records.
    pub batch: Batch,
    /// The record of each entry of the batch, counted from 0 over the whole body.
    pub records: Vec<u32>,
    /// Records that were refused, the first [`Decoded::REFUSALS_KEPT`] of them or all, as the protocol's answer needs.
    pub refused: Vec<Refusal>,
    /// How many were refused.
    pub refused_count: u32,
}

/// A record that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which, counted from 0 over the whole body.
    pub record: u32,
    /// Why.
    pub problem: Problem,
}

impl Decoded {
    /// So many refusals are kept where the answer has one text for all of them.
    pub const REFUSALS_KEPT: usize = 16;

    /// Records that the body holds.
    pub fn record_count(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX).saturating_add(self.refused_count)
    }

    /// The problem that stands for the whole body, where it has records and each of them was refused: then nothing is
    /// to be appended, and the answer is an error.
    pub fn whole_refusal(&self) -> Option<&Problem> {
        let first = self.refused.first()?;
        self.records.is_empty().then_some(&first.problem)
    }

    /// Notes that the store refused the entry with this index in the batch, and which record that is. The batch is then
    /// made again without it ([`Context::without`]).
    pub fn record_of(&self, entry: usize) -> Option<u32> {
        self.records.get(entry).copied()
    }
}

/// A batch while it is being filled.
pub(crate) struct Gather<'c> {
    pub(crate) context: Context<'c>,
    decoded: Decoded,
    next: u32,
    keeps_all: bool,
}

impl<'c> Gather<'c> {
    /// A batch for a body of so many bytes; `keeps_all` says whether the answer tells of every record.
    pub(crate) fn new(context: Context<'c>, body_bytes: usize, keeps_all: bool) -> Gather<'c> {
        // About what the records will take; a wrong guess costs a move, and is bounded by what the sender has sent.
        let batch = Batch::with_capacity((body_bytes / 256).min(4096), body_bytes.min(4 << 20));
        Gather { context, decoded: Decoded { batch, ..Decoded::default() }, next: 0, keeps_all }
    }

    /// The number of the record that comes now; none if it is to be left out.
    pub(crate) fn begin(&mut self) -> Result<Option<u32>, Problem> {
        let record = self.next;
        if record == RECORD_COUNT_MAX {
            return Err(Problem::new(
                Kind::TooLarge,
                "body",
                format!("at most {RECORD_COUNT_MAX} records"),
                "more",
            )
            .advise("send fewer records in a request"));
        }
        self.next += 1;
        if self.context.is_without(record) {
            self.refuse(record, Problem::conflict("id"));
            return Ok(None);
        }
        Ok(Some(record))
    }

    /// Adds the entry of a record; what does not fit goes where it does, or the record is refused.
    ///
    /// # Errors
    /// The batch would not fit one frame, which is about the whole body.
    pub(crate) fn push(&mut self, record: u32, entry: &mut Entry<'_>) -> Result<(), Problem> {
        match self.decoded.batch.push(entry) {
            Ok(()) => self.decoded.records.push(record),
            Err(error @ Error::BatchTooLarge { .. }) => return Err(Problem::from_engine(error)),
            Err(_) => {
                mend(entry);
                match self.decoded.batch.push(entry) {
                    Ok(()) => self.decoded.records.push(record),
                    Err(error @ Error::BatchTooLarge { .. }) => return Err(Problem::from_engine(error)),
                    Err(error) => self.refuse(record, Problem::from_engine(error)),
                }
            }
        }
        Ok(())
    }

    /// Notes that a record is not taken.
    pub(crate) fn refuse(&mut self, record: u32, problem: Problem) {
        self.decoded.refused_count += 1;
        if self.keeps_all || self.decoded.refused.len() < Decoded::REFUSALS_KEPT {
            self.decoded.refused.push(Refusal { record, problem });
        }
    }

    pub(crate) fn finish(self) -> Decoded {
        self.decoded
    }
}
