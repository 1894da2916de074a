//! Prints every value that docs/format.md and docs/integrity.md quote, so that nobody computes one by hand.
//!
//! `cargo run --example vectors -- format` dumps the journal of a store of one entry, field by field.
//! `cargo run --example vectors -- integrity` prints every hash of a store of three entries.
//! `cargo run --example vectors -- batch-key` prints the MACs of a batch with a key.
//!
//! Clock and randomness are fixed: byte n drawn from the random source is n mod 256. The stores are made by
//! `Store::append` and read back; each hash is computed here from its formula and held against what was stored.

#![expect(clippy::print_stdout, reason = "a program whose output is pasted into the docs")]

use sealog_engine::batch::Batch;
use sealog_engine::clock::{Clock, Entropy};
use sealog_engine::format::cbor::Reader;
use sealog_engine::format::commit::{self, Commit, Part};
use sealog_engine::format::control::{Heads, kind};
use sealog_engine::format::journal::{FILE_HEADER_BYTES, FRAMES_OFFSET, FileHeader, FrameHeader, FrameType};
use sealog_engine::format::record;
use sealog_engine::hex;
use sealog_engine::model::{Entry, Severity, StoreName, Timestamp};
use sealog_engine::proof::hashes::{self, DirectoryRow, RowKind, Skeleton};
use sealog_engine::proof::tree::RightEdge;
use sealog_engine::proof::{Hash, Hasher, digest};
use sealog_engine::store::{Background, Options, Store};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

type Outcome<T> = Result<T, Box<dyn Error>>;

const STORE_NAME: &str = "audit.example.com";
const START: &str = "2026-11-21T14:05:06.123456789Z";
const SECOND_NS: i64 = 1_000_000_000;

fn main() -> Outcome<()> {
    match std::env::args().nth(1).as_deref() {
        Some("format") => print_format(),
        Some("integrity") => print_integrity(),
        Some("batch-key") => print_batch_key(),
        _ => Err("expected `format`, `integrity` or `batch-key`".into()),
    }
}

// ---------------------------------------------------------------------------------------------- the stores

/// Byte n drawn is n mod 256.
#[derive(Default)]
struct CountingEntropy(AtomicU8);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

/// Both clocks show what was set.
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn wall_ns(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn boot_ns(&self) -> i64 {
        self.wall_ns()
    }
}

/// The bytes of a store's two files.
struct Made {
    store_file: Vec<u8>,
    journal: Vec<u8>,
}

/// Makes a store, commits the batches a second apart, stops it cleanly and reads its files.
fn make(name: &str, batches: Vec<Batch>) -> Outcome<Made> {
    let directory: PathBuf = std::env::temp_dir().join(format!("sealog-{name}-{}", std::process::id()));
    let made = make_in(&directory, batches);
    std::fs::remove_dir_all(&directory)?;
    made
}

fn make_in(directory: &Path, batches: Vec<Batch>) -> Outcome<Made> {
    let clock = Arc::new(SetClock(AtomicI64::new(Timestamp::parse(START)?.nanos())));
    let options = Options {
        instance: "sealog@log1".to_owned(),
        name: Some(StoreName::new(STORE_NAME)?),
        background: Background::Inline,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        entropy: Arc::new(CountingEntropy::default()),
        ..Options::default()
    };
    let store = Store::open(directory, options)?;
    for batch in batches {
        store.append(batch)?;
        clock.0.fetch_add(SECOND_NS, Ordering::Relaxed);
    }
    store.close()?;
    Ok(Made {
        store_file: std::fs::read(directory.join("STORE"))?,
        journal: std::fs::read(directory.join("journal/00000001.journal"))?,
    })
}

/// The entry that both pages use.
fn first_entry() -> Entry<'static> {
    Entry {
        tenant: "acme".into(),
        service: "mail-api".into(),
        activity: "login".into(),
        message: "hello".into(),
        ..Entry::default()
    }
}

