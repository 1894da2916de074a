//! `sealog scan`: every filter, windows, order, limit, count, and what is refused.

use super::{PLAIN, plain, texts, with};
use sealog_tests::command::{Running, Scratch, run, run_with};
use serde_json::{Value, json};

/// Six entries of two services, told apart by `message`.
fn six() -> Scratch {
    let scratch = Scratch::new();
    let entries = [
        json!({"message": "one", "severity": "debug", "activity": "profile.changed", "organization": "north",
            "actor": {"type": "user", "id": "u-1", "name": "Ann"}, "object": {"id": "o-1", "name": "Big Box"},
            "request_id": "r-1", "configuration_id": "c-1", "success": true,
            "generated_at": "2026-03-01T00:00:00Z"}),
        json!({"message": "two", "severity": "info", "tenant": "bolt", "organization": "south",
            "actor": {"id": "u-2"}, "object": {"id": "o-2", "name": "small box"}, "success": false,
            "generated_at": "2026-03-02T01:00:00+01:00"}),
        json!({"message": "three", "severity": "warn", "service": "directory", "process": {"id": "p-1"},
            "generated_at": "2026-03-02T00:00:00.000000001Z"}),
        json!({"message": "four", "severity": "error", "service": "directory", "tenant": "-dash",
            "activity": "-x", "actor": {"id": "-u"}, "object": {"id": "-o"}, "request_id": "-r"}),
        json!({"message": "five", "severity": "fatal", "service": "Directory"}),
        json!({"message": "6, \"six\"", "activity": "SENT"}),
    ];
    let lines: String = entries.into_iter().map(with).collect();
    run_with(["append", "--batch", "1", "--data", &scratch.store()], lines).exits(0);
    scratch
}

/// Messages in the order of the log.
#[track_caller]
fn finds(scratch: &Scratch, flags: &[&str], messages: &[&str]) {
    let flags = [&["--order", "asc"], flags].concat();
    let found = scratch.scan(&flags);
    assert_eq!(texts(&found, "message"), messages, "{flags:?}");
    let count = scratch.count(&flags[2..]);
    assert_eq!(count, messages.len() as u64, "{flags:?} --count");
}

#[test]
fn texts_are_compared_exactly_and_by_case() {
    let scratch = six();
    finds(&scratch, &["--tenant", "bolt"], &["two"]);
    finds(&scratch, &["--tenant", "Bolt"], &[]);
    finds(&scratch, &["--tenant", "bol"], &[]);
    finds(&scratch, &["--organization", "north"], &["one"]);
    finds(&scratch, &["--service", "directory"], &["three", "four"]);
    finds(&scratch, &["--service", "Directory"], &["five"]);
    finds(&scratch, &["--activity", "sent"], &["two", "three", "five"]);
    finds(&scratch, &["--activity", "SENT"], &["6, \"six\""]);
    finds(&scratch, &["--actor-id", "u-1"], &["one"]);
    finds(&scratch, &["--object-id", "o-2"], &["two"]);
    finds(&scratch, &["--request-id", "r-1"], &["one"]);
    finds(&scratch, &["--configuration-id", "c-1"], &["one"]);
    finds(&scratch, &["--configuration-id", "c"], &[]);
    finds(&scratch, &["--process", "p-1"], &["three"]);
    finds(&scratch, &["--process", "p"], &[]);
}

#[test]
fn given_twice_means_either_and_different_ones_mean_both() {
    let scratch = six();
    finds(&scratch, &["--tenant", "bolt", "--tenant", "-dash"], &["two", "four"]);
    finds(&scratch, &["--service", "directory", "--tenant", "acme"], &["three"]);
    finds(&scratch, &["--service", "directory", "--tenant", "bolt"], &[]);
    finds(&scratch, &["--search", "one", "--search", "two"], &["one", "two"]);
    finds(&scratch, &["--search", "one", "--item", "box", "--tenant", "bolt"], &[]);
    finds(&scratch, &["--success", "true", "--success", "false"], &["one", "two"]);
}

#[test]
fn severities_by_name_alias_list_and_minimum() {
    let scratch = six();
    finds(&scratch, &["--severity", "warning"], &["three"]);
    finds(&scratch, &["--severity", "WARN,err"], &["three", "four"]);
    finds(&scratch, &["--severity", "debug", "--severity", "fatal"], &["one", "five"]);
    finds(&scratch, &["--min-severity", "error"], &["four", "five"]);
    finds(&scratch, &["--severity", "debug,error", "--min-severity", "warning"], &["four"]);
    finds(&scratch, &["--severity", "debug", "--min-severity", "warning"], &[]);
    finds(&scratch, &["--severity", "information"], &["two", "6, \"six\""]);
}

