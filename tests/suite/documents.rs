//! The values that the pages quote are those that the program gives.

#![expect(clippy::unwrap_used, reason = "a test that cannot read what it is about fails")]

use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Hex of 16 bytes and more in a text: hashes, identities, records.
fn values(text: &str) -> Vec<&str> {
    let is_value = |word: &&str| word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_value).collect()
}

#[test]
fn test_vectors_of_the_pages_are_those_of_the_program() {
    let format = std::fs::read_to_string(root().join("docs/format.md")).unwrap();
    let integrity = std::fs::read_to_string(root().join("docs/integrity.md")).unwrap();
    for (section, page, least) in
        [("format", &format, 20), ("integrity", &integrity, 80), ("batch-key", &format, 4)]
    {
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "-p", "sealog-engine", "--example", "vectors", "--", section])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let values = values(&printed);
        assert!(values.len() >= least, "{section}: only {} values", values.len());
        for value in values {
            assert!(page.contains(value), "{section}: the page does not have {value}");
        }
    }
}

#[test]
fn the_worked_hexdump_is_the_one_that_the_program_writes() {
    let page = std::fs::read_to_string(root().join("docs/format.md")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "sealog-engine", "--example", "vectors", "--", "format"])
        .current_dir(root())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let is_dump_line = |line: &&str| {
        line.len() > 6 && line[..4].bytes().all(|byte| byte.is_ascii_hexdigit()) && &line[4..6] == "  "
    };
    let dump: Vec<&str> = printed.lines().filter(is_dump_line).collect();
    assert!(dump.len() > 50, "only {} lines", dump.len());
    for line in dump {
        assert!(page.contains(line.trim_end()), "the page does not have {line:?}");
    }
}
