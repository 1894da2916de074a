//! `append`, `scan`, `tail` and `verify` of a server's log.

use super::append::open_input;
use super::output;
use crate::cli::{Append, OutputFormat, Scan, Tail, Verify};
use crate::failure::{Failure, Outcome};
use crate::filter::words;
use crate::output::entries::Printer;
use crate::output::human::counted;
use crate::output::table::{bad, bold, good, plain};
use crate::output::terminal::{note, printable};
use crate::remote::{Line, Remote, each_entry, lines, parameters, read_line, refused, text};
use sealog_engine::model::Committed;
use sealog_engine::scan::{Order, Words};
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Duration;

/// What a batch's bytes may be together: less than what a server takes.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// How often a batch is sent that a busy server did not take.
const TRIES: u32 = 6;
/// How long it is waited between them, if the server does not say.
const PAUSE: Duration = Duration::from_secs(1);

pub fn scan(url: &str, args: &Scan, format: OutputFormat, limit: Option<u64>, order: Order) -> Outcome {
    let remote = Remote::new(url)?;
    let words = words(&args.filters);
    if args.explain {
        return Err(Failure::Input("--explain: it looks at the files; name them with --data DIR".to_owned()));
    }
    let mut out = output();
    if args.count {
        let path = format!("/api/v1/facets?field=severity&{}", parameters(&words, None, None));
        let answer = remote.get(&path, "application/json", None)?;
        let found: Value = serde_json::from_str(&text(answer)?)
            .map_err(|error| Failure::Impossible(format!("the answer is no JSON: {error}")))?;
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let values = found["values"].as_array().into_iter().flatten();
        let count: u64 = values.map(|value| number(&value["count"])).sum();
        let count = (count + number(&found["others"])).min(limit.unwrap_or(u64::MAX));
        let written = writeln!(out, "{count}").and_then(|()| out.flush());
        return written.map_err(|error| Failure::output(&error));
    }
    let path = format!("/api/v1/entries?{}", parameters(&words, Some(order), limit));
    let answer = remote.get(&path, "application/x-ndjson", None)?;
    let problems = {
        let mut printer = Printer::new(format, &mut out);
        printer.begin().map_err(|error| Failure::output(&error))?;
        let problems = each_entry(lines(answer), |entry| printer.entry(entry))?;
        printer.end().map_err(|error| Failure::output(&error))?;
        problems
    };
    out.flush().map_err(|error| Failure::output(&error))?;
    problems.iter().for_each(|problem| note(problem));
    if problems.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

pub fn tail(url: &str, args: &Tail, format: OutputFormat) -> Outcome {
    let remote = Remote::new(url)?;
    let path = format!("/api/v1/tail?{}", parameters(&words(&args.filters), None, None));
    let mut out = output();
    Printer::new(format, &mut out).begin().map_err(|error| Failure::output(&error))?;
    let mut last: Option<String> = None;
    loop {
        let answer = remote.get(&path, "text/event-stream", last.as_deref())?;
        let (mut kind, mut id) = (String::new(), None);
        // A connection that ends is begun anew, behind the last entry.
        for line in lines(answer).map_while(Result::ok) {
            match line.split_once(": ") {
                Some(("event", value)) => value.clone_into(&mut kind),
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("data", data)) if kind.is_empty() => {
                    if let Line::Entry(entry, seq, tenant_seq, logged_at, logged_by) = read_line(data)? {
                        let committed =
                            Committed { seq, tenant_seq, logged_at, logged_by: &logged_by, entry: *entry };
                        let printed = Printer::new(format, &mut out).entry(&committed);
                        printed.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
                    }
                    last = id.take().or(last);
                }
                Some(("data", data)) => note(&format!("{kind}: {data}")),
                _ if line.is_empty() => kind.clear(),
                _ => {}
            }
        }
        pause(PAUSE);
    }
}

pub fn verify(url: &str, args: &Verify) -> Outcome {
    if args.all_heads || args.quick {
        return Err(Failure::Input("--all-heads, --quick: they are of --data DIR".to_owned()));
    }
    let remote = Remote::new(url)?;
    let mut asked = json!({ "services": args.service });
    if let Some(last) = args.window.last {
        asked["last"] = format!("{}s", last / 1_000_000_000).into();
    }
    for (name, time) in [("from", args.window.from), ("to", args.window.to)] {
        if let Some(time) = time {
            asked[name] = time.to_string().into();
        }
    }
    let answer = remote.post("/api/v1/verify", "application/json", asked.to_string().as_bytes())?;
    if !answer.status().is_success() {
        return Err(refused(answer));
    }
    let report: Value = serde_json::from_str(&text(answer)?)
        .map_err(|error| Failure::Impossible(format!("the answer is no report: {error}")))?;
    let mut out = output();
    let written = if args.json {
        crate::output::json::write(&mut out, &report).and_then(|()| writeln!(out))
    } else {
        write_report(&mut out, &report)
    };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    if report["valid"] == true { Ok(()) } else { Err(Failure::Found) }
}

