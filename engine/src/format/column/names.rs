//! Texts in ascending order, each once: what each shares with the one before is not said again.
//!
//! ```text
//! decoded bytes u32, stored bytes u32, codec u8 (0 stored, 1 zstd), and what decodes to
//!   for each: bytes that it shares with the one before u8
//!   for each: bytes of its own behind them u8
//!   the own bytes of all
//! ```

use super::ColumnError;
use super::Effort;
use super::Input;
use super::page;
use super::page::Squeezer;
use super::put_u32;
use crate::limits::NAME_BYTES_MAX;

// Both lengths of a name take one byte each.
const _: () = assert!(NAME_BYTES_MAX <= u8::MAX as usize);

/// Appends names, which are in order and no longer than names may be.
pub fn encode<'n>(names: impl Iterator<Item = &'n str>, effort: Effort, out: &mut Vec<u8>) {
    let (mut table, mut lengths, mut own_bytes) = (Vec::new(), Vec::new(), Vec::new());
    let mut before: &[u8] = &[];
    for name in names {
        assert!(name.len() <= NAME_BYTES_MAX, "a name of {} bytes", name.len());
        let name = name.as_bytes();
        let shared = before.iter().zip(name).take_while(|(a, b)| a == b).count();
        table.push(length(shared));
        lengths.push(length(name.len() - shared));
        own_bytes.extend_from_slice(&name[shared..]);
        before = name;
    }
    table.append(&mut lengths);
    table.append(&mut own_bytes);
    let mut stored = Vec::new();
    let codec = Squeezer::new(effort).append(&table, &mut stored);
    put_u32(out, table.len());
    put_u32(out, stored.len());
    out.push(codec);
    out.extend_from_slice(&stored);
}

fn length(bytes: usize) -> u8 {
    u8::try_from(bytes).unwrap_or(u8::MAX)
}

/// Reads `count` names, which the caller has bounded, from the front of `bytes`; gives how many bytes they take.
///
/// # Errors
/// Bytes that are not so many names in ascending order.
pub fn decode(bytes: &[u8], count: usize) -> Result<(Vec<String>, usize), ColumnError> {
    let mut input = Input::new(bytes);
    let bytes_max = count.saturating_mul(2 + NAME_BYTES_MAX);
    let decoded_bytes = input.count(bytes_max, "names of at most 128 bytes each")?;
    let stored_bytes = input.count(bytes.len(), "names within the bytes")?;
    let codec = input.u8("a codec")?;
    let stored = input.take(stored_bytes, "the names")?;
    let mut table = Vec::new();
    page::expand(codec, stored, decoded_bytes, &mut None, &mut table)
        .ok_or(input.error("names that decode"))?;
    let lengths = table.split_at_checked(count).and_then(|(shared, rest)| {
        let (own, rest) = rest.split_at_checked(count)?;
        Some((shared, own, rest))
    });
    let (shared, own, mut rest) = lengths.ok_or(input.error("two lengths for each name"))?;
    let mut names: Vec<String> = Vec::with_capacity(count);
    for (shared, own) in shared.iter().zip(own) {
        let before = names.last().map_or(&[][..], |name| name.as_bytes());
        let shared = before.get(..usize::from(*shared)).ok_or(input.error("a beginning that is there"))?;
        let (own, behind) =
            rest.split_at_checked(usize::from(*own)).ok_or(input.error("bytes of all names"))?;
        rest = behind;
        let name = String::from_utf8([shared, own].concat()).map_err(|_| input.error("names in UTF-8"))?;
        if name.len() > NAME_BYTES_MAX || names.last().is_some_and(|before| *before >= name) {
            return Err(input.error("names of at most 128 bytes, in order"));
        }
        names.push(name);
    }
    if !rest.is_empty() {
        return Err(input.error("the end of the names"));
    }
    Ok((names, input.offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(names: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(names.iter().copied(), Effort::Light, &mut out);
        out
    }

    #[test]
    fn names_come_back_and_cost_what_is_new_in_them() {
        for names in [&[][..], &["a"], &["", "a", "ab", "abc", "b"], &["acme", "ac\u{f6}", "\u{f6}a"]] {
            let bytes = encoded(names);
            let (found, used) = decode(&bytes, names.len()).unwrap();
            assert_eq!((found, used), (names.iter().map(|name| (*name).to_owned()).collect(), bytes.len()));
        }
        let names: Vec<String> = (0..2_000).map(|number| format!("customer-{number:05}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let bytes = encoded(&names);
        assert!(bytes.len() < 2 * names.len(), "{} bytes", bytes.len());
        assert_eq!(decode(&bytes, names.len()).unwrap().0, names);
    }

    #[test]
    fn what_is_no_list_of_names_in_order_is_refused() {
        let raw = |table: &[u8]| {
            let mut out = Vec::new();
            put_u32(&mut out, table.len());
            put_u32(&mut out, table.len());
            out.push(0);
            out.extend_from_slice(table);
            out
        };
        assert_eq!(decode(&raw(b"\0\x01\x02\x01abc"), 2).unwrap().0, ["ab", "ac"]);
        let long = [&[0, 200][..], &[b'a'; 200]].concat();
        for (table, count) in [
            (&b"\0\0\x01\x01ba"[..], 2),
            (b"\0\0\x01\x01aa", 2),
            (b"\0\x02\x01\x01ab", 2),
            (b"\x01\x01a", 1),
            (b"\0\x02a", 1),
            (b"\0\x01ab", 1),
            (b"\0\x01\xff", 1),
            (b"\0", 1),
            (&long, 1),
        ] {
            assert!(decode(&raw(table), count).is_err(), "{table:?}");
        }
        let mut told_more = raw(b"\0\x01a");
        told_more[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decode(&told_more, 1).is_err(), "more bytes than such names can have");
    }
}
