//! Datagrams: one task takes them from the system as fast as they come, another makes those that wait durable together.

use super::super::frame::{Frame, MESSAGE_BYTES_MAX};
use super::{Shared, stopped};
use std::net::IpAddr;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

/// Datagrams that wait, at most; the largest take 64 KiB each, usual ones 200 bytes.
const QUEUE_COUNT_MAX: usize = 4096;
/// So many become one batch.
const BATCH_COUNT_MAX: usize = 1024;

type Datagram = (IpAddr, Vec<u8>);

pub(super) async fn run(shared: &Shared, socket: &UdpSocket, stop: watch::Receiver<bool>) {
    let (into, from) = mpsc::channel(QUEUE_COUNT_MAX);
    tokio::join!(receive(shared, socket, into, stop), append(shared, from));
}

async fn receive(
    shared: &Shared,
    socket: &UdpSocket,
    queue: mpsc::Sender<Datagram>,
    mut stop: watch::Receiver<bool>,
) {
    // One more byte than a datagram can have, so that none is cut unseen.
    let mut buffer = vec![0; MESSAGE_BYTES_MAX + 1];
    let (mut full, mut foreign) = (0_u64, 0_u64);
    loop {
        let received = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            received = socket.recv_from(&mut buffer) => received,
        };
        match received {
            Ok((length, peer)) if shared.allows(peer.ip()) => {
                let datagram = (peer.ip().to_canonical(), buffer[..length].to_vec());
                if queue.try_send(datagram).is_err() {
                    full += 1;
                }
            }
            Ok(_) => foreign += 1,
            // What a datagram of our own could cause, which there is none of, or a shortage that passes.
            Err(error) => {
                shared.lost(None, 0, &format!("could not receive: {error}"));
                tokio::task::yield_now().await;
            }
        }
        // Told once the queue has room again, or now and then while it has none, not for each.
        if full > 0 && (queue.capacity() > 0 || full >= QUEUE_COUNT_MAX as u64) {
            shared.lost(None, full, "datagrams came faster than they could be made durable");
            full = 0;
        }
        if foreign.is_power_of_two() || foreign >= QUEUE_COUNT_MAX as u64 {
            shared.lost(None, foreign, "datagrams came from networks that are not allowed");
            foreign = 0;
        }
    }
    if full > 0 {
        shared.lost(None, full, "datagrams came faster than they could be made durable");
    }
}

async fn append(shared: &Shared, mut queue: mpsc::Receiver<Datagram>) {
    let mut waiting: Vec<Datagram> = Vec::with_capacity(BATCH_COUNT_MAX);
    while queue.recv_many(&mut waiting, BATCH_COUNT_MAX).await > 0 {
        let decoded = shared.decode(|tell| {
            for (peer, bytes) in &waiting {
                tell(&peer.to_string(), frame(bytes));
            }
        });
        shared.append(None, decoded).await;
        waiting.clear();
    }
}

/// A datagram is one message, whatever it ends with.
fn frame(bytes: &[u8]) -> Frame<'_> {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |last| last + 1);
    Frame { bytes: &bytes[..end], cut_from: None }
}
