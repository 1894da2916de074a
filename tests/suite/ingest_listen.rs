//! Syslog listeners with real sockets: what is sent is in the store when its connection has ended, and who may not send
//! is told of.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use sealog_engine::batch::Batch;
use sealog_engine::clock::System;
use sealog_engine::error::Error;
use sealog_engine::scan::{Order, Query, Scope};
use sealog_engine::store::{Options, Store};
use sealog_server::ingest::syslog::listen::{Appending, Listener, Loss, Sink, Transport};
use sealog_server::ingest::syslog::{Template, tls};
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Longer than any of this takes on a machine that does other things beside.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store as a sink, which can be told to fail.
struct StoreSink {
    store: Store,
    fails: AtomicBool,
    losses: Mutex<Vec<String>>,
    changed: watch::Sender<()>,
}

impl Sink for StoreSink {
    fn append(&self, batch: Batch) -> Appending<'_> {
        Box::pin(async move {
            let done = if self.fails.load(Ordering::SeqCst) {
                Err(Error::Closed)
            } else {
                tokio::task::block_in_place(|| self.store.append(batch)).map(drop)
            };
            self.changed.send_replace(());
            done
        })
    }

    fn lost(&self, loss: &Loss<'_>) {
        self.losses.lock().unwrap().push(format!("{} lost {}: {}", loss.listener, loss.count, loss.reason));
        self.changed.send_replace(());
    }
}

impl StoreSink {
    fn messages(&self) -> Vec<String> {
        let query = Query { order: Order::Ascending, ..Query::default() };
        let hits = self.store.scan(&Scope::everything(), &query);
        hits.map(|hit| hit.committed().unwrap().entry.message.clone().into_owned()).collect()
    }

    /// Waits until so many messages are there, or so many losses.
    async fn wait_for(&self, messages: usize, losses: usize) {
        let mut changes = self.changed.subscribe();
        let reached = async {
            while self.messages().len() < messages || self.losses.lock().unwrap().len() < losses {
                changes.changed().await.unwrap();
            }
        };
        let found = tokio::time::timeout(PATIENCE, reached).await;
        assert!(found.is_ok(), "{:?} {:?}", self.messages(), self.losses.lock().unwrap());
    }
}

/// Runs a listener, `send` against it, and stops it; then all that was read is in the store.
fn listen<F: Future<Output = ()>>(
    transport: Transport,
    networks: &[&str],
    send: impl FnOnce(SocketAddr, Arc<StoreSink>) -> F,
) -> Arc<StoreSink> {
    let directory = tempfile::tempdir().unwrap();
    let sink = Arc::new(StoreSink {
        store: Store::open(directory.path(), Options::default()).unwrap(),
        fails: AtomicBool::new(false),
        losses: Mutex::default(),
        changed: watch::Sender::new(()),
    });
    let listener = Listener {
        name: "syslog[0]".to_owned(),
        address: "127.0.0.1:0".parse().unwrap(),
        transport,
        tenant: "acme".to_owned(),
        service: Template::parse("{app}").unwrap(),
        default_service: "syslog".to_owned(),
        zone: None,
        networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        connection_count_max: 2,
        idle_max: PATIENCE,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let bound = listener.bind(sink.clone(), Arc::new(System)).await.unwrap();
        let address = bound.address().unwrap();
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(bound.run(stopped));
        send(address, sink.clone()).await;
        stop.send_replace(true);
        tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    });
    sink
}

#[test]
fn datagrams_become_entries() {
    let sink = listen(Transport::Udp, &[], |address, sink| async move {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for message in ["<34>Oct 11 22:14:15 h su: one\n", "<13>1 - - app - - - two", "three", ""] {
            socket.send_to(message.as_bytes(), address).await.unwrap();
        }
        sink.wait_for(3, 0).await;
    });
    let mut messages = sink.messages();
    messages.sort();
    assert_eq!(messages, ["one", "three", "two"]);
}

#[test]
fn streams_of_either_framing_become_entries() {
    let sink = listen(Transport::Tcp, &["127.0.0.0/8"], |address, sink| async move {
        let mut lines = TcpStream::connect(address).await.unwrap();
        lines.write_all(b"<13>a: one\n<13>a: tw").await.unwrap();
        sink.wait_for(1, 0).await;
        lines.write_all(b"o\n<13>a: three").await.unwrap();
        drop(lines);
        sink.wait_for(3, 0).await;
        let mut counted = TcpStream::connect(address).await.unwrap();
        counted.write_all(b"12 <13>b: fo\nur11 <13>b: five").await.unwrap();
        drop(counted);
        sink.wait_for(5, 0).await;
    });
    assert_eq!(sink.messages(), ["one", "two", "three", "fo\nur", "five"]);
}

