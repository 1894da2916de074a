//! Integers, times and byte strings come back whole, row by row as in bulk, and broken bytes never panic.

use super::bytes;
use super::bytes::Bytes;
use super::packed;
use super::packed::Packed;
use super::times;
use super::times::{Reference, Times};
use super::*;
use proptest::prelude::*;

fn packed_bytes(values: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    packed::encode(values, &mut out);
    let row_count = u32::try_from(values.len()).unwrap();
    let (column, used) = Packed::open(&out, row_count).unwrap();
    assert_eq!(used, out.len());
    let single: Vec<u64> = (0..row_count).map(|row| column.get(row)).collect();
    assert_eq!(single, values);
    let mut bulk = Vec::new();
    column.decode_into(&mut bulk);
    assert_eq!(bulk, values);
    assert_eq!(column.get(row_count), 0);
    let (third, half) = (row_count / 3, row_count / 2 + 1);
    bulk.clear();
    column.decode_range(third..half + 1000, &mut bulk);
    assert_eq!(
        bulk[..(half.min(row_count) - third) as usize],
        values[third as usize..half.min(row_count) as usize]
    );
    out
}

/// Every truncation and every flipped bit: `read` may find an error or other values, and does not panic.
fn damage(bytes: &[u8], read: impl Fn(&[u8])) {
    for end in 0..bytes.len() {
        read(&bytes[..end]);
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        read(&flipped);
    }
}

#[test]
fn a_constant_takes_its_head_alone() {
    assert_eq!(packed_bytes(&[u64::MAX; 5000]).len(), 18);
    assert_eq!(packed_bytes(&[]).len(), 18);
}

#[test]
fn extremes_come_back() {
    packed_bytes(&[0, u64::MAX, 1, u64::MAX - 1]);
    packed_bytes(&(0..1000).map(|n| if n % 200 == 0 { u64::MAX } else { n }).collect::<Vec<_>>());
}

#[test]
fn a_unit_that_all_values_share_costs_nothing() {
    let fine: Vec<u64> = (0..4096).map(|n: u64| 77 + n.wrapping_mul(2_654_435_761) % 5000).collect();
    let coarse: Vec<u64> = fine.iter().map(|n| n * 1_000_000 + 5).collect();
    assert_eq!(packed_bytes(&fine).len(), packed_bytes(&coarse).len());
}

#[test]
fn values_that_climb_are_packed_by_block() {
    let values: Vec<u64> = (0..10_000).map(|n: u64| n * 50 + n.wrapping_mul(2_654_435_761) % 50).collect();
    let bytes = packed_bytes(&values).len();
    // 13 bits within a block instead of 19.
    assert!(bytes < 10_000 * 14 / 8, "{bytes}");
}

#[test]
fn broken_packed_bytes_never_panic() {
    let values: Vec<u64> = (0..300).map(|n: u64| n * 3000 + n % 7).collect();
    for bytes in [packed_bytes(&values), packed_bytes(&values[..20])] {
        for row_count in [20, 300, ROW_COUNT_MAX, u32::MAX] {
            damage(&bytes, |bytes| {
                if let Ok((column, used)) = Packed::open(bytes, row_count) {
                    assert!(used <= bytes.len());
                    for row in [0, 1, 127, 128, 299, row_count - 1] {
                        column.get(row);
                    }
                    let mut values = Vec::new();
                    column.decode_range(0..400, &mut values);
                }
            });
        }
    }
}

fn times_bytes(values: &[Option<i64>], reference: Option<&[i64]>) -> usize {
    let row_count = u32::try_from(values.len()).unwrap();
    let scattered = scattered(row_count);
    let reference_of = |(time, row): (&i64, &u32)| Reference { time: *time, row: *row };
    let references: Option<Vec<Reference>> =
        reference.map(|times| times.iter().zip(&scattered).map(reference_of).collect());
    let mut out = Vec::new();
    times::encode_times(values, references.as_deref(), &mut out);
    let (column, used) = Times::open(&out, row_count).unwrap();
    assert_eq!(used, out.len());
    let references = references.unwrap_or_default();
    for (place, value) in (0..).zip(values) {
        let reference = references.get(place as usize).copied().unwrap_or_default();
        assert_eq!(column.get(place, reference), *value, "place {place}");
    }
    let mut bulk = Vec::new();
    column.decode_into(&references, &mut bulk);
    assert_eq!(bulk, values);
    assert_eq!(column.get(row_count, Reference::default()), None);
    out.len()
}

/// The row of each place: rows of 13 tenants in turn lie by tenant.
fn scattered(row_count: u32) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..row_count).collect();
    rows.sort_by_key(|row| row % 13);
    rows
}

#[test]
fn times_that_ascend_by_row_cost_what_their_neighbours_spread_over() {
    // A second apart, logged at once: 32 rows span 5 bits of seconds, 8 192 rows 13.
    let rows = scattered(8192);
    let times: Vec<Option<i64>> = rows.iter().map(|row| Some(i64::from(*row) * 1_000_000_000)).collect();
    let bytes = times_bytes(&times, Some(&vec![7; 8192]));
    assert!(bytes < 8192 * 5 / 8 + 8192 / 32 * 2 + 200, "{bytes}");
    assert!(times_bytes(&times, None) > 8192 * 10 / 8);
}

