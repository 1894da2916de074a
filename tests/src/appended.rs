//! Lines that were appended, as the log must give them back.

use crate::questions::odd_lines;
use crate::simulation::random::Random;
use sealog::generate::{Generator, Plan};
use sealog_engine::batch::Batch;
use sealog_engine::model::{Accept, parse_entry};
use sealog_engine::store::Store;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Lines that the generator writes, with odd ones among them.
pub fn lines_of(plan: &Plan, random: &mut Random) -> Vec<Vec<u8>> {
    let mut generator = Generator::new(plan);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while generator.next_line(&mut line) {
        lines.push(std::mem::take(&mut line));
    }
    for odd in odd_lines() {
        lines.insert(random.index(lines.len()), odd.to_string().into_bytes());
    }
    lines
}

/// Appends lines, and knows what the log adds to them.
pub struct Appender {
    instance: &'static str,
    tenant_seqs: HashMap<(String, String), u64>,
}

impl Appender {
    /// For a store that is opened under this name.
    pub fn new(instance: &'static str) -> Appender {
        Appender { instance, tenant_seqs: HashMap::new() }
    }

    /// Appends lines as one batch; gives the entries as they must be.
    pub fn append(&mut self, store: &Store, lines: &[Vec<u8>]) -> Vec<Value> {
        let mut batch = Batch::new();
        lines.iter().for_each(|line| batch.push(&parse_entry(line, Accept::Entry).unwrap()).unwrap());
        let receipts = store.append(batch).unwrap();
        let mut sent: Vec<Value> = lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
        for receipt in receipts {
            let receipt = serde_json::to_value(receipt).unwrap();
            let mut of_service = sent.iter_mut().filter(|entry| entry["service"] == receipt["service"]);
            for seq in receipt["first_seq"].as_u64().unwrap()..=receipt["last_seq"].as_u64().unwrap() {
                let entry = of_service.next().unwrap();
                let names = ["service", "tenant"].map(|name| entry[name].as_str().unwrap().to_owned());
                let tenant_seq = self.tenant_seqs.entry(names.into()).or_default();
                entry["tenant_seq"] = (*tenant_seq).into();
                *tenant_seq += 1;
                entry["seq"] = seq.into();
                entry["logged_at"] = receipt["logged_at"].clone();
                entry["logged_by"] = self.instance.into();
                if entry.get("severity").is_none() {
                    entry["severity"] = "information".into();
                }
                if entry["process"].get("id").is_some() && entry["process"].get("event").is_none() {
                    entry["process"]["event"] = "message".into();
                }
                as_stored(entry);
            }
            assert!(of_service.next().is_none(), "a receipt covers all of its batch and service");
        }
        sent
    }
}

/// Puts entries into the one total order.
pub fn in_order(entries: &mut [Value]) {
    entries.sort_by(|a, b| {
        let key = |entry: &Value| {
            let text = |name| entry[name].as_str().unwrap().to_owned();
            (text("logged_at"), text("service").into_bytes(), entry["seq"].as_u64())
        };
        key(a).cmp(&key(b))
    });
}

/// The entry that a line is: empty texts absent, times with nine digits.
fn as_stored(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else { return };
    for (name, value) in fields.iter_mut() {
        as_stored(value);
        if matches!(name.as_str(), "generated_at" | "started" | "finished") {
            *value = nine_digits(value.as_str().unwrap()).into();
        }
    }
    fields.retain(|_, value| !value.is_null() && *value != "" && *value != json!({}));
}

fn nine_digits(time: &str) -> String {
    let (seconds, fraction) = time.strip_suffix('Z').unwrap().split_at(19);
    format!("{seconds}.{:0<9}Z", fraction.trim_start_matches('.'))
}
