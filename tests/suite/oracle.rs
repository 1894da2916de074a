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

use sealog::generate::{Generator, Plan};
use sealog_engine::batch::Batch;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::model::{Accept, Severity, Timestamp, Window, parse_entry};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Hit, Log, Order, Query, Scan, Scope, Text, TimeField};
use sealog_engine::store::{Options, Store};
use sealog_engine::view::{Chain, View};
use sealog_tests::command::{Scratch, run};
use sealog_tests::folding::{includes, only};
use sealog_tests::sealed;
use sealog_tests::simulation::random::Random;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

const SEED: u64 = 2026;
const GENERATED: u64 = 4000;
const CASES: usize = 700;
const COMMAND_CASES: usize = 60;
const BATCH_LINES_MAX: u64 = 60;

/// What a scan is asked for. Texts as they go on the command line.
#[derive(Clone, Debug, Default)]
struct Case {
    log: Option<&'static str>,
    /// Flag and field, and the values that the field may have.
    exact: Vec<(&'static str, Vec<String>)>,
    severities: Vec<&'static str>,
    min_severity: Option<&'static str>,
    successes: Vec<bool>,
    items: Vec<String>,
    searches: Vec<String>,
    from: Option<String>,
    to: Option<String>,
    by_generated_at: bool,
    ascending: bool,
    limit: Option<usize>,
}

const EXACT: [&str; 8] = [
    "tenant",
    "organization",
    "service",
    "activity",
    "actor-id",
    "object-id",
    "request-id",
    "configuration-id",
];
const SEVERITIES: [&str; 6] = ["trace", "debug", "information", "warning", "error", "fatal"];

/// The field that a flag asks about.
fn field<'e>(entry: &'e Value, flag: &str) -> &'e str {
    let value = match flag {
        "actor-id" => &entry["actor"]["id"],
        "object-id" => &entry["object"]["id"],
        "request-id" => &entry["request_id"],
        "configuration-id" => &entry["configuration_id"],
        flag => &entry[flag],
    };
    value.as_str().unwrap_or_default()
}

// The plain filter.

fn is_found(case: &Case, entry: &Value) -> bool {
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
    let class = |name: &str| SEVERITIES.iter().position(|known| *known == name);
    let severity = entry["severity"].as_str().unwrap_or("information");
    let time =
        if case.by_generated_at { entry["generated_at"].as_str() } else { entry["logged_at"].as_str() };
    let has_window = case.from.is_some() || case.to.is_some();
    let in_log = match case.log {
        Some("audit") => entry.get("process").is_none(),
        Some("process") => entry.get("process").is_some(),
        Some("customer") => entry.get("process").is_none_or(|process| {
            let event = process.get("event").and_then(Value::as_str);
            process.get("parent").is_none() && matches!(event, Some("finished" | "failed" | "cancelled"))
        }),
        _ => true,
    };
    in_log
        && case.exact.iter().all(|(flag, values)| values.iter().any(|value| field(entry, flag) == value))
        && (case.severities.is_empty() || case.severities.contains(&severity))
        && case.min_severity.is_none_or(|least| class(severity) >= class(least))
        && (case.successes.is_empty()
            || entry["success"].as_bool().is_some_and(|success| case.successes.contains(&success)))
        && (case.items.is_empty()
            || case.items.iter().any(|item| {
                includes(&text(&entry["object"]["id"]), item) || includes(&text(&entry["object"]["name"]), item)
            }))
        && (case.searches.is_empty()
            || case.searches.iter().any(|search| {
                includes(&text(&entry["message"]), search) || includes(&text(&entry["activity"]), search)
            }))
        // All times here have one form, so they order as texts.
        && time.map_or(!has_window, |time| {
            case.from.as_deref().is_none_or(|from| from <= time) && case.to.as_deref().is_none_or(|to| time < to)
        })
}

/// The entries that a case finds, as indexes into `entries`, which are in the order of the log.
fn plain_scan(case: &Case, entries: &[Value]) -> Vec<usize> {
    let mut found: Vec<usize> = (0..entries.len()).filter(|index| is_found(case, &entries[*index])).collect();
    if !case.ascending {
        found.reverse();
    }
    found.truncate(case.limit.unwrap_or(usize::MAX));
    found
}

// The same case, as the engine and the command take it.

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