/// A report as people read it.
fn write_report(out: &mut dyn Write, report: &Value) -> std::io::Result<()> {
    let verdict = if report["valid"] == true { good("VALID") } else { bad("NOT VALID") };
    let entries = report["entries"].as_u64().unwrap_or(0);
    writeln!(out, "{verdict}  {}", bold(counted(entries, "entry", "entries")))?;
    let shown = |value: &Value| printable(value.as_str().unwrap_or("–"));
    let chains = report["chains"].as_array().cloned().unwrap_or_default();
    let rows = chains.iter().map(|chain| {
        let state = if chain["valid"] == true { good("valid") } else { bad("not valid") };
        let (first, last) = (&chain["first"]["logged_at"], &chain["last"]["logged_at"]);
        vec![shown(&chain["service"]), state, chain["entries"].to_string(), shown(first), shown(last)]
    });
    let header = ["CHAIN", "", "ENTRIES", "FIRST VERIFIABLE", "LAST VERIFIABLE"];
    writeln!(out, "\n{}", plain(&header, rows.collect(), &[2]))?;
    let of_chains = chains.iter().filter_map(|chain| chain["problems"].as_array()).flatten();
    for problem in report["problems"].as_array().into_iter().flatten().chain(of_chains) {
        let (kind, file) = (shown(&problem["kind"]), shown(&problem["file"]));
        writeln!(out, "  {}  {file}: {}", bold(kind), shown(&problem["detail"]))?;
    }
    Ok(())
}

pub fn append(url: &str, args: &Append) -> Outcome {
    let remote = Remote::new(url)?;
    let mut input = open_input(args.file.as_deref().unwrap_or(Path::new("-")))?;
    let defaults = Words {
        tenant: args.tenant.iter().cloned().collect(),
        service: args.service.iter().cloned().collect(),
        ..Words::default()
    };
    let path = format!("/api/v1/entries?{}", parameters(&defaults, None, None));
    let lines_max = if args.atomic { usize::MAX } else { args.batch as usize };
    let bytes_max = if args.atomic { usize::MAX } else { BATCH_BYTES_MAX };
    let mut sending = Sending { remote, path, name: input.name.clone(), skips: args.skip_bad, written: 0 };
    let (mut batch, mut bytes, mut number) = (Vec::new(), 0, 0);
    loop {
        let mut line = Vec::new();
        let read = input.lines.read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::io(format!("could not read {}", input.name), &error))?;
        number += 1;
        if !line.trim_ascii().is_empty() {
            bytes += line.len();
            batch.push((number, line));
        }
        if !batch.is_empty() && (read == 0 || batch.len() >= lines_max || bytes >= bytes_max) {
            sending.send(std::mem::take(&mut batch))?;
            bytes = 0;
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// Batches on their way.
struct Sending {
    remote: Remote,
    path: String,
    name: String,
    skips: bool,
    written: u64,
}

impl Sending {
    /// Sends lines as one batch, and prints its receipts.
    fn send(&mut self, mut lines: Vec<(u64, Vec<u8>)>) -> Outcome {
        let mut tries = 0;
        while !lines.is_empty() {
            let body: Vec<u8> =
                lines.iter().flat_map(|(_, line)| [line.trim_ascii(), b"\n"].concat()).collect();
            let answer = self.remote.post(&self.path, "application/x-ndjson", &body)?;
            let status = answer.status().as_u16();
            if answer.status().is_success() {
                self.written += lines.len() as u64;
                return print_receipts(&text(answer)?);
            }
            tries += 1;
            if matches!(status, 429 | 503) && tries < TRIES {
                let wait =
                    answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse().ok());
                pause(wait.map_or(PAUSE, Duration::from_secs));
                continue;
            }
            let told = text(answer)?;
            let problem: Value = serde_json::from_str(&told).unwrap_or(Value::Null);
            let detail = problem["detail"].as_str().unwrap_or(&told).to_owned();
            let at = problem["entry"].as_u64().and_then(|entry| usize::try_from(entry).ok());
            let bad = at.filter(|at| *at < lines.len() && matches!(status, 400 | 403 | 409 | 422));
            let place = bad.map_or(self.name.clone(), |at| format!("{}, line {}", self.name, lines[at].0));
            if let (Some(at), true) = (bad, self.skips) {
                note(&format!("{place}: {detail}; left out"));
                lines.remove(at);
                continue;
            }
            let before = counted(self.written, "entry was", "entries were");
            let message =
                format!("{place}: {detail}; nothing of its batch was written; {before} written before it");
            return Err(match status {
                400 | 409 | 413 | 415 | 422 => Failure::Input(message),
                _ => Failure::Impossible(message),
            });
        }
        Ok(())
    }
}

fn print_receipts(answer: &str) -> Outcome {
    let answer: Value = serde_json::from_str(answer)
        .map_err(|error| Failure::Impossible(format!("the answer is not of receipts: {error}")))?;
    let mut out = output();
    let receipts = answer["receipts"].as_array().cloned().unwrap_or_default();
    let written = receipts.iter().try_for_each(|receipt| writeln!(out, "{receipt}"));
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

#[expect(clippy::disallowed_methods, reason = "the server said how long, or there is nothing to wait on")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
