//! What real clients sent, replayed: the bodies in `tests/data/ingest` were taken from the wire, and each must become
//! exactly the entries in the file beside it.
//!
//! Goal: what programs really write, not what their protocol promises. The oracle is the store: bodies are decoded,
//! appended, and scanned.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::model::Timestamp;
use sealog_engine::scan::{Order, Query, Scope};
use sealog_engine::store::{Options, Store};
use sealog_server::ingest::bulk;
use sealog_server::ingest::otlp::{self, Form};
use sealog_server::ingest::syslog::{Decoder, Frame, Framer, Origin, Template};
use sealog_server::ingest::{Allowed, Context, Decoded, Kind};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/ingest").join(name)
}

fn read(name: &str) -> Vec<u8> {
    fs::read(data(name)).unwrap()
}

fn context() -> Context<'static> {
    Context::unlimited(Timestamp::parse("2026-11-22T15:00:00Z").unwrap())
}

/// The entries of a batch as they are when they are read again, without what the log adds.
fn entries(decoded: &Decoded) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), Options::default()).unwrap();
    store.append(decoded.batch.clone()).unwrap();
    let query = Query { order: Order::Ascending, ..Query::default() };
    let found = store
        .scan(&Scope::everything(), &query)
        .map(|hit| {
            let mut value = serde_json::to_value(hit.committed().unwrap()).unwrap();
            for added in ["seq", "tenant_seq", "logged_at", "logged_by"] {
                value.as_object_mut().unwrap().remove(added).unwrap();
            }
            value
        })
        .collect();
    store.close().unwrap();
    found
}

/// Compares with the file `<name>.expected`, one entry a line.
#[track_caller]
fn assert_entries(decoded: &Decoded, name: &str) {
    let found: Vec<String> = entries(decoded).iter().map(Value::to_string).collect();
    let expected = fs::read_to_string(data(&format!("{name}.expected"))).unwrap_or_default();
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(found, expected, "{name}; found:\n{}\n", found.join("\n"));
}

#[test]
fn otlp_of_the_python_sdk() {
    let decoded = otlp::decode(Form::Protobuf, &read("otlp-python.bin"), context()).unwrap();
    assert_eq!((decoded.records.len(), decoded.refused_count), (6, 0));
    assert_entries(&decoded, "otlp-python");
    assert_eq!(otlp::success(Form::Protobuf, &decoded), b"");
}

#[test]
fn otlp_of_the_node_sdk() {
    let decoded = otlp::decode(Form::Json, &read("otlp-node.json"), context()).unwrap();
    assert_eq!(decoded.refused_count, 0);
    assert_entries(&decoded, "otlp-node");
}

#[test]
fn otlp_of_a_foreign_tenant_is_refused_and_told() {
    let mine = ["other".to_owned()];
    let body = read("otlp-python.bin");
    let limited = Context { tenants: Allowed::Only(&mine), ..context() };
    let decoded = otlp::decode(Form::Protobuf, &body, limited).unwrap();
    let problem = decoded.whole_refusal().unwrap();
    assert_eq!((problem.kind, decoded.refused_count, decoded.batch.len()), (Kind::Forbidden, 6, 0));
    assert_eq!(
        problem.to_string(),
        "resource.attributes[tenant.id]: expected a tenant that the key may write, found \"acme\"; use a key that may"
    );
}

#[test]
fn a_record_that_the_store_refused_is_left_out_and_counted() {
    let body = read("otlp-python.bin");
    let decoded = otlp::decode(Form::Protobuf, &body, context()).unwrap();
    let record = decoded.record_of(4).unwrap();
    let again = otlp::decode(Form::Protobuf, &body, Context { without: &[record], ..context() }).unwrap();
    assert_eq!((again.records, again.refused_count), (vec![0, 1, 2, 3, 5], 1));
    assert_eq!(again.refused[0].problem.kind, Kind::Conflict);
}

