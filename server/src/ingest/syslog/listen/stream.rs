//! Streams: a task for each connection, which reads no further before what it has read is durable.

use super::super::frame::Framer;
use super::{Shared, Transport, stopped};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// What is read at once: some hundred messages.
const READ_BYTES: usize = 64 << 10;
/// A handshake of TLS takes no longer than a client on another continent needs.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long accepting waits when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn run(shared: &Arc<Shared>, socket: &TcpListener, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(shared.listener.connection_count_max));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            // Those that have ended are let go.
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
            Err(error) => {
                shared.lost(None, 0, &format!("could not accept a connection: {error}"));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if !shared.allows(peer) {
            shared.lost(Some(peer), 0, "a connection came from a network that is not allowed");
            continue;
        }
        let Ok(permit) = room.clone().try_acquire_owned() else {
            shared.lost(Some(peer), 0, "a connection was one too many");
            continue;
        };
        let (shared, stop) = (shared.clone(), stop.clone());
        connections.spawn(async move {
            connection(&shared, stream, peer, stop).await;
            drop(permit);
        });
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(shared: &Shared, stream: TcpStream, peer: IpAddr, stop: watch::Receiver<bool>) {
    let Transport::Tls(config) = &shared.listener.transport else {
        return read(shared, stream, peer, stop).await;
    };
    let acceptor = TlsAcceptor::from(config.clone());
    match timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => read(shared, stream, peer, stop).await,
        Ok(Err(error)) => shared.lost(Some(peer), 0, &format!("the handshake of TLS failed: {error}")),
        Err(_) => shared.lost(Some(peer), 0, "the handshake of TLS took longer than 10 seconds"),
    }
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared,
    mut stream: S,
    peer: IpAddr,
    mut stop: watch::Receiver<bool>,
) {
    let address = peer.to_string();
    let mut framer = Framer::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let received = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            received = timeout(shared.listener.idle_max, stream.read(&mut buffer)) => received,
        };
        let length = match received {
            Ok(Ok(0)) => break,
            Ok(Ok(length)) => length,
            Ok(Err(error)) => {
                shared.lost(Some(peer), 0, &format!("the connection broke: {error}"));
                break;
            }
            Err(_) => break,
        };
        let decoded =
            shared.decode(|tell| framer.push(&buffer[..length], &mut |frame| tell(&address, frame)));
        if !shared.append(Some(peer), decoded).await {
            // Closing the connection is the only way to tell the sender.
            return;
        }
    }
    let decoded = shared.decode(|tell| framer.finish(&mut |frame| tell(&address, frame)));
    shared.append(Some(peer), decoded).await;
    // Over TLS a sender is so told from a connection that broke that its last messages were read.
    let _ = timeout(HANDSHAKE_MAX, stream.shutdown()).await;
}
