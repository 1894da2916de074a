//! Bytes that rot, tails that tear, files that are cut, swapped, doubled, renamed, removed or foreign.
//!
//! Each damage is done to a whole store; verify must name it, with file and place, and must find nothing else wrong.

#![expect(clippy::cast_possible_truncation, reason = "a helper of tests fails as a test does")]

use sealog_engine::error::Error;
use sealog_engine::journal::path;
use sealog_engine::reader::Reader;
use sealog_engine::store::Store;
use sealog_engine::verify::ProblemKind;
use sealog_tests::flip::{Target, problems, report};
use sealog_tests::flip_segment;
use sealog_tests::flip_segment::SegmentTarget;
use sealog_tests::forge::Forge;
use sealog_tests::sample;
use sealog_tests::simulation::disk::SimulatedDisk;
use sealog_tests::simulation::model::show_all;
use std::sync::Arc;

const THREADS: usize = 2;

fn entries_of(disk: &SimulatedDisk) -> u64 {
    report(disk).entries
}

/// The sample's journal in three files: frames 1 and 2, frames 3 and 4, frames 5 to 7.
fn in_three_files(seed: u64) -> SimulatedDisk {
    let disk = sample::stopped(seed);
    let mut forge = Forge::open(&disk);
    forge.split(&[1, 3, 5]);
    forge.write();
    assert!(report(&disk).valid, "{:#?}", problems(&report(&disk)));
    disk
}

#[test]
fn every_flipped_bit_of_a_stopped_journal_is_named_with_its_place() {
    let target = Target::new(&sample::of_size(8 << 10), 1);
    assert!(target.length() > 8 << 10);
    let figures = target.flip_every_bit(THREADS, |_| {});
    assert_eq!(figures.tried, target.length() * 8);
    // The frame of the clean stop is the last: nothing vouches for it.
    assert_eq!(figures.torn, 64 * 8);
}

#[test]
fn every_flipped_bit_of_a_journal_after_a_crash_is_named_or_in_its_last_frame() {
    let disk = sample::crashed(4);
    // Most of the zeros written ahead, one like the other, are left out.
    let bytes = disk.bytes(&path(1)).unwrap();
    let end = Target::new(&disk, 1).frames_end() as usize;
    disk.put(&path(1), &bytes[..end + 100]);
    let figures = Target::new(&disk, 1).flip_every_bit(THREADS, |_| {});
    assert!(figures.named > 1000 && figures.torn > 100 * 8, "{figures:?}");
}

#[test]
fn every_flipped_bit_of_any_journal_file_is_named() {
    let disk = in_three_files(5);
    for number in 1..=3 {
        let figures = Target::new(&disk, number).flip_every_bit(THREADS, |_| {});
        assert_eq!(figures.torn, if number == 3 { 64 * 8 } else { 0 }, "file {number}: {figures:?}");
    }
}

#[test]
fn a_journal_cut_to_any_length_shows_an_older_state_and_never_a_hole() {
    let figures = Target::new(&sample::of_size(4 << 10), 1).cut_everywhere(THREADS, |_| {});
    // The headers' end and each frame's, and nothing at all.
    assert!(figures.older >= 7 && figures.named == 0, "{figures:?}");
}

#[test]
fn a_journal_file_before_the_last_is_named_at_whatever_length_it_is_cut() {
    let disk = in_three_files(6);
    for number in 1..=2 {
        let figures = Target::new(&disk, number).cut_everywhere(THREADS, |_| {});
        assert_eq!(figures.named, figures.tried, "file {number}: {figures:?}");
    }
}

#[test]
fn every_flipped_bit_of_store_is_named_and_keeps_the_store_from_being_written() {
    let disk = sample::stopped(7);
    let whole = disk.bytes("STORE").unwrap();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        disk.put("STORE", &bytes);
        let report = report(&disk);
        assert!(!report.valid, "bit {bit}");
        assert_eq!(report.problems[0].file, "STORE", "bit {bit}: {:#?}", problems(&report));
        let opened = Store::open_on(Arc::new(disk.copy(1)), sample::options(1));
        assert!(matches!(opened.err(), Some(Error::Damaged { .. })), "bit {bit}");
        match Reader::open_on(&disk.observer()) {
            Ok(reader) => assert_eq!(reader.view().damage()[0].file, "STORE", "bit {bit}"),
            Err(error) => assert!(matches!(error, Error::Damaged { .. }), "bit {bit}: {error}"),
        }
    }
}

