//! SHA-256 (FIPS 180-4): one message at a time, or many small ones interleaved on this core.
//!
//! Every proof in the store is made of short messages: a leaf, a node, a line of 41 to 119 bytes. Hashed one
//! by one they leave the processor's SHA unit half idle, because each round waits for the one before.
//! [`Hasher`] keeps several *lanes* busy with independent messages; chains that depend on themselves run
//! beside each other. Knows bytes and digests. Does not know what is hashed, nor files, threads or time.

#[cfg(target_arch = "x86_64")]
mod lanes;

use core::iter::Fuse;
use core::ops::Range;

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The unit of compression: 512 bits (FIPS 180-4 §5.2.1).
type Block = [u8; BLOCK_BYTES];
const BLOCK_BYTES: usize = 64;
/// Padding ends with the message length in bits as 64 bits, big-endian (FIPS 180-4 §5.1.1).
const LENGTH_BYTES: usize = 8;

/// Digest of one message, given in parts that are hashed as if concatenated.
#[must_use]
pub fn digest(parts: &[&[u8]]) -> Hash {
    #[cfg(target_arch = "x86_64")]
    if let Some(sha_ni) = lanes::ShaNi::detect() {
        return digest_on(sha_ni, parts);
    }
    digest_on(Portable, parts)
}

/// A sequence of messages of which each may depend on the digest of the one before (a hash chain, a tenant's
/// line), or a single message (a record's body). Independent jobs run interleaved in lanes on this core.
pub trait Job {
    /// Appends the next message to `message` (empty when called) and returns true, or returns false when the
    /// job is done. Called with the digest of the job's previous message, `None` at first.
    fn next(&mut self, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool;
}

/// Hashes independent messages interleaved. Keeps one buffer per lane, as large as the largest message it has
/// seen: a Hasher that is kept allocates nothing once its buffers have grown.
#[derive(Default)]
pub struct Hasher {
    buffers: [Vec<u8>; LANES],
}

impl Hasher {
    /// A Hasher with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs all jobs to their end. A job's `next` is called with its last digest before it is dropped, so
    /// that it can store it. Jobs start in the order given; how their messages interleave is not promised.
    pub fn run<J: Job>(&mut self, jobs: impl IntoIterator<Item = J>) {
        self.drive(Jobs { waiting: jobs.into_iter().fuse(), running: [const { None }; LANES] });
    }

    /// Hashes `count` independent messages: `fill(i, &mut message)` appends message i (to an empty vector,
    /// called once for each i in rising order), `take(i, hash)` receives its digest, in any order.
    pub fn each(
        &mut self,
        count: usize,
        fill: impl FnMut(usize, &mut Vec<u8>),
        take: impl FnMut(usize, Hash),
    ) {
        self.drive(Numbered { fill, take, unread: 0..count, running: [0; LANES] });
    }

