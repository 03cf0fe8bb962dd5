//! From the operations of one key to the calls of the model that fits them.

use rustc_hash::FxHashMap;

use crate::datum::{Encoded, View};
use crate::event::F;
use crate::history::content::{Content, content};
use crate::history::{History, Operation, Outcome, Value};
use crate::linearizable::appends::{self, Symbol};
use crate::linearizable::contradiction::Sources;
use crate::memory;
use crate::model::{Call, Register, RegisterOp, Sequence, SequenceOp};

/// Something to do with the calls of one key, whatever their model is.
pub(crate) trait WithModel {
    type Output;
    /// `sources` are the positions of the operations that became calls.
    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) -> Self::Output;
}

/// Chooses the model of a key by what was done on it, and translates its operations.
pub(crate) fn with_model<W: WithModel>(
    history: &History,
    operations: &[&Operation],
    initial: Value,
    work: W,
) -> W::Output {
    with_model_of(content(history, operations, initial), history, operations, initial, work)
}

/// The same with some operations of a key whose content is known.
pub(crate) fn with_model_of<W: WithModel>(
    content: Content,
    history: &History,
    operations: &[&Operation],
    initial: Value,
    work: W,
) -> W::Output {
    match content {
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
                View::List(items) => items.map(Encoded::bytes).collect(),
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

/// Something to do with the calls of one key that is read whole and appended to.
pub(crate) trait WithAppends {
    type Output;
    /// `sources` are the positions of the operations that became calls.
    fn run<S: Symbol>(
        self,
        initial: &[S],
        calls: &[Call<appends::SequenceOp<'_, S>>],
        sources: &[u32],
    ) -> Self::Output;
}

/// Translates the operations of a key that holds texts or lists; `None` if it holds anything else, or
/// is compared and set.
pub(crate) fn with_appends<W: WithAppends>(
    history: &History,
    operations: &[&Operation],
    initial: Value,
    work: W,
) -> Option<W::Output> {
    with_appends_of(content(history, operations, initial), history, operations, initial, work)
}

/// The same with some operations of a key whose content is known.
pub(crate) fn with_appends_of<W: WithAppends>(
    content: Content,
    history: &History,
    operations: &[&Operation],
    initial: Value,
    work: W,
) -> Option<W::Output> {
    if operations.iter().any(|op| op.f == F::Cas) {
        return None;
    }
    match content {
        Content::Text => {
            let bytes = |value| history.text(value).unwrap_or_default().as_bytes();
            let (calls, sources) = translate(operations, |op| shown_op(op, &bytes, &bytes));
            Some(work.run(bytes(initial), &calls, &sources))
        }
        Content::List => {
            let lists = Lists::new(history, operations, initial);
            let whole = |value| lists.list(value);
            let one = |value| lists.element(value);
            let (calls, sources) = translate(operations, |op| shown_op(op, &whole, &one));
            Some(work.run(lists.list(initial), &calls, &sources))
        }
        Content::Any | Content::Mixed(_) => None,
    }
}

fn shown_op<'a, S>(
    operation: &Operation,
    whole: &dyn Fn(Value) -> &'a [S],
    appended: &dyn Fn(Value) -> &'a [S],
) -> Option<appends::SequenceOp<'a, S>> {
    match operation.f {
        F::Get if operation.is_ok() => Some(appends::SequenceOp::Read(whole(operation.result))),
        F::Put => Some(appends::SequenceOp::Put(whole(operation.argument))),
        F::Append => Some(appends::SequenceOp::Append(appended(operation.argument))),
        _ => None,
    }
}

/// The lists of one key, their elements numbered.
struct Lists {
    lists: FxHashMap<Value, Vec<u32>>,
    elements: FxHashMap<Value, [u32; 1]>,
}

impl Lists {
    fn new(history: &History, operations: &[&Operation], initial: Value) -> Self {
        let mut numbers: FxHashMap<&[u8], u32> = FxHashMap::default();
        let mut number = |bytes| {
            let next = u32::try_from(numbers.len()).expect("fewer elements than bytes");
            *numbers.entry(bytes).or_insert(next)
        };
        let mut these = Lists { lists: FxHashMap::default(), elements: FxHashMap::default() };
        for op in operations {
            if op.f == F::Append {
                let bytes = history.encoded(op.argument).bytes();
                these.elements.entry(op.argument).or_insert_with(|| [number(bytes)]);
            }
        }
        let is_whole = |op: &&&Operation| op.f == F::Put || (op.f == F::Get && op.is_ok());
        let wholes = operations.iter().filter(is_whole);
        let wholes = wholes.map(|op| if op.f == F::Put { op.argument } else { op.result });
        for value in wholes.chain([initial]) {
            these.lists.entry(value).or_insert_with(|| match history.encoded(value).view() {
                View::List(items) => items.map(|item| number(item.bytes())).collect(),
                _ => Vec::new(),
            });
        }
        these
    }

    fn list(&self, value: Value) -> &[u32] {
        self.lists.get(&value).map_or(&[], Vec::as_slice)
    }

    fn element(&self, value: Value) -> &[u32] {
        self.elements.get(&value).map_or(&[], |element| element)
    }
}

/// What the calls of [`with_model`] take in memory.
pub(crate) fn calls_bytes(history: &History, operations: &[&Operation], initial: Value) -> usize {
    let each = size_of::<Call<RegisterOp>>().max(size_of::<Call<SequenceOp<u8>>>());
    let lists = operations.len() * (each + size_of::<u32>());
    let bytes = |value: Value| -> usize {
        match history.encoded(value).view() {
            View::List(items) => memory::block(items.count() * size_of::<&[u8]>()),
            _ => memory::block(history.encoded(value).bytes().len()),
        }
    };
    let values = match content(history, operations, initial) {
        Content::Any => 0,
        _ => operations.iter().map(|op| bytes(op.argument) + bytes(op.result)).sum(),
    };
    lists + values
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
