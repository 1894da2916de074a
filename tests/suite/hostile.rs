//! Segments that somebody made to hurt: every CRC is right, and every number that sizes something is absurd. Opening one
//! and reading all of it ends in an error or in rows, without a panic, and in little memory.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a helper of tests fails as a test does; what it makes is small"
)]

use sealog_engine::batch::Batch;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::format::column::{Effort, packed, text};
use sealog_engine::format::segment::columns::{Field, Shape};
use sealog_engine::format::segment::{Footer, SectionKind, SegmentError};
use sealog_engine::segment::Segment;
use sealog_engine::segment::view::{Column, View};
use sealog_engine::store::{Bounds, Options, Store};
use sealog_tests::sample;
use sealog_tests::segment_forge::SegmentImage;
use sealog_tests::simulation::disk::SimulatedDisk;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Most memory of a process that opens and reads every case, with the program itself.
const MEMORY_KILOBYTES_MAX: u64 = 64 << 10;
/// The variable that tells the reading process where the cases are.
const CASES: &str = "SEALOG_TEST_HOSTILE_SEGMENTS";
/// The name of every case's file, in a directory of its own: that of a segment's first position.
const FILE: &str = "00000000000000000000.segment";
/// Rows that are read of each case: a million of them may take no byte.
const ROWS_READ_MAX: u32 = 1_024;
/// Rows of the cases with large tables: fewer could not have them.
const LARGE_ROWS: u32 = 32 << 10;

/// A segment of some hundred rows.
fn whole() -> Vec<u8> {
    let disk = SimulatedDisk::new(1);
    let bounds = Bounds { seal_rows_min: 4, journal_stop_bytes: 1, ..Bounds::default() };
    let store = Store::open_on(Arc::new(disk.clone()), Options { bounds, ..sample::options(1) }).unwrap();
    let mut batch = Batch::new();
    for row in 0..600_u32 {
        let mut entry = sample::entry("portal", ["acme", "globex"][row as usize % 2], 0);
        entry.id = format!("id-{row}").into();
        entry.request_id = format!("{:016x}", u64::from(row) * 7_919).into();
        entry.attributes = vec![("row".into(), row.to_string().into())];
        batch.push(&entry).unwrap();
    }
    store.append(batch).unwrap();
    store.close().unwrap();
    disk.bytes(&format!("chains/portal/{FILE}")).unwrap()
}

/// Changes of one section: absurd numbers at its beginning, where counts and lengths stand, and other lengths of it.
fn changes(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all =
        vec![Vec::new(), bytes[..bytes.len() / 2].to_vec(), bytes.repeat(2), vec![0xff; bytes.len()]];
    for at in (0..48.min(bytes.len().saturating_sub(8))).step_by(3) {
        for (word, width) in [(u64::MAX, 8), (0x000f_ffff_8000_0000, 4)] {
            let mut changed = bytes.to_vec();
            changed[at..at + width].copy_from_slice(&word.to_le_bytes()[..width]);
            all.push(changed);
        }
    }
    all
}

/// Packed: uniform, with no bits. One value of all rows.
fn constant(value: u64) -> Vec<u8> {
    uniform(0, value, 1)
}

/// The head of packed integers of one width.
fn uniform(width: u8, base: u64, scale: u64) -> Vec<u8> {
    [&[0, width][..], &base.to_le_bytes(), &scale.to_le_bytes()].concat()
}

fn stairs(count: u32, step: u64) -> Vec<u8> {
    let mut out = Vec::new();
    packed::encode(&(0..u64::from(count)).map(|number| number * step).collect::<Vec<_>>(), &mut out);
    out
}

