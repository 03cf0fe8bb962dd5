//! The proof that a history is valid: an order of its operations that explains every answer.

use crate::budget::Budget;
use crate::check::{Options, fits, plain, plain_initial};
use crate::event::F;
use crate::history::content::{Content, content};
use crate::history::{History, OPEN, Operation, Outcome, Value};
use crate::linearizable::appends::{self, Symbol};
use crate::linearizable::calls::{
    WithAppends, WithModel, register_op, with_appends_of, with_model, with_model_of,
};
use crate::linearizable::chains;
use crate::linearizable::contradiction::Sources;
use crate::linearizable::search::{self, Answer};
use crate::linearizable::zones;
use crate::model::{Call, Register};
use crate::models::Family;
use crate::objects::{self, Subject};

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
    /// never decrease. A drain of a queue has one for each element, and one for finding it empty.
    pub points: Vec<Point>,
    /// The first completion that no order explains together with all before it; the order is that of what
    /// came before. `None` if all is explained.
    pub until: Option<u64>,
}

/// For each key, in order of first appearance, the order of [`linearization`]; or, if the key has none,
/// of the longest beginning of its history that has one, found within the budget. Only for models that
/// are judged key by key, and have an order.
pub fn explained(history: &History, options: &Options<'_>) -> Vec<KeyOrder> {
    let by_key = history.by_key();
    let keys = by_key.iter().filter(|positions| !positions.is_empty());
    keys.map(|positions| {
        let operations = history.at(positions);
        let key = history.key_text(operations[0].key);
        // What a key holds is said by all its operations, also where an order is sought of the first ones.
        let content = content_of(history, &operations, options);
        if let Some(order) = order(history, &operations, content, options) {
            return KeyOrder { key, points: points(&operations, &order), until: None };
        }
        let mut ends: Vec<u32> =
            operations.iter().filter_map(|op| op.complete_index().map(|_| op.complete)).collect();
        ends.sort_unstable();
        let order_before = |end: u32| {
            let cut = cut(&operations, end);
            let cut: Vec<&Operation> = cut.iter().collect();
            order(history, &cut, content, options).map(|order| points(&cut, &order))
        };
        // Beginnings of what has an order have one.
        let explained = ends.partition_point(|&end| order_before(end + 1).is_some());
        let until = ends.get(explained).copied();
        let points = until.and_then(order_before).unwrap_or_default();
        KeyOrder { key, points, until: until.map(u64::from) }
    })
    .collect()
}

/// The operations as they were known before an event: what was not over is open.
fn cut(operations: &[&Operation], end: u32) -> Vec<Operation> {
    let before = |op: &&&Operation| op.invoke < end;
    let known = |op: &&Operation| {
        if op.complete < end {
            return **op;
        }
        let result = if op.f == F::Cas { op.result } else { Value::NIL };
        Operation { complete: OPEN, outcome: Outcome::Info, refused: false, result, ..**op }
    };
    operations.iter().filter(before).map(known).collect()
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
/// let history = jsonl::read(history.as_bytes())?.history;
/// let keys = linearization(&history, &Options::default()).expect("a valid history");
/// let point = keys[0].points[0];
/// // The read came first; the write, which was neither seen nor answered, need not have happened.
/// assert_eq!((keys[0].points.len(), point.invoke_index, point.after_index), (1, 1, 1));
/// # Ok::<(), checker::format::ParseError>(())
/// ```
///
/// # Panics
///
/// If an order does not stand the replay, which would be a mistake of this crate's.
pub fn linearization(history: &History, options: &Options<'_>) -> Option<Vec<KeyOrder>> {
    fits(history, options.model).ok()?;
    let by_key = history.by_key();
    let keys = by_key.iter().filter(|positions| !positions.is_empty());
    keys.map(|positions| {
        let operations = history.at(positions);
        let key = history.key_text(operations[0].key);
        let content = content_of(history, &operations, options);
        let order = order(history, &operations, content, options)?;
        let points = points(&operations, &order);
        if options.model.info().family == Family::Register {
            let initial = plain_initial(history, options.model);
            let copies = plain(history, &operations, options.model);
            let copied: Option<Vec<&Operation>> = copies.as_ref().map(|it| it.iter().collect());
            let operations = copied.as_deref().unwrap_or(&operations);
            with_model(history, operations, initial, Replay { operations, order });
        }
        Some(KeyOrder { key, points, until: None })
    })
    .collect()
}

/// What a key holds, for the models of registers; any value for all others.
fn content_of(history: &History, operations: &[&Operation], options: &Options<'_>) -> Content {
    if options.model.info().family != Family::Register {
        return Content::Any;
    }
    content(history, operations, plain_initial(history, options.model))
}

/// Positions of operations of a key with this content, in an order that explains their answers.
fn order(
    history: &History,
    operations: &[&Operation],
    content: Content,
    options: &Options<'_>,
) -> Option<Vec<u32>> {
    if (options.budget.stop)() {
        return None;
    }
    match options.model.info().family {
        Family::Register => {}
        Family::Object => {
            return objects::order(
                options.model,
                Subject { history, operations, budget: options.budget },
            );
        }
        Family::Session | Family::Transactional => return None,
    }
    let initial = plain_initial(history, options.model);
    let copies = plain(history, operations, options.model);
    let copied: Option<Vec<&Operation>> = copies.as_ref().map(|it| it.iter().collect());
    let operations = copied.as_deref().unwrap_or(operations);
    if content != Content::Any {
        return match with_appends_of(
            content,
            history,
            operations,
            initial,
            Shown { budget: options.budget },
        ) {
            Some(Some(Ok(order))) => Some(order),
            Some(Some(Err(()))) => None,
            _ => with_model_of(content, history, operations, initial, Searcher { options }),
        };
    }
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

/// The order of a text or list by what its reads show.
struct Shown<'a> {
    budget: Budget<'a>,
}

impl WithAppends for Shown<'_> {
    /// Nothing where the reads show too little, an error where there is no order.
    type Output = Option<Result<Vec<u32>, ()>>;

    fn run<S: Symbol>(
        self,
        initial: &[S],
        calls: &[Call<appends::SequenceOp<'_, S>>],
        sources: &[u32],
    ) -> Self::Output {
        match appends::check(initial, calls, self.budget.stop) {
            appends::Answer::Linearizable(order) => {
                Some(Ok(order.into_iter().map(|call| sources[call as usize]).collect()))
            }
            appends::Answer::Contradiction(_) => Some(Err(())),
            appends::Answer::NotApplicable => None,
        }
    }
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
