//! Keeps the layers of docs/architecture.md true, by reading the sources: who may import whom, where a scope is made,
//! where time is read, and that no file outgrows one idea unseen.

#![expect(clippy::unwrap_used, reason = "a test that cannot read what it is about fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust files below a directory, with their text without comments and test modules in files of their own.
fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.file_stem().unwrap().to_str().unwrap().ends_with("tests")
            {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push((path, lines.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Modules of the engine, and what each may import beside itself. Below a module's line stands nothing that may import
/// it: the order of this list is the order of the layers.
const MAY_IMPORT: [(&str, &[&str]); 22] = [
    (
        "reader",
        &["store", "scan", "view", "segment", "journal", "identity", "format", "disk", "model", "error"],
    ),
    (
        "store",
        &[
            "verify", "process", "scan", "view", "segment", "open", "journal", "identity", "artifact",
            "batch", "format", "disk", "proof", "model", "lean", "limits", "error", "clock", "hex",
            "threads",
        ],
    ),
    (
        "verify",
        &[
            "segment", "journal", "identity", "artifact", "format", "disk", "proof", "model", "limits",
            "error", "hex", "threads",
        ],
    ),
    ("process", &["scan", "view", "open", "format", "disk", "model", "limits", "hex"]),
    ("scan", &["view", "segment", "open", "format", "model", "limits", "threads"]),
    ("view", &["segment", "open", "journal", "format", "model", "proof"]),
    ("segment", &["format", "disk", "proof", "model", "limits", "hex"]),
    ("open", &["format", "model", "proof", "lean", "limits"]),
    ("journal", &["format", "disk", "limits", "error", "clock", "hex"]),
    ("identity", &["format", "disk", "error"]),
    ("artifact", &["disk", "model", "limits", "error", "clock", "hex"]),
    ("batch", &["format", "model", "limits", "error"]),
    ("format", &["proof", "model", "limits", "error", "hex"]),
    ("disk", &[]),
    ("proof", &["hex"]),
    ("model", &["limits", "error", "hex"]),
    ("lean", &[]),
    ("limits", &[]),
    ("error", &[]),
    ("clock", &[]),
    ("hex", &[]),
    ("threads", &[]),
];

#[test]
fn engine_modules_import_only_what_lies_below_them() {
    let source = root().join("engine/src");
    let rules: BTreeMap<&str, &[&str]> = MAY_IMPORT.into_iter().collect();
    let mut met = 0;
    for (path, code) in sources(&source) {
        let relative = path.strip_prefix(&source).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let allowed =
            rules.get(module).unwrap_or_else(|| panic!("{module} is in no layer: add it to MAY_IMPORT"));
        for (at, _) in code.match_indices("crate::") {
            let imported: String =
                code[at + 7..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            met += 1;
            assert!(!imported.is_empty(), "{}: import one module a line", relative.display());
            assert!(
                imported == module || allowed.contains(&imported.as_str()),
                "{}: {module} imports {imported}, its layer may import {allowed:?}",
                relative.display()
            );
        }
    }
    assert!(met > 100, "only {met} imports were found: is the test still reading the sources?");
    let order: Vec<&str> = MAY_IMPORT.iter().map(|(module, _)| *module).collect();
    for (module, allowed) in MAY_IMPORT {
        let place = |name: &str| order.iter().position(|other| *other == name).unwrap();
        for name in allowed {
            assert!(place(name) > place(module), "{module} may not lie above {name}");
        }
    }
}

/// Text that must not occur in the engine's code, outside the files named.
fn forbid(word: &str, allowed: &[&str], reason: &str) {
    let source = root().join("engine/src");
    for (path, code) in sources(&source) {
        let relative = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
        assert!(
            allowed.contains(&relative.as_str()) || !code.contains(word),
            "{relative} says {word}: {reason}"
        );
    }
}

#[test]
fn files_clocks_threads_and_randomness_stay_where_they_belong() {
    forbid("std::fs", &["disk/directory.rs"], "files are reached through the Disk trait");
    forbid("std::net", &[], "the engine knows no network");
    forbid("SystemTime", &[], "time arrives through the Clock trait");
    forbid(
        "Instant::now",
        &["verify.rs", "scan.rs", "scan/chain.rs"],
        "durations are measured for reports alone",
    );
    forbid("getrandom", &["clock.rs"], "randomness arrives through the Entropy trait");
    forbid("thread::spawn", &[], "the store's thread has a name, and verify's are scoped");
    forbid("println!", &[], "output belongs to the tools");
    forbid("async fn", &[], "the engine is not async");
    forbid("unsafe {", &["proof/sha256/lanes.rs", "disk/directory.rs"], "see docs/decisions");
}

#[test]
fn pure_modules_know_no_files_threads_or_locks() {
    let source = root().join("engine/src");
    for (path, code) in sources(&source) {
        let relative = path.strip_prefix(&source).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(module, "format" | "proof" | "model" | "batch" | "hex" | "limits") {
            for word in ["std::io", "std::thread", "std::sync", "parking_lot", "std::path", "rustix"] {
                let is_detection =
                    relative.starts_with("proof/sha256.rs") || relative.starts_with("proof/sha256");
                let excused = is_detection && word == "std::sync";
                assert!(
                    excused || !code.contains(word),
                    "{} says {word}: {module} is pure",
                    relative.display()
                );
            }
        }
    }
}

/// A scope is made where access is decided, and by the tools, whose caller owns the files anyway.
#[test]
fn a_scope_is_made_by_the_access_module_and_the_tools_alone() {
    let server = root().join("server/src");
    for (path, code) in sources(&server) {
        let is_own = path.strip_prefix(&server).unwrap() == Path::new("access/scope.rs");
        assert!(is_own || !code.contains("Scope::everything("), "{} makes a scope", path.display());
        assert!(is_own || !code.contains("Scope::tenants("), "{} makes a scope", path.display());
    }
    for (path, code) in sources(&root().join("engine/src")) {
        let is_own = path.ends_with("scan/scope.rs");
        assert!(is_own || !code.contains("Scope::everything("), "{} makes a scope", path.display());
        assert!(is_own || !code.contains("Scope::tenants("), "{} makes a scope", path.display());
    }
}

#[test]
fn tests_and_benches_use_the_engine_and_nothing_uses_them() {
    for manifest in ["engine/Cargo.toml", "server/Cargo.toml", "tools/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        for other in ["sealog-tests", "sealog-benches", "sealog-fuzz"] {
            assert!(!text.contains(other), "{manifest} depends on {other}");
        }
    }
    let server = fs::read_to_string(root().join("server/Cargo.toml")).unwrap();
    assert!(!server.contains("\nsealog.workspace"), "the server depends on the tools");
    let engine = fs::read_to_string(root().join("engine/Cargo.toml")).unwrap();
    for far in ["clap", "axum", "tokio", "hyper", "sealog.workspace", "sealog-server", "indicatif", "csv"] {
        assert!(!engine.contains(&format!("\n{far}")), "the engine depends on {far}");
    }
}

#[test]
fn no_file_holds_many_ideas_unseen() {
    /// Files that are longer for a reason.
    const LONG: [(&str, &str); 1] = [("store/pipeline.rs", "one protocol, told in one place")];
    for crate_source in ["engine/src", "server/src", "tools/src"] {
        let source = root().join(crate_source);
        for (path, code) in sources(&source) {
            let relative = path.strip_prefix(&source).unwrap().to_str().unwrap();
            let excused = LONG.iter().any(|(file, _)| *file == relative);
            let length = code.lines().count();
            assert!(excused || length <= 600, "{relative} has {length} lines: is it still one idea?");
            let stem = path.file_stem().unwrap().to_str().unwrap();
            assert!(
                !["utils", "util", "helpers", "common", "misc"].contains(&stem),
                "{relative} has no home yet"
            );
        }
    }
}

/// The server converts, and calls the engine: it knows no format, and nothing of how entries lie in files.
#[test]
fn the_server_knows_no_format() {
    for (path, code) in sources(&root().join("server/src")) {
        for module in ["format", "journal", "segment", "open"] {
            assert!(
                !code.contains(&format!("sealog_engine::{module}")),
                "{} uses sealog_engine::{module}",
                path.display()
            );
        }
    }
}

#[test]
fn documents_name_no_file_that_is_not_there() {
    for page in [
        "README.md",
        "docs/architecture.md",
        "docs/format.md",
        "docs/integrity.md",
        "docs/durability.md",
        "docs/ingest.md",
        "docs/style.md",
        "docs/server.md",
        "docs/http.md",
    ] {
        let text = fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let from = root().join(page).parent().unwrap().join(file);
            assert!(from.exists(), "{page} links to {target}, which is not there");
        }
    }
}
