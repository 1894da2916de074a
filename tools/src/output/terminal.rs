//! What may go to a terminal: text without control characters, colours only where they are wanted.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

pub use sealog_server::csv::is_hostile;

/// The text with every hostile character escaped.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if is_hostile(c) => {
                // Writing to a String does not fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Whether standard output is a terminal.
pub fn is_stdout_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether to colour standard output.
pub fn wants_colour() -> bool {
    is_stdout_terminal() && takes_colour()
}

/// Whether to colour standard error.
pub fn wants_colour_on_stderr() -> bool {
    std::io::stderr().is_terminal() && takes_colour()
}

/// Whether a terminal may be coloured: no `NO_COLOR` (no-color.org), and one that knows colours.
fn takes_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !refused && !dumb
}

/// Tells the user something that is not a result, on one line.
pub fn note(message: &str) {
    write_stderr(&format!("sealog: {}\n", printable(message)));
}

/// Writes to standard error in one write, so that lines of processes that share it do not mix.
pub fn write_stderr(text: &str) {
    // With standard error gone there is nobody left to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Columns of the terminal; 110 where there is none.
pub fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    size().filter(|width| *width > 0).or(columns).unwrap_or(110).clamp(40, 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_gets_through() {
        assert_eq!(
            printable("a\x1b[31mb\r\n\t\0\u{9b}\u{202e}ü北"),
            "a\\u{1b}[31mb\\r\\n\\t\\u{0}\\u{9b}\\u{202e}ü北"
        );
    }
}
