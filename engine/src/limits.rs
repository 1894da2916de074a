//! Every bound of the engine in one place, each with its reason.
//!
//! A number read from disk or network is compared with one of these before it sizes, slices or seeks anything.

/// Longest tenant, organization, entry ID, request ID and configuration ID, in bytes (the record model).
pub const NAME_BYTES_MAX: usize = 128;
/// Longest activity, in bytes (the record model).
pub const ACTIVITY_BYTES_MAX: usize = 256;
/// Longest message, in bytes (the record model).
pub const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Most attribute pairs of one entry (the record model).
pub const ATTRIBUTE_COUNT_MAX: usize = 64;
/// Longest key of an attribute, in bytes (the record model).
pub const ATTRIBUTE_KEY_BYTES_MAX: usize = 128;
/// Longest encoded record, in bytes (the record model).
pub const RECORD_BYTES_MAX: usize = 256 << 10;
/// Longest name of a log service instance (`logged_by`), in bytes: `sealog@` and a host name (RFC 1035 §2.3.4).
pub const INSTANCE_BYTES_MAX: usize = 288;
/// Longest store name, in bytes (the integrity contract).
pub const STORE_NAME_BYTES_MAX: usize = 128;

/// Footer of a segment, at most: two edges of 64 hashes, a name and 40 sections take 7 KiB.
pub const FOOTER_BYTES_MAX: u64 = 64 << 10;

/// Most chains of one store: 10 000 right edges and directory rows are 20 MiB, still held in memory at once.
pub const CHAIN_COUNT_MAX: usize = 10_000;
/// Most tenants' lines of one store, over all chains: the directory over them is then about 100 MiB.
pub const LINE_COUNT_MAX: usize = 1_000_000;

/// Largest payload of one journal frame, in bytes. A batch is one frame, so it bounds an atomic batch too;
/// a reader that verifies an untrusted journal holds one frame at a time.
pub const FRAME_PAYLOAD_BYTES_MAX: usize = 32 << 20;
/// A group commit stops taking batches in at this many bytes: past it a longer write costs more than a second sync.
pub const GROUP_BYTES_AIM: usize = 2 << 20;
/// Batches below this wait for the sync under way, so that one sync serves them all; larger ones are hashed and
/// written meanwhile.
pub const GROUP_OVERLAP_BYTES_MIN: usize = 64 << 10;
/// A journal file is closed, and the next begun, when a frame would take it past this many bytes.
pub const JOURNAL_FILE_BYTES_AIM: u64 = 64 << 20;
/// Zeros written ahead of small frames, so that their sync changes no metadata.
pub const JOURNAL_ZERO_BYTES: u64 = 256 << 10;
/// Space reserved ahead of large frames: one metadata change serves many.
pub const JOURNAL_RESERVE_BYTES: u64 = 16 << 20;
/// Frames from this size on are large.
pub const JOURNAL_LARGE_FRAME_BYTES: u64 = 32 << 10;

/// How long an entry's ID, or a batch's key, is remembered.
pub const IDEMPOTENCY_WINDOW_NS: i64 = 24 * 3600 * 1_000_000_000;
/// How many of them at most: 2 M of 48 bytes each and an index are about 120 MiB.
pub const IDEMPOTENCY_COUNT_MAX: usize = 2_000_000;

/// `heads` is committed at least this often while anything grows.
pub const HEADS_INTERVAL_NS: i64 = 60 * 1_000_000_000;
/// Most rows of one control record; more go on in further entries (the integrity contract).
pub const CONTROL_ROWS_MAX: usize = 1_000;

/// A wall clock this far ahead of the boot clock has leapt.
pub const CLOCK_LEAP_NS: i64 = 60 * 1_000_000_000;
/// A leap that lasts this long is taken.
pub const CLOCK_LEAP_PATIENCE_NS: i64 = 600 * 1_000_000_000;

/// Most rows of a sealed segment: its columns are decoded whole while it is verified.
pub const SEGMENT_ROWS_MAX: u32 = 1 << 20;
/// Largest segment file, in bytes: an untrusted one is read whole.
pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// A sealed segment takes in records of at most about so many bytes, which are in memory twice while it is built. What
/// no codec makes small enough for a file is halved.
pub const SEGMENT_RECORD_BYTES_AIM: usize = 96 << 20;

