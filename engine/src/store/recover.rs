//! Making a store, and opening one: the journal is read and every frame goes the way it went when it was committed.
//!
//! Cheap open, explicit verify: CRCs are checked, hashes are believed until `verify` recomputes them.

use super::clock_guard::ClockGuard;
use super::commit::Committer;
use super::damaged::Damaged;
use super::ends;
use super::idempotency::{Secret, Window};
use super::ledger::{Gain, Ledger};
use super::older::Older;
use super::pipeline::{Parts, Pipeline};
use super::prepared::entry_mac;
use super::replay;
use super::sealed::{self, Restored, SealedChain};
use super::sealer::Sealer;
use super::tails::Tails;
use super::{Background, Options};
use crate::clock::Entropy;
use crate::disk::{Disk, LockError, read_small, replace_small};
use crate::error::Error;
use crate::format::commit::{BatchKey, Part};
use crate::format::control::kind;
use crate::format::record;
use crate::identity::{self, Identity};
use crate::journal::{self, JournalReader, JournalWriter};
use crate::limits;
use crate::model::{ServiceName, StoreName, Timestamp};
use crate::proof::Hasher;
use crate::proof::hashes;
use crate::segment;
use crate::segment::OpenError;
use crate::view::View;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

const LOCK: &str = "LOCK";
const KEYS: &str = "keys";
const IDEMPOTENCY_SECRET: &str = "idempotency";

/// Makes a store where there is none.
///
/// # Errors
/// [`Error::Exists`] if there is one, [`Error::Locked`] if somebody is making one, and the disk's.
pub fn create(disk: &dyn Disk, options: &Options) -> Result<Identity, Error> {
    disk.create_directory("").map_err(Error::during("create", disk.display("")))?;
    let _lock = lock(disk)?;
    match identity::read(disk) {
        Err(Error::NotAStore { .. }) => write_identity(disk, options),
        Err(error) => Err(error),
        Ok(_) => Err(Error::Exists { path: disk.display("") }),
    }
}

fn write_identity(disk: &dyn Disk, options: &Options) -> Result<Identity, Error> {
    let store_path = disk.display(identity::FILE);
    if has_journals(disk)? {
        return Err(Error::Damaged {
            place: store_path,
            detail: "expected the file STORE beside the journal, found none".to_owned(),
        });
    }
    let mut id = [0; 16];
    options.entropy.fill(&mut id).map_err(Error::during("draw an identity for", &store_path))?;
    let identity = Identity {
        name: options.name.clone().unwrap_or_else(|| StoreName::unnamed(&id)),
        id,
        created: Timestamp::from_nanos(options.clock.wall_ns()),
    };
    // `STORE` is written last: a crash before it leaves a directory that is no store yet.
    disk.create_directory(journal::DIRECTORY)
        .map_err(Error::during("create", disk.display(journal::DIRECTORY)))?;
    identity::write(disk, &identity)?;
    Ok(identity)
}

fn has_journals(disk: &dyn Disk) -> Result<bool, Error> {
    match disk.list(journal::DIRECTORY) {
        Ok(names) => Ok(names.iter().any(|name| journal::number_of(name).is_some())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("list", disk.display(journal::DIRECTORY), error)),
    }
}

fn lock(disk: &dyn Disk) -> Result<Box<dyn crate::disk::Lock>, Error> {
    disk.lock(LOCK).map_err(|error| match error {
        LockError::Held(holder) => Error::Locked { path: disk.display(LOCK), holder },
        LockError::Io(error) => Error::io("lock", disk.display(LOCK), error),
    })
}

/// The secret of the store's MACs; drawn at the first start. If it is lost, keys of batches are forgotten; IDs of
/// entries are not, because their MACs are computed anew from the records.
fn read_or_draw_secret(disk: &dyn Disk, entropy: &dyn Entropy) -> Result<Secret, Error> {
    let path = format!("{KEYS}/{IDEMPOTENCY_SECRET}");
    let name = disk.display(&path);
    match read_small(disk, &path, 16) {
        Ok(bytes) => {
            if let Ok(secret) = bytes.as_slice().try_into() {
                return Ok(Secret::new(secret));
            }
            let detail = format!("expected 16 bytes, found {}", bytes.len());
            return Err(Error::Damaged { place: name, detail });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("read", name, error)),
    }
    let mut secret = [0; 16];
    entropy.fill(&mut secret).map_err(Error::during("draw a secret for", &name))?;
    disk.create_directory(KEYS).map_err(Error::during("create", disk.display(KEYS)))?;
    replace_small(disk, KEYS, IDEMPOTENCY_SECRET, &secret).map_err(Error::during("write", name))?;
    Ok(Secret::new(secret))
}

