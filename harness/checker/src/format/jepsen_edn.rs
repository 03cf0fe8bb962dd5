//! Jepsen's `history.edn`, and Knossos' maps: EDN maps with `:process :type :f :value`, one after
//! another or in a vector.
//!
//! Keys are in `:key`, or `:value` is `[key value]` as `jepsen.independent` has it. A
//! compare-and-set takes `[old new]`; one that fails without an `:error` was refused: the register
//! held something else. Any other `:fail` says that nothing was done. An event without
//! `:time` has that of the one before, the first 0. What the nemesis does is skipped.

use super::ParseError;
use super::edn::{Edn, Parser, Wrong};
use crate::event::{EventType, F};
use crate::history::{Entry, History, Recorder};

/// A map that does not end within this many bytes never will.
const LONGEST_MAP_BYTES: usize = 1 << 20;

/// Reads a history line by line; a map may go over several.
#[derive(Debug, Default)]
pub struct Reader {
    recorder: Recorder,
    line: u64,
    index: u64,
    last_ns: u64,
    in_vector: bool,
    /// The beginning of a map whose end is not there yet.
    begun: String,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Reader::default()
    }

    pub(super) fn recorder(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// Takes the next line. Blank lines are skipped.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        self.line += 1;
        let text = std::str::from_utf8(line).map_err(|error| {
            self.wrong(error.valid_up_to() + 1, "bytes that are no text".to_owned(), "UTF-8")
        })?;
        let mut begun = std::mem::take(&mut self.begun);
        let before = begun.len();
        begun.push_str(text);
        begun.push('\n');
        let mut parser = Parser::new(&begun);
        if self.index == 0 && !self.in_vector {
            self.in_vector = parser.skip_one('[');
        }
        loop {
            if self.in_vector && parser.skip_one(']') {
                self.in_vector = false;
            }
            let start = parser.at();
            match parser.next_value() {
                Ok(None) => return Ok(()),
                Ok(Some(map)) => self.event(&map)?,
                Err(Wrong { torn: true, .. }) if begun.len() - start < LONGEST_MAP_BYTES => {
                    self.begun = begun.split_off(start);
                    return Ok(());
                }
                Err(Wrong { at, found, expected, .. }) => {
                    return Err(self.wrong(at.saturating_sub(before) + 1, found, expected));
                }
            }
        }
    }

    /// The history of all lines, and whether the last map was torn and left out.
    pub fn finish(self) -> (History, bool) {
        (self.recorder.finish(), !self.begun.trim().is_empty())
    }

    fn event(&mut self, map: &Edn) -> Result<(), ParseError> {
        let wrong = |name: &str, expected: &str| {
            let found = map.get(name).map_or_else(|| "nothing".to_owned(), Edn::canonical);
            self.wrong(1, format!("{found} as :{name}"), expected)
        };
        let process = match map.get("process") {
            Some(&Edn::Integer(process)) => {
                u64::try_from(process).map_err(|_| wrong("process", "a number from 0"))?
            }
            Some(Edn::Keyword(_)) => return Ok(()),
            _ => return Err(wrong("process", "a number, or :nemesis")),
        };
        let keyword = |name| match map.get(name) {
            Some(Edn::Keyword(keyword)) => keyword.as_str(),
            _ => "",
        };
        let mut r#type = match keyword("type") {
            "invoke" => EventType::Invoke,
            "ok" => EventType::Ok,
            "fail" => EventType::Fail,
            "info" => EventType::Info,
            _ => return Err(wrong("type", ":invoke, :ok, :fail or :info")),
        };
        let f = match keyword("f") {
            "get" | "read" => F::Get,
            "put" | "write" => F::Put,
            "cas" => F::Cas,
            "append" => F::Append,
            _ => return Err(wrong("f", ":read, :write, :cas, :get, :put or :append")),
        };
        let (key, value) = key_and_value(map, f);
        let key = key.map(text).unwrap_or_default();
        let (expected, value) = match (f, value) {
            (F::Cas, Some(Edn::Sequence(pair))) if pair.len() == 2 => {
                (Some(text(&pair[0])), Some(text(&pair[1])))
            }
            (F::Cas, _) if r#type == EventType::Invoke => {
                return Err(wrong("value", "[old new]"));
            }
            // A completion without a value is one, whatever was written.
            (F::Cas, _) => (None, None),
            (F::Put | F::Append, Some(Edn::Nil)) if r#type != EventType::Invoke => (None, None),
            (_, value) => (None, value.map(text)),
        };
        let refused = f == F::Cas && r#type == EventType::Fail && map.get("error").is_none();
        if refused {
            r#type = EventType::Ok;
        }
        let time_ns = match map.get("time") {
            Some(&Edn::Integer(time)) => {
                u64::try_from(time.max(0)).map_err(|_| wrong("time", "nanoseconds"))?
            }
            _ => self.last_ns,
        };
        let entry = Entry {
            index: self.index,
            time_ns,
            process,
            client: "",
            r#type,
            f,
            key: &key,
            value: value.as_deref(),
            expected: expected.as_deref(),
            refused,
            node: None,
        };
        self.index += 1;
        self.last_ns = time_ns;
        let line = self.line;
        self.recorder.record(&entry).map_err(|source| ParseError::Pairing { line, source })
    }

    fn wrong(&self, column: usize, found: String, expected: &str) -> ParseError {
        ParseError::Syntax { line: self.line, column, found, expected: expected.to_owned() }
    }
}

/// The key and the value, which may stand together as `[key value]`.
fn key_and_value(map: &Edn, f: F) -> (Option<&Edn>, Option<&Edn>) {
    let value = map.get("value");
    if let Some(key) = map.get("key") {
        return (Some(key), value);
    }
    match value {
        Some(Edn::Sequence(pair))
            if pair.len() == 2 && (f != F::Cas || matches!(pair[1], Edn::Sequence(_))) =>
        {
            (Some(&pair[0]), Some(&pair[1]))
        }
        value => (None, value),
    }
}

/// A string is its text; anything else its notation.
fn text(value: &Edn) -> String {
    match value {
        Edn::String(text) => text.clone(),
        other => other.canonical(),
    }
}
