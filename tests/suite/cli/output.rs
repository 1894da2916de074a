//! Forms of a list of entries; and that nothing from a log reaches a terminal unescaped.

use super::{PLAIN, plain, texts, with};
use sealog_engine::format::journal::{
    FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FRAMES_OFFSET, FileHeader, FrameHeader, payload_crc,
};
use sealog_tests::command::{Running, Scratch, finish, run, run_with, sealog};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

/// What moves a cursor, changes colours, rings, or turns text around: ESC, BEL, BS, CR, DEL, C1 CSI and OSC, and the
/// bidirectional controls.
const HOSTILE: &str = "a\u{1b}[31mb\u{7}c\u{8}d\re\u{7f}f\u{9b}1mg\u{9d}h\u{202e}i\u{2066}j\u{200f}k\u{61c}l";

#[track_caller]
fn is_harmless(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let hostile = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some((at, c)) = text.char_indices().find(|(_, c)| hostile(*c)) {
        panic!("{:?} came out raw at byte {at} of {text:?}", c);
    }
}

fn hostile_store() -> Scratch {
    let scratch = Scratch::new();
    let entry = json!({
        "tenant": HOSTILE, "message": HOSTILE, "activity": HOSTILE, "organization": HOSTILE, "id": HOSTILE,
        "actor": {"type": HOSTILE, "id": HOSTILE, "name": HOSTILE}, "object": {"id": HOSTILE, "name": HOSTILE},
        "request_id": HOSTILE, "configuration_id": HOSTILE, "on_behalf_of": HOSTILE,
        "attributes": {HOSTILE: HOSTILE}, "process": {"id": HOSTILE, "parent": HOSTILE},
    });
    run_with(["append", "--data", &scratch.store(), "--instance", HOSTILE], with(entry)).exits(0);
    scratch
}

#[test]
fn no_form_lets_a_control_character_out() {
    let scratch = hostile_store();
    for form in ["table", "ndjson", "json"] {
        is_harmless(&run(["scan", "--format", form, "--data", &scratch.store()]).exits(0).stdout);
    }
    // A CR inside a quoted field and CRLF at the end are RFC 4180's.
    let csv = run(["scan", "--format", "csv", "--data", &scratch.store()]).exits(0);
    is_harmless(csv.out().replace('\r', "").as_bytes());
    for args in [["stats", "--data"], ["verify", "--data"]] {
        is_harmless(&run(args.into_iter().chain([scratch.store().as_str()])).exits(0).stdout);
    }
    is_harmless(&run(["inspect", &scratch.store()]).exits(0).stdout);
}

/// Replaces the name of a service in the journal by one as long that the log would not take, every CRC right.
fn forge_service(scratch: &Scratch, name: &str, forged: &str) {
    let path = scratch.path("store/journal/00000001.journal");
    let mut bytes = fs::read(&path).unwrap();
    let nonce = FileHeader::decode(&bytes[..FILE_HEADER_BYTES]).unwrap().nonce;
    let mut offset = usize::try_from(FRAMES_OFFSET).unwrap();
    while let Some(head) = bytes.get(offset..offset + FRAME_HEADER_BYTES)
        && let Ok(mut header) = FrameHeader::decode(head, offset as u64, &nonce)
    {
        let payload_at = offset + FRAME_HEADER_BYTES;
        let payload = &mut bytes[payload_at..][..header.payload_bytes as usize];
        for at in 0..payload.len().saturating_sub(name.len()) {
            if payload[at..].starts_with(name.as_bytes()) {
                payload[at..][..forged.len()].copy_from_slice(forged.as_bytes());
            }
        }
        header.payload_crc = payload_crc(&nonce, header.number, payload);
        bytes[offset..payload_at].copy_from_slice(&header.encode(&nonce));
        offset += usize::try_from(header.frame_bytes()).unwrap();
    }
    scratch.file("store/journal/00000001.journal", bytes);
}

