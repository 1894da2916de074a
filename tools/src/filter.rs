//! From the words of a filter to the engine's.

use crate::cli::{ClockName, Filters, LogName, WindowArgs};
use crate::failure::Failure;
use sealog_engine::model::{Severity, Timestamp, Window};
use sealog_engine::scan::{Filter, Log, Text, TimeField};

/// What a filter asks for. `now` is what `--last` counts back from.
pub fn filter(args: &Filters, now: Timestamp) -> Result<Filter, Failure> {
    let log = match args.log {
        LogName::All => Log::All,
        LogName::Audit => Log::Audit,
        LogName::Process => Log::Process,
        LogName::Customer => Log::Customer,
    };
    let texts = |name: &str, values: &[String]| -> Result<Vec<Text>, Failure> {
        values
            .iter()
            .map(|value| Text::new(value).map_err(|error| Failure::Input(format!("{name}: {error}"))))
            .collect()
    };
    let named = (!args.severity.is_empty()).then(|| args.severity.clone());
    let severities = match args.min_severity {
        None => named,
        // Different filters mean both, so this may leave none.
        Some(least) => {
            let among = named.unwrap_or_else(|| Severity::ALL.to_vec());
            Some(among.into_iter().filter(|severity| *severity >= least).collect())
        }
    };
    let by = match args.by {
        ClockName::LoggedAt => TimeField::LoggedAt,
        ClockName::GeneratedAt => TimeField::GeneratedAt,
    };
    Ok(Filter {
        log,
        tenants: args.tenant.clone(),
        organizations: args.organization.clone(),
        services: args.service.clone(),
        severities,
        activities: args.activity.clone(),
        actor_ids: args.actor_id.clone(),
        object_ids: args.object_id.clone(),
        items: texts("--item", &args.item)?,
        request_ids: args.request_id.clone(),
        configuration_ids: args.configuration_id.clone(),
        processes: args.process.clone(),
        successes: args.success.clone(),
        searches: texts("--search", &args.search)?,
        window: window(&args.window, now)?,
        by,
    })
}

/// The stretch of time that was asked for.
pub fn window(args: &WindowArgs, now: Timestamp) -> Result<Window, Failure> {
    let from = args.last.map(|stretch| now.saturating_add(-stretch)).or(args.from);
    if let (Some(from), Some(to)) = (from, args.to)
        && from > to
    {
        return Err(Failure::Input(format!("--from {from} lies after --to {to}: expected an earlier time")));
    }
    Ok(Window { from, to: args.to })
}

/// A word of the contract that this version does not do.
pub fn not_yet(what: &str, why: &str) -> Failure {
    Failure::Input(format!("{what} is not in this version: {why}"))
}
