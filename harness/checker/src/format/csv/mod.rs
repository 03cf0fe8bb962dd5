//! CSV with a row for each event and the columns of its first row, in any order: `process`, `type` and
//! `f`, and, where there are some, `key`, `value`, `expected`, `index`, `time_ns` (or `time`), `client`,
//! `node` and `error`.
//!
//! - Cells are separated by commas, semicolons or tabs; which, the first row shows. Cells may be in
//!   quotation marks (RFC 4180), and then go over several lines. Blanks around a cell do not count.
//! - The types are `invoke`, `ok`, `fail` and `info`, and `refused`: the `ok` of a `cas` that found
//!   something else than was expected.
//! - What a cell stands for, [`cell`] says. A bare number is a text in a file that uses the words of a
//!   key-value store (`get`, `put`, `append`) and reads no lists from it; in any other it is a number.
//! - An empty `value` is the empty text when it is put or appended, or was got, and nothing elsewhere. A
//!   `cas` takes what it expects from `expected`, or both values from `value`, as `[old, new]`.
//!
//! A last row without its line end is torn and left out. The columns of errors are bytes of the line.

pub(super) mod cell;
pub(super) mod rows;

use super::{ParseError, Place, ReadHistory, Skipped, words};
use crate::datum::{Encoded, Encoder, View, number};
use crate::event::{EventType, F};
use crate::history::{Line, Reading, Recorder};
use rows::{Cells, Row, Rows};

/// The columns by their names.
const COLUMNS: [(&str, usize); 12] = [
    ("process", PROCESS),
    ("type", TYPE),
    ("f", FUNCTION),
    ("key", KEY),
    ("value", VALUE),
    ("expected", EXPECTED),
    ("index", INDEX),
    ("time_ns", TIME),
    ("time", TIME),
    ("client", CLIENT),
    ("node", NODE),
    ("error", ERROR),
];

const PROCESS: usize = 0;
const TYPE: usize = 1;
const FUNCTION: usize = 2;
const KEY: usize = 3;
const VALUE: usize = 4;
const EXPECTED: usize = 5;
const INDEX: usize = 6;
const TIME: usize = 7;
const CLIENT: usize = 8;
const NODE: usize = 9;
const ERROR: usize = 10;
const COUNT: usize = 11;

/// What may separate cells.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Whether a file begins with such a first row.
pub(super) fn looks_like(beginning: &[u8]) -> bool {
    let mut rows = Rows::default();
    let mut piece = beginning;
    match rows.next(&mut piece) {
        Ok(Some(row)) => Header::read(&row).is_ok(),
        _ => false,
    }
}

/// What the first row says.
#[derive(Debug)]
struct Header {
    separator: u8,
    /// At which place in a row each column stands.
    places: [Option<usize>; COUNT],
    /// How many cells a row has.
    width: usize,
}

impl Header {
    fn read(row: &Row<'_>) -> Result<Self, ParseError> {
        let mut cells = Cells::default();
        let mut width_with = |separator| cells.read(row, separator).map_or(0, |()| cells.len());
        let by_width = SEPARATORS.into_iter().rev().max_by_key(|&separator| width_with(separator));
        let separator = by_width.unwrap_or_default();
        cells.read(row, separator)?;
        let width = cells.len();
        let mut places = [None; COUNT];
        for place in 0..width {
            let name = cells.get(place);
            let named = COLUMNS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some(&(_, column)) = named else {
                let all = COLUMNS.map(|(known, _)| known).join(", ");
                let found = format!("the column {name:?}");
                return Err(cells.place(row, place).wrong(found, format!("one of {all}")));
            };
            if places[column].replace(place).is_some() {
                let found = format!("a second column {name}");
                return Err(cells.place(row, place).wrong(found, "each column once"));
            }
        }
        for (name, column) in &COLUMNS[..3] {
            if places[*column].is_none() {
                let found = format!("a first row without {name}");
                return Err(row.begin.wrong(found, "the columns process, type and f"));
            }
        }
        Ok(Header { separator, places, width })
    }
}

