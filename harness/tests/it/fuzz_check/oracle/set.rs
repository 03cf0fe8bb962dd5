//! Sets that only grow.

use std::collections::BTreeSet;

use super::Verdicts;
use super::search::{Call, has_order};
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::value::Val;

#[derive(Debug)]
enum Act {
    Add(Val),
    Read(BTreeSet<Val>),
}

/// The elements of each answered read that is a list or set, and whether one holds an element twice, or
/// is neither.
struct Reads<'a> {
    all: Vec<(&'a Op, BTreeSet<Val>)>,
    has_doubles: bool,
    is_readable: bool,
}

fn reads<'a>(ops: &[&'a Op]) -> Reads<'a> {
    let mut reads = Reads { all: Vec::new(), has_doubles: false, is_readable: true };
    for op in ops.iter().filter(|op| op.f == F::Get && op.end == End::Ok) {
        let Some(items) = op.answer.items() else {
            reads.is_readable = false;
            continue;
        };
        let elements: BTreeSet<Val> = items.iter().cloned().collect();
        reads.has_doubles |= elements.len() < items.len();
        reads.all.push((op, elements));
    }
    reads
}

fn judged(verdict: Verdicts, reads: &Reads<'_>) -> Verdicts {
    // Without a read nothing is known of the set.
    let verdict = if reads.all.is_empty() { verdict.and(Verdicts::UNKNOWN) } else { verdict };
    if reads.is_readable { verdict } else { verdict.unreadable() }
}

pub fn linearizable(ops: &[&Op]) -> Verdicts {
    let reads = reads(ops);
    if reads.has_doubles {
        return Verdicts::INVALID;
    }
    let adds: Vec<&Op> = ops.iter().copied().filter(|op| op.f == F::Add).collect();
    let mut calls: Vec<Call<Act>> =
        adds.iter().map(|op| Call::new(op, vec![Act::Add(op.arg.clone())])).collect();
    let read =
        |(op, elements): &(&Op, BTreeSet<Val>)| Call::new(op, vec![Act::Read(elements.clone())]);
    calls.extend(reads.all.iter().map(read));
    let next = |state: &BTreeSet<Val>, act: &Act| match act {
        Act::Add(element) => {
            let mut after = state.clone();
            after.insert(element.clone());
            vec![after]
        }
        Act::Read(elements) => {
            if elements == state {
                vec![state.clone()]
            } else {
                Vec::new()
            }
        }
    };
    let verdict = Verdicts::of(has_order(&calls, BTreeSet::new(), &next));
    let elements: BTreeSet<&Val> = adds.iter().map(|op| &op.arg).collect();
    let is_blind = elements.len() < adds.len();
    // Between two additions of one element not all is seen.
    let verdict = if is_blind && verdict.invalid { verdict.or(Verdicts::VALID) } else { verdict };
    judged(verdict, &reads)
}

/// Nothing is invented, duplicated, or lost: there, and then gone for good.
pub fn eventual(ops: &[&Op]) -> Verdicts {
    let reads = reads(ops);
    let adds = |element: &Val| {
        ops.iter().filter(|op| op.f == F::Add && op.arg == *element).collect::<Vec<_>>()
    };
    let end = |op: &Op| op.complete.unwrap_or(usize::MAX);
    let is_invented = reads.all.iter().any(|(op, elements)| {
        elements.iter().any(|element| !adds(element).iter().any(|add| add.invoke < end(op)))
    });
    let elements: BTreeSet<&Val> =
        ops.iter().filter(|op| op.f == F::Add).map(|op| &op.arg).collect();
    let is_lost = elements.into_iter().any(|element| {
        let seen = || reads.all.iter().filter(|(_, elements)| elements.contains(element));
        let known = adds(element).into_iter().map(|add| end(add));
        let known = known.chain(seen().map(|(op, _)| end(op))).min().unwrap_or(usize::MAX);
        reads.all.iter().any(|(op, elements)| {
            !elements.contains(element)
                && op.invoke > known
                && seen().all(|(seen, _)| end(seen) < op.invoke)
        })
    });
    judged(Verdicts::of(!is_invented && !is_lost && !reads.has_doubles), &reads)
}

/// The same, and what a process reads last, after all additions were over, lacks nothing that was there before.
pub fn converged(ops: &[&Op]) -> Verdicts {
    let eventual = eventual(ops);
    let reads = reads(ops);
    let adds = || ops.iter().filter(|op| op.f == F::Add);
    let end = |op: &Op| op.complete.unwrap_or(usize::MAX);
    let is_after_all = |read: &Op| adds().all(|add| add.end != End::Ok || end(add) < read.invoke);
    let lacks = reads.all.iter().any(|(read, elements)| {
        let is_last =
            reads.all.iter().all(|(it, _)| it.process != read.process || it.invoke <= read.invoke);
        let there = adds().map(|add| (&add.arg, add)).filter(|(element, add)| {
            let is_seen = |(seen, elements): &(&Op, BTreeSet<Val>)| {
                elements.contains(element) && end(seen) < read.invoke
            };
            (add.end == End::Ok && end(add) < read.invoke) || reads.all.iter().any(is_seen)
        });
        is_last
            && is_after_all(read)
            && there.into_iter().any(|(element, _)| !elements.contains(element))
    });
    if lacks { eventual.and(Verdicts::INVALID) } else { eventual }
}
