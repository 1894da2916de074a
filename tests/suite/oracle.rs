//! Scans against a plain filter.
//!
//! Goal: scan gives exactly what a plain filter written separately over the same NDJSON gives, in order. Method: lines
//! that the generator wrote, and some that it never would, are appended in batches of random size; what the log adds
//! is taken from the receipts. The filter below knows JSON values and texts, and no type of the engine's. Hundreds of
//! random filters are asked before and after a restart, in process and through the command.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a helper of tests fails as a test does"
)]

use sealog::generate::Plan;
use sealog_engine::batch::Batch;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::model::{Accept, parse_entry};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Order, Query, Scan, Scope};
use sealog_engine::store::{Options, Store};
use sealog_engine::view::{Chain, View};
use sealog_tests::appended::{Appender, in_order, lines_of};
use sealog_tests::command::{Scratch, run};
use sealog_tests::folding::includes;
use sealog_tests::oracle::{self, Figures};
use sealog_tests::questions::{Case, place, places, plain_scan, query, random_case};
use sealog_tests::sealed;
use sealog_tests::simulation::random::Random;
use serde_json::{Value, json};
use std::sync::Arc;

const SEED: u64 = 2026;
const GENERATED: u64 = 4000;
const CASES: usize = 700;
const COMMAND_CASES: usize = 60;
const BATCH_LINES_MAX: u64 = 60;

// The same case, as the command takes it.

fn flags(case: &Case) -> Vec<String> {
    let mut flags = Vec::new();
    let mut add = |flag: &str, value: &str| flags.extend([format!("--{flag}"), value.to_owned()]);
    case.log.iter().for_each(|log| add("log", log));
    for (flag, values) in &case.exact {
        values.iter().for_each(|value| add(flag, value));
    }
    if !case.severities.is_empty() {
        add("severity", &case.severities.join(","));
    }
    case.min_severity.iter().for_each(|least| add("min-severity", least));
    case.successes.iter().for_each(|success| add("success", &success.to_string()));
    case.items.iter().for_each(|item| add("item", item));
    case.searches.iter().for_each(|search| add("search", search));
    case.from.iter().for_each(|from| add("from", from));
    case.to.iter().for_each(|to| add("to", to));
    if case.by_generated_at {
        add("by", "generated_at");
    }
    if case.ascending {
        add("order", "asc");
    }
    case.limit.iter().for_each(|limit| add("limit", &limit.to_string()));
    flags
}

// The entries.

/// Appends all lines; gives the entries as they must be, in the order of the log.
fn fill(store: &Store, random: &mut Random) -> Vec<Value> {
    let plan = Plan { entries: GENERATED, tenants: 30, services: 6, ..Plan::default() };
    let lines = lines_of(&plan, random);
    let mut appender = Appender::new("oracle");
    let (mut entries, mut rest) = (Vec::new(), lines.as_slice());
    while !rest.is_empty() {
        let (now, later) = rest.split_at((1 + random.below(BATCH_LINES_MAX) as usize).min(rest.len()));
        rest = later;
        entries.extend(appender.append(store, now));
    }
    in_order(&mut entries);
    entries
}

/// A case, and the places that the plain filter finds.
struct Answered<'e> {
    case: Case,
    wanted: Vec<(&'e str, u64)>,
}

#[track_caller]
fn same(Answered { case, wanted }: &Answered<'_>, when: &str, found: &[(String, u64)]) {
    let found: Vec<(&str, u64)> = found.iter().map(|(service, seq)| (service.as_str(), *seq)).collect();
    if found != *wanted {
        let first =
            found.iter().zip(wanted).position(|(a, b)| a != b).unwrap_or(found.len().min(wanted.len()));
        panic!(
            "{when}: scan {}\n found {} entries, the plain filter {}; they part at {first}: {:?} and {:?}",
            flags(case).iter().map(|part| format!("{part:?}")).collect::<Vec<_>>().join(" "),
            found.len(),
            wanted.len(),
            found.get(first),
            wanted.get(first),
        );
    }
}

