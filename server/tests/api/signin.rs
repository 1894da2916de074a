//! People: signing in with a key or a link, pages, signing out.

use crate::served::Served;
use sealog_server::access::Role;

#[test]
fn a_key_or_a_link_begins_a_session_and_signing_out_ends_it() {
    let served = Served::new();
    let key = served.key(Role::Auditor, &[]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let wrong = served.ask("POST", "/signin", &form, b"key=slg_wrong").is(303);
    assert_eq!((wrong.header("location"), wrong.header("set-cookie")), ("/signin?failed=key", ""));
    let begun = served.ask("POST", "/signin", &form, format!("key={key}").as_bytes()).is(303);
    assert_eq!(begun.header("location"), "/audit");
    let cookie = begun.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain HTTP on this machine");
    let session = cookie.split(';').next().unwrap().to_owned();
    let with = [("cookie", &*session)];
    assert_eq!(served.ask("GET", "/api/v1/me", &with, b"").is(200).json()["roles"][0], "auditor");
    // What changes something must come from our own pages.
    let own = format!("http://{}", served.host());
    let body = b"{}";
    let json = ("content-type", "application/json");
    served.ask("POST", "/api/v1/verify", &[with[0], json], body).refuses(403, "Origin");
    served
        .ask("POST", "/api/v1/verify", &[with[0], json, ("origin", "http://evil.example")], body)
        .refuses(403, "Origin");
    served.ask("POST", "/api/v1/verify", &[with[0], json, ("origin", &own)], body).is(200);
    served.ask("POST", "/signout", &[with[0], ("origin", &own)], b"").is(303);
    served.ask("GET", "/api/v1/me", &with, b"").refuses(401, "");
}

#[test]
fn a_link_works_once() {
    let served = Served::new();
    let key = served.key(Role::Admin, &[]);
    let made = served.send("POST", &key, "/signin/link", &serde_json::json!({})).is(200).json();
    let url = made["url"].as_str().unwrap();
    let path = url.strip_prefix(&format!("http://{}", served.host())).unwrap();
    let begun = served.ask("GET", path, &[], b"").is(303);
    assert_eq!(begun.header("location"), "/processes");
    let session = begun.header("set-cookie").split(';').next().unwrap().to_owned();
    served.ask("GET", "/api/v1/me", &[("cookie", &session)], b"").is(200);
    let again = served.ask("GET", path, &[], b"").is(303);
    assert_eq!((again.header("location"), again.header("set-cookie")), ("/signin?failed=link", ""));
    // A session ends with its key.
    served.server().keys().file().revoke(key.split('_').nth(1).unwrap()).unwrap();
    served.server().keys().reload().unwrap();
    served.ask("GET", "/api/v1/me", &[("cookie", &session)], b"").refuses(401, "");
}

#[test]
fn pages_are_one_shell_with_a_strict_policy() {
    let served = Served::new();
    let key = served.key(Role::Customer, &["acme"]);
    let bearer = format!("Bearer {key}");
    let with = [("authorization", &*bearer)];
    assert_eq!(served.ask("GET", "/", &with, b"").is(303).header("location"), "/log");
    let pages = ["/audit", "/audit/validation", "/processes", "/processes/p-1", "/log", "/chains", "/admin"];
    for path in pages {
        let unknown = served.ask("GET", &format!("{path}?q=a%26b"), &[], b"").is(303);
        let next = unknown.header("location");
        assert!(next.starts_with("/signin?next=%2F") && next.contains("q%3Da%2526b"), "{next}");
        let shell = served.ask("GET", path, &with, b"").is(200);
        assert!(shell.header("content-type").starts_with("text/html"), "{path}");
        let policy = shell.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let tag = [with[0], ("if-none-match", shell.header("etag"))];
        served.ask("GET", path, &tag, b"").is(304);
    }
    // Nobody is led to another host.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for next in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let body = format!("key={key}&next={next}");
        let begun = served.ask("POST", "/signin", &form, body.as_bytes()).is(303);
        assert_eq!(begun.header("location"), "/log", "{next}");
    }
    let begun = served.ask("POST", "/signin", &form, format!("key={key}&next=/audit?x=1").as_bytes());
    assert_eq!(begun.is(303).header("location"), "/audit?x=1");
}
