//! The proof that a history is valid: an order of its operations that explains every answer.

use crate::calls::{WithModel, register_op, with_model};
use crate::chains;
use crate::check::{Options, initial};
use crate::contradiction::Sources;
use crate::history::{History, Operation, Outcome};
use crate::model::{Call, Register};
use crate::search::{self, Answer};
use crate::zones;

/// When an operation took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Point {
    /// The index of the operation's invocation.
    pub invoke_index: u64,
    /// It took effect after the event with this index and before the next. Of several operations
    /// between the same two events, the first in the order was first.
    pub after_index: u64,
}

/// An order of the operations on one key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyOrder {
    /// The key.
    pub key: String,
    /// A point for each answered operation, and for those open ones that took effect. The points
    /// never decrease.
    pub points: Vec<Point>,
}

/// For each key, in order of first appearance, an order that explains all its answers; `None` if
/// some key has none, or none was found within the budget.
///
/// Each order is replayed through the model, and each point compared with its operation's
/// interval, before it is given out.
///
/// ```
/// use checker::format::jsonl;
/// use checker::{Options, linearization};
///
/// let history = r#"{"schema":1}
/// {"index":0,"time_ns":0,"process":1,"client":"a","type":"invoke","f":"put","key":"x","value":"1","node":null,"error":null}
/// {"index":1,"time_ns":1,"process":2,"client":"b","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
/// {"index":2,"time_ns":2,"process":2,"client":"b","type":"ok","f":"get","key":"x","value":"","node":null,"error":null}"#;
/// let (history, _) = jsonl::read(history.lines().map(str::as_bytes))?;
/// let keys = linearization(&history, &Options::default()).expect("a valid history");
/// let point = keys[0].points[0];
/// // The read came first; the write, which nobody saw or answered, need not have happened.
/// assert_eq!((keys[0].points.len(), point.invoke_index, point.after_index), (1, 1, 1));
/// # Ok::<(), checker::format::ParseError>(())
/// ```
///
/// # Panics
///
/// If an order does not stand the replay, which would be a mistake of this crate's.
pub fn linearization(history: &History, options: &Options<'_>) -> Option<Vec<KeyOrder>> {
    let by_key = history.by_key();
    let keys = by_key.iter().filter(|positions| !positions.is_empty());
    keys.map(|positions| {
        let operations = history.at(positions);
        let key = history.key_text(operations[0].key);
        let order = order(history, &operations, options)?;
        let points = points(&operations, &order);
        let initial = initial(history, options.model);
        with_model(history, &operations, initial, Replay { operations: &operations, order });
        Some(KeyOrder { key, points })
    })
    .collect()
}

/// Positions of operations, in an order that explains their answers.
fn order(history: &History, operations: &[&Operation], options: &Options<'_>) -> Option<Vec<u32>> {
    let initial = initial(history, options.model);
    match zones::check(operations, initial) {
        zones::Answer::Linearizable => return Some(zones::order(operations, initial)),
        zones::Answer::Contradiction => return None,
        zones::Answer::NotApplicable => {}
    }
    match chains::check(operations, initial, options.budget) {
        chains::Answer::Linearizable(order) => Some(order),
        chains::Answer::UpToRefusals(calls, order) => {
            let model = Register { initial };
            let found = search::linearize_along(&model, &calls, &order, options.budget);
            let Answer::Linearizable(order) = found.answer else { return None };
            let sources = positions_of_calls(operations);
            Some(order.into_iter().map(|call| sources[call as usize]).collect())
        }
        chains::Answer::Contradiction(_) => None,
        chains::Answer::NotApplicable => {
            with_model(history, operations, initial, Searcher { options })
        }
    }
}

/// Reads without an answer are no calls.
fn positions_of_calls(operations: &[&Operation]) -> Vec<u32> {
    let is_call = |op: &&Operation| register_op(op).is_some();
    (0u32..).zip(operations).filter(|(_, op)| is_call(op)).map(|(position, _)| position).collect()
}

struct Searcher<'a> {
    options: &'a Options<'a>,
}

impl WithModel for Searcher<'_> {
    type Output = Option<Vec<u32>>;

    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) -> Self::Output {
        match search::linearize(model, calls, self.options.budget).answer {
            Answer::Linearizable(order) => {
                Some(order.into_iter().map(|call| sources[call as usize]).collect())
            }
            Answer::NotLinearizable | Answer::GivenUp(_) => None,
        }
    }
}

/// Each operation right after the latest invocation up to itself.
fn points(operations: &[&Operation], order: &[u32]) -> Vec<Point> {
    let mut after = 0;
    let mut points = Vec::with_capacity(order.len());
    for &position in order {
        let operation = operations[position as usize];
        after = after.max(operation.invoke);
        assert!(after < operation.complete, "an order respects what was over before what");
        let (invoke_index, after_index) = (operation.invoke_index(), u64::from(after));
        points.push(Point { invoke_index, after_index });
    }
    points
}

/// Steps through an order, which must have each answered operation once, and no other twice.
struct Replay<'a> {
    operations: &'a [&'a Operation],
    order: Vec<u32>,
}

impl WithModel for Replay<'_> {
    type Output = ();

    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) {
        let mut waiting: Vec<Option<&M::Op>> = vec![None; self.operations.len()];
        for (call, &source) in calls.iter().zip(sources) {
            waiting[source as usize] = Some(&call.op);
        }
        let mut state = model.initial();
        for position in self.order {
            let op = waiting[position as usize].take().expect("each operation once");
            state = model.step(&state, op).expect("an order explains every answer");
        }
        for (op, left) in self.operations.iter().zip(waiting) {
            assert!(left.is_none() || op.outcome != Outcome::Ok, "no answer is left out");
        }
    }
}

#[cfg(test)]
mod tests;
