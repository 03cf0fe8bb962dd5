//! Cutting a file of JSON into its objects: those of one list, or one after another.
//!
//! The objects may stand on one line or on many. The end of each is found in one pass over the bytes, by
//! counting brackets outside of texts; what lies between is left to [`json`](super::json). So the work is
//! linear in the bytes of the file, however it is cut into pieces, and only the object whose end is not
//! there yet is kept.

use super::json::{self, DEEPEST, Json, Wrong};
use super::{ParseError, Place};
use crate::datum::Encoder;

/// The longest object that is taken, in bytes.
const LONGEST: usize = 1 << 25;

/// One object of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) text: &'a [u8],
    /// Where it begins.
    pub(super) begin: Place,
    /// Whether it begins a line and stands in no list, so that the next one begins a line, too.
    begins_lines: bool,
}

impl Element<'_> {
    /// What is wrong with its grammar, as an error about the file.
    pub(super) fn broken(&self, wrong: Wrong) -> ParseError {
        self.swallows(wrong.at, wrong.at + 1).unwrap_or_else(|| self.wrong(wrong))
    }

    /// What is wrong with it, as an error about the file.
    pub(super) fn wrong(&self, wrong: Wrong) -> ParseError {
        // Of bytes that are no text only what is before them was read.
        let wrong = if wrong.is_end { json::no_text(self.text).unwrap_or(wrong) } else { wrong };
        wrong.in_file(self.text, self.begin)
    }

    /// That another event begins among its first bytes, so that it is torn in the middle of the file. From
    /// a place on events count wherever they stand, before it only where lines begin.
    fn swallows(&self, anywhere_from: usize, to: usize) -> Option<ParseError> {
        let text = json::text(self.text);
        let (mut inside, mut line_begin) = (Inside::Values, None);
        for (at, byte) in text.bytes().enumerate().take(to) {
            inside = match (inside, byte) {
                (Inside::Values, b'"') | (Inside::Escape, _) => Inside::Text,
                (Inside::Text, b'"') => Inside::Values,
                (Inside::Text, b'\\') => Inside::Escape,
                _ => inside,
            };
            match (inside, byte) {
                (_, b'\n') => line_begin = Some(at + 1),
                (_, b' ' | b'\t' | b'\r') => {}
                (Inside::Values, b'{') if at > 0 => {
                    let begins_line =
                        line_begin.take().is_some_and(|line| at - line < self.begin.column);
                    let is_next = begins_line && self.begins_lines
                        || (begins_line || at >= anywhere_from)
                            && json::names(&text[at..]).is_event();
                    if is_next {
                        let Place { line, column } = self.begin.after(&self.text[..at]);
                        let found = format!(
                            "an object that does not end before the next event (line {line}, column \
                             {column})"
                        );
                        return Some(self.begin.wrong(found, "}"));
                    }
                }
                _ => line_begin = None,
            }
        }
        None
    }

    /// What is wrong with it at one of its bytes.
    pub(super) fn wrong_at(&self, at: usize, found: String, expected: &str) -> ParseError {
        self.wrong(Wrong { at, found, expected: expected.to_owned(), is_end: false })
    }
}

/// What may come next in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Next {
    /// The first object, or a list of them.
    #[default]
    First,
    /// Another object, without a list around them.
    Object,
    /// The first object of the list, or its end.
    FirstInList,
    /// A comma, or the end of the list.
    Comma,
    /// The object after a comma.
    AfterComma,
    /// The end of the file.
    End,
}

/// Where a scan is inside an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Inside {
    #[default]
    Values,
    Text,
    Escape,
}

/// Where a scan stopped.
enum Stop {
    /// Behind the last byte of an object.
    End(usize),
    /// Behind a byte that no object can have.
    Broken(usize),
    /// At the end of the piece.
    More,
}

/// Finds the objects of a file that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Elements {
    next: Next,
    /// The object whose end is not there yet, or one that ended in the last piece.
    begun: Vec<u8>,
    is_taken: bool,
    /// Where the object begins.
    begin: Place,
    /// How many brackets are open; 0 between objects.
    depth: u32,
    inside: Inside,
    /// The place of the next byte.
    place: Place,
    /// How many bytes were looked at or copied.
    #[cfg(test)]
    pub(super) work: u64,
}

impl Elements {
    /// How many bytes of an object are waiting for its end.
    pub(super) fn waiting(&self) -> usize {
        self.begun.capacity()
    }

    /// Whether an object that stands in no list may begin here.
    pub(super) fn is_between(&self) -> bool {
        self.depth == 0 && self.next == Next::Object
    }

    /// The line of the next byte.
    pub(super) fn line(&self) -> u64 {
        self.place.line
    }

    /// Notes a whole line, with its end, which the caller has read.
    pub(super) fn pass_line(&mut self) {
        self.place = Place { line: self.place.line + 1, column: 1 };
    }

