//! From the operations of one key to the calls of the model that fits them.

use crate::event::F;
use crate::history::{History, Operation, Outcome, Value};
use crate::model::{Call, Model, Register, RegisterOp, Text, TextOp};

/// Something to do with the calls of one key, whatever their model is.
pub(crate) trait WithModel {
    type Output;
    /// `sources` are the positions of the operations that became calls.
    fn run<M: Model>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) -> Self::Output;
}

/// Chooses the model of a key by what was done on it, and translates its operations.
pub(crate) fn with_model<W: WithModel>(
    history: &History,
    operations: &[&Operation],
    initial: Value,
    work: W,
) -> W::Output {
    if operations.iter().any(|op| op.f == F::Append) {
        let (calls, sources) = translate(operations, |op| text_op(history, op));
        work.run(&Text, &calls, &sources)
    } else {
        let (calls, sources) = translate(operations, register_op);
        work.run(&Register { initial }, &calls, &sources)
    }
}

fn translate<O>(
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
