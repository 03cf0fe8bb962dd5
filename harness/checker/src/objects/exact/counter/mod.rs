//! A counter: numbers are added, and their sum is read.
//!
//! Additions change places freely: what a read sees is the sum of those that took effect before it.
//! So an order is a growing set of additions, and where in it each read is. [`check`] finds one, or
//! shows that there is none:
//!
//! - Where all amounts are equal, the number of additions done by some time has a least and a most
//!   at each read, and nothing else is asked: the [`sweep`], O(n log n), with any number of
//!   additions at once or without an answer.
//! - Where none is below zero (or none above), values order the reads. The sweep with amounts taken
//!   apart at will refutes many a history without search.
//! - Else, and to be exact, the [`search`]: from one answer to the next, over the sets of additions
//!   in between. Which sums some numbers can have is a hard problem (subset sum), so that it has a
//!   budget. At low concurrency, or with few different amounts, it is as good as linear.
//!
//! An addition may be answered with the sum after it. An open one may take effect at any time after
//! it began, or never.

mod combos;
mod search;
mod sweep;
#[cfg(test)]
mod tests;
mod witness;

use rustc_hash::FxHashSet;

use crate::budget::{Budget, Limit, Meter};
use crate::model::Call;
use crate::objects::exact::Answer;
use sweep::Sweep;

/// One operation with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// An amount was added, which may be zero or less.
    Add(i128),
    /// An amount was added, and the answer was the sum after that.
    AddAndGet {
        /// What was added.
        amount: i128,
        /// The sum after it.
        after: i128,
    },
    /// The sum was read.
    Read(i128),
}

/// Decides whether `calls` are linearizable on a counter that begins with `initial`.
///
/// Numbers so large that sums of them do not fit are not decided: [`Limit::Algorithm`].
pub fn check(initial: i128, calls: &[Call<Op>], budget: Budget<'_>) -> Answer {
    match decide(Some(initial), calls, &mut Meter::new(budget)) {
        Decision::Order(order) => Answer::Valid(order),
        Decision::Impossible => Answer::Invalid(witness::refute(initial, calls, budget)),
        Decision::Unknown(limit) => Answer::Unknown(limit),
    }
}

/// What is known about some calls.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    Order(Vec<u32>),
    Impossible,
    Unknown(Limit),
}

/// The end of what has none.
const OPEN: u32 = u32::MAX;

/// An addition whose answer says nothing.
#[derive(Debug, Clone, Copy)]
struct Add {
    call: u32,
    start: u32,
    end: u32,
    amount: i128,
}

/// An answer that tells the sum: a read, or an addition that was answered with it.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    call: u32,
    start: u32,
    end: u32,
    before: i128,
    after: i128,
}

/// The calls, sorted by what they tell.
#[derive(Debug)]
struct History {
    /// The sum at the beginning, if it is known.
    initial: Option<i128>,
    adds: Vec<Add>,
    /// Additions of zero, which change nothing.
    idle: Vec<Add>,
    fixed: Vec<Fixed>,
}

/// Which signs amounts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signs {
    Up,
    Down,
    Both,
}

impl History {
    /// None if sums may not fit.
    fn new(initial: Option<i128>, calls: &[Call<Op>]) -> Option<Self> {
        let mut history =
            History { initial, adds: Vec::new(), idle: Vec::new(), fixed: Vec::new() };
        let mut reach = initial.unwrap_or(0).checked_abs()?;
        for (call, &Call { op, invoke: start, complete }) in (0..).zip(calls) {
            let end = complete.unwrap_or(OPEN);
            let (Op::Add(amount) | Op::AddAndGet { amount, .. } | Op::Read(amount)) = op;
            reach = reach.checked_add(amount.checked_abs()?)?;
            let fixed = |before, after| Fixed { call, start, end, before, after };
            match op {
                Op::Read(_) | Op::Add(0) | Op::AddAndGet { amount: 0, .. } if end == OPEN => {}
                Op::Read(value) => history.fixed.push(fixed(value, value)),
                Op::AddAndGet { amount, after } if end != OPEN => {
                    reach = reach.checked_add(after.checked_abs()?)?;
                    history.fixed.push(fixed(after.checked_sub(amount)?, after));
                }
                Op::Add(0) => history.idle.push(Add { call, start, end, amount: 0 }),
                Op::Add(amount) | Op::AddAndGet { amount, .. } => {
                    history.adds.push(Add { call, start, end, amount });
                }
            }
        }
        reach.checked_mul(4).map(|_| history)
    }

    /// All amounts other than zero.
    fn amounts(&self) -> impl Iterator<Item = i128> {
        let fixed = self.fixed.iter().map(|fixed| fixed.after - fixed.before);
        self.adds.iter().map(|add| add.amount).chain(fixed).filter(|&amount| amount != 0)
    }

    fn signs(&self) -> Signs {
        match (self.amounts().any(|amount| amount > 0), self.amounts().any(|amount| amount < 0)) {
            (_, false) => Signs::Up,
            (false, true) => Signs::Down,
            (true, true) => Signs::Both,
        }
    }

