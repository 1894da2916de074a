//! A forger with write access, who gets every CRC right: each kind of change, and the finding that verify must name.
//!
//! Two strengths: one who leaves leaves and links as they are stored, and one who recomputes them all (`relink`), so
//! that only `heads` still tells. One who also forges `heads` is caught by a signed checkpoint alone, which a store
//! does not have yet.

use sealog_engine::verify::{ProblemKind, Report};
use sealog_tests::flip::{problems, report};
use sealog_tests::forge::{Forge, rewritten};
use sealog_tests::sample;

/// Changes the sample, and verifies it.
fn after(change: impl FnOnce(&mut Forge)) -> Report {
    let disk = sample::stopped(1);
    let mut forge = Forge::open(&disk);
    change(&mut forge);
    forge.write();
    report(&disk)
}

/// Every finding about a chain, as (kind, first, last).
fn found(report: &Report, service: &str) -> Vec<(ProblemKind, u64, u64)> {
    let own = report.all_problems().filter(|problem| problem.service.as_deref() == Some(service));
    own.map(|problem| (problem.kind, problem.first_seq.unwrap_or(0), problem.last_seq.unwrap_or(0))).collect()
}

/// These findings about portal, and none about anything else.
fn assert_found(report: &Report, expected: &[(ProblemKind, u64, u64)]) {
    assert!(!report.valid);
    assert_eq!(found(report, "portal"), expected, "{:#?}", problems(report));
    assert_eq!(report.all_problems().count(), expected.len(), "{:#?}", problems(report));
}

/// At least this finding.
fn assert_names(report: &Report, service: &str, kind: ProblemKind, seq: u64) {
    let is_named = found(report, service)
        .iter()
        .any(|(found, first, last)| *found == kind && (*first..=*last).contains(&seq));
    assert!(is_named, "expected {} of {service} {seq}, found {:#?}", kind.name(), problems(report));
}

#[test]
fn an_untouched_store_is_valid() {
    let report = after(|_| {});
    assert!(report.valid, "{:#?}", problems(&report));
}

#[test]
fn an_altered_entry_is_named_alone() {
    for seq in 0..7 {
        let report =
            after(|forge| forge.rewrite("portal", seq, |record| record.entry.message = "keep 0".into()));
        assert_found(&report, &[(ProblemKind::Altered, seq, seq)]);
    }
}

#[test]
fn an_entry_altered_with_its_leaf_is_named_with_the_entry_that_links_to_it() {
    // Entry 1 and its leaf; entry 2 still links to what it was.
    let report = after(|forge| {
        forge.rewrite("portal", 1, |record| record.entry.message = "keep 0".into());
        let mut relinked = forge.clone();
        relinked.relink();
        forge.row("portal", 1).leaf = relinked.row("portal", 1).leaf;
    });
    assert_names(&report, "portal", ProblemKind::Altered, 2);
    // The last entry of a part: the next part's link breaks.
    let report = after(|forge| {
        forge.rewrite("portal", 2, |record| record.entry.message = "keep 0".into());
        let mut relinked = forge.clone();
        relinked.relink();
        forge.row("portal", 2).leaf = relinked.row("portal", 2).leaf;
    });
    assert_eq!(found(&report, "portal"), [(ProblemKind::Altered, 3, 3)], "{:#?}", problems(&report));
    assert_names(&report, "sealog.control", ProblemKind::Altered, 0);
}

#[test]
fn an_entry_altered_with_all_leaves_and_links_is_told_by_heads() {
    for seq in 0..7 {
        let report = after(|forge| {
            forge.rewrite("portal", seq, |record| record.entry.message = "keep 0".into());
            forge.relink();
        });
        assert_names(&report, "portal", ProblemKind::Altered, seq);
        assert_eq!(found(&report, "mail-api"), []);
    }
}

