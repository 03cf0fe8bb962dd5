//! CSV with a row for each event and the columns of its first row, in any order: `process`,
//! `type` and `f`, and, where there are some, `key`, `value`, `expected`, `time_ns`, `client`,
//! `node`.
//!
//! An empty `value` is the empty string in an invocation and in the `ok` of a get, and nothing
//! elsewhere. A `fail` of a
//! `cas` says that nothing was done; one that was refused has the type `refused`.

use super::ParseError;
use crate::event::{EventType, F};
use crate::history::{Entry, History, Recorder};

/// Reads a history row by row.
#[derive(Debug, Default)]
pub struct Reader {
    recorder: Recorder,
    line: u64,
    index: u64,
    last_ns: u64,
    columns: Vec<String>,
}

const COLUMNS: [&str; 9] =
    ["process", "type", "f", "key", "value", "expected", "time_ns", "client", "node"];

impl Reader {
    /// A reader that expects the names of the columns.
    pub fn new() -> Self {
        Reader::default()
    }

    pub(super) fn recorder(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// Takes the next row, which must not go over its line. Blank lines are skipped.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        self.line += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        if let Err(error) = std::str::from_utf8(line) {
            return Err(self.wrong(error.valid_up_to() + 1, "bytes that are no text", "UTF-8"));
        }
        if line.split(|&byte| byte == b'"').count() % 2 == 0 {
            let at = line.iter().rposition(|&byte| byte == b'"').unwrap_or_default();
            let found = "a quotation mark that opens, and none that closes";
            return Err(self.wrong(at + 1, found, "a whole row on one line"));
        }
        let mut rows = ::csv::ReaderBuilder::new().has_headers(false).from_reader(line);
        let mut row = ::csv::StringRecord::new();
        rows.read_record(&mut row)
            .map_err(|error| self.wrong(1, &error.to_string(), "a row of CSV"))?;
        if self.columns.is_empty() { self.header(&row) } else { self.event(&row) }
    }

    /// The history of all rows.
    pub fn finish(self) -> History {
        self.recorder.finish()
    }

    fn header(&mut self, row: &::csv::StringRecord) -> Result<(), ParseError> {
        for (column, name) in (1..).zip(row) {
            if !COLUMNS.contains(&name.trim()) {
                return Err(self.wrong(column, name, &format!("one of {}", COLUMNS.join(", "))));
            }
        }
        self.columns = row.iter().map(|name| name.trim().to_owned()).collect();
        match ["process", "type", "f"].iter().find(|&name| self.column(name).is_none()) {
            Some(missing) => Err(self.wrong(1, "a first row", &format!("a column {missing}"))),
            None => Ok(()),
        }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    fn cell<'r>(&self, row: &'r ::csv::StringRecord, name: &str) -> &'r str {
        self.column(name).and_then(|column| row.get(column)).unwrap_or_default()
    }

    fn event(&mut self, row: &::csv::StringRecord) -> Result<(), ParseError> {
        let cell = |name: &'static str| self.cell(row, name);
        let wrong = |name: &'static str, expected: &str| {
            let column = self.column(name).map_or(1, |column| column + 1);
            self.wrong(column, &format!("{:?} as {name}", cell(name)), expected)
        };
        let process = cell("process").parse().map_err(|_| wrong("process", "a number from 0"))?;
        let refused = cell("type") == "refused";
        let r#type = match cell("type") {
            "invoke" => EventType::Invoke,
            "ok" | "refused" => EventType::Ok,
            "fail" => EventType::Fail,
            "info" => EventType::Info,
            _ => return Err(wrong("type", "invoke, ok, refused, fail or info")),
        };
        let f = match cell("f") {
            "get" | "read" => F::Get,
            "put" | "write" => F::Put,
            "cas" => F::Cas,
            "append" => F::Append,
            _ => return Err(wrong("f", "get, put, cas or append")),
        };
        let time_ns = match cell("time_ns") {
            "" => self.last_ns,
            text => text.parse().map_err(|_| wrong("time_ns", "a whole number of nanoseconds"))?,
        };
        let node = cell("node");
        let says_it = |cell: &&str| !cell.is_empty() || r#type == EventType::Invoke || f == F::Get;
        let entry = Entry {
            index: self.index,
            time_ns,
            process,
            client: cell("client"),
            r#type,
            f,
            key: cell("key"),
            value: Some(cell("value")).filter(says_it),
            expected: Some(cell("expected")).filter(says_it),
            refused,
            node: (!node.is_empty()).then_some(node),
        };
        let (line, recorded) = (self.line, self.recorder.record(&entry));
        self.index += 1;
        self.last_ns = time_ns;
        recorded.map_err(|source| ParseError::Pairing { line, source })
    }

    /// Here a column is one of the row, from 1.
    fn wrong(&self, column: usize, found: &str, expected: &str) -> ParseError {
        let (found, expected) = (found.to_owned(), expected.to_owned());
        ParseError::Syntax { line: self.line, column, found, expected }
    }
}