    #[inline]
    fn drive(&mut self, feed: impl Feed) {
        #[cfg(target_arch = "x86_64")]
        if let Some(sha_ni) = lanes::ShaNi::detect() {
            return drive_on(sha_ni, &mut self.buffers, feed);
        }
        drive_on(Portable, &mut self.buffers, feed);
    }
}

/// How many messages are interleaved. On messages of 41 to 400 bytes two lanes take 7 to 14 % longer than
/// four; three are as fast as four, until there are four chains and the last one runs alone: 21 % longer.
const LANES: usize = 4;

/// Where lanes get their messages from and where their digests go.
trait Feed {
    /// Takes the digest of the message that `lane` had (`None`: it had none) and appends the lane's next
    /// message to the empty `message`; false when there is nothing left to start.
    fn next(&mut self, lane: usize, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool;

    /// The message of lane `from` is now in lane `to`, whose own has ended for good.
    fn relocate(&mut self, from: usize, to: usize);
}

struct Jobs<J, I> {
    /// Fused: every lane that falls dry asks again.
    waiting: Fuse<I>,
    running: [Option<J>; LANES],
}

impl<J: Job, I: Iterator<Item = J>> Feed for Jobs<J, I> {
    #[inline]
    fn next(&mut self, lane: usize, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool {
        let place = &mut self.running[lane];
        if let Some(job) = place {
            if job.next(previous, message) {
                return true;
            }
            *place = None;
        }
        // A job may have no message at all, so look for the first that has one.
        for mut job in &mut self.waiting {
            message.clear();
            if job.next(None, message) {
                *place = Some(job);
                return true;
            }
        }
        false
    }

    #[inline]
    fn relocate(&mut self, from: usize, to: usize) {
        self.running[to] = self.running[from].take();
    }
}

struct Numbered<F, T> {
    fill: F,
    take: T,
    unread: Range<usize>,
    running: [usize; LANES],
}

impl<F: FnMut(usize, &mut Vec<u8>), T: FnMut(usize, Hash)> Feed for Numbered<F, T> {
    #[inline]
    fn next(&mut self, lane: usize, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool {
        if let Some(hash) = previous {
            (self.take)(self.running[lane], *hash);
        }
        let Some(index) = self.unread.next() else { return false };
        self.running[lane] = index;
        (self.fill)(index, message);
        true
    }

    #[inline]
    fn relocate(&mut self, from: usize, to: usize) {
        self.running[to] = self.running[from];
    }
}

/// Keeps up to `LANES` messages going until the feed is dry.
///
/// Lanes `0..live` hold a padded message each, of which `done` blocks are compressed. When a message ends,
/// its lane takes the next; if none is left, the last lane fills the gap and a narrower kernel goes on.
#[inline]
fn drive_on<B: Backend>(backend: B, buffers: &mut [Vec<u8>; LANES], mut feed: impl Feed) {
    let mut states = [backend.initial(); LANES];
    let mut done = [0; LANES];
    let mut live = 0;
    while live < LANES {
        buffers[live].clear();
        if !feed.next(live, None, &mut buffers[live]) {
            break;
        }
        pad(&mut buffers[live]);
        live += 1;
    }
    while live > 0 {
        match live {
            1 => advance::<B, 1>(backend, &mut states, buffers, &mut done),
            2 => advance::<B, 2>(backend, &mut states, buffers, &mut done),
            3 => advance::<B, 3>(backend, &mut states, buffers, &mut done),
            _ => advance::<B, LANES>(backend, &mut states, buffers, &mut done),
        }
        // Backwards, so that the lane which moves into a gap has been looked at already.
        for lane in (0..live).rev() {
            if done[lane] * BLOCK_BYTES < buffers[lane].len() {
                continue;
            }
            let hash = backend.digest(&states[lane]);
            buffers[lane].clear();
            if feed.next(lane, Some(&hash), &mut buffers[lane]) {
                pad(&mut buffers[lane]);
                states[lane] = backend.initial();
                done[lane] = 0;
                continue;
            }
            live -= 1;
            if lane < live {
                buffers.swap(lane, live);
                states[lane] = states[live];
                done[lane] = done[live];
                feed.relocate(live, lane);
            }
        }
    }
}

/// Compresses the first N lanes together, until the shortest of their messages ends.
#[inline]
fn advance<B: Backend, const N: usize>(
    backend: B,
    states: &mut [B::State; LANES],
    buffers: &[Vec<u8>; LANES],
    done: &mut [usize; LANES],
) {
    let Some(states) = states.first_chunk_mut::<N>() else { return };
    let mut rest: [&[Block]; N] = [&[]; N];
    for lane in 0..N {
        rest[lane] = &buffers[lane].as_chunks().0[done[lane]..];
    }
    let count = rest.iter().map(|list| list.len()).min().unwrap_or(0);
    backend.compress(states, rest.map(|list| &list[..count]));
    for done in &mut done[..N] {
        *done += count;
    }
}

/// Pads a whole message in place (FIPS 180-4 §5.1.1): a one bit, zeros, the length in bits.
#[inline]
fn pad(message: &mut Vec<u8>) {
    let bits = bits_of(message.len());
    let padded = padded_bytes(message.len());
    // Appending a constant and cutting it is cheaper than a fill of computed length.
    message.extend_from_slice(&PADDING);
    message.truncate(padded);
    message[padded - LENGTH_BYTES..].copy_from_slice(&bits);
}

/// The longest padding there is, length left out.
const PADDING: [u8; BLOCK_BYTES + LENGTH_BYTES] = {
    let mut bytes = [0; BLOCK_BYTES + LENGTH_BYTES];
    bytes[0] = 0x80;
    bytes
};

/// The length of a message of `bytes` after padding: at least a byte and the length field, in whole blocks.
const fn padded_bytes(bytes: usize) -> usize {
    (bytes + 1 + LENGTH_BYTES).next_multiple_of(BLOCK_BYTES)
}

fn bits_of(bytes: usize) -> [u8; LENGTH_BYTES] {
    (bytes as u64 * 8).to_be_bytes()
}

/// One message, without the heap: whole blocks are compressed where they lie, pieces gather on the stack.
#[inline]
fn digest_on<B: Backend>(backend: B, parts: &[&[u8]]) -> Hash {
    // Two blocks, because most messages end within two, and one call with both is faster than two calls.
    const GATHER: usize = 2 * BLOCK_BYTES;
    let mut state = [backend.initial()];
    // tail[..held] waits to be compressed, held < GATHER. The bytes behind it are zero, as padding wants.
    let mut tail = [0; GATHER + BLOCK_BYTES];
    let mut held = 0;
    let mut bytes = 0;
    for part in parts {
        let mut part = *part;
        bytes += part.len();
        if held > 0 && held + part.len() >= GATHER {
            let (head, rest) = part.split_at(GATHER - held);
            tail[held..GATHER].copy_from_slice(head);
            backend.compress(&mut state, [tail[..GATHER].as_chunks().0]);
            tail.fill(0);
            held = 0;
            part = rest;
        }
        if held == 0 {
            let (blocks, rest) = part.as_chunks();
            backend.compress(&mut state, [blocks]);
            part = rest;
        }
        tail[held..held + part.len()].copy_from_slice(part);
        held += part.len();
    }
    let padded = padded_bytes(held);
    tail[held] = PADDING[0];
    tail[padded - LENGTH_BYTES..padded].copy_from_slice(&bits_of(bytes));
    backend.compress(&mut state, [tail[..padded].as_chunks().0]);
    backend.digest(&state[0])
}

/// The compression function of FIPS 180-4 §6.2.2 on one kind of machine.
trait Backend: Copy {
    /// The working variables between two blocks, in whatever order suits the machine.
    type State: Copy;

