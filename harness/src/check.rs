//! The verdict about a history, from its file alone.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use checker::format::{Format, ParseError, Reader};
use checker::lenient::Repairs;
use checker::objects::{self, Object, ObjectHistory};
use checker::weaker::{self, Guarantee};
use checker::{Algorithm, Budget, History, ModelName, Options, Report};

use crate::scenario::CheckerBudget;

/// What was found in a history file.
#[derive(Debug)]
pub struct Checked {
    /// The checker's report.
    pub report: Report,
    /// Whether the last line was cut off, as by a kill of the harness, and left out.
    pub is_torn: bool,
}

/// A history that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be read.
    #[error("history {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It is no history.
    #[error("history {path}, {reason}{}", if reason.is_repairable() { REMEDY } else { "" })]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: ParseError,
    },
    /// A line that no history has.
    #[error(
        "history {path}: what begins after byte {offset} has no end within {LONGEST_LINE} bytes: \
         is that a history?"
    )]
    Endless {
        /// The file.
        path: PathBuf,
        /// Where the line begins.
        offset: u64,
    },
    /// A file that is packed.
    #[error(
        "history {path} is packed: `gunzip -c {path} | harness check -`, with the same options"
    )]
    Packed {
        /// The file.
        path: PathBuf,
    },
    /// An object whose histories have other forms.
    #[error(
        "history {path}: histories of the model {model} are read as jsonl, jepsen-edn or \
         knossos-edn, not as {format}"
    )]
    OtherForm {
        /// The file.
        path: PathBuf,
        /// The object's name.
        model: &'static str,
        /// The form that was asked for, or found.
        format: &'static str,
    },
}

/// What helps against events that do not fit together.
const REMEDY: &str = " (--lenient repairs that by rule, and says how often)";

/// The first bytes of a file packed by gzip.
const GZIP: &[u8] = b"\x1f\x8b";

/// The longest line that is read.
const LONGEST_LINE: u64 = 1 << 26;

/// How a history is to be read and judged.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The form of the file; `None`: by its first line.
    pub format: Option<Format>,
    /// What the object under test promises.
    pub model: ModelName,
    /// The way to decide it.
    pub algorithm: Algorithm,
    /// What that may cost.
    pub budget: CheckerBudget,
}

impl Question {
    /// The question about a run's own history.
    pub fn of_run(budget: CheckerBudget) -> Self {
        Self {
            format: Some(Format::Jsonl),
            model: ModelName::Kv,
            algorithm: Algorithm::Auto,
            budget,
        }
    }
}

/// Reads the history in `path`; a run's folder stands for its `history.jsonl`. Returns with it
/// whether its last line was cut off.
pub fn read(path: &Path, format: Option<Format>) -> Result<(History, bool), HistoryError> {
    let source = Source::open(path)?;
    let format = format.unwrap_or_else(|| Format::detect(&source.beginning));
    source.history(Reader::new(format)).map(|read| (read.history, read.is_torn))
}

/// A history, and what became of its lines.
#[derive(Debug)]
pub struct Lines<H> {
    /// The history.
    pub history: H,
    /// Whether the last line was cut off and left out.
    pub is_torn: bool,
    /// What was repaired.
    pub repairs: Repairs,
}

/// Reads the history in `path`, and repairs what can be if that is wanted.
pub fn read_history(
    path: &Path,
    format: Option<Format>,
    is_lenient: bool,
) -> Result<Lines<History>, HistoryError> {
    let source = Source::open(path)?;
    let format = format.unwrap_or_else(|| Format::detect(&source.beginning));
    let reader = if is_lenient { Reader::lenient(format) } else { Reader::new(format) };
    source.history(reader)
}

/// Reads the history of an object in `path`.
pub fn read_object(
    path: &Path,
    object: Object,
    format: Option<Format>,
    is_lenient: bool,
) -> Result<Lines<ObjectHistory>, HistoryError> {
    let source = Source::open(path)?;
    let form = match format.unwrap_or_else(|| Format::detect(&source.beginning)) {
        Format::Jsonl => objects::Form::Jsonl,
        Format::Edn => objects::Form::Edn,
        // What is nothing else is taken for a log; an empty file is an empty history.
        _ if source.beginning.trim_ascii().is_empty() => objects::Form::Edn,
        other => {
            let named = Format::NAMES.iter().find(|(_, format)| *format == other);
            let format = named.map_or("", |(name, _)| name);
            return Err(HistoryError::OtherForm {
                path: source.path,
                model: object.name(),
                format,
            });
        }
    };
    let mut reader = objects::Reader::new(form, is_lenient);
    source.pieces(b'\n', |line| reader.line(line))?;
    let repairs = reader.repairs();
    let (history, is_torn) = reader.finish();
    Ok(Lines { history, is_torn, repairs })
}

