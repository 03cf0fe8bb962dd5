//! Of few calls, the smallest contradiction that there is.
//!
//! What [`minimize`](crate::linearizable::minimize) leaves has no operation too many, but another set
//! may have fewer. Where the calls are few, all sets are tried, those of fewer calls first. One
//! that is shown
//!
//! - has no order if nothing else was done;
//! - has none with all others [struck](crate::linearizable::strike) either;
//! - has a write of each value that was seen, if the history has one. A compare-and-set may do without
//!   if the rest is a contradiction also where it only writes.

use crate::budget::Budget;
use crate::linearizable::contradiction::{Shown, Sources};
use crate::linearizable::search::{self, Answer};
use crate::linearizable::strike::Trial;
use crate::model::{Call, Model};
use crate::witness::Size;

/// Of more calls not all sets are tried.
pub(crate) const MOST_CALLS: usize = 12;

/// The most steps that one trial may take.
const MOST_STEPS: u64 = 10_000;

/// The smallest contradiction of these calls, if it is smaller than what is known: of fewer operations, then
/// shorter, then earlier.
pub(crate) fn fewest<M: Sources>(
    model: &M,
    calls: &[Call<M::Op>],
    known: Shown,
    budget: Budget<'_>,
) -> Shown {
    if calls.len() > MOST_CALLS {
        return known;
    }
    let budget = Budget { steps: budget.steps.min(MOST_STEPS), ..budget };
    let tried = Tried { model, calls, budget };
    let mut best = known;
    let mut size = Size::of_calls(calls, &best.positions);
    let mut is_certain = true;
    for count in 1..=best.positions.len() {
        for chosen in sets(calls.len(), count) {
            let of_chosen = Size::of_calls(calls, &chosen);
            if of_chosen >= size || (budget.stop)() {
                continue;
            }
            match tried.is_contradiction(&chosen) {
                Some(true) => {
                    size = of_chosen;
                    best = Shown { positions: chosen, is_minimal: true };
                }
                Some(false) => {}
                None => is_certain = false,
            }
        }
        if best.positions.len() == count {
            break;
        }
    }
    let is_certain = is_certain && !(budget.stop)();
    Shown { is_minimal: best.is_minimal && is_certain, ..best }
}

/// All sets of so many of the positions, each in increasing order.
fn sets(positions: usize, count: usize) -> impl Iterator<Item = Vec<u32>> {
    let all = (1_u32 << positions) - 1;
    let sets = (1..=all).filter(move |set| set.count_ones() as usize == count);
    sets.map(|set| (0..u32::BITS).filter(|at| set & (1 << at) != 0).collect())
}

struct Tried<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    budget: Budget<'a>,
}

impl<M: Sources> Tried<'_, M> {
    /// Whether a set can be shown. `None` if that takes too long.
    fn is_contradiction(&self, chosen: &[u32]) -> Option<bool> {
        let Some(bare) = self.bare(chosen) else { return Some(false) };
        let alone: Vec<_> = chosen.iter().map(|&at| self.calls[at as usize].clone()).collect();
        match search::linearize(self.model, &alone, self.budget).answer {
            Answer::NotLinearizable => {}
            Answer::Linearizable(_) => return Some(false),
            Answer::GivenUp(_) => return None,
        }
        if bare.is_empty() {
            return self.is_evidence(self.calls, chosen);
        }
        let mut weaker = self.calls.to_vec();
        for (at, write) in bare {
            weaker[at as usize].op = write;
        }
        self.is_evidence(&weaker, chosen)
    }

    /// Of the calls that saw what none of the set wrote, though another call did, what is left
    /// of each that only writes. None if one of them does not write.
    fn bare(&self, chosen: &[u32]) -> Option<Vec<(u32, M::Op)>> {
        let op = |at: u32| &self.calls[at as usize].op;
        let is_made = |at: u32, by: &mut dyn Iterator<Item = u32>| {
            let others: Vec<&M::Op> = by.filter(|&other| other != at).map(op).collect();
            self.model.is_made_by(op(at), &others)
        };
        let all = || (0u32..).zip(self.calls).map(|(at, _)| at);
        let is_bare =
            |at: u32| !is_made(at, &mut chosen.iter().copied()) && is_made(at, &mut all());
        let bare = chosen.iter().copied().filter(|&at| is_bare(at));
        bare.map(|at| Some((at, self.model.as_write(op(at))?))).collect()
    }

    /// Whether a set has no order with all others struck.
    fn is_evidence(&self, calls: &[Call<M::Op>], chosen: &[u32]) -> Option<bool> {
        let trial = Trial::new(self.model, calls, self.budget);
        let mut is_certain = true;
        for part in trial.parts(chosen) {
            match trial.contradicts(part, chosen) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => is_certain = false,
            }
        }
        is_certain.then_some(false)
    }
}

#[cfg(test)]
mod tests;
