//! Making a store, and opening one: the journal is read and every frame goes the way it went when it was committed.
//!
//! Cheap open, explicit verify: CRCs are checked, hashes are believed until `verify` recomputes them.

use super::clock_guard::ClockGuard;
use super::commit::Committer;
use super::idempotency::{Secret, Window};
use super::ledger::Ledger;
use super::pipeline::{Parts, Pipeline};
use super::prepared::entry_mac;
use super::tails::Tails;
use super::{Background, Options};
use crate::clock::Entropy;
use crate::disk::{Disk, LockError, read_small, replace_small};
use crate::error::Error;
use crate::format::commit::{self as payload, Commit, Part};
use crate::format::control::kind;
use crate::format::journal::FrameType;
use crate::format::record;
use crate::identity::{self, Identity};
use crate::journal::{self, Damage, Event, Frame, JournalReader, JournalWriter, Lost, Tail};
use crate::limits;
use crate::model::{ServiceName, StoreName, Timestamp};
use crate::proof::Hasher;
use crate::view::View;
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

/// What reading a journal gave.
pub(crate) struct Replayed {
    pub tail: Tail,
    pub damage: Vec<Damage>,
    /// Number of the newest frame of a clean stop.
    pub stop_frame: u64,
    /// The newest frames: those that no later frame says were synced.
    pub unvouched: Vec<Arc<Frame>>,
}

/// Reads all frames in order and hands each commit over.
pub(crate) fn replay(
    disk: &dyn Disk,
    identity: &Identity,
    mut each: impl FnMut(&Arc<Frame>, &Commit<'_>) -> Result<(), String>,
) -> Result<Replayed, Error> {
    let read_error = |error| Error::io("read", disk.display(journal::DIRECTORY), error);
    let mut reader = JournalReader::new(disk, identity.id).map_err(read_error)?;
    let mut damage = Vec::new();
    let mut stop_frame = 0;
    let mut unvouched: Vec<Arc<Frame>> = Vec::new();
    loop {
        match reader.next_event().map_err(read_error)? {
            Some(Event::Frame(frame)) => {
                let header = frame.header;
                let frame = Arc::new(frame);
                unvouched.retain(|earlier| earlier.header.number.get() > header.durable);
                unvouched.push(Arc::clone(&frame));
                if header.frame_type == FrameType::Stop {
                    stop_frame = header.number.get();
                    continue;
                }
                let taken = payload::decode(frame.payload(), header.part_count, header.entry_count)
                    .map_err(|error| error.to_string())
                    .and_then(|commit| each(&frame, &commit));
                if let Err(detail) = taken {
                    let number = header.number.get();
                    damage.push(Damage {
                        file: journal::path(frame.journal),
                        offset: header.offset,
                        end_offset: header.offset + header.frame_bytes(),
                        lost: Some(Lost { first: number, last: number }),
                        detail: format!("frame {number}: {detail}"),
                    });
                }
            }
            Some(Event::Damage(found)) => damage.push(found),
            Some(Event::End(tail)) => return Ok(Replayed { tail, damage, stop_frame, unvouched }),
            None => {
                // `End` comes before nothing.
                let tail = Tail { journal: 0, offset: 0, torn_bytes: 0, header: None, next_frame: 1 };
                return Ok(Replayed { tail, damage, stop_frame, unvouched });
            }
        }
    }
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

    let mut tails = Tails::new(identity.id, identity.name.clone());
    let mut ledger = Ledger::new(identity.name.clone());
    let view = View::new();
    let mut frames: Vec<Arc<Frame>> = Vec::new();
    let replayed = replay(&*disk, &identity, |frame, commit| {
        commit.parts.iter().try_for_each(|part| replay_part(&mut tails, part))?;
        commit.parts.iter().for_each(|part| ledger.apply(part));
        view.publish(frame, commit, None);
        frames.push(Arc::clone(frame));
        Ok(())
    })?;
    if let Some(damage) = replayed.damage.first() {
        // Nothing is repaired by guessing, and nothing is written behind damage.
        return Err(Error::Damaged {
            place: format!("{}, byte {}", disk.display(&damage.file), damage.offset),
            detail: damage.detail.clone(),
        });
    }
    let window = rebuild_window(&frames, &tails, &secret);
    drop(frames);
    let journal = JournalWriter::resume(
        Arc::clone(&disk),
        &*options.entropy,
        identity.id,
        &replayed.tail,
        &replayed.unvouched,
    )?;
    let committer = Committer {
        identity: Arc::new(identity),
        tails,
        journal,
        window,
        clock_guard: ClockGuard::new(view.newest().map(Timestamp::nanos)),
        unnoted_step: None,
        stop_frame: replayed.stop_frame,
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
        lock,
        is_threaded: options.background == Background::Thread,
        torn_bytes: replayed.tail.torn_bytes,
    }))
}

