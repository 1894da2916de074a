//! A fixed story with another operation failing, or being the last, each time; verify and the model judge.
//!
//! Every failing step is tried with no effect, part of its effect and all of it. What each means: `simulation/disk.rs`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails as a test does")]

use sealog_tests::simulation::disk::{EIO, ENOSPC, Fault};
use sealog_tests::simulation::driver::{Figures, Stop};
use sealog_tests::simulation::script::{Script, deaths, failures};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells a script once for each fault and each way to stop afterwards, on two threads; says which failed.
fn tell_all(script: &Script, faults: Vec<Fault>, stops: &[Stop], chances: u64) -> Figures {
    let mut stories: Vec<(Fault, Stop, u64)> = Vec::new();
    for fault in faults {
        for stop in stops {
            // A kill leaves nothing to chance.
            let chances = if *stop == Stop::Kill { 1 } else { chances };
            stories.extend((0..chances).map(|chance| (fault, *stop, chance)));
        }
    }
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Figures::default()));
    let work = || {
        while let Some((fault, stop, chance)) = stories.get(next.fetch_add(1, Ordering::Relaxed)) {
            let story = std::panic::AssertUnwindSafe(|| script.tell(*fault, *stop, *chance));
            let figures = std::panic::catch_unwind(story)
                .unwrap_or_else(|_| panic!("see above; the story was {fault:?}, {stop:?}, chance {chance}"));
            total.lock().unwrap().add(&figures);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let total = *total.lock().unwrap();
    assert_eq!(total.runs, stories.len() as u64, "a story did not end");
    total
}

const BOTH: [Stop; 2] = [Stop::Kill, Stop::PowerCut];

#[test]
fn every_failing_operation_leaves_what_was_acknowledged_and_nothing_that_was_refused() {
    let script = Script::small();
    let operations = script.operations();
    assert!(operations.end > 60, "{operations:?}");
    let figures = tell_all(&script, failures(operations, &[EIO, ENOSPC]), &BOTH, 3);
    assert!(figures.faults >= figures.runs, "each fault struck: {figures:?}");
}

#[test]
fn a_crash_at_every_operation_leaves_a_prefix_with_all_that_was_acknowledged() {
    let script = Script::small();
    let figures = tell_all(&script, deaths(script.operations()), &BOTH, 12);
    assert!(figures.during_recovery > 100, "{figures:?}");
}

#[test]
fn a_crash_at_every_step_of_sealing_carrying_and_trimming_loses_nothing_and_shows_nothing_twice() {
    let script = Script::sealing();
    let operations = script.operations();
    assert!(operations.end > 200, "{operations:?}");
    tell_all(&script, deaths(operations), &BOTH, 1);
}

#[test]
fn every_failing_step_of_sealing_carrying_and_trimming_leaves_what_was_acknowledged() {
    let script = Script::sealing();
    tell_all(&script, failures(script.operations(), &[EIO, ENOSPC]), &[Stop::PowerCut], 1);
}

#[test]
fn a_journal_file_is_begun_or_not_whatever_fails() {
    let script = Script::rotation();
    let operations = script.operations();
    let figures = tell_all(&script, failures(operations.clone(), &[EIO]), &[Stop::PowerCut], 1);
    assert!(figures.runs >= 30, "{operations:?} {figures:?}");
}

#[test]
fn a_journal_file_is_begun_or_not_wherever_the_power_goes() {
    let script = Script::rotation();
    tell_all(&script, deaths(script.operations()), &[Stop::PowerCut], 1);
}
