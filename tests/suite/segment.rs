//! Sealed segments: whatever was committed comes back, and whatever is not what was written is found.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a helper of tests fails as a test does; what it makes is small"
)]

use sealog_engine::disk::Disk;
use sealog_engine::format::column::Effort;
use sealog_engine::format::record;
use sealog_engine::format::segment;
use sealog_engine::format::segment::Footer;
use sealog_engine::format::segment::LineState;
use sealog_engine::format::segment::columns::Row;
use sealog_engine::format::segment::states::{self, Opening, OpeningLine};
use sealog_engine::model::{Actor, Artifact, Entry, Object, Process, ProcessEvent, Severity, Timestamp};
use sealog_engine::proof::Hasher;
use sealog_engine::proof::tree::RightEdge;
use sealog_engine::reader::Reader;
use sealog_engine::segment as files;
use sealog_engine::segment::view::View;
use sealog_engine::segment::writer;
use sealog_tests::plain;
use sealog_tests::sample;
use sealog_tests::sealed;
use sealog_tests::simulation::disk::SimulatedDisk;
use sealog_tests::simulation::random::Random;
use std::ops::Range;

const TENANTS: u32 = 5;

/// A record, its kind and its commit time.
type OwnRow = (Vec<u8>, u8, i64);

/// A record with any of its fields, or a control record, or bytes that are no record.
fn any_record(random: &mut Random, tenant: u32, tenant_seq: u64) -> (Vec<u8>, u8) {
    let mut out = Vec::new();
    let text = |random: &mut Random, most: usize| -> String {
        let words = ["mailbox", "policy", "10", "0042", "α", "\u{1f}", "\"", "deadbeef01", "x"];
        let count = random.index(most);
        (0..count).map(|_| words[random.index(words.len())]).collect::<Vec<_>>().join(" ")
    };
    let maybe = |random: &mut Random, most: usize| match random.below(2) {
        0 => String::new(),
        _ => text(random, most),
    };
    let time = |random: &mut Random| match random.below(3) {
        0 => None,
        1 => Some(Timestamp::from_nanos(random.draw().cast_signed())),
        _ => Some(Timestamp::from_nanos(
            1_795_000_000_000_000_000 + (random.below(1 << 30) * 1000).cast_signed(),
        )),
    };
    if random.below(40) == 0 {
        // Not what any encoder of ours would write: kept as it is.
        let bytes = (0..1 + random.index(50)).map(|_| random.draw().to_le_bytes()[0]).collect();
        return (bytes, 0);
    }
    let mut entry = Entry {
        tenant: format!("tenant-{tenant}").into(),
        organization: maybe(random, 3).into(),
        service: "portal".into(),
        id: format!("e-{}", random.below(1000)).into(),
        generated_at: time(random),
        severity: Severity::ALL[random.index(6)],
        activity: format!("activity {}", random.below(5)).into(),
        actor: Actor {
            kind: maybe(random, 2).into(),
            id: maybe(random, 2).into(),
            name: maybe(random, 3).into(),
        },
        on_behalf_of: maybe(random, 2).into(),
        object: Object { id: maybe(random, 2).into(), name: maybe(random, 3).into() },
        request_id: maybe(random, 2).into(),
        configuration_id: maybe(random, 2).into(),
        success: [None, Some(false), Some(true)][random.index(3)],
        message: maybe(random, 60).into(),
        started: time(random),
        finished: time(random),
        process: (random.below(2) == 0).then(|| Process {
            id: "p-1".into(),
            parent: maybe(random, 2).into(),
            event: ProcessEvent::ALL[random.index(6)],
        }),
        artifact: (random.below(4) == 0).then(|| Artifact {
            sha256: [random.draw().to_le_bytes()[0]; 32],
            name: maybe(random, 3).into(),
            media_type: maybe(random, 2).into(),
            size: [None, Some(0), Some(u64::MAX), Some(17)][random.index(4)],
        }),
        attributes: match random.below(2) {
            0 => Vec::new(),
            _ => vec![("a".into(), maybe(random, 4).into()), ("key\u{1e}".into(), "v".into())],
        },
    };
    if random.below(2) == 0 {
        let between = [" of ", "\u{1}", "\u{1a}", "-", "é", "x"][random.index(6)];
        let told = [&entry.object.name, &entry.actor.id, &entry.tenant, &entry.activity];
        let told = [told[random.index(4)], told[random.index(4)]];
        entry.message = format!("{}{between}{}{between}", told[0], told[1]).into();
    }
    let mut parts = Vec::new();
    let lengths = record::encode_parts(&entry, &mut parts).unwrap();
    let (id, rest) = parts.split_at(lengths.id_bytes as usize);
    let held = entry.artifact.is_some() && random.below(2) == 0;
    let own = record::Parts { id, rest, pair_count: lengths.pair_count };
    record::assemble(own, tenant_seq, "sealog@test", held, &mut out);
    (out, 0)
}

