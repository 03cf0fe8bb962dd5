//! Queues, bags, stacks and priority queues.

use super::Verdicts;
use super::search::{Call, has_order};
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::Val;

#[derive(Debug)]
enum Act {
    Put(Val),
    /// What came out; nil if nothing was there.
    Take(Val),
    /// Something came out, or nothing.
    TakeAny,
}

pub fn verdicts(model: Model, ops: &[&Op]) -> Verdicts {
    let is_put = |op: &&&Op| matches!(op.f, F::Enqueue | F::Push | F::Insert);
    let puts = ops.iter().filter(is_put).count();
    let mut is_unreadable = false;
    let mut calls = Vec::new();
    for op in ops {
        let is_ok = op.end == End::Ok;
        let drained = match &op.answer {
            Val::List(items) if is_ok => Some(items),
            _ => None,
        };
        match op.f {
            F::Enqueue | F::Push | F::Insert => {
                calls.push(Call::new(op, vec![Act::Put(op.arg.clone())]));
            }
            F::Drain => {
                let steps = match drained {
                    // The last one finds nothing.
                    Some(items) => items.iter().cloned().chain([Val::Nil]).map(Act::Take).collect(),
                    None => (0..puts).map(|_| Act::TakeAny).collect(),
                };
                let complete = op.complete.filter(|_| drained.is_some());
                is_unreadable |= is_ok && drained.is_none();
                calls.push(Call { invoke: op.invoke, complete, steps });
            }
            _ => {
                let act = if is_ok { Act::Take(op.answer.clone()) } else { Act::TakeAny };
                calls.push(Call::new(op, vec![act]));
            }
        }
    }
    let verdict =
        Verdicts::of(has_order(&calls, Vec::new(), &|state, act| next(model, state, act)));
    if is_unreadable && verdict.valid { verdict.or(Verdicts::UNKNOWN) } else { verdict }
}

/// The places of the elements that may come out next.
fn ready(model: Model, state: &[Val]) -> Vec<usize> {
    match model {
        Model::Queue => (0..state.len().min(1)).collect(),
        Model::Stack => state.len().checked_sub(1).into_iter().collect(),
        Model::UnorderedQueue => (0..state.len()).collect(),
        _ => {
            let rank = |value: &Val| if let Val::Num(number) = value { number.rank() } else { 0 };
            let least = state.iter().map(rank).min();
            (0..state.len()).filter(|&at| Some(rank(&state[at])) == least).collect()
        }
    }
}

fn next(model: Model, state: &[Val], act: &Act) -> Vec<Vec<Val>> {
    let without = |at: usize| {
        let mut after = state.to_vec();
        after.remove(at);
        after
    };
    match act {
        Act::Put(value) => {
            let mut after = state.to_vec();
            after.push(value.clone());
            if matches!(model, Model::UnorderedQueue | Model::PriorityQueue) {
                after.sort();
            }
            vec![after]
        }
        Act::Take(Val::Nil) | Act::TakeAny if state.is_empty() => vec![Vec::new()],
        Act::Take(value) => {
            let fits = |at: &usize| state[*at] == *value;
            ready(model, state).into_iter().filter(fits).take(1).map(without).collect()
        }
        Act::TakeAny => ready(model, state).into_iter().map(without).collect(),
    }
}
