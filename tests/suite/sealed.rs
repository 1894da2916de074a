//! Verification of sealed segments: what is whole is valid and reads as its journal did, and every change is found and
//! named, whoever computed the CRCs.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a helper of tests fails as a test does; what it makes is small"
)]

use sealog::generate::{Plan, write_all};
use sealog_engine::batch::Batch;
use sealog_engine::format::segment::SectionKind;
use sealog_engine::journal;
use sealog_engine::model::{Accept, Timestamp, Window, parse_entry};
use sealog_engine::segment as files;
use sealog_engine::verify::{ChainReport, Extent, PlaceInTime, ProblemKind, Report, VerifyOptions, verify};
use sealog_tests::flip::{problems, report};
use sealog_tests::forge::{Forge, rewritten};
use sealog_tests::sample;
use sealog_tests::sealed::{self, JournalChain};
use sealog_tests::segment_forge::SegmentImage;
use sealog_tests::simulation::disk::SimulatedDisk;
use sealog_tests::simulation::random::Random;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A store of a thousand entries and more in nine chains, with heads in between, stopped cleanly.
fn many_chains(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    let mut random = Random::new(seed);
    let store = sample::open(&disk, seed);
    let services: Vec<String> = (0..9).map(|number| format!("service-{number}")).collect();
    let tenants: Vec<String> = (0..7).map(|number| format!("tenant-{number}")).collect();
    for _ in 0..40 {
        let count = 1 + random.index(40);
        // Chains and tenants begin at any time.
        let pick =
            |random: &mut Random, from: &[String]| random.index(from.len()).min(random.index(from.len()));
        let places: Vec<(usize, usize)> =
            (0..count).map(|_| (pick(&mut random, &services), pick(&mut random, &tenants))).collect();
        let places: Vec<(&str, &str)> = places
            .iter()
            .map(|(service, tenant)| (services[*service].as_str(), tenants[*tenant].as_str()))
            .collect();
        store.append(sample::batch(&places, random.index(200))).unwrap();
        if random.below(5) == 0 {
            store.commit_heads().unwrap();
        }
    }
    store.close().unwrap();
    disk
}