#[test]
fn otlp_json_as_other_producers_write_it() {
    let body = json!({"unknown": [{}], "resourceLogs": [
        {"scopeLogs": [{"scope": null, "logRecords": [
            {"timeUnixNano": 1790000000000000001u64, "severityNumber": "17", "flags": 1, "body": {"intValue": "-5"},
             "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "0000000000000000", "attributes": null},
            {"traceId": "xyz"},
            {"observedTimeUnixNano": "7", "body": {"kvlistValue": {"values": [{"key": "é", "value": {"doubleValue": "NaN"}}]}}}
        ]}],
         "resource": {"attributes": [{"key": "tenant", "value": {"stringValue": "acme"}}]}},
        {"resource": {}, "scopeLogs": [{"logRecords": [{}]}]},
    ]});
    let text = body.to_string();
    let context = Context { default_service: Some("edge"), ..context() };
    let decoded = otlp::decode(Form::Json, text.as_bytes(), context).unwrap();
    let places: Vec<(u32, &str)> =
        decoded.refused.iter().map(|refusal| (refusal.record, refusal.problem.place.as_str())).collect();
    assert_eq!(places, [(1, "traceId"), (3, "resource.attributes[tenant.id]")]);
    assert_eq!(
        entries(&decoded),
        [
            json!({"tenant": "acme", "service": "edge", "generated_at": "2026-09-21T14:13:20.000000001Z",
                   "severity": "error", "activity": "log", "message": "-5",
                   "request_id": "5b8efff798038103d269b633813fc60c", "attributes": {"trace_flags": "01"}}),
            json!({"tenant": "acme", "service": "edge", "generated_at": "1970-01-01T00:00:00.000000007Z",
                   "severity": "information", "activity": "log", "message": "{\"é\":\"NaN\"}"}),
        ]
    );
}

#[test]
fn bulk_of_the_python_client() {
    let body = read("bulk-python.ndjson");
    let request = bulk::decode(&body, None, context()).unwrap();
    assert_entries(&request.decoded, "bulk-python");
    let answer: Value = serde_json::from_slice(&request.answer(3)).unwrap();
    assert_eq!((&answer["took"], &answer["errors"]), (&json!(3), &json!(true)));
    let items = answer["items"].as_array().unwrap();
    let statuses: Vec<(String, i64)> = items
        .iter()
        .map(|item| item.as_object().unwrap().iter().next().unwrap())
        .map(|(verb, item)| (verb.clone(), item["status"].as_i64().unwrap()))
        .collect();
    let expected = [("index", 201), ("create", 201), ("delete", 400), ("update", 400), ("index", 400)];
    assert_eq!(statuses, expected.map(|(verb, status)| (verb.to_owned(), status)));
    assert_eq!(items[0]["index"]["_id"], "m-1");
    assert_eq!(
        items[4]["index"]["error"]["reason"],
        "tenant (byte 636): expected the tenant, as the key has not exactly one, found none; name the tenant there, \
         or use a key of one tenant"
    );
}

#[test]
fn a_bulk_body_that_is_cut_short_gives_nothing() {
    let body = read("bulk-python.ndjson");
    for end in 1..body.len() {
        // A body that ends behind a document is whole; any other is told apart from one.
        let request = bulk::decode(&body[..end], None, context());
        let ends_a_pair = body[..end].ends_with(b"\n") && {
            let lines = body[..end].iter().filter(|byte| **byte == b'\n').count();
            matches!(lines, 2 | 4 | 5 | 7 | 9)
        };
        assert_eq!(request.is_ok(), ends_a_pair, "{end} bytes");
    }
}

fn syslog(frames: &[Frame<'_>], zone: Option<&str>) -> Decoded {
    let tenant = ["acme".to_owned()];
    let template = Template::parse("{app}").unwrap();
    let zone = zone.map(|_| jiff::tz::TimeZone::UTC);
    let origin = Origin { service: &template, zone: zone.as_ref() };
    let context = Context { tenants: Allowed::Only(&tenant), default_service: Some("syslog"), ..context() };
    let mut decoder = Decoder::new(origin, context);
    for frame in frames {
        decoder.push("192.0.2.7", *frame);
    }
    let decoded = decoder.finish().unwrap();
    assert_eq!(decoded.refused, []);
    decoded
}

#[test]
fn syslog_of_logger_in_datagrams() {
    let bodies = ["logger-rfc5424.bin", "logger-structured.bin", "logger-rfc3164.bin"].map(read);
    let frames = bodies.each_ref().map(|body| Frame { bytes: body, cut_from: None });
    assert_entries(&syslog(&frames, None), "logger-datagrams");
    let with_zone = entries(&syslog(&frames[2..], Some("UTC")));
    assert_eq!(with_zone[0]["generated_at"], "2026-11-22T14:59:51.000000000Z");
    assert_eq!(with_zone[0]["attributes"]["syslog.time"], "Nov 22 14:59:51");
}

#[test]
fn syslog_of_logger_in_streams() {
    for (name, prefix) in [("logger-tcp-octets.bin", b'1'), ("logger-tcp-lines.bin", b'<')] {
        let body = read(name);
        assert_eq!(body[0], prefix, "{name} is of the other framing");
        for piece in [1, 7, body.len()] {
            let (mut framer, mut messages) = (Framer::new(), Vec::new());
            let mut tell = |frame: Frame<'_>| messages.push((frame.bytes.to_vec(), frame.cut_from));
            for bytes in body.chunks(piece) {
                framer.push(bytes, &mut tell);
            }
            framer.finish(&mut tell);
            let frames: Vec<Frame<'_>> =
                messages.iter().map(|(bytes, cut_from)| Frame { bytes, cut_from: *cut_from }).collect();
            let found = entries(&syslog(&frames, None));
            let texts: Vec<&str> = found.iter().map(|entry| entry["message"].as_str().unwrap()).collect();
            assert_eq!(texts, ["erste Zeile", "zweite Zeile mit ü"], "{name}");
            assert_eq!(found[0]["service"], "app");
        }
    }
}

#[test]
fn syslog_that_is_no_text_is_kept_whole() {
    let message = b"<34>Oct 11 22:14:15 h su: \xff\x00x";
    let decoded =
        syslog(&[Frame { bytes: message, cut_from: Some(99) }, Frame { bytes: b"", cut_from: None }], None);
    let found = entries(&decoded);
    assert_eq!(found.len(), 1, "an empty message is none");
    assert_eq!(found[0]["message"], "\u{fffd}\0x");
    assert_eq!(found[0]["severity"], "fatal");
    assert_eq!(found[0]["attributes"]["raw.hex"], sealog_engine::hex::encode(message));
    assert_eq!(found[0]["attributes"]["syslog.cut_from"], "99");
}
