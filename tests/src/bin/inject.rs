//! The injection campaign: `sealog append` of a small file, with each of its system calls failing in turn.
//!
//! `cargo run --release -p sealog-tests --bin inject` · `-- --slice` for a few of them · `-- --verbose` for what was said
//!
//! strace fails the N-th call of a kind (it counts per thread) with EIO or ENOSPC, or kills the process there, for every
//! N until a run meets none. After each: `verify` finds nothing, or there is no store yet and it says so; every receipt
//! that came out is true; and the same append, done again without faults, completes and stores everything once.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a campaign tells a person what it does")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken promise or a broken fixture ends the run")]

use sealog_tests::command::{Ran, Running, Scratch, binary, finish, run, run_with};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Calls that can fail because of the disk, a limit or the kernel, by the names that strace knows.
const CALLS: [&str; 28] = [
    "openat",
    "read",
    "pread64",
    "write",
    "pwrite64",
    "writev",
    "fdatasync",
    "fsync",
    "fallocate",
    "ftruncate",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
    "getrandom",
    "flock",
    "fcntl",
    "fstat",
    "newfstatat",
    "statx",
    "lseek",
    "getdents64",
    "mmap",
    "clone3",
    "sched_getaffinity",
];
/// Without memory, threads or randomness Rust's standard library panics or aborts: allowed, as long as nothing is lost.
const CALLS_THAT_MAY_ABORT: [&str; 3] = ["mmap", "clone3", "getrandom"];
/// A few calls, each failed a few times: for the suite.
const SLICE_CALLS: [&str; 4] = ["pwrite64", "fdatasync", "fallocate", "rename"];
const SLICE_COUNT_MAX: u32 = 3;
const FAULTS: [Fault; 3] = [Fault::Error("EIO"), Fault::Error("ENOSPC"), Fault::Kill];
const LINES: usize = 40;
const BATCH: &str = "8";
/// No run makes so many calls of one kind in one thread: it would not end.
const COUNT_MAX: u32 = 2_000;
const SIGKILL: i32 = 9;

