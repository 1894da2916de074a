//! Answers of any size in constant memory: written by a blocking thread, sent as fast as the reader takes them.

use super::Answer;
use hyper::body::Bytes;
use hyper::header::{CONTENT_ENCODING, VARY};
use std::io::{self, Write};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Bytes of one piece, and pieces that wait for the reader.
const PIECE_BYTES: usize = 64 << 10;
const PIECES_MAX: usize = 4;
/// Answers below this are not worth packing.
const PACKED_BYTES_MIN: usize = 1_024;

/// How an answer is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Packing {
    /// The packing that an `Accept-Encoding` prefers.
    pub fn accepted(header: Option<&str>) -> Packing {
        let takes = |name: &str| {
            header.unwrap_or_default().split(',').any(|part| {
                let mut parts = part.split(';').map(str::trim);
                let is_it = parts.next() == Some(name);
                let is_refused = parts.any(|own| {
                    let weight = own.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
                    weight == Some(0.0)
                });
                is_it && !is_refused
            })
        };
        if takes("zstd") {
            Packing::Zstd
        } else if takes("gzip") {
            Packing::Gzip
        } else {
            Packing::None
        }
    }

    /// Its name in `Content-Encoding`.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Packing::None => None,
            Packing::Gzip => Some("gzip"),
            Packing::Zstd => Some("zstd"),
        }
    }

    /// Packs an answer that is all there; says how it did.
    pub fn pack(self, bytes: Vec<u8>) -> (Vec<u8>, Option<&'static str>) {
        if bytes.len() < PACKED_BYTES_MIN {
            return (bytes, None);
        }
        let packed = match self {
            Packing::None => return (bytes, None),
            Packing::Zstd => zstd::encode_all(&*bytes, 1),
            Packing::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&bytes).and_then(|()| encoder.finish())
            }
        };
        match packed {
            Ok(packed) => (packed, self.name()),
            // Only memory could fail here.
            Err(_) => (bytes, None),
        }
    }
}

/// Where the bytes of an answer are written.
pub struct Pieces {
    sender: Sender<io::Result<Bytes>>,
    handle: Handle,
    patience: Duration,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.send() }
    }
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES + 4096));
        let sent = tokio::time::timeout(self.patience, self.sender.send(Ok(piece.into())));
        match self.handle.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Something that writes an answer.
pub trait Writing: Send + 'static {
    /// Writes all of it.
    ///
    /// # Errors
    /// Those of `out`: the reader is gone or too slow.
    fn write(self: Box<Self>, out: &mut dyn Write) -> io::Result<()>;
}

impl<F: FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static> Writing for F {
    fn write(self: Box<Self>, out: &mut dyn Write) -> io::Result<()> {
        self(out)
    }
}

/// An answer that `writing` writes on a blocking thread, which `permit` keeps one of few. If it fails the connection is
/// cut, so that nobody takes a part for the whole.
pub fn answer(
    media_type: &'static str,
    packing: Packing,
    patience: Duration,
    permit: impl Send + 'static,
    writing: impl Writing,
) -> Answer {
    let (sender, receiver): (_, Receiver<io::Result<Bytes>>) = channel(PIECES_MAX);
    let handle = Handle::current();
    let failing = sender.clone();
    let pieces = Pieces { sender, handle: handle.clone(), patience, piece: Vec::new() };
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let written = match packing {
            Packing::None => write_plain(pieces, Box::new(writing)),
            Packing::Gzip => write_gzip(pieces, Box::new(writing)),
            Packing::Zstd => write_zstd(pieces, Box::new(writing)),
        };
        if let Err(error) = written {
            // Nobody may be there to be told.
            let told = tokio::time::timeout(patience, failing.send(Err(error)));
            let _ = handle.block_on(told);
        }
    });
    let answer = Answer::stream(media_type, receiver).with(VARY, "accept-encoding");
    match packing.name() {
        Some(name) => answer.with(CONTENT_ENCODING, name),
        None => answer,
    }
}

fn write_plain(mut pieces: Pieces, writing: Box<dyn Writing>) -> io::Result<()> {
    writing.write(&mut pieces)?;
    pieces.flush()
}

fn write_gzip(pieces: Pieces, writing: Box<dyn Writing>) -> io::Result<()> {
    let mut encoder = flate2::write::GzEncoder::new(pieces, flate2::Compression::fast());
    writing.write(&mut encoder)?;
    encoder.finish()?.flush()
}

fn write_zstd(pieces: Pieces, writing: Box<dyn Writing>) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(pieces, 1)?;
    writing.write(&mut encoder)?;
    encoder.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_packings() {
        for (header, packing) in [
            (None, Packing::None),
            (Some("gzip, deflate, br, zstd"), Packing::Zstd),
            (Some("gzip;q=0.5"), Packing::Gzip),
            (Some("zstd;q=0, gzip"), Packing::Gzip),
            (Some("br"), Packing::None),
        ] {
            assert_eq!(Packing::accepted(header), packing, "{header:?}");
        }
    }
}
