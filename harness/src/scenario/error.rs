//! What a reader is told about a workload file that cannot be used.

use std::fmt;

use super::json::Position;
use crate::text::escape;

/// A workload file that cannot be used: one sentence, made for people.
///
/// ``demo.json, line 3, column 15, `events[2].time`: 40 is too large; allowed: ...``
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadError {
    /// The file as the caller named it.
    pub file: String,
    /// Where in the file; `None` where the file could not be read as text at all.
    pub place: Option<Place>,
    /// What is wrong, what is allowed, and what to do.
    pub problem: String,
}

/// A place in a workload file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// The path of the key, such as `events[2].time`; empty for the whole file.
    pub key: String,
}

impl fmt::Display for WorkloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.file, usize::MAX))?;
        if let Some(place) = &self.place {
            write!(f, ", line {}, column {}", place.line, place.column)?;
            if !place.key.is_empty() {
                write!(f, ", {}", quoted(&place.key))?;
            }
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for WorkloadError {}

/// What is wrong at one place of the text, before the file's name is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: Position,
    pub(super) key: String,
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn in_file(self, file: &str) -> WorkloadError {
        let place = Place { line: self.at.line, column: self.at.column, key: self.key };
        WorkloadError { file: file.to_owned(), place: Some(place), problem: self.problem }
    }
}

/// What a file says, fit for a sentence: in backticks, short, and harmless to a terminal.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN_CHARS: usize = 60;
    format!("`{}`", escaped(text, SHOWN_CHARS))
}

/// Control characters (and those that change the direction of text) escaped, cut to a length.
fn escaped(text: &str, shown_chars: usize) -> String {
    match text.char_indices().nth(shown_chars) {
        Some((end, _)) => escape(&text[..end]) + "...",
        None => escape(text),
    }
}

/// The known word that a misspelt one was most probably meant to be.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// No word that we know is half as long; it also bounds the work for a hostile file.
    const LONGEST: usize = 80;
    let length = word.chars().count();
    let allowed = match length {
        0..=3 => 1,
        4..=8 => 2,
        9..=LONGEST => length / 3,
        _ => return None,
    };
    let word = word.to_lowercase();
    let distance = |other: &str| strsim::damerau_levenshtein(&word, &other.to_lowercase());
    known
        .into_iter()
        .map(|other| (distance(other), other))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, other)| other)
}
