//! Orders are not believed: they are done again, one step after another.

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashMap;

use super::parts::OPEN;
use super::{Discipline, Op};
use crate::model::Call;

/// What one step of an order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Put(u32),
    Take(u32),
    Empty,
}

/// A step of an order, and the call that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) call: u32,
    pub(super) effect: Effect,
}

pub(super) fn positions(steps: &[Step]) -> Vec<u32> {
    steps.iter().map(|step| step.call).collect()
}

/// Whether the steps are those of the calls, in an order that respects time and the discipline.
pub(super) fn confirms(discipline: Discipline<'_>, calls: &[Call<Op>], steps: &[Step]) -> bool {
    are_complete(calls, steps) && respect_time(calls, steps) && obey(discipline, steps)
}

/// Whether the steps, which may leave out some, are in an order that respects time, drains and the
/// discipline.
pub(super) fn is_possible(discipline: Discipline<'_>, calls: &[Call<Op>], steps: &[Step]) -> bool {
    let mut done: FxHashMap<u32, usize> = FxHashMap::default();
    let respects_drains = steps.iter().all(|step| {
        let (Op::Drain(values), Some(_)) =
            (&calls[step.call as usize].op, calls[step.call as usize].complete)
        else {
            return true;
        };
        let done = done.entry(step.call).or_default();
        let next = match step.effect {
            Effect::Take(taken) => {
                values[(*done).min(values.len())..].iter().position(|&value| value == taken)
            }
            _ => (*done <= values.len()).then(|| values.len() - *done),
        };
        *done += next.map_or(0, |next| next + 1);
        next.is_some()
    });
    respects_drains && respect_time(calls, steps) && obey(discipline, steps)
}

/// Whether each call does what it was answered, and open ones what they can have done.
fn are_complete(calls: &[Call<Op>], steps: &[Step]) -> bool {
    let mut done = vec![0_usize; calls.len()];
    for &Step { call, effect } in steps {
        let Some(Call { op, complete, .. }) = calls.get(call as usize) else { return false };
        let is_open = complete.is_none();
        let count = &mut done[call as usize];
        let is_next = match (op, effect) {
            (Op::Put(value), Effect::Put(put)) => *count == 0 && *value == put,
            (Op::DrainUnknown, Effect::Take(_)) => true,
            (Op::Drain(_), Effect::Take(_)) if is_open => true,
            (Op::TakeUnknown, Effect::Take(_)) => *count == 0,
            (Op::Take(_), Effect::Take(_)) if is_open => *count == 0,
            (Op::Take(Some(value)), Effect::Take(taken)) => *count == 0 && *value == taken,
            (Op::Take(None), Effect::Empty) => *count == 0 && !is_open,
            (Op::Drain(values), Effect::Take(taken)) => values.get(*count) == Some(&taken),
            (Op::Drain(values), Effect::Empty) => *count == values.len() && !is_open,
            _ => false,
        };
        if !is_next {
            return false;
        }
        *count += 1;
    }
    calls.iter().zip(done).all(|(call, done)| match &call.op {
        _ if call.complete.is_none() => true,
        Op::TakeUnknown | Op::DrainUnknown => true,
        Op::Put(_) | Op::Take(_) => done == 1,
        Op::Drain(values) => done == values.len() + 1,
    })
}

fn respect_time(calls: &[Call<Op>], steps: &[Step]) -> bool {
    let mut first_end = OPEN;
    steps.iter().rev().all(|step| {
        let call = &calls[step.call as usize];
        let is_known = !matches!(call.op, Op::TakeUnknown | Op::DrainUnknown);
        let end = call.complete.filter(|_| is_known).unwrap_or(OPEN);
        let is_in_time = call.invoke < first_end.min(end);
        first_end = first_end.min(end);
        is_in_time
    })
}

fn obey(discipline: Discipline<'_>, steps: &[Step]) -> bool {
    let mut line: VecDeque<u32> = VecDeque::new();
    let mut ranked: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    steps.iter().all(|step| match (discipline, step.effect) {
        (_, Effect::Empty) => line.is_empty() && ranked.is_empty(),
        (Discipline::Fifo | Discipline::Lifo, Effect::Put(value)) => {
            line.push_back(value);
            true
        }
        (Discipline::Fifo, Effect::Take(value)) => line.pop_front() == Some(value),
        (Discipline::Lifo, Effect::Take(value)) => line.pop_back() == Some(value),
        (_, Effect::Put(value)) => {
            *ranked.entry((discipline.rank(value), value)).or_default() += 1;
            true
        }
        (_, Effect::Take(value)) => {
            let key = (discipline.rank(value), value);
            let is_lowest = ranked.first_key_value().is_some_and(|(first, _)| first.0 == key.0);
            let Some(count) = ranked.get_mut(&key).filter(|_| is_lowest) else { return false };
            *count -= 1;
            if *count == 0 {
                ranked.remove(&key);
            }
            true
        }
    })
}