/// Reads a history in pieces.
#[derive(Debug)]
pub struct Reader {
    recorder: Recorder,
    rows: Rows,
    header: Option<Header>,
    cells: Cells,
    scratch: Encoder,
    /// The number of the event before, the nemesis's too.
    last: Option<u64>,
    says_read: bool,
    /// Whether a function has the name that a key-value store gives it.
    has_words_of_kv: bool,
    reads_lists: bool,
}

impl Reader {
    /// A reader that expects the names of the columns.
    pub fn new(reading: Reading) -> Self {
        Reader {
            recorder: Recorder::reading(reading),
            rows: Rows::default(),
            header: None,
            cells: Cells::default(),
            scratch: Encoder::default(),
            last: None,
            says_read: false,
            has_words_of_kv: false,
            reads_lists: false,
        }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ParseError> {
        let mut rows = std::mem::take(&mut self.rows);
        while let Some(row) = rows.next(&mut bytes)? {
            self.row(&row)?;
            if let Some(header) = &self.header {
                rows.separator = Some(header.separator);
            }
        }
        self.rows = rows;
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.recorder.memory_bytes() + self.rows.waiting() as u64
    }

    /// The history of all rows.
    pub fn finish(mut self) -> Result<ReadHistory, ParseError> {
        let torn = self.rows.finish()?;
        if self.says_read {
            self.recorder.says_read();
        }
        self.recorder.type_symbols(self.reads_lists || !self.has_words_of_kv);
        let (repairs, skipped) = (self.recorder.repairs(), Skipped::default());
        Ok(ReadHistory { history: self.recorder.finish()?, torn, skipped, repairs, model: None })
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), ParseError> {
        let Some(header) = &self.header else {
            self.header = Some(Header::read(row)?);
            return Ok(());
        };
        self.cells.read(row, header.separator)?;
        let (width, found) = (header.width, self.cells.len());
        if found != width {
            let place = self.cells.place(row, found.min(width + 1) - 1);
            return Err(
                place.wrong(format!("{found} cells"), format!("{width}, as in the first row"))
            );
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let taken = self.event(row, &mut scratch);
        self.scratch = scratch;
        taken
    }

    fn event(&mut self, row: &Row<'_>, scratch: &mut Encoder) -> Result<(), ParseError> {
        let index = self.natural(row, INDEX, "index")?;
        let next = self.last.map_or(0, |last| last.saturating_add(1));
        let index = index.unwrap_or_else(|| row.begin.line.max(next));
        self.last = Some(index);
        if words::without_colon(self.cell(PROCESS)) == "nemesis" {
            return Ok(());
        }
        let process = self.natural(row, PROCESS, "process")?;
        let process =
            process.ok_or_else(|| self.wrong(row, PROCESS, "process", "a number from 0"))?;
        let refused = words::without_colon(self.cell(TYPE)) == "refused";
        let r#type = if refused { Some(EventType::Ok) } else { words::event_type(self.cell(TYPE)) };
        let expected = "invoke, ok, fail, info or refused";
        let r#type = r#type.ok_or_else(|| self.wrong(row, TYPE, "type", expected))?;
        let word = words::without_colon(self.cell(FUNCTION));
        let f = F::named(word);
        let f = f.ok_or_else(|| self.wrong(row, FUNCTION, "f", &words::functions()))?;
        if refused && f != F::Cas {
            return Err(self.wrong(row, TYPE, "type", "refused of a cas only"));
        }
        let is_of_kv = matches!(word, "get" | "put" | "append");
        let is_read = matches!(word, "read" | "write");
        self.has_words_of_kv |= is_of_kv;
        self.says_read |= is_read;
        let time_ns = self.natural(row, TIME, "time")?;
        let key = !self.cell(KEY).is_empty();
        if key {
            cell::key(self.cell(KEY), scratch);
        }
        let middle = scratch.at();
        self.value(row, r#type, f, is_of_kv, scratch)?;
        let value = (scratch.at() > middle).then(|| scratch.slice(middle, scratch.at()));
        let is_list = |value: Encoded<'_>| matches!(value.view(), View::List(_) | View::Set(_));
        self.reads_lists |= f == F::Get && r#type == EventType::Ok && value.is_some_and(is_list);
        let line = Line {
            index,
            time_ns,
            process,
            client: self.cells.get_or_empty(self.place(CLIENT)),
            r#type,
            f,
            key: key.then(|| scratch.slice(0, middle)),
            value,
            refused,
            has_error: !self.cell(ERROR).is_empty(),
            node: Some(self.cells.get_or_empty(self.place(NODE))).filter(|node| !node.is_empty()),
        };
        let recorded = self.recorder.line(&line);
        recorded.map_err(|source| ParseError::Pairing { line: row.begin.line, source })
    }

    /// Writes the value of an event, if it has one.
    fn value(
        &self,
        row: &Row<'_>,
        r#type: EventType,
        f: F,
        is_of_kv: bool,
        out: &mut Encoder,
    ) -> Result<(), ParseError> {
        if f == F::Cas {
            return self.swap(row, r#type == EventType::Invoke, out);
        }
        if !self.cell(VALUE).is_empty() {
            return self.write(row, VALUE, out);
        }
        let is_told = match r#type {
            EventType::Invoke => f != F::Get,
            EventType::Ok => f == F::Get,
            EventType::Fail | EventType::Info => false,
        };
        if is_told && is_of_kv {
            out.text("");
        }
        Ok(())
    }

    /// Writes what a compare-and-set expects and writes, as a list.
    fn swap(&self, row: &Row<'_>, is_invoked: bool, out: &mut Encoder) -> Result<(), ParseError> {
        let (value, expected) = (self.cell(VALUE), self.cell(EXPECTED));
        let is_empty = value.is_empty() && expected.is_empty();
        if is_empty && !is_invoked {
            return Ok(());
        }
        let start = out.at();
        if expected.is_empty() && cell::is_collection(value) {
            self.write(row, VALUE, out)?;
            // `[key [old new]]` is typed inside, as it is for all other functions; so is its answer.
            let pair = out.slice(start, out.at()).pair();
            let holds_pair = pair.is_some_and(|(_, inside)| inside.pair().is_some());
            let is_of_key = !is_invoked && self.recorder.has_pairs_only();
            if !(self.cell(KEY).is_empty() && (holds_pair || is_of_key)) {
                cell::loosen(out, start);
            }
            return Ok(());
        }
        let mark = out.begin();
        for column in [EXPECTED, VALUE] {
            if self.cell(column).is_empty() {
                out.nil();
            } else {
                self.write(row, column, out)?;
            }
        }
        out.end_list(mark);
        Ok(())
    }

    fn write(&self, row: &Row<'_>, column: usize, out: &mut Encoder) -> Result<(), ParseError> {
        cell::value(self.cell(column), out)
            .map_err(|(found, expected)| self.cell_place(row, column).wrong(found, expected))
    }

    /// A whole number; none if the cell is empty or not there.
    fn natural(&self, row: &Row<'_>, column: usize, name: &str) -> Result<Option<u64>, ParseError> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return Ok(None);
        }
        let small = number::small(cell.as_bytes()).and_then(|number| u64::try_from(number).ok());
        let is_plain = cell.as_bytes()[0] != b'+' && cell.as_bytes()[0] != b'-';
        let number = small.or_else(|| cell.parse().ok()).filter(|_| is_plain);
        let expected = "a whole number from 0, of 64 bits";
        number.map(Some).ok_or_else(|| self.wrong(row, column, name, expected))
    }

    fn place(&self, column: usize) -> Option<usize> {
        self.header.as_ref().and_then(|header| header.places[column])
    }

    fn cell(&self, column: usize) -> &str {
        self.cells.get_or_empty(self.place(column))
    }

    fn cell_place(&self, row: &Row<'_>, column: usize) -> Place {
        self.place(column).map_or(row.begin, |place| self.cells.place(row, place))
    }

    fn wrong(&self, row: &Row<'_>, column: usize, name: &str, expected: &str) -> ParseError {
        let found = format!("{:?} as {name}", self.cell(column));
        self.cell_place(row, column).wrong(found, expected)
    }
}
