//! Reading histories: one file per format.
//!
//! A [`Reader`] takes a file in pieces of any size, so that it need not fit memory; each byte is looked at
//! a bounded number of times. [`Format::detect`] tells the formats apart by how a file begins. What is
//! none of them is refused, never taken for an empty history.
//!
//! Only the *end* of a file may be torn, as by a kill of its writer: it is left out, and the caller is
//! told. A line without its line end is torn, unless its format shows that it is whole.

pub mod columns;
pub mod csv;
mod edn;
mod elements;
mod fields;
mod jepsen;
pub mod jepsen_edn;
pub mod jepsen_json;
pub mod jepsen_log;
mod journal_line;
mod json;
mod json_event;
pub mod jsonl;
mod lines;
mod passed;
mod place;
mod porcupine_call;
pub mod porcupine_events;
pub mod porcupine_json;
pub mod transactions;
mod words;
pub mod write;

use crate::datum::Datum;
use crate::history::lenient::Repairs;
use crate::history::{History, PairingError, Reading};
use crate::models::ModelName;
use place::Place;

/// Why a history could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Something that is not what it should be.
    #[error("line {line}, column {column}: found {found}, expected {expected}")]
    Syntax {
        /// The line, from 1.
        line: u64,
        /// The column in bytes, from 1.
        column: usize,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// Events that do not fit together.
    #[error("line {line}: {source}")]
    Pairing {
        /// The line, from 1.
        line: u64,
        /// What does not fit.
        source: PairingError,
    },
    /// Events whose values do not fit together, which shows only at the end of the file.
    #[error(transparent)]
    Meaning(#[from] PairingError),
    /// Something between events that is none.
    #[error("not a history: line {line}, column {column}: found {found}, expected {expected}")]
    NoEvent {
        /// The line, from 1.
        line: u64,
        /// The column in bytes, from 1.
        column: usize,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A file without events.
    #[error("not a history: there is no event in it")]
    NoEvents,
    /// Too many lines that are no events.
    #[error(
        "not a history: {skipped} of {lines} lines are no events, the first of them line {line}: \
         {example:?}"
    )]
    NotAHistory {
        /// How many lines are no events.
        skipped: u64,
        /// How many lines there are.
        lines: u64,
        /// The first of them.
        line: u64,
        /// Its beginning.
        example: String,
    },
}

impl ParseError {
    /// Whether a lenient reader has a rule for it.
    pub fn is_repairable(&self) -> bool {
        use PairingError::{AlreadyOpen, IndexBackwards, NotInvoked};
        let ParseError::Pairing { source, .. } = self else { return false };
        matches!(source, NotInvoked { .. } | AlreadyOpen { .. } | IndexBackwards { .. })
    }
}

/// Lines of a file that are no events of clients and were passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Skipped {
    /// The number of lines left out.
    pub count: u64,
    /// The first of them: its number, and its beginning.
    pub first: Option<(u64, String)>,
}

impl Skipped {
    /// The most characters of a skipped line that are shown.
    const LONGEST: usize = 60;

    pub(crate) fn add(&mut self, line: u64, text: &[u8]) {
        self.count += 1;
        self.first.get_or_insert_with(|| {
            (line, String::from_utf8_lossy(text).chars().take(Self::LONGEST).collect())
        });
    }
}

/// A history, and what became of the file that it was read from.
#[derive(Debug)]
pub struct ReadHistory {
    /// The history.
    pub history: History,
    /// The line at which the end of the file is torn, if it is; what is torn is left out.
    pub torn: Option<u64>,
    /// Lines that are no events.
    pub skipped: Skipped,
    /// What was repaired, if the reader was lenient.
    pub repairs: Repairs,
    /// The model that the file names itself.
    pub model: Option<ModelName>,
}

impl ReadHistory {
    /// The history of no file.
    pub fn empty() -> Self {
        ReadHistory {
            history: History::new(),
            torn: None,
            skipped: Skipped::default(),
            repairs: Repairs::default(),
            model: None,
        }
    }
}

