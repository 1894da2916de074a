//! From the words of a filter to the engine's.

use crate::cli::{ClockName, Filters, LogName, WindowArgs};
use crate::failure::Failure;
use sealog_engine::model::{Timestamp, Window};
use sealog_engine::scan::{Filter, Log, TimeField, WordError, Words};

/// The words that were typed.
pub fn words(args: &Filters) -> Words {
    let log = match args.log {
        LogName::All => Log::All,
        LogName::Audit => Log::Audit,
        LogName::Process => Log::Process,
        LogName::Customer => Log::Customer,
    };
    let by = match args.by {
        ClockName::LoggedAt => TimeField::LoggedAt,
        ClockName::GeneratedAt => TimeField::GeneratedAt,
    };
    Words {
        log: Some(log),
        tenant: args.tenant.clone(),
        organization: args.organization.clone(),
        service: args.service.clone(),
        severity: args.severity.clone(),
        min_severity: args.min_severity,
        activity: args.activity.clone(),
        actor_id: args.actor_id.clone(),
        object_id: args.object_id.clone(),
        item: args.item.clone(),
        request_id: args.request_id.clone(),
        configuration_id: args.configuration_id.clone(),
        process: args.process.clone(),
        success: args.success.clone(),
        search: args.search.clone(),
        last: args.window.last,
        from: args.window.from,
        to: args.window.to,
        by: Some(by),
    }
}

/// What a filter asks for. `now` is what `--last` counts back from.
pub fn filter(args: &Filters, now: Timestamp) -> Result<Filter, Failure> {
    words(args).filter(now).map_err(refused)
}

/// The stretch of time that was asked for.
pub fn window(args: &WindowArgs, now: Timestamp) -> Result<Window, Failure> {
    let words = Words { last: args.last, from: args.from, to: args.to, ..Words::default() };
    words.window(now).map_err(refused)
}

fn refused(error: WordError) -> Failure {
    Failure::Input(format!("--{}: {}", error.name.replace('_', "-"), error.detail))
}

/// A word of the contract that this version does not do.
pub fn not_yet(what: &str, why: &str) -> Failure {
    Failure::Input(format!("{what} is not in this version: {why}"))
}
