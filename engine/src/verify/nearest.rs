//! Names near to one that is not there, for whoever mistyped it.

/// Names that are listed at most.
const SHOWN_MAX: usize = 5;
/// Bytes of a name that are compared: no service is longer, and what was asked for may be anything.
const COMPARED_BYTES_MAX: usize = crate::limits::NAME_BYTES_MAX;

/// What there is instead of `wanted`: the nearest names first, and how many more there are.
pub fn instead<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> String {
    let mut near: Vec<(usize, &str)> = names.map(|name| (distance(wanted, name), name)).collect();
    near.sort_unstable();
    let shown: Vec<&str> = near.iter().take(SHOWN_MAX).map(|(_, name)| *name).collect();
    match (shown.len(), near.len() - shown.len()) {
        (0, _) => "none".to_owned(),
        (_, 0) => shown.join(", "),
        (_, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Bytes to insert, remove or replace until one name is the other (Levenshtein 1966), in any letter case.
fn distance(one: &str, other: &str) -> usize {
    let compared = |name: &str| -> Vec<u8> {
        name.bytes().take(COMPARED_BYTES_MAX).map(|byte| byte.to_ascii_lowercase()).collect()
    };
    let (one, other) = (compared(one), compared(other));
    // Row by row: distances from what was read of `one` to every beginning of `other`.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, byte) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, wanted) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(byte != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, steps) in
            [("", "", 0), ("", "abc", 3), ("mail", "mail", 0), ("mail", "Mial", 2), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (steps, steps), "{one} {other}");
        }
        assert_eq!(distance(&"x".repeat(1 << 20), "x"), COMPARED_BYTES_MAX - 1);
    }

    #[test]
    fn the_nearest_come_first_and_the_rest_is_counted() {
        assert_eq!(
            instead("mial", ["directory", "mail", "sealog.control"].into_iter()),
            "mail, directory, sealog.control"
        );
        assert_eq!(instead("x", std::iter::empty()), "none");
        let many: Vec<String> = (0..9).map(|number| format!("service-{number}")).collect();
        let shown = instead("service-7x", many.iter().map(String::as_str));
        assert!(shown.starts_with("service-7, ") && shown.ends_with(" and 4 more"), "{shown}");
    }
}
