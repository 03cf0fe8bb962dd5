//! Additions of one sign, counted along time.
//!
//! If nothing is taken away, the sum at a time, `F`, only grows, and values order the answers that
//! tell it. An answer in the interval from `a` to `b` that tells `v` asks that `F(a) <= v <= F(b)`.
//! Where all amounts are equal, that is all: `F` grows in equal steps, so that it is `v` somewhere
//! between. (Take any times of the additions that respect this. The k-th addition in order of time
//! is then after each `a` whose `v` is below k and before each `b` whose `v` is not; so the order by
//! time, with the answers between the additions, respects all intervals.) An addition that was
//! answered with the sum has its own place among the others and is left out of `F`.
//!
//! The least `F` is found going along time, by adding nothing that need not be: an addition is done
//! when it is over, or when an answer that ends asks for more; then the one that must be over first
//! is done. If that `F` is too large where an answer begins, so is every other; if nothing is there
//! to be done, nothing is. O(n log n).
//!
//! Where amounts differ, the same with additions that may be done in part is asked for less than
//! the truth: it refutes, but does not prove.
//!
//! If it is not known where the counter began, it began with the largest sum for which no answer is
//! below what is certain: that asks for the fewest additions.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Add, Fixed, History, OPEN, in_order};

/// What a sweep comes to.
#[derive(Debug)]
pub(super) enum Sweep {
    Order(Vec<u32>),
    Refuted(Misfit),
    /// Amounts differ, and in part there would be an order.
    Undecided,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It lacks what was done.
    TooLow,
    /// It has more than can have been done.
    TooHigh,
}

/// What happens in a place. At one place, what ends comes before what begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    AddEnds(usize),
    AnswerEnds(usize),
    AddBegins(usize),
    AnswerBegins(usize),
}

/// Sweeps over additions of which none is below zero. Sorts the answers by value.
pub(super) fn sweep(history: &mut History) -> Sweep {
    history.fixed.sort_by_key(|fixed| (fixed.before, fixed.after, fixed.end));
    if let Err(misfit) = are_ordered(&history.fixed) {
        return Sweep::Refuted(misfit);
    }
    let history = &*history;
    let Some(wanted) = wanted(history) else {
        return Sweep::Order(in_order(history, std::iter::empty()));
    };
    let done = match least(history, &wanted) {
        Ok(done) => done,
        Err(misfit) => return Sweep::Refuted(misfit),
    };
    let mut amounts = history.amounts();
    let first = amounts.next();
    if !amounts.all(|amount| Some(amount) == first) {
        return Sweep::Undecided;
    }
    let mut done = done.into_iter().peekable();
    let mut sum = 0;
    let mut steps = Vec::with_capacity(history.adds.len() + history.fixed.len());
    for (fixed, wanted) in history.fixed.iter().zip(wanted) {
        while sum < wanted
            && let Some(at) = done.next()
        {
            sum += history.adds[at].amount;
            steps.push((history.adds[at].start, history.adds[at].call));
        }
        steps.push((fixed.start, fixed.call));
    }
    steps.extend(done.map(|at| (history.adds[at].start, history.adds[at].call)));
    Sweep::Order(in_order(history, steps.into_iter()))
}

/// Whether values do not overlap and agree with time, where the order of answers is not free.
fn are_ordered(fixed: &[Fixed]) -> Result<(), Misfit> {
    let (mut start_before, mut after) = (0, None);
    for equal in fixed.chunk_by(|a, b| (a.before, a.after) == (b.before, b.after)) {
        let [first, others @ ..] = equal else { continue };
        let is_read = first.before == first.after;
        if after.is_some_and(|after| first.before < after) || (!is_read && !others.is_empty()) {
            return Err(Misfit::TooLow);
        }
        if equal.iter().any(|fixed| fixed.end <= start_before) {
            return Err(Misfit::TooLow);
        }
        start_before = equal.iter().map(|fixed| fixed.start).fold(start_before, u32::max);
        after = Some(first.after);
    }
    Ok(())
}

/// For each answer, how much those additions have done before it that do not tell the sum. None if
/// no answer tells anything.
fn wanted(history: &History) -> Option<Vec<i128>> {
    let mut told = 0;
    let mut wanted: Vec<i128> = Vec::with_capacity(history.fixed.len());
    for fixed in &history.fixed {
        wanted.push(fixed.before - told);
        told += fixed.after - fixed.before;
    }
    let mut ends: Vec<(u32, i128)> = history.adds.iter().map(|add| (add.end, add.amount)).collect();
    ends.sort_unstable_by_key(|&(end, _)| end);
    let mut sum = 0;
    for (_, amount) in &mut ends {
        sum += *amount;
        *amount = sum;
    }
    let certain = |place: u32| {
        let over = ends.partition_point(|&(end, _)| end <= place);
        over.checked_sub(1).map_or(0, |last| ends[last].1)
    };
    let allowed = history.fixed.iter().zip(&wanted).map(|(f, wanted)| wanted - certain(f.start));
    let initial = history.initial.or(allowed.min())?;
    for wanted in &mut wanted {
        *wanted -= initial;
    }
    Some(wanted)
}

/// The additions in the order in which the least of them are done.
fn least(history: &History, wanted: &[i128]) -> Result<Vec<usize>, Misfit> {
    let History { adds, fixed, .. } = history;
    let mut events: Vec<(u32, Event)> = Vec::with_capacity(2 * (adds.len() + fixed.len()));
    for (at, add) in adds.iter().enumerate() {
        events.push((add.start, Event::AddBegins(at)));
        if add.end != OPEN {
            events.push((add.end, Event::AddEnds(at)));
        }
    }
    for (at, fixed) in fixed.iter().enumerate() {
        events.extend([(fixed.start, Event::AnswerBegins(at)), (fixed.end, Event::AnswerEnds(at))]);
    }
    events.sort_unstable();
    let mut pending: BinaryHeap<Reverse<(u32, u32, usize)>> = BinaryHeap::new();
    let mut rest: Vec<i128> = adds.iter().map(|add| add.amount).collect();
    let mut order = Vec::with_capacity(adds.len());
    let mut sum = 0;
    for (_, event) in events {
        match event {
            Event::AddBegins(at) => {
                let Add { start, end, .. } = adds[at];
                pending.push(Reverse((end, start, at)));
            }
            Event::AddEnds(at) if rest[at] > 0 => {
                sum += std::mem::take(&mut rest[at]);
                order.push(at);
            }
            Event::AnswerBegins(at) if sum > wanted[at] => return Err(Misfit::TooLow),
            Event::AddEnds(_) | Event::AnswerBegins(_) => {}
            Event::AnswerEnds(at) => {
                while sum < wanted[at] {
                    let Some(&Reverse((_, _, add))) = pending.peek() else {
                        return Err(Misfit::TooHigh);
                    };
                    let part = rest[add].min(wanted[at] - sum);
                    sum += part;
                    rest[add] -= part;
                    if rest[add] == 0 {
                        pending.pop();
                        if part > 0 {
                            order.push(add);
                        }
                    }
                }
            }
        }
    }
    Ok(order)
}
