//! What there is to explain: read from a run's folder, whichever of its files are there.

use std::collections::BTreeSet;
use std::fs::{self};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use checker::event::F;
use checker::{Datum, History, ModelName, Outcome, Report, Verdict, Witness, WitnessOperation};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::leaders;
use super::messages::{Message, Messages, Reader, Reading, Wanted};
use crate::check::{self, HistoryError, Question};
use crate::files::stored::{self, Malformed};
use crate::ids::NodeId;
use crate::journal::{faults, leaders as leaders_file};
use crate::leadership::claims::LeadershipClaim;
use crate::limits;
use crate::nemesis::happened::FaultRecord;
use crate::network::message_log;
use crate::op::OperationError;
use crate::text;
use crate::verdict::{Answer, AnswerKind, Standing, last_words};

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
    /// How many replicas there were, if the run left its plan.
    pub replicas: Option<usize>,
    /// Each fault; empty for a bare history.
    pub faults: Vec<FaultRecord>,
    /// What the workload itself does to messages on links, if the run left its plan: `a loss of 10 % (drops)`.
    pub on_links: Vec<String>,
    /// Leadership claims; `None` if the run has no file of them.
    pub leaders: Option<Vec<LeadershipClaim>>,
    /// What the messages say, if each was written down and there is something to ask them.
    pub messages: Option<Messages>,
    /// The events that completed a read of the witness as empty, though the answer was `fail`.
    pub refused: BTreeSet<u64>,
    /// The ends of the logs of those that died by themselves.
    pub last_words: Vec<LastWords>,
}

