//! `sealog append`: what is refused and how it is said, batches, receipts, duplicates, one writer, pauses.

use super::{PLAIN, plain, texts, with};
use sealog_tests::command::{Ran, Running, Scratch, finish, run, run_with};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Appends two good batches of two lines, then `bad` as the second line of a third: it must be refused with these words,
/// and the batches before it kept.
#[track_caller]
fn refused(bad: impl AsRef<[u8]>, says: &[&str]) {
    let scratch = Scratch::new();
    let mut lines = plain(5).into_bytes();
    lines.extend(bad.as_ref());
    lines.extend(b"\n");
    lines.extend(plain(2).bytes());
    let ran = run_with(["append", "--batch", "2", "--data", &scratch.store()], lines)
        .exits(2)
        .says(&[
            "standard input, line 6",
            "nothing of its batch was written; 4 entries were written before it",
        ])
        .says(says);
    assert_eq!(ran.lines().len(), 2, "a receipt for each batch before it");
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
    assert_eq!(texts(&scratch.scan(&["--order", "asc"]), "message"), ["m0", "m1", "m2", "m3"]);
    scratch.verify();
}

#[test]
fn a_line_that_is_not_json_is_refused_with_its_place() {
    refused("not json", &["column 2"]);
    refused("{\"tenant\":\"acme\"", &["column 16"]);
    refused(format!("{PLAIN} {PLAIN}"), &["column 54"]);
    refused("[]", &["expected one JSON object"]);
    refused("null", &["expected one JSON object"]);
    refused("17", &["expected one JSON object"]);
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    refused(with(json!({"colour": "red"})).trim(), &["unknown field `colour`", "`attributes`"]);
    refused(
        with(json!({"actor": {"mail": "a@b"}})).trim(),
        &["field `actor`", "unknown field `mail`", "expected one of type, id, name"],
    );
    refused(with(json!({"seq": 7})).trim(), &["field `seq`", "set by the log", "import --format ndjson"]);
}

#[test]
fn a_wrong_type_is_refused_with_what_was_expected_and_found() {
    refused(
        with(json!({"success": "yes"})).trim(),
        &["field `success`", "expected true or false", "\"yes\""],
    );
    refused(with(json!({"message": 5})).trim(), &["field `message`", "expected a text", "5"]);
    refused(with(json!({"actor": "bob"})).trim(), &["field `actor`", "an object with type, id and name"]);
    refused(with(json!({"attributes": {"k": 1}})).trim(), &["field `attributes.k`", "expected a text", "1"]);
    refused(with(json!({"severity": "loud"})).trim(), &["field `severity`", "trace, debug", "\"loud\""]);
}

#[test]
fn what_is_too_long_is_refused_with_both_lengths() {
    refused(with(json!({"message": "x".repeat(65_537)})).trim(), &["field `message`", "65536", "65537"]);
    refused(with(json!({"activity": "x".repeat(257)})).trim(), &["field `activity`", "256", "257"]);
    let attributes: Value = (0..30).map(|key| (key.to_string(), Value::from("x".repeat(10_000)))).collect();
    refused(
        with(json!({ "attributes": attributes })).trim(),
        &["line 6: entry: expected at most 2", " bytes when encoded, found 300"],
    );
    let attributes: Value = (0..65).map(|key| (key.to_string(), Value::from("x"))).collect();
    refused(with(json!({ "attributes": attributes })).trim(), &["field `attributes`", "at most 64"]);
}

#[test]
fn a_line_longer_than_any_entry_is_refused_before_it_is_read() {
    let scratch = Scratch::new();
    let long = format!("{PLAIN}\n{{\"message\":\"{}\"}}\n", "x".repeat(3 << 20));
    run_with(["append", "--data", &scratch.store()], long)
        .exits(2)
        .says(&["line 2", "at most 2097152 bytes"]);
}

#[test]
fn what_breaks_off_behind_whole_lines_says_how_many_were_written() {
    let scratch = Scratch::new();
    let long = format!("{PLAIN}\n{PLAIN}\n{{\"message\":\"{}\"}}\n", "x".repeat(3 << 20));
    let ran = run_with(["append", "--data", &scratch.store()], &long).exits(2);
    ran.says(&["line 3", "at most 2097152 bytes, found a longer one; 2 entries were written before it"]);
    assert_eq!(scratch.count(&[]), 2);
}

