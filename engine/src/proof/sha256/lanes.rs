//! SHA-256 on the SHA extensions of x86-64, several messages at a time on one core.
//!
//! One message leaves most of the SHA unit idle: a block is 32 `sha256rnds2` in a row, each waiting for the
//! one before. Interleaving the rounds of independent messages fills the gaps. Knows blocks and states; does
//! not know padding, messages or who wants the digests.
//!
//! Why there is `unsafe` here, and how it is checked: docs/decisions/0002-unsafe-in-sha256-lanes.md.
#![expect(unsafe_code, reason = "SHA-NI has no safe form that interleaves messages: docs/decisions/0002")]

use super::{Backend, Block, Hash, INITIAL};
use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_loadu_si128, _mm_set_epi32, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
    _mm_shuffle_epi32, _mm_storeu_si128,
};

/// Proof that this processor has every feature that the functions below are compiled for.
#[derive(Clone, Copy)]
pub(super) struct ShaNi(());

impl ShaNi {
    /// The only constructor. The standard library asks the processor once and remembers.
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("sse4.1")
            && is_x86_feature_detected!("ssse3");
        found.then_some(Self(()))
    }
}

/// The eight working variables in the order that `sha256rnds2` takes them (high word first), so that nothing
/// is shuffled between blocks.
#[derive(Clone, Copy)]
pub(super) struct State {
    abef: __m128i,
    cdgh: __m128i,
}

impl Backend for ShaNi {
    type State = State;

    #[inline]
    fn initial(self) -> State {
        // SAFETY: sse2 is part of every x86-64 processor.
        unsafe { initial() }
    }

    #[inline]
    fn compress<const N: usize>(self, states: &mut [State; N], blocks: [&[Block]; N]) {
        // SAFETY: `self` exists only where `detect` found sha, sse4.1 and ssse3, all that the callee needs.
        unsafe { compress(states, blocks) }
    }

    #[inline]
    fn digest(self, state: &State) -> Hash {
        // SAFETY: `self` exists only where `detect` found sha, sse4.1 and ssse3, all that the callee needs.
        unsafe { digest(state) }
    }
}

/// The initial hash value in the order of `State`.
#[inline]
#[target_feature(enable = "sse2")]
fn initial() -> State {
    let [a, b, c, d, e, f, g, h] = INITIAL.map(u32::cast_signed);
    State { abef: _mm_set_epi32(a, b, e, f), cdgh: _mm_set_epi32(c, d, g, h) }
}

/// Continues lane i with the blocks `blocks[i]`. All lanes advance together, by the shortest of the lists.
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn compress<const N: usize>(states: &mut [State; N], blocks: [&[Block]; N]) {
    let count = blocks.iter().map(|list| list.len()).min().unwrap_or(0);
    let zero = _mm_setzero_si128();
    let mut now = *states;
    for index in 0..count {
        let before = now;
        let mut words = [[zero; 4]; N];
        for quad in 0..4 {
            for lane in 0..N {
                words[lane][quad] = load_words(blocks[lane], index, quad);
            }
            rounds4(&mut now, &words, quad, quad);
        }
        for group in 1..4 {
            for quad in 0..4 {
                for words in &mut words {
                    schedule(words, quad);
                }
                rounds4(&mut now, &words, quad, 4 * group + quad);
            }
        }
        for lane in 0..N {
            now[lane].abef = _mm_add_epi32(now[lane].abef, before[lane].abef);
            now[lane].cdgh = _mm_add_epi32(now[lane].cdgh, before[lane].cdgh);
        }
    }
    *states = now;
}

/// Four rounds of every lane (FIPS 180-4 §6.2.2 step 3), with round constants `4 * step ..`.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn rounds4<const N: usize>(now: &mut [State; N], words: &[[__m128i; 4]; N], quad: usize, step: usize) {
    let [k0, k1, k2, k3] = [0, 1, 2, 3].map(|i| ROUND[4 * step + i].cast_signed());
    let constants = _mm_set_epi32(k3, k2, k1, k0);
    for lane in 0..N {
        let State { abef, cdgh } = &mut now[lane];
        let input = _mm_add_epi32(words[lane][quad], constants);
        // After two rounds ABEF has become CDGH, so the names change places twice.
        *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, input);
        *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32::<0x0E>(input));
    }
}

/// Replaces the four oldest words of the message schedule with the next four (FIPS 180-4 §6.2.2 step 1).
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn schedule(words: &mut [__m128i; 4], quad: usize) {
    let [w0, w1, w2, w3] = [0, 1, 2, 3].map(|i| words[(quad + i) % 4]);
    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8::<4>(w3, w2));
    words[quad] = _mm_sha256msg2_epu32(sum, w3);
}

/// Words `4 * quad ..` of the block at `index`: big-endian in the message, in order in the register.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn load_words(blocks: &[Block], index: usize, quad: usize) -> __m128i {
    let bytes: &[u8; 16] = &blocks[index].as_chunks().0[quad];
    // SAFETY: reads exactly the 16 bytes of `bytes`; `loadu` asks for no alignment.
    let raw = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    _mm_shuffle_epi8(raw, swap_bytes())
}

/// The digest of a finished state: a..h, each big-endian.
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn digest(state: &State) -> Hash {
    let feba = _mm_shuffle_epi32::<0x1B>(state.abef);
    let dchg = _mm_shuffle_epi32::<0xB1>(state.cdgh);
    let halves = [_mm_blend_epi16::<0xF0>(feba, dchg), _mm_alignr_epi8::<8>(dchg, feba)];
    let mut hash = [0; 32];
    for (place, half) in hash.as_chunks_mut::<16>().0.iter_mut().zip(halves) {
        // SAFETY: writes exactly the 16 bytes of `place`; `storeu` asks for no alignment.
        unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), _mm_shuffle_epi8(half, swap_bytes())) };
    }
    hash
}

/// Shuffle mask that turns each of four words from big-endian to little-endian or back.
#[inline]
#[target_feature(enable = "sse2")]
fn swap_bytes() -> __m128i {
    _mm_set_epi64x(0x0C0D_0E0F_0809_0A0B, 0x0405_0607_0001_0203)
}

/// The round constants (FIPS 180-4 §4.2.2).
#[rustfmt::skip]
const ROUND: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];