/// Opens, or makes, a store for writing.
pub(super) fn open(disk: Arc<dyn Disk>, options: Options) -> Result<Pipeline, Error> {
    let instance_length = options.instance.len();
    if !(1..=limits::INSTANCE_BYTES_MAX).contains(&instance_length) {
        let source =
            crate::model::FieldError::new("instance", "1 to 288 bytes", format!("{instance_length} bytes"));
        return Err(Error::Entry { index: 0, source });
    }
    if options.create {
        disk.create_directory("").map_err(Error::during("create", disk.display("")))?;
    } else if let Err(error @ Error::NotAStore { .. }) = identity::read(&*disk) {
        // Before the lock, which would leave a file in a directory that is no store.
        return Err(error);
    }
    let lock = lock(&*disk)?;
    let identity = match identity::read(&*disk) {
        Err(Error::NotAStore { .. }) if options.create => write_identity(&*disk, &options)?,
        identity => identity?,
    };
    let secret = read_or_draw_secret(&*disk, &*options.entropy)?;
    // A process that was killed may have left these names in memory only: nothing is acknowledged before they are
    // durable. The journal's own names follow when it is resumed.
    for directory in ["", KEYS] {
        disk.sync_directory(directory).map_err(Error::during("sync", disk.display(directory)))?;
    }

    let journal = JournalReader::new(&*disk, identity.id)
        .map_err(Error::during("read", disk.display(journal::DIRECTORY)))?;
    let trimmed_files = journal.trimmed().to_vec();
    let mut tails = Tails::new(identity.id, identity.name.clone());
    let mut ledger = Ledger::new(identity.name.clone());
    let mut view = View::new();
    let mut damaged = Damaged::default();
    let found_ends = ends::load(&*disk, &identity)?;
    let (mut ends, mut log, ends_damage) = (found_ends.ends, found_ends.log, found_ends.damage);
    log.sync_names(&*disk)?;
    let mut sealed = load_segments(&*disk, &identity, &view, &mut tails, &mut damaged)?;
    let window = Window::default();
    let older = Arc::new(Older::find(&*disk)?);
    let remembered_to = older.remembered_to();
    if options.background == Background::Inline {
        older.load(&*disk, &identity.id);
        if let Some(failure) = older.failure() {
            return Err(failure);
        }
    }

    let mut recovery = Recovery {
        tails,
        view: &view,
        window,
        secret: &secret,
        remembered_to,
        damaged: Damaged::default(),
        gains: Vec::new(),
        file_starts: VecDeque::new(),
        scratch: Vec::new(),
    };
    let starts = sealed.iter().map(|(service, own)| (service.clone(), own.chain.size()));
    let starts: Vec<_> = starts.chain(damaged.starts(&view, &ends)).collect();
    recovery.damaged = damaged;
    let replayed = replay::replay(&*disk, journal, starts, &mut recovery)?;
    if let Some(damage) = replayed.damage.first() {
        // Nothing is repaired by guessing, and nothing is written behind damage.
        return Err(Error::Damaged {
            place: format!("{}, byte {}", disk.display(&damage.file), damage.offset),
            detail: damage.detail.clone(),
        });
    }
    let Recovery { mut tails, window, mut damaged, mut gains, file_starts, .. } = recovery;
    damaged.note_ends(&tails, &sealed, &ends);
    damaged.settle(&*disk, &mut tails, &mut sealed, &mut ends, &mut gains)?;
    // Of damaged chains nothing is known that is not written.
    for (service, own) in sealed.iter().filter(|(service, _)| !damaged.has(service)) {
        log.note_changes(service, &own.chain, ends.get(service));
    }
    drop(ends);
    damaged.tell(&mut view, ends_damage);
    sealed.values().for_each(|own| ledger.restore(&own.chain, &own.line_ids));
    let chains = sealed.into_iter().map(|(service, own)| (service, own.chain));
    let mut chains: BTreeMap<Box<str>, SealedChain> = chains.collect();
    for (service, chain) in &mut chains {
        let unsalted = view.lines_without_key(service);
        chain.keys.retain(|line, _| unsalted.contains(line));
    }
    // In the order of commits, which carried entries don't stand in: slots are given in it.
    gains.sort_by(|a, b| a.order().cmp(&b.order()));
    ledger.find_holes();
    ledger.apply_all(gains.iter().map(|gained| &gained.gain));
    drop(gains);
    if let Some(slot) = ledger.first_hole() {
        return Err(Error::Damaged {
            place: disk.display(segment::DIRECTORY),
            detail: format!("expected the chain or line of slot {slot} of the directory, found none"),
        });
    }
    for number in trimmed_files {
        let path = journal::path(number);
        disk.remove(&path).map_err(Error::during("remove", disk.display(&path)))?;
    }
    let journal = JournalWriter::resume(
        Arc::clone(&disk),
        &*options.entropy,
        identity.id,
        &replayed.tail,
        &replayed.unvouched,
        options.bounds.journal_file_bytes,
    )?;
    view.settle_all();
    let newest = view.newest().map(Timestamp::nanos);
    let remembered_until = file_starts
        .iter()
        .find(|(file, _)| *file > remembered_to)
        .map_or(i64::MIN, |(_, logged_at)| *logged_at);
    let removed_to = u64::from(replayed.tail.trimmed);
    let sealer =
        Sealer::new(Arc::clone(&disk), chains, log, Arc::clone(&older), remembered_until, removed_to);
    let committer = Committer {
        identity: Arc::new(identity),
        tails,
        journal,
        window,
        older: Some(older),
        clock_guard: ClockGuard::new(newest),
        unnoted_step: None,
        stop_frame: replayed.stop_frame,
        file_starts,
        spare: Arc::default(),
        clock: options.clock,
        entropy: options.entropy,
        logged_by: options.instance.into(),
        hasher: Hasher::new(),
    };
    Ok(Pipeline::new(Parts {
        secret,
        view,
        committer,
        ledger,
        sealer,
        bounds: options.bounds,
        lock,
        is_threaded: options.background == Background::Thread,
        torn_bytes: replayed.tail.torn_bytes,
    }))
}

