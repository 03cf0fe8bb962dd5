//! The verdict about a history, from its file alone.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use checker::format::{Format, ParseError, Reader};
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
    #[error("history {path}, {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: ParseError,
    },
}

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
    let path = if path.is_dir() { path.join("history.jsonl") } else { path.to_owned() };
    let unreadable = |reason| HistoryError::Unreadable { path: path.clone(), reason };
    let mut file = BufReader::new(File::open(&path).map_err(unreadable)?);
    let mut reader = format.map(Reader::new);
    let mut blank_lines = 0;
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
        if reader.is_none() && line.trim_ascii().is_empty() {
            blank_lines += 1;
            line.clear();
            continue;
        }
        let reader = reader.get_or_insert_with(|| {
            let mut reader = Reader::new(Format::detect(&line));
            for _ in 0..blank_lines {
                // Blank lines are no events in any format; the reader counts them.
                let _ = reader.line(b"\n");
            }
            reader
        });
        let read = reader.line(&line);
        read.map_err(|reason| HistoryError::Malformed { path: path.clone(), reason })?;
        line.clear();
    }
    Ok(reader.unwrap_or_else(|| Reader::new(Format::Jsonl)).finish())
}

/// Judges the history in `path`.
pub fn check(path: &Path, question: &Question) -> Result<Checked, HistoryError> {
    let (history, is_torn) = read(path, question.format)?;
    Ok(Checked { report: judge(&history, question), is_torn })
}

/// Judges a history.
pub fn judge(history: &History, question: &Question) -> Report {
    let Question { model, algorithm, budget, .. } = *question;
    let begin = Instant::now();
    let stop = move || begin.elapsed() > budget.time;
    let budget = Budget {
        steps: u64::MAX,
        memory_bytes: budget.memory_mb.saturating_mul(1_000_000),
        stop: &stop,
    };
    let options = Options { model, algorithm, budget, ..Options::default() };
    checker::check(history, &options)
}
