//! Reading histories: one file per format.
//!
//! A [`Reader`] takes a file in pieces of any size, so that it need not fit memory; each byte is looked at
//! a bounded number of times. [`Format::detect`] tells the formats apart by how a file begins. What is
//! none of them is refused, never taken for an empty history.
//!
//! Only the *end* of a file may be torn, as by a kill of its writer: it is left out, and the caller is
//! told. A line without its line end is torn, unless its format shows that it is whole.

pub mod columns;
mod edn;
mod jepsen;
pub mod jepsen_edn;
pub mod jepsen_log;
mod journal_line;
mod json;
pub mod jsonl;
mod lines;
mod passed;

use crate::history::{History, PairingError, Reading};
use crate::lenient::Repairs;
use crate::models::ModelName;

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

/// What `serde_json` found, in words for people, without the place.
pub(crate) fn found(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let found = text.split(" at line ").next().unwrap_or(&text);
    match found {
        "expected value" | "expected ident" => "something that is no JSON".to_owned(),
        _ => found.strip_prefix("EOF while").map_or_else(
            || found.to_owned(),
            |parsing| format!("the end of the line while{parsing}"),
        ),
    }
}

/// Lines of a file that are no events of clients and were passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Skipped {
    /// How many.
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
}

impl Format {
    /// All names with what they mean.
    pub const NAMES: [(&'static str, Format); 5] = [
        ("jsonl", Format::Jsonl),
        ("jepsen-edn", Format::Edn),
        ("knossos-edn", Format::Edn),
        ("jepsen-log", Format::JepsenLog),
        ("history-txt", Format::Columns),
    ];

    /// The format of a file that begins like this, with a few kilobytes or all of it; `None` if it is no
    /// history.
    pub fn detect(beginning: &[u8]) -> Option<Format> {
        if jepsen_edn::looks_like(beginning) {
            Some(Format::Edn)
        } else if columns::looks_like(beginning) {
            Some(Format::Columns)
        } else if jepsen_log::looks_like(beginning) {
            Some(Format::JepsenLog)
        } else {
            Some(Format::Jsonl)
        }
    }
}

/// A reader of any format.
#[derive(Debug)]
pub struct Reader(AnyReader);

#[derive(Debug)]
enum AnyReader {
    Jsonl(jsonl::Reader),
    Edn(jepsen_edn::Reader),
    JepsenLog(jepsen_log::Reader),
    Columns(columns::Reader),
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(format: Format, reading: Reading) -> Self {
        Reader(match format {
            Format::Jsonl => AnyReader::Jsonl(jsonl::Reader::new(reading)),
            Format::Edn => AnyReader::Edn(jepsen_edn::Reader::new(reading)),
            Format::JepsenLog => AnyReader::JepsenLog(jepsen_log::Reader::new(reading)),
            Format::Columns => AnyReader::Columns(columns::Reader::new(reading)),
        })
    }

    /// Takes the next piece of the file.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        match &mut self.0 {
            AnyReader::Jsonl(reader) => reader.feed(bytes),
            AnyReader::Edn(reader) => reader.feed(bytes),
            AnyReader::JepsenLog(reader) => reader.feed(bytes),
            AnyReader::Columns(reader) => reader.feed(bytes),
        }
    }

    /// What is read so far, in bytes of memory.
    pub fn memory_bytes(&self) -> u64 {
        match &self.0 {
            AnyReader::Jsonl(reader) => reader.memory_bytes(),
            AnyReader::Edn(reader) => reader.memory_bytes(),
            AnyReader::JepsenLog(reader) => reader.memory_bytes(),
            AnyReader::Columns(reader) => reader.memory_bytes(),
        }
    }

    /// The history of the whole file.
    pub fn finish(self) -> Result<ReadHistory, ParseError> {
        match self.0 {
            AnyReader::Jsonl(reader) => reader.finish(),
            AnyReader::Edn(reader) => reader.finish(),
            AnyReader::JepsenLog(reader) => reader.finish(),
            AnyReader::Columns(reader) => reader.finish(),
        }
    }
}

/// Reads a whole text.
pub fn read(text: &[u8], format: Format, reading: Reading) -> Result<ReadHistory, ParseError> {
    let mut reader = Reader::new(format, reading);
    reader.feed(text)?;
    reader.finish()
}
