//! What a machine's memory and its disk hold of a directory tree, and what of it a power cut leaves.
//!
//! Each file has two contents: `cache`, which every read sees, and `durable`, which a power cut falls back to. Between
//! them lies the ordered list of changes that no sync has confirmed. Names in directories likewise. The rules are at
//! the head of `disk.rs`; this file knows neither operations nor faults.

use super::content::{Content, is_zero};
use super::random::Random;
use std::collections::BTreeMap;

/// What a disk writes in one piece: a sector is old or new, never a mixture.
pub const SECTOR_BYTES: u64 = 512;

/// Which file, whatever its name is now.
pub type FileId = u64;

/// Files and directories.
#[derive(Clone, Debug, Default)]
pub struct Platter {
    directories: BTreeMap<String, Directory>,
    files: BTreeMap<FileId, File>,
    next_file: FileId,
}

#[derive(Clone, Debug, Default)]
struct Directory {
    /// Its own name survives a power cut.
    is_durable: bool,
    names: BTreeMap<String, FileId>,
    durable: BTreeMap<String, FileId>,
    changes: Vec<NameChange>,
}

/// Names that change in one step: a rename takes one away and sets another.
#[derive(Clone, Debug)]
struct NameChange(Vec<(String, Option<FileId>)>);

#[derive(Clone, Debug, Default)]
struct File {
    cache: Content,
    durable: Content,
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    /// Whole sectors from `offset` on, as they stood in memory after the write.
    Write { offset: u64, bytes: Vec<u8> },
    /// Whole sectors of zeros.
    Zeros { from: u64, to: u64 },
    /// The file grew.
    Grow(u64),
    /// The file was cut.
    Cut(u64),
}

/// How much of what was not synced a power cut lets through, in 256ths.
#[derive(Clone, Copy, Debug)]
struct Mood(u32);

impl Mood {
    fn draw(random: &mut Random) -> Mood {
        // Nothing, everything, and all between: the extremes are the likeliest in life.
        Mood(*random.pick(&[0, 0, 32, 128, 224, 256, 256]))
    }
}

impl Platter {
    pub fn has_directory(&self, directory: &str) -> bool {
        self.directories.contains_key(directory)
    }

    /// Makes a directory and those above it that are missing; its own name, and theirs, are durable or not yet.
    pub fn create_directory(&mut self, directory: &str, is_durable: bool) {
        if !self.has_directory("") {
            self.directories.entry(String::new()).or_default().is_durable = is_durable;
        }
        let ends = directory.match_indices('/').map(|(at, _)| at).chain([directory.len()]);
        for end in ends {
            self.directories.entry(directory[..end].to_owned()).or_default().is_durable |= is_durable;
        }
    }

