//! Scans of sealed segments against scans of the same entries that are not sealed.
//!
//! Chains here go over several groups of 65 536 positions, so that steps, runs and groups end everywhere. The plain
//! filter of `oracle` says what is right; here it is that sealing changes no answer, in either order, at any limit.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog::generate::{Generator, Plan};
use sealog_engine::batch::Batch;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::format::segment;
use sealog_engine::format::segment::SectionKind;
use sealog_engine::format::segment::columns::Field;
use sealog_engine::model::{Accept, Severity, Window, parse_entry};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Hit, Log, Order, Query, Scope, Text, TimeField};
use sealog_engine::store::{Options, Store};
use sealog_engine::verify::{ProblemKind, VerifyOptions, verify};
use sealog_tests::command::Scratch;
use sealog_tests::sealed;
use sealog_tests::segment_forge::SegmentImage;
use sealog_tests::simulation::random::Random;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

const SEED: u64 = 77;
const ENTRIES: u64 = 100_000;
const CASES: usize = 60;
const BATCH_LINES: usize = 500;

/// A store of one chain, not sealed yet.
fn filled(entries: u64) -> Scratch {
    let scratch = Scratch::new();
    let store = Store::open(scratch.store(), Options::default()).unwrap();
    let plan = Plan { entries, tenants: 60, services: 1, ..Plan::default() };
    let mut generator = Generator::new(&plan);
    let mut is_more = true;
    while is_more {
        let mut batch = Batch::new();
        let mut line = Vec::new();
        for _ in 0..BATCH_LINES {
            line.clear();
            is_more = generator.next_line(&mut line);
            if is_more {
                batch.push(&parse_entry(&line, Accept::Entry).unwrap()).unwrap();
            }
        }
        if !batch.is_empty() {
            store.append(batch).unwrap();
        }
    }
    store.close().unwrap();
    scratch
}

fn seal(scratch: &Scratch, cuts: impl FnMut(&str, u64) -> Vec<u64>) {
    sealed::seal(&DirectoryDisk::new(scratch.store()), cuts);
}

/// What a scan gives: place and record of each entry.
fn answer(reader: &Reader, scope: &Scope, query: &Query) -> Vec<(u64, u64, Vec<u8>)> {
    let mut scan = reader.scan(scope, query);
    let place = |hit: Hit| (hit.seq(), u64::from(hit.committed().is_some()), hit.record().to_vec());
    let found = scan.by_ref().map(place).collect();
    assert_eq!(scan.problems(), []);
    found
}

/// Entries that cases take their values from.
struct Samples(Vec<Hit>);

impl Samples {
    fn of(reader: &Reader) -> Samples {
        let hits = reader.scan(&Scope::everything(), &Query::default());
        Samples(hits.step_by(37).collect())
    }

    fn texts(&self, random: &mut Random, field: impl Fn(&Hit) -> String) -> Vec<String> {
        let texts = (0..1 + random.index(3)).map(|_| field(random.pick(&self.0)));
        texts.filter(|text| !text.is_empty()).collect()
    }

    fn filter(&self, random: &mut Random) -> Filter {
        let mut filter = Filter::default();
        for _ in 0..1 + random.index(3) {
            match random.below(12) {
                0 | 1 => {
                    filter.tenants =
                        self.texts(random, |hit| hit.committed().unwrap().entry.tenant.to_string());
                }
                2 => {
                    filter.activities =
                        self.texts(random, |hit| hit.committed().unwrap().entry.activity.to_string());
                }
                3 => {
                    filter.request_ids =
                        self.texts(random, |hit| hit.committed().unwrap().entry.request_id.to_string());
                }
                4 => {
                    filter.actor_ids =
                        self.texts(random, |hit| hit.committed().unwrap().entry.actor.id.to_string());
                }
                5 => {
                    filter.object_ids =
                        self.texts(random, |hit| hit.committed().unwrap().entry.object.id.to_string());
                }
                6 => filter.severities = Some(vec![Severity::Warning, *random.pick(&Severity::ALL)]),
                7 => filter.successes = vec![random.chance(128)],
                8 => filter.log = *random.pick(&[Log::Audit, Log::Process, Log::Customer]),
                9 => {
                    let words = self.texts(random, |hit| {
                        let committed = hit.committed().unwrap();
                        let words: Vec<&str> = committed.entry.message.split(' ').collect();
                        words[words.len() / 2].to_uppercase()
                    });
                    filter.searches = words.iter().map(|word| Text::new(word).unwrap()).collect();
                }
                10 => {
                    let names =
                        self.texts(random, |hit| hit.committed().unwrap().entry.object.name.to_string());
                    filter.items = names.iter().map(|name| Text::new(name).unwrap()).collect();
                }
                _ => {
                    filter.by =
                        *random.pick(&[TimeField::LoggedAt, TimeField::LoggedAt, TimeField::GeneratedAt]);
                    let mut times = [0; 2].map(|_| {
                        let hit = random.pick(&self.0);
                        match filter.by {
                            TimeField::LoggedAt => Some(hit.logged_at()),
                            TimeField::GeneratedAt => hit.committed().unwrap().entry.generated_at,
                        }
                    });
                    times.sort_unstable();
                    filter.window = Window { from: times[0], to: times[1] };
                }
            }
        }
        filter
    }
}

