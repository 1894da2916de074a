//! Fixed stories, told again and again with another operation failing each time.

use super::disk::{Act, Effect, Fault, Moment, SimulatedDisk};
use super::driver::{Driver, Figures, Opened, Stop};
use super::model::{Model, Sending, Token};
use super::random::Random;
use sealog_engine::limits;
use sealog_engine::model::Entry;
use sealog_engine::process::ProcessBounds;
use sealog_engine::store::{Bounds, CompactionExtent};
use std::ops::Range;

const MINUTE_NS: i64 = 60_000_000_000;

/// What a story begins with and does.
pub struct Script {
    disk: SimulatedDisk,
    model: Model,
    tell: fn(&mut Driver),
    bounds: Bounds,
    /// Looking at it once takes a tenth of a second.
    is_large: bool,
}

impl Script {
    /// Makes a store, appends, repeats itself, commits `heads`, stops, starts and appends again.
    pub fn small() -> Script {
        Script {
            disk: SimulatedDisk::new(0),
            model: Model::default(),
            tell: tell_small,
            bounds: Driver::without_sealing_bounds(),
            is_large: false,
        }
    }

    /// The same story, and more of it, in a store that seals, carries and trims after each few entries.
    pub fn sealing() -> Script {
        let bounds = Bounds {
            segment_rows_aim: 5,
            segment_rows_max: 4,
            open_bytes_aim: 4 << 10,
            open_bytes_max: 64 << 20,
            journal_file_bytes: 2 << 10,
            journal_files_aim: 1,
            seal_rows_min: 3,
            journal_stop_bytes: 0,
            processes: ProcessBounds::USUAL,
        };
        Script { tell: tell_sealing, bounds, ..Script::small() }
    }

    /// On a store whose journal file is all but full: the next file is begun.
    pub fn rotation() -> Script {
        let (disk, model) = nearly_full();
        Script { disk, model, tell: tell_rotation, bounds: Driver::without_sealing_bounds(), is_large: true }
    }

    fn driver(&self) -> Driver {
        Driver::on(self.disk.copy(7), self.model.clone(), 7).with_bounds(self.bounds)
    }

    /// Tells it with one fault, then stops, starts where nothing fails, and looks at everything.
    pub fn tell(&self, fault: Fault, stop: Stop, chance: u64) -> Figures {
        let mut driver = self.driver();
        driver.disk.plan(&[fault]);
        (self.tell)(&mut driver);
        driver.disk.reseed(chance);
        driver.note_faults();
        driver.stop(stop);
        driver.verify();
        driver.open_whole();
        if !self.is_large {
            driver.verify();
        }
        let token = driver.model.think(entry("portal", "acme", "", 10));
        driver.append(&Sending { tokens: vec![token], ..Sending::default() });
        assert!(driver.model.kept_at(token).is_some(), "appends go on after a restart");
        driver.close();
        if !self.is_large {
            driver.read_beside();
        }
        driver.figures.acknowledged = driver.model.acknowledged();
        driver.figures.runs = 1;
        driver.figures
    }

    /// Which operations it takes when nothing fails; of a large story only those that it is about.
    pub fn operations(&self) -> Range<u64> {
        let mut driver = self.driver();
        driver.disk.plan(&[]);
        (self.tell)(&mut driver);
        driver.about.clone().unwrap_or(0..driver.disk.operations())
    }
}

/// Every operation of a range, failing with each of these errors and with each effect.
pub fn failures(operations: Range<u64>, errors: &[i32]) -> Vec<Fault> {
    errors.iter().flat_map(|error| every(operations.clone(), Act::Fail(*error))).collect()
}

/// Every operation of a range, as the last that the process does.
pub fn deaths(operations: Range<u64>) -> Vec<Fault> {
    every(operations, Act::Die).collect()
}

fn every(operations: Range<u64>, act: Act) -> impl Iterator<Item = Fault> {
    operations.flat_map(move |operation| {
        Effect::ALL.map(|effect| Fault { at: Moment::Operation(operation), effect, act })
    })
}

fn entry(service: &'static str, tenant: &'static str, id: &'static str, filler: usize) -> Entry<'static> {
    Entry {
        tenant: tenant.into(),
        service: service.into(),
        id: id.into(),
        activity: "thing.changed".into(),
        message: "m".repeat(filler).into(),
        ..Entry::default()
    }
}

fn think(driver: &mut Driver, filler: usize) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (service, tenant, id) in [
        ("portal", "acme", "id"),
        ("mail-api", "acme", ""),
        ("portal", "globex", ""),
        ("portal", "acme", "id"),
    ] {
        tokens.push(driver.model.think(entry(service, tenant, id, filler)));
    }
    tokens
}

