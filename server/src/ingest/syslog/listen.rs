//! Listeners: sockets in, batches out.
//!
//! Knows addresses, connections and how long they may take. Where batches go is behind [`Sink`]. A stream is read no
//! faster than its batches become durable, so a sender is stopped by its own system while the log is behind; datagrams
//! wait in a bounded queue, and those that find it full are counted and lost.

mod datagram;
mod stream;

use super::entry::{Decoder, Origin};
use super::frame::Frame;
use super::network::Network;
use super::template::Template;
use crate::ingest::context::{Allowed, Context};
use crate::ingest::gather::Decoded;
use crate::ingest::problem::Problem;
use jiff::tz::TimeZone;
use sealog_engine::batch::Batch;
use sealog_engine::clock::Clock;
use sealog_engine::error::Error;
use sealog_engine::model::Timestamp;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;

/// What [`Sink::append`] returns.
pub type Appending<'s> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 's>>;

/// Where batches go.
pub trait Sink: Send + Sync {
    /// Appends a batch, and returns when it is durable; while the log has no room it waits.
    fn append(&self, batch: Batch) -> Appending<'_>;

    /// Is told of messages that were not taken, or of a sender that was refused: for a log of the server's own.
    fn lost(&self, loss: &Loss<'_>);
}

/// Messages that were not taken.
#[derive(Clone, Copy, Debug)]
pub struct Loss<'a> {
    /// The listener's name.
    pub listener: &'a str,
    /// Who sent them, if it is one sender.
    pub peer: Option<IpAddr>,
    /// How many; 0 where that is not known.
    pub count: u64,
    /// Why.
    pub reason: &'a str,
}

/// How messages come.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Datagrams (RFC 5426).
    Udp,
    /// Streams (RFC 6587).
    Tcp,
    /// Streams in TLS (RFC 5425).
    Tls(Arc<ServerConfig>),
}

/// One `[[syslog]]` of the configuration.
#[derive(Clone, Debug)]
pub struct Listener {
    /// What messages about it call it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// How messages come.
    pub transport: Transport,
    /// The tenant of its messages.
    pub tenant: String,
    /// The service of its messages.
    pub service: Template,
    /// The service of messages that do not say what the template needs.
    pub default_service: String,
    /// The zone of times without one.
    pub zone: Option<TimeZone>,
    /// Whom it listens to; everybody if it is empty.
    pub networks: Vec<Network>,
    /// Most connections at once; further ones are closed at once.
    pub connection_count_max: usize,
    /// A connection on which nothing comes for so long is closed.
    pub idle_max: Duration,
}

/// A listener whose socket is open.
pub struct Bound {
    shared: Arc<Shared>,
    socket: Socket,
}

enum Socket {
    Datagrams(UdpSocket),
    Streams(TcpListener),
}

/// What all tasks of a listener know.
struct Shared {
    listener: Listener,
    tenants: [String; 1],
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
}

impl Listener {
    /// Opens the socket.
    ///
    /// # Errors
    /// The system's.
    pub async fn bind(self, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> io::Result<Bound> {
        let socket = match self.transport {
            Transport::Udp => Socket::Datagrams(UdpSocket::bind(self.address).await?),
            Transport::Tcp | Transport::Tls(_) => Socket::Streams(TcpListener::bind(self.address).await?),
        };
        let tenants = [self.tenant.clone()];
        Ok(Bound { shared: Arc::new(Shared { listener: self, tenants, sink, clock }), socket })
    }
}

impl Bound {
    /// Where it listens, with the port that the system chose if the configuration's is 0.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        match &self.socket {
            Socket::Datagrams(socket) => socket.local_addr(),
            Socket::Streams(socket) => socket.local_addr(),
        }
    }

    /// Listens until `stop` says true, or its sender is gone; returns when all that was read is durable.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        match self.socket {
            Socket::Datagrams(socket) => datagram::run(&self.shared, &socket, stop).await,
            Socket::Streams(socket) => stream::run(&self.shared, &socket, stop).await,
        }
    }
}

impl Shared {
    fn allows(&self, peer: IpAddr) -> bool {
        let networks = &self.listener.networks;
        networks.is_empty() || networks.iter().any(|network| network.contains(peer))
    }

    fn lost(&self, peer: Option<IpAddr>, count: u64, reason: &str) {
        self.sink.lost(&Loss { listener: &self.listener.name, peer, count, reason });
    }

    /// Decodes the messages that `feed` tells of, each with its sender's address as a text.
    fn decode(&self, feed: impl FnOnce(&mut dyn FnMut(&str, Frame<'_>))) -> Result<Decoded, Problem> {
        let context = Context {
            tenants: Allowed::Only(&self.tenants),
            default_service: Some(&self.listener.default_service),
            ..Context::unlimited(Timestamp::from_nanos(self.clock.wall_ns()))
        };
        let origin = Origin { service: &self.listener.service, zone: self.listener.zone.as_ref() };
        let mut decoder = Decoder::new(origin, context);
        feed(&mut |peer, frame| decoder.push(peer, frame));
        decoder.finish()
    }

    /// Makes decoded messages durable. What cannot be is told, and then false is returned.
    async fn append(&self, peer: Option<IpAddr>, decoded: Result<Decoded, Problem>) -> bool {
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(problem) => {
                self.lost(peer, 0, &problem.to_string());
                return true;
            }
        };
        if let Some(refusal) = decoded.refused.first() {
            self.lost(peer, u64::from(decoded.refused_count), &refusal.problem.to_string());
        }
        if decoded.batch.is_empty() {
            return true;
        }
        let count = decoded.batch.len() as u64;
        match self.sink.append(decoded.batch).await {
            Ok(()) => true,
            Err(error) => {
                self.lost(peer, count, &error.to_string());
                false
            }
        }
    }
}

/// Returns when the server is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that nobody can say it any more.
    let _ = stop.wait_for(|stop| *stop).await;
}
