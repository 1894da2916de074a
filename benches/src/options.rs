//! The command line of every program, and the directory that it works in.

use crate::Outcome;
use clap::Parser;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Options of every program.
#[derive(Debug, Parser)]
pub struct Options {
    /// Entries; several sizes after each other, where the program takes them
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    pub entries: Vec<usize>,
    /// Directory to work in, on the file system to be measured; the build directory if absent
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// A store to measure, as a run with this option left it; made there if it is absent, and kept
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Repetitions of each measurement
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Only these parts of the program
    #[arg(long, value_delimiter = ',', value_name = "PART,…")]
    pub only: Vec<String>,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
    /// Where to work if `--dir` is absent
    #[arg(skip)]
    default_dir: PathBuf,
}

impl Options {
    /// Reads the command line. `default_dir` is `env!("CARGO_TARGET_TMPDIR")`: a real file system, where `/tmp` may be
    /// memory.
    pub fn read(default_dir: &str, default_entries: &[usize]) -> Options {
        let mut options = Options::parse();
        options.default_dir = default_dir.into();
        if options.entries.is_empty() {
            options.entries = default_entries.to_vec();
        }
        options
    }

    /// A new directory, removed with all it holds when it is dropped.
    ///
    /// # Errors
    /// The system's.
    pub fn scratch(&self) -> Outcome<TempDir> {
        let parent = self.dir.as_deref().unwrap_or(&self.default_dir);
        std::fs::create_dir_all(parent)?;
        Ok(tempfile::Builder::new().prefix("sealog-bench-").tempdir_in(parent)?)
    }

    /// Whether a part is wanted.
    pub fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == part)
    }

    /// One line about the machine, the file system and the repetitions.
    ///
    /// # Errors
    /// The system's.
    pub fn describe(&self, scratch: &Path) -> Outcome<String> {
        let cores = std::thread::available_parallelism()?;
        let (cpu, kind) = (cpu_name(), file_system(scratch)?);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default().to_owned();
        Ok(format!(
            "{cores} cores of {cpu}, {kind}, load {load} at the start; median [least – most] of {} repetitions",
            self.repeat
        ))
    }
}

fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        text.lines().find_map(|line| line.strip_prefix("model name")).and_then(|it| it.split_once(": "));
    name.map_or("an unknown processor".to_owned(), |(_, name)| name.to_owned())
}

/// The file system's name (statfs(2)). Syncs in memory cost nothing, so that is said.
fn file_system(path: &Path) -> Outcome<String> {
    Ok(match rustix::fs::statfs(path)?.f_type {
        0xef53 => "ext4".to_owned(),
        0x5846_5342 => "xfs".to_owned(),
        0x9123_683e => "btrfs".to_owned(),
        0x0102_1994 => "tmpfs (NO DISK: syncs are free, give --dir)".to_owned(),
        0x794c_7630 => "overlayfs".to_owned(),
        other => format!("file system {other:#x}"),
    })
}
