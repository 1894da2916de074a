//! Reading commands over a store with sealed segments.

use sealog::generate::{Plan, write_all};
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::segment::path;
use sealog_tests::command::{Scratch, run};
use sealog_tests::sealed;
use std::fs::{self, File};
use std::io::Write;

/// A store of generated entries, most of which are sealed; the service with the most, and how many it has.
fn sealed_store(scratch: &Scratch) -> (String, u64) {
    let mut lines = Vec::new();
    write_all(&Plan { entries: 2_000, ..Plan::default() }, &mut lines).unwrap();
    scratch.append(lines);
    let mut largest = (String::new(), 0);
    sealed::seal(&DirectoryDisk::new(scratch.store()), |service, size| {
        if size > largest.1 {
            largest = (service.to_owned(), size);
        }
        vec![size.div_ceil(2)]
    });
    largest
}

#[test]
fn a_segment_is_shown_section_by_section() {
    let scratch = Scratch::new();
    let (service, size) = sealed_store(&scratch);
    let file = format!("{}/{}", scratch.store(), path(&service, 0));
    let shown = run(["inspect", &file]).exits(0).says_nothing();
    let last = size.div_ceil(2) - 1;
    for part in
        [&format!("{service} #0–#{last}"), "SECTION", "message", "tree marks", "severity index", "footer"]
    {
        assert!(shown.out().contains(part), "{part:?} in\n{}", shown.out());
    }
    let told = run(["inspect", "--json", &file]).exits(0).json();
    let sections = told["sections"].as_array().unwrap();
    let bytes: u64 = sections.iter().map(|section| section["bytes"].as_u64().unwrap()).sum();
    assert_eq!((bytes, told["bytes"].as_u64().unwrap()), (fs::metadata(&file).unwrap().len(), bytes));
    assert_eq!(told["entries"].as_u64(), Some(last + 1));

    // Each byte that is not what was written is told, and the rest is shown.
    let mut damaged = fs::read(&file).unwrap();
    damaged[100] ^= 1;
    File::create(&file).unwrap().write_all(&damaged).unwrap();
    let shown = run(["inspect", &file]).exits(1).says(&[&file, "expected a section that its CRC covers"]);
    assert!(shown.out().contains("does not read"), "{}", shown.out());
    File::create(&file).unwrap().write_all(b"not a segment").unwrap();
    run(["inspect", &file]).exits(1).prints_nothing().says(&[&file, "expected a segment, found 13 bytes"]);
}

#[test]
fn verify_recomputes_segments_and_says_how_much() {
    let scratch = Scratch::new();
    let (service, _) = sealed_store(&scratch);
    let file = format!("{}/chains/{service}/{:020}.segment", scratch.store(), 0);
    let report = run(["verify", "--json", "--data", &scratch.store()]).exits(0).json();
    assert_eq!((&report["valid"], report.get("extent")), (&true.into(), None));
    let quick = run(["verify", "--quick", "--json", "--data", &scratch.store()]).exits(0).json();
    assert_eq!((&quick["extent"], &quick["recomputed"]), (&"quick".into(), &0.into()));
    assert_eq!(quick["entries"], report["entries"]);
    let shown = run(["verify", "--quick", "--data", &scratch.store()]).exits(0);
    assert!(shown.out().contains("Nothing was recomputed"), "{}", shown.out());
    let shown = run(["verify", "--last", "1d", "--data", &scratch.store()]).exits(0);
    assert!(shown.out().contains("of the window"), "{}", shown.out());
    let mut damaged = fs::read(&file).unwrap();
    damaged[100] ^= 1;
    File::create(&file).unwrap().write_all(&damaged).unwrap();
    for quick in [&["verify"][..], &["verify", "--quick"]] {
        let report = run(quick.iter().copied().chain(["--json", "--data", &scratch.store()])).exits(1).json();
        let problems: Vec<&str> = report["chains"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|chain| chain["problems"].as_array().unwrap())
            .filter_map(|problem| problem["file"].as_str())
            .collect();
        assert!(problems.iter().any(|own| file.ends_with(own)), "{problems:?} in {file}");
    }
}

#[test]
fn numbers_and_entries_are_those_of_the_journal_alone() {
    let scratch = Scratch::new();
    let mut lines = Vec::new();
    write_all(&Plan { entries: 2_000, ..Plan::default() }, &mut lines).unwrap();
    scratch.append(lines);
    let read = || {
        let mut stats = run(["stats", "--json", "--data", &scratch.store()]).exits(0).json();
        stats.as_object_mut().unwrap().remove("disk_bytes");
        let scanned = ["scan", "--data", &scratch.store(), "--min-severity", "warning"].map(str::to_owned);
        (stats, run(scanned).exits(0).lines())
    };
    let before = read();
    assert!(before.1.len() > 50, "only {}", before.1.len());
    sealed::seal(&DirectoryDisk::new(scratch.store()), |_, size| {
        let mut cuts: Vec<u64> = (1..=4).map(|part| size * part / 5).filter(|cut| *cut > 0).collect();
        cuts.dedup();
        cuts
    });
    let (before, answer) = (scratch.verify(), scratch.scan(&["--order", "asc"]));
    let planned = run(["compact", "--dry-run", "--json", "--data", &scratch.store()]).exits(0).json();
    assert!(planned["segments_before"].as_u64().unwrap() > planned["segments_after"].as_u64().unwrap());
    assert_eq!(scratch.verify()["bytes"], before["bytes"], "a dry run changes nothing");
    let done = run(["compact", "--data", &scratch.store()]).exits(0);
    assert!(
        done.out().starts_with(&format!("made {} segments of ", planned["segments_after"])),
        "{}",
        done.out()
    );
    assert_eq!(scratch.scan(&["--order", "asc"]), answer);
    let after = scratch.verify();
    assert_eq!(after["valid"], true, "{after}");
    for (old, new) in before["chains"].as_array().unwrap().iter().zip(after["chains"].as_array().unwrap()) {
        if old["service"] != "sealog.control" {
            assert_eq!(
                (&old["head"], &old["root"], &old["size"]),
                (&new["head"], &new["root"], &new["size"])
            );
        }
    }
    let again = run(["compact", "--data", &scratch.store()]).exits(0);
    assert!(again.out().starts_with("nothing to merge"), "{}", again.out());
    let empty = scratch.path("empty");
    run(["compact", "--data", &empty]).exits(3).prints_nothing().says(&["is not a store"]);
}