fn options() -> Options {
    Options { instance: "oracle".to_owned(), ..Options::default() }
}

/// Counting gives as many as there are, whatever a limit says.
#[track_caller]
fn same_count(case: &Answered<'_>, view: &View, entries: &[Value]) {
    let count = view.count(&Scope::everything(), &query(&case.case).filter);
    let all = Case { limit: None, ..case.case.clone() };
    let wanted = plain_scan(&all, entries).len() as u64;
    assert_eq!((count.entries, count.problems), (wanted, Vec::new()), "count {:?}", flags(&case.case));
}

/// Every entry in full, not only its place.
fn same_entries(scan: Scan, entries: &[Value]) {
    let found: Vec<Value> = scan.map(|hit| serde_json::to_value(hit.committed().unwrap()).unwrap()).collect();
    assert_eq!(found.len(), entries.len());
    found.iter().zip(entries).for_each(|(found, wanted)| assert_eq!(found, wanted));
}

#[test]
fn scan_gives_what_a_plain_filter_gives_before_and_after_a_restart() {
    let mut random = Random::new(SEED);
    let scratch = Scratch::new();
    let scope = Scope::everything();
    let all = Query { order: Order::Ascending, ..Query::default() };

    let store = Store::open(scratch.store(), options()).unwrap();
    let entries = fill(&store, &mut random);
    let answered = |case: Case| {
        let wanted = plain_scan(&case, &entries).into_iter().map(|index| place(&entries[index])).collect();
        Answered { case, wanted }
    };
    let cases: Vec<Answered<'_>> = (0..CASES).map(|_| answered(random_case(&entries, &mut random))).collect();
    same_entries(store.scan(&scope, &all), &entries);
    for case in &cases {
        same(case, "open", &places(store.scan(&scope, &query(&case.case))));
        same_count(case, store.view(), &entries);
    }
    store.close().unwrap();

    let reader = Reader::open(scratch.store()).unwrap();
    same_entries(reader.scan(&scope, &all), &entries);
    for case in &cases {
        same(case, "read", &places(reader.scan(&scope, &query(&case.case))));
    }
    drop(reader);

    let store = Store::open(scratch.store(), options()).unwrap();
    same_entries(store.scan(&scope, &all), &entries);
    for case in &cases {
        same(case, "opened again", &places(store.scan(&scope, &query(&case.case))));
    }
    store.close().unwrap();

    // Most of each chain sealed, in segments of any length; the rest stays in the journal.
    let disk = DirectoryDisk::new(scratch.store());
    sealed::seal(&disk, |_, size| {
        let mut cuts: Vec<u64> = (0..3).map(|_| 1 + random.index(size as usize) as u64).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    });
    let reader = Reader::open(scratch.store()).unwrap();
    assert!(reader.view().damage().is_empty(), "{:?}", reader.view().damage());
    let in_segments = |chain: &Arc<Chain>| chain.segments().last().map_or(0, |last| last.footer().end_seq());
    let sealed_count: u64 = reader.view().chains().iter().map(in_segments).sum();
    assert!(sealed_count * 2 > entries.len() as u64, "only {sealed_count} entries are sealed");
    same_entries(reader.scan(&scope, &all), &entries);
    for case in &cases {
        let mut scan = reader.scan(&scope, &query(&case.case));
        same(case, "sealed", &places(scan.by_ref()));
        assert!(scan.problems().is_empty(), "{:?}", scan.problems());
        same_count(case, reader.view(), &entries);
    }
    drop(reader);

    // An argument of a command holds no NUL.
    let can_be_said = |case: &&Answered<'_>| flags(&case.case).iter().all(|flag| !flag.contains('\0'));
    for case in cases.iter().filter(can_be_said).take(COMMAND_CASES) {
        let flags = flags(&case.case);
        let data = scratch.store();
        let args = ["scan", "--data", &data].into_iter().chain(flags.iter().map(String::as_str));
        let found: Vec<(String, u64)> = run(args)
            .exits(0)
            .lines()
            .iter()
            .map(place)
            .map(|(service, seq)| (service.to_owned(), seq))
            .collect();
        same(case, "command", &found);
    }

    // Cases that find nothing, or everything, say little.
    let telling = cases.iter().filter(|case| (1..entries.len()).contains(&case.wanted.len())).count();
    assert!(telling * 2 > CASES, "only {telling} of {CASES} cases find some entries");
}

