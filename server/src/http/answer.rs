//! What is answered.

use hyper::body::{Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::Receiver;

/// Bytes of an answer: all of them, or as they come.
pub enum Body {
    /// All of them.
    Whole(Option<Bytes>),
    /// As somebody gives them; an error cuts the connection, so that a part is not taken for the whole.
    Stream(Receiver<io::Result<Bytes>>),
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Stream(receiver) => {
                receiver.poll_recv(context).map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Body::Stream(_) => SizeHint::default(),
        }
    }
}

/// An answer.
pub struct Answer(Response<Body>);

impl Answer {
    /// Bytes of a type.
    pub fn bytes(status: StatusCode, media_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
        Answer::of(status, media_type, Body::Whole(Some(bytes.into())))
    }

    /// Bytes of a type, as they come.
    pub fn stream(media_type: &'static str, bytes: Receiver<io::Result<Bytes>>) -> Answer {
        Answer::of(StatusCode::OK, media_type, Body::Stream(bytes))
    }

    fn of(status: StatusCode, media_type: &'static str, body: Body) -> Answer {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Answer(response)
    }

    /// A value as JSON.
    pub fn json(value: &impl serde::Serialize) -> Answer {
        // Our own values have text keys, and so always become JSON.
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        Answer::bytes(StatusCode::OK, "application/json", bytes)
    }

    /// A status and nothing else.
    pub fn empty(status: StatusCode) -> Answer {
        let mut response = Response::new(Body::Whole(None));
        *response.status_mut() = status;
        Answer(response)
    }

    /// The same with a header; a value that cannot be one is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Answer {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// Its headers.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.0.headers_mut()
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// As it is sent.
    pub fn into_response(self) -> Response<Body> {
        self.0
    }
}