    /// Names of files and directories; none if there is no such directory.
    pub fn list(&self, directory: &str) -> Option<Vec<String>> {
        let files = self.directories.get(directory)?.names.keys().cloned();
        let within = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let below = self.directories.keys().filter_map(|name| name.strip_prefix(&within));
        // Each directory with the one it lies in, which is made with it.
        let children = below.filter_map(|name| name.split('/').next()).filter(|name| !name.is_empty());
        let mut names: Vec<String> = files.chain(children.map(str::to_owned)).collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    pub fn find(&self, path: &str) -> Option<FileId> {
        let (directory, name) = split(path);
        self.directories.get(directory)?.names.get(name).copied()
    }

    /// A new, empty file under `path`, whose directory must be there.
    pub fn create(&mut self, path: &str) -> Option<FileId> {
        let (directory, name) = split(path);
        let directory = self.directories.get_mut(directory)?;
        let id = self.next_file;
        self.next_file += 1;
        self.files.insert(id, File::default());
        directory.change(NameChange(vec![(name.to_owned(), Some(id))]));
        Some(id)
    }

    pub fn remove(&mut self, path: &str) {
        let (directory, name) = split(path);
        if let Some(directory) = self.directories.get_mut(directory) {
            directory.change(NameChange(vec![(name.to_owned(), None)]));
        }
    }

    /// Renames within one directory, which is all that the engine does.
    pub fn rename(&mut self, from: &str, to: &str) {
        let ((directory, from), (other, to)) = (split(from), split(to));
        assert_eq!(directory, other, "a rename stays in its directory");
        if let Some(directory) = self.directories.get_mut(directory)
            && let Some(id) = directory.names.get(from).copied()
        {
            directory.change(NameChange(vec![(from.to_owned(), None), (to.to_owned(), Some(id))]));
        }
    }

    /// Makes names durable: all that changed, or each with this chance while the others stay as they are.
    pub fn sync_directory(&mut self, directory: &str, mut is_chosen: impl FnMut() -> bool) {
        // Directories below have their names here.
        if directory.is_empty() {
            self.directories.values_mut().for_each(|below| below.is_durable |= is_chosen());
        }
        if let Some(directory) = self.directories.get_mut(directory) {
            for change in std::mem::take(&mut directory.changes) {
                if is_chosen() {
                    change.apply(&mut directory.durable);
                } else {
                    directory.changes.push(change);
                }
            }
        }
    }

    pub fn length(&self, file: FileId) -> u64 {
        self.files[&file].cache.length()
    }

    pub fn read(&self, file: FileId, buffer: &mut [u8], offset: u64) -> usize {
        self.files[&file].cache.read(buffer, offset)
    }

    pub fn bytes(&self, file: FileId) -> Vec<u8> {
        self.files[&file].cache.to_vec()
    }

    pub fn write(&mut self, file: FileId, bytes: &[u8], offset: u64) {
        if let Some(file) = self.files.get_mut(&file) {
            file.write(bytes, offset);
        }
    }

    pub fn set_length(&mut self, file: FileId, length: u64) {
        if let Some(file) = self.files.get_mut(&file) {
            let grows = length > file.cache.length();
            file.cache.set_length(length);
            file.changes.push(if grows { Change::Grow(length) } else { Change::Cut(length) });
        }
    }

    /// Makes everything written durable.
    pub fn sync(&mut self, file: FileId) {
        if let Some(file) = self.files.get_mut(&file) {
            let changes = std::mem::take(&mut file.changes);
            settle(&mut file.durable, &changes, None);
        }
    }

    /// A sync that fails: lengths reach the disk, each sector does or does not, and all is marked clean.
    pub fn fail_sync(&mut self, file: FileId, random: &mut Random) {
        if let Some(file) = self.files.get_mut(&file) {
            let changes = std::mem::take(&mut file.changes);
            for change in changes {
                let mood = match change {
                    Change::Grow(_) | Change::Cut(_) => None,
                    _ => Some((Mood::draw(random), &mut *random)),
                };
                settle(&mut file.durable, &[change], mood);
            }
            // ext4 and XFS go on showing what was lost, Btrfs shows what is on the disk.
            if random.chance(85) {
                file.cache = file.durable.clone();
            }
        }
    }

    /// The machine loses power: what was not synced happened or not, each piece by itself.
    pub fn power_cut(&mut self, random: &mut Random) {
        let mood = Mood::draw(random);
        self.directories.retain(|_, directory| directory.is_durable || random.chance(mood.0));
        let mut kept = BTreeMap::new();
        for directory in self.directories.values_mut() {
            directory.is_durable = true;
            for change in std::mem::take(&mut directory.changes) {
                if random.chance(mood.0) {
                    change.apply(&mut directory.durable);
                }
            }
            directory.names.clone_from(&directory.durable);
            for id in directory.names.values() {
                if let Some(file) = self.files.remove(id) {
                    kept.insert(*id, file);
                }
            }
        }
        self.files = kept;
        for file in self.files.values_mut() {
            let changes = std::mem::take(&mut file.changes);
            let mood = Mood::draw(random);
            settle(&mut file.durable, &changes, Some((mood, &mut *random)));
            file.cache = file.durable.clone();
        }
    }

    /// Puts a file there, durable, as if it had always been: for tests that damage one.
    pub fn put(&mut self, path: &str, bytes: &[u8]) {
        let id = self.find(path).or_else(|| self.create(path));
        let mut content = Content::default();
        content.write(bytes, 0);
        if let Some(file) = id.and_then(|id| self.files.get_mut(&id)) {
            *file = File { cache: content.clone(), durable: content, changes: Vec::new() };
        }
        self.sync_directory(split(path).0, || true);
    }
}

impl Directory {
    fn change(&mut self, change: NameChange) {
        change.clone().apply(&mut self.names);
        self.changes.push(change);
    }
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<String, FileId>) {
        for (name, id) in self.0 {
            match id {
                Some(id) => names.insert(name, id),
                None => names.remove(&name),
            };
        }
    }
}

