//! What there is to explain: read from a run's folder, whichever of its files are there.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use checker::{History, ModelName, Report, Verdict};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::check::{self, HistoryError, Question};
use crate::fault::LinkRule;
use crate::journal::{faults, leaders};
use crate::limits;
use crate::network::{claims::LeadershipClaim, message_log};
use crate::verdict::Answer;

/// Everything that an explanation is made of.
#[derive(Debug)]
pub struct Evidence {
    /// The history.
    pub history: History,
    /// What was promised of it.
    pub model: ModelName,
    /// What the checker found in it.
    pub report: Report,
    /// The verdicts of the run; empty for a bare history.
    pub answers: Vec<Answer>,
    /// Each fault; empty for a bare history.
    pub faults: Vec<FaultPart>,
    /// Leadership claims; `None` if the run has no file of them.
    pub leaders: Option<Vec<LeadershipClaim>>,
    /// The lost messages in the witness's window, if each message was written down.
    pub lost: Option<Vec<LostMessage>>,
    /// The last lines of the logs of those that died by themselves.
    pub last_words: Vec<LastWords>,
}

/// The parts of a fault that matter here; later kinds of faults may have more.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FaultPart {
    /// The place in the plan.
    #[serde(default)]
    pub index: Option<u64>,
    /// The kind of fault, as in the file.
    pub kind: serde_json::Value,
    /// When it was injected.
    pub applied_ns: Option<u64>,
    /// When it ended, where it ends by itself.
    #[serde(default)]
    pub ended_ns: Option<u64>,
    /// The replicas that it affected.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The sides of a partition.
    #[serde(default)]
    pub sides: Vec<Vec<String>>,
    /// The rules that it put on links.
    #[serde(default)]
    pub links: Vec<LinkRule>,
    /// Why it was not applied.
    #[serde(default)]
    pub not_applied: Option<String>,
}

/// A message that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostMessage {
    /// When it was sent, in nanoseconds of the run.
    pub sent_ns: u64,
    /// The sender.
    pub src: String,
    /// The receiver.
    pub dst: String,
    /// Its type.
    pub kind: String,
    /// Why it was lost.
    pub cause: String,
}

/// The end of a dead replica's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWords {
    /// The replica.
    pub id: String,
    /// Its last lines on standard error.
    pub lines: Vec<String>,
}

/// Evidence that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// There is no such folder or file.
    #[error(
        "{path}: {reason}; give the folder of a run, such as results/latest, or a history file"
    )]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A folder without a history.
    #[error(
        "{path}: no run was recorded here, there is no history.jsonl; give the folder of a run, such as results/latest"
    )]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the folder is not what a run writes.
    #[error("{path}, line {line}: {reason}; it was not written by this version of the harness")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: serde_json::Error,
    },
    /// The history is none.
    #[error(transparent)]
    History(#[from] HistoryError),
}

#[derive(Deserialize)]
struct VerdictPart {
    answers: Vec<Answer>,
}

impl Evidence {
    /// Reads a run's folder, or a bare history file.
    pub fn read(path: &Path, question: &Question) -> Result<Self, EvidenceError> {
        let unreadable = |reason| EvidenceError::Unreadable { path: path.to_owned(), reason };
        let is_folder = fs::metadata(path).map_err(unreadable)?.is_dir();
        if is_folder && !path.join("history.jsonl").exists() {
            return Err(EvidenceError::NoRun { path: path.to_owned() });
        }
        let asked = check::read(path, question)?;
        let report = asked.judge(question);
        let (history, model) = (asked.read.history, asked.model);
        let answers = if is_folder { read_answers(path)? } else { Vec::new() };
        let evidence = Self::of_run(path, history, report, answers)?;
        Ok(Self { model, ..evidence })
    }