#[test]
fn whether_it_succeeded_is_three_valued() {
    let scratch = six();
    finds(&scratch, &["--success", "true"], &["one"]);
    finds(&scratch, &["--success", "false"], &["two"]);
}

#[test]
fn search_looks_into_message_and_activity_and_item_into_the_object_in_any_case() {
    let scratch = six();
    finds(&scratch, &["--search", "PROFILE"], &["one"]);
    finds(&scratch, &["--search", "SeNt"], &["two", "three", "five", "6, \"six\""]);
    finds(&scratch, &["--search", "6, \""], &["6, \"six\""]);
    finds(&scratch, &["--search", "t.o"], &[]);
    finds(&scratch, &["--item", "BOX"], &["one", "two"]);
    finds(&scratch, &["--item", "O-1"], &["one"]);
    finds(&scratch, &["--item", "one"], &[]);
}

#[test]
fn the_audit_log_has_no_processes_and_the_process_log_nothing_else() {
    let scratch = six();
    finds(&scratch, &["--log", "process"], &["three"]);
    finds(&scratch, &["--log", "audit"], &["one", "two", "four", "five", "6, \"six\""]);
    finds(&scratch, &["--log", "all", "--min-severity", "error"], &["four", "five"]);
}

#[test]
fn values_may_begin_with_a_hyphen() {
    let scratch = six();
    for flag in ["--tenant", "--activity", "--actor-id", "--object-id", "--request-id"] {
        let value = &scratch.scan(&["--service", "directory", "--order", "asc"])[1];
        let value = match flag {
            "--tenant" => &value["tenant"],
            "--activity" => &value["activity"],
            "--actor-id" => &value["actor"]["id"],
            "--object-id" => &value["object"]["id"],
            _ => &value["request_id"],
        };
        finds(&scratch, &[flag, value.as_str().unwrap()], &["four"]);
    }
    finds(&scratch, &["--search", "-x"], &["four"]);
    finds(&scratch, &["--item", "-O"], &["four"]);
    finds(&scratch, &["--organization", "--count"], &[]);
}

#[test]
fn an_empty_value_is_an_error_and_never_everything() {
    let scratch = six();
    let flags = [
        "--tenant",
        "--organization",
        "--service",
        "--severity",
        "--min-severity",
        "--activity",
        "--actor-id",
        "--object-id",
        "--item",
        "--request-id",
        "--configuration-id",
        "--process",
        "--success",
        "--search",
        "--last",
        "--from",
        "--to",
        "--log",
        "--by",
        "--order",
        "--limit",
        "--format",
    ];
    for flag in flags {
        run(["scan", "--data", &scratch.store(), flag, ""]).exits(2).prints_nothing().says(&[flag]);
        run(["scan", "--data", &scratch.store(), &format!("{flag}=")]).exits(2).prints_nothing();
    }
    run(["scan", "--data", ""]).exits(2);
    run(["scan", "--data", &scratch.store(), "--severity", "warning,"]).exits(2);
}

#[test]
fn a_window_holds_its_beginning_and_not_its_end() {
    let scratch = six();
    let entries = scratch.scan(&["--order", "asc"]);
    let times = texts(&entries, "logged_at");
    finds(&scratch, &["--from", times[1], "--to", times[3]], &["two", "three"]);
    finds(&scratch, &["--from", times[4]], &["five", "6, \"six\""]);
    finds(&scratch, &["--to", times[1]], &["one"]);
    finds(&scratch, &["--from", times[2], "--to", times[2]], &[]);
    finds(&scratch, &["--from", times[1], "--to", times[3], "--tenant", "acme"], &["three"]);
}

