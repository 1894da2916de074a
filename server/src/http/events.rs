//! Server-sent events (HTML, section 9.2).

use super::Answer;
use hyper::body::Bytes;
use hyper::header::CACHE_CONTROL;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Pieces that wait for the reader.
const PIECES_MAX: usize = 16;

/// One event.
#[derive(Default)]
pub struct Event<'e> {
    /// Its kind; `message` if empty.
    pub kind: &'e str,
    /// What `Last-Event-ID` will say; nothing if empty.
    pub id: &'e str,
    /// One line of text.
    pub data: &'e str,
}

impl Event<'_> {
    /// Adds it to others.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in [("event", self.kind), ("id", self.id)] {
            if !value.is_empty() {
                out.extend_from_slice(format!("{name}: {value}\n").as_bytes());
            }
        }
        for line in self.data.split('\n') {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        out.push(b'\n');
    }
}

/// Where events go.
#[derive(Clone)]
pub struct Events {
    sender: Sender<io::Result<Bytes>>,
    patience: Duration,
}

impl Events {
    /// Sends events; false if the reader is gone, or did not take any for a while.
    pub async fn send(&self, bytes: Vec<u8>) -> bool {
        let sent = tokio::time::timeout(self.patience, self.sender.send(Ok(bytes.into())));
        matches!(sent.await, Ok(Ok(())))
    }

    /// Whether the reader is gone.
    pub async fn gone(&self) {
        self.sender.closed().await;
    }

    /// A comment, so that everybody between knows that the connection lives.
    pub async fn beat(&self) -> bool {
        self.send(b": still here\n\n".to_vec()).await
    }
}

/// An answer of events, and where they go.
pub fn answer(patience: Duration) -> (Answer, Events) {
    let (sender, receiver): (_, Receiver<io::Result<Bytes>>) = channel(PIECES_MAX);
    let answer = Answer::stream("text/event-stream", receiver).with(CACHE_CONTROL, "no-store");
    (answer, Events { sender, patience })
}