    /// The next object that ends in this piece, which loses what is read. `None`: all of it is read.
    pub(super) fn next<'e, 'p: 'e>(
        &'e mut self,
        piece: &mut &'p [u8],
    ) -> Result<Option<Element<'e>>, ParseError> {
        if std::mem::take(&mut self.is_taken) {
            self.begun.clear();
        }
        if self.depth == 0 && !self.find_begin(piece)? {
            return Ok(None);
        }
        let bytes = *piece;
        let (length, is_whole) = match self.find_end(bytes) {
            Stop::End(length) => (length, true),
            Stop::More => (bytes.len(), false),
            Stop::Broken(length) => {
                self.begun.extend_from_slice(&bytes[..length]);
                return Err(self.broken("an object that is no JSON"));
            }
        };
        let (text, rest) = bytes.split_at(length);
        *piece = rest;
        if is_whole && self.begun.is_empty() {
            return Ok(Some(self.element(text)));
        }
        self.keep(text)?;
        self.is_taken = is_whole;
        Ok(is_whole.then(|| self.element(&self.begun)))
    }

    /// Finds out how the file ends: the line at which it is torn, if it is.
    pub(super) fn finish(&self) -> Result<Option<u64>, ParseError> {
        if self.depth > 0 {
            let torn = self.element(&self.begun);
            return match self.diagnose().or_else(|| torn.swallows(0, torn.text.len())) {
                Some(error) => Err(error),
                None => Ok(Some(self.begin.line)),
            };
        }
        let is_open = matches!(self.next, Next::FirstInList | Next::Comma | Next::AfterComma);
        Ok(is_open.then_some(self.place.line))
    }

    fn element<'a>(&self, text: &'a [u8]) -> Element<'a> {
        let begins_lines = self.next == Next::Object && self.begin.column == 1;
        Element { text, begin: self.begin, begins_lines }
    }

    fn keep(&mut self, text: &[u8]) -> Result<(), ParseError> {
        #[cfg(test)]
        {
            self.work += text.len() as u64;
        }
        self.begun.extend_from_slice(text);
        if self.begun.len() > LONGEST {
            return Err(self.broken("an object of more than 32 MB"));
        }
        Ok(())
    }

    /// Passes over what stands between objects. Whether one begins in this piece.
    fn find_begin(&mut self, piece: &mut &[u8]) -> Result<bool, ParseError> {
        for (at, &byte) in piece.iter().enumerate() {
            self.next = match (self.next, byte) {
                (Next::First | Next::Object, b'{') => Next::Object,
                (Next::FirstInList | Next::AfterComma, b'{') => Next::Comma,
                (Next::First, b'[') => Next::FirstInList,
                (Next::FirstInList | Next::Comma, b']') => Next::End,
                (Next::Comma, b',') => Next::AfterComma,
                (next, b' ' | b'\t' | b'\r' | b'\n') => next,
                (next, byte) => return Err(self.place.wrong(found(byte), next.expected())),
            };
            if byte == b'{' {
                *piece = &piece[at..];
                self.begin = self.place;
                return Ok(true);
            }
            self.place = self.place.after(&[byte]);
        }
        *piece = &[];
        Ok(false)
    }

    /// Goes on to the end of the object.
    fn find_end(&mut self, bytes: &[u8]) -> Stop {
        let Elements { mut depth, mut inside, place, .. } = *self;
        let (mut line, mut line_begin) = (place.line, None);
        let mut stop = Stop::More;
        for (at, &byte) in bytes.iter().enumerate() {
            match (inside, byte) {
                (Inside::Values, b'"') => inside = Inside::Text,
                (Inside::Values, b'{' | b'[') => depth += 1,
                (Inside::Values, b'}' | b']') => depth -= 1,
                (Inside::Values, b'\n') => (line, line_begin) = (line + 1, Some(at + 1)),
                (Inside::Values, _) => continue,
                (_, ..b' ') => {
                    stop = Stop::Broken(at + 1);
                    break;
                }
                (Inside::Text, b'"') => inside = Inside::Values,
                (Inside::Text, b'\\') => inside = Inside::Escape,
                (Inside::Text, _) => continue,
                (Inside::Escape, _) => inside = Inside::Text,
            }
            if depth == 0 {
                stop = Stop::End(at + 1);
                break;
            }
            if depth > DEEPEST {
                stop = Stop::Broken(at + 1);
                break;
            }
        }
        let length = match stop {
            Stop::End(length) | Stop::Broken(length) => length,
            Stop::More => bytes.len(),
        };
        let column = line_begin.map_or(place.column + length, |begin| length - begin + 1);
        (self.depth, self.inside, self.place) = (depth, inside, Place { line, column });
        #[cfg(test)]
        {
            self.work += length as u64;
        }
        stop
    }

    /// The error of an object that cannot end.
    fn broken(&self, found: &str) -> ParseError {
        self.diagnose().unwrap_or_else(|| self.begin.wrong(found, "an object of JSON"))
    }

    /// What is wrong with the object that is begun, but that it ends.
    fn diagnose(&self) -> Option<ParseError> {
        let element = self.element(&self.begun);
        let wrong = Json::new(&self.begun).value(&mut Encoder::default()).err()?;
        let is_only_torn =
            wrong.is_end && json::no_text(&self.begun).is_none_or(|wrong| wrong.is_end);
        (!is_only_torn).then(|| element.broken(wrong))
    }
}

impl Next {
    fn expected(self) -> &'static str {
        match self {
            Next::First => "an object of JSON, or a list of objects",
            Next::Object | Next::AfterComma => "an object of JSON",
            Next::FirstInList => "an object of JSON, or ] at the end of the list",
            Next::Comma => "a comma, or ] at the end of the list",
            Next::End => "the end of the file",
        }
    }
}

fn found(byte: u8) -> String {
    match byte {
        b'!'..=b'~' => char::from(byte).to_string(),
        0x80.. => "something that is no JSON".to_owned(),
        control => format!("the control character {:?}", char::from(control)),
    }
}