#[test]
fn a_torn_tail_is_cut_and_counted() {
    let disk = sample::crashed(8);
    let bytes = disk.bytes(&path(1)).unwrap();
    let end = Target::new(&disk, 1).frames_end() as usize;
    let mut torn = bytes[..end].to_vec();
    torn.extend_from_slice(b"SLGF");
    torn.extend([7; 96]);
    disk.put(&path(1), &torn);
    assert_eq!((report(&disk).valid, report(&disk).torn_bytes), (true, 100));
    assert_eq!(Reader::open_on(&disk.observer()).unwrap().torn_bytes(), 100);
    let store = sample::open(&disk, 1);
    assert_eq!(store.torn_bytes(), 100);
    store.append(sample::batch(&[("portal", "acme")], 0)).unwrap();
    store.close().unwrap();
    let report = report(&disk);
    assert_eq!((report.valid, report.torn_bytes), (true, 0), "{:#?}", problems(&report));
    assert_eq!(sample::open(&disk, 1).torn_bytes(), 0);
}

#[test]
fn damage_before_a_later_frame_opens_read_only_and_everything_else_is_read() {
    let disk = sample::stopped(9);
    let mut forge = Forge::open(&disk);
    let frame = forge.frame("portal", 3).header;
    let mut bytes = disk.bytes(&path(1)).unwrap();
    bytes[frame.offset as usize + 100] ^= 1;
    disk.put(&path(1), &bytes);

    let error = Store::open_on(Arc::new(disk.clone()), sample::options(1)).err().unwrap();
    assert!(matches!(&error, Error::Damaged { place, .. } if place.contains(&path(1))), "{error}");
    assert!(error.to_string().contains(&format!("byte {}", frame.offset)), "{error}");
    assert_eq!(disk.bytes(&path(1)).unwrap(), bytes, "what cannot be opened is not touched");

    let reader = Reader::open_on(&disk.observer()).unwrap();
    let damage = &reader.view().damage()[0];
    let end = frame.offset + frame.frame_bytes();
    assert_eq!(
        (damage.file.as_str(), damage.offset, damage.end_offset),
        (path(1).as_str(), frame.offset, end)
    );
    assert_eq!(damage.lost.map(|lost| (lost.first, lost.last)), Some((2, 2)));
    let portal = reader.view().chains().into_iter().find(|chain| chain.service() == "portal").unwrap();
    assert_eq!(portal.entry_count(), 5, "entries 3 and 4 are lost, five are read");

    let report = report(&disk);
    let missing = report.all_problems().find(|problem| problem.service.as_deref() == Some("portal")).unwrap();
    assert_eq!((missing.first_seq, missing.last_seq), (Some(3), Some(4)), "{:#?}", problems(&report));
    let others = report.chains.iter().filter(|chain| chain.service == "mail-api");
    assert!(others.into_iter().all(|chain| chain.valid), "{:#?}", problems(&report));
}

#[test]
fn swapped_journal_files_are_named() {
    let whole = in_three_files(10);
    for (a, b) in [(1, 2), (1, 3), (2, 3)] {
        let disk = whole.copy(0);
        let (first, second) = (disk.bytes(&path(a)).unwrap(), disk.bytes(&path(b)).unwrap());
        disk.put(&path(a), &second);
        disk.put(&path(b), &first);
        let report = report(&disk);
        for number in [a, b] {
            let is_named = report.problems.iter().any(|problem| problem.file == path(number));
            assert!(is_named, "files {a} and {b}: {:#?}", problems(&report));
        }
    }
}

#[test]
fn a_doubled_renamed_or_badly_named_journal_file_is_named() {
    let whole = in_three_files(11);
    for (from, to) in [(1, 4), (2, 4), (3, 4), (1, 2), (3, 1)] {
        let disk = whole.copy(0);
        disk.put(&path(to), &whole.bytes(&path(from)).unwrap());
        let report = report(&disk);
        let is_named = report.problems.iter().any(|problem| problem.file == path(to));
        assert!(is_named, "file {from} as {to}: {:#?}", problems(&report));
    }
    let disk = whole.copy(0);
    disk.put("journal/2.journal", &whole.bytes(&path(2)).unwrap());
    assert!(problems(&report(&disk))[0].contains("journal/2.journal"), "{:#?}", problems(&report(&disk)));
}

