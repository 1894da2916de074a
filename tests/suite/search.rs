//! Searches of sealed segments against a plain one over every decoded record.
//!
//! Goal: a text is found exactly where it is, whatever column, template, page or reference its row is put together from.
//! Method: entries of random shapes, so that their messages become templates with variables of every kind, refer to other
//! fields, or are kept as they are; texts that are cut out of them anywhere, so that they span what they are put together
//! from, with other letters in them, or none. Asked of the open segment, then of sealed ones.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::batch::Batch;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::limits;
use sealog_engine::model::{Committed, Entry};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Order, Query, Scope, Text};
use sealog_engine::store::{Options, Store};
use sealog_tests::command::Scratch;
use sealog_tests::folding::{includes, only};
use sealog_tests::sample;
use sealog_tests::sealed;
use sealog_tests::simulation::random::Random;

const SEEDS: std::ops::Range<u64> = 0..8;
const ENTRIES: usize = 700;
const CASES: usize = 100;

const WORDS: [&str; 24] = [
    "user ",
    "quota ",
    "zebra",
    " ",
    "",
    ".",
    "Straße ",
    "ſalt",
    "30\u{212a} ",
    "İstanbul",
    "ΣΊΣΥΦΟΣ",
    "kiosk ",
    "ab",
    "dead",
    "beef",
    "v",
    "0x",
    "-",
    "\u{1}",
    "\u{1a}",
    "\u{5}\u{1a}",
    "\t",
    "deadline ",
    "1",
];
const NAMES: [&str; 10] =
    ["vm-1", "Ada Übermut", "kiosk", "ſeal", "4711", "a", "quota", "10.0.0.1", "zebra crossing", "ops"];

/// A part of a text: what all texts of a form have, or what each has of its own.
enum Part {
    Word(&'static str),
    Number(u64, u64),
    Padded(usize),
    Hex(usize),
    ShortHex,
    Uuid(char),
    Object,
    ObjectId,
    Actor,
    Activity,
    Tenant,
    Noise,
}

fn part(random: &mut Random) -> Part {
    match random.below(16) {
        0..6 => Part::Word(random.pick::<&str>(&WORDS)),
        6 | 7 => {
            let base = random.draw() >> random.below(60);
            let span = 1 << random.below(20);
            Part::Number(base, base.saturating_add(random.below(span)))
        }
        8 => Part::Padded(1 + random.index(19)),
        9 => Part::Hex(8 + random.index(30)),
        10 => Part::ShortHex,
        11 => Part::Uuid(*random.pick(&['4', '1'])),
        12 => Part::Object,
        13 => match random.below(3) {
            0 => Part::ObjectId,
            1 => Part::Actor,
            _ => Part::Activity,
        },
        14 => Part::Tenant,
        _ => Part::Noise,
    }
}

fn hex(random: &mut Random, digits: usize) -> String {
    (0..digits).map(|_| char::from(*random.pick(b"0123456789abcdef"))).collect()
}

fn uuid(version: char, random: &mut Random) -> String {
    let digits = hex(random, 31);
    let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..15]);
    format!("{a}-{b}-{version}{c}-a{}-{}", &digits[15..18], &digits[18..30])
}

fn text(parts: &[Part], entry: &Entry<'_>, random: &mut Random) -> String {
    let mut text = String::new();
    for part in parts {
        // A value is referred to where it is a word of its own.
        let is_value =
            matches!(part, Part::Object | Part::ObjectId | Part::Actor | Part::Activity | Part::Tenant);
        let is_word = is_value && random.chance(200);
        text += if is_word { "(" } else { "" };
        text += &match part {
            Part::Word(word) => (*word).to_owned(),
            Part::Number(least, most) => (least + random.below((most - least).max(1))).to_string(),
            Part::Padded(digits) => format!("{:0digits$}", random.draw() >> 20 >> random.below(40)),
            Part::Hex(digits) => hex(random, *digits),
            Part::ShortHex => format!("0x{:x}", random.draw() >> random.below(64)),
            Part::Uuid(version) => uuid(*version, random),
            Part::Object => entry.object.name.to_string(),
            Part::ObjectId => entry.object.id.to_string(),
            Part::Actor => entry.actor.name.to_string(),
            Part::Activity => entry.activity.to_string(),
            Part::Tenant => entry.tenant.to_string(),
            Part::Noise => (0..random.below(6)).map(|_| char::from(*random.pick(b"aBk 1-x"))).collect(),
        };
        text += if is_word { ")" } else { "" };
    }
    text
}

fn forms(random: &mut Random) -> Vec<Vec<Part>> {
    (0..2 + random.index(8)).map(|_| (0..1 + random.index(7)).map(|_| part(random)).collect()).collect()
}

