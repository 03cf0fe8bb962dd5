//! The verdict about a history, from its file alone.

mod allowance;
pub mod transactions;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::format::{Format, ParseError, ReadHistory, Reader};
use checker::models::Family;
use checker::{
    Algorithm, Datum, Guess, History, KeyOrder, Limit, Misfit, ModelName, Options, Reading, Report,
    Verdict,
};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;

use crate::allocator;
use crate::files::stored;
use crate::journal::history::{self, Kept};
use crate::journal::sightings;
use crate::scenario::{CheckerBudget, Scenario};
use crate::text::shell::quoted_path;
use allowance::Allowance;

/// A history that cannot be read or judged.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be read.
    #[error("history {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("history {path}, {reason}{}", if reason.is_repairable() { REMEDY } else { "" })]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: ParseError,
    },
    /// It is in none of the formats.
    #[error(
        "{path} is not a history: it begins with {beginning:?}, as none of the formats {formats} does"
    )]
    NotAHistory {
        /// The file.
        path: PathBuf,
        /// How it begins.
        beginning: String,
        /// The formats.
        formats: String,
    },
    /// Another file of the harness.
    #[error("{path} is {what}, not a history: {remedy}")]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do instead.
        remedy: String,
    },
    /// A file that is packed.
    #[error(
        "history {path} is packed: `gunzip -c {} | harness check -`, with the same options",
        quoted_path(path)
    )]
    Packed {
        /// The file.
        path: PathBuf,
    },
    /// Several models fit.
    #[error("history {path} may be of the models {models}: say which with --model")]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The models.
        models: String,
    },
    /// No model fits.
    #[error(
        "history {path}: no model has all of its functions {functions}: say which with --model"
    )]
    NoModel {
        /// The file.
        path: PathBuf,
        /// The functions.
        functions: String,
    },
    /// The model that is asked for is another one than the file's.
    #[error("history {path} is of the model {is}, not {asked}: leave out --model")]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// The model that its micro-operations are of.
        is: &'static str,
        /// The model asked for.
        asked: &'static str,
    },
    /// A format that has no transactions.
    #[error(
        "history {path}: {format} has no transactions; give --format jepsen-edn or jepsen-json, or leave it out"
    )]
    NoTransactions {
        /// The file.
        path: PathBuf,
        /// The format asked for.
        format: &'static str,
    },
    /// The model does not fit.
    #[error("history {path}, {misfit}")]
    Misfit {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        misfit: Misfit,
    },
}

/// What helps against events that do not fit together.
const REMEDY: &str = " (--lenient repairs that by rule, and says how often)";

/// The first bytes of a file packed by gzip.
const GZIP: &[u8] = b"\x1f\x8b";

/// How much of a file is read at a time, at the most.
const PIECE_BYTES: usize = 1 << 18;

/// A wait is told in whole milliseconds.
const GRAIN: Duration = Duration::from_millis(1);

/// How a history is to be read and judged.
#[derive(Clone, Debug)]
pub struct Question {
    /// The form of the file; `None`: by how it begins.
    pub format: Option<Format>,
    /// How its events are read.
    pub reading: Reading,
    /// What the object under test promises; `None`: what the file says, or its operations.
    pub model: Option<ModelName>,
    /// What the objects hold at first; `None`: what the model says.
    pub initial: Option<Datum>,
    /// The way to decide it.
    pub algorithm: Algorithm,
    /// Whether to go on when one key is refuted.
    pub all_keys: bool,
    /// What that may cost, reading included.
    pub budget: CheckerBudget,
}

impl Question {
    /// The question about the history of a run of this scenario.
    pub fn of_scenario(scenario: &Scenario) -> Self {
        Self { model: Some(scenario.model()), ..Self::of_run(scenario.checker) }
    }

    /// The question about the history of a run of the course's workload.
    pub fn of_run(budget: CheckerBudget) -> Self {
        Self { format: Some(Format::Jsonl), model: Some(ModelName::Kv), ..Self::of_file(budget) }
    }

    /// The question about any file.
    pub fn of_file(budget: CheckerBudget) -> Self {
        Self {
            format: None,
            reading: Reading::default(),
            model: None,
            initial: None,
            algorithm: Algorithm::Auto,
            all_keys: false,
            budget,
        }
    }
}

/// A history with the model that it is judged by.
#[derive(Debug)]
pub struct Asked {
    /// The history, and what became of its file. Empty if the budget was spent before it was read.
    pub read: ReadHistory,
    /// The model.
    pub model: ModelName,
    /// How the model was found, if it was not named.
    pub found: Option<String>,
    allowance: Allowance,
    cut: Option<Cut>,
}