/// Opens all chains' segments, removes what a crash left beside them, and sets the tails where they end. Of a chain of
/// which something does not read nothing is removed, and what reads can be read.
fn load_segments(
    disk: &dyn Disk,
    identity: &Identity,
    view: &View,
    tails: &mut Tails,
    damage: &mut Damaged,
) -> Result<BTreeMap<Box<str>, Restored>, Error> {
    let mut chains = BTreeMap::new();
    let list_error = |path: &str| Error::during("list", disk.display(path));
    for service in segment::services(disk).map_err(list_error(segment::DIRECTORY))? {
        let directory = segment::directory(&service);
        let name = ServiceName::new(&service)
            .map_err(|error| Error::Damaged { place: disk.display(&directory), detail: error.to_string() })?;
        let loaded = segment::load(disk, &identity.id, &service).map_err(list_error(&directory))?;
        for (file, problem) in loaded.problems {
            match problem {
                // No damage: the same file may read at the next start.
                OpenError::Io(error) => return Err(Error::io("open", disk.display(&file), error)),
                problem => damage.note(&service, file, problem.to_string()),
            }
        }
        let chain_id = hashes::chain_id(&hashes::origin(identity.name.as_str(), &service));
        if let Some(foreign) = loaded.segments.iter().find(|own| own.footer().chain_id != chain_id) {
            let detail = "expected a segment of this store's chain, found another's".to_owned();
            damage.note(&service, foreign.path().to_owned(), detail);
        }
        let own = match SealedChain::load(name.clone(), &loaded.segments) {
            Ok(own) => own,
            Err((file, error)) => {
                damage.note(&service, file, error.to_string());
                None
            }
        };
        if damage.has(&service) {
            loaded.segments.into_iter().for_each(|segment| view.add_sealed(segment));
            continue;
        }
        // Files that were not finished, and segments that others cover whole.
        for path in loaded.unfinished.iter().chain(&loaded.dead) {
            disk.remove(path).map_err(Error::during("remove", disk.display(path)))?;
        }
        let Some(sealed::Loaded { restored, tenants }) = own else { continue };
        let (number, chain) = (tails.chain_of(&name)?, &restored.chain);
        for (line, tenant) in chain.lines.iter().zip(&tenants) {
            tails.replay_line(number, tenant, line.size);
        }
        let tail = tails.chain_mut(number);
        (tail.next_seq, tail.prev) = (chain.size(), chain.head);
        // A process that was killed may have left these names in memory only, and the journal goes where they are.
        disk.sync_directory(&directory).map_err(Error::during("sync", disk.display(&directory)))?;
        loaded.segments.into_iter().for_each(|segment| view.add_sealed(segment));
        chains.insert(Box::from(service), restored);
    }
    Ok(chains)
}

/// What a store's moving parts learn from the journal.
struct Recovery<'r> {
    tails: Tails,
    view: &'r View,
    window: Window,
    secret: &'r Secret,
    /// What came in journal files up to this number is remembered already.
    remembered_to: u64,
    /// Chains of which something does not read.
    damaged: Damaged,
    gains: Vec<Gained>,
    /// Each file with the commit time of its first frame.
    file_starts: VecDeque<(u64, i64)>,
    scratch: Vec<u8>,
}

