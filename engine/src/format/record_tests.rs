//! One entry has one encoding, and only that is read.

use super::pairs::Pairs;
use super::pairs::Told;
use super::*;
use crate::format::sheet::Sheet;
use proptest::prelude::*;

fn encode(entry: &Entry<'_>, tenant_seq: u64) -> Vec<u8> {
    let mut parts = Vec::new();
    let lengths = encode_parts(entry, &mut parts).unwrap();
    let (id, rest) = parts.split_at(lengths.id_bytes as usize);
    let mut record = Vec::new();
    let held = entry.artifact.is_some();
    assemble(Parts { id, rest, pair_count: lengths.pair_count }, tenant_seq, "sealog@h", held, &mut record);
    record
}

fn entries() -> impl Strategy<Value = Entry<'static>> {
    let text = prop_oneof![Just(String::new()), "[a-zß\\x00-\\x7f]{0,300}", "[a-z]{1,30}"];
    let name = || prop_oneof![Just(String::new()), "[a-z0-9é-]{1,30}"];
    let time = proptest::option::of(any::<i64>().prop_map(Timestamp::from_nanos));
    let attributes = proptest::collection::btree_map("[a-z.]{1,40}", "[a-zß]{1,60}", 0..8);
    (
        ("[a-z]{1,20}", name(), "[a-z][a-z.-]{0,20}", name(), time.clone(), 0usize..6),
        ("[a-zA-Z ]{1,40}", name(), name(), name(), name(), name(), name()),
        (name(), name(), proptest::option::of(any::<bool>()), text, time.clone(), time),
        (
            proptest::option::of(("[a-z]{1,9}", name(), 0usize..6)),
            any::<Option<[u8; 32]>>(),
            name(),
            any::<Option<u64>>(),
        ),
        attributes,
    )
        .prop_map(|(a, b, c, d, attributes)| Entry {
            tenant: a.0.into(),
            organization: a.1.into(),
            service: a.2.into(),
            id: a.3.into(),
            generated_at: a.4,
            severity: Severity::ALL[a.5],
            activity: b.0.into(),
            actor: Actor { kind: b.1.into(), id: b.2.into(), name: b.3.into() },
            on_behalf_of: b.4.into(),
            object: Object { id: b.5.into(), name: b.6.into() },
            request_id: c.0.into(),
            configuration_id: c.1.into(),
            success: c.2,
            message: c.3.into(),
            started: c.4,
            finished: c.5,
            process: d.0.map(|(id, parent, event)| Process {
                id: id.into(),
                parent: parent.into(),
                event: ProcessEvent::ALL[event],
            }),
            artifact: d.1.map(|sha256| Artifact {
                sha256,
                name: d.2.into(),
                media_type: "".into(),
                size: d.3,
            }),
            attributes: {
                let mut pairs: Vec<_> = attributes.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
                pairs.sort_by(|(a, _): &(Cow<'_, str>, Cow<'_, str>), (b, _)| {
                    (a.len(), &**a).cmp(&(b.len(), &**b))
                });
                pairs
            },
        })
}

