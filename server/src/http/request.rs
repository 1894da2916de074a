//! A request as routes see it.

use super::stream::Packing;
use crate::access::Principal;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AsHeaderName, HeaderMap};
use std::net::SocketAddr;

/// Who sent a request, and how.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Their address.
    pub address: SocketAddr,
    /// Over TLS.
    pub is_tls: bool,
}

/// A request as routes see it.
pub struct Call {
    /// Its method.
    pub method: Method,
    /// The parts of its path that the route leaves open.
    pub parts: Vec<String>,
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Who sent it, if that is known.
    pub principal: Option<Principal>,
    /// From where.
    pub peer: Peer,
    /// Its number among requests, for logs and answers.
    pub request_id: String,
    /// Its body, until somebody takes it.
    pub body: Option<Incoming>,
}

impl Call {
    /// A header as text.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A part of the path.
    pub fn part(&self, number: usize) -> &str {
        self.parts.get(number).map_or("", String::as_str)
    }

    /// Whether a media type is among those that are asked for by name.
    pub fn accepts(&self, media_type: &str) -> bool {
        let accepted = self.header(ACCEPT).unwrap_or_default();
        accepted
            .split(',')
            .any(|part| part.split(';').next().is_some_and(|own| own.trim().eq_ignore_ascii_case(media_type)))
    }

    /// How the answer may be packed.
    pub fn packing(&self) -> Packing {
        Packing::accepted(self.header(ACCEPT_ENCODING))
    }
}