#[test]
fn a_window_of_the_producers_clock_leaves_out_what_does_not_say() {
    let scratch = six();
    let by = |flags: &[&'static str]| [&["--by", "generated_at"], flags].concat();
    finds(&scratch, &by(&["--from", "2026-03-01", "--to", "2026-03-02"]), &["one"]);
    // 01:00+01:00 is midnight in UTC.
    finds(&scratch, &by(&["--from", "2026-03-02"]), &["two", "three"]);
    finds(&scratch, &by(&["--from", "2026-03-02T00:00:00.000000001Z"]), &["three"]);
    finds(&scratch, &by(&["--to", "2026-03-02T01:00:00.000000001+01:00"]), &["one", "two"]);
    finds(&scratch, &by(&["--to", "2200-01-01"]), &["one", "two", "three"]);
    finds(&scratch, &by(&[]), &["one", "two", "three", "four", "five", "6, \"six\""]);
}

#[test]
fn a_bare_date_is_its_midnight_in_utc() {
    let scratch = six();
    let today = scratch.scan(&["--limit", "1"])[0]["logged_at"].as_str().unwrap()[..10].to_owned();
    assert_eq!(scratch.count(&["--to", &today]), scratch.count(&["--to", &format!("{today}T00:00:00Z")]));
    assert!(scratch.count(&["--from", &today]) > 0);
    assert_eq!(scratch.count(&["--to", "2020-01-01"]), 0);
}

#[test]
fn the_last_stretch_counts_back_from_now() {
    let scratch = six();
    for stretch in ["30s", "15m", "2h", "3d", "1w"] {
        assert_eq!(scratch.count(&["--last", stretch]), 6, "{stretch}");
    }
    for bad in ["5", "m", "1y", "-5m", "1.5h", "15 m"] {
        run(["scan", "--data", &scratch.store(), "--last", bad]).exits(2).says(&["--last", "15m or 7d", bad]);
    }
    for bad in ["0m", "99999999999w"] {
        run(["scan", "--data", &scratch.store(), "--last", bad]).exits(2).says(&["1s to 290 years", bad]);
    }
}

#[test]
fn a_window_that_cannot_be_is_refused() {
    let scratch = six();
    let store = scratch.store();
    run(["scan", "--data", &store, "--from", "2026-02-02", "--to", "2026-01-01"]).exits(2).says(&[
        "--from: expected a time that is not after",
        "2026-01-01T00:00:00",
        "found 2026-02-02T00:00:00",
    ]);
    run(["scan", "--data", &store, "--last", "1d", "--from", "2026-02-02"])
        .exits(2)
        .says(&["--last", "--from"]);
    for bad in ["2026-13-01", "2026-02-30", "21.11.2026", "now", "2026-11-21T10:00:00", "2300-01-01"] {
        for flag in ["--from", "--to"] {
            run(["scan", "--data", &store, flag, bad]).exits(2).says(&[flag, "2026-11-21T14:05:06Z", bad]);
        }
    }
}

#[test]
fn the_newest_comes_first_unless_asked_otherwise() {
    let scratch = six();
    let newest_first = ["6, \"six\"", "five", "four", "three", "two", "one"];
    assert_eq!(texts(&scratch.scan(&[]), "message"), newest_first);
    assert_eq!(texts(&scratch.scan(&["--order", "desc"]), "message"), newest_first);
    assert_eq!(texts(&scratch.scan(&["--limit", "2"]), "message"), newest_first[..2]);
    assert_eq!(texts(&scratch.scan(&["--limit", "2", "--order", "asc"]), "message"), ["one", "two"]);
    assert_eq!(scratch.scan(&["--limit", "0"]).len(), 0);
    assert_eq!(scratch.count(&["--limit", "4"]), 4);
    run(["scan", "--data", &scratch.store(), "--limit", "many"]).exits(2).says(&["--limit", "many"]);
    run(["scan", "--data", &scratch.store(), "--order", "up"]).exits(2).says(&["--order", "asc", "desc"]);
}

#[test]
fn entries_of_one_commit_are_ordered_by_service_and_position() {
    let scratch = Scratch::new();
    let lines: String = ["b", "a", "b", "A", "a"].map(|service| with(json!({ "service": service }))).concat();
    scratch.append(lines);
    let place = |entry: &Value| format!("{}{}", entry["service"].as_str().unwrap(), entry["seq"]);
    let ascending: Vec<_> = scratch.scan(&["--order", "asc"]).iter().map(place).collect();
    assert_eq!(ascending, ["A0", "a0", "a1", "b0", "b1"]);
    let descending: Vec<_> = scratch.scan(&[]).iter().map(place).collect();
    assert_eq!(descending, ["b1", "b0", "a1", "a0", "A0"]);
}

#[test]
fn reserved_services_are_found_only_when_named() {
    let scratch = six();
    assert_eq!(scratch.count(&[]), 6);
    assert_eq!(scratch.count(&["--tenant", "sealog"]), 0);
    let control = scratch.scan(&["--service", "sealog.control"]);
    assert!(!control.is_empty() && control.iter().all(|entry| entry["tenant"] == "sealog"), "{control:?}");
    let both = scratch.count(&["--service", "sealog.control", "--service", "mail"]);
    assert_eq!(both, control.len() as u64 + scratch.count(&["--service", "mail"]));
}

#[test]
fn what_is_not_in_this_version_is_refused_in_words() {
    let scratch = six();
    let store = scratch.store();
    let refusals: [(&[&str], &str); 2] = [
        (&["verify", "--data", &store, "--checkpoint", "file"], "--checkpoint"),
        (&["verify", "--data", &store, "--key", "file"], "--key"),
    ];
    for (args, what) in refusals {
        run(args).exits(2).prints_nothing().says(&[what, "is not in this version: "]);
    }
}

#[test]
fn a_path_that_is_no_store_is_told_with_what_to_do() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("empty")).unwrap();
    for path in [scratch.path("missing"), scratch.path("empty")] {
        run(["scan", "--data", &path]).exits(3).prints_nothing().says(&[
            &path,
            "is not a store",
            "sealog init",
        ]);
        run(["stats", "--data", &path]).exits(3).says(&["is not a store"]);
        run(["verify", "--data", &path]).exits(3).says(&["is not a store"]);
    }
    assert_eq!(std::fs::read_dir(scratch.path("empty")).unwrap().count(), 0, "reading makes nothing");
    run(["scan"]).exits(2).says(&["--data"]);
}