/// Rows of any kind, with the tenant of each.
fn any_rows(random: &mut Random, count: usize) -> (Vec<OwnRow>, Vec<u32>) {
    let mut sizes = [0_u64; TENANTS as usize];
    let mut logged_at = 1_795_000_000_000_000_000_i64;
    let (mut rows, mut tenants) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let tenant = u32::try_from(random.index(TENANTS as usize)).unwrap();
        let size = &mut sizes[tenant as usize];
        let (record, kind) = any_record(random, tenant, *size);
        *size += 1;
        logged_at += i64::try_from(random.below(3)).unwrap() * 1_000_003;
        rows.push((record, kind, logged_at));
        tenants.push(tenant);
    }
    (rows, tenants)
}

fn sealed_bytes(first_seq: u64, rows: &[OwnRow], tenants: &[u32], effort: Effort) -> Vec<u8> {
    let present: Vec<u32> = (0..TENANTS).filter(|tenant| tenants.contains(tenant)).collect();
    let own: Vec<u32> = tenants
        .iter()
        .map(|tenant| u32::try_from(present.iter().position(|known| known == tenant).unwrap()).unwrap())
        .collect();
    let lines = present
        .iter()
        .map(|tenant| OpeningLine {
            tenant: format!("tenant-{tenant}"),
            line: *tenant,
            slot: *tenant + 1,
            nonce: [7; 16],
            state: LineState { size: 0, digest: [1; 32] },
            keys: vec![(first_seq, [2; 32])],
        })
        .collect();
    let opening = Opening {
        store_id: [3; 16],
        service: "portal".to_owned(),
        chain_id: [4; 16],
        slot: 0,
        prev: [5; 32],
        edge: RightEdge::from_subtrees(first_seq, &vec![[6; 32]; first_seq.count_ones() as usize]).unwrap(),
        line_count: TENANTS,
    };
    let leaves = vec![[8; 32]; rows.len()];
    let frame = states::close(&opening, lines, &leaves, &own, &mut Hasher::new());
    let rows: Vec<Row<'_>> = rows
        .iter()
        .map(|(record, kind, logged_at)| Row { record, kind: *kind, logged_at: *logged_at })
        .collect();
    writer::build(frame, &rows, &own, effort).unwrap()
}

/// Everything a view gives, by row.
fn read(bytes: &[u8], footer: &Footer) -> Result<Vec<OwnRow>, segment::SegmentError> {
    let view = View::new(bytes, footer);
    let mut rows = vec![(Vec::new(), 0, 0); footer.entry_count as usize];
    for row in 0..footer.entry_count {
        let place = view.place_of(row)?;
        let (run, index) = view.run_at(place)?;
        let head = view.head(place, run, index)?;
        let mut record = Vec::new();
        view.with_cursors(|cursors| view.record(place, &head, cursors, &mut record))?;
        rows[head.row as usize] = (record, head.kind, head.logged_at);
    }
    view.severities()?;
    view.marks()?;
    Ok(rows)
}

/// Whatever the bytes say: records put together at once, one after the other and the plain way are the same.
fn compare_with_plain(bytes: &[u8], footer: &Footer) {
    let view = View::new(bytes, footer);
    let Ok(Ok(times)) = view.times().map(|times| times.decode()) else { return };
    // All places, then some of each block, and of some blocks one.
    for (step, length) in [(u32::MAX, u32::MAX), (3, 1), (40, 17), (301, 2)] {
        let begins = (0..footer.entry_count).step_by(step as usize);
        let places: Vec<Range<u32>> =
            begins.map(|from| from..from.saturating_add(length).min(footer.entry_count)).collect();
        let mut wanted = places.iter().cloned().flatten();
        let result = view.with_cursors(|cursors| {
            view.walk(
                &places,
                |row| times[row as usize],
                cursors,
                |head, read| {
                    let place = wanted.next().unwrap();
                    let plain = plain::record(&view, place, head);
                    assert_eq!(read.ok().map(|read| read.record), plain.as_deref(), "place {place}");
                    Ok::<_, segment::SegmentError>(())
                },
            )
        });
        assert!(result.is_err() || wanted.next().is_none());
    }
    for place in (0..footer.entry_count).rev() {
        let Ok((run, index)) = view.run_at(place) else { continue };
        let Ok(head) = view.head_with(place, run, index, &times) else { continue };
        let mut record = Vec::new();
        let read = view.with_cursors(|cursors| view.record(place, &head, cursors, &mut record));
        assert_eq!(read.ok().map(|()| record), plain::record(&view, place, &head), "place {place}");
    }
}