    /// The same with all numbers turned around.
    fn negated(&self) -> History {
        let add = |add: &Add| Add { amount: -add.amount, ..*add };
        let fixed = |fixed: &Fixed| Fixed { before: -fixed.before, after: -fixed.after, ..*fixed };
        History {
            initial: self.initial.map(|initial| -initial),
            adds: self.adds.iter().map(add).collect(),
            idle: self.idle.clone(),
            fixed: self.fixed.iter().map(fixed).collect(),
        }
    }

    /// Whether the differences of the sums told are multiples of what all amounts have in common.
    fn is_in_steps(&self) -> bool {
        let step = self.amounts().fold(0, gcd);
        let Some(base) = self.initial.or(self.fixed.first().map(|fixed| fixed.before)) else {
            return true;
        };
        self.fixed.iter().all(|fixed| {
            let distance = fixed.before - base;
            distance == 0 || (step != 0 && distance % step == 0)
        })
    }

    /// Whether each sum told lies between the least and the most that can be there.
    fn is_within_bounds(&self) -> bool {
        let Some(initial) = self.initial else { return true };
        let least_most = |fixed: &Fixed| {
            let other = self.fixed.iter().filter(|other| other.call != fixed.call);
            let other = other.map(|add| (add.start, add.end, add.after - add.before));
            let adds = self.adds.iter().map(|add| (add.start, add.end, add.amount)).chain(other);
            let (mut least, mut most) = (initial, initial);
            for (start, end, amount) in adds {
                let (is_certain, is_possible) = (end <= fixed.start, start < fixed.end);
                if is_certain || (is_possible && amount < 0) {
                    least += amount;
                }
                if is_certain || (is_possible && amount > 0) {
                    most += amount;
                }
            }
            least <= fixed.before && fixed.before <= most
        };
        self.fixed.iter().all(least_most)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Decides, beginning with the given sum or with any.
fn decide(initial: Option<i128>, calls: &[Call<Op>], meter: &mut Meter<'_>) -> Decision {
    let Some(mut history) = History::new(initial, calls) else {
        return Decision::Unknown(Limit::Algorithm);
    };
    if !history.is_in_steps() {
        return Decision::Impossible;
    }
    let signs = history.signs();
    if signs == Signs::Down {
        history = history.negated();
    }
    if signs != Signs::Both {
        match sweep::sweep(&mut history) {
            Sweep::Order(order) if confirms(initial, calls, &order) => {
                return Decision::Order(order);
            }
            Sweep::Refuted(_) => return Decision::Impossible,
            _ => {}
        }
    }
    match search::search(&history, signs != Signs::Both, meter) {
        Ok(Some(order)) => {
            let is_right = confirms(initial, calls, &order);
            assert!(is_right, "an order that was found step by step replays");
            Decision::Order(order)
        }
        Ok(None) => Decision::Impossible,
        Err(limit) => Decision::Unknown(limit),
    }
}

/// One step of an order, not before this place.
type Step = (u32, u32);

/// The calls in the order of some steps, with additions of zero in between and those that are left
/// at the end.
fn in_order(history: &History, steps: impl Iterator<Item = Step>) -> Vec<u32> {
    let mut gap = 0;
    let mut placed: Vec<(u32, usize, u32)> = Vec::new();
    let mut done = FxHashSet::default();
    for (start, call) in steps {
        gap = gap.max(start);
        placed.push((gap, placed.len(), call));
        done.insert(call);
    }
    let mut rest: Vec<&Add> =
        history.adds.iter().filter(|add| add.end != OPEN && !done.contains(&add.call)).collect();
    rest.sort_unstable_by_key(|add| add.start);
    for add in rest {
        gap = gap.max(add.start);
        placed.push((gap, placed.len(), add.call));
    }
    for add in &history.idle {
        placed.push((add.start, placed.len(), add.call));
    }
    placed.sort_unstable();
    placed.into_iter().map(|(_, _, call)| call).collect()
}

/// Whether an order respects time and gives each call its answer. The first sum that is told
/// decides where the counter began, if that is not known.
fn confirms(initial: Option<i128>, calls: &[Call<Op>], order: &[u32]) -> bool {
    let mut is_done = vec![false; calls.len()];
    let mut sum = initial;
    for &at in order {
        let Some(call) = calls.get(at as usize) else { return false };
        if std::mem::replace(&mut is_done[at as usize], true) {
            return false;
        }
        let (before, after) = match call.op {
            Op::Read(value) => (Some(value), Some(value)),
            Op::AddAndGet { amount, after } if call.complete.is_some() => {
                (Some(after - amount), Some(after))
            }
            Op::Add(amount) | Op::AddAndGet { amount, .. } => (sum, sum.map(|sum| sum + amount)),
        };
        if sum.is_some() && sum != before {
            return false;
        }
        sum = after;
    }
    let mut first_end = OPEN;
    let in_time = order.iter().rev().all(|&at| {
        let Call { invoke, complete, .. } = calls[at as usize];
        first_end = first_end.min(complete.unwrap_or(OPEN));
        invoke < first_end
    });
    in_time && calls.iter().zip(is_done).all(|(call, done)| done || call.complete.is_none())
}
