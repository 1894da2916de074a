//! Bodies of producers' protocols to a batch, on one core. See benches/README.md.

use sealog_benches::Outcome;
use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, rate, show_byte_rate, show_rate};
use sealog_engine::model::Timestamp;
use sealog_server::ingest::otlp::{self, Form};
use sealog_server::ingest::syslog::{Decoder, Framer, Origin, Template};
use sealog_server::ingest::{Allowed, Context, bulk};
use serde_json::json;
use std::hint::black_box;
use std::time::Instant;

/// Records of one body: a collector's batch.
const RECORD_COUNT: usize = 5_000;
/// Bodies of one sample: some tens of milliseconds.
const BODIES: usize = 10;
/// When the first record was made.
const EPOCH_NS: usize = 1_790_000_000_000_000_000;

/// Attributes of a record, beside the three of its resource.
const ATTRIBUTES: [(&str, &str); 4] = [
    ("http.request.method", "POST"),
    ("url.path", "/v1/mailboxes/17/retention"),
    ("client.address", "192.0.2.17"),
    ("user.id", "u-4711"),
];
const RESOURCE: [(&str, &str); 3] =
    [("tenant.id", "acme"), ("service.name", "mail-api"), ("host.name", "node-7.example.com")];

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[RECORD_COUNT]);
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    let tenants = ["acme".to_owned()];
    let context = Context {
        tenants: Allowed::Only(&tenants),
        default_service: Some("syslog"),
        ..Context::unlimited(Timestamp::from_nanos(0))
    };
    let template = Template::parse("{app}")?;
    let origin = Origin { service: &template, zone: None };
    for &count in &options.entries {
        let mut table = Table::new(["body", "bytes a record", "entries a second", "bytes a second"]);
        let otlp_form = |form| {
            move |body: &[u8]| otlp::decode(form, body, context).map_or(0, |decoded| decoded.batch.len())
        };
        let body = protobuf(count);
        table.row(measure(&options, "OTLP, protobuf", count, &body, otlp_form(Form::Protobuf)));
        let body = otlp_json(count);
        table.row(measure(&options, "OTLP, JSON", count, &body, otlp_form(Form::Json)));
        let body = bulk_body(count);
        table.row(measure(&options, "bulk", count, &body, |body| {
            bulk::decode(body, None, context).map_or(0, |request| request.decoded.batch.len())
        }));
        let body = syslog_stream(count);
        table.row(measure(&options, "syslog, RFC 5424", count, &body, |body| {
            let mut decoder = Decoder::new(origin, context);
            Framer::new().push(body, &mut |frame| decoder.push("192.0.2.7", frame));
            decoder.finish().map_or(0, |decoded| decoded.batch.len())
        }));
        table.print(&format!(
            "decoding to a batch, {count} records a body, one core (aim for protobuf 1 M/s)"
        ));
    }
    Ok(())
}

fn measure(
    options: &Options,
    name: &str,
    count: usize,
    body: &[u8],
    decode: impl Fn(&[u8]) -> usize,
) -> [String; 4] {
    assert_eq!(decode(body), count, "{name}: every record becomes an entry");
    let (mut rates, mut byte_rates) = (Samples::default(), Samples::default());
    for _ in 0..options.repeat {
        let start = Instant::now();
        for _ in 0..BODIES {
            black_box(decode(black_box(body)));
        }
        let taken = start.elapsed();
        rates.push(rate(count * BODIES, taken));
        byte_rates.push((body.len() * BODIES) as f64 / taken.as_secs_f64());
    }
    [
        name.to_owned(),
        (body.len() / count).to_string(),
        rates.show(show_rate),
        byte_rates.show(show_byte_rate),
    ]
}

fn message(index: usize) -> String {
    format!("retention of mailbox {index} changed from 6 to 10 years")
}

