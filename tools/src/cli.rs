//! The words of the command line. Names and exit codes are a contract: users' scripts rely on them.

use crate::import::Format;
use crate::name::{parse_instance, parse_service, parse_store, parse_tenant};
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use sealog_engine::model::{Severity, StoreName, Timestamp};
use sealog_engine::scan::words::{parse_severity, parse_stretch, parse_time};
use sealog_server::access::{Grant, Role};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The command line.
#[derive(Parser)]
#[command(
    name = "sealog",
    version,
    about = "An append-only log that proves what it holds",
    max_term_width = 110
)]
#[command(
    after_help = "Exit codes: 0 done, 1 verification failed or damage met, 2 bad usage or input, 3 could not be done."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// All subcommands.
#[derive(Subcommand)]
pub enum Command {
    /// Fill a temporary store with lifelike entries, and serve it, with a sign-in link for each role
    Demo(Demo),
    /// Make a store
    Init(Init),
    /// Serve a store over HTTP
    Serve(Serve),
    /// Append entries from NDJSON, durably
    Append(Append),
    /// Print the entries that match
    Scan(Scan),
    /// Print the entries that match as they arrive
    Tail(Tail),
    /// Recompute every hash and say whether anything was touched
    Verify(Verify),
    /// Merge small sealed segments and encode them for size; no hash changes
    Compact(Compact),
    /// Numbers of a store: entries, tenants, severities, bytes
    Stats(Stats),
    /// Show what is in a store or a journal file
    Inspect(Inspect),
    /// Write lifelike entries as NDJSON
    Generate(Generate),
    /// Append logs of other systems
    Import(Import),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Check a server's configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// `sealog demo`
#[derive(Args)]
pub struct Demo {
    /// Entries to generate
    #[arg(long, default_value_t = 200_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    pub entries: u64,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    pub listen: SocketAddr,
    /// Directory to read pages from, in place of those in the program
    #[arg(long, value_name = "DIR")]
    pub ui_dir: Option<PathBuf>,
    /// Show on the terminal what the log does, without a server, and end
    #[arg(long, conflicts_with_all = ["listen", "ui_dir"])]
    pub tour: bool,
}

/// `sealog serve`
#[derive(Args)]
pub struct Serve {
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Address to listen on; 127.0.0.1:7070 if absent
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Configuration, as TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Log service instance to note in entries; sealog@ and the host name if absent
    #[arg(long, value_name = "NAME", value_parser = parse_instance)]
    pub instance: Option<String>,
    /// Directory to read pages from, in place of those in the program
    #[arg(long, value_name = "DIR")]
    pub ui_dir: Option<PathBuf>,
}

/// `sealog key`
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key, and print it: it is shown once
    New(KeyNew),
    /// List keys, without what makes them keys
    List(KeyList),
    /// Revoke a key: a running server refuses it within a second
    Revoke(KeyRevoke),
}

/// `sealog key new`
#[derive(Args)]
pub struct KeyNew {
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// What its holder is: producer, admin, auditor, customer
    #[arg(long, value_name = "R", required = true, value_parser = parse_role)]
    pub role: Vec<Role>,
    /// Service that it may append to; all if absent
    #[arg(long, value_name = "S", allow_hyphen_values = true, value_parser = parse_service)]
    pub service: Vec<String>,
    /// Tenant that it is about; all if absent, but a customer has some
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = parse_tenant)]
    pub tenant: Vec<String>,
    /// Organization that it may read; all of its tenants if absent
    #[arg(long, value_name = "O", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub organization: Vec<String>,
    /// Further tenant whose log its holder was granted as a peer
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = parse_tenant)]
    pub peer: Vec<String>,
    /// What it may beyond its roles: clear
    #[arg(long, value_name = "G", value_parser = parse_grant)]
    pub grant: Vec<Grant>,
    /// How long it is good for, or until when
    #[arg(long, value_name = "90d|T")]
    pub expires: Option<String>,
}

/// `sealog key list`
#[derive(Args)]
pub struct KeyList {
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `sealog key revoke`
#[derive(Args)]
pub struct KeyRevoke {
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The key's ID: the middle part of its text
    #[arg(value_name = "ID")]
    pub id: String,
}

/// `sealog config`
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say whether a configuration can be used, and what is wrong with it
    Check(ConfigCheck),
}

/// `sealog config check`
#[derive(Args)]
pub struct ConfigCheck {
    /// Configuration, as TOML
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text)
        .ok_or_else(|| format!("expected one of producer, admin, auditor, customer, found {text:?}"))
}

