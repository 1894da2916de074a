//! Signing in and out: a key at a page, or a link that works once, for a session in a cookie.

use super::pages;
use crate::access::{Key, Principal};
use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::principal;
use crate::server::{Server, cookie_name, session_of};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HOST, SET_COOKIE};
use sealog_engine::clock::{Clock, System};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const HOUR_NS: i64 = 3_600 * 1_000_000_000;

/// The page to sign in at. A link's code signs in at once.
pub(super) async fn page(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let mut parameters = Parameters::parse(&call.query)?;
    let (code, next) = (parameters.take("code")?, parameters.take("next")?);
    if let Some(code) = code {
        let key = server.sessions.redeem(&code, System.wall_ns()).and_then(|id| server.keys.get(&id));
        return match key {
            Some(key) => begin(&server, &call, key, next.as_deref()),
            None => Ok(pages::see_other("/signin?failed=link")),
        };
    }
    if let Some(principal) = &call.principal {
        return Ok(pages::see_other(own_path(next.as_deref()).unwrap_or_else(|| pages::home_of(principal))));
    }
    pages::file(&server, &call, "index.html").await
}

/// A session for the holder of a key.
fn begin(server: &Server, call: &Call, key: Arc<Key>, next: Option<&str>) -> Result<Answer, Problem> {
    let lasts_ns = i64::from(server.config.sessions.hours) * HOUR_NS;
    let token = server.sessions.begin(&key.id, System.wall_ns(), lasts_ns);
    let token = token.map_err(|_| Problem::overload("the system gives no random bytes"))?;
    let principal = Principal::of(key, true);
    let place = own_path(next).unwrap_or_else(|| pages::home_of(&principal));
    Ok(pages::see_other(place).with(SET_COOKIE, &cookie(server, call, &token, lasts_ns / 1_000_000_000)))
}

fn cookie(server: &Server, call: &Call, token: &str, seconds: i64) -> String {
    let is_secure = server.is_secure(call.peer);
    let secure = if is_secure { "; Secure" } else { "" };
    let name = cookie_name(is_secure);
    format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// A path of this server, and of no other.
fn own_path(next: Option<&str>) -> Option<&str> {
    next.filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']))
}

#[derive(Deserialize)]
struct Asked {
    key: String,
    #[serde(default)]
    next: Option<String>,
}

/// A key for a session: a form's, or a page's as JSON.
pub(super) async fn sign_in(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    if !server.is_own_origin(&call.headers, call.peer) && call.headers.contains_key("origin") {
        return Err(Problem::forbidden("expected a request of this server's own pages").at("Origin"));
    }
    let is_json = call.header(CONTENT_TYPE).is_some_and(|own| own.starts_with("application/json"));
    let body = super::append::gather(&server, &mut call).await?;
    let text = std::str::from_utf8(&body.bytes).map_err(|_| Problem::unread("body", "expected UTF-8"))?;
    let asked = if is_json {
        serde_json::from_str(text)
            .map_err(|error| Problem::unread("body", format!("expected {{key}}: {error}")))?
    } else {
        let mut form = Parameters::parse(text.trim())?;
        let key =
            form.take("key")?.ok_or_else(|| Problem::unread("key", "key: expected a key, found none"))?;
        Asked { key, next: form.take("next")? }
    };
    let key = asked.key.trim();
    // A link may be pasted whole; its code signs in as well.
    let known = server.keys.authenticate(key).or_else(|| {
        let code = key.rsplit_once("code=").map_or(key, |(_, code)| code);
        server.keys.get(&server.sessions.redeem(code, System.wall_ns())?)
    });
    let Some(known) = known else {
        server.note_refusal(&call);
        return if is_json {
            Err(Problem::new(StatusCode::UNAUTHORIZED, "this is no live key").at("key"))
        } else {
            Ok(pages::see_other("/signin?failed=key"))
        };
    };
    let answer = begin(&server, &call, known, asked.next.as_deref())?;
    if !is_json {
        return Ok(answer);
    }
    // A page that asked goes where it is told.
    let mut answer = answer.into_response();
    let place = answer.headers_mut().remove(hyper::header::LOCATION);
    let place = place.as_ref().and_then(|place| place.to_str().ok()).unwrap_or("/");
    let cookie = answer.headers_mut().remove(SET_COOKIE);
    let cookie = cookie.as_ref().and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    Ok(Answer::json(&Place { next: place }).with(SET_COOKIE, cookie))
}

#[derive(Serialize)]
struct Place<'p> {
    next: &'p str,
}

pub(super) async fn sign_out(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    if !server.is_own_origin(&call.headers, call.peer) {
        return Err(Problem::forbidden("expected a request of this server's own pages").at("Origin"));
    }
    if let Some(token) = session_of(&call.headers, cookie_name(server.is_secure(call.peer))) {
        server.sessions.end(token);
    }
    Ok(pages::see_other("/signin").with(SET_COOKIE, &cookie(&server, &call, "", 0)))
}

#[derive(Serialize)]
struct Link {
    url: String,
    expires_seconds: i64,
}

/// A link that signs the holder of this key in, once.
pub(super) async fn link(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let scheme = if server.is_secure(call.peer) { "https" } else { "http" };
    let origin = match (&*server.config.origin, call.header(HOST)) {
        ("", Some(host)) => format!("{scheme}://{host}"),
        ("", None) => {
            return Err(Problem::unread("Host", "Host: expected the name of this server, found none"));
        }
        (origin, _) => origin.to_owned(),
    };
    let url = server.sign_in_link(&origin, principal.id());
    let url = url.map_err(|_| Problem::overload("the system gives no random bytes"))?;
    Ok(Answer::json(&Link { url, expires_seconds: crate::access::session::LINK_NS / 1_000_000_000 }))
}
