//! Knossos' key-value form: an EDN map a line, with `:process :type :f :key :value`.
//!
//! There are no times, so that each event counts as one nanosecond.

use super::ParseError;
use super::edn::{Edn, Parser, Wrong};
use crate::event::{EventType, F};
use crate::history::{Entry, History, Recorder};

/// Reads a history line by line.
#[derive(Debug, Default)]
pub struct Reader {
    recorder: Recorder,
    line: u64,
    index: u64,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Reader::default()
    }

    /// Takes the next line. Blank lines are skipped.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        self.line += 1;
        let text = std::str::from_utf8(line).map_err(|error| {
            self.wrong(error.valid_up_to() + 1, "bytes that are no text".to_owned(), "UTF-8")
        })?;
        let value = Parser::new(text).next_value();
        let value = value
            .map_err(|Wrong { at, found, expected, .. }| self.wrong(at + 1, found, expected))?;
        let Some(map) = value else { return Ok(()) };
        self.event(&map)
    }

    /// The history of all lines.
    pub fn finish(self) -> History {
        self.recorder.finish()
    }

    fn event(&mut self, map: &Edn) -> Result<(), ParseError> {
        let wrong = |name: &str, expected: &str| {
            let found = map.get(name).map_or_else(|| "nothing".to_owned(), Edn::canonical);
            self.wrong(1, format!("{found} as :{name}"), expected)
        };
        let Some(&Edn::Integer(process)) = map.get("process") else {
            return Err(wrong("process", "a number"));
        };
        let process = u64::try_from(process).map_err(|_| wrong("process", "a number from 0"))?;
        let keyword = |name| match map.get(name) {
            Some(Edn::Keyword(keyword)) => keyword.as_str(),
            _ => "",
        };
        let r#type = match keyword("type") {
            "invoke" => EventType::Invoke,
            "ok" => EventType::Ok,
            "fail" => EventType::Fail,
            "info" => EventType::Info,
            _ => return Err(wrong("type", ":invoke, :ok, :fail or :info")),
        };
        let f = match keyword("f") {
            "get" | "read" => F::Get,
            "put" | "write" => F::Put,
            "append" => F::Append,
            _ => return Err(wrong("f", ":get, :put or :append")),
        };
        let key = text(map.get("key")).unwrap_or_default();
        let value = text(map.get("value"));
        let entry = Entry {
            index: self.index,
            time_ns: self.index,
            process,
            client: "",
            r#type,
            f,
            key: &key,
            value: value.as_deref(),
            expected: None,
            refused: false,
            node: None,
        };
        self.index += 1;
        let line = self.line;
        self.recorder.record(&entry).map_err(|source| ParseError::Pairing { line, source })
    }

    fn wrong(&self, column: usize, found: String, expected: &str) -> ParseError {
        ParseError::Syntax { line: self.line, column, found, expected: expected.to_owned() }
    }
}

/// A string is its text; anything else its notation.
fn text(value: Option<&Edn>) -> Option<String> {
    match value? {
        Edn::Nil => None,
        Edn::String(text) => Some(text.clone()),
        other => Some(other.canonical()),
    }
}