fn query(case: &Case) -> Query {
    let exact = |flag: &str| {
        let of = case.exact.iter().find(|(known, _)| *known == flag);
        of.map_or_else(Vec::new, |(_, values)| values.clone())
    };
    let severity = |name: &&str| Severity::parse(name).unwrap();
    let least = case.min_severity.as_ref().map(severity);
    let named: Vec<Severity> = match case.severities.as_slice() {
        [] => Severity::ALL.to_vec(),
        some => some.iter().map(severity).collect(),
    };
    let severities: Vec<Severity> =
        named.into_iter().filter(|severity| least.is_none_or(|least| *severity >= least)).collect();
    let time = |time: &Option<String>| time.as_ref().map(|time| Timestamp::parse(time).unwrap());
    let texts = |texts: &[String]| texts.iter().map(|text| Text::new(text).unwrap()).collect();
    Query {
        filter: Filter {
            log: match case.log {
                Some("audit") => Log::Audit,
                Some("process") => Log::Process,
                Some("customer") => Log::Customer,
                _ => Log::All,
            },
            tenants: exact("tenant"),
            organizations: exact("organization"),
            services: exact("service"),
            severities: (!case.severities.is_empty() || least.is_some()).then_some(severities),
            activities: exact("activity"),
            actor_ids: exact("actor-id"),
            object_ids: exact("object-id"),
            items: texts(&case.items),
            processes: Vec::new(),
            request_ids: exact("request-id"),
            configuration_ids: exact("configuration-id"),
            successes: case.successes.clone(),
            searches: texts(&case.searches),
            window: Window { from: time(&case.from), to: time(&case.to) },
            by: if case.by_generated_at { TimeField::GeneratedAt } else { TimeField::LoggedAt },
        },
        order: if case.ascending { Order::Ascending } else { Order::Descending },
        limit: case.limit.map(|limit| limit as u64),
        after: None,
    }
}

// The entries.

/// Lines that the generator does not write: other letters, absent fields, equal times, services that differ in case.
fn odd_lines() -> Vec<Value> {
    let messages = [
        "Straße",
        "STRASSE",
        "STRAẞE",
        "İstanbul",
        "istanbul",
        "ıstanbul",
        "ISTANBUL",
        "300 K",
        "300 K",
        "300 k",
        "ſalt",
        "SALT",
        "ΣΊΣΥΦΟΣ",
        "σίσυφος",
        "Ångström",
        "ångström",
        "Ångström",
        "µ",
        "μ",
        "Μ",
        "Ǆ",
        "ǅ",
        "ǆ",
        "北京",
        "",
        "a.b*c",
        "A.B*C",
        "aXbbc",
        "é",
        "e\u{301}",
        "\u{0}nul",
        "tab\there",
    ];
    let line = |(number, message): (usize, &&str)| {
        let mut line = json!({
            "tenant": (["Übermut", "übermut", "acme"][number % 3]),
            "service": (["odd", "Odd", "odd.", "od"][number % 4]),
            "activity": if number % 5 == 0 { "ÄNDERUNG" } else { "änderung" },
            "message": message,
        });
        if number % 2 == 0 {
            line["object"] = json!({ "name": message });
            line["generated_at"] = format!("2026-10-2{}T00:00:00.{:09}Z", number % 10, number % 3).into();
        }
        if number % 3 == 0 {
            line["object"] = json!({ "id": message, "name": "" });
            line["success"] = (number % 2 == 0).into();
            line["severity"] = SEVERITIES[number % 6].into();
        }
        if number % 7 == 0 {
            line["process"] = json!({ "id": format!("p{number}") });
            line["organization"] = "".into();
        }
        line
    };
    messages.iter().enumerate().map(line).collect()
}

/// The entry that a line is: empty texts absent, times with nine digits.
fn as_stored(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else { return };
    for (name, value) in fields.iter_mut() {
        as_stored(value);
        if matches!(name.as_str(), "generated_at" | "started" | "finished") {
            *value = nine_digits(value.as_str().unwrap()).into();
        }
    }
    fields.retain(|_, value| !value.is_null() && *value != "" && *value != json!({}));
}

fn nine_digits(time: &str) -> String {
    let (seconds, fraction) = time.strip_suffix('Z').unwrap().split_at(19);
    format!("{seconds}.{:0<9}Z", fraction.trim_start_matches('.'))
}