/// A chain is sealed when so many of its entries are not: larger segments cost less each, and verify in a third of a
/// second.
pub const SEGMENT_ROWS_AIM: u32 = 1 << 18;
/// The largest chain is sealed when open segments take so much memory.
pub const OPEN_BYTES_AIM: u64 = 112 << 20;
/// Appenders wait when open segments take so much memory.
pub const OPEN_BYTES_MAX: u64 = 160 << 20;
/// Chains that hold on to a journal file so many files behind the newest are sealed, or carried.
pub const JOURNAL_FILES_AIM: u64 = 3;
/// Fewer entries than this are carried to the journal's end, not sealed: a segment's tables would outweigh them.
pub const SEAL_ROWS_MIN: u32 = 4096;
/// A clean stop empties a journal that has so many bytes: reading it would take the next start 40 ms.
pub const JOURNAL_STOP_BYTES: u64 = 8 << 20;
/// Entries of a chain that take more memory than this are sealed, however few: what is carried fits one frame.
pub const CARRIED_BYTES_MAX: u64 = 4 << 20;
/// What a row takes in a carry frame beside its record and leaf, about, where each has a part of its own.
pub const CARRIED_ROW_BYTES: u64 = 128;
/// `heads` is committed at a seal, but not more often than this: appenders wait for it.
pub const HEADS_AT_SEAL_INTERVAL_NS: i64 = 1_000_000_000;

/// Compaction behind the appends merges neighbours below one of these sizes when together they are larger: three steps
/// from a few entries to a full segment, so that each byte is written at most four times.
pub const COMPACTION_TIERS_BYTES: [u64; 3] = [256 << 10, 4 << 20, 48 << 20];
/// It merges at least so many at once.
pub const COMPACTION_SEGMENTS_MIN: usize = 8;
/// It waits while entries come in, unless so many small segments lie side by side.
pub const COMPACTION_SEGMENTS_MAX: usize = 64;

/// Values of a field that are told apart when they are counted: some 10 MB on each core.
pub const FACET_VALUES_MAX: usize = 100_000;

/// Buckets of a histogram.
pub const BUCKETS_MAX: usize = 10_000;

/// An entry counts for its process and so many above it (the record model).
pub const PROCESS_LEVELS_MAX: usize = 32;
/// A process is kept for each organization that its entries name, for so many of them: who may see only some of a
/// tenant's organizations is told of no entry of another. A process of more is made of a mistake.
pub const PROCESS_ORGANIZATIONS_MAX: usize = 64;

/// Processes in memory that become a run: a list looks at each of them.
pub const PROCESS_DELTA_ROWS: usize = 8_192;
/// Processes of runs in memory that become one on disk: about 10 MiB.
pub const PROCESS_SPILL_ROWS: u32 = 65_536;
/// A run on disk of so many processes is not merged with others: writing it takes 16 MiB of memory, and a second.
pub const PROCESS_RUN_ROWS_MAX: u32 = 1 << 20;
/// Processes that wait in memory while they cannot be written; then the table waits.
pub const PROCESS_MEMORY_ROWS_MAX: u32 = 1 << 18;
/// Entries that are taken into the table at once: lists wait no longer than that.
pub const PROCESS_STEP_ENTRIES: usize = 4_096;

/// Bytes of an artifact.
pub const ARTIFACT_BYTES_MAX: u64 = 64 << 20;
/// An artifact that no entry names goes after a day.
pub const ARTIFACT_UNNAMED_NS: i64 = 24 * 3600 * 1_000_000_000;
/// How often the store looks for those.
pub const ARTIFACT_SWEEP_INTERVAL_NS: i64 = 3600 * 1_000_000_000;

/// A tree mark is kept every this many entries.
pub const MARK_INTERVAL: u64 = 256;

// A frame always has room for one largest entry with everything that travels beside it.
const _: () = assert!(RECORD_BYTES_MAX + 4096 < FRAME_PAYLOAD_BYTES_MAX);
const _: () = assert!(GROUP_BYTES_AIM < FRAME_PAYLOAD_BYTES_MAX);
const _: () = assert!(FRAME_PAYLOAD_BYTES_MAX as u64 <= JOURNAL_FILE_BYTES_AIM);
const _: () = assert!(MARK_INTERVAL.is_power_of_two());
