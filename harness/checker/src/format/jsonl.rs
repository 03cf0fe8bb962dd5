//! The project's own format: a header line with a schema number, then one event a line.

use serde::Deserialize;

use super::ParseError;
use crate::event::Event;
use crate::history::{History, Recorder};

/// The schema number of the header that this crate reads and the journal writes.
pub const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct Header {
    schema: u64,
}

/// Reads a history line by line.
///
/// A last line that ends in the middle, as a journal's does when its writer is killed, is left
/// out; a line that is wrong in any other way is an error.
#[derive(Debug, Default)]
pub struct Reader {
    recorder: Recorder,
    line: u64,
    torn: Option<ParseError>,
}

impl Reader {
    /// A reader that expects the header.
    pub fn new() -> Self {
        Reader::default()
    }

    /// Takes the next line, with or without its line end. Blank lines are skipped.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        if let Some(error) = self.torn.take() {
            return Err(error);
        }
        self.line += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let parsed = if self.line == 1 { self.header(line) } else { self.event(line) };
        match parsed {
            Err(Fault::Torn(error)) => self.torn = Some(error),
            Err(Fault::Wrong(error)) => return Err(error),
            Ok(()) => {}
        }
        Ok(())
    }

    /// The history of all lines, and whether the last one was torn and left out.
    pub fn finish(self) -> (History, bool) {
        (self.recorder.finish(), self.torn.is_some())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Fault> {
        let expected = format!("a header with \"schema\":{SCHEMA}");
        let header: Header =
            serde_json::from_slice(line).map_err(|error| self.fault(&error, &expected))?;
        if header.schema == SCHEMA {
            return Ok(());
        }
        Err(Fault::Wrong(ParseError::Syntax {
            line: self.line,
            column: 1,
            found: format!("schema {}", header.schema),
            expected: format!("schema {SCHEMA}"),
        }))
    }

    fn event(&mut self, line: &[u8]) -> Result<(), Fault> {
        let event: Event<'_> =
            serde_json::from_slice(line).map_err(|error| self.fault(&error, "an event"))?;
        let line = self.line;
        self.recorder
            .push(&event)
            .map_err(|source| Fault::Wrong(ParseError::Pairing { line, source }))
    }

    fn fault(&self, error: &serde_json::Error, expected: &str) -> Fault {
        let text = error.to_string();
        let found = text.split(" at line ").next().unwrap_or(&text).to_owned();
        let column = error.column().max(1);
        let expected = expected.to_owned();
        let fault = ParseError::Syntax { line: self.line, column, found, expected };
        if error.is_eof() { Fault::Torn(fault) } else { Fault::Wrong(fault) }
    }
}

enum Fault {
    Torn(ParseError),
    Wrong(ParseError),
}

/// Reads all lines; see [`Reader`].
pub fn read<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<(History, bool), ParseError> {
    let mut reader = Reader::new();
    for line in lines {
        reader.line(line)?;
    }
    Ok(reader.finish())
}
