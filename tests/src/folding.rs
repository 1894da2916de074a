//! What a search without regard to case finds, written separately from the engine's.

/// Case-insensitive "includes", without a table: simple case folding, as far as single characters' own case mappings
/// give it.
pub fn includes(text: &str, part: &str) -> bool {
    let fold = |text: &str| text.chars().map(folded).collect::<String>();
    fold(text).contains(&fold(part))
}

fn folded(c: char) -> char {
    // Dotless i has an upper case and no folding (CaseFolding.txt has none of statuses C and S).
    if c == 'ı' {
        return c;
    }
    let upper = only(c.to_uppercase()).unwrap_or(c);
    only(upper.to_lowercase()).unwrap_or(upper)
}

/// The only one of these.
pub fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}
