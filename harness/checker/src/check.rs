//! Checking a history: key by key, each with the algorithm that fits it.

use crate::budget::{Budget, Limit};
use crate::event::F;
use crate::explain;
use crate::history::{History, Operation, Outcome, Value};
use crate::model::{Call, Model, Register, RegisterOp, Text, TextOp};
use crate::search::{self, Answer};
use crate::verdict::{Reason, Verdict};
use crate::witness;

/// What the object under test promises to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelName {
    /// Keys with get, put and append, each `""` at first.
    #[default]
    Kv,
    /// Registers with read and write, `nil` at first.
    Register,
    /// Registers with read, write and compare-and-set, `nil` at first.
    CasRegister,
}

impl ModelName {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ModelName::Kv => "kv",
            ModelName::Register => "register",
            ModelName::CasRegister => "cas-register",
        }
    }

    fn initial(self) -> Value {
        match self {
            ModelName::Kv => Value::EMPTY,
            ModelName::Register | ModelName::CasRegister => Value::NIL,
        }
    }
}

/// How to check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// The model.
    pub model: ModelName,
    /// What each key may cost.
    pub budget: Budget<'a>,
}

/// The result for one key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyReport {
    /// The key.
    pub key: String,
    /// `valid`, `invalid` or `unknown`.
    pub verdict: &'static str,
    /// Operations on it that did not fail.
    pub operations: usize,
    /// What decided it.
    pub algorithm: &'static str,
}

/// The result for a history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The joined verdict; a witness is that of the first key that has one.
    pub verdict: Verdict,
    /// The model's name.
    pub model: &'static str,
    /// The algorithms that were used, sorted.
    pub algorithms: Vec<&'static str>,
    /// Operations that were checked, that is, all that did not fail.
    pub operations: u64,
    /// How many of them are open: nobody knows whether they took effect.
    pub open: u64,
    /// How many failed, and therefore count as absent.
    pub failed: u64,
    /// Keys by verdict.
    pub valid_keys: usize,
    /// Keys by verdict.
    pub invalid_keys: usize,
    /// Keys by verdict.
    pub unknown_keys: usize,
    /// Each key, in order of its first appearance.
    pub keys: Vec<KeyReport>,
}

/// Checks whether a history is linearizable, key by key.
///
/// Keys are independent objects, and linearizability is local (Herlihy and Wing, 1990): the
/// history is linearizable exactly if each key's part of it is. After the first key with a
/// contradiction the others are still checked, but without looking for their witnesses.
pub fn check(history: &History, options: &Options<'_>) -> Report {
    let mut report = Report {
        verdict: Verdict::Valid,
        model: options.model.name(),
        algorithms: Vec::new(),
        operations: 0,
        open: 0,
        failed: 0,
        valid_keys: 0,
        invalid_keys: 0,
        unknown_keys: 0,
        keys: Vec::new(),
    };
    for operation in history.operations() {
        report.failed += u64::from(operation.outcome == Outcome::Fail);
        report.open += u64::from(operation.outcome == Outcome::Info);
    }
    for positions in history.by_key() {
        let at = |&position: &u32| &history.operations()[position as usize];
        let operations: Vec<&Operation> = positions.iter().map(at).collect();
        if operations.is_empty() {
            continue;
        }
        let (verdict, algorithm) = check_key(history, &operations, options);
        match verdict {
            Verdict::Valid => report.valid_keys += 1,
            Verdict::Invalid(_) => report.invalid_keys += 1,
            Verdict::Unknown(_) => report.unknown_keys += 1,
        }
        report.operations += operations.len() as u64;
        report.keys.push(KeyReport {
            key: history.key(operations[0].key).to_owned(),
            verdict: verdict.name(),
            operations: operations.len(),
            algorithm,
        });
        if !report.algorithms.contains(&algorithm) {
            report.algorithms.push(algorithm);
        }
        report.verdict = report.verdict.join(verdict);
    }
    report.algorithms.sort_unstable();
    report
}

fn check_key(
    history: &History,
    operations: &[&Operation],
    options: &Options<'_>,
) -> (Verdict, &'static str) {
    let initial = options.model.initial();
    let verdict = if operations.iter().any(|op| op.f == F::Append) {
        search_key(history, operations, &Text, |op| text_op(history, op), initial, options)
    } else {
        let model = Register { initial };
        search_key(history, operations, &model, register_op, initial, options)
    };
    (verdict, "search")
}

fn search_key<M: Model>(
    history: &History,
    operations: &[&Operation],
    model: &M,
    translate: impl Fn(&Operation) -> Option<M::Op>,
    initial: Value,
    options: &Options<'_>,
) -> Verdict {
    let mut calls = Vec::with_capacity(operations.len());
    let mut sources = Vec::with_capacity(operations.len());
    for &operation in operations {
        if let Some(op) = translate(operation) {
            let complete = operation.complete_index().map(|_| operation.complete);
            calls.push(Call { op, invoke: operation.invoke, complete });
            sources.push(operation);
        }
    }
    match search::linearize(model, &calls, options.budget).0 {
        Answer::Linearizable(_) => Verdict::Valid,
        Answer::NotLinearizable => {
            let (core, minimal) = witness::minimize(model, &calls, options.budget);
            let core: Vec<&Operation> = core.iter().map(|&at| sources[at as usize]).collect();
            let witness = explain::explain(history, operations, &core, initial, minimal);
            Verdict::Invalid(Box::new(witness))
        }
        Answer::GivenUp { limit, placed } => {
            let completed = calls.iter().filter(|call| call.complete.is_some()).count();
            let key = history.key(operations[0].key).to_owned();
            Verdict::Unknown(reason(key, limit, placed, completed))
        }
    }
}

fn reason(key: String, limit: Limit, placed: usize, completed: usize) -> Reason {
    let what = match limit {
        Limit::Steps => "the search took as many steps as it may",
        Limit::Memory => "the search used as much memory as it may",
        Limit::Stopped => "the search was stopped, as at its deadline",
    };
    let explanation = format!(
        "key {key:?} is undecided: {what}; the first {placed} of {completed} completed operations \
         have an order that explains them"
    );
    Reason { key, limit, placed, completed, explanation }
}

/// An operation on a register as its model sees it; none for a read without an answer.
fn register_op(operation: &Operation) -> Option<RegisterOp> {
    match operation.f {
        F::Get => (operation.outcome == Outcome::Ok).then_some(RegisterOp::Read(operation.result)),
        F::Put => Some(RegisterOp::Write(operation.argument)),
        F::Cas if operation.refused => Some(RegisterOp::Refused(operation.result)),
        F::Cas => Some(RegisterOp::Cas(operation.result, operation.argument)),
        F::Append => None,
    }
}

/// An operation on a string as its model sees it; none for a get without an answer.
fn text_op(history: &History, operation: &Operation) -> Option<TextOp> {
    let argument = history.value(operation.argument);
    match operation.f {
        F::Get => (operation.outcome == Outcome::Ok)
            .then(|| TextOp::Get(history.value(operation.result).into())),
        F::Put => Some(TextOp::Put(argument.into())),
        F::Append => Some(TextOp::Append(argument.into())),
        F::Cas => None,
    }
}
