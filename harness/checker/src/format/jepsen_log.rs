//! The log of old Jepsen tests: `INFO  jepsen.util - <process> :<type> :<f> <value>`.
//!
//! One register without a name. A `:cas` takes `[old new]`, and `:fail :cas` is an answer: the
//! register did not hold `old`. Any other `:fail` says nothing. There are no times: each is 0.

use super::ParseError;
use crate::event::{EventType, F};
use crate::history::{Entry, History, Recorder};

const MARK: &str = "jepsen.util - ";

/// Reads a log line by line. Lines that other parts of Jepsen wrote are skipped.
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

    pub(super) fn recorder(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// Takes the next line.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        self.line += 1;
        let line = std::str::from_utf8(line).map_err(|error| {
            self.wrong(error.valid_up_to() + 1, "bytes that are no text", "UTF-8")
        })?;
        let Some(at) = line.find(MARK) else { return Ok(()) };
        let mut words = Words { line, at: at + MARK.len() };
        let (_, process) = words.next();
        let Ok(process) = process.parse() else {
            // `:nemesis` and the like: not a client.
            return Ok(());
        };
        let (column, kind) = words.next();
        let r#type = match kind {
            ":invoke" => EventType::Invoke,
            ":ok" => EventType::Ok,
            ":fail" => EventType::Fail,
            ":info" => EventType::Info,
            other => return Err(self.wrong(column, other, ":invoke, :ok, :fail or :info")),
        };
        let (column, function) = words.next();
        let f = match function {
            ":read" => F::Get,
            ":write" => F::Put,
            ":cas" => F::Cas,
            other => return Err(self.wrong(column, other, ":read, :write or :cas")),
        };
        let (column, value) = words.rest();
        let mut entry = Entry {
            index: self.index,
            time_ns: 0,
            process,
            client: "",
            r#type,
            f,
            key: "",
            value: Some(value),
            expected: None,
            refused: false,
            node: None,
        };
        if f == F::Put && r#type == EventType::Invoke && value.is_empty() {
            return Err(self.wrong(column, value, "the value to write"));
        }
        if f == F::Cas {
            let pair = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
            let pair = pair.and_then(|pair| pair.trim().split_once(char::is_whitespace));
            if pair.is_none() && r#type == EventType::Invoke {
                return Err(self.wrong(column, value, "[old new]"));
            }
            entry.expected = pair.map(|(old, _)| old);
            entry.value = pair.map(|(_, new)| new.trim());
        }
        if f == F::Cas && r#type == EventType::Fail && value != ":timed-out" {
            entry.r#type = EventType::Ok;
            entry.refused = true;
        }
        self.index += 1;
        let line = self.line;
        self.recorder.record(&entry).map_err(|source| ParseError::Pairing { line, source })
    }

    /// The history of all lines.
    pub fn finish(self) -> History {
        self.recorder.finish()
    }

    fn wrong(&self, column: usize, found: &str, expected: &str) -> ParseError {
        let found =
            if found.is_empty() { "the end of the line".to_owned() } else { found.to_owned() };
        ParseError::Syntax { line: self.line, column, found, expected: expected.to_owned() }
    }
}

/// The words of a line, with their columns.
struct Words<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> (usize, &'a str) {
        let rest = &self.line[self.at..];
        let word = rest.trim_start();
        let start = self.line.len() - word.len();
        let word = word.split(char::is_whitespace).next().unwrap_or_default();
        self.at = start + word.len();
        (start + 1, word)
    }

    fn rest(&self) -> (usize, &'a str) {
        let rest = self.line[self.at..].trim();
        let start = self.line[self.at..].find(|c: char| !c.is_whitespace()).unwrap_or(0);
        (self.at + start + 1, rest)
    }
}