#[test]
fn a_missing_journal_file_is_noticed_but_for_the_newest() {
    let whole = in_three_files(12);
    for number in 1..=2 {
        let disk = whole.copy(0);
        disk.erase(&path(number));
        let report = report(&disk);
        let found = problems(&report);
        assert!(report.problems.iter().any(|problem| problem.file == path(number + 1)), "{found:#?}");
        assert!(!report.valid && found.iter().any(|problem| problem.contains("portal")), "{found:#?}");
        assert!(Store::open_on(Arc::new(disk), sample::options(1)).is_err());
    }
    // Without the newest file the store is what it was before: only a checkpoint kept elsewhere tells.
    whole.erase(&path(3));
    assert_eq!((report(&whole).valid, entries_of(&whole)), (true, 9));
}

#[test]
fn a_journal_file_of_another_store_is_foreign() {
    let (whole, other) = (in_three_files(13), in_three_files(14));
    for number in 1..=3 {
        let disk = whole.copy(0);
        disk.put(&path(number), &other.bytes(&path(number)).unwrap());
        let report = report(&disk);
        let foreign = report.problems.iter().find(|problem| problem.kind == ProblemKind::Foreign);
        assert_eq!(foreign.map(|problem| &problem.file), Some(&path(number)), "{:#?}", problems(&report));
    }
}

#[test]
fn store_of_another_store_is_noticed() {
    let (disk, other) = (sample::stopped(15), sample::stopped(16));
    disk.put("STORE", &other.bytes("STORE").unwrap());
    let report = report(&disk);
    assert_eq!(report.problems[0].kind, ProblemKind::Foreign, "{:#?}", problems(&report));
}

#[test]
fn a_frame_copied_to_another_place_or_file_is_refused() {
    let whole = in_three_files(17);
    let (one, two) = (whole.bytes(&path(1)).unwrap(), whole.bytes(&path(2)).unwrap());
    let mut forge = Forge::open(&whole);
    let (first, second) = (forge.frame("portal", 0).header, forge.frame("portal", 3).header);
    // Behind its own file, and over the second file's beginning.
    let frame = &one[first.offset as usize..second.offset as usize];
    let disk = whole.copy(0);
    disk.put(&path(1), &[&one, frame].concat());
    assert!(problems(&report(&disk))[0].contains(&path(1)), "{:#?}", problems(&report(&disk)));
    let disk = whole.copy(0);
    let mut over = two;
    let length = frame.len().min(over.len() - 128);
    over[128..128 + length].copy_from_slice(&frame[..length]);
    disk.put(&path(2), &over);
    assert!(problems(&report(&disk))[0].contains(&path(2)), "{:#?}", problems(&report(&disk)));
}

#[test]
fn a_blank_file_out_of_turn_does_not_hide_a_missing_one() {
    let disk = in_three_files(18);
    disk.erase(&path(3));
    disk.put(&path(4), &[]);
    let store = Store::open_on(Arc::new(disk.clone()), sample::options(1));
    let is_refused = matches!(store, Err(Error::Damaged { .. }));
    drop(store);
    let report = report(&disk);
    assert!(is_refused, "a file was begun behind a hole: {:#?}", problems(&report));
    assert_eq!(report.problems[0].file, path(4), "{:#?}", problems(&report));
}

#[test]
fn a_segment_with_a_flipped_bit_cut_or_swapped_is_named() {
    let disk = flip_segment::sealed(2 << 10);
    let paths = flip_segment::paths(&disk);
    assert!(paths.len() > 6, "{paths:?}");
    for path in [&paths[0], &paths[paths.len() - 1]] {
        let target = SegmentTarget::new(&disk, path);
        // The long run takes every bit of a larger one: `tests/src/bin/flip.rs`.
        assert!(target.flip_bits(13, 2, |_| {}).named > 300);
        assert!(target.cut(5, 2, |_| {}).named > 100);
    }
    assert_eq!(flip_segment::swap_every_pair(&disk).named, (paths.len() * (paths.len() - 1) / 2) as u64);
}

#[test]
fn the_forge_writes_what_the_engine_wrote() {
    let disk = sample::stopped(19);
    let before = disk.bytes(&path(1)).unwrap();
    let mut forge = Forge::open(&disk);
    forge.write();
    assert_eq!(disk.bytes(&path(1)).unwrap(), before);
    forge.relink();
    forge.renumber();
    forge.write();
    assert_eq!(disk.bytes(&path(1)).unwrap(), before, "recomputed leaves and links are the engine's");
    assert_eq!(show_all(sample::open(&disk, 1).view()).len() as u64, entries_of(&disk));
}
