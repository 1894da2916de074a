//! Histograms, facets and durations are what adding up a scan's hits gives, whatever is open, sealed or kept whole.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog::generate::{Plan, write_all};
use sealog_engine::batch::Batch;
use sealog_engine::model::{Accept, Entry, Severity, Timestamp, Window, parse_entry};
use sealog_engine::process::ProcessBounds;
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Bucket, Facet, Filter, Log, Query, Scope, Text, TimeField};
use sealog_engine::store::{Background, Bounds, Options, Store};
use sealog_engine::view::View;
use sealog_tests::sample;
use sealog_tests::simulation::disk::SimulatedDisk;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Segments of a few hundred rows.
const SMALL: Bounds = Bounds {
    segment_rows_aim: 400,
    segment_rows_max: 600,
    open_bytes_aim: 400 << 10,
    open_bytes_max: 4 << 20,
    journal_file_bytes: 256 << 10,
    journal_files_aim: 2,
    seal_rows_min: 50,
    journal_stop_bytes: 2 << 10,
    processes: ProcessBounds::USUAL,
};

/// Generated entries, 40 a batch, some seconds between batches: most are sealed.
fn store(disk: &SimulatedDisk) -> Store {
    let options = Options { bounds: SMALL, background: Background::Inline, ..sample::options(5) };
    let store = Store::open_on(Arc::new(disk.clone()), options).unwrap();
    let plan = Plan { entries: 4_000, tenants: 30, services: 5, ..Plan::default() };
    let mut lines = Vec::new();
    write_all(&plan, &mut lines).unwrap();
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    for lines in lines.chunks(40) {
        let mut batch = Batch::new();
        for line in lines {
            batch.push(&parse_entry(line, Accept::Entry).unwrap()).unwrap();
        }
        store.append(batch).unwrap();
        store.seal_due().unwrap();
    }
    store
}

/// Filters that indexes answer, that columns answer, and that both do.
fn filters(view: &View) -> Vec<(Scope, Filter)> {
    let mut hits = view.scan(&Scope::everything(), &Query::default());
    let hit = hits.nth(2_000).unwrap();
    let middle = hit.logged_at();
    let entry = hit.committed().unwrap().entry;
    let warnings = Some(vec![Severity::Warning, Severity::Error, Severity::Fatal]);
    let everything = Scope::everything;
    let tenants = vec![entry.tenant.to_string(), "nobody".to_owned()];
    let organizations = Some(vec![entry.organization.to_string()]);
    vec![
        (everything(), Filter::default()),
        (everything(), Filter { severities: warnings.clone(), ..Filter::default() }),
        (everything(), Filter { severities: Some(Vec::new()), ..Filter::default() }),
        (everything(), Filter { tenants: tenants.clone(), ..Filter::default() }),
        (everything(), Filter { tenants: tenants.clone(), severities: warnings, ..Filter::default() }),
        (everything(), Filter { window: Window { from: Some(middle), to: None }, ..Filter::default() }),
        (everything(), Filter { window: Window { from: None, to: Some(middle) }, ..Filter::default() }),
        (everything(), Filter { services: vec![entry.service.to_string()], ..Filter::default() }),
        (everything(), Filter { activities: vec![entry.activity.to_string()], ..Filter::default() }),
        (everything(), Filter { searches: vec![Text::new("e").unwrap()], ..Filter::default() }),
        (everything(), Filter { log: Log::Process, ..Filter::default() }),
        (everything(), Filter { log: Log::Customer, ..Filter::default() }),
        (everything(), Filter { successes: vec![false], ..Filter::default() }),
        (
            everything(),
            Filter {
                by: TimeField::GeneratedAt,
                window: Window { from: entry.generated_at, to: None },
                ..Filter::default()
            },
        ),
        (Scope::tenants(tenants.clone(), None), Filter::default()),
        (Scope::tenants(tenants, organizations), Filter::default()),
        (Scope::tenants(Vec::new(), None), Filter::default()),
    ]
}