#[test]
fn letters_fold_as_unicode_says() {
    // Text, part, and whether simple case folding (CaseFolding.txt, statuses C and S) finds it.
    const FOLDINGS: [(&str, &str, bool); 27] = [
        ("Straße", "STRASSE", false),
        ("STRASSE", "ß", false),
        ("Straße", "STRAẞE", true),
        ("STRAẞE", "straße", true),
        ("İstanbul", "istanbul", false),
        ("İstanbul", "İSTANBUL", true),
        ("İstanbul", "i\u{307}stanbul", false),
        ("ısı", "ISI", false),
        ("ısı", "isi", false),
        ("ısı", "ısı", true),
        ("300 \u{212a}", "300 k", true),
        ("300 k", "300 \u{212a}", true),
        ("300 K", "300 \u{212a}", true),
        ("ſalt", "SALT", true),
        ("SALT", "ſ", true),
        ("ΣΊΣΥΦΟΣ", "σίσυφος", true),
        ("σίσυφος", "ΣΊΣΥΦΟΣ", true),
        ("ς", "σ", true),
        ("\u{212b}ngström", "ångström", true),
        ("\u{b5}", "\u{3bc}", true),
        ("Ǆ", "ǆ", true),
        ("ǅ", "Ǆ", true),
        // No normalization.
        ("é", "e\u{301}", false),
        // Full folding would say yes.
        ("ﬃ", "ffi", false),
        ("ﬅ", "ﬆ", true),
        ("\u{2126}", "ω", true),
        ("Ꭰ", "ꭰ", true),
    ];
    let scratch = Scratch::new();
    let store = Store::open(scratch.store(), options()).unwrap();
    for (number, (text, _, _)) in FOLDINGS.iter().enumerate() {
        let line = json!({
            "tenant": "t", "service": "s", "activity": "a", "message": text, "request_id": number.to_string(),
            "object": {"id": text},
        });
        let mut batch = Batch::new();
        batch.push(&parse_entry(line.to_string().as_bytes(), Accept::Entry).unwrap()).unwrap();
        store.append(batch).unwrap();
    }
    for (number, (text, part, is_found)) in FOLDINGS.iter().enumerate() {
        for in_object in [false, true] {
            let texts = vec![(*part).to_owned()];
            let (items, searches) = if in_object { (texts, Vec::new()) } else { (Vec::new(), texts) };
            let exact = vec![("request-id", vec![number.to_string()])];
            let case = Case { items, searches, exact, ..Case::default() };
            let found = store.scan(&Scope::everything(), &query(&case)).count() == 1;
            assert_eq!(found, *is_found, "{part:?} in {text:?}");
        }
        // The plain filter knows what single characters' mappings tell, and no more.
        if !text.contains('ﬅ') {
            assert_eq!(includes(text, part), *is_found, "plain: {part:?} in {text:?}");
        }
    }
}

/// A slice of the campaign (`--bin oracle`).
#[test]
fn questions_asked_while_a_store_is_written_sealed_and_merged_see_one_state_of_it() {
    let mut all = Figures::default();
    for seed in 0..3 {
        all.add(oracle::run(seed, 60));
    }
    assert!(all.beside > 30 && all.telling * 2 > all.cases(), "{all:?}");
}
