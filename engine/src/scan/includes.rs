//! A text that is looked for in others without regard to case: Unicode simple case folding (CaseFolding.txt, statuses C
//! and S), which is what the regex crate folds by, and no normalization.

use super::Text;
use super::needle::Needle;
use crate::segment::view::RowTexts;
use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

/// A case-insensitive "includes".
#[derive(Clone)]
pub(super) struct Includes {
    pub needle: Needle,
    /// Decides; none only of a text that no regular expression has room for, which nothing includes.
    regex: Option<Regex>,
    /// Decides as well where ASCII letters are in lower case.
    finder: Option<Finder<'static>>,
    /// Whether the finder does so only in ASCII: other characters fold to those of the text.
    folds_from_beyond: bool,
}

impl Includes {
    pub fn new(text: &Text) -> Includes {
        let text = text.as_str();
        // An escaped text of at most 64 KiB is a literal; what it compiles to is bounded by its length.
        let regex =
            RegexBuilder::new(&regex::escape(text)).case_insensitive(true).size_limit(1 << 28).build();
        let lower = text.to_ascii_lowercase();
        Includes {
            needle: Needle::folded(text),
            regex: regex.ok(),
            finder: lower.is_ascii().then(|| Finder::new(&lower).into_owned()),
            folds_from_beyond: lower.contains(['k', 's']),
        }
    }

    /// Whether a text includes it.
    pub fn is_in(&self, text: &[u8]) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// Whether the finder alone decides, in texts of ASCII or others, and finds nothing that spans what a message refers
    /// to, or variables.
    pub fn is_plain(&self, is_ascii: bool) -> bool {
        let finds = self.finder.as_ref().filter(|_| is_ascii || !self.folds_from_beyond);
        finds.is_some_and(|finder| self.needle.is_whole && finder.needle().iter().all(|byte| *byte >= 0x20))
    }

    /// Gives the number of each text that includes it. The texts lie one behind the other, ASCII letters in lower case;
    /// `ends` are their numbers and where they end.
    pub fn each_in<T>(
        &self,
        bytes: &[u8],
        is_ascii: bool,
        mut ends: impl Iterator<Item = (T, usize)>,
        mut each: impl FnMut(T),
    ) {
        let finder = self.finder.as_ref().filter(|_| is_ascii || !self.folds_from_beyond);
        let next = |from: usize| match (finder, &self.regex) {
            (Some(finder), _) => {
                let at = from + finder.find(bytes.get(from..)?)?;
                Some((at, at + finder.needle().len()))
            }
            (None, Some(regex)) => regex.find_at(bytes, from).map(|found| (found.start(), found.end())),
            (None, None) => None,
        };
        let mut from = 0;
        while let Some((begin, end)) = next(from) {
            let Some((number, text_end)) = ends.by_ref().find(|(_, text_end)| begin < *text_end) else {
                return;
            };
            // What begins in one text and ends in the next is in neither.
            let is_inside =
                end <= text_end || bytes.get(begin..text_end).is_some_and(|rest| self.is_in(rest));
            if is_inside {
                each(number);
            }
            from = text_end;
        }
    }
}

/// Whether there are no characters beyond ASCII; bytes that UTF-8 never uses are none.
pub(super) fn is_ascii(bytes: &[u8]) -> bool {
    !bytes.iter().fold(false, |found, byte| found | (0x80..0xf8).contains(byte))
}

/// The rows whose texts include one of these. The texts are written over.
pub(super) fn rows_with(parts: &[Includes], texts: &mut RowTexts) -> u128 {
    let bytes = texts.bytes_mut();
    bytes.make_ascii_lowercase();
    let is_ascii = is_ascii(bytes);
    let mut rows = 0_u128;
    for part in parts {
        part.each_in(texts.bytes(), is_ascii, texts.ends().iter().copied(), |row| rows |= 1 << row);
    }
    rows
}