/// A store of entries whose texts have a few forms.
fn filled(random: &mut Random) -> Scratch {
    let scratch = Scratch::new();
    let store = Store::open(scratch.store(), Options::default()).unwrap();
    let (messages, names) = (forms(random), forms(random));
    for _ in 0..ENTRIES / 50 {
        let mut batch = Batch::new();
        for _ in 0..50 {
            let mut entry = Entry {
                tenant: (*random.pick(&["acme", "kiosk.example", "zz9"])).into(),
                service: "search".into(),
                activity: (*random.pick(&["Sign In", "quota.changed", "Löschen 12"])).into(),
                ..Entry::default()
            };
            entry.actor.name = (*random.pick(&NAMES)).into();
            entry.object.id = format!("{}{}", random.pick(&["u-", "", "zeb"]), random.below(5000)).into();
            entry.object.name = match random.below(4) {
                0 => text(random.pick::<Vec<Part>>(&names), &entry, random).into(),
                1 => "".into(),
                _ => (*random.pick(&NAMES)).into(),
            };
            let mut message = text(random.pick::<Vec<Part>>(&messages), &entry, random);
            if random.chance(2) {
                message = message.repeat(60);
            }
            message.truncate(
                (0..=limits::MESSAGE_BYTES_MAX.min(9_000))
                    .rev()
                    .find(|at| message.is_char_boundary(*at))
                    .unwrap(),
            );
            entry.message = message.into();
            batch.push(&entry).unwrap();
        }
        store.append(batch).unwrap();
    }
    store.close().unwrap();
    scratch
}

/// A part of a text, with letters in other cases, or one that is another.
fn cut_of(text: &str, random: &mut Random) -> Option<Text> {
    let characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return None;
    }
    let longest = *random.pick(&[3, 3, 8, 8, 20, 100, 5_000]);
    let start = random.index(characters.len());
    let end = (start + 1 + random.index(longest)).min(characters.len());
    let other = random.chance(70).then(|| random.index(end - start));
    let way = random.below(3);
    let turned = characters[start..end].iter().enumerate().map(|(at, c)| match way {
        _ if other == Some(at) => {
            *random.pick(&['k', 's', 'ſ', '\u{212a}', '1', '7', 'a', 'x', 'ß', '-', '\u{1}', ' '])
        }
        0 => *c,
        1 => only(c.to_uppercase()).unwrap_or(*c),
        _ => only(c.to_lowercase()).unwrap_or(*c),
    });
    Text::new(&turned.collect::<String>()).ok()
}

/// What is asked, beside what it is asked of.
struct Case {
    filter: Filter,
    wanted: Vec<u64>,
}

fn is_found(filter: &Filter, committed: &Committed<'_>) -> bool {
    let entry = &committed.entry;
    let either = |texts: &[Text], one: &str, other: &str| {
        texts.is_empty()
            || texts.iter().any(|text| includes(one, text.as_str()) || includes(other, text.as_str()))
    };
    let is_one = |values: &[String], own: &str| values.is_empty() || values.iter().any(|value| value == own);
    either(&filter.searches, &entry.message, &entry.activity)
        && either(&filter.items, &entry.object.id, &entry.object.name)
        && is_one(&filter.object_ids, &entry.object.id)
        && is_one(&filter.activities, &entry.activity)
        && is_one(&filter.tenants, &entry.tenant)
}

fn cases(reader: &Reader, random: &mut Random) -> Vec<Case> {
    let everything = Query { order: Order::Ascending, ..Query::default() };
    let hits: Vec<_> = reader.scan(&Scope::everything(), &everything).collect();
    let entries: Vec<Committed<'_>> = hits.iter().map(|hit| hit.committed().unwrap()).collect();
    let mut cases = Vec::new();
    while cases.len() < CASES {
        let mut filter = Filter::default();
        let some = &random.pick(&entries).entry;
        match random.below(8) {
            0 | 1 => filter.items.extend(cut_of(&some.object.name, random)),
            2 => filter.items.extend(cut_of(&some.object.id, random)),
            3 => {
                filter.searches.extend(cut_of(&some.message, random));
                filter.searches.extend(cut_of(&random.pick(&entries).entry.message, random));
            }
            4 => filter.object_ids.push(some.object.id.to_string()),
            _ => filter.searches.extend(cut_of(&some.message, random)),
        }
        match random.below(6) {
            0 => filter.activities.push(some.activity.to_string()),
            1 => filter.tenants.push(some.tenant.to_string()),
            _ => {}
        }
        let wanted = entries.iter().filter(|own| is_found(&filter, own)).map(|own| own.seq).collect();
        if filter != Filter::default() {
            cases.push(Case { filter, wanted });
        }
    }
    cases
}

