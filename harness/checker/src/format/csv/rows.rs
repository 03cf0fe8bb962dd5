//! Cutting CSV into rows, and rows into cells.

use memchr::{memchr, memchr2};

use super::SEPARATORS;
use crate::format::{ParseError, Place};

/// The longest row that is taken, in bytes.
const LONGEST: usize = 1 << 25;

/// One row, without its line end.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Row<'a> {
    pub(super) text: &'a [u8],
    /// Where it begins.
    pub(super) begin: Place,
}

/// Where a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Inside {
    /// Before the first byte of a cell.
    #[default]
    Begin,
    Plain,
    Quoted,
    /// After a quotation mark in a quoted cell: it ends, or this is the first of two.
    Closing,
}

/// Finds the rows of a file that comes in pieces, with one look at each byte.
#[derive(Debug)]
pub(in crate::format) struct Rows {
    /// Any of them, as long as it is not known.
    pub(super) separator: Option<u8>,
    /// The row whose end is not there yet, or one that ended in the last piece.
    begun: Vec<u8>,
    is_taken: bool,
    inside: Inside,
    /// The line of the next byte.
    line: u64,
    /// The line on which the row begins.
    begin: u64,
    /// How many bytes were looked at or copied.
    #[cfg(test)]
    pub(in crate::format) work: u64,
}

impl Default for Rows {
    fn default() -> Self {
        Rows {
            separator: None,
            begun: Vec::new(),
            is_taken: false,
            inside: Inside::Begin,
            line: 1,
            begin: 1,
            #[cfg(test)]
            work: 0,
        }
    }
}

impl Rows {
    /// How many bytes of a row are waiting for its end.
    pub(super) fn waiting(&self) -> usize {
        self.begun.capacity()
    }

    /// The next row that ends in this piece, which loses what is read. Blank lines are passed over.
    pub(in crate::format) fn next<'r, 'p: 'r>(
        &'r mut self,
        piece: &mut &'p [u8],
    ) -> Result<Option<Row<'r>>, ParseError> {
        loop {
            if std::mem::take(&mut self.is_taken) {
                self.begun.clear();
            }
            let bytes = *piece;
            let Some(length) = self.find_end(bytes) else {
                self.begun.extend_from_slice(bytes);
                *piece = &[];
                if self.begun.len() > LONGEST {
                    return Err(self
                        .place()
                        .wrong("a row of more than 32 MB", "the end of the row"));
                }
                return Ok(None);
            };
            let (text, rest) = bytes.split_at(length);
            *piece = rest;
            let begin = self.place();
            self.begin = self.line;
            let is_blank = self.begun.is_empty() && text.trim_ascii().is_empty();
            if is_blank {
                continue;
            }
            let text = if self.begun.is_empty() {
                text
            } else {
                self.begun.extend_from_slice(text);
                self.is_taken = true;
                if self.begun.trim_ascii().is_empty() {
                    continue;
                }
                &self.begun
            };
            return Ok(Some(Row { text: without_end(text), begin }));
        }
    }

    /// Finds out how the file ends: the line at which it is torn, if it is.
    pub(super) fn finish(&self) -> Result<Option<u64>, ParseError> {
        if self.is_taken || self.begun.trim_ascii().is_empty() {
            return Ok(None);
        }
        // A text that goes over lines and has no end has swallowed rows, it seems.
        let row = Row { text: &self.begun, begin: self.place() };
        let separator = self.separator.unwrap_or_default();
        let has_swallowed = self.inside == Inside::Quoted && self.line > self.begin;
        match Cells::default().read(&row, separator) {
            Err(error) if has_swallowed => Err(error),
            _ => Ok(Some(self.begin)),
        }
    }

    fn place(&self) -> Place {
        Place { line: self.begin, column: 1 }
    }

    /// The end of a row that begins here and has no quotation marks.
    fn find_plain_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let at = memchr2(b'\n', b'"', bytes);
        #[cfg(test)]
        {
            self.work += at.map_or(bytes.len(), |at| at + 1) as u64;
        }
        let end = at.filter(|&at| bytes[at] == b'\n')? + 1;
        self.line += 1;
        Some(end)
    }

    /// How many bytes there are up to the end of the row, with its line end.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.begun.is_empty()
            && let Some(end) = self.find_plain_end(bytes)
        {
            return Some(end);
        }
        let separates = |byte: u8| match self.separator {
            Some(separator) => byte == separator,
            None => SEPARATORS.contains(&byte),
        };
        let (mut inside, mut line) = (self.inside, self.line);
        let mut end = None;
        for (at, &byte) in bytes.iter().enumerate() {
            inside = match (inside, byte) {
                (Inside::Quoted, b'"') => Inside::Closing,
                (Inside::Quoted, b'\n') => {
                    line += 1;
                    inside
                }
                (Inside::Quoted, _) => continue,
                (_, b'\n') => {
                    line += 1;
                    end = Some(at + 1);
                    inside = Inside::Begin;
                    break;
                }
                (_, byte) if separates(byte) => Inside::Begin,
                (Inside::Begin | Inside::Closing, b'"') => Inside::Quoted,
                (Inside::Begin, b' ' | b'\t') | (Inside::Closing, _) => continue,
                (Inside::Begin | Inside::Plain, _) => Inside::Plain,
            };
        }
        (self.inside, self.line) = (inside, line);
        #[cfg(test)]
        {
            self.work += end.unwrap_or(bytes.len()) as u64;
        }
        end
    }
}

