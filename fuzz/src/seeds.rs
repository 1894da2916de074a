//! Inputs to begin with: small, valid, and together in every branch that honest bytes reach.

use crate::format::mend_frame_header;
use crate::journal::shape;
use crate::store::{self, LINES};
use sealog::import::Format;
use sealog_engine::disk::Disk;
use sealog_engine::error::Error;
use sealog_engine::format::column::times::Reference;
use sealog_engine::format::column::{Effort, bytes, names, packed, text, times};
use sealog_engine::format::ends::{self, ChainEnd, EndsFile, LineEnd};
use sealog_engine::format::segment::columns::Row;
use sealog_engine::format::segment::states::{self, Opening, OpeningLine};
use sealog_engine::format::segment::{LineState, TenantRow, tenants};
use sealog_engine::format::{cbor, commit, control, record};
use sealog_engine::journal::{self, Event, Frame, JournalReader};
use sealog_engine::proof::Hasher;
use sealog_engine::proof::tree::RightEdge;
use sealog_engine::segment::writer;

/// What real clients sent (`tests/data/ingest`), each behind the bytes that its target reads first.
const CAPTURES: [(&str, &str, &[u8], &[u8]); 8] = [
    ("otlp", "python", &[0], include_bytes!("../../tests/data/ingest/otlp-python.bin")),
    ("otlp", "node", &[1], include_bytes!("../../tests/data/ingest/otlp-node.json")),
    ("bulk", "python", &[], include_bytes!("../../tests/data/ingest/bulk-python.ndjson")),
    ("bulk", "default-index", &[], b"{\"create\":{}}\n{\"tenant\":\"acme\",\"a\":{\"b\":[1]}}\n"),
    ("syslog", "logger-octets", &[3], include_bytes!("../../tests/data/ingest/logger-tcp-octets.bin")),
    ("syslog", "logger-lines", &[4], include_bytes!("../../tests/data/ingest/logger-tcp-lines.bin")),
    ("syslog", "logger-structured", &[7], include_bytes!("../../tests/data/ingest/logger-structured.bin")),
    ("syslog", "logger-bsd", &[2], include_bytes!("../../tests/data/ingest/logger-rfc3164.bin")),
];

