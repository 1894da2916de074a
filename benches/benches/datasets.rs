//! Every real set: imported, scanned and verified. See benches/README.md.

use sealog::import::Format;
use sealog_benches::data::bytes_below;
use sealog_benches::options::Options;
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch, settle, show_bytes, show_seconds};
use sealog_benches::{Outcome, child};
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::reader::Reader;
use sealog_engine::scan::{Query, Scope};
use sealog_engine::verify::{VerifyOptions, verify};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const SETS: [(&str, Format); 13] = [
    ("windows-security-otrf.ndjson.zst", Format::Windows),
    ("git-history.ndjson.zst", Format::GitHistory),
    ("cloudtrail-console-permiso.ndjson.zst", Format::Cloudtrail),
    ("cloudtrail-invictus.ndjson.zst", Format::Cloudtrail),
    ("cloudtrail-stratus.ndjson.zst", Format::Cloudtrail),
    ("cloudtrail-otrf.ndjson", Format::Cloudtrail),
    ("plaso-gcp_logging.ndjson", Format::Cloudtrail),
    ("plaso-azure_activity_log.ndjson", Format::Cloudtrail),
    ("linux-proxy-echolake.ndjson.zst", Format::Linux),
    ("k8s-audit-audit2rbac.ndjson", Format::Kubernetes),
    ("aad-audit-otrf.ndjson", Format::Office365),
    ("office-activity-otrf.ndjson", Format::Office365),
    ("plaso-microsoft_audit_log.ndjson", Format::Office365),
];

fn main() -> ExitCode {
    child::run().unwrap_or_else(|| match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    })
}

fn measure() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[]);
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var_os("SEALOG_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if !folder.is_dir() {
        say("skipped: no real sets; name their folder with SEALOG_DATA");
        return Ok(());
    }
    let scratch = options.scratch()?;
    say(&options.describe(scratch.path())?);
    say("");
    let mut table = Table::new(["set", "entries", "raw", "on disk", "of raw", "import", "scan", "verify"]);
    for (name, format) in SETS {
        let file = folder.join(name);
        if !file.is_file() {
            say(&format!("skipped: no {name}"));
            continue;
        }
        table.row(import(&options, scratch.path(), &file, format)?);
    }
    table.print_markdown();
    Ok(())
}

fn import(options: &Options, scratch: &Path, file: &Path, format: Format) -> Outcome<[String; 8]> {
    let raw_bytes = std::io::copy(&mut sealog::import::open(file)?, &mut std::io::sink())?;
    let [mut imports, mut scans, mut verifies] = [const { Samples::new() }; 3];
    let (mut entries, mut store_bytes) = (0, 0);
    for _ in 0..options.repeat {
        let path = scratch.join("store");
        settle(scratch)?;
        let paths = [&path, file].map(|path: &Path| path.to_string_lossy().into_owned());
        let args = [
            "import",
            "--data",
            &paths[0],
            "--format",
            format.name(),
            "--tenant",
            "acme",
            "--service",
            "imported",
            &paths[1],
        ];
        imports.push(child::start("sealog", &args)?.wall.as_secs_f64());
        store_bytes = bytes_below(&path)?;
        let watch = Stopwatch::start();
        let reader = Reader::open(&path)?;
        let scan = reader.scan(&Scope::everything(), &Query::default());
        entries = scan.filter(|hit| std::hint::black_box(hit.committed()).is_some()).count();
        scans.push(watch.lap().wall.as_secs_f64());
        let watch = Stopwatch::start();
        if !verify(&DirectoryDisk::new(&path), &VerifyOptions::default(), |_| {})?.valid {
            return Err(format!("{} is not valid", paths[1]).into());
        }
        verifies.push(watch.lap().wall.as_secs_f64());
        std::fs::remove_dir_all(path)?;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok([
        name.split(".ndjson").next().unwrap_or_default().to_owned(),
        entries.to_string(),
        show_bytes(raw_bytes).to_string(),
        show_bytes(store_bytes).to_string(),
        format!("{:.2}", store_bytes as f64 / raw_bytes as f64),
        show_seconds(imports.median()),
        show_seconds(scans.median()),
        show_seconds(verifies.median()),
    ])
}
