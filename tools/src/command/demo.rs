//! `sealog demo`: a temporary store with ten lifelike days, the server on it, a sign-in link for each role, and producers
//! that go on.

mod clock;
mod fill;
mod live;
pub mod temporary;

use super::serve::{origin, start};
use super::{config, tour};
use crate::cli::Demo;
use crate::failure::{Failure, Outcome};
use crate::output::table::{bold, faint};
use crate::output::terminal::note;
use clock::DemoClock;
use fill::Filled;
use live::Producers;
use sealog_engine::store::{Options, Store};
use sealog_server::access::{Grant, KeyPlan, Role};
use sealog_server::{Server, Started};
use std::io::{self, Write};
use std::sync::Arc;
use temporary::TemporaryDirectory;

pub fn run(args: &Demo) -> Outcome {
    if args.tour {
        return tour::run(args);
    }
    let directory = TemporaryDirectory::new()?;
    let result = serve(args, &directory);
    directory.end_if_interrupted();
    result
}

fn serve(args: &Demo, temporary: &TemporaryDirectory) -> Outcome {
    let mut config = config::usual()?;
    config.listen = args.listen;
    config.process_type = process_types();
    config.check().map_err(|error| Failure::Input(error.to_string()))?;
    let clock = Arc::new(DemoClock::default());
    let own: Arc<DemoClock> = Arc::clone(&clock);
    let store = temporary.make(|directory| {
        let options = Options { clock: own, ..Options::default() };
        Store::open(directory, options)
    })?;
    let filled = fill::fill(&store, &clock, args.entries)?;
    clock.follow();
    let started = start(store, temporary.path(), config, args.ui_dir.clone())?;
    if let Err(error) = started.server.put_names(filled.names.clone()) {
        note(&format!("names could not be kept: {error}"));
    }
    tell(&started, &filled)?;
    let producers = Producers::start(Arc::clone(&started.server))
        .map_err(|error| Failure::io("could not start a thread", &error))?;
    started.wait(std::future::pending());
    producers.stop();
    // Nothing of the store is kept, so nothing of its end matters.
    let _ = started.stop();
    Ok(())
}

/// One type of processes is cancelled elsewhere, and has a page to test its connection at, as on a real platform.
fn process_types() -> Vec<sealog_server::config::ProcessType> {
    vec![sealog_server::config::ProcessType {
        activity: "Empty Archive Mailbox".to_owned(),
        cancel: false,
        cancel_link: "/processes".to_owned(),
        test_link: String::new(),
    }]
}

/// Makes a key for each role, and prints a link for each.
fn tell(started: &Started, filled: &Filled) -> Outcome {
    let origin = origin(started);
    let largest = filled.largest_tenants();
    let first = largest.first().cloned().unwrap_or_else(|| "acme".to_owned());
    let people = [
        ("auditor", plan(&[Role::Auditor])),
        ("admin", plan(&[Role::Admin])),
        (
            "customer",
            KeyPlan { tenants: vec![first.clone()], grants: vec![Grant::Clear], ..plan(&[Role::Customer]) },
        ),
        (
            "everything",
            KeyPlan { tenants: Vec::new(), ..plan(&[Role::Auditor, Role::Admin, Role::Producer]) },
        ),
    ];
    let mut lines = vec![
        bold("Sealog: an append-only log that proves what it holds"),
        faint(
            "Links sign in once, within ten minutes; the key signs in at any time. Ctrl-C ends it and removes all.",
        ),
        String::new(),
    ];
    for (name, plan) in people {
        let (key, text) = make(&started.server, &plan)?;
        let link = started.server.sign_in_link(&origin, &key);
        let link = link.map_err(|error| Failure::io("could not draw a code", &error))?;
        let of = plan.tenants.first().map_or(String::new(), |tenant| format!(" of {tenant}"));
        lines.push(format!("{}{of}", bold(name)));
        lines.push(format!("  {link}"));
        lines.push(faint(format!("  {text}")));
    }
    let (_, producer) = make(&started.server, &plan(&[Role::Producer]))?;
    lines.push(String::new());
    lines.push(faint("A producer's key, and an entry:"));
    lines.push(format!(
        "  curl {origin}/api/v1/entries -H 'Authorization: Bearer {producer}' -H 'Content-Type: application/json' \
         -d '{{\"tenant\":\"{first}\",\"service\":\"demo\",\"activity\":\"Hello\",\"message\":\"from curl\"}}'"
    ));
    let mut out = io::stdout().lock();
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    written.map_err(|error| Failure::output(&error))
}

fn plan(roles: &[Role]) -> KeyPlan {
    KeyPlan { roles: roles.to_vec(), ..KeyPlan::default() }
}

fn make(server: &Server, plan: &KeyPlan) -> Result<(String, String), Failure> {
    let keys = server.keys();
    let made = keys.file().make(plan).and_then(|made| keys.reload().map(|()| made));
    made.map(|(key, text)| (key.id, text)).map_err(|error| Failure::Impossible(error.to_string()))
}