/// The end of a dead replica's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWords {
    /// The replica.
    pub id: NodeId,
    /// The log.
    pub path: PathBuf,
    /// The line that names the cause; `None` if it wrote nothing.
    pub cause: Option<String>,
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
    #[error(transparent)]
    Malformed(#[from] Malformed),
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
            replicas: None,
            faults: Vec::new(),
            on_links: Vec::new(),
            leaders: None,
            messages: None,
            refused: BTreeSet::new(),
            last_words: Vec::new(),
        };
        if !folder.is_dir() {
            return Ok(evidence);
        }
        if let Some(scenario) = read_scenario(&folder.join("plan.json")) {
            evidence.replicas = Some(scenario.replicas);
            evidence.on_links = scenario.on_links();
        }
        let lines: Vec<FaultRecord> = read_lines(&folder.join(faults::NAME))?.unwrap_or_default();
        evidence.faults = faults::latest(lines, |fault| u64::try_from(fault.index).ok());
        evidence.leaders = read_lines(&folder.join(leaders_file::NAME))?;
        let wanted = evidence.wanted();
        if wanted.window.is_some() || wanted.silent_since.is_some() {
            evidence.messages = read_messages(&folder.join(message_log::NAME), wanted)?;
        }
        evidence.refused = evidence.read_refused(&folder.join("history.jsonl"));
        evidence.last_words = read_last_words(folder, &evidence.died_by_themselves());
        Ok(evidence)
    }

    /// From the first invocation to the last completion of the operations of the witness: they exclude one
    /// another, in nanoseconds of the run.
    pub fn window(&self) -> Option<(u64, u64)> {
        let witness = self.witness()?;
        let begin = witness.operations.iter().map(|it| it.invoke_ns).min()?;
        let end =
            witness.operations.iter().map(|it| it.complete_ns.unwrap_or(it.invoke_ns)).max()?;
        (end > 0).then_some((begin, end))
    }

    /// The operations that contradict one another.
    pub fn witness(&self) -> Option<&Witness> {
        match &self.report.verdict {
            Verdict::Invalid(witness) => Some(witness),
            Verdict::Valid | Verdict::Unknown(_) => None,
        }
    }

    /// The answer that cannot be true: that of the late read, else the last of those that exclude one another.
    pub fn wrong_answer(&self) -> Option<&WitnessOperation> {
        let witness = self.witness()?;
        let late = witness.late.and_then(|late| witness.operations.get(late.read));
        let answered = witness.operations.iter().filter(|it| it.outcome == Outcome::Ok);
        late.or_else(|| answered.max_by_key(|it| it.complete_ns))
    }

    /// Leaderships, by replica and beginning, in which the replica only asked for votes.
    pub fn candidacies(&self) -> &BTreeSet<(NodeId, u64)> {
        static NONE: BTreeSet<(NodeId, u64)> = BTreeSet::new();
        self.messages.as_ref().map_or(&NONE, |messages| &messages.candidacies)
    }

    /// The replicas that answered the operations of the witness.
    pub fn replicas_of_witness(&self) -> BTreeSet<NodeId> {
        let operations = self.witness().into_iter().flat_map(|witness| &witness.operations);
        let answered = operations.filter(|it| it.outcome == Outcome::Ok);
        answered.filter_map(|it| it.node.as_deref()?.parse().ok()).collect()
    }

    /// The read that saw an old value.
    pub fn reader(&self) -> Option<Reader> {
        let witness = self.witness()?;
        let late = witness.late?;
        let (read, newer) =
            (witness.operations.get(late.read)?, witness.operations.get(late.newer)?);
        Some(Reader {
            replica: read.node.as_deref()?.parse().ok()?,
            newer_ns: newer.complete_ns?,
            asked_ns: read.invoke_ns,
            answered_ns: read.complete_ns?,
        })
    }

    /// Whether that replica acknowledged a write of this value to the witness's key before that time.
    pub fn acknowledged(&self, replica: NodeId, value: &Datum, before_ns: u64) -> bool {
        let Some(witness) = self.witness() else { return false };
        let (history, node) = (&self.history, replica.to_string());
        history.operations().iter().any(|op| {
            op.is_ok()
                && !op.f.only_asks()
                && op.complete_ns().is_some_and(|at| at < before_ns)
                && history.node(op) == Some(node.as_str())
                && history.key_text(op.key) == witness.key
                && history.value(op.argument) == *value
        })
    }

    /// When the last operation was answered, if the run was not live.
    pub fn silent_since(&self) -> Option<u64> {
        let is_silent =
            |it: &Answer| it.kind == AnswerKind::Unanswered && it.standing == Standing::Invalid;
        self.answers.iter().any(is_silent).then(|| {
            let answered = self.history.operations().iter().filter(|op| op.is_ok());
            answered.filter_map(checker::Operation::complete_ns).max().unwrap_or_default()
        })
    }

    fn wanted(&self) -> Wanted {
        let leaderships = leaders::leaderships(self.leaders.as_deref().unwrap_or_default());
        Wanted {
            window: self.window(),
            reader: self.reader(),
            leaderships,
            silent_since: self.silent_since(),
            replicas: self.replicas,
        }
    }

    /// Replicas that died although no fault affected them.
    pub fn died_by_themselves(&self) -> Vec<NodeId> {
        let affected = |id: &NodeId| {
            let takes = |fault: &&FaultRecord| fault.kind.takes_replicas();
            self.faults.iter().filter(takes).any(|fault| fault.targets.contains(id))
        };
        let claims = self.leaders.iter().flatten().filter(|claim| claim.died.is_some());
        claims.map(|claim| claim.replica).filter(|id| !affected(id)).collect()
    }

    /// Looks the completions of the witness up that read nothing.
    fn read_refused(&self, path: &Path) -> BTreeSet<u64> {
        let operations = self.witness().into_iter().flat_map(|witness| &witness.operations);
        let empty = operations.filter(|it| it.f == F::Get && is_nothing(it.value.as_ref()));
        let mut asked: BTreeSet<u64> = empty.filter_map(|it| it.complete_index).collect();
        if asked.is_empty() {
            return asked;
        }
        let Ok(file) = stored::open(path) else { return BTreeSet::new() };
        let lines = BufReader::new(file).lines().skip(1).map_while(Result::ok);
        let refused: BTreeSet<u64> = lines
            .filter(|line| line.contains(OperationError::RefusedForGood.name()))
            .filter_map(|line| serde_json::from_str::<ErrorPart>(&line).ok())
            .filter(|event| {
                OperationError::named(&event.error) == Some(OperationError::RefusedForGood)
            })
            .map(|event| event.index)
            .collect();
        asked.retain(|index| refused.contains(index));
        asked
    }
}