#[test]
fn a_forged_name_reaches_no_terminal_raw() {
    let scratch = Scratch::new();
    scratch.append(with(json!({"service": "forged-one"})));
    let forged = "\u{1b}[m\u{9b}\u{202e}\u{9c}";
    assert_eq!(forged.len(), "forged-one".len());
    forge_service(&scratch, "forged-one", forged);
    let store = scratch.store();
    let file = scratch.path("store/journal/00000001.journal");
    for args in [["verify", "--data", &store].as_slice(), &["stats", "--data", &store], &["inspect", &file]] {
        for flags in [&[][..], &["--json"]] {
            let ran = run([args, flags].concat());
            let shown = if flags.is_empty() { "\\u{9b}" } else { "\\u009b" };
            assert!(ran.out().contains(shown), "{args:?} {flags:?}: {}", ran.out());
            is_harmless(&ran.stdout);
            is_harmless(&ran.stderr);
        }
    }
    is_harmless(&run(["verify", "--data", &store, "--service", "other"]).exits(1).stdout);
    is_harmless(&run(["scan", "--data", &store]).stdout);
}

#[test]
fn what_was_typed_is_shown_escaped() {
    let typed = format!("{HOSTILE}\nerror: forged");
    let commands: [&[&str]; 9] = [
        &[&typed],
        &["append", "--data", "x", &format!("--{typed}")],
        &["append", "--data", "x", &format!("--batch={typed}")],
        &["append", "--data", "x", "--tenant", &typed.repeat(9)],
        &["append", "--data", "x", "--service", &typed],
        &["append", "--data", "x", "file", &typed],
        &["scan", "--data", "x", "--severity", &typed],
        &["scan", "--data", "x", "--from", &typed],
        &["import", "--data", "x", "--format", &typed, "file"],
    ];
    for args in commands {
        let ran = run(args).exits(2).prints_nothing();
        is_harmless(&ran.stderr);
        assert!(!ran.err().contains("\nerror: forged"), "{args:?}: {}", ran.err());
    }
    let ran = run(["init", "--data", "x", "--name", &typed]).exits(2).says(&["\\u{9b}1mg"]);
    is_harmless(&ran.stderr);
}

#[test]
fn what_was_escaped_reads_back_as_it_was_sent() {
    let scratch = hostile_store();
    for form in ["ndjson", "json"] {
        let ran = run(["scan", "--format", form, "--data", &scratch.store()]).exits(0);
        let value = if form == "json" { ran.json()[0].clone() } else { ran.lines().remove(0) };
        for field in ["tenant", "message", "activity", "organization", "request_id", "logged_by"] {
            assert_eq!(value[field], HOSTILE, "{form} {field}");
        }
        assert_eq!(value["actor"]["name"], HOSTILE);
        assert_eq!(value["attributes"][HOSTILE], HOSTILE);
    }
}

#[test]
fn messages_about_hostile_input_are_harmless_too() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let bad = [
        with(json!({"severity": HOSTILE})),
        with(json!({"service": HOSTILE})),
        with(json!({HOSTILE: 1})),
        with(json!({"actor": {HOSTILE: 1}})),
        with(json!({"attributes": {HOSTILE: 1}})),
        with(json!({"generated_at": HOSTILE})),
        with(json!({"process": {"event": HOSTILE}})),
        HOSTILE.to_owned(),
    ];
    for line in &bad {
        is_harmless(&run_with(["append", "--data", &store], line).exits(2).stderr);
        is_harmless(&run_with(["append", "--skip-bad", "--data", &store], line).exits(0).stderr);
    }
    run_with(["append", "--data", &store], with(json!({"id": HOSTILE}))).exits(0);
    let conflict = with(json!({"id": HOSTILE, "message": "other"}));
    is_harmless(&run_with(["append", "--data", &store], conflict).exits(2).stderr);
    is_harmless(&run(["scan", "--data", HOSTILE]).exits(3).stderr);
    is_harmless(&run(["inspect", HOSTILE]).exits(3).stderr);
    is_harmless(&run(["init", "--data", &scratch.path("new"), "--name", HOSTILE]).exits(2).stderr);
    is_harmless(&run(["append", "--data", &store, HOSTILE]).exits(3).stderr);
    is_harmless(&run(["verify", "--data", &store, "--service", HOSTILE]).exits(1).stdout);
}