/// Moves the tails on by a part, which must continue them.
fn replay_part(tails: &mut Tails, part: &Part<'_>) -> Result<(), String> {
    let service = ServiceName::new(part.service).map_err(|error| error.to_string())?;
    let chain = tails.chain_of(&service).map_err(|error| error.to_string())?;
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
        let key = part.keys.iter().find(|key| key.line == line.line).map(|key| key.key);
        let key = key.ok_or_else(|| format!("line {} of {service} begins without a salt key", line.line))?;
        if tails.replay_line(chain, line.tenant, line.nonce, key) != line.line {
            return Err(format!("line {} of {service} is out of order", line.line));
        }
    }
    let tail = tails.chain_mut(chain);
    for row in &part.rows {
        let line =
            tail.line_mut(row.line).ok_or_else(|| format!("line {} of {service} never began", row.line))?;
        line.next_tenant_seq += 1;
    }
    tail.next_seq = part.end_seq();
    tail.prev = *part.leaf(part.rows.len() - 1);
    Ok(())
}

/// What came within the window, from the newest frame back until the window ends.
fn rebuild_window(frames: &[Arc<Frame>], tails: &Tails, secret: &Secret) -> Window {
    let mut window = Window::default();
    let Some(newest) = frames.last() else { return window };
    let horizon = newest.header.logged_at.saturating_sub(limits::IDEMPOTENCY_WINDOW_NS);
    let mut entries_left = limits::IDEMPOTENCY_COUNT_MAX as u64;
    let from = frames.iter().rposition(|frame| {
        let is_past = frame.header.logged_at < horizon || entries_left == 0;
        entries_left = entries_left.saturating_sub(u64::from(frame.header.entry_count));
        is_past
    });
    for frame in &frames[from.map_or(0, |from| from + 1)..] {
        let header = frame.header;
        let Ok(commit) = payload::decode(frame.payload(), header.part_count, header.entry_count) else {
            continue;
        };
        let mut chains = Vec::with_capacity(commit.parts.len());
        for part in &commit.parts {
            let Some(chain) = tails.find(part.service) else { continue };
            chains.push(chain);
            if part.kind == kind::ENTRY {
                remember_part(&mut window, part, chain, tails, secret, header.logged_at);
            }
        }
        for key in &commit.batch_keys {
            window.insert_batch(key, &chains, header.logged_at);
        }
    }
    window
}

fn remember_part(
    window: &mut Window,
    part: &Part<'_>,
    chain: u32,
    tails: &Tails,
    secret: &Secret,
    logged_at: i64,
) {
    let mut scratch = Vec::new();
    for (index, row) in part.rows.iter().enumerate() {
        let Ok(parts) = record::parts_of(part.record(index)) else { continue };
        let Some(id) = record::text_of_pair(parts.id) else { continue };
        let tenant = tails.tenant_name(tails.chain(chain).line(row.line).tenant);
        let mac = entry_mac(secret, tenant, part.service, id, parts, &mut scratch);
        // Of two entries with one ID, which only lie here when the first had left the window, the newer counts.
        window.insert(mac, chain, part.first_seq + index as u64, logged_at);
    }
}