    /// The evidence about a run's own history that was judged already, with what else its folder holds.
    pub fn of_run(
        folder: &Path,
        history: History,
        report: Report,
        answers: Vec<Answer>,
    ) -> Result<Self, EvidenceError> {
        let mut evidence = Self {
            history,
            model: ModelName::Kv,
            report,
            answers,
            faults: Vec::new(),
            leaders: None,
            lost: None,
            last_words: Vec::new(),
        };
        if !folder.is_dir() {
            return Ok(evidence);
        }
        let lines: Vec<FaultPart> = read_lines(&folder.join(faults::NAME))?.unwrap_or_default();
        evidence.faults = faults::latest(lines, |fault| fault.index);
        evidence.leaders = read_lines(&folder.join(leaders::NAME))?;
        evidence.lost = match evidence.window() {
            Some(window) => read_lost(&folder.join(message_log::NAME), window)?,
            None => None,
        };
        evidence.last_words = read_last_words(folder, &evidence.died_by_themselves());
        Ok(evidence)
    }

    /// From the first invocation to the last completion of the operations of the witness: they exclude one
    /// another, in nanoseconds of the run.
    pub fn window(&self) -> Option<(u64, u64)> {
        let Verdict::Invalid(witness) = &self.report.verdict else { return None };
        let begin = witness.operations.iter().map(|it| it.invoke_ns).min()?;
        let end =
            witness.operations.iter().map(|it| it.complete_ns.unwrap_or(it.invoke_ns)).max()?;
        (end > 0).then_some((begin, end))
    }

    /// Replicas that died although no fault affected them.
    pub fn died_by_themselves(&self) -> Vec<String> {
        let affected = |id: &String| self.faults.iter().any(|fault| fault.targets.contains(id));
        let claims = self.leaders.iter().flatten().filter(|claim| claim.died.is_some());
        claims.map(|claim| claim.replica.to_string()).filter(|id| !affected(id)).collect()
    }
}

/// The answers in the `verdict.json` of a run's folder; none if it has no such file.
pub(crate) fn read_answers(folder: &Path) -> Result<Vec<Answer>, EvidenceError> {
    let path = folder.join("verdict.json");
    // A run that was cut short has none: its history is judged all the same.
    let Ok(text) = fs::read(&path) else { return Ok(Vec::new()) };
    let malformed =
        |reason: serde_json::Error| EvidenceError::Malformed { path, line: reason.line(), reason };
    serde_json::from_slice::<VerdictPart>(&text).map(|verdict| verdict.answers).map_err(malformed)
}

/// The lines after the header; `None` if there is no such file. A last line that is cut off, as by a
/// kill, and a closing line that names a limit, are left out.
fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Option<Vec<T>>, EvidenceError> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(None) };
    let mut items = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1) {
        match serde_json::from_str(line) {
            Ok(item) => items.push(item),
            Err(_) if line.starts_with("{\"limit\"") => {}
            Err(error) if error.is_eof() => {}
            Err(reason) => {
                let path = path.to_owned();
                return Err(EvidenceError::Malformed { path, line: number + 1, reason });
            }
        }
    }
    Ok(Some(items))
}

fn read_lost(
    path: &Path,
    (begin, end): (u64, u64),
) -> Result<Option<Vec<LostMessage>>, EvidenceError> {
    let Ok(file) = File::open(path) else { return Ok(None) };
    let unreadable = |reason| EvidenceError::Unreadable { path: path.to_owned(), reason };
    let mut lost = Vec::new();
    for line in BufReader::new(file).lines().skip(1) {
        let line = line.map_err(unreadable)?;
        // A line that is no message is the closing one, or was cut off by a kill.
        let parsed: Result<(u64, String, String, String, String, u64), _> =
            serde_json::from_str(&line);
        let Ok((sent_ns, src, dst, kind, cause, _)) = parsed else { continue };
        if cause != "delivered" && (begin..=end).contains(&sent_ns) {
            lost.push(LostMessage { sent_ns, src, dst, kind, cause });
        }
    }
    Ok(Some(lost))
}

fn read_last_words(folder: &Path, ids: &[String]) -> Vec<LastWords> {
    const LINES: usize = 5;
    let words = |id: &String| {
        let path = folder.join("replicas").join(id).join("stderr.log");
        let tail = tail(&path).unwrap_or_default();
        let mut lines: Vec<String> = tail
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(LINES)
            .map(str::to_owned)
            .collect();
        lines.reverse();
        LastWords { id: id.clone(), lines }
    };
    ids.iter().map(words).collect()
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limits::STDERR_TAIL_BYTES as u64)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
