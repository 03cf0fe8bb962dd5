//! Reading histories: one file per format.
//!
//! A [`Reader`] takes the lines of a file one by one, so that the file need not fit memory.
//! [`Format::detect`] tells the formats apart by the first line that is not blank.

pub mod csv;
mod edn;
pub mod jepsen_edn;
pub mod jepsen_log;
mod journal_line;
pub mod jsonl;
pub(crate) mod object_edn;
pub mod porcupine_json;

use crate::history::{History, PairingError, Recorder};
use crate::lenient::Repairs;

/// Why a history could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A line that is not what it should be.
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
}

impl ParseError {
    /// Whether a lenient reader has a rule for it.
    pub fn is_repairable(&self) -> bool {
        use PairingError::{AlreadyOpen, IndexBackwards, NotInvoked, TimeBackwards};
        let ParseError::Pairing { source, .. } = self else { return false };
        matches!(
            source,
            NotInvoked { .. } | AlreadyOpen { .. } | TimeBackwards { .. } | IndexBackwards { .. }
        )
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

/// The formats, by their names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `jsonl`: the project's own.
    Jsonl,
    /// `jepsen-edn` and `knossos-edn`: maps in EDN.
    Edn,
    /// `jepsen-log`: the log of old Jepsen tests.
    JepsenLog,
    /// `porcupine-json`: an object for each operation, with call and return.
    PorcupineJson,
    /// `csv`: a row for each event.
    Csv,
}

impl Format {
    /// All names with what they mean.
    pub const NAMES: [(&'static str, Format); 6] = [
        ("jsonl", Format::Jsonl),
        ("jepsen-edn", Format::Edn),
        ("knossos-edn", Format::Edn),
        ("jepsen-log", Format::JepsenLog),
        ("porcupine-json", Format::PorcupineJson),
        ("csv", Format::Csv),
    ];

    /// The format of a file that begins like this: with its first line that is not blank, or a
    /// few kilobytes.
    pub fn detect(beginning: &[u8]) -> Format {
        let text = String::from_utf8_lossy(beginning.trim_ascii());
        let first = text.lines().next().unwrap_or_default();
        let inside = text.strip_prefix('[').map(str::trim_start).unwrap_or_default();
        let object = text.split('}').next().unwrap_or_default().to_ascii_lowercase();
        if inside.starts_with("{\"")
            || (first.starts_with("{\"") && object.contains("\"clientid\""))
        {
            Format::PorcupineJson
        } else if text.starts_with("{\"") {
            Format::Jsonl
        } else if text.starts_with(['{', '[', ';', '#']) {
            Format::Edn
        } else if first.contains("process,") || first.contains(",process") {
            Format::Csv
        } else {
            Format::JepsenLog
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
    PorcupineJson(porcupine_json::Reader),
    Csv(csv::Reader),
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(format: Format) -> Self {
        Reader(match format {
            Format::Jsonl => AnyReader::Jsonl(jsonl::Reader::new()),
            Format::Edn => AnyReader::Edn(jepsen_edn::Reader::new()),
            Format::JepsenLog => AnyReader::JepsenLog(jepsen_log::Reader::new()),
            Format::PorcupineJson => AnyReader::PorcupineJson(porcupine_json::Reader::new()),
            Format::Csv => AnyReader::Csv(csv::Reader::new()),
        })
    }

    /// A reader that repairs by the rules of [`lenient`](crate::lenient) what another refuses.
    pub fn lenient(format: Format) -> Self {
        let mut reader = Reader::new(format);
        if let Some(recorder) = reader.recorder() {
            recorder.repair();
        }
        reader
    }

    /// How often each rule of repair was used.
    pub fn repairs(&mut self) -> Repairs {
        self.recorder().map(|recorder| recorder.repairs()).unwrap_or_default()
    }

    /// Whole operations have no events that would not fit together.
    fn recorder(&mut self) -> Option<&mut Recorder> {
        match &mut self.0 {
            AnyReader::Jsonl(reader) => Some(reader.recorder()),
            AnyReader::Edn(reader) => Some(reader.recorder()),
            AnyReader::JepsenLog(reader) => Some(reader.recorder()),
            AnyReader::PorcupineJson(_) => None,
            AnyReader::Csv(reader) => Some(reader.recorder()),
        }
    }

    /// Takes the next line, with or without its line end.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        match &mut self.0 {
            AnyReader::Jsonl(reader) => reader.line(line),
            AnyReader::Edn(reader) => reader.line(line),
            AnyReader::JepsenLog(reader) => reader.line(line),
            AnyReader::PorcupineJson(reader) => reader.chunk(line),
            AnyReader::Csv(reader) => reader.line(line),
        }
    }

    /// Where a file is cut into what [`Reader::line`] takes: at line ends, but that the objects of
    /// `porcupine-json` may all stand on one line.
    pub fn separator(&self) -> u8 {
        if matches!(self.0, AnyReader::PorcupineJson(_)) { b'}' } else { b'\n' }
    }

    /// The history of all lines, and whether the last one was torn and left out.
    ///
    /// # Errors
    ///
    /// None so far: what is wrong was said with its line.
    pub fn finish(self) -> Result<(History, bool), ParseError> {
        Ok(match self.0 {
            AnyReader::PorcupineJson(reader) => reader.finish(),
            AnyReader::Jsonl(reader) => reader.finish(),
            AnyReader::Edn(reader) => reader.finish(),
            AnyReader::JepsenLog(reader) => (reader.finish(), false),
            AnyReader::Csv(reader) => (reader.finish(), false),
        })
    }
}
