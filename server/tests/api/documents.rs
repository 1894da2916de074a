//! What the pages say: examples run as they stand, and the example configuration is the usual one.

use crate::served::Served;
use sealog_server::Config;
use sealog_server::access::Role;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn examples_of_the_page_run() {
    let served = Served::new();
    let page = std::fs::read_to_string(root().join("docs/http.md")).unwrap();
    let blocks: Vec<&str> =
        page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 8, "only {} examples", blocks.len());
    let keys = [
        ("PRODUCER", served.key(Role::Producer, &[])),
        ("AUDITOR", served.key(Role::Auditor, &[])),
        ("ADMIN", served.key(Role::Admin, &[])),
        ("CUSTOMER", served.key(Role::Customer, &["acme"])),
    ];
    for block in blocks {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail"]).env("URL", format!("http://{}", served.host()));
        command.envs(keys.iter().map(|(name, key)| (*name, key.as_str())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        running.stdin.take().unwrap().write_all(block.as_bytes()).unwrap();
        let ran = running.wait_with_output().unwrap();
        let shown = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{block}\n{shown}\n{}", String::from_utf8_lossy(&ran.stdout));
    }
}

#[test]
fn the_example_configuration_has_every_key_with_its_usual_value() {
    let text = std::fs::read_to_string(root().join("examples/sealog.toml")).unwrap();
    assert_eq!(Config::read(&text, |_| None).unwrap(), Config::default());
    let written: toml::Table = text.parse().unwrap();
    let usual = toml::Table::try_from(Config::default()).unwrap();
    for (key, value) in &usual {
        match value {
            toml::Value::Table(section) => {
                for inner in section.keys() {
                    assert!(written[key].get(inner).is_some(), "{key}.{inner} is not in the example");
                }
            }
            toml::Value::Array(_) => assert!(text.contains(&format!("[[{key}]]")), "{key}"),
            _ => assert!(written.contains_key(key), "{key} is not in the example"),
        }
    }
}

#[test]
fn the_description_is_one_of_openapi() {
    let served = Served::new();
    let description = served.ask("GET", "/openapi.json", &[], b"").is(200).json();
    assert_eq!(description["openapi"], "3.1.0");
    let paths = description["paths"].as_object().unwrap();
    assert!(paths.len() > 15);
    assert_eq!(paths["/api/v1/entries"]["post"]["x-roles"][0], "producer");
    let docs = served.ask("GET", "/docs", &[], b"").is(200);
    for path in paths.keys() {
        assert!(docs.text().contains(path.as_str()), "{path}");
    }
    assert!(!docs.text().contains("http://") && !docs.text().contains("https://"), "no other host");
}