fn ask(reader: &Reader, case: &Case, when: &str) {
    let query = Query { filter: case.filter.clone(), order: Order::Ascending, ..Query::default() };
    let mut scan = reader.scan(&Scope::everything(), &query);
    let found: Vec<u64> = scan.by_ref().map(|hit| hit.seq()).collect();
    assert_eq!((&found, scan.problems()), (&case.wanted, &[][..]), "{when}: {:?}", case.filter);
    let newest = Query { order: Order::Descending, limit: Some(3), ..query };
    let found: Vec<u64> = reader.scan(&Scope::everything(), &newest).map(|hit| hit.seq()).collect();
    let wanted: Vec<u64> = case.wanted.iter().rev().take(3).copied().collect();
    assert_eq!(found, wanted, "{when}, newest: {:?}", case.filter);
    let count = reader.view().count(&Scope::everything(), &case.filter);
    assert_eq!(count.entries, case.wanted.len() as u64, "{when}, counted: {:?}", case.filter);
}

#[test]
fn texts_are_found_where_they_are_whatever_they_are_put_together_from() {
    let mut telling = 0;
    for seed in SEEDS {
        let mut random = Random::new(seed);
        let scratch = filled(&mut random);
        let reader = Reader::open(scratch.store()).unwrap();
        let cases = cases(&reader, &mut random);
        cases.iter().for_each(|case| ask(&reader, case, &format!("seed {seed}, open")));
        drop(reader);
        sealed::seal(&DirectoryDisk::new(scratch.store()), |_, size| {
            let mut cuts = vec![1 + random.below(size), size];
            cuts.sort_unstable();
            cuts.dedup();
            cuts
        });
        let reader = Reader::open(scratch.store()).unwrap();
        cases.iter().for_each(|case| ask(&reader, case, &format!("seed {seed}, sealed")));
        telling += cases.iter().filter(|case| (1..ENTRIES).contains(&case.wanted.len())).count();
    }
    assert!(telling * 2 > CASES * SEEDS.count(), "only {telling} cases find some entries");
}

/// Request IDs of all forms that columns keep them in, each asked for, with others that differ in a digit.
#[test]
fn a_request_id_is_found_where_it_is_and_one_that_differs_in_a_digit_is_not() {
    let mut random = Random::new(77);
    let scratch = Scratch::new();
    let mut ids: Vec<String> = Vec::new();
    for number in 0..3000_u64 {
        let id = match random.below(10) {
            // A request logs more than once; most IDs are of version 4.
            0..3 if number > 0 => ids[ids.len() - 1 - random.index(ids.len().min(3))].clone(),
            3..7 => uuid('4', &mut random),
            7 => uuid('7', &mut random),
            8 => format!("req-{}.a", uuid('4', &mut random)),
            _ => String::new(),
        };
        ids.push(id);
    }
    let store = Store::open(scratch.store(), Options::default()).unwrap();
    for (index, chunk) in ids.chunks(100).enumerate() {
        let mut batch = Batch::new();
        for (at, id) in chunk.iter().enumerate() {
            let tenant = ["acme", "globex", "hooli"][(index + at) % 3];
            let entry = Entry { request_id: id.as_str().into(), ..sample::entry("portal", tenant, 0) };
            batch.push(&entry).unwrap();
        }
        store.append(batch).unwrap();
    }
    store.close().unwrap();
    sealed::seal(&DirectoryDisk::new(scratch.store()), |_, size| vec![size]);
    let reader = Reader::open(scratch.store()).unwrap();
    let found = |id: &str| {
        let filter = Filter { request_ids: vec![id.to_owned()], ..Filter::default() };
        let query = Query { filter, order: Order::Ascending, limit: None, after: None };
        let mut scan = reader.scan(&Scope::everything(), &query);
        let found: Vec<u64> = scan.by_ref().map(|hit| hit.seq()).collect();
        assert_eq!(scan.problems(), []);
        found
    };
    for id in ids.iter().step_by(7).filter(|id| !id.is_empty()) {
        let owed: Vec<u64> = ids.iter().zip(0..).filter(|(own, _)| *own == id).map(|(_, seq)| seq).collect();
        assert_eq!(found(id), owed, "{id}");
        // Another digit, in the first half or the second; upper case is another text.
        for digit in [3, 33] {
            let mut other = id.clone().into_bytes();
            other[digit] = if other[digit] == b'0' { b'1' } else { b'0' };
            let other = String::from_utf8(other).unwrap();
            let is_there = ids.contains(&other);
            assert_eq!(!found(&other).is_empty(), is_there, "{other}, beside {id}");
        }
        assert_eq!(found(&id.to_uppercase()), Vec::<u64>::new());
    }
}
