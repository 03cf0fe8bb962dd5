//! Registers, texts and lists: the algorithm that fits a key, and the witness of its violation.

use std::sync::Arc;

use super::{Algorithm, Decided, Decision, Options, initial};
use crate::budget::{Budget, Limit};
use crate::datum::Datum;
use crate::event::F;
use crate::history::content::{Content, content};
use crate::history::{History, Operation, Outcome, Value};
use crate::linearizable::appends::{self, SequenceOp, Symbol};
use crate::linearizable::calls::{WithAppends, WithModel, calls_bytes, with_appends, with_model};
use crate::linearizable::chains;
use crate::linearizable::contradiction::Sources;
use crate::linearizable::search::{self, Answer, Found, Order};
use crate::linearizable::zones;
use crate::memory;
use crate::model::{Call, Register, RegisterOp};
use crate::models::ModelName;
use crate::verdict::Reason;

fn decided(decision: Decision, algorithm: Algorithm) -> Decided {
    Decided { decision, algorithm: algorithm.name(), facts: Vec::new(), guide: None }
}

/// Calls, and an order that is a good one to try.
#[derive(Debug)]
pub(super) struct Guide {
    calls: Vec<Call<RegisterOp>>,
    order: Order,
}

impl Guide {
    pub(super) fn memory_bytes(&self) -> usize {
        let ranks = match &self.order {
            Order::Ranked(ranks) => memory::list(ranks),
            Order::Completion | Order::Invocation => 0,
        };
        memory::list(&self.calls) + ranks
    }

    fn follow(
        self: Arc<Self>,
        history: &History,
        operations: &[&Operation],
        initial: Value,
        budget: Budget<'_>,
    ) -> Decided {
        let rest = budget.besides(self.memory_bytes());
        let found = search::linearize_along(&Register { initial }, &self.calls, &self.order, rest);
        let decision = decision(history, operations, &found);
        let is_undecided = matches!(decision, Decision::Unknown(_));
        // With fewer steps the chains may have left more open than they need.
        let is_kept = is_undecided && budget.steps >= chains::ENOUGH_STEPS;
        Decided { guide: is_kept.then_some(self), ..decided(decision, Algorithm::Chains) }
    }
}

/// What counts as another value in a model: nil in a key-value store is the empty text, which a key holds
/// that was never written, and the empty list in a list register is nil.
fn alias(history: &History, model: ModelName) -> Option<(Value, Value)> {
    match model {
        ModelName::Kv => Some((Value::NIL, Value::EMPTY)),
        ModelName::ListRegister => Some((history.find(&Datum::List(Vec::new()))?, Value::NIL)),
        _ => None,
    }
}

/// What a key holds at first, by the name that the model has for it.
pub(crate) fn plain_initial(history: &History, model: ModelName) -> Value {
    let initial = initial(history, model);
    match alias(history, model) {
        Some((other, plain)) if initial == other => plain,
        _ => initial,
    }
}

