//! The tenant table: whose entries a segment holds, and where each tenant's line stands before and behind them.
//!
//! Nonces, digests and keys are random and lie as they are; the rest takes a few bytes a tenant.
//!
//! Section: number of tenants (u32) · their names · five packed columns: number of the line, slot, entries before the
//! segment, entries in it, salt keys · a packed column: positions of all keys · nonces · digests before the segment ·
//! digests behind it · keys. All are in the order of the table.

use super::LineState;
use super::TenantRow;
use crate::format::column::ColumnError;
use crate::format::column::Effort;
use crate::format::column::names;
use crate::format::column::packed;
use crate::format::column::packed::Packed;
use crate::proof::Hash;
use crate::proof::Key;

/// What a tenant takes at least: its nonce and two digests.
const TENANT_BYTES_MIN: usize = 16 + 32 + 32;
const KEY_BYTES: usize = 32;

/// Appends the section. `rows` are by name.
pub fn encode(rows: &[TenantRow], effort: Effort, out: &mut Vec<u8>) {
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&count.to_le_bytes());
    names::encode(rows.iter().map(|row| row.tenant.as_str()), effort, out);
    let mut column = |value: &dyn Fn(&TenantRow) -> u64| {
        packed::encode(&rows.iter().map(value).collect::<Vec<_>>(), out);
    };
    column(&|row| u64::from(row.line));
    column(&|row| u64::from(row.slot));
    column(&|row| row.opening.size);
    column(&|row| row.closing.size.wrapping_sub(row.opening.size));
    column(&|row| row.keys.len() as u64);
    let keys = || rows.iter().flat_map(|row| &row.keys);
    packed::encode(&keys().map(|(from, _)| *from).collect::<Vec<_>>(), out);
    rows.iter().for_each(|row| out.extend_from_slice(&row.nonce));
    rows.iter().for_each(|row| out.extend_from_slice(&row.opening.digest));
    rows.iter().for_each(|row| out.extend_from_slice(&row.closing.digest));
    keys().for_each(|(_, key)| out.extend_from_slice(key));
}

/// Reads the section of a segment with so many entries.
///
/// # Errors
/// Bytes of another shape; lines that don't grow by all entries, each by one at least.
pub fn decode(bytes: &[u8], entry_count: u32) -> Result<Vec<TenantRow>, ColumnError> {
    let wrong = |rest: &[u8], expected| ColumnError::Shape { offset: bytes.len() - rest.len(), expected };
    let (count, mut rest) = bytes.split_first_chunk::<4>().ok_or(wrong(bytes, "a number of tenants"))?;
    let count = u32::from_le_bytes(*count);
    // This bounds everything below: what a tenant takes in memory is a few times what it takes here.
    if count > entry_count || count as usize > rest.len() / TENANT_BYTES_MIN {
        return Err(wrong(bytes, "at most a tenant for each entry, with nonce and digests"));
    }
    let (names, used) = names::decode(rest, count as usize)?;
    rest = &rest[used..];
    let mut column = |count: u32| {
        let (column, used) = Packed::open(rest, count)?;
        rest = &rest[used..];
        Ok::<_, ColumnError>(column)
    };
    let (lines, slots, sizes, grown) = (column(count)?, column(count)?, column(count)?, column(count)?);
    let key_counts = column(count)?;
    let key_count = (0..count).try_fold(0_u64, |sum, at| sum.checked_add(key_counts.get(at)));
    let key_count = key_count.and_then(|keys| u32::try_from(keys).ok());
    let room = rest.len() / KEY_BYTES;
    let key_count = key_count.filter(|keys| *keys as usize <= room).ok_or(wrong(rest, "salt keys"))?;
    let (froms, used) = Packed::open(rest, key_count)?;
    rest = &rest[used..];
    let (nonces, behind) = arrays::<16>(rest, count).ok_or(wrong(rest, "a nonce for each tenant"))?;
    let digests = arrays::<32>(behind, count).and_then(|(opening, rest)| {
        let (closing, rest) = arrays::<32>(rest, count)?;
        Some((opening, closing, rest))
    });
    let (opening, closing, behind) = digests.ok_or(wrong(behind, "two digests for each tenant"))?;
    let (keys, behind) = arrays::<32>(behind, key_count).ok_or(wrong(behind, "a key for each position"))?;
    if !behind.is_empty() {
        return Err(wrong(behind, "the end of the tenants"));
    }

    let expected = "lines that grow by all entries, each by one at least";
    let narrow = |value: u64, expected| u32::try_from(value).map_err(|_| wrong(bytes, expected));
    let mut keys = (0..).zip(keys).map(|(at, key): (u32, &Key)| (froms.get(at), *key));
    let mut left = u64::from(entry_count);
    let mut rows = Vec::with_capacity(count as usize);
    for (at, tenant) in (0..count).zip(names) {
        let (size, own) = (sizes.get(at), grown.get(at));
        let closing_size = size.checked_add(own).filter(|_| own > 0).ok_or(wrong(bytes, expected))?;
        left = left.checked_sub(own).ok_or(wrong(bytes, expected))?;
        let own_keys = usize::try_from(key_counts.get(at)).unwrap_or(usize::MAX);
        rows.push(TenantRow {
            tenant,
            line: narrow(lines.get(at), "numbers of lines below 2^32")?,
            slot: narrow(slots.get(at), "slots below 2^32")?,
            nonce: nonces[at as usize],
            opening: LineState { size, digest: opening[at as usize] },
            closing: LineState { size: closing_size, digest: closing[at as usize] },
            keys: keys.by_ref().take(own_keys).collect(),
        });
    }
    if left > 0 {
        return Err(wrong(bytes, expected));
    }
    Ok(rows)
}