/// Opens, and opens again if a fault struck: what struck once does not strike twice.
fn open(driver: &mut Driver) {
    if driver.open() == Opened::Failed {
        assert_eq!(driver.open(), Opened::Yes, "a fault that is over does not keep a store shut");
    }
}

/// After a step that poisoned the store, the operator restarts it.
fn restart_if_poisoned(driver: &mut Driver) {
    if driver.is_poisoned() && !driver.disk.is_dead() {
        driver.stop(Stop::Kill);
        open(driver);
    }
}

fn append(driver: &mut Driver, sending: &Sending) {
    driver.append(sending);
    restart_if_poisoned(driver);
}

fn tell_small(driver: &mut Driver) {
    open(driver);
    let first = think(driver, 20);
    append(driver, &Sending { tokens: first.clone(), impostor_of: None, key: None });
    let second = think(driver, 300);
    let keyed = Sending { tokens: second.clone(), impostor_of: None, key: Some("key".to_owned()) };
    append(driver, &keyed);
    // The producer was not answered, or does not believe it.
    append(driver, &keyed);
    append(driver, &Sending { tokens: vec![first[0], second[3]], impostor_of: None, key: None });
    driver.heads(false);
    restart_if_poisoned(driver);
    driver.clock.step_wall(-5 * MINUTE_NS);
    let third = think(driver, 9000);
    append(driver, &Sending { tokens: third, impostor_of: None, key: None });
    driver.clock.pass(20 * MINUTE_NS);
    driver.heads(true);
    restart_if_poisoned(driver);
    driver.close();
    if driver.disk.is_dead() {
        return;
    }
    open(driver);
    let fourth = think(driver, 0);
    append(driver, &Sending { tokens: fourth, impostor_of: None, key: None });
    driver.close();
}

fn tell_sealing(driver: &mut Driver) {
    tell_small(driver);
    if driver.disk.is_dead() {
        return;
    }
    open(driver);
    let quiet = driver.model.think(entry("billing", "acme", "", 20));
    append(driver, &Sending { tokens: vec![quiet], ..Sending::default() });
    for filler in [400, 800, 20] {
        let tokens = think(driver, filler);
        append(driver, &Sending { tokens, ..Sending::default() });
    }
    driver.compact(CompactionExtent::Everything);
    let tokens = think(driver, 20);
    append(driver, &Sending { tokens, ..Sending::default() });
    driver.close();
}

fn tell_rotation(driver: &mut Driver) {
    open(driver);
    let from = driver.disk.operations();
    let large = think(driver, 40_000);
    append(driver, &Sending { tokens: large, impostor_of: None, key: None });
    // Fits the old file, if the new one could not be begun.
    let small = think(driver, 20);
    append(driver, &Sending { tokens: small, impostor_of: None, key: None });
    driver.about = Some(from..driver.disk.operations());
    let again = think(driver, 40_000);
    append(driver, &Sending { tokens: again, impostor_of: None, key: None });
    if !driver.disk.is_dead() {
        let has_begun = driver.disk.bytes(&sealog_engine::journal::path(2)).is_some();
        assert!(has_begun, "a fault that is over does not keep the next journal file from being begun");
    }
    driver.close();
}

/// A store whose only journal file has about 9 KiB left, and its model.
pub fn nearly_full() -> (SimulatedDisk, Model) {
    let mut driver = Driver::new(3).without_sealing();
    let mut random = Random::new(3);
    let mut fill = |driver: &mut Driver, count: usize, filler: usize| {
        driver.open_whole();
        let services = ["portal", "mail-api"];
        let tokens = (0..count)
            .map(|_| driver.model.think(entry(services[random.index(2)], "acme", "", filler)))
            .collect();
        driver.append(&Sending { tokens, ..Sending::default() });
        driver.close();
        let bytes = driver.disk.bytes(&sealog_engine::journal::path(1)).unwrap();
        limits::JOURNAL_FILE_BYTES_AIM - bytes.len() as u64
    };
    fill(&mut driver, 520, 64_000);
    let left = fill(&mut driver, 520, 64_000);
    let left = fill(&mut driver, (left / 64_500) as usize - 1, 64_000);
    let left = fill(&mut driver, 2, (left as usize - 10_000) / 2);
    assert!((6_000..10_000).contains(&left), "the file has {left} bytes left");
    (driver.disk.copy(3), driver.model)
}