#[test]
fn a_time_that_is_none_is_refused() {
    refused(
        with(json!({"generated_at": "yesterday"})).trim(),
        &["field `generated_at`", "RFC 3339", "\"yesterday\""],
    );
    refused(with(json!({"started": "2026-02-30T00:00:00Z"})).trim(), &["field `started`", "2026-02-30"]);
    refused(with(json!({"finished": "2026-02-03T00:00:00"})).trim(), &["field `finished`", "RFC 3339"]);
    refused(
        with(json!({"generated_at": "2300-01-01T00:00:00Z"})).trim(),
        &["field `generated_at`", "2262-04-11"],
    );
    refused(with(json!({"generated_at": 1_700_000_000})).trim(), &["field `generated_at`", "1700000000"]);
}

#[test]
fn bytes_that_no_json_text_may_hold_are_refused() {
    refused("{\"tenant\":\"acme\",\"service\":\"mail\",\"activity\":\"a\0b\"}", &["field `activity`"]);
    refused(
        b"{\"tenant\":\"acme\",\"service\":\"mail\",\"activity\":\"a\xff\"}",
        &["expected UTF-8", "column 48"],
    );
    refused(r#"{"tenant":"acme","service":"mail","activity":"a\ud800"}"#, &["field `activity`"]);
    refused(r#"{"tenant":"acme","service":"mail","activity":"\udc00b"}"#, &["field `activity`"]);
}

#[test]
fn a_field_given_twice_is_refused() {
    refused(
        r#"{"tenant":"acme","tenant":"other","service":"mail","activity":"a"}"#,
        &["field `tenant` is given twice"],
    );
    refused(
        r#"{"tenant":"acme","service":"mail","activity":"a","attributes":{"k":"1","k":"2"}}"#,
        &["field `attributes.k` is given twice"],
    );
}

#[test]
fn names_that_are_the_systems_own_or_no_names_are_refused() {
    refused(with(json!({"service": ".."})).trim(), &["field `service`", "A-Z a-z 0-9", "found \"..\""]);
    refused(with(json!({"service": "a/b"})).trim(), &["field `service`", "found \"a/b\""]);
    refused(
        with(json!({"service": "sealog.x"})).trim(),
        &["field `service`", "reserved", "found \"sealog.x\""],
    );
    refused(
        with(json!({"tenant": "sealog"})).trim(),
        &["field `tenant`", "the log's own", "found \"sealog\""],
    );
    refused(with(json!({"tenant": "t".repeat(129)})).trim(), &["field `tenant`", "128 bytes", "129 bytes"]);
}

#[test]
fn what_is_required_and_missing_is_refused() {
    refused(r#"{"service":"mail","activity":"sent"}"#, &["field `tenant`", "expected", "found none"]);
    refused(r#"{"tenant":"acme","activity":"sent"}"#, &["field `service`", "expected", "found none"]);
    refused(r#"{"tenant":"acme","service":"mail"}"#, &["field `activity`", "expected", "found none"]);
    refused(with(json!({"activity": ""})).trim(), &["field `activity`", "found none"]);
    refused(with(json!({"tenant": null})).trim(), &["field `tenant`", "found none"]);
}

#[test]
fn an_escaped_nul_is_stored_exactly() {
    let scratch = Scratch::new();
    scratch.append(with(json!({"message": "a\0b"})));
    assert_eq!(texts(&scratch.scan(&[]), "message"), ["a\0b"]);
}

#[test]
fn tenant_and_service_of_the_command_line_count_for_entries_that_name_none() {
    let scratch = Scratch::new();
    let lines = format!("{{\"activity\":\"a\"}}\n{PLAIN}\n");
    let args = ["append", "--tenant", "-t", "--service", "s", "--data", &scratch.store()];
    run_with(args, lines).exits(0);
    let entries = scratch.scan(&["--order", "asc", "--activity", "a"]);
    assert_eq!((texts(&entries, "tenant"), texts(&entries, "service")), (vec!["-t"], vec!["s"]));
    assert_eq!(scratch.count(&["--tenant", "acme", "--service", "mail"]), 1);
}

#[test]
fn a_name_for_entries_that_name_none_is_checked_at_the_door() {
    let scratch = Scratch::new();
    let refusals: [([&str; 2], &str); 7] = [
        (
            ["--tenant", "sealog"],
            "expected any tenant but \"sealog\", which is the log's own, found \"sealog\"",
        ),
        (["--tenant", &"t".repeat(129)], "expected a text of 1 to 128 bytes, found 129 bytes"),
        (["--tenant", ""], "expected a text of 1 to 128 bytes, found none"),
        (["--service", "../x"], "the first a letter or digit, found \"../x\""),
        (["--service", "sealog.x"], "which is reserved for the log itself, found \"sealog.x\""),
        (["--service", ""], "expected 1 to 128 of A-Z a-z 0-9 . _ -"),
        (["--instance", &"x".repeat(289)], "expected a text of 1 to 288 bytes, found 289 bytes"),
    ];
    for ([flag, name], says) in refusals {
        let store = scratch.store();
        run(["append", flag, name, "--data", &store]).exits(2).prints_nothing().says(&[flag, says]);
        if flag != "--instance" {
            let import = ["import", "--format", "ndjson", flag, name, "--data", &store, "-"];
            run(import).exits(2).says(&[flag, says]);
        }
    }
    assert!(!std::fs::exists(scratch.store()).unwrap(), "refused before anything is made");
}

#[test]
fn bad_lines_are_left_out_and_named_when_asked() {
    let scratch = Scratch::new();
    let lines = format!("{PLAIN}\nnot json\n{}{}\n{PLAIN}\n", with(json!({"success": 1})), "{}");
    let ran = run_with(["append", "--skip-bad", "--batch", "2", "--data", &scratch.store()], lines)
        .exits(0)
        .says(&[
            "standard input, line 2: ",
            "standard input, line 3: ",
            "field `success`",
            "standard input, line 4: ",
            "left out",
            "3 lines left out, 2 entries appended",
        ]);
    assert_eq!(ran.lines().len(), 2);
    assert_eq!(scratch.count(&[]), 2);
}

#[test]
fn a_reused_id_is_left_out_too_when_asked() {
    let scratch = Scratch::new();
    scratch.append(with(json!({"id": "1", "message": "first"})));
    let lines = [
        with(json!({"message": "before"})),
        with(json!({"id": "1", "message": "other"})),
        with(json!({"message": "after"})),
    ]
    .concat();
    for flags in [&["--skip-bad"][..], &["--skip-bad", "--atomic"]] {
        let store = scratch.store();
        let ran = run_with([&["append", "--data", &store], flags].concat(), &lines).exits(0);
        ran.says(&["line 2: ", "field `id`", "\"1\"", "1 line left out, 2 entries appended"]);
    }
    let messages = texts(&scratch.scan(&["--order", "asc"]), "message").join(" ");
    assert_eq!(messages, "first before after before after");
}

#[test]
fn an_atomic_append_stores_all_or_nothing() {
    let scratch = Scratch::new();
    let store = scratch.store();
    run_with(["append", "--atomic", "--data", &store], format!("{}{{}}\n", plain(2500)))
        .exits(2)
        .says(&["line 2501", "0 entries were written before it"])
        .prints_nothing();
    assert_eq!(scratch.count(&[]), 0);
    let receipts = run_with(["append", "--atomic", "--data", &store], plain(2500)).exits(0).lines();
    assert_eq!(receipts.len(), 1);
    assert_eq!((&receipts[0]["first_seq"], &receipts[0]["last_seq"]), (&json!(0), &json!(2499)));
    run(["append", "--atomic", "--batch", "5", "--data", &store]).exits(2).says(&["--atomic", "--batch"]);
}

#[test]
fn an_atomic_append_past_a_batchs_bytes_is_refused_whole() {
    let scratch = Scratch::new();
    let lines = with(json!({"message": "x".repeat(60_000)})).repeat(600);
    // What is too much is no bad line: it is not left out.
    for flags in [&["--atomic"][..], &["--atomic", "--skip-bad"]] {
        let store = scratch.store();
        run_with([&["append", "--data", &store], flags].concat(), &lines)
            .exits(2)
            .says(&[
                "standard input, line 559: expected at most 33554432 bytes of encoded entries in one batch",
            ])
            .says(&["with this line and 558 entries before it; append in smaller batches, without --atomic"])
            .says(&["nothing of its batch was written"])
            .prints_nothing();
    }
    assert_eq!(scratch.count(&[]), 0);
}

/// An input without an end, in a process that may not have much memory.
fn endless(line: &str, store: &str, flags: &str) -> Ran {
    let mut yes = Command::new("yes").arg(line).stdout(Stdio::piped()).spawn().unwrap();
    let mut shell = Command::new("sh");
    let limited = format!("ulimit -v 700000; exec \"$0\" append --data \"$1\" {flags}");
    shell.args(["-c", &limited]).arg(sealog_tests::command::binary()).arg(store);
    shell.stdin(yes.stdout.take().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = finish(shell);
    yes.kill().unwrap();
    yes.wait().unwrap();
    ran
}

#[test]
fn an_atomic_append_of_an_endless_input_ends_when_its_batch_is_full() {
    let scratch = Scratch::new();
    for flags in ["--atomic", "--atomic --skip-bad"] {
        endless(PLAIN, &scratch.store(), flags).exits(2).prints_nothing().says(&[
            "expected at most 33554432 bytes of encoded entries in one batch, found 335",
            "entries before it; append in smaller batches, without --atomic",
        ]);
    }
    // Lines that say little in many bytes are kept only so far, where one may have to be left out.
    let wide = PLAIN.replace(':', &format!(":{}", " ".repeat(30_000)));
    endless(&wide, &scratch.store(), "--atomic --skip-bad")
        .exits(2)
        .prints_nothing()
        .says(&["expected at most 134217728 bytes of lines in one batch, found ", "without --atomic"]);
    assert_eq!(scratch.count(&[]), 0);
}

#[test]
fn an_atomic_append_of_an_input_that_breaks_off_stores_nothing() {
    let scratch = Scratch::new();
    let packed = zstd::encode_all(plain(200_000).as_bytes(), 3).unwrap();
    let cut = scratch.file("cut.ndjson.zst", &packed[..packed.len() / 2]);
    let ran = run(["append", "--atomic", "--data", &scratch.store(), &cut]).exits(3).prints_nothing();
    ran.says(&["could not read", "cut.ndjson.zst, line", "nothing of its batch was written"]);
    assert_eq!(scratch.count(&[]), 0);
    run(["append", "--data", &scratch.store(), &cut]).exits(3).says(&["entries were written before it"]);
    assert!(scratch.count(&[]) > 0, "without --atomic the whole lines before it are kept");
}

#[test]
fn long_entries_are_cut_into_batches_that_fit() {
    let scratch = Scratch::new();
    scratch.append(with(json!({"message": "x".repeat(60_000)})).repeat(800));
    assert_eq!(scratch.count(&[]), 800);
}

#[test]
fn receipts_are_one_for_each_batch_and_service() {
    let scratch = Scratch::new();
    let lines: String = ["a", "b", "a", "b", "c"].map(|service| with(json!({ "service": service }))).concat();
    let receipts = run_with(["append", "--batch", "4", "--data", &scratch.store()], lines).exits(0).lines();
    let shown: Vec<_> =
        receipts.iter().map(|r| json!([r["service"], r["first_seq"], r["last_seq"]])).collect();
    assert_eq!(shown, [json!(["a", 0, 1]), json!(["b", 0, 1]), json!(["c", 0, 0])]);
    for receipt in &receipts {
        let keys: Vec<&String> = receipt.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 6, "{receipt}");
        assert_eq!(receipt["duplicate"], false);
        assert_eq!(receipt["head"].as_str().unwrap().len(), 64);
    }
    assert_eq!(receipts[0]["logged_at"], receipts[1]["logged_at"], "one commit, one time");
    let chains = scratch.verify()["chains"].clone();
    let heads: Vec<&Value> = chains
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["service"] != "sealog.control")
        .map(|c| &c["head"])
        .collect();
    assert_eq!(heads, receipts.iter().map(|r| &r["head"]).collect::<Vec<_>>());
}

#[test]
fn input_comes_from_a_file_also_packed() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let lines = plain(3);
    let packed = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(lines.as_bytes()).unwrap();
    let files = [
        scratch.file("plain.ndjson", &lines),
        scratch.file("lines.ndjson.zst", &packed),
        scratch.file("lines.ndjson.gz", gzip.finish().unwrap()),
        scratch.file("no-name-says-it", &packed),
    ];
    for file in &files {
        run(["append", "--data", &store, file]).exits(0).says_nothing();
    }
    assert_eq!(scratch.count(&[]), 12);
    let cut = scratch.file("cut.ndjson.zst", &packed[..packed.len() / 2]);
    run(["append", "--data", &store, &cut]).exits(3).says(&["cut.ndjson.zst"]);
    run(["append", "--data", &store, &scratch.path("missing")]).exits(3).says(&["missing", "No such file"]);
}

#[test]
fn a_missing_input_file_makes_no_store() {
    let scratch = Scratch::new();
    run(["append", "--data", &scratch.store(), &scratch.path("missing")]).exits(3);
    assert!(!std::path::Path::new(&scratch.store()).exists());
}

#[test]
fn blank_lines_and_carriage_returns_are_no_entries() {
    let scratch = Scratch::new();
    scratch.append(format!("\n{PLAIN}\r\n  \n\n{PLAIN}"));
    assert_eq!(scratch.count(&[]), 2);
}

#[test]
fn a_byte_order_mark_is_skipped_where_the_input_begins() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let marked = format!("\u{feff}{PLAIN}\n{PLAIN}\n");
    for flags in [&["append"][..], &["append", "--atomic"], &["import", "--format", "ndjson", "-"]] {
        run_with([flags, &["--data", &store]].concat(), &marked).exits(0);
    }
    let file = scratch.file("marked.ndjson", &marked);
    run(["import", "--format", "ndjson", "--data", &store, &file, &file]).exits(0);
    assert_eq!(scratch.count(&[]), 10);
    for flags in [&["append"][..], &["append", "--atomic"], &["import", "--format", "ndjson", "-"]] {
        let ran = run_with([flags, &["--data", &store]].concat(), format!("{PLAIN}\n{marked}")).exits(2);
        ran.says(&["line 2: column 1: ", "found \"\\u{feff}"]);
    }
    assert_eq!(scratch.count(&[]), 10);
}

#[test]
fn nothing_to_append_is_done_and_says_nothing() {
    let scratch = Scratch::new();
    run_with(["append", "--data", &scratch.store()], "").exits(0).says_nothing().prints_nothing();
    assert_eq!(scratch.count(&[]), 0);
}

#[test]
fn an_id_that_comes_again_gives_the_first_receipt_also_after_a_restart() {
    let scratch = Scratch::new();
    let line = with(json!({"id": "once", "message": "m"}));
    let mut first = scratch.append(&line).remove(0);
    scratch.append(plain(1));
    let again = scratch.append(&line).remove(0);
    first["duplicate"] = true.into();
    assert_eq!(again, first);
    assert_eq!(scratch.count(&[]), 2);
    // The same ID is another one for another tenant or service.
    scratch.append(with(json!({"id": "once", "tenant": "other"})));
    scratch.append(with(json!({"id": "once", "service": "other"})));
    assert_eq!(scratch.count(&[]), 4);
}

#[test]
fn an_id_with_other_content_is_refused_by_name_also_after_a_restart() {
    let scratch = Scratch::new();
    scratch.append(with(json!({"id": "once", "message": "m"})));
    let lines = format!("{PLAIN}\n{}", with(json!({"id": "once", "message": "other"})));
    run_with(["append", "--data", &scratch.store()], &lines).exits(2).prints_nothing().says(&[
        "line 2",
        "field `id`",
        "\"once\"",
        "came before with other content",
        "expected a new ID",
        "nothing of its batch was written; 0 entries were written before it",
    ]);
    run_with(["append", "--batch", "1", "--data", &scratch.store()], &lines).exits(2).says(&[
        "line 2",
        "field `id`",
        "1 entry was written before it",
    ]);
    assert_eq!(scratch.count(&[]), 2);
}

#[test]
fn an_id_twice_in_one_batch_is_stored_once() {
    let scratch = Scratch::new();
    let line = with(json!({"id": "once"}));
    let receipts = scratch.append(line.repeat(2));
    assert_eq!(scratch.count(&[]), 1, "{receipts:?}");
    assert_eq!(
        receipts.iter().map(|receipt| receipt["duplicate"] == true).collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn a_second_writer_is_refused_with_the_process_id_of_the_first() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let mut holder = Running::start(["append", "--batch", "1", "--data", &store, "-"]);
    holder.send(plain(1));
    assert!(holder.line().is_some(), "it holds the store now");
    let pid = holder.id().to_string();
    run_with(["append", "--data", &store], PLAIN).exits(3).prints_nothing().says(&["LOCK", "process", &pid]);
    let import = ["import", "--format", "ndjson", "--data", &store, "-"];
    run_with(import, PLAIN).exits(3).says(&["LOCK", &pid]);
    run(["init", "--data", &store]).exits(3);
    holder.finish().exits(0);
    scratch.append(plain(1));
    assert_eq!(scratch.count(&[]), 2);
}

#[test]
fn reading_commands_work_beside_a_writer() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let mut writer = Running::start(["append", "--batch", "1", "--data", &store, "-"]);
    for number in 1..=3 {
        writer.send(plain(1));
        assert!(writer.line().is_some());
        assert_eq!(scratch.count(&[]), number, "what has a receipt is found");
        let report = scratch.verify();
        assert_eq!(report["chains"].as_array().unwrap()[0]["entries"], number);
        assert_eq!(
            run(["stats", "--json", "--data", &store]).exits(0).json()["chains"][0]["entries"],
            number
        );
        run(["inspect", &store]).exits(0);
    }
    writer.finish().exits(0);
}

#[test]
fn a_batch_is_committed_when_its_producer_pauses() {
    let scratch = Scratch::new();
    let mut producer = Running::start(["append", "--data", &scratch.store(), "-"]);
    for number in 1..=2 {
        producer.send(plain(3));
        // No more comes, the pipe stays open: the receipt must come all the same.
        let receipt: Value = serde_json::from_slice(&producer.line().unwrap()).unwrap();
        assert_eq!(receipt["last_seq"], number * 3 - 1);
        assert_eq!(scratch.count(&[]), number * 3);
    }
    producer.finish().exits(0);
}

#[test]
fn an_error_does_not_wait_for_a_producer_that_pauses() {
    let scratch = Scratch::new();
    for flags in [&["append"][..], &["append", "--atomic"]] {
        let store = scratch.store();
        let mut producer = Running::start([flags, &["--data", &store]].concat());
        producer.send("not json\n");
        assert_eq!(producer.line(), None, "it ends although the pipe stays open");
        producer.finish().exits(2).says(&["line 1"]);
    }
}

#[test]
fn half_a_line_waits_for_its_other_half() {
    let scratch = Scratch::new();
    let mut producer = Running::start(["append", "--data", &scratch.store(), "-"]);
    let (one, other) = PLAIN.split_at(20);
    producer.send(format!("{PLAIN}\n{one}"));
    assert!(producer.line().is_some(), "the whole line does not wait for the half");
    producer.send(format!("{other}\n"));
    assert!(producer.line().is_some());
    producer.finish().exits(0);
    assert_eq!(scratch.count(&[]), 2);
}

#[test]
fn a_killed_append_keeps_what_has_a_receipt() {
    let scratch = Scratch::new();
    let mut producer = Running::start(["append", "--batch", "1", "--data", &scratch.store(), "-"]);
    producer.send(plain(2));
    let receipts = [producer.line().unwrap(), producer.line().unwrap()];
    producer.kill();
    assert_eq!(producer.finish().status.code(), None, "killed by a signal");
    assert_eq!(scratch.count(&[]), receipts.len() as u64);
    scratch.verify();
    scratch.append(plain(1));
    assert_eq!(scratch.count(&[]), 3);
}

#[test]
fn the_instance_is_noted_in_the_entries() {
    let scratch = Scratch::new();
    run_with(["append", "--instance", "logs-7", "--data", &scratch.store()], PLAIN).exits(0);
    assert_eq!(texts(&scratch.scan(&[]), "logged_by"), ["logs-7"]);
}