proptest! {
    #[test]
    fn decodes_what_it_encodes(entry in entries(), tenant_seq in any::<u64>()) {
        let bytes = encode(&entry, tenant_seq);
        let record = decode(&bytes).unwrap();
        prop_assert_eq!(&record.entry, &entry);
        prop_assert_eq!(record.tenant_seq, tenant_seq);
        prop_assert_eq!(record.logged_by, "sealog@h");
        let mut parts = Vec::new();
        let lengths = encode_parts(&entry, &mut parts).unwrap();
        let (id, rest) = parts.split_at(lengths.id_bytes as usize);
        prop_assert_eq!(parts_of(&bytes).unwrap(), Parts { id, rest, pair_count: lengths.pair_count });
        prop_assert_eq!(glance(&bytes).unwrap().severity, entry.severity);
        prop_assert_eq!(has_process(&bytes), entry.process.is_some());
    }

    #[test]
    fn every_flipped_byte_is_refused_or_another_record(entry in entries(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = encode(&entry, 7);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(record) = decode(&bytes) {
            // What still decodes must encode to the same bytes: no second form of any record.
            if record.logged_by == "sealog@h" && record.artifact_held == record.entry.artifact.is_some()
                && record.control.is_none() && record.entry.check().is_ok() {
                prop_assert_eq!(encode(&record.entry, record.tenant_seq), bytes);
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        let _ = glance(&bytes);
        let _ = has_process(&bytes);
    }
}

#[test]
fn attributes_are_ordered_by_their_encoding() {
    let entry = |keys: &[&'static str]| Entry {
        tenant: "t".into(),
        service: "s".into(),
        activity: "a".into(),
        attributes: keys.iter().map(|key| ((*key).into(), "v".into())).collect(),
        ..Entry::default()
    };
    assert_eq!(encode(&entry(&["bb", "a", "c"]), 0), encode(&entry(&["a", "c", "bb"]), 0));
    let twice = encode_parts(&entry(&["a", "b", "a"]), &mut Vec::new()).unwrap_err();
    assert_eq!(twice.to_string(), "field `attributes`: expected each key once, found the key \"a\" twice");
    let adjacent = encode_parts(&entry(&["a", "a"]), &mut Vec::new()).unwrap_err();
    assert_eq!(adjacent.field, "attributes");
}

#[test]
fn an_entry_past_256_kib_is_refused_and_leaves_nothing() {
    let value = "x".repeat(60_000);
    let attributes = (0..5).map(|i| (format!("k{i}").into(), value.as_str().into())).collect();
    let entry = Entry {
        tenant: "t".into(),
        service: "s".into(),
        activity: "a".into(),
        attributes,
        ..Entry::default()
    };
    let mut out = vec![1, 2, 3];
    assert_eq!(encode_parts(&entry, &mut out).unwrap_err().field, "entry");
    assert_eq!(out, [1, 2, 3]);
}

/// Puts a record together pair by pair, as columns do.
fn put_together(record: &Record<'_>, out: &mut Sheet) -> Told {
    let entry = &record.entry;
    let mut pairs = Pairs::begin(out);
    let put = |pairs: &mut Pairs<'_>, key, text: &str| pairs.text(key, text.as_bytes().into());
    pairs.unsigned(key::VERSION, RECORD_VERSION);
    pairs.unsigned(key::TENANT_SEQ, record.tenant_seq);
    put(&mut pairs, key::ID, &entry.id);
    match record.logged_by {
        "" => pairs.empty_text(key::LOGGED_BY),
        logged_by => put(&mut pairs, key::LOGGED_BY, logged_by),
    }
    put(&mut pairs, key::TENANT, &entry.tenant);
    put(&mut pairs, key::ORGANIZATION, &entry.organization);
    put(&mut pairs, key::SERVICE, &entry.service);
    pairs.time(key::GENERATED_AT, entry.generated_at.map(Timestamp::nanos));
    pairs.unsigned(key::SEVERITY, entry.severity.class().into());
    put(&mut pairs, key::ACTIVITY, &entry.activity);
    put(&mut pairs, key::ACTOR_TYPE, &entry.actor.kind);
    put(&mut pairs, key::ACTOR_ID, &entry.actor.id);
    put(&mut pairs, key::ACTOR_NAME, &entry.actor.name);
    put(&mut pairs, key::ON_BEHALF_OF, &entry.on_behalf_of);
    put(&mut pairs, key::OBJECT_ID, &entry.object.id);
    put(&mut pairs, key::OBJECT_NAME, &entry.object.name);
    put(&mut pairs, key::REQUEST_ID, &entry.request_id);
    put(&mut pairs, key::CONFIGURATION_ID, &entry.configuration_id);
    if let Some(success) = entry.success {
        pairs.boolean(key::SUCCESS, success);
    }
    put(&mut pairs, key::MESSAGE, &entry.message);
    pairs.time(key::STARTED, entry.started.map(Timestamp::nanos));
    pairs.time(key::FINISHED, entry.finished.map(Timestamp::nanos));
    if let Some(process) = &entry.process {
        put(&mut pairs, key::PROCESS_ID, &process.id);
        put(&mut pairs, key::PROCESS_PARENT, &process.parent);
        pairs.unsigned(key::PROCESS_EVENT, process.event.number().into());
    }
    if let Some(artifact) = &entry.artifact {
        pairs.bytes(key::ARTIFACT_SHA256, &artifact.sha256);
        put(&mut pairs, key::ARTIFACT_NAME, &artifact.name);
        put(&mut pairs, key::ARTIFACT_MEDIA_TYPE, &artifact.media_type);
        if let Some(size) = artifact.size {
            pairs.unsigned(key::ARTIFACT_SIZE, size);
        }
    }
    pairs.attributes(&entry.attributes).unwrap();
    if record.artifact_held {
        pairs.boolean(key::ARTIFACT_HELD, true);
    }
    pairs.finish()
}

proptest! {
    #[test]
    fn what_is_told_of_a_record_is_what_decoding_asks(
        mut entry in entries(),
        empty in 0..6,
        extra in 0_usize..2,
        held in any::<bool>(),
        logged_by in "[a-z]{0,2}",
    ) {
        match empty {
            0 => entry.tenant = "".into(),
            1 => entry.service = "".into(),
            2 => entry.activity = "".into(),
            3 => entry.attributes.push(("".into(), "x".into())),
            4 => entry.process = entry.process.map(|process| Process { id: "".into(), ..process }),
            _ => {}
        }
        for number in 0..extra * 62 {
            entry.attributes.push((format!("A{number}").into(), "x".into()));
        }
        let record = Record { tenant_seq: 3, logged_by: &logged_by, entry, artifact_held: held, control: None };
        let mut sheet = Sheet::default();
        let told = put_together(&record, &mut sheet);
        let decoded = decode(sheet.bytes());
        prop_assert_eq!(told.is_entry(), decoded.is_ok(), "{:?}", decoded);
    }
}