#[test]
fn sealing_changes_no_answer_over_several_groups() {
    let mut random = Random::new(SEED);
    let scratch = filled(ENTRIES);
    let reader = Reader::open(scratch.store()).unwrap();
    let samples = Samples::of(&reader);
    let everything = Query { order: Order::Ascending, ..Query::default() };
    let mut cases = vec![(Scope::everything(), everything.clone()), (Scope::everything(), Query::default())];
    for _ in 0..CASES {
        let filter = samples.filter(&mut random);
        let order = *random.pick(&[Order::Ascending, Order::Descending]);
        let limit = random.chance(90).then(|| random.below(300));
        let scope = match random.below(4) {
            0 => {
                let own = |hit: &Hit| hit.committed().unwrap().entry.tenant.to_string();
                let organizations = random.chance(100).then(|| {
                    samples.texts(&mut random, |hit| hit.committed().unwrap().entry.organization.to_string())
                });
                Scope::tenants(samples.texts(&mut random, own), organizations)
            }
            _ => Scope::everything(),
        };
        cases.push((scope, Query { filter, order, limit, after: None }));
    }
    let wanted: Vec<_> = cases.iter().map(|(scope, query)| answer(&reader, scope, query)).collect();
    let counts: Vec<_> =
        cases.iter().map(|(scope, query)| reader.view().count(scope, &query.filter)).collect();
    assert_eq!(wanted[0].len() as u64, ENTRIES);
    drop(reader);

    // Sealed but for a tail, in segments that begin and end anywhere; one has two groups.
    seal(&scratch, |_, size| vec![size / 9, size - size / 13]);
    let reader = Reader::open(scratch.store()).unwrap();
    let longest = reader
        .view()
        .chains()
        .iter()
        .flat_map(|chain| chain.segments())
        .map(|own| own.footer().entry_count)
        .max();
    assert!(longest > Some(1 << 16), "no segment has two groups: {longest:?}");
    for (((scope, query), wanted), counted) in cases.iter().zip(&wanted).zip(&counts) {
        let found = answer(&reader, scope, query);
        let part = found.iter().zip(wanted).position(|(a, b)| a != b);
        assert!(
            found == *wanted,
            "seed {SEED}: {query:?} in {scope:?}: {} entries for {}, they part at {part:?}",
            found.len(),
            wanted.len()
        );
        assert_eq!(
            reader.view().count(scope, &query.filter),
            *counted,
            "seed {SEED}: count of {query:?} in {scope:?}"
        );
        if query.limit.is_none() {
            assert_eq!(counted.entries, wanted.len() as u64);
        }
    }
    let telling = wanted.iter().filter(|wanted| (1..ENTRIES).contains(&(wanted.len() as u64))).count();
    assert!(telling * 2 > CASES, "only {telling} cases find some entries");
}

/// The only segment of a chain, and its file.
fn only_segment(scratch: &Scratch) -> PathBuf {
    let chains = PathBuf::from(scratch.store()).join("chains");
    let mut files: Vec<PathBuf> = fs::read_dir(chains)
        .unwrap()
        .flat_map(|chain| fs::read_dir(chain.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort_unstable_by_key(|file| fs::metadata(file).unwrap().len());
    files.pop().unwrap()
}

#[test]
fn damage_in_what_a_question_needs_is_a_problem_and_elsewhere_none() {
    let scratch = filled(3_000);
    seal(&scratch, |_, size| vec![size]);
    let path = only_segment(&scratch);
    let bytes = fs::read(&path).unwrap();
    let footer = segment::footer_of(&bytes).unwrap();
    let severe = Filter { severities: Some(vec![Severity::Error]), ..Filter::default() };
    let searched = Filter { searches: vec![Text::new("a").unwrap()], ..Filter::default() };
    let questions = [
        (SectionKind::Severities, severe.clone(), true),
        (SectionKind::Column(Field::Message), searched.clone(), true),
        (SectionKind::Column(Field::Message), severe, false),
        (SectionKind::Severities, searched, false),
    ];
    for (kind, filter, is_met) in questions {
        let section = footer.section(kind).unwrap();
        let at = usize::try_from(section.offset + section.bytes / 2).unwrap();
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        File::create(&path).unwrap().write_all(&damaged).unwrap();
        let reader = Reader::open(scratch.store()).unwrap();
        let counted = reader.view().count(&Scope::everything(), &filter);
        assert_eq!(!counted.problems.is_empty(), is_met, "count, {kind:?}: {:?}", counted.problems);
        // Whatever is asked, records are put together of all columns.
        let mut scan = reader.scan(&Scope::everything(), &Query { filter, ..Query::default() });
        let found = scan.by_ref().count();
        let is_met = is_met || kind != SectionKind::Severities;
        assert_eq!(
            !scan.problems().is_empty(),
            is_met,
            "scan, {kind:?}: {found} found, {:?}",
            scan.problems()
        );
    }
    File::create(&path).unwrap().write_all(&bytes).unwrap();
}

#[test]
fn a_filter_that_leaves_a_request_out_is_reported() {
    let scratch = filled(3_000);
    seal(&scratch, |_, size| vec![size]);
    let disk = DirectoryDisk::new(scratch.store());
    let is_whole = verify(&disk, &VerifyOptions::default(), |_| {}).unwrap();
    assert!(is_whole.valid, "{:?}", is_whole.all_problems().next());
    let path = only_segment(&scratch);
    let mut image = SegmentImage::open(&fs::read(&path).unwrap());
    // The fingerprints begin behind seed, bits and segments.
    image.section(SectionKind::Filters)[13..].iter_mut().step_by(2).for_each(|byte| *byte ^= 1);
    File::create(&path).unwrap().write_all(&image.encode()).unwrap();
    let report = verify(&disk, &VerifyOptions::default(), |_| {}).unwrap();
    let kinds: Vec<ProblemKind> = report.all_problems().map(|problem| problem.kind).collect();
    assert!(!report.valid && kinds.iter().all(|kind| *kind == ProblemKind::Index), "{kinds:?}");
}
