//! Processes: runs of a script, of which many are under way at once, their entries mixed into the stream.
//!
//! ```text
//! line        3        9   14        31  33     40             52
//! sync        started ---- message ------ message finished
//!   archive            started ---- message ------------------- finished     late: the parent has finished already
//! ```
//!
//! Steps are planned in lines, not in time, so that what happens doesn't depend on how many lines a plan has.
//! Memory is bounded: a run leaves its slot with its last entry, and no run starts while all slots are taken.
//! Some runs never finish; they too leave their slot after the last message.

use super::actor::Who;
use super::entry::{self, Attributes, Head, Platform, Severity, Turn};
use super::json::text;
use super::random::Random;
use super::run::{Ending, Run, Step};
use super::script::{SCRIPTS, Script};
use super::template::{NO_CHANGE, Scene, Template};

use super::zipf::Alias;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// More runs than are ever under way at the usual share of process entries; a limit, not a target.
const RUN_COUNT_MAX: usize = 1024;

/// Everything that plays processes.
#[derive(Clone, Debug)]
pub(super) struct Processes {
    starts: Alias,
    texts: Vec<Texts>,
    runs: Vec<Run>,
    /// Slots in `runs` that no run holds.
    free: Vec<usize>,
    /// Which slot's run goes on at which line, the earliest on top. Every slot is either here or free.
    planned: BinaryHeap<Reverse<(u64, usize)>>,
    /// How many processes have begun; the next one's number.
    count: u64,
}

/// A script's templates.
#[derive(Clone, Debug)]
struct Texts {
    started: Vec<Template>,
    messages: Vec<Template>,
    troubles: Vec<Template>,
    finished: Vec<Template>,
    failed: Vec<Template>,
    disconnected: Vec<Template>,
    cancel_requested: Vec<Template>,
    cancelled: Vec<Template>,
}

impl Processes {
    /// Prepares tables and texts.
    pub(super) fn new() -> Self {
        let weights: Vec<u64> = SCRIPTS.iter().map(|script| script.weight).collect();
        let texts = |script: &Script| Texts {
            started: Template::all(script.started),
            messages: Template::all(script.messages),
            troubles: Template::all(script.troubles),
            finished: Template::all(script.finished),
            failed: Template::all(script.failed),
            disconnected: Template::all(script.disconnected),
            cancel_requested: Template::all(&[
                "Cancelling was requested by {user} ({user.id})",
                "Cancel requested",
            ]),
            cancelled: Template::all(&["Cancelled before the end, what was done stays done", "Cancelled"]),
        };
        Self {
            starts: Alias::new(&weights),
            texts: SCRIPTS.iter().map(texts).collect(),
            runs: Vec::new(),
            free: Vec::new(),
            planned: BinaryHeap::new(),
            count: 0,
        }
    }

    /// Whether a run and a first sub-process can start.
    pub(super) fn has_room(&self) -> bool {
        self.runs.len() - self.free.len() + 2 <= RUN_COUNT_MAX
    }

    /// Appends the entry of a run whose turn it is; false if no run is due at this line.
    pub(super) fn write_due(&mut self, turn: &Turn<'_>, random: &mut Random, out: &mut Vec<u8>) -> bool {
        match self.planned.peek() {
            Some(&Reverse((due, slot))) if due <= turn.line => {
                self.planned.pop();
                self.write_step(slot, turn, random, out);
                true
            }
            _ => false,
        }
    }

    /// Starts a process and appends its first entry; at times a sub-process's first entry overtakes it.
    pub(super) fn write_start(&mut self, turn: &Turn<'_>, random: &mut Random, out: &mut Vec<u8>) {
        let index = self.starts.draw(random) as usize;
        let run = Run::draw(index, self.take_number(), turn, random);
        let overtaking = run.children_left > 0 && random.chance(80);
        let child = if overtaking { self.child(&run, random) } else { None };
        let Some(child) = child else {
            let slot = self.place(run);
            self.write_step(slot, turn, random, out);
            return;
        };
        let early_ns = i64::from(random.between((5_000, 400_000))) * 1000;
        let parent = Run {
            started_ns: Some(turn.now_ns.saturating_sub(early_ns)),
            children_left: run.children_left - 1,
            ..run
        };
        let parent_slot = self.place(parent);
        self.planned.push(Reverse((turn.line + u64::from(random.between((1, 4))), parent_slot)));
        let slot = self.place(child);
        self.write_step(slot, turn, random, out);
    }

    /// A sub-process, if the run's script has any; it takes one of the run's `children_left`.
    fn child(&mut self, parent: &Run, random: &mut Random) -> Option<Run> {
        let (script, _) = SCRIPTS[parent.script].children?;
        Some(parent.child(script, self.take_number(), random))
    }

    fn take_number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Puts a run into a slot.
    fn place(&mut self, run: Run) -> usize {
        if let Some(slot) = self.free.pop() {
            self.runs[slot] = run;
            slot
        } else {
            self.runs.push(run);
            self.runs.len() - 1
        }
    }

