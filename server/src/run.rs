//! From a socket to a clean stop.

use crate::access::{KeyError, Keys, Sessions};
use crate::config::{Config, Tls};
use crate::http::accept::{self, Bounds, stopped};
use crate::http::body::Memory;
use crate::names::Names;
use crate::server::Server;
use crate::syslog;
use crate::work::Work;
use parking_lot::Mutex;
use sealog_engine::disk::{DirectoryDisk, Disk};
use sealog_engine::store::Store;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// What keeps a server from starting.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("could not listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// Threads, files.
    #[error("could not {0}: {1}")]
    Io(&'static str, #[source] std::io::Error),
    /// Keys that do not read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Certificates that are none.
    #[error("tls: expected a certificate chain and its private key as PEM, found {0}")]
    Tls(String),
    /// A syslog listener that cannot be.
    #[error("{0}")]
    Syslog(String),
}

/// How long requests under way have when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// How soon it is seen that a key was revoked.
const KEYS_LOOK: Duration = Duration::from_millis(250);
/// How often refusals of a past minute are looked for.
const REFUSALS_LOOK: Duration = Duration::from_secs(5);
/// How long somebody waits for the next commit before they look whether the server stops.
const ARRIVALS_WAIT: Duration = Duration::from_millis(200);

/// A server that runs.
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// It.
    pub server: Arc<Server>,
    runtime: Runtime,
    stop: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
    watching: JoinHandle<()>,
    listening: Vec<tokio::task::JoinHandle<()>>,
}

/// Starts a server on a store, in threads of its own.
///
/// # Errors
/// What keeps it from starting; nothing runs then.
pub fn start(
    store: Store,
    directory: &Path,
    config: Config,
    pages: Option<PathBuf>,
) -> Result<Started, StartError> {
    let disk: Arc<dyn Disk> = Arc::new(DirectoryDisk::new(directory));
    let keys = Keys::open(Arc::clone(&disk))?;
    let names = Names::open(Arc::clone(&disk)).map_err(|error| StartError::Io("read the names", error))?;
    let tls = if config.has_tls() { Some(acceptor(&config.tls)?) } else { None };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("sealog-http")
        .max_blocking_threads(Work::threads(&config.limits))
        .build()
        .map_err(|error| StartError::Io("start threads", error))?;
    let listener = runtime
        .block_on(TcpListener::bind(config.listen))
        .map_err(|error| StartError::Listen(config.listen, error))?;
    let address = listener.local_addr().map_err(|error| StartError::Listen(config.listen, error))?;
    let (stop, is_stopped) = watch::channel(false);
    let (arrived, arrivals) = watch::channel(i64::MIN);
    let store = Arc::new(store);
    let bounds = Bounds {
        connections: config.limits.connections,
        header_time: Duration::from_secs(config.limits.header_seconds),
        drain_time: DRAIN,
    };
    let server = Arc::new(Server {
        store: Arc::clone(&store),
        pages,
        keys,
        sessions: Sessions::default(),
        work: Work::new(&config.limits),
        memory: Memory::new(config.limits.body_memory_bytes),
        metrics: crate::metrics::Metrics::default(),
        rates: crate::rates::Rates::new(&config.rates),
        names,
        disk,
        arrivals,
        stop: is_stopped.clone(),
        is_poisoned: AtomicBool::new(false),
        refusals: crate::reads::Refusals::default(),
        verified: Mutex::new(None),
        config,
    });
    let bound = runtime.block_on(syslog::bind(&server.config, &server))?;
    let listening = bound.into_iter().map(|own| runtime.spawn(own.run(is_stopped.clone()))).collect();
    let own_stop = is_stopped.clone();
    let watching = std::thread::Builder::new()
        .name("sealog-arrivals".to_owned())
        .spawn(move || watch_arrivals(&store, &arrived, &own_stop))
        .map_err(|error| StartError::Io("start a thread", error))?;
    runtime.spawn(look_after(Arc::clone(&server), is_stopped.clone()));
    let own = Arc::clone(&server);
    let answer = move |request, peer| Arc::clone(&own).answer(request, peer);
    let accepting = runtime.spawn(accept::serve(listener, tls, bounds, is_stopped, answer));
    Ok(Started { address, server, runtime, stop, accepting, watching, listening })
}

impl Started {
    /// Waits for SIGTERM or SIGINT, or until `other` is done.
    pub fn wait(&self, other: impl Future<Output = ()>) {
        self.runtime.block_on(async {
            let terminated = async {
                use tokio::signal::unix::{SignalKind, signal};
                match signal(SignalKind::terminate()) {
                    Ok(mut signal) => {
                        signal.recv().await;
                    }
                    // Then only an interrupt stops it.
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                () = terminated => {}
                _ = tokio::signal::ctrl_c() => {}
                () = other => {}
            }
        });
    }

    /// Stops cleanly: takes no more connections, lets requests under way end, and closes the store.
    ///
    /// # Errors
    /// What the store could not do; everything acknowledged is durable all the same.
    pub fn stop(self) -> Result<(), sealog_engine::error::Error> {
        let Started { server, runtime, stop, accepting, watching, listening, .. } = self;
        // Everybody who waits sees it; nobody may be left to.
        let _ = stop.send(true);
        let _ = runtime.block_on(accepting);
        for listener in listening {
            // What it read is durable then.
            let _ = runtime.block_on(async { tokio::time::timeout(DRAIN, listener).await });
        }
        runtime.shutdown_timeout(DRAIN);
        // It has no work left and does not panic; a panic is reported by the runtime.
        let _ = watching.join();
        server.note_refusals(true);
        let store = Arc::clone(&server.store);
        drop(server);
        match Arc::try_unwrap(store) {
            Ok(store) => store.close(),
            // A request that would not end holds it; the process ends all the same, and the next start recovers.
            Err(_) => Ok(()),
        }
    }
}

/// Tells everybody who follows the log that it grew.
fn watch_arrivals(store: &Store, arrived: &watch::Sender<i64>, stop: &watch::Receiver<bool>) {
    let mut seen = None;
    while !*stop.borrow() {
        if store.view().wait_behind(seen, ARRIVALS_WAIT) {
            seen = store.view().settled();
            arrived.send_replace(seen.map_or(i64::MIN, |seen| seen.nanos()));
        }
    }
}

/// Takes in what changed about keys, and notes refusals, now and then.
async fn look_after(server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    let mut refusals_due = tokio::time::Instant::now() + REFUSALS_LOOK;
    loop {
        tokio::select! {
            () = tokio::time::sleep(KEYS_LOOK) => {}
            () = stopped(&mut stop) => return,
        }
        let own = Arc::clone(&server);
        let is_due = tokio::time::Instant::now() >= refusals_due;
        if is_due {
            refusals_due = tokio::time::Instant::now() + REFUSALS_LOOK;
        }
        let look = move || {
            if let Err(error) = own.keys.reload() {
                use std::io::Write;
                let _ = writeln!(std::io::stderr(), "sealog: {error}");
            }
            if is_due {
                own.note_refusals(false);
            }
        };
        let _ = crate::work::run((), look).await;
    }
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor, StartError> {
    let wrong = |what: &dyn std::fmt::Display| StartError::Tls(what.to_string());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&tls.certificate)
        .map_err(|error| StartError::Tls(format!("{}: {error}", tls.certificate.display())))?
        .collect();
    let chain = chain.map_err(|error| wrong(&error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| StartError::Tls(format!("{}: {error}", tls.key.display())))?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
