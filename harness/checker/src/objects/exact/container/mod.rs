//! Queues, stacks, priority queues and bags: what is put in comes out once.
//!
//! [`check`] decides for each [`Discipline`] whether some order explains all answers:
//!
//! - Every element that comes out was put in, not later, and once for each time. O(n log n).
//! - Elements that differ are decided without search, also beside takes that found nothing,
//!   O(n log n): [`fifo`] (Henzinger, Sezgin and Vafeiadis, CONCUR 2013), [`lifo`] and [`priority`]
//!   (after Lee and Mathur, "Efficient Decrease-and-Conquer Linearizability Monitoring", OOPSLA
//!   2025), [`bag`].
//! - A take that was never answered may have taken one element. For queues and bags that is decided
//!   without search too; for stacks and priority queues two bounds are tried, then the search.
//! - Equal elements are paired by a guess, which is right if it leads to an order. Else the search
//!   decides, within its budget.
//!
//! A drain is a sequence of takes within its interval, in the order listed, of which the last found
//! nothing. A drain that was never answered may have taken any number of elements. A take or a
//! drain that is completed without a readable answer counts as one that was never answered: that
//! excuses more, and accuses nothing wrongly.

mod bag;
mod cover;
mod fifo;
mod lifo;
mod model;
mod parts;
mod priority;
mod replay;
mod structure;
#[cfg(test)]
mod tests;
mod witness;

use crate::budget::{Budget, Limit};
use crate::model::Call;
use crate::objects::exact::Answer;
use parts::Parts;
use structure::Structure;

/// One operation with its answer. Elements are numbers; equal elements have equal numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// An element was put in.
    Put(u32),
    /// One was taken out; none if nothing was there.
    Take(Option<u32>),
    /// One may have been taken out; which is not known.
    TakeUnknown,
    /// These were taken out in this order, and then nothing was there.
    Drain(Box<[u32]>),
    /// Any number may have been taken out.
    DrainUnknown,
}

/// Which of its elements an object hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discipline<'a> {
    /// The one that was put in first: a queue.
    Fifo,
    /// The one that was put in last: a stack.
    Lifo,
    /// One of the lowest rank: a priority queue. The ranks of the elements 0, 1, ...; an element
    /// beyond them is its own rank. Where ties are broken by value, no two ranks are equal.
    Priority(&'a [u32]),
    /// Any.
    Unordered,
}

impl Discipline<'_> {
    /// Elements of lower rank come out first; 0 where ranks have no say.
    fn rank(self, element: u32) -> u32 {
        match self {
            Discipline::Priority(ranks) => ranks.get(element as usize).copied().unwrap_or(element),
            _ => 0,
        }
    }
}

/// Decides whether `calls` are linearizable, and shows an order or a contradiction.
pub fn check(discipline: Discipline<'_>, calls: &[Call<Op>], budget: Budget<'_>) -> Answer {
    let parts = Parts::new(calls);
    if let Some(miscount) = witness::miscounted(&parts) {
        return Answer::Invalid(witness::least(discipline, calls, &parts, miscount, budget));
    }
    let view = parts.whole();
    let structure = structure::decide(discipline, &parts, &view, budget.stop);
    let confirms = |steps: &[replay::Step]| replay::confirms(discipline, calls, steps);
    match structure {
        Structure::Order(steps) if confirms(&steps) => Answer::Valid(replay::positions(&steps)),
        Structure::Refuted(clash) => {
            Answer::Invalid(witness::refute(discipline, calls, &parts, &clash, budget))
        }
        _ if (budget.stop)() => Answer::Unknown(Limit::Stopped),
        _ => search(discipline, calls, &parts, budget),
    }
}

fn search(
    discipline: Discipline<'_>,
    calls: &[Call<Op>],
    parts: &Parts,
    budget: Budget<'_>,
) -> Answer {
    let view = parts.whole();
    match model::search(discipline, parts, &view, budget) {
        model::Found::Order(steps) => {
            let is_right = replay::confirms(discipline, calls, &steps);
            assert!(is_right, "an order that was found step by step replays");
            Answer::Valid(replay::positions(&steps))
        }
        model::Found::Impossible => {
            let clash = structure::Clash::unknown(view);
            Answer::Invalid(witness::refute(discipline, calls, parts, &clash, budget))
        }
        model::Found::Unknown(limit) => Answer::Unknown(limit),
    }
}