/// A file, and how it begins.
struct Source {
    path: PathBuf,
    beginning: Vec<u8>,
    rest: BufReader<File>,
}

/// How much of a file tells its form.
const BEGINNING_BYTES: u64 = 4096;

impl Source {
    fn open(path: &Path) -> Result<Self, HistoryError> {
        let path = if path.is_dir() { path.join("history.jsonl") } else { path.to_owned() };
        let is_input = path.as_os_str() == "-";
        match Self::beginning(if is_input { Path::new("/dev/stdin") } else { &path }) {
            Ok((beginning, _)) if beginning.starts_with(GZIP) => Err(HistoryError::Packed { path }),
            Ok((beginning, rest)) => Ok(Source { path, beginning, rest }),
            Err(reason) => Err(HistoryError::Unreadable { path, reason }),
        }
    }

    /// A byte order mark is not part of what is written.
    fn beginning(path: &Path) -> io::Result<(Vec<u8>, BufReader<File>)> {
        let mut rest = BufReader::new(File::open(path)?);
        let mut beginning = Vec::new();
        rest.by_ref().take(BEGINNING_BYTES).read_to_end(&mut beginning)?;
        if beginning.starts_with(b"\xef\xbb\xbf") {
            beginning.drain(..3);
        }
        Ok((beginning, rest))
    }

    fn history(self, mut reader: Reader) -> Result<Lines<History>, HistoryError> {
        let path = self.path.clone();
        self.pieces(reader.separator(), |line| reader.line(line))?;
        let repairs = reader.repairs();
        let (history, is_torn) =
            reader.finish().map_err(|reason| HistoryError::Malformed { path, reason })?;
        Ok(Lines { history, is_torn, repairs })
    }

    /// Hands the file on, cut behind each separator.
    fn pieces(
        self,
        separator: u8,
        mut take: impl FnMut(&[u8]) -> Result<(), ParseError>,
    ) -> Result<(), HistoryError> {
        let Source { path, beginning, rest } = self;
        let mut file = io::Cursor::new(beginning).chain(rest);
        let mut piece = Vec::new();
        let mut offset = 0;
        loop {
            piece.clear();
            let read = (&mut file).take(LONGEST_LINE).read_until(separator, &mut piece);
            match read {
                Ok(0) => return Ok(()),
                Ok(bytes) => offset += bytes as u64,
                Err(reason) => return Err(HistoryError::Unreadable { path, reason }),
            }
            if piece.len() as u64 == LONGEST_LINE && piece.last() != Some(&separator) {
                let offset = offset - LONGEST_LINE;
                return Err(HistoryError::Endless { path, offset });
            }
            if let Err(reason) = take(&piece) {
                return Err(HistoryError::Malformed { path, reason });
            }
        }
    }
}

/// Judges the history in `path`.
pub fn check(path: &Path, question: &Question) -> Result<Checked, HistoryError> {
    let (history, is_torn) = read(path, question.format)?;
    let report = judge(&history, question);
    Ok(Checked { report, is_torn })
}

/// Judges whether a history is linearizable.
pub fn judge(history: &History, question: &Question) -> Report {
    let Question { model, algorithm, budget, .. } = *question;
    within(budget, |budget| {
        let options = Options { model, algorithm, budget, ..Options::default() };
        checker::check(history, &options)
    })
}

/// Judges whether a history keeps a weaker promise.
pub fn weaker(history: &History, promise: Guarantee, budget: CheckerBudget) -> weaker::Report {
    within(budget, |budget| weaker::check(promise, history, &budget))
}

/// Judges what a history says of an object.
pub fn object(history: &ObjectHistory, object: Object, budget: CheckerBudget) -> objects::Report {
    within(budget, |budget| objects::check(object, history, &budget))
}

/// Asks within a budget that begins now.
fn within<T>(budget: CheckerBudget, ask: impl FnOnce(Budget<'_>) -> T) -> T {
    let begin = Instant::now();
    let stop = move || begin.elapsed() > budget.time;
    ask(Budget {
        steps: u64::MAX,
        memory_bytes: budget.memory_mb.saturating_mul(1_000_000),
        stop: &stop,
    })
}