/// The formats, by their names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `jsonl`: the project's own.
    Jsonl,
    /// `jepsen-edn` and `knossos-edn`: maps or tuples in EDN.
    Edn,
    /// `jepsen-log`: the log of a Jepsen test, old or new.
    JepsenLog,
    /// `history-txt`: Jepsen's `history.txt`, events in columns.
    Columns,
    /// `jepsen-json`: Jepsen's operations as JSON.
    JepsenJson,
    /// `porcupine-json`: an object for each operation, with call and return.
    PorcupineJson,
    /// `porcupine-events`: an object for each call and each return.
    PorcupineEvents,
    /// `csv`: a row for each event.
    Csv,
}

/// Whether a file begins like one of a format.
type LooksLike = fn(&[u8]) -> bool;

impl Format {
    /// All names with what they mean.
    pub const NAMES: [(&'static str, Format); 9] = [
        ("jsonl", Format::Jsonl),
        ("jepsen-edn", Format::Edn),
        ("knossos-edn", Format::Edn),
        ("history-txt", Format::Columns),
        ("jepsen-log", Format::JepsenLog),
        ("jepsen-json", Format::JepsenJson),
        ("porcupine-json", Format::PorcupineJson),
        ("porcupine-events", Format::PorcupineEvents),
        ("csv", Format::Csv),
    ];

    /// How each format is told from the others. The first that fits is taken.
    const MARKS: [(Format, LooksLike); 8] = [
        (Format::Jsonl, jsonl::looks_like),
        (Format::JepsenJson, jepsen_json::looks_like),
        (Format::PorcupineEvents, porcupine_events::looks_like),
        (Format::PorcupineJson, porcupine_json::looks_like),
        (Format::Edn, jepsen_edn::looks_like),
        (Format::Columns, columns::looks_like),
        (Format::JepsenLog, jepsen_log::looks_like),
        (Format::Csv, csv::looks_like),
    ];

    /// The format of a file that begins like this, with a few kilobytes or all of it; `None` if it is no
    /// history.
    pub fn detect(beginning: &[u8]) -> Option<Format> {
        let beginning = beginning.strip_prefix(MARK_OF_UTF8).unwrap_or(beginning);
        Format::MARKS.iter().find(|(_, fits)| fits(beginning)).map(|&(format, _)| format)
    }
}

/// What some programs put in front of a text; it is no part of it.
const MARK_OF_UTF8: &[u8] = b"\xef\xbb\xbf";

/// A reader of any format.
#[derive(Debug)]
pub struct Reader {
    any: AnyReader,
    /// The first bytes of the file, as long as they may be the mark of UTF-8.
    head: Vec<u8>,
    has_begun: bool,
}

#[derive(Debug)]
enum AnyReader {
    Jsonl(jsonl::Reader),
    Edn(jepsen_edn::Reader),
    JepsenLog(jepsen_log::Reader),
    Columns(columns::Reader),
    JepsenJson(jepsen_json::Reader),
    PorcupineJson(porcupine_json::Reader),
    PorcupineEvents(porcupine_events::Reader),
    Csv(csv::Reader),
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(format: Format, reading: Reading) -> Self {
        let any = match format {
            Format::Jsonl => AnyReader::Jsonl(jsonl::Reader::new(reading)),
            Format::Edn => AnyReader::Edn(jepsen_edn::Reader::new(reading)),
            Format::JepsenLog => AnyReader::JepsenLog(jepsen_log::Reader::new(reading)),
            Format::Columns => AnyReader::Columns(columns::Reader::new(reading)),
            Format::JepsenJson => AnyReader::JepsenJson(jepsen_json::Reader::new(reading)),
            Format::PorcupineJson => AnyReader::PorcupineJson(porcupine_json::Reader::new()),
            Format::PorcupineEvents => {
                AnyReader::PorcupineEvents(porcupine_events::Reader::new(reading))
            }
            Format::Csv => AnyReader::Csv(csv::Reader::new(reading)),
        };
        Reader { any, head: Vec::new(), has_begun: false }
    }