/// Appends all lines; gives the entries as they must be, in the order of the log.
fn fill(store: &Store, random: &mut Random) -> Vec<Value> {
    let mut generator =
        Generator::new(&Plan { entries: GENERATED, tenants: 30, services: 6, ..Plan::default() });
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while generator.next_line(&mut line) {
        lines.push(std::mem::take(&mut line));
    }
    for odd in odd_lines() {
        lines.insert(random.index(lines.len()), odd.to_string().into_bytes());
    }
    let mut entries = Vec::new();
    let mut tenants = HashMap::<(String, String), u64>::new();
    let mut rest = lines.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at((1 + random.below(BATCH_LINES_MAX) as usize).min(rest.len()));
        rest = later;
        let mut batch = Batch::new();
        now.iter().for_each(|line| batch.push(&parse_entry(line, Accept::Entry).unwrap()).unwrap());
        let receipts = store.append(batch).unwrap();
        let mut sent: Vec<Value> = now.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
        for receipt in receipts {
            let receipt = serde_json::to_value(receipt).unwrap();
            let mut of_service = sent.iter_mut().filter(|entry| entry["service"] == receipt["service"]);
            for seq in receipt["first_seq"].as_u64().unwrap()..=receipt["last_seq"].as_u64().unwrap() {
                let entry = of_service.next().unwrap();
                let names = ["service", "tenant"].map(|name| entry[name].as_str().unwrap().to_owned());
                let tenant_seq = tenants.entry(names.into()).or_default();
                entry["tenant_seq"] = (*tenant_seq).into();
                *tenant_seq += 1;
                entry["seq"] = seq.into();
                entry["logged_at"] = receipt["logged_at"].clone();
                entry["logged_by"] = "oracle".into();
                if entry.get("severity").is_none() {
                    entry["severity"] = "information".into();
                }
                if entry["process"].get("id").is_some() && entry["process"].get("event").is_none() {
                    entry["process"]["event"] = "message".into();
                }
                as_stored(entry);
            }
            assert!(of_service.next().is_none(), "a receipt covers all of its batch and service");
        }
        entries.append(&mut sent);
    }
    entries.sort_by(|a, b| {
        let key = |entry: &Value| {
            let text = |name| entry[name].as_str().unwrap().to_owned();
            (text("logged_at"), text("service").into_bytes(), entry["seq"].as_u64())
        };
        key(a).cmp(&key(b))
    });
    entries
}

// The cases.

fn random_case(entries: &[Value], random: &mut Random) -> Case {
    let mut case = Case { ascending: random.chance(128), ..Case::default() };
    // Few conditions find something; many find nothing, and must.
    for _ in 0..1 + random.index(3) {
        let some = random.pick(entries);
        match random.below(12) {
            0..4 => {
                let flag = *random.pick(&EXACT);
                let count = 1 + random.index(3);
                let values: Vec<String> = (0..count)
                    .map(|_| {
                        let value = field(random.pick(entries), flag);
                        if random.chance(20) { value.to_uppercase() } else { value.to_owned() }
                    })
                    .filter(|value| !value.is_empty())
                    .collect();
                if !values.is_empty() && case.exact.iter().all(|(known, _)| *known != flag) {
                    case.exact.push((flag, values));
                }
            }
            4 => case.severities = (0..1 + random.index(2)).map(|_| *random.pick(&SEVERITIES)).collect(),
            5 => case.min_severity = Some(*random.pick(&SEVERITIES)),
            6 => case.successes.push(random.chance(128)),
            7 => case.log = Some(*random.pick(&["audit", "process", "customer", "all"])),
            8 => case.items.extend(part_of(some["object"]["name"].as_str(), random)),
            9 => case.searches.extend(part_of(some["message"].as_str(), random)),
            10 => case.searches.extend(part_of(some["activity"].as_str(), random)),
            _ => random_window(&mut case, entries, random),
        }
    }
    if random.chance(80) {
        case.limit = Some(random.index(50));
    }
    case
}

/// A window that often begins or ends exactly at an entry's time, or next to it.
fn random_window(case: &mut Case, entries: &[Value], random: &mut Random) {
    case.by_generated_at = random.chance(80);
    let name = if case.by_generated_at { "generated_at" } else { "logged_at" };
    let time = |random: &mut Random| {
        let time = random.pick(entries)[name].as_str()?.to_owned();
        // One nanosecond later, where that changes the last digit only.
        let last = time.as_bytes()[28];
        Some(match random.below(3) {
            0 if last < b'9' => format!("{}{}Z", &time[..28], char::from(last + 1)),
            _ => time,
        })
    };
    let (one, other) = (time(random), time(random));
    (case.from, case.to) = match random.below(4) {
        0 => (one, None),
        1 => (None, one),
        2 => (one.clone(), one),
        // `min` puts an absent time first: the window is then open.
        _ => (one.clone().min(other.clone()), one.max(other)),
    };
}

/// A part of a text, with letters in other cases.
fn part_of(text: Option<&str>, random: &mut Random) -> Option<String> {
    let characters: Vec<char> = text?.chars().collect();
    if characters.is_empty() {
        return None;
    }
    let start = random.index(characters.len());
    let end = (start + 1 + random.index(8)).min(characters.len());
    let flip = random.below(3);
    let part: String = characters[start..end]
        .iter()
        .map(|c| match flip {
            0 => *c,
            1 => only(c.to_uppercase()).unwrap_or(*c),
            _ => only(c.to_lowercase()).unwrap_or(*c),
        })
        .collect();
    Some(part)
}

/// Which place an entry has, for messages and comparisons.
fn place(entry: &Value) -> (&str, u64) {
    (entry["service"].as_str().unwrap(), entry["seq"].as_u64().unwrap())
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

fn places(scan: impl Iterator<Item = Hit>) -> Vec<(String, u64)> {
    scan.map(|hit| {
        let committed = hit.committed().unwrap();
        (committed.entry.service.clone().into_owned(), committed.seq)
    })
    .collect()
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
