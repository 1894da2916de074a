//! One process under way: how it is drawn, and in which order its entries come.
//!
//! ```text
//! Start ──▶ Message … ──▶ CancelRequest ──▶ Close        Message and CancelRequest may be left out;
//!   └────────────┴──────────────┴─────────▶ nothing      a run that never finishes has no Close
//! ```

use super::actor::Actor;
use super::entry::Turn;
use super::random::Random;
use super::script::SCRIPTS;
use super::tenant::{Object, Tenant};

/// One process under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) script: usize,
    pub(super) number: u64,
    pub(super) parent: Option<u64>,
    pub(super) tenant: Tenant,
    pub(super) organization: Option<&'static str>,
    pub(super) actor: Actor,
    pub(super) object: Object,
    pub(super) configuration: Option<Object>,
    pub(super) request: u128,
    /// When it started; `None` until its first entry, unless a sub-process overtook that.
    pub(super) started_ns: Option<i64>,
    pub(super) next: Step,
    pub(super) message_count: u32,
    pub(super) messages_left: u32,
    pub(super) children_left: u32,
    pub(super) cancel: bool,
    pub(super) ending: Ending,
    /// A straggler takes so many times longer from entry to entry.
    pub(super) slowness: u32,
}

/// What a run writes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Start,
    Message,
    CancelRequest,
    Close,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Finished,
    Failed,
    Disconnected,
    Cancelled,
    Never,
}

impl Run {
    /// A top-level process that plays a script from now on.
    pub(super) fn draw(index: usize, number: u64, turn: &Turn<'_>, random: &mut Random) -> Self {
        let script = &SCRIPTS[index];
        let message_count = random.between(script.message_count);
        let tenant = turn.platform.tenant(random);
        let object = script.object.draw(tenant, random);
        let configuration = script
            .configuration
            .map(|kind| if kind == script.object { object } else { kind.draw(tenant, random) });
        let ending = match random.below(100) {
            0..84 => Ending::Finished,
            84..88 => Ending::Failed,
            88..93 => Ending::Disconnected,
            93..96 => Ending::Cancelled,
            _ => Ending::Never,
        };
        Self {
            script: index,
            number,
            parent: None,
            tenant,
            organization: random.chance(280).then(|| tenant.organization(random)),
            actor: script.who.draw(tenant, script.component, random),
            object,
            configuration,
            request: random.uuid(),
            started_ns: None,
            next: Step::Start,
            message_count,
            messages_left: message_count,
            children_left: script.children.map_or(0, |(_, count_max)| 1 + random.below(count_max)),
            // Some requests to cancel come too late or are never answered.
            cancel: ending == Ending::Cancelled || random.chance(8),
            ending,
            slowness: 1,
        }
    }

    /// A sub-process that plays a script: of the same tenant and request, and of the same configuration if its
    /// script has one.
    pub(super) fn child(&self, index: usize, number: u64, random: &mut Random) -> Self {
        let script = &SCRIPTS[index];
        let message_count = random.between(script.message_count);
        let ending = match random.below(100) {
            0..93 => Ending::Finished,
            93..95 => Ending::Failed,
            95..97 => Ending::Disconnected,
            _ => Ending::Never,
        };
        // A sub-process for the same kind of thing works on the very thing.
        let same = script.object == SCRIPTS[self.script].object;
        let object = if same { self.object } else { script.object.draw(self.tenant, random) };
        Self {
            script: index,
            number,
            parent: Some(self.number),
            actor: Actor::Service(script.component),
            object,
            configuration: script.configuration.and(self.configuration),
            started_ns: None,
            next: Step::Start,
            message_count,
            messages_left: message_count,
            children_left: script.children.map_or(0, |(_, count_max)| random.below(count_max + 1)),
            cancel: false,
            ending,
            slowness: if random.chance(80) { 6 } else { 1 },
            ..*self
        }
    }

    /// Which of a script's messages, of which there are so many, the next one is: it goes through them in order.
    pub(super) fn message_index(&self, text_count: usize) -> usize {
        let written = self.message_count - self.messages_left - 1;
        written as usize * text_count / self.message_count as usize
    }

    /// What comes after the step just written; `None` when that was the last.
    pub(super) fn following(&self) -> Option<Step> {
        match self.next {
            Step::Close => None,
            _ if self.messages_left > 0 => Some(Step::Message),
            Step::Start | Step::Message if self.cancel => Some(Step::CancelRequest),
            _ if self.ending == Ending::Never => None,
            _ => Some(Step::Close),
        }
    }
}
