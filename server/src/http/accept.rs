//! Connections: a bounded number, each with a time for its head, its idleness and its end.
//!
//! Nothing here knows what is asked. `hyper` closes a connection whose head does not come in time only where it has a
//! timer, so it has one.

use super::answer::Body;
use super::request::Peer;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// Bounds of connections.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many at once; further ones wait in the system's queue.
    pub connections: usize,
    /// How long a head may take, and a connection may be idle.
    pub header_time: Duration,
    /// How long those under way have when the server stops.
    pub drain_time: Duration,
}

/// Bytes of a request's head, and headers in it.
const HEAD_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 100;
/// How long the server waits where the system has no more files for it.
const BACKOFF: Duration = Duration::from_millis(100);

/// Takes connections until it is told to stop, then lets those under way end.
pub async fn serve<F, R>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
    answer: F,
) where
    F: Fn(Request<Incoming>, Peer) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(bounds.connections));
    let all = u32::try_from(bounds.connections).unwrap_or(u32::MAX);
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            () = stopped(&mut stop) => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        match accepted {
            Ok((stream, address)) => {
                // Small answers go at once.
                let _ = stream.set_nodelay(true);
                let (tls, stop, answer) = (tls.clone(), stop.clone(), answer.clone());
                tokio::spawn(async move {
                    match tls {
                        None => connection(stream, address, false, bounds, stop, answer, permit).await,
                        Some(tls) => {
                            let shaken = tokio::time::timeout(bounds.header_time, tls.accept(stream)).await;
                            if let Ok(Ok(stream)) = shaken {
                                connection(stream, address, true, bounds, stop, answer, permit).await;
                            }
                        }
                    }
                });
            }
            // No files left, or a connection that went before it was taken: the others go on.
            Err(_) => tokio::time::sleep(BACKOFF).await,
        }
    }
    drop(listener);
    // Each that ends gives its permit back.
    let drained = room.acquire_many(all);
    let _ = tokio::time::timeout(bounds.drain_time, drained).await;
}

/// Waits until the server is to stop.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without anybody to say so, it stops as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection<S, F, R>(
    stream: S,
    address: SocketAddr,
    is_tls: bool,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
    answer: F,
    permit: OwnedSemaphorePermit,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>, Peer) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let peer = Peer { address, is_tls };
    let service = service_fn(|request| {
        let answered = answer(request, peer);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_time)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What goes wrong on a connection ends it, and concerns nobody else.
        _ = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(bounds.drain_time, connection).await;
        }
    }
    drop(permit);
}
