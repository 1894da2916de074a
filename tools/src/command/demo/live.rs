//! Producers that go on while the demo runs: entries as their time comes, among them processes that begin and end.

use crate::generate::{Generator, Plan};
use sealog_engine::batch::Batch;
use sealog_engine::clock::{Clock, System};
use sealog_engine::model::{Accept, Actor, Entry, Process, ProcessEvent, Severity, parse_entry};
use sealog_engine::process::{Process as Shown, ProcessFilter, Status};
use sealog_engine::scan::Scope;
use sealog_server::Server;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// About four a second, by day more than at night.
const ENTRIES_PER_DAY: u64 = 345_600;
const DAY_NS: i64 = 86_400_000_000_000;
/// Other than that of the store's past, so that no ID comes twice.
const SEED: u64 = 4_242;
/// How often it is looked what is due.
const INTERVAL: Duration = Duration::from_millis(400);
/// A process of the demo's own takes so many steps.
const STEPS: u64 = 12;

/// Producers in a thread of their own.
pub struct Producers {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Producers {
    /// Starts them.
    pub fn start(server: Arc<Server>) -> io::Result<Producers> {
        let (stop, stopped) = channel();
        let produce = move || {
            let mut generated = Generated::new();
            let mut number = 0;
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                number += 1;
                // A demo goes on whatever happens to one batch.
                let _ = server.store().append(generated.due(System.wall_ns()));
                if let Some(batch) = own_process(&server, number) {
                    let _ = server.store().append(batch);
                }
            }
        };
        let thread = std::thread::Builder::new().name("sealog-demo-live".to_owned()).spawn(produce)?;
        Ok(Producers { stop, thread })
    }

    /// Ends them.
    pub fn stop(self) {
        // It hears of it by the channel that is gone, too.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// A stream of entries that are due as time passes.
struct Generated {
    generator: Generator,
    line: Vec<u8>,
}

impl Generated {
    fn new() -> Generated {
        let plan = Plan {
            entries: ENTRIES_PER_DAY,
            seed: SEED,
            tenants: 200,
            days: 1,
            end_ns: System.wall_ns() + DAY_NS,
            ..Plan::default()
        };
        Generated { generator: Generator::new(&plan), line: Vec::new() }
    }

    /// Entries whose time has come.
    fn due(&mut self, now_ns: i64) -> Batch {
        let mut batch = Batch::new();
        loop {
            if self.line.is_empty() && !self.generator.next_line(&mut self.line) {
                return batch;
            }
            let Ok(entry) = parse_entry(&self.line, Accept::Entry) else { return batch };
            if entry.generated_at.is_some_and(|time| time.nanos() > now_ns) {
                return batch;
            }
            let _ = batch.push(&entry);
            self.line.clear();
        }
    }
}

/// A synchronization that runs now, step by step, and stops when somebody cancels it.
fn own_process(server: &Server, number: u64) -> Option<Batch> {
    let (run, step) = (number / (2 * STEPS), number % (2 * STEPS));
    let id = format!("demo-sync-{run}");
    let (event, severity, message) = match step {
        1 => (ProcessEvent::Started, Severity::Information, "Synchronization started".to_owned()),
        _ if step.is_multiple_of(2) && step > 0 && step < 2 * STEPS - 2 => match cancelling(server, &id) {
            Some(true) => {
                (ProcessEvent::Cancelled, Severity::Warning, "Stopped because it was asked to".to_owned())
            }
            Some(false) => {
                let severity = if step == 14 { Severity::Warning } else { Severity::Information };
                (
                    ProcessEvent::Message,
                    severity,
                    format!("Read page {} of {STEPS} of the directory", step / 2),
                )
            }
            None => return None,
        },
        _ if step == 2 * STEPS - 1 && cancelling(server, &id).is_some() => (
            ProcessEvent::Finished,
            Severity::Information,
            "Synchronized 312 users, 4 of them new".to_owned(),
        ),
        _ => return None,
    };
    let entry = Entry {
        tenant: "northwind".into(),
        service: "directory-sync".into(),
        activity: "Synchronize Directory".into(),
        actor: Actor { kind: "service".into(), id: "directory-sync".into(), name: "".into() },
        configuration_id: "ds-1".into(),
        request_id: format!("demo-{run}").into(),
        severity,
        message: message.into(),
        process: Some(Process { id: id.into(), parent: "".into(), event }),
        ..Entry::default()
    };
    let mut batch = Batch::new();
    batch.push(&entry).ok()?;
    Some(batch)
}

/// Whether a process that runs was asked to stop; none if it does not run.
fn cancelling(server: &Server, id: &str) -> Option<bool> {
    let filter =
        ProcessFilter { activities: vec!["Synchronize Directory".to_owned()], ..ProcessFilter::default() };
    let everything = Scope::everything();
    let page = server.store().processes().list(&everything, &filter, None, 50).ok()?;
    let is_it = |process: &&Shown| &*process.id == id;
    let process = page.processes.iter().find(is_it)?;
    matches!(process.status, Status::Running | Status::CancelRequested).then_some(process.is_cancel_requested)
}
