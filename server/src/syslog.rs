//! Syslog listeners of the configuration: what `ingest` decodes goes into the log as everything else does.

use crate::config::Config;
use crate::ingest::syslog::listen::{Appending, Bound, Loss, Sink};
use crate::run::StartError;
use crate::server::Server;
use sealog_engine::batch::Batch;
use sealog_engine::clock::System;
use sealog_engine::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How soon a batch that found no room is tried again.
const WAIT: Duration = Duration::from_millis(200);

/// Opens every listener's socket.
///
/// # Errors
/// A key of the configuration that cannot be used, a socket that cannot be opened.
pub(crate) async fn bind(config: &Config, server: &Arc<Server>) -> Result<Vec<Bound>, StartError> {
    let mut bound = Vec::with_capacity(config.syslog.len());
    for (index, own) in config.syslog.iter().enumerate() {
        let read = |path: &std::path::Path| std::fs::read(path);
        let listener = own.check(index, &read).map_err(|error| StartError::Syslog(error.to_string()))?;
        let sink = Arc::new(Log(Arc::clone(server)));
        let opened = listener.bind(sink, Arc::new(System)).await;
        bound.push(opened.map_err(|error| StartError::Listen(own.listen, error))?);
    }
    Ok(bound)
}

struct Log(Arc<Server>);

impl Sink for Log {
    fn append(&self, batch: Batch) -> Appending<'_> {
        Box::pin(async move {
            loop {
                let (server, own) = (Arc::clone(&self.0), batch.clone());
                let entries = own.len() as u64;
                let appended = self.0.work.append(move || server.store.append(own)).await;
                match appended {
                    Ok(Ok(_)) => {
                        self.0.metrics.entries.fetch_add(entries, Ordering::Relaxed);
                        return Ok(());
                    }
                    // Senders are stopped by their own systems meanwhile, or their datagrams counted as lost.
                    Ok(Err(Error::Full { .. })) | Err(_) => tokio::time::sleep(WAIT).await,
                    Ok(Err(error)) => {
                        self.0.note_failure(&error);
                        return Err(error);
                    }
                }
            }
        })
    }

    fn lost(&self, loss: &Loss<'_>) {
        let peer = loss.peer.map_or_else(String::new, |peer| format!(" from {peer}"));
        // There is nowhere else to say it.
        let _ = writeln!(
            std::io::stderr(),
            "sealog: syslog {}: {} messages{peer} were not taken: {}",
            loss.listener,
            loss.count,
            loss.reason.escape_debug()
        );
    }
}