fn squeezed(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

fn words(numbers: &[usize]) -> Vec<u8> {
    numbers.iter().flat_map(|number| (*number as u32).to_le_bytes()).collect()
}

/// Pages of `strings` texts that all decode to `page`, and say that they decode to `told` bytes.
fn pages(strings: u32, page: &[u8], told: u64) -> Vec<u8> {
    let (stored, count) = (squeezed(page), strings.div_ceil(256));
    let mut out = words(&[strings as usize, count as usize, count as usize * stored.len()]);
    out.extend(stairs(count, 256));
    out.extend(stairs(count, stored.len() as u64));
    out.extend(constant(told));
    out.extend(constant(1));
    out.extend(stored.repeat(count as usize));
    out
}

/// A text column whose rows are all in pages that decode to `decoded` bytes, and say `told`.
fn bomb(rows: u32, told: u64, decoded: usize) -> Vec<u8> {
    let mut out = vec![0];
    out.extend(constant(1));
    out.extend(words(&[0, 0]));
    out.extend(pages(rows, &vec![0; decoded], told));
    out.extend(stairs(rows.div_ceil(128), 128));
    out
}

/// A template table that is small as stored: so many templates of so many bytes, with so many numbers in each.
fn table(templates: usize, shape_bytes: usize, slots: usize) -> Vec<u8> {
    let mut shape = vec![0xf8; slots];
    shape.resize(shape_bytes, b'x');
    shape.push(0xff);
    let shapes = shape.repeat(templates);
    let values = templates * slots;
    let decoded = [&shapes[..], &vec![64; values], &vec![0; values]].concat();
    let stored = squeezed(&decoded);
    let mut out = words(&[templates, values, shapes.len(), decoded.len(), stored.len()]);
    out.push(1);
    out.extend(stored);
    out
}

/// A text column with such a table, all of whose rows are of the first template.
fn tabled(table: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    out.extend(constant(3));
    out.extend(table);
    out.extend(words(&[0, 0, 0, 0]));
    out
}

/// A text column with the largest table, every second row in a page, and pages as large as any.
fn everything(rows: u32) -> Vec<u8> {
    let mut page: Vec<u8> = [4_000_usize; 90].iter().flat_map(|_| [0xa0, 0x1f]).collect();
    page.resize(page.len() + 255 - 90, 0);
    page.resize(384 << 10, b'a');
    let mut out = vec![1];
    out.extend(uniform(1, 1, 2));
    out.extend(vec![0xaa; rows as usize / 8]);
    out.extend(table(30_000, 35, 0));
    out.extend(words(&[0]));
    out.extend(pages(rows / 2, &page, 384 << 10));
    out.extend(stairs(rows / 128, 64));
    out
}

fn texts() -> impl Iterator<Item = Field> {
    Field::ALL.into_iter().filter(|field| field.shape() == Shape::Texts)
}

/// The same segment with so many rows of one tenant, and nothing in columns but the texts that are given.
fn forged_rows(image: &SegmentImage, rows: u32, column: impl Fn(Field) -> Option<Vec<u8>>) -> SegmentImage {
    let mut forged = image.clone();
    forged.change_tenants(|own| {
        own.truncate(1);
        own[0].closing.size = own[0].opening.size + u64::from(rows);
    });
    forged.footer.entry_count = rows;
    forged.footer.severity_counts = [0, 0, rows, 0, 0, 0];
    forged.footer.closing_edge = vec![[7; 32]; rows.count_ones() as usize];
    let groups = rows.div_ceil(1 << 16);
    let mut places = words(&[groups as usize]);
    places.extend(constant(1));
    places.extend(constant(0));
    places.extend(constant(u64::from(rows.min(1 << 16))));
    let in_group: Vec<u64> = (0..u64::from(rows)).map(|row| row % (1 << 16)).collect();
    packed::encode(&in_group, &mut places);
    *forged.section(SectionKind::Places) = places;
    *forged.section(SectionKind::Times) = [words(&[1]), constant(0), constant(0)].concat();
    *forged.section(SectionKind::Marks) = vec![0; rows as usize / 256 * 64];
    forged.sections.retain(|(kind, _)| !matches!(kind, SectionKind::Column(_)));
    let severity = (SectionKind::Column(Field::Severity), constant(3));
    let own = texts().filter_map(|field| Some((SectionKind::Column(field), column(field)?)));
    forged.sections.extend(own.chain([severity]));
    forged.sections.sort_by_key(|(kind, _)| *kind);
    forged
}

/// A change of a footer.
type Change = fn(&mut Footer);

const FOOTERS: [(&str, Change); 8] = [
    ("footer-rows", |own| (own.entry_count, own.severity_counts) = (1 << 20, [0, 0, 1 << 20, 0, 0, 0])),
    ("footer-rows-above", |own| own.entry_count = u32::MAX),
    ("footer-lines", |own| own.line_count = u32::MAX),
    ("footer-slot", |own| own.slot = u32::MAX),
    ("footer-edge", |own| own.closing_edge = vec![[7; 32]; 40_000]),
    ("footer-edges", |own| own.opening_edge = vec![[7; 32]; 40_000]),
    ("footer-service", |own| own.service = "a".repeat(1 << 20)),
    ("footer-times", |own| own.logged_at = (i64::MIN, i64::MAX)),
];

/// Cases that must not read whole, whatever their other parts are.
const BAD: [&str; 14] = [
    "bomb-above",
    "bomb-below",
    "bomb-told-above",
    "bomb-of-pages",
    "cycle-block",
    "cycle-nothing",
    "footer-edge",
    "footer-edges",
    "footer-rows",
    "footer-rows-above",
    "footer-service",
    "message-bomb",
    "table-above",
    "table-shape",
];

/// Every case: its name, and the file.
fn cases(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    let image = SegmentImage::open(whole);
    let rows = image.footer.entry_count;
    let mut all = vec![("whole".to_owned(), whole.to_vec())];
    for (at, (kind, bytes)) in image.sections.iter().enumerate() {
        for (number, changed) in changes(bytes).into_iter().enumerate() {
            let mut forged = image.clone();
            forged.sections[at].1 = changed;
            all.push((format!("{kind:?}-{number}"), forged.encode()));
        }
    }
    let page_max = 384 << 10;
    let repeats = |codes: Vec<u8>| [vec![3], codes, words(&[0, 0, 0, 0, 0])].concat();
    for (name, bytes) in [
        ("bomb-above", bomb(rows, page_max, 8 << 20)),
        ("bomb-below", bomb(rows, page_max, 1 << 10)),
        ("bomb-told-above", bomb(rows, 1 << 40, page_max as usize)),
        ("bomb-of-pages", bomb(rows, page_max, page_max as usize)),
        ("cycle-block", repeats(constant(2))),
        ("cycle-nothing", repeats([uniform(2, 0, 1), vec![0b1010_1000; rows as usize / 4]].concat())),
        ("table-above", tabled(&table(rows as usize, 2_000, 0))),
        ("table-shape", tabled(&table(16, 4_200, 0))),
    ] {
        let mut forged = image.clone();
        *forged.section(SectionKind::Column(Field::Message)) = bytes;
        all.push((name.to_owned(), forged.encode()));
    }
    // A message of a few bytes a row that refers to a text of as many as a record may have, over and over.
    let column = |text: &str| {
        let mut out = Vec::new();
        text::encode(&vec![Some(text); 600], &[0], Effort::Light, &mut out);
        out
    };
    let message_bomb = forged_rows(&image, 600, |field| match field {
        Field::ObjectName => Some(column(&"long ".repeat(50_000))),
        Field::Message => Some(column(&"\u{1}".repeat(4_000))),
        _ => None,
    });
    all.push(("message-bomb".to_owned(), message_bomb.encode()));
    let literals = tabled(&table(30_000, 35, 0));
    let numbers = tabled(&table(2_000, 64, 32));
    let full = everything(LARGE_ROWS);
    for (name, bytes) in [("tables-literals", literals), ("tables-numbers", numbers), ("tables-pages", full)]
    {
        let forged = forged_rows(&image, LARGE_ROWS, |_| Some(bytes.clone()));
        all.push((name.to_owned(), forged.encode()));
    }
    all.push(("rows".to_owned(), forged_rows(&image, 1 << 20, |_| None).encode()));
    for (name, change) in FOOTERS {
        let mut forged = image.clone();
        change(&mut forged.footer);
        all.push((name.to_owned(), forged.encode()));
    }
    all
}

/// Reads all there is, and goes on behind an error; the first.
fn read(view: &View<'_>) -> Result<u32, SegmentError> {
    let mut errors = Vec::new();
    let mut note = |result: Result<(), SegmentError>| errors.extend(result.err());
    note(view.tenants().map(drop));
    note(view.run_seqs().map(drop));
    note(view.severities().map(drop));
    note(view.marks().map(drop));
    for field in Field::ALL {
        note(view.column(field).map(drop));
    }
    let last = view.footer().entry_count - 1;
    note(view.place_of(0).map(drop));
    note(view.place_of(last).map(drop));
    note(view.leaf(view.footer().end_seq() - 1).map(drop));
    for field in texts() {
        let Ok(Some(Column::Texts(own))) = view.column(field) else { continue };
        let templates: usize = own.templates().map(|template| template.pieces().len()).sum();
        assert!(templates <= 1 << 20, "{templates} pieces");
        let mut cursor = text::Cursor::new();
        for place in (0..ROWS_READ_MAX.min(last)).chain([last]) {
            let long = own.get(place, &mut cursor).ok().flatten().map_or(0, str::len);
            assert!(long <= 384 << 10, "a text of {long} bytes");
        }
    }
    let mut count = 0;
    let times = view.times().and_then(|times| {
        let wrong = |error: sealog_engine::format::column::ColumnError| -> SegmentError {
            SegmentError { offset: 0, expected: "times that read", found: error.to_string() }
        };
        times.decode().map_err(wrong)
    });
    note(times.as_ref().map(drop).map_err(Clone::clone));
    if let Ok(times) = times {
        let mut first = None;
        let walked = view.with_cursors(|cursors| {
            view.walk(
                std::slice::from_ref(&(0..ROWS_READ_MAX.min(last + 1))),
                |row| times[row as usize],
                cursors,
                |_, record| {
                    match record {
                        Ok(_) => count += 1,
                        Err(error) => first = first.take().or(Some(error)),
                    }
                    Ok::<_, SegmentError>(())
                },
            )
        });
        note(walked);
        note(first.map_or(Ok(()), Err));
    }
    errors.into_iter().next().map_or(Ok(count), Err)
}

/// Most memory that this process had at once; none where the system does not tell (proc(5)).
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// What the process that has nothing else in memory does: a line for each case, with the peak so far.
fn read_all(directory: &Path) {
    let mut own: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|one| one.unwrap().path()).collect();
    own.sort();
    let mut out = std::io::stdout().lock();
    for path in own {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let told = match Segment::open(&DirectoryDisk::new(&path), FILE) {
            Err(error) => error.to_string(),
            Ok(segment) => match segment.read(read) {
                Ok(count) => format!("read {count}"),
                Err(error) => error.to_string(),
            },
        };
        let peak = peak_kilobytes().unwrap_or_default();
        writeln!(out, "case {name} {peak} {told}").unwrap();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the damage is the point")]
fn absurd_numbers_and_bombs_behind_right_checksums_cost_little_and_end_in_an_error() {
    if let Some(directory) = std::env::var_os(CASES) {
        read_all(Path::new(&directory));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let cases = cases(&whole());
    for (name, bytes) in &cases {
        let own = directory.path().join(name);
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join(FILE), bytes).unwrap();
    }
    let name = "hostile::absurd_numbers_and_bombs_behind_right_checksums_cost_little_and_end_in_an_error";
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CASES, directory.path())
        .output()
        .unwrap();
    let told = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{told}\n{}", String::from_utf8_lossy(&run.stderr));
    let (mut count, mut errors, mut peak) = (0, 0, 0);
    let mut wrong = Vec::new();
    for line in told.lines().filter_map(|line| line.split_once("case ").map(|(_, line)| line)) {
        let mut words = line.splitn(3, ' ');
        let (case, kilobytes, told) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let is_error = told.contains("expected ") && told.contains(", found ");
        count += 1;
        errors += usize::from(is_error);
        let is_told = is_error || told.starts_with("read ");
        let must_fail = BAD.contains(&case);
        if !is_told || must_fail && !is_error || case == "whole" && told != "read 600" {
            wrong.push(line.to_owned());
        }
        let before = peak;
        peak = kilobytes.parse().unwrap();
        if peak > MEMORY_KILOBYTES_MAX && before <= MEMORY_KILOBYTES_MAX {
            wrong.push(line.to_owned());
        }
    }
    println!("{count} cases, {errors} errors, {peak} KiB at most");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(count, cases.len(), "every case was read");
    assert!(errors > count / 2, "{errors} errors in {count} cases");
}