/// So many arrays from the front, and what is behind them.
fn arrays<const N: usize>(bytes: &[u8], count: u32) -> Option<(&[[u8; N]], &[u8])> {
    let (own, rest) = bytes.split_at_checked((count as usize).checked_mul(N)?)?;
    Some((own.as_chunks().0, rest))
}

const _: () = assert!(size_of::<Hash>() == 32 && size_of::<Key>() == KEY_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: u32) -> Vec<TenantRow> {
        let state = |size, seed: u32| LineState {
            size,
            digest: std::array::from_fn(|at| seed.wrapping_mul(0x9e37_79b1).to_le_bytes()[at % 4]),
        };
        (0..count)
            .map(|number| TenantRow {
                tenant: format!("customer-{number:05}"),
                line: number * 7 % count,
                slot: 40_000 + number * 11,
                nonce: [number.to_le_bytes()[0]; 16],
                opening: state(u64::from(number) * 5, number),
                closing: state(u64::from(number) * 6 + 1, number + 1),
                keys: (0..1 + u64::from(number % 3 / 2)).map(|key| (key * 900 + 5, [7; 32])).collect(),
            })
            .collect()
    }

    fn entries(rows: &[TenantRow]) -> u32 {
        rows.iter().map(|row| u32::try_from(row.closing.size - row.opening.size).unwrap()).sum()
    }

    fn encoded(rows: &[TenantRow]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(rows, Effort::Light, &mut out);
        out
    }

    #[test]
    fn a_table_comes_back_at_little_more_than_its_hashes() {
        for count in [1, 2, 300] {
            let rows = rows(count);
            let bytes = encoded(&rows);
            assert_eq!(decode(&bytes, entries(&rows)).unwrap(), rows);
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut], entries(&rows)).is_err(), "cut at {cut}");
            }
            assert!(decode(&[&bytes[..], &[0]].concat(), entries(&rows)).is_err());
        }
        let rows = rows(2_000);
        let keys: usize = rows.iter().map(|row| row.keys.len()).sum();
        let bytes = encoded(&rows).len() - keys * KEY_BYTES - rows.len() * TENANT_BYTES_MIN;
        assert!(bytes < rows.len() * 11, "{bytes} bytes for {} tenants", rows.len());
    }

    #[test]
    fn lines_must_grow_by_the_entries_there_are() {
        let whole = rows(5);
        let entry_count = entries(&whole);
        let told = |change: &dyn Fn(&mut TenantRow)| {
            let mut rows = whole.clone();
            change(&mut rows[2]);
            decode(&encoded(&rows), entry_count).map_err(|error| error.to_string())
        };
        for change in [
            &(|row: &mut TenantRow| row.closing.size += 1) as &dyn Fn(&mut TenantRow),
            &|row| row.closing.size -= 1,
            &|row| row.closing.size = row.opening.size,
            &|row| row.closing.size = 0,
            &|row| row.closing.size = u64::MAX,
        ] {
            assert!(told(change).unwrap_err().contains("lines that grow by all entries"));
        }
        assert!(decode(&encoded(&whole), 4).is_err(), "more tenants than entries");
        assert_eq!(decode(&encoded(&[]), 0).unwrap(), []);
        let without = told(&|row| row.keys.clear()).unwrap();
        assert!(without[2].keys.is_empty() && without[3] == whole[3]);
    }
}