fn without_end(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// The cells of one row at a time.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// The row, and behind it the cells with quotation marks in them.
    text: String,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    from: usize,
    to: usize,
    /// Where it stands in its row.
    at: usize,
}

impl Cells {
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn get(&self, number: usize) -> &str {
        let Cell { from, to, .. } = self.cells[number];
        &self.text[from..to]
    }

    /// The empty text if there is no such cell.
    pub(super) fn get_or_empty(&self, number: Option<usize>) -> &str {
        number.map_or("", |number| self.get(number))
    }

    /// Where a cell stands in the file.
    pub(super) fn place(&self, row: &Row<'_>, number: usize) -> Place {
        row.begin.after(&row.text[..self.cells[number].at])
    }

    /// Takes a row apart.
    pub(super) fn read(&mut self, row: &Row<'_>, separator: u8) -> Result<(), ParseError> {
        self.text.clear();
        self.cells.clear();
        let row_text = std::str::from_utf8(row.text).map_err(|error| {
            let place = row.begin.after(&row.text[..error.valid_up_to()]);
            place.wrong("bytes that are no text", "UTF-8")
        })?;
        self.text.push_str(row_text);
        let mut at = 0;
        loop {
            let begin = at + blanks(&row.text[at..], separator);
            if row.text.get(begin) == Some(&b'"') {
                at = self.quoted(row, row_text, begin, separator)?;
            } else {
                let rest = &row.text[begin..];
                let length = rest.iter().position(|&byte| byte == separator).unwrap_or(rest.len());
                at = begin + length;
                let to = begin + row_text[begin..at].trim_end_matches([' ', '\t']).len();
                self.cells.push(Cell { from: begin, to, at: begin });
            }
            if at == row.text.len() {
                return Ok(());
            }
            at += 1;
        }
    }

    /// A cell in quotation marks, which begins here; returns where it ends, with the blanks behind it.
    fn quoted(
        &mut self,
        row: &Row<'_>,
        row_text: &str,
        begin: usize,
        separator: u8,
    ) -> Result<usize, ParseError> {
        let open = || {
            let place = row.begin.after(&row.text[..begin]);
            place.wrong("a quotation mark that opens a cell", "another that closes it")
        };
        let mut at = begin + 1;
        let mut is_copied = false;
        let mut from = self.text.len();
        let close = loop {
            let close = at + memchr(b'"', &row.text[at..]).ok_or_else(open)?;
            let is_doubled = row.text.get(close + 1) == Some(&b'"');
            is_copied |= is_doubled;
            if is_copied {
                self.text.push_str(&row_text[at..close + usize::from(is_doubled)]);
            }
            if !is_doubled {
                break close;
            }
            at = close + 2;
        };
        let mut to = self.text.len();
        if !is_copied {
            (from, to) = (begin + 1, close);
        }
        let end = close + 1 + blanks(&row.text[close + 1..], separator);
        if end < row.text.len() && row.text[end] != separator {
            // Over lines it is rather the first mark whose partner is missing.
            if row.text[begin..end].contains(&b'\n') {
                return Err(open());
            }
            let found = "more text after a quotation mark";
            return Err(row.begin.after(&row.text[..end]).wrong(found, "the end of the cell"));
        }
        self.cells.push(Cell { from, to, at: begin });
        Ok(end)
    }
}

/// How many blanks come first.
fn blanks(text: &[u8], separator: u8) -> usize {
    let is_blank = |&&byte: &&u8| matches!(byte, b' ' | b'\t') && byte != separator;
    text.iter().take_while(is_blank).count()
}
