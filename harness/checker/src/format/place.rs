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
        ParseError::Syntax { line, column, found: found.into(), expected: expected.into() }
    }
}

/// Where a file begins.
impl Default for Place {
    fn default() -> Self {
        Place { line: 1, column: 1 }
    }
}