fn trace_id(index: usize) -> [u8; 16] {
    (index as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

/// A message of Protocol Buffers, written field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, number: u8, value: usize) -> Message {
        self.0.push(number << 3);
        self.number(value);
        self
    }

    fn fixed64(mut self, number: u8, value: usize) -> Message {
        self.0.push(number << 3 | 1);
        self.0.extend((value as u64).to_le_bytes());
        self
    }

    fn bytes(mut self, number: u8, value: &[u8]) -> Message {
        self.0.push(number << 3 | 2);
        self.number(value.len());
        self.0.extend(value);
        self
    }

    fn pair(self, number: u8, (key, value): (&str, &str)) -> Message {
        let value = Message::default().bytes(1, value.as_bytes());
        self.bytes(number, &Message::default().bytes(1, key.as_bytes()).bytes(2, &value.0).0)
    }

    fn number(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

fn protobuf(count: usize) -> Vec<u8> {
    let resource = RESOURCE.into_iter().fold(Message::default(), |resource, pair| resource.pair(1, pair));
    let mut logs = Message::default().bytes(1, &Message::default().bytes(1, b"mail").0);
    for index in 0..count {
        let record = Message::default()
            .fixed64(1, EPOCH_NS + index)
            .varint(2, 9)
            .bytes(3, b"INFO")
            .bytes(5, &Message::default().bytes(1, message(index).as_bytes()).0);
        let record = ATTRIBUTES.into_iter().fold(record, |record, pair| record.pair(6, pair));
        let record = record
            .bytes(9, &trace_id(index))
            .bytes(10, &trace_id(index)[..8])
            .bytes(12, b"retention.changed");
        logs = logs.bytes(2, &record.0);
    }
    let resource_logs = Message::default().bytes(1, &resource.0).bytes(2, &logs.0);
    Message::default().bytes(1, &resource_logs.0).0
}

fn otlp_json(count: usize) -> Vec<u8> {
    let pairs = |pairs: &[(&str, &str)]| {
        let pair = |(key, value): &(&str, &str)| json!({"key": key, "value": {"stringValue": value}});
        pairs.iter().map(pair).collect::<Vec<_>>()
    };
    let records: Vec<_> = (0..count)
        .map(|index| {
            json!({
                "timeUnixNano": (EPOCH_NS + index).to_string(), "severityNumber": 9, "severityText": "INFO",
                "body": {"stringValue": message(index)}, "attributes": pairs(&ATTRIBUTES),
                "traceId": sealog_engine::hex::encode(&trace_id(index)),
                "spanId": sealog_engine::hex::encode(&trace_id(index)[..8]), "eventName": "retention.changed",
            })
        })
        .collect();
    json!({"resourceLogs": [{
        "resource": {"attributes": pairs(&RESOURCE)},
        "scopeLogs": [{"scope": {"name": "mail"}, "logRecords": records}],
    }]})
    .to_string()
    .into_bytes()
}

fn bulk_body(count: usize) -> Vec<u8> {
    let mut body = String::new();
    for index in 0..count {
        let mut document = json!({
            "@timestamp": Timestamp::from_nanos((EPOCH_NS + index) as i64).to_string(), "log": {"level": "information"},
            "message": message(index), "event": {"action": "retention.changed"}, "host": {"name": "node-7.example.com"},
            "trace": {"id": sealog_engine::hex::encode(&trace_id(index))},
        });
        for (key, value) in ATTRIBUTES {
            document[key] = value.into();
        }
        body.push_str(&format!(
            "{{\"create\":{{\"_index\":\"mail-api\",\"_id\":\"id-{index}\"}}}}\n{document}\n"
        ));
    }
    body.into_bytes()
}

fn syslog_stream(count: usize) -> Vec<u8> {
    let mut stream = String::new();
    for index in 0..count {
        let time = Timestamp::from_nanos((EPOCH_NS + index) as i64);
        let line = format!(
            "<14>1 {time} node-7.example.com mail-api 17 RETENTION [http@32473 method=\"POST\" \
             path=\"/v1/mailboxes/17/retention\" client=\"192.0.2.17\" user=\"u-4711\"] {}",
            message(index)
        );
        stream.push_str(&format!("{} {line}", line.len()));
    }
    stream.into_bytes()
}