impl Asked {
    /// Judges the history in what is left of the budget since reading began.
    pub fn judge(&self, question: &Question) -> Report {
        if let Some(Cut { limit, sentence }) = &self.cut {
            return Report::cut(self.model, *limit, sentence.clone());
        }
        allocator::give_back();
        judge_within(&self.read.history, self.model, question, self.allowance)
    }
}

/// Why reading stopped before the end of a file.
#[derive(Clone, Debug)]
struct Cut {
    limit: Limit,
    sentence: String,
}

/// Reads the history in `path`, and finds its model; a run's folder stands for its `history.jsonl`, `-`
/// for standard input. What that costs counts against the question's budget.
pub fn read(path: &Path, question: &Question) -> Result<Asked, HistoryError> {
    let (begun, path, folder, allowance) = begin(path, question)?;
    let mut asked = read_begun(begun, path, question, allowance)?;
    asked.read.history.note_sightings(folder.as_deref().map(sightings::read).unwrap_or_default());
    Ok(asked)
}

/// A history of either kind.
#[derive(Debug)]
pub enum AnyAsked {
    /// Of single operations.
    Operations(Box<Asked>),
    /// Of transactions.
    Transactions(Box<transactions::Asked>),
}

/// The same for a history that may be one of transactions: by the model that is asked for, or by its first
/// events.
pub fn read_any(path: &Path, question: &Question) -> Result<AnyAsked, HistoryError> {
    let (begun, path, folder, allowance) = begin(path, question)?;
    let is_of_transactions = question.model.map_or_else(
        || checker::format::transactions::looks_like(begun.beginning()),
        |model| model.info().family == Family::Transactional,
    );
    if is_of_transactions {
        let asked = transactions::read(begun, &path, question, allowance)?;
        return Ok(AnyAsked::Transactions(Box::new(asked)));
    }
    let mut asked = read_begun(begun, path, question, allowance)?;
    asked.read.history.note_sightings(folder.as_deref().map(sightings::read).unwrap_or_default());
    Ok(AnyAsked::Operations(Box::new(asked)))
}

type Opened = (Begun, PathBuf, Option<PathBuf>, Allowance);

/// Opens a history, and reads its first piece.
fn begin(path: &Path, question: &Question) -> Result<Opened, HistoryError> {
    let allowance = Allowance::begin(question.budget);
    let folder = path.is_dir().then(|| path.to_owned());
    let path = folder.as_ref().map_or_else(|| path.to_owned(), |folder| folder.join(history::NAME));
    let source = match folder {
        // What a run leaves is a file: for nothing else it is waited.
        Some(_) => stored::open(&path).and_then(|file| Source::of_file(file, allowance)),
        None => Source::open(&path, allowance),
    };
    let begun = source.and_then(Begun::of);
    let unreadable = |reason| HistoryError::Unreadable { path: path.clone(), reason };
    Ok((begun.map_err(unreadable)?, path.clone(), folder, allowance))
}

/// Reads the history that a run has kept; `path` names it in errors.
pub fn read_kept(kept: Kept, path: &Path, question: &Question) -> Result<Asked, HistoryError> {
    let allowance = Allowance::begin(question.budget);
    let unreadable = |reason| HistoryError::Unreadable { path: path.to_owned(), reason };
    let source = match kept {
        Kept::File(file) => Source::of_file(file, allowance).map_err(unreadable)?,
        Kept::Memory(bytes) => Source {
            bytes: Some(bytes.len() as u64),
            input: Input::Memory(io::Cursor::new(bytes)),
            read: 0,
            allowance,
        },
    };
    read_from(source, path.to_owned(), question, allowance)
}

fn read_from(
    source: Source,
    path: PathBuf,
    question: &Question,
    allowance: Allowance,
) -> Result<Asked, HistoryError> {
    let unreadable = |reason| HistoryError::Unreadable { path: path.clone(), reason };
    let begun = Begun::of(source).map_err(unreadable)?;
    read_begun(begun, path, question, allowance)
}

