//! One run: from a seed, a story of appends, ticks, scans, faults, restarts, kills and power cuts.

use super::disk::{Act, EIO, EMFILE, ENOSPC, Effect, Fault, Moment, SimulatedDisk};
use super::driver::{Driver, Figures, Opened, Stop};
use super::model::{self, Model, Sending, Token};
use super::random::Random;
use sealog_engine::limits;
use sealog_engine::model::{CONTROL_SERVICE, Entry, Severity, Timestamp, Window};
use sealog_engine::scan::{Filter, Order, Query, Scope};
use sealog_engine::store::CompactionExtent;

const SERVICES: [&str; 4] = ["mail-api", "portal", "billing", "a"];
const TENANTS: [&str; 4] = ["acme", "globex", "initech", "t"];
const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;

/// What a run begins with.
pub enum Beginning {
    /// An empty disk.
    Empty,
    /// A store that the model knows.
    Store(SimulatedDisk, Box<Model>),
}

/// What became of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What happened.
    pub figures: Figures,
    /// What was owed and what was found, where the store broke a promise.
    pub broken: Option<String>,
    /// Every operation, if the run was traced.
    pub trace: Vec<String>,
}

/// Runs one seed.
pub fn run(seed: u64, beginning: Beginning, is_traced: bool) -> Outcome {
    let mut random = Random::new(seed);
    let mut driver = match beginning {
        Beginning::Empty => Driver::new(random.draw()),
        Beginning::Store(disk, model) => Driver::on(disk, *model, random.draw()).without_sealing(),
    };
    if is_traced {
        driver.disk.trace();
    }
    let story = std::panic::AssertUnwindSafe(|| tell(&mut driver, &mut random));
    let broken = std::panic::catch_unwind(story).err().map(|panic| message_of(&*panic));
    let second = sealog_engine::journal::path(2);
    driver.figures.rotations = u64::from(driver.disk.bytes(&second).is_some());
    driver.figures.segments = driver.segments();
    let first = sealog_engine::journal::path(1);
    driver.figures.trimmed = u64::from(driver.figures.segments > 0 && driver.disk.bytes(&first).is_none());
    driver.figures.runs = 1;
    driver.figures.acknowledged = driver.model.acknowledged();
    Outcome { figures: driver.figures, broken, trace: driver.disk.traced() }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}

/// The story: a few processes after each other, the last of which meets no fault.
fn tell(driver: &mut Driver, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let has_faults = plan(driver, random);
        let mut opened = driver.open();
        if opened == Opened::Failed && random.chance(128) {
            // The operator tries again in the same process, and what has struck does not strike twice.
            opened = driver.open();
        }
        if opened == Opened::Yes {
            live(driver, random);
        }
        if has_faults || random.chance(128) {
            let stop = if random.chance(144) { Stop::PowerCut } else { Stop::Kill };
            driver.stop(stop);
        } else {
            driver.close();
        }
        driver.verify();
    }
    driver.note_faults();
    driver.open_whole();
    driver.verify();
    driver.close();
    // A clean stop after a whole recovery loses nothing to a power cut, and recovery changes nothing.
    driver.stop(Stop::PowerCut);
    driver.open_whole();
    driver.close();
    driver.read_beside();
}

/// What this process will meet.
fn plan(driver: &mut Driver, random: &mut Random) -> bool {
    let mut faults = Vec::new();
    driver.disk.limit(None);
    let kind = random.below(8);
    if matches!(kind, 0..4 | 6) {
        let at = moment(random);
        faults.push(Fault { at, effect: *random.pick(&Effect::ALL), act: Act::Die });
    }
    if matches!(kind, 3..6) {
        for _ in 0..1 + random.below(3) {
            let at = moment(random);
            let act = Act::Fail(*random.pick(&[EIO, EIO, ENOSPC, EMFILE]));
            faults.push(Fault { at, effect: *random.pick(&Effect::ALL), act });
        }
    }
    if kind == 6 {
        driver.disk.limit(Some(random.below(2 * limits::JOURNAL_ZERO_BYTES)));
    }
    driver.disk.plan(&faults);
    kind < 7
}

fn moment(random: &mut Random) -> Moment {
    // Small numbers fall into recovery, which is where logs die; syncs are where what they promised is decided.
    match random.below(6) {
        0 => Moment::Operation(random.below(24)),
        1 => Moment::Change(random.below(8)),
        2 => Moment::Change(random.below(24)),
        3 => Moment::Operation(random.below(80)),
        _ => Moment::Sync(random.below(12)),
    }
}

/// One process's life: until it dies, or until nothing more is to be done.
fn live(driver: &mut Driver, random: &mut Random) {
    // Now and then a process does nothing: what it showed must survive all the same.
    let steps = if random.chance(32) { 0 } else { 1 + random.below(10) };
    for _ in 0..steps {
        if driver.disk.is_dead() {
            return;
        }
        match random.below(17) {
            0..9 => {
                let sending = think(driver, random);
                driver.append(&sending);
            }
            9 => driver.heads(false),
            10 => {
                move_clock(driver, random);
                driver.heads(true);
            }
            11 => move_clock(driver, random),
            12 => driver.read_beside(),
            13 => {
                let (scope, query) = question(driver, random);
                driver.scan(&scope, &query);
            }
            14 => {
                driver.close();
                if driver.open() != Opened::Yes {
                    return;
                }
            }
            15 => driver.disk.limit(None),
            _ => {
                let extents = [CompactionExtent::Everything, CompactionExtent::Pieces];
                driver.compact(*random.pick(&extents));
            }
        }
    }
}

