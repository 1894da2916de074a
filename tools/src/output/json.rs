//! JSON that a terminal survives: DEL, C1 and bidirectional controls go as `\u` escapes, which every reader decodes.

use super::terminal::is_hostile;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use std::io::{self, Write};

struct Escaping(CompactFormatter);

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // C0 controls are escaped by JSON itself; nearly all texts are plain ASCII.
        if fragment.bytes().all(|byte| byte.is_ascii() && byte != 0x7f) {
            return self.0.write_string_fragment(writer, fragment);
        }
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_hostile(*c)) {
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            write!(writer, "\\u{:04x}", u32::from(c))?;
            plain = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }
}

/// Writes a value as JSON, without a line end.
///
/// # Errors
/// The writer's.
pub fn write(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Escaping(CompactFormatter));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes_what_json_lets_through_and_reads_back_the_same() {
        let text = "a\u{7f}\u{9b}31m\u{202e}ü\u{2028}\"\n";
        let mut out = Vec::new();
        super::write(&mut out, &text).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert_eq!(shown, r#""a\u007f\u009b31m\u202eü\u2028\"\n""#);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }
}
