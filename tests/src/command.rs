//! The `sealog` command as its users run it: a process with arguments, standard input, two outputs and an exit code.
//!
//! Builds the binary once a run and finds it beside the test's own target directory. Knows nothing of the engine: what
//! a test learns here, it learns from the outside.

use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than any command of the suite takes on a busy machine; one that hangs is ended then, and fails its test.
const PATIENCE: Duration = Duration::from_secs(120);

/// The path of the `sealog` binary of the profile that this program was built with; built first, once a run.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("SEALOG_BINARY") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

fn build() -> PathBuf {
    // target/<profile>/deps/suite-… for a test, target/<profile>/… for a campaign.
    let own = std::env::current_exe().unwrap();
    let above = own.parent().unwrap();
    let directory = if above.ends_with("deps") { above.parent().unwrap() } else { above };
    let binary = directory.join("sealog");
    // Nextest runs each test in a process of its own: the first one of a run builds, under a lock, and notes the run.
    let run = std::env::var("NEXTEST_RUN_ID").unwrap_or_default();
    let mut note = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join(".sealog-built"))
        .unwrap();
    note.lock().unwrap();
    let mut built_for = String::new();
    note.read_to_string(&mut built_for).unwrap();
    if run.is_empty() || built_for != run || !binary.exists() {
        let profile = match directory.file_name().and_then(OsStr::to_str) {
            Some("debug") => "dev",
            Some(profile) => profile,
            None => panic!("expected a directory named for a profile, found {}", directory.display()),
        };
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "-p", "sealog", "--bin", "sealog", "--profile", profile])
            .arg("--target-dir")
            .arg(directory.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(status.success(), "the sealog binary does not build");
        note.set_len(0).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&note, run.as_bytes(), 0).unwrap();
    }
    binary
}

/// The command with these arguments and nothing of the surroundings that changes its output.
pub fn sealog<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(binary());
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command
}

/// Runs `sealog` with these arguments and an empty standard input.
pub fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Ran {
    run_with(args, "")
}

/// Runs `sealog` with these arguments and this standard input.
pub fn run_with<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>, stdin: impl AsRef<[u8]>) -> Ran {
    let mut command = sealog(args);
    command.stdin(Stdio::piped());
    let mut running = Running::of(command);
    running.send(stdin);
    running.finish()
}

/// Runs a prepared command to its end.
pub fn finish(command: Command) -> Ran {
    Running::of(command).finish()
}

/// What a command left behind.
pub struct Ran {
    /// What was run, for messages.
    shown: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its results.
    pub stdout: Vec<u8>,
    /// Everything else.
    pub stderr: Vec<u8>,
}

impl Ran {
    /// Goes on if the command exited with `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert!(
            self.status.code() == Some(code),
            "{}: expected exit code {code}, found {}\nstdout: {}\nstderr: {}",
            self.shown,
            self.status,
            head(&String::from_utf8_lossy(&self.stdout)),
            head(&String::from_utf8_lossy(&self.stderr))
        );
        self
    }

    /// Goes on if every one of `parts` is in what was said on standard error.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Ran {
        for part in parts {
            assert!(self.err().contains(part), "{}: expected {part:?} in: {}", self.shown, self.err());
        }
        self
    }

    /// Goes on if nothing was said on standard error.
    #[track_caller]
    pub fn says_nothing(self) -> Ran {
        assert!(self.stderr.is_empty(), "{}: expected silence, found: {}", self.shown, self.err());
        self
    }

    /// Goes on if nothing came out.
    #[track_caller]
    pub fn prints_nothing(self) -> Ran {
        assert!(self.stdout.is_empty(), "{}: expected no output, found: {}", self.shown, head(self.out()));
        self
    }

    /// Standard output as text.
    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Standard error as text.
    pub fn err(&self) -> &str {
        std::str::from_utf8(&self.stderr).unwrap()
    }

    /// Standard output as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.shown, head(self.out())))
    }

    /// Standard output as one JSON value a line.
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", self.shown))
        };
        self.out().lines().map(parse).collect()
    }
}

