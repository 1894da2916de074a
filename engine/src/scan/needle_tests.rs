//! What is followed through pieces is never denied where it is.

use super::needle::{Needle, Walk};
use crate::format::column::template::{Slot, Variable};
use proptest::prelude::*;

/// A piece, and what one row writes there.
#[derive(Clone, Debug)]
enum Written {
    Literal(String),
    Variable(Variable, String),
}

fn number(slot: Slot, least: u64, span: u64, share: u64) -> Written {
    let most = least.saturating_add(span);
    let value = least + share % (most - least + 1).max(1);
    let text = match slot {
        Slot::Padded(digits) => format!("{value:0digits$}", digits = usize::from(digits)),
        Slot::Hex(digits) => {
            let digits = usize::from(digits);
            format!("{value:016x}")[16 - digits..].to_owned()
        }
        Slot::ShortHex => format!("{value:x}"),
        Slot::Uuid => {
            let digits = format!("{value:016x}{:016x}", value ^ 77);
            let cuts = [0..8, 8..12, 12..16, 16..20, 20..32];
            return Written::Variable(
                Variable { slot, values: [(least, most), (0, u64::MAX)] },
                cuts.map(|cut| digits[cut].to_owned()).join("-"),
            );
        }
        _ => value.to_string(),
    };
    Written::Variable(Variable { slot, values: [(least, most), (0, 0)] }, text)
}

fn piece() -> impl Strategy<Value = Written> {
    let slot = prop_oneof![
        Just(Slot::Decimal),
        (1_u8..=18).prop_map(Slot::Padded),
        (1_u8..=16).prop_map(Slot::Hex),
        Just(Slot::ShortHex),
        Just(Slot::Uuid),
    ];
    let value = (any::<u64>(), 0_u32..64, any::<u64>(), 0_u32..64, any::<u64>());
    prop_oneof![
        "[a-dA-Dks é\u{17f}\u{212a}1-]{1,6}".prop_map(Written::Literal),
        (slot, value).prop_map(|(slot, (least, down, span, span_down, share))| {
            number(slot, (least >> down) / 2, (span >> span_down) / 2, share)
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_in_a_text_of_the_pieces_is_never_denied(
        pieces in prop::collection::vec(piece(), 1..6),
        (from, length) in (0_usize..60, 1_usize..80),
    ) {
        let text = |piece: &Written| match piece {
            Written::Literal(text) | Written::Variable(_, text) => text.clone(),
        };
        let whole: String = pieces.iter().map(text).collect();
        let wanted: String = whole.chars().skip(from).take(length).collect();
        prop_assume!(!wanted.is_empty());
        for wanted in [wanted.clone(), wanted.to_ascii_uppercase(), wanted.replace('k', "\u{212a}")] {
            let needle = Needle::folded(&wanted);
            let (mut all, mut ends) = (Walk::default(), Walk::default());
            let mut is_in_literal = false;
            for piece in &pieces {
                (all, ends) = match piece {
                    Written::Literal(text) => {
                        let alone = needle.literal(Walk::default(), 1, text.as_bytes());
                        is_in_literal |= alone.seen & needle.all() != 0;
                        (needle.literal(all, 1, text.as_bytes()), needle.literal_ends(ends, text.as_bytes()))
                    }
                    Written::Variable(own, _) => (needle.variable(all, 1, own), needle.variable(ends, 1, own)),
                };
            }
            prop_assert!(all.seen & needle.all() != 0, "{wanted:?} in {whole:?}");
            prop_assert!(is_in_literal || ends.seen & needle.all() != 0, "{wanted:?} in {whole:?}, ends");
            // Only what lies whole inside a literal is not seen by both.
            prop_assert_eq!((all.ends ^ ends.ends) & !needle.all(), 0);
        }
        let exact = Needle::exact(&whole);
        let walk = pieces.iter().fold(Walk { ends: 1, seen: 0 }, |walk, piece| match piece {
            Written::Literal(text) => exact.literal(walk, 0, text.as_bytes()),
            Written::Variable(own, _) => exact.variable(walk, 0, own),
        });
        let end = if exact.is_whole { walk.ends } else { walk.seen };
        prop_assert!(end & exact.all() != 0, "{whole:?}");
    }

    #[test]
    fn a_text_lies_at_the_edges_of_another_where_it_does(text in "[abk]{1,8}", wanted in "[abk]{1,6}") {
        let edges = Needle::folded(&wanted).edges(text.as_bytes());
        prop_assert_eq!(edges.holds, text.contains(&wanted));
        for count in 1..wanted.len() {
            let (head, tail) = wanted.split_at(count);
            prop_assert_eq!(edges.end >> count & 1 != 0, text.ends_with(head), "end {}", count);
            prop_assert_eq!(edges.begin >> count & 1 != 0, text.starts_with(tail), "begin {}", count);
            let is_inner = (1..count).any(|from| wanted[from..count] == text);
            prop_assert_eq!(edges.inner >> count & 1 != 0, is_inner, "inner {}", count);
        }
    }
}

#[test]
fn digits_that_no_value_has_are_denied() {
    let variable = |slot, values| Variable { slot, values: [values, (0, 0)] };
    let has = |wanted: &str, own: Variable| {
        let needle = Needle::folded(wanted);
        needle.variable(Walk::default(), 1, &own).seen & needle.all() != 0
    };
    let years = variable(Slot::Decimal, (2020, 2029));
    assert!(has("202", years) && has("025", years) && !has("31", years) && !has("a", years));
    let ids = variable(Slot::Hex(8), (0xabcd_0000, 0xabcd_ffff));
    assert!(has("ABCD", ids) && has("d1234", ids) && !has("abcee", ids) && !has("123456", ids));
    let part = variable(Slot::Padded(4), (7, 9));
    assert!(has("0008", part) && !has("a", part));
}