fn batch_of(entries: &[Entry<'_>]) -> Outcome<Batch> {
    let mut batch = Batch::new();
    for entry in entries {
        batch.push(entry)?;
    }
    Ok(batch)
}

fn one_entry_store() -> Outcome<Made> {
    make("one", vec![batch_of(&[first_entry()])?])
}

/// Two services, two tenants, three entries, in two commits.
fn three_entry_store() -> Outcome<Made> {
    let second = Entry {
        service: "billing".into(),
        activity: "invoice.sent".into(),
        severity: Severity::Warning,
        message: "".into(),
        generated_at: Some(Timestamp::parse("2026-11-21T14:05:05Z")?),
        success: Some(true),
        attributes: vec![("region".into(), "eu".into()), ("plan".into(), "".into())],
        ..first_entry()
    };
    let third = Entry { tenant: "globex".into(), ..first_entry() };
    make("three", vec![batch_of(&[first_entry(), second])?, batch_of(&[third])?])
}

struct Frame<'a> {
    header: FrameHeader,
    payload: &'a [u8],
}

/// The frames of a journal that a clean stop left.
fn frames(journal: &[u8]) -> Outcome<(FileHeader, Vec<Frame<'_>>)> {
    let file = FileHeader::decode(&journal[..FILE_HEADER_BYTES])?;
    let mut frames = Vec::new();
    let mut at = usize::try_from(FRAMES_OFFSET)?;
    while at < journal.len() {
        let header = FrameHeader::decode(&journal[at..at + 64], at as u64, &file.nonce)?;
        let payload = &journal[at + 64..][..header.payload_bytes as usize];
        at += usize::try_from(header.frame_bytes())?;
        frames.push(Frame { header, payload });
    }
    Ok((file, frames))
}

fn commit_of<'a>(frame: &Frame<'a>) -> Outcome<Commit<'a>> {
    Ok(commit::decode(frame.payload, frame.header.part_count, frame.header.entry_count)?)
}

// ---------------------------------------------------------------------------------------------- format

fn print_format() -> Outcome<()> {
    let made = one_entry_store()?;
    println!("STORE:\n{}", String::from_utf8(made.store_file)?);
    println!("journal/00000001.journal, {} bytes:", made.journal.len());
    let mut dump = Dump { bytes: &made.journal, at: 0 };
    dump.file_header("copy 1")?;
    dump.file_header("copy 2")?;
    while dump.at < made.journal.len() {
        dump.frame()?;
    }
    println!("\nSHA-256 of the file: {}", hex::encode(&digest(&[&made.journal])));
    let plain: String = made.journal.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("\nthe file in hex:");
    for line in plain.as_bytes().chunks(96) {
        println!("{}", String::from_utf8_lossy(line));
    }
    Ok(())
}

/// Prints fields with their offsets, from the front of a file.
struct Dump<'a> {
    bytes: &'a [u8],
    at: usize,
}

const DUMP_WIDTH: usize = 16;

impl<'a> Dump<'a> {
    fn title(&self, title: &str) {
        println!("\n-- {title}");
    }

