//! What a check of an object comes to.

use std::fmt::Write;

use serde_json::Value;

use super::Datum;
use super::history::ObjectOperation;
use crate::budget::Limit;
use crate::history::Outcome;

/// The verdict about an object.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Nothing that the object's check can see contradicts its promise.
    Valid,
    /// No such object can have given these answers.
    Invalid(Box<Contradiction>),
    /// Not decided.
    Unknown(Doubt),
}

impl Finding {
    /// Both together: `Invalid` beats `Unknown` beats `Valid`, and the first of two equals stays.
    #[must_use]
    pub fn join(self, other: Finding) -> Finding {
        if other.badness() > self.badness() { other } else { self }
    }

    /// `valid`, `invalid` or `unknown`.
    pub fn name(&self) -> &'static str {
        match self {
            Finding::Valid => "valid",
            Finding::Invalid(_) => "invalid",
            Finding::Unknown(_) => "unknown",
        }
    }

    fn badness(&self) -> u8 {
        match self {
            Finding::Valid => 0,
            Finding::Unknown(_) => 1,
            Finding::Invalid(_) => 2,
        }
    }
}

/// What kind of contradiction it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something acknowledged, or seen, is gone.
    Lost,
    /// A read lacks what was there before it began, and a later one has it.
    StaleRead,
    /// Something is there, or was handed out, more often than it was put in.
    Duplicated,
    /// Something that nobody put in.
    ValueFromNowhere,
    /// Something was seen before its operation began.
    ReadFromTheFuture,
    /// Two reads each hold what the other lacks.
    SplitState,
    /// A number that no order of the additions gives.
    OutOfBounds,
    /// No order of the operations gives their answers.
    NoOrder,
    /// A later element was handed out before an earlier one.
    OutOfOrder,
    /// A lock with two holders.
    TwoHolders,
    /// A total that is not what it was.
    WrongTotal,
    /// An account below zero.
    NegativeBalance,
}

impl Kind {
    /// The kind in words.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Lost => "lost",
            Kind::StaleRead => "stale read",
            Kind::Duplicated => "duplicated",
            Kind::ValueFromNowhere => "value from nowhere",
            Kind::ReadFromTheFuture => "read from the future",
            Kind::SplitState => "split state",
            Kind::OutOfBounds => "out of bounds",
            Kind::NoOrder => "no order",
            Kind::OutOfOrder => "out of order",
            Kind::TwoHolders => "two holders",
            Kind::WrongTotal => "wrong total",
            Kind::NegativeBalance => "negative balance",
        }
    }
}

/// The operations that contradict one another, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Contradiction {
    /// The key they work on; empty where there are no keys.
    pub key: String,
    /// The kind of contradiction.
    pub kind: Kind,
    /// The operations, by invocation.
    pub operations: Vec<Shown>,
    /// The contradiction in a sentence.
    pub explanation: String,
}

/// An operation of a [`Contradiction`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// The index of its invocation.
    pub invoke_index: u64,
    /// The index of its completion, if it has one.
    pub complete_index: Option<u64>,
    /// Its process.
    pub process: u64,
    /// Its function.
    pub f: String,
    /// What it was invoked with.
    pub argument: Value,
    /// What it was answered; null while it is open.
    pub result: Value,
    /// When it was invoked, in nanoseconds of the run.
    pub invoke_ns: u64,
    /// When it was completed, in nanoseconds of the run.
    pub complete_ns: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Why an object is not decided.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Doubt {
    /// The key.
    pub key: String,
    /// What ran out, or did not fit.
    pub limit: Limit,
    /// All of that in a sentence.
    pub explanation: String,
}

/// Something counted on the way that is no contradiction by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Fact {
    /// What was counted.
    pub name: &'static str,
    /// How many there are.
    pub count: u64,
}

/// A finding about one key, and what was counted on the way.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) finding: Finding,
    pub(super) facts: Vec<Fact>,
}

impl From<Finding> for Judgement {
    fn from(finding: Finding) -> Self {
        Judgement { finding, facts: Vec::new() }
    }
}

/// A contradiction between these operations.
pub(super) fn invalid(kind: Kind, core: &[&ObjectOperation], what: &str) -> Finding {
    let mut core = core.to_vec();
    core.sort_by_key(|op| op.invoke);
    core.dedup_by_key(|op| op.invoke);
    let key = core.first().map(|op| op.key().to_owned()).unwrap_or_default();
    let mut explanation = format!("{}: {what}: ", kind.name());
    for (number, op) in core.iter().enumerate() {
        let separator = if number == 0 { "" } else { "; " };
        let _ = write!(explanation, "{separator}{}", told(op));
    }
    explanation.push('.');
    let operations = core.iter().map(|op| shown(op)).collect();
    Finding::Invalid(Box::new(Contradiction { key, kind, operations, explanation }))
}

/// Operations that the check cannot judge.
pub(super) fn unknown(operations: &[&ObjectOperation], limit: Limit, why: &str) -> Finding {
    let key = operations.first().map(|op| op.key().to_owned()).unwrap_or_default();
    let explanation = format!("undecided: {why}");
    Finding::Unknown(Doubt { key, limit, explanation })
}

/// An operation that the object does not have, or a value of the wrong shape.
pub(super) fn misfit(operation: &ObjectOperation, expected: &str) -> Finding {
    let why = format!("{}: expected {expected}", told(operation));
    unknown(&[operation], Limit::Algorithm, &why)
}

fn shown(op: &ObjectOperation) -> Shown {
    Shown {
        invoke_index: op.invoke,
        complete_index: op.complete(),
        process: op.process,
        f: op.f().to_owned(),
        argument: op.argument.value(),
        result: op.result.value(),
        invoke_ns: op.invoke_ns,
        complete_ns: op.complete().map(|_| op.complete_ns),
        outcome: op.outcome,
    }
}

/// The most characters of a value that a sentence holds.
const LONGEST_VALUE: usize = 60;

fn told(op: &ObjectOperation) -> String {
    let short = |value: &Datum| {
        let text = value.to_string();
        if text.chars().count() <= LONGEST_VALUE {
            return text;
        }
        text.chars().take(LONGEST_VALUE).chain("...".chars()).collect()
    };
    let argument = if op.argument.is_null() { String::new() } else { short(&op.argument) + " " };
    let end = match op.complete() {
        Some(complete) if op.result.is_null() || op.result == op.argument => {
            format!("to {complete}")
        }
        Some(complete) => format!("to {complete}, answered {}", short(&op.result)),
        None => "on, never answered".to_owned(),
    };
    format!("{} {argument}(process {}, events {} {end})", op.f(), op.process, op.invoke)
}
