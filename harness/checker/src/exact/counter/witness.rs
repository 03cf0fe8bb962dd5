//! Few operations of a counter that contradict one another.
//!
//! An operation is struck by forgetting when it happened and what it was answered: a read is left
//! out, an addition may then take effect at any time or never. That never makes a good history bad,
//! unlike leaving out an addition. What was over before a beginning may be struck all at once, by
//! letting the counter begin with any number. So what is looked for is the first end that nothing
//! explains, the last beginning from which that is so whatever was before, and what is needed in
//! between.

use super::sweep::{self, Misfit, Sweep};
use super::{Decision, History, Op, Signs, decide};
use crate::budget::{Budget, Meter};
use crate::exact::shrink::{fewest, leave_out};
use crate::exact::{Anomaly, Refutation, Scope};
use crate::model::Call;

/// The most steps of one trial.
const MOST_STEPS: u64 = 20_000;

/// What is struck: what was over before `start`, and what is not among those kept.
struct Trial<'a> {
    initial: i128,
    calls: &'a [Call<Op>],
    /// The last completion that counts.
    end: u32,
    budget: Budget<'a>,
}

/// The contradiction of calls that have no order.
pub(super) fn refute(initial: i128, calls: &[Call<Op>], budget: Budget<'_>) -> Refutation {
    let mut ends: Vec<u32> = calls.iter().filter_map(|call| call.complete).collect();
    ends.sort_unstable();
    let budget = Budget { steps: budget.steps.min(MOST_STEPS), ..budget };
    let mut trial = Trial { initial, calls, end: u32::MAX, budget };
    let count = fewest(ends.len(), &mut |count| {
        trial.end = ends[count - 1];
        trial.contradicts(None, &trial.candidates(None)) == Some(true)
    });
    trial.end = ends.get(count - 1).copied().unwrap_or(u32::MAX);
    let start = trial.last_start(&ends[..count]);
    let mut kept = trial.candidates(start);
    let mut is_minimal = false;
    if trial.contradicts(start, &kept) == Some(true) {
        (kept, is_minimal) = leave_out(kept, &mut |kept| {
            if (budget.stop)() { None } else { trial.contradicts(start, kept) }
        });
    }
    Refutation {
        anomaly: trial.anomaly(start, &kept),
        positions: kept,
        is_minimal,
        scope: if start.is_some() { Scope::InAnyState } else { Scope::WithOthers },
    }
}

impl Trial<'_> {
    /// What began after the start and before the end.
    fn candidates(&self, start: Option<u32>) -> Vec<u32> {
        let is_within = |call: &Call<Op>| {
            call.invoke < self.end && start.is_none_or(|start| call.invoke > start)
        };
        (0u32..).zip(self.calls).filter(|(_, call)| is_within(call)).map(|(at, _)| at).collect()
    }

    /// The last completion after which there is a contradiction whatever was before.
    fn last_start(&self, ends: &[u32]) -> Option<u32> {
        let start = |count: usize| Some(ends[ends.len() - count]);
        let is_enough = |count: usize| {
            let start = start(count);
            self.contradicts(start, &self.candidates(start)) == Some(true)
        };
        let (mut too_few, mut enough) = (1, 2);
        while enough <= ends.len() {
            if is_enough(enough) {
                let more = fewest(enough - too_few, &mut |more| is_enough(too_few + more));
                return start(too_few + more);
            }
            (too_few, enough) = (enough, 2 * enough);
        }
        None
    }

    fn contradicts(&self, start: Option<u32>, kept: &[u32]) -> Option<bool> {
        let initial = start.is_none().then_some(self.initial);
        match decide(initial, &self.strike(start, kept), &mut Meter::new(self.budget)) {
            Decision::Impossible => Some(true),
            Decision::Order(_) => Some(false),
            Decision::Unknown(_) => None,
        }
    }

    fn strike(&self, start: Option<u32>, kept: &[u32]) -> Vec<Call<Op>> {
        let mut kept = kept.iter().peekable();
        let mut struck = Vec::with_capacity(self.calls.len());
        for (at, &Call { op, invoke, complete }) in (0u32..).zip(self.calls) {
            let complete = complete.filter(|&complete| complete <= self.end);
            if kept.next_if_eq(&&at).is_some() {
                struck.push(Call { op, invoke, complete });
                continue;
            }
            let is_before = matches!((start, complete), (Some(start), Some(complete))
                if complete <= start);
            if let Op::Add(amount) | Op::AddAndGet { amount, .. } = op
                && !is_before
                && invoke < self.end
            {
                struck.push(Call { op: Op::Add(amount), invoke: 0, complete: None });
            }
        }
        struck
    }

    fn anomaly(&self, start: Option<u32>, kept: &[u32]) -> Anomaly {
        let initial = start.is_none().then_some(self.initial);
        let Some(mut history) = History::new(initial, &self.strike(start, kept)) else {
            return Anomaly::NotLinearizable;
        };
        if !history.is_within_bounds() && history.signs() == Signs::Both {
            return Anomaly::OutOfBounds;
        }
        if history.signs() == Signs::Down {
            history = history.negated();
        }
        match history.signs() {
            Signs::Up => match sweep::sweep(&mut history) {
                Sweep::Refuted(Misfit::TooLow) => Anomaly::StaleRead,
                Sweep::Refuted(Misfit::TooHigh) => Anomaly::OutOfBounds,
                _ => Anomaly::NotLinearizable,
            },
            _ => Anomaly::NotLinearizable,
        }
    }
}
