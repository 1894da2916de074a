//! STRUCTURED-DATA of RFC 5424 §6.3.

/// More parameters than this are kept as they are written: an entry has 64 attributes, and others need some of them.
const PARAMETER_COUNT_MAX: usize = 48;

/// `-` or `[SD-ID NAME="VALUE" …]…` as it is written, and what follows.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(("-", rest));
    }
    let mut rest = text;
    while rest.starts_with('[') {
        rest = element(rest, &mut |_, _, _| ())?;
    }
    let (data, rest) = text.split_at(text.len() - rest.len());
    (!data.is_empty()).then_some((data, rest))
}

/// One attribute per parameter, `sd.<SD-ID>.<name>`; none if that would lose something.
pub fn parameters(structured: &str) -> Option<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_lossless = true;
    let mut rest = structured;
    while !rest.is_empty() && found.len() <= PARAMETER_COUNT_MAX {
        let before = found.len();
        rest = element(rest, &mut |id, name, value| {
            if found.len() > PARAMETER_COUNT_MAX {
                return;
            }
            let key = format!("sd.{id}.{name}");
            // A parameter may come twice, and attributes have no empty values.
            is_lossless &= !value.is_empty() && !found.iter().any(|(known, _)| *known == key);
            found.push((key, unescaped(value)));
        })?;
        is_lossless &= found.len() > before;
    }
    (is_lossless && found.len() <= PARAMETER_COUNT_MAX).then_some(found)
}

/// Walks over one element, and tells of its parameters: SD-ID, name, value as written.
fn element<'s>(text: &'s str, tell: &mut dyn FnMut(&'s str, &'s str, &'s str)) -> Option<&'s str> {
    let (id, mut rest) = name(text.strip_prefix('[')?)?;
    loop {
        if let Some(rest) = rest.strip_prefix(']') {
            return Some(rest);
        }
        let (name, after) = name(rest.strip_prefix(' ')?)?;
        let value = after.strip_prefix("=\"")?;
        let end = value_end(value)?;
        tell(id, name, &value[..end]);
        rest = &value[end + 1..];
    }
}

/// 1 to 32 visible ASCII characters but `=`, `]` and `"` (RFC 5424 §6.3.2).
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| matches!(byte, b'=' | b']' | b'"') || !byte.is_ascii_graphic())?;
    matches!(end, 1..=32).then(|| text.split_at(end))
}

/// Where the closing quote is: `"`, `\` and `]` inside a value have a `\` before them (RFC 5424 §6.3.3).
fn value_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().enumerate().find_map(|(index, byte)| match byte {
        _ if is_escaped => {
            is_escaped = false;
            None
        }
        b'\\' => {
            is_escaped = true;
            None
        }
        b'"' => Some(Some(index)),
        b']' => Some(None),
        _ => None,
    })?
}

/// A `\` before any other character is itself (RFC 5424 §6.3.3).
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes =
            character == '\\' && characters.peek().is_some_and(|next| matches!(next, '"' | '\\' | ']'));
        text.extend(if escapes { characters.next() } else { Some(character) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn parameters_become_attributes_unless_that_loses_something() {
        let data = r#"[ex@32473 iut="3" src="App \"x\" \] \n"][p@1 a="é"]"#;
        assert_eq!(
            parameters(data),
            Some(vec![
                pair("sd.ex@32473.iut", "3"),
                pair("sd.ex@32473.src", r#"App "x" ] \n"#),
                pair("sd.p@1.a", "é")
            ])
        );
        assert_eq!(split(&format!("{data} rest")), Some((data, " rest")));
        for lossy in [r#"[a]"#, r#"[a x=""]"#, r#"[a x="1" x="2"]"#] {
            assert_eq!(parameters(lossy), None, "{lossy}");
            assert_eq!(split(lossy), Some((lossy, "")));
        }
        let many: String = (0..60).map(|index| format!(" n{index}=\"v\"")).collect();
        assert_eq!(parameters(&format!("[a{many}]")), None);
        for bad in ["", "x", "[", "[]", "[a b]", "[a b=c]", "[a b=\"]", "[a b=\"\\\"]", "[a  b=\"c\"]"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }
}