fn read_begun(
    begun: Begun,
    path: PathBuf,
    question: &Question,
    mut allowance: Allowance,
) -> Result<Asked, HistoryError> {
    let mut read = match read_source(begun, &path, question, allowance)? {
        Ok(read) => read,
        Err(cut) => {
            let (read, model) = (ReadHistory::empty(), question.model.unwrap_or_default());
            return Ok(Asked { read, model, found: None, allowance, cut: Some(cut) });
        }
    };
    let (model, found) = model(&path, &read, question)?;
    let guessed = found.as_ref().and_then(|(_, initial)| initial.clone());
    if let Some(initial) = question.initial.clone().or(guessed) {
        read.history.begin_with(&initial);
    }
    checker::fits(&read.history, model).map_err(|misfit| HistoryError::Misfit { path, misfit })?;
    allowance.is_read();
    Ok(Asked { read, model, found: found.map(|(sentence, _)| sentence), allowance, cut: None })
}

/// A file of which the first piece is read.
struct Begun {
    file: Source,
    piece: Vec<u8>,
    length: usize,
}

impl Begun {
    fn of(mut file: Source) -> io::Result<Self> {
        let mut piece = vec![0; file.piece_bytes()];
        let length = file.fill(&mut piece)?;
        Ok(Self { file, piece, length })
    }

    fn beginning(&self) -> &[u8] {
        &self.piece[..self.length]
    }
}

fn read_source(
    begun: Begun,
    path: &Path,
    question: &Question,
    allowance: Allowance,
) -> Result<Result<ReadHistory, Cut>, HistoryError> {
    let unreadable = |reason| HistoryError::Unreadable { path: path.to_owned(), reason };
    let malformed = |reason| HistoryError::Malformed { path: path.to_owned(), reason };
    let Begun { mut file, mut piece, mut length } = begun;
    if length == 0 && allowance.time_left().is_zero() {
        return Ok(Err(file.cut(Limit::Stopped, 0)));
    }
    let mut begin = if piece[..length].starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    // What a harness leaves that was killed before its first operation.
    if matches!(piece[begin..length].trim_ascii(), b"" | b"[]" | b"()") {
        return Ok(Ok(ReadHistory::empty()));
    }
    let format = format(path, &piece[begin..length], question)?;
    let mut reader = Reader::new(format, question.reading);
    while length > 0 {
        reader.feed(&piece[begin..length]).map_err(malformed)?;
        begin = 0;
        if let Some(limit) = allowance.spent(reader.memory_bytes()) {
            return Ok(Err(file.cut(limit, reader.memory_bytes())));
        }
        length = file.fill(&mut piece).map_err(unreadable)?;
    }
    if allowance.time_left().is_zero() {
        return Ok(Err(file.cut(Limit::Stopped, reader.memory_bytes())));
    }
    drop(piece);
    reader.finish().map(Ok).map_err(malformed)
}

/// Where the bytes come from.
enum Input {
    File(File),
    Memory(io::Cursor<Vec<u8>>),
}

/// A file of which no more is read once the time is over.
struct Source {
    input: Input,
    /// How large it is; none if only its end will tell.
    bytes: Option<u64>,
    read: u64,
    allowance: Allowance,
}

impl Source {
    /// Opening never waits: a named pipe is there before a process writes to it.
    fn open(path: &Path, allowance: Allowance) -> io::Result<Self> {
        let file = if path.as_os_str() == "-" {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?
        };
        Self::of_file(file, allowance)
    }