#[test]
fn reordered_entries_are_named() {
    let swap = |forge: &mut Forge| forge.part("portal", 0).rows.swap(0, 1);
    let report = after(swap);
    for seq in [0, 1] {
        assert_names(&report, "portal", ProblemKind::Altered, seq);
        assert_names(&report, "portal", ProblemKind::TenantGap, seq);
    }
    let report = after(|forge| {
        swap(forge);
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::TenantGap, 0);
    assert_names(&report, "portal", ProblemKind::Altered, 0);
}

#[test]
fn entries_of_two_tenants_that_change_places_are_told_by_heads() {
    // No tenant's own entries are reordered, so no line has a gap.
    let report = after(|forge| {
        forge.part("portal", 0).rows.swap(1, 2);
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Altered, 1);
}

#[test]
fn reordered_frames_are_named() {
    let report = after(|forge| forge.files[0].frames.swap(0, 1));
    assert!(!report.valid && !report.problems.is_empty(), "{:#?}", problems(&report));
    let report = after(|forge| {
        forge.files[0].frames.swap(1, 2);
        forge.renumber();
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Time, 4);
}

#[test]
fn a_dropped_entry_is_named() {
    let report = after(|forge| forge.drop_entry("portal", 3));
    assert_names(&report, "portal", ProblemKind::Altered, 3);
    let report = after(|forge| {
        forge.drop_entry("portal", 3);
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::TenantGap, 4);
    assert_names(&report, "portal", ProblemKind::Rollback, 5);
}

#[test]
fn a_dropped_entry_with_its_line_renumbered_is_told_by_heads() {
    let report = after(|forge| {
        forge.drop_entry("portal", 3);
        forge.relink();
        // acme's later entries close up too.
        for seq in [4, 5] {
            let row = forge.row("portal", seq);
            row.record = rewritten(&row.record, |record| record.tenant_seq -= 1);
        }
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Rollback, 5);
}

#[test]
fn the_newest_entry_dropped_is_told_by_heads() {
    let report = after(|forge| {
        forge.drop_entry("portal", 6);
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Rollback, 6);
}

#[test]
fn a_whole_chain_dropped_is_told_by_heads() {
    let report = after(|forge| {
        forge.frames().for_each(|frame| frame.parts.retain(|part| part.service != "mail-api"));
        forge.relink();
    });
    assert_names(&report, "mail-api", ProblemKind::ChainMissing, 0);
}

#[test]
fn dropped_frames_are_named() {
    let report = after(|forge| drop(forge.files[0].frames.remove(1)));
    assert!(!report.valid && report.problems[0].detail.contains("frame 2"), "{:#?}", problems(&report));
    // Frames numbered anew: the entries' positions tell.
    let report = after(|forge| {
        forge.files[0].frames.remove(1);
        forge.renumber();
    });
    assert_names(&report, "portal", ProblemKind::Missing, 3);
}

#[test]
fn a_doubled_entry_is_named() {
    let report = after(|forge| {
        let part = forge.part("portal", 3);
        let again = part.rows[0].clone();
        part.rows.insert(1, again);
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::TenantGap, 4);
    assert_names(&report, "portal", ProblemKind::Extra, 6);
}

#[test]
fn a_doubled_frame_is_named() {
    let report = after(|forge| {
        let mut again = forge.frame("portal", 3).clone();
        again.header.logged_at = forge.files[0].frames[4].header.logged_at + 1;
        forge.files[0].frames.insert(5, again);
        forge.renumber();
    });
    assert_names(&report, "portal", ProblemKind::Duplicate, 3);
}

#[test]
fn another_tenants_record_under_a_line_is_foreign() {
    for is_relinked in [false, true] {
        let report = after(|forge| {
            forge.rewrite("portal", 1, |record| record.entry.tenant = "globex".into());
            if is_relinked {
                forge.relink();
            }
        });
        assert_names(&report, "portal", ProblemKind::Foreign, 1);
    }
}

#[test]
fn an_entry_filed_under_another_tenants_line_is_foreign() {
    let report = after(|forge| {
        forge.row("portal", 1).line = 1;
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Foreign, 1);
}

#[test]
fn a_record_of_another_service_is_foreign() {
    let report = after(|forge| {
        let transplanted = forge.row("mail-api", 0).record.clone();
        forge.row("portal", 0).record = transplanted;
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Foreign, 0);
}

#[test]
fn a_commit_time_set_back_is_named() {
    let earlier = |forge: &mut Forge| {
        let before = forge.frame("portal", 0).header.logged_at;
        forge.frame("portal", 3).header.logged_at = before - 1;
    };
    let report = after(earlier);
    assert_names(&report, "portal", ProblemKind::Time, 3);
    assert_names(&report, "portal", ProblemKind::Altered, 4);
    let report = after(|forge| {
        earlier(forge);
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Time, 3);
}

#[test]
fn a_commit_time_moved_between_its_neighbours_is_told_by_heads() {
    let report = after(|forge| {
        forge.frame("portal", 3).header.logged_at += 1;
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Altered, 3);
    let report = after(|forge| forge.frame("portal", 3).header.logged_at += 1);
    assert_found(&report, &[(ProblemKind::Altered, 3, 3), (ProblemKind::Altered, 4, 4)]);
}

#[test]
fn another_salt_key_is_told_by_every_entry_it_salts() {
    let report = after(|forge| forge.part("portal", 0).keys[1].key[0] ^= 1);
    assert_found(&report, &[(ProblemKind::Altered, 2, 2), (ProblemKind::Altered, 4, 4)]);
}

#[test]
fn another_nonce_of_a_line_is_told_by_heads() {
    let report = after(|forge| forge.part("portal", 0).lines[0].1[0] ^= 1);
    assert_names(&report, "sealog.control", ProblemKind::Altered, 0);
}

#[test]
fn a_lines_tenant_renamed_with_its_records_is_told_by_heads() {
    let report = after(|forge| {
        forge.part("portal", 0).lines[1].2 = "globey".to_owned();
        for seq in [2, 4] {
            forge.rewrite("portal", seq, |record| record.entry.tenant = "globey".into());
        }
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Altered, 4);
}

#[test]
fn an_entry_added_behind_heads_is_told_by_the_heads_that_follow() {
    let report = after(|forge| {
        let mut added = forge.row("portal", 5).clone();
        added.record = rewritten(&added.record, |record| record.tenant_seq += 1);
        forge.part("portal", 5).rows.push(added);
        forge.relink();
    });
    assert_names(&report, "portal", ProblemKind::Extra, 6);
}

#[test]
fn heads_that_are_gone_leave_a_gap_in_the_control_chain() {
    let report = after(|forge| {
        forge.files[0].frames.remove(3);
        forge.renumber();
    });
    assert_names(&report, "sealog.control", ProblemKind::Missing, 0);
}