/// What happens to a call.
#[derive(Clone, Copy)]
enum Fault {
    Error(&'static str),
    Kill,
}

/// What lies in the directory before the append.
#[derive(Clone, Copy, Debug)]
enum Beginning {
    Nothing,
    CleanStop,
    Crash,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (is_slice, is_verbose) = match arguments.as_slice() {
        [] => (false, false),
        [one] if one == "--slice" => (true, false),
        [one] if one == "--verbose" => (false, true),
        _ => {
            eprintln!("expected nothing, --slice or --verbose, found {arguments:?}");
            return ExitCode::from(2);
        }
    };
    if !can_trace() {
        println!("skipped: strace is not there, or may not trace");
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let mut figures = Figures::default();
    let beginnings: &[Beginning] = if is_slice {
        &[Beginning::Crash]
    } else {
        &[Beginning::Nothing, Beginning::CleanStop, Beginning::Crash]
    };
    for beginning in beginnings {
        let campaign = Campaign::new(*beginning);
        let calls = campaign.calls_made();
        for call in CALLS.into_iter().filter(|call| calls.contains_key(*call)) {
            if is_slice && !SLICE_CALLS.contains(&call) {
                continue;
            }
            let before = figures.runs;
            for fault in FAULTS {
                let count_max = if is_slice { SLICE_COUNT_MAX } else { COUNT_MAX };
                (1..=count_max)
                    .take_while(|number| campaign.fail(call, fault, *number, &mut figures))
                    .count();
            }
            if !is_slice {
                eprintln!(
                    "{beginning:?}: {call}, {} runs, {:.0} s",
                    figures.runs - before,
                    started.elapsed().as_secs_f64()
                );
            }
        }
    }
    println!(
        "{} runs with one failed call in {:.0} s: {} ended with an error, {} were killed, {} went on to the end",
        figures.runs,
        started.elapsed().as_secs_f64(),
        figures.failed,
        figures.killed,
        figures.unharmed
    );
    println!(
        "{} receipts, all true; {} times no store yet; every append after it completed, every verify found nothing",
        figures.receipts, figures.no_store
    );
    if is_verbose {
        figures.said.iter().for_each(|(said, count)| println!("{count:6} {said}"));
    }
    ExitCode::SUCCESS
}

fn can_trace() -> bool {
    let mut strace = Command::new("strace");
    let traced =
        strace.args(["-f", "-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    traced.is_ok_and(|status| status.success())
}

#[derive(Default)]
struct Figures {
    runs: u64,
    failed: u64,
    killed: u64,
    unharmed: u64,
    receipts: u64,
    no_store: u64,
    /// What was said, by call and fault, and how often.
    said: BTreeMap<String, u64>,
}

struct Campaign {
    beginning: Beginning,
    template: Scratch,
    /// Entries of the template's store.
    before: Vec<Value>,
    lines: Vec<Value>,
}

impl Campaign {
    fn new(beginning: Beginning) -> Campaign {
        let template = Scratch::new();
        match beginning {
            Beginning::Nothing => {}
            Beginning::CleanStop => drop(template.append(text(&lines("before")))),
            Beginning::Crash => {
                let store = template.store();
                let mut writer = Running::start(["append", "--batch", BATCH, "--data", &store, "-"]);
                writer.send(text(&lines("before")));
                (0..LINES / 8).for_each(|_| drop(writer.line()));
                writer.kill();
                writer.finish();
                tear_last_frame(&template.path("store/journal/00000001.journal"));
            }
        }
        let before = match beginning {
            Beginning::Nothing => Vec::new(),
            Beginning::CleanStop | Beginning::Crash => scan(&template.store()),
        };
        Campaign { beginning, template, before, lines: lines("new") }
    }

    /// A place of its own with a copy of the beginning's store, and the file to append.
    fn place(&self) -> (Scratch, String) {
        let scratch = Scratch::new();
        if !matches!(self.beginning, Beginning::Nothing) {
            copy(Path::new(&self.template.store()), Path::new(&scratch.store()));
        }
        let file = scratch.file("new.ndjson", text(&self.lines));
        (scratch, file)
    }

    /// Runs the append under strace; gives what it left, and what strace saw.
    fn append(scratch: &Scratch, file: &str, flags: &[&str]) -> (Ran, String) {
        let log = scratch.path("strace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o", &log]).args(flags).arg(binary());
        strace.args(["append", "--batch", BATCH, "--data", &scratch.store(), file]);
        strace
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_remove("RUST_BACKTRACE");
        let ran = finish(strace);
        (ran, String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned())
    }

    /// How often one append makes each call, all threads together.
    fn calls_made(&self) -> HashMap<String, u32> {
        let (scratch, file) = self.place();
        let (ran, log) = Campaign::append(&scratch, &file, &[]);
        assert!(ran.status.success(), "{}", ran.err());
        let mut calls = HashMap::new();
        // `1234  openat(…) = 3`
        for call in log.lines().filter_map(|line| line.split_whitespace().nth(1)?.split_once('(')) {
            *calls.entry(call.0.to_owned()).or_default() += 1;
        }
        calls
    }

    /// Fails the `number`-th call in each thread, and checks what is left. False if no thread made so many.
    fn fail(&self, call: &str, fault: Fault, number: u32, figures: &mut Figures) -> bool {
        let (scratch, file) = self.place();
        let what = match fault {
            Fault::Error(error) => format!("error={error}"),
            Fault::Kill => "signal=SIGKILL".to_owned(),
        };
        let inject = format!("inject={call}:{what}:when={number}");
        let (ran, log) = Campaign::append(&scratch, &file, &["-e", &format!("trace={call}"), "-e", &inject]);
        let was_killed = ran.status.signal() == Some(SIGKILL);
        if !log.contains("(INJECTED)") && !was_killed {
            assert!(ran.status.success(), "{}", ran.err());
            return false;
        }
        let place = format!("{:?}, {inject}", self.beginning);
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            Campaign::check_end(&ran, CALLS_THAT_MAY_ABORT.contains(&call));
            self.check(&ran, &scratch, &file, figures);
        }));
        if let Err(broken) = checked {
            eprintln!("broken: {place}: {}\nkept in {}", ran.err(), scratch.keep().display());
            std::panic::resume_unwind(broken);
        }
        figures.runs += 1;
        let ended = match ran.status.code() {
            _ if was_killed => {
                figures.killed += 1;
                return true;
            }
            Some(0) => {
                figures.unharmed += 1;
                "0".to_owned()
            }
            code => {
                figures.failed += 1;
                code.map_or(ran.status.to_string(), |code| code.to_string())
            }
        };
        let said = ran.err().replace(&scratch.path(""), "").trim().to_owned();
        *figures.said.entry(format!("{call} {what} → {ended}: {said}")).or_default() += 1;
        true
    }