    /// The state before the first block (FIPS 180-4 §5.3.3).
    fn initial(self) -> Self::State;

    /// Continues state i with `blocks[i]`. The lists are equally long.
    fn compress<const N: usize>(self, states: &mut [Self::State; N], blocks: [&[Block]; N]);

    /// The digest, when the last block has been compressed.
    fn digest(self, state: &Self::State) -> Hash;
}

/// The sha2 crate's compression function, one message after the other: it finds the SHA instructions of other
/// processors by itself and has plain code for the rest.
#[derive(Clone, Copy)]
struct Portable;

impl Backend for Portable {
    type State = [u32; 8];

    fn initial(self) -> [u32; 8] {
        INITIAL
    }

    fn compress<const N: usize>(self, states: &mut [[u32; 8]; N], blocks: [&[Block]; N]) {
        for (state, blocks) in states.iter_mut().zip(blocks) {
            sha2::block_api::compress256(state, blocks);
        }
    }

    fn digest(self, state: &[u32; 8]) -> Hash {
        let mut hash = [0; 32];
        for (place, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
            *place = word.to_be_bytes();
        }
        hash
    }
}

/// The initial hash value (FIPS 180-4 §5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

#[cfg(test)]
mod tests {
    //! Goal: both backends give what somebody else's SHA-256 gives, whatever the lengths, the parts, the
    //! number of jobs and the order in which lanes fall dry. Method: published vectors, then seeded random
    //! shapes against the sha2 crate's own hasher. With `--cfg sha2_backend="soft"` the oracle and `Portable`
    //! use no SHA instructions.
    use super::*;
    use sha2::Digest as _;
    use std::cell::RefCell;