#[test]
fn a_pipe_gets_ndjson_and_a_table_only_when_asked() {
    let scratch = Scratch::new();
    scratch.append(plain(2));
    let ndjson = run(["scan", "--data", &scratch.store()]).exits(0).says_nothing();
    assert_eq!(ndjson.out(), run(["scan", "--format", "ndjson", "--data", &scratch.store()]).exits(0).out());
    assert_eq!(ndjson.lines().len(), 2);
    let table = run(["scan", "--format", "table", "--data", &scratch.store()]).exits(0);
    let lines: Vec<&str> = table.out().lines().collect();
    assert_eq!(lines.len(), 3, "{}", table.out());
    assert!(
        lines[0].contains("TENANT") && lines[1].contains("acme") && lines[1].contains("m1"),
        "{}",
        table.out()
    );
    is_harmless(&table.stdout);
    table.says(&["sealog: 2 entries\n"]);
    run(["scan", "--format", "table", "--limit", "1", "--data", &scratch.store()])
        .exits(0)
        .says(&["sealog: 1 entry (there may be more: --limit N)\n"]);
}

#[test]
fn a_table_shows_a_hundred_entries_unless_more_are_asked_for() {
    let scratch = Scratch::new();
    scratch.append(plain(150));
    let rows = |flags: &[&str]| {
        let store = scratch.store();
        let args = ["scan", "--format", "table", "--data", &store].into_iter().chain(flags.iter().copied());
        run(args).exits(0).out().lines().count() - 1
    };
    assert_eq!(rows(&[]), 100);
    assert_eq!(rows(&["--limit", "120"]), 120);
    assert_eq!(rows(&["--limit", "1000"]), 150);
    assert_eq!(scratch.scan(&[]).len(), 150, "other forms have no limit");
}

#[test]
fn json_is_one_array_also_of_nothing() {
    let scratch = Scratch::new();
    scratch.append(plain(3));
    let array = run(["scan", "--format", "json", "--data", &scratch.store()]).exits(0).json();
    assert_eq!(array, Value::from(scratch.scan(&[])));
    let none =
        run(["scan", "--format", "json", "--tenant", "nobody", "--data", &scratch.store()]).exits(0).json();
    assert_eq!(none, json!([]));
}

#[test]
fn an_entry_is_one_flat_object_with_absent_fields_left_out() {
    let scratch = Scratch::new();
    let sent = json!({
        "organization": "o", "id": "i", "generated_at": "2026-03-01T01:00:00.5+01:00", "severity": "WARN",
        "actor": {"type": "user", "id": "u", "name": ""}, "object": {"id": "", "name": null},
        "on_behalf_of": "", "success": false, "message": "m", "started": null,
        "finished": "2026-03-01T00:00:01Z", "process": {"id": "p"}, "attributes": {},
        "artifact": {"sha256": "AB".repeat(32), "size": 5},
    });
    scratch.append(with(sent));
    let mut found = scratch.scan(&[]).remove(0);
    for (field, length) in [("logged_at", "2026-03-01T00:00:00.500000000Z".len()), ("logged_by", 0)] {
        let value = found.as_object_mut().unwrap().remove(field).unwrap();
        assert!(length == 0 || value.as_str().unwrap().len() == length, "{value}");
    }
    let wanted = json!({
        "service": "mail", "seq": 0, "tenant": "acme", "tenant_seq": 0, "organization": "o", "id": "i",
        "generated_at": "2026-03-01T00:00:00.500000000Z", "severity": "warning", "activity": "sent",
        "actor": {"type": "user", "id": "u"}, "success": false, "message": "m",
        "finished": "2026-03-01T00:00:01.000000000Z", "process": {"id": "p", "event": "message"},
        "artifact": {"sha256": "ab".repeat(32), "size": 5},
    });
    assert_eq!(found, wanted);
}

