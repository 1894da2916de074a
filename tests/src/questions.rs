//! Random questions, and a plain filter that answers them over JSON: it knows values and texts, and no type of the
//! engine's.

use crate::folding::{includes, only};
use crate::simulation::random::Random;
use sealog_engine::model::{Severity, Timestamp, Window};
use sealog_engine::scan::{Filter, Hit, Log, Order, Query, Text, TimeField};
use serde_json::{Value, json};

/// What a scan is asked for. Texts as they go on the command line.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is the flag that it is named for")]
pub struct Case {
    pub log: Option<&'static str>,
    /// Flag and field, and the values that the field may have.
    pub exact: Vec<(&'static str, Vec<String>)>,
    pub severities: Vec<&'static str>,
    pub min_severity: Option<&'static str>,
    pub successes: Vec<bool>,
    pub items: Vec<String>,
    pub searches: Vec<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub by_generated_at: bool,
    pub ascending: bool,
    pub limit: Option<usize>,
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
/// Names, lowest first.
pub const SEVERITIES: [&str; 6] = ["trace", "debug", "information", "warning", "error", "fatal"];

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

/// Whether a case finds an entry.
pub fn is_found(case: &Case, entry: &Value) -> bool {
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
pub fn plain_scan(case: &Case, entries: &[Value]) -> Vec<usize> {
    let mut found: Vec<usize> = (0..entries.len()).filter(|index| is_found(case, &entries[*index])).collect();
    if !case.ascending {
        found.reverse();
    }
    found.truncate(case.limit.unwrap_or(usize::MAX));
    found
}

// The same case, as the engine takes it.

/// What the engine is asked.
pub fn query(case: &Case) -> Query {
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
pub fn odd_lines() -> Vec<Value> {
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

// The cases.

/// A random case about these entries.
pub fn random_case(entries: &[Value], random: &mut Random) -> Case {
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
pub fn place(entry: &Value) -> (&str, u64) {
    (entry["service"].as_str().unwrap(), entry["seq"].as_u64().unwrap())
}

/// The places of hits.
pub fn places(scan: impl Iterator<Item = Hit>) -> Vec<(String, u64)> {
    scan.map(|hit| {
        let committed = hit.committed().unwrap();
        (committed.entry.service.clone().into_owned(), committed.seq)
    })
    .collect()
}
