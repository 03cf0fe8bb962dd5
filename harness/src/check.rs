//! The verdict about a history, from its file alone.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use checker::format::ParseError;
use checker::format::jsonl::Reader;
use checker::{Budget, History, ModelName, Options, Report};

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
    #[error("history {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no history.
    #[error("history {path}, {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: ParseError,
    },
}

/// Reads the history in `path`; a run's folder stands for its `history.jsonl`.
pub fn read(path: &Path) -> Result<(History, bool), HistoryError> {
    let path = if path.is_dir() { path.join("history.jsonl") } else { path.to_owned() };
    let unreadable = |source| HistoryError::Unreadable { path: path.clone(), source };
    let mut file = BufReader::new(File::open(&path).map_err(unreadable)?);
    let mut reader = Reader::new();
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
        let read = reader.line(&line);
        read.map_err(|source| HistoryError::Malformed { path: path.clone(), source })?;
        line.clear();
    }
    Ok(reader.finish())
}

/// Judges the history in `path` within `budget`.
pub fn check(
    path: &Path,
    model: ModelName,
    budget: CheckerBudget,
) -> Result<Checked, HistoryError> {
    let (history, is_torn) = read(path)?;
    let begin = Instant::now();
    let stop = move || begin.elapsed() > budget.time;
    let budget = Budget {
        steps: u64::MAX,
        memory_bytes: budget.memory_mb.saturating_mul(1_000_000),
        stop: &stop,
    };
    let report = checker::check(&history, &Options { model, budget, ..Options::default() });
    Ok(Checked { report, is_torn })
}