fn move_clock(driver: &Driver, random: &mut Random) {
    match random.below(8) {
        0..3 => driver.clock.pass(1 + random.below(2 * MINUTE_NS as u64) as i64),
        3 => driver.clock.pass(random.below(3 * HOUR_NS as u64) as i64),
        4 => driver.clock.step_wall(-(random.below(2 * HOUR_NS as u64) as i64)),
        5 => driver.clock.step_wall(random.below(4 * HOUR_NS as u64) as i64),
        6 => driver.clock.pass(11 * MINUTE_NS),
        _ => driver.clock.step_wall(-(random.below(SECOND_NS as u64) as i64)),
    }
}

/// A batch: new entries, and now and then one that came before.
fn think(driver: &mut Driver, random: &mut Random) -> Sending {
    let model = &mut driver.model;
    // A producer that was not answered, or that is impatient, sends the same batch under its key again.
    if random.chance(24) {
        let keys: Vec<(String, Vec<Token>)> =
            model.kept_keys().map(|(key, tokens)| (key.clone(), tokens.clone())).collect();
        if !keys.is_empty() {
            let mut keys = keys;
            keys.sort();
            let (key, mut tokens) = random.pick(&keys).clone();
            if random.chance(64) {
                tokens.pop();
            }
            if !tokens.is_empty() && tokens.iter().all(|token| is_fresh_enough(model, *token)) {
                return Sending { tokens, impostor_of: None, key: Some(key) };
            }
        }
    }
    let most = if random.chance(200) { 4 } else { 20 };
    let count = 1 + random.below(most);
    let (service_count, tenant_count) = (1 + random.index(SERVICES.len()), 1 + random.index(TENANTS.len()));
    let mut sending = Sending::default();
    for _ in 0..count {
        if random.chance(40)
            && let Some(token) = earlier(model, random)
        {
            sending.tokens.push(token);
            continue;
        }
        let service = SERVICES[random.index(service_count)];
        let tenant = TENANTS[random.index(tenant_count)];
        sending.tokens.push(model.think(entry(random, service, tenant)));
    }
    if random.chance(12) {
        sending.impostor_of = earlier(model, random).filter(|token| model.kept_at(*token).is_some());
    }
    if random.chance(64) {
        sending.key = Some(format!("key-{}", model.token_count()));
    }
    sending
}

/// An entry with an ID that was sent before, in the window within which IDs are remembered.
fn earlier(model: &Model, random: &mut Random) -> Option<Token> {
    let token = random.index(model.token_count().max(1));
    let is_eligible = token < model.token_count() && !model.entry(token).id.is_empty();
    (is_eligible && is_fresh_enough(model, token)).then_some(token)
}

fn is_fresh_enough(model: &Model, token: Token) -> bool {
    // The next commit may lie some hours ahead of the newest.
    model.kept_at(token).is_none_or(|at| model.newest() - at < limits::IDEMPOTENCY_WINDOW_NS - 9 * HOUR_NS)
}

/// An entry of any shape that the oracle compares.
pub fn entry(random: &mut Random, service: &'static str, tenant: &'static str) -> Entry<'static> {
    let filler = match random.below(64) {
        0 => 3000,
        1 => 40_000,
        2..12 => random.index(600),
        _ => random.index(60),
    };
    let id = if random.chance(140) { "id" } else { "" };
    let attributes =
        (0..random.below(3)).map(|i| (format!("k{i}").into(), "v".repeat(1 + i as usize).into()));
    Entry {
        tenant: tenant.into(),
        organization: if random.chance(64) { "north" } else { "" }.into(),
        service: service.into(),
        id: id.into(),
        severity: *random.pick(&Severity::ALL),
        activity: "thing.changed".into(),
        request_id: if random.chance(64) { "r-1" } else { "" }.into(),
        success: random.chance(128).then_some(true),
        message: "m".repeat(filler).into(),
        attributes: attributes.collect(),
        ..Entry::default()
    }
}

/// A question that may be asked of a store.
fn question(driver: &Driver, random: &mut Random) -> (Scope, Query) {
    let some = |random: &mut Random, from: &[&str]| -> Vec<String> {
        (0..1 + random.below(2)).map(|_| (*random.pick(from)).to_owned()).collect()
    };
    let scope =
        if random.chance(128) { Scope::everything() } else { Scope::tenants(some(random, &TENANTS), None) };
    let mut filter = Filter::default();
    if random.chance(100) {
        filter.services = some(random, &["mail-api", "portal", "billing", "a", CONTROL_SERVICE]);
    }
    if random.chance(100) {
        filter.tenants = some(random, &TENANTS);
    }
    if random.chance(100) {
        filter.severities = Some(vec![*random.pick(&Severity::ALL), Severity::Error]);
    }
    if random.chance(100)
        && let Some(store) = driver.store()
    {
        let times = model::times(&model::show_all(store.view()));
        if !times.is_empty() {
            let mut edge = || random.chance(200).then(|| Timestamp::from_nanos(*random.pick(&times)));
            filter.window = Window { from: edge(), to: edge() };
        }
    }
    let order = *random.pick(&[Order::Ascending, Order::Descending]);
    let limit = random.chance(64).then(|| random.below(5));
    (scope, Query { filter, order, limit, after: None })
}
