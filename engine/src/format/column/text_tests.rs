//! Texts come back whole, in order, backwards and at random; pages keep tenants apart; `find` agrees with a search;
//! broken bytes never panic.

use super::template::Piece;
use super::text;
use super::text::Cursor;
use super::text::Match;
use super::text::Text;
use super::*;
use proptest::prelude::*;

/// Numbers that look random, the same in every run.
fn mixed(n: u64) -> u64 {
    let mut value = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ value >> 27
}

fn encode(values: &[Option<String>], runs: &[u32], effort: Effort) -> Vec<u8> {
    let borrowed: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
    let mut out = Vec::new();
    text::encode(&borrowed, runs, effort, &mut out);
    out
}

/// Encodes both ways and checks everything that readers rely on; gives the lighter's bytes.
fn check(values: &[Option<String>], runs: &[u32]) -> Vec<u8> {
    let strong = encode(values, runs, Effort::Strong);
    check_bytes(&strong, values, runs);
    let light = encode(values, runs, Effort::Light);
    check_bytes(&light, values, runs);
    light
}

fn check_bytes(bytes: &[u8], values: &[Option<String>], runs: &[u32]) {
    let row_count = u32::try_from(values.len()).unwrap();
    let (column, used) = Text::open(bytes, row_count).unwrap();
    assert_eq!(used, bytes.len());
    let mut cursor = Cursor::new();
    let scattered =
        (0..u64::from(row_count.min(500))).map(|n| u32::try_from(mixed(n) % u64::from(row_count)).unwrap());
    for place in (0..row_count).chain((0..row_count).rev()).chain(scattered) {
        let found = column.get(place, &mut cursor).unwrap();
        assert_eq!(found, values[place as usize].as_deref(), "place {place}");
    }
    let mut visited = Vec::new();
    column
        .visit(0..u32::MAX, &mut cursor, |place, text| visited.push((place, text.map(str::to_owned))))
        .unwrap();
    assert!(visited.iter().map(|(_, text)| text).eq(values));
    assert!(column.get(row_count, &mut cursor).is_err());
    let sizes = column.sizes();
    assert_eq!(sizes.codes + sizes.table + sizes.variables + sizes.pages, used);

    for places in column.page_places() {
        let run_of = |place: u32| runs.partition_point(|run| *run <= place);
        assert!((1..=256).contains(&places.len()));
        assert_eq!(run_of(places[0]), run_of(*places.last().unwrap()), "a page of one tenant");
    }
    for place in (0..row_count).filter(|place| column.code(*place) == text::REPEAT) {
        assert!(place % BLOCK_ROWS != 0 && !runs.contains(&place), "a repeat stays in its block and run");
    }

    let asked = values.iter().flatten().map(String::as_str).step_by(values.len() / 40 + 1);
    for value in asked.chain(["", "no row has this", "u-1", "u-99999999999", "Message 12 of a1b2c3d4e5f6"]) {
        let wanted: Vec<u32> =
            (0..).zip(values).filter(|(_, text)| text.as_deref() == Some(value)).map(|(n, _)| n).collect();
        let mut cursor = Cursor::new();
        let found: Vec<u32> = match column.find(value) {
            Match::Nowhere => Vec::new(),
            Match::Code(code) => (0..row_count).filter(|place| column.code(*place) == code).collect(),
            Match::Check { code, repeats } => (0..row_count)
                .filter(|place| {
                    let own = column.code(*place);
                    own == code || repeats && own == text::REPEAT
                })
                .filter(|place| column.get(*place, &mut cursor).unwrap() == Some(value))
                .collect(),
        };
        assert_eq!(found, wanted, "{value:?}");
    }
}

fn some(count: u64, text: impl Fn(u64) -> String) -> Vec<Option<String>> {
    (0..count).map(|n| Some(text(n))).collect()
}

fn uuid(n: u64) -> String {
    let (a, b) = (mixed(n * 2), mixed(n * 2 + 1));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 50 | 0x8000,
        b & 0xffff_ffff_ffff
    )
}

#[test]
fn ascending_ids_take_about_two_bytes() {
    let values = some(20_000, |n| format!("e220a8397b1dcdaf-{}", n * 3 + mixed(n) % 3));
    let bytes = check(&values, &[0]);
    assert!(bytes.len() < 20_000 * 5 / 2, "{}", bytes.len());
}

#[test]
fn uuids_that_repeat_are_stored_once() {
    let values = some(8000, |n| uuid(n - u64::from(mixed(n / 2).is_multiple_of(4) && n % 2 == 1)));
    let bytes = check(&values, &[0, 3, 1111, 5000]);
    let (column, _) = Text::open(&bytes, 8000).unwrap();
    assert!(bytes.len() < 8000 * 142 / 10, "{:?}", column.sizes());
    assert_eq!(column.sizes().template_count, 1);
    assert!((0..8000).any(|place| column.code(place) == text::REPEAT));
}

#[test]
fn few_texts_are_a_dictionary() {
    let names = ["sign in", "sign out", "Löschen", "", "a b c 7"];
    let values = some(5000, |n| names[usize::try_from(mixed(n) % 5).unwrap()].to_owned());
    let bytes = check(&values, &[0, 77]);
    assert!(bytes.len() < 5000 * 3 / 8 + 150, "{}", bytes.len());
    let (column, _) = Text::open(&bytes, 5000).unwrap();
    assert!(matches!(column.find("Löschen"), Match::Code(_)));
    assert_eq!(column.find("nothing"), Match::Nowhere);
}

