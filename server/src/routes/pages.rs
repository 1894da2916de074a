//! The pages: one shell for every path, and its files. What they show they ask the API for.

use crate::access::{Principal, Role};
use crate::http::{Answer, Call, Problem};
use crate::server::Server;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, LOCATION};
use sealog_engine::hex;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;

/// Paths, and bytes, of the files in the program.
static ASSETS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Our own files and nothing else: no inline script, no other host.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const SHELL: &str = "index.html";

/// The page that a role begins at.
pub(super) fn home_of(principal: &Principal) -> &'static str {
    let own = [
        (Role::Auditor, "/audit"),
        (Role::Customer, "/log"),
        (Role::Admin, "/processes"),
        (Role::Producer, "/chains"),
    ];
    own.into_iter().find(|(role, _)| principal.is(*role)).map_or("/signin", |(_, path)| path)
}

pub(super) async fn home(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    // A program with a key that asks what is here, before it sends.
    let is_program = call.principal.as_ref().is_some_and(|own| !own.is_person && own.is(Role::Producer));
    if is_program && !call.accepts("text/html") {
        return super::foreign::handshake(server, call).await;
    }
    Ok(see_other(call.principal.as_ref().map_or("/signin", home_of)))
}

/// Sends a browser to another page.
pub(super) fn see_other(path: &str) -> Answer {
    Answer::empty(StatusCode::SEE_OTHER).with(LOCATION, path)
}

/// The shell for whoever is signed in; else the page to sign in at, that knows where they wanted to go.
pub(super) async fn shell(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    if call.principal.is_none() {
        let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
        let next = crate::http::parameters::encode(&format!("{}{query}", call.path));
        return Ok(see_other(&format!("/signin?next={next}")));
    }
    file(&server, &call, SHELL).await
}

pub(super) async fn asset(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let path = call.part(0).to_owned();
    // The shell is no file of its own. Files lie in the same folders in the program and in a directory.
    match file(&server, &call, &path).await {
        Err(_) => file(&server, &call, &format!("assets/{path}")).await,
        found => found,
    }
}

/// A file of the pages.
pub(super) async fn file(server: &Arc<Server>, call: &Call, path: &str) -> Result<Answer, Problem> {
    // No part leads out of the directory, and none is hidden.
    if path.split('/').any(|part| part.is_empty() || part.starts_with('.')) || path.contains(['\\', '\0']) {
        return Err(Problem::not_found());
    }
    let bytes: Cow<'static, [u8]> = match &server.pages {
        None => {
            let found = ASSETS.iter().find(|(own, _)| *own == path).map(|(_, bytes)| *bytes);
            found.ok_or_else(Problem::not_found)?.into()
        }
        Some(directory) => {
            let from = directory.join(path);
            let read = crate::work::run((), move || std::fs::read(from)).await?;
            let failed = |error: io::Error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::IsADirectory => Problem::not_found(),
                _ => Problem::overload("the pages do not read"),
            };
            read.map_err(failed)?.into()
        }
    };
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
    let is_known =
        call.header(IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|own| own.trim() == tag));
    let answer = if is_known {
        Answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        let (bytes, packing) = call.packing().pack(bytes.into_owned());
        let answer = Answer::bytes(StatusCode::OK, media_type(path), bytes);
        match packing {
            Some(packing) => answer.with(hyper::header::CONTENT_ENCODING, packing),
            None => answer,
        }
    };
    // Names do not change with what is in them, so each use asks whether they did.
    Ok(answer
        .with(ETAG, &tag)
        .with(CACHE_CONTROL, "no-cache")
        .with(hyper::header::VARY, "accept-encoding")
        .with(CONTENT_SECURITY_POLICY, POLICY))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
