//! Commands that need no store: `generate`, `demo`, `completions`, `man`, help and bad usage.

use sealog_tests::command::{Running, Scratch, finish, run, run_with, sealog};
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

const COMMANDS: [&str; 15] = [
    "demo",
    "init",
    "serve",
    "key",
    "config",
    "append",
    "scan",
    "verify",
    "compact",
    "stats",
    "inspect",
    "generate",
    "import",
    "completions",
    "man",
];

#[test]
fn generate_gives_the_same_bytes_for_the_same_seed_and_as_many_lines_as_asked() {
    let args = ["generate", "--entries", "2000", "--seed", "7", "--tenants", "20", "--services", "3"];
    let first = run(args).exits(0).says_nothing();
    assert_eq!(first.stdout, run(args).exits(0).stdout);
    let entries = first.lines();
    assert_eq!(entries.len(), 2000);
    let distinct =
        |key: &str| entries.iter().map(|entry| entry[key].as_str().unwrap()).collect::<HashSet<_>>().len();
    assert!(distinct("tenant") <= 20 && distinct("tenant") > 10, "{}", distinct("tenant"));
    assert_eq!(distinct("service"), 3);
    run(["generate", "--entries", "0"]).exits(0).prints_nothing();
    for bad in
        [["--entries", "-1"], ["--entries", "many"], ["--tenants", "0"], ["--services", "0"], ["--days", "0"]]
    {
        run(["generate", "--entries", "1"].into_iter().chain(bad)).exits(2);
    }
    run(["generate"]).exits(2).says(&["--entries"]);
}

#[test]
fn two_seeds_share_no_id_and_no_process() {
    let ids = |seed: &str| -> HashSet<String> {
        let lines = run(["generate", "--entries", "3000", "--seed", seed]).exits(0).lines();
        let of = |entry: &Value| {
            let process = entry["process"]["id"].as_str().map(|id| format!("process {id}"));
            [entry["id"].as_str().map(str::to_owned), process]
        };
        lines.iter().flat_map(of).flatten().collect()
    };
    let (one, other) = (ids("1"), ids("2"));
    assert!(one.len() > 2000 && one.is_disjoint(&other));
}

#[test]
fn what_generate_writes_append_takes() {
    let scratch = Scratch::new();
    let lines = run(["generate", "--entries", "3000", "--tenants", "50"]).exits(0).stdout;
    let receipts = scratch.append(&lines);
    assert!(receipts.iter().all(|receipt| receipt["duplicate"] == false));
    assert_eq!(scratch.count(&[]), 3000);
    scratch.verify();
}

#[test]
fn the_demo_runs_and_leaves_nothing_behind() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("tmp")).unwrap();
    let demo = || {
        let mut command = sealog(["demo", "--tour", "--entries", "2000"]);
        command.env("TMPDIR", scratch.path("tmp"));
        command
    };
    let ran = finish(demo()).exits(0).says_nothing();
    for part in [
        "Append",
        "2 000 entries",
        "Scan",
        "Verify",
        "VALID",
        "Tamper",
        "named with its place",
        "sealog init",
    ] {
        assert!(ran.out().contains(part), "{part}: {}", ran.out());
    }
    assert!(!ran.out().contains('\u{1b}'), "no colours in a pipe");
    assert_eq!(fs::read_dir(scratch.path("tmp")).unwrap().count(), 0);
    // So many are sealed at the stop.
    let sealed = run(["demo", "--tour", "--entries", "60000"]).exits(0).says_nothing();
    for part in ["flip one bit in chains/", "named with its place"] {
        assert!(sealed.out().contains(part), "{part}: {}", sealed.out());
    }
    // Also when nobody reads on.
    let mut child = demo().spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(fs::read_dir(scratch.path("tmp")).unwrap().count(), 0);
    run(["demo", "--tour", "--entries", "0"]).exits(2);
    let mut nowhere = sealog(["demo", "--tour", "--entries", "10"]);
    nowhere.env("TMPDIR", scratch.path("missing"));
    finish(nowhere).exits(3).says(&["missing", "No such file"]);
}