#[test]
fn what_was_read_is_durable_when_a_listener_has_stopped() {
    let sink = listen(Transport::Tcp, &[], |address, sink| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"<13>a: one\n<13>a: without an end").await.unwrap();
        sink.wait_for(1, 0).await;
    });
    assert_eq!(sink.messages(), ["one", "without an end"]);
}

#[test]
fn who_is_not_allowed_is_not_heard() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let sink = listen(transport.clone(), &["192.0.2.0/24"], |address, sink| async move {
            if matches!(transport, Transport::Udp) {
                let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                socket.send_to(b"<13>a: b", address).await.unwrap();
            } else {
                let mut stream = TcpStream::connect(address).await.unwrap();
                assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0, "the connection is closed");
            }
            sink.wait_for(0, 1).await;
        });
        assert_eq!(sink.messages(), Vec::<String>::new());
        let losses = sink.losses.lock().unwrap();
        assert!(losses[0].contains("not allowed"), "{losses:?}");
    }
}

#[test]
fn a_connection_too_many_is_closed_and_a_failing_log_closes_its_own() {
    let sink = listen(Transport::Tcp, &[], |address, sink| async move {
        let mut streams = Vec::new();
        for _ in 0..3 {
            streams.push(TcpStream::connect(address).await.unwrap());
        }
        sink.wait_for(0, 1).await;
        sink.fails.store(true, Ordering::SeqCst);
        streams[0].write_all(b"<13>a: lost\n").await.unwrap();
        assert_eq!(streams[0].read(&mut [0; 8]).await.unwrap_or(0), 0, "the connection is closed");
        sink.wait_for(0, 2).await;
    });
    let losses = sink.losses.lock().unwrap();
    assert_eq!(
        *losses,
        ["syslog[0] lost 0: a connection was one too many", "syslog[0] lost 1: the store is closed"]
    );
}

fn pem(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/ingest/tls").join(name)).unwrap()
}

/// Connects as a sender with the certificate `name`, sends a message, and says whether it was read.
async fn send_in_tls(address: SocketAddr, name: Option<&str>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match name {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_slice(&pem(&format!("{name}.pem"))).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(&pem(&format!("{name}.key.pem"))).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let stream = TcpStream::connect(address).await.unwrap();
    let server = ServerName::try_from("localhost").unwrap();
    let Ok(mut stream) = TlsConnector::from(Arc::new(config)).connect(server, stream).await else {
        return false;
    };
    let sent = stream.write_all(b"13 <13>a: secret").await.is_ok() && stream.shutdown().await.is_ok();
    // A server that refuses the certificate says so only when the sender listens.
    sent && stream.read(&mut [0; 8]).await.is_ok()
}

#[test]
fn senders_in_tls_show_a_certificate_of_the_right_authority() {
    let config = tls(&pem("server.pem"), &pem("server.key.pem"), Some(&pem("ca.pem"))).unwrap();
    let sink = listen(Transport::Tls(config), &[], |address, sink| async move {
        assert!(!send_in_tls(address, None).await);
        assert!(!send_in_tls(address, Some("stranger")).await);
        sink.wait_for(0, 2).await;
        assert!(send_in_tls(address, Some("client")).await);
        sink.wait_for(1, 2).await;
    });
    assert_eq!(sink.messages(), ["secret"]);
    let open = tls(&pem("server.pem"), &pem("server.key.pem"), None).unwrap();
    let sink = listen(Transport::Tls(open), &[], |address, sink| async move {
        assert!(send_in_tls(address, None).await);
        sink.wait_for(1, 0).await;
    });
    assert_eq!(sink.messages(), ["secret"]);
}

#[test]
fn what_tls_cannot_be_made_of_is_said() {
    let error = tls(b"", &pem("server.key.pem"), None).unwrap_err();
    assert_eq!(error.to_string(), "certificate: expected one or more certificates in PEM, found none");
    assert!(tls(&pem("server.pem"), b"", None).unwrap_err().to_string().starts_with("key: expected"));
    let error = tls(&pem("server.pem"), &pem("client.key.pem"), None).unwrap_err();
    assert!(error.to_string().starts_with("key: expected the key of the certificate"), "{error}");
}
