//! Bodies that nobody well-behaved sends: an error that names its place, or entries within their bounds; never a panic,
//! and never more memory than the body's size allows.

use sealog_engine::model::Timestamp;
use sealog_server::ingest::otlp::{self, Form};
use sealog_server::ingest::{Allowed, Context, Decoded, Kind, Problem};

/// A message of Protocol Buffers, written field by field.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, number: u8, value: u64) -> Message {
        self.0.push(number << 3);
        self.raw(value);
        self
    }

    fn fixed64(mut self, number: u8, value: u64) -> Message {
        self.0.push(number << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(mut self, number: u8, value: &[u8]) -> Message {
        self.0.push(number << 3 | 2);
        self.raw(value.len() as u64);
        self.0.extend(value);
        self
    }

    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

fn pair(key: &str, value: &str) -> Vec<u8> {
    let value = Message::default().bytes(1, value.as_bytes());
    Message::default().bytes(1, key.as_bytes()).bytes(2, &value.0).0
}

/// A request with these records, of tenant `acme` and service `web`.
fn request(records: &[Vec<u8>]) -> Vec<u8> {
    let resource =
        Message::default().bytes(1, &pair("tenant", "acme")).bytes(1, &pair("service.name", "web"));
    let scope_logs = records.iter().fold(Message::default(), |message, record| message.bytes(2, record));
    let logs = Message::default().bytes(2, &scope_logs.0).bytes(1, &resource.0);
    Message::default().bytes(1, &logs.0).0
}

fn decode(body: &[u8]) -> Result<Decoded, Problem> {
    otlp::decode(Form::Protobuf, body, Context::unlimited(Timestamp::from_nanos(0)))
}

#[test]
fn a_request_that_is_cut_short_is_refused_at_its_end() {
    let record =
        Message::default().fixed64(1, 7).varint(2, 9).bytes(5, &Message::default().bytes(1, b"text").0);
    let body = request(&[record.0.clone(), record.0]);
    assert_eq!(decode(&body).unwrap().batch.len(), 2);
    for end in 1..body.len() {
        let problem = decode(&body[..end]).unwrap_err();
        assert_eq!(problem.kind, Kind::Malformed, "{end} bytes");
        assert!(problem.byte.is_some_and(|byte| byte <= end), "{end} bytes: {problem}");
    }
}

#[test]
fn errors_name_the_record_the_field_and_the_byte() {
    let good = Message::default().bytes(3, b"INFO");
    let bad = Message::default().bytes(3, b"INFO").bytes(12, b"a\xffb");
    let body = request(&[good.0.clone(), bad.0]);
    let byte = body.iter().position(|byte| *byte == 0xff).unwrap();
    assert_eq!(
        decode(&body).unwrap_err().to_string(),
        format!(
            "resource_logs[0].scope_logs[0].log_records[1].event_name (byte {byte}): expected UTF-8, found the byte 0xff"
        )
    );
    let short = Message::default().bytes(9, b"abc");
    let decoded = decode(&request(&[good.0, short.0])).unwrap();
    assert_eq!((decoded.records, decoded.refused.len()), (vec![0], 1));
    let told = decoded.refused[0].problem.to_string();
    assert!(told.starts_with("log_records[1].trace_id (byte "), "{told}");
    assert!(told.ends_with("expected 16 bytes, found 3"), "{told}");
}

#[test]
fn nesting_has_an_end() {
    let mut value = Message::default().bytes(1, b"x");
    for _ in 0..100_000 {
        // Each level is a list of one value.
        let list = Message::default().bytes(1, &value.0);
        value = Message::default().bytes(5, &list.0);
        if value.0.len() > 500_000 {
            break;
        }
    }
    let problem = decode(&request(&[Message::default().bytes(5, &value.0).0])).unwrap_err();
    assert!(problem.to_string().contains("at most 32 levels of lists and maps"), "{problem}");
    let open = "{\"arrayValue\":{\"values\":[".repeat(5_000);
    let body = format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{open}");
    let problem =
        otlp::decode(Form::Json, body.as_bytes(), Context::unlimited(Timestamp::from_nanos(0))).unwrap_err();
    assert_eq!(problem.kind, Kind::Malformed, "{problem}");
}

#[test]
fn a_small_body_does_not_become_a_large_batch() {
    // A resource of 200 kB is a part of each of its records, of two bytes each.
    let resource = Message::default()
        .bytes(1, &pair("tenant", "acme"))
        .bytes(1, &pair("service.name", "web"))
        .bytes(1, &pair("k", &"x".repeat(200_000)));
    let scope_logs = (0..1_000).fold(Message::default(), |message, _| message.bytes(2, b""));
    let logs = Message::default().bytes(1, &resource.0).bytes(2, &scope_logs.0);
    let problem = decode(&Message::default().bytes(1, &logs.0).0).unwrap_err();
    assert_eq!(problem.kind, Kind::TooLarge, "{problem}");
    let scope_logs = (0..100_001).fold(Message::default(), |message, _| message.bytes(2, b""));
    let logs = Message::default().bytes(2, &scope_logs.0);
    let problem = decode(&Message::default().bytes(1, &logs.0).0).unwrap_err();
    assert_eq!(problem.kind, Kind::TooLarge, "{problem}");
}

#[test]
fn what_an_entry_cannot_hold_is_kept_beside_it_or_refused() {
    let many = (0..100)
        .fold(Message::default(), |message, index| message.bytes(6, &pair(&format!("k{index}"), "v")));
    let twice =
        Message::default().bytes(6, &pair("k", "1")).bytes(6, &pair("k", "2")).bytes(6, &pair("", "3"));
    let long = Message::default().bytes(5, &Message::default().bytes(1, &[b'x'; 70_000]).0);
    let huge = Message::default().bytes(5, &Message::default().bytes(1, &[b'x'; 300_000]).0);
    let far = Message::default().fixed64(1, u64::MAX);
    let decoded = decode(&request(&[many.0, twice.0, long.0, huge.0, far.0])).unwrap();
    assert_eq!(decoded.records, [0, 1, 2]);
    let places: Vec<&str> = decoded.refused.iter().map(|refusal| refusal.problem.place.as_str()).collect();
    assert_eq!(places, ["entry", "time_unix_nano"]);
}

#[test]
fn a_key_of_some_services_writes_no_others() {
    let services = ["mail".to_owned()];
    let context =
        Context { services: Allowed::Only(&services), ..Context::unlimited(Timestamp::from_nanos(0)) };
    let decoded = otlp::decode(Form::Protobuf, &request(&[Vec::new()]), context).unwrap();
    assert_eq!(decoded.whole_refusal().unwrap().kind, Kind::Forbidden);
}
