//! Cutting CSV into rows, and rows into cells.

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
        if self.inside == Inside::Quoted && self.line > self.begin {
            let row = Row { text: &self.begun, begin: self.place() };
            let opens = self.begun.iter().rposition(|&byte| byte == b'"').unwrap_or(0);
            let found = "a quotation mark that opens a cell";
            return Err(row.begin.after(&row.text[..opens]).wrong(found, "another that closes it"));
        }
        Ok(Some(self.begin))
    }

    fn place(&self) -> Place {
        Place { line: self.begin, column: 1 }
    }

    /// How many bytes there are up to the end of the row, with its line end.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
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
    /// All texts, end to end.
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
        let mut at = 0;
        loop {
            let from = self.text.len();
            let begin = at + blanks(&row.text[at..], separator);
            at = if row.text.get(begin) == Some(&b'"') {
                self.quoted(row, begin, separator)?
            } else {
                let rest = &row.text[begin..];
                let length = rest.iter().position(|&byte| byte == separator).unwrap_or(rest.len());
                self.text.push_str(row_text[begin..begin + length].trim_end_matches([' ', '\t']));
                begin + length
            };
            self.cells.push(Cell { from, to: self.text.len(), at: begin });
            if at == row.text.len() {
                return Ok(());
            }
            at += 1;
        }
    }

    /// A cell in quotation marks, which begins here; returns where it ends, with the blanks behind it.
    fn quoted(&mut self, row: &Row<'_>, begin: usize, separator: u8) -> Result<usize, ParseError> {
        let text = row.text;
        let mut at = begin + 1;
        loop {
            let rest = &text[at..];
            let Some(length) = rest.iter().position(|&byte| byte == b'"') else {
                let found = "a quotation mark that opens a cell";
                let place = row.begin.after(&text[..begin]);
                return Err(place.wrong(found, "another that closes it"));
            };
            self.text.push_str(&String::from_utf8_lossy(&rest[..length]));
            at += length + 1;
            if text.get(at) != Some(&b'"') {
                break;
            }
            self.text.push('"');
            at += 1;
        }
        let end = at + blanks(&text[at..], separator);
        if end < text.len() && text[end] != separator {
            let found = "more text after a quotation mark";
            return Err(row.begin.after(&text[..end]).wrong(found, "the end of the cell"));
        }
        Ok(end)
    }
}

/// How many blanks come first.
fn blanks(text: &[u8], separator: u8) -> usize {
    let is_blank = |&&byte: &&u8| matches!(byte, b' ' | b'\t') && byte != separator;
    text.iter().take_while(is_blank).count()
}