#[test]
fn every_record_comes_back_byte_for_byte() {
    let mut random = Random::new(41);
    for round in 0..30_u64 {
        let count = 1 + random.index(700);
        // Borders of groups and nodes at every distance from the beginning.
        let first_seq = round * 8_191 + random.below(70_000);
        let (rows, tenants) = any_rows(&mut random, count);
        for effort in [Effort::Light, Effort::Strong] {
            let bytes = sealed_bytes(first_seq, &rows, &tenants, effort);
            let footer = files::check_bytes(&bytes).unwrap();
            assert_eq!((footer.first_seq, footer.entry_count as usize), (first_seq, count));
            assert_eq!(read(&bytes, &footer).unwrap(), rows, "round {round}");
            compare_with_plain(&bytes, &footer);
        }
    }
}

#[test]
fn every_bit_of_a_segment_is_covered_and_every_length() {
    let mut random = Random::new(42);
    let (rows, tenants) = any_rows(&mut random, 40);
    let mut bytes = sealed_bytes(1_000, &rows, &tenants, Effort::Light);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(files::check_bytes(&bytes).is_err(), "bit {bit} of byte {at} of {}", bytes.len());
            bytes[at] ^= 1 << bit;
        }
        assert!(files::check_bytes(&bytes[..at]).is_err(), "{at} of {} bytes", bytes.len());
    }
    files::check_bytes(&bytes).unwrap();
}

#[test]
fn bytes_with_right_checksums_are_an_error_or_rows_and_never_a_panic() {
    let mut random = Random::new(43);
    let (rows, tenants) = any_rows(&mut random, 60);
    let whole = sealed_bytes(65_530, &rows, &tenants, Effort::Light);
    let footer = files::check_bytes(&whole).unwrap();
    let (mut refused, mut read_through) = (0, 0);
    for _ in 0..4_000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.index(3) {
            let at = segment::HEADER_BYTES + random.index(whole.len() - segment::HEADER_BYTES);
            bytes[at] = random.draw().to_le_bytes()[0];
        }
        // The forger knows every CRC.
        let mut footer = footer.clone();
        for section in &mut footer.sections {
            let range = section.offset as usize..(section.offset + section.bytes) as usize;
            section.crc = crc_of(&bytes[range]);
        }
        compare_with_plain(&bytes, &footer);
        match read(&bytes, &footer) {
            Ok(_) => read_through += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && read_through > 100, "{refused} refused, {read_through} read");
}

fn crc_of(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// A stopped store with two segments of the chain `portal` beside its journal.
fn with_segments() -> SimulatedDisk {
    let disk = sample::stopped(3);
    sealed::seal(&disk, |service, size| match service {
        "portal" => vec![3, size],
        _ => vec![size],
    });
    disk
}

#[test]
fn leaves_of_sealed_entries_are_those_that_were_committed() {
    let disk = sample::of_size(200_000);
    let (identity, chains) = sealed::chains(&disk);
    for (service, chain) in &chains {
        let size = chain.size() as usize;
        for (from, to) in [(0, size), (size / 3, size)] {
            let bytes = sealed::build(&identity, service, chain, from..to);
            let footer = files::check_bytes(&bytes).unwrap();
            let view = View::new(&bytes, &footer);
            for seq in from..to {
                assert_eq!(
                    view.leaf(seq as u64).unwrap(),
                    chain.leaf(seq),
                    "{service} {seq} of {from}..{to}"
                );
            }
        }
    }
}

#[test]
fn a_reader_names_a_segment_that_is_damaged_foreign_or_gone_and_reads_the_rest() {
    let whole = Reader::open_on(&with_segments()).unwrap();
    assert!(whole.view().damage().is_empty(), "{:?}", whole.view().damage());
    let (first, second) = (files::path("portal", 0), files::path("portal", 3));

    let disk = with_segments();
    let mut bytes = disk.bytes(&first).unwrap();
    let in_footer = bytes.len() - 40;
    bytes[in_footer] ^= 1;
    disk.put(&first, &bytes);
    let damaged = Reader::open_on(&disk).unwrap();
    assert_eq!(damaged.view().damage()[0].file, first);

    let disk = with_segments();
    disk.remove(&first).unwrap();
    disk.rename(&second, &first).unwrap();
    let misnamed = Reader::open_on(&disk).unwrap();
    assert!(misnamed.view().damage()[0].detail.contains("a name with the first position"));

    let disk = with_segments();
    disk.put(&first, &disk.bytes(&files::path("mail-api", 0)).unwrap());
    let foreign = Reader::open_on(&disk).unwrap();
    assert!(
        foreign.view().damage()[0].detail.contains("a segment from elsewhere"),
        "{:?}",
        foreign.view().damage()
    );

    let disk = with_segments();
    disk.remove(&first).unwrap();
    let gone = Reader::open_on(&disk).unwrap();
    assert_eq!(gone.view().damage()[0].file, first);
    assert!(gone.view().damage()[0].detail.contains("expected the segments of entries 0 to 2, found none"));
}
