//! Many producers, readers beside a writer, and failures while others wait.
//!
//! Where order matters, a gate stops one of them; otherwise threads race, and only what they were told is judged.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::batch::Batch;
use sealog_engine::disk::Disk;
use sealog_engine::error::Error;
use sealog_engine::model::Entry;
use sealog_engine::reader::Reader;
use sealog_engine::store::{Background, Options, Receipt, Store};
use sealog_engine::verify::{VerifyOptions, verify};
use sealog_tests::simulation::clock::{SimulatedClock, SimulatedEntropy};
use sealog_tests::simulation::disk::{Act, EIO, ENOSPC, Effect, Fault, Moment, SimulatedDisk};
use sealog_tests::simulation::gate::{At, Gate, GatedDisk, wait_until};
use sealog_tests::simulation::model::{Model, Sending, show_all};
use sealog_tests::simulation::random::Random;
use std::sync::{Arc, Mutex};

fn options(seed: u64, background: Background) -> Options {
    Options {
        instance: "sealog@simulation".to_owned(),
        background,
        clock: Arc::new(SimulatedClock::default()),
        entropy: Arc::new(SimulatedEntropy::new(Random::new(seed))),
        ..Options::default()
    }
}

fn entry(service: &'static str, filler: usize) -> Entry<'static> {
    Entry {
        tenant: "acme".into(),
        service: service.into(),
        activity: "thing.changed".into(),
        message: "m".repeat(filler).into(),
        ..Entry::default()
    }
}

fn one(model: &mut Model, filler: usize) -> Sending {
    let tokens = vec![model.think(entry("portal", filler))];
    Sending { tokens, ..Sending::default() }
}

fn open(disk: &(impl Disk + Clone + 'static), seed: u64) -> Store {
    Store::open_on(Arc::new(disk.clone()), options(seed, Background::Inline)).unwrap()
}

fn fault(at: Moment, effect: Effect, error: i32) -> Fault {
    Fault { at, effect, act: Act::Fail(error) }
}

/// Opens what a machine left, and lets the model and verify judge it.
fn judge(disk: &SimulatedDisk, model: &mut Model, seed: u64) {
    let report = verify(&disk.observer(), &VerifyOptions::default(), |_| {}).unwrap();
    model.check_report(&report);
    let store = open(disk, seed);
    model.settle(&show_all(store.view()));
    store.close().unwrap();
    model.check_report(&verify(&disk.observer(), &VerifyOptions::default(), |_| {}).unwrap());
}

#[test]
fn a_failed_sync_reaches_everybody_who_waits_and_nothing_is_acknowledged_after_it() {
    for effect in Effect::ALL {
        let (disk, gate, mut model) = (SimulatedDisk::new(1), Gate::default(), Model::default());
        let store = open(&GatedDisk::new(disk.clone(), gate.clone()), 1);
        let first = one(&mut model, 10);
        let receipts = store.append(model.batch(&first)).unwrap();
        model.acknowledge_among_others(&first, &receipts);

        gate.close(At::Sync);
        let sendings: Vec<Sending> = (0..8).map(|_| one(&mut model, 100)).collect();
        std::thread::scope(|scope| {
            let threads: Vec<_> = sendings
                .iter()
                .map(|sending| {
                    let batch = model.batch(sending);
                    let store = &store;
                    scope.spawn(move || store.append(batch))
                })
                .collect();
            gate.wait_for(1);
            disk.plan(&[fault(Moment::Change(0), effect, EIO)]);
            gate.open();
            for thread in threads {
                let error = thread.join().unwrap().unwrap_err();
                assert!(matches!(error, Error::Poisoned { .. }), "{error}");
            }
        });
        disk.plan(&[]);
        for sending in &sendings {
            assert!(matches!(store.append(model.batch(sending)), Err(Error::Poisoned { .. })));
            let owed = model.owed(sending);
            model.lose_sight(sending, &owed);
        }
        assert!(matches!(store.commit_heads(), Err(Error::Poisoned { .. })));
        assert!(store.close().is_err());
        // Only a restart decides; then, whatever it showed stays.
        let next = disk.kill();
        judge(&next, &mut model, 2);
        judge(&next.power_cut(), &mut model, 3);
    }
}

/// The builder syncs the old journal file before it begins the next, while somebody else syncs it for an older frame.
/// The system tells one of them.
#[test]
fn two_who_sync_one_file_both_hear_of_its_failure() {
    let (full, known) = sealog_tests::simulation::script::nearly_full();
    for seed in 0..8 {
        let (disk, mut model, gate) = (full.copy(seed), known.clone(), Gate::default());
        let store = open(&GatedDisk::new(disk.clone(), gate.clone()), seed);
        gate.close(At::Sync);
        let (small, large) = (one(&mut model, 100), one(&mut model, 60_000));
        let much =
            Sending { tokens: (0..4).map(|_| model.think(entry("portal", 60_000))).collect(), ..large };
        let outcomes = std::thread::scope(|scope| {
            let first = scope.spawn(|| store.append(model.batch(&small)));
            gate.wait_for(1);
            // Past the overlap, so it is built while the first waits for its sync; past the file's end, so it rotates:
            // it has cut the old file's end and wants to sync it when something has changed.
            disk.plan(&[]);
            let second = scope.spawn(|| store.append(model.batch(&much)));
            wait_until(|| disk.changes() > 0);
            disk.plan(&[fault(Moment::Change(0), Effect::Partial, EIO)]);
            gate.open();
            [(&small, first.join().unwrap()), (&much, second.join().unwrap())]
        });
        for (sending, outcome) in outcomes {
            let error = outcome.unwrap_err();
            assert!(matches!(error, Error::Poisoned { .. }), "{error}");
            let owed = model.owed(sending);
            model.lose_sight(sending, &owed);
        }
        drop(store);
        judge(&disk.power_cut(), &mut model, seed);
    }
}

/// A large batch is written while the frame before it waits for its sync: either may reach the disk without the other,
/// and the later must not vouch for the earlier.
#[test]
fn frames_that_overlap_are_no_damage_whichever_of_them_a_power_cut_leaves() {
    let (disk, gate, mut model) = (SimulatedDisk::new(1), Gate::default(), Model::default());
    let store = open(&GatedDisk::new(disk.clone(), gate.clone()), 1);
    let first = one(&mut model, 10);
    let receipts = store.append(model.batch(&first)).unwrap();
    model.acknowledge_among_others(&first, &receipts);
    let small = one(&mut model, 700);
    let large = Sending {
        tokens: (0..3).map(|_| model.think(entry("mail-api", 40_000))).collect(),
        ..Sending::default()
    };
    gate.close(At::Sync);
    std::thread::scope(|scope| {
        let [first, second] = [&small, &large].map(|sending| model.batch(sending));
        scope.spawn(|| store.append(first));
        gate.wait_for(1);
        disk.plan(&[]);
        scope.spawn(|| store.append(second));
        // The gate writes in two halves.
        wait_until(|| disk.changes() == 2);
        assert_eq!(disk.syncs(), 0, "both frames wait");
        for sending in [&small, &large] {
            let owed = model.owed(sending);
            model.lose_sight(sending, &owed);
        }
        for seed in 0..300 {
            judge(&disk.copy(seed).power_cut(), &mut model.clone(), seed);
        }
        gate.open();
    });
}

#[test]
fn a_key_that_is_sent_twice_at_once_is_stored_once() {
    for round in 0..50 {
        let (disk, gate, mut model) = (SimulatedDisk::new(round), Gate::default(), Model::default());
        let store = open(&GatedDisk::new(disk.clone(), gate.clone()), round);
        let first = one(&mut model, 10);
        let tokens = ["portal", "mail-api", "portal"].map(|service| model.think(entry(service, 10))).to_vec();
        let keyed = Sending { tokens, impostor_of: None, key: Some("key".to_owned()) };
        let other = Sending { tokens: keyed.tokens[..1].to_vec(), ..keyed.clone() };
        gate.close(At::Sync);
        let (mut kept, mut conflicts) = (Vec::new(), 0);
        std::thread::scope(|scope| {
            let before = scope.spawn(|| store.append(model.batch(&first)).unwrap());
            gate.wait_for(1);
            let same: Vec<_> = (0..4).map(|_| scope.spawn(|| store.append(model.batch(&keyed)))).collect();
            // Once it waits, the others get time to wait beside it: they share a frame, or follow it.
            (0..2000).for_each(|_| std::thread::yield_now());
            let different = scope.spawn(|| store.append(model.batch(&other)));
            (0..200).for_each(|_| std::thread::yield_now());
            gate.open();
            before.join().unwrap();
            for thread in same {
                match thread.join().unwrap() {
                    Ok(receipts) => kept.push(receipts),
                    Err(Error::Conflict { entry: None, .. }) => conflicts += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            match different.join().unwrap() {
                Ok(receipts) => kept.push(receipts),
                Err(Error::Conflict { entry: None, .. }) => conflicts += 1,
                Err(error) => panic!("{error}"),
            }
        });
        // One of the two contents came first and won; everybody who sent it got the same receipts.
        assert!(kept.len() == 4 && conflicts == 1 || kept.len() == 1 && conflicts == 4, "{}", kept.len());
        let plain = |receipts: &Vec<Receipt>| -> Vec<Receipt> {
            receipts.iter().map(|receipt| Receipt { duplicate: false, ..receipt.clone() }).collect()
        };
        assert!(kept.iter().all(|receipts| plain(receipts) == plain(&kept[0])), "{kept:#?}");
        let stored = kept.iter().filter(|receipts| receipts.iter().all(|receipt| !receipt.duplicate));
        assert_eq!(stored.count(), 1, "one of them was stored, the others were told where: {kept:#?}");
        assert_eq!(show_all(store.view()).len() as u64, 1 + kept[0].iter().map(count).sum::<u64>());
        store.close().unwrap();
    }
}

fn count(receipt: &Receipt) -> u64 {
    receipt.last_seq - receipt.first_seq + 1
}

/// Between any two reads of a reader, the writer finishes the frame under way and writes more.
#[test]
fn a_reader_beside_a_writer_meets_no_damage() {
    for moment in 0..60 {
        let (disk, gate, mut model) = (SimulatedDisk::new(moment), Gate::default(), Model::default());
        let gated = GatedDisk::new(disk.clone(), gate.clone());
        let store = Arc::new(open(&gated, moment));
        for filler in [10, 2000] {
            let sending = one(&mut model, filler);
            let receipts = store.append(model.batch(&sending)).unwrap();
            model.acknowledge_among_others(&sending, &receipts);
        }
        let mut think = |filler| {
            let sending = one(&mut model, filler);
            model.batch(&sending)
        };
        let under_way = think(3000);
        let more = [500, 500, 500].map(think);
        gate.close(At::Write);
        let writer = std::thread::spawn({
            let store = Arc::clone(&store);
            move || {
                store.append(under_way).unwrap();
                more.into_iter().for_each(|batch| drop(store.append(batch).unwrap()));
            }
        });
        gate.wait_for(1);
        let writer = Mutex::new(Some(writer));
        let go_on = Arc::new(move |number| {
            if number == moment
                && let Some(writer) = writer.lock().unwrap().take()
            {
                gate.open();
                writer.join().unwrap();
            }
        });
        let reader = Reader::open_on(&gated.watched(go_on.clone())).unwrap();
        assert_eq!(reader.view().damage(), [], "read {moment}");
        let shown = show_all(reader.view()).len();
        assert!((2..=6).contains(&shown), "{shown} entries at read {moment}");
        let report = verify(&gated.watched(go_on.clone()), &VerifyOptions::default(), |_| {}).unwrap();
        let problems: Vec<_> = report.all_problems().collect();
        assert!(report.valid, "read {moment}: {problems:#?}");
        // The reader may have ended before the moment came.
        go_on(moment);
        assert_eq!(store.view().chains()[0].entry_count(), 6);
    }
}

#[test]
fn producers_that_race_find_every_acknowledged_entry_whatever_fails() {
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let disk = SimulatedDisk::new(seed);
        let mut model = Model::default();
        let background = *random.pick(&[Background::Inline, Background::Thread]);
        let store = Store::open_on(Arc::new(disk.clone()), options(seed, background)).unwrap();
        let producers: Vec<Vec<Sending>> =
            (0..4).map(|_| (0..12).map(|_| batch(&mut model, &mut random)).collect()).collect();
        let at = Moment::Change(random.below(60));
        let effect = *random.pick(&Effect::ALL);
        match random.below(3) {
            0 => disk.plan(&[fault(at, effect, *random.pick(&[EIO, ENOSPC]))]),
            1 => disk.plan(&[Fault { at, effect, act: Act::Die }]),
            _ => disk.limit(Some(300_000 + random.below(300_000))),
        }
        let outcomes: Vec<(Sending, Result<Vec<Receipt>, Error>)> = std::thread::scope(|scope| {
            let (model, store) = (&model, &store);
            let threads: Vec<_> = producers
                .iter()
                .map(|sendings| {
                    scope.spawn(move || -> Vec<_> {
                        let send = |sending: &Sending| (sending.clone(), store.append(model.batch(sending)));
                        sendings.iter().map(send).collect()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        for (sending, outcome) in outcomes {
            match outcome {
                Ok(receipts) => model.acknowledge_among_others(&sending, &receipts),
                Err(Error::Full { .. } | Error::Io { .. }) if !disk.is_dead() => {}
                Err(error) => {
                    assert!(disk.is_dead() || matches!(error, Error::Poisoned { .. }), "{error}");
                    let owed = model.owed(&sending);
                    model.lose_sight(&sending, &owed);
                }
            }
        }
        let next = if random.chance(64) { disk.kill() } else { disk.power_cut() };
        drop(store);
        let judged = std::panic::AssertUnwindSafe(|| judge(&next, &mut model, seed));
        std::panic::catch_unwind(judged).unwrap_or_else(|_| panic!("see above; the seed was {seed}"));
    }
}

fn batch(model: &mut Model, random: &mut Random) -> Sending {
    let tokens = (0..1 + random.below(6))
        .map(|_| {
            let filler = if random.chance(8) { 50_000 } else { random.index(400) };
            model.think(entry(["portal", "mail-api", "billing"][random.index(3)], filler))
        })
        .collect();
    Sending { tokens, ..Sending::default() }
}

#[test]
fn batches_in_a_line_keep_their_order_and_stop_behind_a_refused_one() {
    let disk = Arc::new(SimulatedDisk::new(7));
    let store = Store::open_on(disk, options(7, Background::Thread)).unwrap();
    let batch = |id: &'static str, message: &'static str| {
        let mut batch = Batch::new();
        let entry = Entry {
            tenant: "acme".into(),
            service: "backup".into(),
            activity: "Run".into(),
            id: id.into(),
            message: message.into(),
            ..Entry::default()
        };
        batch.push(&entry).unwrap();
        store.prepare(batch)
    };
    let results = store.append_in_order(vec![
        batch("1", "one"),
        batch("2", "two"),
        batch("1", "another content"),
        batch("3", "three"),
    ]);
    let told: Vec<_> = results.iter().map(|result| result.as_ref().map(|own| own[0].first_seq)).collect();
    assert!(
        matches!(told[..], [Ok(0), Ok(1), Err(Error::Conflict { .. }), Err(Error::NotTried)]),
        "{told:?}"
    );
    let times: Vec<_> = results.iter().flatten().map(|receipts| receipts[0].logged_at).collect();
    assert!(times[0] < times[1], "each is a commit of its own");
    // What was not tried may come again.
    assert!(store.append_in_order(vec![batch("3", "three")]).pop().unwrap().is_ok());
    assert_eq!(store.view().chains()[0].entry_count(), 3);
}
