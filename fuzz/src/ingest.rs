//! Bodies and messages of other protocols, as a server takes them from whoever connects.

use crate::input::Input;
use sealog_engine::batch::Batch;
use sealog_engine::model::Timestamp;
use sealog_server::ingest::otlp::{self, Form};
use sealog_server::ingest::syslog::{Decoder, Frame, Framer, MESSAGE_BYTES_MAX, Origin, Template};
use sealog_server::ingest::{Allowed, Context, Decoded, Problem, bulk};

fn context(tenants: &[String]) -> Context<'_> {
    Context {
        tenants: Allowed::Only(tenants),
        default_service: Some("edge"),
        ..Context::unlimited(Timestamp::from_nanos(1_795_000_000_000_000_000))
    }
}

/// What holds of every body: entries and records belong together, and a problem's place lies in the body.
fn check(result: Result<&Decoded, &Problem>, body: &[u8]) {
    match result {
        Ok(decoded) => {
            assert_eq!(decoded.records.len(), decoded.batch.len());
            assert!(decoded.records.is_sorted_by(|a, b| a < b), "records are in order");
            assert!(decoded.refused.len() <= decoded.refused_count as usize);
            let problems = decoded.refused.iter().map(|refusal| &refusal.problem);
            problems.for_each(|problem| check_place(problem, body));
        }
        Err(problem) => check_place(problem, body),
    }
}

fn check_place(problem: &Problem, body: &[u8]) {
    assert!(problem.byte.is_none_or(|byte| byte <= body.len()), "{problem}");
    assert!(!problem.to_string().is_empty());
}

/// A request of OTLP. What is refused is told in both forms; without its first record a request has the others.
///
/// Input: a byte for the form, then the body.
pub fn otlp(bytes: &[u8]) {
    let mut input = Input(bytes);
    let form = if input.byte() & 1 == 0 { Form::Protobuf } else { Form::Json };
    let tenants = ["acme".to_owned()];
    let result = otlp::decode(form, input.0, context(&tenants));
    check(result.as_ref(), input.0);
    let Ok(decoded) = result else { return };
    assert!(serde_json::from_slice::<serde_json::Value>(&otlp::success(Form::Json, &decoded)).is_ok());
    let _ = otlp::success(Form::Protobuf, &decoded);
    if let Some(&first) = decoded.records.first() {
        let without = [first];
        let again = otlp::decode(form, input.0, Context { without: &without, ..context(&tenants) });
        let left: Option<Vec<u32>> = again.ok().map(|again| again.records);
        assert_eq!(left.as_deref(), Some(&decoded.records[1..]));
    }
}

/// A body of the bulk API. Its answer has an item for each action.
///
/// Input: the body, as it is.
pub fn bulk(body: &[u8]) {
    let tenants = ["acme".to_owned()];
    match bulk::decode(body, Some("edge"), context(&tenants)) {
        Err(problem) => check(Err(&problem), body),
        Ok(request) => {
            check(Ok(&request.decoded), body);
            let answer: serde_json::Value =
                serde_json::from_slice(&request.answer(1)).expect("an answer is JSON");
            let items = answer["items"].as_array().map_or(0, Vec::len);
            assert_eq!(items, request.decoded.record_count() as usize);
        }
    }
}

/// A stream of syslog, in pieces: the same messages as in one. Each that is not empty becomes an entry.
///
/// Input: a byte for the length of pieces, then the stream.
pub fn syslog(bytes: &[u8]) {
    let mut input = Input(bytes);
    let piece = usize::from(input.byte()).max(1);
    let stream = input.0;
    let whole = messages(stream.chunks(usize::MAX));
    assert_eq!(whole, messages(stream.chunks(piece)));
    let tenants = ["acme".to_owned()];
    let template = Template::parse("{app}").expect("this is a template");
    let zone = jiff::tz::TimeZone::UTC;
    let origin = Origin { service: &template, zone: (piece % 2 == 0).then_some(&zone) };
    let mut decoder = Decoder::new(origin, context(&tenants));
    let mut count = 0;
    for (message, cut_from) in &whole {
        assert!(message.len() <= MESSAGE_BYTES_MAX);
        count += usize::from(!message.is_empty());
        decoder.push("192.0.2.7", Frame { bytes: message, cut_from: *cut_from });
    }
    let batch: Batch = decoder.finish().map(|decoded| decoded.batch).unwrap_or_default();
    assert_eq!(batch.len(), count, "a message is never refused for its form");
}

type Message = (Vec<u8>, Option<u64>);

fn messages<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Message> {
    let (mut framer, mut found) = (Framer::new(), Vec::new());
    let mut tell = |frame: Frame<'_>| found.push((frame.bytes.to_vec(), frame.cut_from));
    for piece in pieces {
        framer.push(piece, &mut tell);
    }
    framer.finish(&mut tell);
    found
}