/// Every hit's commit time and what `of` says of it.
fn each<T>(
    view: &View,
    (scope, filter): &(Scope, Filter),
    of: impl Fn(&Entry<'_>) -> T,
) -> Vec<(Timestamp, T)> {
    let query = Query { filter: filter.clone(), ..Query::default() };
    view.scan(scope, &query).map(|hit| (hit.logged_at(), of(&hit.committed().unwrap().entry))).collect()
}

fn check_histogram(view: &View, asked: &(Scope, Filter)) {
    let (first, newest) = view.chains().iter().fold((i64::MAX, i64::MIN), |(first, newest), chain| {
        let (from, to) = chain.span().unwrap();
        (first.min(from.nanos()), newest.max(to.nanos()))
    });
    let span = newest - first;
    let calendar = Bucket::parse("1m").unwrap();
    let calendar =
        calendar.edges(Timestamp::from_nanos(first), Timestamp::from_nanos(newest + 1), "Asia/Kolkata");
    let odd: Vec<i64> = (0..40).map(|n| first + span / 37 * n - 5).collect();
    let middle_only = vec![first + span / 3, first + span / 3 + 1, first + span / 2];
    for edges in
        [calendar.unwrap(), odd, middle_only, vec![first, newest + 1], vec![0, 1], vec![5], Vec::new()]
    {
        let mut expected = vec![[0_u64; 6]; edges.len().saturating_sub(1)];
        for (logged_at, severity) in each(view, asked, |entry| entry.severity) {
            let bucket =
                edges.windows(2).position(|pair| pair[0] <= logged_at.nanos() && logged_at.nanos() < pair[1]);
            if let Some(bucket) = bucket {
                expected[bucket][usize::from(severity.class()) - 1] += 1;
            }
        }
        let told = view.histogram(&asked.0, &asked.1, &edges);
        assert_eq!(told.problems, []);
        assert_eq!(told.counts, expected, "{asked:?}");
    }
}

fn value_of(facet: Facet, entry: &Entry<'_>) -> String {
    match facet {
        Facet::Tenant => &entry.tenant,
        Facet::Organization => &entry.organization,
        Facet::Service => &entry.service,
        Facet::Severity => return entry.severity.name().to_owned(),
        Facet::Activity => &entry.activity,
        Facet::ActorType => &entry.actor.kind,
        Facet::ActorId => &entry.actor.id,
        Facet::ActorName => &entry.actor.name,
        Facet::OnBehalfOf => &entry.on_behalf_of,
        Facet::ObjectId => &entry.object.id,
        Facet::ObjectName => &entry.object.name,
        Facet::ConfigurationId => &entry.configuration_id,
        Facet::RequestId => &entry.request_id,
        Facet::Success => return entry.success.map(|success| success.to_string()).unwrap_or_default(),
    }
    .to_string()
}

fn check_facets(view: &View, asked: &(Scope, Filter)) {
    for facet in Facet::ALL {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (_, value) in each(view, asked, |entry| value_of(facet, entry)) {
            *counts.entry(value).or_default() += 1;
        }
        let absent = counts.remove("").unwrap_or(0);
        let all: u64 = counts.values().sum();
        let mut values: Vec<(String, u64)> = counts.into_iter().collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for most in [usize::MAX, 3] {
            let told = view.facets(&asked.0, &asked.1, facet, most);
            assert_eq!(told.problems, []);
            assert!(!told.is_cut);
            assert_eq!(told.absent, absent, "{facet:?} {asked:?}");
            assert_eq!(told.values, values[..most.min(values.len())], "{facet:?} {asked:?}");
            assert_eq!(told.values.iter().map(|(_, count)| count).sum::<u64>() + told.others, all);
        }
    }
}

fn check_durations(view: &View, asked: &(Scope, Filter)) {
    let mut took: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let pair = |entry: &Entry<'_>| (entry.activity.to_string(), entry.started.zip(entry.finished));
    for (_, (activity, times)) in each(view, asked, pair) {
        if let Some((started, finished)) = times.filter(|(started, finished)| started <= finished) {
            let nanos = finished.nanos().wrapping_sub(started.nanos()).cast_unsigned();
            took.entry(activity).or_default().push(nanos);
        }
    }
    let told = view.durations(&asked.0, &asked.1);
    assert_eq!(told.problems, []);
    assert_eq!(told.activities.len(), took.len(), "{asked:?}");
    for own in told.activities {
        let exact = took.get_mut(&own.activity).unwrap();
        exact.sort_unstable();
        assert_eq!((own.entries, own.max_ns), (exact.len() as u64, *exact.last().unwrap()));
        for (percent, told) in [(50, own.p50_ns), (95, own.p95_ns)] {
            let exact = exact[(exact.len() * percent).div_ceil(100) - 1];
            assert!(told >= exact && told - exact <= exact / 64, "{percent}: {told} for {exact}");
        }
    }
}

fn check(view: &View) {
    for asked in filters(view) {
        check_histogram(view, &asked);
        check_facets(view, &asked);
        check_durations(view, &asked);
    }
}

#[test]
fn aggregates_are_what_a_scan_adds_up_to() {
    let disk = SimulatedDisk::new(5);
    let store = store(&disk);
    let sealed: usize = store.view().chains().iter().map(|chain| chain.segments().len()).sum();
    let open = store
        .view()
        .chains()
        .iter()
        .any(|chain| chain.size() > chain.segments().last().map_or(0, |own| own.footer().end_seq()));
    assert!(sealed > 5 && open, "{sealed} segments");
    check(store.view());
    store.close().unwrap();
    check(Reader::open_on(&disk).unwrap().view());
}

#[test]
fn a_damaged_segment_is_a_problem_and_no_smaller_number() {
    let disk = SimulatedDisk::new(6);
    store(&disk).close().unwrap();
    let reader = Reader::open_on(&disk).unwrap();
    let segments: Vec<_> = reader.view().chains().iter().flat_map(|chain| chain.segments()).collect();
    let path = segments[1].path().to_owned();
    let places = segments[1].footer().sections.iter().find(|section| section.bytes > 64).unwrap().offset;
    drop((segments, reader));
    // The table of tenants is asked by every filter on tenants.
    let mut bytes = disk.bytes(&path).unwrap();
    bytes[usize::try_from(places).unwrap() + 20] ^= 1;
    disk.put(&path, &bytes);
    let reader = Reader::open_on(&disk).unwrap();
    let tenants = vec!["no such tenant".to_owned()];
    let filter = Filter { tenants, ..Filter::default() };
    let (scope, view) = (Scope::everything(), reader.view());
    let problems = [
        view.count(&scope, &filter).problems,
        view.histogram(&scope, &filter, &[0, i64::MAX]).problems,
        view.facets(&scope, &filter, Facet::Activity, 10).problems,
        view.durations(&scope, &filter).problems,
    ];
    for problems in problems {
        assert_eq!(problems.len(), 1);
        assert!(problems[0].detail.contains(&path), "{}", problems[0].detail);
    }
}
