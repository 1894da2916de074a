//! Audit events: draws who did what to which object, whether it worked, and writes the entry.
//!
//! A quarter of them go on with a recent request: same tenant, same request ID, mostly the same actor, as when
//! creating a user also adds it to a group. The memory is a ring of fixed size.

use super::activity::{ACTIVITIES, Activity};
use super::actor::Actor;
use super::entry::{self, Attributes, Head, Severity, Turn};
use super::json::text;
use super::random::Random;
use super::template::{NO_CHANGE, Scene, Template};
use super::tenant::{Kind, Object, Tenant};
use super::vocabulary::{BREAKDOWNS, NOTES, REFUSALS, SESSION_REFUSALS, USER_AGENTS};
use super::zipf::Alias;

/// How many requests can be gone on with. Small, so that a request stays a matter of seconds in a busy stream.
const RECENT_COUNT: usize = 24;

/// Everything that draws audit events.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    activities: Alias,
    /// The same without what begins or prolongs a session.
    further_activities: Alias,
    texts: Vec<Texts>,
    colon: Template,
    refusals: Vec<Template>,
    session_refusals: Vec<Template>,
    breakdowns: Vec<Template>,
    notes: Vec<Template>,
    recent: Vec<Request>,
    /// Where the ring is written next.
    recent_index: usize,
}

/// An activity's templates.
#[derive(Clone, Debug)]
struct Texts {
    could_not: Template,
    done: Vec<Template>,
}

/// What a user asked for, of which several entries may come.
#[derive(Clone, Copy, Debug)]
struct Request {
    tenant: Tenant,
    organization: Option<&'static str>,
    id: u128,
    actor: Actor,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done(Severity),
    /// It worked, but something needs attention.
    Noted,
    /// It was not allowed or not possible; the caller can do something about it.
    Refused,
    /// It failed for a reason that an operator must see to.
    Broken(Severity),
}

impl Audit {
    /// Prepares tables and texts.
    pub(super) fn new() -> Self {
        // Zipf's law from its third rank on: a single activity should not be a quarter of everything.
        let weights: Vec<u64> = (0..ACTIVITIES.len() as u64).map(|rank| (1 << 40) / (rank + 3)).collect();
        let further: Vec<u64> = ACTIVITIES
            .iter()
            .zip(&weights)
            .map(|(kind, &weight)| if kind.session { 0 } else { weight })
            .collect();
        let texts = |activity: &Activity| Texts {
            could_not: Template::new(&format!("Could not {}", activity.deed)),
            done: Template::all(activity.done),
        };
        Self {
            activities: Alias::new(&weights),
            further_activities: Alias::new(&further),
            texts: ACTIVITIES.iter().map(texts).collect(),
            colon: Template::new(": "),
            refusals: Template::all(&REFUSALS),
            session_refusals: Template::all(&SESSION_REFUSALS),
            breakdowns: Template::all(&BREAKDOWNS),
            notes: Template::all(&NOTES),
            recent: Vec::with_capacity(RECENT_COUNT),
            recent_index: 0,
        }
    }

    /// Appends one audit event that happened around `turn.now_ns`, a little earlier at times: such an entry was
    /// delivered late, so the stream is not sorted by `generated_at`.
    pub(super) fn write(&mut self, turn: &Turn<'_>, random: &mut Random, out: &mut Vec<u8>) {
        let (index, request) = self.draw(turn, random);
        let activity = &ACTIVITIES[index];
        let outcome = Outcome::draw(random);
        let tenant = request.tenant;
        let object = object_of(activity, &request, random);
        let change = if activity.changes.is_empty() { NO_CHANGE } else { *random.pick(activity.changes) };
        let scene = Scene { tenant, actor: request.actor, object, change };

        let head = Head {
            tenant,
            organization: request.organization,
            component: activity.component,
            line: turn.line,
            generated_at_ns: turn.now_ns.saturating_sub(delay_ns(random)),
            severity: outcome.severity(),
            activity: activity.name,
        };
        turn.platform.begin(out, &head);
        entry::actor(out, &head, request.actor);
        entry::object(out, &head, scene.object);
        entry::request(out, request.id);
        if scene.object.is_configuration() {
            entry::configuration(out, scene.object);
        }
        entry::success(out, matches!(outcome, Outcome::Done(_) | Outcome::Noted));
        let changed = self.write_message(index, outcome, &scene, random, out);
        write_attributes(&scene, changed, random, out);
        entry::end(out);
    }

