//! Registers, texts and lists: the algorithm that fits a key, and the witness of its violation.

use super::{Algorithm, Decided, Decision, Options, initial};
use crate::budget::Limit;
use crate::calls::{Content, WithModel, content, with_model};
use crate::chains;
use crate::contradiction::Sources;
use crate::event::F;
use crate::history::{History, Operation, Outcome, Value};
use crate::model::{Call, Register};
use crate::models::ModelName;
use crate::search::{self, Answer, Found};
use crate::verdict::Reason;
use crate::zones;

fn decided(decision: Decision, algorithm: Algorithm) -> Decided {
    Decided { decision, algorithm: algorithm.name(), facts: Vec::new() }
}

/// In a key-value store nil and the empty text are both what a key holds that was never written:
/// copies that say only the latter, if some operation says the former.
pub(super) fn plain(
    history: &History,
    operations: &[&Operation],
    model: ModelName,
) -> Option<Vec<Operation>> {
    let shows_result = |op: &Operation| op.f == F::Cas || (op.f == F::Get && op.is_ok());
    let is_nil = |op: &&&Operation| {
        (op.result == Value::NIL && shows_result(op))
            || (op.argument == Value::NIL && op.f != F::Get)
    };
    if model != ModelName::Kv || !operations.iter().any(|op| is_nil(&op)) {
        return None;
    }
    debug_assert_eq!(history.value(Value::EMPTY), crate::datum::Datum::text(""));
    let empty = |value| if value == Value::NIL { Value::EMPTY } else { value };
    let copy = |&op: &&Operation| Operation {
        argument: empty(op.argument),
        result: if shows_result(op) { empty(op.result) } else { op.result },
        ..*op
    };
    Some(operations.iter().map(copy).collect())
}

/// A key that holds texts and lists in turns.
fn mixed(history: &History, op: &Operation) -> Decided {
    let explanation = format!(
        "undecided{}: the {} at event {} is of another kind than the others: a key that is appended to \
         holds texts only, or lists only",
        history.on_key(op.key),
        history.name(op.f),
        op.invoke_index(),
    );
    let key = history.key_text(op.key);
    let limit = Limit::Algorithm;
    let reason = Reason { key, limit, placed: 0, completed: 0, explanation };
    decided(Decision::Unknown(reason), Algorithm::Search)
}

/// Decides one key.
pub(super) fn decide(
    history: &History,
    operations: &[&Operation],
    options: &Options<'_>,
) -> Decided {
    let initial = initial(history, options.model);
    let copies = plain(history, operations, options.model);
    let copied: Option<Vec<&Operation>> = copies.as_ref().map(|it| it.iter().collect());
    let operations = copied.as_deref().unwrap_or(operations);
    if let Content::Mixed(at) = content(history, operations) {
        return mixed(history, operations[at as usize]);
    }
    let wanted = options.algorithm;
    if matches!(wanted, Algorithm::Auto | Algorithm::Zones) {
        let algorithm = Algorithm::Zones;
        match zones::check(operations, initial) {
            zones::Answer::Linearizable => {
                return decided(Decision::Valid, algorithm);
            }
            zones::Answer::Contradiction => {
                return decided(Decision::Invalid(None), algorithm);
            }
            zones::Answer::NotApplicable if wanted == algorithm => {
                return not_applicable(history, operations, algorithm);
            }
            zones::Answer::NotApplicable => {}
        }
    }
    if matches!(wanted, Algorithm::Auto | Algorithm::Chains) {
        let algorithm = Algorithm::Chains;
        match chains::check(operations, initial, options.budget) {
            chains::Answer::Linearizable(_) => {
                return decided(Decision::Valid, algorithm);
            }
            chains::Answer::Contradiction(core) => {
                return decided(Decision::Invalid(Some(core)), algorithm);
            }
            chains::Answer::UpToRefusals(calls, order) => {
                let model = Register { initial };
                let found = search::linearize_along(&model, &calls, &order, options.budget);
                let decision = decision(history, operations, &calls, &found);
                return decided(decision, algorithm);
            }
            chains::Answer::NotApplicable if wanted == algorithm => {
                return not_applicable(history, operations, algorithm);
            }
            chains::Answer::NotApplicable => {}
        }
    }
    let algorithm = Algorithm::Search;
    let decision =
        with_model(history, operations, initial, Searcher { history, operations, options });
    decided(decision, algorithm)
}

fn not_applicable(history: &History, operations: &[&Operation], algorithm: Algorithm) -> Decided {
    let key = history.key_text(operations[0].key);
    let explanation = format!(
        "key {key:?} is undecided: the algorithm {:?} needs writes of different values",
        algorithm.name()
    );
    let completed = operations.iter().filter(|op| op.outcome == Outcome::Ok).count();
    let limit = Limit::Algorithm;
    let reason = Reason { key, limit, placed: 0, completed, explanation };
    decided(Decision::Unknown(reason), algorithm)
}

struct Searcher<'a> {
    history: &'a History,
    operations: &'a [&'a Operation],
    options: &'a Options<'a>,
}

impl WithModel for Searcher<'_> {
    type Output = Decision;

    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], _: &[u32]) -> Decision {
        let found = search::linearize(model, calls, self.options.budget);
        decision(self.history, self.operations, calls, &found)
    }
}

/// What the search found, for one key.
fn decision<O>(
    history: &History,
    operations: &[&Operation],
    calls: &[Call<O>],
    found: &Found,
) -> Decision {
    match found.answer {
        Answer::Linearizable(_) => Decision::Valid,
        Answer::NotLinearizable => Decision::Invalid(None),
        Answer::GivenUp(limit) => {
            let completed = calls.iter().filter(|call| call.complete.is_some()).count();
            let key = history.key_text(operations[0].key);
            Decision::Unknown(reason(key, limit, found.placed, completed))
        }
    }
}

fn reason(key: String, limit: Limit, placed: usize, completed: usize) -> Reason {
    let what = match limit {
        Limit::Steps => "the search took as many steps as it may",
        Limit::Memory => "the search used as much memory as it may",
        Limit::Stopped => "the search was stopped, as at its deadline",
        Limit::Algorithm => "the algorithm asked for does not fit",
        Limit::Disagreement => "its testers do not agree",
    };
    let explanation = format!(
        "key {key:?} is undecided: {what}; the first {placed} of {completed} completed operations \
         have an order that explains them"
    );
    Reason { key, limit, placed, completed, explanation }
}