/// Whether a read found no value.
pub fn is_nothing(value: Option<&Datum>) -> bool {
    matches!(value, Some(Datum::Text(text)) if text.is_empty())
}

#[derive(Deserialize)]
struct ErrorPart {
    index: u64,
    error: String,
}

#[derive(Deserialize)]
struct PlanPart {
    scenario: ScenarioPart,
}

#[derive(Deserialize)]
struct ScenarioPart {
    replicas: usize,
    #[serde(default)]
    drops: f64,
    #[serde(default)]
    network: Vec<IgnoredAny>,
}

impl ScenarioPart {
    /// What it does to messages on links, for people.
    fn on_links(&self) -> Vec<String> {
        let drops = (self.drops > 0.0)
            .then(|| format!("a loss of {} (`drops`)", text::percent(self.drops)));
        let rules = self.network.len();
        let rules = (rules > 0).then(|| format!("{} of `network`", text::counted(rules, "rule")));
        drops.into_iter().chain(rules).collect()
    }
}

fn read_scenario(path: &Path) -> Option<ScenarioPart> {
    let text = stored::read(path).ok()?;
    serde_json::from_slice::<PlanPart>(&text).ok().map(|plan| plan.scenario)
}

/// The answers in the `verdict.json` of a run's folder; none if it has no such file.
pub(crate) fn read_answers(folder: &Path) -> Result<Vec<Answer>, EvidenceError> {
    let path = folder.join("verdict.json");
    // A run that was cut short has none: its history is judged all the same.
    let Ok(text) = stored::read(&path) else { return Ok(Vec::new()) };
    Ok(stored::json::<VerdictPart>(&path, &text)?.answers)
}

/// The lines after the header; `None` if there is no such file. A last line that is cut off, as by a
/// kill, and a closing line that names a limit, are left out.
fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Option<Vec<T>>, EvidenceError> {
    // Bytes that are no text are told with their line.
    let Ok(text) = stored::read(path) else { return Ok(None) };
    let mut items = Vec::new();
    let lines = text.split(|&byte| byte == b'\n').enumerate().skip(1);
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(item) => items.push(item),
            Err(_) if line.starts_with(b"{\"limit\"") => {}
            Err(error) if error.is_eof() => {}
            Err(reason) => {
                return Err(Malformed::new(path, line, number + 1, &reason).into());
            }
        }
    }
    Ok(Some(items))
}

fn read_messages(path: &Path, wanted: Wanted) -> Result<Option<Messages>, EvidenceError> {
    let Ok(file) = stored::open(path) else { return Ok(None) };
    let unreadable = |reason| EvidenceError::Unreadable { path: path.to_owned(), reason };
    let mut reading = Reading::new(wanted);
    for (number, line) in BufReader::new(file).split(b'\n').enumerate().skip(1) {
        let line = line.map_err(unreadable)?;
        if line.starts_with(b"{\"limit\"") {
            reading.cut();
        }
        // A line that is no message is the closing one, or was cut off by a kill.
        let parsed: Result<(u64, NodeId, NodeId, String, String, u64), _> =
            serde_json::from_slice(&line);
        if let (Err(error), true) = (&parsed, std::str::from_utf8(&line).is_err()) {
            return Err(Malformed::new(path, &line, number + 1, error).into());
        }
        let Ok((sent_ns, src, dst, kind, fate, ended_ns)) = parsed else { continue };
        let lost = (fate != message_log::DELIVERED).then_some(fate);
        reading.hear(Message { sent_ns, src, dst, kind, lost, ended_ns });
    }
    Ok(Some(reading.finish()))
}

fn read_last_words(folder: &Path, ids: &[NodeId]) -> Vec<LastWords> {
    const LINES: usize = 5;
    let words = |&id: &NodeId| {
        let path = folder.join("replicas").join(id.to_string()).join("stderr.log");
        let tail = tail(&path).unwrap_or_default();
        let mut lines: Vec<String> = tail
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(LINES)
            .map(str::to_owned)
            .collect();
        lines.reverse();
        LastWords { id, path, cause: last_words::cause(&tail), lines }
    };
    ids.iter().map(words).collect()
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = stored::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limits::STDERR_TAIL_BYTES as u64)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