    fn of_file(file: File, allowance: Allowance) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let bytes = metadata.is_file().then_some(metadata.len());
        Ok(Self { input: Input::File(file), bytes, read: 0, allowance })
    }

    /// How much is read at a time: all of a small file, and its end.
    fn piece_bytes(&self) -> usize {
        let whole = self.bytes.and_then(|bytes| usize::try_from(bytes).ok());
        whole.map_or(PIECE_BYTES, |whole| PIECE_BYTES.min(whole.saturating_add(1)))
    }

    /// Reads until the piece is full, the file is over, or the time is.
    fn fill(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        while length < piece.len() && self.has_more()? {
            let read = match &mut self.input {
                Input::File(file) => file.read(&mut piece[length..]),
                Input::Memory(bytes) => bytes.read(&mut piece[length..]),
            };
            match read {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if is_passing(error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
        self.read += length as u64;
        Ok(length)
    }

    /// Waits until there is something to read, or the end, as long as there is time. A file always has.
    fn has_more(&self) -> io::Result<bool> {
        let file = match &self.input {
            Input::File(file) if self.bytes.is_none() => file,
            _ => return Ok(true),
        };
        loop {
            let left = self.allowance.time_left();
            if left.is_zero() {
                return Ok(false);
            }
            let timeout = PollTimeout::try_from(left + GRAIN).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn cut(&self, limit: Limit, memory: u64) -> Cut {
        let sentence = self.allowance.told_of_reading(limit, self.read, self.bytes, memory);
        Cut { limit, sentence }
    }
}

/// Whether to try again is all that helps.
fn is_passing(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

/// The most characters of a file that is no history that are shown.
const BEGINNING_SHOWN: usize = 40;

fn format(path: &Path, beginning: &[u8], question: &Question) -> Result<Format, HistoryError> {
    let path = path.to_owned();
    if beginning.starts_with(GZIP) {
        return Err(HistoryError::Packed { path });
    }
    if let Some((what, remedy)) = other_file(&path, beginning) {
        return Err(HistoryError::OtherFile { path, what, remedy });
    }
    question.format.or_else(|| Format::detect(beginning)).ok_or_else(|| {
        let text = String::from_utf8_lossy(beginning.trim_ascii_start());
        let names: Vec<&str> = Format::NAMES.iter().map(|(name, _)| *name).collect();
        HistoryError::NotAHistory {
            path,
            beginning: text.chars().take(BEGINNING_SHOWN).collect(),
            formats: names.join(", "),
        }
    })
}

/// What else it is that the harness reads or writes, and what to do with it.
fn other_file(path: &Path, text: &[u8]) -> Option<(&'static str, String)> {
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(text).ok()?;
    let folder = path.parent().filter(|it| it.join(history::NAME).is_file()).map(quoted_path);
    let folder = folder.unwrap_or_else(|| "RUN".to_owned());
    match () {
        () if fields.contains_key("lifetime") => {
            let run = format!("`harness run {}` runs it, and judges it too", quoted_path(path));
            Some(("a workload", run))
        }
        () if fields.contains_key("scenario") && fields.contains_key("faults") => {
            Some(("the plan of a run", format!("`harness check {folder}` checks its history")))
        }
        () if fields.contains_key("answers") => {
            Some(("the verdict of a run", format!("`harness check {folder}` checks its history")))
        }
        () => None,
    }
}

type Found = Option<(String, Option<Datum>)>;

/// The model of a history: what was asked for, what its file says, or what its operations show.
fn model(
    path: &Path,
    read: &ReadHistory,
    question: &Question,
) -> Result<(ModelName, Found), HistoryError> {
    if let Some(model) = question.model {
        return Ok((model, None));
    }
    if let Some(model) = read.model {
        return Ok((model, None));
    }
    let path = path.to_owned();
    match checker::guess(&read.history) {
        Guess::Model { model, initial } => {
            let name = model.name();
            let begins = initial
                .as_ref()
                .map(|initial| format!("; by the first reads each object held {initial} at first"));
            let begins = begins.unwrap_or_default();
            let sentence = format!("the model is {name}, by the operations of the history{begins}");
            Ok((model, Some((sentence, initial))))
        }
        Guess::Several(models) => {
            let names: Vec<&str> = models.iter().map(|model| model.name()).collect();
            Err(HistoryError::Ambiguous { path, models: names.join(", ") })
        }
        Guess::Nothing(functions) => {
            Err(HistoryError::NoModel { path, functions: functions.join(", ") })
        }
    }
}

fn judge_within(
    history: &History,
    model: ModelName,
    question: &Question,
    allowance: Allowance,
) -> Report {
    let mut report =
        within(history, model, question, allowance, |options| checker::check(history, options));
    if let Verdict::Unknown(reason) = &mut report.verdict {
        allowance.tell(reason, history.memory_bytes());
    }
    report
}

/// For each key an order that explains its answers, or those of its longest beginning that has one.
pub fn orders(asked: &Asked, question: &Question) -> Vec<KeyOrder> {
    let history = &asked.read.history;
    within(history, asked.model, question, asked.allowance, |options| {
        checker::explained(history, options)
    })
}

fn within<T>(
    history: &History,
    model: ModelName,
    question: &Question,
    allowance: Allowance,
    ask: impl FnOnce(&Options<'_>) -> T,
) -> T {
    let stop = move || allowance.time_left().is_zero();
    ask(&Options {
        model,
        algorithm: question.algorithm,
        budget: allowance.besides(history.memory_bytes(), &stop),
        all_keys: question.all_keys,
        ..Options::default()
    })
}

/// Judges a history whose model is asked for, within a budget that begins now.
pub fn judge(history: &History, question: &Question) -> Report {
    let allowance = Allowance::begin(question.budget);
    judge_within(history, question.model.unwrap_or_default(), question, allowance)
}