/// What a chain gained at a time.
pub(super) struct Gained {
    logged_at: i64,
    pub first_seq: u64,
    pub gain: Gain,
}

impl Gained {
    /// Position behind the last entry.
    pub fn end_seq(&self) -> u64 {
        self.first_seq + self.gain.entry_count()
    }

    /// Leaves out entries before a position.
    pub fn drop_before(&mut self, seq: u64) {
        let count = seq.saturating_sub(self.first_seq);
        self.gain.drop_first(count);
        self.first_seq += count;
    }

    /// Its place in the one total order.
    fn order(&self) -> (i64, &str, u64) {
        (self.logged_at, self.gain.service(), self.first_seq)
    }
}

impl replay::Visit for Recovery<'_> {
    fn part(&mut self, journal: u64, logged_at: i64, part: &Part<'_>) -> Result<(), String> {
        if !self.damaged.has(part.service) {
            self.damaged.note_gap(&self.tails, part);
        }
        if !self.damaged.has(part.service) {
            replay_part(&mut self.tails, part)?;
        }
        self.gains.push(Gained { logged_at, first_seq: part.first_seq, gain: Gain::of(part) });
        self.view.publish(journal, logged_at, part, None);
        Ok(())
    }

    fn met(&mut self, journal: u64, service: &str) {
        self.damaged.met(journal, service);
    }

    fn commit(&mut self, journal: u64, logged_at: i64, parts: &[Part<'_>], keys: &[BatchKey]) {
        if self.file_starts.back().is_none_or(|(newest, _)| *newest != journal) {
            self.file_starts.push_back((journal, logged_at));
        }
        if journal <= self.remembered_to {
            return;
        }
        let mut chains = Vec::with_capacity(parts.len());
        for part in parts {
            let known = self.tails.find(part.service);
            let chain = known.or_else(|| self.tails.chain_of(&ServiceName::new(part.service).ok()?).ok());
            // Damage that the part itself is refused for.
            let Some(chain) = chain else { return };
            chains.push(chain);
            if part.kind == kind::ENTRY {
                remember_part(&mut self.window, part, chain, self.secret, logged_at, &mut self.scratch);
            }
        }
        for key in keys {
            self.window.insert_batch(key, &chains, logged_at);
        }
    }
}

/// Moves the tails on by a part, which must continue them.
fn replay_part(tails: &mut Tails, part: &Part<'_>) -> Result<(), String> {
    let service = part.service;
    let chain = match tails.find(service) {
        Some(chain) => chain,
        None => {
            let service = ServiceName::new(service).map_err(|error| error.to_string())?;
            tails.chain_of(&service).map_err(|error| error.to_string())?
        }
    };
    let tail = tails.chain(chain);
    if part.first_seq != tail.next_seq || part.prev != tail.prev {
        return Err(format!(
            "expected the chain of {service} to go on at entry {}, found entry {}{}",
            tail.next_seq,
            part.first_seq,
            if part.prev == tail.prev { "" } else { " after another leaf" }
        ));
    }
    for line in &part.lines {
        // A part whose first entries are sealed tells of lines that the segment told of.
        if line.line < tails.chain(chain).line_count() {
            continue;
        }
        if !part.keys.iter().any(|key| key.line == line.line) {
            return Err(format!("line {} of {service} begins without a salt key", line.line));
        }
        if tails.replay_line(chain, line.tenant, 0) != line.line {
            return Err(format!("line {} of {service} is out of order", line.line));
        }
    }
    let tail = tails.chain_mut(chain);
    for key in &part.keys {
        if !tail.replay_key(key.line, key.key) {
            return Err(format!("line {} of {service}, which has a salt key, never began", key.line));
        }
    }
    for row in &part.rows {
        let line =
            tail.line_mut(row.line).ok_or_else(|| format!("line {} of {service} never began", row.line))?;
        line.next_tenant_seq += 1;
    }
    tail.next_seq = part.end_seq();
    tail.prev = *part.leaf(part.rows.len() - 1);
    Ok(())
}

fn remember_part(
    window: &mut Window,
    part: &Part<'_>,
    chain: u32,
    secret: &Secret,
    logged_at: i64,
    scratch: &mut Vec<u8>,
) {
    for index in 0..part.rows.len() {
        let record = part.record(index);
        let (Ok(parts), Ok(tenant)) = (record::parts_of(record), record::tenant_of(record)) else { continue };
        let Some(id) = record::text_of_pair(parts.id) else { continue };
        let mac = entry_mac(secret, tenant, part.service, id, parts, scratch);
        // Of two entries with one ID, which only lie here when the first had left the window, the newer counts.
        window.insert(mac, chain, part.first_seq + index as u64, logged_at);
    }
}