fn parse_grant(text: &str) -> Result<Grant, String> {
    match text {
        "clear" => Ok(Grant::Clear),
        _ => Err(format!("expected clear, found {text:?}")),
    }
}

/// `sealog init`
#[derive(Args)]
pub struct Init {
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Name of the store, part of every chain's identity; localhost- and 8 hex digits if absent
    #[arg(long, value_name = "NAME", value_parser = parse_store)]
    pub name: Option<StoreName>,
}

/// `sealog append`
#[derive(Args)]
pub struct Append {
    /// Directory of the store
    #[arg(long, value_name = "DIR", required_unless_present = "server", conflicts_with = "server")]
    pub data: Option<PathBuf>,
    /// Address of a server, in place of a directory; its key is in the environment variable SEALOG_KEY
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Tenant of entries that name none
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = parse_tenant)]
    pub tenant: Option<String>,
    /// Service of entries that name none
    #[arg(long, value_name = "S", allow_hyphen_values = true, value_parser = parse_service)]
    pub service: Option<String>,
    /// Entries of one batch at most; a batch is committed whole or not at all
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub batch: u32,
    /// Commit everything as one batch
    #[arg(long, conflicts_with = "batch")]
    pub atomic: bool,
    /// Leave lines out that are not entries, and say which
    #[arg(long)]
    pub skip_bad: bool,
    /// Log service instance to note in entries; sealog@ and the host name if absent
    #[arg(long, value_name = "NAME", value_parser = parse_instance)]
    pub instance: Option<String>,
    /// NDJSON file, also .zst and .gz; - or none for standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// `sealog import`
#[derive(Args)]
pub struct Import {
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Format of the files
    #[arg(long, value_name = "FORMAT", value_parser = import_format())]
    pub format: Format,
    /// Tenant of events that name none
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = parse_tenant)]
    pub tenant: Option<String>,
    /// Service of events that name none
    #[arg(long, value_name = "S", allow_hyphen_values = true, value_parser = parse_service)]
    pub service: Option<String>,
    /// Entries of one batch at most; a batch is committed whole or not at all
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub batch: u32,
    /// Leave lines out that cannot be mapped, and say which
    #[arg(long)]
    pub skip_bad: bool,
    /// Files, also .zst and .gz; - for standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

fn import_format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name))
        .try_map(|name| Format::parse(&name).ok_or_else(|| format!("no format {name:?}")))
}

/// `sealog scan`
#[derive(Args)]
pub struct Scan {
    /// Directory of the store
    #[arg(long, value_name = "DIR", required_unless_present = "server", conflicts_with = "server")]
    pub data: Option<PathBuf>,
    /// Address of a server, in place of a directory; its key is in the environment variable SEALOG_KEY
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Newest first or oldest first
    #[arg(long, value_enum, default_value_t = OrderName::Desc)]
    pub order: OrderName,
    /// Entries at most; 100 for a table, all otherwise
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Form of the output; a table on a terminal, else ndjson
    #[arg(long, value_enum)]
    pub format: Option<OutputFormat>,
    /// Print how many entries match, and nothing else
    #[arg(long, conflicts_with = "format")]
    pub count: bool,
    /// Scan, and print what each step kept instead of the entries
    #[arg(long, conflicts_with_all = ["format", "count"])]
    pub explain: bool,
    // Last, because the heading of its help counts for everything behind it.
    #[command(flatten)]
    #[expect(missing_docs, reason = "its fields carry the help")]
    pub filters: Filters,
}

/// `sealog tail`
#[derive(Args)]
pub struct Tail {
    /// Directory of the store
    #[arg(long, value_name = "DIR", required_unless_present = "server", conflicts_with = "server")]
    pub data: Option<PathBuf>,
    /// Address of a server, in place of a directory; its key is in the environment variable SEALOG_KEY
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Form of the output; a table on a terminal, else ndjson
    #[arg(long, value_enum)]
    pub format: Option<TailFormat>,
    // Last, because the heading of its help counts for everything behind it.
    #[command(flatten)]
    #[expect(missing_docs, reason = "its fields carry the help")]
    pub filters: Filters,
}

/// Forms of entries that have no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TailFormat {
    /// Columns for people
    Table,
    /// One JSON object a line
    Ndjson,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OrderName {
    /// Oldest first
    Asc,
    /// Newest first
    Desc,
}

/// Forms of a list of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Columns for people
    Table,
    /// One JSON object a line
    Ndjson,
    /// One JSON array
    Json,
    /// Comma-separated values with a header (RFC 4180)
    Csv,
}