    fn oracle(message: &[u8]) -> Hash {
        sha2::Sha256::digest(message).into()
    }

    /// splitmix64: every failure is repeated by its seed.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }

        fn below(&mut self, end: usize) -> usize {
            usize::try_from(self.next() % end as u64).unwrap()
        }

        fn bytes(&mut self, count: usize) -> Vec<u8> {
            (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
        }

        /// Short as most messages are, around block ends, or now and then long.
        fn length(&mut self) -> usize {
            match self.below(16) {
                0 => self.below(20_000),
                1..4 => self.below(1_200),
                4..8 => 64 * self.below(5) + 50 + self.below(20),
                _ => self.below(130),
            }
        }
    }

    /// A hash chain: the digest before, then a body of its own. Keeps every digest.
    struct Chain<'a> {
        bodies: &'a [Vec<u8>],
        digests: &'a RefCell<Vec<Hash>>,
    }

    impl Job for Chain<'_> {
        fn next(&mut self, previous: Option<&Hash>, message: &mut Vec<u8>) -> bool {
            assert!(message.is_empty());
            let mut digests = self.digests.borrow_mut();
            digests.extend(previous);
            assert_eq!(previous.is_some(), !digests.is_empty());
            let Some(body) = self.bodies.get(digests.len()) else { return false };
            message.extend_from_slice(previous.map_or(&[], |hash| hash.as_slice()));
            message.extend_from_slice(body);
            true
        }
    }

    fn chain_oracle(bodies: &[Vec<u8>]) -> Vec<Hash> {
        let mut digests: Vec<Hash> = Vec::new();
        for body in bodies {
            let before = digests.last().map_or(&[][..], |hash| hash.as_slice());
            digests.push(oracle(&[before, body].concat()));
        }
        digests
    }

