//! Places in a file.

use super::ParseError;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The line, from 1.
    pub(super) line: u64,
    /// The column in bytes, from 1.
    pub(super) column: usize,
}

impl Place {
    /// The place behind a text that begins here.
    pub(super) fn after(self, text: &[u8]) -> Place {
        let mut place = self;
        for &byte in text {
            place.column += 1;
            if byte == b'\n' {
                place = Place { line: place.line + 1, column: 1 };
            }
        }
        place
    }

    /// That something else stands here than should.
    pub(super) fn wrong(self, found: impl Into<String>, expected: impl Into<String>) -> ParseError {
        let Place { line, column } = self;
        let (found, expected) = (short(found.into()), expected.into());
        ParseError::Syntax { line, column, found, expected }
    }
}

/// The most characters of what was found that are told.
const LONGEST_FOUND: usize = 80;

/// The beginning of a text, if it is long.
pub(super) fn short(text: String) -> String {
    if text.chars().count() <= LONGEST_FOUND {
        return text;
    }
    text.chars().take(LONGEST_FOUND).chain("...".chars()).collect()
}

/// Where a file begins.
impl Default for Place {
    fn default() -> Self {
        Place { line: 1, column: 1 }
    }
}
