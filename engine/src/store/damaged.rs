//! Chains of which something does not read back, while a store is opened: each takes no entries, and others go on.
//!
//! A segment that is damaged, missing or another's says nothing of where its chain stands. `state/ends` and the journal
//! do: together they have every entry's leaf, or the tree and the lines behind it. So the directory's rows stay true,
//! and slots of chains and lines that are begun meanwhile are the right ones. Where they don't connect either, the store
//! is not written.

use super::ends::Ends;
use super::recover::Gained;
use super::sealed::Restored;
use super::tails::Tails;
use crate::disk::Disk;
use crate::error::Error;
use crate::format::commit::Part;
use crate::journal::Damage;
use crate::model::ServiceName;
use crate::segment;
use crate::view::View;
use std::collections::BTreeMap;

/// What is wrong with chains, by service.
#[derive(Default)]
pub struct Damaged {
    /// Of each chain at least one: the file, and what was expected and found.
    found: BTreeMap<Box<str>, Vec<(String, String)>>,
    /// The oldest journal file with anything of each chain, damaged or not.
    oldest: BTreeMap<Box<str>, u64>,
}

impl Damaged {
    /// Notes what is wrong with a file of a chain.
    pub fn note(&mut self, service: &str, file: String, detail: String) {
        self.found.entry(service.into()).or_default().push((file, detail));
    }

    /// Whether anything is wrong with a chain.
    pub fn has(&self, service: &str) -> bool {
        self.found.contains_key(service)
    }

    /// Notes that a journal file has something of a chain.
    pub fn met(&mut self, journal: u64, service: &str) {
        match self.oldest.get_mut(service) {
            Some(oldest) => *oldest = journal.min(*oldest),
            None => drop(self.oldest.insert(service.into(), journal)),
        }
    }

    /// Notes a chain whose segments do not reach to where its next part begins, or end in another leaf.
    pub fn note_gap(&mut self, tails: &Tails, part: &Part<'_>) {
        let tail = tails.find(part.service).map(|chain| tails.chain(chain));
        let (next_seq, is_linked) = tail.map_or((0, true), |tail| (tail.next_seq, tail.prev == part.prev));
        if part.first_seq > next_seq {
            self.note_missing(part.service, next_seq, part.first_seq);
        } else if part.first_seq == next_seq && next_seq > 0 && !is_linked {
            self.note_other_end(part.service, next_seq);
        }
    }

    /// Holds the chains against where they ended when journal files went last.
    pub fn note_ends(&mut self, tails: &Tails, sealed: &BTreeMap<Box<str>, Restored>, ends: &Ends) {
        for (service, Restored { chain: end, .. }) in ends {
            let chain = tails.find(service).map(|chain| tails.chain(chain));
            let size = chain.map_or(0, |chain| chain.next_seq);
            if self.has(service) {
            } else if size < end.size() {
                self.note_missing(service, size, end.size());
            } else if sealed
                .get(service)
                .is_some_and(|own| own.chain.size() == end.size() && own.chain.head != end.head)
            {
                self.note_other_end(service, end.size());
            }
        }
    }

    fn note_missing(&mut self, service: &str, from: u64, to: u64) {
        let (file, detail) = segment::missing(service, from, to);
        self.note(service, file, detail);
    }

    fn note_other_end(&mut self, service: &str, size: u64) {
        let detail = format!("expected another leaf of entry {}, the newest one that is sealed", size - 1);
        self.note(service, segment::directory(service), detail);
    }

    /// Where to begin to read the chains' parts in the journal, so that nothing that `ends` don't know is missed.
    pub fn starts<'d>(
        &'d self,
        view: &'d View,
        ends: &'d Ends,
    ) -> impl Iterator<Item = (Box<str>, u64)> + 'd {
        self.found.keys().map(move |service| {
            let end = ends.get(service).map_or(0, |end| end.chain.size());
            (service.clone(), end.min(view.chain_size(service)))
        })
    }

    /// Sets each damaged chain to where it is known to stand: its entry in `sealed` becomes what `ends` say, and its
    /// gains become what goes on from there.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a chain of which that is not known.
    pub fn settle(
        &self,
        disk: &dyn Disk,
        tails: &mut Tails,
        sealed: &mut BTreeMap<Box<str>, Restored>,
        ends: &mut Ends,
        gains: &mut Vec<Gained>,
    ) -> Result<(), Error> {
        for (service, problems) in &self.found {
            let Some((file, detail)) = problems.first() else { continue };
            let (place, detail) = (disk.display(file), detail.clone());
            sealed.remove(service);
            let mut size = 0;
            if let Some(end) = ends.remove(service) {
                size = end.chain.size();
                sealed.insert(service.clone(), end);
            }
            let (mut own, others): (Vec<Gained>, Vec<Gained>) =
                std::mem::take(gains).into_iter().partition(|gained| gained.gain.service() == &**service);
            *gains = others;
            own.sort_by_key(|gained| gained.first_seq);
            for mut gained in own {
                if gained.end_seq() <= size {
                    continue;
                }
                if gained.first_seq > size {
                    let detail = format!("{detail}; where the chain stood is not known either");
                    return Err(Error::Damaged { place, detail });
                }
                gained.drop_before(size);
                size = gained.end_seq();
                gains.push(gained);
            }
            let name = ServiceName::new(service)
                .map_err(|error| Error::Damaged { place: place.clone(), detail: error.to_string() })?;
            let chain = tails.chain_of(&name)?;
            tails.refuse(chain, size, Error::ChainDamaged { service: service.to_string(), place, detail });
        }
        Ok(())
    }

    /// Tells those who read.
    pub fn tell(self, view: &mut View, also: Option<Damage>) {
        for service in self.found.keys() {
            view.set_read_only(service, self.oldest.get(service).copied());
        }
        let problems = self.found.into_values().flatten();
        let damage = problems.map(|(file, detail)| Damage::of_file(file, detail));
        view.set_damage(damage.chain(also).collect());
    }
}
