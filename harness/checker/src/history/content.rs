//! What the operations of one key say about its content: texts, lists, or any values.

use super::{History, Operation, Outcome, Value};
use crate::datum::View;
use crate::event::F;

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

/// What the operations of one key, and what it held at first, say about its content.
pub(crate) fn content(history: &History, operations: &[&Operation], initial: Value) -> Content {
    let Some(append) = operations.iter().position(|op| op.f == F::Append) else {
        return Content::Any;
    };
    let is_text = |value: Value| matches!(history.encoded(value).view(), View::Nil | View::Text(_));
    let is_list = |value: Value| {
        value == Value::EMPTY || matches!(history.encoded(value).view(), View::Nil | View::List(_))
    };
    let whole = |fits: &dyn Fn(Value) -> bool, op: &Operation| match op.f {
        F::Get => op.outcome != Outcome::Ok || fits(op.result),
        F::Put => fits(op.argument),
        F::Cas => fits(op.argument) && fits(op.result),
        _ => true,
    };
    // What does not fit what was there at first is told by the first append.
    let misfit = |fits_at_first: bool, fits: &dyn Fn(&Operation) -> bool| {
        let misfit = operations.iter().position(|op| !fits(op));
        misfit.or((!fits_at_first).then_some(append))
    };
    let no_text = misfit(is_text(initial), &|op| {
        whole(&is_text, op) && (op.f != F::Append || is_text(op.argument))
    });
    let Some(no_text) = no_text else { return Content::Text };
    match misfit(is_list(initial), &|op| whole(&is_list, op)) {
        None => Content::List,
        // A key with texts and one thing that is none is told by that thing.
        Some(no_list) => Content::Mixed(u32::try_from(no_text.max(no_list)).unwrap_or_default()),
    }
}