    fn published_vectors<B: Backend>(backend: B) {
        let million = vec![b'a'; 1_000_000];
        let vectors: [(&[u8], &str); 6] = [
            // FIPS 180-4 examples and NIST CAVS SHA256ShortMsg.
            (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
            (
                b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno\
                  ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
            ),
            (&[0xd3], "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"),
            (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ];
        for (message, expected) in vectors {
            let hex: String =
                digest_on(backend, &[message]).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "message of {} bytes", message.len());
        }
    }

    fn digest_at_every_length_split_and_alignment<B: Backend>(backend: B) {
        let mut random = Random(1);
        let data = random.bytes(310_000);
        for length in (0..=1_200).chain([4_096, 65_535, 65_536, 300 * 1_024]) {
            let start = random.below(64);
            let message = &data[start..start + length];
            let expected = oracle(message);
            assert_eq!(digest_on(backend, &[message]), expected, "{length} bytes at {start}");
            for _ in 0..4 {
                let (mut parts, mut rest) = (Vec::new(), message);
                while !rest.is_empty() && parts.len() < 40 {
                    let (part, others) = rest.split_at(random.length().min(rest.len()));
                    parts.push(part);
                    rest = others;
                }
                parts.push(rest);
                let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
                assert_eq!(digest_on(backend, &parts), expected, "parts of {lengths:?} bytes at {start}");
            }
        }
    }

    fn each_message_gets_its_own_digest<B: Backend>(backend: B) {
        let mut buffers = Default::default();
        let all_lengths = (0..=1_200).collect();
        let random_lengths = |seed| {
            let mut random = Random(seed);
            (0..random.below(40)).map(|_| random.length()).collect()
        };
        let large = vec![1, 300 * 1_024, 0, 64, 55, 56, 300 * 1_024 - 9, 7];
        for (seed, lengths) in
            [all_lengths, large].into_iter().chain((0..300).map(random_lengths)).enumerate()
        {
            let mut random = Random(seed as u64);
            let messages: Vec<Vec<u8>> = lengths.iter().map(|&length: &usize| random.bytes(length)).collect();
            let (mut filled, mut digests) = (0, vec![None; messages.len()]);
            let fill = |index: usize, message: &mut Vec<u8>| {
                assert!(
                    index == filled && message.is_empty(),
                    "seed {seed}: message {index}, expected {filled}"
                );
                message.extend_from_slice(&messages[index]);
                filled += 1;
            };
            let take =
                |index: usize, hash| assert_eq!(digests[index].replace(hash), None, "seed {seed}: twice");
            let feed = Numbered { fill, take, unread: 0..messages.len(), running: [0; LANES] };
            drive_on(backend, &mut buffers, feed);
            let expected: Vec<_> = messages.iter().map(|message| Some(oracle(message))).collect();
            assert!(digests == expected, "seed {seed}: lengths {lengths:?}");
        }
    }

    fn chains_of_any_shape_run_beside_each_other<B: Backend>(backend: B) {
        let mut buffers = Default::default();
        for seed in 0..400 {
            let mut random = Random(seed);
            let shapes: Vec<Vec<Vec<u8>>> = (0..random.below(14))
                .map(|_| {
                    let count = [0, 1, 1, 2, random.below(40)][random.below(5)];
                    (0..count)
                        .map(|_| {
                            let length = random.length();
                            random.bytes(length)
                        })
                        .collect()
                })
                .collect();
            let digests: Vec<RefCell<Vec<Hash>>> = shapes.iter().map(|_| RefCell::default()).collect();
            let jobs = shapes.iter().zip(&digests).map(|(bodies, digests)| Chain { bodies, digests });
            drive_on(backend, &mut buffers, Jobs { waiting: jobs.fuse(), running: [const { None }; LANES] });
            for (index, (bodies, digests)) in shapes.iter().zip(digests).enumerate() {
                assert!(
                    digests.into_inner() == chain_oracle(bodies),
                    "seed {seed}: job {index} of {}",
                    shapes.len()
                );
            }
        }
    }

    macro_rules! on_each_backend {
        ($($check:ident: $portable:ident, $sha_ni:ident;)*) => {$(
            #[test]
            fn $portable() {
                $check(Portable);
            }

            #[cfg(target_arch = "x86_64")]
            #[test]
            fn $sha_ni() {
                let Some(sha_ni) = lanes::ShaNi::detect() else { return };
                $check(sha_ni);
            }
        )*};
    }

    on_each_backend! {
        published_vectors: published_vectors_portable, published_vectors_sha_ni;
        digest_at_every_length_split_and_alignment: digest_portable, digest_sha_ni;
        each_message_gets_its_own_digest: each_portable, each_sha_ni;
        chains_of_any_shape_run_beside_each_other: run_portable, run_sha_ni;
    }

    #[test]
    fn hasher_keeps_its_buffers_and_agrees_with_digest() {
        let mut hasher = Hasher::new();
        let mut hashes = [[0; 32]; 9];
        let mut capacities = Vec::new();
        for _ in 0..3 {
            hasher.each(
                9,
                |index, message| message.resize(40 * index, 7),
                |index, hash| hashes[index] = hash,
            );
            let (bodies, digests) = (vec![vec![1; 70]; 5], RefCell::default());
            hasher.run([Chain { bodies: &bodies, digests: &digests }]);
            assert_eq!(digests.into_inner(), chain_oracle(&bodies));
            capacities.push(hasher.buffers.iter().map(Vec::capacity).sum::<usize>());
        }
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(*hash, digest(&[&vec![7; 40 * index]]));
        }
        assert_eq!(capacities[1], capacities[2]);
    }
}