/// Copies with one name for each value, if some operation says another.
pub(crate) fn plain(
    history: &History,
    operations: &[&Operation],
    model: ModelName,
) -> Option<Vec<Operation>> {
    let (other, plain) = alias(history, model)?;
    let shows_result = |op: &Operation| op.f == F::Cas || (op.f == F::Get && op.is_ok());
    let gives = |op: &Operation| matches!(op.f, F::Put | F::Cas);
    let has_other = |op: &&&Operation| {
        (op.result == other && shows_result(op)) || (op.argument == other && gives(op))
    };
    if !operations.iter().any(|op| has_other(&op)) {
        return None;
    }
    let named = |value| if value == other { plain } else { value };
    let copy = |&op: &&Operation| Operation {
        argument: if gives(op) { named(op.argument) } else { op.argument },
        result: if shows_result(op) { named(op.result) } else { op.result },
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

/// Decides one key. Structure that did not decide it in the round before will not in this one.
pub(super) fn decide(
    history: &History,
    operations: &[&Operation],
    options: &Options<'_>,
    before: Option<&Decided>,
) -> Decided {
    let initial = plain_initial(history, options.model);
    let copies = plain(history, operations, options.model);
    let owned = copies.as_ref().map_or(0, memory::list) + size_of_val(operations);
    let budget = options.budget.besides(owned);
    let copied: Option<Vec<&Operation>> = copies.as_ref().map(|it| it.iter().collect());
    let operations = copied.as_deref().unwrap_or(operations);
    if let Content::Mixed(at) = content(history, operations, initial) {
        return mixed(history, operations[at as usize]);
    }
    if let Some(guide) = before.and_then(|before| before.guide.clone()) {
        return guide.follow(history, operations, initial, budget);
    }
    let wanted = match before {
        Some(before) if before.algorithm == Algorithm::Search.name() => Algorithm::Search,
        _ => options.algorithm,
    };
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
        match chains::check(operations, initial, budget) {
            chains::Answer::Linearizable(_) => {
                return decided(Decision::Valid, algorithm);
            }
            chains::Answer::Contradiction(core) => {
                return decided(Decision::Invalid(Some(core)), algorithm);
            }
            chains::Answer::UpToRefusals(calls, order) => {
                let guide = Arc::new(Guide { calls, order });
                return guide.follow(history, operations, initial, budget);
            }
            chains::Answer::NotApplicable if wanted == algorithm => {
                return not_applicable(history, operations, algorithm);
            }
            chains::Answer::NotApplicable => {}
        }
    }
    // To make another form of many operations takes long by itself.
    let is_over = || (budget.stop)();
    let stopped = |algorithm| decided(given_up(history, operations, Limit::Stopped, 0), algorithm);
    if matches!(wanted, Algorithm::Auto | Algorithm::Appends) {
        let algorithm = Algorithm::Appends;
        if is_over() {
            return stopped(algorithm);
        }
        match with_appends(history, operations, initial, Shown { budget }) {
            Some(Ok(())) => return decided(Decision::Valid, algorithm),
            Some(Err(Some(found))) => return decided(Decision::Shown(found), algorithm),
            _ if is_over() => return stopped(algorithm),
            _ if wanted == algorithm => return not_applicable(history, operations, algorithm),
            _ => {}
        }
    }
    let algorithm = Algorithm::Search;
    if is_over() {
        return stopped(algorithm);
    }
    let owned = calls_bytes(history, operations, initial);
    if owned as u64 > budget.memory_bytes {
        return decided(given_up(history, operations, Limit::Memory, 0), algorithm);
    }
    let searcher = Searcher { history, operations, budget: budget.besides(owned) };
    decided(with_model(history, operations, initial, searcher), algorithm)
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

/// What the reads of a text or list show: an order, a contradiction, or nothing certain.
struct Shown<'a> {
    budget: Budget<'a>,
}

impl WithAppends for Shown<'_> {
    type Output = Result<(), Option<Box<appends::Contradiction>>>;

    fn run<S: Symbol>(
        self,
        initial: &[S],
        calls: &[Call<SequenceOp<'_, S>>],
        sources: &[u32],
    ) -> Self::Output {
        match appends::check(initial, calls, self.budget.stop) {
            appends::Answer::Linearizable(_) => Ok(()),
            appends::Answer::Contradiction(mut found) => {
                for position in &mut found.operations {
                    *position = sources[*position as usize];
                }
                Err(Some(Box::new(found)))
            }
            appends::Answer::NotApplicable => Err(None),
        }
    }
}

struct Searcher<'a> {
    history: &'a History,
    operations: &'a [&'a Operation],
    budget: Budget<'a>,
}

impl WithModel for Searcher<'_> {
    type Output = Decision;

    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], _: &[u32]) -> Decision {
        let found = search::linearize(model, calls, self.budget);
        decision(self.history, self.operations, &found)
    }
}

/// What the search found, for one key.
fn decision(history: &History, operations: &[&Operation], found: &Found) -> Decision {
    match found.answer {
        Answer::Linearizable(_) => Decision::Valid,
        Answer::NotLinearizable => Decision::Invalid(None),
        Answer::GivenUp(limit) => given_up(history, operations, limit, found.placed),
    }
}

fn given_up(history: &History, operations: &[&Operation], limit: Limit, placed: usize) -> Decision {
    let completed = operations.iter().filter(|op| op.is_ok()).count();
    let key = history.key_text(operations[0].key);
    Decision::Unknown(Reason::spent(key, limit, placed, completed))
}