    fn field(&mut self, count: usize, note: &str) -> &'a [u8] {
        let field = &self.bytes[self.at..self.at + count];
        for (index, line) in field.chunks(DUMP_WIDTH).enumerate() {
            let shown: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let text = if index == 0 { note } else { "" };
            let line = format!("{:04x}  {:<47}  {text}", self.at + index * DUMP_WIDTH, shown.join(" "));
            println!("{}", line.trim_end());
        }
        self.at += count;
        field
    }

    fn number<const N: usize>(&mut self, name: &str) -> u64 {
        let value = self.bytes[self.at..self.at + N]
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte));
        self.field(N, &format!("{name} = {value}"));
        value
    }

    /// A length byte and a text.
    fn short_text(&mut self, name: &str) {
        let length = usize::from(self.bytes[self.at]);
        let text = String::from_utf8_lossy(&self.bytes[self.at + 1..][..length]);
        self.field(1 + length, &format!("{name}: {length} bytes, {text:?}"));
    }

    fn file_header(&mut self, copy: &str) -> Outcome<()> {
        FileHeader::decode(&self.bytes[self.at..self.at + FILE_HEADER_BYTES])?;
        self.title(&format!("file header, {copy}"));
        self.field(8, "magic \"SLGJRNL1\"");
        self.number::<4>("version");
        self.field(4, "reserved");
        self.field(16, "store_id");
        self.number::<8>("journal");
        self.number::<8>("first_frame");
        self.field(8, "nonce");
        self.field(4, "reserved");
        self.field(4, "crc of bytes 0..60 of this copy");
        Ok(())
    }

    fn frame(&mut self) -> Outcome<()> {
        let file = FileHeader::decode(&self.bytes[..FILE_HEADER_BYTES])?;
        let header = FrameHeader::decode(&self.bytes[self.at..self.at + 64], self.at as u64, &file.nonce)?;
        self.title(&format!("frame {}, header", header.number));
        self.field(4, "magic \"SLGF\"");
        self.field(1, &format!("type = {}", header.frame_type as u8));
        self.field(3, "reserved");
        self.number::<8>("number");
        self.number::<8>("durable");
        self.field(
            8,
            &format!("logged_at = {} ({})", header.logged_at, Timestamp::from_nanos(header.logged_at)),
        );
        self.number::<8>("offset");
        self.number::<4>("payload_bytes");
        self.field(4, "payload_crc");
        self.number::<4>("part_count");
        self.number::<4>("entry_count");
        self.field(4, "reserved");
        self.field(4, "crc of nonce and bytes 0..60 of this header");
        if header.frame_type == FrameType::Commit {
            let start = self.at;
            self.title(&format!("frame {}, payload", header.number));
            for _ in 0..header.part_count {
                self.part()?;
            }
            self.number::<4>("batch_count");
            let padding = (start + header.payload_bytes as usize).next_multiple_of(8) - self.at;
            self.field(padding, "padding to a multiple of 8");
        }
        Ok(())
    }

    fn part(&mut self) -> Outcome<()> {
        self.short_text("service");
        self.number::<1>("kind");
        let line_count = self.number::<4>("line_count");
        let key_count = self.number::<4>("key_count");
        let entry_count = self.number::<4>("entry_count");
        self.number::<8>("first_seq");
        self.field(32, "prev");
        for _ in 0..line_count {
            self.number::<4>("new line: line");
            self.field(16, "new line: nonce");
            self.short_text("new line: tenant");
        }
        for _ in 0..key_count {
            self.number::<4>("salt key: line");
            self.field(32, "salt key: K");
        }
        let mut lengths = Vec::new();
        for _ in 0..entry_count {
            lengths.push(self.number::<4>("row: record_bytes"));
            self.number::<4>("row: line");
        }
        for _ in 0..entry_count {
            self.field(32, "leaf");
        }
        for length in lengths {
            self.record(usize::try_from(length)?)?;
        }
        Ok(())
    }

    fn record(&mut self, length: usize) -> Outcome<()> {
        let record = &self.bytes[self.at..self.at + length];
        let mut reader = Reader::new(record);
        let pair_count = reader.map()?;
        self.field(reader.offset(), &format!("record: map of {pair_count}"));
        for _ in 0..pair_count {
            let from = reader.offset();
            let key = reader.unsigned()?;
            let value_from = reader.offset();
            if key == record::key::CONTROL {
                reader.skip(8)?;
                self.field(value_from - from, "record: 40 control");
                self.heads(reader.offset() - value_from)?;
                continue;
            }
            let mut value = Reader::new(&record[value_from..]);
            let shown = match record[value_from] >> 5 {
                0 => value.unsigned()?.to_string(),
                _ => format!("{:?}", value.text()?),
            };
            reader.skip(8)?;
            self.field(reader.offset() - from, &format!("record: {key} {} = {shown}", key_name(key)));
        }
        Ok(())
    }

    fn heads(&mut self, length: usize) -> Outcome<()> {
        let bytes = &self.bytes[self.at..self.at + length];
        let heads = Heads::decode(bytes)?;
        self.field(1, "heads: map of 3");
        self.field(1 + 2 + 32, "heads: 1 directory root");
        let rows_bytes = head_bytes(heads.directory_rows);
        self.field(1 + rows_bytes, &format!("heads: 2 rows = {}", heads.directory_rows));
        self.field(1 + head_bytes(heads.chains.len() as u64), "heads: 3 chains that grew, array");
        for chain in &heads.chains {
            self.field(1, "heads: array of 3");
            self.field(
                head_bytes(chain.service.len() as u64) + chain.service.len(),
                &format!("heads: service {:?}", chain.service),
            );
            self.field(head_bytes(chain.size), &format!("heads: size = {}", chain.size));
            self.field(2 + 32, "heads: leaf");
        }
        Ok(())
    }
}