    /// The exit code and the message are the contract's.
    fn check_end(ran: &Ran, may_abort: bool) {
        // The loader gives up with 127 when it cannot read the binary's libraries; that is before any of our code.
        let is_ours = ran.err().lines().all(|line| line.starts_with("sealog: "));
        match ran.status.code() {
            Some(0) => {}
            Some(1 | 2) => panic!("a fault of the system's is exit 3"),
            Some(3) => assert!(is_ours && !ran.stderr.is_empty(), "expected a message of ours"),
            Some(127) => assert!(!is_ours, "127 is the loader's"),
            None if ran.status.signal() == Some(SIGKILL) => {}
            _ => assert!(may_abort, "ended with {}", ran.status),
        }
    }

    fn check(&self, ran: &Ran, scratch: &Scratch, file: &str, figures: &mut Figures) {
        let text = ran.out();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let receipts: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        figures.receipts += receipts.len() as u64;
        let store = scratch.store();
        if std::fs::exists(scratch.path("store/STORE")).unwrap() {
            self.check_store(&store, &receipts, ran.status.success());
        } else {
            assert!(receipts.is_empty() && self.before.is_empty(), "there was a store");
            run(["verify", "--data", &store])
                .exits(3)
                .prints_nothing()
                .says(&["is not a store", "sealog init"]);
            figures.no_store += 1;
        }
        // The next append works, and what had come before it stores nothing.
        run(["append", "--batch", BATCH, "--data", &store, file]).exits(0);
        self.check_store(&store, &receipts, true);
        let report = run(["verify", "--json", "--data", &store]).exits(0).says_nothing().json();
        assert_eq!(report["torn_bytes"], 0);
    }

    fn check_store(&self, store: &str, receipts: &[Value], is_done: bool) {
        run(["verify", "--json", "--data", store]).exits(0);
        let found = scan(store);
        assert_eq!(found[..self.before.len()], self.before[..], "what was there before changed");
        let new = &found[self.before.len()..];
        let messages = |entries: &mut dyn Iterator<Item = &Value>| {
            let mut messages: Vec<String> = entries.map(|entry| entry["message"].to_string()).collect();
            messages.sort();
            messages
        };
        assert!(new.len() <= self.lines.len(), "stored twice");
        assert_eq!(
            messages(&mut new.iter()),
            messages(&mut self.lines[..new.len()].iter()),
            "no prefix of the file"
        );
        assert!(!is_done || new.len() == self.lines.len(), "{} of {} lines", new.len(), self.lines.len());
        let mut by_place = HashMap::new();
        let mut next = HashMap::<&str, u64>::new();
        for entry in &found {
            let service = entry["service"].as_str().unwrap();
            let seq = next.entry(service).or_default();
            assert_eq!(entry["seq"], *seq, "a hole in {service}");
            by_place.insert((service, *seq), entry);
            *seq += 1;
        }
        for receipt in receipts {
            let service = receipt["service"].as_str().unwrap();
            let [first, last] = ["first_seq", "last_seq"].map(|key| receipt[key].as_u64().unwrap());
            for seq in first..=last {
                let entry =
                    by_place.get(&(service, seq)).unwrap_or_else(|| panic!("lost: entry {seq} of {receipt}"));
                assert_eq!(entry["logged_at"], receipt["logged_at"]);
            }
        }
    }
}

/// Entries with IDs, of three services, later ones longer: the first batches are small frames, the last ones large.
fn lines(name: &str) -> Vec<Value> {
    let line = |number: usize| {
        let id = format!("{name}-{number}");
        json!({
            "tenant": "acme",
            "service": (["mail", "directory", "hosting"][number % 3]),
            "activity": "entry.sent",
            "message": format!("{id} {}", "x".repeat(number * 400)),
            "id": id,
        })
    };
    (0..LINES).map(line).collect()
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn scan(store: &str) -> Vec<Value> {
    run_with(["scan", "--order", "asc", "--format", "ndjson", "--data", store], "").exits(0).lines()
}

/// Zeros the end of the last frame, as a power cut would that came before its sync.
fn tear_last_frame(journal: &str) {
    let bytes = std::fs::read(journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let file = std::fs::File::options().write(true).open(journal).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 40], end as u64 - 39).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
