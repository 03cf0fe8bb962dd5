//! Orders of operations that are said to explain all answers.

use super::{Verdicts, of_key};
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::Val;

/// Whether an order is shown for this model.
pub fn is_shown(model: Model) -> bool {
    model.is_linearizable_register()
        || model.is_lock()
        || matches!(
            model,
            Model::Set
                | Model::Counter
                | Model::Queue
                | Model::UnorderedQueue
                | Model::Stack
                | Model::PriorityQueue
        )
}

/// The operations of a key as they were known before this event: what was not over is open.
pub fn before<'a>(ops: impl Iterator<Item = &'a Op>, event: usize) -> Vec<Op> {
    let known = |op: &Op| {
        if op.complete.is_some_and(|end| end < event) {
            return op.clone();
        }
        let answer = Val::Nil;
        Op { end: End::Open, complete: None, refused: false, answer, ..op.clone() }
    };
    ops.filter(|op| op.invoke < event && op.end != End::Fail).map(known).collect()
}

/// What is wrong with an order of some of these operations of one key, given by places among them, if it
/// is not one that agrees with time and explains all answers.
pub fn problem(model: Model, ops: &[Op], order: &[usize], initial: Option<&Val>) -> Option<String> {
    let mut steps: Vec<Op> = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        let times = order.iter().filter(|&&it| it == at).count();
        let is_right = match (op.end, op.f) {
            (End::Ok, F::Drain) => drained(op).is_none_or(|items| times == items.len() + 1),
            (End::Ok, _) => times == 1,
            (_, F::Drain) => true,
            _ => times <= 1,
        };
        if !is_right {
            return Some(format!(
                "{:?} of process {} is {times} times in its order",
                op.f, op.process
            ));
        }
    }
    for (at, &place) in order.iter().enumerate() {
        let op = &ops[place];
        let is_late = |later: &usize| ops[*later].complete.is_some_and(|end| end < op.invoke);
        if order[at..].iter().any(is_late) {
            return Some("the order does not agree with time".to_owned());
        }
        let times = order[..at].iter().filter(|&&it| it == place).count();
        let taken = |items: &[Val]| items.get(times).cloned().unwrap_or_default();
        let (f, answer) = match (op.f, drained(op)) {
            (F::Drain, Some(items)) => (F::Dequeue, taken(items)),
            (F::Drain, _) => (F::Dequeue, Val::Nil),
            (f, _) => (f, op.answer.clone()),
        };
        // One after another; what is open took effect as well.
        let complete = Some(2 * at + 1);
        steps.push(Op { f, answer, invoke: 2 * at, complete, ..op.clone() });
    }
    let steps: Vec<&Op> = steps.iter().collect();
    let all: Vec<&Op> = ops.iter().collect();
    let verdicts = of_key(model, &steps, &all, initial);
    (verdicts == Verdicts::INVALID).then(|| "the order does not explain its answers".to_owned())
}

/// What an answered drain took out.
fn drained(op: &Op) -> Option<&[Val]> {
    match &op.answer {
        Val::List(items) if op.end == End::Ok => Some(items),
        _ => None,
    }
}
