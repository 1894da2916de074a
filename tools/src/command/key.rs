//! `sealog key`: API keys of a store, also while a server runs on it.

use super::{check_directory, output, print};
use crate::cli::{KeyCommand, KeyList, KeyNew, KeyRevoke};
use crate::failure::{Failure, Outcome};
use crate::output::table::{bad, faint, good, plain};
use crate::output::terminal::{note, printable};
use sealog_engine::clock::{Clock, System};
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::error::Error;
use sealog_engine::identity;
use sealog_engine::model::Timestamp;
use sealog_engine::scan::words::{parse_stretch, parse_time};
use sealog_engine::store::{Options, create};
use sealog_server::access::key::WireTime;
use sealog_server::access::{Key, KeyError, KeyFile, KeyPlan};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

pub fn run(command: &KeyCommand) -> Outcome {
    match command {
        KeyCommand::New(args) => make(args),
        KeyCommand::List(args) => list(args),
        KeyCommand::Revoke(args) => revoke(args),
    }
}

/// The keys of a store; one that is not there is made if `creates`.
fn open(directory: &Path, creates: bool) -> Result<KeyFile, Failure> {
    check_directory(directory)?;
    let disk = DirectoryDisk::new(directory);
    match identity::read(&disk) {
        Err(Error::NotAStore { .. }) if creates => match create(&disk, &Options::default()) {
            // Somebody else made it meanwhile.
            Ok(_) | Err(Error::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    Ok(KeyFile::new(Arc::new(disk)))
}

fn failed(error: KeyError) -> Failure {
    match error {
        KeyError::Plan(_) | KeyError::Unknown(_) => Failure::Input(error.to_string()),
        KeyError::Damaged(..) => Failure::Damage(error.to_string()),
        KeyError::Locked(_) | KeyError::Io(..) | KeyError::Full => Failure::Impossible(error.to_string()),
    }
}

fn now() -> Timestamp {
    Timestamp::from_nanos(System.wall_ns())
}

/// A time, or how long from now.
fn expiry(text: &str) -> Result<Timestamp, Failure> {
    let time = parse_stretch(text).map(|stretch| now().saturating_add(stretch));
    let time = time.or_else(|_| parse_time(text)).map_err(|_| {
        Failure::Input(format!("--expires: expected a stretch such as 90d or a time, found {text:?}"))
    })?;
    if time <= now() {
        return Err(Failure::Input(format!("--expires: expected a time to come, found {time}")));
    }
    Ok(time)
}

fn make(args: &KeyNew) -> Outcome {
    let plan = KeyPlan {
        roles: args.role.clone(),
        services: args.service.clone(),
        tenants: args.tenant.clone(),
        organizations: args.organization.clone(),
        peers: args.peer.clone(),
        grants: args.grant.clone(),
        expires: args.expires.as_deref().map(expiry).transpose()?.map(WireTime),
    };
    plan.check().map_err(|error| Failure::Input(format!("--{error}")))?;
    let (_, text) = open(&args.data, true)?.make(&plan).map_err(failed)?;
    print(format!("{text}\n").as_bytes())
}

fn list(args: &KeyList) -> Outcome {
    let keys = open(&args.data, false)?.list().map_err(failed)?;
    let mut out = output();
    let written = if args.json {
        keys.iter().try_for_each(|key| {
            let mut shown = serde_json::to_value(key)?;
            if let Some(shown) = shown.as_object_mut() {
                shown.remove("hash");
                shown.insert("live".to_owned(), key.is_live(now()).into());
            }
            crate::output::json::write(&mut out, &shown)?;
            writeln!(out)
        })
    } else if keys.is_empty() {
        Ok(())
    } else {
        let header = ["ID", "", "ROLES", "TENANTS", "SERVICES", "CREATED", "EXPIRES"];
        writeln!(out, "{}", plain(&header, keys.iter().map(row).collect(), &[]))
    };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

fn row(key: &Key) -> Vec<String> {
    let names = |names: &[String]| {
        if names.is_empty() { faint("all".to_owned()) } else { printable(&names.join(" ")) }
    };
    let state = match (&key.revoked, key.is_live(now())) {
        (Some(_), _) => bad("revoked"),
        (None, true) => good("live"),
        (None, false) => bad("expired"),
    };
    let roles: Vec<&str> = key.roles.iter().map(|role| role.name()).collect();
    let day = |time: &WireTime| time.0.to_string().get(..10).unwrap_or_default().to_owned();
    vec![
        printable(&key.id),
        state,
        roles.join(" "),
        names(&key.tenants),
        names(&key.services),
        day(&key.created),
        key.expires.as_ref().map_or("–".to_owned(), day),
    ]
}

fn revoke(args: &KeyRevoke) -> Outcome {
    let key = open(&args.data, false)?.revoke(&args.id).map_err(failed)?;
    note(&format!("{} is revoked; running servers refuse it within a second", key.id));
    Ok(())
}