#[test]
fn absent_times_cost_a_bit() {
    let reference: Vec<i64> = (0..1024).map(|n| 1_793_491_200_000_000_000 + n * 7_000_000_123).collect();
    let all: Vec<Option<i64>> = reference.iter().map(|time| Some(time - time % 1000 - 5000)).collect();
    let half: Vec<Option<i64>> =
        all.iter().enumerate().map(|(n, time)| time.filter(|_| n % 3 == 0)).collect();
    let extra = times_bytes(&half, Some(&reference)).saturating_sub(times_bytes(&all, Some(&reference)));
    // A bit a row, and how many times are before each of 8 blocks.
    assert!(extra <= 1024 / 8 + 8 * 2 + 32, "{extra}");
    let random = |n: i64| n.wrapping_mul(0x1e37_79b9_7f4a_7c15) >> 20;
    let few: Vec<Option<i64>> = (0..4096).map(|n| (n % 8 == 0).then(|| random(n))).collect();
    assert!(times_bytes(&few, None) < 512 * 6 + 4096 / 8 + 150, "an absent time takes no bits of a time");
    assert!(times_bytes(&all, Some(&reference)) < 80, "whole microseconds before a reference in nanoseconds");
    times_bytes(&[None; 200], Some(&[0; 200]));
}

fn byte_strings(values: &[Option<Vec<u8>>], runs: &[u32]) -> Vec<u8> {
    let borrowed: Vec<Option<&[u8]>> = values.iter().map(Option::as_deref).collect();
    let mut out = Vec::new();
    bytes::encode(&borrowed, runs, Effort::Light, &mut out);
    let row_count = u32::try_from(values.len()).unwrap();
    let (column, used) = Bytes::open(&out, row_count).unwrap();
    assert_eq!(used, out.len());
    let mut cursor = bytes::Cursor::new();
    for place in (0..row_count).chain((0..row_count).rev()) {
        assert_eq!(column.get(place, &mut cursor).unwrap(), borrowed[place as usize], "place {place}");
    }
    assert!(column.get(row_count, &mut cursor).is_err());
    out
}

#[test]
fn byte_strings_come_back_and_broken_ones_never_panic() {
    let hashes: Vec<_> = (0..300_u32).map(|n| (n % 5 == 0).then(|| vec![n.to_le_bytes()[0]; 32])).collect();
    assert!(byte_strings(&hashes, &[0, 100]).len() < 60 * 32 + 200);
    let maps: Vec<_> = (0..300_usize).map(|n| (n % 7 != 0).then(|| vec![7; n % 90])).collect();
    byte_strings(&maps, &[0, 100]);
    byte_strings(&[Some(vec![9; VALUE_BYTES_MAX]), None, Some(vec![])], &[0]);
    byte_strings(&vec![None; 300], &[0]);
    byte_strings(&[], &[0]);
    for bytes in [byte_strings(&hashes[..40], &[0]), byte_strings(&maps[..140], &[0, 9])] {
        damage(&bytes, |bytes| {
            for row_count in [40, 140, u32::MAX] {
                if let Ok((column, _)) = Bytes::open(bytes, row_count) {
                    let mut cursor = bytes::Cursor::new();
                    for place in 0..row_count {
                        let _ = column.get(place, &mut cursor);
                    }
                }
            }
        });
    }
}

proptest! {
    #[test]
    fn any_integers_come_back(
        values in proptest::collection::vec(any::<u64>(), 0..400),
        width in 0..64_u32,
        scale in 1..5000_u64,
        climb in 0..1000_u64,
    ) {
        let values: Vec<u64> = (0..)
            .zip(values)
            .map(|(n, value): (u64, u64)| (value >> width).saturating_add(climb * n).saturating_mul(scale))
            .collect();
        packed_bytes(&values);
    }

    #[test]
    fn any_times_come_back(rows in proptest::collection::vec(any::<(Option<i64>, i64)>(), 0..300)) {
        let (values, reference): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        times_bytes(&values, Some(&reference));
        times_bytes(&values, None);
    }

    #[test]
    fn near_times_come_back(
        rows in proptest::collection::vec((any::<i64>(), proptest::option::of(-500_000..500_000_i64)), 0..300),
        unit in 1..2_000_000_000_i64,
    ) {
        let reference: Vec<i64> = rows.iter().map(|(time, _)| *time).collect();
        let values: Vec<Option<i64>> = rows
            .iter()
            .map(|(time, before)| before.map(|before| (time.div_euclid(unit) - before).saturating_mul(unit)))
            .collect();
        times_bytes(&values, Some(&reference));
    }

    #[test]
    fn any_byte_strings_come_back(
        values in proptest::collection::vec(any::<Option<Vec<u8>>>(), 0..300),
        run in 1..300_u32,
    ) {
        byte_strings(&values, &[0, run]);
    }
}