impl File {
    fn write(&mut self, bytes: &[u8], offset: u64) {
        let end = offset + bytes.len() as u64;
        let grows = end > self.cache.length();
        self.cache.write(bytes, offset);
        if grows {
            self.changes.push(Change::Grow(end));
        }
        let first = offset / SECTOR_BYTES * SECTOR_BYTES;
        let last = end.next_multiple_of(SECTOR_BYTES);
        // Zeros written ahead are most of a journal's bytes: note their range and not each sector.
        let (from, to) = (offset.next_multiple_of(SECTOR_BYTES), end / SECTOR_BYTES * SECTOR_BYTES);
        if from < to && is_zero(&bytes[(from - offset) as usize..(to - offset) as usize]) {
            self.note_sectors(first, from);
            self.changes.push(Change::Zeros { from, to });
            self.note_sectors(to, last);
        } else {
            self.note_sectors(first, last);
        }
    }

    fn note_sectors(&mut self, from: u64, to: u64) {
        if from < to {
            let mut bytes = vec![0; (to - from) as usize];
            self.cache.read(&mut bytes, from);
            self.changes.push(Change::Write { offset: from, bytes });
        }
    }
}

/// Applies changes in order: all of them, or each sector and each length with the mood's chance.
fn settle(content: &mut Content, changes: &[Change], mut mood: Option<(Mood, &mut Random)>) {
    let mut is_chosen = || mood.as_mut().is_none_or(|(mood, random)| random.chance(mood.0));
    for change in changes {
        match change {
            Change::Grow(length) => {
                if *length > content.length() && is_chosen() {
                    content.set_length(*length);
                }
            }
            Change::Cut(length) => {
                if *length < content.length() && is_chosen() {
                    content.set_length(*length);
                }
            }
            Change::Write { offset, bytes } => {
                for (sector, at) in
                    bytes.chunks(SECTOR_BYTES as usize).zip((0..).step_by(SECTOR_BYTES as usize))
                {
                    if is_chosen() {
                        write_inside(content, sector, offset + at);
                    }
                }
            }
            Change::Zeros { from, to } => {
                let mut held = [0; SECTOR_BYTES as usize];
                for at in (*from..(*to).min(content.length())).step_by(SECTOR_BYTES as usize) {
                    held.fill(0);
                    content.read(&mut held, at);
                    if !is_zero(&held) && is_chosen() {
                        write_inside(content, &[0; SECTOR_BYTES as usize], at);
                    }
                }
            }
        }
    }
}

/// Bytes behind the end of a file are on the disk and in no file.
fn write_inside(content: &mut Content, bytes: &[u8], offset: u64) {
    let room = content.length().saturating_sub(offset).min(bytes.len() as u64) as usize;
    if room > 0 {
        content.write(&bytes[..room], offset);
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (Platter, FileId) {
        let mut platter = Platter::default();
        platter.create_directory("", true);
        let file = platter.create("a").unwrap();
        platter.write(file, &[1; 1500], 0);
        (platter, file)
    }

    #[test]
    fn what_was_synced_survives_every_power_cut() {
        for seed in 0..500 {
            let (mut platter, file) = written();
            platter.sync(file);
            platter.sync_directory("", || true);
            platter.write(file, &[2; 1000], 1500);
            platter.power_cut(&mut Random::new(seed));
            let bytes = platter.bytes(platter.find("a").unwrap());
            assert_eq!(bytes[..1500], [1; 1500], "seed {seed}");
        }
    }

    #[test]
    fn power_cuts_lose_tear_and_reorder_what_was_not() {
        let (mut lost, mut empty, mut torn, mut reordered, mut zeros) = (0, 0, 0, 0, 0);
        for seed in 0..2000 {
            let (mut platter, _) = written();
            platter.power_cut(&mut Random::new(seed));
            let Some(file) = platter.find("a") else {
                lost += 1;
                continue;
            };
            let bytes = platter.bytes(file);
            let sectors: Vec<bool> = bytes.chunks(512).map(|sector| sector[0] == 1).collect();
            match sectors.as_slice() {
                [] => empty += 1,
                [true, .., false] => torn += 1,
                [false, false, false] => zeros += 1,
                [false, .., true] => reordered += 1,
                _ => {}
            }
        }
        for count in [lost, empty, torn, reordered, zeros] {
            assert!(count > 10, "lost {lost} empty {empty} torn {torn} reordered {reordered} zeros {zeros}");
        }
    }

    #[test]
    fn a_failed_sync_is_not_mended_by_the_next() {
        let mut is_missing = 0;
        for seed in 0..200 {
            let (mut platter, file) = written();
            platter.fail_sync(file, &mut Random::new(seed));
            platter.sync(file);
            platter.sync_directory("", || true);
            platter.power_cut(&mut Random::new(seed));
            is_missing += u32::from(platter.bytes(platter.find("a").unwrap()) != [1; 1500]);
        }
        assert!(is_missing > 50, "{is_missing}");
    }
}
