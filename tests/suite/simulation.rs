//! A slice of the long campaign, and what must hold whatever the seed.
//!
//! `cargo run --release -p sealog-tests --bin simulate` runs as many seeds as wanted, and one again with a trace.

use sealog_engine::disk::LockError;
use sealog_engine::error::Error;
use sealog_engine::journal::path;
use sealog_engine::limits;
use sealog_engine::reader::Reader;
use sealog_engine::store::Store;
use sealog_tests::flip::{Target, problems, report};
use sealog_tests::sample;
use sealog_tests::simulation::disk::{Act, EIO, Effect, Fault, Moment, SimulatedDisk};
use sealog_tests::simulation::driver::{Driver, Figures, Stop};
use sealog_tests::simulation::model::{Sending, show_all};
use sealog_tests::simulation::run::{Beginning, run};
use sealog_tests::simulation::script::nearly_full;
use std::sync::Arc;

const SEEDS: u64 = 3_000;
/// Each looks at 64 MiB a dozen times.
const LARGE_SEEDS_MAX: u64 = 12;

#[test]
fn no_acknowledged_entry_is_lost_and_no_hole_is_left_whatever_the_seed() {
    let slice = |from: u64, to: u64| {
        let mut figures = Figures::default();
        for seed in from..to {
            let outcome = run(seed, Beginning::Empty, false);
            assert_eq!(outcome.broken, None, "seed {seed}");
            figures.add(&outcome.figures);
        }
        figures
    };
    let figures = std::thread::scope(|scope| {
        let first = scope.spawn(|| slice(0, SEEDS / 2));
        let mut figures = slice(SEEDS / 2, SEEDS);
        figures.add(&first.join().unwrap());
        figures
    });
    // The seeds do what they are for.
    assert!(figures.power_cuts > 5_000 && figures.kills > 1_000, "{figures:?}");
    assert!(figures.during_recovery > 1_000 && figures.faults > 3_000, "{figures:?}");
    assert!(figures.acknowledged > 10_000 && figures.unknown > 100, "{figures:?}");
    assert!(figures.segments > 2_000 && figures.trimmed > 300, "{figures:?}");
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in [1, 2, 3, 4711] {
        let tell = || run(seed, Beginning::Empty, true);
        assert_eq!(tell().trace, tell().trace);
    }
}

#[test]
fn a_store_that_fills_its_journal_file_keeps_its_promises() {
    let (disk, model) = nearly_full();
    // Not every seed sends enough to begin a second file.
    let has_rotated = |seed| {
        let outcome = run(seed, Beginning::Store(disk.copy(seed), Box::new(model.clone())), false);
        assert_eq!(outcome.broken, None, "seed {seed}");
        outcome.figures.rotations > 0
    };
    assert!((0..LARGE_SEEDS_MAX).any(has_rotated), "no seed begins a second file");
}

