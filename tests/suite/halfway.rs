//! What may be met halfway beside a writer, or after a crash, and is no damage.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::batch::Batch;
use sealog_engine::disk::{Access, Disk, DiskFile, Lock, LockError};
use sealog_engine::model::Entry;
use sealog_engine::reader::Reader;
use sealog_engine::segment;
use sealog_engine::store::{Bounds, Options, Store};
use sealog_engine::verify::{VerifyOptions, verify};
use sealog_tests::sample;
use sealog_tests::simulation::disk::SimulatedDisk;
use std::io;
use std::sync::Arc;

fn batch(entries: impl Iterator<Item = Entry<'static>>) -> Batch {
    let mut batch = Batch::new();
    entries.for_each(|entry| {
        batch.push(&entry).unwrap();
    });
    batch
}

fn entry(tenant: &'static str, number: usize) -> Entry<'static> {
    Entry { message: format!("number {number}").into(), ..sample::entry("billing", tenant, 0) }
}

/// A disk on which one file's length is told too short: the system tells it page by page while a write grows the file.
struct Growing {
    disk: SimulatedDisk,
    path: &'static str,
    length: u64,
}

struct GrowingFile {
    file: Box<dyn DiskFile>,
    length: u64,
}

impl DiskFile for GrowingFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.file.length()?.min(self.length))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn reserve(&self, _: u64, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn set_length(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl Disk for Growing {
    fn create(&self, _: &str) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.open(path, access)?;
        let length = if path == self.path { self.length } else { u64::MAX };
        Ok(Box::new(GrowingFile { file, length }))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.disk.list(directory)
    }

    fn create_directory(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_directory(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn lock(&self, _: &str) -> Result<Box<dyn Lock>, LockError> {
        Err(LockError::Held(None))
    }

    fn display(&self, path: &str) -> String {
        self.disk.display(path)
    }
}

fn entries(reader: &Reader) -> u64 {
    reader.view().chains().iter().map(|chain| chain.size()).sum()
}

#[test]
fn a_journal_file_whose_length_is_told_while_it_grows_is_read_up_to_there() {
    const PATH: &str = "journal/00000001.journal";
    let disk = SimulatedDisk::new(1);
    let store = Store::open_on(Arc::new(disk.clone()), sample::options(1)).unwrap();
    for number in 0..40 {
        store.append(batch((0..3).map(|at| entry("acme", number * 3 + at)))).unwrap();
    }
    drop(store);
    let whole = Reader::open_on(&disk).unwrap();
    let (mut entry_counts, end) = (Vec::new(), disk.bytes(PATH).unwrap().len() as u64);
    for length in (128..end).step_by(120).chain([end]) {
        let growing = Growing { disk: disk.clone(), path: PATH, length };
        let reader = Reader::open_on(&growing).unwrap();
        assert_eq!(reader.view().damage(), [], "{length} of {end} bytes");
        let report = verify(&growing, &VerifyOptions::default(), |_| {}).unwrap();
        assert!(report.valid, "{length} of {end}: {:?}", report.all_problems().collect::<Vec<_>>());
        assert_eq!(report.entries, entries(&reader), "{length} of {end} bytes");
        entry_counts.push(report.entries);
    }
    assert!(entry_counts.is_sorted() && entry_counts.first() == Some(&0));
    assert_eq!(entry_counts.last(), Some(&entries(&whole)));
}

#[test]
fn a_commit_of_which_only_the_first_segment_is_there_still_verifies_and_opens() {
    let disk = SimulatedDisk::new(2);
    let bounds = Bounds { segment_rows_aim: 40, segment_rows_max: 64, seal_rows_min: 8, ..Bounds::default() };
    let open = |seed| {
        let options = Options { bounds, ..sample::options(seed) };
        Store::open_on(Arc::new(disk.clone()), options).unwrap()
    };
    let store = open(2);
    // Both tenants have a line that is sealed, so that from then on each has a new salt key.
    let tenants = ["acme", "globex"];
    store.append(batch((0..50).map(|number| entry(tenants[number % 2], number)))).unwrap();
    store.seal_due().unwrap();
    // One commit that is sealed into two segments; the second tenant comes only in the latter.
    store.append(batch((0..100).map(|number| entry(tenants[number / 60], 50 + number)))).unwrap();
    store.seal_due().unwrap();
    drop(store);
    let firsts = segment::list(&disk, "billing").unwrap().segments;
    assert_eq!(firsts, [0, 50, 100]);
    disk.remove(&segment::path("billing", 100)).unwrap();
    for _ in 0..2 {
        let report = verify(&disk, &VerifyOptions::default(), |_| {}).unwrap();
        assert!(report.valid, "{:?}", report.all_problems().collect::<Vec<_>>());
        let billing = report.chains.iter().find(|chain| chain.service == "billing").unwrap();
        assert_eq!((billing.entries, billing.recomputed), (150, 150));
        // Goes on from there, and seals the rest again.
        let store = open(3);
        store.seal_due().unwrap();
    }
}