fn head(text: &str) -> String {
    const SHOWN: usize = 4000;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// A command under way. Dropping it kills it.
pub struct Running {
    shown: String,
    child: Child,
    stdin: Option<ChildStdin>,
    writers: Vec<JoinHandle<ChildStdin>>,
    /// Lines of standard output, each with its line end if it has one.
    lines: Option<Receiver<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Starts `sealog` with a standard input that stays open.
    pub fn start<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Running {
        let mut command = sealog(args);
        command.stdin(Stdio::piped());
        Running::of(command)
    }

    /// Starts a prepared command.
    pub fn of(mut command: Command) -> Running {
        let shown = format!("{command:?}");
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        let lines = child.stdout.take().map(|stdout| {
            let (send, receive) = channel();
            std::thread::spawn(move || {
                let mut stdout = BufReader::new(stdout);
                let mut line = Vec::new();
                while stdout.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                    if send.send(std::mem::take(&mut line)).is_err() {
                        return;
                    }
                }
            });
            receive
        });
        let stderr = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What a killed process left half written is still of interest.
                let _ = stderr.read_to_end(&mut bytes);
                bytes
            })
        });
        Running { shown, stdin: child.stdin.take(), writers: Vec::new(), child, lines, stderr }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input, without waiting for it to read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let mut stdin = match (self.stdin.take(), self.writers.pop()) {
            (Some(stdin), _) => stdin,
            (None, Some(writer)) => writer.join().unwrap(),
            (None, None) => panic!("{}: its standard input is closed", self.shown),
        };
        let bytes = bytes.as_ref().to_vec();
        self.writers.push(std::thread::spawn(move || {
            // A command may end, or be killed, without reading everything.
            let _ = stdin.write_all(&bytes).and_then(|()| stdin.flush());
            stdin
        }));
    }

    /// The next line of its standard output; none at the end. A line without a line end was cut by a kill.
    pub fn line(&self) -> Option<Vec<u8>> {
        match self.lines.as_ref()?.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{}: gave no line within {PATIENCE:?}", self.shown),
        }
    }

    /// Sends it a signal by its name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("sh").args(["-c", &format!("kill -s {name} {}", self.id())]).status().unwrap();
        assert!(sent.success(), "{}: no {name} was sent", self.shown);
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    /// Closes its standard input and waits for its end.
    pub fn finish(mut self) -> Ran {
        self.stdin = None;
        let writers = std::mem::take(&mut self.writers);
        // Dropping what a writer gives back closes the pipe.
        let closing = std::thread::spawn(move || writers.into_iter().for_each(|writer| drop(writer.join())));
        let mut stdout = Vec::new();
        while let Some(line) = self.line() {
            stdout.extend(line);
        }
        let stderr = self.stderr.take().map_or_else(Vec::new, |stderr| stderr.join().unwrap());
        let status = self.child.wait().unwrap();
        closing.join().unwrap();
        Ran { shown: std::mem::take(&mut self.shown), status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        // Nobody is left to tell.
        let _ = self.child.wait();
    }
}

/// A directory of a test's own, which goes with it.
pub struct Scratch(TempDir);

impl Scratch {
    /// An empty directory.
    #[expect(clippy::new_without_default, reason = "it makes a directory: nothing that a default should do")]
    pub fn new() -> Scratch {
        Scratch(tempfile::Builder::new().prefix("sealog-test-").tempdir().unwrap())
    }

    /// The path of a file or directory in it.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Keeps the directory, for a person to look into.
    pub fn keep(self) -> PathBuf {
        self.0.keep()
    }

    /// Where the test's store lies.
    pub fn store(&self) -> String {
        self.path("store")
    }

    /// Writes a file, and gives its path.
    #[expect(clippy::disallowed_methods, reason = "an input of a test need not survive a crash")]
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Appends NDJSON to the store, and gives the receipts.
    pub fn append(&self, lines: impl AsRef<[u8]>) -> Vec<Value> {
        run_with(["append", "--data", &self.store()], lines).exits(0).says_nothing().lines()
    }

    /// What a scan of the store with these flags prints.
    pub fn scan(&self, flags: &[&str]) -> Vec<Value> {
        let store = self.store();
        let args = ["scan", "--data", &store].into_iter().chain(flags.iter().copied());
        run(args).exits(0).says_nothing().lines()
    }

    /// How many entries a scan with these flags counts.
    pub fn count(&self, flags: &[&str]) -> u64 {
        let store = self.store();
        let args = ["scan", "--count", "--data", &store].into_iter().chain(flags.iter().copied());
        run(args).exits(0).says_nothing().out().trim().parse().unwrap()
    }

    /// The report of a verification that finds nothing.
    pub fn verify(&self) -> Value {
        let report = run(["verify", "--json", "--data", &self.store()]).exits(0).says_nothing().json();
        assert_eq!(report["valid"], true, "{report}");
        report
    }
}
