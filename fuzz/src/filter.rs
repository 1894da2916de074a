//! Filters over a tiny store, each answer held against one that looks at every entry.

use crate::input::Input;
use crate::store;
use sealog_engine::model::{Committed, Severity, Timestamp, Window};
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Filter, Log, Order, Query, Scope, Text, TimeField};
use std::sync::OnceLock;

/// A filter, a scope, an order and a limit. Rows, order and count are those of a look at every entry.
pub fn filter(bytes: &[u8]) {
    static READER: OnceLock<Reader> = OnceLock::new();
    let reader = READER.get_or_init(tiny_store);
    let mut input = Input(bytes);
    let (scope, query) = (scope(&mut input), query(&mut input));
    let mut scan = reader.scan(&scope, &query);
    let found: Vec<_> = scan.by_ref().collect();
    assert_eq!(scan.problems(), []);
    let found: Vec<Committed<'_>> = found.iter().map(|hit| hit.committed().expect("a hit decodes")).collect();

    let filter = Filter { services: all_services(reader), ..Filter::default() };
    let everything = Query { filter, order: query.order, limit: None, after: None };
    let all: Vec<_> = reader.scan(&Scope::everything(), &everything).collect();
    let all = all.iter().filter_map(|hit| hit.committed());
    let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let is_plain =
        query.filter.items.iter().chain(&query.filter.searches).all(|text| text.as_str().is_ascii());
    let wanted = all.filter(|committed| is_hit(committed, &scope, &query.filter));
    if is_plain {
        assert_eq!(found, wanted.take(limit).collect::<Vec<_>>(), "{query:?} in {scope:?}");
    } else if limit == usize::MAX {
        // What a text of other letters includes is for Unicode to say; all else must agree.
        let wanted: Vec<_> = wanted.collect();
        assert!(found.iter().all(|hit| wanted.contains(hit)), "{query:?} in {scope:?}");
    }
}

fn tiny_store() -> Reader {
    let entries = store::entries();
    let batches: Vec<Vec<_>> = entries.chunks(3).map(<[_]>::to_vec).collect();
    let disk = store::made(&batches).expect("entries that are valid");
    Reader::open_on(&*disk).expect("a store that was just made")
}

fn all_services(reader: &Reader) -> Vec<String> {
    reader.view().chains().iter().map(|chain| chain.service().to_owned()).collect()
}

fn texts(input: &mut Input<'_>) -> Vec<String> {
    let count = input.byte() % 4;
    (0..count).map(|_| input.text()).collect()
}

fn searches(input: &mut Input<'_>) -> Vec<Text> {
    texts(input).iter().filter_map(|text| Text::new(text).ok()).collect()
}

fn scope(input: &mut Input<'_>) -> Scope {
    match input.byte() % 3 {
        0 => Scope::everything(),
        1 => Scope::tenants(texts(input), None),
        _ => Scope::tenants(texts(input), Some(texts(input))),
    }
}

fn query(input: &mut Input<'_>) -> Query {
    let order = if input.byte() & 1 == 0 { Order::Descending } else { Order::Ascending };
    let limit = Some(u64::from(input.byte())).filter(|limit| *limit > 0).map(|limit| limit - 1);
    let log = [Log::All, Log::Audit, Log::Process, Log::Customer][usize::from(input.byte() % 4)];
    let severities = input.byte();
    let named = Severity::ALL.into_iter().filter(|severity| severities >> severity.class() & 1 == 1);
    let severities = (severities & 1 == 1).then(|| named.collect());
    let flags = input.byte();
    let mut time =
        |bit: u8| (flags >> bit & 1 == 1).then(|| Timestamp::from_nanos(input.u64().cast_signed()));
    let (from, to) = (time(0), time(1));
    let by = if flags >> 2 & 1 == 1 { TimeField::GeneratedAt } else { TimeField::LoggedAt };
    let truths = [true, false].into_iter().zip(3..);
    let successes = truths.filter(|(_, bit)| flags >> bit & 1 == 1).map(|(value, _)| value).collect();
    let filter = Filter {
        log,
        tenants: texts(input),
        organizations: texts(input),
        services: texts(input),
        severities,
        activities: texts(input),
        actor_ids: texts(input),
        object_ids: texts(input),
        items: searches(input),
        request_ids: texts(input),
        processes: Vec::new(),
        configuration_ids: texts(input),
        successes,
        searches: searches(input),
        window: Window { from, to },
        by,
    };
    Query { filter, order, limit, after: None }
}

/// What the filter means, said once more and slowly.
fn is_hit(committed: &Committed<'_>, scope: &Scope, filter: &Filter) -> bool {
    let entry = &committed.entry;
    let any = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|text| text == value);
    let is_reserved = entry.service.starts_with("sealog.");
    let time = match filter.by {
        TimeField::LoggedAt => Some(committed.logged_at),
        TimeField::GeneratedAt => entry.generated_at,
    };
    let window = filter.window;
    let in_window = (window.from.is_none() && window.to.is_none())
        || time.is_some_and(|time| {
            window.from.is_none_or(|from| from <= time) && window.to.is_none_or(|to| time < to)
        });
    let in_scope = scope.tenant_list().is_none_or(|own| own.iter().any(|tenant| *tenant == entry.tenant))
        && scope.organization_list().is_none_or(|own| own.iter().any(|name| *name == entry.organization));
    let includes = |texts: &[Text], fields: [&str; 2]| {
        texts.is_empty() || texts.iter().any(|text| fields.iter().any(|field| includes(field, text.as_str())))
    };
    in_scope
        && in_window
        && match filter.log {
            Log::All => true,
            Log::Audit => entry.process.is_none(),
            Log::Process => entry.process.is_some(),
            Log::Customer => entry
                .process
                .as_ref()
                .is_none_or(|process| process.parent.is_empty() && process.event.is_closing()),
        }
        && any(&filter.tenants, &entry.tenant)
        && any(&filter.organizations, &entry.organization)
        && any(&filter.services, &entry.service)
        && (!is_reserved || !filter.services.is_empty())
        && filter.severities.as_ref().is_none_or(|wanted| wanted.contains(&entry.severity))
        && any(&filter.activities, &entry.activity)
        && any(&filter.actor_ids, &entry.actor.id)
        && any(&filter.object_ids, &entry.object.id)
        && any(&filter.request_ids, &entry.request_id)
        && any(&filter.configuration_ids, &entry.configuration_id)
        && (filter.successes.is_empty() || entry.success.is_some_and(|it| filter.successes.contains(&it)))
        && includes(&filter.items, [&entry.object.id, &entry.object.name])
        && includes(&filter.searches, [&entry.message, &entry.activity])
}

/// Case-insensitive for ASCII and what folds to it (CaseFolding.txt: U+017F is an s, U+212A is a k); anything for
/// other letters.
fn includes(field: &str, text: &str) -> bool {
    let folded: Vec<char> = field.chars().map(fold).collect();
    let wanted: Vec<char> = text.chars().map(fold).collect();
    !text.is_ascii() || folded.windows(wanted.len()).any(|window| window == wanted)
}

fn fold(character: char) -> char {
    match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}