/// One input of one target.
pub struct Seed {
    /// The target.
    pub target: &'static str,
    /// The file's name.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// All seeds; the same bytes each time.
///
/// # Errors
/// None, while the store that they are taken from can be made.
pub fn seeds() -> Result<Vec<Seed>, Error> {
    let mut seeds = Vec::new();
    let mut add = |target, name: &str, bytes: Vec<u8>| {
        seeds.push(Seed { target, name: format!("seed-{name}"), bytes });
    };
    for (index, line) in LINES.iter().enumerate() {
        add("entry_json", &format!("{index:02}"), line.as_bytes().to_vec());
    }
    add("entry_json", "full", serde_json::to_vec(&store::full_entry()).unwrap_or_default());
    for (index, (format, line)) in RAW_LINES.iter().enumerate() {
        let choice = Format::ALL.iter().position(|known| known == format).unwrap_or_default();
        let mut bytes = vec![u8::try_from(choice).unwrap_or_default()];
        bytes.extend(line.as_bytes());
        add("import", &format!("{}-{index:02}", format.name()), bytes);
    }
    for (name, bytes) in filters() {
        add("filter", name, bytes);
    }
    for (target, name, front, bytes) in CAPTURES {
        add(target, name, [front, bytes].concat());
    }

    let mut entries = store::entries();
    entries.push(store::full_entry());
    let batches: Vec<Vec<_>> = entries.chunks(5).map(<[_]>::to_vec).collect();
    let disk = store::made(&batches)?;
    let store_file = disk.get("STORE").unwrap_or_default();
    add("store_file", "whole", store_file.clone());
    add(
        "store_file",
        "version-2",
        String::from_utf8_lossy(&store_file).replace("version 1", "version 2").into(),
    );
    for (name, is_whole, chains) in
        [("ends", true, chain_ends()), ("ends-changed", false, chain_ends()), ("ends-none", true, Vec::new())]
    {
        add("store_file", name, ends::encode(&[4; 16], &EndsFile { is_whole, chains }));
    }
    let file = disk.get(&journal::path(1)).unwrap_or_default();
    let frames = frames(&*disk)?;
    let mut payloads = vec![shape::PAYLOADS];
    for frame in &frames {
        let header = frame.header;
        let number = header.number;
        let mut bytes = vec![1];
        bytes.extend(header.offset.to_le_bytes());
        bytes.extend(&file[48..56]);
        bytes.extend([0; 4]);
        bytes.extend(&frame.bytes[..64]);
        add("frame", &format!("header-{number}"), bytes);
        let Ok(commit) = commit::decode(frame.payload(), header.part_count, header.entry_count) else {
            continue;
        };
        let counts = [header.part_count, header.entry_count];
        let mut bytes = vec![0; 17];
        counts.iter().for_each(|count| bytes.extend(&count.to_le_bytes()[..2]));
        bytes.extend(frame.payload());
        add("frame", &format!("payload-{number}"), bytes);
        payloads.extend(counts.iter().map(|count| count.to_le_bytes()[0]));
        payloads.extend(&header.payload_bytes.to_le_bytes()[..2]);
        payloads.extend(frame.payload());
        for part in &commit.parts {
            for index in 0..part.rows.len() {
                let name = format!("{}-{}", part.service, part.first_seq + index as u64);
                add("record", &name, part.record(index).to_vec());
                let Ok(record) = record::decode(part.record(index)) else { continue };
                if let Some(control) = record.control {
                    add("cbor", &name, [&[1, 71], control].concat());
                }
            }
        }
    }
    for (name, bytes) in columns() {
        add("column", name, bytes);
    }
    for (name, bytes) in segments(&frames) {
        add("segment", &name, bytes);
    }
    let mut file_header = vec![1];
    file_header.extend([0; 20]);
    file_header.extend(&file[..64]);
    add("frame", "file-header", file_header);
    add("journal", "raw", with_shape(shape::RAW, &file));
    add("journal", "mended", with_shape(shape::MENDED, &file));
    add("journal", "numbered", with_shape(shape::NUMBERED, &file));
    add("journal", "payloads", payloads);
    add("journal", "torn", with_shape(shape::RAW, &file[..file.len() - 100]));
    for (name, shape) in [("two-raw", shape::TWO_RAW), ("two-mended", shape::TWO_MENDED)] {
        add("journal", name, with_shape(shape, &two_files(&file, &frames)));
    }
    for (name, bytes) in small_values() {
        add("cbor", name, bytes);
    }
    Ok(seeds)
}

/// Two chains with lines, and one without.
fn chain_ends() -> Vec<ChainEnd> {
    let line = |slot: u32, line: u32| LineEnd {
        line,
        slot,
        line_id: [slot.to_le_bytes()[0]; 16],
        size: 3,
        digest: [9; 32],
    };
    let chain = |service: &str, slot, size: u64, lines| ChainEnd {
        service: service.into(),
        slot,
        size,
        head: [7; 32],
        subtrees: vec![[8; 32]; size.count_ones() as usize],
        lines: (slot + 1..slot + 1 + lines).zip(0..).map(|(slot, number)| line(slot, number)).collect(),
    };
    vec![chain("mail-api", 0, 9, 3), chain("sealog.control", 4, 255, 1), chain("vault", 6, 1 << 40, 0)]
}

fn with_shape(shape: u8, bytes: &[u8]) -> Vec<u8> {
    [&[shape], bytes].concat()
}

fn frames(disk: &dyn Disk) -> Result<Vec<Frame>, Error> {
    let failed = |error| Error::io("read", journal::DIRECTORY, error);
    let identity = sealog_engine::identity::read(disk)?;
    let mut reader = JournalReader::new(disk, identity.id).map_err(failed)?;
    let mut frames = Vec::new();
    while let Some(event) = reader.next_event().map_err(failed)? {
        if let Event::Frame(frame) = event {
            frames.push(frame);
        }
    }
    Ok(frames)
}

/// The same journal, as if it had been rotated behind the first frame.
fn two_files(file: &[u8], frames: &[Frame]) -> Vec<u8> {
    let Some(first) = frames.first() else { return Vec::new() };
    let end = 128 + first.bytes.len();
    let mut bytes = u32::try_from(end).unwrap_or_default().to_le_bytes().to_vec();
    bytes.extend(&file[..end]);
    let from = bytes.len();
    bytes.extend(&file[..128]);
    for copy in [0, 64] {
        let header = &mut bytes[from + copy..][..64];
        header[32..40].copy_from_slice(&2_u64.to_le_bytes());
        header[40..48].copy_from_slice(&2_u64.to_le_bytes());
        let crc = crc32fast::hash(&header[..60]);
        header[60..].copy_from_slice(&crc.to_le_bytes());
    }
    let mut nonce = [0; 8];
    nonce.copy_from_slice(&file[48..56]);
    for frame in &frames[1..] {
        let offset = bytes.len() - from;
        let at = bytes.len();
        bytes.extend(&frame.bytes);
        if let Some(header) = bytes[at..].first_chunk_mut::<64>() {
            mend_frame_header(header, offset as u64, &nonce);
        }
    }
    bytes
}

fn small_values() -> Vec<(&'static str, Vec<u8>)> {
    let mut numbers = vec![4, 0, 0, 1, 1];
    cbor::unsigned(&mut numbers, 23);
    cbor::unsigned(&mut numbers, u64::MAX);
    cbor::signed(&mut numbers, i64::MIN);
    cbor::signed(&mut numbers, 65_536);
    let mut texts = vec![5, 2, 3, 4, 5, 7];
    cbor::text(&mut texts, "größe");
    cbor::bytes(&mut texts, &[0; 300]);
    cbor::bytes(&mut texts, &[1; 16]);
    cbor::boolean(&mut texts, true);
    cbor::map(&mut texts, 0);
    let mut nested = vec![1, 80];
    cbor::array(&mut nested, 2);
    cbor::map(&mut nested, 1);
    cbor::unsigned(&mut nested, 1);
    cbor::array(&mut nested, 0);
    cbor::boolean(&mut nested, false);
    let mut step = vec![1, 71];
    step.extend(control::ClockStep { before: 5, after: -5 }.encode());
    vec![("numbers", numbers), ("texts", texts), ("nested", nested), ("clock-step", step)]
}

/// What `filter` takes off an input, in its order.
fn filters() -> Vec<(&'static str, Vec<u8>)> {
    let none = [0; 9];
    // Everything; then scope, order, limit, log, severities, window and successes, and the lists of texts.
    let list = |index: usize, text: &str| {
        let mut bytes = vec![0; 6];
        bytes.extend(&none[..index]);
        bytes.push(1);
        bytes.push(u8::try_from(text.len()).unwrap_or_default());
        bytes.extend(text.as_bytes());
        bytes
    };
    let mut scoped = vec![2, 1, 6];
    scoped.extend(b"globex");
    scoped.extend([1, 5]);
    scoped.extend(b"north");
    let mut window = vec![0, 1, 0, 0, 0, 0b0000_0111];
    window.extend(1_795_100_000_000_000_000_i64.to_le_bytes());
    window.extend(i64::MAX.to_le_bytes());
    vec![
        ("all", vec![]),
        ("scoped", scoped),
        ("window", window),
        ("severities", vec![0, 0, 4, 0, 0b0111_0001]),
        ("process-failed", vec![0, 0, 0, 2, 0, 0b0001_0000]),
        ("tenant", list(0, "acme")),
        ("service", list(2, "sealog.control")),
        ("activity", list(3, "login")),
        ("item", list(6, "RETENTION")),
        ("search", list(9, "größe")),
        ("search-kelvin", list(9, "k")),
    ]
}

/// A line or two of each shape that real products write.
const RAW_LINES: [(Format, &str); 14] = [
    (
        Format::Ndjson,
        r#"{"tenant":"acme","service":"s","activity":"a","seq":3,"tenant_seq":1,"logged_by":"x","logged_at":"2026-11-21T00:00:00Z"}"#,
    ),
    (
        Format::Cloudtrail,
        r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/a","principalId":"P"},"eventTime":"2023-01-01T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","errorCode":"AccessDenied","errorMessage":"no","requestParameters":{"instanceId":"i-1"},"requestID":"r","eventID":"e","recipientAccountId":"1","resources":[{"ARN":"arn:x"}]}"#,
    ),
    (
        Format::Cloudtrail,
        r#"{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","methodName":"v1.compute.instances.insert","serviceName":"compute.googleapis.com","authenticationInfo":{"principalEmail":"a@b"},"status":{"code":7}},"insertId":"i","timestamp":"2023-01-01T00:00:00Z","resource":{"labels":{"project_id":"p"}},"severity":"NOTICE"}"#,
    ),
    (
        Format::Cloudtrail,
        r#"{"operationName":{"value":"Microsoft.Compute/x/write"},"eventTimestamp":"2023-01-01T00:00:00.1234567Z","caller":"a@b","tenantId":"t","level":"Informational","resourceId":"/subscriptions/1","status":{"value":"Succeeded"},"correlationId":"c","eventDataId":"d"}"#,
    ),
    (
        Format::Windows,
        r#"{"@timestamp":"2020-10-21T12:19:09.145Z","Hostname":"WS1.theshire.local","Channel":"Security","EventID":4688,"RecordNumber":7,"Keywords":-9214364837600034816,"SubjectUserSid":"S-1-5-18","SubjectUserName":"WS1$","NewProcessName":"C:\\x.exe","Message":"A new process\r\nhas been created"}"#,
    ),
    (
        Format::Windows,
        r#"{"EventID":"4625","Keywords":"0x8010000000000000","Hostname":"ws","TimeCreated":"2020-10-21T12:19:09Z","Category":"Logon","SeverityValue":2}"#,
    ),
    (
        Format::Windows,
        r#"{"EventID":4624,"Keywords":["Audit Success"],"Hostname":"ws.d.x","Channel":"Security","EventTime":"2020-10-21 08:19:09"}"#,
    ),
    (
        Format::Office365,
        r#"{"CreationTime":"2020-01-01T00:00:00","Id":"1","Operation":"UserLoginFailed","OrganizationId":"o","Workload":"AzureActiveDirectory","UserId":"u","ResultStatus":"Failed","LogonError":"x","ExtendedProperties":[{"Name":"a","Value":"b"}]}"#,
    ),
    (
        Format::Kubernetes,
        r#"{"kind":"Event","auditID":"a","stage":"ResponseComplete","verb":"get","user":{"username":"system:serviceaccount:ns:sa"},"objectRef":{"resource":"pods","namespace":"ns","name":"p"},"responseStatus":{"code":403,"message":"no"},"stageTimestamp":"2020-01-01T00:00:00Z","requestReceivedTimestamp":"2020-01-01T00:00:00Z"}"#,
    ),
    (
        Format::GitHistory,
        r#"{"repository":"o/r","commit":"c","path":"a/b","change":"modify","author":"a1","author_time":"2020-01-01T00:00:00+01:00","commit_time":"2020-01-01T00:00:01+01:00","subject":"s"}"#,
    ),
    (
        Format::Linux,
        r#"{"_raw":"Oct 11 22:14:15 host sshd[77]: Failed password for root from 10.0.0.1 port 22 ssh2","sourcetype":"linux_secure","host":"h","_time":"2020-01-01T00:00:00Z"}"#,
    ),
    (
        Format::Syslog,
        r#"<165>1 2003-10-11T22:14:15.003Z host app 77 ID47 [ex@1 iut="3" a="\"\]\\"][b@2 c="d"] message"#,
    ),
    (Format::Syslog, "<34>Oct 11 22:14:15 mymachine su[77]: 'su root' failed for lonvick on /dev/pts/8"),
    (Format::Syslog, "no form at all"),
];

/// Columns of each kind: which, rows, bytes.
fn columns() -> Vec<(&'static str, Vec<u8>)> {
    let head = |kind: u8, rows: usize| {
        let mut bytes = vec![kind];
        bytes.extend(u16::try_from(rows).unwrap_or_default().to_le_bytes());
        bytes
    };
    let numbers: Vec<u64> = (0..300).map(|row| 7_000 + row * row).collect();
    let mut packed_column = head(0, numbers.len());
    packed::encode(&numbers, &mut packed_column);
    let some_times: Vec<Option<i64>> =
        numbers.iter().map(|number| (number % 3 > 0).then_some(number.cast_signed() * 1_000)).collect();
    let mut times_column = head(1, some_times.len());
    times::encode_times(&some_times, None, &mut times_column);
    // Ascending by row, and rows lie three apart: distances behind bases.
    let rows = (0..3).flat_map(|tenant| (tenant..300).step_by(3));
    let references: Vec<Reference> = rows.map(|row| Reference { time: 17, row }).collect();
    let by_row: Vec<Option<i64>> =
        references.iter().map(|reference| Some(i64::from(reference.row) * 1_000_000)).collect();
    let mut by_row_column = head(1, by_row.len());
    times::encode_times(&by_row, Some(&references), &mut by_row_column);
    let texts: Vec<String> =
        numbers.iter().map(|number| format!("mailbox {number} of e220a8397b1dcdaf")).collect();
    let some_texts: Vec<Option<&str>> =
        texts.iter().zip(&numbers).map(|(text, number)| (number % 7 > 0).then_some(text.as_str())).collect();
    let mut text_column = head(2, some_texts.len());
    text::encode(&some_texts, &[0, 100], Effort::Light, &mut text_column);
    let some_bytes: Vec<Option<&[u8]>> = some_texts.iter().map(|text| text.map(str::as_bytes)).collect();
    let mut bytes_column = head(3, some_bytes.len());
    bytes::encode(&some_bytes, &[0, 100], Effort::Light, &mut bytes_column);
    let known = ["acme", "acme-corp", "acme-corp-2", "globex"];
    let mut list_of_names = head(4, known.len());
    names::encode(known.into_iter(), Effort::Light, &mut list_of_names);
    let mut table = head(5, known.len() * 2);
    tenants::encode(&tenant_rows(&known), Effort::Light, &mut table);
    vec![
        ("packed", packed_column),
        ("times", times_column),
        ("times-by-row", by_row_column),
        ("texts", text_column),
        ("bytes", bytes_column),
        ("names", list_of_names),
        ("tenants", table),
    ]
}

/// A table of tenants with two entries each; every second has two salt keys.
fn tenant_rows(names: &[&str]) -> Vec<TenantRow> {
    let rows = names.iter().zip(0_u32..).map(|(name, number)| TenantRow {
        tenant: (*name).to_owned(),
        line: number,
        slot: number + 1,
        nonce: [1; 16],
        opening: LineState { size: number.into(), digest: [2; 32] },
        closing: LineState { size: u64::from(number) + 2, digest: [3; 32] },
        keys: (0..=u64::from(number % 2)).map(|key| (key * 4, [4; 32])).collect(),
    });
    rows.collect()
}

/// A segment of each part of the frames.
fn segments(frames: &[Frame]) -> Vec<(String, Vec<u8>)> {
    let mut segments = Vec::new();
    for frame in frames {
        let header = frame.header;
        let Ok(commit) = commit::decode(frame.payload(), header.part_count, header.entry_count) else {
            continue;
        };
        for part in &commit.parts {
            let rows: Vec<Row<'_>> = (0..part.rows.len())
                .map(|index| Row { record: part.record(index), kind: part.kind, logged_at: header.logged_at })
                .collect();
            let line = OpeningLine {
                tenant: "acme".to_owned(),
                line: 0,
                slot: 1,
                nonce: [1; 16],
                state: LineState { size: 0, digest: [2; 32] },
                keys: vec![(0, [3; 32])],
            };
            let size = part.first_seq;
            let subtrees = vec![[4; 32]; size.count_ones() as usize];
            let opening = Opening {
                store_id: [5; 16],
                service: part.service.to_owned(),
                chain_id: [6; 16],
                slot: 0,
                prev: part.prev,
                edge: RightEdge::from_subtrees(size, &subtrees).unwrap_or_default(),
                line_count: 1,
            };
            let leaves: Vec<_> = (0..rows.len()).map(|index| *part.leaf(index)).collect();
            let tenants = vec![0; rows.len()];
            let own = states::close(&opening, vec![line], &leaves, &tenants, &mut Hasher::new());
            if let Ok(bytes) = writer::build(own, &rows, &tenants, Effort::Light) {
                segments.push((format!("{}-{size}", part.service), bytes));
            }
        }
    }
    segments
}
