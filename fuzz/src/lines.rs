//! Lines of text that become entries: NDJSON of this product, and the formats of others.

use crate::input::Input;
use sealog::import::{Defaults, Format, map_line};
use sealog_engine::batch::Batch;
use sealog_engine::model::{Accept, parse_entry};

/// One line of NDJSON. What is an entry is written and read again as the same entry.
///
/// Input: the line, as it is.
pub fn entry_json(line: &[u8]) {
    let _ = parse_entry(line, Accept::Export);
    let Ok(entry) = parse_entry(line, Accept::Entry) else { return };
    let mut batch = Batch::new();
    let pushed = batch.push(&entry);
    assert_eq!(pushed.is_ok(), batch.len() == 1, "a refused entry leaves the batch as it was");
    if pushed.is_err() {
        assert_eq!(batch.bytes(), 0);
        return;
    }
    let written = serde_json::to_vec(&entry).expect("an entry has a JSON form");
    match parse_entry(&written, Accept::Entry) {
        Ok(again) => assert_eq!(again, entry, "{}", String::from_utf8_lossy(&written)),
        Err(error) => assert!(false_because(&error), "{}: {error}", String::from_utf8_lossy(&written)),
    }
}

/// Never: an error here is a finding.
fn false_because(_: &impl std::error::Error) -> bool {
    false
}

/// One raw line of another product. What is mapped is an entry that the log takes.
///
/// Input: a byte for the format and the defaults, then the line.
pub fn import(bytes: &[u8]) {
    let mut input = Input(bytes);
    let choice = usize::from(input.byte());
    let format = Format::ALL[choice % Format::ALL.len()];
    let named = choice / Format::ALL.len();
    let defaults = Defaults {
        tenant: (named & 1 == 0).then(|| "acme".to_owned()),
        service: (named & 2 == 0).then(|| "imported".to_owned()),
    };
    let Ok(entry) = map_line(format, input.0, &defaults) else { return };
    let mut batch = Batch::new();
    if let Err(error) = batch.push(&entry) {
        assert!(false_because(&error), "{} gives an entry that is refused: {error}", format.name());
    }
}
