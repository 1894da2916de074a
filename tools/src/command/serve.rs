//! `sealog serve`: a store over HTTP, until it is told to stop.

use super::{check_directory, close_failed, config, open_store};
use crate::cli::Serve;
use crate::failure::{Failure, Outcome};
use crate::output::terminal::note;
use sealog_engine::store::Store;
use sealog_server::{Config, StartError, Started};
use std::path::{Path, PathBuf};

pub fn run(args: &Serve) -> Outcome {
    check_directory(&args.data)?;
    let mut config = match &args.config {
        Some(file) => config::read(file)?,
        None => config::usual()?,
    };
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    config.check().map_err(|error| Failure::Input(error.to_string()))?;
    let configured = (!config.instance.is_empty()).then(|| config.instance.clone());
    let store = open_store(&args.data, args.instance.as_deref().or(configured.as_deref()))?;
    let started = start(store, &args.data, config, args.ui_dir.clone())?;
    note(&format!("listening on {}", origin(&started)));
    started.wait(std::future::pending());
    note("stopping: requests under way end first");
    stop(started)
}

/// Starts a server on a store.
pub fn start(
    store: Store,
    directory: &Path,
    config: Config,
    pages: Option<PathBuf>,
) -> Result<Started, Failure> {
    sealog_server::start(store, directory, config, pages).map_err(|error| match error {
        StartError::Tls(_) | StartError::Syslog(_) => Failure::Input(error.to_string()),
        StartError::Listen(..) | StartError::Io(..) | StartError::Keys(_) => {
            Failure::Impossible(error.to_string())
        }
    })
}

/// Stops it cleanly.
pub fn stop(started: Started) -> Outcome {
    started.stop().map_err(close_failed)
}

/// Where people find it.
pub fn origin(started: &Started) -> String {
    let scheme = if started.server.has_tls() { "https" } else { "http" };
    format!("{scheme}://{}", started.address)
}