    /// Draws an activity, and the request it belongs to.
    fn draw(&mut self, turn: &Turn<'_>, random: &mut Random) -> (usize, Request) {
        if !self.recent.is_empty() && random.chance(260) {
            let index = self.further_activities.draw(random) as usize;
            let mut request = *random.pick(&self.recent);
            if random.chance(200) {
                request.actor = Actor::Service(ACTIVITIES[index].component);
            }
            return (index, request);
        }
        let index = self.activities.draw(random) as usize;
        let activity = &ACTIVITIES[index];
        let tenant = turn.platform.tenant(random);
        let request = Request {
            tenant,
            organization: random.chance(280).then(|| tenant.organization(random)),
            id: random.uuid(),
            actor: activity.who.draw(tenant, activity.component, random),
        };
        if request.actor.is_remote() {
            self.remember(request);
        }
        (index, request)
    }

    fn remember(&mut self, request: Request) {
        if self.recent.len() < RECENT_COUNT {
            self.recent.push(request);
        } else {
            self.recent[self.recent_index] = request;
            self.recent_index = (self.recent_index + 1) % RECENT_COUNT;
        }
    }

    /// Appends the message, and returns whether it tells of a changed setting.
    fn write_message(
        &self,
        index: usize,
        outcome: Outcome,
        scene: &Scene,
        random: &mut Random,
        out: &mut Vec<u8>,
    ) -> bool {
        let texts = &self.texts[index];
        let refusals = if ACTIVITIES[index].session { &self.session_refusals } else { &self.refusals };
        let done = random.pick(&texts.done);
        match outcome {
            Outcome::Done(_) => entry::message(out, &[done], scene, random),
            Outcome::Noted => {
                let note = random.pick(&self.notes);
                entry::message(out, &[done, note], scene, random);
            }
            Outcome::Refused | Outcome::Broken(_) => {
                let reasons = if outcome == Outcome::Refused { refusals } else { &self.breakdowns };
                let reason = random.pick(reasons);
                entry::message(out, &[&texts.could_not, &self.colon, reason], scene, random);
                return false;
            }
        }
        done.tells_change()
    }
}

impl Outcome {
    fn draw(random: &mut Random) -> Self {
        match random.below(10_000) {
            0..8_500 => Self::Done(Severity::Information),
            8_500..8_900 => Self::Done(Severity::Debug),
            8_900..8_950 => Self::Done(Severity::Trace),
            8_950..9_250 => Self::Noted,
            9_250..9_780 => Self::Refused,
            9_780..9_995 => Self::Broken(Severity::Error),
            _ => Self::Broken(Severity::Fatal),
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::Done(severity) | Self::Broken(severity) => severity,
            Self::Noted | Self::Refused => Severity::Warning,
        }
    }
}

/// What is acted upon: in a session the user itself, else one of the tenant's objects.
fn object_of(activity: &Activity, request: &Request, random: &mut Random) -> Object {
    match request.actor {
        Actor::User(index) if activity.session => Object::new(request.tenant, Kind::User, index),
        _ => activity.object.draw(request.tenant, random),
    }
}

/// How long ago an entry was made when it comes: mostly nothing, at times seconds, rarely a minute and a half.
fn delay_ns(random: &mut Random) -> i64 {
    let delay_us = match random.below(1000) {
        0..940 => 0,
        940..998 => random.below(3_000_000),
        _ => random.below(90_000_000),
    };
    i64::from(delay_us) * 1000
}

/// At most four pairs: where the actor came from, and which setting changed.
fn write_attributes(scene: &Scene, changed: bool, random: &mut Random, out: &mut Vec<u8>) {
    let mut attributes = Attributes::new();
    if scene.actor.is_remote() && random.chance(180) {
        attributes.key(out, "ip");
        scene.actor.write_ip(scene.tenant, out);
        if random.chance(250) {
            attributes.key(out, "user_agent");
            text(out, random.pick::<&str>(&USER_AGENTS));
        }
    }
    if changed && random.chance(600) {
        let (old, new) = scene.change;
        attributes.key(out, "old_value");
        text(out, old);
        attributes.key(out, "new_value");
        text(out, new);
    }
    attributes.end(out);
}
