//! From the operations of one key to the calls of the model that fits them.

use crate::contradiction::Sources;
use crate::datum::View;
use crate::event::F;
use crate::history::{History, Operation, Outcome, Value};
use crate::model::{Call, Register, RegisterOp, Sequence, SequenceOp};

/// Something to do with the calls of one key, whatever their model is.
pub(crate) trait WithModel {
    type Output;
    /// `sources` are the positions of the operations that became calls.
    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) -> Self::Output;
}

/// What a key that is appended to holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// It is not appended to: any value.
    Any,
    /// Texts.
    Text,
    /// Lists.
    List,
    /// Neither all texts nor all lists: this operation does not fit.
    Mixed(u32),
}

/// What the operations of one key say about its content.
pub(crate) fn content(history: &History, operations: &[&Operation]) -> Content {
    if operations.iter().all(|op| op.f != F::Append) {
        return Content::Any;
    }
    let is_text = |value: Value| match history.encoded(value).view() {
        View::Nil | View::Text(_) => true,
        _ => false,
    };
    let is_list = |value: Value| {
        value == Value::EMPTY || matches!(history.encoded(value).view(), View::Nil | View::List(_))
    };
    let whole = |fits: &dyn Fn(Value) -> bool, op: &Operation| match op.f {
        F::Get => op.outcome != Outcome::Ok || fits(op.result),
        F::Put => fits(op.argument),
        F::Cas => fits(op.argument) && fits(op.result),
        _ => true,
    };
    let misfit = |fits: &dyn Fn(&Operation) -> bool| operations.iter().position(|op| !fits(op));
    let no_text = misfit(&|op| whole(&is_text, op) && (op.f != F::Append || is_text(op.argument)));
    let Some(no_text) = no_text else { return Content::Text };
    match misfit(&|op| whole(&is_list, op)) {
        None => Content::List,
        // A key with texts and one thing that is none is told by that thing.
        Some(no_list) => Content::Mixed(u32::try_from(no_text.max(no_list)).unwrap_or_default()),
    }
}

/// Chooses the model of a key by what was done on it, and translates its operations.
pub(crate) fn with_model<W: WithModel>(
    history: &History,
    operations: &[&Operation],
    initial: Value,
    work: W,
) -> W::Output {
    match content(history, operations) {
        Content::Any => {
            let (calls, sources) = translate(operations, register_op);
            work.run(&Register { initial }, &calls, &sources)
        }
        Content::Text => {
            let bytes = |value| Box::from(history.text(value).unwrap_or_default().as_bytes());
            let (calls, sources) = translate(operations, |op| sequence_op(op, bytes, bytes));
            work.run(&Sequence { initial: bytes(initial) }, &calls, &sources)
        }
        Content::List | Content::Mixed(_) => {
            // Elements are known by their bytes, which are equal where they are.
            let elements = |value| match history.encoded(value).view() {
                View::List(items) => items.map(|item| item.bytes()).collect(),
                View::Nil => Box::from([]),
                _ if value == Value::EMPTY => Box::from([]),
                _ => Box::from([history.encoded(value).bytes()]),
            };
            let one = |value| Box::from([history.encoded(value).bytes()]);
            let (calls, sources) = translate(operations, |op| sequence_op(op, elements, one));
            work.run(&Sequence { initial: elements(initial) }, &calls, &sources)
        }
    }
}

pub(crate) fn translate<O>(
    operations: &[&Operation],
    translate: impl Fn(&Operation) -> Option<O>,
) -> (Vec<Call<O>>, Vec<u32>) {
    let mut calls = Vec::with_capacity(operations.len());
    let mut sources = Vec::with_capacity(operations.len());
    for (position, operation) in (0u32..).zip(operations) {
        if let Some(op) = translate(operation) {
            let complete = operation.complete_index().map(|_| operation.complete);
            calls.push(Call { op, invoke: operation.invoke, complete });
            sources.push(position);
        }
    }
    (calls, sources)
}

/// An operation on a register as its model sees it; none for a read without an answer.
pub(crate) fn register_op(operation: &Operation) -> Option<RegisterOp> {
    match operation.f {
        F::Get => (operation.outcome == Outcome::Ok).then_some(RegisterOp::Read(operation.result)),
        F::Put => Some(RegisterOp::Write(operation.argument)),
        F::Cas if operation.refused => Some(RegisterOp::Refused(operation.result)),
        F::Cas => Some(RegisterOp::Cas(operation.result, operation.argument)),
        other => unreachable!("{} is no operation of a register", other.name()),
    }
}

/// An operation on a text or list as its model sees it; none for a read without an answer.
fn sequence_op<E>(
    operation: &Operation,
    whole: impl Fn(Value) -> Box<[E]>,
    appended: impl Fn(Value) -> Box<[E]>,
) -> Option<SequenceOp<E>> {
    let Operation { argument, result, .. } = *operation;
    match operation.f {
        F::Get => (operation.outcome == Outcome::Ok).then(|| SequenceOp::Get(whole(result))),
        F::Put => Some(SequenceOp::Put(whole(argument))),
        F::Append => Some(SequenceOp::Append(appended(argument))),
        F::Cas if operation.refused => Some(SequenceOp::Refused(whole(result))),
        F::Cas => Some(SequenceOp::Cas(whole(result), whole(argument))),
        other => unreachable!("{} is no operation of a sequence", other.name()),
    }
}