#[test]
fn messages_become_templates() {
    let values = some(6000, |n| match n % 4 {
        0 => format!(
            "Downloaded message {:012x} with {} attachments from mb-{}",
            mixed(n) >> 16,
            n % 30,
            60_000 + n % 999
        ),
        1 => format!("Signed in from 192.0.{}.{} through single sign-on", n % 3, n % 254),
        2 => format!("Part {:05} of job 0x{:x}: 完了", n, mixed(n) >> 40),
        _ => format!("Nothing alike {}", "xyz ".repeat(usize::try_from(mixed(n) % 9).unwrap())),
    });
    let bytes = check(&values, &[0, 2500]);
    let (column, _) = Text::open(&bytes, 6000).unwrap();
    let template = column.templates().next().unwrap();
    let literals: Vec<&str> = template
        .pieces()
        .into_iter()
        .filter_map(
            |piece| if let Piece::Literal(text) = piece { std::str::from_utf8(text).ok() } else { None },
        )
        .collect();
    assert_eq!(literals, ["Downloaded message ", " with ", " attachments from mb-"]);
    assert!(matches!(column.find("Signed in from 192.0.9.1 through single sign-on"), Match::Nowhere));
}

#[test]
fn texts_that_are_all_different_are_paged_by_tenant() {
    let letters =
        |n: u64| (0..60).map(|k| char::from(b'a' + (mixed(n * 64 + k) % 26).to_le_bytes()[0])).collect();
    let values = some(1500, letters);
    let runs: Vec<u32> = (0..1500).filter(|n| mixed(u64::from(*n)).is_multiple_of(40) || *n == 0).collect();
    let bytes = check(&values, &runs);
    let (column, _) = Text::open(&bytes, 1500).unwrap();
    assert!(column.sizes().page_count as usize >= runs.len());
}

#[test]
fn odd_columns_come_back() {
    check(&[], &[0]);
    check(&vec![None; 1000], &[0, 500]);
    check(&[Some(String::new())], &[0]);
    check(&[Some(String::new()), None, Some("x".repeat(VALUE_BYTES_MAX)), None], &[0, 2]);
    check(&vec![Some("y".repeat(5000)); 300], &[0, 5]);
    check(&some(200, |n| "7 ".repeat(usize::try_from(n).unwrap())), &[0]);
    check(&some(700, |n| if n == 699 { "never seen 1".to_owned() } else { format!("{:03}", n % 50) }), &[0]);
}

#[test]
fn a_cursor_knows_its_column() {
    let (left, right) = (some(10, |n| format!("{n}left")), some(10, |n| format!("right{n}")));
    let (left_bytes, right_bytes) = (encode(&left, &[0], Effort::Light), encode(&right, &[0], Effort::Light));
    let (first, _) = Text::open(&left_bytes, 10).unwrap();
    let (second, _) = Text::open(&right_bytes, 10).unwrap();
    let mut cursor = Cursor::new();
    for place in 0..10 {
        assert_eq!(first.get(place, &mut cursor).unwrap(), left[place as usize].as_deref());
        assert_eq!(second.get(place, &mut cursor).unwrap(), right[place as usize].as_deref());
    }
}

fn read_everything(bytes: &[u8], row_count: u32) {
    let Ok((column, used)) = Text::open(bytes, row_count) else { return };
    assert!(used <= bytes.len());
    let mut cursor = Cursor::new();
    for place in 0..row_count.min(400) {
        if let Ok(Some(text)) = column.get(place, &mut cursor) {
            assert!(text.len() <= 1 << 20);
        }
    }
    column.find("u-17");
    for template in column.templates() {
        assert!(template.pieces().len() <= 65);
    }
}

#[test]
fn broken_bytes_never_panic() {
    let values: Vec<Option<String>> = (0..260_u64)
        .map(|n| match n % 5 {
            0 => None,
            1 => Some(format!("u-{} ß {:02}", mixed(n) % 999, n % 60)),
            2 => Some(uuid(n / 20)),
            3 => Some("always".to_owned()),
            _ => Some(
                (0..n % 40).map(|k| char::from(b'a' + (mixed(n * 64 + k) % 26).to_le_bytes()[0])).collect(),
            ),
        })
        .collect();
    for bytes in [encode(&values, &[0, 100], Effort::Light), encode(&values, &[0], Effort::Strong)] {
        for end in 0..bytes.len() {
            assert!(Text::open(&bytes[..end], 260).is_err(), "cut at {end}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            read_everything(&flipped, 260);
        }
        for row_count in [0, 1, 128, 259, 261, ROW_COUNT_MAX, ROW_COUNT_MAX + 1, u32::MAX] {
            read_everything(&bytes, row_count);
        }
    }
}

#[test]
fn declared_lengths_are_bounded_before_they_size_anything() {
    let values = some(300, |n| format!("{} {:x}", "some words ".repeat(20), mixed(n)));
    let bytes = encode(&values, &[0], Effort::Light);
    for at in 0..bytes.len().saturating_sub(4) {
        for absurd in [u32::MAX, 1 << 30, 1 << 20, 1 << 17] {
            let mut broken = bytes.clone();
            broken[at..at + 4].copy_from_slice(&absurd.to_le_bytes());
            read_everything(&broken, 300);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_texts_come_back(
        values in proptest::collection::vec(
            proptest::option::of(prop_oneof!["[ -~ß完]{0,40}", "[a-c]-[0-9]{1,4}", "[0-9a-f]{6,20}", ".{0,9}"]),
            0..400,
        ),
        repeat in 1..4_usize,
        runs in proptest::collection::btree_set(1..1200_u32, 0..9),
    ) {
        let values: Vec<_> = values.into_iter().flat_map(|value| vec![value; repeat]).collect();
        let runs: Vec<u32> = std::iter::once(0).chain(runs).collect();
        check(&values, &runs);
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..300), rows in 0..300_u32) {
        read_everything(&bytes, rows);
    }
}
