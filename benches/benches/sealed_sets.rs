//! Real sets as sealed segments: bytes an entry, and what sealing and reading take. See benches/README.md.

use sealog::import::{Defaults, Format, map_line};
use sealog_benches::Outcome;
use sealog_benches::options::Options;
use sealog_benches::segments::{Rows, sealed};
use sealog_benches::table::{Table, say};
use sealog_benches::timing::{Samples, Stopwatch};
use sealog_engine::format::column::Effort;
use sealog_engine::format::segment;
use sealog_engine::segment::view::View;
use std::io::BufRead;
use std::path::{Path, PathBuf};

const SETS: [(&str, Format); 9] = [
    ("windows-security-otrf.ndjson.zst", Format::Windows),
    ("git-history.ndjson.zst", Format::GitHistory),
    ("cloudtrail-invictus.ndjson.zst", Format::Cloudtrail),
    ("cloudtrail-stratus.ndjson.zst", Format::Cloudtrail),
    ("cloudtrail-otrf.ndjson", Format::Cloudtrail),
    ("linux-proxy-echolake.ndjson.zst", Format::Linux),
    ("k8s-audit-audit2rbac.ndjson", Format::Kubernetes),
    ("aad-audit-otrf.ndjson", Format::Office365),
    ("office-activity-otrf.ndjson", Format::Office365),
];

/// Rows of one segment, at most: what the store seals by.
const SEGMENT_ROWS: usize = 1 << 18;

fn main() -> Outcome<()> {
    let options = Options::read(env!("CARGO_TARGET_TMPDIR"), &[]);
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var_os("SEALOG_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if !folder.is_dir() {
        say("skipped: no real sets; name their folder with SEALOG_DATA");
        return Ok(());
    }
    let mut table = Table::new(["set", "entries", "record", "light", "seal", "read", "strong", "seal"]);
    for (name, format) in SETS {
        let file = folder.join(name);
        if file.is_file() {
            table.row(measure(&options, &file, format)?);
        } else {
            say(&format!("skipped: no {name}"));
        }
    }
    table.print("bytes and nanoseconds an entry");
    Ok(())
}

fn measure(options: &Options, file: &Path, format: Format) -> Outcome<[String; 8]> {
    let lines: Vec<Vec<u8>> = sealog::import::open(file)?.split(b'\n').collect::<Result<_, _>>()?;
    let defaults = Defaults { tenant: Some("acme".to_owned()), service: Some("imported".to_owned()) };
    let mut entries: Vec<_> =
        lines.iter().filter_map(|line| map_line(format, line, &defaults).ok()).collect();
    entries.retain(|entry| entry.check().is_ok());
    let chains = Rows::by_service(&entries)?;
    let count = entries.len() as f64;
    let mut cells = vec![
        file.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .split(".ndjson")
            .next()
            .unwrap_or_default()
            .to_owned(),
        entries.len().to_string(),
    ];
    for effort in [Effort::Light, Effort::Strong] {
        let (mut seals, mut reads) = (Samples::default(), Samples::default());
        let (mut bytes, mut record_bytes) = (0, 0);
        for _ in 0..options.repeat {
            let (mut seal, mut read) = (0.0, 0.0);
            (bytes, record_bytes) = (0, 0);
            for rows in chains.values() {
                for part in rows.parts(SEGMENT_ROWS) {
                    let watch = Stopwatch::start();
                    let file = sealed(rows, part, effort)?;
                    seal += watch.lap().cpu.as_secs_f64();
                    let footer = segment::footer_of(&file)?;
                    bytes += file.len();
                    record_bytes += footer.record_bytes;
                    let watch = Stopwatch::start();
                    read_all(&View::new(&file, &footer))?;
                    read += watch.lap().cpu.as_secs_f64();
                }
            }
            seals.push(seal * 1e9 / count);
            reads.push(read * 1e9 / count);
        }
        if effort == Effort::Light {
            cells.push(format!("{:.0}", record_bytes as f64 / count));
        }
        cells.push(format!("{:.1}", bytes as f64 / count));
        cells.push(format!("{:.0}", seals.median()));
        if effort == Effort::Light {
            cells.push(format!("{:.0}", reads.median()));
        }
    }
    Ok(cells.try_into().map_err(|_| "eight cells")?)
}

fn read_all(view: &View<'_>) -> Outcome<()> {
    let times = view.times()?.decode()?;
    let rows = 0..view.footer().entry_count;
    view.with_cursors(|cursors| {
        view.walk(
            std::slice::from_ref(&rows),
            |row| times[row as usize],
            cursors,
            |_, read| {
                std::hint::black_box(read?.record);
                Ok(())
            },
        )
    })
}