#[test]
fn a_scan_of_a_large_store_stops_at_its_limit_and_counts_the_same() {
    let scratch = Scratch::new();
    scratch.append(plain(5000));
    assert_eq!(scratch.scan(&[]).len(), 5000);
    assert_eq!(scratch.count(&[]), 5000);
    assert_eq!(texts(&scratch.scan(&["--limit", "3"]), "message"), ["m4999", "m4998", "m4997"]);
}

#[test]
fn a_read_that_meets_damage_gives_the_rest_and_says_what_it_lost() {
    let scratch = Scratch::new();
    run_with(["append", "--batch", "10", "--data", &scratch.store()], plain(100)).exits(0);
    let journal = scratch.path("store/journal/00000001.journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    scratch.file("store/journal/00000001.journal", &bytes);
    let says = ["journal/00000001.journal", "byte", "lost", "sealog verify"];
    let ran = run(["scan", "--data", &scratch.store()]).exits(1).says(&says);
    assert_eq!(ran.lines().len(), 90, "one frame is lost");
    assert_eq!(run(["scan", "--count", "--data", &scratch.store()]).exits(1).says(&says).out(), "90\n");
    run(["stats", "--data", &scratch.store()]).exits(1).says(&says);
    run(["inspect", &scratch.store()]).exits(1).says(&["journal/00000001.journal", "byte", "sealog verify"]);
    // Nothing is written behind damage.
    run_with(["append", "--data", &scratch.store()], PLAIN).exits(3).prints_nothing().says(&[
        "journal/00000001.journal",
        "read-only",
        "sealog verify",
        "backup",
    ]);
}

#[test]
fn a_scan_beside_a_writer_gives_whole_entries() {
    let scratch = Scratch::new();
    let mut writer = Running::start(["append", "--batch", "7", "--data", &scratch.store(), "-"]);
    writer.send(plain(2000));
    assert!(writer.line().is_some());
    let mut before = 0;
    while before < 2000 {
        let ran = run(["scan", "--order", "asc", "--data", &scratch.store()]).exits(0);
        let found = ran.lines();
        assert!(
            found.len() >= before && found.len().is_multiple_of(7) || found.len() == 2000,
            "{}",
            found.len()
        );
        assert!(found.iter().enumerate().all(|(index, entry)| entry["message"] == format!("m{index}")));
        before = found.len();
    }
    writer.finish().exits(0);
}

#[test]
fn explain_tells_what_each_step_kept() {
    let scratch = six();
    let ran = run(["scan", "--data", &scratch.store(), "--service", "directory", "--explain"]).exits(0);
    let kept = |step: &str| {
        let line = ran.out().lines().find(|line| line.starts_with(step)).expect(step).to_owned();
        line.split_whitespace().last().expect("a number").to_owned()
    };
    assert_eq!((kept("chains"), kept("entries given")), ("1".to_owned(), "2".to_owned()));
    run(["scan", "--data", &scratch.store(), "--explain", "--count"]).exits(2);
}

#[test]
fn a_customer_sees_entries_without_a_process_and_how_processes_ended() {
    let scratch = Scratch::new();
    let process = |id: &str, event: &str| json!({"message": format!("{id} {event}"), "process": {"id": id, "event": event}});
    let entries = [
        json!({"message": "alone"}),
        process("p-1", "started"),
        process("p-1", "message"),
        json!({"message": "part", "process": {"id": "p-2", "parent": "p-1", "event": "finished"}}),
        process("p-1", "finished"),
        process("p-3", "failed"),
        process("p-4", "cancelled"),
        process("p-5", "cancel_requested"),
    ];
    run_with(["append", "--data", &scratch.store()], entries.into_iter().map(with).collect::<String>())
        .exits(0);
    finds(&scratch, &["--log", "customer"], &["alone", "p-1 finished", "p-3 failed", "p-4 cancelled"]);
}