/// Seals each chain up to any position, in segments of any size.
fn seal_some(disk: &SimulatedDisk, random: &mut Random) {
    sealed::seal(disk, |_, size| {
        let mut cuts: Vec<u64> = (0..random.index(4)).map(|_| 1 + random.below(size)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    });
}

/// Seals everything, in segments of at most this many entries, and takes the journal away.
fn seal_all(disk: &SimulatedDisk, rows: u64) {
    sealed::seal(disk, |_, size| {
        (1..=size / rows).map(|n| n * rows).chain([size]).collect::<BTreeSet<_>>().into_iter().collect()
    });
    disk.erase(&journal::path(1));
}

/// Generated entries, all sealed, without a journal, and the path of the largest segment.
fn generated(entries: u64) -> (SimulatedDisk, String) {
    let mut lines = Vec::new();
    write_all(&Plan { entries, ..Plan::default() }, &mut lines).unwrap();
    let disk = SimulatedDisk::new(1);
    let store = sample::open(&disk, 1);
    for lines in lines.split(|byte| *byte == b'\n').collect::<Vec<_>>().chunks(100) {
        let mut batch = Batch::new();
        for line in lines.iter().filter(|line| !line.is_empty()) {
            batch.push(&parse_entry(line, Accept::Entry).unwrap()).unwrap();
        }
        store.append(batch).unwrap();
    }
    store.close().unwrap();
    let mut largest = (0, String::new());
    sealed::seal(&disk, |service, size| {
        largest = (size, files::path(service, 0)).max(std::mem::take(&mut largest));
        vec![size]
    });
    disk.erase(&journal::path(1));
    (disk, largest.1)
}

/// What a report says of the chains, but for how it was found.
fn told(report: &Report) -> Vec<String> {
    let line = |own: &ChainReport| {
        let places = [own.first, own.last, own.before, own.after];
        let (service, valid, size) = (&own.service, own.valid, own.size);
        format!("{service} {valid} {size} {} {:?} {:?} {places:?}", own.entries, own.head, own.root)
    };
    report.chains.iter().map(line).collect()
}

/// At least this finding, in this file.
fn assert_names(report: &Report, service: &str, file: &str, kind: ProblemKind) {
    let is_named = report.all_problems().any(|problem| {
        problem.kind == kind && problem.service.as_deref() == Some(service) && problem.file == file
    });
    assert!(!report.valid && is_named, "expected {} in {file}, found {:#?}", kind.name(), problems(report));
}

#[test]
fn a_sealed_store_gives_the_report_of_its_journal() {
    let stores =
        [sample::stopped(1), sample::crashed(2), sample::of_size(150_000), many_chains(3), many_chains(4)];
    for (number, disk) in stores.iter().enumerate() {
        let before = report(disk);
        for round in 0..6 {
            let copy = disk.copy(0);
            seal_some(&copy, &mut Random::new(round * 31 + number as u64));
            let after = report(&copy);
            assert!(after.valid, "store {number}, round {round}: {:#?}", problems(&after));
            assert_eq!(told(&after), told(&before), "store {number}, round {round}");
            let recomputed: u64 = after.chains.iter().map(|chain| chain.recomputed).sum();
            assert_eq!((after.extent, recomputed), (Extent::Whole, after.entries));
        }
        for rows in [3, 200, 100_000] {
            let copy = disk.copy(0);
            seal_all(&copy, rows);
            let all = VerifyOptions { all_heads: true, ..VerifyOptions::default() };
            for options in [VerifyOptions::default(), all] {
                let after = verify(&copy.observer(), &options, |_| {}).unwrap();
                assert!(after.valid, "store {number} by {rows}: {:#?}", problems(&after));
                assert_eq!(told(&after), told(&before), "store {number} by {rows}");
            }
        }
    }
}

/// The sample with everything sealed and no journal; `change` is done to the journal before.
fn forged(change: impl FnOnce(&mut Forge)) -> Report {
    let disk = sample::stopped(1);
    let mut forge = Forge::open(&disk);
    change(&mut forge);
    forge.write();
    seal_all(&disk, 4);
    report(&disk)
}

#[test]
fn entries_changed_with_all_leaves_before_they_were_sealed_are_told_by_heads() {
    assert!(forged(|_| {}).valid);
    for seq in 0..7 {
        let report = forged(|forge| {
            forge.rewrite("portal", seq, |record| record.entry.message = "keep 0".into());
            forge.relink();
        });
        let named = report.all_problems().any(|problem| {
            problem.kind == ProblemKind::Altered && problem.service.as_deref() == Some("portal")
        });
        assert!(named, "entry {seq}: {:#?}", problems(&report));
    }
    let renamed = forged(|forge| {
        forge.part("portal", 0).lines[1].2 = "globey".to_owned();
        for seq in [2, 4] {
            forge.rewrite("portal", seq, |record| record.entry.tenant = "globey".into());
        }
        forge.relink();
    });
    assert!(!renamed.valid);
    let nonce = forged(|forge| forge.part("portal", 0).lines[0].1[0] ^= 1);
    let control = nonce.all_problems().find(|problem| problem.service.as_deref() == Some("sealog.control"));
    assert!(control.is_some_and(|own| own.kind == ProblemKind::Altered), "{:#?}", problems(&nonce));
    let earlier = forged(|forge| {
        forge.frame("portal", 3).header.logged_at += 1;
        forge.relink();
    });
    assert!(!earlier.valid);
}

/// The sample with portal in two segments, each other chain in one, beside the journal or without it.
fn two_segments(has_journal: bool) -> SimulatedDisk {
    let disk = sample::stopped(1);
    sealed::seal(&disk, |service, size| match service {
        "portal" => vec![4, size],
        _ => vec![size],
    });
    if !has_journal {
        disk.erase(&journal::path(1));
    }
    disk
}

fn first() -> String {
    files::path("portal", 0)
}

fn second() -> String {
    files::path("portal", 4)
}

/// Verifies the sample with one segment changed.
fn changed(path: &str, change: impl FnOnce(&mut SegmentImage)) -> Report {
    let disk = two_segments(false);
    let mut image = SegmentImage::open(&disk.bytes(path).unwrap());
    change(&mut image);
    disk.put(path, &image.encode());
    report(&disk)
}

#[test]
fn every_bit_and_every_length_of_a_segment_is_named() {
    let disk = two_segments(false);
    let bytes = disk.bytes(&first()).unwrap();
    let (large, large_path) = generated(2_000);
    let large_bytes = large.bytes(&large_path).unwrap();
    assert!(large_bytes.len() > 16_000, "{} bytes", large_bytes.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let (disk, large) = (disk.copy(0), large.copy(0));
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= bytes.len() {
                break;
            }
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                disk.put(&first(), &bytes);
                let report = report(&disk);
                let named = report.all_problems().any(|own| own.file == first());
                assert!(!report.valid && named, "bit {bit} of byte {at}: {:#?}", problems(&report));
            }
            disk.put(&first(), &bytes[..at]);
            let report = report(&disk);
            assert_names(&report, "portal", &first(), ProblemKind::Checksum);
            disk.put(&first(), &bytes);
            // Of a larger one, bytes at a distance that meets every section.
            let at = at * large_bytes.len() / bytes.len();
            let mut bytes = large_bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            large.put(&large_path, &bytes);
            let report = sealog_tests::flip::report(&large);
            assert!(!report.valid && report.all_problems().any(|own| own.file == large_path), "byte {at}");
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
}

#[test]
fn a_damaged_column_hides_nothing_of_other_segments() {
    let disk = two_segments(false);
    let mut bytes = disk.bytes(&first()).unwrap();
    let footer = files::check_bytes(&bytes).unwrap();
    let column = footer.sections.last().unwrap();
    bytes[column.offset as usize] ^= 1;
    disk.put(&first(), &bytes);
    let mut image = SegmentImage::open(&disk.bytes(&second()).unwrap());
    image.footer.severity_counts.swap(0, 2);
    disk.put(&second(), &image.encode());
    let report = report(&disk);
    assert_names(&report, "portal", &first(), ProblemKind::Checksum);
    assert_names(&report, "portal", &second(), ProblemKind::Index);
    let portal = report.chains.iter().find(|chain| chain.service == "portal").unwrap();
    assert_eq!((portal.entries, portal.first.map(|place| place.seq)), (7, Some(4)));
    assert_eq!((portal.last.map(|place| place.seq), &portal.root), (Some(6), &None));
}

#[test]
fn segments_that_are_swapped_gone_or_from_elsewhere_are_named() {
    let (other_store, other_service) = (sample::stopped(2), files::path("mail-api", 0));
    sealed::seal(&other_store, |_, size| vec![size]);
    for has_journal in [true, false] {
        let whole = two_segments(has_journal);
        assert!(report(&whole).valid, "{:#?}", problems(&report(&whole)));
        let swapped = [
            (first(), whole.bytes(&second()).unwrap(), ProblemKind::Foreign),
            (second(), whole.bytes(&first()).unwrap(), ProblemKind::Foreign),
            (first(), whole.bytes(&other_service).unwrap(), ProblemKind::Foreign),
            (first(), other_store.bytes(&first()).unwrap(), ProblemKind::Foreign),
        ];
        for (path, bytes, kind) in swapped {
            let disk = whole.copy(0);
            disk.put(&path, &bytes);
            assert_names(&report(&disk), "portal", &path, kind);
        }
        // The first one gone: the second says what is missing.
        let disk = whole.copy(0);
        disk.erase(&first());
        assert_names(&report(&disk), "portal", &second(), ProblemKind::SegmentMissing);
    }
    // The last one gone: without a journal, heads tell; with it nothing is missing.
    let disk = two_segments(false);
    disk.erase(&second());
    assert!(!report(&disk).valid);
    let disk = two_segments(true);
    disk.erase(&second());
    assert!(report(&disk).valid);
    // In the middle.
    let disk = sample::stopped(1);
    seal_all(&disk, 2);
    assert!(report(&disk).valid);
    disk.erase(&files::path("portal", 2));
    let report = report(&disk);
    assert_names(&report, "portal", &files::path("portal", 4), ProblemKind::SegmentMissing);
}

#[test]
fn a_chain_that_is_gone_is_named() {
    let disk = two_segments(false);
    disk.erase(&files::path("mail-api", 0));
    let report = report(&disk);
    assert!(!report.valid, "{:#?}", problems(&report));
    assert!(report.all_problems().any(|own| own.service.as_deref() == Some("mail-api")));
}

#[test]
fn dead_segments_are_left_alone_and_overlapping_ones_named() {
    let disk = sample::stopped(1);
    let (identity, chains) = sealed::chains(&disk);
    let portal = &chains["portal"];
    for (from, to) in [(0, 7), (2, 5)] {
        let bytes = sealed::build(&identity, "portal", portal, from..to);
        files::write(&disk, "portal", from as u64, &bytes).unwrap();
    }
    assert!(report(&disk).valid);
    disk.put(&first(), &sealed::build(&identity, "portal", portal, 0..4));
    assert_names(&report(&disk), "portal", &files::path("portal", 2), ProblemKind::Duplicate);
}

/// The sample without a journal, with the first segment of portal built over another chain than was committed.
fn rebuilt(change: impl FnOnce(&mut JournalChain)) -> Report {
    let disk = sample::stopped(1);
    let (identity, mut chains) = sealed::chains(&disk);
    seal_all(&disk, 4);
    change(chains.get_mut("portal").unwrap());
    disk.put(&first(), &sealed::build(&identity, "portal", &chains["portal"], 0..4));
    report(&disk)
}

#[test]
fn altered_and_moved_entries_with_right_checksums_are_named() {
    assert!(rebuilt(|_| {}).valid);
    for seq in 0..4 {
        let report = rebuilt(|chain| {
            chain.rewrite(seq, |record| rewritten(record, |record| record.entry.message = "keep 0".into()));
        });
        assert_names(&report, "portal", &first(), ProblemKind::Altered);
        let wrong = report.all_problems().count();
        assert_eq!(wrong, 1, "{:#?}", problems(&report));
    }
    let report = rebuilt(|chain| chain.swap(0, 3));
    assert_names(&report, "portal", &first(), ProblemKind::Altered);
    assert_names(&report, "portal", &first(), ProblemKind::TenantGap);
    let report = rebuilt(|chain| chain.swap(1, 2));
    assert_names(&report, "portal", &first(), ProblemKind::Altered);
    let report = rebuilt(|chain| chain.rewrite(1, |_| vec![0xff; 9]));
    assert_names(&report, "portal", &first(), ProblemKind::Altered);
}

#[test]
fn states_and_tables_with_right_checksums_are_named() {
    use ProblemKind::{Altered, Duplicate, Index, TenantGap};
    type Change = fn(&mut SegmentImage);
    let in_first: [(ProblemKind, Change); 18] = [
        (Altered, |own| own.footer.prev[0] ^= 1),
        (Altered, |own| own.footer.head[0] ^= 1),
        (Altered, |own| own.footer.closing_edge[0][0] ^= 1),
        (Altered, |own| own.footer.slot += 1),
        (Index, |own| own.footer.line_count += 1),
        (Index, |own| own.footer.line_count = u32::MAX),
        (Index, |own| own.footer.record_bytes += 1),
        (Index, |own| own.footer.record_bytes = u64::MAX),
        (Index, |own| own.footer.severity_counts = [0, 0, 0, 4, 0, 0]),
        (Index, |own| own.footer.logged_at.1 += 1),
        (Altered, |own| own.change_tenants(|rows| rows[0].nonce[0] ^= 1)),
        (Altered, |own| own.change_tenants(|rows| rows[0].opening.digest[0] ^= 1)),
        (Altered, |own| own.change_tenants(|rows| rows[0].closing.digest[0] ^= 1)),
        (Altered, |own| own.change_tenants(|rows| rows[1].slot += 1)),
        (Altered, |own| own.change_tenants(|rows| rows[1].line = 7)),
        (Duplicate, |own| own.change_tenants(|rows| rows[1].line = 0)),
        (Altered, |own| own.change_tenants(|rows| rows[0].keys[0].1[0] ^= 1)),
        (Altered, |own| own.change_tenants(|rows| rows[0].tenant = "acmd".to_owned())),
    ];
    for (number, (kind, change)) in in_first.into_iter().enumerate() {
        let report = changed(&first(), change);
        let found = problems(&report);
        let is_named =
            report.all_problems().any(|own| own.kind == kind && own.service.as_deref() == Some("portal"));
        assert!(!report.valid && is_named, "change {number}: {found:#?}");
    }
    let in_second: [(ProblemKind, Change); 7] = [
        (Altered, |own| own.footer.prev[0] ^= 1),
        (Altered, |own| own.footer.opening_edge[0][0] ^= 1),
        (Altered, |own| own.footer.slot += 1),
        (Altered, |own| own.change_tenants(|rows| rows[0].nonce[0] ^= 1)),
        (Altered, |own| own.change_tenants(|rows| rows[0].slot += 1)),
        (Altered, |own| own.change_tenants(|rows| rows[0].opening.digest[0] ^= 1)),
        (TenantGap, |own| {
            own.change_tenants(|rows| {
                rows[0].opening.size += 1;
                rows[0].closing.size += 1;
            });
        }),
    ];
    for (number, (kind, change)) in in_second.into_iter().enumerate() {
        assert_names(&changed(&second(), change), "portal", &second(), kind);
        let _ = number;
    }
    let missing = changed(&first(), |own| own.change_tenants(|rows| rows[0].keys.clear()));
    assert_names(&missing, "portal", &first(), ProblemKind::Missing);
}

#[test]
fn marks_and_indexes_with_right_checksums_are_named() {
    let whole = sample::of_size(900_000);
    seal_all(&whole, 100_000);
    let path = files::path("mail-api", 0);
    let size = report(&whole).chains.iter().find(|chain| chain.service == "mail-api").unwrap().size;
    assert!(size > 600, "{size} entries");
    let found = |change: &dyn Fn(&mut SegmentImage)| {
        let disk = whole.copy(0);
        let mut image = SegmentImage::open(&disk.bytes(&path).unwrap());
        change(&mut image);
        disk.put(&path, &image.encode());
        let report = report(&disk);
        let own: Vec<(ProblemKind, u64, u64)> = report
            .all_problems()
            .map(|own| (own.kind, own.first_seq.unwrap_or(0), own.last_seq.unwrap_or(0)))
            .collect();
        own
    };
    let altered = ProblemKind::Altered;
    // A node, and a leaf: the entries themselves are as they were.
    assert_eq!(found(&|own| own.section(SectionKind::Marks)[0] ^= 1), [(altered, 0, 255)]);
    assert_eq!(found(&|own| own.section(SectionKind::Marks)[64 + 32] ^= 1), [(altered, 255, 255)]);
    assert_eq!(found(&|own| own.section(SectionKind::Marks)[32] ^= 1), [(altered, 0, 0)]);
    // A row of a bitmap, the places, the times.
    let index = found(&|own| {
        let bitmaps = own.section(SectionKind::Severities);
        bitmaps.reverse();
    });
    assert_eq!(index.first().map(|own| own.0), Some(ProblemKind::Index));
    let places = found(&|own| *own.section(SectionKind::Places).last_mut().unwrap() ^= 0x10);
    assert_eq!(places.first().map(|own| own.0), Some(ProblemKind::Index));
}

#[test]
fn hostile_bytes_with_right_checksums_end_in_a_report() {
    let whole = two_segments(false);
    let told_before = report(&whole);
    let mut random = Random::new(5);
    let mut found = 0;
    let rounds = 1_500;
    for round in 0..rounds {
        let disk = whole.copy(0);
        let path = if round % 2 == 0 { first() } else { second() };
        let mut image = SegmentImage::open(&disk.bytes(&path).unwrap());
        for _ in 0..1 + random.index(3) {
            let count = image.sections.len();
            let bytes = &mut image.sections[random.index(count)].1;
            if !bytes.is_empty() {
                let at = random.index(bytes.len());
                bytes[at] = match random.below(3) {
                    0 => 0xff,
                    1 => 0,
                    _ => random.draw().to_le_bytes()[0],
                };
            }
        }
        disk.put(&path, &image.encode());
        let report = report(&disk);
        found += usize::from(!report.valid);
        if report.valid {
            // Bits that mean nothing: everything was recomputed all the same.
            assert_eq!(told(&report), told(&told_before));
        }
    }
    assert!(found > rounds / 2, "{found} of {rounds}");
    // Numbers that would size something.
    for change in [
        |own: &mut SegmentImage| own.footer.entry_count = 1 << 20,
        |own: &mut SegmentImage| own.footer.severity_counts = [0, 0, 1 << 20, 0, 0, 0],
        |own: &mut SegmentImage| own.change_tenants(|rows| rows[0].closing.size = u64::MAX),
        |own: &mut SegmentImage| own.change_tenants(|rows| rows[0].keys[0].0 = u64::MAX),
        |own: &mut SegmentImage| {
            own.footer.entry_count = 1 << 20;
            own.footer.severity_counts = [0, 0, 1 << 20, 0, 0, 0];
        },
    ] {
        let report = changed(&first(), change);
        assert!(!report.valid && report.all_problems().any(|own| own.file == first()));
    }
}

#[test]
fn copies_in_the_journal_must_be_what_the_segment_says() {
    let disk = sample::stopped(1);
    sealed::seal(&disk, |service, size| if service == "portal" { vec![4, 6] } else { vec![size] });
    assert!(report(&disk).valid, "{:#?}", problems(&report(&disk)));
    // An entry altered in the journal, with its leaves, or without.
    for is_relinked in [false, true] {
        let disk = disk.copy(0);
        let mut forge = Forge::open(&disk);
        forge.rewrite("portal", 1, |record| record.entry.message = "keep 0".into());
        if is_relinked {
            forge.relink();
        }
        forge.write();
        let report = report(&disk);
        assert_names(&report, "portal", &journal::path(1), ProblemKind::Altered);
        assert_eq!(report.entries, 12);
    }
    // A line's nonce there.
    let mut forge = Forge::open(&disk);
    forge.part("portal", 0).lines[0].1[0] ^= 1;
    forge.write();
    let report = report(&disk);
    assert!(!report.valid && problems(&report)[0].contains("another nonce"), "{:#?}", problems(&report));
}

#[test]
fn windows_tell_what_a_look_at_every_entry_tells() {
    let disk = many_chains(6);
    let (_, chains) = sealed::chains(&disk);
    for rows in [7, 300, 100_000] {
        let copy = disk.copy(0);
        seal_all(&copy, rows);
        let times: Vec<i64> =
            (0..chains["service-0"].size() as usize).map(|seq| chains["service-0"].logged_at(seq)).collect();
        let (first, last) = (times[0], times[times.len() - 1]);
        for (from, to) in [
            (Some(first), None),
            (None, Some(last)),
            (Some(times[times.len() / 3]), Some(times[times.len() / 2])),
            (Some(last), Some(last + 1)),
            (Some(last + 1_000_000_000_000), None),
        ] {
            let window = Window { from: from.map(Timestamp::from_nanos), to: to.map(Timestamp::from_nanos) };
            let options = VerifyOptions { window, ..VerifyOptions::default() };
            let report = verify(&copy.observer(), &options, |_| {}).unwrap();
            assert!(report.valid, "{rows} rows: {:#?}", problems(&report));
            assert_eq!(report.extent, Extent::Window);
            for own in &report.chains {
                let chain = &chains[&own.service];
                let places: Vec<PlaceInTime> = (0..chain.size())
                    .map(|seq| PlaceInTime {
                        seq,
                        logged_at: Timestamp::from_nanos(chain.logged_at(seq as usize)),
                    })
                    .collect();
                let inside: Vec<PlaceInTime> =
                    places.iter().copied().filter(|place| window.contains(place.logged_at)).collect();
                let early = |place: &&PlaceInTime| window.from.is_some_and(|from| place.logged_at < from);
                let late = |place: &&PlaceInTime| window.to.is_some_and(|to| place.logged_at >= to);
                let expected = (inside.first().copied(), inside.last().copied());
                assert_eq!((own.first, own.last), expected, "{} by {rows}", own.service);
                let beside = (places.iter().rev().find(early).copied(), places.iter().find(late).copied());
                assert_eq!((own.before, own.after), beside, "{} by {rows}", own.service);
            }
        }
        let only = VerifyOptions { services: vec!["service-1".to_owned()], ..VerifyOptions::default() };
        let report = verify(&copy.observer(), &only, |_| {}).unwrap();
        assert!(report.valid, "{:#?}", problems(&report));
        assert_eq!(report.chains.len(), 2);
    }
}

#[test]
fn a_window_costs_what_it_holds_and_finds_what_is_in_it() {
    let disk = sample::of_size(900_000);
    seal_all(&disk, 100_000);
    let (path, whole) = (files::path("mail-api", 0), report(&disk));
    let last =
        whole.chains.iter().find(|chain| chain.service == "mail-api").and_then(|chain| chain.last).unwrap();
    let window = Window { from: Some(last.logged_at), to: None };
    let options = VerifyOptions { window, ..VerifyOptions::default() };
    let report_of = |disk: &SimulatedDisk| verify(&disk.observer(), &options, |_| {}).unwrap();
    let report = report_of(&disk);
    assert!(report.valid, "{:#?}", problems(&report));
    let recomputed = report.recomputed.unwrap();
    assert!(recomputed < whole.entries / 2 + 300, "{recomputed} of {}", whole.entries);
    let mut image = SegmentImage::open(&disk.bytes(&path).unwrap());
    image.footer.closing_edge[0][0] ^= 1;
    disk.put(&path, &image.encode());
    assert_names(&report_of(&disk), "mail-api", &path, ProblemKind::Altered);
}

#[test]
fn a_quick_check_recomputes_nothing_and_finds_damage_and_gaps() {
    let options = VerifyOptions { quick: true, ..VerifyOptions::default() };
    let quick = |disk: &SimulatedDisk| verify(&disk.observer(), &options, |_| {}).unwrap();
    for has_journal in [true, false] {
        let whole = two_segments(has_journal);
        let report = quick(&whole);
        assert!(report.valid, "{:#?}", problems(&report));
        assert_eq!((report.extent, report.recomputed), (Extent::Quick, Some(0)));
        let disk = whole.copy(0);
        let mut bytes = disk.bytes(&first()).unwrap();
        bytes[300] ^= 1;
        disk.put(&first(), &bytes);
        assert_names(&quick(&disk), "portal", &first(), ProblemKind::Checksum);
        let disk = whole.copy(0);
        disk.erase(&first());
        assert!(!quick(&disk).valid);
    }
}
