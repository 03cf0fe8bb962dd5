//! What a key's history says of the values that a witness names.

use rustc_hash::FxHashMap;

use super::{may_write, seen};
use crate::event::F;
use crate::history::{Operation, Value};

/// What is said of one value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// The operations that may have written it; the first state counts as a write.
    pub(super) writers: usize,
    /// Whether one of them did more than to swap it for itself.
    pub(super) is_new: bool,
    pub(super) first_invocation: i64,
    /// Until when it may have been written.
    pub(super) last_completion: i64,
    /// When it was certainly there, or had been: acknowledged or seen.
    pub(super) there: i64,
}

/// Before everything.
const START: i64 = -1;

impl Facts {
    const NONE: Facts = Facts {
        writers: 0,
        is_new: false,
        first_invocation: i64::MAX,
        last_completion: START,
        there: i64::MAX,
    };

    const FIRST: Facts =
        Facts { writers: 1, is_new: true, first_invocation: START, there: START, ..Facts::NONE };
}

/// The facts of all values that these few of all operations name, and of the first value.
pub(super) fn facts(
    all: &[&Operation],
    few: &[&Operation],
    initial: Value,
) -> FxHashMap<Value, Facts> {
    let values = few.iter().flat_map(|op| [op.argument, op.result]);
    let mut facts: FxHashMap<Value, Facts> = values.map(|value| (value, Facts::NONE)).collect();
    facts.insert(initial, Facts::FIRST);
    for op in all {
        if may_write(op)
            && let Some(facts) = facts.get_mut(&op.argument)
        {
            facts.writers += 1;
            facts.is_new |= op.f != F::Cas || op.argument != op.result;
            facts.first_invocation = facts.first_invocation.min(i64::from(op.invoke));
            facts.last_completion = facts.last_completion.max(i64::from(op.complete));
            facts.there = facts.there.min(i64::from(op.complete));
        }
        if let Some(value) = seen(op)
            && let Some(facts) = facts.get_mut(&value)
        {
            facts.there = facts.there.min(i64::from(op.complete));
        }
    }
    facts
}