#[test]
fn appends_go_on_when_there_is_room_again() {
    let mut driver = Driver::new(1).without_sealing();
    driver.open_whole();
    let send = |driver: &mut Driver, filler: usize| {
        let tokens =
            ["portal", "mail-api"].map(|service| driver.model.think(sample::entry(service, "acme", filler)));
        let sending = Sending { tokens: tokens.to_vec(), ..Sending::default() };
        driver.append(&sending);
        driver.model.kept_at(sending.tokens[0]).is_some()
    };
    assert!(send(&mut driver, 100));
    let used = driver.disk.bytes(&path(1)).unwrap().len() as u64;
    // Room for less than what is written ahead, then for nothing, then for a part of a large frame.
    for free in [limits::JOURNAL_ZERO_BYTES / 3, 0, 5_000] {
        // A clean stop gives back what was reserved.
        driver.close();
        driver.open_whole();
        driver.disk.limit(Some(free));
        let mut is_refused = false;
        for _ in 0..200 {
            is_refused |= !send(&mut driver, 30_000);
        }
        assert!(is_refused, "{free} bytes were enough");
        driver.read_beside();
        let report = driver.verify().unwrap();
        assert_eq!(report.torn_bytes, 0, "something half-written is visible");
        // Room again, without a restart.
        driver.disk.limit(None);
        assert!(send(&mut driver, 30_000) && send(&mut driver, 10), "appends go on");
    }
    assert!(driver.disk.bytes(&path(1)).unwrap().len() as u64 > used);
    driver.close();
    driver.stop(Stop::PowerCut);
    driver.open_whole();
    driver.close();
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let disk = SimulatedDisk::new(2);
    let store = sample::begun(&disk, 2);
    let second = Store::open_on(Arc::new(disk.clone()), sample::options(3));
    assert!(matches!(second.err(), Some(Error::Locked { holder: Some(1), .. })));
    assert!(matches!(sealog_engine::disk::Disk::lock(&disk, "LOCK"), Err(LockError::Held(_))));
    let reader = Reader::open_on(&disk).unwrap();
    assert_eq!(show_all(reader.view()).len(), show_all(store.view()).len());
    store.append(sample::batch(&[("portal", "acme")], 0)).unwrap();
    assert_eq!(show_all(reader.view()).len() + 1, show_all(store.view()).len(), "a reader stands still");
    store.close().unwrap();
    // The lock went with its holder.
    let store = sample::open(&disk, 4);
    let next = disk.kill();
    sample::open(&next, 5).close().unwrap();
    drop(store);
}

#[test]
fn opening_and_closing_writes_nothing_new() {
    let disk = sample::stopped(3);
    let before = disk.bytes(&path(1)).unwrap();
    for seed in 0..3 {
        sample::open(&disk, seed).close().unwrap();
        assert_eq!(disk.bytes(&path(1)).unwrap(), before);
    }
    assert!(report(&disk).valid, "{:#?}", problems(&report(&disk)));
    assert_eq!(Target::new(&disk, 1).frames_end(), before.len() as u64, "nothing is kept in reserve");
}

fn send(driver: &mut Driver) -> Sending {
    let tokens = vec![driver.model.think(sample::entry("portal", "acme", 700))];
    let sending = Sending { tokens, ..Sending::default() };
    driver.append(&sending);
    sending
}

fn dies_at_sync(number: u64) -> Fault {
    Fault { at: Moment::Sync(number), effect: Effect::None, act: Act::Die }
}

/// The process is killed and starts again, and only then the power goes: what the second process read was in memory
/// only, and must have been made durable before it was shown or vouched for.
#[test]
fn what_a_restart_showed_survives_the_power_cut_that_follows() {
    for seed in 0..600 {
        let mut driver = Driver::new(seed).without_sealing();
        driver.open_whole();
        send(&mut driver);
        // The second frame is whole in memory, and nowhere else.
        driver.disk.plan(&[dies_at_sync(0)]);
        let second = send(&mut driver);
        driver.stop(Stop::Kill);
        driver.open_whole();
        assert!(driver.model.kept_at(second.tokens[0]).is_some());
        match seed % 3 {
            0 => {}
            1 => drop(send(&mut driver)),
            _ => {
                driver.disk.plan(&[dies_at_sync(0)]);
                send(&mut driver);
            }
        }
        driver.stop(Stop::PowerCut);
        driver.verify();
        driver.open_whole();
        driver.close();
    }
}

/// A write that fails may have written everything; its producer was told that nothing was kept, and the power goes.
#[test]
fn a_refused_batch_does_not_come_back() {
    for seed in 0..300 {
        let mut driver = Driver::new(seed).without_sealing();
        driver.open_whole();
        send(&mut driver);
        let effect = Effect::ALL[(seed % 3) as usize];
        driver.disk.plan(&[Fault { at: Moment::Change(0), effect, act: Act::Fail(EIO) }]);
        let refused = send(&mut driver);
        assert!(!driver.is_poisoned(), "a write that fails is cut, and appends go on");
        driver.stop(Stop::PowerCut);
        driver.open_whole();
        assert_eq!(driver.model.kept_at(refused.tokens[0]), None);
        // Its producer sends it again.
        driver.append(&refused);
        assert!(driver.model.kept_at(refused.tokens[0]).is_some());
        driver.close();
    }
}