    /// Takes the next piece of the file.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        if self.has_begun {
            return self.any.feed(bytes);
        }
        self.head.extend_from_slice(bytes);
        if MARK_OF_UTF8.starts_with(&self.head) && self.head.len() < MARK_OF_UTF8.len() {
            return Ok(());
        }
        self.begin()
    }

    /// Hands on the first bytes, without the mark.
    fn begin(&mut self) -> Result<(), ParseError> {
        self.has_begun = true;
        let head = std::mem::take(&mut self.head);
        self.any.feed(head.strip_prefix(MARK_OF_UTF8).unwrap_or(&head))
    }

    /// What is read so far, in bytes of memory.
    pub fn memory_bytes(&self) -> u64 {
        self.any.memory_bytes()
    }

    /// The history of the whole file.
    pub fn finish(mut self) -> Result<ReadHistory, ParseError> {
        if !self.has_begun {
            self.begin()?;
        }
        self.any.finish()
    }
}

impl AnyReader {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        match self {
            AnyReader::Jsonl(reader) => reader.feed(bytes),
            AnyReader::Edn(reader) => reader.feed(bytes),
            AnyReader::JepsenLog(reader) => reader.feed(bytes),
            AnyReader::Columns(reader) => reader.feed(bytes),
            AnyReader::JepsenJson(reader) => reader.feed(bytes),
            AnyReader::PorcupineJson(reader) => reader.feed(bytes),
            AnyReader::PorcupineEvents(reader) => reader.feed(bytes),
            AnyReader::Csv(reader) => reader.feed(bytes),
        }
    }

    fn memory_bytes(&self) -> u64 {
        match self {
            AnyReader::Jsonl(reader) => reader.memory_bytes(),
            AnyReader::Edn(reader) => reader.memory_bytes(),
            AnyReader::JepsenLog(reader) => reader.memory_bytes(),
            AnyReader::Columns(reader) => reader.memory_bytes(),
            AnyReader::JepsenJson(reader) => reader.memory_bytes(),
            AnyReader::PorcupineJson(reader) => reader.memory_bytes(),
            AnyReader::PorcupineEvents(reader) => reader.memory_bytes(),
            AnyReader::Csv(reader) => reader.memory_bytes(),
        }
    }

    fn finish(self) -> Result<ReadHistory, ParseError> {
        match self {
            AnyReader::Jsonl(reader) => reader.finish(),
            AnyReader::Edn(reader) => reader.finish(),
            AnyReader::JepsenLog(reader) => reader.finish(),
            AnyReader::Columns(reader) => reader.finish(),
            AnyReader::JepsenJson(reader) => reader.finish(),
            AnyReader::PorcupineJson(reader) => reader.finish(),
            AnyReader::PorcupineEvents(reader) => reader.finish(),
            AnyReader::Csv(reader) => reader.finish(),
        }
    }
}

impl Datum {
    /// The value that a text stands for in EDN or JSON; any other text is that text.
    pub fn parse(word: &str) -> Datum {
        match word {
            "nil" | "null" => Datum::Nil,
            "true" => Datum::Bool(true),
            "false" => Datum::Bool(false),
            _ => {
                let is_form = word.starts_with(['[', '(', '{', '#', ':', '"', '\\']);
                let form = if is_form {
                    csv::cell::alone(word)
                } else {
                    crate::datum::number::parse(word)
                };
                form.unwrap_or_else(|| Datum::text(word))
            }
        }
    }
}

/// Reads a whole text.
pub fn read(text: &[u8], format: Format, reading: Reading) -> Result<ReadHistory, ParseError> {
    let mut reader = Reader::new(format, reading);
    reader.feed(text)?;
    reader.finish()
}

#[cfg(test)]
mod tests;
