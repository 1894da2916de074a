//! The server as programs meet it: a real socket, real requests, and what they may and may not learn.
//!
//! Goal: what is answered with 200 is durable, each refusal says what and where, and nobody learns of another tenant's
//! entries, by whatever they ask. Method: a server on a store of the test's own, and a client that knows HTTP alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails as a test does")]

mod access;
mod append;
mod documents;
mod foreign;
mod process;
mod read;
mod served;
mod signin;
mod tail;

use sealog_server::access::Role;
use serde_json::{Value, json};
use served::Served;

/// Entries of two tenants, three of each, in one service.
fn two_tenants(served: &Served) {
    let producer = served.key(Role::Producer, &[]);
    let entry = |tenant: &str, number: usize| {
        json!({
            "tenant": tenant, "service": "mail", "activity": "sent", "severity": if number == 2 { "error" } else { "information" },
            "message": format!("{tenant} {number}"), "organization": format!("o{}", number % 2), "id": format!("{tenant}-{number}"),
        })
    };
    for number in 0..3 {
        let entries: Vec<Value> = ["acme", "other"].iter().map(|tenant| entry(tenant, number)).collect();
        served.append(&producer, &json!(entries)).is(200);
    }
}