#[test]
fn csv_has_a_fixed_header_and_quotes_what_needs_it() {
    let scratch = Scratch::new();
    let entries = [
        json!({"message": "plain", "attributes": {"k": "v,\"w\""}, "actor": {"id": "u"}, "success": true}),
        json!({"message": "a,\"b\"\r\nc", "object": {"id": "o", "name": "n"}}),
    ];
    scratch.append(entries.into_iter().map(with).collect::<String>());
    let ran = run(["scan", "--order", "asc", "--format", "csv", "--data", &scratch.store()]).exits(0);
    assert!(ran.out().ends_with("\r\n"), "RFC 4180 line ends");
    let mut reader = csv::Reader::from_reader(ran.out().as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let field = |row: usize, name: &str| {
        &rows[row]
            [header.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"))]
    };
    assert_eq!(rows.len(), 2);
    assert_eq!((field(0, "message"), field(0, "actor_id"), field(0, "success")), ("plain", "u", "true"));
    assert_eq!(field(0, "attributes"), r#"{"k":"v,\"w\""}"#);
    assert_eq!((field(1, "message"), field(1, "object_name"), field(1, "seq")), ("a,\"b\"\r\nc", "n", "1"));
    // The header does not depend on what was found.
    let none = run(["scan", "--format", "csv", "--tenant", "nobody", "--data", &scratch.store()]).exits(0);
    assert_eq!(none.out().trim_end(), header.join(","));
}

#[test]
fn a_formula_in_csv_is_disarmed() {
    let scratch = Scratch::new();
    let formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"];
    scratch.append(
        formulas.iter().map(|text| with(json!({"message": text, "activity": text}))).collect::<String>(),
    );
    let ran = run(["scan", "--order", "asc", "--format", "csv", "--data", &scratch.store()]).exits(0);
    let mut reader = csv::Reader::from_reader(ran.out().as_bytes());
    let mut count = 0;
    for (row, formula) in reader.records().map(Result::unwrap).zip(formulas) {
        let found: Vec<&str> = row.iter().filter(|field| field.ends_with(formula)).collect();
        assert_eq!(found, [format!("'{formula}"), format!("'{formula}")]);
        assert!(row.iter().all(|field| !field.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
        count += 1;
    }
    assert_eq!(count, formulas.len());
}

#[test]
fn a_count_is_a_number_alone() {
    let scratch = Scratch::new();
    scratch.append(plain(12));
    assert_eq!(run(["scan", "--count", "--data", &scratch.store()]).exits(0).says_nothing().out(), "12\n");
    run(["scan", "--count", "--format", "csv", "--data", &scratch.store()])
        .exits(2)
        .says(&["--count", "--format"]);
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    let scratch = Scratch::new();
    scratch.append(plain(20_000));
    for form in ["ndjson", "json", "csv", "table"] {
        let mut scan = sealog(["scan", "--format", form, "--limit", "20000", "--data", &scratch.store()]);
        let mut head = Command::new("head");
        head.args(["-n", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut scan = scan.spawn().unwrap();
        head.stdin(scan.stdout.take().unwrap());
        assert_eq!(finish(head).exits(0).out().lines().count(), 1);
        let scanned = scan.wait_with_output().unwrap();
        assert_eq!(scanned.status.code(), Some(0), "{form}");
        assert_eq!(String::from_utf8(scanned.stderr).unwrap(), "", "{form}");
    }
    // Also before the first line, and for what generates.
    let mut generate = sealog(["generate", "--entries", "100000000"]);
    let mut child = generate.spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.len()), (Some(0), 0));
}

#[test]
fn an_output_that_takes_nothing_is_a_failure() {
    let scratch = Scratch::new();
    let store = scratch.store();
    scratch.append(plain(10));
    let new = scratch.path("new");
    let commands: [&[&str]; 9] = [
        &["scan", "--data", &store],
        &["scan", "--count", "--data", &store],
        &["verify", "--data", &store],
        &["stats", "--data", &store],
        &["inspect", &store],
        &["generate", "--entries", "10"],
        &["completions", "bash"],
        &["man"],
        &["init", "--data", &new],
    ];
    for args in commands {
        let mut command = sealog(args);
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        finish(command).exits(3).says(&["could not write the output", "No space left on device"]);
    }
}

#[test]
fn a_receipt_that_cannot_be_written_is_a_failure_and_the_entries_are_kept() {
    let scratch = Scratch::new();
    let mut command = sealog(["append", "--data", &scratch.store(), "-"]);
    command.stdin(Stdio::piped()).stdout(File::options().write(true).open("/dev/full").unwrap());
    let mut running = Running::of(command);
    running.send(plain(3));
    running.finish().exits(3).says(&[
        "3 entries were appended, only the newest receipts could not be written: No space left on device",
        "nothing behind them was appended",
    ]);
    assert_eq!(scratch.count(&[]), 3);
    scratch.verify();
}

#[test]
fn a_reader_of_receipts_that_stops_reading_is_told_what_was_appended() {
    let scratch = Scratch::new();
    let mut command = sealog(["append", "--batch", "1", "--data", &scratch.store(), "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(plain(3).as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    // Silence would leave the producer in the belief that everything is there.
    assert_eq!(ended.status.code(), Some(3), "{said}");
    // Batches that shared the sync are durable too, and are counted.
    let appended = match scratch.count(&[]) {
        1 => "1 entry was".to_owned(),
        count => format!("{count} entries were"),
    };
    let wanted =
        format!("sealog: {appended} appended, only the newest receipts could not be written: Broken pipe");
    assert!(said.starts_with(&wanted), "{said}");
}

/// A datagram is a write: what two processes say on one standard error must not mix within a line.
#[test]
fn each_line_of_standard_error_is_one_write() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let bad = scratch.file("bad.ndjson", format!("{PLAIN}\nnot json\n{PLAIN}\n{{}}\n"));
    let runs: [&[&str]; 5] = [
        &["append", "--skip-bad", "--data", &store, &bad],
        &["append", "--data", &store, &bad],
        &["scan", "--format", "table", "--data", &store],
        &["scan", "--server", "http://127.0.0.1:1"],
        &["nonsense"],
    ];
    for args in runs {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let mut command = sealog(args);
        command.stderr(Stdio::from(OwnedFd::from(theirs)));
        assert!(command.status().unwrap().code().is_some());
        drop(command);
        ours.set_nonblocking(true).unwrap();
        let mut buffer = vec![0; 1 << 16];
        let mut writes = 0;
        while let Ok(length @ 1..) = ours.recv(&mut buffer) {
            let said = std::str::from_utf8(&buffer[..length]).unwrap();
            assert!(said.ends_with('\n') && said.starts_with(['s', 'e']), "{args:?}: {said:?}");
            writes += 1;
        }
        assert!(writes > 0, "{args:?} said nothing");
    }
}

/// Runs `sealog` on a terminal of 100 columns; gives what the terminal got. None without the tool for it.
fn on_a_terminal(args: &[&str], environment: &[(&str, &str)]) -> Option<String> {
    let quoted = |part: &str| format!("'{part}'");
    let binary = sealog_tests::command::binary().to_str().unwrap();
    let line: Vec<String> = [binary].into_iter().chain(args.iter().copied()).map(quoted).collect();
    let mut script = Command::new("script");
    script
        .args([
            "--quiet",
            "--return",
            "--command",
            &format!("stty cols 100; {}", line.join(" ")),
            "/dev/null",
        ])
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    match script.output() {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(error) => {
            println!("skipped: no tool `script` to make a terminal: {error}");
            None
        }
    }
}

#[test]
fn a_terminal_gets_a_coloured_table_and_none_with_no_color() {
    let scratch = Scratch::new();
    scratch.append(with(json!({"severity": "error", "message": HOSTILE})));
    let args = ["scan", "--data", &scratch.store()];
    let Some(coloured) = on_a_terminal(&args, &[]) else { return };
    assert!(coloured.contains("TENANT") && coloured.contains("\u{1b}["), "{coloured:?}");
    // What the entry holds is escaped: only the table's own colours are left.
    assert!(!coloured.contains("\u{1b}[31mb") && coloured.contains("\\u{1b}[31mb"), "{coloured:?}");
    let plain = on_a_terminal(&args, &[("NO_COLOR", "1")]).unwrap();
    assert!(plain.contains("TENANT"), "{plain:?}");
    is_harmless(plain.replace('\r', "").as_bytes());
    assert!(plain.lines().all(|line| line.trim_end().chars().count() <= 100), "{plain}");
    let dumb = on_a_terminal(&args, &[("TERM", "dumb")]).unwrap();
    is_harmless(dumb.replace('\r', "").as_bytes());
}

#[test]
fn verify_on_a_terminal_honours_no_color() {
    let scratch = Scratch::new();
    scratch.append(PLAIN);
    let args = ["verify", "--data", &scratch.store()];
    let Some(coloured) = on_a_terminal(&args, &[]) else { return };
    assert!(coloured.contains("VALID") && coloured.contains("\u{1b}["), "{coloured:?}");
    let plain = on_a_terminal(&args, &[("NO_COLOR", "1")]).unwrap();
    assert!(plain.contains("VALID") && !plain.contains("\u{1b}[1m"), "{plain:?}");
}

#[test]
fn a_field_of_many_lines_stays_one_line_of_a_table() {
    let scratch = Scratch::new();
    scratch.append(with(json!({"message": "one\r\ntwo\tthree\u{2028}four"})));
    let table = run(["scan", "--format", "table", "--data", &scratch.store()]).exits(0);
    assert_eq!(table.out().lines().count(), 2, "{}", table.out());
    assert_eq!(texts(&scratch.scan(&[]), "message"), ["one\r\ntwo\tthree\u{2028}four"]);
}