#[test]
fn a_demo_that_is_interrupted_leaves_nothing_behind_either() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("tmp")).unwrap();
    let left = || fs::read_dir(scratch.path("tmp")).unwrap().count();
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let mut command = sealog(["demo", "--tour", "--entries", "20000000"]);
        command.env("TMPDIR", scratch.path("tmp"));
        let demo = Running::of(command);
        while !String::from_utf8(demo.line().unwrap()).unwrap().contains("Append") {}
        assert_eq!(left(), 1, "its store is there");
        demo.signal(name);
        let ran = demo.finish().says_nothing();
        assert_eq!(ran.status.signal(), Some(number), "it ends as the signal ends others");
        assert_eq!(left(), 0, "{name}");
    }
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(["completions", shell]).exits(0).says_nothing();
        for command in COMMANDS {
            assert!(script.out().contains(command), "{shell}: {command}");
        }
        for flag in ["min-severity", "skip-bad"] {
            assert!(script.out().contains(flag), "{shell}: {flag}");
        }
        match Command::new(shell).arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn() {
            Ok(_) => {
                let mut check = Command::new(shell);
                check.arg("-n").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                let mut check = Running::of(check);
                check.send(&script.stdout);
                check.finish().exits(0).says_nothing();
            }
            Err(error) => println!("skipped: {shell} does not check its script: {error}"),
        }
    }
    run(["completions", "cmd.exe"]).exits(2).says(&["cmd.exe", "bash"]);
    run(["completions"]).exits(2);
}

#[test]
fn the_manual_names_every_command_and_is_sound_roff() {
    let page = run(["man"]).exits(0).says_nothing();
    for command in COMMANDS {
        assert!(page.out().contains(&format!("sealog {command} \\- ")), "{command}");
    }
    assert!(!page.out().contains("(1)"), "there are no other pages to refer to");
    assert!(page.out().contains("Exit codes"), "{}", page.out());
    let scratch = Scratch::new();
    let file = scratch.file("sealog.1", &page.stdout);
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "UTF-8", "-l", &file]).env("MANPAGER", "cat").env("LC_ALL", "C.UTF-8");
    man.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match man.output() {
        Ok(shown) => {
            assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
            assert_eq!(String::from_utf8_lossy(&shown.stderr), "");
            assert!(shown.stdout.len() > 5000);
        }
        Err(error) => println!("skipped: no tool `man` to check the page: {error}"),
    }
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let help = run(["--help"]).exits(0).says_nothing();
    for command in COMMANDS {
        assert!(help.out().contains(command), "{command}");
        let own = run([command, "--help"]).exits(0).says_nothing();
        assert!(own.out().contains("Usage: sealog"), "{}", own.out());
    }
    assert!(help.out().contains("Exit codes: 0 done, 1 "), "{}", help.out());
    assert!(run(["--version"]).exits(0).out().starts_with("sealog "));
}

#[test]
fn what_is_not_in_this_version_is_named_nowhere() {
    let mut shown = vec![run(["man"]).exits(0), run(["--help"]).exits(0)];
    shown.extend(["bash", "zsh", "fish"].map(|shell| run(["completions", shell]).exits(0)));
    shown.extend(COMMANDS.map(|command| run([command, "--help"]).exits(0)));
    // Usage lines and tips of what was mistyped.
    shown.extend(["append", "scan", "verify"].map(|command| run([command]).exits(2)));
    shown.push(run(["verify", "--data", "x", "--checkpoints"]).exits(2));
    for ran in shown {
        for flag in ["checkpoint ", "checkpoint'", "--key"] {
            let text = [ran.out(), ran.err()].concat().replace("\\-", "-");
            assert!(!text.contains(&format!("--{flag}")), "--{flag}: {text}");
        }
    }
}

#[test]
fn bad_usage_is_exit_2_and_says_what_is_there() {
    run(["nonsense"]).exits(2).prints_nothing().says(&["nonsense", "Usage"]);
    run::<&str>([]).exits(2).prints_nothing().says(&["Usage", "append"]);
    run(["scan", "--data", "x", "--nonsense"]).exits(2).says(&["--nonsense"]);
    run(["scan", "--data", "x", "--data", "y"]).exits(2).says(&["--data"]);
    for batch in ["0", "-1", "many", "100001"] {
        let flag = format!("--batch={batch}");
        run_with(["append", "--data", "x", &flag], "").exits(2).says(&["--batch", batch]);
    }
    run(["import", "--data", "x", "--format", "nonsense", "file"]).exits(2).says(&["nonsense", "cloudtrail"]);
    run(["import", "--data", "x", "--format", "linux"]).exits(2).says(&["FILE"]);
    run(["verify", "--data", "x", "--data", "y"]).exits(2);
}