/// FILTERS. Given twice means either; different ones mean both.
#[derive(Args, Default)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Which of the logs: audit (entries without a process), process, customer (audit, and how processes ended), or all
    #[arg(long, value_enum, default_value_t = LogName::All)]
    pub log: LogName,
    /// Customer
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub tenant: Vec<String>,
    /// Hosting space
    #[arg(long, value_name = "O", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub organization: Vec<String>,
    /// Generating service; reserved ones (sealog.…) are found only when named
    #[arg(long, value_name = "S", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub service: Vec<String>,
    /// Severities, separated by commas
    #[arg(long, value_name = "S,…", value_delimiter = ',', value_parser = parse_severity)]
    pub severity: Vec<Severity>,
    /// This severity and graver ones
    #[arg(long, value_name = "S", value_parser = parse_severity)]
    pub min_severity: Option<Severity>,
    /// Activity
    #[arg(long, value_name = "A", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub activity: Vec<String>,
    /// Actor, by ID
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub actor_id: Vec<String>,
    /// Object, by ID
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub object_id: Vec<String>,
    /// Text that the object's ID or name includes, in any letter case
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub item: Vec<String>,
    /// Request, by ID
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub request_id: Vec<String>,
    /// Configuration, by ID
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub configuration_id: Vec<String>,
    /// Process, by ID, with its sub-processes
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub process: Vec<String>,
    /// Whether it succeeded
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Append)]
    pub success: Vec<bool>,
    /// Text that the message or the activity includes, in any letter case
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub search: Vec<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its fields carry the help")]
    pub window: WindowArgs,
    /// Clock that the window is about
    #[arg(long, value_enum, default_value_t = ClockName::LoggedAt)]
    pub by: ClockName,
}

/// When.
#[derive(Args, Default)]
pub struct WindowArgs {
    /// Back from now: 15m, 2h, 3d, 1w
    #[arg(long, value_name = "15m|2h|3d|1w", value_parser = parse_stretch, conflicts_with_all = ["from", "to"], allow_hyphen_values = true)]
    pub last: Option<i64>,
    /// Not before this time (RFC 3339, or a date: its midnight in UTC)
    #[arg(long, value_name = "T", value_parser = parse_time, allow_hyphen_values = true)]
    pub from: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "T", value_parser = parse_time, allow_hyphen_values = true)]
    pub to: Option<Timestamp>,
}

/// Which of the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogName {
    /// Entries without a process
    Audit,
    /// Entries with a process
    Process,
    /// Entries without a process, and those that close a process that is no other's part
    Customer,
    /// All entries
    #[default]
    All,
}

/// Which of an entry's times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ClockName {
    /// When it was committed
    #[default]
    #[value(name = "logged_at")]
    LoggedAt,
    /// When its producer made it
    #[value(name = "generated_at")]
    GeneratedAt,
}

/// `sealog verify`
#[derive(Args)]
pub struct Verify {
    /// Directory of the store
    #[arg(long, value_name = "DIR", required_unless_present = "server", conflicts_with = "server")]
    pub data: Option<PathBuf>,
    /// Address of a server, in place of a directory; its key is in the environment variable SEALOG_KEY
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its fields carry the help")]
    pub window: WindowArgs,
    /// Chain to report on; the control chain is always checked with it
    #[arg(long, value_name = "S", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub service: Vec<String>,
    /// Hold every heads of sealed entries against the directory, not only the newest and the last of each day
    #[arg(long)]
    pub all_heads: bool,
    /// Recompute nothing: check only that bytes agree with their checksums, and that ends meet
    #[arg(long, conflicts_with = "all_heads")]
    pub quick: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `sealog compact`
#[derive(Args)]
pub struct Compact {
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Say what would be merged, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the figures as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `sealog stats`
#[derive(Args)]
pub struct Stats {
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `sealog inspect`
#[derive(Args)]
pub struct Inspect {
    /// Store directory, journal file or segment
    pub path: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `sealog generate`
#[derive(Args)]
pub struct Generate {
    /// Entries to write
    #[arg(long, value_name = "N")]
    pub entries: u64,
    /// Two seeds share no ID
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Tenants, the largest with about 12 % of the entries
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub tenants: u32,
    /// Services
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub services: u32,
    /// Days over which the entries spread
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
}

/// `sealog completions`
#[derive(Args)]
pub struct Completions {
    /// Shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