fn head_bytes(value: u64) -> usize {
    match value {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

fn key_name(key: u64) -> &'static str {
    match key {
        0 => "version",
        2 => "tenant_seq",
        4 => "logged_by",
        10 => "tenant",
        12 => "service",
        14 => "severity",
        15 => "activity",
        25 => "message",
        _ => "",
    }
}

// ---------------------------------------------------------------------------------------------- integrity

fn print_integrity() -> Outcome<()> {
    let made = three_entry_store()?;
    let (file, frames) = frames(&made.journal)?;
    println!("store name  {STORE_NAME}\nstore_id    {}", hex::encode(&file.store_id));
    let mut chains: Vec<ChainState> = Vec::new();
    let mut slots: Vec<Slot> = Vec::new();
    for frame in frames.iter().filter(|frame| frame.header.frame_type == FrameType::Commit) {
        let commit = commit_of(frame)?;
        println!("\n== frame {}, logged_at {}", frame.header.number, frame.header.logged_at);
        for part in &commit.parts {
            if part.kind == kind::HEADS {
                check_heads(part, &chains, &slots)?;
            }
            print_part(part, frame.header.logged_at, &file.store_id, &mut chains, &mut slots)?;
        }
    }
    println!("\n== trees and lines at the end");
    for chain in &chains {
        println!(
            "{:<15} size {}  root  {}",
            chain.service,
            chain.leaves.len(),
            hex::encode(&root(&chain.leaves))
        );
        for line in &chain.lines {
            let title = format!("{}/{}", chain.service, line.tenant);
            println!("{title:<21} size {}  line  {}", line.size, hex::encode(&line.digest));
        }
    }
    print_rfc_vectors();
    Ok(())
}

struct ChainState {
    service: String,
    chain_id: [u8; 16],
    leaves: Vec<Hash>,
    lines: Vec<LineState>,
}

struct LineState {
    tenant: String,
    line_id: [u8; 16],
    key: [u8; 32],
    size: u64,
    digest: Hash,
}

/// Whose row a slot of the directory is: a chain, or one of its lines.
struct Slot {
    chain: usize,
    line: Option<usize>,
}

fn root(leaves: &[Hash]) -> Hash {
    let mut edge = RightEdge::default();
    edge.extend(leaves, &mut Hasher::new());
    edge.root()
}

fn show(name: &str, bytes: &[u8]) {
    println!("{name:<12} {}", hex::encode(bytes));
}

fn print_part(
    part: &Part<'_>,
    logged_at: i64,
    store_id: &[u8; 16],
    chains: &mut Vec<ChainState>,
    slots: &mut Vec<Slot>,
) -> Outcome<()> {
    let origin = hashes::origin(STORE_NAME, part.service);
    let index = match chains.iter().position(|chain| chain.service == part.service) {
        Some(index) => index,
        None => {
            let chain_id = hashes::chain_id(&origin);
            println!("\nchain of {}", part.service);
            println!("{:<12} {origin}", "origin");
            show("chain_id", &chain_id);
            show("genesis", &hashes::genesis(store_id, &origin));
            chains.push(ChainState {
                service: part.service.to_owned(),
                chain_id,
                leaves: Vec::new(),
                lines: Vec::new(),
            });
            slots.push(Slot { chain: chains.len() - 1, line: None });
            chains.len() - 1
        }
    };
    let chain = &mut chains[index];
    for (line, key) in part.lines.iter().zip(&part.keys) {
        let line_id = hashes::line_id(&line.nonce, &chain.chain_id, line.tenant);
        let digest = hashes::line_start(&chain.chain_id, &line_id);
        println!("\nline {} of {}, tenant {}", line.line, part.service, line.tenant);
        show("nonce", &line.nonce);
        show("line_id", &line_id);
        show("line(0)", &digest);
        show("K", &key.key);
        slots.push(Slot { chain: index, line: Some(chain.lines.len()) });
        chain.lines.push(LineState {
            tenant: line.tenant.to_owned(),
            line_id,
            key: key.key,
            size: 0,
            digest,
        });
    }
    for (at, row) in part.rows.iter().enumerate() {
        let seq = part.first_seq + at as u64;
        let line = &mut chain.lines[row.line as usize];
        println!("\nentry {seq} of {}, tenant {}", part.service, line.tenant);
        let record = part.record(at);
        show("record", record);
        let mut message = Vec::new();
        hashes::salt_message(&line.key, seq, &mut message);
        show("salt input", &message);
        let salt = hashes::salt_of(&digest(&[&message]));
        show("salt", &salt);
        message.clear();
        hashes::body_message(&salt, record, &mut message);
        let body = digest(&[&message]);
        show("body", &body);
        let prev = if at == 0 { part.prev } else { *part.leaf(at - 1) };
        show("prev", &prev);
        let skeleton = Skeleton { kind: part.kind, chain_id: chain.chain_id, seq, logged_at };
        show("leaf_data", &skeleton.leaf_data(&prev, &body));
        message.clear();
        skeleton.leaf_message(&prev, &body, &mut message);
        let leaf = digest(&[&message]);
        show("leaf", &leaf);
        if leaf != *part.leaf(at) {
            return Err(format!("the leaf of entry {seq} is not the stored one").into());
        }
        message.clear();
        hashes::line_message(&line.digest, &leaf, &mut message);
        line.digest = digest(&[&message]);
        line.size += 1;
        show(&format!("line({})", line.size), &line.digest);
        chain.leaves.push(leaf);
        show(&format!("root({})", chain.leaves.len()), &root(&chain.leaves));
    }
    Ok(())
}

/// Prints the directory as it stood before a `heads`, and holds it against what the `heads` says.
fn check_heads(part: &Part<'_>, chains: &[ChainState], slots: &[Slot]) -> Outcome<()> {
    println!("\ndirectory before this heads");
    let mut leaves = Vec::new();
    for (number, slot) in slots.iter().enumerate() {
        let chain = &chains[slot.chain];
        let (row, title) = match slot.line {
            None => (
                DirectoryRow {
                    kind: RowKind::Chain,
                    chain_id: chain.chain_id,
                    line_id: [0; 16],
                    size: chain.leaves.len() as u64,
                    digest: root(&chain.leaves),
                },
                chain.service.clone(),
            ),
            Some(line) => {
                let line = &chain.lines[line];
                (
                    DirectoryRow {
                        kind: RowKind::Line,
                        chain_id: chain.chain_id,
                        line_id: line.line_id,
                        size: line.size,
                        digest: line.digest,
                    },
                    format!("{}/{}", chain.service, line.tenant),
                )
            }
        };
        println!("slot {number}: {title}");
        show("row", &row.encode());
        let mut message = Vec::new();
        row.leaf_message(&mut message);
        leaves.push(digest(&[&message]));
        show("row hash", &leaves[number]);
    }
    let root = root(&leaves);
    show("root", &root);
    for index in 0..part.rows.len() {
        let decoded = record::decode(part.record(index))?;
        let heads = Heads::decode(decoded.control.ok_or("a heads without a control map")?)?;
        if (heads.directory_root, heads.directory_rows) != (root, slots.len() as u64) {
            return Err("the heads does not agree with the directory".into());
        }
    }
    Ok(())
}

/// The leaf inputs of the Certificate Transparency test vectors, and the root over the first n of them.
fn print_rfc_vectors() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    println!("\n== RFC 6962 trees over the first n of 8 leaves");
    let leaves: Vec<Hash> = inputs.iter().map(|input| digest(&[&[0], input])).collect();
    for size in 0..=leaves.len() {
        show(&format!("root({size})"), &root(&leaves[..size]));
    }
}

// ---------------------------------------------------------------------------------------------- batch key

fn print_batch_key() -> Outcome<()> {
    let mut batch = batch_of(&[first_entry(), Entry { id: "e-2".into(), ..first_entry() }])?;
    batch.set_idempotency_key("batch-1")?;
    let made = make("key", vec![batch])?;
    let (_, frames) = frames(&made.journal)?;
    let commit = commit_of(&frames[0])?;
    println!(
        "secret       {}",
        hex::encode(&std::array::from_fn::<u8, 16, _>(|at| 16 + u8::try_from(at).unwrap_or(0)))
    );
    for index in 0..commit.parts[0].rows.len() {
        let parts = record::parts_of(commit.parts[0].record(index))?;
        show(&format!("content {index}"), &[parts.id, parts.rest].concat());
    }
    for key in &commit.batch_keys {
        show("key MAC", &key.key.to_le_bytes());
        show("bytes MAC", &key.bytes.to_le_bytes());
        for run in &key.runs {
            println!("run          part {} first_seq {} count {}", run.part, run.first_seq, run.count);
        }
    }
    Ok(())
}
