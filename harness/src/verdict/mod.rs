//! Six questions, answered apart, because they mean different things to the reader.
//!
//! Each file here answers one question from the [`RunRecord`];
//! [`judge`] puts them together. A report only shows what stands here.

pub mod blame;
mod checks;
pub mod diagnosis;
mod durability;
mod environment;
mod evidence;
mod kind;
pub mod last_words;
mod liveness;
mod process;
pub mod safety;
pub mod transactions;

use serde::{Deserialize, Serialize};

pub use evidence::of_history as history_evidence;
pub use kind::AnswerKind;

use crate::exit::Exit;
use crate::record::{EndReason, RunRecord};

/// What is asked of a run, in the order of badness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Question {
    /// Is the history consistent with the model asked for?
    Safety,
    /// Was every acknowledged put known to enough replicas before it was acknowledged, by the messages that were seen?
    Durability,
    /// Did a replica die by itself, or write what no protocol allows?
    Process,
    /// Once faults are healed and a majority lives, are operations answered within the bound?
    Liveness,
    /// Was it the host?
    Environment,
    /// Were there enough operations, were the faults applied, did the checker finish?
    Evidence,
}

impl Question {
    /// Those that ask for what the system under test owes, in the order of badness.
    pub const OWED: [Self; 4] = [Self::Safety, Self::Durability, Self::Process, Self::Liveness];

    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Durability => "durability",
            Self::Process => "process",
            Self::Liveness => "liveness",
            Self::Environment => "environment",
            Self::Evidence => "evidence",
        }
    }
}

/// Never a boolean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It holds.
    Valid,
    /// It does not, and here is why.
    Invalid,
    /// It could not be decided, and here is why.
    Unknown,
}

impl Standing {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
        }
    }
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The question that this answers.
    pub question: Question,
    /// How it stands.
    pub standing: Standing,
    /// The kind in one or two words.
    pub kind: AnswerKind,
    /// One sentence.
    pub sentence: String,
    /// Details, a line each: the operations of the witness, the examples.
    #[serde(default)]
    pub details: Vec<String>,
    /// What the host did, if the failure is attributed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributed_to_host: Option<String>,
}

impl Answer {
    fn new(
        question: Question,
        standing: Standing,
        kind: AnswerKind,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            question,
            standing,
            kind,
            sentence: sentence.into(),
            details: Vec::new(),
            attributed_to_host: None,
        }
    }

    fn with_details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    /// The exit code of this answer alone.
    pub fn exit(&self) -> Exit {
        match (self.question, self.standing) {
            (_, Standing::Valid) => Exit::Valid,
            (Question::Evidence, _) if self.kind == AnswerKind::Vacuous => Exit::Vacuous,
            (Question::Evidence, _) | (_, Standing::Unknown) => Exit::Undecided,
            (Question::Safety, _) => Exit::Safety,
            (Question::Durability, _) => Exit::Durability,
            (Question::Process, _) => Exit::Process,
            (Question::Liveness, _) => Exit::Liveness,
            (Question::Environment, _) => Exit::Environment,
        }
    }
}

/// The six answers about one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// In the order of [`Question`].
    pub answers: Vec<Answer>,
    /// Whether the run was cut short by Ctrl-C.
    pub is_interrupted: bool,
}

impl Verdict {
    /// The exit code of the worst answer.
    pub fn exit(&self) -> Exit {
        let start = if self.is_interrupted { Exit::Interrupted } else { Exit::Valid };
        self.answers.iter().map(Answer::exit).fold(start, Exit::join)
    }

    /// The answer to `question`.
    pub fn answer(&self, question: Question) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.question == question)
    }
}

/// Answers all six questions about a run; `safety` is the checker's answer about its history.
pub fn judge(record: &RunRecord, safety: Answer) -> Verdict {
    let safety = checks::join(record, safety);
    let evidence = evidence::answer(record, &safety);
    let (process, died) = blame::attribute_to_host(record, process::answer(record));
    let (liveness, waited) =
        blame::attribute_to_host(record, checks::join(record, liveness::answer(record)));
    let (durability, stood_in) = blame::attribute_to_host(record, durability::answer(record));
    let (safety, misled) = blame::attribute_to_host(record, safety);
    let mut blamed: Vec<String> = [misled, stood_in, died, waited].into_iter().flatten().collect();
    blamed.dedup();
    let environment = environment::answer(record, &blamed);
    Verdict {
        answers: vec![safety, durability, process, liveness, environment, evidence],
        is_interrupted: record.end == EndReason::Interrupted,
    }
}
