//! A contradiction that stands by itself: a few operations of a register with nothing around them.
//!
//! What the struck history showed (see [`crate::witness`]) becomes a set that needs no striking:
//! for each value that was seen, a write of it joins the set. Such a set, begun in the first
//! state, cannot be linearizable if the struck history is not: an order of it would be one of the
//! struck history, where the writes that joined may take effect at any time. Then operations are
//! left out as long as the rest still contradicts, each together with those that saw a value which
//! nobody else in the set wrote: a write alone cannot be left out, for its readers would hold a
//! value from nowhere. Who saw a value that nobody in the whole history wrote stays without a write,
//! whether it is the contradiction itself or an open swap whose own value somebody saw. A second
//! algorithm, the plain recursion, confirms what is left.

use rustc_hash::FxHashSet;

use crate::budget::Budget;
use crate::calls::register_op;
use crate::event::F;
use crate::history::{Operation, Outcome, Value};
use crate::model::{Call, Model, Register, RegisterOp};
use crate::search::{self, Answer};

/// Larger sets are left as they are: nobody reads them, and a set is a word of bits below.
const MOST_OPERATIONS: usize = 48;

/// The most steps that one trial may take, and the recursion that confirms the result.
const MOST_STEPS: u64 = 100_000;

/// A set around `core`, by position, which is not linearizable by itself, and is without any
/// operation and those that need it. None if there is none small enough to be sure of.
pub(crate) fn by_itself(
    operations: &[&Operation],
    core: &[u32],
    initial: Value,
    budget: Budget<'_>,
) -> Option<Vec<u32>> {
    let budget = Budget { steps: budget.steps.min(MOST_STEPS), ..budget };
    let mut set = Set { operations, initial, budget, nowhere: FxHashSet::default() };
    let mut chosen = set.with_writers(core)?;
    if !set.contradicts(&chosen)? {
        return None;
    }
    let mut at = 0;
    while at < chosen.len() {
        let fewer = set.without(&chosen, at);
        if set.contradicts(&fewer)? {
            chosen = fewer;
            at = 0;
        } else {
            at += 1;
        }
    }
    (confirms(set.register(), &set.calls(&chosen)) == Some(false)).then_some(chosen)
}

struct Set<'a> {
    operations: &'a [&'a Operation],
    initial: Value,
    budget: Budget<'a>,
    /// What was seen and has no write in the whole history.
    nowhere: FxHashSet<Value>,
}

impl Set<'_> {
    fn register(&self) -> Register {
        Register { initial: self.initial }
    }

    fn op(&self, position: u32) -> &Operation {
        self.operations[position as usize]
    }

    /// With a write of each value that somebody in the set saw, where there is one.
    fn with_writers(&mut self, core: &[u32]) -> Option<Vec<u32>> {
        let mut chosen = core.to_vec();
        while let Some(reader) = self.first_unexplained(&chosen) {
            match self.writer_for(self.op(reader)) {
                Some(writer) => chosen.push(writer),
                None => self.nowhere.extend(sees(self.op(reader))),
            }
            if chosen.len() > MOST_OPERATIONS {
                return None;
            }
        }
        chosen.sort_unstable();
        Some(chosen)
    }

    fn first_unexplained(&self, chosen: &[u32]) -> Option<u32> {
        let written: FxHashSet<Value> =
            chosen.iter().filter_map(|&at| writes(self.op(at))).chain([self.initial]).collect();
        let is_missing = |value: &Value| !written.contains(value) && !self.nowhere.contains(value);
        let is_unexplained = |op: &Operation| sees(op).is_some_and(|value| is_missing(&value));
        chosen.iter().copied().find(|&at| is_unexplained(self.op(at)))
    }

    /// Of the writes of what an operation saw: one that needs nothing itself, and the latest that
    /// began before it was over.
    fn writer_for(&self, reader: &Operation) -> Option<u32> {
        let value = sees(reader);
        (0u32..)
            .zip(self.operations)
            .filter(|(_, op)| value.is_some() && writes(op) == value)
            .max_by_key(|(_, op)| {
                (op.invoke < reader.complete, op.f == F::Put, op.outcome == Outcome::Ok, op.invoke)
            })
            .map(|(position, _)| position)
    }

    /// Without the operation in this place, and without those whose value nobody wrote then.
    fn without(&self, chosen: &[u32], place: usize) -> Vec<u32> {
        let mut fewer = chosen.to_vec();
        fewer.remove(place);
        while let Some(reader) = self.first_unexplained(&fewer) {
            fewer.retain(|&position| position != reader);
        }
        fewer
    }

    fn calls(&self, chosen: &[u32]) -> Vec<Call<RegisterOp>> {
        let call = |&position: &u32| {
            let operation = self.op(position);
            let complete = operation.complete_index().map(|_| operation.complete);
            let op = register_op(operation)?;
            Some(Call { op, invoke: operation.invoke, complete })
        };
        chosen.iter().filter_map(call).collect()
    }

    fn contradicts(&self, chosen: &[u32]) -> Option<bool> {
        match search::linearize(&self.register(), &self.calls(chosen), self.budget).answer {
            Answer::NotLinearizable => Some(true),
            Answer::Linearizable(_) => Some(false),
            Answer::GivenUp(_) => None,
        }
    }
}

fn writes(operation: &Operation) -> Option<Value> {
    (operation.f != F::Get && !operation.refused).then_some(operation.argument)
}

/// The value that an operation needs to be there.
fn sees(operation: &Operation) -> Option<Value> {
    let is_read = operation.f == F::Get && operation.outcome == Outcome::Ok;
    (is_read || (operation.f == F::Cas && !operation.refused)).then_some(operation.result)
}

/// Whether at most 64 calls are linearizable: every order in real time is tried, but for what was
/// seen to fail. `None` if that takes too long.
fn confirms(model: Register, calls: &[Call<RegisterOp>]) -> Option<bool> {
    let mut stack = vec![(0_u64, model.initial())];
    let mut seen = FxHashSet::default();
    while let Some((placed, state)) = stack.pop() {
        if seen.len() as u64 > MOST_STEPS {
            return None;
        }
        let left = || (0..).zip(calls).filter(|(at, _)| placed & (1_u64 << at) == 0);
        let Some(deadline) = left().filter_map(|(_, call)| call.complete).min() else {
            return Some(true);
        };
        for (at, call) in left().filter(|(_, call)| call.invoke < deadline) {
            if let Some(after) = model.step(&state, &call.op) {
                let next = (placed | (1 << at), after);
                if seen.insert(next) {
                    stack.push(next);
                }
            }
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests;
