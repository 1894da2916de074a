//! A request's body: read within its time, decompressed within its bounds.

use super::Problem;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is given out in pieces of so many bytes.
const PIECE_BYTES: usize = 4096;

/// Bytes of all bodies under way, bounded.
pub struct Memory(Arc<Semaphore>);

/// A body as it came, and the memory that it was given.
pub struct Gathered {
    /// Its bytes.
    pub bytes: Vec<u8>,
    permit: Option<OwnedSemaphorePermit>,
    memory: Arc<Semaphore>,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// The coding of a `Content-Encoding`.
    ///
    /// # Errors
    /// One that is not known.
    pub fn parse(name: Option<&str>) -> Result<Coding, Problem> {
        match name.map(str::trim) {
            None | Some("" | "identity") => Ok(Coding::Identity),
            Some("gzip" | "x-gzip") => Ok(Coding::Gzip),
            Some("zstd") => Ok(Coding::Zstd),
            Some(other) => {
                let found = sealog_engine::error::FieldError::quote(other);
                let detail = format!("Content-Encoding: expected gzip, zstd or none, found {found}");
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).at("Content-Encoding"))
            }
        }
    }
}

impl Memory {
    /// Room for so many bytes.
    pub fn new(bytes: usize) -> Memory {
        Memory(Arc::new(Semaphore::new((bytes / PIECE_BYTES).clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Reads a body as it comes: at most so many bytes, within a time.
    ///
    /// # Errors
    /// 413, 408, or 503 where all memory for bodies is given out.
    pub async fn gather(
        &self,
        body: Incoming,
        bytes_max: usize,
        time: Duration,
    ) -> Result<Gathered, Problem> {
        let read = self.read(body, bytes_max);
        let late = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
        tokio::time::timeout(time, read).await.map_err(late)?
    }

    async fn read(&self, mut body: Incoming, bytes_max: usize) -> Result<Gathered, Problem> {
        let mut gathered = Gathered { bytes: Vec::new(), permit: None, memory: Arc::clone(&self.0) };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| {
                Problem::new(StatusCode::BAD_REQUEST, "the connection ended before the body did")
            })?;
            let Ok(data) = frame.into_data() else { continue };
            let length = gathered.bytes.len() + data.len();
            if length > bytes_max {
                return Err(too_large(bytes_max));
            }
            gathered.reserve(length)?;
            gathered.bytes.extend_from_slice(&data);
        }
        Ok(gathered)
    }
}

impl Gathered {
    /// Holds memory for so many bytes.
    fn reserve(&mut self, bytes: usize) -> Result<(), Problem> {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(bytes.div_ceil(PIECE_BYTES).saturating_sub(held)).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let busy = |_| Problem::overload("too many bytes of requests are under way; try again");
        let permit = Arc::clone(&self.memory).try_acquire_many_owned(more).map_err(busy)?;
        match &mut self.permit {
            Some(own) => own.merge(permit),
            None => self.permit = Some(permit),
        }
        Ok(())
    }

    /// Its bytes without their packing, at most so many.
    ///
    /// # Errors
    /// 400 for what does not unpack, 413, 503.
    pub fn unpacked(&mut self, coding: Coding, bytes_max: usize) -> Result<(), Problem> {
        let packed = match coding {
            Coding::Identity => return Ok(()),
            _ => std::mem::take(&mut self.bytes),
        };
        let unpacked = match coding {
            Coding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(&*packed).map_err(|error| unreadable(&error))?;
                // A window larger than the body may be is not allocated.
                decoder.window_log_max(25).map_err(|error| unreadable(&error))?;
                self.read_bounded(decoder, bytes_max)
            }
            _ => self.read_bounded(flate2::bufread::MultiGzDecoder::new(&*packed), bytes_max),
        }?;
        self.bytes = unpacked;
        Ok(())
    }

    fn read_bounded(&mut self, mut from: impl Read, bytes_max: usize) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        let mut piece = [0; 16 << 10];
        loop {
            match from.read(&mut piece) {
                Ok(0) => return Ok(bytes),
                Ok(count) if bytes.len() + count > bytes_max => return Err(too_large(bytes_max)),
                Ok(count) => {
                    self.reserve(bytes.len() + count)?;
                    bytes.extend_from_slice(&piece[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
    }
}

fn unreadable(error: &io::Error) -> Problem {
    let detail = format!("the body does not unpack as its Content-Encoding says: {error}");
    Problem::new(StatusCode::BAD_REQUEST, detail).at("Content-Encoding")
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("expected a body of at most {bytes_max} bytes, unpacked, found more: send several");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}