    /// Appends the next entry of a run and plans the one after it, or frees the slot.
    fn write_step(&mut self, slot: usize, turn: &Turn<'_>, random: &mut Random, out: &mut Vec<u8>) {
        self.runs[slot].started_ns.get_or_insert(turn.now_ns);
        let run = self.runs[slot];
        self.write_entry(&run, turn, random, out);
        if run.next == Step::Message && run.children_left > 0 && random.chance(700) && self.has_room() {
            self.runs[slot].children_left -= 1;
            if let Some(child) = self.child(&run, random) {
                let child_slot = self.place(child);
                self.planned.push(Reverse((turn.line + u64::from(random.between((1, 4))), child_slot)));
            }
        }
        let run = &mut self.runs[slot];
        match run.following() {
            Some(next) => {
                run.messages_left -= u32::from(next == Step::Message);
                run.next = next;
                let gap = random.between(SCRIPTS[run.script].gap) * run.slowness;
                self.planned.push(Reverse((turn.line + u64::from(gap), slot)));
            }
            None => self.free.push(slot),
        }
    }

    fn write_entry(&self, run: &Run, turn: &Turn<'_>, random: &mut Random, out: &mut Vec<u8>) {
        let script = &SCRIPTS[run.script];
        let scene = Scene { tenant: run.tenant, actor: run.actor, object: run.object, change: NO_CHANGE };
        let (event, severity, words) = self.draw_words(run, random);
        // A start that was overtaken still says when the process started.
        let started_ns = run.started_ns.unwrap_or(turn.now_ns);
        let generated_at_ns = if run.next == Step::Start { started_ns } else { turn.now_ns };

        let head = Head {
            tenant: run.tenant,
            organization: run.organization,
            component: script.component,
            line: turn.line,
            generated_at_ns,
            severity,
            activity: script.activity,
        };
        turn.platform.begin(out, &head);
        match run.next {
            Step::Start => entry::actor(out, &head, run.actor),
            Step::CancelRequest => {
                entry::actor(out, &head, Who::Person.draw(run.tenant, script.component, random));
            }
            Step::Message | Step::Close => {}
        }
        // Messages say by their process what they are about.
        if run.next != Step::Message {
            entry::object(out, &head, run.object);
        }
        entry::request(out, run.request);
        if let Some(configuration) = run.configuration
            && run.next != Step::Message
        {
            entry::configuration(out, configuration);
        }
        let closing = run.next == Step::Close;
        if closing && run.ending != Ending::Cancelled {
            entry::success(out, run.ending == Ending::Finished);
        }
        entry::message(out, &[words], &scene, random);
        // The customer log shows closing entries of top-level processes, and these columns with them.
        if closing && run.parent.is_none() {
            entry::started_and_finished(out, started_ns, turn.now_ns, script.component.precision());
        }
        write_process(turn.platform, run, event, out);
        if closing
            && run.ending == Ending::Finished
            && let Some(download) = script.download
        {
            entry::artifact(out, download, random);
        }
        if closing && run.ending == Ending::Disconnected {
            let mut attributes = Attributes::new();
            attributes.key(out, "error.type");
            text(out, "connection");
            attributes.end(out);
        }
        entry::end(out);
    }

    /// The event of a run's next entry, its severity, and what it says.
    fn draw_words(&self, run: &Run, random: &mut Random) -> (&'static str, Severity, &Template) {
        let texts = &self.texts[run.script];
        let (event, severity, choice) = match (run.next, run.ending) {
            (Step::Start, _) => ("started", Severity::Information, &texts.started),
            (Step::Message, _) => {
                let severity = match random.below(1000) {
                    0..100 => Severity::Debug,
                    100..112 => Severity::Trace,
                    112..240 => return ("message", Severity::Warning, random.pick(&texts.troubles)),
                    240..250 => return ("message", Severity::Error, random.pick(&texts.troubles)),
                    _ => Severity::Information,
                };
                return ("message", severity, &texts.messages[run.message_index(texts.messages.len())]);
            }
            (Step::CancelRequest, _) => ("cancel_requested", Severity::Information, &texts.cancel_requested),
            (Step::Close, Ending::Failed) if random.chance(60) => ("failed", Severity::Fatal, &texts.failed),
            (Step::Close, Ending::Failed) => ("failed", Severity::Error, &texts.failed),
            (Step::Close, Ending::Disconnected) => ("failed", Severity::Error, &texts.disconnected),
            (Step::Close, Ending::Cancelled) => ("cancelled", Severity::Warning, &texts.cancelled),
            (Step::Close, Ending::Finished | Ending::Never) => {
                ("finished", Severity::Information, &texts.finished)
            }
        };
        (event, severity, random.pick(choice))
    }
}

/// Appends `process`.
fn write_process(platform: &Platform, run: &Run, event: &str, out: &mut Vec<u8>) {
    text(out, ",\"process\":{\"id\":\"p-");
    platform.write_id(out, run.number);
    if let Some(parent) = run.parent {
        text(out, "\",\"parent\":\"p-");
        platform.write_id(out, parent);
    }
    text(out, "\",\"event\":\"");
    text(out, event);
    text(out, "\"}");
}
