//! Counters from zero, or another number.

use super::Verdicts;
use super::search::{Call, has_order};
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::value::Val;

#[derive(Debug)]
enum Act {
    Add(i128),
    Read(i128),
}

fn read(op: &Op) -> Option<i128> {
    op.answer.whole()
}

fn reads<'a>(ops: &[&'a Op]) -> Vec<&'a Op> {
    ops.iter().copied().filter(|op| op.f == F::Get && op.end == End::Ok).collect()
}

/// Whether all orders were tried in vain.
pub fn exact(ops: &[&Op], initial: Option<&Val>) -> Verdicts {
    let mut calls = Vec::new();
    let mut is_readable = true;
    for op in ops {
        let act = match op.f {
            F::Add => op.arg.whole().map(Act::Add),
            _ if op.end != End::Ok => continue,
            _ => read(op).map(Act::Read),
        };
        is_readable &= act.is_some();
        if act.is_none() && op.f == F::Add {
            return Verdicts::UNKNOWN;
        }
        calls.extend(act.map(|act| Call::new(op, vec![act])));
    }
    let next = |sum: &i128, act: &Act| match act {
        Act::Add(amount) => vec![sum + amount],
        Act::Read(value) => {
            if value == sum {
                vec![*sum]
            } else {
                Vec::new()
            }
        }
    };
    let verdict = Verdicts::of(has_order(&calls, initial.and_then(Val::whole).unwrap_or(0), &next));
    if is_readable { verdict } else { verdict.unreadable() }
}

/// Each read lies between what was certainly and what was possibly added; where nothing is taken away, no
/// read is below one that was over before it began.
pub fn bounds(ops: &[&Op]) -> Verdicts {
    let adds = ops.iter().filter(|op| op.f == F::Add);
    let adds: Option<Vec<(&Op, i128)>> = adds.map(|op| Some((*op, op.arg.whole()?))).collect();
    let Some(adds) = adds else { return Verdicts::UNKNOWN };
    let reads = reads(ops);
    let is_readable = reads.iter().all(|op| read(op).is_some());
    let values: Vec<(&Op, i128)> =
        reads.iter().filter_map(|op| read(op).map(|value| (*op, value))).collect();
    let is_within = |&(op, value): &(&Op, i128)| {
        let certain = |add: &Op| add.complete.is_some_and(|end| end < op.invoke);
        let possible = |add: &Op| op.complete.is_some_and(|end| add.invoke < end);
        let sum = |wanted: &dyn Fn(&Op, i128) -> bool| -> i128 {
            adds.iter().filter(|(add, amount)| wanted(add, *amount)).map(|(_, amount)| amount).sum()
        };
        let least = sum(&|add, amount| if amount > 0 { certain(add) } else { possible(add) });
        let most = sum(&|add, amount| if amount > 0 { possible(add) } else { certain(add) });
        least <= value && value <= most
    };
    let only_grows = adds.iter().all(|(_, amount)| *amount >= 0);
    let falls = values.iter().any(|(one, before)| {
        values.iter().any(|(other, after)| {
            one.complete.is_some_and(|end| end < other.invoke) && after < before
        })
    });
    let verdict = Verdicts::of(values.iter().all(is_within) && !(only_grows && falls));
    if is_readable { verdict } else { verdict.unreadable() }
}

/// What a process reads last, after all additions were over, lies between the bounds; and no read is beyond all that
/// was asked for by then.
pub fn eventual(ops: &[&Op]) -> Verdicts {
    let adds = ops.iter().filter(|op| op.f == F::Add);
    let adds: Option<Vec<(&Op, i128)>> = adds.map(|op| Some((*op, op.arg.whole()?))).collect();
    let Some(adds) = adds else { return Verdicts::UNKNOWN };
    let reads = reads(ops);
    let is_readable = reads.iter().all(|op| read(op).is_some());
    let values: Vec<(&Op, i128)> =
        reads.iter().filter_map(|op| read(op).map(|value| (*op, value))).collect();
    let is_reached = |&(op, value): &(&Op, i128)| {
        let asked = |is_up: bool| -> i128 {
            let asked = adds.iter().filter(|(add, amount)| {
                op.complete.is_some_and(|end| add.invoke < end) && (*amount > 0) == is_up
            });
            asked.map(|(_, amount)| amount).sum()
        };
        asked(false) <= value && value <= asked(true)
    };
    let is_last = |op: &Op| {
        let after_all = adds
            .iter()
            .all(|(add, _)| add.end != End::Ok || add.complete.is_some_and(|end| end < op.invoke));
        let of_process = values.iter().filter(|(it, _)| it.process == op.process);
        after_all && of_process.map(|(it, _)| it.invoke).max() == Some(op.invoke)
    };
    let is_bounded = |&(op, value): &(&Op, i128)| {
        let sum = |is_up: bool| -> i128 {
            let counted = adds.iter().filter(|(add, amount)| {
                add.end == End::Ok
                    || (*amount > 0) == is_up && add.invoke < op.complete.unwrap_or(usize::MAX)
            });
            counted.map(|(_, amount)| amount).sum()
        };
        !is_last(op) || (sum(false) <= value && value <= sum(true))
    };
    let verdict = Verdicts::of(values.iter().all(|it| is_reached(it) && is_bounded(it)));
    if is_readable { verdict } else { verdict.unreadable() }
}
